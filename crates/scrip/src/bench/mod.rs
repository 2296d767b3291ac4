//! `scrip bench`: loads a running server and says how fast it answers.
//!
//! Everything happens on one thread, because the generator mostly shares its machine with the
//! server: what it takes is missing there. Latency is counted from when a request was *due*
//! ([`arrivals`]), so that a server which stalls cannot slow the questions down and look fast. Only
//! an answer that says what was asked for counts as one ([`load`]).

mod alarm;
mod arrivals;
mod downloads;
mod goods;
mod licenses;
mod load;
mod purchases;
mod reads;
mod record;
mod report;
mod sessions;
mod wire;

use std::io;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use scrip_client::{BadUrl, Client};

use self::report::Report;

/// What an account is given: enough for thousands of purchases of anything but the dearest goods.
const FUNDS: u64 = 10_000_000_000;

/// What to load a server with.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  scrip bench purchases --server http://127.0.0.1:8080 \
    --admin-key key_... --connections 256 --seconds 10")]
pub struct BenchArgs {
    #[command(subcommand)]
    load: Load,
}

#[derive(Debug, Subcommand)]
enum Load {
    /// Buy one thing after the other, each by another account; every answer must bring a code
    Purchases(purchases::PurchasesArgs),
    /// Read a product as a member
    Reads(reads::ReadsArgs),
    /// Download a file over and over
    Downloads(downloads::DownloadsArgs),
    /// Ask whether codes are valid, as sold programs do
    Validate(licenses::ValidateArgs),
    /// Take processings, one at a time, as sold programs do
    Consume(licenses::ConsumeArgs),
}

/// Which server, and how hard.
#[derive(Clone, Debug, Args)]
struct Common {
    /// The server's address
    #[arg(long, value_name = "URL", env = "SCRIP_SERVER", default_value = "http://127.0.0.1:8080")]
    server: String,
    /// An administrator's API key, with which accounts are opened
    #[arg(long, value_name = "KEY", env = "SCRIP_ADMIN_KEY", hide_env_values = true)]
    admin_key: Option<String>,
    /// Connections kept busy at once
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    connections: u32,
    /// How long to measure
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    seconds: u64,
    /// How long to load the server before measuring
    #[arg(long, value_name = "SECONDS", default_value_t = 2)]
    warm_up: u64,
    /// One JSON object instead of a table
    #[arg(long)]
    json: bool,
}

/// Who asks.
#[derive(Clone, Debug, Args)]
struct Crowd {
    /// Accounts that take turns, by chance
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..))]
    accounts: u32,
    /// Keep the accounts' session tokens in this file and use them again
    #[arg(long, value_name = "FILE")]
    sessions: Option<PathBuf>,
    /// What each new account is given, in the token's smallest unit
    #[arg(long, value_name = "AMOUNT", default_value_t = FUNDS)]
    tokens: u64,
    /// Requests per second, sent when they are due whether or not the server keeps up (open loop);
    /// without it each connection asks again as soon as it is answered (closed loop)
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    rate: Option<u32>,
    /// Seed of the choice of accounts
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

impl Crowd {
    /// A single new account.
    fn of_one() -> Self {
        Self { accounts: 1, sessions: None, tokens: FUNDS, rate: None, seed: 1 }
    }
}

impl Common {
    fn client(&self) -> Result<Client, BenchError> {
        Ok(Client::new(&self.server)?)
    }
}

/// Why there is no figure, or none to rely on.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// The address makes no sense.
    #[error("no address to load")]
    Url(#[from] BadUrl),
    /// The preparation failed.
    #[error("the preparation failed")]
    Client(#[from] scrip_client::Error),
    /// The machine refused something.
    #[error("{doing}")]
    Io {
        /// What was attempted.
        doing: String,
        /// What the machine said.
        source: io::Error,
    },
    /// No way to open accounts.
    #[error("accounts are opened with an administrator's key: give --admin-key")]
    NoAdminKey,
    /// The server opened fewer accounts than it was asked for.
    #[error("the server opened {opened} accounts instead of {asked}")]
    Seed {
        /// What was asked for.
        asked: usize,
        /// What came.
        opened: usize,
    },
    /// The catalogue has nothing to ask for.
    #[error("the catalogue has no {0}")]
    NothingFound(&'static str),
    /// The report stands, but not every answer was right.
    #[error("{0} requests were not answered as they should be; the figures are worth little")]
    Unclean(u64),
}

impl BenchError {
    fn io(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Io { doing, source }
    }
}

/// Loads the server as asked and prints the report.
pub async fn run(args: BenchArgs) -> Result<(), BenchError> {
    // A thread and a runtime of its own: no lock and no hand-over between the tasks, and its CPU
    // time is the generator's cost.
    let ran = tokio::task::spawn_blocking(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(BenchError::io("starting the generator"))?;
        runtime.block_on(tokio::task::LocalSet::new().run_until(load(args.load)))
    });
    ran.await.map_err(|died| BenchError::io("running the generator")(died.into()))?
}

async fn load(load: Load) -> Result<(), BenchError> {
    let (report, json) = match load {
        Load::Purchases(args) => (purchases::run(&args).await?, args.common.json),
        Load::Reads(args) => (reads::run(&args).await?, args.common.json),
        Load::Downloads(args) => (downloads::run(&args).await?, args.common.json),
        Load::Validate(args) => (licenses::validate(&args).await?, args.common.json),
        Load::Consume(args) => (licenses::consume(&args).await?, args.common.json),
    };
    print(&report, json);
    match report.failures() {
        0 => Ok(()),
        failures => Err(BenchError::Unclean(failures)),
    }
}

fn print(report: &Report, json: bool) {
    if json {
        println!("{}", serde_json::json!(report));
    } else {
        print!("{report}");
    }
}
