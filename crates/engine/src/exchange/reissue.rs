//! An exchange for our tokens that a backup lacks, by the documents that the partner has of it: our own final word, after a
//! restore.
//!
//! ```text
//! (nothing), prepared ──our signed word: fulfilled──▶ fulfilled: tokens issued once more, compensation claimed
//! ```
//! `late` and `rejected` have issued nothing and claimed nothing: there is nothing to be booked of them, and who asks for such a
//! commit again gets the same word again. A commit that has no word of ours is told by the partner's worker, as ever.

use scrip_domain::agreement::{Agreement, Figures};
use scrip_domain::audit::Act;
use scrip_domain::connection::SubjectName;
use scrip_domain::document::exchange::{Answer, Commit, Prepared, Quote};
use scrip_domain::event::{Event, EventType};
use scrip_domain::exchange::{Exchange, Going, Incoming, IncomingState, PREPARED};
use scrip_domain::ledger::{House, LedgerAccount, Reason, Transfer};
use scrip_domain::link::PartnerSubject;
use scrip_domain::lot::{Lot, LotKind};
use scrip_domain::partner::{EntryKind, Partner, PartnerEntry, Side};
use scrip_domain::restore::Reunion;
use scrip_domain::settings::Vendor;
use scrip_domain::{Id, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};
use serde_json::{Value, json};

use super::lost;
use super::rebook::{NotRebooked, count_booked, count_then, owing, reopen};
use crate::audit::{Note, Staff, difference};
use crate::ledger::{self, Buyer};
use crate::purchase_request::Moves;
use crate::restore::Said;
use crate::{Engine, Outcome};

/// An exchange that we have fulfilled, as far as it is our own word.
#[derive(Clone, Debug)]
pub(crate) struct Fulfilled {
    pub exchange: Id<Exchange>,
    pub answer: Said<Answer>,
    pub commit: Said<Commit>,
    pub prepared: Said<Prepared>,
    pub quote: Said<Quote>,
    /// Whom the quote names.
    pub subject: SubjectName,
}

impl Engine {
    /// Issues to an account what we had issued before. Doing it again changes nothing.
    pub(crate) async fn reissue_exchange(
        &self,
        reunion: &Reunion,
        partner: &Partner,
        agreement: Id<Agreement>,
        account: Id<scrip_domain::account::Account>,
        papers: Fulfilled,
    ) -> Outcome<(), NotRebooked> {
        let used = self.store.incoming_by_quote(&papers.quote.1.nonce).await?;
        if used.is_some_and(|used| (used.partner, used.exchange) != (partner.id, papers.exchange)) {
            return Ok(Err(NotRebooked::Conflict("its quote was used by another one here")));
        }
        let command = Reissue {
            reunion: (reunion.epoch, reunion.peer.clone()),
            partner: partner.id,
            issuer: partner.url.clone(),
            agreement,
            buyer: self.buyer_of(account).await?,
            vendor: self.vendor().await?.id,
            papers,
            lot: self.mint()?,
            transfer: self.mint()?,
            moves: self.moves()?,
            entry: self.mint()?,
            event: self.mint()?,
            note: self.note(Staff::SERVER)?,
        };
        self.submit(command).await
    }
}

struct Reissue {
    reunion: (u32, String),
    partner: Id<Partner>,
    /// The partner's address.
    issuer: String,
    agreement: Id<Agreement>,
    buyer: Buyer,
    vendor: Id<Vendor>,
    papers: Fulfilled,
    lot: Id<Lot>,
    transfer: Id<Transfer>,
    moves: Moves,
    entry: Id<PartnerEntry>,
    event: Id<Event>,
    note: Note,
}

impl Command for Reissue {
    type Receipt = ();
    type Refusal = NotRebooked;

    fn wants(&self, wants: &mut Wants) {
        wants.reunions.guard(self.reunion.clone());
        wants.discrepancies.read((self.reunion.1.clone(), self.papers.exchange.to_string()));
        wants.partners.guard((self.partner,));
        wants.incoming_exchanges.guard((self.partner, self.papers.exchange));
        wants.wallets.guard((self.buyer.wallet,));
        wants.debt_payments.read((self.buyer.wallet,));
        wants.exchange_days.read((self.partner, self.buyer.account));
        wants.partner_subjects.guard((self.partner, self.papers.subject));
        wants.vendor.read((self.vendor,));
        wants.agreements.read((self.agreement,));
        wants.statements.read((self.partner, self.papers.commit.1.cycle));
    }

    fn decide(&self, books: &Books, at: Timestamp) -> Result<Decision<(), NotRebooked>, Fault> {
        let mut changes = Changes::default();
        let known = books.incoming_exchanges.get(&(self.partner, self.papers.exchange))?;
        if let Some(answer) = known.and_then(|known| known.answer.as_ref()) {
            return Ok(if *answer == self.papers.answer.0 {
                Decision::done((), changes)
            } else {
                Decision::refused(NotRebooked::Conflict("it was answered otherwise here"))
            });
        }
        let (partner, row) = match self.admit(books, &mut changes, known, at)? {
            Ok(admitted) => admitted,
            Err(why) => return Ok(Decision::refused(NotRebooked::Conflict(why))),
        };

        // From here on it succeeds.
        let home = self.issue(books, &mut changes, at)?;
        changes.partners.push(Change::Update(partner));
        self.write(books, &mut changes, Incoming { lot: Some(home), ..row }, known.is_some(), at)?;
        Ok(Decision::done((), changes))
    }
}

impl Reissue {
    fn figures(&self) -> &Figures {
        &self.papers.commit.1.figures
    }

