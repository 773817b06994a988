"""`make verify` reports what is not safe around the filter: who reaches it, what it loads, where requests are copied to, typed secrets."""

from __future__ import annotations

import json
import re
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest

from render import SHIPPED, cluster_of, shipped, wasm_of
from verifying import Change, Found, ai_route, all_of, changed, expect, filter_of, found_in, judged, manager_of, plugin, routes_of, run

OPEN = "anyone who reaches 0.0.0.0 uses your keys"
SECRET = "sk-ant-api03-" + "Abc123-" * 8
BARE = "hT9fK2mQ7xZ4bN8vL3wP"


def listen(address: str) -> Change:
    return lambda config: config["static_resources"]["listeners"][0]["address"]["socket_address"].update(address=address)


def only_own_keys(config: Any) -> None:
    plugin(lambda given: [each.pop("key", None) for each in given["providers"]])(config)
    listen("0.0.0.0")(config)


def mutual(config: Any) -> None:
    listen("0.0.0.0")(config)
    config["static_resources"]["listeners"][0]["filter_chains"][0]["transport_socket"] = {
        "name": "tls", "typed_config": {"@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext", "require_client_certificate": True},
    }


def admin(address: str) -> Change:
    return lambda config: config["admin"]["address"]["socket_address"].update(address=address)


# Of the reference file, which has no authentication.
MISTAKES: dict[str, tuple[Change, Found]] = {
    "keys for everyone": (listen("0.0.0.0"), [("warning", ".socket_address.address", OPEN)]),
    "keys for everyone, by IPv6": (listen("::"), [("warning", ".socket_address.address", "anyone who reaches ::")]),
    "keys for a network": (listen("10.0.0.5"), [("warning", ".socket_address.address", "anyone who reaches 10.0.0.5")]),
    "keys for everyone by another address": (
        lambda config: config["static_resources"]["listeners"][0].update(additional_addresses=[{"address": {"socket_address": {"address": "0.0.0.0", "port_value": 10001}}}]),
        [("warning", "additional_addresses[0].address.socket_address.address", OPEN)],
    ),
    "an external key for everyone": (
        lambda config: (listen("0.0.0.0")(config), plugin(lambda given: (given["providers"].pop(1), given["providers"][0].update(key={"external": True}, byok="deny", byok_cluster="anthropic")))(config)),
        [("warning", ".socket_address.address", OPEN)],
    ),
    "an admin port for everyone": (admin("0.0.0.0"), [("warning", "admin.address.socket_address.address", "the admin port at 0.0.0.0 can stop Envoy")]),
    "a mirror on the route": (
        lambda config: ai_route(config)["route"].update(request_mirror_policies=[{"cluster": "openai"}]), [("error", "routes[0].route.request_mirror_policies", "the mirror gets every prompt, and the key")],
    ),
    "a mirror on the virtual host": (
        lambda config: manager_of(config)["route_config"]["virtual_hosts"][0].update(request_mirror_policies=[{"cluster": "openai"}]), [("error", "virtual_hosts[0].request_mirror_policies", "the mirror gets every prompt")],
    ),
    "a mirror of all": (lambda config: manager_of(config)["route_config"].update(request_mirror_policies=[{"cluster": "openai"}]), [("error", "route_config.request_mirror_policies", "the mirror gets every prompt")]),
    "redirects that Envoy follows": (lambda config: ai_route(config)["route"].update(internal_redirect_policy={"max_internal_redirects": 1}), [("error", ".internal_redirect_policy", "the key could reach another application")]),
    "a secret instead of a variable": (plugin(lambda given: given["providers"][0].update(key={"env": SECRET})), [("error", "providers[0].key.env", "a secret, as it seems")]),
    "a secret without a known beginning": (plugin(lambda given: given["providers"][0].update(key={"env": BARE})), [("error", "providers[0].key.env", "a secret, as it seems")]),
    "a secret that could be no variable": (plugin(lambda given: given["providers"][0].update(key={"env": "pass-word/1234"})), [("error", "providers[0].key.env", "a secret, as it seems")]),
    "a secret in host_env_keys": (lambda config: wasm_of(config)["vm_config"]["environment_variables"]["host_env_keys"].append(SECRET), [("error", "host_env_keys[2]", "a secret, as it seems")]),
    "a secret instead of a name in host_env_keys": (
        lambda config: wasm_of(config)["vm_config"]["environment_variables"].update(host_env_keys=[SECRET, "OPENAI_API_KEY"]), [("error", "host_env_keys[0]", "a secret, as it seems")],
    ),
    "a module that is not there": (lambda config: wasm_of(config)["vm_config"]["code"]["local"].update(filename="/etc/envoy/ai_brigde.wasm"), [("error", ".code.local.filename", "/etc/envoy/ai_brigde.wasm is not there")]),
    "no module": (lambda config: wasm_of(config)["vm_config"]["code"].pop("local"), [("error", ".vm_config.code", "no module")]),
    "an OpenAI URL without a version": (plugin(lambda given: given["providers"][1].update(base_url="https://api.openai.com")), [("warning", "providers[1].base_url", "without /v1")]),
    "an expression in models": (plugin(lambda given: given["providers"][0].update(models={"allow": ["claude-.*"]})), [("warning", "providers[0].models.allow[0]", "looks like a regular expression")]),
    "an expression in the denied models": (plugin(lambda given: given["providers"][0].update(models={"deny": ["^claude-opus"]})), [("warning", "providers[0].models.deny[0]", "looks like a regular expression")]),
    "an expression in prices": (plugin(lambda given: given.update(prices=[{"models": ["gpt-(4|5)"], "input": 1, "output": 1}])), [("warning", "prices[0].models[0]", "looks like a regular expression")]),
    "a wider price first": (
        plugin(lambda given: given.update(prices=[{"models": ["claude-*"], "input": 1, "output": 1}, {"models": ["claude-opus-4-*"], "input": 5, "output": 25}])),
        [("warning", "prices[1].models[0]", 'this price of "claude-opus-4-*" is never used, because "claude-*" in line')],
    ),
    "the widest price first": (
        plugin(lambda given: given.update(prices=[{"models": ["*"], "input": 1, "output": 1}, {"models": ["gpt-5", "o3"], "input": 5, "output": 25}])),
        [("warning", "prices[1].models[0]", "(and 1 more, to line")],
    ),
}

