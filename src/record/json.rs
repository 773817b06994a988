//! The record as one line of JSON, member after member in the order of `envoy/records/record.schema.json`.

use super::{
    ActorRef, AgentRef, Arguments, BudgetRef, ErrorRef, ModelUsage, Record, ThoughtRef, ToolCallRef, UsageRef,
};
use crate::answer::NAME_BYTES;
use crate::json::{Writer, key};
use crate::text::head;
use crate::usage::{Counted, Estimate};

/// Room for everything but the texts: most records need no more.
const USUAL_BYTES: usize = 1536;

impl Record<'_> {
    /// The record as one line of JSON. Optional members are left out where nothing is known; lists are always there.
    /// `text_bytes`: the bytes of texts in it, for which room is reserved.
    #[must_use]
    pub fn to_json(&self, text_bytes: usize) -> Vec<u8> {
        let mut out = Writer::with_capacity(USUAL_BYTES.saturating_add(text_bytes));
        out.begin('{');
        out.number_member(key!("version"), u64::from(self.version));
        out.word_member(key!("id"), self.id.as_bytes());
        out.known_text(key!("request_id"), self.request_id);
        out.word_member(key!("started_at"), &self.started_at);
        out.word_member(key!("ended_at"), &self.ended_at);
        out.number_member(key!("duration_ms"), self.duration_ms);
        out.known_number(key!("time_to_first_event_ms"), self.time_to_first_event_ms);
        out.name(key!("provider"));
        out.begin('{');
        out.word_member(key!("type"), self.provider.r#type.as_bytes());
        out.text_member(key!("name"), self.provider.name);
        out.end('}');
        out.word_member(key!("api"), self.api.as_bytes());
        out.text_member(key!("method"), self.method);
        out.text_member(key!("path"), self.path);
        out.name(key!("upstream"));
        out.begin('{');
        out.text_member(key!("host"), self.upstream.host);
        out.text_member(key!("cluster"), self.upstream.cluster);
        out.known_text(key!("request_id"), self.upstream.request_id);
        out.end('}');
        out.name(key!("streaming"));
        out.bool(self.streaming);
        out.name(key!("model"));
        out.begin('{');
        out.known_text(key!("requested"), self.model.requested);
        if !self.model.also_requested.is_empty() {
            out.name(key!("also_requested"));
            write_texts(&mut out, self.model.also_requested);
        }
        out.known_text(key!("served"), self.model.served);
        out.end('}');
        if let Some(actor) = &self.actor {
            write_actor(&mut out, actor);
        }
        out.word_member(key!("client"), self.client.as_bytes());
        out.known_text(key!("user_agent"), self.user_agent);
        out.known_text(key!("session_id"), self.session_id);
        if let Some(agent) = &self.agent {
            write_agent(&mut out, agent);
        }
        out.known_text(key!("correlating_tool_call_id"), self.correlating_tool_call_id);
        out.name(key!("credential"));
        out.begin('{');
        out.word_member(key!("kind"), self.credential.kind.as_bytes());
        out.known_text(key!("hint"), self.credential.hint);
        out.end('}');
        self.write_pool(&mut out);
        self.write_answer(&mut out);
        out.word_member(key!("outcome"), self.outcome.name().as_bytes());
        if let Some(error) = &self.error {
            write_error(&mut out, error);
        }
        out.name(key!("notes"));
        write_texts(&mut out, &self.notes);
        out.end('}');
        out.into_bytes()
    }

    /// The members of a request to a pool.
    fn write_pool(&self, out: &mut Writer) {
        if !self.attempts.is_empty() {
            out.name(key!("attempts"));
            out.begin('[');
            for attempt in &self.attempts {
                out.begin('{');
                out.text_member(key!("member"), attempt.member);
                out.known_number(key!("status"), attempt.status.map(u64::from));
                out.known_text(key!("error"), attempt.error);
                out.number_member(key!("ms"), attempt.ms);
                out.end('}');
            }
            out.end(']');
        }
        if let Some(affinity) = &self.affinity {
            out.name(key!("affinity"));
            out.begin('{');
            out.text_member(key!("member"), affinity.member);
            if affinity.moved {
                out.name(key!("moved"));
                out.bool(true);
            }
            out.end('}');
        }
    }

    /// The members that describe the response, and the prompt among them.
    fn write_answer(&self, out: &mut Writer) {
        out.name(key!("response"));
        out.begin('{');
        out.known_text(key!("id"), self.response.id);
        out.known_number(key!("status"), self.response.status.map(u64::from));
        out.name(key!("finish_reasons"));
        write_texts(out, self.response.finish_reasons);
        out.end('}');
        write_usage(out, &self.usage);
        out.known_number(key!("cost_microusd"), self.cost_microusd);
        if let Some(budget) = &self.budget {
            write_budget(out, budget);
        }
        out.known_text(key!("prompt"), self.prompt.map(|prompt| prompt.0));
        out.name(key!("tool_calls"));
        out.begin('[');
        for call in &self.tool_calls {
            write_tool_call(out, call);
        }
        out.end(']');
        out.name(key!("thoughts"));
        out.begin('[');
        for thought in &self.thoughts {
            write_thought(out, thought);
        }
        out.end(']');
    }
}

