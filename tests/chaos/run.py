"""`make chaos`: Envoy with two workers and the shipped configuration between clients and providers that misbehave.

The clients, the providers and the judge are one program (tests/chaos/src); this starts it and Envoy, hands every record
over to it, and gives the filter another configuration now and then, a bad one among them. Everything ends with it.
"""

from __future__ import annotations

import argparse
import copy
import json
import random
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "envoy"))

from gateway import RUNS, Gateway, GatewayDied, die_with_parent  # noqa: E402
from pools import configuration  # noqa: E402
from render import REPOSITORY, DiscoveredFilter, shipped_plugin  # noqa: E402

PROGRAM = REPOSITORY / "target" / "debug" / "chaos"
TRANSCRIPTS = REPOSITORY / "tests" / "transcripts"

WORKERS = 2
MEMBERS = ("one", "two", "three")        # of the pool, as in tests/chaos/src/plan/pool.rs
NEVER = 1_000_000_000        # failures in a row that open a circuit: half of the requests here fail, and an open circuit would stop the run
SAMPLE_SECONDS = 1.0
WARM_SECONDS = 30.0          # until then caches fill
JUDGED_SECONDS = 45.0        # a shorter time says nothing about growth
GROWTH_MIB_PER_MINUTE = 1.0  # of a load that varies: 35 bytes a request at 500 requests a second
SHOWN_SAMPLES = 5            # one of so many samples is printed
GATHERING_SECONDS = 10       # the many streams begin so long before the end: tests/chaos/src/main.rs
PATIENCE_SECONDS = 15.0      # for Envoy to accept or refuse a configuration


def main() -> int:
    parser = argparse.ArgumentParser(description="Clients and providers that misbehave, around one gateway.")
    parser.add_argument("--program", type=Path, default=PROGRAM)
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--seed", type=int, default=None, help="default: another one each time")
    parser.add_argument("--only", type=int, default=None, help="only this request of the run")
    parser.add_argument("--times", type=int, default=1, help="that one so many times")
    parser.add_argument("--in-flight", type=int, default=64)
    parser.add_argument("--gathering", type=int, default=2000, help="so many streams are once open together")
    parser.add_argument("--apis", default="messages,chat_completions,responses")
    parser.add_argument("--log-level", default="info")
    arguments = parser.parse_args()
    if arguments.seed is None:
        arguments.seed = int(time.time())
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return run(arguments)
    except KeyboardInterrupt:
        print("\nStopped.")
        return 130
    except (GatewayDied, TimeoutError, OSError, AssertionError) as error:
        print(f"chaos could not go on: {error}", file=sys.stderr)
        return 1


def run(arguments: argparse.Namespace) -> int:
    RUNS.mkdir(parents=True, exist_ok=True)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))        # thousands of streams at once, two sockets each on both sides
    with tempfile.TemporaryDirectory(dir=RUNS) as watched, Players(arguments) as players:
        config = configuration(plugin(players), upstream=players.address, breaker={"consecutive_5xx": NEVER})
        discovered = DiscoveredFilter(config, Path(watched))
        keys = {name: each["key"]["value"] for name, each in zip(("ANTHROPIC_API_KEY", "OPENAI_API_KEY"), transcripts_plugin()["providers"])}
        with RecordedGateway(players, config, concurrency=WORKERS, environment=keys, log_level=arguments.log_level) as gateway:
            players.begin(gateway)
            with Reconfiguration(gateway, discovered, plugin(players), arguments) as reconfiguration, Memory(gateway) as memory:
                good = players.wait() == 0
            problems = reconfiguration.problems + memory.problems(arguments.seconds - GATHERING_SECONDS) + health(gateway)
            print(f"configurations: {reconfiguration.taken} taken, {reconfiguration.refused} refused, as they had to be")
    for problem in problems:
        print(f"FAILED: {problem}")
    print("chaos: everything was as it must be" if good and not problems else f"chaos: FAILED, seed {arguments.seed}", flush=True)
    return 0 if good and not problems else 1


