//! What was seen of a payment moves its top-up: one command for every source and order of news.
//!
//! Nothing here depends on how the news came, but the errand, which only its own answer puts off. A picture that was seen before changes nothing; one that
//! is older than what is known cannot undo it, because what a processor has taken it cannot un-take:
//! credited stays credited. Money that was captured is credited, or is on its way back.

use scrip_domain::credit::{Assessment, CreditDecision, CreditStatus, Policy, Source};
use scrip_domain::event::Event;
use scrip_domain::settings::Vendor;
use scrip_domain::top_up::{self, Action, Call, Charge, Errand, TopUp, TopUpState};
use scrip_domain::{Amount, Id, Money, Span, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};

use super::errand::due_again;
use super::reversed::GivenBack;
use super::{Coming, Minted};
use crate::Engine;
use crate::ledger::Buyer;
use crate::processor::{self, ChargeName, Payment, PaymentState, RiskLevel};
use crate::reversal::clawback::Supply;

/// Without an answer so often, what was asked for is unknown.
const PATIENCE: u32 = 3;
/// So long the buyer may take to do what the bank wants.
const ABANDONED: Span = Span::hours(24);

/// What was seen of a payment.
#[derive(Clone, Debug)]
pub(super) enum News {
    /// The processor's picture of it.
    Picture(Payment),
    /// The processor refused a call, and did nothing.
    Refused {
        /// Which.
        call: Call,
        /// Why, as a word of the processor.
        code: String,
    },
    /// There is none, and none will come.
    NeverArrived,
    /// The processor gave no answer.
    Unanswered {
        /// When it wants to be asked again.
        retry_after: Option<Span>,
    },
    /// Nothing had to be asked.
    Nothing,
}

/// How news came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Came {
    /// As the answer on an errand, which goes on with it.
    OnErrand,
    /// As the answer on the errand to give money back.
    GivingBack(GivenBack),
    /// Unasked: an errand that is due stays due.
    Unasked,
}

impl Engine {
    /// Books what was seen. Gives the top-up as it is then; `None` when there is none.
    pub(super) async fn seen(
        &self,
        id: Id<TopUp>,
        news: News,
        came: Came,
    ) -> Result<Option<TopUp>, Fault> {
        let Some(processor) = &self.processor else { return Ok(None) };
        let Some(top_up) = self.store.top_up(id).await? else { return Ok(None) };
        let buyer = self.buyer_of(top_up.account).await?;
        let vendor = self.vendor().await?.id;
        let (processor, minted) = (processor.name(), self.minted().await?);
        let new = match &news {
            // What may be new: each dispute, and what was given back in the dashboard.
            News::Picture(picture) => picture.disputes.len().saturating_add(1),
            _ => 0,
        };
        let supply = self.supply(&top_up, buyer, new).await?;
        let verdict = self.mint()?;
        let seen = Seen { id, buyer, vendor, processor, news, came, minted, supply, verdict };
        let answer: Result<TopUp, std::convert::Infallible> = self.submit(seen).await?;
        let Ok(top_up) = answer;
        if top_up.next_call().is_some_and(|call| call != Call::Watch) {
            self.errands.notify_one();
        }
        Ok(Some(top_up))
    }
}

pub(super) struct Seen {
    id: Id<TopUp>,
    pub(super) buyer: Buyer,
    pub(super) vendor: Id<Vendor>,
    processor: &'static str,
    pub(super) news: News,
    pub(super) came: Came,
    minted: Minted,
    pub(super) supply: Supply,
    /// Tells that disputes have frozen or thawed the account, if they have.
    pub(super) verdict: Id<Event>,
}

impl Seen {
    /// The charge of the picture, if money was taken.
    fn charge(&self) -> Option<(&ChargeName, Money)> {
        let News::Picture(picture) = &self.news else { return None };
        let PaymentState::Captured { charge, amount, .. } = &picture.state else { return None };
        Some((charge, Money { amount: *amount, unit: picture.money.unit }))
    }

