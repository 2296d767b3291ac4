//! A server from configuration to exit: open the books, listen, answer, stop without losing anything.

mod beside;
pub mod books;
pub mod bureau;
pub mod logs;
pub mod mail;
mod number;
pub mod objects;
mod peers;
pub mod processor;
pub mod signals;
pub mod tls;
pub mod traces;
mod webhooks;

use std::cell::Cell;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use scrip_domain::{Clock, Span};
use scrip_engine::demo::DemoClock;
use scrip_engine::imprint::OtherSecret;
use scrip_engine::{Engine, Ground, Mode};
use scrip_storage::Blocking;
use scrip_web::{App, Server, Watch};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_rustls::TlsAcceptor;

use self::beside::Beside;
use self::books::{Books, Writing};
use self::signals::Stop;
use self::traces::{Exporter, Waiting};
use crate::clock::SystemClock;
use crate::config::Config;
use crate::entropy::SystemEntropy;
use crate::failure::{Failure, Outcome};
use crate::vault::Vault;

/// How long a stop waits for the database to take the lease on ids back.
const LAST_WORD: Duration = Duration::from_secs(10);

/// Serves until it is asked to stop.
pub fn run(config: &Config) -> Outcome {
    let (tracer, waiting) = traces::tracer(config).unzip();
    logs::start(&config.log, tracer);
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
    let outcome = runtime.block_on(serve(config, waiting));
    // Reads that are still running on threads of their own change nothing.
    runtime.shutdown_timeout(Duration::from_secs(1));
    outcome
}

async fn serve(config: &Config, spans: Option<Waiting>) -> Outcome {
    let cannot = |what: &'static str| {
        move |error: io::Error| Failure::new(format!("cannot {what}: {error}"))
    };
    let stop = Stop::listen().map_err(cannot("listen to signals"))?;
    let hang_up = signal(SignalKind::hangup()).map_err(cannot("listen to signals"))?;
    let vault = Arc::new(Vault::within(&config.data));
    let certificate = tls::open(config)?;
    let collector = traces::open(config)?;
    let (engine, writing) = open(config, &vault, false).await?;
    let listener = listen(config.listen, "listen")?;
    let listening = listener.local_addr().map_err(cannot("listen"))?;
    let listening = match certificate {
        Some(_) => format!("https://{listening}"),
        None => format!("http://{listening}"),
    };
    let public_url = config.public_url.clone().unwrap_or_else(|| listening.clone());
    let engine = engine.with_public_url(public_url.clone());
    let engine = peers::lead(config, engine)?;
    let app: App = Arc::new(Server { engine, public_url });
    app.engine.vendor().await.map_err(|fault| Failure::of(&fault))?;
    hold_imprint(&app.engine, &vault).await?;
    mail::begin(&app.engine).await?;
    let watch = Arc::new(Watch::over(app.clone()));
    if app.engine.is_restoring() {
        tracing::warn!(
            epoch = app.engine.epoch(),
            "restored: peers are asked what happened since the backup"
        );
    }
    let mut beside = Beside::start(&watch);
    beside.also(signals::reload_keys(hang_up, vault, app));
    if let Some(address) = config.metrics {
        let listener = listen(address, "metrics")?;
        let router = scrip_web::own_address(watch.clone());
        let (watch, limits) = (watch.clone(), limits(config));
        beside.also(async move {
            let never = std::future::pending();
            scrip_web::serve(listener, None, router, watch, limits, never, Duration::ZERO).await;
        });
    }
    let door = match certificate {
        Some(certificate) => {
            let warning = certificate.warning(config.public_url.as_deref());
            warning.iter().for_each(|warning| tracing::warn!("{warning}"));
            let acceptor = certificate.acceptor()?;
            let hang_up = signal(SignalKind::hangup()).map_err(cannot("listen to signals"))?;
            beside.also(tls::keep_fresh(certificate, watch.clone(), hang_up));
            (listener, Some(acceptor))
        }
        None => (listener, None),
    };
    let exporter = collector
        .zip(spans)
        .map(|(collector, spans)| Exporter::start(config, collector, spans, watch.clone()));
    say_ready(&listening);
    answer(config, door, watch, writing, stop, (beside, exporter)).await
}

/// Refuses the master secret of another shop.
pub async fn hold_imprint(engine: &Engine, vault: &Vault) -> Outcome {
    let held = engine.hold_imprint().await.map_err(|fault| Failure::of(&fault))?;
    held.map_err(|OtherSecret| vault.other_secret())
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
    let mail = mail::open(config)?;
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
    let engine = engine.with_mail(mail);
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

/// Answers until somebody asks to stop, or the writer or something beside it must not go on; then ends in order.
async fn answer(
    config: &Config,
    (listener, tls): (TcpListener, Option<TlsAcceptor>),
    watch: Arc<Watch>,
    mut writing: Writing,
    mut stop: Stop,
    (mut beside, exporter): (Beside, Option<Exporter>),
) -> Outcome {
    let fault = Cell::new(None);
    let end = async {
        tokio::select! {
            () = stop.asked() => tracing::info!("asked to stop"),
            ended = writing.ended() => fault.set(Some(ended)),
            failed = beside.failed() => fault.set(Some(failed)),
        }
        watch.stopping();
    };
    let router = scrip_web::router(&watch);
    let (watching, limits) = (watch.clone(), limits(config));
    let cut = scrip_web::serve(listener, tls, router, watching, limits, end, config.stop).await;
    stop.insist();
    if cut > 0 {
        tracing::warn!(connections = cut, "some connections did not end in time and were cut");
    }
    drop(beside);
    if let Some(exporter) = exporter {
        exporter.end().await;
    }
    let fault = fault.take();
    if fault.is_none() {
        match tokio::time::timeout(LAST_WORD, watch.app().engine.end_lease()).await {
            Ok(Ok(())) => {}
            Ok(Err(fault)) => tracing::debug!(%fault, "the lease on ids ends by itself"),
            Err(_) => {
                tracing::warn!("the database does not answer: the lease on ids ends by itself");
            }
        }
    }
    // The writer ends when nobody can hand in anything any more.
    drop(watch);
    if let Some(fault) = fault {
        tracing::error!(%fault, "the server must not go on");
        return Err(Failure::new(format!("the server had to stop: {fault}"))
            .advise("What is true stands in the database: start again, and callers ask again with their keys."));
    }
    writing.close().await?;
    tracing::info!("stopped");
    Ok(())
}

/// Listens on the address that `option` names.
fn listen(address: SocketAddr, option: &str) -> Outcome<TcpListener> {
    scrip_web::listen(address).map_err(|error| {
        let failure = Failure::new(format!("cannot listen on {address}: {error}"));
        match error.kind() {
            io::ErrorKind::AddrInUse => failure.advise(format!(
                "Another program listens there: stop it, or set `{option}` to another port."
            )),
            io::ErrorKind::PermissionDenied => failure.advise(format!(
                "Ports below 1024 need a privilege: set `{option}` to a higher one."
            )),
            _ => failure.advise(format!("Set `{option}` to an address of this machine.")),
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
fn say_ready(listening: &str) {
    let mut out = io::stdout().lock();
    // Nobody needs to read it.
    let _ = writeln!(out, "listening on {listening}");
    let _ = out.flush();
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
