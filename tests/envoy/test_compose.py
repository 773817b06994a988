"""envoy/compose: its files are consistent, and the demo works in a Docker daemon of its own.

The second half needs docker.io, docker-compose, Prometheus, Redis and root (`make compose-test`).
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from contextlib import contextmanager
from typing import Any, Iterator

import pytest
import yaml

import compose_shared
from budgets import AUDIENCE, CONFIGURATION, ISSUER, LIMITS
from containers import COMPOSE, DOCKERFILE, FILE, Demo, Docker, docker_daemon, make_images, services
from render import REPOSITORY, shipped, wasm_of
from samples import MESSAGES, messages_request
from servers import free_port, server_directory
from test_dashboard import PANELS, RATE_SECONDS, substituted

SERVICES = services()
# Services without a health check: they end by themselves, do nothing, or have no program for a check.
WITHOUT_HEALTHCHECK = {"setup", "pod", "ratelimit"}


# === the files ===


def example() -> dict[str, str]:
    """The variables of .env.example."""
    lines = (COMPOSE / ".env.example").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def test_every_image_has_a_version():
    images = {service["image"] for service in SERVICES.values()} | set(re.findall(r"^FROM (\S+:\S+)", DOCKERFILE.read_text(), re.MULTILINE))
    assert len(images) == 8
    for image in images - {"ai-bridge/gateway:demo", "ai-bridge/mock-upstream:demo"}:
        assert re.fullmatch(r"[a-z/-]+:(v?\d+\.\d+[\w.-]*|[0-9a-f]{8})", image), image


def test_envoy_and_the_rate_limit_service_are_those_of_the_tests():
    requirements = (REPOSITORY / "tests" / "tools" / "requirements.txt").read_text()
    (envoy,) = re.findall(r"^FROM envoyproxy/envoy:v(\S+)", DOCKERFILE.read_text(), re.MULTILINE)
    assert re.search(rf"^[\w-]*envoy[\w-]*=={re.escape(envoy)}\b", requirements, re.MULTILINE), requirements
    commit = SERVICES["ratelimit"]["image"].rpartition(":")[2]
    assert f"-{commit}" in (REPOSITORY / "Makefile").read_text()
    channel = re.search(r'channel = "(\d+\.\d+)', (REPOSITORY / "rust-toolchain.toml").read_text())
    assert channel and f"FROM rust:{channel.group(1)}-" in DOCKERFILE.read_text()


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_every_file_that_is_mounted_exists(name):
    volumes = set(yaml.safe_load(FILE.read_text())["volumes"])
    for mount in SERVICES[name].get("volumes", []):
        source = mount["source"] if isinstance(mount, dict) else mount.split(":")[0]
        if source not in volumes:
            assert (COMPOSE / source).exists(), source
            assert mount.endswith(":ro")


def test_the_configurations_are_the_shipped_files():
    mounted = {(COMPOSE / mount.split(":")[0]).resolve() for service in SERVICES.values() for mount in service.get("volumes", []) if isinstance(mount, str) and mount.startswith(".")}
    envoy = REPOSITORY / "envoy"
    assert {CONFIGURATION, LIMITS, envoy / "prometheus", envoy / "grafana" / "provisioning", envoy / "grafana" / "ai-bridge.json"} <= mounted
    assert {file for file in mounted if COMPOSE in file.parents} == {COMPOSE / "setup", COMPOSE / "callers.yaml", COMPOSE / "providers.yaml"}


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_every_service_is_confined_and_says_how_it_is(name):
    service = SERVICES[name]
    assert service["cap_drop"] == ["ALL"] and service["read_only"] is True and service["security_opt"] == ["no-new-privileges:true"]
    assert ("healthcheck" in service) != (name in WITHOUT_HEALTHCHECK)
    assert service.get("user") == {"setup": "root", "redis": "redis"}.get(name)
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
    assert name == "pod" or "ports" not in service


def test_envoy_is_not_root_in_the_image():
    last = DOCKERFILE.read_text().rpartition("FROM ")[2]
    assert last.startswith("envoyproxy/envoy:") and re.findall(r"^USER (.*)", last, re.MULTILINE) == ["envoy"]


def test_the_dockerfile_copies_what_there_is_and_nothing_else_reaches_the_build():
    copied = {source for sources in re.findall(r"^COPY (?!--from)(.*) \S+$", DOCKERFILE.read_text(), re.MULTILINE) for source in sources.split()}
    assert all((REPOSITORY / source).exists() for source in copied)
    nothing, *but = [line for line in DOCKERFILE.with_name("Dockerfile.dockerignore").read_text().splitlines() if not line.startswith("#")]
    assert nothing == "*" and {line.removeprefix("!") for line in but} == copied
    # Everything that cargo reads, its configuration included: that has the filter's target features.
    members = re.findall(r'"([^"]+)"', re.search(r"^members = \[(.*)\]", (REPOSITORY / "Cargo.toml").read_text(), re.MULTILINE).group(1))
    assert {member.split("/")[0] for member in members if member != "."} | {".cargo", "Cargo.toml", "Cargo.lock", "src", "rust-toolchain.toml"} == copied


def test_the_example_of_env_has_the_names_that_are_read_and_no_secret():
    read = set(re.findall(r"\$\{([A-Z_]+)", FILE.read_text()))
    assert set(example()) == read | {"COMPOSE_PROFILES"}
    keys = set(wasm_of(shipped(CONFIGURATION))["vm_config"]["environment_variables"]["host_env_keys"])
    assert keys == set(SERVICES["gateway"]["environment"]) == {name for name in read if name.endswith("_KEY")}
    assert all("not-a-key" in example()[name] for name in keys)
    ignored = subprocess.run(["git", "check-ignore", "-q", "envoy/compose/.env"], cwd=REPOSITORY)
    assert ignored.returncode == 0, "git would take .env"


def test_the_stand_in_has_every_name_that_the_configuration_calls():
    called = set()
    for cluster in shipped(CONFIGURATION)["static_resources"]["clusters"]:
        at = cluster["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]["address"]["socket_address"]
        called |= {at["address"]} if "transport_socket" in cluster else set()
    assert called == set(SERVICES["mock-upstream"]["networks"]["default"]["aliases"])
    (names,) = re.findall(r"^names=(.*)", (COMPOSE / "setup").read_text(), re.MULTILINE)
    assert called == {name.removeprefix("DNS:") for name in names.split(",")}


def test_only_the_profile_mock_has_the_stand_in():
    profiles = {name: service.get("profiles") for name, service in SERVICES.items()}
    assert {name for name, of in profiles.items() if of == ["mock"]} == {"gateway", "providers", "mock-upstream"}
    assert {name for name, of in profiles.items() if of == ["real"]} == {"gateway-real"}
    assert example()["COMPOSE_PROFILES"] == "mock"
    real, mock = dict(SERVICES["gateway-real"]), dict(SERVICES["gateway"])
    # The gateway to the real providers does not trust the certificate authority of the mock.
    assert real.pop("volumes") == [each for each in mock.pop("volumes") if isinstance(each, str)]
    assert real.pop("depends_on").keys() == mock.pop("depends_on").keys() - {"providers"}
    assert (real.pop("profiles"), mock.pop("profiles")) == (["real"], ["mock"])
    assert real == mock


def test_tokens_are_made_for_the_issuer_and_the_audience_of_the_configuration():
    script = (COMPOSE / "setup").read_text()
    assert re.search(rf"^issuer={re.escape(ISSUER)}\s", script, re.MULTILINE) and re.search(rf"^audience={re.escape(AUDIENCE)}$", script, re.MULTILINE)


def test_the_rate_limit_service_is_started_as_limits_yaml_says():
    said = dict(re.findall(r"\b([A-Z][A-Z_]+)=(\S+)", LIMITS.read_text().split("domain:")[0]))
    environment = SERVICES["ratelimit"]["environment"]
    del said["USE_PROMETHEUS"], said["PROMETHEUS_ADDR"]        # its port is that of the demo's Prometheus
    assert said.items() <= environment.items()


def test_the_demos_caller_fits_into_the_limits():
    with_callers = yaml.safe_load(LIMITS.read_text() + (COMPOSE / "callers.yaml").read_text())
    (added,) = with_callers["descriptors"][len(yaml.safe_load(LIMITS.read_text())["descriptors"]):]
    assert added["key"] in {each["key"] for each in with_callers["descriptors"][:-1]}


# === the demo itself ===


@pytest.fixture(scope="module")
def docker() -> Iterator[Docker]:
    with docker_daemon() as running:
        make_images(running)
        yield running


@contextmanager
def up(running: Demo, *services: str) -> Iterator[Demo]:
    """Starts these services, and stops all at the end."""
    before = running.everything()
    try:
        running.compose("up", "-d", "--no-build", *services)
        for service in (*services, "redis", "providers", "mock-upstream"):
            if "healthcheck" in SERVICES.get(service, {}):
                running.wait_healthy(service)
        yield running
    finally:
        running.compose("down", "--volumes", "--timeout", "5")
        left = running.everything()
    assert left == before


def ports() -> dict[str, str]:
    return {name: str(free_port()) for name in ("GATEWAY_PORT", "PROMETHEUS_PORT", "GRAFANA_PORT")}


@pytest.fixture(scope="module")
def demo(docker: Docker) -> Iterator[Demo]:
    with up(Demo(docker, **ports()), "gateway", "prometheus") as running:
        yield running


def token(demo: Demo, *words: str) -> str:
    """As README.md says it."""
    return demo.compose("run", "--rm", "setup", "token", *words).strip()


def ask(demo: Demo, key: str | None, *, stream: bool = True, path: str = MESSAGES) -> tuple[int, Any, str]:
    """Status, headers and body of one request to Anthropic."""
    headers = {"content-type": "application/json", **({"authorization": f"Bearer {key}"} if key else {})}
    request = urllib.request.Request(f"http://127.0.0.1:{demo.variables['GATEWAY_PORT']}{path}", messages_request(stream=stream), headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read().decode()


def records(demo: Demo, of: str, count: int, service: str = "gateway") -> list[Any]:
    """Waits for this many records of the caller in the gateway's output, and returns them."""
    deadline = time.monotonic() + 20
    while True:
        lines = demo.docker.run("docker", "logs", demo.container(service)).splitlines()
        found = [record for record in map(json.loads, (line for line in lines if line.startswith("{"))) if record.get("actor", {}).get("id") == of]
        if len(found) >= count:
            return found
        assert time.monotonic() < deadline, "\n".join(lines[-20:])
        time.sleep(0.2)


