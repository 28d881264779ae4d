//! What the parts of a suite mean in the plan.

use squall_core::Nanos;
use squall_plan::{
    AuthKind, CaptureSource, Check, Escape, FeedOrder, Part, Plan, RequestStep, Slot, Step, Template, Wait,
};
use squall_suite::{Selection, Warning};

use crate::{USERS, good, parse};

fn plan(text: &str) -> Plan {
    planned(text, &Selection::default()).plan
}

fn planned(text: &str, selection: &Selection) -> squall_suite::Planned {
    let text = format!("schema = 1\nhost = \"http://localhost:1\"\n{text}");
    good(&text).plan(selection).unwrap()
}

fn profile(name: &str) -> Selection {
    Selection { profile: Some(name.to_owned()), ..Selection::default() }
}

/// The only request of the task `task`.
fn request<'p>(plan: &'p Plan, task: &str) -> &'p RequestStep {
    let (_, task) = plan.tasks().find(|(_, t)| t.name == task).unwrap();
    match &task.steps[0] {
        Step::Request(request) => request,
        Step::Wait(_) => panic!("a wait"),
    }
}

/// A template as text, slots in angle brackets with their escape.
fn show(template: &Template) -> String {
    let parts = template.parts.iter().map(|part| match part {
        Part::Text(text) => text.clone(),
        Part::Slot { slot, escape } => format!("<{slot:?} {escape:?}>"),
    });
    parts.collect()
}

fn tasks(lines: &str) -> Plan {
    plan(&format!("[data]\nterms = [\"a\", \"b\"]\n[users.U.tasks]\n{lines}"))
}

