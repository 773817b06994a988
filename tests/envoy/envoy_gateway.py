"""The shipped files of envoy/envoy-gateway, run: the real Envoy Gateway in its standalone mode, with real Envoy.

As with render.py this is no second configuration: everything an operator copies stays as it is, and only what must
differ is replaced: ports, the providers' addresses and their TLS, the keys, and the place of the filter.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any, Callable, Iterator, Sequence

import pytest
import yaml

import servers
from client import Answer, Http1
from gateway import RUNS, START_SECONDS, STOP_SECONDS, TOOLS, Gateway, die_with_parent
from render import REPOSITORY, WASM, Address, Json

FOLDER = REPOSITORY / "envoy" / "envoy-gateway"
FILES = ["gateway", "extension-policy", "providers", "routes", "keys", "breaker", "patches"]
KEYS = {"anthropic-key": "sk-ant-injected-0123456789", "openai-key": "Bearer sk-proj-injected-0123456789"}
ENVOY_VERSION = "1.40.0"

# The fixed ports of Envoy Gateway: xDS, rate limits, the modules that it serves, administration, readiness.
PORTS = [18000, 18001, 18002, 19000, 19001, 19003]
PORTS_SECONDS = 120.0

# The paths where standalone Envoy Gateway looks for the files that Kubernetes would provide. The process has a root
# directory of its own, so that the tests write nothing into the machine's.
OWN_ROOT = """
set -eu
cd "$1"
mkdir root
mount -t tmpfs tmpfs root
for each in /*; do
  if [ -h "$each" ]; then cp -P "$each" root/
  elif [ -d "$each" ]; then mkdir "root$each"; mount --rbind "$each" "root$each"
  fi
done
mkdir -p root/certs
mount --bind config/certs/envoy root/certs
mount --bind hosts root/etc/hosts
exec chroot root "$2" server --config-path "$1/config.yaml"
"""

Resources = list[Json]


def read(name: str) -> Resources:
    """The resources of one shipped file."""
    return [json.loads(json.dumps(each)) for each in yaml.safe_load_all((FOLDER / f"{name}.yaml").read_text())]


def shipped() -> Resources:
    """All resources that an operator applies, in the order of the README."""
    return [resource for name in FILES for resource in read(name)]


def of_kind(resources: Resources, kind: str) -> Resources:
    """All resources of a kind."""
    return [each for each in resources if each["kind"] == kind]


def named(resources: Resources, kind: str, name: str) -> Json:
    """The resource with this kind and name."""
    [found] = [each for each in of_kind(resources, kind) if each["metadata"]["name"] == name]
    return found


def wasm_of(resources: Resources) -> Json:
    """The part of the EnvoyExtensionPolicy with the module and its configuration."""
    [policy] = of_kind(resources, "EnvoyExtensionPolicy")
    [wasm] = policy["spec"]["wasm"]
    return wasm


def standalone(resources: Resources, image: str | None, port: int, arguments: list[str]) -> Resources:
    """Changes the resources so that they run on this machine, except the providers."""
    [proxy] = of_kind(resources, "EnvoyProxy")
    proxy["spec"]["provider"] = {"type": "Host", "host": {"envoyVersion": ENVOY_VERSION}}
    proxy["spec"]["extraArgs"] = arguments
    proxy["spec"]["logging"] = {"level": {"default": "info"}}      # only this log contains the admin port
    for each in of_kind(resources, "Gateway"):
        each["spec"]["listeners"][0]["port"] = port
    if image:
        reference, _, digest = image.partition("@sha256:")
        wasm_of(resources)["code"]["image"].update(url=reference, sha256=digest)
    for name, key in KEYS.items():
        set_key(resources, name, key)
    return resources


def set_key(resources: Resources, name: str, key: str) -> None:
    """Puts a key into a Secret, as Kubernetes does with `stringData`."""
    secret = named(resources, "Secret", name)
    secret.pop("stringData", None)
    secret["data"] = {"credential": base64.b64encode(key.encode()).decode()}


def on_loopback(resources: Resources, upstream: Address) -> None:
    """Points all providers at this plain-text server."""
    for each in of_kind(resources, "Backend"):
        each["spec"]["endpoints"] = [{"ip": {"address": upstream[0], "port": upstream[1]}}]
    resources[:] = [each for each in resources if each["kind"] != "BackendTLSPolicy"]


def web_application(address: Address) -> Resources:
    """Another application behind the same gateway: a page below /v1, and everything else. Its routes are independent of the filter's."""
    gateway_api, envoy = "gateway.networking.k8s.io/v1", "gateway.envoyproxy.io/v1alpha1"
    of = {"namespace": "web"}
    backend = [{"group": "gateway.envoyproxy.io", "kind": "Backend", "name": "web"}]
    parents = [{"name": "ai-gateway", "namespace": "ai-gateway"}]
    rules = [
        {"matches": [{"path": {"type": "PathPrefix", "value": "/v1"}}], "backendRefs": backend},
        {"matches": [{"path": {"type": "Exact", "value": "/v1/messages"}}], "backendRefs": backend},
        {"matches": [{"path": {"type": "PathPrefix", "value": "/"}}], "backendRefs": backend},
    ]
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "web"}},
        {"apiVersion": envoy, "kind": "Backend", "metadata": {"name": "web", **of}, "spec": {"endpoints": [{"ip": {"address": address[0], "port": address[1]}}]}},
        {"apiVersion": gateway_api, "kind": "HTTPRoute", "metadata": {"name": "web", **of}, "spec": {"parentRefs": parents, "rules": rules}},
    ]


@contextlib.contextmanager
def published() -> Iterator[str]:
    """Pushes the filter as an image to a registry. The reference has the digest, as `make publish` prints it."""
    port = servers.free_port()
    directory = servers.server_directory()
    config = directory / "config.yaml"
    config.write_text(json.dumps({"version": "0.1", "storage": {"filesystem": {"rootdirectory": str(directory / "data")}}, "http": {"addr": f"127.0.0.1:{port}"}}))
    with servers.Server("registry", ["serve", str(config)], ready=lambda: urllib.request.urlopen(f"http://127.0.0.1:{port}/v2/").status == 200, directory=directory):
        layout, name = directory / "image", f"127.0.0.1:{port}/acme/ai-bridge:0.1.0"
        run(sys.executable, REPOSITORY / "envoy" / "image" / "pack.py", "image", "--wasm", WASM, "--version", "0.1.0", "--out", layout)
        pushed = run(servers.program("crane"), "push", layout, name)
        yield f"{name}@{pushed.partition('@')[2]}"


def run(*command: Any) -> str:
    """Runs a program, and returns its output; fails the test if the program fails."""
    done = subprocess.run([str(each) for each in command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


class EnvoyGateway(Gateway):
    """A running Envoy Gateway with its Envoy. Use as a context manager; its exit stops both."""

    barrier = "/ai/anthropic/v1/messages"

    def __init__(self, image: str | None, prepare: Callable[[Resources], None], *, concurrency: int = 1, environment: dict[str, str] | None = None, instead: Resources | None = None) -> None:
        """`image`: the wasm module, unless there is none. `prepare` changes the shipped resources, for example the providers' addresses. `instead`: resources instead of the shipped ones of their kind and name."""
        super().__init__(None, concurrency=concurrency, environment=environment or {})
        self._instead = instead or []
        self._image = image
        self._prepare = prepare
        self.resources: Resources = []

    def start(self) -> None:
        """Returns once Envoy has its listener. Skips the test if Envoy Gateway cannot run."""
        program = servers.program("envoy-gateway")
        if os.geteuid() != 0 or shutil.which("unshare") is None:
            pytest.skip("Envoy Gateway's standalone mode wants /certs and a line in /etc/hosts: the tests give it a root directory of its own, which takes root and `unshare`")
        wait_for_ports()
        RUNS.mkdir(parents=True, exist_ok=True)
        self.directory = Path(tempfile.mkdtemp(dir=RUNS))
        self._lay_out(program)
        port = servers.free_port()
        replaced = {(each["kind"], each["metadata"]["name"]) for each in self._instead}
        resources = [each for each in shipped() if (each["kind"], each["metadata"]["name"]) not in replaced] + self._instead
        self.resources = standalone(resources, self._image, port, ["--disable-hot-restart", "--file-flush-interval-msec", "20", "--concurrency", str(self.concurrency)])
        self._prepare(self.resources)
        self.apply()
        self._process = subprocess.Popen(
            ["unshare", "--mount", "sh", "-c", OWN_ROOT, "sh", str(self.directory), program],
            cwd=self.directory,
            env={"PATH": os.environ.get("PATH", ""), "HOME": str(self.directory), **self.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="surrogateescape",
            start_new_session=True,
            preexec_fn=die_with_parent,
        )
        for stream, take in ((self._process.stdout, self._take_output), (self._process.stderr, self._take_log)):
            reader = threading.Thread(target=self._read, args=(stream, take), daemon=True)
            reader.start()
            self._readers.append(reader)
        self.admin = ("127.0.0.1", int(self.wait_for_log(r"admin address: \S*:(\d+)", START_SECONDS).group(1)))
        self.address = ("127.0.0.1", port)
        self.wait_until(self._listens, "Envoy has its listener", START_SECONDS)

    def stop(self) -> None:
        process = self._process
        if process is None:
            return
        self._process = None
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            pass
        try:            # stops what is left of the session, Envoy included
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()
        for reader in self._readers:
            reader.join(STOP_SECONDS)
        shutil.rmtree(self.directory, ignore_errors=True)

    def apply(self) -> None:
        """As `kubectl apply`: replaces all resources. Each has a file; only changed files are written."""
        written = set()
        for number, each in enumerate([*self.resources, self._own_certificate()]):
            file = self.directory / "resources" / f"{number:02}-{each['kind']}-{each['metadata']['name']}.yaml".lower()
            written.add(file)
            text = yaml.safe_dump(each)
            if file.exists() and file.read_text() == text:
                continue
            new = self.directory / "new.yaml"
            new.write_text(text)
            new.rename(file)
        for file in (self.directory / "resources").iterdir():
            if file not in written:
                file.unlink()

    def config_dump(self) -> Json:
        """Envoy's configuration dump."""
        return json.loads(self.admin_get("/config_dump?include_eds"))

    def settle(self) -> None:
        def idle() -> bool:
            active = self.stats(r"^http\.http-\d+\.downstream_rq_active$")
            return bool(active) and not any(active.values())

        self.wait_until(idle, "no request is active")

    def _listens(self) -> bool:
        if not self._alive():
            return False
        try:
            with socket.create_connection(self.address, timeout=1):
                return True
        except OSError:
            return False

    def _take_output(self, line: str) -> None:
        # Envoy Gateway writes its log on the same stream.
        if line.startswith("{") and '"outcome"' in line:
            super()._take_output(line)
        else:
            self._log.append(line)

    def _lay_out(self, program: str) -> None:
        config = yaml.safe_load((FOLDER / "standalone" / "config.yaml").read_text())
        custom = config["provider"]["custom"]
        custom["resource"]["file"]["paths"] = [str(self.directory / "resources")]
        host = custom["infrastructure"]["host"]
        for member in ("configHome", "dataHome", "stateHome", "runtimeDir"):
            host[member] = str(self.directory / Path(host[member]).name)
        (self.directory / "config.yaml").write_text(yaml.safe_dump(config))
        (self.directory / "resources").mkdir()
        envoy = self.directory / "data" / "envoy-versions" / ENVOY_VERSION / "bin"
        envoy.mkdir(parents=True)
        (envoy / "envoy").symlink_to(TOOLS / "envoy")
        (self.directory / "hosts").write_text("127.0.0.1 localhost envoy-gateway.envoy-gateway-system.svc.cluster.local\n")
        done = subprocess.run([program, "certgen", "--local", "--config-home", str(self.directory / "config")], env={"HOME": str(self.directory)}, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    def _own_certificate(self) -> Json:
        certificates = self.directory / "config" / "certs" / "envoy"
        data = {name: base64.b64encode((certificates / name).read_bytes()).decode() for name in ("tls.crt", "tls.key", "ca.crt")}
        return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "envoy", "namespace": "envoy-gateway-system"}, "type": "kubernetes.io/tls", "data": data}


def ask(gateway: EnvoyGateway, method: str, path: str, headers: Sequence[tuple[str, str]] = (), body: bytes | None = None) -> Answer:
    """The answer to one request on a connection of its own."""
    with Http1(gateway.address) as client:
        return client.request(method, path, list(headers), body)


def wait_for_ports() -> None:
    """Waits until Envoy Gateway's ports are free: another run of these tests may use them."""
    deadline = time.monotonic() + PORTS_SECONDS
    for port in PORTS:
        while True:
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind(("0.0.0.0", port))
                    break
                except OSError:
                    assert time.monotonic() < deadline, f"port {port}, which Envoy Gateway insists on, is taken"
            time.sleep(0.2)
