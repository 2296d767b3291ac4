//! What a buyer wants to be topped up by itself: set, shown, taken back. Doing it is [`crate::top_up`]'s.

use scrip_domain::account::Account;
use scrip_domain::auto_top_up::{AutoErrand, AutoTopUp};
use scrip_domain::wallet::Wallet;
use scrip_domain::{Amount, Id, Money, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};

use crate::ledger::Buyer;
use crate::payment_method::can_pay_with;
use crate::{Engine, Outcome};

/// What a buyer wants.
#[derive(Clone, Debug)]
pub struct AutoAsk {
    /// Below this much available it is time; above zero.
    pub below: Amount,
    /// This much is to be available afterwards; more than `below`.
    pub target: Amount,
    /// The processor's name of what pays; the account's own without one.
    pub payment_method: Option<String>,
    /// The most that is paid in 30 days.
    pub monthly_limit: Option<Money>,
}

/// Why nothing was set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AutoRefusal {
    /// The vendor takes no cards.
    NoCards,
    /// The payment method is none of the account's.
    PaymentMethodUnknown,
    /// None was named, and the account has none.
    PaymentMethodMissing,
    /// The account is frozen.
    AccountFrozen,
}

impl Engine {
    /// Sets what a buyer wants, in place of what was wanted before. What was stopped begins anew.
    pub async fn set_auto_top_up(
        &self,
        buyer: Buyer,
        ask: AutoAsk,
    ) -> Outcome<AutoTopUp, AutoRefusal> {
        if self.processor.is_none() {
            return Ok(Err(AutoRefusal::NoCards));
        }
        self.submit(Set { buyer, ask, processor: self.processor_name() }).await
    }

    /// Takes it back. One that is under way goes on. Doing it again changes nothing. What was begun and paid so
    /// far counts on when it is set anew.
    pub async fn remove_auto_top_up(&self, buyer: Buyer) -> Result<(), Fault> {
        let Ok(()) = self.submit(Remove { buyer }).await?;
        Ok(())
    }
}

/// The rows that hang together: what is wanted, and where it is waited for.
pub(crate) fn want(wants: &mut Wants, buyer: Buyer) {
    wants.wallets.guard((buyer.wallet,));
    wants.accounts.read((buyer.account,));
    wants.auto_top_ups.read((buyer.account,));
    wants.auto_errands.read((buyer.account,));
}

/// Where an automatic top-up is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    /// For a purchase: the wallet rings below this much.
    Armed(Amount),
    /// For this time.
    Until(Timestamp),
    /// Nowhere: it is stopped, or not wanted.
    Nowhere,
}

/// Puts it where it is waited for, and takes it from where it was.
pub(crate) fn wait(
    books: &Books,
    changes: &mut Changes,
    buyer: Buyer,
    wait: Wait,
) -> Result<(), Fault> {
    let Buyer { account, wallet } = buyer;
    let lost = || Fault::Bug("a buyer has no wallet".into());
    let wallet = books.wallets.get(&(wallet,))?.ok_or_else(lost)?;
    let errand = books.auto_errands.get(&(account,))?;
    let alarm = match wait {
        Wait::Armed(below) => Some(below),
        Wait::Until(_) | Wait::Nowhere => None,
    };
    if wallet.alarm != alarm {
        changes.wallets.push(Change::Update(Wallet { alarm, ..wallet.clone() }));
    }
    match (wait, errand) {
        (Wait::Until(due_at), Some(_)) => {
            changes.auto_errands.push(Change::Update(AutoErrand { account, due_at }));
        }
        (Wait::Until(due_at), None) => {
            changes.auto_errands.push(Change::Insert(AutoErrand { account, due_at }));
        }
        (_, Some(errand)) => changes.auto_errands.push(Change::Delete(errand.clone())),
        (_, None) => {}
    }
    Ok(())
}

struct Set {
    buyer: Buyer,
    ask: AutoAsk,
    processor: &'static str,
}

impl Command for Set {
    type Receipt = AutoTopUp;
    type Refusal = AutoRefusal;

    fn wants(&self, wants: &mut Wants) {
        want(wants, self.buyer);
        wants.payment_methods.read((self.buyer.account,));
    }

    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<AutoTopUp, AutoRefusal>, Fault> {
        let missing = |what: &str| Fault::Bug(format!("a buyer has no {what}"));
        let of = self.buyer.account;
        let account = books.accounts.get(&(of,))?.ok_or_else(|| missing("account"))?;
        let wallet = books.wallets.get(&(self.buyer.wallet,))?.ok_or_else(|| missing("wallet"))?;
        if account.frozen_at.is_some() {
            return Ok(Decision::refused(AutoRefusal::AccountFrozen));
        }
        let named = self.ask.payment_method.as_ref();
        let Some(name) = named.or(account.person.payment_method.as_ref()) else {
            return Ok(Decision::refused(AutoRefusal::PaymentMethodMissing));
        };
        if !can_pay_with(books, of, self.processor, name)? {
            return Ok(Decision::refused(AutoRefusal::PaymentMethodUnknown));
        }
        let old = books.auto_top_ups.get(&(of,))?;
        let auto = self.auto(of, old);
        let mut changes = Changes::default();
        changes.auto_top_ups.push(match old {
            Some(_) => Change::Update(auto.clone()),
            None => Change::Insert(auto.clone()),
        });
        let enough = wallet.available_at(at) >= auto.below && auto.top_up.is_none();
        let next = if enough { Wait::Armed(auto.below) } else { Wait::Until(at) };
        wait(books, &mut changes, self.buyer, next)?;
        Ok(Decision::done(auto, changes))
    }
}

impl Set {
    /// What is wanted now. What was begun and paid before counts on: limits are not lifted by asking anew.
    fn auto(&self, account: Id<Account>, old: Option<&AutoTopUp>) -> AutoTopUp {
        let AutoAsk { below, target, payment_method, monthly_limit } = self.ask.clone();
        AutoTopUp {
            account,
            below,
            target,
            payment_method,
            monthly_limit,
            top_up: old.and_then(|old| old.top_up),
            declines: 0,
            stopped: None,
            day: old.map_or(Timestamp::default(), |old| old.day),
            day_count: old.map_or(0, |old| old.day_count),
            month: old.map_or(Timestamp::default(), |old| old.month),
            month_paid: old.map_or(Amount::ZERO, |old| old.month_paid),
        }
    }
}

struct Remove {
    buyer: Buyer,
}

impl Command for Remove {
    type Receipt = ();
    type Refusal = std::convert::Infallible;

    fn wants(&self, wants: &mut Wants) {
        want(wants, self.buyer);
    }

    fn decide(&self, books: &Books, _: Timestamp) -> Result<Decision<(), Self::Refusal>, Fault> {
        let mut changes = Changes::default();
        if let Some(old) = books.auto_top_ups.get(&(self.buyer.account,))? {
            changes.auto_top_ups.push(Change::Update(old.removed()));
            wait(books, &mut changes, self.buyer, Wait::Nowhere)?;
        }
        Ok(Decision::done((), changes))
    }
}
