//! Two vendors whose buyers exchange both ways while messages get lost, cycles are closed, and either goes back to a backup
//! in the middle of it: whatever comes, both say the same in the end, and nothing is listed, since nothing but exchanges
//! was forgotten.

use scrip_domain::Span;
use scrip_domain::exchange::{Exchange, ExchangeState, IncomingState};
use scrip_domain::partner::Partner;
use scrip_engine::Page;
use scrip_testkit::{Backup, Shop, Way};
use serde_json::{Value, json};

use crate::exchanges::{Linked, link};
use crate::partners::{AURORA, BELLE, Vendors};
use crate::restoring_partners::credit;

/// A stream of numbers that is the same for the same seed.
struct Chance(u64);

impl Chance {
    /// One below `most`.
    fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % most
    }

    fn way(&mut self) -> Way {
        match self.below(6) {
            0 => Way::Lost,
            1 => Way::AnswerLost,
            _ => Way::Free,
        }
    }
}

/// The world, and who lives in it.
struct World {
    linked: Linked,
    /// A buyer of the second vendor, whose account at the first is linked to it.
    dan: String,
    backups: [Option<Backup>; 2],
    given: u32,
}

impl World {
    async fn open() -> Self {
        let linked = Linked::open().await;
        let dan = linked.vendors.b.buyer("dan@example.com", 0).await;
        credit(&linked.vendors.b, &dan, 100_000, "paid").await;
        let dan_there = linked.vendors.a.buyer("dan@example.com", 0).await;
        let Vendors { a, b, partners, .. } = &linked.vendors;
        let path = format!("/v1/partners/{}/link", partners[1]);
        let opened = b.post(&path, &dan, "", json!({})).await;
        let approve = format!("/v1/links/{}/approve", opened.at("/reference"));
        let approved = a.post(&approve, &dan_there, "", Value::Null).await;
        let url = approved.at("/return_url");
        let code = url.split(['?', '&']).find_map(|part| part.strip_prefix("code=")).unwrap();
        let done = b.post(&path, &dan, "", json!({ "return_code": code })).await;
        assert_eq!(done.status, 200, "{done:?}");
        link(&linked.vendors, &dan_there, &dan).await;
        Self { linked, dan, backups: [None, None], given: 0 }
    }

    /// A buyer gives something, whatever comes of it.
    async fn give(&mut self, first: bool, chance: &mut Chance) {
        let Vendors { a, b, network, partners } = &self.linked.vendors;
        let (shop, buyer, partner, unit) = if first {
            (a, &self.linked.ada, &partners[0], "AUR")
        } else {
            (b, &self.dan, &partners[1], "BEL")
        };
        let give = json!({ "amount": 400 + chance.below(600), "unit": unit });
        let body = json!({ "partner": partner, "give": give });
        let quote = shop.post("/v1/exchange-quotes", buyer, "", body).await;
        if quote.status != 201 {
            assert!([409, 503].contains(&quote.status), "{quote:?}");
            return;
        }
        network.fate("", &[chance.way(), chance.way()]);
        self.given += 1;
        let body = json!({ "quote": quote.at("/id") });
        let taken = shop.post("/v1/exchanges", buyer, &format!("g{}", self.given), body).await;
        assert!([200, 202, 409].contains(&taken.status), "{taken:?}");
        network.mend();
    }

    async fn close(&self, first: bool) {
        let shop = if first { &self.linked.vendors.a } else { &self.linked.vendors.b };
        let all = shop.get("/v1/admin/agreements", &shop.admin).await;
        let path = format!("/v1/admin/agreements/{}/close-cycle", all.at("/data/0/id"));
        let closed = shop.post(&path, &shop.admin, "", json!({})).await;
        assert_eq!(closed.status, 200, "{closed:?}");
    }

    async fn work(&self) {
        for shop in [&self.linked.vendors.a, &self.linked.vendors.b] {
            shop.app.engine.run_exchanges().await.unwrap();
            shop.app.engine.run_settlements().await.unwrap();
        }
    }

    async fn pass(&mut self, span: Span) {
        self.linked.vendors.a.advance(span).await;
        self.linked.vendors.b.advance(Span::millis(0)).await;
        self.work().await;
    }

    /// One goes back to its backup, or both do, and hear each other.
    async fn go_back(&mut self, who: u64) {
        let [first, second] = &self.backups;
        let goes = (first.as_ref().filter(|_| who != 1), second.as_ref().filter(|_| who != 0));
        if let Some(backup) = goes.0 {
            self.linked.vendors.a = self.linked.vendors.a.restored(backup).await;
        }
        if let Some(backup) = goes.1 {
            self.linked.vendors.b = self.linked.vendors.b.restored(backup).await;
        }
        for _ in 0..3 {
            self.linked.vendors.a.run_restore().await;
            self.linked.vendors.b.run_restore().await;
            self.pass(Span::seconds(5)).await;
        }
    }

