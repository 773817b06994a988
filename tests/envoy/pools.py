"""Pools for tests: the generated clusters and routes in the shipped configuration, and scripted members."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from typing import Any, Iterator

import pytest
import yaml

from gateway import Gateway
from render import REPOSITORY, WASM, Address, Json, connection_manager_of, render
from samples import MESSAGE
from upstream import Exchange, Received, Script, Upstream, json_answer

GENERATOR = REPOSITORY / "envoy" / "pools"


class Member(Upstream):
    """A member of a pool with a key of its own. It may refuse connections, and accept them again."""

    def __init__(self, name: str, script: Script | None = None) -> None:
        super().__init__(script)
        self.name = name
        self.key = f"sk-ant-{name}-0123456789"

    def entry(self, **more: Json) -> Json:
        """The member in the configuration."""
        return {"name": self.name, "key": {"value": self.key}, "base_url": f"http://127.0.0.1:{self.address[1]}"} | more

    def refuse(self) -> None:
        """Refuses connections, and closes those that there are."""
        self.close()

    def accept(self) -> None:
        """Accepts connections again, at the same address."""
        self._listener = socket.create_server(self.address, backlog=1024)
        threading.Thread(target=self._accept, daemon=True).start()


@pytest.fixture
def members() -> Iterator[list[Member]]:
    """Three members that answer, and that must not have failed in a way that no test expects."""
    made = [Member(name, json_answer(MESSAGE)) for name in ("one", "two", "three")]
    yield made
    for each in made:
        each.close()
    assert not [failure for each in made for failure in each.failures]


def plugin_of(entries: list[Json], root: str = "", **more: Json) -> Json:
    """A configuration of the filter with one pool. `more`: other members of the provider."""
    return {"root": root, "providers": [{"type": "anthropic", "pool": entries, **more}], "gateway_credentials": {"value_prefixes": ["gw_"]}}


def generated(plugin: Json, *arguments: str) -> Json:
    """The output of envoy/pools."""
    done = subprocess.run([sys.executable, GENERATOR, "--config", "-", *arguments], input=json.dumps(plugin), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return yaml.safe_load(done.stdout)


def configuration(plugin: Json, *arguments: str, upstream: Address = ("127.0.0.1", 1), **changes: Any) -> Json:
    """The reference configuration with this configuration of the filter and its pools. `arguments`: more of envoy/pools.
    `upstream`: where the providers without a pool are."""
    config = render(upstream, plugin=plugin, **changes)
    variables = [key["env"] for provider in plugin["providers"] for each in (provider, *provider.get("pool", [])) if "env" in (key := each.get("key", {}))]
    made = generated(plugin, "--wasm", str(WASM), *arguments)
    for http_filter in connection_manager_of(config)["http_filters"]:
        if http_filter["name"] == "ai_bridge":
            http_filter["typed_config"]["config"]["vm_config"]["environment_variables"] = {"host_env_keys": variables}
    host = connection_manager_of(config)["route_config"]["virtual_hosts"][0]
    host.update(made["virtual_host"])
    host["routes"][0:0] = made["routes"]
    config["static_resources"]["clusters"] += made["clusters"]
    return config


def gateway_of(*members: Member, start: str = "first", root: str = "", copied: int | None = None) -> Gateway:
    """A gateway of two workers with one pool of these members. `copied`: another limit for Envoy's copies of bodies."""
    config = configuration(plugin_of([each.entry() for each in members], root, start=start))
    for route in connection_manager_of(config)["route_config"]["virtual_hosts"][0]["routes"]:
        if copied is not None and "request_body_buffer_limit" in route:
            route["request_body_buffer_limit"] = copied
    return Gateway(config, concurrency=2, environment={})


def tried(record: Json) -> list[tuple[str, Any]]:
    """The attempts of a record: each member with its status, or why there is none."""
    return [(each["member"], each.get("status", each.get("error"))) for each in record["attempts"]]


def key_of(received: Received) -> str | None:
    return received.header("x-api-key")


def refusal(status: int, **headers: str) -> Script:
    """A script: reads the request, answers with an error of Anthropic's."""

    def script(exchange: Exchange) -> None:
        exchange.read_body()
        exchange.reply(status, {"type": "error", "error": {"type": "rate_limit_error", "message": "no"}}, {name.replace("_", "-"): value for name, value in headers.items()})

    return script
