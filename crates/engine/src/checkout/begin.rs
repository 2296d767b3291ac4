//! Confirming an order at a merchant: the buyer is sent to the provider with a signed offer; and taking that back.
//!
//! ```text
//! draft ──one command: offer signed, order `open`, errand──▶ open ──the provider opens the request──▶ open, with its address
//! ```
//! The offer is signed before the command and kept as it is, so that it is the same whatever is repeated: the order's name is
//! the key under which the provider opens one request.

use base64ct::{Base64UrlUnpadded, Encoding};
use scrip_domain::checkout::{Checkout, FULFIL, HOLD, PAY, REFUND};
use scrip_domain::document::{Offer, OfferLine};
use scrip_domain::estimate::REFERENCE;
use scrip_domain::gate::{self, Act};
use scrip_domain::order::{Line, Order, OrderState};
use scrip_domain::request::{Request, RequestId};
use scrip_domain::settings::Vendor;
use scrip_domain::{Amount, Id, Span, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};

use super::drive::Came;
use super::{AtProvider, Holder};
use crate::identity::not_now;
use crate::ledger::Buyer;
use crate::peer::PeerError;
use crate::provider::Provider;
use crate::purchase::{Answered, PurchaseRefusal};
use crate::throttle::Limited;
use crate::{Engine, Outcome};

impl Engine {
    /// Confirms a draft: the answer says where the buyer goes. [`Fault::Away`] while the provider has not opened the request. `source` is
    /// where it came from: what nobody has signed in for takes one of the few requests that the provider keeps open for us.
    pub async fn begin_checkout(
        &self,
        holder: Holder,
        order: Id<Order>,
        source: &str,
        request: Request,
    ) -> Outcome<Answered<AtProvider>, PurchaseRefusal> {
        let Some(row) = self.store.order(order).await?.filter(|order| holder.holds(order)) else {
            return Ok(Err(PurchaseRefusal::NoSuchOrder));
        };
        if let Some(checkout) = self.store.checkout(order).await? {
            if checkout.asked.key != request.key {
                return Ok(Err(PurchaseRefusal::NotDraft(row.state_at(self.now()))));
            }
            if checkout.asked.fingerprint != request.fingerprint {
                return Ok(Err(PurchaseRefusal::KeyReused));
            }
            let opened = self.opened(order, Some(checkout.asked.id)).await?;
            return Ok(opened.map(Answered::Replayed));
        }
        let Some(provider) = self.provider() else {
            return Err(Fault::Bug("an order is to be paid at no provider".into()));
        };
        if matches!(holder, Holder::Token) {
            let limits = [(Limited::VisitorOrder, source)];
            if let Err(wait) = self.throttle.take(limits, self.now()) {
                return Ok(Err(PurchaseRefusal::TooManyOrders(wait)));
            }
        }
        let vendor = self.vendor().await?;
        let lines = self.store.order_lines(order).await?;
        let offer = self.offer(provider, &vendor, &row, &lines).await?;
        let buyer = match holder {
            Holder::Buyer(buyer) => Some(buyer),
            Holder::Token => None,
        };
        let (_, funded) = self.known(buyer).await?;
        let provider = provider.url().to_owned();
        let vendor = vendor.id;
        let command = Begin { buyer, funded, vendor, order, provider, offer, request };
        if let Err(refusal) = self.submit(command).await? {
            return Ok(Err(refusal));
        }
        Ok(self.opened(order, None).await?.map(Answered::First))
    }

    /// The order as the confirmation answers: with the address of the provider. `before` is the request that asked for it
    /// first, if that was another one.
    async fn opened(
        &self,
        order: Id<Order>,
        before: Option<RequestId>,
    ) -> Outcome<AtProvider, PurchaseRefusal> {
        let lost = || Fault::Bug("an order that was confirmed is gone".into());
        let (_, checkout) = self.order_and_checkout(order).await?.ok_or_else(lost)?;
        if checkout.url.is_none() {
            self.drive(order, Came::Unasked).await?;
        }
        let row = self.store.order(order).await?.ok_or_else(lost)?;
        let at = self.at_provider(row).await?.ok_or_else(lost)?;
        if at.checkout.url.is_some() {
            return Ok(Ok(at));
        }
        match (&at.checkout.reason, at.order.state) {
            (Some(code), OrderState::Declined) => {
                let (code, replayed) = (code.clone(), before);
                Ok(Err(PurchaseRefusal::ProviderRefused { order, code, replayed }))
            }
            (_, OrderState::Open) => Err(Fault::Away),
            (_, state) => Ok(Err(PurchaseRefusal::NotDraft(state))),
        }
    }

