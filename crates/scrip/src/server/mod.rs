//! A server from configuration to exit: open the books, listen, answer, stop without losing anything.

pub mod books;
pub mod bureau;
pub mod logs;
pub mod mail;
mod number;
pub mod objects;
mod peers;
pub mod processor;
pub mod signals;
mod webhooks;

use std::cell::Cell;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use scrip_domain::restore::FIRST_EPOCH;
use scrip_domain::role::Role;
use scrip_domain::{Clock, Span};
use scrip_engine::demo::DemoClock;
use scrip_engine::{Engine, Ground, Mode};
use scrip_storage::Blocking;
use scrip_web::{App, Server, Watch};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tokio::time::{Interval, MissedTickBehavior};

use self::books::{Books, Writing};
use self::signals::Stop;
use crate::clock::SystemClock;
use crate::config::Config;
use crate::entropy::SystemEntropy;
use crate::failure::{Failure, Outcome};
use crate::vault::Vault;

/// How often expired tokens are booked of wallets that nobody touches.
const SWEEP: Duration = Duration::from_hours(1);

/// Serves until it is asked to stop.
pub fn run(config: &Config) -> Outcome {
    logs::start(&config.log);
    config.warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
    allow_many_files();
    let threads = match config.threads {
        0 => std::thread::available_parallelism().map_or(2, usize::from),
        threads => threads,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format!("cannot start threads: {error}")))?;
    let outcome = runtime.block_on(serve(config));
    // Reads that are still running on threads of their own change nothing.
    runtime.shutdown_timeout(Duration::from_secs(1));
    outcome
}

async fn serve(config: &Config) -> Outcome {
    let cannot = |what: &'static str| {
        move |error: io::Error| Failure::new(format!("cannot {what}: {error}"))
    };
    let stop = Stop::listen().map_err(cannot("listen to signals"))?;
    let hang_up = signal(SignalKind::hangup()).map_err(cannot("listen to signals"))?;
    let vault = Arc::new(Vault::within(&config.data));
    let (engine, writing) = open(config, &vault, false).await?;
    let listener = listen(config.listen)?;
    let listening = listener.local_addr().map_err(cannot("listen"))?;
    let public_url = config.public_url.clone().unwrap_or_else(|| format!("http://{listening}"));
    let engine = engine.with_public_url(public_url.clone());
    let engine = peers::lead(config, engine)?;
    let app: App = Arc::new(Server { engine, public_url });
    app.engine.vendor().await.map_err(|fault| Failure::of(&fault))?;
    mail::begin(&app.engine).await?;
    let watch = Arc::new(Watch::over(app.clone()));
    let mut beside = JoinSet::new();
    beside.spawn(beat(watch.clone()));
    beside.spawn(sweep(watch.clone()));
    beside.spawn(errands(app.clone()));
    if app.engine.roles().has(Role::Provider) {
        beside.spawn(requests(app.clone()));
    }
    beside.spawn(checkouts(app.clone()));
    if app.engine.is_restoring() {
        tracing::warn!(
            epoch = app.engine.epoch(),
            "restored: peers are asked what happened since the backup"
        );
    }
    if app.engine.epoch() > FIRST_EPOCH {
        beside.spawn(restore(app.clone()));
    }
    beside.spawn(exchanges(app.clone()));
    beside.spawn(reminders(app.clone()));
    beside.spawn(agreements(app.clone()));
    beside.spawn(settlements(app.clone()));
    beside.spawn(webhooks::tell(watch.clone()));
    beside.spawn(mail::collect(watch.clone()));
    beside.spawn(mail::send(watch.clone()));
    beside.spawn(signals::reload_keys(hang_up, vault, app));
    if let Some(address) = config.metrics {
        let listener = listen(address)?;
        let router = scrip_web::own_address(watch.clone());
        let (watch, limits) = (watch.clone(), limits(config));
        beside.spawn(async move {
            let never = std::future::pending();
            scrip_web::serve(listener, router, watch, limits, never, Duration::ZERO).await;
        });
    }
    say_ready(listening);
    answer(config, listener, watch, writing, stop, beside).await
}

