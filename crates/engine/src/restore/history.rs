//! What a vendor tells a partner that was restored: what the two have signed since, page by page.
//!
//! ```text
//! (first) standing, agreements ─▶ out: exchanges that we committed ─▶ in: those that it committed ─▶ cycles ─▶ (last)
//! ```
//! So what it has issued is back in its wallets before what was given from them is taken.
//!
//! Nobody is told but the partner, and nothing but what lies between the two: its own words, ours, and the documents on
//! which they rest.

use scrip_domain::Timestamp;
use scrip_domain::agreement::Agreement;
use scrip_domain::exchange::{Exchange, Incoming};
use scrip_domain::partner::Partner;
use scrip_domain::statement::{SettlementState, Statement};
use scrip_domain::{Id, id::Kind};
use scrip_storage::Fault;

use crate::partner::{Agreed, Closed, Exchanged, History, SettlementNews, Standing, Way};
use crate::{Engine, Outcome};

/// Agreements of the first page: the latest.
const AGREEMENTS: u32 = 100;
/// Exchanges, or cycles, of one page: four documents each.
const PAGE: u32 = 50;

/// Where a page begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    First,
    In(Option<Id<Exchange>>),
    Out(Option<Id<Exchange>>),
    Cycles(u32),
}

/// It begins nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoSuchPlace;

impl Place {
    fn read(text: &str) -> Option<Self> {
        if text.is_empty() {
            return Some(Self::First);
        }
        let (stage, after) = match text.split_once('-') {
            Some((stage, after)) => (stage, Some(after)),
            None => (text, None),
        };
        match stage {
            "in" => Some(Self::In(named(after)?)),
            "out" => Some(Self::Out(named(after)?)),
            "cycles" => {
                let cycle = after.map_or(Ok(0), str::parse);
                cycle.ok().map(Self::Cycles)
            }
            _ => None,
        }
    }
}

fn named<T: Kind>(after: Option<&str>) -> Option<Option<Id<T>>> {
    match after {
        None => Some(None),
        Some(text) => text.parse().ok().map(Some),
    }
}

/// Where the next page begins: after the last of a full one, or with what comes after.
fn next(stage: &str, rows: usize, last: Option<String>, then: Option<&str>) -> Option<String> {
    let is_full = u32::try_from(rows).is_ok_and(|rows| rows >= PAGE);
    match last.filter(|_| is_full) {
        Some(last) => Some(format!("{stage}-{last}")),
        None => then.map(str::to_owned),
    }
}

impl Engine {
    /// A page of what is here of what was signed with a partner since.
    pub async fn history_for(
        &self,
        partner: &Partner,
        since: Timestamp,
        after: &str,
    ) -> Outcome<History, NoSuchPlace> {
        let Some(place) = Place::read(after) else { return Ok(Err(NoSuchPlace)) };
        let page = match place {
            Place::First => self.first_page(partner).await?,
            Place::In(after) => self.its_exchanges(partner, since, after).await?,
            Place::Out(after) => self.our_exchanges(partner, since, after).await?,
            Place::Cycles(after) => self.cycles(partner, since, after).await?,
        };
        Ok(Ok(page))
    }

    async fn first_page(&self, partner: &Partner) -> Result<History, Fault> {
        let millis = |at: Timestamp| u64::try_from(at.millis()).unwrap_or(0);
        let standing = Standing {
            suspended: partner.suspended.is_some(),
            since: millis(partner.suspended_at),
            told: partner.suspended_there,
            told_since: millis(partner.suspended_there_at),
        };
        let agreed = |agreement: Agreement| {
            let Agreement { proposal, acceptance, ends_at, .. } = agreement;
            let ends_at = ends_at.map(Timestamp::unix_seconds);
            acceptance.map(|acceptance| Agreed { proposal, acceptance, ends_at })
        };
        let mut rows = self.store.agreements_of(partner.id, AGREEMENTS).await?;
        rows.reverse();
        let agreements = rows.into_iter().filter_map(agreed).collect();
        let (standing, next) = (Some(standing), Some("out".to_owned()));
        Ok(History { standing, agreements, next, ..History::default() })
    }