pub(super) fn write_actor(out: &mut Writer, actor: &ActorRef<'_>) {
    out.name(key!("actor"));
    out.begin('{');
    out.known_text(key!("id"), actor.id);
    out.name(key!("metadata"));
    out.begin('{');
    for (key, value) in actor.metadata {
        out.chosen_name(key);
        out.string(head(value, NAME_BYTES));
    }
    out.end('}');
    out.end('}');
}

pub(super) fn write_agent(out: &mut Writer, agent: &AgentRef<'_>) {
    out.name(key!("agent"));
    out.begin('{');
    out.known_text(key!("id"), agent.id);
    out.known_text(key!("parent_id"), agent.parent_id);
    out.end('}');
}

pub(super) fn write_budget(out: &mut Writer, budget: &BudgetRef) {
    out.name(key!("budget"));
    out.begin('{');
    out.name(key!("used"));
    out.raw(&budget.used);
    out.word_member(key!("resets_at"), &budget.resets_at);
    out.known_text(key!("notice"), budget.notice);
    out.end('}');
}

fn write_usage(out: &mut Writer, usage: &UsageRef<'_>) {
    let UsageRef { usage_status, usage, by_model, estimate, provider_usage } = usage;
    out.name(key!("usage"));
    out.begin('{');
    out.word_member(key!("usage_status"), usage_status.name().as_bytes());
    out.known_number(key!("input_tokens"), usage.input_tokens);
    out.known_number(key!("output_tokens"), usage.output_tokens);
    out.known_number(key!("cache_read_tokens"), usage.cache_read_tokens);
    out.known_number(key!("cache_write_tokens"), usage.cache_write_tokens);
    out.known_number(key!("reasoning_tokens"), usage.reasoning_tokens);
    out.known_number(key!("total_input_tokens"), usage.total_input_tokens);
    out.known_number(key!("total_tokens"), usage.total_tokens);
    let details = &usage.details;
    out.name(key!("details"));
    out.begin('{');
    for (name, count) in Counted::NAMES {
        if let Some(count) = count.of(details) {
            out.chosen_name(name);
            out.number(count);
        }
    }
    out.known_text(key!("service_tier"), details.service_tier.as_deref());
    out.known_text(key!("speed"), details.speed.as_deref());
    out.known_text(key!("inference_geo"), details.inference_geo.as_deref());
    out.end('}');
    if !by_model.is_empty() {
        out.name(key!("by_model"));
        out.begin('[');
        by_model.iter().for_each(|share| write_model_usage(out, share));
        out.end(']');
    }
    if let Some(Estimate { input_tokens, output_tokens }) = *estimate {
        out.name(key!("estimate"));
        out.begin('{');
        out.known_number(key!("input_tokens"), Some(input_tokens));
        out.known_number(key!("output_tokens"), Some(output_tokens));
        out.end('}');
    }
    if let Some(provider_usage) = provider_usage {
        out.name(key!("provider_usage"));
        out.raw(provider_usage);
    }
    out.end('}');
}

pub(super) fn write_model_usage(out: &mut Writer, share: &ModelUsage) {
    let ModelUsage { model, usage, cost_microusd } = share;
    out.begin('{');
    out.text_member(key!("model"), model);
    out.known_number(key!("input_tokens"), usage.input_tokens);
    out.known_number(key!("output_tokens"), usage.output_tokens);
    out.known_number(key!("cache_read_tokens"), usage.cache_read_tokens);
    out.known_number(key!("cache_write_tokens"), usage.cache_write_tokens);
    out.known_number(key!("total_input_tokens"), usage.total_input_tokens);
    out.known_number(key!("cost_microusd"), *cost_microusd);
    out.end('}');
}

pub(super) fn write_tool_call(out: &mut Writer, call: &ToolCallRef<'_>) {
    out.begin('{');
    out.known_text(key!("id"), call.id);
    out.known_text(key!("item_id"), call.item_id);
    out.known_text(key!("name"), call.name);
    out.known_text(key!("server"), call.server);
    match &call.arguments {
        Some(Arguments::Json(json)) => {
            out.name(key!("arguments"));
            out.raw(json);
        }
        Some(Arguments::Text(text)) => out.text_member(key!("arguments"), text.0),
        None => {}
    }
    out.word_member(key!("kind"), call.kind.as_bytes());
    out.name(key!("complete"));
    out.bool(call.complete);
    out.end('}');
}

pub(super) fn write_thought(out: &mut Writer, thought: &ThoughtRef<'_>) {
    out.begin('{');
    out.word_member(key!("source"), thought.source.as_bytes());
    out.text_member(key!("text"), thought.text.0);
    out.end('}');
}

pub(super) fn write_error(out: &mut Writer, error: &ErrorRef<'_>) {
    out.name(key!("error"));
    out.begin('{');
    out.known_text(key!("type"), error.r#type);
    out.known_text(key!("code"), error.code);
    out.known_text(key!("message"), error.message.map(|message| head(message, NAME_BYTES)));
    out.end('}');
}

fn write_texts(out: &mut Writer, texts: &[String]) {
    out.begin('[');
    for text in texts {
        out.string(text);
    }
    out.end(']');
}
