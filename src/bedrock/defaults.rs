//! The default settings of the mode `invoke`: betas by model, and members that Bedrock refuses.
//!
//! Bedrock refuses a beta that the model does not have with 400 "invalid beta flag", and an unknown member with "Extra
//! inputs are not permitted". So a beta passes only for the models for which AWS documents it:
//! <https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages-request-response.html>,
//! <https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages-tool-use.html>,
//! <https://docs.aws.amazon.com/bedrock/latest/userguide/claude-messages-compaction.html>.

use super::{Invoke, Table};
use crate::glob::Glob;

const CLAUDE_3: &str = "*claude-3-*";
const CLAUDE_3_7: &str = "*claude-3-7-*";
const OPUS_4: &str = "*claude-opus-4-2025*";
const SONNET_4: &str = "*claude-sonnet-4-2025*";
const OPUS_4_1: &str = "*claude-opus-4-1-*";
const OPUS_4_5: &str = "*claude-opus-4-5-*";
const SONNET_4_5: &str = "*claude-sonnet-4-5-*";
const HAIKU_4_5: &str = "*claude-haiku-4-5-*";
const CLAUDE_4_6: &str = "*claude-*-4-6*";
const ANY: &str = "*";

/// Betas and the models that have them.
const BETAS: &[(&str, &[&str])] = &[
    ("computer-use-2024-10-22", &["*claude-3-5-sonnet-20241022*"]),
    ("computer-use-2025-01-24", &[CLAUDE_3_7, OPUS_4, SONNET_4, OPUS_4_1, SONNET_4_5, HAIKU_4_5]),
    ("computer-use-2025-11-24", &[OPUS_4_5, CLAUDE_4_6, "*claude-*-4-7*", "*claude-*-4-8*"]),
    ("token-efficient-tools-2025-02-19", &[CLAUDE_3_7, OPUS_4, SONNET_4, OPUS_4_1]),
    (
        "fine-grained-tool-streaming-2025-05-14",
        &[OPUS_4, SONNET_4, OPUS_4_1, OPUS_4_5, SONNET_4_5, HAIKU_4_5],
    ),
    ("interleaved-thinking-2025-05-14", &[OPUS_4, SONNET_4, OPUS_4_1, OPUS_4_5, SONNET_4_5, HAIKU_4_5]),
    ("output-128k-2025-02-19", &[CLAUDE_3_7]),
    ("dev-full-thinking-2025-05-14", &[OPUS_4, SONNET_4, OPUS_4_1]),
    ("context-1m-2025-08-07", &[SONNET_4, SONNET_4_5, CLAUDE_4_6]),
    (
        "context-management-2025-06-27",
        &[OPUS_4, SONNET_4, OPUS_4_1, OPUS_4_5, SONNET_4_5, HAIKU_4_5, CLAUDE_4_6],
    ),
    ("effort-2025-11-24", &[OPUS_4_5]),
    ("tool-search-tool-2025-10-19", &[OPUS_4_5, CLAUDE_4_6]),
    ("tool-examples-2025-10-29", &[OPUS_4_5]),
    ("compact-2026-01-12", &[CLAUDE_4_6]),
];

/// Members of a request and the models that refuse them.
const UNSUPPORTED_FIELDS: &[(&str, &[&str])] = &[
    // Only Anthropic's own platform has these: <https://platform.claude.com/docs/en/build-with-claude/claude-on-amazon-bedrock-legacy>
    ("cache_control", &[ANY]),
    ("container", &[ANY]),
    ("inference_geo", &[ANY]),
    ("mcp_servers", &[ANY]),
    ("service_tier", &[ANY]),
    ("speed", &[ANY]),
    ("thread", &[ANY]),
    // Only younger models have these.
    ("context_management", &[CLAUDE_3]),
    ("output_config", &[CLAUDE_3, OPUS_4, SONNET_4, OPUS_4_1]),
    ("output_config.effort", &[SONNET_4_5, HAIKU_4_5]),
];

/// Models before Claude 4.6, which introduced adaptive thinking:
/// <https://docs.aws.amazon.com/bedrock/latest/userguide/claude-messages-adaptive-thinking.html>
const MANUAL_THINKING: &[&str] = &[CLAUDE_3, OPUS_4, SONNET_4, OPUS_4_1, OPUS_4_5, SONNET_4_5, HAIKU_4_5];

impl Default for Invoke {
    fn default() -> Self {
        Self {
            models: Vec::new(),
            anthropic_version: "bedrock-2023-05-31".to_owned(),
            betas: table(BETAS),
            unsupported_fields: table(UNSUPPORTED_FIELDS),
            manual_thinking: globs(MANUAL_THINKING),
            body_bytes: 20 << 20,
        }
    }
}

fn table(rows: &[(&str, &[&str])]) -> Table {
    Table(rows.iter().map(|(name, models)| (Glob::new(*name), globs(models))).collect())
}

fn globs(patterns: &[&str]) -> Vec<Glob> {
    patterns.iter().copied().map(Glob::new).collect()
}
