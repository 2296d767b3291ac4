//! What was prepared and nobody came for: the partner has said so, or its time is over.
//!
//! ```text
//! prepared ──cancel, or time──▶ lapsed: nothing is reserved any more
//! ```
//! The clock alone says that it is over, booked or not; so it does not matter when the worker comes.

use scrip_domain::account::Account;
use scrip_domain::exchange::{Exchange, Going, Incoming, IncomingState};
use scrip_domain::partner::Partner;
use scrip_domain::{Id, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};

use super::{lost, uncount_day, uneven};
use crate::Engine;
use crate::round::{self, IN_TURN};

impl Engine {
    /// Hears that an exchange will not be committed. What was committed all the same, the commit says.
    pub async fn cancel_for_partner(
        &self,
        partner: &Partner,
        exchange: Id<Exchange>,
    ) -> Result<(), Fault> {
        let row = self.store.incoming_exchange(partner.id, exchange).await?;
        if let Some(row) = row.filter(|row| row.state == IncomingState::Prepared) {
            self.give_up(&row, true).await?;
        }
        Ok(())
    }

    /// Books what has lapsed. Gives how much that was.
    pub(super) async fn lapse_incoming(&self, most: u32) -> Result<usize, Fault> {
        let due = self.store.incoming_lapsed(self.now(), most).await?;
        let give_up = async |row: Incoming| self.give_up(&row, false).await;
        Ok(round::all(due, IN_TURN, give_up).await?.len())
    }

    async fn give_up(&self, row: &Incoming, cancelled: bool) -> Result<(), Fault> {
        let account = row.account.ok_or_else(|| lost("account"))?;
        let (partner, exchange) = (row.partner, row.exchange);
        let Ok(()) = self.submit(GiveUp { partner, exchange, account, cancelled }).await?;
        Ok(())
    }
}

struct GiveUp {
    partner: Id<Partner>,
    exchange: Id<Exchange>,
    account: Id<Account>,
    /// The partner has said so; else the clock must.
    cancelled: bool,
}

impl Command for GiveUp {
    type Receipt = ();
    type Refusal = std::convert::Infallible;

    fn wants(&self, wants: &mut Wants) {
        wants.partners.guard((self.partner,));
        wants.incoming_exchanges.guard((self.partner, self.exchange));
        wants.exchange_days.read((self.partner, self.account));
    }

    fn decide(&self, books: &Books, at: Timestamp) -> Result<Decision<(), Self::Refusal>, Fault> {
        let mut changes = Changes::default();
        let row = books.incoming_exchanges.get(&(self.partner, self.exchange))?;
        let row = row.ok_or_else(|| lost("row"))?;
        let over = self.cancelled || row.state_at(at) == IncomingState::Lapsed;
        if row.state == IncomingState::Prepared && over {
            let partner = books.partners.get(&(self.partner,))?.ok_or_else(|| lost("partner"))?;
            let released = release(books, &mut changes, partner, row)?;
            changes.partners.push(Change::Update(released));
            let lapsed = Incoming { state: IncomingState::Lapsed, ..row.clone() };
            changes.incoming_exchanges.push(Change::Update(lapsed));
        }
        Ok(Decision::done((), changes))
    }
}

/// The partner with nothing reserved for `row`, which is prepared; the buyer's day no longer counts it.
pub(super) fn release(
    books: &Books,
    changes: &mut Changes,
    partner: &Partner,
    row: &Incoming,
) -> Result<Partner, Fault> {
    let (Some(figures), Some(account)) = (row.figures, row.account) else {
        return Err(lost("figures"));
    };
    let counted = (Going::In, figures.give, row.at);
    uncount_day(books, changes, (row.partner, account), counted)?;
    partner.released(Going::In, &figures, row.at).ok_or_else(uneven)
}
