//! Running other programs: loudly when a person wants to read along, silently when only a failure is
//! of interest.

use std::fmt;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Why a task ended: one text for a person, who is the only reader.
#[derive(Debug)]
pub struct Failure(pub String);

pub type Outcome<T = ()> = Result<T, Failure>;

impl Failure {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Says what was being done when it failed.
pub trait Context<T> {
    fn context(self, doing: impl fmt::Display) -> Outcome<T>;
}

impl<T, E: fmt::Display> Context<T> for Result<T, E> {
    fn context(self, doing: impl fmt::Display) -> Outcome<T> {
        self.map_err(|error| Failure(format!("{doing}: {error}")))
    }
}

/// The folder of the workspace. Known when compiled, since xtask is always built where it is used.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the workspace")
}

/// The folder that cargo builds in, which `CARGO_TARGET_DIR` and configuration may move.
pub fn target_directory() -> Outcome<PathBuf> {
    let metadata = cargo_metadata::MetadataCommand::new()
        .current_dir(root())
        .no_deps()
        .exec()
        .context("cargo metadata")?;
    Ok(metadata.target_directory.into_std_path_buf())
}

/// Runs with the terminal of the caller: all of its output is for reading.
pub fn show(command: &mut Command) -> Outcome {
    let name = described(command);
    let status = command.status().context(format!("cannot start `{name}`"))?;
    if status.success() { Ok(()) } else { Err(Failure(format!("`{name}` failed ({status})"))) }
}

/// Runs beside others: each line of its output is shown behind `name`, and at the end how long it took.
pub fn tell(name: &str, command: &mut Command) -> Outcome {
    println!("--> {name}");
    let (outcome, took) = timed(|| told(name, command));
    println!("<-- {name}: {:.0} s", took.as_secs_f64());
    outcome
}

fn told(name: &str, command: &mut Command) -> Outcome {
    let starting = format!("cannot start {name}");
    let (output, ours) = std::io::pipe().context(&starting)?;
    let theirs = ours.try_clone().context(&starting)?;
    let mut child =
        command.stdin(Stdio::null()).stdout(ours).stderr(theirs).spawn().context(&starting)?;
    // What a command was given it keeps open, and the output would never end.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    for line in BufReader::new(output).split(b'\n') {
        println!("{name}: {}", String::from_utf8_lossy(&line.context(name)?));
    }
    let status = child.wait().context(name)?;
    if status.success() { Ok(()) } else { Err(Failure(format!("{name} failed ({status})"))) }
}

#[expect(clippy::disallowed_methods, reason = "how long something takes is told to a person only")]
pub fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let result = work();
    (result, start.elapsed())
}

/// Runs without a word and returns its standard output; what it printed is shown if it fails.
pub fn hush(command: &mut Command) -> Outcome<String> {
    let name = described(command);
    let output = command.stdin(Stdio::null()).output().context(format!("cannot start `{name}`"))?;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(printed);
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    Err(Failure(format!("`{name}` failed ({})\n{printed}{errors}", output.status)))
}

/// Whether a program is there: started with its version option, which none of ours refuses.
pub fn exists(program: &str) -> bool {
    Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok()
}

pub fn is_root() -> bool {
    hush(Command::new("id").arg("-u")).is_ok_and(|user| user.trim() == "0")
}

fn described(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failure_shows_what_the_program_printed() {
        let failure = hush(Command::new("sh").args(["-c", "echo out; echo err >&2; exit 3"]));
        let text = failure.unwrap_err().to_string();
        assert!(text.contains("out\nerr") && text.contains("exit status: 3"), "{text}");
    }

    #[test]
    fn a_missing_program_is_a_failure() {
        assert!(!exists("no-such-program-of-scrip"));
        assert!(show(&mut Command::new("no-such-program-of-scrip")).is_err());
        assert!(show(&mut Command::new("false")).is_err());
    }
}
