//! The grammar of documents (RFC 8259 §2–5), and what a visitor is told of them.

use super::nesting::Nesting;
use super::number::{Next, Number};
use super::skip::skip;
use super::state::{Literal, State};
use super::text::{Sink, Text, short};
use super::{
    Chunk, Error, Kind, MAX_NAME_BYTES, MAX_NUMBER_BYTES, MAX_PATH, Name, Problem, Scalar, Visitor, Want,
};

/// Reads one document in chunks of any size. See [the module](super).
#[derive(Debug)]
pub struct Scanner<N: Name> {
    state: State,
    nesting: Nesting,
    text: Text,
    scratch: Scratch,
    /// The name of the member, or [`Name::ITEM`], in each container that is read.
    path: [N; MAX_PATH],
    /// How many containers are read: the outermost of those that are open. At any greater depth we are inside a
    /// value that is skipped or raw.
    live: usize,
    /// Whether the member that is at hand in the innermost container that is read has a known name.
    known: bool,
    /// What is wanted of the value that is at hand there.
    want: Want,
    /// Whether we are within a raw value.
    raw: bool,
    /// Where in the chunk the bytes of a raw value begin that were not told yet.
    raw_from: usize,
    offset: u64,
    error: Option<Error>,
}

impl<N: Name> Scanner<N> {
    /// A scanner of one object; whatever else begins is [`Problem::NotAnObject`]. At most eight levels of nesting
    /// per byte of `depth_bytes` fit.
    #[must_use]
    pub fn object(depth_bytes: usize) -> Self {
        Self { state: State::Document, ..Self::any(depth_bytes) }
    }

    /// A scanner of any one value. At most eight levels of nesting per byte of `depth_bytes` fit.
    #[must_use]
    pub fn any(depth_bytes: usize) -> Self {
        Self {
            state: State::Value,
            nesting: Nesting::new(depth_bytes),
            text: Text::default(),
            scratch: Scratch::default(),
            path: [N::ITEM; MAX_PATH],
            live: 0,
            known: true,
            want: Want::Skip,
            raw: false,
            raw_from: 0,
            offset: 0,
            error: None,
        }
    }

    /// Reads the next chunk.
    ///
    /// # Errors
    /// At the first byte that is wrong; from then on always the same error.
    pub fn feed<V: Visitor<Name = N>>(&mut self, bytes: &[u8], visitor: &mut V) -> Result<(), Error> {
        if let Some(error) = self.error {
            return Err(error);
        }
        let chunk = Chunk { bytes, base: self.offset };
        let result = self.scan(chunk, visitor);
        self.settle(result, chunk.offset(bytes.len()))
    }

