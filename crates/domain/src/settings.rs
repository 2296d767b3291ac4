//! What a vendor has decided: its token, the flow, the threshold, who sees what.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::account::Field;
use crate::amount::{Amount, Money, Unit};
use crate::credit::Policy;
use crate::id::Id;
use crate::look::Look;
use crate::refund_request::RefundPolicy;
use crate::sale;
use crate::time::Timestamp;
use crate::visibility::Visibility;
use crate::words;

/// The vendor: one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vendor {
    /// Its name among servers.
    pub id: Id<Self>,
    /// What it has decided.
    pub settings: Settings,
    /// What it was called before, oldest first.
    pub former_names: Vec<FormerName>,
    /// By what its master secret is known again, once a server has started on it.
    pub imprint: Option<[u8; 16]>,
}

/// A name that a vendor gave up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FormerName {
    /// The name.
    pub name: String,
    /// Until when it was called that.
    pub until: Timestamp,
}

impl Vendor {
    /// What it was called at `at`: what was sold under a name says so for ever.
    pub fn name_at(&self, at: Timestamp) -> &str {
        let former = self.former_names.iter().find(|former| at < former.until);
        former.map_or(&self.settings.name, |former| &former.name)
    }
}

/// What a vendor can set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The vendor's name, as buyers see it.
    pub name: String,
    /// The unit of everything sold here.
    pub token: Token,
    /// The way from visitor to order.
    #[serde(default)]
    pub flow: Flow,
    /// The balance that opens ordering.
    #[serde(default)]
    pub threshold: Threshold,
    /// Who sees what, for products that do not say otherwise.
    #[serde(default)]
    pub visibility: Visibility,
    /// What registration requires besides e-mail and password.
    #[serde(default)]
    pub registration: Vec<Field>,
    /// Amounts offered for a top-up.
    #[serde(default)]
    pub packs: Vec<Pack>,
    /// What tokens cost in further currencies, each named once.
    #[serde(default)]
    pub prices: Vec<UnitValue>,
    /// How much can be added at once.
    #[serde(default)]
    pub top_up_limits: sale::Limits,
    /// How an account's credit is judged before it adds funds.
    #[serde(default)]
    pub credit: Policy,
    /// What a buyer does who pays offline; without it nobody can.
    #[serde(default)]
    pub offline_instructions: String,
    /// The version of the terms that a confirmation accepts.
    #[serde(default = "first_version")]
    pub terms_version: String,
    /// What its pages look like, and say of it.
    #[serde(default)]
    pub look: Look,
    /// Whether staff sign in with a second factor.
    #[serde(default)]
    pub second_factor: SecondFactor,
    /// What is sent by mail, where mail is set up.
    #[serde(default)]
    pub mail: Mail,
    /// What the vendor promises to buyers who want their tokens back.
    #[serde(default)]
    pub refund_policy: RefundPolicy,
    /// Whether a request that the policy covers is granted at once, without a person.
    #[serde(default)]
    pub refunds_at_once: bool,
}

impl Settings {
    /// Those of a shop of this name with this token, of which nothing else has been said.
    pub fn new(name: impl Into<String>, token: Token) -> Self {
        Self {
            name: name.into(),
            token,
            flow: Flow::default(),
            threshold: Threshold::default(),
            visibility: Visibility::default(),
            registration: Vec::new(),
            packs: Vec::new(),
            prices: Vec::new(),
            top_up_limits: sale::Limits::default(),
            credit: Policy::default(),
            offline_instructions: String::new(),
            terms_version: first_version(),
            look: Look::default(),
            second_factor: SecondFactor::default(),
            mail: Mail::default(),
            refund_policy: RefundPolicy::default(),
            refunds_at_once: false,
        }
    }
}

fn first_version() -> String {
    "1".to_owned()
}

impl Settings {
    /// All that an account must have to permit transactions.
    pub fn required(&self) -> Cow<'_, [Field]> {
        if self.mail.verify {
            let mut required = self.registration.clone();
            required.push(Field::EmailVerified);
            Cow::Owned(required)
        } else {
            Cow::Borrowed(&self.registration)
        }
    }
}

/// What is sent by mail, where mail is set up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mail {
    /// The address of the vendor's staff; nobody's when it is empty.
    #[serde(default)]
    pub staff: String,
    /// Purchases in one step that cost less than this are gathered into one letter a day.
    #[serde(default)]
    pub digest_below: Amount,
    /// Whether an account permits nothing until mail to its address has arrived.
    #[serde(default)]
    pub verify: bool,
}

