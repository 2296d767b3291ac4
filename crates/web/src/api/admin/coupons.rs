//! Coupons in the vendor's hand: made, looked at, closed.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use scrip_domain::coupon::{Coupon, Discount};
use scrip_domain::id::Kind;
use scrip_domain::settings::Token;
use scrip_domain::{Id, Timestamp};
use scrip_engine::coupon::CouponFields;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::answer::Json;
use crate::api::{List, ListQuery};
use crate::caller::Admin;
use crate::extract::{Body, IdPath, Query};
use crate::money::{AboveZero, MoneyIn, MoneyOut};
use crate::problem::Problem;
use crate::text::Line;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(create, list)).routes(routes!(show)).routes(routes!(close))
}

/// A word that takes something off a selection.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Coupon)]
struct CouponOut {
    #[schema(example = "cpn_06bq3v8k2m9zc")]
    id: String,
    #[schema(example = "SPRING-25")]
    code: String,
    /// So many hundredths of each line; null where it is an amount.
    #[schema(required, minimum = 1, maximum = 100)]
    percent: Option<u8>,
    /// So much of all lines together; null where it is a percentage.
    #[schema(required)]
    amount: Option<MoneyOut>,
    #[schema(required)]
    starts_at: Option<String>,
    #[schema(required)]
    ends_at: Option<String>,
    #[schema(required)]
    max_uses: Option<u32>,
    #[schema(required)]
    max_uses_per_account: Option<u32>,
    /// What a selection must cost without it.
    #[schema(required)]
    min_total: Option<MoneyOut>,
    /// It is for these products, beside its offers; for everything when it has neither.
    products: Vec<String>,
    /// It is for these offers.
    offers: Vec<String>,
    /// How often it was used.
    uses: u32,
    created_at: String,
    #[schema(required)]
    closed_at: Option<String>,
}

impl CouponOut {
    fn new(coupon: &Coupon, token: &Token) -> Self {
        let time = |at: Option<Timestamp>| at.map(|at| at.to_string());
        let (percent, amount) = match coupon.discount {
            Discount::Percent(percent) => (Some(percent), None),
            Discount::Amount(amount) => (None, Some(MoneyOut::tokens(amount, token))),
        };
        Self {
            id: coupon.id.to_string(),
            code: coupon.code.clone(),
            percent,
            amount,
            starts_at: time(coupon.starts_at),
            ends_at: time(coupon.ends_at),
            max_uses: coupon.max_uses,
            max_uses_per_account: coupon.max_uses_per_account,
            min_total: coupon.min_total.map(|least| MoneyOut::tokens(least, token)),
            products: coupon.products.iter().map(Id::to_string).collect(),
            offers: coupon.offers.iter().map(Id::to_string).collect(),
            uses: coupon.uses,
            created_at: coupon.created_at.to_string(),
            closed_at: time(coupon.closed_at),
        }
    }
}

/// The coupon that is wanted: with `percent` or with `amount`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "code": "SPRING-25", "percent": 25, "max_uses_per_account": 1 }))]
struct CouponBody {
    /// Its word, 3 to 40 letters, digits, `-` and `_`, in either case; one of chance without it.
    #[serde(default)]
    #[schema(inline, value_type = Option<String>, pattern = "^[A-Za-z0-9_-]{3,40}$")]
    code: Option<Line<1, 100>>,
    /// So many hundredths of each line, rounded down.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 100)]
    percent: Option<u8>,
    /// So much of all lines together, or all that they cost.
    #[serde(default)]
    #[schema(value_type = Option<AboveZero>)]
    amount: Option<MoneyIn>,
    /// From when on it is good; at once without it.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    starts_at: Option<Timestamp>,
    /// Until when; later than `starts_at`.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    ends_at: Option<Timestamp>,
    /// How often it can be used.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 1_000_000_000)]
    max_uses: Option<u32>,
    /// How often one account can use it.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 100)]
    max_uses_per_account: Option<u32>,
    /// What a selection must cost without it.
    #[serde(default)]
    min_total: Option<MoneyIn>,
    /// It is for these products, beside its offers; for everything when it has neither.
    #[serde(default)]
    #[schema(max_items = 100)]
    products: Vec<ProductName>,
    /// It is for these offers.
    #[serde(default)]
    #[schema(max_items = 100)]
    offers: Vec<OfferName>,
}

/// A product's id.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = ProductId, example = "prd_06bq3v8k2m9zc", pattern = "^prd_[0-7][0-9a-hjkmnp-tv-z]{12}$")]
struct ProductName(String);

