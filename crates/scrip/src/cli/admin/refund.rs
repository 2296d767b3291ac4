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

/// Which top-up, and how much of it.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  scrip admin refund-top-up top_06bq3v8k2m9zc --reason 'asked for it in time'
  scrip admin refund-top-up top_06bq3v8k2m9zc --amount 25.00 --reason goodwill

The tokens are taken first, of those that are unspent. By card the processor then gives the money back; otherwise
it goes back by hand. When the answer is lost, ask again with the same --key: it is given back once.")]
pub struct TopUpRefundArgs {
    /// The top-up's id
    top_up: String,
    /// Why, for the record
    #[arg(long)]
    reason: String,
    /// Only so many tokens, with their decimals; without it all that are unspent
    #[arg(long, value_name = "TOKENS")]
    amount: Option<String>,
    /// The idempotency key; a new one without it
    #[arg(long)]
    key: Option<String>,
}

impl TopUpRefundArgs {
    pub async fn run(&self, remote: &Remote) -> Outcome {
        let admin = remote.admin()?;
        let amount = match &self.amount {
            Some(tokens) => Some(money(&admin, tokens).await?),
            None => None,
        };
        let key = self.key.clone().unwrap_or_else(new_key);
        let made = admin.refund_top_up(&key, &self.top_up, amount.as_ref(), &self.reason).await;
        remote.tell(&once(&key, made)?, show_top_up);
        Ok(())
    }
}

fn show_top_up(refund: &Value) -> String {
    let of = |pointer| text(refund, pointer);
    let (id, tokens) = (of("/id"), of("/tokens/display"));
    match (of("/money/display"), of("/state")) {
        ("", _) => format!("{id} took {tokens}; the money goes back by hand"),
        (money, "pending") => format!("{id} took {tokens}; the processor gives {money} back"),
        (money, _) => format!("{id} took {tokens}; {money} goes back by hand"),
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
