//! `scrip admin agreements`.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::cli::remote::{Paging, Remote, named, paged, table, text};
use crate::failure::{Failure, Outcome};

/// What to do with agreements.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  scrip admin agreements propose par_06bq3v8k2m9zc terms.json\n  scrip admin agreements accept agr_06bq3v8k2m9zc"
)]
pub struct AgreementsArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Propose terms to a partner
    #[command(
        after_help = "Example:\n  scrip admin agreements propose par_06bq3v8k2m9zc terms.json\n  scrip admin agreements propose par_06bq3v8k2m9zc - < terms.json"
    )]
    Propose {
        /// The partner's id
        partner: String,
        /// A file with the terms, as JSON; `-` for standard input
        terms: PathBuf,
    },
    /// List agreements, newest first
    #[command(after_help = "Example:\n  scrip admin agreements list")]
    List(Paging),
    /// Show an agreement, with its terms
    #[command(after_help = "Example:\n  scrip admin agreements show agr_06bq3v8k2m9zc")]
    Show {
        /// Its id
        id: String,
    },
    /// Accept a partner's proposal
    #[command(after_help = "Example:\n  scrip admin agreements accept agr_06bq3v8k2m9zc")]
    Accept {
        /// Its id
        id: String,
    },
    /// Decline a partner's proposal
    #[command(after_help = "Example:\n  scrip admin agreements decline agr_06bq3v8k2m9zc")]
    Decline {
        /// Its id
        id: String,
    },
    /// Withdraw a proposal of ours
    #[command(after_help = "Example:\n  scrip admin agreements withdraw agr_06bq3v8k2m9zc")]
    Withdraw {
        /// Its id
        id: String,
    },
    /// Stop exchanges under the agreement in force, at once
    #[command(after_help = "Example:\n  scrip admin agreements suspend agr_06bq3v8k2m9zc")]
    Suspend {
        /// Its id
        id: String,
    },
    /// Take exchanges up again
    #[command(after_help = "Example:\n  scrip admin agreements resume agr_06bq3v8k2m9zc")]
    Resume {
        /// Its id
        id: String,
    },
    /// End an agreement after its days of notice
    #[command(after_help = "Example:\n  scrip admin agreements end agr_06bq3v8k2m9zc")]
    End {
        /// Its id
        id: String,
    },
}

impl AgreementsArgs {
    pub async fn run(&self, remote: &Remote) -> Outcome {
        let (id, verb) = match &self.action {
            Action::Propose { partner, terms } => return propose(remote, partner, terms).await,
            Action::List(page) => {
                remote.tell(&remote.admin()?.get(&page.of("agreements")).await?, list);
                return Ok(());
            }
            Action::Show { id } => {
                let shown = remote.admin()?.get(&format!("agreements/{}", named(id)?)).await?;
                remote.tell(&shown, |shown| {
                    let terms = shown.pointer("/terms").cloned().unwrap_or_default();
                    format!("{}\n{terms:#}", table(&[head(), row(shown)]))
                });
                return Ok(());
            }
            Action::Accept { id } => (id, "accept"),
            Action::Decline { id } => (id, "decline"),
            Action::Withdraw { id } => (id, "withdraw"),
            Action::Suspend { id } => (id, "suspend"),
            Action::Resume { id } => (id, "resume"),
            Action::End { id } => (id, "end"),
        };
        let path = format!("agreements/{}/{verb}", named(id)?);
        let turned = remote.admin()?.post(&path, &json!({})).await?;
        remote.tell(&turned, |turned| table(&[head(), row(turned)]));
        Ok(())
    }
}

async fn propose(remote: &Remote, partner: &str, terms: &Path) -> Outcome {
    let mut text = String::new();
    let read = if terms == Path::new("-") {
        io::stdin().read_to_string(&mut text).map(drop)
    } else {
        fs::read_to_string(terms).map(|read| text = read)
    };
    read.map_err(|error| Failure::usage(format!("cannot read {}: {error}", terms.display())))?;
    let terms: Value = serde_json::from_str(&text)
        .map_err(|error| Failure::usage(format!("{} is not JSON: {error}", terms.display())))?;
    let body = json!({ "partner": partner, "terms": terms });
    let proposed = remote.admin()?.post("agreements", &body).await?;
    remote.tell(&proposed, |proposed| table(&[head(), row(proposed)]));
    Ok(())
}

fn head() -> Vec<String> {
    ["AGREEMENT", "PARTNER", "NO.", "BY", "STATE", "FROM", "UNTIL"].map(str::to_owned).to_vec()
}

fn row(agreement: &Value) -> Vec<String> {
    let number = agreement.pointer("/version").and_then(Value::as_u64).unwrap_or_default();
    let is = |pointer| agreement.pointer(pointer) == Some(&Value::Bool(true));
    let state = match (is("/in_force"), is("/told")) {
        (true, _) => "in force".to_owned(),
        (false, true) => text(agreement, "/state").to_owned(),
        (false, false) => format!("{}, not told yet", text(agreement, "/state")),
    };
    let of = |pointer| text(agreement, pointer).to_owned();
    vec![
        of("/id"),
        of("/partner"),
        number.to_string(),
        of("/proposed_by"),
        state,
        of("/effective_at"),
        of("/ends_at"),
    ]
}

fn list(answer: &Value) -> String {
    let mut rows = vec![head()];
    let data = answer.pointer("/data").and_then(Value::as_array).into_iter().flatten();
    rows.extend(data.map(row));
    paged(answer, &rows)
}
