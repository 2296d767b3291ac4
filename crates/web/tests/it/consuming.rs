//! Uses and processings: taken once, leased and returned; the last one included, and never one more.

use scrip_domain::Span;
use scrip_domain::license::LicenseState;
use scrip_license::{KeySet, Lease, Limits, RentalStart, Terms, jws};
use serde_json::{Value, json};

use crate::licensed::{Licensed, ask, images, machines};

fn left(answer: &scrip_testkit::Answer) -> &Value {
    &answer.json["license"]["left"]
}

#[tokio::test]
async fn what_is_taken_is_taken_once_per_key() {
    let sold = Licensed::new(images(10), Limits::default()).await;
    let first = sold.consume("a", 3).await;
    assert_eq!((first.at("/code"), left(&first)), ("VALID", &json!(7)), "{first:?}");
    assert_eq!(first.json["consumption"]["units"], 3);
    assert_eq!(first.json["license"]["unit"], "images");
    assert_eq!(*left(&sold.consume("b", 2).await), json!(5));
    sold.shop.advance(Span::days(4000)).await;
    let again = sold.consume("a", 3).await;
    assert_eq!(again.bytes, first.bytes, "for ever, as it was then");
    let other = sold.consume("a", 4).await;
    assert_eq!((other.status, other.code()), (409, "idempotency_key_reused"));
    assert_eq!(other.at("/errors/0/field"), "key");
    let lease = sold.ask("lease", json!({ "fingerprint": "desk", "key": "a", "units": 3 })).await;
    assert_eq!((lease.status, lease.code()), (409, "idempotency_key_reused"));
    // Whatever has become of the license, what was taken was.
    sold.change(|license| license.state = LicenseState::Suspended).await;
    assert_eq!(sold.consume("a", 3).await.at("/code"), "VALID");
    assert_eq!(sold.consume("c", 1).await.at("/code"), "SUSPENDED");
    sold.shop.sound().await;
}

#[tokio::test]
async fn all_of_it_is_taken_or_nothing() {
    let sold = Licensed::new(Terms::Uses { count: 3 }, Limits::default()).await;
    assert_eq!(*left(&sold.consume("a", 2).await), json!(1));
    let over = sold.consume("b", 2).await;
    assert_eq!((over.at("/code"), left(&over)), ("USES_EXHAUSTED", &json!(1)));
    assert_eq!(over.json["consumption"], Value::Null);
    assert_eq!(sold.told("license.exhausted").await, 0);
    assert_eq!(*left(&sold.consume("b", 1).await), json!(0), "a refusal uses up no key");
    assert_eq!(sold.told("license.exhausted").await, 1);
    assert_eq!(sold.consume("c", 1).await.at("/code"), "USES_EXHAUSTED");
    assert_eq!(sold.code("validate", json!({})).await, "USES_EXHAUSTED");
    assert_eq!(sold.activate("desk").await.at("/code"), "VALID", "machines are another matter");
    sold.shop.run_webhooks().await;
    let event = sold.shop.get("/v1/events?type=license.exhausted", &sold.ada).await;
    let data = json!({ "object": "license", "id": sold.program.license, "state": "valid" });
    assert_eq!(event.json["data"][0]["data"], data);
    sold.shop.sound().await;
}

#[tokio::test]
async fn what_is_counted_is_called_by_its_name() {
    let sold = Licensed::new(images(10), Limits::default()).await;
    for (key, kind) in [("a", "images"), ("b", "processings")] {
        let body = json!({ "key": key, "units": 1, "kind": kind });
        assert_eq!(sold.code("consume", body).await, "VALID", "{kind}");
    }
    for kind in ["uses", "image", "IMAGES"] {
        let answer = sold.ask("consume", json!({ "key": "c", "units": 1, "kind": kind })).await;
        assert_eq!((answer.status, answer.at("/errors/0/field")), (400, "kind"), "{kind}");
    }
    assert_eq!(sold.shown().await["left"], 8);
}

