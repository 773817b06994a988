//! Routes of paths, by example.

mod properties;

use super::*;
use crate::bedrock::{Bedrock, Mode};
use crate::credential::{Byok, Key};
use crate::provider::{BaseUrl, ModelPolicy, Passthrough, ProviderType};

fn provider(kind: ProviderType, name: &str, base_path: &str) -> Provider {
    Provider {
        kind,
        name: name.into(),
        enabled: true,
        base_url: BaseUrl { authority: "upstream.example".to_owned(), path: base_path.to_owned() },
        cluster: name.to_owned(),
        byok_cluster: name.to_owned(),
        vendor: Some(kind.profile().vendor),
        key_header: None,
        query: Vec::new(),
        more_passthrough: Vec::new(),
        ask_for_usage: true,
        key: Key::Absent,
        key_hint: None,
        byok: Byok::Allow,
        send_actor: false,
        models: ModelPolicy::default(),
        allow_background: false,
        stored_objects: true,
        open_retry_after_seconds: 30,
        bedrock: None,
        pool: None,
    }
}

fn table(root: &str) -> RouteTable {
    RouteTable::new(
        root,
        &[
            provider(ProviderType::Anthropic, "anthropic", ""),
            provider(ProviderType::OpenAi, "openai", "/v1"),
            provider(ProviderType::Copilot, "copilot", ""),
            provider(ProviderType::Anthropic, "deep", "/api"),
            provider(ProviderType::Copilot, "copilot-business", "/b"),
            provider(ProviderType::Anthropic, "doubled", "/v1"),
            provider(ProviderType::Azure, "azure", ""),
            provider(ProviderType::Vertex, "vertex", "/v1"),
            provider(ProviderType::Gemini, "gemini", ""),
            Provider {
                bedrock: Some(Bedrock { region: "eu-west-1".to_owned(), mode: Mode::Runtime }),
                ..provider(ProviderType::Anthropic, "runtime", "")
            },
        ],
    )
}

fn find(path: &str) -> Found {
    table("").find(b"POST", path.as_bytes())
}

fn bridged(path: &str) -> (Api, String) {
    match find(path) {
        Found { target: Target::Bridged { api, upstream_path, .. }, dialect, provider: Some(_) }
            if dialect == api.dialect() =>
        {
            (api, String::from_utf8(upstream_path).unwrap())
        }
        other => panic!("{path}: {other:?}"),
    }
}

fn passed(path: &str) -> String {
    match find(path) {
        Found { target: Target::Passthrough { upstream_path, .. }, provider: Some(_), .. } => {
            String::from_utf8(upstream_path).unwrap()
        }
        other => panic!("{path}: {other:?}"),
    }
}

#[test]
fn bridged_routes_go_to_the_base_url_with_their_query() {
    for (path, api, upstream) in [
        ("/openai/v1/chat/completions", Api::ChatCompletions, "/v1/chat/completions"),
        ("/openai/v1/responses", Api::Responses, "/v1/responses"),
        ("/openai/v1/responses/compact", Api::Responses, "/v1/responses/compact"),
        ("/anthropic/v1/messages?beta=true", Api::Messages, "/v1/messages?beta=true"),
        ("/anthropic/v1/messages?", Api::Messages, "/v1/messages?"),
        ("/anthropic/v1/messages?a=%zz/../\\&b=//?#", Api::Messages, "/v1/messages?a=%zz/../\\&b=//?#"),
        ("/deep/v1/messages", Api::Messages, "/api/v1/messages"),
        ("/doubled/v1/messages", Api::Messages, "/v1/v1/messages"),
        ("/copilot/chat/completions", Api::ChatCompletions, "/chat/completions"),
        ("/copilot/responses", Api::Responses, "/responses"),
        ("/copilot/responses/compact", Api::Responses, "/responses/compact"),
        ("/copilot/v1/messages", Api::Messages, "/v1/messages"),
        ("/copilot-business/v1/messages", Api::Messages, "/b/v1/messages"),
    ] {
        assert_eq!(bridged(path), (api, upstream.to_owned()), "{path}");
    }
}

