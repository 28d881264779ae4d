//! Criteria on the course of time: windows, functions, series, drops, recovery; and what may stop a run.

use proptest::prelude::*;
use squall_core::{Nanos, OutcomeKind, PhaseId, UserClassId};
use squall_plan::{
    Comparison, Criterion, Function, Measure, Monitor, MonitorKind, Plan, ProcessTarget, Scope, Unit,
};
use squall_record::{FaultMark, PhaseMark, Point, Run, Series};
use squall_stats::Window;
use squall_verdict::{Judge, Row, Standing, Verdict, judge, judge_by};

use crate::run::{Requests, below, level, phase, plan, run, second};

const P95: Measure = Measure::Percentile(95.0);

fn of(function: Function, measure: Measure) -> Measure {
    Measure::Of(function, Box::new(measure))
}

fn held(secs: u64, criterion: Criterion) -> Criterion {
    Criterion { hold: Some(Nanos::from_secs(secs)), ..criterion }
}

fn above(measure: Measure, value: f64) -> Criterion {
    Criterion { target: level(Comparison::Above, value), ..below(measure, 0.0) }
}

/// A steady run in which ten requests succeed every second, each in the response time given for it.
fn steady(times_ms: &[u64], criteria: Vec<Criterion>) -> Run {
    let windows = (0..).zip(times_ms).map(|(n, ms)| second(n).with(0, OutcomeKind::Ok, 10, *ms));
    let end = times_ms.len() as u64 * 1_000;
    run(plan(&[("steady", true)], criteria), vec![phase(0, "steady", 0, Some(0), end)], windows.collect())
}

fn rows(run: &Run) -> Vec<Row> {
    judge(run).rows
}

/// What was known of the phases at `now`.
fn known(phases: &[PhaseMark], now: Nanos) -> Vec<PhaseMark> {
    let begun = phases.iter().filter(|phase| phase.start < now);
    let then = |phase: &PhaseMark| PhaseMark {
        ramped: phase.ramped.filter(|at| *at <= now),
        end: phase.end.filter(|at| *at <= now),
        ..phase.clone()
    };
    begun.map(then).collect()
}

/// The verdict of a judge who saw it all while it went, and when the first reason to stop was seen.
fn live(run: &Run) -> (Verdict, Option<(Nanos, String)>) {
    let mut judge = Judge::new(&run.plan);
    let mut breach = None;
    for window in &run.windows {
        let now = window.start + window.span;
        for (index, series) in run.series.iter().enumerate() {
            let due = series
                .samples
                .iter()
                .filter(|point| point.at <= now && (point.at > window.start || window.seq == 0));
            due.for_each(|point| judge.sample(index, *point));
        }
        let phases = known(&run.phases, now);
        judge.push(window, &phases);
        breach = breach.or_else(|| Some((now, judge.breach(&phases)?)));
    }
    (judge.verdict(&run.phases), breach)
}

#[test]
fn the_worst_window_counts_whichever_way_is_worse() {
    // Five fast seconds, three slow ones, five fast ones.
    let times: Vec<u64> = [[20; 5].as_slice(), &[300; 3], &[20; 5]].concat();
    let criteria = vec![
        held(3, below(Measure::Mean, 0.25)),
        held(5, below(Measure::Mean, 0.2)),
        held(5, above(Measure::Mean, 0.1)),
        held(14, below(Measure::Mean, 0.2)),
        below(Measure::Mean, 0.2),
    ];
    let rows = rows(&steady(&times, criteria));
    let shown: Vec<_> = rows.iter().map(|row| (row.shown.as_str(), row.standing)).collect();
    assert_eq!(
        shown,
        [
            ("300ms", Standing::Fail),
            ("188ms", Standing::Pass),
            ("20ms", Standing::Fail),
            ("no data", Standing::NoData),
            ("84.6ms", Standing::Pass),
        ]
    );
    assert_eq!(rows[0].since, Some(Nanos::from_secs(8)), "the third slow second makes three");
    assert_eq!(rows[3].note.as_deref(), Some("less than 14s of judged time"));
}