    /// The partner that owes it, and the row as it was at its end; with the buyer's day counted.
    fn admit(
        &self,
        books: &Books,
        changes: &mut Changes,
        known: Option<&Incoming>,
        at: Timestamp,
    ) -> Result<Result<(Partner, Incoming), &'static str>, Fault> {
        let partner = books.partners.get(&(self.partner,))?.ok_or_else(|| lost("partner"))?;
        if !reopen(books, changes, (self.partner, self.papers.commit.1.cycle), at)? {
            return Ok(Err("its cycle was agreed on without it"));
        }
        let wallet = books.wallets.get(&(self.buyer.wallet,))?.ok_or_else(|| lost("wallet"))?;
        let now = wallet.clone().as_of(at);
        if now.posted().checked_add(self.figures().receive).is_none() {
            return Ok(Err("the wallet cannot hold what was issued"));
        }
        let row = self.row();
        let after = match known {
            Some(known) if known.state != IncomingState::Prepared => {
                return Ok(Err("it ended otherwise here"));
            }
            Some(known) if known.figures != row.figures || known.account != row.account => {
                return Ok(Err("it is known here as another one"));
            }
            Some(_) => partner.booked(Going::In, self.figures()),
            None => {
                let agreement = books.agreements.get(&(self.agreement,))?;
                let agreement = agreement.ok_or_else(|| lost("agreement"))?;
                let Some((way, ..)) = agreement.terms.way(&self.issuer) else {
                    return Ok(Err("the agreement is not of these tokens"));
                };
                let key = (self.partner, self.buyer.account);
                count_then(books, changes, key, (Going::In, self.figures().give), row.at)?;
                owing(partner, Going::In, self.figures(), way, row.at)
            }
        };
        let Some(after) = after else {
            return Ok(Err("more would be owed than can be reckoned with"));
        };
        let (at, until) = known.map_or((row.at, row.until), |known| (known.at, known.until));
        Ok(Ok((after, Incoming { at, until, ..row })))
    }

    fn row(&self) -> Incoming {
        let Fulfilled { exchange, answer, commit, prepared, quote, .. } = &self.papers;
        let at = Timestamp::from_unix_seconds(prepared.1.issued_at);
        Incoming {
            partner: self.partner,
            exchange: *exchange,
            quote: quote.1.nonce.clone(),
            offer: Some(quote.0.clone()),
            account: Some(self.buyer.account),
            agreement: Some(self.agreement),
            figures: Some(commit.1.figures),
            state: IncomingState::Fulfilled,
            prepared: Some(prepared.0.clone()),
            commit: Some(commit.0.clone()),
            answer: Some(answer.0.clone()),
            transfer: Some(self.transfer),
            lot: None,
            cycle: Some(commit.1.cycle),
            at,
            until: at.plus(PREPARED),
            answered_at: Some(Timestamp::from_unix_seconds(answer.1.issued_at)),
        }
    }

    /// Issues the tokens, seasoned as they were. What is owed is paid from them. Gives the lot in which they lie.
    fn issue(&self, books: &Books, changes: &mut Changes, at: Timestamp) -> Result<Id<Lot>, Fault> {
        let wallet = books.wallets.get(&(self.buyer.wallet,))?.ok_or_else(|| lost("wallet"))?;
        let vendor = books.vendor.get(&(self.vendor,))?.ok_or_else(|| lost("vendor"))?;
        let (kind, amount) = (LotKind::Exchange, self.figures().receive);
        let issued_at = Timestamp::from_unix_seconds(self.papers.answer.1.issued_at);
        let seasoned = vendor.settings.credit.seasoning.exchanged(issued_at);
        let lot = Lot {
            id: self.lot,
            wallet: wallet.id,
            kind,
            amount,
            priority: kind.priority(),
            expires_at: None,
            exchangeable_at: Some(seasoned),
            created_at: at,
        };
        let transfer = Transfer {
            id: self.transfer,
            debit: LedgerAccount::House(House::ExchangedIn),
            credit: LedgerAccount::Free(wallet.id),
            amount,
            reason: Reason::Exchange,
            subject: self.papers.exchange.into(),
            at,
        };
        let wallet = ledger::expire(changes, wallet, self.moves.due, at)?;
        let (home, wallet) = ledger::put(changes, &wallet, lot, transfer)?;
        ledger::settle(changes, books, &wallet, self.moves.debt, at)?;
        Ok(home)
    }

    fn write(
        &self,
        books: &Books,
        changes: &mut Changes,
        row: Incoming,
        is_known: bool,
        at: Timestamp,
    ) -> Result<(), Fault> {
        let (partner, account) = (self.partner, self.buyer.account);
        changes.partner_entries.push(Change::Insert(PartnerEntry {
            partner,
            id: self.entry,
            side: Side::Receivable,
            kind: EntryKind::Exchange,
            amount: self.figures().compensation,
            subject: row.exchange.number(),
            cycle: self.papers.commit.1.cycle,
            at,
        }));
        // A link from after the backup holds again: the partner goes by it still.
        let subject = self.papers.subject;
        if books.partner_subjects.get(&(partner, subject))?.is_none() {
            let link = PartnerSubject { partner, subject, account, at };
            changes.partner_subjects.push(Change::Insert(link));
        }
        count_booked(books, changes, &self.reunion, row.exchange)?;
        let (kind, subject) = (EventType::ExchangeFulfilled, row.exchange.into());
        let event = Event::new(self.event, kind, account, subject, at);
        crate::event::tell(changes, event);
        let what = json!({ "epoch": self.reunion.0, "receive": self.figures().receive, "cycle": row.cycle });
        let what = difference(&Value::Null, &what);
        self.note.write(changes, Act::ExchangeRebooked, row.exchange, what, at);
        changes.incoming_exchanges.push(if is_known {
            Change::Update(row)
        } else {
            Change::Insert(row)
        });
        Ok(())
    }
}
