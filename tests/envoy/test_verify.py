"""`make verify` accepts the shipped files, and says in which line what is wrong."""

from __future__ import annotations

import copy
import datetime
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from budgets import CONFIGURATION, LIMITS, trust
from gateway import TOOLS
from render import NATIVE, REPOSITORY, SHIPPED, connection_manager_of, shipped, wasm_of
from verifying import LINE, VERIFY, changed, found_in, plugin, run

COMPLETE = sorted(path for path in (REPOSITORY / "envoy").rglob("*.yaml") if "\nstatic_resources:" in path.read_text() and ("root_id: ai_bridge" in path.read_text() or "filter_name: ai_bridge" in path.read_text()))
ISTIO, GATEWAY = REPOSITORY / "envoy" / "istio", REPOSITORY / "envoy" / "envoy-gateway"
# What is true of the samples: they are to be changed, and authentication is the operator's.
SAMPLE = {"the digest is the sample's", "anyone who reaches this gateway uses your keys"}


# === shipped files ===


def test_the_complete_files_are_found():
    assert {SHIPPED, CONFIGURATION} <= set(COMPLETE)


@pytest.mark.parametrize("file", COMPLETE, ids=lambda file: str(file.relative_to(REPOSITORY)))
def test_nothing_is_wrong_with_what_is_shipped(file, tmp_path):
    """With Envoy's own check, also where the files that the configuration names are elsewhere."""
    if "filter_name: ai_bridge" in file.read_text() and not NATIVE.exists():
        pytest.skip("make native")
    done = run(file)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{file}: 0 errors, 0 warnings\n", "")
    config = shipped(file)
    trust(config, tmp_path)
    rendered = tmp_path / "envoy.json"
    rendered.write_text(json.dumps(config))
    done = run("--json", rendered, LIMITS)
    assert json.loads(done.stdout.splitlines()[0]) == {"file": str(rendered), "problems": [], "left_out": []}
    assert done.returncode == 0


@pytest.mark.parametrize("files", [[*ISTIO.glob("*.yaml"), *ISTIO.glob("helm/*.yaml")], [*GATEWAY.glob("*.yaml")], [REPOSITORY / "envoy" / "compose" / "docker-compose.yaml"]], ids=["istio", "envoy-gateway", "compose"])
def test_nothing_is_wrong_with_the_shipped_resources(files):
    done = run(*files)
    assert done.returncode == 0, done.stdout
    for line in done.stdout.splitlines()[:-1]:
        match = LINE.fullmatch(line)
        assert match and match["level"] == "warning" and any(match["text"].startswith(each) for each in SAMPLE), line


@pytest.mark.parametrize("file", sorted(path for path in (REPOSITORY / "envoy").rglob("*.yaml")), ids=lambda file: str(file.relative_to(REPOSITORY)))
def test_no_shipped_file_has_an_error(file):
    """Alone: what a fragment lacks is not checked."""
    done = run("--without-envoy", file)
    assert done.returncode in (0, 2) and done.stderr == "", done.stdout
    assert ": error: " not in done.stdout


@pytest.mark.skipif(not Path("/work/shared/deploy").is_dir(), reason="these files are not here")
def test_old_samples_are_judged():
    for file in Path("/work/shared/deploy").rglob("*.y*ml"):
        done = run("--without-envoy", file)
        assert done.stderr == "" and done.stdout, file
        assert done.returncode in (0, 1, 2)


