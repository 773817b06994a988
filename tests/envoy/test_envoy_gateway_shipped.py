"""The parts of envoy/envoy-gateway that are comments, and the ones that other tests replace with loopback."""

from __future__ import annotations

import yaml

import envoy_gateway
from envoy_gateway import FOLDER, EnvoyGateway, Resources
from test_envoy_gateway import image

__all__ = ["image"]


def test_requests_can_be_held_and_provider_certificates_are_verified(image):
    """Envoy accepts both; to reach the providers would take a network."""
    text = (FOLDER / "patches.yaml").read_text()
    start = text.index("  # - type:")
    held = yaml.safe_load("".join(line[:2] + line[4:] for line in text[start:].splitlines(keepends=True)))

    def prepare(resources: Resources) -> None:
        envoy_gateway.named(resources, "EnvoyPatchPolicy", "ai-bridge")["spec"]["jsonPatches"] += held

    with EnvoyGateway(image, prepare) as gateway:
        config = str(gateway.config_dump())
        assert "'allow_on_headers_stop_iteration': True" in config
        clusters = [each["cluster"] for part in gateway.config_dump()["configs"] for each in part.get("dynamic_active_clusters", []) if "ai-bridge-" in each["cluster"]["name"]]
        found = {each["name"].split("/")[2].removeprefix("ai-bridge-"): str(each) for each in clusters}
        hosts = {"anthropic": "api.anthropic.com", "anthropic-byok": "api.anthropic.com", "openai": "api.openai.com", "openai-byok": "api.openai.com", "copilot": "api.individual.githubcopilot.com"}
        assert found.keys() == hosts.keys()
        for name, host in hosts.items():
            assert f"'sni': '{host}'" in found[name] and f"'exact': '{host}'" in found[name] and "'port_value': 443" in found[name]
            assert "trusted_ca" in found[name] or "validation_context_sds" in found[name] or "combined_validation_context" in found[name]
