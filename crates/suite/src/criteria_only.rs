//! The criteria of a file for a run that was made: names are those of the run's plan, whatever else the file says.
//!
//! A whole suite will do, and so will a file with nothing but `schema = 1` and `[criteria.NAME]`. Only the criteria that
//! are chosen are read; the others may speak of what the run does not have.

use std::path::Path;

use squall_plan::{Criterion, Pending, Plan};
use toml::de::{DeTable, DeValue};

use crate::criteria::{self, Names, Set};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, list, suggest};
use crate::excerpt::source;
use crate::measures::Series;
use crate::suite::{self, read_text};
use crate::syntax::{Ctx, Field, Node};
use crate::{broken, keys, scopes};

/// Which criteria of a file are meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum CriteriaChoice {
    /// Those of the profile that was run, where the file has it; all sets of a file without profiles.
    #[default]
    Natural,
    /// Those of this profile.
    Profile(String),
    /// This set.
    Set(String),
}

/// What a run is to be judged by.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Judgement {
    /// Resolved against the plan; at least one, unless all are pending.
    pub criteria: Vec<Criterion>,
    /// What this version cannot judge.
    pub pending: Vec<Pending>,
}

/// Read the criteria that `choice` means from the file at `path`, for a run of `plan`.
///
/// # Errors
/// Everything that is wrong with them, at once; what names something the plan does not have, too.
pub fn load_criteria(path: &Path, choice: &CriteriaChoice, plan: &Plan) -> Result<Judgement, Diagnostics> {
    let name = path.display().to_string();
    let text = read_text(path, &name)?;
    parse_criteria(&text, &name, choice, plan)
}

/// The same of `text`, called `name` in messages.
///
/// # Errors
/// As [`load_criteria`].
pub fn parse_criteria(
    text: &str,
    name: &str,
    choice: &CriteriaChoice,
    plan: &Plan,
) -> Result<Judgement, Diagnostics> {
    let origin = source(name, text);
    let (root, broken) = DeTable::parse_recoverable(text);
    if !broken.is_empty() {
        let (errors, more) = broken::mistakes(text, &broken);
        return Err(Diagnostics::new(origin, errors, more));
    }
    let mut cx = Ctx {
        text,
        base_dir: Path::new(""),
        env: &|_| None,
        broken_feeds: Vec::new(),
        errors: Vec::new(),
        more: 0,
        warnings: Vec::new(),
    };
    let judgement = read(&mut cx, root.get_ref(), choice, plan);
    if cx.errors.is_empty() { Ok(judgement) } else { Err(Diagnostics::new(origin, cx.errors, cx.more)) }
}

fn read<'a>(cx: &mut Ctx<'a>, root: &'a DeTable<'a>, choice: &CriteriaChoice, plan: &Plan) -> Judgement {
    if !suite::schema(cx, root) {
        return Judgement::default();
    }
    let fields = cx.fields(root, 0..cx.text.len(), &keys::SUITE);
    let classes: Vec<&str> = plan.classes.iter().map(|class| class.name.as_str()).collect();
    let series: Vec<Series> = plan.series().into_iter().map(|series| (series.name, series.unit)).collect();
    let names = Names::new(&plan.endpoints, &classes, &series);
    let sets = fields.get("criteria").and_then(|node| cx.named_few(node, "`criteria`")).unwrap_or_default();
    let profiles =
        fields.get("profiles").and_then(|node| cx.named_few(node, "`profiles`")).unwrap_or_default();
    let before = cx.errors.len();
    let chosen = choose(cx, choice, &sets, &profiles, plan);
    let mut judgement = Judgement::default();
    for (name, node) in chosen {
        let Set { mut rows, pending, .. } = criteria::set(cx, name, node, &names);
        let profile = plan.profile.as_deref().unwrap_or(&plan.name);
        scopes::resolve(cx, profile, &plan.load.phases, !plan.faults.is_empty(), &mut rows);
        judgement.criteria.extend(rows.into_iter().map(|row| row.criterion));
        judgement.pending.extend(pending);
    }
    if cx.errors.len() == before && judgement == Judgement::default() {
        cx.error(
            Diagnostic::new(Code::MissingKey, "there is nothing to judge by")
                .help("write criteria: [criteria.mine] and below it p95 = { target = \"< 500ms\" }"),
        );
    }
    judgement
}

