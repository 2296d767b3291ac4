//! `scrip admin statements`.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::cli::remote::{Paging, Remote, named, paged, table, text};
use crate::failure::Outcome;

/// What to do with statements.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  scrip admin statements close agr_06bq3v8k2m9zc")]
pub struct StatementsArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Close the open cycle with the partner of an agreement
    #[command(
        after_help = "Example:\n  scrip admin statements close agr_06bq3v8k2m9zc --cycle 3\n\nWith --cycle it can be repeated: one that is closed stays so, and is shown."
    )]
    Close {
        /// The agreement's id
        agreement: String,
        /// The number of the cycle; the open one without it
        #[arg(long)]
        cycle: Option<u32>,
    },
    /// List the statements with all partners, newest first
    #[command(after_help = "Example:\n  scrip admin statements list")]
    List(Paging),
    /// Show a statement, and where both sides differ
    #[command(after_help = "Example:\n  scrip admin statements show stm_06bq3v8k2m9zc")]
    Show {
        /// Its id
        id: String,
    },
    /// Compare a disputed statement with the partner's once more
    #[command(after_help = "Example:\n  scrip admin statements compare stm_06bq3v8k2m9zc")]
    Compare {
        /// Its id
        id: String,
    },
}

impl StatementsArgs {
    pub async fn run(&self, remote: &Remote) -> Outcome {
        let admin = remote.admin()?;
        match &self.action {
            Action::Close { agreement, cycle } => {
                let path = format!("agreements/{}/close-cycle", named(agreement)?);
                let body = cycle.map_or(json!({}), |cycle| json!({ "cycle": cycle }));
                let closed = admin.post(&path, &body).await?;
                remote.tell(&closed, |closed| {
                    format!("{}  {}", text(closed, "/statement"), text(closed, "/state"))
                });
            }
            Action::List(page) => {
                remote.tell(&admin.get(&page.of("statements")).await?, list);
            }
            Action::Show { id } => {
                let statement = admin.get(&format!("statements/{}", named(id)?)).await?;
                remote.tell(&statement, one);
            }
            Action::Compare { id } => {
                let path = format!("statements/{}/compare", named(id)?);
                remote.tell(&admin.post(&path, &json!({})).await?, one);
            }
        }
        Ok(())
    }
}

fn row(statement: &Value) -> Vec<String> {
    let cycle = statement.pointer("/cycle").map(ToString::to_string).unwrap_or_default();
    let texts = ["/id", "/partner", "/state", "/gross_out/display", "/gross_in/display"];
    let mut cells: Vec<String> = texts.map(|pointer| text(statement, pointer).to_owned()).to_vec();
    cells.insert(2, cycle);
    cells.push(text(statement, "/net/display").to_owned());
    cells
}

fn head() -> Vec<String> {
    ["STATEMENT", "PARTNER", "CYCLE", "STATE", "WE OWE", "IT OWES", "NET"]
        .map(str::to_owned)
        .to_vec()
}

fn one(statement: &Value) -> String {
    let shown = table(&[head(), row(statement)]);
    let differences = statement.pointer("/differences").and_then(Value::as_array);
    let mut rows: Vec<Vec<String>> = differences
        .into_iter()
        .flatten()
        .map(|row| {
            let cells = ["/exchange", "/way", "/here/display", "/there/display"];
            cells.map(|pointer| text(row, pointer).to_owned()).to_vec()
        })
        .collect();
    if rows.is_empty() {
        return shown;
    }
    rows.insert(0, ["EXCHANGE", "WAY", "HERE", "THERE"].map(str::to_owned).to_vec());
    format!("{shown}\n{}", table(&rows))
}

fn list(answer: &Value) -> String {
    let mut rows = vec![head()];
    let data = answer.pointer("/data").and_then(Value::as_array).into_iter().flatten();
    rows.extend(data.map(row));
    paged(answer, &rows)
}