#[tokio::test]
async fn where_nothing_is_counted_nothing_is_taken() {
    let rental = Terms::Rental { seconds: 60, from: RentalStart::Purchase };
    for terms in [Terms::Perpetual, rental, Terms::Trial { seconds: 60 }] {
        let sold = Licensed::new(terms, Limits::default()).await;
        for units in [1, 1_000_000_000] {
            let taken = sold.consume("a", units).await;
            assert_eq!((taken.at("/code"), left(&taken)), ("VALID", &Value::Null), "{terms:?}");
            assert_eq!(taken.json["consumption"], Value::Null);
        }
        let leased =
            sold.ask("lease", json!({ "fingerprint": "desk", "key": "b", "units": 5 })).await;
        assert_eq!((leased.at("/code"), &leased.json["leased"]["units"]), ("VALID", &json!(0)));
        let shown = sold.shown().await;
        assert_eq!([&shown["left"], &shown["used"]], [&Value::Null, &json!(0)]);
        sold.shop.sound().await;
    }
}

#[tokio::test]
async fn only_an_active_machine_takes_where_machines_are_limited() {
    let sold = Licensed::new(images(10), machines(1)).await;
    assert_eq!(sold.consume("a", 1).await.at("/code"), "NOT_ACTIVATED");
    let on = |machine: &str| {
        let body = json!({ "key": "a", "units": 1, "fingerprint": machine });
        sold.code("consume", body)
    };
    assert_eq!(on("desk").await, "NOT_ACTIVATED");
    sold.activate("desk").await;
    assert_eq!((&*on("lap").await, &*on("desk").await), ("NOT_ACTIVATED", "VALID"));
    assert_eq!(on("lap").await, "VALID", "the key stands for what was taken");
    assert_eq!(sold.code("deactivate", json!({ "fingerprint": "desk" })).await, "VALID");
    let body = json!({ "key": "b", "units": 1, "fingerprint": "desk" });
    assert_eq!(sold.code("consume", body).await, "NOT_ACTIVATED");
    assert_eq!(sold.shown().await["left"], 9);
    sold.shop.sound().await;
}

fn lease(key: &str, units: u64) -> Value {
    json!({ "fingerprint": "desk", "key": key, "units": units })
}

#[tokio::test]
async fn leased_units_are_set_apart_and_what_is_unused_comes_back() {
    let sold = Licensed::new(images(100), machines(1)).await;
    let first = sold.ask("lease", lease("a", 60)).await;
    assert_eq!((first.at("/code"), left(&first)), ("VALID", &json!(40)), "{first:?}");
    assert_eq!(first.json["license"]["machines"]["active"], 1, "it was activated by the way");
    let keys = sold.shop.get("/.well-known/jwks.json", "").await;
    let keys: KeySet = String::from_utf8(keys.bytes).unwrap().parse().unwrap();
    let claims: Lease = jws::verify(first.at("/lease"), Lease::TYP, &keys).unwrap();
    assert_eq!((claims.units, claims.unit.unwrap().as_str()), (Some(60), "images"));
    assert_eq!(claims.id, first.at("/leased/id"));
    assert_eq!(claims.expires_at - claims.issued_at, 30 * 86_400);
    let over = sold.ask("lease", lease("b", 41)).await;
    assert_eq!((over.at("/code"), left(&over)), ("PROCESSINGS_EXHAUSTED", &json!(40)));

    sold.shop.advance(Span::days(500)).await;
    let again = sold.ask("lease", lease("a", 60)).await;
    assert_eq!(again.bytes, first.bytes, "the same lease, byte for byte");
    for (body, what) in [
        (lease("a", 59), "other units"),
        (json!({ "fingerprint": "lap", "key": "a", "units": 60 }), "another machine"),
    ] {
        let other = sold.ask("lease", body).await;
        assert_eq!((other.status, other.code()), (409, "idempotency_key_reused"), "{what}");
    }
    let used = json!({ "key": "a", "units": 60, "fingerprint": "desk" });
    assert_eq!(sold.ask("consume", used).await.status, 409);

    let give = |used: u64| json!({ "lease": first.at("/leased/id"), "used": used });
    let much = sold.ask("return", give(61)).await;
    assert_eq!((much.status, much.at("/errors/0/field")), (400, "used"));
    let returned = sold.ask("return", give(25)).await;
    assert_eq!((returned.at("/code"), left(&returned)), ("VALID", &json!(75)), "{returned:?}");
    assert_eq!(
        (&returned.json["returned"]["used"], &returned.json["returned"]["units"]),
        (&json!(25), &json!(60))
    );
    assert_eq!(sold.ask("return", give(25)).await.bytes, returned.bytes, "twice");
    let other = sold.ask("return", give(26)).await;
    assert_eq!(
        (other.status, other.code(), other.at("/errors/0/field")),
        (409, "idempotency_key_reused", "used")
    );
    let shown = sold.shown().await;
    assert_eq!(
        [&shown["left"], &shown["used"], &shown["leased"]],
        [&json!(75), &json!(25), &json!(0)]
    );
    assert_eq!(
        sold.ask("lease", lease("a", 60)).await.bytes[..20],
        first.bytes[..20],
        "it stays what it was"
    );
    sold.shop.sound().await;
}

