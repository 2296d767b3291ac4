//! What is counted of a day, and which days are kept.

use scrip_domain::account::{Account, Person};
use scrip_domain::catalog::File;
use scrip_domain::event::Subject;
use scrip_domain::ledger::{House, LedgerAccount, Reason, Transfer};
use scrip_domain::order::{Order, OrderState};
use scrip_domain::refund::{LicensePolicy, Refund};
use scrip_domain::report::{Counted, DayFigures};
use scrip_domain::request::{Request, RequestId};
use scrip_domain::top_up::{Due, Remittance, TopUp, TopUpMethod, TopUpState};
use scrip_domain::{Amount, Id, Money, Span, Timestamp, Unit};
use scrip_storage::Changes;
use scrip_storage::books::Change;
use scrip_storage::index::{Download, ServerLease};
use scrip_storage::reads::Page;

use crate::commands::{amount, id, write};
use crate::home::{Home, NOON};
use crate::rows::{line, order};

const SECOND: Span = Span::seconds(1);

/// Four times: the last before a day, its first, its last, and the first after it.
fn around() -> [Timestamp; 4] {
    let day = NOON.midnight();
    let end = day.plus(Span::days(1));
    let last = end.minus(Span::millis(1));
    [day.minus(Span::millis(1)), day, last, end]
}

/// What was booked at `at` was named a moment before.
fn named<T>(at: Timestamp, number: u64) -> Id<T> {
    id(Id::<T>::floor(at.minus(SECOND)).number() + number)
}

fn money(units: u64, unit: &str) -> Money {
    Money { amount: amount(units), unit: Unit::parse(unit).unwrap() }
}

fn wallet(number: u64) -> LedgerAccount {
    LedgerAccount::Free(id(number))
}

fn moved(
    (number, at): (u64, Timestamp),
    (debit, credit): (LedgerAccount, LedgerAccount),
    (reason, units): (Reason, u64),
    subject: u64,
) -> Change<Transfer> {
    Change::Insert(Transfer {
        id: named(at, number),
        debit,
        credit,
        amount: amount(units),
        reason,
        subject: Subject(subject),
        at,
    })
}

pub fn top_up(number: u64, pay: Option<Money>, due: Option<Due>) -> Change<TopUp> {
    Change::Insert(TopUp {
        id: id(number),
        account: id(1),
        state: TopUpState::Credited,
        reason: None,
        method: TopUpMethod::Card,
        payment_method: None,
        tokens: amount(1),
        pay,
        assessments: Vec::new(),
        payment: None,
        due,
        lots: Vec::new(),
        reversed: None,
        appeal: None,
        note: None,
        created_at: NOON,
        credited_at: Some(NOON),
        request: None,
    })
}

/// The same at each of the four times, so that only what is of the day may be counted.
fn fill(changes: &mut Changes) {
    let house = LedgerAccount::House;
    let (issued, revenue) = (house(House::Issued), house(House::Revenue));
    let due = Due {
        reference: "R".into(),
        instructions: String::new(),
        received: amount(9),
        brought: amount(9),
    };
    changes.top_ups.push(top_up(1, Some(money(7, "EUR")), None));
    changes.top_ups.push(top_up(2, Some(money(5, "USD")), None));
    changes.top_ups.push(top_up(3, Some(money(900, "EUR")), Some(due)));
    changes.top_ups.push(top_up(4, None, None));
    changes.files.push(Change::Insert(File {
        id: id(8),
        release: id(1),
        name: String::new(),
        size: 77,
        sha256: String::new(),
        platform: String::new(),
        media_type: String::new(),
        sha512: String::new(),
    }));
    for (number, at) in (1_u64..).zip(around()) {
        let moved =
            |place, sides, what, subject| moved((number * 100 + place, at), sides, what, subject);
        changes.transfers.extend([
            moved(1, (issued, wallet(200)), (Reason::TopUp, 70), 1),
            moved(2, (issued, wallet(200)), (Reason::TopUp, 50), 2),
            moved(3, (issued, wallet(200)), (Reason::TopUp, 9), 3),
            moved(4, (house(House::Granted), wallet(200)), (Reason::TopUp, 20), 4),
            moved(5, (wallet(200), revenue), (Reason::Purchase, 30), 5),
            moved(6, (wallet(200), house(House::Breakage)), (Reason::Expiry, 4), 6),
            moved(7, (wallet(200), house(House::Reclaimed)), (Reason::Clawback, 3), 1),
            moved(
                8,
                (LedgerAccount::Owed(id(200)), house(House::Reclaimed)),
                (Reason::Clawback, 2),
                1,
            ),
            moved(9, (wallet(200), LedgerAccount::Held(id(200))), (Reason::Hold, 11), 7),
            moved(
                10,
                (LedgerAccount::Held(id(200)), LedgerAccount::Merchant(id(9))),
                (Reason::Capture, 1),
                7,
            ),
        ]);
        others(changes, number, at);
    }
}

