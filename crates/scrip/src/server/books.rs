//! The books while they are open: the store, the writer on its thread, the checkpoints beside it.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use scrip_domain::Clock;
use scrip_engine::{Fault, Memory};
use scrip_storage::{Blocking, Checkpointer, Store, Writer};
use tokio::sync::oneshot;

use crate::config::Database;
use crate::failure::{Failure, Outcome};

/// How long a stop waits for the writer's last batch.
const LAST_BATCH: Duration = Duration::from_secs(10);

/// A store whose writer runs.
#[derive(Debug)]
pub struct Books {
    /// Where commands are handed in and rows are read.
    pub store: Store,
    /// What is remembered of it.
    pub memory: Arc<Memory>,
    /// The writer.
    pub writing: Writing,
}

/// A writer at work.
#[derive(Debug)]
pub struct Writing {
    ended: oneshot::Receiver<Result<(), Fault>>,
    checkpoints: Option<Checkpoints>,
}

#[derive(Debug)]
struct Checkpoints {
    // Dropped to end the thread.
    more: Sender<()>,
    thread: JoinHandle<()>,
}

impl Books {
    /// Opens what `scrip init` has made.
    pub async fn open(database: &Database, clock: Arc<dyn Clock>) -> Outcome<Self> {
        if let Database::Sqlite(path) = database
            && !path.exists()
        {
            return Err(Failure::new(format!("there is no database at {}", path.display()))
                .advise("Make a vendor's folder with `scrip init DIR`, or set `database` right."));
        }
        holds_shop(database).await?;
        Self::create(database, clock).await
    }

    /// The same, and makes the database when there is none.
    pub async fn create(database: &Database, clock: Arc<dyn Clock>) -> Outcome<Self> {
        let opened = match database {
            Database::Sqlite(path) => Store::sqlite(path, Blocking::Threads),
            Database::Postgres(url) => Store::postgres(url).await,
        };
        let (store, writer) = opened.map_err(|fault| cannot_open(database, &fault))?;
        let memory = Arc::new(Memory::default());
        let writing = Writing::start(writer, clock, memory.clone())
            .map_err(|error| Failure::new(format!("cannot start the writer: {error}")))?;
        Ok(Self { store, memory, writing })
    }
}

/// Refuses a database without a shop in it, and leaves it as it is.
pub async fn holds_shop(database: &Database) -> Outcome {
    let has_vendor = match database {
        Database::Sqlite(path) => Store::sqlite_has_vendor(path),
        Database::Postgres(url) => Store::postgres_has_vendor(url).await,
    };
    if has_vendor.map_err(|fault| cannot_open(database, &fault))? {
        return Ok(());
    }
    Err(match database {
        // `scrip init` made it with one, and does not make another over it.
        Database::Sqlite(path) => {
            Failure::new(format!("there is no shop in {}; nothing was changed", path.display()))
                .advise("Restore a backup with `scrip restore FILE DIR`, or set `database` right.")
        }
        Database::Postgres(_) => {
            Failure::new("there is no shop in the PostgreSQL database; nothing was changed").advise(
                "Make one with `scrip init DIR --database URL`, move one there with `scrip move`, or set `database` right.",
            )
        }
    })
}

impl Writing {
    fn start(
        writer: Writer,
        clock: Arc<dyn Clock>,
        memory: Arc<Memory>,
    ) -> Result<Self, Box<dyn std::error::Error>> {
        let checkpoints = writer.checkpointer()?.map(Checkpoints::start).transpose()?;
        let (tell, ended) = oneshot::channel();
        if writer.blocks() {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
            std::thread::Builder::new().name("writer".into()).spawn(move || {
                // Nobody listens when the process is ending anyway.
                let _ = tell.send(runtime.block_on(writer.run(clock, memory)));
            })?;
        } else {
            tokio::spawn(async move {
                let _ = tell.send(writer.run(clock, memory).await);
            });
        }
        Ok(Self { ended, checkpoints })
    }

    /// Waits until the writer ends by itself, which it does only when it must not go on.
    pub async fn ended(&mut self) -> Fault {
        match (&mut self.ended).await {
            Ok(Ok(())) => Fault::Bug("the store was dropped".into()),
            Ok(Err(fault)) => fault,
            Err(_) => Fault::Bug("the writer panicked".into()),
        }
    }

    /// Ends the writer, whose store was dropped, and moves what it wrote into the database.
    pub async fn close(self) -> Outcome {
        match tokio::time::timeout(LAST_BATCH, self.ended).await {
            Ok(Ok(Ok(()))) => {}
            Ok(Ok(Err(fault))) => return Err(Failure::of(&fault)),
            Ok(Err(_)) => return Err(Failure::new("the writer panicked")),
            // What was committed is in the log, and found there at the next start.
            Err(_) => tracing::warn!("the writer did not end in time"),
        }
        if let Some(Checkpoints { more, thread }) = self.checkpoints {
            drop(more);
            let joined = tokio::task::spawn_blocking(|| thread.join()).await;
            if !matches!(joined, Ok(Ok(()))) {
                tracing::warn!("the last checkpoint did not finish");
            }
        }
        Ok(())
    }
}

impl Checkpoints {
    fn start(mut checkpointer: Checkpointer) -> std::io::Result<Self> {
        let (more, end) = channel::<()>();
        let thread = std::thread::Builder::new().name("checkpoints".into()).spawn(move || {
            while end.recv_timeout(Checkpointer::BEAT) == Err(RecvTimeoutError::Timeout) {
                checkpointer.beat();
            }
            checkpointer.run();
        })?;
        Ok(Self { more, thread })
    }
}

/// What to do about a database that cannot be opened.
pub fn cannot_open(database: &Database, fault: &Fault) -> Failure {
    let failure = Failure::new(format!("cannot open the database {database}: {fault}"));
    let text = fault.to_string();
    if text.contains("another process") {
        failure.advise("Stop that process first; `scrip admin` talks to a running server.")
    } else if text.contains("newer") {
        failure.advise("Install the version that wrote it, or a later one; nothing was changed.")
    } else if text.contains("older than this program") {
        failure.advise("Start the server (`scrip serve`), and ask again; nothing was changed.")
    } else if let Database::Sqlite(path) = database {
        let folder = path.parent().unwrap_or(Path::new(".")).display();
        failure.advise(format!(
            "Check that this user may read and write {folder}, and that the file is a database."
        ))
    } else if text.contains("does not support TLS") {
        failure.advise(
            "Turn TLS on in that PostgreSQL (`ssl = on` in postgresql.conf); or, in a network of your own, say sslmode=disable in \
             the URL.",
        )
    } else if text.contains("certificate") {
        failure.advise(
            "Name the authority that signed PostgreSQL's certificate with sslrootcert=FILE in the URL, and the host as the \
             certificate does; sslmode=require encrypts without knowing for whom. A certificate that signed itself must say \
             CA:FALSE.",
        )
    } else {
        failure.advise("Check the URL, the password, and that PostgreSQL accepts connections.")
    }
}
