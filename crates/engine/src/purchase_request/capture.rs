//! Capturing what is held for a merchant, and taking a request back.
//!
//! ```text
//! authorized ──capture──▶ captured      open, claimed ──cancel──▶ cancelled
//!      └──cancel──▶ voided
//! ```
//! A capture takes the very tokens that are held, whole, and the fee from them. Asked again it changes nothing. One that comes
//! when the hold is over takes nothing, whether or not the tokens were freed yet: the clock alone says so.

use scrip_domain::document::Receipt;
use scrip_domain::event::{Event, EventType};
use scrip_domain::hold::{HoldLot, HoldState};
use scrip_domain::ledger::{House, LedgerAccount, Reason, Transfer};
use scrip_domain::lot::Part;
use scrip_domain::merchant::{Merchant, MerchantEventKind, MerchantState};
use scrip_domain::purchase_request::{PurchaseRequest, RequestState};
use scrip_domain::{Id, Span, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};

use super::{
    Known, MerchantLimit, Moves, Picture, RequestRefusal, Scene, Signer, digest_of, offer_of,
};
use crate::{Engine, Outcome, ledger};

impl Engine {
    /// Takes what is held for a merchant.
    pub async fn capture_request(
        &self,
        merchant: Id<Merchant>,
        id: Id<PurchaseRequest>,
    ) -> Outcome<Picture, RequestRefusal> {
        if let Err(refusal) = self.request_of(merchant, id).await? {
            return Ok(Err(refusal));
        }
        self.moved(id, |known| {
            Ok(Capture {
                known,
                signer: self.signer(),
                transfer: self.mint()?,
                fee: self.mint()?,
                event: self.mint()?,
            })
        })
        .await
    }

    /// Takes a request back, and frees what is held for it. What was captured stays so, and the picture says it.
    pub async fn cancel_request(
        &self,
        merchant: Id<Merchant>,
        id: Id<PurchaseRequest>,
    ) -> Outcome<Picture, RequestRefusal> {
        if let Err(refusal) = self.request_of(merchant, id).await? {
            return Ok(Err(refusal));
        }
        self.moved(id, |known| Ok(Cancel { known, moves: self.moves()? })).await
    }
}

struct Capture {
    known: Known,
    signer: Signer,
    transfer: Id<Transfer>,
    fee: Id<Transfer>,
    event: Id<Event>,
}

impl Command for Capture {
    type Receipt = PurchaseRequest;
    type Refusal = RequestRefusal;

    fn wants(&self, wants: &mut Wants) {
        self.known.want(wants);
    }

    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<PurchaseRequest, RequestRefusal>, Fault> {
        let mut scene = Scene::set(books, self.known.parties, at)?;
        if scene.request.receipt.is_some() {
            return Ok(Decision::done(scene.request, Changes::default()));
        }
        match scene.state() {
            RequestState::Authorized => {}
            RequestState::Voided => return Ok(Decision::refused(RequestRefusal::HoldExpired)),
            state => return Ok(Decision::refused(RequestRefusal::State(state))),
        }
        if !self.known.is_so(&scene.request) {
            return Ok(Decision::refused(RequestRefusal::Stale));
        }
        if scene.merchant.state != MerchantState::Active {
            return Ok(Decision::refused(RequestRefusal::Limit(MerchantLimit::Suspended)));
        }
        let Some(merchant) = scene.merchant.with_capture(scene.request.amount, at) else {
            return Ok(Decision::refused(RequestRefusal::Limit(MerchantLimit::Day)));
        };

        // From here on it succeeds.
        let mut changes = Changes::default();
        scene.merchant = merchant;
        scene.request.fee = scene.merchant.fee.of(scene.request.amount);
        self.take(books, &mut changes, &mut scene)?;
        let offer = offer_of(&scene.request)?;
        scene.request.captured_at = Some(at);
        scene.request.fulfil_until = Some(at.plus(Span::seconds(offer.fulfil_seconds)));
        scene.request.refund_until = Some(at.plus(Span::seconds(offer.refund_seconds)));
        let receipt = Receipt {
            issuer: self.signer.issuer.clone(),
            audience: scene.merchant.url.clone(),
            issued_at: at.unix_seconds(),
            request: scene.request.id.to_string(),
            order: scene.request.order.clone(),
            confirmation: digest_of(scene.request.confirmation.as_ref())?,
            amount: scene.request.amount,
            fee: scene.request.fee,
            fulfil_seconds: offer.fulfil_seconds,
        };
        scene.request.receipt = Some(self.signer.sign(&receipt)?);
        scene.go(RequestState::Captured);
        scene.tell(&mut changes, MerchantEventKind::Captured)?;
        scene.record(&mut changes, self.event, EventType::RequestCaptured);
        Ok(Decision::done(scene.close(&mut changes), changes))
    }
}

