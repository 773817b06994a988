//! The model policy: which models callers may ask a provider for.

use crate::api::request::{ModelJudge, ModelRefusal, Unreadable};
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

// === impl ModelPolicy ===

impl ModelPolicy {
    /// Whether there is a policy.
    #[must_use]
    pub const fn exists(&self) -> bool {
        self.allow.is_some() || !self.deny.is_empty()
    }

    /// Judges `model` of a request; `None`: it has none.
    ///
    /// # Errors
    /// See [`ModelRefusal`].
    pub fn judge_requested(&self, model: Option<&Text>) -> Result<(), ModelRefusal> {
        match model {
            Some(model) => self.judge(model),
            None if self.exists() => Err(ModelRefusal::Unreadable(Unreadable::Missing)),
            None => Ok(()),
        }
    }
}

impl ModelJudge for ModelPolicy {
    fn judge(&self, model: &Text) -> Result<(), ModelRefusal> {
        if !self.exists() {
            return Ok(());
        }
        if model.is_cut() {
            return Err(ModelRefusal::Unreadable(Unreadable::TooLong));
        }
        let model = model.as_str();
        let matches = |patterns: &[Glob]| patterns.iter().any(|pattern| pattern.matches(model));
        let allowed = match &self.allow {
            _ if matches(&self.deny) => false,
            Some(allow) => matches(allow),
            None if is_opaque_arn(model) => {
                return Err(ModelRefusal::Unreadable(Unreadable::Arn(model.to_owned())));
            }
            None => true,
        };
        if allowed { Ok(()) } else { Err(ModelRefusal::Denied(model.to_owned())) }
    }
}

/// Whether `model` is the ARN of something that is not named for its model, such as an application inference profile.
/// <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModel.html>, `modelId`.
fn is_opaque_arn(model: &str) -> bool {
    let Some((scheme, rest)) = model.split_once(':') else { return false };
    // Behind partition, service, region and account.
    let resource = rest.splitn(5, ':').nth(4).unwrap_or_default();
    let names_model =
        ["foundation-model/", "inference-profile/"].iter().any(|kind| resource.starts_with(kind));
    scheme.eq_ignore_ascii_case("arn") && !names_model
}

#[cfg(test)]
mod tests {
    use super::is_opaque_arn;

    #[test]
    fn an_arn_names_a_model_if_its_resource_is_named_for_one() {
        let own = "arn:aws:bedrock:eu-west-1:123456789012";
        for (model, opaque) in [
            (
                "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-sonnet-4-5-v1:0".to_owned(),
                false,
            ),
            (format!("{own}:inference-profile/eu.anthropic.claude-sonnet-4-5-v1:0"), false),
            (format!("{own}:application-inference-profile/a1b2c3"), true),
            (format!("{own}:provisioned-model/a1b2c3"), true),
            (format!("{own}:imported-model/inference-profile/x"), true),
            (format!("ARN{}", own.strip_prefix("arn").unwrap()), true),
            ("arn:".to_owned(), true),
            ("arn".to_owned(), false),
            ("arnold-7b".to_owned(), false),
            ("anthropic.claude-sonnet-4-5-v1:0".to_owned(), false),
            (String::new(), false),
        ] {
            assert_eq!(is_opaque_arn(&model), opaque, "{model}");
        }
    }
}
