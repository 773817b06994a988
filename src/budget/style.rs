//! What the clients of each API read about budgets, as data. The words and headers were tried with the clients that
//! `envoy/budgets/README.md` names.

use crate::api::Api;
use crate::dialect::Dialect;

/// How the clients of one API are told about budgets.
pub(super) struct Style {
    /// The beginning of the provider's own headers about the operator's account, which go away.
    pub(super) replaced: Option<&'static str>,
    /// The headers of a response while requests pass.
    pub(super) passing: &'static [(&'static str, Value)],
    /// More of them, from three quarters on.
    pub(super) warning: &'static [(&'static str, Value)],
    /// The headers of the reply where the budget is used up.
    pub(super) wall: &'static [(&'static str, Value)],
    /// The error's type in that reply; `None`: the dialect's own type for 429.
    pub(super) exhausted: Option<&'static str>,
    /// Whether that error has the member `resets_at`.
    pub(super) states_reset: bool,
}

/// The value of a header.
#[derive(Clone, Copy)]
pub(super) enum Value {
    /// What is used, in whole percent.
    Percent,
    /// What is used, from 0 to 1 with two decimals.
    Used,
    /// The window in whole minutes, rounded up.
    WindowMinutes,
    /// When the window ends, in seconds since the Unix epoch.
    ResetsAt,
    /// `allowed` or `allowed_warning`.
    Status,
    /// The threshold that was passed: `0.75` or `0.95`.
    Threshold,
    /// A fixed word.
    Word(&'static str),
    /// The message of the reply.
    Message,
}

/// APIs whose clients read no notices.
const PLAIN: Style =
    Style { replaced: None, passing: &[], warning: &[], wall: &[], exhausted: None, states_reset: false };

/// Codex shows what is left, and after `usage_limit_reached` the message and the time.
const RESPONSES: Style = Style {
    passing: &[
        ("x-codex-primary-used-percent", Value::Percent),
        ("x-codex-primary-window-minutes", Value::WindowMinutes),
        ("x-codex-primary-reset-at", Value::ResetsAt),
    ],
    wall: &[("x-codex-promo-message", Value::Message)],
    exhausted: Some("usage_limit_reached"),
    states_reset: true,
    ..PLAIN
};

/// OpenAI's clients do not try again after `insufficient_quota`.
const CHAT_COMPLETIONS: Style = Style { exhausted: Some("insufficient_quota"), ..PLAIN };

/// Claude Code warns from these headers. At the wall `-representative-claim` and `-overage-status` are left out: with them
/// it shows its own text and not the message.
const MESSAGES: Style = Style {
    replaced: Some("anthropic-ratelimit-unified-"),
    passing: &[
        ("anthropic-ratelimit-unified-status", Value::Status),
        ("anthropic-ratelimit-unified-reset", Value::ResetsAt),
        ("anthropic-ratelimit-unified-overage-reset", Value::ResetsAt),
        ("anthropic-ratelimit-unified-overage-utilization", Value::Used),
    ],
    warning: &[
        ("anthropic-ratelimit-unified-representative-claim", Value::Word("overage")),
        ("anthropic-ratelimit-unified-overage-status", Value::Status),
        ("anthropic-ratelimit-unified-overage-surpassed-threshold", Value::Threshold),
    ],
    wall: &[
        ("anthropic-ratelimit-unified-status", Value::Word("rejected")),
        ("anthropic-ratelimit-unified-reset", Value::ResetsAt),
    ],
    exhausted: Some("billing_error"),
    states_reset: false,
};

// === impl Style ===

impl Style {
    /// The style for clients that speak `api` and read errors in `dialect`.
    pub(super) const fn of(dialect: Dialect, api: Api) -> &'static Self {
        match (dialect, api) {
            (Dialect::Anthropic, _) => &MESSAGES,
            (Dialect::OpenAi, Api::Responses) => &RESPONSES,
            (Dialect::OpenAi, _) => &CHAT_COMPLETIONS,
            (Dialect::Google | Dialect::Aws, _) => &PLAIN,
        }
    }
}
