//! What may be named in which crate only: SQL, drivers, web frameworks, and the world outside.

use super::Finding;
use super::project::{File, Project};
use super::rust::{Kind, Token, find};

/// The first words of SQL, each with a later one that tells it from prose.
const STATEMENTS: &[(&str, &str)] = &[
    ("SELECT", "FROM"),
    ("INSERT", "INTO"),
    ("UPDATE", "SET"),
    ("DELETE", "FROM"),
    ("CREATE", "TABLE"),
    ("ALTER", "TABLE"),
    ("BEGIN", "IMMEDIATE"),
    ("WITH", "SELECT"),
];

const WEB: &[&str] = &["web", "testkit", "sim"];

/// A library as code names it, and the crates where it may be named.
const LIBRARIES: &[(&str, &[&str])] = &[
    ("rusqlite", &["storage"]),
    ("tokio_postgres", &["storage"]),
    ("postgres_types", &["storage"]),
    ("axum", WEB),
    ("maud", WEB),
];

pub fn sql(project: &Project) -> Vec<Finding> {
    let others = crates(project).filter(|file| file.home() != "storage");
    let mut findings = Vec::new();
    for file in others {
        let strings = file.tokens.iter().filter(|token| token.kind == Kind::String);
        for token in strings.filter(|token| is_sql(&token.text)) {
            findings.push(Finding::at(&file.path, token.line, format!("SQL: {}", token.text)));
        }
    }
    findings
}

/// In capitals anywhere, in small letters at the beginning of the text only: "select one from the list" in
/// the middle of a sentence is English.
fn is_sql(literal: &str) -> bool {
    // As written in the source, a line break is a backslash and a letter, which is no part of a word.
    let literal = literal.replace("\\n", " ").replace("\\t", " ");
    let words: Vec<&str> =
        literal.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let first = words.first().copied().unwrap_or("");
    STATEMENTS.iter().any(|(start, later)| {
        let capitals = words.iter().position(|word| word == start);
        let small = (first == start.to_lowercase()).then_some(0);
        capitals.is_some_and(|at| words[at..].contains(later))
            || small.is_some_and(|_| words.contains(&later.to_lowercase().as_str()))
    })
}

pub fn libraries(project: &Project) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in crates(project) {
        for (library, homes) in LIBRARIES {
            if !homes.contains(&file.home()) {
                let named = find(&file.tokens, &[library]);
                findings.extend(named.iter().map(|token| {
                    Finding::at(&file.path, token.line, format!("{library} away from home"))
                }));
            }
        }
    }
    findings
}

/// Tests and benches may read the environment: it tells them where the database is. An example and the sample stand for
/// somebody else's program, which has a world. An excuse for clippy's list of forbidden calls counts like
/// the call, since clippy resolves names better than we do.
pub fn outside_world(project: &Project) -> Vec<Finding> {
    let is_free = |file: &File| {
        ["scrip", "sample"].contains(&file.home()) || file.path.contains("/examples/")
    };
    let mut findings = Vec::new();
    for file in crates(project).filter(|file| !is_free(file)) {
        let mut calls = Vec::new();
        for name in ["var", "var_os", "vars", "vars_os"] {
            calls.extend(find(&file.tokens, &["env", "::", name]).into_iter().filter(|t| !t.test));
        }
        calls.extend(find(&file.tokens, &["SystemTime", "::", "now"]));
        calls.extend(find(&file.tokens, &["getrandom"]));
        calls.extend(find(&file.tokens, &["disallowed_methods"]).into_iter().filter(|t| !t.test));
        calls.extend(standard_instants(file));
        findings.extend(calls.into_iter().map(|token| {
            Finding::at(&file.path, token.line, format!("`{}` reaches outside", token.text))
        }));
    }
    findings
}

/// tokio's `Instant` obeys paused time and is welcome; that of `std` is not.
fn standard_instants(file: &File) -> Vec<&Token> {
    let calls = find(&file.tokens, &["Instant", "::", "now"]);
    let tokio = !find(&file.tokens, &["tokio", "::", "time"]).is_empty();
    let standard = find(&file.tokens, &["std", "::", "time"]).into_iter().any(|start| {
        // The `use` or path that begins here names Instant before it ends.
        let from = file.tokens.iter().position(|token| std::ptr::eq(token, start)).unwrap_or(0);
        let rest = file.tokens[from..].iter().take_while(|token| token.text != ";");
        rest.take(24).any(|token| token.text == "Instant")
    });
    if standard || !tokio { calls } else { Vec::new() }
}

fn crates(project: &Project) -> impl Iterator<Item = &File> {
    project.rust().filter(|file| !file.home().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(check: fn(&Project) -> Vec<Finding>, path: &str, text: &str) -> usize {
        check(&Project::of(&[(path, text)])).len()
    }

    #[test]
    fn sql_is_told_from_prose() {
        for text in [
            "SELECT id FROM wallet",
            "select id from wallet",
            "-- all\\nDELETE FROM lot",
            "UPDATE lot SET remaining = $1",
            "insert into lot values (1)",
        ] {
            let code = format!("const A: &str = \"{text}\";");
            assert_eq!(findings(sql, "crates/engine/src/a.rs", &code), 1, "{text}");
            assert_eq!(findings(sql, "crates/storage/src/a.rs", &code), 0, "{text}");
        }
        for text in ["Please select a file from the list", "UPDATE", "Delete it from the cart"] {
            assert!(!is_sql(text), "{text}");
        }
        assert_eq!(findings(sql, "crates/web/src/a.rs", "// SELECT a FROM b\nfn a() {}"), 0);
    }

    #[test]
    fn a_library_named_away_from_home_is_found() {
        assert_eq!(findings(libraries, "crates/engine/src/a.rs", "use axum::Json;"), 1);
        assert_eq!(findings(libraries, "crates/web/tests/a.rs", "use tokio_postgres as p;"), 1);
        assert_eq!(findings(libraries, "crates/web/src/a.rs", "use axum::Json; // rusqlite"), 0);
    }

    #[test]
    fn the_outside_world_is_for_the_binary() {
        let check = |path, text| findings(outside_world, path, text);
        for bad in [
            "fn f() { std::env::var(\"A\"); }",
            "fn f() { SystemTime::now(); }",
            "fn f() { std::time::Instant::now(); }",
            "use std::time::{Duration, Instant}; fn f() { Instant::now(); tokio::time::advance(); }",
            "fn f() { Instant::now(); }",
            "fn f() { getrandom::fill(&mut b); }",
            "#[expect(clippy::disallowed_methods, reason = \"\")] fn f() {}",
        ] {
            assert_eq!(check("crates/engine/src/a.rs", bad), 1, "{bad}");
            assert_eq!(check("crates/scrip/src/a.rs", bad), 0, "{bad}");
            assert_eq!(check("crates/sample/src/a.rs", bad), 0, "{bad}");
            assert_eq!(check("crates/license/examples/a.rs", bad), 0, "{bad}");
        }
        let tokio = "use std::time::Duration; use tokio::time::Instant; fn f() { Instant::now(); }";
        assert_eq!(check("crates/engine/src/a.rs", tokio), 0);
        assert_eq!(check("crates/storage/tests/a.rs", "fn f() { std::env::var(\"A\"); }"), 0);
        assert_eq!(check("crates/storage/tests/a.rs", "fn f() { SystemTime::now(); }"), 1);
    }
}
