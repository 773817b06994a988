//! The fast path through containers that are skipped or raw.
//!
//! It takes only whole tokens that are valid, and stops before anything else: `Grammar::step`, which applies every rule,
//! continues there.

use super::byte_classes::Stops;
use super::expected::{Between, Expected};
use super::literal::Literal;
use super::nesting::Nesting;
use super::number::number_end;
use super::plain_run::short_string_end;
use super::string::StringReader;
use super::text_count::TextCount;
use super::white_space::token_byte;
use super::{Chunk, Error};

/// Reads on from `at` in this state, as long as more than `floor` containers stay open, up to a member whose name
/// `count` watches. Returns the position where it stopped, and the state there.
#[inline(never)]
pub(super) fn fast_skip(
    chunk: Chunk<'_>,
    mut at: usize,
    mut state: Between,
    floor: usize,
    nesting: &mut Nesting,
    reader: &mut StringReader,
    count: &mut TextCount,
) -> Result<(usize, Expected), Error> {
    let bytes = chunk.bytes;
    let stops = Stops::new();
    // Each turn reads a name and its colon, a value, and what follows the value.
    loop {
        if matches!(state, Between::Name | Between::FirstName) {
            match token_byte(bytes, &mut at) {
                b'"' => {}
                b'}' if state == Between::FirstName => state = Between::After,
                _ => return Ok((at, state.into())),
            }
        }
        if matches!(state, Between::Name | Between::FirstName) {
            if count.reads_names() {
                let Some(after) = short_string_end(bytes, at + 1, stops) else {
                    return Ok((at, state.into()));
                };
                let Some(name) = bytes.get(at + 1..after - 1) else { return Ok((at, state.into())) };
                if count.name(name, true) {
                    return Ok((at, state.into()));
                }
                at = after;
                // Most members: a text, then a name.
                if pair(bytes, at) == Some(*b":\"") {
                    match string_end(chunk, at + 2, stops, reader)? {
                        Some((after, text_bytes)) => {
                            count.string(text_bytes, true);
                            at = after;
                        }
                        None => return Ok((bytes.len(), Expected::InString)),
                    }
                    if pair(bytes, at) == Some(*b",\"") {
                        (at, state) = (at + 1, Between::Name);
                        continue;
                    }
                    state = Between::After;
                }
            } else {
                match string_end(chunk, at + 1, stops, reader)? {
                    Some((after, _)) => at = after,
                    None => return Ok((bytes.len(), Expected::InName)),
                }
            }
            if state != Between::After {
                if token_byte(bytes, &mut at) != b':' {
                    return Ok((at, Expected::Colon));
                }
                at += 1;
                state = Between::Value;
            }
        }
        if matches!(state, Between::Value | Between::FirstItem) {
            match token_byte(bytes, &mut at) {
                b'"' => match string_end(chunk, at + 1, stops, reader)? {
                    Some((after, text_bytes)) => {
                        count.string(text_bytes, true);
                        at = after;
                    }
                    None => return Ok((bytes.len(), Expected::InString)),
                },
                b'{' if nesting.open(true) => {
                    count.open(nesting.depth());
                    (at, state) = (at + 1, Between::FirstName);
                    continue;
                }
                b'[' if nesting.open(false) => {
                    count.open(nesting.depth());
                    (at, state) = (at + 1, Between::FirstItem);
                    continue;
                }
                b']' if state == Between::FirstItem => {}
                byte => match scalar_end(bytes, at, byte) {
                    Some(after) => {
                        count.scalar();
                        at = after;
                    }
                    None => return Ok((at, state.into())),
                },
            }
        }
        loop {
            let in_object = nesting.in_object();
            match token_byte(bytes, &mut at) {
                b',' => {
                    at += 1;
                    state = if in_object { Between::Name } else { Between::Value };
                    break;
                }
                b'}' if in_object && nesting.depth() > floor + 1 => {}
                b']' if !in_object && nesting.depth() > floor + 1 => {}
                _ => return Ok((at, Expected::After)),
            }
            count.close(nesting.depth());
            nesting.close();
            at += 1;
        }
    }
}

/// The two bytes at `at`.
#[inline(always)]
fn pair(bytes: &[u8], at: usize) -> Option<[u8; 2]> {
    bytes.get(at..)?.first_chunk().copied()
}

/// The position just past the closing quote of the string whose text begins at `at`, and the bytes of the text. `None`:
/// the chunk ends first.
#[inline(always)]
fn string_end(
    chunk: Chunk<'_>,
    at: usize,
    stops: Stops,
    reader: &mut StringReader,
) -> Result<Option<(usize, u64)>, Error> {
    match short_string_end(chunk.bytes, at, stops) {
        Some(after) => Ok(Some((after, (after - 1 - at) as u64))),
        None => Ok(reader.skip(chunk, at)?.map(|after| (after, reader.take_text_bytes()))),
    }
}

/// The position just past the number or literal that begins with `byte` at `at`. `None`: it is not valid, or the chunk
/// may not hold all of it.
#[inline(always)]
fn scalar_end(bytes: &[u8], at: usize, byte: u8) -> Option<usize> {
    match byte {
        b'-' | b'0'..=b'9' => number_end(bytes, at),
        _ => Literal::starting_with(byte)?.end(bytes, at),
    }
}