    /// The input is over: a number that is the whole document ends here. Calling it again changes nothing.
    ///
    /// # Errors
    /// The error that there was; else [`Problem::Empty`] or [`Problem::Truncated`] unless the document is complete.
    pub fn finish<V: Visitor<Name = N>>(&mut self, visitor: &mut V) -> Result<(), Error> {
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
            self.state = self.number_ended(Chunk { bytes: &[], base: self.offset }, 0, visitor);
            return Ok(());
        }
        let nothing = outermost && matches!(self.state, State::Document | State::Value);
        let problem = if nothing { Problem::Empty } else { Problem::Truncated };
        self.settle(Err(Error { problem, offset: self.offset }), self.offset)
    }

    /// Whether the document is complete: only white space may follow. (A number that is the whole document is
    /// complete at the first white space after it, or at [`finish`](Self::finish).)
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.error.is_none() && matches!(self.state, State::Done)
    }

    /// How many bytes were read without error.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.offset
    }

    fn settle(&mut self, result: Result<(), Error>, offset: u64) -> Result<(), Error> {
        self.error = result.err();
        self.offset = self.error.map_or(offset, |error| error.offset);
        result
    }

    fn path(&self) -> &[N] {
        self.path.get(..self.live).unwrap_or(&[])
    }

    /// Whether the value or name at hand is not inside of a value that is skipped or raw.
    #[inline(always)]
    fn is_live(&self) -> bool {
        self.nesting.depth() == self.live
    }

    fn scan<V: Visitor<Name = N>>(&mut self, chunk: Chunk<'_>, visitor: &mut V) -> Result<(), Error> {
        let bytes = chunk.bytes;
        let mut at = 0;
        if self.text.partial_len() > 0 {
            match self.complete(chunk, visitor)? {
                Some(after) => at = after,
                None => return Ok(()),
            }
        }
        self.raw_from = at;
        let mut state = self.state;
        loop {
            if !self.is_live() && state.is_between() {
                (at, state) = skip(chunk, at, state, self.live, &mut self.nesting, &mut self.text)?;
            }
            let Some(&byte) = bytes.get(at) else { break };
            state = match state {
                State::InString => {
                    at = self.string(chunk, at, visitor)?.unwrap_or(usize::MAX);
                    if at == usize::MAX { state } else { self.string_ended(chunk, at, visitor) }
                }
                State::InName => {
                    at = self.name(chunk, at)?.unwrap_or(usize::MAX);
                    if at == usize::MAX { state } else { State::Colon }
                }
                State::InNumber(number) => self.number(number, chunk, &mut at, visitor)?,
                State::InLiteral(literal, seen) => match literal.word().get(seen) {
                    Some(&expected) if byte != expected => {
                        return Err(chunk.error(Problem::UnexpectedByte, at));
                    }
                    Some(_) if seen + 1 < literal.word().len() => {
                        at += 1;
                        State::InLiteral(literal, seen + 1)
                    }
                    _ => {
                        at += 1;
                        self.literal_ended(literal, chunk, at, visitor)
                    }
                },
                _ if matches!(byte, b' ' | b'\n' | b'\r' | b'\t') => {
                    at += 1;
                    state
                }
                State::Document if byte != b'{' => return Err(chunk.error(Problem::NotAnObject, at)),
                State::Document | State::Value => self.value(byte, chunk, &mut at, visitor)?,
                State::FirstItem if byte == b']' => self.close(chunk, &mut at, visitor),
                State::FirstItem => self.value(byte, chunk, &mut at, visitor)?,
                State::FirstName if byte == b'}' => self.close(chunk, &mut at, visitor),
                State::FirstName | State::Name if byte == b'"' => {
                    at += 1;
                    match short(bytes, at).filter(|_| self.is_live()) {
                        Some(after) => {
                            let name =
                                bytes.get(at..after - 1).and_then(|name| core::str::from_utf8(name).ok());
                            self.named(name.and_then(N::of));
                            at = after;
                            State::Colon
                        }
                        None => State::InName,
                    }
                }
                State::Colon if byte == b':' => {
                    at += 1;
                    State::Value
                }
                State::After => match (byte, self.nesting.in_object()) {
                    (b',', in_object) => {
                        at += 1;
                        if in_object { State::Name } else { State::Value }
                    }
                    (b'}', true) | (b']', false) => self.close(chunk, &mut at, visitor),
                    _ => return Err(chunk.error(Problem::UnexpectedByte, at)),
                },
                State::FirstName | State::Name | State::Colon => {
                    return Err(chunk.error(Problem::UnexpectedByte, at));
                }
                State::Done => return Err(chunk.error(Problem::TrailingData, at)),
            };
        }
        self.state = state;
        if self.raw {
            self.tell_raw(chunk, bytes.len().saturating_sub(self.text.partial_len()), visitor);
        }
        Ok(())
    }

    /// A value begins with `byte`, at `at`.
    #[inline(always)]
    fn value<V: Visitor<Name = N>>(
        &mut self,
        byte: u8,
        chunk: Chunk<'_>,
        at: &mut usize,
        visitor: &mut V,
    ) -> Result<State, Error> {
        let (kind, state) = match byte {
            b'"' => (Kind::String, State::InString),
            b'{' => (Kind::Object, State::FirstName),
            b'[' => (Kind::Array, State::FirstItem),
            b'-' | b'0'..=b'9' => (Kind::Number, State::InNumber(Number::Begin)),
            b't' => (Kind::Bool, State::InLiteral(Literal::True, 1)),
            b'f' => (Kind::Bool, State::InLiteral(Literal::False, 1)),
            b'n' => (Kind::Null, State::InLiteral(Literal::Null, 1)),
            _ => return Err(chunk.error(Problem::UnexpectedByte, *at)),
        };
        let live = self.is_live();
        let container = matches!(kind, Kind::Object | Kind::Array);
        if container && !self.nesting.open(kind == Kind::Object) {
            return Err(chunk.error(Problem::TooDeep, *at));
        }
        if live {
            self.begin(kind, chunk, *at, visitor);
        }
        if kind != Kind::Number {
            *at += 1;
        }
        Ok(state)
    }

    /// Asks what is wanted of a value that is not inside of one that is skipped or raw.
    fn begin<V: Visitor<Name = N>>(&mut self, kind: Kind, chunk: Chunk<'_>, at: usize, visitor: &mut V) {
        self.want = Want::Skip;
        if self.known {
            self.want = visitor.begin(self.path(), kind, chunk.offset(at));
        }
        match (self.want, kind) {
            (Want::Raw, _) => {
                self.raw = true;
                self.raw_from = at;
            }
            (Want::Read, Kind::Object | Kind::Array) => {
                if let Some(place) = self.path.get_mut(self.live) {
                    *place = N::ITEM;
                    self.live += 1;
                } else {
                    self.want = Want::Skip;
                }
            }
            _ => {}
        }
    }

    /// The innermost container ends with the byte at `at`.
    #[inline(always)]
    fn close<V: Visitor<Name = N>>(&mut self, chunk: Chunk<'_>, at: &mut usize, visitor: &mut V) -> State {
        let kind = if self.nesting.in_object() { Kind::Object } else { Kind::Array };
        *at += 1;
        if self.is_live() {
            // It was read, so it is a value that is known in the one around it, which is read too.
            self.live -= 1;
            self.known = true;
            visitor.end(self.path(), kind, chunk.offset(*at));
        }
        self.nesting.close();
        if self.raw && self.is_live() {
            self.raw_ended(kind, chunk, *at, visitor);
        }
        self.after()
    }

    /// What comes after a value.
    #[inline(always)]
    fn after(&self) -> State {
        if self.nesting.depth() == 0 { State::Done } else { State::After }
    }

    /// Reads on in a member name, from `at` to just past its closing quote. `None`: the chunk ends first.
    fn name(&mut self, chunk: Chunk<'_>, at: usize) -> Result<Option<usize>, Error> {
        if !self.is_live() {
            return self.text.skip(chunk, at);
        }
        let after = self.text.read(chunk, at, &mut self.scratch)?;
        if after.is_some() {
            self.named(self.scratch.text(MAX_NAME_BYTES).and_then(N::of));
            self.scratch.clear();
        }
        Ok(after)
    }

    /// The member at hand, in the innermost container that is read, has this name.
    fn named(&mut self, name: Option<N>) {
        self.known = name.is_some();
        if let (Some(name), Some(place)) = (name, self.path.get_mut(self.live.wrapping_sub(1))) {
            *place = name;
        }
    }

    /// Reads on in a string, from `at` to just past its closing quote. `None`: the chunk ends first.
    fn string<V: Visitor<Name = N>>(
        &mut self,
        chunk: Chunk<'_>,
        at: usize,
        visitor: &mut V,
    ) -> Result<Option<usize>, Error> {
        if self.want == Want::Read && self.is_live() {
            let path = self.path.get(..self.live).unwrap_or(&[]);
            self.text.read(chunk, at, &mut Told { visitor, path })
        } else {
            self.text.skip(chunk, at)
        }
    }

    #[inline(always)]
    fn string_ended<V: Visitor<Name = N>>(&mut self, chunk: Chunk<'_>, at: usize, visitor: &mut V) -> State {
        if self.is_live() {
            match self.want {
                Want::Skip => {}
                Want::Read => visitor.end(self.path(), Kind::String, chunk.offset(at)),
                Want::Raw => self.raw_ended(Kind::String, chunk, at, visitor),
            }
        }
        self.after()
    }

    /// Reads on in a number, up to the first byte after it.
    #[inline(always)]
    fn number<V: Visitor<Name = N>>(
        &mut self,
        mut number: Number,
        chunk: Chunk<'_>,
        at: &mut usize,
        visitor: &mut V,
    ) -> Result<State, Error> {
        let begin = *at;
        let mut ended = false;
        while let Some(&byte) = chunk.bytes.get(*at) {
            match number.next(byte) {
                Next::Part(next) => number = next,
                Next::After => {
                    ended = true;
                    break;
                }
                Next::Bad => return Err(chunk.error(Problem::BadNumber, *at)),
            }
            *at += 1;
        }
        if self.want == Want::Read && self.is_live() {
            self.scratch.push(chunk.bytes.get(begin..*at).unwrap_or(&[]));
        }
        Ok(if ended { self.number_ended(chunk, *at, visitor) } else { State::InNumber(number) })
    }

    fn number_ended<V: Visitor<Name = N>>(&mut self, chunk: Chunk<'_>, at: usize, visitor: &mut V) -> State {
        if self.is_live() {
            match self.want {
                Want::Skip => {}
                Want::Read => {
                    let number = Scalar::Number(self.scratch.text(MAX_NUMBER_BYTES));
                    visitor.scalar(self.path(), number);
                    self.scratch.clear();
                }
                Want::Raw => self.raw_ended(Kind::Number, chunk, at, visitor),
            }
        }
        self.after()
    }

    fn literal_ended<V: Visitor<Name = N>>(
        &mut self,
        literal: Literal,
        chunk: Chunk<'_>,
        at: usize,
        visitor: &mut V,
    ) -> State {
        if self.is_live() {
            match self.want {
                Want::Skip => {}
                Want::Read => visitor.scalar(self.path(), literal.scalar()),
                Want::Raw => self.raw_ended(literal.kind(), chunk, at, visitor),
            }
        }
        self.after()
    }

    /// Completes the character that the last chunk ended within. `None`: it needs more than this chunk.
    fn complete<V: Visitor<Name = N>>(
        &mut self,
        chunk: Chunk<'_>,
        visitor: &mut V,
    ) -> Result<Option<usize>, Error> {
        let live = self.is_live();
        let told = self.raw || live && self.want == Want::Read;
        let name = matches!(self.state, State::InName);
        let path = self.path.get(..self.live).unwrap_or(&[]);
        let scratch = &mut self.scratch;
        self.text.complete(chunk, |character| {
            if name && live {
                scratch.push(character.as_bytes());
            } else if told {
                visitor.text(path, character);
            }
        })
    }

    /// Tells the bytes of a raw value up to `end` that were not told yet.
    fn tell_raw<V: Visitor<Name = N>>(&mut self, chunk: Chunk<'_>, end: usize, visitor: &mut V) {
        let bytes = chunk.bytes.get(self.raw_from..end).unwrap_or(&[]);
        // Never fails: strings were validated, and everything else is ASCII.
        let run = core::str::from_utf8(bytes).unwrap_or_default();
        if !run.is_empty() {
            visitor.text(self.path(), run);
        }
    }

    fn raw_ended<V: Visitor<Name = N>>(&mut self, kind: Kind, chunk: Chunk<'_>, end: usize, visitor: &mut V) {
        self.tell_raw(chunk, end, visitor);
        self.raw = false;
        visitor.end(self.path(), kind, chunk.offset(end));
    }
}

