//! The grammar of documents (RFC 8259 §2–5), and what a visitor is told of them.

use super::nesting::Nesting;
use super::number::{Next, Number, whole};
use super::reading::Reading;
use super::run::short;
use super::skip::skip;
use super::state::{Literal, State};
use super::text::Text;
use super::{Chunk, Error, Kind, Name, Problem, Scalar, Visitor};

/// Reads one document in chunks of any size. See [the module](super).
#[derive(Debug)]
pub struct Scanner<N: Name> {
    state: State,
    nesting: Nesting,
    text: Text,
    reading: Reading<N>,
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
            reading: Reading::new(),
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

    /// Whether the value or name at hand is not inside of a value that is skipped or raw.
    #[inline(always)]
    fn is_live(&self) -> bool {
        self.nesting.depth() == self.reading.depth()
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
        self.reading.chunk_begins(at);
        let mut state = self.state;
        loop {
            if !self.is_live() && state.is_between() {
                (at, state) =
                    skip(chunk, at, state, self.reading.depth(), &mut self.nesting, &mut self.text)?;
            }
            let Some(&byte) = bytes.get(at) else { break };
            state = match state {
                State::InString => {
                    at = self.string(chunk, at, visitor)?.unwrap_or(usize::MAX);
                    if at == usize::MAX { state } else { self.ended(Kind::String, None, chunk, at, visitor) }
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
                        self.ended(literal.kind(), Some(literal.scalar()), chunk, at, visitor)
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
                            self.reading.named(name.and_then(N::of));
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
        let text_end = bytes.len().saturating_sub(self.text.partial_len());
        self.reading.chunk_ends(chunk, text_end, visitor);
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
            self.reading.begin(kind, chunk, *at, visitor);
        }
        if kind != Kind::Number {
            *at += 1;
        }
        Ok(state)
    }

    /// The innermost container ends with the byte at `at`.
    #[inline(always)]
    fn close<V: Visitor<Name = N>>(&mut self, chunk: Chunk<'_>, at: &mut usize, visitor: &mut V) -> State {
        let kind = if self.nesting.in_object() { Kind::Object } else { Kind::Array };
        *at += 1;
        let live = self.is_live();
        self.nesting.close();
        if live {
            self.reading.container_ended(kind, chunk, *at, visitor);
        } else if self.is_live() {
            self.reading.ended(kind, None, chunk, *at, visitor);
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
        if self.is_live() { self.reading.name(chunk, at, &mut self.text) } else { self.text.skip(chunk, at) }
    }

    /// Reads on in a string, from `at` to just past its closing quote. `None`: the chunk ends first.
    fn string<V: Visitor<Name = N>>(
        &mut self,
        chunk: Chunk<'_>,
        at: usize,
        visitor: &mut V,
    ) -> Result<Option<usize>, Error> {
        match self.reading.wanted_text(visitor).filter(|_| self.nesting.depth() == self.reading.depth()) {
            Some(mut sink) => self.text.read(chunk, at, &mut sink),
            None => self.text.skip(chunk, at),
        }
    }

    /// A string, number or literal has ended just before `at`.
    #[inline(always)]
    fn ended<V: Visitor<Name = N>>(
        &mut self,
        kind: Kind,
        scalar: Option<Scalar<'_>>,
        chunk: Chunk<'_>,
        at: usize,
        visitor: &mut V,
    ) -> State {
        if self.is_live() {
            self.reading.ended(kind, scalar, chunk, at, visitor);
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
        if number == Number::Begin {
            *at = whole(chunk.bytes, begin).unwrap_or(begin);
        }
        let ended = *at > begin
            || loop {
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
        Ok(if ended { self.number_ended(chunk, *at, visitor) } else { State::InNumber(number) })
    }

    fn number_ended<V: Visitor<Name = N>>(&mut self, chunk: Chunk<'_>, at: usize, visitor: &mut V) -> State {
        if self.is_live() {
            self.reading.number_ended(chunk, at, visitor);
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
        let name = matches!(self.state, State::InName);
        let reading = &mut self.reading;
        self.text.complete(chunk, |character| reading.character(character, live, name, visitor))
    }
}
