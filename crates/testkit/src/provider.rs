//! A provider that keeps purchase requests in memory and signs as a real one does, and whose answers a test can lose.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;
use futures_util::future::ready;
use scrip_domain::document::{
    Confirmation, Decided, Document, Fulfilment, GivenBackBy, MAX_LENGTH, Offer, Outcome, Receipt,
    Refunding,
};
use scrip_domain::purchase_request::RequestState;
use scrip_domain::{Amount, Clock, Span, Timestamp};
use scrip_engine::mail::Posted;
use scrip_engine::mail::forward::Forwarded;
use scrip_engine::peer::PeerError;
use scrip_engine::provider::{
    Accepted, Asked, Earned, Moved, Opened, Picture, Provider, Returned, Standing,
};
use scrip_license::{KeySet, PublicKey, SigningKey, jws};
use serde_json::Value;

use crate::TestClock;

/// What becomes of one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It arrives, and its answer too.
    Answered,
    /// It never arrives.
    Lost,
    /// It is carried out, and the answer is lost.
    AnswerLost,
    /// It is refused with this code, and not carried out; behind a colon, with this reason.
    Refused(&'static str),
}

/// A provider with a script.
#[derive(Debug)]
pub struct ScriptedProvider {
    url: &'static str,
    clock: Mutex<Option<Arc<TestClock>>>,
    key: SigningKey,
    keys: KeySet,
    /// The merchant's keys, by which offers are read.
    merchant: KeySet,
    desk: Mutex<Desk>,
}

#[derive(Debug, Default)]
struct Desk {
    requests: BTreeMap<String, Row>,
    by_order: BTreeMap<String, String>,
    codes: BTreeMap<String, Returned>,
    refunds: BTreeMap<String, String>,
    standings: BTreeMap<String, Option<bool>>,
    fates: VecDeque<Fate>,
    calls: Vec<String>,
    next: u64,
}

/// A purchase request.
#[derive(Clone, Debug)]
pub struct Row {
    /// The offer, as it came.
    pub offer_text: String,
    /// What it says.
    pub offer: Offer,
    /// The picture that is given.
    pub picture: Picture,
    /// How much was captured and not given back.
    pub kept: u64,
}

impl ScriptedProvider {
    /// A provider at `url` for the merchant with these public keys.
    pub fn new(url: &'static str, merchant: &[PublicKey]) -> Self {
        let key = SigningKey::from_seed([21; 32]);
        Self {
            url,
            clock: Mutex::default(),
            keys: [key.public().clone()].into_iter().collect(),
            key,
            merchant: merchant.iter().cloned().collect(),
            desk: Mutex::default(),
        }
    }

    /// Goes by this clock.
    pub fn go_by(&self, clock: Arc<TestClock>) {
        *self.clock.lock().unwrap_or_else(PoisonError::into_inner) = Some(clock);
    }

