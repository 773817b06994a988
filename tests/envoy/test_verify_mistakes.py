"""`make verify` finds what an operator mistypes in the shipped files: one finding for each mistake, in the line that was changed."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass

import pytest

from render import REPOSITORY, connection_manager_of, shipped
from verifying import LINE, run

ENVOY = REPOSITORY / "envoy"
KEY = "sk-proj-" + "abcDEF0123456789" * 3
REFERENCE, BUDGETS, POOLS, NATIVE = "envoy.yaml", "budgets/envoy.yaml", "pools/envoy.yaml", "native/envoy.yaml"
TLS = "    transport_socket: *verified_tls\n"
OPENAI = '{"type": "openai",    "key"'
REQUIRES = 'match: { prefix: "/" }, requires: { provider_name: company }'
ROUTE = "route: { cluster_header: x-ai-bridge-cluster, timeout: 0s"
EXT_AUTHZ = '          - { name: ext_authz, typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz, failure_mode_allow: %s, grpc_service: { envoy_grpc: { cluster_name: openai } } } }\n'
FILTER = "          - name: ai_bridge\n            typed_config:\n"
ROUTER = "          - name: envoy.filters.http.router\n"


@dataclass(frozen=True)
class Mistake:
    """Words of a shipped file, and what is written instead."""

    file: str
    old: str
    new: str
    level: str                  # error, warning
    says: str
    line: str = ""              # words in the reported line; else it is the first changed one
    count: int = -1             # how many times the words are replaced


MISTAKES = {
    # TLS
    "a cluster without TLS": Mistake(REFERENCE, TLS, "", "error", "in clear text", line="  - name: openai", count=1),
    "the TLS context of a listener": Mistake(REFERENCE, "tls.v3.UpstreamTlsContext", "tls.v3.DownstreamTlsContext", "error", "DownstreamTlsContext is for listeners"),
    "no authority": Mistake(REFERENCE, "validation_context: { trusted_ca: { filename: /etc/ssl/certs/ca-certificates.crt } }", "tls_params: {}", "error", "no certificate authority", line="        common_tls_context:"),
    "an empty validation": Mistake(REFERENCE, "validation_context: { trusted_ca: { filename: /etc/ssl/certs/ca-certificates.crt } }", "validation_context: {}", "error", "no certificate authority"),
    "an authority that is not used": Mistake(REFERENCE, "validation_context: { trusted_ca", "validation_context: { trust_chain_verification: ACCEPT_UNTRUSTED, trusted_ca", "error", "ACCEPT_UNTRUSTED lets any certificate pass"),
    "no SNI": Mistake(REFERENCE, "auto_sni: true", "auto_sni: false", "error", "no SNI"),
    "no SAN": Mistake(REFERENCE, "auto_san_validation: true", "auto_san_validation: false", "error", "(SAN)"),
    "http to a provider, with TLS": Mistake(REFERENCE, OPENAI, '{"type": "openai", "base_url": "http://api.openai.com/v1", "key"', "warning", "write https"),
    # authentication
    "a rule for some paths": Mistake(BUDGETS, REQUIRES, REQUIRES.replace('"/"', '"/v1"'), "error", "no rule asks for a token on /anthropic/v1/messages", line="              rules:"),
    "a rule for one provider": Mistake(BUDGETS, REQUIRES, REQUIRES.replace('"/"', '"/anthropic/"'), "error", "no rule asks for a token on /openai/v1/chat/completions, /copilot/chat/completions", line="              rules:"),
    "a rule without a requirement": Mistake(BUDGETS, REQUIRES, 'match: { prefix: "/" }', "error", "lets everyone pass", line="          - name: envoy.filters.http.jwt_authn"),
    "a rule that lets everyone pass": Mistake(BUDGETS, "requires: { provider_name: company }", "requires: { allow_missing_or_failed: {} }", "error", "lets everyone pass", line="          - name: envoy.filters.http.jwt_authn"),
    "a provider of tokens that there is not": Mistake(BUDGETS, "requires: { provider_name: company }", "requires: { provider_name: compny }", "error", 'did you mean "company"?'),
    "authentication that is disabled": Mistake(BUDGETS, "          - name: envoy.filters.http.jwt_authn\n", "          - name: envoy.filters.http.jwt_authn\n            disabled: true\n", "error", "is switched off", line="            disabled: true"),
    "a route without authentication": Mistake(
        BUDGETS, "                typed_per_filter_config:\n",
        '                typed_per_filter_config:\n                  envoy.filters.http.jwt_authn: { "@type": type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.PerRouteConfig, disabled: true }\n',
        "error", "is switched off here", count=1),
    "a payload as the caller's name": Mistake(
        BUDGETS, "                  claim_to_headers:\n                  - { header_name: x-ai-bridge-actor-id, claim_name: sub }\n", "                  forward_payload_header: x-ai-bridge-actor-id\n                  claim_to_headers:\n",
        "error", "holds the whole payload", line='"actor": {'),
    "an actor that is copied elsewhere": Mistake(BUDGETS, "header_name: x-ai-bridge-actor-id", "header_name: x-user", "error", "authentication sets x-user", line='"actor": {'),
    "an actor that is read elsewhere": Mistake(BUDGETS, '"header": "x-ai-bridge-actor-id"', '"header": "x-ai-bridge-actor"', "error", "authentication sets x-ai-bridge-actor-id"),
    "a team that is read elsewhere": Mistake(BUDGETS, '"team": "x-team"', '"team": "x-squad"', "error", "authentication sets x-team"),
    "a required actor without a place": Mistake(BUDGETS, '"header": "x-ai-bridge-actor-id", ', "", "error", "an actor is required, but neither"),
    "an actor that clients name": Mistake(BUDGETS, "{ remove: x-ai-bridge-actor-id }, ", "", "error", "anybody could be anybody", line="early_header_mutation_extensions:"),
    "authorization behind the filter": Mistake(REFERENCE, ROUTER, EXT_AUTHZ % "false" + ROUTER, "error", "stands behind AI Bridge"),
    "authorization that fails open": Mistake(REFERENCE, FILTER, EXT_AUTHZ % "true" + FILTER, "warning", "everyone passes and uses your keys"),
    # budgets
    "another domain": Mistake(BUDGETS, "domain: ai_budgets", "domain: ai_budget", "error", "make both the same"),
    "another cluster of the service": Mistake(BUDGETS, "cluster_name: rate_limits } }", "cluster_name: rate_limit } }", "error", 'no cluster is called "rate_limit"', count=1),
    "a descriptor that has no limit": Mistake(BUDGETS, "descriptor_key: tokens_per_actor", "descriptor_key: token_per_actor", "error", 'did you mean "tokens_per_actor"?'),
    # keys
    "a key as the name of a variable": Mistake(REFERENCE, '{"env": "OPENAI_API_KEY"}', f'{{"env": "{KEY}"}}', "error", "a secret, as it seems"),
    "a key among the variables": Mistake(REFERENCE, "[ ANTHROPIC_API_KEY, OPENAI_API_KEY ]", f"[ ANTHROPIC_API_KEY, {KEY} ]", "error", "a secret, as it seems"),
    "a key in the file": Mistake(REFERENCE, '{"env": "OPENAI_API_KEY"}', f'{{"value": "{KEY}"}}', "warning", "a secret in the file"),
    "a key beside its variable": Mistake(REFERENCE, "[ ANTHROPIC_API_KEY, OPENAI_API_KEY ]", f"[ ANTHROPIC_API_KEY ], key_values: {{ OPENAI_API_KEY: {KEY} }}", "warning", "a secret in the file"),
    "a variable as a shell writes it": Mistake(REFERENCE, '{"env": "OPENAI_API_KEY"}', '{"env": "$OPENAI_API_KEY"}', "error", "write OPENAI_API_KEY"),
    "a value that nothing replaces": Mistake(REFERENCE, '{"env": "OPENAI_API_KEY"}', '{"value": "${OPENAI_API_KEY}"}', "warning", "nothing replaces ${OPENAI_API_KEY}"),
    "a variable that is not listed": Mistake(REFERENCE, "[ ANTHROPIC_API_KEY, OPENAI_API_KEY ]", "[ ANTHROPIC_API_KEY, OPENAI_KEY ]", "error", "OPENAI_API_KEY is not in it"),
    # circuits
    "callers told to come back too early": Mistake(REFERENCE, '"byok_cluster": "openai-byok"', '"byok_cluster": "openai-byok", "open_retry_after_seconds": 20', "error", "make it 31"),
    "a longer ejection": Mistake(REFERENCE, "base_ejection_time: 30s", "base_ejection_time: 60s", "error", "set open_retry_after_seconds to 61"),
    "an ejection that grows": Mistake(REFERENCE, "max_ejection_time: 30s", "max_ejection_time: 300s", "warning", "make it 30s"),
    # copies
    "a mirror": Mistake(REFERENCE, ROUTE, f"{ROUTE}, request_mirror_policies: [ {{ cluster: openai }} ]", "error", "the mirror gets every prompt"),
    "a redirect, with its defaults": Mistake(REFERENCE, ROUTE, f"{ROUTE}, internal_redirect_policy: {{}}", "error", "a redirect of a provider would be followed"),
    # who reaches it
    "a listener for everyone": Mistake(REFERENCE, "address: 127.0.0.1, port_value: 10000", "address: 0.0.0.0, port_value: 10000", "warning", "uses your keys", count=1),
    "an admin port for everyone": Mistake(REFERENCE, "address: 127.0.0.1, port_value: 9901", 'address: "::", port_value: 9901', "warning", "the admin port"),
    # the filter's configuration
    "an OpenAI URL without a version": Mistake(REFERENCE, OPENAI, '{"type": "openai", "base_url": "https://api.openai.com", "key"', "warning", "end it with /v1"),
    "an Anthropic URL with a version": Mistake(REFERENCE, '{"type": "anthropic", "key"', '{"type": "anthropic", "base_url": "https://api.anthropic.com/v1", "key"', "warning", "/v1/v1/messages"),
    "a pattern with .*": Mistake(BUDGETS, '["claude-opus-4-*"]', '["claude-opus-4-.*"]', "warning", "looks like a regular expression"),
    "a pattern with ?": Mistake(BUDGETS, '["claude-opus-4-*"]', '["claude-opus-4-?"]', "warning", "looks like a regular expression"),
    "a wider price first": Mistake(BUDGETS, '["claude-opus-4-*"]', '["claude-*"]', "warning", "put the narrower one first", line='"claude-haiku-4-*"'),
    "a member twice": Mistake(REFERENCE, '"gateway_credentials": {', '"gateway_credentials": {}, "gateway_credentials": {', "error", "comes twice"),
    "a comment in JSON": Mistake(REFERENCE, '{"type": "copilot"}', '{"type": "copilot"} // later', "error", "JSON has no comments"),
    "an object that is not closed": Mistake(REFERENCE, '{"type": "copilot"}', '{"type": "copilot"', "error", "expecting ',' delimiter"),
    "a key that has no known beginning, in the file": Mistake(REFERENCE, '{"env": "OPENAI_API_KEY"}', '{"value": "hT9fK2mQ7xZ4bN8vL3wP5tR6"}', "warning", "a secret in the file"),
    "keys for everyone on some paths": Mistake(BUDGETS, REQUIRES, REQUIRES.replace('"/"', '"/openai/"'), "error", "no rule asks for a token on /anthropic/v1/messages, /copilot/chat/completions", line="              rules:"),
    "a module that is not there": Mistake(REFERENCE, "filename: /etc/envoy/ai_bridge.wasm", "filename: /opt/envoy/ai_bridge.wasm", "error", "is not there"),
    # names of certificates, and hosts
    "a name of another host": Mistake(
        REFERENCE, "ca-certificates.crt } }\n", "ca-certificates.crt }, match_typed_subject_alt_names: [ { san_type: DNS, matcher: { exact: evil.example.com } } ] }\n",
        "error", "api.anthropic.com or api.openai.com or api.individual.githubcopilot.com: no name here is its own"),
    "an authority without a file": Mistake(REFERENCE, "trusted_ca: { filename: /etc/ssl/certs/ca-certificates.crt }", 'trusted_ca: { filename: "" }', "error", "no certificate authority"),
    "an authority that is not used, as a number": Mistake(REFERENCE, "validation_context: { trusted_ca", "validation_context: { trust_chain_verification: 1, trusted_ca", "error", "ACCEPT_UNTRUSTED lets any certificate pass"),
    "expired certificates": Mistake(REFERENCE, "validation_context: { trusted_ca", "validation_context: { allow_expired_certificate: true, trusted_ca", "warning", "no longer valid"),
    "TLS for some hosts": Mistake(REFERENCE, TLS, "    transport_socket_matches: [ { name: a, match: { a: b }, transport_socket: *verified_tls } ]\n", "error", "in clear text", line="  - name: openai", count=1),
    "another provider's address": Mistake(REFERENCE, "address: api.openai.com", "address: api.anthropic.com", "warning", "each request would be 503", count=1),
    "the port of http": Mistake(REFERENCE, "address: api.openai.com, port_value: 443", "address: api.openai.com, port_value: 80", "warning", "80 is the port of http", count=1),
    "the client's destination": Mistake(REFERENCE, "  - name: openai\n    type: LOGICAL_DNS", "  - name: openai\n    type: ORIGINAL_DST", "error", "ORIGINAL_DST sends to where the client has connected"),
    # ways past the filter and its authentication
    "the filter is switched off": Mistake(REFERENCE, FILTER, FILTER.replace("            typed", "            disabled: true\n            typed"), "error", "the filter is switched off"),
    "the filter is switched off on a route": Mistake(
        REFERENCE, f"                {ROUTE}", f'                typed_per_filter_config: {{ ai_bridge: {{ "@type": type.googleapis.com/envoy.config.route.v3.FilterConfig, disabled: true }} }}\n                {ROUTE}', "error", "the filter is switched off here"),
    "authorization of no request": Mistake(REFERENCE, FILTER, (EXT_AUTHZ % "false").replace("grpc_service", "filter_enabled: { default_value: { numerator: 0 } }, grpc_service") + FILTER, "error", "ext_authz checks no request"),
    "authorization of half of the requests": Mistake(
        REFERENCE, FILTER, (EXT_AUTHZ % "false").replace("grpc_service", "filter_enabled: { default_value: { numerator: 50 } }, grpc_service") + FILTER, "error", "ext_authz lets 50 % of all requests pass unchecked"),
    "a requirement that there is not": Mistake(
        BUDGETS, "                typed_per_filter_config:\n", '                typed_per_filter_config:\n                  envoy.filters.http.jwt_authn: { "@type": type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.PerRouteConfig, requirement_name: none }\n',
        "error", 'no requirement "none"', count=1),
    "no claim is copied": Mistake(
        BUDGETS, "                  claim_to_headers:\n                  - { header_name: x-ai-bridge-actor-id, claim_name: sub }\n                  - { header_name: x-team, claim_name: team }\n", "",
        "error", "sets neither x-ai-bridge-actor-id nor x-team", line='"actor": {'),
    "a route to one cluster": Mistake(REFERENCE, ROUTE, "route: { cluster: openai, timeout: 0s", "error", "expected `cluster_header: x-ai-bridge-cluster`"),
    "a part of the requests goes elsewhere": Mistake(
        REFERENCE, ROUTE, "route: { weighted_clusters: { clusters: [ { cluster_header: x-ai-bridge-cluster, weight: 90 }, { name: openai, weight: 10 } ] }, timeout: 0s", "error", 'a part of the requests, with keys in them, goes to "openai"'),
    # the filter's configuration
    "a cluster that is mistyped in JSON": Mistake(REFERENCE, '"byok_cluster": "openai-byok"', '"byok_cluster": "openai-boyk"', "error", 'did you mean "openai-byok"?'),
    "a cluster that is mistyped in YAML": Mistake(REFERENCE, "  - name: copilot\n", "  - name: copilto\n", "error", 'no cluster is called "copilot"'),
    "a key that is no object": Mistake(REFERENCE, '{"env": "OPENAI_API_KEY"}', f'"{KEY}"', "error", "a secret, as it seems"),
    "a key in a header": Mistake(REFERENCE, f"                {ROUTE}", f"                request_headers_to_add: [ {{ header: {{ key: x-api-key, value: {KEY} }} }} ]\n                {ROUTE}", "warning", "a secret in the file"),
    "one wide price ahead of all": Mistake(BUDGETS, '                        {"models": ["claude-opus-4-*"]', '                        {"models": ["*"], "input": 1, "output": 1},\n                        {"models": ["claude-opus-4-*"]', "warning", "and 2 more", line='"claude-opus-4-*"'),
    # pools: one cause once
    "a member of a pool under another name": Mistake(POOLS, '{"name": "main"', '{"name": "first"', "error", 'they are for "main"'),
    "a pool under another name": Mistake(POOLS, '"type": "anthropic", ', '"type": "anthropic", "name": "claude", ', "error", 'they are for "anthropic"'),
    "a cluster of a pool under another name": Mistake(POOLS, "  - name: anthropic-main\n", "  - name: anthropic-first\n", "error", 'the key of the pool\'s "anthropic-main"'),
    # the dynamic module
    "native: a cluster without TLS": Mistake(NATIVE, TLS, "", "error", "in clear text", line="  - name: openai", count=1),
    "native: a listener for everyone": Mistake(NATIVE, "address: 127.0.0.1, port_value: 10000", "address: 0.0.0.0, port_value: 10000", "warning", "uses your keys", count=1),
    "native: a library that is not there": Mistake(NATIVE, "filename: /etc/envoy/libai_bridge.so", "filename: /opt/envoy/libai_bridge.so", "error", "is not there"),
    "native: a file that is no library": Mistake(NATIVE, "filename: /etc/envoy/libai_bridge.so", "filename: /etc/passwd", "error", "is no shared library"),
    "native: another name": Mistake(NATIVE, "filter_name: ai_bridge", "filter_name: bridge", "error", "the module refuses another name"),
    "native: names of the metrics": Mistake(NATIVE, "dynamic_modules_strip_custom_stat_prefix: true", "dynamic_modules_strip_custom_stat_prefix: false", "warning", "envoy_dynamicmodulescustom_ai_bridge_", line="layered_runtime:"),
    "native: buckets": Mistake(NATIVE, "prefix: dynamicmodulescustom.ai_bridge_duration_ms", "prefix: wasmcustom.ai_bridge_duration_ms", "warning", "matches no metric"),
    "native: a key as the name of a variable": Mistake(NATIVE, '{"env": "OPENAI_API_KEY"}', f'{{"env": "{KEY}"}}', "error", "a secret, as it seems"),
    "native: a configuration of a route": Mistake(
        NATIVE, f"                {ROUTE}", f'                typed_per_filter_config: {{ ai_bridge: {{ "@type": type.googleapis.com/envoy.extensions.filters.http.dynamic_modules.v3.DynamicModuleFilterPerRoute }} }}\n                {ROUTE}', "error", "refuses one for a route"),
    "a file that is no module": Mistake(REFERENCE, "filename: /etc/envoy/ai_bridge.wasm", "filename: /bin/sh", "error", "is no wasm module"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_one_mistake_is_one_finding_in_its_line(tmp_path, name):
    mistake = MISTAKES[name]
    correct = (ENVOY / mistake.file).read_text()
    assert mistake.old in correct
    text = correct.replace(mistake.old, mistake.new, mistake.count)
    file = tmp_path / "envoy.yaml"
    file.write_text(text)
    shutil.copy(ENVOY / "budgets" / "limits.yaml", tmp_path)
    done = run("--without-envoy", file)
    found = [match for line in done.stdout.splitlines() if (match := LINE.fullmatch(line))]
    assert len(found) == 1 and done.stderr == "", done.stdout
    (finding,) = found
    assert finding["level"] == mistake.level and mistake.says in finding["text"], done.stdout
    assert done.returncode == (1 if mistake.level == "error" else 0)
    lines = text.splitlines()
    changed = next(number for number, (before, after) in enumerate(zip(correct.splitlines(), lines), 1) if before != after)
    expected = [number for number, line in enumerate(lines, 1) if mistake.line in line] if mistake.line else [changed]
    assert int(finding["line"]) in expected, done.stdout
    assert KEY not in done.stdout


def test_http_to_a_provider_without_tls_is_an_error(tmp_path):
    text = (ENVOY / REFERENCE).read_text().replace(OPENAI, '{"type": "openai", "base_url": "http://api.openai.com/v1", "key"').replace(TLS, "", 1)
    file = tmp_path / "envoy.yaml"
    file.write_text(text)
    done = run("--without-envoy", file)
    assert done.returncode == 1 and "go to api.openai.com in clear text" in done.stdout and "1 error, 0 warnings" in done.stdout


def test_http_to_another_host_is_a_warning(tmp_path):
    """It may be in a network of one's own."""
    text = (ENVOY / REFERENCE).read_text().replace(OPENAI, '{"type": "openai", "base_url": "http://models.company.com/v1", "key"').replace(TLS, "", 1)
    file = tmp_path / "envoy.yaml"
    file.write_text(text)
    done = run("--without-envoy", file)
    assert done.returncode == 0 and "unless it is in a network of your own" in done.stdout and "0 errors, 1 warning" in done.stdout, done.stdout


