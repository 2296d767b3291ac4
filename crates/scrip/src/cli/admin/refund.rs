//! `scrip admin refund`.

use clap::Args;
use scrip_client::RefundLine;
use serde_json::Value;

use super::accounts::money;
use crate::cli::remote::{Remote, new_key, once, text};
use crate::failure::{Failure, Outcome};

/// What to give back.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  scrip admin refund ord_06bq3v8k2m9zc --reason 'does not start'
  scrip admin refund ord_06bq3v8k2m9zc --line lin_06bq3v8k2m9zd --amount 2.50 --reason goodwill

When the answer is lost, ask again with the same --key: it is given back once.")]
pub struct RefundArgs {
    /// The order's id
    order: String,
    /// Why, for the record and for the buyer
    #[arg(long)]
    reason: String,
    /// Only this line of the order; without it all that is left
    #[arg(long)]
    line: Option<String>,
    /// Only so many units of the line
    #[arg(long, requires = "line", conflicts_with = "amount")]
    quantity: Option<u32>,
    /// Only so many tokens of the line, with their decimals
    #[arg(long, requires = "line", value_name = "TOKENS")]
    amount: Option<String>,
    /// Leave the licenses to the buyer
    #[arg(long)]
    keep_licenses: bool,
    /// The idempotency key; a new one without it
    #[arg(long)]
    key: Option<String>,
}

impl RefundArgs {
    pub async fn run(&self, remote: &Remote) -> Outcome {
        let admin = remote.admin()?;
        let named = |text: &String| text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if !named(&self.order) {
            return Err(Failure::usage(format!("{} is no order's id", self.order)));
        }
        let amount = match &self.amount {
            Some(tokens) => Some(money(&admin, tokens).await?),
            None => None,
        };
        let mut refund = scrip_client::NewRefund::whole(&self.reason);
        if let Some(line) = &self.line {
            let line = RefundLine { line: line.clone(), quantity: self.quantity, amount };
            refund.lines = Some(vec![line]);
        }
        if self.keep_licenses {
            "keep".clone_into(&mut refund.licenses);
        }
        let key = self.key.clone().unwrap_or_else(new_key);
        let made = once(&key, admin.refund(&key, &self.order, &refund).await)?;
        remote.tell(&made, show);
        Ok(())
    }
}

fn show(refund: &Value) -> String {
    let of = |pointer| text(refund, pointer);
    let gone = refund.pointer("/expired/amount").and_then(Value::as_u64).unwrap_or(0);
    let gone = match gone {
        0 => String::new(),
        _ => format!(", of which {} had expired", of("/expired/display")),
    };
    format!("{} gave {} back{gone}", of("/id"), of("/amount/display"))
}
