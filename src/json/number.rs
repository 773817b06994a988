//! The grammar of numbers (RFC 8259 §6): a byte at a time, and for a number that is in memory as a whole.

/// Which part of a number was read last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NumberState {
    /// Nothing yet: a minus or a digit must follow.
    Begin,
    /// `-`: a digit must follow.
    Minus,
    /// The integer part `0`: no further digit may follow.
    Zero,
    /// Digits of the integer part.
    Integer,
    /// `.`: a digit must follow.
    Point,
    /// Digits of the fraction.
    Fraction,
    /// `e` or `E`: a sign or a digit must follow.
    E,
    /// The exponent's sign: a digit must follow.
    Sign,
    /// Digits of the exponent.
    Exponent,
}

/// How a byte continues a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NumberStep {
    /// It is part of the number, whose state is now this.
    Part(NumberState),
    /// The number ended before it.
    After,
    /// No number can go on or end like this.
    Bad,
}

impl NumberState {
    /// Whether the number is valid if nothing follows.
    pub(super) fn may_end(self) -> bool {
        match self {
            Self::Zero | Self::Integer | Self::Fraction | Self::Exponent => true,
            Self::Begin | Self::Minus | Self::Point | Self::E | Self::Sign => false,
        }
    }

    /// How `byte` continues the number.
    #[inline]
    pub(super) fn next(self, byte: u8) -> NumberStep {
        match (self, byte) {
            (Self::Begin | Self::Minus | Self::Integer, b'1'..=b'9') | (Self::Integer, b'0') => {
                NumberStep::Part(Self::Integer)
            }
            (Self::Begin, b'-') => NumberStep::Part(Self::Minus),
            (Self::Begin | Self::Minus, b'0') => NumberStep::Part(Self::Zero),
            (Self::Point | Self::Fraction, b'0'..=b'9') => NumberStep::Part(Self::Fraction),
            (Self::E | Self::Sign | Self::Exponent, b'0'..=b'9') => NumberStep::Part(Self::Exponent),
            (Self::Zero, b'0'..=b'9') => NumberStep::Bad,
            (Self::Zero | Self::Integer, b'.') => NumberStep::Part(Self::Point),
            (Self::Zero | Self::Integer | Self::Fraction, b'e' | b'E') => NumberStep::Part(Self::E),
            (Self::E, b'+' | b'-') => NumberStep::Part(Self::Sign),
            _ if self.may_end() => NumberStep::After,
            _ => NumberStep::Bad,
        }
    }
}

/// The position just past the number that begins at `at`. `None`: it is not valid, or `bytes` end with it, so that it
/// may go on in the next chunk.
#[inline]
pub(super) fn number_end(bytes: &[u8], mut at: usize) -> Option<usize> {
    at += usize::from(*bytes.get(at)? == b'-');
    at = if *bytes.get(at)? == b'0' { at + 1 } else { past_digits(bytes, at)? };
    if *bytes.get(at)? == b'.' {
        at = past_digits(bytes, at + 1)?;
    }
    if matches!(bytes.get(at)?, b'e' | b'E') {
        at += 1 + usize::from(matches!(bytes.get(at + 1)?, b'+' | b'-'));
        at = past_digits(bytes, at)?;
    }
    bytes.get(at).is_some_and(|byte| !byte.is_ascii_digit()).then_some(at)
}

/// The position just past the digits that begin at `begin`. `None`: there is no digit.
#[inline(always)]
fn past_digits(bytes: &[u8], begin: usize) -> Option<usize> {
    let mut at = begin;
    while bytes.get(at).is_some_and(u8::is_ascii_digit) {
        at += 1;
    }
    (at > begin).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::{NumberState, NumberStep, number_end};

    /// Whether all of `text` is one number.
    fn valid(text: &str) -> bool {
        let mut number = NumberState::Begin;
        for byte in text.bytes() {
            match number.next(byte) {
                NumberStep::Part(next) => number = next,
                NumberStep::After | NumberStep::Bad => return false,
            }
        }
        number.may_end()
    }

    #[test]
    fn a_number_is_valid_iff_rfc_8259_allows_it() {
        for text in ["0", "-0", "1", "10", "-12", "0.0", "1.50", "1e1", "1E+10", "1e-0", "0e00", "-1.5E-07"] {
            assert!(valid(text), "{text}");
            assert_eq!(number_end(format!("[{text},").as_bytes(), 1), Some(1 + text.len()), "{text}");
            assert_eq!(number_end(text.as_bytes(), 0), None, "{text} may continue");
        }
        for text in
            ["", "-", "00", "01", "-01", "1.", ".5", "1.e1", "1e", "1e+", "1e1.5", "--1", "+1", "1ee1", "1a"]
        {
            assert!(!valid(text), "{text}");
            assert_ne!(number_end(format!("{text},").as_bytes(), 0), Some(text.len()), "{text}");
        }
    }

    #[test]
    fn a_digit_after_a_leading_zero_is_bad_and_other_bytes_end_the_number() {
        assert_eq!(NumberState::Zero.next(b'1'), NumberStep::Bad);
        assert_eq!(NumberState::Zero.next(b','), NumberStep::After);
        assert_eq!(NumberState::Fraction.next(b'.'), NumberStep::After);
        assert_eq!(NumberState::Point.next(b','), NumberStep::Bad);
    }
}
