//! `[users.NAME]`: classes of users, their tasks and steps.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use squall_core::Nanos;
use squall_plan::{Capture, Feed, RequestStep, SourceRange, Step, Task, Template, UserClass, VarId, Wait};
use toml::Spanned;
use toml::de::DeValue;

use crate::diagnostic::{Code, Diagnostic, list};
use crate::headers;
use crate::keys;
use crate::reach::never_run;
use crate::request::{self, Endpoints, Requests};
use crate::syntax::{Ctx, Field, Fields, Node, entries};
use crate::template::{Scope, vars_of};
use crate::wait;

/// Most variables of a class.
const MAX_VARS: usize = 1000;
/// How deep steps can stand within a class: a list in a table of tasks, in a task.
const MAX_DEPTH: usize = 8;

/// What classes may refer to.
pub(crate) struct Shared<'s> {
    pub(crate) feeds: &'s [Feed],
    pub(crate) auths: &'s [String],
    pub(crate) follow: bool,
}

/// All classes, sorted by name.
pub(crate) fn classes<'a>(
    cx: &mut Ctx<'a>,
    node: Node<'a>,
    shared: &Shared<'_>,
    endpoints: &mut Endpoints,
) -> Vec<UserClass> {
    let fields = cx.named_few(node, "`users`").unwrap_or_default();
    if fields.is_empty() {
        cx.error(no_users().at(node.span()));
    }
    let mut classes: Vec<_> = fields.iter().filter_map(|f| class(cx, f, shared, endpoints)).collect();
    classes.sort_by(|a, b| a.name.cmp(&b.name));
    classes
}

/// The suite has no users.
pub(crate) fn no_users() -> Diagnostic {
    Diagnostic::new(Code::NoUsers, "the suite has no users")
        .help("add a class: [users.Visitor] with tasks.home = { get = \"/\" }")
}

fn class<'a>(
    cx: &mut Ctx<'a>,
    field: &Field<'a>,
    shared: &Shared<'_>,
    endpoints: &mut Endpoints,
) -> Option<UserClass> {
    let named = cx.check_name(field, "class of users");
    let fields = cx.table(field.node, &keys::USER)?;
    if let Some(node) = fields.get("description") {
        cx.text(node, "`description`");
    }
    let weight = fields.get("weight").and_then(|n| cx.number(n, "`weight`", Code::Weight)).unwrap_or(1.0);
    let weight_stated = fields.has("weight");
    let fixed_count = fields
        .get("fixed_count")
        .and_then(|n| cx.integer(n, "`fixed_count`", 0..=keys::MAX_USERS))
        .map_or(0, |v| v as u32);
    let wait = fields.get("wait").and_then(|n| wait::read(cx, n)).unwrap_or(Wait::Constant(Nanos::ZERO));
    let known: Vec<&str> = shared.auths.iter().map(String::as_str).collect();
    let auth = fields.get("auth").and_then(|n| cx.reference(n, "way to log in", &known));
    let source = fields.get("source").and_then(|n| source(cx, n));

    let vars = variables(cx, &fields, shared.feeds);
    let scope = Scope { vars: &vars, feeds: shared.feeds };
    let headers = fields.get("headers").map(|n| headers::headers(cx, n, scope)).unwrap_or_default();
    let mut to = Requests { scope, follow: shared.follow, endpoints };
    let on_start = fields.get("on_start").map(|n| steps(cx, n, "`on_start`", &mut to)).unwrap_or_default();
    let on_stop = fields.get("on_stop").map(|n| steps(cx, n, "`on_stop`", &mut to)).unwrap_or_default();
    let tasks = tasks(cx, field, &fields, &headers, &mut to);
    let name = field.key.to_owned();
    let tasks_at = fields.get("tasks");
    let class = UserClass {
        name,
        weight,
        weight_stated,
        fixed_count,
        wait,
        auth,
        source,
        headers,
        vars,
        on_start,
        tasks,
        on_stop,
    };
    if let Some(node) = tasks_at {
        check_reach(cx, node, &class);
    }
    named.then_some(class)
}

