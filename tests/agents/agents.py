"""The real agents, each as its user would set it up for the gateway, in a home of its own and with nothing of ours in the environment."""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
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
PYTHON = TOOLS / "agents-python" / "bin" / "python"
GEMINI = PACKAGES / "@google" / "gemini-cli" / "bundle" / "gemini.js"
NODE = TOOLS / "agents" / "node"

TESTS = Path(__file__).resolve().parent
RUNS = REPOSITORY / "target" / "agent-runs"      # Codex wants no home below /tmp
SECONDS = 180.0                                  # an agent takes three to nine; two busy cores take longer

TOKEN = "gw_agent-token-0123456789"
GITHUB_TOKEN = "gho_0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass
class Run:
    """What an agent did."""

    code: int | None                # None: it had not ended when its time was over
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
    screen: Callable[[Run], str] = lambda ran: ran.output + ran.errors      # what its user reads at the end

    def run(self, gateway: Gateway, mock: Address, prompt: str, *, model: str | None = None, environment: dict[str, str] | None = None, seconds: float = SECONDS) -> Run:
        """Gives it a prompt and waits for its end, at most so long."""
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
            code = None
            try:
                output, errors = process.communicate(timeout=seconds)
                code = process.returncode
            except subprocess.TimeoutExpired:
                end(process)
                output, errors = process.communicate()
            finally:
                end(process)
            return Run(code, output, errors, {file.name: file.read_text(errors="replace") for file in work.iterdir() if file.is_file()})
        finally:
            shutil.rmtree(directory, ignore_errors=True)


def end(process: subprocess.Popen[str]) -> None:
    """Ends an agent and all that it started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


def url(address: Address) -> str:
    return f"http://{address[0]}:{address[1]}"


# === Claude Code ===


def claude_command(model: str, prompt: str) -> list[Any]:
    return [CLAUDE, "-p", prompt, "--model", model, "--output-format", "json", "--allowedTools", "Bash"]


def claude_environment(credential: dict[str, str], path: str = "/anthropic") -> Callable[[str, str], dict[str, str]]:
    return lambda gateway, _: {"ANTHROPIC_BASE_URL": f"{gateway}{path}", **credential}


def claude_screen(ran: Run) -> str:
    return json.loads(ran.output)["result"] if ran.output else ""


def claude_in(cloud: str, model: str, path: str, settings: dict[str, str]) -> Agent:
    """In another cloud's format. A token for the gateway's own authentication goes into headers of the user's own."""
    return Agent(
        "Claude Code", model, "Bash", claude_command,
        lambda gateway, _: {
            f"CLAUDE_CODE_USE_{cloud}": "1", f"CLAUDE_CODE_SKIP_{cloud}_AUTH": "1", f"ANTHROPIC_{cloud}_BASE_URL": f"{gateway}{path}",
            "ANTHROPIC_MODEL": model, "ANTHROPIC_SMALL_FAST_MODEL": model, **settings,
        },
        screen=claude_screen,
    )


def claude_vertex(path: str = "/vertex") -> Agent:
    return claude_in("VERTEX", "claude-opus-4-8", path, {"ANTHROPIC_VERTEX_PROJECT_ID": "my-project", "CLOUD_ML_REGION": "us-east5"})


def claude_bedrock(path: str = "/bedrock") -> Agent:
    return claude_in("BEDROCK", "us.anthropic.claude-sonnet-4-5-20250929-v1:0", path, {"AWS_REGION": "us-east-1"})


def claude_foundry(path: str = "/foundry/anthropic") -> Agent:
    return claude_in("FOUNDRY", "claude-opus-4-8", path, {"ANTHROPIC_FOUNDRY_API_KEY": TOKEN})


CLAUDE_CODE = Agent("Claude Code", "claude-opus-4-8", "Bash", claude_command, claude_environment({"ANTHROPIC_AUTH_TOKEN": TOKEN}), screen=claude_screen)

# === Codex ===


def codex_command(model: str, prompt: str) -> list[Any]:
    # Its own sandbox wants namespaces that a container does not give; ours has only loopback.
    return [CODEX, "exec", "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox", "--json", "--model", model, prompt]