    fn now(&self) -> u64 {
        let clock = self.clock.lock().unwrap_or_else(PoisonError::into_inner);
        clock.as_ref().map_or(0, |clock| clock.now().unix_seconds())
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The public key of its documents.
    pub fn public(&self) -> PublicKey {
        self.key.public().clone()
    }

    /// The key of its documents and requests.
    pub fn key(&self) -> &SigningKey {
        &self.key
    }

    /// What becomes of the next calls, one after the other; of any further one: it is answered.
    pub fn fate(&self, fates: &[Fate]) {
        self.desk().fates.extend(fates.iter().cloned());
    }

    /// What was called so far, in order.
    pub fn calls(&self) -> Vec<String> {
        self.desk().calls.clone()
    }

    /// The request of an order.
    pub fn row(&self, order: &str) -> Row {
        let desk = self.desk();
        desk.requests[&desk.by_order[order]].clone()
    }

    /// Changes the request of an order, as only a test can.
    pub fn tamper(&self, order: &str, change: impl FnOnce(&mut Row)) {
        let mut desk = self.desk();
        let id = desk.by_order[order].clone();
        change(desk.requests.get_mut(&id).expect("a request"));
    }

    /// Signs any document.
    pub fn sign<T: Document>(&self, document: &T) -> String {
        jws::sign_within(MAX_LENGTH, &self.key, T::TYP, document).expect("a document is signed")
    }

    /// Somebody has it before them.
    pub fn claim(&self, order: &str) {
        self.tamper(order, |row| row.picture.state = RequestState::Claimed);
    }

    /// `subject` says yes or no; gives the code with which they go back.
    pub fn decide(&self, order: &str, subject: &str, decision: Decided) -> String {
        let now = self.now();
        self.tamper(order, |row| {
            let confirmation = self.confirmation(row, subject, decision, now);
            row.picture.confirmation = Some(self.sign(&confirmation));
            row.picture.state = match decision {
                Decided::Approved => RequestState::Authorized,
                Decided::Declined => RequestState::Declined,
            };
        });
        self.return_code(subject, Some(order))
    }

    /// The confirmation that this provider would write.
    pub fn confirmation(
        &self,
        row: &Row,
        subject: &str,
        decision: Decided,
        now: u64,
    ) -> Confirmation {
        let approved = decision == Decided::Approved;
        Confirmation {
            issuer: self.url.to_owned(),
            audience: row.offer.issuer.clone(),
            subject: Some(subject.to_owned()),
            issued_at: now,
            request: row.picture.id.clone(),
            order: row.offer.order.clone(),
            offer: jws::digest(&row.offer_text),
            decision,
            reason: (!approved).then(|| "buyer".to_owned()),
            amount: if approved { row.offer.total } else { Amount::ZERO },
            hold_seconds: row.offer.hold_seconds,
        }
    }

    /// A code with which `subject` goes back, from an order or from a connection.
    pub fn return_code(&self, subject: &str, order: Option<&str>) -> String {
        let mut desk = self.desk();
        desk.next += 1;
        let code = format!("code-{}", desk.next);
        let picture = order.map(|order| desk.requests[&desk.by_order[order]].picture.clone());
        let funded = desk.standings.get(subject).copied().flatten();
        let returned = Returned {
            subject: subject.to_owned(),
            connection: order.is_none().then(|| "con_1".to_owned()),
            request: picture,
            standing: Standing { funded },
        };
        desk.codes.insert(code.clone(), returned);
        code
    }

    /// What `subject` shares from now on.
    pub fn share(&self, subject: &str, funded: Option<bool>) {
        self.desk().standings.insert(subject.to_owned(), funded);
    }

    /// The hold is over, or nobody confirmed in time.
    pub fn end(&self, order: &str) {
        self.tamper(order, |row| {
            row.picture.state = match row.picture.state {
                RequestState::Authorized => RequestState::Voided,
                _ => RequestState::Expired,
            };
        });
    }

    /// Gives so much of a captured request back, by itself.
    pub fn give_back(&self, order: &str, amount: u64, by: GivenBackBy) {
        self.tamper(order, |row| self.refund_row(row, amount, by, "not delivered in time"));
    }

    fn refund_row(&self, row: &mut Row, amount: u64, by: GivenBackBy, reason: &str) {
        row.kept -= amount;
        let refunded = row.offer.total.units() - row.kept;
        let refunding = Refunding {
            issuer: self.url.to_owned(),
            audience: row.offer.issuer.clone(),
            issued_at: self.now(),
            request: row.picture.id.clone(),
            order: row.offer.order.clone(),
            receipt: jws::digest(row.picture.receipt.as_deref().expect("it was captured")),
            refund: format!("rfd_{}", row.picture.refunds.len()),
            amount: Amount::new(amount).expect("an amount"),
            refunded: Amount::new(refunded).expect("an amount"),
            by,
            reason: reason.to_owned(),
        };
        row.picture.refunds.push(self.sign(&refunding));
        row.picture.state =
            if row.kept == 0 { RequestState::Refunded } else { RequestState::PartiallyRefunded };
    }

    /// Carries a call out as its fate has it.
    fn call<T>(
        &self,
        name: String,
        act: impl FnOnce(&mut Desk) -> Result<T, PeerError>,
    ) -> Result<T, PeerError> {
        let mut desk = self.desk();
        desk.calls.push(name);
        let silence = || PeerError::Unanswered("lost".to_owned());
        match desk.fates.pop_front().unwrap_or(Fate::Answered) {
            Fate::Answered => act(&mut desk),
            Fate::Lost => Err(silence()),
            Fate::AnswerLost => {
                let _ = act(&mut desk);
                Err(silence())
            }
            Fate::Refused(code) => Err(refused(code)),
        }
    }

    fn on<'a>(
        &'a self,
        verb: &str,
        request: &str,
        act: impl FnOnce(&Self, &mut Row) -> Result<(), PeerError>,
    ) -> Asked<'a, Picture> {
        let answer = self.call(verb.to_owned(), |desk| {
            let row = desk.requests.get_mut(request).ok_or_else(|| refused("not_found"))?;
            act(self, row)?;
            Ok(row.picture.clone())
        });
        ready(answer).boxed()
    }
}