/// A task that waits for what only tasks like it provide would be skipped for ever.
fn check_reach<'a>(cx: &mut Ctx<'a>, tasks: Node<'a>, class: &UserClass) {
    let fields = tasks.get_ref().as_table().map(entries).unwrap_or_default();
    // With a task left out for its mistakes nothing is known of what the others wait for.
    if fields.len() != class.tasks.len() {
        return;
    }
    for position in never_run(class) {
        let task = &class.tasks[position];
        let Some(field) = fields.iter().find(|f| f.key == task.name) else { continue };
        let needs: Vec<&str> = task.needs.iter().map(|v| class.vars[usize::from(v.0)].as_str()).collect();
        cx.error(
            Diagnostic::new(Code::NeverRuns, format!("task `{}` can never run", task.name))
                .at(field.key_span.clone())
                .label(format!("needs {}", list(&needs)))
                .help("capture what it needs in `on_start`, or in a task that runs without it"),
        );
    }
}

fn tasks<'a>(
    cx: &mut Ctx<'a>,
    class: &Field<'a>,
    fields: &Fields<'a>,
    class_headers: &[(String, Template)],
    to: &mut Requests<'_>,
) -> Vec<Task> {
    let list = fields.get("tasks").map(|n| (n, cx.named(n, "`tasks`")));
    let (node, list) = match list {
        Some((node, Some(list))) => (Some(node), list),
        Some((_, None)) => return Vec::new(),
        None => (None, Vec::new()),
    };
    if list.is_empty() {
        cx.error(
            Diagnostic::new(Code::NoTasks, format!("`{}` has no tasks", class.key))
                .at(node.map_or_else(|| class.key_span.clone(), Spanned::span))
                .label("does nothing")
                .help(format!("add [users.{}.tasks] with home = {{ get = \"/\" }}", class.key)),
        );
    }
    list.iter().filter_map(|field| task(cx, field, class_headers, to)).collect()
}

fn task<'a>(
    cx: &mut Ctx<'a>,
    field: &Field<'a>,
    class_headers: &[(String, Template)],
    to: &mut Requests<'_>,
) -> Option<Task> {
    let named = cx.check_name(field, "task");
    let what = format!("task `{}`", field.key);
    let fields = cx.table(field.node, &keys::TASK)?;
    let weight = fields.get("weight").map_or(Some(1), |n| task_weight(cx, n));
    let tags = texts(cx, &fields, "tags");
    let mut needs = Vec::new();
    for node in fields.get("needs").map(|n| cx.one_or_many(n)).unwrap_or_default() {
        let known: Vec<&str> = to.scope.vars.iter().map(String::as_str).collect();
        if let Some(var) = cx.reference(node, "captured variable", &known) {
            needs.push(VarId(u16::try_from(var).unwrap_or(u16::MAX)));
        }
    }
    let steps = if let Some(node) = fields.get("steps") {
        let inline = keys::METHODS.into_iter().find(|m| fields.has(m));
        if let Some(method) = inline {
            cx.error(
                Diagnostic::new(Code::Conflict, format!("{what} has both `{method}` and `steps`"))
                    .at(fields.span())
                    .help("move the request into `steps`"),
            );
        }
        let steps = steps(cx, node, &what, to);
        if steps.is_empty() {
            cx.error(Diagnostic::new(Code::NoTasks, format!("{what} has no steps")).at(node.span()));
        }
        steps
    } else {
        let request = request::request(cx, &fields, &what, to)?;
        vec![Step::Request(Box::new(request))]
    };
    add_needs(&mut needs, class_headers, &steps);
    let task = Task { name: field.key.to_owned(), weight: weight?, tags, needs, steps };
    named.then_some(task)
}

