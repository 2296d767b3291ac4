//! The books, as a journal tells them: one long read, so that all of it is of one moment.

use scrip_domain::agreement::Terms;
use scrip_domain::event::Subject;
use scrip_domain::journal::{Fact, JournalAccount, Paid, Payer, Sheet};
use scrip_domain::ledger::{House, LedgerAccount, Reason, Transfer};
use scrip_domain::partner::{EntryKind, Partner, PartnerEntry, Side};
use scrip_domain::reversal::{ReversalKind, ReversalState};
use scrip_domain::top_up::{Payment, TopUpMethod};
use scrip_domain::{Amount, Id, Money, Timestamp, Unit};

use crate::cells::Reader;
use crate::fault::Fault;
use crate::fields::Field;
use crate::reads::cells;
use crate::sql;
use crate::store::Store;
use crate::stream::{Ask, Rows};

/// Which part of the books a journal tells: what happened at `from` or later, and before `to`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Period {
    /// From when on; none: from the beginning.
    pub from: Option<Timestamp>,
    /// Until when; none: all.
    pub to: Option<Timestamp>,
}

impl Period {
    /// Its first instant.
    pub(crate) fn first(self) -> Timestamp {
        self.from.unwrap_or(Timestamp::from_millis(i64::MIN))
    }

    /// The first instant after it.
    pub(crate) fn end(self) -> Timestamp {
        self.to.unwrap_or(Timestamp::from_millis(i64::MAX))
    }
}

impl Store {
    /// The books of a period.
    pub fn journal(&self, period: Period) -> Result<Rows<Sheet>, Fault> {
        let mut asks = vec![fine_currencies(), currencies(), tills(), lent(), accounts(), house()];
        asks.extend([owed_to_partners(), owed_by_partners()].map(|of| partners(of, false)));
        asks.extend(period.from.map(|from| sums(from, true)));
        asks.push(facts(period));
        match period.to {
            Some(to) => asks.push(sums(to, false)),
            None => {
                asks.extend([balances(), house_balances(), owed()]);
                asks.extend([owed_to_partners(), owed_by_partners()].map(|of| partners(of, true)));
            }
        }
        self.stream(asks)
    }
}

fn currencies() -> Ask<Sheet> {
    let text = "SELECT DISTINCT u.unit FROM (
            SELECT pay_unit AS unit FROM top_ups UNION ALL SELECT money_unit FROM repayments
            UNION ALL SELECT money_unit FROM payouts UNION ALL SELECT money_unit FROM charges
            UNION ALL SELECT fee_unit FROM charges) u
        WHERE u.unit IS NOT NULL ORDER BY u.unit";
    Ask::new("top_ups", text, vec![], |cells| Ok(Some(Sheet::Currency(unit(cells)?))))
}

/// In what partners settle with which anything was ever owed.
fn fine_currencies() -> Ask<Sheet> {
    let text = "SELECT DISTINCT g.terms FROM agreements g
        WHERE EXISTS (SELECT 1 FROM partner_entries e WHERE e.partner = g.partner) ORDER BY g.terms";
    Ask::new("agreements", text, vec![], |cells| {
        let terms = must(Terms::read(cells)?, cells)?;
        Ok(Some(Sheet::FineCurrency(terms.currency)))
    })
}

