//! The grammar of documents (RFC 8259 §2–5), and what a visitor is told of them.

use super::listener::{Listener, Named};
use super::nesting::Nesting;
use super::number::{Next, Number, whole};
use super::reading::Reading;
use super::run::short;
use super::skip::{past_space, skip};
use super::state::{Literal, State};
use super::text::Text;
use super::{Chunk, Error, Kind, MAX_PATH, Name, Problem, Scalar, Visitor};

/// Reads one document in chunks of any size. See [the module](super).
#[derive(Debug)]
pub struct Scanner<N: Name> {
    grammar: Grammar,
    path: [N; MAX_PATH],
}

/// All of a scanner that does not depend on whose names they are.
#[derive(Debug)]
struct Grammar {
    begin: State,
    state: State,
    nesting: Nesting,
    text: Text,
    reading: Reading,
    offset: u64,
    error: Option<Error>,
}

impl<N: Name> Scanner<N> {
    /// A scanner of one object; whatever else begins is [`Problem::NotAnObject`]. At most eight levels of nesting
    /// per byte of `depth_bytes` fit.
    #[must_use]
    pub fn object(depth_bytes: usize) -> Self {
        Self::new(State::Document, depth_bytes)
    }

    /// A scanner of any one value. At most eight levels of nesting per byte of `depth_bytes` fit.
    #[must_use]
    pub fn any(depth_bytes: usize) -> Self {
        Self::new(State::Value, depth_bytes)
    }

    fn new(begin: State, depth_bytes: usize) -> Self {
        let grammar = Grammar {
            begin,
            state: begin,
            nesting: Nesting::new(depth_bytes),
            text: Text::default(),
            reading: Reading::new(),
            offset: 0,
            error: None,
        };
        Self { grammar, path: [N::ITEM; MAX_PATH] }
    }

    /// As new: for the next document, whatever became of this one.
    pub fn renew(&mut self) {
        self.grammar.renew();
    }

    /// Reads the next chunk.
    ///
    /// # Errors
    /// At the first byte that is wrong; from then on always the same error.
    pub fn feed<V: Visitor<Name = N>>(&mut self, bytes: &[u8], visitor: &mut V) -> Result<(), Error> {
        self.grammar.feed(bytes, &mut Named { visitor, path: &mut self.path })
    }

    /// The input is over: a number that is the whole document ends here. Calling it again changes nothing.
    ///
    /// # Errors
    /// The error that there was; else [`Problem::Empty`] or [`Problem::Truncated`] unless the document is complete.
    pub fn finish<V: Visitor<Name = N>>(&mut self, visitor: &mut V) -> Result<(), Error> {
        self.grammar.finish(&mut Named { visitor, path: &mut self.path })
    }

    /// Whether the document is complete: only white space may follow. (A number that is the whole document is
    /// complete at the first white space after it, or at [`finish`](Self::finish).)
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.grammar.error.is_none() && matches!(self.grammar.state, State::Done)
    }

    /// How many bytes were read without error.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.grammar.offset
    }
}

impl Grammar {
    fn renew(&mut self) {
        self.state = self.begin;
        self.nesting.clear();
        self.text = Text::default();
        self.reading.renew();
        (self.offset, self.error) = (0, None);
    }

    fn feed(&mut self, bytes: &[u8], listener: &mut dyn Listener) -> Result<(), Error> {
        if let Some(error) = self.error {
            return Err(error);
        }
        let chunk = Chunk { bytes, base: self.offset };
        let result = self.scan(chunk, listener);
        if let Err(error) = result {
            // However the input is cut, a raw value is told up to what is wrong with it.
            let end = error.offset.saturating_sub(chunk.base);
            self.reading.chunk_ends(chunk, usize::try_from(end).unwrap_or(0), listener);
        }
        self.settle(result, chunk.offset(bytes.len()))
    }

