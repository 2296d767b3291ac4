//! An external bureau's word on a top-up, between its creation and the money decision.
//!
//! The top-up stands in `assessing` with an errand; the worker asks, and hands in whatever came of it. The
//! first decline wins, a review stays one, and a bureau that fails closes above the amount that the vendor's
//! policy names, and is open below; each of these is on record. It is asked once: time is bounded in all.

use scrip_domain::credit::{Assessment, CreditDecision, CreditFile, CreditStatus, Policy, Source};
use scrip_domain::settings::Vendor;
use scrip_domain::top_up::{TopUp, TopUpState};
use scrip_domain::{Id, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};

use super::approved::over_limit;
use super::{Minted, TopUpMethod};
use crate::Engine;
use crate::bureau::{BureauError, Inquiry, Opinion};
use crate::ledger::Buyer;

/// Whether the bureau is asked about a top-up that the rules did not decline: where somebody is to pay
/// later or may take it back. A voucher, and what staff do, are paid.
pub(super) fn asks_bureau(policy: &Policy, top_up: &TopUp) -> bool {
    let pays =
        matches!(top_up.method, TopUpMethod::Card | TopUpMethod::Offline | TopUpMethod::CreditLine);
    pays && policy.ask_bureau_above.is_none_or(|most| top_up.tokens > most)
}

impl Engine {
    /// Asks the bureau about a top-up that waits for it, and books the answer, or that there is none.
    pub(super) async fn ask_bureau(&self, top_up: &TopUp) -> Result<(), Fault> {
        let assessment = self.mint()?;
        let opinion = match &self.bureau {
            Some(bureau) => bureau.assess(&self.inquiry(assessment, top_up).await?).await,
            None => Err(BureauError::NotSetUp),
        };
        if let Err(error) = &opinion {
            tracing::warn!(top_up = %top_up.id, %error, "the bureau has no opinion");
        }
        let buyer = self.buyer_of(top_up.account).await?;
        let (vendor, minted) = (self.vendor().await?.id, self.minted().await?);
        let id = top_up.id;
        let assessed = Assessed { id, buyer, vendor, opinion, assessment, minted };
        let answer: Result<TopUp, std::convert::Infallible> = self.submit(assessed).await?;
        let Ok(top_up) = answer;
        if top_up.next_call().is_some() {
            self.errands.notify_one();
        }
        Ok(())
    }

    async fn inquiry(&self, assessment: Id<Assessment>, top_up: &TopUp) -> Result<Inquiry, Fault> {
        let lost = || Fault::Bug("an account is gone".into());
        let account = top_up.account;
        let file = self.store.credit_file(account).await?;
        let rules = top_up.assessment();
        Ok(Inquiry {
            assessment,
            top_up: top_up.id,
            account,
            opened_at: self.member(account).await?.ok_or_else(lost)?.account.created_at,
            method: top_up.method,
            tokens: (top_up.tokens, self.vendor().await?.settings.token.code),
            pay: top_up.pay,
            file: file.unwrap_or_else(|| CreditFile::empty(account)),
            rules: rules.map(|rules| (rules.decision, rules.reasons.clone())),
            at: self.now(),
        })
    }
}

struct Assessed {
    id: Id<TopUp>,
    buyer: Buyer,
    vendor: Id<Vendor>,
    opinion: Result<Opinion, BureauError>,
    assessment: Id<Assessment>,
    minted: Minted,
}

impl Command for Assessed {
    type Receipt = TopUp;
    type Refusal = std::convert::Infallible;

