//! What a merchant and a provider sign for each other about one purchase: a chain, each document naming the one
//! before it by its digest. What vendors sign who exchange tokens is in [`exchange`].
//!
//! ```text
//! Offer (merchant) ◀─ Confirmation (provider) ◀─ Receipt (provider) ◀─┬─ Fulfilment (provider)
//!                                                                     └─ Refunding (provider), one for each refund
//! ```
//! Each is a JWS with a `typ` of its own, signed with a protocol key, and kept by both sides as it came: what it says can be
//! shown to anybody later. Times inside are Unix seconds of the signer; deadlines are spans, which the provider's clock
//! counts. A document of a later version may have more members than these: they are ignored.

use serde::{Deserialize, Serialize};

use crate::amount::{Amount, Unit};
use crate::words;

/// The longest document, in bytes: an order of fifty lines fits well.
pub const MAX_LENGTH: usize = 64 * 1024;

/// A kind of document.
pub trait Document: Serialize + for<'de> Deserialize<'de> {
    /// Its media type without `application/`.
    const TYP: &'static str;

    /// Who signed it: the address of a server.
    fn issuer(&self) -> &str;

    /// Whom it is for: the address of a server.
    fn audience(&self) -> &str;
}

macro_rules! documents {
    ($($name:ident => $typ:literal),* $(,)?) => {
        $(impl Document for $name {
            const TYP: &'static str = $typ;

            fn issuer(&self) -> &str {
                &self.issuer
            }

            fn audience(&self) -> &str {
                &self.audience
            }
        })*
    };
}

pub mod exchange;

documents! {
    Offer => "scrip-offer+jwt",
    Confirmation => "scrip-confirmation+jwt",
    Receipt => "scrip-receipt+jwt",
    Fulfilment => "scrip-fulfilment+jwt",
    Refunding => "scrip-refunding+jwt",
}

/// What a merchant offers to a buyer whom it may not know yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// The merchant.
    #[serde(rename = "iss")]
    pub issuer: String,
    /// The provider.
    #[serde(rename = "aud")]
    pub audience: String,
    /// Chance: no two offers are the same document.
    #[serde(rename = "jti")]
    pub nonce: String,
    /// When it was written.
    #[serde(rename = "iat")]
    pub issued_at: u64,
    /// The merchant's name of the order.
    pub order: String,
    /// The token in which everything here is priced: the provider's.
    pub token: Unit,
    /// What is sold.
    pub lines: Vec<OfferLine>,
    /// The sum of the lines.
    pub total: Amount,
    /// Where the buyer goes back to: a page of the merchant's own.
    pub return_url: String,
    /// How long the buyer may take to confirm it, from when the provider has it.
    pub pay_seconds: u32,
    /// How long the tokens are held for the merchant, from when the buyer has confirmed.
    pub hold_seconds: u32,
    /// How long the merchant may take to deliver, from when it has captured; then the provider gives back.
    pub fulfil_seconds: u32,
    /// How long the merchant may give back, from when it has captured.
    pub refund_seconds: u32,
}

/// One line of an offer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferLine {
    /// The merchant's name of the line.
    pub line: String,
    /// What it is.
    pub title: String,
    /// How many units.
    pub quantity: u32,
    /// What one costs.
    pub price: Amount,
    /// What a coupon takes off all of its units together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discount: Option<Amount>,
    /// The bytes of its files; none for a service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// SHA-256 of the manifest of its files, in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// How long its download takes at the merchant's reference speed, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub download_seconds: Option<u64>,
}

impl OfferLine {
    /// What the line costs; `None` out of range.
    pub fn total(&self) -> Option<Amount> {
        let all = self.price.checked_mul(u64::from(self.quantity))?;
        all.checked_sub(self.discount.unwrap_or_default())
    }
}

impl Offer {
    /// The sum of the lines; `None` out of range.
    pub fn sum(&self) -> Option<Amount> {
        self.lines.iter().try_fold(Amount::ZERO, |sum, line| sum.checked_add(line.total()?))
    }
}

words! {
    /// What became of an offer.
    pub enum Decided {
        /// The tokens are held for the merchant.
        Approved = "approved",
        /// Nothing was taken.
        Declined = "declined",
    }
}

/// What the buyer decided at the provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmation {
    /// The provider.
    #[serde(rename = "iss")]
    pub issuer: String,
    /// The merchant.
    #[serde(rename = "aud")]
    pub audience: String,
    /// The buyer, under a name that only this merchant knows; none where nobody had claimed the offer.
    #[serde(rename = "sub", default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// When it was written.
    #[serde(rename = "iat")]
    pub issued_at: u64,
    /// The provider's name of the purchase request.
    pub request: String,
    /// The merchant's name of the order.
    pub order: String,
    /// The digest of the offer.
    pub offer: String,
    /// What was decided.
    pub decision: Decided,
    /// Why not, in a word that tells nothing of the buyer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How much is held.
    pub amount: Amount,
    /// For how long from then on.
    pub hold_seconds: u32,
}

