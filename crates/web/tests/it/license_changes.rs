//! Licenses that change: suspended, revoked, issued again, extended; trials; reminders; what programs are told of it.

use futures_util::future::join_all;
use scrip_domain::Span;
use scrip_engine::keys::Keys;
use scrip_license::{
    Claims, KeySet, Limits, Reason, RentalStart, Revocations, Successor, Terms, jws,
};
use scrip_testkit::{Answer, Shop};
use serde_json::{Value, json};

use crate::licensed::{Licensed, images, machines};

pub fn aur(amount: u64) -> Value {
    json!({ "amount": amount, "unit": "AUR" })
}

const DAY: u64 = 86_400;

pub fn month() -> Terms {
    Terms::Rental { seconds: 30 * DAY, from: RentalStart::Purchase }
}

/// Buys these lines for so much in all.
pub async fn buy(shop: &Shop, who: &str, key: &str, lines: Value, total: u64) -> Answer {
    let body = json!({ "lines": lines, "expected_total": aur(total) });
    shop.post("/v1/purchases", who, key, body).await
}

async fn bought(shop: &Shop, who: &str, key: &str, offer: &str, total: u64) -> Answer {
    let paid = buy(shop, who, key, json!([{ "offer": offer }]), total).await;
    assert_eq!(paid.status, 201, "{paid:?}");
    paid
}

/// What the server says of a code.
async fn verdict(shop: &Shop, code: &str) -> String {
    let answer = shop.post("/v1/licenses/validate", "", "", json!({ "code": code })).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.code().to_owned()
}

async fn judge(shop: &Shop, license: &str, what: &str) -> Answer {
    let path = format!("/v1/admin/licenses/{license}/{what}");
    shop.post(&path, &shop.admin, "", json!({ "reason": "a stolen card" })).await
}

async fn reissue(shop: &Shop, who: &str, license: &str, key: &str) -> Answer {
    shop.post(&format!("/v1/licenses/{license}/reissue"), who, key, json!({})).await
}

async fn extend(shop: &Shop, who: &str, key: &str, license: &str, body: Value) -> Answer {
    shop.post(&format!("/v1/licenses/{license}/extend"), who, key, body).await
}

async fn license(shop: &Shop, who: &str, license: &str) -> Value {
    shop.get(&format!("/v1/licenses/{license}"), who).await.json
}

/// A further offer of a product.
async fn offer(shop: &Shop, slug: &str, key: &str, price: u64, terms: Value) -> String {
    let body = json!({ "price": aur(price), "terms": terms });
    let path = format!("/v1/admin/products/{slug}/offers/{key}");
    let bearer = format!("Bearer {}", shop.admin);
    let put = shop.send("PUT", &path, &[("authorization", &bearer)], body).await;
    assert_eq!(put.status, 201, "{put:?}");
    put.at("/id").to_owned()
}

