//! How clients are recognised. The source of each text is the client's own code where it is public.

use super::Client::{
    self, AnthropicSdk, CharmCrush, ClaudeCode, Cline, CoderAgents, Codex, CopilotCli, CopilotVsCode, Cursor,
    Factory, GeminiCli, Goose, Junie, KiloCode, LangChain, LiteLlm, Mux, OpenAiSdk, OpenCode, QwenCode,
    RooCode, VercelAiSdk, Zed,
};
use super::Language;
use crate::headers::Headers;

/// How a client is recognised.
enum Sign {
    /// The user agent begins with this text, in any case.
    Agent(&'static str),
    /// The header `originator` is this, in any case.
    Originator(&'static str),
    /// This header is present.
    Header(&'static str),
    /// One of the user agent's words begins with this text, in any case.
    Word(&'static str),
}

/// The first sign that a request shows decides (`envoy/behaviour.md#callers-clients-and-sessions`).
const SIGNS: [(Sign, Client); 29] = [
    (Sign::Agent("mux/"), Mux),
    (Sign::Agent("xum/"), Mux),
    (Sign::Agent("claude"), ClaudeCode),
    (Sign::Agent("codex"), Codex),
    (Sign::Agent("zed/"), Zed),
    (Sign::Agent("githubcopilotchat/"), CopilotVsCode),
    (Sign::Agent("copilot/"), CopilotCli),
    (Sign::Agent("kilo-code/"), KiloCode),
    (Sign::Originator("kilo-code"), KiloCode),
    // `kilo/latest/V/cli`: Kilo Code's Anthropic path; QuantumNous/astrlink, core/ingress (its tests of client types).
    (Sign::Agent("kilo/latest/"), KiloCode),
    (Sign::Agent("roo-code/"), RooCode),
    (Sign::Originator("roo-code"), RooCode),
    // RooCodeInc/Roo-Code, src/api/providers/constants.ts.
    (Sign::Agent("roocode/"), RooCode),
    // Zoo-Code-Org/Zoo-Code, a fork of Roo Code, src/api/providers/constants.ts (some paths: `RooCode/V ZooCode/V`).
    (Sign::Agent("zoocode/"), RooCode),
    (Sign::Agent("coder-agents/"), CoderAgents),
    (Sign::Agent("charm crush/"), CharmCrush),
    (Sign::Agent("charm-crush/"), CharmCrush),
    (Sign::Agent("opencode/"), OpenCode),
    (Sign::Agent("junie"), Junie),
    // google-gemini/gemini-cli, packages/core/src/core/contentGenerator.ts; the second form names the embedding program.
    (Sign::Agent("geminicli/"), GeminiCli),
    (Sign::Agent("geminicli-"), GeminiCli),
    // QwenLM/qwen-code, packages/core/src/core/openaiContentGenerator/provider/default.ts.
    (Sign::Agent("qwencode/"), QwenCode),
    // cline/cline, its provider request headers (`User-Agent: Cline/V`).
    (Sign::Agent("cline/"), Cline),
    // block/goose, `GOOSE_USER_AGENT` in crates/goose/src/agents/extension_manager.rs.
    (Sign::Agent("goose/"), Goose),
    // Factory's Droid is not public; QuantumNous/astrlink, core/ingress, has its user agent.
    (Sign::Agent("factory-cli/"), Factory),
    (Sign::Header("x-cursor-client-version"), Cursor),
    // langchain-ai/langchainjs, libs/providers/langchain-openai/src/utils/azure.ts: `langchainjs-openai/V (…)`;
    // langchain-ai/langchain, libs/partners/groq/langchain_groq/chat_models.py: `langchain/V`.
    (Sign::Agent("langchain"), LangChain),
    // BerriAI/litellm, litellm/llms/custom_httpx/http_handler.py.
    (Sign::Agent("litellm/"), LiteLlm),
    // vercel/ai, packages/openai/src/openai-provider.ts; packages/ai/src/generate-text/generate-text.ts puts `ai/V` in
    // front, and an application its own name.
    (Sign::Word("ai-sdk/"), VercelAiSdk),
];

/// The languages of Anthropic's and `OpenAI`'s SDKs. Their user agents are `CLASS/LANGUAGE VERSION`:
///
/// * Python: `openai/openai-python`, `src/openai/_base_client.py`. JavaScript: `openai/openai-node`, `src/client.ts`.
///   Anthropic's have the same. Classes are `AsyncOpenAI`, `AzureOpenAI`, `AnthropicBedrock`, ….
/// * Go: `openai/openai-go`, `internal/requestconfig/requestconfig.go`.
/// * Java: `AnthropicClientImpl`, by its simple class name. Ruby: `Anthropic::Client`, from the transport of
///   `anthropics/anthropic-sdk-ruby`. PHP: `anthropic`. C#: `AnthropicClient`.
const LANGUAGES: [(&str, Language); 7] = [
    ("python", Language::Python),
    ("js", Language::JavaScript),
    ("go", Language::Go),
    ("java", Language::Java),
    ("ruby", Language::Ruby),
    ("php", Language::Php),
    ("c#", Language::CSharp),
];

/// The client of a request with these headers: the first of `SIGNS`, else an SDK.
pub(super) fn recognise(headers: &Headers) -> Option<Client> {
    let agent = headers.first("user-agent").unwrap_or_default();
    let originator = headers.first("originator").unwrap_or_default();
    let seen = |sign: &Sign| match sign {
        Sign::Agent(prefix) => begins(agent, prefix),
        Sign::Originator(name) => originator.eq_ignore_ascii_case(name.as_bytes()),
        Sign::Header(name) => headers.contains(name),
        Sign::Word(prefix) => agent.split(|byte| *byte == b' ').any(|word| begins(word, prefix)),
    };
    SIGNS.iter().find(|(sign, _)| seen(sign)).map(|(_, client)| *client).or_else(|| sdk(agent))
}

fn begins(text: &[u8], prefix: &str) -> bool {
    text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix.as_bytes()))
}

/// Anthropic's or OpenAI's SDK, by its class and language.
fn sdk(agent: &[u8]) -> Option<Client> {
    let product = agent.split(|byte| *byte == b' ').next()?;
    let mut parts = product.split(|byte| *byte == b'/');
    let (class, language) = (parts.next()?, parts.next()?);
    let (_, language) =
        LANGUAGES.iter().find(|(name, _)| language.eq_ignore_ascii_case(name.as_bytes())).copied()?;
    let rest = |text: &[u8], prefix: &str| if begins(text, prefix) { prefix.len() } else { 0 };
    let class = class.get(rest(class, "async")..)?;
    let class = class.get(rest(class, "azure")..)?;
    if !class.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b':') {
        None
    } else if begins(class, "anthropic") {
        Some(AnthropicSdk(language))
    } else if begins(class, "openai") {
        Some(OpenAiSdk(language))
    } else {
        None
    }
}
