//! Limits, caps and prices.

use serde_json::json;

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
    assert_eq!((price.input, price.output), (0.0, 1e6));
    assert_eq!((price.cache_read, price.cache_write_5m, price.cache_write_1h), (None, None, None));
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
