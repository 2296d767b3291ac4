//! What a batch promises its commands. Commands that are joined before the writer first runs are in
//! one batch.

use std::sync::{Arc, Mutex};

use futures_util::future::join_all;
use scrip_domain::account::Login;
use scrip_domain::event::{Event, EventType, Subject};
use scrip_domain::factor::Factor;
use scrip_domain::ledger::{Counters, House};
use scrip_domain::request::{Request, RequestId};
use scrip_domain::session::Session;
use scrip_domain::wallet::Wallet;
use scrip_domain::{Span, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::index::{Entry, Receipt};
use scrip_storage::{Books, Changes, Command, Decision, Fault, Observer};

use crate::commands::{Move, Refusal, act, balance, change, house, id, look, open, wallet, write};
use crate::home::{Home, NOON, Nobody, Noon, Running};
use crate::rows::product;

fn deposit(number: u64, tokens: i64, key: u64) -> Move {
    Move { wallet: number, tokens, key }
}

pub async fn commands_of_a_batch_see_each_other(home: &Home) {
    let store = home.start().await;
    let (opened, paid, too_poor, spent, again) = tokio::join!(
        store.submit(open(100)),
        store.submit(deposit(100, 50, 1)),
        store.submit(deposit(100, -51, 2)),
        store.submit(deposit(100, -50, 3)),
        store.submit(deposit(100, -50, 3)),
    );
    opened.unwrap().unwrap();
    paid.unwrap().unwrap();
    assert_eq!(too_poor.unwrap(), Err(Refusal::TooPoor));
    assert_eq!(spent.unwrap().unwrap(), again.unwrap().unwrap());
    assert_eq!(balance(&store, 100).await, Some(0));
    assert_eq!(store.submit(deposit(100, -51, 2)).await.unwrap(), Err(Refusal::TooPoor));
    assert_eq!(store.submit(deposit(100, -9, 2)).await.unwrap(), Err(Refusal::KeyReused));
    store.stop().await.unwrap();
}

pub async fn an_insert_and_its_update_are_written_once(home: &Home) {
    let store = home.start().await;
    let come_and_go = change(
        |_| {},
        |changes| {
            changes.wallets.push(Change::Insert(wallet(100, 0)));
            changes.wallets.push(Change::Update(wallet(100, 5)));
            changes.wallets.push(Change::Insert(wallet(101, 0)));
            changes.wallets.push(Change::Delete(wallet(101, 0)));
        },
    );
    let rich = change(
        |wants| wants.wallets.guard((id(100),)),
        |changes| changes.wallets.push(Change::Update(wallet(100, 7))),
    );
    let (first, second) = tokio::join!(store.submit(come_and_go), store.submit(rich));
    first.unwrap().unwrap();
    second.unwrap().unwrap();
    assert_eq!(balance(&store, 100).await, Some(7));
    assert_eq!(balance(&store, 101).await, None);
    let replaced = change(
        |wants| wants.wallets.guard((id(100),)),
        |changes| {
            changes.wallets.push(Change::Delete(wallet(100, 7)));
            changes.wallets.push(Change::Insert(wallet(100, 9)));
        },
    );
    store.submit(replaced).await.unwrap().unwrap();
    assert_eq!(balance(&store, 100).await, Some(9));
    store.stop().await.unwrap();
}

pub async fn absent_is_told_from_not_asked_for(home: &Home) {
    let store = home.start().await;
    let asked = look(
        |wants| wants.wallets.read((id(100),)),
        |books| Ok(books.wallets.get(&(id(100),))?.is_none()),
    );
    assert_eq!(store.submit(asked).await.unwrap(), Ok(true));
    let not_asked = look(|_| {}, |books| Ok(books.wallets.get(&(id(100),))?.is_none()));
    assert!(
        matches!(store.submit(not_asked).await, Err(Fault::Bug(why)) if why.contains("wallets"))
    );
    let cheapest = store.submit(look(|_| {}, Books::cheapest)).await;
    assert!(matches!(cheapest, Err(Fault::Bug(_))));
    let receipt = store.submit(look(|_| {}, Books::last_receipt)).await;
    assert!(matches!(receipt, Err(Fault::Bug(_))));
    store.stop().await.unwrap();
}

/// A row that nobody loaded would be overwritten blindly, and with it what another wrote.
pub async fn what_was_not_asked_for_cannot_be_changed(home: &Home) {
    let store = home.start().await;
    store.submit(open(100)).await.unwrap().unwrap();
    let blind = write(|changes| changes.wallets.push(Change::Update(wallet(100, 5))));
    assert!(matches!(store.submit(blind).await, Err(Fault::Bug(_))));
    let blind = write(|changes| changes.wallets.push(Change::Delete(wallet(100, 0))));
    assert!(matches!(store.submit(blind).await, Err(Fault::Bug(_))));
    let absent = change(
        |wants| wants.wallets.guard((id(101),)),
        |changes| changes.wallets.push(Change::Update(wallet(101, 5))),
    );
    assert!(matches!(store.submit(absent).await, Err(Fault::Bug(_))));
    assert_eq!(balance(&store, 100).await, Some(0));
    store.stop().await.unwrap();
}

pub fn event(number: u64) -> Change<Event> {
    let kind = EventType::OrderDeclined;
    Change::Insert(Event::new(id(number), kind, id(1), Subject(1), NOON))
}

fn refusing(
    fill: impl Fn(&mut Changes) + Send + 'static,
) -> impl Command<Receipt = (), Refusal = &'static str> {
    act(
        |_| {},
        move |_| {
            let mut changes = Changes::default();
            fill(&mut changes);
            Ok(Decision::refused_on_record("no", changes))
        },
    )
}

