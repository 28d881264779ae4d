use squall_core::{Nanos, OutcomeKind};
use squall_report::{MAX_POINTS, Series};
use squall_stats::{Summary, Window};

use crate::sample;

#[test]
fn a_point_of_several_windows_has_the_percentiles_of_their_requests() {
    let run = sample::run();
    let series = Series::new(&run, 40);
    let per_point = run.windows.len().div_ceil(40);
    assert_eq!(series.t.len(), run.windows.len().div_ceil(per_point));
    assert!(per_point > 1);
    for (point, windows) in run.windows.chunks(per_point).enumerate() {
        let mut summary = Summary::default();
        let mut ok = 0;
        for (key, cell) in windows.iter().flat_map(Window::cells) {
            summary.add(key.outcome, cell);
            ok += if key.outcome == OutcomeKind::Ok { cell.count } else { 0 };
        }
        for (share, column) in [(50.0, &series.p50), (95.0, &series.p95), (99.0, &series.p99)] {
            let exact =
                summary.percentile(share).map(|quantile| (quantile.value.0 as f64 / 1e3).round() as u64);
            let shown = column[point].map(|ms| (ms * 1e3).round() as u64);
            assert_eq!(shown, exact, "p{share} of point {point}");
        }
        let secs: f64 = windows.iter().map(|window| window.span.as_secs_f64()).sum();
        assert!(
            (series.ok[point] * secs - ok as f64).abs() < 0.01 * secs,
            "no request is lost in point {point}"
        );
    }
}

#[test]
fn a_short_run_is_not_joined() {
    let run = sample::run();
    let series = Series::new(&run, MAX_POINTS);
    assert_eq!(series.t.len(), run.windows.len());
    assert_eq!(series.t.last(), Some(&159.64));
    let columns = [series.ok.len(), series.p50.len(), series.users_asked.len(), series.users[3].len()];
    assert_eq!(columns, [series.t.len(); 4]);
}

#[test]
fn a_last_window_of_milliseconds_is_no_point_of_its_own() {
    let mut run = sample::run();
    let windows = run.windows.len();
    run.windows.last_mut().unwrap().span = Nanos::from_millis(10);
    let series = Series::new(&run, MAX_POINTS);
    assert_eq!(series.t.len(), windows - 1);
    assert_eq!(series.t.last(), Some(&159.01), "its requests count in the point before");
}

#[test]
fn users_asked_follow_the_ramps_of_the_phases() {
    let series = Series::new(&sample::run(), MAX_POINTS);
    assert_eq!(series.users_asked[0], 11, "10 a second, the first at once");
    assert_eq!(series.users_asked[10], 20);
    assert_eq!(series.users_asked[70], 240);
    assert_eq!(series.users_asked[159], 0);
}
