//! What buyers ask back, and what is kept of an account, as they are found.

use scrip_domain::account::{Account, Obstacle};
use scrip_domain::api_key::ApiKey;
use scrip_domain::exchange::{Exchange, ExchangeState};
use scrip_domain::letter::{About, Letter, Recipient};
use scrip_domain::purchase_request::{PurchaseRequest, RequestState};
use scrip_domain::refund_request::{RefundRequest, RefundRequestState};
use scrip_domain::session::Session;
use scrip_domain::top_up::{TopUp, TopUpState};
use scrip_domain::{Span, Timestamp};
use scrip_storage::Changes;
use scrip_storage::books::Change;
use scrip_storage::index::Entry;
use scrip_storage::reads::Page;

use crate::commands::{account, id, write};
use crate::figures::{nobody, top_up};
use crate::home::{Home, NOON, Running};
use crate::rows::exchanges::exchange;
use crate::rows::merchants::request;

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
                revoked_at: (number == 3).then_some(NOON),
            }));
            let by = by.map(account);
            let to = Recipient::Address("a@example.com".into());
            let letter = Letter::new(id(number), by, to, About::Welcome {}, NOON);
            changes.letters.push(Change::Insert(letter));
        }
    })
    .await;
    let keys = |rows: Vec<ApiKey>| rows.iter().map(|row| row.id.number()).collect::<Vec<_>>();
    assert_eq!(keys(store.api_keys_of(account(4), PAGE).await.unwrap()), [3, 1]);
    let next = Page { after: Some(3), limit: 1 };
    assert_eq!(keys(store.api_keys_of(account(4), next).await.unwrap()), [1]);
    assert_eq!(keys(store.good_api_keys_of(account(4), 9).await.unwrap()), [1], "not revoked");
    assert!(store.good_api_keys_of(account(4), 0).await.unwrap().is_empty());
    let letters = store.letters_of(account(4), 1).await.unwrap();
    assert_eq!(letters.iter().map(|row| row.id.number()).collect::<Vec<_>>(), [1]);
    assert_eq!(store.letters_of(account(4), 9).await.unwrap().len(), 2);
}

pub async fn sessions_are_found_newest_first_whether_they_are_good_or_have_ended(home: &Home) {
    let store = home.start().await;
    fill(&store, |changes| {
        // The newer one's token is the smaller one.
        for (token, by, minutes) in [(9, 4, 1), (7, 4, 2), (5, 4, 3), (3, 4, 4), (1, 5, 4)] {
            changes.sessions.push(Change::Insert(Session {
                token: [token; 16],
                account: account(by),
                wallet: id(by),
                created_at: NOON,
                expires_at: NOON.plus(Span::minutes(minutes)),
            }));
        }
    })
    .await;
    let (who, at) = (account(4), NOON.plus(Span::minutes(2)));
    let tokens = |rows: Vec<Session>| rows.iter().map(|row| row.token[0]).collect::<Vec<_>>();
    assert_eq!(tokens(store.sessions_of(who, 9).await.unwrap()), [3, 5, 7, 9]);
    assert_eq!(tokens(store.sessions_of(who, 1).await.unwrap()), [3]);
    assert_eq!(tokens(store.open_sessions_of(who, at, 9).await.unwrap()), [3, 5]);
    assert_eq!(tokens(store.open_sessions_of(who, at, 1).await.unwrap()), [3]);
    assert_eq!(tokens(store.ended_sessions_of(who, at, 9).await.unwrap()), [9, 7]);
    assert_eq!(tokens(store.ended_sessions_of(who, at, 1).await.unwrap()), [9]);
}

pub async fn accounts_to_be_swept_are_found_when_they_are_due(home: &Home) {
    let store = home.start().await;
    let later = NOON.plus(Span::minutes(1));
    fill(&store, move |changes| {
        let swept = [(1, None), (2, Some(later)), (3, Some(NOON)), (4, Some(NOON))];
        for (number, sweep_at) in swept {
            let erased_at = sweep_at.map(|_| NOON);
            let row = nobody(number);
            changes.accounts.push(Change::Insert(Account { erased_at, sweep_at, ..row }));
        }
    })
    .await;
    let due = async |at, limit| {
        let rows = store.accounts_to_sweep(at, limit).await.unwrap();
        rows.iter().map(|row| row.id.number()).collect::<Vec<_>>()
    };
    assert!(due(NOON.minus(Span::millis(1)), 9).await.is_empty());
    assert_eq!(due(NOON, 9).await, [3, 4]);
    assert_eq!(due(later, 2).await, [3, 4]);
    assert_eq!(due(later, 9).await, [3, 4, 2]);
}

