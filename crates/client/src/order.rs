//! From a selection to an answer: quotes, orders, and purchases in one step.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::{Client, Code, Error, File, Money, Page, Paging, url};

/// What somebody wants.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Basket {
    /// The lines, 1 to 50.
    pub lines: Vec<Line>,
    /// A coupon's code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coupon: Option<String>,
}

/// One offer in a basket.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    /// The offer's id.
    pub offer: String,
    /// How many; one when it isn't said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantity: Option<u32>,
}

impl Line {
    /// One unit of an offer.
    pub fn one(offer: &str) -> Self {
        Self { offer: offer.to_owned(), quantity: None }
    }
}

/// A basket bought in one step, at a total that the buyer knows.
#[derive(Clone, Debug, Serialize)]
pub struct Purchase {
    /// What is bought.
    #[serde(flatten)]
    pub basket: Basket,
    /// What the buyer believes it costs; the purchase is refused if it doesn't.
    pub expected_total: Money,
    /// Buy again what is owned.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub allow_duplicate: bool,
}

impl Purchase {
    /// A basket at a total.
    pub fn of(basket: Basket, expected_total: Money) -> Self {
        Self { basket, expected_total, allow_duplicate: false }
    }
}

/// What a basket costs, and whether the wallet covers it.
#[derive(Clone, Debug, Deserialize)]
pub struct Quote {
    /// The lines with their prices.
    #[serde(default)]
    pub lines: Vec<Value>,
    /// The total.
    pub total: Money,
    /// What can be spent.
    pub balance: Option<Money>,
    /// What would be left; or instead
    pub remaining: Option<Money>,
    /// what is missing.
    pub shortfall: Option<Money>,
}

/// An order in whatever state it is.
#[derive(Clone, Debug, Deserialize)]
pub struct Order {
    /// Its id.
    pub id: String,
    /// `draft`, `paid`, `declined` and so on.
    pub state: String,
    /// The lines with their prices, and once paid the lots that paid.
    #[serde(default)]
    pub lines: Vec<Value>,
    /// The total.
    pub total: Option<Money>,
    /// Until when a draft holds its prices.
    pub expires_at: Option<String>,
    /// When the selection was made.
    pub selected_at: Option<String>,
    /// What was looked at before the order was taken.
    #[serde(default)]
    pub checks: Vec<Check>,
    /// Why it was declined.
    #[serde(default)]
    pub reason: Value,
    /// What was confirmed, once it was.
    #[serde(default)]
    pub confirmation: Value,
    /// What was bought.
    #[serde(default)]
    pub licenses: Vec<OrderLicense>,
    /// Everything else, such as `paid_from`, `next_action` or `order_token`.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// Something that was looked at before an order was taken.
#[derive(Clone, Debug, Deserialize)]
pub struct Check {
    /// `account` or `balance`.
    pub check: String,
    /// `threshold` or `selection`.
    pub basis: Option<String>,
    /// What it took.
    pub required: Option<Money>,
    /// What there was.
    pub available: Option<Money>,
    /// The outcome.
    pub result: Value,
    /// When.
    pub at: Option<String>,
}

/// A license that an order brought.
#[derive(Clone, Debug, Deserialize)]
pub struct OrderLicense {
    /// Its id.
    pub id: String,
    /// What it is for.
    #[serde(default)]
    pub product: Value,
    /// The code that proves it.
    pub code: Code,
    /// What can be downloaded with it.
    #[serde(default)]
    pub files: Vec<File>,
}

impl Client {
    /// What a basket would cost.
    pub async fn quote(&self, basket: &Basket) -> Result<Quote, Error> {
        self.post("/v1/quotes", basket).await
    }

    /// Opens a draft of a basket.
    pub async fn create_order(&self, key: &str, basket: &Basket) -> Result<Order, Error> {
        self.post_once("/v1/orders", key, basket).await
    }

    /// Opens a draft of a selection that a refused order kept.
    pub async fn resume_order(&self, key: &str, selection: &str) -> Result<Order, Error> {
        self.post_once("/v1/orders", key, &json!({"selection": selection})).await
    }

    /// Pays for a draft.
    pub async fn confirm_order(&self, key: &str, id: &str) -> Result<Order, Error> {
        self.post_once(&format!("{}/confirm", order_path(id)), key, &json!({})).await
    }

    /// Gives up a draft.
    pub async fn cancel_order(&self, id: &str) -> Result<Order, Error> {
        self.post(&format!("{}/cancel", order_path(id)), &json!({})).await
    }

    /// Buys in one step.
    pub async fn purchase(&self, key: &str, purchase: &Purchase) -> Result<Order, Error> {
        self.post_once("/v1/purchases", key, purchase).await
    }

    /// An order by id.
    pub async fn order(&self, id: &str) -> Result<Order, Error> {
        self.get(&order_path(id)).await
    }

    /// All orders of the account.
    pub async fn orders(&self, paging: &Paging) -> Result<Page<Order>, Error> {
        self.get(&paging.of("/v1/orders")).await
    }
}

fn order_path(id: &str) -> String {
    format!("/v1/orders/{}", url::encode(id))
}
