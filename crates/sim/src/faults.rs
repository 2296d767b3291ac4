//! What goes wrong around the server: crashes, links, and defects made on purpose.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Collected, Full};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::chance::Chance;
use crate::plan::{Defect, Plan};
use crate::trace::Trace;

/// A link or the server is bad until then, in milliseconds.
#[derive(Debug)]
pub struct Weather {
    chance: Chance,
    plan: Plan,
    trace: Trace,
    next_crash: u64,
    next_cut: u64,
    /// When the server starts again; none while it runs.
    down_until: Option<u64>,
    /// The links that are bad: whose, how, until when.
    bad: Vec<(String, bool, u64)>,
}

/// What the weather does to the server in this moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stroke {
    /// Nothing.
    None,
    /// It is struck down.
    Crash,
    /// It comes up again.
    Start,
}

impl Weather {
    /// The weather of `plan`.
    pub fn new(plan: &Plan, trace: Trace) -> Self {
        let mut chance = Chance::of(plan.seed, "weather");
        let (crash, cut) = (plan.crash_every, plan.cut_every);
        let first = |chance: &mut Chance, every: u64| match every {
            0 => u64::MAX,
            every => chance.between(1, every * 2),
        };
        let (next_crash, next_cut) = (first(&mut chance, crash), first(&mut chance, cut));
        let (plan, bad) = (plan.clone(), Vec::new());
        Self { chance, plan, trace, next_crash, next_cut, down_until: None, bad }
    }

    /// What happens to the server at `now`; `died` when its process has ended by itself.
    pub fn strikes(&mut self, now: u64, died: bool) -> Stroke {
        if let Some(until) = self.down_until {
            if now < until {
                return Stroke::None;
            }
            self.down_until = None;
            return Stroke::Start;
        }
        if !died && now < self.next_crash {
            return Stroke::None;
        }
        if now >= self.next_crash {
            self.next_crash = now + self.chance.between(1, self.plan.crash_every * 2);
        }
        self.down_until = Some(now + self.chance.between(1, 1500));
        self.trace.note("shop", if died { "is switched off" } else { "crashes" });
        Stroke::Crash
    }

    /// Makes links bad and good again.
    pub fn blows(&mut self, sim: &turmoil::Sim<'_>, now: u64) {
        let (over, bad): (Vec<_>, Vec<_>) =
            self.bad.drain(..).partition(|(_, _, until)| now >= *until);
        self.bad = bad;
        for (name, held, _) in over {
            self.mend(sim, &name, held);
        }
        if now < self.next_cut {
            return;
        }
        self.next_cut = now + self.chance.between(1, self.plan.cut_every * 2);
        let name = buyer_name(self.chance.below(self.plan.buyers));
        if self.bad.iter().any(|(bad, ..)| *bad == name) {
            return;
        }
        let held = self.chance.permille(500);
        let until = now + self.chance.between(20, 3000);
        if held {
            sim.hold(name.as_str(), "shop");
        } else {
            sim.partition(name.as_str(), "shop");
        }
        self.trace.note(&name, if held { "link holds back" } else { "link loses all" });
        self.bad.push((name, held, until));
    }

    /// The storm is over: every link is good. Gives whether the server must be started.
    pub fn clears(&mut self, sim: &turmoil::Sim<'_>) -> bool {
        for (name, held, _) in std::mem::take(&mut self.bad) {
            self.mend(sim, &name, held);
        }
        (self.next_crash, self.next_cut) = (u64::MAX, u64::MAX);
        self.down_until.take().is_some()
    }

    fn mend(&self, sim: &turmoil::Sim<'_>, name: &str, held: bool) {
        if held {
            sim.release(name, "shop");
        } else {
            sim.repair(name, "shop");
        }
        self.trace.note(name, "link is good again");
    }

    /// Chance for the server's next start.
    pub fn chance(&mut self) -> &mut Chance {
        &mut self.chance
    }
}

/// The name of a buyer's machine.
pub fn buyer_name(number: u64) -> String {
    format!("buyer-{number}")
}

/// A top-up by card that nobody wants.
const UNASKED: &str =
    r#"{"tokens":{"amount":900000,"unit":"AUR"},"method":"card","payment_method":"demo_approved"}"#;

