//! Terms, privacy, imprint and terms of the token, version by version.

use axum::extract::State;
use scrip_domain::Timestamp;
use scrip_domain::legal::{LegalName, LegalText};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::answer::Json;
use crate::caller::Admin;
use crate::extract::{LongBody, NamePath, Query};
use crate::problem::Problem;
use crate::text::Text;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(show, put))
}

/// What a text is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DocumentName)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "describes the parameter; the domain's own type reads it")]
enum NameWord {
    Terms,
    Privacy,
    Imprint,
    Tokens,
}

/// A new version of a text.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DocumentBody)]
struct TextBody {
    /// Markdown.
    #[schema(inline, example = "Everything is sold as it is described.")]
    text: Text<1, 100_000>,
    /// What the version is called: 1 to 40 letters, digits and `. _ + ~ -`. Without it, by the day.
    #[serde(default)]
    #[schema(
        max_length = 40,
        pattern = "^[0-9A-Za-z_+~-][0-9A-Za-z._+~-]*$",
        example = "2026-11-29"
    )]
    version: Option<String>,
}

/// A text in one version.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Document)]
struct TextOut {
    /// What it is.
    #[schema(value_type = NameWord)]
    name: LegalName,
    #[schema(example = "2026-11-29")]
    version: String,
    /// Markdown.
    #[schema(example = "Everything is sold as it is described.")]
    text: String,
    published_at: String,
    /// The page that shows it.
    #[schema(example = "https://shop.example/terms/terms?version=2026-11-29")]
    url: String,
    /// All versions, newest first; the last hundred.
    versions: Vec<VersionOut>,
}

/// When a version was published.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DocumentVersion)]
struct VersionOut {
    #[schema(example = "2026-11-29")]
    version: String,
    published_at: String,
}

impl TextOut {
    async fn of(app: &App, text: LegalText) -> Result<Self, Problem> {
        let versions = app.engine.store().legal_versions(text.name).await?;
        let version = |(version, published_at): (String, Timestamp)| VersionOut {
            version,
            published_at: published_at.to_string(),
        };
        Ok(Self {
            url: format!("{}/terms/{}?version={}", app.public_url, text.name, text.version),
            name: text.name,
            version: text.version,
            text: text.text,
            published_at: text.published_at.to_string(),
            versions: versions.into_iter().map(version).collect(),
        })
    }
}

/// Which version.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
struct Which {
    /// The newest without it.
    #[param(max_length = 40, pattern = "^[0-9A-Za-z_+~-][0-9A-Za-z._+~-]*$")]
    version: Option<String>,
}

fn named(name: &str) -> Result<LegalName, Problem> {
    LegalName::parse(name).ok_or_else(Problem::not_found)
}

/// A text, in the version in force or in another one.
#[utoipa::path(
    get, path = "/v1/admin/documents/{name}", tag = "admin", security(("bearer" = [])),
    params(("name" = inline(NameWord), Path, description = "which text"), Which),
    responses((status = 200, body = TextOut))
)]
async fn show(
    _: Admin,
    State(app): State<App>,
    NamePath(name): NamePath<String>,
    Query(which): Query<Which>,
) -> Result<Json<TextOut>, Problem> {
    let name = named(&name)?;
    let text = match which.version {
        Some(version) => app.engine.store().legal_text(name, &version).await?,
        None => {
            let newest = app.engine.legal_texts().await?;
            newest.iter().find(|legal| legal.text.name == name).map(|legal| legal.text.clone())
        }
    };
    Ok(Json(TextOut::of(&app, text.ok_or_else(Problem::not_found)?).await?))
}

/// Publishes a new version of a text, for ever. The same text again changes nothing. With the terms of sale the
/// `terms_version` of the settings changes too: orders accept the new version from then on.
#[utoipa::path(
    put, path = "/v1/admin/documents/{name}", tag = "admin", security(("bearer" = [])),
    params(("name" = inline(NameWord), Path, description = "which text")), request_body = TextBody,
    responses((status = 200, body = TextOut), (status = 409, description = "`version_taken`"))
)]
async fn put(
    Admin(by): Admin,
    State(app): State<App>,
    NamePath(name): NamePath<String>,
    LongBody(body): LongBody<TextBody>,
) -> Result<Json<TextOut>, Problem> {
    let name = named(&name)?;
    let version = body.version.as_deref();
    let text = app.engine.publish_legal(by, name, &body.text.0, version).await?;
    Ok(Json(TextOut::of(&app, text?).await?))
}
