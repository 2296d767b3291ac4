//! `scrip admin orders`.

use clap::Args;
use serde_json::Value;

use crate::cli::remote::{Paging, Remote, paged, text};
use crate::failure::Outcome;

/// Orders, newest first.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  scrip admin orders --state paid
  scrip admin orders --account acc_06bq3v8k2m9zc --json | jq '.data[].total'")]
pub struct OrdersArgs {
    /// Only those in this state
    #[arg(long)]
    state: Option<String>,
    /// Only those of this account
    #[arg(long, value_name = "ACC")]
    account: Option<String>,
    #[command(flatten)]
    page: Paging,
}

impl OrdersArgs {
    pub async fn run(&self, remote: &Remote) -> Outcome {
        let only = [("state", &self.state), ("account", &self.account)];
        remote.tell(&remote.admin()?.get(&self.page.of_those("orders", &only)).await?, list);
        Ok(())
    }
}

fn list(answer: &Value) -> String {
    let mut rows =
        vec![["ORDER", "SELECTED", "ACCOUNT", "TOTAL", "STATE"].map(str::to_owned).to_vec()];
    let told = ["/id", "/selected_at", "/account", "/total/display", "/state"];
    let data = answer.pointer("/data").and_then(Value::as_array).into_iter().flatten();
    rows.extend(data.map(|order| told.map(|pointer| text(order, pointer).to_owned()).to_vec()));
    paged(answer, &rows)
}
