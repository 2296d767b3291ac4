//! The whole check without a network: each reason that it can give, their order, and what the integrator decides.

use std::collections::{BTreeMap, BTreeSet};

use scrip_license::{
    Claims, Expect, KeySet, LastAnswer, Lease, LicenseFile, Offline, Permit, Policy, Reason,
    Revocations, Rollback, SigningKey, Successor, Unreachable, machine,
};

use crate::{END, ISSUER, PRODUCT, START, key, keys, lease, rental, uses};

const DAY: u64 = 86_400;
const EXPECT: Expect<'static> = Expect { issuer: Some(ISSUER), product: Some(PRODUCT) };

fn exact() -> Policy {
    Policy { tolerance_seconds: 0, ..Policy::default() }
}

fn list() -> Revocations {
    Revocations {
        issuer: ISSUER.into(),
        issued_at: START,
        product: None,
        dead: BTreeMap::new(),
        ended: BTreeSet::new(),
    }
}

/// Asks at the desk.
fn ask(
    code: &Claims,
    lease: Option<&Lease>,
    list: Option<&Revocations>,
    policy: Policy,
    now: u64,
) -> Permit {
    let keys = keys();
    let offline = Offline {
        keys: &keys,
        expect: EXPECT,
        machine: machine("desk"),
        revocations: list,
        policy,
    };
    let lease = lease.map(|lease| lease.sign(&key()).unwrap());
    offline.check(&code.sign(&key()).unwrap(), lease.as_deref(), now)
}

fn reason(code: &Claims, lease: Option<&Lease>, now: u64) -> Reason {
    ask(code, lease, None, exact(), now).reason
}

#[test]
fn a_code_that_needs_an_activation_is_good_with_a_lease_for_this_machine() {
    let permit = ask(&uses(), Some(&lease()), None, exact(), START);
    assert!(permit.is_valid() && !permit.grace);
    assert_eq!((permit.claims, permit.lease), (Some(uses()), Some(lease())));
    assert_eq!(reason(&uses(), None, START), Reason::NotActivated);
    let other = Lease { machine: machine("another"), ..lease() };
    assert_eq!(reason(&uses(), Some(&other), START), Reason::WrongMachine);
}

#[test]
fn a_lease_of_another_license_is_none() {
    let others = [
        Lease { license: "lic_06bq3v8k2m9zd".into(), ..lease() },
        Lease { product: "prd_06bq3v8k2m9z1".into(), ..lease() },
        Lease { issuer: "https://other.example".into(), ..lease() },
    ];
    for other in others {
        assert_eq!(reason(&uses(), Some(&other), START), Reason::NotActivated);
    }
}

#[test]
fn what_is_brought_as_a_lease_and_is_none_helps_nothing() {
    let (keys, code) = (keys(), uses().sign(&key()).unwrap());
    let offline = Offline {
        keys: &keys,
        expect: EXPECT,
        machine: machine("desk"),
        revocations: None,
        policy: exact(),
    };
    for text in ["", "a.b.c", &code] {
        assert_eq!(offline.check(&code, Some(text), START).reason, Reason::NotActivated);
    }
    let forged = lease().sign(&SigningKey::from_seed([8; 32])).unwrap();
    assert_eq!(offline.check(&code, Some(&forged), START).reason, Reason::BadSignature);
    let lease = lease().sign(&key()).unwrap();
    assert_eq!(offline.check(&lease, Some(&code), START).reason, Reason::UnknownCode);
    assert!(offline.check(&code, Some(&format!(" {lease}\n")), START).is_valid());
}

#[test]
fn a_lease_ends_to_the_second_and_grace_is_told() {
    assert_eq!(reason(&uses(), Some(&lease()), END - 1), Reason::Valid);
    assert_eq!(reason(&uses(), Some(&lease()), END), Reason::LeaseExpired);
    let policy = Policy { grace_seconds: 60, ..exact() };
    let at = |now| ask(&uses(), Some(&lease()), None, policy, now);
    assert_eq!((at(END - 1).reason, at(END - 1).grace), (Reason::Valid, false));
    assert_eq!((at(END).reason, at(END).grace), (Reason::Valid, true));
    assert_eq!((at(END + 59).reason, at(END + 59).grace), (Reason::Valid, true));
    assert_eq!(at(END + 60).reason, Reason::LeaseExpired);
    let at = |now| ask(&rental(), None, None, policy, now);
    assert_eq!((at(END + 59).reason, at(END + 59).grace), (Reason::Valid, true));
    assert_eq!((at(END + 60).reason, at(END + 60).grace), (Reason::Expired, false));
}

