//! Builds a tool's arguments from its JSON schema: only required members, each with a minimal valid value.

use serde_json::{Map, Value};

/// How many levels of a schema are followed; deeper values are `null`.
const DEEPEST: usize = 16;

/// The smallest plausible arguments, with `text` for each string. Always an object, because a tool is called with one.
pub(crate) fn arguments(schema: &Value, text: &str) -> Value {
    Some(sample(schema, text, DEEPEST)).filter(Value::is_object).unwrap_or_else(|| Value::Object(Map::new()))
}

fn sample(schema: &Value, text: &str, depth: usize) -> Value {
    let Some(depth) = depth.checked_sub(1) else { return Value::Null };
    for given in ["const", "default"] {
        if let Some(value) = schema.get(given) {
            return value.clone();
        }
    }
    let first = |list: &str| schema.get(list).and_then(Value::as_array).and_then(|items| items.first());
    if let Some(value) = first("enum") {
        return value.clone();
    }
    if let Some(choice) = first("anyOf").or_else(|| first("oneOf")) {
        return sample(choice, text, depth);
    }
    let kind = schema.get("type");
    let kind =
        kind.and_then(Value::as_array).and_then(|kinds| kinds.first()).or(kind).and_then(Value::as_str);
    match kind {
        Some("string") => Value::from(text),
        Some("integer" | "number") => schema.get("minimum").cloned().unwrap_or_else(|| Value::from(1)),
        Some("boolean") => Value::from(false),
        Some("array") => {
            let wanted = schema.get("minItems").and_then(Value::as_u64).unwrap_or(0).min(16);
            let item = schema.get("items").unwrap_or(&Value::Null);
            (0..wanted).map(|_| sample(item, text, depth)).collect()
        }
        Some("object") => object(schema, text, depth),
        None if schema.get("properties").is_some() => object(schema, text, depth),
        _ => Value::Null,
    }
}

fn object(schema: &Value, text: &str, depth: usize) -> Value {
    let required = schema.get("required").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let member = |name: &Value| {
        let name = name.as_str()?;
        let property = schema.get("properties").and_then(|properties| properties.get(name));
        Some((name.to_owned(), property.map_or(Value::Null, |property| sample(property, text, depth))))
    };
    Value::Object(required.iter().filter_map(member).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_what_is_required_is_given() {
        let schema = json!({"type": "object", "required": ["city", "days", "unit", "tags", "at"], "properties": {
            "city": {"type": "string"}, "days": {"type": ["integer", "null"], "minimum": 3}, "unit": {"enum": ["C", "F"]},
            "tags": {"type": "array", "items": {"type": "boolean"}, "minItems": 1}, "note": {"type": "string"},
            "at": {"properties": {"x": {"type": "number"}}, "required": ["x"]}}});
        let expected = json!({"city": "mock", "days": 3, "unit": "C", "tags": [false], "at": {"x": 1}});
        assert_eq!(arguments(&schema, "mock"), expected);
    }

    #[test]
    fn arguments_are_always_an_object() {
        for schema in [json!(null), json!({}), json!({"type": "string"}), json!(7)] {
            assert_eq!(arguments(&schema, "mock"), json!({}), "{schema}");
        }
    }
}
