//! The catalogue in the vendor's hand.
//!
//! Everything is addressed by the vendor's own names and put whole, so that a folder can be applied
//! again and again: products by slug, offers by key, releases by channel and version, files by name
//! and digest. Putting what is there already changes nothing.

mod out;

use axum::extract::State;
use http::StatusCode;
use scrip_domain::catalog::{Labels, ProductState};
use scrip_domain::visibility::Visibility;
use scrip_engine::catalog::offer::OfferFields;
use scrip_engine::catalog::product::{ProductFields, Put};
use scrip_engine::catalog::release::{FileFields, ReleaseFields};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use out::{AdminOffer, AdminProduct, AdminRelease, Names};

use crate::App;
use crate::answer::Json;
use crate::api::products::PictureBody;
use crate::api::terms::{LimitsBody, TermsBody};
use crate::api::texts::TextsBody;
use crate::api::visibility::VisibilityBody;
use crate::api::{List, ListQuery};
use crate::caller::Cataloguer;
use crate::extract::{Body, LongBody, NamePath, Query};
use crate::money::MoneyIn;
use crate::problem::Problem;
use crate::text::{Line, Text};

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(show, put))
        .routes(routes!(publish))
        .routes(routes!(archive))
        .routes(routes!(put_offer, retire_offer))
        .routes(routes!(put_release))
}

/// A product, whole.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ProductBody {
    /// Its name in addresses: at most 80 of a-z, 0-9 and -. In a PUT, another one than that of the
    /// address renames the product.
    #[schema(max_length = 80, pattern = "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$")]
    slug: Option<String>,
    kind: Kind,
    #[schema(inline)]
    title: Line<1, 200>,
    #[serde(default)]
    #[schema(inline)]
    summary: Line<0, 500>,
    /// Markdown.
    #[serde(default)]
    #[schema(inline)]
    description: Text<0, 100_000>,
    #[serde(default)]
    #[schema(max_items = 20, inline)]
    categories: Vec<Line<1, 40>>,
    #[serde(default)]
    #[schema(max_items = 20, inline)]
    tags: Vec<Line<1, 40>>,
    #[serde(default)]
    #[schema(max_items = 20)]
    pictures: Vec<PictureBody>,
    /// Where it differs from the vendor's settings.
    #[serde(default)]
    #[schema(value_type = VisibilityBody)]
    visibility: Visibility,
    /// What the buyer of a service is told with the code, Markdown.
    #[serde(default)]
    #[schema(inline)]
    instructions: Text<0, 20_000>,
    #[serde(default)]
    texts: TextsBody,
}

/// A product that is new, with its slug.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the body; `ProductBody` reads it, for a PUT too")]
struct NewProductBody {
    #[serde(flatten)]
    product: ProductBody,
    #[schema(example = "field-recorder")]
    slug: String,
}

/// How a product is received.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ProductKind)]
enum Kind {
    /// As files.
    Download,
    /// As a code with instructions.
    Service,
    /// As several other products.
    Bundle,
}

fn labels(lines: Vec<Line<1, 40>>) -> Vec<String> {
    lines.into_iter().map(|line| line.0).collect()
}

impl ProductBody {
    fn fields(self, slug: String) -> ProductFields {
        ProductFields {
            slug,
            kind: match self.kind {
                Kind::Download => scrip_domain::catalog::ProductKind::Download,
                Kind::Service => scrip_domain::catalog::ProductKind::Service,
                Kind::Bundle => scrip_domain::catalog::ProductKind::Bundle,
            },
            title: self.title.0,
            summary: self.summary.0,
            description: self.description.0,
            labels: Labels { categories: labels(self.categories), tags: labels(self.tags) },
            pictures: self.pictures.into_iter().map(Into::into).collect(),
            visibility: self.visibility,
            instructions: self.instructions.0,
            texts: self.texts.into(),
        }
    }
}

/// An answer to a PUT: 201 for what is new, 200 for what was there.
fn put_status<T>(put: Put<T>) -> (StatusCode, T) {
    match put {
        Put::Created(thing) => (StatusCode::CREATED, thing),
        Put::Kept(thing) => (StatusCode::OK, thing),
    }
}

/// The products, newest first, in every state.
#[utoipa::path(
    get, path = "/v1/admin/products", tag = "admin", security(("bearer" = [])), params(ListQuery),
    responses((status = 200, body = List<Names>))
)]
async fn list(
    _: Cataloguer,
    State(app): State<App>,
    Query(query): Query<ListQuery>,
) -> Result<Json<List<Names>>, Problem> {
    let page = query.page(&app.engine, "admin products")?;
    let rows = app.engine.store().products(page).await?;
    let number = |row: &scrip_domain::catalog::Product| row.id.number();
    Ok(Json(List::of(&app.engine, "admin products", page, &rows, number, |row| Names::from(row))))
}