def test_a_filter_that_envoy_reads_from_a_file_is_judged_too(tmp_path):
    config = shipped()
    ecds = tmp_path / "ai_bridge.yaml"
    fragment = yaml.safe_load((REPOSITORY / "envoy" / "dynamic" / "filter.yaml").read_text())[0]
    fragment["config_discovery"]["config_source"]["path_config_source"]["path"] = str(ecds)
    manager = connection_manager_of(config)
    manager["http_filters"] = [fragment if each["name"] == "ai_bridge" else each for each in manager["http_filters"]]
    file = tmp_path / "envoy.json"
    file.write_text(json.dumps(config))
    done = run("--without-envoy", file)
    assert done.returncode == 2 and str(ecds) in done.stdout
    text = (REPOSITORY / "envoy" / "dynamic" / "ecds" / "ai_bridge.yaml").read_text()
    ecds.write_text(text)
    assert found_in(file) == []
    ecds.write_text(text.replace("FAIL_RELOAD", "FAIL_OPEN"))
    line = next(number for number, each in enumerate(text.splitlines(), 1) if "FAIL_RELOAD" in each)
    expected = f"{ecds}:{line}: error: ai_bridge.typed_config.config.failure_policy: "
    assert expected in run("--without-envoy", file).stdout
    # The older spelling of the same.
    source = fragment["config_discovery"]["config_source"]
    source["path"] = source.pop("path_config_source")["path"]
    file.write_text(json.dumps(config))
    assert expected in run("--without-envoy", file).stdout


def test_clusters_that_envoy_reads_from_a_file_are_judged_too(tmp_path):
    config = shipped()
    clusters = [{"@type": "type.googleapis.com/envoy.config.cluster.v3.Cluster", **each} for each in config["static_resources"].pop("clusters")]
    file, own = tmp_path / "envoy.json", tmp_path / "clusters.yaml"
    config["dynamic_resources"] = {"cds_config": {"resource_api_version": "V3", "path_config_source": {"path": str(own)}}}
    file.write_text(json.dumps(config))
    done = run("--without-envoy", file)
    assert done.returncode == 2 and "not checked: clusters" in done.stdout and ": error: " not in done.stdout
    own.write_text(yaml.safe_dump({"resources": clusters}))
    assert found_in(file) == []
    del clusters[1]["transport_socket"]
    own.write_text(yaml.safe_dump({"resources": clusters}))
    ((level, _, message),) = found_in(file)
    assert level == "error" and "in clear text" in message


# === lines ===


def line_of(text: str, words: str) -> int:
    (number,) = [number for number, line in enumerate(text.splitlines(), 1) if words in line]
    return number


def lines_in(file: Path) -> list[int]:
    return sorted(int(match["line"]) for line in run("--without-envoy", file).stdout.splitlines() if (match := LINE.fullmatch(line)))


def test_the_line_is_that_of_the_file_as_it_was_written(tmp_path):
    text = SHIPPED.read_text().replace("failure_policy: FAIL_RELOAD", "failure_policy: FAIL_OPEN").replace("address: 127.0.0.1, port_value: 9901", "address: 0.0.0.0, port_value: 9901")
    file = tmp_path / "envoy.yaml"
    file.write_text(text)
    assert lines_in(file) == sorted([line_of(text, "FAIL_OPEN"), line_of(text, "port_value: 9901")])
    # Windows' line breaks, a byte order mark, another document in front.
    file.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    assert lines_in(file) == sorted([line_of(text, "FAIL_OPEN"), line_of(text, "port_value: 9901")])
    file.write_text("# nothing\n---\n" + text)
    assert lines_in(file) == sorted([line_of(text, "FAIL_OPEN") + 2, line_of(text, "port_value: 9901") + 2])


MODELS = '"models": {"allow": ["claude-.*"]}'