@pytest.mark.parametrize("base_url", ["http://10.0.0.1:8000/v1", "http://vllm:8000/v1", "http://vllm.models.svc.cluster.local/v1", "http://127.0.0.1:8000/v1", "http://[::1]:8000/v1"])
def test_http_inside_of_the_network_is_fine(tmp_path, base_url):
    text = (ENVOY / REFERENCE).read_text().replace('{"type": "copilot"}', f'{{"type": "openai", "name": "own", "base_url": "{base_url}"}}').replace("  clusters:\n", "  clusters:\n  - { name: own, type: STATIC }\n")
    file = tmp_path / "envoy.yaml"
    file.write_text(text)
    done = run("--without-envoy", file)
    assert done.returncode == 0 and "0 errors, 0 warnings" in done.stdout, done.stdout


RBAC = '          - { name: rbac, typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC, rules: { policies: { all: { permissions: [ { any: true } ], principals: [ %s ] } } } } }\n'


@pytest.mark.parametrize("principal,is_open", [("{ any: true }", True), ('{ remote_ip: { address_prefix: 10.0.0.0, prefix_len: 8 } }', False)])
def test_rbac_that_names_no_one_protects_no_key(tmp_path, principal, is_open):
    text = (ENVOY / REFERENCE).read_text().replace("address: 127.0.0.1, port_value: 10000", "address: 0.0.0.0, port_value: 10000").replace(FILTER, RBAC % principal + FILTER)
    file = tmp_path / "envoy.yaml"
    file.write_text(text)
    done = run("--without-envoy", file)
    assert ("anyone who reaches 0.0.0.0 uses your keys" in done.stdout) == is_open, done.stdout