    fn finish(&mut self, listener: &mut dyn Listener) -> Result<(), Error> {
        if let Some(error) = self.error {
            return Err(error);
        }
        if matches!(self.state, State::Done) {
            return Ok(());
        }
        let outermost = self.nesting.depth() == 0;
        if let State::InNumber(number) = self.state
            && number.may_end()
            && outermost
        {
            self.state = self.number_ended(Chunk { bytes: &[], base: self.offset }, 0, listener);
            return Ok(());
        }
        let nothing = outermost && matches!(self.state, State::Document | State::Value);
        let problem = if nothing { Problem::Empty } else { Problem::Truncated };
        self.settle(Err(Error { problem, offset: self.offset }), self.offset)
    }

    fn settle(&mut self, result: Result<(), Error>, offset: u64) -> Result<(), Error> {
        self.error = result.err();
        self.offset = self.error.map_or(offset, |error| error.offset);
        result
    }

    /// Whether the value or name at hand is not inside of a value that is skipped or raw.
    #[inline(always)]
    fn is_live(&self) -> bool {
        self.nesting.depth() == self.reading.depth()
    }

    fn scan(&mut self, chunk: Chunk<'_>, listener: &mut dyn Listener) -> Result<(), Error> {
        let bytes = chunk.bytes;
        let mut at = 0;
        if self.text.partial_len() > 0 {
            match self.complete(chunk, listener)? {
                Some(after) => at = after,
                None => return Ok(()),
            }
        }
        self.reading.chunk_begins(at);
        let mut state = self.state;
        loop {
            // The fast ways take whole tokens that are surely right; what they leave is taken byte by byte.
            if state.is_between() && self.is_live() {
                (at, state) = self.stride(chunk, at, state, listener)?;
            }
            if state.is_between() && !self.is_live() {
                (at, state) =
                    skip(chunk, at, state, self.reading.depth(), &mut self.nesting, &mut self.text)?;
            }
            let Some(&byte) = bytes.get(at) else { break };
            state = self.step(state, byte, chunk, &mut at, listener)?;
        }
        self.state = state;
        let text_end = bytes.len().saturating_sub(self.text.partial_len());
        self.reading.chunk_ends(chunk, text_end, listener);
        Ok(())
    }

    /// Reads on from `at`, where `state` comes next, through what a visitor may want, as far as it is easy. Returns
    /// where it stopped, and what comes next there.
    #[inline(never)]
    fn stride(
        &mut self,
        chunk: Chunk<'_>,
        mut at: usize,
        mut state: State,
        listener: &mut dyn Listener,
    ) -> Result<(usize, State), Error> {
        let bytes = chunk.bytes;
        // A turn is what is left of a name, its colon, a value, and what follows it.
        loop {
            if matches!(state, State::Name | State::FirstName) {
                at = past_space(bytes, at);
                if bytes.get(at) != Some(&b'"') {
                    return Ok((at, state));
                }
                at += 1;
                let Some(after) = short(bytes, at) else { return Ok((at, State::InName)) };
                self.reading.named(bytes.get(at..after - 1).unwrap_or(&[]), listener);
                at = past_space(bytes, after);
                if bytes.get(at) != Some(&b':') {
                    return Ok((at, State::Colon));
                }
                at += 1;
                state = State::Value;
            }
            if matches!(state, State::Value | State::FirstItem) {
                at = past_space(bytes, at);
                let Some(&byte) = bytes.get(at) else { return Ok((at, state)) };
                match byte {
                    b'"' => {
                        self.reading.begin(Kind::String, chunk, at, listener);
                        at += 1;
                        match short(bytes, at) {
                            Some(after) => {
                                let text = bytes.get(at..after - 1).unwrap_or(&[]);
                                self.reading.short_text(text, listener);
                                at = after;
                            }
                            None => match self.string(chunk, at, listener)? {
                                Some(after) => at = after,
                                None => return Ok((bytes.len(), State::InString)),
                            },
                        }
                        self.reading.ended(Kind::String, None, chunk, at, listener);
                    }
                    b'{' | b'[' => {
                        state = self.open(byte, chunk, at, listener)?;
                        at += 1;
                        if self.is_live() {
                            continue;
                        }
                        return Ok((at, state));
                    }
                    b'-' | b'0'..=b'9' => {
                        let Some(after) = whole(bytes, at) else { return Ok((at, state)) };
                        self.reading.begin(Kind::Number, chunk, at, listener);
                        let number = bytes.get(at..after).unwrap_or(&[]);
                        at = after;
                        self.reading.whole_number(number, chunk, at, listener);
                    }
                    _ => {
                        let literal = Literal::begun(byte);
                        let found = literal.and_then(|literal| Some((literal, literal.past(bytes, at)?)));
                        let Some((literal, after)) = found else { return Ok((at, state)) };
                        self.reading.begin(literal.kind(), chunk, at, listener);
                        at = after;
                        self.reading.ended(literal.kind(), Some(literal.scalar()), chunk, at, listener);
                    }
                }
                state = self.after();
            }
            while matches!(state, State::After) {
                at = past_space(bytes, at);
                let in_object = self.nesting.in_object();
                match bytes.get(at) {
                    Some(b',') => {
                        at += 1;
                        state = if in_object { State::Name } else { State::Value };
                    }
                    Some(b'}') if in_object => state = self.close(chunk, &mut at, listener),
                    Some(b']') if !in_object => state = self.close(chunk, &mut at, listener),
                    _ => return Ok((at, state)),
                }
            }
            if matches!(state, State::Done) {
                return Ok((at, state));
            }
        }
    }

