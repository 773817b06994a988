//! What a 404 says: the right base URL, or who can open the route.

use crate::routes::{BASES, asked, gateway, refused};
use serde_json::Value;
use world::bridge;

#[test]
fn a_404_names_the_right_base_url_or_who_can_open_the_route() {
    let own = r#"{"providers": [
        {"type": "anthropic"}, {"type": "openai"}, {"type": "copilot"}, {"type": "openai", "name": "off", "enabled": false}
    ]}"#;
    let messages = "/anthropic for /anthropic/v1/messages";
    let chat = "/openai/v1 for /openai/v1/chat/completions";
    let responses = "/openai/v1 for /openai/v1/responses";
    let of_copilot = "/copilot for /copilot";
    let closed =
        "The provider is right, but this route is not open; the operator can open it with \"passthrough\".";
    let plain = "Write the path without escapes and parameters, in the letter case of the route.";
    let unknown = "Check the client's base URL and the path.";
    let ends = |ends: &str| format!("The client's base URL must end in {ends}.");
    for (path, hint) in [
        ("/anthropic/v1/v1/messages", ends(messages)),
        ("/anthropic/v1/v1/messages/", ends(messages)),
        ("/anthropic/messages", ends(messages)),
        ("/openai/chat/completions", ends(chat)),
        ("/openai/v1/v1/responses?x=/v1/messages", ends(responses)),
        ("/copilot/v1/chat/completions", ends(&format!("{of_copilot}/chat/completions"))),
        ("/v1/messages", ends(&format!("{messages}, or in {of_copilot}/v1/messages"))),
        ("/v1/chat/completions", ends(&format!("{chat}, or in {of_copilot}/chat/completions"))),
        ("/v1/responses", ends(&format!("{responses}, or in {of_copilot}/responses"))),
        ("/anthropic/v1/chat/completions", ends(&format!("{chat}, or in {of_copilot}/chat/completions"))),
        ("/openai/v1/messages", ends(&format!("{messages}, or in {of_copilot}/v1/messages"))),
        ("/openai/models", ends("/openai/v1 for /openai/v1/models")),
        ("/openai/v1/chat/completion%73", plain.to_owned()),
        ("/openai/v1/responses/comp%61ct", plain.to_owned()),
        ("/openai/v1/Chat/Completions", plain.to_owned()),
        ("/anthropic/v1/MESSAGES/", plain.to_owned()),
        ("/openai/v1/embeddings", closed.to_owned()),
        ("/anthropic/v1/files/a", closed.to_owned()),
        ("/openai/v1/chat/completions/a", unknown.to_owned()),
        ("/openai", unknown.to_owned()),
        ("/", unknown.to_owned()),
        ("/favicon.ico", unknown.to_owned()),
    ] {
        for root in ["", "/gateway"] {
            let mut configuration: Value = serde_json::from_str(own).unwrap();
            configuration["root"] = root.into();
            let bridge = bridge(&configuration.to_string());
            let world = asked(&bridge, "POST", &format!("{root}{path}"), &[]);
            let (status, body) = world.replied();
            let sent = path.split('?').next().unwrap();
            let hint = ["/anthropic", "/openai", "/copilot"].iter().fold(hint.clone(), |hint, provider| {
                hint.replace(&format!(" {provider}"), &format!(" {root}{provider}"))
            });
            assert_eq!(status, 404, "{path}");
            assert_eq!(
                body["error"]["message"],
                format!("AI gateway: no route for POST {root}{sent}. {hint}"),
            );
        }
    }
}

#[test]
fn a_404_message_has_hostile_paths_escaped_and_cut() {
    let (bridge, _) = gateway("", BASES[0], true);
    let long = format!("/{}", "é\"<&\u{2028}".repeat(1000));
    let world = asked(&bridge, "M\"\\", &long, &[]);
    let message = refused(&world, 404, "not_found", "not_found_error", false, "long");
    let message = message.as_str().unwrap();
    assert!(
        message.starts_with("AI gateway: no route for M\"\\ /é\"<&\u{2028}é") && message.len() < 1200,
        "{message}"
    );
    let path = message.strip_prefix("AI gateway: no route for M\"\\ ").unwrap();
    let path = path.strip_suffix(". Check the client's base URL and the path.").unwrap();
    assert!(long.starts_with(path) && path.len() <= 1024, "{message}");
    let raw = &world.reply.as_ref().unwrap().body;
    assert!(raw.bytes().all(|byte| byte >= b' '), "{raw}");
}
