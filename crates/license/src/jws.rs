//! Signed documents: JWS in compact form (RFC 7515) with `EdDSA` over Ed25519 (RFC 8037).
//!
//! There is one kind of header, `{"alg":"EdDSA","kid":..,"typ":..}`, and a verifier accepts no other: a
//! code chooses neither its algorithm nor how it is read (RFC 8725, sections 3.1 and 3.11). RFC 7515
//! would have unknown parameters ignored; here every one is refused, `crit` and embedded keys among them,
//! since nobody but Scrip signs these documents. Every document has one text only: base64url
//! must be canonical, and the signature too.

use base64ct::{Base64UrlUnpadded, Encoding};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::key::{KeySet, PublicKey, SigningKey};

/// The longest code that is signed or read, in bytes of its compact form.
pub const MAX_LENGTH: usize = 4096;

/// Why a document cannot be signed. Each is a mistake in the program, not in its input.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// `typ` has other characters than those of a media type, or more than 64.
    #[error("`typ` is not a media type's name")]
    Typ,
    /// The claims could not be turned into JSON.
    #[error("the claims cannot be written as JSON: {0}")]
    Claims(#[from] serde_json::Error),
    /// The document would be longer than a verifier accepts.
    #[error("the signed document would be too long")]
    TooLong,
}

/// Why a text is not a document that can be trusted.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The text is longer than [`MAX_LENGTH`], or than the caller allows.
    #[error("longer than allowed")]
    TooLong,
    /// Not three parts of canonical base64url, joined by dots.
    #[error("not a compact JWS")]
    Form,
    /// The header is not exactly `alg`: `EdDSA`, `kid` and `typ`.
    #[error("not the header of a Scrip document")]
    Header,
    /// A document of another kind.
    #[error("a document of another `typ`")]
    Typ,
    /// No key with the header's `kid` is in the set.
    #[error("signed with an unknown key")]
    UnknownKey,
    /// The key did not sign this.
    #[error("the signature is wrong")]
    Signature,
    /// Genuine, but the claims are not of the form that was asked for.
    #[error("the claims are of another form: {0}")]
    Claims(#[source] serde_json::Error),
}

/// The only header: `deny_unknown_fields` refuses `crit` and all others, serde duplicates.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header<'a> {
    alg: &'a str,
    kid: &'a str,
    typ: &'a str,
}

/// Signs claims as a document of this `typ`: a media type without its `application/` (RFC 7515,
/// section 4.1.9), such as `scrip-license+jwt`.
///
/// The same key, `typ` and claims always give the same text.
pub fn sign(key: &SigningKey, typ: &str, claims: &impl Serialize) -> Result<String, SignError> {
    sign_within(MAX_LENGTH, key, typ, claims)
}

