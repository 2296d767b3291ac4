//! Accounts: who a buyer is, and whether the account permits transactions.

use serde::{Deserialize, Serialize};

use crate::factor::Factor;
use crate::id::Id;
use crate::language::Language;
use crate::letter::NEW_EMAIL_LIFETIME;
use crate::passkey::Passkey;
use crate::time::Timestamp;
use crate::wallet::Wallet;
use crate::words;

/// A user's account with a vendor or provider. It owns one wallet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its name.
    pub id: Id<Self>,
    /// The wallet it owns, opened with it.
    pub wallet: Id<Wallet>,
    /// The address that signs in, as typed, trimmed.
    pub email: String,
    /// What else is known of the person.
    pub person: Person,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When somebody showed that mail to the address arrives, if anybody did.
    pub verified_at: Option<Timestamp>,
    /// Since when it is frozen, if it is.
    pub frozen_at: Option<Timestamp>,
    /// Whether a dispute froze it, and nobody of the staff: then it is thawed when none is left.
    pub frozen_by_dispute: bool,
    /// The version of the terms that were in force when it was opened, where any were published.
    pub terms_version: Option<String>,
    /// Since when it is erased, if it is: nobody's any more, a name that orders and the ledger go on naming.
    pub erased_at: Option<Timestamp>,
    /// When what is left of it after that is looked for once more, if it is still to be.
    pub sweep_at: Option<Timestamp>,
}

/// Personal information that registration may require.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Full name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Postal address, free text over several lines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Telephone number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// The payment method to pay with: a processor's token, never a card number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_method: Option<String>,
    /// The language that they read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Language>,
}

words! {
    /// What a vendor may require of every account.
    pub enum Field {
        /// Full name.
        Name = "name",
        /// Postal address.
        Address = "address",
        /// Telephone number.
        Phone = "phone",
        /// A payment method, as a processor's token.
        PaymentMethod = "payment_method",
        /// Nothing that is told: that mail to the address arrives.
        EmailVerified = "email_verified",
    }
}

words! {
    /// What is in the way of erasing an account.
    pub enum Obstacle {
        /// Tokens are left in the wallet, and are not given up.
        Balance = "balance",
        /// Tokens are held.
        Holds = "holds",
        /// A top-up is under way.
        TopUps = "top_ups",
        /// A bank has not decided about a dispute.
        Disputes = "disputes",
        /// An exchange is under way.
        Exchanges = "exchanges",
        /// A payment to a merchant is under way.
        Payments = "payments",
        /// A request for a refund waits.
        RefundRequests = "refund_requests",
        /// Tokens are owed that were spent before their money was taken back.
        Debts = "debts",
        /// Money is owed that was lent.
        CreditLine = "credit_line",
    }
}

/// Why an account does not permit transactions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotPermitted {
    /// Frozen by the vendor.
    Frozen,
    /// These required fields are missing.
    Incomplete(Vec<Field>),
}

impl Account {
    /// The required fields that were not given yet.
    pub fn missing(&self, required: &[Field]) -> Vec<Field> {
        let is_missing = |field: &Field| match field {
            Field::EmailVerified => self.verified_at.is_none(),
            field => self.person.get(*field).is_none(),
        };
        required.iter().copied().filter(is_missing).collect()
    }

    /// Whether the account permits transactions: complete and not frozen, refused in that order.
    pub fn permits(&self, required: &[Field]) -> Result<(), NotPermitted> {
        if self.frozen_at.is_some() || self.erased_at.is_some() {
            return Err(NotPermitted::Frozen);
        }
        let missing = self.missing(required);
        if missing.is_empty() { Ok(()) } else { Err(NotPermitted::Incomplete(missing)) }
    }
}

impl Person {
    /// The value of a field, when it was given.
    pub fn get(&self, field: Field) -> Option<&str> {
        match field {
            Field::Name => self.name.as_deref(),
            Field::Address => self.address.as_deref(),
            Field::Phone => self.phone.as_deref(),
            Field::PaymentMethod => self.payment_method.as_deref(),
            Field::EmailVerified => None,
        }
    }
}

/// An address that signs in, to its account: one row per address, so that an address is taken once.
/// The password lies here and not with the account, which every purchase reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// The address in lower case.
    pub email: String,
    /// The account it opens.
    pub account: Id<Account>,
    /// The password as an argon2id PHC string (RFC 9106); empty where none opens it.
    pub password: String,
    /// When it signed in first, which is no news to its owner; none before, and of addresses that did long ago.
    pub signed_in_at: Option<Timestamp>,
    /// The address that is to take its place, if one is.
    pub new_email: Option<NewEmail>,
    /// The second factor.
    pub factor: Factor,
    /// What signs in without both.
    pub passkeys: Vec<Passkey>,
}

/// An address that takes the place of another once somebody showed that mail to it arrives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEmail {
    /// As typed, trimmed.
    pub email: String,
    /// When it was asked for.
    pub asked_at: Timestamp,
}

impl NewEmail {
    /// Until when the link that was sent to it is good.
    pub fn until(&self) -> Timestamp {
        self.asked_at.plus(NEW_EMAIL_LIFETIME)
    }
}

impl Login {
    /// The form under which an address is unique: trimmed and in lower case.
    pub fn fold(email: &str) -> String {
        email.trim().to_lowercase()
    }

    /// Whether who has shown the password of `proved`, which was this row before, has shown this one's.
    pub fn is_as_proved(&self, proved: &Self) -> bool {
        self.account == proved.account && self.password == proved.password
    }
}

/// Whether `email` can be an address: one `@`, a dot in the domain, no spaces or control
/// characters, at most 254 bytes (RFC 5321). Only mail that arrives proves more.
pub fn plausible_email(email: &str) -> bool {
    let Some((local, domain)) = email.rsplit_once('@') else { return false };
    let plain = |c: char| !c.is_whitespace() && !c.is_control() && !"<>()[],;:\\\"@".contains(c);
    email.len() <= 254
        && (1..=64).contains(&local.len())
        && local.chars().all(plain)
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
        && domain.split('.').count() >= 2
        && domain.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && label.chars().all(|c| c.is_alphanumeric() || c == '-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn implausible_addresses_are_refused() {
        for good in ["ada@example.com", "a.b+c@mail.example.org", "ü@bücher.example"] {
            assert!(plausible_email(good), "{good}");
        }
        for bad in [
            "",
            "ada",
            "@example.com",
            "ada@",
            "ada@example",
            "a b@example.com",
            "a@b@example.com",
            "a\u{7}@example.com",
            ".a@example.com",
            "a..b@example.com",
            "a@-x.com",
            "a@x..com",
        ] {
            assert!(!plausible_email(bad), "{bad}");
        }
    }
}
