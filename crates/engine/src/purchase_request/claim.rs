//! Claiming a purchase request for an account, and letting go of it.
//!
//! ```text
//! open ──claim──▶ claimed ──release──▶ open
//! ```
//! Whoever has the reference may claim an open request; from then on it is the claiming account's, and is not there for
//! anybody else. Both can be repeated.

use scrip_domain::Timestamp;
use scrip_domain::purchase_request::{PurchaseRequest, RequestState};
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};

use super::{PaymentView, RequestRefusal};
use crate::ledger::Buyer;
use crate::{Engine, Outcome};

impl Engine {
    /// Claims the request behind `reference` for an account.
    pub async fn claim_payment(
        &self,
        buyer: Buyer,
        reference: &str,
    ) -> Outcome<PaymentView, RequestRefusal> {
        self.take(buyer, reference, Step::Claim).await
    }

    /// Lets go of it: anybody with the reference can claim it again.
    pub async fn release_payment(
        &self,
        buyer: Buyer,
        reference: &str,
    ) -> Outcome<PaymentView, RequestRefusal> {
        self.take(buyer, reference, Step::Release).await
    }

    async fn take(
        &self,
        buyer: Buyer,
        reference: &str,
        step: Step,
    ) -> Outcome<PaymentView, RequestRefusal> {
        let Some(request) = self.request_behind(reference).await? else {
            return Ok(Err(RequestRefusal::NoSuchRequest));
        };
        match self.submit(Take { buyer, request: request.id, step }).await? {
            Ok(request) => self.view(request, Some(buyer)).await,
            Err(refusal) => Ok(Err(refusal)),
        }
    }
}

#[derive(Clone, Copy)]
enum Step {
    Claim,
    Release,
}

struct Take {
    buyer: Buyer,
    request: scrip_domain::Id<PurchaseRequest>,
    step: Step,
}

impl Command for Take {
    type Receipt = PurchaseRequest;
    type Refusal = RequestRefusal;

    fn wants(&self, wants: &mut Wants) {
        wants.purchase_requests.guard((self.request,));
    }

    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<PurchaseRequest, RequestRefusal>, Fault> {
        let request = books.purchase_requests.get(&(self.request,))?;
        // Another account's is not there.
        let mine = Some(self.buyer.account);
        let request =
            request.filter(|request| request.account.is_none() || request.account == mine);
        let Some(request) = request else {
            return Ok(Decision::refused(RequestRefusal::NoSuchRequest));
        };
        let (state, account) = match (self.step, request.state_at(at)) {
            (Step::Claim, RequestState::Open) => (RequestState::Claimed, mine),
            (Step::Release, RequestState::Claimed) => (RequestState::Open, None),
            (Step::Claim, RequestState::Claimed) | (Step::Release, RequestState::Open) => {
                return Ok(Decision::done(request.clone(), Changes::default()));
            }
            (_, state) => return Ok(Decision::refused(RequestRefusal::State(state))),
        };
        let request = PurchaseRequest { state, account, ..request.clone() }.settled();
        let mut changes = Changes::default();
        changes.purchase_requests.push(Change::Update(request.clone()));
        Ok(Decision::done(request, changes))
    }
}
