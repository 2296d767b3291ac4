//! Opening a purchase request for an offer that a merchant has signed.
//!
//! ```text
//! (nothing) ──open──▶ open
//! ```
//! The order's name is the idempotency key: so one order has one offer, and asking again brings the same answer.
//!
//! Where a merchant has as many open as it may, the one that has waited longest for somebody to sign in makes room. Anybody
//! can have a merchant open one, without an account; what somebody has claimed stays.

use base64ct::{Base64UrlUnpadded, Encoding};
use scrip_domain::document::{self, Document, Offer};
use scrip_domain::merchant::{KeyOwner, Merchant, MerchantKey, MerchantState};
use scrip_domain::purchase_request::{OfferFlaw, PurchaseRequest, RequestState, check};
use scrip_domain::request::Request;
use scrip_domain::settings::Vendor;
use scrip_domain::{Amount, Id, Span, Timestamp};
use scrip_license::{KeySet, jws};
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};

use super::{MerchantLimit, OpenedRequest, RequestRefusal, TRIES, hash};
use crate::peer::PeerRefusal;
use crate::{Engine, Outcome};

/// What references of purchase requests are reckoned from.
pub(super) const REFERENCE: &str = "purchase reference";

impl Engine {
    /// Opens a request for a signed offer of `merchant`; `key` is the caller's idempotency key as it came.
    pub async fn open_request(
        &self,
        merchant: &Merchant,
        key: &str,
        offer: &str,
        request: Request,
    ) -> Outcome<OpenedRequest, RequestRefusal> {
        let claims = match self.believe_offer(merchant, offer).await? {
            Ok(claims) if claims.order == key => claims,
            Ok(_) => {
                let why = "its order is not the idempotency key";
                return Ok(Err(RequestRefusal::Offer(OfferFlaw { member: "order", why })));
            }
            Err(flaw) => return Ok(Err(RequestRefusal::Offer(flaw))),
        };
        let id: Id<PurchaseRequest> = self.mint()?;
        let command = Open {
            id,
            merchant: merchant.id,
            vendor: self.vendor().await?.id,
            provider: self.public_url().to_owned(),
            reference: hash(&self.secret_name(REFERENCE, &id.to_string())),
            claims,
            offer: offer.to_owned(),
            request,
        };
        let mut opened = self.submit(command.clone()).await?;
        for _ in 0..TRIES {
            let is_full = matches!(opened, Err(RequestRefusal::Limit(MerchantLimit::Open)));
            if !is_full || !self.make_room(merchant.id).await? {
                break;
            }
            opened = self.submit(command.clone()).await?;
        }
        let opened = match opened {
            Ok(opened) => opened,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let lost = || Fault::Bug("an idempotency key names no purchase request".into());
        let row = self.store.purchase_request(opened).await?.ok_or_else(lost)?;
        let row = self.booked(row).await?;
        let reference = self.secret_name(REFERENCE, &row.id.to_string());
        Ok(Ok(OpenedRequest {
            url: format!("{}/pay/{reference}", self.public_url()),
            expires_in: row.expires_in(self.now()),
            picture: self.picture(row).await?,
        }))
    }

    /// What an offer says, if `merchant` signed it.
    async fn believe_offer(&self, merchant: &Merchant, offer: &str) -> Outcome<Offer, OfferFlaw> {
        let flaw = |why| Ok(Err(OfferFlaw { member: "offer", why }));
        let Some(kid) = kid_of(offer) else { return flaw("not a signed document") };
        let key = match self.peer_key(&merchant.url, &kid).await? {
            Ok(key) => key,
            Err(PeerRefusal::Unreachable(_)) => return Err(Fault::Away),
            Err(_) => return flaw("not signed by the merchant"),
        };
        let keys: KeySet = [key].into_iter().collect();
        match jws::verify_within(document::MAX_LENGTH, offer, Offer::TYP, &keys) {
            Ok(claims) => Ok(Ok(claims)),
            Err(error) => {
                tracing::warn!(security = true, merchant = %merchant.id, %error, "an offer is not believed");
                flaw("not an offer that the merchant signed")
            }
        }
    }
}

/// The name of the key that a document says it was signed with: nothing more is believed of it here.
fn kid_of(document: &str) -> Option<String> {
    let header = document.split('.').next().filter(|header| header.len() <= 400)?;
    let header = Base64UrlUnpadded::decode_vec(header).ok()?;
    let header: serde_json::Value = serde_json::from_slice(&header).ok()?;
    header.get("kid")?.as_str().map(str::to_owned)
}

#[derive(Clone)]
struct Open {
    id: Id<PurchaseRequest>,
    merchant: Id<Merchant>,
    vendor: Id<Vendor>,
    provider: String,
    reference: [u8; 32],
    claims: Offer,
    offer: String,
    request: Request,
}

impl Command for Open {
    /// The request, new or of before.
    type Receipt = Id<PurchaseRequest>;
    type Refusal = RequestRefusal;

