//! Data feeds: rows written in the suite, CSV files, JSON lines.
//!
//! A feed is read whole when the suite is checked. Every row has a value for every column, or the feed is
//! refused with the line that lacks one.

use std::collections::HashSet;

use squall_plan::{Feed, FeedOrder};
use toml::de::DeValue;

use crate::diagnostic::{Code, Diagnostic};
use crate::syntax::{Ctx, Field, Fields, Node, entries};
use crate::{files, keys};

/// Most rows of a feed.
const MAX_ROWS: usize = 1_000_000;
/// Largest data file, in bytes.
const MAX_FILE: u64 = 256 << 20;
/// Most columns of a feed.
const MAX_COLUMNS: usize = 1000;
/// Longest value of a feed, in bytes.
const MAX_FIELD: usize = 1 << 20;

type Rows = (Vec<String>, Vec<Vec<String>>);

/// All feeds of the suite.
pub(crate) fn feeds<'a>(cx: &mut Ctx<'a>, node: Node<'a>) -> Vec<Feed> {
    let fields = cx.named_few(node, "`data`").unwrap_or_default();
    let mut feeds = Vec::new();
    for field in &fields {
        match feed(cx, field) {
            Some(feed) => feeds.push(feed),
            None => cx.broken_feeds.push(field.key),
        }
    }
    feeds
}

fn feed<'a>(cx: &mut Ctx<'a>, field: &Field<'a>) -> Option<Feed> {
    let named = cx.check_name(field, "data feed");
    if field.key == "user" {
        cx.error(
            Diagnostic::new(Code::Duplicate, "a data feed cannot be called `user`")
                .at(field.key_span.clone())
                .help("`user.id` and `user.index` are the user's own"),
        );
    }
    let (node, order, (columns, rows)) = if let DeValue::Array(_) = field.node.get_ref() {
        (field.node, FeedOrder::Random, inline(cx, field.node)?)
    } else {
        let fields = cx.table(field.node, &keys::FEED)?;
        let order = order(cx, &fields);
        let sources: Vec<_> =
            ["values", "csv", "jsonl"].into_iter().filter_map(|k| Some((k, fields.get(k)?))).collect();
        let [(kind, node)] = sources[..] else {
            cx.error(
                Diagnostic::new(Code::Data, format!("feed `{}` needs one source of rows", field.key))
                    .at(field.key_span.clone())
                    .help("give one of `values`, `csv` or `jsonl`"),
            );
            return None;
        };
        let rows = match kind {
            "values" => inline(cx, node)?,
            "csv" => file(cx, node, csv_rows)?,
            _ => file(cx, node, json_rows)?,
        };
        (node, order, rows)
    };
    if rows.is_empty() {
        cx.error(
            Diagnostic::new(Code::Data, format!("feed `{}` has no rows", field.key))
                .at(node.span())
                .label("empty"),
        );
        return None;
    }
    named.then(|| Feed { name: field.key.to_owned(), order, columns, rows })
}

fn order<'a>(cx: &mut Ctx<'a>, fields: &Fields<'a>) -> FeedOrder {
    let choice = fields.get("order").and_then(|n| cx.choice(n, "`order`", &["random", "circular", "unique"]));
    match choice {
        Some("circular") => FeedOrder::Circular,
        Some("unique") => FeedOrder::Unique,
        _ => FeedOrder::Random,
    }
}

fn inline<'a>(cx: &mut Ctx<'a>, node: Node<'a>) -> Option<Rows> {
    let elements = cx.list(node, "a data feed")?;
    let tables = elements.iter().any(|e| e.get_ref().is_table());
    let mut columns = if tables { Vec::new() } else { vec!["value".to_owned()] };
    let mut rows = Vec::new();
    for element in elements {
        let table = element.get_ref().as_table().filter(|_| tables);
        if let Some(first) = table.filter(|_| rows.is_empty()) {
            columns = entries(first).iter().map(|f| f.key.to_owned()).collect();
        }
        let width = table.map_or(1, toml::map::Map::len);
        let values: Option<Vec<String>> = match table {
            Some(row) => {
                columns.iter().map(|c| row.get(c.as_str()).and_then(|n| scalar(n.get_ref()))).collect()
            }
            None if tables => None,
            None => scalar(element.get_ref()).map(|value| vec![value]),
        };
        match values {
            Some(values) if width == columns.len() && width <= MAX_COLUMNS && rows.len() < MAX_ROWS => {
                rows.push(values);
            }
            Some(_) if width > MAX_COLUMNS || rows.len() >= MAX_ROWS => {
                cx.error(
                    Diagnostic::new(Code::Data, "a data feed has too much of something")
                        .at(element.span())
                        .label("too much")
                        .help(format!("at most {MAX_COLUMNS} columns and {MAX_ROWS} rows")),
                );
                return None;
            }
            _ => {
                let expected = columns.join(", ");
                cx.error(
                    Diagnostic::new(Code::Data, "a row differs from the first one")
                        .at(element.span())
                        .label("ragged")
                        .help(format!("every row has a text, number or truth value for: {expected}")),
                );
                return None;
            }
        }
    }
    Some((columns, rows))
}

