use super::*;
use crate::amount::Amount;
use crate::event::Subject;
use crate::ledger::Reason;
use crate::partner::{EntryKind, PartnerEntry, Side};
use crate::settings::UnitValue;

fn id<T>(number: u64) -> Id<T> {
    Id::new(number).unwrap()
}

fn amount(units: u64) -> Amount {
    Amount::new(units).unwrap()
}

fn token(code: &str, scale: u8) -> Token {
    let money = money(100);
    let unit_value = UnitValue { tokens: amount(100), money };
    Token { code: Unit::parse(code).unwrap(), name: "Aurum".into(), scale, unit_value }
}

fn money(units: u64) -> Money {
    Money { amount: amount(units), unit: Unit::parse("EUR").unwrap() }
}

const NOON: Timestamp = Timestamp::from_millis(1_795_348_800_000);

fn transfer(debit: LedgerAccount, credit: LedgerAccount, reason: Reason, units: u64) -> Transfer {
    let (amount, subject) = (amount(units), Subject(5));
    Transfer { id: id(4), debit, credit, amount, reason, subject, at: NOON }
}

/// A top-up of 12.50 for 1.25 EUR, and a purchase of 2.
fn facts() -> [Fact; 2] {
    let wallet = LedgerAccount::Free(id(200));
    let (issued, revenue) =
        (LedgerAccount::House(House::Issued), LedgerAccount::House(House::Revenue));
    let paid = Paid { money: money(125), payer: Payer::Till("stripe".into()) };
    let moved = |transfer: Transfer, paid| {
        let chart = |side| JournalAccount::of(side, Some(id(100))).unwrap();
        let (debit, credit) = (chart(transfer.debit), chart(transfer.credit));
        Fact::Moved { transfer, debit, credit, paid }
    };
    [
        moved(transfer(issued, wallet, Reason::TopUp, 1250), Some(paid)),
        moved(transfer(wallet, revenue, Reason::Purchase, 200), None),
    ]
}

fn written(format: Format, token: &Token, from: Option<Timestamp>, sheets: &[Sheet]) -> String {
    let (mut journal, mut text) = Journal::begin(format, "Aurora \"Tools\"\nLtd, \\", token, from);
    sheets.iter().for_each(|sheet| text += &journal.sheet(sheet));
    text + &journal.end()
}

fn whole(format: Format) -> String {
    let account = || JournalAccount::Available(id(100));
    let mut sheets = vec![Sheet::Account(account(), None)];
    sheets.extend(facts().map(Sheet::Fact));
    sheets.push(Sheet::Closing(account(), -1050));
    let text = written(format, &token("AUR", 2), None, &sheets);
    // The rest is the same in each.
    text.lines().skip_while(|line| !line.contains("Processing")).collect::<Vec<_>>().join("\n")
}

#[test]
fn hledger_gets_entries_and_assertions() {
    assert_eq!(
        whole(Format::Hledger),
        "account Expenses:Processing
account Liabilities:Wallets:Acc-0000000000034:Available

2026-11-22 * (trf_0000000000004) top_up  ; subject:top_0000000000005, at:2026-11-22T12:00:00.000Z
    Equity:Issued  12.50 AUR
    Liabilities:Wallets:Acc-0000000000034:Available  -12.50 AUR
    Assets:Money:Stripe  1.25 EUR
    Liabilities:TokensSold  -1.25 EUR

2026-11-22 * (trf_0000000000004) purchase  ; subject:ord_0000000000005, at:2026-11-22T12:00:00.000Z
    Liabilities:Wallets:Acc-0000000000034:Available  2.00 AUR
    Income:Sales  -2.00 AUR

2026-11-22 * closing_balances
    Liabilities:Wallets:Acc-0000000000034:Available  0.00 AUR = -10.50 AUR
    Assets:Money:Stripe  0.00 EUR = 1.25 EUR
    Liabilities:TokensSold  0.00 EUR = -1.25 EUR"
    );
}

