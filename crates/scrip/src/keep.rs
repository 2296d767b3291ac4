//! Giving a file its name, where nothing may be written over.

use std::fs;
use std::io;
use std::path::Path;

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

/// Renames `from` to `to`, where nothing may be.
pub fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Err(Errno::EXIST) => Err(there_already(to)),
        // A file system that cannot tell: whoever comes between the look and the name is written over.
        Err(Errno::INVAL | Errno::NOSYS) if fs::symlink_metadata(to).is_ok() => {
            Err(there_already(to))
        }
        Err(Errno::INVAL | Errno::NOSYS) => fs::rename(from, to),
        done => Ok(done?),
    }
}

/// The error that a name is taken.
pub fn there_already(path: &Path) -> io::Error {
    let what = format!("{} is there already: nothing is written over", path.display());
    io::Error::new(io::ErrorKind::AlreadyExists, what)
}