#[test]
fn a_window_without_requests_is_skipped_but_is_no_throughput() {
    let mut run =
        steady(&[20, 20, 20, 20], vec![held(2, below(P95, 1.0)), held(2, above(Measure::Throughput, 5.0))]);
    run.windows[1] = second(1);
    run.windows[2] = second(2);
    let rows = rows(&run);
    assert_eq!((rows[0].shown.as_str(), rows[0].standing), ("20ms", Standing::Pass));
    assert_eq!((rows[1].value, rows[1].standing), (Some(0.0), Standing::Fail));
}

#[test]
fn what_is_not_judged_is_cut_out_of_the_windows() {
    // 3 s of hold, a ramp of 2 s, 3 s of hold: six seconds of judged time.
    let phases = vec![phase(0, "first", 0, Some(0), 3_000), phase(1, "second", 3_000, Some(5_000), 8_000)];
    let windows = (0..8).map(|n| {
        let (phase, ms) = if n < 3 { (0, 10) } else { (1, if n < 5 { 900 } else { 20 }) };
        second(n).with(phase, OutcomeKind::Ok, 10, ms)
    });
    let criteria = vec![
        held(6, below(Measure::Mean, 1.0)),
        held(7, below(Measure::Mean, 1.0)),
        held(2, below(Measure::Max, 1.0)),
        below(of(Function::Max, Measure::Max), 1.0),
    ];
    let run = run(plan(&[("first", true), ("second", true)], criteria), phases, windows.collect());
    let shown: Vec<_> = rows(&run).into_iter().map(|row| row.shown).collect();
    assert_eq!(shown, ["15ms", "no data", "20ms", "20ms"]);
    assert_eq!(live(&run).0, Verdict { doubts: vec![], ..judge(&run) });
}

#[test]
fn a_ramp_that_is_all_there_is_slides_too() {
    for ramped in [None, Some(4_000)] {
        let phases = vec![phase(0, "steady", 0, ramped, 4_000), phase(1, "next", 4_000, Some(4_000), 6_000)];
        let windows = (0..6).map(|n| second(n).with(u16::from(n >= 4), OutcomeKind::Ok, 10, 100 * (6 - n)));
        let criteria = vec![held(2, below(Measure::Mean, 1.0)), held(6, below(Measure::Mean, 1.0))];
        let run = run(plan(&[("steady", true), ("next", true)], criteria), phases, windows.collect());
        let shown: Vec<_> = rows(&run).into_iter().map(|row| row.shown).collect();
        assert_eq!(shown, ["550ms", "350ms"], "{ramped:?}");
        assert_eq!(live(&run).0, Verdict { doubts: vec![], ..judge(&run) });
    }
}

#[test]
fn functions_of_requests_are_over_blocks_of_ten_seconds() {
    // Blocks of 10 s: 100 ms, 400 ms, and 4 s of 900 ms, which is less than half of one.
    let times: Vec<u64> = [[100; 10].as_slice(), &[400; 10], &[900; 4]].concat();
    let criteria = || {
        vec![
            below(of(Function::Max, P95), 0.5),
            below(of(Function::Min, P95), 0.5),
            below(of(Function::Mean, P95), 0.5),
            held(4, below(of(Function::Max, P95), 0.5)),
        ]
    };
    let shown =
        |times: &[u64]| rows(&steady(times, criteria())).into_iter().map(|row| row.shown).collect::<Vec<_>>();
    assert_eq!(shown(&times), ["400ms", "100ms", "250ms", "900ms"]);
    let longer: Vec<u64> = [times.as_slice(), &[900]].concat();
    assert_eq!(shown(&longer)[..3], ["900ms", "100ms", "466.7ms"], "half a block counts");
    let row = &rows(&steady(&[100; 4], criteria()))[0];
    assert_eq!((row.shown.as_str(), row.standing), ("no data", Standing::NoData));
    assert!(row.note.as_deref().unwrap().contains("no window"));
}

#[test]
fn a_trend_is_told_per_hour_with_its_interval() {
    // 1 ms more every 10 s: 360 ms an hour. The noise is the same in every bucket.
    let times: Vec<u64> = (0..300).map(|n| 100 + n / 10).collect();
    let criterion = below(of(Function::Slope, Measure::Mean), 0.1);
    let row = rows(&steady(&times, vec![criterion.clone()])).remove(0);
    let (low, high) = row.interval.unwrap();
    let value = row.value.unwrap();
    assert!((value - 0.36).abs() < 0.02, "{value}");
    assert!(low <= value && value <= high && low > 0.3 && high < 0.42, "{low} {high}");
    assert_eq!((row.label.as_str(), row.standing), ("slope(mean)", Standing::Fail));
    let row = rows(&steady(&times[..20], vec![criterion])).remove(0);
    assert_eq!(row.note.as_deref(), Some("too little judged time for a trend"));
}

