//! The vendor: who it is, its token, its rules, its keys.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, header};
use scrip_domain::role::Role;
use scrip_domain::settings::{Pack, Settings, Threshold, Token, UnitValue};
use scrip_domain::visibility::{FieldGroup, Level};
use scrip_engine::processor::Processor;
use scrip_license::KeySet;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::answer::public_json;
use crate::api::admin::LimitsSetting;
use crate::api::refund_requests::PolicyOut;
use crate::money::MoneyOut;
use crate::problem::Problem;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(show))
        .routes(routes!(discovery))
        .routes(routes!(keys))
        .routes(routes!(protocol_keys))
}

/// The vendor.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Vendor)]
pub struct VendorOut {
    /// Its id.
    #[schema(example = "vnd_06bq3v8k2m9zc")]
    id: String,
    /// Its name.
    #[schema(example = "Aurora Instruments")]
    name: String,
    token: TokenOut,
    /// The way from visitor to order.
    #[schema(value_type = String, example = "browse_first")]
    flow: &'static str,
    threshold: ThresholdOut,
    /// What each group of a product's fields needs, where the product does not say otherwise.
    #[schema(value_type = Object)]
    visibility: Value,
    /// What registration requires besides e-mail and password.
    registration: Vec<&'static str>,
    /// Amounts offered for a top-up.
    packs: Vec<PackOut>,
    /// What tokens cost in further currencies than that of the token's value.
    prices: Vec<UnitValueOut>,
    /// How many tokens can be added at once; packs are not bound by it.
    top_up_limits: LimitsSetting<MoneyOut>,
    /// What the vendor promises to buyers who want their tokens back; an order keeps what was promised with it.
    refund_policy: PolicyOut,
    /// By whom cards are charged; null where none are taken.
    #[schema(required)]
    cards: Option<CardsOut>,
    /// At a merchant: where its buyers have their accounts and wallets; null elsewhere.
    #[schema(required)]
    provider: Option<ProviderOut>,
}

/// Who keeps accounts and wallets for a merchant.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Provider)]
struct ProviderOut {
    /// Its address.
    #[schema(example = "https://pay.example")]
    url: String,
}

/// By whom cards are charged.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Cards)]
struct CardsOut {
    #[schema(example = "stripe")]
    processor: &'static str,
    /// What the buyer's browser shows to the processor to have a card named; no secret. None where it needs none.
    #[schema(required, example = "pk_live_51H")]
    publishable_key: Option<String>,
}

impl From<&dyn Processor> for CardsOut {
    fn from(processor: &dyn Processor) -> Self {
        let publishable_key = processor.publishable_key().map(str::to_owned);
        Self { processor: processor.name(), publishable_key }
    }
}

/// The vendor's unit of stored value.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Token)]
pub struct TokenOut {
    #[schema(example = "AUR")]
    code: String,
    #[schema(example = "Aurum")]
    name: String,
    /// Decimals.
    #[schema(maximum = 6, example = 2)]
    scale: u8,
    unit_value: UnitValueOut,
}

/// So many tokens are worth so much money.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UnitValue)]
pub struct UnitValueOut {
    tokens: MoneyOut,
    money: MoneyOut,
}

/// The balance that opens ordering.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Threshold)]
struct ThresholdOut {
    /// `fixed` or `cheapest_offer`.
    policy: &'static str,
    /// The threshold in force.
    amount: MoneyOut,
}

/// An amount offered for a top-up.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Pack)]
pub struct PackOut {
    tokens: MoneyOut,
    pay: MoneyOut,
}

impl From<&Token> for TokenOut {
    fn from(token: &Token) -> Self {
        Self {
            code: token.code.to_string(),
            name: token.name.clone(),
            scale: token.scale,
            unit_value: UnitValueOut::new(&token.unit_value, token),
        }
    }
}

impl UnitValueOut {
    /// What tokens cost in one currency.
    pub fn new(price: &UnitValue, token: &Token) -> Self {
        Self {
            tokens: MoneyOut::tokens(price.tokens, token),
            money: MoneyOut::currency(price.money),
        }
    }
}

impl PackOut {
    /// A pack of the vendor's tokens.
    pub fn new(pack: &Pack, token: &Token) -> Self {
        Self { tokens: MoneyOut::tokens(pack.tokens, token), pay: MoneyOut::currency(pack.pay) }
    }
}

