"""A key outside the filter (`"key": {"external": true}`): Envoy's credential injector adds it (envoy/keys)."""

from __future__ import annotations

import copy
import json
import threading
from pathlib import Path
from typing import Any, Iterator

import pytest
import yaml

from client import Http1
from conftest import Records, assert_alive
from gateway import Gateway, GatewayDied
from refusal import refused
from render import HTTP_OPTIONS, REPOSITORY, cluster_of, render
from samples import CHAT, JSON, MESSAGE, MESSAGE_STREAM, MESSAGES, RESPONSES, TOKEN, chat_request, messages_request, responses_request
from upstream import Upstream, json_answer, stream_in_two

KEYS = REPOSITORY / "envoy" / "keys"
OPENAI_KEY, ANTHROPIC_KEY = "sk-proj-injected-0123456789", "sk-ant-injected-0123456789"
OWN = "sk-own-0123456789abcdefghij"
PLUGIN = {
    "providers": [
        {"type": "anthropic", "key": {"external": True}, "byok": "deny"},
        {"type": "openai", "key": {"external": True}},
        {"type": "openai", "name": "apart", "cluster": "openai", "key": {"external": True}, "byok_cluster": "openai-byok"},
        {"type": "openai", "name": "ours-only", "cluster": "openai", "key": {"external": True}, "byok": "deny"},
    ],
    "gateway_credentials": {"value_prefixes": ["gw_"]},
}


