//! Opening, closing and reopening; and what to do with a database that is not ours, or not whole.

use scrip_storage::Fault;

use crate::commands::{Move, balance, house, id, look, open};
use crate::home::Home;
use crate::rows::product;
use scrip_storage::books::Change;

pub async fn everything_is_there_after_a_restart(home: &Home) {
    let store = home.start().await;
    store.submit(open(100)).await.unwrap().unwrap();
    let deposit = Move { wallet: 100, tokens: 9, key: 1 };
    let receipt = store.submit(deposit).await.unwrap().unwrap();
    store.stop().await.unwrap();
    for _ in 0..2 {
        let store = home.start().await;
        assert_eq!(balance(&store, 100).await, Some(9));
        assert_eq!(house(&store).await, -9);
        assert_eq!(store.submit(deposit).await.unwrap().unwrap(), receipt);
        store.stop().await.unwrap();
    }
}

async fn refused(home: &Home, text: &str) {
    let fault = home.open().await.unwrap_err();
    assert!(matches!(&fault, Fault::Unfit(why) if why.contains(text)), "{fault}");
}

pub async fn a_newer_database_is_refused(home: &Home) {
    home.start().await.stop().await.unwrap();
    home.execute("INSERT INTO migrations (name, digest) VALUES ('9999_future', '00')").await;
    refused(home, "newer than this program: it has migration 9999_future").await;
    home.execute("DELETE FROM migrations WHERE name = '9999_future'").await;
    home.start().await.stop().await.unwrap();
}

pub async fn a_foreign_migration_is_refused(home: &Home) {
    home.start().await.stop().await.unwrap();
    home.execute("UPDATE migrations SET digest = '00'").await;
    refused(home, "in another form").await;
}

pub async fn an_unknown_word_is_named(home: &Home) {
    let store = home.start().await;
    let draft = product(100, "recorder");
    let insert = move |changes: &mut scrip_storage::Changes| {
        changes.products.push(Change::Insert(draft.clone()));
    };
    store.submit(crate::commands::write(insert)).await.unwrap().unwrap();
    home.execute("UPDATE products SET state = 'lost' WHERE id = 100").await;
    let named = |fault: Fault| match fault {
        Fault::Corrupt { table, column, row } => (table, column, row),
        other => panic!("{other}"),
    };
    let expected = ("products", "state".to_owned(), "100".to_owned());
    assert_eq!(named(store.product(id(100)).await.unwrap_err()), expected);
    let wanted = look(|wants| wants.products.read((id(100),)), |_| Ok(()));
    assert_eq!(named(store.submit(wanted).await.unwrap_err()), expected);
    home.execute("UPDATE products SET state = 'draft', labels = '{' WHERE id = 100").await;
    assert_eq!(named(store.product(id(100)).await.unwrap_err()).1, "labels");
    home.execute("UPDATE products SET labels = '{}', price_from = -1 WHERE id = 100").await;
    assert_eq!(named(store.product(id(100)).await.unwrap_err()).1, "price_from");
    store.stop().await.unwrap();
}

pub async fn an_unreadable_row_fails_only_who_wants_it(home: &Home) {
    let store = home.start().await;
    store.submit(open(100)).await.unwrap().unwrap();
    home.execute("UPDATE wallets SET account = -1 WHERE id = 100").await;
    let deposit = |wallet| Move { wallet, tokens: 1, key: 1 };
    let (unreadable, opened, fine) = tokio::join!(
        store.submit(deposit(100)),
        store.submit(open(102)),
        store.submit(deposit(102)),
    );
    assert!(matches!(unreadable, Err(Fault::Corrupt { table: "wallets", .. })), "{unreadable:?}");
    opened.unwrap().unwrap();
    fine.unwrap().unwrap();
    assert_eq!(balance(&store, 102).await, Some(1));
    store.stop().await.unwrap();
}

pub async fn a_stopped_writer_is_told(home: &Home) {
    let (store, writer) = home.open().await.unwrap();
    let mut waiting = Box::pin(store.submit(open(100)));
    assert!(futures_util::poll!(&mut waiting).is_pending());
    drop(writer);
    // It was in the queue: whether it was carried out, its caller cannot know.
    assert!(matches!(waiting.await, Err(Fault::Unknown(_))));
    assert!(matches!(store.submit(open(100)).await, Err(Fault::Unavailable(_))));
    assert_eq!(balance(&store, 100).await, None);
}
