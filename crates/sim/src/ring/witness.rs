//! Who looks at all vendors' disks between any two moments, and believes nothing else: what always holds.

use std::collections::BTreeMap;

use scrip_domain::Id;
use scrip_domain::account::Account;
use scrip_domain::exchange::{Exchange, ExchangeState, Incoming, IncomingState};
use scrip_domain::lot::LotKind;
use scrip_domain::partner::Partner;
use scrip_storage::Store;
use scrip_storage::reads::Page;

use super::plan::{Plan, VENDORS};
use crate::book::{Verdict, Violation, demand};
use crate::host::url_of;

/// So many rows are read at once.
const PAGE: u32 = 100;

/// Somebody with access to all disks.
#[derive(Debug)]
pub(crate) struct Witness {
    pub(super) plan: Plan,
    pub(super) books: Vec<Store>,
}

/// What one vendor has, by the vendor with which.
#[derive(Debug, Default)]
pub(crate) struct Sight {
    /// The partners.
    pub partners: BTreeMap<usize, Partner>,
    /// Exchanges of its own tokens, oldest first.
    pub exchanges: Vec<(usize, Exchange)>,
    /// Exchanges for its tokens.
    pub incoming: BTreeMap<(usize, Id<Exchange>), Incoming>,
}

/// An exchange on both sides.
struct Deal<'a> {
    from: usize,
    to: usize,
    here: &'a Exchange,
    there: Option<&'a Incoming>,
}

/// What is owed for the tokens of one vendor at another, reckoned from the exchanges.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sums {
    /// Committed.
    committed: u64,
    /// Of that, refused by the partner for good, and known to be.
    reversed: u64,
    /// Fulfilled.
    fulfilled: u64,
    /// Committed, neither fulfilled nor known to be refused.
    unanswered: u64,
    /// Reserved by who gives.
    reserved: u64,
    /// Prepared by who issues.
    prepared: u64,
}

/// What came and went of one account's tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Moved {
    /// Received for others.
    pub came: u64,
    /// Given for others.
    pub went: u64,
    /// Given back by a vendor at its own risk, although the partner had issued for them.
    pub risked: u64,
}

fn name(vendor: usize) -> &'static str {
    VENDORS.get(vendor).copied().unwrap_or_default()
}

impl Witness {
    /// Who reads these.
    pub fn of(plan: &Plan, books: Vec<Store>) -> Self {
        Self { plan: plan.clone(), books }
    }

    /// Everything about partners, as it is on the disks in this moment.
    pub async fn sees(&self) -> Result<Vec<Sight>, Violation> {
        let mut sights = Vec::new();
        for store in &self.books {
            sights.push(self.sees_one(store).await?);
        }
        Ok(sights)
    }

