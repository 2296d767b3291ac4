//! Webhook endpoints in the vendor's hand, and what became of what they were told.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use scrip_domain::event::EventType;
use scrip_domain::webhook::{Delivery, Disabled, LONGEST_URL, OVERLAP, WebhookEndpoint};
use scrip_domain::{Id, Timestamp};
use scrip_engine::webhook::{EndpointChange, EndpointFields, WebhookRefusal, WithSecret};
use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::Type;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::answer::Json;
use crate::api::events::EventTypeName;
use crate::api::{List, ListQuery};
use crate::caller::Admin;
use crate::extract::{Body, IdPath, Query};
use crate::problem::{Problem, kind};
use crate::text::Line;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(create, list))
        .routes(routes!(show, change, remove))
        .routes(routes!(rotate))
        .routes(routes!(disable))
        .routes(routes!(enable))
        .routes(routes!(test))
        .routes(routes!(deliveries))
        .routes(routes!(replay))
}

/// Where the vendor is told of what happens.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookEndpoint)]
struct EndpointOut {
    #[schema(example = "whk_06bq3v8k2m9zc")]
    id: String,
    #[schema(example = "https://hooks.example/scrip")]
    url: String,
    label: String,
    /// Of what it is told; of everything when this is empty.
    #[schema(inline, value_type = Vec<EventTypeName>, example = json!(["order.paid"]))]
    events: Vec<&'static str>,
    /// Why it is told nothing at the moment: `staff`, `gone` (it answered 410) or `failing` (nothing has arrived
    /// for five days). Null while it is told.
    #[schema(required)]
    disabled: Option<&'static str>,
    #[schema(required)]
    disabled_at: Option<String>,
    /// Since when nothing has arrived; null when the last message did.
    #[schema(required, format = DateTime)]
    failing_since: Option<String>,
    created_at: String,
}

impl From<&WebhookEndpoint> for EndpointOut {
    fn from(endpoint: &WebhookEndpoint) -> Self {
        let time = |at: Option<Timestamp>| at.map(|at| at.to_string());
        Self {
            id: endpoint.id.to_string(),
            url: endpoint.url.clone(),
            label: endpoint.label.clone(),
            events: endpoint.events.iter().map(|kind| kind.as_str()).collect(),
            disabled: endpoint.disabled.map(Disabled::as_str),
            disabled_at: time(endpoint.disabled_at),
            failing_since: time(endpoint.failing_since),
            created_at: endpoint.created_at.to_string(),
        }
    }
}

/// An endpoint with its secret, which is told this once.
#[derive(Debug, Serialize, ToSchema)]
struct NewWebhookEndpoint {
    #[serde(flatten)]
    #[schema(inline)]
    endpoint: EndpointOut,
    /// What its messages are signed with, by the Standard Webhooks scheme.
    #[schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    secret: String,
    /// Until when the secret before it signs as well; null at a new endpoint.
    #[schema(required)]
    previous_until: Option<String>,
}