/// What is owed to partners or by them: in SQL as debits less credits, and which account that is.
type Between = (&'static str, fn(Id<Partner>) -> JournalAccount);

fn owed_to_partners() -> Between {
    ("payable_debits - payable_credits", JournalAccount::Payable)
}

fn owed_by_partners() -> Between {
    ("receivable_debits - receivable_credits", JournalAccount::Receivable)
}

/// The accounts of partners with which anything was ever owed, or what they have at the end.
fn partners((balance, account): Between, closing: bool) -> Ask<Sheet> {
    let text = format!(
        "SELECT p.id, p.name, {balance}, p.currency FROM partners p
        WHERE EXISTS (SELECT 1 FROM partner_entries e WHERE e.partner = p.id)
        ORDER BY p.id"
    );
    Ask::new("partners", text, vec![], move |cells| {
        let account = account(must(Id::read(cells)?, cells)?);
        let name = cells.text()?;
        let balance = int(cells)?;
        let unit = cells.text()?.and_then(|code| Unit::parse(&code));
        if !closing {
            return Ok(Some(Sheet::Account(account, name)));
        }
        Ok(unit.map(|unit| Sheet::Owed(account, balance.into(), unit)))
    })
}

/// Where money came in: by a processor, or another way.
fn tills() -> Ask<Sheet> {
    let text = "SELECT DISTINCT w.way FROM (
            SELECT method AS way FROM top_ups WHERE pay_unit IS NOT NULL AND method <> 'credit_line'
                AND (method <> 'card' OR payment IS NULL)
            UNION ALL SELECT processor FROM charges) w ORDER BY w.way";
    Ask::new("top_ups", text, vec![], |cells| {
        let way = cells.text()?.ok_or_else(|| cells.corrupt())?;
        Ok(Some(Sheet::Account(JournalAccount::Money(way), None)))
    })
}

/// Who ever owed money.
fn lent() -> Ask<Sheet> {
    let text = "SELECT DISTINCT account FROM top_ups
        WHERE method = 'credit_line' AND credited_at IS NOT NULL ORDER BY account";
    Ask::new("top_ups", text, vec![], |cells| {
        let account = Id::read(cells)?.ok_or_else(|| cells.corrupt())?;
        Ok(Some(Sheet::Account(JournalAccount::CreditLine(account), None)))
    })
}

/// The accounts of wallets and merchants that were ever booked on: number, whose, name, and debits less credits.
const COUNTED: &str = "SELECT id AS number, account AS owner, CAST(NULL AS TEXT) AS name,
        free_debits - free_credits AS balance FROM wallets WHERE free_credits > 0
    UNION ALL SELECT -id, account, NULL, held_debits - held_credits FROM wallets WHERE held_credits > 0
    UNION ALL SELECT id + 4611686018427387904, account, NULL, owed_debits - owed_credits FROM wallets
        WHERE owed_debits > 0
    UNION ALL SELECT -(id + 4611686018427387904), CAST(NULL AS BIGINT), name, balance_debits - balance_credits
        FROM merchants WHERE balance_debits + balance_credits > 0";

fn accounts() -> Ask<Sheet> {
    counted(|account, name, _| Sheet::Account(account, name))
}

fn balances() -> Ask<Sheet> {
    counted(|account, _, balance| Sheet::Closing(account, balance))
}

fn counted(
    sheet: impl Fn(JournalAccount, Option<String>, i128) -> Sheet + Send + 'static,
) -> Ask<Sheet> {
    let text =
        format!("SELECT c.number, c.owner, c.name, c.balance FROM ({COUNTED}) c ORDER BY c.number");
    Ask::new("wallets", text, vec![], move |cells| {
        let account = account(cells)?;
        let name = cells.text()?;
        Ok(Some(sheet(account, name, int(cells)?.into())))
    })
}

fn house() -> Ask<Sheet> {
    of_house(|account, _| Sheet::Account(account, None))
}

fn house_balances() -> Ask<Sheet> {
    of_house(Sheet::Closing)
}

fn of_house(sheet: impl Fn(JournalAccount, i128) -> Sheet + Send + 'static) -> Ask<Sheet> {
    Ask::new("house", sql::HOUSE, vec![], move |cells| {
        let house = House::read(cells)?.ok_or_else(|| cells.corrupt())?;
        let (debits, credits) = (int(cells)?, int(cells)?);
        let balance = i128::from(debits).saturating_sub(credits.into());
        Ok(Some(sheet(JournalAccount::House(house), balance)))
    })
}

