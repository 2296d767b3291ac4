//! What a picture says of money that left a credited payment again: refunds and disputes.
//!
//! Refunds are told by their sum alone, so what exceeds those that we asked for was made in the processor's
//! dashboard. While one of ours is not answered, nobody knows which is which, and nothing is made of the
//! sum. Disputes have names. An inquiry moves no money, and neither does a state that is not known here.

use scrip_domain::account::Account;
use scrip_domain::credit::{CreditFile, Policy};
use scrip_domain::event::EventType;
use scrip_domain::reversal::{Reversal, ReversalKind, ReversalState};
use scrip_domain::top_up::TopUp;
use scrip_domain::{Amount, Id, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Fault};

use super::seen::{Came, News, Seen};
use crate::account::tell_frozen;
use crate::processor::{Dispute, DisputeState, Payment};
use crate::reversal::clawback::Clawback;

/// What came of a refund that the processor was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct GivenBack {
    /// Which.
    pub refund: Id<Reversal>,
    /// Why the processor refused, if it did; the picture is of afterwards.
    pub refused: Option<String>,
}

/// What disputes do to the account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Disputes {
    opened: u32,
    won: u32,
}

impl Seen {
    /// Books what left the payment of a credited top-up, and what came back to it.
    pub(super) fn reverse(
        &self,
        books: &Books,
        changes: &mut Changes,
        top_up: TopUp,
        at: Timestamp,
    ) -> Result<TopUp, Fault> {
        let News::Picture(picture) = &self.news else { return Ok(top_up) };
        if !top_up.state.was_credited() {
            return Ok(top_up);
        }
        let refunded = top_up.payment.as_ref().map_or(Amount::ZERO, |payment| payment.refunded);
        let wallet = self.buyer.wallet;
        let mut clawback = Clawback::open(books, changes, top_up, wallet, &self.supply, at)?;
        if let Came::GivingBack(given) = &self.came {
            given_back(&mut clawback, given, refunded)?;
        }
        dashboard(&mut clawback, refunded)?;
        let disputes = disputed(&mut clawback, picture)?;
        clawback.catch_up()?;
        let top_up = clawback.close()?;
        if disputes != Disputes::default() {
            self.judge(books, changes, disputes, at)?;
        }
        Ok(top_up)
    }

    /// What the disputes make of the account: its credit file counts them, and a policy freezes it. It is thawed
    /// when none is left, if nobody of the staff has frozen it.
    fn judge(
        &self,
        books: &Books,
        changes: &mut Changes,
        disputes: Disputes,
        at: Timestamp,
    ) -> Result<(), Fault> {
        let missing = |what: &str| Fault::Bug(format!("a top-up has no {what}"));
        let of = self.buyer.account;
        let known = match changes.credit_files.last() {
            Some(change) => Some(change.row()),
            None => books.credit_files.get(&(of,))?,
        };
        let is_new = known.is_none();
        let mut file = known.cloned().unwrap_or_else(|| CreditFile::empty(of));
        for _ in 0..disputes.opened {
            file = file.with_dispute();
        }
        for _ in 0..disputes.won {
            file = file.without_dispute();
        }
        let account = books.accounts.get(&(of,))?.ok_or_else(|| missing("account"))?;
        let vendor = books.vendor.get(&(self.vendor,))?.ok_or_else(|| missing("vendor"))?;
        if let Some(after) = weighed(account, &file, &vendor.settings.credit, at) {
            tell_frozen(changes, self.verdict, (account, &after), at);
            changes.accounts.push(Change::Update(after));
        }
        changes.credit_files.push(if is_new { Change::Insert(file) } else { Change::Update(file) });
        Ok(())
    }
}

/// The account as the disputes in its credit file freeze or thaw it; `None` when they do not.
fn weighed(
    account: &Account,
    file: &CreditFile,
    policy: &Policy,
    at: Timestamp,
) -> Option<Account> {
    let mut after = account.clone();
    if file.disputed == 0 && account.frozen_by_dispute {
        (after.frozen_at, after.frozen_by_dispute) = (None, false);
    } else if file.disputed > 0 && policy.freeze_disputed && account.frozen_at.is_none() {
        (after.frozen_at, after.frozen_by_dispute) = (Some(at), true);
    }
    (after != *account).then_some(after)
}

/// The money that is known to have gone back, whoever gave it.
fn accounted(clawback: &Clawback<'_>) -> Amount {
    let done = clawback.all().iter().filter(|one| one.state == ReversalState::Done);
    Amount::try_sum(done.map(|one| one.claimed)).unwrap_or(Amount::MAX)
}

/// One of our refunds was answered. A refusal counts only if the picture does not show the money gone: an earlier
/// try may have been carried out.
fn given_back(
    clawback: &mut Clawback<'_>,
    given: &GivenBack,
    refunded: Amount,
) -> Result<(), Fault> {
    let pending = |one: &&Reversal| one.id == given.refund && one.state == ReversalState::Pending;
    let Some(refund) = clawback.all().iter().find(pending).cloned() else { return Ok(()) };
    let gone = accounted(clawback).checked_add(refund.claimed).is_some_and(|sum| sum <= refunded);
    match &given.refused {
        Some(code) if !gone => {
            tracing::warn!(refund = %refund.id, code, "the processor refused to give money back");
            clawback.go(refund.id, ReversalState::Failed)
        }
        _ => {
            clawback.go(refund.id, ReversalState::Done)?;
            clawback.tell(EventType::TopUpRefunded)
        }
    }
}

