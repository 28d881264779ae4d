//! What was watched while the load ran, in numbers.

use serde::Serialize;
use squall_plan::{MonitorKind, Unit};
use squall_record::{Run, Series};

/// A monitored series over the whole run. Values are in its unit; what was never seen is `null`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WatchedReport {
    /// Full name, e.g. `process.rss`.
    pub name: String,
    /// The monitor it comes from; empty when the plan does not say.
    pub monitor: String,
    /// It is about the generator itself, not about the target.
    pub generator: bool,
    /// `seconds`, `share`, `per_second`, `count` or `bytes`.
    pub unit: Unit,
    /// Lowest value.
    pub min: Option<f64>,
    /// Mean of the values.
    pub mean: Option<f64>,
    /// Highest value.
    pub max: Option<f64>,
    /// Last value.
    pub last: Option<f64>,
    /// Times it was looked at.
    pub samples: u64,
    /// Times at which it could not be told.
    pub missing: u64,
}

impl WatchedReport {
    /// Every series of `run`, in its order.
    pub(super) fn all(run: &Run) -> Vec<Self> {
        let plans = run.plan.series();
        let report = |series: &Series| {
            let plan = plans.iter().find(|plan| plan.name == series.name);
            let monitor = plan.and_then(|plan| run.plan.monitors.get(plan.monitor));
            let values = || series.values().map(|(_, value)| value);
            let known = values().count() as u64;
            let samples = series.samples.len() as u64;
            Self {
                name: series.name.clone(),
                monitor: monitor.map_or_else(String::new, |monitor| monitor.name.clone()),
                generator: monitor.is_some_and(|monitor| monitor.kind == MonitorKind::Generator),
                unit: series.unit,
                min: values().reduce(f64::min),
                mean: (known > 0).then(|| values().sum::<f64>() / known as f64),
                max: values().reduce(f64::max),
                last: values().last(),
                samples,
                missing: samples - known,
            }
        };
        run.series.iter().map(report).collect()
    }

    /// A value of it as a person reads it, or a dash.
    pub(crate) fn show(&self, value: Option<f64>) -> String {
        value.map_or_else(|| crate::show::NOTHING.into(), |value| self.unit.display(value))
    }
}