/// Enters a product, as a draft.
#[utoipa::path(
    post, path = "/v1/admin/products", tag = "admin", security(("bearer" = [])), request_body = NewProductBody,
    responses((status = 201, body = AdminProduct), (status = 409, description = "`slug_taken`"))
)]
async fn create(
    Cataloguer(by): Cataloguer,
    State(app): State<App>,
    LongBody(body): LongBody<ProductBody>,
) -> Result<(StatusCode, Json<AdminProduct>), Problem> {
    let slug = body.slug.clone().ok_or_else(|| Problem::field("slug", "this field is required"))?;
    let product = app.engine.create_product(by, body.fields(slug)).await??;
    Ok((StatusCode::CREATED, Json(AdminProduct::load(&app, product).await?)))
}

/// A product with its offers and releases, everything that there is of it.
#[utoipa::path(
    get, path = "/v1/admin/products/{slug}", tag = "admin", security(("bearer" = [])),
    params(("slug" = String, Path, example = "field-recorder", max_length = 80, pattern = "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$")),
    responses((status = 200, body = AdminProduct))
)]
async fn show(
    _: Cataloguer,
    State(app): State<App>,
    NamePath(slug): NamePath<String>,
) -> Result<Json<AdminProduct>, Problem> {
    let product = app.engine.store().product_by_slug(&slug).await?;
    let product = product.ok_or_else(Problem::not_found)?;
    Ok(Json(AdminProduct::load(&app, product).await?))
}

/// Makes the product at this slug be like this: enters it as a draft, or changes it.
#[utoipa::path(
    put, path = "/v1/admin/products/{slug}", tag = "admin", security(("bearer" = [])), request_body = ProductBody,
    params(("slug" = String, Path, example = "field-recorder", max_length = 80, pattern = "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$")),
    responses(
        (status = 200, body = AdminProduct, description = "it was there, and is now like this"),
        (status = 201, body = AdminProduct, description = "it is new, and a draft"),
        (status = 409, description = "`slug_taken`"),
    )
)]
async fn put(
    Cataloguer(by): Cataloguer,
    State(app): State<App>,
    NamePath(slug): NamePath<String>,
    LongBody(body): LongBody<ProductBody>,
) -> Result<(StatusCode, Json<AdminProduct>), Problem> {
    let new = body.slug.clone().unwrap_or_else(|| slug.clone());
    let (status, product) = put_status(app.engine.put_product(by, &slug, body.fields(new)).await??);
    Ok((status, Json(AdminProduct::load(&app, product).await?)))
}

/// Puts a product up for sale. Doing it again changes nothing.
#[utoipa::path(
    post, path = "/v1/admin/products/{slug}/publish", tag = "admin", security(("bearer" = [])),
    params(("slug" = String, Path, example = "field-recorder", max_length = 80, pattern = "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$")),
    responses(
        (status = 200, body = AdminProduct),
        (status = 409, description = "`too_many_bundles` that would open with it"),
    )
)]
async fn publish(
    Cataloguer(by): Cataloguer,
    State(app): State<App>,
    NamePath(slug): NamePath<String>,
) -> Result<Json<AdminProduct>, Problem> {
    let product = app.engine.move_product(by, &slug, ProductState::Published).await??;
    Ok(Json(AdminProduct::load(&app, product).await?))
}

/// Takes a product off sale; its owners keep it. Doing it again changes nothing.
#[utoipa::path(
    post, path = "/v1/admin/products/{slug}/archive", tag = "admin", security(("bearer" = [])),
    params(("slug" = String, Path, example = "field-recorder", max_length = 80, pattern = "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$")),
    responses(
        (status = 200, body = AdminProduct),
        (status = 409, description = "`too_many_bundles` that would close with it"),
    )
)]
async fn archive(
    Cataloguer(by): Cataloguer,
    State(app): State<App>,
    NamePath(slug): NamePath<String>,
) -> Result<Json<AdminProduct>, Problem> {
    let product = app.engine.move_product(by, &slug, ProductState::Archived).await??;
    Ok(Json(AdminProduct::load(&app, product).await?))
}

/// An offer, whole.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct OfferBody {
    /// What one unit costs; nothing is allowed.
    price: MoneyIn,
    terms: TermsBody,
    #[serde(default)]
    limits: LimitsBody,
    /// What is in it, of a bundle and there only: other offers, each as `product-slug/offer-key`. Terms are `perpetual`
    /// and limits absent there: each item has its own. It never changes: another selection is another offer.
    #[serde(default)]
    #[schema(max_items = 20, example = json!(["field-recorder/standard"]))]
    items: Vec<String>,
}

