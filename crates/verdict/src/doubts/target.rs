//! More throughput is asked for than the users can make.
//!
//! By Little's law N = X · (R + Z), in the form of the interactive response time law (Denning & Buzen 1978, *The Operational
//! Analysis of Queueing Network Models*, § 5): N users who think for Z on average between requests that take R on average make
//! X = N / (R + Z) requests a second. R is at least zero, and at least the fastest answer that was seen: a bound that
//! only a server faster than this one ever was could break.

use squall_core::{EndpointId, Nanos, OutcomeKind};
use squall_plan::{
    Comparison, Criterion, Level, Measure, PhasePlan, Step, Unit, UserClass, Wait, users_by_class,
};
use squall_record::PhaseMark;

use super::{Doubt, DoubtKind, Facts, Findings};
use crate::Standing;

/// The fastest answer of each endpoint in seconds; zero where there was none.
type Fastest = Vec<f64>;

pub(super) fn impossible(facts: &Facts<'_>) -> Option<Doubt> {
    let mut findings = Findings::default();
    let at_once = vec![0.0; facts.run.plan.endpoints.len()];
    let fastest = fastest(facts);
    let asked = facts
        .rows
        .iter()
        .filter(|row| row.criterion.measure == Measure::Throughput && row.standing != Standing::Pass);
    for row in asked {
        let Some((what, level)) = least(&row.criterion) else { continue };
        for (answers, how) in
            [(&at_once, "came at once"), (&fastest, "took no longer than the fastest of this run")]
        {
            let Some(ceiling) = ceiling(facts, &row.criterion, answers) else { continue };
            let reached = match level.comparison {
                Comparison::Above => ceiling > level.value,
                _ => ceiling >= level.value,
            };
            if !reached {
                findings.suspect(format!(
                    "{} {what} {}, but {} can make at most {} if every answer {how}.",
                    row.label,
                    level.display(Unit::PerSecond),
                    who(facts, &row.criterion),
                    Unit::PerSecond.display(ceiling),
                ));
                break;
            }
        }
    }
    findings.doubt(DoubtKind::TargetImpossible)
}

/// The least throughput that would do, as a level from below.
fn least(criterion: &Criterion) -> Option<(&'static str, Level)> {
    let from_below =
        |level: Level| matches!(level.comparison, Comparison::Above | Comparison::AtLeast).then_some(level);
    let (what, level) = match (criterion.target, criterion.acceptable, criterion.failure) {
        (Some(target), _, _) => ("should be", from_below(target)),
        (None, Some(acceptable), _) => ("is acceptable when", from_below(acceptable)),
        (None, None, failure) => ("must be", failure.and_then(opposite)),
    };
    Some((what, level?))
}

/// What avoids a failure.
fn opposite(failure: Level) -> Option<Level> {
    let comparison = match failure.comparison {
        Comparison::Below => Comparison::AtLeast,
        Comparison::AtMost => Comparison::Above,
        Comparison::Above | Comparison::AtLeast => return None,
    };
    Some(Level { comparison, ..failure })
}

fn fastest(facts: &Facts<'_>) -> Fastest {
    let mut fastest = vec![Nanos::MAX; facts.run.plan.endpoints.len()];
    for (key, cell) in facts.run.windows.iter().flat_map(|window| window.cells()) {
        if key.outcome == OutcomeKind::Ok
            && let Some(least) = fastest.get_mut(key.endpoint.index())
        {
            *least = cell.response_min.min(*least);
        }
    }
    fastest.into_iter().map(|least| if least == Nanos::MAX { 0.0 } else { least.as_secs_f64() }).collect()
}

/// Phases a criterion looks at, with the time each is judged.
fn phases<'a>(facts: &'a Facts<'_>, criterion: &Criterion) -> Vec<(&'a PhaseMark, f64)> {
    let planned = criterion.scope.phase.and_then(|index| facts.run.plan.load.phases.get(index));
    let wanted = |phase: &&PhaseMark| planned.map_or(phase.measured, |planned| planned.name == phase.name);
    let timed = |phase| {
        let (start, end) = facts.stretch(phase)?;
        Some((phase, end.since(start).as_secs_f64()))
    };
    facts.run.phases.iter().filter(wanted).filter_map(timed).collect()
}

/// Most requests per second over the judged time; `None` without any.
fn ceiling(facts: &Facts<'_>, criterion: &Criterion, answers: &Fastest) -> Option<f64> {
    let phases = phases(facts, criterion);
    let time: f64 = phases.iter().map(|(_, time)| time).sum();
    let requests: f64 = phases
        .iter()
        .map(|(phase, time)| time * ceiling_of(facts, phase, facts.planned(phase), criterion, answers))
        .sum();
    (time > 0.0).then(|| requests / time)
}

fn ceiling_of(
    facts: &Facts<'_>,
    phase: &PhaseMark,
    planned: Option<&PhasePlan>,
    criterion: &Criterion,
    answers: &Fastest,
) -> f64 {
    let plan = &facts.run.plan;
    let users = users_by_class(plan, phase.users);
    let weights: f64 = plan.classes.iter().map(|class| class.weight).sum();
    let arrivals = planned.and_then(|planned| planned.arrivals.as_ref());
    let mut sum = 0.0;
    for (index, (class, users)) in plan.classes.iter().zip(users).enumerate() {
        let turn = Turn::of(class, criterion.scope.endpoint, answers);
        if criterion.scope.class.is_some_and(|only| only.index() != index) || turn.requests == 0.0 {
            continue;
        }
        let turns = match arrivals {
            // Users of the open model do not set the pace. Whether they are enough is told by what was dropped.
            Some(arrivals) if weights > 0.0 => arrivals.mean() * class.weight / weights,
            _ if users == 0 => 0.0,
            _ => f64::from(users) / turn.seconds(class),
        };
        sum += turns * turn.requests;
    }
    sum
}

/// One turn of a user, on average over its tasks.
struct Turn {
    /// Requests within the scope.
    requests: f64,
    /// Waits between the steps.
    thinking: f64,
    /// Time of all answers.
    answering: f64,
}

impl Turn {
    fn of(class: &UserClass, endpoint: Option<EndpointId>, answers: &Fastest) -> Self {
        let weights: f64 = class.tasks.iter().map(|task| f64::from(task.weight)).sum();
        let mut turn = Self { requests: 0.0, thinking: 0.0, answering: 0.0 };
        for task in &class.tasks {
            let share = f64::from(task.weight) / weights;
            for step in &task.steps {
                match step {
                    Step::Wait(wait) => turn.thinking += share * wait.mean_secs(),
                    Step::Request(request) => {
                        turn.answering +=
                            share * answers.get(request.endpoint.index()).copied().unwrap_or(0.0);
                        if endpoint.is_none_or(|only| only == request.endpoint) {
                            turn.requests += share;
                        }
                    }
                }
            }
        }
        turn
    }

    /// From the begin of a turn to the begin of the next.
    fn seconds(&self, class: &UserClass) -> f64 {
        let busy = self.thinking + self.answering;
        match class.wait {
            Wait::Pacing(pace) => pace.as_secs_f64().max(busy),
            wait => wait.mean_secs() + busy,
        }
    }
}

fn who(facts: &Facts<'_>, criterion: &Criterion) -> String {
    match phases(facts, criterion).as_slice() {
        [(phase, _)] => match facts.planned(phase).and_then(|planned| planned.arrivals.as_ref()) {
            Some(arrivals) => {
                format!("{} tasks that begin a second", Unit::Count.display(arrivals.mean()))
            }
            None => format!("{} users with their waits", phase.users),
        },
        _ => "the phases that count".to_owned(),
    }
}