    fn wants(&self, wants: &mut Wants) {
        wants.merchants.guard((self.merchant,));
        wants.merchant_keys.read((self.merchant, KeyOwner::Merchant, self.request.key));
        wants.vendor.read((self.vendor,));
    }

    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<Self::Receipt, RequestRefusal>, Fault> {
        let refused = |refusal| Ok(Decision::refused(refusal));
        let key = (self.merchant, KeyOwner::Merchant, self.request.key);
        if let Some(known) = books.merchant_keys.get(&key)? {
            return Ok(match Id::new(known.target) {
                Some(id) if known.fingerprint == self.request.fingerprint => {
                    Decision::done(id, Changes::default())
                }
                _ => Decision::refused(RequestRefusal::KeyReused),
            });
        }
        let lost = || Fault::Bug("a merchant or vendor is gone".into());
        let merchant = books.merchants.get(&(self.merchant,))?.ok_or_else(lost)?;
        let vendor = books.vendor.get(&(self.vendor,))?.ok_or_else(lost)?;
        if let Err(flaw) =
            check(&self.claims, merchant, &self.provider, vendor.settings.token.code, at)
        {
            return refused(RequestRefusal::Offer(flaw));
        }
        if let Some(limit) = beyond(merchant, self.claims.total) {
            return refused(RequestRefusal::Limit(limit));
        }

        // From here on it succeeds.
        let mut changes = Changes::default();
        let row = self.row(at);
        let open = merchant.open.saturating_add(1);
        changes.merchants.push(Change::Update(Merchant { open, ..merchant.clone() }));
        changes.purchase_requests.push(Change::Insert(row));
        let key = MerchantKey::new(self.merchant, KeyOwner::Merchant, self.request, self.id);
        changes.merchant_keys.push(Change::Insert(key));
        Ok(Decision::done(self.id, changes))
    }
}

impl Open {
    fn row(&self, at: Timestamp) -> PurchaseRequest {
        let row = PurchaseRequest {
            id: self.id,
            merchant: self.merchant,
            order: self.claims.order.clone(),
            account: None,
            state: RequestState::Open,
            amount: self.claims.total,
            offer: self.offer.clone(),
            confirmation: None,
            receipt: None,
            fulfilment: None,
            reference: self.reference,
            code: None,
            hold: None,
            fee: Amount::ZERO,
            refunded: Amount::ZERO,
            opened_at: at,
            decided_at: None,
            captured_at: None,
            fulfilled_at: None,
            pay_until: at.plus(Span::seconds(self.claims.pay_seconds)),
            hold_until: None,
            fulfil_until: None,
            refund_until: None,
            due_at: None,
        };
        row.settled()
    }
}

/// Which limit an order of so much is beyond.
fn beyond(merchant: &Merchant, total: Amount) -> Option<MerchantLimit> {
    match merchant.state {
        MerchantState::Invited => return Some(MerchantLimit::Invited),
        MerchantState::Suspended => return Some(MerchantLimit::Suspended),
        MerchantState::Active => {}
    }
    if total > merchant.limits.order {
        Some(MerchantLimit::Order)
    } else if merchant.open >= merchant.limits.open {
        Some(MerchantLimit::Open)
    } else {
        None
    }
}
