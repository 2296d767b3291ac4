//! `scrip admin licenses`.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::cli::remote::{Paging, Remote, new_key, once, paged, table, text};
use crate::failure::Outcome;

/// What to do with licenses.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  scrip admin licenses list --account acc_06bq3v8k2m9zc
  scrip admin licenses suspend lic_06bq3v8k2m9zc --reason 'a chargeback is open'
  scrip admin licenses reissue lic_06bq3v8k2m9zc --reason 'the code was published'")]
pub struct LicensesArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Licenses, newest first
    #[command(
        after_help = "Example:\n  scrip admin licenses list --order ord_06bq3v8k2m9zc --json | jq .data"
    )]
    List {
        /// Only those of this account
        #[arg(long, value_name = "ACC")]
        account: Option<String>,
        /// Only those of this order
        #[arg(long, value_name = "ORD")]
        order: Option<String>,
        #[command(flatten)]
        page: Paging,
    },
    /// One license: its terms, what is left of it, its machines
    #[command(after_help = "Example:\n  scrip admin licenses show lic_06bq3v8k2m9zc")]
    Show {
        /// Its name
        license: String,
    },
    /// Put a license out of force for the time being
    #[command(
        after_help = "Example:\n  scrip admin licenses suspend lic_06bq3v8k2m9zc --reason 'a chargeback is open'"
    )]
    Suspend(Verdict),
    /// Put a suspended license into force again
    #[command(
        after_help = "Example:\n  scrip admin licenses resume lic_06bq3v8k2m9zc --reason 'it was won'"
    )]
    Resume(Verdict),
    /// Take a license back for good; tokens go back by `scrip admin refund`
    #[command(
        after_help = "Example:\n  scrip admin licenses revoke lic_06bq3v8k2m9zc --reason 'resold'"
    )]
    Revoke(Verdict),
    /// Issue a license's code again: the one before is dead at once
    #[command(
        after_help = "Example:\n  scrip admin licenses reissue lic_06bq3v8k2m9zc --reason 'the code was published'

The new code is told to its holder, in the library. When the answer is lost, ask again with the same --key."
    )]
    Reissue {
        #[command(flatten)]
        verdict: Verdict,
        /// The idempotency key; a new one without it
        #[arg(long)]
        key: Option<String>,
    },
    /// Deactivate a machine of a license; it counts as no move
    #[command(
        after_help = "Example:\n  scrip admin licenses deactivate lic_06bq3v8k2m9zc act_06bq3v8k2m9zd --reason 'the laptop was stolen'"
    )]
    Deactivate {
        #[command(flatten)]
        verdict: Verdict,
        /// The machine, as `show` tells it
        activation: String,
    },
}

#[derive(Debug, Args)]
struct Verdict {
    /// The license
    license: String,
    /// Why; it goes on record
    #[arg(long)]
    reason: String,
}

impl LicensesArgs {
    pub async fn run(&self, remote: &Remote) -> Outcome {
        let admin = remote.admin()?;
        match &self.verb {
            Verb::List { account, order, page } => {
                let only = [("account", account), ("order", order)];
                remote.tell(&admin.get(&page.of_those("licenses", &only)).await?, list);
            }
            Verb::Show { license } => {
                remote.tell(&admin.get(&format!("licenses/{license}")).await?, show);
            }
            Verb::Suspend(verdict) => verdict.carry_out(remote, "suspend").await?,
            Verb::Resume(verdict) => verdict.carry_out(remote, "resume").await?,
            Verb::Revoke(verdict) => verdict.carry_out(remote, "revoke").await?,
            Verb::Reissue { verdict: Verdict { license, reason }, key } => {
                let key = key.clone().unwrap_or_else(new_key);
                let path = format!("licenses/{license}/reissue");
                let body = json!({ "reason": reason });
                let issued = once(&key, admin.post_once(&path, &key, &body).await)?;
                remote.tell(&issued, show);
            }
            Verb::Deactivate { verdict: Verdict { license, reason }, activation } => {
                let body = json!({ "activation": activation, "reason": reason });
                let path = format!("licenses/{license}/deactivate");
                remote.tell(&admin.post(&path, &body).await?, show);
            }
        }
        Ok(())
    }
}

impl Verdict {
    async fn carry_out(&self, remote: &Remote, verb: &str) -> Outcome {
        let path = format!("licenses/{}/{verb}", self.license);
        let body = json!({ "reason": self.reason });
        remote.tell(&remote.admin()?.post(&path, &body).await?, show);
        Ok(())
    }
}

fn number(value: &Value, pointer: &str) -> String {
    value.pointer(pointer).and_then(Value::as_u64).map_or("-".to_owned(), |n| n.to_string())
}

fn list(answer: &Value) -> String {
    let head = ["LICENSE", "ACCOUNT", "PRODUCT", "STATE", "ENDS", "LEFT", "MACHINES"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for license in answer.pointer("/data").and_then(Value::as_array).into_iter().flatten() {
        let cells = ["/id", "/account", "/product", "/state", "/expires_at"];
        let mut row = cells.map(|pointer| text(license, pointer).to_owned()).to_vec();
        row.extend(["/left", "/machines/active"].map(|pointer| number(license, pointer)));
        rows.push(row);
    }
    paged(answer, &rows)
}

fn show(license: &Value) -> String {
    let mut lines = vec![format!(
        "{} is {}: {} of {}, issue {} of its code",
        text(license, "/id"),
        text(license, "/state"),
        text(license, "/product"),
        text(license, "/account"),
        number(license, "/issue"),
    )];
    match text(license, "/expires_at") {
        "" => {}
        end => lines.push(format!("It ends on {end}.")),
    }
    if license.pointer("/left").is_some_and(Value::is_u64) {
        let [left, used, leased] = ["/left", "/used", "/leased"].map(|p| number(license, p));
        let unit = text(license, "/unit");
        lines.push(format!("{left} {unit} are left, {used} are gone, {leased} are leased."));
    }
    let mut rows = vec![["MACHINE", "NAME", "SINCE", "OFFLINE UNTIL"].map(str::to_owned).to_vec()];
    for machine in license.pointer("/activations").and_then(Value::as_array).into_iter().flatten() {
        let cells = ["/id", "/name", "/activated_at", "/offline_until"];
        rows.push(cells.map(|pointer| text(machine, pointer).to_owned()).to_vec());
    }
    if rows.len() > 1 {
        lines.push(table(&rows));
    }
    lines.join("\n")
}