#[test]
fn a_percentile_comes_with_its_interval() {
    // A thousand different times: the p95 is the 950th, its interval the 936th to the 964th.
    let mut window = second(0);
    for ms in 1..=1_000 {
        window = window.with(0, OutcomeKind::Ok, 1, ms);
    }
    let made = |window: Window| {
        run(
            plan(&[("steady", true)], vec![below(P95, 2.0)]),
            vec![phase(0, "steady", 0, Some(0), 1_000)],
            vec![window],
        )
    };
    let row = rows(&made(window.clone())).remove(0);
    let (low, high) = row.interval.unwrap();
    assert_eq!((row.shown.as_str(), (low * 1e3).round(), (high * 1e3).round()), ("950.3ms", 936.0, 964.0));
    let cut = window.with(0, OutcomeKind::Cut, 60, 1);
    assert_eq!(rows(&made(cut)).remove(0).interval, None, "its upper end may be anything");
}

#[test]
fn drops_are_a_share_of_what_was_due_by_phase_and_class() {
    let phases = vec![phase(0, "warm-up", 0, Some(0), 1_000), phase(1, "steady", 1_000, Some(1_000), 3_000)];
    let windows = (0..3).map(|n| {
        let mut window = second(n);
        for (class, dropped) in [(0, 1), (1, 4)] {
            let counts = window.iterations_mut(PhaseId(u16::from(n > 0)), UserClassId(class));
            (counts.offered, counts.dropped) = (10, if n == 0 { 10 } else { dropped * n });
        }
        window
    });
    let class = Scope { class: Some(UserClassId(1)), ..Scope::default() };
    let warm = Scope { phase: Some(0), ..Scope::default() };
    let criteria = vec![
        below(Measure::Dropped, 0.5),
        Criterion { scope: class, ..below(Measure::Dropped, 0.5) },
        Criterion { scope: warm, ..below(Measure::Dropped, 0.5) },
        held(1, below(Measure::Dropped, 0.5)),
    ];
    let run = run(plan(&[("warm-up", false), ("steady", true)], criteria), phases, windows.collect());
    let shown: Vec<_> = rows(&run).into_iter().map(|row| row.shown).collect();
    assert_eq!(shown, ["37.5%", "60%", "100%", "50%"]);
    let none = steady(&[20], vec![below(Measure::Dropped, 0.5)]);
    assert_eq!(rows(&none)[0].note.as_deref(), Some("no task was due"));
}

/// The plan watches a process, and its memory was `rss` at every second.
fn watched(plan: &mut Plan, rss: impl IntoIterator<Item = Option<f64>>) -> Vec<Series> {
    let kind = MonitorKind::Process(ProcessTarget::Pid(1));
    plan.monitors = vec![Monitor { name: "process".into(), interval: Nanos::SECOND, kind }];
    let values: Vec<_> = rss.into_iter().collect();
    let series = plan.series().into_iter().map(|planned| Series {
        samples: (0..)
            .zip(&values)
            .map(|(n, value)| Point { at: Nanos::from_secs(n), value: *value })
            .collect(),
        name: planned.name,
        unit: planned.unit,
    });
    series.collect()
}

