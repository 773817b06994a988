"""The dynamic module itself: its sample, what it cannot read, metadata that other filters see, and panics."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from client import Http1, Http2, Reset
from conftest import Records
from gateway import ENVOY, KEYS, Gateway, GatewayDied
from pools import Member, configuration, plugin_of
from render import HTTP_OPTIONS, NATIVE, REPOSITORY, DiscoveredFilter, connection_manager_of, native, render, shipped, shipped_plugin
from samples import JSON, MESSAGE, MESSAGE_STREAM, MESSAGES, TOKEN, messages_request
from upstream import json_answer, stream_answer

pytestmark = pytest.mark.native

FOLDER = REPOSITORY / "envoy" / "native"
SAMPLE = FOLDER / "envoy.yaml"
# Built with the feature `native-panics`: the header x-test-panic names the hooks that panic.
PANICS = REPOSITORY / "target" / "debug" / "libai_bridge.so"


# === the sample ===


def test_the_sample_is_the_reference_configuration_with_another_filter():
    made = subprocess.run([sys.executable, FOLDER / "sample.py"], capture_output=True, text=True, check=True).stdout
    assert SAMPLE.read_text() == made, "make it anew: python3 envoy/native/sample.py > envoy/native/envoy.yaml"
    expected, sample = native(shipped(), Path("/etc/envoy/libai_bridge.so")), shipped(SAMPLE)
    del expected["stats_config"]["stats_tags"]      # patterns for the wasm module's names
    for config in (expected, sample):
        value = next(entry for entry in connection_manager_of(config)["http_filters"] if entry["name"] == "ai_bridge")["typed_config"]["filter_config"]
        value["value"] = json.loads(value["value"])
    assert sample == expected


def test_envoy_accepts_the_sample(tmp_path):
    file = tmp_path / "envoy.yaml"
    file.write_text(SAMPLE.read_text().replace("/etc/envoy/libai_bridge.so", str(NATIVE)))
    done = subprocess.run([ENVOY, "--mode", "validate", "-c", file], env={**os.environ, **KEYS}, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert [line for line in done.stderr.splitlines() if re.search(r"\]\[(warning|error|critical)\]", line)] == []


def test_envoy_says_that_the_module_is_loaded_and_its_interface_matches(gateway):
    log = gateway.log()
    assert "ai_bridge: loaded as a dynamic module" in log and "configured with 3 provider(s)" in log
    assert not re.search(r"ABI version.*(mismatch|not)", log)


# === the configuration ===


def refusal(upstream, plugin, **more) -> str:
    with pytest.raises(GatewayDied) as died:
        with Gateway(render(upstream.address, plugin=plugin), **more):
            pass
    return str(died.value)


@pytest.mark.parametrize("path", [["nothing", "there"], ["metadata"], ["connection", "id"], ["request", "time"], ["request", "headers"], ["metadata", "filter_metadata", "envoy.filters.http.jwt_authn", "payload", "sub"]], ids=".".join)
def test_a_property_that_cannot_be_read_is_refused_and_the_log_says_which_can(upstream, path):
    log = refusal(upstream, {**shipped_plugin(), "actor": {"property": path}})
    assert "actor.property: a dynamic module reads" in log


def test_a_text_in_dynamic_metadata_is_the_actor(upstream):
    upstream.begin(json_answer(MESSAGE))
    plugin = {**shipped_plugin(), "actor": {"property": ["metadata", "filter_metadata", "who", "name"]}}

    def change(config):
        rule = {"header": "x-who", "on_header_present": {"metadata_namespace": "who", "key": "name"}}
        connection_manager_of(config)["http_filters"].insert(0, {"name": "to_metadata", "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.header_to_metadata.v3.Config", "request_rules": [rule]}})

    with Gateway(render(upstream.address, plugin=plugin, change=change)) as gateway, Http1(gateway.address) as client:
        assert client.request("POST", MESSAGES, [JSON, TOKEN, ("x-who", "ann")], messages_request(stream=False)).status == 200
        assert gateway.wait_for_record(1)["actor"]["id"] == "ann"


def test_a_configuration_as_an_object_of_envoys_is_the_same_as_one_in_a_text(upstream):
    """Envoy Gateway writes it so."""
    upstream.begin(json_answer(MESSAGE))

    config = native(render(upstream.address))
    ours = next(entry for entry in connection_manager_of(config)["http_filters"] if entry["name"] == "ai_bridge")["typed_config"]
    ours["filter_config"] = {"@type": "type.googleapis.com/google.protobuf.Struct", "value": {**shipped_plugin(), "limits": {"tool_calls": 3}}}
    with Gateway(config) as gateway, Http1(gateway.address) as client:
        assert client.request("POST", MESSAGES, [JSON, TOKEN], messages_request(stream=False)).json() == MESSAGE
        assert gateway.wait_for_record(1)["outcome"] == "completed"


def test_a_route_cannot_configure_the_filter(upstream):
    def change(config):
        route = connection_manager_of(config)["route_config"]["virtual_hosts"][0]["routes"][0]
        route["typed_per_filter_config"] = {"ai_bridge": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.dynamic_modules.v3.DynamicModuleFilterPerRoute",
            "dynamic_module_config": {"module": {"local": {"filename": str(NATIVE)}}, "do_not_close": True}, "per_route_config_name": "ai_bridge",
        }}

    with pytest.raises(GatewayDied) as died:
        with Gateway(render(upstream.address, change=change)):
            pass
    assert "a route cannot configure this filter" in str(died.value)


# === metadata ===


def test_numbers_and_the_model_are_dynamic_metadata(upstream):
    """A CEL expression compares them as numbers."""
    upstream.begin(json_answer(MESSAGE))

    def change(config):
        (log,) = connection_manager_of(config)["access_log"]
        line = "%CEL(metadata.filter_metadata['ai_bridge'].input_tokens + 0.5)% %DYNAMIC_METADATA(ai_bridge)%\n"
        log["typed_config"]["log_format"] = {"text_format_source": {"inline_string": line}}
        connection_manager_of(config)["access_log"].append({"name": "file", "typed_config": {"@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog", "path": "metadata.log", "log_format": {"text_format_source": {"inline_string": line}}}})

    with Gateway(render(upstream.address, change=change)) as gateway, Http1(gateway.address) as client:
        assert client.request("POST", MESSAGES, [JSON, TOKEN], messages_request(stream=False)).status == 200
        written = next(gateway.directory.rglob("metadata.log"))
        gateway.wait_until(lambda: bool(written.read_text()), "the line is written")
        number, metadata = written.read_text().split(" ", 1)
        assert float(number) == 12.5
        assert json.loads(metadata) == {
            "model": "claude-opus-4-8", "input_tokens": 12, "output_tokens": 3, "cache_read_tokens": 0, "cache_write_tokens": 0, "total_tokens": 15, "cost_microusd": 0,
        }


def test_a_value_that_is_set_again_replaces_the_first_one(upstream):
    """The session is empty until the body names it."""
    upstream.begin(json_answer(MESSAGE))

    def change(config):
        line = "%FILTER_STATE(wasm.ai_bridge_session:PLAIN)%\n"
        connection_manager_of(config)["access_log"].append({"name": "file", "typed_config": {"@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog", "path": "session.log", "log_format": {"text_format_source": {"inline_string": line}}}})

    body = messages_request(stream=False, metadata={"user_id": json.dumps({"session_id": "s-1"})})
    with Gateway(render(upstream.address, change=change)) as gateway, Http1(gateway.address) as client:
        assert client.request("POST", MESSAGES, [JSON, TOKEN, ("user-agent", "claude-cli/1.0")], body).status == 200
        assert gateway.wait_for_record(1)["session_id"] == "s-1"
        written = next(gateway.directory.rglob("session.log"))
        gateway.wait_until(lambda: bool(written.read_text()), "the line is written")
        assert written.read_text() == "s-1\n"
        assert "called twice" not in gateway.log()


# === reloads ===


def test_counters_go_on_after_a_reload_without_traffic(upstream, tmp_path):
    upstream.begin(json_answer(MESSAGE))
    config = render(upstream.address)
    discovered = DiscoveredFilter(config, tmp_path)
    with Gateway(config) as gateway, Http1(gateway.address) as client:
        for number in range(3):
            for _ in range(2):
                assert client.request("POST", MESSAGES, [JSON, TOKEN], messages_request(stream=False)).status == 200
            gateway.wait_for_record(2 * (number + 1))
            before = len(re.findall("configured with", gateway.log()))
            discovered.reconfigure({**shipped_plugin(), "actor": {"header": f"x-caller-{number}"}})
            gateway.wait_until(lambda: len(re.findall("configured with", gateway.log())) > before, "the configuration is taken")
            name = "extension_config_discovery.http_filter.ai_bridge.config_reload"
            gateway.wait_until(lambda: gateway.stats(name.replace(".", r"\.")).get(name, 0) == number + 2, "the reload is over")
            time.sleep(0.3)     # the workers drop the old one
            assert [value for _, value in gateway.prometheus("ai_bridge_requests_total")] == [2 * (number + 1)]


# === panics ===


@pytest.fixture(scope="module")
def panicking(upstream):
    if not PANICS.exists():
        pytest.skip("built by `make test-native`")
    with Gateway(native(render(upstream.address), PANICS)) as gateway:
        yield gateway


@pytest.mark.parametrize("kind", [Http1, Http2], ids=lambda kind: kind.name)
@pytest.mark.parametrize("hook,recorded", [
    ("request_headers", False), ("request_body", True), ("response_headers", True), ("response_body", True), ("stream_complete", True), ("request_body,stream_complete", True),
])
def test_a_panic_cuts_its_stream_alone_is_counted_and_leaves_a_record(panicking, upstream, kind, hook, recorded):
    upstream.begin(stream_answer(*MESSAGE_STREAM))
    records, counted = Records(panicking), failures(panicking)
    with kind(panicking.address) as client, Http1(panicking.address) as other:
        def ask():
            return client.request("POST", MESSAGES, [JSON, TOKEN, ("x-test-panic", hook)], messages_request(prompt="confidential"))

        if hook == "stream_complete":
            assert ask().status == 200, "the stream was over"
        else:
            with pytest.raises(Reset):
                ask()
        assert other.request("POST", MESSAGES, [JSON, TOKEN], messages_request()).status == 200
    left = [record for record in records.all() if "filter_failed" in record["notes"]]
    assert len(left) == recorded
    assert failures(panicking) == counted + 1
    panicking.wait_for_log(r"\[error\]\[dynamic_modules\].*a bug of this filter at src/host/native/panic\.rs:\d+ has ended a stream")
    assert "confidential" not in panicking.log()


def with_trailers(config) -> None:
    """HTTP/1.1 trailers from the provider, which Envoy drops by default."""
    for cluster in config["static_resources"]["clusters"]:
        cluster["typed_extension_protocol_options"][HTTP_OPTIONS]["explicit_http_config"] = {"http_protocol_options": {"enable_trailers": True}}


@pytest.mark.parametrize("hook", ["request_trailers", "response_trailers"])
def test_a_panic_at_trailers_cuts_its_stream_alone_is_counted_and_leaves_a_record(upstream, hook):
    if not PANICS.exists():
        pytest.skip("built by `make test-native`")

    def script(exchange) -> None:
        exchange.read_body()
        exchange.stream()
        exchange.chunk(b"".join(MESSAGE_STREAM))
        exchange.end({"x-sum": "1"})

    upstream.begin(script)
    with Gateway(native(render(upstream.address, change=with_trailers), PANICS)) as gateway:
        def ask(client, *headers):
            client.start("POST", MESSAGES, [JSON, TOKEN, *headers])
            client.send(messages_request(prompt="confidential"))
            client.trail([("x-checksum", "7")])
            return client.answer()

        with Http2(gateway.address) as client, Http2(gateway.address) as other:
            with pytest.raises(Reset):
                ask(client, ("x-test-panic", hook))
            record = gateway.wait_for_record(1)
            assert "filter_failed" in record["notes"] and failures(gateway) == 1
            answer = ask(other)
            assert (answer.status, answer.trailers) == (200, [("x-sum", "1")])
            assert gateway.wait_for_record(2)["outcome"] == "completed"
            assert "confidential" not in gateway.log()


@pytest.mark.parametrize("hook,status", [("request_headers", 503), ("request_body", 503), ("response_headers", 200), ("response_body", 200)])
def test_a_panic_in_an_attempt_ends_its_request_alone_is_counted_and_noted(hook, status):
    """An answer that the member has given reaches the client."""
    if not PANICS.exists():
        pytest.skip("built by `make test-native`")
    members = [Member(name, json_answer(MESSAGE)) for name in ("one", "two")]
    plugin = plugin_of([each.entry() for each in members])
    try:
        with Gateway(native(configuration(plugin), PANICS), environment={}) as gateway, Http1(gateway.address) as client:
            answer = client.request("POST", MESSAGES, [JSON, TOKEN, ("x-test-panic", f"attempt_{hook}")], messages_request(stream=False, prompt="confidential"))
            assert answer.status == status and answer.json()["type"] == ("error" if status == 503 else "message")
            record = gateway.wait_for_record(1)
            assert record["outcome"] == ("unavailable" if status == 503 else "completed") and "filter_failed" in record["notes"]
            failed = failures(gateway)
            gateway.wait_until(lambda: failed == len(re.findall("a bug of this filter", gateway.log())) >= 1, "the log has a line for each")
            assert client.request("POST", MESSAGES, [JSON, TOKEN], messages_request(stream=False)).json() == MESSAGE
            record = gateway.wait_for_record(2)
            assert record["outcome"] == "completed" and "filter_failed" not in record["notes"]
            assert "confidential" not in gateway.log() and "envoy_bug" not in gateway.log()
    finally:
        for each in members:
            each.close()


def test_a_panic_in_an_attempt_whose_answer_has_begun_cuts_its_stream():
    """A reply cannot take the answer's place."""
    if not PANICS.exists():
        pytest.skip("built by `make test-native`")

    def answers_early(exchange):
        exchange.stream(200, {"content-type": "text/event-stream"})
        exchange.chunk(MESSAGE_STREAM[0])
        exchange.wait_until_gone()

    members = [Member("one", answers_early), Member("two", json_answer(MESSAGE))]
    plugin = {"providers": [{"type": "anthropic", "pool": [each.entry() for each in members]}], "gateway_credentials": {"value_prefixes": ["gw_"]}}
    body = messages_request(prompt="confidential")
    try:
        with Gateway(native(configuration(plugin), PANICS), environment={}) as gateway:
            for number, kind in enumerate((Http1, Http2), 1):
                with kind(gateway.address) as client:
                    client.start("POST", MESSAGES, [JSON, TOKEN, ("x-test-panic", "attempt_request_body")])
                    assert client.head().status == 200
                    client.read()
                    client.send(body[:20])
                    with pytest.raises(Reset):
                        client.send(body[20:], end=True)
                        while client.read():
                            pass
                    record = gateway.wait_for_record(number)
                    assert "filter_failed" in record["notes"] and record["attempts"][0]["status"] == 200
            members[0].begin(json_answer(MESSAGE))
            with Http1(gateway.address) as client:
                assert client.request("POST", MESSAGES, [JSON, TOKEN], messages_request(stream=False)).json() == MESSAGE
            assert "confidential" not in gateway.log() and "envoy_bug" not in gateway.log()
    finally:
        for each in members:
            each.close()


def failures(gateway: Gateway) -> float:
    """How often the filter has failed."""
    return sum(value for labels, value in gateway.prometheus("ai_bridge_unread_total") if labels == {"reason": "filter_failed"})
