//! The fast way through containers that somebody reads.
//!
//! It takes only whole tokens that are surely right. At whatever else it stops: the grammar, which knows every rule,
//! goes on from there a byte at a time.

use super::grammar::Grammar;
use super::listener::Listener;
use super::number::whole;
use super::run::short;
use super::skip::past_space;
use super::state::{Literal, State};
use super::{Chunk, Error, Kind};

impl Grammar {
    /// Reads on from `at`, where `state` comes next, through what a visitor may want, as far as it is easy. Returns
    /// where it stopped, and what comes next there.
    #[inline(never)]
    pub(super) fn stride(
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
}