#[test]
fn series_are_judged_over_the_judged_time() {
    let rss = || Measure::Series("process.rss".into(), Unit::Bytes);
    let phases = vec![phase(0, "warm-up", 0, Some(0), 2_000), phase(1, "steady", 2_000, Some(4_000), 8_000)];
    let criteria = vec![
        below(rss(), 1e12),
        below(of(Function::Max, rss()), 1e12),
        below(of(Function::Min, rss()), 1e12),
        Criterion { scope: Scope { phase: Some(0), ..Scope::default() }, ..below(rss(), 1e12) },
        held(2, below(rss(), 1e12)),
        below(Measure::Series("process.handles".into(), Unit::Count), 1.0),
    ];
    let mut plan = plan(&[("warm-up", false), ("steady", true)], criteria);
    // Judged are those at 4 s to 7 s.
    let values = [900.0, 700.0, 800.0, 800.0, 10.0, 20.0, f64::NAN, 60.0, 500.0];
    let series = watched(&mut plan, values.map(|value| value.is_finite().then_some(value)));
    let windows = (0..8).map(|n| second(n).with(u16::from(n > 1), OutcomeKind::Ok, 1, 10));
    let run = Run { series, ..run(plan, phases, windows.collect()) };
    let values: Vec<_> = rows(&run).into_iter().map(|row| row.value).collect();
    assert_eq!(values[..5], [Some(30.0), Some(60.0), Some(10.0), Some(800.0), Some(60.0)]);
    assert_eq!(rows(&run)[5].note.as_deref(), Some("nothing watches it"));
    assert_eq!(live(&run).0, Verdict { doubts: vec![], ..judge(&run) });
}

#[test]
fn a_leak_has_a_slope() {
    let slope = of(Function::Slope, Measure::Series("process.rss".into(), Unit::Bytes));
    let times = [20; 120];
    let mut run = steady(&times, vec![below(slope, 1e6)]);
    // 1 kB a second, 3.6 MB an hour.
    run.series = watched(&mut run.plan, (0..120).map(|n| Some(1e8 + 1e3 * f64::from(n))));
    let row = rows(&run).remove(0);
    assert_eq!((row.shown.as_str(), row.standing), ("3.6MB/h", Standing::Fail));
    assert_eq!(live(&run).0.rows, [row]);
}

/// Requests of 10 users before and after a spike of 100; after it they take `slow_secs` to be fast again.
fn spike(slow_secs: u64, criteria: Vec<Criterion>) -> Run {
    let mut phases = vec![
        phase(0, "before", 0, Some(0), 60_000),
        phase(1, "spike", 60_000, Some(60_000), 90_000),
        phase(2, "after", 90_000, Some(90_000), 150_000),
    ];
    phases[1].users = 100;
    let windows = (0..150).map(|n| {
        let (phase, users, ms) = match n {
            0..60 => (0, 10, 20),
            60..90 => (1, 100, 900),
            _ => (2, 10, if n < 90 + slow_secs { 900 } else { 20 }),
        };
        let mut window = second(n).with(phase, OutcomeKind::Ok, 10 * u64::from(users), ms);
        window.users = vec![users, 0];
        window
    });
    let mut plan = plan(&[("before", true), ("spike", true), ("after", true)], criteria);
    plan.load.phases[1].users = 100;
    run(plan, phases, windows.collect())
}

#[test]
fn recovery_is_a_time_or_at_least_the_time_watched() {
    let criterion = || below(of(Function::Recovery, P95), 30.0);
    for (slow, shown, standing) in
        [(8, "8s", Standing::Pass), (40, "40s", Standing::Fail), (60, "≥ 60s", Standing::Fail)]
    {
        let run = spike(slow, vec![criterion()]);
        let row = rows(&run).remove(0);
        assert_eq!((row.shown.as_str(), row.standing), (shown, standing), "{row:?}");
        assert!(row.note.as_deref().unwrap().contains("spike"), "{row:?}");
        assert_eq!(live(&run).0.rows, [row]);
    }
    let row = rows(&steady(&[20; 20], vec![criterion()])).remove(0);
    assert_eq!(row.standing, Standing::NoData);
    assert!(row.note.unwrap().starts_with("nothing it could recover from"));
}

#[test]
fn recovery_from_a_fault_is_judged_from_the_record() {
    let recovery = |percentile| below(of(Function::Recovery, Measure::Percentile(percentile)), 30.0);
    let times: Vec<u64> = [[20; 60].as_slice(), &[900; 42], &[20; 48]].concat();
    let mut run = steady(&times, vec![recovery(95.0), recovery(99.0)]);
    run.windows.iter_mut().for_each(|window| window.users = vec![10, 0]);
    run.faults = vec![FaultMark {
        id: 0,
        name: "stop the cache".into(),
        start: Nanos::from_secs(60),
        end: Some(Nanos::from_secs(90)),
        failed: false,
        outcome: String::new(),
    }];
    let rows = rows(&run);
    assert_eq!((rows[0].shown.as_str(), rows[0].standing), ("12s", Standing::Pass), "{:?}", rows[0]);
    assert!(rows[0].note.as_deref().unwrap().contains("stop the cache"), "{:?}", rows[0]);
    assert_eq!(rows[1].standing, Standing::NoData);
    assert!(rows[1].note.as_deref().unwrap().contains("only recovery(p95)"), "{:?}", rows[1]);
}

