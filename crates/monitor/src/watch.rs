//! The monitors of a plan: tried before the load, then sampled on a thread of their own.

use std::fmt;
use std::rc::Rc;
use std::thread;

use squall_core::Nanos;
use squall_plan::{MonitorKind, Plan};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::LocalSet;

use crate::Error;
use crate::generator::Generator;
use crate::probe::Probe;
use crate::process::ProcessProbe;
use crate::schedule::{Clock, Scheduled};

/// What is going to be watched; everything that can be known to fail was tried.
pub struct Monitors {
    list: Vec<Scheduled>,
}

/// What the monitors say while they run. Dropping it stops them.
#[derive(Debug)]
pub struct Watch {
    /// Everything they say, in order. It ends only when they cannot run at all.
    pub events: UnboundedReceiver<MonitorEvent>,
}

/// Something a monitor says.
#[derive(Clone, Debug, PartialEq)]
pub enum MonitorEvent {
    /// One sample.
    Sample {
        /// Position in `Plan::series`.
        series: u32,
        /// The time it was due: a multiple of the monitor's interval. Shares of time cover the interval before it.
        at: Nanos,
        /// The value in the series' unit, always finite; `None` when the monitor could not tell: a gap.
        value: Option<f64>,
    },
    /// Something that whoever reads the numbers should know: a monitor has failed, or answers again.
    Warning(String),
}

impl Monitors {
    /// Try every monitor of `plan`: find processes, check permissions.
    ///
    /// # Errors
    /// The first monitor that cannot work, and where there is one, the remedy.
    pub fn prepare(plan: &Plan) -> Result<Self, Error> {
        let mut list = Vec::with_capacity(plan.monitors.len());
        let mut first = 0;
        for monitor in &plan.monitors {
            let probe: Box<dyn Probe + Send> = match monitor.kind {
                MonitorKind::Generator => Box::new(Generator::prepare(&monitor.name)?),
                MonitorKind::Process(target) => Box::new(ProcessProbe::prepare(&monitor.name, target)?),
            };
            let width = monitor.kind.series().len() as u32;
            list.push(Scheduled {
                name: monitor.name.clone(),
                series: first..first + width,
                interval: monitor.interval,
                probe,
            });
            first += width;
        }
        Ok(Self { list })
    }

    /// Begin to sample, at multiples of each monitor's interval of the time that `clock` tells (run time). The first
    /// sample comes at the end of the first interval, so that a share of time always has an interval behind it.
    pub fn start(self, clock: impl Fn() -> Nanos + Send + 'static) -> Watch {
        let (sender, events) = unbounded_channel();
        let theirs = sender.clone();
        let spawned = thread::Builder::new().name("squall-monitor".to_owned()).spawn(move || {
            let clock: Clock = Rc::new(clock);
            run(self.list, &clock, &theirs);
        });
        if let Err(error) = spawned {
            warn(
                &sender,
                format!("nothing is watched: the thread of the monitors cannot be started: {error}"),
            );
        }
        Watch { events }
    }
}

impl fmt::Debug for Monitors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.list.iter().map(|scheduled| &scheduled.name)).finish()
    }
}

/// The thread: a task for each monitor, until nobody listens.
fn run(list: Vec<Scheduled>, clock: &Clock, events: &UnboundedSender<MonitorEvent>) {
    // With I/O for the probes that ask over the network.
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            return warn(events, format!("nothing is watched: no runtime for the monitors: {error}"));
        }
    };
    let tasks = LocalSet::new();
    for scheduled in list {
        tasks.spawn_local(scheduled.run(Rc::clone(clock), events.clone()));
    }
    tasks.block_on(&runtime, events.closed());
}

/// Nobody may be listening any more; then nobody is missing it.
fn warn(events: &UnboundedSender<MonitorEvent>, text: String) {
    let _ = events.send(MonitorEvent::Warning(text));
}
