//! The single values of an interception: which there are, and when they are published.
//!
//! Those of the end are published as soon as it is known how the stream ends, which for most is in the last callback of
//! the answer: Envoy closes its trace span before it writes its logs, and what is set later stands on no span. A stream
//! that breaks off has no such moment; its values come with its record. What changes after all is published again.

use super::interception::Interception;
use crate::answer::NAME_BYTES;
use crate::bridge::Bridge;
use crate::caller::Client;
use crate::price;
use crate::record::Outcome;
use crate::step::Effect;
use crate::text::{Text, head, one_line};
use crate::usage::Usage;

/// Bytes of a single value.
const VALUE_BYTES: usize = 256;

impl Interception {
    /// The values that are known at the request's headers, so that later filters can use them.
    pub(super) fn values_of_start(&self, bridge: &Bridge) -> Vec<Effect> {
        let actor = self.actor.as_ref();
        let mut effects = Vec::new();
        let mut publish = |name: &str, value: &str| {
            if bridge.publishes(name) {
                effects.push(value_of(name, value));
            }
        };
        publish("id", &self.id);
        publish("provider", &self.provider.name);
        publish("api", self.api.name());
        publish("actor", actor.map_or("", |actor| &actor.id));
        publish("session", self.session_id.as_deref().unwrap_or_default());
        for (key, value) in &self.actor_metadata {
            publish(&format!("actor_{key}"), value);
        }
        effects
    }

    /// The values of the end, where it is known already.
    pub(super) fn values_once_settled(&mut self, bridge: &Bridge) -> Vec<Effect> {
        let Some(outcome) = self.settled_outcome() else { return Vec::new() };
        let answer = self.downloading().map(|download| download.reader.answer());
        let usage = answer.map(|answer| answer.usage.usage(answer.api)).unwrap_or_default();
        let price = self.model().and_then(|model| price::for_model(&bridge.prices, model));
        let cost_microusd = price.and_then(|price| price::cost_microusd(price, &usage));
        let mut effects: Vec<Effect> = self.session_of_body(bridge).into_iter().collect();
        effects.extend(self.values_of_end(bridge, outcome, &usage, cost_microusd));
        effects
    }

    /// The values of the end that were not published yet, or not with this text.
    pub(super) fn values_of_end(
        &mut self,
        bridge: &Bridge,
        outcome: Outcome,
        usage: &Usage,
        cost_microusd: Option<u64>,
    ) -> Vec<Effect> {
        let number = |number: Option<u64>| number.unwrap_or(0).to_string();
        let values = [
            ("model", self.model().unwrap_or_default().to_owned()),
            ("outcome", outcome.name().to_owned()),
            ("input_tokens", number(usage.input_tokens)),
            ("output_tokens", number(usage.output_tokens)),
            ("cache_read_tokens", number(usage.cache_read_tokens)),
            ("cache_write_tokens", number(usage.cache_write_tokens)),
            ("total_tokens", number(usage.total_tokens)),
            ("cost_microusd", number(cost_microusd)),
        ];
        let news = values.into_iter().filter(|value| bridge.publishes(value.0) && !self.told.contains(value));
        let news: Vec<_> = news.collect();
        self.told.retain(|told| news.iter().all(|new| new.0 != told.0));
        self.told.extend_from_slice(&news);
        news.iter().map(|(name, text)| value_of(name, text)).collect()
    }

    /// The session, where only the request's body names it.
    pub(super) fn session_of_body(&mut self, bridge: &Bridge) -> Option<Effect> {
        if self.session_id.is_some() || !self.client.names_session_in_body() {
            return None;
        }
        self.session_id = Client::session_from_user_id(self.upload.facts().user_id.as_ref()?);
        let session = self.session_id.as_deref().filter(|_| bridge.publishes("session"))?;
        Some(value_of("session", session))
    }

    /// The served model, else the requested one.
    pub(super) fn model(&self) -> Option<&str> {
        let served = self.downloading().and_then(|download| download.reader.answer().model.as_deref());
        let requested = self.upload.facts().model.as_ref().map(Text::as_str);
        served.or(requested).filter(|model| !model.is_empty())
    }
}

/// `ai_bridge_{name}`, harmless in a log line.
fn value_of(name: &str, text: &str) -> Effect {
    Effect::Publish {
        name: format!("ai_bridge_{name}"),
        value: one_line(head(text, NAME_BYTES), VALUE_BYTES),
    }
}
