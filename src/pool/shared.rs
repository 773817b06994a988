//! The data that all workers share: in Envoy the VM-shared data, here as bytes under a key.

use core::cell::RefCell;

/// Bytes under keys, which all workers read and write.
pub trait SharedData {
    /// The value of `key` with its version; without a value an empty one with version 0.
    fn read(&self, key: &str) -> (Vec<u8>, u32);

    /// Writes the value of `key` if it still has `version`. `false`: another worker wrote it in between. Envoy does not
    /// compare version 0.
    fn write(&self, key: &str, value: &[u8], version: u32) -> bool;
}

/// How often a change is tried again when other workers write in between. The change is then given up.
const MOST_TRIES: usize = 16;

/// Changes the value of `key`. `change` returns `None` where there is nothing to change; it may be called several times.
pub(super) fn update(
    shared: &dyn SharedData,
    key: &str,
    change: &mut dyn FnMut(&[u8]) -> Option<Vec<u8>>,
) -> bool {
    for _ in 0..MOST_TRIES {
        let (value, version) = shared.read(key);
        let Some(changed) = change(&value) else { return false };
        if shared.write(key, &changed, version) {
            return true;
        }
    }
    false
}

/// Writes the first value of `key`. Envoy configures this filter on its main thread before any worker has the configuration,
/// so that no worker writes at the same time.
pub(super) fn prepare(shared: &dyn SharedData, key: &str, value: &[u8]) {
    if shared.read(key).1 == 0 {
        shared.write(key, value, 0);
    }
}

/// Data of one thread.
#[expect(missing_debug_implementations, reason = "no output shows it, and the module stays small")]
#[derive(Default)]
pub struct LocalData(RefCell<Vec<(String, Vec<u8>, u32)>>);

impl SharedData for LocalData {
    fn read(&self, key: &str) -> (Vec<u8>, u32) {
        let data = self.0.borrow();
        let known = data.iter().find(|(known, ..)| known == key);
        known.map(|(_, value, version)| (value.clone(), *version)).unwrap_or_default()
    }

    fn write(&self, key: &str, value: &[u8], version: u32) -> bool {
        let mut data = self.0.borrow_mut();
        match data.iter_mut().find(|(known, ..)| known == key) {
            Some((_, known, current)) if *current == version => {
                value.clone_into(known);
                *current = current.wrapping_add(1).max(1);
                true
            }
            Some(_) => false,
            None => {
                data.push((key.to_owned(), value.to_owned(), 1));
                true
            }
        }
    }
}