    async fn sees_one(&self, store: &Store) -> Result<Sight, Violation> {
        let mut sight = Sight::default();
        let mut vendors = BTreeMap::new();
        for partner in store.partners(Page { after: None, limit: PAGE }).await? {
            let vendor = VENDORS.iter().position(|name| url_of(name) == partner.url);
            let Some(vendor) = vendor else {
                return Err(Violation(format!("{} is nobody", partner.url)));
            };
            vendors.insert(partner.id, vendor);
            sight.partners.insert(vendor, partner);
        }
        let of = |partner: Id<Partner>| {
            let vendor = vendors.get(&partner).copied();
            vendor.ok_or_else(|| Violation(format!("{partner} is lost")))
        };
        let mut after = None;
        loop {
            let page = store.exchanges(None, None, Page { after, limit: PAGE }).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.id.number());
            for exchange in page {
                sight.exchanges.push((of(exchange.partner)?, exchange));
            }
        }
        sight.exchanges.reverse();
        let mut after = None;
        loop {
            let page = store.incoming_documents(after, PAGE).await?;
            let Some((partner, last)) = page.last() else { break };
            after = Some((*partner, last.exchange));
            for (partner, documents) in page {
                let row = store.incoming_exchange(partner, documents.exchange).await?;
                let key = (of(partner)?, documents.exchange);
                sight.incoming.extend(row.map(|row| (key, row)));
            }
        }
        Ok(sight)
    }

    /// What holds in any moment. Gives what was seen.
    pub async fn holds(&self) -> Result<Vec<Sight>, Violation> {
        let sights = self.sees().await?;
        for (from, sight) in sights.iter().enumerate() {
            for (to, here) in &sight.exchanges {
                let there = sights.get(*to).and_then(|there| there.incoming.get(&(from, here.id)));
                Deal { from, to: *to, here, there }.holds(&self.plan)?;
            }
            for (other, exchange) in sight.incoming.keys() {
                let begun = sights.get(*other).is_some_and(|there| {
                    there.exchanges.iter().any(|(to, one)| *to == from && one.id == *exchange)
                });
                let (at, by) = (name(from), name(*other));
                demand!(begun, "{exchange} is known at {at}, and {by} has never begun it");
            }
        }
        for (from, to) in self.plan.pairs().flat_map(|(a, b)| [(a, b), (b, a)]) {
            let (Some(gives), Some(issues)) = (sights.get(from), sights.get(to)) else { continue };
            let (Some(here), Some(there)) = (gives.partners.get(&to), issues.partners.get(&from))
            else {
                continue;
            };
            sums(from, to, gives, issues).is_booked((from, to), here, there)?;
            self.is_capped((from, to), here, there)?;
        }
        Ok(sights)
    }

    /// No more is owed, or may come to be, than the two have agreed.
    fn is_capped(&self, (from, to): (usize, usize), here: &Partner, there: &Partner) -> Verdict {
        let cap = self.plan.lanes.get(&(from, to)).map_or(0, |lane| lane.cap);
        let (by, at) = (name(from), name(to));
        let owed = here.owed_to_it().units() + here.payable_reserved.units();
        demand!(owed <= cap, "{by} may come to owe {at} {owed}, above the cap of {cap}");
        let owed = there.owed_by_it().units() + there.receivable_reserved.units();
        demand!(owed <= cap, "{at} may come to be owed {owed} by {by}, above the cap of {cap}");
        Ok(())
    }

    /// What holds when nothing is under way any more. Gives how many exchanges came to which end.
    pub async fn rests(&self) -> Result<String, Violation> {
        let sights = self.holds().await?;
        let mut ends = BTreeMap::<String, u64>::new();
        for (from, sight) in sights.iter().enumerate() {
            for (to, here) in &sight.exchanges {
                let waits = matches!(
                    here.state,
                    ExchangeState::Reserved | ExchangeState::Prepared | ExchangeState::Committed
                );
                demand!(!waits, "{} is {} at rest", here.id, here.state);
                self.moves_what_may(from, *to, here).await?;
                let end = format!("{} ({})", here.state, here.reason.as_deref().unwrap_or("-"));
                *ends.entry(end).or_default() += 1;
            }
            for (vendor, partner) in &sight.partners {
                let reserved = (partner.payable_reserved, partner.receivable_reserved);
                let nothing = reserved.0.is_zero() && reserved.1.is_zero();
                let (at, with) = (name(from), name(*vendor));
                demand!(nothing, "{at} has {reserved:?} reserved with {with} at rest");
            }
            let prepared = sight.incoming.values().find(|row| row.state == IncomingState::Prepared);
            let prepared = prepared.map(|row| row.exchange);
            demand!(prepared.is_none(), "{prepared:?} is prepared at {} at rest", name(from));
        }
        Ok(format!("{ends:?}"))
    }

    /// Only what was bought, or came by an exchange where that may move on, and had waited long enough.
    async fn moves_what_may(&self, from: usize, to: usize, here: &Exchange) -> Verdict {
        let Some(store) = self.books.get(from) else { return Ok(()) };
        let onward = self.plan.lanes.get(&(from, to)).is_some_and(|lane| lane.onward);
        let mut held = 0;
        for part in store.hold_lots(here.hold).await? {
            let may = part.kind == LotKind::Paid || (part.kind == LotKind::Exchange && onward);
            demand!(may, "{} moved tokens that are {}", here.id, part.kind);
            let lot = store.lot(part.lot).await?;
            let since = lot.as_ref().and_then(|lot| lot.exchangeable_at);
            let ripe = since.is_some_and(|since| since <= here.at);
            demand!(ripe, "{} moved tokens at {} that could from {since:?} on", here.id, here.at);
            held += part.amount.units();
        }
        let give = here.figures.give.units();
        demand!(held == give, "{} held {held} of {give}", here.id);
        Ok(())
    }

    /// What came and went of an account's tokens at a vendor.
    pub async fn moved(&self, vendor: usize, account: Id<Account>) -> Result<Moved, Violation> {
        let sights = self.sees().await?;
        let mut moved = Moved::default();
        let Some(sight) = sights.get(vendor) else { return Ok(moved) };
        let own =
            |row: &&Incoming| row.state == IncomingState::Fulfilled && row.account == Some(account);
        let received = sight.incoming.values().filter(own).filter_map(|row| row.figures);
        moved.came = received.map(|figures| figures.receive.units()).sum();
        for (to, here) in sight.exchanges.iter().filter(|(_, one)| one.account == account) {
            let there = sights.get(*to).and_then(|there| there.incoming.get(&(vendor, here.id)));
            let issued = there.is_some_and(|row| row.state == IncomingState::Fulfilled);
            let give = here.figures.give.units();
            match here.state {
                ExchangeState::Committed | ExchangeState::Fulfilled => moved.went += give,
                ExchangeState::WrittenOff if issued => moved.risked += give,
                _ => {}
            }
        }
        Ok(moved)
    }
}