/// An offer's id.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = OfferId, example = "ofr_06bq3v8k2m9zc", pattern = "^ofr_[0-7][0-9a-hjkmnp-tv-z]{12}$")]
struct OfferName(String);

impl CouponBody {
    fn fields(self, token: &Token) -> Result<CouponFields, Problem> {
        let discount = match (self.percent, &self.amount) {
            (Some(percent), None) => Discount::Percent(percent),
            (None, Some(amount)) => Discount::Amount(amount.in_tokens(token, "amount")?),
            _ => return Err(Problem::field("percent", "give either percent or amount")),
        };
        let least = self.min_total.map(|least| least.in_tokens(token, "min_total")).transpose()?;
        Ok(CouponFields {
            code: self.code.map(|code| code.0),
            discount,
            starts_at: self.starts_at,
            ends_at: self.ends_at,
            max_uses: self.max_uses,
            max_uses_per_account: self.max_uses_per_account,
            min_total: least,
            products: ids("products", self.products.iter().map(|name| &*name.0))?,
            offers: ids("offers", self.offers.iter().map(|name| &*name.0))?,
        })
    }
}

fn ids<'a, T: Kind>(
    field: &str,
    names: impl Iterator<Item = &'a str>,
) -> Result<Vec<Id<T>>, Problem> {
    let read = |(index, name): (usize, &str)| {
        name.parse().map_err(|_| {
            Problem::field(format!("{field}[{index}]"), format!("an id: {}_...", T::PREFIX))
        })
    };
    names.enumerate().map(read).collect()
}

/// Makes a coupon.
#[utoipa::path(
    post, path = "/v1/admin/coupons", tag = "admin", security(("bearer" = [])), request_body = CouponBody,
    responses(
        (status = 201, body = CouponOut),
        (status = 409, description = "`coupon_taken`: an open coupon has this word"),
    )
)]
async fn create(
    Admin(by): Admin,
    State(app): State<App>,
    body: Body<CouponBody>,
) -> Result<Response, Problem> {
    let vendor = app.engine.vendor().await?;
    let token = &vendor.settings.token;
    let coupon = app.engine.make_coupon(by, body.value.fields(token)?).await??;
    Ok((StatusCode::CREATED, Json(CouponOut::new(&coupon, token))).into_response())
}

/// All coupons, newest first.
#[utoipa::path(
    get, path = "/v1/admin/coupons", tag = "admin", security(("bearer" = [])), params(ListQuery),
    responses((status = 200, body = List<CouponOut>))
)]
async fn list(
    _: Admin,
    State(app): State<App>,
    Query(query): Query<ListQuery>,
) -> Result<Json<List<CouponOut>>, Problem> {
    let vendor = app.engine.vendor().await?;
    let page = query.page(&app.engine, "coupons")?;
    let rows = app.engine.store().coupons(page).await?;
    let show = |coupon: &Coupon| CouponOut::new(coupon, &vendor.settings.token);
    let number = |coupon: &Coupon| coupon.id.number();
    Ok(Json(List::of(&app.engine, "coupons", page, &rows, number, show)))
}

/// A coupon.
#[utoipa::path(
    get, path = "/v1/admin/coupons/{id}", tag = "admin", security(("bearer" = [])),
    params(("id" = String, Path, example = "cpn_06bq3v8k2m9zc")),
    responses((status = 200, body = CouponOut))
)]
async fn show(
    _: Admin,
    State(app): State<App>,
    IdPath(id): IdPath<Coupon>,
) -> Result<Json<CouponOut>, Problem> {
    let vendor = app.engine.vendor().await?;
    let coupon = app.engine.store().coupon(id).await?.ok_or_else(Problem::not_found)?;
    Ok(Json(CouponOut::new(&coupon, &vendor.settings.token)))
}

/// Closes a coupon: it is good for no further selection. Drafts keep their price.
#[utoipa::path(
    post, path = "/v1/admin/coupons/{id}/close", tag = "admin", security(("bearer" = [])),
    params(("id" = String, Path, example = "cpn_06bq3v8k2m9zc")),
    responses((status = 200, body = CouponOut))
)]
async fn close(
    Admin(by): Admin,
    State(app): State<App>,
    IdPath(id): IdPath<Coupon>,
) -> Result<Json<CouponOut>, Problem> {
    let vendor = app.engine.vendor().await?;
    let coupon = app.engine.close_coupon(by, id).await??;
    Ok(Json(CouponOut::new(&coupon, &vendor.settings.token)))
}
