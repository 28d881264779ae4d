//! Reads the windows of a record.

use std::collections::{HashMap, HashSet};

use rusqlite::{Connection, Row};
use squall_core::{EndpointId, ErrorClass, Nanos, OutcomeKind, PhaseId, UserClassId};
use squall_plan::Plan;
use squall_stats::{Cell, CellKey, ErrorCode, ErrorEntry, ErrorKey, Iterations, TaskCounts, Window};

use crate::rows::{all, count, get, moment, nanos, users};
use crate::{Error, PhaseMark, blob};

/// Longest time that all windows take together, more than a run may. What tells every second needs memory for each.
const LONGEST: Nanos = Nanos::from_secs(366 * 86_400);

/// Every window of the record, in the order of time. What a row refers to is in `plan` or among `phases`.
pub(crate) fn load(
    connection: &Connection,
    version: i64,
    plan: &Plan,
    phases: &[PhaseMark],
) -> Result<Vec<Window>, Error> {
    let (classes, tasks) = (plan.classes.len(), plan.tasks().count());
    let known = Known::new(plan, phases);
    let mut positions: HashMap<i64, usize> = HashMap::new();
    let mut whole = Nanos::ZERO;
    let list = all(connection, "SELECT * FROM windows ORDER BY id", |row| {
        positions.insert(get(row, "id")?, positions.len());
        let mut window = Window::new(classes, tasks);
        window.seq = count(row, "seq")?;
        window.start = moment(row, "start_ns")?;
        window.span = moment(row, "span_ns")?;
        whole += window.span;
        if whole > LONGEST {
            return Err(Error::Damaged(format!("its windows take {whole} together")));
        }
        window.phase = get::<Option<u16>>(row, "phase")?.map(|id| known.phase(id)).transpose()?;
        window.started = count(row, "started")?;
        window.send_lag = blob::decode(&get::<Vec<u8>>(row, "send_lag")?)?;
        window.loop_lag = blob::decode(&get::<Vec<u8>>(row, "loop_lag")?)?;
        window.errors.overflowed = count(row, "errors_overflowed")?;
        Ok(window)
    })?;
    let mut windows = Windows { list, positions };
    windows.each(connection, "SELECT * FROM window_users", add_users)?;
    windows.each(connection, "SELECT * FROM window_tasks", add_tasks)?;
    if version >= 2 {
        windows.each(connection, "SELECT * FROM window_iterations", |window, row| {
            add_iterations(window, row, &known)
        })?;
    }
    windows.each(connection, "SELECT * FROM cells ORDER BY rowid", |window, row| {
        add_cell(window, row, &known)
    })?;
    let mut samples: HashMap<(i64, i64), Vec<String>> = HashMap::new();
    all(connection, "SELECT * FROM error_samples ORDER BY rowid", |row| {
        let of = (get(row, "window")?, get(row, "error")?);
        samples.entry(of).or_default().push(get(row, "text")?);
        Ok(())
    })?;
    windows.each(
        connection,
        "SELECT w.window, w.count, w.first_ns, w.last_ns, e.id, e.class, e.endpoint, e.error, e.code, e.message
         FROM window_errors w JOIN errors e ON e.id = w.error ORDER BY w.rowid",
        |window, row| {
            let samples = samples.remove(&(get(row, "window")?, get(row, "id")?)).unwrap_or_default();
            window.errors.add(&error_entry(row, samples, &known)?);
            Ok(())
        },
    )?;
    Ok(windows.list)
}

/// What rows may refer to.
struct Known {
    classes: usize,
    endpoints: usize,
    phases: HashSet<u16>,
}

impl Known {
    fn new(plan: &Plan, phases: &[PhaseMark]) -> Self {
        let planned = (0..).take(plan.load.phases.len());
        Self {
            classes: plan.classes.len(),
            endpoints: plan.endpoints.len(),
            phases: phases.iter().map(|phase| phase.id.0).chain(planned).collect(),
        }
    }

    fn phase(&self, id: u16) -> Result<PhaseId, Error> {
        known(self.phases.contains(&id), "phase", id).map(PhaseId)
    }

    fn class(&self, id: u16) -> Result<UserClassId, Error> {
        known(usize::from(id) < self.classes, "class", id).map(UserClassId)
    }

    fn endpoint(&self, id: u16) -> Result<EndpointId, Error> {
        known(usize::from(id) < self.endpoints, "endpoint", id).map(EndpointId)
    }
}