fn scalar(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) => Some(number.to_string()),
        DeValue::Float(number) => Some(number.to_string()),
        DeValue::Boolean(truth) => Some(truth.to_string()),
        DeValue::Datetime(date) => Some(date.to_string()),
        DeValue::Array(_) | DeValue::Table(_) => None,
    }
}

fn file<'a>(cx: &mut Ctx<'a>, node: Node<'a>, parse: fn(&str) -> Result<Rows, String>) -> Option<Rows> {
    let name = cx.filled(node, "a data file")?;
    let text = files::read_text(&cx.base_dir.join(name), MAX_FILE);
    match text.and_then(|text| parse(&text)) {
        Ok(rows) => Some(rows),
        Err(problem) => {
            cx.error(
                Diagnostic::new(Code::Data, format!("data file {name} {problem}"))
                    .at(node.span())
                    .label("this file")
                    .help("paths begin at the folder of the suite"),
            );
            None
        }
    }
}

fn csv_rows(text: &str) -> Result<Rows, String> {
    let mut reader =
        csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::Headers).from_reader(text.as_bytes());
    let header = reader.headers().map_err(|e| format!("is not CSV: {e}"))?;
    let columns: Vec<String> = header.iter().map(|h| h.trim_start_matches('\u{feff}').to_owned()).collect();
    if columns.iter().any(String::is_empty) {
        return Err("has a column without a name in its first line".to_owned());
    }
    few_columns(columns.len())?;
    let mut seen = HashSet::new();
    if let Some(twice) = columns.iter().find(|c| !seen.insert(c.as_str())) {
        return Err(format!("has two columns called `{twice}`"));
    }
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|e| format!("is not CSV: {e}"))?;
        if record.len() != columns.len() {
            let line = record.position().map_or(0, csv::Position::line);
            return Err(format!(
                "is ragged: line {line} has {} values, the first line has {}",
                record.len(),
                columns.len()
            ));
        }
        push(&mut rows, record.iter().map(str::to_owned).collect())?;
    }
    Ok((columns, rows))
}

fn json_rows(text: &str) -> Result<Rows, String> {
    let mut columns: Vec<String> = Vec::new();
    let mut rows = Vec::new();
    for (number, line) in text.lines().enumerate().filter(|(_, l)| !l.trim().is_empty()) {
        let number = number + 1;
        let object: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(line).map_err(|e| format!("line {number} is not a JSON object: {e}"))?;
        if rows.is_empty() {
            few_columns(object.len())?;
            columns = object.keys().cloned().collect();
        }
        if object.len() != columns.len() || !columns.iter().all(|c| object.contains_key(c)) {
            return Err(format!("is ragged: line {number} has other keys than the first line"));
        }
        let row = columns.iter().map(|column| match &object[column] {
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        });
        push(&mut rows, row.collect())?;
    }
    Ok((columns, rows))
}

fn few_columns(columns: usize) -> Result<(), String> {
    if columns > MAX_COLUMNS { Err(format!("has more than {MAX_COLUMNS} columns")) } else { Ok(()) }
}

fn push(rows: &mut Vec<Vec<String>>, row: Vec<String>) -> Result<(), String> {
    if row.iter().any(|value| value.len() > MAX_FIELD) {
        return Err(format!("has a value of more than {} KiB in row {}", MAX_FIELD >> 10, rows.len() + 1));
    }
    if rows.len() == MAX_ROWS {
        return Err(format!("has more than {MAX_ROWS} rows"));
    }
    rows.push(row);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_files_have_a_header_and_even_rows() {
        let (columns, rows) = csv_rows("email,password\na@b.c,\"x,y\"\n").unwrap();
        assert_eq!((columns.join("|"), rows[0].join("|")), ("email|password".into(), "a@b.c|x,y".into()));
        assert_eq!(
            csv_rows("a,b\n1,2\n3\n").unwrap_err(),
            "is ragged: line 3 has 1 values, the first line has 2"
        );
        assert_eq!(csv_rows("a,a\n").unwrap_err(), "has two columns called `a`");
    }

    #[test]
    fn json_lines_hold_the_same_keys() {
        let (columns, rows) = json_rows("{\"a\":1,\"b\":\"x\"}\n\n{\"b\":\"y\",\"a\":2}").unwrap();
        assert_eq!(columns, ["a", "b"]);
        assert_eq!(rows, [["1", "x"], ["2", "y"]]);
        assert!(json_rows("{\"a\":1}\n{\"c\":1}").unwrap_err().contains("line 2"));
        assert!(json_rows("[1]").unwrap_err().contains("line 1"));
    }
}
