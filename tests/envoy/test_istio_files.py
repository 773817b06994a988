"""Variants of envoy/istio: keys from files, TLS, the module from a registry, Helm values, istioctl's checks."""

from __future__ import annotations

import copy
import json
import os
import re
import ssl
import subprocess
import threading
import urllib.request
from pathlib import Path
from typing import Any, Iterator

import pytest
import yaml

from client import Http1
from conftest import Records
from gateway import KEYS
import istio
from refusal import refused
from render import REPOSITORY
from samples import JSON, MESSAGE, MESSAGE_STREAM, TOKEN, chat_request, messages_request
import servers
from test_istio import CHAT, MESSAGES, OWN_KEY, credentials
from test_istio_shared import wait_until_open
from upstream import Upstream, json_answer, stream_in_two

OPENAI_KEY, ANTHROPIC_KEY = "sk-proj-injected-0123456789", "sk-ant-injected-0123456789"
EVERY_FILE = sorted(path for path in istio.ISTIO.rglob("*.yaml") if path.parent.name != "helm")


def istioctl(*arguments: Any) -> str:
    """The output of the command, which must succeed."""
    done = subprocess.run([servers.program("istio-discovery"), *map(str, arguments)], capture_output=True, text=True, check=False, env={**os.environ, **istio.STOCK_ENVOY})
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


# === Istio's own checks ===


@pytest.mark.parametrize("file", EVERY_FILE, ids=lambda file: file.stem)
def test_istioctl_validates_each_file(file: Path) -> None:
    said = istioctl("validate", "-f", file)
    complaints = [line for line in said.splitlines() if line.strip() and "is valid" not in line and "has warnings" not in line and "exposes internal implementation details" not in line]
    assert not complaints, said


@pytest.mark.parametrize("plugin", ["wasm-plugin", "instead/traffic-extension"])
def test_istioctl_analyzes_the_folder(plugin: str) -> None:
    files = [istio.ISTIO / f"{plugin if name == 'wasm-plugin' else name}.yaml" for name in istio.FILES]
    assert "No validation issues found" in istioctl("analyze", "--use-kube=false", "--failure-threshold", "Info", *files)


def test_istioctl_finds_what_is_wrong(tmp_path: Path) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text((istio.ISTIO / "routes.yaml").read_text().replace("retries: &none { attempts: 0 }", "retries: &none { attempts: -1 }"))
    done = subprocess.run([servers.program("istio-discovery"), "validate", "-f", str(file)], capture_output=True, text=True, check=False)
    assert done.returncode != 0 and "attempts" in done.stdout + done.stderr


def test_every_file_is_applied_in_the_tests() -> None:
    names = {str(path.relative_to(istio.ISTIO).with_suffix("")) for path in EVERY_FILE}
    # Replies of authentication run in test_authentication_files.py.
    assert names == {*istio.FILES, "instead/traffic-extension", "instead/keys-from-files", "authentication"}
    # `kubectl apply -f envoy/istio/` applies files in alphabetical order: the header is protected before a listener exists.
    assert sorted(istio.FILES)[0] == "breaker" and sorted(istio.FILES).index("connections") < sorted(istio.FILES).index("routes")


def test_every_providers_host_stands_in_all_places() -> None:
    """Where one is missing, a rewritten request could reach another application (routes.yaml says how)."""
    [gateway] = istio.of_kind(istio.read("gateway"), "Gateway")
    [routes] = istio.of_kind(istio.read("routes"), "VirtualService")
    entries = {host for each in istio.of_kind(istio.read("providers"), "ServiceEntry") for host in each["spec"]["hosts"]}
    assert set(routes["spec"]["hosts"]) == entries
    assert {f"./{host}" for host in entries} | {"ai.example.com"} == set(gateway["spec"]["servers"][0]["hosts"])
    [patches] = [each["spec"]["configPatches"] for each in istio.of_kind(istio.read("routes"), "EnvoyFilter")]
    [expression] = [header["string_match"]["safe_regex"]["regex"] for each in patches for header in each["patch"]["value"].get("match", {}).get("headers", []) if header["name"] == ":authority"]
    [domains] = [each["patch"]["value"]["domains"] for each in patches if each["applyTo"] == "VIRTUAL_HOST"]
    for host in entries:
        assert re.fullmatch(expression, host) and re.fullmatch(expression, f"{host}:443")
        assert [domain for domain in domains if host.endswith(domain.removeprefix("*"))], host
        assert not re.fullmatch(expression, f"{host}.evil.example") and not re.fullmatch(expression, host.replace(".", "x"))
    assert len(domains) == len(entries)


