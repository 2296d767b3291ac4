//! The errand of a checkout: which call is next, making it, and handing in what was seen.
//!
//! ```text
//! due ─▶ taken (moved ahead, so that no other server runs it) ─▶ called ─▶ seen ─▶ the next call at once, or due again
//! ```
//! A confirmation, a notice and a buyer who comes back drive it as well, at once; what two of them do side by side comes to
//! the same as one after the other.

use scrip_domain::checkout::{Call, Checkout, OPENING};
use scrip_domain::event::{Event, EventType};
use scrip_domain::order::{Order, OrderState};
use scrip_domain::{Id, Span, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};

use super::begin::refused;
use crate::Engine;
use crate::peer::PeerError;
use crate::provider::{Opened, Picture, Provider};
use crate::round::{self, AT_ONCE};

/// For how long a checkout that was taken is nobody else's.
const LEASE: Span = Span::minutes(2);
/// Checkouts that one round takes on.
const ROUND: u32 = 50;
/// More steps than an order has.
const STEPS: u32 = 8;

/// How news came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Came {
    /// As the answer on an errand, which goes on with it.
    OnErrand,
    /// As the answer to taking the order back.
    Cancelling,
    /// In another way: an errand that is due stays due.
    Unasked,
}

/// What the provider was asked comes to.
enum Answer {
    Opened(Opened),
    /// It does not take the offer; its word for why.
    NotTaken(String),
    /// It does not give back; its word for why.
    NotGivenBack(String),
    Picture(Picture),
    None,
}

impl Engine {
    /// Asks the provider whatever is due, once. Gives how much was asked.
    pub async fn run_checkouts(&self) -> Result<usize, Fault> {
        if self.provider().is_none() {
            return Ok(0);
        }
        let due = self.store.checkouts_due(self.now(), ROUND).await?;
        round::count(due, AT_ONCE, |checkout| self.run_checkout(checkout.order)).await
    }

    async fn run_checkout(&self, order: Id<Order>) -> Result<bool, Fault> {
        if self.submit(Take { order }).await?.is_err() {
            return Ok(false);
        }
        self.drive(order, Came::OnErrand).await?;
        Ok(true)
    }

    /// Asks for the picture of a request that a notice named, and goes on with its order. Nothing else of a notice is
    /// believed. [`Fault::Away`] when the provider does not answer: it sends the notice again.
    pub async fn noticed(&self, request: &str) -> Result<(), Fault> {
        let Some(provider) = self.provider() else { return Ok(()) };
        let Some(checkout) = self.store.checkout_by_request(request).await? else { return Ok(()) };
        match provider.request(request).await {
            Ok(picture) => self.shown(checkout.order, picture).await,
            Err(error) => Err(crate::identity::not_now(&error)),
        }
    }

    /// Goes on with an order from this picture of it.
    pub(crate) async fn shown(&self, order: Id<Order>, picture: Picture) -> Result<(), Fault> {
        self.saw(order, picture, Came::Unasked).await?;
        let Some((order, _)) = self.order_and_checkout(order).await? else { return Ok(()) };
        // While the buyer is to decide there is nothing more to ask than was just answered, nor after the end.
        if matches!(
            order.state,
            OrderState::Authorized | OrderState::Captured | OrderState::RefundPending
        ) {
            self.drive(order.id, Came::Unasked).await?;
        }
        Ok(())
    }

