//! Giving back what was captured: by the merchant, by the provider's administrator, or because nobody delivered in time.
//!
//! ```text
//! captured, fulfilled, partially_refunded ──▶ partially_refunded ──▶ refunded
//! ```
//! The tokens come from what the merchant has earned, which may go below zero, and go into the very lots that had paid, the
//! last first. What went back before is counted under the request's guard, so that never more goes back than was
//! captured, whoever asks at once. The fee stays with the provider.

use scrip_domain::audit::Act;
use scrip_domain::document::{GivenBackBy, Refunding};
use scrip_domain::event::{Event, EventType};
use scrip_domain::hold;
use scrip_domain::ledger::{LedgerAccount, Reason, Transfer};
use scrip_domain::lot::{LotChange, Part};
use scrip_domain::merchant::{KeyOwner, Merchant, MerchantEventKind, MerchantKey};
use scrip_domain::purchase_request::{
    PurchaseRequest, RequestRefund, RequestRefundLot, RequestState,
};
use scrip_domain::request::Request;
use scrip_domain::{Amount, Id, Span, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};
use serde_json::{Value, json};

use super::{Known, Moves, Picture, RequestRefusal, Scene, Signer, digest_of};
use crate::audit::{Note, Staff, difference};
use crate::{Engine, Outcome, ledger};

/// For how long a merchant is told that tokens went back.
const TOLD: Span = Span::days(1);
/// Why the clock gave back.
const NOT_DELIVERED: &str = "not delivered in time";

/// What is asked back of a request.
#[derive(Clone, Debug)]
pub struct RequestRefundAsk {
    /// How much; all that is left without it.
    pub amount: Option<Amount>,
    /// Why.
    pub reason: String,
}

/// A refund that the books have forgotten, as its merchant has it.
#[derive(Clone, Debug)]
pub(super) struct Found {
    /// Its name.
    pub id: Id<RequestRefund>,
    /// This server's own document.
    pub document: String,
    /// What it says.
    pub said: Refunding,
}

/// Who gives back.
#[derive(Clone)]
pub(super) enum Giver {
    Merchant(Request),
    Staff(Request, Note),
    /// The clock, if the delivery is due at the time of the batch.
    Deadline,
    /// Whoever gave it back before a restore.
    Before(Found),
}

impl Giver {
    /// Whose idempotency key it has.
    fn key(&self) -> Option<(KeyOwner, Request)> {
        match self {
            Self::Merchant(request) => Some((KeyOwner::Merchant, *request)),
            Self::Staff(request, _) => Some((KeyOwner::Staff, *request)),
            Self::Deadline | Self::Before(_) => None,
        }
    }

    fn word(&self) -> GivenBackBy {
        match self {
            Self::Merchant(_) => GivenBackBy::Merchant,
            Self::Staff(..) => GivenBackBy::Provider,
            Self::Deadline => GivenBackBy::Deadline,
            Self::Before(found) => found.said.by,
        }
    }
}

impl Engine {
    /// A merchant gives back.
    pub async fn refund_request(
        &self,
        merchant: Id<Merchant>,
        id: Id<PurchaseRequest>,
        ask: RequestRefundAsk,
        request: Request,
    ) -> Outcome<Picture, RequestRefusal> {
        match self.request_of(merchant, id).await? {
            Ok(_) => self.give_request_back(id, &ask, Giver::Merchant(request)).await,
            Err(refusal) => Ok(Err(refusal)),
        }
    }

    /// The provider's administrator gives back.
    pub async fn refund_request_as_staff(
        &self,
        by: Staff,
        id: Id<PurchaseRequest>,
        ask: RequestRefundAsk,
        request: Request,
    ) -> Outcome<Picture, RequestRefusal> {
        self.give_request_back(id, &ask, Giver::Staff(request, self.note(by)?)).await
    }

    /// Gives back what was not delivered in time.
    pub(super) async fn give_back_undelivered(
        &self,
        id: Id<PurchaseRequest>,
    ) -> Outcome<Picture, RequestRefusal> {
        let ask = RequestRefundAsk { amount: None, reason: NOT_DELIVERED.to_owned() };
        self.give_request_back(id, &ask, Giver::Deadline).await
    }

    /// Gives back what was given back before a restore.
    pub(super) async fn give_back_as_found(
        &self,
        id: Id<PurchaseRequest>,
        found: Found,
    ) -> Outcome<Picture, RequestRefusal> {
        let ask =
            RequestRefundAsk { amount: Some(found.said.amount), reason: found.said.reason.clone() };
        self.give_request_back(id, &ask, Giver::Before(found)).await
    }