fn known(is_known: bool, what: &str, id: u16) -> Result<u16, Error> {
    if is_known { Ok(id) } else { Err(Error::Damaged(format!("{what} {id} is not in the plan"))) }
}

struct Windows {
    list: Vec<Window>,
    /// Position in the list, by the file's number of the window.
    positions: HashMap<i64, usize>,
}

impl Windows {
    /// Add every row of `sql` to its window.
    fn each(
        &mut self,
        connection: &Connection,
        sql: &str,
        mut add: impl FnMut(&mut Window, &Row<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        all(connection, sql, |row| {
            let position = self.positions.get(&get(row, "window")?);
            let window = position.and_then(|&position| self.list.get_mut(position));
            add(window.ok_or_else(|| Error::Damaged("a row of no window".to_owned()))?, row)
        })?;
        Ok(())
    }
}

fn add_users(window: &mut Window, row: &Row<'_>) -> Result<(), Error> {
    let class: u16 = get(row, "class")?;
    let users = users(row, "users")?;
    // So that the sum over all classes is a number of users, too.
    if users as usize > u32::MAX as usize / window.users.len().max(1) {
        return Err(Error::Damaged(format!("{users} users")));
    }
    *at(&mut window.users, class)? = users;
    Ok(())
}

fn add_tasks(window: &mut Window, row: &Row<'_>) -> Result<(), Error> {
    let task: u16 = get(row, "task")?;
    *at(&mut window.tasks, task)? = TaskCounts { runs: count(row, "runs")?, skipped: count(row, "skipped")? };
    Ok(())
}

fn add_iterations(window: &mut Window, row: &Row<'_>, known: &Known) -> Result<(), Error> {
    let (phase, class) = (known.phase(get(row, "phase")?)?, known.class(get(row, "class")?)?);
    *window.iterations_mut(phase, class) = Iterations {
        offered: count(row, "offered")?,
        started: count(row, "started")?,
        completed: count(row, "completed")?,
        dropped: count(row, "dropped")?,
    };
    Ok(())
}

fn add_cell(window: &mut Window, row: &Row<'_>, known: &Known) -> Result<(), Error> {
    let outcome: String = get(row, "outcome")?;
    let key = CellKey {
        phase: known.phase(get(row, "phase")?)?,
        class: known.class(get(row, "class")?)?,
        endpoint: known.endpoint(get(row, "endpoint")?)?,
        outcome: OutcomeKind::from_name(&outcome)
            .ok_or_else(|| Error::Damaged(format!("unknown outcome {outcome:?}")))?,
    };
    *window.cell_mut(key) = Cell {
        count: count(row, "count")?,
        attempts: count(row, "attempts")?,
        connects: count(row, "connects")?,
        retries: count(row, "retries")?,
        bytes_out: count(row, "bytes_out")?,
        bytes_in: count(row, "bytes_in")?,
        body_in: count(row, "body_in")?,
        response_sum: nanos(row, "response_sum_ns")?,
        response_min: nanos(row, "response_min_ns")?,
        response_max: nanos(row, "response_max_ns")?,
        first_byte_sum: nanos(row, "first_byte_sum_ns")?,
        connect_sum: nanos(row, "connect_sum_ns")?,
        tls_sum: nanos(row, "tls_sum_ns")?,
        response: blob::decode(&get::<Vec<u8>>(row, "response")?)?,
        service: get::<Option<Vec<u8>>>(row, "service")?.as_deref().map(blob::decode).transpose()?,
    };
    Ok(())
}

fn error_entry(row: &Row<'_>, samples: Vec<String>, known: &Known) -> Result<ErrorEntry, Error> {
    let error: String = get(row, "error")?;
    let key = ErrorKey {
        class: known.class(get(row, "class")?)?,
        endpoint: known.endpoint(get(row, "endpoint")?)?,
        error: ErrorClass::from_name(&error)
            .ok_or_else(|| Error::Damaged(format!("unknown error {error:?}")))?,
        code: ErrorCode(get(row, "code")?),
    };
    Ok(ErrorEntry {
        key,
        message: get(row, "message")?,
        count: count(row, "count")?,
        first: nanos(row, "first_ns")?,
        last: nanos(row, "last_ns")?,
        samples,
    })
}

/// The element at `index`, which the plan must have room for.
fn at<T>(items: &mut [T], index: u16) -> Result<&mut T, Error> {
    items
        .get_mut(usize::from(index))
        .ok_or_else(|| Error::Damaged(format!("number {index} is not in the plan")))
}
