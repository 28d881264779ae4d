//! `[monitor.process]`: what is watched while the load runs, beside the generator, which always is.

use squall_core::Nanos;
use squall_plan::{Monitor, MonitorKind, ProcessTarget};
use toml::Spanned;
use toml::de::DeValue;
use url::Url;

use crate::diagnostic::{Code, Diagnostic};
use crate::keys;
use crate::measures::Series;
use crate::settings::is_loopback;
use crate::syntax::{Ctx, Node, head};

/// Most monitors of a kind.
const MAX_MONITORS: usize = 100;
/// Between these bounds an interval neither loads the machine nor misses what happens.
const SHORTEST_INTERVAL: Nanos = Nanos(100_000_000);
const LONGEST_INTERVAL: Nanos = Nanos::from_secs(60);

/// A process to be watched.
#[derive(Clone, Debug)]
pub(crate) struct Process {
    name: String,
    interval: Nanos,
    /// `None` for the one that listens on the port of the target.
    target: Option<ProcessTarget>,
}

impl Process {
    /// The beginning of the names of its series.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The monitor for a target at `host`, or `None` when that is another machine and the suite does not say which
    /// process of this one is meant.
    pub(crate) fn monitor(&self, host: &str) -> Option<Monitor> {
        let local = || {
            let port = Url::parse(host).ok()?.port_or_known_default()?;
            is_loopback(host).then_some(ProcessTarget::Port(port))
        };
        let target = self.target.or_else(local)?;
        Some(Monitor { name: self.name.clone(), interval: self.interval, kind: MonitorKind::Process(target) })
    }
}

/// The processes to watch, those with mistakes too: their series count as known.
pub(crate) fn read<'a>(cx: &mut Ctx<'a>, node: Node<'a>) -> Vec<Process> {
    let Some(node) = cx.table(node, &keys::MONITORS).and_then(|fields| fields.get("process")) else {
        return Vec::new();
    };
    let several = matches!(node.get_ref(), DeValue::Array(array) if array.len() > 1);
    let mut nodes = cx.one_or_many(node);
    if nodes.is_empty() {
        cx.error(
            Diagnostic::new(Code::BadValue, "`monitor.process` names no process")
                .at(node.span())
                .label("empty")
                .help("write [monitor.process], or leave it out"),
        );
    }
    if nodes.len() > MAX_MONITORS {
        cx.error(
            Diagnostic::new(Code::OutOfBounds, format!("{} processes to watch", nodes.len()))
                .at(head(&node.span()))
                .help(format!("at most {MAX_MONITORS}")),
        );
        nodes.truncate(MAX_MONITORS);
    }
    let mut processes: Vec<Process> = Vec::new();
    for node in nodes {
        let Some(process) = process(cx, node, several) else { continue };
        if processes.iter().any(|known| known.name == process.name) {
            let name = process.name.strip_prefix("process.");
            let Some(name) = name else { continue };
            let fields = node.get_ref().as_table();
            let span = fields.and_then(|table| table.get("name")).map_or_else(|| node.span(), Spanned::span);
            cx.error(
                Diagnostic::new(Code::Duplicate, format!("two monitors are called `{name}`"))
                    .at(span)
                    .label("used before")
                    .help("each names its series: give it another name"),
            );
            continue;
        }
        processes.push(process);
    }
    processes
}

/// The series of `processes` and of the generator.
pub(crate) fn series(processes: &[Process]) -> Vec<Series> {
    let generator = Monitor::generator();
    let own =
        generator.kind.series().iter().map(|(part, unit)| (format!("{}.{part}", generator.name), *unit));
    let parts = MonitorKind::Process(ProcessTarget::Pid(1)).series();
    let others = processes
        .iter()
        .flat_map(|process| parts.iter().map(|(part, unit)| (format!("{}.{part}", process.name), *unit)));
    own.chain(others).collect()
}

fn process<'a>(cx: &mut Ctx<'a>, node: Node<'a>, several: bool) -> Option<Process> {
    let fields = cx.table(node, &keys::PROCESS)?;
    let mut name = "process".to_owned();
    if let Some(field) = fields.field("name") {
        if let Some(text) = cx.filled(field.node, "`name`")
            && cx.good_name(text, &field.node.span(), "monitor")
        {
            name = format!("process.{text}");
        }
    } else if several {
        cx.error(
            Diagnostic::new(Code::MissingKey, "several processes are watched, and this one has no name")
                .at(head(&node.span()))
                .label("`name` is missing")
                .help("add `name = \"api\"`: its series are then process.api.rss and so on"),
        );
    }
    let pid = fields.get("pid").map(|n| cx.integer(n, "`pid`", 1..=i32::MAX as u64));
    let port = fields.get("port").map(|n| cx.integer(n, "`port`", 1..=u64::from(u16::MAX)));
    if let (Some(_), Some(field)) = (pid, fields.field("port")) {
        cx.error(
            Diagnostic::new(Code::Conflict, "a process is told by its `pid` or by its `port`")
                .at(field.key_span.clone())
                .label("both are given")
                .help("leave one of the two out; with `port` it is found again after a restart"),
        );
    }
    let pid = pid.flatten().and_then(|pid| u32::try_from(pid).ok()).map(ProcessTarget::Pid);
    let port = port.flatten().and_then(|port| u16::try_from(port).ok()).map(ProcessTarget::Port);
    let interval = fields.get("interval").and_then(|n| interval(cx, n)).unwrap_or(Nanos::SECOND);
    Some(Process { name, interval, target: pid.or(port) })
}

fn interval<'a>(cx: &mut Ctx<'a>, node: Node<'a>) -> Option<Nanos> {
    let interval = cx.duration(node, "`interval`")?;
    let inside = (SHORTEST_INTERVAL..=LONGEST_INTERVAL).contains(&interval);
    if !inside {
        cx.error(
            Diagnostic::new(Code::OutOfBounds, format!("`interval` is {interval}, outside 100ms to 1m"))
                .at(node.span())
                .label("out of bounds"),
        );
    }
    inside.then_some(interval)
}
