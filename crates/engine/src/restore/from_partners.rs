//! A vendor that was restored asks each partner for what the two have signed since.
//!
//! ```text
//! agreement ─▶ signed by both? ─▶ adopt.rs
//! exchange  ─▶ our own word, for this partner, each document on the one before? ─▶ whose? ─▶ rebook.rs, reissue.rs ─▶ booked
//!   │            └─ no: not believed, logged                                          └─ nobody's ─┴─▶ listed
//!   └─ by a key that is not in the backup: nobody can tell, listed
//! cycle     ─▶ closed here too, and reckoned with the partner's account ─▶ agreed, or listed
//! ```
//! A partner can show nothing but what this server has signed: its own word, found again. Of the partner's words those count
//! that it has signed, and those by which it only says what it does itself.

use std::collections::{BTreeMap, BTreeSet};

use scrip_domain::account::Account as Holder;
use scrip_domain::agreement::{Agreement, By, Cycle};
use scrip_domain::connection::SubjectName;
use scrip_domain::document::Document;
use scrip_domain::document::exchange::{
    Acceptance, Account, Answer, Answered, Commit, Paid, Prepared, Proposal, Quote,
};
use scrip_domain::exchange::{Exchange, ExchangeState};
use scrip_domain::partner::Partner;
use scrip_domain::restore::{Epoch, Lack, Reunion};
use scrip_domain::statement::StatementState;
use scrip_domain::{Amount, Id, Timestamp};
use scrip_license::jws;
use scrip_storage::Fault;

use super::from_merchants::{MOST_UNPROVEN, claims};
use super::{Heard, Lacking, Said};
use crate::Engine;
use crate::agreement::Both;
use crate::exchange::rebook::{Committed, NotRebooked};
use crate::exchange::reissue::Fulfilled;
use crate::partner::{Agreed, Closed, Exchanged, SettlementNews, Standing, Way};
use crate::peer::PeerError;
use crate::purchase_request::subject_from;

/// Why a document is not used; the page is asked for again when nobody could tell.
enum Not {
    /// It is not to be believed; a sentence says why.
    Believed(&'static str),
    /// Nobody can tell now.
    Known(String),
}

impl From<&'static str> for Not {
    fn from(why: &'static str) -> Self {
        Self::Believed(why)
    }
}

/// An exchange that a partner shows.
enum Shown {
    /// Of our tokens, not looked at yet.
    Commit(Exchanged),
    /// For our tokens, fulfilled by our own word.
    Answer(Box<OwnAnswer>),
}

/// That we had fulfilled an exchange, under an agreement that the books know.
struct OwnAnswer {
    agreement: Id<Agreement>,
    papers: Fulfilled,
}

/// Of whom what is heard is heard, and after which restore.
#[derive(Clone, Copy)]
struct Ear<'a> {
    reunion: &'a Reunion,
    epoch: &'a Epoch,
    partner: &'a Partner,
}

impl Ear<'_> {
    /// Whether something was signed before everything that the books may lack: they know it, or it is settled by hand.
    fn is_of_before(&self, issued_at: u64) -> bool {
        issued_at < self.epoch.since.unix_seconds()
    }

    fn warn(&self, why: &str) {
        let partner = self.partner.id;
        tracing::warn!(security = true, %partner, why, "what a partner shows is not believed");
    }
}