    /// Takes in `byte`, which stands at `at`, or the token that goes on there.
    #[inline(never)]
    fn step(
        &mut self,
        state: State,
        byte: u8,
        chunk: Chunk<'_>,
        at: &mut usize,
        listener: &mut dyn Listener,
    ) -> Result<State, Error> {
        let unexpected = chunk.error(Problem::UnexpectedByte, *at);
        Ok(match state {
            State::InString => match self.string(chunk, *at, listener)? {
                Some(after) => {
                    *at = after;
                    self.ended(Kind::String, None, chunk, after, listener)
                }
                None => {
                    *at = chunk.bytes.len();
                    state
                }
            },
            State::InName => match self.name(chunk, *at, listener)? {
                Some(after) => {
                    *at = after;
                    State::Colon
                }
                None => {
                    *at = chunk.bytes.len();
                    state
                }
            },
            State::InNumber(number) => self.number(number, chunk, at, listener)?,
            State::InLiteral(literal, seen) => match literal.word().get(seen) {
                Some(&expected) if byte != expected => return Err(unexpected),
                Some(_) if seen + 1 < literal.word().len() => {
                    *at += 1;
                    State::InLiteral(literal, seen + 1)
                }
                _ => {
                    *at += 1;
                    self.ended(literal.kind(), Some(literal.scalar()), chunk, *at, listener)
                }
            },
            _ if matches!(byte, b' ' | b'\n' | b'\r' | b'\t') => {
                *at += 1;
                state
            }
            State::Document if byte != b'{' => return Err(chunk.error(Problem::NotAnObject, *at)),
            State::FirstItem if byte == b']' => self.close(chunk, at, listener),
            State::Document | State::Value | State::FirstItem => self.value(byte, chunk, at, listener)?,
            State::FirstName if byte == b'}' => self.close(chunk, at, listener),
            State::FirstName | State::Name if byte == b'"' => {
                *at += 1;
                State::InName
            }
            State::Colon if byte == b':' => {
                *at += 1;
                State::Value
            }
            State::After => match (byte, self.nesting.in_object()) {
                (b',', in_object) => {
                    *at += 1;
                    if in_object { State::Name } else { State::Value }
                }
                (b'}', true) | (b']', false) => self.close(chunk, at, listener),
                _ => return Err(unexpected),
            },
            State::FirstName | State::Name | State::Colon => return Err(unexpected),
            State::Done => return Err(chunk.error(Problem::TrailingData, *at)),
        })
    }

    /// A value begins with `byte`, at `at`.
    fn value(
        &mut self,
        byte: u8,
        chunk: Chunk<'_>,
        at: &mut usize,
        listener: &mut dyn Listener,
    ) -> Result<State, Error> {
        let (kind, state) = match byte {
            b'"' => (Kind::String, State::InString),
            b'-' | b'0'..=b'9' => (Kind::Number, State::InNumber(Number::Begin)),
            b'{' | b'[' => {
                let state = self.open(byte, chunk, *at, listener);
                *at += 1;
                return state;
            }
            _ => match Literal::begun(byte) {
                Some(literal) => (literal.kind(), State::InLiteral(literal, 1)),
                None => return Err(chunk.error(Problem::UnexpectedByte, *at)),
            },
        };
        if self.is_live() {
            self.reading.begin(kind, chunk, *at, listener);
        }
        // A number's first byte is also looked at.
        *at += usize::from(kind != Kind::Number);
        Ok(state)
    }

