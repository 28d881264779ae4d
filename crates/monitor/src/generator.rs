//! The `generator` monitor: is this process, which makes the load, itself well?

use procfs::ProcError;
use procfs::process::Process;
use squall_core::Nanos;

use crate::Error;
use crate::cgroup::CpuLimits;
use crate::counters::{Counters, descriptors, share};
use crate::probe::{Probe, Reading, Sampling, at_once};

/// Watches this process and the limits of its control groups.
pub(crate) struct Generator {
    process: Process,
    limits: CpuLimits,
    /// Cores it may use: what its affinity and its control groups leave of the machine.
    cores: f64,
    last: Option<Last>,
}

/// Where the present interval began.
struct Last {
    at: Nanos,
    cpu: Nanos,
    throttled: Option<Nanos>,
}

impl Generator {
    /// Find out what this process may use.
    ///
    /// # Errors
    /// When the kernel does not tell a process about itself.
    pub(crate) fn prepare(monitor: &str) -> Result<Self, Error> {
        let failed = |error: ProcError| Error::Unreadable {
            monitor: monitor.to_owned(),
            what: "/proc/self".to_owned(),
            reason: error.to_string(),
        };
        let process = Process::myself().map_err(failed)?;
        let ranges = process.status().map_err(failed)?.cpus_allowed_list.unwrap_or_default();
        let allowed: u32 = ranges.iter().map(|(first, last)| last.saturating_sub(*first) + 1).sum();
        let limits = CpuLimits::of(&process);
        let cores = limits.cores().unwrap_or(f64::MAX).min(f64::from(allowed.max(1)));
        Counters::read(&process).map_err(failed)?;
        Ok(Self { process, limits, cores, last: None })
    }

    fn read(&mut self, now: Nanos) -> Result<Reading, String> {
        let counters = Counters::read(&self.process).map_err(|error| error.to_string())?;
        let counters = counters.ok_or("cannot read this process")?;
        let throttled = self.limits.throttled();
        let last = self.last.replace(Last { at: now, cpu: counters.cpu, throttled });
        let since = |value: fn(&Last) -> Option<Nanos>, is: Option<Nanos>| {
            let last = last.as_ref()?;
            share(is?.since(value(last)?), now.since(last.at))
        };
        Ok(Reading {
            values: vec![
                since(|last| Some(last.cpu), Some(counters.cpu)).map(|cores| cores / self.cores),
                Some(counters.rss as f64),
                descriptors(self.process.pid).map(|number| number as f64),
                // The kernel adds up what it withheld on each core: no more than all of the time.
                since(|last| last.throttled, throttled).map(|share| share.min(1.0)),
            ],
            note: None,
        })
    }
}

impl Probe for Generator {
    fn sample(&mut self, now: Nanos) -> Sampling<'_> {
        at_once(self.read(now))
    }
}