impl Engine {
    /// A page of what a partner has.
    pub(super) async fn hear_partner(
        &self,
        reunion: &Reunion,
        epoch: &Epoch,
    ) -> Result<Result<Heard, String>, Fault> {
        let Some(partners) = self.partners() else {
            return Ok(Err("there is no way to other vendors".to_owned()));
        };
        let Some(partner) = self.store.partner_by_url(&reunion.peer).await? else {
            return Ok(Err("there is no such partner".to_owned()));
        };
        let page = match partners.history(&partner.url, epoch.since, &reunion.place).await {
            Ok(page) => page,
            // Nothing was ever agreed, and it does not know us: there is nothing to be heard.
            Err(PeerError::Refused { code, .. })
                if code == "signature_refused" && partner.currency.is_none() =>
            {
                return Ok(Ok(Heard { next: None }));
            }
            Err(error) => return Ok(Err(error.to_string())),
        };
        if page.next.as_deref() == Some(reunion.place.as_str()) {
            return Ok(Err("the partner goes round in a circle".to_owned()));
        }
        let ear = Ear { reunion, epoch, partner: &partner };
        if let Some(standing) = page.standing {
            self.hear_standing(ear, standing).await?;
        }
        for agreed in page.agreements {
            if let Err(why) = self.hear_agreed(ear, agreed).await? {
                return Ok(Err(why));
            }
        }
        let mut shown = Vec::with_capacity(page.exchanges.len());
        for exchanged in page.exchanges {
            shown.push(match exchanged.way {
                Way::In => Shown::Commit(exchanged),
                Way::Out => match self.own_answer(ear, exchanged).await? {
                    Some(answer) => Shown::Answer(Box::new(answer)),
                    None => continue,
                },
            });
        }
        let receivers = self.receivers(&partner, &shown).await?;
        // In the order in which they came: what one brings another may take.
        for one in shown {
            match one {
                Shown::Commit(exchanged) => {
                    if let Err(why) = self.hear_own_commit(ear, exchanged).await? {
                        return Ok(Err(why));
                    }
                }
                Shown::Answer(answer) => {
                    let receiver = receivers.get(&answer.papers.subject).copied();
                    self.put_answer_back(ear, receiver, *answer).await?;
                }
            }
        }
        for closed in page.cycles {
            self.hear_closed(ear, closed).await?;
        }
        Ok(Ok(Heard { next: page.next }))
    }

    /// Whether the two exchange: what the partner says of itself, and what we had said of us.
    async fn hear_standing(&self, ear: Ear<'_>, standing: Standing) -> Result<(), Fault> {
        let time = Timestamp::from_unix_millis;
        let Standing { suspended, since, told, told_since } = standing;
        self.hear_suspension(ear.partner, suspended, time(since)).await?;
        self.recall_suspension(ear.partner, told, time(told_since)).await?;
        Ok(())
    }

    /// An agreement that both have signed is taken over.
    async fn hear_agreed(&self, ear: Ear<'_>, agreed: Agreed) -> Result<Result<(), String>, Fault> {
        let name = format!("agreement {}", jws::digest(&agreed.proposal));
        let list = |detail: &str| {
            let (name, detail) = (name.clone(), detail.to_owned());
            let (order, lack, amount) = (String::new(), Lack::Key, Amount::ZERO);
            Lacking { name, order, lack, amount, detail }
        };
        let documents = [&agreed.proposal, &agreed.acceptance];
        let both = match self.both_signed(ear.partner, &agreed).await {
            Ok(both) => both,
            Err(Not::Known(why)) => return Ok(Err(why)),
            Err(Not::Believed(_))
                if documents.into_iter().any(|text| self.is_ours_by_a_lost_key(ear, text)) =>
            {
                let detail = "an agreement that is signed by a key that is not in the backup: propose it anew";
                self.list_unproven(ear, list(detail)).await?;
                return Ok(Ok(()));
            }
            Err(Not::Believed(why)) => {
                ear.warn(why);
                return Ok(Ok(()));
            }
        };
        match self.adopt_agreement(ear.partner, both).await? {
            Ok(()) => {}
            Err(_) => {
                let detail = "both had agreed on it, and the books say otherwise: propose it anew";
                self.list(ear.reunion, Lacking { lack: Lack::Conflict, ..list(detail) }).await?;
                return Ok(Ok(()));
            }
        }
        // Who has ended it may be one that is known here.
        if let Some(ends_at) = agreed.ends_at {
            let ends = crate::agreement::Told::Ends(jws::digest(&agreed.proposal), ends_at);
            // One that is over already stays so.
            let _ = self.hear_notice(ear.partner, ends).await?;
        }
        Ok(Ok(()))
    }

