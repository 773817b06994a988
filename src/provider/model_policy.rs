//! Which models a provider's callers may ask for: the lists of patterns, and the judgement of a requested model.

use crate::glob::Glob;
use crate::text::Text;

/// Which models may be asked for (`envoy/behaviour.md#the-model-policy`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelPolicy {
    /// `None` allows all; an empty list allows none.
    pub allow: Option<Vec<Glob>>,
    /// These never.
    pub deny: Vec<Glob>,
}

/// Why the policy refuses a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelRefusal {
    /// The policy does not allow this model.
    Denied(String),
    /// There is a policy, and the request names no model, or one too long to read.
    Unreadable,
}

impl ModelPolicy {
    /// Whether a request for `model` may pass; `None`: the request names none.
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
