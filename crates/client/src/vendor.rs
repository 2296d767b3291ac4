//! Who sells here, in which token, and by which rules.

use serde::Deserialize;
use serde_json::Value;

use crate::{Client, Error, Money};

/// What a vendor says of itself to everybody.
#[derive(Clone, Debug, Deserialize)]
pub struct Vendor {
    /// The server's id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The token that goods are priced in.
    pub token: Token,
    /// `register_first`, `browse_first` or `members_only`.
    pub flow: Option<String>,
    /// What an account must have to count as funded.
    pub threshold: Option<Threshold>,
    /// Which fields which standing sees.
    #[serde(default)]
    pub visibility: Value,
    /// Which fields a registration needs.
    #[serde(default)]
    pub registration: Value,
}

/// A vendor's token.
#[derive(Clone, Debug, Deserialize)]
pub struct Token {
    /// Its code, the unit of amounts.
    pub code: String,
    /// Its name.
    pub name: String,
    /// How many decimal places a person sees.
    pub scale: u8,
    /// What it is worth, where it has a price.
    pub unit_value: Option<UnitValue>,
}

/// A ratio between tokens and money.
#[derive(Clone, Debug, Deserialize)]
pub struct UnitValue {
    /// So many tokens
    pub tokens: Money,
    /// cost so much.
    pub money: Money,
}

/// What an account must have before it may order.
#[derive(Clone, Debug, Deserialize)]
pub struct Threshold {
    /// How it is determined, for instance `fixed` or `cheapest_offer`.
    pub policy: String,
    /// What is in force now.
    pub amount: Option<Money>,
}

impl Client {
    /// The vendor behind this server.
    pub async fn vendor(&self) -> Result<Vendor, Error> {
        self.get("/v1/vendor").await
    }
}
