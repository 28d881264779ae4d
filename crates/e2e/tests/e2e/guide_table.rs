//! The success criteria of the load-testing guide, as the guide has them: servers that meet the targets, are acceptable,
//! lie in the gap of the error rate (between 2 % and 5 %), and fail.
//!
//! The servers answer each hundred requests of a user in the same way, so that what they should be judged by is known.

use std::time::Duration;

use serde_json::Value;
use squall_testkit::{ScriptedServer, Step};

use crate::support::{Answer, Place, Summary};

const USERS: usize = 20;

/// Measure, target, acceptable and failure: the table of the guide, in its words.
const TABLE: &str = r#"
[criteria.guide]
p95 = { target = "< 500ms", acceptable = "< 1000ms", failure = "> 1000ms" }
p99 = { target = "< 1000ms", acceptable = "< 2000ms", failure = "> 2000ms" }
error_rate = { target = "< 0.5%", acceptable = "< 2%", failure = "> 5%" }
throughput = { target = "> 100/s", acceptable = "> 50/s", failure = "< 50/s" }
"#;

/// The same as it is printed.
const PRINTED: [(&str, [&str; 3]); 4] = [
    ("p95", ["< 500ms", "< 1s", "> 1s"]),
    ("p99", ["< 1s", "< 2s", "> 2s"]),
    ("error_rate", ["< 0.5%", "< 2%", "> 5%"]),
    ("throughput", ["> 100/s", "> 50/s", "< 50/s"]),
];

/// A server, what its users do, and how the run must be judged.
struct Case {
    name: &'static str,
    /// Of 100 requests: so many are answered 500, so many after a time, and so many after a longer one.
    errors: usize,
    slow: (usize, u64),
    slower: (usize, u64),
    /// Of a user, in milliseconds.
    wait: u64,
    /// What the measures are, in the order of the table: times in seconds, a share, a rate.
    values: [std::ops::Range<f64>; 4],
    standings: [&'static str; 4],
    overall: &'static str,
    headline: &'static str,
    code: i32,
}

fn cases() -> [Case; 4] {
    let quick = 0.0..0.4;
    [
        Case {
            name: "target",
            errors: 0,
            slow: (0, 0),
            slower: (0, 0),
            wait: 130,
            values: [quick.clone(), quick.clone(), 0.0..1e-9, 105.0..155.0],
            standings: ["pass"; 4],
            overall: "passed",
            headline: "PASSED",
            code: 0,
        },
        Case {
            name: "acceptable",
            errors: 1,
            slow: (8, 700),
            slower: (2, 1500),
            wait: 180,
            values: [0.69..0.9, 1.49..1.8, 0.006..0.014, 55.0..80.0],
            standings: ["degraded"; 4],
            overall: "degraded",
            headline: "DEGRADED",
            code: 0,
        },
        Case {
            name: "gap",
            errors: 3,
            slow: (0, 0),
            slower: (0, 0),
            wait: 130,
            values: [quick.clone(), quick, 0.026..0.034, 105.0..155.0],
            standings: ["pass", "pass", "gap", "pass"],
            overall: "failed",
            headline: "FAILED",
            code: 1,
        },
        Case {
            name: "failure",
            errors: 8,
            slow: (10, 1200),
            slower: (3, 2500),
            wait: 450,
            values: [1.19..1.6, 2.49..2.9, 0.06..0.1, 20.0..35.0],
            standings: ["fail"; 4],
            overall: "failed",
            headline: "FAILED",
            code: 1,
        },
    ]
}

impl Case {
    fn server(&self) -> ScriptedServer {
        // 37 has no factor in common with 100: what is special is spread over the hundred.
        let answer = |number: usize| {
            let place = number * 37 % 100;
            let (slow, slower) = (self.errors + self.slow.0, self.errors + self.slow.0 + self.slower.0);
            let stall =
                |ms| vec![Step::ReadRequest, Step::Stall(Duration::from_millis(ms)), Step::ok("late")];
            let error = "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n";
            match place {
                n if n < self.errors => vec![Step::ReadRequest, Step::send(error)],
                n if n < slow => stall(self.slow.1),
                n if n < slower => stall(self.slower.1),
                _ => vec![Step::ReadRequest, Step::ok("fine")],
            }
        };
        // Users begin at different places. A run may be made three times.
        let script = |user: usize| {
            let first = user % USERS * 100 / USERS;
            (first..first + 100).flat_map(answer).chain([Step::Again]).collect()
        };
        ScriptedServer::start_each((0..3 * USERS).map(script).collect())
    }

