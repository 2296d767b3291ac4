//! Who looks at both servers' disks, and believes nothing else: what was seen, and what is so at rest.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use scrip_domain::account::Account;
use scrip_domain::catalog::Product;
use scrip_domain::checkout::Checkout;
use scrip_domain::event::{Event, EventType};
use scrip_domain::hold::HoldState;
use scrip_domain::license::{License, LicenseState};
use scrip_domain::merchant::Merchant;
use scrip_domain::order::{Order, OrderState};
use scrip_domain::purchase_request::{PurchaseRequest, RequestState};
use scrip_domain::{Id, Timestamp};
use scrip_engine::{Fault, Page};
use scrip_license::Terms;
use scrip_storage::Store;

use super::part::Host;
use super::weather::SERVERS;
use crate::book::{Verdict, Violation, demand};
use crate::host::url_of;

/// A code that somebody saw.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Sighting {
    /// Who saw it.
    pub buyer: String,
    /// Their account at the provider.
    pub account: String,
    /// The order that it was shown with.
    pub order: String,
    /// The license.
    pub license: String,
}

/// Somebody with access to both disks.
pub(crate) struct Witness {
    merchant: Arc<Host>,
    provider: Arc<Host>,
    sightings: Mutex<BTreeSet<Sighting>>,
}

impl From<Fault> for Violation {
    fn from(fault: Fault) -> Self {
        Self(format!("the books cannot be read: {fault}"))
    }
}

/// How an order stands on both sides.
struct Deal {
    order: Order,
    checkout: Option<Checkout>,
    request: Option<PurchaseRequest>,
}

impl Witness {
    /// The witness of these two.
    pub fn of(merchant: Arc<Host>, provider: Arc<Host>) -> Self {
        Self { merchant, provider, sightings: Mutex::default() }
    }

    /// Somebody has seen a code: in that very moment the provider's word and the tokens' way must be on its disk.
    pub async fn saw(&self, sighting: Sighting) -> Verdict {
        let known =
            self.sightings.lock().unwrap_or_else(PoisonError::into_inner).contains(&sighting);
        if known {
            return Ok(());
        }
        let store = self.provider.books().map_err(Violation)?;
        let merchant = merchant_in(&store).await?;
        let request = store.purchase_request_of(merchant.id, &sighting.order).await;
        let request = request?;
        let Some(request) = request else {
            return Err(Violation(format!("{sighting:?}, and the provider knows no such order")));
        };
        is_released(&store, &request, &sighting).await?;
        let mut sightings = self.sightings.lock().unwrap_or_else(PoisonError::into_inner);
        sightings.insert(sighting);
        Ok(())
    }

    /// At rest: what both servers have agrees, document by document and token by token. `heard` are orders that somebody
    /// heard of; `verdicts` what was said of requests for refunds; `spent` is what all buyers have spent, by their own books.
    /// Gives how many came to which end.
    pub async fn agrees(
        &self,
        heard: Vec<String>,
        verdicts: BTreeMap<String, String>,
        spent: u64,
    ) -> Result<String, Violation> {
        let (sells, pays) = (self.merchant.books(), self.provider.books());
        let (sells, pays) = (sells.map_err(Violation)?, pays.map_err(Violation)?);
        let mut requests = BTreeMap::new();
        let mut after = None;
        loop {
            let page = pays.purchase_requests(Page { after, limit: 100 }).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.id.number());
            requests.extend(page.into_iter().map(|request| (request.order.clone(), request)));
        }
        let mut ends = BTreeMap::<String, u64>::new();
        let mut owned = BTreeMap::new();
        let names: BTreeSet<String> = heard.into_iter().chain(requests.keys().cloned()).collect();
        for name in names {
            let id: Id<Order> =
                name.parse().map_err(|_| Violation(format!("{name} is no order")))?;
            let order = sells.order(id).await?;
            let Some(order) = order else {
                return Err(Violation(format!("the merchant has lost {name}")));
            };
            let checkout = sells.checkout(id).await?;
            let deal = Deal { order, checkout, request: requests.get(&name).cloned() };
            deal.agrees(&sells, &pays).await?;
            deal.is_sold_once(&sells, &mut owned).await?;
            *ends.entry(deal.end()).or_default() += 1;
        }
        stand(&sells, verdicts).await?;
        let merchant = merchant_in(&pays).await?;
        balances(&merchant, requests.values(), spent)?;
        let sightings = self.sightings.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for sighting in sightings {
            let Some(request) = requests.get(&sighting.order) else {
                return Err(Violation(format!("{sighting:?}, of an order that nobody knows")));
            };
            is_released(&pays, request, &sighting).await?;
        }
        Ok(format!("{ends:?}"))
    }
}

