"""`make verify` says in one sentence what it cannot read, soon and with little memory."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest

from render import REPOSITORY, SHIPPED, shipped, wasm_of
from verifying import VERIFY, found_in, run

SECONDS, MEBIBYTES = 30, 400        # of processor time, of memory

BOMB = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 10)}]\n" for n in range(12))

UNUSABLE = {
    "empty": ("", "not a complete Envoy configuration"),
    "only comments": ("# nothing\n---\n# more\n", "not a complete Envoy configuration"),
    "a list": ("[1]", "not a complete Envoy configuration"),
    "a text": ("hello", "not a complete Envoy configuration"),
    "a fragment": ((REPOSITORY / "envoy" / "keys" / "injector.yaml").read_text(), "not a complete Envoy configuration"),
    "broken YAML": ("a:\n  b: [", ":2: neither YAML nor JSON: "),
    "bad indentation": ("a: 1\n  b: 2", "neither YAML nor JSON"),
    "tabs": ("a:\n\tb: 1", "neither YAML nor JSON"),
    "binary": ("\0\1\2", "neither YAML nor JSON"),
    "deep JSON": ('{"a":' * 100_000, "nested too deeply"),
    "deep lists": ("[" * 100_000, "nested too deeply"),
    "deep YAML": ("".join(" " * depth + "a:\n" for depth in range(400)), "nested too deeply"),
    "another proxy": ("static_resources: { listeners: [ { name: x } ] }", "no listener loads AI Bridge"),
    "a YAML bomb": (BOMB, "more than 200,000 values, with every alias written out"),
    "a bomb of texts": (f"a: &a {'x' * 100}\n" + BOMB, "more than 200,000 values, with every alias written out"),
    "an anchor that contains itself": ("a: &a\n  b: *a\n", ":2: the anchor &a contains itself"),
    "an alias without an anchor": ("a: *nowhere\n", ":1: the alias *nowhere has no anchor"),
    "a list as a name": ("? [a, b]\n: c\n", "a member's name is a list or an object"),
    "a Helm template": ('kind: ConfigMap\ndata:\n  key: {{ .Values.key | quote }}\n', ":3: a Helm template: render it first"),
    "a Helm template that is YAML": ('static_resources:\n  listeners:\n  - name: "{{ .Release.Name }}"\n', ":3: a Helm template: render it first"),
    "a Helm template with conditions": ("{{- if .enabled }}\na: 1\n{{- end }}\n", ":1: a Helm template: render it first"),
    "JSON with comments": ('{\n  "static_resources": {\n    // the listeners\n    "listeners": []\n  }\n}', ":3: JSON has no comments"),
    "JSON with a comment at the end": ('{\n  "a": "http://x", "b": 1 /* why */\n}', ":2: JSON has no comments"),
    "a Jinja template": ("{% if open %}\na: 1\n{% endif %}\n", ":1: a template: render it first"),
    "variables of the shell": ("a: { port: ${PORT} }\n", ":1: a template with variables of the shell"),
    "what envoy/pools prints": ("clusters: []\nroutes: []\nvirtual_host: {}\n", "what envoy/pools prints"),
    "a JSON list of many values": ("[" + "1," * 1_000_000 + "1]", "more than 200,000 values"),
    "a large file": ("# " + "x" * 10_000_000, "larger than 4 MiB"),
    "a large YAML file": ("static_resources:\n" + "- {name: x, value: [1, 2]}\n" * 400_000, "larger than 4 MiB"),
    "a large JSON file": (json.dumps([{"name": "x" * 50, "value": [1, 2, 3]}] * 130_000), "larger than 4 MiB"),
}


def limited() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEBIBYTES << 20, MEBIBYTES << 20))


def bounded(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, VERIFY, "--without-envoy", *arguments], capture_output=True, text=True, timeout=300, preexec_fn=limited)


@pytest.mark.parametrize("name", UNUSABLE)
def test_an_unusable_file_is_reported_in_one_sentence(tmp_path, name):
    content, says = UNUSABLE[name]
    file = tmp_path / "envoy.yaml"
    file.write_text(content)
    done = bounded(file)
    assert done.stderr == "" and done.returncode == 2
    first, summary = done.stdout.splitlines()
    assert first.startswith(f"not checked: {file}:") and says in first and len(first) < 400, first
    assert summary == f"{file}: 0 errors, 0 warnings, 1 not checked"
    assert says.lstrip(":0123456789 ") in json.loads(bounded("--json", file).stdout)["unusable"]


def test_a_file_that_is_not_there_is_reported(tmp_path):
    done = run(tmp_path / "nowhere.yaml")
    assert (done.returncode, done.stdout.splitlines()[0]) == (2, f"not checked: {tmp_path / 'nowhere.yaml'}: cannot be read: No such file or directory")
    done = run(tmp_path)
    assert done.returncode == 2 and done.stderr == ""


def test_other_encodings_are_reported(tmp_path):
    file = tmp_path / "envoy.yaml"
    file.write_bytes("# größe\n".encode("latin-1") + SHIPPED.read_bytes())
    assert "neither YAML nor JSON: it is not UTF-8" in run(file).stdout


def test_what_is_just_allowed_takes_bounded_time_and_memory(tmp_path):
    file = tmp_path / "envoy.yaml"
    file.write_text("a:\n" + "- {name: x, value: [1, 2]}\n" * 25_000)
    began = time.monotonic()
    done = bounded(file)
    assert done.returncode == 2 and "not a complete Envoy configuration" in done.stdout, done.stderr
    assert time.monotonic() - began < 120


def test_members_that_come_twice_are_errors(tmp_path):
    text = SHIPPED.read_text().replace("          merge_slashes: false\n", "          merge_slashes: false\n          normalize_path: true\n")
    file = tmp_path / "envoy.yaml"
    file.write_text(text)
    second = next(number for number, line in enumerate(text.splitlines(), 1) if "normalize_path: true" in line)
    first = next(number for number, line in enumerate(text.splitlines(), 1) if "normalize_path: false" in line)
    done = run("--without-envoy", file)
    assert f"{file}:{second}: error: normalize_path: comes twice in one object, first in line {first}: Envoy takes one of them; remove one of them" in done.stdout
    text = SHIPPED.read_text().replace('"gateway_credentials"', '"providers": [],\n                      "gateway_credentials"')
    file.write_text(text)
    second = next(number for number, line in enumerate(text.splitlines(), 1) if '"providers": []' in line)
    assert f"{file}:{second}: error: providers: comes twice in one object" in run("--without-envoy", file).stdout


def test_merge_keys_are_an_error_in_envoys_configuration(tmp_path):
    text = SHIPPED.read_text().replace("    transport_socket: *verified_tls\n", "    <<: { transport_socket: *verified_tls }\n", 1)
    file = tmp_path / "envoy.yaml"
    file.write_text(text)
    ((level, path, message),) = found_in(file)
    assert (level, path) == ("error", "") and "Envoy does not know merge keys" in message


@pytest.mark.parametrize("json_text,says", [
    ('{"providers": [}', "not one JSON object: "), ('{"providers": [{"type": "copilot"}],}', "a comma without an element behind it"),
    ('{\n // why\n "providers": []}', "JSON has no comments"), ('{"providers": [{"type": "{{ .type }}"}]', "not one JSON object"), ("[]", "it has to begin with `{`"), ("", "not one JSON object"),
    ('{"providers": [{"type": NaN}]}', "NaN is no JSON"), ("{" * 5000, "not one JSON object"), ('{"a":' * 5000, "not one JSON object: nested too deeply"),
])
def test_a_configuration_of_the_filter_that_is_no_json_is_an_error(tmp_path, json_text, says):
    config = shipped()
    wasm_of(config)["configuration"]["value"] = json_text
    file = tmp_path / "envoy.json"
    file.write_text(json.dumps(config, indent=1))
    ((level, path, message),) = found_in(file)
    assert (level, path.rpartition(".")[2]) == ("error", "value") and says in message


def test_anchors_that_are_used_as_envoy_uses_them_are_fine(tmp_path):
    file = tmp_path / "envoy.yaml"
    file.write_text("x-nothing: &nothing {}\n" + SHIPPED.read_text())
    assert found_in(file) == []


def written(directory: Path, sample: str, *changes: tuple[str, str]) -> Path:
    """A shipped sample with these words in place of others."""
    text = (REPOSITORY / "envoy" / sample).read_text()
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    file = directory / "envoy.yaml"
    file.write_text(text)
    return file


FILTER = "          - name: ai_bridge\n            typed_config:\n"
HALF = '          - { name: ext_authz, typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz, filter_enabled: { default_value: { numerator: 1, denominator: [] } } } }\n'
SENSELESS = {
    "a denominator that is a list": ("budgets/envoy.yaml", (FILTER, HALF + FILTER)),
    "a port above 65,535": ("envoy.yaml", ('{"type": "openai",    "key"', '{"type": "openai", "base_url": "https://api.openai.com:99999", "key"'), ("port_value: 443", "port_value: 80")),
    "a pool that is no list": ("budgets/envoy.yaml", ('{"type": "anthropic", "key"', '{"type": "anthropic", "pool": true, "key"')),
    "a provider of a member that is a list": ("pools/envoy.yaml", ('"upstream": {"provider": "anthropic"', '"upstream": {"provider": ["x"]'), ("- name: anthropic-main\n", "- name: anthropic-other\n")),
}


@pytest.mark.parametrize("name", SENSELESS)
def test_values_without_sense_end_no_check(tmp_path, name):
    sample, *changes = SENSELESS[name]
    done = bounded(written(tmp_path, sample, *changes))
    assert done.stderr == "" and "this program failed" not in done.stdout, done.stdout


EXPENSIVE = {
    "an expression that backtracks": ("budgets/envoy.yaml", 'match: { prefix: "/" }, requires', 'match: { safe_regex: { regex: "(/[a-z0-9]*)*([a-z0-9/]*)*!" } }, requires'),
    "an expression whose ways double": ("budgets/envoy.yaml", 'match: { prefix: "/" }, requires', 'match: { safe_regex: { regex: "(?:[a-z]|[a-z/:.0-9][a-z/:.0-9]?)*!" } }, requires'),
    "an expression of many options": ("budgets/envoy.yaml", 'match: { prefix: "/" }, requires', f'match: {{ safe_regex: {{ regex: "{"[a-z/]?" * 60}!" }} }}, requires'),
    "a pattern of many stars": ("budgets/envoy.yaml", '["claude-opus-4-*"]', json.dumps(["*a" * 200 + "*", "a" * 400 + "b"])),
    "many prices": ("budgets/envoy.yaml", '{"models": ["*"]', ",".join(f'{{"models": ["m{n}-*"], "input": 1, "output": 1}}' for n in range(2000)) + ',{"models": ["*"]'),
}


@pytest.mark.parametrize("name", EXPENSIVE)
def test_expensive_patterns_take_bounded_time(tmp_path, name):
    """`limited` ends the program after its processor time."""
    sample, old, new = EXPENSIVE[name]
    done = bounded(written(tmp_path, sample, (old, new)))
    assert done.returncode in (0, 1, 2) and done.stderr == "", done.stderr
