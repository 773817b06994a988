//! Of a conversation only the last turn matters. Turns before it may be left out, which depends on the chunks: in
//! single bytes none is, in one chunk most are. What is known of the request is the same.

use ai_bridge::api::Api;
use ai_bridge::api::request::{ModelJudge, ModelRefusal, RequestBounds};
use ai_bridge::text::Text;
use proptest::prelude::*;
use std::rc::Rc;

const APIS: [(Api, &str); 4] = [
    (Api::Messages, "messages"),
    (Api::ChatCompletions, "messages"),
    (Api::Responses, "input"),
    (Api::GenerateContent, "contents"),
];

struct Gpt;

impl ModelJudge for Gpt {
    fn judge(&self, model: &Text) -> Result<(), ModelRefusal> {
        if model.as_str() == "gpt" { Ok(()) } else { Err(ModelRefusal::Denied(model.as_str().to_owned())) }
    }
}

/// All that is known of a request after these chunks.
fn facts<'a>(api: Api, chunks: impl Iterator<Item = &'a [u8]>) -> String {
    let bounds = RequestBounds { reader_bytes: 64, prompt_bytes: Some(1000) };
    let mut reader = api.request_reader(bounds);
    reader.judge_by(Rc::new(Gpt));
    let mut result = chunks.map(|chunk| reader.feed(chunk)).find_map(Result::err);
    result = result.or_else(|| reader.finish().err());
    let facts = reader.into_facts();
    let prompt = facts.prompt.as_ref().map(|prompt| prompt.text().as_str().to_owned());
    format!("{result:?} {prompt:?} {facts:?}")
}

