"""The stops: every way in which the gateway says no, and how each client is made to meet it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Callable

from agents import (
    CLAUDE_CODE, CODEX_PROVIDER, TOKEN, Agent, ai_sdk, claude_bedrock, claude_environment, claude_foundry, claude_vertex, codex_provider, copilot_hosted, copilot_own_models, gemini_cli, library,
)
from budgets import CONFIGURATION, trust
from render import connection_manager_of

LONG = {"interval": "0.1s", "base_ejection_time": "600s", "max_ejection_time": "600s"}
MESSAGE = "Ask in #ai-budgets."          # `budget.message`
OF_ANTHROPIC, OF_OPENAI = "sk-ant-api03-0123456789abcdefghij", "sk-proj-0123456789abcdefghij"

# The providers beside the shipped ones, all at the mock.
MORE_PROVIDERS = [
    {"type": "vertex", "base_url": "http://vertex.test/v1", "key": {"value": "vertex-token"}},
    {"type": "anthropic", "name": "bedrock", "base_url": "http://bedrock.test", "bedrock": {"region": "us-east-1", "mode": "runtime"}, "key": {"value": "bedrock-key"}},
    {"type": "azure", "name": "foundry", "base_url": "http://foundry.test", "key": {"value": "foundry-key"}},
    {"type": "gemini", "base_url": "http://gemini.test", "key": {"value": "gemini-key"}},
]


@dataclass
class Client:
    """A client, and the ways to set it up wrongly."""

    title: str
    agent: Agent
    cluster: str
    wrong_url: Agent                                    # with the mistake that its users make
    other_key: dict[str, str] | None = None             # its environment with a key of another vendor, where it can have one


def with_path(agent: Agent, path: str, more: str = "") -> Agent:
    return replace(agent, prepare=partial(codex_provider, path=path, more=more))


ONE_RETRY = "request_max_retries = 0\nstream_max_retries = 1\n"          # as envoy/clients recommends

CLIENTS = {
    "claude-code": Client(
        "Claude Code", CLAUDE_CODE, "anthropic",
        replace(CLAUDE_CODE, environment=claude_environment({"ANTHROPIC_AUTH_TOKEN": TOKEN}, "/anthropic/v1")), {"ANTHROPIC_AUTH_TOKEN": OF_OPENAI},
    ),
    "claude-vertex": Client("Claude Code, Vertex AI's format", claude_vertex(), "openai", claude_vertex("")),
    "claude-bedrock": Client("Claude Code, Bedrock's format", claude_bedrock(), "openai", claude_bedrock("")),
    "claude-foundry": Client("Claude Code, Foundry's format", claude_foundry(), "openai", claude_foundry("/foundry"), {"ANTHROPIC_FOUNDRY_API_KEY": OF_ANTHROPIC}),
    "codex": Client(
        "Codex", with_path(CODEX_PROVIDER, "/openai/v1", ONE_RETRY), "openai", with_path(CODEX_PROVIDER, "/openai", ONE_RETRY), {"BRIDGE_KEY": OF_ANTHROPIC},
    ),
    "codex-default": Client("Codex, its own number of retries", CODEX_PROVIDER, "openai", with_path(CODEX_PROVIDER, "/openai"), {"BRIDGE_KEY": OF_ANTHROPIC}),
    "copilot": Client("Copilot CLI", copilot_hosted("gpt-5.5"), "copilot", copilot_hosted("gpt-5.5", "")),
    "copilot-own": Client(
        "Copilot CLI, own models", copilot_own_models("openai", "gpt-5.5", "responses"), "openai", copilot_own_models("openai", "gpt-5.5", "responses", "openai"),
        {"COPILOT_PROVIDER_API_KEY": OF_ANTHROPIC},
    ),
    "gemini": Client("Gemini CLI", gemini_cli(), "openai", gemini_cli(""), {"GEMINI_API_KEY": OF_ANTHROPIC}),
    "langchain-anthropic": Client("LangChain, Anthropic", library("langchain-anthropic", "/anthropic"), "anthropic", library("langchain-anthropic", "/anthropic/v1"), {"KEY": OF_OPENAI}),
    "langchain-openai": Client("LangChain, OpenAI", library("langchain-openai", "/openai/v1"), "openai", library("langchain-openai", "/openai"), {"KEY": OF_ANTHROPIC}),
    "litellm-anthropic": Client("LiteLLM, Anthropic", library("litellm", "/anthropic"), "anthropic", library("litellm", "/v1/anthropic"), {"KEY": OF_OPENAI}),
    "litellm-openai": Client("LiteLLM, OpenAI", library("litellm", "/openai/v1"), "openai", library("litellm", "/openai"), {"KEY": OF_ANTHROPIC}),
    "ai-sdk-anthropic": Client("Vercel AI SDK, Anthropic", ai_sdk("anthropic", "/anthropic/v1"), "anthropic", ai_sdk("anthropic", "/anthropic"), {"KEY": OF_OPENAI}),
    "ai-sdk-openai": Client("Vercel AI SDK, OpenAI", ai_sdk("openai", "/openai/v1"), "openai", ai_sdk("openai", "/openai"), {"KEY": OF_ANTHROPIC}),
}


@dataclass
class Stop:
    """A way in which the gateway says no."""

    title: str
    status: int
    says: tuple[str, ...]                               # the sentence of the gateway, or what the user gets in the end
    plugin: Callable[[Any], Any] = lambda plugin: plugin
    change: Callable[[Any, Path], None] = lambda config, directory: None
    render: dict[str, Any] = field(default_factory=dict)
    agent: Callable[[Client], Agent] = lambda client: client.agent
    environment: Callable[[Client], dict[str, str] | None] = lambda client: {}


def plugin_for(change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The shipped plugin configuration with more providers and what the stop changes."""

    def complete(plugin: Any) -> Any:
        plugin["providers"] += [{**provider, "cluster": "openai"} for provider in MORE_PROVIDERS]
        return change(plugin)

    return complete


