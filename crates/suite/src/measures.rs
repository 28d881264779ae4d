//! Names of measures: `p95`, `process.rss`, `slope(process.rss)`; one grammar for what clients see and what is
//! monitored.
//!
//! ```text
//! measure  := client | series | function "(" measure ")"
//! client   := p50 … p99.99, mean, max, error_rate, throughput, rate_limited, dropped
//! function := max, min, mean, slope, recovery
//! ```
//!
//! A function of a function is understood, and refused: what a function yields has no course in time.

use std::ops::Range;

use squall_plan::{Function, Measure, MonitorKind, ProcessTarget, Unit};

use crate::diagnostic::{list, nearest, suggest};

/// What a name means.
#[derive(Debug, PartialEq)]
pub(crate) enum Found {
    /// A measure of this version.
    Known(Measure),
    /// One of a later version.
    Later,
}

/// Why a name means nothing.
#[derive(Debug, PartialEq)]
pub(crate) struct Problem {
    pub(crate) message: String,
    /// Which bytes of the name.
    pub(crate) within: Range<usize>,
    pub(crate) label: &'static str,
    pub(crate) help: Option<String>,
}

/// A series of a monitor of the suite: full name and unit.
pub(crate) type Series = (String, Unit);

const PERCENTILES: [&str; 10] = ["p50", "p66", "p75", "p80", "p90", "p95", "p98", "p99", "p99.9", "p99.99"];
const OTHERS: [&str; 6] = ["mean", "max", "error_rate", "throughput", "rate_limited", "dropped"];
/// What others call it.
const SYNONYMS: [(&str, &str); 8] = [
    ("rps", "throughput"),
    ("qps", "throughput"),
    ("median", "p50"),
    ("avg", "mean"),
    ("average", "mean"),
    ("latency", "p95"),
    ("cpu", "process.cpu"),
    ("memory", "process.rss"),
];
/// Beginnings of the series of later versions.
const LATER: [&str; 4] = ["postgres", "redis", "host", "health"];
/// Stands for every monitor of a process: they all have the same series.
const PROCESS: MonitorKind = MonitorKind::Process(ProcessTarget::Pid(1));
/// Functions of later versions.
const LATER_FUNCTION: &str = "rate";

/// What `text` means, where the suite's monitors deliver `series`. `quiet` leaves out what else may have been meant,
/// which takes time to find.
pub(crate) fn read(text: &str, series: &[Series], quiet: bool) -> Result<Found, Problem> {
    Reader { series, quiet }.measure(text, 0, None)
}

/// Is `name` the beginning of the names of series? As a bare key it then stands for a table of its parts.
pub(crate) fn is_prefix(name: &str) -> bool {
    LATER.contains(&name) || matches!(name, "process" | "generator")
}

/// The measure of the client called `name`.
fn client(name: &str) -> Option<Measure> {
    Some(match name {
        "mean" => Measure::Mean,
        "max" => Measure::Max,
        "error_rate" => Measure::ErrorRate,
        "throughput" => Measure::Throughput,
        "rate_limited" => Measure::RateLimited,
        "dropped" => Measure::Dropped,
        _ => Measure::Percentile(percent(name).filter(|p| *p > 0.0 && *p < 100.0)?),
    })
}

fn percent(name: &str) -> Option<f64> {
    let digits = name.strip_prefix('p')?;
    let plain = !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit() || c == '.');
    digits.parse().ok().filter(|_| plain)
}

struct Reader<'s> {
    series: &'s [Series],
    quiet: bool,
}