/// Top-ups, exchanges, payments to merchants and wishes for refunds of account 4, one of each in every state.
fn of_every_state(changes: &mut Changes, until: Timestamp) {
    let who = account(4);
    for (number, state) in (1_u64..).zip(TopUpState::ALL) {
        let Change::Insert(row) = top_up(number, None, None) else { continue };
        changes.top_ups.push(Change::Insert(TopUp { account: who, state: *state, ..row }));
    }
    for (number, state) in (1_u64..).zip(ExchangeState::ALL) {
        let row = Exchange { account: who, state: *state, ..exchange(number, 1) };
        changes.exchanges.push(Change::Insert(row));
    }
    for (number, state) in (1_u64..).zip(RequestState::ALL) {
        let (account, hold_until) = (Some(who), Some(until));
        let row = PurchaseRequest { account, state: *state, hold_until, ..request(number, 1) };
        changes.purchase_requests.push(Change::Insert(row));
    }
}

/// The account has this much of what was made above on its list.
async fn listed(store: &Running, top_up: TopUpState, exchange: ExchangeState) {
    let place = |at: Option<usize>| u64::try_from(at.unwrap()).unwrap() + 1;
    let top_up = place(TopUpState::ALL.iter().position(|state| *state == top_up));
    let exchange = place(ExchangeState::ALL.iter().position(|state| *state == exchange));
    fill(store, move |changes| {
        let rows =
            [Entry::top_up(account(4), id(top_up)), Entry::exchange(account(4), id(exchange))];
        changes.by_account.extend(rows.map(Change::Insert));
    })
    .await;
}

pub async fn what_is_under_way_of_an_account_is_told_once(home: &Home) {
    let store = home.start().await;
    let later = NOON.plus(Span::minutes(1));
    fill(&store, move |changes| of_every_state(changes, later)).await;
    let under_way = async |who, at| store.under_way(account(who), at).await.unwrap();
    assert_eq!(under_way(4, NOON).await, [Obstacle::Payments], "the rest is on nobody's list");
    for (top_up, exchange) in [
        (TopUpState::Credited, ExchangeState::Fulfilled),
        (TopUpState::Declined, ExchangeState::WrittenOff),
    ] {
        listed(&store, top_up, exchange).await;
    }
    assert_eq!(under_way(4, NOON).await, [Obstacle::Payments], "what is over is not under way");
    for (top_up, exchange) in [
        (TopUpState::InReview, ExchangeState::Reserved),
        (TopUpState::Unknown, ExchangeState::Committed),
        (TopUpState::Disputed, ExchangeState::Prepared),
    ] {
        listed(&store, top_up, exchange).await;
    }
    fill(&store, |changes| {
        let rows = [asked(1, 11, 21, 4), asked(1, 12, 22, 4), asked(2, 13, 23, 5)];
        changes.refund_requests.extend(rows.map(Change::Insert));
    })
    .await;
    let all = [
        Obstacle::TopUps,
        Obstacle::Disputes,
        Obstacle::Exchanges,
        Obstacle::Payments,
        Obstacle::RefundRequests,
    ];
    assert_eq!(under_way(4, NOON).await, all);
    assert_eq!(under_way(5, NOON).await, [Obstacle::RefundRequests]);
    assert!(under_way(6, NOON).await.is_empty());
    // A capture waits to the end; a hold whose time is over is none.
    fill(&store, move |changes| {
        let row = PurchaseRequest {
            account: Some(account(6)),
            state: RequestState::Authorized,
            hold_until: Some(later),
            ..request(50, 1)
        };
        changes.purchase_requests.push(Change::Insert(row));
    })
    .await;
    assert_eq!(under_way(6, NOON).await, [Obstacle::Payments]);
    assert!(under_way(6, later).await.is_empty(), "over in that moment");
    assert_eq!(under_way(4, later).await, all, "that of the capture");
}