/// That the provider has taken the tokens from the buyer and owes them to the merchant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The provider.
    #[serde(rename = "iss")]
    pub issuer: String,
    /// The merchant.
    #[serde(rename = "aud")]
    pub audience: String,
    /// When it was written.
    #[serde(rename = "iat")]
    pub issued_at: u64,
    /// The provider's name of the purchase request.
    pub request: String,
    /// The merchant's name of the order.
    pub order: String,
    /// The digest of the confirmation.
    pub confirmation: String,
    /// What was taken.
    pub amount: Amount,
    /// What the provider keeps of it.
    pub fee: Amount,
    /// How long the merchant may take to deliver, from then on.
    pub fulfil_seconds: u32,
}

words! {
    /// How a captured purchase was settled between the two: this alone decides.
    pub enum Outcome {
        /// The merchant delivers, and keeps the tokens.
        Fulfilled = "fulfilled",
        /// The tokens had gone back to the buyer: the merchant must not deliver.
        AlreadyRefunded = "already_refunded",
    }
}

/// The provider's final word on a delivery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fulfilment {
    /// The provider.
    #[serde(rename = "iss")]
    pub issuer: String,
    /// The merchant.
    #[serde(rename = "aud")]
    pub audience: String,
    /// When it was written.
    #[serde(rename = "iat")]
    pub issued_at: u64,
    /// The provider's name of the purchase request.
    pub request: String,
    /// The merchant's name of the order.
    pub order: String,
    /// The digest of the receipt.
    pub receipt: String,
    /// The digest of the codes that the merchant has minted and withheld: never the codes.
    pub codes: String,
    /// What holds.
    pub outcome: Outcome,
}

words! {
    /// Who gave tokens back.
    pub enum GivenBackBy {
        /// The merchant.
        Merchant = "merchant",
        /// Nobody delivered in time.
        Deadline = "deadline",
        /// The provider's administrator.
        Provider = "provider",
    }
}

/// That tokens went back to the buyer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refunding {
    /// The provider.
    #[serde(rename = "iss")]
    pub issuer: String,
    /// The merchant.
    #[serde(rename = "aud")]
    pub audience: String,
    /// When it was written.
    #[serde(rename = "iat")]
    pub issued_at: u64,
    /// The provider's name of the purchase request.
    pub request: String,
    /// The merchant's name of the order.
    pub order: String,
    /// The digest of the receipt.
    pub receipt: String,
    /// The provider's name of this refund.
    pub refund: String,
    /// How much went back by it.
    pub amount: Amount,
    /// How much has gone back in all.
    pub refunded: Amount,
    /// Who gave it back.
    pub by: GivenBackBy,
    /// Why.
    pub reason: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amount(units: u64) -> Amount {
        Amount::new(units).unwrap()
    }

    fn line(price: u64, quantity: u32, discount: Option<u64>) -> OfferLine {
        OfferLine {
            line: "lin_0000000000001".into(),
            title: "Field recordings".into(),
            quantity,
            price: amount(price),
            discount: discount.map(amount),
            size: None,
            digest: None,
            download_seconds: None,
        }
    }

    #[test]
    fn an_offer_is_the_sum_of_its_lines() {
        let mut offer = Offer {
            issuer: "https://shop.example".into(),
            audience: "https://pay.example".into(),
            nonce: "n".into(),
            issued_at: 1_795_000_000,
            order: "ord_0000000000001".into(),
            token: Unit::parse("AUR").unwrap(),
            lines: vec![line(3, 2, None), line(10, 1, Some(4))],
            total: amount(12),
            return_url: "https://shop.example/return".into(),
            pay_seconds: 600,
            hold_seconds: 600,
            fulfil_seconds: 86_400,
            refund_seconds: 1_209_600,
        };
        assert_eq!(offer.sum(), Some(offer.total));
        offer.lines.push(line(1, 1, Some(2)));
        assert_eq!(offer.sum(), None, "a discount above the price");
        offer.lines = vec![line(Amount::MAX.units(), 2, None)];
        assert_eq!(offer.sum(), None);
    }

    #[test]
    fn members_of_later_versions_are_ignored() {
        let text = r#"{"iss":"p","aud":"m","iat":1,"request":"r","order":"o","receipt":"d","codes":"c",
            "outcome":"already_refunded","more":1}"#;
        let read: Fulfilment = serde_json::from_str(text).unwrap();
        assert_eq!(read.outcome, Outcome::AlreadyRefunded);
    }
}