def test_both_kinds_of_plugin_say_the_same() -> None:
    old, new = istio.wasm_of(istio.read("wasm-plugin")), istio.wasm_of(istio.read("instead/traffic-extension"))
    assert {name: value for name, value in old.items() if name not in ("selector", "phase")} == new


def test_the_chart_takes_the_values() -> None:
    documents = yaml.safe_load_all(istioctl("chart", istio.ISTIO / "helm" / "gateway-values.yaml"))
    [deployment] = [each for each in documents if each and each["kind"] == "Deployment"]
    template = deployment["spec"]["template"]
    assert template["metadata"]["labels"]["istio"] == "ingressgateway"
    assert template["metadata"]["annotations"].items() >= istio.gateway_values()["podAnnotations"].items()
    variables = {each["name"]: each for each in template["spec"]["containers"][0]["env"]}
    assert variables["ANTHROPIC_API_KEY"]["valueFrom"] == {"secretKeyRef": {"name": "ai-bridge-keys", "key": "anthropic"}}
    assert variables["OPENAI_API_KEY"]["valueFrom"] == {"secretKeyRef": {"name": "ai-bridge-keys", "key": "openai"}}
    assert variables["EXIT_ON_ZERO_ACTIVE_CONNECTIONS"]["value"] == "true"
    assert template["spec"]["terminationGracePeriodSeconds"] == 660
    asked = {each["name"] for each in istio.wasm_of(istio.read("wasm-plugin"))["vmConfig"]["env"]}
    assert asked == set(KEYS) and asked <= set(variables)


def test_the_chart_takes_the_volume_of_keys_from_files(tmp_path: Path) -> None:
    text = (istio.ISTIO / "helm" / "gateway-values.yaml").read_text()
    for name in ("volumes", "volumeMounts"):
        assert f"# {name}: [" in text
        text = text.replace(f"# {name}: [", f"{name}: [")
    (tmp_path / "values.yaml").write_text(text)
    documents = yaml.safe_load_all(istioctl("chart", tmp_path / "values.yaml"))
    [deployment] = [each for each in documents if each and each["kind"] == "Deployment"]
    pod = deployment["spec"]["template"]["spec"]
    [secret] = istio.of_kind(istio.read("instead/keys-from-files"), "Secret")
    assert pod["volumes"] == [{"name": "ai-bridge-sds", "secret": {"secretName": secret["metadata"]["name"]}}]
    assert pod["containers"][0]["volumeMounts"] == [{"name": "ai-bridge-sds", "mountPath": str(istio.SDS_DIRECTORY), "readOnly": True}]


# === keys from files ===


