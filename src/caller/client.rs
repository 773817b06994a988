//! Recognises the client program and its session by the request's headers. The client states them, so they are recorded
//! and never trusted.

use super::identifier;
use crate::headers::Headers;
use crate::json::text_members;

/// A known client program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Client {
    /// Mux, formerly Xum.
    Mux,
    /// Claude Code; every user agent that begins with `claude`.
    ClaudeCode,
    /// Codex in all its surfaces.
    Codex,
    /// Zed.
    Zed,
    /// GitHub Copilot Chat in VS Code.
    CopilotVsCode,
    /// GitHub Copilot CLI.
    CopilotCli,
    /// Kilo Code.
    KiloCode,
    /// Roo Code.
    RooCode,
    /// Coder Agents.
    CoderAgents,
    /// Charm Crush.
    CharmCrush,
    /// `OpenCode`.
    OpenCode,
    /// Junie.
    Junie,
    /// Cursor.
    Cursor,
    /// None of these.
    Unknown,
}

/// How a client is recognised.
enum Sign {
    /// The user agent begins with this text, in any case.
    Agent(&'static str),
    /// The header `originator` is this, in any case.
    Originator(&'static str),
    /// This header is present.
    Header(&'static str),
}

use Client::{
    CharmCrush, ClaudeCode, CoderAgents, Codex, CopilotCli, CopilotVsCode, Cursor, Junie, KiloCode, Mux,
    OpenCode, RooCode, Unknown, Zed,
};

/// The first sign that a request shows decides (`envoy/behaviour.md#callers-clients-and-sessions`).
const SIGNS: [(Sign, Client); 17] = [
    (Sign::Agent("mux/"), Mux),
    (Sign::Agent("xum/"), Mux),
    (Sign::Agent("claude"), ClaudeCode),
    (Sign::Agent("codex"), Codex),
    (Sign::Agent("zed/"), Zed),
    (Sign::Agent("githubcopilotchat/"), CopilotVsCode),
    (Sign::Agent("copilot/"), CopilotCli),
    (Sign::Agent("kilo-code/"), KiloCode),
    (Sign::Originator("kilo-code"), KiloCode),
    (Sign::Agent("roo-code/"), RooCode),
    (Sign::Originator("roo-code"), RooCode),
    (Sign::Agent("coder-agents/"), CoderAgents),
    (Sign::Agent("charm crush/"), CharmCrush),
    (Sign::Agent("charm-crush/"), CharmCrush),
    (Sign::Agent("opencode/"), OpenCode),
    (Sign::Agent("junie"), Junie),
    (Sign::Header("x-cursor-client-version"), Cursor),
];

/// The text before the session in a `metadata.user_id` that is not JSON.
const SESSION_MARK: &str = "_session_";

impl Client {
    /// The client of a request with these headers.
    #[must_use]
    pub fn recognise(headers: &Headers) -> Self {
        let agent = headers.first("user-agent").unwrap_or_default();
        let originator = headers.first("originator").unwrap_or_default();
        let seen = |sign: &Sign| match sign {
            Sign::Agent(prefix) => {
                agent.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix.as_bytes()))
            }
            Sign::Originator(name) => originator.eq_ignore_ascii_case(name.as_bytes()),
            Sign::Header(name) => headers.contains(name),
        };
        SIGNS.iter().find(|(sign, _)| seen(sign)).map_or(Unknown, |(_, client)| *client)
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
            Cursor => "Cursor",
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
            Zed | RooCode | CharmCrush | Junie | Cursor | Unknown => &[],
        }
    }

    /// The session, from this client's own headers only: trimmed, not empty, at most 1 KiB. A value that is not UTF-8
    /// counts as empty.
    #[must_use]
    pub fn session(self, headers: &Headers) -> Option<String> {
        self.session_headers().iter().find_map(|name| headers.text(name).and_then(identifier))
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

    const ALL: [Client; 14] = [
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
        Cursor,
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
            ("OpenAI/JS 5.20.1", "Unknown"),
            ("Anthropic/JS 0.94.0", "Unknown"),
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
                Zed | RooCode | CharmCrush | Junie | Cursor | Unknown => None,
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
