//! A look into a database from outside: what there is, without opening it as a server does.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::{BUSY, Place, applied, each, fault};
use crate::fault::Fault;
use crate::migrate;

/// A connection that leaves the folder as it is, whether or not a server runs on it.
///
/// A database whose log is away is whole by itself, and read as a file that nobody changes: to read it in any other way
/// SQLite makes a log first. Whoever starts to write at that moment is not disturbed.
pub(crate) fn glance(path: &Path) -> Result<Connection, Fault> {
    let is_at_rest = Place::File(path.to_owned()).wal().is_none_or(|wal| !wal.exists());
    let name = path.to_string_lossy();
    let name = name.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    let uri = format!("file:{name}{}", if is_at_rest { "?immutable=1" } else { "" });
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_URI;
    let connection = Connection::open_with_flags(uri, flags).map_err(|e| fault(&e))?;
    connection.busy_timeout(BUSY).map_err(|e| fault(&e))?;
    Ok(connection)
}

/// Whether there is a vendor in the database, which may well be empty.
pub(crate) fn has_vendor(connection: &Connection) -> Result<bool, Fault> {
    let is_there = |text: &str| {
        let count = connection.query_row(text, [], |row| row.get::<_, i64>(0));
        count.map(|count| count > 0).map_err(|e| fault(&e))
    };
    let table = "SELECT COUNT(*) FROM sqlite_schema WHERE type = 'table' AND name = 'vendor'";
    Ok(is_there(table)? && is_there("SELECT COUNT(*) FROM vendor")?)
}

/// The imprint that the vendor keeps, in a database that may be older than this program.
pub(crate) fn imprint(connection: &Connection) -> Result<Option<[u8; 16]>, Fault> {
    migrate::pending(migrate::SQLITE, &applied(connection)?)?;
    let column = "SELECT name FROM pragma_table_info('vendor') WHERE name = 'imprint'";
    let (mut keeps_one, mut imprint) = (false, None);
    each(connection, "vendor", column, &[], &mut |_| {
        keeps_one = true;
        Ok(())
    })?;
    if keeps_one {
        each(connection, "vendor", "SELECT imprint FROM vendor", &[], &mut |cells| {
            imprint = cells.bytes()?;
            Ok(())
        })?;
    }
    Ok(imprint.and_then(|bytes| bytes.try_into().ok()))
}
