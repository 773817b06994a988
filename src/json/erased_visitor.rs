//! A [`Visitor`] without the type of its names, so that the grammar is compiled once for all visitors.

use super::{Kind, MAX_NAME_BYTES, MAX_PATH, Name, Scalar, Visitor, Want};

/// A [`Visitor`] that keeps the path itself. In each call `depth` is the length of the path in names.
pub(super) trait ErasedVisitor {
    /// The current member of the innermost container has this name, unescaped. Returns whether the visitor knows it.
    fn name(&mut self, depth: usize, name: &[u8]) -> bool;
    /// As [`Visitor::begin`], and whether the value is counted: [`Visitor::counts`].
    fn begin(&mut self, depth: usize, kind: Kind, offset: u64) -> Asked;
    /// As [`Visitor::short_string`].
    fn short_string(&mut self, depth: usize, quoted: &[u8]) -> Asked;
    /// As [`Visitor::counts_unknown`].
    fn counts_unknown(&self, depth: usize) -> bool;
    /// As [`Visitor::text`].
    fn text(&mut self, depth: usize, run: &str);
    /// As [`Visitor::raw`].
    fn raw(&mut self, depth: usize, run: &[u8]);
    /// As [`Visitor::scalar`].
    fn scalar(&mut self, depth: usize, value: Scalar<'_>);
    /// As [`Visitor::end`].
    fn end(&mut self, depth: usize, kind: Kind, offset: u64);
}

/// What a visitor wants of a value, and whether the value is counted. One integer, because wasm returns more in memory.
#[derive(Clone, Copy)]
pub(super) struct Asked(u8);

impl Asked {
    const COUNTED: u8 = 1 << 7;

    /// The visitor was not asked.
    pub(super) const NOT: Self = Self(1 << 6);

    #[inline(always)]
    pub(super) fn is_not(self) -> bool {
        self.0 == Self::NOT.0
    }

    #[inline(always)]
    pub(super) fn new(want: Want, counted: bool) -> Self {
        Self(want as u8 | if counted { Self::COUNTED } else { 0 })
    }

    #[inline(always)]
    pub(super) fn want(self) -> Want {
        match self.0 & !Self::COUNTED {
            0 => Want::Skip,
            1 => Want::Read,
            2 => Want::Tentative,
            3 => Want::Piece,
            4 => Want::Raw,
            _ => Want::Latest,
        }
    }

    #[inline(always)]
    pub(super) fn is_counted(self) -> bool {
        self.0 & Self::COUNTED != 0
    }
}

/// A visitor and the path to the current value.
pub(super) struct PathVisitor<'a, V: Visitor> {
    pub(super) visitor: &'a mut V,
    /// For each container that is being read, from the outermost on: the name of its current member, or
    /// [`Name::ITEM`].
    pub(super) path: &'a mut [V::Name; MAX_PATH],
}

impl<V: Visitor> PathVisitor<'_, V> {
    #[inline(always)]
    fn split(&mut self, depth: usize) -> (&mut V, &[V::Name]) {
        (self.visitor, self.path.get(..depth).unwrap_or(&[]))
    }
}

impl<V: Visitor> ErasedVisitor for PathVisitor<'_, V> {
    fn name(&mut self, depth: usize, name: &[u8]) -> bool {
        let name = if name.len() <= MAX_NAME_BYTES { V::Name::of(name) } else { None };
        match (name, self.path.get_mut(depth.wrapping_sub(1))) {
            (Some(name), Some(place)) => {
                *place = name;
                true
            }
            _ => false,
        }
    }

    fn begin(&mut self, depth: usize, kind: Kind, offset: u64) -> Asked {
        let (visitor, path) = self.split(depth);
        let want = visitor.begin(path, kind, offset);
        let counted = visitor.counts(path, kind);
        if let Some(place) = self.path.get_mut(depth) {
            // If the value is an array that will be read, its elements have this name.
            *place = V::Name::ITEM;
        }
        Asked::new(want, counted)
    }

    fn short_string(&mut self, depth: usize, quoted: &[u8]) -> Asked {
        let (visitor, path) = self.split(depth);
        visitor.short_string(path, quoted).map_or(Asked::NOT, |(want, counted)| Asked::new(want, counted))
    }

    fn counts_unknown(&self, depth: usize) -> bool {
        // The last place in the path has the name of an earlier member.
        self.visitor.counts_unknown(self.path.get(..depth.wrapping_sub(1)).unwrap_or(&[]))
    }

    fn text(&mut self, depth: usize, run: &str) {
        let (visitor, path) = self.split(depth);
        visitor.text(path, run);
    }

    fn raw(&mut self, depth: usize, run: &[u8]) {
        let (visitor, path) = self.split(depth);
        visitor.raw(path, run);
    }

    fn scalar(&mut self, depth: usize, value: Scalar<'_>) {
        let (visitor, path) = self.split(depth);
        visitor.scalar(path, value);
    }

    fn end(&mut self, depth: usize, kind: Kind, offset: u64) {
        let (visitor, path) = self.split(depth);
        visitor.end(path, kind, offset);
    }
}
