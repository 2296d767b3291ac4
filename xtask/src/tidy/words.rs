//! Words that may not stand in the main line, and names that say nothing.

use super::Finding;
use super::project::Project;
use super::rust::{Token, find};

/// Marks of unfinished work, in comments too. Put together here, or this file would break its own rule.
const MARKS: &[&str] = &[concat!("FIX", "ME"), concat!("XX", "X")];

const MACROS: &[&str] = &["todo", "unimplemented", "dbg"];

const EMPTY_NAMES: &[&str] =
    &["util", "utils", "common", "helper", "helpers", "manager", "managers", "service", "services"];

pub fn unfinished(project: &Project) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in project.rust() {
        for name in MACROS {
            let calls = find(&file.tokens, &[name, "!"]);
            findings.extend(at(&file.path, &calls, &format!("`{name}!`")));
        }
        for attribute in ["ignore", "allow"] {
            let mut places = find(&file.tokens, &["#", "[", attribute]);
            places.extend(find(&file.tokens, &["#", "!", "[", attribute]));
            findings.extend(at(&file.path, &places, &format!("`#[{attribute}]`")));
        }
    }
    for file in &project.files {
        for (number, line) in file.text.lines().enumerate() {
            let marks = MARKS.iter().filter(|mark| has_word(line, mark));
            findings.extend(marks.map(|mark| Finding::at(&file.path, number + 1, *mark)));
        }
    }
    findings
}

/// As a word of its own: a key or a digest may hold the letters by chance.
fn has_word(line: &str, word: &str) -> bool {
    line.split(|c: char| !c.is_alphanumeric() && c != '+' && c != '/').any(|part| part == word)
}

pub fn sleep(project: &Project) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in project.rust() {
        let calls = find(&file.tokens, &["sleep", "("]).into_iter().filter(|token| token.test);
        findings.extend(at(&file.path, &calls.collect::<Vec<_>>(), "`sleep` in a test"));
    }
    findings
}

pub fn names(project: &Project) -> Vec<Finding> {
    let says_nothing = |path: &str| {
        let mut parts = path.split('/').map(|part| part.split('.').next().unwrap_or(part));
        parts.any(|part| EMPTY_NAMES.contains(&part))
    };
    let empty = project.files.iter().filter(|file| says_nothing(&file.path));
    empty.map(|file| Finding::at(&file.path, 0, "a name that says nothing")).collect()
}

fn at(path: &str, tokens: &[&Token], text: &str) -> Vec<Finding> {
    tokens.iter().map(|token| Finding::at(path, token.line, text)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(check: fn(&Project) -> Vec<Finding>, path: &str, text: &str) -> usize {
        check(&Project::of(&[(path, text)])).len()
    }

    #[test]
    fn unfinished_and_silenced_code_is_found() {
        let fix = format!("// {}: later\nfn f() {{}}", MARKS[0]);
        for bad in [
            "fn f() { todo!() }",
            "fn f() { dbg!(1); }",
            "#[ignore] fn f() {}",
            "#[ignore = \"slow\"] fn f() {}",
            "#![allow(dead_code)]",
            "#[allow(dead_code)] fn f() {}",
            &fix,
        ] {
            assert_eq!(found(unfinished, "crates/web/src/a.rs", bad), 1, "{bad}");
        }
        let good = "#[expect(dead_code, reason = \"todo!\")] fn f() { /* dbg!() */ }";
        assert_eq!(found(unfinished, "crates/web/src/a.rs", good), 0);
        assert_eq!(found(unfinished, "docs/a.md", MARKS[1]), 1);
    }

    #[test]
    fn sleep_is_found_in_tests_only() {
        let text = "fn f() { tokio::time::sleep(D).await; }";
        assert_eq!(found(sleep, "crates/engine/src/a.rs", text), 0);
        assert_eq!(found(sleep, "crates/engine/tests/a.rs", text), 1);
        let inner = format!("#[cfg(test)] mod tests {{ {text} }}");
        assert_eq!(found(sleep, "crates/engine/src/a.rs", &inner), 1);
    }

    #[test]
    fn empty_names_are_found_in_files_and_folders() {
        assert_eq!(found(names, "crates/web/src/utils.rs", ""), 1);
        assert_eq!(found(names, "crates/web/tests/common/mod.rs", ""), 1);
        assert_eq!(found(names, "tests/foreign/helpers.py", ""), 1);
        assert_eq!(found(names, "crates/web/src/commons.rs", ""), 0);
    }
}