/// The vendor's own unit of stored value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// `AUR`.
    pub code: Unit,
    /// `Aurum`.
    pub name: String,
    /// Decimals, 0 to 6: the smallest unit is 10^-scale tokens.
    pub scale: u8,
    /// What tokens are worth, as a ratio.
    pub unit_value: UnitValue,
}

/// So many smallest units of the token are worth so much money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnitValue {
    /// Tokens, in smallest units; above zero.
    pub tokens: Amount,
    /// Their value.
    pub money: Money,
}

impl UnitValue {
    /// What `tokens` cost in money, rounded up to the smallest unit; `None` when out of range.
    pub fn price_of(&self, tokens: Amount) -> Option<Money> {
        let units =
            u128::from(tokens.units()).checked_mul(u128::from(self.money.amount.units()))?;
        let units = units.checked_add(u128::from(self.tokens.units().checked_sub(1)?))?;
        let units = units.checked_div(u128::from(self.tokens.units()))?;
        let amount = Amount::new(u64::try_from(units).ok()?)?;
        Some(Money { amount, unit: self.money.unit })
    }

    /// How many tokens `money` buys, rounded down; `None` when out of range.
    pub fn tokens_for(&self, money: Amount) -> Option<Amount> {
        let units = u128::from(money.units()).checked_mul(u128::from(self.tokens.units()))?;
        let units = units.checked_div(u128::from(self.money.amount.units()))?;
        Amount::new(u64::try_from(units).ok()?)
    }
}

words! {
    /// The way from visitor to order.
    #[derive(Default)]
    pub enum Flow {
        /// Register and top up above the threshold, then select.
        RegisterFirst = "register_first",
        /// Browse and select, then register.
        #[default]
        BrowseFirst = "browse_first",
        /// Register, then ask for information on products.
        MembersOnly = "members_only",
    }
}

words! {
    /// Whether staff sign in with a second factor.
    #[derive(Default)]
    pub enum SecondFactor {
        /// Each decides that alone.
        #[default]
        Optional = "optional",
        /// All do: who has none sets it up first.
        Required = "required",
    }
}

/// The policy for the balance that opens ordering.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "policy", rename_all = "snake_case", deny_unknown_fields)]
pub enum Threshold {
    /// This amount, but never less than the cheapest offer.
    Fixed {
        /// In smallest units of the token.
        amount: Amount,
    },
    /// The lowest current price above zero; zero when nothing has a price.
    #[default]
    CheapestOffer,
}

impl Threshold {
    /// The threshold in force when `cheapest` is the lowest current price above zero.
    pub fn effective(self, cheapest: Option<Amount>) -> Amount {
        let floor = cheapest.unwrap_or(Amount::ZERO);
        match self {
            Self::Fixed { amount } => amount.max(floor),
            Self::CheapestOffer => floor,
        }
    }
}

/// An amount offered for a top-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pack {
    /// Tokens, in smallest units.
    pub tokens: Amount,
    /// What they cost.
    pub pay: Money,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amount(units: u64) -> Amount {
        Amount::new(units).unwrap()
    }

    #[test]
    fn money_is_rounded_against_the_payer_once() {
        let cent = Unit::parse("EUR").unwrap();
        // 100.0000 tokens are 1.00 EUR.
        let value = UnitValue {
            tokens: amount(1_000_000),
            money: Money { amount: amount(100), unit: cent },
        };
        assert_eq!(value.price_of(amount(1)).unwrap().amount, amount(1));
        assert_eq!(value.price_of(amount(1_000_000)).unwrap().amount, amount(100));
        assert_eq!(value.price_of(amount(1_000_001)).unwrap().amount, amount(101));
        assert_eq!(value.tokens_for(amount(1)), Some(amount(10_000)));
        assert_eq!(value.tokens_for(amount(0)), Some(amount(0)));
        let zero = UnitValue { tokens: Amount::ZERO, money: value.money };
        assert_eq!(zero.price_of(amount(1)), None);
    }

    #[test]
    fn the_threshold_is_never_below_the_cheapest_offer() {
        let fixed = Threshold::Fixed { amount: amount(500) };
        assert_eq!(fixed.effective(Some(amount(900))), amount(900));
        assert_eq!(fixed.effective(Some(amount(100))), amount(500));
        assert_eq!(fixed.effective(None), amount(500));
        assert_eq!(Threshold::CheapestOffer.effective(Some(amount(7))), amount(7));
        assert_eq!(Threshold::CheapestOffer.effective(None), Amount::ZERO);
    }
}
