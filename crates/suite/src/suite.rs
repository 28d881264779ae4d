//! A suite as a whole: reading it, with every mistake at once.

use std::collections::HashSet;
use std::path::Path;

use squall_core::Nanos;
use squall_plan::{Auth, Endpoint, Feed, HttpSettings, UserClass};
use toml::de::{DeTable, DeValue};

use crate::criteria::Names;
use crate::data;
use crate::diagnostic::{Code, Diagnostic, Diagnostics, list};
use crate::excerpt::{Source, source};
use crate::profile::{self, Base, Profile};
use crate::request::{Endpoints, MAX_ENDPOINTS};
use crate::syntax::{Ctx, Fields, Node, head};
use crate::template::Scope;
use crate::users::{self, Shared};
use crate::warnings::Warning;
use crate::{auth, broken, criteria, files, keys, monitors, settings};

/// The version of the format this program reads.
pub const SCHEMA_VERSION: u64 = 1;
/// Largest suite file, in bytes.
const MAX_SUITE: u64 = 16 << 20;

/// A checked suite: everything it says is meaningful, every profile can be planned.
#[derive(Clone)]
pub struct Suite {
    pub(crate) source: Source,
    pub(crate) name: String,
    pub(crate) host: Option<String>,
    pub(crate) seed: Option<u64>,
    pub(crate) stop_timeout: Nanos,
    pub(crate) http: HttpSettings,
    pub(crate) feeds: Vec<Feed>,
    pub(crate) auths: Vec<Auth>,
    pub(crate) classes: Vec<UserClass>,
    pub(crate) endpoints: Vec<Endpoint>,
    pub(crate) profiles: Vec<Profile>,
    /// Processes to watch.
    pub(crate) processes: Vec<monitors::Process>,
    /// Sets of criteria are written, or profiles with criteria of their own.
    pub(crate) has_criteria: bool,
    /// What is allowed, but may not be intended, whatever is run.
    pub(crate) warnings: Vec<Warning>,
}

impl Suite {
    /// Name of the suite.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Base URL of the target, if the suite names one.
    pub fn host(&self) -> Option<&str> {
        self.host.as_deref()
    }

    /// The profiles, in the order of the suite.
    pub fn profiles(&self) -> &[Profile] {
        &self.profiles
    }

    /// The classes of users, sorted by name; weights are the suite's.
    pub fn classes(&self) -> &[UserClass] {
        &self.classes
    }
}

impl std::fmt::Debug for Suite {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Suite")
            .field("name", &self.name)
            .field("classes", &self.classes.iter().map(|c| &c.name).collect::<Vec<_>>())
            .field("profiles", &self.profiles.iter().map(|p| &p.name).collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

/// Where a suite is read.
pub struct Options<'o> {
    /// Value of an environment variable, for `env:NAME`.
    pub env: &'o dyn Fn(&str) -> Option<String>,
}

impl Default for Options<'_> {
    /// The environment of this process.
    fn default() -> Self {
        Self { env: &|name| std::env::var(name).ok() }
    }
}

/// Read and check the suite at `path`; its data files are looked for beside it.
///
/// # Errors
/// Everything that is wrong with the suite, at once.
pub fn load(path: &Path, options: &Options<'_>) -> Result<Suite, Diagnostics> {
    let name = path.display().to_string();
    let text = read_text(path, &name)?;
    parse(&text, &name, path.parent().unwrap_or(Path::new("")), options.env)
}

/// The text of the file at `path`, called `name` in messages.
pub(crate) fn read_text(path: &Path, name: &str) -> Result<String, Diagnostics> {
    let fail = |error: Diagnostic| Diagnostics::new(source(name, ""), vec![error], 0);
    let bytes = files::read(path, MAX_SUITE).map_err(|problem| {
        let error = Diagnostic::new(Code::File, format!("{name} {problem}"));
        fail(error.help("give the path of a suite.toml"))
    })?;
    String::from_utf8(bytes).map_err(|e| {
        let at = e.utf8_error().valid_up_to();
        let line = 1 + e.as_bytes()[..at].iter().filter(|b| **b == b'\n').count();
        let message = format!("{name} is not UTF-8: line {line} holds other bytes");
        fail(Diagnostic::new(Code::NotUtf8, message).help("save it as UTF-8"))
    })
}

