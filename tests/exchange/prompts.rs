//! The prompt and the correlating tool call id of a request.

use crate::request_bodies::{CHAT, MESSAGES, RESPONSES, passes, sent};
use proptest::prelude::*;
use serde_json::{Value, json};
use world::{CONFIGURATION, World, bridge, changed, head};

fn prompt(record: &Value) -> Option<&str> {
    record.get("prompt").map(|prompt| prompt.as_str().unwrap())
}

#[test]
fn the_prompt_is_the_last_text_of_the_last_user_turn() {
    let user = |content: Value| json!({"role": "user", "content": content});
    let text = |text: &str| json!({"type": "text", "text": text});
    let earlier = user(json!("earlier"));
    for (turns, wanted) in [
        (json!([user(json!("hi"))]), Some("hi")),
        (json!([user(json!(""))]), Some("")),
        (json!([earlier, user(json!([text("a"), text("b")]))]), Some("b")),
        (json!([user(json!([text("a"), {"type": "image", "text": "no"}]))]), Some("a")),
        (json!([user(json!([{"text": "order", "type": "text"}]))]), Some("order")),
        (json!([{"content": "order", "role": "user"}]), Some("order")),
        (json!([user(json!([text("a"), {"type": "x", "content": [text("nested")]}]))]), Some("a")),
        // The last turn decides, where turns of system and developer do not count.
        (
            json!([user(json!("hi")), {"role": "system", "content": "s"}, {"role": "developer", "content": "d"}]),
            Some("hi"),
        ),
        (json!([user(json!("hi")), {"role": "assistant", "content": "a"}]), None),
        (json!([user(json!("hi")), {"role": "tool", "content": "t", "tool_call_id": "c"}]), None),
        (json!([user(json!("hi")), {"role": "function", "content": "t"}]), None),
        (json!([user(json!("hi")), {"role": "User", "content": "t"}]), None),
        (json!([user(json!("hi")), {"role": "userx", "content": "t"}]), None),
        (json!([user(json!("hi")), {"content": "nobody"}]), None),
        (json!([user(json!("hi")), {"role": 7, "content": "nobody"}]), None),
        (json!([user(json!("hi")), {}]), None),
        (json!([{"role": "system", "content": "s"}, {"role": "developer", "content": "d"}]), None),
        (json!([user(json!("hi")), {"role": "system"}, user(json!("ho")), {"role": "system"}]), Some("ho")),
        // A turn of tool results alone has no prompt, and earlier turns do not count.
        (
            json!([
                earlier,
                user(json!([{"type": "tool_result", "tool_use_id": "t", "content": "r", "text": "no"}]))
            ]),
            None,
        ),
        (
            json!([earlier, user(json!([{"type": "tool_result", "tool_use_id": "t"}, text("and")]))]),
            Some("and"),
        ),
        // Turns of a wrong shape have no prompt.
        (json!([earlier, user(json!(7))]), None),
        (json!([earlier, user(json!(null))]), None),
        (json!([earlier, user(json!({"type": "text", "text": "no"}))]), None),
        (json!([earlier, user(json!([]))]), None),
        (json!([earlier, user(json!([["no"], "no", 7, null]))]), None),
        (json!([earlier, user(json!([{"type": "text", "text": 7}]))]), None),
        (json!([earlier, user(json!([{"type": "text", "text": ["no"]}]))]), None),
        (json!([earlier, user(json!([{"type": ["text"], "text": "no"}]))]), None),
        (json!([earlier, {"role": "user"}]), None),
        (json!([earlier, [user(json!("no"))]]), None),
        (json!([earlier, "no"]), None),
        (json!([[earlier]]), None),
        (json!([]), None),
        (json!({"role": "user", "content": "no"}), None),
        (json!("no"), None),
        (json!(null), None),
    ] {
        for first in [MESSAGES, CHAT] {
            let record =
                passes(first, json!({"model": "m", "messages": turns, "input": "no"}).to_string().as_bytes());
            assert_eq!(prompt(&record), wanted, "{first} {turns}");
        }
    }
}

