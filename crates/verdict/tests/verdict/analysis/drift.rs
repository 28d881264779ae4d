//! Drifts and leaks: found where there are any, and only there.

use squall_core::{Nanos, OutcomeKind};
use squall_plan::{Monitor, MonitorKind, ProcessTarget, Unit};
use squall_record::{Run, Series};
use squall_verdict::{Drift, analyse};

use super::simulated::{Random, Wander, count, long_tailed, series};
use crate::run::{phase, plan, run, second};

const MB: f64 = 1e6;

/// A steady phase of `secs` seconds after 5 s of ramp, with `series`.
fn steady(secs: u64, series: Vec<Series>, random: &mut Random) -> Run {
    let mut plan = plan(&[("steady", true)], vec![]);
    let kind = MonitorKind::Process(ProcessTarget::Port(8000));
    plan.monitors =
        vec![Monitor::generator(), Monitor { name: "process".into(), interval: Nanos::SECOND, kind }];
    let mut windows: Vec<_> = (0..secs + 5).map(second).collect();
    let mut busy = Wander::new(0.8, random);
    for number in 0..secs + 5 {
        windows[number as usize].users[0] = 20;
        let median = 0.05 * (0.1 * busy.next(random)).exp();
        // About 20 a second, a little more or less.
        for _ in 0..(20.0 + 3.0 * random.normal()).round() as u64 {
            let took = long_tailed(median, random);
            count(&mut windows, 0, number as f64 + random.uniform(), OutcomeKind::Ok, took);
        }
    }
    let mut run = run(plan, vec![phase(0, "steady", 0, Some(5_000), (secs + 5) * 1_000)], windows);
    run.series = series;
    run
}

/// What healthy processes look like: garbage collected in sawteeth, a warm-up that settles, buffers that
/// grow in steps, numbers of things that come and go. `leak` bytes a second are added to its memory.
fn habits(secs: u64, leak: f64, warm_up: f64, random: &mut Random) -> Vec<Series> {
    let total = secs + 5;
    let length = secs as f64;
    let settles = random.between(length / 60.0, length / 15.0);
    let (period, tooth, begin) =
        (random.between(8.0, 40.0), random.between(3.0, 8.0) * MB, random.between(0.0, 40.0));
    let mut noise = Wander::new(0.9, random);
    let mut draw = Random::new(random.uniform().to_bits());
    let rss = series("process.rss", Unit::Bytes, total, |at| {
        let sawtooth = tooth * ((at + begin) / period).fract();
        let warm = warm_up * (1.0 - (-at / settles).exp());
        200.0 * MB + leak * at + warm + sawtooth + 1.5 * MB * noise.next(&mut draw)
    });
    let mut level = 0.0;
    let steps = series("pool.memory", Unit::Bytes, total, |at| {
        // Higher and higher, but ever less often.
        level += if draw.uniform() < 2.0 / (at + 10.0) { 1.0 * MB } else { 0.0 };
        30.0 * MB + level
    });
    // A cache that fills over many minutes and is emptied: three times in the run, or more often.
    let (period, begin) = (random.between(10.0, length / 3.0), random.between(0.0, length));
    let cache = series("cache.memory", Unit::Bytes, total, |at| {
        (200.0 + 30.0 * ((at + begin) / period).fract() + 0.5 * draw.normal()) * MB
    });
    let mut wander = Wander::new(0.95, random);
    let mut count = |name: &str, about: f64, spread: f64| {
        series(name, Unit::Count, total, |_| (about + spread * wander.next(&mut draw)).round())
    };
    let counts = [
        count("process.threads", 16.0, 0.4),
        count("process.fds", 120.0, 6.0),
        count("generator.fds", 40.0, 1.0),
    ];
    let cpu = |name: &str, random: &mut Random| {
        let mut wander = Wander::new(0.7, random);
        series(name, Unit::Share, total, |_| (0.6 + 0.1 * wander.next(random)).max(0.0))
    };
    let mut all = vec![rss, steps, cache, cpu("process.cpu", random), cpu("generator.cpu", random)];
    all.extend(counts);
    all
}

fn drift_of<'a>(drifts: &'a [Drift], name: &str) -> &'a Drift {
    drifts.iter().find(|drift| drift.of == name).unwrap_or_else(|| panic!("{name} in {drifts:?}"))
}

#[test]
fn twenty_runs_without_a_leak_raise_none() {
    for seed in 0..20 {
        let random = &mut Random::new(seed);
        let secs = if seed % 2 == 0 { 1800 } else { 180 };
        let warm_up = random.between(0.0, 80.0) * MB;
        let series = habits(secs, 0.0, warm_up, random);
        let drifts = analyse(&steady(secs, series, random)).drifts;
        let looked_at: Vec<_> = drifts.iter().map(|drift| drift.of.as_str()).collect();
        let expected = [
            "p95",
            "throughput",
            "process.rss",
            "pool.memory",
            "cache.memory",
            "process.cpu",
            "process.threads",
            "process.fds",
        ];
        assert_eq!(looked_at, expected);
        for drift in &drifts {
            assert!(!drift.leak && drift.time_to_limit.is_none(), "seed {seed}, {secs} s: {drift:?}");
            assert!(!drift.significant, "seed {seed}, {secs} s: {drift:?}");
        }
    }
}

