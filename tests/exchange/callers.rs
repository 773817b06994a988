//! Who calls: the actor, the client program, the session.

use ai_bridge::bridge::Bridge;
use ai_bridge::headers::Headers;
use serde_json::{Value, json};
use std::rc::Rc;
use world::{CONFIGURATION, World, bridge, changed, exchanged, head};

const BRIDGED: &str = "POST /anthropic/v1/messages";

const PASSTHROUGH: &str = "POST /anthropic/v1/messages/count_tokens";

fn headers(first: &str, lines: &[(&str, &[u8])]) -> Headers {
    let mut pairs: Vec<(String, Vec<u8>)> =
        head(first, &[]).iter().map(|(name, value)| (name.to_owned(), value.to_vec())).collect();
    pairs.extend(lines.iter().map(|(name, value)| ((*name).to_owned(), value.to_vec())));
    Headers::new(pairs)
}

fn called(bridge: &Rc<Bridge>, first: &str, lines: &[(&str, &[u8])], property: Option<&[u8]>) -> World {
    let mut world = World::new(bridge);
    world.request_with(headers(first, lines), property, false);
    world
}

fn recorded(mut world: World) -> Value {
    if world.reply.is_none() {
        world.upload(b"{}", true);
    }
    world.finish("downstream_remote_disconnect");
    world.record()
}

#[test]
fn a_missing_or_unreadable_actor_is_refused_on_every_route() {
    let bridge = |required: bool| {
        changed(|configuration| {
            configuration["actor"]["property"] = json!(["metadata", "x"]);
            configuration["actor"]["required"] = json!(required);
        })
    };
    let (free, required) = (bridge(false), bridge(true));
    let ann: (&str, &[u8]) = ("x-actor", b"ann");
    for (lines, property, when_free, when_required) in [
        (vec![ann], None, None, None),
        (vec![], None, None, Some(401)),
        (vec![("x-actor", &b""[..])], None, None, Some(401)),
        (vec![("x-actor", b" \t ")], None, None, Some(401)),
        (vec![("x-team", b"red")], None, None, Some(401)),
        (vec![], Some(&b"ann"[..]), None, None),
        (vec![], Some(b"  "), None, Some(401)),
        (vec![ann, ann], None, Some(400), Some(400)),
        (vec![ann, ("x-actor", b"")], None, Some(400), Some(400)),
        (vec![("x-actor", b"a\xff")], None, Some(400), Some(400)),
        (vec![("x-actor", b"\xe9")], None, Some(400), Some(400)),
        (vec![ann, ("x-team", b"a"), ("x-team", b"b")], None, Some(400), Some(400)),
        (vec![ann, ("x-team", b"\xff")], None, Some(400), Some(400)),
        (vec![], Some(b"\xff"), Some(400), Some(400)),
    ] {
        for first in [BRIDGED, PASSTHROUGH] {
            for (bridge, status) in [(&free, when_free), (&required, when_required)] {
                let mut world = called(bridge, first, &lines, property);
                assert_eq!(
                    world.reply.as_ref().map(|reply| reply.status),
                    status,
                    "{first} {lines:?} {property:?}"
                );
                let (records, code) = (
                    usize::from(first == BRIDGED),
                    if status == Some(401) { "missing_actor" } else { "unreadable_actor" },
                );
                if status.is_some() {
                    world.finish("");
                    assert_eq!(world.records, records);
                    assert!(
                        world
                            .measured
                            .iter()
                            .any(|measured| measured.series.raw_name().contains(&format!("reason=.={code}")))
                    );
                }
            }
        }
    }
}

#[test]
fn headers_that_name_the_actor_never_go_upstream() {
    let bridge = changed(|configuration| configuration["actor"]["property"] = json!(["metadata", "x"]));
    for first in [BRIDGED, PASSTHROUGH] {
        for property in [None, Some(&b"property"[..])] {
            let world = called(
                &bridge,
                first,
                &[("x-actor", b"ann"), ("x-team", b"red"), ("x-other", b"kept")],
                property,
            );
            assert_eq!(
                (world.sent("x-actor"), world.sent("x-team"), world.sent("x-other")),
                (None, None, Some("kept"))
            );
        }
    }
    let without_actor = changed(|configuration| configuration["actor"] = json!({}));
    let world = called(
        &without_actor,
        BRIDGED,
        &[("x-actor", b"ann"), ("x-ai-bridge-actor-id", b"ann")],
        Some(b"ann"),
    );
    assert_eq!(world.sent("x-actor"), Some("ann"), "a header without a configured use is the client's own");
    let record = recorded(world);
    assert!(record.get("actor").is_none_or(|actor| actor["id"].is_null()), "{record}");
}

