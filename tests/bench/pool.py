"""What a pool adds where no member fails: the same provider, as a pool of two members at the same mock."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "tests" / "envoy"))
import pools  # noqa: E402  (needs the line above)
from render import HTTP_OPTIONS, connection_manager_of, shipped_plugin, wasm_of  # noqa: E402


def configuration(upstream: tuple[str, int], bridge: Path) -> Any:
    """The reference configuration with a pool in place of the provider `anthropic`."""
    plugin = shipped_plugin()
    for provider in plugin["providers"]:
        if provider["type"] == "anthropic":
            for name in ("key", "byok_cluster"):
                provider.pop(name, None)
            provider["pool"] = [{"name": name, "key": {"value": f"bench-{name}-0123456789"}, "base_url": f"http://{upstream[0]}:{upstream[1]}"} for name in ("main", "spare")]
    config = pools.configuration(plugin)
    wasm_of(config)["vm_config"]["code"]["local"]["filename"] = str(bridge)
    for cluster in config["static_resources"]["clusters"]:
        for http_filter in cluster.get("typed_extension_protocol_options", {}).get(HTTP_OPTIONS, {}).get("http_filters", [])[:-1]:
            http_filter["typed_config"]["config"]["vm_config"]["code"]["local"]["filename"] = str(bridge)
    routes = connection_manager_of(config)["route_config"]["virtual_hosts"][0]["routes"]
    assert any("anthropic/main,spare" in route.get("name", "") for route in routes)
    return config