impl Reader<'_> {
    /// The measure `text`, which begins at `start` of the name, as the argument of `outer`.
    fn measure(&self, text: &str, start: usize, outer: Option<Function>) -> Result<Found, Problem> {
        let start = start + (text.len() - text.trim_start().len());
        let text = text.trim();
        let whole = start..start + text.len();
        let problem = |message: String, within: Range<usize>, label, help: Option<String>| {
            Err(Problem { message, within, label, help })
        };
        let Some(open) = text.find('(') else {
            if let Some(at) = text.find(')') {
                let message = format!("`{text}` closes a parenthesis that was never opened");
                return problem(message, start + at..start + at + 1, "closes nothing", None);
            }
            return self.leaf(text, whole);
        };
        let name = text[..open].trim_end();
        let Some(close) = text.rfind(')').filter(|close| *close > open) else {
            let help = format!("did you mean `{text})`?");
            return problem(format!("`{text}` is not closed"), whole, "`)` is missing", Some(help));
        };
        if close + 1 < text.len() {
            let rest = text[close + 1..].trim();
            let help = "a measure is one name or one function of a name; there is no arithmetic".to_owned();
            let within = start + close + 1..whole.end;
            return problem(
                format!("`{rest}` cannot follow a function"),
                within,
                "not understood",
                Some(help),
            );
        }
        let Some(function) = Function::ALL.into_iter().find(|f| f.name() == name) else {
            if name == LATER_FUNCTION {
                return Ok(Found::Later);
            }
            let names = Function::ALL.map(Function::name);
            if name.is_empty() {
                let help = format!("functions are {}", list(&names));
                return problem(format!("`{text}` has no function"), whole, "of nothing", Some(help));
            }
            let help = match client(name) {
                Some(_) => Some(format!("`{name}` is a measure by itself; functions are {}", list(&names))),
                None => suggest(name, names),
            };
            let message = format!("there is no function `{name}`");
            return problem(message, start..start + name.len(), "unknown function", help);
        };
        if let Some(outer) = outer {
            let message = format!(
                "`{}(…)` needs a measure that has a course in time; `{text}` is one number",
                outer.name()
            );
            let help = format!("it takes {}", takes(outer));
            return problem(message, whole, "one number", Some(help));
        }
        let (from, inner) = (open + 1, &text[open + 1..close]);
        if inner.trim().is_empty() {
            let help = format!("it takes {}", takes(function));
            return problem(format!("`{name}(…)` of nothing"), whole, "names no measure", Some(help));
        }
        let of = match self.measure(inner, start + from, Some(function))? {
            Found::Known(of) => of,
            Found::Later => return Ok(Found::Later),
        };
        if !fits(function, &of) {
            let help = match (function, &of) {
                (Function::Max, Measure::Max) => {
                    "`max` by itself is the longest response time of all".to_owned()
                }
                _ => format!("it takes {}", takes(function)),
            };
            let within = start + from..start + close;
            return problem(format!("`{name}(…)` is not made of `{of}`"), within, "does not fit", Some(help));
        }
        Ok(Found::Known(Measure::Of(function, Box::new(of))))
    }

    fn leaf(&self, name: &str, within: Range<usize>) -> Result<Found, Problem> {
        if let Some(measure) = client(name) {
            return Ok(Found::Known(measure));
        }
        if let Some((name, unit)) = self.series.iter().find(|(known, _)| known == name) {
            return Ok(Found::Known(Measure::Series(name.clone(), *unit)));
        }
        let (source, part) = name.split_once('.').unwrap_or((name, ""));
        if LATER.contains(&source) && !part.is_empty() {
            return Ok(Found::Later);
        }
        if self.quiet {
            let message = format!("there is no measure `{name}`");
            return Err(Problem { message, within, label: "unknown measure", help: None });
        }
        let (message, label, help) = match source {
            "process" | "generator" if !part.is_empty() => self.unknown_series(name),
            _ => {
                let help = match percent(name) {
                    Some(_) => Some(
                        "a percentile lies between 0 and 100; the longest response time is `max`".to_owned(),
                    ),
                    None => self.suggestion(name),
                };
                (format!("there is no measure `{name}`"), "unknown measure", help)
            }
        };
        Err(Problem { message, within, label, help })
    }

    /// `process.…` or `generator.…` that no monitor delivers.
    fn unknown_series(&self, name: &str) -> (String, &'static str, Option<String>) {
        let (monitor, part) = name.rsplit_once('.').unwrap_or((name, ""));
        let parts: Vec<&str> = self
            .series
            .iter()
            .filter_map(|(known, _)| known.rsplit_once('.'))
            .filter(|(of, _)| *of == monitor)
            .map(|(_, part)| part)
            .collect();
        if !parts.is_empty() {
            return (format!("`{monitor}` has no series `{part}`"), "unknown series", suggest(part, parts));
        }
        let message = format!("no monitor measures `{name}`");
        let processes: Vec<&str> = self
            .series
            .iter()
            .filter(|(known, _)| known.starts_with("process."))
            .filter_map(|(known, _)| known.strip_suffix(part)?.strip_suffix('.'))
            .collect();
        let of = monitor.split_once('.').map(|(_, of)| of);
        let names: Vec<&str> = processes.iter().filter_map(|known| Some(known.split_once('.')?.1)).collect();
        let parts: Vec<&str> = PROCESS.series().iter().map(|(part, _)| *part).collect();
        let help = match (of, processes.as_slice()) {
            _ if !parts.contains(&part) => {
                format!("[monitor.process] measures {} of a process", list(&parts))
            }
            (None, []) => {
                "add [monitor.process] to the suite: it watches what listens on the port of the target"
                    .to_owned()
            }
            // Every monitor of a process has a name, and this leaves it out; or none has, and this gives one.
            (None, [only]) | (Some(_), [only @ "process"]) => format!("did you mean `{only}.{part}`?"),
            (None, all) => {
                let all: Vec<String> = all.iter().map(|known| format!("{known}.{part}")).collect();
                let all: Vec<&str> = all.iter().map(String::as_str).collect();
                suggest("", all).unwrap_or_default()
            }
            (Some(of), _) => match nearest(of, &names) {
                Some(near) => format!("did you mean `process.{near}.{part}`?"),
                None => format!("add it: [[monitor.process]] with name = \"{of}\" and its `pid` or `port`"),
            },
        };
        (message, "no such monitor", Some(help))
    }

    fn suggestion(&self, name: &str) -> Option<String> {
        let functions = Function::ALL.map(|f| format!("{}(…)", f.name()));
        let bare = Function::ALL.map(Function::name);
        let lower = name.to_lowercase();
        if let Some((_, meant)) = SYNONYMS.iter().find(|(other, _)| *other == lower) {
            return Some(format!("did you mean `{meant}`?"));
        }
        if lower != name && lower.starts_with("process.") {
            let known = self.series.iter().any(|(series, _)| *series == lower);
            return if known {
                Some(format!("did you mean `{lower}`?"))
            } else {
                self.unknown_series(&lower).2
            };
        }
        if let Some((function, of)) = name.split_once(' ').filter(|(first, _)| bare.contains(first)) {
            return Some(format!("did you mean `{function}({})`?", of.trim()));
        }
        // `slope` alone: a function without what it is of.
        if let Some(function) = bare.iter().find(|f| **f == name) {
            return Some(format!("a function needs its measure: `{function}(p95)`"));
        }
        let series = self.series.iter().map(|(name, _)| name.as_str());
        let names = PERCENTILES.into_iter().chain(OTHERS).chain(series);
        suggest(name, names.chain(functions.iter().map(String::as_str)))
    }
}

