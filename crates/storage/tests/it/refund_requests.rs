//! What buyers ask back, and what is kept of an account, as they are found.

use scrip_domain::api_key::ApiKey;
use scrip_domain::letter::{About, Letter};
use scrip_domain::refund_request::{RefundRequest, RefundRequestState};
use scrip_storage::Changes;
use scrip_storage::books::Change;
use scrip_storage::reads::Page;

use crate::commands::{account, id, write};
use crate::home::{Home, NOON, Running};

const PAGE: Page = Page { after: None, limit: 10 };

async fn fill(store: &Running, changes: impl Fn(&mut Changes) + Send + 'static) {
    store.submit(write(changes)).await.unwrap().unwrap();
}

fn asked(order: u64, number: u64, line: u64, by: u64) -> RefundRequest {
    RefundRequest {
        order: id(order),
        id: id(number),
        line: id(line),
        account: account(by),
        state: RefundRequestState::Open,
        covered: true,
        reason: String::new(),
        word: None,
        refund: None,
        at: NOON,
        decided_at: None,
    }
}

pub async fn what_buyers_ask_back_is_found_by_order_state_and_account(home: &Home) {
    let store = home.start().await;
    fill(&store, |changes| {
        let rows = [
            asked(1, 11, 21, 4).declined("no".into(), NOON),
            asked(1, 12, 21, 4),
            asked(2, 13, 22, 5).accepted(id(31), NOON),
            asked(2, 14, 23, 5),
        ];
        changes.refund_requests.extend(rows.map(Change::Insert));
    })
    .await;
    let numbers =
        |rows: Vec<RefundRequest>| rows.iter().map(|row| row.id.number()).collect::<Vec<_>>();
    assert_eq!(numbers(store.refund_requests_of(id(1)).await.unwrap()), [11, 12]);
    let open = RefundRequestState::Open;
    assert_eq!(numbers(store.refund_requests(open, PAGE).await.unwrap()), [14, 12]);
    let next = Page { after: Some(14), limit: 1 };
    assert_eq!(numbers(store.refund_requests(open, next).await.unwrap()), [12]);
    assert_eq!(numbers(store.refund_requests_by(account(5), PAGE).await.unwrap()), [14, 13]);
    assert_eq!(store.refund_request(id(13)).await.unwrap().unwrap().refund, Some(id(31)));
    assert_eq!(store.open_refund_requests(1).await.unwrap(), 1, "counted so far");
    assert_eq!(store.open_refund_requests(9).await.unwrap(), 2);
    // Whoever asks twice for one line at once is told by the key that only one can be open.
    let twice = store.submit(write(|changes| {
        changes.refund_requests.push(Change::Insert(asked(1, 15, 21, 4)));
    }));
    assert!(matches!(twice.await, Err(scrip_storage::Fault::Conflict)));
}

pub async fn what_is_kept_of_an_account_is_found_by_it(home: &Home) {
    let store = home.start().await;
    fill(&store, |changes| {
        for (number, by) in [(1, Some(4)), (2, None), (3, Some(4)), (4, Some(5))] {
            changes.api_keys.push(Change::Insert(ApiKey {
                id: id(number),
                account: by.map(account),
                secret: vec![1],
                scopes: Vec::new(),
                label: String::new(),
                created_at: NOON,
                revoked_at: None,
            }));
            let by = by.map(account);
            let letter = Letter::new(id(number), by, "a@example.com", About::Welcome {}, NOON);
            changes.letters.push(Change::Insert(letter));
        }
    })
    .await;
    let keys = |rows: Vec<ApiKey>| rows.iter().map(|row| row.id.number()).collect::<Vec<_>>();
    assert_eq!(keys(store.api_keys_of(account(4), PAGE).await.unwrap()), [3, 1]);
    let next = Page { after: Some(3), limit: 1 };
    assert_eq!(keys(store.api_keys_of(account(4), next).await.unwrap()), [1]);
    let letters = store.letters_of(account(4), 1).await.unwrap();
    assert_eq!(letters.iter().map(|row| row.id.number()).collect::<Vec<_>>(), [1]);
    assert_eq!(store.letters_of(account(4), 9).await.unwrap().len(), 2);
}
