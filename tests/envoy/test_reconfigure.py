"""A new configuration at run time (file ECDS, envoy/dynamic) loses no stream, and an invalid one changes nothing."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any, Iterator

import pytest
import yaml

from client import Http1, Http2, Reset
from conftest import Records, assert_alive
from gateway import KEYS, Gateway
from render import HOST, REPOSITORY, WASM, DiscoveredFilter, connection_manager_of, for_host, render, shipped, shipped_plugin, wasm_of
from samples import CHAT, JSON, MESSAGE, MESSAGE_STREAM, MESSAGES, TOKEN, chat_request, messages_request
from upstream import Exchange, Upstream, json_answer

DYNAMIC = REPOSITORY / "envoy" / "dynamic"
STREAM = b"".join(MESSAGE_STREAM)
NO_PROMPTS = {**shipped_plugin(), "record": {"prompts": False}}

Bridge = tuple[Gateway, DiscoveredFilter]


@pytest.fixture(params=[1, 2], ids=["one-worker", "two-workers"])
def bridge(request: pytest.FixtureRequest, upstream: Upstream, tmp_path: Path) -> Iterator[Bridge]:
    """A gateway whose filter is configured by a file."""
    config = render(upstream.address)
    discovered = DiscoveredFilter(config, tmp_path)
    with Gateway(config, concurrency=request.param) as running:
        yield running, discovered
        assert_alive(running)


class HeldStream:
    """A response that begins and continues on a signal; a script for any number of requests."""

    def __init__(self) -> None:
        self.began = threading.Semaphore(0)
        self.go_on = threading.Event()

    def __call__(self, exchange: Exchange) -> None:
        exchange.read_body()
        exchange.stream()
        exchange.chunk(MESSAGE_STREAM[0])
        self.began.release()
        assert self.go_on.wait(60)
        exchange.chunk(b"".join(MESSAGE_STREAM[1:]))
        exchange.end()


def begin(client: Any, body: bytes) -> None:
    client.start("POST", MESSAGES, [JSON, TOKEN, ("content-length", str(len(body)))])
    client.send(body, end=True)


def ask(gateway: Gateway, path: str = MESSAGES) -> Any:
    with Http1(gateway.address) as client:
        return client.request("POST", path, [JSON, TOKEN], messages_request(stream=False) if path == MESSAGES else chat_request())


def discovery(gateway: Gateway, counter: str) -> int:
    """A counter of the filter's discovery."""
    return sum(value for name, value in gateway.stats(r"^extension_config_discovery\.").items() if name.endswith("." + counter))


def wait_for_reload(gateway: Gateway, discovered: DiscoveredFilter, plugin: Any) -> None:
    """Returns when Envoy has taken a new configuration; its workers follow."""
    before = discovery(gateway, "config_reload")
    discovered.reconfigure(plugin)
    gateway.wait_until(lambda: discovery(gateway, "config_reload") > before, "the configuration is taken")


def vms(gateway: Gateway, which: str) -> int:
    """How many VMs exist ("active") or were ever created ("created"). Envoy tries every update in a separate VM first."""
    if HOST == "native":
        return 0
    name = f"wasm.envoy.wasm.runtime.v8.{which}"
    return gateway.stats(name.replace(".", r"\."))[name]


def nothing_drained(gateway: Gateway) -> None:
    stats = gateway.stats(r"listener_manager\.|downstream_cx_drain_close")
    assert {name: value for name, value in stats.items() if value and ("modified" in name or "drain" in name)} == {}


# === the files that are shipped ===


@pytest.mark.wasm
def test_the_shipped_files_are_what_these_tests_run(tmp_path):
    config = shipped()
    DiscoveredFilter(config, tmp_path)
    (tested,) = [entry for entry in connection_manager_of(config)["http_filters"] if entry["name"] == "ai_bridge"]
    (entry,) = yaml.safe_load((DYNAMIC / "filter.yaml").read_text())
    assert json.loads(json.dumps(tested).replace(str(tmp_path), "/etc/envoy/ecds").replace(".json", ".yaml")) == entry

    (written,) = json.loads((tmp_path / "ai_bridge.json").read_text())["resources"]
    (resource,) = yaml.safe_load((DYNAMIC / "ecds" / "ai_bridge.yaml").read_text())["resources"]
    for each in (written, resource):
        value = each["typed_config"]["config"]["configuration"]
        value["value"] = json.loads(value["value"])
    assert resource == written


