//! What is learned from responses of Gemini's API, beyond the transcripts: an event stream, an array of the same objects,
//! or one object.

use ai_bridge::answer::Answer;
use ai_bridge::api::Api;
use ai_bridge::api::response::{Format, ResponseReader};
use ai_bridge::limits::Limits;
use ai_bridge::record::RecordPolicy;
use serde_json::{Value, json};

/// Reads `chunks`.
fn read<'a>(format: Format, limits: &Limits, chunks: impl Iterator<Item = &'a [u8]>) -> ResponseReader {
    let mut reader =
        Api::GenerateContent.response_reader(format, RecordPolicy::default().keep(limits), limits);
    for chunk in chunks {
        assert_eq!(reader.feed(chunk), None, "an edit");
    }
    assert!(reader.finish().is_empty(), "an edit");
    reader
}

/// What was learned, without what the API left out.
fn facts(reader: &ResponseReader) -> Value {
    let answer: &Answer = reader.answer();
    let usage = answer.usage.usage();
    let calls = answer.tool_calls.iter().map(|call| {
        let text = call.arguments.as_str();
        let arguments = serde_json::from_str(text).unwrap_or_else(|_| json!(text));
        json!([call.id, call.name, arguments, if call.hosted { "hosted" } else { "client" }, call.complete])
    });
    let mut facts = json!({
        "id": answer.id,
        "model": answer.model,
        "finish": answer.finish_reasons,
        "input": [usage.input_tokens, usage.cache_read_tokens, usage.total_input_tokens],
        "output": [usage.output_tokens, usage.reasoning_tokens],
        "status": answer.usage.status().name(),
        "verbatim": answer.usage.verbatim().and_then(|verbatim| verbatim.json.clone()),
        "calls": calls.collect::<Vec<_>>(),
        "thoughts": answer.thoughts.iter().map(|thought| json!([thought.source, thought.text.as_str()])).collect::<Vec<_>>(),
        "error": answer.error.as_ref().map(|error| json!([error.kind, error.code, error.message])),
        "notes": format!("{:?}", answer.notes),
        "ended": answer.ended,
        "whole": answer.ended || reader.ends_with_body(),
    });
    facts.as_object_mut().unwrap().retain(|name, value| {
        let empty = value.as_array().map_or_else(|| value.is_null(), |list| list.iter().all(Value::is_null));
        !empty || name == "ended"
    });
    facts
}

/// The facts of `body` in chunks of every size: they are the same.
fn recorded(format: Format, limits: &Limits, body: &str) -> Value {
    let whole = facts(&read(format, limits, core::iter::once(body.as_bytes())));
    for size in [1, 2, 7, 64] {
        let cut = facts(&read(format, limits, body.as_bytes().chunks(size)));
        assert_eq!(cut, whole, "chunks of {size} bytes of {body}");
    }
    whole
}

fn sse(objects: &[Value]) -> String {
    objects.iter().map(|object| format!("data: {object}\r\n\r\n")).collect()
}

fn array(objects: &[Value]) -> String {
    let texts: Vec<String> = objects.iter().map(|object| format!("{object:#}")).collect();
    format!("[{}\n]\n", texts.join("\n,\r\n"))
}

/// The facts of a stream, the same as an event stream and as an array.
fn streamed(objects: &[Value]) -> Value {
    let limits = Limits::default();
    let events = recorded(Format::Events, &limits, &sse(objects));
    // Without a content type an array is taken for what the request asked for: a stream.
    for format in [Format::Document, Format::Events] {
        assert_eq!(recorded(format, &limits, &array(objects)), events, "an array");
        let body = array(objects);
        let any = read(format, &limits, core::iter::once(body.as_bytes())).any_event();
        assert_eq!(any, !objects.is_empty(), "the first element has a time");
    }
    events
}

fn document(object: &Value) -> Value {
    recorded(Format::Document, &Limits::default(), &object.to_string())
}

fn parts(parts: &Value) -> Value {
    json!({"candidates": [{"content": {"parts": parts, "role": "model"}, "index": 0}]})
}

fn finished(parts: &Value) -> Value {
    json!({"candidates": [{"content": {"parts": parts, "role": "model"}, "finishReason": "STOP", "index": 0}]})
}

