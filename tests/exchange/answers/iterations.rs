//! `usage.iterations` and fallback blocks of Messages, beyond the transcripts.

use super::messages::raw;
use serde_json::{Value, json};
use std::fmt::Write;
use world::{changed, exchanged};

/// A step with this input and an output of 1.
fn step(model: &str, input: u64) -> Value {
    json!({"type": "message", "model": model, "input_tokens": input, "output_tokens": 1})
}

/// The record of a document with this usage, where every model has the price `input` and 1 of output.
fn document(usage: &str) -> Value {
    let bridge = changed(|configuration| {
        configuration["prices"] = json!([{"models": ["m*"], "input": 2, "output": 1}]);
    });
    let answer = format!(r#"{{"id":"x","type":"message","model":"m","content":[],"usage":{usage}}}"#);
    let answer: Value = serde_json::from_str(&answer).unwrap();
    exchanged(&bridge, "/anthropic/v1/messages", &[], &json!({"model": "m"}), &answer).record()
}

fn with_steps(steps: &[Value]) -> Value {
    document(&json!({"input_tokens": 5, "output_tokens": 1, "iterations": steps}).to_string())
}

#[test]
fn a_thousand_steps_are_summed_to_the_last_one() {
    let steps: Vec<Value> = (0..1000).map(|at| step(if at % 3 == 0 { "m1" } else { "m2" }, at)).collect();
    let record = with_steps(&steps);
    assert_eq!(record["usage"]["input_tokens"], 499_500);
    assert_eq!(record["usage"]["output_tokens"], 1000);
    assert_eq!(record["cost_microusd"], 1_000_000);
    let one = json!({"model": "m1", "input_tokens": 166_833, "output_tokens": 334, "total_input_tokens": 166_833,
        "cost_microusd": 334_000});
    assert_eq!(record["usage"]["by_model"][0], one);
    assert_eq!(record["notes"], json!(["usage_too_large"]), "only the provider's own object is left out");
}

#[test]
fn ten_thousand_steps_are_summed_and_noted() {
    let mut stream =
        String::from("data: {\"type\":\"message_delta\",\"usage\":{\"output_tokens\":1,\"iterations\":[");
    for at in 0..10_000 {
        let comma = if at == 0 { "" } else { "," };
        let model = ["m1", "m2", "m3"][at % 3];
        write!(stream, r#"{comma}{{"model":"{model}","input_tokens":{at},"output_tokens":2}}"#).unwrap();
    }
    stream.push_str("]}}\n\ndata: {\"type\":\"message_stop\"}\n\n");
    assert!(stream.len() < 1 << 20, "below limits.event_bytes");
    let record = raw(&stream);
    assert_eq!(record["usage"]["input_tokens"], 49_995_000);
    assert_eq!(record["usage"]["output_tokens"], 20_000);
    let shares = record["usage"]["by_model"].as_array().unwrap();
    let input: u64 = shares.iter().map(|share| share["input_tokens"].as_u64().unwrap()).sum();
    assert_eq!((shares.len(), input), (3, 49_995_000));
    assert_eq!(shares[1]["input_tokens"], (0..10_000).filter(|at| at % 3 == 1).sum::<u64>());
    assert_eq!(record["notes"], json!(["iterations_merged", "usage_too_large", "price"]));
}

#[test]
fn models_beyond_the_first_sixteen_are_other() {
    let steps: Vec<Value> = (0..20).map(|at| step(&format!("m{at}"), 10)).collect();
    let record = with_steps(&steps);
    let shares = record["usage"]["by_model"].as_array().unwrap();
    assert_eq!(shares.len(), 17);
    let other = json!({"model": "other", "input_tokens": 40, "output_tokens": 4, "total_input_tokens": 40,
        "cost_microusd": 84});
    assert_eq!(shares[16], other, "each at its own price");
    assert_eq!((&record["cost_microusd"], &record["notes"]), (&json!(420), &json!(["models_merged"])));
}

#[test]
fn thousands_of_model_names_are_bounded_and_counted() {
    let long = "n".repeat(900);
    let steps: Vec<Value> = (0..1500).map(|at| step(&format!("m{at}{long}"), 1)).collect();
    let record = with_steps(&steps);
    assert_eq!(
        (&record["usage"]["input_tokens"], &record["usage"]["output_tokens"]),
        (&json!(1500), &json!(1500))
    );
    let other = &record["usage"]["by_model"][16];
    assert_eq!((&other["model"], &other["input_tokens"]), (&json!("other"), &json!(1484)));
    assert_eq!(record["notes"], json!(["iterations_merged", "usage_too_large", "models_merged", "price"]));
}

#[test]
fn a_step_of_a_wrong_shape_counts_nothing_and_is_noted() {
    for wrong in [
        json!(null),
        json!([]),
        json!("m"),
        json!({}),
        json!({"type": "message"}),
        json!({"model": 7, "input_tokens": 1, "output_tokens": 1}),
        json!({"model": ["m1"], "input_tokens": 1, "output_tokens": 1}),
        json!({"input_tokens": 1.5, "output_tokens": 1}),
        json!({"input_tokens": 1, "output_tokens": "1"}),
        json!({"input_tokens": 1, "output_tokens": 1, "cache_creation": {"ephemeral_1h_input_tokens": -1}}),
        // The sum would be above 2^53 − 1.
        json!({"input_tokens": 9_007_199_254_740_991_u64, "output_tokens": 1}),
    ] {
        let record = with_steps(&[step("m", 10), wrong.clone()]);
        assert_eq!(record["usage"]["input_tokens"], 10, "{wrong}");
        assert_eq!(record["cost_microusd"], 21, "{wrong}");
        assert_eq!(record["notes"], json!(["usage_unreadable"]), "{wrong}");
    }
}

#[test]
fn a_list_of_a_wrong_type_leaves_the_numbers_beside_it() {
    for wrong in ["7", "{}", "\"many\"", "true", r#"{"input_tokens":9}"#] {
        let record = document(&format!(r#"{{"input_tokens":5,"output_tokens":1,"iterations":{wrong}}}"#));
        assert_eq!(record["usage"]["input_tokens"], 5, "{wrong}");
        assert_eq!(record["notes"], json!(["usage_unreadable"]), "{wrong}");
    }
}

#[test]
fn a_step_without_output_is_left_out() {
    let declined = json!({"model": "m2", "input_tokens": 70, "output_tokens": 0});
    let record = with_steps(&[declined.clone(), step("m3", 8)]);
    assert_eq!((&record["usage"]["input_tokens"], &record["cost_microusd"]), (&json!(8), &json!(17)));
    assert_eq!((&record["usage"]["by_model"], &record["notes"]), (&Value::Null, &json!([])));
    let record = with_steps(&[declined]);
    assert_eq!(record["usage"]["input_tokens"], 5, "no step counts, so the numbers beside the list do");
}

#[test]
fn of_a_repeated_list_the_last_one_counts() {
    let raw = r#"data: {"type":"message_delta","usage":{"iterations":[{"input_tokens":1,"output_tokens":1}],"output_tokens":9,"iterations":[{"input_tokens":2,"output_tokens":2,"iterations":[{"input_tokens":50}]}]}}"#;
    let record = super::messages::raw(&format!("{raw}\n\ndata: {{\"type\":\"message_stop\"}}\n\n"));
    assert_eq!((&record["usage"]["input_tokens"], &record["usage"]["output_tokens"]), (&json!(2), &json!(2)));
}

#[test]
fn the_list_of_message_start_is_older_than_later_numbers() {
    let start = json!({"type": "message_start", "message": {"model": "m", "usage":
        {"input_tokens": 10, "output_tokens": 1, "iterations": [{"input_tokens": 10, "output_tokens": 1}]}}});
    let delta = |usage: Value| json!({"type": "message_delta", "usage": usage});
    let record = |events: &[Value]| {
        let events: String = events.iter().map(|event| format!("data: {event}\n\n")).collect();
        raw(&format!("{events}data: {{\"type\":\"message_stop\"}}\n\n"))
    };
    let of = |events: &[Value]| record(events)["usage"]["output_tokens"].clone();
    assert_eq!(of(&[start.clone(), delta(json!({"output_tokens": 40}))]), 40);
    let listed = delta(json!({"output_tokens": 40, "iterations": [step("m", 10), step("m", 20)]}));
    assert_eq!(of(&[start.clone(), listed.clone(), delta(json!({"output_tokens": 41}))]), 2);
    assert_eq!(of(&[start, listed, delta(json!({"iterations": null}))]), 2);
}

#[test]
fn each_step_is_tested_by_its_own_numbers() {
    let bridge = changed(|configuration| {
        configuration["prices"] = json!([{"models": ["m"], "input": 1, "output": 1, "per_use": {"web_search_requests": 0.01},
            "adjust": [{"total_input_tokens_above": 100, "input_factor": 2}, {"speed": "fast", "factor": 3}]}]);
    });
    let usage = json!({"input_tokens": 1, "output_tokens": 1, "speed": "fast",
        "server_tool_use": {"web_search_requests": 2},
        "iterations": [{"input_tokens": 90, "output_tokens": 10}, {"input_tokens": 101, "output_tokens": 10},
            {"input_tokens": 50, "output_tokens": 10, "speed": "standard"}]});
    let answer = json!({"type": "message", "model": "m", "usage": usage});
    let record = exchanged(&bridge, "/anthropic/v1/messages", &[], &json!({"model": "m"}), &answer).record();
    let wanted = (90 + 10) * 3 + (101 * 2 + 10) * 3 + 60 + 20_000;
    assert_eq!(record["cost_microusd"], wanted);
}

#[test]
fn a_fallback_block_names_the_served_model() {
    let served = |block: &str| {
        let start =
            r#"data: {"type":"message_start","message":{"model":"asked","usage":{"input_tokens":1}}}"#;
        raw(&format!(
            "{start}\n\ndata: {{\"type\":\"content_block_start\"{block}}}\n\ndata: {{\"type\":\"message_stop\"}}\n\n"
        ))["model"]["served"]
            .clone()
    };
    let fallback = r#""content_block":{"type":"fallback","to":{"model":"other"}}"#;
    assert_eq!(served(&format!(",\"index\":0,{fallback}")), "other");
    assert_eq!(served(&format!(",{fallback}")), "other", "without an index");
    for wrong in [
        r#","index":0,"content_block":{"type":"fallback","to":"other"}"#,
        r#","index":0,"content_block":{"type":"fallback","to":{"model":7}}"#,
        r#","index":0,"content_block":{"type":"fallback","to":{"model":""}}"#,
        r#","index":0,"content_block":{"type":"fallback"}"#,
        r#","index":0,"content_block":{"type":"text","to":{"model":"other"}}"#,
    ] {
        assert_eq!(served(wrong), "asked", "{wrong}");
    }
}
