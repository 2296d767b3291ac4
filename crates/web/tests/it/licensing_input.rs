//! Whatever programs send: fingerprints of any shape, numbers of any spelling, codes that look alike.

use axum::body::Body;
use http::Request;
use scrip_domain::Span;
use scrip_license::{Limits, Terms};
use scrip_testkit::{Answer, Shop};
use serde_json::{Value, json};

use crate::licensed::{Licensed, ask, buy, images, machines, offer};

const VERBS: [&str; 6] = ["validate", "activate", "deactivate", "consume", "lease", "return"];

/// A body that the verb takes, whatever the code.
fn body(verb: &str, fingerprint: &str) -> Value {
    match verb {
        "consume" => json!({ "fingerprint": fingerprint, "key": "k", "units": 1 }),
        "lease" => json!({ "fingerprint": fingerprint, "key": "l", "units": 1 }),
        "return" => json!({ "lease": "lea_0000000000001", "used": 0 }),
        _ => json!({ "fingerprint": fingerprint }),
    }
}

async fn raw(shop: &Shop, verb: &str, body: &str) -> Answer {
    let request = Request::post(format!("/v1/licenses/{verb}"));
    let request = request.header("content-type", "application/json");
    shop.raw(request.body(Body::from(body.to_owned())).unwrap()).await
}

#[tokio::test]
async fn a_fingerprint_may_be_of_any_shape() {
    let shapes = [
        " ",
        "\u{0}",
        "a\u{0}b",
        "🦊",
        "\u{202e}gnirtS\u{202c}",
        "שלום",
        "é",
        "e\u{301}",
        "'; DROP TABLE activations; --",
        "\r\n\t",
        "\u{feff}",
        "\u{10ffff}",
        &"x".repeat(1024),
        &"🦊".repeat(1024),
    ];
    let sold = Licensed::new(images(1000), machines(u32::try_from(shapes.len()).unwrap())).await;
    let mut names = std::collections::BTreeSet::new();
    for shape in shapes {
        let active = sold.activate(shape).await;
        assert_eq!(active.at("/code"), "VALID", "{shape:?}: {active:?}");
        assert!(
            names.insert(active.at("/activation/id").to_owned()),
            "{shape:?} is a machine of its own"
        );
        assert_eq!(sold.code("validate", json!({ "fingerprint": shape })).await, "VALID");
    }
    assert_eq!(sold.activate("one more").await.at("/code"), "MACHINE_LIMIT");
    for shape in [String::new(), "x".repeat(1025), "🦊".repeat(1025)] {
        for verb in &VERBS[..5] {
            let answer = sold.ask(verb, body(verb, &shape)).await;
            assert_eq!(
                (answer.status, answer.at("/errors/0/field")),
                (400, "fingerprint"),
                "{verb}"
            );
        }
    }
    let large = sold.activate(&"x".repeat(1 << 20)).await;
    assert_eq!((large.status, large.code()), (413, "too_large"));
    for shape in [json!(1), json!(null), json!([]), json!({ "a": 1 }), json!(true)] {
        let answer = sold.ask("activate", json!({ "fingerprint": shape })).await;
        assert_eq!((answer.status, answer.at("/errors/0/field")), (400, "fingerprint"), "{shape}");
    }
    sold.shop.sound().await;
}

