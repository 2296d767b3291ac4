use proptest::prelude::*;

use super::*;
use crate::ledger::Counters;

fn amount(units: u64) -> Amount {
    Amount::new(units).unwrap()
}

fn unit(code: &str) -> Unit {
    Unit::parse(code).unwrap()
}

fn item(exchange: u64, compensation: u64) -> CycleItem {
    CycleItem { exchange: Id::new(exchange).unwrap(), compensation: amount(compensation) }
}

fn half(items: &[u64]) -> Half {
    let add = |tally: Tally, (number, micros): (u64, &u64)| tally.with(item(number, *micros));
    (1..).zip(items).try_fold(Tally::default(), add).unwrap().half()
}

fn partner() -> Partner {
    let (url, name) = ("https://b.test".to_owned(), "B".to_owned());
    Partner::entered(Id::new(1).unwrap(), url, name, Timestamp::default())
}

fn closed(out: &[u64], back: &[u64], carried_in: i64) -> Statement {
    let statement = Statement::closing(
        Id::new(1).unwrap(),
        &partner(),
        Id::new(1).unwrap(),
        Timestamp::default(),
    );
    statement.with(half(out), half(back), carried_in, unit("EUR")).unwrap()
}

fn account(statement: &Statement, is_final: bool) -> Account {
    let hex = |digest: [u8; 32]| base16ct::lower::encode_string(&digest);
    Account {
        issuer: "a".into(),
        audience: "b".into(),
        issued_at: 1,
        cycle: statement.cycle,
        currency: unit("EUR"),
        gross_out: statement.gross_out,
        count_out: statement.count_out,
        digest_out: hex(statement.digest_out),
        gross_in: statement.gross_in,
        count_in: statement.count_in,
        digest_in: hex(statement.digest_in),
        carried_in: statement.carried_in,
        carried_out: statement.carried_out,
        net: statement.net,
        is_final,
    }
}

#[test]
fn a_net_amount_is_rounded_towards_zero_and_the_rest_carried() {
    let of = |out, back, carried, code| {
        let Net { net, carried_out } = net(amount(out), amount(back), carried, unit(code)).unwrap();
        (net, carried_out)
    };
    assert_eq!(of(1_239_999, 0, 0, "EUR"), (123, 9_999));
    assert_eq!(of(0, 1_239_999, 0, "EUR"), (-123, -9_999));
    assert_eq!(of(1, 0, 9_999, "EUR"), (1, 0));
    assert_eq!(of(9_999, 0, 0, "EUR"), (0, 9_999));
    assert_eq!(of(5_000, 5_000, -3, "EUR"), (0, -3));
    assert_eq!(of(2_500_000, 0, 0, "JPY"), (2, 500_000));
    assert_eq!(of(1_999, 0, 0, "BHD"), (1, 999));
    assert_eq!(net(Amount::MAX, Amount::ZERO, i64::MAX, unit("EUR")), None);
}

#[test]
fn a_tally_is_told_by_its_sums_and_its_digest() {
    let both = half(&[5, 7]);
    assert_eq!((both.gross, both.count), (amount(12), 2));
    let line = "exc_0000000000001 5\nexc_0000000000002 7\n";
    assert_eq!(both.digest, <[u8; 32]>::from(Sha256::digest(line)));
    assert_ne!(half(&[7, 5]).digest, both.digest);
    assert!(
        Tally::default().with(item(1, Amount::MAX.units())).unwrap().with(item(2, 1)).is_none()
    );
}

#[test]
fn accounts_are_compared_half_by_half() {
    let ours = account(&closed(&[5, 7], &[9], 0), true);
    let theirs = account(&closed(&[9], &[5, 7], 0), true);
    assert_eq!(compared(&ours, &theirs), Compared::Same);
    let early = account(&closed(&[9], &[5], 0), false);
    assert_eq!(compared(&ours, &early), Compared::NotYet, "it had not heard of all");
    let late = account(&closed(&[9], &[5], 0), true);
    assert_eq!(compared(&ours, &late), Compared::Differ, "it had");
    for lie in [
        account(&closed(&[8], &[5, 7], 0), false),
        account(&closed(&[4, 5], &[5, 7], 0), true),
        account(&closed(&[9], &[7, 5], 0), true),
        account(&closed(&[9], &[5, 7], 1), true),
        Account { currency: unit("USD"), ..theirs.clone() },
        Account { cycle: 2, ..theirs.clone() },
        Account { count_out: 2, ..theirs.clone() },
    ] {
        assert_eq!(compared(&ours, &lie), Compared::Differ, "{lie:?}");
    }
    assert!(ours.adds_up() && theirs.adds_up());
    assert!(!Account { net: theirs.net + 1, ..theirs.clone() }.adds_up());
    assert!(!Account { carried_out: theirs.carried_out + 1, ..theirs }.adds_up());
}

#[test]
fn a_reference_is_short_plain_and_the_same_on_both_sides() {
    let one = reference("https://a.test", "https://b.test", u32::MAX);
    // ISO 20022, `Max35Text`.
    assert_eq!(crate::bank::latin(&one, 35), one, "as banks carry it");
    assert!(!one.contains('/'), "{one}");
    assert_eq!(one, reference("https://a.test", "https://b.test", u32::MAX));
    for other in [
        reference("https://b.test", "https://a.test", u32::MAX),
        reference("https://a.test", "https://b.test", 1),
        reference("https://a.test", "https://c.test", u32::MAX),
    ] {
        assert_ne!(one, other);
    }
}

