//! The books as a journal: one moment, in time order, and of it all comes to what the counters say.

use std::collections::BTreeMap;

use scrip_domain::account::Account;
use scrip_domain::account_statement::{ListedLine, Standing, Statement};
use scrip_domain::journal::{Fact, Format, Journal, JournalAccount, Sheet};
use scrip_domain::partner::Partner;
use scrip_domain::settings::{Token, UnitValue};
use scrip_domain::{Amount, Money, Timestamp, Unit};
use scrip_storage::reads::doctor::probes;
use scrip_storage::reads::journal::Period;
use scrip_storage::{Fault, Store};
use serde_json::json;

use crate::commands::{amount, id, open};
use crate::doctor::sound;
use crate::home::Home;

fn token() -> Token {
    let money = Money { amount: amount(1), unit: unit("EUR") };
    let unit_value = UnitValue { tokens: amount(1), money };
    Token { code: unit("AUR"), name: "Aurum".into(), scale: 2, unit_value }
}

fn unit(code: &str) -> Unit {
    Unit::parse(code).unwrap()
}

/// Sound books, with the terms by which partners owe each other.
fn books(home: &Home) -> String {
    let party = |url: &str, token: &str| json!({ "url": url, "token": token, "scale": 2, "tokens": 1, "micros": 1 });
    let terms = json!({
        "parties": [party("https://a.example", "AUR"), party("https://b.example", "BEL")], "currency": "EUR",
        "ways": [null, null], "cycle": { "kind": "each" }, "due_days": 1, "notice_days": 1,
    });
    let of = |old: u32, new: u32, partner: u32| {
        format!(
            "UPDATE agreements SET id = {new}, partner = {partner}, terms = '{terms}' WHERE id = {old};"
        )
    };
    sound(home) + &of(9811, 9911, 9901) + &of(9816, 9902, 9991)
}

