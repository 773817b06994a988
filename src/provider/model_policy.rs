//! The model policy: which models callers may ask a provider for.

use crate::glob::Glob;
use crate::text::Text;

/// The models that callers may ask for (`envoy/behaviour.md#the-model-policy`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelPolicy {
    /// Patterns of allowed models; `None` allows all, an empty list none.
    pub allow: Option<Vec<Glob>>,
    /// Patterns of models that are refused even where `allow` matches.
    pub deny: Vec<Glob>,
}

/// Why the policy refuses a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelRefusal {
    /// The policy does not allow this model.
    Denied(String),
    /// There is a policy, and the request names no model, or one whose name is too long to read.
    Unreadable,
}

// === impl ModelPolicy ===

impl ModelPolicy {
    /// Judges a request for `model`; `None`: the request names no model.
    ///
    /// # Errors
    /// See [`ModelRefusal`].
    pub fn judge(&self, model: Option<&Text>) -> Result<(), ModelRefusal> {
        if self.allow.is_none() && self.deny.is_empty() {
            return Ok(());
        }
        let model = model.filter(|model| !model.is_cut()).ok_or(ModelRefusal::Unreadable)?.as_str();
        let denied = self.deny.iter().any(|pattern| pattern.matches(model));
        let allowed =
            self.allow.as_ref().is_none_or(|allow| allow.iter().any(|pattern| pattern.matches(model)));
        if denied || !allowed { Err(ModelRefusal::Denied(model.to_owned())) } else { Ok(()) }
    }
}
