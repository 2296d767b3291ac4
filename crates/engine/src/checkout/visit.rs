//! Visits: the keys by which visitors asked for orders, forgotten once nobody asks again.
//!
//! ```text
//! kept with the order ──two days──▶ forgotten, page by page
//! ```
//! A key is good for a day at least. The order stays; it is its buyer's, or nobody's.

use scrip_domain::Span;
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};

use crate::Engine;

/// How long a visitor's key is known.
const KEPT: Span = Span::days(2);
/// How many are forgotten by one command.
const PAGE: u32 = 500;

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

    fn decide(
        &self,
        books: &Books,
        _: scrip_domain::Timestamp,
    ) -> Result<Decision<usize, Self::Refusal>, Fault> {
        let mut changes = Changes::default();
        for key in &self.keys {
            changes.visits.extend(books.visits.get(&(*key,))?.cloned().map(Change::Delete));
        }
        Ok(Decision::done(changes.len(), changes))
    }
}