    /// Both documents of an agreement, one signed by us and the other by the partner.
    async fn both_signed(&self, partner: &Partner, agreed: &Agreed) -> Result<Both, Not> {
        let Agreed { proposal, acceptance, .. } = agreed;
        let ours: Result<Said<Proposal>, _> = self.own_word(&partner.url, proposal.clone());
        let both = if let Ok(proposal) = ours {
            let acceptance: Said<Acceptance> = self.its_word(partner, acceptance).await?;
            Both { by: By::Us, proposal, acceptance }
        } else {
            let acceptance: Said<Acceptance> = self.own_word(&partner.url, acceptance.clone())?;
            let proposal: Said<Proposal> = self.its_word(partner, proposal).await?;
            Both { by: By::Them, proposal, acceptance }
        };
        if both.acceptance.1.proposal != jws::digest(&both.proposal.0) {
            return Err(Not::Believed("an acceptance of another proposal"));
        }
        Ok(both)
    }

    /// A document that the partner has signed for this server.
    async fn its_word<T: Document>(&self, partner: &Partner, text: &str) -> Result<Said<T>, Not> {
        match self.signed_by_partner::<T>(partner, text).await {
            Ok(read) => Ok((text.to_owned(), read)),
            Err(PeerError::Unanswered(why)) => Err(Not::Known(why)),
            Err(_) => Err(Not::Believed("a document that the partner has not signed for us")),
        }
    }

    /// Whether a document says that this server has signed it, by a key that is not in the backup.
    fn is_ours_by_a_lost_key(&self, ear: Ear<'_>, text: &str) -> bool {
        #[derive(serde::Deserialize)]
        struct Issued {
            iss: String,
            aud: String,
        }
        let issued = crate::statement::claims::<Issued>(text).ok();
        let is_ours = issued
            .is_some_and(|issued| issued.iss == self.public_url() && issued.aud == ear.partner.url);
        is_ours && self.is_of_a_lost_key(text)
    }

    /// Lists what nobody can tell, of which a partner could invent any number.
    async fn list_unproven(&self, ear: Ear<'_>, lacking: Lacking) -> Result<(), Fault> {
        if ear.reunion.listed < MOST_UNPROVEN {
            return self.list(ear.reunion, lacking).await;
        }
        ear.warn("too much by keys that are unknown");
        Ok(())
    }

    /// An exchange of our tokens that this server has committed, by the partner's copy.
    async fn hear_own_commit(
        &self,
        ear: Ear<'_>,
        shown: Exchanged,
    ) -> Result<Result<(), String>, Fault> {
        let commit: Said<Commit> = match self.own_word(&ear.partner.url, shown.commit.clone()) {
            Ok(commit) => commit,
            Err(why) => {
                self.doubt(ear, &shown.commit, why, |commit: &Commit| {
                    (commit.exchange.clone(), commit.figures.give)
                })
                .await?;
                return Ok(Ok(()));
            }
        };
        let Ok(exchange) = commit.1.exchange.parse::<Id<Exchange>>() else {
            ear.warn("a commit of no exchange");
            return Ok(Ok(()));
        };
        if ear.is_of_before(commit.1.issued_at) {
            return Ok(Ok(()));
        }
        // No id is minted a second time that the forgotten self had given to it.
        self.stay_above(exchange).await?;
        let answer = match &shown.answer {
            Some(text) => match self.its_word::<Answer>(ear.partner, text).await {
                Ok(answer) => Some(answer).filter(|(_, said)| {
                    said.exchange == commit.1.exchange && said.commit == jws::digest(&commit.0)
                }),
                Err(Not::Known(why)) => return Ok(Err(why)),
                Err(Not::Believed(why)) => {
                    ear.warn(why);
                    None
                }
            },
            None => None,
        };
        self.put_commit_back(ear, exchange, commit, shown, answer).await?;
        Ok(Ok(()))
    }

