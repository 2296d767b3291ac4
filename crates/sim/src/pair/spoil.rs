//! Harm that is done on purpose, so that there is something for the auditor to see.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use axum::Router;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use scrip_domain::document::{Document, Fulfilment, MAX_LENGTH, Outcome};
use scrip_domain::role::Role;
use scrip_license::{SigningKey, jws};
use serde_json::{Value, json};

use super::plan::{Defect, Plan};
use super::weather::SERVERS;
use crate::chance::Chance;
use crate::faults::routed;
use crate::host::url_of;
use crate::wire::Meddler;

/// Stands between network and router, and does harm where the plan says so.
#[derive(Debug)]
pub(crate) struct Spoiler {
    defect: Defect,
    role: Role,
    chance: Mutex<Chance>,
    /// The order with codes that was shown last.
    shown: Mutex<Option<Bytes>>,
}

impl Spoiler {
    /// What `plan` wants of the server with this role.
    pub fn new(plan: &Plan, role: Role) -> Self {
        let chance = Mutex::new(Chance::of(plan.seed, "harm"));
        Self { defect: plan.defect, role, chance, shown: Mutex::default() }
    }

    /// Has the router answer, and spoils it.
    pub async fn answer(&self, router: Router, request: Request<Bytes>) -> Response<Full<Bytes>> {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let response = routed(router, request).await;
        match (self.defect, self.role) {
            (Defect::ShowsToStrangers, Role::Merchant)
                if method == Method::GET && path.starts_with("/v1/orders/") =>
            {
                self.show(response)
            }
            (Defect::FlattersWallets, Role::Provider)
                if path == "/v1/wallet"
                    && self.chance.lock().unwrap_or_else(PoisonError::into_inner).permille(500) =>
            {
                flatter(response)
            }
            _ => response.map(Full::new),
        }
    }

    fn show(&self, response: Response<Bytes>) -> Response<Full<Bytes>> {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(response.body()).into_owned();
        if text.contains("\"jws\"") {
            *shown = Some(response.body().clone());
        } else if response.status() == StatusCode::NOT_FOUND
            && let Some(order) = shown.as_ref()
        {
            return Response::new(Full::new(order.clone()));
        }
        response.map(Full::new)
    }
}

fn flatter(response: Response<Bytes>) -> Response<Full<Bytes>> {
    let (mut parts, bytes) = response.into_parts();
    let mut body: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    if let Some(available) = body["available"]["amount"].as_u64() {
        body["available"]["amount"] = json!(available + 1);
    }
    parts.headers.remove("content-length");
    Response::from_parts(parts, Full::new(body.to_string().into()))
}

/// Makes up the provider's last word, with the provider's own key.
#[derive(Debug)]
pub(crate) struct Forger {
    key: [u8; 32],
    /// What was shown of each request last.
    pictures: Mutex<BTreeMap<String, Value>>,
}

impl Forger {
    /// A forger who has got hold of this key.
    pub fn new(key: [u8; 32]) -> Self {
        Self { key, pictures: Mutex::default() }
    }
}

impl Meddler for Forger {
    /// Remembers a picture that went by.
    fn passes(&self, _: &Request<Bytes>, answer: Response<Bytes>) -> Response<Bytes> {
        let picture: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
        if let (Some(id), true) = (picture["id"].as_str(), picture["receipt"].is_string()) {
            let mut pictures = self.pictures.lock().unwrap_or_else(PoisonError::into_inner);
            pictures.insert(id.to_owned(), picture.clone());
        }
        answer
    }

    /// The answer to a report, in the provider's place.
    fn instead(&self, request: &Request<Bytes>) -> Option<Response<Bytes>> {
        let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
        let codes = body["codes"].as_str()?;
        let id = request.uri().path().split('/').nth(3)?;
        let pictures = self.pictures.lock().unwrap_or_else(PoisonError::into_inner);
        let mut picture = pictures.get(id)?.clone();
        let receipt = picture["receipt"].as_str()?;
        let [merchant, provider] = SERVERS;
        let word = Fulfilment {
            issuer: url_of(provider),
            audience: url_of(merchant),
            issued_at: 0,
            request: id.to_owned(),
            order: picture["order"].as_str()?.to_owned(),
            receipt: jws::digest(receipt),
            codes: codes.to_owned(),
            outcome: Outcome::Fulfilled,
        };
        let key = SigningKey::from_seed(self.key);
        let word = jws::sign_within(MAX_LENGTH, &key, Fulfilment::TYP, &word).ok()?;
        picture["fulfilment"] = json!(word);
        picture["state"] = json!("fulfilled");
        Some(Response::new(Bytes::from(picture.to_string())))
    }
}
