//! Acts of the vendor's staff, and the row that each of them leaves: who changed what.
//!
//! A verb that only staff may use takes a [`Staff`], which only a key of the vendor's own gives, or
//! the command line on the machine itself. Its command carries a [`Note`], and writes it together
//! with what it changes; what changes nothing leaves no row. Uploading an object is no such act: it
//! changes nothing that anybody sees, and what is made of it is one.

use std::fmt::Display;

use scrip_domain::audit::{Act, Actor, Audit};
use scrip_domain::request::RequestId;
use scrip_domain::{Id, Timestamp};
use scrip_license::Digest;
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};
use serde_json::{Map, Value, json};
use sha2::Digest as _;

use crate::Engine;

/// What is longer than this, as JSON, is on record by its digest.
const LONG: usize = 300;

/// Somebody who acts for the vendor, by one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Staff {
    actor: Actor,
    request: RequestId,
}

impl Staff {
    /// Whoever has the server's folder in their hands.
    pub const OPERATOR: Self = Self { actor: Actor::Operator, request: RequestId::NONE };

    /// The server itself, by a rule.
    pub(crate) const SERVER: Self = Self { actor: Actor::Server, request: RequestId::NONE };

    pub(crate) fn new(actor: Actor, request: RequestId) -> Self {
        Self { actor, request }
    }

    /// Who it is.
    pub(crate) fn actor(self) -> Actor {
        self.actor
    }
}

/// What a command of the staff writes into the audit log.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Note {
    id: Id<Audit>,
    by: Staff,
}

impl Note {
    /// The note called `id` of what `by` asked for earlier.
    pub fn of(id: Id<Audit>, by: Staff) -> Self {
        Self { id, by }
    }

    /// Puts an act on record, with what it changed.
    pub fn write(
        &self,
        changes: &mut Changes,
        act: Act,
        subject: impl Display,
        what: Value,
        at: Timestamp,
    ) {
        let Staff { actor, request } = self.by;
        let (id, subject) = (self.id, subject.to_string());
        let row = Audit { id, actor, act, subject, changes: what, request, at };
        changes.audit.push(Change::Insert(row));
    }
}

/// The members of `new` that differ from those of `old`, both objects: what each was, and is.
pub(crate) fn difference(old: &Value, new: &Value) -> Value {
    let empty = Map::new();
    let (old, new) = (old.as_object().unwrap_or(&empty), new.as_object().unwrap_or(&empty));
    let differing = new.iter().filter(|(name, value)| old.get(*name) != Some(value));
    let pair = |(name, to): (&String, &Value)| {
        let changed = match old.get(name) {
            Some(from) => json!({ "from": short(from), "to": short(to) }),
            None => json!({ "to": short(to) }),
        };
        (name.clone(), changed)
    };
    Value::Object(differing.map(pair).collect())
}

/// The value, or what tells it from every other when it is long.
fn short(value: &Value) -> Value {
    let text = value.to_string();
    if text.len() <= LONG {
        return value.clone();
    }
    let digest = Digest(sha2::Sha256::digest(text.as_bytes()).into());
    json!({ "sha256": digest.to_string(), "bytes": text.len() })
}

impl Engine {
    /// The note of a command that `by` asks for.
    pub(crate) fn note(&self, by: Staff) -> Result<Note, Fault> {
        Ok(Note { id: self.mint()?, by })
    }

    /// Puts on record an act whose effects are not in the books.
    pub(crate) async fn record(
        &self,
        by: Staff,
        act: Act,
        subject: String,
        what: Value,
    ) -> Result<(), Fault> {
        let Ok(()) = self.submit(Record { note: self.note(by)?, act, subject, what }).await?;
        Ok(())
    }
}

struct Record {
    note: Note,
    act: Act,
    subject: String,
    what: Value,
}

impl Command for Record {
    type Receipt = ();
    type Refusal = std::convert::Infallible;

    fn wants(&self, _: &mut Wants) {}

    fn decide(&self, _: &Books, at: Timestamp) -> Result<Decision<(), Self::Refusal>, Fault> {
        let mut changes = Changes::default();
        self.note.write(&mut changes, self.act, &self.subject, self.what.clone(), at);
        Ok(Decision::done((), changes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_names_what_changed_and_keeps_it_small() {
        let long = "x".repeat(400);
        let old = json!({ "title": "A", "price": 3, "text": "short" });
        let new = json!({ "title": "B", "price": 3, "text": long, "tags": [] });
        let what = difference(&old, &new);
        assert_eq!(what["title"], json!({ "from": "A", "to": "B" }));
        assert_eq!(what["tags"], json!({ "to": [] }));
        assert_eq!(what.get("price"), None);
        assert_eq!(what["text"]["to"]["bytes"], 402);
        assert_eq!(what["text"]["to"]["sha256"].as_str().map(str::len), Some(64));
        assert_eq!(difference(&new, &new), json!({}));
    }
}
