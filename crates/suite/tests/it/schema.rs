//! The JSON schema that is checked in.

use std::path::Path;

/// Run with `SQUALL_UPDATE_SCHEMA=1` to write the file anew.
#[test]
fn the_schema_that_is_checked_in_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("suite.schema.json");
    let schema = squall_suite::json_schema();
    if std::env::var_os("SQUALL_UPDATE_SCHEMA").is_some() {
        std::fs::write(&path, serde_json::to_string_pretty(&schema).unwrap() + "\n").unwrap();
    }
    let text = std::fs::read_to_string(&path).unwrap();
    let checked_in: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert!(checked_in == schema, "suite.schema.json is not current: SQUALL_UPDATE_SCHEMA=1 writes it anew");
}

#[test]
fn every_table_of_the_schema_is_closed_and_found() {
    let schema = squall_suite::json_schema();
    let defs = schema["$defs"].as_object().unwrap();
    for (name, table) in defs {
        assert_eq!(table["additionalProperties"], false, "{name}");
    }
    let text = schema.to_string();
    for reference in text.split("#/$defs/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(defs.contains_key(name), "{name}");
    }
}
