//! Claude on AWS Bedrock: what differs from Anthropic's own API, in two modes.
//!
//! *Native*: Bedrock speaks Anthropic's Messages API itself; only the place and the credential differ. *Invoke*: the
//! older `InvokeModel` API, which has the model in the path, no `stream`, and answers in frames of its own.
//!
//! Not: signing. Envoy does that behind this filter (`aws_request_signing`), over what the filter made of the request.
//!
//! <https://docs.aws.amazon.com/bedrock/latest/userguide/inference-messages-api.html>,
//! <https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages-request-response.html>

mod defaults;
pub mod error;
pub mod frame;
mod members;
pub mod request;
pub mod transcode;

use crate::glob::Glob;

/// An Anthropic provider that is Bedrock's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bedrock {
    /// AWS region, `us-east-1`: part of the default base URL.
    pub region: String,
    /// Which of Bedrock's APIs is spoken.
    pub mode: Mode,
}

/// Which of Bedrock's APIs is spoken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Anthropic's Messages API: bodies pass unchanged, and stream.
    Native,
    /// `InvokeModel`: requests are held and changed, event streams are transcoded.
    Invoke(Box<Invoke>),
}

/// What `invoke` needs to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invoke {
    /// Models as clients name them to Bedrock's ids; the first that fits is meant. From a configuration they come with
    /// the longest pattern first.
    pub models: Vec<(Glob, String)>,
    /// The member `anthropic_version` that a body gains.
    pub anthropic_version: String,
    /// Betas that are passed on, and for which models. Any other is dropped: Bedrock refuses what it does not know.
    pub betas: Table,
    /// Members of a body (`name`, or `name.name`) that are dropped, and for which models.
    pub unsupported_fields: Table,
    /// Models without adaptive thinking.
    pub manual_thinking: Vec<Glob>,
    /// Bytes of a request's body; above: 413. Default 20 MiB: Bedrock takes 20 MB.
    pub body_bytes: u64,
}

/// Rows of names and the models that they hold for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table(pub Vec<(Glob, Vec<Glob>)>);

/// The media type of Bedrock's streamed answers.
/// <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModelWithResponseStream.html>
pub const EVENT_STREAM: &str = "application/vnd.amazon.eventstream";

// === impl Bedrock ===

impl Bedrock {
    /// Where requests go unless configured.
    #[must_use]
    pub fn base_url(&self) -> String {
        match &self.mode {
            Mode::Native => format!("https://bedrock-mantle.{}.api.aws/anthropic", self.region),
            Mode::Invoke(_) => format!("https://bedrock-runtime.{}.amazonaws.com", self.region),
        }
    }

    /// What `invoke` needs to know, where that is the mode.
    #[must_use]
    pub fn invoke(&self) -> Option<&Invoke> {
        match &self.mode {
            Mode::Native => None,
            Mode::Invoke(invoke) => Some(invoke),
        }
    }

    /// Whether a passthrough route of Anthropic's exists there. Natively those below `/v1`: counting tokens and models;
    /// never Claude Code's telemetry, which is Anthropic's. `InvokeModel` has none of them.
    #[must_use]
    pub fn passes(&self, route: &str) -> bool {
        self.mode == Mode::Native && route.starts_with("/v1/")
    }
}

// === impl Table ===

impl Table {
    /// Whether `name` stands in a row that holds for `model`.
    #[must_use]
    pub fn holds(&self, name: &str, model: &str) -> bool {
        self.0
            .iter()
            .any(|(row, models)| row.matches(name) && models.iter().any(|pattern| pattern.matches(model)))
    }
}

#[cfg(test)]
mod tests {
    use super::{Bedrock, Glob, Mode, Table};

    #[test]
    fn a_region_has_its_own_host() {
        let native = Bedrock { region: "eu-west-1".to_owned(), mode: Mode::Native };
        assert_eq!(native.base_url(), "https://bedrock-mantle.eu-west-1.api.aws/anthropic");
        let mode = Mode::Invoke(Box::default());
        let invoke = Bedrock { region: "us-gov-west-1".to_owned(), mode };
        assert_eq!(invoke.base_url(), "https://bedrock-runtime.us-gov-west-1.amazonaws.com");
    }

    #[test]
    fn natively_tokens_are_counted_and_models_listed_and_nothing_else_passes() {
        let native = Bedrock { region: "eu-west-1".to_owned(), mode: Mode::Native };
        let invoke = Bedrock { region: "eu-west-1".to_owned(), mode: Mode::Invoke(Box::default()) };
        for (route, passes) in [
            ("/v1/messages/count_tokens", true),
            ("/v1/models", true),
            ("/v1/models/", true),
            ("/api/event_logging/", false),
            ("/api/hello", false),
        ] {
            assert_eq!(native.passes(route), passes, "{route}");
            assert!(!invoke.passes(route), "{route}");
        }
    }

    #[test]
    fn a_row_holds_for_its_models_only() {
        let table = Table(vec![
            (Glob::new("effort-*"), vec![Glob::new("*opus-4-5*")]),
            (Glob::new("speed"), vec![Glob::new("*")]),
        ]);
        assert!(table.holds("effort-2025-11-24", "anthropic.claude-opus-4-5-20251101-v1:0"));
        assert!(!table.holds("effort-2025-11-24", "anthropic.claude-opus-4-8"));
        assert!(table.holds("speed", "x") && !table.holds("speeds", "x"));
    }
}
