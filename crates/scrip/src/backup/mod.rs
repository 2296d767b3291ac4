//! Backups: everything that a server needs, in one file that a passphrase opens.
//!
//! ```text
//! age v1, to a passphrase (age.rs)
//!   tar (pack.rs, unpack.rs)
//!     manifest.json      what it is, of when, and the digest of each member
//!     books.db           the books as a SQLite file, also of a server on PostgreSQL
//!     keys/…             license and protocol keys, the master secret
//!     config/scrip.toml  the configuration, and the secret files in its folder that it names
//!     objects/<sha256>   the bytes of the catalogue, where they were asked for
//!     end.json           how many objects there were
//! ```
//! The books are one state, taken while the server serves; keys and objects are read after it, so none is missing that the
//! books name. Nothing is held in memory whole, but keys and configuration.

pub mod age;
mod pack;
pub mod passphrase;
pub mod progress;
mod unpack;

use serde::{Deserialize, Serialize};

pub use pack::{Contents, pack};
pub use unpack::{Unusable, unpack, verify};

/// The form of what is inside. One that is higher is not understood here.
pub const FORM: u32 = 1;

const MANIFEST: &str = "manifest.json";
const BOOKS: &str = "books.db";
/// The name of the books in a folder that was restored.
pub const BOOKS_IN_FOLDER: &str = "scrip.db";
const KEYS: &str = "keys/";
const CONFIG: &str = "config/";
const OBJECTS: &str = "objects/";
const END: &str = "end.json";

/// Members that are read into memory whole are no longer than this.
const SMALL: u64 = 4 << 20;

/// What a backup is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The form of what is inside.
    pub form: u32,
    /// The version of the program that made it.
    pub program: String,
    /// The latest step of the schema of the books.
    pub schema: String,
    /// The server's id among servers.
    pub server: String,
    /// The vendor's name.
    pub name: String,
    /// What the server is among servers.
    pub roles: Vec<String>,
    /// A merchant's provider.
    pub provider: Option<String>,
    /// How often the server was restored before, and one.
    pub epoch: u32,
    /// The time of the books.
    pub at: String,
    /// Whether the bytes of the catalogue are in it.
    pub with_files: bool,
    /// What is inside but the objects, whose names are their digests.
    pub members: Vec<Member>,
    /// What each table of the books holds.
    pub tables: Vec<InTable>,
}

/// A file inside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    pub name: String,
    pub size: u64,
    pub sha256: String,
}

/// What a table holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InTable {
    pub table: String,
    pub rows: u64,
    pub digest: String,
}

/// The last member.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    pub objects: u64,
    pub bytes: u64,
}

impl Manifest {
    /// The member of this name.
    fn member(&self, name: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.name == name)
    }

    /// How many rows there are in all.
    pub fn rows(&self) -> u64 {
        self.tables.iter().fold(0, |sum, table| sum + table.rows)
    }
}

impl From<scrip_storage::copy::Sum> for InTable {
    fn from(sum: scrip_storage::copy::Sum) -> Self {
        let scrip_storage::copy::Sum { table, rows, digest } = sum;
        Self { table, rows, digest }
    }
}
