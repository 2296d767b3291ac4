//! Ed25519 keys and how they travel: as a JSON Web Key, and as a set of them.
//!
//! A key's identifier (`kid`) is always computed, as the RFC 7638 thumbprint of the public key. So nobody
//! has to keep a name beside a key, and one name can never mean two keys. Secrets enter as a seed of 32
//! bytes (RFC 8032, section 5.1.5) and never leave: there is no way to print or serialize a
//! [`SigningKey`], and its memory is wiped when it is dropped.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use base64ct::{Base64UrlUnpadded, Encoding};
use ed25519_dalek::{Signature, Signer, VerifyingKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::jws;

/// A secret Ed25519 key, with its public half and identifier at hand.
pub struct SigningKey {
    secret: ed25519_dalek::SigningKey,
    public: PublicKey,
    /// What every JWS of this key begins with, encoded once.
    header_start: String,
}

/// A public Ed25519 key; in JSON a JWK (RFC 7517, RFC 8037).
///
/// ```json
/// {"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
///  "kid":"kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k","use":"sig","alg":"EdDSA"}
/// ```
///
/// When read, `kid`, `use` and `alg` may be absent; what is present must be right.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Jwk", into = "Jwk")]
pub struct PublicKey {
    key: VerifyingKey,
    kid: String,
}

/// Public keys by identifier; in JSON a JWK set (RFC 7517, section 5).
///
/// Reading skips keys of other types, curves, uses and algorithms, as the RFC asks; a broken Ed25519
/// signature key is an error.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Jwks", into = "Jwks")]
pub struct KeySet(BTreeMap<String, PublicKey>);

/// Why something is not a key or a set of keys.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// Not JSON, or not of the form of a JWK or JWK set.
    #[error("not a JSON Web Key or key set: {0}")]
    Json(#[from] serde_json::Error),
    /// `kty`, `crv`, `use` or `alg` are those of another kind of key.
    #[error("not an Ed25519 signature key")]
    Kind,
    /// `x` is not the base64url text of a point of the curve, or of one of the weak ones, for which
    /// signatures can be forged.
    #[error("not a usable Ed25519 public key")]
    Point,
    /// `kid` is not the thumbprint of the key (RFC 7638).
    #[error("the key's `kid` is not its thumbprint")]
    Kid,
}

impl SigningKey {
    /// The key of a seed: 32 bytes from the operating system's entropy, used for nothing else.
    ///
    /// The key is wiped from memory when it is dropped; copies of the seed are the caller's to wipe.
    pub fn from_seed(seed: [u8; 32]) -> Self {
        let secret = ed25519_dalek::SigningKey::from_bytes(&seed);
        let public = PublicKey::of(secret.verifying_key());
        let header_start = jws::header_start(&public.kid);
        Self { secret, public, header_start }
    }

    /// The identifier: the RFC 7638 thumbprint of the public key, 43 base64url symbols.
    pub fn kid(&self) -> &str {
        self.public.kid()
    }

    /// The public half.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The Ed25519 signature of a message (RFC 8032): the same for the same message, always.
    ///
    /// For codes and other documents see [`crate::jws::sign`].
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.secret.sign(message).to_bytes()
    }

    pub(crate) fn header_start(&self) -> &str {
        &self.header_start
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("kid", &self.public.kid).finish_non_exhaustive()
    }
}

impl PublicKey {
    /// The key of its 32 bytes (RFC 8032, section 5.1.5).
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, KeyError> {
        let key = VerifyingKey::from_bytes(bytes).map_err(|_| KeyError::Point)?;
        if key.is_weak() { Err(KeyError::Point) } else { Ok(Self::of(key)) }
    }