@pytest.mark.parametrize("style", ["|", "|-", "|2", ">", ">-", "'", '"', "json"])
def test_the_line_of_json_inside_of_yaml(tmp_path, style):
    """However the text is written."""
    value = '{\n  "providers": [\n    {"type": "anthropic",\n     ' + MODELS + '},\n    {"type": "copilot"}\n  ]\n}\n'
    config = shipped()
    wasm_of(config)["configuration"]["value"] = "HERE"
    if style == "json":
        wasm_of(config)["configuration"]["value"] = value
        written = json.dumps(config, indent=1)
    else:
        written = yaml.safe_dump(config, width=1000)
        indent = " " * (len(re.search(r"^( *)value: HERE$", written, re.M)[1]) + 2)         # type: ignore[index]
        lines = value.splitlines()
        if style in ("'", '"'):
            quoted = value.strip().replace('"', '\\"') if style == '"' else value.strip()
            text = style + f"\n{indent}".join(quoted.splitlines()) + style
        else:
            text = style + "\n" + "\n".join(indent + line for line in lines)
        written = written.replace("value: HERE", f"value: {text}")
    file = tmp_path / "envoy.yaml"
    file.write_text(written)
    done = run("--without-envoy", file).stdout
    match = next(found for line in done.splitlines() if (found := LINE.fullmatch(line)) and "regular expression" in line)
    line = next(number for number, each in enumerate(written.splitlines(), 1) if "claude-.*" in each)
    # Of a text in double quotes the line is that of its beginning.
    first = next(number for number, each in enumerate(written.splitlines(), 1) if "providers" in each and "type" not in each.split("providers")[0][-10:])
    assert match["path"] == "providers[0].models.allow[0]"
    assert int(match["line"]) == line or (style == '"' and int(match["line"]) in (first, first - 1)), done


def test_several_documents_are_read_as_such(tmp_path):
    file = tmp_path / "all.yaml"
    limits = LIMITS.read_text()
    file.write_text(f"{CONFIGURATION.read_text()}\n---\n{limits}\n---\n# nothing more\n")
    assert found_in(file) == []
    file.write_text(f"{CONFIGURATION.read_text()}\n---\n{limits.replace('domain: ai_budgets', 'domain: others')}")
    ((level, path, message),) = found_in(file)
    assert (level, path.rpartition(".")[2]) == ("error", "domain") and 'no limits are for the domain "ai_budgets", only for "others"' in message


def test_a_config_map_is_read(tmp_path):
    file = tmp_path / "configmap.yaml"
    inner = SHIPPED.read_text().replace("address: 127.0.0.1, port_value: 9901", "address: 0.0.0.0, port_value: 9901")
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: envoy }\ndata:\n  envoy.yaml: |\n" + "".join(f"    {line}\n" if line else "\n" for line in inner.splitlines())
    file.write_text(text)
    assert lines_in(file) == [line_of(text, "port_value: 9901")]


def test_the_path_leads_to_the_place(tmp_path):
    """It is written as one would in a program."""
    config = changed(lambda config: connection_manager_of(config).update(tracing={"custom_tags": [{"tag": "x", "value": "%FILTER_STATE(wasm.ai_bridge_model)%"}]}))
    file = tmp_path / "envoy.json"
    file.write_text(json.dumps(config))
    ((_, path, _),) = found_in(file, LIMITS)
    place = config
    for name, index, quoted in re.findall(r"([A-Za-z_@-]+)|\[(\d+)\]|\[(\"[^\"]+\")\]", path):
        place = place[name or (int(index) if index else json.loads(quoted))]
    assert place == "%FILTER_STATE(wasm.ai_bridge_model)%"


def test_all_problems_are_printed_at_once(tmp_path):
    config = shipped(CONFIGURATION)
    manager = connection_manager_of(config)
    del manager["upgrade_configs"], config["stats_config"], manager["early_header_mutation_extensions"]
    wasm_of(config)["root_id"] = "bridge"
    wasm_of(config)["vm_config"]["environment_variables"]["host_env_keys"].pop()
    file = tmp_path / "envoy.yaml"
    file.write_text(yaml.safe_dump(config, default_flow_style=False))
    done = run("--without-envoy", file, "--limits", LIMITS)
    lines = done.stdout.splitlines()
    assert done.returncode == 1
    assert f"{file}: 3 errors, 3 warnings" in lines
    assert sum(": error: " in line for line in lines) == 3 and sum(": warning: " in line for line in lines) == 3
    found = [int(match["line"]) for line in lines if (match := LINE.fullmatch(line))]
    assert found == sorted(found), "in the order of the file"


