//! The grammar of documents (RFC 8259 §2–5), a byte at a time. It applies every rule and finds every error; the fast
//! paths (`fast_read`, `fast_skip`) only run ahead of it. It does not interpret names.

mod fast_read;
mod latest;
mod tokens;

use super::dispatch::Dispatch;
use super::erased_visitor::ErasedVisitor;
use super::expected::{Between, Expected};
use super::fast_skip::fast_skip;
use super::nesting::Nesting;
use super::number::NumberState;
use super::string::StringReader;
use super::unread_values::UnreadValues;
use super::{Chunk, Error, Kind, Problem, Watched};
use latest::RunAhead;

/// All of a scanner that does not depend on the type of the names.
#[derive(Debug)]
pub(super) struct Grammar {
    /// The state in which each document begins.
    begin: Expected,
    state: Expected,
    nesting: Nesting,
    string: StringReader,
    dispatch: Dispatch,
    run_ahead: RunAhead,
    /// How many bytes were read without error.
    offset: u64,
    error: Option<Error>,
}

impl Grammar {
    /// Before a document that begins in this state. At most eight levels of nesting fit into each byte of
    /// `depth_bytes`.
    pub(super) fn new(begin: Expected, depth_bytes: usize) -> Self {
        Self {
            begin,
            state: begin,
            nesting: Nesting::new(depth_bytes),
            string: StringReader::default(),
            dispatch: Dispatch::new(),
            run_ahead: RunAhead::default(),
            offset: 0,
            error: None,
        }
    }

    /// As [`Scanner::renew`](super::Scanner::renew).
    pub(super) fn renew(&mut self) {
        self.state = self.begin;
        self.nesting.clear();
        self.string = StringReader::default();
        self.dispatch.renew();
        self.run_ahead.renew();
        (self.offset, self.error) = (0, None);
    }

    /// As [`Scanner::feed`](super::Scanner::feed).
    pub(super) fn feed(&mut self, bytes: &[u8], visitor: &mut dyn ErasedVisitor) -> Result<(), Error> {
        if let Some(error) = self.error {
            return Err(error);
        }
        let chunk = Chunk { bytes, base: self.offset };
        let result = self.scan(chunk, visitor);
        if let Err(error) = result {
            // The visitor gets a raw value up to the error in any chunking.
            let end = error.offset.saturating_sub(chunk.base);
            self.dispatch.count.invalid();
            self.dispatch.end_chunk(chunk, usize::try_from(end).unwrap_or(0), visitor);
        }
        self.settle(result, chunk.offset(bytes.len()))
    }

    /// As [`Scanner::finish`](super::Scanner::finish).
    pub(super) fn finish(&mut self, visitor: &mut dyn ErasedVisitor) -> Result<(), Error> {
        if let Some(error) = self.error {
            return Err(error);
        }
        if matches!(self.state, Expected::Done) {
            return Ok(());
        }
        let outermost = self.nesting.depth() == 0;
        if let Expected::InNumber(number) = self.state
            && number.may_end()
            && outermost
        {
            self.state = self.end_number(Chunk { bytes: &[], base: self.offset }, 0, visitor);
            return Ok(());
        }
        let empty = outermost && matches!(self.state, Expected::Document | Expected::Value);
        let problem = if empty { Problem::Empty } else { Problem::Truncated };
        self.settle(Err(Error { problem, offset: self.offset }), self.offset)
    }

    /// As [`Scanner::is_complete`](super::Scanner::is_complete).
    pub(super) fn is_complete(&self) -> bool {
        self.error.is_none() && matches!(self.state, Expected::Done)
    }

    /// As [`Scanner::unread_values`](super::Scanner::unread_values).
    pub(super) fn unread_values(&self) -> &UnreadValues {
        &self.dispatch.unread
    }

    /// As [`Scanner::text_bytes`](super::Scanner::text_bytes).
    pub(super) fn text_bytes(&self) -> u64 {
        let in_string = matches!(self.state, Expected::InString);
        let string = in_string.then(|| (self.string.text_bytes(), !self.is_live()));
        self.dispatch.count.up_to(self.offset, string)
    }

