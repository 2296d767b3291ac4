//! The books from one database into another, whole.

use scrip_storage::Fault;
use scrip_storage::copy::{Blank, Snapshot, Sum, difference, duplicate};

use crate::commands::{Move, balance, open};
use crate::doctor::{sick, sound};
use crate::home::{Home, client, in_file, on_postgres};
use crate::rows::every_row_comes_back_as_it_was_written;

async fn copied(from: &Snapshot, mut into: Blank) -> Vec<Sum> {
    let sums = from.copy(&mut into, &mut |_, _| ()).await.unwrap();
    into.finish().await.unwrap();
    sums
}

async fn sums(home: &Home) -> Vec<Sum> {
    home.snapshot().await.unwrap().sums(&mut |_, _| ()).await.unwrap()
}

/// Those rows are as awkward as their types allow, and some of each table are left.
pub async fn every_row_comes_over_and_back_as_it_was(home: &Home) {
    every_row_comes_back_as_it_was_written(home).await;
    home.execute("INSERT INTO house VALUES ('issued', 9223372036854775807, 0)").await;
    let first = sums(home).await;
    let empty = first.iter().filter(|sum| sum.rows == 0).map(|sum| sum.table.as_str());
    assert_eq!(
        empty.collect::<Vec<_>>(),
        Vec::<&str>::new(),
        "no test of rows has left rows there"
    );
    in_file(async |file: &Home| {
        let from = home.snapshot().await.unwrap();
        assert_eq!(copied(&from, file.blank().await.unwrap()).await, first);
        assert_eq!(sums(file).await, first);
        home.another(async |back: &Home| {
            let from = file.snapshot().await.unwrap();
            assert_eq!(copied(&from, back.blank().await.unwrap()).await, first);
            assert_eq!(sums(back).await, first);
        })
        .await;
    })
    .await;
}

/// More rows than a page has, and nothing but rows to know them by.
pub async fn sound_books_stay_sound(home: &Home) {
    let store = home.start().await;
    home.execute(&sound(home)).await;
    for number in 0..700 {
        home.execute(&format!(
            "INSERT INTO started_tickets VALUES ({}, {number}, {number}, 5)",
            number % 3
        ))
        .await;
    }
    store.stop().await.unwrap();
    in_file(async |file: &Home| {
        copied(&home.snapshot().await.unwrap(), file.blank().await.unwrap()).await;
        let store = file.start().await;
        assert_eq!(sick(&store).await, Vec::<String>::new());
        store.stop().await.unwrap();
        home.another(async |back: &Home| {
            copied(&file.snapshot().await.unwrap(), back.blank().await.unwrap()).await;
            assert_eq!(difference(&sums(home).await, &sums(back).await), None);
            let store = back.start().await;
            assert_eq!(sick(&store).await, Vec::<String>::new());
            store.submit(open(9_000_000)).await.unwrap().unwrap();
            store.stop().await.unwrap();
            let changed = difference(&sums(home).await, &sums(back).await).unwrap();
            assert!(changed.starts_with("wallets: "), "{changed}");
        })
        .await;
    })
    .await;
}

fn why<T: std::fmt::Debug>(outcome: Result<T, Fault>) -> String {
    match outcome.unwrap_err() {
        Fault::Unfit(why) => why,
        other => panic!("{other}"),
    }
}

pub async fn only_an_empty_database_is_copied_into(home: &Home) {
    let store = home.start().await;
    store.submit(open(100)).await.unwrap().unwrap();
    store.stop().await.unwrap();
    let refusal = why(home.blank().await);
    assert!(refusal.contains("not empty") || refusal.contains("there already"), "{refusal}");
    let store = home.start().await;
    assert_eq!(balance(&store, 100).await, Some(0));
    store.stop().await.unwrap();
}

pub async fn an_unfinished_copy_leaves_nothing(home: &Home) {
    in_file(async |file: &Home| {
        let store = file.start().await;
        store.submit(open(100)).await.unwrap().unwrap();
        store.stop().await.unwrap();
        let mut into = home.blank().await.unwrap();
        file.snapshot().await.unwrap().copy(&mut into, &mut |_, _| ()).await.unwrap();
        drop(into);
    })
    .await;
    let store = home.start().await;
    assert_eq!(balance(&store, 100).await, None);
    store.stop().await.unwrap();
}

pub async fn a_snapshot_of_an_older_database_is_refused(home: &Home) {
    home.start().await.stop().await.unwrap();
    home.execute("DELETE FROM migrations WHERE name = '0013_webhooks'").await;
    assert!(why(home.snapshot().await).contains("older than this program"));
    home.execute("INSERT INTO migrations (name, digest) VALUES ('9999_future', '00')").await;
    assert!(why(home.snapshot().await).contains("newer than this program"));
}

/// What is written while it is read is not in it.
async fn is_one_state(home: &Home) {
    let store = home.start().await;
    store.submit(open(100)).await.unwrap().unwrap();
    let snapshot = home.snapshot().await.unwrap();
    store.submit(Move { wallet: 100, tokens: 9, key: 1 }).await.unwrap().unwrap();
    store.submit(open(101)).await.unwrap().unwrap();
    let sums = snapshot.sums(&mut |_, _| ()).await.unwrap();
    let rows = |table: &str| sums.iter().find(|sum| sum.table == table).unwrap().rows;
    assert_eq!((rows("wallets"), rows("transfers")), (1, 0));
    drop(snapshot);
    store.stop().await.unwrap();
}

#[tokio::test]
async fn a_snapshot_is_one_state_of_a_file() {
    in_file(is_one_state).await;
}

#[tokio::test]
async fn a_snapshot_is_one_state_of_postgres() {
    on_postgres("one_state", is_one_state).await;
}

#[tokio::test]
async fn a_duplicate_of_a_file_in_use_holds_what_was_committed() {
    in_file(async |home: &Home| {
        let store = home.start().await;
        store.submit(open(100)).await.unwrap().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let copy = folder.path().join("copy.db");
        duplicate(&home.path(), &copy).unwrap();
        store.submit(open(101)).await.unwrap().unwrap();
        let snapshot = Snapshot::sqlite(&copy).unwrap();
        let sums = snapshot.sums(&mut |_, _| ()).await.unwrap();
        assert_eq!(sums.iter().find(|sum| sum.table == "wallets").unwrap().rows, 1);
        assert!(duplicate(&home.path(), &copy).is_err(), "nothing is written over");
        store.stop().await.unwrap();
    })
    .await;
}

/// Not even brought up to date: its server may be an older one.
#[tokio::test]
async fn another_vendors_database_is_left_as_it_is() {
    on_postgres("others", async |home: &Home| {
        home.start().await.stop().await.unwrap();
        home.execute("INSERT INTO vendor (id, settings, former_names) VALUES (1, '{}', '[]')")
            .await;
        home.execute("DELETE FROM migrations WHERE name = '0014_epoch'").await;
        assert!(why(home.blank().await).contains("holds a shop already"));
        let left = client(home.url()).await;
        let left = left.query("SELECT 1 FROM migrations WHERE name = '0014_epoch'", &[]).await;
        assert!(left.unwrap().is_empty());
    })
    .await;
}
