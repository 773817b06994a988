"""What `make run` adds to the shipped envoy/envoy.yaml, and the requests that it shows."""

from __future__ import annotations

import json
import shlex
import textwrap
from dataclasses import dataclass
from typing import Any, Mapping

from render import REPOSITORY, Address, connection_manager_of, render

PRICES = REPOSITORY / "envoy" / "prices" / "prices.json"
TEAMS = {"alice": "payments", "bob": "search", "carol": "payments"}
KEYS = {"ANTHROPIC_API_KEY": "anthropic", "OPENAI_API_KEY": "openai"}
JSON = ("content-type", "application/json")

# In place of authentication: whoever shows `gw_NAME` is NAME. A real gateway verifies its callers here.
NAMES = """
local teams = { %s }
function envoy_on_request(handle)
  local headers = handle:headers()
  headers:remove("x-ai-bridge-actor-id")
  headers:remove("x-team")
  handle:streamInfo():dynamicMetadata():set("demo", "path", headers:get(":path"))
  for _, header in ipairs({ "x-gateway-token", "authorization", "x-api-key" }) do
    local name = string.match(headers:get(header) or "", "^gw_([%%w@._-]+)$") or string.match(headers:get(header) or "", "^[Bb]earer gw_([%%w@._-]+)$")
    if name then
      headers:add("x-ai-bridge-actor-id", name)
      if teams[name] then headers:add("x-team", teams[name]) end
      handle:streamInfo():dynamicMetadata():set("demo", "name", name)
      return
    end
  end
end
"""


@dataclass(frozen=True)
class Example:
    """A request that the demo shows, and sends itself if `is_sent`."""

    about: str
    path: str
    headers: list[tuple[str, str]]
    body: str
    is_sent: bool = False

    def curl(self, base: str) -> str:
        """The same as a command."""
        headers = " ".join(f"-H {shlex.quote(f'{name}: {value}')}" for name, value in self.headers)
        return f"curl -N {base}{self.path} {headers} \\\n    -d {shlex.quote(self.body)}"


def real_keys(environment: Mapping[str, str]) -> dict[str, str]:
    """The providers' keys that the environment holds."""
    return {name: environment[name].strip() for name in KEYS if environment.get(name, "").strip()}


def config(mock: Address | None, port: int, keys: list[str]) -> Any:
    """Envoy's configuration. Without a mock the providers are the real ones."""
    prices = json.loads(PRICES.read_text())["prices"]

    def plugin(shipped: Any) -> Any:
        shipped["providers"] = [each for each in shipped["providers"] if "env" not in each.get("key", {}) or each["key"]["env"] in keys]
        shipped["actor"] = {"header": "x-ai-bridge-actor-id", "metadata_headers": {"team": "x-team"}, "required": True}
        shipped["gateway_credentials"] = {"headers": ["x-gateway-token"], "value_prefixes": ["gw_"]}
        shipped["prices"] = prices
        return shipped

    def change(whole: Any) -> None:
        # Otherwise a second Envoy on this port would get every other connection.
        whole["static_resources"]["listeners"][0]["enable_reuse_port"] = False
        manager = connection_manager_of(whole)
        filters = manager["http_filters"]
        at = next(at for at, each in enumerate(filters) if each["name"] == "ai_bridge")
        teams = ", ".join(f"{name} = {json.dumps(team)}" for name, team in TEAMS.items())
        filters.insert(at, {
            "name": "names",
            "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua", "default_source_code": {"inline_string": NAMES % teams}},
        })
        manager["access_log"].append(without_record())

    return render(mock, port=port, plugin=plugin, change=change)


def without_record() -> Any:
    """An access log of the requests that leave no record."""
    shown = {
        "no_record": True, "time": "%START_TIME(%Y-%m-%dT%H:%M:%SZ)%", "method": "%REQ(:METHOD)%", "path": "%DYNAMIC_METADATA(demo:path)%", "sent_path": "%REQ(:PATH)%",
        "actor": "%DYNAMIC_METADATA(demo:name)%", "status": "%RESPONSE_CODE%", "duration_ms": "%DURATION%", "cluster": "%UPSTREAM_CLUSTER%", "details": "%RESPONSE_CODE_DETAILS%",
    }
    return {
        "name": "without_record",
        "filter": {"extension_filter": {
            "name": "has_no_record",
            "typed_config": {"@type": "type.googleapis.com/envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter", "expression": "!('wasm.ai_bridge_record' in filter_state)"},
        }},
        "typed_config": {"@type": "type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StdoutAccessLog", "log_format": {"json_format": shown}},
    }


