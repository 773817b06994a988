//! What providers depend on besides their own members.

use super::key::Environment;
use crate::credential::GatewayCredentials;

/// What a provider depends on besides its own members.
#[derive(Clone, Copy)]
pub(super) struct ProviderContext<'c> {
    pub(super) environment: Environment<'c>,
    pub(super) gateway: &'c GatewayCredentials,
}
