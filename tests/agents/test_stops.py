"""What a user of each client sees, and how often the client asks, when the gateway says no."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Iterator

import pytest

from agents import GITHUB_TOKEN, TOKEN
from client import Http1
from conftest import LoggedMock, envoy_conftest
from gateway import Gateway
from render import connection_manager_of, render
from samples import JSON, MESSAGES, RESPONSES, messages_request, responses_request
from stops import CLIENTS, STOPS, Stop, plugin_for

LONG = {"interval": "0.1s", "base_ejection_time": "600s", "max_ejection_time": "600s"}
PATHS = {"anthropic": MESSAGES, "openai": RESPONSES, "copilot": "/copilot/responses"}


class Trouble:
    """A gateway that says no in one way, and all requests that it got."""

    def __init__(self, gateway: Gateway, name: str, log: Path) -> None:
        self.gateway, self.name, self.stop = gateway, name, STOPS[name]
        self._log = log

    def requests(self) -> list[Any]:
        self.gateway.settle()
        return [json.loads(line) for line in self._log.read_text().splitlines()] if self._log.exists() else []


def log_requests(config: Any, file: Path) -> None:
    """One line for every request, also for those that leave no record."""
    line = {"method": "%REQ(:METHOD)%", "path": "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%", "status": "%RESPONSE_CODE%", "details": "%RESPONSE_CODE_DETAILS%", "agent": "%REQ(USER-AGENT)%"}
    connection_manager_of(config)["access_log"].append(
        {"name": "requests", "typed_config": {"@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog", "path": str(file), "log_format": {"json_format": line}}}
    )


@pytest.fixture(scope="module", params=STOPS)
def trouble(request: pytest.FixtureRequest, mock: LoggedMock, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trouble]:
    stop: Stop = STOPS[request.param]
    directory = tmp_path_factory.mktemp(request.param)

    def change(config: Any) -> None:
        log_requests(config, directory / "requests")
        stop.change(config, directory)

    with Gateway(render(mock.address, plugin=plugin_for(stop.plugin), breaker=LONG, change=change, **stop.render)) as gateway:
        running = Trouble(gateway, request.param, directory / "requests")
        if request.param == "open":
            for cluster in PATHS:
                open_circuit(gateway, cluster)
        if request.param == "budget":
            with Http1(gateway.address) as client:
                client.request("POST", MESSAGES, [JSON, ("authorization", f"Bearer {TOKEN}")], messages_request())
        yield running
        envoy_conftest.assert_alive(gateway)


def open_circuit(gateway: Gateway, cluster: str) -> None:
    """Five failures of the provider, and Envoy has taken it out."""
    token = f"Bearer {GITHUB_TOKEN if cluster == 'copilot' else TOKEN}"
    body = messages_request(model="mock-error-503") if cluster == "anthropic" else responses_request(model="mock-error-503")
    for _ in range(5):
        with Http1(gateway.address) as client:
            assert client.request("POST", PATHS[cluster], [JSON, ("authorization", token)], body).status == 503
    name = f"cluster.{cluster}.outlier_detection.ejections_active"
    gateway.wait_until(lambda: gateway.stats(f"^{name}$").get(name) == 1, f"the circuit of {cluster} opens")


@pytest.mark.parametrize("name", CLIENTS)
def test_stop(trouble: Trouble, mock: LoggedMock, name: str) -> None:
    client, stop = CLIENTS[name], trouble.stop
    environment = stop.environment(client)
    if environment is None:
        pytest.skip("this client cannot meet this stop")
    before = len(trouble.requests())
    records = len(trouble.gateway.records())
    mock.begin()
    import time
    began = time.time()
    ran = stop.agent(client).run(trouble.gateway, mock.address, "hello", environment=environment, seconds=60)
    requests = trouble.requests()[before:]
    print("TOOK", time.time() - began, "CODE", ran.code, "OUT", ran.output[-3000:], "ERR", ran.errors[-3000:], *requests, [(r["outcome"], (r.get("error") or {}).get("code")) for r in trouble.gateway.records()[records:]], sep="\n")
    refused = [r for r in requests if r["status"] == stop.status]
    shown = stop.says in (ran.output + ran.errors).replace('\\"', '"')
    with open("/tmp/agents/results.tsv", "a") as f:
        f.write(f"{trouble.name}\t{name}\t{len(refused)}\t{shown}\t{time.time()-began:.1f}\n")
    assert (len(refused), shown) == (1, True)
