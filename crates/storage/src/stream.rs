//! Long reads: everything that some questions find, in one state of the books, a page at a time.
//!
//! ```text
//! asked ─▶ one transaction that only reads ─▶ pages, as fast as they are taken ─▶ end
//! ```
//! What is read never lies in memory as a whole. On SQLite a long read keeps the log from being emptied, so there
//! is one at a time, and one beside which the log has grown too long is ended. PostgreSQL reads through a cursor.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, mpsc};

use crate::cells::{Cell, Reader};
use crate::fault::Fault;
use crate::store::{Blocking, Readers, Store};

/// How many rows are in a page.
pub(crate) const PAGE: usize = 256;
/// How many pages are read ahead of who takes them.
const AHEAD: usize = 2;

/// How a row is read; none: it is passed over.
type Map<T> = Box<dyn Fn(&mut Reader<'_>) -> Result<Option<T>, Fault> + Send>;

/// One question of a long read.
pub(crate) struct Ask<T> {
    /// The table that is named in faults.
    pub table: &'static str,
    /// What is asked.
    pub text: String,
    /// Its parameters.
    pub cells: Vec<Cell<'static>>,
    /// How a row is read.
    pub map: Map<T>,
}

impl<T> Ask<T> {
    /// What `text` finds in `table`.
    pub fn new(
        table: &'static str,
        text: impl Into<String>,
        cells: Vec<Cell<'static>>,
        map: impl Fn(&mut Reader<'_>) -> Result<Option<T>, Fault> + Send + 'static,
    ) -> Self {
        Self { table, text: text.into(), cells, map: Box::new(map) }
    }
}

/// A page, or why there is no more.
pub(crate) type Read<T> = Result<Vec<T>, Fault>;

/// What a long read finds.
#[derive(Debug)]
pub struct Rows<T> {
    pages: Pages<T>,
}

#[derive(Debug)]
enum Pages<T> {
    /// Read at once, where nothing may run beside the caller.
    Whole(VecDeque<Read<T>>),
    Coming(mpsc::Receiver<Read<T>>),
}

impl<T> Rows<T> {
    /// The next page; none at the end. After a fault there is nothing more, and what came before is not all.
    pub async fn next(&mut self) -> Option<Result<Vec<T>, Fault>> {
        match &mut self.pages {
            Pages::Whole(pages) => pages.pop_front(),
            Pages::Coming(pages) => pages.recv().await,
        }
    }
}

impl Store {
    /// Reads what all of `asks` find, one after the other, in one state of the books.
    pub(crate) fn stream<T: Send + 'static>(&self, asks: Vec<Ask<T>>) -> Result<Rows<T>, Fault> {
        let permit = Arc::clone(&self.long_reads).try_acquire_owned().map_err(|_| Fault::Busy)?;
        let pages = match &self.readers {
            Readers::Sqlite { readers, blocking: Blocking::Inline, .. } => {
                let mut pages = VecDeque::new();
                readers.stream(&asks, &mut |page| {
                    pages.push_back(page);
                    true
                });
                drop(permit);
                Pages::Whole(pages)
            }
            Readers::Sqlite { readers, .. } => {
                let (sender, receiver) = mpsc::channel(AHEAD);
                let readers = Arc::clone(readers);
                tokio::task::spawn_blocking(move || {
                    readers.stream(&asks, &mut |page| sender.blocking_send(page).is_ok());
                    drop(permit);
                });
                Pages::Coming(receiver)
            }
            Readers::Postgres(readers) => {
                let (sender, receiver) = mpsc::channel(AHEAD);
                tokio::spawn(cursors(readers.long_read(), asks, sender, permit));
                Pages::Coming(receiver)
            }
        };
        Ok(Rows { pages })
    }
}

/// Sends what a long read on PostgreSQL finds until nobody takes it any more.
async fn cursors<T: Send + 'static>(
    long_read: crate::postgres::LongRead,
    asks: Vec<Ask<T>>,
    sender: mpsc::Sender<Read<T>>,
    permit: OwnedSemaphorePermit,
) {
    let done = tokio::select! {
        done = long_read.run(asks, &sender) => done,
        // Whoever comes next need not wait for what nobody takes any more.
        () = sender.closed() => Ok(()),
    };
    if let Err(fault) = done {
        // Whoever does not take it any more need not hear of it.
        let _ = sender.send(Err(fault)).await;
    }
    drop(permit);
}
