//! The positions of the values of a document that the visitor did not read.

use super::{Kind, MAX_UNREAD_VALUES, Want};

/// Where the strings and numbers of one document begin that the visitor skipped, or wanted as [`Want::Tentative`] or
/// [`Want::Piece`], and where its raw values begin. Names that are unknown count as skipped; what is inside of a skipped
/// container does not.
#[derive(Clone, Copy, Debug, Default)]
pub struct UnreadValues {
    /// All values that are not kept share the last element.
    values: [UnreadValue; MAX_UNREAD_VALUES + 1],
    /// How many values there are, also beyond those that fit.
    count: usize,
}

/// A value that the visitor did not read.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct UnreadValue {
    /// The position of its first byte in the document.
    pub(super) offset: u16,
    /// What the visitor wanted of it.
    pub(super) want: Want,
    /// Its text is counted ([`Visitor::counts`](super::Visitor::counts)).
    pub(super) is_text: bool,
}

impl UnreadValues {
    /// Notes a value that begins at `offset`, and of which the visitor wants `want`.
    ///
    /// Without a branch, because one on the kind of a value would be mispredicted: a value that does not count is
    /// written, too, and the next one overwrites it. An offset that is too large wraps around; it does no harm, because
    /// [`Shape::learn`](super::Shape::learn) refuses long documents.
    #[inline(always)]
    pub(super) fn note(&mut self, want: Want, kind: Kind, offset: u64, is_text: bool) {
        let at = self.count.min(MAX_UNREAD_VALUES);
        if let Some(place) = self.values.get_mut(at) {
            *place = UnreadValue { offset: offset as u16, want, is_text };
        }
        let counts = matches!(kind, Kind::String | Kind::Number) & (want != Want::Read) | (want == Want::Raw);
        self.count = self.count.wrapping_add(usize::from(counts));
    }

    /// Forgets all values.
    pub(super) const fn clear(&mut self) {
        self.count = 0;
    }

    /// The values, in order. Empty also if there were more than [`MAX_UNREAD_VALUES`].
    pub(super) fn values(&self) -> &[UnreadValue] {
        self.values.get(..self.count).filter(|values| values.len() <= MAX_UNREAD_VALUES).unwrap_or_default()
    }
}