def test_the_file_holds_the_filter_of_the_static_configuration():
    (resource,) = yaml.safe_load((DYNAMIC / "ecds" / "ai_bridge.yaml").read_text())["resources"]
    found, static = resource["typed_config"]["config"], wasm_of(shipped())
    assert json.loads(found["configuration"].pop("value")) == json.loads(static["configuration"].pop("value"))
    assert found == static


# === a new configuration ===


def test_a_stream_in_flight_ends_under_the_configuration_it_began_with(bridge, upstream):
    gateway, discovered = bridge
    records = Records(gateway)
    held = HeldStream()
    upstream.begin(held)
    with Http1(gateway.address) as one, Http2(gateway.address) as two:
        for client in (one, two):
            begin(client, messages_request(prompt="under the old one"))
            assert held.began.acquire(timeout=20)
        discovered.reconfigure(NO_PROMPTS)
        upstream.begin(json_answer(MESSAGE))

        def taken() -> bool:
            assert ask(gateway).status == 200
            return any(record.get("prompt") is None for record in gateway.records())

        gateway.wait_until(taken, "the new configuration is taken")
        held.go_on.set()
        for client in (one, two):
            assert client.answer().body == STREAM
    streamed = [record for record in records.all() if record["streaming"]]
    assert [(record["outcome"], record["prompt"]) for record in streamed] == [("completed", "under the old one")] * 2
    assert {record["usage"]["output_tokens"] for record in streamed} == {7}
    nothing_drained(gateway)


def test_an_upload_in_flight_ends_under_the_configuration_it_began_with(bridge, upstream):
    gateway, discovered = bridge
    records = Records(gateway)
    upstream.begin(json_answer(MESSAGE))
    body = messages_request(stream=False, prompt="half way")
    with Http1(gateway.address) as client:
        client.start("POST", MESSAGES, [JSON, TOKEN, ("content-length", str(len(body)))])
        client.send(body[:30])
        upstream.wait_until(lambda: bool(upstream.requests) and len(upstream.requests[0].body) == 30, "the upload has begun")
        wait_for_reload(gateway, discovered, NO_PROMPTS)
        client.send(body[30:])
        assert client.answer().json() == MESSAGE
    record = records.one()
    assert (record["outcome"], record["prompt"]) == ("completed", "half way")


@pytest.mark.parametrize("kind", [Http1, Http2], ids=lambda kind: kind.name)
def test_the_next_request_on_an_open_connection_is_served_by_the_new_one(bridge, upstream, kind):
    gateway, discovered = bridge
    upstream.begin(json_answer(MESSAGE))
    with kind(gateway.address) as client:
        def without_prompt() -> bool:
            so_far = len(gateway.records())
            assert client.request("POST", MESSAGES, [JSON, TOKEN], messages_request(stream=False)).status == 200
            return gateway.wait_for_record(so_far + 1).get("prompt") is None

        assert not without_prompt()
        discovered.reconfigure(NO_PROMPTS)
        gateway.wait_until(without_prompt, "the new configuration is taken")
        assert gateway.stats("^http.ai_gateway.downstream_cx_total$") == {"http.ai_gateway.downstream_cx_total": 1}
    nothing_drained(gateway)


def test_many_configurations_in_a_row_lose_no_stream_and_leave_no_vm_behind(bridge, upstream):
    gateway, discovered = bridge
    records = Records(gateway)
    held = HeldStream()
    upstream.begin(held)
    made, active = vms(gateway, "created"), vms(gateway, "active")
    clients = []
    try:
        for number in range(12):
            client = Http1(gateway.address)
            clients.append(client)
            begin(client, messages_request(prompt=f"stream {number}"))
            assert held.began.acquire(timeout=20)
            wait_for_reload(gateway, discovered, {**shipped_plugin(), "actor": {"header": f"x-caller-{number}"}})
        held.go_on.set()
        for client in clients:
            assert client.answer().body == STREAM
    finally:
        held.go_on.set()
        for client in clients:
            client.close()
    assert sorted(record["prompt"] for record in records.all()) == sorted(f"stream {number}" for number in range(12))
    assert HOST == "native" or vms(gateway, "created") == made + 12, "the running VM takes a new plugin configuration"
    gateway.wait_until(lambda: vms(gateway, "active") == active, "no VM is left behind")


# === keys ===


