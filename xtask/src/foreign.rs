//! Other people's software against our binary: stock clients, stock verifiers, a stock browser.
//!
//! A check is a script in `tests/foreign` or `tests/browser`, named in `CHECKS`. It gets the binary in
//! `SCRIP_BIN`, the cluster in `SCRIP_TEST_POSTGRES`, and what its folder pins: Python packages of
//! `requirements.txt`, Node packages of `package.json` and `package-lock.json`. It passes by ending
//! with 0.
//!
//! They run as many side by side as there are processors, since a check waits more than it works: for timers, a browser, a
//! server that comes back. Each has servers, ports, folders and databases of its own.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::command::{Failure, Outcome, exists, hush, root, target_directory, tell};
use crate::install;
use crate::postgres::URL_VARIABLE;

/// Folders whose scripts must stand in `CHECKS`; tidy compares them.
pub const FOLDERS: &[&str] = &["tests/foreign", "tests/browser"];

pub struct Check {
    /// Path in the repository; the ending chooses what runs it.
    pub script: &'static str,
    /// Debian packages it needs.
    debian: &'static [&'static str],
}

/// The checks, in the order in which they begin: long ones first, so that none is left alone at the end.
pub const CHECKS: &[Check] = &[
    Check { script: "tests/browser/pages.mjs", debian: &["chromium"] },
    Check { script: "tests/foreign/contract.py", debian: &[] },
    Check { script: "tests/foreign/backup.py", debian: &["age"] },
    Check { script: "tests/foreign/s3.py", debian: &["curl"] },
    Check { script: "tests/foreign/funds.py", debian: &[] },
    Check { script: "tests/foreign/webhooks.py", debian: &[] },
    Check { script: "tests/foreign/package.py", debian: &["fakeroot", "lintian", "systemd"] },
    Check { script: "tests/foreign/two_servers.py", debian: &[] },
    Check { script: "tests/foreign/downloads.py", debian: &["curl", "wget", "aria2"] },
    Check { script: "tests/foreign/jose.mjs", debian: &[] },
    Check { script: "tests/foreign/jose.py", debian: &[] },
    Check { script: "tests/foreign/journals.py", debian: &["hledger"] },
    Check { script: "tests/foreign/updates.mjs", debian: &[] },
    Check { script: "tests/foreign/offline.py", debian: &[] },
    Check { script: "tests/foreign/offline.mjs", debian: &[] },
    Check { script: "tests/foreign/stripe.py", debian: &[] },
    Check { script: "tests/foreign/bureau.py", debian: &[] },
    Check { script: "tests/foreign/mail.py", debian: &[] },
    Check { script: "tests/foreign/signatures.py", debian: &[] },
    Check { script: "tests/foreign/traces.py", debian: &[] },
    Check { script: "tests/foreign/pain001.py", debian: &[] },
];

pub fn run(postgres_url: &str) -> Outcome {
    let target = target_directory()?;
    let binary = build(&target)?;
    // Installing is done before: of package managers one runs at a time.
    let mut checks = Vec::new();
    for Check { script, debian } in CHECKS {
        install::debian(debian)?;
        let mut command = interpreter(&root().join(script), &target)?;
        command.env("SCRIP_BIN", &binary).env(URL_VARIABLE, postgres_url).current_dir(root());
        let name = script.rsplit('/').next().unwrap_or(script);
        checks.push((name, command));
    }
    let lanes = thread::available_parallelism().map_or(1, usize::from);
    side_by_side(checks, lanes)
}