    /// What the processor keeps of it, where the picture says so.
    fn fee(&self) -> Option<Money> {
        let News::Picture(picture) = &self.news else { return None };
        let PaymentState::Captured { fee, .. } = &picture.state else { return None };
        *fee
    }
}

impl Command for Seen {
    type Receipt = TopUp;
    type Refusal = std::convert::Infallible;

    fn wants(&self, wants: &mut Wants) {
        wants.wallets.guard((self.buyer.wallet,));
        wants.accounts.read((self.buyer.account,));
        wants.vendor.read((self.vendor,));
        wants.top_ups.read((self.id,));
        wants.credit_files.read((self.buyer.account,));
        wants.errands.read((self.id,));
        self.supply.wants(wants, self.id, self.buyer.wallet);
        if let Some((charge, _)) = self.charge() {
            wants.charges.read((self.processor.to_owned(), charge.to_string()));
        }
    }

    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<TopUp, Self::Refusal>, Fault> {
        let missing = |what: &str| Fault::Bug(format!("a top-up has no {what}"));
        let before = books.top_ups.get(&(self.id,))?.ok_or_else(|| missing("row"))?;
        let vendor = books.vendor.get(&(self.vendor,))?.ok_or_else(|| missing("vendor"))?;
        let errand = books.errands.get(&(self.id,))?;
        let mut changes = Changes::default();
        let mut after = before.clone();
        match &self.news {
            News::Picture(picture) => {
                pictured(&mut after, self.processor, picture);
                self.advance(&mut after, picture, &vendor.settings.credit, at);
            }
            News::Refused { call, code } => {
                let tried = errand.is_some_and(|errand| errand.attempts > 0);
                refused(&mut after, *call, code, tried);
            }
            News::NeverArrived => end(&mut after, TopUpState::Failed, "never_arrived"),
            News::Unanswered { .. } => {
                let tries = errand.map_or(0, |errand| errand.attempts.saturating_add(1));
                if tries >= PATIENCE && !after.state.is_final() {
                    after.state = TopUpState::Unknown;
                    after.reason = Some("unanswered".to_owned());
                }
            }
            News::Nothing => {}
        }
        if let Some((charge, money)) = self.charge() {
            after = self.captured(books, &mut changes, after, (charge, money), at)?;
        }
        if after.state != before.state {
            if let Some(file) = books.credit_files.get(&(self.buyer.account,))? {
                changes.credit_files.push(Change::Update(file.came_to(after.state)));
            }
            self.minted.tell(&mut changes, &after, at);
        }
        after = self.reverse(books, &mut changes, after, at)?;
        let asked = self.ask_again(before, &after, errand, at);
        changes.errands.extend(asked);
        if &after != before {
            changes.top_ups.push(Change::Update(after.clone()));
        }
        Ok(Decision::done(after, changes))
    }
}

impl Seen {
    /// Where the picture moves a top-up whose end is still open.
    fn advance(&self, top_up: &mut TopUp, picture: &Payment, policy: &Policy, at: Timestamp) {
        if top_up.state.is_final() {
            return;
        }
        match &picture.state {
            // What was taken is seen to in a step of its own.
            PaymentState::Processing | PaymentState::Captured { .. } => {}
            PaymentState::RequiresAction(_) => {
                if at >= top_up.decided_at().plus(ABANDONED) {
                    end(top_up, TopUpState::Cancelled, "abandoned");
                } else {
                    go(top_up, TopUpState::RequiresAction);
                }
            }
            PaymentState::Authorized => match top_up.state {
                // Assessed, and approved or put to review, when this was first seen.
                TopUpState::Capturing | TopUpState::InReview => {}
                _ => self.assess(top_up, picture, policy, at),
            },
            PaymentState::Cancelled => end(top_up, TopUpState::Cancelled, "cancelled"),
            PaymentState::Failed { reason, decline_code } => {
                let reason = decline_code.as_deref().unwrap_or(reason);
                end(top_up, TopUpState::Failed, reason);
            }
            PaymentState::Unknown(state) => {
                top_up.state = TopUpState::Unknown;
                top_up.reason = Some(format!("processor_state {state}"));
            }
        }
    }