/// The types of `who`'s events, oldest first.
async fn told(shop: &Shop, who: &str) -> Vec<String> {
    shop.run_webhooks().await;
    let page = shop.get("/v1/events?limit=100", who).await;
    let events = page.json["data"].as_array().unwrap().iter();
    events.map(|event| event["type"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn staff_suspends_and_resumes_what_stays_owned() {
    let shop = Shop::open().await;
    let offer = shop.service("tuning", 250).await;
    let ada = shop.buyer("ada@example.com", 1000).await;
    let paid = bought(&shop, &ada, "k1", &offer, 250).await;
    let (id, code) = (paid.at("/licenses/0/id"), paid.at("/licenses/0/code/short"));
    let suspended = judge(&shop, id, "suspend").await;
    assert_eq!((suspended.status, suspended.at("/state")), (200, "suspended"), "{suspended:?}");
    assert_eq!(verdict(&shop, code).await, "SUSPENDED");
    assert_eq!(license(&shop, &ada, id).await["state"], "suspended");
    let again = judge(&shop, id, "suspend").await;
    assert_eq!(again.json, suspended.json, "doing it again changes nothing");
    let owned = buy(&shop, &ada, "k2", json!([{ "offer": offer }]), 250).await;
    assert_eq!((owned.status, owned.code()), (409, "already_owned"), "it is still owned");
    let new = reissue(&shop, &ada, id, "r1").await;
    assert_eq!((new.status, new.code(), new.at("/state")), (409, "license_state", "suspended"));
    assert_eq!(judge(&shop, id, "resume").await.at("/state"), "valid");
    assert_eq!(verdict(&shop, code).await, "VALID");
    let refused = judge(&shop, "lic_0000000000001", "suspend").await;
    assert_eq!(refused.status, 404);
    let path = format!("/v1/admin/licenses/{id}/suspend");
    let bare = shop.post(&path, &shop.admin, "", json!({})).await;
    assert_eq!((bare.status, bare.at("/errors/0/field")), (400, "reason"));
    assert_eq!(shop.post(&path, &ada, "", json!({ "reason": "x" })).await.status, 403);
    let events = told(&shop, &ada).await;
    assert_eq!(events[events.len() - 2..], ["license.suspended", "license.resumed"]);
    let audit = shop.get("/v1/admin/audit?limit=2", &shop.admin).await;
    assert_eq!(
        (audit.at("/data/0/act"), audit.at("/data/1/act")),
        ("license.resumed", "license.suspended")
    );
    assert_eq!(audit.at("/data/1/changes/reason/to"), "a stolen card");
    shop.sound().await;
}

#[tokio::test]
async fn what_is_revoked_never_comes_back_and_can_be_bought_again() {
    let shop = Shop::open().await;
    let offer = shop.service("tuning", 250).await;
    let ada = shop.buyer("ada@example.com", 1000).await;
    let paid = bought(&shop, &ada, "k1", &offer, 250).await;
    let (id, code) = (paid.at("/licenses/0/id"), paid.at("/licenses/0/code/jws"));
    judge(&shop, id, "suspend").await;
    assert_eq!(judge(&shop, id, "revoke").await.at("/state"), "revoked", "from suspended too");
    assert_eq!(verdict(&shop, code).await, "REVOKED");
    for what in ["resume", "suspend"] {
        let refused = judge(&shop, id, what).await;
        assert_eq!((refused.code(), refused.at("/state")), ("license_state", "revoked"), "{what}");
    }
    assert_eq!(judge(&shop, id, "revoke").await.status, 200, "doing it again changes nothing");
    bought(&shop, &ada, "k2", &offer, 250).await;
    // A refund gives back the money of a revoked license, and leaves it revoked.
    let path = format!("/v1/admin/orders/{}/refunds", paid.at("/id"));
    let back = shop.post(&path, &shop.admin, "f1", json!({ "reason": "sorry" })).await;
    assert_eq!(back.status, 201, "{back:?}");
    assert_eq!(verdict(&shop, code).await, "REVOKED");
    shop.sound().await;
}

#[tokio::test]
async fn a_refund_ends_a_suspended_license_too() {
    let shop = Shop::open().await;
    let offer = shop.service("tuning", 250).await;
    let ada = shop.buyer("ada@example.com", 1000).await;
    let paid = bought(&shop, &ada, "k1", &offer, 250).await;
    let (id, code) = (paid.at("/licenses/0/id"), paid.at("/licenses/0/code/short"));
    judge(&shop, id, "suspend").await;
    let path = format!("/v1/admin/orders/{}/refunds", paid.at("/id"));
    let back = shop.post(&path, &shop.admin, "f1", json!({ "reason": "fraud" })).await;
    assert_eq!(back.status, 201, "{back:?}");
    assert_eq!(verdict(&shop, code).await, "REFUNDED");
    let resumed = judge(&shop, id, "resume").await;
    assert_eq!((resumed.code(), resumed.at("/state")), ("license_state", "refunded"));
    bought(&shop, &ada, "k2", &offer, 250).await;
    shop.sound().await;
}

#[tokio::test]
async fn a_new_code_kills_the_old_one_at_once() {
    let shop = Shop::open().await;
    let offer = shop.product("tides", 100, month()).await;
    let ada = shop.buyer("ada@example.com", 1000).await;
    let bob = shop.buyer("bob@example.com", 0).await;
    let paid = bought(&shop, &ada, "k1", &offer, 100).await;
    let id = paid.at("/licenses/0/id").to_owned();
    shop.advance(Span::hours(1)).await;
    let new = reissue(&shop, &ada, &id, "r1").await;
    assert_eq!((new.status, &new.json["issue"]), (200, &json!(2)), "{new:?}");
    for form in ["jws", "short"] {
        let old = paid.at(&format!("/licenses/0/code/{form}"));
        assert_eq!(verdict(&shop, old).await, "SUPERSEDED", "{form}");
        assert_eq!(verdict(&shop, new.at(&format!("/code/{form}"))).await, "VALID", "{form}");
    }
    assert_eq!(new.json["expires_at"], paid.json["licenses"][0]["expires_at"], "no time is lost");
    assert_eq!(license(&shop, &ada, &id).await["code"], new.json["code"]);

    // Signed with another key, and then once more: every answer that was given is given again.
    let keys = Keys::new(&[[5; 32], [7; 32]], &[9; 32]).unwrap().with_protocol(&[[8; 32]]);
    shop.app.engine.use_keys(keys);
    let third = reissue(&shop, &ada, &id, "r2").await;
    assert_eq!(third.json["issue"], 3);
    for (key, first) in [("r1", &new), ("r2", &third)] {
        let replay = reissue(&shop, &ada, &id, key).await;
        assert_eq!(replay.header("idempotency-replayed"), "true");
        assert_eq!(replay.bytes, first.bytes, "{key}");
    }
    let body = json!([{ "offer": offer }]);
    let replay = buy(&shop, &ada, "k1", body, 100).await;
    assert_eq!((replay.header("idempotency-replayed"), &replay.bytes), ("true", &paid.bytes));

    assert_eq!(reissue(&shop, &bob, &id, "r1").await.status, 404, "somebody else's is none");
    assert_eq!(reissue(&shop, &ada, &id, "").await.code(), "idempotency_key_missing");
    assert_eq!(reissue(&shop, &ada, &id, "k1").await.code(), "idempotency_key_reused");
    let other = bought(&shop, &ada, "k2", &offer, 100).await;
    let reused = reissue(&shop, &ada, other.at("/licenses/0/id"), "r1").await;
    assert_eq!(reused.code(), "idempotency_key_reused");

    let path = format!("/v1/admin/licenses/{id}/reissue");
    let why = json!({ "reason": "the code was posted" });
    let by_staff = shop.post(&path, &shop.admin, "s1", why.clone()).await;
    assert_eq!((by_staff.status, &by_staff.json["issue"]), (200, &json!(4)), "{by_staff:?}");
    assert!(by_staff.json.get("code").is_none(), "a code is its holder's alone");
    let replay = shop.post(&path, &shop.admin, "s1", why).await;
    assert_eq!(replay.bytes, by_staff.bytes);
    assert_eq!(verdict(&shop, third.at("/code/short")).await, "SUPERSEDED");
    let audit = shop.get("/v1/admin/audit?limit=1", &shop.admin).await;
    assert_eq!(audit.at("/data/0/act"), "license.reissued");
    let events = told(&shop, &ada).await;
    assert_eq!(events.iter().filter(|one| *one == "license.reissued").count(), 3);
    shop.sound().await;
}

/// The list that is given now, read with these keys.
async fn list(shop: &Shop, query: &str, keys: &KeySet) -> (Answer, Revocations) {
    let answer = shop.get(&format!("/v1/revocations{query}"), "").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let text = String::from_utf8(answer.bytes.clone()).unwrap();
    let list = jws::verify_within(Revocations::MAX_LENGTH, &text, Revocations::TYP, keys).unwrap();
    (answer, list)
}

async fn keys(shop: &Shop) -> KeySet {
    let set = shop.get("/.well-known/jwks.json", "").await;
    String::from_utf8(set.bytes).unwrap().parse().unwrap()
}

#[tokio::test]
async fn what_is_dead_is_on_a_signed_list_at_once() {
    let shop = Shop::open().await;
    let (tides, maps) =
        (shop.product("tides", 100, month()).await, shop.service("maps", 100).await);
    let ada = shop.buyer("ada@example.com", 1000).await;
    let tide = bought(&shop, &ada, "k1", &tides, 100).await;
    let map = bought(&shop, &ada, "k2", &maps, 100).await;
    let of = |paid: &Answer| paid.at("/licenses/0/id").to_owned();
    let set = keys(&shop).await;
    let (empty, none) = list(&shop, "", &set).await;
    assert!(none.dead.is_empty() && none.ended.is_empty());
    assert_eq!(empty.header("content-type"), "application/scrip-revocations+jwt");
    assert_eq!(empty.header("access-control-allow-origin"), "*", "from anywhere");

    let new = reissue(&shop, &ada, &of(&tide), "r1").await;
    judge(&shop, &of(&map), "suspend").await;
    let (first, dead) = list(&shop, "", &set).await;
    assert_eq!(dead.dead[&of(&tide)], (1, Reason::Superseded));
    assert_eq!(dead.dead[&of(&map)], (1, Reason::Suspended));
    let claims = |code: &str| jws::verify::<Claims>(code, Claims::TYP, &set).unwrap();
    assert_eq!(dead.reason(&claims(tide.at("/licenses/0/code/jws"))), Some(Reason::Superseded));
    assert_eq!(dead.reason(&claims(new.at("/code/jws"))), None);

    let product = tide.at("/licenses/0/product");
    let (_, own) = list(&shop, &format!("?product={product}"), &set).await;
    assert_eq!((own.dead.len(), own.product.as_deref()), (1, Some(product)));
    let (_, strange) = list(&shop, "?product=prd_0000000000001", &set).await;
    assert!(strange.dead.is_empty(), "what is not there has no list of its own");
    assert_eq!(shop.get("/v1/revocations?product=tides", "").await.code(), "invalid_field");

    // Unchanged it keeps its bytes, also a while later.
    shop.advance(Span::minutes(5)).await;
    let (same, _) = list(&shop, "", &set).await;
    assert_eq!((same.header("etag"), &same.bytes), (first.header("etag"), &first.bytes));
    let known = [("if-none-match", first.header("etag"))];
    let unchanged = shop.send("GET", "/v1/revocations", &known, Value::Null).await;
    assert_eq!((unchanged.status, unchanged.bytes.len()), (304, 0));
    shop.advance(Span::hours(1)).await;
    let (fresh, later) = list(&shop, "", &set).await;
    assert_ne!(fresh.header("etag"), first.header("etag"), "signed anew after an hour");
    assert!(later.issued_at > dead.issued_at);

    judge(&shop, &of(&map), "resume").await;
    let (_, resumed) = list(&shop, "", &set).await;
    assert!(!resumed.dead.contains_key(&of(&map)));
    judge(&shop, &of(&map), "revoke").await;
    let path = format!("/v1/admin/orders/{}/refunds", tide.at("/id"));
    assert_eq!(shop.post(&path, &shop.admin, "f", json!({ "reason": "x" })).await.status, 201);
    let (_, ended) = list(&shop, "", &set).await;
    assert_eq!(ended.dead[&of(&map)], (1, Reason::Revoked));
    assert_eq!(ended.dead[&of(&tide)], (2, Reason::Refunded));
    shop.advance(Span::days(31)).await;
    let (_, over) = list(&shop, "", &set).await;
    assert!(!over.dead.contains_key(&of(&tide)), "what has ended by itself is not on it");
    shop.sound().await;
}

#[tokio::test]
async fn a_program_with_an_old_key_follows_to_the_new_one() {
    let shop = Shop::open().await;
    let offer = shop.product("tides", 100, month()).await;
    let ada = shop.buyer("ada@example.com", 1000).await;
    let shipped = keys(&shop).await;
    let chain = async || {
        let answer = shop.get("/v1/keys/chain", "").await;
        let keys = answer.json["keys"].as_array().unwrap().clone();
        keys.iter().map(|key| key.as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert!(chain().await.is_empty(), "there was one key only");
    let rotate = |seeds: &[[u8; 32]]| {
        let keys = Keys::new(seeds, &[9; 32]).unwrap().with_protocol(&[[8; 32]]);
        shop.app.engine.use_keys(keys);
    };
    rotate(&[[4; 32], [7; 32]]);
    rotate(&[[5; 32], [4; 32], [7; 32]]);
    let paid = bought(&shop, &ada, "k1", &offer, 100).await;
    let code = paid.at("/licenses/0/code/jws");
    let (list, _) = list(&shop, "", &keys(&shop).await).await;
    let list = String::from_utf8(list.bytes).unwrap();
    assert!(jws::verify::<Claims>(code, Claims::TYP, &shipped).is_err());
    let vendor = shop.get("/v1/vendor", "").await.at("/id").to_owned();
    let links = chain().await;
    assert_eq!(links.len(), 2);
    assert!(jws::verify::<Successor>(&links[0], Successor::TYP, &shipped).is_ok(), "oldest first");
    let mut set = shipped.clone();
    assert_eq!(set.follow(&vendor, &links), 2);
    assert!(jws::verify::<Claims>(code, Claims::TYP, &set).is_ok());
    assert!(jws::verify::<Revocations>(&list, Revocations::TYP, &set).is_ok());
    assert_eq!(chain().await, links, "the same keys give the same chain");
    // A key that was taken out by hand breaks it there.
    rotate(&[[5; 32], [7; 32]]);
    let broken = chain().await;
    let mut set = shipped;
    assert_eq!((broken.len(), set.follow(&vendor, &broken)), (1, 1), "from those that are left");
}

#[tokio::test]
async fn a_rental_is_extended_from_its_end_or_from_now() {
    let shop = Shop::open().await;
    let offer = shop.product("tides", 100, month()).await;
    let ada = shop.buyer("ada@example.com", 1000).await;
    shop.buyer("bob@example.com", 1000).await;
    let start = shop.app.engine.now();
    let paid = bought(&shop, &ada, "k1", &offer, 100).await;
    let id = paid.at("/licenses/0/id").to_owned();
    shop.advance(Span::days(10)).await;
    let body = json!({ "offer": offer, "expected_total": aur(100) });
    let more = extend(&shop, &ada, "e1", &id, body.clone()).await;
    assert_eq!(
        (more.status, more.json["licenses"].as_array().map(Vec::len)),
        (201, Some(0)),
        "{more:?}"
    );
    let end = |days| start.plus(Span::days(days)).to_string();
    assert_eq!(
        (more.at("/extended/0/license"), more.at("/extended/0/expires_at")),
        (&*id, &*end(60))
    );
    assert_eq!(more.json["extended"][0]["left"], Value::Null);
    assert_eq!(more.at("/lines/0/license"), id);
    assert_eq!(license(&shop, &ada, &id).await["expires_at"], end(60));
    assert_eq!(license(&shop, &ada, &id).await["code"], more.json["extended"][0]["code"]);
    let set = keys(&shop).await;
    let claims: Claims = jws::verify(more.at("/extended/0/code/jws"), Claims::TYP, &set).unwrap();
    assert_eq!(claims.expires_at, Some(start.plus(Span::days(60)).unix_seconds()));
    assert_eq!(
        verdict(&shop, paid.at("/licenses/0/code/jws")).await,
        "VALID",
        "the old one is not dead"
    );

    shop.advance(Span::days(70)).await;
    // Sessions have ended by then.
    let body_of = |email: &str| json!({ "email": email, "password": "correct horse" });
    let back = async |email: &str| {
        shop.post("/v1/sessions", "", "", body_of(email)).await.at("/token").to_owned()
    };
    let (ada, bob) = (back("ada@example.com").await, back("bob@example.com").await);
    assert_eq!(verdict(&shop, paid.at("/licenses/0/code/jws")).await, "EXPIRED");
    let lines = json!([{ "offer": offer, "quantity": 2, "license": id }]);
    let late = buy(&shop, &ada, "e2", lines.clone(), 200).await;
    assert_eq!((late.status, late.at("/extended/0/expires_at")), (201, &*end(140)), "{late:?}");
    assert_eq!(verdict(&shop, paid.at("/licenses/0/code/short")).await, "VALID");

    // Every answer is given again, whatever came after.
    reissue(&shop, &ada, &id, "r1").await;
    for (again, first) in [
        (extend(&shop, &ada, "e1", &id, body.clone()).await, &more),
        (buy(&shop, &ada, "e2", lines, 200).await, &late),
        (buy(&shop, &ada, "k1", json!([{ "offer": offer }]), 100).await, &paid),
    ] {
        assert_eq!(again.header("idempotency-replayed"), "true", "{again:?}");
        assert_eq!(again.bytes, first.bytes);
    }
    assert_eq!(shop.available(&ada).await, 600);
    for (who, license) in [(&bob, id.as_str()), (&ada, "lic_0000000000001")] {
        let lines = json!([{ "offer": offer, "license": license }]);
        let strange = buy(&shop, who, "x1", lines.clone(), 100).await;
        assert_eq!((strange.status, strange.at("/errors/0/field")), (404, "lines[0].license"));
        let quote = shop.post("/v1/quotes", who, "", json!({ "lines": lines })).await;
        assert_eq!(quote.status, 404, "{quote:?}");
        assert_eq!(extend(&shop, who, "x2", license, body.clone()).await.status, 404);
    }
    let visitor = json!({ "lines": [{ "offer": offer, "license": id }] });
    assert_eq!(shop.post("/v1/quotes", "", "", visitor).await.status, 404);
    let evidence = shop.get(&format!("/v1/orders/{}/evidence", more.at("/id")), &ada).await;
    let row = &evidence.json["extensions"][0]["row"];
    assert_eq!((&row["license"], &row["amount"]), (&json!(id), &json!(30 * DAY)), "{evidence:?}");
    assert_eq!(evidence.at("/lines/0/row/extends"), id);
    shop.sound().await;
}

#[tokio::test]
async fn a_refund_takes_an_extension_off_again() {
    let shop = Shop::open().await;
    let offer = shop.product("tides", 100, month()).await;
    let ada = shop.buyer("ada@example.com", 1000).await;
    let start = shop.app.engine.now();
    let paid = bought(&shop, &ada, "k1", &offer, 100).await;
    let id = paid.at("/licenses/0/id").to_owned();
    let body = json!({ "offer": offer, "quantity": 3 });
    let more = extend(&shop, &ada, "e1", &id, body.clone()).await;
    assert_eq!(more.status, 201, "{more:?}");
    let path = format!("/v1/admin/orders/{}/refunds", more.at("/id"));
    let refund = async |key: &str, body: Value| shop.post(&path, &shop.admin, key, body).await;
    let part = json!({ "reason": "too long", "lines": [{ "line": more.at("/lines/0/id"), "quantity": 1 }] });
    assert_eq!(refund("f1", part.clone()).await.status, 201);
    let ends = async || license(&shop, &ada, &id).await["expires_at"].clone();
    let end = |days| json!(start.plus(Span::days(days)).to_string());
    assert_eq!(ends().await, end(90));
    assert_eq!(refund("f1", part).await.header("idempotency-replayed"), "true");
    assert_eq!(ends().await, end(90));
    let keep = json!({ "reason": "a gift", "licenses": "keep",
        "lines": [{ "line": more.at("/lines/0/id"), "quantity": 1 }] });
    assert_eq!(refund("f2", keep).await.status, 201);
    assert_eq!(ends().await, end(90), "the buyer keeps it");
    assert_eq!(refund("f3", json!({ "reason": "all" })).await.status, 201);
    assert_eq!(ends().await, end(60));
    let replay = extend(&shop, &ada, "e1", &id, body).await;
    assert_eq!((replay.header("idempotency-replayed"), &replay.bytes), ("true", &more.bytes));
    assert_eq!(verdict(&shop, paid.at("/licenses/0/code/jws")).await, "VALID");
    shop.sound().await;
}

#[tokio::test]
async fn only_terms_of_a_kind_add_up() {
    let shop = Shop::open().await;
    let tides = shop.product("tides", 100, month()).await;
    let uses = offer(&shop, "tides", "uses", 10, json!({ "kind": "uses", "count": 5 })).await;
    let images = offer(
        &shop,
        "tides",
        "images",
        10,
        json!({ "kind": "processings", "count": 5, "unit": "images" }),
    )
    .await;
    let pages = offer(
        &shop,
        "tides",
        "pages",
        10,
        json!({ "kind": "processings", "count": 5, "unit": "pages" }),
    )
    .await;
    let good = offer(&shop, "tides", "for-good", 500, json!({ "kind": "perpetual" })).await;
    let trial = offer(&shop, "tides", "trial", 0, json!({ "kind": "trial", "seconds": 60 })).await;
    let other = shop.product("maps", 10, Terms::Uses { count: 5 }).await;
    let ada = shop.buyer("ada@example.com", 10_000).await;
    let mut ids = Vec::new();
    for (key, offer, total) in [
        ("b1", &tides, 100),
        ("b2", &uses, 10),
        ("b3", &images, 10),
        ("b4", &good, 500),
        ("b5", &trial, 0),
    ] {
        let paid = bought(&shop, &ada, key, offer, total).await;
        ids.push(paid.at("/licenses/0/id").to_owned());
    }
    let [rented, used, counted, owned, tried] = &ids[..] else { panic!("five licenses") };
    let refusals = [
        (rented, &uses, "other_terms"),
        (used, &tides, "other_terms"),
        (counted, &pages, "other_terms"),
        (counted, &uses, "other_terms"),
        (owned, &good, "perpetual"),
        (tried, &trial, "trial"),
        (used, &other, "other_product"),
    ];
    for (license, offer, why) in refusals {
        let refused = extend(&shop, &ada, "x", license, json!({ "offer": offer })).await;
        assert_eq!(
            (refused.status, refused.code(), refused.at("/reason")),
            (409, "not_extendable", why)
        );
        let lines = json!([{ "offer": offer, "license": license }]);
        let quote = shop.post("/v1/quotes", &ada, "", json!({ "lines": lines })).await;
        assert_eq!((quote.code(), quote.at("/reason")), ("not_extendable", why), "{quote:?}");
        let draft = shop.post("/v1/orders", &ada, "y", json!({ "lines": lines })).await;
        assert_eq!((draft.code(), draft.at("/reason")), ("not_extendable", why), "{draft:?}");
    }
    let more = extend(&shop, &ada, "e1", counted, json!({ "offer": images, "quantity": 3 })).await;
    assert_eq!((more.status, &more.json["extended"][0]["left"]), (201, &json!(20)), "{more:?}");
    let twice =
        json!([{ "offer": images, "license": counted }, { "offer": images, "license": counted }]);
    let refused = buy(&shop, &ada, "x1", twice, 20).await;
    assert_eq!((refused.status, refused.at("/errors/0/field")), (400, "lines[1].license"));
    judge(&shop, used, "suspend").await;
    let refused = extend(&shop, &ada, "x2", used, json!({ "offer": uses })).await;
    assert_eq!(refused.at("/reason"), "suspended");
    let bad = json!([{ "offer": uses, "license": "lic_x" }]);
    assert_eq!(buy(&shop, &ada, "x3", bad, 10).await.at("/errors/0/field"), "lines[0].license");
    shop.sound().await;
}

#[tokio::test]
async fn a_draft_extends_when_it_is_confirmed() {
    let shop = Shop::open().await;
    let offer = shop.product("scans", 100, Terms::Processings { count: 50, unit: None }).await;
    let ada = shop.buyer("ada@example.com", 300).await;
    let id = bought(&shop, &ada, "k1", &offer, 100).await.at("/licenses/0/id").to_owned();
    let coupon = json!({ "code": "HALF", "percent": 50 });
    assert_eq!(shop.post("/v1/admin/coupons", &shop.admin, "", coupon).await.status, 201);
    let lines = json!([{ "offer": offer, "license": id }, { "offer": offer }]);
    let draft = json!({ "lines": lines, "coupon": "half" });
    let draft = shop.post("/v1/orders", &ada, "d1", draft).await;
    assert_eq!((draft.status, draft.at("/total/display")), (201, "1.00 AUR"), "{draft:?}");
    let path = format!("/v1/orders/{}/confirm", draft.at("/id"));
    let paid = shop.post(&path, &ada, "c1", json!({})).await;
    assert_eq!((paid.status, &paid.json["extended"][0]["left"]), (200, &json!(100)), "{paid:?}");
    assert_eq!(paid.json["licenses"].as_array().map(Vec::len), Some(1), "the other line makes one");
    let again = shop.post(&path, &ada, "c1", json!({})).await;
    assert_eq!((again.header("idempotency-replayed"), &again.bytes), ("true", &paid.bytes));
    let shown = shop.get(&format!("/v1/orders/{}", draft.at("/id")), &ada).await;
    assert_eq!(shown.json["extended"], paid.json["extended"]);
    // Revoked meanwhile, it is not paid for.
    let body = json!({ "lines": [{ "offer": offer, "license": id }] });
    let late = shop.post("/v1/orders", &ada, "d2", body).await;
    judge(&shop, &id, "revoke").await;
    let path = format!("/v1/orders/{}/confirm", late.at("/id"));
    let refused = shop.post(&path, &ada, "c2", json!({})).await;
    assert_eq!((refused.code(), refused.at("/reason")), ("not_extendable", "revoked"));
    assert_eq!(shop.available(&ada).await, 100);
    shop.sound().await;
}

#[tokio::test]
async fn extensions_at_once_all_count() {
    let shop = Shop::open().await;
    let offer = shop.product("tides", 10, month()).await;
    let ada = shop.buyer("ada@example.com", 1000).await;
    let start = shop.app.engine.now();
    let id = bought(&shop, &ada, "k1", &offer, 10).await.at("/licenses/0/id").to_owned();
    let more = (0..8).map(async |n| {
        let answer =
            extend(&shop, &ada, &format!("e{}", n / 2), &id, json!({ "offer": offer })).await;
        assert_eq!(answer.status, 201, "{answer:?}");
    });
    let new = (0..4).map(async |n| {
        let answer = reissue(&shop, &ada, &id, &format!("r{}", n / 2)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json["issue"].clone()
    });
    let (_, issues) = tokio::join!(join_all(more), join_all(new));
    assert_eq!(issues, [json!(2), json!(2), json!(3), json!(3)], "each key once");
    let after = license(&shop, &ada, &id).await;
    assert_eq!(after["expires_at"], start.plus(Span::days(5 * 30)).to_string(), "four of them");
    assert_eq!(shop.available(&ada).await, 1000 - 50);
    shop.sound().await;
}

#[tokio::test]
async fn a_merchants_provider_takes_no_extensions() {
    let (shop, provider) = Shop::merchant(scrip_testkit::settings()).await;
    let offer = shop.product("tides", 100, month()).await;
    let body = json!({ "return_code": provider.return_code("ada", None) });
    let ada = shop.post("/v1/sessions", "", "", body).await.at("/token").to_owned();
    let lines = json!([{ "offer": offer, "license": "lic_0000000000001" }]);
    let draft = shop.post("/v1/orders", &ada, "d", json!({ "lines": lines })).await;
    assert_eq!((draft.status, draft.at("/reason")), (409, "at_provider"), "{draft:?}");
    let quote = shop.post("/v1/quotes", &ada, "", json!({ "lines": lines })).await;
    assert_eq!((quote.code(), quote.at("/reason")), ("not_extendable", "at_provider"));
    let one = extend(&shop, &ada, "e", "lic_0000000000001", json!({ "offer": offer })).await;
    assert_eq!(one.at("/reason"), "at_provider", "{one:?}");
}

#[tokio::test]
async fn there_is_one_trial_of_a_product() {
    let shop = Shop::open().await;
    let trial = shop.product("tides", 0, Terms::Trial { seconds: 7 * DAY }).await;
    let longer =
        offer(&shop, "tides", "longer", 5, json!({ "kind": "trial", "seconds": 600 })).await;
    let rent = offer(
        &shop,
        "tides",
        "month",
        5,
        json!({ "kind": "rental", "seconds": 600, "from": "purchase" }),
    )
    .await;
    let maps = shop.product("maps", 0, Terms::Trial { seconds: DAY }).await;
    let ada = shop.buyer("ada@example.com", 1000).await;
    let used = |answer: &Answer, field: &str| {
        assert_eq!((answer.status, answer.code()), (409, "trial_used"), "{answer:?}");
        assert_eq!(answer.at("/errors/0/field"), field);
    };
    let two = json!([{ "offer": trial, "quantity": 2 }]);
    used(&buy(&shop, &ada, "k0", two, 0).await, "lines[0].offer");
    let both = json!([{ "offer": trial }, { "offer": longer }]);
    used(&buy(&shop, &ada, "k0", both, 5).await, "lines[1].offer");
    let first = shop.post("/v1/orders", &ada, "d1", json!({ "lines": [{ "offer": trial }] })).await;
    let paid = buy(&shop, &ada, "k1", json!([{ "offer": trial }, { "offer": maps }]), 0).await;
    assert_eq!(paid.status, 201, "of each product one: {paid:?}");
    let path = format!("/v1/orders/{}/confirm", first.at("/id"));
    used(&shop.post(&path, &ada, "c1", json!({})).await, "lines[0].offer");
    used(&buy(&shop, &ada, "k2", json!([{ "offer": longer }]), 5).await, "lines[0].offer");
    let insist =
        json!({ "lines": [{ "offer": trial }], "expected_total": aur(0), "allow_duplicate": true });
    used(&shop.post("/v1/purchases", &ada, "k3", insist).await, "lines[0].offer");
    used(
        &shop.post("/v1/orders", &ada, "d2", json!({ "lines": [{ "offer": trial }] })).await,
        "lines[0].offer",
    );
    let path = format!("/v1/admin/orders/{}/refunds", paid.at("/id"));
    assert_eq!(shop.post(&path, &shop.admin, "f", json!({ "reason": "x" })).await.status, 201);
    used(&buy(&shop, &ada, "k4", json!([{ "offer": trial }]), 0).await, "lines[0].offer");
    bought(&shop, &ada, "k5", &rent, 5).await;
    assert_eq!(shop.get("/v1/licenses", &ada).await.json["data"].as_array().map(Vec::len), Some(3));
    shop.sound().await;
}

#[tokio::test]
async fn holders_are_reminded_before_the_end() {
    let shop = Shop::open().await;
    let offer = shop.product("tides", 100, month()).await;
    let ada = shop.buyer("ada@example.com", 1000).await;
    let paid = bought(&shop, &ada, "k1", &offer, 100).await;
    let other = bought(&shop, &ada, "k2", &offer, 100).await;
    let id = paid.at("/licenses/0/id").to_owned();
    let reminded = async || {
        while shop.app.engine.remind_due().await.unwrap() > 0 {}
        told(&shop, &shop.admin).await.iter().filter(|one| *one == "license.expiring").count()
    };
    assert_eq!(reminded().await, 0);
    shop.advance(Span::days(23)).await;
    assert_eq!(reminded().await, 2, "a week before");
    assert_eq!(reminded().await, 2, "once");
    let path = format!("/v1/admin/orders/{}/refunds", other.at("/id"));
    assert_eq!(shop.post(&path, &shop.admin, "f", json!({ "reason": "x" })).await.status, 201);
    shop.sound().await;
    shop.advance(Span::days(6)).await;
    assert_eq!(reminded().await, 3, "a day before, of what has not ended");
    assert_eq!(extend(&shop, &ada, "e1", &id, json!({ "offer": offer })).await.status, 201);
    shop.sound().await;
    shop.advance(Span::days(20)).await;
    assert_eq!(reminded().await, 3, "it has been extended");
    shop.advance(Span::days(4)).await;
    assert_eq!(reminded().await, 4);
    judge(&shop, &id, "suspend").await;
    shop.advance(Span::days(6)).await;
    assert_eq!(reminded().await, 4, "not while it is suspended");
    shop.advance(Span::days(2)).await;
    assert_eq!(reminded().await, 4);
    shop.sound().await;
}

#[tokio::test]
async fn a_license_is_extended_while_it_is_used() {
    let sold = Licensed::new(images(5), Limits::default()).await;
    let (shop, id) = (&sold.shop, sold.program.license.as_str());
    let more = (0..4).map(async |n| {
        let body = json!({ "offer": sold.offer });
        let answer = extend(shop, &sold.ada, &format!("e{n}"), id, body).await;
        assert_eq!(answer.status, 201, "{answer:?}");
    });
    let taken =
        (0..20).map(async |n| sold.consume(&format!("k{n}"), 1).await.json["valid"] == true);
    let (_, taken) = tokio::join!(join_all(more), join_all(taken));
    let taken = taken.into_iter().filter(|taken| *taken).count() as u64;
    let shown = sold.shown().await;
    assert_eq!((&shown["left"], &shown["used"]), (&json!(25 - taken), &json!(taken)), "{shown}");
    // What was used of an extension is not taken back with it: then nothing is left.
    while sold.consume(&format!("l{}", sold.shown().await["used"]), 1).await.json["valid"] == true {
    }
    let orders = shop.get("/v1/orders", &sold.ada).await;
    let path = format!("/v1/admin/orders/{}/refunds", orders.at("/data/0/id"));
    let back = shop.post(&path, &shop.admin, "f", json!({ "reason": "late" })).await;
    assert_eq!(back.status, 201, "{back:?}");
    let shown = sold.shown().await;
    assert_eq!((&shown["left"], &shown["used"]), (&json!(0), &json!(25)), "{shown}");
    shop.sound().await;
}

#[tokio::test]
async fn a_code_is_issued_again_while_machines_are_activated() {
    let sold = Licensed::new(Terms::Perpetual, machines(8)).await;
    let (shop, id) = (&sold.shop, sold.program.license.as_str());
    let names: Vec<_> = (0..8).map(|number| format!("machine {number}")).collect();
    let asked = join_all(names.iter().map(|name| sold.activate(name)));
    let (new, answers) = tokio::join!(reissue(shop, &sold.ada, id, "r1"), asked);
    assert_eq!(new.status, 200, "{new:?}");
    let of = |code: &str| answers.iter().filter(|answer| answer.code() == code).count();
    assert_eq!(of("VALID") + of("SUPERSEDED"), 8, "{answers:?}");
    assert_eq!(sold.shown().await["machines"]["active"], json!(of("VALID")), "they stay active");
    assert_eq!(sold.activate("machine 0").await.code(), "SUPERSEDED");
    let body = json!({ "code": new.at("/code/jws"), "fingerprint": "machine 0" });
    assert_eq!(shop.post("/v1/licenses/activate", "", "", body).await.code(), "VALID");
    shop.sound().await;
}

#[tokio::test]
async fn a_rental_that_has_not_begun_begins_longer() {
    let terms = Terms::Rental { seconds: 7 * DAY, from: RentalStart::FirstActivation };
    let sold = Licensed::new(terms, machines(1)).await;
    let (shop, id) = (&sold.shop, sold.program.license.as_str());
    let more =
        extend(shop, &sold.ada, "e1", id, json!({ "offer": sold.offer, "quantity": 2 })).await;
    assert_eq!(
        (more.status, &more.json["extended"][0]["expires_at"]),
        (201, &Value::Null),
        "{more:?}"
    );
    shop.advance(Span::days(3)).await;
    let begins = shop.app.engine.now();
    assert_eq!(sold.activate("laptop").await.code(), "VALID");
    let end = |days| json!(begins.plus(Span::days(days)).to_string());
    assert_eq!(sold.shown().await["expires_at"], end(21));
    shop.sound().await;
    let path = format!("/v1/admin/orders/{}/refunds", more.at("/id"));
    let back = shop.post(&path, &shop.admin, "f", json!({ "reason": "too long" })).await;
    assert_eq!(back.status, 201, "{back:?}");
    assert_eq!(sold.shown().await["expires_at"], end(7));
    shop.sound().await;
}

#[tokio::test]
async fn a_lease_ends_with_its_machine_on_the_list() {
    let sold = Licensed::new(images(10), machines(1)).await;
    let shop = &sold.shop;
    let set = keys(shop).await;
    let lease = json!({ "fingerprint": "laptop", "key": "l1", "units": 4 });
    let lease = sold.ask("lease", lease).await;
    assert_eq!(lease.code(), "VALID", "{lease:?}");
    let name = lease.at("/leased/id");
    assert!(!list(shop, "", &set).await.1.ended.contains(name));
    assert_eq!(sold.code("deactivate", json!({ "fingerprint": "laptop" })).await, "VALID");
    let (_, ended) = list(shop, "", &set).await;
    assert!(ended.ended.contains(name), "its seat is another's: {ended:?}");
    let (_, own) = list(shop, &format!("?product={}", sold.program.product), &set).await;
    assert_eq!(own.ended, ended.ended);
    // A machine that comes back has its leave again, until its time is over.
    assert_eq!(sold.activate("laptop").await.code(), "VALID");
    shop.advance(Span::seconds(2)).await;
    assert!(!list(shop, "", &set).await.1.ended.contains(name));
    assert_eq!(sold.code("deactivate", json!({ "fingerprint": "laptop" })).await, "VALID");
    shop.advance(Span::days(31)).await;
    assert!(!list(shop, "", &set).await.1.ended.contains(name));
    shop.sound().await;
}

#[tokio::test]
async fn part_of_an_extension_goes_back_after_all_of_it_was_used() {
    let sold = Licensed::new(images(5), Limits::default()).await;
    let (shop, id) = (&sold.shop, sold.program.license.as_str());
    let two = json!({ "offer": sold.offer, "quantity": 2 });
    let more = extend(shop, &sold.ada, "e1", id, two).await;
    assert_eq!(more.status, 201, "{more:?}");
    assert_eq!(sold.consume("k1", 15).await.code(), "VALID");
    let path = format!("/v1/admin/orders/{}/refunds", more.at("/id"));
    let line = json!([{ "line": more.at("/lines/0/id"), "quantity": 1 }]);
    let body = json!({ "lines": line, "reason": "one too many" });
    let back = shop.post(&path, &shop.admin, "f1", body).await;
    assert_eq!(back.status, 201, "{back:?}");
    let shown = sold.shown().await;
    assert_eq!((&shown["left"], &shown["used"]), (&json!(0), &json!(15)), "{shown}");
    shop.sound().await;
    let rest = shop.post(&path, &shop.admin, "f2", json!({ "reason": "all of it" })).await;
    assert_eq!(rest.status, 201, "{rest:?}");
    shop.sound().await;
}
