//! Opening, closing and reopening; and what to do with a database that is not ours, or not whole.

use scrip_domain::catalog::Product;
use scrip_storage::{Fault, Wants};

use crate::commands::{Move, amount, balance, house, id, look, open};
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

/// A bundle that an older program went on offering without something in it, as its list and label have it too.
const OFFERED_STILL: &str = "
    DROP INDEX bundle_items_of_offer;
    DELETE FROM migrations WHERE name = '0048_bundles_on_sale';
    INSERT INTO products (id, slug, kind, state, title, summary, description, labels, pictures, visibility,
        instructions, price_from, cheapest, release, version, created_at, updated_at) VALUES
        (1, 'gone', 'service', 'archived', '', '', '', '{}', '[]', '{}', '', NULL, NULL, NULL, 1, 0, 0),
        (2, 'here', 'service', 'published', '', '', '', '{}', '[]', '{}', '', 30, 30, NULL, 1, 0, 0),
        (3, 'both', 'bundle', 'published', '', '', '', '{}', '[]', '{}', '', 7, 7, NULL, 1, 0, 0),
        (4, 'half', 'bundle', 'published', '', '', '', '{}', '[]', '{}', '', 0, 8, NULL, 1, 0, 0);
    INSERT INTO offers (id, product, key, price, terms, limits, current, created_at) VALUES
        (11, 1, 'a', 20, '{\"kind\":\"perpetual\"}', '{}', 0, 0), (12, 2, 'a', 30, '{\"kind\":\"perpetual\"}', '{}', 1, 0),
        (13, 3, 'a', 7, '{\"kind\":\"perpetual\"}', '{}', 1, 0), (14, 4, 'a', 0, '{\"kind\":\"perpetual\"}', '{}', 1, 0),
        (15, 4, 'b', 8, '{\"kind\":\"perpetual\"}', '{}', 1, 0);
    INSERT INTO bundle_items (bundle, place, item) VALUES (13, 0, 12), (13, 1, 11), (14, 0, 11), (15, 0, 12);
    INSERT INTO listings (product, kind, title, price, cheapest, words, description_words) VALUES
        (2, 'service', '', 30, 30, '', ''), (3, 'bundle', '', 7, 7, '', ''), (4, 'bundle', '', 0, 8, '', '');
    INSERT INTO labelled (product, kind, label, title, price) VALUES (3, 'tag', 'set', '', 7), (4, 'tag', 'set', '', 0)";

pub async fn a_bundle_that_lacks_something_closes_with_the_update(home: &Home) {
    home.start().await.stop().await.unwrap();
    home.execute(OFFERED_STILL).await;
    let store = home.start().await;
    let product = async |number| store.product(id(number)).await.unwrap().unwrap();
    let prices = |product: &Product| (product.price_from, product.cheapest, product.version);
    assert_eq!(prices(&product(3).await), (None, None, 2));
    assert_eq!(
        prices(&product(4).await),
        (Some(amount(8)), Some(amount(8)), 2),
        "the other offer of it"
    );
    assert_eq!(prices(&product(2).await), (Some(amount(30)), Some(amount(30)), 1));
    assert_eq!(store.cheapest_offer().await.unwrap(), Some(amount(8)));
    let current = async |number| store.offer(id(number)).await.unwrap().unwrap().current;
    let all = [current(12).await, current(13).await, current(14).await, current(15).await];
    assert_eq!(all, [true, false, false, true]);
    let rows = [(3, None), (4, Some(amount(8)))];
    for (number, price) in rows {
        let wants = move |wants: &mut Wants| {
            wants.listings.read((id(number),));
            wants.labelled.read((id(number),));
        };
        let seen = look(wants, move |books| {
            let listing = books.listings.get(&(id(number),))?.map(|row| (row.price, row.cheapest));
            let labels = books.labelled.all(&(id(number),))?;
            Ok((listing, labels.iter().map(|label| label.price).collect::<Vec<_>>()))
        });
        let seen = store.submit(seen).await.unwrap().unwrap();
        assert_eq!(seen, (Some((price, price)), vec![price]));
    }
    store.stop().await.unwrap();
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