/// The facts of a conversation of these turns.
fn known(api: Api, name: &str, turns: &[&str]) -> String {
    let body = format!(r#"{{"model":"gpt","{name}":[{}]}}"#, turns.join(","));
    let whole = facts(api, core::iter::once(body.as_bytes()));
    assert_eq!(whole, facts(api, body.as_bytes().chunks(1)), "{api:?} {body}");
    for cut in 0..body.len() {
        let (before, after) = body.as_bytes().split_at(cut);
        assert_eq!(facts(api, [before, after].into_iter()), whole, "{api:?} {cut} {body}");
        assert_eq!(facts(api, core::iter::once(before)), facts(api, before.chunks(1)), "{api:?} {body}");
    }
    whole
}

#[test]
fn a_turn_of_the_system_is_not_the_last_one_wherever_its_role_is() {
    let (first, last) = (r#"{"role":"user","content":"one"}"#, r#"{"role":"user","content":"two"}"#);
    for role in ["system", "developer", r"syst\u0065m"] {
        for turn in [
            format!(r#"{{"role":"{role}","content":"three"}}"#),
            format!(r#"{{"content":"three","role":"{role}"}}"#),
            format!(r#"{{"role":"user","content":"three","role":"{role}"}}"#),
            format!(r#"{{"r\u006fle":"{role}","content":"three"}}"#),
        ] {
            for (api, name) in &APIS[..3] {
                let facts = known(*api, name, &[first, last, &turn]);
                assert!(facts.contains(r#"Some("two")"#), "{turn} {facts}");
                let facts = known(*api, name, &[first, &turn, last, &turn]);
                assert!(facts.contains(r#"Some("two")"#), "{turn} {facts}");
            }
        }
    }
}

#[test]
fn the_data_of_a_text_source_counts_in_an_old_turn() {
    let turn =
        |source: &str| format!(r#"{{"role":"user","content":[{{"type":"document","source":{source}}}]}}"#);
    let last = r#"{"role":"user","content":"two"}"#;
    let bytes = |source: &str| {
        let facts = known(Api::Messages, "messages", &[last, &turn(source), last]);
        let (_, count) = facts.split_once("text_bytes: ").unwrap();
        count.split(',').next().unwrap().parse::<usize>().unwrap()
    };
    let none = bytes(r#"{"type":"text","data":""}"#);
    assert_eq!(bytes(r#"{"type":"text","data":"0123456789"}"#), none + 10);
    assert_eq!(bytes(r#"{"type":"base64","data":"0123456789"}"#), none + 2);
}

#[test]
fn a_model_in_an_old_item_is_recorded_and_judged() {
    let tools = r#"{"type":"additional_tools","tools":[{"type":"image_generation","model":"image"}]}"#;
    let last = r#"{"role":"user","content":"two"}"#;
    let facts = known(Api::Responses, "input", &[last, tools, last, last]);
    assert!(facts.contains(r#"also_requested: ["image"]"#), "{facts}");
    assert!(facts.contains(r#"Denied("image")"#), "{facts}");
}

#[test]
fn texts_of_tools_in_a_turn_do_not_count() {
    let last = r#"{"role":"user","content":"two"}"#;
    for (api, name) in &APIS[..3] {
        let with = known(*api, name, &[last, r#"{"role":"user","tools":[{"a":"0123456789"}]}"#, last]);
        let without = known(*api, name, &[last, r#"{"role":"user","tools":[]}"#, last]);
        assert_eq!(with, without);
    }
}

/// The members of a turn, and what may be in their place.
const MEMBERS: &[&str] = &[
    r#""role":"user""#,
    r#""role":"user""#,
    r#""role":"assistant""#,
    r#""role":"tool""#,
    r#""role":"system""#,
    r#""role":"developer""#,
    r#""role":null"#,
    r#""role":{"role":"system"}"#,
    r#" "r\u006fle" : "system""#,
    r#""content":"a text""#,
    r#""content":[{"type":"text","text":"é\n"}]"#,
    r#""content":[{"type":"tool_result","tool_use_id":"id_1","content":"x"},{"type":"text","text":"y"}]"#,
    r#""content":[{"type":"document","source":{"type":"text","data":"abc"}}]"#,
    r#""content":[{"type":"document","source":{"data":"abc","type":"text"}}]"#,
    r#""content":[{"type":"tool_use","id":"id_2","input":{"role":"system","data":["x"]}}]"#,
    r#""content":null"#,
    r#""content":[ { "type" : "input_text" , "text" : "z" } ]"#,
    r#""parts":[{"text":"p"}]"#,
    r#""parts":{"functionResponse":{"id":"id_3","name":"n"}}"#,
    r#""type":"function_call_output""#,
    r#""call_id":"id_4""#,
    r#""tool_call_id":"id_5""#,
    r#""tools":[{"type":"x","model":"m"}]"#,
    r#""a":{"tools":"b","messages":[{"role":"user"}]}"#,
    r#""a":[[[[[[[[[[[[1]]]]]]]]]]]]"#,
    r#""a":"\ud83d""#,
    r#""a":"\x""#,
    r#""a":01"#,
    r#""a""#,
];

fn turn() -> impl Strategy<Value = String> {
    let object = prop::collection::vec(prop::sample::select(MEMBERS), 0..4)
        .prop_map(|members| format!("{{{}}}", members.join(",")));
    // A turn above 2048 bytes is never left out.
    let long = (1900_usize..2200).prop_map(|bytes| {
        format!(r#"{{"role":"user","content":"{}","type":"text"}}"#, "é".repeat(bytes / 2))
    });
    prop_oneof![12 => object, 1 => long, 1 => Just("null".to_owned()), 1 => Just("\"x\"".to_owned())]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn what_is_known_does_not_depend_on_the_chunks(
        turns in prop::collection::vec(turn(), 0..12),
        end in prop_oneof![4 => Just("]}"), 1 => Just(""), 1 => Just("],\"messages\":[]}"), 1 => Just("]]")],
        size in 1_usize..400,
    ) {
        for (api, name) in APIS {
            let body = format!(r#"{{"model":"gpt","{name}":[{}{end}"#, turns.join(" ,"));
            let single = facts(api, body.as_bytes().chunks(1));
            prop_assert_eq!(&facts(api, core::iter::once(body.as_bytes())), &single, "{:?} {}", api, body);
            prop_assert_eq!(&facts(api, body.as_bytes().chunks(size)), &single, "{:?} {} {}", api, size, body);
        }
    }
}
