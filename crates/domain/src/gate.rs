//! The gate: who may quote, order and buy, in which flow, with which balance.
//!
//! Refusals come in one order, and later checks are not made: no account, frozen, incomplete,
//! balance. So the first three never speak of a balance.

use crate::account::{Account, Field, NotPermitted};
use crate::amount::Amount;
use crate::order::{Basis, Check, CheckKind, CheckResult};
use crate::settings::{Flow, Settings};
use crate::time::Timestamp;
use crate::visibility::Level;
use crate::words;

words! {
    /// What a visitor may see and do.
    pub enum Standing {
        /// No account, or one that does not permit transactions.
        Visitor = "visitor",
        /// An account.
        Member = "member",
        /// An account whose available balance is at or above the threshold.
        Funded = "funded",
    }
}

impl Standing {
    /// Its place among the standings: a visitor's is 0.
    pub const fn rank(self) -> u8 {
        match self {
            Self::Visitor => 0,
            Self::Member => 1,
            Self::Funded => 2,
        }
    }

    /// Whether it sees what needs `level`; `covered` says whether the balance covers the thing.
    pub fn sees(self, level: Level, covered: bool) -> bool {
        match level {
            Level::Visitor => true,
            Level::Member => self >= Self::Member,
            Level::Funded => self >= Self::Funded,
            Level::Covered => self >= Self::Member && covered,
        }
    }
}

/// What the gate is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// See products.
    Browse,
    /// A price for a selection; nothing is kept.
    Quote,
    /// A draft order.
    Order,
    /// The payment: confirming a draft, or buying in one step.
    Pay,
}

/// Why the gate stays shut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GateRefusal {
    /// An account is needed; these fields are asked for at registration.
    AccountRequired(Vec<Field>),
    /// The account is frozen.
    AccountFrozen,
    /// Required fields are missing.
    AccountIncomplete(Vec<Field>),
    /// The balance is below the threshold.
    BelowThreshold(Short),
    /// The balance does not cover the selection.
    InsufficientBalance(Short),
    /// At a merchant: the buyer is to sign in through the provider.
    ConnectionRequired,
    /// At a merchant: the provider does not say that the balance is at or above the threshold; whether it says anything.
    NotFunded {
        /// Whether the buyer shares it with the merchant.
        shared: bool,
    },
}

impl GateRefusal {
    /// Whether it is the balance that is not enough: then an order is declined, on record.
    pub fn is_about_balance(&self) -> bool {
        matches!(
            self,
            Self::BelowThreshold(_) | Self::InsufficientBalance(_) | Self::NotFunded { .. }
        )
    }

    /// The refusal that a kept failed check of a balance stands for.
    pub fn from_check(check: &Check) -> Option<Self> {
        let short = Short { required: check.required?, balance: check.available? };
        match (check.result, check.basis?) {
            (CheckResult::Passed, _) => None,
            (CheckResult::Failed, Basis::Threshold) => Some(Self::BelowThreshold(short)),
            (CheckResult::Failed, Basis::Selection) => Some(Self::InsufficientBalance(short)),
        }
    }
}

/// A balance and what it should have been.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Short {
    /// What would have been enough.
    pub required: Amount,
    /// What can be spent.
    pub balance: Amount,
}

/// Where somebody stands. Without an account, or with one that permits nothing: a visitor.
pub fn standing(
    account: Option<(&Account, Amount)>,
    settings: &Settings,
    cheapest: Option<Amount>,
) -> Standing {
    match account {
        Some((account, _)) if account.permits(&settings.required()).is_err() => Standing::Visitor,
        Some((_, available)) if available >= settings.threshold.effective(cheapest) => {
            Standing::Funded
        }
        Some(_) => Standing::Member,
        None => Standing::Visitor,
    }
}

