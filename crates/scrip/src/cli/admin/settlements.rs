//! `scrip admin settlements`.

use clap::{Args, Subcommand};
use scrip_client::Body;
use scrip_domain::{Amount, Unit};
use serde_json::{Value, json};

use crate::cli::remote::{Paging, Remote, named, new_key, once, paged, print, table, text};
use crate::failure::{Failure, Outcome};

/// What to do with payments between partners.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  scrip admin settlements instruct stm_06bq3v8k2m9zc --method pain001"
)]
pub struct SettlementsArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the payments with all partners, newest first
    #[command(after_help = "Example:\n  scrip admin settlements list")]
    List(Paging),
    /// Show a payment
    #[command(after_help = "Example:\n  scrip admin settlements show stl_06bq3v8k2m9zc")]
    Show {
        /// Its id
        id: String,
    },
    /// Instruct the payment of an agreed statement; without a method, enter one that we are to get
    #[command(
        after_help = "Example:\n  scrip admin settlements instruct stm_06bq3v8k2m9zc --method pain001"
    )]
    Instruct {
        /// The statement's id
        statement: String,
        /// `recorded` or `pain001`
        #[arg(long)]
        method: Option<String>,
    },
    /// Print the file by which a bank makes a payment (ISO 20022 pain.001.001.09)
    #[command(
        after_help = "Example:\n  scrip admin settlements file stl_06bq3v8k2m9zc > payment.xml"
    )]
    File {
        /// Its id
        id: String,
    },
    /// Say that the money has gone out
    #[command(after_help = "Example:\n  scrip admin settlements sent stl_06bq3v8k2m9zc")]
    Sent {
        /// Its id
        id: String,
    },
    /// Say that the money has come: exactly this
    #[command(
        after_help = "Example:\n  scrip admin settlements received stl_06bq3v8k2m9zc 12.50 EUR\n\nWhen the answer is lost, ask again with the same --key."
    )]
    Received {
        /// Its id
        id: String,
        /// How much, with its decimals
        amount: String,
        /// In which currency
        currency: String,
        /// Where it stands in our own papers
        #[arg(long)]
        reference: Option<String>,
        /// The idempotency key; a new one without it
        #[arg(long)]
        key: Option<String>,
    },
    /// Give a payment up that we should have had
    #[command(after_help = "Example:\n  scrip admin settlements write-off stl_06bq3v8k2m9zc")]
    WriteOff {
        /// Its id
        id: String,
    },
    /// Enter our own bank account, or a partner's
    #[command(
        after_help = "Example:\n  scrip admin settlements bank 'Aurora Instruments' 'DE89 3704 0044 0532 0130 00'\n  scrip admin settlements bank 'Belle Isle' NL91ABNA0417164300 --partner par_06bq3v8k2m9zc"
    )]
    Bank {
        /// Its holder
        name: String,
        /// The account number
        iban: String,
        /// Its bank
        #[arg(long)]
        bic: Option<String>,
        /// Whose it is; ours without it
        #[arg(long)]
        partner: Option<String>,
    },
}

impl SettlementsArgs {
    pub async fn run(&self, remote: &Remote) -> Outcome {
        let admin = remote.admin()?;
        match &self.action {
            Action::List(page) => {
                remote.tell(&admin.get(&page.of("settlements")).await?, list);
            }
            Action::Show { id } => {
                let shown = admin.get(&format!("settlements/{}", named(id)?)).await?;
                remote.tell(&shown, one);
            }
            Action::Instruct { statement, method } => {
                let mut body = json!({ "statement": named(statement)? });
                if let Some(method) = method {
                    body["method"] = method.as_str().into();
                }
                remote.tell(&admin.post("settlements", &body).await?, one);
            }
            Action::File { id } => {
                let path = format!("/v1/admin/settlements/{}/pain001", named(id)?);
                let client = admin.client();
                let answer = client.request(http::Method::GET, &path, &[], Body::empty()).await?;
                if !answer.status.is_success() {
                    answer.json::<Value>()?;
                }
                print(String::from_utf8_lossy(&answer.body).trim_end());
            }
            Action::Sent { id } => {
                let path = format!("settlements/{}/sent", named(id)?);
                remote.tell(&admin.post(&path, &json!({})).await?, one);
            }
            Action::Received { id, amount, currency, reference, key } => {
                let path = format!("settlements/{}/received", named(id)?);
                let mut body = json!({ "money": money(amount, currency)? });
                if let Some(reference) = reference {
                    body["reference"] = reference.as_str().into();
                }
                let key = key.clone().unwrap_or_else(new_key);
                let answer = once(&key, admin.post_once(&path, &key, &body).await)?;
                remote.tell(&answer, one);
            }
            Action::WriteOff { id } => {
                let path = format!("settlements/{}/write-off", named(id)?);
                remote.tell(&admin.post(&path, &json!({})).await?, one);
            }
            Action::Bank { name, iban, bic, partner } => {
                let path = match partner {
                    Some(partner) => format!("partners/{}/bank", named(partner)?),
                    None => "bank".to_owned(),
                };
                let mut body = json!({ "name": name, "iban": iban });
                if let Some(bic) = bic {
                    body["bic"] = bic.as_str().into();
                }
                let kept = admin.put(&path, &body).await?;
                remote.tell(&kept, |kept| {
                    format!("{}  {}", text(kept, "/iban"), text(kept, "/name"))
                });
            }
        }
        Ok(())
    }
}

/// Money as people write it.
fn money(amount: &str, currency: &str) -> Outcome<Value> {
    let wrong = |what: &str| Failure::usage(format!("{what} is no amount of money"));
    let unit = Unit::parse(currency).ok_or_else(|| wrong(currency))?;
    let amount =
        Amount::parse_decimal(amount, unit.currency_scale()).ok_or_else(|| wrong(amount))?;
    Ok(json!({ "amount": amount, "unit": unit }))
}

fn row(settlement: &Value) -> Vec<String> {
    let texts = ["/id", "/statement", "/direction", "/state", "/amount/display", "/reference"];
    texts.map(|pointer| text(settlement, pointer).to_owned()).to_vec()
}

fn head() -> Vec<String> {
    ["SETTLEMENT", "STATEMENT", "DIRECTION", "STATE", "AMOUNT", "REFERENCE"]
        .map(str::to_owned)
        .to_vec()
}

fn one(settlement: &Value) -> String {
    table(&[head(), row(settlement)])
}

fn list(answer: &Value) -> String {
    let mut rows = vec![head()];
    let data = answer.pointer("/data").and_then(Value::as_array).into_iter().flatten();
    rows.extend(data.map(row));
    paged(answer, &rows)
}
