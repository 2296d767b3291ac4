//! What only shows with a hand on the writer's own connection: a full disk, a lock that somebody
//! else holds, a log that grows.

use std::sync::Arc;

use futures_util::future::join_all;
use scrip_domain::api_key::ApiKey;
use scrip_domain::{Clock, Id, Timestamp};
use tokio::sync::{Mutex, mpsc};

use super::*;
use crate::batch::{self, Command, Deciding, Decision, Observer, Waiting};
use crate::books::{Change, Changes};
use crate::store::{Blocking, Store};

mod costs;

struct Zero;

impl Clock for Zero {
    fn now(&self) -> Timestamp {
        Timestamp::default()
    }
}

impl Observer for Zero {
    fn committed(&self, _: &Books) {}
}

/// Writes a row of so many bytes.
struct Put {
    number: u64,
    bytes: usize,
}

impl Command for Put {
    type Receipt = ();
    type Refusal = ();

    fn wants(&self, _: &mut Wants) {}

    fn decide(&self, _: &Books, _: Timestamp) -> Result<Decision<(), ()>, Fault> {
        let key = ApiKey {
            id: Id::new(self.number).unwrap(),
            account: None,
            secret: vec![7; self.bytes],
            scopes: vec![],
            label: String::new(),
            created_at: Timestamp::default(),
            revoked_at: None,
        };
        let api_keys = vec![Change::Insert(key)];
        Ok(Decision::done((), Changes { api_keys, ..Changes::default() }))
    }
}

/// Carries these out in one batch, and gives the writer back.
async fn carry_out(
    writer: SqliteWriter,
    commands: Vec<Put>,
) -> (SqliteWriter, Vec<Result<(), Fault>>) {
    let mut writer = writer;
    let (sender, receiver) = mpsc::channel(commands.len());
    let mut answers = Vec::new();
    for command in commands {
        let (waiting, back) = Waiting::new(Box::new(Deciding::new(command)));
        assert!(sender.try_send(waiting).is_ok());
        answers.push(back);
    }
    drop(sender);
    let queue = Arc::new(Mutex::new(receiver));
    // The books of all tables are large, and here they would lie in every test.
    Box::pin(batch::run(&mut writer, queue, Arc::new(Zero), Arc::new(Zero))).await.unwrap();
    let answers = join_all(answers).await.into_iter();
    let decided = |done| Deciding::<Put>::answer(done).unwrap().unwrap();
    (writer, answers.map(|answer| answer.unwrap().map(decided)).collect())
}

fn put(number: u64, bytes: usize) -> Vec<Put> {
    vec![Put { number, bytes }]
}

fn home() -> (tempfile::TempDir, Place, SqliteWriter) {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::File(folder.path().join("scrip.db"));
    let writer = SqliteWriter::open(place.clone()).unwrap();
    (folder, place, writer)
}

fn keys(place: &Place) -> i64 {
    let connection = place.connect().unwrap();
    connection.query_row("SELECT COUNT(*) FROM api_keys", [], |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn a_full_disk_stops_writing_until_there_is_room() {
    let (_folder, place, writer) = home();
    let pages: i64 =
        writer.connection.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
    let allow = |writer: &SqliteWriter, pages: i64| {
        writer
            .connection
            .query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))
            .unwrap();
    };
    allow(&writer, pages + 10);
    let (writer, answers) = carry_out(writer, put(1, 100)).await;
    assert!(answers[0].is_ok());
    let (writer, answers) = carry_out(writer, put(2, 1 << 20)).await;
    assert!(matches!(answers[0], Err(Fault::Full)), "{answers:?}");
    assert_eq!(keys(&place), 1);
    allow(&writer, i64::from(u32::MAX) - 1);
    let (_, answers) = carry_out(writer, put(2, 1 << 20)).await;
    assert!(answers[0].is_ok(), "{answers:?}");
    assert_eq!(keys(&place), 2);
}

#[tokio::test]
async fn writing_stops_before_the_disk_is_full() {
    let (_folder, place, mut writer) = home();
    writer.disk_reserve = u64::MAX;
    let (mut writer, answers) = carry_out(writer, put(1, 1)).await;
    assert!(matches!(answers[0], Err(Fault::Full)), "{answers:?}");
    assert_eq!(keys(&place), 0);
    writer.disk_reserve = 0;
    let (_, answers) = carry_out(writer, put(1, 1)).await;
    assert!(answers[0].is_ok());
}