    async fn give_request_back(
        &self,
        id: Id<PurchaseRequest>,
        ask: &RequestRefundAsk,
        giver: Giver,
    ) -> Outcome<Picture, RequestRefusal> {
        self.moved(id, |known| {
            Ok(GiveBack {
                known,
                ask: ask.clone(),
                id: match &giver {
                    Giver::Before(found) => found.id,
                    _ => self.mint()?,
                },
                giver: giver.clone(),
                signer: self.signer(),
                moves: self.moves()?,
                event: self.mint()?,
            })
        })
        .await
    }
}

struct GiveBack {
    known: Known,
    ask: RequestRefundAsk,
    giver: Giver,
    signer: Signer,
    id: Id<RequestRefund>,
    moves: Moves,
    event: Id<Event>,
}

impl Command for GiveBack {
    type Receipt = PurchaseRequest;
    type Refusal = RequestRefusal;

    fn wants(&self, wants: &mut Wants) {
        self.known.want(wants);
        wants.request_refunds.read((self.known.parties.request,));
        wants.request_refund_lots.read((self.known.parties.request,));
        if let Some((owner, request)) = self.giver.key() {
            wants.merchant_keys.read((self.known.parties.merchant, owner, request.key));
        }
    }

    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<PurchaseRequest, RequestRefusal>, Fault> {
        let mut scene = Scene::set(books, self.known.parties, at)?;
        if let Some(answer) = self.replay(books, &scene)? {
            return Ok(answer);
        }
        let refused = |refusal| Ok(Decision::refused(refusal));
        let amount = match self.amount(&scene) {
            Ok(amount) => amount,
            Err(refusal) => return refused(refusal),
        };
        if !self.known.is_so(&scene.request) {
            return refused(RequestRefusal::Stale);
        }
        if self.overfull(books, amount)? {
            return refused(RequestRefusal::WalletFull);
        }

        // From here on it succeeds.
        let mut changes = Changes::default();
        self.pay_back(books, &mut changes, &mut scene, amount)?;
        let refunded = scene.request.refunded.checked_add(amount);
        let over = || Fault::Bug("more was given back than was captured".into());
        scene.request.refunded = refunded.ok_or_else(over)?;
        let whole = scene.request.left().is_zero();
        scene.go(if whole { RequestState::Refunded } else { RequestState::PartiallyRefunded });
        self.document(&mut changes, &scene, amount)?;
        if let Some((owner, request)) = self.giver.key() {
            let key = MerchantKey::new(self.known.parties.merchant, owner, request, self.id);
            changes.merchant_keys.push(Change::Insert(key));
        }
        scene.tell(&mut changes, MerchantEventKind::Refunded)?;
        if !matches!(self.giver, Giver::Merchant(_) | Giver::Before(_)) {
            scene.notify(books, &mut changes, TOLD)?;
        }
        scene.record(&mut changes, self.event, EventType::RequestRefunded);
        self.audit(&mut changes, &scene, amount);
        Ok(Decision::done(scene.close(&mut changes), changes))
    }
}

impl GiveBack {
    /// What the idempotency key names, if it was used before.
    fn replay(
        &self,
        books: &Books,
        scene: &Scene,
    ) -> Result<Option<Decision<PurchaseRequest, RequestRefusal>>, Fault> {
        if let Giver::Before(found) = &self.giver {
            let all = books.request_refunds.all(&(scene.request.id,))?;
            let known = all.iter().any(|refund| refund.id == found.id);
            return Ok(known.then(|| Decision::done(scene.request.clone(), Changes::default())));
        }
        let Some((owner, request)) = self.giver.key() else { return Ok(None) };
        let key = (self.known.parties.merchant, owner, request.key);
        let Some(known) = books.merchant_keys.get(&key)? else { return Ok(None) };
        let all = books.request_refunds.all(&(scene.request.id,))?;
        let same = known.fingerprint == request.fingerprint
            && all.iter().any(|refund| refund.id.number() == known.target);
        Ok(Some(if same {
            Decision::done(scene.request.clone(), Changes::default())
        } else {
            Decision::refused(RequestRefusal::KeyReused)
        }))
    }

    /// How much goes back.
    fn amount(&self, scene: &Scene) -> Result<Amount, RequestRefusal> {
        let request = &scene.request;
        let is_due = request.next_due().is_some_and(|due| due <= scene.at);
        if !request.is_captured() {
            return Err(match request.state_at(scene.at) {
                RequestState::Refunded => RequestRefusal::AlreadyRefunded,
                state => RequestRefusal::State(state),
            });
        }
        if matches!(self.giver, Giver::Deadline) && !is_due {
            // Somebody was faster.
            return Err(RequestRefusal::State(request.state));
        }
        let amount = self.ask.amount.unwrap_or_else(|| request.left());
        if let Giver::Before(found) = &self.giver
            && request.refunded.checked_add(amount) != Some(found.said.refunded)
        {
            return Err(RequestRefusal::State(request.state));
        }
        if amount > request.left() { Err(RequestRefusal::AlreadyRefunded) } else { Ok(amount) }
    }

