//! Faults: the outcome is unknown. The caller asks again with the same key and gets the first answer.

/// Why there is no answer. Never a refusal: nothing was decided, or nobody knows what was.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Fault {
    /// The queue is full; nothing was tried.
    #[error("too much is waiting to be written")]
    Busy,
    /// Another server gave no answer: what waits for it goes on by itself, and the rest was not begun.
    #[error("another server gave no answer")]
    Away,
    /// There is no room on the disk; nothing was written.
    #[error("the disk is full")]
    Full,
    /// The database does not answer, or refused; nothing was written.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// The database is there, and it is none that this can be done with; nothing was written.
    #[error("{0}")]
    Unfit(String),
    /// The folder or the bucket of objects does not answer, or an object is missing or damaged. The books are as they were.
    #[error("the goods are not at hand: {0}")]
    Objects(String),
    /// The commit failed: it may or may not have happened.
    #[error("the outcome of a commit is unknown: {0}")]
    Unknown(String),
    /// Another writer was first; nothing was written.
    #[error("another writer changed the same rows")]
    Conflict,
    /// A stored value is none that this program ever writes.
    #[error("unreadable value in {table}.{column}, row {row}")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The column.
        column: String,
        /// The row: the first number of its key, `?` when its key has none.
        row: String,
    },
    /// The program broke its own rule.
    #[error("a defect: {0}")]
    Bug(String),
}
