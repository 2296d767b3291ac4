//! Machines: as many as the license allows, moved as often as it allows.

use scrip_domain::Span;
use scrip_domain::license::LicenseState;
use scrip_license::{KeySet, Lease, Limits, RentalStart, Terms, jws, machine};
use scrip_testkit::Shop;
use serde_json::{Value, json};

use crate::licensed::{Licensed, Program, ask, buy, images, machines, offer};

const DAY: Span = Span::days(1);

/// The claims of a signed lease, by the keys that the shop publishes.
async fn leave(shop: &Shop, lease: &str) -> Lease {
    let keys = shop.get("/.well-known/jwks.json", "").await;
    let keys: KeySet = String::from_utf8(keys.bytes).unwrap().parse().unwrap();
    jws::verify(lease, Lease::TYP, &keys).unwrap()
}

/// The seconds from now on until a time that was told.
fn seconds_until(shop: &Shop, at: &Value) -> u64 {
    let at: scrip_domain::Timestamp = serde_json::from_value(at.clone()).unwrap();
    u64::try_from(at.since(shop.app.engine.now()).as_millis() / 1000).unwrap()
}

#[tokio::test]
async fn a_machine_is_activated_once_and_as_often_as_it_likes() {
    let sold = Licensed::new(Terms::Perpetual, machines(2)).await;
    let body = json!({ "fingerprint": "desk", "name": " Ada's laptop " });
    let first = sold.ask("activate", body.clone()).await;
    assert_eq!(first.at("/code"), "VALID", "{first:?}");
    assert_eq!(first.at("/activation/name"), "Ada's laptop");
    assert_eq!(first.json["license"]["machines"], json!({ "active": 1, "limit": 2 }));
    assert_eq!(seconds_until(&sold.shop, &first.json["activation"]["offline_until"]), 30 * 86_400);
    let claims = leave(&sold.shop, first.at("/lease")).await;
    assert_eq!(claims.id, first.at("/activation/id"));
    assert_eq!(
        (claims.license, claims.product),
        (sold.program.license.clone(), sold.program.product.clone())
    );
    assert_eq!((claims.machine, claims.units, claims.unit), (machine("desk"), None, None));
    assert_eq!(claims.expires_at - claims.issued_at, 30 * 86_400);
    let again = sold.ask("activate", body).await;
    assert_eq!(again.bytes, first.bytes, "in the same moment it is the same answer");

    sold.shop.advance(DAY).await;
    let later = sold.activate("desk").await;
    assert_eq!(later.json["activation"]["id"], first.json["activation"]["id"]);
    assert_eq!(later.json["activation"]["activated_at"], first.json["activation"]["activated_at"]);
    assert_eq!(later.at("/activation/name"), "Ada's laptop", "the name stays");
    let renewed = leave(&sold.shop, later.at("/lease")).await;
    assert_eq!(renewed.issued_at, claims.issued_at + 86_400);
    assert_eq!(sold.told("license.activated").await, 1);

    assert_eq!(sold.activate("lap").await.at("/code"), "VALID");
    let third = sold.activate("shelf").await;
    assert_eq!(third.at("/code"), "MACHINE_LIMIT");
    assert_eq!(third.json["license"]["machines"]["active"], 2);
    assert_eq!((&third.json["activation"], &third.json["lease"]), (&Value::Null, &Value::Null));
    let on = |machine: &str| sold.code("validate", json!({ "fingerprint": machine }));
    assert_eq!((&*on("desk").await, &*on("shelf").await), ("VALID", "NOT_ACTIVATED"));
    assert_eq!(sold.code("validate", json!({})).await, "VALID", "nobody asked about a machine");
    sold.shop.sound().await;
}

/// Whoever wants to see everything that is kept sees what machines and downloads have left of themselves, too.
#[tokio::test]
async fn the_export_of_an_account_names_its_machines() {
    let sold = Licensed::new(Terms::Perpetual, machines(2)).await;
    let body = json!({ "fingerprint": "desk", "name": "Ada's laptop" });
    assert_eq!(sold.ask("activate", body).await.at("/code"), "VALID");
    assert_eq!(sold.activate("lap").await.at("/code"), "VALID");
    let off = sold.ask("deactivate", json!({ "fingerprint": "lap" })).await;
    assert_eq!(off.at("/code"), "VALID", "{off:?}");
    let export = sold.shop.get("/v1/account/export", &sold.ada).await;
    let license = &export.json["licenses"][0];
    let machines = license["machines"].as_array().expect("a list");
    assert_eq!(machines.len(), 2, "{license}");
    assert!(!machines[0]["ended_at"].is_null() && machines[1]["ended_at"].is_null(), "{license}");
    assert_eq!(machines[1]["name"], "Ada's laptop");
    assert_eq!(license["downloads"], json!([]));
}

