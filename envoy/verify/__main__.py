"""Reads Envoy configurations that load AI Bridge and reports what in them does not fit together.

    make verify FILE=/etc/envoy/envoy.yaml          (or: python3 envoy/verify [--json] FILE…, with PyYAML)

Envoy accepts some mistakes silently: a budget that asks for a value that is never set, a name that is taken literally, a
circuit breaker of one host that may never open. This program finds them offline, and reports each with its path in the
file. Only the filter checks its own configuration: `envoy --mode validate` runs as well, where Envoy and the module are
installed. An error is something that does not work or is not safe; a warning is something that is probably not intended.

Exit status: 0 without errors, 1 with errors, 2 if a file cannot be checked.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from datetime import date
from pathlib import Path

import yaml

from budgets import budgets
from entry import entry, metrics
from find import find
from place import Findings, Place, Unusable
from prices import age, day_of
from routing import clusters, routes
from validate import envoy_validates
from values import values

MODULE = Path(__file__).resolve().parents[2] / "target" / "wasm32-wasip1" / "release" / "ai_bridge.wasm"


def verify(file: Path, *, envoy: str | None, module: Path, runs_envoy: bool, prices_of: date | None = None) -> Findings:
    """Checks a file. `prices_of`: the date of its prices, if known. Raises `Unusable` if the file cannot be checked."""
    try:
        text = file.read_text()
        # JSON is YAML too, but the JSON parser is much faster.
        config = json.loads(text) if text.lstrip().startswith("{") else yaml.safe_load(text)
    except OSError as problem:
        raise Unusable(str(problem)) from problem
    except (yaml.YAMLError, ValueError) as problem:
        raise Unusable(f"neither YAML nor JSON: {problem}") from problem
    except RecursionError:
        raise Unusable("nested too deeply") from None
    root = Place(config)
    if not isinstance(config, dict) or not root.at("static_resources", "listeners"):
        raise Unusable("not a complete Envoy configuration: it has no static_resources.listeners")
    findings = Findings()
    gateways = find(findings, root, text)
    if not gateways:
        left_out = "".join(f" ({each})" for each in findings.left_out)
        raise Unusable(f"no listener loads AI Bridge (a Wasm HTTP filter with `root_id: ai_bridge`){left_out}")
    for gateway in gateways:
        for check in (entry, clusters, routes, values, metrics, budgets) if gateway.plugin else ():
            check(findings, gateway)
        age(findings, gateway, prices_of, date.today())
    if runs_envoy:
        envoy_validates(findings, root, envoy, module)
    else:
        findings.leave_out("Envoy's own check, and the filter's of its configuration: as asked")
    return findings


def main() -> int:
    parser = argparse.ArgumentParser(prog="verify", description="Says what in an Envoy configuration with AI Bridge does not fit together.")
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE")
    parser.add_argument("--json", action="store_true", help="one JSON object for each file, a line each")
    parser.add_argument("--envoy", help="the envoy program (default: target/tools/envoy, else the one in PATH)")
    parser.add_argument("--wasm", type=Path, default=MODULE, help="the module, where the one that the file names is not on this machine (default: %(default)s)")
    parser.add_argument("--without-envoy", action="store_true", help="leave `envoy --mode validate` out")
    parser.add_argument("--prices", type=Path, metavar="LIST", help="the list that the prices are from, such as envoy/prices/prices.json: its date counts instead of a comment `# prices of YYYY-MM-DD`")
    arguments = parser.parse_args()
    status = 0
    try:
        prices_of = day_of(arguments.prices) if arguments.prices else None
    except Unusable as problem:
        parser.error(str(problem))
    for file in arguments.files:
        try:
            findings = verify(file, envoy=arguments.envoy, module=arguments.wasm, runs_envoy=not arguments.without_envoy, prices_of=prices_of)
        except Unusable as problem:
            status = 2
            if arguments.json:
                print(json.dumps({"file": str(file), "unusable": str(problem)}, ensure_ascii=False))
            else:
                print(f"{file}: {problem}", file=sys.stderr)
            continue
        status = max(status, 1 if findings.count("error") else 0)
        if arguments.json:
            print(json.dumps({"file": str(file), "problems": [asdict(each) for each in findings.problems], "left_out": findings.left_out}, ensure_ascii=False))
            continue
        for each in findings.problems:
            print(f"{each.level}: {each.path + ': ' if each.path else ''}{each.message}")
        for what in findings.left_out:
            print(f"not checked: {what}")
        print(f"{file}: {findings.count('error')} errors, {findings.count('warning')} warnings")
    return status


if __name__ == "__main__":
    sys.exit(main())
