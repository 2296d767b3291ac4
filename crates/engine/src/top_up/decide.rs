//! Staff's word on a top-up that waits for review.

use scrip_domain::audit::Act;
use scrip_domain::credit::{Assessment, CreditStatus, Source};
use scrip_domain::top_up::{TopUp, TopUpState};
use scrip_domain::{Id, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};
use serde_json::{Value, json};

use super::approved::over_limit;
use super::{Minted, Redeem, TopUpRefusal};
use crate::audit::{Note, Staff, difference};
use crate::ledger::Buyer;
use crate::{Engine, Outcome};

/// What staff say.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// Whether it may go on.
    pub approve: bool,
    /// Why, for the record.
    pub reason: String,
}

/// Why nothing was decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DecideRefusal {
    /// There is no such top-up.
    NotFound,
    /// It does not wait for review: its state.
    NotInReview(TopUpState),
    /// It cannot be credited.
    Refused(TopUpRefusal),
}

impl Engine {
    /// Decides on a top-up that waits for review.
    pub async fn decide_top_up(
        &self,
        by: Staff,
        id: Id<TopUp>,
        verdict: Verdict,
    ) -> Outcome<TopUp, DecideRefusal> {
        let Some(top_up) = self.store.top_up(id).await? else {
            return Ok(Err(DecideRefusal::NotFound));
        };
        let buyer = self.buyer_of(top_up.account).await?;
        let (note, minted) = (self.note(by)?, self.minted().await?);
        let voucher = self.redeemed_for(id).await?;
        let answer = self.submit(Decide { id, buyer, voucher, verdict, note, minted }).await?;
        if answer.as_ref().is_ok_and(|top_up| top_up.next_call().is_some()) {
            self.errands.notify_one();
        }
        Ok(answer)
    }
}

struct Decide {
    id: Id<TopUp>,
    buyer: Buyer,
    voucher: Option<Redeem>,
    verdict: Verdict,
    note: Note,
    minted: Minted,
}

impl Command for Decide {
    type Receipt = TopUp;
    type Refusal = DecideRefusal;

    fn wants(&self, wants: &mut Wants) {
        wants.wallets.guard((self.buyer.wallet,));
        wants.accounts.read((self.buyer.account,));
        self.minted.wants(wants);
        wants.top_ups.read((self.id,));
        wants.credit_files.read((self.buyer.account,));
        wants.debt_payments.read((self.buyer.wallet,));
        wants.credit_lines.read((self.buyer.account,));
        if let Some(voucher) = &self.voucher {
            voucher.wants(wants, self.buyer);
        }
    }

    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<TopUp, DecideRefusal>, Fault> {
        let missing = |what: &str| Fault::Bug(format!("a top-up has no {what}"));
        let top_up = books.top_ups.get(&(self.id,))?.ok_or_else(|| missing("row"))?;
        if top_up.state != TopUpState::InReview {
            return Ok(Decision::refused(DecideRefusal::NotInReview(top_up.state)));
        }
        let wallet = books.wallets.get(&(self.buyer.wallet,))?.ok_or_else(|| missing("wallet"))?;
        let account = books.accounts.get(&(top_up.account,))?.ok_or_else(|| missing("account"))?;
        let refused = |refusal| Ok(Decision::refused(DecideRefusal::Refused(refusal)));
        if self.verdict.approve && account.frozen_at.is_some() {
            return refused(TopUpRefusal::AccountFrozen);
        }
        if self.verdict.approve && wallet.posted().checked_add(top_up.tokens).is_none() {
            return refused(TopUpRefusal::TooMuch);
        }
        if self.verdict.approve && over_limit(books, top_up)? {
            return refused(TopUpRefusal::OverLimit);
        }
        let mut changes = Changes::default();
        let (judged, voucher) = (self.judged(top_up, at), self.voucher.as_ref());
        let judged = self.minted.go_on(books, &mut changes, wallet, judged, voucher, at)?;
        if let (TopUpState::Declined, Some(voucher)) = (judged.state, &self.voucher) {
            voucher.give_back(books, &mut changes, &judged)?;
        }
        if let Some(file) = books.credit_files.get(&(top_up.account,))? {
            changes.credit_files.push(Change::Update(file.came_to(judged.state)));
        }
        changes.top_ups.push(Change::Update(judged.clone()));
        self.minted.tell(&mut changes, &judged, at);
        let what = json!({ "decision": judged.assessment().map(|last| last.decision), "reason": self.verdict.reason });
        let what = difference(&Value::Null, &what);
        self.note.write(&mut changes, Act::TopUpDecided, judged.id, what, at);
        Ok(Decision::done(judged, changes))
    }
}

impl Decide {
    /// The top-up with what staff say of it.
    fn judged(&self, top_up: &TopUp, at: Timestamp) -> TopUp {
        let approve = self.verdict.approve;
        let status = if approve { CreditStatus::Good } else { CreditStatus::Bad };
        let policy = top_up.assessment().map_or(0, |before| before.policy);
        let (id, reasons) = (self.minted.assessment, vec!["reviewed".to_owned()]);
        let mut judged = top_up.clone();
        judged.assessments.push(Assessment::made(id, Source::Staff, status, reasons, policy, at));
        judged.state = match &top_up.payment {
            _ if !approve => TopUpState::Declined,
            Some(payment) if payment.open => TopUpState::Capturing,
            _ => judged.method.once_approved(),
        };
        judged
    }
}