    async fn step(&mut self, chance: &mut Chance) {
        match chance.below(16) {
            0..=3 => self.give(true, chance).await,
            4..=7 => self.give(false, chance).await,
            8 => self.pass(Span::seconds(2)).await,
            9 => self.pass(Span::minutes(4)).await,
            10 => self.pass(Span::hours(1)).await,
            11 => self.close(chance.below(2) == 0).await,
            12 => self.work().await,
            13 => self.backups[0] = Some(self.linked.vendors.a.backed_up().await),
            14 => self.backups[1] = Some(self.linked.vendors.b.backed_up().await),
            _ => self.go_back(chance.below(3)).await,
        }
    }
}

/// All exchanges of a vendor's tokens, and its row of the other.
async fn rows(shop: &Shop, other: &str) -> (Partner, Vec<Exchange>) {
    let store = shop.app.engine.store();
    let partner = store.partner_by_url(other).await.unwrap().unwrap();
    let page = Page { after: None, limit: 1000 };
    (partner, store.exchanges(None, None, page).await.unwrap())
}

/// What the first has committed to the second is the same at both.
async fn mirrors(from: &Shop, to: &Shop, seed: u64) {
    let (there, exchanges) = rows(from, &to.app.public_url).await;
    let (here, _) = rows(to, &from.app.public_url).await;
    let mut issued = 0;
    for exchange in exchanges {
        let row = to.app.engine.store().incoming_exchange(here.id, exchange.id).await.unwrap();
        let state = row.as_ref().map(|row| row.state);
        match exchange.state {
            ExchangeState::Fulfilled => {
                assert_eq!(state, Some(IncomingState::Fulfilled), "{seed}: {exchange:?}");
                let row = row.unwrap();
                assert_eq!(
                    (&exchange.commit, &exchange.answer),
                    (&row.commit, &row.answer),
                    "{seed}"
                );
                assert_eq!((exchange.cycle, Some(exchange.figures)), (row.cycle, row.figures));
                issued += 1;
            }
            ExchangeState::Reversed | ExchangeState::Expired | ExchangeState::Refused => {
                assert_ne!(state, Some(IncomingState::Fulfilled), "{seed}: {exchange:?}");
            }
            state => panic!("{seed}: {state} at the end: {exchange:?}"),
        }
    }
    let store = to.app.engine.store();
    let all = store.incoming_documents(None, 1000).await.unwrap();
    let mut fulfilled = 0;
    for (partner, documents) in all {
        let row = store.incoming_exchange(partner, documents.exchange).await.unwrap().unwrap();
        fulfilled += u32::from(row.state == IncomingState::Fulfilled);
    }
    assert_eq!(fulfilled, issued, "{seed}: something was issued of which its issuer knows nothing");
    assert_eq!(there.owed_to_it(), here.owed_by_it(), "{seed}");
    assert!(there.payable_reserved.is_zero() && here.receivable_reserved.is_zero(), "{seed}");
}

#[tokio::test]
async fn whatever_is_forgotten_in_the_middle_both_say_the_same_in_the_end() {
    let (mut restores, mut exchanged, mut booked) = (0, 0, 0);
    for seed in 1..=6_u64 {
        let mut chance = Chance(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let mut world = World::open().await;
        for _ in 0..40 {
            world.step(&mut chance).await;
        }
        for span in
            [Span::minutes(4), Span::minutes(10), Span::hours(1), Span::hours(1), Span::hours(1)]
        {
            world.pass(span).await;
            world.work().await;
        }
        let Vendors { a, b, .. } = &world.linked.vendors;
        assert_eq!((a.app.public_url.as_ref(), b.app.public_url.as_ref()), (AURORA, BELLE));
        for shop in [a, b] {
            let report = shop.get("/v1/admin/restore", &shop.admin).await;
            assert_eq!(report.json["restoring"], false, "{seed}: {report:?}");
            let listed = report.json["discrepancies"]["data"].as_array().map(Vec::len);
            assert_eq!(listed, Some(0), "{seed}: {report:?}");
            restores += report.json["epoch"].as_u64().unwrap() - 1;
            let peers = report.json["peers"].as_array().unwrap().iter();
            booked += peers.map(|peer| peer["booked"].as_u64().unwrap()).sum::<u64>();
            shop.sound().await;
        }
        mirrors(a, b, seed).await;
        mirrors(b, a, seed).await;
        exchanged += rows(a, BELLE).await.1.len();
        for _ in 0..3 {
            world.close(true).await;
            world.pass(Span::minutes(6)).await;
            world.pass(Span::hours(1)).await;
        }
        let Vendors { a, b, .. } = &world.linked.vendors;
        let states = async |shop: &Shop| {
            let list = shop.get("/v1/admin/statements?limit=100", &shop.admin).await;
            let all = list.json["data"].as_array().unwrap().clone();
            all.iter().map(|row| (row["cycle"].clone(), row["state"].clone())).collect::<Vec<_>>()
        };
        for (_, state) in states(a).await.iter().chain(&states(b).await) {
            assert!(state == "agreed" || state == "settled", "{seed}: {state}");
        }
        assert_eq!(states(a).await, states(b).await, "{seed}");
        a.sound().await;
        b.sound().await;
    }
    let found = format!("{restores} restores, {exchanged} exchanges, {booked} booked again");
    assert!(restores > 6 && exchanged > 40 && booked > 6, "{found}");
}
