//! What only SQLite has: one owner per file, a log to check in, and a writer that dies of a commit
//! whose outcome is unknown.

use std::sync::Arc;

use futures_util::future::join_all;
use scrip_storage::{Blocking, CommitFate, Fault, Memory, Store};

use crate::batches::event;
use crate::commands::{Move, balance, house, open, write};
use crate::home::{Home, Nobody, Noon, Running, in_file, in_memory};

#[tokio::test]
async fn a_file_has_one_owner() {
    in_file(async |home: &Home| {
        let first = home.start().await;
        let fault = home.open().await.unwrap_err();
        assert!(fault.to_string().contains("another process is using"), "{fault}");
        first.submit(open(100)).await.unwrap().unwrap();
        first.stop().await.unwrap();
        let second = home.start().await;
        assert_eq!(balance(&second, 100).await, Some(0));
        second.stop().await.unwrap();
        // A store that was never run lets go as well.
        drop(home.open().await.unwrap());
        home.start().await.stop().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_file_gives_events_their_places_in_the_batch() {
    in_file(async |home: &Home| {
        let store = home.start().await;
        let told =
            |numbers: [u64; 2]| write(move |changes| changes.events.extend(numbers.map(event)));
        let both = join_all([store.submit(told([5, 4])), store.submit(told([6, 7]))]).await;
        assert!(both.into_iter().all(|answer| answer.unwrap().is_ok()));
        // What fails takes no place.
        store.submit(told([9, 8])).await.unwrap().unwrap();
        store.submit(told([9, 3])).await.unwrap_err();
        store.submit(told([1, 2])).await.unwrap().unwrap();
        let events = store.events_between(0, 99, 99).await.unwrap();
        let places: Vec<_> = events.iter().map(|e| (e.seq.unwrap(), e.id.number())).collect();
        assert_eq!(places, [(1, 4), (2, 5), (3, 6), (4, 7), (5, 8), (6, 9), (7, 1), (8, 2)]);
        assert_eq!(store.unpublished(9).await.unwrap(), []);
        store.stop().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("nowhere/scrip.db");
    let fault = Store::sqlite(&missing, Blocking::Inline).unwrap_err();
    assert!(fault.to_string().contains("nowhere"), "{fault}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn checkpoints_run_beside_the_writer() {
    in_file(async |home: &Home| {
        let (store, writer) = home.open().await.unwrap();
        let mut checkpointer = writer.checkpointer().unwrap().unwrap();
        let store = Running::start((store, writer));
        let wal = home.path().with_extension("db-wal");
        for round in 0..20 {
            let opened = join_all((0..50).map(|n| store.submit(open(100 + round * 50 + n)))).await;
            assert!(opened.into_iter().all(|opened| opened.is_ok()));
            checkpointer.run();
        }
        // What was checked in is used again: the log holds a few rounds at most, not twenty.
        let size = std::fs::metadata(wal).unwrap().len();
        assert!(size < 2 << 20, "{size}");
        assert_eq!(balance(&store, 1099).await, Some(0));
        store.stop().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn checkpoints_come_at_once_for_much_and_within_a_second_for_little() {
    in_file(async |home: &Home| {
        let (store, writer) = home.open().await.unwrap();
        let mut checkpointer = writer.checkpointer().unwrap().unwrap();
        let store = Running::start((store, writer));
        let mut beats = |most: u32| (1..=most).find(|_| checkpointer.beat());
        assert_eq!(beats(1000), Some(100), "what the schema has written");
        assert_eq!(beats(1000), None, "nothing was written");
        store.submit(open(100)).await.unwrap().unwrap();
        assert_eq!(beats(1000), Some(1), "it has rested for long enough");
        store.submit(open(101)).await.unwrap().unwrap();
        assert_eq!(beats(1000), Some(100), "a row can wait");
        for round in 0..40 {
            let many = join_all((0..100).map(|n| store.submit(open(200 + round * 100 + n)))).await;
            assert!(many.into_iter().all(|opened| opened.is_ok()));
        }
        assert_eq!(beats(1000), Some(1), "a lot cannot");
        store.stop().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn reads_can_have_threads_of_their_own() {
    in_file(async |home: &Home| {
        let store = Running::start(Store::sqlite(&home.path(), Blocking::Threads).unwrap());
        store.submit(open(100)).await.unwrap().unwrap();
        let balances = join_all((0..40).map(|_| balance(&store, 100))).await;
        assert!(balances.into_iter().all(|balance| balance == Some(0)));
        store.stop().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn memory_has_no_log() {
    let memory = Memory::new("memory_has_no_log").unwrap();
    let (_store, writer) = Store::memory(&memory).unwrap();
    assert!(writer.checkpointer().unwrap().is_none());
    assert!(writer.blocks());
}

const DEPOSIT: Move = Move { wallet: 100, tokens: 5, key: 1 };

/// The second commit meets `fate`; then the process starts again and the caller asks again.
async fn dies_at_the_second_commit(home: &Home, fate: CommitFate, already_there: u64) {
    let (store, writer) = home.open().await.unwrap();
    let mut commits = 0;
    let fates = Box::new(move || {
        commits += 1;
        if commits == 2 { fate } else { CommitFate::Answered }
    });
    let writer = tokio::spawn(writer.run_with_fates(Arc::new(Noon), Arc::new(Nobody), fates));
    store.submit(open(100)).await.unwrap().unwrap();
    assert!(matches!(store.submit(DEPOSIT).await, Err(Fault::Unknown(_))));
    assert!(matches!(writer.await.unwrap(), Err(Fault::Unknown(_))));
    assert!(store.submit(DEPOSIT).await.is_err());
    drop(store);
    let store = home.start().await;
    assert_eq!(balance(&store, 100).await, Some(already_there));
    let again = store.submit(DEPOSIT).await.unwrap().unwrap();
    assert_eq!(store.submit(DEPOSIT).await.unwrap().unwrap(), again);
    assert_eq!((balance(&store, 100).await, house(&store).await), (Some(5), -5));
    store.stop().await.unwrap();
}

#[tokio::test]
async fn a_lost_commit_is_made_good_by_asking_again() {
    let test = async |home: &Home| dies_at_the_second_commit(home, CommitFate::Lost, 0).await;
    in_memory("a_lost_commit", test).await;
    in_file(test).await;
}

#[tokio::test]
async fn an_untold_commit_is_found_by_asking_again() {
    let test = async |home: &Home| dies_at_the_second_commit(home, CommitFate::Untold, 5).await;
    in_memory("an_untold_commit", test).await;
    in_file(test).await;
}