    /// Takes an order back, before its tokens are taken. Doing it again changes nothing.
    pub async fn cancel_checkout(
        &self,
        holder: Holder,
        order: Id<Order>,
    ) -> Outcome<(Order, Vec<Line>), PurchaseRefusal> {
        let Some(row) = self.store.order(order).await?.filter(|order| holder.holds(order)) else {
            return Ok(Err(PurchaseRefusal::NoSuchOrder));
        };
        let lines = self.store.order_lines(order).await?;
        let Some(checkout) = self.store.checkout(order).await? else {
            return Ok(self.submit(GiveUp { order }).await?.map(|row| (row, lines)));
        };
        if matches!(row.state, OrderState::Open | OrderState::Claimed | OrderState::Authorized) {
            let (Some(provider), Some(request)) = (self.provider(), &checkout.request) else {
                return Err(Fault::Away);
            };
            match provider.cancel(request).await {
                Ok(picture) => self.saw(order, picture, Came::Cancelling).await?,
                Err(error) => return Err(not_now(&error)),
            }
        }
        let row = self.store.order(order).await?.unwrap_or(row);
        match row.state {
            OrderState::Cancelled => Ok(Ok((row, lines))),
            OrderState::Expired => Ok(Err(PurchaseRefusal::Expired)),
            state => Ok(Err(PurchaseRefusal::NotDraft(state))),
        }
    }

    /// What the merchant offers, signed.
    async fn offer(
        &self,
        provider: &dyn Provider,
        vendor: &Vendor,
        order: &Order,
        lines: &[Line],
    ) -> Result<String, Fault> {
        let mut nonce = [0; 16];
        self.fill(&mut nonce);
        let mut offered = Vec::with_capacity(lines.len());
        for line in lines {
            offered.push(self.offer_line(line).await?);
        }
        let seconds = |span: Span| u32::try_from(span.as_millis() / 1000).unwrap_or(u32::MAX);
        self.sign_document(&Offer {
            issuer: self.public_url().to_owned(),
            audience: provider.url().to_owned(),
            nonce: Base64UrlUnpadded::encode_string(&nonce),
            issued_at: self.now().unix_seconds(),
            order: order.id.to_string(),
            token: vendor.settings.token.code,
            lines: offered,
            total: order.total,
            return_url: format!("{}/return", self.public_url()),
            pay_seconds: seconds(PAY),
            hold_seconds: seconds(HOLD),
            fulfil_seconds: seconds(FULFIL),
            refund_seconds: seconds(REFUND),
        })
    }

    async fn offer_line(&self, line: &Line) -> Result<OfferLine, Fault> {
        let release = match line.release {
            Some(release) => self.store.release(release).await?,
            None => None,
        };
        let mut size = None;
        if let Some(release) = &release {
            let files = self.store.files_of(release.id).await?;
            size = files.iter().try_fold(0_u64, |sum, file| sum.checked_add(file.size));
        }
        Ok(OfferLine {
            line: line.id.to_string(),
            title: line.title.clone(),
            quantity: line.quantity,
            price: line.price,
            discount: line.discount.filter(|discount| *discount != Amount::ZERO),
            size,
            digest: release.map(|release| release.manifest),
            download_seconds: size.map(|size| REFERENCE.seconds_for(size)),
        })
    }
}

/// Refusals that say nothing about what was asked: a provider that is busy, or does not know this server's newest key yet.
pub(crate) const FOR_NOW: [&str; 3] = ["busy", "restoring", "signature_refused"];

/// The provider's refusal of an offer, as the order keeps it: by the most exact word that there is.
pub(super) fn refused(error: &PeerError) -> Option<String> {
    match error {
        PeerError::Refused { code, reason, .. } if !FOR_NOW.contains(&code.as_str()) => {
            Some(reason.as_ref().unwrap_or(code).clone())
        }
        _ => None,
    }
}