/// What was said of requests for refunds is said still; what was accepted has a refund, and what was declined has none.
async fn stand(store: &Store, verdicts: BTreeMap<String, String>) -> Verdict {
    for (name, state) in verdicts {
        let id = name.parse().map_err(|_| Violation(format!("{name} is no request")))?;
        let row = store.refund_request(id).await?;
        let Some(row) = row else { return Err(Violation(format!("{name} is gone"))) };
        demand!(row.state.as_str() == state, "{name} was {state}, and is {}", row.state);
        let refunds = store.refunds_of(&[row.order]).await?;
        let has = refunds.iter().any(|refund| Some(refund.id) == row.refund);
        demand!(has == (state == "accepted"), "{name} is {state}, its refund {:?}", row.refund);
    }
    Ok(())
}

async fn merchant_in(store: &Store) -> Result<Merchant, Violation> {
    let [merchant, _] = SERVERS;
    let row = store.merchant_by_url(&url_of(merchant)).await?;
    row.ok_or_else(|| Violation("the provider has lost its merchant".into()))
}

/// The account that saw the code is the one that confirmed, its tokens were taken, and the provider has said its last
/// word.
async fn is_released(store: &Store, request: &PurchaseRequest, sighting: &Sighting) -> Verdict {
    let whose = request.account.map(|account| account.to_string());
    demand!(whose.as_ref() == Some(&sighting.account), "{sighting:?}, but {whose:?} confirmed it");
    let is_delivered = request.fulfilled_at.is_some() && request.fulfilment.is_some();
    demand!(is_delivered, "{sighting:?}, but the provider has it as {}", request.state);
    demand!(request.receipt.is_some(), "{sighting:?}, without a receipt");
    was_taken(store, request).await
}

/// What is delivered was posted: the hold became a capture.
async fn was_taken(store: &Store, request: &PurchaseRequest) -> Verdict {
    if request.amount.is_zero() {
        return Ok(());
    }
    let Some(hold) = request.hold else {
        return Err(Violation(format!("{} was captured without a hold", request.order)));
    };
    let hold = store.hold(hold).await?;
    let state = hold.as_ref().map(|hold| hold.state);
    demand!(state == Some(HoldState::Posted), "{} is captured, its hold {state:?}", request.order);
    let amount = hold.map(|hold| hold.amount);
    demand!(amount == Some(request.amount), "{} held {amount:?}", request.order);
    Ok(())
}

/// What buyers paid is what the merchant got, with the fees; what went back is in neither.
fn balances<'a>(
    merchant: &Merchant,
    requests: impl Iterator<Item = &'a PurchaseRequest>,
    spent: u64,
) -> Verdict {
    let (mut paid, mut back, mut fees) = (0_i128, 0_i128, 0_i128);
    for request in requests.filter(|request| request.receipt.is_some()) {
        paid += i128::from(request.amount.units());
        back += i128::from(request.refunded.units());
        fees += i128::from(request.fee.units());
    }
    let has = i128::from(merchant.balance.credits) - i128::from(merchant.balance.debits);
    demand!(
        paid == has + back + fees,
        "{paid} paid, the merchant has {has}, {back} went back, {fees} fees"
    );
    demand!(
        i128::from(spent) == paid - back,
        "buyers have spent {spent}, {paid} paid, {back} back"
    );
    Ok(())
}

impl Deal {
    /// What it came to, at the merchant and at the provider.
    fn end(&self) -> String {
        let there = self.request.as_ref().map_or("-", |request| request.state.as_str());
        let reason = self.checkout.as_ref().and_then(|checkout| checkout.reason.as_deref());
        format!("{} ({}) {there}", self.order.state, reason.unwrap_or("-"))
    }

    /// Both sides have come to the same end.
    async fn agrees(&self, sells: &Store, pays: &Store) -> Verdict {
        let (order, name) = (&self.order, self.order.id);
        let state = order.state;
        let waits = matches!(
            state,
            OrderState::Open
                | OrderState::Claimed
                | OrderState::Authorized
                | OrderState::Captured
                | OrderState::RefundPending
        );
        demand!(!waits, "{name} is {state} at rest");
        let delivered = order.paid_at.is_some();
        let Some(request) = &self.request else {
            demand!(!delivered, "{name} is {state}, and the provider knows nothing of it");
            return Ok(());
        };
        let Some(checkout) = &self.checkout else {
            return Err(Violation(format!(
                "{name} has a request at the provider, and no checkout"
            )));
        };
        let there = request.state;
        let fulfilled = request.fulfilled_at.is_some();
        demand!(delivered == fulfilled, "{name} is {state}, at the provider {there}");
        demand!(
            request.amount == order.total,
            "{name} costs {:?} and {:?}",
            order.total,
            request.amount
        );
        demand!(request.offer == checkout.offer, "{name} has two offers");
        if request.receipt.is_some() {
            self.is_chained(request, checkout, pays).await?;
            was_taken(pays, request).await?;
            let gone = request.refunded == request.amount;
            demand!(fulfilled || gone, "{name} is captured, neither delivered nor given back");
            self.is_given_back(request, sells).await?;
        } else {
            let over = matches!(
                there,
                RequestState::Declined
                    | RequestState::Expired
                    | RequestState::Cancelled
                    | RequestState::Voided
            );
            demand!(over, "{name} is {there} at the provider at rest");
            let over =
                matches!(state, OrderState::Declined | OrderState::Expired | OrderState::Cancelled);
            demand!(over, "{name} is {state}, at the provider {there}");
        }
        let reason = checkout.reason.as_deref().unwrap_or_default();
        if ["already_owned", "trial_used"].contains(&reason) {
            let let_go = state == OrderState::Declined && there == RequestState::Voided;
            demand!(let_go, "{name} is {state} for {reason}, at the provider {there}");
        }
        self.has_licenses(sells).await
    }

