//! What bounds what is learned from responses of the Responses API.

use super::responses::{
    DOCUMENT, EVENTS, added, answered, completed, done, function, streamed_under, thoughts,
};
use serde_json::{Value, json};
use world::changed;

#[test]
fn an_event_with_a_picture_above_the_limit_is_read() {
    let bridge = changed(|configuration| configuration["limits"] = json!({"event_bytes": 2000}));
    let picture = json!({"type": "image_generation_call", "id": "ig", "status": "completed", "result": "A".repeat(3000)});
    let (item, mut end) = (done(0, &picture), completed(&[picture]));
    end["response"]["usage"] = json!({"input_tokens": 5});
    let body = format!(
        "data: {}\n\ndata: {}\n\nevent: response.output_item.done\ndata: {item}\n\nevent: response.completed\ndata: {end}\n\n",
        added(0, &json!({"type": "image_generation_call", "id": "ig", "status": "in_progress"})),
        json!({"type": "response.image_generation_call.completed", "output_index": 0, "item_id": "ig"}),
    );
    let record = answered(&bridge, EVENTS, &body);
    assert_eq!(record["notes"], json!(["event_too_large"]));
    assert_eq!(
        (&record["outcome"], &record["usage"]["usage_status"]),
        (&json!("completed"), &json!("complete"))
    );
    assert_eq!(
        (&record["tool_calls"][0]["item_id"], &record["tool_calls"][0]["complete"]),
        (&json!("ig"), &json!(true))
    );
}

#[test]
fn calls_and_thoughts_above_the_limit_are_counted_once() {
    let bridge = changed(|configuration| configuration["limits"] = json!({"tool_calls": 2, "thoughts": 2}));
    let call = |at: u64| function("i", &format!("c{at}"), "{}");
    let reasoning = json!({"type": "reasoning", "summary": [{"text": "a"}, {"text": "b"}, {"text": "c"}]});
    let output: Vec<Value> = (0..5).map(call).chain([reasoning]).collect();
    let mut events = Vec::new();
    for (index, item) in (0..).zip(&output) {
        events.extend([added(index, item), done(index, item)]);
    }
    events.push(completed(&output));
    let whole = json!({"output": output}).to_string();
    for record in [
        streamed_under(&bridge, &events),
        streamed_under(&bridge, &events[10..]),
        answered(&bridge, DOCUMENT, &whole),
    ] {
        assert_eq!(record["tool_calls"].as_array().unwrap().len(), 2);
        assert_eq!(thoughts(&record), json!(["a", "b"]));
        assert_eq!(record["notes"], json!(["usage_estimated", "tool_calls_dropped:3", "thoughts_dropped:1"]));
    }
}

#[test]
fn thousands_of_summary_parts_are_counted() {
    let parts = vec![json!({"text": "x"}); 80_000];
    let item = json!({"type": "reasoning", "summary": parts});
    let record = streamed_under(
        &changed(|configuration| configuration["limits"] = json!({"event_bytes": 8_000_000})),
        &[done(0, &item), done(0, &item), completed(&[item])],
    );
    assert_eq!(record["thoughts"].as_array().unwrap().len(), 256);
    assert_eq!(record["notes"], json!(["usage_estimated", "thoughts_dropped:79744"]));
}

#[test]
fn texts_above_the_bound_are_cut_and_noted() {
    let bridge = changed(|configuration| {
        configuration["record"] = json!({"text_bytes": 10, "total_bytes": 25});
    });
    let output: Vec<Value> = (0..9).map(|at| function("i", &format!("c{at}"), "\"234567890\"")).collect();
    let whole = json!({"output": output}).to_string();
    for record in [streamed_under(&bridge, &[completed(&output)]), answered(&bridge, DOCUMENT, &whole)] {
        assert_eq!(record["tool_calls"].as_array().unwrap().len(), 9);
        assert_eq!(record["notes"], json!(["text_cut", "usage_estimated"]));
        let text: String = (0..9).filter_map(|at| record["tool_calls"][at]["arguments"].as_str()).collect();
        assert!(text.len() <= 25 && text.starts_with("\"23456789"), "{text}");
    }
}

#[test]
fn texts_that_the_policy_excludes_are_absent() {
    let bridge = changed(|configuration| {
        configuration["record"] = json!({"tool_arguments": false, "thoughts": false});
    });
    let output = [
        function("i", "c", "PRIVATE"),
        json!({"type": "reasoning", "summary": [{"text": "PRIVATE"}]}),
        json!({"type": "message", "phase": "commentary", "content": [{"type": "output_text", "text": "PRIVATE"}]}),
    ];
    let delta =
        json!({"type": "response.function_call_arguments.delta", "output_index": 9, "delta": "PRIVATE"});
    let record = streamed_under(&bridge, &[added(9, &function("x", "y", "")), delta, completed(&output)]);
    assert!(!record.to_string().contains("PRIVATE"));
    assert_eq!((&record["tool_calls"][0]["id"], &record["thoughts"]), (&json!("c"), &json!([])));
}