    /// The money is reserved: what the processor says of the buyer decides whether it is taken.
    fn assess(&self, top_up: &mut TopUp, picture: &Payment, policy: &Policy, at: Timestamp) {
        let approved = |before: &Assessment| {
            matches!(before.source, Source::Processor | Source::Staff)
                && before.decision == CreditDecision::Approved
        };
        if top_up.assessment().is_some_and(approved) {
            // Approved since by the processor or a person; the answer to the capture was lost.
            return go(top_up, TopUpState::Capturing);
        }
        let (status, reason) = risk(picture, policy, top_up);
        let (id, source) = (self.minted.assessment, Source::Processor);
        let score = picture.risk.as_ref().and_then(|risk| risk.score);
        let made = Assessment::made(id, source, status, vec![reason], policy.version, at);
        let assessment = Assessment { score, ..made };
        match assessment.decision {
            CreditDecision::Approved => go(top_up, TopUpState::Capturing),
            CreditDecision::Review => go(top_up, TopUpState::InReview),
            CreditDecision::Declined => go(top_up, TopUpState::Declined),
        }
        top_up.assessments.push(assessment);
    }

    /// The money was taken: it is credited once, or goes back.
    fn captured(
        &self,
        books: &Books,
        changes: &mut Changes,
        mut top_up: TopUp,
        (charge, money): (&ChargeName, Money),
        at: Timestamp,
    ) -> Result<TopUp, Fault> {
        let missing = |what: &str| Fault::Bug(format!("a top-up has no {what}"));
        let key = (self.processor.to_owned(), charge.to_string());
        if let Some(payment) = &mut top_up.payment {
            payment.charge = Some(charge.to_string());
        }
        let fee = self.fee();
        let refunded = top_up.payment.as_ref().map_or(Amount::ZERO, |payment| payment.refunded);
        // A processor that gave back more than it took has taken it from somewhere else.
        let refunded = refunded.min(money.amount);
        let disputed = top_up.payment.as_ref().map_or(Amount::ZERO, |payment| payment.disputed);
        let left = money.amount.checked_sub(refunded).unwrap_or(Amount::ZERO);
        let disputed = disputed.min(left);
        if let Some(row) = books.charges.get(&key)? {
            let (fee, refunded) = (fee.or(row.fee), row.refunded.max(refunded));
            let left = money.amount.checked_sub(refunded).unwrap_or(Amount::ZERO);
            let known = Charge { fee, refunded, disputed: disputed.min(left), ..row.clone() };
            if known != *row {
                changes.charges.push(Change::Update(known));
            }
            return Ok(top_up);
        }
        let (processor, name) = key;
        let row = Charge { processor, name, top_up: top_up.id, money, fee, refunded, disputed, at };
        changes.charges.push(Change::Insert(row));
        if top_up.state.is_final() {
            return Ok(top_up);
        }
        let wallet = books.wallets.get(&(self.buyer.wallet,))?.ok_or_else(|| missing("wallet"))?;
        let account = books.accounts.get(&(top_up.account,))?.ok_or_else(|| missing("account"))?;
        if account.frozen_at.is_some() {
            end(&mut top_up, TopUpState::Cancelled, "account_frozen");
        } else if top_up.pay != Some(money) {
            end(&mut top_up, TopUpState::Cancelled, "amount_differs");
        } else if wallet.posted().checked_add(top_up.tokens).is_none() {
            end(&mut top_up, TopUpState::Cancelled, "wallet_full");
        } else {
            top_up.reason = None;
            let coming = Coming::paid(top_up.tokens);
            top_up = self.minted.credit(changes, (books, wallet), top_up, coming, at)?;
        }
        Ok(top_up)
    }

