//! The grammar of documents (RFC 8259 §2–5), and what a listener is told of them. Not: what names mean.

use super::listener::Listener;
use super::nesting::Nesting;
use super::number::{Next, Number};
use super::reading::Reading;
use super::skip::skip;
use super::state::{Literal, State};
use super::text::Text;
use super::{Chunk, Error, Kind, Problem, Scalar};

/// All of a scanner that does not depend on whose names they are.
#[derive(Debug)]
pub(super) struct Grammar {
    /// What comes next in a new document.
    begin: State,
    state: State,
    pub(super) nesting: Nesting,
    text: Text,
    pub(super) reading: Reading,
    offset: u64,
    error: Option<Error>,
}

impl Grammar {
    /// Before a document that begins so. At most eight levels of nesting per byte of `depth_bytes` fit.
    pub(super) fn new(begin: State, depth_bytes: usize) -> Self {
        Self {
            begin,
            state: begin,
            nesting: Nesting::new(depth_bytes),
            text: Text::default(),
            reading: Reading::new(),
            offset: 0,
            error: None,
        }
    }

    /// As new.
    pub(super) fn renew(&mut self) {
        self.state = self.begin;
        self.nesting.clear();
        self.text = Text::default();
        self.reading.renew();
        (self.offset, self.error) = (0, None);
    }

    /// As [`Scanner::feed`](super::Scanner::feed).
    pub(super) fn feed(&mut self, bytes: &[u8], listener: &mut dyn Listener) -> Result<(), Error> {
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

    /// As [`Scanner::finish`](super::Scanner::finish).
    pub(super) fn finish(&mut self, listener: &mut dyn Listener) -> Result<(), Error> {
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

    /// As [`Scanner::is_complete`](super::Scanner::is_complete).
    pub(super) fn is_complete(&self) -> bool {
        self.error.is_none() && matches!(self.state, State::Done)
    }

    /// As [`Scanner::offset`](super::Scanner::offset).
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    fn settle(&mut self, result: Result<(), Error>, offset: u64) -> Result<(), Error> {
        self.error = result.err();
        self.offset = self.error.map_or(offset, |error| error.offset);
        result
    }

    /// Whether the value or name at hand is not inside of a value that is skipped or raw.
    #[inline(always)]
    pub(super) fn is_live(&self) -> bool {
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
    pub(super) fn open(
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
    pub(super) fn close(&mut self, chunk: Chunk<'_>, at: &mut usize, listener: &mut dyn Listener) -> State {
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
    pub(super) fn after(&self) -> State {
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
    pub(super) fn string(
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
