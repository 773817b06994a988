//! The request readers: they never panic, facts and verdict do not depend on the chunks, and both agree with
//! `serde_json`.
//!
//! Input: one byte for the API, one for the bounds, three for the cut, then the body.
#![no_main]

use ai_bridge::api::Api;
use ai_bridge::api::request::{MODEL_BYTES, RequestBounds, RequestFacts, RequestProblem};
use ai_bridge_fuzz::{APIS, Cut, Input, is_json, is_shallow};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

/// The verdict, the facts, and the bytes that go upstream.
type Read = (Result<(), RequestProblem>, RequestFacts, Vec<u8>);

fn read(api: Api, bounds: RequestBounds, chunks: &[&[u8]]) -> Read {
    let mut reader = api.request_reader(bounds);
    let mut upstream = Vec::new();
    let mut feed = |chunk: &[u8]| {
        match reader.feed(chunk)?.instead {
            Some(instead) => {
                assert_eq!(api, Api::ChatCompletions, "an edit");
                upstream.extend(instead);
            }
            None => upstream.extend_from_slice(chunk),
        }
        Ok(())
    };
    let fed = chunks.iter().try_for_each(|chunk| feed(chunk));
    let verdict = fed.and_then(|()| reader.finish());
    let prompt = reader.facts().prompt.as_ref().map(|prompt| prompt.text().as_str().len());
    assert!(prompt <= bounds.prompt_bytes);
    (verdict, reader.into_facts(), upstream)
}

/// The facts with their texts: `Debug` shows only the lengths.
fn shown(facts: &RequestFacts) -> String {
    let RequestFacts { model, also_requested, refusal, stream, background, prompt, correlating_tool_call_id, user_id, usage_spliced, notes, text_bytes } = facts;
    let text = |text: &ai_bridge::text::Text| (text.as_str().to_owned(), text.is_cut());
    let texts = (model.as_ref().map(text), prompt.as_ref().map(|prompt| text(&prompt.text())));
    format!("{texts:?} {:?} {:?}", (also_requested, refusal), (stream, background, correlating_tool_call_id, user_id, usage_spliced, (notes, text_bytes)))
}

fuzz_target!(|input: &[u8]| {
    let mut input = Input(input);
    let api = input.choose(&APIS);
    let (reader_bytes, prompt_bytes) =
        input.choose(&[(65_536, Some(65_536)), (4, Some(65_536)), (65_536, None), (65_536, Some(0)), (65_536, Some(7))]);
    let cut = Cut::of(&mut input);
    let body = input.0;

    let bounds = RequestBounds { reader_bytes, prompt_bytes };
    let (verdict, facts, upstream) = read(api, bounds, &[body]);
    for cut in [cut, Cut::Every(1)] {
        let (cut_verdict, cut_facts, cut_upstream) = read(api, bounds, &cut.chunks(body));
        match (&verdict, &cut_verdict) {
            // Which error comes first depends on the chunks; the request is refused with 400 for both.
            (Err(RequestProblem::Json(_)), Err(RequestProblem::Repeated(_))) => {}
            (Ok(()), Ok(())) => {
                assert_eq!(shown(&facts), shown(&cut_facts));
                assert_eq!(upstream, cut_upstream);
            }
            _ => assert_eq!(verdict, cut_verdict),
        }
    }

    // Also only bodies that are nested no deeper than the bounds allow.
    let shallow =
        is_shallow(body) && (reader_bytes > 4 || body.iter().filter(|b| b"[{".contains(b)).count() < 30);
    if shallow && !matches!(verdict, Err(RequestProblem::Repeated(_))) {
        let object = body.iter().find(|byte| !b" \n\r\t".contains(byte)) == Some(&b'{');
        assert_eq!(verdict.is_ok(), object && is_json(body), "{verdict:?}");
    }
    // The readers accept a lone surrogate; `serde_json` refuses it.
    if let (Ok(()), Ok(Value::Object(said))) = (verdict, serde_json::from_slice::<Value>(body)) {
        // The path names Gemini's model, and whether the answer is a stream.
        if api == Api::GenerateContent {
            assert!(facts.model.is_none() && !facts.stream);
            return;
        }
        let model = said.get("model").and_then(Value::as_str).filter(|model| model.len() <= MODEL_BYTES);
        if model.is_some() || !said.contains_key("model") {
            assert_eq!(facts.model.as_ref().map(|model| model.as_str()), model);
        }
        assert_eq!(facts.stream, said.get("stream") == Some(&Value::Bool(true)));
        if api == Api::Responses {
            assert_eq!(facts.background, said.get("background") == Some(&Value::Bool(true)));
        }
    }
});