#[test]
fn a_trailing_slash_on_a_bridged_route_is_that_route_without_it() {
    for (path, upstream) in [
        ("/openai/v1/responses/", "/v1/responses"),
        ("/openai/v1/responses/?stream=true", "/v1/responses?stream=true"),
        ("/openai/v1/responses/compact/", "/v1/responses/compact"),
        ("/openai/v1/chat/completions/", "/v1/chat/completions"),
        ("/anthropic/v1/messages/", "/v1/messages"),
        ("/copilot/responses/", "/responses"),
    ] {
        assert_eq!(bridged(path).1, upstream, "{path}");
    }
    let got = table("").find(b"GET", b"/openai/v1/responses/").target;
    assert!(matches!(got, Target::Bridged { api: Api::Responses, .. }), "{got:?}");
}

#[test]
fn passthrough_paths_are_forwarded_as_written() {
    for (path, upstream) in [
        ("/anthropic/v1/models", "/v1/models"),
        ("/anthropic/v1/models/", "/v1/models/"),
        ("/anthropic/v1/models/claude-opus-4-1", "/v1/models/claude-opus-4-1"),
        ("/anthropic/v1/messages/count_tokens?beta=true", "/v1/messages/count_tokens?beta=true"),
        ("/anthropic/api/event_logging", "/api/event_logging"),
        ("/anthropic/api/event_logging/batch", "/api/event_logging/batch"),
        ("/anthropic/api/hello", "/api/hello"),
        ("/deep/v1/models", "/api/v1/models"),
        ("/doubled/v1/models", "/v1/v1/models"),
        ("/openai/v1/models/ft%3Agpt%2F5?x=%2E%2E", "/v1/models/ft%3Agpt%2F5?x=%2E%2E"),
        ("/openai/v1/models/a%2Fb/", "/v1/models/a%2Fb/"),
        ("/openai/v1/models/%FF%0A.%25", "/v1/models/%FF%0A.%25"),
        ("/openai/v1/models/%252e%252e/x", "/v1/models/%252e%252e/x"),
        ("/openai/v1/models/.../..a/.b/é", "/v1/models/.../..a/.b/é"),
        ("/openai/v1/models/...;/..a;b/;", "/v1/models/...;/..a;b/;"),
        ("/openai/v1/conversations", "/v1/conversations"),
        ("/openai/v1/responses/resp_1/input_items", "/v1/responses/resp_1/input_items"),
        ("/openai/v1/responses/compact/x", "/v1/responses/compact/x"),
        ("/openai/v1/responses/compacted", "/v1/responses/compacted"),
        ("/copilot/agents", "/agents"),
        ("/copilot/agents/", "/agents/"),
        ("/copilot/agents/swe/internal/memory", "/agents/swe/internal/memory"),
        ("/copilot/mcp/readonly", "/mcp/readonly"),
        ("/copilot/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource"),
        ("/copilot/_ping", "/_ping"),
    ] {
        assert_eq!(passed(path), upstream, "{path}");
    }
}