def test_a_streamed_request_passes_and_leaves_its_record(demo):
    status, headers, body = ask(demo, token(demo, "alice@example.com", "research"))
    assert (status, headers["content-type"].split(";")[0]) == (200, "text/event-stream"), body
    assert "event: message_start" in body and "event: message_stop" in body
    (record,) = records(demo, "alice@example.com", 1)
    assert (record["outcome"], record["streaming"], record["upstream"]["host"]) == ("completed", True, "api.anthropic.com")
    assert record["actor"]["metadata"] == {"team": "research"}
    assert record["credential"]["kind"] == "centralized" and record["usage"]["output_tokens"] > 0 and record["cost_microusd"] > 0
    # The request reached the mock by TLS.
    assert "POST /v1/messages 200" in demo.docker.run("docker", "logs", demo.container("mock-upstream"))


def test_prometheus_has_the_metrics(demo):
    status, _, body = ask(demo, token(demo, "carol@example.com"))
    assert status == 200, body
    query = urllib.parse.quote('ai_bridge_requests_total{provider="anthropic",outcome="completed"}')
    deadline = time.monotonic() + 60          # it scrapes every 15 s
    while True:
        with urllib.request.urlopen(f"http://127.0.0.1:{demo.variables['PROMETHEUS_PORT']}/api/v1/query?query={query}", timeout=10) as answer:
            found = json.load(answer)["data"]["result"]
        if found:
            assert float(found[0]["value"][1]) >= 1
            return
        assert time.monotonic() < deadline
        time.sleep(0.5)