def transcripts_plugin() -> Any:
    """The plugin configuration of the transcripts."""
    return json.loads((TRANSCRIPTS / "config.json").read_text())


def plugin(players: "Players") -> Any:
    """The shipped plugin configuration with the members that the transcripts need, and a pool."""
    assumed, shipped = transcripts_plugin(), shipped_plugin()
    pool = [{"name": name, "key": {"value": f"sk-ant-api03-{name}-CENTRAL"}, "base_url": f"http://{host}:{port}"} for name, (host, port) in zip(MEMBERS, players.members)]
    providers = [*shipped["providers"], {"type": "anthropic", "name": "pooled", "pool": pool}]
    return {**shipped, "providers": providers, "actor": assumed["actor"], "prices": assumed["prices"]}


def health(gateway: Gateway) -> list[str]:
    """The problems of Envoy at the end of the run."""
    moved = {name: value for name, value in gateway.stats(r"^wasm\..*(vm_reload|crash)").items() if value}
    problems = [f"a VM of the filter died: {moved}"] if moved else []
    problems += [line for line in gateway.log().splitlines() if "panicked" in line or "Function: proxy_" in line or "the host refused" in line or "a bug of this filter" in line]
    try:
        gateway.wait_until(lambda: not active(gateway), "nothing is active any more")
    except TimeoutError:
        problems.append(f"streams that never end: {active(gateway)}")
    counted = sum(value for _, value in gateway.prometheus("ai_bridge_requests_total"))
    if counted != gateway.record_count:
        problems.append(f"the metrics count {counted:.0f} interceptions, there are {gateway.record_count} records")
    return problems


def active(gateway: Gateway) -> dict[str, int]:
    """The numbers of requests that are still active in Envoy, on either side."""
    return {name: value for name, value in gateway.stats(r"^(http\.ai_gateway\.downstream|cluster\..*\.upstream)_rq_(pending_)?active$").items() if value}


