//! What the system asks of us: stop (SIGTERM, SIGINT), read the keys again (SIGHUP).

use std::io;
use std::sync::Arc;

use scrip_web::App;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::vault::Vault;

/// Requests to stop.
#[derive(Debug)]
pub struct Stop {
    terminate: Signal,
    interrupt: Signal,
}

impl Stop {
    /// Listens from now on.
    pub fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Waits for one.
    pub async fn asked(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }

    /// Ends the process at once when it is asked a second time. Nothing is lost: what was answered is
    /// on the disk.
    pub fn insist(mut self) {
        tokio::spawn(async move {
            self.asked().await;
            tracing::warn!("asked to stop again: stopping at once");
            std::process::exit(1);
        });
    }
}

/// Reads the keys again on each SIGHUP, after another server or a person added one.
pub async fn reload_keys(mut hang_up: Signal, vault: Arc<Vault>, app: App) {
    while hang_up.recv().await.is_some() {
        match vault.open() {
            Ok(keys) if keys.imprint() != app.engine.keys().imprint() => {
                let failure = vault.other_secret();
                tracing::error!(%failure, "the keys stay as they were");
            }
            Ok(keys) => {
                app.engine.use_keys(keys);
                tracing::info!("the keys were read again");
            }
            Err(failure) => tracing::error!(%failure, "the keys stay as they were"),
        }
    }
}
