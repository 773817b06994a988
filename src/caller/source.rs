//! The places in which the actor is found.

/// The headers and the host property that name the actor. Nothing else is trusted.
#[derive(Clone, Debug, Default)]
pub struct ActorSource {
    /// Lower-case name of the header that names the actor.
    pub header: Option<String>,
    /// Metadata keys with lower-case header names, in configured order; at most 32.
    pub metadata_headers: Vec<(String, String)>,
    /// The path of an Envoy attribute, which is preferred to the header; 1 to 32 elements.
    pub property: Option<Vec<String>>,
    /// Whether a request without an actor is refused.
    pub required: bool,
}
