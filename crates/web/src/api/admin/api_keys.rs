//! API keys: made, listed, revoked. A key's secret is told once, when it is made.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use scrip_domain::Id;
use scrip_domain::account::Account;
use scrip_domain::api_key::{ApiKey, Scope};
use scrip_engine::account::NoSuchAccount;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa::openapi::Object;
use utoipa::openapi::schema::Type;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::answer::Json;
use crate::api::{List, ListQuery};
use crate::caller::Admin;
use crate::extract::{Body, IdPath, Query};
use crate::problem::Problem;
use crate::text::Line;

/// The routes of API keys.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(revoke))
}

/// An API key, without its secret.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ApiKey)]
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
    #[schema(example = "key_06bq3v8k2m9zc.yNxBh0EZofMwqn4qAjKU4YOfmBEn6ff2TCSu2Z0rZHo")]
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
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CreateBody {
    label: Line<1, 100>,
    scopes: Vec<Scope>,
    /// Whose it is; the vendor's own without it.
    #[serde(default)]
    account: Option<String>,
}

/// A key that is wanted: the vendor's own, or an account's.
#[derive(ToSchema)]
#[serde(untagged, deny_unknown_fields)]
#[schema(example = json!({ "label": "prometheus", "scopes": ["metrics"] }))]
#[expect(dead_code, reason = "describes what `CreateBody` reads")]
enum ApiKeyBody {
    Vendors {
        /// What it is for, for people.
        #[schema(inline)]
        label: Line<1, 100>,
        #[schema(min_items = 1)]
        scopes: Vec<VendorsScope>,
        #[schema(schema_with = nobody)]
        account: Option<()>,
    },
    Accounts {
        /// What it is for, for people.
        #[schema(inline)]
        label: Line<1, 100>,
        #[schema(min_items = 1)]
        scopes: Vec<AccountsScope>,
        /// Whose it is.
        #[schema(example = "acc_06bq3v8k2m9zc", pattern = "^acc_[0-7][0-9a-hjkmnp-tv-z]{12}$")]
        account: String,
    },
}

fn nobody() -> Object {
    Object::with_type(Type::Null)
}

/// What a vendor's key may be used for.
#[derive(ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "describes what `CreateBody` reads")]
enum VendorsScope {
    Admin,
    Catalog,
    Accounts,
    Metrics,
}

/// What an account's key may be used for.
#[derive(ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "describes what `CreateBody` reads")]
enum AccountsScope {
    Read,
    Purchase,
}

/// Makes an API key.
#[utoipa::path(
    post, path = "/v1/admin/api-keys", tag = "admin", security(("bearer" = [])), request_body = ApiKeyBody,
    responses((status = 201, body = NewApiKey))
)]
async fn create(
    Admin(by): Admin,
    State(app): State<App>,
    body: Body<CreateBody>,
) -> Result<Response, Problem> {
    let CreateBody { label, mut scopes, account } = body.value;
    let account = match account {
        Some(account) => Some(owner(&app, &account).await?),
        None => None,
    };
    scopes.sort_unstable_by_key(|scope| scope.as_str());
    scopes.dedup();
    check(&scopes, account.is_some())?;
    let made = app.engine.make_key_for(by, account, scopes, label.0).await?;
    let made = made.map_err(|NoSuchAccount| unknown())?;
    let body = NewApiKey { key: (&made.key).into(), token: made.token };
    Ok((StatusCode::CREATED, [(header::CACHE_CONTROL, "no-store")], Json(body)).into_response())
}

async fn owner(app: &App, account: &str) -> Result<Id<Account>, Problem> {
    let account = account.parse().map_err(|_| unknown())?;
    app.engine.member(account).await?.map(|_| account).ok_or_else(unknown)
}

fn unknown() -> Problem {
    Problem::field("account", "there is no such account")
}

/// A buyer's key can never do what the vendor's staff does, and a vendor's key never spends.
pub fn check(scopes: &[Scope], of_account: bool) -> Result<(), Problem> {
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
