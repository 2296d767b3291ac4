//! What a partner sends that is altered, foreign, too early, too late or about something else: it changes nothing, and is
//! refused by a stable code where it is a mistake.

use scrip_domain::agreement::Terms;
use scrip_domain::document::exchange::{Acceptance, Proposal};
use scrip_domain::document::{Document, MAX_LENGTH};
use scrip_domain::{Clock, Span};
use scrip_engine::partner::{Notice, Partners};
use scrip_engine::peer::PeerError;
use scrip_license::jws;
use scrip_testkit::Shop;
use serde_json::{Value, json};

use crate::partners::{AURORA, BELLE, Vendors, terms};

fn sign<D: Document>(shop: &Shop, document: &D) -> String {
    sign_as(shop, D::TYP, document)
}

fn sign_as<D: Document>(shop: &Shop, typ: &str, document: &D) -> String {
    let keys = shop.app.engine.keys();
    jws::sign_within(MAX_LENGTH, keys.protocol().unwrap(), typ, document).unwrap()
}

/// The code by which something was refused.
fn refused(answer: Result<(), PeerError>) -> String {
    match answer {
        Err(PeerError::Refused { code, .. }) => code,
        answer => panic!("not refused: {answer:?}"),
    }
}

struct Wire(Vendors);

impl Wire {
    /// The way by which the second vendor asks the first.
    fn way_of_b(&self) -> &dyn Partners {
        self.0.b.app.engine.partners().unwrap()
    }

    /// A proposal of the second vendor's.
    fn proposal(&self) -> Proposal {
        let terms: Terms = serde_json::from_value(terms(BELLE)).unwrap();
        Proposal {
            issuer: BELLE.to_owned(),
            audience: AURORA.to_owned(),
            nonce: "n".to_owned(),
            issued_at: self.0.b.clock.now().unix_seconds(),
            version: 1,
            terms,
        }
    }

    async fn known_here(&self) -> usize {
        let all = self.0.a.get("/v1/admin/agreements", &self.0.a.admin).await;
        all.json["data"].as_array().unwrap().len()
    }

    async fn latest(&self) -> Value {
        let all = self.0.a.get("/v1/admin/agreements", &self.0.a.admin).await;
        all.json["data"][0].clone()
    }
}

#[tokio::test]
async fn proposals_that_are_not_to_be_believed_are_not_kept() {
    let wire = Wire(Vendors::open().await);
    let good = wire.proposal();
    let foreign = |change: fn(&mut Proposal)| {
        let mut proposal = good.clone();
        change(&mut proposal);
        proposal
    };
    let by_b = |proposal: &Proposal| sign(&wire.0.b, proposal);
    let altered = by_b(&good).replacen("eyJ", "eyK", 1);
    for (name, document) in [
        ("nothing", String::new()),
        ("no document", "a.b.c".to_owned()),
        ("altered", altered),
        ("signed by another", sign(&wire.0.a, &good)),
        ("of another kind", sign_as(&wire.0.b, Acceptance::TYP, &good)),
        ("by another", by_b(&foreign(|proposal| proposal.issuer = AURORA.to_owned()))),
        ("for another", by_b(&foreign(|proposal| proposal.audience = BELLE.to_owned()))),
        ("no number", by_b(&foreign(|proposal| proposal.version = 0))),
        ("far ahead", by_b(&foreign(|proposal| proposal.version = 101))),
        ("turned round", by_b(&foreign(|proposal| proposal.terms.parties.reverse()))),
        ("our scale", by_b(&foreign(|proposal| proposal.terms.parties[1].scale = 3))),
        ("no way", by_b(&foreign(|proposal| proposal.terms.ways = [None, None]))),
    ] {
        let answer = wire.way_of_b().propose(AURORA, &document).await;
        assert_eq!(refused(answer), "agreement_refused", "{name}");
    }
    let long = "x".repeat(200_000);
    let answer = wire.way_of_b().propose(AURORA, &long).await;
    assert_eq!(refused(answer), "too_large");
    assert_eq!(wire.known_here().await, 0);
    let document = by_b(&good);
    for _ in 0..2 {
        assert_eq!(wire.way_of_b().propose(AURORA, &document).await, Ok(()), "twice is once");
    }
    assert_eq!(wire.known_here().await, 1);
    let same_number = by_b(&foreign(|proposal| proposal.nonce = "m".to_owned()));
    assert_eq!(refused(wire.way_of_b().propose(AURORA, &same_number).await), "agreement_refused");
    let next = by_b(&foreign(|proposal| proposal.version = 2));
    assert_eq!(wire.way_of_b().propose(AURORA, &next).await, Ok(()));
    let all = wire.0.a.get("/v1/admin/agreements", &wire.0.a.admin).await;
    let states: Vec<_> = [0, 1].map(|n| all.json["data"][n]["state"].clone()).to_vec();
    assert_eq!(states, ["proposed", "withdrawn"], "who proposes anew has thought better of it");
    // As it comes once more, late.
    assert_eq!(wire.way_of_b().propose(AURORA, &document).await, Ok(()));
    assert_eq!(wire.known_here().await, 2);
    wire.0.sound().await;
}

