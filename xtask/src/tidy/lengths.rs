//! How long functions and files may be. The limits are ratchets: an exception names its exact length, so
//! that it can only be changed on purpose, and goes away as soon as it is not needed.

use super::Finding;
use super::project::{Project, has_ending};
use super::rust::{Function, functions as functions_of};

const FUNCTION: usize = 70;
/// A test tells one story from beginning to end, so it may be longer.
const TEST_FUNCTION: usize = 120;
const FILE: usize = 800;

/// Files that people write and read; data and generated documents may be long.
const ENDINGS: &[&str] = &["rs", "py", "mjs", "js", "sh", "css"];

/// A function that is longer for a reason. Only ever lower a number, or remove a line.
struct Exception {
    path: &'static str,
    function: &'static str,
    lines: usize,
    /// For the reader of the table.
    #[expect(dead_code, reason = "stands here for the person who wants to lengthen the table")]
    reason: &'static str,
}

const EXCEPTIONS: &[Exception] = &[];

pub fn functions(project: &Project) -> Vec<Finding> {
    functions_beyond(project, EXCEPTIONS)
}

fn functions_beyond(project: &Project, exceptions: &[Exception]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, Function { name, line, lines, test }) in all_functions(project) {
        let limit = if test { TEST_FUNCTION } else { FUNCTION };
        let exception = exceptions.iter().find(|one| one.path == path && one.function == name);
        let text = match exception {
            None if lines > limit => format!("`{name}` has {lines} lines; {limit} are allowed"),
            Some(one) if lines > one.lines => {
                format!("`{name}` grew from {} to {lines}", one.lines)
            }
            Some(one) if lines < one.lines => {
                format!("`{name}` shrank: lower its exception to {lines}")
            }
            Some(_) if lines <= limit => format!("`{name}` needs its exception no longer"),
            _ => continue,
        };
        findings.push(Finding::at(path, line, text));
    }
    for one in exceptions {
        let mut all = all_functions(project);
        if !all.any(|(path, function)| path == one.path && function.name == one.function) {
            findings.push(Finding::at(
                one.path,
                0,
                format!("`{}` is gone: remove it", one.function),
            ));
        }
    }
    findings
}

pub fn files(project: &Project) -> Vec<Finding> {
    let long = file_lengths(project).filter(|(_, lines)| *lines > FILE);
    long.map(|(path, lines)| Finding::at(path, 0, format!("{lines} lines; {FILE} are allowed")))
        .collect()
}

pub fn medians(project: &Project) -> String {
    let shipped = all_functions(project).filter(|(_, function)| !function.test);
    let functions = median(shipped.map(|(_, function)| function.lines).collect());
    let rust = file_lengths(project).filter(|(path, _)| has_ending(path, "rs"));
    let files = median(rust.map(|(_, lines)| lines).collect());
    format!("median: {functions} lines a function outside of tests, {files} lines a Rust file")
}

fn all_functions(project: &Project) -> impl Iterator<Item = (&str, Function)> {
    project.rust().flat_map(|file| {
        functions_of(&file.tokens).into_iter().map(|function| (file.path.as_str(), function))
    })
}

fn file_lengths(project: &Project) -> impl Iterator<Item = (&str, usize)> {
    let written = |path: &str| ENDINGS.iter().any(|ending| has_ending(path, ending));
    let files = project.files.iter().filter(move |file| written(&file.path));
    files.map(|file| (file.path.as_str(), file.text.lines().count()))
}

fn median(mut lengths: Vec<usize>) -> usize {
    lengths.sort_unstable();
    lengths.get(lengths.len() / 2).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATH: &str = "crates/engine/src/a.rs";

    fn function(lines: usize) -> String {
        format!("fn long() {{{}}}", "\n".repeat(lines - 1))
    }

    fn found(code: &str, exceptions: &[Exception]) -> usize {
        functions_beyond(&Project::of(&[(PATH, code)]), exceptions).len()
    }

    #[test]
    fn a_long_function_is_found_and_tests_have_more_room() {
        assert_eq!(found(&function(70), &[]), 0);
        assert_eq!(found(&function(71), &[]), 1);
        assert_eq!(found(&format!("#[test] {}", function(120)), &[]), 0);
        assert_eq!(found(&format!("#[test] {}", function(121)), &[]), 1);
    }

    #[test]
    fn an_exception_can_only_shrink() {
        let exception =
            |lines, function| [Exception { path: PATH, function, lines, reason: "a table" }];
        assert_eq!(found(&function(90), &exception(90, "long")), 0);
        assert_eq!(found(&function(91), &exception(90, "long")), 1);
        assert_eq!(found(&function(89), &exception(90, "long")), 1);
        assert_eq!(found(&function(60), &exception(60, "long")), 1);
        assert_eq!(found("", &exception(90, "gone")), 1);
    }

    #[test]
    fn a_long_file_is_found() {
        let project = |lines| Project::of(&[("tests/foreign/a.py", "x\n".repeat(lines).as_str())]);
        assert_eq!(files(&project(800)).len(), 0);
        assert_eq!(files(&project(801)).len(), 1);
    }

    #[test]
    fn median_is_the_middle() {
        assert_eq!(median(vec![9, 1, 5]), 5);
        assert_eq!(median(Vec::new()), 0);
    }
}
