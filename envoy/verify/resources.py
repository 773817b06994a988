"""Resources of Kubernetes by their kinds, and the filter in them."""

from __future__ import annotations

from dataclasses import dataclass, field

from filter_entry import entry_of
from find import Gateway, settings_of
from module import module
from place import Findings, Place, place_of
from reading import Document


@dataclass
class Plugin:
    """The filter in a resource."""

    place: Place                # of the resource's own entry
    settings: Place             # the filter's configuration
    variables: list[Place]      # the environment variables that it may read
    variables_place: Place
    namespace: str
    istio: bool
    native: bool = False        # a dynamic module, which may read every variable


@dataclass
class Resources:
    """All resources."""

    of: dict[str, list[Place]] = field(default_factory=dict)
    documents: dict[str, list[Document]] = field(default_factory=dict)
    values: list[Place] = field(default_factory=list)

    def add(self, root: Place, document: Document) -> None:
        kind = root["kind"].text()
        self.of.setdefault(kind, []).append(root)
        self.documents.setdefault(kind, []).append(document)

    def any(self) -> bool:
        return bool(self.of)

    def all(self, kind: str, group: str = "") -> list[Place]:
        """The resources of a kind; `group`: a part of their apiVersion."""
        return [each for each in self.of.get(kind, []) if group in each["apiVersion"].text()]

    def plugins(self) -> list[tuple[Document, Plugin]]:
        """The filter, wherever it is loaded."""
        found = []
        for kind in ("WasmPlugin", "TrafficExtension"):
            for root, document in zip(self.of.get(kind, []), self.documents.get(kind, [])):
                spec = root["spec"] if kind == "WasmPlugin" else root.at("spec", "wasm")
                if looks_ours(spec["pluginName"], spec["url"], spec["pluginConfig"], root.at("metadata", "name")):
                    env = spec.at("vmConfig", "env")
                    config = spec["pluginConfig"]
                    place = spec["vmConfig"].at_name("env") if spec["vmConfig"].value else spec
                    found.append((document, Plugin(spec, config.named(""), [each["name"] for each in env], place, root.at("metadata", "namespace").text(), True)))
        for root, document in zip(self.of.get("EnvoyExtensionPolicy", []), self.documents.get("EnvoyExtensionPolicy", [])):
            for wasm in root.at("spec", "wasm"):
                if looks_ours(wasm["rootID"], wasm["name"], wasm["config"], wasm.at("code", "image", "url")):
                    env = wasm["env"]
                    found.append((document, Plugin(wasm, wasm["config"].named(""), list(env["hostKeys"]), env.at_name("hostKeys") if env.value else wasm, root.at("metadata", "namespace").text(), False)))
            for module in root.at("spec", "dynamicModule"):
                if looks_ours(module["filterName"], module["name"], module["config"]):
                    found.append((document, Plugin(module, module["config"].named(""), [], module, root.at("metadata", "namespace").text(), False, True)))
        return found


def looks_ours(*places: Place) -> bool:
    """Whether a module is this filter."""
    return any(word in str(place.value).replace("-", "_") for place in places for word in ("ai_bridge", "aibridge")) or any("providers" in place.members() for place in places)


def resource_file(findings: Findings, root: Place, document: Document, options: object) -> None:
    """Checks a file of resources that Envoy reads while it runs: the filter in it; the rest needs the configuration around it."""
    from options import Options
    from entry import entry_alone
    from patterns import patterns
    from prices import age

    assert isinstance(options, Options)
    for each in root["resources"]:
        typed = each["typed_config"] if each["typed_config"] else each
        config = entry_of(typed)
        if config is not None:
            settings = settings_of(findings, config, document)
            gateway = Gateway(place_of(document), Place({}), [], 0, config, settings.value if isinstance(settings.value, dict) else {}, document.source.text, settings)
            module(findings, gateway, options)
            entry_alone(findings, gateway)
            patterns(findings, settings)
            age(findings, settings["prices"], document.source.text, options.prices_of, options.today)
            findings.leave_out(f"what surrounds the filter in {document.file}: give the configuration whose `config_discovery` names this file instead")
        else:
            findings.leave_out(f"{each['name'].text() or each.path} ({each.file}:{each.line}): give the configuration that names this file instead")
