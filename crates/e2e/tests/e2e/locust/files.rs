//! The CSV files: names, bytes of the headers, line ends, order of rows, and what stands in each column.

use std::collections::BTreeSet;

use super::pair::{Pair, rows};

const FILES: [&str; 4] = ["_stats.csv", "_stats_history.csv", "_failures.csv", "_exceptions.csv"];

/// Every file as Python's own reader sees it.
const READ: &str = "
import csv, json, sys
print(json.dumps([list(csv.reader(open(path, newline=''))) for path in sys.argv[1:]]))
";

/// One file of both programs.
struct Table {
    name: &'static str,
    theirs: Vec<Vec<String>>,
    ours: Vec<Vec<String>>,
}

fn tables(pair: &Pair) -> Vec<Table> {
    let paths = |tool: &str| FILES.map(|file| format!("{tool}{file}"));
    let (theirs, ours) = (paths("locust"), paths("squall"));
    let paths: Vec<&str> = theirs.iter().chain(&ours).map(String::as_str).collect();
    let read = pair.python(READ, &paths);
    let table = |at: usize| rows(&read[at]);
    FILES
        .iter()
        .enumerate()
        .map(|(at, name)| Table { name, theirs: table(at), ours: table(at + FILES.len()) })
        .collect()
}

#[test]
fn files_have_locusts_names_headers_line_ends_rows_and_cells() {
    let pair = Pair::new();
    let (theirs, ours) = pair.run("-u 4 -r 100 -t 5 -s 0 --only-summary --csv-full-history --csv {tool}");
    // A failed request and no criteria: both say so in the same way.
    assert_eq!((theirs.code, ours.code), (Some(1), Some(1)), "{theirs}\n{ours}");

    for file in FILES {
        let theirs = pair.place.read(&format!("locust{file}"));
        let ours = pair.place.read(&format!("squall{file}"));
        assert_eq!(ours.split_once("\r\n").unwrap().0, theirs.split_once("\r\n").unwrap().0, "{file}");
        for text in [&theirs, &ours] {
            assert!(text.ends_with("\r\n"), "{file}: {text:?}");
            assert_eq!(text.matches('\n').count(), text.matches("\r\n").count(), "{file}: {text:?}");
        }
    }

    let tables = tables(&pair);
    for table in &tables {
        assert_eq!(table.ours[0], table.theirs[0], "{}", table.name);
        for row in table.ours.iter().chain(&table.theirs) {
            assert_eq!(row.len(), table.theirs[0].len(), "{}: {row:?}", table.name);
        }
        assert_columns(&pair, table);
    }
    let [stats, history, failures, exceptions] = &tables[..] else { panic!("four files") };

    let names = ["browse", "fail", "once", "save \"a\", b", "Aggregated"];
    for rows in [&stats.theirs, &stats.ours] {
        assert_eq!(column(&rows[1..], 1), names);
    }
    assert_eq!(column(&stats.ours, 0), column(&stats.theirs, 0));

    assert_history(history);

    // The text of an error is the program's own; everything about it is Locust's.
    assert_eq!((failures.ours.len(), failures.theirs.len()), (2, 2));
    assert_eq!(failures.ours[1][..2], failures.theirs[1][..2]);
    assert_eq!((exceptions.ours.len(), exceptions.theirs.len()), (1, 1));
}

#[test]
fn without_full_history_there_are_only_totals() {
    let pair = Pair::new();
    pair.run("-u 4 -r 100 -t 3 -s 0 --only-summary --csv {tool}");
    let tables = tables(&pair);
    let history = &tables[1];
    for rows in [&history.theirs, &history.ours] {
        assert!(rows.len() > 2, "{rows:?}");
        assert!(rows[1..].iter().all(|row| row[2].is_empty() && row[3] == "Aggregated"), "{rows:?}");
    }
    assert_columns(&pair, history);
}