fn task_weight<'a>(cx: &mut Ctx<'a>, node: Node<'a>) -> Option<u32> {
    if let DeValue::Integer(i) = node.get_ref()
        && i.as_str() == "0"
    {
        cx.error(
            Diagnostic::new(Code::Weight, "a task of weight 0 would never run")
                .at(node.span())
                .help("give it a weight of 1 or more, or leave the task out"),
        );
        return None;
    }
    if let DeValue::Float(_) = node.get_ref() {
        cx.error(
            Diagnostic::new(Code::Weight, "the weight of a task is a whole number")
                .at(node.span())
                .help("multiply the weights of all tasks until they are whole"),
        );
        return None;
    }
    let weight = cx.integer(node, "`weight`", 1..=1_000_000)?;
    u32::try_from(weight).ok()
}

/// What a task uses and does not surely capture first, it needs.
fn add_needs(needs: &mut Vec<VarId>, class_headers: &[(String, Template)], steps: &[Step]) {
    let mut captured = Vec::new();
    for step in steps {
        let Step::Request(request) = step else { continue };
        let used = class_headers.iter().map(|(_, t)| t).chain(templates(request)).flat_map(vars_of);
        for var in used {
            if !captured.contains(&var) && !needs.contains(&var) {
                needs.push(var);
            }
        }
        captured.extend(request.captures.iter().map(|c: &Capture| c.var));
    }
}

fn templates(request: &RequestStep) -> impl Iterator<Item = &Template> {
    let headers = request.headers.iter().map(|(_, template)| template);
    std::iter::once(&request.url).chain(headers).chain(request.body.iter().map(|b| &b.template))
}

fn texts<'a>(cx: &mut Ctx<'a>, fields: &Fields<'a>, key: &str) -> Vec<String> {
    let nodes = fields.get(key).map(|n| cx.one_or_many(n)).unwrap_or_default();
    let what = format!("`{key}`");
    nodes.into_iter().filter_map(|n| cx.text(n, &what).map(str::to_owned)).collect()
}

fn steps<'a>(cx: &mut Ctx<'a>, node: Node<'a>, what: &str, to: &mut Requests<'_>) -> Vec<Step> {
    let nodes = cx.one_or_many(node);
    nodes.into_iter().filter_map(|n| step(cx, n, what, to)).collect()
}

fn step<'a>(cx: &mut Ctx<'a>, node: Node<'a>, what: &str, to: &mut Requests<'_>) -> Option<Step> {
    let fields = cx.table(node, &keys::STEP)?;
    let Some(wait) = fields.get("wait") else {
        let request = request::request(cx, &fields, &format!("a step of {what}"), to)?;
        return Some(Step::Request(Box::new(request)));
    };
    if let Some(method) = keys::METHODS.into_iter().find(|m| fields.has(m)) {
        cx.error(
            Diagnostic::new(Code::Conflict, format!("a step has both `wait` and `{method}`"))
                .at(node.span())
                .help("a wait is a step of its own"),
        );
    }
    match wait::read(cx, wait)? {
        Wait::Pacing(_) => {
            cx.error(
                Diagnostic::new(Code::BadValue, "a step cannot be paced")
                    .at(wait.span())
                    .help("pacing belongs to the `wait` of the class"),
            );
            None
        }
        wait => Some(Step::Wait(wait)),
    }
}