    /// Sets the names of members that are not counted.
    pub(super) fn count_except(&mut self, except: &'static [&'static [u8]]) {
        self.dispatch.count.count_except(except);
    }

    /// As [`Scanner::watching`](super::Scanner::watching).
    pub(super) fn watch(&mut self, watched: &'static Watched) {
        self.run_ahead.watch(watched);
    }

    /// As [`Scanner::offset`](super::Scanner::offset).
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Keeps the error, and the offset up to which the input is valid.
    fn settle(&mut self, result: Result<(), Error>, offset: u64) -> Result<(), Error> {
        self.error = result.err();
        self.offset = self.error.map_or(offset, |error| error.offset);
        result
    }

    /// Whether the current value or name is not inside of a skipped or raw value.
    #[inline(always)]
    fn is_live(&self) -> bool {
        self.nesting.depth() == self.dispatch.depth()
    }

    fn scan(&mut self, chunk: Chunk<'_>, visitor: &mut dyn ErasedVisitor) -> Result<(), Error> {
        let bytes = chunk.bytes;
        let mut at = 0;
        if self.string.partial_len() > 0 {
            match self.complete_character(chunk, visitor)? {
                Some(after) => at = after,
                None => return Ok(()),
            }
        }
        self.dispatch.begin_chunk(at);
        let mut state = self.state;
        loop {
            // A fast path takes whole tokens that are valid, and leaves anything else to `step`.
            if let Some(between) = state.between()
                && self.is_live()
            {
                (at, state) = self.fast_read(chunk, at, between, visitor)?;
            }
            if let Some(between) = state.between()
                && !self.is_live()
            {
                let floor = self.dispatch.depth();
                let count = &mut self.dispatch.count;
                (at, state) =
                    fast_skip(chunk, at, between, floor, &mut self.nesting, &mut self.string, count)?;
            }
            let Some(&byte) = bytes.get(at) else { break };
            state = self.step(state, byte, chunk, &mut at, visitor)?;
        }
        self.state = state;
        let text_end = bytes.len().saturating_sub(self.string.partial_len());
        self.dispatch.end_chunk(chunk, text_end, visitor);
        Ok(())
    }

    /// Reads `byte`, which is at `at`, or the rest of the token that goes on there. Returns the next state.
    #[inline(never)]
    fn step(
        &mut self,
        state: Expected,
        byte: u8,
        chunk: Chunk<'_>,
        at: &mut usize,
        visitor: &mut dyn ErasedVisitor,
    ) -> Result<Expected, Error> {
        let unexpected = chunk.error(Problem::UnexpectedByte, *at);
        Ok(match state {
            Expected::InString => match self.read_string(chunk, *at, visitor)? {
                Some(after) => {
                    *at = after;
                    self.end_value(Kind::String, None, chunk, after, visitor)
                }
                None => {
                    *at = chunk.bytes.len();
                    state
                }
            },
            Expected::InName => match self.read_name(chunk, *at, visitor)? {
                Some(after) => {
                    *at = after;
                    Expected::Colon
                }
                None => {
                    *at = chunk.bytes.len();
                    state
                }
            },
            Expected::InNumber(number) => self.read_number(number, chunk, at, visitor)?,
            Expected::InLiteral(literal, seen) => match literal.word().get(usize::from(seen)) {
                Some(&expected) if byte != expected => return Err(unexpected),
                Some(_) if usize::from(seen) + 1 < literal.word().len() => {
                    *at += 1;
                    Expected::InLiteral(literal, seen + 1)
                }
                _ => {
                    *at += 1;
                    self.end_value(literal.kind(), Some(literal.scalar()), chunk, *at, visitor)
                }
            },
            _ if matches!(byte, b' ' | b'\n' | b'\r' | b'\t') => {
                *at += 1;
                state
            }
            Expected::Document if byte != b'{' => return Err(chunk.error(Problem::NotAnObject, *at)),
            Expected::FirstItem if byte == b']' => self.close(chunk, at, visitor),
            Expected::Document | Expected::Value | Expected::FirstItem => {
                self.begin_value(byte, chunk, at, visitor)?
            }
            Expected::FirstName if byte == b'}' => self.close(chunk, at, visitor),
            Expected::FirstName | Expected::Name if byte == b'"' => {
                *at += 1;
                Expected::InName
            }
            Expected::Colon if byte == b':' => {
                *at += 1;
                Expected::Value
            }
            Expected::After => match (byte, self.nesting.in_object()) {
                (b',', in_object) => {
                    *at += 1;
                    if in_object { Expected::Name } else { Expected::Value }
                }
                (b'}', true) | (b']', false) => self.close(chunk, at, visitor),
                _ => return Err(unexpected),
            },
            Expected::FirstName | Expected::Name | Expected::Colon => return Err(unexpected),
            Expected::Done => return Err(chunk.error(Problem::TrailingData, *at)),
        })
    }
}