struct Begin {
    buyer: Option<Buyer>,
    funded: Option<bool>,
    vendor: Id<Vendor>,
    order: Id<Order>,
    provider: String,
    offer: String,
    request: Request,
}

impl Command for Begin {
    type Receipt = ();
    type Refusal = PurchaseRefusal;

    fn wants(&self, wants: &mut Wants) {
        wants.orders.guard((self.order,));
        wants.checkouts.read((self.order,));
        wants.vendor.read((self.vendor,));
        if let Some(buyer) = self.buyer {
            wants.accounts.read((buyer.account,));
        }
    }

    fn decide(&self, books: &Books, at: Timestamp) -> Result<Decision<(), PurchaseRefusal>, Fault> {
        let Some(order) = books.orders.get(&(self.order,))? else {
            return Ok(Decision::refused(PurchaseRefusal::NoSuchOrder));
        };
        if let Some(checkout) = books.checkouts.get(&(self.order,))? {
            // The same request side by side with itself.
            return Ok(if checkout.asked.key == self.request.key {
                Decision::done((), Changes::default())
            } else {
                Decision::refused(PurchaseRefusal::NotDraft(order.state_at(at)))
            });
        }
        match order.state_at(at) {
            OrderState::Draft => {}
            OrderState::Expired => return Ok(Decision::refused(PurchaseRefusal::Expired)),
            state => return Ok(Decision::refused(PurchaseRefusal::NotDraft(state))),
        }
        let no_vendor = || Fault::Bug("a merchant has no settings".into());
        let settings = &books.vendor.get(&(self.vendor,))?.ok_or_else(no_vendor)?.settings;
        let account = match self.buyer {
            Some(buyer) => books.accounts.get(&(buyer.account,))?,
            None => None,
        };
        let gate = gate::pass_at_merchant(Act::Pay, account, self.funded, settings, at);
        if let Err(shut) = gate {
            return Ok(Decision::refused(PurchaseRefusal::Gate(shut)));
        }
        // From here on the buyer is sent to the provider.
        let terms = || Some(settings.terms_version.clone());
        let mut changes = Changes::default();
        changes.orders.push(Change::Update(Order {
            state: OrderState::Open,
            terms_version: order.terms_version.clone().or_else(terms),
            ..order.clone()
        }));
        changes.checkouts.push(Change::Insert(Checkout {
            order: self.order,
            provider: self.provider.clone(),
            request: None,
            url: None,
            pay_until: None,
            asked: self.request,
            offer: self.offer.clone(),
            confirmation: None,
            receipt: None,
            fulfilment: None,
            refunds: Vec::new(),
            subject: None,
            reason: None,
            refund: None,
            // It is asked at once; somebody else need look only if that comes to nothing.
            due_at: Some(at.plus(Checkout::patience(OrderState::Open, 1))),
            attempts: 0,
        }));
        Ok(Decision::done((), changes))
    }
}

/// Gives up a draft that was never confirmed.
struct GiveUp {
    order: Id<Order>,
}

impl Command for GiveUp {
    type Receipt = Order;
    type Refusal = PurchaseRefusal;

    fn wants(&self, wants: &mut Wants) {
        wants.orders.guard((self.order,));
    }

    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<Order, PurchaseRefusal>, Fault> {
        let Some(order) = books.orders.get(&(self.order,))? else {
            return Ok(Decision::refused(PurchaseRefusal::NoSuchOrder));
        };
        match order.state_at(at) {
            OrderState::Draft => {}
            OrderState::Cancelled => return Ok(Decision::done(order.clone(), Changes::default())),
            OrderState::Expired => return Ok(Decision::refused(PurchaseRefusal::Expired)),
            state => return Ok(Decision::refused(PurchaseRefusal::NotDraft(state))),
        }
        let order = Order { state: OrderState::Cancelled, ..order.clone() };
        let mut changes = Changes::default();
        changes.orders.push(Change::Update(order.clone()));
        Ok(Decision::done(order, changes))
    }
}