impl NewWebhookEndpoint {
    fn answer(status: StatusCode, made: &WithSecret) -> Response {
        let until = made.endpoint.rotated_at.map(|at| at.plus(OVERLAP).to_string());
        let body = Self {
            endpoint: (&made.endpoint).into(),
            secret: made.secret.clone(),
            previous_until: until,
        };
        (status, [(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
    }
}

/// A host's name, perhaps a port, a path, a query: what `is_url` of the domain takes.
const URL: &str = r"^https://([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(:([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?([/?][A-Za-z0-9._~!$&'()*+,;=:@/?%-]*)?$";

/// An endpoint's address.
#[derive(Debug, Deserialize)]
struct Address(String);

impl PartialSchema for Address {
    fn schema() -> RefOr<Schema> {
        let text = ObjectBuilder::new().schema_type(Type::String).pattern(Some(URL));
        text.max_length(Some(LONGEST_URL)).into()
    }
}

impl ToSchema for Address {}

/// The endpoint that is wanted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "url": "https://hooks.example/scrip", "events": ["order.paid"], "label": "accounting" }))]
struct WebhookEndpointBody {
    /// Where it is told. A public address; in demo mode this machine too, also by `http`.
    #[schema(inline, example = "https://hooks.example/scrip")]
    url: Address,
    /// Of what it is told; of everything, also of what there will be, when this is empty.
    #[serde(default)]
    #[schema(inline, value_type = Vec<EventTypeName>, required = false)]
    events: Vec<EventType>,
    /// What it is for, for people.
    #[serde(default)]
    #[schema(inline, required = false)]
    label: Line<0, 100>,
}

/// What is to be another.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "events": ["order.paid", "order.refunded"] }))]
struct WebhookEndpointPatch {
    /// Where it is told.
    #[serde(default)]
    #[schema(inline)]
    url: Option<Address>,
    /// Of what it is told; of everything when this is empty.
    #[serde(default)]
    #[schema(inline, value_type = Option<Vec<EventTypeName>>)]
    events: Option<Vec<EventType>>,
    /// What it is for, for people.
    #[serde(default)]
    #[schema(inline)]
    label: Option<Line<0, 100>>,
}

/// Makes a webhook endpoint. It is told of what happens from now on.
#[utoipa::path(
    post, path = "/v1/admin/webhook-endpoints", tag = "admin", security(("bearer" = [])),
    request_body = WebhookEndpointBody,
    responses(
        (status = 201, body = NewWebhookEndpoint),
        (status = 409, description = "`too_many_webhook_endpoints`"),
    )
)]
async fn create(
    Admin(by): Admin,
    State(app): State<App>,
    body: Body<WebhookEndpointBody>,
) -> Result<Response, Problem> {
    let WebhookEndpointBody { url, events, label } = body.value;
    let fields = EndpointFields { url: url.0, events, label: label.0 };
    let made = app.engine.make_webhook(by, fields).await??;
    Ok(NewWebhookEndpoint::answer(StatusCode::CREATED, &made))
}

/// All webhook endpoints, newest first.
#[utoipa::path(
    get, path = "/v1/admin/webhook-endpoints", tag = "admin", security(("bearer" = [])), params(ListQuery),
    responses((status = 200, body = List<EndpointOut>))
)]
async fn list(
    _: Admin,
    State(app): State<App>,
    Query(query): Query<ListQuery>,
) -> Result<Json<List<EndpointOut>>, Problem> {
    let page = query.page(&app.engine, "webhook-endpoints")?;
    let rows = app.engine.store().webhook_endpoints(page).await?;
    let number = |row: &WebhookEndpoint| row.id.number();
    Ok(Json(List::of(&app.engine, "webhook-endpoints", page, &rows, number, |row| row.into())))
}

async fn found(app: &App, id: Id<WebhookEndpoint>) -> Result<WebhookEndpoint, Problem> {
    let endpoint = app.engine.store().webhook_endpoint(id).await?;
    endpoint.filter(|endpoint| endpoint.removed_at.is_none()).ok_or_else(Problem::not_found)
}

/// A webhook endpoint.
#[utoipa::path(
    get, path = "/v1/admin/webhook-endpoints/{id}", tag = "admin", security(("bearer" = [])),
    params(("id" = String, Path, example = "whk_06bq3v8k2m9zc")),
    responses((status = 200, body = EndpointOut))
)]
async fn show(
    _: Admin,
    State(app): State<App>,
    IdPath(id): IdPath<WebhookEndpoint>,
) -> Result<Json<EndpointOut>, Problem> {
    Ok(Json((&found(&app, id).await?).into()))
}

/// Changes a webhook endpoint. What is left out stays.
#[utoipa::path(
    patch, path = "/v1/admin/webhook-endpoints/{id}", tag = "admin", security(("bearer" = [])),
    params(("id" = String, Path, example = "whk_06bq3v8k2m9zc")), request_body = WebhookEndpointPatch,
    responses((status = 200, body = EndpointOut))
)]
async fn change(
    Admin(by): Admin,
    State(app): State<App>,
    IdPath(id): IdPath<WebhookEndpoint>,
    body: Body<WebhookEndpointPatch>,
) -> Result<Json<EndpointOut>, Problem> {
    let WebhookEndpointPatch { url, events, label } = body.value;
    let (url, label) = (url.map(|url| url.0), label.map(|label| label.0));
    let change = EndpointChange { url, events, label };
    Ok(Json((&app.engine.change_webhook(by, id, change).await??).into()))
}