pub async fn a_refusal_goes_on_record(home: &Home) {
    let store = home.start().await;
    let refused = store.submit(refusing(|changes| changes.events.push(event(1)))).await;
    assert_eq!(refused.unwrap(), Err("no"));
    let recorded = look(
        |wants| wants.events.read((id(1),)),
        |books| Ok(books.events.get(&(id(1),))?.is_some()),
    );
    assert_eq!(store.submit(recorded).await.unwrap(), Ok(true));
    store.stop().await.unwrap();
}

pub async fn a_refusal_that_moves_value_is_a_fault(home: &Home) {
    let store = home.start().await;
    let moving = refusing(|changes| {
        changes.events.push(event(1));
        changes.wallets.push(Change::Insert(wallet(100, 1)));
    });
    let to_house = refusing(|changes| {
        changes.events.push(event(2));
        changes.house.push((House::Revenue, Counters { debits: 0, credits: 1 }));
    });
    let (moved, to_house) = tokio::join!(store.submit(moving), store.submit(to_house));
    assert!(matches!(moved, Err(Fault::Bug(_))));
    assert!(matches!(to_house, Err(Fault::Bug(_))));
    assert_eq!(balance(&store, 100).await, None);
    assert!(store.house().await.unwrap().is_empty());
    let events = look(
        |wants| (1..3).for_each(|n| wants.events.read((id(n),))),
        |books| {
            Ok((books.events.get(&(id(1),))?.is_none(), books.events.get(&(id(2),))?.is_none()))
        },
    );
    assert_eq!(store.submit(events).await.unwrap(), Ok((true, true)));
    store.stop().await.unwrap();
}

pub async fn a_panic_is_the_fault_of_its_command(home: &Home) {
    let store = home.start().await;
    let defect =
        act(|_| {}, |_| -> Result<Decision<(), _>, Fault> { panic!("a defect in a decision") });
    let worse = look(|_| panic!("a defect in the wishes"), |_| Ok(()));
    let (before, panicked, worse, after) = tokio::join!(
        store.submit(open(100)),
        store.submit(defect),
        store.submit(worse),
        store.submit(deposit(100, 5, 1)),
    );
    before.unwrap().unwrap();
    assert!(matches!(panicked, Err(Fault::Bug(_))));
    assert!(matches!(worse, Err(Fault::Bug(_))));
    after.unwrap().unwrap();
    assert_eq!(balance(&store, 100).await, Some(5));
    store.stop().await.unwrap();
}