#[tokio::test]
async fn moves_are_counted_within_a_year() {
    let limits = Limits { machines: Some(1), moves: Some(2), ..Limits::default() };
    let sold = Licensed::new(Terms::Perpetual, limits).await;
    let off = |machine: &'static str| sold.ask("deactivate", json!({ "fingerprint": machine }));
    assert_eq!(off("desk").await.at("/code"), "NOT_ACTIVATED");
    for name in ["desk", "lap"] {
        assert_eq!(sold.activate(name).await.at("/code"), "VALID");
        let gone = off(name).await;
        assert_eq!(
            (gone.at("/code"), &gone.json["license"]["machines"]["active"]),
            ("VALID", &json!(0))
        );
        assert_eq!(off(name).await.at("/code"), "NOT_ACTIVATED", "once");
        sold.shop.advance(DAY).await;
    }
    assert_eq!(sold.activate("desk").await.at("/code"), "VALID");
    let refused = off("desk").await;
    assert_eq!(refused.at("/code"), "MACHINE_LIMIT");
    // The first of them was two days ago.
    assert_eq!(seconds_until(&sold.shop, &refused.json["can_move_at"]), 363 * 86_400);
    let shown = sold.shown().await;
    let own = format!("/v1/licenses/{}/deactivate", sold.program.license);
    let body = json!({ "activation": shown["activations"][0]["id"] });
    let ada = sold.sign_in().await;
    let by_holder = sold.shop.post(&own, &ada, "", body.clone()).await;
    assert_eq!(
        (by_holder.status, by_holder.code()),
        (409, "license_refused"),
        "it counts there, too"
    );
    assert_eq!(by_holder.at("/license_code"), "MACHINE_LIMIT");
    assert_eq!(by_holder.json["can_move_at"], refused.json["can_move_at"]);

    sold.shop.advance(Span::days(362)).await;
    assert_eq!(off("desk").await.at("/code"), "MACHINE_LIMIT");
    sold.shop.advance(DAY).await;
    assert_eq!(off("desk").await.at("/code"), "VALID");
    sold.activate("desk").await;
    let ada = sold.sign_in().await;
    assert_eq!(sold.shop.post(&own, &ada, "", body.clone()).await.status, 200);
    sold.activate("desk").await;
    assert_eq!(off("desk").await.at("/code"), "MACHINE_LIMIT", "two again, by whomever");
    sold.shop.sound().await;
}

#[tokio::test]
async fn without_any_move_only_staff_deactivates() {
    let limits = Limits { machines: Some(1), moves: Some(0), ..Limits::default() };
    let sold = Licensed::new(Terms::Perpetual, limits).await;
    let active = sold.activate("desk").await;
    let refused = sold.ask("deactivate", json!({ "fingerprint": "desk" })).await;
    assert_eq!((refused.at("/code"), refused.json.get("can_move_at")), ("MACHINE_LIMIT", None));
    let path = format!("/v1/admin/licenses/{}/deactivate", sold.program.license);
    let activation = active.at("/activation/id");
    let body = json!({ "activation": activation, "reason": "stolen" });
    assert_eq!(sold.shop.post(&path, &sold.ada, "", body.clone()).await.code(), "forbidden");
    let done = sold.shop.post(&path, &sold.shop.admin, "", body.clone()).await;
    assert_eq!((done.status, &done.json["machines"]["active"]), (200, &json!(0)), "{done:?}");
    assert_eq!((&done.json["moves"], &done.json["activations"]), (&json!(0), &json!([])));
    assert_eq!(done.json.get("code"), None, "a code is its holder's");
    let again = sold.shop.post(&path, &sold.shop.admin, "", body).await;
    assert_eq!((again.status, again.at("/license_code")), (409, "NOT_ACTIVATED"));
    let audit = sold.shop.get("/v1/admin/audit?limit=1", &sold.shop.admin).await;
    assert_eq!(audit.at("/data/0/act"), "machine.deactivated");
    assert_eq!(audit.at("/data/0/subject"), sold.program.license);
    assert_eq!(audit.json["data"][0]["changes"]["reason"], "stolen");
    let strange = json!({ "activation": "act_0000000000009", "reason": "x" });
    let strange = sold.shop.post(&path, &sold.shop.admin, "", strange).await;
    assert_eq!((strange.status, strange.at("/errors/0/field")), (404, "activation"));
    // It is free for another machine, and the same one comes back under its old name.
    assert_eq!(sold.activate("lap").await.at("/code"), "VALID");
    let body =
        json!({ "activation": sold.shown().await["activations"][0]["id"], "reason": "sold" });
    assert_eq!(sold.shop.post(&path, &sold.shop.admin, "", body).await.status, 200);
    assert_eq!(sold.activate("desk").await.at("/activation/id"), activation);
    sold.shop.sound().await;
}