#[tokio::test]
async fn a_lock_of_another_program_loses_nothing() {
    let (_folder, place, writer) = home();
    writer.connection.busy_timeout(Duration::ZERO).unwrap();
    let other = place.connect().unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let (writer, answers) = carry_out(writer, put(1, 1)).await;
    assert!(matches!(answers[0], Err(Fault::Unavailable(_))), "{answers:?}");
    other.execute_batch("ROLLBACK").unwrap();
    let (_, answers) = carry_out(writer, put(1, 1)).await;
    assert!(answers[0].is_ok());
    assert_eq!(keys(&place), 1);
}

#[tokio::test]
async fn what_was_deleted_or_replaced_is_written_no_more() {
    let (folder, place, writer) = home();
    let (mut writer, _) = carry_out(writer, put(1, 1)).await;
    for name in ["scrip.db", "scrip.db-wal", "scrip.lock"] {
        let (here, away) = (folder.path().join(name), folder.path().join("away"));
        std::fs::rename(&here, &away).unwrap();
        for replaced in [false, true] {
            if replaced {
                std::fs::copy(&away, &here).unwrap();
            }
            let answers;
            (writer, answers) = carry_out(writer, put(2, 1)).await;
            let told =
                matches!(&answers[0], Err(Fault::Unavailable(why)) if why.contains("deleted or"));
            assert!(told, "{name}: {answers:?}");
        }
        std::fs::rename(&away, &here).unwrap();
    }
    let (_, answers) = carry_out(writer, put(2, 1)).await;
    assert!(answers[0].is_ok(), "{answers:?}");
    assert_eq!(keys(&place), 2);
}

/// In memory there is no log, and a reader in the middle of a read holds up a commit.
#[tokio::test]
async fn a_commit_that_a_reader_holds_up_did_not_happen() {
    let memory = Memory::new("a_commit_that_a_reader_holds_up").unwrap();
    let writer = SqliteWriter::open(memory.place()).unwrap();
    writer.connection.busy_timeout(Duration::ZERO).unwrap();
    let reader = memory.place().connect().unwrap();
    reader.execute_batch("BEGIN; SELECT COUNT(*) FROM api_keys").unwrap();
    let (writer, answers) = carry_out(writer, put(1, 1)).await;
    assert!(matches!(answers[0], Err(Fault::Unavailable(_))), "{answers:?}");
    reader.execute_batch("ROLLBACK").unwrap();
    let (_, answers) = carry_out(writer, put(1, 1)).await;
    assert!(answers[0].is_ok());
    assert_eq!(keys(&memory.place()), 1);
}

fn log_size(place: &Place) -> u64 {
    std::fs::metadata(place.wal().unwrap()).map_or(0, |meta| meta.len())
}

#[tokio::test]
async fn the_log_stays_bounded_without_a_checkpointer() {
    let (_folder, place, mut writer) = home();
    writer.wal_bound = 1 << 20;
    let mut restarts = 0;
    for number in 0..40 {
        (writer, _) = carry_out(writer, put(number, 100_000)).await;
        restarts += u32::from(writer.wal_used.load(Ordering::Relaxed) == 0);
    }
    // Its file ends where the first round ended: a little above the bound.
    assert!(log_size(&place) <= (1 << 20) + 200_000, "{}", log_size(&place));
    // Not after every batch: that would cost more than the commits.
    assert!((2..=4).contains(&restarts), "{restarts}");
    assert_eq!(keys(&place), 40);
}

#[tokio::test]
async fn a_long_read_makes_the_log_grow_but_not_the_writer_wait() {
    let (_folder, place, mut writer) = home();
    writer.wal_bound = 1 << 20;
    let reader = place.connect().unwrap();
    reader.execute_batch("BEGIN; SELECT COUNT(*) FROM api_keys").unwrap();
    for number in 0..20 {
        (writer, _) = carry_out(writer, put(number, 100_000)).await;
    }
    // Tried once; the next try is a good piece further on.
    assert!(log_size(&place) > 1 << 20);
    assert!(writer.wal_bound > WAL_STEP);
    let seen: i64 =
        reader.query_row("SELECT COUNT(*) FROM api_keys", [], |row| row.get(0)).unwrap();
    assert_eq!(seen, 0);
    reader.execute_batch("COMMIT").unwrap();
    writer.wal_bound = 1 << 20;
    (writer, _) = carry_out(writer, put(20, 1)).await;
    assert_eq!(writer.wal_used.load(Ordering::Relaxed), 0);
    assert_eq!((writer.wal_bound, keys(&place)), (1 << 20, 21));
}

