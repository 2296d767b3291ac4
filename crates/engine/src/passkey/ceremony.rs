//! What a browser and a device say of a passkey: read, and checked (W3C Web Authentication, Level 3, sections 6.1, 7.1, 7.2).
//!
//! Who made a device is nothing that a shop goes by, so attestations are not asked for, and not looked at where one comes all
//! the same.

use std::ops::RangeInclusive;

use base64ct::{Base64UrlUnpadded, Encoding};
use cbor4ii::core::Value;
use cbor4ii::core::dec::Decode;
use cbor4ii::core::utils::SliceReader;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
    UnparsedPublicKey, VerificationAlgorithm,
};
use scrip_domain::passkey::{PublicKey, Said};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::{RelyingParty, Unfit};

/// What somebody is asked to do, as browsers call it.
#[derive(Clone, Copy, Debug)]
pub enum Ceremony {
    /// To have a passkey made.
    Create,
    /// To use one.
    Get,
}

/// What a browser says that it was asked.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClientData {
    r#type: String,
    challenge: String,
    origin: String,
    #[serde(default)]
    cross_origin: bool,
}

/// The challenge that a browser was given for `ceremony` by a page of ours, in base64url.
pub fn challenge(party: &RelyingParty, ceremony: Ceremony, said: &[u8]) -> Option<String> {
    let said: ClientData = serde_json::from_slice(said).ok()?;
    let kind = match ceremony {
        Ceremony::Create => "webauthn.create",
        Ceremony::Get => "webauthn.get",
    };
    let ours = said.r#type == kind && said.origin == party.origin && !said.cross_origin;
    ours.then_some(said.challenge)
}

/// A key that a device has made.
#[derive(Debug)]
pub struct Made {
    /// What the device calls it.
    pub credential: String,
    /// Its public half.
    pub key: PublicKey,
    /// What the device says of it.
    pub said: Said,
}

/// What a device says of a key that it has made: an attestation object.
pub fn made(party: &RelyingParty, attestation: &[u8]) -> Result<Made, Unfit> {
    let data = authenticator_data(attestation).ok_or(Unfit::Unreadable)?;
    let (said, rest) = authenticator(party, &data)?;
    let (credential, key) = credential(rest).ok_or(Unfit::Unreadable)?;
    let key = public_key(key).ok_or(Unfit::Kind)?;
    Ok(Made { credential: Base64UrlUnpadded::encode_string(credential), key, said })
}

/// What a device says with its signature, if it is one of `key`.
pub fn shown(
    party: &RelyingParty,
    key: &PublicKey,
    (client_data, authenticator_data): (&[u8], &[u8]),
    signature: &[u8],
) -> Option<Said> {
    let (said, _) = authenticator(party, authenticator_data).ok()?;
    let signed = [authenticator_data, &digest(client_data)].concat();
    verifies(key, &signed, signature)?.then_some(said)
}

/// What an attestation is of.
pub fn authenticator_data(attestation: &[u8]) -> Option<Vec<u8>> {
    match member(&cbor(attestation)?, &Value::Text("authData".into()))? {
        Value::Bytes(data) => Some(data.clone()),
        _ => None,
    }
}

/// Somebody was there.
const PRESENT: u8 = 1;
/// The device has recognized who, by a finger, a face or a number.
const RECOGNIZED: u8 = 1 << 2;
/// The key may be kept by more than one device.
const MAY_SYNC: u8 = 1 << 3;
/// It is.
const SYNCED: u8 = 1 << 4;

/// Authenticator data (section 6.1), and what follows in it.
fn authenticator<'a>(party: &RelyingParty, data: &'a [u8]) -> Result<(Said, &'a [u8]), Unfit> {
    let short = Unfit::Unreadable;
    let (for_whom, rest) = data.split_first_chunk::<32>().ok_or(short)?;
    let (flags, rest) = rest.split_first().ok_or(short)?;
    let (counter, rest) = rest.split_first_chunk().ok_or(short)?;
    let has = |flag: u8| flags & flag != 0;
    if *for_whom != digest(party.id.as_bytes()) {
        return Err(Unfit::Elsewhere);
    }
    if !has(PRESENT) || !has(RECOGNIZED) {
        return Err(Unfit::NotRecognized);
    }
    if has(SYNCED) && !has(MAY_SYNC) {
        return Err(Unfit::Unreadable);
    }
    Ok((Said { counter: u32::from_be_bytes(*counter), synced: has(SYNCED) }, rest))
}

/// The name of a key, and what begins with the key itself (section 6.5.1).
pub fn credential(data: &[u8]) -> Option<(&[u8], &[u8])> {
    const AAGUID: usize = 16;
    let (length, rest) = data.get(AAGUID..)?.split_first_chunk()?;
    let (name, key) = rest.split_at_checked(u16::from_be_bytes(*length).into())?;
    // Longer ones are none (section 7.1, step 25).
    (1..=1023).contains(&name.len()).then_some((name, key))
}

/// A key in CBOR (RFC 9052, section 7; RFC 9053), of the kinds that we ask for.
pub fn public_key(data: &[u8]) -> Option<PublicKey> {
    let key = cbor(data)?;
    let number = |label: i128| match member(&key, &Value::Integer(label)) {
        Some(Value::Integer(number)) => Some(*number),
        _ => None,
    };
    let bytes =
        |label: i128, lengths: RangeInclusive<usize>| match member(&key, &Value::Integer(label)) {
            Some(Value::Bytes(bytes)) if lengths.contains(&bytes.len()) => {
                Some(Base64UrlUnpadded::encode_string(bytes))
            }
            _ => None,
        };
    match (number(1)?, number(3)?) {
        (2, -7) if number(-1) == Some(1) => {
            Some(PublicKey::P256 { x: bytes(-2, 32..=32)?, y: bytes(-3, 32..=32)? })
        }
        (1, -8) if number(-1) == Some(6) => Some(PublicKey::Ed25519 { x: bytes(-2, 32..=32)? }),
        (3, -257) => Some(PublicKey::Rsa { n: bytes(-1, 256..=1024)?, e: bytes(-2, 1..=8)? }),
        _ => None,
    }
}

/// Whether a signature is one of this key's; `None` when the key is none.
pub fn verifies(key: &PublicKey, message: &[u8], signature: &[u8]) -> Option<bool> {
    let bytes = |text: &str| Base64UrlUnpadded::decode_vec(text).ok();
    let with = |algorithm: &'static dyn VerificationAlgorithm, key: &[u8]| {
        UnparsedPublicKey::new(algorithm, key).verify(message, signature).is_ok()
    };
    Some(match key {
        PublicKey::P256 { x, y } => {
            // A point that is not compressed (SEC 1, section 2.3.3).
            with(&ECDSA_P256_SHA256_ASN1, &[&[4], &*bytes(x)?, &*bytes(y)?].concat())
        }
        PublicKey::Ed25519 { x } => with(&ED25519, &bytes(x)?),
        PublicKey::Rsa { n, e } => {
            let key = RsaPublicKeyComponents { n: bytes(n)?, e: bytes(e)? };
            key.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature).is_ok()
        }
    })
}

/// The first item of these bytes.
fn cbor(bytes: &[u8]) -> Option<Value> {
    Value::decode(&mut SliceReader::new(bytes)).ok()
}

fn member<'a>(map: &'a Value, label: &Value) -> Option<&'a Value> {
    let Value::Map(members) = map else { return None };
    members.iter().find(|(key, _)| key == label).map(|(_, value)| value)
}

pub fn digest(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}
