use insta::assert_snapshot;
use serde_json::Value;
use squall_report::json;

use crate::sample;

fn summary(run: &squall_record::Run) -> String {
    let mut out = Vec::new();
    json::summary(run, &sample::doubted(), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn locusts_json() {
    let mut out = Vec::new();
    json::locust(&sample::short(), &mut out).unwrap();
    assert_snapshot!("locust_json", String::from_utf8(out).unwrap());
}

#[test]
fn locusts_counts_by_second_add_up() {
    let run = sample::run();
    let mut out = Vec::new();
    json::locust(&run, &mut out).unwrap();
    let entries: Vec<Value> = serde_json::from_slice(&out).unwrap();
    let sum = |value: &Value| value.as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum::<u64>();
    for entry in &entries {
        for key in ["response_times", "num_reqs_per_sec"] {
            assert_eq!(sum(&entry[key]), entry["num_requests"], "{key} of {}", entry["name"]);
        }
        assert_eq!(sum(&entry["num_fail_per_sec"]), entry["num_failures"]);
    }
    assert_eq!(entries.len(), 8);
}

#[test]
fn the_summary_of_a_run() {
    assert_snapshot!("summary_json", summary(&sample::run()));
}

#[test]
fn a_run_without_a_request_has_nulls_and_no_zeros_for_what_was_not_measured() {
    let report: Value = serde_json::from_str(&summary(&sample::empty())).unwrap();
    assert_eq!(report["run"]["ended"], "cut off");
    for key in ["ok_per_s", "error_rate", "mean_ms", "max"] {
        assert!(report["total"][key].is_null(), "{key}");
    }
    assert_eq!(report["total"]["percentiles"], Value::Array(vec![]));
}

#[test]
fn outcomes_of_the_summary_add_up() {
    let report: Value = serde_json::from_str(&summary(&sample::run())).unwrap();
    let total = &report["total"];
    let n = |key: &str| total[key].as_u64().unwrap();
    assert_eq!(n("ok") + n("failed") + n("rate_limited"), n("completed"));
    let parts = |list: &str, key: &str| -> u64 {
        report[list].as_array().unwrap().iter().map(|part| part[key].as_u64().unwrap()).sum()
    };
    for key in ["completed", "ok", "failed", "timed_out", "rate_limited", "cut", "bytes_in"] {
        assert_eq!(parts("endpoints", key), n(key), "{key}");
        assert_eq!(parts("phases", key), n(key), "{key}");
    }
    let errors: u64 = parts("errors", "count");
    assert_eq!(errors, n("failed"));
}