/// Opens the books and starts an engine on them; makes the database first when it is to be `new`.
pub async fn open(config: &Config, vault: &Arc<Vault>, new: bool) -> Outcome<(Engine, Writing)> {
    vault.complete(&SystemEntropy)?;
    let keys = vault.open()?;
    let system: Arc<dyn Clock> = Arc::new(SystemClock);
    let behind = Span::days(config.demo_days_behind);
    let demo = config.demo.then(|| Arc::new(DemoClock::behind(system.clone(), behind)));
    let clock = demo.clone().map_or(system, |demo| demo as Arc<dyn Clock>);
    let processor = processor::open(config, &clock)?;
    let bureau = bureau::open(config)?;
    let sender = webhooks::open(config)?;
    let post = mail::open(config)?;
    let opened = if new {
        Books::create(&config.database, clock.clone()).await
    } else {
        Books::open(&config.database, clock.clone()).await
    };
    let Books { store, memory, writing } = opened?;
    if !new {
        number::is_free(&store, config.server_number, clock.as_ref()).await?;
    }
    let ground = Ground {
        store,
        objects: objects::open(config).await?,
        clock,
        entropy: Arc::new(SystemEntropy),
        keys,
        server: config.server_number,
        blocking: Blocking::Threads,
        mode: if config.demo { Mode::Demo } else { Mode::Live },
    };
    let engine = Engine::start(ground, memory).await.map_err(|fault| Failure::of(&fault))?;
    let engine = engine.with_key_home(vault.clone()).with_roles(config.roles.clone());
    let engine = engine.with_sender(sender);
    let engine = match processor {
        Some(processor) => engine.with_processor(processor),
        None => engine,
    };
    let engine = match post {
        Some(post) => engine.with_mail(post),
        None => engine,
    };
    let engine = match bureau {
        Some(bureau) => engine.with_bureau(bureau),
        None => engine,
    };
    let engine = match demo {
        Some(demo) => engine.with_demo_clock(demo),
        None => engine,
    };
    Ok((engine, writing))
}

/// Answers until somebody asks to stop or the writer must not go on; then ends in order.
async fn answer(
    config: &Config,
    listener: TcpListener,
    watch: Arc<Watch>,
    mut writing: Writing,
    mut stop: Stop,
    beside: JoinSet<()>,
) -> Outcome {
    let fault = Cell::new(None);
    let end = async {
        tokio::select! {
            () = stop.asked() => tracing::info!("asked to stop"),
            ended = writing.ended() => fault.set(Some(ended)),
        }
        watch.stopping();
    };
    let router = scrip_web::router(&watch);
    let cut =
        scrip_web::serve(listener, router, watch.clone(), limits(config), end, config.stop).await;
    stop.insist();
    if cut > 0 {
        tracing::warn!(connections = cut, "some connections did not end in time and were cut");
    }
    drop(beside);
    let fault = fault.take();
    if fault.is_none()
        && let Err(fault) = watch.app().engine.end_lease().await
    {
        tracing::debug!(%fault, "the lease on ids ends by itself");
    }
    // The writer ends when nobody can hand in anything any more.
    drop(watch);
    if let Some(fault) = fault {
        tracing::error!(%fault, "the writer has ended");
        return Err(Failure::new(format!("the server had to stop: {fault}"))
            .advise("What is true stands in the database: start again, and callers ask again with their keys."));
    }
    writing.close().await?;
    tracing::info!("stopped");
    Ok(())
}