    /// Makes the calls that the order's state asks for, one after the other, while each moves it on.
    pub(super) async fn drive(&self, order: Id<Order>, came: Came) -> Result<(), Fault> {
        for step in 0..STEPS {
            let Some((before, checkout)) = self.order_and_checkout(order).await? else {
                return Ok(());
            };
            let (Some(provider), Some(call)) =
                (self.provider(), checkout.next_call(before.state, self.now(), before.paid_at))
            else {
                return self.later(order, came).await;
            };
            // A step was just taken by a picture: there is nothing to ask before a while.
            if step > 0 && call == Call::Ask {
                return Ok(());
            }
            match self.ask_provider(provider, call, &before, &checkout).await? {
                Ok(answer) => self.told(order, answer, came).await?,
                Err(error) => {
                    tell(order, &error);
                    return self.later(order, came).await;
                }
            }
            let after = self.order_and_checkout(order).await?;
            let moved = after.is_some_and(|(after, _)| after.state != before.state);
            if !moved {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Asks the provider for one thing.
    async fn ask_provider(
        &self,
        provider: &dyn Provider,
        call: Call,
        order: &Order,
        checkout: &Checkout,
    ) -> Result<Result<Answer, PeerError>, Fault> {
        let request = checkout.request.as_deref().unwrap_or_default();
        let picture = match call {
            Call::Open => {
                return Ok(match provider.open(&order.id.to_string(), &checkout.offer).await {
                    Ok(opened) => Ok(Answer::Opened(opened)),
                    Err(error) => match refused(&error) {
                        Some(code) => Ok(Answer::NotTaken(code)),
                        None => Err(error),
                    },
                });
            }
            Call::Ask => provider.request(request).await,
            Call::Capture => provider.capture(request).await,
            Call::Cancel => provider.cancel(request).await,
            Call::Fulfilled => {
                let licenses = self.store.licenses_of_orders(&[order.id]).await?;
                let codes = self.codes_digest(&licenses).await?;
                provider.fulfilled(request, &codes).await
            }
            Call::Refund => {
                let Some(refund) = &checkout.refund else { return Ok(Ok(Answer::None)) };
                let key = refund.id.to_string();
                match provider.refund(request, &key, refund.amount, &refund.reason).await {
                    Err(error) => match refused(&error) {
                        Some(code) => {
                            // What was given back before says more than the refusal.
                            if let Ok(picture) = provider.request(request).await {
                                self.saw(order.id, picture, Came::Unasked).await?;
                            }
                            return Ok(Ok(Answer::NotGivenBack(code)));
                        }
                        None => Err(error),
                    },
                    picture => picture,
                }
            }
        };
        Ok(match picture {
            Ok(picture) => Ok(Answer::Picture(picture)),
            // A hold that is over, or tokens that went back: the picture says which.
            Err(PeerError::Refused { code, .. }) if call != Call::Ask => {
                tracing::info!(order = %order.id, code, ?call, "the provider refuses");
                provider.request(request).await.map(Answer::Picture)
            }
            Err(error) => Err(error),
        })
    }

    async fn told(&self, order: Id<Order>, answer: Answer, came: Came) -> Result<(), Fault> {
        let moved = match answer {
            Answer::Picture(picture) => return self.saw(order, picture, came).await,
            Answer::None => return self.later(order, came).await,
            Answer::Opened(opened) => Told::Opened(opened),
            Answer::NotTaken(code) => Told::NotTaken(code),
            Answer::NotGivenBack(code) => Told::NotGivenBack(code),
        };
        let event = self.mint()?;
        let Ok(()) = self.submit(Tell { order, told: moved, event }).await?;
        Ok(())
    }

    /// Nothing new: it is asked again after a while. What came unasked puts nothing off.
    pub(super) async fn later(&self, order: Id<Order>, came: Came) -> Result<(), Fault> {
        if came == Came::OnErrand {
            let event = self.mint()?;
            let Ok(()) = self.submit(Tell { order, told: Told::Nothing, event }).await?;
        }
        Ok(())
    }
}

/// An answer that does not move the order is on record.
pub(super) fn tell(order: Id<Order>, error: &PeerError) {
    match error {
        PeerError::Unbelievable(why) => {
            tracing::warn!(target: "security", %order, why, "what came in the provider's name is not believed");
        }
        PeerError::Unanswered(why) => {
            tracing::info!(%order, why, "the provider gave no answer");
        }
        PeerError::Refused { code, detail, .. } => {
            tracing::warn!(%order, code, detail, "the provider refuses");
        }
    }
}

/// It is not due any more: done, or somebody else's.
struct NotDue;

struct Take {
    order: Id<Order>,
}

impl Command for Take {
    type Receipt = ();
    type Refusal = NotDue;

    fn wants(&self, wants: &mut Wants) {
        wants.orders.guard((self.order,));
        wants.checkouts.read((self.order,));
    }

    fn decide(&self, books: &Books, at: Timestamp) -> Result<Decision<(), NotDue>, Fault> {
        let due = books.checkouts.get(&(self.order,))?;
        let Some(checkout) = due.filter(|row| row.due_at.is_some_and(|due| due <= at)) else {
            return Ok(Decision::refused(NotDue));
        };
        let mut changes = Changes::default();
        let taken = Checkout { due_at: Some(at.plus(LEASE)), ..checkout.clone() };
        changes.checkouts.push(Change::Update(taken));
        Ok(Decision::done((), changes))
    }
}

/// What is heard of a request that is no picture.
enum Told {
    /// It was opened.
    Opened(Opened),
    /// The offer is not taken.
    NotTaken(String),
    /// Nothing is given back.
    NotGivenBack(String),
    /// There was no answer.
    Nothing,
}

struct Tell {
    order: Id<Order>,
    told: Told,
    event: Id<Event>,
}

impl Tell {
    fn opened(order: &Order, checkout: &mut Checkout, opened: &Opened, at: Timestamp) {
        if order.state == OrderState::Open && checkout.request.is_none() {
            checkout.request = Some(opened.id.clone());
            checkout.url = Some(opened.url.clone());
            checkout.pay_until = Some(at.plus(opened.expires_in));
            checkout.attempts = 0;
            checkout.due_at = Some(at.plus(Checkout::patience(order.state, 1)));
        }
    }

    /// The order comes to nothing: nobody ever had the provider's address for it.
    fn end(order: &mut Order, checkout: &mut Checkout, state: OrderState, reason: &str) {
        if order.state == OrderState::Open && checkout.request.is_none() {
            order.state = state;
            checkout.reason = Some(reason.to_owned());
            checkout.due_at = None;
        }
    }

    /// What was asked back is not given back: the order is as paid as it was.
    fn not_given_back(
        &self,
        books: &Books,
        order: &mut Order,
        checkout: &mut Checkout,
        code: &str,
        at: Timestamp,
    ) -> Result<(), Fault> {
        if order.state == OrderState::RefundPending {
            let before = books.refunds.all(&(self.order,))?;
            order.state =
                if before.is_empty() { OrderState::Paid } else { OrderState::PartiallyRefunded };
            checkout.refund = None;
            checkout.reason = Some(code.to_owned());
            checkout.attempts = 0;
            checkout.due_at = Some(at.plus(Checkout::patience(order.state, 0)));
        }
        Ok(())
    }
}

impl Command for Tell {
    type Receipt = ();
    type Refusal = std::convert::Infallible;

    fn wants(&self, wants: &mut Wants) {
        wants.orders.guard((self.order,));
        wants.checkouts.read((self.order,));
        wants.refunds.read((self.order,));
    }

    fn decide(&self, books: &Books, at: Timestamp) -> Result<Decision<(), Self::Refusal>, Fault> {
        let mut changes = Changes::default();
        let rows = (books.orders.get(&(self.order,))?, books.checkouts.get(&(self.order,))?);
        let (Some(before), Some(known)) = rows else { return Ok(Decision::done((), changes)) };
        let (mut order, mut checkout) = (before.clone(), known.clone());
        match &self.told {
            Told::Opened(opened) => Self::opened(before, &mut checkout, opened, at),
            Told::NotTaken(code) => {
                Self::end(&mut order, &mut checkout, OrderState::Declined, code);
            }
            Told::NotGivenBack(code) => {
                self.not_given_back(books, &mut order, &mut checkout, code, at)?;
            }
            Told::Nothing => {
                checkout.attempts = known.attempts.saturating_add(1);
                let call = known.next_call(before.state, at, before.paid_at);
                let wait = Checkout::patience(before.state, checkout.attempts);
                checkout.due_at = call.map(|_| at.plus(wait));
                if call == Some(Call::Open) && at >= before.expires_at.plus(OPENING) {
                    Self::end(
                        &mut order,
                        &mut checkout,
                        OrderState::Expired,
                        "provider_unreachable",
                    );
                }
            }
        }
        if order != *before {
            if let (Some(account), OrderState::Declined) = (order.account, order.state) {
                let (id, kind, subject) = (self.event, EventType::OrderDeclined, order.id.into());
                crate::event::tell(&mut changes, Event::new(id, kind, account, subject, at));
            }
            changes.orders.push(Change::Update(order));
        }
        if checkout != *known {
            changes.checkouts.push(Change::Update(checkout));
        }
        Ok(Decision::done((), changes))
    }
}