impl Capture {
    /// Moves the held tokens to the merchant, and the fee on to the provider.
    fn take(&self, books: &Books, changes: &mut Changes, scene: &mut Scene) -> Result<(), Fault> {
        let (Some(held), Some(buyer)) = (&self.known.held, self.known.parties.buyer) else {
            return Ok(());
        };
        let lost = |what: &str| Fault::Bug(format!("a hold has no {what}"));
        let wallet = books.wallets.get(&(buyer.wallet,))?.ok_or_else(|| lost("wallet"))?;
        let hold = books.holds.get(&(held.hold,))?.ok_or_else(|| lost("row"))?;
        let account = LedgerAccount::Merchant(scene.merchant.id);
        let (subject, at) = (scene.request.id.into(), scene.at);
        let parts: Vec<Part> = held.lots.iter().map(HoldLot::part).collect();
        let transfer = Transfer {
            id: self.transfer,
            debit: LedgerAccount::Held(wallet.id),
            credit: account,
            amount: hold.amount,
            reason: Reason::Capture,
            subject,
            at,
        };
        scene.merchant = ledger::post_merchant(changes, scene.merchant.clone(), &transfer)?;
        ledger::capture(changes, wallet, &parts, transfer)?;
        changes.holds.push(Change::Update(hold.ended(HoldState::Posted, at)));
        let amount = scene.request.fee;
        if !amount.is_zero() {
            let transfer = Transfer {
                id: self.fee,
                debit: account,
                credit: LedgerAccount::House(House::Fees),
                amount,
                reason: Reason::Fee,
                subject,
                at,
            };
            scene.merchant =
                ledger::pay_house(changes, scene.merchant.clone(), House::Fees, transfer)?;
        }
        Ok(())
    }
}

struct Cancel {
    known: Known,
    moves: Moves,
}

impl Command for Cancel {
    type Receipt = PurchaseRequest;
    type Refusal = RequestRefusal;

    fn wants(&self, wants: &mut Wants) {
        self.known.want(wants);
    }

    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<PurchaseRequest, RequestRefusal>, Fault> {
        let mut scene = Scene::set(books, self.known.parties, at)?;
        let mut changes = Changes::default();
        match scene.state() {
            RequestState::Open | RequestState::Claimed => {
                scene.go(RequestState::Cancelled);
                scene.tell(&mut changes, MerchantEventKind::Cancelled)?;
            }
            RequestState::Authorized => {
                if !self.known.is_so(&scene.request) {
                    return Ok(Decision::refused(RequestRefusal::Stale));
                }
                free(books, &mut changes, &self.known, self.moves, HoldState::Voided, &scene)?;
                scene.go(RequestState::Voided);
                scene.tell(&mut changes, MerchantEventKind::Voided)?;
            }
            _ => return Ok(Decision::done(scene.request, changes)),
        }
        Ok(Decision::done(scene.close(&mut changes), changes))
    }
}

/// Frees what is held: back to the very lots. What has expired meanwhile is booked, and what is owed is paid.
pub(super) fn free(
    books: &Books,
    changes: &mut Changes,
    known: &Known,
    moves: Moves,
    state: HoldState,
    scene: &Scene,
) -> Result<(), Fault> {
    let (Some(held), Some(buyer)) = (&known.held, known.parties.buyer) else { return Ok(()) };
    let lost = |what: &str| Fault::Bug(format!("a hold has no {what}"));
    let wallet = books.wallets.get(&(buyer.wallet,))?.ok_or_else(|| lost("wallet"))?;
    let hold = books.holds.get(&(held.hold,))?.ok_or_else(|| lost("row"))?;
    let parts: Vec<Part> = held.lots.iter().map(HoldLot::part).collect();
    let at = scene.at;
    let wallet = ledger::expire(changes, wallet, moves.due, at)?;
    let transfer = Transfer {
        id: moves.back,
        debit: LedgerAccount::Held(wallet.id),
        credit: LedgerAccount::Free(wallet.id),
        amount: hold.amount,
        reason: Reason::Void,
        subject: scene.request.id.into(),
        at,
    };
    let wallet = ledger::free(changes, &wallet, &parts, transfer)?;
    let wallet = ledger::expire(changes, &wallet, moves.gone, at)?;
    ledger::settle(changes, books, &wallet, moves.debt, at)?;
    changes.holds.push(Change::Update(hold.ended(state, at)));
    Ok(())
}