def test_routes_in_a_file_are_read(tmp_path):
    config = shipped()
    table = {"@type": "type.googleapis.com/envoy.config.route.v3.RouteConfiguration", "name": "all", **connection_manager_of(config).pop("route_config")}
    table["name"] = "all"
    routes, file = tmp_path / "routes.json", tmp_path / "envoy.json"
    connection_manager_of(config)["rds"] = {"route_config_name": "all", "config_source": {"path_config_source": {"path": str(routes)}}}
    file.write_text(json.dumps(config, indent=1))
    routes.write_text(json.dumps({"resources": [table]}, indent=1))
    assert "0 errors, 0 warnings" in run("--without-envoy", file).stdout
    del table["virtual_hosts"][0]["routes"][0]
    routes.write_text(json.dumps({"resources": [table]}, indent=1))
    done = run("--without-envoy", file)
    assert f"{routes}:" in done.stdout and "none has `cluster_header: x-ai-bridge-cluster`" in done.stdout, done.stdout


# What looks like a mistake and is none.
RIGHT = {
    "authorities of the system": (REFERENCE, "validation_context: { trusted_ca: { filename: /etc/ssl/certs/ca-certificates.crt } }", "validation_context: { system_root_certs: {} }"),
    "a watched directory": (REFERENCE, "ca-certificates.crt } }", "ca-certificates.crt }, watched_directory: { path: /etc/ssl } }"),
    "a socket for every host": (REFERENCE, TLS, "    transport_socket_matches: [ { name: a, match: {}, transport_socket: *verified_tls } ]\n"),
    "sockets for some hosts, and TLS for the others": (REFERENCE, TLS, "    transport_socket_matches: [ { name: a, match: { a: b }, transport_socket: *verified_tls } ]\n    transport_socket: *verified_tls\n"),
    "loopback, mapped": (REFERENCE, "address: 127.0.0.1, port_value: 10000", 'address: "::ffff:127.0.0.1", port_value: 10000'),
    "a redirect that is passed on": (REFERENCE, ROUTE, f"{ROUTE}, internal_redirect_action: PASS_THROUGH_INTERNAL_REDIRECT"),
    "one weighted cluster": (REFERENCE, ROUTE, "route: { weighted_clusters: { clusters: [ { cluster_header: x-ai-bridge-cluster, weight: 1 } ] }, timeout: 0s"),
    "a library by its name": (NATIVE, "module: { local: { filename: /etc/envoy/libai_bridge.so } }", "name: ai_bridge"),
}


