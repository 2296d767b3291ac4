//! Buyers who do not exist, so that the staff see the shop with their eyes.

use std::sync::Arc;

use scrip_domain::account::{Account, Person};
use scrip_domain::wallet::Wallet;
use scrip_domain::{Amount, Id};
use scrip_storage::Fault;

use crate::Engine;
use crate::memory::Member;

/// Whose eyes are borrowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Imagined {
    /// Somebody without an account.
    Visitor,
    /// An account that has told everything, with an empty wallet.
    Member,
    /// The same, with as many tokens as open ordering, and no more.
    Funded,
}

impl Engine {
    /// A buyer as imagined; `None` for a visitor. Nothing is written, and no account has this name.
    pub async fn imagine(&self, who: Imagined) -> Result<Option<Member>, Fault> {
        let available = match who {
            Imagined::Visitor => return Ok(None),
            Imagined::Member => Amount::ZERO,
            Imagined::Funded => {
                let settings = &self.vendor().await?.settings;
                settings.threshold.effective(self.cheapest().await?)
            }
        };
        let told = || Some("told".to_owned());
        let person = Person {
            name: told(),
            address: told(),
            phone: told(),
            payment_method: told(),
            language: None,
        };
        let account = Account {
            id: Id::ZERO,
            wallet: Id::ZERO,
            email: String::new(),
            verified_at: Some(self.now()),
            person,
            created_at: self.now(),
            frozen_at: None,
            frozen_by_dispute: false,
            terms_version: None,
            erased_at: None,
            sweep_at: None,
        };
        let wallet = Wallet::empty(account.wallet, account.id);
        let mut member = Member::new(Arc::new(account), wallet, self.now());
        member.available = available;
        Ok(Some(member))
    }
}
