"""`make verify` finds what an operator mistypes in the shipped files: one finding for each mistake, in the line that was changed."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from render import REPOSITORY
from verifying import LINE, run

ENVOY = REPOSITORY / "envoy"
KEY = "sk-proj-" + "abcDEF0123456789" * 3
REFERENCE, BUDGETS, POOLS = "envoy.yaml", "budgets/envoy.yaml", "pools/envoy.yaml"
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
    "a file that is no module": Mistake(REFERENCE, "filename: /etc/envoy/ai_bridge.wasm", "filename: /bin/sh", "error", "is no wasm module"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_one_mistake_is_one_finding_in_its_line(tmp_path, name):
    mistake = MISTAKES[name]
    shipped = (ENVOY / mistake.file).read_text()
    assert mistake.old in shipped
    text = shipped.replace(mistake.old, mistake.new, mistake.count)
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
    changed = next(number for number, (before, after) in enumerate(zip(shipped.splitlines(), lines), 1) if before != after)
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