    /// The container opens whose first byte is `byte`, at `at`.
    fn open(
        &mut self,
        byte: u8,
        chunk: Chunk<'_>,
        at: usize,
        listener: &mut dyn Listener,
    ) -> Result<State, Error> {
        let (kind, state) = match byte {
            b'{' => (Kind::Object, State::FirstName),
            _ => (Kind::Array, State::FirstItem),
        };
        let live = self.is_live();
        if !self.nesting.open(kind == Kind::Object) {
            return Err(chunk.error(Problem::TooDeep, at));
        }
        if live {
            self.reading.begin(kind, chunk, at, listener);
        }
        Ok(state)
    }

    /// The innermost container ends with the byte at `at`.
    fn close(&mut self, chunk: Chunk<'_>, at: &mut usize, listener: &mut dyn Listener) -> State {
        let kind = if self.nesting.in_object() { Kind::Object } else { Kind::Array };
        *at += 1;
        let live = self.is_live();
        self.nesting.close();
        if live {
            self.reading.container_ended(kind, chunk, *at, listener);
        } else if self.is_live() {
            self.reading.ended(kind, None, chunk, *at, listener);
        }
        self.after()
    }

    /// What comes after a value.
    #[inline(always)]
    fn after(&self) -> State {
        if self.nesting.depth() == 0 { State::Done } else { State::After }
    }

    /// Reads on in a member name, from `at` to just past its closing quote. `None`: the chunk ends first.
    fn name(
        &mut self,
        chunk: Chunk<'_>,
        at: usize,
        listener: &mut dyn Listener,
    ) -> Result<Option<usize>, Error> {
        if self.is_live() {
            self.reading.name(chunk, at, &mut self.text, listener)
        } else {
            self.text.skip(chunk, at)
        }
    }

    /// Reads on in a string, from `at` to just past its closing quote. `None`: the chunk ends first.
    #[inline(never)]
    fn string(
        &mut self,
        chunk: Chunk<'_>,
        at: usize,
        listener: &mut dyn Listener,
    ) -> Result<Option<usize>, Error> {
        match self.reading.wanted_text(listener).filter(|_| self.is_live()) {
            Some(mut sink) => self.text.read(chunk, at, &mut sink),
            None => self.text.skip(chunk, at),
        }
    }

    /// A string, number or literal has ended just before `at`.
    fn ended(
        &mut self,
        kind: Kind,
        scalar: Option<Scalar<'_>>,
        chunk: Chunk<'_>,
        at: usize,
        listener: &mut dyn Listener,
    ) -> State {
        if self.is_live() {
            self.reading.ended(kind, scalar, chunk, at, listener);
        }
        self.after()
    }

    /// Reads on in a number, up to the first byte after it.
    fn number(
        &mut self,
        mut number: Number,
        chunk: Chunk<'_>,
        at: &mut usize,
        listener: &mut dyn Listener,
    ) -> Result<State, Error> {
        let begin = *at;
        let ended = loop {
            let Some(&byte) = chunk.bytes.get(*at) else { break false };
            match number.next(byte) {
                Next::Part(next) => number = next,
                Next::After => break true,
                Next::Bad => return Err(chunk.error(Problem::BadNumber, *at)),
            }
            *at += 1;
        };
        if self.is_live() {
            self.reading.number(chunk.bytes.get(begin..*at).unwrap_or(&[]));
        }
        Ok(if ended { self.number_ended(chunk, *at, listener) } else { State::InNumber(number) })
    }

    fn number_ended(&mut self, chunk: Chunk<'_>, at: usize, listener: &mut dyn Listener) -> State {
        if self.is_live() {
            self.reading.number_ended(chunk, at, listener);
        }
        self.after()
    }

