//! Recognises the client program and its session by the request's headers. The client states them, so they are recorded
//! and never trusted.

use super::identifier;
use crate::headers::Headers;
use crate::json::text_members;

mod signs;

/// A known client program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is the program of that name")]
pub enum Client {
    /// Mux, formerly Xum.
    Mux,
    /// Claude Code; every user agent that begins with `claude`.
    ClaudeCode,
    /// Codex in all its surfaces.
    Codex,
    Zed,
    /// GitHub Copilot Chat in VS Code.
    CopilotVsCode,
    CopilotCli,
    KiloCode,
    RooCode,
    CoderAgents,
    CharmCrush,
    OpenCode,
    Junie,
    GeminiCli,
    QwenCode,
    Cline,
    Goose,
    /// Factory's Droid.
    Factory,
    Cursor,
    /// `LangChain`, where the program does not name itself.
    LangChain,
    LiteLlm,
    /// Vercel's AI SDK, where the program does not name itself.
    VercelAiSdk,
    /// Anthropic's SDK in this language, where the program does not name itself.
    AnthropicSdk(Language),
    /// `OpenAI`'s SDK in this language, where the program does not name itself.
    OpenAiSdk(Language),
    /// None of these.
    Unknown,
}

/// The language of an SDK.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Language {
    Python,
    /// JavaScript and TypeScript.
    JavaScript,
    Go,
    /// Java and Kotlin.
    Java,
    Ruby,
    Php,
    CSharp,
}

use Client::{
    AnthropicSdk, CharmCrush, ClaudeCode, Cline, CoderAgents, Codex, CopilotCli, CopilotVsCode, Cursor,
    Factory, GeminiCli, Goose, Junie, KiloCode, LangChain, LiteLlm, Mux, OpenAiSdk, OpenCode, QwenCode,
    RooCode, Unknown, VercelAiSdk, Zed,
};

/// One of the agents that a client runs: Claude Code names its subagents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agent {
    /// The agent that makes the request.
    pub id: Option<String>,
    /// The agent that started it.
    pub parent_id: Option<String>,
}

/// Claude Code's headers of a subagent's requests, since version 2.1.139; its main agent sends none.
const AGENT_HEADER: &str = "x-claude-code-agent-id";
const PARENT_AGENT_HEADER: &str = "x-claude-code-parent-agent-id";

/// The text before the session in a `metadata.user_id` that is not JSON.
const SESSION_MARK: &str = "_session_";

impl Client {
    /// The client of a request with these headers.
    #[must_use]
    pub fn recognise(headers: &Headers) -> Self {
        signs::recognise(headers).unwrap_or(Unknown)
    }

