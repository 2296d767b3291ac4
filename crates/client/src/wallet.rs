//! What an account holds, and how it came to it.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{Client, Error, Money, Page, Paging};

/// A wallet.
#[derive(Clone, Debug, Deserialize)]
pub struct Wallet {
    /// All tokens in it.
    pub posted: Money,
    /// Of these, tokens set aside for something not yet decided.
    pub held: Money,
    /// What can be spent.
    pub available: Money,
    /// What makes the account count as funded.
    pub threshold: Option<Money>,
    /// The standing that follows.
    pub standing: Option<String>,
    /// The tokens by where they came from.
    #[serde(default)]
    pub lots: Vec<Lot>,
}

/// Tokens of one origin.
#[derive(Clone, Debug, Deserialize)]
pub struct Lot {
    /// Its id.
    pub id: String,
    /// `paid`, `promo`, `exchange` or `credit`.
    pub kind: String,
    /// Who issued the tokens.
    pub issuer: Option<String>,
    /// What is left of it.
    pub remaining: Money,
    /// When it lapses.
    pub expires_at: Option<String>,
    /// From when it may be exchanged.
    pub exchangeable_at: Option<String>,
}

/// A line of the wallet's statement.
#[derive(Clone, Debug, Deserialize)]
pub struct Transfer {
    /// Its id.
    pub id: String,
    /// What moved.
    pub amount: Option<Money>,
    /// Everything else that the line says.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

impl Client {
    /// The wallet of the account that this client acts for.
    pub async fn wallet(&self) -> Result<Wallet, Error> {
        self.get("/v1/wallet").await
    }

    /// Its statement.
    pub async fn transfers(&self, paging: &Paging) -> Result<Page<Transfer>, Error> {
        self.get(&paging.of("/v1/wallet/transfers")).await
    }
}