#[tokio::test]
async fn the_library_says_where_a_license_is_in_use() {
    let sold = Licensed::new(images(100), machines(3)).await;
    for name in ["desk", "lap"] {
        let body = json!({ "fingerprint": name, "name": name });
        assert_eq!(sold.code("activate", body).await, "VALID");
    }
    let body = json!({ "key": "1", "units": 30, "fingerprint": "lap" });
    assert_eq!(sold.code("consume", body).await, "VALID");
    let body = json!({ "key": "2", "units": 20, "fingerprint": "lap" });
    assert_eq!(sold.code("lease", body).await, "VALID");
    let shown = sold.shown().await;
    let of = |value: &Value| {
        ["unit", "left", "used", "leased", "machines"].map(|name| value[name].clone())
    };
    let expected =
        [json!("images"), json!(50), json!(30), json!(20), json!({ "active": 2, "limit": 3 })];
    assert_eq!(of(&shown), expected);
    let names = |list: &Value| -> Vec<String> {
        let list = list.as_array().unwrap().iter();
        list.map(|machine| machine["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&shown["activations"]), ["lap", "desk"]);
    let listed = sold.shop.get("/v1/licenses", &sold.ada).await;
    assert_eq!(of(&listed.json["data"][0]), expected);

    let path = format!("/v1/licenses/{}/activations?limit=1", sold.program.license);
    let page = sold.shop.get(&path, &sold.ada).await;
    assert_eq!(names(&page.json["data"]), ["lap"]);
    let next = format!("{path}&after={}", page.at("/next"));
    assert_eq!(names(&sold.shop.get(&next, &sold.ada).await.json["data"]), ["desk"]);
    assert_eq!(sold.shop.get(&path, &sold.shop.admin).await.status, 200, "staff, too");
    let bob = sold.shop.buyer("bob@example.com", 0).await;
    assert_eq!(sold.shop.get(&path, &bob).await.status, 404);
    let own = format!("/v1/licenses/{}/deactivate", sold.program.license);
    let body = json!({ "activation": shown["activations"][1]["id"] });
    assert_eq!(sold.shop.post(&own, &bob, "", body.clone()).await.status, 404);
    let done = sold.shop.post(&own, &sold.ada, "", body).await;
    assert_eq!((done.status, names(&done.json["activations"])), (200, vec!["lap".to_owned()]));
    sold.shop.sound().await;
}

#[tokio::test]
async fn staff_finds_licenses_by_account_and_order() {
    let sold = Licensed::new(Terms::Perpetual, Limits::default()).await;
    let bob = sold.shop.buyer("bob@example.com", 1000).await;
    let others = buy(&sold.shop, &sold.offer, &bob, "buy").await;
    let second = buy(&sold.shop, &sold.offer, &sold.ada, "second").await;
    let admin = sold.shop.admin.clone();
    let list = async |query: &str| -> Vec<String> {
        let list = sold.shop.get(&format!("/v1/admin/licenses{query}"), &admin).await;
        assert_eq!(list.status, 200, "{list:?}");
        let rows = list.json["data"].as_array().unwrap().iter();
        rows.map(|row| row["id"].as_str().unwrap().to_owned()).collect()
    };
    let [first, others_id, second_id] =
        [&sold.program, &others, &second].map(|it| it.license.clone());
    assert_eq!(list("").await, [second_id.clone(), others_id.clone(), first.clone()]);
    assert_eq!(list("?limit=1").await, std::slice::from_ref(&second_id));
    let account = sold.shop.get("/v1/account", &sold.ada).await.at("/id").to_owned();
    assert_eq!(list(&format!("?account={account}")).await, [second_id.clone(), first.clone()]);
    assert_eq!(list(&format!("?order={}", others.order)).await, [others_id]);
    assert_eq!(list(&format!("?account={account}&order={}", second.order)).await, [second_id]);
    assert_eq!(list(&format!("?account={account}&order={}", others.order)).await, [""; 0]);
    let one = sold.shop.get(&format!("/v1/admin/licenses/{first}"), &admin).await;
    assert_eq!((one.at("/account"), one.at("/state")), (&*account, "valid"));
    for query in ["?account=ada", "?order=1"] {
        let answer = sold.shop.get(&format!("/v1/admin/licenses{query}"), &admin).await;
        assert_eq!((answer.status, answer.code()), (400, "invalid_field"));
    }
    assert_eq!(sold.shop.get("/v1/admin/licenses", &sold.ada).await.code(), "forbidden");
}

#[tokio::test]
async fn a_rental_begins_with_the_first_machine() {
    let terms = Terms::Rental { seconds: 10 * 86_400, from: RentalStart::FirstActivation };
    let limits = Limits { offline_days: Some(3), ..machines(2) };
    let sold = Licensed::new(terms, limits).await;
    sold.shop.advance(Span::days(100)).await;
    let before = sold.ask("validate", json!({ "fingerprint": "desk" })).await;
    assert_eq!(
        (before.at("/code"), &before.json["license"]["expires_at"]),
        ("NOT_ACTIVATED", &Value::Null)
    );
    let first = sold.activate("desk").await;
    let end = first.json["license"]["expires_at"].clone();
    assert_eq!(seconds_until(&sold.shop, &end), 10 * 86_400);
    let claims = leave(&sold.shop, first.at("/lease")).await;
    assert_eq!(claims.expires_at - claims.issued_at, 3 * 86_400);
    sold.shop.advance(Span::days(8)).await;
    let second = sold.activate("lap").await;
    assert_eq!(second.json["license"]["expires_at"], end, "it has begun");
    let claims = leave(&sold.shop, second.at("/lease")).await;
    assert_eq!(claims.expires_at - claims.issued_at, 2 * 86_400, "no longer than the rental");
    // The code says the end from then on; the one without it is as good.
    let shown = sold.shown().await;
    let code = shown["code"]["jws"].as_str().unwrap();
    assert_ne!(code, sold.program.jws);
    assert_eq!(ask(&sold.shop, code, "validate", json!({})).await.at("/code"), "VALID");
    sold.shop.advance(Span::days(2)).await;
    for verb in ["validate", "activate", "deactivate"] {
        let answer = sold.ask(verb, json!({ "fingerprint": "desk" })).await;
        assert_eq!(answer.at("/code"), "EXPIRED", "{verb}");
    }
    sold.shop.sound().await;
}

#[tokio::test]
async fn a_trial_is_had_once_on_a_machine() {
    let shop = Shop::open().await;
    let terms = Terms::Trial { seconds: 86_400 };
    let trial = offer(&shop, "tool", terms, Limits::default()).await;
    let other = offer(&shop, "other", terms, Limits::default()).await;
    let mut programs: Vec<Program> = Vec::new();
    for (who, offer) in [("ada", &trial), ("bob", &trial), ("eve", &other)] {
        let buyer = shop.buyer(&format!("{who}@example.com"), 1000).await;
        programs.push(buy(&shop, offer, &buyer, "buy").await);
    }
    let [adas, bobs, eves] = <[Program; 3]>::try_from(programs).unwrap();
    let on = async |program: &Program, machine: &str| {
        let answer = ask(&shop, &program.jws, "activate", json!({ "fingerprint": machine })).await;
        answer.at("/code").to_owned()
    };
    assert_eq!(on(&adas, "desk").await, "VALID");
    assert_eq!(on(&adas, "desk").await, "VALID", "the same license");
    assert_eq!(on(&adas, "lap").await, "VALID");
    assert_eq!(on(&bobs, "desk").await, "MACHINE_LIMIT", "somebody had it there");
    assert_eq!(on(&eves, "desk").await, "VALID", "another product");
    let off = ask(&shop, &adas.jws, "deactivate", json!({ "fingerprint": "desk" })).await;
    assert_eq!(off.at("/code"), "VALID");
    assert_eq!(on(&bobs, "desk").await, "MACHINE_LIMIT", "and has had it");
    let lease = json!({ "fingerprint": "desk", "key": "1" });
    assert_eq!(ask(&shop, &bobs.jws, "lease", lease).await.at("/code"), "MACHINE_LIMIT");
    assert_eq!(on(&bobs, "shelf").await, "VALID");
    shop.sound().await;
}

#[tokio::test]
async fn the_first_reason_is_the_answer() {
    let sold = Licensed::new(images(1), machines(1)).await;
    let other = json!({ "product": "prd_0000000000001", "fingerprint": "desk" });
    let verdict = async |body: &Value| sold.code("validate", body.clone()).await;
    assert_eq!(verdict(&json!({ "fingerprint": "desk" })).await, "NOT_ACTIVATED");
    sold.activate("desk").await;
    let body = json!({ "key": "1", "units": 1, "fingerprint": "desk" });
    assert_eq!(sold.code("consume", body).await, "VALID");
    assert_eq!(verdict(&json!({ "fingerprint": "strange" })).await, "PROCESSINGS_EXHAUSTED");
    assert_eq!(verdict(&other).await, "WRONG_PRODUCT");
    let now = sold.shop.app.engine.now();
    sold.change(move |license| license.expires_at = Some(now)).await;
    assert_eq!(verdict(&other).await, "EXPIRED");
    for (state, code) in [
        (LicenseState::Suspended, "SUSPENDED"),
        (LicenseState::Refunded, "REFUNDED"),
        (LicenseState::Revoked, "REVOKED"),
    ] {
        sold.change(move |license| license.state = state).await;
        let fields = json!({ "fingerprint": "desk", "key": "2", "units": 1 });
        for (verb, names) in [
            ("validate", &["fingerprint"][..]),
            ("activate", &["fingerprint"]),
            ("deactivate", &["fingerprint"]),
            ("consume", &["fingerprint", "key", "units"]),
            ("lease", &["fingerprint", "key", "units"]),
        ] {
            let body = names.iter().map(|name| ((*name).to_owned(), fields[*name].clone()));
            let answer = sold.ask(verb, Value::Object(body.collect())).await;
            assert_eq!(
                (answer.at("/code"), answer.at("/license/id")),
                (code, &*sold.program.license),
                "{verb}"
            );
        }
    }
    sold.change(|license| license.issue = 2).await;
    for code in [&sold.program.jws, &sold.program.short] {
        let answer = ask(&sold.shop, code, "validate", other.clone()).await;
        assert_eq!((answer.at("/code"), &answer.json["license"]), ("SUPERSEDED", &Value::Null));
    }
    sold.change(|license| license.state = LicenseState::Withheld).await;
    assert_eq!(verdict(&other).await, "SUPERSEDED");
    sold.change(|license| license.issue = 1).await;
    assert_eq!(verdict(&other).await, "UNKNOWN_CODE", "nobody's yet");
}

#[tokio::test]
async fn a_clock_that_is_set_back_gives_nothing_away() {
    let limits = Limits { machines: Some(1), moves: Some(1), ..Limits::default() };
    let terms = Terms::Rental { seconds: 86_400, from: RentalStart::FirstActivation };
    let sold = Licensed::new(terms, limits).await;
    let first = sold.activate("desk").await;
    // A server that starts with a clock that is a year behind.
    sold.shop.clock.set_back(Span::days(365));
    let sold = Licensed { shop: sold.shop.another().await, ..sold };
    let again = sold.activate("desk").await;
    assert_eq!(again.json["license"]["expires_at"], first.json["license"]["expires_at"]);
    assert_eq!(sold.code("deactivate", json!({ "fingerprint": "desk" })).await, "VALID");
    assert_eq!(sold.activate("lap").await.at("/code"), "VALID");
    assert_eq!(sold.code("deactivate", json!({ "fingerprint": "lap" })).await, "MACHINE_LIMIT");
    sold.shop.sound().await;
}