#[test]
fn the_prompt_of_responses_joins_the_last_items_texts() {
    let user = |content: Value| json!({"type": "message", "role": "user", "content": content});
    let text = |text: &str| json!({"type": "input_text", "text": text});
    let earlier = user(json!("earlier"));
    for (input, wanted) in [
        (json!("hi\nho"), Some("hi\nho")),
        (json!(""), Some("")),
        (json!([user(json!("hi"))]), Some("hi")),
        (json!([{"role": "user", "content": "easy"}]), Some("easy")),
        (
            json!([earlier, user(json!([text("a"), {"type": "input_image"}, text(""), text("b")]))]),
            Some("a\n\nb"),
        ),
        (
            json!([user(
                json!([{"type": "text", "text": "no"}, text("a"), {"type": "output_text", "text": "no"}])
            )]),
            Some("a"),
        ),
        (json!([user(json!([{"type": "text", "text": "no"}]))]), None),
        (
            json!([user(json!("hi")), {"role": "system", "content": "s"}, {"role": "developer", "content": [text("d")]}]),
            Some("hi"),
        ),
        (json!([user(json!("hi")), {"type": "function_call_output", "call_id": "c", "output": "o"}]), None),
        (json!([user(json!("hi")), {"type": "reasoning", "summary": []}]), None),
        (json!([user(json!("hi")), {"role": "assistant", "content": [text("no")]}]), None),
        (json!([earlier, user(json!([{"type": "input_text", "text": 7}, text("a")]))]), Some("a")),
        (json!([earlier, user(json!(7))]), None),
        (json!([earlier, "no"]), None),
        (json!([earlier, null]), None),
        (json!({"role": "user", "content": "no"}), None),
        (json!(7), None),
    ] {
        let record = passes(
            RESPONSES,
            json!({"model": "m", "input": input, "messages": [earlier]}).to_string().as_bytes(),
        );
        assert_eq!(prompt(&record), wanted, "{input}");
    }
}

