//! Visitors without the type of their names: one scanner, compiled once, serves them all.

use super::{Kind, MAX_NAME_BYTES, MAX_PATH, Name, Scalar, Visitor, Want};

/// A [`Visitor`] that keeps the path itself: `depth` says how much of it counts.
pub(super) trait Listener {
    /// The member at hand of the innermost container has this name. `false`: it is unknown.
    fn name(&mut self, depth: usize, name: &[u8]) -> bool;
    /// As [`Visitor::begin`].
    fn begin(&mut self, depth: usize, kind: Kind, offset: u64) -> Want;
    /// As [`Visitor::text`].
    fn text(&mut self, depth: usize, run: &str);
    /// As [`Visitor::raw`].
    fn raw(&mut self, depth: usize, run: &[u8]);
    /// As [`Visitor::scalar`].
    fn scalar(&mut self, depth: usize, value: Scalar<'_>);
    /// As [`Visitor::end`].
    fn end(&mut self, depth: usize, kind: Kind, offset: u64);
}

/// A visitor and its path.
pub(super) struct Named<'a, V: Visitor> {
    pub(super) visitor: &'a mut V,
    /// The name of the member, or [`Name::ITEM`], that is at hand in each container that is read.
    pub(super) path: &'a mut [V::Name; MAX_PATH],
}

impl<V: Visitor> Named<'_, V> {
    #[inline(always)]
    fn split(&mut self, depth: usize) -> (&mut V, &[V::Name]) {
        (self.visitor, self.path.get(..depth).unwrap_or(&[]))
    }
}

impl<V: Visitor> Listener for Named<'_, V> {
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

    fn begin(&mut self, depth: usize, kind: Kind, offset: u64) -> Want {
        let (visitor, path) = self.split(depth);
        let want = visitor.begin(path, kind, offset);
        if let Some(place) = self.path.get_mut(depth) {
            // Where this is an array that is read, its elements are next.
            *place = V::Name::ITEM;
        }
        want
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