    /// Completes the character that the last chunk ended within. `None`: it needs more than this chunk.
    fn complete(&mut self, chunk: Chunk<'_>, listener: &mut dyn Listener) -> Result<Option<usize>, Error> {
        let live = self.is_live();
        let name = matches!(self.state, State::InName);
        let reading = &mut self.reading;
        self.text.complete(chunk, |character| reading.character(character, live, name, listener))
    }
}

#[cfg(test)]
mod tests {
    use super::Scanner;
    use crate::json::{Error, Kind, MAX_PATH, Name, Problem, Scalar, Visitor, Want};

    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Known {
        Item,
        Model,
        Messages,
        Quote,
        Longest,
    }

    const LONGEST: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaé";

    impl Name for Known {
        const ITEM: Self = Self::Item;

        fn of(name: &[u8]) -> Option<Self> {
            match name {
                b"model" => Some(Self::Model),
                b"messages" => Some(Self::Messages),
                b"\"\xc3\xa9\xf0\x9f\x98\x80" => Some(Self::Quote),
                _ => name.ends_with(LONGEST.as_bytes()).then_some(Self::Longest),
            }
        }
    }

    /// Writes down what it is told, one line each.
    struct Log(Want, Vec<String>);

    impl Visitor for Log {
        type Name = Known;

        fn begin(&mut self, path: &[Known], kind: Kind, offset: u64) -> Want {
            self.1.push(format!("{path:?} {kind:?} from {offset}"));
            if path.is_empty() && matches!(kind, Kind::Object | Kind::Array) { Want::Read } else { self.0 }
        }

        fn text(&mut self, path: &[Known], run: &str) {
            self.1.push(format!("{path:?} text {run}"));
        }

        fn scalar(&mut self, path: &[Known], value: Scalar<'_>) {
            self.1.push(format!("{path:?} {value:?}"));
        }

        fn end(&mut self, path: &[Known], kind: Kind, offset: u64) {
            self.1.push(format!("{path:?} {kind:?} to {offset}"));
        }
    }

    fn scan(want: Want, chunks: &[&[u8]]) -> (Result<(), Error>, Vec<String>) {
        let (mut scanner, mut log) = (Scanner::any(64), Log(want, Vec::new()));
        let result = chunks.iter().try_for_each(|chunk| scanner.feed(chunk, &mut log));
        (result.and_then(|()| scanner.finish(&mut log)), log.1)
    }

    fn told(want: Want, chunks: &[&str]) -> Vec<String> {
        let chunks: Vec<&[u8]> = chunks.iter().map(|chunk| chunk.as_bytes()).collect();
        let (result, told) = scan(want, &chunks);
        assert_eq!(result, Ok(()));
        told
    }

    /// The text of a document that is one string.
    fn text(chunks: &[&[u8]]) -> Result<String, Problem> {
        let (result, told) = scan(Want::Read, chunks);
        let runs = told.iter().filter_map(|line| line.strip_prefix("[] text "));
        result.map(|()| runs.collect()).map_err(|error| error.problem)
    }

    #[test]
    fn values_are_told_with_path_and_place() {
        let document = r#"{"model": "x", "unknown": [{"model": 1}], "messages": [null, true, -1.50]}"#;
        let expected = [
            "[] Object from 0",
            "[Model] String from 10",
            "[Model] text x",
            "[Model] String to 13",
            "[Messages] Array from 54",
            "[Messages, Item] Null from 55",
            "[Messages, Item] Null",
            "[Messages, Item] Bool from 61",
            "[Messages, Item] Bool(true)",
            "[Messages, Item] Number from 67",
            "[Messages, Item] Number(Some(\"-1.50\"))",
            "[Messages] Array to 73",
            "[] Object to 74",
        ];
        assert_eq!(told(Want::Read, &[document]), expected);
    }

    #[test]
    fn a_raw_value_is_its_own_bytes() {
        let document = "[ {\"a\\n\" : [ 1.0 ] } , \"\\u0041\" , 1e5 ,false]";
        let expected = [
            "[] Array from 0",
            "[Item] Object from 2",
            "[Item] text {\"a\\n\" : [ 1.0 ] }",
            "[Item] Object to 20",
            "[Item] String from 23",
            "[Item] text \"\\u0041\"",
            "[Item] String to 31",
            "[Item] Number from 34",
            "[Item] text 1e5",
            "[Item] Number to 37",
            "[Item] Bool from 39",
            "[Item] text false",
            "[Item] Bool to 44",
            "[] Array to 45",
        ];
        assert_eq!(told(Want::Raw, &[document]), expected);
    }