#[test]
fn the_last_of_repeated_members_is_the_prompt() {
    for (first, body, wanted) in [
        (
            MESSAGES,
            r#"{"messages":[{"role":"user","content":"a"}],"messages":[{"role":"user","content":"b"}]}"#,
            Some("b"),
        ),
        (MESSAGES, r#"{"messages":[{"role":"user","content":"a"}],"messages":[]}"#, None),
        (MESSAGES, r#"{"messages":[{"role":"user","content":"a"}],"messages":null}"#, None),
        (
            MESSAGES,
            r#"{"messages":[{"role":"user","content":"a","content":[{"type":"text","text":"b"}]}]}"#,
            Some("b"),
        ),
        (MESSAGES, r#"{"messages":[{"role":"user","content":"a","content":[]}]}"#, None),
        (MESSAGES, r#"{"messages":[{"role":"user","content":"a","content":7}]}"#, None),
        (
            MESSAGES,
            r#"{"messages":[{"role":"user","content":[{"type":"text","text":"a"}],"content":"b"}]}"#,
            Some("b"),
        ),
        (
            MESSAGES,
            r#"{"messages":[{"role":"user","content":[{"type":"text","text":"a","text":"b"}]}]}"#,
            Some("b"),
        ),
        (MESSAGES, r#"{"messages":[{"role":"assistant","role":"user","content":"a"}]}"#, Some("a")),
        // The content came before the role made it the user's, so it was not kept.
        (MESSAGES, r#"{"messages":[{"role":"assistant","content":"a","role":"user"}]}"#, None),
        (
            CHAT,
            r#"{"messages":[{"role":"assistant","content":[{"type":"text","text":"a"}],"role":"user"}]}"#,
            None,
        ),
        (RESPONSES, r#"{"input":"a","input":[{"role":"user","content":"b"}]}"#, Some("b")),
        (RESPONSES, r#"{"input":[{"role":"user","content":"a"}],"input":"b"}"#, Some("b")),
        (RESPONSES, r#"{"input":"a","input":[]}"#, None),
        (RESPONSES, r#"{"input":"a","input":7}"#, None),
        (
            RESPONSES,
            r#"{"input":[{"role":"user","content":"a","content":[{"type":"input_text","text":"b"}]}]}"#,
            Some("b"),
        ),
    ] {
        assert_eq!(prompt(&passes(first, body.as_bytes())), wanted, "{body}");
    }
}

#[test]
fn a_prompt_is_unescaped() {
    for first in [MESSAGES, CHAT] {
        let body = br#"{"messages":[{"r\u006fle":"us\u0065r","\u0063ontent":[{"t\u0079pe":"\u0074ext","\u0074ext":"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00 \ud800 \udc00x \u0000"}]}]}"#;
        assert_eq!(prompt(&passes(first, body)), Some("\"\\/\u{8}\u{c}\n\r\té😀 \u{fffd} \u{fffd}x \0"));
    }
}

#[test]
fn prompts_are_left_out_or_cut_by_the_record_policy() {
    let off = changed(|configuration| configuration["record"] = json!({"prompts": false}));
    let short = changed(|configuration| configuration["record"] = json!({"text_bytes": 5}));
    for (first, body) in [
        (MESSAGES, json!({"messages": [{"role": "user", "content": "ééé"}]})),
        (CHAT, json!({"messages": [{"role": "user", "content": [{"type": "text", "text": "ééé"}]}]})),
        (RESPONSES, json!({"input": "ééé"})),
        (
            RESPONSES,
            json!({"input": [{"role": "user", "content": [{"type": "input_text", "text": "éé"}, {"type": "input_text", "text": "é"}]}]}),
        ),
    ] {
        let body = body.to_string();
        assert_eq!(prompt(&sent(&off, first, body.as_bytes()).record()), None);
        let record = sent(&short, first, body.as_bytes()).record();
        assert!(["éé", "éé\n"].contains(&prompt(&record).unwrap()), "{record}");
        assert_eq!(record["notes"], json!(["text_cut"]));
    }
}

#[test]
fn the_last_tool_result_of_the_last_turn_correlates() {
    let result = |id: Value| json!({"type": "tool_result", "tool_use_id": id, "content": []});
    let user = |content: Value| json!({"role": "user", "content": content});
    let turns = |turns: Value| json!({"messages": turns});
    let items = |items: Value| json!({"input": items});
    let tool = |id: Value| json!({"role": "tool", "tool_call_id": id, "content": "r"});
    let output = |kind: &str, id: Value| json!({"type": kind, "call_id": id, "output": "o"});
    let (system, developer) =
        (json!({"role": "system", "content": "s"}), json!({"role": "developer", "content": "d"}));
    for (first, body, wanted) in [
        (MESSAGES, turns(json!([user(json!([result(json!("a")), result(json!("b"))]))])), Some("b")),
        (
            MESSAGES,
            turns(json!([user(json!([result(json!("a")), {"type": "text", "text": "t"}]))])),
            Some("a"),
        ),
        (MESSAGES, turns(json!([user(json!([result(json!("a")), result(json!(""))]))])), Some("a")),
        (
            MESSAGES,
            turns(json!([user(json!([result(json!("a")), result(json!(7)), {"type": "tool_result"}]))])),
            Some("a"),
        ),
        (
            MESSAGES,
            turns(json!([user(json!([{"tool_use_id": "a", "type": "tool_result"}])), system, developer])),
            Some("a"),
        ),
        (MESSAGES, turns(json!([user(json!([result(json!("a"))])), user(json!("hi"))])), None),
        (
            MESSAGES,
            turns(json!([user(json!([result(json!("a"))])), {"role": "assistant", "content": "x"}])),
            None,
        ),
        (MESSAGES, turns(json!([user(json!([{"type": "tool_use", "tool_use_id": "a", "id": "b"}]))])), None),
        (MESSAGES, turns(json!([user(json!({"type": "tool_result", "tool_use_id": "a"}))])), None),
        (MESSAGES, turns(json!([{"role": "tool", "tool_call_id": "a", "content": "x"}])), None),
        (CHAT, turns(json!([tool(json!("a")), tool(json!("b"))])), Some("b")),
        (CHAT, turns(json!([tool(json!("a")), system, developer])), Some("a")),
        (CHAT, turns(json!([tool(json!("a")), user(json!("hi"))])), None),
        (CHAT, turns(json!([tool(json!("a")), tool(json!(""))])), None),
        (CHAT, turns(json!([tool(json!("a")), tool(json!(7))])), None),
        (CHAT, turns(json!([{"role": "user", "tool_call_id": "a", "content": "x"}])), None),
        (CHAT, turns(json!([user(json!([result(json!("a"))]))])), None),
        (
            RESPONSES,
            items(json!([
                output("function_call_output", json!("a")),
                output("custom_tool_call_output", json!("b"))
            ])),
            Some("b"),
        ),
        (RESPONSES, items(json!([output("function_call_output", json!("a"))])), Some("a")),
        (RESPONSES, items(json!([output("function_call_output", json!("a")), system, developer])), Some("a")),
        (RESPONSES, items(json!([output("function_call_output", json!("a")), user(json!("hi"))])), None),
        (RESPONSES, items(json!([output("function_call", json!("a"))])), None),
        (RESPONSES, items(json!([output("local_shell_call_output", json!("a"))])), None),
        (RESPONSES, items(json!([output("function_call_output", json!(""))])), None),
        (RESPONSES, items(json!([output("function_call_output", json!({}))])), None),
        (RESPONSES, items(json!("x")), None),
    ] {
        let record = passes(first, body.to_string().as_bytes());
        assert_eq!(record.get("correlating_tool_call_id").and_then(Value::as_str), wanted, "{first} {body}");
    }
    for (body, wanted) in [
        (r#"[{"role":"user","content":[{"type":"tool_result","tool_use_id":"a"}],"content":"b"}]"#, None),
        (
            r#"[{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","tool_use_id":"b"}]}]"#,
            Some("b"),
        ),
    ] {
        let record = passes(MESSAGES, format!("{{\"messages\":{body}}}").as_bytes());
        assert_eq!(record.get("correlating_tool_call_id").and_then(Value::as_str), wanted, "{body}");
    }
    let long = "c".repeat(5000);
    let record = passes(CHAT, turns(json!([tool(json!(long))])).to_string().as_bytes());
    assert_eq!(record["correlating_tool_call_id"].as_str().unwrap().len(), 1024);
}

const STRINGS: &[&str] = &[
    "\"\"",
    "\"a\"",
    "\"\\u0062\\n\"",
    "\"é\\ud83d\\ude00\"",
    "\"user\"",
    "\"text\"",
    "\"system\"",
    "\"tool_result\"",
];

const OTHERS: &[&str] = &[
    "null",
    "true",
    "7",
    "[]",
    "{}",
    "[\"a\"]",
    "{\"text\":\"a\"}",
    "{\"role\":\"user\",\"content\":\"a\"}",
];

const ROLES: &[&str] = &[
    "\"user\"",
    "\"user\"",
    "\"us\\u0065r\"",
    "\"assistant\"",
    "\"system\"",
    "\"developer\"",
    "\"tool\"",
    "\"User\"",
];

const TYPES: &[&str] = &[
    "\"text\"",
    "\"input_text\"",
    "\"tool_result\"",
    "\"\\u0074ool_result\"",
    "\"function_call_output\"",
    "\"custom_tool_call_output\"",
    "\"message\"",
];

fn one_of(values: &'static [&'static str]) -> impl Strategy<Value = String> + Clone {
    prop_oneof![9 => prop::sample::select(values), 1 => prop::sample::select(OTHERS)].prop_map(str::to_owned)
}

/// Some of these members, in any order.
fn object(members: Vec<(&'static str, BoxedStrategy<String>)>) -> BoxedStrategy<String> {
    let each: Vec<BoxedStrategy<Option<String>>> = members
        .into_iter()
        .map(|(name, value)| {
            prop_oneof![1 => Just(None), 4 => value.prop_map(move |value| Some(format!("\"{name}\":{value}")))]
                .boxed()
        })
        .collect();
    each.prop_shuffle()
        .prop_map(|members| format!("{{{}}}", members.into_iter().flatten().collect::<Vec<_>>().join(" , ")))
        .boxed()
}

fn array(item: BoxedStrategy<String>) -> BoxedStrategy<String> {
    prop::collection::vec(item, 0..4).prop_map(|items| format!("[{}]", items.join(","))).boxed()
}

fn body() -> BoxedStrategy<String> {
    let text = || one_of(STRINGS).boxed();
    let kind = || one_of(TYPES).boxed();
    let part = object(vec![("type", kind()), ("text", text()), ("tool_use_id", text()), ("content", text())]);
    let part = prop_oneof![9 => part, 1 => text()].boxed();
    let content = prop_oneof![text(), array(part)].boxed();
    let turn = object(vec![
        ("role", one_of(ROLES).boxed()),
        ("content", content),
        ("type", kind()),
        ("call_id", text()),
        ("tool_call_id", text()),
    ]);
    let turn = prop_oneof![9 => turn, 1 => text()].boxed();
    let turns = prop_oneof![9 => array(turn), 1 => text()].boxed();
    object(vec![
        ("model", text()),
        ("messages", turns.clone()),
        ("input", turns),
        ("stream", Just("true".to_owned()).boxed()),
    ])
}

/// The last turn that is not the system's or the developer's.
fn last_turn(turns: &Value) -> Option<&Value> {
    turns.as_array()?.iter().rev().find(|turn| !matches!(turn["role"].as_str(), Some("system" | "developer")))
}

/// Prompt and correlating id by a plain reading of the whole body.
fn expected(first: &str, body: &Value) -> (Option<String>, Option<String>) {
    let turns = if first == RESPONSES { &body["input"] } else { &body["messages"] };
    if let (RESPONSES, Some(input)) = (first, turns.as_str()) {
        return (Some(input.to_owned()), None);
    }
    let Some(turn) = last_turn(turns) else { return (None, None) };
    let parts = turn["content"].as_array().map(Vec::as_slice).unwrap_or_default();
    let kind = if first == RESPONSES { "input_text" } else { "text" };
    let texts: Vec<&str> =
        parts.iter().filter(|part| part["type"] == kind).filter_map(|part| part["text"].as_str()).collect();
    let prompt = match (turn["content"].as_str(), first) {
        (Some(text), _) => Some(text.to_owned()),
        (None, RESPONSES) => (!texts.is_empty()).then(|| texts.join("\n")),
        (None, _) => texts.last().map(|text| (*text).to_owned()),
    };
    let id = |value: &Value| value.as_str().filter(|id| !id.is_empty()).map(str::to_owned);
    let correlating = match first {
        MESSAGES => parts
            .iter()
            .rev()
            .filter(|part| part["type"] == "tool_result")
            .find_map(|part| id(&part["tool_use_id"])),
        CHAT => id(&turn["tool_call_id"]).filter(|_| turn["role"] == "tool"),
        _ => id(&turn["call_id"])
            .filter(|_| turn["type"] == "function_call_output" || turn["type"] == "custom_tool_call_output"),
    };
    (prompt.filter(|_| turn["role"] == "user"), correlating)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn any_conversation_is_read_as_the_plain_reading_says(body in body()) {
        let value: Value = serde_json::from_str(&body).unwrap();
        for first in [MESSAGES, CHAT, RESPONSES] {
            let record = passes(first, body.as_bytes());
            let text = |name: &str| record.get(name).and_then(Value::as_str).map(str::to_owned);
            let found = (text("prompt"), text("correlating_tool_call_id"));
            prop_assert_eq!(found, expected(first, &value), "{} {}", first, body);
            prop_assert_eq!(record["model"]["requested"].as_str(), value["model"].as_str());
            prop_assert_eq!(&record["streaming"], &json!(value["stream"] == true));
        }
    }
}

const ROUTE: &str = "POST /anthropic/v1/messages";

const EVENTS: [(&str, &str); 1] = [("content-type", "text/event-stream")];

/// The record of a request with this body and an empty stream in response.
fn asked(body: &Value) -> Value {
    let mut world = World::new(&bridge(CONFIGURATION));
    world.request(head(ROUTE, &[]), false).upload(body.to_string().as_bytes(), true);
    world.answer(head("200", &EVENTS), true).done();
    world.record()
}

#[test]
fn a_last_message_of_the_wrong_shape_hides_earlier_prompts() {
    for last in [json!("text"), json!(7), json!(null), json!([]), json!(true)] {
        let turns = json!([
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1"}, {"type": "text", "text": "earlier"}]},
            last
        ]);
        let record = asked(&json!({"model": "m", "messages": turns}));
        assert_eq!((record.get("prompt"), record.get("correlating_tool_call_id")), (None, None), "{last}");
    }
}

#[test]
fn the_last_element_of_contents_counts_whatever_its_role() {
    for (role, prompt, call) in [
        (json!("user"), Some("last"), Some("call")),
        (json!(null), Some("last"), Some("call")),
        (json!("model"), None, Some("call")),
        (json!("system"), None, Some("call")),
        (json!("developer"), None, Some("call")),
    ] {
        let parts = json!([{"functionResponse": {"id": "call"}}, {"text": "last"}]);
        let body = json!({"contents": [
            {"role": "user", "parts": [{"text": "first"}]}, {"role": role, "parts": parts}
        ]});
        let mut world = World::new(&bridge(r#"{"providers": [{"type": "gemini", "key": {"value": "k"}}]}"#));
        world.request(head("POST /gemini/v1beta/models/m:generateContent", &[]), false);
        world.upload(body.to_string().as_bytes(), true);
        world.answer(head("200", &[("content-type", "application/json")]), false);
        world.download(b"{}", true).done();
        let record = world.record();
        let text = |name: &str| record.get(name).and_then(Value::as_str).map(str::to_owned);
        assert_eq!(text("prompt").as_deref(), prompt, "{role}");
        assert_eq!(text("correlating_tool_call_id").as_deref(), call, "{role}");
    }
}
