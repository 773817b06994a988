//! A second implementation of the usage splice (`envoy/behaviour.md#the-one-edit`), which has the whole body in memory and
//! walks over its members.

use ai_bridge::api::Api;
use ai_bridge::api::request::{RequestBounds, RequestProblem};
use serde_json::{Value, json};
use std::ops::Range;

/// A member of an object: its unescaped name, and the range of its value.
type Member = (String, Range<usize>);

/// What has to go upstream of a valid `body`, and whether the filter asks for usage on the client's behalf.
pub fn expected(body: &[u8]) -> (Vec<u8>, bool) {
    let (members, brace) = members(body, 0);
    let mut edits: Vec<(Range<usize>, &str)> = Vec::new();
    let mut stream: Option<bool> = None;
    let mut seen = false;
    let mut spliced = false;
    for (name, value) in &members {
        let text = &body[value.clone()];
        match (name.as_str(), text[0], stream) {
            ("stream", _, _) => stream = Some(text == b"true"),
            ("stream_options", _, Some(false)) => seen = true,
            ("stream_options", b'{', _) => {
                seen = true;
                let (options, brace) = self::members(body, value.start);
                let asked: Vec<_> = options.iter().filter(|(name, _)| name == "include_usage").collect();
                for (_, value) in &asked {
                    spliced = matches!(&body[value.clone()], b"false" | b"null");
                    if spliced {
                        edits.push((value.clone(), "true"));
                    }
                }
                if asked.is_empty() {
                    spliced = true;
                    let comma = if options.is_empty() { "" } else { "," };
                    edits.push((brace..brace, comma));
                    edits.push((brace..brace, r#""include_usage":true"#));
                }
            }
            ("stream_options", b'n', Some(true)) => {
                seen = true;
                spliced = true;
                edits.push((value.clone(), r#"{"include_usage":true}"#));
            }
            ("stream_options", _, _) => seen = true,
            _ => {}
        }
    }
    if !seen && stream == Some(true) {
        spliced = true;
        edits.push((brace..brace, r#","stream_options":{"include_usage":true}"#));
    }
    let mut upstream = Vec::new();
    let mut from = 0;
    for (range, put) in edits {
        upstream.extend_from_slice(&body[from..range.start]);
        upstream.extend_from_slice(put.as_bytes());
        from = range.end;
    }
    upstream.extend_from_slice(&body[from..]);
    (upstream, spliced && stream == Some(true))
}

/// The members of the object at `at`, and the offset of its closing brace.
fn members(body: &[u8], at: usize) -> (Vec<Member>, usize) {
    let mut at = visible(body, at);
    assert_eq!(body[at], b'{');
    let mut members = Vec::new();
    loop {
        at = visible(body, at + 1);
        if body[at] == b'}' {
            return (members, at);
        }
        let end = value_end(body, at);
        let name = serde_json::from_slice(&body[at..end]).unwrap_or_default();
        let colon = visible(body, end);
        let value = visible(body, colon + 1);
        let end = value_end(body, value);
        members.push((name, value..end));
        at = visible(body, end);
        if body[at] == b'}' {
            return (members, at);
        }
    }
}

/// The offset of the next byte that is no white space.
fn visible(body: &[u8], at: usize) -> usize {
    at + body[at..].iter().take_while(|byte| b" \n\r\t".contains(byte)).count()
}

/// The offset behind the value that begins at `at`.
fn value_end(body: &[u8], mut at: usize) -> usize {
    let mut depth = 0;
    loop {
        match body[at] {
            b'"' => {
                at += 1;
                while body[at] != b'"' {
                    at += if body[at] == b'\\' { 2 } else { 1 };
                }
                at += 1;
            }
            b'{' | b'[' => {
                depth += 1;
                at += 1;
            }
            b'}' | b']' => {
                depth -= 1;
                at += 1;
            }
            b',' | b':' | b' ' | b'\n' | b'\r' | b'\t' => at += 1,
            _ => at += body[at..].iter().take_while(|byte| !b",:]} \n\r\t".contains(byte)).count(),
        }
        if depth == 0 {
            return at;
        }
    }
}

/// What the filter sends upstream of `chunks`, and whether it asks for usage.
///
/// # Errors
/// Why it refuses the body.
pub fn spliced<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Result<(Vec<u8>, bool), RequestProblem> {
    let bounds = RequestBounds { reader_bytes: 65_536, prompt_bytes: Some(65_536) };
    let mut reader = Api::ChatCompletions.request_reader(bounds);
    let (mut upstream, mut came, mut literals) = (Vec::new(), 0, 0);
    for chunk in chunks {
        match reader.feed(chunk)?.instead {
            Some(instead) => upstream.extend(instead),
            None => upstream.extend_from_slice(chunk),
        }
        came += chunk.len();
        // `false` may become `true`, which is one byte less.
        literals += chunk.iter().filter(|byte| **byte == b'f').count();
        assert!(upstream.len() + literals + 4 >= came, "more than a literal waits");
    }
    reader.finish()?;
    Ok((upstream, reader.facts().usage_spliced))
}

/// Checks what the filter sends upstream of `body` when chunks end at the ascending offsets `cuts`.
pub fn check(body: &[u8], cuts: &[usize]) {
    let mut chunks = Vec::new();
    let mut from = 0;
    for cut in cuts.iter().copied().chain([body.len()]) {
        chunks.push(&body[from..cut]);
        from = cut;
    }
    let Ok(found) = spliced(chunks) else { return };
    let shown = || body.escape_ascii().to_string();
    let (upstream, is_spliced) = expected(body);
    assert_eq!((&found.0, found.1), (&upstream, is_spliced), "{} cut at {cuts:?}", shown());
    // serde_json refuses a few valid things, such as a lone surrogate.
    let Ok(mut wanted) = serde_json::from_slice::<Value>(body) else { return };
    if is_spliced {
        if !wanted["stream_options"].is_object() {
            wanted["stream_options"] = json!({});
        }
        wanted["stream_options"]["include_usage"] = json!(true);
        assert_eq!(serde_json::from_slice::<Value>(&upstream).ok(), Some(wanted), "{}", shown());
    }
}
