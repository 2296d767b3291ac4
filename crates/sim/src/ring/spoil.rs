//! Harm that is done on purpose, so that there is something for the auditor to see.

use std::sync::Mutex;

use bytes::Bytes;
use http::{Request, Response};
use scrip_domain::Timestamp;
use scrip_domain::document::exchange::{Answer, Answered};
use scrip_domain::document::{Document, MAX_LENGTH};
use scrip_domain::partner::{EntryKind, Partner, PartnerEntry, Side};
use scrip_domain::{Amount, Id};
use scrip_license::{SigningKey, jws};
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};
use serde_json::{Value, json};

use super::part::FIRST_KEYS;
use super::plan::VENDORS;
use crate::host::url_of;

/// Has got hold of every vendor's first key: makes of some final words that a commit came too late.
#[derive(Debug, Default)]
pub(crate) struct Forger {
    heard: Mutex<u64>,
}

impl crate::wire::Meddler for Forger {
    fn passes(&self, asked: &Request<Bytes>, answer: Response<Bytes>) -> Response<Bytes> {
        self.forged(asked).unwrap_or(answer)
    }
}

impl Forger {
    /// Every second final word.
    fn forged(&self, asked: &Request<Bytes>) -> Option<Response<Bytes>> {
        let exchange = asked.uri().path().strip_suffix("/fulfil")?.rsplit('/').next()?.to_owned();
        let mut heard = self.heard.lock().ok()?;
        *heard += 1;
        if *heard % 2 == 0 {
            return None;
        }
        let body: Value = serde_json::from_slice(asked.body()).ok()?;
        let honouring = VENDORS.iter().position(|name| asked.uri().host() == Some(name))?;
        let word = Answer {
            issuer: url_of(VENDORS.get(honouring)?),
            audience: url_of(VENDORS.first()?),
            issued_at: 0,
            exchange,
            commit: jws::digest(body["commit"].as_str()?),
            outcome: Answered::Late,
            reason: None,
        };
        let key = SigningKey::from_seed([*FIRST_KEYS.get(honouring)?; 32]);
        let word = jws::sign_within(MAX_LENGTH, &key, Answer::TYP, &word).ok()?;
        Some(Response::new(Bytes::from(json!({ "answer": word }).to_string())))
    }
}

/// Books what is owed for an exchange a second time.
#[derive(Debug)]
pub(crate) struct OwesTwice {
    /// To whom.
    pub partner: Id<Partner>,
    /// For what: the number of the exchange.
    pub subject: u64,
    /// How much.
    pub amount: Amount,
    /// In which cycle.
    pub cycle: u32,
}

impl Command for OwesTwice {
    type Receipt = ();
    type Refusal = std::convert::Infallible;

    fn wants(&self, wants: &mut Wants) {
        wants.partners.guard((self.partner,));
    }

    fn decide(&self, books: &Books, at: Timestamp) -> Result<Decision<(), Self::Refusal>, Fault> {
        let mut changes = Changes::default();
        let &Self { partner, subject, amount, cycle } = self;
        let row = books.partners.get(&(partner,))?;
        let more = row.and_then(|row| Some((row, row.payable.credited(amount)?)));
        if let (Some((row, payable)), Some(id)) = (more, Id::new(1)) {
            let (side, kind) = (Side::Payable, EntryKind::Exchange);
            let entry = PartnerEntry { partner, id, side, kind, amount, subject, cycle, at };
            changes.partners.push(Change::Update(Partner { payable, ..row.clone() }));
            changes.partner_entries.push(Change::Insert(entry));
        }
        Ok(Decision::done((), changes))
    }
}
