//! API keys: made, listed, revoked. A key's secret is told once, when it is made.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use scrip_domain::Id;
use scrip_domain::account::Account;
use scrip_domain::api_key::{ApiKey, Scope};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::api::{List, ListQuery};
use crate::caller::Admin;
use crate::extract::{Body, IdPath, Query, line};
use crate::problem::Problem;

/// The routes of API keys.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(revoke))
}

/// An API key, without its secret.
#[derive(Debug, Serialize, ToSchema)]
struct ApiKeyOut {
    #[schema(example = "key_06bq3v8k2m9zc")]
    id: String,
    /// Whose it is; null for the vendor's own.
    #[schema(required)]
    account: Option<String>,
    /// What it may be used for.
    #[schema(example = json!(["admin"]))]
    scopes: Vec<&'static str>,
    label: String,
    created_at: String,
    #[schema(required)]
    revoked_at: Option<String>,
}

/// A key that was made.
#[derive(Debug, Serialize, ToSchema)]
struct NewApiKey {
    #[serde(flatten)]
    key: ApiKeyOut,
    /// The key itself, to be sent as a bearer token; told once.
    token: String,
}

impl From<&ApiKey> for ApiKeyOut {
    fn from(key: &ApiKey) -> Self {
        Self {
            id: key.id.to_string(),
            account: key.account.map(|account| account.to_string()),
            scopes: key.scopes.iter().map(|scope| scope.as_str()).collect(),
            label: key.label.clone(),
            created_at: key.created_at.to_string(),
            revoked_at: key.revoked_at.map(|at| at.to_string()),
        }
    }
}

/// All API keys, newest first, revoked ones too.
#[utoipa::path(
    get, path = "/v1/admin/api-keys", tag = "admin", security(("bearer" = [])), params(ListQuery),
    responses((status = 200, body = List<ApiKeyOut>))
)]
async fn list(
    _: Admin,
    State(app): State<App>,
    Query(query): Query<ListQuery>,
) -> Result<Json<List<ApiKeyOut>>, Problem> {
    let page = query.page(&app.engine, "api-keys")?;
    let rows = app.engine.store().api_keys(page).await?;
    let number = |key: &ApiKey| key.id.number();
    Ok(Json(List::of(&app.engine, "api-keys", page, &rows, number, |key| key.into())))
}

/// A key that is wanted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CreateBody {
    /// What it is for, for people.
    #[schema(min_length = 1, max_length = 100, pattern = "\\S")]
    label: String,
    /// `admin`, `catalog`, `accounts`, `metrics` for the vendor's keys; `read`, `purchase` for an
    /// account's.
    #[schema(value_type = Vec<String>, min_items = 1, example = json!(["metrics"]))]
    scopes: Vec<Scope>,
    /// Whose it is; the vendor's own without it.
    #[serde(default)]
    #[schema(example = "acc_06bq3v8k2m9zc")]
    account: Option<String>,
}

/// Makes an API key.
#[utoipa::path(
    post, path = "/v1/admin/api-keys", tag = "admin", security(("bearer" = [])), request_body = CreateBody,
    responses((status = 201, body = NewApiKey))
)]
async fn create(
    Admin(by): Admin,
    State(app): State<App>,
    body: Body<CreateBody>,
) -> Result<Response, Problem> {
    let CreateBody { label, mut scopes, account } = body.value;
    let label = line(&label, "label", 1..=100)?;
    let account = match account {
        Some(account) => Some(owner(&app, &account).await?),
        None => None,
    };
    scopes.sort_unstable_by_key(|scope| scope.as_str());
    scopes.dedup();
    check(&scopes, account.is_some())?;
    let made = app.engine.make_key(by, account, scopes, label).await?;
    let body = NewApiKey { key: (&made.key).into(), token: made.token };
    Ok((StatusCode::CREATED, [(header::CACHE_CONTROL, "no-store")], Json(body)).into_response())
}

async fn owner(app: &App, account: &str) -> Result<Id<Account>, Problem> {
    let unknown = || Problem::field("account", "there is no such account");
    let account = account.parse().map_err(|_| unknown())?;
    app.engine.member(account).await?.map(|_| account).ok_or_else(unknown)
}

/// A buyer's key can never do what the vendor's staff does, and a vendor's key never spends.
fn check(scopes: &[Scope], of_account: bool) -> Result<(), Problem> {
    if scopes.is_empty() {
        return Err(Problem::field("scopes", "at least one scope"));
    }
    let fits = |scope: &Scope| matches!(scope, Scope::Read | Scope::Purchase) == of_account;
    match scopes.iter().find(|scope| !fits(scope)) {
        None => Ok(()),
        Some(scope) if of_account => {
            Err(Problem::field("scopes", format!("an account's key cannot have the scope {scope}")))
        }
        Some(scope) => {
            let detail = format!("the scope {scope} needs an account");
            Err(Problem::field("scopes", detail))
        }
    }
}

/// Revokes an API key, at once and for good.
#[utoipa::path(
    delete, path = "/v1/admin/api-keys/{id}", tag = "admin", security(("bearer" = [])),
    params(("id" = String, Path, example = "key_06bq3v8k2m9zc")),
    responses((status = 200, body = ApiKeyOut))
)]
async fn revoke(
    Admin(by): Admin,
    State(app): State<App>,
    IdPath(key): IdPath<ApiKey>,
) -> Result<Json<ApiKeyOut>, Problem> {
    Ok(Json((&app.engine.revoke_key(by, key).await??).into()))
}
