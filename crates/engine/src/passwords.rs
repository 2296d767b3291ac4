//! Passwords: argon2id (RFC 9106), on few threads behind a bounded queue.
//!
//! A hash takes tens of milliseconds and 19 MiB on purpose. Without a bound, a crowd at the door
//! would take all cores and all memory; with it, the crowd is told to come back.

use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, PasswordHash, Version};
use scrip_storage::{Blocking, Fault};
use tokio::sync::Semaphore;

use crate::{Engine, Mode};

/// Hashes at once.
const THREADS: usize = 2;
/// Hashes that may wait.
const QUEUE: usize = 32;

#[derive(Debug)]
pub(crate) struct Passwords {
    mode: Mode,
    blocking: Blocking,
    threads: Semaphore,
    places: Semaphore,
}

/// Too many wait; come back in a few seconds.
#[derive(Debug)]
pub(crate) struct Crowded;

impl Passwords {
    pub fn new(mode: Mode, blocking: Blocking) -> Self {
        Self {
            mode,
            blocking,
            threads: Semaphore::new(THREADS),
            places: Semaphore::new(THREADS.saturating_add(QUEUE)),
        }
    }

    /// The PHC string of `password` under `salt`.
    pub async fn hash(
        &self,
        password: &str,
        salt: [u8; 16],
    ) -> Result<Result<String, Crowded>, Fault> {
        let argon = self.argon();
        let password = password.to_owned();
        let hash = move || {
            argon
                .hash_password_with_salt(password.as_bytes(), &salt)
                .map(|hash| hash.to_string())
                .map_err(|error| Fault::Bug(error.to_string()))
        };
        Ok(match self.run(hash).await? {
            Ok(hash) => Ok(hash?),
            Err(crowded) => Err(crowded),
        })
    }

    /// Whether `password` is the one behind `phc`. Without a `phc` it takes as long and says no: so
    /// nobody learns by the clock which addresses have accounts.
    pub async fn verify(
        &self,
        password: &str,
        phc: Option<&str>,
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
        self.run(verify).await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<Result<T, Crowded>, Fault> {
        if self.blocking == Blocking::Inline {
            return Ok(Ok(work()));
        }
        let Ok(_place) = self.places.try_acquire() else { return Ok(Err(Crowded)) };
        let stopped = |_| Fault::Unavailable("the server is stopping".into());
        let _thread = self.threads.acquire().await.map_err(stopped)?;
        let done = tokio::task::spawn_blocking(work).await;
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
    /// A password as it is kept; `None` when too many wait to be.
    pub(crate) async fn hashed(&self, password: &str) -> Result<Option<String>, Fault> {
        let mut salt = [0; 16];
        self.fill(&mut salt);
        Ok(self.passwords.hash(password, salt).await?.ok())
    }
}