class Secrets:
    """The directory that Envoy watches, filled with the shipped files."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.write("openai-key", OPENAI_KEY)
        self.write("anthropic-key", ANTHROPIC_KEY)

    def write(self, name: str, key: str) -> None:
        """The shipped file with this key, moved into its place."""
        text = (KEYS / "sds" / f"{name}.yaml").read_text()
        assert "the key" in text
        new = self.directory / f"{name}.new"
        new.write_text(text.replace('"the key"', json.dumps(key)))
        new.rename(self.directory / f"{name}.yaml")


def inject(config: Any, secrets: Secrets, cluster: str, secret: str, header: str, prefix: str) -> None:
    """Puts the shipped fragment where its comment says."""
    text = (KEYS / "injector.yaml").read_text().replace("/etc/envoy/sds", str(secrets.directory)).replace("openai-key", secret)
    filters = yaml.safe_load(text)["http_filters"]
    generic = filters[0]["typed_config"]["credential"]["typed_config"]
    generic["header"] = header
    generic["header_value_prefix"] = prefix
    cluster_of(config, cluster)["typed_extension_protocol_options"][HTTP_OPTIONS]["http_filters"] = copy.deepcopy(filters)


def with_external_keys(upstream: Upstream, secrets: Secrets) -> Any:
    config = render(upstream.address, plugin=PLUGIN)
    inject(config, secrets, "openai", "openai-key", "authorization", "Bearer ")
    inject(config, secrets, "anthropic", "anthropic-key", "x-api-key", "")
    return config


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Secrets:
    return Secrets(tmp_path_factory.mktemp("sds"))


@pytest.fixture(scope="module")
def gateway(upstream: Upstream, secrets: Secrets) -> Iterator[Gateway]:
    with Gateway(with_external_keys(upstream, secrets), environment={}) as running:
        yield running
        assert_alive(running)


def credentials(received) -> list[tuple[str, str]]:
    """The credential headers that the provider received."""
    return [(name, value) for name, value in received.headers if name in ("authorization", "proxy-authorization", "x-api-key", "api-key", "x-goog-api-key")]


@pytest.mark.parametrize(
    "path,body,arrives",
    [
        (MESSAGES, messages_request(stream=False), ("x-api-key", ANTHROPIC_KEY)),
        (CHAT, chat_request(), ("authorization", f"Bearer {OPENAI_KEY}")),
        (RESPONSES, responses_request(), ("authorization", f"Bearer {OPENAI_KEY}")),
        ("/ours-only/v1/chat/completions", chat_request(), ("authorization", f"Bearer {OPENAI_KEY}")),
    ],
)
@pytest.mark.parametrize(
    "sent",
    [[], [TOKEN], [("x-api-key", "gw_alice")], [("authorization", "Basic YTpi")], [("api-key", "x"), ("x-goog-api-key", "y"), ("proxy-authorization", "Basic YTpi")]],
    ids=["none", "gateway-token", "gateway-key", "basic", "others"],
)
def test_the_injected_key_is_the_only_credential_that_arrives(client, upstream, records, path, body, arrives, sent):
    upstream.begin(json_answer({}))
    assert client.request("POST", path, [JSON, *sent], body).status == 200
    assert credentials(upstream.only()) == [arrives]
    assert records.one()["credential"] == {"kind": "centralized"}


def test_passthrough_gets_it_as_well(client, upstream, records):
    for path, arrives in (("/anthropic/v1/models", ("x-api-key", ANTHROPIC_KEY)), ("/openai/v1/models", ("authorization", f"Bearer {OPENAI_KEY}"))):
        upstream.begin(json_answer({"data": []}))
        assert client.request("GET", path, [TOKEN]).status == 200
        assert credentials(upstream.only()) == [arrives]
    records.none()


@pytest.mark.parametrize("name,cluster", [("openai", "openai"), ("apart", "openai-byok")])
def test_a_callers_own_key_wins(client, upstream, records, name, cluster):
    upstream.begin(json_answer({}))
    assert client.request("POST", f"/{name}/v1/chat/completions", [JSON, ("authorization", f"Bearer {OWN}")], chat_request()).status == 200
    assert credentials(upstream.only()) == [("authorization", f"Bearer {OWN}")]
    record = records.one()
    assert record["credential"] == {"kind": "byok", "hint": "sk-o...ghij"}
    assert record["upstream"]["cluster"] == cluster


@pytest.mark.parametrize(
    "path,body,own",
    [
        (MESSAGES, messages_request(), ("x-api-key", "sk-ant-api03-own-0123456789")), (MESSAGES, messages_request(), ("authorization", "Bearer sk-ant-oat01-own-0123456789")),
        ("/ours-only/v1/chat/completions", chat_request(), ("authorization", f"Bearer {OWN}")),
    ],
)
def test_where_callers_may_not_bring_one_it_is_refused(client, upstream, records, path, body, own):
    refused(client.request("POST", path, [JSON, own], body), 403, path)
    assert records.one()["error"]["code"] == "byok_denied"
    assert upstream.requests == []


def test_a_key_removed_by_connection_is_recorded_as_centralized(http1, upstream, records):
    """Envoy removes such a header before any filter runs; the filter itself would keep it."""
    upstream.begin(json_answer({}))
    headers = [JSON, ("authorization", f"Bearer {OWN}"), ("connection", "authorization, keep-alive")]
    assert http1.request("POST", CHAT, headers, chat_request()).status == 200
    assert credentials(upstream.only()) == [("authorization", f"Bearer {OPENAI_KEY}")]
    assert records.one()["credential"] == {"kind": "centralized"}


def test_a_key_rotates_while_streams_are_open_and_nothing_is_drained(gateway, upstream, records, secrets):
    began, go_on = threading.Event(), threading.Event()
    upstream.begin(stream_in_two(MESSAGE_STREAM[0], b"".join(MESSAGE_STREAM[1:]), began, go_on))
    made = gateway.stats(r"^wasm\..*created$")
    with Http1(gateway.address) as streaming, Http1(gateway.address) as client:
        body = messages_request()
        streaming.start("POST", MESSAGES, [JSON, TOKEN, ("content-length", str(len(body)))])
        streaming.send(body)
        assert began.wait(20)
        try:
            for number in range(3):
                key = f"sk-ant-rotated-{number}-0123456789"
                secrets.write("anthropic-key", key)

                def arrived() -> bool:
                    upstream.begin(json_answer(MESSAGE))
                    assert client.request("POST", MESSAGES, [JSON, TOKEN], messages_request(stream=False)).status == 200
                    return credentials(upstream.only()) == [("x-api-key", key)]

                gateway.wait_until(arrived, f"{key} goes upstream")
        finally:
            secrets.write("anthropic-key", ANTHROPIC_KEY)
            go_on.set()
        assert streaming.answer().body == b"".join(MESSAGE_STREAM)
    assert [record["outcome"] for record in records.all() if record["streaming"]] == ["completed"]
    assert gateway.stats(r"^wasm\..*created$") == made
    assert "sk-ant-rotated" not in gateway.log()
    gateway.wait_until(lambda: key_in_use(gateway, upstream) == ANTHROPIC_KEY, "the first key is back")


def key_in_use(gateway: Gateway, upstream: Upstream) -> str | None:
    upstream.begin(json_answer(MESSAGE))
    with Http1(gateway.address) as client:
        client.request("POST", MESSAGES, [JSON, TOKEN], messages_request(stream=False))
    return upstream.only().header("x-api-key")


def test_neither_the_administration_nor_the_log_shows_it(gateway, upstream):
    dump = gateway.admin_get("/config_dump?include_eds")
    assert "openai-key" in dump
    for key in (OPENAI_KEY, ANTHROPIC_KEY):
        assert key not in dump and key not in gateway.log()


def test_without_a_secret_nothing_goes_upstream(upstream, tmp_path):
    secrets = Secrets(tmp_path)
    secrets.write("openai-key", "")
    with Gateway(with_external_keys(upstream, secrets), environment={}) as gateway, Http1(gateway.address) as client:
        records = Records(gateway)
        upstream.begin(json_answer({}))
        refused(client.request("POST", CHAT, [JSON, TOKEN], chat_request()), 401, CHAT)
        record = records.one()
        assert (record["outcome"], record["error"]["code"]) == ("rejected", "unauthorized")
        assert upstream.requests == []
        secrets.write("openai-key", OPENAI_KEY)
        gateway.wait_until(lambda: client.request("POST", CHAT, [JSON, TOKEN], chat_request()).status == 200, "the key is taken")


def test_envoy_asks_for_a_node(upstream, tmp_path):
    config = with_external_keys(upstream, Secrets(tmp_path))
    del config["node"]
    with pytest.raises(GatewayDied, match="node"):
        with Gateway(config, environment={}):
            pass


def test_external_on_anthropic_needs_byok_deny(upstream):
    plugin = {"providers": [{"type": "anthropic", "key": {"external": True}}]}
    with pytest.raises(GatewayDied, match=r"providers\[0\]"):
        with Gateway(render(upstream.address, plugin=plugin), environment={}):
            pass
