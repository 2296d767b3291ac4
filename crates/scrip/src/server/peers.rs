//! The way to other servers: to a merchant's provider, to a provider's merchants, and to a vendor's partners. They are told
//! the trace that a request is in, so that what happens at both is one; nobody else is.

use std::sync::Arc;
use std::time::Duration;

use scrip_domain::role::Role;
use scrip_engine::Engine;
use scrip_https::{Https, Reach, SetupError, Strangers};
use scrip_peer::{
    HttpArchive, HttpHerald, HttpPartners, HttpProvider, Line, PublicReader, Transport,
};

use super::traces::traceparent;
use crate::config::Config;
use crate::failure::{Failure, Outcome};

/// How long a provider may take to answer: a buyer waits for some of its answers.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long with a letter, which it hands to its mail server meanwhile: longer than that may take.
const PATIENCE_WITH_LETTERS: Duration = Duration::from_secs(75);
/// An answer of a provider's is at most a picture with as many refunds as an order can have.
const LONGEST: usize = 4 << 20;

/// How long a merchant or a partner may take, which perhaps asks us back before it answers.
const PATIENCE_WITH_STRANGERS: Duration = Duration::from_secs(15);
/// What they make public, or answer: a page of exchanges, or what a merchant has of a restored provider's documents, of which a
/// page is about half a megabyte, and those of one order at most as much again and a few times more.
const LONGEST_OF_STRANGERS: usize = 4 << 20;

/// The engine with what its roles need. Nothing is asked of the network yet.
pub fn lead(config: &Config, engine: Engine) -> Outcome<Engine> {
    if let Some(url) = &config.provider {
        return to_provider(url, engine).map_err(|error| refusal("provider", &error));
    }
    let reach = if config.demo { Reach::WorldAndHere } else { Reach::World };
    to_strangers(reach, engine).map_err(|error| refusal("partners and merchants", &error))
}

/// A merchant goes where its administrator has sent it.
fn to_provider(url: &str, engine: Engine) -> Result<Engine, SetupError> {
    let to = |patience| {
        Ok::<_, SetupError>(Https::to(url, patience, LONGEST)?.with_trace_header(traceparent))
    };
    let transport: Arc<dyn Transport> = Arc::new(to(PATIENCE)?);
    let engine = engine.with_peer_port(Arc::new(PublicReader::new(transport.clone())));
    let line = Line::new(transport, engine.pen());
    let letters = Line::new(Arc::new(to(PATIENCE_WITH_LETTERS)?), engine.pen());
    let keys = engine.peer_keys().clone();
    let provider = HttpProvider::new(url, line, keys).with_letters_through(letters);
    Ok(engine.with_provider(Arc::new(provider)))
}

/// A vendor goes to its partners, and a provider to its merchants: addresses that others keep.
fn to_strangers(reach: Reach, engine: Engine) -> Result<Engine, SetupError> {
    let strangers = Strangers::within(reach, PATIENCE_WITH_STRANGERS, LONGEST_OF_STRANGERS)?;
    let transport: Arc<dyn Transport> = Arc::new(strangers.with_trace_header(traceparent));
    let engine = engine.with_peer_port(Arc::new(PublicReader::new(transport.clone())));
    let line = Line::new(transport, engine.pen());
    let keys = engine.peer_keys().clone();
    let engine = engine.with_partners(Arc::new(HttpPartners::new(line.clone(), keys)));
    if engine.roles().has(Role::Provider) {
        let archive = Arc::new(HttpArchive::new(line.clone()));
        return Ok(engine.with_herald(Arc::new(HttpHerald::new(line))).with_archive(archive));
    }
    Ok(engine)
}

fn refusal(what: &str, error: &SetupError) -> Failure {
    let failure = Failure::of(error);
    Failure::new(format!("{what}: {failure}"))
}