/// What the exchanges between two come to.
fn sums(from: usize, to: usize, gives: &Sight, issues: &Sight) -> Sums {
    let mut sums = Sums::default();
    for (_, here) in gives.exchanges.iter().filter(|(other, _)| *other == to) {
        let owed = here.figures.compensation.units();
        let there = issues.incoming.get(&(from, here.id)).map(|row| row.state);
        if matches!(here.state, ExchangeState::Reserved | ExchangeState::Prepared) {
            sums.reserved += owed;
        }
        if there == Some(IncomingState::Prepared) {
            sums.prepared += owed;
        }
        if here.commit.is_none() {
            continue;
        }
        sums.committed += owed;
        let fulfilled = there == Some(IncomingState::Fulfilled);
        let is_known = here.answer.is_some();
        match here.state {
            _ if fulfilled => sums.fulfilled += owed,
            ExchangeState::Reversed => sums.reversed += owed,
            ExchangeState::WrittenOff if is_known => sums.reversed += owed,
            _ => sums.unanswered += owed,
        }
    }
    sums
}

impl Sums {
    /// Both vendors' books say the same: what was settled aside, of which the statements tell.
    fn is_booked(&self, (from, to): (usize, usize), here: &Partner, there: &Partner) -> Verdict {
        let (by, at) = (name(from), name(to));
        let (payable, receivable) = (here.payable, there.receivable);
        demand!(
            payable.credits == self.committed,
            "{by} has booked {} that it owes {at}, and committed {}",
            payable.credits,
            self.committed
        );
        demand!(
            payable.debits >= self.reversed,
            "{by} has taken back {} from {at}, and reversed {}",
            payable.debits,
            self.reversed
        );
        demand!(
            receivable.debits == self.fulfilled,
            "{at} has booked {} that {by} owes, and fulfilled {}",
            receivable.debits,
            self.fulfilled
        );
        let apart = payable.credits.checked_sub(self.reversed + receivable.debits);
        demand!(
            apart == Some(self.unanswered),
            "{by} owes {at} {apart:?} more than {at} knows of, unanswered are {}",
            self.unanswered
        );
        let reserved = (here.payable_reserved.units(), there.receivable_reserved.units());
        demand!(
            reserved == (self.reserved, self.prepared),
            "{by} and {at} have {reserved:?} reserved, under way are {self:?}"
        );
        Ok(())
    }
}

impl Deal<'_> {
    /// Never both, never neither once the partner has answered, and the same on both sides.
    fn holds(&self, plan: &Plan) -> Verdict {
        let Self { from, to, here, there } = *self;
        let id = here.id;
        let state = there.map(|row| row.state);
        let told = format!("{id} is {} at {}, at {} {state:?}", here.state, name(from), name(to));
        let fits = match here.state {
            ExchangeState::Reserved
            | ExchangeState::Prepared
            | ExchangeState::Refused
            | ExchangeState::Expired => {
                matches!(state, None | Some(IncomingState::Prepared | IncomingState::Lapsed))
            }
            ExchangeState::Fulfilled => state == Some(IncomingState::Fulfilled),
            ExchangeState::Reversed => {
                matches!(state, Some(IncomingState::Late | IncomingState::Rejected))
            }
            ExchangeState::Committed | ExchangeState::WrittenOff => state.is_some(),
        };
        demand!(fits, "{told}");
        let give = here.figures.give.units();
        let figures = (here.figures.receive.units(), here.figures.compensation.units());
        let right = plan.figures(from, to, give);
        demand!(right == Some(figures), "{id} comes to {figures:?}, not {right:?}");
        let Some(there) = there else { return Ok(()) };
        let is_same = there.figures.is_none_or(|figures| figures == here.figures);
        demand!(is_same, "{id} comes to {:?}, at the partner {:?}", here.figures, there.figures);
        if let Some(answer) = &here.answer {
            demand!(there.answer.as_ref() == Some(answer), "{told}, with two answers");
        }
        if there.answer.is_some() {
            demand!(there.commit == here.commit, "{told}, with two commits");
            // What is not owed belongs to no cycle.
            let is_owed = there.state == IncomingState::Fulfilled;
            demand!(!is_owed || there.cycle == here.cycle, "{told}, in two cycles");
        }
        Ok(())
    }
}
