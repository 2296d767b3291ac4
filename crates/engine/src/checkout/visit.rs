//! Visits: the keys by which visitors asked for orders, and the drafts that nobody went on with, forgotten.
//!
//! ```text
//! a key, kept with its order ──two days──▶ forgotten
//! a draft ──a buyer goes on with it──▶ an order, theirs or on its way to be, which stays
//!   └──30 days──▶ forgotten, with its lines
//! ```
//! A key is good for a day at least. A draft holds its prices for half an hour, and nothing else is written of it: any visitor,
//! and any program, can have one made.

use scrip_domain::order::{Order, OrderState};
use scrip_domain::{Id, Span, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};

use crate::Engine;

/// How long a visitor's key is known.
const KEPT: Span = Span::days(2);
/// How many are forgotten by one command.
const PAGE: u32 = 500;
/// How long a draft of nobody's is kept.
const DRAFT_KEPT: Span = Span::days(30);
/// How many of them are forgotten by one command: each has up to 50 lines.
const DRAFTS: u32 = 9;

impl Engine {
    /// Forgets a page of visitors' keys of long ago. Gives how many; ask again until there are none.
    pub async fn forget_visits(&self) -> Result<usize, Fault> {
        let old = self.store.visits_before(self.now().minus(KEPT), PAGE).await?;
        if old.is_empty() {
            return Ok(0);
        }
        let Ok(forgotten) =
            self.submit(Forget { keys: old.iter().map(|visit| visit.key).collect() }).await?;
        Ok(forgotten)
    }

    /// Forgets a few drafts of long ago that are nobody's. Gives how many; ask again until there are none.
    pub async fn forget_drafts(&self) -> Result<usize, Fault> {
        let before = Id::floor(self.now().minus(DRAFT_KEPT));
        let old = self.store.drafts_of_nobody(before, DRAFTS).await?;
        if old.is_empty() {
            return Ok(0);
        }
        let drafts = old.iter().map(|order| order.id).collect();
        let Ok(forgotten) = self.submit(ForgetDrafts { drafts }).await?;
        Ok(forgotten)
    }
}

struct ForgetDrafts {
    drafts: Vec<Id<Order>>,
}

impl Command for ForgetDrafts {
    /// How many went.
    type Receipt = usize;
    type Refusal = std::convert::Infallible;

    fn wants(&self, wants: &mut Wants) {
        for order in &self.drafts {
            wants.orders.guard((*order,));
            wants.order_lines.read((*order,));
        }
    }

    fn decide(&self, books: &Books, _: Timestamp) -> Result<Decision<usize, Self::Refusal>, Fault> {
        let mut changes = Changes::default();
        for id in &self.drafts {
            let order = books.orders.get(&(*id,))?;
            let nobodys =
                |order: &&Order| order.state == OrderState::Draft && order.account.is_none();
            let Some(order) = order.filter(nobodys) else { continue };
            changes.orders.push(Change::Delete(order.clone()));
            let lines = books.order_lines.all(&(*id,))?;
            changes.order_lines.extend(lines.iter().cloned().map(Change::Delete));
        }
        Ok(Decision::done(changes.orders.len(), changes))
    }
}

struct Forget {
    keys: Vec<u64>,
}

impl Command for Forget {
    /// How many went.
    type Receipt = usize;
    type Refusal = std::convert::Infallible;

    fn wants(&self, wants: &mut Wants) {
        self.keys.iter().for_each(|key| wants.visits.guard((*key,)));
    }

    fn decide(&self, books: &Books, _: Timestamp) -> Result<Decision<usize, Self::Refusal>, Fault> {
        let mut changes = Changes::default();
        for key in &self.keys {
            changes.visits.extend(books.visits.get(&(*key,))?.cloned().map(Change::Delete));
        }
        Ok(Decision::done(changes.len(), changes))
    }
}