    /// Books a commit of ours, and the partner's word on it; or lists it.
    async fn put_commit_back(
        &self,
        ear: Ear<'_>,
        exchange: Id<Exchange>,
        commit: Said<Commit>,
        shown: Exchanged,
        answer: Option<Said<Answer>>,
    ) -> Result<(), Fault> {
        let figures = commit.1.figures;
        let known = self.store.exchange(exchange).await?;
        let none = answer.as_ref().is_some_and(|(_, said)| said.outcome != Answered::Fulfilled);
        match &known {
            // What is committed is asked about by the worker.
            Some(known) if known.commit.as_ref() == Some(&commit.0) => return Ok(()),
            Some(known)
                if matches!(known.state, ExchangeState::Refused | ExchangeState::Expired)
                    && none =>
            {
                return Ok(());
            }
            // It came to nothing, and nothing is held for it here.
            None if none => {
                return self.close_through(ear.partner, commit.1.cycle.saturating_sub(1)).await;
            }
            Some(_) | None => {}
        }
        let list = |lack, detail: String| {
            let owed = figures.compensation.units();
            let detail =
                format!("{detail}; {owed} millionths of {} are owed for it", commit.1.currency);
            Lacking::of(exchange, "", lack, figures.give, detail)
        };
        let (account, agreement, prepared, quote) = match self
            .whose_commit(ear, known, &commit, shown)
            .await?
        {
            Ok(found) => found,
            Err((lack, why)) => return self.list(ear.reunion, list(lack, why.to_owned())).await,
        };
        let is_each = agreement.terms.cycle == Cycle::Each;
        let through = commit.1.cycle.saturating_sub(u32::from(!is_each));
        self.close_through(ear.partner, through).await?;
        let papers = Committed { exchange, commit: commit.clone(), prepared, quote };
        let booked =
            self.rebook_exchange(ear.reunion, ear.partner.id, agreement.id, account, papers);
        match booked.await? {
            Ok(()) => {}
            Err(NotRebooked::Short(most)) => {
                let detail = format!(
                    "the buyer {account} gave this after the backup, and of what the wallet holds {} may move",
                    most.units()
                );
                return self.list(ear.reunion, list(Lack::Funds, detail)).await;
            }
            Err(NotRebooked::Conflict(why)) => {
                return self.list(ear.reunion, list(Lack::Conflict, why.to_owned())).await;
            }
        }
        if let (Some((text, said)), Some(row)) = (answer, self.store.exchange(exchange).await?) {
            // What cannot be booked now, the worker asks about again.
            self.saw_answer(&row, text, &said).await?;
        }
        Ok(())
    }

