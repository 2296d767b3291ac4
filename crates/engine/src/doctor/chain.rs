//! Chains of signed documents: each names the one before it by its digest, at both sides of a purchase.
//!
//! ```text
//! offer ◀─ confirmation ◀─ receipt ◀─┬─ fulfilment
//!                                    └─ refunds
//! ```
//! A row that lost a document, or got another in its place, is not what was signed. Signatures are not verified again: they were
//! when the documents came, and old keys of the other server may be gone.

use base64ct::{Base64UrlUnpadded, Encoding};
use scrip_domain::checkout::Checkout;
use scrip_domain::purchase_request::PurchaseRequest;
use scrip_license::jws;
use scrip_storage::reads::Page;
use scrip_storage::reads::doctor::MAX_FINDINGS;
use scrip_storage::{Fault, Store};
use serde_json::Value;

use super::Check;

/// How many rows are looked at together.
const PAGE: u32 = 100;

/// The documents of one purchase.
#[derive(Clone, Copy, Debug)]
struct Chain<'a> {
    offer: &'a str,
    confirmation: Option<&'a String>,
    receipt: Option<&'a String>,
    fulfilment: Option<&'a String>,
    refunds: &'a [String],
}

impl Chain<'_> {
    /// The first document that does not lie on the one before it, and that one.
    fn broken(&self) -> Option<&'static str> {
        let Self { offer, confirmation, receipt, fulfilment, refunds } = *self;
        let receipt_of = |document: &String| lies_on(document, "receipt", receipt);
        let confirmed = confirmation.is_none_or(|confirmation| {
            claim(confirmation, "offer").is_some_and(|digest| digest == jws::digest(offer))
        });
        if !confirmed {
            Some("the confirmation is not of this offer")
        } else if !receipt.is_none_or(|receipt| lies_on(receipt, "confirmation", confirmation)) {
            Some("the receipt is not of this confirmation")
        } else if !fulfilment.is_none_or(receipt_of) {
            Some("the fulfilment is not of this receipt")
        } else if !refunds.iter().all(receipt_of) {
            Some("a refund is not of this receipt")
        } else {
            None
        }
    }
}

/// Whether what `document` calls `before` is the digest of that.
fn lies_on(document: &str, before: &str, text: Option<&String>) -> bool {
    let digest = text.map(|text| jws::digest(text));
    digest.is_some() && claim(document, before) == digest
}

/// A text among the claims of a document.
fn claim(document: &str, name: &str) -> Option<String> {
    let claims = Base64UrlUnpadded::decode_vec(document.split('.').nth(1)?).ok()?;
    let claims: Value = serde_json::from_slice(&claims).ok()?;
    claims.get(name).and_then(Value::as_str).map(str::to_owned)
}

/// What was gone through, and what was found.
struct Found {
    rows: u64,
    findings: Vec<String>,
}

impl Found {
    fn check(self, name: &str, proves: &str) -> Check {
        let Self { rows, findings } = self;
        Check { name: name.to_owned(), proves: proves.to_owned(), rows, findings }
    }

    fn note(&mut self, subject: &impl ToString, broken: Option<&str>) {
        self.rows = self.rows.saturating_add(1);
        let most = usize::try_from(MAX_FINDINGS).unwrap_or(usize::MAX);
        if let Some(broken) = broken.filter(|_| self.findings.len() < most) {
            self.findings.push(format!("{}: {broken}", subject.to_string()));
        }
    }
}

/// At a provider: what it has signed for each purchase request.
pub async fn requests(store: &Store) -> Result<Check, Fault> {
    let mut found = Found { rows: 0, findings: Vec::new() };
    let mut page = Page { after: None, limit: PAGE };
    loop {
        let rows = store.purchase_requests(page).await?;
        let Some(last) = rows.last() else { break };
        page.after = Some(last.id.number());
        for row in &rows {
            let PurchaseRequest { id, offer, confirmation, receipt, fulfilment, .. } = row;
            let chain = Chain {
                offer,
                confirmation: confirmation.as_ref(),
                receipt: receipt.as_ref(),
                fulfilment: fulfilment.as_ref(),
                refunds: &[],
            };
            found.note(id, chain.broken());
        }
    }
    let mut page = Page { after: None, limit: PAGE };
    loop {
        let rows = store.refund_documents(page).await?;
        let Some(last) = rows.last() else { break };
        page.after = Some(last.id.number());
        for row in &rows {
            let of = lies_on(&row.document, "receipt", row.receipt.as_ref());
            found.note(&row.id, (!of).then_some("the refund is not of the receipt"));
        }
    }
    let proves = "what was signed for each purchase request lies on what was signed before it";
    Ok(found.check("request-chains", proves))
}

