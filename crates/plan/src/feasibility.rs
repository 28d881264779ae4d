//! What a plan can reach at best: users who wait cannot make more requests than their waits allow, however fast the
//! server answers (Little's law with a response time of zero, or with one that was seen), and arrivals cannot make more
//! than arrive.
//!
//! Everything here is an upper bound. Tasks skipped for what they need count as run, ramps as finished, arrivals as
//! served.

use serde::Serialize;
use squall_core::{EndpointId, Nanos};

use crate::pace::{ClassPace, arrival_shares, class_pace, users_by_class};
use crate::{ArrivalPlan, Comparison, Criterion, Function, Level, Measure, Plan};

/// What a plan can reach at best.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Feasibility {
    /// The pace of each class; the position is the `UserClassId`.
    pub classes: Vec<ClassPace>,
    /// What each phase can reach.
    pub phases: Vec<PhaseCeiling>,
    /// Share of each endpoint among all requests of the largest phase; the position is the `EndpointId`.
    pub shares: Vec<f64>,
    /// Each criterion on throughput against what can be reached.
    pub checks: Vec<ThroughputCheck>,
}

impl Feasibility {
    /// Can every criterion on throughput be met?
    pub fn possible(&self) -> bool {
        self.checks.iter().all(|check| check.possible)
    }
}

/// What a phase can reach.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PhaseCeiling {
    /// The phase.
    pub name: String,
    /// Users at the end of its ramp.
    pub users: u32,
    /// The same by class; the position is the `UserClassId`.
    pub users_by_class: Vec<u32>,
    /// Open model: mean arrivals of tasks per second. Waits between tasks and the number of users are then no ceiling.
    pub arrivals: Option<f64>,
    /// Most requests per second; infinite (JSON: null) when a class does not wait.
    pub ceiling: f64,
}

/// A criterion on throughput against what can be reached.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ThroughputCheck {
    /// Position in `Plan::criteria`.
    pub criterion: usize,
    /// Most requests per second within its scope; infinite (JSON: null) when a class does not wait.
    pub ceiling: f64,
    /// Can the target be met, or where there is none what is acceptable, or where that is missing too, can
    /// the failure be avoided?
    pub possible: bool,
    /// Can what is acceptable be met? `None` when the criterion does not say.
    pub acceptable_possible: Option<bool>,
    /// The arithmetic, in a sentence.
    pub text: String,
}

/// What `plan` can reach at best, before any load.
pub fn feasibility(plan: &Plan) -> Feasibility {
    feasibility_with(plan, &[])
}

/// What `plan` can reach when a request of each class takes at least as long as `latency` says, in seconds; the position
/// is the `UserClassId`. What is missing or no positive number counts as nothing.
pub fn feasibility_with(plan: &Plan, latency: &[f64]) -> Feasibility {
    let best =
        |class: usize| latency.get(class).copied().filter(|t| t.is_finite() && *t > 0.0).unwrap_or(0.0);
    let classes: Vec<ClassPace> =
        plan.classes.iter().enumerate().map(|(index, class)| class_pace(class, best(index))).collect();
    let arriving = arrival_shares(&plan.classes);
    let phases: Vec<PhaseCeiling> = plan
        .load
        .phases
        .iter()
        .map(|phase| {
            let users_by_class = users_by_class(plan, phase.users);
            let arrivals = phase.arrivals.as_ref().map(ArrivalPlan::mean);
            let ceiling = match arrivals {
                Some(rate) => {
                    let each = arriving.iter().zip(&classes);
                    each.map(|(share, pace)| rate * share * pace.requests_per_iteration).sum()
                }
                None => total(&users_by_class, |class| classes[class].per_user),
            };
            PhaseCeiling { name: phase.name.clone(), users: phase.users, users_by_class, arrivals, ceiling }
        })
        .collect();
    let shares = shares(plan, &classes, &phases, &arriving);
    let answers = (0..classes.len()).any(|class| best(class) > 0.0);
    let ceilings = Ceilings { plan, classes: &classes, phases: &phases, arriving: &arriving, answers };
    let criteria = plan.criteria.iter().enumerate();
    let checks = criteria
        .filter(|(_, criterion)| is_throughput(&criterion.measure))
        .map(|(index, criterion)| ceilings.check(index, criterion))
        .collect();
    Feasibility { classes, phases, shares, checks }
}

/// Is a measure bounded by the mean of what can be reached? The highest throughput of a few seconds is not.
fn is_throughput(measure: &Measure) -> bool {
    match measure {
        Measure::Of(Function::Mean | Function::Min, of) => **of == Measure::Throughput,
        measure => *measure == Measure::Throughput,
    }
}

/// Sum over classes of users × the rate of one; no users make no requests, however fast one would be.
fn total(users: &[u32], rate: impl Fn(usize) -> f64) -> f64 {
    users.iter().enumerate().filter(|(_, n)| **n > 0).map(|(class, n)| f64::from(*n) * rate(class)).sum()
}

