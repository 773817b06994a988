//! The cost of an interception (`prices`).

use ai_bridge::bridge::Bridge;
use serde_json::{Value, json};
use std::rc::Rc;
use world::{CONFIGURATION, World, bridge, changed, exchanged, head};

const EVENTS: (&str, &str) = ("content-type", "text/event-stream");

fn answered(bridge: &Rc<Bridge>, request: &Value, answer: &Value) -> World {
    exchanged(bridge, "/anthropic/v1/messages", &[], request, answer)
}

/// Cost and notes of a response of `model` with this usage, under these prices.
fn cost(prices: &Value, model: &str, usage: &Value) -> (Option<u64>, Value) {
    let bridge = changed(|configuration| configuration["prices"] = prices.clone());
    let answer = json!({"type": "message", "model": model, "usage": usage});
    let world = answered(&bridge, &json!({"model": "requested"}), &answer);
    let record = world.record();
    let cost = record.get("cost_microusd").map(|cost| cost.as_u64().unwrap());
    assert_eq!(world.published["ai_bridge_cost_microusd"], cost.unwrap_or(0).to_string());
    (cost, record["notes"].clone())
}

#[test]
fn a_cost_is_the_sum_of_all_tokens_rounded_half_up_once() {
    let prices = json!([
        {"models": ["exact"], "input": 1.0, "output": 2.0, "cache_read": 0.1, "cache_write_5m": 0.25, "cache_write_1h": 3.0},
        {"models": ["ex*", "other"], "input": 7, "output": 9},
        {"models": ["*"], "input": 0, "output": 0},
    ]);
    for (model, usage, wanted) in [
        ("exact", json!({"input_tokens": 3, "output_tokens": 5}), 13),
        // Each term below a half, their sum above; and exactly a half.
        (
            "exact",
            json!({"input_tokens": 0, "cache_read_input_tokens": 4, "cache_creation_input_tokens": 1}),
            1,
        ),
        ("exact", json!({"input_tokens": 0, "cache_read_input_tokens": 5}), 1),
        ("exact", json!({"input_tokens": 0, "cache_read_input_tokens": 4}), 0),
        ("exact", json!({"input_tokens": 0, "cache_creation_input_tokens": 2}), 1),
        ("exact", json!({"input_tokens": 0, "cache_creation_input_tokens": 1}), 0),
        // Tokens that the details do not explain have no known age.
        (
            "exact",
            json!({"input_tokens": 0, "cache_creation_input_tokens": 12,
                "cache_creation": {"ephemeral_5m_input_tokens": 4, "ephemeral_1h_input_tokens": 4}}),
            14,
        ),
        // Reasoning tokens are part of the output.
        ("exact", json!({"output_tokens": 5, "output_tokens_details": {"thinking_tokens": 4}}), 10),
        // The first matching price has no cache prices: the input's price holds.
        ("example", json!({"input_tokens": 1, "output_tokens": 1}), 16),
        (
            "other",
            json!({"input_tokens": 0, "cache_read_input_tokens": 1, "cache_creation_input_tokens": 2,
                "cache_creation": {"ephemeral_1h_input_tokens": 1}}),
            21,
        ),
        ("free", json!({"input_tokens": 1_000_000, "output_tokens": 1}), 0),
        ("exact", json!({"input_tokens": 9_007_199_254_740_991_u64}), 9_007_199_254_740_991),
    ] {
        assert_eq!(cost(&prices, model, &usage), (Some(wanted), json!([])), "{model} {usage}");
    }
}

#[test]
fn a_model_without_a_price_has_no_cost_and_is_noted() {
    let prices = json!([{"models": ["known"], "input": 1.0, "output": 2.0}]);
    let usage = json!({"input_tokens": 3, "output_tokens": 5});
    assert_eq!(cost(&prices, "unknown", &usage), (None, json!(["price"])));
    assert_eq!(
        cost(&prices, "unknown", &json!(null)),
        (None, json!(["usage_estimated"])),
        "nothing that could have a price"
    );
    assert_eq!(cost(&json!([]), "unknown", &usage), (None, json!([])), "no prices at all");
    assert_eq!(cost(&prices, "known", &json!(null)), (None, json!(["usage_estimated"])));
    assert_eq!(
        cost(&prices, "known", &json!({"input_tokens": 0})),
        (Some(0), json!([])),
        "a stated zero costs zero"
    );
}