def codex_screen(ran: Run) -> str:
    """Its last words: an answer or an error."""
    events = [json.loads(line) for line in ran.output.splitlines() if line.startswith("{")]
    answers = [event["item"]["text"] for event in events if event.get("type") == "item.completed" and event["item"].get("type") == "agent_message"]
    errors = [event["error"]["message"] for event in events if event.get("type") == "turn.failed"]
    return (errors or answers or [""])[-1]


def codex_provider(home: Path, gateway: str, path: str = "/openai/v1", more: str = "") -> None:
    """The recommended way: a provider of its own."""
    (home / ".codex").mkdir()
    (home / ".codex" / "config.toml").write_text(
        f'model_provider = "bridge"\n\n[model_providers.bridge]\nname = "bridge"\nbase_url = "{gateway}{path}"\nenv_key = "BRIDGE_KEY"\nwire_api = "responses"\n{more}'
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


CODEX_PROVIDER = Agent("Codex", "gpt-5.5-codex", "exec_command", codex_command, lambda *_: {"BRIDGE_KEY": TOKEN}, codex_provider, codex_screen)
CODEX_LOGIN = Agent("Codex", "gpt-5.5-codex", "exec_command", codex_command, lambda *_: {}, codex_login, codex_screen)

# === Copilot CLI ===


def copilot_command(_: str, prompt: str) -> list[Any]:
    return [COPILOT, "-p", prompt, "--allow-all-tools"]


def copilot_hosted(model: str, path: str = "/copilot") -> Agent:
    """With GitHub's models; GitHub's own API is the mock as well."""
    return Agent(
        "GitHub Copilot (CLI)", model, "bash", copilot_command,
        lambda gateway, mock: {"COPILOT_API_URL": f"{gateway}{path}", "COPILOT_DEBUG_GITHUB_API_URL": mock, "COPILOT_GITHUB_TOKEN": GITHUB_TOKEN, "COPILOT_MODEL": model},
    )


def copilot_own_models(kind: str, model: str, api: str | None = None, path: str | None = None) -> Agent:
    """Without GitHub ("BYOK"): any provider. It says then which SDK it uses, and not that it is Copilot."""
    path = path or ("anthropic" if kind == "anthropic" else "openai/v1")
    wire = {"COPILOT_PROVIDER_WIRE_API": api} if api else {}
    return Agent(
        "Anthropic SDK (JS)" if kind == "anthropic" else "OpenAI SDK (JS)", model, "bash", copilot_command,
        lambda gateway, _: {"COPILOT_OFFLINE": "true", "COPILOT_PROVIDER_TYPE": kind, "COPILOT_PROVIDER_BASE_URL": f"{gateway}/{path}", "COPILOT_PROVIDER_API_KEY": TOKEN, "COPILOT_MODEL": model, **wire},
    )

# === Gemini CLI ===


def gemini_command(model: str, prompt: str) -> list[Any]:
    return [NODE, GEMINI, "--model", model, "--yolo", "--skip-trust", "--prompt", prompt]


def gemini_settings(home: Path, _: str) -> None:
    """Chooses the authentication that its first start asks for."""
    (home / ".gemini").mkdir()
    (home / ".gemini" / "settings.json").write_text(json.dumps({"security": {"auth": {"selectedType": "gemini-api-key"}}, "privacy": {"usageStatisticsEnabled": False}}))


def gemini_cli(path: str = "/gemini") -> Agent:
    return Agent(
        "Gemini CLI", "gemini-3-pro", "run_shell_command", gemini_command,
        lambda gateway, _: {"GOOGLE_GEMINI_BASE_URL": f"{gateway}{path}", "GEMINI_API_KEY": TOKEN}, gemini_settings,
    )


# === Libraries ===


def library(name: str, path: str) -> Agent:
    """One question by a Python library: libraries.py."""
    return asking([PYTHON, TESTS / "libraries.py", name], path)


def ai_sdk(name: str, path: str) -> Agent:
    """One question by the Vercel AI SDK: libraries.mjs."""
    return asking([NODE, TESTS / "libraries.mjs", PACKAGES, name], path)


def asking(program: list[Any], path: str) -> Agent:
    # The base URL and the key are in the environment, as programs have them; a shell puts them into the command.
    command = [*map(str, program), '"$BASE_URL"', '"$KEY"']
    return Agent(
        "", "", "", lambda _, prompt: ["/bin/sh", "-c", f"exec {' '.join(command)} {prompt}"],
        lambda gateway, _: {"BASE_URL": f"{gateway}{path}", "KEY": TOKEN},
    )
