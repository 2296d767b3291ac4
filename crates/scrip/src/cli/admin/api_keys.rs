//! `scrip admin api-keys`.

use clap::{Args, Subcommand};
use http::Method;
use scrip_client::Body;
use serde_json::{Value, json};

use crate::cli::remote::{Paging, Remote, named, paged, text, texts};
use crate::failure::Outcome;

/// What to do with API keys.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  scrip admin api-keys create --label prometheus --scope metrics"
)]
pub struct ApiKeysArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a key; it is printed once
    #[command(after_help = "\
Example:
  scrip admin api-keys create --label prometheus --scope metrics
  scrip admin api-keys create --label 'build server' --scope read --scope purchase --account acc_...")]
    Create {
        /// What it is for
        #[arg(long)]
        label: String,
        /// What it may do: admin, catalog, accounts, metrics; or read, purchase with --account
        #[arg(long = "scope", required = true, value_name = "SCOPE")]
        scopes: Vec<String>,
        /// Whose it is; the vendor's own without it
        #[arg(long, value_name = "ID")]
        account: Option<String>,
    },
    /// List keys, newest first
    #[command(after_help = "Example:\n  scrip admin api-keys list")]
    List(Paging),
    /// Revoke a key, at once and for good
    #[command(after_help = "Example:\n  scrip admin api-keys revoke key_06bq3v8k2m9zc")]
    Revoke {
        /// Its id
        id: String,
    },
}

impl ApiKeysArgs {
    pub async fn run(&self, remote: &Remote) -> Outcome {
        let admin = remote.admin()?;
        match &self.action {
            Action::Create { label, scopes, account } => {
                let mut body = json!({ "label": label, "scopes": scopes });
                if let Some(account) = account {
                    body["account"] = json!(account);
                }
                let made = admin.post("api-keys", &body).await?;
                remote.tell(&made, |key| {
                    format!(
                        "{}\nIt is not shown again. Its id is {}.",
                        text(key, "/token"),
                        text(key, "/id")
                    )
                });
            }
            Action::List(page) => {
                remote.tell(&admin.get(&page.of("api-keys")).await?, list);
            }
            Action::Revoke { id } => {
                let path = format!("/v1/admin/api-keys/{}", named(id)?);
                let answer =
                    admin.client().request(Method::DELETE, &path, &[], Body::empty()).await?;
                let key: Value = answer.json()?;
                remote.tell(&key, |key| {
                    format!("{} is revoked since {}", text(key, "/id"), text(key, "/revoked_at"))
                });
            }
        }
        Ok(())
    }
}

fn list(answer: &Value) -> String {
    let mut rows = vec![["KEY", "LABEL", "SCOPES", "STATE"].map(str::to_owned).to_vec()];
    for key in answer.pointer("/data").and_then(Value::as_array).into_iter().flatten() {
        let state = if text(key, "/revoked_at").is_empty() { "good" } else { "revoked" };
        rows.push(vec![
            text(key, "/id").to_owned(),
            text(key, "/label").to_owned(),
            texts(key, "/scopes"),
            state.to_owned(),
        ]);
    }
    paged(answer, &rows)
}