/// The first row is written before the first request; then each second has its endpoints in order and their sum.
///
/// Squall adds the part of a second in which the run ended, when the users are gone.
fn assert_history(history: &Table) {
    assert_eq!(history.ours[1][1..], history.theirs[1][1..], "the row before the first request");
    for rows in [&history.theirs, &history.ours] {
        let blocks: Vec<_> = rows[1..].split_inclusive(|row| row[3] == "Aggregated").collect();
        let times: Vec<u64> = blocks.iter().map(|block| block[0][0].parse().unwrap()).collect();
        assert!(times.is_sorted() && times[..times.len() - 1].is_sorted_by(|a, b| a < b), "{times:?}");
        for block in &blocks {
            let (last, endpoints) = block.split_last().unwrap();
            assert_eq!((last[2].as_str(), last[3].as_str()), ("", "Aggregated"), "{block:?}");
            assert!(endpoints.is_sorted_by_key(|row| (&row[3], &row[2])), "{block:?}");
            assert!(block.iter().all(|row| row[..2] == last[..2]), "{block:?}");
        }
        assert_eq!(blocks[blocks.len() - 2][0][1], "4", "users");
    }
    let last = |rows: &[Vec<String>]| {
        let block = rows[..rows.len() - 1].rsplit(|row| row[3] == "Aggregated").next().unwrap().to_vec();
        (column(&block, 2), column(&block, 3))
    };
    assert_eq!(last(&history.ours), last(&history.theirs));
}

fn column(rows: &[Vec<String>], at: usize) -> Vec<String> {
    rows.iter().map(|row| row[at].clone()).collect()
}

/// No cell of ours has a form that Locust's column does not have, and floats are as Python writes them.
#[track_caller]
fn assert_columns(pair: &Pair, table: &Table) {
    const TEXTS: [&str; 4] = ["Type", "Name", "Method", "Error"];
    for (at, title) in
        table.theirs[0].iter().enumerate().filter(|(_, title)| !TEXTS.contains(&title.as_str()))
    {
        let (theirs, ours) = (column(&table.theirs[1..], at), column(&table.ours[1..], at));
        let fixed = !theirs.is_empty() && theirs.iter().all(|cell| decimals(cell) == Some(6));
        let forms = |cells: &[String]| cells.iter().map(|cell| form(cell, fixed)).collect::<BTreeSet<_>>();
        let (known, found) = (forms(&theirs), forms(&ours));
        assert!(found.is_subset(&known), "{} {title}: {found:?}, not {known:?}: {ours:?}", table.name);
        let floats: Vec<&str> =
            ours.iter().map(String::as_str).filter(|cell| form(cell, fixed) == "float").collect();
        let strange = pair.python(
            "import json, sys; print(json.dumps([x for x in sys.argv[1:] if repr(float(x)) != x]))",
            &floats,
        );
        assert_eq!(strange, serde_json::json!([]), "{} {title}", table.name);
    }
}

/// The form of a cell; `fixed`: its column has six decimals everywhere, as `%f` makes them.
fn form(cell: &str, fixed: bool) -> &'static str {
    match cell {
        "N/A" => "N/A",
        _ if !cell.is_empty() && cell.bytes().all(|byte| byte.is_ascii_digit()) => "int",
        _ if fixed && decimals(cell) == Some(6) => "fixed",
        _ if cell.contains(['.', 'e']) && cell.parse::<f64>().is_ok() => "float",
        _ if is_time(cell) => "time",
        _ => "other",
    }
}

fn decimals(cell: &str) -> Option<usize> {
    let (whole, decimals) = cell.split_once('.')?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    (digits(whole) && digits(decimals)).then_some(decimals.len())
}

/// `2026-11-23T13:14:00Z`
fn is_time(cell: &str) -> bool {
    let pattern = "0000-00-00T00:00:00Z";
    let same = |(c, p): (u8, u8)| if p == b'0' { c.is_ascii_digit() } else { c == p };
    cell.len() == pattern.len() && cell.bytes().zip(pattern.bytes()).all(same)
}
