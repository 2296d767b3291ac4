//! The batch loop under purchases, over 100 000 wallets: what a commit costs, and what a command does.
//!
//! `cargo bench -p scrip-storage`. PostgreSQL is measured when `SCRIP_TEST_POSTGRES` names a server.
//! Two callers submit a batch each in turn, so that one gathers while the other is carried out.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use criterion::{Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use futures_util::FutureExt;
use futures_util::future::join_all;
use scrip_domain::event::{Event, EventType, Subject};
use scrip_domain::ledger::{Counters, House, LedgerAccount, Reason, Transfer};
use scrip_domain::license::{License, LicenseState};
use scrip_domain::lot::{Lot, LotKind, Part};
use scrip_domain::order::{Check, CheckKind, CheckResult, Line, LinePayment, Order, OrderState};
use scrip_domain::request::{Request, RequestId};
use scrip_domain::wallet::Wallet;
use scrip_domain::{Amount, Clock, Id, Timestamp};
use scrip_license::{Limits, Terms};
use scrip_storage::books::Change;
use scrip_storage::index::{Entry, OWNED, REQUEST};
use scrip_storage::{
    Blocking, Books, Changes, Checkpointer, Command, Decision, Fault, Observer, Store, Wants,
    Writer,
};
use tokio::runtime::{Handle, Runtime};

const WALLETS: u64 = 100_000;
const FIRST_WALLET: u64 = 1 << 20;
const NOON: Timestamp = Timestamp::from_millis(1_795_348_800_000);

fn id<T>(number: u64) -> Id<T> {
    Id::new(number).unwrap()
}

fn amount(units: u64) -> Amount {
    Amount::new(units).unwrap()
}

struct Noon;

impl Clock for Noon {
    fn now(&self) -> Timestamp {
        NOON
    }
}

impl Observer for Noon {
    fn committed(&self, _: &Books) {}
}

/// Opens wallets, each with one lot.
struct Open {
    from: u64,
}

impl Command for Open {
    type Receipt = ();
    type Refusal = ();

    fn wants(&self, _: &mut Wants) {}

    fn decide(&self, _: &Books, at: Timestamp) -> Result<Decision<(), ()>, Fault> {
        let mut changes = Changes::default();
        for number in self.from..self.from + 250 {
            let free = Counters { debits: 0, credits: 1_000_000 };
            let lot = Lot {
                id: id(number),
                wallet: id(number),
                kind: LotKind::Paid,
                amount: amount(1_000_000),
                priority: 50,
                expires_at: None,
                exchangeable_at: None,
                created_at: at,
            };
            let wallet = Wallet { free, ..Wallet::empty(id(number), id(number)) }.with(&lot);
            changes.wallets.push(Change::Insert(wallet));
            changes.lots.push(Change::Insert(lot));
        }
        Ok(Decision::done((), changes))
    }
}

/// Writes what a purchase of one product writes.
struct Purchase {
    wallet: u64,
    number: u64,
}

impl Purchase {
    fn request(&self) -> Request {
        let key = self.number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 1;
        Request { key, fingerprint: 7, id: RequestId::default() }
    }

    fn order(&self, price: Amount, left: Amount, at: Timestamp) -> Order {
        let check = Check {
            check: CheckKind::Balance,
            basis: None,
            required: Some(price),
            available: Some(left),
            result: CheckResult::Passed,
            at,
            request: None,
            request_id: None,
        };
        Order {
            id: id(self.number),
            account: Some(id(self.wallet)),
            state: OrderState::Paid,
            total: price,
            coupon: None,
            reason: None,
            again: false,
            checks: vec![check.clone(), check],
            selected_at: at,
            expires_at: at,
            paid_at: Some(at),
            balance_after: Some(left),
            terms_version: Some("1".into()),
            payment_method: None,
            refund_policy: None,
        }
    }

    fn line(&self, price: Amount) -> Line {
        Line {
            order: id(self.number),
            id: id(self.number),
            offer: id(1),
            product: id(1),
            title: "A field recorder for quiet places".into(),
            price,
            discount: None,
            quantity: 1,
            terms: Terms::Perpetual,
            limits: Limits { machines: Some(3), ..Limits::default() },
            release: Some(id(1)),
            extends: None,
            bundle: None,
        }
    }

    fn license(&self, at: Timestamp) -> License {
        License {
            id: id(self.number),
            order: id(self.number),
            line: id(self.number),
            account: id(self.wallet),
            product: id(1),
            offer: id(1),
            terms: Terms::Perpetual,
            limits: Limits { machines: Some(3), ..Limits::default() },
            release: Some(id(1)),
            state: LicenseState::Valid,
            issue: 1,
            kid: "ZVGaSiSvYXkQaoXFFxyA7cG-w2sFO4vo".into(),
            issued_at: at,
            expires_at: None,
        }
    }

    fn record(&self, changes: &mut Changes, price: Amount, at: Timestamp) {
        let (number, account) = (self.number, id(self.wallet));
        changes.line_payments.push(Change::Insert(LinePayment {
            line: id(number),
            lot: id(self.wallet),
            kind: LotKind::Paid,
            amount: price,
            place: 0,
        }));
        changes.transfers.push(Change::Insert(Transfer {
            id: id(number),
            debit: LedgerAccount::Free(id(self.wallet)),
            credit: LedgerAccount::House(House::Revenue),
            amount: price,
            reason: Reason::Purchase,
            subject: Subject(number),
            at,
        }));
        changes.by_account.extend([
            Change::Insert(Entry::purchase(account, id(number))),
            Change::Insert(Entry::license(account, id(number), id(number), true)),
            Change::Insert(Entry::request(account, self.request(), Subject(number))),
        ]);
        let event = Event::new(id(number), EventType::OrderPaid, account, Subject(number), at);
        changes.events.push(Change::Insert(event));
        let earned = Counters { debits: 0, credits: price.units() };
        changes.house.push((House::Revenue, earned));
    }
}

