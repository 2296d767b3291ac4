use http::{HeaderMap, HeaderName, HeaderValue, Method, Request};
use proptest::prelude::*;
use scrip_license::SigningKey;

use super::*;
use crate::{Stamp, sign};

const NOW: i64 = 1_795_348_800;
const TARGET: &str = "https://pay.example/v1/purchase-requests?x=1";
const BODY: &[u8] = br#"{"offer":"x"}"#;

fn key() -> SigningKey {
    SigningKey::from_seed([5; 32])
}

fn stamp() -> Stamp {
    Stamp { created: NOW, nonce: [7; 16] }
}

/// A signed request with everything that can be covered.
fn signed() -> Request<()> {
    let mut request = Request::post(TARGET)
        .header("content-type", "application/json")
        .header("idempotency-key", "ord_0000000000001")
        .body(())
        .unwrap();
    sign(&mut request, BODY, &key(), "https://shop.example", stamp()).unwrap();
    request
}

fn read(request: &Request<()>, target: &str, body: &[u8], now: i64) -> Result<Proof, Refusal> {
    let message = Message { method: request.method(), target, headers: request.headers() };
    Claim::read(&message, body, now)?.proven_by(key().public())
}

fn refusal(change: impl FnOnce(&mut Request<()>)) -> Refusal {
    let mut request = signed();
    change(&mut request);
    read(&request, TARGET, BODY, NOW).unwrap_err()
}

/// The same, after an edit of `Signature-Input`.
fn reworded(from: &str, to: &str) -> Refusal {
    refusal(|request| {
        let input = request.headers()["signature-input"].to_str().unwrap();
        assert!(input.contains(from), "{input}");
        let input = input.replace(from, to).parse().unwrap();
        request.headers_mut().insert("signature-input", input);
    })
}