# === Envoy's own check ===


def test_the_filters_own_problems_come_from_the_filter(tmp_path):
    """Problems such as a price that is no number, with the filter's own messages, each in its line."""
    text = SHIPPED.read_text().replace('"gateway_credentials": {"value_prefixes": ["gw_"]}', '"prices": [{"models": ["*"],\n                       "input": "5", "output": 1}],\n                      "limit": {}')
    file = tmp_path / "envoy.yaml"
    file.write_text(text)
    done = run(file)
    assert done.returncode == 1
    first, second = line_of(text, '"input": '), line_of(text, '"limit": ')
    assert f"{file}:{first}: error: prices[0].input: expected a number from 0 to 1000000, found a string" in done.stdout
    assert re.search(rf"^{re.escape(str(file))}:{second}: error: limit: .*limits", done.stdout, re.M)
    assert done.stdout.splitlines()[-1] == f"{file}: 2 errors, 0 warnings"


def test_the_filters_own_problems_with_resources_of_istio(tmp_path):
    text = (ISTIO / "wasm-plugin.yaml").read_text().replace("gateway_credentials:", "gateway_credential:")
    file = tmp_path / "wasm-plugin.yaml"
    file.write_text(text)
    assert f"{file}:{line_of(text, 'gateway_credential:')}: error: gateway_credential: unknown member" in run(file).stdout


def test_one_cause_is_reported_once(tmp_path):
    """A variable that the filter may not read is refused by the filter too."""
    config = shipped()
    wasm_of(config)["vm_config"]["environment_variables"]["host_env_keys"].pop()
    file = tmp_path / "envoy.json"
    file.write_text(json.dumps(config))
    done = run(file)
    assert done.stdout.splitlines()[-1] == f"{file}: 1 error, 0 warnings", done.stdout


def test_what_envoy_itself_does_not_know_comes_from_envoy(tmp_path):
    text = SHIPPED.read_text().replace("upgrade_configs: [", "upgrade_configz: []\n          upgrade_configs: [")
    file = tmp_path / "envoy.yaml"
    file.write_text(text)
    done = run(file)
    assert done.returncode == 1
    assert f"{file}:{line_of(text, 'upgrade_configz')}: error: " in done.stdout and "Envoy refuses it: " in done.stdout


