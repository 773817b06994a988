//! Writes numbers in decimal.

use super::append::append;
use core::ops::Deref;

/// Most digits of a `u64` in decimal.
const MAX_DIGITS: usize = 20;

/// A number's decimal digits.
#[derive(Clone, Debug)]
pub struct Digits {
    bytes: [u8; MAX_DIGITS],
    begin: u8,
}

// === impl Digits ===

impl Digits {
    /// The digits of `number`.
    #[must_use]
    pub fn of(number: u64) -> Self {
        let mut bytes = [b'0'; MAX_DIGITS];
        let used = set_digits(&mut bytes, number).max(1);
        Self { bytes, begin: MAX_DIGITS.saturating_sub(used) as u8 }
    }
}

impl Deref for Digits {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.bytes.get(usize::from(self.begin)..).unwrap_or_default()
    }
}

/// Appends `number` in decimal.
pub(super) fn push_number(out: &mut Vec<u8>, number: u64) {
    append(out, &Digits::of(number));
}

/// Writes the decimal digits of `number` over the end of `zeros`, the last ones as far as they fit. Returns how many it
/// wrote; for 0 none.
fn set_digits(zeros: &mut [u8], mut number: u64) -> usize {
    let mut used = 0;
    for place in zeros.iter_mut().rev() {
        if number == 0 {
            break;
        }
        // A 32-bit division is much faster than a 64-bit one.
        let (rest, digit) = match u32::try_from(number) {
            Ok(number) => (u64::from(number / 10), number % 10),
            Err(_) => (number / 10, (number % 10) as u32),
        };
        // The remainder is below ten, so the cast loses nothing.
        *place = b'0' + digit as u8;
        number = rest;
        used += 1;
    }
    used
}

#[cfg(test)]
mod tests {
    use super::push_number;

    #[test]
    fn numbers_are_written_in_full() {
        for number in [0, 7, 10, 1234, u64::from(u32::MAX), 1 << 32, 10_u64.pow(15), u64::MAX] {
            let mut out = Vec::new();
            push_number(&mut out, number);
            assert_eq!(out, number.to_string().into_bytes());
        }
    }
}