/// The vendor: name, token, flow, threshold, visibility, registration, packs.
#[utoipa::path(
    get, path = "/v1/vendor", tag = "vendor",
    responses(
        (status = 200, body = VendorOut),
        (status = 304, description = "as the `If-None-Match` has it"),
    )
)]
async fn show(State(app): State<App>, asked: HeaderMap) -> Result<Response, Problem> {
    let vendor = app.engine.vendor().await?;
    let settings = &vendor.settings;
    let cheapest = app.engine.cheapest().await?;
    let token = &settings.token;
    let (policy, amount) = match settings.threshold {
        Threshold::Fixed { .. } => ("fixed", settings.threshold.effective(cheapest)),
        Threshold::CheapestOffer => ("cheapest_offer", settings.threshold.effective(cheapest)),
    };
    let vendor = VendorOut {
        id: vendor.id.to_string(),
        name: settings.name.clone(),
        token: TokenOut::from(token),
        flow: settings.flow.as_str(),
        threshold: ThresholdOut { policy, amount: MoneyOut::tokens(amount, token) },
        visibility: visibility(settings),
        registration: settings.registration.iter().map(|field| field.as_str()).collect(),
        packs: settings.packs.iter().map(|pack| PackOut::new(pack, token)).collect(),
        prices: settings.prices.iter().map(|price| UnitValueOut::new(price, token)).collect(),
        top_up_limits: LimitsSetting::new(settings.top_up_limits, token),
        refund_policy: settings.refund_policy.into(),
        cards: app.engine.processor().map(CardsOut::from),
        provider: app
            .engine
            .provider()
            .map(|provider| ProviderOut { url: provider.url().to_owned() }),
    };
    Ok(public_json(&asked, &vendor))
}

/// The level that each group needs, all of them named.
fn visibility(settings: &Settings) -> Value {
    let level = |group: &FieldGroup| settings.visibility.get(*group).unwrap_or(Level::Visitor);
    let groups = FieldGroup::ALL.iter().map(|group| (group.to_string(), json!(level(group))));
    Value::Object(groups.collect())
}

/// Discovery: what this server is and where its parts are.
#[derive(Debug, Serialize, ToSchema)]
struct Discovery {
    /// Its id among servers.
    server: String,
    /// What it does.
    #[schema(example = json!(["vendor"]))]
    roles: Vec<&'static str>,
    #[schema(example = "Aurora Instruments")]
    name: String,
    /// The code of its token.
    #[schema(example = "AUR")]
    token: String,
    /// Where the public keys of its license codes are.
    jwks_uri: String,
    /// Where the public keys are of what it signs for other servers.
    protocol_jwks_uri: String,
    /// Where its API is.
    api_base: String,
    /// How often it was restored from a backup, and one: what others remember of it from another epoch may be more than it
    /// knows itself.
    #[schema(minimum = 1, example = 1)]
    epoch: u32,
    /// The versions of the API that it speaks.
    versions: Vec<&'static str>,
}

/// Discovery of server id, roles, token, key set, API base and versions.
#[utoipa::path(
    get, path = "/.well-known/scrip", tag = "vendor",
    responses(
        (status = 200, body = Discovery),
        (status = 304, description = "as the `If-None-Match` has it"),
    )
)]
async fn discovery(State(app): State<App>, asked: HeaderMap) -> Result<Response, Problem> {
    let vendor = app.engine.vendor().await?;
    let discovery = Discovery {
        server: vendor.id.to_string(),
        roles: app.engine.roles().iter().map(Role::as_str).collect(),
        name: vendor.settings.name.clone(),
        token: vendor.settings.token.code.to_string(),
        jwks_uri: format!("{}/.well-known/jwks.json", app.public_url),
        protocol_jwks_uri: format!("{}/.well-known/protocol-jwks.json", app.public_url),
        api_base: format!("{}/v1", app.public_url),
        epoch: app.engine.epoch(),
        versions: vec!["v1"],
    };
    Ok(public_json(&asked, &discovery))
}

/// The public keys of license codes (RFC 7517), retired ones included.
#[utoipa::path(
    get, path = "/.well-known/jwks.json", tag = "vendor",
    responses((status = 200, body = Object, content_type = "application/jwk-set+json"))
)]
async fn keys(State(app): State<App>) -> Response {
    key_set(app.engine.keys().public())
}

/// The public keys (RFC 7517) of what this server signs for others: documents and requests. Former ones included.
#[utoipa::path(
    get, path = "/.well-known/protocol-jwks.json", tag = "vendor",
    responses((status = 200, body = Object, content_type = "application/jwk-set+json"))
)]
async fn protocol_keys(State(app): State<App>) -> Response {
    key_set(app.engine.keys().public_protocol())
}

fn key_set(keys: &KeySet) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/jwk-set+json"),
        (header::CACHE_CONTROL, "public, max-age=300"),
    ];
    (headers, serde_json::to_string(keys).unwrap_or_default()).into_response()
}
