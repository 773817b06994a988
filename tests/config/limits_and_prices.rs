//! Limits, caps and prices.

use ai_bridge::price::{Amount, Cost, cost, for_model};
use ai_bridge::usage::{Usage, UsageDetails};
use serde_json::{Value, json};

use super::{accepted, parse, problems, refuses};

#[test]
fn every_number_has_its_bounds() {
    for (object, name, least, most) in [
        ("record", "text_bytes", 0, 16 << 20),
        ("record", "total_bytes", 0, 64 << 20),
        ("limits", "request_body_bytes", 1, u32::MAX.into()),
        ("limits", "reader_bytes", 1, 16 << 20),
        ("limits", "event_bytes", 1, 64 << 20),
        ("limits", "document_bytes", 1, u32::MAX.into()),
        ("limits", "tool_calls", 0, 10_000),
        ("limits", "thoughts", 0, 10_000),
        ("limits", "label_values", 1, 10_000_u64),
    ] {
        let with = |number: &str| {
            problems(&format!(
                r#"{{"providers": [{{"type": "openai"}}], "{object}": {{"{name}": {number}}}}}"#
            ))
        };
        let line = |found: &str| {
            vec![format!("{object}.{name}: expected a whole number from {least} to {most}, found {found}")]
        };
        assert_eq!(with(&least.to_string()), [""; 0]);
        assert_eq!(with(&most.to_string()), [""; 0]);
        assert_eq!(with(&(most + 1).to_string()), line(&(most + 1).to_string()));
        assert_eq!(with("-1"), line("-1"));
        assert_eq!(with("100.5"), line("100.5"));
        assert_eq!(with("true"), line("a boolean"));
        assert_eq!(with("\"100\""), line("a string"));
        assert_eq!(with("null"), line("null"));
        assert_eq!(with("18446744073709551616"), line("18446744073709552000"));
        if least > 0 {
            assert_eq!(with("0"), line("0"));
        }
    }
}

#[test]
fn a_whole_number_may_be_written_with_an_exponent() {
    let config = parse(
        r#"{"providers": [{"type": "openai"}], "limits": {"request_body_bytes": 3.3554432e+07, "tool_calls": 5.0}}"#,
    )
    .unwrap();
    assert_eq!((config.limits.request_body_bytes, config.limits.tool_calls), (33_554_432, 5));
}

#[test]
fn one_bound_of_the_record_adjusts_the_other() {
    for (record, text_bytes, total_bytes) in [
        (json!({"text_bytes": 100}), 100, 1_048_576),
        (json!({"total_bytes": 1000}), 1000, 1000),
        (json!({"text_bytes": 2_000_000}), 2_000_000, 2_000_000),
        (json!({"text_bytes": 0, "total_bytes": 0}), 0, 0),
        (json!({"text_bytes": 100, "total_bytes": 10}), 100, 10),
    ] {
        let config = accepted(&json!({"providers": [{"type": "openai"}], "record": record}));
        assert_eq!(
            (config.record.text_bytes, config.record.total_bytes),
            (text_bytes, total_bytes),
            "{record}"
        );
    }
}

