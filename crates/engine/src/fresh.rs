//! What a form brings along so that it makes its thing once, however often it is sent: the name that the thing will have,
//! and chance for what it keeps secret.
//!
//! Both are sealed into the form. The name is the key: what is there under it was made by this form, by an earlier try.
//! Secrets come from the chance, so that whoever sends a form twice sees the same ones, and nobody without the form ever
//! sees them again.

use std::fmt;

use scrip_domain::id::Kind;
use scrip_domain::{Id, Span, Timestamp};
use scrip_storage::Fault;

use crate::Engine;
use crate::keys::mac;

/// For how long a form can be sent.
const GOOD: Span = Span::days(1);
/// For how long after its thing was made a form tells the secret again.
const RETOLD: Span = Span::minutes(10);

/// What a form will make.
#[derive(Clone)]
pub struct Fresh<T> {
    /// What it will be called.
    pub id: Id<T>,
    /// Its own secret, which nobody has without the form and this server's keys.
    secret: [u8; 32],
}

impl<T: Kind> fmt::Debug for Fresh<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fresh").field("id", &self.id).finish_non_exhaustive()
    }
}

impl<T> Fresh<T> {
    /// The chance with this number: always the same for one form.
    pub(crate) fn chance(&self, number: u32) -> [u8; 32] {
        mac(&self.secret, &number.to_be_bytes())
    }

    /// As much of that chance as a code is made of.
    pub(crate) fn chance_of_code(&self, number: u32) -> [u8; 20] {
        let mut chance = [0; 20];
        chance.iter_mut().zip(self.chance(number)).for_each(|(to, from)| *to = from);
        chance
    }
}

/// Whether what was made at `made` may be told again at `now`: to a browser that sent its form twice, and to no one later.
pub fn is_retold(made: Timestamp, now: Timestamp) -> bool {
    now <= made.plus(RETOLD)
}

fn purpose<T: Kind>() -> String {
    format!("form: new {}", T::PREFIX)
}

impl Engine {
    /// The hidden word of a form that makes a `T`.
    pub fn fresh<T: Kind>(&self) -> Result<String, Fault> {
        let id: Id<T> = self.mint()?;
        let mut chance = [0; 16];
        self.fill(&mut chance);
        let value = (id.number(), u128::from_be_bytes(chance).to_string());
        Ok(self.seal(&purpose::<T>(), &value, self.now().plus(GOOD)))
    }

    /// What a form makes that came with this word; `None` when it is no word of ours, or too old.
    pub fn fresh_of<T: Kind>(&self, word: &str) -> Option<Fresh<T>> {
        let (number, chance): (u64, String) = self.unseal(&purpose::<T>(), word)?;
        let what = format!("{} {number} {chance}", purpose::<T>());
        let secret = mac(self.keys().seal_secret(), what.as_bytes());
        Some(Fresh { id: Id::new(number)?, secret })
    }
}
