//! Keys on disk: the folder `keys` beside the database, readable by its owner only.
//!
//! | file | what |
//! |---|---|
//! | `license-0001.seed`, `license-0002.seed`, … | seeds of license keys; the highest number signs |
//! | `protocol-0001.seed`, … | seeds of the keys by which other servers know this one, in the same way |
//! | `master.secret` | from which the secrets of short codes, tickets and cursors are derived |
//!
//! Each holds 64 hexadecimal digits. A seed is written whole and synced before anything is signed
//! with it, and never overwritten: what it signed must stay verifiable.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use scrip_domain::Entropy;
use scrip_engine::Fault;
use scrip_engine::keys::{KeyHome, Keys, Purpose};

use crate::failure::{Failure, Outcome};

const MASTER: &str = "master.secret";

/// The folder of a server's keys.
#[derive(Debug)]
pub struct Vault {
    folder: PathBuf,
    // Two rotations at once must not take the same number.
    writing: Mutex<()>,
}

impl Vault {
    /// The vault in the data folder `data`.
    pub fn within(data: &Path) -> Self {
        Self { folder: data.join("keys"), writing: Mutex::default() }
    }

    /// Makes the folder, a master secret and the first key for each purpose.
    pub fn create(&self, entropy: &dyn Entropy) -> Outcome {
        DirBuilder::new().mode(0o700).create(&self.folder).map_err(|e| self.cannot("make", &e))?;
        for name in
            [MASTER.to_owned(), seed_name(Purpose::License, 1), seed_name(Purpose::Protocol, 1)]
        {
            let mut secret = [0; 32];
            entropy.fill(&mut secret);
            self.write(&name, &secret).map_err(|e| self.cannot("write to", &e))?;
        }
        Ok(())
    }

    /// Makes what a folder of an older version lacks: a protocol key.
    pub fn complete(&self, entropy: &dyn Entropy) -> Outcome {
        // What is wrong with the folder is told by `open`.
        if self.numbers(Purpose::Protocol).is_ok_and(|numbers| numbers.is_empty()) {
            let mut seed = [0; 32];
            entropy.fill(&mut seed);
            self.add(Purpose::Protocol, &seed).map_err(|e| self.cannot("write to", &e))?;
            tracing::info!("made a protocol key, by which other servers know this one");
        }
        Ok(())
    }

    /// All keys, the newest first.
    pub fn open(&self) -> Outcome<Keys> {
        let licenses = self.seeds(Purpose::License)?;
        let master = self.read(MASTER)?;
        let keys = Keys::new(&licenses, &master).ok_or_else(|| {
            Failure::new(format!("there is no license key in {}", self.folder.display()))
                .advise("Restore keys/ from a backup: codes that were sold need them.")
        })?;
        Ok(keys.with_protocol(&self.seeds(Purpose::Protocol)?))
    }

    /// That the master secret is not this shop's.
    pub fn other_secret(&self) -> Failure {
        let path = self.folder.join(MASTER);
        Failure::new(format!("{} is not the master secret of this shop", path.display())).advise(
            "Put the shop's own back, from a backup: the short codes that were sold, and the secrets of webhooks and second \
             factors, are made with it. Nothing was changed.",
        )
    }

    /// Every file of the folder that is a key or the master secret, by name.
    pub fn contents(&self) -> Outcome<Vec<(String, Vec<u8>)>> {
        let cannot = |error: io::Error| self.cannot("read", &error);
        let mut all = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(cannot)? {
            let name = entry.map_err(cannot)?.file_name();
            // A draft of a key that is being made has another ending.
            let name = name
                .to_str()
                .filter(|name| *name == MASTER || name.strip_suffix(".seed").is_some());
            if let Some(name) = name {
                all.push((name.to_owned(), read(&self.folder.join(name))?.into_bytes()));
            }
        }
        all.sort();
        Ok(all)
    }

    /// All seeds for a purpose, the newest first.
    fn seeds(&self, purpose: Purpose) -> Outcome<Vec<[u8; 32]>> {
        let numbers = self.numbers(purpose).map_err(|error| {
            self.cannot("read", &error).advise(
                "Keys lie in keys/ in the data folder; `scrip init` makes them, a backup has them.",
            )
        })?;
        numbers.iter().rev().map(|number| self.read(&seed_name(purpose, *number))).collect()
    }

    /// Adds a key, which signs from the next time that the keys are opened.
    pub fn add(&self, purpose: Purpose, seed: &[u8; 32]) -> io::Result<()> {
        let _one_at_a_time = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let next = self.numbers(purpose)?.last().copied().unwrap_or(0) + 1;
        self.write(&seed_name(purpose, next), seed)
    }