class SecretVolume:
    """A secret as the kubelet mounts it: links to `..data`, which is replaced atomically."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._version = 0
        [secret] = istio.of_kind(istio.read("instead/keys-from-files"), "Secret")
        self._files: dict[str, str] = secret["stringData"]
        self.write(ANTHROPIC_KEY)
        for name in self._files:
            (directory / name).symlink_to(f"..data/{name}")

    def write(self, anthropic: str, openai: str = OPENAI_KEY) -> None:
        """The shipped secret with these keys."""
        self._version += 1
        version = self.directory / f"..{self._version}"
        version.mkdir()
        for name, key in (("anthropic-key.yaml", anthropic), ("openai-key.yaml", openai)):
            assert '"the key"' in self._files[name]
            (version / name).write_text(self._files[name].replace('"the key"', json.dumps(key)))
        link = self.directory / "..data_tmp"
        link.symlink_to(version.name)
        link.rename(self.directory / "..data")


def external_keys(directory: Path):
    """The changes that the file's own comment asks for."""
    text = (istio.ISTIO / "instead" / "keys-from-files.yaml").read_text()
    lines = [line.removeprefix("#     ") for line in text.splitlines() if line.startswith("#     ")]
    providers = yaml.safe_load("\n".join(lines))["providers"]
    own = yaml.safe_load(next(part for part in text.split("`") if part.startswith("- { type: anthropic, name: anthropic-own")))

    def change(resources: istio.Resources) -> None:
        module = istio.wasm_of(resources)
        module["pluginConfig"]["providers"] = providers + own
        del module["vmConfig"]
        moved = json.loads(json.dumps(resources).replace(str(istio.SDS_DIRECTORY), str(directory)))
        resources[:] = moved

    return change


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> SecretVolume:
    return SecretVolume(tmp_path_factory.mktemp("sds"))


@pytest.fixture(scope="module")
def gateway(upstream: Upstream, secrets: SecretVolume) -> Iterator[istio.IstioGateway]:
    with istio.run(upstream.address, change=external_keys(secrets.directory), more=("instead/keys-from-files",), environment={}) as running:
        yield running


@pytest.mark.parametrize(
    "path,body,arrives", [(MESSAGES, messages_request(stream=False), ("x-api-key", ANTHROPIC_KEY)), (CHAT, chat_request(), ("authorization", f"Bearer {OPENAI_KEY}"))],
)
@pytest.mark.parametrize("sent", [[], [TOKEN], [("x-api-key", "gw_alice")]], ids=["none", "token", "key"])
def test_the_injected_key_is_the_only_credential_that_arrives(client, upstream, records, path, body, arrives, sent):
    upstream.begin(json_answer({}))
    assert client.request("POST", path, [JSON, *sent], body).status == 200
    assert credentials(upstream.only()) == [arrives]
    assert records.one()["credential"] == {"kind": "centralized"}


@pytest.mark.parametrize(
    "path,body,own", [(CHAT, chat_request(), ("authorization", "Bearer sk-own-0123456789abcdefghij")), ("/ai/anthropic-own/v1/messages", messages_request(stream=False), OWN_KEY)],
)
def test_a_callers_own_key_wins_over_the_injected_one(client, upstream, records, path, body, own):
    upstream.begin(json_answer({}))
    assert client.request("POST", path, [JSON, own], body).status == 200
    assert credentials(upstream.only()) == [own]
    record = records.one()
    assert record["credential"]["kind"] == "byok" and record["upstream"]["cluster"].endswith("-byok")


def test_an_own_key_where_none_may_be_brought_is_refused(client, upstream):
    refused(client.request("POST", MESSAGES, [JSON, OWN_KEY], messages_request()), 403, MESSAGES)
    assert upstream.requests == []


def test_a_key_rotates_while_a_stream_is_open(gateway, upstream, secrets):
    records = Records(gateway)
    began, go_on = threading.Event(), threading.Event()

    upstream.begin(stream_in_two(MESSAGE_STREAM[0], b"".join(MESSAGE_STREAM[1:]), began, go_on))
    with Http1(gateway.address) as streaming, Http1(gateway.address) as client:
        body = messages_request()
        streaming.start("POST", MESSAGES, [JSON, TOKEN, ("content-length", str(len(body)))])
        streaming.send(body)
        assert began.wait(20)

        def in_use(key: str) -> bool:
            upstream.begin(json_answer(MESSAGE))
            client.request("POST", MESSAGES, [JSON, TOKEN], messages_request(stream=False))
            return credentials(upstream.only()) == [("x-api-key", key)]

        try:
            for key in ("sk-ant-rotated-0123456789", ANTHROPIC_KEY):
                secrets.write(key)
                gateway.wait_until(lambda: in_use(key), f"{key} goes upstream")
        finally:
            go_on.set()
        assert streaming.answer().body == b"".join(MESSAGE_STREAM)
    assert [record["outcome"] for record in records.all() if record["streaming"]] == ["completed"]
    dump = gateway.admin_get("/config_dump?include_eds")
    assert "anthropic-key" in dump and not any(key in dump + gateway.log() for key in (ANTHROPIC_KEY, OPENAI_KEY, "sk-ant-rotated"))


