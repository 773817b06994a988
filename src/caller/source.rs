//! Where the authenticated caller is found.

/// Where the actor is found; nothing is trusted unless named.
#[derive(Clone, Debug, Default)]
pub struct ActorSource {
    /// Lower-case header name.
    pub header: Option<String>,
    /// Metadata key to lower-case header name, in configured order.
    pub metadata_headers: Vec<(String, String)>,
    /// Host property path that wins over the header.
    pub property: Option<Vec<String>>,
    /// Whether a request without an actor is refused.
    pub required: bool,
}
