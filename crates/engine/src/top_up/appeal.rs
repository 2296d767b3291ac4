//! A buyer's appeal: a top-up that was declined without a person is looked at by one, once.

use scrip_domain::credit::Source;
use scrip_domain::top_up::{Appeal, TopUp, TopUpMethod, TopUpState};
use scrip_domain::{Id, Span, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};

use super::Minted;
use crate::ledger::Buyer;
use crate::{Engine, Outcome};

/// So long after the decline an appeal is heard.
const HEARD: Span = Span::days(7);

/// Why an appeal is not heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AppealRefusal {
    /// The buyer has no such top-up.
    NotFound,
    /// It was not declined, or by a person, or long ago, or money was reserved for it: its state.
    NotHeard(TopUpState),
    /// The account is frozen.
    AccountFrozen,
}

impl Engine {
    /// Asks for a person to look at a declined top-up. Doing it again changes nothing.
    pub async fn appeal(
        &self,
        buyer: Buyer,
        id: Id<TopUp>,
        message: String,
    ) -> Outcome<TopUp, AppealRefusal> {
        let minted = self.minted().await?;
        self.submit(AskPerson { id, buyer, message, minted }).await
    }
}

struct AskPerson {
    id: Id<TopUp>,
    buyer: Buyer,
    message: String,
    minted: Minted,
}

impl Command for AskPerson {
    type Receipt = TopUp;
    type Refusal = AppealRefusal;

    fn wants(&self, wants: &mut Wants) {
        wants.wallets.guard((self.buyer.wallet,));
        wants.accounts.read((self.buyer.account,));
        wants.top_ups.read((self.id,));
    }

    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<TopUp, AppealRefusal>, Fault> {
        let own = |top_up: &&TopUp| top_up.account == self.buyer.account;
        let Some(before) = books.top_ups.get(&(self.id,))?.filter(own) else {
            return Ok(Decision::refused(AppealRefusal::NotFound));
        };
        let mut changes = Changes::default();
        if before.appeal.is_some() {
            return Ok(Decision::done(before.clone(), changes));
        }
        if !is_heard(before, at) {
            return Ok(Decision::refused(AppealRefusal::NotHeard(before.state)));
        }
        let lost = || Fault::Bug("a buyer has no account".into());
        let account = books.accounts.get(&(self.buyer.account,))?.ok_or_else(lost)?;
        if account.frozen_at.is_some() {
            return Ok(Decision::refused(AppealRefusal::AccountFrozen));
        }
        let mut after = before.clone();
        after.appeal = Some(Appeal { message: self.message.clone(), at });
        after.state = TopUpState::InReview;
        changes.top_ups.push(Change::Update(after.clone()));
        self.minted.tell(&mut changes, &after, at);
        Ok(Decision::done(after, changes))
    }
}

/// A voucher that was declined is free again, and a reservation that was declined is let go: neither can be
/// taken up again.
fn is_heard(top_up: &TopUp, at: Timestamp) -> bool {
    let by_person = top_up.assessment().is_none_or(|last| last.source == Source::Staff);
    top_up.state == TopUpState::Declined
        && !by_person
        && top_up.payment.is_none()
        && top_up.method != TopUpMethod::Voucher
        && at < top_up.decided_at().plus(HEARD)
}