/// What is owed under credit lines.
fn owed() -> Ask<Sheet> {
    let text = "SELECT c.account, c.owed_debits - c.owed_credits, c.limit_unit FROM credit_lines c
        WHERE EXISTS (SELECT 1 FROM top_ups u WHERE u.account = c.account AND u.method = 'credit_line'
            AND u.credited_at IS NOT NULL AND u.pay_unit = c.limit_unit) ORDER BY c.account";
    Ask::new("credit_lines", text, vec![], |cells| {
        let account = Id::read(cells)?.ok_or_else(|| cells.corrupt())?;
        let owed = Amount::read(cells)?.ok_or_else(|| cells.corrupt())?;
        Ok(Some(Sheet::Lent(account, owed, unit(cells)?)))
    })
}

/// The wallet of a ledger account's number, in SQL; NULL for one that is no wallet's.
fn wallet_of(number: &str) -> String {
    format!(
        "CASE WHEN {number} >= 4611686018427387904 THEN {number} - 4611686018427387904
            WHEN {number} <= -4611686018427387904 THEN NULL WHEN {number} < 0 THEN -{number}
            WHEN {number} < 100 THEN NULL ELSE {number} END"
    )
}

/// What each account had at `at` by the transfers before.
fn sums(at: Timestamp, opening: bool) -> Ask<Sheet> {
    let text = format!(
        "SELECT s.number, w.account, s.amount FROM (
            SELECT n.number, CAST(SUM(n.amount) AS BIGINT) AS amount FROM (
                SELECT debit AS number, amount, at FROM transfers
                UNION ALL SELECT credit, -amount, at FROM transfers) n
            WHERE n.at < $1 GROUP BY n.number) s
        LEFT JOIN wallets w ON w.id = {} ORDER BY s.number",
        wallet_of("s.number")
    );
    Ask::new("transfers", text, cells(&at), move |cells| {
        let (account, units) = (account(cells)?, int(cells)?.into());
        Ok(Some(if opening {
            Sheet::Opening(account, units)
        } else {
            Sheet::Closing(account, units)
        }))
    })
}

/// The kinds of rows that facts are read from; the number is the order of those of one time.
const MOVED: i64 = 0;
const REMITTED: i64 = 1;
const BEGUN: i64 = 2;
const ENDED: i64 = 3;
const REPAID: i64 = 4;
const KEPT: i64 = 5;
const UNAPPLIED: i64 = 6;
const OWED: i64 = 7;