class RecordedGateway(Gateway):
    """A gateway that passes every record on to the program instead of keeping it."""

    def __init__(self, players: "Players", *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._players = players
        self.record_count = 0

    def _take_output(self, line: str) -> None:
        if line.startswith("{"):
            self.record_count += 1
            self._read_record(line)
            self._players.tell(line)
        else:
            super()._take_output(line)

    def envoy_pid(self) -> int:
        """The process id of Envoy, which func-e has started."""
        for entry in Path("/proc").glob("[0-9]*/stat"):
            try:
                pid, rest = entry.read_text().split(" ", 1)
            except OSError:
                continue
            name, fields = rest.rsplit(")", 1)
            if int(fields.split()[2]) == self._process.pid and "envoy" in name:      # its process group
                return int(pid)
        raise GatewayDied("no Envoy among func-e's children")


class Players:
    """The program `chaos`: clients, providers and verdicts."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        command = [str(arguments.program), "--transcripts", str(TRANSCRIPTS)]
        for name in ("seconds", "seed", "only", "times", "in_flight", "gathering", "apis"):
            if getattr(arguments, name) is not None:
                command += [f"--{name.replace('_', '-')}", str(getattr(arguments, name))]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent)
        word, *addresses = self._process.stdout.readline().split()
        if word != "listening":
            raise OSError(f"{command[0]} did not start: {word} {' '.join(addresses)}")
        self.address, *self.members = [(host, int(port)) for host, port in (each.rsplit(":", 1) for each in addresses)]
        self._relay = threading.Thread(target=self._tell_on, daemon=True)

    def __enter__(self) -> "Players":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    def _tell_on(self) -> None:
        for line in self._process.stdout:
            print(line, end="", flush=True)

    def tell(self, line: str) -> None:
        """Sends a line to the program if it still runs."""
        try:
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
        except (OSError, ValueError):
            pass

    def begin(self, gateway: RecordedGateway) -> None:
        """Sends the gateway's address, so that the program begins."""
        self._relay.start()
        self.tell(json.dumps({"gateway": f"{gateway.address[0]}:{gateway.address[1]}", "pid": gateway.envoy_pid()}))

    def wait(self) -> int:
        """Waits for the end, and returns the program's exit status."""
        status = self._process.wait()
        self._relay.join()
        return status


class Memory:
    """What Envoy's allocator has given out, the native host's memory included. V8's memory is not part of it."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._samples: list[tuple[float, float]] = []       # seconds since the start, MiB

    def __enter__(self) -> "Memory":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(PATIENCE_SECONDS)

    def _run(self) -> None:
        began = time.monotonic()
        while not self._over.wait(SAMPLE_SECONDS):
            try:
                said = json.loads(self._gateway.admin_get("/memory"))
            except (OSError, ValueError):
                continue
            self._samples.append((time.monotonic() - began, int(said["allocated"]) / 2**20))
            if len(self._samples) % SHOWN_SAMPLES == 0:
                print(f"  Envoy's allocator: {self._samples[-1][1]:.1f} MiB given out, {int(said['heap_size']) / 2**20:.0f} MiB of heap", flush=True)

    def problems(self, until: float) -> list[str]:
        """Judges the growth between the warm-up and the many streams: the medians of its first and its last third."""
        warm = [sample for sample in self._samples if WARM_SECONDS <= sample[0] <= until]
        third = len(warm) // 3
        if until - WARM_SECONDS < JUDGED_SECONDS or not third:
            return []
        (began, first), (ended, last) = (tuple(map(statistics.median, zip(*part))) for part in (warm[:third], warm[-third:]))
        growth = (last - first) / (ended - began) * 60
        print(f"Envoy's allocator: {first:.1f} MiB given out after the warm-up, {last:.1f} MiB before the many streams: {growth:+.2f} MiB a minute")
        return [f"memory grows by {growth:.2f} MiB a minute"] if growth > GROWTH_MIB_PER_MINUTE else []


class Reconfiguration:
    """Changes the configuration every few seconds; some configurations are invalid. None of them changes what records contain."""

    def __init__(self, gateway: Gateway, discovered: DiscoveredFilter, plugin: Any, arguments: argparse.Namespace) -> None:
        self._gateway, self._discovered, self._plugin = gateway, discovered, plugin
        self._random = random.Random(arguments.seed)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.taken = self.refused = self._number = 0
        self.problems: list[str] = []

    def __enter__(self) -> "Reconfiguration":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(2 * PATIENCE_SECONDS)

    def _run(self) -> None:
        try:
            while not self._over.wait(self._random.uniform(1.0, 5.0)):
                self._one()
        except Exception as error:      # a failure of this thread fails the run
            self.problems.append(f"reconfiguring: {error!r}")

    def _one(self) -> None:
        self._number += 1               # Envoy ignores a configuration that equals the last one, even an invalid one
        bad = self._random.random() < 0.2
        counter = "update_rejected" if bad else "update_success"
        before = self._count(counter)
        self._discovered.reconfigure(self._bad() if bad else self._good())
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self._count(counter) == before:
            if time.monotonic() > deadline:
                self.problems.append(f"a configuration was not {'refused' if bad else 'taken'}: {counter} stays {before}")
                return
            time.sleep(0.05)
        self.refused += bad
        self.taken += not bad

    def _count(self, counter: str) -> int:
        return sum(self._gateway.stats(rf"^extension_config_discovery\..*\.{counter}$").values())

    def _good(self) -> Any:
        config = copy.deepcopy(self._plugin)
        config["limits"] = {"label_values": self._random.randint(50, 150)}
        config["actor"]["metadata_headers"]["shift"] = f"x-shift-{self._number}"
        if self._random.random() < 0.3:
            config["publish"] = ["id", "model", "total_tokens"]
        return config

    def _bad(self) -> Any:
        return self._random.choice([f"{{ {self._number}", {"providers": [], "root": f"/{self._number}"}, {**self._plugin, "root": f"{self._number}"}, {**self._plugin, f"root{self._number}": ""}])


if __name__ == "__main__":
    sys.exit(main())
