//! What can never happen: tasks whose needs nobody provides, users without a row of data.

use std::collections::HashSet;

use squall_plan::{AuthKind, FeedOrder, Part, Plan, Slot, Step, Task, Template, UserClass, VarId};

use squall_plan::users_by_class;

/// Positions of the tasks of `class` that can never run, because what they need is captured neither when the
/// user starts nor by a task that can run.
pub(crate) fn never_run(class: &UserClass) -> Vec<usize> {
    let mut known: HashSet<VarId> = captured(&class.on_start).collect();
    let mut waiting: Vec<usize> = (0..class.tasks.len()).collect();
    loop {
        let runs = |task: &Task| task.needs.iter().all(|var| known.contains(var));
        let (running, still): (Vec<usize>, Vec<usize>) =
            waiting.iter().partition(|position| runs(&class.tasks[**position]));
        if running.is_empty() {
            return still;
        }
        known.extend(running.iter().flat_map(|position| captured(&class.tasks[*position].steps)));
        waiting = still;
    }
}

fn captured(steps: &[Step]) -> impl Iterator<Item = VarId> + '_ {
    steps
        .iter()
        .flat_map(|step| match step {
            Step::Request(request) => request.captures.as_slice(),
            Step::Wait(_) => &[],
        })
        .map(|capture| capture.var)
}

/// Classes that have fewer rows than users in a feed of which each user has a row of its own: the class, the
/// feed, its rows, the users.
pub(crate) fn short_feeds(plan: &Plan) -> Vec<(String, String, usize, u32)> {
    let mut short = Vec::new();
    let unique: Vec<usize> =
        (0..plan.feeds.len()).filter(|feed| plan.feeds[*feed].order == FeedOrder::Unique).collect();
    if unique.is_empty() {
        return short;
    }
    let users = users_by_class(plan, plan.load.peak_users());
    for (class, users) in plan.classes.iter().zip(users) {
        for feed in &unique {
            let rows = plan.feeds[*feed].rows.len();
            if (users as usize) > rows && templates(plan, class).any(|t| uses(t, *feed)) {
                short.push((class.name.clone(), plan.feeds[*feed].name.clone(), rows, users));
            }
        }
    }
    short
}

/// Every template a user of `class` fills in.
fn templates<'p>(plan: &'p Plan, class: &'p UserClass) -> impl Iterator<Item = &'p Template> {
    let auth = class.auth.and_then(|auth| plan.auths.get(auth)).map(|auth| &auth.kind);
    let login: Vec<&Template> = match auth {
        Some(AuthKind::Bearer(template)) => vec![template],
        Some(AuthKind::Jwt { claims, .. }) => claims.iter().map(|(_, template)| template).collect(),
        None => Vec::new(),
    };
    let steps = class.on_start.iter().chain(class.tasks.iter().flat_map(|t| &t.steps)).chain(&class.on_stop);
    let requests = steps.filter_map(|step| match step {
        Step::Request(request) => Some(request),
        Step::Wait(_) => None,
    });
    let sent = requests.flat_map(|request| {
        let headers = request.headers.iter().map(|(_, template)| template);
        std::iter::once(&request.url).chain(headers).chain(request.body.iter().map(|b| &b.template))
    });
    login.into_iter().chain(class.headers.iter().map(|(_, template)| template)).chain(sent)
}

fn uses(template: &Template, of: usize) -> bool {
    let field =
        |part: &Part| matches!(part, Part::Slot { slot: Slot::Field { feed, .. }, .. } if *feed == of);
    template.parts.iter().any(field)
}