pub async fn too_many_rows_are_a_fault(home: &Home) {
    let store = home.start().await;
    let wallets = |first: u64, count: u64| {
        write(move |changes| {
            changes.wallets.extend((first..first + count).map(|n| Change::Insert(wallet(n, 0))));
        })
    };
    let (most, too_many) =
        tokio::join!(store.submit(wallets(1000, 800)), store.submit(wallets(2000, 801)));
    most.unwrap().unwrap();
    assert!(matches!(too_many, Err(Fault::Bug(_))));
    assert_eq!(balance(&store, 1799).await, Some(0));
    assert_eq!(balance(&store, 2000).await, None);
    store.stop().await.unwrap();
}

fn login(email: &str, account: u64) -> impl Command<Receipt = (), Refusal = &'static str> + use<> {
    let login = Login {
        email: email.to_owned(),
        account: id(account),
        password: String::new(),
        signed_in_at: None,
        new_email: None,
        factor: Factor::default(),
        passkeys: Vec::new(),
    };
    write(move |changes| changes.logins.push(Change::Insert(login.clone())))
}

fn named(number: u64, slug: &str) -> impl Command<Receipt = (), Refusal = &'static str> + use<> {
    let product = product(number, slug);
    write(move |changes| changes.products.push(Change::Insert(product.clone())))
}

pub async fn a_taken_key_fails_the_second_only(home: &Home) {
    let store = home.start().await;
    // Once within a batch, and once against what is there; by the key, and by another unique column.
    for round in 0..2 {
        let (first, second, by_slug, same_slug, other) = tokio::join!(
            store.submit(login("ada@example.com", 1)),
            store.submit(login("ada@example.com", 2)),
            store.submit(named(10, "recorder")),
            store.submit(named(11, "recorder")),
            store.submit(open(100 + round)),
        );
        assert_eq!(first.is_ok(), round == 0);
        assert!(matches!(second, Err(Fault::Conflict)), "{second:?}");
        assert_eq!(by_slug.is_ok(), round == 0);
        assert!(matches!(same_slug, Err(Fault::Conflict)), "{same_slug:?}");
        other.unwrap().unwrap();
    }
    assert_eq!(store.login("ada@example.com").await.unwrap().unwrap().account, id(1));
    assert_eq!(store.product_by_slug("recorder").await.unwrap().unwrap().id, id(10));
    store.stop().await.unwrap();
}

/// Registers an address, or finds who has it.
fn register(account: u64) -> impl Command<Receipt = u64, Refusal = &'static str> {
    let email = || "ada@example.com".to_owned();
    act(
        move |wants| wants.logins.read((email(),)),
        move |books| {
            if let Some(login) = books.logins.get(&(email(),))? {
                return Ok(Decision::done(login.account.number(), Changes::default()));
            }
            let login = Login {
                email: email(),
                account: id(account),
                password: String::new(),
                signed_in_at: None,
                new_email: None,
                factor: Factor::default(),
                passkeys: Vec::new(),
            };
            let logins = vec![Change::Insert(login)];
            Ok(Decision::done(account, Changes { logins, ..Changes::default() }))
        },
    )
}

pub async fn the_second_finds_what_the_first_wrote(home: &Home) {
    let store = home.start().await;
    let found = join_all((1..=50).map(|account| store.submit(register(account)))).await;
    let found: Vec<u64> = found.into_iter().map(|found| found.unwrap().unwrap()).collect();
    assert!(found.iter().all(|account| *account == found[0]), "{found:?}");
    store.stop().await.unwrap();
}

pub async fn a_freed_value_can_be_used_in_the_same_batch(home: &Home) {
    let store = home.start().await;
    store.submit(named(50, "recorder")).await.unwrap().unwrap();
    let moved = change(
        |wants| wants.products.guard((id(50),)),
        |changes| changes.products.push(Change::Update(product(50, "recorder-1"))),
    );
    // Its key sorts before the one that gives the slug away.
    let (moved, taken) = tokio::join!(store.submit(moved), store.submit(named(10, "recorder")));
    moved.unwrap().unwrap();
    taken.unwrap().unwrap();
    assert_eq!(store.product_by_slug("recorder").await.unwrap().unwrap().id, id(10));
    store.stop().await.unwrap();
}