/// What is booked beside the transfers.
fn others(changes: &mut Changes, number: u64, at: Timestamp) {
    changes.remittances.push(Change::Insert(Remittance {
        top_up: id(3),
        id: id(number),
        money: money(9, "EUR"),
        tokens: Amount::ZERO,
        transfer: None,
        note: String::new(),
        request: Request { key: number, fingerprint: 1, id: RequestId::NONE },
        at,
    }));
    // Chosen long before: only when it was paid counts.
    let paid = Order { total: amount(30), paid_at: Some(at), ..order(1000 + number, 1) };
    changes.orders.push(Change::Insert(paid));
    changes
        .order_lines
        .extend([1, 2].map(|place| Change::Insert(line(number * 10 + place, 1000 + number))));
    changes.refunds.push(Change::Insert(Refund {
        order: id(1000 + number),
        id: named(at, number),
        transfer: None,
        amount: amount(6),
        licenses: LicensePolicy::Keep,
        reason: String::new(),
        at,
    }));
    changes.downloads.push(Change::Insert(Download { license: id(1), file: id(8), at }));
    let account = Account { id: named(at, number), created_at: at, ..nobody(number) };
    changes.accounts.push(Change::Insert(account));
}

/// An account of which nothing is known.
pub fn nobody(number: u64) -> Account {
    Account {
        id: id(number),
        wallet: id(300 + number),
        email: String::new(),
        person: Person::default(),
        created_at: NOON,
        frozen_at: None,
        verified_at: None,
        frozen_by_dispute: false,
        terms_version: None,
        erased_at: None,
        sweep_at: None,
    }
}

pub async fn a_day_counts_what_was_booked_in_it_and_nothing_else(home: &Home) {
    let store = home.start().await;
    store.submit(write(fill)).await.unwrap().unwrap();
    let counted = store.count_day(NOON.midnight()).await.unwrap();
    assert_eq!(
        counted,
        Counted {
            orders: 2,
            lines: 4,
            spent: amount(60),
            sold: amount(2 * 129),
            paid: vec![money(2 * 16, "EUR"), money(2 * 5, "USD")],
            refunded: amount(12),
            expired: amount(8),
            clawed_back: amount(10),
            downloads: 2,
            bytes: 2 * 77,
            accounts: 2,
            grown: 2 * (129 + 20 - 30 - 4 - 3 - 1),
        }
    );
    let quiet = store.count_day(NOON.midnight().plus(Span::days(7))).await.unwrap();
    assert_eq!(quiet, Counted::default());
    assert_eq!(store.first_counted().await.unwrap(), Some(around()[0]));
    store.stop().await.unwrap();
}

/// A clock was two days ahead until ten: what is booked after that has names of the day after the next.
pub async fn a_day_of_a_clock_that_was_set_back_is_counted_whole(home: &Home) {
    let store = home.start().await;
    let day = NOON.midnight();
    let hour = move |hours: u32| day.plus(Span::hours(hours));
    let top_up = move |at: Timestamp, named_at: Timestamp, units: u64| {
        let issued = LedgerAccount::House(House::Issued);
        let number = Id::<Transfer>::floor(named_at).number() + units;
        Change::Insert(Transfer {
            id: id(number),
            debit: issued,
            credit: wallet(200),
            amount: amount(units),
            reason: Reason::TopUp,
            subject: Subject(1),
            at,
        })
    };
    let booked = move |changes: &mut Changes| {
        changes.transfers.extend([
            top_up(hour(58), hour(58), 1),
            top_up(hour(10), hour(58), 20),
            top_up(hour(11), hour(58), 300),
            top_up(hour(23), hour(59), 4000),
        ]);
    };
    store.submit(write(booked)).await.unwrap().unwrap();
    let sold = async |days: u32| {
        let counted = store.count_day(day.plus(Span::days(days))).await.unwrap();
        counted.sold.units()
    };
    assert_eq!((sold(0).await, sold(2).await), (0, 1), "nobody knows how far ids run ahead");
    let near = ServerLease {
        number: 1,
        ceiling: hour(59),
        ahead_from: Some(hour(30)),
        ahead_until: Some(hour(60)),
    };
    let behind = ServerLease {
        number: 2,
        ahead_from: Some(hour(9)),
        ahead_until: Some(hour(24)),
        ..near.clone()
    };
    let far = ServerLease { number: 3, ahead_from: Some(hour(9)), ..near.clone() };
    let lease = async |lease: ServerLease| {
        let row = move |changes: &mut Changes| changes.servers.push(Change::Insert(lease.clone()));
        store.submit(write(row)).await.unwrap().unwrap();
    };
    lease(near).await;
    lease(behind).await;
    assert_eq!(sold(0).await, 0, "they ran ahead later, or not so far");
    lease(far).await;
    assert_eq!((sold(0).await, sold(1).await, sold(2).await), (4320, 0, 1));
    assert_eq!(store.first_counted().await.unwrap(), Some(hour(9)));
    store.stop().await.unwrap();
}