def keys_seen(gateway: Gateway, upstream: Upstream, key: str) -> None:
    """Returns once the providers get this key."""

    def arrived() -> bool:
        upstream.begin(json_answer({}))
        ask(gateway, CHAT)
        return upstream.only().header("authorization") == f"Bearer {key}"

    gateway.wait_until(arrived, f"{key} goes upstream")


def test_a_key_in_the_plugins_configuration_rotates_in_the_same_vm(bridge, upstream):
    gateway, discovered = bridge
    made = vms(gateway, "created")
    for key in ("sk-proj-one-0123456789", "sk-proj-two-0123456789"):
        discovered.reconfigure({"providers": [{"type": "openai", "key": {"value": key}}], "gateway_credentials": {"value_prefixes": ["gw_"]}})
        keys_seen(gateway, upstream, key)
    assert HOST == "native" or vms(gateway, "created") == made + 2
    assert "sk-proj-one" not in gateway.log()


@pytest.mark.wasm
def test_a_key_in_the_vm_environment_rotates_with_a_new_vm(bridge, upstream):
    gateway, discovered = bridge
    records = Records(gateway)
    active = vms(gateway, "active")
    held = HeldStream()
    upstream.begin(held)
    with Http1(gateway.address) as client:
        begin(client, messages_request(prompt="with the old key"))
        assert held.began.acquire(timeout=20)
        assert upstream.only().header("x-api-key") == KEYS["ANTHROPIC_API_KEY"]
        made = vms(gateway, "created")
        for key in ("sk-proj-one-0123456789", "sk-proj-two-0123456789"):
            discovered.environment = {"host_env_keys": ["ANTHROPIC_API_KEY"], "key_values": {"OPENAI_API_KEY": key}}
            discovered.reconfigure(shipped_plugin())
            keys_seen(gateway, upstream, key)
        assert vms(gateway, "created") > made + 2
        held.go_on.set()
        assert client.answer().body == STREAM
    assert [record["prompt"] for record in records.all() if record["streaming"]] == ["with the old key"]
    gateway.wait_until(lambda: vms(gateway, "active") == active, "the old VMs are gone")
    nothing_drained(gateway)


# === another module ===


@pytest.mark.wasm
def test_a_new_module_file_is_loaded_and_a_broken_one_is_refused(upstream, tmp_path):
    module = tmp_path / "ai_bridge.wasm"
    module.write_bytes(WASM.read_bytes())
    config = render(upstream.address, wasm=module)
    watched = tmp_path / "ecds"
    watched.mkdir()
    discovered = DiscoveredFilter(config, watched)
    upstream.begin(json_answer(MESSAGE))
    with Gateway(config) as gateway:
        active, updates = vms(gateway, "active"), discovery(gateway, "update_attempt")
        new = tmp_path / "new"
        new.write_bytes(b"no module at all")
        new.rename(module)
        discovered.reconfigure(wasm_of(shipped())["configuration"]["value"])
        gateway.wait_until(lambda: discovery(gateway, "update_attempt") > updates, "Envoy has looked")
        assert discovery(gateway, "config_fail") == 0, "the same text is no change"

        discovered.environment = {**discovered.environment, "key_values": {"REVISION": "2"}}
        discovered.reconfigure(shipped_plugin())
        gateway.wait_until(lambda: discovery(gateway, "config_fail") == 1, "the broken module is refused")
        assert ask(gateway).status == 200

        new.write_bytes(WASM.read_bytes())
        new.rename(module)
        made = vms(gateway, "created")
        discovered.environment = {**discovered.environment, "key_values": {"REVISION": "3"}}
        wait_for_reload(gateway, discovered, shipped_plugin())
        assert ask(gateway).status == 200
        assert vms(gateway, "created") > made + 1
        gateway.wait_until(lambda: vms(gateway, "active") == active, "the old VMs are gone")
        assert_alive(gateway)


# === a bad configuration ===


def test_a_bad_update_is_refused_and_the_old_configuration_serves_on(bridge, upstream):
    gateway, discovered = bridge
    upstream.begin(json_answer(MESSAGE))
    assert ask(gateway).status == 200
    for plugin in ("{", {"providers": [{"type": "anthropic", "clutser": "x"}]}, {"providers": []}):
        refused = gateway.log().count("is refused")
        counted = discovery(gateway, "config_fail")
        discovered.reconfigure(plugin)
        gateway.wait_until(lambda: gateway.log().count("is refused") > refused, "the update is refused")
        gateway.wait_until(lambda: discovery(gateway, "config_fail") == discovery(gateway, "update_rejected") == counted + 1, "the refusal is counted")
        assert ask(gateway).json() == MESSAGE
    discovered.reconfigure({"providers": [{"type": "openai", "key": {"value": "k"}}]})
    gateway.wait_until(lambda: ask(gateway).status == 404, "the next good one is taken")


