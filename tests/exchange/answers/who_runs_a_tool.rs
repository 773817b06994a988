//! Whether the caller or the provider runs a tool of the Responses API, and which server it belongs to.

use super::responses::{added, completed, document, done, function, streamed, streamed_under};
use serde_json::{Value, json};
use world::changed;

/// Name, kind and server of every call.
fn calls(record: &Value) -> Value {
    let short = |call: &Value| json!([call["name"], call["kind"], call["server"]]);
    record["tool_calls"].as_array().unwrap().iter().map(short).collect()
}

#[test]
fn the_caller_runs_what_it_must_answer() {
    for (item, name, kind) in [
        (json!({"type": "local_shell_call", "call_id": "c"}), "local_shell", "client"),
        (json!({"type": "apply_patch_call", "call_id": "c"}), "apply_patch", "client"),
        (json!({"type": "computer_call", "call_id": "c"}), "computer", "client"),
        (json!({"type": "shell_call", "call_id": "c", "environment": {"type": "local"}}), "shell", "client"),
        (json!({"type": "shell_call", "environment": {"type": "local"}}), "shell", "client"),
        (json!({"type": "shell_call", "call_id": "c"}), "shell", "client"),
        (json!({"type": "shell_call", "call_id": "c", "environment": {"type": 7}}), "shell", "client"),
        (
            json!({"type": "shell_call", "call_id": "c", "environment": {"type": "container_reference"}}),
            "shell",
            "hosted",
        ),
        (json!({"type": "shell_call", "call_id": ""}), "shell", "hosted"),
        (
            json!({"type": "tool_search_call", "call_id": null, "execution": "client"}),
            "tool_search",
            "client",
        ),
        (json!({"type": "tool_search_call", "call_id": "c", "execution": "server"}), "tool_search", "hosted"),
        (json!({"type": "tool_search_call", "call_id": "c"}), "tool_search", "client"),
        (json!({"type": "tool_search_call"}), "tool_search", "hosted"),
        (json!({"type": "web_search_call", "call_id": "c"}), "web_search", "hosted"),
        (json!({"type": "code_interpreter_call", "call_id": "c"}), "code_interpreter", "hosted"),
    ] {
        let wanted = json!([[name, kind, null]]);
        assert_eq!(calls(&document(&json!({"output": [item]}))), wanted, "{item}");
        assert_eq!(
            calls(&streamed(&[added(0, &item), done(0, &item), completed(std::slice::from_ref(&item))])),
            wanted,
            "{item}"
        );
        assert_eq!(calls(&streamed(&[added(0, &item)])), wanted, "{item}");
    }
}

#[test]
fn the_finished_item_says_who_runs_the_tool() {
    let begun = json!({"type": "shell_call", "call_id": "c", "environment": null});
    let ended = json!({"type": "shell_call", "call_id": "c", "environment": {"type": "container_reference"}});
    assert_eq!(calls(&streamed(&[added(0, &begun), done(0, &ended)])), json!([["shell", "hosted", null]]));
}

#[test]
fn a_tool_has_the_server_that_its_item_states() {
    let items = [
        json!({"type": "function_call", "call_id": "1", "name": "search", "namespace": "mcp__tickets", "server_label": "no"}),
        json!({"type": "custom_tool_call", "call_id": "2", "name": "search", "namespace": "mcp__wiki"}),
        json!({"type": "mcp_call", "id": "3", "name": "search", "server_label": "wiki", "namespace": "no"}),
        json!({"type": "function_call", "call_id": "4", "name": "search", "namespace": ""}),
        json!({"type": "web_search_call", "id": "5", "namespace": "no", "server_label": "no"}),
    ];
    let wanted = json!([
        ["search", "client", "mcp__tickets"],
        ["search", "client", "mcp__wiki"],
        ["search", "hosted", "wiki"],
        ["search", "client", null],
        ["web_search", "hosted", null],
    ]);
    assert_eq!(calls(&document(&json!({"output": items}))), wanted);
    assert_eq!(calls(&streamed(&[completed(&items)])), wanted);
    let long = json!({"type": "mcp_call", "id": "m", "name": "f", "server_label": "s".repeat(5000)});
    let record = document(&json!({"output": [long]}));
    assert_eq!(record["tool_calls"][0]["server"].as_str().unwrap().len(), 1024);
}

#[test]
fn a_server_that_only_one_statement_names_is_kept() {
    let bare = function("fc", "c", "{}");
    let mut named = bare.clone();
    named["namespace"] = json!("mcp__tickets");
    for events in [
        [added(0, &named), done(0, &bare)],
        [added(0, &bare), done(0, &named)],
        [done(0, &bare), completed(&[named])],
    ] {
        assert_eq!(calls(&streamed(&events)), json!([["f", "client", "mcp__tickets"]]));
    }
}

#[test]
fn ten_thousand_items_are_counted() {
    let bridge = changed(|configuration| configuration["limits"] = json!({"event_bytes": 8_000_000}));
    let items: Vec<Value> =
        (0..10_000).map(|at| function(&format!("i{at}"), &format!("c{at}"), "{}")).collect();
    let mut events = Vec::new();
    for (index, item) in (0..).zip(&items) {
        events.extend([added(index, item), done(index, item)]);
    }
    events.push(completed(&items));
    let record = streamed_under(&bridge, &events);
    assert_eq!(record["tool_calls"].as_array().unwrap().len(), 256);
    assert_eq!(record["notes"], json!(["usage_estimated", "tool_calls_dropped:9744"]));
}
