//! One server of a world of several: its disk, secrets and clock outlive the process.

use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use bytes::Bytes;
use futures_util::stream::{FuturesUnordered, StreamExt};
use http::{Request, Response};
use http_body_util::Full;
use scrip_domain::api_key::Scope;
use scrip_domain::settings::Settings;
use scrip_engine::keys::Keys;
use scrip_engine::objects::Objects;
use scrip_engine::{Engine, Ground, Mode, Staff};
use scrip_storage::{Blocking, Command, CommitFate, Fault, Memory, Store, Writer};
use scrip_testkit::TestEntropy;
use scrip_web::{Server, Watch};

use crate::chance::Chance;
use crate::clock::{Elapsed, SimClock};
use crate::goods::Goods;
use crate::process::{self, Running, listen};
use crate::trace::Trace;
use crate::wire::Wire;

/// What a server does in its world.
pub(crate) trait Part: Send + Sync + 'static {
    /// The engine with its ways to the other servers, as the binary wires them.
    fn leads(&self, engine: Engine, wire: &Wire) -> Engine;

    /// What is set up once, before the world begins; whether that went well.
    fn begins(&self, engine: &Engine) -> impl Future<Output = Result<bool, Fault>>;

    /// What the server does by itself, each second.
    fn works(&self, engine: &Engine) -> impl Future<Output = ()>;

    /// What is answered.
    fn answers(
        &self,
        router: Router,
        request: Request<Bytes>,
    ) -> impl Future<Output = Response<Full<Bytes>>>;
}

/// What goes wrong with a server.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Faults {
    /// Whence its chance comes.
    pub seed: u64,
    /// Of a thousand commits so many are lost with the process,
    pub lost: u64,
    /// so many happen before the process dies untold,
    pub untold: u64,
    /// and so many are refused.
    pub refused: u64,
    /// Whether some are answered and never happen.
    pub forgets: bool,
    /// How far the clock may be from the truth, in milliseconds.
    pub skew: u64,
    /// Of a thousand starts, before so many a protocol key is rotated.
    pub rotates: u64,
}

/// What stays when a process dies.
pub(crate) struct Host<P> {
    part: P,
    name: &'static str,
    disk: Mutex<Memory>,
    folder: tempfile::TempDir,
    clock: Arc<SimClock>,
    /// How far the clock is from the truth.
    skew: AtomicI64,
    /// By how much time has leapt, for all servers.
    leapt: AtomicI64,
    entropy: Arc<TestEntropy>,
    protocol_keys: Mutex<Vec<[u8; 32]>>,
    faults: Faults,
    fates: Mutex<Chance>,
    wire: Wire,
    trace: Trace,
    calm: AtomicBool,
    dead: AtomicBool,
    panicked: AtomicBool,
}

/// The address of a server, by which the others know it.
pub(crate) fn url_of(name: &str) -> String {
    format!("https://{name}")
}

impl<P: Part> Host<P> {
    /// A machine called `name` for a server with this part, with an empty disk called `disk`. Each has a first key of
    /// its own.
    pub fn new(
        part: P,
        name: &'static str,
        (disk, first_key): (&str, u8),
        faults: Faults,
        wire: Wire,
        (elapsed, trace): (&Elapsed, &Trace),
    ) -> Result<Self, String> {
        Ok(Self {
            part,
            name,
            disk: Mutex::new(Memory::new(disk).map_err(|fault| fault.to_string())?),
            folder: tempfile::tempdir().map_err(|error| error.to_string())?,
            clock: Arc::new(SimClock::new(elapsed.clone())),
            skew: AtomicI64::new(0),
            leapt: AtomicI64::new(0),
            entropy: Arc::new(TestEntropy::seeded(faults.seed ^ u64::from(first_key))),
            protocol_keys: Mutex::new(vec![[first_key; 32]]),
            faults,
            fates: Mutex::new(Chance::of(faults.seed, name)),
            wire,
            trace: trace.clone(),
            calm: AtomicBool::new(false),
            dead: AtomicBool::new(false),
            panicked: AtomicBool::new(false),
        })
    }

    /// Whether nothing fails from now on.
    pub fn calm(&self, calm: bool) {
        self.calm.store(calm, Ordering::SeqCst);
        self.wire.calm(calm);
    }

