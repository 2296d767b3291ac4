//! Talking to a running server, and printing what it says.

use std::fmt::Display;
use std::io::{Read, Write};

use clap::Args;
use scrip_client::{Admin, BaseUrl, Client, Connector};
use scrip_domain::Entropy;
use scrip_https::Dialer;
use serde_json::Value;

use crate::entropy::SystemEntropy;
use crate::failure::{Failure, Outcome};

/// Which server, and who asks.
#[derive(Clone, Debug, Args)]
pub struct Remote {
    /// The server's address
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "SCRIP_SERVER",
        default_value = "http://127.0.0.1:8080"
    )]
    server: String,
    /// An administrator's API key
    #[arg(
        long,
        global = true,
        value_name = "KEY",
        env = "SCRIP_ADMIN_KEY",
        hide_env_values = true
    )]
    admin_key: Option<String>,
    /// Print the server's answer as JSON
    #[arg(long, global = true)]
    pub json: bool,
}

impl Remote {
    /// The server, asked by an administrator.
    pub fn admin(&self) -> Outcome<Admin> {
        let key = self.admin_key.as_deref().filter(|key| !key.is_empty()).ok_or_else(|| {
            Failure::usage("an administrator's API key is needed").advise(
                "Give it with --admin-key or SCRIP_ADMIN_KEY; `scrip init` printed the first one.",
            )
        })?;
        Ok(client(&self.server)?.admin(key))
    }

    /// Prints an answer: whole as JSON, or as `show` says.
    pub fn tell(&self, answer: &Value, show: impl FnOnce(&Value) -> String) {
        if self.json { print(answer) } else { print(&show(answer)) }
    }
}

/// A client of the server at `url`.
pub fn client(url: &str) -> Outcome<Client> {
    let wrong = |error| Failure::usage(format!("--server {url}: {error}"));
    if url.parse::<BaseUrl>().map_err(wrong)?.encrypted {
        let dialer = Dialer::new().map_err(|error| Failure::of(&error))?;
        let connector = Connector::new(move |host, port| {
            let dialer = dialer.clone();
            async move { dialer.dial(&host, port).await }
        });
        return Client::with_connector(url, connector).map_err(wrong);
    }
    Client::new(url).map_err(wrong)
}

/// A text in an answer; empty when there is none.
pub fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The texts of a list in an answer, as one line.
pub fn texts(value: &Value, pointer: &str) -> String {
    let list = value.pointer(pointer).and_then(Value::as_array);
    let texts: Vec<_> = list.into_iter().flatten().filter_map(Value::as_str).collect();
    texts.join(", ")
}

/// Lines of columns, each as wide as its widest cell.
pub fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let wide = |at: usize| {
        rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count()).max()
    };
    let widths: Vec<usize> = (0..columns).map(|at| wide(at).unwrap_or(0)).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// A new idempotency key.
pub fn new_key() -> String {
    let mut bytes = [0; 16];
    SystemEntropy.fill(&mut bytes);
    format!("cli-{:032x}", u128::from_be_bytes(bytes))
}

/// The answer to what was asked under `key`; when it is lost, what to do about it.
pub fn once(key: &str, answer: Result<Value, scrip_client::Error>) -> Outcome<Value> {
    answer.map_err(|error| {
        let lost = matches!(error, scrip_client::Error::Lost(_));
        let failure = Failure::from(error);
        if lost { failure.advise(format!("Ask again with --key {key}")) } else { failure }
    })
}

/// A line on standard output. A reader that went away (`| head`) is no error.
pub fn print(line: &(impl Display + ?Sized)) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}");
}

/// What was given, or what standard input brings, where that is `-`: at most 64 KiB.
pub fn given_or_stdin(given: &str) -> Outcome<String> {
    let mut text = given.to_owned();
    if text == "-" {
        text.clear();
        let read = std::io::stdin().take(64 * 1024).read_to_string(&mut text);
        read.map_err(|error| Failure::usage(format!("cannot read standard input: {error}")))?;
    }
    Ok(text)
}
