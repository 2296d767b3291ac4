//! What a vendor's server does.

use std::sync::Arc;

use axum::Router;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use scrip_domain::role::{Role, Roles};
use scrip_engine::Engine;
use scrip_peer::{HttpPartners, Line, PublicReader};
use scrip_storage::Fault;

use super::liar::{self, Liar};
use super::plan::{Defect, Plan, VENDORS};
use super::spoil::Forger;
use crate::clock::Elapsed;
use crate::faults::routed;
use crate::host::{self, Faults, Part};
use crate::trace::Trace;
use crate::wire::{Meddler, Mishaps, Wire};

/// A vendor's machine.
pub(crate) type Host = host::Host<Vending>;

/// A vendor.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Vending {
    /// With which key it lies about what is owed, if it does.
    lies: Option<[u8; 32]>,
}

/// The first protocol key of each vendor.
pub(crate) const FIRST_KEYS: [u8; 3] = [8, 88, 168];

/// A machine for this vendor, with an empty disk called `disk`. Nothing fails before the world is open.
pub(crate) fn machine(
    vendor: usize,
    disk: &str,
    plan: &Plan,
    (elapsed, trace): (&Elapsed, &Trace),
) -> Result<Host, String> {
    let (Some(name), Some(first_key)) = (VENDORS.get(vendor), FIRST_KEYS.get(vendor)) else {
        return Err(format!("there is no vendor {vendor}"));
    };
    // What is wrong on purpose is so with the first of them.
    let is_wrong = |defect| plan.defect == defect && vendor == 0;
    let meddler = is_wrong(Defect::ForgesLate).then(|| {
        let forger: Arc<dyn Meddler> = Arc::new(Forger::default());
        forger
    });
    let &Plan { seed, lost, untold, refused, skew, rotates, mislaid, doubled, .. } = plan;
    let forgets = is_wrong(Defect::ForgetsCommits);
    let faults = Faults { seed, lost, untold, refused, forgets, skew, rotates };
    let wire = Wire::new(name, Mishaps { seed, mislaid, doubled }, trace.clone(), meddler);
    let vending = Vending { lies: is_wrong(Defect::LiesInStatement).then_some([*first_key; 32]) };
    let host = Host::new(vending, name, (disk, *first_key), faults, wire, (elapsed, trace))?;
    host.calm(true);
    Ok(host)
}

impl Part for Vending {
    fn leads(&self, engine: Engine, wire: &Wire) -> Engine {
        let wire = Arc::new(wire.clone());
        let roles = Roles::new(&[Role::Vendor]).unwrap_or_default();
        let engine =
            engine.with_roles(roles).with_peer_port(Arc::new(PublicReader::new(wire.clone())));
        let line = Line::new(wire, engine.pen());
        let keys = engine.peer_keys().clone();
        let partners = HttpPartners::new(line, keys);
        match self.lies {
            Some(key) => engine.with_partners(Arc::new(Liar::new(partners, key))),
            None => engine.with_partners(Arc::new(partners)),
        }
    }

    async fn begins(&self, _: &Engine) -> Result<bool, Fault> {
        Ok(true)
    }

    async fn works(&self, engine: &Engine) {
        drop(engine.run_agreements().await);
        drop(engine.run_links().await);
        drop(engine.run_exchanges().await);
        drop(engine.run_settlements().await);
    }

    async fn answers(&self, router: Router, request: Request<Bytes>) -> Response<Full<Bytes>> {
        let answer = match self.lies {
            Some(key) => liar::answer(router, request, key).await,
            None => routed(router, request).await,
        };
        answer.map(Full::new)
    }
}
