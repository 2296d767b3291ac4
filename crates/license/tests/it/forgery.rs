//! Forgers: every changed bit of a code is refused, and no text makes the reader panic.

use proptest::prelude::*;
use scrip_license::{Claims, Expect, Reason, check, jws};

use crate::{START, key, keys, rental, uses};

/// All of them, one by one: this also finds texts that decode to the same bytes.
#[test]
fn every_flipped_bit_is_refused() {
    let code = rental().sign(&key()).unwrap();
    let keys = keys();
    for place in 0..code.len() {
        for bit in 0..8 {
            let mut forged = code.clone().into_bytes();
            forged[place] ^= 1 << bit;
            let Ok(forged) = String::from_utf8(forged) else { continue };
            let result = jws::verify::<Claims>(&forged, Claims::TYP, &keys);
            assert!(result.is_err(), "bit {bit} of byte {place}: {result:?}");
        }
    }
}

#[test]
fn every_cut_code_is_refused() {
    let code = rental().sign(&key()).unwrap();
    for end in 0..code.len() {
        assert!(jws::verify::<Claims>(&code[..end], Claims::TYP, &keys()).is_err(), "{end}");
        assert!(jws::verify::<Claims>(&code[end + 1..], Claims::TYP, &keys()).is_err(), "{end}");
    }
}

#[test]
fn parts_of_two_codes_do_not_make_a_third() {
    let codes = [rental(), uses()].map(|claims| claims.sign(&key()).unwrap());
    let [a, b] = codes.each_ref().map(|code| code.split('.').collect::<Vec<_>>());
    let mixed = [a[0], b[1], a[2]].join(".");
    let verdict = check(&mixed, &keys(), &Expect::default(), START);
    assert_eq!(verdict.reason, Reason::BadSignature);
}

proptest! {
    #[test]
    fn no_text_is_valid_or_panics(text in "\\PC{0,300}", now: u64) {
        prop_assert!(!check(&text, &keys(), &Expect::default(), now).is_valid());
    }

    #[test]
    fn no_replaced_piece_is_valid(start: prop::sample::Index, piece in "[A-Za-z0-9._-]{1,8}") {
        let code = rental().sign(&key()).unwrap();
        let start = start.index(code.len() - piece.len());
        let mut forged = code.clone();
        forged.replace_range(start..start + piece.len(), &piece);
        let verdict = check(&forged, &keys(), &Expect::default(), START);
        prop_assert_eq!(verdict.is_valid(), forged == code);
    }
}
