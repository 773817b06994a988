//! Which Envoy has loaded the module. Envoy does not say its version, but each version exports functions that the one
//! before it did not.

use super::calls;
use core::ffi::CStr;

/// The version of the interface, as the hook that starts the module returns it. Envoy warns if its own is another one.
pub(super) enum Interface {
    /// Envoy 1.38 or older: it does not tell a filter who has answered (`response.code_details`).
    TooOld,
    /// Envoy 1.39.
    V1,
    /// Envoy 1.40, and later versions until they are tested.
    V2,
}

/// Exported since Envoy 1.39.
const SINCE_1_39: &CStr = c"envoy_dynamic_module_callback_http_get_header_values";
/// Exported since Envoy 1.40.
const SINCE_1_40: &CStr = c"envoy_dynamic_module_callback_http_has_filter_state";

// === impl Interface ===

impl Interface {
    pub(super) fn of_host() -> Self {
        if calls::exports(SINCE_1_40) {
            Self::V2
        } else if calls::exports(SINCE_1_39) {
            Self::V1
        } else {
            Self::TooOld
        }
    }

    /// What Envoy of this version calls it.
    pub(super) const fn name(&self) -> Option<&'static CStr> {
        match self {
            Self::TooOld => None,
            Self::V1 => Some(c"v0.1.0"),
            Self::V2 => Some(c"v0.2.0"),
        }
    }
}