/// What happened, oldest first: all of it since the beginning of the period, and what moved money before.
fn facts(period: Period) -> Ask<Sheet> {
    let owner = format!("COALESCE({}, {})", wallet_of("t.debit"), wallet_of("t.credit"));
    let text = format!(
        "SELECT f.kind, f.id, f.at, f.debit, f.credit, f.amount, f.reason, f.subject, f.owner, f.method, f.payment,
            f.money, f.unit FROM (
        SELECT CAST({MOVED} AS BIGINT) AS kind, t.id, t.at, t.debit, t.credit, t.amount, t.reason, t.subject,
            w.account AS owner, u.method, u.payment, COALESCE(p.money_amount, m.money_amount,
                CASE WHEN u.due_reference IS NULL THEN u.pay_amount END) AS money,
            COALESCE(p.money_unit, m.money_unit, CASE WHEN u.due_reference IS NULL THEN u.pay_unit END) AS unit
            FROM transfers t LEFT JOIN wallets w ON w.id = {owner}
            LEFT JOIN top_ups u ON t.reason IN ('top_up', 'adjustment') AND u.id = t.subject
            LEFT JOIN remittances m ON m.top_up = u.id AND m.transfer = t.id
            LEFT JOIN payouts p ON t.reason = 'payout' AND p.id = t.subject
        UNION ALL SELECT {REMITTED}, m.id, m.at, NULL, NULL, NULL, NULL, m.top_up, NULL, NULL, NULL,
            m.money_amount, m.money_unit FROM remittances m WHERE m.transfer IS NULL
        UNION ALL SELECT {BEGUN}, r.id, r.at, NULL, NULL, NULL, r.kind, r.top_up, NULL, u.method, u.payment,
            r.money, u.pay_unit FROM reversals r JOIN top_ups u ON u.id = r.top_up WHERE r.money > 0
        UNION ALL SELECT {ENDED}, r.id, r.settled_at, NULL, NULL, NULL, r.kind || ' ' || r.state, r.top_up, NULL,
            u.method, u.payment, r.money, u.pay_unit FROM reversals r JOIN top_ups u ON u.id = r.top_up
            WHERE r.money > 0 AND r.settled_at IS NOT NULL
        UNION ALL SELECT {REPAID}, id, at, NULL, NULL, NULL, NULL, account, NULL, NULL, NULL, money_amount,
            money_unit FROM repayments
        UNION ALL SELECT {KEPT}, top_up, at, NULL, NULL, NULL, NULL, top_up, NULL, processor, NULL, fee_amount,
            fee_unit FROM charges WHERE fee_amount > 0
        UNION ALL SELECT {UNAPPLIED}, c.top_up, c.at, NULL, NULL, NULL, NULL, c.top_up, NULL, c.processor, NULL,
            c.money_amount - c.refunded - c.disputed, c.money_unit FROM charges c
            JOIN top_ups u ON u.id = c.top_up
            WHERE u.credited_at IS NULL AND c.money_amount > c.refunded + c.disputed
        UNION ALL SELECT {OWED}, e.id, e.at, NULL, NULL, e.amount, e.side || ' ' || e.kind, e.subject, e.partner,
            g.terms, NULL, e.cycle, e.side FROM partner_entries e
            LEFT JOIN exchanges x ON e.side = 'payable' AND e.kind IN ('exchange', 'reversal') AND x.id = e.subject
            LEFT JOIN incoming_exchanges i ON e.side = 'receivable' AND e.kind = 'exchange'
                AND i.partner = e.partner AND i.exchange = e.subject
            LEFT JOIN statements s ON e.kind IN ('netting', 'payment', 'write_off') AND s.id = e.subject
            LEFT JOIN agreements g ON g.id = COALESCE(x.agreement, i.agreement, s.agreement)
            WHERE e.kind <> 'netting' OR e.side = 'payable') f
        WHERE (f.at >= $1 OR f.unit IS NOT NULL) AND f.at < $2 ORDER BY f.at, f.kind, f.id"
    );
    let mut values = cells(&period.first());
    values.extend(cells(&period.end()));
    Ask::new("transfers", text, values, |cells| fact(cells).map(Sheet::Fact).map(Some))
}