@pytest.mark.parametrize("name", RIGHT)
def test_what_is_right_is_no_finding(tmp_path, name):
    name_of_file, old, new = RIGHT[name]
    text = (ENVOY / name_of_file).read_text()
    assert old in text
    file = tmp_path / "envoy.yaml"
    file.write_text(text.replace(old, new))
    done = run("--without-envoy", file)
    assert done.returncode == 0 and "0 errors, 0 warnings" in done.stdout, done.stdout


# Requirements of jwt_authn, and whether a request without a token is refused.
OPTIONAL = {
    "{ requires_any: { requirements: [ { provider_name: company }, { allow_missing: {} } ] }}": False,
    "{ requires_all: { requirements: [ { provider_name: company }, { allow_missing: {} } ] }}": True,
    "{ provider_and_audiences: { provider_name: company, audiences: [ a ] }}": True,
}


@pytest.mark.parametrize("requirement", OPTIONAL)
def test_keys_for_requests_without_a_token_are_warned_of(tmp_path, requirement):
    text = (ENVOY / BUDGETS).read_text().replace("requires: { provider_name: company }", f"requires: {requirement}").replace(', "required": true', "")
    file = tmp_path / "envoy.yaml"
    file.write_text(text)
    shutil.copy(ENVOY / "budgets" / "limits.yaml", tmp_path)
    done = run("--without-envoy", file)
    assert done.returncode == 0 and ("lets requests without a token pass" in done.stdout) != OPTIONAL[requirement], done.stdout