async fn sheets(store: &Store, period: Period) -> Vec<Sheet> {
    let mut rows = store.journal(period).unwrap();
    let mut all = Vec::new();
    while let Some(page) = rows.next().await {
        all.extend(page.unwrap());
    }
    all
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

type Sums = BTreeMap<(String, String), i128>;

/// What each account has by the openings and entries of a journal that begins at `from`.
fn reckoned(sheets: &[Sheet], from: Option<Timestamp>) -> Sums {
    let mut sums = Sums::new();
    let mut add = |account: &JournalAccount, unit: &str, units| {
        *sums.entry((account.to_string(), unit.to_owned())).or_default() += units;
    };
    for sheet in sheets {
        match sheet {
            Sheet::Opening(account, units) => add(account, "AUR", *units),
            Sheet::Fact(fact) => {
                let earlier = from.is_some_and(|from| fact.at() < from);
                for posting in fact.entry(&token()).postings {
                    let unit = posting.figure.unit;
                    // Of what was before, the tokens are in the openings.
                    if !earlier || unit.as_str() != "AUR" {
                        add(&posting.account, unit.as_str(), posting.figure.units);
                    }
                }
            }
            _ => {}
        }
    }
    sums.retain(|_, units| *units != 0);
    sums
}

/// What each account has by the last word of the books.
fn closed(sheets: &[Sheet]) -> Sums {
    let mut sums = Sums::new();
    for sheet in sheets {
        match sheet {
            Sheet::Closing(account, units) => {
                sums.insert((account.to_string(), "AUR".into()), *units);
            }
            Sheet::Lent(account, owed, unit) => {
                let account = JournalAccount::CreditLine(*account);
                sums.insert((account.to_string(), unit.to_string()), owed.units().into());
            }
            Sheet::Owed(account, units, unit) => {
                sums.insert((account.to_string(), unit.to_string()), *units);
            }
            _ => {}
        }
    }
    sums.retain(|_, units| *units != 0);
    sums
}

fn tokens_and_debts(sums: &Sums) -> Sums {
    let known = |(account, unit): &(String, String)| {
        unit == "AUR" || account.starts_with("Assets:CreditLines") || account.contains(":Partners:")
    };
    sums.iter().filter(|(key, _)| known(key)).map(|(key, units)| (key.clone(), *units)).collect()
}

fn facts(sheets: &[Sheet]) -> Vec<&Fact> {
    let fact = sheets.iter().filter_map(|sheet| match sheet {
        Sheet::Fact(fact) => Some(fact),
        _ => None,
    });
    fact.collect()
}

pub async fn a_journal_comes_to_what_the_counters_say(home: &Home) {
    let (store, _writer) = home.open().await.unwrap();
    home.execute(&books(home)).await;
    let sheets = sheets(&store, Period::default()).await;
    let sums = reckoned(&sheets, None);
    let closed = closed(&sheets);
    assert_eq!(tokens_and_debts(&sums), closed);
    assert!(closed.len() >= 15, "{closed:?}");
    let money = |account: &str| sums.get(&(account.to_owned(), "EUR".to_owned())).copied();
    // 100 and 10 + 5 + 2 by card, of which a bank has 10 and 1 went back; 4 offline; 16 went to a merchant.
    assert_eq!(money("Assets:Money:Card"), Some(106));
    assert_eq!(money("Assets:Money:Offline"), Some(4));
    assert_eq!(money("Assets:Disputed"), Some(10));
    assert_eq!(money("Assets:Money:Repayments"), Some(15));
    assert_eq!(money("Assets:Money:Payouts"), Some(-16));
    assert_eq!(money("Liabilities:RefundsDue"), None);
    // All of that, and 40 on credit.
    assert_eq!(money("Liabilities:TokensSold"), Some(-(117 - 1 + 4 + 40 - 16)));
    let facts = facts(&sheets);
    assert!(facts.is_sorted_by_key(|fact| fact.at()), "oldest first");
    let transfers = facts.iter().filter(|fact| matches!(fact, Fact::Moved { .. })).count();
    let counting = probes().into_iter().find(|probe| probe.name == "house-counters").unwrap();
    let all = store.examine(&counting).await.unwrap().rows;
    assert_eq!(u64::try_from(transfers).unwrap(), all, "every transfer");
    // Each account is declared before it is used.
    let named = |sheet: &Sheet| match sheet {
        Sheet::Account(account, _) => Some(account.to_string()),
        _ => None,
    };
    let mut known: Vec<_> = sheets.iter().filter_map(named).collect();
    known.extend(JournalAccount::always().map(|account| account.to_string()));
    for (account, _) in sums.keys() {
        assert!(known.contains(account), "{account}");
    }
    let first = [Sheet::FineCurrency(unit("EUR")), Sheet::Currency(unit("EUR"))];
    assert_eq!(sheets[..2], first);
    // Between partners, in millionths: what is owed, what was paid, and what is given up.
    let [one, other] = [9901, 9991].map(|number| id::<Partner>(number).to_string());
    let owed = |side: &str, partner: &str| {
        money(&format!("{side}:Partners:P{}", &partner[1..].replace('_', "-")))
    };
    assert_eq!((owed("Liabilities", &one), owed("Assets", &one)), (Some(-330), Some(400)));
    assert_eq!(
        (owed("Liabilities", &other), owed("Assets", &other)),
        (Some(-25_999), Some(22_001))
    );
    assert_eq!(money("Assets:Money:Settlements"), Some(-30_000));
    assert_eq!(money("Expenses:WriteOffs"), Some(50_000));
    // 630 less 300, and 85 999 less 7000.
    assert_eq!(money("Expenses:Exchange"), Some(330 + 78_999));
    assert_eq!(money("Income:Exchange"), Some(-(400 + 95_001)));
    let netted = facts.iter().filter(|fact| fact.entry(&token()).reason == "netting").count();
    assert_eq!(netted, 2, "each once, of both sides");
}

pub async fn a_period_opens_with_what_was_before(home: &Home) {
    let (store, _writer) = home.open().await.unwrap();
    home.execute(&books(home)).await;
    let whole = reckoned(&sheets(&store, Period::default()).await, None);
    for from in 0..10 {
        let later = sheets(&store, Period { from: Some(at(from)), to: None }).await;
        assert_eq!(reckoned(&later, Some(at(from))), whole, "from {from}");
        let until = sheets(&store, Period { from: None, to: Some(at(from)) }).await;
        let sums = reckoned(&until, None);
        let tokens: Sums = sums.into_iter().filter(|((_, unit), _)| unit == "AUR").collect();
        assert_eq!(tokens, closed(&until), "until {from}");
        assert!(facts(&until).iter().all(|fact| fact.at() < at(from)));
    }
    let text = |period: Period, sheets: &[Sheet]| {
        let (mut journal, mut text) =
            Journal::begin(Format::Beancount, "Shop", &token(), period.from);
        sheets.iter().for_each(|sheet| text += &journal.sheet(sheet));
        text + &journal.end()
    };
    let period = Period { from: Some(at(4)), to: Some(at(8)) };
    let (one, two) = (sheets(&store, period).await, sheets(&store, period).await);
    assert_eq!(text(period, &one), text(period, &two), "the same books, the same bytes");
}

pub async fn a_journal_is_of_one_moment_and_one_at_a_time(home: &Home) {
    let store = home.start().await;
    for number in 1000..1600 {
        store.submit(open(number)).await.unwrap().unwrap();
    }
    home.execute("UPDATE wallets SET free_credits = 1").await;
    let mut rows = store.journal(Period::default()).unwrap();
    let mut count = rows.next().await.unwrap().unwrap().len();
    let another = store.journal(Period::default());
    if matches!(home, Home::Postgres { .. }) {
        assert!(matches!(another, Err(Fault::Busy)));
    } else {
        // Inline the first one is read at once, and done.
        assert!(another.is_ok());
    }
    // What is written meanwhile is no part of it.
    home.execute("DELETE FROM wallets").await;
    while let Some(page) = rows.next().await {
        count += page.unwrap().len();
    }
    assert_eq!(count, 1200, "each account, and what it has");
    store.stop().await.unwrap();
}

pub async fn a_statement_follows_an_account_and_a_list_has_every_line(home: &Home) {
    let (store, _writer) = home.open().await.unwrap();
    home.execute(&books(home)).await;
    // Who owes, who has tokens held, and who has given some away.
    for (who, whose, lines) in [(1001, 2001, 7), (1004, 2004, 9), (1005, 2005, 5)] {
        let (account, wallet) = (id::<Account>(who), id(whose));
        let now = store.wallet(wallet).await.unwrap().unwrap();
        let end =
            Standing { available: now.free.credit_balance(), held: now.held(), owed: now.owed() };
        for from in [None, Some(at(0)), Some(at(3)), Some(at(5)), Some(at(99))] {
            let period = Period { from, to: None };
            let (opening, transfers) =
                store.account_statement(account, wallet, period, 100).await.unwrap();
            let statement = Statement::of(opening, transfers, wallet).unwrap();
            assert_eq!(statement.closing(), end, "{who} from {from:?}");
            assert!(from.is_some() || statement.lines.len() == lines, "{statement:?}");
            assert!(from != Some(at(99)) || statement.lines.is_empty());
        }
        let part = Period { from: Some(at(2)), to: Some(at(5)) };
        let (_, transfers) = store.account_statement(account, wallet, part, 2).await.unwrap();
        let times: Vec<_> = transfers.iter().map(|transfer| transfer.at.millis()).collect();
        assert!(times.iter().all(|time| (2..5).contains(time)) && times.len() <= 2, "{times:?}");
    }
    let mut rows = store.listed_lines(Period::default()).unwrap();
    let mut lines = Vec::new();
    while let Some(page) = rows.next().await {
        lines.extend(page.unwrap());
    }
    let shown = |line: &ListedLine| {
        let units = |amount: Option<Amount>| amount.unwrap_or_default().units();
        (line.order.number(), units(line.total()), line.refunded.units())
    };
    let all: Vec<_> = lines.iter().map(shown).collect();
    let mine = [(6001, 60, 30), (6002, 5, 0), (6003, 0, 0)];
    let theirs = [(6101, 30, 10), (6102, 30, 0), (6103, 30, 30), (6104, 30, 0), (6105, 30, 0)];
    // Four lines for nothing, then two that extend.
    let free = [6004, 6004, 6004, 6004, 6005, 6005].map(|order| (order, 0, 0));
    assert_eq!(all, [&mine[..], &free[..], &theirs[..]].concat());
    let none = store.listed_lines(Period { from: Some(at(1)), to: None }).unwrap().next().await;
    assert!(none.is_none());
}
