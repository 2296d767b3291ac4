//! What holds, captures and refunds of merchants' orders do to lots, and how merchants are told.

use std::sync::{Arc, Mutex};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use proptest::prelude::*;
use scrip_domain::Span;
use scrip_engine::purchase_request::notice::Herald;
use scrip_testkit::{Place, settings};
use serde_json::{Value, json};

use crate::expiry::{gift, in_days};
use crate::provider::{Opened, World, aur, place};

/// Writes down what merchants are told; hears nothing while it is deaf.
#[derive(Debug, Default)]
struct Slate {
    told: Mutex<Vec<String>>,
    deaf: Mutex<bool>,
}

impl Herald for Slate {
    fn tell<'a>(
        &'a self,
        merchant: &'a str,
        kind: &'a str,
        request: &'a str,
    ) -> BoxFuture<'a, Result<(), String>> {
        self.told.lock().unwrap().push(format!("{merchant} {kind} {request}"));
        let deaf = *self.deaf.lock().unwrap();
        ready(if deaf { Err("nobody is there".to_owned()) } else { Ok(()) }).boxed()
    }
}

impl Slate {
    fn taken(&self) -> Vec<String> {
        std::mem::take(&mut self.told.lock().unwrap())
    }
}

async fn told_world() -> (World, Arc<Slate>) {
    let slate = Arc::<Slate>::default();
    let place = Place { herald: Some(slate.clone()), ..place() };
    (World::open_at(place, settings()).await, slate)
}

async fn send(world: &World) -> usize {
    world.pay.app.engine.send_notices().await.unwrap()
}

#[tokio::test]
async fn a_merchant_is_told_until_it_hears_or_the_hold_is_over() {
    let (world, slate) = told_world().await;
    let ada = world.pay.buyer("ada@example.com", 1000).await;
    let opened = world.authorized(&ada, "ord_1", 100).await;
    assert_eq!(send(&world).await, 1);
    let word = |state: &str, opened: &Opened| {
        format!("https://shop.test purchase_request.{state} {}", opened.id)
    };
    assert_eq!(slate.taken(), [word("authorized", &opened)]);
    assert_eq!((send(&world).await, slate.taken().len()), (0, 0), "it has heard");

    *slate.deaf.lock().unwrap() = true;
    let unheard = world.authorized(&ada, "ord_2", 100).await;
    let mut sent = Vec::new();
    for second in 0..600 {
        if send(&world).await > 0 {
            sent.push(second);
        }
        world.pay.advance(Span::seconds(1)).await;
    }
    assert_eq!(sent, [0, 1, 6, 36, 156, 456], "ever later, and not beyond the hold");
    slate.taken();
    world.pass(Span::seconds(0)).await;
    send(&world).await;
    let mut told = slate.taken();
    told.sort();
    let mut expected = [word("voided", &unheard), word("voided", &opened)];
    expected.sort();
    assert_eq!(told, expected, "the clock has something to tell");
    world.pay.sound().await;
}

#[tokio::test]
async fn a_decline_and_a_refund_at_the_deadline_are_told() {
    let (world, slate) = told_world().await;
    let ada = world.pay.buyer("ada@example.com", 1000).await;
    let declined = world.claimed(&ada, "ord_1", 100).await;
    world.step(&ada, &declined, "decline").await;
    let captured = world.captured(&ada, "ord_2", 100).await;
    send(&world).await;
    slate.taken();
    world.pass(Span::days(1)).await;
    send(&world).await;
    let word = format!("https://shop.test purchase_request.refunded {}", captured.id);
    assert_eq!(slate.taken(), [word]);
}

/// So many seconds from now, as the API writes it.
fn in_seconds(world: &World, seconds: u32) -> String {
    use scrip_domain::Clock;
    world.pay.clock.now().plus(Span::seconds(seconds)).to_string()
}

/// What is left of each lot.
async fn lots(world: &World, buyer: &str) -> Vec<(String, u64)> {
    let wallet = world.pay.get("/v1/wallet", buyer).await;
    let lot = |lot: &Value| {
        (lot["kind"].as_str().unwrap().to_owned(), lot["remaining"]["amount"].as_u64().unwrap())
    };
    wallet.json["lots"].as_array().unwrap().iter().map(lot).collect()
}

fn kinds(lots: &[(&str, u64)]) -> Vec<(String, u64)> {
    lots.iter().map(|(kind, units)| ((*kind).to_owned(), *units)).collect()
}