#[test]
fn a_lease_that_was_signed_after_an_extension_outlives_the_end_in_the_code() {
    let longer = Lease { expires_at: END + DAY, ..lease() };
    assert_eq!(reason(&rental(), Some(&longer), END), Reason::Valid);
    assert_eq!(reason(&rental(), Some(&longer), END + DAY), Reason::Expired);
    assert_eq!(reason(&rental(), None, END), Reason::Expired);
    let others = Lease { machine: machine("another"), ..longer };
    assert_eq!(reason(&rental(), Some(&others), END), Reason::Expired, "which comes first");
    assert_eq!(reason(&rental(), Some(&others), START), Reason::Valid, "it needs no lease");
}

#[test]
fn the_integrator_can_demand_a_lease_where_machines_are_counted() {
    let policy = Policy { lease_for_machines: true, ..exact() };
    assert_eq!(ask(&rental(), None, None, policy, START).reason, Reason::NotActivated);
    assert!(ask(&rental(), Some(&lease()), None, policy, START).is_valid());
    let anywhere = Claims { limits: scrip_license::Limits::default(), ..rental() };
    assert!(ask(&anywhere, None, None, policy, START).is_valid());
}

#[test]
fn the_list_turns_dead_codes_away() {
    let dead = |issue, reason| Revocations {
        dead: BTreeMap::from([("lic_06bq3v8k2m9zc".to_owned(), (issue, reason))]),
        ..list()
    };
    let second = Claims { id: Claims::issue_id("lic_06bq3v8k2m9zc", 2), ..uses() };
    let ask = |code: &Claims, list: &Revocations| {
        ask(code, Some(&lease()), Some(list), exact(), START).reason
    };
    for reason in [Reason::Revoked, Reason::Refunded, Reason::Suspended, Reason::Superseded] {
        assert_eq!(ask(&uses(), &dead(1, reason)), reason);
        assert_eq!(ask(&second, &dead(1, reason)), Reason::Valid, "a later issue");
    }
    assert_eq!(ask(&uses(), &list()), Reason::Valid);
    let of_another = Revocations { product: Some("prd_other".into()), ..dead(1, Reason::Revoked) };
    assert_eq!(ask(&uses(), &of_another), Reason::Valid);
    let of_nobody = Revocations { issuer: "https://other".into(), ..dead(1, Reason::Revoked) };
    assert_eq!(ask(&uses(), &of_nobody), Reason::Valid);
}

#[test]
fn the_list_ends_leases_that_were_signed_before_it() {
    let ended = |id: &str| Revocations { ended: BTreeSet::from([id.to_owned()]), ..list() };
    let ask = |lease: &Lease, list: &Revocations| {
        ask(&uses(), Some(lease), Some(list), exact(), START + 1).reason
    };
    assert_eq!(ask(&lease(), &ended("lea_06bq3v8k2m9zd")), Reason::LeaseExpired);
    let activation = Lease { id: "act_06bq3v8k2m9ze".into(), units: None, ..lease() };
    assert_eq!(ask(&activation, &ended("act_06bq3v8k2m9ze")), Reason::NotActivated);
    let again = Lease { issued_at: START + 1, ..activation };
    assert_eq!(ask(&again, &ended("act_06bq3v8k2m9ze")), Reason::Valid, "activated again");
}

#[test]
fn a_list_survives_the_way_and_is_believed_from_the_vendor_only() {
    let many = (0..5_000).map(|number| (format!("lic_{number:013}"), (1, Reason::Revoked)));
    let long = Revocations { dead: many.collect(), ..list() };
    let text = long.sign(&key()).unwrap();
    assert!(text.len() > 200_000);
    assert_eq!(Revocations::read(&text, &keys()), Ok(long));
    assert_eq!(Revocations::read(&text, &KeySet::new()), Err(Reason::BadSignature));
    let lease = lease().sign(&key()).unwrap();
    assert_eq!(Revocations::read(&lease, &keys()), Err(Reason::UnknownCode));
}

