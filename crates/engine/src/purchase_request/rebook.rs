//! A purchase that a backup lacks, by the documents that its merchant has of it: this server's own word, after a restore.
//!
//! ```text
//! (nothing), open, claimed ──receipt──▶ captured ──last word──▶ fulfilled ──refunds──▶ partially_refunded, refunded
//!        │                                 ▲
//!        ├──no receipt, in time──▶ authorized ──receipt
//!        └──no receipt, too late──▶ voided
//! ```
//! Each step is taken once, whatever came before: a document that the row has already is no step. The times are those of the
//! documents, the transfers are of now. What the wallet cannot pay any more is not booked, and listed by the caller: a wallet
//! never goes below zero for what was forgotten.

use scrip_domain::audit::Act;
use scrip_domain::connection::{MerchantSubject, SubjectName};
use scrip_domain::document::Outcome as Word;
use scrip_domain::event::{Event, EventType};
use scrip_domain::hold::{Hold, HoldLot, HoldState};
use scrip_domain::ledger::{House, LedgerAccount, Reason, Transfer};
use scrip_domain::lot::{self, Part};
use scrip_domain::merchant::{Merchant, MerchantEventKind};
use scrip_domain::purchase_request::{PurchaseRequest, RequestState};
use scrip_domain::restore::Reunion;
use scrip_domain::wallet::Wallet;
use scrip_domain::{Amount, Id, Span, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};
use serde_json::{Value, json};