fn fact(cells: &mut Reader<'_>) -> Result<Fact, Fault> {
    let kind = int(cells)?;
    let (id, at) = (number(cells)?, must(Timestamp::read(cells)?, cells)?);
    if kind == OWED {
        return between(cells, id, at);
    }
    let (debit, credit) = (cells.int()?, cells.int()?);
    let amount = Amount::read(cells)?;
    let reason = cells.text()?;
    let subject = number(cells)?;
    let owner = Id::read(cells)?;
    let method = cells.text()?;
    let payment = Payment::read(cells)?;
    let paid = Money::read(cells)?;
    // Who took it, or else how it came.
    let till = payment.map(|payment| payment.processor).or(method).unwrap_or_default();
    if kind == MOVED {
        let side = |number: Option<i64>| number.and_then(LedgerAccount::from_number);
        let (debit, credit) = (must(side(debit), cells)?, must(side(credit), cells)?);
        let reason = must(reason.and_then(|word| Reason::parse(&word)), cells)?;
        let (id, amount) = (must(Id::new(id), cells)?, must(amount, cells)?);
        let subject = Subject(subject);
        let payer = match owner {
            _ if reason == Reason::Payout => Payer::Payout,
            Some(owner) if till == TopUpMethod::CreditLine.as_str() => Payer::CreditLine(owner),
            _ => Payer::Till(till),
        };
        let chart = |side| must(JournalAccount::of(side, owner), cells);
        return Ok(Fact::Moved {
            debit: chart(debit)?,
            credit: chart(credit)?,
            transfer: Transfer { id, debit, credit, amount, reason, subject, at },
            paid: paid.map(|money| Paid { money, payer }),
        });
    }
    let money = must(paid, cells)?;
    Ok(match kind {
        REMITTED => Fact::Remitted {
            id: must(Id::new(id), cells)?,
            top_up: must(Id::new(subject), cells)?,
            money,
            at,
        },
        BEGUN | ENDED => {
            let words = reason.unwrap_or_default();
            let (kind, state) = words
                .split_once(' ')
                .map_or((&*words, None), |(kind, state)| (kind, Some(ReversalState::parse(state))));
            Fact::Reversed {
                id: must(Id::new(id), cells)?,
                top_up: must(Id::new(subject), cells)?,
                kind: must(ReversalKind::parse(kind), cells)?,
                ended: state.map(|state| must(state, cells)).transpose()?,
                money,
                till,
                at,
            }
        }
        REPAID => Fact::Repaid {
            id: must(Id::new(id), cells)?,
            account: must(Id::new(subject), cells)?,
            money,
            at,
        },
        KEPT => Fact::Kept { top_up: must(Id::new(subject), cells)?, money, till, at },
        _ => Fact::Unapplied { top_up: must(Id::new(subject), cells)?, money, till, at },
    })
}

/// A change of what is owed between partners; where others have how it was paid, it has the terms by which it is owed, and the
/// cycle where they have money. The last column only says that money moved.
fn between(cells: &mut Reader<'_>, id: u64, at: Timestamp) -> Result<Fact, Fault> {
    let (None, None) = (cells.int()?, cells.int()?) else { return Err(cells.corrupt()) };
    let amount = must(Amount::read(cells)?, cells)?;
    let words = must(cells.text()?, cells)?;
    let (side, kind) = must(words.split_once(' '), cells)?;
    let (side, kind) = (must(Side::parse(side), cells)?, must(EntryKind::parse(kind), cells)?);
    let subject = number(cells)?;
    let partner = must(Id::read(cells)?, cells)?;
    let unit = must(Terms::read(cells)?, cells)?.currency;
    let None = Payment::read(cells)? else { return Err(cells.corrupt()) };
    let cycle = u32::try_from(int(cells)?).map_err(|_| cells.corrupt())?;
    let id = must(Id::new(id), cells)?;
    let entry = PartnerEntry { partner, id, side, kind, amount, subject, cycle, at };
    Ok(Fact::Between { entry, unit })
}

/// The account of the chart for a ledger account's number and its owner.
fn account(cells: &mut Reader<'_>) -> Result<JournalAccount, Fault> {
    let side = LedgerAccount::from_number(int(cells)?);
    let side = must(side, cells)?;
    let owner = Id::read(cells)?;
    must(JournalAccount::of(side, owner), cells)
}

fn must<T>(value: Option<T>, cells: &Reader<'_>) -> Result<T, Fault> {
    value.ok_or_else(|| cells.corrupt())
}

fn int(cells: &mut Reader<'_>) -> Result<i64, Fault> {
    cells.int()?.ok_or_else(|| cells.corrupt())
}

fn number(cells: &mut Reader<'_>) -> Result<u64, Fault> {
    u64::read(cells)?.ok_or_else(|| cells.corrupt())
}

fn unit(cells: &mut Reader<'_>) -> Result<Unit, Fault> {
    let code = cells.text()?.and_then(|code| Unit::parse(&code));
    code.ok_or_else(|| cells.corrupt())
}