/// The same, for documents of up to `limit` bytes: what servers tell each other can be longer than a code.
pub fn sign_within(
    limit: usize,
    key: &SigningKey,
    typ: &str,
    claims: &impl Serialize,
) -> Result<String, SignError> {
    if !is_media_type(typ) {
        return Err(SignError::Typ);
    }
    // Most documents are license codes, below 1 KiB.
    let mut claims_json = Vec::with_capacity(768);
    serde_json::to_writer(&mut claims_json, claims)?;

    let mut token = String::with_capacity(1024);
    token.push_str(key.header_start());
    push_base64(&mut token, format!(r#":"{typ}"}}"#).as_bytes())?;
    token.push('.');
    push_base64(&mut token, &claims_json)?;
    if token.len() > limit {
        return Err(SignError::TooLong);
    }
    let signature = key.sign(token.as_bytes());
    token.push('.');
    push_base64(&mut token, &signature)?;
    if token.len() > limit { Err(SignError::TooLong) } else { Ok(token) }
}

/// The digest by which one document names another: base64url of the SHA-256 of its compact form.
pub fn digest(token: &str) -> String {
    Base64UrlUnpadded::encode_string(&Sha256::digest(token.as_bytes()))
}

/// Reads the claims of a genuine document of this `typ`, signed with one of these keys.
///
/// Only the signature is judged: what the claims say (issuer, times) is the caller's to check, as
/// [`check`](crate::check()) does for license codes. Claims of a `C` with named fields may have no member twice;
/// members that `C` does not know are ignored unless `C` denies them.
pub fn verify<C: DeserializeOwned>(
    token: &str,
    typ: &str,
    keys: &KeySet,
) -> Result<C, VerifyError> {
    verify_within(MAX_LENGTH, token, typ, keys)
}

/// The same, for documents of up to `limit` bytes.
pub fn verify_within<C: DeserializeOwned>(
    limit: usize,
    token: &str,
    typ: &str,
    keys: &KeySet,
) -> Result<C, VerifyError> {
    if token.len() > limit {
        return Err(VerifyError::TooLong);
    }
    let (signed, signature) = token.rsplit_once('.').ok_or(VerifyError::Form)?;
    let (header, claims) = signed.split_once('.').ok_or(VerifyError::Form)?;

    let key = key_of(header, typ, keys)?;
    let mut signature_bytes = [0; 64];
    match Base64UrlUnpadded::decode(signature, &mut signature_bytes) {
        Ok(decoded) if decoded.len() == 64 => {}
        _ => return Err(VerifyError::Form),
    }
    if !key.verify(signed.as_bytes(), &signature_bytes) {
        return Err(VerifyError::Signature);
    }

    let claims = Base64UrlUnpadded::decode_vec(claims).map_err(|_| VerifyError::Form)?;
    serde_json::from_slice(&claims).map_err(VerifyError::Claims)
}

/// The key that the header names, if all of the header is as it must be.
fn key_of<'k>(header: &str, typ: &str, keys: &'k KeySet) -> Result<&'k PublicKey, VerifyError> {
    // Twice the longest header that `sign` writes.
    let mut buffer = [0; 320];
    let header = Base64UrlUnpadded::decode(header, &mut buffer).map_err(|_| VerifyError::Form)?;
    let header: Header = serde_json::from_slice(header).map_err(|_| VerifyError::Header)?;
    if header.alg != "EdDSA" {
        return Err(VerifyError::Header);
    }
    if header.typ != typ {
        return Err(VerifyError::Typ);
    }
    keys.get(header.kid).ok_or(VerifyError::UnknownKey)
}

