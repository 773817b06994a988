"""envoy/native/envoy-gateway.yaml, run: the real Envoy Gateway (standalone) with the dynamic module in place of the wasm module."""

from __future__ import annotations

import re
from typing import Any, Iterator

import pytest
import yaml

from conftest import Records, assert_alive
import envoy_gateway
from envoy_gateway import KEYS, EnvoyGateway, Resources, ask
from render import NATIVE, REPOSITORY
from samples import JSON, MESSAGE, MESSAGE_STREAM, TOKEN, messages_request
from upstream import json_answer, stream_answer

pytestmark = pytest.mark.native

SAMPLE = REPOSITORY / "envoy" / "native" / "envoy-gateway.yaml"
MESSAGES = "/ai/anthropic/v1/messages"


def sample() -> Resources:
    """The resources of the sample."""
    return list(yaml.safe_load_all(SAMPLE.read_text()))


def module_of(resources: Resources) -> Any:
    """The entry of the module in the policy."""
    [policy] = envoy_gateway.of_kind(resources, "EnvoyExtensionPolicy")
    return policy["spec"]["dynamicModule"][0]


@pytest.fixture(scope="module")
def gateway(upstream) -> Iterator[EnvoyGateway]:
    def prepare(resources: Resources) -> None:
        envoy_gateway.on_loopback(resources, upstream.address)
        [proxy] = envoy_gateway.of_kind(resources, "EnvoyProxy")
        proxy["spec"]["dynamicModules"][0]["source"]["local"]["path"] = str(NATIVE)

    with EnvoyGateway(None, prepare, instead=sample()) as running:
        running.wait_until(lambda: ask(running, "GET", "/ai/nowhere").status == 404, "the filter serves")
        yield running
        assert_alive(running)


def test_the_sample_is_the_files_of_envoy_gateway_with_another_filter():
    [proxy], [policy] = (envoy_gateway.of_kind(envoy_gateway.shipped(), kind) for kind in ("EnvoyProxy", "EnvoyExtensionPolicy"))
    own_proxy, own_policy = sample()
    [wasm], [module] = policy["spec"].pop("wasm"), own_policy["spec"].pop("dynamicModule")
    assert module["config"] == wasm["config"] and own_policy == policy
    [listed] = own_proxy["spec"].pop("dynamicModules")
    assert listed["name"] == module["name"]
    own_proxy["spec"].pop("provider")
    runtime, buckets = own_proxy["spec"]["bootstrap"].pop("jsonPatches")
    patches = proxy["spec"]["bootstrap"].pop("jsonPatches")
    assert own_proxy == proxy
    assert runtime["path"] == "/layered_runtime/layers/-"
    for match in (each["match"] for each in buckets["value"]):
        match["prefix"] = match["prefix"].replace("dynamicmodulescustom.", "wasmcustom.")
    assert buckets == patches[-1] and {each["path"] for each in patches[:-1]} == {"/stats_config/stats_tags/-"}


@pytest.mark.parametrize("streamed", [False, True], ids=["document", "stream"])
def test_a_request_reaches_its_provider_with_the_secrets_key_and_is_recorded(gateway, upstream, streamed):
    upstream.begin(stream_answer(*MESSAGE_STREAM) if streamed else json_answer(MESSAGE))
    records = Records(gateway)
    given = ask(gateway, "POST", MESSAGES, [JSON, TOKEN], messages_request(stream=streamed))
    assert given.status == 200
    received = upstream.only()
    assert (received.target, received.header("host"), received.header("x-api-key")) == ("/v1/messages", "api.anthropic.com", KEYS["anthropic-key"])
    assert "authorization" not in received.names()
    record = records.one()
    assert (record["outcome"], record["streaming"], record["path"], record["credential"]["kind"]) == ("completed", streamed, MESSAGES, "centralized")


def test_the_metrics_have_the_wasm_modules_names_and_buckets(gateway, upstream):
    upstream.begin(json_answer(MESSAGE))
    assert ask(gateway, "POST", MESSAGES, [JSON, TOKEN], messages_request(stream=False)).status == 200
    gateway.wait_until(lambda: bool(gateway.prometheus("ai_bridge_duration_ms_bucket")), "the histogram is merged", 30)
    series = {"provider": "anthropic", "api": "messages", "model": MESSAGE["model"], "outcome": "completed"}
    assert any(series.items() <= labels.items() for labels, _ in gateway.prometheus("ai_bridge_requests_total"))
    buckets = sample()[0]["spec"]["bootstrap"]["jsonPatches"][-1]["value"][-1]["buckets"]
    assert {labels["le"] for labels, _ in gateway.prometheus("ai_bridge_duration_ms_bucket")} == {*map(str, buckets), "+Inf"}


def test_a_changed_policy_counts_and_a_refused_one_changes_nothing(gateway, upstream):
    upstream.begin(json_answer(MESSAGE))
    anthropic = module_of(gateway.resources)["config"]["providers"][0]

    def status() -> int:
        return ask(gateway, "POST", MESSAGES, [JSON, TOKEN], messages_request(stream=False)).status

    anthropic["models"] = {"allow": []}
    gateway.apply()
    gateway.wait_until(lambda: status() == 400, "the new configuration counts", 30)
    anthropic["modles"] = anthropic.pop("models")
    gateway.apply()
    gateway.wait_for_log(re.escape("providers[0].modles"), 30)
    assert status() == 400
    del anthropic["modles"]
    gateway.apply()
    gateway.wait_until(lambda: status() == 200, "the first configuration counts again", 30)