/// Which measures have what the function works on?
fn fits(function: Function, of: &Measure) -> bool {
    match function {
        Function::Recovery => matches!(of, Measure::Percentile(_)),
        Function::Slope => !matches!(of, Measure::Max | Measure::RateLimited | Measure::Dropped),
        Function::Max | Function::Min | Function::Mean => !matches!(of, Measure::Max),
    }
}

fn takes(function: Function) -> &'static str {
    match function {
        Function::Recovery => "a percentile, like `recovery(p95)`",
        Function::Slope => "a percentile, `mean`, `error_rate`, `throughput`, or a series of a monitor",
        Function::Max | Function::Min | Function::Mean => {
            "a percentile, `mean`, `error_rate`, `throughput`, `rate_limited`, `dropped`, or a series of a monitor"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series() -> Vec<Series> {
        vec![("process.rss".into(), Unit::Bytes), ("process.cpu".into(), Unit::Share)]
    }

    fn known(text: &str) -> Option<String> {
        match read(text, &series(), false) {
            Ok(Found::Known(measure)) => Some(measure.to_string()),
            _ => None,
        }
    }

    #[test]
    fn measures_are_read_by_name_and_written_the_same() {
        for text in
            ["p99.9", "rate_limited", "dropped", "max", "process.rss", "max(p95)", "slope(process.rss)"]
        {
            assert_eq!(known(text).as_deref(), Some(text));
        }
        assert_eq!(known(" recovery( p95 ) ").as_deref(), Some("recovery(p95)"));
        for name in
            ["p0", "p100", "p", "p9x", "median", "p1.2.3", "", "()", "max()", "process", "p95)", "(p95)"]
        {
            assert_eq!(known(name), None, "{name}");
        }
    }

    #[test]
    fn what_later_versions_measure_is_told_from_what_nobody_does() {
        for text in ["redis.hit_rate", "slope(postgres.connections.used)", "max( host.cpu )", "rate(x)"] {
            assert_eq!(read(text, &[], false), Ok(Found::Later), "{text}");
        }
        for text in ["redis", "redis.", "recovery(process.rss)", "process.rss.x"] {
            assert!(read(text, &series(), false).is_err(), "{text}");
        }
    }

    #[test]
    fn the_part_that_is_wrong_is_named() {
        for (text, part) in [
            ("slope(p95th)", "p95th"),
            ("slop(p95)", "slop"),
            ("slope( max(p95) )", "max(p95)"),
            ("max(p95) + 1", " + 1"),
            ("recovery(mean)", "mean"),
            ("max(process.rs)", "process.rs"),
        ] {
            let problem = read(text, &series(), false).unwrap_err();
            assert_eq!(&text[problem.within.clone()], part, "{problem:?}");
        }
    }

    #[test]
    fn names_as_deep_as_a_file_are_refused_like_others() {
        let deep = format!("{}p95{}", "max(".repeat(100_000), ")".repeat(100_000));
        assert!(read(&deep, &[], false).unwrap_err().message.contains("one number"));
    }
}