/// Check the suite `text`, called `name` in messages; its data files are looked for in `base_dir`, and `env`
/// gives the value of an environment variable.
///
/// # Errors
/// Everything that is wrong with the suite, at once.
pub fn parse(
    text: &str,
    name: &str,
    base_dir: &Path,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Suite, Diagnostics> {
    let (root, broken) = DeTable::parse_recoverable(text);
    let mut cx = Ctx {
        text,
        base_dir,
        env,
        broken_feeds: Vec::new(),
        errors: Vec::new(),
        more: 0,
        warnings: Vec::new(),
    };
    let origin = source(name, text);
    let suite = read(&mut cx, root.get_ref(), origin.clone());
    let mut more = cx.more;
    let mut errors = cx.errors;
    if !broken.is_empty() {
        broken::drop_consequences(text, &broken, &mut errors);
        let (mistakes, left_out) = broken::mistakes(text, &broken);
        more += left_out;
        errors.extend(mistakes);
    }
    match suite {
        Some(suite) if errors.is_empty() => Ok(suite),
        _ => Err(Diagnostics::new(origin, errors, more)),
    }
}

fn read<'a>(cx: &mut Ctx<'a>, root: &'a DeTable<'a>, source: Source) -> Option<Suite> {
    if !schema(cx, root) {
        return None;
    }
    let fields = cx.fields(root, 0..cx.text.len(), &keys::SUITE);
    let name = fields.get("name").and_then(|n| cx.line(n, "`name`"));
    if let Some(node) = fields.get("description") {
        cx.text(node, "`description`");
    }
    let host = settings::host(cx, &fields);
    let seed = fields.get("seed").and_then(|n| cx.integer(n, "`seed`", 0..=i64::MAX as u64));
    let stop_timeout = fields.get("stop_timeout").and_then(|n| cx.duration(n, "`stop_timeout`"));
    let stop_timeout = stop_timeout.unwrap_or(Nanos::from_secs(10));
    let http = match fields.get("http") {
        Some(node) => settings::http(cx, node, &HttpSettings::default()),
        None => HttpSettings::default(),
    };
    let feeds = fields.get("data").map(|n| data::feeds(cx, n)).unwrap_or_default();
    let scope = Scope { vars: &[], feeds: &feeds };
    let auths = fields.get("auth").map(|n| auth::auths(cx, n, scope)).unwrap_or_default();
    let mut endpoints = Endpoints::default();
    let classes = classes(cx, &fields, &http, &feeds, &mut endpoints);
    let mut class_names: Vec<&str> = classes.iter().map(|c| c.name.as_str()).collect();
    let written = fields.get("users").map(names_in).unwrap_or_default();
    if written.len() != class_names.len() {
        // The suite is refused anyway; a class with a mistake still counts as known.
        class_names = written.iter().map(String::as_str).collect();
    }
    // With too many endpoints, comparing names with them is what would take long; the suite is refused anyway.
    let few = &endpoints.all[..endpoints.all.len().min(MAX_ENDPOINTS)];
    let processes = fields.get("monitor").map(|n| monitors::read(cx, n)).unwrap_or_default();
    let series = monitors::series(&processes);
    let names = Names::new(few, &class_names, &series);
    let sets = fields.get("criteria").map(|n| criteria::sets(cx, n, &names)).unwrap_or_default();
    let base = Base { http: &http, stop_timeout, sets: &sets, names: &names, classes: &classes };
    let profiles = fields.get("profiles").map(|n| profile::profiles(cx, n, &base)).unwrap_or_default();
    check_set_phases(cx, &sets, &profiles);
    let has_criteria =
        !sets.is_empty() || profiles.iter().any(|p| !p.rows.is_empty() || !p.pending.is_empty());
    Some(Suite {
        source,
        name: name.unwrap_or("suite").to_owned(),
        host,
        seed,
        stop_timeout,
        http,
        feeds,
        auths,
        classes,
        endpoints: endpoints.all,
        profiles,
        processes,
        has_criteria,
        warnings: std::mem::take(&mut cx.warnings),
    })
}