    /// Whether the process has died since this was asked last.
    pub fn has_died(&self) -> bool {
        self.dead.swap(false, Ordering::SeqCst)
    }

    /// Whether something in the server panicked.
    pub fn has_panicked(&self) -> bool {
        self.panicked.load(Ordering::SeqCst)
    }

    /// The machine starts again: its clock is wrong in a new way, a protocol key may have been rotated.
    pub fn restarts(&self, chance: &mut Chance) {
        let skew = i64::try_from(chance.below(2 * self.faults.skew + 1)).unwrap_or(0);
        let skew = skew - i64::try_from(self.faults.skew).unwrap_or(0);
        self.is_ahead(skew);
        if chance.permille(self.faults.rotates) {
            let mut keys = self.protocol_keys.lock().unwrap_or_else(PoisonError::into_inner);
            let newest = keys.first().map_or(0, |seed| seed[0]);
            keys.insert(0, [newest.saturating_add(1); 32]);
        }
        self.trace.note(self.name, &format!("starts, its clock {skew} ms ahead"));
    }

    /// From now on the clock is so many milliseconds ahead.
    pub fn is_ahead(&self, skew: i64) {
        self.skew.store(skew, Ordering::SeqCst);
        self.set_clock();
    }

    /// Time leaps by so many milliseconds.
    pub fn leap(&self, millis: u64) {
        let millis = i64::try_from(millis).unwrap_or(0);
        self.leapt.fetch_add(millis, Ordering::SeqCst);
        self.set_clock();
    }

    fn set_clock(&self) {
        let (skew, leapt) = (self.skew.load(Ordering::SeqCst), self.leapt.load(Ordering::SeqCst));
        self.clock.set_skew(skew + leapt);
    }

    /// A way into the disk: what reads, and what writes.
    pub fn open(&self) -> Result<(Store, Writer), String> {
        let disk = self.disk.lock().unwrap_or_else(PoisonError::into_inner);
        Store::memory(&disk).map_err(|fault| fault.to_string())
    }

    /// The books as they are on the disk, to be read whoever lives.
    pub fn books(&self) -> Result<Store, String> {
        self.open().map(|(store, _)| store)
    }

    /// The time by this server's clock.
    pub fn clock(&self) -> Arc<SimClock> {
        self.clock.clone()
    }

    fn keys(&self) -> Result<Keys, String> {
        let seeds = self.protocol_keys.lock().unwrap_or_else(PoisonError::into_inner);
        let keys = Keys::new(&[[1; 32]], &[9; 32]).ok_or_else(|| "no license key".to_owned())?;
        Ok(keys.with_protocol(&seeds))
    }

    /// Examines the books on the disk.
    pub async fn examine(&self) -> Result<(), String> {
        let store = self.books()?;
        let report = scrip_engine::doctor::examine(&store, &self.keys()?).await;
        let report = report.map_err(|fault| format!("{}'s doctor: {fault}", self.name))?;
        match report.unsound().next() {
            Some(check) => {
                Err(format!("{}'s doctor: {}: {:?}", self.name, check.name, check.findings))
            }
            None => Ok(()),
        }
    }

    /// Sets the server up; gives an administrator's key.
    pub async fn set_up(&self, settings: Settings, goods: Option<Goods>) -> Result<String, String> {
        let (store, writer) = self.open()?;
        let memory = Arc::new(scrip_engine::Memory::default());
        let writer = tokio::spawn(writer.run(self.clock.clone(), memory.clone()));
        let done = async {
            if let Some(goods) = goods {
                let Ok(()) = store.submit(goods).await?;
            }
            let engine = self.wired(Engine::start(self.ground(store), memory).await?);
            let settings = engine.put_settings(Staff::OPERATOR, settings).await?;
            let is_well = self.part.begins(&engine).await? && settings.is_ok();
            let scopes = vec![Scope::Admin];
            let key = engine.make_key(Staff::OPERATOR, scopes, "sim".into()).await?;
            Ok::<_, Fault>((is_well, key.token))
        };
        let (is_well, token) = done.await.map_err(|fault| fault.to_string())?;
        writer.abort();
        if is_well { Ok(token) } else { Err(format!("{} could not be set up", self.name)) }
    }