#[test]
fn a_clock_behind_what_was_signed_is_a_rollback_or_borne_with() {
    let late = Lease { issued_at: START + 2 * DAY, expires_at: START + 9 * DAY, ..lease() };
    let at = |policy, now| ask(&uses(), Some(&late), None, policy, now).reason;
    let policy = Policy::default();
    assert_eq!(at(policy, START + DAY), Reason::Valid, "within the tolerance");
    assert_eq!(at(policy, START + DAY - 1), Reason::ClockRollback);
    let open = Policy { rollback: Rollback::FailOpen, ..policy };
    assert_eq!(at(open, START + DAY - 1), Reason::Valid);
    let list = Revocations { issued_at: START + 2 * DAY, ..list() };
    let by_list = |policy| ask(&rental(), None, Some(&list), policy, START).reason;
    assert_eq!((by_list(policy), by_list(open)), (Reason::ClockRollback, Reason::Valid));
    assert_eq!(reason(&rental(), None, START - 1), Reason::NotStarted);
    assert_eq!(at(policy, START - 2 * DAY), Reason::NotStarted, "before the code is worse");
}

#[test]
fn the_first_reason_is_told() {
    let dead = Revocations {
        dead: BTreeMap::from([("lic_06bq3v8k2m9zc".to_owned(), (1, Reason::Revoked))]),
        issued_at: u64::MAX,
        ..list()
    };
    let wrong = Claims { product: "prd_06bq3v8k2m9z1".into(), ..uses() };
    let ask = |code: &Claims| ask(code, None, Some(&dead), exact(), END).reason;
    assert_eq!(
        ask(&Claims { issuer: "https://other".into(), ..wrong.clone() }),
        Reason::UnknownCode
    );
    assert_eq!(ask(&wrong), Reason::WrongProduct);
    assert_eq!(ask(&rental()), Reason::Revoked);
}

#[test]
fn a_program_with_an_old_key_follows_the_chain_in_the_license_file() {
    let (first, second) = (key(), SigningKey::from_seed([9; 32]));
    let link = Successor { issuer: ISSUER.into(), jwk: second.public().clone() };
    let file = LicenseFile {
        code: uses().sign(&second).unwrap(),
        keys: vec![link.sign(&first).unwrap()],
        lease: Some(lease().sign(&second).unwrap()),
        revocations: None,
    };
    let check = |keys: &KeySet| {
        let offline = Offline {
            keys,
            expect: EXPECT,
            machine: machine("desk"),
            revocations: None,
            policy: exact(),
        };
        offline.check(&file.code, file.lease.as_deref(), START).reason
    };
    assert_eq!(check(&keys()), Reason::BadSignature);
    assert_eq!(check(&file.keys_from(&keys(), ISSUER)), Reason::Valid);
    assert_eq!(check(&file.keys_from(&keys(), "https://other.example")), Reason::BadSignature);
}

#[test]
fn an_unreachable_server_is_the_integrators_choice() {
    let open = Policy { unreachable: Unreachable::FailOpen { seconds: 60 }, ..Policy::default() };
    let closed = Policy::default();
    let good = LastAnswer { reason: Reason::Valid, at: START };
    let bad = LastAnswer { reason: Reason::Revoked, at: START };
    assert_eq!(open.without_answer(Some(&good), START + 59), Reason::Valid);
    assert_eq!(open.without_answer(Some(&good), START + 60), Reason::LeaseExpired);
    assert_eq!(closed.without_answer(Some(&good), START), Reason::LeaseExpired);
    for policy in [open, closed] {
        assert_eq!(policy.without_answer(None, START), Reason::NotActivated);
        assert_eq!(policy.without_answer(Some(&bad), START), Reason::Revoked);
        let early = policy.without_answer(Some(&good), START - DAY - 1);
        assert_eq!(early, Reason::ClockRollback);
    }
    let kept = serde_json::to_string(&good).unwrap();
    assert_eq!(kept, r#"{"reason":"VALID","at":1795000000}"#);
}

#[test]
fn what_the_vendor_signed_tells_the_time() {
    let (keys, list) = (keys(), Revocations { issued_at: START + 5, ..list() });
    let mut offline = Offline {
        keys: &keys,
        expect: EXPECT,
        machine: machine("desk"),
        revocations: None,
        policy: exact(),
    };
    let text = lease().sign(&key()).unwrap();
    let forged = lease().sign(&SigningKey::from_seed([8; 32])).unwrap();
    let foreign = Lease { issuer: "https://other".into(), ..lease() }.sign(&key()).unwrap();
    assert_eq!(offline.signed_at(Some(&text)), Some(START));
    for none in [None, Some(&*forged), Some(&*foreign), Some("")] {
        assert_eq!(offline.signed_at(none), None);
    }
    offline.revocations = Some(&list);
    assert_eq!(offline.signed_at(Some(&text)), Some(START + 5));
}
