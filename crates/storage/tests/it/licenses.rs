//! What is read of licenses.

use scrip_domain::license::License;
use scrip_domain::usage::{Activation, Lease, Usage};
use scrip_license::Digest;
use scrip_storage::Store;
use scrip_storage::books::Change;
use scrip_storage::index::Entry;
use scrip_storage::reads::Page;

use crate::commands::{account, id};
use crate::home::{Home, NOON};
use crate::reads::fill;
use crate::rows::license;

const PAGE: Page = Page { after: None, limit: 10 };

/// The licenses of account 7, so many at a time, until a page is not full.
async fn paged(store: &Store, limit: u32) -> Vec<u64> {
    let (mut all, mut page) = (Vec::new(), Page { after: None, limit });
    loop {
        let rows = store.licenses_of(account(7), page).await.unwrap();
        all.extend(rows.iter().map(|row| row.id.number()));
        page.after = rows.last().map(|row| row.id.number());
        if rows.len() < limit as usize {
            return all;
        }
    }
}

pub async fn a_library_goes_down_by_its_orders(home: &Home) {
    let store = home.start().await;
    // Of 300 orders every third has licenses: 1 to 4. What was selected earlier was paid later.
    let sold = || (0..300_u64).filter(|order| order % 3 == 0);
    let of = |order: u64| (0..=order % 4).map(move |unit| 10_000 - order * 10 + unit);
    fill(&store, move |changes| {
        for order in 0..300 {
            let entry = if order % 2 == 0 { Entry::order } else { Entry::purchase };
            changes.by_account.push(Change::Insert(entry(account(7), id(order))));
        }
        for order in sold() {
            for number in of(order) {
                changes.licenses.push(Change::Insert(license(number, order, 7)));
            }
        }
        changes.by_account.push(Change::Insert(Entry::order(account(8), id(300))));
        changes.licenses.push(Change::Insert(license(9_000, 300, 8)));
    })
    .await;
    let all: Vec<_> = sold().rev().flat_map(|order| of(order).rev()).collect();
    for limit in [1, 2, 7, 50, 100, 1000] {
        assert_eq!(paged(&store, limit).await, all, "{limit} at a time");
    }
    let look = async |who, page| store.licenses_of(account(who), page).await.unwrap().len();
    assert_eq!(look(7, Page { after: None, limit: 0 }).await, 0);
    assert_eq!(look(7, Page { after: None, limit: u32::MAX }).await, all.len());
    // Nobody else's license is a place in it, nor is one that is not there.
    for after in [9_000, 9_999_999, u64::MAX] {
        assert_eq!(look(7, Page { after: Some(after), limit: 5 }).await, 0);
    }
    store.stop().await.unwrap();
}

pub async fn what_hangs_from_a_license_is_found_by_it(home: &Home) {
    let store = home.start().await;
    fill(&store, |changes| {
        for (number, ended_at) in [(1, None), (2, Some(NOON)), (3, None)] {
            let machine = Digest([u8::try_from(number).unwrap(); 32]);
            let active = |license| Activation {
                license: id(license),
                machine,
                id: id(number),
                name: String::new(),
                activated_at: NOON,
                offline_until: NOON,
                ended_at,
            };
            let lease = |license| Lease {
                license: id(license),
                id: id(number),
                machine,
                units: 1,
                used: ended_at.map(|_| 1),
                at: NOON,
                expires_at: NOON,
                returned_at: ended_at,
            };
            for license in [7, 8] {
                changes.activations.push(Change::Insert(active(license)));
                changes.leases.push(Change::Insert(lease(license)));
            }
        }
        for order in [1, 2] {
            changes.by_account.push(Change::Insert(Entry::order(account(4), id(order))));
        }
        for (number, order) in [(7, 1), (8, 1), (9, 2)] {
            changes.licenses.push(Change::Insert(license(number, order, 4)));
        }
        changes.licenses.push(Change::Insert(license(10, 3, 5)));
        changes.usages.push(Change::Insert(Usage { used: 3, ..Usage::none(id(8)) }));
    })
    .await;
    let one = Page { after: Some(3), limit: 1 };
    let names = |rows: Vec<Activation>| rows.iter().map(|it| it.id.number()).collect::<Vec<_>>();
    assert_eq!(names(store.activations_of(id(7), PAGE).await.unwrap()), [3, 1]);
    assert_eq!(names(store.activations_of(id(7), one).await.unwrap()), [1]);
    let leases = store.leases_of(id(7), one).await.unwrap();
    assert_eq!(leases.iter().map(|lease| lease.id.number()).collect::<Vec<_>>(), [2]);
    let leased = |rows: Vec<Lease>| rows.iter().map(|it| it.id.number()).collect::<Vec<_>>();
    assert_eq!(leased(store.leases_out(id(7), PAGE).await.unwrap()), [3, 1]);
    assert_eq!(leased(store.leases_out(id(7), one).await.unwrap()), [1]);
    let called = store.activation_called(id(7), id(2)).await.unwrap().unwrap();
    assert_eq!((called.machine, called.ended_at), (Digest([2; 32]), Some(NOON)));
    let numbers = |rows: Vec<License>| rows.iter().map(|row| row.id.number()).collect::<Vec<_>>();
    let all = |who, order| store.licenses(who, order, PAGE);
    assert_eq!(numbers(all(None, None).await.unwrap()), [10, 9, 8, 7]);
    assert_eq!(numbers(all(Some(account(4)), None).await.unwrap()), [9, 8, 7]);
    assert_eq!(numbers(all(None, Some(id(1))).await.unwrap()), [8, 7]);
    assert_eq!(numbers(all(Some(account(4)), Some(id(2))).await.unwrap()), [9]);
    let page = Page { after: Some(9), limit: 1 };
    assert_eq!(numbers(store.licenses(None, None, page).await.unwrap()), [8]);
    let used = store.usages_of(&[id(7), id(8)]).await.unwrap();
    assert_eq!(used, [Usage { used: 3, ..Usage::none(id(8)) }]);
    store.stop().await.unwrap();
}
