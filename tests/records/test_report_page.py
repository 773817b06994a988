"""The report's page in a real browser: wide, narrow and dark, nothing overflows, wraps or is hard to read."""

from __future__ import annotations

import html
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "tests" / "envoy"))

from servers import program  # noqa: E402

REPORT = REPOSITORY / "envoy" / "records" / "report.py"
PROBE = Path(__file__).resolve().parent / "probe.js"
MONEY = 1_000_000

CALLERS = [("alice@example.com", "payments"), ("christopher.wolfeschlegelsteinhausenbergerdorff@subsidiary.example.com", "platform-engineering-and-developer-experience"), ("名" * 60, "data")]
MODELS = [("claude-opus-4-8", "anthropic"), ("us.anthropic.claude-sonnet-4-6-20260101-v1:0", "bedrock-eu-central-1"), ("W" * 200, "openai")]


def records(scale: int) -> str:
    """Two months of records with long names. `scale`: what a request costs and uses, in cents and thousands of tokens."""
    lines = []
    for at in range(600):
        (actor, team), (model, provider) = CALLERS[at % 3], MODELS[at % 7 % 3]
        fails = at % 10 == 9
        usage = {"usage_status": "missing", "details": {}} if fails else {
            "usage_status": "complete", "input_tokens": 90 * scale, "cache_read_tokens": 900 * scale, "cache_write_tokens": 10 * scale, "output_tokens": 100 * scale,
            "total_input_tokens": 1000 * scale, "total_tokens": 1100 * scale, "details": {},
        }
        lines.append(json.dumps({
            "version": 1, "id": f"01a20e27-7f50-7c87-8bbf-{at:012x}", "started_at": f"2026-{10 + at // 300}-{1 + at % 300 // 10:02}T0{at % 10}:00:00.000Z", "duration_ms": 100 * at, "time_to_first_event_ms": 7 * at,
            "provider": {"type": "anthropic", "name": provider}, "api": "messages", "model": {"requested": model}, "actor": {"id": actor, "metadata": {"team": team}}, "client": "GitHub Copilot (VS Code)",
            "session_id": f"5b2ec0a8-8a5e-4a1c-9f3e-{at % 20:012}", "credential": {"kind": "centralized"}, "response": {"status": 529 if fails else 200}, "usage": usage,
            **({} if fails else {"cost_microusd": 10_000 * scale + at}), "tool_calls": [{"name": "search_issues_and_pull_requests_" + "x" * 60, "server": "github-enterprise-mcp", "kind": "client"}],
            "outcome": "failed" if fails else "completed", **({"error": {"type": "overloaded_error", "message": "Overloaded: " + "no_capacity_" * 30}} if fails else {}), "notes": [],
        }))
    return "\n".join(lines) + "\n"


def page(folder: Path, scale: int, *options: str) -> str:
    (folder / "records.jsonl").write_text(records(scale))
    subprocess.run([sys.executable, "-I", REPORT, "--html", folder / "report.html", *options, folder / "records.jsonl"], check=True, capture_output=True, timeout=60)
    return (folder / "report.html").read_text()


def seen(folder: Path, text: str, wide: int, dark: bool) -> Any:
    """What the probe measures. The page forbids scripts, so this one is added without that line."""
    browser = program("chromium")
    probed = folder / "probed.html"
    inner = re.sub(r"<meta http-equiv[^>]*>", "", text).replace("</body>", f"<script>{PROBE.read_text()}</script></body>")
    # In a frame, since the browser makes no window as narrow as a phone.
    frame = f'<iframe srcdoc="{html.escape(inner)}" style="width: {wide}px; height: 1000px; border: 0"></iframe>'
    probed.write_text(f'<!DOCTYPE html><html><head><meta charset="utf-8"><title></title><style>:root {{ color-scheme: light dark }}</style></head><body>{frame}</body></html>')
    command = [browser, "--headless", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", f"--user-data-dir={folder / 'profile'}", "--window-size=1400,1100", "--hide-scrollbars"]
    command += ["--no-sandbox"] if os.geteuid() == 0 else []
    command += ["--blink-settings=preferredColorScheme=" + ("0" if dark else "1"), "--dump-dom", probed.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    found = re.search(r"<title>(\{.*?\})</title>", done.stdout, re.S)
    assert found, done.stderr[-2_000:]
    return json.loads(html.unescape(found[1]))


@pytest.mark.parametrize(("wide", "dark"), [(1280, False), (1280, True), (800, False), (390, False), (390, True)])
@pytest.mark.parametrize("scale", [1, 700_000], ids=["cents", "millions"])
def test_nothing_overflows_wraps_or_is_hard_to_read(tmp_path, wide, dark, scale):
    text = page(tmp_path, scale, "--since", "2026-11-01", "--until", "2026-12-01")
    found = seen(tmp_path, text, wide, dark)
    assert (found["wide"], found["dark"]) == (wide, dark)
    assert found["problems"] == [] and found["seen"] == found["tables"] >= 6


def test_a_report_without_records_is_a_page_too(tmp_path):
    text = page(tmp_path, 1, "--since", "2030-01-01")
    assert seen(tmp_path, text, 390, False)["problems"] == []
