"""The price list: how it is made of the table, what it holds, what it prints, and that providers' pages say the same."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
PRICES = REPOSITORY / "envoy" / "prices"
EXCERPT = Path(__file__).resolve().parent / "prices-table.json"
LIST = json.loads((PRICES / "prices.json").read_text())
QUOTED = json.loads((PRICES / "quoted.json").read_text())
SOURCE = {"package": "litellm", "version": "1"}

_spec = importlib.util.spec_from_file_location("ai_bridge_prices_table", PRICES / "table.py")
table = importlib.util.module_from_spec(_spec)
sys.modules[_spec.name] = table
_spec.loader.exec_module(table)


def made(**rows: Any) -> dict[str, Any]:
    """The list of the excerpt, or of these rows."""
    text = EXCERPT.read_text() if not rows else json.dumps({"sample_spec": {}, **rows})
    return table.price_list(table.read(text), date="2026-11-30", source=SOURCE)


def price_of(prices: list[dict[str, Any]], model: str) -> dict[str, Any]:
    """The first element that matches, as in the filter."""
    return next(entry for entry in prices if any(table.matches(pattern, model) for pattern in entry["models"]))


def charged(entry: dict[str, Any], total_input: int = 0, **conditions: str) -> dict[str, Fraction]:
    """The prices of an answer with these values."""
    def exact(value: int | float) -> Fraction:
        return Fraction(str(value))

    base = {"input": exact(entry["input"]), "output": exact(entry["output"])}
    base |= {member: exact(entry.get(member, entry["input"])) for member in ("cache_read", "cache_write_5m", "cache_write_1h")}
    for change in entry.get("adjust", []):
        if any(change[name] != conditions.get(name) for name in CONDITIONS if name in change) or total_input <= change.get("total_input_tokens_above", -1):
            continue
        every = exact(change.get("factor", 1))
        told = exact(change.get("input_factor", 1))
        for member in base:
            own = every * (exact(change.get("output_factor", 1)) if member == "output" else told)
            base[member] *= exact(change["cache_read_factor"]) if member == "cache_read" and "cache_read_factor" in change else own
    return base


# === the notation ===

TOKENS = {"input", "output", "cache_read", "cache_write_5m", "cache_write_1h"}
CONDITIONS = {"service_tier", "speed", "inference_geo"}
FACTORS = {"factor", "input_factor", "output_factor", "cache_read_factor"}


def problems(entry: dict[str, Any]) -> list[str]:
    """What the filter would refuse in an element of `prices`."""
    def numbers(place: str, values: dict[str, Any], most: int = 1_000_000) -> list[str]:
        return [f"{place}{name}: {value!r}" for name, value in values.items() if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= most]

    found = [f"unknown: {name}" for name in entry.keys() - TOKENS - {"models", "per_million", "per_use", "adjust"}]
    found += [f"missing: {name}" for name in {"models", "input", "output"} - entry.keys()]
    models = entry.get("models")
    if not isinstance(models, list) or not models or not all(isinstance(name, str) and 0 < len(name.encode()) <= 256 for name in models):
        found.append(f"models: {models!r}")
    found += numbers("", {name: entry[name] for name in TOKENS & entry.keys()})
    for member in ("per_million", "per_use"):
        counts = entry.get(member, {"a": 0})
        found += numbers(f"{member}.", counts) if isinstance(counts, dict) and counts else [f"{member}: {counts!r}"]
    if len(entry.get("adjust", [])) > 64:
        found.append(f"adjust: {len(entry['adjust'])} entries")
    for change in entry.get("adjust", []):
        found += [f"adjust: unknown {name}" for name in change.keys() - CONDITIONS - FACTORS - {"total_input_tokens_above"}]
        found += numbers("adjust.", {name: change[name] for name in FACTORS & change.keys()}, 1_000)
        above = change.get("total_input_tokens_above", 0)
        if type(above) is not int or above < 0 or not all(isinstance(change[name], str) and change[name] for name in CONDITIONS & change.keys()):
            found.append(f"adjust: {change}")
        if not change.keys() & (CONDITIONS | {"total_input_tokens_above"}) or not change.keys() & FACTORS:
            found.append(f"adjust: a condition and a factor are needed: {change}")
    return found


@pytest.mark.parametrize("entry", LIST["prices"], ids=lambda entry: entry["models"][0])
def test_every_element_follows_the_notation(entry):
    assert problems(entry) == []


@pytest.mark.parametrize("wrong", [
    {"models": []}, {"models": [5]}, {"models": None}, {"models": ["x" * 257]}, {"input": -1}, {"input": "5"}, {"output": True}, {"cache_read": None}, {"cache_write": 1},
    {"per_use": {}}, {"per_use": {"web_search_requests": -1}}, {"per_million": []}, {"adjust": [{"factor": 2}]}, {"adjust": [{"speed": "fast"}]}, {"adjust": [{"speed": "fast", "factor": -1}]},
    {"adjust": [{"tier": "flex", "factor": 2}]}, {"adjust": [{"speed": "", "factor": 2}]}, {"adjust": [{"total_input_tokens_above": 1.5, "factor": 2}]}, {"input": 1_000_001},
])
def test_the_check_of_the_notation_finds_mistakes(wrong):
    right = {"models": ["m"], "input": 1, "output": 2}
    assert problems(right) == []
    assert problems({**right, **wrong}) != []


# === the list ===


def test_the_list_names_its_day_and_source():
    assert date.fromisoformat(LIST["date"])
    requirements = (PRICES / "requirements.txt").read_text()
    assert f"litellm=={LIST['source']['version']} --hash=sha256:" in requirements
    assert LIST["source"]["licence"].startswith("MIT") and len(LIST["source"]["sha256"]) == 64
    assert sum(about["entries"] for about in LIST["providers"].values()) == len(LIST["prices"])


def test_a_model_has_one_price_whatever_the_order():
    names = {name: entry for entry in LIST["prices"] for name in entry["models"] if "*" not in name}
    for name, entry in names.items():
        assert [each for each in LIST["prices"] if any(table.matches(pattern, name) for pattern in each["models"])] == [entry], name
    patterns = [pattern for entry in LIST["prices"] for pattern in entry["models"]]
    assert len(patterns) == len(set(patterns))


def test_models_that_were_off_have_no_price():
    for about in LIST["providers"].values():
        for name, day in about["deprecated"].items():
            has = any(table.matches(pattern, name) for entry in LIST["prices"] for pattern in entry["models"] if pattern == name)
            assert not has or day >= LIST["date"], name


@pytest.mark.parametrize("quote", QUOTED, ids=lambda quote: f"{quote['model']} {quote.get('service_tier', '')}".strip())
def test_prices_are_those_of_the_providers_own_pages(quote):
    found = charged(price_of(LIST["prices"], quote["model"]), **{name: quote[name] for name in CONDITIONS & quote.keys()})
    for member in TOKENS & quote.keys():
        assert found[member] == Fraction(str(quote[member])), member


def test_at_least_ten_prices_are_quoted_from_the_providers_themselves():
    own = ("https://platform.claude.com/", "https://openai.com/", "https://docs.x.ai/", "https://api-docs.deepseek.com/")
    assert len({quote["model"] for quote in QUOTED}) >= 10
    assert all(quote["page"].startswith(own) and date.fromisoformat(quote["read"]) for quote in QUOTED)


# === how it is made ===


def test_the_same_table_makes_the_same_list():
    rows = json.loads(EXCERPT.read_text())
    backwards = dict(reversed(rows.items()))
    texts = {table.written(table.price_list(table.read(json.dumps(each)), date="2026-11-30", source=SOURCE)) for each in (rows, backwards, rows)}
    assert len(texts) == 1
    assert json.loads(texts.pop()) == made()


def test_the_shipped_list_is_the_one_that_its_table_makes():
    """Where `make prices` has left the wheel."""
    wheels = list((REPOSITORY / "target" / "prices").glob(f"litellm-{LIST['source']['version']}-*.whl"))
    if not wheels:
        pytest.skip("no wheel in target/prices: make prices")
    import zipfile

    with zipfile.ZipFile(wheels[0]) as archive:
        text = archive.read(LIST["source"]["file"]).decode()
    assert table.written(table.price_list(table.read(text), date=LIST["date"], source=LIST["source"])) == (PRICES / "prices.json").read_text()


def test_cache_writes_of_five_minutes_and_an_hour():
    entry = price_of(made()["prices"], "claude-opus-5")
    assert entry == {
        "models": ["claude-opus-5", "claude-opus-5-20*"], "input": 5, "output": 25, "cache_read": 0.5, "cache_write_5m": 6.25, "cache_write_1h": 10,
        "per_use": {"web_search_requests": 0.01}, "adjust": [{"speed": "fast", "factor": 2}, {"inference_geo": "us", "factor": 1.1}],
    }


def test_every_claude_model_has_the_price_of_a_search():
    assert price_of(made()["prices"], "claude-haiku-4-5")["per_use"] == {"web_search_requests": 0.01}


def test_one_factor_where_input_output_and_cache_agree():
    tiers = price_of(made()["prices"], "gpt-5")["adjust"]
    assert tiers == [{"service_tier": "priority", "factor": 2}, {"service_tier": "fast", "factor": 2}, {"service_tier": "flex", "factor": 0.5}]


def test_factors_of_their_own_where_they_differ():
    prices = made()["prices"]
    assert {"service_tier": "flex", "input_factor": 0.5, "output_factor": 0.5, "cache_read_factor": 1} in price_of(prices, "gemini-2.5-pro")["adjust"]
    assert {"total_input_tokens_above": 200000, "input_factor": 2, "output_factor": 1.5} in price_of(prices, "gemini-2.5-pro")["adjust"]
    assert {"service_tier": "ultrafast", "factor": 6} in price_of(prices, "gpt-6.1-sol")["adjust"]
    assert {"total_input_tokens_above": 100000, "factor": 5} in price_of(prices, "claude-haiku-5-5")["adjust"]


COSTS = {"input": "input_cost_per_token", "output": "output_cost_per_token", "cache_read": "cache_read_input_token_cost"}


@pytest.mark.parametrize("tier", ["", "_priority", "_flex", "_ultrafast"])
@pytest.mark.parametrize("bound", [0, 100, 200, 272])
def test_tiers_and_long_input_together_make_the_prices_of_the_table(tier, bound):
    rows = table.read(EXCERPT.read_text())
    checked = 0
    for key, row in rows.items():
        name = key.split("/")[-1]
        suffix = (f"_above_{bound}k_tokens" if bound else "") + tier
        if not any(f"{cost}{suffix}" in row for cost in COSTS.values()) or name.startswith(("ft:", "gpt-image", "container")) or row.get("deprecation_date", "9") < "2026-11-30" or "bedrock" in key or not row["input_cost_per_token"]:
            continue
        found = charged(price_of(made()["prices"], name), total_input=bound * 1000 + 1, **({"service_tier": tier[1:]} if tier else {}))
        for member, cost in COSTS.items():
            if f"{cost}{suffix}" in row:
                assert float(found[member]) == pytest.approx(float(row[f"{cost}{suffix}"]) * 1e6, rel=1e-10), (name, member)
        checked += 1
    assert checked or (tier, bound) in {("_ultrafast", 0), ("_priority", 100), ("_flex", 100), ("_ultrafast", 100), ("_ultrafast", 200)}


def test_audio_costs_what_it_is_dearer_than_text():
    entry = price_of(made()["prices"], "gpt-audio-1.5")
    assert (entry["input"], entry["output"]) == (2.5, 10)
    assert entry["per_million"] == {"input_audio_tokens": 29.5, "output_audio_tokens": 54}


def test_the_image_tool_of_responses_has_the_price_of_its_model():
    assert price_of(made()["prices"], "gpt-5")["per_million"] == {"image_input_tokens": 8, "image_output_tokens": 30}
    assert "per_million" not in price_of(made()["prices"], "claude-opus-5")


def test_snapshots_share_a_pattern_only_where_all_have_one_price():
    prices = made()["prices"]
    assert price_of(prices, "claude-opus-4-5-20251101")["models"] == ["claude-opus-4-5", "claude-opus-4-5-20*"]
    assert price_of(prices, "gpt-4o")["models"] == ["gpt-4o", "gpt-4o-2024-08-06"]
    assert price_of(prices, "grok-4.3-latest")["models"] == ["grok-4.3", "grok-4.3-*"]
    assert not any(table.matches(pattern, "gpt-5.5-pro") or table.matches(pattern, "gpt-5-codex") for entry in prices for pattern in entry["models"])


def test_xai_bills_long_input_from_its_bound_on():
    entry = price_of(made()["prices"], "grok-4.3")
    assert charged(entry, total_input=200_000)["input"] == 2 * charged(entry, total_input=199_999)["input"]


def test_what_is_no_model_with_a_price_is_left_out():
    names = {name for entry in made()["prices"] for name in entry["models"]}
    assert not names & {"container", "gpt-5-codex", "gpt-image-2", "anthropic.claude-v1"} and not any(name.startswith("ft:") for name in names)
    assert made()["providers"]["openai"]["deprecated"]["gpt-5-codex"] == "2026-07-23"
    assert price_of(made()["prices"], "gemini-exp-1206")["input"] == 0.3, "a price of 0 is none"


def test_no_price_of_writes_is_the_price_of_input():
    assert "cache_write_5m" not in price_of(made()["prices"], "deepseek-v4-pro")


ROW = {"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6}


@pytest.mark.parametrize("wrong", [{"input_cost_per_token": "1"}, {"output_cost_per_token": None}, {"output_cost_per_token": -1e-6}, {"input_cost_per_token": True, "output_cost_per_token": []},
                                   {"input_cost_per_token_above_200k_tokens": 1e-6, "input_cost_per_token_above_272k_tokens": 1e-6}])
def test_a_table_of_another_kind_is_refused(wrong):
    assert made(m=ROW)["prices"] == [{"models": ["m", "m-20*"], "input": 1, "output": 2}]
    with pytest.raises(table.Unusable):
        made(m={**ROW, **wrong})
    with pytest.raises(table.Unusable):
        table.read("[]")


# === the commands ===


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, PRICES, *arguments], capture_output=True, text=True, timeout=60)


def test_what_is_printed_is_the_value_of_prices():
    done = run()
    assert done.returncode == 0 and json.loads(done.stdout) == LIST["prices"]
    assert f"# prices of {LIST['date']}" in done.stderr


def test_only_the_chosen_models_are_printed():
    done = run("--only", "anthropic,openai", "--models", "claude-opus-5*,gpt-5")
    assert [entry["models"] for entry in json.loads(done.stdout)] == [["claude-opus-5", "claude-opus-5-20*"], ["claude-opus-5-5", "claude-opus-5-5-20*"], ["gpt-5"]]
    assert done.returncode == 0
    prices = json.loads(run("--only", "deepseek").stdout)
    assert prices == LIST["prices"][-LIST["providers"]["deepseek"]["entries"]:]


def test_a_choice_without_a_price_fails():
    done = run("--models", "nothing-*")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "prices: no model of the list matches nothing-*\n")
    done = run("--models", "claud-*,gpt-5")
    assert done.returncode == 0 and "No model of the list matches claud-*\n" in done.stderr
    done = run("--only", "antropic")
    assert done.returncode == 2 and "no such provider: antropic" in done.stderr


@pytest.mark.parametrize("content", [None, "", "prices", "[]", "{}", '{"date": "2026-01-01", "providers": {}, "prices": 1}', '{"date": "2026-01-01", "providers": {"openai": {"entries": 2, "deprecated": {}}}, "prices": []}', '{"date": "2026-01-01", "providers": {"openai": {"entries": 1.0, "deprecated": {}}}, "prices": [{"models": ["a"]}]}', *(
    json.dumps({"date": "2026-01-01", "providers": {"openai": {"entries": 1, "deprecated": deprecated}}, "prices": [entry]})
    for deprecated, entry in [({"old": 1}, {"models": ["old"]}), ([], {"models": ["old"]}), ({}, {}), ({}, {"models": [1]}), ({}, 1)]
)])
def test_what_is_no_price_list_is_named_in_one_sentence(content, tmp_path):
    file = tmp_path / "list.json"
    if content is not None:
        file.write_text(content)
    done = run("--list", file)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"prices: error: {file} is no price list of this folder" in done.stderr and "Traceback" not in done.stderr


def test_models_that_are_turned_off_soon_are_named(tmp_path):
    own = {"date": "2026-01-01", "providers": {"openai": {"entries": 1, "deprecated": {"old": date.today().isoformat(), "gone": "2025-01-01", "later": "9999-01-01"}}}, "prices": [{"models": ["old", "gone", "later"], "input": 1, "output": 1}]}
    file = tmp_path / "list.json"
    file.write_text(json.dumps(own))
    done = run("--list", file)
    assert f"Turned off soon: old on {date.today().isoformat()}\n" in done.stderr


def test_a_list_is_made_of_a_table_at_hand(tmp_path):
    out = tmp_path / "list.json"
    make = [sys.executable, PRICES / "make.py", "--table", EXCERPT, "--date", "2026-11-30", "--out", out]
    done = subprocess.run(make, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert json.loads(out.read_text())["prices"] == made()["prices"]
    (tmp_path / "other.json").write_text("{}")
    make[3] = tmp_path / "other.json"
    done = subprocess.run(make, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "this is not litellm's table" in done.stderr
