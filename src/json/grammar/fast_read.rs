//! The fast path through containers that are read.
//!
//! It takes only whole tokens that are valid, and stops before anything else: `Grammar::step`, which applies every rule,
//! continues there.

use super::super::byte_classes::Stops;
use super::super::literal::Literal;
use super::super::number::number_end;
use super::super::plain_run::short_string_end;
use super::super::white_space::token_byte;
use super::super::{Chunk, Error, Kind, Problem};
use super::{Between, ErasedVisitor, Expected, Grammar};

impl Grammar {
    /// Reads on from `at` in this state. Returns the position where it stopped, and the state there.
    #[inline(never)]
    pub(super) fn fast_read(
        &mut self,
        chunk: Chunk<'_>,
        mut at: usize,
        mut state: Between,
        visitor: &mut dyn ErasedVisitor,
    ) -> Result<(usize, Expected), Error> {
        let bytes = chunk.bytes;
        let stops = Stops::new();
        // Each turn reads a name and its colon, a value, and what follows the value.
        loop {
            if matches!(state, Between::Name | Between::FirstName) {
                if token_byte(bytes, &mut at) != b'"' {
                    return Ok((at, state.into()));
                }
                at += 1;
                let Some(after) = short_string_end(bytes, at, stops) else {
                    return Ok((at, Expected::InName));
                };
                self.dispatch.short_name(bytes.get(at..after - 1).unwrap_or(&[]), visitor);
                at = after;
                if token_byte(bytes, &mut at) != b':' {
                    return Ok((at, Expected::Colon));
                }
                at += 1;
                state = Between::Value;
            }
            if matches!(state, Between::Value | Between::FirstItem) {
                let byte = token_byte(bytes, &mut at);
                match byte {
                    b'"' => match short_string_end(bytes, at + 1, stops) {
                        Some(after) => {
                            let quoted = bytes.get(at..after).unwrap_or(&[]);
                            self.dispatch.short_string(quoted, chunk.offset(at), visitor);
                            at = after;
                        }
                        None => {
                            self.dispatch.begin(Kind::String, chunk, at, visitor);
                            match self.read_string(chunk, at + 1, visitor)? {
                                Some(after) => at = after,
                                None => return Ok((bytes.len(), Expected::InString)),
                            }
                            self.dispatch.end(Kind::String, None, chunk, at, visitor);
                        }
                    },
                    b'{' | b'[' => {
                        let object = byte == b'{';
                        if object && self.may_run_ahead(chunk, at) {
                            at = self.latest(chunk, at);
                        }
                        if !self.open(object, chunk, at, visitor) {
                            return Err(chunk.error(Problem::TooDeep, at));
                        }
                        at += 1;
                        state = if object { Between::FirstName } else { Between::FirstItem };
                        if self.is_live() {
                            continue;
                        }
                        return Ok((at, state.into()));
                    }
                    b'-' | b'0'..=b'9' => {
                        let Some(after) = number_end(bytes, at) else { return Ok((at, state.into())) };
                        self.dispatch.begin(Kind::Number, chunk, at, visitor);
                        let number = bytes.get(at..after).unwrap_or(&[]);
                        at = after;
                        self.dispatch.whole_number(number, chunk, at, visitor);
                    }
                    _ => {
                        let literal = Literal::starting_with(byte);
                        let found = literal.and_then(|literal| Some((literal, literal.end(bytes, at)?)));
                        let Some((literal, after)) = found else { return Ok((at, state.into())) };
                        self.dispatch.begin(literal.kind(), chunk, at, visitor);
                        at = after;
                        self.dispatch.end(literal.kind(), Some(literal.scalar()), chunk, at, visitor);
                    }
                }
                if self.nesting.depth() == 0 {
                    return Ok((at, Expected::Done));
                }
            }
            loop {
                let in_object = self.nesting.in_object();
                match token_byte(bytes, &mut at) {
                    b',' => {
                        at += 1;
                        state = if in_object { Between::Name } else { Between::Value };
                        break;
                    }
                    b'}' if in_object => {}
                    b']' if !in_object => {}
                    _ => return Ok((at, Expected::After)),
                }
                at += 1;
                self.nesting.close();
                let kind = if in_object { Kind::Object } else { Kind::Array };
                self.dispatch.end_container(kind, chunk, at, visitor);
                if self.nesting.depth() == 0 {
                    return Ok((at, Expected::Done));
                }
            }
        }
    }
}