#[test]
fn beancount_gets_balances_to_the_last_unit() {
    let text = whole(Format::Beancount);
    assert!(
        text.contains(
            "\n2026-11-22 * \"purchase\"\n  id: \"trf_0000000000004\"\n  subject: \"ord_0000000000005\"\n"
        ),
        "{text}"
    );
    assert!(
        text.ends_with(
            "
2026-11-23 balance Liabilities:Wallets:Acc-0000000000034:Available  -10.50 ~ 0 AUR
2026-11-23 balance Assets:Money:Stripe  1.25 ~ 0 EUR
2026-11-23 balance Liabilities:TokensSold  -1.25 ~ 0 EUR"
        ),
        "{text}"
    );
}

#[test]
fn a_table_has_a_row_for_each_posting() {
    let sheets = facts().map(Sheet::Fact);
    let text = written(Format::Csv, &token("AUR", 2), None, &sheets);
    let rows: Vec<_> = text.split_terminator("\r\n").collect();
    assert_eq!(rows.len(), 7);
    assert_eq!(rows[0], "at,entry,reason,subject,account,amount,unit");
    assert_eq!(
        rows[2],
        "2026-11-22T12:00:00.000Z,trf_0000000000004,top_up,top_0000000000005,Liabilities:Wallets:Acc-0000000000034:Available,-12.50,AUR"
    );
}

#[test]
fn what_was_before_opens_the_journal() {
    let from = NOON.plus(crate::time::Span::days(1));
    let account = JournalAccount::Available(id(100));
    let [came, _] = facts();
    let opening = [
        Sheet::Opening(JournalAccount::House(House::Issued), 1250),
        Sheet::Opening(account.clone(), -1250),
        Sheet::Fact(came),
        Sheet::Closing(account, -1250),
    ];
    let text = written(Format::Hledger, &token("AUR", 2), Some(from), &opening);
    assert!(
        text.ends_with(
            "
2026-11-23 * opening_balances
    Equity:Issued  12.50 AUR
    Liabilities:Wallets:Acc-0000000000034:Available  -12.50 AUR
    Assets:Money:Stripe  1.25 EUR
    Liabilities:TokensSold  -1.25 EUR

2026-11-23 * closing_balances
    Liabilities:Wallets:Acc-0000000000034:Available  0.00 AUR = -12.50 AUR
    Assets:Money:Stripe  0.00 EUR = 1.25 EUR
    Liabilities:TokensSold  0.00 EUR = -1.25 EUR
"
        ),
        "{text}"
    );
}

#[test]
fn names_and_units_cannot_break_out() {
    let odd = token("T0K3N", 0);
    let named = Sheet::Account(JournalAccount::Merchant(id(7)), Some("a\"b\\c\nd, e".into()));
    let bean = written(Format::Beancount, &odd, None, std::slice::from_ref(&named));
    assert!(bean.starts_with("option \"title\" \"Aurora \\\"Tools\\\" Ltd, \\\\\"\n"), "{bean}");
    assert!(bean.ends_with("  name: \"a\\\"b\\\\c d, e\"\n"), "{bean}");
    let ledger = written(Format::Hledger, &odd, None, &[named]);
    assert!(ledger.starts_with("; Aurora \"Tools\" Ltd  \\\ndecimal-mark .\n"), "{ledger}");
    assert!(ledger.contains("\ncommodity 1000000000000000. \"T0K3N\"\n"), "{ledger}");
    assert!(ledger.ends_with("; name: a\"b\\c d  e\n"), "{ledger}");
    assert_eq!(part(&"_x y"), "Xx-y");
    assert_eq!(
        (field("=1+1"), field("a,b"), field("\"")),
        ("'=1+1".into(), "\"a,b\"".into(), "\"\"\"\"".into())
    );
}