    /// The errand as it goes on: at once after a step, later without one or after a refusal, not at all at
    /// the end. Out of `unknown` it goes on with its attempts, so that a call which is always refused is
    /// made ever more seldom.
    fn ask_again(
        &self,
        before: &TopUp,
        after: &TopUp,
        errand: Option<&Errand>,
        at: Timestamp,
    ) -> Option<Change<Errand>> {
        if after.next_call() == Some(Call::Watch)
            && !matches!(self.news, News::Unanswered { .. })
            && (self.came != Came::Unasked || before.next_call() != Some(Call::Watch))
        {
            return watch(after, errand, at);
        }
        let refused = matches!(self.news, News::Refused { .. });
        let stepped = before.next_call() != after.next_call() && !refused;
        let attempts = match (errand, before.state) {
            (Some(errand), TopUpState::Unknown) => errand.attempts,
            _ => 0,
        };
        let fresh = Errand { top_up: after.id, due_at: at, attempts };
        match (errand, after.next_call()) {
            (None, None) => None,
            (None, Some(_)) => Some(Change::Insert(fresh)),
            (Some(errand), None) => Some(Change::Delete(errand.clone())),
            (Some(_), Some(_)) if stepped => Some(Change::Update(fresh)),
            (Some(_), Some(_)) if self.came == Came::Unasked => None,
            (Some(errand), Some(_)) => {
                let retry_after = match &self.news {
                    News::Unanswered { retry_after } => *retry_after,
                    _ => None,
                };
                Some(Change::Update(due_again(errand, retry_after, at)))
            }
        }
    }
}

/// The errand of a credited payment: seldom, and no more once nothing can become of it.
fn watch(top_up: &TopUp, errand: Option<&Errand>, at: Timestamp) -> Option<Change<Errand>> {
    let due = top_up.watched_at(at);
    let due = due.map(|due_at| Errand { top_up: top_up.id, due_at, attempts: 0 });
    match (errand, due) {
        (None, due) => due.map(Change::Insert),
        (Some(_), Some(due)) => Some(Change::Update(due)),
        (Some(errand), None) => Some(Change::Delete(errand.clone())),
    }
}

/// What is known of the payment now.
fn pictured(top_up: &mut TopUp, processor: &str, picture: &Payment) {
    let before = top_up.payment.take();
    // An older picture may come late: what was given back stays given back.
    let refunded = before.as_ref().map_or(Amount::ZERO, |payment| payment.refunded);
    let charge = before.and_then(|payment| payment.charge);
    let action = match &picture.state {
        PaymentState::RequiresAction(processor::Action::Redirect(url)) => {
            Some(Action::Redirect { url: url.clone() })
        }
        PaymentState::RequiresAction(processor::Action::Confirm(secret)) => {
            Some(Action::Confirm { client_secret: secret.reveal().to_owned() })
        }
        _ => None,
    };
    let ended = matches!(
        picture.state,
        PaymentState::Captured { .. } | PaymentState::Cancelled | PaymentState::Failed { .. }
    );
    top_up.payment = Some(top_up::Payment {
        processor: processor.to_owned(),
        name: picture.name.to_string(),
        open: !ended,
        action,
        charge,
        refunded: picture.refunded.max(refunded),
        disputed: picture.disputed(),
    });
}

/// A call that the processor refused did nothing: an authorization is over with it, unless it was `tried`
/// before and the answer was lost, for that one may have done something. Of the others the picture is
/// asked for, which says why.
fn refused(top_up: &mut TopUp, call: Call, code: &str, tried: bool) {
    match (call, top_up.state.is_final()) {
        (_, true) => {}
        (Call::Authorize, false) if !tried => end(top_up, TopUpState::Failed, code),
        (_, false) => {
            top_up.state = TopUpState::Unknown;
            top_up.reason = Some(code.to_owned());
        }
    }
}

fn go(top_up: &mut TopUp, state: TopUpState) {
    top_up.state = state;
    top_up.reason = None;
}

fn end(top_up: &mut TopUp, state: TopUpState, reason: &str) {
    top_up.state = state;
    top_up.reason = Some(reason.to_owned());
}