    /// Whose tokens were given, under which agreement; with what the commit rests on.
    async fn whose_commit(
        &self,
        ear: Ear<'_>,
        known: Option<Exchange>,
        commit: &Said<Commit>,
        shown: Exchanged,
    ) -> Result<Result<(Id<Holder>, Agreement, String, Said<Quote>), (Lack, &'static str)>, Fault>
    {
        let kept = match &known {
            Some(known) => self.store.exchange_quote(known.quote).await?.map(|kept| kept.document),
            None => None,
        };
        let unlike = Ok(Err((Lack::Conflict, "the documents do not lie on each other")));
        let (Some(prepared), Some(quote)) = (shown.prepared, kept.or(shown.quote)) else {
            return Ok(Err((Lack::Link, "the partner does not show whose tokens were given")));
        };
        let read = (claims::<Prepared>(&prepared), claims::<Quote>(&quote));
        let (Some(said), Some(quoted)) = read else { return unlike };
        let lies = commit.1.prepared == jws::digest(&prepared)
            && said.quote == jws::digest(&quote)
            && said.exchange == commit.1.exchange
            && quoted.figures == commit.1.figures;
        if !lies {
            return unlike;
        }
        let Some(agreement) = self.agreement_called(ear.partner, &quoted.agreement).await? else {
            return Ok(Err((
                Lack::Conflict,
                "it was committed under an agreement that is not in these books",
            )));
        };
        let account = match &known {
            Some(known) => Some(known.account),
            None => match &*self.store.links_to(ear.partner.id, &quoted.subject).await? {
                [link] => Some(link.account),
                _ => None,
            },
        };
        let Some(account) = account else {
            let why = "the buyer linked the account at the partner after the backup";
            return Ok(Err((Lack::Link, why)));
        };
        Ok(Ok((account, agreement, prepared, (quote, quoted))))
    }

    /// An exchange for our tokens that this server has answered, by the partner's copy; none where nothing is to be booked of it.
    async fn own_answer(&self, ear: Ear<'_>, shown: Exchanged) -> Result<Option<OwnAnswer>, Fault> {
        // A commit without a word of ours comes again by itself.
        let Some(text) = shown.answer.clone() else { return Ok(None) };
        let answer: Said<Answer> = match self.own_word(&ear.partner.url, text.clone()) {
            Ok(answer) => answer,
            Err(why) => {
                let receive = claims::<Commit>(&shown.commit).map(|commit| commit.figures.receive);
                self.doubt(ear, &text, why, |answer: &Answer| {
                    (answer.exchange.clone(), receive.unwrap_or(Amount::ZERO))
                })
                .await?;
                return Ok(None);
            }
        };
        if answer.1.outcome != Answered::Fulfilled || ear.is_of_before(answer.1.issued_at) {
            return Ok(None);
        }
        let Ok(exchange) = answer.1.exchange.parse::<Id<Exchange>>() else {
            ear.warn("an answer about no exchange");
            return Ok(None);
        };
        let known = self.store.incoming_exchange(ear.partner.id, exchange).await?;
        if known.is_some_and(|known| known.answer.as_ref() == Some(&text)) {
            return Ok(None);
        }
        let receive = claims::<Commit>(&shown.commit).map(|commit| commit.figures.receive);
        let conflict = |detail: &str| {
            Lacking::of(exchange, "", Lack::Conflict, receive.unwrap_or(Amount::ZERO), detail)
        };
        let Some(papers) = fulfilled(exchange, answer, shown) else {
            let detail = "we had fulfilled it, and the documents do not lie on each other";
            self.list(ear.reunion, conflict(detail)).await?;
            return Ok(None);
        };
        let Some(agreement) = self.agreement_called(ear.partner, &papers.quote.1.agreement).await?
        else {
            let detail = "we had fulfilled it under an agreement that is not in these books";
            self.list(ear.reunion, conflict(detail)).await?;
            return Ok(None);
        };
        Ok(Some(OwnAnswer { agreement: agreement.id, papers }))
    }

    /// Books what we had issued to `receiver`, or lists it.
    async fn put_answer_back(
        &self,
        ear: Ear<'_>,
        receiver: Option<Id<Holder>>,
        answer: OwnAnswer,
    ) -> Result<(), Fault> {
        let OwnAnswer { agreement, papers } = answer;
        let (exchange, amount) = (papers.exchange, papers.commit.1.figures.receive);
        let list = |lack, detail: &str| Lacking::of(exchange, "", lack, amount, detail);
        let Some(account) = receiver else {
            let detail = "its buyer's account was opened after the backup, and has lost what came";
            return self.list(ear.reunion, list(Lack::Buyer, detail)).await;
        };
        let booked =
            self.reissue_exchange(ear.reunion, ear.partner, agreement, account, papers).await?;
        if let Err(NotRebooked::Conflict(why)) = booked {
            self.list(ear.reunion, list(Lack::Conflict, why)).await?;
        }
        Ok(())
    }

    /// The accounts behind the names that the partner has for those to whom we had issued.
    async fn receivers(
        &self,
        partner: &Partner,
        shown: &[Shown],
    ) -> Result<BTreeMap<SubjectName, Id<Holder>>, Fault> {
        let subject = |one: &Shown| match one {
            Shown::Answer(answer) => Some(answer.papers.subject),
            Shown::Commit(_) => None,
        };
        let (mut receivers, mut unknown) = (BTreeMap::new(), BTreeSet::new());
        for subject in shown.iter().filter_map(subject).collect::<BTreeSet<_>>() {
            match self.store.partner_subject(partner.id, subject).await? {
                Some(known) => drop(receivers.insert(subject, known.account)),
                // Who linked after the backup.
                None => drop(unknown.insert(subject)),
            }
        }
        let name_of = |account| self.partner_subject_of(account, partner.id);
        receivers.extend(self.reckoned(unknown, name_of).await?);
        Ok(receivers)
    }

    /// What is not proved to be our word: listed, with what it says for itself, where a lost key may have signed it.
    async fn doubt<T: Document>(
        &self,
        ear: Ear<'_>,
        text: &str,
        why: &str,
        stake: impl Fn(&T) -> (String, Amount),
    ) -> Result<(), Fault> {
        let said = claims::<T>(text).filter(|_| self.is_ours_by_a_lost_key(ear, text));
        let Some((name, amount)) = said.as_ref().map(stake) else {
            ear.warn(why);
            return Ok(());
        };
        let detail = "the partner shows documents by a key that is not in the backup: compare them with what you know";
        let name: String = name.chars().take(100).collect();
        let (order, lack, detail) = (String::new(), Lack::Key, detail.to_owned());
        self.list_unproven(ear, Lacking { name, order, lack, amount, detail }).await
    }

    /// Closes cycles here, as the forgotten self had, up to this one.
    async fn close_through(&self, partner: &Partner, cycle: u32) -> Result<(), Fault> {
        loop {
            let lost = || Fault::Bug("a partner is gone".into());
            let now = self.store.partner(partner.id).await?.ok_or_else(lost)?;
            if now.cycle > cycle || self.close_open(&now, Some(now.cycle), None).await?.is_err() {
                return Ok(());
            }
        }
    }

    /// A cycle that was closed: it is closed here too, and reckoned with what the partner has signed.
    async fn hear_closed(&self, ear: Ear<'_>, closed: Closed) -> Result<(), Fault> {
        let Closed { cycle, account, heard, payment } = closed;
        let ours = heard.and_then(|text| self.own_word::<Account>(&ear.partner.url, text).ok());
        if ours.is_some_and(|(_, account)| account.cycle == cycle) {
            self.close_through(ear.partner, cycle).await?;
        }
        if let Some(account) = account {
            // What is not believed there is on record there.
            let _ = self.hear_account(ear.partner, cycle, account).await?;
        }
        let Some(statement) = self.store.statement_of(ear.partner.id, cycle).await? else {
            return Ok(());
        };
        if statement.state == StatementState::Disputed {
            let detail = format!(
                "what both had signed for cycle {cycle} is not what these books give: the statement lists in what they differ"
            );
            self.list(ear.reunion, of_cycle(cycle, Lack::Statement, detail)).await?;
        }
        match payment {
            Some(payment) => self.hear_payment(ear, cycle, payment).await,
            None => Ok(()),
        }
    }

    /// What had become of the payment of a cycle: by a signed receipt it is booked; what was only under way is for people.
    async fn hear_payment(
        &self,
        ear: Ear<'_>,
        cycle: u32,
        payment: SettlementNews,
    ) -> Result<(), Fault> {
        let lost = match &payment {
            SettlementNews::Received(_) => {
                "it was paid, and cannot be booked: compare the statement"
            }
            SettlementNews::Instructed(_) => "it was instructed: look whether the bank has paid it",
            SettlementNews::Sent(_) => "it was said to have gone out: do not pay it again",
        };
        let heard = match payment {
            SettlementNews::Received(receipt) => {
                match self.own_word::<Paid>(&ear.partner.url, receipt.clone()) {
                    Ok((receipt, paid)) if paid.cycle == cycle => {
                        self.recall_receipt(ear.partner, receipt, paid).await?
                    }
                    _ => {
                        let received = SettlementNews::Received(receipt);
                        self.hear_settlement(ear.partner, cycle, received).await?
                    }
                }
            }
            news => self.hear_settlement(ear.partner, cycle, news).await?,
        };
        if heard.is_ok() {
            return Ok(());
        }
        let detail = format!("the payment of cycle {cycle} after the backup: {lost}");
        self.list(ear.reunion, of_cycle(cycle, Lack::Payment, detail)).await
    }
}

/// Something about a cycle; what differs and what was paid are two things.
fn of_cycle(cycle: u32, lack: Lack, detail: String) -> Lacking {
    let name = match lack {
        Lack::Payment => format!("payment of cycle {cycle}"),
        _ => format!("cycle {cycle}"),
    };
    Lacking { name, order: String::new(), lack, amount: Amount::ZERO, detail }
}

/// The documents below a final word of ours, if each lies on the one before. That it names them is enough: they were verified
/// when it was signed.
fn fulfilled(exchange: Id<Exchange>, answer: Said<Answer>, shown: Exchanged) -> Option<Fulfilled> {
    let Exchanged { quote, prepared, commit, .. } = shown;
    let (quote, prepared) = (quote?, prepared?);
    let read =
        (claims::<Commit>(&commit)?, claims::<Prepared>(&prepared)?, claims::<Quote>(&quote)?);
    let (committed, said, quoted) = read;
    let lies = answer.1.commit == jws::digest(&commit)
        && committed.prepared == jws::digest(&prepared)
        && said.quote == jws::digest(&quote)
        && [&committed.exchange, &said.exchange].iter().all(|name| **name == answer.1.exchange)
        && quoted.figures == committed.figures;
    let subject = subject_from(&quoted.subject).filter(|_| lies)?;
    let (commit, prepared, quote) = ((commit, committed), (prepared, said), (quote, quoted));
    Some(Fulfilled { exchange, answer, commit, prepared, quote, subject })
}

#[cfg(test)]
mod tests {
    use scrip_domain::Unit;
    use scrip_domain::agreement::Figures;
    use scrip_license::SigningKey;

