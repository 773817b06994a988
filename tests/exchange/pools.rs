//! Requests to pools: which member is asked in which order and with what, what is learned of its answer, and what the
//! client and the record get (`envoy/behaviour.md#pools`).

mod asides;
mod exhausted;
mod headers;
mod lists;
mod models;
mod not_ready;
mod own_keys;
mod passthrough;
mod recorded;
mod retries;
mod sessions;
mod shared_data;

use ai_bridge::bridge::Bridge;
use ai_bridge::pool::Moment;
use core::time::Duration;
use serde_json::{Value, json};
use std::rc::Rc;
use world::{Asked, Member, World, bridge, head};

const REQUEST: &str =
    r#"{"model":"claude-opus-4","max_tokens":9,"messages":[{"role":"user","content":"hello"}]}"#;
const ANSWER: &str = r#"{"id":"msg_1","type":"message","model":"claude-x","content":[],"stop_reason":"end_turn","usage":{"input_tokens":3,"output_tokens":5}}"#;

fn member(name: &str) -> Value {
    json!({
        "name": name, "key": {"value": format!("key-of-{name}-0123456789")},
        "base_url": format!("https://{name}.example/base-{name}"),
    })
}

/// A provider `p` with the members a to e, changed by `change`.
fn pool(change: impl FnOnce(&mut Value)) -> Rc<Bridge> {
    let mut provider =
        json!({"type": "anthropic", "name": "p", "pool": (["a", "b", "c", "d", "e"].map(member))});
    change(&mut provider);
    bridge(&json!({"providers": [provider], "actor": {"header": "x-actor"}}).to_string())
}

fn answers(status: u16, lines: &[(&str, &str)]) -> Member {
    Member::Answers(head(&status.to_string(), lines))
}

/// A request that begins so many seconds after the others.
fn request_at(bridge: &Rc<Bridge>, seconds: u64, lines: &[(&str, &str)]) -> World {
    let mut world = World::later(bridge, seconds);
    world.request(head("POST /p/v1/messages?x=%2F", lines), false).upload(REQUEST.as_bytes(), true);
    world
}

/// A whole request with its attempts. Members whose answers are not scripted are 200.
fn exchange_at(
    bridge: &Rc<Bridge>,
    seconds: u64,
    lines: &[(&str, &str)],
    script: &[(&str, Member)],
) -> (World, Vec<Asked>) {
    let mut world = request_at(bridge, seconds, lines);
    let asked = world.attempts(7, &|name| {
        let scripted = script.iter().find(|(scripted, _)| *scripted == name);
        let ok = || answers(200, &[("content-type", "application/json")]);
        scripted.map_or_else(ok, |(_, member)| member.clone())
    });
    if world.client_headers.as_ref().is_some_and(|headers| headers.status() == Some(200)) {
        world.download(ANSWER.as_bytes(), true);
    }
    world.done();
    (world, asked)
}

fn exchange(bridge: &Rc<Bridge>, script: &[(&str, Member)]) -> (World, Vec<String>) {
    let (world, asked) = exchange_at(bridge, 0, &[], script);
    (world, names(&asked))
}

fn names(asked: &[Asked]) -> Vec<String> {
    asked.iter().map(|asked| asked.member.clone()).collect()
}

/// The members that a request at `seconds` would ask.
fn list_at(bridge: &Rc<Bridge>, seconds: u64) -> String {
    let world = request_at(bridge, seconds, &[]);
    world.sent("x-ai-bridge-pool").unwrap().strip_prefix("p/").unwrap().to_owned()
}

fn attempts(world: &World) -> Vec<(String, Value)> {
    let record = world.record();
    let attempts = record["attempts"].as_array().cloned().unwrap_or_default();
    let answer = |attempt: &Value| {
        assert!(attempt["ms"].is_u64());
        let given = [&attempt["status"], &attempt["error"]];
        given.into_iter().find(|given| !given.is_null()).cloned().unwrap_or_default()
    };
    attempts.iter().map(|a| (a["member"].as_str().unwrap().to_owned(), answer(a))).collect()
}

/// `moment` so many seconds later by the wall clock and by the other one.
fn later(moment: Moment, wall: u64, clock: u64) -> Moment {
    Moment { wall: moment.wall + Duration::from_secs(wall), clock: moment.clock + Duration::from_secs(clock) }
}
