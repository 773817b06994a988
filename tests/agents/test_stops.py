"""What a user of each client sees, and how often the client asks, when the gateway says no.

The results are compared with measured.json, from which the table in envoy/clients is made. `--write` measures anew.
"""

from __future__ import annotations

import json
import re
import threading
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, Iterator

import pytest

import page
from agents import GITHUB_TOKEN, TOKEN
from client import Http1
from conftest import LoggedMock, envoy_conftest
from gateway import Gateway
from render import connection_manager_of, render
from samples import JSON, MESSAGES, RESPONSES, messages_request, responses_request
from stops import CLIENTS, LONG, STOPS, meets, plugin_for

SECONDS = 120.0         # an agent takes five to twenty; two busy cores take longer
PATHS = {"anthropic": MESSAGES, "openai": RESPONSES, "copilot": "/copilot/responses"}
# What clients ask beside their questions: whether the gateway is there, AWS's profiles, GitHub's tools.
BESIDE = re.compile(r"/api/hello|/inference-profiles|/mcp/|\.well-known")
# Where more than two requests are the client's own decision: see envoy/clients.
MORE = {("model", "claude-code"), ("down", "claude-code"), ("down", "copilot-own")}
# Copilot asks for the list of models at its start, and ends where it gets none. LiteLLM does not ask Anthropic again.
LEAVES = {"copilot", "litellm-anthropic"}
FEW = {"claude-code", "codex", "copilot", "copilot-own"}


class Trouble:
    """A gateway that says no in one way, and all requests that it got."""

    def __init__(self, gateway: Gateway, name: str, log: Path) -> None:
        self.gateway, self.name, self.stop = gateway, name, STOPS[name]
        self._log = log

    def requests(self) -> list[Any]:
        """All of clients that name themselves, which ours do not."""
        self.gateway.settle()
        total = self.gateway.stats("^http.ai_gateway.downstream_rq_total$").get("http.ai_gateway.downstream_rq_total", 0)
        self.gateway.wait_until(lambda: len(self._lines()) >= total, "every request has its line")
        return self.seen()

    def seen(self) -> list[Any]:
        """The same, of those that are written by now."""
        return [request for request in map(json.loads, self._lines()) if request["agent"]]

    def _lines(self) -> list[str]:
        """The whole lines."""
        return self._log.read_text().split("\n")[:-1] if self._log.exists() else []


def log_requests(config: Any, file: Path) -> None:
    """One line for every request, also for those that leave no record."""
    line = {"method": "%REQ(:METHOD)%", "path": "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%", "status": "%RESPONSE_CODE%", "agent": "%REQ(USER-AGENT)%"}
    connection_manager_of(config)["access_log"].append(
        {"name": "requests", "typed_config": {"@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog", "path": str(file), "log_format": {"json_format": line}}}
    )


@pytest.fixture(scope="module", params=STOPS)
def trouble(request: pytest.FixtureRequest, mock: LoggedMock, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trouble]:
    stop = STOPS[request.param]
    directory = tmp_path_factory.mktemp(request.param)

    def change(config: Any) -> None:
        log_requests(config, directory / "requests")
        config.setdefault("layered_runtime", {}).setdefault("layers", []).append({"name": "tests", "admin_layer": {}})
        stop.change(config, directory)

    settings = {"breaker": LONG, **stop.render}
    with Gateway(render(mock.address, plugin=plugin_for(stop.plugin), change=change, **settings)) as gateway:
        running = Trouble(gateway, request.param, directory / "requests")
        if request.param == "budget":
            with Http1(gateway.address) as client:
                client.request("POST", MESSAGES, [JSON, ("authorization", f"Bearer {TOKEN}")], messages_request())
        yield running
        envoy_conftest.assert_alive(gateway)


def is_open(gateway: Gateway, cluster: str) -> bool:
    name = f"cluster.{cluster}.outlier_detection.ejections_active"
    return gateway.stats(f"^{name}$").get(name) == 1


def open_circuit(gateway: Gateway, cluster: str) -> None:
    """Five failures of the provider, and Envoy has taken it out."""
    if is_open(gateway, cluster):
        return
    token = f"Bearer {GITHUB_TOKEN if cluster == 'copilot' else TOKEN}"
    body = messages_request(model="mock-error-503") if cluster == "anthropic" else responses_request(model="mock-error-503")
    for _ in range(5):
        with Http1(gateway.address) as client:
            assert client.request("POST", PATHS[cluster], [JSON, ("authorization", token)], body).status == 503
    gateway.wait_until_open(cluster)


@contextmanager
def closing(trouble: Trouble, cluster: str, before: int) -> Iterator[None]:
    """Closes the circuit once a question was refused by it: before the `retry-after` that the client was told is over."""
    over = threading.Event()

    def refused() -> bool:
        return any(request["status"] == 503 and not is_beside(request) for request in trouble.seen()[before:])

    def close() -> None:
        while not refused() and not over.wait(0.1):
            pass
        set_ejection(trouble.gateway, "1")

    thread = threading.Thread(target=close)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        try:
            trouble.gateway.wait_until(lambda: not is_open(trouble.gateway, cluster), f"the circuit of {cluster} closes")
        finally:
            set_ejection(trouble.gateway, "")


def set_ejection(gateway: Gateway, milliseconds: str) -> None:
    """How long Envoy takes a provider out; empty: as configured."""
    gateway.admin_post(f"/runtime_modify?outlier_detection.base_ejection_time_ms={milliseconds}")


def is_beside(request: Any) -> bool:
    """Not the question itself: also WebSocket, and lists of models that were served."""
    return request["method"] == "HEAD" or request["status"] == 426 or (request["method"], request["status"]) == ("GET", 200) or bool(BESIDE.search(request["path"]))


@pytest.mark.parametrize("name", CLIENTS)
def test_stop(trouble: Trouble, mock: LoggedMock, name: str, measured: Any) -> None:
    if not meets(trouble.name, name):
        pytest.skip("this client does not meet this stop")
    client, stop = CLIENTS[name], trouble.stop
    before = len(trouble.requests())
    if trouble.name in ("open", "down"):
        open_circuit(trouble.gateway, client.cluster)
    agent = stop.agent(client)
    with closing(trouble, client.cluster, before) if trouble.name == "open" else nullcontext():
        ran = agent.run(trouble.gateway, mock.address, "hello", environment=stop.environment(client), seconds=SECONDS)
    requests = [request for request in trouble.requests()[before:] if not is_beside(request)]
    screen = agent.screen(ran).replace('\\"', '"')
    print(ran.code, ran.output, ran.errors, *requests, sep="\n")
    says = any(words in screen for words in stop.says)

    served = ran.code == 0
    assert (served, requests[-1]["status"] == 200) == ((True, True) if trouble.name == "open" and name not in LEAVES else (False, False))
    assert not served or says
    assert {request["status"] for request in requests} - {200} == {stop.status}
    if name in FEW and (trouble.name, name) not in MORE:
        assert len(requests) <= 2
    result = {"requests": len(requests), "screen": page.SERVED if served else page.words(screen, says)}
    measured.compare(trouble.name, name, result)
