//! Claude on AWS Bedrock: what differs from Anthropic's own API, in three modes.
//!
//! *Native*: Bedrock serves Anthropic's Messages API; only host and credential differ. *Invoke*: the older `InvokeModel`
//! API, which has the model in the path and no member `stream`, and streams responses in AWS frames. *Runtime*: the same
//! API for clients that speak it themselves; only a copy of the response is translated, for the record.
//!
//! This room does not sign requests: Envoy's filter `aws_request_signing` does, after this filter changed them.
//!
//! <https://docs.aws.amazon.com/bedrock/latest/userguide/inference-messages-api.html>,
//! <https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages-request-response.html>

mod defaults;
pub mod error;
pub mod frame;
pub mod request;
pub mod transcode;

use crate::glob::Glob;

/// How an Anthropic provider reaches Bedrock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bedrock {
    /// The AWS region, such as `us-east-1`: part of the default base URL.
    pub region: String,
    /// The API of Bedrock that the provider is called with.
    pub mode: Mode,
}

/// An API of Bedrock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Anthropic's Messages API: bodies pass unchanged as they stream.
    Native,
    /// `InvokeModel`: requests are held and changed, event streams are translated.
    Invoke(Box<Invoke>),
    /// `InvokeModel` for clients that speak it themselves: bodies pass unchanged as they stream.
    Runtime,
}

/// The settings of the mode `invoke`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invoke {
    /// Patterns of the models that clients request, and Bedrock's model ids. The first pattern that matches decides;
    /// `config` sorts the longest pattern first.
    pub models: Vec<(Glob, String)>,
    /// The value of the member `anthropic_version` for a body that has none.
    pub anthropic_version: String,
    /// The betas that pass, and their models. Any other is dropped, because Bedrock refuses unknown betas.
    pub betas: Table,
    /// The members of a body (`name`, or `name.name`) that are dropped, and their models.
    pub unsupported_fields: Table,
    /// The models without adaptive thinking.
    pub manual_thinking: Vec<Glob>,
    /// Most bytes of a request body. A larger one is refused with 413. Default 20 MiB: Bedrock takes 20 MB.
    pub body_bytes: u64,
}

/// Rows of a name pattern and the patterns of the models that it applies to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table(pub Vec<(Glob, Vec<Glob>)>);

/// The media type of Bedrock's streamed responses.
/// <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModelWithResponseStream.html>
pub const EVENT_STREAM: &str = "application/vnd.amazon.eventstream";

// === impl Bedrock ===

impl Bedrock {
    /// The default base URL.
    #[must_use]
    pub fn base_url(&self) -> String {
        match &self.mode {
            Mode::Native => format!("https://bedrock-mantle.{}.api.aws/anthropic", self.region),
            Mode::Invoke(_) | Mode::Runtime => {
                format!("https://bedrock-runtime.{}.amazonaws.com", self.region)
            }
        }
    }

    /// The settings of the mode `invoke`, if this is the mode.
    #[must_use]
    pub fn invoke(&self) -> Option<&Invoke> {
        match &self.mode {
            Mode::Native | Mode::Runtime => None,
            Mode::Invoke(invoke) => Some(invoke),
        }
    }

    /// Whether Bedrock serves this passthrough route of the provider's profile. In the mode `native` it serves those below
    /// `/v1/` (token counts, models), but not the telemetry of Claude Code; in the mode `invoke` none; in the mode
    /// `runtime` all.
    #[must_use]
    pub fn passes(&self, route: &str) -> bool {
        match self.mode {
            Mode::Native => route.starts_with("/v1/"),
            Mode::Invoke(_) => false,
            Mode::Runtime => true,
        }
    }
}

// === impl Table ===

impl Table {
    /// Whether a row matches both `name` and `model`.
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
    fn the_default_base_url_contains_the_region() {
        let native = Bedrock { region: "eu-west-1".to_owned(), mode: Mode::Native };
        assert_eq!(native.base_url(), "https://bedrock-mantle.eu-west-1.api.aws/anthropic");
        let mode = Mode::Invoke(Box::default());
        let invoke = Bedrock { region: "us-gov-west-1".to_owned(), mode };
        assert_eq!(invoke.base_url(), "https://bedrock-runtime.us-gov-west-1.amazonaws.com");
    }

    #[test]
    fn only_native_mode_passes_routes_and_only_those_below_v1() {
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
    fn a_row_applies_only_to_its_models() {
        let table = Table(vec![
            (Glob::new("effort-*"), vec![Glob::new("*opus-4-5*")]),
            (Glob::new("speed"), vec![Glob::new("*")]),
        ]);
        assert!(table.holds("effort-2025-11-24", "anthropic.claude-opus-4-5-20251101-v1:0"));
        assert!(!table.holds("effort-2025-11-24", "anthropic.claude-opus-4-8"));
        assert!(table.holds("speed", "x") && !table.holds("speeds", "x"));
    }
}