    #[test]
    fn of_a_skipped_value_nothing_is_told() {
        let document = r#"{"model":{"model":1},"messages":["model"],"model":2}"#;
        let expected = [
            "[] Object from 0",
            "[Model] Object from 9",
            "[Messages] Array from 32",
            "[Model] Number from 50",
            "[] Object to 52",
        ];
        assert_eq!(told(Want::Skip, &[document]), expected);
    }

    #[test]
    fn the_empty_string_has_no_text() {
        assert_eq!(told(Want::Read, &["\"\""]), ["[] String from 0", "[] String to 2"]);
    }

    #[test]
    fn names_are_compared_after_unescaping_and_up_to_64_bytes() {
        let begins = |name: &str, cut: usize| {
            let document = format!("{{\"{name}\":1}}");
            let (before, after) = document.split_at(cut + 2);
            told(Want::Read, &[before, after]).len() == 4
        };
        for name in ["model", "\\u006dodel", "\\\"\\u00e9\\ud83d\\uDE00", "\\\"é😀", LONGEST] {
            for cut in (0..name.len()).filter(|cut| name.is_char_boundary(*cut)) {
                assert!(begins(name, cut), "{name} cut at {cut}");
            }
        }
        assert_eq!(LONGEST.len(), 64);
        let longer = format!("b{LONGEST}");
        for name in [&longer, "Model", "model ", "\\ud83d", "mode", "modell", ""] {
            assert!(!begins(name, 0), "{name}");
        }
    }

    #[test]
    fn lone_surrogates_become_replacement_characters_and_pairs_combine() {
        for (escaped, expected) in [
            ("\\ud83d\\ude00", "😀"),
            ("\\ud83d", "\u{fffd}"),
            ("\\ude00x", "\u{fffd}x"),
            ("\\ud83d\\ud83d\\ude00", "\u{fffd}😀"),
            ("\\ud83dx\\ude00", "\u{fffd}x\u{fffd}"),
            ("\\ud83d\\n\\ude00", "\u{fffd}\n\u{fffd}"),
            ("\\ud83dé", "\u{fffd}é"),
            ("\\u0000\\u00E9\\uFFFF", "\0é\u{ffff}"),
            ("\\\"\\\\\\/\\b\\f\\n\\r\\t", "\"\\/\u{8}\u{c}\n\r\t"),
        ] {
            let document = format!("\"{escaped}\"");
            for cut in 0..document.len() {
                let (before, after) = document.as_bytes().split_at(cut);
                assert_eq!(text(&[before, after]).as_deref(), Ok(expected), "{escaped} cut at {cut}");
            }
        }
    }

    #[test]
    fn a_string_must_be_utf8_read_or_not() {
        for (bytes, valid) in [
            (&b"\x7f"[..], true),
            (b"\xc2\x80\xdf\xbf", true),
            (b"\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80", true),
            (b"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", true),
            (b"\x80", false),
            (b"\xc0\x80", false),
            (b"\xc1\xbf", false),
            (b"\xe0\x9f\xbf", false),
            (b"\xed\xa0\x80", false),
            (b"\xf0\x8f\xbf\xbf", false),
            (b"\xf4\x90\x80\x80", false),
            (b"\xf5\x80\x80\x80", false),
            (b"\xff", false),
            (b"\xe2\x82", false),
            (b"\xe2\x82\\n", false),
            (b"\xf0\x9f\x98", false),
        ] {
            for fill in [0, 3, 15, 16, 40, 300] {
                let fill = "x".repeat(fill);
                let document = [b"\"", fill.as_bytes(), bytes, fill.as_bytes(), b"\""].concat();
                for cut in 0..document.len() {
                    let (before, after) = document.split_at(cut);
                    for want in [Want::Read, Want::Skip, Want::Raw] {
                        let (result, _) = scan(want, &[before, after]);
                        assert_eq!(result.is_ok(), valid, "{bytes:x?} {want:?} cut at {cut}");
                        if let Err(error) = result {
                            assert_eq!(error.problem, Problem::NotUtf8);
                        }
                    }
                }
                let name = [b"{", &document[..], b":0}"].concat();
                assert_eq!(scan(Want::Read, &[&name]).0.is_ok(), valid);
                assert_eq!(scan(Want::Skip, &[b"[[", &name, b"]]"]).0.is_ok(), valid);
            }
        }
    }

