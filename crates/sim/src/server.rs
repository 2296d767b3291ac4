//! The machine on which the shop runs: its disk and secrets outlive the process.

use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use bytes::Bytes;
use futures_util::stream::{FuturesUnordered, StreamExt};
use http::{Request, Response};
use http_body_util::Full;
use scrip_domain::Amount;
use scrip_domain::api_key::Scope;
use scrip_domain::settings::Settings;
use scrip_domain::voucher::VoucherKind;
use scrip_engine::keys::Keys;
use scrip_engine::objects::Objects;
use scrip_engine::processor::Processor;
use scrip_engine::voucher::BatchFields;
use scrip_engine::{Engine, Ground, Mode, Staff};
use scrip_storage::{Blocking, CommitFate, Memory, Store, Writer};
use scrip_testkit::TestEntropy;
use scrip_web::{Server, Watch};

use crate::bank::Bank;
use crate::bureau::SimBureau;
use crate::buyer::VOUCHER;
use crate::chance::Chance;
use crate::clock::SimClock;
use crate::faults::Interposer;
use crate::goods::Goods;
use crate::leavers::Gone;
use crate::plan::{Defect, Plan};
use crate::process::{self, Running, listen};
use crate::program::Kit;
use crate::trace::Trace;

/// What stays when the process dies.
pub struct Machine {
    disk: Mutex<Memory>,
    folder: tempfile::TempDir,
    clock: Arc<SimClock>,
    // One stream for all lives of the process: a secret is never drawn twice.
    entropy: Arc<TestEntropy>,
    license_keys: Mutex<Vec<[u8; 32]>>,
    plan: Plan,
    fates: Mutex<Chance>,
    bank: Arc<Bank>,
    bureau: Arc<SimBureau>,
    interposer: Interposer,
    trace: Trace,
    calm: AtomicBool,
    dead: AtomicBool,
    panicked: AtomicBool,
}

impl Machine {
    /// A machine with an empty disk called `name`.
    pub fn new(
        name: &str,
        plan: &Plan,
        clock: Arc<SimClock>,
        bank: Arc<Bank>,
        trace: Trace,
    ) -> Result<Self, String> {
        Ok(Self {
            bureau: Arc::new(SimBureau::new(plan, bank.clone())),
            bank,
            disk: Mutex::new(Memory::new(name).map_err(|fault| fault.to_string())?),
            folder: tempfile::tempdir().map_err(|error| error.to_string())?,
            clock,
            entropy: Arc::new(TestEntropy::seeded(plan.seed)),
            license_keys: Mutex::new(vec![[1; 32]]),
            plan: plan.clone(),
            fates: Mutex::new(Chance::of(plan.seed, "fates")),
            interposer: Interposer::new(plan),
            trace,
            calm: AtomicBool::new(false),
            dead: AtomicBool::new(false),
            panicked: AtomicBool::new(false),
        })
    }

    /// No more faults from now on.
    pub fn calm(&self) {
        self.calm.store(true, Ordering::SeqCst);
        self.bank.calm();
    }

    /// Whether the process has died since this was asked last.
    pub fn has_died(&self) -> bool {
        self.dead.swap(false, Ordering::SeqCst)
    }

    /// Whether something in the server panicked.
    pub fn has_panicked(&self) -> bool {
        self.panicked.load(Ordering::SeqCst)
    }

    /// The machine starts again: its clock is wrong in a new way, its keys may have been rotated.
    pub fn restarts(&self, chance: &mut Chance) {
        let skew = i64::try_from(chance.below(10_000)).unwrap_or(0) - 5_000;
        self.clock.set_skew(skew);
        if chance.permille(200) {
            let mut keys = self.license_keys.lock().unwrap_or_else(PoisonError::into_inner);
            let seed = u8::try_from(keys.len() + 1).unwrap_or(u8::MAX);
            keys.insert(0, [seed; 32]);
        }
        self.trace.note("shop", &format!("starts, its clock {skew} ms ahead"));
    }

    fn open(&self) -> Result<(Store, Writer), String> {
        let disk = self.disk.lock().unwrap_or_else(PoisonError::into_inner);
        Store::memory(&disk).map_err(|fault| fault.to_string())
    }