/// Makes the offer of this key be like this: enters it, changes it, or offers it again. Orders and
/// licenses keep the price, terms and limits that they were made with.
#[utoipa::path(
    put, path = "/v1/admin/products/{slug}/offers/{key}", tag = "admin", security(("bearer" = [])), request_body = OfferBody,
    params(
        ("slug" = String, Path, example = "field-recorder", max_length = 80, pattern = "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"),
        ("key" = String, Path, description = "the vendor's own name of the offer", example = "standard", max_length = 40, pattern = "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"),
    ),
    responses(
        (status = 200, body = AdminOffer, description = "it was there, and is now like this"),
        (status = 201, body = AdminOffer, description = "it is new"),
        (status = 409, description = "`too_many_offers`, or `too_many_bundles` that it would open in"),
    )
)]
async fn put_offer(
    Cataloguer(by): Cataloguer,
    State(app): State<App>,
    NamePath((slug, key)): NamePath<(String, String)>,
    body: Body<OfferBody>,
) -> Result<(StatusCode, Json<AdminOffer>), Problem> {
    let vendor = app.engine.vendor().await?;
    let token = &vendor.settings.token;
    let OfferBody { price, terms, limits, items } = body.value;
    let price = price.in_tokens(token, "price")?;
    let fields = OfferFields { price, terms: terms.into(), limits: limits.into() };
    let put = app.engine.put_bundle(by, &slug, &key, fields, &items).await??;
    let (status, offer) = put_status(put);
    Ok((status, Json(AdminOffer::load(&app, &offer, token).await?)))
}

/// Withdraws an offer. Doing it again changes nothing.
#[utoipa::path(
    delete, path = "/v1/admin/products/{slug}/offers/{key}", tag = "admin", security(("bearer" = [])),
    params(
        ("slug" = String, Path, example = "field-recorder", max_length = 80, pattern = "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"),
        ("key" = String, Path, example = "standard", max_length = 40, pattern = "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"),
    ),
    responses(
        (status = 200, body = AdminOffer),
        (status = 409, description = "`too_many_bundles` that would close with it"),
    )
)]
async fn retire_offer(
    Cataloguer(by): Cataloguer,
    State(app): State<App>,
    NamePath((slug, key)): NamePath<(String, String)>,
) -> Result<Json<AdminOffer>, Problem> {
    let vendor = app.engine.vendor().await?;
    let offer = app.engine.retire_offer(by, &slug, &key).await??;
    Ok(Json(AdminOffer::load(&app, &offer, &vendor.settings.token).await?))
}

/// A release, whole.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ReleaseBody {
    /// What is new, Markdown.
    #[serde(default)]
    #[schema(inline)]
    notes: Text<0, 50_000>,
    /// All its files.
    #[schema(max_items = 100)]
    files: Vec<FileBody>,
    /// Whether it is published with this; a published one stays so.
    #[serde(default)]
    publish: bool,
}

/// A file of a release.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct FileBody {
    /// The name it is saved under: no path.
    #[schema(
        min_length = 1,
        max_length = 200,
        example = "field-recorder.zip",
        pattern = r#"^[^\u0000-\u0020\u007f-\u009f/\\:"<>|?*.]([^\u0000-\u001f\u007f-\u009f/\\:"<>|?*]*[^\u0000-\u0020\u007f-\u009f/\\:"<>|?*.])?$"#
    )]
    name: String,
    /// The object that was uploaded before.
    #[schema(
        pattern = "^[0-9a-f]{64}$",
        example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
    )]
    sha256: String,
    /// For which platform; empty for all.
    #[serde(default)]
    #[schema(inline)]
    platform: Line<0, 40>,
    #[serde(default = "any_bytes")]
    #[schema(
        default = "application/octet-stream",
        max_length = 100,
        pattern = "^[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+$"
    )]
    media_type: String,
}

fn any_bytes() -> String {
    "application/octet-stream".to_owned()
}

/// Makes the release of this version be like this: enters it, changes it while it is not published,
/// publishes it. Of a published one only the notes can change.
#[utoipa::path(
    put, path = "/v1/admin/products/{slug}/releases/{channel}/{version}", tag = "admin", security(("bearer" = [])), request_body = ReleaseBody,
    params(
        ("slug" = String, Path, example = "field-recorder", max_length = 80, pattern = "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"),
        ("channel" = String, Path, description = "buyers get the newest release of `stable`; before there is one, of the channel that came first, which their licenses open for good", example = "stable", max_length = 20, pattern = "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"),
        ("version" = String, Path, example = "1.2.0", max_length = 40, pattern = "^[A-Za-z0-9_+~-][A-Za-z0-9._+~-]*$"),
    ),
    responses(
        (status = 200, body = AdminRelease, description = "it was there, and is now like this"),
        (status = 201, body = AdminRelease, description = "it is new"),
        (status = 409, description = "`release_published`"),
    )
)]
async fn put_release(
    Cataloguer(by): Cataloguer,
    State(app): State<App>,
    NamePath((slug, channel, version)): NamePath<(String, String, String)>,
    LongBody(body): LongBody<ReleaseBody>,
) -> Result<(StatusCode, Json<AdminRelease>), Problem> {
    let file = |file: FileBody| FileFields {
        name: file.name,
        sha256: file.sha256,
        platform: file.platform.0,
        media_type: file.media_type,
    };
    let files = body.files.into_iter().map(file).collect();
    let fields = ReleaseFields { notes: body.notes.0, files, publish: body.publish };
    let put = app.engine.put_release(by, &slug, &channel, &version, fields).await??;
    let (status, whole) = put_status(put);
    Ok((status, Json(AdminRelease::new(&whole.release, &whole.files))))
}