def examples(real: bool, keys: list[str]) -> list[Example]:
    """The requests that the welcome text shows. The real providers are asked with cheap models."""
    claude, gpt = ("claude-haiku-4-5", "gpt-5-mini") if real else ("claude-opus-4-8", "gpt-5.5")
    served = [KEYS[key] for key in keys]
    token = lambda name: ("authorization", f"Bearer gw_{name}")
    user = lambda text: [{"role": "user", "content": text}]
    message = lambda text, **more: json.dumps({"model": claude, "max_tokens": 256, "stream": True, "messages": user(text), **more})
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}    # the stand-in fills what is required
    weather = {"name": "get_weather", "input_schema": schema}
    function = {"type": "function", "function": {"name": "get_weather", "parameters": schema}}
    asks = "Use the get_weather tool for `Paris`."
    shown = []
    if "anthropic" in served:
        shown += [
            Example("alice asks, the answer streams", "/anthropic/v1/messages", [token("alice"), JSON], message("Why is the sky blue?"), True),
            Example("bob's answer calls a tool", "/anthropic/v1/messages", [token("bob"), JSON], message(asks, tools=[weather]), True),
        ]
    if "openai" in served:
        chat = {"model": gpt, "messages": user("Hello")} if "anthropic" in served else {"model": gpt, "messages": user(asks), "tools": [function]}
        about = "carol asks another provider" if "anthropic" in served else "carol's answer calls a tool"
        shown.append(Example(about, "/openai/v1/chat/completions", [token("carol"), JSON], json.dumps(chat)))
    base = "/anthropic/v1/messages" if "anthropic" in served else "/openai/v1/responses"
    shown.append(Example("refused: the caller shows no token", base, [JSON], '{"model": "any"}', True))
    if "anthropic" in served:
        shown.append(Example("refused: another vendor's key must not reach Anthropic", base, [("x-gateway-token", "gw_alice"), ("x-api-key", "sk-proj-not-anthropics")], "{}"))
    if not real:
        shown.append(Example("the provider is in trouble", base, [token("alice"), JSON], '{"model": "mock-error-529", "messages": []}'))
    return shown


def welcome(base: str, admin: str, shown: list[Example], records: str, keys: list[str], real: bool) -> str:
    """The welcome text, with commands to try."""
    served = [KEYS[key] for key in keys]
    lines = [f"AI Bridge is running at {base} (statistics: {admin}/stats/prometheus)", ""]
    if real:
        lines += [f"Requests go to the real providers ({', '.join(served)}) with your keys, and cost what they charge. Only this machine can ask.", ""]
        lines += [line for key, provider in KEYS.items() if key not in keys for line in (f"Not served, since {key} is not in the environment: {provider}.", "")]
    lines += ["Try, in another terminal:", ""]
    for example in shown:
        lines += [f"  # {example.about}", f"  {example.curl(base)}", ""]
    if "anthropic" in served:
        lines += ["  # Claude Code", f"  ANTHROPIC_BASE_URL={base}/anthropic ANTHROPIC_AUTH_TOKEN=gw_alice claude", ""]
    lines += ["  # the SDKs (Python)"]
    lines += [f'  Anthropic(base_url="{base}/anthropic", auth_token="gw_alice")'] if "anthropic" in served else []
    lines += [f'  OpenAI(base_url="{base}/openai/v1", api_key="gw_alice")'] if "openai" in served else []
    lines += ["", *textwrap.wrap(
        ("" if real else "The answers come from a stand-in for the providers. ")
        + f"Whoever shows gw_NAME is NAME here; prices are those of envoy/prices. Each request follows as a line; records are kept in {records}. Ctrl-C ends everything.", 116), ""]
    return "\n".join(lines)