    fn keys(&self) -> Result<Keys, String> {
        let seeds = self.license_keys.lock().unwrap_or_else(PoisonError::into_inner);
        let keys = Keys::new(&seeds, &[9; 32]).ok_or_else(|| "no license key".to_owned())?;
        Ok(keys.with_protocol(&[[8; 32]]))
    }

    /// Examines the books on the disk.
    pub async fn examine(&self) -> Result<(), String> {
        let (store, _writer) = self.open()?;
        let report = scrip_engine::doctor::examine(&store, &self.keys()?).await;
        let report = report.map_err(|fault| format!("doctor: {fault}"))?;
        match report.unsound().next() {
            Some(check) => Err(format!("doctor: {}: {:?}", check.name, check.findings)),
            None => Ok(()),
        }
    }

    /// Sets the shop up; gives an administrator's key, and vouchers where the plan has money.
    pub async fn set_up(
        self: &Arc<Self>,
        settings: Settings,
        goods: Goods,
    ) -> Result<(String, Vec<String>), String> {
        let (store, writer) = self.open()?;
        let memory = Arc::new(scrip_engine::Memory::default());
        let writer = tokio::spawn(writer.run(self.clock.clone(), memory.clone()));
        let done = async {
            let Ok(()) = store.submit(goods).await?;
            let Ok(()) = store.submit(Kit).await?;
            let engine = Engine::start(self.ground(store), memory).await?;
            let settings = engine.put_settings(Staff::OPERATOR, settings).await?;
            let key = engine.make_key(Staff::OPERATOR, vec![Scope::Admin], "sim".into()).await?;
            let vouchers = if self.plan.cards > 0 {
                engine.make_vouchers(Staff::OPERATOR, vouchers()).await?.ok()
            } else {
                None
            };
            let codes = vouchers.map(|(_, codes)| codes).unwrap_or_default();
            Ok::<_, scrip_storage::Fault>((settings.is_ok(), (key.token, codes)))
        };
        let (set, token) = done.await.map_err(|fault| fault.to_string())?;
        writer.abort();
        if set { Ok(token) } else { Err("the settings were refused".to_owned()) }
    }

    /// The simulated machine's folder of objects; nothing is uploaded in the simulation.
    fn objects(&self) -> Objects {
        Objects::open(self.folder.path(), 1, Blocking::Inline)
            .unwrap_or_else(|why| unreachable!("{why}"))
    }

    fn ground(&self, store: Store) -> Ground {
        Ground {
            store,
            objects: self.objects(),
            clock: self.clock.clone(),
            entropy: self.entropy.clone(),
            keys: self.keys().unwrap_or_else(|why| unreachable!("{why}")),
            server: 1,
            blocking: Blocking::Inline,
            mode: Mode::Demo,
        }
    }

    fn with_bank(&self, engine: Engine) -> Engine {
        let engine =
            if self.plan.bureau { engine.with_bureau(self.bureau.clone()) } else { engine };
        engine.with_processor(self.bank.clone()).with_public_url("http://shop".into())
    }

    /// What the engine learns when half a year goes by in which nothing fails and no message comes: by asking
    /// alone. Then its books and the bank's agree.
    pub async fn grow_old(self: &Arc<Self>, gone: &[Gone]) -> Result<(), String> {
        let (store, writer) = self.open()?;
        let memory = Arc::new(scrip_engine::Memory::default());
        let writer = tokio::spawn(writer.run(self.clock.clone(), memory.clone()));
        let aged = async {
            let engine = self.with_bank(Engine::start(self.ground(store), memory).await?);
            for day in [0, 1, 2, 7, 30, 60, 120, 180] {
                self.clock.set_skew(day * 86_400_000);
                engine.renew_lease().await?;
                // On the last day nothing new is begun.
                let begins = day < 180;
                while engine.run_errands().await? > 0
                    || (begins && engine.run_auto_top_ups().await? > 0)
                {}
                while engine.finish_erasures().await? > 0 {}
                while engine.publish().await? > 0 {}
            }
            if let Err(why) = crate::leavers::compare(engine.store(), gone).await? {
                return Ok(Err(why));
            }
            if let Err(why) = self.bureau.compare(engine.store()).await? {
                return Ok(Err(why));
            }
            let bank = self.bank.as_ref();
            crate::ledgers::compare(engine.store(), bank.name(), &bank.payments()).await
        };
        let aged = aged.await.map_err(|fault| fault.to_string())?;
        writer.abort();
        aged
    }

