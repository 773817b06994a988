"""`make verify` reports single values that are never set, or printed wrongly."""

from __future__ import annotations

from verifying import Change, Found, budget, drop, each_is_reported, manager_of, plugin, set_at, text

# Values that the logger by actor reads besides those of budgets.
BY_ACTOR = ["input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens"]


# name: (what is changed, [(level, the path ends with, the message contains)])
MISTAKES: dict[str, tuple[Change, Found]] = {
    "a value that publish leaves out": (
        plugin(lambda given: given.update(publish=["id", "provider", "api", "model", "requested_model", "actor", "actor_team", "total_tokens", *BY_ACTOR])),
        [
            ("error", ".access_log[1].typed_config.counters[1].value_format", "wasm.ai_bridge_cost_microusd is never set"),
        ],
    ),
    "a value in a CEL expression that publish leaves out": (
        plugin(lambda given: given.update(publish=["provider", "model", "requested_model", "actor", "total_tokens", "cost_microusd", *BY_ACTOR])),
        [("error", ".access_log[2].typed_config.counters[0].stat.tags[0].value_format", "wasm.ai_bridge_actor_team is never set")],
    ),
    "a value that there is not, in a budget": (
        text("wasm.ai_bridge_total_tokens", "wasm.ai_bridge_tokens"),
        [("error", ".hits_addend.format", "there is no value wasm.ai_bridge_tokens; did you mean wasm.ai_bridge_")] * 5,
    ),
    "a value that there is not, in an access log": (
        lambda config: manager_of(config)["access_log"].append({"name": "x", "typed_config": {"log_format": {"json_format": {"cost": "%FILTER_STATE(wasm.ai_bridge_cost:PLAIN)%"}}}}),
        [("error", ".access_log[3].typed_config.log_format.json_format.cost", "there is no value wasm.ai_bridge_cost")],
    ),
    "a value that there is not, in a tag": (
        set_at(manager_of, "tracing", {"custom_tags": [{"tag": "gen_ai.model", "value": "%FILTER_STATE(wasm.ai_bridge_modell:PLAIN)%"}]}),
        [("error", ".tracing.custom_tags[0].value", "did you mean wasm.ai_bridge_model?")],
    ),
    "a name without wasm.": (
        set_at(manager_of, "tracing", {"custom_tags": [{"tag": "x", "value": "%FILTER_STATE(ai_bridge_model:PLAIN)%"}]}),
        [("error", ".tracing.custom_tags[0].value", "the name begins with `wasm.`")],
    ),
    "a number that is printed as base64": (
        set_at(budget("tokens_per_model", charges=True), "hits_addend", {"format": "%FILTER_STATE(wasm.ai_bridge_total_tokens)%"}),
        [("error", ".hits_addend.format", "add `:PLAIN`")],
    ),
    "a team that the filter does not know": (
        plugin(lambda given: given["actor"].pop("metadata_headers")),
        [("error", ".access_log[2].typed_config.counters[0].stat.tags[0].value_format", "its key is not in actor.metadata_headers")],
    ),
    "no access log": (drop("access_log"), [("warning", ".access_log", "the records go nowhere")]),
}


test_each_mistake_is_reported_with_its_place_and_nothing_else = each_is_reported(MISTAKES)
