//! The result of a comparison as one sentence, and its figures as people write them.

use super::{Change, Comparison, Finding, MIN_SECS, Metric, Subject, deciding};

/// Which finding is told first: what fails, then what is slow at the tail, then the rest.
const TELLING: [Metric; 6] =
    [Metric::ErrorRate, Metric::P95, Metric::P50, Metric::P99, Metric::Mean, Metric::Throughput];

/// What is shown as −100 %.
const ALL: f64 = 0.9995;
/// A factor of which nobody learns anything.
const THOUSANDFOLD: f64 = 999.0;

impl Change {
    /// The difference: `+12.3%`, `−0.4 points`.
    pub fn difference_text(&self) -> String {
        let unit = if self.metric.is_relative() { "%" } else { " points" };
        format!("{}{unit}", self.signed(self.difference))
    }

    /// Its 95 % interval: `+9.8 … +14.6%`; `unknown` when it says nothing.
    pub fn interval_text(&self) -> String {
        if self.is_unbounded() {
            return "unknown".to_owned();
        }
        let unit = if self.metric.is_relative() { "%" } else { " points" };
        format!("{} … {}{unit}", self.signed(self.interval.0), self.signed(self.interval.1))
    }

    /// Is all there is within the interval, or as good as all?
    fn is_unbounded(&self) -> bool {
        let (low, high) = self.interval;
        let most = if self.metric.is_relative() { THOUSANDFOLD } else { 1.0 };
        low.is_nan() || high.is_nan() || (low <= -ALL && high >= most)
    }

    /// In hundredths, with as many decimals as they are small.
    fn signed(&self, value: f64) -> String {
        let hundredths = value * 100.0;
        let decimals = match hundredths.abs() {
            _ if !self.metric.is_relative() => 2,
            size if size < 99.95 => 1,
            _ => 0,
        };
        let digits =
            if hundredths.is_finite() { format!("{:.decimals$}", hundredths.abs()) } else { "∞".into() };
        let nothing = digits.chars().all(|c| matches!(c, '0' | '.'));
        let sign = match hundredths {
            _ if nothing => "",
            value if value < 0.0 => "−",
            _ => "+",
        };
        format!("{sign}{digits}")
    }
}

pub(super) fn sentence(comparison: &Comparison) -> String {
    let seconds = comparison.a.compared_s.min(comparison.b.compared_s);
    if seconds < MIN_SECS {
        return format!("Too short to compare: {seconds:.0} s; take minutes");
    }
    match comparison.finding {
        Finding::Regressed | Finding::Improved => found(comparison),
        Finding::Equivalent => {
            let margin = comparison.margin * 100.0;
            let said =
                told(comparison, |change| change.metric == Metric::P95 || change.metric == Metric::P50);
            let open = comparison.endpoints.iter().filter(|one| one.finding == Finding::Inconclusive).count();
            let rest = match open {
                0 => String::new(),
                1 => "; one endpoint by itself is not settled".to_owned(),
                n => format!("; {n} endpoints by themselves are not settled"),
            };
            format!("B is as good as A, to {margin}%{said}{rest}")
        }
        Finding::Inconclusive => {
            let said = told(comparison, |change| change.finding == Finding::Inconclusive);
            let remedy = match comparison.more_minutes {
                Some(minutes) => format!("; about {} more of each run would settle it", time(minutes)),
                None if comparison.total.changes.is_empty() => "; longer runs are needed".to_owned(),
                None if deciding(&comparison.total.changes)
                    .any(|change| change.a_at_least || change.b_at_least) =>
                {
                    "; requests that were never answered leave only bounds".to_owned()
                }
                None => "; a day more of each run might not settle it: it is about as large as the margin"
                    .to_owned(),
            };
            format!("Not settled{said}{remedy}")
        }
    }
}

fn time(minutes: f64) -> String {
    match minutes {
        m if m < 1.5 => "a minute".to_owned(),
        m if m < 120.0 => format!("{m:.0} minutes"),
        m => format!("{:.0} hours", m / 60.0),
    }
}

fn found(comparison: &Comparison) -> String {
    let finding = comparison.finding;
    let found = |subject: &Subject| subject.changes.iter().filter(|change| change.finding == finding).count();
    let of_endpoints: Vec<&Subject> = comparison.endpoints.iter().filter(|one| found(one) > 0).collect();
    // Where one endpoint alone changed, it is the news; what it does to the total follows.
    let subject = match of_endpoints[..] {
        [only] => only,
        _ if found(&comparison.total) > 0 => &comparison.total,
        [first, ..] => first,
        [] => &comparison.total,
    };
    let Some(change) = first(subject, |change| change.finding == finding) else {
        return finding.name().to_owned();
    };
    let what = match (change.metric, finding) {
        (Metric::ErrorRate, Finding::Regressed) => "fails more often",
        (Metric::ErrorRate, _) => "fails less often",
        (Metric::Throughput, Finding::Regressed) => "does less",
        (Metric::Throughput, _) => "does more",
        (_, Finding::Regressed) => "is slower",
        _ => "is faster",
    };
    let all: usize = [&comparison.total].into_iter().chain(&comparison.endpoints).map(found).sum();
    let others = match all - 1 {
        0 => String::new(),
        1 => "; one more finding".to_owned(),
        n => format!("; {n} more findings"),
    };
    format!("B {what}: {}{others}", shown(subject, change))
}

fn told(comparison: &Comparison, wanted: impl Fn(&Change) -> bool) -> String {
    let total = &comparison.total;
    let change = first(total, |change| wanted(change) && change.metric.decides() && !change.nothing_failed());
    change.map_or_else(String::new, |change| format!(": {}", shown(total, change)))
}

fn first(subject: &Subject, wanted: impl Fn(&Change) -> bool) -> Option<&Change> {
    TELLING
        .iter()
        .find_map(|metric| subject.changes.iter().find(|change| change.metric == *metric && wanted(change)))
}

fn shown(subject: &Subject, change: &Change) -> String {
    format!(
        "{} of {} {} (95 %: {})",
        change.metric.name(),
        subject.label,
        change.difference_text(),
        change.interval_text()
    )
}
