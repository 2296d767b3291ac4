//! Passes on what `cargo test` prints while it runs, and adds up its results for the end, since the
//! dozens of test programs each print a line of their own.

use std::fmt;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use crate::command::{Context, Failure, Outcome};

#[derive(Debug, Default, PartialEq, Eq)]
pub struct Summary {
    programs: u32,
    passed: u32,
    failed: u32,
    ignored: u32,
}

impl Summary {
    /// Runs the command; the second value tells whether it succeeded.
    pub fn of(command: &mut Command) -> Outcome<(Self, Outcome)> {
        let mut child =
            command.stdout(Stdio::piped()).spawn().context("cannot start cargo test")?;
        let output = child.stdout.take().expect("it was piped");
        let mut summary = Self::default();
        for line in BufReader::new(output).lines() {
            let line = line.context("output of cargo test")?;
            summary.add(&line);
            println!("{line}");
        }
        let status = child.wait().context("cargo test")?;
        let outcome = if status.success() {
            Ok(())
        } else {
            Err(Failure(format!("cargo test ended with {status}")))
        };
        Ok((summary, outcome))
    }

    /// Takes in a line such as `test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; ...`.
    fn add(&mut self, line: &str) {
        let Some(counts) = line.strip_prefix("test result: ") else { return };
        self.programs += 1;
        let words: Vec<&str> = counts.split([' ', ';']).filter(|word| !word.is_empty()).collect();
        for pair in words.windows(2) {
            let Ok(count) = pair[0].parse::<u32>() else { continue };
            match pair[1] {
                "passed" => self.passed += count,
                "failed" => self.failed += count,
                "ignored" => self.ignored += count,
                _ => {}
            }
        }
    }

    /// A run without tests, or with ignored ones (a doc test can be, too), has shown less than it claims.
    pub fn verdict(&self) -> Outcome {
        if self.passed == 0 {
            return Err(Failure::new("not one test ran"));
        }
        if self.ignored > 0 {
            return Err(Failure(format!("{} tests were ignored; none may be", self.ignored)));
        }
        Ok(())
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { programs, passed, failed, ignored } = self;
        write!(
            formatter,
            "cargo test: {passed} passed; {failed} failed; {ignored} ignored; in {programs} programs"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(script: &str) -> (Summary, Outcome) {
        Summary::of(Command::new("sh").args(["-c", script])).unwrap()
    }

    #[test]
    fn adds_up_the_lines_of_all_programs() {
        let line = "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 9 filtered out";
        let mut summary = Summary::default();
        summary.add(line);
        summary.add("test tests::result ... ok");
        summary.add(line);
        assert_eq!(summary, Summary { programs: 2, passed: 6, failed: 0, ignored: 2 });
    }

    #[test]
    fn no_test_and_an_ignored_test_are_failures() {
        assert!(run("echo").0.verdict().is_err());
        assert!(run("echo 'test result: ok. 3 passed; 0 failed; 1 ignored'").0.verdict().is_err());
        assert!(run("echo 'test result: ok. 3 passed; 0 failed; 0 ignored'").0.verdict().is_ok());
    }

    #[test]
    fn a_failing_command_is_a_failure_and_is_counted() {
        let (summary, outcome) = run("echo 'test result: FAILED. 1 passed; 2 failed'; exit 101");
        assert!(outcome.is_err());
        assert_eq!(summary.failed, 2);
    }
}