fn shares(plan: &Plan, classes: &[ClassPace], phases: &[PhaseCeiling], arriving: &[f64]) -> Vec<f64> {
    let mut shares = vec![0.0; plan.endpoints.len()];
    let Some(largest) = phases.iter().max_by_key(|p| p.users) else { return shares };
    for (index, class) in classes.iter().enumerate() {
        let users = f64::from(largest.users_by_class[index]);
        let rates = match largest.arrivals {
            Some(_) => &class.endpoints_per_iteration,
            None => &class.by_endpoint,
        };
        for (endpoint, rate) in rates {
            shares[endpoint.index()] += match largest.arrivals {
                Some(_) => arriving[index] * rate,
                None if rate.is_finite() => users * rate,
                // Without waits only the proportions within the class are known, so each such user counts as one
                // request a second.
                None => users / rates.len() as f64,
            };
        }
    }
    let sum: f64 = shares.iter().sum();
    if sum > 0.0 {
        shares.iter_mut().for_each(|share| *share /= sum);
    }
    shares
}

/// What criteria are checked against.
struct Ceilings<'p> {
    plan: &'p Plan,
    classes: &'p [ClassPace],
    phases: &'p [PhaseCeiling],
    /// The share of each class among arrivals.
    arriving: &'p [f64],
    /// Answers take time, as was seen.
    answers: bool,
}

