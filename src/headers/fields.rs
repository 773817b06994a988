//! The names and values of one message's headers, each in one piece of memory.
//!
//! A request's headers are looked up some fifty times, mostly for names that it does not have. So each name leaves a bit in
//! [`Fields::present`], and has a mark that is compared before its bytes.

/// Names and values in their order.
#[derive(Clone, Default)]
pub(super) struct Fields {
    names: String,
    values: Vec<u8>,
    places: Vec<Place>,
    /// The [`bit`]s of all names.
    present: u64,
}

/// Where a header's name and value end. They begin where those of the header before it end.
#[derive(Clone, Copy)]
struct Place {
    mark: u32,
    name_end: usize,
    value_end: usize,
}

/// The length, first, middle and last byte of a name.
#[inline(always)]
fn mark(name: &str) -> u32 {
    let name = name.as_bytes();
    let (Some(first), Some(last)) = (name.first(), name.last()) else { return 0 };
    let middle = name.get(name.len() / 2).copied().unwrap_or_default();
    u32::from_le_bytes([*first, middle, *last, name.len() as u8])
}

/// One of 64 bits, the same for the same mark.
#[inline(always)]
const fn bit(mark: u32) -> u64 {
    // Multiplied by 2³² divided by the golden ratio, so that the upper bits depend on all bits of the mark.
    1 << (mark.wrapping_mul(0x9e37_79b9) >> 26)
}

// === impl Fields ===

impl Fields {
    /// Without headers; with room for so many headers and so many bytes of names and values.
    pub(super) fn with_capacity(headers: usize, name_bytes: usize, value_bytes: usize) -> Self {
        Self {
            names: String::with_capacity(name_bytes),
            values: Vec::with_capacity(value_bytes),
            places: Vec::with_capacity(headers),
            present: 0,
        }
    }

    /// Appends a header.
    pub(super) fn push(&mut self, name: &str, value: &[u8]) {
        self.names.push_str(name);
        self.values.extend_from_slice(value);
        let mark = mark(name);
        self.present |= bit(mark);
        self.places.push(Place { mark, name_end: self.names.len(), value_end: self.values.len() });
    }

    /// How many headers there are.
    pub(super) const fn len(&self) -> usize {
        self.places.len()
    }

    /// Every name and value.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        (0..self.places.len()).map(|at| (self.name(at), self.value(at)))
    }

    /// The first value of `name`.
    pub(super) fn first(&self, name: &str) -> Option<&[u8]> {
        self.positions(name).next().map(|at| self.value(at))
    }

    /// Every value of `name`.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.positions(name).map(|at| self.value(at))
    }

    /// The positions of the headers with this name.
    #[inline]
    fn positions(&self, name: &str) -> impl Iterator<Item = usize> {
        let wanted = mark(name);
        let places = if self.present & bit(wanted) == 0 { &[] } else { self.places.as_slice() };
        let marked = places.iter().enumerate().filter(move |(_, place)| place.mark == wanted);
        marked.map(|(at, _)| at).filter(move |at| self.name(*at) == name)
    }

    /// The name of the header at `at`.
    fn name(&self, at: usize) -> &str {
        let (begin, end) = self.ends(at, |place| place.name_end);
        self.names.get(begin..end).unwrap_or_default()
    }

    /// The value of the header at `at`.
    fn value(&self, at: usize) -> &[u8] {
        let (begin, end) = self.ends(at, |place| place.value_end);
        self.values.get(begin..end).unwrap_or_default()
    }

    /// Where the header before `at` ends, and where that at `at` does.
    #[inline]
    fn ends(&self, at: usize, end: impl Fn(&Place) -> usize) -> (usize, usize) {
        let end_of = |at: usize| self.places.get(at).map_or(0, &end);
        (at.checked_sub(1).map_or(0, end_of), end_of(at))
    }
}

#[cfg(test)]
mod tests {
    use super::Fields;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_header_is_found_as_it_was_added(
            pairs in prop::collection::vec(("[ab:é-]{0,4}", prop::collection::vec(any::<u8>(), 0..4)), 0..12),
            absent in "[ab:é-]{0,4}",
        ) {
            let mut fields = Fields::default();
            pairs.iter().for_each(|(name, value)| fields.push(name, value));
            let borrowed: Vec<(&str, &[u8])> =
                pairs.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect();
            prop_assert_eq!(fields.len(), pairs.len());
            prop_assert_eq!(fields.iter().collect::<Vec<_>>(), borrowed.clone());
            for name in pairs.iter().map(|(name, _)| name).chain([&absent]) {
                let named = borrowed.iter().filter(|(other, _)| other == name);
                let expected: Vec<&[u8]> = named.map(|(_, value)| *value).collect();
                prop_assert_eq!(fields.first(name), expected.first().copied());
                prop_assert_eq!(fields.all(name).collect::<Vec<_>>(), expected);
            }
        }
    }
}
