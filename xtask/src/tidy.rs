//! The rules that the compiler cannot check. Each has a reason, a test on this repository, and tests on
//! small bad inputs, because a check that cannot fail is worse than none.

use std::fmt;

use crate::command::{Failure, Outcome};

use project::Project;

mod architecture;
mod arrows;
mod lengths;
mod manifests;
mod places;
mod project;
mod rooms;
mod rust;
mod words;

/// One rule: what must hold, why, and how it is checked.
struct Rule {
    name: &'static str,
    reason: &'static str,
    check: fn(&Project) -> Vec<Finding>,
}

/// A place where a rule is broken. Line 0 means the file as a whole.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    path: String,
    line: usize,
    text: String,
}

impl Finding {
    fn at(path: &str, line: usize, text: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, text: text.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, line, text } = self;
        match line {
            0 => write!(formatter, "{path}: {text}"),
            _ => write!(formatter, "{path}:{line}: {text}"),
        }
    }
}

/// Makes the table of rules, and of each rule a named test on this repository.
macro_rules! rules {
    ($($name:ident: $check:path, $reason:literal;)*) => {
        const RULES: &[Rule] =
            &[$(Rule { name: stringify!($name), reason: $reason, check: $check }),*];

        #[cfg(test)]
        mod repository {
            $(#[test]
            fn $name() {
                let rule = super::RULES.iter().find(|rule| rule.name == stringify!($name));
                super::hold(rule.expect("the table names it"), &super::load_or_panic());
            })*
        }
    };
}

rules! {
    arrows_between_our_crates: arrows::ours,
        "license <- domain <- storage <- engine <- web <- scrip: what lies to the left can be read, tested \
         and published without what lies to the right";
    arrows_are_used: arrows::unused,
        "an arrow that is allowed and not there is one that nobody has thought about";
    arrows_to_foreign_crates: arrows::foreign,
        "a layer that cannot reach a database, a socket or the clock cannot depend on one by accident";
    sql_only_in_storage: rooms::sql,
        "two databases stay equal only while one crate knows that there are two";
    drivers_and_web_frameworks_at_home: rooms::libraries,
        "a library that is named in one crate can be replaced in one crate";
    environment_clock_and_entropy_only_in_the_binary: rooms::outside_world,
        "a test or the simulator must be able to choose time, chance and configuration";
    functions_are_short: lengths::functions,
        "a function that fits on a screen is read as a whole; at most 70 lines, 120 in tests";
    files_are_short: lengths::files,
        "a file beyond 800 lines tells more than one story";
    no_unfinished_or_silenced_code: words::unfinished,
        "what is left for later is not in the main line; a lint is expected with a reason, never silenced; \
         no test is skipped";
    no_sleep_in_tests: words::sleep,
        "a test that waits for the wall clock is slow when it passes and random when it fails";
    names_say_something: words::names,
        "utils, common, helpers, manager and service name no noun of the domain: anything ends up there";
    architecture_names_what_exists: architecture::names,
        "a map with places that are gone misleads more than no map";
    no_registry_hosts_or_machine_paths: places::hosts_and_paths,
        "where packages come from is the machine's configuration; a path of one machine fails on the next";
    lock_files_name_no_hosts: places::lock_files,
        "a lock file with download addresses works behind one mirror only \
         (`omit-lockfile-registry-resolved=true` in .npmrc)";
    dependencies_say_why: manifests::comments,
        "a dependency is a cost for ever; the line that adds it says what it buys";
    migrations_are_pairs: manifests::migrations,
        "a schema change that exists for one database only breaks the other one at its next start";
    foreign_checks_are_listed: places::foreign_checks,
        "a script that no table names is a test that never runs";
}

pub fn run() -> Outcome {
    let project = Project::load()?;
    let mut broken = 0;
    for rule in RULES {
        let findings = (rule.check)(&project);
        if findings.is_empty() {
            println!("  ok      {}", rule.name);
            continue;
        }
        broken += 1;
        println!("  BROKEN  {}\n          because {}", rule.name, rule.reason);
        for finding in findings {
            println!("          {finding}");
        }
    }
    println!("  {}", lengths::medians(&project));
    if broken == 0 { Ok(()) } else { Err(Failure(format!("{broken} rules of tidy are broken"))) }
}

#[cfg(test)]
fn load_or_panic() -> Project {
    Project::load().unwrap_or_else(|failure| panic!("{failure}"))
}

#[cfg(test)]
fn hold(rule: &Rule, project: &Project) {
    let findings: Vec<String> = (rule.check)(project).iter().map(ToString::to_string).collect();
    assert!(findings.is_empty(), "{}\n{}", rule.reason, findings.join("\n"));
}
