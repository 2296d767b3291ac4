//! A private `PostgreSQL` cluster for tests, from Debian's binaries.
//!
//! The cluster is owned by a *guard*: a child process in a process group of its own, which starts the
//! server and waits until its standard input ends. That happens when the `Cluster` is dropped, and just as
//! well when this process fails, panics, gets Ctrl-C or is killed; then the guard stops the server and
//! deletes the data. One way to end, so no signal handler is needed.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use crate::command::{Context, Failure, Outcome};

use server::Server;

mod server;

/// Where tests look for the cluster.
pub const URL_VARIABLE: &str = "SCRIP_TEST_POSTGRES";

/// The hidden subcommand that runs `guard`.
pub const GUARD: &str = "postgres-guard";

const KEEP: &str = "keep";

/// A running cluster; dropping it stops the server and deletes the data.
pub struct Cluster {
    guard: Child,
    url: String,
}

impl Cluster {
    pub fn start() -> Outcome<Self> {
        server::install()?;
        let program = std::env::current_exe().context("own program")?;
        let mut guard = Command::new(program)
            .arg(GUARD)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Ctrl-C reaches the whole group of the terminal; the guard must outlive it.
            .process_group(0)
            .spawn()
            .context("cannot start the guard of PostgreSQL")?;
        let mut url = String::new();
        let output = guard.stdout.take().expect("it was piped");
        BufReader::new(output).read_line(&mut url).context("the guard of PostgreSQL")?;
        if url.is_empty() {
            let _ = guard.wait();
            return Err(Failure::new("PostgreSQL did not start; the reason is above"));
        }
        Ok(Self { guard, url: url.trim().to_owned() })
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// Waits for ever, that is until Ctrl-C.
    pub fn wait(mut self) -> Outcome {
        // The guard's input must stay open meanwhile, and `wait` would close it.
        let input = self.guard.stdin.take();
        let status = self.guard.wait().context("the guard of PostgreSQL")?;
        drop(input);
        Err(Failure(format!("the guard of PostgreSQL ended by itself ({status})")))
    }

    /// Leaves the server running for a look at what a test left behind.
    pub fn keep(mut self) {
        if let Some(input) = &mut self.guard.stdin {
            let _ = writeln!(input, "{KEEP}");
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
    }
}

/// The guard itself: prints the URL, then waits for the end of its input.
pub fn guard() -> Outcome {
    let server = Server::start()?;
    println!("{}", server.url());
    let keep = std::io::stdin().lines().map_while(Result::ok).any(|line| line == KEEP);
    if keep {
        eprintln!("PostgreSQL keeps running: {}\n  end it: {}", server.url(), server.how_to_stop());
        std::mem::forget(server);
    }
    Ok(())
}