    /// Carries out a command on the disk, past the process.
    pub async fn carry_out<C: Command<Receipt = ()>>(&self, command: C) -> Result<(), String> {
        let (store, writer) = self.open()?;
        let memory = Arc::new(scrip_engine::Memory::default());
        let writer = tokio::spawn(writer.run(self.clock.clone(), memory));
        let done = store.submit(command).await.map(drop).map_err(|fault| fault.to_string());
        writer.abort();
        done
    }

    fn ground(&self, store: Store) -> Ground {
        Ground {
            store,
            objects: Objects::open(self.folder.path(), 1, Blocking::Inline)
                .unwrap_or_else(|why| unreachable!("{why}")),
            clock: self.clock.clone(),
            entropy: self.entropy.clone(),
            keys: self.keys().unwrap_or_else(|why| unreachable!("{why}")),
            server: 1,
            blocking: Blocking::Inline,
            mode: Mode::Demo,
        }
    }

    fn wired(&self, engine: Engine) -> Engine {
        self.part.leads(engine.with_public_url(url_of(self.name)), &self.wire)
    }

    fn fate(&self) -> CommitFate {
        if self.calm.load(Ordering::SeqCst) {
            return CommitFate::Answered;
        }
        let mut fates = self.fates.lock().unwrap_or_else(PoisonError::into_inner);
        let draw = fates.below(1000);
        let Faults { lost, untold, refused, forgets, .. } = self.faults;
        let fate = match draw {
            _ if draw < lost => CommitFate::Lost,
            _ if draw < lost + untold => CommitFate::Untold,
            _ if draw < lost + untold + refused => CommitFate::Refused,
            _ if forgets && draw > 950 => CommitFate::Forgotten,
            _ => return CommitFate::Answered,
        };
        self.trace.note(self.name, &format!("a commit is {fate:?}"));
        fate
    }

    /// One life of the process. Ends when a commit's outcome is unknown.
    async fn live(self: Arc<Self>) -> Result<Infallible, String> {
        let (store, writer) = self.open()?;
        let memory = Arc::new(scrip_engine::Memory::default());
        let fates = self.clone();
        let fates = Box::new(move || fates.fate());
        // Large: it holds every table of a batch.
        let writing = Box::pin(writer.run_with_fates(self.clock.clone(), memory.clone(), fates));
        let mut running: Running = FuturesUnordered::new();
        running
            .push(Box::pin(async move { Err(format!("the writer ended: {:?}", writing.await)) }));
        let engine = tokio::select! {
            biased;
            ended = running.next() => return Err(format!("{ended:?}")),
            started = Engine::start(self.ground(store), memory) => started.map_err(|f| f.to_string())?,
        };
        let app = Arc::new(Server { engine: self.wired(engine), public_url: url_of(self.name) });
        running.push(Box::pin(renew(app.clone(), self.clone())));
        running.push(Box::pin(work(app.clone(), self.clone())));
        let router = scrip_web::router(&Arc::new(Watch::over(app)));
        listen(running, router, self.clone()).await
    }
}

impl<P: Part> process::Machine for Host<P> {
    async fn answer(&self, router: Router, request: Request<Bytes>) -> Response<Full<Bytes>> {
        self.part.answers(router, request).await
    }

    fn panicked(&self) {
        self.panicked.store(true, Ordering::SeqCst);
    }
}

/// Keeps the lease on ids, at once when time has leapt. A fault now is tried again in a second; the lease reaches further.
async fn renew<P: Part>(app: Arc<Server>, host: Arc<Host<P>>) -> Result<(), String> {
    loop {
        let leapt = host.leapt.load(Ordering::SeqCst);
        drop(app.engine.renew_lease().await);
        for _ in 0..50 {
            tokio::time::sleep(Duration::from_millis(20)).await;
            if host.leapt.load(Ordering::SeqCst) != leapt {
                break;
            }
        }
    }
}

/// What the server does by itself. A fault now is tried again in a second.
async fn work<P: Part>(app: Arc<Server>, host: Arc<Host<P>>) -> Result<(), String> {
    loop {
        host.part.works(&app.engine).await;
        drop(app.engine.publish().await);
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// Runs the server until it dies, and then waits to be switched off.
pub(crate) async fn serve<P: Part>(host: Arc<Host<P>>) -> turmoil::Result {
    let Err(why) = host.clone().live().await;
    host.trace.note(host.name, &format!("dies: {why}"));
    host.dead.store(true, Ordering::SeqCst);
    std::future::pending().await
}
