//! Budgets that callers see (`envoy/behaviour.md#budgets`): what Envoy's rate limit filter says about the tightest budget
//! of a request, and how the clients of each API are told of it.
//!
//! While requests pass, response headers warn: [`Budget::warn`]. Once the budget is used up, the reply says it:
//! [`Notices::refuse`]. What differs by API is a table in `budget/style.rs`.

mod stated;
mod style;

use crate::api::Api;
use crate::dialect::{self, Dialect};
use crate::headers::{HeaderEdits, Headers};
use crate::step::LocalReply;
use crate::timestamp::timestamp;
use core::time::Duration;
use stated::Stated;
use style::{Style, Value};

/// The record's `error.code` where a budget is used up; also the label `reason` of the metric.
pub const EXHAUSTED: &str = "budget_exhausted";

/// What callers are told about budgets: `notices` and `budget` of the configuration.
#[derive(Clone, Debug)]
pub struct Notices {
    /// Whether callers are told at all.
    pub enabled: bool,
    /// The operator's words in the reply of a budget that is used up, at most 500 characters.
    pub message: String,
}

/// The tightest budget of a request, when its response began.
#[derive(Debug)]
pub struct Budget {
    /// How much is used, in ten-thousandths.
    used: u16,
    /// The length of the budget's window in seconds.
    window_seconds: u32,
    /// The seconds from the response until the window ends.
    reset_seconds: u32,
    /// When the window ends, in seconds since the Unix epoch.
    resets_at: u64,
    /// Nothing is left.
    spent: bool,
    /// What the caller was told, where the budget is used up.
    exhausted: Option<Exhausted>,
}

/// The error of the reply where a budget is used up.
#[derive(Debug)]
struct Exhausted {
    kind: &'static str,
    message: String,
}

/// All of a budget, in ten-thousandths.
const WHOLE: u16 = 10_000;
/// The most that is stated as used while requests pass.
const MOST_WHILE_PASSING: u16 = 9_900;
/// From here on clients warn.
const WARNING: u16 = 7_500;
/// The threshold behind [`WARNING`].
const LAST_WARNING: u16 = 9_500;

// === impl Notices ===

impl Default for Notices {
    fn default() -> Self {
        Self { enabled: true, message: String::new() }
    }
}

impl Notices {
    /// The budget that `headers` of a response state; `None` where they state none, or notices are switched off. `clock`
    /// returns the time since the Unix epoch; it is called only where there is a budget.
    #[must_use]
    pub fn budget(&self, headers: &Headers, clock: impl FnOnce() -> Duration) -> Option<Box<Budget>> {
        if !self.enabled {
            return None;
        }
        let stated = Stated::read(headers)?;
        Some(Box::new(Budget {
            used: stated.used().min(MOST_WHILE_PASSING),
            window_seconds: stated.window_seconds,
            reset_seconds: stated.reset_seconds,
            resets_at: clock().as_secs().saturating_add(stated.reset_seconds.into()),
            spent: stated.remaining == 0,
            exhausted: None,
        }))
    }

    /// Rewrites `reply`, the reply of a filter that found the budget used up, in the words that clients of the API look
    /// for.
    pub fn refuse(&self, budget: &mut Budget, dialect: Dialect, api: Api, reply: &mut LocalReply) {
        let style = Style::of(dialect, api);
        let kind = style.exhausted.unwrap_or_else(|| dialect::error_type(dialect, reply.status));
        let message = self.sentence(budget.resets_at);
        let resets_at = style.states_reset.then_some(budget.resets_at);
        let wait = budget.reset_seconds;
        reply.body = dialect::exhausted_body(dialect, reply.status, kind, &message, resets_at, wait);
        budget.used = WHOLE;
        budget.exhausted = Some(Exhausted { kind, message });
        let mut edits = HeaderEdits::default();
        edits.set("retry-after", wait.to_string());
        edits.set("x-should-retry", "false");
        budget.set(style.wall, &mut edits);
        reply.edit(edits);
    }

    /// Who refuses, and when the budget opens again, with the operator's words. No full stop ends it: Codex goes on after
    /// it.
    fn sentence(&self, resets_at: u64) -> String {
        let at = timestamp(Duration::from_secs(resets_at));
        let seconds = core::str::from_utf8(at.get(..19).unwrap_or_default()).unwrap_or_default();
        let separator = if self.message.is_empty() { "" } else { ". " };
        let opens = "AI gateway: a budget for your requests is used up; it opens again at ";
        [opens, seconds, "Z", separator, &self.message].concat()
    }
}

// === impl Budget ===

impl Budget {
    /// Adds the changes to `headers`, those of a response to a request that has passed the budget.
    pub fn warn(&self, dialect: Dialect, api: Api, headers: &Headers, edits: &mut HeaderEdits) {
        let style = Style::of(dialect, api);
        if let Some(prefix) = style.replaced {
            let of_the_provider = headers.iter().filter(|(name, _)| name.starts_with(prefix));
            of_the_provider.for_each(|(name, _)| edits.remove(name.to_owned()));
        }
        self.set(style.passing, edits);
        if self.used >= WARNING {
            self.set(style.warning, edits);
        }
    }

    /// Whether nothing is left. A filter that refuses a request with 429 then does so because of this budget.
    #[must_use]
    pub const fn is_spent(&self) -> bool {
        self.spent
    }

    /// How much is used, as a number in JSON from 0 to 1.
    #[must_use]
    pub fn used(&self) -> String {
        let digits = format!("{}.{:04}", self.used / WHOLE, self.used % WHOLE);
        digits.trim_end_matches('0').trim_end_matches('.').to_owned()
    }

    /// When the budget opens again: time since the Unix epoch.
    #[must_use]
    pub const fn resets_at(&self) -> Duration {
        Duration::from_secs(self.resets_at)
    }

    /// `warning` or `exhausted`; `None` below three quarters.
    #[must_use]
    pub const fn notice(&self) -> Option<&'static str> {
        match self.used {
            WHOLE.. => Some("exhausted"),
            WARNING.. => Some("warning"),
            _ => None,
        }
    }

    /// The type and the message of the reply, where the budget is used up.
    #[must_use]
    pub fn error(&self) -> Option<(&'static str, &str)> {
        self.exhausted.as_ref().map(|error| (error.kind, error.message.as_str()))
    }

    fn set(&self, headers: &[(&'static str, Value)], edits: &mut HeaderEdits) {
        for (name, value) in headers {
            edits.set(*name, self.value(*value));
        }
    }

    fn value(&self, value: Value) -> String {
        match value {
            Value::Percent => (self.used / 100).to_string(),
            Value::WindowMinutes => self.window_seconds.div_ceil(60).to_string(),
            Value::ResetsAt => self.resets_at.to_string(),
            Value::Used => format!("{}.{:02}", self.used / WHOLE, self.used % WHOLE / 100),
            Value::Status if self.used >= WARNING => "allowed_warning".to_owned(),
            Value::Status => "allowed".to_owned(),
            Value::Threshold if self.used >= LAST_WARNING => "0.95".to_owned(),
            Value::Threshold => "0.75".to_owned(),
            Value::Word(word) => word.to_owned(),
            Value::Message => self.error().map(|(_, message)| in_a_header(message)).unwrap_or_default(),
        }
    }
}

/// `message` as the value of a header: visible ASCII and spaces (RFC 9110 §5.5).
fn in_a_header(message: &str) -> String {
    let safe = |character: char| match character {
        ' '..='~' => character,
        _ if character.is_ascii() => ' ',
        _ => '?',
    };
    message.chars().map(safe).collect()
}

#[cfg(test)]
mod tests;
