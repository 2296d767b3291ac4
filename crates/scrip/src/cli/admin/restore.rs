//! `scrip admin restore`.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::cli::remote::{Paging, Remote, table, text};
use crate::failure::Outcome;

/// What to do about a restore.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  scrip admin restore show
  scrip admin restore skip https://shop.example --reason 'closed down'
  scrip admin restore again https://other.example

After a restore a server asks its merchants, its provider, or its partners what happened since the
backup. Until all have answered, calls between servers are answered `restoring`, and where wallets
are nothing moves tokens. docs/backup.md says what is listed, and what to do about it.")]
pub struct RestoreArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Who is still to be heard, and what the books lack
    #[command(after_help = "Example:\n  scrip admin restore show --json | jq .discrepancies")]
    Show(Paging),
    /// Go on without a peer: what it has from after the backup is not booked
    #[command(
        after_help = "Example:\n  scrip admin restore skip https://shop.example --reason 'closed down'"
    )]
    Skip {
        /// Its address, as `show` tells it
        peer: String,
        /// Why; it goes on record
        #[arg(long)]
        reason: String,
    },
    /// Ask a peer once more, after what the books lacked was mended
    #[command(after_help = "Example:\n  scrip admin restore again https://other.example")]
    Again {
        /// Its address, as `show` tells it
        peer: String,
    },
}

impl RestoreArgs {
    pub async fn run(&self, remote: &Remote) -> Outcome {
        match &self.verb {
            Verb::Show(page) => {
                remote.tell(&remote.admin()?.get(&page.of("restore")).await?, show);
            }
            Verb::Skip { peer, reason } => {
                let body = json!({ "peer": peer, "reason": reason });
                let skipped = remote.admin()?.post("restore/skip", &body).await?;
                remote.tell(&skipped, |skipped| {
                    format!("The server goes on without {}.", text(skipped, "/peer"))
                });
            }
            Verb::Again { peer } => {
                let body = json!({ "peer": peer });
                let asked = remote.admin()?.post("restore/again", &body).await?;
                remote.tell(&asked, |asked| {
                    format!(
                        "{} is asked once more; nothing moves until it has answered.",
                        text(asked, "/peer")
                    )
                });
            }
        }
        Ok(())
    }
}

fn show(answer: &Value) -> String {
    let restoring = answer.pointer("/restoring").and_then(Value::as_bool) == Some(true);
    let number = |value: &Value, pointer: &str| {
        value.pointer(pointer).and_then(Value::as_u64).unwrap_or(0).to_string()
    };
    let waits = if restoring { "peers are still to be heard" } else { "nobody is waited for" };
    let mut lines = vec![format!("Epoch {}: {waits}.", number(answer, "/epoch"))];
    let rows =
        |pointer: &str| answer.pointer(pointer).and_then(Value::as_array).into_iter().flatten();
    let mut peers =
        vec![["PEER", "KIND", "STATE", "BOOKED", "LISTED", "TROUBLE"].map(str::to_owned).to_vec()];
    for peer in rows("/peers") {
        let mut row = ["/peer", "/kind", "/state"].map(|p| text(peer, p).to_owned()).to_vec();
        row.extend([number(peer, "/booked"), number(peer, "/listed")]);
        row.push(text(peer, "/trouble").to_owned());
        peers.push(row);
    }
    if peers.len() > 1 {
        lines.push(table(&peers));
    }
    let mut lacks =
        vec![["FOUND", "PEER", "NAME", "LACK", "AMOUNT", "DETAIL"].map(str::to_owned).to_vec()];
    for lack in rows("/discrepancies/data") {
        let cells = ["/at", "/peer", "/request", "/lack", "/amount/display", "/detail"];
        lacks.push(cells.map(|pointer| text(lack, pointer).to_owned()).to_vec());
    }
    if lacks.len() > 1 {
        lines.push(table(&lacks));
    }
    match text(answer, "/discrepancies/next") {
        "" => {}
        next => lines.push(format!("more: --after {next}")),
    }
    lines.join("\n")
}