#[test]
fn other_paths_are_not_found_in_the_error_shape_of_their_route() {
    use Dialect::{Anthropic, OpenAi};
    for (path, provider, dialect) in [
        ("", None, OpenAi),
        ("*", None, OpenAi),
        ("/", None, OpenAi),
        ("/v1/messages", None, Anthropic),
        ("/anthropicx/v1/messages", None, Anthropic),
        ("/openai/chat/completions", None, OpenAi),
        ("/openai/v%31/responses", None, OpenAi),
        ("/%61nthropic/v1/messages", None, Anthropic),
        ("/Anthropic/v1/messages", None, Anthropic),
        ("/anthropic%2Fv1/messages", None, Anthropic),
        ("/anthropic", Some(0), Anthropic),
        ("/anthropic?x", Some(0), Anthropic),
        ("/anthropic/", Some(0), Anthropic),
        ("/anthropic/v1/m%65ssages", Some(0), Anthropic),
        ("/anthropic/v1/messages/batches", Some(0), Anthropic),
        ("/anthropic/v1/messages/count_tokens/", Some(0), Anthropic),
        ("/anthropic/v1/mod%65ls", Some(0), Anthropic),
        ("/anthropic/api/hello/x", Some(0), Anthropic),
        ("/anthropic/v1/{*rest}", Some(0), Anthropic),
        ("/openai/v1", Some(1), OpenAi),
        ("/openai/v1/embeddings", Some(1), OpenAi),
        ("/openai/v1/responses/comp%61ct", Some(1), OpenAi),
        ("/openai/v1/responses/comp%61ct/", Some(1), OpenAi),
        ("/openai/v1/responses/compact%2F", Some(1), OpenAi),
        ("/openai/v1/responses/compact%3Fx", Some(1), OpenAi),
        ("/openai/v1/responses/compact;a=b", Some(1), OpenAi),
        ("/openai/v1/responses/compact%3Ba", Some(1), OpenAi),
        ("/openai/v1/responses/compact%20", Some(1), OpenAi),
        ("/openai/v1/responses/compact%20/", Some(1), OpenAi),
        ("/openai/v1/responses/compact%23", Some(1), OpenAi),
        ("/openai/v1/responses/%3F", Some(1), OpenAi),
        ("/openai/v1/responses%2Fcompact", Some(1), OpenAi),
        ("/copilot/responses/resp_1", Some(2), OpenAi),
        ("/copilot/v1/messages/count_tokens", Some(2), Anthropic),
        ("/copilot/v1/mess%61ges", Some(2), OpenAi),
        ("/copilot/v1/messagesx", Some(2), OpenAi),
    ] {
        assert_eq!(find(path), Found { provider, dialect, target: Target::NotFound }, "{path}");
    }
}

#[test]
fn hygiene_refuses_paths_with_two_meanings() {
    use Dialect::{Anthropic, OpenAi};
    use PathProblem::*;
    let cases: &[(&[u8], PathProblem, Option<usize>, Dialect)] = &[
        (b"/anthropic/v1/models/..", DotSegment, Some(0), Anthropic),
        (b"/anthropic/../openai/v1/responses", DotSegment, Some(0), Anthropic),
        (b"/../anthropic/v1/messages", DotSegment, None, Anthropic),
        (b".", DotSegment, None, OpenAi),
        (b"/copilot/v1/messages/./x", DotSegment, Some(2), Anthropic),
        (b"/copilot/agents/%2e%2E/models", DotSegment, Some(2), OpenAi),
        (b"/openai/v1/models/a%2F..%2Fb", DotSegment, Some(1), OpenAi),
        (b"/openai/v1/models/a%2f%2e", DotSegment, Some(1), OpenAi),
        (b"/openai/v1/models/..;/files", DotSegment, Some(1), OpenAi),
        (b"/openai/v1/models/%2e.%3Ba=b", DotSegment, Some(1), OpenAi),
        (b"/copilot/agents/.;x/y", DotSegment, Some(2), OpenAi),
        (b"//anthropic/v1/messages", EmptySegment, None, Anthropic),
        (b"/anthropic//v1/messages", EmptySegment, Some(0), Anthropic),
        (b"/anthropic/v1/messages//", EmptySegment, Some(0), Anthropic),
        (b"/openai/v1/responses/%2F", EmptySegment, Some(1), OpenAi),
        (b"/openai/v1/models/a%2F%2Fb", EmptySegment, Some(1), OpenAi),
        (b"/openai/v1/models/%20", BlankSegment, Some(1), OpenAi),
        (b"/openai/v1/models/%09%C2%A0/x", BlankSegment, Some(1), OpenAi),
        (b"/openai/v1/models/x%2F%0D%0A", BlankSegment, Some(1), OpenAi),
        (b"/openai/v1/models/a\\b", Backslash, Some(1), OpenAi),
        (b"/openai/v1/models/a%5cb", Backslash, Some(1), OpenAi),
        (b"/openai/v1/models/a%00", EncodedNul, Some(1), OpenAi),
        (b"/openai/v1/models/100%", InvalidEscape, Some(1), OpenAi),
        (b"/openai/v1/models/%4", InvalidEscape, Some(1), OpenAi),
        (b"/openai/v1/models/%+1", InvalidEscape, Some(1), OpenAi),
        (b"/openai/v1/models/%u0041", InvalidEscape, Some(1), OpenAi),
        (b"/openai/v1/models/\xff", NotUtf8, Some(1), OpenAi),
        (b"/openai/v1/models/a\0", ForbiddenCharacter, Some(1), OpenAi),
        (b"/openai/v1/models/a\x7f", ForbiddenCharacter, Some(1), OpenAi),
        (b"/openai/v1/responses/compact#", ForbiddenCharacter, Some(1), OpenAi),
        (b"/openai/v1/models/a b", ForbiddenCharacter, Some(1), OpenAi),
    ];
    for (path, problem, provider, dialect) in cases.iter().copied() {
        let expected = Found { provider, dialect, target: Target::Invalid(problem) };
        assert_eq!(table("").find(b"GET", path), expected, "{}", path.escape_ascii());
    }
}