/// Removes a webhook endpoint for good, with what it was not told yet.
#[utoipa::path(
    delete, path = "/v1/admin/webhook-endpoints/{id}", tag = "admin", security(("bearer" = [])),
    params(("id" = String, Path, example = "whk_06bq3v8k2m9zc")),
    responses((status = 200, body = EndpointOut, description = "as it was at last"))
)]
async fn remove(
    Admin(by): Admin,
    State(app): State<App>,
    IdPath(id): IdPath<WebhookEndpoint>,
) -> Result<Json<EndpointOut>, Problem> {
    Ok(Json((&app.engine.remove_webhook(by, id).await??).into()))
}

/// Gives a webhook endpoint a new secret. Messages are signed with the one before as well, for 24 hours.
#[utoipa::path(
    post, path = "/v1/admin/webhook-endpoints/{id}/rotate", tag = "admin", security(("bearer" = [])),
    params(("id" = String, Path, example = "whk_06bq3v8k2m9zc")),
    responses((status = 200, body = NewWebhookEndpoint))
)]
async fn rotate(
    Admin(by): Admin,
    State(app): State<App>,
    IdPath(id): IdPath<WebhookEndpoint>,
) -> Result<Response, Problem> {
    let rotated = app.engine.rotate_webhook(by, id, None).await??;
    Ok(NewWebhookEndpoint::answer(StatusCode::OK, &rotated))
}

/// Tells a webhook endpoint nothing, until it is enabled.
#[utoipa::path(
    post, path = "/v1/admin/webhook-endpoints/{id}/disable", tag = "admin", security(("bearer" = [])),
    params(("id" = String, Path, example = "whk_06bq3v8k2m9zc")),
    responses((status = 200, body = EndpointOut))
)]
async fn disable(
    Admin(by): Admin,
    State(app): State<App>,
    IdPath(id): IdPath<WebhookEndpoint>,
) -> Result<Json<EndpointOut>, Problem> {
    Ok(Json((&app.engine.disable_webhook(by, id).await??).into()))
}

/// Tells a webhook endpoint again, from where it stopped: also of what happened meanwhile.
#[utoipa::path(
    post, path = "/v1/admin/webhook-endpoints/{id}/enable", tag = "admin", security(("bearer" = [])),
    params(("id" = String, Path, example = "whk_06bq3v8k2m9zc")),
    responses((status = 200, body = EndpointOut))
)]
async fn enable(
    Admin(by): Admin,
    State(app): State<App>,
    IdPath(id): IdPath<WebhookEndpoint>,
) -> Result<Json<EndpointOut>, Problem> {
    Ok(Json((&app.engine.enable_webhook(by, id).await??).into()))
}

/// One message to an endpoint, and what became of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookDelivery)]
struct DeliveryOut {
    #[schema(example = "dlv_06bq3v8k2m9zc")]
    id: String,
    /// What it tells of; null in a test.
    #[schema(required, example = "evt_06bq3v8k2m9zc")]
    event: Option<String>,
    /// `pending`, `delivered` or `failed`.
    state: &'static str,
    /// How often it was tried.
    attempts: u32,
    /// When it is tried next; null when it is not.
    #[schema(required)]
    next_at: Option<String>,
    /// When it was last tried.
    #[schema(required)]
    tried_at: Option<String>,
    /// The HTTP status that came of it; null when no answer did.
    #[schema(required)]
    status: Option<u32>,
    /// The beginning of the answer, or why there was none.
    #[schema(required)]
    answer: Option<String>,
}

impl From<&Delivery> for DeliveryOut {
    fn from(delivery: &Delivery) -> Self {
        let time = |at: Option<Timestamp>| at.map(|at| at.to_string());
        Self {
            id: delivery.id.to_string(),
            event: delivery.event.map(|event| event.to_string()),
            state: delivery.state.as_str(),
            attempts: delivery.attempts,
            next_at: time(delivery.due_at),
            tried_at: time(delivery.tried_at),
            status: delivery.status,
            answer: delivery.answer.clone(),
        }
    }
}