    /// Who did not insist has nothing for good from two orders, however they crossed each other. `owned` says from which.
    async fn is_sold_once(
        &self,
        sells: &Store,
        owned: &mut BTreeMap<(Id<Account>, Id<Product>), Id<Order>>,
    ) -> Verdict {
        let name = self.order.id;
        let Some(account) = self.order.account.filter(|_| !self.order.again) else { return Ok(()) };
        for license in sells.licenses_of_orders(&[name]).await? {
            if license.terms == Terms::Perpetual && license.is_kept() {
                let other = owned.insert((account, license.product), name).unwrap_or(name);
                demand!(
                    other == name,
                    "{account} owns {} from {other} and {name}",
                    license.product
                );
            }
        }
        Ok(())
    }

    /// The documents of both sides are the same.
    async fn is_chained(
        &self,
        request: &PurchaseRequest,
        checkout: &Checkout,
        pays: &Store,
    ) -> Verdict {
        let name = self.order.id;
        demand!(checkout.request == Some(request.id.to_string()), "{name} is another's");
        demand!(checkout.confirmation == request.confirmation, "{name} has two confirmations");
        demand!(checkout.receipt == request.receipt, "{name} has two receipts");
        demand!(checkout.fulfilment == request.fulfilment, "{name} has two last words");
        if request.amount.is_zero() {
            // Of what cost nothing either side may say that it went back.
            return Ok(());
        }
        let refunds = pays.request_refunds(request.id).await?;
        let refunds: Vec<_> = refunds.into_iter().map(|refund| refund.document).collect();
        demand!(
            checkout.refunds == refunds,
            "{name}: the merchant knows {} of {} refunds",
            checkout.refunds.len(),
            refunds.len()
        );
        Ok(())
    }

    /// The merchant's own book of refunds comes to the same.
    async fn is_given_back(&self, request: &PurchaseRequest, sells: &Store) -> Verdict {
        let name = self.order.id;
        let refunds = sells.refunds_of(&[name]).await?;
        let sum: u64 = refunds.iter().map(|refund| refund.amount.units()).sum();
        let back = request.refunded.units();
        demand!(sum == back, "{name}: {sum} went back at the merchant, {back} at the provider");
        let is_all = self.order.state == OrderState::Refunded;
        let gone = request.refunded == request.amount;
        // Units that cost nothing can stay where all that was paid went back.
        let lines = sells.order_lines(name).await?;
        let has_free = lines.iter().any(|line| line.price.is_zero());
        demand!(
            !gone || is_all || has_free,
            "{name} is {}, and all of it went back",
            self.order.state
        );
        Ok(())
    }

    /// What is delivered has a license for each unit; of what is not, none is good.
    async fn has_licenses(&self, sells: &Store) -> Verdict {
        let name = self.order.id;
        let licenses = sells.licenses_of_orders(&[name]).await?;
        let withheld = licenses.iter().any(|license| license.state == LicenseState::Withheld);
        demand!(!withheld, "{name} has withheld licenses at rest");
        let lines = sells.order_lines(name).await?;
        let units: u64 = lines.iter().map(|line| u64::from(line.quantity)).sum();
        if self.order.paid_at.is_some() {
            demand!(licenses.len() as u64 == units, "{name}: {} licenses", licenses.len());
        } else {
            let good = licenses.iter().any(|license| license.state == LicenseState::Valid);
            demand!(!good, "{name} was not delivered, and has good licenses");
        }
        self.tells_of(sells, &licenses).await
    }

    /// Its buyer's feed tells of each license of an order that was delivered, once, and of none of another.
    async fn tells_of(&self, sells: &Store, licenses: &[License]) -> Verdict {
        let Some(account) = self.order.account else { return Ok(()) };
        let whole = (Id::floor(Timestamp::default()), u32::MAX);
        let told = sells.told_of(account, whole, 0, u32::MAX).await?;
        let issued = |license: &License| {
            let of = |event: &Event| {
                event.kind == EventType::LicenseIssued && event.subject == license.id.into()
            };
            told.iter().filter(|told| of(&told.event)).count()
        };
        let times = usize::from(self.order.paid_at.is_some());
        let right = licenses.iter().all(|license| issued(license) == times);
        demand!(right, "{}: of a license is not told {times} times", self.order.id);
        Ok(())
    }
}