#[tokio::test]
async fn a_number_is_a_whole_one_within_its_bounds() {
    let sold = Licensed::new(images(1000), Limits::default()).await;
    let code = &sold.program.jws;
    let bad = [
        "0",
        "-1",
        "-0",
        "1.0",
        "1e3",
        "1.5",
        "1000000001",
        "18446744073709551616",
        "\"1\"",
        "null",
        "[1]",
        "NaN",
    ];
    for number in bad {
        let consume = format!(r#"{{"code":"{code}","key":"k","units":{number}}}"#);
        let lease =
            format!(r#"{{"code":"{code}","key":"k","fingerprint":"desk","units":{number}}}"#);
        for (verb, body) in [("consume", consume), ("lease", lease)] {
            if verb == "lease" && number == "null" {
                continue;
            }
            let answer = raw(&sold.shop, verb, &body).await;
            assert_eq!(answer.status, 400, "{verb} {number}: {answer:?}");
            if number != "NaN" {
                assert_eq!(answer.at("/errors/0/field"), "units", "{verb} {number}: {answer:?}");
            }
        }
    }
    for seconds in ["0", "-1", "1.0", "315360001"] {
        let body =
            format!(r#"{{"code":"{code}","key":"k","fingerprint":"desk","seconds":{seconds}}}"#);
        let answer = raw(&sold.shop, "lease", &body).await;
        assert_eq!((answer.status, answer.at("/errors/0/field")), (400, "seconds"), "{seconds}");
    }
    let lease = sold.ask("lease", json!({ "fingerprint": "desk", "key": "l", "units": 10 })).await;
    let id = lease.at("/leased/id");
    for used in ["-1", "1.0", "1e1", "11", "1000000001", "18446744073709551615", "null"] {
        let body = format!(r#"{{"code":"{code}","lease":"{id}","used":{used}}}"#);
        let answer = raw(&sold.shop, "return", &body).await;
        assert_eq!((answer.status, answer.at("/errors/0/field")), (400, "used"), "{used}");
    }
    let shown = sold.shown().await;
    assert_eq!([&shown["left"], &shown["used"]], [&json!(990), &json!(0)], "nothing was taken");
    sold.shop.sound().await;
}

#[tokio::test]
async fn a_key_has_1_to_128_visible_characters() {
    let sold = Licensed::new(images(1000), Limits::default()).await;
    for key in ["a", "!~", &"k".repeat(128), "../../etc", "null", "k:1/2?3#4"] {
        assert_eq!(sold.consume(key, 1).await.at("/code"), "VALID", "{key}");
    }
    let bad = ["", " ", "a b", "ä", "\u{0}", "a\n", &"k".repeat(129), "🦊"];
    for key in bad {
        for verb in ["consume", "lease"] {
            let body = json!({ "fingerprint": "desk", "key": key, "units": 1 });
            let answer = sold.ask(verb, body).await;
            assert_eq!(
                (answer.status, answer.at("/errors/0/field")),
                (400, "key"),
                "{verb} {key:?}"
            );
        }
    }
    // Keys are one license's own, and told apart by case.
    assert_eq!(sold.consume("A", 1).await.json["license"]["left"], 993);
    let other = buy(&sold.shop, &sold.offer, &sold.ada, "second").await;
    let taken = ask(&sold.shop, &other.jws, "consume", json!({ "key": "a", "units": 7 })).await;
    assert_eq!((taken.at("/code"), &taken.json["license"]["left"]), ("VALID", &json!(993)));
    sold.shop.sound().await;
}

#[tokio::test]
async fn other_fields_are_named_when_they_are_wrong() {
    let sold = Licensed::new(images(1000), Limits::default()).await;
    let cases = [
        ("activate", json!({ "fingerprint": "d", "name": "x".repeat(101) }), "name"),
        ("activate", json!({ "fingerprint": "d", "name": "a\u{0}b" }), "name"),
        ("activate", json!({ "fingerprint": "d", "product": "x".repeat(41) }), "product"),
        ("activate", json!({ "fingerprint": "d", "product": "tallow" }), "product"),
        ("validate", json!({ "product": "tallow" }), "product"),
        ("validate", json!({ "product": "" }), "product"),
        ("consume", json!({ "key": "k", "units": 1, "product": "tallow" }), "product"),
        ("lease", json!({ "fingerprint": "d", "key": "k", "product": "tallow" }), "product"),
        ("activate", json!({}), "fingerprint"),
        ("activate", json!({ "fingerprint": "d", "finger": 1 }), "finger"),
        ("deactivate", json!({ "fingerprint": "d", "product": "p" }), "product"),
        ("consume", json!({ "units": 1 }), "key"),
        ("consume", json!({ "key": "k" }), "units"),
        ("consume", json!({ "key": "k", "units": 1, "kind": "" }), "kind"),
        ("consume", json!({ "key": "k", "units": 1, "kind": "x".repeat(25) }), "kind"),
        ("lease", json!({ "key": "k" }), "fingerprint"),
        ("return", json!({ "used": 1 }), "lease"),
        ("return", json!({ "lease": "lea_1", "used": 1 }), "lease"),
        ("return", json!({ "lease": sold.program.license, "used": 1 }), "lease"),
    ];
    for (verb, body, field) in cases {
        let answer = sold.ask(verb, body).await;
        assert_eq!(
            (answer.status, answer.at("/errors/0/field")),
            (400, field),
            "{verb}: {answer:?}"
        );
    }
    for verb in VERBS {
        let answer = ask(&sold.shop, &"a".repeat(4097), verb, body(verb, "d")).await;
        assert_eq!((answer.status, answer.at("/errors/0/field")), (400, "code"), "{verb}");
        let answer = raw(&sold.shop, verb, "{").await;
        assert_eq!((answer.status, answer.code()), (400, "malformed"), "{verb}");
    }
}

#[tokio::test]
async fn every_verb_takes_both_forms_as_people_type_them_and_no_other() {
    let sold = Licensed::new(images(1000), machines(9)).await;
    let short = &sold.program.short;
    let alike = short.replace('1', "l").replace('0', "O");
    let typed = [short.to_lowercase(), short.replace('-', " "), format!("  {short}\n"), alike];
    for (number, code) in typed.iter().chain([&sold.program.jws]).enumerate() {
        let fingerprint = format!("machine {number}");
        for verb in ["activate", "validate", "deactivate"] {
            let answer = ask(&sold.shop, code, verb, json!({ "fingerprint": fingerprint })).await;
            assert_eq!(answer.at("/code"), "VALID", "{verb} {code}: {answer:?}");
        }
    }
    let mut damaged = sold.program.jws.clone();
    damaged.pop();
    let shop = Shop::open().await;
    let foreign = offer(&shop, "tool", Terms::Perpetual, Limits::default()).await;
    let bob = shop.buyer("bob@example.com", 1000).await;
    buy(&shop, &foreign, &bob, "first").await;
    let foreign = buy(&shop, &foreign, &bob, "second").await;
    let lease = sold.ask("lease", body("lease", "machine 0")).await;
    let lease = lease.at("/lease").to_owned();
    for code in ["", " ", ".", "a.b.c", &damaged, &short[1..], &foreign.short, &lease, "\u{0}"] {
        for verb in VERBS {
            let answer = ask(&sold.shop, code, verb, body(verb, "machine 0")).await;
            let said = answer.at("/code");
            assert!(
                ["UNKNOWN_CODE", "BAD_SIGNATURE"].contains(&said),
                "{verb} {code:?}: {answer:?}"
            );
            assert_eq!(answer.json["license"], Value::Null, "{verb} {code:?}");
            sold.shop.advance(Span::seconds(2)).await;
        }
    }
    sold.shop.sound().await;
}

#[tokio::test]
async fn guessing_is_slowed_down_at_every_verb_and_signed_codes_are_not() {
    let sold = Licensed::new(images(1000), Limits::default()).await;
    for number in 0..60 {
        let verb = VERBS[number % VERBS.len()];
        let answer = ask(&sold.shop, "06BQ3-V8K2M-9ZC7X-4GQ2H-TN5W0", verb, body(verb, "d")).await;
        assert_eq!(answer.at("/code"), "UNKNOWN_CODE");
    }
    for verb in VERBS {
        let answer = ask(&sold.shop, &sold.program.short, verb, body(verb, "d")).await;
        assert_eq!((answer.status, answer.code()), (429, "rate_limited"), "{verb}");
    }
    assert_eq!(sold.consume("k", 1).await.at("/code"), "VALID", "a signed code cannot be guessed");
    sold.shop.advance(Span::minutes(1)).await;
    let answer = ask(&sold.shop, &sold.program.short, "consume", body("consume", "d")).await;
    assert_eq!(answer.at("/code"), "VALID");
}

#[tokio::test]
async fn programs_ask_from_every_site_without_credentials() {
    let sold = Licensed::new(images(10), Limits::default()).await;
    for verb in VERBS {
        let path = format!("/v1/licenses/{verb}");
        let asked =
            sold.shop.send("OPTIONS", &path, &[("origin", "https://x.example")], Value::Null).await;
        assert_eq!(
            (asked.status, asked.header("access-control-allow-headers")),
            (204, "content-type, if-none-match")
        );
        let answer = sold.ask(verb, body(verb, "d")).await;
        assert_eq!(answer.header("access-control-allow-origin"), "*", "{verb}");
        assert_eq!(answer.header("access-control-allow-credentials"), "", "{verb}");
    }
}