impl Ceilings<'_> {
    fn check(&self, index: usize, criterion: &Criterion) -> ThroughputCheck {
        let judged: Vec<usize> = match criterion.scope.phase {
            Some(phase) => vec![phase],
            None => (0..self.phases.len()).filter(|p| self.plan.load.phases[*p].measured).collect(),
        };
        let ceilings: Vec<f64> = judged.iter().map(|p| self.ceiling(*p, criterion)).collect();
        let ceiling = self.average(&judged, &ceilings);
        let reaches = |level: Option<Level>| level.map(|level| reachable(level, ceiling));
        let acceptable_possible = reaches(criterion.acceptable);
        // A failure that any reachable throughput meets cannot be avoided.
        let avoidable = criterion.failure.map(|f| match f.comparison {
            Comparison::Below => ceiling >= f.value,
            Comparison::AtMost => ceiling > f.value,
            Comparison::Above | Comparison::AtLeast => true,
        });
        let possible = reaches(criterion.target).or(acceptable_possible).or(avoidable).unwrap_or(true);
        let sum = self.arithmetic(&judged, &ceilings, ceiling, criterion);
        let text = format!("{sum}; {}", self.demand(criterion, &judged, ceiling, possible));
        ThroughputCheck { criterion: index, ceiling, possible, acceptable_possible, text }
    }

    /// Most requests per second of a phase within the scope of a criterion.
    fn ceiling(&self, phase: usize, criterion: &Criterion) -> f64 {
        let Some(phase) = self.phases.get(phase) else { return 0.0 };
        match phase.arrivals {
            Some(rate) => (0..self.classes.len())
                .map(|class| self.arriving(class, rate) * self.each(class, criterion))
                .sum(),
            None => total(&phase.users_by_class, |class| self.rate(class, criterion)),
        }
    }

    /// Tasks of a class that arrive per second, of `rate` altogether.
    fn arriving(&self, class: usize, rate: f64) -> f64 {
        rate * self.arriving[class]
    }

    /// Requests of one task of a class within the scope of a criterion.
    fn each(&self, class: usize, criterion: &Criterion) -> f64 {
        let pace = &self.classes[class];
        scoped(criterion, class, pace.requests_per_iteration, &pace.endpoints_per_iteration)
    }

    /// Most requests per second of one user of a class within the scope of a criterion.
    fn rate(&self, class: usize, criterion: &Criterion) -> f64 {
        let pace = &self.classes[class];
        scoped(criterion, class, pace.per_user, &pace.by_endpoint)
    }

    /// Over the time of the phases; a phase without an end decides alone.
    fn average(&self, judged: &[usize], ceilings: &[f64]) -> f64 {
        let times: Option<Vec<f64>> =
            judged.iter().map(|p| self.plan.load.phases.get(*p)?.run_time.map(Nanos::as_secs_f64)).collect();
        match times {
            Some(times) if times.iter().sum::<f64>() > 0.0 => {
                let sum: f64 = times.iter().zip(ceilings).map(|(time, ceiling)| time * ceiling).sum();
                sum / times.iter().sum::<f64>()
            }
            _ => ceilings.last().copied().unwrap_or(0.0),
        }
    }

    fn arithmetic(&self, judged: &[usize], ceilings: &[f64], ceiling: f64, criterion: &Criterion) -> String {
        let [only] = judged else {
            let parts: Vec<String> = judged
                .iter()
                .zip(ceilings)
                .map(|(phase, ceiling)| format!("{} {}/s", self.phases[*phase].name, short(*ceiling)))
                .collect();
            return format!(
                "the phases that count can make at most {} requests/s on average{} ({})",
                short(ceiling),
                self.even_if(),
                parts.join(", ")
            );
        };
        let Some(phase) = self.phases.get(*only) else { return "no phase counts".to_owned() };
        if let Some(rate) = phase.arrivals {
            return self.arithmetic_of_arrivals(rate, ceiling, criterion);
        }
        if ceiling.is_infinite() {
            return format!("{} users who do not wait have no ceiling of their own", phase.users);
        }
        let mut parts = Vec::new();
        for (class, users) in phase.users_by_class.iter().enumerate().filter(|(_, users)| **users > 0) {
            let rate = self.rate(class, criterion);
            if rate > 0.0 {
                let pace = &self.classes[class];
                let requests = rate * pace.iteration_secs;
                let times = if (requests - 1.0).abs() < 1e-9 {
                    String::new()
                } else {
                    format!(" × {}", short(requests))
                };
                let (name, time) = (&pace.name, trimmed(&format!("{:.3}", pace.iteration_secs)));
                let sum = short(f64::from(*users) * rate);
                parts.push(format!("{users} {name}{times} / {time} s = {sum}/s"));
            }
        }
        format!(
            "{} users can make at most {} requests/s{} ({})",
            phase.users,
            short(ceiling),
            self.even_if(),
            if parts.is_empty() { "nobody makes such requests".to_owned() } else { parts.join(", ") }
        )
    }

    fn arithmetic_of_arrivals(&self, rate: f64, ceiling: f64, criterion: &Criterion) -> String {
        let mut parts = Vec::new();
        for (class, pace) in self.classes.iter().enumerate() {
            let (arriving, each) = (self.arriving(class, rate), self.each(class, criterion));
            if arriving * each > 0.0 {
                let arriving_text = format!("{}/s {}", short(arriving), pace.name);
                parts.push(if (each - 1.0).abs() < 1e-9 {
                    arriving_text
                } else {
                    format!("{arriving_text} × {} = {}/s", short(each), short(arriving * each))
                });
            }
        }
        format!(
            "{} arrivals/s on average make at most {} requests/s, even if every one is served ({})",
            short(rate),
            short(ceiling),
            if parts.is_empty() { "nobody makes such requests".to_owned() } else { parts.join(", ") }
        )
    }

    fn even_if(&self) -> &'static str {
        if self.answers {
            " with answers as fast as they came"
        } else {
            ", even if the server answers in no time"
        }
    }

    fn demand(&self, criterion: &Criterion, judged: &[usize], ceiling: f64, possible: bool) -> String {
        let unit = criterion.measure.unit();
        let (name, level) = match (criterion.target, criterion.acceptable, criterion.failure) {
            (Some(level), _, _) => ("the target is", level),
            (None, Some(level), _) => ("acceptable is", level),
            (None, None, Some(level)) => ("a failure is", level),
            (None, None, None) => return "no level is given".to_owned(),
        };
        let mut text = format!("{name} {}", level.display(unit));
        if let ([only], false) = (judged, possible)
            && let Some(phase) = self.phases.get(*only)
            && ceiling > 0.0
        {
            // The mix stays the same, so requests grow with users, or with arrivals.
            match phase.arrivals {
                Some(rate) => {
                    let needed = (level.value / ceiling * rate * 10.0).ceil() / 10.0;
                    text += &format!(", which takes more than {} arrivals/s", short(needed));
                }
                None => {
                    let needed = (level.value / ceiling * f64::from(phase.users)).floor() + 1.0;
                    text += &format!(", which takes at least {needed} users");
                }
            }
        }
        text
    }
}

/// What counts of a class within the scope of a criterion: `all`, or that of its endpoint.
fn scoped(criterion: &Criterion, class: usize, all: f64, by_endpoint: &[(EndpointId, f64)]) -> f64 {
    if criterion.scope.class.is_some_and(|only| only.index() != class) {
        return 0.0;
    }
    match criterion.scope.endpoint {
        None => all,
        Some(only) => by_endpoint.iter().find(|(id, _)| *id == only).map_or(0.0, |(_, of)| *of),
    }
}

/// Can a throughput between nothing and `ceiling` meet `level`?
fn reachable(level: Level, ceiling: f64) -> bool {
    match level.comparison {
        Comparison::Above => ceiling > level.value,
        Comparison::AtLeast => ceiling >= level.value,
        Comparison::Below | Comparison::AtMost => true,
    }
}

/// With one decimal, unless it is zero.
fn short(value: f64) -> String {
    trimmed(&format!("{value:.1}"))
}

/// Without the zeros at the end of its decimals.
fn trimmed(text: &str) -> String {
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