/// At a merchant: what the provider has signed for each order.
pub async fn checkouts(store: &Store) -> Result<Check, Fault> {
    let mut found = Found { rows: 0, findings: Vec::new() };
    let mut page = Page { after: None, limit: PAGE };
    loop {
        let rows = store.checkouts(page).await?;
        let Some(last) = rows.last() else { break };
        page.after = Some(last.order.number());
        for row in &rows {
            let Checkout { order, offer, confirmation, receipt, fulfilment, refunds, .. } = row;
            let chain = Chain {
                offer,
                confirmation: confirmation.as_ref(),
                receipt: receipt.as_ref(),
                fulfilment: fulfilment.as_ref(),
                refunds,
            };
            found.note(order, chain.broken());
        }
    }
    let proves = "what was signed for each order at the provider lies on what was signed before it";
    Ok(found.check("checkout-chains", proves))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use scrip_domain::document::GivenBackBy;
    use scrip_domain::purchase_request::{RequestRefund, RequestState};
    use scrip_domain::request::{Request, RequestId};
    use scrip_domain::{Amount, Id, Timestamp};
    use scrip_license::SigningKey;
    use scrip_storage::books::Change;
    use scrip_storage::{Books, Changes, Command, Decision, Memory, Wants};
    use serde_json::json;

    use super::*;

    fn signed(claims: &Value) -> String {
        jws::sign(&SigningKey::from_seed([5; 32]), "scrip-test+jwt", claims).unwrap()
    }

    /// Documents of one purchase: offer, confirmation, receipt, fulfilment, refund.
    fn documents() -> [String; 5] {
        let offer = signed(&json!({ "order": "ord_1" }));
        let confirmation = signed(&json!({ "offer": jws::digest(&offer) }));
        let receipt = signed(&json!({ "confirmation": jws::digest(&confirmation) }));
        let fulfilment = signed(&json!({ "receipt": jws::digest(&receipt) }));
        let refund = signed(&json!({ "receipt": jws::digest(&receipt), "amount": 1 }));
        [offer, confirmation, receipt, fulfilment, refund]
    }

    /// Rows of both sides, out of nowhere.
    struct Forge(u64, [String; 5]);

    impl Forge {
        fn at_provider(&self) -> (PurchaseRequest, RequestRefund) {
            let (at, id) = (Timestamp::from_millis(0), Id::new(self.0).unwrap());
            let [offer, confirmation, receipt, fulfilment, document] = self.1.clone();
            let mut reference = [0; 32];
            reference[..8].copy_from_slice(&self.0.to_be_bytes());
            let request = PurchaseRequest {
                id,
                merchant: Id::new(1).unwrap(),
                order: format!("ord_{}", self.0),
                account: None,
                state: RequestState::Fulfilled,
                amount: Amount::ONE,
                offer,
                confirmation: Some(confirmation),
                receipt: Some(receipt),
                fulfilment: Some(fulfilment),
                reference,
                code: None,
                hold: None,
                fee: Amount::ZERO,
                refunded: Amount::ZERO,
                opened_at: at,
                decided_at: None,
                captured_at: None,
                fulfilled_at: None,
                pay_until: at,
                hold_until: None,
                fulfil_until: None,
                refund_until: None,
                due_at: None,
            };
            let refund = RequestRefund {
                request: id,
                id: Id::new(self.0).unwrap(),
                transfer: None,
                amount: Amount::ZERO,
                by: GivenBackBy::Merchant,
                reason: String::new(),
                document,
                at,
            };
            (request, refund)
        }

        fn at_merchant(&self) -> Checkout {
            let [offer, confirmation, receipt, fulfilment, refund] = self.1.clone();
            Checkout {
                order: Id::new(self.0).unwrap(),
                provider: "https://pay.test".into(),
                request: None,
                url: None,
                pay_until: None,
                asked: Request { key: 1, fingerprint: 1, id: RequestId::NONE },
                offer,
                confirmation: Some(confirmation),
                receipt: Some(receipt),
                fulfilment: Some(fulfilment),
                refunds: vec![refund],
                subject: None,
                reason: None,
                refund: None,
                due_at: None,
                attempts: 0,
            }
        }
    }

    impl Command for Forge {
        type Receipt = ();
        type Refusal = ();

        fn wants(&self, _: &mut Wants) {}

        fn decide(&self, _: &Books, _: Timestamp) -> Result<Decision<(), ()>, Fault> {
            let mut changes = Changes::default();
            let (request, refund) = self.at_provider();
            changes.purchase_requests.push(Change::Insert(request));
            changes.request_refunds.push(Change::Insert(refund));
            changes.checkouts.push(Change::Insert(self.at_merchant()));
            Ok(Decision::done((), changes))
        }
    }

    struct Noon;

    impl scrip_domain::Clock for Noon {
        fn now(&self) -> Timestamp {
            Timestamp::from_millis(1_795_348_800_000)
        }
    }

    #[tokio::test]
    async fn what_does_not_lie_on_what_was_signed_before_is_found_at_both_sides() {
        let memory = Memory::new("doctor-chains").unwrap();
        let (store, writer) = Store::memory(&memory).unwrap();
        tokio::spawn(writer.run(Arc::new(Noon), Arc::new(crate::Memory::default())));
        // More than a page, and all of it sound.
        for number in 1..=150 {
            store.submit(Forge(number, documents())).await.unwrap().unwrap();
        }
        let (ours, theirs) = (requests(&store).await.unwrap(), checkouts(&store).await.unwrap());
        assert_eq!((ours.rows, ours.findings), (300, vec![]));
        assert_eq!((theirs.rows, theirs.findings), (150, vec![]));

        let other = || signed(&json!({ "order": "ord_2" }));
        let damages: [(usize, String, &str); 6] = [
            (0, other(), "the confirmation is not of this offer"),
            (1, signed(&json!({ "offer": "x" })), "the confirmation is not of this offer"),
            (2, signed(&json!({ "confirmation": "x" })), "the receipt is not of this confirmation"),
            (3, other(), "the fulfilment is not of this receipt"),
            (3, "no document".into(), "the fulfilment is not of this receipt"),
            (4, other(), "a refund is not of this receipt"),
        ];
        for ((place, damage, says), number) in damages.into_iter().zip(201..) {
            let mut documents = documents();
            documents[place] = damage;
            store.submit(Forge(number, documents)).await.unwrap().unwrap();
            let found = checkouts(&store).await.unwrap().findings;
            let order = Id::<scrip_domain::order::Order>::new(number).unwrap();
            assert!(found.contains(&format!("{order}: {says}")), "{found:?}");
            let found = requests(&store).await.unwrap().findings.join("\n");
            let named = match place {
                4 => Id::<RequestRefund>::new(number).unwrap().to_string(),
                _ => Id::<PurchaseRequest>::new(number).unwrap().to_string(),
            };
            assert!(found.contains(&named), "{found}");
        }
    }

    #[test]
    fn what_is_lost_before_what_is_there_is_a_break() {
        let [offer, confirmation, receipt, fulfilment, _] = documents();
        let whole = Chain {
            offer: &offer,
            confirmation: Some(&confirmation),
            receipt: Some(&receipt),
            fulfilment: Some(&fulfilment),
            refunds: &[],
        };
        assert_eq!(whole.broken(), None);
        assert!(Chain { confirmation: None, ..whole }.broken().is_some());
        assert!(Chain { receipt: None, ..whole }.broken().is_some());
        let open = Chain { confirmation: None, receipt: None, fulfilment: None, ..whole };
        assert_eq!(open.broken(), None);
    }
}
