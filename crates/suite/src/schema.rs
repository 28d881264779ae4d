//! The JSON schema of a suite, from the same table of keys that the reader uses.
//!
//! Editors that know TOML offer completion and show documentation with it. It says what each key may hold,
//! not what fits together: the reader says that.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::keys::{Kind, SUITE, Table};

const DURATION: &str = "^([0-9.]+(ns|us|µs|ms|s|m|h|d))+$";
const SIZE: &str = "^[0-9.]+ ?(B|kB|MB|GB|TB|KiB|MiB|GiB|TiB)$";
const RATE: &str = "^[0-9.]+ ?/(s|m|min|h)$";
const RATE_RANGE: &str = "^[0-9.]+ ?/(s|m|min|h)( *\\.\\. *[0-9.]+ ?/(s|m|min|h))?$";
const RANGE: &str = "^[0-9.]+[a-zµ0-9.]*\\.\\.[0-9.]+[a-zµ0-9.]*$";
const LEVEL: &str = "^\\s*[<>]=?\\s*-?[0-9.]+";

/// The JSON schema (draft 2020-12) of a suite.
pub fn json_schema() -> Value {
    let mut defs = BTreeMap::new();
    let root = table(&SUITE, &mut defs);
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Squall suite",
        "$defs": defs,
    });
    if let (Value::Object(schema), Value::Object(root)) = (&mut schema, root) {
        schema.extend(root);
    }
    schema
}

fn table(table: &'static Table, defs: &mut BTreeMap<&'static str, Value>) -> Value {
    let mut properties = serde_json::Map::new();
    for key in table.all_keys() {
        let mut value = kind(&key.kind, defs);
        if let Value::Object(object) = &mut value {
            object.insert("description".to_owned(), key.doc.into());
        }
        properties.insert(key.name.to_owned(), value);
    }
    json!({
        "type": "object",
        "properties": properties,
        "required": table.required,
        "additionalProperties": false,
    })
}

fn kind(kind: &'static Kind, defs: &mut BTreeMap<&'static str, Value>) -> Value {
    match kind {
        Kind::Text | Kind::Template => json!({ "type": "string" }),
        Kind::Bool => json!({ "type": "boolean" }),
        Kind::Integer(low, high) => json!({ "type": "integer", "minimum": low, "maximum": high }),
        Kind::Number => json!({ "type": "number", "minimum": 0 }),
        Kind::Duration => json!({ "type": "string", "pattern": DURATION }),
        Kind::Size => json!({ "type": "string", "pattern": SIZE }),
        Kind::Rate => json!({ "type": "string", "pattern": RATE }),
        Kind::RateRange => json!({ "type": "string", "pattern": RATE_RANGE }),
        Kind::Range => json!({ "type": "string", "pattern": RANGE }),
        Kind::Level => json!({ "type": "string", "pattern": LEVEL }),
        Kind::Json => json!({}),
        Kind::Choice(words) => json!({ "enum": words }),
        Kind::Table(of) => {
            if !defs.contains_key(of.id) {
                // Noted before it is known, so that a table within itself ends.
                defs.insert(of.id, Value::Null);
                let value = table(of, defs);
                defs.insert(of.id, value);
            }
            json!({ "$ref": format!("#/$defs/{}", of.id) })
        }
        Kind::Map(of) => json!({ "type": "object", "additionalProperties": self::kind(of, defs) }),
        Kind::List(of) => json!({ "type": "array", "items": self::kind(of, defs) }),
        Kind::OneOf(kinds) => {
            let kinds: Vec<Value> = kinds.iter().map(|k| self::kind(k, defs)).collect();
            json!({ "anyOf": kinds })
        }
    }
}