#[test]
fn partial_usage_is_priced_and_noted() {
    let mut world = World::new(&bridge(CONFIGURATION));
    world
        .request(head("POST /anthropic/v1/messages", &[]), false)
        .upload(b"{\"model\":\"claude-opus-4-8\"}", true);
    world.answer(head("200", &[EVENTS]), false);
    world.download(
        b"data: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":100}}}\n\n",
        false,
    );
    world.finish("downstream_remote_disconnect");
    let record = world.record();
    assert_eq!(
        (&record["cost_microusd"], &record["notes"]),
        (&json!(500), &json!(["usage_estimated", "cost_partial"]))
    );
    assert_eq!(world.published["ai_bridge_cost_microusd"], "500");
}

#[test]
fn the_served_or_else_the_requested_model_decides_the_price() {
    let prices = json!([
        {"models": ["served"], "input": 2, "output": 0}, {"models": ["requested"], "input": 3, "output": 0},
    ]);
    let usage = json!({"input_tokens": 1});
    assert_eq!(cost(&prices, "served", &usage).0, Some(2));
    assert_eq!(cost(&prices, "", &usage).0, Some(3));
}

#[test]
fn conditions_are_tested_by_what_the_provider_states() {
    let prices = json!([{"models": ["tiered"], "input": 1, "output": 2, "cache_read": 0.5,
        "per_use": {"web_search_requests": 0.01},
        "adjust": [{"service_tier": "priority", "factor": 2}, {"total_input_tokens_above": 10, "input_factor": 3, "cache_read_factor": 4}]}]);
    for (usage, wanted) in [
        (json!({"input_tokens": 4, "output_tokens": 5}), 14),
        (json!({"input_tokens": 4, "output_tokens": 5, "service_tier": "standard"}), 14),
        (json!({"input_tokens": 4, "output_tokens": 5, "service_tier": "priority"}), 28),
        (json!({"input_tokens": 4, "output_tokens": 5, "service_tier": ["priority"]}), 14),
        (json!({"input_tokens": 4, "cache_read_input_tokens": 6, "output_tokens": 5}), 17),
        (json!({"input_tokens": 4, "cache_read_input_tokens": 7, "output_tokens": 5}), 12 + 14 + 10),
        (
            json!({"input_tokens": 4, "cache_read_input_tokens": 7, "output_tokens": 5, "service_tier": "priority"}),
            24 + 28 + 20,
        ),
        (
            json!({"input_tokens": 4, "server_tool_use": {"web_search_requests": 2}, "service_tier": "priority"}),
            20_008,
        ),
        (json!({"server_tool_use": {"web_search_requests": 1}}), 10_000),
        (json!({"input_tokens": 4, "server_tool_use": {"web_search_requests": 0}}), 4),
    ] {
        assert_eq!(cost(&prices, "tiered", &usage), (Some(wanted), json!([])), "{usage}");
    }
    let bad = json!({"input_tokens": 4, "server_tool_use": {"web_search_requests": -1}});
    assert_eq!(cost(&prices, "tiered", &bad), (Some(4), json!(["usage_unreadable"])));
}

const DOCUMENT: [(&str, &str); 1] = [("content-type", "application/json")];

/// Envoy charges a budget with the published value, so it has to know the age of cache writes too.
#[test]
fn the_published_cost_is_that_of_the_record() {
    let mut world = World::watched(&bridge(CONFIGURATION));
    let answer = json!({"type": "message", "model": "claude-opus-4-8", "usage": {
        "input_tokens": 0, "output_tokens": 0, "cache_creation_input_tokens": 300,
        "cache_creation": {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 200}}});
    world.request(head("POST /anthropic/v1/messages", &[]), false).upload(b"{\"model\":\"m\"}", true);
    world.answer(head("200", &DOCUMENT), false).download(answer.to_string().as_bytes(), true);
    assert_eq!(world.published["ai_bridge_cost_microusd"], "2625");
    world.done();
    assert_eq!(world.record()["cost_microusd"], 2625);
    assert_eq!(world.steps.matches("Publish(ai_bridge_cost_microusd)").count(), 1);
}