#[test]
fn a_price_has_models_and_amounts() {
    let config = accepted(&json!({
        "providers": [{"type": "openai"}],
        "prices": [{"models": ["gpt-*", "o3"], "input": 0, "output": 1_000_000}],
    }));
    let [price] = config.prices.as_slice() else { panic!("{:?}", config.prices) };
    assert_eq!((price.input, price.output), (Amount::new(0.0), Amount::new(1e6)));
    assert_eq!((price.cache_read, price.cache_write_5m, price.cache_write_1h), (None, None, None));
    assert!(price.per_million.is_empty() && price.per_use.is_empty() && price.adjust.is_empty());
    refuses(&[
        (
            r#""prices": [{}]"#,
            &[
                "prices[0].models: required: the models that this price holds for",
                "prices[0].input: required: USD per million input tokens",
                "prices[0].output: required: USD per million output tokens",
            ],
        ),
        (
            r#""prices": [{"models": "*", "input": "5", "output": -0.5, "cache_read": true, "cache_write_5m": null,
                "cache_write_1h": 1000000.5}]"#,
            &[
                "prices[0].cache_read: expected a number from 0 to 1000000, found a boolean",
                "prices[0].cache_write_5m: expected a number from 0 to 1000000, found null",
                "prices[0].cache_write_1h: expected a number from 0 to 1000000, found 1000000.5",
                "prices[0].models: expected a list of model names, in which * stands for any characters, found a string",
                "prices[0].input: expected a number from 0 to 1000000, found a string",
                "prices[0].output: expected a number from 0 to 1000000, found -0.5",
            ],
        ),
        (
            r#""prices": [{"models": [], "input": 1, "output": 1}]"#,
            &["prices[0].models: expected at least one model name, found an empty list"],
        ),
        (
            r#""prices": [{"models": ["*"], "input": 1e999, "output": 1}]"#,
            &["configuration: not valid JSON: number out of range at line 1 column 82"],
        ),
    ]);
}

/// The problems of a price with these members.
fn of_price(members: &str) -> Vec<String> {
    problems(&format!(
        r#"{{"providers": [{{"type": "openai"}}], "prices": [{{"models": ["*"], "input": 1, "output": 1, {members}}}]}}"#
    ))
}

