//! What a provider that was restored asks its merchants: its own word, as they have it.

use axum::extract::State;
use scrip_domain::checkout::Checkout;
use scrip_domain::order::Order;
use scrip_domain::{Id, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::answer::Json;
use crate::caller::AtMerchant;
use crate::extract::Query;
use crate::problem::Problem;
use crate::signed::Signed;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(documents))
}

/// Which documents.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct DocumentsQuery {
    /// Orders of which the provider has signed something from then on.
    #[param(value_type = String, format = DateTime, example = "2026-01-01T00:00:00Z")]
    since: Timestamp,
    /// The `next` of the page before.
    #[serde(default)]
    #[param(max_length = 100, example = "ord_06bq3v8k2m9zc")]
    after: Option<String>,
}

/// What was signed about one order.
#[derive(Debug, Serialize, ToSchema)]
struct DocumentsOfOrder {
    #[schema(example = "ord_06bq3v8k2m9zc")]
    order: String,
    /// The merchant's signed offer.
    #[schema(example = "eyJhbGciOiJFZERTQSIsImtpZCI6…")]
    offer: String,
    /// The provider's signed decision.
    #[schema(required, example = "eyJhbGciOiJFZERTQSIsImtpZCI6…")]
    confirmation: Option<String>,
    /// Its signed receipt, once it was captured.
    #[schema(required, example = "eyJhbGciOiJFZERTQSIsImtpZCI6…")]
    receipt: Option<String>,
    /// Its signed last word, once the delivery was reported.
    #[schema(required, example = "eyJhbGciOiJFZERTQSIsImtpZCI6…")]
    fulfilment: Option<String>,
    /// Its signed refunds, oldest first.
    #[schema(example = json!(["eyJhbGciOiJFZERTQSIsImtpZCI6…"]))]
    refunds: Vec<String>,
}

impl From<Checkout> for DocumentsOfOrder {
    fn from(checkout: Checkout) -> Self {
        let Checkout { order, offer, confirmation, receipt, fulfilment, refunds, .. } = checkout;
        let order = order.to_string();
        Self { order, offer, confirmation, receipt, fulfilment, refunds }
    }
}

/// A page of what was signed.
#[derive(Debug, Serialize, ToSchema)]
struct Documents {
    /// An order each, in the order in which they were made.
    data: Vec<DocumentsOfOrder>,
    /// Where the next page begins; null on the last one.
    #[schema(required, example = "ord_06bq3v8k2m9zc")]
    next: Option<String>,
}

/// What the provider has signed for this merchant since then, for a provider that was restored from a backup. It is answered
/// also while this server itself is restoring.
#[utoipa::path(
    get, path = "/v1/peer/documents", tag = "servers", params(DocumentsQuery),
    responses((status = 200, body = Documents), (status = 401, description = "`signature_refused`"))
)]
async fn documents(
    _: AtMerchant,
    State(app): State<App>,
    Query(query): Query<DocumentsQuery>,
    _: Signed,
) -> Result<Json<Documents>, Problem> {
    let after: Id<Order> = match query.after.as_deref().filter(|after| !after.is_empty()) {
        Some(after) => after.parse().map_err(|_| Problem::no_page())?,
        None => Id::floor(Timestamp::from_millis(0)),
    };
    let page = app.engine.documents_since(query.since, after).await?;
    let next = page.next.map(|order| order.to_string());
    let data = page.checkouts.into_iter().map(DocumentsOfOrder::from).collect();
    Ok(Json(Documents { data, next }))
}
