//! The feed of events: what happened, in an order in which nothing is missed.

use axum::extract::State;
use scrip_domain::Span;
use scrip_domain::event::EventType;
use scrip_engine::Told;
use scrip_engine::event::{Place, data};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::openapi::schema::Type;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema};
use utoipa::{IntoParams, PartialSchema, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::answer::Json;
use crate::caller::Reader;
use crate::extract::Query;
use crate::problem::Problem;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list))
}

/// Who reads the feed comes back when it likes: a cursor of it is good for years.
const CURSOR: Span = Span::days(3650);

/// The types of events, for the document.
#[derive(Debug)]
pub struct EventTypeName;

impl PartialSchema for EventTypeName {
    fn schema() -> RefOr<Schema> {
        let words = EventType::ALL.iter().map(|kind| kind.as_str());
        ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words)).into()
    }
}

impl ToSchema for EventTypeName {}

/// Something that happened.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Event)]
struct EventOut {
    #[schema(example = "evt_06bq3v8k2m9zc")]
    id: String,
    /// What happened. There will be more types.
    #[serde(rename = "type")]
    #[schema(example = "order.paid")]
    kind: &'static str,
    at: String,
    /// To whom; null for what is the vendor's own affair.
    #[schema(required, example = "acc_06bq3v8k2m9zc")]
    account: Option<String>,
    /// What it is about: `object`, `id`, and for all but accounts their `state` by now.
    #[schema(value_type = Object,
        example = json!({ "object": "order", "id": "ord_06bq3v8k2m9zc", "state": "paid" }))]
    data: Map<String, Value>,
}

impl From<&Told> for EventOut {
    fn from(told: &Told) -> Self {
        let event = &told.event;
        Self {
            id: event.id.to_string(),
            kind: event.kind.as_str(),
            at: event.at.to_string(),
            account: event.owner().map(|account| account.to_string()),
            data: data(told),
        }
    }
}

/// A page of the feed.
#[derive(Debug, Serialize, ToSchema)]
struct EventFeed {
    /// The events after `after`, in the order in which they were published.
    data: Vec<EventOut>,
    /// Send it as `after`, now or much later, for what comes after this page.
    next: String,
    /// Whether there is more already. A page may be short, or empty, while there is: of one type there may
    /// be none in a part of the feed.
    more: bool,
}

/// Which part of the feed.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
struct FeedQuery {
    /// How many at most.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
    /// The `next` of the page before; the feed from its beginning without it.
    #[param(max_length = 1000)]
    after: Option<String>,
    /// Events of this type only.
    #[serde(rename = "type")]
    #[param(inline, value_type = Option<EventTypeName>)]
    kind: Option<String>,
}

/// What happened to the caller's account, in order; with an administrator's key what happened to all.
///
/// An event is in the feed within a second or two. Who goes on with `next` misses nothing.
#[utoipa::path(
    get, path = "/v1/events", tag = "events", security(("bearer" = [])), params(FeedQuery),
    responses((status = 200, body = EventFeed))
)]
async fn list(
    reader: Reader,
    State(app): State<App>,
    Query(query): Query<FeedQuery>,
) -> Result<Json<EventFeed>, Problem> {
    let whose = match reader {
        Reader::Buyer(buyer) => Some(buyer.account),
        Reader::Admin => None,
    };
    // The cursor of one is no other's.
    let feed =
        whose.map_or("cursor events".to_owned(), |account| format!("cursor events {account}"));
    let limit = match query.limit {
        None => 20,
        Some(limit @ 1..=100) => limit,
        Some(_) => return Err(Problem::field("limit", "1 to 100")),
    };
    let kind = query.kind.as_deref().map(|word| {
        EventType::parse(word).ok_or_else(|| Problem::field("type", "a type of events"))
    });
    let after = query
        .after
        .as_deref()
        .map(|cursor| app.engine.unseal::<Place>(&feed, cursor).ok_or_else(Problem::no_page));
    let (kind, after) = (kind.transpose()?, after.transpose()?.unwrap_or_default());
    let page = app.engine.feed(whose, kind, after, limit).await?;
    let next = app.engine.seal(&feed, &page.place, app.engine.now().plus(CURSOR));
    let data = page.events.iter().map(EventOut::from).collect();
    Ok(Json(EventFeed { data, next, more: page.more }))
}