fn overdraw(number: u64) -> impl Command<Receipt = (), Refusal = &'static str> {
    change(
        move |wants| wants.wallets.guard((id(number),)),
        move |changes| {
            let free = Counters { debits: 1, credits: 0 };
            changes.wallets.push(Change::Update(Wallet { free, ..wallet(number, 0) }));
        },
    )
}

pub async fn the_schema_holds_the_floor(home: &Home) {
    let store = home.start().await;
    store.submit(open(100)).await.unwrap().unwrap();
    let (before, defect, after) = tokio::join!(
        store.submit(open(101)),
        store.submit(overdraw(100)),
        store.submit(deposit(101, 5, 1)),
    );
    before.unwrap().unwrap();
    assert!(matches!(defect, Err(Fault::Bug(_))), "{defect:?}");
    after.unwrap().unwrap();
    assert_eq!(balance(&store, 100).await, Some(0));
    assert_eq!(balance(&store, 101).await, Some(5));
    store.stop().await.unwrap();
}

pub async fn one_among_many_is_found(home: &Home) {
    let store = home.start().await;
    store.submit(open(100)).await.unwrap().unwrap();
    let many = join_all((200..400).map(|number| store.submit(open(number))));
    let more = join_all((400..600).map(|number| store.submit(open(number))));
    let (many, defect, more) = tokio::join!(many, store.submit(overdraw(100)), more);
    assert!(many.into_iter().chain(more).all(|opened| opened.is_ok()));
    assert!(matches!(defect, Err(Fault::Bug(_))), "{defect:?}");
    assert_eq!(balance(&store, 399).await, Some(0));
    store.stop().await.unwrap();
}

pub async fn house_accounts_add_up(home: &Home) {
    let store = home.start().await;
    for number in 100..110 {
        store.submit(open(number)).await.unwrap().unwrap();
    }
    let (earned, issued) = (4, 11);
    let deposits = join_all((0..100).map(|n| store.submit(deposit(100 + n % 10, issued, n))));
    assert!(deposits.await.into_iter().all(|done| done.unwrap().is_ok()));
    let spent = join_all((100..200).map(|n| store.submit(deposit(100 + n % 10, -earned, n))));
    assert!(spent.await.into_iter().all(|done| done.unwrap().is_ok()));
    let sums = store.house().await.unwrap();
    let issued = (House::Issued, Counters { debits: 1100, credits: 0 });
    assert_eq!(sums, vec![issued, (House::Revenue, Counters { debits: 0, credits: 400 })]);
    assert_eq!(house(&store).await, -700);
    store.stop().await.unwrap();
}

pub async fn a_full_house_account_is_a_fault_of_one(home: &Home) {
    let store = home.start().await;
    let add = |credits: u64, number: u64| {
        write(move |changes| {
            changes.wallets.push(Change::Insert(wallet(number, 0)));
            changes.house.push((House::Granted, Counters { debits: 1, credits: 0 }));
            changes.house.push((House::Revenue, Counters { debits: 0, credits }));
        })
    };
    let full = u64::MAX >> 1;
    let (fills, over) = tokio::join!(store.submit(add(full, 100)), store.submit(add(1, 101)));
    fills.unwrap().unwrap();
    assert!(matches!(over, Err(Fault::Bug(_))), "{over:?}");
    // Now the database itself counts over the edge.
    let (over, fine) = tokio::join!(store.submit(add(1, 102)), store.submit(open(103)));
    assert!(matches!(over, Err(Fault::Bug(_))), "{over:?}");
    fine.unwrap().unwrap();
    let granted = (House::Granted, Counters { debits: 1, credits: 0 });
    let revenue = (House::Revenue, Counters { debits: 0, credits: full });
    assert_eq!(store.house().await.unwrap(), vec![granted, revenue]);
    assert_eq!((balance(&store, 101).await, balance(&store, 102).await), (None, None));
    store.stop().await.unwrap();
}

