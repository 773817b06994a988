//! Finds the output index of the call with an id, in time that hardly grows with the number of calls.

use crate::fnv::Fnv;
use core::hash::Hasher;

/// The output index of the first call with each id. It holds hashes, so that an id is kept once; whoever finds a call
/// compares its id. The pairs are ordered by their hash. (A `BTreeMap` would take 5 KB more of the module.)
#[derive(Debug, Default)]
pub(super) struct IdIndex(Vec<(u64, u64)>);

impl IdIndex {
    /// The output index of a call with this id. Another id can have the same hash.
    pub(super) fn find(&self, id: &str) -> Option<u64> {
        let (_, index) = self.0.get(self.position(id).ok()?)?;
        Some(*index)
    }

    /// Where the hash of `id` is, or else belongs.
    fn position(&self, id: &str) -> Result<usize, usize> {
        let wanted = hash(id);
        self.0.binary_search_by_key(&wanted, |(hash, _)| *hash)
    }

    /// The call at `index` has the id `new` in place of `old`.
    pub(super) fn replace(&mut self, old: Option<&str>, new: Option<&str>, index: u64) {
        if old == new {
            return;
        }
        if let Some(old) = old
            && let Ok(at) = self.position(old)
            && self.0.get(at).is_some_and(|(_, of)| *of == index)
        {
            self.0.remove(at);
        }
        if let Some(new) = new
            && let Err(at) = self.position(new)
        {
            self.0.insert(at, (hash(new), index));
        }
    }
}

fn hash(id: &str) -> u64 {
    let mut hasher = Fnv::default();
    hasher.write(id.as_bytes());
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::IdIndex;

    #[test]
    fn the_first_call_with_an_id_is_found_until_its_id_changes() {
        let mut ids = IdIndex::default();
        ids.replace(None, Some("a"), 3);
        ids.replace(None, Some("a"), 5);
        assert_eq!(ids.find("a"), Some(3));
        ids.replace(Some("a"), Some("b"), 5);
        assert_eq!((ids.find("a"), ids.find("b")), (Some(3), Some(5)));
        ids.replace(Some("a"), Some("c"), 3);
        assert_eq!((ids.find("a"), ids.find("c")), (None, Some(3)));
        ids.replace(Some("c"), None, 3);
        assert_eq!(ids.find("c"), None);
    }
}