#[test]
fn the_root_is_compared_as_written_and_hygiene_applies_below_it() {
    let table = table("/api/v2/{ai}/./bridge");
    for path in [
        "/",
        "",
        "/api/v2",
        "/api/v2/{ai}/./bridgex",
        "/%61pi/v2/{ai}/./bridge/openai",
        "/openai/v1/models/..",
    ] {
        let expected = Found { provider: None, dialect: Dialect::OpenAi, target: Target::Outside };
        assert_eq!(table.find(b"GET", path.as_bytes()), expected, "{path}");
    }
    for path in ["/api/v2/{ai}/./bridge", "/api/v2/{ai}/./bridge/", "/api/v2/{ai}/./bridge?x"] {
        assert_eq!(table.find(b"GET", path.as_bytes()).target, Target::NotFound, "{path}");
    }
    let got = table.find(b"POST", b"/api/v2/{ai}/./bridge/openai/v1/chat/completions?\xff").target;
    let upstream_path = b"/v1/chat/completions?\xff".to_vec();
    let (api, model, streamed) = (Api::ChatCompletions, None, false);
    assert_eq!(got, Target::Bridged { api, upstream_path, model, streamed });
    let got = table.find(b"POST", b"/api/v2/{ai}/./bridge/../x").target;
    assert_eq!(got, Target::Invalid(PathProblem::DotSegment));
}

#[test]
fn stored_objects_are_openais_and_models_when_deleted() {
    let stored = |method: &str, path: &str| {
        let target = table("").find(method.as_bytes(), path.as_bytes()).target;
        let Target::Passthrough { stored_object, .. } = target else { panic!("{path}: {target:?}") };
        stored_object
    };
    assert!(stored("GET", "/openai/v1/responses/resp_1?stream=true"));
    assert!(stored("DELETE", "/openai/v1/models/ft"));
    assert!(!stored("GET", "/openai/v1/models/ft"));
    assert!(!stored("DELETE", "/copilot/models/x"));
    assert!(stored("DELETE", "/anthropic/v1/models/x"));
    assert!(stored("delete", "/anthropic/v1/models"));
    assert!(!stored("GET", "/anthropic/v1/models/x"));
    assert!(!stored("DELETE", "/anthropic/api/event_logging/models"));
}

/// The target of `path` at a provider with the operator's passthrough route `route`.
fn opened(kind: ProviderType, route: &str, method: &str, path: &str) -> Target {
    let more_passthrough = vec![route.to_owned()];
    let provider = Provider { more_passthrough, ..provider(kind, kind.name(), "") };
    RouteTable::new("", &[provider]).find(method.as_bytes(), path.as_bytes()).target
}

