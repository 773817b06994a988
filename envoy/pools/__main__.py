"""Prints the Envoy clusters and routes for the pools in a configuration of AI Bridge.

    python3 envoy/pools --config ai_bridge.json > pools.yaml
    python3 envoy/pools --config ai_bridge.json --for istio | kubectl apply -f -

FILE is the filter's configuration as JSON. The output is YAML with three members: `clusters` go to Envoy's clusters;
`routes` go first into the virtual host, in front of all others; the members of `virtual_host` go into the virtual host
itself. README.md shows where. For Istio it prints an EnvoyFilter, for Envoy Gateway an EnvoyPatchPolicy. It needs Python 3.10 or later and nothing else.

Exit status: 0; 1 if the configuration has a mistake, which is then on standard error; 2 for wrong arguments.
"""

from __future__ import annotations

import argparse
import sys

import configuration
import kubernetes
from clusters import clusters
from mistake import Mistake
from plugin import VM_IDS, Plugin, vm_config
from routes import routes
from yaml_text import yaml_text


def main() -> int:
    parser = argparse.ArgumentParser(prog="pools", description="Prints the Envoy clusters and routes for the pools in a configuration of AI Bridge, as YAML.")
    parser.add_argument("--config", required=True, metavar="FILE", help="the filter's configuration, JSON (-: standard input)")
    parser.add_argument("--for", dest="platform", choices=list(VM_IDS), default="envoy", help="what to print: Envoy's own configuration (default), an EnvoyFilter or an EnvoyPatchPolicy")
    parser.add_argument("--wasm", default=Plugin.module, metavar="PATH", help="the module, as in the main filter's vm_config (default: %(default)s)")
    parser.add_argument("--vm-id", metavar="ID", help="vm_id, as in the main filter's vm_config (default: ai_bridge; none on Istio)")
    parser.add_argument("--env", action="append", metavar="NAME", help="a name in the main filter's host_env_keys; once for each, in their order (default: the names in `key.env`)")
    parser.add_argument("--trusted-ca", default="/etc/ssl/certs/ca-certificates.crt", metavar="PATH", help="the authorities for members' certificates (default: %(default)s)")
    parser.add_argument("--namespace", help="of the resource (default: istio-ingress, ai-gateway)")
    parser.add_argument("--gateway", default="ai-gateway", help="Envoy Gateway: the name of the Gateway (default: %(default)s)")
    parser.add_argument("--listener", action="append", metavar="NAME", help="Envoy Gateway: a listener of the Gateway; once for each (default: http)")
    arguments = parser.parse_args()
    try:
        given = configuration.read(text_of(arguments.config))
    except Mistake as mistake:
        print(f"{arguments.config}: {mistake}", file=sys.stderr)
        return 1
    variables = tuple(arguments.env) if arguments.env else given.variables
    vm_id = VM_IDS[arguments.platform] if arguments.vm_id is None else arguments.vm_id
    plugin = Plugin(arguments.wasm, vm_id, variables)
    parts = clusters(given, plugin, arguments.trusted_ca), routes(given)
    if arguments.platform == "istio":
        made = kubernetes.envoy_filter(*parts, arguments.namespace or "istio-ingress")
    elif arguments.platform == "envoy-gateway":
        made = kubernetes.patch_policy(*parts, vm_config(plugin), arguments.namespace or "ai-gateway", arguments.gateway, arguments.listener or ["http"])
    else:
        made = {"clusters": parts[0], "routes": parts[1], "virtual_host": {}}
    sys.stdout.write(yaml_text(made))
    return 0


def text_of(file: str) -> str:
    """The text of a file. Raises `Mistake` if it cannot be read."""
    try:
        if file == "-":
            return sys.stdin.buffer.read().decode()
        with open(file, encoding="utf-8") as opened:
            return opened.read()
    except (OSError, ValueError) as problem:
        raise Mistake("", str(problem)) from problem


if __name__ == "__main__":
    sys.exit(main())
