//! The demo, to its end; and its report in a browser that has no network.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, from_str};

use crate::support::{Place, program};

#[test]
fn the_demo_passes_and_its_report_opens_without_network() {
    // First, so that a missing browser is said at once.
    let chromium = program("SQUALL_TEST_CHROMIUM");
    let place = Place::alone();
    let answer = place.calm("demo --output out");
    assert!(!answer.said().contains("Read with care"), "a demo that doubts itself: {answer}");
    answer.assert(0, &["out/squall-demo.html", "squall report out/squall-demo.squall", "PASS"]);
    let summary = place.summary("out/squall-demo.squall");
    let phases: Vec<&str> =
        summary.list("phases").iter().map(|phase| phase["name"].as_str().unwrap()).collect();
    assert_eq!(phases, ["warm-up", "steady", "spike", "after"]);
    assert_eq!((summary.total("failed"), summary.total("rate_limited")), (0, 0));

    let page = place.read("out/squall-demo.html");
    for outside in ["src=\"http", "src='http", "<link", "@import", "url(http", "fetch(", "XMLHttpRequest"] {
        assert!(!page.contains(outside), "the page fetches something: {outside}");
    }
    // Asked last by the page's own world: every canvas with its size, and whether anything is drawn on it.
    let probe = r#"<script>addEventListener("load", () => setTimeout(() => {
        const drawn = [...document.querySelectorAll("canvas")].map(canvas => {
            const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
            return { width: canvas.width, height: canvas.height, colours: new Set(new Uint32Array(pixels.buffer)).size };
        });
        const asked = performance.getEntriesByType("resource").map(entry => entry.name);
        const answer = document.createElement("pre");
        answer.id = "probe";
        answer.textContent = ["", JSON.stringify({ drawn, asked }), ""].join("PRO" + "BE");
        document.body.append(answer);
    }, 1000));</script></body>"#;
    assert_eq!(page.matches("</body>").count(), 1);
    place.write("probed.html", &page.replace("</body>", probe));

    let (shown, said) = open(&place, &chromium, &place.path("probed.html"));
    assert!(!said.contains("CONSOLE"), "the page complains: {said}");
    let probe = shown.split("PROBE").nth(1).unwrap_or_else(|| panic!("no probe in the page: {said}"));
    let probe: Value =
        from_str(&probe.replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">")).unwrap();
    assert_eq!(probe["asked"], Value::Array(Vec::new()), "{probe:#}");
    let drawn = probe["drawn"].as_array().unwrap();
    assert!(drawn.len() >= 3, "{probe:#}");
    for canvas in drawn {
        let size = |name: &str| canvas[name].as_u64().unwrap();
        assert!(size("width") > 100 && size("height") > 50 && size("colours") > 2, "{probe:#}");
    }
}

/// The page as the browser makes it, and what the browser says about it. Every name and address leads nowhere.
fn open(place: &Place, chromium: &Path, page: &Path) -> (String, String) {
    let mut command: Command = place.program(chromium);
    let output = command
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .args(["--host-resolver-rules=MAP * ~NOTFOUND", "--proxy-server=127.0.0.1:1"])
        .args(["--enable-logging=stderr", "--window-size=1200,900", "--virtual-time-budget=5000"])
        .arg(format!("--user-data-dir={}", place.path("profile").display()))
        .args(["--dump-dom".to_owned(), format!("file://{}", page.display())])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    (String::from_utf8_lossy(&output.stdout).into_owned(), said)
}