    fn run(&self, place: &Place) -> Judged {
        let Self { name, wait, .. } = self;
        let suite = format!(
            "schema = 1\nname = \"Guide\"\n[users.Reader]\nwait = \"{wait}ms\"\ntasks.t = {{ get = \"/t\" }}\n\
             [profiles.basic]\nusers = {USERS}\nspawn_rate = 100\nrun_time = \"12s\"\ncriteria = \"guide\"\n{TABLE}"
        );
        place.write(&format!("{name}.toml"), &suite);
        let server = self.server();
        let answer = place.calm(&format!(
            "run {name}.toml --profile basic --only-summary -H {} --record {name}.squall --html {name}.html \
             --junit {name}.xml --markdown {name}.md",
            server.url()
        ));
        Judged {
            answer,
            summary: place.summary(&format!("{name}.squall")),
            html: without_entities(&place.read(&format!("{name}.html"))),
            junit: place.read(&format!("{name}.xml")),
            markdown: without_entities(&place.read(&format!("{name}.md"))),
        }
    }
}

/// Characters that a markup has written as others.
fn without_entities(text: &str) -> String {
    let entities = [("&#95;", "_"), ("&#60;", "<"), ("&#62;", ">"), ("&lt;", "<"), ("&gt;", ">")];
    entities.iter().fold(text.to_owned(), |text, (entity, character)| text.replace(entity, character))
}

/// All that is printed of a run.
struct Judged {
    answer: Answer,
    summary: Summary,
    html: String,
    junit: String,
    markdown: String,
}

impl Judged {
    fn assert(&self, case: &Case) {
        let verdict = &self.summary.0["verdict"];
        self.answer.assert(case.code, &[case.headline]);
        assert_eq!(verdict["overall"], case.overall, "{}", self.answer);
        assert!(self.markdown.to_uppercase().contains(case.headline), "{}", self.markdown);
        let fails = case.standings.iter().filter(|standing| ["gap", "fail"].contains(standing)).count();
        let counts = format!("tests=\"4\" skipped=\"0\" errors=\"0\" failures=\"{fails}\"");
        for count in counts.split_whitespace() {
            assert!(self.junit.contains(count), "no {count} in {}", self.junit);
        }
        let rows = verdict["criteria"].as_array().unwrap();
        assert_eq!(rows.len(), PRINTED.len(), "{verdict:#}");
        for (number, row) in rows.iter().enumerate() {
            let (measure, levels) = PRINTED[number];
            let value = row["value"].as_f64().unwrap();
            let range = &case.values[number];
            assert!(range.contains(&value), "{}: {measure} is {value}, not in {range:?}", case.name);
            self.assert_row(measure, levels, row, case.standings[number]);
        }
    }

    /// One criterion in every form: what it is of, its levels, its value, and how it stands.
    fn assert_row(&self, measure: &str, levels: [&str; 3], row: &Value, standing: &str) {
        let told =
            ["label", "target", "acceptable", "failure", "standing"].map(|key| row[key].as_str().unwrap());
        assert_eq!(told, [measure, levels[0], levels[1], levels[2], standing], "{row:#}");
        let shown = row["shown"].as_str().unwrap();

        let interval = row["interval_shown"].as_str().map(|interval| format!(" (95 %: {interval})"));
        let measured = format!("{shown}{}", interval.unwrap_or_default());

        let line = format!("{measure} {} {measured} {standing}", levels.join(" "));
        assert!(self.answer.said().contains(&line), "no `{line}` in {}", self.answer);

        let line = self
            .markdown
            .lines()
            .find(|line| line.contains(&format!("<code>{measure}</code> |")))
            .unwrap_or_else(|| panic!("no row of {measure} in {}", self.markdown));
        for text in levels.iter().copied().chain([shown, standing]) {
            assert!(line.contains(text), "no `{text}` in {line}");
        }

        let start = self.html.find(&format!("<th scope=\"row\">{measure}")).unwrap();
        let html = &self.html[start..];
        let html = &html[..html.find("</tr>").unwrap()];
        for text in levels.iter().copied().chain([shown, standing]) {
            assert!(html.contains(text), "no `{text}` in {html}");
        }

        let start = self.junit.find(&format!("<testcase name=\"{measure}\"")).unwrap();
        let case = &self.junit[start..];
        let case = &case[..case[1..].find("<testcase ").map_or(case.len(), |at| at + 1)];
        let failure = format!("type=\"{standing}\"");
        assert_eq!(case.contains(&failure), ["gap", "fail"].contains(&standing), "{case}");
        assert_eq!(case.contains("nobody said that it is good enough"), standing == "gap", "{case}");
    }
}

#[test]
fn a_run_stands_where_the_guide_says() {
    let place = Place::alone();
    // A few hundred requests a second together, with bounds that are far apart: they run at once.
    let judged = std::thread::scope(|scope| {
        let place = &place;
        let runs = cases().map(|case| scope.spawn(move || (case.run(place), case)));
        runs.map(|run| run.join().unwrap())
    });
    for (judged, case) in judged {
        judged.assert(&case);
    }
}
