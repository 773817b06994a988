//! Readers of values that are in memory as a whole: small, and mostly not on the path of a stream.
//!
//! They are not one reader, because their contracts differ: [`text_members()`] validates the object and finds repeated
//! members, [`RawMembers`] validates nothing and keeps every byte, [`Value`] builds a tree.

mod compact;
mod raw_members;
mod text_members;
mod value;

pub use compact::compact;
pub(crate) use raw_members::{RawMember, RawMembers};
pub(crate) use text_members::{TextMember, text_members};
pub(crate) use value::Value;

use super::{Error, Scanner, Visitor};

/// Feeds a value that is in memory as a whole to `visitor`.
///
/// # Errors
/// `value` is not one JSON value.
pub fn read_whole<V: Visitor>(value: &str, visitor: &mut V) -> Result<(), Error> {
    // Each level of nesting takes a byte of the value, so that this is always enough.
    let mut scanner = Scanner::any(value.len() / 8 + 1);
    scanner.feed(value.as_bytes(), visitor)?;
    scanner.finish(visitor)
}

#[cfg(test)]
mod tests {
    use super::read_whole;
    use crate::json::{Problem, ValidateOnly};

    #[test]
    fn a_whole_value_may_have_any_depth() {
        let read = |value: &str| read_whole(value, &mut ValidateOnly).map_err(|e| (e.problem, e.offset));
        assert_eq!(read(&("[".repeat(5000) + &"]".repeat(5000))), Ok(()));
        assert_eq!(read(""), Err((Problem::Empty, 0)));
        assert_eq!(read("[1 2]"), Err((Problem::UnexpectedByte, 3)));
    }
}
