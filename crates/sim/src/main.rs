//! Explores seeds, and repeats one.

use clap::{Args, Parser};
use scrip_sim::{Outcome, Plan, pair, ring, run};

/// Lets whole worlds run, each from one seed, and looks for one in which something is untrue.
#[derive(Debug, Parser)]
#[command(after_help = "Example: cargo run --release -p scrip-sim -- --seeds 1000")]
struct Arguments {
    /// The seed to run (`0x…` or decimal), or the first of many.
    #[arg(long, value_parser = seed, default_value = "0x1")]
    seed: u64,
    /// How many seeds to run, from the first on.
    #[arg(long, default_value_t = 1)]
    seeds: u64,
    /// How many steps all buyers of a world take together.
    #[arg(long, default_value_t = 150)]
    steps: u64,
    /// Run each seed once, not twice.
    #[arg(long)]
    once: bool,
    #[command(flatten)]
    kind: Kind,
    /// Print the trace.
    #[arg(long)]
    trace: bool,
}

/// Which worlds; none of these: of one shop.
#[derive(Debug, Args)]
#[group(multiple = false)]
struct Kind {
    /// Worlds of two servers: a merchant and its provider.
    #[arg(long)]
    pair: bool,
    /// Worlds of two or three vendors whose tokens buy each other's.
    #[arg(long)]
    ring: bool,
}

fn seed(text: &str) -> Result<u64, std::num::ParseIntError> {
    match text.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16),
        None => text.parse(),
    }
}

fn main() -> std::process::ExitCode {
    let arguments = Arguments::parse();
    let (mut failures, mut lines, mut operations) = (0_u64, 0_u64, 0_u64);
    for offset in 0..arguments.seeds {
        let seed = arguments.seed.wrapping_add(offset);
        let outcome = arguments.run(seed);
        lines += outcome.lines;
        operations += outcome.operations;
        let repeated = if arguments.once { None } else { Some(arguments.run(seed)) };
        if offset % 100 == 99 {
            println!(
                "{} worlds, {operations} operations, {failures} with something untrue",
                offset + 1
            );
        }
        let differs = repeated.filter(|repeated| repeated.hash != outcome.hash);
        if outcome.violation.is_some() || differs.is_some() {
            failures += 1;
            tell(&outcome, differs.as_ref(), &arguments);
        } else if arguments.seeds == 1 {
            let Outcome { hash, lines, operations, lasted, .. } = outcome;
            println!(
                "sound: {operations} operations, {lines} lines in {lasted:?} of the world's time, trace {hash}"
            );
        }
    }
    let seeds = arguments.seeds;
    println!(
        "{seeds} worlds, {operations} operations, {lines} lines of trace, {failures} with something untrue"
    );
    if failures == 0 { std::process::ExitCode::SUCCESS } else { std::process::ExitCode::FAILURE }
}

impl Arguments {
    /// Lets the world of one seed run.
    fn run(&self, seed: u64) -> Outcome {
        if self.kind.pair {
            pair::run(&pair::Plan::of(seed, self.steps), self.trace)
        } else if self.kind.ring {
            ring::run(&ring::Plan::of(seed, self.steps), self.trace)
        } else {
            run(&Plan::of(seed, self.steps), self.trace)
        }
    }
}

fn tell(outcome: &Outcome, differs: Option<&Outcome>, arguments: &Arguments) {
    for line in &outcome.tail {
        println!("{line}");
    }
    if let Some(violation) = &outcome.violation {
        println!("untrue: {violation}");
    }
    if let Some(other) = differs {
        println!("two runs differ: {} and {}", outcome.hash, other.hash);
    }
    println!(
        "repeat it: cargo run -p scrip-sim -- --seed {:#x} --steps {}{} --trace\n",
        outcome.seed,
        arguments.steps,
        match (arguments.kind.pair, arguments.kind.ring) {
            (true, _) => " --pair",
            (_, true) => " --ring",
            _ => "",
        }
    );
}