    #[test]
    fn every_problem_is_found_where_it_is() {
        for (document, problem, offset) in [
            ("", Problem::Empty, 0),
            (" \t\r\n", Problem::Empty, 4),
            ("{\"a\":", Problem::Truncated, 5),
            ("\"a", Problem::Truncated, 2),
            ("-", Problem::Truncated, 1),
            ("1e", Problem::Truncated, 2),
            ("nul", Problem::Truncated, 3),
            ("[1", Problem::Truncated, 2),
            ("\u{feff}{}", Problem::UnexpectedByte, 0),
            ("[1,]", Problem::UnexpectedByte, 3),
            ("[,1]", Problem::UnexpectedByte, 1),
            ("[1 2]", Problem::UnexpectedByte, 3),
            ("{\"a\":1,}", Problem::UnexpectedByte, 7),
            ("{\"a\" 1}", Problem::UnexpectedByte, 5),
            ("{a:1}", Problem::UnexpectedByte, 1),
            ("{1:1}", Problem::UnexpectedByte, 1),
            ("[1}", Problem::UnexpectedByte, 2),
            ("{\"a\":1]", Problem::UnexpectedByte, 6),
            ("]", Problem::UnexpectedByte, 0),
            ("nule", Problem::UnexpectedByte, 3),
            ("True", Problem::UnexpectedByte, 0),
            ("[NaN]", Problem::UnexpectedByte, 1),
            ("[1.2.3]", Problem::UnexpectedByte, 4),
            ("[1\u{b}]", Problem::UnexpectedByte, 2),
            ("[01]", Problem::BadNumber, 2),
            ("[-]", Problem::BadNumber, 2),
            ("[1.]", Problem::BadNumber, 3),
            ("[1.e1]", Problem::BadNumber, 3),
            ("[1e+]", Problem::BadNumber, 4),
            ("\"\\x\"", Problem::BadEscape, 2),
            ("\"\\u12g4\"", Problem::BadEscape, 5),
            ("\"\\u123\"", Problem::BadEscape, 6),
            ("\"\\\n\"", Problem::BadEscape, 2),
            ("\"a\nb\"", Problem::ControlCharacter, 2),
            ("{\"\u{1f}\":1}", Problem::ControlCharacter, 2),
            ("{} x", Problem::TrailingData, 3),
            ("{}{}", Problem::TrailingData, 2),
            ("1 2", Problem::TrailingData, 2),
            ("null,", Problem::TrailingData, 4),
        ] {
            let expected = Err(Error { problem, offset });
            for want in [Want::Read, Want::Skip, Want::Raw] {
                assert_eq!(scan(want, &[document.as_bytes()]).0, expected, "{document:?} {want:?}");
                let bytes: Vec<&[u8]> = document.as_bytes().chunks(1).collect();
                assert_eq!(scan(want, &bytes).0, expected, "{document:?} {want:?} in bytes");
            }
        }
    }

    #[test]
    fn an_object_is_told_from_everything_else_by_its_first_byte() {
        for (document, offset) in [("[", 0), (" \n1", 2), ("\u{feff}{}", 0), ("x", 0), ("}", 0)] {
            let (mut scanner, mut log) = (Scanner::object(64), Log(Want::Read, Vec::new()));
            let error = Error { problem: Problem::NotAnObject, offset };
            assert_eq!(scanner.feed(document.as_bytes(), &mut log), Err(error), "{document}");
            assert!(log.1.is_empty());
        }
    }