#[test]
fn the_property_wins_over_the_actor_header() {
    let bridge = changed(|configuration| configuration["actor"]["property"] = json!(["metadata", "x"]));
    for (property, lines, id) in [
        (Some(&b" prop "[..]), vec![("x-actor", &b"header"[..]), ("x-team", b" red ")], "prop"),
        (None, vec![("x-actor", b" header "), ("x-team", b"red")], "header"),
        (Some(b""), vec![("x-actor", b"header"), ("x-team", b"red")], "header"),
    ] {
        let world = called(&bridge, BRIDGED, &lines, property);
        assert_eq!(world.published["ai_bridge_actor"], id);
        assert_eq!(recorded(world)["actor"], json!({"id": id, "metadata": {"team": "red"}}));
    }
}

/// The clients in order of precedence: prefix of the user agent, `originator`, name.
const CLIENTS: [(&str, Option<&str>, &str); 26] = [
    ("mux/", None, "Mux"),
    ("xum/", None, "Mux"),
    ("claude", None, "Claude Code"),
    ("codex", None, "Codex"),
    ("zed/", None, "Zed"),
    ("githubcopilotchat/", None, "GitHub Copilot (VS Code)"),
    ("copilot/", None, "GitHub Copilot (CLI)"),
    ("kilo-code/", Some("kilo-code"), "Kilo Code"),
    ("roo-code/", Some("roo-code"), "Roo Code"),
    ("coder-agents/", None, "Coder Agents"),
    ("charm crush/", None, "Charm Crush"),
    ("charm-crush/", None, "Charm Crush"),
    ("opencode/", None, "OpenCode"),
    ("junie", None, "Junie"),
    ("kilo/latest/", None, "Kilo Code"),
    ("roocode/", None, "Roo Code"),
    ("zoocode/", None, "Roo Code"),
    ("geminicli/", None, "Gemini CLI"),
    ("qwencode/", None, "Qwen Code"),
    ("cline/", None, "Cline"),
    ("goose/", None, "Goose"),
    ("factory-cli/", None, "Factory"),
    ("x-cursor-client-version", None, "Cursor"),
    ("langchain", None, "LangChain"),
    ("litellm/", None, "LiteLLM"),
    ("", None, "Unknown"),
];

#[test]
fn the_first_matching_row_of_the_table_is_the_client() {
    let bridge = bridge(CONFIGURATION);
    let place = |wanted: &str| CLIENTS.iter().position(|(_, _, name)| *name == wanted).unwrap();
    for (prefix, _, name) in CLIENTS.iter().filter(|(_, _, name)| !["Cursor", "Unknown"].contains(name)) {
        for (originator, by_originator) in [
            (None, "Unknown"),
            (Some("Kilo-Code"), "Kilo Code"),
            (Some("roo-code"), "Roo Code"),
            (Some("other"), "Unknown"),
        ] {
            for cursor in [false, true] {
                let agents =
                    [prefix.to_string(), prefix.to_uppercase(), format!("{prefix}1.2 (x) claude codex mux/")];
                for agent in agents {
                    let mut lines = vec![("user-agent", agent.as_bytes())];
                    lines.extend(originator.map(|value: &str| ("originator", value.as_bytes())));
                    lines.extend(cursor.then_some(("x-cursor-client-version", &b""[..])));
                    let candidates = [*name, by_originator, if cursor { "Cursor" } else { "Unknown" }];
                    let wanted = candidates.into_iter().min_by_key(|name| place(name)).unwrap();
                    let record = recorded(called(&bridge, BRIDGED, &lines, None));
                    assert_eq!(record["client"], wanted, "{agent} {originator:?} {cursor}");
                    assert_eq!(record["user_agent"], agent);
                }
            }
        }
        // The prefix counts only at the beginning, and only as a whole.
        let shorter = &prefix[..prefix.len() - 1];
        for agent in [format!("x{prefix}1"), format!("x {prefix}"), shorter.to_owned()] {
            let record = recorded(called(&bridge, BRIDGED, &[("user-agent", agent.as_bytes())], None));
            assert_eq!(record["client"], "Unknown", "{agent}");
        }
    }
}

