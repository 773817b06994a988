//! The member's own name for a model, in the body and in the path.

use super::{REQUEST, answers, member, pool};
use serde_json::json;
use world::{World, head};

#[test]
fn a_models_name_is_the_members_own_in_the_body_and_in_the_path() {
    let bridge = pool(|provider| {
        provider["pool"][1]["models"] = json!({"claude-opus-*": "opus/on b", "*": "x"});
    });
    let mut world = World::new(&bridge);
    let lines = [("content-length", &*REQUEST.len().to_string())];
    world.request(head("POST /p/v1/messages", &lines), false).upload(REQUEST.as_bytes(), true);
    let asked = world.attempts(3, &|name| if name == "c" { answers(200, &[]) } else { answers(500, &[]) });
    let mapped = REQUEST.replace("claude-opus-4", "opus/on b");
    let bodies: Vec<&[u8]> = asked.iter().map(|asked| asked.body.as_slice()).collect();
    assert_eq!(bodies, [REQUEST.as_bytes(), mapped.as_bytes(), REQUEST.as_bytes()]);
    let lengths: Vec<bool> = asked.iter().map(|asked| asked.headers.contains("content-length")).collect();
    assert_eq!(lengths, [true, false, true]);

    let models = json!({"gpt-*": "my gpt/1", "*": "y"});
    let members = ["a", "b"].map(|name| {
        let mut member = member(name);
        member["models"] = if name == "b" { models.clone() } else { json!({"*": "plain"}) };
        member
    });
    let azure = json!({"type": "azure", "name": "p", "pool": members, "query": {"api-version": "1"}});
    let bridge = world::bridge(&json!({"providers": [azure]}).to_string());
    let mut world = World::new(&bridge);
    let body = r#"{"model":"gpt-5","messages":[]}"#;
    world
        .request(head("POST /p/openai/deployments/gpt%2D5/chat/completions?a=gpt-5", &[]), false)
        .upload(body.as_bytes(), true);
    let asked = world.attempts(3, &|name| if name == "b" { answers(200, &[]) } else { answers(500, &[]) });
    let paths: Vec<_> = asked.iter().map(|asked| asked.headers.text(":path").unwrap()).collect();
    assert_eq!(
        paths,
        [
            "/base-a/openai/deployments/plain/chat/completions?a=gpt-5&api-version=1",
            "/base-b/openai/deployments/my%20gpt%2F1/chat/completions?a=gpt-5&api-version=1",
        ]
    );
    assert!(asked.iter().all(|asked| asked.body == body.as_bytes()), "the body's model is not read");
}