    fn fate(&self) -> CommitFate {
        if self.calm.load(Ordering::SeqCst) {
            return CommitFate::Answered;
        }
        let mut fates = self.fates.lock().unwrap_or_else(PoisonError::into_inner);
        let draw = fates.below(1000);
        let Plan { lost, untold, refused, .. } = self.plan;
        let fate = match draw {
            _ if draw < lost => CommitFate::Lost,
            _ if draw < lost + untold => CommitFate::Untold,
            _ if draw < lost + untold + refused => CommitFate::Refused,
            _ if self.plan.defect == Defect::ForgetsCommits && draw > 950 => CommitFate::Forgotten,
            _ => return CommitFate::Answered,
        };
        self.trace.note("disk", &format!("a commit is {fate:?}"));
        fate
    }

    /// One life of the process. Ends when a commit's outcome is unknown.
    async fn live(self: Arc<Self>) -> Result<Infallible, String> {
        let (store, writer) = self.open()?;
        let memory = Arc::new(scrip_engine::Memory::default());
        let fates = self.clone();
        // Large: it holds every table of a batch.
        let writing = Box::pin(writer.run_with_fates(
            self.clock.clone(),
            memory.clone(),
            Box::new(move || fates.fate()),
        ));
        let mut running: Running = FuturesUnordered::new();
        running
            .push(Box::pin(async move { Err(format!("the writer ended: {:?}", writing.await)) }));
        let engine = tokio::select! {
            biased;
            ended = running.next() => return Err(format!("{ended:?}")),
            started = Engine::start(self.ground(store), memory) => started.map_err(|f| f.to_string())?,
        };
        let engine = self.with_bank(engine);
        let app = Arc::new(Server { engine, public_url: "http://shop".into() });
        running.push(Box::pin(renew(app.clone())));
        running.push(Box::pin(work(app.clone())));
        let bank = self.bank.clone();
        running.push(Box::pin(async move {
            bank.died().await;
            Err("it dies beside a call".to_owned())
        }));
        let router = scrip_web::router(&Arc::new(Watch::over(app)));
        listen(running, router, self.clone()).await
    }
}

impl process::Machine for Machine {
    async fn answer(&self, router: Router, request: Request<Bytes>) -> Response<Full<Bytes>> {
        self.interposer.answer(router, request).await
    }

    fn panicked(&self) {
        self.panicked.store(true, Ordering::SeqCst);
    }
}

/// Fewer vouchers than buyers will try.
fn vouchers() -> BatchFields {
    BatchFields {
        label: "sim".into(),
        tokens: Amount::new(VOUCHER).unwrap_or_default(),
        count: 20,
        kind: VoucherKind::Paid,
        starts_at: None,
        expires_at: None,
        per_account: None,
        tokens_expire_after_days: None,
    }
}

/// Keeps the lease on ids. A fault now is tried again in a second; the lease reaches further.
async fn renew(app: Arc<Server>) -> Result<(), String> {
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        drop(app.engine.renew_lease().await);
    }
}

/// Runs the errands to the card processor, and publishes events. A fault now is tried again in a second.
async fn work(app: Arc<Server>) -> Result<(), String> {
    loop {
        drop(app.engine.run_auto_top_ups().await);
        drop(app.engine.run_errands().await);
        drop(app.engine.finish_erasures().await);
        drop(app.engine.remind_due().await);
        drop(app.engine.publish().await);
        let second = tokio::time::sleep(Duration::from_secs(1));
        tokio::select! {
            biased;
            () = app.engine.errand_waits() => {}
            () = second => {}
        }
    }
}

/// Runs the shop until it dies, and then waits to be switched off.
pub async fn serve(machine: Arc<Machine>) -> turmoil::Result {
    let Err(why) = machine.clone().live().await;
    machine.trace.note("shop", &format!("dies: {why}"));
    machine.dead.store(true, Ordering::SeqCst);
    std::future::pending().await
}
