//! What only a server in demo mode does.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::{Client, Error, Money};

/// Accounts that were opened without a password, and funded.
#[derive(Clone, Debug, Deserialize)]
pub struct Seeded {
    /// A session token for each.
    pub sessions: Vec<String>,
}

impl Client {
    /// Opens and funds accounts, all at once.
    pub async fn seed(&self, accounts: usize, tokens: &Money) -> Result<Seeded, Error> {
        self.post("/v1/demo/seed", &json!({"accounts": accounts, "tokens": tokens})).await
    }

    /// Moves the server's clock.
    pub async fn advance_clock(&self, seconds: u64) -> Result<Value, Error> {
        self.post("/v1/demo/clock", &json!({"advance": seconds})).await
    }
}