/// What the processor's word on the buyer is worth. Where it says nothing, the vendor's policy says above
/// which amount that is not enough.
fn risk(picture: &Payment, policy: &Policy, top_up: &TopUp) -> (CreditStatus, String) {
    let (status, reason) = match picture.risk.as_ref().map(|risk| &risk.level) {
        Some(RiskLevel::Normal) => (CreditStatus::Good, "risk_normal"),
        Some(RiskLevel::Elevated) => (CreditStatus::Doubtful, "risk_elevated"),
        Some(RiskLevel::Highest) => (CreditStatus::Bad, "risk_highest"),
        Some(RiskLevel::Unknown(_)) => (CreditStatus::Doubtful, "risk_unknown"),
        None if policy.fail_closed_above.is_some_and(|most| top_up.tokens > most) => {
            (CreditStatus::Doubtful, "risk_not_told")
        }
        None => (CreditStatus::Good, "risk_not_told"),
    };
    (status, reason.to_owned())
}

#[cfg(test)]
mod tests {
    use scrip_domain::Amount;
    use scrip_domain::top_up::TopUpMethod;

    use super::*;

    fn top_up(state: TopUpState) -> TopUp {
        TopUp {
            id: Id::floor(Timestamp::from_millis(1_795_348_800_000)),
            account: Id::floor(Timestamp::from_millis(1_795_348_800_000)),
            state,
            reason: None,
            method: TopUpMethod::Card,
            payment_method: None,
            tokens: Amount::ZERO,
            pay: None,
            assessments: Vec::new(),
            payment: None,
            due: None,
            lots: Vec::new(),
            reversed: None,
            appeal: None,
            note: None,
            created_at: Timestamp::default(),
            credited_at: None,
            request: None,
        }
    }

    #[test]
    fn a_refusal_ends_an_authorization_only_if_no_earlier_one_can_have_arrived() {
        let after = |state, call, tried| {
            let mut after = top_up(state);
            refused(&mut after, call, "no_such_key", tried);
            (after.state, after.reason)
        };
        let code = Some("no_such_key".to_owned());
        let (authorizing, capturing) = (TopUpState::Authorizing, TopUpState::Capturing);
        assert_eq!(after(authorizing, Call::Authorize, false), (TopUpState::Failed, code.clone()));
        assert_eq!(after(authorizing, Call::Authorize, true), (TopUpState::Unknown, code.clone()));
        assert_eq!(after(capturing, Call::Capture, false), (TopUpState::Unknown, code));
        let credited = TopUpState::Credited;
        assert_eq!(after(credited, Call::Refund, true), (credited, None));
    }

    #[test]
    fn an_older_picture_lowers_no_sum_that_went_back() {
        let unit = scrip_domain::Unit::parse("EUR").unwrap();
        let amount = |units| Amount::new(units).unwrap();
        let picture = |refunded| Payment {
            name: processor::PaymentName::new("pi_1").unwrap(),
            top_up: None,
            state: PaymentState::Processing,
            money: Money { amount: amount(100), unit },
            refunded: amount(refunded),
            risk: None,
            disputes: Vec::new(),
        };
        let mut top_up = top_up(TopUpState::Credited);
        for (shown, known) in [(0, 0), (40, 40), (10, 40), (70, 70), (0, 70)] {
            pictured(&mut top_up, "demo", &picture(shown));
            let payment = top_up.payment.as_ref().unwrap();
            assert_eq!(payment.refunded, amount(known), "{shown}");
        }
    }

    #[test]
    fn what_brings_nothing_is_asked_ever_more_seldom_and_no_sooner_than_wished() {
        let at = Timestamp::from_millis(0);
        let errand =
            |attempts| Errand { top_up: top_up(TopUpState::Unknown).id, due_at: at, attempts };
        let wait =
            |attempts, retry_after| due_again(&errand(attempts), retry_after, at).due_at.millis();
        assert_eq!(
            [0, 1, 5, 40].map(|attempts| wait(attempts, None)),
            [2000, 4000, 64_000, 3_600_000]
        );
        assert_eq!(wait(0, Some(Span::minutes(1))), 60_000);
        assert_eq!(due_again(&errand(7), None, at).attempts, 8);
    }
}
