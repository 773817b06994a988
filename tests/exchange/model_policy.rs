//! The model policy of a provider (`models.allow`, `models.deny`).

use crate::request_bodies::{APIS, CHAT, MESSAGES, RESPONSES, passes, refused, sent};
use ai_bridge::bridge::Bridge;
use serde_json::{Value, json};
use std::rc::Rc;
use world::{CONFIGURATION, World, bridge, changed, head};

#[test]
fn the_model_is_judged_before_the_closing_chunk_passes() {
    let policy = changed(|configuration| {
        for provider in configuration["providers"].as_array_mut().unwrap() {
            provider["models"] = json!({"deny": ["evil*"]});
        }
    });
    for first in APIS {
        for lines in [vec![], vec![("content-length", "16")], vec![("content-length", "1000")]] {
            let mut world = World::new(&policy);
            world
                .request(head(first, &lines), false)
                .upload(b"{\"model\":\"evil\"", false)
                .upload(b"}", false);
            assert_eq!(
                (world.replied().0, world.upstream_body.as_slice()),
                (400, &b"{\"model\":\"evil\""[..])
            );
        }
    }
}

#[test]
fn a_policy_passes_models_that_it_allows_and_does_not_deny() {
    let cut = format!("\"a{}\"", "x".repeat(1024));
    for (policy, allowed, denied, unreadable) in [
        (json!({}), &["a-1", "b", ""][..], &[][..], false),
        (json!({"deny": []}), &["a-1", "b", ""], &[], false),
        (json!({"allow": []}), &[], &["a-1", "b", ""], true),
        (json!({"allow": ["a-*"]}), &["a-1", "a-"], &["a", "b", "A-1", "", " a-1", "ba-1"], true),
        (json!({"allow": ["*"]}), &["a-1", "b"], &[], true),
        (json!({"allow": ["a", "b"]}), &["a", "b"], &["c", "ab"], true),
        (json!({"deny": ["a-*"]}), &["b", "a"], &["a-1", "a-"], true),
        (json!({"allow": ["a*"], "deny": ["*-x", "ab"]}), &["a", "a-1"], &["a-x", "ab", "b"], true),
    ] {
        let bridge = changed(|configuration| {
            for provider in configuration["providers"].as_array_mut().unwrap() {
                provider["models"] = policy.clone();
            }
        });
        for first in [MESSAGES, CHAT, RESPONSES, "POST /openai/v1/responses/compact"] {
            for model in allowed {
                let world = sent(&bridge, first, json!({"model": model}).to_string().as_bytes());
                assert!(world.reply.is_none(), "{policy} {model}");
            }
            for model in denied {
                refused(&bridge, first, json!({"model": model}).to_string().as_bytes(), 400, "model_denied");
            }
            for model in ["7", "null", "[\"a-1\"]", "{\"model\":\"a-1\"}", "true", &cut] {
                let body = format!("{{\"model\":{model},\"x\":{{\"model\":\"a-1\"}}}}");
                if unreadable {
                    refused(&bridge, first, body.as_bytes(), 400, "model_unreadable");
                } else {
                    assert!(sent(&bridge, first, body.as_bytes()).reply.is_none());
                }
            }
            if unreadable {
                refused(&bridge, first, b"{}", 400, "model_unreadable");
            } else {
                assert!(sent(&bridge, first, b"{}").reply.is_none());
            }
        }
        let mut world = World::new(&bridge);
        world.request(head("GET /anthropic/v1/models", &[]), true);
        assert!(world.reply.is_none(), "passthrough is not looked at");
    }
}

