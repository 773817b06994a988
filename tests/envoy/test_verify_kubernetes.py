"""`make verify` reports mistakes in resources of Istio, Envoy Gateway and Compose, which are one gateway together."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Callable

import pytest
import yaml

from render import REPOSITORY
from verifying import Found, documents, expect, found_in, run

ISTIO = sorted([*(REPOSITORY / "envoy" / "istio").glob("*.yaml"), *(REPOSITORY / "envoy" / "istio" / "helm").glob("*.yaml")])
GATEWAY = sorted((REPOSITORY / "envoy" / "envoy-gateway").glob("*.yaml"))
Set = dict[str, list[Any]]          # the documents of each file, by its name
Change = Callable[[Set], None]
# What the samples leave to the operator.
SAMPLES = ("the digest is the sample's", "anyone who reaches this gateway uses your keys")


def written(directory: Path, files: list[Path], change: Change) -> list[Path]:
    given = {file.name: json.loads(json.dumps(documents(file))) for file in files}
    change(given)
    for name, whole in given.items():
        (directory / name).write_text(yaml.safe_dump_all(whole, sort_keys=False))
    return [directory / name for name in given]


def judged(directory: Path, files: list[Path], change: Change) -> Found:
    return [each for each in found_in(*written(directory, files, change)) if not each[2].startswith(SAMPLES)]


def of(given: Set, kind: str, name: str = "") -> Any:
    """The first resource of a kind."""
    return next(each for whole in given.values() for each in whole if each.get("kind") == kind and (not name or each["metadata"]["name"] == name))


def filter_of(given: Set) -> Any:
    return of(given, "WasmPlugin")["spec"]


def rule(given: Set, name: str = "ai-bridge-openai") -> Any:
    return of(given, "DestinationRule", name)["spec"]["trafficPolicy"]


def subset_rule(given: Set) -> Any:
    return of(given, "DestinationRule", "ai-bridge-openai")["spec"]["subsets"][0]["trafficPolicy"]


def route(given: Set, name: str) -> Any:
    return next(each for each in of(given, "VirtualService")["spec"]["http"] if each["name"] == name)


def required(header: str = "x-user", *, claim_to: str = "x-user", removed: str = "x-user", team: str | None = None, team_to: str = "x-team") -> Change:
    """An actor that a RequestAuthentication names."""

    def change(given: Set) -> None:
        actor = {"header": header, "required": True}
        claims = [{"header": claim_to, "claim": "sub"}]
        mutations = of(given, "EnvoyFilter", "ai-bridge-connections")["spec"]["configPatches"][0]["patch"]["value"]["typed_config"]["early_header_mutation_extensions"][0]["typed_config"]["mutations"]
        mutations.append({"remove": removed})
        if team:
            actor["metadata_headers"] = {"team": team}
            claims.append({"header": team_to, "claim": "team"})
            mutations.append({"remove": team})
        filter_of(given)["pluginConfig"]["actor"] = actor
        given["gateway.yaml"] += [
            {"apiVersion": "security.istio.io/v1", "kind": "RequestAuthentication", "metadata": {"name": "company"}, "spec": {"jwtRules": [{"issuer": "i", "outputClaimToHeaders": claims}]}},
            {"apiVersion": "security.istio.io/v1", "kind": "AuthorizationPolicy", "metadata": {"name": "company"}, "spec": {"rules": [{"from": [{"source": {"requestPrincipals": ["*"]}}]}]}},
        ]

    return change


CLEAR = "keys included, go in clear text"

OF_ISTIO: dict[str, tuple[Change, Found]] = {
    "no TLS": (lambda given: (rule(given).pop("tls"), subset_rule(given).pop("tls")), [("error", "spec.trafficPolicy", CLEAR), ("error", "subsets[0].trafficPolicy", CLEAR)]),
    "TLS that is switched off": (lambda given: rule(given, "ai-bridge-copilot")["tls"].update(mode="DISABLE"), [("error", ".tls", CLEAR)]),
    "no rule": (lambda given: given["providers.yaml"].remove(of(given, "DestinationRule", "ai-bridge-copilot")), [("error", "spec", CLEAR)]),
    "no SNI": (lambda given: rule(given)["tls"].pop("sni"), [("error", ".tls", "no SNI")]),
    "no check of the name": (lambda given: rule(given)["tls"].pop("subjectAltNames"), [("error", ".tls", "no check of the certificate's name")]),
    "certificates that are not verified": (lambda given: rule(given)["tls"].update(insecureSkipVerify=True), [("error", ".insecureSkipVerify", "lets any certificate pass")]),
    "a phase in front of authentication": (lambda given: filter_of(given).update(phase="AUTHN"), [("error", "spec.phase", "in front of authentication and authorization")]),
    "a phase in front of authorization": (lambda given: filter_of(given).update(phase="AUTHZ"), [("error", "spec.phase", "in front of authentication and authorization")]),
    "requests that pass a stopped filter": (lambda given: filter_of(given).update(failStrategy="FAIL_OPEN"), [("error", ".failStrategy", "FAIL_OPEN")]),
    "a module that is not there": (lambda given: filter_of(given).update(url="file:///nowhere/ai.wasm"), [("error", "spec.url", "/nowhere/ai.wasm is not there")]),
    "no route": (lambda given: of(given, "VirtualService")["spec"]["http"].remove(route(given, "ai-bridge-openai")), [("error", "spec.http", "no route matches x-ai-bridge-cluster: openai")]),
    "the header is not removed": (lambda given: route(given, "ai-bridge-copilot")["headers"]["request"].update(remove=[]), [("error", ".headers", "the provider would see the name of your cluster")]),
    "a mirror": (lambda given: route(given, "ai-bridge-openai").update(mirror={"host": "copy"}), [("error", ".mirror", "the mirror gets every prompt")]),
    "a mirror by a patch": (
        lambda given: of(given, "EnvoyFilter", "ai-bridge-routes")["spec"]["configPatches"][2]["patch"]["value"]["route"].update(request_mirror_policies=[{"cluster": "x"}]), [("error", ".request_mirror_policies", "the mirror gets every prompt")],
    ),
    "redirects that Envoy follows": (
        lambda given: of(given, "EnvoyFilter", "ai-bridge-routes")["spec"]["configPatches"][2]["patch"]["value"]["route"].update(internal_redirect_policy={"max_internal_redirects": 1}), [("error", ".internal_redirect_policy", "another application")],
    ),
    "a subset that there is not": (lambda given: of(given, "DestinationRule", "ai-bridge-openai")["spec"].pop("subsets"), [("error", ".destination.subset", 'no subset "byok"')]),
    "a longer ejection": (lambda given: rule(given, "ai-bridge-copilot")["outlierDetection"].update(baseEjectionTime="60s"), [("error", ".baseEjectionTime", "closes within 61 s")]),
    "a circuit that never opens": (lambda given: rule(given, "ai-bridge-copilot")["outlierDetection"].pop("maxEjectionPercent"), [("error", ".maxEjectionPercent", "never opens")]),
    "a variable that the filter may not read": (lambda given: filter_of(given)["vmConfig"]["env"].pop(), [("error", ".env", "OPENAI_API_KEY is not in it, but providers[1].key.env names it")]),
    "a variable that the pod lacks": (lambda given: given["gateway-values.yaml"][0]["envVarFrom"].pop(), [("error", "env[1].name", "OPENAI_API_KEY is in no variable of the pod")]),
    "a secret instead of a variable": (
        lambda given: (filter_of(given)["pluginConfig"]["providers"][0]["key"].update(env="sk-ant-api03-abcdefgh"), filter_of(given)["vmConfig"]["env"][0].update(name="sk-ant-api03-abcdefgh"), given["gateway-values.yaml"][0]["envVarFrom"].pop(0)),
        [("error", "providers[0].key.env", "a secret, as it seems"), ("error", ".env[0].name", "a secret, as it seems")],
    ),
    "a secret in Helm values": (lambda given: given["gateway-values.yaml"][0]["env"].update(ANTHROPIC_API_KEY="sk-ant-api03-abcdefgh"), [("error", "env.ANTHROPIC_API_KEY", "the secret of ANTHROPIC_API_KEY is typed into the file")]),
    "an OpenAI URL without a version": (
        lambda given: filter_of(given)["pluginConfig"]["providers"][1].update(base_url="https://api.openai.com"), [("warning", "providers[1].base_url", "without /v1")],
    ),
    "a value that there is not": (lambda given: given["istiod-values.yaml"][0].update(x="%FILTER_STATE(wasm.ai_bridge_modle:PLAIN)%"), []),
    "an actor whom nobody names": (required(claim_to="x-sub"), [("error", "actor.header", "no authentication in front sets x-user, and an actor is required: every request would be 401; authentication sets x-sub")]),
    "an actor whom clients name": (required(removed="x-other"), [("error", "spec", "x-user is not removed from what clients send")]),
    "a team in another header": (required(team="x-team", team_to="x-teams"), [("error", "actor.metadata_headers.team", "no authentication in front sets x-team, so this is never known")]),
    "an actor without authentication": (lambda given: filter_of(given)["pluginConfig"].update(actor={"property": ["metadata", "filter_metadata", "envoy.filters.http.jwt_authn", "claims", "sub"], "required": True}), [("error", "actor.property", "no authentication writes this metadata")]),
}


def eg_filter(given: Set) -> Any:
    return of(given, "EnvoyExtensionPolicy")["spec"]["wasm"][0]


def upstream(given: Set, name: str) -> Any:
    return of(given, "HTTPRoute", name)["spec"]["rules"][0]


def security(claims: list[dict[str, str]], *removed: str, **actor: Any) -> Change:
    def change(given: Set) -> None:
        eg_filter(given)["config"]["actor"] = actor
        of(given, "ClientTrafficPolicy")["spec"]["headers"]["earlyRequestHeaders"]["remove"] += removed
        given["gateway.yaml"].append({"apiVersion": "gateway.envoyproxy.io/v1alpha1", "kind": "SecurityPolicy", "metadata": {"name": "company"}, "spec": {"jwt": {"providers": [{"name": "company", "claimToHeaders": claims}]}}})

    return change


OF_GATEWAY: dict[str, tuple[Change, Found]] = {
    "no TLS": (lambda given: given["providers.yaml"].remove(of(given, "BackendTLSPolicy", "openai")), [("error", "spec", CLEAR)]),
    "TLS for another backend": (lambda given: of(given, "BackendTLSPolicy", "copilot")["spec"]["targetRefs"][0].update(name="copilto"), [("error", "spec", CLEAR)]),
    "no host name": (lambda given: of(given, "BackendTLSPolicy", "openai")["spec"]["validation"].pop("hostname"), [("error", ".validation", "neither SNI nor the certificate's name")]),
    "the host name of another provider": (lambda given: of(given, "BackendTLSPolicy", "openai")["spec"]["validation"].update(hostname="api.anthropic.com"), [("error", ".validation.hostname", "the provider's base URL has the host api.openai.com")]),
    "names of another host": (
        lambda given: of(given, "BackendTLSPolicy", "openai")["spec"]["validation"].update(subjectAltNames=[{"type": "Hostname", "hostname": "evil.example.com"}]),
        [("error", ".subjectAltNames", "which is not among these names")],
    ),
    "the address of another provider": (lambda given: of(given, "Backend", "openai")["spec"]["endpoints"][0]["fqdn"].update(hostname="api.anthropic.com"), [("warning", ".fqdn.hostname", "each request would be 503")]),
    "no authority": (lambda given: of(given, "BackendTLSPolicy", "openai")["spec"]["validation"].pop("wellKnownCACertificates"), [("error", ".validation", "no certificate authority")]),
    "certificates that are not verified": (lambda given: of(given, "Backend", "openai")["spec"].update(tls={"insecureSkipVerify": True}), [("error", ".insecureSkipVerify", "lets any certificate pass")]),
    "no backend": (lambda given: given["providers.yaml"].remove(of(given, "Backend", "copilot")), [("error", "backendRefs[0]", 'no Backend is called "copilot"')]),
    "no route": (lambda given: given["routes.yaml"].remove(of(given, "HTTPRoute", "ai-bridge-openai")), [("error", "spec", "no HTTPRoute matches x-ai-bridge-cluster: openai")]),
    "the header is not removed": (lambda given: upstream(given, "ai-bridge-copilot").pop("filters"), [("error", ".filters", "the provider would see the name of your cluster")]),
    "a mirror": (lambda given: upstream(given, "ai-bridge-copilot")["filters"].append({"type": "RequestMirror", "requestMirror": {}}), [("error", "filters[1]", "the mirror gets every prompt")]),
    "requests that pass without the filter": (lambda given: eg_filter(given).update(failOpen=True), [("error", ".failOpen", "requests pass without the filter")]),
    "another root id": (lambda given: eg_filter(given).update(rootID="bridge"), [("warning", ".rootID", "expected `rootID: ai_bridge`")]),
    "a longer ejection": (lambda given: of(given, "BackendTrafficPolicy")["spec"]["healthCheck"]["passive"].update(baseEjectionTime="1m"), [("error", ".baseEjectionTime", "closes within 61 s (with `interval`), but the provider")]),
    "a circuit that never opens": (lambda given: of(given, "BackendTrafficPolicy")["spec"]["healthCheck"].pop("panicThreshold"), [("error", ".panicThreshold", "goes on using the host")]),
    "authentication behind the filter": (lambda given: of(given, "EnvoyProxy")["spec"].update(filterOrder=[{"name": "envoy.filters.http.wasm", "before": "envoy.filters.http.jwt_authn"}]), [("error", "filterOrder[0]", "authentication behind AI Bridge")]),
    "rate limits in front of the filter": (lambda given: of(given, "EnvoyProxy")["spec"].update(filterOrder=[{"name": "envoy.filters.http.ratelimit", "before": "envoy.filters.http.wasm"}]), [("error", "filterOrder[0]", "rate limits in front")]),
    "an actor whom nobody names": (security([{"claim": "sub", "header": "x-sub"}], "x-user", header="x-user", required=True), [("error", "actor.header", "authentication sets x-sub")]),
    "an actor whom clients name": (security([{"claim": "sub", "header": "x-user"}], header="x-user", required=True), [("error", "spec.headers", "x-user is not removed")]),
    "a team in another header": (
        security([{"claim": "sub", "header": "x-user"}, {"claim": "team", "header": "x-group"}], "x-user", "x-team", header="x-user", required=True, metadata_headers={"team": "x-team"}), [("error", "actor.metadata_headers.team", "authentication sets x-group")],
    ),
    "a secret instead of a variable": (lambda given: eg_filter(given).update(env={"hostKeys": ["sk-proj-abcdefgh1234"]}), [("error", ".hostKeys[0]", "a secret, as it seems")]),
    "a value that there is not": (lambda given: of(given, "EnvoyProxy")["spec"]["telemetry"]["accessLog"]["settings"][0]["format"].update(text="%FILTER_STATE(wasm.ai_bridge_recrod:PLAIN)%"), [("error", ".format.text", "did you mean wasm.ai_bridge_record?")]),
}
OF_ISTIO["SNI of another host"] = (lambda given: rule(given)["tls"].update(sni="api.anthropic.com"), [("error", ".tls.sni", "the provider's base URL has the host api.openai.com")])
OF_ISTIO["a host of a rule that is mistyped"] = (lambda given: of(given, "DestinationRule", "ai-bridge-openai")["spec"].update(host="api.openai.co"), [("error", "spec.host", "no DestinationRule is for api.openai.com")])
OF_ISTIO["a host of an entry that is mistyped"] = (lambda given: of(given, "ServiceEntry", "ai-bridge-openai")["spec"].update(hosts=["api.openai.co"]), [("error", "spec.hosts[0]", "no ServiceEntry has api.openai.com")])
OF_ISTIO["a value that there is not"] = (
    lambda given: of(given, "EnvoyFilter", "ai-bridge-routes")["spec"]["configPatches"][2]["patch"]["value"].update(x="%FILTER_STATE(wasm.ai_bridge_modle:PLAIN)%"), [("error", ".x", "did you mean wasm.ai_bridge_model?")],
)


@pytest.mark.parametrize("name", OF_ISTIO)
def test_each_mistake_with_istio_is_reported(tmp_path, name):
    change, expected = OF_ISTIO[name]
    expect(judged(tmp_path, ISTIO, change), expected)


@pytest.mark.parametrize("name", OF_GATEWAY)
def test_each_mistake_with_envoy_gateway_is_reported(tmp_path, name):
    change, expected = OF_GATEWAY[name]
    expect(judged(tmp_path, GATEWAY, change), expected)


def as_native(given: Set) -> None:
    """The dynamic module instead of the wasm module, as envoy/native/envoy-gateway.yaml."""
    wasm = of(given, "EnvoyExtensionPolicy")["spec"].pop("wasm")[0]
    of(given, "EnvoyExtensionPolicy")["spec"]["dynamicModule"] = [{"name": "ai-bridge", "filterName": "ai_bridge", "config": wasm["config"]}]
    of(given, "EnvoyProxy")["spec"]["dynamicModules"] = [{"name": "ai-bridge"}]


def test_a_dynamic_module_on_envoy_gateway_is_judged(tmp_path):
    assert judged(tmp_path, GATEWAY, as_native) == []

    def unlisted(given: Set) -> None:
        as_native(given)
        of(given, "EnvoyProxy")["spec"]["dynamicModules"][0]["name"] = "another"

    ((level, path, message),) = judged(tmp_path, GATEWAY, unlisted)
    assert (level, path) == ("error", "spec.dynamicModule[0].name") and "no EnvoyProxy lists the dynamic module" in message


def test_named_callers_are_fine(tmp_path):
    assert judged(tmp_path, ISTIO, required(team="x-team")) == []


def test_what_is_missing_is_not_checked(tmp_path):
    """Never green on what was not judged."""
    for file in (*ISTIO, *GATEWAY):
        done = run("--without-envoy", file)
        assert done.returncode == 2 and "not checked: " in done.stdout, done.stdout
    unknown = tmp_path / "unknown.yaml"
    unknown.write_text("apiVersion: example.com/v1\nkind: Gate\nmetadata: { name: x }\n")
    done = run("--without-envoy", *ISTIO, unknown)
    assert done.returncode == 2 and f"not checked: Gate x ({unknown}:1): this program does not know the kind" in done.stdout


def test_a_directory_is_read_whole(tmp_path):
    written(tmp_path, ISTIO, lambda given: None)
    assert [text for _, _, text in found_in(tmp_path) if not text.startswith(SAMPLES)] == []


def compose(change: Callable[[Any], None], directory: Path) -> Found:
    given = yaml.safe_load((REPOSITORY / "envoy" / "compose" / "docker-compose.yaml").read_text())
    given = json.loads(json.dumps(given).replace("../budgets", str(REPOSITORY / "envoy" / "budgets")))
    change(given)
    (directory / "docker-compose.yaml").write_text(yaml.safe_dump(given))
    return found_in(directory / "docker-compose.yaml")


@pytest.mark.parametrize("port,wrong", [("9901:9901", True), ("0.0.0.0:9901:9901", True), ("127.0.0.1:9901:9901", False), ({"target": 9901, "published": 9901}, True), ("10000:10000", False)])
def test_an_admin_port_that_compose_publishes_is_warned_of(tmp_path, port, wrong):
    found = compose(lambda given: given["services"]["pod"]["ports"].append(port), tmp_path)
    assert [(level, path) for level, path, _ in found] == [("warning", "services.pod.ports[3]")] * wrong


def test_a_secret_in_a_compose_file_is_warned_of(tmp_path):
    ((level, path, _),) = compose(lambda given: given["services"]["gateway"]["environment"].update(OPENAI_API_KEY="sk-proj-abcdefgh1234"), tmp_path)
    assert (level, path) == ("warning", "services.gateway.environment.OPENAI_API_KEY")


def test_the_configuration_that_compose_mounts_is_judged(tmp_path):
    own = tmp_path / "envoy.yaml"
    own.write_text((REPOSITORY / "envoy" / "envoy.yaml").read_text().replace("FAIL_RELOAD", "FAIL_OPEN"))
    (tmp_path / "docker-compose.yaml").write_text("services: { gateway: { image: x, volumes: [ './envoy.yaml:/etc/envoy/envoy.yaml:ro' ] } }")
    ((level, path, _),) = found_in(tmp_path / "docker-compose.yaml")
    assert level == "error" and path.endswith("failure_policy")
    own.unlink()
    assert found_in(tmp_path / "docker-compose.yaml", status=2) == []
