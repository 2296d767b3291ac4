//! Passwords: argon2id (RFC 9106), on few threads behind a bounded queue.
//!
//! A hash takes tens of milliseconds and 19 MiB on purpose. Without a bound, a crowd at the door
//! would take all cores and all memory; with it, the crowd is told to come back. And nobody takes more than a few
//! places: who fills them all alone, with a right password even, keeps nobody else out.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, PasswordHash, Version};
use scrip_domain::TRACES;
use scrip_storage::{Blocking, Fault};
use tokio::sync::Semaphore;
use tracing::{Instrument, trace_span};

use crate::{Engine, Mode};

/// Hashes at once.
const THREADS: usize = 2;
/// Hashes at once, and those that may wait.
const PLACES: usize = 34;
/// Places that one source may have at a time.
const SHARE: usize = 4;

#[derive(Debug)]
pub(crate) struct Passwords {
    mode: Mode,
    blocking: Blocking,
    threads: Semaphore,
    places: Places,
}

/// Who has how many places: a source, or whoever it is that is known.
#[derive(Debug, Default)]
struct Places(Mutex<BTreeMap<String, usize>>);

/// A place, until it is dropped.
struct Place<'a> {
    places: &'a Places,
    who: &'a str,
}

impl Places {
    fn take<'a>(&'a self, who: &'a str) -> Result<Place<'a>, Crowded> {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (all, own) = (taken.values().sum::<usize>(), taken.get(who).copied().unwrap_or(0));
        if all >= PLACES || own >= SHARE {
            return Err(Crowded);
        }
        taken.insert(who.to_owned(), own.saturating_add(1));
        Ok(Place { places: self, who })
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut taken = self.places.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(own) = taken.get_mut(self.who) else { return };
        *own = own.saturating_sub(1);
        if *own == 0 {
            taken.remove(self.who);
        }
    }
}

/// Too many wait; come back in a few seconds.
#[derive(Debug)]
pub(crate) struct Crowded;

impl Passwords {
    pub fn new(mode: Mode, blocking: Blocking) -> Self {
        let (threads, places) = (Semaphore::new(THREADS), Places::default());
        Self { mode, blocking, threads, places }
    }

    /// The PHC string of `password` under `salt`, in a place of `who`.
    pub async fn hash(
        &self,
        password: &str,
        salt: [u8; 16],
        who: &str,
    ) -> Result<Result<String, Crowded>, Fault> {
        let argon = self.argon();
        let password = password.to_owned();
        let hash = move || {
            argon
                .hash_password_with_salt(password.as_bytes(), &salt)
                .map(|hash| hash.to_string())
                .map_err(|error| Fault::Bug(error.to_string()))
        };
        Ok(match self.run(who, hash).await? {
            Ok(hash) => Ok(hash?),
            Err(crowded) => Err(crowded),
        })
    }

    /// Whether `password` is the one behind `phc`, in a place of `who`. Without a `phc` it takes as long and says no: so
    /// nobody learns by the clock which addresses have accounts.
    pub async fn verify(
        &self,
        password: &str,
        phc: Option<&str>,
        who: &str,
    ) -> Result<Result<bool, Crowded>, Fault> {
        let argon = self.argon();
        let password = password.to_owned();
        let phc = phc.map(str::to_owned);
        let verify = move || match phc.as_deref().map(PasswordHash::new) {
            Some(Ok(hash)) => argon.verify_password(password.as_bytes(), &hash).is_ok(),
            Some(Err(_)) | None => {
                drop(argon.hash_password_with_salt(password.as_bytes(), &[0; 16]));
                false
            }
        };
        self.run(who, verify).await
    }

    async fn run<T: Send + 'static>(
        &self,
        who: &str,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<Result<T, Crowded>, Fault> {
        if self.blocking == Blocking::Inline {
            return Ok(Ok(work()));
        }
        let Ok(_place) = self.places.take(who) else { return Ok(Err(Crowded)) };
        let stopped = |_| Fault::Unavailable("the server is stopping".into());
        let waits = trace_span!(target: TRACES, "wait for a password's turn");
        let _thread = self.threads.acquire().instrument(waits).await.map_err(stopped)?;
        let hashes = trace_span!(target: TRACES, "hash a password");
        let done = tokio::task::spawn_blocking(work).instrument(hashes).await;
        done.map(Ok).map_err(|_| Fault::Bug("hashing panicked".into()))
    }

    fn argon(&self) -> Argon2<'static> {
        // OWASP's recommendation (19 MiB, 2 passes); next to nothing where nothing is at stake.
        let params = match self.mode {
            Mode::Live => Params::new(19 * 1024, 2, 1, None),
            Mode::Demo => Params::new(64, 1, 1, None),
        };
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params.unwrap_or_default())
    }
}

impl Engine {
    /// A password as it is kept, in a place of `who`; `None` when too many wait to be.
    pub(crate) async fn hashed(&self, password: &str, who: &str) -> Result<Option<String>, Fault> {
        let mut salt = [0; 16];
        self.fill(&mut salt);
        Ok(self.passwords.hash(password, salt, who).await?.ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_takes_all_places_alone() {
        let places = Places::default();
        let mut own: Vec<_> = (0..SHARE).map(|_| places.take("a").ok()).collect();
        assert!(own.iter().all(Option::is_some));
        assert!(places.take("a").is_err(), "that is its share");
        let crowd: Vec<_> = (SHARE..PLACES).map(|who| who.to_string()).collect();
        let mut others: Vec<_> = crowd.iter().map(|who| places.take(who).ok()).collect();
        assert!(others.iter().all(Option::is_some));
        own.pop();
        assert!(places.take("a").is_ok());
        others.push(places.take("b").ok());
        assert!(places.take("c").is_err(), "there is no place left");
        drop((own, others));
        assert!(places.0.lock().unwrap().is_empty());
    }
}