#[tokio::test]
async fn an_acceptance_counts_when_it_is_signed_for_this_proposal_and_in_time() {
    let wire = Wire(Vendors::agreed().await);
    let body = json!({ "partner": wire.0.partners[0], "terms": terms(AURORA) });
    let vendor = &wire.0.a;
    let proposed = vendor.post("/v1/admin/agreements", &vendor.admin, "", body).await;
    assert_eq!(proposed.status, 201, "{proposed:?}");
    wire.0.work().await;
    let issued_at = wire.0.b.clock.now().unix_seconds();
    let good = Acceptance {
        issuer: BELLE.to_owned(),
        audience: AURORA.to_owned(),
        issued_at,
        proposal: proposed.at("/digest").to_owned(),
        effective_at: issued_at + 7 * 86_400,
    };
    let with = |change: fn(&mut Acceptance)| {
        let mut acceptance = good.clone();
        change(&mut acceptance);
        acceptance
    };
    for (name, document) in [
        ("signed by another", sign(&wire.0.a, &good)),
        ("for another", sign(&wire.0.b, &with(|one| one.audience = BELLE.to_owned()))),
        ("of nothing", sign(&wire.0.b, &with(|one| one.proposal = "x".to_owned()))),
        ("of something else", sign(&wire.0.b, &with(|one| one.proposal = "A".repeat(43)))),
        ("too soon", sign(&wire.0.b, &with(|one| one.effective_at -= 1))),
        ("too late", sign(&wire.0.b, &with(|one| one.effective_at += 400 * 86_400))),
        ("for ever", sign(&wire.0.b, &with(|one| one.effective_at = u64::MAX >> 1))),
    ] {
        let answer = wire.way_of_b().accept(AURORA, &document).await;
        assert_eq!(refused(answer), "agreement_refused", "{name}");
    }
    assert_eq!(wire.latest().await["state"], "proposed");
    let document = sign(&wire.0.b, &good);
    for _ in 0..2 {
        assert_eq!(wire.way_of_b().accept(AURORA, &document).await, Ok(()), "twice is once");
    }
    let other = sign(&wire.0.b, &with(|one| one.effective_at += 86_400));
    assert_eq!(refused(wire.way_of_b().accept(AURORA, &other).await), "agreement_refused");
    let latest = wire.latest().await;
    assert_eq!((&latest["state"], &latest["acceptance"]), (&json!("accepted"), &json!(document)));
    wire.0.a.sound().await;
}