def test_without_envoy_or_the_module_it_says_what_was_left_out(tmp_path):
    """A copy of the program works without the repository."""
    alone = tmp_path / "verify"
    alone.mkdir()
    for file in VERIFY.glob("*.py"):
        (alone / file.name).write_text(file.read_text())
    done = subprocess.run([sys.executable, alone, SHIPPED], env={"PATH": str(tmp_path)}, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and "not checked: Envoy's own check" in done.stdout and "no envoy here" in done.stdout
    done = subprocess.run([sys.executable, alone, "--envoy", TOOLS / "envoy", SHIPPED], env={"PATH": str(tmp_path)}, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and "neither /etc/envoy/ai_bridge.wasm nor" in done.stdout
    done = subprocess.run([sys.executable, alone, "--without-envoy", SHIPPED], env={"PATH": str(tmp_path)}, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "not checked: Envoy's own check, and the filter's of its configuration: as asked" in done.stdout


# === the age of prices ===


def days_ago(days: int) -> str:
    return (datetime.date.today() - datetime.timedelta(days)).isoformat()


def warned(tmp_path: Path, text: str, *arguments: str | Path) -> list[str]:
    """The messages of a configuration whose only mistake can be its prices."""
    file = tmp_path / "envoy.yaml"
    file.write_text(text)
    done = run("--json", "--without-envoy", *arguments, file, LIMITS)
    assert done.returncode == 0, done.stdout + done.stderr
    problems = json.loads(done.stdout.splitlines()[0])["problems"]
    assert all(each["level"] == "warning" and each["path"] == "prices" for each in problems)
    for each in problems:
        assert "--prices" in arguments or "prices of" in text.splitlines()[each["line"] - 1]
    return [each["message"] for each in problems]


def test_prices_older_than_90_days_are_warned_of(tmp_path):
    text = CONFIGURATION.read_text()
    assert warned(tmp_path, text) == [], "nothing says how old they are"
    assert warned(tmp_path, f"# prices of {days_ago(90)}\n{text}") == []
    commented = re.sub(r"^( +)value: \|$", rf"\1# Prices: prices of {days_ago(91)}.\n\1value: |", text, count=1, flags=re.MULTILINE)
    (message,) = warned(tmp_path, commented)
    assert f"prices are of {days_ago(91)}, 91 days ago" in message
    (message,) = warned(tmp_path, f"# prices of {days_ago(3)}\n{text}\n# prices of {days_ago(400)}\n")
    assert "400 days ago" in message, "the oldest counts"
    assert warned(tmp_path, f"# prices of 2026-13-01\n{text}") == ['the comment "prices of 2026-13-01" names no day']
    config = changed(plugin(lambda given: given.update(prices=[])))
    file = tmp_path / "none.yaml"
    file.write_text(f"# prices of {days_ago(400)}\n{yaml.safe_dump(config)}")
    assert "days ago" not in run("--without-envoy", file).stdout, "there are none"


def test_a_list_tells_the_age_instead_of_a_comment(tmp_path):
    prices = tmp_path / "prices.json"
    prices.write_text(json.dumps({"date": days_ago(100), "prices": []}))
    text = f"# prices of {days_ago(1)}\n{CONFIGURATION.read_text()}"
    (message,) = warned(tmp_path, text, "--prices", prices)
    assert "100 days ago" in message
    prices.write_text(json.dumps({"date": days_ago(90), "prices": []}))
    assert warned(tmp_path, f"# prices of {days_ago(400)}\n{text}", "--prices", prices) == []
    for wrong in ("{}", "[]", "x", '{"date": 5}', '{"date": "yesterday"}'):
        prices.write_text(wrong)
        done = run("--prices", prices, CONFIGURATION)
        assert done.returncode == 2 and f"{prices} is no list of prices with a date" in done.stderr
    assert run("--prices", tmp_path / "nowhere", CONFIGURATION).returncode == 2


def test_the_age_of_prices_is_read_where_the_filter_has_a_file_of_its_own(tmp_path):
    config = shipped()
    ecds = tmp_path / "ai_bridge.yaml"
    fragment = yaml.safe_load((REPOSITORY / "envoy" / "dynamic" / "filter.yaml").read_text())[0]
    fragment["config_discovery"]["config_source"]["path_config_source"]["path"] = str(ecds)
    manager = connection_manager_of(config)
    manager["http_filters"] = [fragment if each["name"] == "ai_bridge" else each for each in manager["http_filters"]]
    own = yaml.safe_load((REPOSITORY / "envoy" / "dynamic" / "ecds" / "ai_bridge.yaml").read_text())
    value = own["resources"][0]["typed_config"]["config"]["configuration"]
    value["value"] = json.dumps({**json.loads(value["value"]), "prices": [{"models": ["*"], "input": 1, "output": 2}]})
    ecds.write_text(f"# prices of {days_ago(91)}\n{yaml.safe_dump(own)}")
    file = tmp_path / "envoy.yaml"
    file.write_text(f"# prices of {days_ago(400)}\n{yaml.safe_dump(config)}")
    ((level, _, message),) = found_in(file)
    assert level == "warning" and "91 days ago" in message


# === agreement with the filter, and robustness ===


def test_its_values_and_labels_are_those_of_the_filter():
    source = (REPOSITORY / "src" / "values.rs").read_text()
    names = set(re.findall(r'"(\w+)"', source.split("const NAMES")[1].split("];")[0]))
    text_of = (VERIFY / "values.py").read_text()
    known = [set(re.findall(r'"(\w+)"', text_of.split(f"{name} = (")[1].split(")")[0])) for name in ("AT_START", "AT_END")]
    assert known[0] | known[1] == names
    at_start = (REPOSITORY / "src" / "exchange" / "values.rs").read_text().split("fn of_start")[1].split("\n}")[0].replace("SESSION", '"ai_bridge_session"')
    # `model` is set there where the path names it, and again at the end.
    assert set(re.findall(r'values\.\w+\("ai_bridge_(\w+)"', at_start)) == known[0] | {"model"}
    labels = set(re.findall(r'"(\w+)"', (VERIFY / "entry.py").read_text().split("LABELS = (")[1].split(")")[0]))
    assert labels == {each["tag_name"] for each in shipped()["stats_config"]["stats_tags"]}


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    for name, member in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        found += places(member, (*path, name))
    return found


WRONG = [None, 5, "x", [], {}, [None], [[]], {"x": None}, True]


def mutations(value: Any) -> list[Any]:
    """A configuration as often as it has parts, each with one of a wrong type."""
    made = []
    for number, path in enumerate(places(value)):
        mutated = copy.deepcopy(value)
        place = mutated
        for name in path[:-1]:
            place = place[name]
        place[path[-1]] = WRONG[number % len(WRONG)]
        made.append(mutated)
    return made


def test_no_configuration_makes_it_crash(tmp_path):
    """Parts have a wrong type."""
    config = shipped(CONFIGURATION)
    given = json.loads(wasm_of(config)["configuration"]["value"])
    made = mutations(config)[::3]
    for mutated in mutations(given):
        made.append(copy.deepcopy(config))
        wasm_of(made[-1])["configuration"]["value"] = json.dumps(mutated)
    files = []
    for number, each in enumerate(made):
        files.append(tmp_path / f"{number}.json")
        files[-1].write_text(json.dumps(each))
    assert len(files) > 250
    done = run("--json", "--without-envoy", *files)
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) >= len(files)
    assert "this program failed" not in done.stdout


@pytest.mark.parametrize("files", [[*ISTIO.glob("*.yaml"), *ISTIO.glob("helm/*.yaml"), *ISTIO.glob("instead/*.yaml")], [*GATEWAY.glob("*.yaml")], [LIMITS], [REPOSITORY / "envoy" / "compose" / "docker-compose.yaml"]], ids=["istio", "envoy-gateway", "limits", "compose"])
def test_no_resource_makes_it_crash(tmp_path, files):
    """In one process, for there are many."""
    script = "import sys; sys.path.insert(0, sys.argv[1]); import json, pathlib, runpy\n" "main = runpy.run_path(sys.argv[1] + '/__main__.py', run_name='verify')\n" "from bootstrap import Options\n" "for line in sys.stdin:\n" "    units = main['check']([pathlib.Path(each) for each in json.loads(line)], [], Options(runs_envoy=False))\n" "    assert not any('this program failed' in what for unit, _ in units for what in unit.findings.left_out), (line, units)\n"
    whole = [list(yaml.safe_load_all(file.read_text())) for file in files]
    plain = json.loads(json.dumps(whole))
    lines = []
    for number, mutated in enumerate(mutations(plain)[:: 1 if len(files) < 3 else 3]):
        names = []
        for index, documents in enumerate(mutated if isinstance(mutated, list) else []):
            name = tmp_path / f"{number}-{index}.yaml"
            if not isinstance(documents, list) or documents == plain[index] and number:
                names.append(str(files[index]))
                continue
            name.write_text(yaml.safe_dump_all(documents, default_flow_style=True) if documents else "")
            names.append(str(name))
        lines.append(json.dumps(names))
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run([sys.executable, "-c", script, VERIFY], input="\n".join(lines[:: 1 + len(lines) // 120]), capture_output=True, text=True, timeout=280, env=environment)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr[-3000:]