#[test]
fn a_policy_judges_the_unescaped_model() {
    let bridge = changed(|configuration| configuration["providers"][0]["models"] = json!({"deny": ["evil"]}));
    refused(&bridge, MESSAGES, br#"{"model":"\u0065vil"}"#, 400, "model_denied");
    refused(&bridge, MESSAGES, br#"{"m\u006fdel":"evil"}"#, 400, "model_denied");
    refused(&bridge, MESSAGES, br#"{"model":"good","model":"evil"}"#, 400, "repeated_member");
}

#[test]
fn a_model_name_above_its_bound_is_cut_and_never_allowed() {
    let body = json!({"model": "m".repeat(5000)}).to_string();
    let policy = changed(|configuration| configuration["providers"][0]["models"] = json!({"allow": ["*"]}));
    for (bridge, refused) in [(bridge(CONFIGURATION), false), (policy, true)] {
        let mut world = World::new(&bridge);
        world.request(head("POST /anthropic/v1/messages", &[]), false).upload(body.as_bytes(), true);
        assert_eq!(world.reply.is_some(), refused);
        world.finish("downstream_remote_disconnect");
        assert_eq!(world.record()["model"]["requested"].as_str().unwrap().len(), 1024);
    }
}

/// A bridge whose providers all have this policy.
fn with_policy(policy: &Value) -> Rc<Bridge> {
    changed(|configuration| {
        for provider in configuration["providers"].as_array_mut().unwrap() {
            provider["models"] = policy.clone();
        }
    })
}

/// The members by which a request to an API has the model `M` used.
fn naming(first: &str) -> Vec<&'static str> {
    let everywhere = [
        r#""tools":[{"type":"t","model":M}]"#,
        r#""tools":[{"name":"a"},{"model":M}]"#,
        r#""tools":[{"model":M,"type":"function"}]"#,
        r#""tools":[{"model":"good","model":M}]"#,
        r#""tools":[{"model":{"model":7},"model":M}]"#,
        r#""fallbacks":[{"model":M}]"#,
        r#""fallbacks":[null,7,{},[],{"model":null},{"model":"good"},{"model":M}]"#,
        r#""fallbacks":[M]"#,
        r#""f\u0061llbacks":[{"mod\u0065l":M}]"#,
    ];
    let openai = [
        r#""models":["good",M]"#,
        r#""models":[{"model":M}]"#,
        r#""models":M"#,
        r#""tools":[{"type":"a:advisor","parameters":{"model":M}}]"#,
        r#""tools":[{"parameters":{"x":{},"model":M},"type":"a:advisor"}]"#,
        r#""tools":[{"parameters":{"model":M}}]"#,
        r#""tools":[{"type":7,"parameters":{"model":M}}]"#,
        r#""tools":[{"type":"functions","parameters":{"model":M}}]"#,
        r#""tools":[{"parameters":{"model":M},"type":"function","type":"a:advisor"}]"#,
        r#""tools":[{"type":"function"},{"type":"a:advisor","parameters":{"model":"good"},"parameters":{"model":M}}]"#,
    ];
    let responses = [
        r#""tools":[{"type":"image_generation","model":M}]"#,
        r#""input":[{"type":"additional_tools","tools":[{"type":"image_generation","model":M}]}]"#,
        r#""input":[{"tools":[{"parameters":{"model":M},"type":"a:advisor"}],"type":"additional_tools"}]"#,
        r#""input":[{"tools":[]},{"tools":[{"model":M}]},{"role":"user","content":"x"}]"#,
    ];
    let mut all = everywhere.to_vec();
    if first != MESSAGES {
        all.extend(openai);
    }
    if first == RESPONSES {
        all.extend(responses);
    }
    all
}

#[test]
fn every_member_that_has_another_model_used_is_judged() {
    let without = bridge(CONFIGURATION);
    for policy in
        [json!({"allow": ["good*"]}), json!({"deny": ["evil*"]}), json!({"allow": ["*"], "deny": ["e*l"]})]
    {
        let bridge = with_policy(&policy);
        for first in APIS {
            for member in naming(first) {
                for before in [true, false] {
                    let body = |model: &str| {
                        let member = member.replace('M', model);
                        let requested = r#""model":"good-1""#;
                        if before {
                            format!("{{{member},{requested}}}")
                        } else {
                            format!("{{{requested},{member}}}")
                        }
                    };
                    for evil in ["\"evil\"", r#""\u0065vil""#] {
                        let body = body(evil);
                        refused(&bridge, first, body.as_bytes(), 400, "model_denied");
                        let record = sent(&bridge, first, body.as_bytes()).record();
                        assert_eq!(record["model"]["requested"], "good-1");
                        let others = record["model"]["also_requested"].as_array().unwrap();
                        assert_eq!(others.last().unwrap(), "evil", "{body}");
                        let known = sent(&without, first, body.as_bytes());
                        assert!(known.reply.is_none(), "without a policy nothing is refused: {body}");
                        assert_eq!(known.record()["model"]["also_requested"], json!(others));
                    }
                    let allowed = body("\"good-2\"");
                    assert!(sent(&bridge, first, allowed.as_bytes()).reply.is_none(), "{policy} {allowed}");
                }
            }
        }
    }
}

#[test]
fn what_names_no_other_model_is_not_judged() {
    let bridge = with_policy(&json!({"allow": ["good"]}));
    let everywhere = [
        r#""tools":[{"name":"a","input_schema":{"type":"object","model":"evil","properties":{"model":{"type":"string"}}}}]"#,
        r#""tools":[{"type":"function","function":{"name":"a","model":"evil","parameters":{"model":"evil"}}}]"#,
        r#""tools":[{"model":7},{"model":null},{"model":["evil"]},{"model":{"model":"evil"}},{"model":""},"evil",[{"model":"evil"}]]"#,
        r#""tools":{"model":"evil"}"#,
        r#""tools":"evil""#,
        r#""tools":null"#,
        r#""fallbacks":[]"#,
        r#""fallbacks":null"#,
        r#""fallbacks":7"#,
        r#""fallbacks":{"model":"evil"}"#,
        r#""fallbacks":[null,7,{},{"model":7},{"model":{"model":"evil"}},{"fallbacks":["evil"]},[{"model":"evil"}],""]"#,
        r#""x":{"tools":[{"model":"evil"}],"models":["evil"],"fallbacks":["evil"]}"#,
        r#""messages":[{"role":"user","content":"x","model":"evil","tools":[{"model":"evil"}]}]"#,
    ];
    let openai = [
        r#""tools":[{"type":"function","name":"a","parameters":{"type":"object","model":"evil","properties":{"model":{}}}}]"#,
        r#""tools":[{"parameters":{"model":"evil"},"type":"function"}]"#,
        r#""tools":[{"type":"functi\u006fn","parameters":{"model":"evil"},"parameters":{"model":"evil"}}]"#,
        r#""tools":[{"type":"a:advisor","parameters":{"x":{"model":"evil"},"model":7}}]"#,
        r#""models":[null,7,{},[],"",["evil"]]"#,
        r#""models":{"model":"evil"}"#,
    ];
    for first in APIS {
        let openai = if first == MESSAGES { &[][..] } else { &openai[..] };
        for member in everywhere.iter().chain(openai) {
            let body = format!("{{{member},\"model\":\"good\"}}");
            let world = sent(&bridge, first, body.as_bytes());
            assert!(world.reply.is_none(), "{first} {body}: {:?}", world.reply);
            assert_eq!(world.record()["model"], json!({"requested": "good"}), "{first} {body}");
        }
    }
    let body = br#"{"model":"good","models":["evil"],"tools":[{"type":"x","parameters":{"model":"evil"}}]}"#;
    assert!(sent(&bridge, MESSAGES, body).reply.is_none(), "Messages has no such members");
}

#[test]
fn what_leaves_open_which_models_are_used_is_unreadable() {
    let long = format!("\"good{}\"", "x".repeat(1021));
    let without = bridge(CONFIGURATION);
    for policy in [json!({"allow": ["good*"]}), json!({"deny": ["evil"]}), json!({"allow": ["*"]})] {
        let bridge = with_policy(&policy);
        for first in APIS {
            let mut members = vec![
                r#""fallbacks":"default""#.to_owned(),
                r#""fallbacks":"""#.to_owned(),
                r#""fallbacks":[],"fallbacks":[]"#.to_owned(),
                r#""fallbacks":null,"f\u0061llbacks":[{"model":"good"}]"#.to_owned(),
                r#""tools":[],"x":1,"tools":[]"#.to_owned(),
                r#""tools":null,"tools":7"#.to_owned(),
                format!(r#""tools":[{{"model":{long}}}]"#),
                format!(r#""fallbacks":[{{"model":"good"}},{{"model":{long}}}]"#),
            ];
            if first != MESSAGES {
                members.push(r#""models":[],"models":[]"#.to_owned());
                members.push(
                    r#""tools":[{"type":"function","parameters":{"model":"good"},"type":"a:advisor"}]"#
                        .to_owned(),
                );
                members.push(r#""tools":[{"parameters":{"model":"good","model":"good"}}]"#.to_owned());
                members.push(format!(r#""models":[{long}]"#));
            }
            if first == RESPONSES {
                members.push(r#""input":[{"tools":[],"tools":[]}]"#.to_owned());
            }
            for member in members {
                let body = format!("{{\"model\":\"good\",{member}}}");
                refused(&bridge, first, body.as_bytes(), 400, "model_unreadable");
                assert!(sent(&without, first, body.as_bytes()).reply.is_none(), "{body}");
            }
        }
    }
}

#[test]
fn a_denied_model_is_named_with_at_most_eight_patterns_that_are_allowed() {
    let message = |policy: &Value, body: &str| {
        let world = sent(&with_policy(policy), CHAT, body.as_bytes());
        let body = world.replied().1;
        assert_eq!(world.reply_header("x-should-retry"), Some("false"));
        assert_eq!(world.record()["error"]["message"], body["error"]["message"]);
        body["error"]["message"].as_str().unwrap().to_owned()
    };
    let ten: Vec<String> = (0..10).map(|at| format!("a{at}-*")).collect();
    for (policy, body, expected) in [
        (
            json!({"allow": []}),
            r#"{"model":"m"}"#,
            "\"m\" is not allowed here. Ask the operator which ones are.",
        ),
        (
            json!({"deny": ["m"]}),
            r#"{"model":"m"}"#,
            "\"m\" is not allowed here. Ask the operator which ones are.",
        ),
        (
            json!({"allow": ["a"]}),
            r#"{"model":"m"}"#,
            "\"m\" is not allowed here. Ask for another one that matches \"a\".",
        ),
        (
            json!({"allow": ["a", "b*"], "deny": ["bc"]}),
            r#"{"models":["x\"y"],"model":"a"}"#,
            "\"x\"y\" is not allowed here. Ask for another one that matches \"a\" or \"b*\".",
        ),
        (
            json!({"allow": ten}),
            r#"{"model":"m"}"#,
            "\"m\" is not allowed here. Ask for another one that matches \"a0-*\", \"a1-*\", \"a2-*\", \"a3-*\", \
             \"a4-*\", \"a5-*\", \"a6-*\" or \"a7-*\".",
        ),
    ] {
        assert_eq!(message(&policy, body), format!("AI gateway: the model {expected}"));
    }
    let both = r#"{"fallbacks":["evil-2","evil-3"],"model":"evil-1"}"#;
    assert_eq!(
        message(&json!({"deny": ["evil*"]}), both),
        "AI gateway: the model \"evil-1\" is not allowed here. Ask the operator which ones are.",
        "the requested model is judged first"
    );
}

#[test]
fn an_arn_that_names_no_model_needs_an_allowed_pattern() {
    let named = "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-sonnet-5";
    let opaque = "arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/a1b2c3";
    for (policy, model, code) in [
        (json!({"allow": ["*claude-sonnet-*"]}), named, None),
        (json!({"allow": ["claude-sonnet-*"]}), named, Some("model_denied")),
        (json!({"deny": ["*claude-opus-*"]}), named, None),
        (json!({"deny": ["*claude-sonnet-*"]}), named, Some("model_denied")),
        (json!({"allow": ["*claude-sonnet-*"]}), opaque, Some("model_denied")),
        (json!({"allow": ["arn:*:application-inference-profile/a1b2c3"]}), opaque, None),
        (json!({"allow": ["*"], "deny": ["*opus*"]}), opaque, None),
        (json!({"allow": ["*"], "deny": ["*a1b2*"]}), opaque, Some("model_denied")),
        (json!({"deny": ["*opus*"]}), opaque, Some("model_unreadable")),
        (json!({"deny": ["*a1b2*"]}), opaque, Some("model_denied")),
        (json!({}), opaque, None),
    ] {
        let bridge = with_policy(&policy);
        let fallback = json!({"model": "claude-sonnet-5", "fallbacks": [{"model": model}]});
        for body in [json!({"model": model}), fallback] {
            let refusable = body.get("fallbacks").is_none() || policy.get("allow").is_none();
            match code.filter(|_| refusable) {
                Some(code) => refused(&bridge, MESSAGES, body.to_string().as_bytes(), 400, code),
                None if refusable => {
                    assert!(
                        sent(&bridge, MESSAGES, body.to_string().as_bytes()).reply.is_none(),
                        "{policy} {model}"
                    );
                }
                None => {}
            }
        }
    }
}

#[test]
fn other_models_are_recorded_once_in_order_and_at_most_64() {
    let without = bridge(CONFIGURATION);
    let body = br#"{"fallbacks":["b","a",{"model":"b"}],"model":"a","tools":[{"model":"c"},{"model":"a"}],"models":["d"]}"#;
    let record = passes(CHAT, body);
    assert_eq!(record["model"], json!({"requested": "a", "also_requested": ["b", "a", "c", "d"]}));
    assert_eq!(record["notes"], json!([]));

    let fallbacks = |count: usize| (0..count).map(|at| format!("m{at}")).collect::<Vec<_>>();
    for (count, repeated) in [(64, false), (64, true), (65, false), (10_000, true)] {
        let mut names = fallbacks(count);
        if repeated {
            names.extend(fallbacks(count));
        }
        let body = json!({"model": "a", "fallbacks": names}).to_string();
        let record = sent(&without, MESSAGES, body.as_bytes()).record();
        assert_eq!(record["model"]["also_requested"], json!(fallbacks(count.min(64))));
        let notes = if count > 64 { json!(["also_requested_cut"]) } else { json!([]) };
        assert_eq!(record["notes"], notes, "{count}");
    }

    let long: Vec<String> = (0..64).map(|at| format!("{at}{}", "x".repeat(2000))).collect();
    let record = sent(&without, MESSAGES, json!({"fallbacks": long}).to_string().as_bytes()).record();
    let kept = record["model"]["also_requested"].as_array().unwrap().clone();
    assert_eq!((kept.len(), kept[0].as_str().unwrap().len()), (16, 1024), "16 KiB");
    assert_eq!(record["notes"], json!(["also_requested_cut"]));
}

#[test]
fn the_last_of_ten_thousand_is_judged() {
    let bridge = with_policy(&json!({"deny": ["evil"], "allow": ["*"]}));
    let mut tools: Vec<Value> =
        (0..10_000).map(|at| json!({"type": "t", "model": format!("m{at}")})).collect();
    let body = |tools: &[Value]| json!({"model": "a", "tools": tools}).to_string();
    for first in APIS {
        assert!(sent(&bridge, first, body(&tools).as_bytes()).reply.is_none());
    }
    tools.push(json!({"type": "t", "model": "evil"}));
    for first in APIS {
        let world = sent(&bridge, first, body(&tools).as_bytes());
        assert_eq!(world.replied().0, 400);
        assert_eq!(
            world.record()["error"]["message"],
            "AI gateway: the model \"evil\" is not allowed here. Ask for another one that matches \"*\"."
        );
    }
}
