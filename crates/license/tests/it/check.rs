//! The offline check: each reason that it can give, and the boundaries between them.

use scrip_license::{Claims, Expect, KeySet, Reason, ShortCode, SigningKey, check, jws};

use crate::{END, ISSUER, PRODUCT, START, key, keys, rental, uses};

const EXPECT: Expect<'static> = Expect { issuer: Some(ISSUER), product: Some(PRODUCT) };

fn reason(claims: &Claims, expect: &Expect<'_>, now: u64) -> Reason {
    let verdict = check(&claims.sign(&key()).unwrap(), &keys(), expect, now);
    assert_eq!(verdict.is_valid(), verdict.reason == Reason::Valid);
    verdict.reason
}

/// Codes live as long as what was sold, and programs in the field read them: this text may never change.
const GOLDEN: &str = "eyJhbGciOiJFZERTQSIsImtpZCI6Ii0tNklNNWwwT29zTGo5eVdza0lTWWhVQTNuXzNDVVJRa21yWU1TaGFfY2siLCJ0eXAiOiJzY3JpcC1saWNlbnNlK2p3dCJ9.eyJpc3MiOiJodHRwczovL3Nob3AuZXhhbXBsZSIsInN1YiI6IlpWR2FTaVN2WVhrUWFvWEZGeHlBN2NHLXcyc0ZPNHZvIiwianRpIjoibGljXzA2YnEzdjhrMm05emMuMSIsImxpYyI6ImxpY18wNmJxM3Y4azJtOXpjIiwiaWF0IjoxNzk1MDAwMDAwLCJuYmYiOjE3OTUwMDAwMDAsImV4cCI6MTc5NTA4NjQwMCwib3JkIjoib3JkXzA2YnEzdjhrMm05emIiLCJwcmQiOiJwcmRfMDZicTN2OGsybTl6MCIsIm9mciI6Im9mcl8wNmJxM3Y4azJtOXoxIiwidHJtIjp7ImtpbmQiOiJyZW50YWwiLCJzZWNvbmRzIjo4NjQwMCwiZnJvbSI6InB1cmNoYXNlIn0sImxpbSI6eyJtYWNoaW5lcyI6M319.t3BhTaDdFBJFQ6b4vRk2G1jlHWqtFPZJVsM7iAXbt-L3HZg2nXsvK3j-6sVIkyMef0Y1hOkJA00LSyE2OPz0Bg";

#[test]
fn the_form_of_codes_is_stable() {
    assert_eq!(rental().sign(&key()).unwrap(), GOLDEN);
    let verdict = check(GOLDEN, &keys(), &EXPECT, START);
    assert_eq!((verdict.reason, verdict.claims), (Reason::Valid, Some(rental())));
}

#[test]
fn time_is_exact_to_the_second() {
    assert_eq!(reason(&rental(), &EXPECT, 0), Reason::NotStarted);
    assert_eq!(reason(&rental(), &EXPECT, START - 1), Reason::NotStarted);
    assert_eq!(reason(&rental(), &EXPECT, START), Reason::Valid);
    assert_eq!(reason(&rental(), &EXPECT, END - 1), Reason::Valid);
    assert_eq!(reason(&rental(), &EXPECT, END), Reason::Expired);
    assert_eq!(reason(&rental(), &EXPECT, u64::MAX), Reason::Expired);
    let endless = Claims { expires_at: None, ..rental() };
    assert_eq!(reason(&endless, &EXPECT, u64::MAX), Reason::Valid);
}

#[test]
fn product_and_issuer_are_demanded_where_named() {
    let wrong_product = Expect { product: Some("prd_06bq3v8k2m9z1"), ..EXPECT };
    assert_eq!(reason(&rental(), &wrong_product, START), Reason::WrongProduct);
    let wrong_issuer = Expect { issuer: Some("https://shop.example/"), ..EXPECT };
    assert_eq!(reason(&rental(), &wrong_issuer, START), Reason::UnknownCode);
    assert_eq!(reason(&rental(), &Expect::default(), START), Reason::Valid);
}

#[test]
fn counted_terms_wait_for_an_activation() {
    assert_eq!(reason(&uses(), &EXPECT, START), Reason::NotActivated);
    assert_eq!(reason(&uses(), &EXPECT, START - 1), Reason::NotStarted, "time comes first");
}

#[test]
fn the_claims_of_genuine_codes_are_given_whatever_the_reason() {
    let code = rental().sign(&key()).unwrap();
    for now in [START - 1, START, END] {
        assert_eq!(check(&code, &keys(), &EXPECT, now).claims, Some(rental()));
    }
    let foreign = SigningKey::from_seed([8; 32]);
    let verdict = check(&rental().sign(&foreign).unwrap(), &keys(), &EXPECT, START);
    assert_eq!((verdict.reason, verdict.claims), (Reason::BadSignature, None));
    let verdict = check(&code, &KeySet::new(), &EXPECT, START);
    assert_eq!((verdict.reason, verdict.claims), (Reason::BadSignature, None));
}

#[test]
fn what_is_no_license_code_is_unknown() {
    let lease = jws::sign(&key(), "scrip-lease+jwt", &rental()).unwrap();
    let other_claims = jws::sign(&key(), Claims::TYP, &["no", "claims"]).unwrap();
    let short = ShortCode::encode(&[1; 32], 42, 1).to_string();
    for code in ["", "hello", "a.b.c", &lease, &other_claims, &short] {
        let verdict = check(code, &keys(), &EXPECT, START);
        assert_eq!((verdict.reason, verdict.claims), (Reason::UnknownCode, None), "{code}");
    }
}

#[test]
fn a_code_from_a_file_may_have_whitespace_around_it() {
    let code = format!("  {}\r\n", rental().sign(&key()).unwrap());
    assert!(check(&code, &keys(), &EXPECT, START).is_valid());
}
