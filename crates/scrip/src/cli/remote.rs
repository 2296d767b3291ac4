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

/// Which page of a list.
#[derive(Debug, Args)]
pub struct Paging {
    /// How many at most, 1 to 100
    #[arg(long, default_value_t = 20)]
    limit: u32,
    /// The `next` of the list before
    #[arg(long, value_name = "CURSOR")]
    after: Option<String>,
}

impl Paging {
    /// The path of that page of this list.
    pub fn of(&self, list: &str) -> String {
        self.of_those(list, &[])
    }

    /// The same of those only that are asked for.
    pub fn of_those(&self, list: &str, only: &[(&str, &Option<String>)]) -> String {
        let mut path = format!("{list}?limit={}", self.limit);
        for (name, value) in only.iter().copied().chain([("after", &self.after)]) {
            if let Some(value) = value {
                path.push_str(&format!("&{name}={value}"));
            }
        }
        path
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

/// An id, which leads nowhere else.
pub fn named(id: &str) -> Outcome<&str> {
    if id.is_empty() || id.bytes().any(|byte| !byte.is_ascii_alphanumeric() && byte != b'_') {
        return Err(Failure::usage(format!("{id} is no id")));
    }
    Ok(id)
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

/// The table of a list's page, and how to ask for the next one.
pub fn paged(answer: &Value, rows: &[Vec<String>]) -> String {
    match text(answer, "/next") {
        "" => table(rows),
        next => format!("{}\nmore: --after {next}", table(rows)),
    }
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
