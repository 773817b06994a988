"""A Docker daemon of the tests' own, and images made of this machine's programs under the names that envoy/compose uses.

The daemon keeps everything below target/, listens on a socket there, changes nothing about the machine's network but for
one bridge while it runs, and is always stopped. It never pulls an image.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import tarfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Iterator

import pytest
import yaml

from gateway import TOOLS
from render import REPOSITORY, WASM
from servers import Server, program, server_directory

COMPOSE = REPOSITORY / "envoy" / "compose"
FILE = COMPOSE / "docker-compose.yaml"
DOCKERFILE = COMPOSE / "Dockerfile"
MOCK = REPOSITORY / "target" / "debug" / "mock-upstream"

COMMAND_SECONDS = 300.0
HEALTHY_SECONDS = 120.0


class Docker:
    """A running Docker daemon."""

    def __init__(self, socket: Path, directory: Path) -> None:
        # A configuration of its own, without the user's credentials, contexts and plugins.
        self.environment = {
            "PATH": os.environ.get("PATH", ""), "HOME": str(directory), "DOCKER_CONFIG": str(directory),
            "DOCKER_HOST": f"unix://{socket}", "DOCKER_BUILDKIT": "0", "COMPOSE_PROJECT_NAME": "ai-bridge-test",
        }

    def run(self, *command: str, stdin: bytes | None = None, check: bool = True, **environment: str) -> str:
        """Runs a command against the daemon, and returns its output."""
        done = subprocess.run([program(command[0]), *command[1:]], env={**self.environment, **environment}, cwd=COMPOSE, input=stdin, capture_output=True, timeout=COMMAND_SECONDS)
        assert not check or done.returncode == 0, f"{' '.join(command)}:\n{done.stdout.decode(errors='replace')}\n{done.stderr.decode(errors='replace')}"
        return done.stdout.decode(errors="replace")

    def answers(self) -> bool:
        return "Server Version" in self.run("docker", "info", check=False)


@contextmanager
def docker_daemon() -> Iterator[Docker]:
    """Starts a daemon. If none can run, skips the tests, or fails them with REQUIRE_SERVERS=1."""
    for name in ("dockerd", "docker", "docker-compose"):
        program(name)
    directory = server_directory()
    docker = Docker(directory / "docker.sock", directory)
    arguments = [
        "--host", docker.environment["DOCKER_HOST"], "--data-root", str(directory / "data"), "--exec-root", str(directory / "exec"), "--pidfile", str(directory / "pid"),
        # The machine's firewall and routes do not change; docker's own proxy forwards published ports.
        "--bridge", "none", "--iptables=false", "--ip6tables=false", "--ip-forward=false", "--ip-masq=false",
    ]
    server = Server("dockerd", arguments, ready=docker.answers, directory=directory)
    try:
        server.__enter__()
    except AssertionError as error:
        if os.environ.get("REQUIRE_SERVERS") == "1":
            raise
        pytest.skip(f"dockerd cannot run here (it needs root, control groups and network bridges): {str(error)[-600:]}")
    try:
        yield docker
    finally:
        server.__exit__()


# === images ===


def services() -> dict[str, Any]:
    """The services of the shipped file, parsed."""
    return yaml.safe_load(FILE.read_text())["services"]


def make_images(docker: Docker) -> None:
    """Makes every image that the demo needs except Grafana's."""
    image = {name: service["image"] for name, service in services().items()}
    (envoy,) = re.findall(r"^FROM (envoyproxy/envoy:\S+)", DOCKERFILE.read_text(), re.MULTILINE)
    tools = ["bash", "sh", "sleep", "ln", "cat", "chmod", "chown", "cut", "date", "grep", "mkdir", "mv", "rm", "tr", "openssl"]
    import_image(docker, envoy, {"/usr/local/bin/envoy": TOOLS / "envoy", **found(*tools)}, users={"envoy": 101}, files={place: Path(place) for place in ("/etc/ssl/openssl.cnf", "/etc/ssl/certs/ca-certificates.crt")})
    import_image(docker, image["redis"], found("redis-server", "redis-cli"), users={"redis": 999})
    import_image(docker, image["ratelimit"], {"/bin/ratelimit": Path(program("ratelimit"))}, users={"nonroot": 65532}, user="65532")
    import_image(docker, image["prometheus"], found("prometheus", "promtool"), users={"nobody": 65534}, user="nobody", owned="/prometheus", entrypoint="/usr/bin/prometheus")
    build_the_projects_own(docker)


def build_the_projects_own(docker: Docker) -> None:
    """Builds the shipped Dockerfile from its second stage on, with the programs of target/ instead of the first stage's."""
    directory = server_directory()
    try:
        (directory / "out").mkdir()
        shutil.copy(WASM, directory / "out" / "ai_bridge.wasm")
        shutil.copy(MOCK, directory / "out" / "mock-upstream")
        # The demo's mock is linked statically; this one needs shared libraries.
        libraries(MOCK, directory / "libraries")
        text = DOCKERFILE.read_text()
        final_stages = text[text.index("\nFROM scratch AS mock-upstream"):].replace("COPY --from=build /out/mock-upstream", "COPY libraries/ /\nCOPY --from=build /out/mock-upstream")
        (directory / "Dockerfile").write_text("FROM scratch AS build\nCOPY out /out\n" + final_stages)
        for name in ("gateway", "mock-upstream"):
            docker.run("docker", "build", "--network", "none", "--target", name, "--tag", services()[name]["image"], str(directory))
    finally:
        shutil.rmtree(directory)