FINE: dict[str, Change] = {
    "callers with keys of their own": only_own_keys,
    "certificates of callers": mutual,
    "loopback by IPv6": listen("::1"),
    # Its address is left out: it cannot be that of all of them.
    "versions as others write them": all_of(lambda config: cluster_of(config, "openai").update(load_assignment={"cluster_name": "openai"}), plugin(lambda given: given["providers"].extend([
        {"type": "openai", "name": "groq", "base_url": "https://api.groq.com/openai/v1", "cluster": "openai"}, {"type": "openai", "name": "google", "base_url": "https://generativelanguage.googleapis.com/v1beta/openai", "cluster": "openai"},
        {"type": "openai", "name": "chatgpt", "base_url": "https://chatgpt.com/backend-api/codex", "cluster": "openai"}, {"type": "openai", "name": "z", "base_url": "https://api.z.ai/api/paas/v4/", "cluster": "openai"}]))),
    "models with dots, colons and slashes": plugin(lambda given: given.update(prices=[{"models": ["gpt-5*", "us.anthropic.claude-*:0", "meta/llama-3.1*", "gemini-2.5-pro", "claude-opus-4-5@20251101"], "input": 1, "output": 1}])),
    "the narrower price first": plugin(lambda given: given.update(prices=[{"models": ["claude-opus-*"], "input": 1, "output": 1}, {"models": ["claude-*-4"], "input": 1, "output": 1}, {"models": ["*"], "input": 5, "output": 25}])),
    "a mirror of another application": lambda config: routes_of(config).insert(1, {"match": {"prefix": "/x"}, "route": {"cluster": "openai", "request_mirror_policies": [{"cluster": "openai"}], "internal_redirect_policy": {}}}),
    "lower case variables": lambda config: (
        plugin(lambda given: given["providers"][0].update(key={"env": "anthropic_api_key"}))(config), wasm_of(config)["vm_config"]["environment_variables"]["host_env_keys"].append("anthropic_api_key")),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_each_mistake_is_reported_with_its_place_and_nothing_else(tmp_path, name):
    change, expected = MISTAKES[name]
    expect(judged(changed(change, SHIPPED), tmp_path), expected)


@pytest.mark.parametrize("name", FINE)
def test_what_is_no_mistake_is_not_reported(tmp_path, name):
    assert judged(changed(FINE[name], SHIPPED), tmp_path) == []


@pytest.mark.parametrize("secret", [SECRET, BARE, "pass-word/1234", "AIzaSyA-1234567890abcdefghijklmnopqrstu", "github_pat_11ABCDEFG0abcdefghijkl"])
def test_no_secret_is_repeated(tmp_path, secret):
    """Not in a finding, not in a path, not in what Envoy says."""
    for change in (
        plugin(lambda given: given["providers"][0].update(key={"env": secret})),
        lambda config: wasm_of(config)["vm_config"]["environment_variables"]["host_env_keys"].append(secret),
        lambda config: wasm_of(config)["vm_config"]["environment_variables"].update(key_values={"ANTHROPIC_API_KEY": secret}),
        plugin(lambda given: given["providers"][0].update(key={"value": secret, "valu": secret})),
    ):
        file = tmp_path / "envoy.json"
        file.write_text(json.dumps(changed(change, SHIPPED), indent=1))
        # Envoy's own check takes a second.
        for options in ([], ["--without-envoy"], ["--json"]) if secret == SECRET else (["--without-envoy"], ["--without-envoy", "--json"]):
            done = run(*options, file)
            assert secret not in done.stdout + done.stderr
            assert secret[8:] not in done.stdout + done.stderr


@pytest.mark.parametrize("content,says", [(b"", "is no wasm module"), (b"\x7fELF\x02\x01\x01\0\0", "is no wasm module"), (b"\0asm\x0d\0\x01\0", "is a component, not a module"), (b"<html>", "is no wasm module"), (None, "is not there")])
def test_a_file_that_is_no_module_is_reported(tmp_path, content, says):
    module = tmp_path / "module.wasm"
    if content is not None:
        module.write_bytes(content)
    config = shipped()
    wasm_of(config)["vm_config"]["code"]["local"]["filename"] = str(module)
    expect(judged(config, tmp_path), [("error", ".code.local.filename", f"{module} {says}")])
    module.write_bytes(b"\0asm\x01\0\0\0")
    assert judged(config, tmp_path) == []


def test_on_the_gateway_the_documented_module_has_to_be_there():
    sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "envoy" / "verify"))
    try:
        spec = spec_from_file_location("verify_module", Path(sys.path[0]) / "module.py")
        assert spec and spec.loader
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
        from place import Findings, Place

        elsewhere, here = Findings(), Findings()
        module.file_of_module(elsewhere, Place(None, "filename", "/home/me/envoy.yaml", 1), module.DOCUMENTED, None)
        module.file_of_module(here, Place(None, "filename", "/etc/envoy/envoy.yaml", 1), module.DOCUMENTED, None)
        assert (elsewhere.count("error"), here.count("error")) == (0, 0 if Path(module.DOCUMENTED).exists() else 1)
    finally:
        sys.path.pop(0)


