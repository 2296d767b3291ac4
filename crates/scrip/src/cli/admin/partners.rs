//! `scrip admin partners`.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::cli::remote::{Paging, Remote, named, paged, table, text};
use crate::failure::Outcome;

/// What to do with partners.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  scrip admin partners enter https://other.example 'Belle Isle Sounds'"
)]
pub struct PartnersArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Enter another vendor: from then on it is heard, and agreements can be proposed
    #[command(
        after_help = "Example:\n  scrip admin partners enter https://other.example 'Belle Isle Sounds'"
    )]
    Enter {
        /// The address of its server
        url: String,
        /// What buyers know it by
        name: String,
    },
    /// List partners, newest first, with what each owes the other
    #[command(after_help = "Example:\n  scrip admin partners list")]
    List(Paging),
    /// Show a partner
    #[command(after_help = "Example:\n  scrip admin partners show par_06bq3v8k2m9zc")]
    Show {
        /// Its id
        id: String,
    },
    /// Change what buyers know a partner by
    #[command(
        after_help = "Example:\n  scrip admin partners rename par_06bq3v8k2m9zc 'Belle Isle'"
    )]
    Rename {
        /// Its id
        id: String,
        /// What buyers know it by
        name: String,
    },
}

impl PartnersArgs {
    pub async fn run(&self, remote: &Remote) -> Outcome {
        let admin = remote.admin()?;
        match &self.action {
            Action::Enter { url, name } => {
                let body = json!({ "url": url, "name": name });
                let entered = admin.post("partners", &body).await?;
                remote.tell(&entered, |entered| {
                    format!("{}  {}", text(entered, "/id"), text(entered, "/url"))
                });
            }
            Action::List(page) => {
                remote.tell(&admin.get(&page.of("partners")).await?, list);
            }
            Action::Show { id } => {
                let partner = admin.get(&format!("partners/{}", named(id)?)).await?;
                remote.tell(&partner, one);
            }
            Action::Rename { id, name } => {
                let path = format!("partners/{}", named(id)?);
                let renamed = admin.patch(&path, &json!({ "name": name })).await?;
                remote.tell(&renamed, one);
            }
        }
        Ok(())
    }
}

fn state(partner: &Value) -> String {
    let there = partner.pointer("/suspended_there") == Some(&Value::Bool(true));
    match (text(partner, "/suspended"), text(partner, "/agreement")) {
        ("", "") => "nothing agreed".to_owned(),
        ("", _) if there => "suspended there".to_owned(),
        ("", _) => "exchanging".to_owned(),
        (why, _) => format!("suspended ({why})"),
    }
}

fn row(partner: &Value) -> Vec<String> {
    let [id, name, url] = ["/id", "/name", "/url"].map(|pointer| text(partner, pointer).to_owned());
    let [owed, due] = ["/payable/display", "/receivable/display"]
        .map(|pointer| text(partner, pointer).to_owned());
    vec![id, name, url, state(partner), owed, due]
}

fn head() -> Vec<String> {
    ["PARTNER", "NAME", "ADDRESS", "STATE", "WE OWE", "IT OWES"].map(str::to_owned).to_vec()
}

fn one(partner: &Value) -> String {
    table(&[head(), row(partner)])
}

fn list(answer: &Value) -> String {
    let mut rows = vec![head()];
    let data = answer.pointer("/data").and_then(Value::as_array).into_iter().flatten();
    rows.extend(data.map(row));
    paged(answer, &rows)
}
