//! Small files that are there whole or not at all.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// The text of a small file; [`io::ErrorKind::InvalidData`] when it is longer than `most` bytes, or no text.
pub(crate) fn read(path: &Path, most: u64) -> io::Result<String> {
    text_of(&mut File::open(path)?, most)
}

/// The same from an open file, from where it stands.
pub(crate) fn text_of(file: &mut File, most: u64) -> io::Result<String> {
    let mut bytes = Vec::new();
    file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    let fits = u64::try_from(bytes.len()).is_ok_and(|length| length <= most);
    match String::from_utf8(bytes) {
        Ok(text) if fits => Ok(text),
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}

/// Puts a text in the place of a file: whoever reads it sees the old one or the new one, also after a crash.
pub(crate) fn write(path: &Path, text: &str) -> io::Result<()> {
    let new = beside(path, ".new");
    // What a crash left, or a link that somebody has laid there: nothing is written through it.
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = File::create_new(&new)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    drop(file);
    rename(&new, path)
}

/// Renames, and sees to it that the new name outlives a crash of the machine.
pub(crate) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    sync_folder(to)
}

/// The name of a file with something behind it.
pub(crate) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    name.into()
}

/// Unix keeps names in the folder, which is synced by itself; other systems know no such thing.
fn sync_folder(file: &Path) -> io::Result<()> {
    if cfg!(unix) {
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
    }
    Ok(())
}