/// Passes or refuses `act` on a selection that costs `total`, and gives the checks that were made.
///
/// `cheapest` is the lowest current price above zero.
pub fn pass(
    act: Act,
    account: Option<(&Account, Amount)>,
    settings: &Settings,
    cheapest: Option<Amount>,
    total: Amount,
    at: Timestamp,
) -> Result<Vec<Check>, GateRefusal> {
    let members_only = settings.flow == Flow::MembersOnly;
    let register_first = settings.flow == Flow::RegisterFirst;
    let needs_account = match act {
        Act::Browse => members_only,
        Act::Quote => members_only || register_first,
        Act::Order | Act::Pay => true,
    };
    if !needs_account {
        return Ok(Vec::new());
    }
    if act == Act::Browse {
        return match account {
            Some(_) => Ok(Vec::new()),
            None => Err(GateRefusal::AccountRequired(settings.registration.clone())),
        };
    }
    let available = account.map_or(Amount::ZERO, |(_, available)| available);
    self::account(account.map(|(account, _)| account), settings)?;
    let mut checks = vec![passed(CheckKind::Account, None, at)];
    if register_first {
        let required = settings.threshold.effective(cheapest);
        if available < required {
            return Err(GateRefusal::BelowThreshold(Short { required, balance: available }));
        }
        checks.push(passed(CheckKind::Balance, Some((Basis::Threshold, required, available)), at));
    }
    let selection_counts = match act {
        Act::Browse | Act::Quote => false,
        Act::Order => !register_first,
        Act::Pay => true,
    };
    if selection_counts {
        if available < total {
            return Err(GateRefusal::InsufficientBalance(Short {
                required: total,
                balance: available,
            }));
        }
        checks.push(passed(CheckKind::Balance, Some((Basis::Selection, total, available)), at));
    }
    Ok(checks)
}

/// Where somebody stands at a merchant, who knows no balance: what the provider says of it, if the buyer shares that.
pub fn standing_at_merchant(account: Option<&Account>, funded: Option<bool>) -> Standing {
    match account {
        Some(account) if account.frozen_at.is_none() => {
            if funded == Some(true) {
                Standing::Funded
            } else {
                Standing::Member
            }
        }
        Some(_) | None => Standing::Visitor,
    }
}

/// Passes or refuses `act` at a merchant, and gives the checks that were made. Registration and balance are the
/// provider's to see to, when the buyer confirms there.
pub fn pass_at_merchant(
    act: Act,
    account: Option<&Account>,
    funded: Option<bool>,
    settings: &Settings,
    at: Timestamp,
) -> Result<Vec<Check>, GateRefusal> {
    let needs_account = match settings.flow {
        Flow::MembersOnly => true,
        Flow::RegisterFirst => act != Act::Browse,
        Flow::BrowseFirst => false,
    };
    let Some(account) = account else {
        return if needs_account { Err(GateRefusal::ConnectionRequired) } else { Ok(Vec::new()) };
    };
    if act == Act::Browse {
        return Ok(Vec::new());
    }
    if account.frozen_at.is_some() && act != Act::Quote {
        return Err(GateRefusal::AccountFrozen);
    }
    if settings.flow == Flow::RegisterFirst && funded != Some(true) {
        return Err(GateRefusal::NotFunded { shared: funded.is_some() });
    }
    Ok(vec![passed(CheckKind::Account, None, at)])
}

/// Whether there is an account that permits transactions.
pub fn account(account: Option<&Account>, settings: &Settings) -> Result<(), GateRefusal> {
    let Some(account) = account else {
        return Err(GateRefusal::AccountRequired(settings.registration.clone()));
    };
    account.permits(&settings.required()).map_err(|refusal| match refusal {
        NotPermitted::Frozen => GateRefusal::AccountFrozen,
        NotPermitted::Incomplete(fields) => GateRefusal::AccountIncomplete(fields),
    })
}

fn passed(check: CheckKind, figures: Option<(Basis, Amount, Amount)>, at: Timestamp) -> Check {
    Check {
        check,
        basis: figures.map(|(basis, ..)| basis),
        required: figures.map(|(_, required, _)| required),
        available: figures.map(|(.., available)| available),
        result: CheckResult::Passed,
        at,
        request: None,
        request_id: None,
    }
}