    /// The 32 bytes of the key.
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.key.as_bytes()
    }

    /// The identifier: the RFC 7638 thumbprint, 43 base64url symbols.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// Whether this is the key's signature of the message.
    ///
    /// Strict: signatures that only some libraries accept (non-canonical ones, points of small order)
    /// are refused, so that no signature has a second form.
    #[must_use]
    pub fn verify(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        self.key.verify_strict(message, &Signature::from_bytes(signature)).is_ok()
    }

    fn of(key: VerifyingKey) -> Self {
        // The members that RFC 8037 (section 2) requires, in lexicographic order, without whitespace.
        let x = Base64UrlUnpadded::encode_string(key.as_bytes());
        let thumbprint = Sha256::digest(format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#));
        Self { key, kid: Base64UrlUnpadded::encode_string(&thumbprint) }
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublicKey").field("kid", &self.kid).finish_non_exhaustive()
    }
}

impl KeySet {
    /// A set without keys, which verifies nothing.
    pub const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// The key with this identifier.
    pub fn get(&self, kid: &str) -> Option<&PublicKey> {
        self.0.get(kid)
    }

    /// All keys, in the order of their identifiers.
    pub fn iter(&self) -> impl Iterator<Item = &PublicKey> {
        self.0.values()
    }
}

impl Extend<PublicKey> for KeySet {
    fn extend<I: IntoIterator<Item = PublicKey>>(&mut self, keys: I) {
        self.0.extend(keys.into_iter().map(|key| (key.kid.clone(), key)));
    }
}

impl FromIterator<PublicKey> for KeySet {
    fn from_iter<I: IntoIterator<Item = PublicKey>>(keys: I) -> Self {
        let mut set = Self::new();
        set.extend(keys);
        set
    }
}

impl FromStr for KeySet {
    type Err = KeyError;

    /// Reads the JSON of a JWK set, such as a server gives at `/.well-known/jwks.json`.
    fn from_str(json: &str) -> Result<Self, KeyError> {
        Ok(serde_json::from_str(json)?)
    }
}

/// The members of a JWK that matter here. All optional: other kinds of keys have others.
#[derive(Serialize, Deserialize)]
struct Jwk {
    kty: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    crv: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    x: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<String>,
    #[serde(rename = "use", skip_serializing_if = "Option::is_none")]
    purpose: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alg: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Jwks {
    keys: Vec<Jwk>,
}

impl Jwk {
    fn is_ed25519_signature_key(&self) -> bool {
        self.kty == "OKP"
            && self.crv.as_deref() == Some("Ed25519")
            && self.purpose.as_deref().is_none_or(|purpose| purpose == "sig")
            && self.alg.as_deref().is_none_or(|alg| alg == "EdDSA")
    }
}

impl TryFrom<Jwk> for PublicKey {
    type Error = KeyError;

    fn try_from(jwk: Jwk) -> Result<Self, KeyError> {
        if !jwk.is_ed25519_signature_key() {
            return Err(KeyError::Kind);
        }
        let mut bytes = [0; 32];
        let x = jwk.x.as_deref().unwrap_or_default();
        match Base64UrlUnpadded::decode(x, &mut bytes) {
            Ok(decoded) if decoded.len() == 32 => {}
            _ => return Err(KeyError::Point),
        }
        let key = Self::from_bytes(&bytes)?;
        if jwk.kid.is_some_and(|kid| kid != key.kid) {
            return Err(KeyError::Kid);
        }
        Ok(key)
    }
}

impl From<PublicKey> for Jwk {
    fn from(key: PublicKey) -> Self {
        Self {
            kty: "OKP".into(),
            crv: Some("Ed25519".into()),
            x: Some(Base64UrlUnpadded::encode_string(key.as_bytes())),
            kid: Some(key.kid),
            purpose: Some("sig".into()),
            alg: Some("EdDSA".into()),
        }
    }
}

impl TryFrom<Jwks> for KeySet {
    type Error = KeyError;