/// Runs all of them, so many at a time. After a failure none begins.
fn side_by_side(checks: Vec<(&str, Command)>, lanes: usize) -> Outcome {
    let waiting = Mutex::new(checks.into_iter());
    let failures = Mutex::new(Vec::new());
    let lane = || {
        loop {
            let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some((name, mut command)) = next else { return };
            if !failures.lock().unwrap_or_else(PoisonError::into_inner).is_empty() {
                return;
            }
            if let Err(Failure(why)) = tell(name, &mut command) {
                failures.lock().unwrap_or_else(PoisonError::into_inner).push(why);
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..lanes {
            scope.spawn(lane);
        }
    });
    let failures = failures.into_inner().unwrap_or_else(PoisonError::into_inner);
    if failures.is_empty() { Ok(()) } else { Err(Failure(failures.join("\n"))) }
}

/// Built as cargo's tests were, with the features of the whole workspace: nothing is compiled twice.
fn build(target: &Path) -> Outcome<PathBuf> {
    println!("    building the binary");
    let mut build = Command::new("cargo");
    // The examples are the adapter's side of `stripe.py` and the proxy of `funds.py`, and the papers of `offline.py` and
    // `offline.mjs`; they are no part of the binary.
    build.args(["build", "--quiet", "--workspace", "--bin", "scrip"]);
    build.args(["--example", "localstripe", "--example", "papers"]);
    hush(build.current_dir(root()))?;
    Ok(target.join("debug/scrip"))
}

/// How a script is run, with its folder's packages installed.
fn interpreter(script: &Path, target: &Path) -> Outcome<Command> {
    if !script.is_file() {
        return Err(Failure(format!("{} is listed, but not there", script.display())));
    }
    let folder = script.parent().expect("a file lies in a folder");
    let home = target.join(folder.file_name().expect("the folder has a name"));
    let mut command = match script.extension().and_then(|ending| ending.to_str()) {
        Some("py") => Command::new(python(folder, &home)?),
        Some("mjs") => {
            // Asked for by its name: Debian has a package for npm, others have it within nodejs.
            if !exists("npm") {
                install::debian(&["nodejs", "npm"])?;
            }
            if folder.join("package.json").exists() {
                install::node(&home.join("node"), folder)?;
            }
            Command::new("node")
        }
        Some("sh") => Command::new("bash"),
        _ => return Err(Failure(format!("{}: not .py, .mjs or .sh", script.display()))),
    };
    command.arg(script);
    Ok(command)
}

fn python(folder: &Path, home: &Path) -> Outcome<PathBuf> {
    let requirements = folder.join("requirements.txt");
    if !requirements.exists() {
        return Ok("python3".into());
    }
    Ok(install::python(&home.join("python"), &requirements)?.join("python"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn checks_run_side_by_side_and_none_begins_after_a_failure() {
        let folder = std::env::temp_dir().join(format!("scrip-lanes-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let at = |name: &str| folder.join(name).display().to_string();
        // Each waits for the other, so both must have begun.
        let meets = |own: &str, other: &str| {
            let (own, other) = (at(own), at(other));
            shell(&format!("touch {own}; until test -e {other}; do sleep 0.01; done"))
        };
        side_by_side(vec![("a", meets("a", "b")), ("b", meets("b", "a"))], 2).unwrap();

        let last = at("last");
        let checks = vec![("bad", shell("exit 3")), ("last", shell(&format!("touch {last}")))];
        let Failure(why) = side_by_side(checks, 1).unwrap_err();
        assert!(why.contains("bad") && why.contains("exit status: 3"), "{why}");
        assert!(!Path::new(&last).exists());
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn an_absent_or_unknown_script_is_a_failure() {
        assert!(interpreter(&root().join("tests/foreign/absent.py"), root()).is_err());
        assert!(interpreter(&root().join("Cargo.toml"), root()).is_err());
    }

    #[test]
    fn the_ending_chooses_the_interpreter() {
        let folder = std::env::temp_dir().join(format!("scrip-foreign-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        for (name, program) in [("a.py", "python3"), ("a.mjs", "node"), ("a.sh", "bash")] {
            let script = folder.join(name);
            std::fs::write(&script, "").unwrap();
            assert_eq!(interpreter(&script, &folder).unwrap().get_program(), program);
        }
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