def each_provider(**members: Any) -> Callable[[Any], Any]:
    def change(plugin: Any) -> Any:
        for provider in plugin["providers"]:
            provider.update(members)
        return plugin

    return change


def without_keys(plugin: Any) -> Any:
    for provider in plugin["providers"]:
        provider.pop("key", None)
    return plugin


def with_message(plugin: Any) -> Any:
    return {**plugin, "budget": {"message": MESSAGE}, "actor": {"header": "x-ai-bridge-actor-id"}}


def stated(limit: int, remaining: int, seconds: int) -> list[Any]:
    """A budget in the headers of Envoy's rate limit filter."""
    values = {"x-ratelimit-limit": f"{limit}, {limit};w=86400", "x-ratelimit-remaining": str(remaining), "x-ratelimit-reset": str(seconds)}
    return [{"header": {"key": name, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"} for name, value in values.items()]


def name_the_caller(config: Any, _: Path) -> None:
    """As authentication would."""
    mutation = {"append": {"header": {"key": "x-ai-bridge-actor-id", "value": "ada"}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}}
    connection_manager_of(config)["early_header_mutation_extensions"] = [
        {"name": "actor", "typed_config": {"@type": "type.googleapis.com/envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation", "mutations": [mutation]}}
    ]


def spend_the_budget(config: Any, directory: Path) -> None:
    """Behind the filter every request is refused, as the rate limit filter does it when a budget is spent."""
    name_the_caller(config, directory)
    everything = {"default_value": {"numerator": 100, "denominator": "HUNDRED"}}
    connection_manager_of(config)["http_filters"].insert(
        -1,
        {
            "name": "budget",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit",
                "stat_prefix": "budget", "token_bucket": {"max_tokens": 1, "tokens_per_fill": 1, "fill_interval": "86400s"},
                "filter_enabled": everything, "filter_enforced": everything,
                "response_headers_to_add": stated(50_000_000, 0, 7200),
            },
        },
    )


STOPS = {
    "budget": Stop("budget spent", 429, ("a budget for your requests is used up; it opens again at", "a limit of the gateway is reached"), with_message, spend_the_budget),
    "model": Stop("model denied", 400, ('is not allowed here. Ask for another one that matches "other-*".',), each_provider(models={"allow": ["other-*"]})),
    "credential": Stop("no credential", 401, ("a credential of your own is required",), without_keys),
    "vendor": Stop("another vendor's key", 403, ("the credential sent is a key of",), environment=lambda client: client.other_key),
    "url": Stop("wrong base URL", 404, ("AI gateway: no route for",), agent=lambda client: client.wrong_url),
    "authentication": Stop(
        "authentication refuses", 401, ("the gateway token was not accepted",), change=lambda config, directory: trust(config, directory), render={"file": CONFIGURATION},
    ),
    "open": Stop("circuit open", 503, ("You said: ", "circuit breaker is open"), each_provider(open_retry_after_seconds=5), render={"breaker": LONG}),
    "down": Stop("circuit stays open", 503, ("circuit breaker is open",), each_provider(open_retry_after_seconds=1), render={"breaker": LONG}),
}
# What a client cannot meet: its credential is always its own; Envoy signs for AWS, so a key is never missing.
IMPOSSIBLE = {("credential", "copilot"), ("credential", "claude-bedrock")}
# Some formats of other clouds, and Gemini CLI, ask for minutes.
TOO_LONG = {("down", name) for name in ("claude-vertex", "claude-bedrock", "claude-foundry", "codex-default", "gemini")}


def meets(stop: str, name: str) -> bool:
    """Whether the test makes this client meet this stop."""
    client = CLIENTS[name]
    return (stop, name) not in IMPOSSIBLE | TOO_LONG and STOPS[stop].environment(client) is not None