/// Names of everything the steps of a class capture, in the order of the file.
fn variables<'a>(cx: &mut Ctx<'a>, fields: &Fields<'a>, feeds: &[Feed]) -> Vec<String> {
    let mut found = Vec::new();
    for key in ["on_start", "tasks", "on_stop"] {
        if let Some(node) = fields.get(key) {
            collect(node, MAX_DEPTH, &mut found);
        }
    }
    let mut vars: Vec<String> = Vec::new();
    let mut seen = HashSet::new();
    for field in found {
        if !cx.check_name(&field, "variable") || !seen.insert(field.key) {
            continue;
        }
        if vars.len() == MAX_VARS {
            cx.error(
                Diagnostic::new(Code::OutOfBounds, "a class captures too many variables")
                    .at(field.key_span.clone())
                    .label("one too many")
                    .help(format!("at most {MAX_VARS} for each class; a capture keeps all values of a path")),
            );
            break;
        }
        if field.key == "user" || feeds.iter().any(|f| f.name == field.key) {
            cx.error(
                Diagnostic::new(Code::Duplicate, format!("`{}` is something else already", field.key))
                    .at(field.key_span.clone())
                    .label("captured here")
                    .help("give the variable a name that no data feed has"),
            );
        }
        vars.push(field.key.to_owned());
    }
    vars
}

/// Every entry of every `capture` table below `node`, which are steps, tasks, or lists of them.
fn collect<'a>(node: Node<'a>, depth: usize, found: &mut Vec<Field<'a>>) {
    match node.get_ref() {
        _ if depth == 0 => {}
        DeValue::Array(array) => array.iter().for_each(|element| collect(element, depth - 1, found)),
        DeValue::Table(table) => {
            for field in entries(table) {
                match (field.key, field.node.get_ref()) {
                    ("capture", DeValue::Table(captures)) => found.extend(entries(captures)),
                    ("json" | "form" | "headers" | "expect", _) => {}
                    _ => collect(field.node, depth - 1, found),
                }
            }
        }
        _ => {}
    }
}

/// `127.1.0.0/16`: the addresses of a network that hosts may have.
fn source<'a>(cx: &mut Ctx<'a>, node: Node<'a>) -> Option<SourceRange> {
    let text = cx.text(node, "`source`")?;
    let range = source_range(text);
    if range.is_none() {
        cx.error(
            Diagnostic::new(Code::BadValue, format!("`source` is `{text}`, not a range of addresses"))
                .at(node.span())
                .help("write \"127.1.0.0/16\": an address and the number of its leading bits"),
        );
    }
    range
}

fn source_range(text: &str) -> Option<SourceRange> {
    let (address, bits) = text.split_once('/').map_or((text, None), |(a, b)| (a, Some(b)));
    let address: IpAddr = address.parse().ok()?;
    let width: u32 = if address.is_ipv4() { 32 } else { 128 };
    let bits: u32 = bits.map_or(Some(width), |b| b.parse().ok()).filter(|b| *b <= width)?;
    let host_bits = width - bits;
    if host_bits < 2 {
        return Some(SourceRange { first: address, count: 1 << host_bits });
    }
    // The first and last address of a network are its own and its broadcast address.
    let count = if host_bits >= 32 { u32::MAX } else { (1 << host_bits) - 2 };
    let first = match address {
        IpAddr::V4(v4) => {
            let mask = if host_bits == 32 { 0 } else { u32::MAX << host_bits };
            IpAddr::V4(Ipv4Addr::from((u32::from(v4) & mask) + 1))
        }
        IpAddr::V6(v6) => {
            let mask = if host_bits == 128 { 0 } else { u128::MAX << host_bits };
            IpAddr::V6(Ipv6Addr::from((u128::from(v6) & mask) + 1))
        }
    };
    Some(SourceRange { first, count })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_range_leaves_out_the_ends_of_its_network() {
        let range = source_range("127.1.0.0/16").unwrap();
        assert_eq!((range.first.to_string().as_str(), range.count), ("127.1.0.1", 65_534));
        let one = source_range("10.0.0.7").unwrap();
        assert_eq!((one.first.to_string().as_str(), one.count), ("10.0.0.7", 1));
        let v6 = source_range("fd00::/64").unwrap();
        assert_eq!((v6.first.to_string().as_str(), v6.count), ("fd00::1", u32::MAX));
        for text in ["127.1.0.0/33", "localhost", "1.2.3/8", ""] {
            assert_eq!(source_range(text), None, "{text}");
        }
    }
}