/// More went back than we asked for: somebody gave it back in the processor's dashboard.
fn dashboard(clawback: &mut Clawback<'_>, refunded: Amount) -> Result<(), Fault> {
    if clawback.all().iter().any(|one| one.state == ReversalState::Pending) {
        return Ok(());
    }
    let more = refunded.checked_sub(accounted(clawback)).unwrap_or(Amount::ZERO);
    if more.is_zero() {
        return Ok(());
    }
    let (whole, left) = clawback.worth()?;
    let part = whole.for_money(left, more.min(left.money));
    let blank = clawback.blank(ReversalKind::ProcessorRefund, ReversalState::Done, more);
    let settled_at = Some(blank.at);
    clawback.begin(Reversal { settled_at, ..blank }, part)?;
    clawback.tell(EventType::TopUpRefunded)
}

/// Books what has become of each dispute.
fn disputed(clawback: &mut Clawback<'_>, picture: &Payment) -> Result<Disputes, Fault> {
    let mut disputes = Disputes::default();
    for dispute in &picture.disputes {
        let state = match &dispute.state {
            DisputeState::Open => ReversalState::Open,
            DisputeState::Won => ReversalState::Won,
            DisputeState::Lost => ReversalState::Lost,
            DisputeState::Inquiry => continue,
            DisputeState::Unknown(state) => {
                tracing::warn!(dispute = %dispute.name, state, "a state of a dispute that is not known");
                continue;
            }
        };
        let own = |one: &&Reversal| one.name.as_deref() == Some(dispute.name.as_str());
        let before = clawback.all().iter().rfind(own).map(|one| (one.id, one.state));
        match (before, state) {
            (None, ReversalState::Open | ReversalState::Lost)
            | (Some((_, ReversalState::Won)), ReversalState::Lost) => {
                open(clawback, dispute, state)?;
                disputes.opened = disputes.opened.saturating_add(1);
            }
            (Some((id, ReversalState::Open)), ReversalState::Open) => {
                clawback.claims(id, dispute.amount)?;
            }
            (Some((id, ReversalState::Open)), ReversalState::Lost) => {
                clawback.go(id, state)?;
                clawback.tell(EventType::TopUpDisputed)?;
            }
            (Some((id, ReversalState::Open | ReversalState::Lost)), ReversalState::Won) => {
                clawback.go(id, state)?;
                clawback.tell(EventType::TopUpDisputed)?;
                disputes.won = disputes.won.saturating_add(1);
            }
            // Nothing new, or a picture that is older than what is known.
            _ => {}
        }
    }
    Ok(disputes)
}

/// A dispute that was not known, or not in force: its share of the tokens is taken.
fn open(clawback: &mut Clawback<'_>, dispute: &Dispute, state: ReversalState) -> Result<(), Fault> {
    let (whole, left) = clawback.worth()?;
    let part = whole.for_money(left, dispute.amount.min(left.money));
    let blank = clawback.blank(ReversalKind::Dispute, state, dispute.amount);
    let settled_at = (state == ReversalState::Lost).then_some(blank.at);
    let (name, reason) = (Some(dispute.name.to_string()), dispute.reason.clone());
    clawback.begin(Reversal { name, reason, settled_at, ..blank }, part)?;
    clawback.tell(EventType::TopUpDisputed)
}

#[cfg(test)]
mod tests {
    use scrip_domain::account::Person;

    use super::*;

    #[test]
    fn an_account_is_thawed_only_if_disputes_froze_it_and_none_is_left() {
        let at = Timestamp::from_millis(1_795_348_800_000);
        let free = Account {
            id: Id::floor(at),
            wallet: Id::floor(at),
            email: String::new(),
            person: Person::default(),
            created_at: at,
            verified_at: None,
            frozen_at: None,
            frozen_by_dispute: false,
            terms_version: None,
            erased_at: None,
            sweep_at: None,
        };
        let frozen = Account { frozen_at: Some(at), frozen_by_dispute: true, ..free.clone() };
        let by_staff = Account { frozen_by_dispute: false, ..frozen.clone() };
        let file = |disputed| CreditFile { disputed, ..CreditFile::empty(free.id) };
        let freezes = Policy { freeze_disputed: true, ..Policy::default() };
        let lenient = Policy::default();
        assert_eq!(weighed(&free, &file(1), &freezes, at), Some(frozen.clone()));
        assert_eq!(weighed(&free, &file(1), &lenient, at), None);
        assert_eq!(weighed(&frozen, &file(1), &freezes, at), None);
        assert_eq!(weighed(&frozen, &file(0), &lenient, at), Some(free.clone()));
        assert_eq!(weighed(&by_staff, &file(0), &freezes, at), None);
        assert_eq!(weighed(&by_staff, &file(2), &freezes, at), None);
    }
}