#[test]
fn nothing_is_taken_that_is_not_owed() {
    let counters = |debits, credits| Counters { debits, credits };
    let with = Partner { payable: counters(1, 6), receivable: counters(4, 1), ..partner() };
    let after = lessened(&with, Side::Payable, amount(5)).unwrap();
    assert_eq!((after.payable, after.receivable), (counters(6, 6), counters(4, 1)));
    let after = lessened(&with, Side::Receivable, amount(3)).unwrap();
    assert_eq!((after.payable, after.receivable), (counters(1, 6), counters(4, 4)));
    assert_eq!(lessened(&with, Side::Payable, amount(6)), None);
    assert_eq!(lessened(&with, Side::Receivable, amount(4)), None);
}

fn items() -> impl Strategy<Value = Vec<u64>> {
    proptest::collection::vec(1_u64..40_000, 0..6)
}

/// What is unlike in two whole lists, by plain look-up.
fn plainly(here: &[CycleItem], there: &[CycleItem]) -> Vec<Unlike> {
    let said = |list: &[CycleItem], exchange| {
        list.iter().find(|item| item.exchange == exchange).map(|item| item.compensation)
    };
    let mut names: Vec<_> = here.iter().chain(there).map(|item| item.exchange).collect();
    names.sort();
    names.dedup();
    let found = names.into_iter().map(|exchange| Unlike {
        exchange,
        here: said(here, exchange),
        there: said(there, exchange),
    });
    found.filter(|unlike| unlike.here != unlike.there).collect()
}

proptest! {
    /// Whatever is exchanged: what is paid and what is still carried is what was owed, both sides reckon the same, and
    /// neither ever owes a whole smallest unit that is not asked for.
    #[test]
    fn over_any_cycles_nothing_is_lost(cycles in proptest::collection::vec((items(), items()), 1..12)) {
        let (mut a, mut b) = (partner(), partner());
        let (mut carried, mut paid, mut owed) = (0_i64, 0_i64, 0_i64);
        for (out, back) in cycles {
            for (with, payable, receivable) in [(&mut a, &out, &back), (&mut b, &back, &out)] {
                with.payable.credits += payable.iter().sum::<u64>();
                with.receivable.debits += receivable.iter().sum::<u64>();
            }
            owed += i64::try_from(out.iter().sum::<u64>()).unwrap();
            owed -= i64::try_from(back.iter().sum::<u64>()).unwrap();
            let ours = closed(&out, &back, carried);
            let theirs = closed(&back, &out, -carried);
            prop_assert_eq!(ours.net, -theirs.net);
            prop_assert_eq!(ours.carried_out, -theirs.carried_out);
            let (own, other) = (account(&ours, true), account(&theirs, true));
            prop_assert_eq!(compared(&own, &other), Compared::Same);
            for (with, statement) in [(&mut a, &ours), (&mut b, &theirs)] {
                let Settling { netting, payment, side } = statement.settling(unit("EUR")).unwrap();
                for (side, amount) in [(Side::Payable, netting), (Side::Receivable, netting), (side, payment)] {
                    *with = lessened(with, side, amount).unwrap();
                }
            }
            carried = ours.carried_out;
            paid += ours.net * micros_of(unit("EUR"));
            prop_assert!(carried.abs() < micros_of(unit("EUR")));
            prop_assert_eq!(paid + carried, owed);
            let micros = |amount: Amount| i64::try_from(amount.units()).unwrap();
            prop_assert_eq!(micros(a.owed_to_it()) - micros(a.owed_by_it()), carried);
            prop_assert_eq!((a.owed_to_it(), a.owed_by_it()), (b.owed_by_it(), b.owed_to_it()));
            prop_assert!(a.owed_to_it().is_zero() || a.owed_by_it().is_zero());
        }
    }

    /// In whatever pages they come.
    #[test]
    fn lists_are_compared_as_they_come(
        here in proptest::collection::btree_map(0_u64..30, 1_u64..3, 0..20),
        there in proptest::collection::btree_map(0_u64..30, 1_u64..3, 0..20),
        page in 1_usize..7,
    ) {
        let list = |of: &std::collections::BTreeMap<u64, u64>| {
            of.iter().map(|(exchange, micros)| item(*exchange, *micros)).collect::<Vec<_>>()
        };
        let (here, there) = (list(&here), list(&there));
        let (mut ours, mut theirs) = (VecDeque::new(), VecDeque::new());
        let (mut from_here, mut from_there) = (here.chunks(page), there.chunks(page));
        let (mut ended, mut found) = ((false, false), Vec::new());
        while ended != (true, true) || !ours.is_empty() || !theirs.is_empty() {
            if ours.is_empty() {
                match from_here.next() { Some(more) => ours.extend(more), None => ended.0 = true }
            }
            if theirs.is_empty() {
                match from_there.next() { Some(more) => theirs.extend(more), None => ended.1 = true }
            }
            found.extend(unlike(&mut ours, &mut theirs, ended));
        }
        prop_assert_eq!(found, plainly(&here, &there));
    }
}
