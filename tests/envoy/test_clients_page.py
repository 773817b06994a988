"""The measured part of envoy/clients agrees with tests/agents/measured.json, and that with the pinned versions."""

from __future__ import annotations

import json
import sys

from render import REPOSITORY

sys.path.append(str(REPOSITORY / "tests" / "agents"))

import page  # noqa: E402
from stops import CLIENTS, STOPS, meets  # noqa: E402


def test_the_page_is_made_of_what_was_measured():
    text = page.PAGE.read_text()
    assert text == page.written(text, json.loads(page.MEASURED.read_text())), "python tests/agents/page.py"


def test_the_pinned_versions_were_measured():
    assert json.loads(page.MEASURED.read_text())["versions"] == page.versions(), "make agents AGENTS=--write"


def test_every_client_met_every_stop():
    stops = json.loads(page.MEASURED.read_text())["stops"]
    assert {name: set(stop["clients"]) for name, stop in stops.items()} == {name: {client for client in CLIENTS if meets(name, client)} for name in STOPS}
