//! Giving tokens of an order back.

use serde::Serialize;
use serde_json::{Value, json};

use crate::{Admin, Error, Money, url};

/// What to give back of an order.
#[derive(Clone, Debug, Serialize)]
pub struct NewRefund {
    /// Which lines; all that is left of the order when it isn't said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lines: Option<Vec<RefundLine>>,
    /// Why, for the record and for the buyer.
    pub reason: String,
    /// `revoke` or `keep`.
    pub licenses: String,
}

/// What to give back of one line: all that is left, or so many units, or so much.
#[derive(Clone, Debug, Serialize)]
pub struct RefundLine {
    /// The line's id.
    pub line: String,
    /// So many units.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantity: Option<u32>,
    /// So much.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<Money>,
}

impl NewRefund {
    /// All that is left of an order, and its licenses end.
    pub fn whole(reason: &str) -> Self {
        Self { lines: None, reason: reason.to_owned(), licenses: "revoke".to_owned() }
    }
}

impl Admin {
    /// Gives tokens of an order back, into the lots that paid.
    pub async fn refund(&self, key: &str, order: &str, refund: &NewRefund) -> Result<Value, Error> {
        let path = format!("/v1/admin/orders/{}/refunds", url::encode(order));
        self.client().post_once(&path, key, refund).await
    }

    /// Gives money of a top-up back: for so many tokens, so much money, or all that is unspent.
    pub async fn refund_top_up(
        &self,
        key: &str,
        top_up: &str,
        amount: Option<&Money>,
        reason: &str,
    ) -> Result<Value, Error> {
        let path = format!("top-ups/{}/refunds", url::encode(top_up));
        let body = match amount {
            Some(amount) => json!({ "amount": amount, "reason": reason }),
            None => json!({ "reason": reason }),
        };
        self.post_once(&path, key, &body).await
    }

    /// What was given back of an order.
    pub async fn refunds(&self, order: &str) -> Result<Value, Error> {
        self.get(&format!("orders/{}/refunds", url::encode(order))).await
    }
}