fn usage(members: &str) -> Value {
    let usage: Value = serde_json::from_str(members).unwrap();
    let mut object = finished(&json!([{"text": "x"}]));
    object["usageMetadata"] = usage;
    document(&object)
}

#[test]
fn an_array_states_the_same_as_an_event_stream_and_one_object() {
    let call = json!({"functionCall": {"name": "weather", "args": {"city": "Köln ☔"}, "id": "c1"}});
    let usage = json!({"promptTokenCount": 10, "candidatesTokenCount": 4, "thoughtsTokenCount": 6, "totalTokenCount": 20});
    let mut first = parts(&json!([{"text": "Let me ", "thought": true}]));
    first["usageMetadata"] = json!({"promptTokenCount": 10, "totalTokenCount": 10});
    let mut last = finished(&json!([{"thought": true, "text": "see."}, {"text": "It rains."}, call]));
    last["usageMetadata"] = usage.clone();
    for object in [&mut first, &mut last] {
        object["responseId"] = json!("r1");
        object["modelVersion"] = json!("gemini-3.8-flash");
    }
    let of_stream = streamed(&[first, last.clone()]);
    last["candidates"][0]["content"]["parts"][0]["text"] = json!("Let me see.");
    assert_eq!(document(&last), of_stream);
    assert_eq!(
        of_stream,
        json!({
            "id": "r1", "model": "gemini-3.8-flash", "finish": ["STOP"],
            "input": [10, null, 10], "output": [10, 6], "status": "complete",
            "verbatim": serde_json::to_string(&usage).unwrap(),
            "calls": [["c1", "weather", {"city": "Köln ☔"}, "client", true]],
            "thoughts": [["thinking", "Let me see."]],
            "notes": of_stream["notes"], "ended": true, "whole": true,
        })
    );
}

