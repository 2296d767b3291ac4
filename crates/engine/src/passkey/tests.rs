//! The pieces of a ceremony; whole ones are tested over the real router.

use proptest::prelude::*;
use scrip_domain::passkey::PublicKey;
use serde::Deserialize;

use super::*;

/// Examples of the standard (section 16), for `example.org`: what was asked, and what a browser and a device answered.
#[derive(Deserialize)]
struct Vector {
    name: String,
    create: Create,
    get: Get,
}

#[derive(Deserialize)]
struct Create {
    challenge: String,
    client_data: String,
    attestation: String,
}

#[derive(Deserialize)]
struct Get {
    challenge: String,
    client_data: String,
    authenticator_data: String,
    signature: String,
}

fn vectors() -> Vec<Vector> {
    serde_json::from_str(include_str!("vectors.json")).unwrap()
}

fn bytes(hex: &str) -> Vec<u8> {
    base16ct::lower::decode_vec(hex).unwrap()
}

fn text(hex: &str) -> String {
    Base64UrlUnpadded::encode_string(&bytes(hex))
}

/// The key in an attestation object, whoever it is for.
fn key_of(attestation: &[u8]) -> Option<PublicKey> {
    let data = ceremony::authenticator_data(attestation)?;
    ceremony::public_key(ceremony::credential(data.get(37..)?)?.1)
}

fn example() -> RelyingParty {
    RelyingParty::at("https://example.org").unwrap()
}

#[test]
fn signatures_of_the_standards_keys_are_known() {
    let kinds = ["P256", "Rsa", "Ed25519"];
    for (vector, kind) in vectors().into_iter().zip(kinds) {
        let (key, get) = (key_of(&bytes(&vector.create.attestation)), vector.get);
        let key = key.unwrap_or_else(|| panic!("{}", vector.name));
        assert!(format!("{key:?}").starts_with(kind), "{key:?}");
        let (data, said) = (bytes(&get.authenticator_data), bytes(&get.client_data));
        let signed = |said: &[u8]| [&data[..], &ceremony::digest(said)].concat();
        let mut signature = bytes(&get.signature);
        assert_eq!(ceremony::verifies(&key, &signed(&said), &signature), Some(true));
        assert_eq!(ceremony::verifies(&key, &signed(b"{}"), &signature), Some(false));
        *signature.last_mut().unwrap() ^= 1;
        assert_eq!(ceremony::verifies(&key, &signed(&said), &signature), Some(false));
        assert_eq!(ceremony::verifies(&key, &signed(&said), b""), Some(false));
    }
}

#[test]
fn what_was_asked_is_told_by_the_browser_of_this_server_alone() {
    let [vector, ..] = &vectors()[..] else { panic!() };
    let (create, get) = (bytes(&vector.create.client_data), bytes(&vector.get.client_data));
    let asked =
        |party: &RelyingParty, ceremony, said: &[u8]| ceremony::challenge(party, ceremony, said);
    let here = example();
    assert_eq!(asked(&here, Ceremony::Create, &create), Some(text(&vector.create.challenge)));
    assert_eq!(asked(&here, Ceremony::Get, &get), Some(text(&vector.get.challenge)));
    assert_eq!(asked(&here, Ceremony::Get, &create), None, "one thing is not the other");
    let there = RelyingParty { origin: "https://example.net".into(), ..example() };
    assert_eq!(asked(&there, Ceremony::Get, &get), None);
    let framed = br#"{"type":"webauthn.get","challenge":"AA","origin":"https://example.org","crossOrigin":true}"#;
    assert_eq!(asked(&here, Ceremony::Get, framed), None, "within a page of somebody else's");
    for bad in [&b""[..], b"{}", b"[]", b"\xff"] {
        assert_eq!(asked(&here, Ceremony::Get, bad), None);
    }
}

#[test]
fn a_device_makes_a_key_for_this_server_and_knows_who_holds_it() {
    let vectors = vectors();
    let objects: Vec<_> = vectors.iter().map(|vector| bytes(&vector.create.attestation)).collect();
    let made = ceremony::made(&example(), &objects[0]).unwrap();
    assert_eq!(made.said, Said { counter: 0, synced: false });
    let there = RelyingParty { id: "example.net".into(), ..example() };
    let why = ceremony::made(&there, &objects[0]).unwrap_err();
    assert_eq!(why, Unfit::Elsewhere);
    let why = ceremony::made(&example(), &objects[2]).unwrap_err();
    assert_eq!(why, Unfit::NotRecognized, "flags: present only");
    for end in 0..objects[0].len() {
        // Cut off anywhere, it is read as nothing, and nothing is made of it.
        let cut = ceremony::made(&example(), &objects[0][..end]);
        assert!(cut.is_err(), "{end}");
    }
    let deep = vec![0x81; 100_000];
    assert!(ceremony::made(&example(), &deep).is_err(), "lists within lists");
}

#[test]
fn browsers_have_passkeys_where_a_server_has_a_name_and_tls() {
    for (url, id, origin) in [
        ("https://shop.example", "shop.example", "https://shop.example"),
        ("https://shop.example:8443/sub", "shop.example", "https://shop.example:8443"),
        ("https://shop.example:443", "shop.example", "https://shop.example"),
        ("http://localhost:8080", "localhost", "http://localhost:8080"),
    ] {
        let party = RelyingParty { id: id.into(), origin: origin.into() };
        assert_eq!(RelyingParty::at(url), Some(party), "{url}");
    }
    for url in [
        "",
        "http://shop.example",
        "http://127.0.0.1:8080",
        "https://127.0.0.1:8080",
        "https://[::1]:8080",
        "https://[::1]",
    ] {
        assert_eq!(RelyingParty::at(url), None, "{url}");
    }
}

proptest! {
    /// Strangers send these: whatever they are, they are refused, and end nothing.
    #[test]
    fn what_a_stranger_makes_up_is_no_key_and_no_answer(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        place in any::<prop::sample::Index>(),
        bit in 0u8..8,
    ) {
        let (here, key) = (example(), PublicKey::Ed25519 { x: Base64UrlUnpadded::encode_string(&[9; 32]) });
        prop_assert!(ceremony::made(&here, &bytes).is_err());
        prop_assert_eq!(ceremony::shown(&here, &key, (&bytes, &bytes), &bytes), None);
        prop_assert_eq!(ceremony::challenge(&here, Ceremony::Get, &bytes), None);
        // Nearly right is read, or is not.
        for vector in vectors() {
            let mut object = self::bytes(&vector.create.attestation);
            *place.get_mut(&mut object) ^= 1 << bit;
            let _ = ceremony::made(&here, &object);
        }
    }
}