    fn try_from(jwks: Jwks) -> Result<Self, KeyError> {
        jwks.keys
            .into_iter()
            .filter(Jwk::is_ed25519_signature_key)
            .map(PublicKey::try_from)
            .collect()
    }
}

impl From<KeySet> for Jwks {
    fn from(keys: KeySet) -> Self {
        Self { keys: keys.0.into_values().map(Jwk::from).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JWK: &str = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k","use":"sig","alg":"EdDSA"}"#;

    fn error(jwk: &str) -> String {
        serde_json::from_str::<PublicKey>(jwk).unwrap_err().to_string()
    }

    #[test]
    fn a_jwk_survives() {
        let key: PublicKey = serde_json::from_str(JWK).unwrap();
        assert_eq!(serde_json::to_string(&key).unwrap(), JWK);
    }

    #[test]
    fn a_jwk_needs_only_kind_and_point() {
        let key: PublicKey = serde_json::from_str(
            r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","ext":true}"#,
        )
        .unwrap();
        assert_eq!(key.kid(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    #[test]
    fn a_wrong_jwk_is_refused() {
        let wrong = |from: &str, to: &str| error(&JWK.replace(from, to));
        assert_eq!(wrong("OKP", "EC"), KeyError::Kind.to_string());
        assert_eq!(wrong("Ed25519", "X25519"), KeyError::Kind.to_string());
        assert_eq!(wrong("\"sig\"", "\"enc\""), KeyError::Kind.to_string());
        assert_eq!(wrong("EdDSA", "ES256"), KeyError::Kind.to_string());
        assert_eq!(wrong("kPrK", "kPrL"), KeyError::Kid.to_string());
        assert_eq!(wrong("\"x\"", "\"y\""), KeyError::Point.to_string());
        assert_eq!(wrong("HURo", "HUR"), KeyError::Point.to_string());
        assert_eq!(wrong("HURo", "HURp"), KeyError::Point.to_string(), "stray bits");
        assert_eq!(wrong("HURo", "HURoAAAA"), KeyError::Point.to_string());
        assert!(wrong("\"kty\":\"OKP\",", "").contains("kty"));
        assert!(wrong("\"kty\"", "\"kty\":\"OKP\",\"kty\"").contains("duplicate"));
    }

    #[test]
    fn a_weak_point_is_no_key() {
        let mut identity = [0; 32];
        identity[0] = 1;
        for weak in [identity, [0; 32]] {
            assert!(matches!(PublicKey::from_bytes(&weak), Err(KeyError::Point)));
        }
    }

    #[test]
    fn a_set_skips_other_keys_and_refuses_broken_ones() {
        let rsa = r#"{"kty":"RSA","n":"AQAB","e":"AQAB","kid":"1"}"#;
        let agreement = r#"{"kty":"OKP","crv":"X25519","x":"AAAA"}"#;
        let set: KeySet = format!(r#"{{"keys":[{rsa},{JWK},{agreement}]}}"#).parse().unwrap();
        assert_eq!(set.iter().count(), 1);
        assert!(set.get("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k").is_some());
        assert!(set.get("1").is_none());
        assert_eq!(serde_json::to_string(&set).unwrap(), format!(r#"{{"keys":[{JWK}]}}"#));

        let broken = JWK.replace("HURo", "HUR");
        let error = format!(r#"{{"keys":[{broken}]}}"#).parse::<KeySet>().unwrap_err();
        assert!(error.to_string().contains("not a usable Ed25519 public key"), "{error}");
    }

    #[test]
    fn debug_shows_no_secret() {
        let key = SigningKey::from_seed([0xab; 32]);
        let shown = format!("{key:?}");
        assert_eq!(shown, format!("SigningKey {{ kid: {:?}, .. }}", key.kid()));
    }

    #[test]
    fn a_signature_is_bound_to_key_and_message() {
        let (key, other) = (SigningKey::from_seed([1; 32]), SigningKey::from_seed([2; 32]));
        let signature = key.sign(b"message");
        assert!(key.public().verify(b"message", &signature));
        assert!(!key.public().verify(b"massage", &signature));
        assert!(!other.public().verify(b"message", &signature));
    }
}
