//! The data that all workers share: Envoy's shared data of the VMs with one `vm_id`.

use super::hostcalls;
use crate::pool::SharedData;

/// Envoy's shared data.
pub(super) struct VmData;

impl SharedData for VmData {
    fn read(&self, key: &str) -> (Vec<u8>, u32) {
        hostcalls::shared_data(key)
    }

    fn write(&self, key: &str, value: &[u8], version: u32) -> bool {
        hostcalls::set_shared_data(key, value, version)
    }
}
