//! What is in a cycle, and what keeps a partner suspended.

use scrip_domain::Span;
use scrip_domain::agreement::Figures;
use scrip_domain::exchange::{Exchange, ExchangeState, Incoming, IncomingState};
use scrip_domain::partner::{EntryKind, PartnerEntry, Side};
use scrip_domain::statement::{Settlement, Statement, StatementState};
use scrip_storage::Changes;
use scrip_storage::books::Change;

use crate::commands::{account, amount, id, write};
use crate::home::{Home, NOON, Running};
use crate::rows::exchanges::{exchange as exchange_row, prepared};
use crate::rows::settlements::{settlement as settlement_row, statement as statement_row};

async fn fill(store: &Running, fill: impl Fn(&mut Changes) + Send + 'static) {
    store.submit(write(fill)).await.unwrap().unwrap();
}

fn figures(compensation: u64) -> Figures {
    let one = amount(1);
    Figures {
        give: one,
        receive: one,
        compensation: amount(compensation),
        numerator: 1,
        denominator: 1,
    }
}

/// An exchange of ours with partner 5, in this cycle and state.
fn exchange(number: u64, cycle: u32, state: ExchangeState) -> Exchange {
    let is_unanswered = state == ExchangeState::Committed;
    Exchange {
        id: id(number),
        account: account(7),
        partner: id(5),
        agreement: id(1),
        quote: id(number),
        figures: figures(number),
        state,
        hold: id(number),
        reason: None,
        prepared: None,
        commit: Some(String::new()),
        answer: (!is_unanswered).then(String::new),
        transfer: Some(id(number)),
        cycle: Some(cycle),
        at: NOON,
        committed_at: Some(NOON),
        answered_at: None,
        written_off_at: None,
        told: None,
        due_at: None,
        attempts: 0,
    }
}

fn incoming(number: u64, cycle: u32, state: IncomingState) -> Incoming {
    Incoming {
        partner: id(5),
        exchange: id(number),
        quote: number.to_string(),
        offer: None,
        account: Some(account(7)),
        agreement: Some(id(1)),
        figures: Some(figures(number)),
        state,
        prepared: None,
        commit: None,
        answer: None,
        transfer: (state == IncomingState::Fulfilled).then(|| id(number)),
        lot: None,
        cycle: Some(cycle),
        at: NOON,
        until: NOON,
        answered_at: None,
    }
}

/// Exchanges both ways in some cycles, and statements of five.
fn written(changes: &mut Changes) {
    for (number, cycle, state) in [
        (9, 1, ExchangeState::Fulfilled),
        (3, 1, ExchangeState::Fulfilled),
        (4, 1, ExchangeState::Reversed),
        (6, 1, ExchangeState::WrittenOff),
        (8, 1, ExchangeState::WrittenOff),
        (5, 2, ExchangeState::Fulfilled),
        (7, 3, ExchangeState::Committed),
    ] {
        changes.exchanges.push(Change::Insert(exchange(number, cycle, state)));
    }
    let other = Exchange { partner: id(6), ..exchange(10, 1, ExchangeState::Committed) };
    changes.exchanges.push(Change::Insert(other));
    let entry = PartnerEntry {
        partner: id(5),
        id: id(1),
        side: Side::Payable,
        kind: EntryKind::Reversal,
        amount: amount(8),
        subject: 8,
        cycle: 1,
        at: NOON,
    };
    changes.partner_entries.push(Change::Insert(entry));
    for (number, cycle, state) in [
        (2, 1, IncomingState::Fulfilled),
        (1, 1, IncomingState::Fulfilled),
        (3, 1, IncomingState::Late),
        (4, 2, IncomingState::Fulfilled),
    ] {
        changes.incoming_exchanges.push(Change::Insert(incoming(number, cycle, state)));
    }
    for (number, cycle, state, net) in [
        (1, 1, StatementState::Disputed, 1),
        (2, 2, StatementState::Agreed, -1),
        (3, 3, StatementState::Sent, -1),
        (4, 4, StatementState::Sent, 1),
        (5, 5, StatementState::Settled, -1),
    ] {
        let pay_until = Some(NOON.plus(Span::days(cycle)));
        let row = Statement { state, net, pay_until, ..statement_row(number, 5, cycle) };
        changes.statements.push(Change::Insert(row));
    }
}

