//! What a shop does without a network and a disk: deciding a purchase, and writing pages and JSON.
//!
//! `cargo bench -p scrip-testkit`. The router is the real one, the database lies in memory.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::measurement::{Measurement, WallTime};
use criterion::{Criterion, Throughput};
use scrip_domain::catalog::Offer;
use scrip_domain::request::{Request, RequestId};
use scrip_domain::{Id, Timestamp};
use scrip_engine::Buyer;
use scrip_engine::purchase::{Ask, Purchase};
use scrip_engine::selection::{Choice, Selection};
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};
use scrip_testkit::Shop;
use tokio::runtime::Runtime;

fn main() {
    let runtime = Runtime::new().expect("a runtime");
    let mut criterion = Criterion::default().configure_from_args();
    let (shop, offers) = runtime.block_on(open());
    decide(&mut criterion, &runtime, &shop, &offers);
    render(&mut criterion, &runtime, &shop);
    criterion.final_summary();
}

/// A shop with two dozen products.
async fn open() -> (Shop, Vec<Id<Offer>>) {
    let shop = Shop::open().await;
    let mut offers = Vec::new();
    for number in 0..24 {
        let offer = shop.service(&format!("service-{number}"), 10 + number).await;
        offers.push(offer.parse().expect("the id of an offer"));
    }
    (shop, offers)
}

/// A purchase that is decided over and over on the same books, and never kept.
struct Rehearsal {
    purchase: Arc<Purchase>,
    times: u64,
}

impl Command for Rehearsal {
    type Receipt = Duration;
    type Refusal = std::convert::Infallible;

    fn wants(&self, wants: &mut Wants) {
        self.purchase.wants(wants);
    }

    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<Duration, Self::Refusal>, Fault> {
        let begin = WallTime.start();
        for _ in 0..self.times {
            let decision = black_box(&*self.purchase).decide(books, at)?;
            assert!(decision.answer.is_ok());
            black_box(decision);
        }
        Ok(Decision::done(WallTime.end(begin), Changes::default()))
    }
}

/// What the writer does for a purchase between loading and saving: gate, price, lots, rows.
fn decide(criterion: &mut Criterion, runtime: &Runtime, shop: &Shop, offers: &[Id<Offer>]) {
    let engine = &shop.app.engine;
    let buyer = runtime.block_on(async {
        let session = shop.buyer("bench@shop.test", 1_000_000).await;
        let account = shop.get("/v1/account", &session).await;
        let account = account.at("/id").parse().expect("an account's id");
        let account = engine.store().account(account).await.expect("no fault").expect("an account");
        Buyer { account: account.id, wallet: account.wallet }
    });
    let mut group = criterion.benchmark_group("decide a purchase");
    group.throughput(Throughput::Elements(1));
    for lines in [1, 20] {
        let choice = |offer: &Id<Offer>| Choice { offer: *offer, quantity: 1, extends: None };
        let choices = offers.iter().take(lines).map(choice).collect();
        let selection = Selection::new(choices).expect("a selection");
        let source = "bench".to_owned();
        let ask = Ask { selection, expected_total: None, again: false, source };
        let request = Request::new(&format!("bench {lines}"), b"", RequestId::default());
        let prepared = runtime.block_on(engine.prepare(buyer, &ask, request));
        let purchase = Arc::new(prepared.expect("no fault").expect("a purchase"));
        group.bench_function(format!("{lines} lines"), |bencher| {
            bencher.iter_custom(|times| {
                let rehearsal = Rehearsal { purchase: purchase.clone(), times };
                let done = runtime.block_on(engine.store().submit(rehearsal)).expect("no fault");
                done.unwrap_or_else(|never| match never {})
            });
        });
    }
    group.finish();
}

/// Pages and JSON, from the request to the last byte of the answer.
fn render(criterion: &mut Criterion, runtime: &Runtime, shop: &Shop) {
    let member = runtime.block_on(shop.buyer("reader@shop.test", 100));
    let mut group = criterion.benchmark_group("answer");
    group.throughput(Throughput::Elements(1));
    for (name, path, who) in [
        ("home page", "/", ""),
        ("catalogue page", "/products", ""),
        ("product page", "/products/service-7", ""),
        ("product JSON, visitor", "/v1/products/service-7", ""),
        ("product JSON, member", "/v1/products/service-7", &*member),
        ("products JSON", "/v1/products", ""),
    ] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let answer = runtime.block_on(shop.get(path, who));
                assert_eq!(answer.status, 200, "{path}");
                answer
            });
        });
    }
    group.finish();
}