#[test]
fn a_criterion_that_may_stop_the_run_does_when_it_is_sure() {
    let abort = |criterion| Criterion { abort: true, ..criterion };
    let failing = |ms: &[u64], criterion| live(&steady(ms, vec![criterion])).1;
    let slow_from = |n: usize| -> Vec<u64> { [vec![20; n], vec![900; 30 - n]].concat() };
    let limit = || below(P95, 0.5);
    // Ten requests a second: 100 of them, and 10 s.
    assert_eq!(
        failing(&slow_from(0), abort(limit())),
        Some((Nanos::from_secs(10), "p95 is 900ms, target is < 500ms".into()))
    );
    assert_eq!(failing(&slow_from(0), limit()), None, "it may not");
    assert_eq!(failing(&[20; 30], abort(limit())), None, "it does not fail");
    let failure = Criterion { failure: level(Comparison::Above, 0.8), ..limit() };
    let found = failing(&slow_from(10), abort(held(4, failure)));
    assert_eq!(found, Some((Nanos::from_secs(11), "p95 is 900ms for 4s, failure is > 800ms".into())));
    let gap = Criterion { failure: level(Comparison::Above, 2.0), ..limit() };
    assert_eq!(failing(&slow_from(0), abort(gap)), None, "between the levels is no failure");
    let few =
        abort(Criterion { scope: Scope { class: Some(UserClassId(1)), ..Scope::default() }, ..limit() });
    assert_eq!(failing(&slow_from(0), few), None, "nobody of the class made a request");
}

#[test]
fn a_ramp_that_goes_on_stops_nothing() {
    let abort = |hold: Option<Nanos>| Criterion { abort: true, hold, ..below(P95, 0.5) };
    for hold in [None, Some(Nanos::from_secs(5))] {
        let mut run = steady(&[900; 30], vec![abort(hold)]);
        run.phases[0].ramped = Some(Nanos::from_secs(15));
        let wait = if hold.is_some() { 5 } else { 10 };
        assert_eq!(live(&run).1.map(|(at, _)| at), Some(Nanos::from_secs(15 + wait)), "{hold:?}");
    }
}

#[test]
fn a_record_can_be_judged_by_other_criteria() {
    let run = steady(&[20; 10], vec![below(P95, 0.001)]);
    assert_eq!(rows(&run)[0].standing, Standing::Fail);
    let verdict = judge_by(&run, &[below(P95, 1.0), held(3, below(Measure::Max, 1.0))], &[]);
    assert!(verdict.rows.iter().all(|row| row.standing == Standing::Pass));
    assert_eq!(verdict.rows.len(), 2);
}

