//! Validates UTF-8 where the text itself is not wanted. Wanted text goes through `core::str::from_utf8`.
//!
//! Not the package `simdutf8`: inside Envoy's V8 it takes half as long again, because V8 needs several instructions for
//! its shifts, comparisons and table look-ups. Here each byte of a block is compared with the three before it (RFC 3629
//! §4). `plain_run` has checked most text before: blocks with few bytes beyond ASCII, and most letters of three bytes.

use super::byte_classes::{BLOCK, Lanes, WIDE};

/// Bytes before one that decide about it.
const BEFORE: usize = 3;

/// A wide block and the bytes before it.
type Window = [u8; BEFORE + WIDE];

/// Whether all of `bytes` are UTF-8.
pub(super) fn is_utf8(bytes: &[u8]) -> bool {
    let (Some(head), Some(last)) = (bytes.first_chunk::<8>(), bytes.last_chunk()) else {
        return core::str::from_utf8(bytes).is_ok();
    };
    // The first window looks at no byte before its block. All characters that begin there end in the head.
    let head = head.get(..head.len() - incomplete_tail(head)).unwrap_or(&[]);
    core::str::from_utf8(head).is_ok() && incomplete_tail(bytes) == 0 && follow(bytes, last)
}

/// Whether each byte from the fourth on may follow the ones before it. `last`: the end of `bytes`, which overlaps the
/// window before it.
#[inline(never)]
fn follow(bytes: &[u8], last: &Window) -> bool {
    let mut rest = bytes;
    loop {
        // `seam`: whether a byte before the block may be beyond ASCII though the block is not.
        let (this, window, seam) = match rest.first_chunk() {
            Some(window) => (rest, window, false),
            None => (last.as_slice(), last, true),
        };
        let blocks = if seam || has_high(window) { are_utf8(this) } else { 1 };
        if blocks == 0 {
            return false;
        }
        rest = rest.get(WIDE * blocks..).unwrap_or(&[]);
        if rest.len() <= BEFORE {
            return true;
        }
    }
}

/// Looks at all bytes of the first block and those behind it, up to one that is ASCII as the bytes before it, or whose
/// window `bytes` do not hold whole. Returns how many blocks it looked at; 0: they are not UTF-8.
#[inline(never)]
fn are_utf8(bytes: &[u8]) -> usize {
    let bounds = Bounds::new();
    let (mut errors, mut rest, mut blocks) = (Lanes::splat(0), bytes, 0);
    while let Some(window) = rest.first_chunk() {
        let ascii = at(window, 0).or(at(window, 16)).or(at(window, 32)).or(at(window, 48));
        if blocks > 0 && ascii.or(at(window, WIDE + BEFORE - BLOCK)).mask() == 0 {
            break;
        }
        // One after the other, so that no more is needed at once than there are registers.
        let mut narrow = Bytes::of(window, 0).check(&bounds, &mut errors);
        narrow = narrow.or(Bytes::of(window, 16).check(&bounds, &mut errors));
        narrow = narrow.or(Bytes::of(window, 32).check(&bounds, &mut errors));
        narrow = narrow.or(Bytes::of(window, 48).check(&bounds, &mut errors));
        if narrow.mask() != 0 && has_beyond(window) {
            return 0;
        }
        blocks += 1;
        rest = rest.get(WIDE..).unwrap_or(&[]);
    }
    if errors.mask() == 0 { blocks } else { 0 }
}

/// Whether a byte of the window's block is not ASCII.
#[inline(always)]
fn has_high(window: &Window) -> bool {
    let lanes = |place| at(window, BEFORE + place);
    lanes(0).or(lanes(16)).or(lanes(32).or(lanes(48))).mask() != 0
}

/// The length of the character that begins with the lowest bits of `word`, 2 to 4. `None`: it is ASCII or no character
/// (RFC 3629 §4).
#[inline(always)]
pub(super) fn character_bytes(word: u32) -> Option<u32> {
    // The bits that mark the first byte and its continuations, and in each case those that an overlong form lacks.
    if word & 0xc0e0 == 0x80c0 {
        (word & 0x1e != 0).then_some(2)
    } else if word & 0xc0_c0f0 == 0x80_80e0 {
        (word & 0x200f != 0 && word & 0x200f != 0x200d).then_some(3)
    } else if word & 0xc0c0_c0f8 == 0x8080_80f0 {
        (word & 0x3007 != 0 && (word & 0x04 == 0 || word & 0x3003 == 0)).then_some(4)
    } else {
        None
    }
}

/// Whether a character is overlong, a surrogate or above U+10FFFF.
#[inline(never)]
fn has_beyond(window: &Window) -> bool {
    let [a, b] = [Bytes::of(window, 0), Bytes::of(window, 16)];
    let [c, d] = [Bytes::of(window, 32), Bytes::of(window, 48)];
    a.beyond().or(b.beyond()).or(c.beyond()).or(d.beyond()).mask() != 0
}

/// The constants that most blocks need. `c0`, `e0`, `f0` are the first byte of a range less 0x80: a byte of the range or
/// above has the highest bit set after this is subtracted.
#[derive(Clone, Copy)]
struct Bounds {
    c0: Lanes,
    e0: Lanes,
    f0: Lanes,
    is_e0: Lanes,
    is_ed: Lanes,
    even: Lanes,
    is_c0: Lanes,
}

impl Bounds {
    fn new() -> Self {
        let from = |first: u8| Lanes::kept(first - 0x80);
        Self {
            c0: from(0xc0),
            e0: from(0xe0),
            f0: from(0xf0),
            is_e0: Lanes::kept(0xe0),
            is_ed: Lanes::kept(0xed),
            even: Lanes::kept(0xfe),
            is_c0: Lanes::kept(0xc0),
        }
    }
}

