//! What the clock does to purchase requests. All of it is by the provider's clock.
//!
//! ```text
//! open, claimed ──time to pay is over──▶ expired      (open: also to make room for another, open.rs)
//! authorized ──hold is over──▶ voided                 the tokens are free again
//! captured, undelivered ──deadline──▶ refunded        (refund.rs)
//! ```
//! A worker looks for what is due, and whoever looks at a request books first what is due of it: so nobody sees a state that
//! is over. Each of these is decided under the request's guard, so it does not matter who comes first.

use scrip_domain::document::{Confirmation, Decided};
use scrip_domain::hold::HoldState;
use scrip_domain::merchant::{Merchant, MerchantEventKind};
use scrip_domain::purchase_request::{PurchaseRequest, RequestState};
use scrip_domain::{Amount, Id, Span, Timestamp};
use scrip_license::jws;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};

use super::capture::free;
use super::{Known, Moves, Scene, Signer};
use crate::Engine;
use crate::round::{self, IN_TURN};

/// How many requests are looked after in one round.
const ROUND: u32 = 50;
/// For how long a merchant is told that nobody confirmed, or that a hold is over.
const TOLD: Span = Span::hours(1);
/// Why an offer was declined that nobody confirmed in time.
const EXPIRED: &str = "expired";

impl Engine {
    /// Books what is due of a round of purchase requests. Gives how many there were; ask again until there are none.
    pub async fn lapse_requests(&self) -> Result<usize, Fault> {
        if self.holds_tokens_still() {
            return Ok(0);
        }
        let due = self.store.purchase_requests_due(self.now(), ROUND).await?;
        let lapse = async |request: PurchaseRequest| self.lapse(&request).await;
        Ok(round::all(due, IN_TURN, lapse).await?.len())
    }

    /// Lets the request of a merchant lapse that nobody has claimed for the longest time. Gives whether there was one.
    pub(super) async fn make_room(&self, merchant: Id<Merchant>) -> Result<bool, Fault> {
        let oldest = self.store.unclaimed_request(merchant).await?;
        let Some(request) = oldest.filter(|_| !self.holds_tokens_still()) else {
            return Ok(false);
        };
        self.submit_lapse(&request, Why::Room).await?;
        Ok(true)
    }

    /// The request, with everything booked that is due of it.
    pub(super) async fn booked(&self, request: PurchaseRequest) -> Result<PurchaseRequest, Fault> {
        if request.due_at.is_none_or(|due| self.now() < due) || self.holds_tokens_still() {
            return Ok(request);
        }
        self.lapse(&request).await?;
        let lost = || Fault::Bug("a purchase request is gone".into());
        self.store.purchase_request(request.id).await?.ok_or_else(lost)
    }

    async fn lapse(&self, request: &PurchaseRequest) -> Result<(), Fault> {
        if request.is_captured() {
            // Refused: somebody was faster, or the wallet is full; then the next round tries again.
            if let Err(refusal) = self.give_back_undelivered(request.id).await? {
                tracing::debug!(request = %request.id, ?refusal, "nothing is given back now");
            }
            return Ok(());
        }
        self.submit_lapse(request, Why::Due).await
    }

    async fn submit_lapse(&self, request: &PurchaseRequest, why: Why) -> Result<(), Fault> {
        let (known, signer, moves) = (self.know(request).await?, self.signer(), self.moves()?);
        let Ok(()) = self.submit(Lapse { why, known, signer, moves }).await?;
        Ok(())
    }
}

/// Why a request lapses.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Why {
    /// Its time is over.
    Due,
    /// Nobody has claimed it, and another wants its place.
    Room,
}

struct Lapse {
    why: Why,
    known: Known,
    signer: Signer,
    moves: Moves,
}

impl Command for Lapse {
    type Receipt = ();
    type Refusal = std::convert::Infallible;

    fn wants(&self, wants: &mut Wants) {
        self.known.want(wants);
    }

    fn decide(&self, books: &Books, at: Timestamp) -> Result<Decision<(), Self::Refusal>, Fault> {
        let mut scene = Scene::set(books, self.known.parties, at)?;
        let mut changes = Changes::default();
        let state = match (self.why, scene.state()) {
            (Why::Room, RequestState::Open) => RequestState::Expired,
            (Why::Room | Why::Due, state) => state,
        };
        match (scene.request.state, state) {
            (RequestState::Open | RequestState::Claimed, RequestState::Expired) => {
                self.say_expired(&mut scene)?;
                scene.go(RequestState::Expired);
                scene.tell(&mut changes, MerchantEventKind::Expired)?;
                scene.notify(books, &mut changes, TOLD)?;
            }
            (RequestState::Authorized, RequestState::Voided)
                if self.known.is_so(&scene.request) =>
            {
                free(books, &mut changes, &self.known, self.moves, HoldState::Expired, &scene)?;
                scene.go(RequestState::Voided);
                scene.tell(&mut changes, MerchantEventKind::Voided)?;
                scene.notify(books, &mut changes, TOLD)?;
            }
            // Somebody was faster.
            _ => return Ok(Decision::done((), changes)),
        }
        scene.close(&mut changes);
        Ok(Decision::done((), changes))
    }
}

impl Lapse {
    /// The provider's signed word that nobody confirmed: who had claimed it is not told.
    fn say_expired(&self, scene: &mut Scene) -> Result<(), Fault> {
        let request = &scene.request;
        let confirmation = Confirmation {
            issuer: self.signer.issuer.clone(),
            audience: scene.merchant.url.clone(),
            subject: None,
            issued_at: scene.at.unix_seconds(),
            request: request.id.to_string(),
            order: request.order.clone(),
            offer: jws::digest(&request.offer),
            decision: Decided::Declined,
            reason: Some(EXPIRED.to_owned()),
            amount: Amount::ZERO,
            hold_seconds: 0,
        };
        scene.request.confirmation = Some(self.signer.sign(&confirmation)?);
        scene.request.decided_at = Some(scene.at);
        Ok(())
    }
}