#[tokio::test]
async fn reads_go_on_while_writing_has_stopped() {
    let (_folder, place, writer) = home();
    let (writer, _) = carry_out(writer, put(1, 1)).await;
    drop(writer);
    let (store, _writer) = Store::sqlite(place.file().unwrap(), Blocking::Inline).unwrap();
    place.connect().unwrap().execute_batch("BEGIN IMMEDIATE").unwrap();
    assert!(store.api_key(Id::new(1).unwrap()).await.unwrap().is_some());
}

#[tokio::test]
async fn what_could_not_be_synced_is_moved_again_at_the_next_start() {
    let (_folder, place, writer) = home();
    let (mut writer, answers) = carry_out(writer, put(1, 1)).await;
    assert!(answers[0].is_ok());
    let database = place.file().unwrap();
    let before = std::fs::read(database).unwrap();
    let mut checkpointer = Checkpointer::beside(&writer).unwrap().unwrap();
    // Nothing can sync a pipe.
    let (pipe, _other_end) = std::io::pipe().unwrap();
    checkpointer.database = ManuallyDrop::new(File::from(std::os::fd::OwnedFd::from(pipe)));
    checkpointer.run();
    assert_ne!(std::fs::read(database).unwrap(), before, "it was moved");
    assert!(matches!(writer.load(&Wants::default()).await, Err(Fault::Unknown(_))), "it ends");
    writer.wal_bound = 0;
    writer.between();
    checkpointer.run();
    drop((writer, checkpointer));

    // None of what was moved has reached the disk.
    let folder = tempfile::tempdir().unwrap();
    let next = Place::File(folder.path().join("scrip.db"));
    std::fs::write(next.file().unwrap(), before).unwrap();
    std::fs::copy(place.wal().unwrap(), next.wal().unwrap()).unwrap();
    assert_eq!(keys(&next), 1);
}

#[tokio::test]
async fn the_doctor_sees_damage_in_the_file_that_no_reckoning_meets() {
    let (_folder, place, writer) = home();
    let database = place.file().unwrap();
    assert_eq!(std::fs::metadata(database).unwrap().mode() & 0o777, 0o600, "nobody else's to read");
    let (writer, _) = carry_out(writer, put(1, 100_000)).await;
    assert!(checkpoint(&writer.connection, "TRUNCATE", &writer.unsynced));
    let store = Store::sqlite_read_only(database).await.unwrap();
    assert_eq!(store.damages(10).await.unwrap(), Some(vec![]));
    let pages = store.pages().await.unwrap();
    assert!(pages > 40, "{pages}");
    drop((store, writer));

    // The row's last pages are a chain: the end of it points nowhere.
    let file = File::options().write(true).open(database).unwrap();
    let last = (pages - 1) * u64::from(PAGE);
    std::os::unix::fs::FileExt::write_all_at(&file, &[0xff; 4], last).unwrap();
    let store = Store::sqlite_read_only(database).await.unwrap();
    let damages = store.damages(10).await.unwrap().unwrap();
    assert!(!damages.is_empty());
}

#[test]
fn the_read_of_a_page_has_an_end_and_a_long_one_has_none() {
    let (_folder, place, _writer) = home();
    let readers = SqliteReaders { bound: Duration::ZERO, ..SqliteReaders::new(place) };
    let count = |pace, most: u64| {
        // What it goes through lies nowhere: a step each, and more until somebody ends it.
        let text = format!(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {most}) SELECT MAX(i) FROM n"
        );
        let mut found = None;
        readers
            .query(pace, "n", &text, &[], &mut |row| {
                found = row.int()?;
                Ok(())
            })
            .map(|()| found)
    };
    for _ in 0..2 {
        let fault = count(Pace::Page, u64::from(u32::MAX)).unwrap_err();
        assert_eq!(fault.to_string(), "the database is not available: a read was ended after 60 s");
        assert_eq!(count(Pace::Page, 100).unwrap(), Some(100), "a quick one is not asked");
        assert_eq!(count(Pace::Long, 100_000).unwrap(), Some(100_000));
    }
    let idle = readers.idle.lock().unwrap().len();
    assert_eq!(idle, 1, "the connection goes on");
}
