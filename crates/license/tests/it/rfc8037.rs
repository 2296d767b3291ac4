//! The examples of RFC 8037, Appendix A: key (A.1, A.2), thumbprint (A.3), JWS (A.4, A.5).

use base64ct::{Base64UrlUnpadded, Encoding};
use scrip_license::{KeySet, PublicKey, SigningKey, jws};

const D: &str = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
const X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
const THUMBPRINT: &str = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";
const SIGNED: &str = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
const SIGNATURE: &str =
    "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";

fn bytes<const N: usize>(text: &str) -> [u8; N] {
    Base64UrlUnpadded::decode_vec(text).unwrap().try_into().unwrap()
}

fn key() -> SigningKey {
    SigningKey::from_seed(bytes(D))
}

#[test]
fn a1_a2_the_key() {
    assert_eq!(key().public().as_bytes(), &bytes(X));
    let jwk = format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{X}"}}"#);
    assert_eq!(&serde_json::from_str::<PublicKey>(&jwk).unwrap(), key().public());
}

#[test]
fn a3_the_thumbprint() {
    assert_eq!(key().kid(), THUMBPRINT);
}

#[test]
fn a4_signing() {
    assert_eq!(Base64UrlUnpadded::encode_string(&key().sign(SIGNED.as_bytes())), SIGNATURE);
}

#[test]
fn a5_verification() {
    assert!(key().public().verify(SIGNED.as_bytes(), &bytes(SIGNATURE)));
}

#[test]
fn the_example_is_no_scrip_document() {
    let keys: KeySet = [key().public().clone()].into_iter().collect();
    let token = format!("{SIGNED}.{SIGNATURE}");
    let result = jws::verify::<serde_json::Value>(&token, "scrip-license+jwt", &keys);
    assert!(matches!(result, Err(jws::VerifyError::Header)), "no kid and no typ");
}
