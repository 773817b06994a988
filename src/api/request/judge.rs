//! The judgement of the models that a request names.

use crate::text::Text;
use core::fmt;
use std::rc::Rc;

/// Bytes kept of a model's name. A longer name is recorded cut, and no model policy allows it.
pub const MODEL_BYTES: usize = 1024;

/// Decides which models a request may name.
pub trait ModelJudge {
    /// Judges one named model.
    ///
    /// # Errors
    /// See [`ModelRefusal`].
    fn judge(&self, model: &Text) -> Result<(), ModelRefusal>;
}

/// Why the policy refuses a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelRefusal {
    /// The policy does not allow this model.
    Denied(String),
    /// There is a policy, and it cannot be told which models the request would have used.
    Unreadable(Unreadable),
}

/// What of a request the policy cannot judge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// The request has no `model`, or one that is not a string.
    Missing,
    /// A model's name is above [`MODEL_BYTES`].
    TooLong,
    /// The bytes of a model in the path are not UTF-8.
    NotUtf8,
    /// This member is there twice: the upstream may use the other one.
    Repeated(&'static str),
    /// `fallbacks` is a string: the provider chooses.
    Fallbacks,
    /// The ARN of something on AWS that is not named for its model.
    Arn(String),
}

/// The judge of one request. Without `Debug` of the judge, whose vtable would keep that of all it holds in the module.
pub(super) struct Judge(pub(super) Rc<dyn ModelJudge>);

impl fmt::Debug for Judge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Judge")
    }
}
