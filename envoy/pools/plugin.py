"""The filter as an upstream filter of a member's cluster."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

Json = Any

# The vm_id of the main filter, by platform. Istio's sample sets none; on Envoy Gateway a patch sets it.
VM_IDS = {"envoy": "ai_bridge", "istio": "", "envoy-gateway": "ai_bridge"}


@dataclass(frozen=True)
class Plugin:
    """The `vm_config` of the main filter. All of it has to be the same, else the two do not share a VM."""

    module: str = "/etc/envoy/ai_bridge.wasm"
    vm_id: str = VM_IDS["envoy"]
    variables: tuple[str, ...] = ()     # host_env_keys


def vm_config(plugin: Plugin) -> Json:
    """The VM that the filter and the upstream filters share."""
    vm: Json = {"vm_id": plugin.vm_id} if plugin.vm_id else {}
    vm["runtime"] = "envoy.wasm.runtime.v8"
    if plugin.variables:
        vm["environment_variables"] = {"host_env_keys": list(plugin.variables)}
    vm["code"] = {"local": {"filename": plugin.module}}
    return vm


def upstream_filter(plugin: Plugin, provider: str, member: str) -> Json:
    """The upstream filter of a member: what this member differs in; everything else is the main filter's."""
    return {
        "name": "ai_bridge",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
            "config": {
                "name": "ai_bridge",
                "root_id": "ai_bridge",
                "failure_policy": "FAIL_RELOAD",
                "configuration": {
                    "@type": "type.googleapis.com/google.protobuf.StringValue",
                    "value": json.dumps({"upstream": {"provider": provider, "member": member}}),
                },
                "vm_config": vm_config(plugin),
            },
        },
    }
