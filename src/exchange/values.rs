//! The single values of an interception: which there are, and when they are published.
//!
//! Those of the end are published as soon as it is known how the stream ends, which for most is in the last callback of
//! the answer: Envoy closes its trace span before it writes its logs, and what is set later stands on no span. A stream
//! that breaks off has no such moment; its values come with its record. What changes after all is published again.

use super::interception::Interception;
use crate::answer::NAME_BYTES;
use crate::bridge::Bridge;
use crate::caller::Client;
use crate::json::{MAX_DIGITS, push_number};
use crate::price;
use crate::record::Outcome;
use crate::step::Effect;
use crate::text::{Text, head, one_line};
use crate::usage::Usage;
use std::borrow::Cow;

/// Bytes of a single value.
const VALUE_BYTES: usize = 256;

/// In front of every value's name.
const PREFIX: &str = "ai_bridge_";

/// Room for those of the start or of the end, and for what else comes with them.
pub(super) const EFFECTS: usize = 8;

/// The numbers of the end, in the order of [`Told::numbers`].
const NUMBERS: [&str; 6] = [
    "ai_bridge_input_tokens",
    "ai_bridge_output_tokens",
    "ai_bridge_cache_read_tokens",
    "ai_bridge_cache_write_tokens",
    "ai_bridge_total_tokens",
    "ai_bridge_cost_microusd",
];

/// The values of the end as they were published.
#[derive(Debug)]
pub(super) struct Told {
    model: String,
    outcome: Outcome,
    numbers: [u64; NUMBERS.len()],
}

impl Interception {
    /// The values that are known at the request's headers, so that later filters can use them.
    pub(super) fn values_of_start(&self, bridge: &Bridge, effects: &mut Vec<Effect>) {
        let actor = self.actor.as_ref();
        let mut values = Values { bridge, effects };
        values.add("ai_bridge_id", &self.id);
        values.add("ai_bridge_provider", &self.provider.name);
        values.fixed("ai_bridge_api", self.api.name());
        values.add("ai_bridge_actor", actor.map_or("", |actor| &actor.id));
        values.add("ai_bridge_session", self.session_id.as_deref().unwrap_or_default());
        for (key, value) in &self.actor_metadata {
            values.add(format!("{PREFIX}actor_{key}"), value);
        }
    }

    /// Adds the values of the end, where it is known already.
    pub(super) fn values_once_settled(&mut self, bridge: &Bridge, effects: &mut Vec<Effect>) {
        let Some(outcome) = self.settled_outcome() else { return };
        if bridge.publish.is_nothing() {
            return;
        }
        let answer = self.downloading().map(|download| download.reader.answer());
        let usage = answer.map(|answer| answer.usage.usage()).unwrap_or_default();
        let price = self.model().and_then(|model| price::for_model(&bridge.prices, model));
        let cost_microusd = price.and_then(|price| price::cost_microusd(price, &usage));
        self.session_of_body(bridge, effects);
        self.values_of_end(bridge, outcome, &usage, cost_microusd, effects);
    }

    /// Adds the values of the end that were not published yet, or not with this text.
    pub(super) fn values_of_end(
        &mut self,
        bridge: &Bridge,
        outcome: Outcome,
        usage: &Usage,
        cost_microusd: Option<u64>,
        effects: &mut Vec<Effect>,
    ) {
        let numbers = [
            usage.input_tokens,
            usage.output_tokens,
            usage.cache_read_tokens,
            usage.cache_write_tokens,
            usage.total_tokens,
            cost_microusd,
        ];
        let numbers = numbers.map(|number| number.unwrap_or(0));
        let model = self.model().unwrap_or_default();
        let before = effects.len();
        let mut values = Values { bridge, effects };
        let told = self.told.as_ref();
        if told.is_none_or(|told| told.model != model) {
            values.add("ai_bridge_model", model);
        }
        if told.is_none_or(|told| told.outcome != outcome) {
            values.fixed("ai_bridge_outcome", outcome.name());
        }
        for (at, (name, number)) in NUMBERS.into_iter().zip(numbers).enumerate() {
            if told.is_none_or(|told| told.numbers.get(at) != Some(&number)) {
                values.number(name, number);
            }
        }
        if values.effects.len() > before {
            self.told = Some(Told { model: model.to_owned(), outcome, numbers });
        }
    }

    /// Adds the session, where only the request's body names it.
    pub(super) fn session_of_body(&mut self, bridge: &Bridge, effects: &mut Vec<Effect>) {
        if self.session_id.is_some() || !self.client.names_session_in_body() {
            return;
        }
        let Some(user_id) = &self.upload.facts().user_id else { return };
        self.session_id = Client::session_from_user_id(user_id);
        if let Some(session) = &self.session_id {
            Values { bridge, effects }.add("ai_bridge_session", session);
        }
    }

    /// The served model, else the requested one.
    pub(super) fn model(&self) -> Option<&str> {
        let served = self.downloading().and_then(|download| download.reader.answer().model.as_deref());
        let requested = self.upload.facts().model.as_ref().map(Text::as_str);
        served.or(requested).filter(|model| !model.is_empty())
    }
}

/// Values on their way: those that are to be published.
struct Values<'a> {
    bridge: &'a Bridge,
    effects: &'a mut Vec<Effect>,
}

impl Values<'_> {
    /// Whether the value `name` is to be published.
    fn wants(&self, name: &str) -> bool {
        name.strip_prefix(PREFIX).is_some_and(|name| self.bridge.publishes(name))
    }

    /// `text` as the value `name`, harmless in a log line.
    fn add(&mut self, name: impl Into<Cow<'static, str>>, text: &str) {
        let name = name.into();
        if self.wants(&name) {
            let value = Cow::Owned(one_line(head(text, NAME_BYTES), VALUE_BYTES).into_owned().into_bytes());
            self.effects.push(Effect::Publish { name, value });
        }
    }

    /// The same of a text of our own.
    fn fixed(&mut self, name: &'static str, text: &'static str) {
        if self.wants(name) {
            let (name, value) = (Cow::Borrowed(name), Cow::Borrowed(text.as_bytes()));
            self.effects.push(Effect::Publish { name, value });
        }
    }

    fn number(&mut self, name: &'static str, number: u64) {
        if number == 0 {
            return self.fixed(name, "0");
        }
        if self.wants(name) {
            let mut value = Vec::with_capacity(MAX_DIGITS);
            push_number(&mut value, number);
            self.effects.push(Effect::Publish { name: Cow::Borrowed(name), value: Cow::Owned(value) });
        }
    }
}
