//! Where thoughts are read in Chat Completions and in Responses.

use super::chat_completions;
use super::responses::{added, completed, document, done, streamed, streamed_under};
use serde_json::{Value, json};
use world::{CONFIGURATION, bridge, changed};

/// Source and text of every thought.
fn thoughts(record: &Value) -> Value {
    let short = |thought: &Value| json!([thought["source"], thought["text"]]);
    record["thoughts"].as_array().unwrap().iter().map(short).collect()
}

/// The thoughts of a stream with these deltas, and of a document with the last of them as its message.
fn chat(deltas: &[Value]) -> (Value, Value) {
    let mut events: Vec<Value> = deltas.iter().map(|delta| chat_completions::delta(0, delta)).collect();
    events.push(chat_completions::finish(0, "stop"));
    let document = json!({"choices": [{"message": deltas.last(), "finish_reason": "stop"}]}).to_string();
    let document = chat_completions::answered(&bridge(CONFIGURATION), &document);
    (thoughts(&chat_completions::streamed(&events)), thoughts(&document))
}

fn thinking(text: &str) -> Value {
    json!({"type": "thinking", "thinking": [{"type": "text", "text": text}]})
}

#[test]
fn chat_states_its_reasoning_under_several_names() {
    for name in ["reasoning", "reasoning_content", "reasoning_text"] {
        let (streamed, document) =
            chat(&[json!({name: "one "}), json!({"content": "x"}), json!({name: "two"})]);
        assert_eq!((streamed, document), (json!([["reasoning", "one two"]]), json!([["reasoning", "two"]])));
    }
    let both = json!({"reasoning_content": "same", "reasoning_text": "same", "content": [thinking("same")]});
    let one = json!([["reasoning", "same"]]);
    assert_eq!(chat(&[both]), (one.clone(), one));
}

#[test]
fn parts_of_type_thinking_are_thoughts() {
    let parts = json!([
        thinking("a"), {"type": "text", "text": "ANSWER", "thinking": "no"},
        {"thinking": [{"text": "b", "type": "text"}, {"type": "reference", "reference_ids": [1]}, {"text": "c"}], "type": "thinking"},
        {"type": "thinking", "thinking": "d"}, {"thinking": "no"}, {"type": 7, "thinking": "no"},
        {"type": "thinking", "thinking": {"text": "no"}}, {"type": "thinking", "thinking": [["no"], "no", null, 1]}, "no",
    ]);
    let wanted = json!([["reasoning", "abcd"]]);
    assert_eq!(chat(&[json!({"content": parts})]), (wanted.clone(), wanted));
    let (streamed, _) = chat(&[
        json!({"content": [thinking("x ")]}),
        json!({"content": [thinking("y ")]}),
        json!({"content": "answer"}),
        json!({"content": [thinking("z")]}),
    ]);
    assert_eq!(streamed, json!([["reasoning", "x y z"]]));
}

#[test]
fn a_document_cut_within_a_thinking_part_keeps_what_came() {
    let document = r#"{"choices":[{"message":{"content":[{"type":"thinking","thinking":[{"type":"text","text":"Clouds first."}]}]}}]}"#;
    for until in ["Clouds", "first.\"", "first.\"}]}"] {
        let end = document.find(until).unwrap() + until.len();
        let record = chat_completions::answered(&bridge(CONFIGURATION), &document[..end]);
        let text = if until == "Clouds" { "Clouds" } else { "Clouds first." };
        assert_eq!(thoughts(&record), json!([["reasoning", text]]), "{until}");
    }
}

#[test]
fn excluded_thoughts_are_absent_under_every_name() {
    let bridge = changed(|configuration| configuration["record"] = json!({"thoughts": false}));
    let all = json!({"reasoning_text": "PRIVATE", "content": [thinking("PRIVATE")]});
    let document = json!({"choices": [{"message": all}]}).to_string();
    assert_eq!(chat_completions::answered(&bridge, &document)["thoughts"], json!([]));
    let mut world = chat_completions::streaming(&bridge, &[chat_completions::delta(0, &all)]);
    world.download(b"", true).done();
    assert!(!world.record().to_string().contains("PRIVATE"));
    let item = json!({"type": "reasoning", "content": [{"type": "reasoning_text", "text": "PRIVATE"}]});
    let piece = json!({"type": "response.reasoning_text.delta", "output_index": 0, "content_index": 0, "delta": "PRIVATE"});
    let record = streamed_under(&bridge, &[added(0, &item), piece, done(0, &item), completed(&[item])]);
    assert_eq!((&record["thoughts"], &record["notes"]), (&json!([]), &json!(["usage_estimated"])));
}