    /// What the partner has committed: a name tells when it began, so that all that its books lack comes after `since`.
    async fn its_exchanges(
        &self,
        partner: &Partner,
        since: Timestamp,
        after: Option<Id<Exchange>>,
    ) -> Result<History, Fault> {
        let after = after.unwrap_or_else(|| Id::floor(since));
        let rows = self.store.incoming_committed(partner.id, after, PAGE).await?;
        let last = rows.last().map(|row| row.exchange.to_string());
        let next = next("in", rows.len(), last, Some("cycles"));
        let shown = |row: Incoming| {
            let Incoming { offer: quote, prepared, commit, answer, .. } = row;
            commit.map(|commit| Exchanged { way: Way::In, quote, prepared, commit, answer })
        };
        let exchanges = rows.into_iter().filter_map(shown).collect();
        Ok(History { exchanges, next, ..History::default() })
    }

    async fn our_exchanges(
        &self,
        partner: &Partner,
        since: Timestamp,
        after: Option<Id<Exchange>>,
    ) -> Result<History, Fault> {
        let after = after.unwrap_or_else(|| Id::floor(since));
        let rows = self.store.exchanges_committed(partner.id, after, PAGE).await?;
        let last = rows.last().map(|row| row.id.to_string());
        let next = next("out", rows.len(), last, Some("in"));
        let mut exchanges = Vec::with_capacity(rows.len());
        for row in rows {
            let quote = self.store.exchange_quote(row.quote).await?.map(|quote| quote.document);
            let Exchange { prepared, commit, answer, .. } = row;
            let shown =
                commit.map(|commit| Exchanged { way: Way::Out, quote, prepared, commit, answer });
            exchanges.extend(shown);
        }
        Ok(History { exchanges, next, ..History::default() })
    }

    async fn cycles(
        &self,
        partner: &Partner,
        since: Timestamp,
        after: u32,
    ) -> Result<History, Fault> {
        let rows = self.store.statements_since(partner.id, after, since, PAGE).await?;
        let last = rows.last().map(|row| row.cycle.to_string());
        let next = next("cycles", rows.len(), last, None);
        let mut cycles = Vec::with_capacity(rows.len());
        for row in rows {
            let payment = self.payment_of(&row).await?;
            let Statement { cycle, ours, theirs, .. } = row;
            cycles.push(Closed { cycle, account: ours, heard: theirs, payment });
        }
        Ok(History { cycles, next, ..History::default() })
    }

    /// What has become of the payment of a statement: a receipt, whoever has signed it, or how far it is.
    async fn payment_of(&self, statement: &Statement) -> Result<Option<SettlementNews>, Fault> {
        let Some(row) = self.store.settlement_of(statement.id).await? else { return Ok(None) };
        Ok(match (row.receipt, row.state) {
            (Some(receipt), _) => Some(SettlementNews::Received(receipt)),
            (None, SettlementState::Instructed) => Some(SettlementNews::Instructed(row.reference)),
            (None, SettlementState::Sent) => Some(SettlementNews::Sent(row.reference)),
            (None, SettlementState::Settled | SettlementState::WrittenOff) => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_what_a_page_before_has_told_and_nothing_else() {
        let exchange: Id<Exchange> = Id::new(7).unwrap();
        assert_eq!(Place::read(""), Some(Place::First));
        assert_eq!(Place::read("in"), Some(Place::In(None)));
        let told = next("out", 50, Some(exchange.to_string()), Some("cycles")).unwrap();
        assert_eq!(Place::read(&told), Some(Place::Out(Some(exchange))));
        let told = next("cycles", 50, Some("9".to_owned()), None).unwrap();
        assert_eq!(Place::read(&told), Some(Place::Cycles(9)));
        assert_eq!(Place::read("cycles"), Some(Place::Cycles(0)));
        for none in ["on", "in-", "in-ord_0000000000007", "out-7", "cycles-", "cycles--1", "-"] {
            assert_eq!(Place::read(none), None, "{none}");
        }
    }

    #[test]
    fn a_page_that_is_not_full_is_the_last_of_its_kind() {
        let last = || Some("x".to_owned());
        assert_eq!(next("in", 50, last(), Some("out")).as_deref(), Some("in-x"));
        assert_eq!(next("in", 49, last(), Some("out")).as_deref(), Some("out"));
        assert_eq!(next("cycles", 0, None, None), None);
    }
}
