//! What a terminal shows while a run goes on: Locust's table every two seconds and, on a terminal, a bar that
//! runs to the end of the run. Fed with finished windows; it touches nothing of the load path and owns no thread.

use std::io;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use squall_core::Nanos;
use squall_plan::Plan;
use squall_stats::locust::per_second;
use squall_stats::{Iterations, Window};

use super::locust::{Rates, name_width, requests};
use super::screen::Screen;
use crate::tally::{Keep, Tally};

/// Time between two tables, as Locust has it.
const TABLE_EVERY: Nanos = Nanos::from_secs(2);

/// How a run is shown while it goes on.
#[derive(Clone, Copy, Debug, Default)]
pub struct LiveOptions {
    /// Standard error is a terminal: show a bar.
    pub tty: bool,
    /// Width of the terminal in columns; `None` without one.
    pub columns: Option<u16>,
    /// No tables until the end (`--only-summary`).
    pub only_summary: bool,
}

/// The live view of a run.
#[derive(Debug)]
pub struct Live {
    screen: Screen,
    tally: Tally,
    tables: bool,
    name_width: usize,
    next_table: Nanos,
    bar: Option<ProgressBar>,
    run_time: Option<Nanos>,
    phase: String,
    /// Phases with an arrival rate.
    open: Vec<String>,
    arrivals: Arrivals,
}

/// Task iterations of the last window, per second.
#[derive(Clone, Copy, Debug, Default)]
struct Arrivals {
    offered: f64,
    dropped: f64,
}

impl Live {
    /// Begin: shows the empty table and the bar.
    ///
    /// # Errors
    /// Those of the screen's sink.
    pub fn new(plan: &Plan, options: LiveOptions, screen: Screen) -> io::Result<Self> {
        let target = options.tty.then(ProgressDrawTarget::stderr);
        Self::with_target(plan, options, screen, target)
    }

    fn with_target(
        plan: &Plan,
        options: LiveOptions,
        screen: Screen,
        target: Option<ProgressDrawTarget>,
    ) -> io::Result<Self> {
        let run_time = plan.load.run_time();
        let bar = target.map(|target| {
            let length = run_time.map(|time| time.0 / 1_000_000);
            let template = if length.is_some() { "{bar:24} {wide_msg}" } else { "{wide_msg}" };
            let style = ProgressStyle::with_template(template).expect("the template is a constant");
            let bar = ProgressBar::with_draw_target(length, target).with_style(style.progress_chars("━╸─"));
            bar.set_message("starting");
            bar
        });
        screen.set_bar(bar.clone());
        let mut live = Self {
            screen,
            tally: Tally::new(plan, Keep::Rates),
            tables: !options.only_summary,
            name_width: name_width(options.columns),
            next_table: TABLE_EVERY,
            bar,
            run_time,
            phase: plan.load.phases.first().map_or_else(String::new, |phase| phase.name.clone()),
            open: plan.load.phases.iter().filter(|p| p.arrivals.is_some()).map(|p| p.name.clone()).collect(),
            arrivals: Arrivals::default(),
        };
        live.table()?;
        Ok(live)
    }

    /// A phase begins.
    pub fn phase(&mut self, name: &str) {
        name.clone_into(&mut self.phase);
        self.draw();
    }

    /// The statistics are reset at `at` of the run: its window is the first that counts.
    pub fn reset(&mut self, at: Nanos) {
        self.tally.reset(at);
    }

    /// A second is over.
    ///
    /// # Errors
    /// Those of the screen's sink.
    pub fn push(&mut self, window: &Window) -> io::Result<()> {
        self.tally.push(window);
        let mut sum = Iterations::default();
        window.iterations().for_each(|(.., counts)| sum.merge(counts));
        self.arrivals = Arrivals {
            offered: per_second(sum.offered, window.span),
            dropped: per_second(sum.dropped, window.span),
        };
        self.draw();
        if self.tally.end() >= self.next_table {
            self.next_table = self.tally.end() + TABLE_EVERY;
            self.table()?;
        }
        Ok(())
    }

    /// The run is over: take the bar away. Tables of the whole run come from its record.
    pub fn finish(self) {
        self.screen.set_bar(None);
    }

    fn table(&mut self) -> io::Result<()> {
        if !self.tables {
            return Ok(());
        }
        let mut table = requests(&self.tally, Rates::Current, self.name_width);
        if let Some(arrivals) = self.arrivals() {
            table += &format!("{arrivals}\n\n");
        }
        self.screen.print(&table)
    }

    /// The rate at which iterations arrive, while they come by themselves.
    fn arrivals(&self) -> Option<String> {
        let Arrivals { offered, dropped } = self.arrivals;
        let open = self.open.contains(&self.phase);
        open.then(|| format!("{offered:.1} arrivals/s · {dropped:.1} dropped/s"))
    }