fn reasoning(summary: &[&str], content: &[&str]) -> Value {
    let parts = |kind: &str, texts: &[&str]| -> Vec<Value> {
        texts.iter().map(|text| json!({"type": kind, "text": text})).collect()
    };
    json!({"type": "reasoning", "id": "rs", "summary": parts("summary_text", summary), "content": parts("reasoning_text", content)})
}

fn piece(kind: &str, member: &str, part: u64, text: &str) -> Value {
    let (index, kind) = match kind {
        "summary" => ("summary_index", "response.reasoning_summary_text"),
        _ => ("content_index", "response.reasoning_text"),
    };
    let event = if member == "delta" { "delta" } else { "done" };
    json!({"type": format!("{kind}.{event}"), "output_index": 0, "item_id": "rs", index: part, member: text})
}

#[test]
fn raw_reasoning_is_reconciled_with_its_item_and_the_response() {
    let item = reasoning(&["s"], &["one.", "two."]);
    let wanted = json!([["reasoning_summary", "s"], ["reasoning", "one."], ["reasoning", "two."]]);
    let pieces = [
        added(0, &reasoning(&[], &[])),
        piece("content", "delta", 0, "on"),
        piece("content", "delta", 0, "e"),
        piece("content", "text", 0, "one."),
        piece("content", "delta", 1, "tw"),
        piece("summary", "delta", 0, "s"),
    ];
    let cut = json!([["reasoning_summary", "s"], ["reasoning", "one."], ["reasoning", "tw"]]);
    assert_eq!(thoughts(&streamed(&pieces)), cut);
    let end = [done(0, &item), completed(std::slice::from_ref(&item))];
    assert_eq!(thoughts(&streamed(&[&pieces[..], &end].concat())), wanted);
    assert_eq!(thoughts(&streamed(&end)), wanted);
    assert_eq!(thoughts(&streamed(&end[1..])), wanted);
    assert_eq!(thoughts(&document(&json!({"output": [item]}))), wanted);
}

#[test]
fn raw_reasoning_has_the_positions_of_its_parts() {
    let item = json!({"type": "reasoning", "id": "rs", "content": [
        7, {"text": "one", "type": "reasoning_text"}, {"type": "other", "text": "no"}, {"type": "reasoning_text", "text": "two"},
    ]});
    let record =
        streamed(&[piece("content", "delta", 1, "on"), piece("content", "delta", 3, "tw"), done(0, &item)]);
    assert_eq!(thoughts(&record), json!([["reasoning", "one"], ["reasoning", "two"]]));
    // A message's parts of that type are no thoughts, and a reasoning item's answer is none.
    let message = json!({"type": "message", "phase": "commentary", "content": [{"type": "reasoning_text", "text": "no"}]});
    let other = json!({"type": "reasoning", "content": [{"type": "output_text", "text": "no"}]});
    assert_eq!(thoughts(&document(&json!({"output": [message, other]}))), json!([]));
}

#[test]
fn only_the_assistants_messages_are_commentary() {
    for (role, wanted) in [
        (json!("assistant"), json!([["commentary", "c"]])),
        (Value::Null, json!([["commentary", "c"]])),
        (json!("user"), json!([])),
        (json!("system"), json!([])),
    ] {
        let part = json!({"type": "output_text", "text": "c"});
        let message = json!({"phase": "commentary", "content": [part], "type": "message", "role": role});
        assert_eq!(thoughts(&streamed(&[done(0, &message)])), wanted);
        assert_eq!(thoughts(&document(&json!({"output": [message]}))), wanted);
    }
}

#[test]
fn raw_reasoning_above_the_limit_is_counted_once() {
    let bridge = changed(|configuration| configuration["limits"] = json!({"thoughts": 3}));
    let item = reasoning(&["a", "b"], &["c", "d", "e"]);
    let end = [done(0, &item), completed(std::slice::from_ref(&item))];
    for events in [&end[..], &end[1..]] {
        let record = streamed_under(&bridge, events);
        let wanted = json!([["reasoning_summary", "a"], ["reasoning_summary", "b"], ["reasoning", "c"]]);
        assert_eq!(thoughts(&record), wanted);
        assert_eq!(record["notes"], json!(["usage_estimated", "thoughts_dropped:2"]));
    }
    let parts = vec![json!({"type": "reasoning_text", "text": "x"}); 10_000];
    let item = json!({"type": "reasoning", "content": parts});
    let record = streamed(&[done(0, &item), completed(&[item])]);
    assert_eq!(record["notes"], json!(["usage_estimated", "thoughts_dropped:9744"]));
}