    /// The name in records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Mux => "Mux",
            ClaudeCode => "Claude Code",
            Codex => "Codex",
            Zed => "Zed",
            CopilotVsCode => "GitHub Copilot (VS Code)",
            CopilotCli => "GitHub Copilot (CLI)",
            KiloCode => "Kilo Code",
            RooCode => "Roo Code",
            CoderAgents => "Coder Agents",
            CharmCrush => "Charm Crush",
            OpenCode => "OpenCode",
            Junie => "Junie",
            GeminiCli => "Gemini CLI",
            QwenCode => "Qwen Code",
            Cline => "Cline",
            Goose => "Goose",
            Factory => "Factory",
            Cursor => "Cursor",
            LangChain => "LangChain",
            LiteLlm => "LiteLLM",
            VercelAiSdk => "Vercel AI SDK",
            AnthropicSdk(Language::Python) => "Anthropic SDK (Python)",
            AnthropicSdk(Language::JavaScript) => "Anthropic SDK (JS)",
            AnthropicSdk(Language::Go) => "Anthropic SDK (Go)",
            AnthropicSdk(Language::Java) => "Anthropic SDK (Java)",
            AnthropicSdk(Language::Ruby) => "Anthropic SDK (Ruby)",
            AnthropicSdk(Language::Php) => "Anthropic SDK (PHP)",
            AnthropicSdk(Language::CSharp) => "Anthropic SDK (C#)",
            OpenAiSdk(Language::Python) => "OpenAI SDK (Python)",
            OpenAiSdk(Language::JavaScript) => "OpenAI SDK (JS)",
            OpenAiSdk(Language::Go) => "OpenAI SDK (Go)",
            OpenAiSdk(Language::Java) => "OpenAI SDK (Java)",
            OpenAiSdk(Language::Ruby) => "OpenAI SDK (Ruby)",
            OpenAiSdk(Language::Php) => "OpenAI SDK (PHP)",
            OpenAiSdk(Language::CSharp) => "OpenAI SDK (C#)",
            Unknown => "Unknown",
        }
    }

    /// The headers in which this client names its session, best first.
    const fn session_headers(self) -> &'static [&'static str] {
        match self {
            ClaudeCode => &["x-claude-code-session-id"],
            Codex => &["session-id", "session_id"],
            Mux => &["x-mux-workspace-id"],
            CopilotVsCode => &["x-interaction-id"],
            CopilotCli => &["x-client-session-id"],
            KiloCode => &["x-kilocode-taskid"],
            CoderAgents => &["x-coder-chat-id"],
            OpenCode => &["x-opencode-session", "x-session-affinity"],
            Zed | RooCode | CharmCrush | Junie | GeminiCli | QwenCode | Cline | Goose | Factory | Cursor
            | LangChain | LiteLlm | VercelAiSdk | AnthropicSdk(_) | OpenAiSdk(_) | Unknown => &[],
        }
    }

    /// The session, from this client's own headers only: trimmed, not empty, at most 1 KiB. A value that is not UTF-8
    /// counts as empty.
    #[must_use]
    pub fn session(self, headers: &Headers) -> Option<String> {
        self.session_headers().iter().find_map(|name| headers.text(name).and_then(identifier))
    }

    /// The agent inside of this client, from its own headers only. Each id is trimmed, not empty, at most 1 KiB; a value
    /// that is not UTF-8 counts as empty.
    #[must_use]
    pub fn agent(self, headers: &Headers) -> Option<Agent> {
        if !matches!(self, ClaudeCode) {
            return None;
        }
        let stated = |name| headers.text(name).and_then(identifier);
        let agent = Agent { id: stated(AGENT_HEADER), parent_id: stated(PARENT_AGENT_HEADER) };
        (agent.id.is_some() || agent.parent_id.is_some()).then_some(agent)
    }

    /// Whether this client may name its session in the body's `metadata.user_id`, where its headers name none. Only then
    /// [`Client::session_from_user_id`] applies.
    #[must_use]
    pub const fn names_session_in_body(self) -> bool {
        matches!(self, ClaudeCode)
    }

    /// The session in Claude Code's `metadata.user_id`: `session_id` of the JSON object in that string, else the text
    /// after the first `_session_`. Trimmed and cut as by [`Client::session`].
    #[must_use]
    pub fn session_from_user_id(user_id: &str) -> Option<String> {
        session_of_object(user_id)
            .or_else(|| user_id.split_once(SESSION_MARK).and_then(|(_, session)| identifier(session)))
    }
}

