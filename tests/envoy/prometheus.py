"""Runs a real Prometheus with the shipped envoy/prometheus/prometheus.yaml; only target, path of the rule file and
intervals differ."""

from __future__ import annotations

import json
import math
import time
import urllib.parse
import urllib.request
from typing import Any, Callable, Iterable

import yaml

from render import REPOSITORY, Address
from servers import Server, free_port, server_directory

SHIPPED = REPOSITORY / "envoy" / "prometheus"
PATIENCE_SECONDS = 30.0

Series = dict[tuple[str, frozenset[tuple[str, str]]], float]


class Prometheus:
    """Scrapes one Envoy every second. Use as a context manager."""

    def __init__(self, envoy: Address) -> None:
        port = free_port()
        directory = server_directory()
        config = yaml.safe_load((SHIPPED / "prometheus.yaml").read_text())
        config["global"] = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
        config["rule_files"] = [str(SHIPPED / name) for name in config["rule_files"]]
        (job,) = config["scrape_configs"]
        job["static_configs"] = [{"targets": [f"{envoy[0]}:{envoy[1]}"]}]
        file = directory / "prometheus.yaml"
        file.write_text(yaml.safe_dump(config))
        self._url = f"http://127.0.0.1:{port}"
        arguments = [f"--config.file={file}", f"--storage.tsdb.path={directory / 'data'}", f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn"]
        self._server = Server("prometheus", arguments, ready=self._is_ready, directory=directory)

    def __enter__(self) -> "Prometheus":
        self._server.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.__exit__()

    def get(self, path: str, **parameters: str | list[str]) -> Any:
        """The `data` of the API's response."""
        query = urllib.parse.urlencode(parameters, doseq=True)
        try:
            with urllib.request.urlopen(f"{self._url}/api/v1/{path}?{query}", timeout=PATIENCE_SECONDS) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"Prometheus refuses {parameters}: {error.read().decode()}") from error

    def query(self, expression: str) -> Series:
        """The instant vector of an expression (a scalar has no labels), without the labels of the scraped target."""
        data = self.get("query", query=expression)
        if data["resultType"] == "scalar":
            return {("", frozenset()): float(data["result"][1])}
        series: Series = {}
        for found in data["result"]:
            labels = {name: value for name, value in found["metric"].items() if name not in ("instance", "job")}
            series[labels.pop("__name__", ""), frozenset(labels.items())] = float(found["value"][1])
        return series

    def value(self, expression: str) -> float:
        """The only value of an expression; NaN if there is none."""
        values = list(self.query(expression).values())
        assert len(values) <= 1, f"{expression} has {len(values)} values"
        return values[0] if values else math.nan

    def wait_for(self, expression: str, expected: Series) -> None:
        """Waits until the expression has exactly these series; fails with the difference."""
        found: Series = {}

        def equal() -> bool:
            found.clear()
            found.update(self.query(expression))
            return found == expected

        try:
            self.wait_until(equal, expression)
        except TimeoutError:
            different = {key for key in found.keys() | expected.keys() if found.get(key) != expected.get(key)}
            lines = [f"{name}{dict(labels)}: {found.get((name, labels))} instead of {expected.get((name, labels))}" for name, labels in sorted(different, key=str)]
            raise AssertionError("\n".join(lines)) from None

    def wait_until(self, condition: Callable[[], bool], what: str, seconds: float = PATIENCE_SECONDS) -> None:
        """Returns as soon as the condition holds."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{seconds} s passed before {what}. Prometheus says:\n{self._server.log()[-2000:]}")
            time.sleep(0.1)

    def _is_ready(self) -> bool:
        with urllib.request.urlopen(f"{self._url}/-/ready", timeout=5) as answer:
            return answer.status == 200


def series(name: str, value: float, **labels: str) -> tuple[tuple[str, frozenset[tuple[str, str]]], float]:
    """One entry of `Series`."""
    return (name, frozenset(labels.items())), value


def times(factor: int, entries: Iterable[tuple[Any, float]]) -> Series:
    """The entries, each value multiplied by `factor`."""
    return {key: value * factor for key, value in entries}