/// Stands between network and router, and does harm where the plan says so.
#[derive(Debug)]
pub struct Interposer {
    defect: Defect,
    chance: Mutex<Chance>,
}

impl Interposer {
    /// What `plan` wants.
    pub fn new(plan: &Plan) -> Self {
        Self { defect: plan.defect, chance: Mutex::new(Chance::of(plan.seed, "defects")) }
    }

    /// Has the router answer, and spoils it.
    pub async fn answer(&self, router: Router, request: Request<Bytes>) -> Response<Full<Bytes>> {
        let path = request.uri().path().to_owned();
        let struck = self.defect != Defect::None
            && self.chance.lock().unwrap_or_else(PoisonError::into_inner).permille(100);
        if struck && self.defect == Defect::DoublesTopUps && path == "/v1/top-ups" {
            let mut second = request.clone();
            let headers = second.headers_mut();
            headers.insert("idempotency-key", HeaderValue::from_static("doubled"));
            drop(routed(router.clone(), second).await);
        }
        if struck && self.defect == Defect::DoublesProcessings && path == "/v1/licenses/consume" {
            let mut body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
            body["key"] = json!(format!("{}-doubled", body["key"].as_str().unwrap_or_default()));
            let mut second = request.clone();
            second.headers_mut().remove("content-length");
            *second.body_mut() = Bytes::from(body.to_string());
            drop(routed(router.clone(), second).await);
        }
        let wishes = path == "/v1/account/auto-top-up" && request.method() == Method::DELETE;
        if struck && self.defect == Defect::TopsUpUnasked && wishes {
            let (headers, body) = (request.headers().clone(), UNASKED.to_owned());
            let mut unasked = Request::new(Bytes::from(body));
            (*unasked.method_mut(), *unasked.headers_mut()) = (Method::POST, headers);
            *unasked.uri_mut() = http::Uri::from_static("/v1/top-ups");
            let headers = unasked.headers_mut();
            headers.insert("content-type", HeaderValue::from_static("application/json"));
            headers.insert("idempotency-key", HeaderValue::from_static("unasked"));
            headers.remove("content-length");
            drop(routed(router.clone(), unasked).await);
        }
        let response = routed(router, request).await;
        if struck { self.spoil(&path, response) } else { response.map(Full::new) }
    }

    fn spoil(&self, path: &str, response: Response<Bytes>) -> Response<Full<Bytes>> {
        let (mut parts, bytes) = response.into_parts();
        let mut body: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        let bought = path == "/v1/purchases" && parts.status == StatusCode::CREATED;
        let licenses = body["licenses"].as_array().map_or(0, Vec::len);
        match self.defect {
            Defect::HidesLicenses if bought => {
                body["licenses"].as_array_mut().and_then(Vec::pop);
            }
            Defect::SwapsCodes if licenses > 1 => {
                let code = body["licenses"][0]["code"].clone();
                body["licenses"][1]["code"] = code;
            }
            Defect::FlattersWallets if path == "/v1/wallet" => {
                let more = body["available"]["amount"].as_u64().unwrap_or(0) + 1;
                body["available"]["amount"] = json!(more);
            }
            Defect::FlattersDebtors if body["credit_line"]["owed"].is_object() => {
                let owed = &mut body["credit_line"]["owed"]["amount"];
                *owed = json!(owed.as_u64().unwrap_or(0).saturating_sub(1));
            }
            Defect::DeniesPurchases if bought => {
                parts.status = StatusCode::CONFLICT;
                body = json!({ "code": "already_owned" });
            }
            _ => return Response::from_parts(parts, Full::new(bytes)),
        }
        parts.headers.remove("content-length");
        Response::from_parts(parts, Full::new(body.to_string().into()))
    }
}

/// Has the router answer.
pub(crate) async fn routed(router: Router, request: Request<Bytes>) -> Response<Bytes> {
    let Ok(response) = router.oneshot(request.map(Full::new)).await;
    let (parts, body) = response.into_parts();
    // A body that breaks off is an empty one: nobody can read it as an answer.
    let bytes = body.collect().await.map(Collected::to_bytes).unwrap_or_default();
    Response::from_parts(parts, bytes)
}

/// So long does a step of the world take.
pub const TICK: Duration = Duration::from_millis(4);
