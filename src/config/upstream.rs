//! The configuration of the upstream filter in the cluster of a pool's member: which member it is. All else comes from
//! the main filter in the same VM.

use super::document;
use super::errors::ConfigErrors;
use super::name::unique_name;
use super::node::{Node, Problems};

/// Which member of which pool the cluster of an upstream filter is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream {
    /// The provider's name.
    pub provider: String,
    /// The member's name.
    pub member: String,
}

// === impl Upstream ===

impl Upstream {
    /// Whether `bytes` are the configuration of an upstream filter, perhaps with problems: an object with the member
    /// `upstream`. Any other is the main filter's.
    #[must_use]
    pub fn is_meant(bytes: &[u8]) -> bool {
        let Ok(value) = document::parse(bytes) else { return false };
        let problems = Problems::default();
        let root = Node::root(&value, &problems);
        root.entries("").is_some_and(|entries| entries.iter().any(|(name, _)| *name == "upstream"))
    }

    /// Reads `{"upstream": {"provider": …, "member": …}}`.
    ///
    /// # Errors
    /// Every problem, each with its path.
    pub fn parse(bytes: &[u8]) -> Result<Self, ConfigErrors> {
        let value = document::parse(bytes).map_err(ConfigErrors::whole)?;
        let problems = Problems::default();
        let upstream = Node::root(&value, &problems).object("an object", |members| {
            let upstream = members.required("upstream", "an object with `provider` and `member`")?;
            upstream.object("an object with `provider` and `member`", |members| {
                let name = |name, what| unique_name(&members.required(name, what)?, &[], "");
                let provider = name("provider", "the provider's name");
                let member = name("member", "the name of a member of its pool");
                Some(Self { provider: provider?, member: member? })
            })?
        });
        match (upstream.flatten(), ConfigErrors::of(problems.into_inner())) {
            (Some(upstream), None) => Ok(upstream),
            (_, Some(errors)) => Err(errors),
            (None, None) => Err(ConfigErrors::whole("unusable".to_owned())),
        }
    }
}