def test_an_old_list_of_prices_is_reported_at_its_date(tmp_path):
    file = tmp_path / "prices.json"
    file.write_text('{\n "date": "2026-01-01",\n "prices": [{"models": ["*"], "input": 1, "output": 1}]\n}\n')
    done = run("--without-envoy", file)
    assert done.returncode == 0 and done.stdout.startswith(f"{file}:2: warning: date: its prices are of 2026-01-01, "), done.stdout


@pytest.mark.parametrize("template,says", [
    ("{{ .Values.port }}", "a Helm template"), ('"{{ $.Values.port }}"', "a Helm template"), ('{{ include "port" . }}', "a Helm template"), ("{{ port }}", "a template: render it first"),
])
def test_a_template_is_said_to_be_one(tmp_path, template, says):
    text = (ENVOY / REFERENCE).read_text().replace("port_value: 10000", f"port_value: {template}", 1)
    file = tmp_path / "envoy.yaml"
    file.write_text(text)
    done = run("--without-envoy", file)
    number = next(number for number, line in enumerate(text.splitlines(), 1) if "{{" in line)
    assert done.returncode == 2 and done.stdout.startswith(f"not checked: {file}:{number}: {says}"), done.stdout


# Of resources for Istio: file, words, what is written instead, what is found.
RESOURCES = [
    ("wasm-plugin.yaml", "{ name: OPENAI_API_KEY, valueFrom: HOST }", "{ name: OPENAI_KEY, valueFrom: HOST }", r"error: spec\.vmConfig\.env: OPENAI_API_KEY is not in it"),
    ("wasm-plugin.yaml", "{ name: OPENAI_API_KEY, valueFrom: HOST }", f"{{ name: OPENAI_API_KEY, value: {KEY} }}", r"warning: .*a secret in the file"),
    ("wasm-plugin.yaml", "{ type: openai,", '{ type: openai, base_url: "http://api.openai.com/v1",', r"error: providers\[1\]\.base_url: http"),
    ("wasm-plugin.yaml", "byok_cluster: openai-byok }", "byok_cluster: openai-byok, open_retry_after_seconds: 5 }", r"error: providers\[1\]\.open_retry_after_seconds: .*make it 31"),
    ("providers.yaml", ", subjectAltNames: [ api.openai.com ]", "", r"error: .*no check of the certificate's name"),
]


@pytest.mark.parametrize("name,old,new,says", RESOURCES)
def test_one_mistake_in_resources_is_one_finding(tmp_path, name, old, new, says):
    shutil.copytree(ENVOY / "istio", tmp_path, dirs_exist_ok=True)
    file = tmp_path / name
    text = file.read_text()
    assert text.count(old) == 1
    file.write_text(text.replace(old, new))
    done = run("--without-envoy", *sorted(tmp_path.glob("*.yaml")), *sorted(tmp_path.glob("helm/*.yaml")))
    found = [line for line in done.stdout.splitlines() if LINE.fullmatch(line) and "the digest is the sample's" not in line and "anyone who reaches this gateway" not in line]
    assert len(found) == 1 and re.search(says, found[0]) and found[0].startswith(f"{file}:"), done.stdout
    assert KEY not in done.stdout