def test_the_readmes_commands_do_what_it_says(demo):
    """Its curl, and its questions to Envoy and Redis; `docker compose` is docker-compose here."""
    text = (COMPOSE / "README.md").read_text()
    (curl,) = re.findall(r"^(curl -N .*?'$)", text, re.MULTILINE | re.DOTALL)
    assert "http://127.0.0.1:10000/" in curl
    curl = curl.replace("127.0.0.1:10000", f"127.0.0.1:{demo.variables['GATEWAY_PORT']}")
    done = subprocess.run(["bash", "-c", curl], env={"PATH": os.environ["PATH"], "TOKEN": token(demo, "curl@example.com", "research")}, capture_output=True, text=True, timeout=60)
    assert "event: message_stop" in done.stdout, done.stdout + done.stderr
    (script,) = re.findall(r"`docker compose exec gateway bash -c '(.*?)'`", text)
    assert re.search(r"^http\.ai_gateway\.downstream_rq_2xx: [1-9]", demo.compose("exec", "-T", "gateway", "bash", "-c", script), re.MULTILINE)
    assert "`docker compose exec redis redis-cli --scan`" in text
    (key,) = [line for line in demo.compose("exec", "-T", "redis", "redis-cli", "--scan").split() if line.startswith("ai_budgets_tokens_per_actor_curl@example.com_")]
    assert int(demo.compose("exec", "-T", "redis", "redis-cli", "get", key)) > 0


