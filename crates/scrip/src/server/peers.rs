//! The way to other servers: to a merchant's provider, and to a provider's merchants.

use std::sync::Arc;
use std::time::Duration;

use scrip_domain::role::Role;
use scrip_engine::Engine;
use scrip_https::{Https, Reach, SetupError, Strangers};
use scrip_peer::{HttpArchive, HttpHerald, HttpProvider, Line, PublicReader, Transport};

use crate::config::Config;
use crate::failure::{Failure, Outcome};

/// How long a provider may take to answer: a buyer waits for some of its answers.
const PATIENCE: Duration = Duration::from_secs(10);
/// An answer of a provider's is at most a picture with as many refunds as an order can have.
const LONGEST: usize = 4 << 20;

/// How long a merchant may take, which perhaps asks us back before it answers.
const PATIENCE_WITH_MERCHANTS: Duration = Duration::from_secs(15);
/// What a merchant makes public, answers to a notice, or has of a restored provider's documents: a page of those is about
/// half a megabyte, and the documents of one order at most as much again and a few times more.
const LONGEST_OF_MERCHANTS: usize = 4 << 20;

/// The engine with what its roles need. Nothing is asked of the network yet.
pub fn lead(config: &Config, engine: Engine) -> Outcome<Engine> {
    if let Some(url) = &config.provider {
        return to_provider(url, engine).map_err(|error| refusal("provider", &error));
    }
    if engine.roles().has(Role::Provider) {
        let reach = if config.demo { Reach::WorldAndHere } else { Reach::World };
        return to_merchants(reach, engine).map_err(|error| refusal("merchants", &error));
    }
    Ok(engine)
}

/// A merchant goes where its administrator has sent it.
fn to_provider(url: &str, engine: Engine) -> Result<Engine, SetupError> {
    let transport: Arc<dyn Transport> = Arc::new(Https::to(url, PATIENCE, LONGEST)?);
    let engine = engine.with_peer_port(Arc::new(PublicReader::new(transport.clone())));
    let line = Line::new(transport, engine.pen());
    let keys = engine.peer_keys().clone();
    Ok(engine.with_provider(Arc::new(HttpProvider::new(url, line, keys))))
}

/// A provider goes to addresses that its merchants have named.
fn to_merchants(reach: Reach, engine: Engine) -> Result<Engine, SetupError> {
    let strangers = Strangers::within(reach, PATIENCE_WITH_MERCHANTS, LONGEST_OF_MERCHANTS)?;
    let transport: Arc<dyn Transport> = Arc::new(strangers);
    let engine = engine.with_peer_port(Arc::new(PublicReader::new(transport.clone())));
    let line = Line::new(transport, engine.pen());
    let archive = Arc::new(HttpArchive::new(line.clone()));
    Ok(engine.with_herald(Arc::new(HttpHerald::new(line))).with_archive(archive))
}

fn refusal(what: &str, error: &SetupError) -> Failure {
    let failure = Failure::of(error);
    Failure::new(format!("{what}: {failure}"))
}
