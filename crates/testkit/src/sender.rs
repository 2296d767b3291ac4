//! A way to webhooks that leads nowhere: what was sent is kept, and answered as a test wants it.

use std::sync::{Mutex, PoisonError};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use scrip_engine::webhook::{Message, Reply, Sender, Unsent};

/// A sender with a script: what is answered next; then 204.
#[derive(Debug, Default)]
pub struct ScriptedSender {
    script: Mutex<Vec<Result<Reply, Unsent>>>,
    sent: Mutex<Vec<Message>>,
}

/// An answer with this status.
pub fn reply(status: u16) -> Result<Reply, Unsent> {
    Ok(Reply { status, retry_after: None, beginning: format!("status {status}") })
}

impl ScriptedSender {
    /// Answers this next, in this order.
    pub fn answer(&self, script: impl IntoIterator<Item = Result<Reply, Unsent>>) {
        self.script.lock().unwrap_or_else(PoisonError::into_inner).extend(script);
    }

    /// What was sent since this was last asked.
    pub fn sent(&self) -> Vec<Message> {
        std::mem::take(&mut *self.sent.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn next(&self) -> Result<Reply, Unsent> {
        let mut script = self.script.lock().unwrap_or_else(PoisonError::into_inner);
        if script.is_empty() { reply(204) } else { script.remove(0) }
    }
}

impl Sender for ScriptedSender {
    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<Reply, Unsent>> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).push(message.clone());
        async { self.next() }.boxed()
    }
}
