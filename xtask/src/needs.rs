//! What the tests need besides Rust: a browser and a genuine Locust. Installs them where it may, else says how.
//!
//! Everything is kept: the second run only looks.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};

use crate::{run, say};

/// The Locust that Squall is held against.
const LOCUST: &str = "locust==2.47.0";

/// A program on the `PATH`.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// The first of `programs` that there is, after installing `package` if need be.
pub(crate) fn program(programs: &[&str], package: &str) -> anyhow::Result<PathBuf> {
    let look = || programs.iter().find_map(|program| find(program));
    if let Some(found) = look() {
        return Ok(found);
    }
    install(package)?;
    look().with_context(|| {
        format!("{package} is installed, but there is no {} on the PATH", programs.join(" or "))
    })
}

/// A Chromium to drive headless.
pub(crate) fn chromium() -> anyhow::Result<PathBuf> {
    program(&["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"], "chromium")
}

/// A genuine Locust in an environment of its own under `target`, the folder of what is built.
pub(crate) fn locust(target: &Path) -> anyhow::Result<PathBuf> {
    let folder = target.join("xtask/venv");
    let stamp = folder.join("squall-stamp");
    let locust = folder.join("bin/locust");
    if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == LOCUST) && locust.is_file() {
        return Ok(locust);
    }
    say(&format!("installing {LOCUST} into {}", folder.display()));
    make_environment(&folder)?;
    let pip = ["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check", LOCUST];
    run(Command::new(folder.join("bin/python")).args(pip))?;
    std::fs::write(&stamp, LOCUST).with_context(|| format!("failed to write {}", stamp.display()))?;
    Ok(locust)
}

/// Debian's Python has `venv` but not what it needs to make one, until python3-venv is installed.
fn make_environment(folder: &Path) -> anyhow::Result<()> {
    let attempt = |python: &str| {
        let mut command = Command::new(python);
        command.args(["-m", "venv", "--clear"]).arg(folder);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    if attempt("python3") {
        return Ok(());
    }
    install("python3-venv")?;
    // The system's own Python is the one the package belongs to.
    if attempt("/usr/bin/python3") || attempt("python3") {
        return Ok(());
    }
    bail!("python3 cannot make a virtual environment ({})", folder.display())
}

/// Installs a package with apt as root on Debian or Ubuntu; else says what to install.
pub(crate) fn install(package: &str) -> anyhow::Result<()> {
    let is_root = Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout.trim_ascii() == b"0");
    if !is_root || find("apt-get").is_none() {
        bail!(
            "{package} is missing: install it (on Debian or Ubuntu: sudo apt-get install {package}) and run this again"
        );
    }
    say(&format!("installing {package}"));
    let apt = |arguments: &[&str]| {
        let mut command = Command::new("apt-get");
        command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive").stdout(Stdio::null());
        run(&mut command)
    };
    let options = ["install", "--yes", "--quiet", "--no-install-recommends", package];
    // A fresh image has no package lists, an old one stale ones.
    apt(&options).or_else(|_| apt(&["update", "--quiet"]).and_then(|()| apt(&options)))
}