#[test]
fn a_response_that_breaks_off_is_priced_by_what_stood_before() {
    let prices = json!([{"models": ["*"], "input": 2, "output": 10, "per_million": {"image_output_tokens": 30},
        "per_use": {"web_search_requests": 0.01}, "adjust": [{"service_tier": "flex", "factor": 0.5}]}]);
    let priced = |body: &str| {
        let bridge = changed(|configuration| configuration["prices"] = prices.clone());
        let mut world = World::new(&bridge);
        world.request(head("POST /openai/v1/responses", &[]), false).upload(b"{}", true);
        world.answer(head("200", &[("content-type", "application/json")]), false);
        world.download(body.as_bytes(), true).finish("via_upstream");
        world.record()["cost_microusd"].as_u64()
    };
    let whole = r#"{"model":"m","usage":{"input_tokens":100,"output_tokens":20},"tool_usage":{"web_search":{"num_requests":12},"image_gen":{"output_tokens":40}},"service_tier":"flex","output":[{"#;
    assert_eq!(priced(whole), Some(200 + 120_000 + 1200));
    for (end, wanted) in [
        ("\"service_tier\":\"fl", 400 + 120_000 + 1200),
        ("\"image_gen\":{\"output_tokens\":4", 400 + 120_000),
        ("\"num_requests\":1", 400),
    ] {
        let (before, _) = whole.split_once(end).unwrap();
        assert_eq!(priced(&format!("{before}{end}")), Some(wanted), "{end}");
    }
    assert_eq!(priced(r#"{"model":"m","usage":{"input_tokens":100,"output_tokens":2"#), None);
}

#[test]
fn writes_of_a_later_event_replace_the_ages_of_an_earlier_one() {
    let prices = json!([{"models": ["*"], "input": 10, "output": 50, "cache_read": 1, "cache_write_5m": 12.5, "cache_write_1h": 20}]);
    let start = json!({"input_tokens": 10, "output_tokens": 1, "cache_creation_input_tokens": 1000,
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 1000}});
    for (delta, total_input, cost) in [
        (
            json!({"input_tokens": 10, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 1000}),
            1010,
            1350,
        ),
        (json!({"input_tokens": 10, "cache_creation_input_tokens": 400}), 410, 350 + 5000),
        (json!({"input_tokens": 10, "cache_creation_input_tokens": 1000}), 1010, 350 + 20_000),
        (json!({"input_tokens": 10, "cache_creation_input_tokens": 1002}), 1012, 350 + 20_000 + 25),
        (json!({"input_tokens": 0, "cache_creation_input_tokens": 0}), 1010, 350 + 20_000),
    ] {
        let bridge = changed(|configuration| configuration["prices"] = prices.clone());
        let mut usage = json!({"output_tokens": 5});
        usage.as_object_mut().unwrap().append(&mut delta.as_object().unwrap().clone());
        let events = [
            json!({"type": "message_start", "message": {"model": "m", "usage": start}}),
            json!({"type": "message_delta", "delta": {}, "usage": usage}),
            json!({"type": "message_stop"}),
        ];
        let body: String = events.iter().map(|event| format!("data: {event}\n\n")).collect();
        let mut world = World::new(&bridge);
        world.request(head("POST /anthropic/v1/messages", &[]), false).upload(b"{}", true);
        world.answer(head("200", &[EVENTS]), false).download(body.as_bytes(), true).done();
        let record = world.record();
        assert_eq!(
            (&record["usage"]["total_input_tokens"], &record["cost_microusd"]),
            (&json!(total_input), &json!(cost)),
            "{delta}"
        );
    }
}
