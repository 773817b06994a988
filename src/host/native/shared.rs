//! The data that all workers share: a table of this process.

use crate::pool::SharedData;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Values under keys, each with its version, which begins at 1. It holds an entry for each pool that was ever
/// configured, and 64 for sessions.
static SHARED: Mutex<BTreeMap<String, (Vec<u8>, u32)>> = Mutex::new(BTreeMap::new());

/// The shared data of this process.
pub(super) struct ProcessData;

impl SharedData for ProcessData {
    fn read(&self, key: &str) -> (Vec<u8>, u32) {
        let shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        shared.get(key).cloned().unwrap_or_default()
    }

    fn write(&self, key: &str, value: &[u8], version: u32) -> bool {
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        match shared.get_mut(key) {
            Some((_, current)) if *current != version => false,
            Some((known, current)) => {
                value.clone_into(known);
                *current = current.wrapping_add(1).max(1);
                true
            }
            None => {
                shared.insert(key.to_owned(), (value.to_owned(), 1));
                true
            }
        }
    }
}