    #[test]
    fn an_error_stays_and_names_no_input() {
        let (mut scanner, mut log) = (Scanner::object(64), Log(Want::Read, Vec::new()));
        assert_eq!(scanner.feed(b"{\"model\":", &mut log), Ok(()));
        assert_eq!(scanner.offset(), 9);
        let error = Error { problem: Problem::UnexpectedByte, offset: 10 };
        assert_eq!(scanner.feed(b" secret", &mut log), Err(error));
        assert_eq!(scanner.feed(b"1}", &mut log), Err(error));
        assert_eq!(scanner.finish(&mut log), Err(error));
        assert_eq!((scanner.offset(), scanner.is_complete()), (10, false));
        assert_eq!(error.to_string(), "a character stands where JSON has no place for it (at byte 10)");
    }

    #[test]
    fn a_document_is_complete_as_soon_as_nothing_can_follow() {
        let (mut scanner, mut log) = (Scanner::object(64), Log(Want::Read, Vec::new()));
        for (chunk, complete) in [("{\"model\":1", false), ("}", true), (" \n", true)] {
            assert_eq!(scanner.feed(chunk.as_bytes(), &mut log), Ok(()));
            assert_eq!(scanner.is_complete(), complete);
        }
        assert_eq!(scanner.finish(&mut log), Ok(()));
        assert_eq!(scanner.finish(&mut log), Ok(()));
        assert_eq!(scanner.feed(b" ", &mut log), Ok(()));
        let error = Error { problem: Problem::TrailingData, offset: 14 };
        assert_eq!(scanner.feed(b"{", &mut log), Err(error));
    }

    #[test]
    fn a_number_that_is_the_document_ends_with_it() {
        let expected = ["[] Number from 1", "[] Number(Some(\"12\"))"];
        assert_eq!(told(Want::Read, &[" 1", "2"]), expected);
        assert_eq!(told(Want::Read, &[" 1", "2 "]), expected);
        assert_eq!(told(Want::Raw, &[" 12"])[1..], ["[] text 12", "[] Number to 3"]);
        let (mut scanner, mut log) = (Scanner::any(64), Log(Want::Read, Vec::new()));
        assert_eq!(scanner.feed(b"12", &mut log), Ok(()));
        assert!(!scanner.is_complete());
        assert_eq!(scanner.finish(&mut log), Ok(()));
        assert!(scanner.is_complete());
        assert_eq!(scanner.finish(&mut log), Ok(()));
        assert_eq!(log.1.len(), 2, "its end is told once");
        assert!(scanner.feed(b"3", &mut log).is_err());
    }

    #[test]
    fn a_number_of_more_than_32_bytes_has_no_text() {
        let number = |digits: usize| format!("[{}]", "7".repeat(digits));
        assert_eq!(
            told(Want::Read, &[&number(32)])[2],
            format!("[Item] Number(Some(\"{}\"))", "7".repeat(32))
        );
        assert_eq!(told(Want::Read, &[&number(33)])[2], "[Item] Number(None)");
        assert_eq!(told(Want::Read, &[&number(100_000)])[2], "[Item] Number(None)");
    }

    #[test]
    fn a_container_whose_path_would_be_too_long_is_skipped() {
        let document = "[".repeat(MAX_PATH + 1) + "1" + &"]".repeat(MAX_PATH + 1);
        let told = told(Want::Read, &[&document]);
        // It begins, but has neither elements nor an end.
        assert_eq!(told.len(), 2 * MAX_PATH + 1);
        assert_eq!(told[MAX_PATH], format!("{:?} Array from {MAX_PATH}", [Known::Item; MAX_PATH]));
        assert_eq!(told.last().map(String::as_str), Some("[] Array to 27"));
    }

    #[test]
    fn nesting_is_bounded() {
        for want in [Want::Read, Want::Skip, Want::Raw] {
            let (mut scanner, mut log) = (Scanner::any(2), Log(want, Vec::new()));
            let error = Error { problem: Problem::TooDeep, offset: 16 };
            assert_eq!(scanner.feed("[".repeat(17).as_bytes(), &mut log), Err(error));
            let (mut scanner, mut log) = (Scanner::any(2), Log(want, Vec::new()));
            assert_eq!(scanner.feed("[".repeat(16).as_bytes(), &mut log), Ok(()));
            assert_eq!(scanner.feed("]".repeat(16).as_bytes(), &mut log), Ok(()));
            assert!(scanner.is_complete());
        }
    }
}
