//! The record's id: a UUID of version 7.
//!
//! It is written by hand because the core has neither a clock nor a source of randomness: both come from the host. What a
//! crate would add is the formatting below, for more bytes of the module.

use core::time::Duration;
use std::rc::Rc;

/// A UUID of version 7 (RFC 9562 §5.7) for a record that begins at `now`, time since the Unix epoch: 48 bits of
/// milliseconds, then 74 bits of `random` around the version and the variant.
#[must_use]
pub fn uuid_v7(now: Duration, random: u128) -> Rc<str> {
    // The casts drop the bits above those that are used.
    let (millis, rand_a, rand_b) = (now.as_millis() as u64, random as u64 & 0xfff, (random >> 12) as u64);
    let halves = [(millis << 16) | 0x7000 | rand_a, (0b10 << 62) | (rand_b & 0x3fff_ffff_ffff_ffff)];
    let mut written = *b"00000000-0000-0000-0000-000000000000";
    let (first, second) = written.split_at_mut(18);
    for (mut half, digits) in halves.into_iter().zip([first, second]) {
        for place in digits.iter_mut().rev().filter(|place| **place != b'-') {
            let digit = (half & 0xf) as u8;
            *place = digit + if digit < 10 { b'0' } else { b'a' - 10 };
            half >>= 4;
        }
    }
    // Digits and hyphens are UTF-8.
    core::str::from_utf8(&written).unwrap_or_default().into()
}

#[cfg(test)]
mod tests {
    use super::uuid_v7;
    use core::time::Duration;

    #[test]
    fn an_id_is_a_uuid_of_version_7_and_begins_with_the_time() {
        let id = |milliseconds, random| uuid_v7(Duration::from_millis(milliseconds), random);
        assert_eq!(*id(0x0123_4567_89ab, 0), *"01234567-89ab-7000-8000-000000000000");
        assert_eq!(*id(1, u128::MAX), *"00000000-0001-7fff-bfff-ffffffffffff");
    }
}
