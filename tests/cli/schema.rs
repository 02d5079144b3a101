//! Holds JSON against a schema of draft 4, with the words that SARIF's schema uses. A word that is
//! not known here fails, so that nothing passes unchecked.

use serde_json::Value;

/// Fails unless `value` is what the schema says.
#[track_caller]
pub(crate) fn check(schema: &Value, value: &Value) {
    let mut faults = Vec::new();
    against(schema, schema, value, "$", &mut faults);
    assert!(faults.is_empty(), "{faults:#?}");
}

fn against(top: &Value, schema: &Value, value: &Value, at: &str, faults: &mut Vec<String>) {
    let rules = schema.as_object().unwrap();
    let passes = |schema: &Value| {
        let mut faults = Vec::new();
        against(top, schema, value, at, &mut faults);
        faults.is_empty()
    };
    for (word, rule) in rules {
        let number = || rule.as_f64().unwrap();
        let ok = match word.as_str() {
            "$schema" | "title" | "id" | "description" | "default" | "definitions" => true,
            "type" => is_a(rule, value),
            "enum" => rule.as_array().unwrap().contains(value),
            "minimum" => value.as_f64().is_none_or(|value| value >= number()),
            "maximum" => value.as_f64().is_none_or(|value| value <= number()),
            "minItems" => value
                .as_array()
                .is_none_or(|v| v.len() as u64 >= rule.as_u64().unwrap()),
            "uniqueItems" => value.as_array().is_none_or(|items| {
                let mut texts: Vec<String> = items.iter().map(Value::to_string).collect();
                texts.sort();
                texts.windows(2).all(|pair| pair[0] != pair[1])
            }),
            "required" => value.as_object().is_none_or(|object| {
                let names = rule.as_array().unwrap();
                names
                    .iter()
                    .all(|name| object.contains_key(name.as_str().unwrap()))
            }),
            "pattern" => value.as_str().is_none_or(|text| {
                regex::Regex::new(rule.as_str().unwrap())
                    .unwrap()
                    .is_match(text)
            }),
            "format" => value
                .as_str()
                .is_none_or(|text| match rule.as_str().unwrap() {
                    "uri" => is_uri(text) && text.contains(':'),
                    "uri-reference" => is_uri(text),
                    "date-time" => text.contains('T'),
                    other => panic!("a format that nobody checks: {other}"),
                }),
            "anyOf" => rule.as_array().unwrap().iter().any(passes),
            "oneOf" => {
                rule.as_array()
                    .unwrap()
                    .iter()
                    .filter(|s| passes(s))
                    .count()
                    == 1
            }
            "$ref" => {
                let name = rule
                    .as_str()
                    .unwrap()
                    .strip_prefix("#/definitions/")
                    .unwrap();
                against(top, &top["definitions"][name], value, at, faults);
                continue;
            }
            "items" => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    against(top, rule, item, &format!("{at}[{index}]"), faults);
                }
                continue;
            }
            "properties" => {
                for (name, schema) in rule.as_object().unwrap() {
                    if let Some(value) = value.get(name) {
                        against(top, schema, value, &format!("{at}.{name}"), faults);
                    }
                }
                continue;
            }
            "additionalProperties" => {
                let known = rules.get("properties").and_then(Value::as_object);
                let object = value.as_object().into_iter().flatten();
                for (name, value) in object {
                    if known.is_some_and(|known| known.contains_key(name)) {
                        continue;
                    }
                    match rule {
                        Value::Bool(true) => {}
                        Value::Bool(false) => faults.push(format!("{at}: `{name}` is not known")),
                        schema => {
                            against(top, schema, value, &format!("{at}.{name}"), faults);
                        }
                    }
                }
                continue;
            }
            other => panic!("a word that nobody checks: {other}"),
        };
        if !ok {
            faults.push(format!("{at}: {value} is not {word} {rule}"));
        }
    }
}

fn is_a(rule: &Value, value: &Value) -> bool {
    let one = |name: &Value| match name.as_str().unwrap() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "null" => value.is_null(),
        other => panic!("a type that nobody checks: {other}"),
    };
    match rule {
        Value::Array(names) => names.iter().any(one),
        name => one(name),
    }
}

/// Whether a text has only characters of a URI, and each `%` before two digits.
fn is_uri(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.iter().enumerate().all(|(at, byte)| match byte {
        b'%' => bytes
            .get(at + 1..at + 3)
            .is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)),
        byte => byte.is_ascii_alphanumeric() || b"-._~:/?#@!$&'()*+,;=".contains(byte),
    })
}

#[test]
fn the_check_can_fail() {
    let schema = serde_json::json!({
        "type": "object", "required": ["a"], "additionalProperties": false,
        "properties": { "a": { "$ref": "#/definitions/a" } },
        "definitions": { "a": { "type": "array", "minItems": 1, "items": { "enum": [1, 2] } } },
    });
    let faults = |value: &Value| {
        let mut faults = Vec::new();
        against(&schema, &schema, value, "$", &mut faults);
        faults.len()
    };
    assert_eq!(faults(&serde_json::json!({ "a": [1, 2] })), 0);
    assert_eq!(faults(&serde_json::json!({ "a": [1, 3, 4] })), 2);
    assert_eq!(faults(&serde_json::json!({ "a": [] })), 1);
    assert_eq!(faults(&serde_json::json!({ "b": [] })), 2);
    assert_eq!(faults(&serde_json::json!([])), 1);
    assert!(is_uri("a%20b/c") && !is_uri("a b") && !is_uri("a%2"));
}