fn listen(address: SocketAddr) -> Outcome<TcpListener> {
    scrip_web::listen(address).map_err(|error| {
        let failure = Failure::new(format!("cannot listen on {address}: {error}"));
        match error.kind() {
            io::ErrorKind::AddrInUse => failure
                .advise("Another program listens there: stop it, or set `listen` to another port."),
            io::ErrorKind::PermissionDenied => {
                failure.advise("Ports below 1024 need a privilege: set `listen` to a higher one.")
            }
            _ => failure.advise("Set `listen` to an address of this machine."),
        }
    })
}

fn limits(config: &Config) -> scrip_web::Limits {
    let limits = &config.limits;
    scrip_web::Limits {
        connections: limits.connections,
        header: limits.header,
        body: limits.body,
        stall: limits.stall,
        json_bytes: limits.json_bytes,
        trusted_proxies: config.trusted_proxies.clone(),
    }
}

/// The one line on standard output: whoever started us waits for it.
fn say_ready(listening: SocketAddr) {
    let mut out = io::stdout().lock();
    // Nobody needs to read it.
    let _ = writeln!(out, "listening on http://{listening}");
    let _ = out.flush();
}

/// Keeps the lease on ids ahead of the clock, which shows that the writer commits; and hears of what
/// other servers have changed.
async fn beat(watch: Arc<Watch>) {
    let mut second = every_second();
    loop {
        second.tick().await;
        match watch.app().engine.renew_lease().await {
            Ok(()) => watch.committed(),
            Err(fault) => tracing::warn!(%fault, "the lease on ids was not renewed"),
        }
        if let Err(fault) = watch.app().engine.catch_up().await {
            tracing::warn!(%fault, "nothing is remembered until the database answers again");
        }
    }
}

/// Books each hour what has expired in wallets that nobody touches.
async fn sweep(watch: Arc<Watch>) {
    let mut hour = tokio::time::interval(SWEEP);
    hour.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        hour.tick().await;
        let mut wallets: usize = 0;
        let swept = loop {
            match watch.app().engine.expire_due().await {
                Ok(0) => break Ok(()),
                Ok(booked) => wallets = wallets.saturating_add(booked),
                Err(fault) => break Err(fault),
            }
        };
        if wallets > 0 {
            tracing::info!(wallets, "booked what has expired");
        }
        if let Err(fault) = swept {
            tracing::warn!(%fault, "what has expired is booked at the next try");
        }
        close_days(&watch).await;
        forget_deliveries(&watch).await;
        mail::warn(&watch).await;
        mail::forget(&watch).await;
        forget_visits(&watch).await;
        forget_quotes(&watch).await;
    }
}