fn set(headers: &mut HeaderMap, name: &'static str, value: &str) {
    headers.insert(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
}

#[test]
fn what_is_signed_is_believed() {
    let request = signed();
    let input = request.headers()["signature-input"].to_str().unwrap();
    let kid = key().kid().to_owned();
    assert_eq!(
        input,
        format!(
            "scrip=(\"@method\" \"@target-uri\" \"content-digest\" \"scrip-issuer\" \"content-type\" \
             \"idempotency-key\");created=1795348800;nonce=\"BwcHBwcHBwcHBwcHBwcHBw\";keyid=\"{kid}\";\
             alg=\"ed25519\";tag=\"scrip\""
        )
    );
    let proof = read(&request, TARGET, BODY, NOW).unwrap();
    let nonce = "BwcHBwcHBwcHBwcHBwcHBw".to_owned();
    assert_eq!(proof, Proof { issuer: "https://shop.example".into(), kid, nonce, created: NOW });
}

#[test]
fn a_request_without_a_body_is_signed_with_its_digest() {
    let mut request = Request::get(TARGET).body(()).unwrap();
    sign(&mut request, b"", &key(), "https://shop.example", stamp()).unwrap();
    assert!(read(&request, TARGET, b"", NOW).is_ok());
    assert_eq!(read(&request, TARGET, b" ", NOW), Err(Refusal::Uncovered("content-type")));
}

#[test]
fn what_was_altered_is_refused() {
    assert_eq!(refusal(|r| *r.method_mut() = Method::PUT), Refusal::Signature);
    let request = signed();
    for other in [
        "https://pay.example/v1/purchase-requests?x=2",
        "https://evil.example/v1/purchase-requests?x=1",
    ] {
        assert_eq!(read(&request, other, BODY, NOW), Err(Refusal::Signature), "{other}");
    }
    assert_eq!(read(&request, TARGET, b"{}", NOW), Err(Refusal::Digest));
    let other = crate::content_digest(b"{}");
    assert_eq!(refusal(|r| set(r.headers_mut(), "content-digest", &other)), Refusal::Digest);
    let mut request = signed();
    set(request.headers_mut(), "content-digest", &other);
    assert_eq!(read(&request, TARGET, b"{}", NOW), Err(Refusal::Signature), "digest and body");
    for (name, value) in [
        ("scrip-issuer", "https://evil.example"),
        ("content-type", "text/plain"),
        ("idempotency-key", "ord_0000000000002"),
    ] {
        assert_eq!(refusal(|r| set(r.headers_mut(), name, value)), Refusal::Signature, "{name}");
    }
}

#[test]
fn what_is_missing_is_refused() {
    let without = |name: &'static str| refusal(|r| drop(r.headers_mut().remove(name)));
    assert_eq!(without("signature"), Refusal::Unsigned);
    assert_eq!(without("signature-input"), Refusal::Unsigned);
    assert_eq!(without("content-digest"), Refusal::Digest);
    assert_eq!(without("scrip-issuer"), Refusal::Unreadable("scrip-issuer"));
    assert_eq!(without("content-type"), Refusal::Components);
    assert_eq!(without("idempotency-key"), Refusal::Components);
    for name in [
        "@method",
        "@target-uri",
        "content-digest",
        "scrip-issuer",
        "content-type",
        "idempotency-key",
    ] {
        assert_eq!(reworded(&format!("\"{name}\""), ""), Refusal::Uncovered(name), "{name}");
    }
    assert_eq!(reworded("\"@method\"", "\"@method\" \"date\""), Refusal::Components);
    assert_eq!(reworded("\"@method\"", "\"@method\" \"@method\""), Refusal::Components);
    assert_eq!(reworded("\"@method\"", "\"@method\";req"), Refusal::Components);
    assert_eq!(
        reworded("\"@method\" \"@target-uri\"", "\"@target-uri\" \"@method\""),
        Refusal::Signature
    );
}

#[test]
fn parameters_are_what_they_must_be() {
    assert_eq!(reworded("tag=\"scrip\"", "tag=\"other\""), Refusal::Tag);
    assert_eq!(reworded(";tag=\"scrip\"", ""), Refusal::Parameter("tag"));
    assert_eq!(reworded("ed25519", "hmac-sha256"), Refusal::Parameter("alg"));
    assert_eq!(reworded(";alg=\"ed25519\"", ""), Refusal::Parameter("alg"));
    assert_eq!(reworded("created=1795348800;", ""), Refusal::Parameter("created"));
    assert_eq!(reworded("created=1795348800;", "created=\"now\";"), Refusal::Parameter("created"));
    assert_eq!(reworded("created=1795348800;", "created=1795348801;"), Refusal::Signature);
    assert_eq!(reworded("nonce=\"BwcHBwcHBwcHBwcHBwcHBw\";", ""), Refusal::Parameter("nonce"));
    assert_eq!(
        reworded("BwcHBwcHBwcHBwcHBwcHBw", "BwcH"),
        Refusal::Parameter("nonce"),
        "too little chance"
    );
    assert_eq!(reworded("keyid=\"", "keyid=\"x"), Refusal::Parameter("keyid"));
    assert_eq!(reworded(";tag", ";expires=1795348799;tag"), Refusal::Time);
    assert_eq!(reworded(";tag", ";expires=1795348860;tag"), Refusal::Signature);
    assert_eq!(reworded("scrip=(", "scrip=\"("), Refusal::Unreadable("signature-input"));
    assert_eq!(reworded("scrip=(", "scrips=("), Refusal::Unsigned);
    assert_eq!(
        refusal(|r| set(r.headers_mut(), "signature", "scrip=:AAAA:")),
        Refusal::Unreadable("signature")
    );
    assert_eq!(
        refusal(|r| set(r.headers_mut(), "signature", "scrip=1")),
        Refusal::Unreadable("signature")
    );
}

#[test]
fn it_is_good_for_a_minute_either_way() {
    let request = signed();
    for (now, good) in [(-61, false), (-60, true), (0, true), (60, true), (61, false)] {
        let read = read(&request, TARGET, BODY, NOW + now);
        assert_eq!(read.err(), if good { None } else { Some(Refusal::Time) }, "{now}");
    }
    assert_eq!(read(&request, TARGET, BODY, i64::MIN), Err(Refusal::Time));
}

#[test]
fn headers_that_stand_twice_are_refused() {
    for name in ["content-digest", "scrip-issuer", "content-type", "idempotency-key"] {
        let twice = refusal(|r| {
            let value = r.headers()[name].clone();
            r.headers_mut().append(name, value);
        });
        assert_eq!(twice, Refusal::Twice(name));
    }
}

/// Others may sign the same request, such as a proxy; ours is the one that counts, and of two by our name the last,
/// in both headers (RFC 9651, section 3.2).
#[test]
fn two_signatures_do_not_confuse() {
    let mut request = signed();
    for (name, value) in [("signature", "proxy=:AAAA:"), ("signature-input", "proxy=();created=1")]
    {
        request.headers_mut().append(name, value.parse().unwrap());
    }
    assert!(read(&request, TARGET, BODY, NOW).is_ok());

    let own = signed();
    let mut other = signed();
    sign(&mut other, BODY, &SigningKey::from_seed([6; 32]), "https://shop.example", stamp())
        .unwrap();
    for (first, second, good) in [(&own, &other, false), (&other, &own, true)] {
        let mut request = signed();
        for name in ["signature", "signature-input"] {
            request.headers_mut().insert(name, first.headers()[name].clone());
            request.headers_mut().append(name, second.headers()[name].clone());
        }
        assert_eq!(read(&request, TARGET, BODY, NOW).is_ok(), good);
    }
}

#[test]
fn another_key_proves_nothing() {
    let request = signed();
    let message = Message { method: request.method(), target: TARGET, headers: request.headers() };
    let claim = Claim::read(&message, BODY, NOW).unwrap();
    assert_eq!((claim.issuer(), claim.kid()), ("https://shop.example", key().kid()));
    let other = SigningKey::from_seed([6; 32]);
    assert_eq!(claim.proven_by(other.public()), Err(Refusal::Signature));
}

proptest! {
    #[test]
    fn whatever_is_sent_is_believed_as_it_is(
        method in "GET|POST|PUT|DELETE",
        path in "(/[a-z0-9._~%-]{0,8}){0,4}(\\?[a-z0-9=&%]{0,20})?",
        body: Vec<u8>,
        key_of in "[!-~]{1,40}",
        nonce: [u8; 16],
    ) {
        let target = format!("https://pay.example{}", if path.starts_with('/') { path } else { format!("/{path}") });
        let mut request = Request::builder()
            .method(method.as_str())
            .uri(&target)
            .header("content-type", "application/json")
            .header("idempotency-key", &key_of)
            .body(())
            .unwrap();
        let stamp = Stamp { created: NOW, nonce };
        sign(&mut request, &body, &key(), "https://shop.example", stamp).unwrap();
        prop_assert!(read(&request, &target, &body, NOW).is_ok());
        let mut longer = body.clone();
        longer.push(0);
        prop_assert_eq!(read(&request, &target, &longer, NOW), Err(Refusal::Digest));
    }

    #[test]
    fn any_header_is_read_without_a_panic(input in "[ -~]{0,80}", signature in "[ -~]{0,80}") {
        let mut request = signed();
        let mut odd = signed();
        set(odd.headers_mut(), "signature-input", &input);
        prop_assert!(read(&odd, TARGET, BODY, NOW).is_err());
        set(request.headers_mut(), "signature", &signature);
        prop_assert!(read(&request, TARGET, BODY, NOW).is_err());
    }
}