#[test]
fn an_opened_subtree_holds_no_bridged_route_with_parameters_or_white_space() {
    use ProviderType::{Azure, Gemini};
    for (kind, route, path) in [
        (Azure, "/openai/v1/", "/azure/openai/v1/chat;x/completions"),
        (Azure, "/openai/v1/", "/azure/openai/v1/chat%3Bx/completions;y"),
        (Azure, "/openai/v1/", "/azure/openai/v1/chat%20/%09completions"),
        (Azure, "/openai/v1/", "/azure/openai/v1/chat;x/completions%3Fy/z"),
        (Azure, "/openai/v1/", "/azure/openai/v1/;x/chat/completions/"),
        (Azure, "/openai/v1/", "/azure/openai/v1/chat%C2%A0/completions"),
        (Gemini, "/v1beta/", "/gemini/v1beta/models;x/m:generateContent"),
        (Gemini, "/v1beta/", "/gemini/v1beta/%20models/m:streamGenerateContent;y"),
    ] {
        assert_eq!(opened(kind, route, "POST", path), Target::NotFound, "{path}");
    }
    for (kind, route, path) in [
        (Azure, "/openai/v1/", "/azure/openai/v1/chat;x/completion"),
        (Azure, "/openai/v1/", "/azure/openai/v1/embeddings;x"),
        (Gemini, "/v1beta/", "/gemini/v1beta/files;x/m"),
    ] {
        let target = opened(kind, route, "POST", path);
        assert!(matches!(target, Target::Passthrough { .. }), "{path}: {target:?}");
    }
}

#[test]
fn the_signature_of_an_aws_client_is_removed_from_the_query_of_the_runtime_api() {
    let path =
        "/runtime/model/m/count-tokens?a=b&X-Amz-Signature=1&x-amz-date=2&%58-AMZ-Credential=3&x-amzn=4";
    assert_eq!(passed(path), "/model/m/count-tokens?a=b&x-amzn=4");
    assert_eq!(passed("/anthropic/v1/models?X-Amz-Date=1"), "/v1/models?X-Amz-Date=1");
}

#[test]
fn a_method_of_google_is_read_where_configured() {
    let path = "/gemini/v1beta/models/m:embedContent";
    for (route, opened_by_it) in
        [("/v1beta/models/{m}:embedContent", true), ("/v1beta/models/", true), ("/x", false)]
    {
        let target = opened(ProviderType::Gemini, route, "GET", path);
        assert_eq!(matches!(target, Target::Passthrough { .. }), opened_by_it, "{route}: {target:?}");
    }
}

#[test]
fn a_stored_object_is_found_in_every_spelling() {
    for (path, expected) in [
        ("/azure/openai/v1/respons%65s/resp_1", true),
        ("/azure/openai/v1/models;x/m", true),
        ("/azure/openai/v1/models%20/m", true),
        ("/azure/openai/v1/%6Dodels%3Bx/m", true),
        ("/azure/openai/v1/responsesx/resp_1", false),
        ("/azure/openai/v1/fil%65s/resp_1", false),
    ] {
        let target = opened(ProviderType::Azure, "/openai/v1/", "DELETE", path);
        let Target::Passthrough { stored_object, .. } = target else { panic!("{path}: {target:?}") };
        assert_eq!(stored_object, expected, "{path}");
    }
}

#[test]
fn the_routes_of_every_type_are_in_the_table() {
    for mount in table("").mounts {
        for (pattern, _) in mount.profile.bridged {
            let path = pattern.replace(['{', '}'], "");
            for path in [path.clone(), format!("{path}/")] {
                let found = mount.routes.at(&path).map(|found| *found.value);
                assert!(matches!(found, Ok(Route::Bridged { .. })), "{path}: {found:?}");
            }
        }
        for Passthrough { route, only_get } in mount.profile.passthrough {
            let path = route.replace(['{', '}'], "");
            let found = mount.routes.at(&path).map(|found| *found.value);
            // `/responses/` is the bridged route with a slash.
            let bridged = mount.profile.bridged.iter().any(|(pattern, _)| format!("{pattern}/") == path);
            let expected =
                |route| matches!(route, Route::Passthrough { only_get: found } if found == *only_get);
            assert!(bridged || found.is_ok_and(expected), "{path}: {found:?}");
            if path.ends_with('/') {
                assert!(mount.subtrees.at(&format!("{path}a/b")).is_ok(), "{path}");
            }
        }
    }
}