def test_the_panels_by_actor_show_the_callers(demo):
    key = token(demo, "dora@example.com")
    panels = [panel["targets"][0]["expr"] for panel in PANELS if "envoy_ai_bridge_actor_" in panel["targets"][0]["expr"]]
    assert len(panels) == 3
    # As Grafana asks: it takes four of Prometheus' 15 s for a rate.
    waiting = {substituted(expression, 300).replace(f"[{RATE_SECONDS}s]", "[60s]") for expression in panels}
    deadline = time.monotonic() + 120
    while waiting:
        assert ask(demo, key, stream=False)[0] == 200
        for expression in list(waiting):
            query = urllib.parse.quote(expression)
            with urllib.request.urlopen(f"http://127.0.0.1:{demo.variables['PROMETHEUS_PORT']}/api/v1/query?query={query}", timeout=10) as answer:
                found = {each["metric"]["actor"]: float(each["value"][1]) for each in json.load(answer)["data"]["result"]}
            if found.get("dora@example.com", 0) > 0:
                waiting.discard(expression)
        assert time.monotonic() < deadline, waiting
        time.sleep(1)


def test_a_caller_over_budget_gets_429(demo):
    key = token(demo, "small-budget@example.com")
    status, headers, body = ask(demo, key, stream=False)
    assert status == 200, body
    deadline = time.monotonic() + 20
    while (answer := ask(demo, key, stream=False))[0] == 200:       # a request is charged when it has ended
        assert time.monotonic() < deadline
    status, headers, body = answer
    assert (status, json.loads(body)["type"], headers["x-should-retry"]) == (429, "error", "false")
    assert 0 < int(headers["retry-after"]) <= 86400
    assert records(demo, "small-budget@example.com", 2)[-1]["outcome"] == "rejected"


def test_no_request_passes_without_a_token(demo):
    assert ask(demo, None)[0] == 401
    assert ask(demo, token(demo, "alice@example.com") + "x")[0] == 401


def test_no_server_is_root(demo):
    for service in ("gateway", "providers", "pod", "redis", "mock-upstream", "prometheus", "ratelimit"):
        lines = demo.docker.run("docker", "top", demo.container(service), "-eo", "pid,uid").splitlines()[1:]
        users = {line.split()[1] for line in lines}
        assert users and "0" not in users, (service, lines)


def test_only_loopback_of_this_machine_leads_into_it(demo):
    published = demo.docker.run("docker", "ps", "--format", "{{.Ports}}").replace(",", "\n").split()
    assert {entry.split(":")[0] for entry in published if "->" in entry} == {"127.0.0.1"}


def test_a_name_that_would_not_fit_into_a_token_is_refused(demo):
    assert demo.compose("run", "--rm", "setup", "token", "a.b+c_d-e@f.g").startswith("gw_")
    assert demo.compose("run", "--rm", "setup", "token", '"},"x', check=False) == ""


def test_coming_up_again_changes_no_identity(demo):
    key = token(demo, "again@example.com")
    demo.compose("up", "-d", "--no-build", "gateway")
    demo.wait_healthy("gateway")
    assert ask(demo, key)[0] == 200


def test_the_real_profile_rejects_the_mocks_certificate(demo):
    """The providers' names still resolve to the mock, so nothing leaves the machine: the gateway refuses its certificate."""
    key = token(demo, "real@example.com")
    demo.compose("stop", "--timeout", "5", "gateway")
    try:
        demo.compose("up", "-d", "--no-build", "gateway-real")
        demo.wait_healthy("gateway-real")
        status, _, body = ask(demo, key)
        assert (status, json.loads(body)["type"]) == (503, "error")
        (record,) = records(demo, "real@example.com", 1, "gateway-real")
        assert (record["outcome"], record["upstream"]["host"]) == ("unavailable", "api.anthropic.com")
        stats = "exec 3<>/dev/tcp/127.0.0.1/9901; printf 'GET /stats HTTP/1.1\\r\\nhost: a\\r\\nconnection: close\\r\\n\\r\\n' >&3; cat <&3"
        assert re.search(r"cluster\.anthropic\.ssl\.fail_verify_error: [1-9]", demo.compose("exec", "-T", "gateway-real", "bash", "-c", stats))
    finally:
        demo.compose("rm", "--stop", "--force", "gateway-real")
        demo.compose("start", "gateway")
        demo.wait_healthy("gateway")


