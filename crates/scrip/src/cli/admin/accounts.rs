//! `scrip admin accounts`.

use clap::{Args, Subcommand};
use scrip_client::{Admin, Money};
use scrip_domain::{Amount, Unit};
use serde_json::{Value, json};

use crate::cli::remote::{Paging, Remote, new_key, once, paged, table, text, texts};
use crate::failure::{Failure, Outcome};

/// What to do with accounts.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  scrip admin accounts list
  scrip admin accounts adjust ada@example.org 12.50 --reason 'paid by cheque 1234'")]
pub struct AccountsArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List accounts, newest first
    #[command(after_help = "Example:\n  scrip admin accounts list --limit 100")]
    List(Paging),
    /// Show an account
    #[command(after_help = "Example:\n  scrip admin accounts show ada@example.org")]
    Show {
        /// Its id, or its e-mail address
        account: String,
    },
    /// Add tokens to an account's wallet
    #[command(after_help = "\
Example:
  scrip admin accounts adjust ada@example.org 12.50 --reason 'paid by cheque 1234'

When the answer is lost, ask again with the same --key: it is added once.")]
    Adjust {
        /// Its id, or its e-mail address
        account: String,
        /// Tokens, with their decimals
        tokens: String,
        /// Why, for the record
        #[arg(long)]
        reason: String,
        /// They are a gift, and spent before all others
        #[arg(long)]
        promo: bool,
        /// When the gift expires, such as 2027-01-01T00:00:00Z
        #[arg(long, requires = "promo", value_name = "TIME")]
        expires_at: Option<String>,
        /// The idempotency key; a new one without it
        #[arg(long)]
        key: Option<String>,
    },
    /// Grant an account a credit line, or set another limit
    #[command(after_help = "\
Example:
  scrip admin accounts credit-limit ada@example.org 500.00

One below what is owed only stops further draws; 0 closes the line.")]
    CreditLimit {
        /// Its id, or its e-mail address
        account: String,
        /// Money, in the currency of the token's value, with its decimals
        limit: String,
    },
    /// Book what an account repays of what it owes
    #[command(after_help = "\
Example:
  scrip admin accounts repay ada@example.org 120.00 --note 'statement 14, line 3'

When the answer is lost, ask again with the same --key: it is booked once.")]
    Repay {
        /// Its id, or its e-mail address
        account: String,
        /// Money, with its decimals; at most what is owed
        money: String,
        /// Where it stands in your own papers
        #[arg(long)]
        note: String,
        /// The currency; that of the token's value without it
        #[arg(long)]
        currency: Option<String>,
        /// The idempotency key; a new one without it
        #[arg(long)]
        key: Option<String>,
    },
    /// Freeze an account: it permits no transactions
    #[command(after_help = "Example:\n  scrip admin accounts freeze acc_06bq3v8k2m9zc")]
    Freeze {
        /// Its id, or its e-mail address
        account: String,
    },
    /// Thaw a frozen account
    #[command(after_help = "Example:\n  scrip admin accounts thaw acc_06bq3v8k2m9zc")]
    Thaw {
        /// Its id, or its e-mail address
        account: String,
    },
}

impl AccountsArgs {
    pub async fn run(&self, remote: &Remote) -> Outcome {
        let admin = remote.admin()?;
        match &self.action {
            Action::List(page) => {
                remote.tell(&admin.get(&page.of("accounts")).await?, list);
            }
            Action::Show { account } => {
                let id = id_of(&admin, account).await?;
                remote.tell(&admin.get(&format!("accounts/{id}")).await?, card);
            }
            Action::Adjust { account, tokens, reason, promo, expires_at, key } => {
                let id = id_of(&admin, account).await?;
                let tokens = money(&admin, tokens).await?;
                let key = key.clone().unwrap_or_else(new_key);
                let made = if *promo {
                    admin.grant(&key, &id, &tokens, expires_at.as_deref(), reason).await
                } else {
                    admin.credit(&key, &id, &tokens, reason).await
                };
                let made = once(&key, made)?;
                remote.tell(&made, |made| {
                    format!(
                        "{} {} for {account}",
                        text(made, "/state"),
                        text(made, "/tokens/display")
                    )
                });
            }
            Action::CreditLimit { account, limit } => {
                let id = id_of(&admin, account).await?;
                let body = json!({ "limit": currency(&admin, limit, None).await? });
                let path = format!("accounts/{id}/credit-limit");
                remote.tell(&admin.put(&path, &body).await?, card);
            }
            Action::Repay { account, money, note, currency: unit, key } => {
                let id = id_of(&admin, account).await?;
                let money = currency(&admin, money, unit.as_deref()).await?;
                let key = key.clone().unwrap_or_else(new_key);
                let body = json!({ "money": money, "note": note });
                let path = format!("accounts/{id}/repayments");
                let booked = once(&key, admin.post_once(&path, &key, &body).await)?;
                remote.tell(&booked, |booked| {
                    let of = |pointer| text(booked, pointer);
                    format!(
                        "{} repaid by {account}, {} owed",
                        of("/money/display"),
                        of("/owed/display")
                    )
                });
            }
            Action::Freeze { account } => {
                let id = id_of(&admin, account).await?;
                remote.tell(&admin.post(&format!("accounts/{id}/freeze"), &json!({})).await?, card);
            }
            Action::Thaw { account } => {
                let id = id_of(&admin, account).await?;
                remote.tell(&admin.post(&format!("accounts/{id}/thaw"), &json!({})).await?, card);
            }
        }
        Ok(())
    }
}

