"""Reads configurations that load AI Bridge and reports what in them does not fit together or is not safe.

    make verify FILE=/etc/envoy/envoy.yaml          (or: python3 envoy/verify [--json] FILE…, with PyYAML)

A FILE is an Envoy configuration, the rate limit service's limits.yaml, resources of Istio, Envoy Gateway and Kubernetes,
Helm values, a Compose file, or a directory of these. Resources of Kubernetes are checked together, as one gateway.

Envoy accepts some mistakes silently: a cluster without TLS, a budget that the rate limit service does not know, a header that
nobody sets. This program finds them offline. Only the filter checks its own configuration: `envoy --mode validate` runs as
well, where Envoy and the module are installed. An error is something that does not work or is not safe; a warning is
something that is probably not intended. Each is one line, `file:line: error|warning: path: text`. What could not be checked
is `not checked: …`. No secret is repeated.

Exit status: 0 without errors, 1 with errors, 2 without errors if something could not be checked.
"""

from __future__ import annotations

import argparse
import json
import sys
import traceback
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import kubernetes
from bootstrap import bootstrap
from documents import Kind, kind_of, pieces
from limits import Served, beside, limits
from options import LIBRARY, MODULE, Options
from place import Findings, Place, place_of
from prices import age, day_of
from reading import Document, Unusable, read
from secret import redacted, secrets_of


@dataclass
class Unit:
    """What is checked together, and what was found."""

    title: str
    findings: Findings = field(default_factory=Findings)
    unusable: Unusable | None = None


def main() -> int:
    parser = argparse.ArgumentParser(prog="verify", description="Says what in a configuration with AI Bridge does not fit together or is not safe.")
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE", help="a file or a directory; `limits.yaml` beside an Envoy configuration is read as well")
    parser.add_argument("--json", action="store_true", help="one JSON object for each file, a line each")
    parser.add_argument("--envoy", help="the envoy program (default: target/tools/envoy, else the one in PATH)")
    parser.add_argument("--wasm", type=Path, help=f"the module, where the one that the file names is not on this machine (default: {MODULE})")
    parser.add_argument("--native", type=Path, metavar="LIBRARY", help=f"the same of the dynamic module (default: {LIBRARY})")
    parser.add_argument("--limits", type=Path, action="append", default=[], metavar="FILE", help="the rate limit service's configuration; a FILE may be one too")
    parser.add_argument("--without-envoy", action="store_true", help="leave `envoy --mode validate` out")
    parser.add_argument("--prices", type=Path, metavar="LIST", help="the list that the prices are from, such as envoy/prices/prices.json: its date counts instead of a comment `# prices of YYYY-MM-DD`")
    arguments = parser.parse_args()
    try:
        prices_of = day_of(arguments.prices) if arguments.prices else None
    except Unusable as problem:
        parser.error(str(problem))
    options = Options(arguments.envoy, not arguments.without_envoy, arguments.wasm, arguments.native, prices_of)
    status = 0
    for unit, secrets in check(arguments.files, arguments.limits, options):
        say = print_json if arguments.json else print_text
        say(unit, secrets)
        errors, missing = unit.findings.count("error"), bool(unit.unusable or unit.findings.left_out)
        status = 1 if errors or status == 1 else 2 if missing else status
    return status