#[tokio::test]
async fn held_gifts_do_not_expire_until_the_hold_ends() {
    let world = World::open().await;
    let ada = world.pay.buyer("ada@example.com", 100).await;
    let first = world.pay.get("/v1/wallet", &ada).await.at("/lots/0/kind").to_owned();
    let end = in_seconds(&world, 300);
    gift(&world.pay, &ada, "g1", 50, Some(&end)).await;
    let opened = world.authorized(&ada, "ord_1", 60).await;
    assert_eq!(world.funds(&ada).await, (90, 60));
    world.pass(Span::seconds(400)).await;
    assert_eq!(lots(&world, &ada).await, kinds(&[(&first, 100), ("promo", 50)]), "it waits");
    assert_eq!(world.call(&opened, "cancel").await.at("/state"), "voided");
    assert_eq!(world.funds(&ada).await, (100, 0), "the gift is gone with the hold");
    let lines = world.pay.get("/v1/wallet/transfers", &ada).await;
    assert_eq!((lines.at("/data/0/reason"), lines.at("/data/1/reason")), ("expiry", "void"));
    assert_eq!(lines.at("/data/0/amount/display"), "0.50 AUR");

    let end = in_seconds(&world, 300);
    gift(&world.pay, &ada, "g2", 50, Some(&end)).await;
    let opened = world.authorized(&ada, "ord_2", 60).await;
    world.pass(Span::seconds(400)).await;
    assert_eq!(world.call(&opened, "capture").await.at("/state"), "captured");
    assert_eq!(world.funds(&ada).await, (90, 0), "what is held can be captured");
    world.refund(&opened, "r1", Some(10)).await;
    assert_eq!(world.funds(&ada).await, (100, 0), "the last lot to pay gets back first");
    world.refund(&opened, "r2", None).await;
    assert_eq!(world.funds(&ada).await, (100, 0), "a gift that has expired stays expired");
    assert_eq!(world.state(&opened).await, "refunded");
    world.pay.sound().await;
}

#[tokio::test]
async fn a_hold_rings_like_a_purchase() {
    let world = World::open().await;
    let ada = world.pay.buyer("ada@example.com", 0).await;
    let body = json!({ "tokens": aur(500), "method": "card", "payment_method": "demo_approved" });
    world.pay.post("/v1/top-ups", &ada, "t1", body).await;
    world.pay.run_errands().await;
    let before = world.pay.available(&ada).await;
    assert_eq!(before, 500);
    let bearer = format!("Bearer {ada}");
    let wish = json!({ "below": aur(200), "to": aur(600), "payment_method": "demo_approved" });
    let set =
        world.pay.send("PUT", "/v1/account/auto-top-up", &[("authorization", &bearer)], wish).await;
    assert_eq!(set.status, 200, "{set:?}");
    world.authorized(&ada, "ord_1", 400).await;
    while world.pay.app.engine.run_auto_top_ups().await.unwrap() > 0 {}
    world.pay.run_errands().await;
    assert!(world.pay.available(&ada).await >= 600, "it was topped up");
    world.pay.sound().await;
}

/// What can be done, in any order.
#[derive(Clone, Copy, Debug)]
enum Deed {
    Open(u64),
    Claim(usize),
    Confirm(usize),
    Decline(usize),
    Capture(usize),
    Cancel(usize),
    Fulfil(usize),
    Refund(usize, u64),
    Wait(u32),
}

fn deed() -> impl Strategy<Value = Deed> {
    let which = 0_usize..4;
    prop_oneof![
        (0_u64..200).prop_map(Deed::Open),
        which.clone().prop_map(Deed::Claim),
        which.clone().prop_map(Deed::Confirm),
        which.clone().prop_map(Deed::Decline),
        which.clone().prop_map(Deed::Capture),
        which.clone().prop_map(Deed::Cancel),
        which.clone().prop_map(Deed::Fulfil),
        (which, 1_u64..150).prop_map(|(which, units)| Deed::Refund(which, units)),
        prop_oneof![Just(30_u32), Just(600), Just(86_400)].prop_map(Deed::Wait),
    ]
}

async fn carry_out(world: &World, ada: &str, opened: &mut Vec<Opened>, deed: Deed, step: usize) {
    let at = |which: usize| opened.get(which % opened.len().max(1));
    let name = format!("k{step}");
    match deed {
        Deed::Open(total) if opened.len() < 4 => {
            let order = format!("ord_{}", opened.len());
            opened.push(world.opened(&order, total).await);
        }
        Deed::Open(_) => {}
        Deed::Wait(seconds) => world.pass(Span::seconds(seconds)).await,
        Deed::Claim(which) => {
            if let Some(one) = at(which) {
                world.step(ada, one, "claim").await;
            }
        }
        Deed::Confirm(which) => {
            if let Some(one) = at(which) {
                world.confirm(ada, one, &name).await;
            }
        }
        Deed::Decline(which) => {
            if let Some(one) = at(which) {
                world.step(ada, one, "decline").await;
            }
        }
        Deed::Capture(which) => {
            if let Some(one) = at(which) {
                world.call(one, "capture").await;
            }
        }
        Deed::Cancel(which) => {
            if let Some(one) = at(which) {
                world.call(one, "cancel").await;
            }
        }
        Deed::Fulfil(which) => {
            if let Some(one) = at(which) {
                world.fulfilled(one).await;
            }
        }
        Deed::Refund(which, units) => {
            if let Some(one) = at(which) {
                world.refund(one, &name, Some(units)).await;
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_done_in_whatever_order_no_token_is_lost(deeds in proptest::collection::vec(deed(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let world = World::open().await;
            world.trust_much().await;
            let ada = world.pay.buyer("ada@example.com", 200).await;
            let end = in_days(&world.pay, 1);
            gift(&world.pay, &ada, "g1", 100, Some(&end)).await;
            let mut opened = Vec::new();
            for (step, deed) in deeds.into_iter().enumerate() {
                carry_out(&world, &ada, &mut opened, deed, step).await;
            }
            world.pay.sound().await;
            // In the end every request is over, and nothing is held.
            world.pass(Span::days(2)).await;
            assert_eq!(world.funds(&ada).await.1, 0);
            world.pay.sound().await;
        });
    }
}