# === another application behind it ===


@pytest.fixture(scope="module")
def shared(docker: Docker) -> Iterator[Demo]:
    """A copy of envoy/, changed as the README says. The other application is a mock that logs its requests."""
    directory = server_directory()
    try:
        shutil.copytree(COMPOSE.parent, directory / "envoy", ignore=shutil.ignore_patterns(".env"))
        directory.chmod(0o755)
        (directory / "envoy" / "budgets" / "envoy.yaml").write_text(compose_shared.configuration())
        override = yaml.safe_load(compose_shared.blocks()[-1])
        override["services"]["web"].update(image=SERVICES["mock-upstream"]["image"], command=["--log", "--listen", "0.0.0.0:8080"])
        (directory / "envoy" / "compose" / "docker-compose.override.yaml").write_text(yaml.safe_dump(override))
        with up(Demo(docker, directory / "envoy" / "compose", COMPOSE_PROJECT_NAME="ai-bridge-shared", **ports()), "gateway", "web") as running:
            yield running
    finally:
        shutil.rmtree(directory)


def log_of(demo: Demo, service: str) -> str:
    return demo.docker.run("docker", "logs", demo.container(service))


def test_another_application_gets_its_own_requests_and_none_of_ours(shared):
    key = token(shared, "alice@example.com")
    status, _, body = ask(shared, key, path=f"/ai{MESSAGES}")
    assert (status, "event: message_stop" in body) == (200, True)
    upstream = records(shared, "alice@example.com", 1)[0]["upstream"]
    assert (upstream["host"], upstream["cluster"]) == ("api.anthropic.com", "anthropic") and upstream["request_id"].startswith("req_")
    assert log_of(shared, "mock-upstream").count("POST /v1/messages 200") == 1 and "POST" not in log_of(shared, "web")
    # The application's own path needs no token.
    assert ask(shared, None, path="/v1/messages")[0] == 200
    assert ask(shared, None, path="/page")[0] == 404, "the mock's own word"
    assert [line for line in log_of(shared, "web").splitlines() if "/" in line and "listening" not in line][-2:] == ["POST /v1/messages 200", "POST /page 404"]
    assert ask(shared, None, path=f"/ai{MESSAGES}")[0] == 401
    assert log_of(shared, "mock-upstream").count("POST") == 1
    assert len(records(shared, "alice@example.com", 1)) == 1


def test_what_is_changed_counts_as_the_readme_says(shared):
    """Each row of the README's table of rotations, from the smallest change on."""
    path = f"/ai{MESSAGES}"
    text = (COMPOSE / "README.md").read_text()

    def again() -> None:
        shared.compose("up", "-d", "--no-build", "gateway", "web")
        shared.wait_healthy("gateway")

    def spend(key: str) -> None:
        deadline = time.monotonic() + 20
        while ask(shared, key, stream=False, path=path)[0] != 429:
            assert time.monotonic() < deadline

    # The budgets.
    assert "| `limits.yaml`, `callers.yaml` | `docker compose up -d`" in text
    spent, new = token(shared, "small-budget@example.com"), token(shared, "new-caller@example.com")
    spend(spent)
    assert ask(shared, new, stream=False, path=path)[0] == ask(shared, new, stream=False, path=path)[0] == 200
    callers = shared.folder / "callers.yaml"
    callers.write_text(callers.read_text() + "\n- key: tokens_per_actor\n  value: new-caller@example.com\n  rate_limit: { unit: day, requests_per_unit: 1 }\n")
    again()
    spend(new)
    assert ask(shared, spent, stream=False, path=path)[0] == 429, "what was spent stays spent"
    # A provider's key.
    assert "| a provider's key in `.env` | `docker compose up -d`" in text
    shared.variables["ANTHROPIC_API_KEY"] = "sk-ant-rotated-0123456789abcd"
    again()
    assert ask(shared, token(shared, "rotated@example.com"), stream=False, path=path)[0] == 200
    assert records(shared, "rotated@example.com", 1)[0]["credential"] == {"kind": "centralized", "hint": "sk-a...abcd"}
    # The key that signs the tokens.
    assert "`docker compose down`, `docker volume rm compose_identity`, `docker compose up -d`" in text
    shared.compose("down", "--timeout", "5")
    shared.docker.run("docker", "volume", "rm", "ai-bridge-shared_identity")
    again()
    assert ask(shared, spent, stream=False, path=path)[0] == 401
    assert ask(shared, token(shared, "again@example.com"), stream=False, path=path)[0] == 200