def test_every_problem_of_a_bad_update_is_in_the_log_and_no_secret(bridge, upstream):
    gateway, discovered = bridge
    secret = "sk-ant-never-to-be-seen-0123456789"
    providers = [{"type": "anthropic", "clutser": "x", "key": {"value": secret}}, {"type": "openai", "key": {"env": "NOT_SET"}}, {"type": "copilot", "key": {"value": secret}}]
    discovered.reconfigure({"providers": providers, "limits": {"tool_calls": -1}})
    gateway.wait_for_log("is refused")
    gateway.wait_until(lambda: discovery(gateway, "config_fail") == 1, "the refusal is counted")
    log = gateway.log()
    for problem in ("providers[0].clutser", "providers[1].key", "NOT_SET", "host_env_keys", "providers[2].key", "limits.tool_calls"):
        assert problem in log, problem
    assert secret not in log
    upstream.begin(json_answer(MESSAGE))
    assert ask(gateway).json() == MESSAGE


def test_a_stream_in_flight_survives_a_refused_update(bridge, upstream):
    gateway, discovered = bridge
    records = Records(gateway)
    held = HeldStream()
    upstream.begin(held)
    with Http1(gateway.address) as client:
        begin(client, messages_request())
        assert held.began.acquire(timeout=20)
        discovered.reconfigure({"providers": []})
        gateway.wait_for_log("is refused")
        held.go_on.set()
        assert client.answer().body == STREAM
    assert records.one()["outcome"] == "completed"


def test_without_a_good_file_at_the_start_every_request_is_500_until_one_comes(upstream, tmp_path):
    config = render(upstream.address)
    discovered = DiscoveredFilter(config, tmp_path)
    discovered.reconfigure({"providers": []})
    upstream.begin(json_answer(MESSAGE))
    with Gateway(config) as gateway:
        assert ask(gateway).status == 500
        assert upstream.requests == []
        discovered.reconfigure(shipped_plugin())
        gateway.wait_until(lambda: ask(gateway).status == 200, "the good one is taken")


# === a changed listener ===


def test_a_changed_listener_cuts_streams_after_the_drain_time(upstream, tmp_path):
    """The same change by file LDS ends active requests; therefore the filter has its own file."""
    config = render(upstream.address)
    listener = config["static_resources"].pop("listeners")[0]
    config["dynamic_resources"] = {"lds_config": {"resource_api_version": "V3", "path_config_source": {"path": str(tmp_path / "l.json"), "watched_directory": {"path": str(tmp_path)}}}}

    def write() -> None:
        new = tmp_path / "new"
        new.write_text(json.dumps({"resources": [{"@type": "type.googleapis.com/envoy.config.listener.v3.Listener", **for_host(listener)}]}))
        new.rename(tmp_path / "l.json")

    write()
    with Gateway(config, arguments=["--drain-time-s", "1"]) as gateway, Http1(gateway.address) as streaming, Http1(gateway.address) as waiting:
        records = Records(gateway)
        held = HeldStream()
        upstream.begin(held)
        begin(streaming, messages_request())
        assert held.began.acquire(timeout=20)
        upstream.begin(lambda exchange: (exchange.read_body(), exchange.wait_until_gone()))
        begin(waiting, messages_request())
        upstream.wait_until(lambda: bool(upstream.requests) and upstream.requests[0].complete, "the second request is upstream")
        wasm = next(entry for entry in listener["filter_chains"][0]["filters"][0]["typed_config"]["http_filters"] if entry["name"] == "ai_bridge")
        wasm["typed_config"]["config"]["configuration"]["value"] = json.dumps(NO_PROMPTS)
        write()
        streaming.head()
        with pytest.raises(Reset):
            while streaming.read():
                pass
        with pytest.raises(Reset):
            waiting.head()
        held.go_on.set()
        outcomes = sorted(record["outcome"] for record in records.all())
        assert outcomes == ["aborted_upstream", "unavailable"], "it was not the client that went away"
        assert_alive(gateway)