#[test]
fn every_entry_balances_and_names_a_declared_reason() {
    let at = NOON;
    let mut facts = Vec::from(facts());
    let ends =
        [None, Some(ReversalState::Done), Some(ReversalState::Failed), Some(ReversalState::Won)];
    for kind in ReversalKind::ALL {
        for ended in ends {
            let (id, top_up, till) = (id(1), id(2), "demo".to_owned());
            facts.push(Fact::Reversed {
                id,
                top_up,
                kind: *kind,
                ended,
                money: money(7),
                till,
                at,
            });
        }
    }
    facts.push(Fact::Remitted { id: id(1), top_up: id(2), money: money(1), at });
    facts.push(Fact::Repaid { id: id(1), account: id(2), money: money(1), at });
    facts.push(Fact::Kept { top_up: id(2), money: money(1), till: "demo".into(), at });
    facts.push(Fact::Unapplied { top_up: id(2), money: money(1), till: "demo".into(), at });
    for side in Side::ALL {
        for kind in EntryKind::ALL {
            let (entry, unit) = (owed(*side, *kind, 1), money(1).unit);
            facts.push(Fact::Between { entry, unit });
        }
    }
    for fact in facts {
        let entry = fact.entry(&token("AUR", 2));
        let sum = |unit: &str| -> i128 {
            let own = entry.postings.iter().filter(|line| line.figure.unit.as_str() == unit);
            own.map(|line| line.figure.units).sum()
        };
        assert_eq!((sum("AUR"), sum("EUR")), (0, 0), "{entry:?}");
        let known = Reason::parse(entry.reason).is_some() || REASONS.contains(&entry.reason);
        assert!(known, "{}", entry.reason);
    }
}

#[test]
fn a_reversal_leaves_nothing_between_its_beginning_and_its_end() {
    for (kind, ended) in [
        (ReversalKind::Refund, ReversalState::Done),
        (ReversalKind::Refund, ReversalState::Failed),
        (ReversalKind::Dispute, ReversalState::Won),
        (ReversalKind::Dispute, ReversalState::Lost),
    ] {
        let (_, debit, credit) = reversed(kind, None, "demo");
        let (_, then, from) = reversed(kind, Some(ended), "demo");
        let back = ended == ReversalState::Won || ended == ReversalState::Failed;
        if kind == ReversalKind::Dispute {
            assert_eq!(from, debit, "what the bank had is decided");
            assert_eq!(then == credit, back);
        } else {
            assert_eq!(then, credit, "what was due is done with");
            assert_eq!(from == debit, back);
        }
    }
}

fn owed(side: Side, kind: EntryKind, micros: u64) -> PartnerEntry {
    let (partner, subject) = (id(9), 6);
    PartnerEntry {
        partner,
        id: id(5),
        side,
        kind,
        amount: amount(micros),
        subject,
        cycle: 1,
        at: NOON,
    }
}

#[test]
fn what_partners_owe_is_in_millionths_and_closes_by_the_counters() {
    let unit = money(1).unit;
    let between =
        |side, kind, micros| Sheet::Fact(Fact::Between { entry: owed(side, kind, micros), unit });
    let sheets = [
        Sheet::FineCurrency(unit),
        Sheet::Currency(unit),
        between(Side::Payable, EntryKind::Exchange, 15_012_300),
        between(Side::Receivable, EntryKind::Exchange, 2_000_000),
        between(Side::Payable, EntryKind::Netting, 2_000_000),
        between(Side::Payable, EntryKind::Payment, 13_010_000),
        Sheet::Owed(JournalAccount::Payable(id(9)), -2_300, unit),
        Sheet::Owed(JournalAccount::Receivable(id(9)), 0, unit),
    ];
    let text = written(Format::Hledger, &token("AUR", 2), None, &sheets);
    assert_eq!(text.matches("commodity ").count(), 2, "the currency once: {text}");
    assert!(text.contains("commodity 1000000000.000000 EUR"), "{text}");
    let part = |from: &str, to: &str| {
        let (_, rest) = text.split_once(from).unwrap();
        rest.split_once(to).unwrap().0.to_owned()
    };
    assert_eq!(
        part(" netting  ; ", "\n\n"),
        "subject:stm_0000000000006, at:2026-11-22T12:00:00.000Z
    Liabilities:Partners:Par-0000000000009  2.000000 EUR
    Assets:Partners:Par-0000000000009  -2.000000 EUR"
    );
    assert!(
        text.ends_with(
            "
2026-11-22 * closing_balances
    Liabilities:Partners:Par-0000000000009  0.000000 EUR = -0.002300 EUR
    Assets:Partners:Par-0000000000009  0.000000 EUR = 0.000000 EUR
    Assets:Money:Settlements  0.000000 EUR = -13.010000 EUR
    Expenses:Exchange  0.000000 EUR = 15.012300 EUR
    Income:Exchange  0.000000 EUR = -2.000000 EUR
"
        ),
        "{text}"
    );
}