/// The check that `refusal` stands for, to be kept with a declined order.
pub fn failed(refusal: &GateRefusal, at: Timestamp) -> Check {
    let (check, figures) = match refusal {
        GateRefusal::AccountRequired(_)
        | GateRefusal::AccountFrozen
        | GateRefusal::AccountIncomplete(_)
        | GateRefusal::ConnectionRequired => (CheckKind::Account, None),
        GateRefusal::NotFunded { .. } => (CheckKind::Balance, None),
        GateRefusal::BelowThreshold(short) => (CheckKind::Balance, Some((Basis::Threshold, short))),
        GateRefusal::InsufficientBalance(short) => {
            (CheckKind::Balance, Some((Basis::Selection, short)))
        }
    };
    Check {
        check,
        basis: figures.map(|(basis, _)| basis),
        required: figures.map(|(_, short)| short.required),
        available: figures.map(|(_, short)| short.balance),
        result: CheckResult::Failed,
        at,
        request: None,
        request_id: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::Person;
    use crate::amount::{Money, Unit};
    use crate::id::Id;
    use crate::settings::{Threshold, Token, UnitValue};

    fn amount(units: u64) -> Amount {
        Amount::new(units).unwrap()
    }

    fn settings(flow: Flow) -> Settings {
        let unit = Unit::parse("EUR").unwrap();
        let money = Money { amount: amount(100), unit };
        let token = Token {
            code: Unit::parse("AUR").unwrap(),
            name: "Aurum".into(),
            scale: 2,
            unit_value: UnitValue { tokens: amount(100), money },
        };
        Settings {
            flow,
            threshold: Threshold::Fixed { amount: amount(500) },
            registration: vec![Field::Name],
            ..Settings::new("Aurora", token)
        }
    }

    fn account(complete: bool, frozen: bool) -> Account {
        let at = Timestamp::from_millis(0);
        Account {
            id: Id::new(1).unwrap(),
            wallet: Id::new(2).unwrap(),
            email: "ada@example.com".into(),
            person: Person { name: complete.then(|| "Ada".into()), ..Person::default() },
            created_at: at,
            verified_at: None,
            frozen_at: frozen.then_some(at),
            frozen_by_dispute: false,
            terms_version: None,
            erased_at: None,
            sweep_at: None,
        }
    }

    fn ask(
        flow: Flow,
        act: Act,
        account: Option<(&Account, u64)>,
        total: u64,
    ) -> Result<usize, &'static str> {
        let account = account.map(|(account, available)| (account, amount(available)));
        let at = Timestamp::from_millis(0);
        match pass(act, account, &settings(flow), Some(amount(100)), amount(total), at) {
            Ok(checks) => Ok(checks.len()),
            Err(GateRefusal::AccountRequired(_)) => Err("401"),
            Err(GateRefusal::AccountFrozen) => Err("frozen"),
            Err(GateRefusal::AccountIncomplete(_)) => Err("incomplete"),
            Err(GateRefusal::BelowThreshold(_)) => Err("threshold"),
            Err(GateRefusal::InsufficientBalance(_)) => Err("balance"),
            Err(GateRefusal::ConnectionRequired | GateRefusal::NotFunded { .. }) => {
                Err("a merchant's word")
            }
        }
    }

    type Row<'a> = (&'a str, Act, Option<(&'a Account, u64)>, u64, [Result<usize, &'a str>; 3]);

    /// The table of the public contract, cell by cell.
    #[test]
    fn every_flow_answers_as_the_contract_says() {
        use Act::{Browse, Order, Pay, Quote};
        use Flow::{BrowseFirst, MembersOnly, RegisterFirst};
        let (whole, part, frozen) =
            (account(true, false), account(false, false), account(true, true));
        let rows: [Row; 17] = [
            ("visitor", Browse, None, 0, [Ok(0), Ok(0), Err("401")]),
            ("visitor", Quote, None, 900, [Err("401"), Ok(0), Err("401")]),
            ("visitor", Order, None, 900, [Err("401"); 3]),
            ("visitor", Pay, None, 900, [Err("401"); 3]),
            ("incomplete", Browse, Some((&part, 0)), 0, [Ok(0); 3]),
            (
                "incomplete",
                Quote,
                Some((&part, 0)),
                900,
                [Err("incomplete"), Ok(0), Err("incomplete")],
            ),
            ("incomplete", Order, Some((&part, 0)), 900, [Err("incomplete"); 3]),
            ("frozen", Order, Some((&frozen, 0)), 900, [Err("frozen"); 3]),
            (
                "one below the threshold",
                Quote,
                Some((&whole, 499)),
                1,
                [Err("threshold"), Ok(0), Ok(1)],
            ),
            (
                "one below the threshold",
                Order,
                Some((&whole, 499)),
                1,
                [Err("threshold"), Ok(2), Ok(2)],
            ),
            (
                "one below the threshold",
                Pay,
                Some((&whole, 499)),
                1,
                [Err("threshold"), Ok(2), Ok(2)],
            ),
            ("at the threshold", Order, Some((&whole, 500)), 1, [Ok(2), Ok(2), Ok(2)]),
            ("at the threshold", Pay, Some((&whole, 500)), 1, [Ok(3), Ok(2), Ok(2)]),
            ("one below the total", Quote, Some((&whole, 899)), 900, [Ok(2), Ok(0), Ok(1)]),
            (
                "one below the total",
                Order,
                Some((&whole, 899)),
                900,
                [Ok(2), Err("balance"), Err("balance")],
            ),
            ("one below the total", Pay, Some((&whole, 899)), 900, [Err("balance"); 3]),
            ("at the total", Pay, Some((&whole, 900)), 900, [Ok(3), Ok(2), Ok(2)]),
        ];
        for (who, act, account, total, expected) in rows {
            for (flow, expected) in
                [RegisterFirst, BrowseFirst, MembersOnly].into_iter().zip(expected)
            {
                assert_eq!(ask(flow, act, account, total), expected, "{flow}: {who}, {act:?}");
            }
        }
    }

    #[test]
    fn a_merchant_asks_for_the_providers_word_alone() {
        use Act::{Browse, Order, Pay, Quote};
        use Flow::{BrowseFirst, MembersOnly, RegisterFirst};
        let (part, frozen) = (account(false, false), account(false, true));
        let at = Timestamp::from_millis(0);
        let ask = |flow, act, account: Option<&Account>, funded| match pass_at_merchant(
            act,
            account,
            funded,
            &settings(flow),
            at,
        ) {
            Ok(_) => "passed",
            Err(GateRefusal::ConnectionRequired) => "401",
            Err(GateRefusal::AccountFrozen) => "frozen",
            Err(GateRefusal::NotFunded { shared: true }) => "threshold",
            Err(GateRefusal::NotFunded { shared: false }) => "not shared",
            Err(_) => "another",
        };
        for (act, account, funded, expected) in [
            (Browse, None, None, ["passed", "passed", "401"]),
            (Quote, None, None, ["401", "passed", "401"]),
            (Order, None, None, ["401", "passed", "401"]),
            (Pay, None, None, ["401", "passed", "401"]),
            (Order, Some(&part), None, ["not shared", "passed", "passed"]),
            (Order, Some(&part), Some(false), ["threshold", "passed", "passed"]),
            (Quote, Some(&part), Some(false), ["threshold", "passed", "passed"]),
            (Order, Some(&part), Some(true), ["passed"; 3]),
            (Order, Some(&frozen), Some(true), ["frozen"; 3]),
        ] {
            for (flow, expected) in
                [RegisterFirst, BrowseFirst, MembersOnly].into_iter().zip(expected)
            {
                assert_eq!(ask(flow, act, account, funded), expected, "{flow}: {act:?}");
            }
        }
        assert_eq!(standing_at_merchant(Some(&part), Some(true)), Standing::Funded);
        assert_eq!(standing_at_merchant(Some(&part), None), Standing::Member);
        assert_eq!(standing_at_merchant(Some(&frozen), Some(true)), Standing::Visitor);
    }

    #[test]
    fn where_addresses_are_verified_others_permit_nothing() {
        let mut settings = settings(Flow::BrowseFirst);
        settings.mail.verify = true;
        let mut account = account(true, false);
        let of = |account: &Account| super::account(Some(account), &settings);
        assert_eq!(of(&account), Err(GateRefusal::AccountIncomplete(vec![Field::EmailVerified])));
        account.verified_at = Some(account.created_at);
        assert_eq!(of(&account), Ok(()));
        assert_eq!(
            super::account(None, &settings),
            Err(GateRefusal::AccountRequired(vec![Field::Name])),
            "nobody is asked for it at registration"
        );
    }

    #[test]
    fn an_account_that_permits_nothing_stands_like_a_visitor() {
        let settings = settings(Flow::BrowseFirst);
        let of =
            |account: &Account, units| standing(Some((account, amount(units))), &settings, None);
        assert_eq!(of(&account(true, false), 499), Standing::Member);
        assert_eq!(of(&account(true, false), 500), Standing::Funded);
        assert_eq!(of(&account(false, false), 900), Standing::Visitor);
        assert_eq!(of(&account(true, true), 900), Standing::Visitor);
        assert_eq!(standing(None, &settings, None), Standing::Visitor);
    }
}