#[test]
fn an_sdk_is_the_client_where_nothing_more_precise_is_said() {
    let bridge = bridge(CONFIGURATION);
    for (lines, client) in [
        (vec![("user-agent", "Anthropic/Python 2.12.0")], "Anthropic SDK (Python)"),
        (vec![("user-agent", "AsyncOpenAI/Python 3.54.0")], "OpenAI SDK (Python)"),
        (vec![("user-agent", "OpenAI/JS 5.20.1")], "OpenAI SDK (JS)"),
        (vec![("user-agent", "ai/5.0.0 ai-sdk/openai/2.0.0 runtime/node.js/22")], "Vercel AI SDK"),
        (vec![("user-agent", "OpenAI/JS 5.20.1"), ("originator", "roo-code")], "Roo Code"),
        (vec![("user-agent", "Anthropic/JS 0.94.0"), ("x-cursor-client-version", "1")], "Cursor"),
        (vec![("user-agent", "opencode/1.0.0 ai-sdk/provider-utils/3.0.9")], "OpenCode"),
    ] {
        let lines: Vec<_> = lines.iter().map(|(name, value)| (*name, value.as_bytes())).collect();
        assert_eq!(recorded(called(&bridge, BRIDGED, &lines, None))["client"], client, "{lines:?}");
    }
}

#[test]
fn the_agent_of_claude_code_is_recorded() {
    let bridge = bridge(CONFIGURATION);
    let agent = |agent: &str, ids: &[(&str, &str)]| {
        let mut lines = vec![("user-agent", agent.as_bytes())];
        lines.extend(ids.iter().map(|(name, id)| (*name, id.as_bytes())));
        recorded(called(&bridge, BRIDGED, &lines, None)).get("agent").cloned()
    };
    let [id, parent] = [("x-claude-code-agent-id", " a7 "), ("x-claude-code-parent-agent-id", "a1")];
    let claude = "claude-cli/2.1.330 (external, cli)";
    assert_eq!(agent(claude, &[id, parent]), Some(json!({"id": "a7", "parent_id": "a1"})));
    assert_eq!(agent(claude, &[id]), Some(json!({"id": "a7"})));
    assert_eq!(agent(claude, &[parent]), Some(json!({"parent_id": "a1"})));
    assert_eq!(agent(claude, &[("x-claude-code-agent-id", "  ")]), None, "an empty id names no agent");
    assert_eq!(agent(claude, &[]), None, "the main agent");
    assert_eq!(agent("codex/1", &[id, parent]), None, "another client's headers are not read");
}

const JSON_ID: &str = r#"{"device_id":"d","account_uuid":"a","session_id":" json "}"#;

const TEXT_ID: &str = "user_d_account_a_session_ text _session_2 ";

#[test]
fn the_session_of_claude_code_is_in_its_header_or_user_id() {
    let bridge = bridge(CONFIGURATION);
    let request = |path: &str, agent: &str, header: Option<&str>, user_id: &Value| {
        let mut world = World::new(&bridge);
        let mut lines = vec![("user-agent", agent), ("authorization", "Bearer gho_0123456789")];
        if path.starts_with("POST /anthropic") {
            lines.pop();
        }
        lines.extend(header.map(|value| ("x-claude-code-session-id", value)));
        let body =
            json!({"model": "m", "metadata": {"user_id": user_id, "other": "_session_no"}, "messages": []});
        world.request(head(path, &lines), false).upload(body.to_string().as_bytes(), true);
        world.finish("downstream_remote_disconnect");
        (world.record()["session_id"].clone(), world.published["ai_bridge_session"].clone())
    };
    let claude = "claude-cli/2.1";
    for (path, agent, header, user_id, session) in [
        (BRIDGED, claude, None, json!(JSON_ID), "json"),
        (BRIDGED, claude, None, json!(TEXT_ID), "text _session_2"),
        (BRIDGED, claude, Some(" header "), json!(JSON_ID), "header"),
        (BRIDGED, claude, Some("  "), json!(JSON_ID), "json"),
        (BRIDGED, claude, Some(""), json!(TEXT_ID), "text _session_2"),
        ("POST /copilot/v1/messages", claude, None, json!(JSON_ID), "json"),
        (BRIDGED, claude, None, json!(7), ""),
        (BRIDGED, claude, None, json!({"session_id": "no"}), ""),
        (BRIDGED, claude, None, json!("user"), ""),
        (BRIDGED, claude, None, json!("user_session_ "), ""),
        (BRIDGED, claude, None, json!("{\"session_id\":\"\\u0061\\n\"}"), "a"),
        // Other clients do not use these sources.
        (BRIDGED, "codex/1", Some("header"), json!(JSON_ID), ""),
        (BRIDGED, "curl/8", None, json!(TEXT_ID), ""),
        ("POST /openai/v1/chat/completions", claude, None, json!(JSON_ID), ""),
    ] {
        let (recorded, published) = request(path, agent, header, &user_id);
        assert_eq!(
            (recorded.as_str().unwrap_or_default(), published.as_str()),
            (session, session),
            "{path} {agent} {header:?} {user_id}"
        );
    }
}