fn session_of_object(user_id: &str) -> Option<String> {
    let [session] = text_members(user_id.as_bytes(), ["session_id"])?;
    identifier(&session.text()?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ALL: [Client; 24] = [
        Mux,
        ClaudeCode,
        Codex,
        Zed,
        CopilotVsCode,
        CopilotCli,
        KiloCode,
        RooCode,
        CoderAgents,
        CharmCrush,
        OpenCode,
        Junie,
        GeminiCli,
        QwenCode,
        Cline,
        Goose,
        Factory,
        Cursor,
        LangChain,
        LiteLlm,
        VercelAiSdk,
        AnthropicSdk(Language::Python),
        OpenAiSdk(Language::JavaScript),
        Unknown,
    ];

    fn headers(pairs: &[(&str, &str)]) -> Headers {
        Headers::new(pairs.iter().map(|(n, v)| ((*n).to_owned(), v.as_bytes().to_vec())).collect())
    }

    #[test]
    fn a_client_is_recognised_by_the_beginning_of_its_user_agent() {
        for (agent, name) in [
            ("mux/1.0", "Mux"),
            ("XUM/1.0", "Mux"),
            ("claude-cli/2.1.330 (external, sdk-cli)", "Claude Code"),
            ("Claude-Code/1", "Claude Code"),
            ("claude", "Claude Code"),
            ("codex_exec/0.169.0 (Linux)", "Codex"),
            ("codex_cli_rs/0.1", "Codex"),
            ("Codex", "Codex"),
            ("Zed/0.200", "Zed"),
            ("GitHubCopilotChat/0.31.0", "GitHub Copilot (VS Code)"),
            ("copilot/1.0.102 (client/github/cli)", "GitHub Copilot (CLI)"),
            ("Kilo-Code/4", "Kilo Code"),
            ("Roo-Code/3", "Roo Code"),
            ("coder-agents/2", "Coder Agents"),
            ("Charm Crush/0.1", "Charm Crush"),
            ("charm-crush/0.1", "Charm Crush"),
            ("opencode/0.5 ai-sdk", "OpenCode"),
            ("Junie", "Junie"),
            ("junie-cli/1", "Junie"),
            ("", "Unknown"),
            ("mux", "Unknown"),
            ("zed", "Unknown"),
            ("copilot", "Unknown"),
            ("kilo-code", "Unknown"),
            ("opencode", "Unknown"),
            ("curl/8 claude", "Unknown"),
            ("RooCode/3.36.4", "Roo Code"),
            ("RooCode/3.36.4 ZooCode/1.2.0 (VSCode; OpenAI-Compatible)", "Roo Code"),
            ("ZooCode/1.2.0", "Roo Code"),
            ("kilo/latest/7.8.3/cli", "Kilo Code"),
            ("kilo/7.8.3", "Unknown"),
            ("GeminiCLI/0.34.0/gemini-pro (linux; x64)", "Gemini CLI"),
            ("GeminiCLI-acp-zed/0.62.0/gemini-pro (darwin; arm64; acp)", "Gemini CLI"),
            ("geminiclient/1.0", "Unknown"),
            ("QwenCode/0.24.7 (darwin; arm64)", "Qwen Code"),
            ("Cline/3.60.0", "Cline"),
            ("goose/1.5.2", "Goose"),
            ("goose-in-a-pond/1", "Unknown"),
            ("factory-cli/0.232.0", "Factory"),
            ("langchainjs-openai/1.0.0 (node/v22.0.0; linux; x64)OpenAI/JS 5.0.0", "LangChain"),
            ("langchain/0.3.1", "LangChain"),
            ("litellm/1.110.2", "LiteLLM"),
            ("ai-sdk/openai-compatible/1.0.11 ai-sdk/provider-utils/3.0.9", "Vercel AI SDK"),
            ("ai/5.0.0 ai-sdk/openai/2.0.0 ai-sdk/provider-utils/3.0.9 runtime/node.js/22", "Vercel AI SDK"),
            ("acme-bot/1.0 ai-sdk/openai/2.0.0", "Vercel AI SDK"),
            ("opencode/1.0.0 ai-sdk/provider-utils/3.0.9 runtime/bun/1.3", "OpenCode"),
            ("Kilo-Code/7.8.3 ai-sdk/provider-utils/3.0.0", "Kilo Code"),
            ("ai/5.0.0", "Unknown"),
            ("openai-sdk/1 not-ai-sdk/1", "Unknown"),
        ] {
            assert_eq!(Client::recognise(&headers(&[("user-agent", agent)])).name(), name, "{agent}");
        }
        assert_eq!(Client::recognise(&Headers::default()), Unknown);
    }

    #[test]
    fn an_sdk_is_recognised_by_its_class_and_language() {
        for (agent, name) in [
            ("Anthropic/Python 1.2", "Anthropic SDK (Python)"),
            ("AsyncAnthropic/Python 1.2", "Anthropic SDK (Python)"),
            ("AsyncAnthropicBedrock/Python 1.2", "Anthropic SDK (Python)"),
            ("Anthropic/JS 0.94.0", "Anthropic SDK (JS)"),
            ("Anthropic/Go 1.19.0", "Anthropic SDK (Go)"),
            ("AnthropicClientImpl/Java 2.5.0", "Anthropic SDK (Java)"),
            ("Anthropic::Client/Ruby 1.1.0", "Anthropic SDK (Ruby)"),
            ("anthropic/PHP 0.42.0", "Anthropic SDK (PHP)"),
            ("AnthropicClient/C# 1.0.0", "Anthropic SDK (C#)"),
            ("OpenAI/Python 3.54.0", "OpenAI SDK (Python)"),
            ("AsyncOpenAI/Python 3.54.0", "OpenAI SDK (Python)"),
            ("AsyncAzureOpenAI/Python 3.54.0", "OpenAI SDK (Python)"),
            ("openai/js 5.20.1", "OpenAI SDK (JS)"),
            ("AzureOpenAI/JS 5.20.1", "OpenAI SDK (JS)"),
            ("OpenAI/Go 3.1.0", "OpenAI SDK (Go)"),
            ("OpenAI/Go/1.4.2", "OpenAI SDK (Go)"),
            ("OpenAIClientImpl/Java 4.0.0", "OpenAI SDK (Java)"),
            ("OpenAI::Client/Ruby 0.30.0", "OpenAI SDK (Ruby)"),
            ("OpenAI/JS", "OpenAI SDK (JS)"),
            ("OpenAI/JavaScript 1", "Unknown"),
            ("OpenAI/2.1.0", "Unknown"),
            ("OpenAI/", "Unknown"),
            ("OpenAI", "Unknown"),
            ("openai-python/2.0", "Unknown"),
            ("openai-like/Python 2.0", "Unknown"),
            ("Groq/Python 0.9.0", "Unknown"),
            ("AsyncAzure/Python 1", "Unknown"),
            ("acme/1 OpenAI/Python 3", "Unknown"),
        ] {
            assert_eq!(Client::recognise(&headers(&[("user-agent", agent)])).name(), name, "{agent}");
        }
        assert_eq!(Client::recognise(&Headers::default()), Unknown);
    }

    #[test]
    fn the_first_sign_of_the_list_decides() {
        for (pairs, client) in [
            (&[("originator", "kilo-code")][..], KiloCode),
            (&[("originator", "Roo-Code"), ("user-agent", "axios")], RooCode),
            (&[("originator", "kilo-code"), ("user-agent", "roo-code/1")], KiloCode),
            (&[("originator", "roo-code"), ("user-agent", "kilo-code/1")], KiloCode),
            (&[("originator", "roo-code"), ("user-agent", "copilot/1")], CopilotCli),
            (&[("originator", "roo-code"), ("user-agent", "opencode/1")], RooCode),
            (&[("originator", "kilo-code/1")], Unknown),
            (&[("originator", "codex_exec")], Unknown),
            (&[("x-cursor-client-version", "1.2")], Cursor),
            (&[("x-cursor-client-version", "")], Cursor),
            (&[("x-cursor-client-version", "1.2"), ("user-agent", "connect-es/1")], Cursor),
            (&[("x-cursor-client-version", "1.2"), ("user-agent", "junie")], Junie),
            (&[("x-cursor-client-version", "1.2"), ("originator", "kilo-code")], KiloCode),
            (&[("x-cursor-client-version", "1.2"), ("user-agent", "OpenAI/JS 5")], Cursor),
            (&[("x-cursor-client-version", "1.2"), ("user-agent", "ai-sdk/openai/2")], Cursor),
            (&[("originator", "kilo-code"), ("user-agent", "Anthropic/JS 0.94")], KiloCode),
        ] {
            assert_eq!(Client::recognise(&headers(pairs)), client, "{pairs:?}");
        }
    }

    #[test]
    fn a_user_agent_that_is_not_utf_8_is_still_recognised() {
        let seen = Headers::new(vec![("user-agent".to_owned(), b"claude-cli/\xff".to_vec())]);
        assert_eq!(Client::recognise(&seen), ClaudeCode);
        let seen = Headers::new(vec![("user-agent".to_owned(), b"\xffclaude".to_vec())]);
        assert_eq!(Client::recognise(&seen), Unknown);
    }

    #[test]
    fn a_session_comes_only_from_the_clients_own_headers() {
        let every = [
            ("x-claude-code-session-id", "claude"),
            ("session-id", "codex"),
            ("session_id", "codex, older"),
            ("x-mux-workspace-id", "mux"),
            ("x-interaction-id", "vs code"),
            ("x-client-session-id", "cli"),
            ("x-kilocode-taskid", "kilo"),
            ("x-coder-chat-id", "coder"),
            ("x-opencode-session", "opencode"),
            ("x-session-affinity", "opencode, older"),
        ];
        for client in ALL {
            let session = client.session(&headers(&every));
            let expected = match client {
                Mux => Some("mux"),
                ClaudeCode => Some("claude"),
                Codex => Some("codex"),
                CopilotVsCode => Some("vs code"),
                CopilotCli => Some("cli"),
                KiloCode => Some("kilo"),
                CoderAgents => Some("coder"),
                OpenCode => Some("opencode"),
                Zed | RooCode | CharmCrush | Junie | GeminiCli | QwenCode | Cline | Goose | Factory
                | Cursor | LangChain | LiteLlm | VercelAiSdk | AnthropicSdk(_) | OpenAiSdk(_) | Unknown => {
                    None
                }
            };
            assert_eq!(session.as_deref(), expected, "{client:?}");
            assert_eq!(client.session(&Headers::default()), None);
            let without: Vec<_> =
                every.into_iter().filter(|(name, _)| !client.session_headers().contains(name)).collect();
            assert_eq!(client.session(&headers(&without)), None, "{client:?}");
            assert_eq!(client.names_session_in_body(), client == ClaudeCode);
        }
    }

    #[test]
    fn an_agent_comes_only_from_claude_codes_own_headers() {
        let every = [("x-claude-code-agent-id", " a7 "), ("x-claude-code-parent-agent-id", "a1")];
        for client in ALL {
            let expected = (client == ClaudeCode)
                .then(|| Agent { id: Some("a7".to_owned()), parent_id: Some("a1".to_owned()) });
            assert_eq!(client.agent(&headers(&every)), expected, "{client:?}");
        }
        let seen = |pairs: &[(&str, &str)]| ClaudeCode.agent(&headers(pairs));
        let agent = Agent { id: Some("a7".to_owned()), parent_id: None };
        assert_eq!(seen(&every[..1]), Some(agent));
        let parent = Agent { id: None, parent_id: Some("a1".to_owned()) };
        assert_eq!(seen(&[("x-claude-code-agent-id", " "), every[1]]), Some(parent));
        assert_eq!(seen(&[("x-claude-code-agent-id", ""), ("x-claude-code-session-id", "s")]), None);
        let long = seen(&[("x-claude-code-agent-id", &"é".repeat(2000))]);
        assert_eq!(long.unwrap().id.unwrap().len(), 1024);
        let broken = Headers::new(vec![("x-claude-code-agent-id".to_owned(), b"\xff".to_vec())]);
        assert_eq!(ClaudeCode.agent(&broken), None);
    }

    #[test]
    fn an_empty_session_gives_way_to_the_next_source() {
        for first in ["", " ", "\t "] {
            let seen = headers(&[("session-id", first), ("session_id", " s1 ")]);
            assert_eq!(Codex.session(&seen).as_deref(), Some("s1"));
            let seen = headers(&[("x-opencode-session", first), ("x-session-affinity", "s2")]);
            assert_eq!(OpenCode.session(&seen).as_deref(), Some("s2"));
            assert_eq!(Mux.session(&headers(&[("x-mux-workspace-id", first)])), None);
        }
        let broken = Headers::new(vec![
            ("session-id".to_owned(), b"\xff".to_vec()),
            ("session_id".to_owned(), b"s3".to_vec()),
        ]);
        assert_eq!(Codex.session(&broken).as_deref(), Some("s3"));
    }

    #[test]
    fn claude_codes_user_id_names_the_session_in_two_forms() {
        for (user_id, session) in [
            (r#"{"device_id":"d","account_uuid":"","session_id":"s1"}"#, Some("s1")),
            (r#" {"session_id" : " s\u0031 " } "#, Some("s1")),
            (r#"{"x":{"session_id":"inner"},"session_id":"outer"}"#, Some("outer")),
            (r#"{"session_id":""}"#, None),
            (r#"{"session_id":"  "}"#, None),
            (r#"{"session_id":7}"#, None),
            (r#"{"session_id":null}"#, None),
            (r#"{"device_id":"d"}"#, None),
            (r#"{"session_id":"s1""#, None),
            (r#"["s1"]"#, None),
            (r#""s1""#, None),
            ("user_abc_account_def_session_1234-5678", Some("1234-5678")),
            ("user_abc_account__session_ 12 ", Some("12")),
            ("a_session_b_session_c", Some("b_session_c")),
            ("_session_x", Some("x")),
            ("user_session_", None),
            ("user_session_  ", None),
            ("user_session", None),
            ("user_SESSION_x", None),
            ("", None),
        ] {
            assert_eq!(Client::session_from_user_id(user_id).as_deref(), session, "{user_id}");
        }
    }

    #[test]
    fn sessions_are_cut_at_one_kibibyte() {
        let long = "é".repeat(2000);
        let sessions = [
            Mux.session(&headers(&[("x-mux-workspace-id", &long)])),
            Client::session_from_user_id(&format!("user_session_{long}")),
            Client::session_from_user_id(&format!("{{\"session_id\":\"{long}\"}}")),
        ];
        for session in sessions {
            assert_eq!(session.unwrap().len(), 1024);
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_are_some_client_with_or_without_a_session(
            pairs in prop::collection::vec((
                prop::sample::select(vec![
                    "user-agent", "originator", "x-cursor-client-version", "session-id", "x-claude-code-session-id",
                ]),
                prop_oneof![prop::collection::vec(any::<u8>(), 0..30),
                            "(claude|Codex|mux/|kilo-code)\\PC{0,9}".prop_map(String::into_bytes)],
            ), 0..6)
        ) {
            let seen = Headers::new(pairs.into_iter().map(|(n, v)| (n.to_owned(), v)).collect());
            let client = Client::recognise(&seen);
            prop_assert!(!client.name().is_empty());
            if let Some(session) = client.session(&seen) {
                prop_assert!(!session.is_empty() && session == session.trim_start());
            }
        }

        #[test]
        fn any_user_id_gives_a_session_or_none(
            user_id in prop_oneof!["\\PC{0,60}", r#"[{}\[\]",:a ]{0,9}(session_id|_session_|)[{}\[\]",:a ]{0,9}"#]
        ) {
            if let Some(session) = Client::session_from_user_id(&user_id) {
                prop_assert!(!session.is_empty());
            }
        }
    }

    #[test]
    fn a_deep_user_id_is_no_session() {
        let deep = format!("{{\"x\":{}", "[".repeat(60_000));
        assert_eq!(Client::session_from_user_id(&deep), None);
    }
}
