//! Products, as the caller may see them: what is hidden is absent, and named with what unlocks it.

mod out;

use std::collections::BTreeSet;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, header};
use scrip_domain::api_key::Scope;
use scrip_domain::catalog::ProductKind;
use scrip_domain::estimate::Speed;
use scrip_domain::language::Language;
use scrip_engine::catalog::list::{Ask, ListRefusal, Sort};
use scrip_engine::memory::Member;
use scrip_engine::provider::Provider;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use out::PictureBody;
use out::{ItemOut, ProductOut, Window};

use crate::App;
use crate::answer::{Json, PRIVATE, public, tag};
use crate::api::List;
use crate::caller::Caller;
use crate::extract::{NamePath, Query};
use crate::language::wanted;
use crate::problem::Problem;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(show))
}

/// Which products.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
struct ProductsQuery {
    /// Words to be found; the last may be the beginning of one.
    #[param(max_length = 200)]
    q: Option<String>,
    /// Only this kind.
    #[param(value_type = Option<KindParam>, inline)]
    kind: Option<ProductKind>,
    /// Only this category.
    category: Option<String>,
    /// Only this tag.
    tag: Option<String>,
    /// The order. By price, products without a price that you see come last.
    #[param(value_type = Option<SortParam>, inline)]
    sort: Sort,
    /// How many at most.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
    /// The `next` of the page before.
    after: Option<String>,
}

/// The kinds of products.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "describes the parameter; the domain's own type reads it")]
pub enum KindParam {
    Download,
    Service,
    Bundle,
}

/// The orders of a list.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "describes the parameter; the engine's own type reads it")]
enum SortParam {
    Newest,
    Title,
    Price,
    #[serde(rename = "-price")]
    PriceDown,
}

/// A member who looks, or a visitor.
pub async fn looker(app: &App, caller: &Caller) -> Result<Option<Member>, Problem> {
    match caller.buyer(Scope::Read)? {
        Some(buyer) => Ok(app.engine.member(buyer.account).await?),
        None => Ok(None),
    }
}

/// Who asks for another language than there is reads the vendor's.
async fn language(app: &App, headers: &HeaderMap) -> Result<(Language, Language), Problem> {
    let own = app.engine.vendor().await?.settings.look.language;
    Ok((wanted(headers).unwrap_or(own), own))
}

/// Products that the caller sees, filtered, searched and sorted. Titles and summaries are in the language that
/// `Accept-Language` asks for, where the vendor wrote them in it; words are found in every language.
#[utoipa::path(
    get, path = "/v1/products", tag = "products", security((), ("bearer" = [])), params(ProductsQuery),
    responses(
        (status = 200, body = List<ItemOut>),
        (status = 304, description = "as the `If-None-Match` has it"),
        (status = 403, description = "`forbidden`: a vendor's key buys nothing"),
    )
)]
async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<ProductsQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let limit = match query.limit {
        None => 20,
        Some(limit @ 1..=100) => limit,
        Some(_) => return Err(Problem::field("limit", "1 to 100")),
    };
    if query.q.as_ref().is_some_and(|words| words.chars().count() > 200) {
        return Err(Problem::field("q", "at most 200 characters"));
    }
    let member = looker(&app, &caller).await?;
    let ProductsQuery { q, kind, category, tag, sort, after, .. } = query;
    let ask = Ask { q, kind, category, tag, sort };
    let (language, own) = language(&app, &headers).await?;
    let engine = &app.engine;
    let page =
        engine.list_products(member.as_ref(), &ask, after.as_deref(), limit, language).await?;
    let page = match page {
        Ok(page) => page,
        Err(ListRefusal::BadCursor) => {
            return Err(Problem::no_page());
        }
        Err(ListRefusal::Gate(shut)) => {
            let vendor = app.engine.vendor().await?;
            return Err(Problem::gate(&shut, &vendor.settings));
        }
    };
    let signed_in = member.is_some();
    let (settings, url) = (&page.vendor.settings, &app.public_url);
    let provider = engine.provider().map(Provider::url);
    let window = Window { settings, url, signed_in, provider };
    let item = |item| ItemOut::new(item, &window);
    let list = List { data: page.items.iter().cloned().map(item).collect(), next: page.next };
    let languages: BTreeSet<_> =
        page.items.iter().map(|item| item.language.unwrap_or(own)).collect();
    Ok(reply(&list, &languages, signed_in, &headers))
}