@pytest.mark.parametrize("path,cluster", [(MESSAGES, "outbound|443||api.anthropic.com"), (CHAT, "outbound|443||api.openai.com")])
def test_the_circuit_breaker_counts_429_here_too(upstream, secrets, path, cluster):
    with istio.run(upstream.address, change=external_keys(secrets.directory), more=("instead/keys-from-files",), environment={}) as gateway, Http1(gateway.address) as client:
        upstream.begin(json_answer({"error": {"message": "no", "type": "x"}}, 429))
        for _ in range(5):
            assert client.request("POST", path, [JSON, TOKEN], messages_request(stream=False)).status == 429
        wait_until_open(gateway, cluster)
        answer = client.request("POST", path, [JSON, TOKEN], messages_request(stream=False))
        assert "circuit breaker is open" in refused(answer, 503, path, retry=None)["message"]


# === the module from a registry, fetched by the agent's own code ===


def publish(directory: Path, registry: str) -> str:
    """Packs and pushes the filter as `make publish` does; returns the manifest's digest in hex."""
    run = lambda *command: subprocess.run([str(each) for each in command], capture_output=True, text=True, check=True).stdout.strip()  # noqa: E731
    digest = run("python3", REPOSITORY / "envoy" / "image" / "pack.py", "image", "--wasm", istio.WASM, "--version", "0.1.0", "--out", directory / "image")
    run(servers.program("crane"), "push", directory / "image", f"{registry}/you/ai-bridge:0.1.0")
    return digest.removeprefix("sha256:")


def test_the_module_comes_from_a_registry_and_a_wrong_digest_lets_nothing_pass(upstream, tmp_path):
    port = servers.free_port()
    registry = f"127.0.0.1:{port}"
    config = {"version": "0.1", "storage": {"filesystem": {"rootdirectory": str(tmp_path / "data")}}, "http": {"addr": registry}}
    (tmp_path / "config.yaml").write_text(json.dumps(config))
    [shipped] = istio.of_kind(istio.read("wasm-plugin"), "WasmPlugin")

    def from_registry(digest: str):
        def change(resources: istio.Resources) -> None:
            istio.wasm_of(resources).update(url=shipped["spec"]["url"].replace("ghcr.io", registry), sha256=digest)

        return change

    with servers.Server("registry", ["serve", str(tmp_path / "config.yaml")], ready=lambda: urllib.request.urlopen(f"http://{registry}/v2/").status == 200):
        digest = publish(tmp_path, registry)
        upstream.begin(json_answer(MESSAGE))
        with istio.run(upstream.address, change=from_registry(digest)) as gateway, Http1(gateway.address) as client:
            answer = client.request("POST", MESSAGES, [JSON, TOKEN], messages_request(stream=False))
            assert answer.status == 200, gateway.control_plane.log()
            assert gateway.wait_for_record(1)["outcome"] == "completed"
        upstream.begin(json_answer(MESSAGE))
        with istio.run(upstream.address, change=from_registry("0" * 64)) as gateway, Http1(gateway.address) as client:
            answer = client.request("POST", MESSAGES, [JSON, TOKEN], messages_request(stream=False))
            assert (answer.status, answer.body) == (403, b"RBAC: access denied")
            assert "applying deny RBAC filter" in gateway.control_plane.log()
            assert upstream.requests == []


# === TLS to the providers ===