    fn draw(&self) {
        let Some(bar) = &self.bar else { return };
        let total = self.tally.total();
        let (rate, failing) = self.tally.current_rates(total);
        let elapsed = Nanos::from_secs(self.tally.end().whole_secs());
        let time = match self.run_time {
            Some(all) => format!("{elapsed} / {all}"),
            None => elapsed.to_string(),
        };
        let users = self.tally.users();
        let arrivals = self.arrivals().map_or_else(String::new, |arrivals| format!(" · {arrivals}"));
        bar.set_message(format!(
            "{time} · {} · {users} users · {rate:.1} req/s · {failing:.1} failures/s{arrivals}",
            self.phase
        ));
        bar.set_position(self.tally.end().0 / 1_000_000);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use indicatif::InMemoryTerm;
    use squall_core::{EndpointId, OutcomeKind, PhaseId, UserClassId};
    use squall_plan::{Endpoint, HttpSettings, Load, PhasePlan};
    use squall_stats::{CellKey, PageReserve, Sample};

    use super::*;

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Shared {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    fn plan() -> Plan {
        Plan {
            faults: Vec::new(),
            monitors: Vec::new(),
            name: "s".into(),
            profile: None,
            host: "http://h".into(),
            seed: 1,
            http: HttpSettings::default(),
            feeds: vec![],
            auths: vec![],
            classes: vec![],
            endpoints: vec![Endpoint { method: "GET".into(), name: "/ok".into() }],
            load: Load {
                phases: vec![PhasePlan {
                    name: "steady".into(),
                    users: 3,
                    spawn_rate: 1.0,
                    run_time: Some(Nanos::from_secs(60)),
                    measured: true,
                    arrivals: None,
                }],
                stop_timeout: Nanos::ZERO,
            },
            criteria: vec![],
            pending: vec![],
        }
    }

    fn second(seq: u64, requests: u64) -> Window {
        let start = Nanos::from_secs(seq);
        let mut window = Window::new(1, 0);
        (window.seq, window.start, window.span) = (seq, start, Nanos::SECOND);
        window.users[0] = 3;
        let key = CellKey {
            phase: PhaseId(0),
            class: UserClassId(0),
            endpoint: EndpointId(0),
            outcome: OutcomeKind::Ok,
        };
        for _ in 0..requests {
            let sample = Sample { response: Nanos::from_millis(7), ..Sample::default() };
            window.cell_mut(key).record(&sample, &mut PageReserve::default());
        }
        window
    }

    #[test]
    fn a_table_appears_every_two_seconds_and_never_with_only_summary() {
        for (only_summary, tables) in [(false, 4), (true, 0)] {
            let sink = Shared::default();
            let options = LiveOptions { only_summary, ..LiveOptions::default() };
            let mut live = Live::new(&plan(), options, Screen::new(sink.clone())).unwrap();
            (0..6).for_each(|seq| live.push(&second(seq, 5)).unwrap());
            live.finish();
            assert_eq!(sink.text().matches("Type     Name").count(), tables);
        }
    }

    #[test]
    fn current_rates_fall_to_zero_when_the_target_stalls() {
        let sink = Shared::default();
        let mut live = Live::new(&plan(), LiveOptions::default(), Screen::new(sink.clone())).unwrap();
        (0..20).for_each(|seq| live.push(&second(seq, 5)).unwrap());
        assert!(sink.text().contains("|    5.00        0.00\n"), "{}", sink.text());
        (20..34).for_each(|seq| live.push(&second(seq, 0)).unwrap());
        let last = sink.text().lines().rfind(|line| line.contains("Aggregated")).unwrap().to_owned();
        assert!(last.ends_with("|    0.00        0.00"), "{last}");
        assert!(last.contains("    100     0(0.00%) |      7       7       7      7"), "{last}");
    }

    #[test]
    fn an_open_phase_shows_how_many_arrive_and_how_many_are_given_up() {
        let sink = Shared::default();
        let mut plan = plan();
        let segment = squall_plan::RateSegment { from: 50.0, to: 50.0, span: None };
        let spacing = squall_plan::Spacing::Uniform;
        plan.load.phases[0].arrivals = Some(squall_plan::ArrivalPlan { segments: vec![segment], spacing });
        let mut live = Live::new(&plan, LiveOptions::default(), Screen::new(sink.clone())).unwrap();
        for seq in 0..2 {
            let mut window = second(seq, 5);
            *window.iterations_mut(PhaseId(0), UserClassId(0)) =
                Iterations { offered: 50, started: 48, completed: 48, dropped: 2 };
            live.push(&window).unwrap();
        }
        assert!(sink.text().contains("\n50.0 arrivals/s · 2.0 dropped/s\n"), "{}", sink.text());
        live.phase("closed");
        let before = sink.text().len();
        (2..4).for_each(|seq| live.push(&second(seq, 5)).unwrap());
        assert!(!sink.text()[before..].contains("arrivals"), "users set the pace now");
    }

    #[test]
    fn the_bar_stays_below_lines_printed_above_it() {
        let sink = Shared::default();
        let terminal = InMemoryTerm::new(10, 100);
        let target = ProgressDrawTarget::term_like(Box::new(terminal.clone()));
        let screen = Screen::new(sink.clone());
        let options = LiveOptions { tty: true, only_summary: true, columns: Some(100) };
        let mut live = Live::with_target(&plan(), options, screen.clone(), Some(target)).unwrap();
        live.push(&second(0, 5)).unwrap();
        screen.print("a line of the log\n").unwrap();
        live.phase("cool-down");
        live.push(&second(1, 5)).unwrap();
        live.bar.as_ref().unwrap().force_draw();
        let foot = terminal.contents();
        assert!(foot.contains("2s / 1m · cool-down · 3 users"), "{foot}");
        assert_eq!(sink.text(), "a line of the log\n");
        live.finish();
        assert_eq!(terminal.contents(), "");
    }
}
