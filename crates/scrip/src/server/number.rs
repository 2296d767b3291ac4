//! A server's number among those on one database: two servers with the same would make the same ids.

use std::time::Duration;

use scrip_domain::Clock;
use scrip_storage::Store;

use crate::failure::{Failure, Outcome};

/// A running server renews its lease each second; one that does not for so long is no more.
const SILENCE: Duration = Duration::from_millis(2500);

/// Refuses a number under which another server runs. A lock does that for SQLite; on PostgreSQL it
/// shows in the lease, whose end moves on. Only a server that starts within seconds of another's end
/// has to wait for it.
pub async fn is_free(store: &Store, number: u8, clock: &dyn Clock) -> Outcome {
    if store.is_exclusive() {
        return Ok(());
    }
    let lease = async || {
        let lease = store.server_lease(number).await;
        lease.map_err(|fault| Failure::of(&fault))
    };
    let before = lease().await?;
    if before.as_ref().is_none_or(|lease| lease.ceiling <= clock.now()) {
        return Ok(());
    }
    tokio::time::sleep(SILENCE).await;
    if lease().await? == before {
        return Ok(());
    }
    let what = format!("another server with the number {number} runs on this database");
    Err(Failure::new(what).advise("Give each server a `server_number` of its own, 0 to 255."))
}
