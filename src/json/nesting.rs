//! The stack of open containers, one bit a level: the only memory of the scanner that grows with an input.

/// Levels in one word.
const WORD: usize = u64::BITS as usize;

/// The open containers. The innermost 64 are held inline, so that an ordinary document allocates nothing.
#[derive(Debug)]
pub(super) struct Nesting {
    /// The innermost levels, the innermost in the lowest bit. 1: an object; 0: an array.
    word: u64,
    /// Full words of the outer levels, the outermost first.
    outer: Vec<u64>,
    depth: usize,
    max_depth: usize,
}

impl Nesting {
    /// No container is open. The bits will take at most `max_bytes` bytes: eight levels a byte.
    pub(super) fn new(max_bytes: usize) -> Self {
        Self { word: 0, outer: Vec::new(), depth: 0, max_depth: max_bytes.saturating_mul(8) }
    }

    /// Closes all containers and frees the memory.
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

    /// Opens a container. `false`: it would be too deep, and is not opened.
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

    /// Closes the innermost container, if one is open.
    #[inline(always)]
    pub(super) fn close(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        self.word >>= 1;
        if self.depth.is_multiple_of(WORD) {
            self.word = self.outer.pop().unwrap_or(0);
        }
    }

    /// Moves the full inline word to the heap.
    #[cold]
    fn spill(&mut self) {
        if self.outer.len() == self.outer.capacity() {
            // Doubles as `Vec` does, but never beyond what the deepest permitted document needs.
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
    fn closing_restores_the_kinds_of_512_levels() {
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
    fn sixty_four_levels_allocate_nothing_and_more_stay_within_the_bound() {
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
    fn with_a_bound_of_zero_no_container_opens() {
        assert!(!Nesting::new(0).open(true));
    }
}