/// Sends a webhook endpoint a message of the type `webhook.test`. How it went, the log of deliveries says.
#[utoipa::path(
    post, path = "/v1/admin/webhook-endpoints/{id}/test", tag = "admin", security(("bearer" = [])),
    params(("id" = String, Path, example = "whk_06bq3v8k2m9zc")),
    responses((status = 202, body = DeliveryOut))
)]
async fn test(
    Admin(by): Admin,
    State(app): State<App>,
    IdPath(id): IdPath<WebhookEndpoint>,
) -> Result<Response, Problem> {
    let delivery = app.engine.test_webhook(by, id).await??;
    Ok((StatusCode::ACCEPTED, Json(DeliveryOut::from(&delivery))).into_response())
}

/// What a webhook endpoint was told in the last 30 days, and how it went, newest first.
#[utoipa::path(
    get, path = "/v1/admin/webhook-endpoints/{id}/deliveries", tag = "admin", security(("bearer" = [])),
    params(("id" = String, Path, example = "whk_06bq3v8k2m9zc"), ListQuery),
    responses((status = 200, body = List<DeliveryOut>))
)]
async fn deliveries(
    _: Admin,
    State(app): State<App>,
    IdPath(id): IdPath<WebhookEndpoint>,
    Query(query): Query<ListQuery>,
) -> Result<Json<List<DeliveryOut>>, Problem> {
    found(&app, id).await?;
    let list = format!("deliveries {id}");
    let page = query.page(&app.engine, &list)?;
    let rows = app.engine.store().deliveries_of(id, page).await?;
    let number = |row: &Delivery| row.id.number();
    Ok(Json(List::of(&app.engine, &list, page, &rows, number, |row| row.into())))
}

/// What is to be told once more: one delivery, or everything since a time.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "since": "2026-11-22T12:00:00Z" }))]
struct ReplayBody {
    /// One that is in the log.
    #[serde(default)]
    #[schema(pattern = "^dlv_[0-7][0-9a-hjkmnp-tv-z]{12}$", example = "dlv_06bq3v8k2m9zc")]
    delivery: Option<String>,
    /// From when on.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime, example = "2026-11-22T12:00:00Z")]
    since: Option<Timestamp>,
}

/// What is told once more.
#[derive(Debug, Serialize, ToSchema)]
struct Replayed {
    /// How many events are gone through. Those that the endpoint wants it is told once more, by the same ids.
    #[schema(example = 12)]
    events: u64,
}

/// Tells a webhook endpoint once more what it was told before. Messages keep their ids.
#[utoipa::path(
    post, path = "/v1/admin/webhook-endpoints/{id}/replay", tag = "admin", security(("bearer" = [])),
    params(("id" = String, Path, example = "whk_06bq3v8k2m9zc")), request_body = ReplayBody,
    responses((status = 202, body = Replayed))
)]
async fn replay(
    Admin(by): Admin,
    State(app): State<App>,
    IdPath(id): IdPath<WebhookEndpoint>,
    body: Body<ReplayBody>,
) -> Result<(StatusCode, Json<Replayed>), Problem> {
    let events = match (&body.value.delivery, body.value.since) {
        (Some(delivery), None) => {
            let unknown = || Problem::field("delivery", "a delivery's id: dlv_...");
            let delivery = delivery.parse().map_err(|_| unknown())?;
            app.engine.replay_delivery(by, id, delivery).await??;
            1
        }
        (None, Some(since)) => app.engine.replay_webhook(by, id, since).await??,
        _ => return Err(Problem::field("delivery", "give either delivery or since")),
    };
    Ok((StatusCode::ACCEPTED, Json(Replayed { events })))
}

impl From<WebhookRefusal> for Problem {
    fn from(refusal: WebhookRefusal) -> Self {
        match refusal {
            WebhookRefusal::NoSuchWebhook => Self::not_found(),
            WebhookRefusal::TooMany => {
                let detail = "a vendor has at most 20 webhook endpoints: remove one first";
                Self::new(&kind::TOO_MANY_WEBHOOK_ENDPOINTS, detail)
            }
            WebhookRefusal::Wrong(wrong) => wrong.into(),
        }
    }
}