def certificate(directory: Path, name: str) -> tuple[Path, Path]:
    """A self-signed certificate for one host."""
    key, chain = directory / f"{name}.key", directory / f"{name}.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}"]
    subprocess.run([*command, "-keyout", str(key), "-out", str(chain)], check=True, capture_output=True)
    return key, chain


class TlsFront:
    """Terminates TLS in front of a scripted provider, and keeps the requested server names."""

    def __init__(self, upstream: Upstream, key: Path, chain: Path) -> None:
        self.names: list[str | None] = []
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain, key)
        context.sni_callback = lambda _socket, name, _context: self.names.append(name)
        upstream.secure(context)


@pytest.mark.parametrize("trusted", [True, False])
def test_providers_are_reached_by_tls_and_their_certificates_checked(tmp_path, trusted):
    key, chain = certificate(tmp_path, "api.anthropic.com")
    _, other = certificate(tmp_path, "someone.else")
    with Upstream(json_answer(MESSAGE)) as provider:
        front = TlsFront(provider, key, chain)
        with istio.run(provider.address, tls=True, ca=chain if trusted else other) as gateway, Http1(gateway.address) as client:
            answer = client.request("POST", MESSAGES, [JSON, TOKEN], messages_request(stream=False))
            if trusted:
                assert (answer.status, front.names) == (200, ["api.anthropic.com"])
                assert provider.only().header("host") == "api.anthropic.com"
                # The certificate is not valid for OpenAI's host.
                refused(client.request("POST", CHAT, [JSON, TOKEN], chat_request()), 503, CHAT, retry=None)
            else:
                refused(answer, 503, MESSAGES, retry=None)
                assert provider.requests == []


# === the mesh configuration ===


def test_without_the_meshs_path_setting_the_gateway_works_and_tidies_up_first(upstream):
    mesh = istio.mesh_config()
    del mesh["pathNormalization"]
    with istio.run(upstream.address, mesh=mesh) as gateway, Http1(gateway.address) as client:
        upstream.begin(json_answer(MESSAGE))
        assert client.request("POST", "/ai/anthropic/x/../v1/messages", [JSON, TOKEN], messages_request(stream=False)).status == 200
        assert upstream.only().target == "/v1/messages"
        assert gateway.wait_for_record(1)["path"] == MESSAGES
        upstream.begin(json_answer({}))
        assert client.request("GET", "/ai/openai/v1/models/ft%3Agpt%2Fx", [TOKEN]).status == 200
        assert upstream.only().target == "/v1/models/ft%3Agpt%2Fx"


def test_the_meshs_own_access_log_stays_where_it_is_named(upstream):
    mesh = copy.deepcopy(istio.mesh_config())
    mesh.update(accessLogFile="/dev/stdout", accessLogFormat="of the mesh: %REQ(:PATH)%\n")
    text = (istio.ISTIO / "telemetry.yaml").read_text()
    assert "  # - providers: [ { name: envoy } ]" in text

    def with_both(resources: istio.Resources) -> None:
        resources[:] = [each for each in resources if each["kind"] != "Telemetry"] + list(yaml.safe_load_all(text.replace("  # - providers", "  - providers")))

    def of_the_mesh(change: Any) -> list[str]:
        with istio.run(upstream.address, mesh=mesh, change=change) as gateway, Http1(gateway.address) as client:
            upstream.begin(json_answer(MESSAGE))
            assert client.request("GET", "/other", []).status == 404
            assert client.request("POST", MESSAGES, [JSON, TOKEN], messages_request(stream=False)).status == 200
            gateway.wait_for_record(1)
            gateway.settle()
            if change is with_both:
                gateway.wait_for_log("^of the mesh: /v1/messages|^of the mesh: /ai/")
            assert len(gateway.records()) == 1
            return [line for line in gateway.log().splitlines() if line.startswith("of the mesh")]

    assert of_the_mesh(lambda _: None) == []
    assert "of the mesh: /other" in of_the_mesh(with_both)