#[test]
fn twenty_runs_with_a_leak_tell_how_fast_it_is() {
    let mut covered = 0;
    for seed in 0..20 {
        let random = &mut Random::new(1_000 + seed);
        let secs: u64 = if seed % 2 == 0 { 1800 } else { 180 };
        // 50 to 100 MB over the run, ten times the teeth: enough to be told to a tenth.
        let per_second = random.between(50.0, 100.0) * MB / secs as f64;
        let warm_up = if seed % 4 < 2 { 0.0 } else { 40.0 * MB };
        let series = habits(secs, per_second, warm_up, random);
        let drifts = analyse(&steady(secs, series, random)).drifts;
        let rss = drift_of(&drifts, "process.rss");
        let truth = per_second * 3600.0;
        assert!(rss.leak && rss.significant, "seed {seed}: {rss:?}");
        assert!((rss.slope / truth - 1.0).abs() < 0.1, "seed {seed}, {truth}: {rss:?}");
        covered += u32::from(rss.interval.0 <= truth && truth <= rss.interval.1);
        assert!(
            drifts.iter().all(|drift| drift.of == "process.rss" || !drift.leak),
            "seed {seed}: {drifts:?}"
        );
    }
    // Fewer than 17 of 20 are there once in 60 times when each is there 95 times in 100.
    assert!(covered >= 17, "{covered} of 20 intervals hold the truth");
}

#[test]
fn a_leak_is_said_in_one_sentence_with_the_time_that_is_left() {
    let random = &mut Random::new(3);
    // 36 MB an hour, of 300 MB: 100 MB left at the end of half an hour, of which 18 MB are used up each half hour.
    let rss = series("process.rss", Unit::Bytes, 1805, |at| 200.0 * MB + 0.01 * MB * at);
    let mut run = steady(1800, vec![rss], random);
    run.environment.memory_bytes = 300_000_000;
    let drifts = analyse(&run).drifts;
    let rss = drift_of(&drifts, "process.rss");
    assert!(
        rss.sentence.starts_with("process.rss rises by 36MB/h (95 %: 36MB/h to 36MB/h): a leak, 2h16m")
            && rss.sentence.ends_with(" from the limit of 300MB"),
        "{}",
        rss.sentence
    );
    let left = rss.time_to_limit.unwrap().as_secs_f64();
    assert!((left - 8_195.0).abs() < 60.0, "{left}");
    assert_eq!(drift_of(&drifts, "p95").sentence, "p95: no trend");
}

#[test]
fn descriptors_that_are_never_closed_are_a_leak_too() {
    let random = &mut Random::new(4);
    let fds = series("process.fds", Unit::Count, 185, |at| (100.0 + at / 3.0).floor());
    let drifts = analyse(&steady(180, vec![fds], random)).drifts;
    let fds = drift_of(&drifts, "process.fds");
    assert!(fds.leak && fds.time_to_limit.is_none(), "{fds:?}");
    assert!((fds.slope - 1200.0).abs() < 20.0, "{fds:?}");
}

#[test]
fn a_warm_up_that_takes_a_third_of_the_run_is_no_leak() {
    for seed in 0..10 {
        let random = &mut Random::new(50 + seed);
        let secs = if seed % 2 == 0 { 1800 } else { 180 };
        let mut noise = Wander::new(0.5, random);
        let mut draw = Random::new(seed);
        let share = 3.0 + seed as f64;
        let rss = series("process.rss", Unit::Bytes, secs + 5, |at| {
            let settled = 1.0 - (-at / (secs as f64 / share)).exp();
            (100.0 + 60.0 * settled + 0.5 * noise.next(&mut draw)) * MB
        });
        let drifts = analyse(&steady(secs, vec![rss], random)).drifts;
        let rss = drift_of(&drifts, "process.rss");
        assert!(!rss.leak, "seed {seed}: {rss:?}");
    }
}

#[test]
fn a_trend_of_response_times_is_found_and_is_no_leak() {
    let random = &mut Random::new(5);
    let mut run = steady(600, vec![], random);
    let mut windows: Vec<_> = (0..605).map(second).collect();
    for number in 0..605u64 {
        windows[number as usize].users[0] = 20;
        for _ in 0..20 {
            let took = long_tailed(0.05 + 0.05 * number as f64 / 600.0, random);
            count(&mut windows, 0, number as f64 + random.uniform(), OutcomeKind::Ok, took);
        }
    }
    run.windows = windows;
    let drifts = analyse(&run).drifts;
    let p95 = drift_of(&drifts, "p95");
    assert!(p95.significant && !p95.leak && p95.slope > 0.0, "{p95:?}");
    assert!(p95.sentence.starts_with("p95 rises by "), "{}", p95.sentence);
    assert!(!drift_of(&drifts, "throughput").significant);
}

#[test]
fn a_change_too_small_to_matter_is_not_raised() {
    let random = &mut Random::new(6);
    // 400 kB in half an hour, as exact as it can be.
    let rss = series("process.rss", Unit::Bytes, 1805, |at| 20.0 * MB + 222.0 * at);
    let drifts = analyse(&steady(1800, vec![rss], random)).drifts;
    let rss = drift_of(&drifts, "process.rss");
    assert!(rss.p_value < 0.001 && !rss.significant && !rss.leak, "{rss:?}");
    assert_eq!(rss.sentence, "process.rss: no trend that matters");
}

#[test]
fn a_short_hold_a_warm_up_phase_and_a_blind_monitor_say_nothing() {
    let random = &mut Random::new(7);
    let rss = |secs| series("process.rss", Unit::Bytes, secs, |at| (200.0 + at) * MB);
    assert_eq!(analyse(&steady(55, vec![rss(60)], random)).drifts, []);
    let mut warm = steady(600, vec![rss(605)], random);
    warm.phases[0].measured = false;
    assert_eq!(analyse(&warm).drifts, []);
    let mut blind = steady(600, vec![rss(605)], random);
    blind.series[0].samples.iter_mut().skip(20).for_each(|point| point.value = None);
    let drifts = analyse(&blind).drifts;
    assert!(drifts.iter().all(|drift| drift.of != "process.rss"), "{drifts:?}");
}
