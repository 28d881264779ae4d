//! The JSON statistics: keys, order, types and layout are Locust's; and genuine Locust, given our counts, computes the
//! figures that our CSV file has.

use serde_json::Value;

use super::pair::{Pair, rows};

/// Keys and types of every entry, in the order of the file.
const STRUCTURE: &str = r#"
import json, sys
def structure(path):
    entries = json.load(open(path), object_pairs_hook=list)
    return sorted([dict(e)["name"], dict(e)["method"], [[k, type(v).__name__] for k, v in e]] for e in entries)
print(json.dumps([structure(path) for path in sys.argv[1:]]))
"#;

/// Is the file what `json.dumps` would write, but for the line feed at its end?
const LAYOUT: &str = r#"
import json, sys
text = open(sys.argv[1]).read()
print(json.dumps(json.dumps(json.loads(text), indent=4) == text.rstrip("\n")))
"#;

/// Locust's own arithmetic over the counts of a JSON file: the columns of `_stats.csv` that follow from them.
const RECOMPUTE: &str = r#"
import json, sys
from locust.stats import PERCENTILES_TO_REPORT, RequestStats, StatsEntry
total = StatsEntry(RequestStats(), "Aggregated", "")
rows = []
for data in json.load(open(sys.argv[1])):
    for key in ("response_times", "num_reqs_per_sec", "num_fail_per_sec"):
        data[key] = {int(k): v for k, v in data[key].items()}
    assert sum(data["response_times"].values()) == data["num_requests"], data
    assert sum(data["num_reqs_per_sec"].values()) == data["num_requests"], data
    assert sum(data["num_fail_per_sec"].values()) == data["num_failures"], data
    entry = StatsEntry.unserialize(data, RequestStats())
    total.extend(entry)
    rows.append(entry)
rows.sort(key=lambda e: (e.name, e.method))
rows.append(total)
print(json.dumps([[str(cell) for cell in (
    e.method, e.name, e.num_requests, e.num_failures, e.median_response_time, e.min_response_time,
    e.max_response_time, e.avg_content_length,
    *(e.get_response_time_percentile(p) for p in PERCENTILES_TO_REPORT))] for e in rows]))
"#;

const READ: &str = "
import csv, json, sys
print(json.dumps([[row[i] for i in (0, 1, 2, 3, 4, 6, 7, 8, *range(11, 22))]
    for row in csv.reader(open(sys.argv[1], newline=''))][1:]))
";

#[test]
fn json_has_locusts_keys_and_locust_computes_our_figures_from_it() {
    let pair = Pair::new();
    let (theirs, ours) = pair.run("-u 4 -r 100 -t 4 -s 0 --only-summary --csv {tool} --json-file {tool}");
    assert_eq!((theirs.code, ours.code), (Some(1), Some(1)), "{theirs}\n{ours}");
    // With a JSON file, neither prints final tables.
    assert!(!theirs.stderr.contains("Aggregated") && !ours.stderr.contains("Aggregated"));

    let structures = pair.python(STRUCTURE, &["locust.json", "squall.json"]);
    assert_eq!(structures[1], structures[0]);
    assert_eq!(structures[0].as_array().map(Vec::len), Some(4), "{structures:#}");
    assert_eq!(pair.python(LAYOUT, &["squall.json"]), Value::Bool(true));

    let ours = rows(&pair.python(READ, &["squall_stats.csv"]));
    assert_eq!(ours, rows(&pair.python(RECOMPUTE, &["squall.json"])));
}

#[test]
fn json_on_stdout_leaves_the_tables_on_stderr() {
    let pair = Pair::new();
    let (theirs, ours) = pair.run("-u 2 -r 100 -t 1 -s 0 --only-summary --json");
    for answer in [&theirs, &ours] {
        assert!(answer.stdout.starts_with("[\n    {\n        \"name\": "), "{answer}");
        assert!(answer.stdout.ends_with("    }\n]\n"), "{answer}");
        assert!(answer.stderr.contains("Response time percentiles (approximated)"), "{answer}");
    }
}