def test_the_reference_can_be_opened_with_its_own_two_lines(tmp_path):
    """The commented address, and the commented authentication that it then needs."""
    text = SHIPPED.read_text()
    opened = text.replace("    address: { socket_address: { address: 127.0.0.1, port_value: 10000 } }\n    # address:", "    address:")
    assert opened != text
    file = tmp_path / "envoy.yaml"
    file.write_text(opened)
    expect(found_in(file), [("warning", ".address", OPEN)])
    lines = re.findall(r"^ +# (?:- \{ name: envoy.filters.http.jwt_authn|    providers: \{ company).*$", opened, re.M)
    assert len(lines) == 2
    for line in lines:
        opened = opened.replace(line, line.replace("# ", "", 1) if "- {" in line else line.replace("#", " ", 1))
    file.write_text(opened)
    done = run(file)
    assert (done.returncode, done.stdout) == (0, f"{file}: 0 errors, 0 warnings\n")


def test_clusters_that_authentication_asks_have_to_be_there(tmp_path):
    def change(config: Any) -> None:
        provider = filter_of(config, "envoy.filters.http.jwt_authn")["typed_config"]["providers"]["company"]
        del provider["local_jwks"]
        provider["remote_jwks"] = {"http_uri": {"uri": "https://login.example.com/keys", "cluster": "login", "timeout": "1s"}}

    expect(judged(changed(change), tmp_path), [("error", ".http_uri.cluster", 'no cluster is called "login"')])


