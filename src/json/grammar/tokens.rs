//! The beginnings and ends of values, and the tokens that may span chunks.

use super::super::literal::Literal;
use super::super::number::NumberStep;
use super::super::{Chunk, Error, Kind, Problem, Scalar};
use super::{ErasedVisitor, Expected, Grammar, NumberState};

impl Grammar {
    /// A value begins with `byte`, which is at `at`.
    pub(super) fn begin_value(
        &mut self,
        byte: u8,
        chunk: Chunk<'_>,
        at: &mut usize,
        visitor: &mut dyn ErasedVisitor,
    ) -> Result<Expected, Error> {
        let (kind, state) = match byte {
            b'"' => (Kind::String, Expected::InString),
            b'-' | b'0'..=b'9' => (Kind::Number, Expected::InNumber(NumberState::Begin)),
            b'{' | b'[' => {
                let object = byte == b'{';
                if !self.open(object, chunk, *at, visitor) {
                    return Err(chunk.error(Problem::TooDeep, *at));
                }
                *at += 1;
                return Ok(if object { Expected::FirstName } else { Expected::FirstItem });
            }
            _ => match Literal::starting_with(byte) {
                Some(literal) => (literal.kind(), Expected::InLiteral(literal, 1)),
                None => return Err(chunk.error(Problem::UnexpectedByte, *at)),
            },
        };
        if self.is_live() {
            self.dispatch.begin(kind, chunk, *at, visitor);
        }
        // The first byte of a number is read again as part of it.
        *at += usize::from(kind != Kind::Number);
        Ok(state)
    }

    /// Opens the container whose bracket is at `at`. `false`: it would be too deep.
    #[must_use]
    pub(super) fn open(
        &mut self,
        object: bool,
        chunk: Chunk<'_>,
        at: usize,
        visitor: &mut dyn ErasedVisitor,
    ) -> bool {
        let live = self.is_live();
        if !self.nesting.open(object) {
            return false;
        }
        if live {
            let kind = if object { Kind::Object } else { Kind::Array };
            self.dispatch.begin(kind, chunk, at, visitor);
        } else {
            self.dispatch.count.open(self.nesting.depth());
        }
        true
    }

    /// Closes the innermost container with the bracket at `at`, and moves `at` past it.
    pub(super) fn close(
        &mut self,
        chunk: Chunk<'_>,
        at: &mut usize,
        visitor: &mut dyn ErasedVisitor,
    ) -> Expected {
        let kind = if self.nesting.in_object() { Kind::Object } else { Kind::Array };
        *at += 1;
        let live = self.is_live();
        if !live {
            self.dispatch.count.close(self.nesting.depth());
        }
        self.nesting.close();
        if live {
            self.dispatch.end_container(kind, chunk, *at, visitor);
        } else if self.is_live() {
            self.dispatch.end(kind, None, chunk, *at, visitor);
        }
        self.after_value()
    }

    /// The state after a value.
    #[inline(always)]
    pub(super) fn after_value(&self) -> Expected {
        if self.nesting.depth() == 0 { Expected::Done } else { Expected::After }
    }

    /// Reads a member name from `at` to just past its closing quote, the position of which it returns. `None`: the chunk
    /// ends first.
    pub(super) fn read_name(
        &mut self,
        chunk: Chunk<'_>,
        at: usize,
        visitor: &mut dyn ErasedVisitor,
    ) -> Result<Option<usize>, Error> {
        if self.is_live() {
            self.dispatch.read_name(chunk, at, &mut self.string, visitor)
        } else {
            self.dispatch.skip_name(chunk, at, &mut self.string)
        }
    }

    /// Reads a string from `at` to just past its closing quote, the position of which it returns. `None`: the chunk ends
    /// first.
    #[inline(never)]
    pub(super) fn read_string(
        &mut self,
        chunk: Chunk<'_>,
        at: usize,
        visitor: &mut dyn ErasedVisitor,
    ) -> Result<Option<usize>, Error> {
        let live = self.is_live();
        let after = match self.dispatch.text_sink(visitor).filter(|_| live) {
            Some(mut sink) => sink.read(&mut self.string, chunk, at)?,
            None => self.string.skip(chunk, at)?,
        };
        if after.is_some() {
            self.dispatch.count.string(self.string.take_text_bytes(), !live);
        }
        Ok(after)
    }

    /// A string or literal ended just before `at`.
    pub(super) fn end_value(
        &mut self,
        kind: Kind,
        scalar: Option<Scalar<'_>>,
        chunk: Chunk<'_>,
        at: usize,
        visitor: &mut dyn ErasedVisitor,
    ) -> Expected {
        if self.is_live() {
            self.dispatch.end(kind, scalar, chunk, at, visitor);
        } else {
            self.dispatch.count.scalar();
        }
        self.after_value()
    }

    /// Reads a number from `at` on, and moves `at` to the first byte after it or to the end of the chunk.
    pub(super) fn read_number(
        &mut self,
        mut number: NumberState,
        chunk: Chunk<'_>,
        at: &mut usize,
        visitor: &mut dyn ErasedVisitor,
    ) -> Result<Expected, Error> {
        let begin = *at;
        let ended = loop {
            let Some(&byte) = chunk.bytes.get(*at) else { break false };
            match number.next(byte) {
                NumberStep::Part(next) => number = next,
                NumberStep::After => break true,
                NumberStep::Bad => return Err(chunk.error(Problem::BadNumber, *at)),
            }
            *at += 1;
        };
        if self.is_live() {
            self.dispatch.number_part(chunk.bytes.get(begin..*at).unwrap_or(&[]));
        }
        Ok(if ended { self.end_number(chunk, *at, visitor) } else { Expected::InNumber(number) })
    }

    /// A number ended just before `at`.
    pub(super) fn end_number(
        &mut self,
        chunk: Chunk<'_>,
        at: usize,
        visitor: &mut dyn ErasedVisitor,
    ) -> Expected {
        if self.is_live() {
            self.dispatch.end_number(chunk, at, visitor);
        } else {
            self.dispatch.count.scalar();
        }
        self.after_value()
    }

    /// Completes the character that the last chunk broke off. Returns the position just past it. `None`: it is still
    /// incomplete.
    pub(super) fn complete_character(
        &mut self,
        chunk: Chunk<'_>,
        visitor: &mut dyn ErasedVisitor,
    ) -> Result<Option<usize>, Error> {
        let live = self.is_live();
        let name = matches!(self.state, Expected::InName);
        let dispatch = &mut self.dispatch;
        self.string.complete(chunk, |character| dispatch.split_character(character, live, name, visitor))
    }
}
