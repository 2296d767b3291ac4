//! A way to a mail server that leads nowhere: what was sent is kept, and answered as a test wants it.

use std::sync::{Mutex, PoisonError};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use scrip_engine::mail::{Message, Post, Posted};

use crate::Shop;

/// A post with a script: what is answered next; then it takes everything.
#[derive(Debug, Default)]
pub struct ScriptedPost {
    script: Mutex<Vec<Posted>>,
    sent: Mutex<Vec<Message>>,
}

impl ScriptedPost {
    /// Answers this next, in this order.
    pub fn answer(&self, script: impl IntoIterator<Item = Posted>) {
        self.script.lock().unwrap_or_else(PoisonError::into_inner).extend(script);
    }

    /// What was handed over since this was last asked, whatever came of it, the oldest letter first.
    pub fn sent(&self) -> Vec<Message> {
        let mut sent =
            std::mem::take(&mut *self.sent.lock().unwrap_or_else(PoisonError::into_inner));
        sent.sort_by(|one, other| one.name.cmp(&other.name));
        sent
    }

    fn next(&self) -> Posted {
        let mut script = self.script.lock().unwrap_or_else(PoisonError::into_inner);
        if script.is_empty() { Posted::Accepted } else { script.remove(0) }
    }
}

impl Post for ScriptedPost {
    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Posted> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).push(message.clone());
        async { self.next() }.boxed()
    }
}

impl Shop {
    /// Makes letters of what has happened, sends what is due, and gives what was handed over.
    pub async fn run_mail(&self) -> Vec<Message> {
        while self.app.engine.publish().await.expect("events are published") > 0 {}
        self.app.engine.collect_letters().await.expect("letters are collected");
        self.app.engine.send_letters().await.expect("letters are sent");
        self.post.sent()
    }
}

/// What follows `before` in a letter's text, up to the end of its line: a link, a token, a code.
pub fn told_after<'m>(message: &'m Message, before: &str) -> &'m str {
    let rest = message.words.text.split_once(before).map_or("", |(_, rest)| rest);
    rest.lines().next().unwrap_or_default()
}