/// The tables of criteria that are meant, with their names.
fn choose<'a>(
    cx: &mut Ctx<'a>,
    choice: &CriteriaChoice,
    sets: &[Field<'a>],
    profiles: &[Field<'a>],
    plan: &Plan,
) -> Vec<(&'a str, Node<'a>)> {
    let names = |fields: &[Field<'a>]| fields.iter().map(|field| field.key).collect::<Vec<_>>();
    let find = |fields: &[Field<'a>], name: &str| fields.iter().find(|field| field.key == name).cloned();
    let unknown = |kind: &str, name: &str, known: &[&str]| {
        let nothing = Some(format!("the file has no {kind}"));
        let help = if known.is_empty() { nothing } else { suggest(name, known.iter().copied()) };
        Diagnostic::new(Code::UnknownName, format!("there is no {kind} called `{name}`")).maybe_help(help)
    };
    match choice {
        CriteriaChoice::Set(name) => match find(sets, name) {
            Some(set) => vec![(set.key, set.node)],
            None => {
                cx.error(unknown("set of criteria", name, &names(sets)));
                Vec::new()
            }
        },
        CriteriaChoice::Profile(name) => match find(profiles, name) {
            Some(profile) => of_profile(cx, &profile, sets),
            None => {
                cx.error(unknown("profile", name, &names(profiles)));
                Vec::new()
            }
        },
        CriteriaChoice::Natural => {
            let made = plan.profile.as_deref().and_then(|name| find(profiles, name));
            match made {
                Some(profile) => of_profile(cx, &profile, sets),
                None if profiles.is_empty() => sets.iter().map(|set| (set.key, set.node)).collect(),
                None => {
                    let all = [("--set", names(sets)), ("--profile", names(profiles))];
                    let ways: Vec<String> = all
                        .iter()
                        .filter(|(_, names)| !names.is_empty())
                        .map(|(option, names)| {
                            format!("{option} with one of {}", list(&names[..names.len().min(8)]))
                        })
                        .collect();
                    cx.error(
                        Diagnostic::new(Code::Conflict, "which criteria of the file are meant is not clear")
                            .help(format!(
                                "the run's profile is not among its profiles; give {}",
                                ways.join(", or ")
                            )),
                    );
                    Vec::new()
                }
            }
        }
    }
}

/// What a profile is judged by: a table of its own, or sets by name.
fn of_profile<'a>(cx: &mut Ctx<'a>, profile: &Field<'a>, sets: &[Field<'a>]) -> Vec<(&'a str, Node<'a>)> {
    let DeValue::Table(table) = profile.node.get_ref() else {
        cx.wrong_type(profile.node, "a profile", "a table");
        return Vec::new();
    };
    let Some(node) = table.get("criteria") else {
        cx.error(
            Diagnostic::new(Code::MissingKey, format!("profile `{}` has no criteria", profile.key))
                .at(profile.key_span.clone())
                .label("judged by nothing"),
        );
        return Vec::new();
    };
    if node.get_ref().is_table() {
        return vec![(profile.key, node)];
    }
    let known: Vec<&str> = sets.iter().map(|set| set.key).collect();
    let named = cx.one_or_many(node);
    let found = named.into_iter().filter_map(|node| cx.reference(node, "set of criteria", &known));
    found.map(|position| (sets[position].key, sets[position].node)).collect()
}

#[cfg(test)]
mod tests {
    use squall_plan::Measure;

    use super::*;

    const SUITE: &str = r#"
schema = 1
host = "http://127.0.0.1"
[users.Reader.tasks]
home = { get = "/" }
item = { get = "/items" }
[profiles.spike]
criteria = "fast"
phases = [
  { name = "before", users = 1, run_time = "10s" },
  { name = "spike", users = 5, run_time = "10s" },
  { name = "after", users = 1, run_time = "10s" },
]
[profiles.other]
users = 1
criteria = { p50 = "< 1s" }
[criteria.fast]
p95 = { target = "< 500ms", phase = "spike" }
[criteria.slow]
p99 = { target = "< 5s", endpoint = "/items", users = "Reader" }
"#;

    fn plan() -> Plan {
        let suite = suite::parse(SUITE, "s.toml", Path::new(""), &|_| None).unwrap();
        let selection = crate::Selection { profile: Some("spike".to_owned()), ..crate::Selection::default() };
        suite.plan(&selection).unwrap().plan
    }

    fn measures(text: &str, choice: &CriteriaChoice) -> Result<Vec<String>, String> {
        let read = parse_criteria(text, "c.toml", choice, &plan());
        let read = read.map_err(|mistakes| {
            let said = |error: &Diagnostic| {
                format!("{}: {}", error.message, error.help.as_deref().unwrap_or_default())
            };
            mistakes.errors().iter().map(said).collect::<Vec<_>>().join("; ")
        })?;
        Ok(read.criteria.iter().map(|criterion| criterion.measure.to_string()).collect())
    }

    #[test]
    fn the_criteria_meant_are_found() {
        let profile = |name: &str| CriteriaChoice::Profile(name.to_owned());
        let set = |name: &str| CriteriaChoice::Set(name.to_owned());
        for (choice, expected) in [
            (CriteriaChoice::Natural, "p95"),
            (profile("other"), "p50"),
            (profile("spike"), "p95"),
            (set("slow"), "p99"),
        ] {
            assert_eq!(measures(SUITE, &choice).unwrap(), [expected], "{choice:?}");
        }
        let alone = "schema = 1\n[criteria.a]\np95 = \"< 1s\"\n[criteria.b]\nerror_rate = \"< 1%\"";
        assert_eq!(measures(alone, &CriteriaChoice::Natural).unwrap(), ["p95", "error_rate"]);
    }

    #[test]
    fn names_are_those_of_the_run() {
        let judged = parse_criteria(SUITE, "s", &CriteriaChoice::Set("slow".to_owned()), &plan()).unwrap();
        let scope = judged.criteria[0].scope;
        let plan = plan();
        assert_eq!(plan.endpoints[scope.endpoint.unwrap().index()].name, "/items");
        assert_eq!(scope.class.map(squall_core::UserClassId::index), Some(0));
        assert!(matches!(judged.criteria[0].measure, Measure::Percentile(_)));
        for (row, said) in [
            ("p95 = { target = \"< 1s\", phase = \"spiek\" }", "called `spiek`: did you mean `spike`?"),
            (
                "p95 = { target = \"< 1s\", endpoint = \"GET /itms\" }",
                "called `GET /itms`: did you mean `GET /items`?",
            ),
            ("p95 = { target = \"< 1s\", users = \"Raeder\" }", "called `Raeder`: did you mean `Reader`?"),
            ("p95 = { target = \"< 1s\", for = \"20s\", phase = \"spike\" }", "`for` is 20s"),
            ("\"process.rss\" = \"< 1GB\"", "no monitor measures `process.rss`"),
            ("p95 = 3", "must be"),
            ("", "there is nothing to judge by"),
        ] {
            let text = format!("schema = 1\n[criteria.x]\n{row}");
            let errors = measures(&text, &CriteriaChoice::Natural).unwrap_err();
            assert!(errors.contains(said), "{row}: {errors}");
        }
    }

    #[test]
    fn what_is_not_there_is_said() {
        let set = |name: &str| CriteriaChoice::Set(name.to_owned());
        for (text, choice, said) in [
            (SUITE, set("fats"), "there is no set of criteria called `fats`: did you mean `fast`?"),
            (SUITE, CriteriaChoice::Profile("spik".to_owned()), "did you mean `spike`?"),
            ("schema = 1", set("x"), "the file has no set of criteria"),
            ("schema = 1", CriteriaChoice::Natural, "there is nothing to judge by"),
            ("schema = 2", CriteriaChoice::Natural, "not in version 1"),
            ("schema = 1\n[criterai.x]", CriteriaChoice::Natural, "did you mean `criteria`?"),
            ("schema = [", CriteriaChoice::Natural, "not TOML"),
            (
                "schema = 1\n[profiles.p]\nusers = 1\n[criteria.x]\np95 = \"< 1s\"",
                CriteriaChoice::Natural,
                "--set with one of `x`, or --profile with one of `p`",
            ),
        ] {
            let errors = measures(text, &choice).unwrap_err();
            assert!(errors.contains(said), "{text}: {errors}");
        }
    }
}