    fn numbers(&self, purpose: Purpose) -> io::Result<Vec<u32>> {
        let mut numbers = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let name = entry?.file_name();
            let name = name.to_str().and_then(|name| name.strip_prefix(prefix(purpose)));
            let number = name.and_then(|name| name.strip_suffix(".seed")?.parse::<u32>().ok());
            numbers.extend(number);
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    fn read(&self, name: &str) -> Outcome<[u8; 32]> {
        let path = self.folder.join(name);
        from_hex(read(&path)?.trim()).ok_or_else(|| {
            Failure::new(format!("{} is not a key: 64 hexadecimal digits", path.display()))
                .advise("Restore it from a backup.")
        })
    }

    /// Under another name first, so that a key is there whole or not at all.
    fn write(&self, name: &str, secret: &[u8; 32]) -> io::Result<()> {
        let draft = self.folder.join(format!("{name}.new"));
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
        let digits: String = secret.iter().flat_map(|byte| hex_digits(*byte)).collect();
        writeln!(file, "{digits}")?;
        file.sync_all()?;
        // A link, unlike a rename, fails where there is a key already.
        fs::hard_link(&draft, self.folder.join(name))?;
        fs::remove_file(&draft)?;
        File::open(&self.folder)?.sync_all()
    }

    fn cannot(&self, what: &str, error: &io::Error) -> Failure {
        Failure::new(format!("cannot {what} the keys' folder {}: {error}", self.folder.display()))
    }
}

impl KeyHome for Vault {
    fn keep(&self, purpose: Purpose, seed: [u8; 32]) -> Result<Keys, Fault> {
        self.add(purpose, &seed)
            .map_err(|error| Fault::Unavailable(format!("the keys' folder: {error}")))?;
        self.open().map_err(|failure| Fault::Unavailable(failure.to_string()))
    }
}

/// The text of a secret's file, which must be closed to other users.
pub fn read(path: &Path) -> Outcome<String> {
    let cannot = |error: io::Error| {
        Failure::new(format!("cannot read the key {}: {error}", path.display()))
            .advise("It must be there, and this user must be able to read it.")
    };
    let mode = fs::metadata(path).map_err(cannot)?.permissions().mode();
    if mode & 0o007 != 0 {
        return Err(Failure::new(format!("{} is open to every user", path.display()))
            .advise(format!("Close it: chmod 600 {}", path.display())));
    }
    if mode & 0o070 != 0 {
        tracing::warn!(path = %path.display(), "a key is open to its group");
    }
    fs::read_to_string(path).map_err(cannot)
}

fn prefix(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::License => "license-",
        Purpose::Protocol => "protocol-",
    }
}

fn seed_name(purpose: Purpose, number: u32) -> String {
    format!("{}{number:04}.seed", prefix(purpose))
}

fn hex_digits(byte: u8) -> [char; 2] {
    [byte >> 4, byte & 15].map(|digit| char::from_digit(u32::from(digit), 16).unwrap_or('0'))
}

fn from_hex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (byte, at) in bytes.iter_mut().zip((0..64).step_by(2)) {
        let pair =
            text.get(at..at + 2).filter(|pair| pair.bytes().all(|b| b.is_ascii_hexdigit()))?;
        *byte = u8::from_str_radix(pair, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SystemEntropy;

    fn vault() -> (tempfile::TempDir, Vault) {
        let folder = tempfile::tempdir().unwrap();
        let vault = Vault::within(folder.path());
        vault.create(&SystemEntropy).unwrap();
        (folder, vault)
    }

    fn kid(keys: &Keys) -> String {
        keys.current().unwrap().kid().to_owned()
    }

    #[test]
    fn a_rotation_signs_with_a_new_key_and_keeps_the_old() {
        let (_folder, vault) = vault();
        let first = kid(&vault.open().unwrap());
        assert_eq!(kid(&vault.open().unwrap()), first);
        let rotated = vault.keep(Purpose::License, [7; 32]).unwrap();
        assert_ne!(kid(&rotated), first);
        let opened = vault.open().unwrap();
        assert_eq!(kid(&opened), kid(&rotated));
        assert!(opened.license_key(&first).is_some());
        assert_eq!(opened.public_protocol().iter().count(), 1, "a key for another purpose stays");
    }

    #[test]
    fn a_protocol_key_is_rotated_and_made_where_it_lacks() {
        let (_folder, vault) = vault();
        let protocol = |keys: &Keys| keys.protocol().map(|key| key.kid().to_owned());
        let first = protocol(&vault.open().unwrap()).unwrap();
        vault.complete(&SystemEntropy).unwrap();
        assert_eq!(protocol(&vault.open().unwrap()), Some(first.clone()), "there is one already");
        let rotated = vault.keep(Purpose::Protocol, [7; 32]).unwrap();
        assert_ne!(protocol(&rotated), Some(first.clone()));
        assert!(
            rotated.protocol_key(&first).is_some()
                && rotated.public_protocol().get(&first).is_some()
        );

        for number in [1, 2] {
            fs::remove_file(vault.folder.join(seed_name(Purpose::Protocol, number))).unwrap();
        }
        assert_eq!(protocol(&vault.open().unwrap()), None);
        vault.complete(&SystemEntropy).unwrap();
        let made = protocol(&vault.open().unwrap()).unwrap();
        assert_ne!(made, first);
    }

    #[test]
    fn keys_are_never_overwritten() {
        let (_folder, vault) = vault();
        assert!(vault.create(&SystemEntropy).is_err());
        assert!(vault.write(&seed_name(Purpose::License, 1), &[1; 32]).is_err());
    }

    #[test]
    fn a_key_that_everybody_can_read_is_refused() {
        let (_folder, vault) = vault();
        let path = vault.folder.join(seed_name(Purpose::License, 1));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let refusal = vault.open().unwrap_err().to_string();
        assert!(refusal.contains("chmod 600"), "{refusal}");
    }

    #[test]
    fn damaged_and_missing_keys_are_told() {
        let (_folder, vault) = vault();
        fs::write(vault.folder.join(MASTER), "+1".repeat(32)).unwrap();
        assert!(vault.open().unwrap_err().to_string().contains("is not a key"));
        fs::remove_file(vault.folder.join(seed_name(Purpose::License, 1))).unwrap();
        fs::remove_file(vault.folder.join(MASTER)).unwrap();
        assert!(vault.open().unwrap_err().to_string().contains("master.secret"));
        assert!(Vault::within(Path::new("gone")).open().is_err());
    }
}
