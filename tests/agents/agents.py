"""The real agents, each as its user would set it up for the gateway, in a home of its own and with nothing of ours in the environment."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable

from gateway import TOOLS, Gateway, die_with_parent
from render import REPOSITORY, Address

PACKAGES = TOOLS / "agents" / "node_modules"
CLAUDE = PACKAGES / "@anthropic-ai" / "claude-code-linux-x64" / "claude"
CODEX = PACKAGES / "@openai" / "codex-linux-x64" / "vendor" / "x86_64-unknown-linux-musl" / "bin" / "codex"
COPILOT = PACKAGES / "@github" / "copilot-linux-x64" / "copilot"

RUNS = REPOSITORY / "target" / "agent-runs"      # Codex wants no home below /tmp
SECONDS = 180.0                                  # an agent takes three to nine; two busy cores take longer

TOKEN = "gw_agent-token-0123456789"
GITHUB_TOKEN = "gho_0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass
class Run:
    """What an agent did."""

    code: int
    output: str
    errors: str
    work: dict[str, str]            # the files that it left in its folder


@dataclass
class Agent:
    """One way to run an agent. `prepare` gets its home, the gateway's base URL and the mock's, and may write files."""

    client: str                     # as the record names it
    model: str
    shell: str                      # its tool that runs a command
    command: Callable[[str, str], list[Any]]                                # from model and prompt
    environment: Callable[[str, str], dict[str, str]]                       # from the two base URLs
    prepare: Callable[[Path, str], None] = field(default=lambda home, gateway: None)

    def run(self, gateway: Gateway, mock: Address, prompt: str, *, model: str | None = None, environment: dict[str, str] | None = None) -> Run:
        """Gives it a prompt and waits for its end."""
        RUNS.mkdir(parents=True, exist_ok=True)
        directory = Path(tempfile.mkdtemp(dir=RUNS))
        try:
            home, work, scratch = (directory / name for name in ("home", "work", "tmp"))
            for each in (home, work, scratch):
                each.mkdir()
            bridge, provider = url(gateway.address), url(mock)
            self.prepare(home, bridge)
            # Copilot unpacks itself into the cache, 235 MB: once for all runs.
            clean = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(home), "TMPDIR": str(scratch), "LANG": "C.UTF-8", "XDG_CACHE_HOME": str(TOOLS / "agents" / "home-cache")}
            process = subprocess.Popen(
                self.command(model or self.model, prompt),
                cwd=work, env={**clean, **self.environment(bridge, provider), **(environment or {})},
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace", start_new_session=True, preexec_fn=die_with_parent,
            )
            try:
                output, errors = process.communicate(timeout=SECONDS)
            finally:
                process.kill()
                process.wait()
            return Run(process.returncode, output, errors, {file.name: file.read_text(errors="replace") for file in work.iterdir() if file.is_file()})
        finally:
            shutil.rmtree(directory, ignore_errors=True)


def url(address: Address) -> str:
    return f"http://{address[0]}:{address[1]}"


# === Claude Code ===


def claude_command(model: str, prompt: str) -> list[Any]:
    return [CLAUDE, "-p", prompt, "--model", model, "--output-format", "json", "--allowedTools", "Bash"]


def claude_environment(credential: dict[str, str]) -> Callable[[str, str], dict[str, str]]:
    return lambda gateway, _: {"ANTHROPIC_BASE_URL": f"{gateway}/anthropic", **credential}


CLAUDE_CODE = Agent("Claude Code", "claude-opus-4-8", "Bash", claude_command, claude_environment({"ANTHROPIC_AUTH_TOKEN": TOKEN}))

# === Codex ===


def codex_command(model: str, prompt: str) -> list[Any]:
    # Its own sandbox wants namespaces that a container does not give; ours has only loopback.
    return [CODEX, "exec", "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox", "--json", "--model", model, prompt]


def codex_provider(home: Path, gateway: str) -> None:
    """The recommended way: a provider of its own."""
    (home / ".codex").mkdir()
    (home / ".codex" / "config.toml").write_text(
        f'model_provider = "bridge"\n\n[model_providers.bridge]\nname = "bridge"\nbase_url = "{gateway}/openai/v1"\nenv_key = "BRIDGE_KEY"\nwire_api = "responses"\n'
    )


def codex_login(home: Path, gateway: str) -> None:
    """A ChatGPT login and only the base URL changed: tries WebSocket first and compresses its requests."""
    (home / ".codex").mkdir()
    (home / ".codex" / "config.toml").write_text(f'openai_base_url = "{gateway}/openai/v1"\nchatgpt_base_url = "http://127.0.0.1:9/"\n')
    claims = {"exp": 4_102_444_800, "email": "dev@example.test", "https://api.openai.com/auth": {"chatgpt_plan_type": "pro", "chatgpt_account_id": "account", "chatgpt_user_id": "user"}}
    token = ".".join((encoded({"alg": "none", "typ": "JWT"}), encoded(claims), "c2ln"))
    tokens = {"id_token": token, "access_token": token, "refresh_token": "none", "account_id": "account"}
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    (home / ".codex" / "auth.json").write_text(json.dumps({"auth_mode": "chatgpt", "OPENAI_API_KEY": None, "tokens": tokens, "last_refresh": now}))


def encoded(part: Any) -> str:
    """A part of an unsigned JWT."""
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


CODEX_PROVIDER = Agent("Codex", "gpt-5.5-codex", "exec_command", codex_command, lambda *_: {"BRIDGE_KEY": TOKEN}, codex_provider)
CODEX_LOGIN = Agent("Codex", "gpt-5.5-codex", "exec_command", codex_command, lambda *_: {}, codex_login)

# === Copilot CLI ===


def copilot_command(_: str, prompt: str) -> list[Any]:
    return [COPILOT, "-p", prompt, "--allow-all-tools"]


def copilot_hosted(model: str) -> Agent:
    """With GitHub's models; GitHub's own API is the mock as well."""
    return Agent(
        "GitHub Copilot (CLI)", model, "bash", copilot_command,
        lambda gateway, mock: {"COPILOT_API_URL": f"{gateway}/copilot", "COPILOT_DEBUG_GITHUB_API_URL": mock, "COPILOT_GITHUB_TOKEN": GITHUB_TOKEN, "COPILOT_MODEL": model},
    )


def copilot_own_models(kind: str, model: str, api: str | None = None) -> Agent:
    """Without GitHub ("BYOK"): any provider. It says then which SDK it uses, and not that it is Copilot."""
    path = "anthropic" if kind == "anthropic" else "openai/v1"
    wire = {"COPILOT_PROVIDER_WIRE_API": api} if api else {}
    return Agent(
        "Anthropic SDK (JS)" if kind == "anthropic" else "OpenAI SDK (JS)", model, "bash", copilot_command,
        lambda gateway, _: {"COPILOT_OFFLINE": "true", "COPILOT_PROVIDER_TYPE": kind, "COPILOT_PROVIDER_BASE_URL": f"{gateway}/{path}", "COPILOT_PROVIDER_API_KEY": TOKEN, "COPILOT_MODEL": model, **wire},
    )