#[test]
fn slots_are_escaped_for_where_they_stand() {
    let plan = tasks(
        r#"a = { post = "/s/{word()}?q={pick(terms)}&x={{y}}", headers = { X-A = "{user.id}" }, json = { n = "{int(1, 5)}", t = "é\"{word()}", l = [1, 1.5, true] } }
           b = { post = "/f", form = { "a b" = "c&{now()}" } }
           c = { post = "/r", body = "<x>{uuid()}</x>", content_type = "text/xml" }"#,
    );
    let a = request(&plan, "a");
    assert_eq!(show(&a.url), "/s/<Word Percent>?q=<Pick(Feed(0)) Percent>&x=%7By%7D");
    assert_eq!(show(&a.headers[0].1), "<UserId Header>");
    let body = a.body.as_ref().unwrap();
    assert_eq!(body.content_type, "application/json");
    assert_eq!(show(&body.template), r#"{"n":<Int(1, 5) Raw>,"t":"é\"<Word JsonString>","l":[1,1.5,true]}"#);
    let form = request(&plan, "b").body.as_ref().unwrap();
    assert_eq!(show(&form.template), "a%20b=c%26<Now Percent>");
    assert_eq!(form.content_type, "application/x-www-form-urlencoded");
    let raw = request(&plan, "c").body.as_ref().unwrap();
    assert_eq!((show(&raw.template).as_str(), raw.content_type.as_str()), ("<x><Uuid Raw></x>", "text/xml"));
}

#[test]
fn requests_are_grouped_by_name_or_by_their_template() {
    let plan = tasks(
        r#"a = { get = "/a?tab=new" }
           b = { get = "/b/{word()}?q={word()}" }
           c = { get = "/c/{word()}", name = "/c/[word]" }
           d = { get = "/a?tab=new", weight = 3 }"#,
    );
    let names: Vec<_> = plan.endpoints.iter().map(|e| format!("{} {}", e.method, e.name)).collect();
    assert_eq!(names, ["GET /a?tab=new", "GET /b/{word()}", "GET /c/[word]"]);
    assert_eq!(request(&plan, "a").endpoint, request(&plan, "d").endpoint);
}

#[test]
fn a_captured_link_is_used_as_it_is() {
    let plan = tasks(
        r#"a = { get = "/a", capture = { next = "$.next" } }
                        b = { get = "{next}" }"#,
    );
    assert!(matches!(
        request(&plan, "b").url.parts.as_slice(),
        [Part::Slot { slot: Slot::Var(_), escape: Escape::Raw }]
    ));
}

#[test]
fn a_task_needs_what_it_uses_and_did_not_capture_first() {
    let plan = tasks(
        r#"list = { get = "/l", capture = { ids = "$[*].id" } }
           view = { get = "/v/{pick(ids)}" }
           both = { steps = [{ get = "/l", capture = { ids = "$[*].id" } }, { wait = "1s" }, { get = "/v/{ids}" }] }"#,
    );
    let needs: Vec<_> = plan.tasks().map(|(_, t)| (t.name.as_str(), t.needs.len())).collect();
    assert_eq!(needs, [("list", 0), ("view", 1), ("both", 0)]);
}

#[test]
fn waits_have_several_forms() {
    for (text, wait) in [
        ("\"2s\"", Wait::Constant(Nanos::from_secs(2))),
        ("\"1s..5s\"", Wait::Uniform(Nanos::from_secs(1), Nanos::from_secs(5))),
        ("{ between = [\"1s\", \"5s\"] }", Wait::Uniform(Nanos::from_secs(1), Nanos::from_secs(5))),
        ("{ exponential = \"3s\" }", Wait::Exponential(Nanos::from_secs(3))),
        ("{ pacing = \"100ms\" }", Wait::Pacing(Nanos::from_millis(100))),
        ("{ throughput = \"10/s\" }", Wait::Pacing(Nanos::from_millis(100))),
    ] {
        let plan = plan(&format!("[users.U]\nwait = {text}\ntasks.a = {{ get = \"/\" }}"));
        assert_eq!(plan.classes[0].wait, wait, "{text}");
    }
}

#[test]
fn expectations_and_captures() {
    let plan = tasks(
        r#"a = { get = "/", expect = 201 }
           b = { get = "/", expect = ["2xx", 304] }
           c = { get = "/", expect = { json = { "$.ok" = true }, contains = "x", header = { ETag = "W" }, max_time = "1s" } }
           d = { get = "/", capture = { r = { regex = "id=(\\d+)", required = true }, h = { header = "X-Id" }, c = { cookie = "sid" }, s = { status = true } } }"#,
    );
    assert!(request(&plan, "a").expect.explicit_status && !request(&plan, "a").expect.status.contains(200));
    assert_eq!(request(&plan, "b").expect.status.0, [(200, 299), (304, 304)]);
    let c = &request(&plan, "c").expect;
    assert!(!c.explicit_status && c.checks.len() == 4, "{c:?}");
    assert_eq!(c.checks[0], Check::JsonEquals { path: "$.ok".into(), value: "true".into() });
    let d = &request(&plan, "d").captures;
    let sources: Vec<_> = d.iter().map(|c| (&c.source, c.required)).collect();
    assert_eq!(sources[0], (&CaptureSource::Regex("id=(\\d+)".into()), true));
    assert_eq!(sources[3], (&CaptureSource::Status, false));
}

#[test]
fn secrets_come_from_the_environment_and_do_not_show() {
    let plan = plan(&format!(
        "[auth.a]\njwt = {{ secret = \"env:TOKEN\", claims = {{ sub = \"x\" }} }}\n[auth.b]\nbearer = \"t-{{env:TOKEN}}\"\n{USERS}"
    ));
    let AuthKind::Jwt { secret, ttl, .. } = &plan.auths[0].kind else { panic!("no jwt") };
    assert_eq!((secret.expose(), *ttl), ("hunter2", Nanos::from_secs(600)));
    let shown = format!("{plan:?} {}", serde_json::to_string(&plan).unwrap());
    assert!(!shown.contains("hunter2"), "{shown}");
    let errors =
        parse("schema = 1\n[auth.a]\njwt = { secret = \"env:TOKEN\", claims = { sub = 5 } }").unwrap_err();
    assert!(!crate::rendered(&errors).contains("hunter2"));
}

#[test]
fn data_comes_from_files_beside_the_suite() {
    let folder = std::env::temp_dir().join(format!("squall-suite-data-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("a.csv"), "email,password\na@b.c,x\n").unwrap();
    std::fs::write(folder.join("b.jsonl"), "{\"id\": 7, \"tags\": [1]}\n").unwrap();
    std::fs::write(
        folder.join("suite.toml"),
        "schema = 1\nhost = \"http://h\"\n[data]\na = { csv = \"a.csv\", order = \"unique\" }\nb = { jsonl = \"b.jsonl\", order = \"circular\" }\nc = [{ x = 1 }, { x = \"y\" }]\n[users.U.tasks]\nt = { get = \"/{a.email}/{b.id}/{c}\" }",
    )
    .unwrap();
    let suite = squall_suite::load(&folder.join("suite.toml"), &squall_suite::Options::default());
    std::fs::remove_dir_all(&folder).unwrap();
    let plan = suite.unwrap().plan(&Selection::default()).unwrap().plan;
    assert_eq!(plan.feeds[0].rows, [["a@b.c", "x"]]);
    assert_eq!(plan.feeds[1].rows, [["7", "[1]"]]);
    assert_eq!(plan.feeds[2].rows, [["1"], ["y"]]);
    let orders: Vec<_> = plan.feeds.iter().map(|f| f.order).collect();
    assert_eq!(orders, [FeedOrder::Unique, FeedOrder::Circular, FeedOrder::Random]);
}

#[test]
fn the_command_line_makes_a_run_without_a_profile() {
    let selection = Selection {
        users: Some(50),
        spawn_rate: Some(5.0),
        run_time: Some(Nanos::from_secs(60)),
        ..Selection::default()
    };
    let phases = planned(USERS, &selection).plan.load.phases;
    assert_eq!((phases.len(), phases[0].name.as_str(), phases[0].users), (1, "run", 50));
    let phases = plan(USERS).load.phases;
    assert_eq!((phases[0].users, phases[0].spawn_rate, phases[0].run_time), (1, 1.0, None));
}

#[test]
fn the_command_line_changes_a_profile_of_one_phase() {
    let text = format!("{USERS}[profiles.p]\nusers = 10\nrun_time = \"1m\"\nstop_timeout = \"3s\"");
    let plan = planned(&text, &Selection { users: Some(20), ..profile("p") }).plan;
    assert_eq!((plan.load.phases[0].users, plan.load.run_time()), (20, Some(Nanos::from_secs(60))));
    assert_eq!(plan.load.stop_timeout, Nanos::from_secs(3));
}

const TAGGED: &str = r#"
[users.A.tasks]
read = { get = "/read", tags = ["read", "slow"] }
write = { post = "/write", tags = "write" }
[users.B.tasks]
none = { get = "/none" }
[users.C]
weight = 0
tasks.extra = { get = "/extra" }
[profiles.p]
users = 1
criteria = { p95 = { target = "< 1s", endpoint = "/write" }, p99 = { target = "< 1s", users = "B" }, mean = "< 1s" }
"#;

#[test]
fn tags_choose_tasks_and_drop_what_is_left_without() {
    let tags = |list: &[&str]| list.iter().map(ToString::to_string).collect();
    let selection =
        Selection { tags: tags(&["read", "write"]), exclude_tags: tags(&["write"]), ..profile("p") };
    let planned = planned(TAGGED, &selection);
    let names: Vec<_> = planned.plan.tasks().map(|(_, t)| t.name.as_str()).collect();
    assert_eq!(names, ["read"]);
    assert_eq!(planned.plan.endpoints.len(), 1);
    // Of three criteria two have no requests left.
    assert_eq!(planned.plan.criteria.len(), 1);
    let warnings: Vec<_> = planned.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        [
            "B has no tasks left after filtering by tags, so it does not run",
            "p95 of POST /write is not judged: nothing that runs makes such requests",
            "p99 of B is not judged: nothing that runs makes such requests",
        ]
    );
}

#[test]
fn criteria_that_nobody_asked_to_judge_are_pointed_out() {
    let users = "[users.U.tasks]\nt = { get = \"/\" }\n";
    let load = "[profiles.calm]\nusers = 1\n";
    let set = "[criteria.strict]\np95 = \"< 1s\"\n";
    let warnings = |text: &str, name: Option<&str>| {
        let selection = name.map(profile).unwrap_or_default();
        let planned = planned(text, &selection);
        planned.warnings.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let judged = format!("{users}{load}criteria = \"strict\"\n[profiles.plain]\nusers = 2\n{set}");
    assert_eq!(
        warnings(&judged, None),
        ["without `--profile` no criteria are judged; profiles with criteria: `calm`"]
    );
    assert_eq!(warnings(&judged, Some("calm")), [""; 0]);
    let forgotten = format!("{users}{load}{set}");
    let said = ["no criteria are judged: those of the suite belong to no profile"];
    assert_eq!(warnings(&forgotten, None), said);
    assert_eq!(warnings(&format!("{users}{load}"), None), [""; 0], "nothing is lost");
}

#[test]
fn classes_are_chosen_by_name_even_with_weight_zero() {
    let names = |plan: &Plan| plan.classes.iter().map(|c| c.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&plan(TAGGED)), ["A", "B"]);
    let selection = Selection { user_classes: vec!["C".into()], ..Selection::default() };
    let plan = planned(TAGGED, &selection).plan;
    assert_eq!((names(&plan), plan.classes[0].weight), (vec!["C".to_owned()], 1.0));
}

#[test]
fn a_profile_has_its_own_mix_pace_and_target() {
    let text = format!(
        "{TAGGED}[profiles.q]\nusers = 4\nhost = \"http://other\"\nwait_factor = 0.5\nmix = {{ B = 3, C = 1 }}\nhttp = {{ timeout = \"1s\" }}\n[users.D]\nwait = \"4s\"\ntasks.t = {{ get = \"/\" }}"
    );
    let plan = planned(&text, &profile("q")).plan;
    let weights: Vec<_> = plan.classes.iter().map(|c| (c.name.as_str(), c.weight)).collect();
    assert_eq!(weights, [("B", 3.0), ("C", 1.0)]);
    assert_eq!((plan.host.as_str(), plan.http.timeout), ("http://other", Nanos::from_secs(1)));
    let text = text.replace("B = 3, C = 1", "D = 1");
    assert_eq!(planned(&text, &profile("q")).plan.classes[0].wait, Wait::Constant(Nanos::from_secs(2)));
}

#[test]
fn loopback_addresses_to_send_from_are_only_for_loopback_targets() {
    let text = "[users.U]\nsource = \"127.1.0.0/16\"\ntasks.t = { get = \"/\" }";
    assert!(plan(text).classes[0].source.is_some());
    let remote = Selection { host: Some("http://example.com".into()), ..Selection::default() };
    let planned = planned(text, &remote);
    assert_eq!(planned.plan.classes[0].source, None);
    assert_eq!(planned.warnings, [Warning::SourceNotUsed { class: "U".into() }]);
}

#[test]
fn a_ramp_longer_than_its_phase_is_pointed_out() {
    let text = format!("{USERS}[profiles.p]\nusers = 100\nspawn_rate = 1\nrun_time = \"10s\"");
    let warnings = planned(&text, &profile("p")).warnings;
    assert_eq!(warnings[0].to_string(), "phase run ends after 10s, before its ramp of 1m40s is over");
}

#[test]
fn phases_are_named_in_criteria() {
    let text = format!(
        "{USERS}[profiles.p]\nphases = [{{ users = 1, run_time = \"1s\", warmup = true }}, {{ name = \"b\", users = 2 }}]\ncriteria = {{ p95 = [\"< 1s\", {{ target = \"< 2s\", phase = \"b\" }}] }}"
    );
    let plan = planned(&text, &profile("p")).plan;
    let measured: Vec<_> = plan.load.phases.iter().map(|p| (p.name.as_str(), p.measured)).collect();
    assert_eq!(measured, [("phase-1", false), ("b", true)]);
    let phases: Vec<_> = plan.criteria.iter().map(|c| c.scope.phase).collect();
    assert_eq!(phases, [None, Some(1)]);
}

#[test]
fn equal_weights_are_equal_for_classes_and_their_tasks() {
    let text = "[users.A]\nfixed_count = 3\ntasks.a = { get = \"/a\", weight = 5 }\ntasks.b = { get = \"/b\" }\n[users.B]\nweight = 9\ntasks.c = { get = \"/c\" }";
    let plan = planned(text, &Selection { equal_weights: true, ..Selection::default() }).plan;
    assert!(plan.classes.iter().all(|c| (c.weight, c.fixed_count) == (1.0, 0)));
    assert!(plan.tasks().all(|(_, task)| task.weight == 1));
}

#[test]
fn a_task_whose_provider_is_left_out_is_pointed_out() {
    let text = "[users.U.tasks]\nlist = { get = \"/\", tags = \"list\", capture = { ids = \"$.id\" } }\nview = { get = \"/{ids}\" }\nhome = { get = \"/\" }";
    let warnings =
        planned(text, &Selection { exclude_tags: vec!["list".into()], ..Selection::default() }).warnings;
    assert_eq!(warnings, [Warning::TaskNeverRuns { class: "U".into(), task: "view".into() }]);
    assert_eq!(planned(text, &Selection::default()).warnings, []);
}

#[test]
fn users_without_a_row_of_their_own_are_pointed_out() {
    let text = "[data]\nwho = { values = [\"a\", \"b\"], order = \"unique\" }\n[auth.x]\nbearer = \"{who}\"\n[users.U]\nweight = 1\nauth = \"x\"\ntasks.t = { get = \"/\" }\n[users.V.tasks]\nt = { get = \"/\" }";
    let run = |users| planned(text, &Selection { users: Some(users), ..Selection::default() }).warnings;
    assert_eq!(run(4), []);
    assert_eq!(
        run(6)[0].to_string(),
        "U has up to 3 users, but feed who has only 2 rows: the others do not start"
    );
}
