//! Finds the route of a path. Only the path's end counts, so that a provider's base URL may have any path.

use crate::hosted::Hosted;
use crate::question::Api;
use crate::refusal::Dialect;
use hyper::{HeaderMap, Method};

/// The route of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// An answer of a model.
    Ask(Api),
    /// An answer of a model at another home, in that home's wire shape.
    AskHosted(Hosted),
    /// `POST /v1/messages/count_tokens`
    CountTokens,
    /// All models, or one of them.
    Models(Catalogue, Option<String>),
    /// A route with a fixed small document.
    Small(Small),
    /// The route exists with other methods, listed as in `allow`.
    WrongMethod(Dialect, &'static str),
    /// There is no such route.
    Unknown(Dialect),
}

/// The vendor whose list of models is requested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Catalogue {
    /// Anthropic's: the request has `anthropic-version`.
    Anthropic,
    /// OpenAI's: the path is below `/v1`.
    OpenAi,
    /// Copilot's: any other path.
    Copilot,
}

/// Calls that clients make besides model requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Small {
    /// `/healthz`: shows that this process serves.
    Health,
    /// `/_ping`
    Ping,
    /// `/api/hello`, by Claude Code when it starts.
    Hello,
    /// `/api/event_logging/…`, telemetry of Claude Code.
    Telemetry,
    /// `/copilot_internal/user`, by Copilot when it starts.
    CopilotUser,
    /// `/copilot_internal/v2/token`
    CopilotToken,
    /// `/agents/…`, `/mcp…`, `/.well-known/…`, `/telemetry`: an empty object.
    CopilotOther,
}

impl Route {
    /// The route of a request. `path` has no query.
    pub(crate) fn of(method: &Method, path: &str, headers: &HeaderMap) -> Self {
        let dialect = dialect(path, headers);
        let mut back = path.strip_suffix('/').unwrap_or(path).rsplit('/');
        let (last, parent, above) =
            (back.next().unwrap_or(""), back.next().unwrap_or(""), back.next().unwrap_or(""));
        let write =
            |route: Self| if method == Method::POST { route } else { Self::WrongMethod(dialect, "POST") };
        let read = |route: Self| match *method {
            Method::GET | Method::HEAD => route,
            _ => Self::WrongMethod(dialect, "GET, HEAD"),
        };
        let catalogue = |parent: &str| match dialect {
            Dialect::Anthropic => Catalogue::Anthropic,
            Dialect::OpenAi if parent == "v1" => Catalogue::OpenAi,
            Dialect::OpenAi => Catalogue::Copilot,
        };
        if let Some(hosted) = Hosted::of(path) {
            return write(Self::AskHosted(hosted));
        }
        match (above, parent, last) {
            (_, "v1", "messages") => write(Self::Ask(Api::Messages)),
            ("v1", "messages", "count_tokens") => write(Self::CountTokens),
            (_, "chat", "completions") => write(Self::Ask(Api::Chat)),
            (_, _, "responses") => write(Self::Ask(Api::Responses)),
            (_, "responses", "compact") => write(Self::Ask(Api::Compact)),
            (_, parent, "models") => read(Self::Models(catalogue(parent), None)),
            (above, "models", id) => read(Self::Models(catalogue(above), Some(id.to_owned()))),
            (_, _, "healthz") => Self::Small(Small::Health),
            (_, _, "_ping") => Self::Small(Small::Ping),
            (_, "api", "hello") => Self::Small(Small::Hello),
            (_, "copilot_internal", "user") => Self::Small(Small::CopilotUser),
            ("copilot_internal", "v2", "token") => Self::Small(Small::CopilotToken),
            (_, _, "telemetry") => Self::Small(Small::CopilotOther),
            _ if path.contains("/api/event_logging/") => Self::Small(Small::Telemetry),
            _ if ["/agents/", "/mcp/", "/mcp_registry", "/.well-known/"]
                .iter()
                .any(|part| path.contains(part)) =>
            {
                Self::Small(Small::CopilotOther)
            }
            _ => Self::Unknown(dialect),
        }
    }
}

fn dialect(path: &str, headers: &HeaderMap) -> Dialect {
    if headers.contains_key("anthropic-version") || path.contains("/v1/messages") {
        Dialect::Anthropic
    } else {
        Dialect::OpenAi
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn post(path: &str) -> Route {
        Route::of(&Method::POST, path, &HeaderMap::new())
    }
    fn get(path: &str) -> Route {
        Route::of(&Method::GET, path, &HeaderMap::new())
    }

    #[test]
    fn an_api_is_found_below_any_base_path() {
        for base in ["", "/v1", "/anthropic", "/a/b"] {
            assert_eq!(post(&format!("{base}/v1/messages")), Route::Ask(Api::Messages));
            assert_eq!(post(&format!("{base}/v1/messages/count_tokens")), Route::CountTokens);
            assert_eq!(post(&format!("{base}/chat/completions")), Route::Ask(Api::Chat));
            assert_eq!(post(&format!("{base}/responses")), Route::Ask(Api::Responses));
            assert_eq!(post(&format!("{base}/responses/compact")), Route::Ask(Api::Compact));
        }
    }

    #[test]
    fn a_list_of_models_is_the_callers_own() {
        assert_eq!(get("/v1/models"), Route::Models(Catalogue::OpenAi, None));
        assert_eq!(get("/v1/models/gpt-5.5"), Route::Models(Catalogue::OpenAi, Some("gpt-5.5".to_owned())));
        assert_eq!(get("/models"), Route::Models(Catalogue::Copilot, None));
        let mut headers = HeaderMap::new();
        headers.insert("anthropic-version", "2026-10-21".parse().unwrap());
        let anthropic = Route::of(&Method::GET, "/v1/models", &headers);
        assert_eq!(anthropic, Route::Models(Catalogue::Anthropic, None));
    }

    #[test]
    fn an_unknown_route_is_refused_in_the_callers_dialect() {
        assert_eq!(get("/v1/messages"), Route::WrongMethod(Dialect::Anthropic, "POST"));
        assert_eq!(get("/responses"), Route::WrongMethod(Dialect::OpenAi, "POST"));
        assert_eq!(get("/responses/resp_1"), Route::Unknown(Dialect::OpenAi));
        assert_eq!(post("/v1/messages/batches"), Route::Unknown(Dialect::Anthropic));
        assert_eq!(post("/"), Route::Unknown(Dialect::OpenAi));
    }

    #[test]
    fn small_routes_are_found() {
        assert_eq!(get("/copilot_internal/v2/token"), Route::Small(Small::CopilotToken));
        assert_eq!(post("/anthropic/api/event_logging/v2/batch"), Route::Small(Small::Telemetry));
        assert_eq!(get("/agents/swe/internal/memory/x"), Route::Small(Small::CopilotOther));
    }
}
