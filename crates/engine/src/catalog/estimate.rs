//! What a client's downloads ran at, for its next estimate.

use scrip_domain::Id;
use scrip_domain::account::Account;
use scrip_domain::estimate::Speed;

use crate::Engine;

impl Engine {
    /// Takes note of a download that `account` carried out: so many bytes in so many milliseconds.
    pub fn measured(&self, account: Id<Account>, bytes: u64, millis: u64) {
        let Some(new) = Speed::of(bytes, millis) else { return };
        let speed = self.memory.speed(account).map_or(new, |old| old.blend(new));
        self.memory.remember_speed(account, speed);
    }

    /// What `account`'s downloads ran at, if there were any lately.
    pub fn measured_speed(&self, account: Id<Account>) -> Option<Speed> {
        self.memory.speed(account)
    }
}