fn refused(code: &str) -> PeerError {
    let (code, reason) = match code.split_once(':') {
        Some((code, reason)) => (code, Some(reason.to_owned())),
        None => (code, None),
    };
    PeerError::Refused { code: code.to_owned(), detail: "refused".to_owned(), reason }
}

impl Provider for ScriptedProvider {
    fn url(&self) -> &str {
        self.url
    }

    fn accept<'a>(&'a self, invitation: &'a str) -> Asked<'a, Accepted> {
        let answer = self.call(format!("accept {invitation}"), |_| {
            if invitation != "welcome" {
                return Err(refused("not_found"));
            }
            let (merchant, state) = ("mer_0000000000001".to_owned(), "active".to_owned());
            Ok(Accepted { merchant, state })
        });
        ready(answer).boxed()
    }

    fn open<'a>(&'a self, order: &'a str, offer: &'a str) -> Asked<'a, Opened> {
        let answer = self.call("open".to_owned(), |desk| {
            let claims: Offer = jws::verify_within(MAX_LENGTH, offer, Offer::TYP, &self.merchant)
                .map_err(|_| refused("offer_refused"))?;
            if claims.sum() != Some(claims.total) || claims.order != order {
                return Err(refused("offer_refused"));
            }
            let id = match desk.by_order.get(order) {
                Some(id) => id.clone(),
                None => {
                    desk.next += 1;
                    format!("req_{}", desk.next)
                }
            };
            desk.by_order.insert(order.to_owned(), id.clone());
            desk.requests.entry(id.clone()).or_insert_with(|| Row {
                offer_text: offer.to_owned(),
                kept: 0,
                picture: Picture {
                    id: id.clone(),
                    state: RequestState::Open,
                    confirmation: None,
                    receipt: None,
                    fulfilment: None,
                    refunds: Vec::new(),
                },
                offer: claims,
            });
            let url = format!("{}/pay/{id}", self.url);
            Ok(Opened { id, url, expires_in: Span::minutes(10) })
        });
        ready(answer).boxed()
    }

    fn request<'a>(&'a self, request: &'a str) -> Asked<'a, Picture> {
        self.on("request", request, |_, _| Ok(()))
    }

    fn capture<'a>(&'a self, request: &'a str) -> Asked<'a, Picture> {
        self.on("capture", request, |this, row| match row.picture.state {
            RequestState::Authorized => {
                let confirmation = row.picture.confirmation.as_deref().unwrap_or_default();
                let receipt = Receipt {
                    issuer: this.url.to_owned(),
                    audience: row.offer.issuer.clone(),
                    issued_at: this.now(),
                    request: row.picture.id.clone(),
                    order: row.offer.order.clone(),
                    confirmation: jws::digest(confirmation),
                    amount: row.offer.total,
                    fee: Amount::ZERO,
                    fulfil_seconds: row.offer.fulfil_seconds,
                };
                row.picture.receipt = Some(this.sign(&receipt));
                row.picture.state = RequestState::Captured;
                row.kept = row.offer.total.units();
                Ok(())
            }
            RequestState::Voided => Err(refused("hold_expired")),
            _ => Ok(()),
        })
    }

    fn fulfilled<'a>(&'a self, request: &'a str, codes: &'a str) -> Asked<'a, Picture> {
        self.on("fulfilled", request, |this, row| {
            if row.picture.fulfilment.is_some() {
                return Ok(());
            }
            let kept = row.picture.state == RequestState::Captured;
            let fulfilment = Fulfilment {
                issuer: this.url.to_owned(),
                audience: row.offer.issuer.clone(),
                issued_at: this.now(),
                request: row.picture.id.clone(),
                order: row.offer.order.clone(),
                receipt: jws::digest(row.picture.receipt.as_deref().unwrap_or_default()),
                codes: codes.to_owned(),
                outcome: if kept { Outcome::Fulfilled } else { Outcome::AlreadyRefunded },
            };
            row.picture.fulfilment = Some(this.sign(&fulfilment));
            if kept {
                row.picture.state = RequestState::Fulfilled;
            }
            Ok(())
        })
    }

    fn cancel<'a>(&'a self, request: &'a str) -> Asked<'a, Picture> {
        self.on("cancel", request, |_, row| {
            row.picture.state = match row.picture.state {
                RequestState::Open | RequestState::Claimed => RequestState::Cancelled,
                RequestState::Authorized => RequestState::Voided,
                state => state,
            };
            Ok(())
        })
    }

    fn refund<'a>(
        &'a self,
        request: &'a str,
        refund: &'a str,
        amount: Amount,
        reason: &'a str,
    ) -> Asked<'a, Picture> {
        let answer = self.call("refund".to_owned(), |desk| {
            let done = desk.refunds.contains_key(refund);
            let row = desk.requests.get_mut(request).ok_or_else(|| refused("not_found"))?;
            if !done {
                if amount.units() > row.kept || row.kept == 0 {
                    return Err(refused("already_refunded"));
                }
                self.refund_row(row, amount.units(), GivenBackBy::Merchant, reason);
            }
            let picture = row.picture.clone();
            desk.refunds.insert(refund.to_owned(), request.to_owned());
            Ok(picture)
        });
        ready(answer).boxed()
    }

    fn connect<'a>(&'a self, _: &'a str, _: &'a str) -> Asked<'a, Opened> {
        let answer = self.call("connect".to_owned(), |_| {
            let url = format!("{}/connect/ref_1", self.url);
            Ok(Opened { id: "con_1".to_owned(), url, expires_in: Span::minutes(10) })
        });
        ready(answer).boxed()
    }

    fn events(&self, _: Timestamp, _: u64) -> Asked<'_, Vec<(u64, Option<String>)>> {
        ready(Ok(Vec::new())).boxed()
    }

    fn redeem<'a>(&'a self, return_code: &'a str) -> Asked<'a, Returned> {
        let answer = self.call("redeem".to_owned(), |desk| {
            desk.codes.remove(return_code).ok_or_else(|| refused("not_found"))
        });
        ready(answer).boxed()
    }

    fn standing<'a>(&'a self, subject: &'a str) -> Asked<'a, Standing> {
        let answer = self.call("standing".to_owned(), |desk| {
            Ok(Standing { funded: desk.standings.get(subject).copied().flatten() })
        });
        ready(answer).boxed()
    }

    fn forward<'a>(&'a self, _: &'a str, letter: &'a Forwarded) -> Asked<'a, Posted> {
        let answer = self.call(format!("forward {}", letter.subject), |_| Ok(Posted::Accepted));
        ready(answer).boxed()
    }

    fn balance(&self) -> Asked<'_, Earned> {
        let answer = self.call("balance".to_owned(), |desk| {
            let kept = desk.requests.values().map(|row| row.kept).sum();
            let kept = Amount::new(kept).expect("an amount");
            Ok(Earned {
                merchant: "mer_0000000000001".to_owned(),
                state: "active".to_owned(),
                net: i64::try_from(kept.units()).expect("an amount"),
                pending: Amount::ZERO,
                payable: kept,
            })
        });
        ready(answer).boxed()
    }

    fn statement(&self) -> Asked<'_, Vec<Moved>> {
        ready(self.call("statement".to_owned(), |_| Ok(Vec::new()))).boxed()
    }

    fn read<'a>(&'a self, typ: &'a str, document: &'a str) -> Asked<'a, Value> {
        let claims = jws::verify_within::<Value>(MAX_LENGTH, document, typ, &self.keys);
        ready(claims.map_err(|error| PeerError::Unbelievable(error.to_string()))).boxed()
    }
}
