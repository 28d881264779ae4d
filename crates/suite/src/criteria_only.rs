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
use crate::keys;
use crate::measures::Series;
use crate::suite::{self, read_text};
use crate::syntax::{Ctx, Field, Node};

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
        let errors = broken.iter().take(suite::MAX_BROKEN).map(|error| suite::not_toml(text, error)).collect();
        return Err(Diagnostics::new(origin, errors, broken.len().saturating_sub(suite::MAX_BROKEN)));
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
    let profiles = fields.get("profiles").and_then(|node| cx.named_few(node, "`profiles`")).unwrap_or_default();
    let before = cx.errors.len();
    let chosen = choose(cx, choice, &sets, &profiles, plan);
    let mut judgement = Judgement::default();
    let phases: Vec<&str> = plan.load.phases.iter().map(|phase| phase.name.as_str()).collect();
    for (name, node) in chosen {
        let Set { rows, pending, .. } = criteria::set(cx, name, node, &names);
        judgement.pending.extend(pending);
        for row in rows {
            let mut criterion = row.criterion;
            if let Some((phase, span)) = row.phase {
                criterion.scope.phase = phases.iter().position(|known| *known == phase);
                if criterion.scope.phase.is_none() {
                    cx.unknown_name(span, "phase of the run", &phase, &phases);
                }
            }
            judgement.criteria.push(criterion);
        }
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
                        .map(|(option, names)| format!("{option} with one of {}", list(&names[..names.len().min(8)])))
                        .collect();
                    cx.error(
                        Diagnostic::new(Code::Conflict, "which criteria of the file are meant is not clear")
                            .help(format!("the run's profile is not among its profiles; give {}", ways.join(", or "))),
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
