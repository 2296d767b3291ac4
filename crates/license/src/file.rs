//! The license file: everything that a sold program needs to run, in one file that can be carried.

use std::io;
use std::path::Path;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::key::KeySet;
use crate::place;

/// A license file, in JSON:
///
/// ```json
/// {"code": "eyJ...", "keys": ["eyJ...", "eyJ..."], "lease": "eyJ..."}
/// ```
///
/// Nothing in it is secret but the code, and nothing in it is believed: code, chain and lease are signed each for
/// itself. Members that are not known are passed over.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LicenseFile {
    /// The code, as a JWS.
    pub code: String,
    /// The chain of keys, from the first to the one that signs today; see [`KeySet::follow`].
    #[serde(default)]
    pub keys: Vec<String>,
    /// The lease, if the machine has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<String>,
    /// A list of dead codes, if one is carried along.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revocations: Option<String>,
}

/// The text is not a license file.
#[derive(Debug, thiserror::Error)]
#[error("not a license file: {0}")]
pub struct LicenseFileError(#[from] serde_json::Error);

impl LicenseFile {
    /// The longest license file that is read, in bytes.
    pub const MAX_LENGTH: u64 = 8 * 1024 * 1024;

    /// A file with a code only.
    pub fn of_code(code: impl Into<String>) -> Self {
        Self { code: code.into(), keys: Vec::new(), lease: None, revocations: None }
    }

    /// Reads one. What is there and is no license file is [`io::ErrorKind::InvalidData`].
    pub fn load(path: &Path) -> io::Result<Self> {
        let text = place::read(path, Self::MAX_LENGTH)?;
        text.parse().map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    }

    /// Writes it: the old file is there until the new one is whole.
    pub fn save(&self, path: &Path) -> io::Result<()> {
        let text = serde_json::to_string_pretty(self)?;
        place::write(path, &format!("{text}\n"))
    }

    /// The keys that the program was shipped with, and those of `issuer` that the file's chain leads to.
    pub fn keys_from(&self, shipped: &KeySet, issuer: &str) -> KeySet {
        let mut keys = shipped.clone();
        keys.follow(issuer, &self.keys);
        keys
    }
}

impl FromStr for LicenseFile {
    type Err = LicenseFileError;

    /// Reads the JSON, or a bare code: people paste what they have.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let is_bare = text.split('.').count() == 3 && !text.starts_with('{');
        if is_bare { Ok(Self::of_code(text)) } else { Ok(serde_json::from_str(text)?) }
    }
}

impl std::fmt::Debug for LicenseFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LicenseFile")
            .field("keys", &self.keys.len())
            .field("lease", &self.lease.is_some())
            .field("revocations", &self.revocations.is_some())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_survives_and_strangers_members_are_passed_over() {
        let full = LicenseFile {
            code: "a.b.c".into(),
            keys: vec!["d.e.f".into()],
            lease: Some("g.h.i".into()),
            revocations: None,
        };
        let json = serde_json::to_string(&full).unwrap();
        assert_eq!(json, r#"{"code":"a.b.c","keys":["d.e.f"],"lease":"g.h.i"}"#);
        let with_more = json.replacen('{', r#"{"note":"for the desk","#, 1);
        assert_eq!(with_more.parse::<LicenseFile>().unwrap(), full);
        assert_eq!(" a.b.c\r\n".parse::<LicenseFile>().unwrap(), LicenseFile::of_code("a.b.c"));
        for bad in ["", "{}", "[]", "a.b", r#"{"code":1}"#, r#"{"code":"a","code":"b"}"#] {
            assert!(bad.parse::<LicenseFile>().is_err(), "{bad}");
        }
        assert!(!format!("{full:?}").contains("a.b.c"), "a code is not for the log");
    }

    #[test]
    fn a_file_is_written_and_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tallow.license");
        assert_eq!(LicenseFile::load(&path).unwrap_err().kind(), io::ErrorKind::NotFound);
        for code in ["a.b.c", "d.e.f"] {
            LicenseFile::of_code(code).save(&path).unwrap();
            assert_eq!(LicenseFile::load(&path).unwrap().code, code);
        }
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "nothing else is left");
        std::fs::write(&path, [0xff, 0xfe]).unwrap();
        assert_eq!(LicenseFile::load(&path).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }
}