#[test]
fn input_excludes_what_was_cached_and_includes_results_of_tools() {
    let all = usage(
        r#"{"promptTokenCount":100,"toolUsePromptTokenCount":7,"cachedContentTokenCount":60,"candidatesTokenCount":5,
            "thoughtsTokenCount":20,"totalTokenCount":132,"promptTokensDetails":[{"modality":"TEXT","tokenCount":100}]}"#,
    );
    assert_eq!((&all["input"], &all["output"]), (&json!([47, 60, 107]), &json!([25, 20])));
    let clamped = usage(r#"{"promptTokenCount":10,"cachedContentTokenCount":60}"#);
    assert_eq!((&clamped["input"], &clamped["output"]), (&json!([0, 60, 10]), &Value::Null));
    let zero = usage(r#"{"promptTokenCount":0,"candidatesTokenCount":0}"#);
    assert_eq!((&zero["input"], &zero["output"]), (&json!([0, null, 0]), &json!([0, null])));
    let thoughts = usage(r#"{"thoughtsTokenCount":9,"toolUsePromptTokenCount":3}"#);
    assert_eq!((&thoughts["input"], &thoughts["output"]), (&json!([3, null, 3]), &json!([9, 9])));
    let wrong = usage(r#"{"promptTokenCount":-1,"candidatesTokenCount":5,"thoughtsTokenCount":"x"}"#);
    assert_eq!((&wrong["input"], &wrong["output"]), (&Value::Null, &json!([5, null])));
}

#[test]
fn the_last_usage_replaces_the_ones_before_it() {
    let mut first = parts(&json!([{"text": "a"}]));
    first["usageMetadata"] =
        json!({"promptTokenCount": 8, "cachedContentTokenCount": 3, "thoughtsTokenCount": 2});
    let mut last = finished(&json!([{"text": ""}]));
    last["usageMetadata"] = json!({"promptTokenCount": 9, "candidatesTokenCount": 4});
    let whole = streamed(&[first.clone(), last]);
    assert_eq!((&whole["input"], &whole["output"]), (&json!([9, null, 9]), &json!([4, null])));
    let cut = streamed(&[first]);
    assert_eq!(
        (&cut["status"], &cut["output"], &cut["whole"]),
        (&json!("partial"), &json!([2, 2]), &json!(false))
    );
    assert_eq!(streamed(&[finished(&json!([]))])["status"], "missing");
}

#[test]
fn a_stream_ends_with_the_finish_reason_of_every_candidate() {
    let candidate =
        |index: u64, reason: &str| json!({"candidates": [{"index": index, "finishReason": reason}]});
    let open = json!({"candidates": [{"content": {"parts": [{"text": "a"}]}, "index": 1}]});
    let half = streamed(&[open.clone(), candidate(0, "STOP")]);
    assert_eq!(
        (&half["finish"], &half["ended"], &half["whole"]),
        (&json!(["STOP"]), &json!(false), &json!(false))
    );
    let whole = streamed(&[open, candidate(0, "STOP"), candidate(1, "MAX_TOKENS")]);
    assert_eq!((&whole["finish"], &whole["ended"]), (&json!(["STOP", "MAX_TOKENS"]), &json!(true)));
    let turned = streamed(&[candidate(1, "SAFETY"), candidate(0, "STOP")]);
    assert_eq!(turned["finish"], json!(["STOP", "SAFETY"]));
    assert_eq!(streamed(&[])["whole"], false);
    // It is the default of the enumeration, which means that there is none.
    assert_eq!(streamed(&[candidate(0, "FINISH_REASON_UNSPECIFIED")])["ended"], false);
}

#[test]
fn a_refused_prompt_ends_the_stream_with_the_reason() {
    let blocked = json!({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": {"promptTokenCount": 7}});
    for facts in [streamed(core::slice::from_ref(&blocked)), document(&blocked)] {
        assert_eq!((&facts["finish"], &facts["ended"]), (&json!(["PROHIBITED_CONTENT"]), &json!(true)));
        assert_eq!((&facts["input"], &facts["status"]), (&json!([7, null, 7]), &json!("complete")));
    }
}

#[test]
fn parts_are_calls_of_the_client_calls_of_the_provider_and_thoughts() {
    let mixed = json!([
        {"text": "First.", "thought": true, "thoughtSignature": "c2ln"},
        {"executableCode": {"language": "PYTHON", "code": "print(\"a\")"}},
        {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "a\n"}},
        {"thought": true, "text": "Second."},
        {"thought": true, "text": " Still the second."},
        {"thought": false, "text": "No thought."},
        {"text": "Third.", "thought": true},
        {"functionCall": {"name": "no_arguments"}},
        {"functionCall": {"name": "f", "args": {}, "id": ""}, "thoughtSignature": "c2ln"},
        {"inlineData": {"mimeType": "image/png", "data": "AAAA"}},
    ]);
    for facts in [streamed(&[finished(&mixed)]), document(&finished(&mixed))] {
        assert_eq!(
            facts["calls"],
            json!([
                [null, "code_execution", {"code": "print(\"a\")", "language": "PYTHON"}, "hosted", true],
                [null, "no_arguments", "", "client", true],
                [null, "f", {}, "client", true],
            ])
        );
        let thought = |text: &str| json!(["thinking", text]);
        let wanted = [thought("First."), thought("Second. Still the second."), thought("Third.")];
        assert_eq!(facts["thoughts"], json!(wanted));
    }
}

#[test]
fn arguments_that_are_no_object_are_kept_too() {
    for (args, wanted) in [(json!("{\"a\":1}"), json!("{\"a\":1}")), (json!([1, "b"]), json!([1, "b"]))] {
        let call = finished(&json!([{"functionCall": {"args": args, "name": "f"}}]));
        for facts in [streamed(std::slice::from_ref(&call)), document(&call)] {
            assert_eq!(facts["calls"], json!([[null, "f", wanted, "client", true]]));
        }
    }
}

#[test]
fn thoughts_of_two_candidates_stay_apart() {
    let thought = |index: u64, text: &str| json!({"content": {"parts": [{"text": text, "thought": true}]}, "index": index});
    let facts = streamed(&[
        json!({"candidates": [thought(0, "a"), thought(1, "x")]}),
        json!({"candidates": [thought(1, "y"), thought(0, "b")]}),
    ]);
    assert_eq!(facts["thoughts"], json!([["thinking", "ab"], ["thinking", "xy"]]));
}

#[test]
fn an_error_in_a_stream_ends_it() {
    let error =
        json!({"error": {"code": 503, "message": "overloaded", "status": "UNAVAILABLE", "details": [{}]}});
    let facts = streamed(&[parts(&json!([{"text": "a"}])), error.clone(), finished(&json!([]))]);
    assert_eq!(facts["error"], json!(["UNAVAILABLE", "503", "overloaded"]));
    assert_eq!((&facts["ended"], &facts["finish"]), (&json!(true), &Value::Null));
    assert_eq!(document(&error)["error"], json!(["UNAVAILABLE", "503", "overloaded"]));
    let text = streamed(&[json!({"error": "no"})]);
    assert_eq!(text["error"], json!([null, null, "no"]));
    assert_eq!(streamed(&[json!({"error": null}), finished(&json!([]))])["error"], Value::Null);
}

#[test]
fn the_body_of_an_error_status_is_an_object_or_an_array_of_one() {
    let error = r#"{"error":{"code":400,"message":"m","status":"INVALID_ARGUMENT"}}"#;
    for body in [error.to_owned(), format!("[{error}]")] {
        let facts = recorded(Format::Error, &Limits::default(), &body);
        assert_eq!(facts["error"], json!(["INVALID_ARGUMENT", "400", "m"]), "{body}");
    }
}

#[test]
fn what_broke_off_counts_as_far_as_its_objects_are_whole() {
    let limits = Limits::default();
    let objects = [
        parts(&json!([{"functionCall": {"name": "f", "args": {"a": 1}}}])),
        finished(&json!([{"text": "a"}])),
    ];
    for body in [sse(&objects), array(&objects)] {
        let format = if body.starts_with('[') { Format::Document } else { Format::Events };
        let (first, last) = (body.find("args").unwrap(), body.find("finishReason").unwrap());
        let none = recorded(format, &limits, &body[..first]);
        assert_eq!((&none["calls"], &none["whole"]), (&Value::Null, &json!(false)), "{body}");
        let one = recorded(format, &limits, &body[..last]);
        assert_eq!((&one["calls"][0][4], &one["whole"]), (&json!(true), &json!(false)), "{body}");
        assert_eq!(one["finish"], Value::Null);
    }
    // In a document what is known of the part counts too.
    let body = r#"{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":{"a":1"#;
    let cut = recorded(Format::Document, &limits, body);
    assert_eq!(
        (&cut["calls"], &cut["whole"]),
        (&json!([[null, "f", "{\"a\":1", "client", false]]), &json!(false))
    );
}

#[test]
fn what_is_no_valid_json_is_noted() {
    let limits = Limits::default();
    let note = |body: &str| {
        let facts = recorded(Format::Document, &limits, body);
        (facts["notes"].to_string().contains("ResponseUnreadable"), facts["finish"].clone())
    };
    let object = finished(&json!([])).to_string();
    for body in ["[{]", "[{\"a\":1},]", "\"text\"", "7 ", "nonsense", "[1]", "[null]", "[[]]"] {
        assert_eq!(note(body), (true, Value::Null), "{body}");
    }
    assert_eq!(note(&format!("[{object},7,{object}]")), (true, json!(["STOP"])));
    assert_eq!(note(&format!("[{object}")), (false, json!(["STOP"])));
    assert_eq!(note(&format!("[{object}] x")), (false, json!(["STOP"])));
    assert_eq!(note(&format!(" \r\n\t [{object}]")), (false, json!(["STOP"])));
}

#[test]
fn members_of_wrong_types_are_passed_over() {
    for wrong in [
        json!(null),
        json!(7),
        json!("x"),
        json!([]),
        json!([7, [], "x"]),
        json!({}),
        json!({"parts": {"text": []}}),
    ] {
        let mut object =
            json!({"responseId": wrong, "modelVersion": wrong, "candidates": wrong, "promptFeedback": wrong});
        let facts = streamed(core::slice::from_ref(&object));
        let (id, candidates) = (facts["id"].as_str(), facts["finish"].clone());
        assert_eq!((id, candidates), (wrong.as_str(), Value::Null), "{wrong}");
        object["candidates"] = json!([{
            "index": wrong, "finishReason": wrong, "content": {"parts": [wrong, {
                "text": wrong, "thought": wrong, "functionCall": wrong, "executableCode": wrong,
            }]},
        }, {"content": wrong}]);
        streamed(&[object]);
    }
}

#[test]
fn an_element_above_the_limit_keeps_its_facts_and_numbers() {
    let limits = Limits { event_bytes: 200, document_bytes: 200, ..Limits::default() };
    let picture = json!({"inlineData": {"mimeType": "image/png", "data": "A".repeat(5000)}});
    let thought = json!({"text": "late", "thought": true});
    let call = json!({"functionCall": {"name": "f", "id": "c", "args": {"a": "b"}}});
    let mut object = finished(&json!([picture, thought, call]));
    object["usageMetadata"] = json!({"promptTokenCount": 1, "candidatesTokenCount": 2});
    let small = finished(&json!([{"functionCall": {"name": "g", "args": {}}}]));
    let objects = [object.clone(), small];
    for (format, body, note) in [
        (Format::Events, sse(&objects), "EventTooLarge"),
        (Format::Document, array(&objects), "EventTooLarge"),
        (Format::Document, object.to_string(), "DocumentTooLarge"),
    ] {
        let facts = recorded(format, &limits, &body);
        assert!(facts["notes"].to_string().contains(note), "{facts}");
        assert_eq!((&facts["output"], &facts["finish"]), (&json!([2, null]), &json!(["STOP"])));
        assert_eq!(facts["calls"][0], json!(["c", "f", "", "client", true]), "its arguments are dropped");
        assert_eq!(facts.get("thoughts"), None);
        if body.contains("\"g\"") {
            assert_eq!(
                facts["calls"][1],
                json!([null, "g", {}, "client", true]),
                "the next element is small"
            );
        }
    }
}

#[test]
fn calls_and_thoughts_above_the_limit_are_counted() {
    let limits = Limits { tool_calls: 2, thoughts: 1, ..Limits::default() };
    let pairs = json!([
        {"functionCall": {"name": "f"}}, {"text": "a", "thought": true},
        {"functionCall": {"name": "f"}}, {"text": "b", "thought": true}, {"text": "c", "thought": true},
        {"functionCall": {"name": "f"}}, {"functionCall": {"name": "f"}},
    ]);
    for format in [Format::Events, Format::Document] {
        let objects = [finished(&pairs)];
        let body = if format == Format::Events { sse(&objects) } else { array(&objects) };
        let facts = recorded(format, &limits, &body);
        assert_eq!(facts["calls"].as_array().unwrap().len(), 2);
        assert_eq!(facts["thoughts"], json!([["thinking", "a"]]));
    }
    // No object holds more than 1024 of them while it is read.
    let many: Vec<Value> = (0..5000).map(|_| json!({"functionCall": {"name": "f"}})).collect();
    let body = sse(&[finished(&json!(many))]);
    let reader = read(Format::Events, &Limits::default(), core::iter::once(body.as_bytes()));
    let notes = format!("{:?}", reader.answer().notes);
    assert_eq!(reader.answer().tool_calls.len(), 256);
    assert!(notes.contains("4744"), "{notes}");
}

#[test]
fn one_object_in_place_of_an_event_stream_is_read() {
    let object = json!({"responseId": "r", "candidates": [{"content": {"parts": [{"text": "a"}]}, "finishReason": "STOP"}],
        "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 2}});
    let got = recorded(Format::Events, &Limits::default(), &format!(" \r\n{object}"));
    let expected = recorded(Format::Document, &Limits::default(), &object.to_string());
    assert_eq!(got, expected);
    assert_eq!(
        (&got["output"][0], &got["status"], &got["whole"]),
        (&json!(2), &json!("complete"), &json!(true))
    );
}

#[test]
fn usage_before_the_last_texts_is_not_the_final_one() {
    let first = json!({"candidates": [{"content": {"parts": [{"text": "a"}]}}], "usageMetadata": {"promptTokenCount": 10}});
    let last = json!({"candidates": [{"content": {"parts": [{"text": "b"}]}, "finishReason": "STOP"}]});
    assert_eq!(streamed(&[first.clone(), last.clone()])["status"], "partial");
    let usage = json!({"usageMetadata": {"promptTokenCount": 10, "candidatesTokenCount": 2}});
    assert_eq!(streamed(&[first, last, usage])["status"], "complete");
}

#[test]
fn an_unspecified_block_reason_is_none() {
    let object = json!({"promptFeedback": {"blockReason": "BLOCK_REASON_UNSPECIFIED"}});
    assert_eq!(streamed(&[object])["finish"], Value::Null);
}