fn classes<'a>(
    cx: &mut Ctx<'a>,
    fields: &Fields<'a>,
    http: &HttpSettings,
    feeds: &[Feed],
    endpoints: &mut Endpoints,
) -> Vec<UserClass> {
    let Some(node) = fields.get("users") else {
        cx.error(users::no_users());
        return Vec::new();
    };
    // A way to log in that has a mistake of its own still counts as known, or each use would be one more.
    let auths: Vec<String> = fields.get("auth").map(names_in).unwrap_or_default();
    let shared = Shared { feeds, auths: &auths, follow: http.max_redirects > 0 };
    let classes = users::classes(cx, node, &shared, endpoints);
    if endpoints.all.len() > MAX_ENDPOINTS {
        cx.error(
            Diagnostic::new(Code::OutOfBounds, format!("the suite has {} endpoints", endpoints.all.len()))
                .at(head(&node.span()))
                .help(format!("at most {MAX_ENDPOINTS}: give requests that belong together one `name`")),
        );
    }
    if !classes.is_empty() && classes.iter().all(|c| c.weight == 0.0 && c.fixed_count == 0) {
        let names: Vec<&str> = classes.iter().map(|c| c.name.as_str()).collect();
        cx.error(
            Diagnostic::new(Code::Weight, "no class of users has a weight above 0")
                .at(head(&node.span()))
                .help(format!("give a weight to one of {}", list(&names))),
        );
    }
    classes
}

fn names_in(node: Node<'_>) -> Vec<String> {
    let DeValue::Table(table) = node.get_ref() else { return Vec::new() };
    let mut names: Vec<_> = crate::syntax::entries(table).into_iter().map(|f| f.key.to_owned()).collect();
    names.dedup();
    names
}

/// A set that no profile uses may still name a phase that nobody has.
fn check_set_phases(cx: &mut Ctx<'_>, sets: &[criteria::Set], profiles: &[Profile]) {
    let known: Vec<&str> = profiles.iter().flat_map(|p| &p.phases).map(|p| p.name.as_str()).collect();
    let noted: HashSet<_> = cx.errors.iter().filter_map(|e| e.span.clone()).collect();
    for (name, span) in sets.iter().flat_map(|s| &s.rows).filter_map(|r| r.phase.as_ref()) {
        if !noted.contains(span) && !known.contains(&name.as_str()) {
            cx.unknown_name(span.clone(), "phase", name, &known);
        }
    }
}

/// Check `schema`: without it nothing else can be trusted to mean what it says, but a file that only lacks it
/// is read as the current version, so that its other mistakes show too.
pub(crate) fn schema<'a>(cx: &mut Ctx<'a>, root: &'a DeTable<'a>) -> bool {
    let Some(node) = root.get("schema") else {
        cx.error(Diagnostic::new(Code::Schema, "`schema` is missing").at(0..0).label("begins here").help(
            "put `schema = 1` at the top: it says which version of the format the suite is written in",
        ));
        return true;
    };
    let version = match node.get_ref() {
        DeValue::Integer(i) => u64::from_str_radix(i.as_str(), i.radix()).ok(),
        _ => None,
    };
    if version == Some(SCHEMA_VERSION) {
        return true;
    }
    let newer = version.is_some_and(|v| v > SCHEMA_VERSION);
    let help = if newer {
        format!("this program reads version {SCHEMA_VERSION}; a newer squall reads this suite")
    } else {
        "did you mean `schema = 1`?".to_owned()
    };
    cx.error(
        Diagnostic::new(Code::Schema, "the suite is not in version 1 of the format")
            .at(node.span())
            .label("unknown version")
            .help(help),
    );
    !newer
}