    use super::*;

    fn signed<D: Document>(document: &D) -> String {
        jws::sign(&SigningKey::from_seed([5; 32]), D::TYP, document).unwrap()
    }

    fn figures(receive: u64) -> Figures {
        let (one, receive) = (Amount::ONE, Amount::new(receive).unwrap());
        Figures { give: one, receive, compensation: one, numerator: 1, denominator: 1 }
    }

    fn unit(code: &str) -> Unit {
        Unit::parse(code).unwrap()
    }

    fn quote(receive: u64) -> String {
        signed(&Quote {
            issuer: "b".to_owned(),
            audience: "a".to_owned(),
            subject: crate::purchase_request::subject_text([7; 16]),
            nonce: "n".to_owned(),
            issued_at: 1,
            agreement: "g".to_owned(),
            give_token: unit("AUR"),
            receive_token: unit("BEL"),
            figures: figures(receive),
            spread_basis_points: 0,
            currency: unit("EUR"),
            expires_seconds: 60,
        })
    }

    /// What both have of one exchange, whose documents say `exchange`.
    fn shown(exchange: &str) -> (Said<Answer>, Exchanged) {
        let (issuer, audience) = ("b".to_owned(), "a".to_owned());
        let (exchange, quote) = (exchange.to_owned(), quote(3));
        let (issued_at, commit_seconds) = (1, 180);
        let prepared = signed(&Prepared {
            issuer: issuer.clone(),
            audience: audience.clone(),
            issued_at,
            exchange: exchange.clone(),
            quote: jws::digest(&quote),
            commit_seconds,
        });
        let commit = signed(&Commit {
            issuer: audience.clone(),
            audience: issuer.clone(),
            issued_at,
            exchange: exchange.clone(),
            prepared: jws::digest(&prepared),
            figures: figures(3),
            currency: unit("EUR"),
            cycle: 1,
        });
        let (outcome, reason) = (Answered::Fulfilled, None);
        let answer = Answer {
            issuer,
            audience,
            issued_at,
            exchange,
            commit: jws::digest(&commit),
            outcome,
            reason,
        };
        let text = signed(&answer);
        let (quote, prepared) = (Some(quote), Some(prepared));
        let exchanged =
            Exchanged { way: Way::Out, quote, prepared, commit, answer: Some(text.clone()) };
        ((text, answer), exchanged)
    }

    #[test]
    fn documents_that_lie_on_each_other_tell_who_received_and_others_tell_nothing() {
        let id: Id<Exchange> = Id::new(7).unwrap();
        let name = id.to_string();
        let (answer, whole) = shown(&name);
        let read = fulfilled(id, answer.clone(), whole.clone()).unwrap();
        assert_eq!((read.subject, read.commit.1.figures), ([7; 16], figures(3)));
        let (_, other) = shown("exc_0000000000009");
        let changed: [fn(&mut Exchanged, Exchanged); 5] = [
            |one, _| one.quote = None,
            |one, _| one.prepared = None,
            |one, _| one.quote = Some(quote(4)),
            |one, other| one.prepared = other.prepared,
            |one, other| one.commit = other.commit,
        ];
        for (number, change) in changed.iter().enumerate() {
            let mut shown = whole.clone();
            change(&mut shown, other.clone());
            assert!(fulfilled(id, answer.clone(), shown).is_none(), "{number}");
        }
        assert!(fulfilled(id, answer, other).is_none(), "documents of another exchange");
    }
}
