//! The grammar of numbers (RFC 8259 §6), a byte at a time.

/// What a number has had so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Number {
    /// Nothing: a minus or a digit must follow.
    Begin,
    /// `-`: a digit must follow.
    Minus,
    /// `0`: no further digit may follow.
    Zero,
    /// Digits of the integer part.
    Integer,
    /// `.`: a digit must follow.
    Point,
    /// Digits of the fraction.
    Fraction,
    /// `e`: a sign or a digit must follow.
    E,
    /// The exponent's sign: a digit must follow.
    Sign,
    /// Digits of the exponent.
    Exponent,
}

/// What a byte is to a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Part of it.
    Part(Number),
    /// The first byte after it.
    After,
    /// Neither.
    Bad,
}

impl Number {
    /// Whether the number is whole if nothing follows.
    pub(super) fn may_end(self) -> bool {
        match self {
            Self::Zero | Self::Integer | Self::Fraction | Self::Exponent => true,
            Self::Begin | Self::Minus | Self::Point | Self::E | Self::Sign => false,
        }
    }

    /// What the next byte is.
    #[inline]
    pub(super) fn next(self, byte: u8) -> Next {
        match (self, byte) {
            (Self::Begin | Self::Minus | Self::Integer, b'1'..=b'9') | (Self::Integer, b'0') => {
                Next::Part(Self::Integer)
            }
            (Self::Begin, b'-') => Next::Part(Self::Minus),
            (Self::Begin | Self::Minus, b'0') => Next::Part(Self::Zero),
            (Self::Point | Self::Fraction, b'0'..=b'9') => Next::Part(Self::Fraction),
            (Self::E | Self::Sign | Self::Exponent, b'0'..=b'9') => Next::Part(Self::Exponent),
            (Self::Zero, b'0'..=b'9') => Next::Bad,
            (Self::Zero | Self::Integer, b'.') => Next::Part(Self::Point),
            (Self::Zero | Self::Integer | Self::Fraction, b'e' | b'E') => Next::Part(Self::E),
            (Self::E, b'+' | b'-') => Next::Part(Self::Sign),
            _ if self.may_end() => Next::After,
            _ => Next::Bad,
        }
    }
}

/// Just past the number that begins at `at`, if it is one and something follows it in these bytes.
#[inline]
pub(super) fn whole(bytes: &[u8], mut at: usize) -> Option<usize> {
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

/// Just past one or more digits.
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
    use super::{Next, Number, whole};

    /// Whether `text` as a whole is one number.
    fn valid(text: &str) -> bool {
        let mut number = Number::Begin;
        for byte in text.bytes() {
            match number.next(byte) {
                Next::Part(next) => number = next,
                Next::After | Next::Bad => return false,
            }
        }
        number.may_end()
    }

    #[test]
    fn numbers_are_what_the_rfc_says() {
        for text in ["0", "-0", "1", "10", "-12", "0.0", "1.50", "1e1", "1E+10", "1e-0", "0e00", "-1.5E-07"] {
            assert!(valid(text), "{text}");
            assert_eq!(whole(format!("[{text},").as_bytes(), 1), Some(1 + text.len()), "{text}");
            assert_eq!(whole(text.as_bytes(), 0), None, "{text} may go on");
        }
        for text in
            ["", "-", "00", "01", "-01", "1.", ".5", "1.e1", "1e", "1e+", "1e1.5", "--1", "+1", "1ee1", "1a"]
        {
            assert!(!valid(text), "{text}");
            assert_ne!(whole(format!("{text},").as_bytes(), 0), Some(text.len()), "{text}");
        }
    }

    #[test]
    fn a_leading_zero_is_bad_and_other_bytes_come_after() {
        assert_eq!(Number::Zero.next(b'1'), Next::Bad);
        assert_eq!(Number::Zero.next(b','), Next::After);
        assert_eq!(Number::Fraction.next(b'.'), Next::After);
        assert_eq!(Number::Point.next(b','), Next::Bad);
    }
}
