//! The names and values of one message's headers, each in one piece of memory.
//!
//! A request's headers are looked up some fifty times, mostly for names that it does not have. So each name leaves a bit in
//! [`Fields::present`], and has a mark that is compared before its bytes.

use core::ops::Range;

/// Names and values in their order.
#[derive(Clone, Default)]
pub(super) struct Fields {
    names: String,
    values: Vec<u8>,
    places: Vec<Place>,
    /// The [`bit`]s of all names.
    present: u64,
}

/// Where a header's name and value are.
#[derive(Clone)]
struct Place {
    mark: u32,
    name: Range<usize>,
    value: Range<usize>,
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
        let (name_begin, value_begin) = (self.names.len(), self.values.len());
        self.names.push_str(name);
        self.values.extend_from_slice(value);
        let mark = mark(name);
        self.present |= bit(mark);
        let place = Place { mark, name: name_begin..self.names.len(), value: value_begin..self.values.len() };
        self.places.push(place);
    }

    /// How many headers there are.
    pub(super) const fn len(&self) -> usize {
        self.places.len()
    }

    /// Every name and value.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.places
            .iter()
            .map(|place| (self.names.get(place.name.clone()).unwrap_or_default(), self.value(place)))
    }

    /// The first value of `name`.
    pub(super) fn first(&self, name: &str) -> Option<&[u8]> {
        let wanted = mark(name);
        let place = self.marked(wanted).iter().find(|place| self.is_named(place, wanted, name))?;
        Some(self.value(place))
    }

    /// Every value of `name`.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        let wanted = mark(name);
        let named = self.marked(wanted).iter().filter(move |place| self.is_named(place, wanted, name));
        named.map(|place| self.value(place))
    }

    /// All headers; none if none can have this mark.
    fn marked(&self, wanted: u32) -> &[Place] {
        if self.present & bit(wanted) == 0 { &[] } else { &self.places }
    }

    /// Whether a header has the name `name`, whose mark is `wanted`.
    #[inline(always)]
    fn is_named(&self, place: &Place, wanted: u32, name: &str) -> bool {
        // Bytes: a piece of a text would be checked to begin and end between characters.
        place.mark == wanted && self.names.as_bytes().get(place.name.clone()) == Some(name.as_bytes())
    }

    #[inline]
    fn value(&self, place: &Place) -> &[u8] {
        self.values.get(place.value.clone()).unwrap_or_default()
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