/// The sixteen bytes at `place`, a constant, so that the compiler drops the check of the bounds.
#[inline(always)]
fn at(window: &Window, place: usize) -> Lanes {
    match window.get(place..).and_then(<[u8]>::first_chunk::<BLOCK>) {
        Some(block) => Lanes::load(block),
        None => Lanes::splat(0),
    }
}

/// Sixteen bytes of a window, and those one and more places before each of them. Truth values are in the highest bits.
#[derive(Clone, Copy)]
struct Bytes {
    now: Lanes,
    before: Lanes,
    before_2: Lanes,
    before_3: Lanes,
}

impl Bytes {
    #[inline(always)]
    fn of(window: &Window, place: usize) -> Self {
        let now = at(window, place + BEFORE);
        Self {
            now,
            before: at(window, place + 2),
            before_2: at(window, place + 1),
            before_3: at(window, place),
        }
    }

    /// Adds the bytes that continue a character where none is to be continued, and the other way round. Returns the
    /// first bytes of characters that not every continuation may follow: `c0`, `c1`, `e0`, `ed`, and from `f0` on.
    #[inline(always)]
    fn check(self, bounds: &Bounds, errors: &mut Lanes) -> Lanes {
        let needed = self.before.above(bounds.c0).or(self.before_2.above(bounds.e0));
        let needed = needed.or(self.before_3.above(bounds.f0));
        *errors = errors.or(needed.xor(self.now.without(self.now.above(bounds.c0))));
        let three = self.before.same(bounds.is_e0).or(self.before.same(bounds.is_ed));
        three.or(self.before.above(bounds.f0)).or(self.before.and(bounds.even).same(bounds.is_c0))
    }

    /// Characters that are overlong, surrogates or above U+10FFFF.
    #[inline(always)]
    fn beyond(self) -> Lanes {
        let from = |first: u8| Lanes::splat(first - 0x80);
        let (from_90, from_a0) = (self.now.above(from(0x90)), self.now.above(from(0xa0)));
        let three = self.before.equal(0xe0).without(from_a0).or(self.before.equal(0xed).and(from_a0));
        let four = self.before.equal(0xf0).without(from_90).or(self.before.equal(0xf4).and(from_90));
        let two = self.before.and(Lanes::splat(0xfe)).equal(0xc0);
        two.or(three).or(four).or(self.before.above(from(0xf5)))
    }
}

/// How many bytes at the end of `bytes` begin a character that is incomplete.
pub(super) fn incomplete_tail(bytes: &[u8]) -> usize {
    for (back, &byte) in bytes.iter().rev().take(3).enumerate() {
        let needed = match byte {
            0..0x80 => 1,
            0x80..0xc0 => continue,
            0xc0..0xe0 => 2,
            0xe0..0xf0 => 3,
            0xf0..=0xff => 4,
        };
        return if needed > back + 1 { back + 1 } else { 0 };
    }
    0
}

#[cfg(test)]
mod tests {
    use super::{incomplete_tail, is_utf8};

    /// The first and last byte of each range that the rules distinguish.
    const BORDERS: [u8; 24] = [
        0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed,
        0xee, 0xef, 0xf0, 0xf1, 0xf4, 0xf5, 0xff,
    ];

    #[test]
    fn the_verdict_is_that_of_the_standard_library() {
        // Longer than two blocks, and cut so that the last one overlaps.
        for (place, length) in
            [(0, 4), (0, 70), (1, 80), (62, 140), (63, 67), (64, 68), (65, 128), (66, 131), (127, 131)]
        {
            let mut bytes = vec![b'x'; length];
            for code in 0..BORDERS.len().pow(4) {
                for (i, byte) in bytes[place..].iter_mut().take(4).enumerate() {
                    *byte = BORDERS[code / BORDERS.len().pow(i as u32) % BORDERS.len()];
                }
                for end in [place + 4, bytes.len()] {
                    let bytes = &bytes[..end];
                    assert_eq!(is_utf8(bytes), std::str::from_utf8(bytes).is_ok(), "{bytes:x?}");
                }
            }
        }
    }

    #[test]
    fn among_many_letters_beyond_ascii_the_verdict_is_the_same() {
        for letter in ["é", "模", "😀"] {
            for place in [60, 61, 62, 63, 64, 65, 66, 67, 127, 130] {
                let fill = |bytes: usize| letter.repeat(bytes / letter.len());
                let before = "x".repeat(place % letter.len()) + &fill(place);
                for code in (0..BORDERS.len().pow(4)).step_by(37) {
                    let four = [0, 1, 2, 3].map(|i| BORDERS[code / BORDERS.len().pow(i) % BORDERS.len()]);
                    let bytes = [before.as_bytes(), &four, fill(150).as_bytes()].concat();
                    for end in [place + 4, bytes.len()] {
                        let bytes = &bytes[..end];
                        assert_eq!(is_utf8(bytes), std::str::from_utf8(bytes).is_ok(), "{bytes:x?}");
                    }
                }
            }
        }
    }

    #[test]
    fn an_incomplete_character_is_found_only_at_the_end() {
        for (bytes, expected) in [
            (&b""[..], 0),
            (b"a", 0),
            ("é€😀".as_bytes(), 0),
            (b"a\xc3", 1),
            (b"a\xe2\x82", 2),
            (b"\xf0\x9f\x98", 3),
            (b"\xf0\x9f", 2),
            (b"\x80\x80\x80\x80", 0),
            (b"\xc3a", 0),
        ] {
            assert_eq!(incomplete_tail(bytes), expected, "{bytes:x?}");
        }
    }
}