def check(files: list[Path], limit_files: list[Path], options: Options) -> list[tuple[Unit, set[str]]]:
    """Checks files, and returns what was found with the secrets that must not be printed."""
    units: list[Unit] = []
    envoys: list[tuple[Unit, Document]] = []
    cluster: list[Document] = []
    served: list[Served] = []
    seen: list[Document] = []
    for file in [*(each for file in files for each in expanded(file)), *limit_files]:
        unit = Unit(str(file))
        units.append(unit)
        try:
            documents = [piece for document in read(file) for piece in pieces(document)]
        except Unusable as problem:
            unit.unusable = problem
            continue
        if not documents:
            unit.unusable = Unusable("not a complete Envoy configuration: it is empty")
        seen += documents
        for document in documents:
            kind = kind_of(place_of(document))
            if kind is Kind.ENVOY:
                envoys.append((unit, document))
            elif kind is Kind.LIMITS:
                served.append(limits(unit.findings, place_of(document)))
            elif kind is Kind.PRICES:
                place = place_of(document)
                age_of_list(unit.findings, place["date"], options)
            elif kind is Kind.UNKNOWN:
                of_pools = {"clusters", "routes", "virtual_host"} <= set(place_of(document).members())
                unit.unusable = Unusable("what envoy/pools prints: put it into the configuration, and check that") if of_pools else Unusable("not a complete Envoy configuration: it has no static_resources.listeners", document.node.line)
            else:
                cluster.append(document)
    for unit, document in envoys:
        known = served or beside(Path(unit.title), unit.findings)
        run(unit, lambda: bootstrap(unit.findings, document, known, options))
    if cluster:
        together = Unit(", ".join(dict.fromkeys(document.file for document in cluster)))
        # Files that hold nothing else are reported together.
        units = [unit for unit in units if unit.unusable or unit.findings.problems or unit.title not in together.title.split(", ") or any(unit is each for each, _ in envoys)]
        units.append(together)
        run(together, lambda: kubernetes.check(together.findings, cluster, served, options))
    secrets = secrets_of(place_of(document) for document in seen)
    return [(unit, secrets) for unit in units]


def age_of_list(findings: Findings, given: Place, options: Options) -> None:
    """Warns of a list of prices that is old. `given`: its date."""
    try:
        age(findings, given, "", options.prices_of or date.fromisoformat(given.text()), options.today)
    except ValueError:
        findings.warn(given, "no day: write it as YYYY-MM-DD")


def run(unit: Unit, what: object) -> None:
    try:
        what()              # type: ignore[operator]
    except Unusable as problem:
        unit.unusable = problem
    except RecursionError:
        unit.unusable = Unusable("nested too deeply")
    except Exception as problem:        # a mistake in here must not look like a configuration without one
        where = traceback.extract_tb(problem.__traceback__)[-1]
        unit.findings.leave_out(f"the rest, because this program failed: {type(problem).__name__} in {Path(where.filename).name}:{where.lineno}. Please report it")


def expanded(file: Path) -> list[Path]:
    """The files of a directory, or the file itself."""
    if not file.is_dir():
        return [file]
    return sorted(each for each in file.rglob("*") if each.suffix in (".yaml", ".yml", ".json") and each.is_file()) or [file]


def print_json(unit: Unit, secrets: set[str]) -> None:
    if unit.unusable and not unit.findings.problems:
        print(json.dumps({"file": unit.title, "unusable": redacted(str(unit.unusable), secrets)}, ensure_ascii=False))
        return
    problems = [
        {"level": each.level, "file": each.file, "line": each.line, "path": redacted(each.path, secrets), "message": redacted(each.message, secrets)} for each in unit.findings.problems
    ]
    left_out = [redacted(each, secrets) for each in (*unit.findings.left_out, *unit.findings.skipped, *([str(unit.unusable)] if unit.unusable else []))]
    print(json.dumps({"file": unit.title, "problems": problems, "left_out": left_out}, ensure_ascii=False))


def print_text(unit: Unit, secrets: set[str]) -> None:
    findings = unit.findings
    for each in sorted(findings.problems, key=lambda problem: (problem.file, problem.line)):
        place = f"{each.file or unit.title}:{each.line or 1}"
        print(redacted(f"{place}: {each.level}: {each.path + ': ' if each.path else ''}{' '.join(each.message.split())}", secrets))
    for what in (*findings.left_out, *findings.skipped):
        print(redacted(f"not checked: {what}", secrets))
    if unit.unusable:
        place = f"{unit.title}:{unit.unusable.line}" if unit.unusable.line else unit.title
        print(redacted(f"not checked: {place}: {unit.unusable}", secrets))
    errors, warnings, missing = findings.count("error"), findings.count("warning"), len(findings.left_out) + bool(unit.unusable)
    print(redacted(f"{unit.title}: {errors} error{'s' * (errors != 1)}, {warnings} warning{'s' * (warnings != 1)}" + (f", {missing} not checked" if missing else ""), secrets))


if __name__ == "__main__":
    sys.exit(main())
