//! Which containers are open, at one bit a level: the only memory that grows with an input.

/// Levels in one word.
const WORD: usize = u64::BITS as usize;

/// The open containers, outermost first. The innermost 64 are held inline, so that nothing is allocated for
/// ordinary documents.
#[derive(Debug)]
pub(super) struct Nesting {
    /// The innermost levels, the innermost of all in the lowest bit: 1 is an object.
    word: u64,
    /// Full words of outer levels.
    outer: Vec<u64>,
    depth: usize,
    max_depth: usize,
}

impl Nesting {
    /// Nothing is open. `max_bytes` bounds what the bits may take.
    pub(super) fn new(max_bytes: usize) -> Self {
        Self { word: 0, outer: Vec::new(), depth: 0, max_depth: max_bytes.saturating_mul(8) }
    }

    /// Nothing is open any more.
    pub(super) fn clear(&mut self) {
        (self.word, self.depth) = (0, 0);
        self.outer = Vec::new();
    }

    /// How many containers are open.
    #[inline(always)]
    pub(super) fn depth(&self) -> usize {
        self.depth
    }

    /// Whether the innermost open container is an object. `false` if none is open.
    #[inline(always)]
    pub(super) fn in_object(&self) -> bool {
        self.word & 1 == 1
    }

    /// A container opens. `false`: it does not fit.
    #[must_use]
    #[inline(always)]
    pub(super) fn open(&mut self, object: bool) -> bool {
        if self.depth >= self.max_depth {
            return false;
        }
        if self.depth.is_multiple_of(WORD) && self.depth > 0 {
            self.spill();
        }
        self.depth += 1;
        self.word = self.word << 1 | u64::from(object);
        true
    }

    /// The innermost container closes. Nothing happens if none is open.
    #[inline(always)]
    pub(super) fn close(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        self.word >>= 1;
        if self.depth.is_multiple_of(WORD) {
            self.word = self.outer.pop().unwrap_or(0);
        }
    }

    #[cold]
    fn spill(&mut self) {
        if self.outer.len() == self.outer.capacity() {
            // Doubling, as Vec does, but never beyond what the deepest document needs.
            let most = self.max_depth / WORD;
            let more = self.outer.len().max(4).min(most.saturating_sub(self.outer.len())).max(1);
            self.outer.reserve_exact(more);
        }
        self.outer.push(self.word);
        self.word = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::Nesting;

    #[test]
    fn kinds_come_back_in_reverse_order_over_many_words() {
        let mut nesting = Nesting::new(64);
        let kinds: Vec<bool> = (0..512).map(|level| level % 3 == 0 || level % 7 == 1).collect();
        for &object in &kinds {
            assert!(nesting.open(object));
            assert_eq!(nesting.in_object(), object);
        }
        assert!(!nesting.open(true), "512 levels are 64 bytes");
        for (level, &object) in kinds.iter().enumerate().rev() {
            assert_eq!((nesting.depth(), nesting.in_object()), (level + 1, object));
            nesting.close();
        }
        assert_eq!(nesting.depth(), 0);
        assert!(!nesting.in_object());
    }

    #[test]
    fn the_first_64_levels_allocate_nothing_and_the_rest_no_more_than_allowed() {
        let mut nesting = Nesting::new(1000);
        for _ in 0..64 {
            assert!(nesting.open(true));
        }
        assert_eq!(nesting.outer.capacity(), 0);
        while nesting.open(false) {}
        assert_eq!(nesting.depth(), 8000);
        assert!(nesting.outer.capacity() * 8 <= 1000, "{}", nesting.outer.capacity());
    }

    #[test]
    fn without_room_nothing_opens() {
        assert!(!Nesting::new(0).open(true));
    }
}