use super::open::REFERENCE;
use super::refund::Found;
use super::{Held, Parties, RequestRefusal, Scene, hash};
use crate::audit::{Note, Staff, difference};
use crate::restore::Papers;
use crate::{Engine, ledger};

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Booked {
    /// The books have it now, or had it.
    Done,
    /// The wallet holds too little.
    Short { balance: Amount },
    /// The books say otherwise.
    Conflict(&'static str),
}

impl Engine {
    /// Books what the documents say, step by step. Doing it again changes nothing.
    pub(crate) async fn rebook(
        &self,
        reunion: &Reunion,
        merchant: &Merchant,
        account: Id<scrip_domain::account::Account>,
        papers: &Papers,
    ) -> Result<Booked, Fault> {
        if let Some(booked) = self.rebook_row(reunion, merchant, account, papers).await? {
            return Ok(booked);
        }
        for (id, (document, said)) in &papers.refunds {
            let found = Found { id: *id, document: document.clone(), said: said.clone() };
            match self.give_back_as_found(papers.request, found).await? {
                Ok(_) => {}
                Err(RequestRefusal::WalletFull) => {
                    return Ok(Booked::Conflict("the wallet cannot take back what was given back"));
                }
                Err(_) => return Ok(Booked::Conflict("refunds do not fit what is known")),
            }
        }
        // The last word that all had gone back comes after what went back.
        Ok(self.rebook_row(reunion, merchant, account, papers).await?.unwrap_or(Booked::Done))
    }

    /// The request's own row; none when it was booked, and its refunds may follow.
    async fn rebook_row(
        &self,
        reunion: &Reunion,
        merchant: &Merchant,
        account: Id<scrip_domain::account::Account>,
        papers: &Papers,
    ) -> Result<Option<Booked>, Fault> {
        for _ in 0..super::TRIES {
            let known = self.store.purchase_request(papers.request).await?;
            let other = match known {
                None => self.store.purchase_request_of(merchant.id, &papers.order).await?,
                Some(_) => None,
            };
            if other.is_some() {
                return Ok(Some(Booked::Conflict("the order has another request here")));
            }
            let hold = known.as_ref().and_then(|known| known.hold);
            let held = match hold {
                Some(hold) => Some(Held { hold, lots: self.store.hold_lots(hold).await? }),
                None => None,
            };
            let buyer = self.buyer_of(account).await?;
            let reference = self.secret_name(REFERENCE, &papers.request.to_string());
            let command = Rebook {
                parties: Parties {
                    request: papers.request,
                    merchant: merchant.id,
                    buyer: Some(buyer),
                },
                reunion: (reunion.epoch, reunion.peer.clone()),
                papers: papers.clone(),
                held,
                reference: hash(&reference),
                subject: self.subject_of(account, merchant.id),
                hold: self.mint()?,
                transfers: [self.mint()?, self.mint()?, self.mint()?, self.mint()?],
                event: self.mint()?,
                note: self.note(Staff::SERVER)?,
            };
            match self.submit(command).await? {
                Ok(()) => return Ok(None),
                Err(Not::Stale) => {}
                Err(Not::Short(balance)) => return Ok(Some(Booked::Short { balance })),
                Err(Not::Fitting(why)) => return Ok(Some(Booked::Conflict(why))),
            }
        }
        Err(Fault::Busy)
    }
}

/// Why it is not booked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Not {
    Stale,
    Short(Amount),
    Fitting(&'static str),
}

struct Rebook {
    parties: Parties,
    reunion: (u32, String),
    papers: Papers,
    /// What the row's hold has reserved, if it has one.
    held: Option<Held>,
    reference: [u8; 32],
    subject: SubjectName,
    hold: Id<Hold>,
    /// What had expired, the hold, the capture, the fee.
    transfers: [Id<Transfer>; 4],
    event: Id<Event>,
    note: Note,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Nothing,
    /// Holds, if that is in time.
    Hold,
    /// Holds and takes.
    HoldAndTake,
    /// Takes what is held.
    Take,
    /// Adds what the row lacks.
    Add,
}

impl Command for Rebook {
    type Receipt = ();
    type Refusal = Not;

    fn wants(&self, wants: &mut Wants) {
        self.parties.want(wants);
        if let Some(held) = &self.held {
            held.want(wants);
        }
        wants.merchant_subjects.read((self.parties.merchant, self.subject));
        wants.reunions.guard(self.reunion.clone());
    }

    fn decide(&self, books: &Books, at: Timestamp) -> Result<Decision<(), Not>, Fault> {
        let known = books.purchase_requests.get(&(self.parties.request,))?;
        if known.and_then(|known| known.hold) != self.held.as_ref().map(|held| held.hold) {
            return Ok(Decision::refused(Not::Stale));
        }
        let step = match self.step(known) {
            Ok(step) => step,
            Err(why) => return Ok(Decision::refused(Not::Fitting(why))),
        };
        let lost = |what: &str| Fault::Bug(format!("a {what} is gone"));
        let merchant = books.merchants.get(&(self.parties.merchant,))?;
        let merchant = merchant.ok_or_else(|| lost("merchant"))?.clone();
        let buyer = self.parties.buyer.ok_or_else(|| lost("buyer"))?;
        let wallet = books.wallets.get(&(buyer.wallet,))?.ok_or_else(|| lost("wallet"))?;
        let request = known.cloned().unwrap_or_else(|| self.row());
        let mut scene = Scene { merchant, request, at };
        let balance = wallet.available_at(at);
        let until = self.hold_until();
        let can_hold = balance >= scene.request.amount;
        if step == Step::HoldAndTake && !can_hold {
            return Ok(Decision::refused(Not::Short(balance)));
        }

        // From here on it succeeds.
        let mut changes = Changes::default();
        match step {
            Step::Nothing => return Ok(Decision::done((), changes)),
            Step::Hold if until > at && can_hold => {
                self.confirm(&mut scene);
                self.hold(&mut changes, wallet, &mut scene, HoldState::Open)?;
                scene.go(RequestState::Authorized);
                scene.merchant.open =
                    scene.merchant.open.saturating_add(u32::from(known.is_none()));
                scene.tell(&mut changes, MerchantEventKind::Authorized)?;
            }
            Step::Hold => {
                self.confirm(&mut scene);
                scene.go(RequestState::Voided);
                scene.tell(&mut changes, MerchantEventKind::Voided)?;
            }
            Step::HoldAndTake => {
                self.confirm(&mut scene);
                let (wallet, parts) =
                    self.hold(&mut changes, wallet, &mut scene, HoldState::Posted)?;
                self.take(&mut changes, &wallet, &parts, &mut scene)?;
            }
            Step::Take => {
                let parts = self.held.as_ref().map(|held| held.lots.iter().map(HoldLot::part));
                let parts: Vec<Part> = parts.into_iter().flatten().collect();
                if let Some(held) = &self.held {
                    let hold = books.holds.get(&(held.hold,))?.ok_or_else(|| lost("hold"))?;
                    changes.holds.push(Change::Update(hold.ended(HoldState::Posted, at)));
                }
                self.take(&mut changes, wallet, &parts, &mut scene)?;
            }
            Step::Add => {}
        }
        let added = self.last_word(&mut changes, &mut scene)?;
        if step == Step::Add && !added {
            return Ok(Decision::done((), Changes::default()));
        }
        self.write(books, &mut changes, scene, known.is_none())?;
        Ok(Decision::done((), changes))
    }
}

impl Rebook {
    /// What the row, as it is known, lacks of what the documents say.
    fn step(&self, known: Option<&PurchaseRequest>) -> Result<Step, &'static str> {
        let captured = self.papers.receipt.is_some();
        let Some(known) = known else {
            return Ok(if captured { Step::HoldAndTake } else { Step::Hold });
        };
        let offer = &self.papers.offer.0;
        if known.merchant != self.parties.merchant || known.offer != *offer {
            return Err("the request is known here with another offer");
        }
        let mine = known.account == self.parties.buyer.map(|buyer| buyer.account);
        match known.state {
            RequestState::Open | RequestState::Claimed if captured => Ok(Step::HoldAndTake),
            RequestState::Open | RequestState::Claimed => Ok(Step::Hold),
            _ if !captured => Ok(Step::Nothing),
            RequestState::Authorized if mine => Ok(Step::Take),
            RequestState::Captured
            | RequestState::Fulfilled
            | RequestState::PartiallyRefunded
            | RequestState::Refunded
                if known.receipt == self.papers.receipt.as_ref().map(|(text, _)| text.clone()) =>
            {
                Ok(Step::Add)
            }
            _ => Err("it ended otherwise here"),
        }
    }

    /// The request as it was opened, of which nothing is known but the documents.
    fn row(&self) -> PurchaseRequest {
        let Papers { request, order, offer, confirmation, .. } = &self.papers;
        let opened_at = Timestamp::from_unix_seconds(confirmation.1.issued_at);
        PurchaseRequest {
            id: *request,
            merchant: self.parties.merchant,
            order: order.clone(),
            account: None,
            // It never counted among the open ones.
            state: RequestState::Expired,
            amount: confirmation.1.amount,
            offer: offer.0.clone(),
            confirmation: None,
            receipt: None,
            fulfilment: None,
            reference: self.reference,
            code: None,
            hold: None,
            fee: Amount::ZERO,
            refunded: Amount::ZERO,
            opened_at,
            decided_at: None,
            captured_at: None,
            fulfilled_at: None,
            pay_until: opened_at.plus(Span::seconds(offer.1.pay_seconds)),
            hold_until: None,
            fulfil_until: None,
            refund_until: None,
            due_at: None,
        }
    }

    fn hold_until(&self) -> Timestamp {
        let confirmation = &self.papers.confirmation.1;
        Timestamp::from_unix_seconds(confirmation.issued_at)
            .plus(Span::seconds(confirmation.hold_seconds))
    }

    /// The buyer's yes.
    fn confirm(&self, scene: &mut Scene) {
        let (text, said) = &self.papers.confirmation;
        scene.request.account = self.parties.buyer.map(|buyer| buyer.account);
        scene.request.confirmation = Some(text.clone());
        scene.request.decided_at = Some(Timestamp::from_unix_seconds(said.issued_at));
        scene.request.hold_until = Some(self.hold_until());
    }

    /// Reserves the total, lot by lot; none of nothing. Gives the wallet as it is then, and what pays.
    fn hold(
        &self,
        changes: &mut Changes,
        wallet: &Wallet,
        scene: &mut Scene,
        state: HoldState,
    ) -> Result<(Wallet, Vec<Part>), Fault> {
        let (amount, at) = (scene.request.amount, scene.at);
        if amount.is_zero() {
            return Ok((wallet.clone(), Vec::new()));
        }
        let [due, hold, ..] = self.transfers;
        let wallet = ledger::expire(changes, wallet, due, at)?;
        let less = || Fault::Bug("a wallet's lots hold less than its balance".into());
        let parts = lot::consume(&wallet.lots, amount, at).ok_or_else(less)?;
        let (reason, subject) = (Reason::Hold, scene.request.id.into());
        let transfer = Transfer {
            id: hold,
            debit: LedgerAccount::Free(wallet.id),
            credit: LedgerAccount::Held(wallet.id),
            amount,
            reason,
            subject,
            at,
        };
        let wallet = ledger::hold(changes, &wallet, &parts, transfer)?;
        changes.hold_lots.extend(HoldLot::all(self.hold, &parts).into_iter().map(Change::Insert));
        let is_open = state == HoldState::Open;
        changes.holds.push(Change::Insert(Hold {
            id: self.hold,
            wallet: wallet.id,
            amount,
            reason,
            subject,
            state,
            created_at: at,
            expires_at: self.hold_until(),
            resolved_at: (!is_open).then_some(at),
        }));
        scene.request.hold = Some(self.hold);
        Ok((wallet, parts))
    }

    /// Moves what is held to the merchant, and the fee on to the provider, as the receipt says.
    fn take(
        &self,
        changes: &mut Changes,
        wallet: &Wallet,
        parts: &[Part],
        scene: &mut Scene,
    ) -> Result<(), Fault> {
        let lost = || Fault::Bug("a receipt is gone".into());
        let (text, receipt) = self.papers.receipt.as_ref().ok_or_else(lost)?;
        let (captured_at, amount) =
            (Timestamp::from_unix_seconds(receipt.issued_at), scene.request.amount);
        let account = LedgerAccount::Merchant(scene.merchant.id);
        let (subject, at) = (scene.request.id.into(), scene.at);
        let [_, _, capture, fee] = self.transfers;
        if !amount.is_zero() {
            let transfer = Transfer {
                id: capture,
                debit: LedgerAccount::Held(wallet.id),
                credit: account,
                amount,
                reason: Reason::Capture,
                subject,
                at,
            };
            scene.merchant = ledger::post_merchant(changes, scene.merchant.clone(), &transfer)?;
            ledger::capture(changes, wallet, parts, transfer)?;
        }
        scene.request.fee = receipt.fee;
        if !receipt.fee.is_zero() {
            let (amount, reason) = (receipt.fee, Reason::Fee);
            let (id, credit) = (fee, LedgerAccount::House(House::Fees));
            let transfer = Transfer { id, debit: account, credit, amount, reason, subject, at };
            scene.merchant =
                ledger::pay_house(changes, scene.merchant.clone(), House::Fees, transfer)?;
        }
        scene.merchant = scene.merchant.having_captured(amount, captured_at);
        scene.request.receipt = Some(text.clone());
        scene.request.captured_at = Some(captured_at);
        let until = |seconds| Some(captured_at.plus(Span::seconds(seconds)));
        scene.request.fulfil_until = until(receipt.fulfil_seconds);
        scene.request.refund_until = until(self.papers.offer.1.refund_seconds);
        scene.go(RequestState::Captured);
        scene.tell(changes, MerchantEventKind::Captured)?;
        scene.record(changes, self.event, EventType::RequestCaptured);
        Ok(())
    }

    /// The last word, if the row lacks it: that all had gone back only once it has.
    fn last_word(&self, changes: &mut Changes, scene: &mut Scene) -> Result<bool, Fault> {
        let Some((text, said)) = &self.papers.fulfilment else { return Ok(false) };
        let fits = match said.outcome {
            Word::Fulfilled => matches!(
                scene.request.state,
                RequestState::Captured | RequestState::PartiallyRefunded
            ),
            Word::AlreadyRefunded => scene.request.state == RequestState::Refunded,
        };
        if scene.request.fulfilment.is_some() || !fits {
            return Ok(false);
        }
        scene.request.fulfilment = Some(text.clone());
        if said.outcome == Word::Fulfilled {
            scene.request.fulfilled_at = Some(Timestamp::from_unix_seconds(said.issued_at));
            if scene.request.state == RequestState::Captured {
                scene.go(RequestState::Fulfilled);
            }
            scene.tell(changes, MerchantEventKind::Fulfilled)?;
        }
        Ok(true)
    }

    fn write(
        &self,
        books: &Books,
        changes: &mut Changes,
        scene: Scene,
        is_new: bool,
    ) -> Result<(), Fault> {
        let lost = || Fault::Bug("a reunion is gone".into());
        let reunion = books.reunions.get(&self.reunion)?.ok_or_else(lost)?;
        let booked = reunion.booked.saturating_add(1);
        changes.reunions.push(Change::Update(Reunion { booked, ..reunion.clone() }));
        let (merchant, subject) = (self.parties.merchant, self.subject);
        if let (None, Some(buyer)) =
            (books.merchant_subjects.get(&(merchant, subject))?, self.parties.buyer)
        {
            let (account, at) = (buyer.account, scene.at);
            let row = MerchantSubject::new(merchant, subject, account, at);
            changes.merchant_subjects.push(Change::Insert(row));
        }
        let request = scene.request.settled();
        let what =
            json!({ "epoch": self.reunion.0, "state": request.state, "amount": request.amount });
        let what = difference(&Value::Null, &what);
        self.note.write(changes, Act::RequestRebooked, request.id, what, scene.at);
        changes.merchants.push(Change::Update(scene.merchant));
        changes.purchase_requests.push(if is_new {
            Change::Insert(request)
        } else {
            Change::Update(request)
        });
        Ok(())
    }
}
