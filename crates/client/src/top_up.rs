//! Adding funds.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Client, Error, Money, Page, Paging, url};

/// Which funds to add, and who pays for them.
#[derive(Clone, Debug, Default, Serialize)]
pub struct NewTopUp {
    /// The tokens wanted; or instead
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<Money>,
    /// the money to spend.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pay: Option<Money>,
    /// The currency to pay tokens in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// `card`, `offline`, `voucher`, `credit_line`, or `demo` in demo mode.
    pub method: String,
    /// Which of the account's payment methods.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment_method: Option<String>,
    /// The code of a voucher.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub voucher: Option<String>,
}

impl NewTopUp {
    /// So many tokens from the demo processor; `demo_approved`, `demo_declined` and `demo_review`
    /// choose its answer.
    pub fn demo(tokens: Money, payment_method: &str) -> Self {
        let payment_method = Some(payment_method.to_owned());
        Self { tokens: Some(tokens), method: "demo".to_owned(), payment_method, ..Self::default() }
    }
}

/// A top-up on record.
#[derive(Clone, Debug, Deserialize)]
pub struct TopUp {
    /// Its id.
    pub id: String,
    /// Its state.
    pub state: String,
    /// The tokens it is about.
    pub tokens: Option<Money>,
    /// When it was asked for.
    pub created_at: Option<String>,
    /// When the tokens arrived.
    pub credited_at: Option<String>,
    /// What the credit check said.
    pub assessment: Option<Assessment>,
    /// What the buyer must do next, such as visiting a page.
    #[serde(default)]
    pub next_action: Value,
}

/// A credit check.
#[derive(Clone, Debug, Deserialize)]
pub struct Assessment {
    /// Its id.
    pub id: Option<String>,
    /// Its state.
    pub status: Option<String>,
    /// Its outcome.
    pub decision: Option<String>,
    /// Why.
    #[serde(default)]
    pub reasons: Vec<String>,
    /// When the bureau answered.
    pub obtained_at: Option<String>,
    /// When it was decided on.
    pub decided_at: Option<String>,
    /// Until when the outcome holds.
    pub valid_until: Option<String>,
}

impl Client {
    /// Adds funds.
    pub async fn top_up(&self, key: &str, top_up: &NewTopUp) -> Result<TopUp, Error> {
        self.post_once("/v1/top-ups", key, top_up).await
    }

    /// A top-up by id.
    pub async fn top_up_by_id(&self, id: &str) -> Result<TopUp, Error> {
        self.get(&format!("/v1/top-ups/{}", url::encode(id))).await
    }

    /// All top-ups of the account.
    pub async fn top_ups(&self, paging: &Paging) -> Result<Page<TopUp>, Error> {
        self.get(&paging.of("/v1/top-ups")).await
    }
}
