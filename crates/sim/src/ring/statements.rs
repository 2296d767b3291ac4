//! What the auditor finds when everything is paid: statements that mirror each other, and nothing owed but what is carried.

use std::collections::BTreeMap;

use scrip_domain::exchange::{Exchange, ExchangeState, IncomingState};
use scrip_domain::partner::Partner;
use scrip_domain::statement::{Settlement, SettlementState, Statement, StatementState};
use scrip_storage::Store;
use scrip_storage::reads::Page;

use super::plan::{CENT, VENDORS};
use super::witness::{Sight, Witness};
use crate::book::{Verdict, Violation, demand};

/// So many rows are read at once.
const PAGE: u32 = 100;

/// The statements of one vendor, by the other and the cycle; and what was paid of each.
type Statements = BTreeMap<(usize, u32), (Statement, Option<Settlement>)>;

fn name(vendor: usize) -> &'static str {
    VENDORS.get(vendor).copied().unwrap_or_default()
}

impl Witness {
    /// The statements of a vendor that wait for something.
    pub async fn unsettled(&self, vendor: usize) -> Result<Vec<String>, Violation> {
        let Some(store) = self.books.get(vendor) else { return Ok(Vec::new()) };
        let waits = |row: &&Statement| {
            !matches!(row.state, StatementState::Settled | StatementState::WrittenOff)
        };
        let told = |row: &Statement| format!("{} of {}: {}", row.cycle, name(vendor), row.state);
        Ok(statements(store).await?.iter().filter(waits).map(told).collect())
    }

    /// What holds in any moment: where both have agreed, both say the same.
    pub async fn mirrors(&self, sights: &[Sight]) -> Verdict {
        let mut books = Vec::new();
        for (sight, store) in sights.iter().zip(&self.books) {
            books.push(by_cycle(sight, store).await?);
        }
        for (a, book) in books.iter().enumerate() {
            for ((b, cycle), (here, _)) in book.iter().filter(|(_, (row, _))| row.state.is_agreed())
            {
                let there = books.get(*b).and_then(|book| book.get(&(a, *cycle)));
                let there = there.map(|(row, _)| row).filter(|row| row.state.is_agreed());
                let Some(there) = there else { continue };
                same(&format!("{}'s cycle {cycle} with {}", name(a), name(*b)), here, there)?;
            }
        }
        Ok(())
    }

    /// What holds when everything is paid. Gives how much that was.
    pub async fn is_even(&self) -> Result<String, Violation> {
        let sights = self.sees().await?;
        let mut books = Vec::new();
        for (sight, store) in sights.iter().zip(&self.books) {
            books.push(by_cycle(sight, store).await?);
        }
        for (a, b) in self.plan.pairs().flat_map(|(a, b)| [(a, b), (b, a)]) {
            let (Some(here), Some(there)) = (books.get(a), books.get(b)) else { continue };
            for ((_, cycle), (statement, _)) in here.iter().filter(|((with, _), _)| *with == b) {
                let (by, with) = (name(a), name(b));
                let what = format!("{by}'s statement of cycle {cycle} with {with}");
                let Some((mirror, _)) = there.get(&(a, *cycle)) else {
                    return Err(Violation(format!("{what} is unknown there")));
                };
                mirrors(&what, statement, mirror)?;
            }
            if let (Some(gives), Some(issues)) = (sights.get(a), sights.get(b)) {
                adds_up((a, b), (gives, issues), here)?;
                is_carried((a, b), gives.partners.get(&b), here)?;
            }
        }
        nets_to_zero(&books)
    }
}

async fn statements(store: &Store) -> Result<Vec<Statement>, Violation> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = store.statements(Page { after, limit: PAGE }).await?;
        let Some(last) = page.last() else { return Ok(all) };
        after = Some(last.id.number());
        all.extend(page);
    }
}

async fn by_cycle(sight: &Sight, store: &Store) -> Result<Statements, Violation> {
    let mut by_cycle = BTreeMap::new();
    for row in statements(store).await? {
        let with = sight.partners.iter().find(|(_, partner)| partner.id == row.partner);
        let Some((with, _)) = with else {
            return Err(Violation(format!("{} is with nobody", row.id)));
        };
        let paid = store.settlement_of(row.id).await?;
        by_cycle.insert((*with, row.cycle), (row, paid));
    }
    Ok(by_cycle)
}

/// Both are settled, and say the same.
fn mirrors(what: &str, here: &Statement, there: &Statement) -> Verdict {
    demand!(here.state == there.state, "{what} is {}, there {}", here.state, there.state);
    demand!(here.state == StatementState::Settled, "{what} is {} when all is paid", here.state);
    demand!(here.ours.is_some() && here.theirs.is_some(), "{what} is not signed by both");
    same(what, here, there)
}