pub async fn a_full_queue_answers_at_once(home: &Home) {
    let (store, writer) = home.open().await.unwrap();
    // Nobody carries anything out yet.
    let mut waiting = Vec::new();
    for number in 0..4096 {
        let mut submit = Box::pin(store.submit(open(1000 + number)));
        assert!(futures_util::poll!(&mut submit).is_pending());
        waiting.push(submit);
    }
    assert_eq!(store.waiting(), 4096);
    assert!(matches!(store.submit(open(100)).await, Err(Fault::Busy)));
    let writer = tokio::spawn(writer.run(Arc::new(Noon), Arc::new(Nobody)));
    assert!(join_all(waiting).await.into_iter().all(|opened| opened.is_ok()));
    store.submit(open(100)).await.unwrap().unwrap();
    drop(store);
    writer.await.unwrap().unwrap();
}

pub async fn what_an_absent_caller_ordered_is_done(home: &Home) {
    let store = home.start().await;
    let mut submit = Box::pin(store.submit(open(100)));
    assert!(futures_util::poll!(&mut submit).is_pending());
    drop(submit);
    store.submit(open(101)).await.unwrap().unwrap();
    assert_eq!(balance(&store, 100).await, Some(0));
    store.stop().await.unwrap();
}

/// The next receipt, for an order.
pub fn receipt(order: u64) -> impl Command<Receipt = u64, Refusal = &'static str> {
    act(
        |wants| wants.last_receipt = true,
        move |books| {
            let number = books.last_receipt()? + 1;
            let receipts =
                vec![Change::Insert(Receipt { order: id(order), number, issued_at: NOON })];
            Ok(Decision::done(number, Changes { receipts, ..Changes::default() }))
        },
    )
}

pub async fn receipts_are_numbered_without_gaps(home: &Home) {
    let store = home.start().await;
    let numbers = join_all((0..1500).map(|order| store.submit(receipt(order)))).await;
    let mut numbers: Vec<u64> =
        numbers.into_iter().map(|number| number.unwrap().unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=1500).collect::<Vec<u64>>());
    store.stop().await.unwrap();
}

#[derive(Default)]
struct Diary(Mutex<Vec<u64>>);

impl Observer for Diary {
    fn committed(&self, books: &Books) {
        let wallets = books.wallets.written().map(|change| change.row().id.number());
        self.0.lock().unwrap().extend(wallets);
    }
}

pub async fn observers_see_what_was_written(home: &Home) {
    let diary = Arc::new(Diary::default());
    let store = Running::watched(home.open().await.unwrap(), diary.clone());
    store.submit(open(100)).await.unwrap().unwrap();
    assert_eq!(*diary.0.lock().unwrap(), vec![100]);
    store.submit(look(|wants| wants.wallets.read((id(100),)), |_| Ok(()))).await.unwrap().unwrap();
    let request = Request::new("k", b"w", RequestId::default());
    let entry = Entry::request(id(100), request, Subject(1));
    store
        .submit(write(move |c| c.by_account.push(Change::Insert(entry.clone()))))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(*diary.0.lock().unwrap(), vec![100]);
    store.stop().await.unwrap();
}

/// Whether each commit has changed what is remembered.
#[derive(Default)]
struct Recall(Mutex<Vec<bool>>);

impl Observer for Recall {
    fn committed(&self, books: &Books) {
        self.0.lock().unwrap().push(books.changes_remembered());
    }
}

pub async fn a_session_that_has_ended_is_nothing_that_is_remembered(home: &Home) {
    let recall = Arc::new(Recall::default());
    let store = Running::watched(home.open().await.unwrap(), recall.clone());
    let session = |number: u8, expires_at| Session {
        token: [number; 16],
        account: id(100),
        wallet: id(100),
        created_at: Timestamp::default(),
        expires_at,
    };
    let (over, lasts) = (session(1, NOON), session(2, NOON.plus(Span::millis(1))));
    let both = [over.clone(), lasts.clone()];
    let open = move |changes: &mut Changes| {
        changes.sessions.extend(both.iter().cloned().map(Change::Insert));
    };
    store.submit(write(open)).await.unwrap().unwrap();
    for session in [over, lasts] {
        let token = session.token;
        let delete = move |changes: &mut Changes| {
            changes.sessions.push(Change::Delete(session.clone()));
        };
        let end = change(move |wants| wants.sessions.read((token,)), delete);
        store.submit(end).await.unwrap().unwrap();
    }
    assert_eq!(*recall.0.lock().unwrap(), [false, false, true]);
    store.stop().await.unwrap();
}
