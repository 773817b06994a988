//! Which call a piece of a tool call belongs to, where providers give calls of Chat Completions one index or none.

use super::chat_completions::{answered, delta, finish, streamed, streaming};
use serde_json::{Value, json};
use world::{CONFIGURATION, bridge, changed};

/// A piece of a call at index 0: its id, name and arguments; an empty text is absent.
type Piece<'a> = (&'a str, &'a str, &'a str);

fn call((id, name, arguments): Piece<'_>) -> Value {
    let stated = |text: &str| if text.is_empty() { Value::Null } else { json!(text) };
    json!({"index": 0, "id": stated(id), "function": {"name": stated(name), "arguments": arguments}})
}

fn chunk(pieces: &[Piece<'_>]) -> Value {
    delta(0, &json!({"tool_calls": pieces.iter().map(|piece| call(*piece)).collect::<Vec<_>>()}))
}

/// Id, name and arguments of every call.
fn calls(record: &Value) -> Value {
    let short = |call: &Value| json!([call["id"], call["name"], call["arguments"]]);
    record["tool_calls"].as_array().unwrap().iter().map(short).collect()
}

/// The calls of a stream with one piece a chunk, and of one with all of them in one chunk.
fn told(pieces: &[Piece<'_>]) -> Value {
    let mut chunks: Vec<Value> = pieces.iter().map(|piece| chunk(&[*piece])).collect();
    chunks.push(finish(0, "tool_calls"));
    let one = streamed(&chunks);
    let other = streamed(&[chunk(pieces), finish(0, "tool_calls")]);
    assert_eq!(calls(&one), calls(&other), "{pieces:?}");
    assert_eq!(one["notes"], json!(["usage_estimated"]));
    assert!(one["tool_calls"].as_array().unwrap().iter().all(|call| call["complete"] == true));
    calls(&one)
}

#[test]
fn a_new_id_with_a_name_begins_a_call_after_whole_arguments() {
    let two = json!([["a", "f", {"x": 1}], ["b", "g", {}]]);
    assert_eq!(told(&[("a", "f", "{\"x\":1}"), ("b", "g", "{}")]), two);
    assert_eq!(told(&[("a", "f", "{\"x\""), ("", "", ":1}"), ("b", "g", ""), ("", "", "{}")]), two);
    // Braces in a text end nothing.
    let text = json!([["a", "f", {"x": "}{"}], ["b", "f", {}]]);
    assert_eq!(told(&[("a", "f", "{\"x\":\"}"), ("", "", "{\"}"), ("", "", " \n"), ("b", "f", "{}")]), text);
}

#[test]
fn a_new_id_alone_or_within_arguments_continues_the_call() {
    let one = json!([["a", "f", {"x": 1}]]);
    for pieces in [
        [("a", "f", "{\"x\""), ("b", "f", ":"), ("c", "f", "1}")],
        [("a", "f", "{\"x\":1"), ("b", "", "}"), ("c", "", " ")],
        [("a", "f", ""), ("b", "f", "{\"x\":1"), ("c", "f", "}")],
        [("a", "", "{\"x\":1}"), ("a", "f", ""), ("a", "f", "")],
    ] {
        assert_eq!(told(&pieces), one);
    }
    // What is no object is never whole.
    assert_eq!(told(&[("a", "f", "1"), ("b", "f", "2")]), json!([["a", "f", 12]]));
    assert_eq!(told(&[("a", "f", "{}{}"), ("b", "f", "x")]), json!([["a", "f", "{}{}x"]]));
}

#[test]
fn another_tool_begins_a_call_after_one_without_arguments() {
    assert_eq!(told(&[("a", "f", ""), ("b", "g", "")]), json!([["a", "f", ""], ["b", "g", ""]]));
    let two = json!([["a", "f", ""], ["b", "g", {"x": 1}]]);
    assert_eq!(told(&[("a", "f", ""), ("b", "g", "{\"x\":1}")]), two);
    assert_eq!(told(&[("a", "f", ""), ("b", "g", ""), ("", "", "{\"x\":1}")]), two);
    // The same tool under a new id can be the same call, and so can a name that comes late.
    assert_eq!(told(&[("a", "f", ""), ("b", "f", "{}")]), json!([["a", "f", {}]]));
    assert_eq!(told(&[("a", "", ""), ("b", "f", "{}")]), json!([["a", "f", {}]]));
    assert_eq!(told(&[("a", "f", ""), ("a", "g", "{}")]), json!([["a", "f", {}]]));
}

#[test]
fn a_new_id_with_a_name_begins_another_call_of_a_custom_tool() {
    let custom = |id: &str, name: &str, input: &str| {
        let stated = |text: &str| if text.is_empty() { Value::Null } else { json!(text) };
        json!({"index": 0, "id": stated(id), "type": "custom", "custom": {"name": stated(name), "input": input}})
    };
    let chunk = |pieces: &[Value]| delta(0, &json!({"tool_calls": pieces}));
    let pieces =
        [custom("a", "f", "one"), custom("", "", " text"), custom("b", "f", ""), custom("b", "f", "{}")];
    let other = [custom("c", "g", "x"), custom("", "g", "y"), custom("d", "", "z")];
    let wanted = json!([["a", "f", "one text"], ["b", "f", "{}"], ["c", "g", "xyz"]]);
    let mut chunks: Vec<Value> =
        pieces.iter().chain(&other).map(|piece| chunk(core::slice::from_ref(piece))).collect();
    chunks.push(finish(0, "tool_calls"));
    assert_eq!(calls(&streamed(&chunks)), wanted);
    assert_eq!(calls(&streamed(&[chunk(&pieces), chunk(&other), finish(0, "tool_calls")])), wanted);
}

#[test]
fn without_ids_a_name_begins_a_call_after_whole_arguments() {
    let wanted = json!([[null, "f", {"x": 1}], [null, "g", {}], [null, "g", {"y": 2}]]);
    assert_eq!(told(&[("", "f", "{\"x\":1}"), ("", "g", "{}"), ("", "g", "{\"y\":2}")]), wanted);
    // A name that is repeated without arguments begins nothing.
    let pieces = [("", "f", "{"), ("", "f", "\"x\":1}"), ("", "f", ""), ("", "g", "{}")];
    assert_eq!(told(&pieces), json!([[null, "f", {"x": 1}], [null, "g", {}]]));
    assert_eq!(told(&[("a", "f", "{}"), ("", "f", "")]), json!([["a", "f", {}]]));
}

#[test]
fn an_earlier_id_is_the_earlier_call() {
    let pieces = [("a", "f", "{}"), ("b", "g", "{}"), ("a", "f", " ")];
    assert_eq!(told(&pieces), json!([["a", "f", {}], ["b", "g", {}]]));
}

#[test]
fn calls_of_one_index_are_told_apart_without_recorded_arguments() {
    let bridge = changed(|configuration| configuration["record"] = json!({"tool_arguments": false}));
    let chunks = [
        chunk(&[("a", "f", "{\"x\"")]),
        chunk(&[("b", "f", ":1}")]),
        chunk(&[("c", "g", "{}"), ("d", "h", "")]),
        finish(0, "tool_calls"),
    ];
    let mut world = streaming(&bridge, &chunks);
    world.download(b"", true).done();
    let record = world.record();
    assert_eq!(calls(&record), json!([["a", "f", null], ["c", "g", null], ["d", "h", null]]));
    assert_eq!(record["notes"], json!(["usage_estimated"]));
}

#[test]
fn calls_of_one_index_are_told_apart_by_id_after_arguments_that_are_cut() {
    let bridge = changed(|configuration| configuration["record"] = json!({"text_bytes": 8}));
    let long = format!("{{\"x\":\"{}\"}}", "y".repeat(20));
    let chunks = [chunk(&[("a", "f", &long)]), chunk(&[("b", "g", "{}")]), finish(0, "tool_calls")];
    let mut world = streaming(&bridge, &chunks);
    world.download(b"", true).done();
    let record = world.record();
    assert_eq!(calls(&record), json!([["a", "f", "{\"x\":"], ["b", "g", {}]]));
    assert_eq!(record["notes"], json!(["text_cut", "usage_estimated"]));
    // Pieces that fit are read to their end, also beyond what is kept.
    let pieces: Vec<String> =
        long.as_bytes().chunks(7).map(|piece| String::from_utf8(piece.to_vec()).unwrap()).collect();
    let mut chunks: Vec<Value> = pieces.iter().map(|piece| chunk(&[("a", "f", piece)])).collect();
    chunks.extend([chunk(&[("b", "g", "{}")]), finish(0, "tool_calls")]);
    let mut world = streaming(&bridge, &chunks);
    world.download(b"", true).done();
    assert_eq!(calls(&world.record())[1], json!(["b", "g", {}]));
}

#[test]
fn ten_thousand_calls_at_one_index_are_counted() {
    let ids: Vec<String> = (0..10_000).map(|at| format!("call_{at}")).collect();
    let mut chunks: Vec<Value> = ids.iter().map(|id| chunk(&[(id, "f", "{}")])).collect();
    chunks.push(finish(0, "tool_calls"));
    let record = streamed(&chunks);
    assert_eq!(record["tool_calls"].as_array().unwrap().len(), 256);
    assert_eq!(record["tool_calls"][255]["id"], "call_255");
    assert_eq!(record["notes"], json!(["usage_estimated", "tool_calls_dropped:9744"]));
    let all: Vec<Piece<'_>> = ids.iter().map(|id| (id.as_str(), "f", "{}")).collect();
    let record = streamed(&[chunk(&all), finish(0, "tool_calls")]);
    assert_eq!(record["tool_calls"].as_array().unwrap().len(), 256);
    assert_eq!(record["notes"], json!(["usage_estimated", "tool_calls_dropped:9744"]));
}

#[test]
fn calls_of_a_document_are_those_of_its_list() {
    let list: Vec<Value> = [("a", "f", "{}"), ("a", "f", "{"), ("", "f", "}")].map(call).into();
    let document = json!({"choices": [{"message": {"tool_calls": list}, "finish_reason": "tool_calls"}]});
    let record = answered(&bridge(CONFIGURATION), &document.to_string());
    assert_eq!(calls(&record), json!([["a", "f", {}], ["a", "f", "{"], [null, "f", "}"]]));
}
