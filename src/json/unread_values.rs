//! The positions of the values of a document that the visitor did not read.

use super::{Kind, MAX_UNREAD_VALUES, Want};

/// Where the strings and numbers of one document begin that the visitor skipped, or wanted as [`Want::Tentative`].
/// Names that are unknown count as skipped; what is inside of a skipped container does not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UnreadValues {
    /// Byte offsets in the document. All values that are not kept share the last element.
    offsets: [u16; MAX_UNREAD_VALUES + 1],
    /// Those that are counted ([`Visitor::counts`](super::Visitor::counts)), one bit each, the first in the lowest bit.
    texts: u32,
    /// How many values there are, also beyond those that fit.
    count: usize,
}

impl UnreadValues {
    /// Notes a value that begins at `offset`, and of which the visitor wants `want`.
    ///
    /// Without a branch, because one on the kind of a value would be mispredicted: a value that does not count is
    /// written, too, and the next one overwrites it. An offset that is too large wraps around; it does no harm, because
    /// [`Shape::learn`](super::Shape::learn) refuses long documents.
    #[inline(always)]
    pub(super) fn note(&mut self, want: Want, kind: Kind, offset: u64, text: bool) {
        let at = self.count.min(MAX_UNREAD_VALUES);
        if let Some(place) = self.offsets.get_mut(at) {
            *place = offset as u16;
        }
        self.texts = self.texts & !(1 << at) | u32::from(text) << at;
        let counts =
            matches!(kind, Kind::String | Kind::Number) & matches!(want, Want::Skip | Want::Tentative);
        self.count = self.count.wrapping_add(usize::from(counts));
    }

    /// Forgets all values.
    pub(super) const fn clear(&mut self) {
        self.count = 0;
    }

    /// Whether the value at `at` in [`offsets`](Self::offsets) is counted.
    pub(super) fn is_text(&self, at: usize) -> bool {
        self.texts >> at.min(MAX_UNREAD_VALUES) & 1 == 1
    }

    /// The offsets in the document, in order. Empty also if there were more than [`MAX_UNREAD_VALUES`].
    pub(super) fn offsets(&self) -> &[u16] {
        self.offsets
            .get(..self.count)
            .filter(|offsets| offsets.len() <= MAX_UNREAD_VALUES)
            .unwrap_or_default()
    }
}
