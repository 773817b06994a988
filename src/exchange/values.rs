//! The single values of an interception: which there are, and how they are written.
//!
//! The values of the end are published as soon as the outcome is settled, which for most streams is in the last callback
//! of the response. Envoy closes its trace span before it writes its logs, so the span lacks values that are set with
//! the record. If a stream breaks off, its outcome is settled only then, and its values are published with its record.

use super::arrival::Arrival;
use super::totals::Totals;
use crate::answer::NAME_BYTES;
use crate::bridge::Bridge;
use crate::json::Digits;
use crate::record::Outcome;
use crate::step::Effect;
use crate::text::{head, one_line};
use crate::values::{PREFIX, Value};
use std::borrow::Cow;
use std::rc::Rc;

/// The most bytes of a single value.
const VALUE_BYTES: usize = 256;

/// Room for the effects of a callback that publishes the values of the start or of the end.
pub(super) const EFFECTS: usize = 8;

/// The numbers of the end, in the order of [`EndValues::numbers`].
const NUMBERS: [&str; 6] = [
    "ai_bridge_input_tokens",
    "ai_bridge_output_tokens",
    "ai_bridge_cache_read_tokens",
    "ai_bridge_cache_write_tokens",
    "ai_bridge_total_tokens",
    "ai_bridge_cost_microusd",
];

/// The values of the end.
#[derive(Debug)]
pub(super) struct EndValues {
    model: String,
    outcome: Outcome,
    /// An unknown number is 0.
    numbers: [u64; NUMBERS.len()],
}

/// Adds the values that are known at the request's headers: later filters can use them.
pub(super) fn of_start(bridge: &Bridge, arrival: &Arrival, effects: &mut Vec<Effect>) {
    let actor = arrival.actor.as_ref();
    let mut values = Values { bridge, effects };
    values.shared("ai_bridge_id", &arrival.id);
    values.shared("ai_bridge_provider", &arrival.provider.name);
    values.word("ai_bridge_api", arrival.api.name());
    if let Some(model) = &arrival.model {
        // The served model may replace the first value. The second one stays: budgets are asked for and charged with it.
        values.text("ai_bridge_model", model.name.as_str());
        values.text("ai_bridge_requested_model", model.name.as_str());
    }
    values.text("ai_bridge_actor", actor.map_or("", |actor| &actor.id));
    values.text(SESSION, arrival.session_id.as_deref().unwrap_or_default());
    for (key, value) in &arrival.actor_metadata {
        values.text(format!("{PREFIX}actor_{key}"), value);
    }
}

/// Adds the session that the request's body names.
pub(super) fn session(bridge: &Bridge, session: &str, effects: &mut Vec<Effect>) {
    Values { bridge, effects }.text(SESSION, session);
}

const SESSION: &str = "ai_bridge_session";

/// Adds the values of the end that differ from those `published` before, and keeps them there.
pub(super) fn of_end(
    bridge: &Bridge,
    published: &mut Option<EndValues>,
    outcome: Outcome,
    model: &str,
    totals: &Totals,
    effects: &mut Vec<Effect>,
) {
    let (usage, cost_microusd) = totals.charged();
    let numbers = [
        usage.input_tokens,
        usage.output_tokens,
        usage.cache_read_tokens,
        usage.cache_write_tokens,
        usage.total_tokens,
        cost_microusd,
    ];
    let numbers = numbers.map(|number| number.unwrap_or(0));
    let before = published.as_ref();
    if before.is_none() {
        effects.reserve(EFFECTS);
    }
    let mut values = Values { bridge, effects };
    let same_model = before.is_some_and(|before| before.model == model);
    if !same_model {
        values.text("ai_bridge_model", model);
    }
    if before.is_none_or(|before| before.outcome != outcome) {
        values.word("ai_bridge_outcome", outcome.name());
    }
    for (at, (name, number)) in NUMBERS.into_iter().zip(numbers).enumerate() {
        if before.is_none_or(|before| before.numbers.get(at) != Some(&number)) {
            values.number(name, number);
        }
    }
    let model = match published.take() {
        Some(before) if same_model => before.model,
        Some(_) | None => model.to_owned(),
    };
    *published = Some(EndValues { model, outcome, numbers });
}

/// Writes values and adds those that the configuration publishes.
struct Values<'a> {
    bridge: &'a Bridge,
    effects: &'a mut Vec<Effect>,
}

impl Values<'_> {
    /// Whether the value `name` is to be published.
    fn wants(&self, name: &str) -> bool {
        name.strip_prefix(PREFIX).is_some_and(|name| self.bridge.publishes(name))
    }

    /// Adds a text of the traffic, on one line so that it cannot forge a log line, and cut at [`VALUE_BYTES`].
    fn text(&mut self, name: impl Into<Cow<'static, str>>, text: &str) {
        let name = name.into();
        if self.wants(&name) {
            let value = match text {
                "" => Value::Fixed(""),
                _ => Value::Owned(one_line(head(text, NAME_BYTES), VALUE_BYTES).into_owned().into_bytes()),
            };
            self.effects.push(Effect::Publish { name, value });
        }
    }

    /// Adds a text that this filter has made or the configuration has checked: short, and on one line.
    fn shared(&mut self, name: &'static str, text: &Rc<str>) {
        self.add(name, Value::Shared(Rc::clone(text)));
    }

    /// Adds a constant text of this filter.
    fn word(&mut self, name: &'static str, text: &'static str) {
        self.add(name, Value::Fixed(text));
    }

    fn number(&mut self, name: &'static str, number: u64) {
        self.add(name, Value::Number(Digits::of(number)));
    }

    fn add(&mut self, name: &'static str, value: Value) {
        if self.wants(name) {
            self.effects.push(Effect::Publish { name: Cow::Borrowed(name), value });
        }
    }
}