#[tokio::test]
async fn a_lease_is_no_longer_than_the_license_allows() {
    let terms = Terms::Rental { seconds: 5 * 86_400, from: RentalStart::Purchase };
    let sold = Licensed::new(terms, Limits { offline_days: Some(3), ..Limits::default() }).await;
    let length = async |key: &str, seconds: Option<u64>| {
        let mut body = json!({ "fingerprint": "desk", "key": key });
        if let Some(seconds) = seconds {
            body["seconds"] = seconds.into();
        }
        let leased = sold.ask("lease", body).await;
        let at = |name: &str| -> scrip_domain::Timestamp {
            serde_json::from_value(leased.json["leased"][name].clone()).unwrap()
        };
        at("expires_at").since(at("at")).as_millis() / 1000
    };
    assert_eq!(length("a", Some(60)).await, 60);
    assert_eq!(length("b", None).await, 3 * 86_400);
    assert_eq!(length("c", Some(315_360_000)).await, 3 * 86_400);
    sold.shop.advance(Span::days(4)).await;
    assert_eq!(length("d", None).await, 86_400, "not beyond the rental");
    sold.shop.advance(Span::days(1)).await;
    let over = sold.ask("lease", json!({ "fingerprint": "desk", "key": "e" })).await;
    assert_eq!((over.at("/code"), &over.json["lease"]), ("EXPIRED", &Value::Null));
}

#[tokio::test]
async fn a_return_is_booked_whatever_became_of_the_license() {
    let sold = Licensed::new(images(10), Limits::default()).await;
    let leased = sold.ask("lease", lease("a", 10)).await;
    assert_eq!(sold.told("license.exhausted").await, 1, "nothing is left to be taken");
    assert_eq!(sold.code("validate", json!({})).await, "PROCESSINGS_EXHAUSTED");
    sold.change(|license| license.state = LicenseState::Revoked).await;
    let give = json!({ "lease": leased.at("/leased/id"), "used": 0 });
    assert_eq!(sold.code("return", give.clone()).await, "VALID");
    sold.change(|license| license.state = LicenseState::Valid).await;
    assert_eq!(sold.shown().await["left"], 10);
    // Only its own license gives it back, and only by a code that is its newest.
    let others = crate::licensed::buy(&sold.shop, &sold.offer, &sold.ada, "second").await;
    let answer = ask(&sold.shop, &others.jws, "return", give.clone()).await;
    assert_eq!((answer.status, answer.at("/errors/0/field")), (404, "lease"));
    sold.change(|license| license.issue = 2).await;
    assert_eq!(sold.code("return", give).await, "SUPERSEDED");
    sold.change(|license| license.issue = 1).await;
    sold.shop.sound().await;
}
