//! Codes that are not what was sold: damaged, forged, of another server.

use base64ct::{Base64UrlUnpadded, Encoding};
use scrip_domain::Span;
use scrip_license::{Claims, SigningKey};
use scrip_testkit::Shop;
use serde_json::json;

use crate::goods::Sold;

/// The symbols of short codes.
const SYMBOLS: &str = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// What the shop says of a code: nothing of the license unless the code is genuine.
async fn reason(shop: &Shop, code: &str) -> String {
    let answer = shop.post("/v1/licenses/validate", "", "", json!({ "code": code })).await;
    assert_eq!(answer.status, 200, "{code}: {answer:?}");
    let valid = answer.json["valid"] == true;
    assert_eq!(valid, !answer.json["license"].is_null(), "{code}: {answer:?}");
    answer.at("/code").to_owned()
}

async fn is_refused(shop: &Shop, code: &str) -> bool {
    ["UNKNOWN_CODE", "BAD_SIGNATURE"].contains(&reason(shop, code).await.as_str())
}

#[tokio::test]
async fn every_other_symbol_in_a_short_code_is_refused() {
    let sold = Sold::new(10).await;
    let code = sold.code.short.clone();
    assert_eq!(reason(&sold.shop, &code).await, "VALID");
    for (place, right) in code.char_indices().filter(|(_, symbol)| *symbol != '-') {
        for wrong in SYMBOLS.chars().filter(|wrong| *wrong != right) {
            let mut damaged = code.clone();
            damaged.replace_range(place..=place, &wrong.to_string());
            assert_eq!(reason(&sold.shop, &damaged).await, "UNKNOWN_CODE", "{damaged}");
        }
        // Wrong tries are limited, per source and minute.
        sold.shop.clock.advance(Span::minutes(1));
    }
    for damaged in
        [&code[1..], &code[..code.len() - 1], &format!("{code}0"), &code.replace('-', "_")]
    {
        assert_eq!(reason(&sold.shop, damaged).await, "UNKNOWN_CODE", "{damaged}");
    }
}

#[tokio::test]
async fn every_other_symbol_in_a_signed_code_is_refused() {
    let sold = Sold::new(10).await;
    let code = sold.code.jws.clone();
    assert_eq!(reason(&sold.shop, &code).await, "VALID");
    for (place, right) in code.char_indices() {
        // The neighbour in the alphabet differs in the last bits: in those too that no byte holds.
        let wrong = match right {
            '.' => "-",
            'A'..='Y' | 'a'..='y' | '0'..='8' => &char::from(right as u8 + 1).to_string(),
            _ => "A",
        };
        let mut damaged = code.clone();
        damaged.replace_range(place..=place, wrong);
        assert!(is_refused(&sold.shop, &damaged).await, "{damaged}");
    }
    for damaged in [
        code.to_uppercase(),
        format!("{code}="),
        format!("{code}A"),
        format!("{code}.{code}"),
        format!(".{code}"),
        code.replace('.', " ."),
        code.replacen('e', "%65", 1),
    ] {
        assert!(is_refused(&sold.shop, &damaged).await, "{damaged}");
    }
}

#[tokio::test]
async fn forged_codes_are_refused() {
    let sold = Sold::new(10).await;
    let (header, rest) = sold.code.jws.split_once('.').unwrap();
    let (payload, _) = rest.split_once('.').unwrap();
    let claims = Base64UrlUnpadded::decode_vec(payload).unwrap();
    let claims: Claims = serde_json::from_slice(&claims).unwrap();
    let header = String::from_utf8(Base64UrlUnpadded::decode_vec(header).unwrap()).unwrap();
    let forge = |header: &str, signature: &[u8]| {
        let encode = |bytes: &[u8]| Base64UrlUnpadded::encode_string(bytes);
        format!("{}.{payload}.{}", encode(header.as_bytes()), encode(signature))
    };
    let mut forged = vec![
        forge(&header.replace("EdDSA", "none"), b""),
        forge(&header.replace("EdDSA", "HS256"), &[7; 32]),
        forge(&header.replace("EdDSA", "none"), &[0; 64]),
        forge(&header.replace(r#""kid":""#, &format!(r#""kid":"{}"#, "k".repeat(500))), &[0; 64]),
        forge(&header, b""),
        forge(&header, &[0; 64]),
    ];
    // Another server's key, under its own name and under ours.
    let other = SigningKey::from_seed([99; 32]);
    let foreign = claims.sign(&other).unwrap();
    let (signed, signature) = foreign.rsplit_once('.').unwrap();
    let (_, foreign_payload) = signed.split_once('.').unwrap();
    forged.push(foreign.clone());
    forged.push(format!(
        "{}.{foreign_payload}.{signature}",
        sold.code.jws.split_once('.').unwrap().0
    ));
    forged.push("a".repeat(4096));
    forged.push(format!("{}.", "a".repeat(4000)));
    for code in &forged {
        assert!(is_refused(&sold.shop, code).await, "{code}");
        let refused = sold.ask("GET", code, &[]).await;
        assert_eq!((refused.status, refused.code()), (403, "code_refused"), "{code}");
    }
    let long = sold.shop.post("/v1/licenses/validate", "", "", json!({ "code": "a".repeat(4097) }));
    let long = long.await;
    assert_eq!((long.status, long.at("/errors/0/field")), (400, "code"));
}