#[test]
fn a_user_id_is_read_in_its_place_and_up_to_its_bound() {
    let bridge = bridge(CONFIGURATION);
    let long = format!("{}_session_s", "u".repeat(5000));
    for (body, session, notes) in [
        (json!({"metadata": {"x": {"user_id": TEXT_ID}}}), None, json!([])),
        (json!({"user_id": TEXT_ID}), None, json!([])),
        (json!({"metadata": [{"user_id": TEXT_ID}]}), None, json!([])),
        (json!({"metadata": TEXT_ID}), None, json!([])),
        (json!({"metadata": {"user_id": long}}), None, json!(["value_too_large"])),
        (json!({"metadata": {"user_id": format!("{}_session_s", "u".repeat(4000))}}), Some("s"), json!([])),
    ] {
        let mut world = World::new(&bridge);
        world.request(head(BRIDGED, &[("user-agent", "claude-cli/2")]), false);
        world.upload(body.to_string().as_bytes(), true).finish("downstream_remote_disconnect");
        let record = world.record();
        assert_eq!((record["session_id"].as_str(), &record["notes"]), (session, &notes));
    }
}

#[test]
fn every_client_has_its_session_header() {
    for (lines, client, session) in [
        (vec![("user-agent", "mux/1"), ("x-mux-workspace-id", "w")], "Mux", Some("w")),
        (vec![("user-agent", "codex_exec/0.1"), ("session_id", "s")], "Codex", Some("s")),
        (
            vec![("user-agent", "GitHubCopilotChat/1"), ("x-interaction-id", "i")],
            "GitHub Copilot (VS Code)",
            Some("i"),
        ),
        (vec![("user-agent", "copilot/1"), ("x-client-session-id", "c")], "GitHub Copilot (CLI)", Some("c")),
        (vec![("originator", "kilo-code"), ("x-kilocode-taskid", "k")], "Kilo Code", Some("k")),
        (vec![("user-agent", "coder-agents/1"), ("x-coder-chat-id", "d")], "Coder Agents", Some("d")),
        (vec![("user-agent", "opencode/1"), ("x-session-affinity", "o")], "OpenCode", Some("o")),
        (vec![("x-cursor-client-version", "1"), ("session-id", "no")], "Cursor", None),
        (vec![("user-agent", "curl/8"), ("session-id", "no")], "Unknown", None),
    ] {
        let record =
            exchanged(&bridge(CONFIGURATION), "/anthropic/v1/messages", &lines, &json!({}), &json!({}))
                .record();
        assert_eq!((record["client"].as_str(), record["session_id"].as_str()), (Some(client), session));
    }
}

const ROUTE: &str = "POST /anthropic/v1/messages";

#[test]
fn a_property_that_is_no_text_is_refused() {
    let bridge =
        changed(|configuration| configuration["actor"] = json!({"property": ["request", "headers"]}));
    // The host encodes a number, a boolean and a map like this: bytes that may be valid UTF-8.
    for property in
        [&b"\x03\0\0\0\0\0\0\0"[..], b"\0", b"\x01\0\0\0\x0d\0\0\0\x0a\0\0\0authorization\0Bearer sk-x\0"]
    {
        let mut world = World::new(&bridge);
        world.request_with(head(ROUTE, &[]), Some(property), false).done();
        assert_eq!(world.replied().0, 400);
        let record = world.published["ai_bridge_record"].clone();
        assert!(!record.contains("sk-x"), "{record}");
    }
}