def found(*names: str) -> dict[str, Path]:
    """Programs of this machine, by their path below /usr/bin in the image."""
    return {f"/usr/bin/{name}": Path(program(name)) for name in names}


def libraries(binary: Path, into: Path) -> None:
    """Copies the shared libraries of a program to the paths where its loader looks for them."""
    for library in shared_libraries(binary):
        place = into / library.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(library, place)


def shared_libraries(binary: Path) -> list[str]:
    done = subprocess.run(["ldd", str(binary.resolve())], capture_output=True, text=True)
    return re.findall(r"(?:=> |^\s+)(/\S+) \(", done.stdout, re.MULTILINE)      # empty for a static program


def import_image(docker: Docker, name: str, programs: dict[str, Path], *, users: dict[str, int], user: str = "", owned: str = "", entrypoint: str = "", files: dict[str, Path] | None = None) -> None:
    """Makes an image of these programs and their libraries. `owned`: a directory that belongs to the first user."""
    content: dict[str, Path] = {}
    for place, binary in programs.items():
        content[place] = binary
        content.update((library, Path(library)) for library in shared_libraries(binary))
    content.update(files or {})
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for place, file in content.items():
            tar.add(file.resolve(), place, recursive=False)
        passwd = "root:x:0:0::/:/bin/sh\n" + "".join(f"{each}:x:{number}:{number}::/:/bin/sh\n" for each, number in users.items())
        group = "root:x:0:\n" + "".join(f"{each}:x:{number}:\n" for each, number in users.items())
        for place, text in (("/etc/passwd", passwd), ("/etc/group", group)):
            entry = tarfile.TarInfo(place)
            entry.size, entry.mode = len(text), 0o644
            tar.addfile(entry, io.BytesIO(text.encode()))
        for link, target in (("/bin", "usr/bin"), ("/usr/lib/ssl", "/etc/ssl")):
            if not any(place.startswith(f"{link}/") for place in content):
                entry = tarfile.TarInfo(link)
                entry.type, entry.linkname = tarfile.SYMTYPE, target
                tar.addfile(entry)
        for place, mode, owner in (("/tmp", 0o1777, 0), (owned, 0o755, next(iter(users.values())))):
            if place:
                entry = tarfile.TarInfo(place)
                entry.type, entry.mode, entry.uid, entry.gid = tarfile.DIRTYPE, mode, owner, owner
                tar.addfile(entry)
    changes = ["ENV PATH=/usr/local/bin:/usr/bin:/bin"] + ([f"USER {user}"] if user else []) + ([f'ENTRYPOINT ["{entrypoint}"]'] if entrypoint else [])
    docker.run("docker", "import", *(word for change in changes for word in ("--change", change)), "-", name, stdin=archive.getvalue())


# === the demo ===


class Demo:
    """The services of envoy/compose, running in the daemon."""

    def __init__(self, docker: Docker, folder: Path = COMPOSE, **variables: str) -> None:
        """`folder` may be a copy, with an override beside it."""
        self.docker = docker
        self.folder = folder
        self.variables = variables

    def compose(self, *command: str, check: bool = True) -> str:
        """docker-compose with the shipped example of .env."""
        files = [self.folder / name for name in (FILE.name, "docker-compose.override.yaml") if (self.folder / name).exists()]
        named = [word for file in files for word in ("--file", str(file))]
        return self.docker.run("docker-compose", "--ansi", "never", *named, "--env-file", str(self.folder / ".env.example"), *command, check=check, **self.variables)

    def container(self, service: str) -> str:
        """The id of the service's container."""
        return self.compose("ps", "-q", service).strip()

    def wait_healthy(self, service: str) -> None:
        deadline = time.monotonic() + HEALTHY_SECONDS
        container = self.container(service)
        while (state := self.docker.run("docker", "inspect", "--format", "{{.State.Health.Status}}", container).strip()) != "healthy":
            if time.monotonic() > deadline:
                health = self.docker.run("docker", "inspect", "--format", "{{json .State}}", container)
                raise AssertionError(f"{service} is {state} after {HEALTHY_SECONDS:.0f} s: {health}\n{self.compose('logs', '--no-color', service)}")
            time.sleep(0.2)

    def everything(self) -> dict[str, list[str]]:
        """All containers, volumes and networks, except docker's own networks."""
        lists = {
            "containers": ["ps", "--all", "--format", "{{.Names}}"],
            "volumes": ["volume", "ls", "--quiet"],
            "networks": ["network", "ls", "--filter", "type=custom", "--format", "{{.Name}}"],
        }
        return {what: self.docker.run("docker", *command).split() for what, command in lists.items()}