/// Of one state, whether an index has it or not.
pub async fn orders_and_top_ups_are_found_by_state(home: &Home) {
    let store = home.start().await;
    let rows = |changes: &mut Changes| {
        let states =
            [OrderState::Paid, OrderState::Refunded, OrderState::Paid, OrderState::Refunded];
        for (number, state) in (1_u64..).zip(states) {
            changes.orders.push(Change::Insert(Order { state, ..order(number, 1) }));
            let state = match state {
                OrderState::Paid => TopUpState::Credited,
                _ => TopUpState::Disputed,
            };
            let Change::Insert(row) = top_up(number, None, None) else { continue };
            changes.top_ups.push(Change::Insert(TopUp { state, ..row }));
        }
    };
    store.submit(write(rows)).await.unwrap().unwrap();
    let page = |after| Page { after, limit: 5 };
    let orders = async |state, after| {
        let found = store.orders(state, page(after)).await.unwrap();
        found.iter().map(|row| row.id.number()).collect::<Vec<_>>()
    };
    assert_eq!(orders(None, None).await, [4, 3, 2, 1]);
    assert_eq!(orders(Some(OrderState::Paid), None).await, [3, 1]);
    assert_eq!(orders(Some(OrderState::Refunded), None).await, [4, 2]);
    assert_eq!(orders(Some(OrderState::Refunded), Some(4)).await, [2]);
    assert_eq!(orders(Some(OrderState::Draft), None).await, [0_u64; 0]);
    let top_ups = async |state, after| {
        let found = store.top_ups_in(state, page(after)).await.unwrap();
        found.iter().map(|row| row.id.number()).collect::<Vec<_>>()
    };
    assert_eq!(top_ups(TopUpState::Credited, Some(3)).await, [1]);
    assert_eq!(top_ups(TopUpState::Disputed, None).await, [4, 2]);
    store.stop().await.unwrap();
}

pub async fn days_are_kept_in_order(home: &Home) {
    let store = home.start().await;
    let day = |days| NOON.midnight().plus(Span::days(days));
    let kept = move |days: u32| {
        let counted =
            Counted { orders: days.into(), paid: vec![money(1, "EUR")], ..Counted::default() };
        DayFigures::of(day(days), counted, 0).unwrap()
    };
    let rows = move |changes: &mut Changes| {
        changes.day_figures.extend([2, 0, 1].map(|days| Change::Insert(kept(days))));
    };
    store.submit(write(rows)).await.unwrap().unwrap();
    let found = store.day_figures(day(0), day(1)).await.unwrap();
    assert_eq!(found, [kept(0), kept(1)]);
    assert_eq!(store.last_day_figures().await.unwrap(), Some(kept(2)));
    assert_eq!(store.last_day_before(day(2)).await.unwrap(), Some(kept(1)));
    assert_eq!(store.last_day_before(day(0)).await.unwrap(), None);
    assert_eq!(store.days_kept_from(day(1), 9).await.unwrap(), [kept(2), kept(1)]);
    assert_eq!(store.days_kept_from(day(0), 1).await.unwrap(), [kept(2)]);
    assert!(store.days_kept_from(day(3), 9).await.unwrap().is_empty());
    store.stop().await.unwrap();
}
