//! Plans whose requests the gateway has to refuse.

use super::shape::{insert, portions};
use super::{ClientAct, Framing, Kind, Plan, ProviderAct, Upload};
use crate::random::Random;

/// One byte above the filter's default `limits.request_body_bytes`.
const TOO_LARGE: usize = 33_554_433;

/// Makes the request invalid, so that the filter has to refuse and record it.
pub(super) fn refuse(random: &mut Random, plan: &mut Plan) {
    let upload = &mut plan.upload;
    let all = upload.body.trim_ascii_end().len();
    let mut one_of = |choices: &[u8]| random.pick(choices).copied().unwrap_or(b'x');
    let (junk, end) = (one_of(b"xyz,:]\0"), one_of(b"x{}[]\"0,\0"));
    let foreign_byte = one_of(&[0xff, 0x00, 0xc0]);
    let (status, code, in_body) = match random.below(12) {
        0 => {
            let length = random.between(1, 3000);
            upload.body = [vec![junk], random.bytes(length)].concat();
            (400, "invalid_json", true)
        }
        1 | 2 => {
            upload.body.truncate(random.between(1, all - 1));
            // White space before the JSON may be all that is left; the filter reports such a body as empty.
            let blank = upload.body.trim_ascii().is_empty();
            (400, if blank { "empty_body" } else { "invalid_json" }, true)
        }
        3 => {
            upload.body.push(end);
            (400, "invalid_json", true)
        }
        4 => {
            upload.body.insert(random.between(1, all - 1), foreign_byte);
            (400, "invalid_json", true)
        }
        5 => {
            upload.body = b"[1]".to_vec();
            (400, "invalid_json", true)
        }
        6 => {
            upload.body.clear();
            (400, "empty_body", upload.declared.is_none() && !plan.http2)
        }
        7 => {
            let brace = upload.body.iter().position(|byte| *byte == b'{').unwrap_or(0);
            insert(&mut upload.body, brace + 1, br#""stream":false,"str\u0065am":true,"#.iter().copied());
            (400, "repeated_member", true)
        }
        8 => {
            let credential = upload.headers.iter().find(|(name, _)| is_credential(name));
            let repeated = credential.cloned().unwrap_or_default();
            upload.headers.push(repeated);
            (400, "repeated_credential", false)
        }
        9 => {
            let anthropic = upload.target.starts_with("/anthropic");
            let foreign = if anthropic { "sk-proj-0123456789" } else { "sk-ant-0123456789" };
            upload.headers.retain(|(name, _)| !is_credential(name));
            upload.headers.push(("authorization".to_owned(), format!("Bearer {foreign}")));
            (403, "wrong_vendor_credential", false)
        }
        10 => {
            upload.headers.push(("content-encoding".to_owned(), "rot13".to_owned()));
            (415, "unsupported_encoding", false)
        }
        _ => {
            upload.declared = Some(TOO_LARGE);
            (413, "request_too_large", false)
        }
    };
    plan.kind = Kind::Refused { status, code, in_body };
    upload.declared =
        upload.declared.map(|declared| if status == 413 { declared } else { upload.body.len() });
    upload.portions = portions(random, upload.body.len());
}

/// Makes the last byte of the request invalid; the client sends that byte after the response has begun.
pub(super) fn refuse_late(random: &mut Random, plan: &mut Plan) {
    let upload = &mut plan.upload;
    let honest = random.below(upload.body.trim_ascii_end().len());
    upload.body.push(b'}');
    upload.declared = upload.declared.map(|_| upload.body.len());
    upload.portions = portions(random, upload.body.len());
    plan.kind = Kind::RefusedLate { code: "invalid_json" };
    plan.client = ClientAct::Linger { sent: honest };
    plan.answer.framing = Framing::Chunks;
    plan.provider = ProviderAct::HoldEarly { sent: random.below(plan.answer.body.len() + 1) };
}

/// Makes the plan a request that is refused without a record.
pub(super) fn turn_away(random: &mut Random, plan: &mut Plan) {
    let status = *random.pick(&[404, 405, 400, 426, 431]).unwrap_or(&404);
    plan.kind = Kind::TurnedAway { status };
    let mut headers = plan.transcript.headers.clone();
    let mut any = |choices: &[&'static str]| random.pick(choices).copied().unwrap_or_default();
    let (mut method, mut target) = ("POST", plan.transcript.target.clone());
    match status {
        404 => {
            let strange = [
                "/",
                "/nope",
                "/anthropic/v1/nope",
                "/openai/v1/completions",
                "/openai/v1/responses/comp%61ct",
            ];
            any(&strange).clone_into(&mut target);
        }
        405 => method = any(&["GET", "PUT", "DELETE", "PATCH", "HEAD"]),
        400 => {
            let hostile = [
                "/anthropic/v1/../messages",
                "/anthropic//v1/messages",
                "/openai/v1/%2e%2e/x",
                "/openai/v1/models/%zz",
            ];
            any(&hostile).clone_into(&mut target);
        }
        426 => {
            method = any(&["GET", "POST"]);
            headers.push(("connection".to_owned(), "upgrade".to_owned()));
            headers.push(("upgrade".to_owned(), "websocket".to_owned()));
        }
        // Above the limit of Envoy's codec (60 KiB), so that the filter never sees the request.
        _ => headers.push(("x-noise".to_owned(), "n".repeat(random.between(70_000, 200_000)))),
    }
    plan.http2 &= !matches!(status, 426 | 431);
    let (body, forwarded, portions, trailers) = (Vec::new(), Vec::new(), Vec::new(), false);
    plan.upload = Upload { method, target, headers, body, forwarded, declared: Some(0), portions, trailers };
}

fn is_credential(name: &str) -> bool {
    matches!(name, "authorization" | "x-api-key")
}
