//! The fast way through containers that nobody reads.
//!
//! It takes only whole tokens that are surely right. At whatever else it stops: the grammar, which knows every rule,
//! goes on from there a byte at a time.

use super::block::{BLOCK, space};
use super::nesting::Nesting;
use super::number;
use super::run::short;
use super::state::{Literal, State};
use super::text::Text;
use super::{Chunk, Error};

/// Reads on from `at`, where `state` comes next, as far as it is easy and more than `floor` containers stay open.
/// Returns where it stopped, and what comes next there.
#[inline(never)]
pub(super) fn skip(
    chunk: Chunk<'_>,
    mut at: usize,
    mut state: State,
    floor: usize,
    nesting: &mut Nesting,
    text: &mut Text,
) -> Result<(usize, State), Error> {
    let bytes = chunk.bytes;
    // A turn is what is left of a name, its colon, a value, and what follows it.
    loop {
        if matches!(state, State::Name | State::FirstName) {
            at = past_space(bytes, at);
            if bytes.get(at) != Some(&b'"') {
                return Ok((at, state));
            }
            match string(chunk, at + 1, text)? {
                Some(after) => at = past_space(bytes, after),
                None => return Ok((bytes.len(), State::InName)),
            }
            if bytes.get(at) != Some(&b':') {
                return Ok((at, State::Colon));
            }
            at += 1;
            state = State::Value;
        }
        if matches!(state, State::Value | State::FirstItem) {
            at = past_space(bytes, at);
            match bytes.get(at) {
                Some(b'"') => match string(chunk, at + 1, text)? {
                    Some(after) => at = after,
                    None => return Ok((bytes.len(), State::InString)),
                },
                Some(b'{') if nesting.open(true) => {
                    (at, state) = (at + 1, State::FirstName);
                    continue;
                }
                Some(b'[') if nesting.open(false) => {
                    (at, state) = (at + 1, State::FirstItem);
                    continue;
                }
                Some(&byte) => match scalar(bytes, at, byte) {
                    Some(after) => at = after,
                    None => return Ok((at, state)),
                },
                None => return Ok((at, state)),
            }
        }
        loop {
            at = past_space(bytes, at);
            let in_object = nesting.in_object();
            match bytes.get(at) {
                Some(b',') => {
                    at += 1;
                    state = if in_object { State::Name } else { State::Value };
                    break;
                }
                Some(b'}') if in_object && nesting.depth() > floor + 1 => nesting.close(),
                Some(b']') if !in_object && nesting.depth() > floor + 1 => nesting.close(),
                _ => return Ok((at, State::After)),
            }
            at += 1;
        }
    }
}

/// Just past the closing quote of the string whose text begins at `at`. `None`: the chunk ends first.
#[inline(always)]
fn string(chunk: Chunk<'_>, at: usize, text: &mut Text) -> Result<Option<usize>, Error> {
    match short(chunk.bytes, at) {
        Some(after) => Ok(Some(after)),
        None => text.skip(chunk, at),
    }
}

/// Just past the number or word that begins with `byte`, if it is one and something follows it in this chunk.
#[inline(always)]
fn scalar(bytes: &[u8], at: usize, byte: u8) -> Option<usize> {
    match byte {
        b'-' | b'0'..=b'9' => number::whole(bytes, at),
        _ => Literal::begun(byte)?.past(bytes, at),
    }
}

/// The first place from `at` on that is no white space.
#[inline(always)]
pub(super) fn past_space(bytes: &[u8], at: usize) -> usize {
    // Most documents have none, and no other byte that low either.
    match bytes.get(at) {
        Some(..=b' ') => past_more_space(bytes, at),
        _ => at,
    }
}

#[inline(never)]
fn past_more_space(bytes: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\n' | b'\r' | b'\t') = bytes.get(at) {
        at += match bytes.get(at..).and_then(<[u8]>::first_chunk::<BLOCK>) {
            Some(block) => (!space(block)).trailing_zeros() as usize,
            None => 1,
        }
    }
    at
}
