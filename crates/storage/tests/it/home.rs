//! Where the database of one test lives: its own, fresh, gone afterwards.

use std::panic::{AssertUnwindSafe, resume_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use futures_util::FutureExt;
use scrip_domain::{Clock, Timestamp};
use scrip_storage::copy::{Blank, Snapshot};
use scrip_storage::{Blocking, Books, Fault, Memory, Observer, Store, Writer};
use tokio::task::JoinHandle;

/// The noon of all tests.
pub const NOON: Timestamp = Timestamp::from_millis(1_795_348_800_000);

pub enum Home {
    Memory { name: String, memory: Memory },
    File { folder: tempfile::TempDir },
    Postgres { url: String },
}

/// A store with its writer running.
pub struct Running {
    pub store: Arc<Store>,
    writer: JoinHandle<Result<(), Fault>>,
}

impl std::ops::Deref for Running {
    type Target = Arc<Store>;

    fn deref(&self) -> &Arc<Store> {
        &self.store
    }
}

impl Running {
    pub fn start((store, writer): (Store, Writer)) -> Self {
        Self::watched((store, writer), Arc::new(Nobody))
    }

    pub fn watched((store, writer): (Store, Writer), observer: Arc<dyn Observer>) -> Self {
        let writer = tokio::spawn(writer.run(Arc::new(Noon), observer));
        Self { store: Arc::new(store), writer }
    }

    /// Waits for the writer to end, which it does when nobody can submit any more.
    pub async fn stop(self) -> Result<(), Fault> {
        drop(self.store);
        self.writer.await.unwrap()
    }
}

pub struct Noon;

impl Clock for Noon {
    fn now(&self) -> Timestamp {
        NOON
    }
}

pub struct Nobody;

impl Observer for Nobody {
    fn committed(&self, _: &Books) {}
}

impl Home {
    pub async fn open(&self) -> Result<(Store, Writer), Fault> {
        match self {
            Self::Memory { memory, .. } => Store::memory(memory),
            Self::File { .. } => Store::sqlite(&self.path(), Blocking::Inline),
            Self::Postgres { url } => Store::postgres(url).await,
        }
    }

    pub async fn start(&self) -> Running {
        Running::start(self.open().await.unwrap())
    }

    pub fn path(&self) -> PathBuf {
        match self {
            Self::File { folder } => folder.path().join("scrip.db"),
            _ => panic!("not in a file"),
        }
    }

    pub fn url(&self) -> &str {
        match self {
            Self::Postgres { url } => url,
            _ => panic!("not on PostgreSQL"),
        }
    }

    /// One state of the books.
    pub async fn snapshot(&self) -> Result<Snapshot, Fault> {
        match self {
            Self::Memory { memory, .. } => Snapshot::memory(memory),
            Self::File { .. } => Snapshot::sqlite(&self.path()),
            Self::Postgres { url } => Snapshot::postgres(url).await,
        }
    }

    /// A place to copy into.
    pub async fn blank(&self) -> Result<Blank, Fault> {
        match self {
            Self::Memory { memory, .. } => Blank::memory(memory),
            Self::File { .. } => Blank::sqlite(&self.path()),
            Self::Postgres { url } => Blank::postgres(url).await,
        }
    }

    /// Another database of the same kind, where nothing is yet.
    pub async fn another(&self, test: impl AsyncFnOnce(&Self)) {
        match self {
            Self::Memory { name, .. } => in_memory(&format!("{name}_another"), test).await,
            Self::File { .. } => in_file(test).await,
            Self::Postgres { .. } => on_postgres("another", test).await,
        }
    }

    /// Past the store: what another program, or a defect, would do.
    pub async fn execute(&self, text: &str) {
        match self {
            Self::Postgres { url } => client(url).await.batch_execute(text).await.unwrap(),
            _ => self.connection().execute_batch(text).unwrap(),
        }
    }

    /// A connection to SQLite beside the store's.
    pub fn connection(&self) -> rusqlite::Connection {
        match self {
            Self::Memory { name, .. } => {
                rusqlite::Connection::open(format!("file:/{name}?vfs=memdb")).unwrap()
            }
            _ => rusqlite::Connection::open(self.path()).unwrap(),
        }
    }
}

pub async fn in_memory(name: &str, test: impl AsyncFnOnce(&Home)) {
    let memory = Memory::new(name).unwrap();
    test(&Home::Memory { name: name.to_owned(), memory }).await;
}

pub async fn in_file(test: impl AsyncFnOnce(&Home)) {
    test(&Home::File { folder: tempfile::tempdir().unwrap() }).await;
}

pub async fn on_postgres(name: &str, test: impl AsyncFnOnce(&Home)) {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let short: String = name.chars().take(40).collect();
    let name = format!("test_{short}_{}_{count}", std::process::id());
    let server = server();
    let admin = client(&server).await;
    admin.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
    let home = Home::Postgres { url: with_database(&server, &name) };
    // The database goes also when the test failed.
    let outcome = AssertUnwindSafe(test(&home)).catch_unwind().await;
    admin.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await.unwrap();
    if let Err(panic) = outcome {
        resume_unwind(panic);
    }
}

#[expect(clippy::disallowed_methods, reason = "tests are told where their server is in one way")]
fn server() -> String {
    std::env::var("SCRIP_TEST_POSTGRES").unwrap_or_else(|_| {
        panic!("SCRIP_TEST_POSTGRES is not set: run `cargo xtask test`, or `cargo xtask postgres`")
    })
}

/// The same server, another database.
fn with_database(url: &str, name: &str) -> String {
    let (address, options) = url.split_once('?').unwrap_or((url, ""));
    let start = address.find("://").unwrap() + 3;
    let end = address[start..].find('/').map_or(address.len(), |slash| start + slash);
    let options = if options.is_empty() { String::new() } else { format!("?{options}") };
    format!("{}/{name}{options}", &address[..end])
}

pub async fn client(url: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection.map(drop));
    client
}
