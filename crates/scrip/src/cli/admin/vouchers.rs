//! `scrip admin vouchers`.

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::accounts::money;
use crate::cli::remote::{Paging, Remote, named, paged, text};
use crate::failure::Outcome;

/// What to do with vouchers, by the batch.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  scrip admin vouchers make --label 'Spring fair' --tokens 5.00 --count 100 --kind promo"
)]
pub struct VouchersArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a batch; its codes are printed once, one on a line
    #[command(after_help = "\
Example:
  scrip admin vouchers make --label 'Spring fair' --tokens 5.00 --count 100 --kind promo > codes.txt
  scrip admin vouchers make --label Kiosk --tokens 20 --count 10 --kind paid --expires-at 2027-12-31T00:00:00Z")]
    Make(NewBatch),
    /// List batches, newest first
    #[command(after_help = "Example:\n  scrip admin vouchers list")]
    List(Paging),
    /// Close a batch: nobody redeems any more of it
    #[command(after_help = "Example:\n  scrip admin vouchers close vch_06bq3v8k2m9zc")]
    Close {
        /// Its id
        id: String,
    },
}

/// The batch that is wanted.
#[derive(Debug, Args)]
struct NewBatch {
    /// What it is for, for staff
    #[arg(long)]
    label: String,
    /// How many tokens each of them brings
    #[arg(long)]
    tokens: String,
    /// How many of them, 1 to 500
    #[arg(long)]
    count: u32,
    /// Whether somebody pays for them, or they are given away
    #[arg(long, value_enum)]
    kind: Kind,
    /// From when on they can be redeemed
    #[arg(long, value_name = "TIME")]
    starts_at: Option<String>,
    /// Until when
    #[arg(long, value_name = "TIME")]
    expires_at: Option<String>,
    /// How many of them one account can redeem
    #[arg(long, value_name = "VOUCHERS")]
    per_account: Option<u32>,
    /// After how many days their tokens expire
    #[arg(long, value_name = "DAYS")]
    tokens_expire_after_days: Option<u32>,
}

/// What a voucher's tokens are.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    Paid,
    Promo,
}

impl VouchersArgs {
    pub async fn run(&self, remote: &Remote) -> Outcome {
        let admin = remote.admin()?;
        match &self.action {
            Action::Make(new) => {
                let body = json!({
                    "label": new.label, "tokens": money(&admin, &new.tokens).await?, "count": new.count,
                    "kind": match new.kind { Kind::Paid => "paid", Kind::Promo => "promo" },
                    "starts_at": new.starts_at, "expires_at": new.expires_at, "per_account": new.per_account,
                    "tokens_expire_after_days": new.tokens_expire_after_days,
                });
                remote.tell(&admin.post("voucher-batches", &body).await?, codes);
            }
            Action::List(page) => {
                remote.tell(&admin.get(&page.of("voucher-batches")).await?, list);
            }
            Action::Close { id } => {
                let path = format!("voucher-batches/{}/close", named(id)?);
                remote.tell(&admin.post(&path, &json!({})).await?, |closed| {
                    format!(
                        "{} is closed since {}",
                        text(closed, "/id"),
                        text(closed, "/closed_at")
                    )
                });
            }
        }
        Ok(())
    }
}

/// The codes alone, so that a file of them is a file of codes.
fn codes(made: &Value) -> String {
    let codes = made.pointer("/codes").and_then(Value::as_array);
    let codes: Vec<_> = codes.into_iter().flatten().filter_map(Value::as_str).collect();
    codes.join("\n")
}

fn list(answer: &Value) -> String {
    let head = ["BATCH", "LABEL", "TOKENS", "KIND", "REDEEMED", "STATE"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for batch in answer.pointer("/data").and_then(Value::as_array).into_iter().flatten() {
        let count = |pointer| batch.pointer(pointer).and_then(Value::as_u64).unwrap_or_default();
        let state = if text(batch, "/closed_at").is_empty() { "open" } else { "closed" };
        let told = ["/id", "/label", "/tokens/display", "/kind"];
        let mut row = told.map(|pointer| text(batch, pointer).to_owned()).to_vec();
        row.push(format!("{} of {}", count("/redeemed"), count("/count")));
        row.push(state.to_owned());
        rows.push(row);
    }
    paged(answer, &rows)
}