/// Sums the days that are over, each once. After a start on older books that may be years; so others come in between.
async fn close_days(watch: &Watch) {
    loop {
        match watch.app().engine.close_days().await {
            Ok(0) => break,
            Ok(days) => tracing::debug!(days, "summed days that are over"),
            Err(fault) => {
                tracing::warn!(%fault, "days that are over are summed at the next try");
                break;
            }
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Forgets quotes of long ago that nobody took.
async fn forget_quotes(watch: &Watch) {
    loop {
        match watch.app().engine.forget_quotes().await {
            Ok(0) => break,
            Ok(_) => {}
            Err(fault) => {
                tracing::warn!(%fault, "old quotes are forgotten at the next try");
                break;
            }
        }
    }
}

/// Forgets the keys of visitors of long ago.
async fn forget_visits(watch: &Watch) {
    loop {
        match watch.app().engine.forget_visits().await {
            Ok(0) => break,
            Ok(_) => {}
            Err(fault) => {
                tracing::warn!(%fault, "old visits are forgotten at the next try");
                break;
            }
        }
    }
}

/// Forgets what webhooks were told long ago.
async fn forget_deliveries(watch: &Watch) {
    loop {
        match watch.app().engine.prune_deliveries().await {
            Ok(0) => break,
            Ok(_) => {}
            Err(fault) => {
                tracing::warn!(%fault, "old deliveries are forgotten at the next try");
                break;
            }
        }
    }
}

/// Asks processor and bureau what has to be asked, looks after automatic top-ups, and finishes what erasures have left: when
/// there is something new, and each second.
async fn errands(app: App) {
    let mut second = every_second();
    loop {
        tokio::select! {
            () = app.engine.errand_waits() => {}
            _ = second.tick() => {}
        }
        if let Err(fault) = app.engine.run_errands().await {
            tracing::warn!(%fault, "what processor or bureau have to be asked waits");
        }
        if let Err(fault) = app.engine.run_auto_top_ups().await {
            tracing::warn!(%fault, "automatic top-ups wait");
        }
        if let Err(fault) = app.engine.finish_erasures().await {
            tracing::warn!(%fault, "what is left of erased accounts waits");
        }
    }
}

/// Tells each second the holders of licenses that end soon.
async fn reminders(app: App) {
    let mut second = every_second();
    loop {
        second.tick().await;
        if let Err(fault) = app.engine.remind_due().await {
            tracing::warn!(%fault, "holders of licenses are reminded later");
        }
    }
}

/// At a provider: does each second what the clock does to purchase requests, and tells merchants.
async fn requests(app: App) {
    let mut second = every_second();
    loop {
        second.tick().await;
        if let Err(fault) = app.engine.lapse_requests().await {
            tracing::warn!(%fault, "what is due of purchase requests waits");
        }
        if let Err(fault) = app.engine.send_notices().await {
            tracing::warn!(%fault, "merchants are told later");
        }
    }
}

/// Asks a merchant's provider what is due, each second. Apart from the other errands: neither waits for the other's world.
async fn checkouts(app: App) {
    if app.engine.provider().is_none() {
        return;
    }
    let mut second = every_second();
    loop {
        second.tick().await;
        if let Err(fault) = app.engine.run_checkouts().await {
            tracing::warn!(%fault, "what the provider has to be asked waits");
        }
    }
}

/// After a restore: asks peers what they have, each second, until all were heard; and again when an administrator says so.
async fn restore(app: App) {
    let mut second = every_second();
    loop {
        second.tick().await;
        if let Err(fault) = app.engine.run_restore().await {
            tracing::warn!(%fault, "peers are asked at the next try");
        }
    }
}

/// Tells partners what they do not know yet of agreements and links, each second.
async fn agreements(app: App) {
    if app.engine.partners().is_none() {
        return;
    }
    let mut second = every_second();
    loop {
        second.tick().await;
        if let Err(fault) = app.engine.run_agreements().await {
            tracing::warn!(%fault, "partners are told later of agreements");
        }
        if let Err(fault) = app.engine.run_links().await {
            tracing::warn!(%fault, "partners are told later of links");
        }
    }
}

/// Closes cycles that are over, and tells partners what is due of statements and payments, each second.
async fn settlements(app: App) {
    if !app.engine.roles().may_have_partners() {
        return;
    }
    let mut second = every_second();
    loop {
        second.tick().await;
        if let Err(fault) = app.engine.run_settlements().await {
            tracing::warn!(%fault, "what is due of statements waits");
        }
    }
}

/// Does each second what is due of exchanges with partners. Apart from the other errands: neither waits for the other's world.
async fn exchanges(app: App) {
    if app.engine.partners().is_none() {
        return;
    }
    let mut second = every_second();
    loop {
        second.tick().await;
        if let Err(fault) = app.engine.run_exchanges().await {
            tracing::warn!(%fault, "what is due of exchanges waits");
        }
    }
}

/// What takes longer than a second puts off the next.
fn every_second() -> Interval {
    let mut second = tokio::time::interval(Duration::from_secs(1));
    second.set_missed_tick_behavior(MissedTickBehavior::Delay);
    second
}

/// A connection is a file, and the usual limit of 1024 is for programs that have none.
fn allow_many_files() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::debug!(%error, "the limit on open files stays as it is");
    }
}