/// The part of a header that depends on the key alone, for [`SigningKey`] to keep.
///
/// With a `kid` of 43 symbols these are 72 bytes: a multiple of three, so that their base64 can be put
/// before that of the rest.
pub(crate) fn header_start(kid: &str) -> String {
    Base64UrlUnpadded::encode_string(format!(r#"{{"alg":"EdDSA","kid":"{kid}","typ""#).as_bytes())
}

fn push_base64(token: &mut String, bytes: &[u8]) -> Result<(), SignError> {
    let mut buffer = [0; 4096];
    // Groups of three bytes are four symbols each, so that the pieces make one text.
    for piece in bytes.chunks(3072) {
        let text = Base64UrlUnpadded::encode(piece, &mut buffer).map_err(|_| SignError::TooLong)?;
        token.push_str(text);
    }
    Ok(())
}

/// Characters of RFC 6838 (section 4.2), none of which JSON would have to escape.
fn is_media_type(typ: &str) -> bool {
    (1..=64).contains(&typ.len())
        && typ.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$&-^_.+/".contains(&byte))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    const TYP: &str = "test+jwt";

    fn key() -> SigningKey {
        SigningKey::from_seed([7; 32])
    }

    fn keys() -> KeySet {
        [key().public().clone()].into_iter().collect()
    }

    /// A token with this header, whatever it says, genuinely signed.
    fn token_with(header: &str, claims: &str) -> String {
        let encode = |text: &str| Base64UrlUnpadded::encode_string(text.as_bytes());
        let signed = format!("{}.{}", encode(header), encode(claims));
        let signature = Base64UrlUnpadded::encode_string(&key().sign(signed.as_bytes()));
        format!("{signed}.{signature}")
    }

    fn error(token: &str) -> VerifyError {
        verify::<Value>(token, TYP, &keys()).unwrap_err()
    }

    #[test]
    fn the_header_is_what_rfc_7515_asks_for() {
        let token = sign(&key(), TYP, &json!({})).unwrap();
        let kid = key().kid().to_owned();
        let header = format!(r#"{{"alg":"EdDSA","kid":"{kid}","typ":"{TYP}"}}"#);
        assert_eq!(token, token_with(&header, "{}"));
    }

    #[test]
    fn other_headers_are_refused_although_the_signature_is_right() {
        let kid = key().kid().to_owned();
        let good = format!(r#"{{"alg":"EdDSA","kid":"{kid}","typ":"{TYP}"}}"#);
        verify::<Value>(&token_with(&good, "{}"), TYP, &keys()).unwrap();
        let reordered = format!(r#"{{ "typ":"{TYP}", "kid":"{kid}", "alg":"EdDSA" }}"#);
        verify::<Value>(&token_with(&reordered, "{}"), TYP, &keys()).unwrap();

        let long = format!(r#","x5c":"{}"}}"#, "A".repeat(400));
        let replaced = |from: &str, to: &str| error(&token_with(&good.replacen(from, to, 1), "{}"));
        assert!(matches!(replaced("EdDSA", "none"), VerifyError::Header));
        assert!(matches!(replaced("EdDSA", "HS256"), VerifyError::Header));
        assert!(matches!(replaced("EdDSA", "eddsa"), VerifyError::Header));
        assert!(matches!(replaced("EdDSA", "\\u0045dDSA"), VerifyError::Header));
        assert!(matches!(replaced("}", r#","crit":["b64"],"b64":false}"#), VerifyError::Header));
        assert!(matches!(replaced("}", r#","crit":[]}"#), VerifyError::Header));
        assert!(matches!(replaced("}", r#","jwk":{}}"#), VerifyError::Header));
        assert!(matches!(replaced("}", r#","alg":"EdDSA"}"#), VerifyError::Header));
        assert!(matches!(replaced("}", "}{}"), VerifyError::Header));
        assert!(matches!(replaced("}", &long), VerifyError::Form));
        assert!(matches!(replaced(&format!(r#","typ":"{TYP}""#), ""), VerifyError::Header));
        assert!(matches!(replaced(&format!(r#""kid":"{kid}","#), ""), VerifyError::Header));
        assert!(matches!(replaced(TYP, "lease+jwt"), VerifyError::Typ));
        assert!(matches!(replaced(&kid, "other"), VerifyError::UnknownKey));
    }

    #[test]
    fn other_forms_are_refused() {
        let token = sign(&key(), TYP, &json!({"n": 1})).unwrap();
        assert!(matches!(error(""), VerifyError::Form));
        assert!(matches!(error("a.b"), VerifyError::Form));
        assert!(matches!(error(".."), VerifyError::Header));
        assert!(matches!(error(&format!("{token}=")), VerifyError::Form));
        assert!(matches!(error(&format!("{token}\n")), VerifyError::Form));
        assert!(matches!(error(&format!("{token}.")), VerifyError::Form));
        assert!(matches!(error(&format!("{token}AA")), VerifyError::Form));
        assert!(matches!(error(&token[..token.len() - 3]), VerifyError::Form));
        let json = r#"{"payload":"e30","protected":"e30","signature":"AA"}"#;
        assert!(matches!(error(json), VerifyError::Form));
        let two_payloads = token.replacen('.', ".e30.", 1);
        assert!(matches!(error(&two_payloads), VerifyError::Signature));
        let stray_bits = format!("{}B", &token[..token.len() - 1]);
        assert!(matches!(error(&stray_bits), VerifyError::Form));
    }

    #[test]
    fn a_signed_claims_part_must_be_canonical_too() {
        let kid = key().kid().to_owned();
        let header = format!(r#"{{"alg":"EdDSA","kid":"{kid}","typ":"{TYP}"}}"#);
        let header = Base64UrlUnpadded::encode_string(header.as_bytes());
        for claims in ["e31", "e30=", "e3 0", "e30.e30", "e"] {
            let signed = format!("{header}.{claims}");
            let signature = Base64UrlUnpadded::encode_string(&key().sign(signed.as_bytes()));
            assert!(
                matches!(error(&format!("{signed}.{signature}")), VerifyError::Form),
                "{claims}"
            );
        }
    }

    #[test]
    fn claims_of_another_form_are_refused() {
        #[derive(Debug, Deserialize)]
        struct Claims {
            #[expect(dead_code, reason = "only its presence counts")]
            n: u8,
        }
        let kid = key().kid().to_owned();
        let header = format!(r#"{{"alg":"EdDSA","kid":"{kid}","typ":"{TYP}"}}"#);
        for claims in ["", "{}", "[1", r#"{"n":"1"}"#, r#"{"n":1,"n":2}"#, r#"{"n":1} x"#] {
            let result = verify::<Claims>(&token_with(&header, claims), TYP, &keys());
            assert!(matches!(result, Err(VerifyError::Claims(_))), "{claims}");
        }
    }

    #[test]
    fn a_document_is_named_by_its_sha_256() {
        // NIST's example for "abc".
        assert_eq!(digest("abc"), "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0");
    }

    #[test]
    fn the_limits_of_length() {
        let fits = |length: usize| sign(&key(), TYP, &"x".repeat(length));
        let longest = (2500..3000).rev().find_map(|length| fits(length).ok()).unwrap();
        assert!((MAX_LENGTH - 2..=MAX_LENGTH).contains(&longest.len()), "{}", longest.len());
        verify::<String>(&longest, TYP, &keys()).unwrap();
        assert!(matches!(fits(3000), Err(SignError::TooLong)));
        assert!(matches!(fits(9000), Err(SignError::TooLong)));
        assert!(matches!(error(&"a".repeat(MAX_LENGTH + 1)), VerifyError::TooLong));

        let long = "x".repeat(40_000);
        let token = sign_within(64 * 1024, &key(), TYP, &long).unwrap();
        assert_eq!(verify_within::<String>(64 * 1024, &token, TYP, &keys()).unwrap(), long);
        assert!(matches!(error(&token), VerifyError::TooLong));
        assert!(matches!(
            sign_within(token.len() - 1, &key(), TYP, &long),
            Err(SignError::TooLong)
        ));
    }

    #[test]
    fn programming_mistakes_are_errors() {
        for typ in ["", "a\"b", "a\\b", "a b", "é", "application;x=1", &"a".repeat(65)] {
            assert!(matches!(sign(&key(), typ, &json!({})), Err(SignError::Typ)), "{typ}");
        }
        let no_json = BTreeMap::from([(vec![1], 1)]);
        assert!(matches!(sign(&key(), TYP, &no_json), Err(SignError::Claims(_))));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn claims_survive(claims: BTreeMap<String, i64>, typ in "[a-z]{1,20}(\\+jwt)?") {
            match sign(&key(), &typ, &claims) {
                Ok(token) => {
                    prop_assert!(token.len() <= MAX_LENGTH);
                    let read: BTreeMap<String, i64> = verify(&token, &typ, &keys()).unwrap();
                    prop_assert_eq!(read, claims);
                }
                Err(error) => prop_assert!(matches!(error, SignError::TooLong)),
            }
        }

        #[test]
        fn any_text_is_read_without_a_panic(text in ".{0,200}", header in ".*", claims in ".*") {
            prop_assert!(verify::<Value>(&text, TYP, &keys()).is_err());
            prop_assert!(verify::<Value>(&token_with(&header, &claims), TYP, &keys()).is_err());
        }
    }
}