pub async fn a_cycle_holds_what_is_owed_for_it_in_order(home: &Home) {
    let store = home.start().await;
    fill(&store, written).await;
    let items = async |cycle, ours, after: Option<u64>, limit| {
        let items = store.cycle_items((id(5), cycle), ours, after.map(id), limit).await.unwrap();
        items
            .iter()
            .map(|item| (item.exchange.number(), item.compensation.units()))
            .collect::<Vec<_>>()
    };
    assert_eq!(items(1, true, None, 9).await, [(3, 3), (6, 6), (9, 9)]);
    assert_eq!(items(1, true, Some(3), 1).await, [(6, 6)]);
    assert_eq!(items(1, true, Some(9), 1).await, []);
    assert_eq!(items(2, true, None, 9).await, [(5, 5)]);
    assert_eq!(items(1, false, None, 9).await, [(1, 1), (2, 2)]);
    assert_eq!(items(1, false, Some(1), 9).await, [(2, 2)]);
    let unanswered = async |cycle| store.is_unanswered(id(5), cycle).await.unwrap();
    assert_eq!(
        (unanswered(2).await, unanswered(3).await, unanswered(9).await),
        (false, true, true)
    );
    let suspend = async |at| store.statements_that_suspend(id(5), at).await.unwrap();
    assert_eq!(suspend(NOON).await, (1, 0));
    assert_eq!(suspend(NOON.plus(Span::days(2))).await, (1, 1));
    assert_eq!(suspend(NOON.plus(Span::days(9))).await, (1, 2));
    assert_eq!(store.statement_of(id(5), 3).await.unwrap().unwrap().id, id(3));
    store.stop().await.unwrap();
}

pub async fn what_a_restored_partner_is_shown_comes_in_order_and_of_late(home: &Home) {
    let store = home.start().await;
    let late = NOON.plus(Span::days(1));
    fill(&store, move |changes| {
        for number in [9, 3, 4] {
            changes.exchanges.push(Change::Insert(exchange(number, 1, ExchangeState::Fulfilled)));
            let row = Incoming {
                commit: Some(String::new()),
                ..incoming(number, 1, IncomingState::Late)
            };
            changes.incoming_exchanges.push(Change::Insert(row));
        }
        let begun = exchange_row(5, 5);
        let other = Exchange { partner: id(6), ..exchange(6, 1, ExchangeState::Fulfilled) };
        changes.exchanges.extend([begun, other].map(Change::Insert));
        changes.incoming_exchanges.push(Change::Insert(prepared(5, 5)));
        for (cycle, state, agreed) in [
            (1, StatementState::Settled, Some(NOON)),
            (2, StatementState::Settled, Some(NOON)),
            (3, StatementState::Sent, Some(NOON)),
            (4, StatementState::Agreed, Some(late)),
            (5, StatementState::Closing, None),
        ] {
            let row =
                Statement { state, agreed_at: agreed, ..statement_row(u64::from(cycle), 5, cycle) };
            changes.statements.push(Change::Insert(row));
        }
        let paid = |number, at| Settlement { ended_at: Some(at), ..settlement_row(number, number) };
        changes.settlements.extend([paid(1, NOON), paid(2, late)].map(Change::Insert));
    })
    .await;
    let ours = async |after, limit| {
        let rows = store.exchanges_committed(id(5), id(after), limit).await.unwrap();
        rows.iter().map(|row| row.id.number()).collect::<Vec<_>>()
    };
    assert_eq!((ours(0, 9).await, ours(3, 1).await), (vec![3, 4, 9], vec![4]));
    let theirs = async |after, limit| {
        let rows = store.incoming_committed(id(5), id(after), limit).await.unwrap();
        rows.iter().map(|row| row.exchange.number()).collect::<Vec<_>>()
    };
    assert_eq!((theirs(0, 9).await, theirs(4, 9).await), (vec![3, 4, 9], vec![9]));
    let cycles = async |after, since, limit| {
        let rows = store.statements_since(id(5), after, since, limit).await.unwrap();
        rows.iter().map(|row| row.cycle).collect::<Vec<_>>()
    };
    assert_eq!(cycles(0, late, 9).await, [2, 3, 4, 5]);
    assert_eq!(cycles(2, late, 2).await, [3, 4]);
    assert_eq!(cycles(0, NOON, 1).await, [1]);
    assert_eq!(cycles(0, late.plus(Span::millis(1)), 9).await, [3, 5]);
    store.stop().await.unwrap();
}