/// The id of an account that is named by id or address.
async fn id_of(admin: &Admin, account: &str) -> Outcome<String> {
    if !account.contains('@') {
        let is_name = account.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let wrong = || Failure::usage(format!("{account} is no account id and no e-mail address"));
        return is_name.then(|| account.to_owned()).ok_or_else(wrong);
    }
    let encoded: String = account.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let found = admin.get(&format!("accounts?email={encoded}")).await?;
    match text(&found, "/data/0/id") {
        "" => Err(Failure::new(format!("there is no account with the address {account}"))),
        id => Ok(id.to_owned()),
    }
}

/// An amount as a person writes it, in the vendor's token.
pub async fn money(admin: &Admin, tokens: &str) -> Outcome<Money> {
    let token = admin.client().vendor().await?.token;
    let amount = Amount::parse_decimal(tokens, token.scale).ok_or_else(|| {
        Failure::usage(format!(
            "{tokens} is no amount of {} with {} decimals",
            token.code, token.scale
        ))
    })?;
    Ok(Money::new(amount.units(), &token.code))
}

/// An amount as a person writes it, in a currency: that of the token's value without one.
async fn currency(admin: &Admin, money: &str, unit: Option<&str>) -> Outcome<Money> {
    let unit = match unit {
        Some(unit) => unit.to_owned(),
        None => {
            let value = admin.client().vendor().await?.token.unit_value;
            let unknown = || Failure::new("the server does not say what its tokens are worth");
            value.ok_or_else(unknown)?.money.unit
        }
    };
    let wrong = || Failure::usage(format!("{money} is no amount of {unit}"));
    let scale = Unit::parse(&unit).ok_or_else(wrong)?.currency_scale();
    let amount = Amount::parse_decimal(money, scale).ok_or_else(wrong)?;
    Ok(Money::new(amount.units(), &unit))
}

fn list(answer: &Value) -> String {
    let mut rows = vec![["ACCOUNT", "E-MAIL", "AVAILABLE", "STATE"].map(str::to_owned).to_vec()];
    for account in answer.pointer("/data").and_then(Value::as_array).into_iter().flatten() {
        let cells = ["/id", "/email", "/available/display"].map(|pointer| text(account, pointer));
        let mut row = cells.map(str::to_owned).to_vec();
        row.push(state(account));
        rows.push(row);
    }
    paged(answer, &rows)
}

fn card(account: &Value) -> String {
    let row = |name: &str, value: String| vec![name.to_owned(), value];
    let of = |pointer| text(account, pointer).to_owned();
    let rows = [
        row("account", of("/id")),
        row("e-mail", of("/email")),
        row("name", of("/name")),
        row("available", of("/available/display")),
        row("standing", of("/standing")),
        row("credit limit", of("/credit_line/limit/display")),
        row("owed", of("/credit_line/owed/display")),
        row("state", state(account)),
        row("missing", texts(account, "/missing")),
        row("created", of("/created_at")),
    ];
    table(
        &rows.into_iter().filter(|row| row.iter().all(|cell| !cell.is_empty())).collect::<Vec<_>>(),
    )
}

fn state(account: &Value) -> String {
    match text(account, "/permits/reason") {
        "account_frozen" => "frozen".to_owned(),
        "account_incomplete" => "incomplete".to_owned(),
        _ => "open".to_owned(),
    }
}