/// A string's text goes to the visitor.
struct Told<'a, V: Visitor> {
    visitor: &'a mut V,
    path: &'a [V::Name],
}

impl<V: Visitor> Sink for Told<'_, V> {
    const TELLS: bool = true;

    fn run(&mut self, run: &str) {
        self.visitor.text(self.path, run);
    }
}

/// The text of a name or number that may span chunks.
#[derive(Debug)]
struct Scratch {
    bytes: [u8; MAX_NAME_BYTES],
    /// Beyond the room there is, only the length grows.
    len: usize,
}

impl Default for Scratch {
    fn default() -> Self {
        Self { bytes: [0; MAX_NAME_BYTES], len: 0 }
    }
}

impl Scratch {
    fn push(&mut self, bytes: &[u8]) {
        for (place, &byte) in self.bytes.iter_mut().skip(self.len).zip(bytes) {
            *place = byte;
        }
        self.len = self.len.saturating_add(bytes.len());
    }

    fn clear(&mut self) {
        self.len = 0;
    }

    /// The text, unless it is longer than `max`.
    fn text(&self, max: usize) -> Option<&str> {
        let bytes = self.bytes.get(..self.len).filter(|bytes| bytes.len() <= max)?;
        core::str::from_utf8(bytes).ok()
    }
}

impl Sink for Scratch {
    const TELLS: bool = true;

    fn run(&mut self, run: &str) {
        self.push(run.as_bytes());
    }
}
