//! `scrip verify`: genuine, expired, forged, another product's.

use scrip_license::{Claims, KeySet, Limits, SigningKey, Terms};
use serde_json::Value;

use crate::shop::{run, said};

fn code(key: &SigningKey, expires_at: Option<u64>) -> String {
    Claims {
        issuer: "vnd_06bq3v8k2m9zc".into(),
        subject: "somebody".into(),
        id: Claims::issue_id("lic_06bq3v8k2m9zc", 1),
        license: "lic_06bq3v8k2m9zc".into(),
        issued_at: 1_700_000_000,
        not_before: 1_700_000_000,
        expires_at,
        order: "ord_06bq3v8k2m9zc".into(),
        product: "prd_06bq3v8k2m9zc".into(),
        offer: "ofr_06bq3v8k2m9zc".into(),
        terms: Terms::Perpetual,
        limits: Limits::default(),
        manifest: None,
        activation: None,
    }
    .sign(key)
    .unwrap()
}

#[test]
fn a_code_is_verified_without_a_server() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("keys.json");
    let key = SigningKey::from_seed([3; 32]);
    let keys: KeySet = [key.public().clone()].into_iter().collect();
    std::fs::write(&path, serde_json::to_vec(&keys).unwrap()).unwrap();
    let path = path.to_str().unwrap();
    let verify = |code: &str, more: &[&str]| {
        let output = run(&[&["verify", code, "--jwks", path, "--json"][..], more].concat());
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        (answer["code"].as_str().unwrap_or_default().to_owned(), said(&output).1)
    };
    let good = code(&key, None);
    let is = |reason: &str, exit| (reason.to_owned(), exit);
    assert_eq!(verify(&good, &[]), is("VALID", 0));
    assert_eq!(verify(&code(&key, Some(1_700_000_001)), &[]), is("EXPIRED", 1));
    assert_eq!(verify(&good, &["--product", "prd_0000000000000"]), is("WRONG_PRODUCT", 1));
    let forged = code(&SigningKey::from_seed([4; 32]), None);
    assert_eq!(verify(&forged, &[]), is("BAD_SIGNATURE", 1));
    assert_eq!(verify("ABCDE-FGHJK", &[]).1, 2, "a short code proves nothing by itself");
    assert_eq!(said(&run(&["verify", &good])).1, 2);
    assert_eq!(said(&run(&["verify", &good, "--jwks", "gone"])).1, 2);
}
