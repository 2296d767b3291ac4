//! Telling merchants that something happened to a request of theirs: a word that makes them ask, and nothing more.
//!
//! ```text
//! due ─▶ taken (moved ahead, so that no other server sends it) ─▶ sent ─▶ heard: gone
//!                                                                  └─▶ not heard: due again, later, or given up
//! ```
//! A notice that is lost costs time and nothing else: the buyer's return and the merchant's own asking bring the same picture.

use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use scrip_domain::purchase_request::{Notice, PurchaseRequest};
use scrip_domain::{Id, Span, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};

use crate::round::{self, AT_ONCE};
use crate::{Engine, Outcome};

/// For how long a notice that was taken is nobody else's.
const LEASE: Span = Span::minutes(1);
/// Notices that one round takes on.
const ROUND: u32 = 50;

/// Tells merchants, by signed requests: a port.
pub trait Herald: Send + Sync + fmt::Debug {
    /// Tells the server at `merchant` that it had better look at `request`. Without success, a sentence says why.
    fn tell<'a>(
        &'a self,
        merchant: &'a str,
        kind: &'a str,
        request: &'a str,
    ) -> BoxFuture<'a, Result<(), String>>;
}

impl Engine {
    /// With a way to tell merchants.
    #[must_use]
    pub fn with_herald(mut self, herald: Arc<dyn Herald>) -> Self {
        self.herald = Some(herald);
        self
    }

    /// Sends the notices that are due, once. Gives how many it sent or gave up.
    pub async fn send_notices(&self) -> Result<usize, Fault> {
        let Some(herald) = &self.herald else { return Ok(0) };
        // They would ask, and hear that they have to wait.
        if self.is_restoring() {
            return Ok(0);
        }
        let due = self.store.notices_due(self.now(), ROUND).await?;
        let send = |notice: Notice| self.send_notice(herald.as_ref(), notice.request);
        round::count(due, AT_ONCE, send).await
    }

    async fn send_notice(
        &self,
        herald: &dyn Herald,
        id: Id<PurchaseRequest>,
    ) -> Result<bool, Fault> {
        let Ok(attempt) = self.submit(Take { request: id }).await? else { return Ok(false) };
        let lost = || Fault::Bug("a notice is about no purchase request".into());
        let request = self.store.purchase_request(id).await?.ok_or_else(lost)?;
        let merchant = self.store.merchant(request.merchant).await?.ok_or_else(lost)?;
        let kind = format!("purchase_request.{}", request.state);
        let heard = herald.tell(&merchant.url, &kind, &id.to_string()).await;
        if let Err(why) = &heard {
            tracing::info!(request = %id, merchant = %merchant.id, why, "a merchant was not told");
        }
        let told = Told { request: id, attempt, heard: heard.is_ok() };
        let done: Outcome<(), std::convert::Infallible> = self.submit(told).await;
        let Ok(()) = done?;
        Ok(true)
    }
}

/// It is not due any more.
struct NotDue;

struct Take {
    request: Id<PurchaseRequest>,
}

impl Command for Take {
    /// The number of the attempt.
    type Receipt = u32;
    type Refusal = NotDue;

    fn wants(&self, wants: &mut Wants) {
        wants.purchase_requests.guard((self.request,));
        wants.notices.read((self.request,));
    }

    fn decide(&self, books: &Books, at: Timestamp) -> Result<Decision<u32, NotDue>, Fault> {
        let notice = books.notices.get(&(self.request,))?.filter(|notice| notice.due_at <= at);
        let Some(notice) = notice else { return Ok(Decision::refused(NotDue)) };
        let attempts = notice.attempts.saturating_add(1);
        let taken = Notice { due_at: at.plus(LEASE), attempts, ..notice.clone() };
        let mut changes = Changes::default();
        changes.notices.push(Change::Update(taken));
        Ok(Decision::done(attempts, changes))
    }
}

struct Told {
    request: Id<PurchaseRequest>,
    attempt: u32,
    heard: bool,
}

impl Command for Told {
    type Receipt = ();
    type Refusal = std::convert::Infallible;

    fn wants(&self, wants: &mut Wants) {
        wants.purchase_requests.guard((self.request,));
        wants.notices.read((self.request,));
    }

    fn decide(&self, books: &Books, at: Timestamp) -> Result<Decision<(), Self::Refusal>, Fault> {
        let mut changes = Changes::default();
        // One that was begun anew meanwhile is about something newer.
        let notice = books.notices.get(&(self.request,))?;
        if let Some(notice) = notice.filter(|notice| notice.attempts == self.attempt) {
            let due_at = at.plus(pause(self.attempt));
            if self.heard || due_at >= notice.until {
                changes.notices.push(Change::Delete(notice.clone()));
            } else {
                changes.notices.push(Change::Update(Notice { due_at, ..notice.clone() }));
            }
        }
        Ok(Decision::done((), changes))
    }
}

/// How long to wait after so many attempts.
pub(crate) fn pause(attempts: u32) -> Span {
    match attempts {
        0 | 1 => Span::seconds(1),
        2 => Span::seconds(5),
        3 => Span::seconds(30),
        4 => Span::minutes(2),
        5 => Span::minutes(5),
        _ => Span::hours(1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow() {
        let pauses: Vec<i64> = (1..8).map(|attempt| pause(attempt).as_millis()).collect();
        assert!(pauses.is_sorted());
        assert_eq!(pauses.last(), Some(&3_600_000));
    }
}