#[test]
fn a_phase_without_users_is_a_ramp_down() {
    let mut phases = vec![phase(0, "steady", 0, Some(0), 1_000), phase(1, "down", 1_000, None, 2_000)];
    (phases[1].measured, phases[1].users) = (false, 0);
    let windows = vec![second(0).with(0, OutcomeKind::Ok, 5, 10), second(1).with(1, OutcomeKind::Ok, 3, 10)];
    let verdict = judge(&run(plan(&[("steady", true), ("down", false)], vec![]), phases, windows));
    assert_eq!(verdict.excluded, ["phase down is ramp-down: 1s with 3 requests, not judged"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_worst_window_is_the_worst_of_all_windows(
        seconds in prop::collection::vec((0..6u64, 1..500u64, 0..3u64), 1..40),
        length in 1..12u64,
        ramp in 0..6u64,
    ) {
        let criteria: Vec<_> = [P95, Measure::Mean, Measure::Max, Measure::ErrorRate, Measure::Throughput]
            .into_iter()
            .flat_map(|measure| [held(length, below(measure.clone(), 0.1)), held(length, above(measure, 0.1))])
            .collect();
        let window = |(n, (ok, ms, failed)): (u64, &(u64, u64, u64))| {
            second(n).with(0, OutcomeKind::Ok, *ok, *ms).with(0, OutcomeKind::Failed, *failed, 1)
        };
        let windows: Vec<Window> = (0..).zip(&seconds).map(window).collect();
        let end = seconds.len() as u64 * 1_000;
        let made = |windows: Vec<Window>, criteria: Vec<Criterion>, ramped| {
            run(plan(&[("steady", true)], criteria), vec![phase(0, "steady", 0, Some(ramped), end)], windows)
        };
        let whole = made(windows.clone(), criteria.clone(), ramp * 1_000);
        let verdict = judge(&whole);
        prop_assert_eq!(&live(&whole).0.rows, &verdict.rows);
        // A ramp that is all there is, is judged.
        let first = if ramp * 1_000 < end { ramp as usize } else { 0 };
        let plain: Vec<_> = criteria.iter().map(|criterion| Criterion { hold: None, ..criterion.clone() }).collect();
        // Each window as a run of its own, in a phase of its own length.
        let alone = windows[first..].windows(length as usize).map(|window| {
            let mut one = made(window.to_vec(), plain.clone(), 0);
            one.phases[0].start = window[0].start;
            one.phases[0].ramped = Some(window[0].start);
            one.phases[0].end = Some(window[0].start + Nanos::from_secs(length));
            judge(&one).rows
        });
        let alone: Vec<Vec<Row>> = alone.collect();
        for (index, (row, criterion)) in verdict.rows.iter().zip(criteria).enumerate() {
            let values = alone.iter().filter_map(|rows| rows[index].value);
            let high_is_bad = criterion.target.unwrap().comparison == Comparison::Below;
            let worst = values.reduce(if high_is_bad { f64::max } else { f64::min });
            prop_assert_eq!(row.value, worst, "{} {:?}", row.label, criterion.target);
        }
    }

    #[test]
    fn live_and_afterwards_are_the_same_whatever_the_phases_are(
        spans in prop::collection::vec((0..9_000u64, 0..12_000u64, any::<bool>()), 1..6),
        seconds in prop::collection::vec((0..4usize, 0..5u64, 1..900u64, 0..2u64), 50),
        length in 1..9u64,
    ) {
        let mut start = 0;
        let mut phases = Vec::new();
        for (id, (span, ramped, measured)) in (0..).zip(&spans) {
            let ramped = (ramped < span).then_some(start + ramped);
            phases.push(PhaseMark {
                measured: *measured,
                ..phase(id, &format!("phase {id}"), start, ramped, start + span)
            });
            start += span;
        }
        let windows: Vec<Window> = (0..=start / 1_000 + 2)
            .zip(seconds.iter().cycle())
            .map(|(n, (earlier, ok, ms, failed))| {
                let begun = phases.iter().filter(|phase| phase.start < Nanos::from_secs(n + 1)).count().max(1) - 1;
                // Requests may end phases later than they began.
                let phase = begun.saturating_sub(*earlier) as u16;
                second(n)
                    .with(phase, OutcomeKind::Ok, *ok, *ms)
                    .with(phase, OutcomeKind::Failed, *failed, *ms)
                    .with(begun as u16, OutcomeKind::Ok, *ok, 5)
            })
            .collect();
        let mut criteria: Vec<Criterion> = [P95, Measure::Mean, Measure::ErrorRate, Measure::Throughput]
            .into_iter()
            .flat_map(|measure| {
                [
                    held(length, below(measure.clone(), 0.1)),
                    below(of(Function::Max, measure.clone()), 0.1),
                    below(of(Function::Slope, measure.clone()), 0.1),
                    below(measure, 0.1),
                ]
            })
            .collect();
        criteria.push(below(Measure::Series("process.rss".into(), Unit::Bytes), 5.0));
        criteria.push(held(length, below(Measure::Series("process.rss".into(), Unit::Bytes), 5.0)));
        let names: Vec<_> = phases.iter().map(|phase| (phase.name.as_str(), phase.measured)).collect();
        let mut run = run(plan(&names, criteria), phases.clone(), windows);
        let rss = seconds.iter().map(|(_, value, ..)| (*value > 0).then_some(*value as f64));
        run.series = watched(&mut run.plan, rss);
        prop_assert_eq!(live(&run).0, Verdict { doubts: vec![], ..judge(&run) });
    }
}