#[test]
fn prices_of_details_name_counts_of_the_records_details() {
    for name in ["per_million", "per_use"] {
        for (counts, lines) in [
            (r#"{"image_input_tokens": 8, "web_fetch_requests": 1000000, "input_audio_tokens": 0}"#, &[][..]),
            ("{}", &[": expected at least one count of usage.details, found an empty object"]),
            ("[]", &[": expected an object of counts and prices, found a list"]),
            ("null", &[": expected an object of counts and prices, found null"]),
            (
                r#"{"web_search_request": 1}"#,
                &[".web_search_request: unknown member; did you mean \"web_search_requests\"?"],
            ),
            (r#"{"service_tier": 1}"#, &[".service_tier: unknown member"]),
            (
                r#"{"web_search_requests": -0.01, "image_output_tokens": 1000001, "output_audio_tokens": "1"}"#,
                &[
                    ".web_search_requests: expected a number from 0 to 1000000, found -0.01",
                    ".output_audio_tokens: expected a number from 0 to 1000000, found a string",
                    ".image_output_tokens: expected a number from 0 to 1000000, found 1000001",
                ],
            ),
            (
                r#"{"web_search_requests": 1, "web_search_requests": 2}"#,
                &[".web_search_requests: duplicate member"],
            ),
        ] {
            let lines: Vec<String> = lines.iter().map(|line| format!("prices[0].{name}{line}")).collect();
            assert_eq!(of_price(&format!(r#""{name}": {counts}"#)), lines, "{counts}");
        }
    }
}

#[test]
fn an_adjustment_has_conditions_and_factors() {
    const NO_CONDITION: &str =
        ": expected a condition: service_tier, speed, inference_geo or total_input_tokens_above";
    const NO_FACTOR: &str = ": expected a factor: factor, input_factor, output_factor or cache_read_factor";
    for (entry, lines) in [
        (r#"{"service_tier": "flex", "factor": 0}"#, &[][..]),
        (r#"{"speed": "fast", "inference_geo": "us", "input_factor": 1000, "cache_read_factor": 0.5}"#, &[]),
        (r#"{"total_input_tokens_above": 0, "output_factor": 1.5}"#, &[]),
        (r#"{"total_input_tokens_above": 1e9, "output_factor": 1.5}"#, &[]),
        ("{}", &[NO_CONDITION, NO_FACTOR]),
        (r#"{"factor": 2}"#, &[NO_CONDITION]),
        (r#"{"speed": "fast"}"#, &[NO_FACTOR]),
        (
            r#"{"tier": "flex", "faktor": 2}"#,
            &[
                NO_CONDITION,
                NO_FACTOR,
                ".tier: unknown member",
                ".faktor: unknown member; did you mean \"factor\"?",
            ],
        ),
        (
            r#"{"service_tier": "", "speed": 1, "inference_geo": null, "factor": -1, "output_factor": 1000.5}"#,
            &[
                ".service_tier: expected the provider's word, found an empty string",
                ".speed: expected a string, found a number",
                ".inference_geo: expected a string, found null",
                ".factor: expected a number from 0 to 1000, found -1",
                ".output_factor: expected a number from 0 to 1000, found 1000.5",
            ],
        ),
        (
            r#"{"total_input_tokens_above": 1.5, "factor": true}"#,
            &[
                ".total_input_tokens_above: expected a whole number from 0 to 1000000000, found 1.5",
                ".factor: expected a number from 0 to 1000, found a boolean",
            ],
        ),
        (
            r#"{"total_input_tokens_above": -1, "factor": 1}"#,
            &[".total_input_tokens_above: expected a whole number from 0 to 1000000000, found -1"],
        ),
        ("5", &[": expected an object, found a number"]),
    ] {
        let lines: Vec<String> = lines.iter().map(|line| format!("prices[0].adjust[0]{line}")).collect();
        assert_eq!(of_price(&format!(r#""adjust": [{entry}]"#)), lines, "{entry}");
    }
    assert_eq!(of_price(r#""adjust": []"#), [""; 0]);
    assert_eq!(
        of_price(r#""adjust": {}"#),
        ["prices[0].adjust: expected a list of objects, found an object"]
    );
    let entries = |count: usize| vec![r#"{"speed": "fast", "factor": 1}"#; count].join(",");
    assert_eq!(of_price(&format!(r#""adjust": [{}]"#, entries(64))), [""; 0]);
    assert_eq!(
        of_price(&format!(r#""adjust": [{}]"#, entries(65))),
        ["prices[0].adjust: expected at most 64 entries, found 65"]
    );
    let text = |bytes: usize| format!(r#""adjust": [{{"speed": "{}", "factor": 1}}]"#, "x".repeat(bytes));
    assert_eq!(of_price(&text(256)), [""; 0]);
    assert_eq!(of_price(&text(257)), ["prices[0].adjust[0].speed: longer than 256 bytes"]);
}

#[test]
fn the_shipped_price_list_costs_what_providers_quote() {
    let list: Value = serde_json::from_str(include_str!("../../envoy/prices/prices.json")).unwrap();
    let quoted: Value = serde_json::from_str(include_str!("../../envoy/prices/quoted.json")).unwrap();
    let config = accepted(&json!({"providers": [{"type": "openai"}], "prices": list["prices"]}));
    assert_eq!(config.prices.len(), list["prices"].as_array().unwrap().len());
    let quoted = quoted.as_array().unwrap();
    assert!(quoted.len() >= 10);
    for quote in quoted {
        let price = for_model(&config.prices, quote["model"].as_str().unwrap()).unwrap();
        let service_tier = quote["service_tier"].as_str().map(str::to_owned);
        let details = UsageDetails { service_tier, ..UsageDetails::default() };
        let million = Some(1_000_000);
        // The total is left at 0: the quotes are those of short inputs.
        let usage = Usage { total_input_tokens: Some(0), details, ..Usage::default() };
        for (member, usage) in [
            ("input", Usage { input_tokens: million, ..usage.clone() }),
            ("output", Usage { output_tokens: million, ..usage.clone() }),
            ("cache_read", Usage { cache_read_tokens: million, ..usage.clone() }),
            ("cache_write_5m", Usage { cache_write_tokens: million, ..usage.clone() }),
            ("cache_write_1h", {
                let details = UsageDetails { cache_write_1h_tokens: million, ..usage.details.clone() };
                Usage { details, ..usage.clone() }
            }),
        ] {
            let Some(usd) = quote.get(member).and_then(Value::as_f64) else { continue };
            let microusd = cost(price, &usage).map(Cost::microusd);
            let wanted = Amount::new(usd);
            assert_eq!(microusd.map(|cost| Amount::new(cost as f64 / 1e6)), Some(wanted), "{quote} {member}");
        }
    }
}
