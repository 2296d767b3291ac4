//! The crate as an integrator sees it, against published vectors and against forgers.

mod check;
mod example;
mod forgery;
mod fuzz;
mod offline;
mod rfc8037;
mod wycheproof;

use scrip_license::{
    Activation, Claims, KeySet, Lease, Limits, RentalStart, SigningKey, Terms, machine,
};

const ISSUER: &str = "https://shop.example";
const PRODUCT: &str = "prd_06bq3v8k2m9z0";
const START: u64 = 1_795_000_000;
const END: u64 = START + 86_400;

fn key() -> SigningKey {
    SigningKey::from_seed([7; 32])
}

fn keys() -> KeySet {
    [key().public().clone()].into_iter().collect()
}

/// A rental for a day, from the purchase.
fn rental() -> Claims {
    Claims {
        issuer: ISSUER.into(),
        subject: "ZVGaSiSvYXkQaoXFFxyA7cG-w2sFO4vo".into(),
        id: Claims::issue_id("lic_06bq3v8k2m9zc", 1),
        license: "lic_06bq3v8k2m9zc".into(),
        issued_at: START,
        not_before: START,
        expires_at: Some(END),
        order: "ord_06bq3v8k2m9zb".into(),
        product: PRODUCT.into(),
        offer: "ofr_06bq3v8k2m9z1".into(),
        terms: Terms::Rental { seconds: END - START, from: RentalStart::Purchase },
        limits: Limits { machines: Some(3), ..Limits::default() },
        manifest: None,
        activation: None,
    }
}

/// A number of uses, which an activation must come before.
fn uses() -> Claims {
    Claims {
        expires_at: None,
        terms: Terms::Uses { count: 10 },
        activation: Some(Activation::Required),
        ..rental()
    }
}

/// Leave for the desk to work on those uses, for a day.
fn lease() -> Lease {
    Lease {
        issuer: ISSUER.into(),
        id: "lea_06bq3v8k2m9zd".into(),
        license: "lic_06bq3v8k2m9zc".into(),
        product: PRODUCT.into(),
        machine: machine("desk"),
        issued_at: START,
        expires_at: END,
        units: Some(5),
        unit: None,
    }
}