/// How a product is looked at.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
struct ProductQuery {
    /// Your connection in Mbit/s, as a hint for estimated download times.
    #[param(minimum = 0.001, maximum = 1_000_000)]
    mbps: Option<f64>,
}

impl ProductQuery {
    fn hint(&self) -> Result<Option<Speed>, Problem> {
        let Some(mbps) = self.mbps else { return Ok(None) };
        if !(0.001..=1_000_000.0).contains(&mbps) {
            return Err(Problem::field("mbps", "0.001 to 1000000"));
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 1 and 10^9, as was just checked"
        )]
        Ok(Speed::kilobits((mbps * 1000.0).round() as u32))
    }
}

/// A product, as far as the caller sees it, in the language that `Accept-Language` asks for. Each text that the vendor
/// did not write in it is in the vendor's own.
#[utoipa::path(
    get, path = "/v1/products/{slug}", tag = "products", security((), ("bearer" = [])),
    params(("slug" = String, Path, example = "field-recorder"), ProductQuery),
    responses(
        (status = 200, body = ProductOut),
        (status = 304, description = "as the `If-None-Match` has it"),
        (status = 403, description = "`forbidden`: a vendor's key buys nothing"),
    )
)]
async fn show(
    State(app): State<App>,
    caller: Caller,
    NamePath(slug): NamePath<String>,
    Query(query): Query<ProductQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let hint = query.hint()?;
    let member = looker(&app, &caller).await?;
    let (language, own) = language(&app, &headers).await?;
    let shown = match app.engine.show_product(member.as_ref(), &slug, language, hint).await? {
        Ok(shown) => shown,
        Err(shut) => {
            let vendor = app.engine.vendor().await?;
            return Err(Problem::gate(&shut, &vendor.settings));
        }
    };
    let Some(shown) = shown else { return Err(Problem::not_found()) };
    let view = shown.view().ok_or_else(Problem::not_found)?;
    let signed_in = member.is_some();
    let settings = &shown.vendor().settings;
    let provider = app.engine.provider().map(Provider::url);
    let window = Window { settings, url: &app.public_url, signed_in, provider };
    let languages = BTreeSet::from([view.language.unwrap_or(own)]);
    Ok(reply(&ProductOut::new(&view, shown.pace, &window), &languages, signed_in, &headers))
}

/// What is seen depends on who looks.
pub const VARY: HeaderValue = HeaderValue::from_static("Authorization, Cookie");
/// And what is read, on the language.
pub const VARY_TEXTS: HeaderValue =
    HeaderValue::from_static("Accept-Language, Authorization, Cookie");

/// The answer in these languages, kept by caches only when it is what every visitor who reads them sees.
fn reply(
    body: &impl Serialize,
    languages: &BTreeSet<Language>,
    signed_in: bool,
    asked: &HeaderMap,
) -> Response {
    let languages: Vec<_> = languages.iter().map(|language| language.tag()).collect();
    let languages = languages.join(", ");
    let spoken = HeaderValue::from_str(&languages).unwrap_or(HeaderValue::from_static(""));
    let vary = [(header::VARY, VARY_TEXTS), (header::CONTENT_LANGUAGE, spoken)];
    if signed_in {
        return (vary, [(header::CACHE_CONTROL, PRIVATE)], Json(body)).into_response();
    }
    let bytes = serde_json::to_vec(body).unwrap_or_default();
    let tag = tag(&[&bytes, languages.as_bytes()]);
    public(asked, &tag, HeaderMap::from_iter(vary), bytes.into())
}
