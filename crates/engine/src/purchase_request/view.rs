//! What a buyer sees of a purchase request: who sells what, from the signed offer alone, and whether it can be paid.

use scrip_domain::document::Offer;
use scrip_domain::merchant::Merchant;
use scrip_domain::purchase_request::{PurchaseRequest, RequestState};
use scrip_domain::{Amount, Span};
use scrip_storage::Fault;

use super::{Picture, RequestRefusal, hash, offer_of};
use crate::ledger::Buyer;
use crate::{Engine, Outcome};

/// A purchase request, as a buyer sees it.
#[derive(Clone, Debug)]
pub struct PaymentView {
    /// The request.
    pub request: PurchaseRequest,
    /// Where it stands now.
    pub state: RequestState,
    /// Who sells.
    pub merchant: Merchant,
    /// The offer, as it was signed.
    pub offer: Offer,
    /// What the buyer can spend; none of a visitor.
    pub balance: Option<Amount>,
    /// For how long it can be confirmed.
    pub expires_in: Span,
}

impl PaymentView {
    /// What the buyer lacks; none of a visitor.
    pub fn shortfall(&self) -> Option<Amount> {
        self.balance.map(|balance| balance.shortfall(self.request.amount))
    }
}

impl Engine {
    /// The request behind a reference.
    pub(super) async fn request_behind(
        &self,
        reference: &str,
    ) -> Result<Option<PurchaseRequest>, Fault> {
        match self.store.purchase_request_by_reference(hash(reference)).await? {
            Some(request) => Ok(Some(self.booked(request).await?)),
            None => Ok(None),
        }
    }

    /// What is behind a reference: before the claim for everybody who has it, then for the claiming account only.
    pub async fn payment(
        &self,
        reference: &str,
        buyer: Option<Buyer>,
    ) -> Outcome<PaymentView, RequestRefusal> {
        match self.request_behind(reference).await? {
            Some(request) => self.view(request, buyer).await,
            None => Ok(Err(RequestRefusal::NoSuchRequest)),
        }
    }

    /// A payment with all that was signed about it, for the claiming account.
    pub async fn payment_evidence(
        &self,
        reference: &str,
        buyer: Buyer,
    ) -> Outcome<Picture, RequestRefusal> {
        let request = self.request_behind(reference).await?;
        match request.filter(|request| request.account == Some(buyer.account)) {
            Some(request) => Ok(Ok(self.picture(request).await?)),
            None => Ok(Err(RequestRefusal::NoSuchRequest)),
        }
    }

    /// A page of the payments that an account has claimed, newest first.
    pub async fn payments_of(
        &self,
        buyer: Buyer,
        page: crate::Page,
    ) -> Result<Vec<PaymentView>, Fault> {
        let mut views = Vec::new();
        for request in self.store.purchase_requests_of(buyer.account, page).await? {
            if let Ok(view) = self.view(self.booked(request).await?, Some(buyer)).await? {
                views.push(view);
            }
        }
        Ok(views)
    }

    pub(super) async fn view(
        &self,
        request: PurchaseRequest,
        buyer: Option<Buyer>,
    ) -> Outcome<PaymentView, RequestRefusal> {
        let asking = buyer.map(|buyer| buyer.account);
        if request.account.is_some() && request.account != asking {
            return Ok(Err(RequestRefusal::NoSuchRequest));
        }
        let lost = || Fault::Bug("a purchase request has no merchant".into());
        let merchant = self.store.merchant(request.merchant).await?.ok_or_else(lost)?;
        let balance = match asking {
            Some(account) => self.member(account).await?.map(|member| member.available),
            None => None,
        };
        let now = self.now();
        Ok(Ok(PaymentView {
            state: request.state_at(now),
            offer: offer_of(&request)?,
            expires_in: request.expires_in(now),
            merchant,
            balance,
            request,
        }))
    }
}
