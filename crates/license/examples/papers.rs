//! Papers of all kinds, each with what this crate says of it, as JSON: the checks in other languages must say the same.
//!
//! `tests/foreign/offline.py` and `tests/foreign/offline.mjs` run it. The keys are of fixed seeds, and no secret.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;

use scrip_license::{
    Activation, Claims, Expect, KeySet, Lease, Limits, Offline, Policy, Reason, RentalStart,
    Revocations, SigningKey, Successor, Terms, jws, machine,
};
use serde_json::{Value, json};

const SHOP: &str = "https://shop.example";
const PRODUCT: &str = "prd_06bq3v8k2m9z0";
const LICENSE: &str = "lic_06bq3v8k2m9zc";
const NOW: u64 = 1_795_000_000;
const DAY: u64 = 86_400;

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// What a program is given.
#[derive(Default, Clone)]
struct Papers {
    code: String,
    chain: Vec<String>,
    lease: Option<String>,
    list: Option<String>,
}

/// The vendor's keys: the one that programs were shipped with, the one of today, and somebody else's.
struct Keys {
    shipped: SigningKey,
    today: SigningKey,
    strange: SigningKey,
}

fn main() -> Outcome {
    let keys = Keys {
        shipped: SigningKey::from_seed([7; 32]),
        today: SigningKey::from_seed([9; 32]),
        strange: SigningKey::from_seed([8; 32]),
    };
    let cases = [codes(&keys)?, leases(&keys)?, lists(&keys)?, chains(&keys)?].concat();
    let shipped: KeySet = [keys.shipped.public().clone()].into_iter().collect();
    let judged: Vec<Value> =
        cases.iter().map(|(name, papers)| judge(&shipped, name, papers)).collect();
    let all = json!({
        "issuer": SHOP, "product": PRODUCT, "fingerprint": "desk", "now": NOW, "keys": shipped, "cases": judged,
    });
    println!("{all}");
    Ok(())
}

fn judge(shipped: &KeySet, name: &str, papers: &Papers) -> Value {
    let mut keys = shipped.clone();
    keys.follow(SHOP, &papers.chain);
    let list = papers.list.as_deref().and_then(|list| Revocations::read(list, &keys).ok());
    let offline = Offline {
        keys: &keys,
        expect: Expect { issuer: Some(SHOP), product: Some(PRODUCT) },
        machine: machine("desk"),
        revocations: list.as_ref(),
        policy: Policy::default(),
    };
    let reason = offline.check(&papers.code, papers.lease.as_deref(), NOW).reason;
    let Papers { code, chain, lease, list } = papers;
    json!({ "name": name, "code": code, "chain": chain, "lease": lease, "revocations": list, "reason": reason })
}

type Cases = Vec<(String, Papers)>;

fn codes(keys: &Keys) -> Outcome<Cases> {
    let key = &keys.shipped;
    let claims = [
        ("good for ever", claims()),
        ("in its time", Claims { expires_at: Some(NOW + 1), ..claims() }),
        ("ended now", Claims { expires_at: Some(NOW), ..claims() }),
        ("begins in a day", Claims { not_before: NOW + DAY, ..claims() }),
        ("begins later", Claims { not_before: NOW + DAY + 1, ..claims() }),
        ("another product's", Claims { product: "prd_06bq3v8k2m9z1".into(), ..claims() }),
        ("another vendor's", Claims { issuer: "https://other.example".into(), ..claims() }),
        ("not activated", counted()),
    ];
    let mut cases = Vec::new();
    for (name, claims) in claims {
        cases.push((name.to_owned(), Papers { code: claims.sign(key)?, ..Papers::default() }));
    }
    let good = claims_signed(key)?;
    let (head, _) = good.rsplit_once('.').ok_or("a JWS has dots")?;
    let other = lease().sign(key)?;
    let (_, other) = other.rsplit_once('.').ok_or("a JWS has dots")?;
    let damaged = [
        ("with blanks around it", format!(" {good}\n")),
        ("with another signature", format!("{head}.{other}")),
        ("with another payload", good.replacen(".eyJ", ".eyK", 1)),
        ("of a strange key", claims_signed(&keys.strange)?),
        ("no code", "hello".to_owned()),
        ("nothing", String::new()),
        ("of another kind", lease().sign(key)?),
        ("short", "028T5-CY4TQ-KFF8D-DD93N-VARTJ".to_owned()),
    ];
    for (name, code) in damaged {
        cases.push((name.to_owned(), Papers { code, ..Papers::default() }));
    }
    Ok(cases)
}

fn leases(keys: &Keys) -> Outcome<Cases> {
    let key = &keys.shipped;
    let leases = [
        ("a lease", lease()),
        ("a lease that ends in a second", Lease { expires_at: NOW + 1, ..lease() }),
        ("a lease that has ended", Lease { expires_at: NOW, ..lease() }),
        ("another machine's lease", Lease { machine: machine("another"), ..lease() }),
        ("another license's lease", Lease { license: "lic_06bq3v8k2m9zd".into(), ..lease() }),
        ("another product's lease", Lease { product: "prd_06bq3v8k2m9z1".into(), ..lease() }),
        ("another vendor's lease", Lease { issuer: "https://other.example".into(), ..lease() }),
        (
            "a lease of tomorrow",
            Lease { issued_at: NOW + DAY, expires_at: NOW + 9 * DAY, ..lease() },
        ),
        (
            "a lease of the day after",
            Lease { issued_at: NOW + DAY + 1, expires_at: NOW + 9 * DAY, ..lease() },
        ),
    ];
    let code = counted().sign(key)?;
    let with = |lease| Papers { code: code.clone(), lease, ..Papers::default() };
    let mut cases = Vec::new();
    for (name, lease) in leases {
        cases.push((name.to_owned(), with(Some(lease.sign(key)?))));
    }
    cases.push(("a strange key's lease".to_owned(), with(Some(lease().sign(&keys.strange)?))));
    cases.push(("the code for a lease".to_owned(), with(Some(code.clone()))));
    let ended = Claims { expires_at: Some(NOW), ..counted() }.sign(key)?;
    let longer = Some(lease().sign(key)?);
    cases.push(("extended".to_owned(), Papers { code: ended, lease: longer, ..Papers::default() }));
    Ok(cases)
}