    fn wants(&self, wants: &mut Wants) {
        wants.wallets.guard((self.buyer.wallet,));
        wants.accounts.read((self.buyer.account,));
        wants.vendor.read((self.vendor,));
        wants.top_ups.read((self.id,));
        wants.credit_files.read((self.buyer.account,));
        wants.credit_lines.read((self.buyer.account,));
        wants.debt_payments.read((self.buyer.wallet,));
        wants.errands.read((self.id,));
    }

    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<TopUp, Self::Refusal>, Fault> {
        let missing = |what: &str| Fault::Bug(format!("a top-up has no {what}"));
        let before = books.top_ups.get(&(self.id,))?.ok_or_else(|| missing("row"))?;
        let mut changes = Changes::default();
        if before.state != TopUpState::Assessing {
            // Another server asked as well, and was faster.
            return Ok(Decision::done(before.clone(), changes));
        }
        let vendor = books.vendor.get(&(self.vendor,))?.ok_or_else(|| missing("vendor"))?;
        let wallet = books.wallets.get(&(self.buyer.wallet,))?.ok_or_else(|| missing("wallet"))?;
        let mut after = before.clone();
        self.judge(&mut after, &vendor.settings.credit, at);
        self.hinder(books, &mut after, at)?;
        if let Some(errand) = books.errands.get(&(self.id,))? {
            changes.errands.push(Change::Delete(errand.clone()));
        }
        let after = self.minted.go_on(books, &mut changes, wallet, after, None, at)?;
        if let Some(file) = books.credit_files.get(&(self.buyer.account,))? {
            changes.credit_files.push(Change::Update(file.came_to(after.state)));
        }
        changes.top_ups.push(Change::Update(after.clone()));
        self.minted.tell(&mut changes, &after, at);
        Ok(Decision::done(after, changes))
    }
}

impl Assessed {
    /// Puts the top-up where the bureau's word and the rules' together lead.
    fn judge(&self, top_up: &mut TopUp, policy: &Policy, at: Timestamp) {
        let rules = top_up.assessment().map_or(CreditDecision::Review, |rules| rules.decision);
        let (status, decision, reasons) = match &self.opinion {
            Ok(opinion) => (opinion.decision.status(), opinion.decision, opinion.reasons.clone()),
            Err(error) => {
                let decision = policy.without_bureau(top_up.tokens);
                (CreditStatus::Error, decision, vec![error.word().to_owned()])
            }
        };
        let (id, source) = (self.assessment, Source::Bureau);
        let made = Assessment::made(id, source, status, reasons, policy.version, at);
        let opinion = self.opinion.as_ref().ok();
        let assessment = Assessment {
            decision: rules.and(decision),
            score: opinion.and_then(|opinion| opinion.score),
            valid_until: opinion
                .and_then(|opinion| opinion.valid_until)
                .unwrap_or(made.valid_until),
            evidence: opinion.map(|opinion| opinion.evidence.clone()),
            ..made
        };
        top_up.state = top_up.state_after(assessment.decision);
        top_up.assessments.push(assessment);
    }

    /// What has come between meanwhile: other draws on the credit line, a frozen account, a full wallet.
    fn hinder(&self, books: &Books, top_up: &mut TopUp, at: Timestamp) -> Result<(), Fault> {
        let missing = |what: &str| Fault::Bug(format!("a buyer has no {what}"));
        let account = books.accounts.get(&(top_up.account,))?.ok_or_else(|| missing("account"))?;
        let wallet = books.wallets.get(&(self.buyer.wallet,))?.ok_or_else(|| missing("wallet"))?;
        if top_up.state == TopUpState::Declined || top_up.state == TopUpState::InReview {
            return Ok(());
        }
        if over_limit(books, top_up)? {
            let (id, policy) =
                (self.minted.assessment, top_up.assessment().map_or(0, |a| a.policy));
            let reasons = vec!["over_limit".to_owned()];
            let (source, status) = (Source::CreditLine, CreditStatus::Bad);
            top_up.assessments.push(Assessment::made(id, source, status, reasons, policy, at));
            top_up.state = TopUpState::Declined;
        } else if account.frozen_at.is_some() {
            top_up.state = TopUpState::Cancelled;
            top_up.reason = Some("account_frozen".to_owned());
        } else if wallet.posted().checked_add(top_up.tokens).is_none() {
            top_up.state = TopUpState::Cancelled;
            top_up.reason = Some("wallet_full".to_owned());
        }
        Ok(())
    }
}
