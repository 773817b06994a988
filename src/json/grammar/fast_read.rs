//! The fast path through containers that are read.
//!
//! It takes only whole tokens that are valid, and stops before anything else: `Grammar::step`, which applies every rule,
//! continues there.

use super::super::literal::Literal;
use super::super::number::number_end;
use super::super::plain_run::short_string_end;
use super::super::white_space::past_white_space;
use super::super::{Chunk, Error, Kind};
use super::{ErasedVisitor, Expected, Grammar};

impl Grammar {
    /// Reads on from `at` in this state. Returns the position where it stopped, and the state there.
    #[inline(never)]
    pub(super) fn fast_read(
        &mut self,
        chunk: Chunk<'_>,
        mut at: usize,
        mut state: Expected,
        visitor: &mut dyn ErasedVisitor,
    ) -> Result<(usize, Expected), Error> {
        let bytes = chunk.bytes;
        // Each turn reads a name and its colon, a value, and what follows the value.
        loop {
            if matches!(state, Expected::Name | Expected::FirstName) {
                at = past_white_space(bytes, at);
                if bytes.get(at) != Some(&b'"') {
                    return Ok((at, state));
                }
                at += 1;
                let Some(after) = short_string_end(bytes, at) else { return Ok((at, Expected::InName)) };
                self.dispatch.short_name(bytes.get(at..after - 1).unwrap_or(&[]), visitor);
                at = past_white_space(bytes, after);
                if bytes.get(at) != Some(&b':') {
                    return Ok((at, Expected::Colon));
                }
                at += 1;
                state = Expected::Value;
            }
            if matches!(state, Expected::Value | Expected::FirstItem) {
                at = past_white_space(bytes, at);
                let Some(&byte) = bytes.get(at) else { return Ok((at, state)) };
                match byte {
                    b'"' => {
                        self.dispatch.begin(Kind::String, chunk, at, visitor);
                        at += 1;
                        match short_string_end(bytes, at) {
                            Some(after) => {
                                let text = bytes.get(at..after - 1).unwrap_or(&[]);
                                self.dispatch.short_text(text, visitor);
                                self.dispatch.count.string(text.len() as u64, false);
                                at = after;
                            }
                            None => match self.read_string(chunk, at, visitor)? {
                                Some(after) => at = after,
                                None => return Ok((bytes.len(), Expected::InString)),
                            },
                        }
                        self.dispatch.end(Kind::String, None, chunk, at, visitor);
                    }
                    b'{' | b'[' => {
                        state = self.open(byte, chunk, at, visitor)?;
                        at += 1;
                        if self.is_live() {
                            continue;
                        }
                        return Ok((at, state));
                    }
                    b'-' | b'0'..=b'9' => {
                        let Some(after) = number_end(bytes, at) else { return Ok((at, state)) };
                        self.dispatch.begin(Kind::Number, chunk, at, visitor);
                        let number = bytes.get(at..after).unwrap_or(&[]);
                        at = after;
                        self.dispatch.whole_number(number, chunk, at, visitor);
                    }
                    _ => {
                        let literal = Literal::starting_with(byte);
                        let found = literal.and_then(|literal| Some((literal, literal.end(bytes, at)?)));
                        let Some((literal, after)) = found else { return Ok((at, state)) };
                        self.dispatch.begin(literal.kind(), chunk, at, visitor);
                        at = after;
                        self.dispatch.end(literal.kind(), Some(literal.scalar()), chunk, at, visitor);
                    }
                }
                state = self.after_value();
            }
            while matches!(state, Expected::After) {
                at = past_white_space(bytes, at);
                let in_object = self.nesting.in_object();
                match bytes.get(at) {
                    Some(b',') => {
                        at += 1;
                        state = if in_object { Expected::Name } else { Expected::Value };
                    }
                    Some(b'}') if in_object => state = self.close(chunk, &mut at, visitor),
                    Some(b']') if !in_object => state = self.close(chunk, &mut at, visitor),
                    _ => return Ok((at, state)),
                }
            }
            if matches!(state, Expected::Done) {
                return Ok((at, state));
            }
        }
    }
}