#[tokio::test]
async fn notices_that_are_late_or_about_nothing_change_nothing() {
    let wire = Wire(Vendors::agreed().await);
    let before = wire.latest().await;
    let digest = before["digest"].as_str().unwrap().to_owned();
    for notice in [
        Notice::Declined(digest.clone()),
        Notice::Withdrawn(digest.clone()),
        Notice::Declined("nothing".to_owned()),
        Notice::Ends("A".repeat(43), 7),
    ] {
        assert_eq!(wire.way_of_b().tell(AURORA, &notice).await, Ok(()), "{notice:?}");
    }
    assert_eq!(wire.latest().await, before);
    let suspended = async || {
        let path = format!("/v1/admin/partners/{}", wire.0.partners[0]);
        let partner = wire.0.a.get(&path, &wire.0.a.admin).await;
        partner.json["suspended_there"].as_bool().unwrap()
    };
    for (notice, is_so) in [
        (Notice::Suspended(1000), true),
        (Notice::Resumed(2000), false),
        (Notice::Suspended(1500), false),
        (Notice::Suspended(2000), false),
        (Notice::Suspended(3000), true),
    ] {
        assert_eq!(wire.way_of_b().tell(AURORA, &notice).await, Ok(()));
        assert_eq!(suspended().await, is_so, "{notice:?}");
    }
    // A day in the past is now, and one far away is within a year.
    assert_eq!(wire.way_of_b().tell(AURORA, &Notice::Ends(digest.clone(), u64::MAX)).await, Ok(()));
    let far = wire.latest().await["ends_at"].as_str().unwrap().to_owned();
    assert!(far.starts_with("2027-11-24"), "{far}");
    assert_eq!(wire.way_of_b().tell(AURORA, &Notice::Ends(digest, 7)).await, Ok(()));
    assert_eq!(wire.latest().await["state"], "ended");
}

#[tokio::test]
async fn nobody_but_a_partner_is_heard() {
    let wire = Wire(Vendors::open().await);
    let (a, network) = (&wire.0.a, &wire.0.network);
    let settings = crate::partners::settings_of("Cole", "COL", 100);
    let stranger = Shop::vendor_on(network, "https://cole.test", settings).await;
    let from = stranger.app.engine.partners().unwrap();
    assert_eq!(refused(from.propose(AURORA, "x").await), "signature_refused");
    assert_eq!(refused(from.unlink(AURORA, "x").await), "signature_refused");
    for path in ["proposals", "acceptances", "notices", "links", "return-codes"] {
        let path = format!("/v1/peer/{path}");
        let answer = a.post(&path, &a.admin, "", json!({})).await;
        assert_eq!((answer.status, answer.code()), (401, "signature_refused"), "{path}");
    }
    // A signature is good for a minute.
    wire.0.network.clock().advance(Span::days(1));
    let (merchant, _) = Shop::merchant(scrip_testkit::settings()).await;
    let answer = merchant.post("/v1/peer/proposals", "", "", json!({})).await;
    assert_eq!((answer.status, answer.code()), (404, "not_found"));
}

#[tokio::test]
async fn a_link_is_opened_for_the_partners_own_pages_only() {
    let wire = Wire(Vendors::agreed().await);
    let from = wire.way_of_b();
    let back = format!("{BELLE}/partners/par_0000000000001");
    let link = "lnk_0000000000001";
    for (link, back, code) in [
        ("x", back.as_str(), "invalid_field"),
        ("acc_0000000000001", &back, "invalid_field"),
        (link, "https://else.test/back", "invalid_field"),
        (link, "https://belle.test.else.test/back", "invalid_field"),
        (link, "http://belle.test/back", "invalid_field"),
        (link, "https://belle.test/back#x", "invalid_field"),
        (link, "", "invalid_field"),
    ] {
        let answer = from.link(AURORA, link, back).await.map(drop);
        assert_eq!(refused(answer), code, "{link} {back}");
    }
    let opened = from.link(AURORA, link, &back).await.unwrap();
    assert_eq!(from.link(AURORA, link, &back).await.unwrap().url, opened.url);
    let elsewhere = from.link(AURORA, link, &format!("{BELLE}/else")).await.map(drop);
    assert_eq!(refused(elsewhere), "request_state");
    for code in ["", "x", "A", &"x".repeat(500)] {
        assert_eq!(refused(from.redeem(AURORA, code).await.map(drop)), "not_found", "{code}");
    }
    assert_eq!(refused(from.unlink(AURORA, "x").await), "not_found");
    assert_eq!(from.unlink(AURORA, &"A".repeat(22)).await, Ok(()), "nobody is no more");
}
