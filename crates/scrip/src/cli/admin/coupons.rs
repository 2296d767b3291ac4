//! `scrip admin coupons`.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::accounts::money;
use crate::cli::remote::{Paging, Remote, named, paged, text};
use crate::failure::Outcome;

/// What to do with coupons.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  scrip admin coupons make --code SPRING-25 --percent 25 --per-account 1"
)]
pub struct CouponsArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a coupon
    #[command(after_help = "\
Example:
  scrip admin coupons make --code SPRING-25 --percent 25 --per-account 1
  scrip admin coupons make --amount 5.00 --min-total 20.00 --ends-at 2027-04-01T00:00:00Z")]
    Make(NewCoupon),
    /// List coupons, newest first
    #[command(after_help = "Example:\n  scrip admin coupons list")]
    List(Paging),
    /// Close a coupon: it is good for no further selection
    #[command(after_help = "Example:\n  scrip admin coupons close cpn_06bq3v8k2m9zc")]
    Close {
        /// Its id
        id: String,
    },
}

/// The coupon that is wanted.
#[derive(Debug, Args)]
struct NewCoupon {
    /// Its word; one of chance without it
    #[arg(long)]
    code: Option<String>,
    /// So many hundredths of each line
    #[arg(long, required_unless_present = "amount", conflicts_with = "amount")]
    percent: Option<u8>,
    /// So many tokens of all lines together
    #[arg(long)]
    amount: Option<String>,
    /// From when on it is good
    #[arg(long, value_name = "TIME")]
    starts_at: Option<String>,
    /// Until when
    #[arg(long, value_name = "TIME")]
    ends_at: Option<String>,
    /// How often it can be used
    #[arg(long, value_name = "USES")]
    max_uses: Option<u32>,
    /// How often one account can use it
    #[arg(long, value_name = "USES")]
    per_account: Option<u32>,
    /// How many tokens a selection must cost without it
    #[arg(long, value_name = "TOKENS")]
    min_total: Option<String>,
    /// A product that it is for, by id; for everything without one
    #[arg(long = "product", value_name = "ID")]
    products: Vec<String>,
    /// An offer that it is for, by id
    #[arg(long = "offer", value_name = "ID")]
    offers: Vec<String>,
}

impl CouponsArgs {
    pub async fn run(&self, remote: &Remote) -> Outcome {
        let admin = remote.admin()?;
        match &self.action {
            Action::Make(new) => {
                let mut body = json!({
                    "code": new.code, "percent": new.percent, "starts_at": new.starts_at, "ends_at": new.ends_at,
                    "max_uses": new.max_uses, "max_uses_per_account": new.per_account,
                    "products": new.products, "offers": new.offers,
                });
                for (field, tokens) in [("amount", &new.amount), ("min_total", &new.min_total)] {
                    if let Some(tokens) = tokens {
                        body[field] = json!(money(&admin, tokens).await?);
                    }
                }
                let made = admin.post("coupons", &body).await?;
                remote
                    .tell(&made, |made| format!("{}  {}", text(made, "/id"), text(made, "/code")));
            }
            Action::List(page) => {
                remote.tell(&admin.get(&page.of("coupons")).await?, list);
            }
            Action::Close { id } => {
                let closed =
                    admin.post(&format!("coupons/{}/close", named(id)?), &json!({})).await?;
                remote.tell(&closed, |closed| {
                    format!(
                        "{} is closed since {}",
                        text(closed, "/code"),
                        text(closed, "/closed_at")
                    )
                });
            }
        }
        Ok(())
    }
}

fn list(answer: &Value) -> String {
    let mut rows = vec![["COUPON", "CODE", "OFF", "USES", "STATE"].map(str::to_owned).to_vec()];
    for coupon in answer.pointer("/data").and_then(Value::as_array).into_iter().flatten() {
        let off = match coupon.pointer("/percent").and_then(Value::as_u64) {
            Some(percent) => format!("{percent} %"),
            None => text(coupon, "/amount/display").to_owned(),
        };
        let count = |pointer| coupon.pointer(pointer).and_then(Value::as_u64);
        let uses = count("/uses").unwrap_or_default();
        let uses = match count("/max_uses") {
            Some(most) => format!("{uses} of {most}"),
            None => uses.to_string(),
        };
        let state = if text(coupon, "/closed_at").is_empty() { "open" } else { "closed" };
        let [id, code] = ["/id", "/code"].map(|pointer| text(coupon, pointer).to_owned());
        rows.push(vec![id, code, off, uses, state.to_owned()]);
    }
    paged(answer, &rows)
}
