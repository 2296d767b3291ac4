//! The merchant's report that it has minted and withheld the codes, and the provider's final word on it.
//!
//! ```text
//! captured ──report──▶ fulfilled                     the merchant releases
//! refunded ──report──▶ refunded, already_refunded    the merchant must not
//! ```
//! The word is given once, signed, and stays: whether the tokens had gone back before is decided under the request's guard,
//! where the refund at the deadline is decided, too. A report that comes late but before that refund is in time.

use scrip_domain::document::{Fulfilment, Outcome as Word};
use scrip_domain::merchant::{Merchant, MerchantEventKind};
use scrip_domain::purchase_request::{PurchaseRequest, RequestState};
use scrip_domain::{Id, Timestamp};
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};

use super::{Parties, Picture, RequestRefusal, Scene, Signer, digest_of};
use crate::{Engine, Outcome};

impl Engine {
    /// Hears that codes with this digest are minted and withheld.
    pub async fn fulfil_request(
        &self,
        merchant: Id<Merchant>,
        id: Id<PurchaseRequest>,
        codes: String,
    ) -> Outcome<Picture, RequestRefusal> {
        // What is due at this moment waits: the merchant has come.
        let request = self.store.purchase_request(id).await?;
        let Some(request) = request.filter(|request| request.merchant == merchant) else {
            return Ok(Err(RequestRefusal::NoSuchRequest));
        };
        let parties = Parties { request: request.id, merchant, buyer: None };
        match self.submit(Fulfil { parties, codes, signer: self.signer() }).await? {
            Ok(request) => Ok(Ok(self.picture(request).await?)),
            Err(refusal) => Ok(Err(refusal)),
        }
    }
}

struct Fulfil {
    parties: Parties,
    codes: String,
    signer: Signer,
}

impl Command for Fulfil {
    type Receipt = PurchaseRequest;
    type Refusal = RequestRefusal;

    fn wants(&self, wants: &mut Wants) {
        self.parties.want(wants);
    }

    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<PurchaseRequest, RequestRefusal>, Fault> {
        let mut scene = Scene::set(books, self.parties, at)?;
        if scene.request.fulfilment.is_some() {
            return Ok(Decision::done(scene.request, Changes::default()));
        }
        let outcome = match scene.state() {
            RequestState::Captured | RequestState::PartiallyRefunded => Word::Fulfilled,
            RequestState::Refunded => Word::AlreadyRefunded,
            state => return Ok(Decision::refused(RequestRefusal::State(state))),
        };
        let mut changes = Changes::default();
        let fulfilment = Fulfilment {
            issuer: self.signer.issuer.clone(),
            audience: scene.merchant.url.clone(),
            issued_at: at.unix_seconds(),
            request: scene.request.id.to_string(),
            order: scene.request.order.clone(),
            receipt: digest_of(scene.request.receipt.as_ref())?,
            codes: self.codes.clone(),
            outcome,
        };
        scene.request.fulfilment = Some(self.signer.sign(&fulfilment)?);
        if outcome == Word::Fulfilled {
            scene.request.fulfilled_at = Some(at);
            if scene.request.state == RequestState::Captured {
                scene.go(RequestState::Fulfilled);
            }
            scene.tell(&mut changes, MerchantEventKind::Fulfilled)?;
        }
        Ok(Decision::done(scene.close(&mut changes), changes))
    }
}