/// Both say the same, with the signs changed.
fn same(what: &str, here: &Statement, there: &Statement) -> Verdict {
    let out = (here.gross_out, here.count_out, here.digest_out);
    let back = (there.gross_in, there.count_in, there.digest_in);
    demand!(out == back, "{what} has {out:?}, mirrored as {back:?}");
    let (net, carried) = (here.net + there.net, here.carried_out + there.carried_out);
    demand!(net == 0 && carried == 0, "{what} nets {} and {}", here.net, there.net);
    Ok(())
}

/// What a statement says is the sum of what was fulfilled of the cycle's commits, and each of these is in one.
fn adds_up(
    (a, b): (usize, usize),
    (gives, issues): (&Sight, &Sight),
    statements: &Statements,
) -> Verdict {
    let mut sums = BTreeMap::<u32, (u64, u64)>::new();
    let fulfilled = |one: &Exchange| {
        let there = issues.incoming.get(&(a, one.id));
        there.is_some_and(|row| row.state == IncomingState::Fulfilled)
            && !matches!(one.state, ExchangeState::Reversed)
    };
    let own = gives.exchanges.iter().filter(|(to, one)| *to == b && fulfilled(one));
    for (_, one) in own {
        let Some(cycle) = one.cycle else { continue };
        demand!(
            statements.contains_key(&(b, cycle)),
            "{} is of cycle {cycle} of {} with {}, which is not closed",
            one.id,
            name(a),
            name(b)
        );
        let (sum, count) = sums.entry(cycle).or_default();
        *sum += one.figures.compensation.units();
        *count += 1;
    }
    let mut carried = 0;
    for ((with, cycle), (row, _)) in statements.iter().filter(|((with, _), _)| *with == b) {
        let right = sums.get(cycle).copied().unwrap_or_default();
        let told = (row.gross_out.units(), row.count_out);
        let what = format!("cycle {cycle} of {} with {}", name(a), name(*with));
        demand!(told == right, "{what} comes to {told:?}, not {right:?}");
        demand!(row.carried_in == carried, "{what} begins with {}, not {carried}", row.carried_in);
        let owed = i128::from(row.gross_out.units()) - i128::from(row.gross_in.units())
            + i128::from(row.carried_in);
        let told = i128::from(row.net) * i128::from(CENT) + i128::from(row.carried_out);
        demand!(owed == told, "{what} owes {owed}, and nets {told}");
        let least = row.carried_out.unsigned_abs() < CENT && owed * i128::from(row.net) >= 0;
        demand!(least, "{what} carries {} of {owed}", row.carried_out);
        carried = row.carried_out;
    }
    Ok(())
}

/// What is owed still is what the last statement carries on: less than a cent.
fn is_carried(
    (a, b): (usize, usize),
    partner: Option<&Partner>,
    statements: &Statements,
) -> Verdict {
    let Some(partner) = partner else { return Ok(()) };
    let last = statements.range((b, 0)..=(b, u32::MAX)).next_back();
    let carried = last.map_or(0, |(_, (row, _))| row.carried_out);
    let (owes, is_owed) = (partner.owed_to_it().units(), partner.owed_by_it().units());
    let apart = i128::from(owes) - i128::from(is_owed);
    let right = apart == i128::from(carried) && (owes == 0 || is_owed == 0);
    demand!(
        right,
        "{} owes {} {owes} and is owed {is_owed} when all is paid, carried are {carried}",
        name(a),
        name(b)
    );
    Ok(())
}

/// What all have paid is what all have received, and each has paid what its statements say.
fn nets_to_zero(books: &[Statements]) -> Result<String, Violation> {
    let (mut paid, mut received, mut count) = (0_u64, 0_u64, 0_u64);
    for (a, book) in books.iter().enumerate() {
        for ((b, cycle), (statement, settlement)) in book {
            let what = format!("what {} settled with {} for cycle {cycle}", name(a), name(*b));
            count += 1;
            let Some(settlement) = settlement else {
                demand!(statement.net == 0, "{what} was never paid: {}", statement.net);
                continue;
            };
            let money = settlement.money.amount.units();
            let ended = settlement.state == SettlementState::Settled;
            demand!(ended, "{what} is {}", settlement.state);
            let net = statement.net.unsigned_abs();
            demand!(money == net, "{what} is {money}, and not {net}");
            demand!(settlement.receipt.is_some(), "{what} has no receipt");
            let there = books.get(*b).and_then(|book| book.get(&(a, *cycle)));
            let there = there.and_then(|(_, settlement)| settlement.as_ref());
            let same = there.map(|there| (&there.reference, &there.money, &there.receipt));
            let ours = (&settlement.reference, &settlement.money, &settlement.receipt);
            demand!(same == Some(ours), "{what} is {ours:?}, there {same:?}");
            if statement.net > 0 { paid += money } else { received += money }
        }
    }
    demand!(paid == received, "{paid} were paid, and {received} received");
    Ok(format!("{count} statements, {paid} cents paid"))
}