impl Command for Purchase {
    type Receipt = u64;
    type Refusal = &'static str;

    fn wants(&self, wants: &mut Wants) {
        wants.wallets.guard((id(self.wallet),));
        wants.offers.read((id(1),));
        wants.by_account.read((id(self.wallet), REQUEST, self.request().key));
        wants.by_account.read((id(self.wallet), OWNED, self.number));
    }

    fn decide(&self, books: &Books, at: Timestamp) -> Result<Decision<u64, &'static str>, Fault> {
        if books.by_account.get(&(id(self.wallet), REQUEST, self.request().key))?.is_some() {
            return Ok(Decision::refused("again"));
        }
        let price = amount(3);
        let wallet = books.wallets.get(&(id(self.wallet),))?.unwrap();
        let free = wallet.free.debited(price).unwrap();
        let part = Part { lot: id(self.wallet), kind: LotKind::Paid, amount: price };
        let after = Wallet { free, ..wallet.clone() }.without(&[part]).unwrap();
        let remaining = after.available();
        let mut changes = Changes::default();
        changes.wallets.push(Change::Update(after));
        changes.orders.push(Change::Insert(self.order(price, remaining, at)));
        changes.order_lines.push(Change::Insert(self.line(price)));
        changes.licenses.push(Change::Insert(self.license(at)));
        self.record(&mut changes, price, at);
        Ok(Decision::done(self.number, changes))
    }
}

/// A store with its writer on a thread of its own and 100 000 wallets.
fn fill(runtime: &Runtime, (store, writer): (Store, Writer)) -> Arc<Store> {
    if let Some(checkpointer) = writer.checkpointer().unwrap() {
        runtime.spawn(async move {
            let mut beat = tokio::time::interval(Checkpointer::BEAT);
            let checkpointer = Arc::new(std::sync::Mutex::new(checkpointer));
            loop {
                beat.tick().await;
                let checkpointer = checkpointer.clone();
                let run = move || checkpointer.lock().unwrap().beat();
                tokio::task::spawn_blocking(run).await.unwrap();
            }
        });
    }
    runtime.spawn_blocking(move || {
        Handle::current().block_on(writer.run(Arc::new(Noon), Arc::new(Noon))).unwrap();
    });
    let store = Arc::new(store);
    let wallets = (FIRST_WALLET..FIRST_WALLET + WALLETS).step_by(250);
    let opened = join_all(wallets.map(|from| store.submit(Open { from })));
    runtime.block_on(opened).into_iter().for_each(|opened| opened.unwrap().unwrap());
    store
}

static NEXT: AtomicU64 = AtomicU64::new(1);

fn purchase() -> Purchase {
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    // Scattered over all wallets, in an order that is the same in each run.
    let wallet = FIRST_WALLET + number.wrapping_mul(0x9E37_79B9_7F4A_7C15) % WALLETS;
    Purchase { wallet, number: (1 << 40) + number }
}

/// Two callers, each of which submits a batch and waits for it, again and again.
async fn round(store: &Arc<Store>, batch: u64, total: u64) {
    let caller = async || {
        for _ in 0..total / batch / 2 {
            let submits = (0..batch).map(|_| store.submit(purchase()));
            for answer in join_all(submits).await {
                answer.unwrap().unwrap();
            }
        }
    };
    tokio::join!(caller(), caller());
}

fn measure(criterion: &mut Criterion, name: &str, runtime: &Runtime, store: &Arc<Store>) {
    let mut group = criterion.benchmark_group(name);
    group.sample_size(10).sampling_mode(SamplingMode::Flat);
    group.measurement_time(std::time::Duration::from_secs(6));
    for (batch, total) in [(1, 256), (64, 8192), (256, 16384)] {
        group.throughput(Throughput::Elements(total));
        let id = format!("purchases in batches of {batch}");
        group.bench_function(id, |bencher| {
            bencher.iter(|| runtime.block_on(round(store, batch, total)));
        });
    }
    group.finish();
}

fn sqlite(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let opened = Store::sqlite(&folder.path().join("scrip.db"), Blocking::Threads).unwrap();
    let store = fill(&runtime, opened);
    measure(criterion, "sqlite", &runtime, &store);
    drop(store);
    runtime.shutdown_background();
}

fn postgres(criterion: &mut Criterion) {
    let Some(server) = server() else {
        println!("postgres is left out: SCRIP_TEST_POSTGRES is not set");
        return;
    };
    let runtime = Runtime::new().unwrap();
    let name = format!("bench_batch_{}", std::process::id());
    let (address, _) = server.rsplit_once('/').unwrap();
    let url = format!("{address}/{name}");
    runtime.block_on(execute(&server, &format!("CREATE DATABASE {name}")));
    let store = fill(&runtime, runtime.block_on(Store::postgres(&url)).unwrap());
    measure(criterion, "postgres", &runtime, &store);
    drop(store);
    runtime.block_on(execute(&server, &format!("DROP DATABASE {name} WITH (FORCE)")));
    runtime.shutdown_background();
}

async fn execute(server: &str, text: &str) {
    let (client, connection) =
        tokio_postgres::connect(server, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection.map(drop));
    client.batch_execute(text).await.unwrap();
}

#[expect(clippy::disallowed_methods, reason = "benches are told where their server is in one way")]
fn server() -> Option<String> {
    std::env::var("SCRIP_TEST_POSTGRES").ok()
}

criterion_group!(benches, sqlite, postgres);
criterion_main!(benches);