    fn overfull(&self, books: &Books, amount: Amount) -> Result<bool, Fault> {
        let Some(buyer) = self.known.parties.buyer else { return Ok(false) };
        let wallet = books.wallets.get(&(buyer.wallet,))?;
        Ok(wallet.is_some_and(|wallet| wallet.posted().checked_add(amount).is_none()))
    }

    /// Moves the tokens from the merchant back into the very lots.
    fn pay_back(
        &self,
        books: &Books,
        changes: &mut Changes,
        scene: &mut Scene,
        amount: Amount,
    ) -> Result<(), Fault> {
        let (Some(held), Some(buyer)) = (&self.known.held, self.known.parties.buyer) else {
            return Ok(());
        };
        if amount.is_zero() {
            return Ok(());
        }
        let lost = |what: &str| Fault::Bug(format!("a captured request has no {what}"));
        let request = scene.request.id;
        let before = books.request_refund_lots.all(&(request,))?;
        let before: Vec<_> = before.iter().map(|row| (row.lot, row.amount)).collect();
        let parts = hold::give_back(amount, &held.lots, &before).ok_or_else(|| lost("lots"))?;
        let mut back = Vec::with_capacity(parts.len());
        for part in &parts {
            back.push((books.lots.get(&(part.lot,))?.ok_or_else(|| lost("lot"))?, part.amount));
        }
        let wallet = books.wallets.get(&(buyer.wallet,))?.ok_or_else(|| lost("wallet"))?;
        let wallet = ledger::expire(changes, wallet, self.moves.due, scene.at)?;
        let transfer = Transfer {
            id: self.moves.back,
            debit: LedgerAccount::Merchant(scene.merchant.id),
            credit: LedgerAccount::Free(wallet.id),
            amount,
            reason: Reason::Refund,
            subject: request.into(),
            at: scene.at,
        };
        scene.merchant = ledger::post_merchant(changes, scene.merchant.clone(), &transfer)?;
        let wallet = ledger::give_back(changes, &wallet, &back, transfer)?;
        let wallet = ledger::expire(changes, &wallet, self.moves.gone, scene.at)?;
        ledger::settle(changes, books, &wallet, self.moves.debt, scene.at)?;
        // A lot that stays expired has lost all that came back, and one that does not has lost nothing.
        let gone = |lot| {
            let expired = |row: &LotChange| row.transfer == self.moves.gone && row.lot == lot;
            changes.lot_changes.iter().any(|change| expired(change.row()))
        };
        let rows: Vec<_> = parts
            .iter()
            .map(|Part { lot, amount, .. }| {
                let expired = if gone(*lot) { *amount } else { Amount::ZERO };
                let (lot, amount) = (*lot, *amount);
                RequestRefundLot { request, refund: self.id, lot, amount, expired }
            })
            .collect();
        changes.request_refund_lots.extend(rows.into_iter().map(Change::Insert));
        Ok(())
    }

    /// The refund's row, with the document that says it.
    fn document(&self, changes: &mut Changes, scene: &Scene, amount: Amount) -> Result<(), Fault> {
        let Scene { merchant, request, at } = scene;
        let document = Refunding {
            issuer: self.signer.issuer.clone(),
            audience: merchant.url.clone(),
            issued_at: at.unix_seconds(),
            request: request.id.to_string(),
            order: request.order.clone(),
            receipt: digest_of(request.receipt.as_ref())?,
            refund: self.id.to_string(),
            amount,
            refunded: request.refunded,
            by: self.giver.word(),
            reason: self.ask.reason.clone(),
        };
        let row = RequestRefund {
            request: request.id,
            id: self.id,
            transfer: (!amount.is_zero()).then_some(self.moves.back),
            amount,
            by: self.giver.word(),
            reason: self.ask.reason.clone(),
            document: match &self.giver {
                Giver::Before(found) => found.document.clone(),
                _ => self.signer.sign(&document)?,
            },
            at: *at,
        };
        changes.request_refunds.push(Change::Insert(row));
        Ok(())
    }

    fn audit(&self, changes: &mut Changes, scene: &Scene, amount: Amount) {
        if let Giver::Staff(_, note) = &self.giver {
            let reason = &self.ask.reason;
            let what = json!({ "refund": self.id, "amount": amount, "reason": reason });
            let what = difference(&Value::Null, &what);
            note.write(changes, Act::RequestRefunded, scene.request.id, what, scene.at);
        }
    }
}
