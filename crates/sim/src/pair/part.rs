//! What each of the two servers does.

use std::sync::Arc;

use axum::Router;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use scrip_domain::Amount;
use scrip_domain::merchant::{Fee, MerchantLimits};
use scrip_domain::role::{Role, Roles};
use scrip_engine::merchant::MerchantFields;
use scrip_engine::{Engine, Staff};
use scrip_peer::{HttpHerald, HttpProvider, Line, PublicReader};
use scrip_storage::Fault;

use super::plan::{Defect, Plan};
use super::spoil::{Forger, Spoiler};
use super::weather::SERVERS;
use crate::clock::Elapsed;
use crate::host::{self, Faults, Part, url_of};
use crate::trace::Trace;
use crate::wire::{Meddler, Mishaps, Wire};

/// One of the two servers.
pub(crate) type Host = host::Host<Side>;

/// A merchant or a provider.
#[derive(Debug)]
pub(crate) struct Side {
    role: Role,
    spoiler: Spoiler,
}

/// A machine for the server with this role, with an empty disk called `disk`.
pub(crate) fn machine(
    role: Role,
    disk: &str,
    plan: &Plan,
    (elapsed, trace): (&Elapsed, &Trace),
) -> Result<Host, String> {
    let [merchant, provider] = SERVERS;
    let name = if role == Role::Merchant { merchant } else { provider };
    let first_key = if role == Role::Merchant { 8 } else { 108 };
    let forges = plan.defect == Defect::ForgesLastWord && role == Role::Merchant;
    let forger = forges.then(|| Arc::new(Forger::new([108; 32])) as Arc<dyn Meddler>);
    let &Plan { seed, lost, untold, refused, skew, rotates, mislaid, .. } = plan;
    let forgets = plan.defect == Defect::ForgetsCommits && role == Role::Provider;
    let faults = Faults { seed, lost, untold, refused, forgets, skew, rotates };
    let wire = Wire::new(name, Mishaps { seed, mislaid, doubled: 0 }, trace.clone(), forger);
    let side = Side { role, spoiler: Spoiler::new(plan, role) };
    Host::new(side, name, (disk, first_key), faults, wire, (elapsed, trace))
}

impl Part for Side {
    fn leads(&self, engine: Engine, wire: &Wire) -> Engine {
        let [_, provider] = SERVERS;
        let wire = Arc::new(wire.clone());
        let roles = Roles::new(&[self.role]).unwrap_or_default();
        let engine =
            engine.with_roles(roles).with_peer_port(Arc::new(PublicReader::new(wire.clone())));
        let line = Line::new(wire, engine.pen());
        if self.role == Role::Merchant {
            let keys = engine.peer_keys().clone();
            engine.with_provider(Arc::new(HttpProvider::new(&url_of(provider), line, keys)))
        } else {
            engine.with_herald(Arc::new(HttpHerald::new(line)))
        }
    }

    async fn begins(&self, engine: &Engine) -> Result<bool, Fault> {
        if self.role != Role::Provider {
            return Ok(true);
        }
        let [merchant, _] = SERVERS;
        let fields = merchant_fields();
        let merchant =
            engine.register_merchant(Staff::OPERATOR, url_of(merchant), fields, false).await?;
        Ok(merchant.is_ok())
    }

    async fn works(&self, engine: &Engine) {
        if self.role == Role::Provider {
            drop(engine.lapse_requests().await);
            drop(engine.send_notices().await);
            drop(engine.finish_erasures().await);
        } else {
            drop(engine.run_checkouts().await);
        }
    }

    async fn answers(&self, router: Router, request: Request<Bytes>) -> Response<Full<Bytes>> {
        self.spoiler.answer(router, request).await
    }
}

/// A merchant that is trusted with more than a world brings, for a fee.
fn merchant_fields() -> MerchantFields {
    let [merchant, _] = SERVERS;
    let much = Amount::new(1_000_000_000).unwrap_or_default();
    let few = |units| Amount::new(units).unwrap_or_default();
    MerchantFields {
        name: "The merchant".into(),
        return_origins: vec![url_of(merchant)],
        limits: MerchantLimits { order: much, open: 10_000, day: much },
        fee: Fee { basis_points: 700, fixed: few(1) },
        threshold: few(300),
        suspended: false,
    }
}