fn lists(keys: &Keys) -> Outcome<Cases> {
    let key = &keys.shipped;
    let dead = |reason| Revocations {
        dead: BTreeMap::from([(LICENSE.to_owned(), (1, reason))]),
        ..list()
    };
    let with = |code: &Claims, list: &Revocations, signer: &SigningKey| -> Outcome<Papers> {
        let lease = Some(lease().sign(key)?);
        Ok(Papers {
            code: code.sign(key)?,
            lease,
            list: Some(list.sign(signer)?),
            ..Papers::default()
        })
    };
    let second = Claims { id: Claims::issue_id(LICENSE, 2), ..claims() };
    let of_another = Revocations { product: Some("prd_x".into()), ..dead(Reason::Revoked) };
    let ended = Revocations { ended: BTreeSet::from([lease().id]), ..list() };
    let older = Revocations { issued_at: lease().issued_at - 1, ..ended.clone() };
    let tomorrow = Revocations { issued_at: NOW + DAY + 1, ..list() };
    let mut cases = Vec::new();
    for reason in [Reason::Revoked, Reason::Superseded, Reason::Refunded, Reason::Suspended] {
        cases.push((format!("in the list: {reason}"), with(&claims(), &dead(reason), key)?));
    }
    cases.push(("not in the list".to_owned(), with(&counted(), &list(), key)?));
    cases.push(("issued again".to_owned(), with(&second, &dead(Reason::Superseded), key)?));
    cases.push(("another product's list".to_owned(), with(&claims(), &of_another, key)?));
    cases.push(("its lease is in the list".to_owned(), with(&counted(), &ended, key)?));
    cases.push(("leased after the list".to_owned(), with(&counted(), &older, key)?));
    cases.push(("a list of the future".to_owned(), with(&counted(), &tomorrow, key)?));
    let forged = with(&claims(), &dead(Reason::Revoked), &keys.strange)?;
    cases.push(("a strange key's list".to_owned(), forged));
    Ok(cases)
}

fn chains(keys: &Keys) -> Outcome<Cases> {
    let link = |issuer: &str, from: &SigningKey, to: &SigningKey| {
        Successor { issuer: issuer.to_owned(), jwk: to.public().clone() }.sign(from)
    };
    let middle = SigningKey::from_seed([5; 32]);
    let (first, last) = (link(SHOP, &keys.shipped, &middle)?, link(SHOP, &middle, &keys.today)?);
    let (code, lease) = (counted().sign(&keys.today)?, Some(lease().sign(&keys.today)?));
    let with =
        |chain: Vec<String>| Papers { code: code.clone(), chain, lease: lease.clone(), list: None };
    Ok(vec![
        ("a new key without the chain".to_owned(), with(vec![])),
        ("a new key with the chain".to_owned(), with(vec![first.clone(), last.clone()])),
        ("a chain in any order".to_owned(), with(vec![last.clone(), first.clone()])),
        ("a chain with a gap".to_owned(), with(vec![last])),
        (
            "a chain of a strange key".to_owned(),
            with(vec![link(SHOP, &keys.strange, &keys.today)?]),
        ),
        (
            "a chain of another vendor".to_owned(),
            with(vec![link("https://other.example", &keys.shipped, &keys.today)?]),
        ),
        (
            "a chain of rubbish and the right one".to_owned(),
            with(vec!["a.b.c".to_owned(), first, link(SHOP, &middle, &keys.today)?]),
        ),
    ])
}

fn claims() -> Claims {
    Claims {
        issuer: SHOP.into(),
        subject: "buyer".into(),
        id: Claims::issue_id(LICENSE, 1),
        license: LICENSE.into(),
        issued_at: NOW - DAY,
        not_before: NOW - DAY,
        expires_at: None,
        order: "ord_06bq3v8k2m9zb".into(),
        product: PRODUCT.into(),
        offer: "ofr_06bq3v8k2m9z1".into(),
        terms: Terms::Perpetual,
        limits: Limits::default(),
        manifest: None,
        activation: None,
    }
}

fn claims_signed(key: &SigningKey) -> Result<String, jws::SignError> {
    claims().sign(key)
}

fn counted() -> Claims {
    Claims {
        terms: Terms::Rental { seconds: DAY, from: RentalStart::FirstActivation },
        activation: Some(Activation::Required),
        ..claims()
    }
}

fn lease() -> Lease {
    Lease {
        issuer: SHOP.into(),
        id: "lea_06bq3v8k2m9zd".into(),
        license: LICENSE.into(),
        product: PRODUCT.into(),
        machine: machine("desk"),
        issued_at: NOW - 60,
        expires_at: NOW + DAY,
        units: Some(5),
        unit: None,
    }
}

fn list() -> Revocations {
    Revocations {
        issuer: SHOP.into(),
        issued_at: NOW,
        product: None,
        dead: BTreeMap::new(),
        ended: BTreeSet::new(),
    }
}
