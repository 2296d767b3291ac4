//! Updates: what a sold program asks to find out whether there is a newer release of it.

use std::fmt::Write as _;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use scrip_domain::catalog::File;
use scrip_engine::update::{Asked, System, Update};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::answer::Json;
use crate::api::downloads;
use crate::extract::{NamePath, Query, Source};
use crate::problem::Problem;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(newest)).routes(routes!(manifest))
}

/// What is there, and for which platform something newer is looked for.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
struct UpdateQuery {
    /// The channel to look in, beside `stable`; one that the license does not open is not looked in.
    #[param(max_length = 20)]
    channel: Option<String>,
    /// Only releases with files for this platform, as the vendor writes it, or for all; only those files.
    #[param(max_length = 40)]
    platform: Option<String>,
    /// The version that is there. Without it the newest release is the answer.
    #[param(max_length = 40)]
    version: Option<String>,
}

impl UpdateQuery {
    fn checked(&self) -> Result<Asked<'_>, Problem> {
        let fields = [
            ("channel", &self.channel, 20),
            ("platform", &self.platform, 40),
            ("version", &self.version, 40),
        ];
        for (name, text, most) in fields {
            if text.as_ref().is_some_and(|text| text.chars().count() > most) {
                return Err(Problem::field(name, format!("at most {most} characters")));
            }
        }
        Ok(Asked {
            channel: self.channel.as_deref(),
            platform: self.platform.as_deref(),
            version: self.version.as_deref(),
        })
    }
}

/// A newer release.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Update)]
struct UpdateOut {
    version: String,
    channel: String,
    /// What is new, Markdown.
    notes: String,
    #[schema(required)]
    published_at: Option<String>,
    files: Vec<UpdateFile>,
}

/// A file of it.
#[derive(Debug, Serialize, ToSchema)]
struct UpdateFile {
    #[schema(example = "fil_06bq3v8k2m9zc")]
    id: String,
    #[schema(example = "field-recorder.zip")]
    name: String,
    #[schema(example = 1_048_576)]
    size: u64,
    sha256: String,
    platform: String,
    media_type: String,
    /// A link that downloads it without the code: to be kept secret.
    url: String,
    /// Until when the download can be begun; one that was begun can be resumed for 24 hours.
    expires_at: String,
}

/// The newest release that a code opens (`Authorization: License <code>`).
///
/// Newer is what semantic versioning says where both versions are such, else what was published later. A release is
/// opened by its license as for downloads: the one that was sold, and what was published since in its channel or in
/// `stable`. A license that has ended opens nothing.
#[utoipa::path(
    get, path = "/v1/updates/{slug}", tag = "updates",
    params(
        ("slug" = String, Path, description = "the product", example = "field-recorder", max_length = 80, pattern = "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"),
        UpdateQuery,
    ),
    responses(
        (status = 200, body = UpdateOut),
        (status = 204, description = "nothing is newer than what is there"),
        (status = 401, description = "`invalid_credentials`: no code"),
        (status = 403, description = "`code_refused`, with the reason in `license_code` if the code itself is genuine"),
    )
)]
async fn newest(
    State(app): State<App>,
    NamePath(slug): NamePath<String>,
    Query(query): Query<UpdateQuery>,
    source: Source,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let code = downloads::code(&headers)?;
    let found = app.engine.newest_update(code, &slug, query.checked()?, &source.0).await??;
    let Some(update) = found else { return Ok(private(StatusCode::NO_CONTENT.into_response())) };
    let file = |file: &File| {
        let ticket = app.engine.update_ticket(&update, file);
        UpdateFile {
            id: file.id.to_string(),
            name: file.name.clone(),
            size: file.size,
            sha256: file.sha256.clone(),
            platform: file.platform.clone(),
            media_type: file.media_type.clone(),
            url: format!("{}/v1/downloads/{}?ticket={}", app.public_url, file.id, ticket.text),
            expires_at: ticket.expires_at.to_string(),
        }
    };
    let files = update.files.iter().map(file).collect();
    let release = update.release;
    let out = UpdateOut {
        version: release.version,
        channel: release.channel,
        notes: release.notes,
        published_at: release.published_at.map(|at| at.to_string()),
        files,
    };
    Ok(private(Json(out).into_response()))
}

/// The same for electron-updater, by its generic provider (`Authorization: License <code>`).
///
/// `latest.yml` is for Windows, `latest-mac.yml` and `latest-linux.yml` for the others, `latest-linux-arm64.yml` for
/// another processor; `beta.yml` looks in the channel `beta`, too. The files are named by addresses below
/// `/v1/downloads`, which want the same header.
#[utoipa::path(
    get, path = "/v1/updates/{slug}/{manifest}", tag = "updates",
    params(
        ("slug" = String, Path, description = "the product", example = "field-recorder", max_length = 80, pattern = "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"),
        ("manifest" = String, Path, description = "channel and system", example = "latest.yml", max_length = 60, pattern = "^[a-z0-9][a-z0-9-]*\\.yml$"),
    ),
    responses(
        (status = 200, description = "the manifest", content_type = "application/yaml", body = ManifestOut),
        (status = 401, description = "`invalid_credentials`: no code"),
        (status = 403, description = "`code_refused`, with the reason in `license_code` if the code itself is genuine"),
    )
)]
async fn manifest(
    State(app): State<App>,
    NamePath((slug, manifest)): NamePath<(String, String)>,
    source: Source,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let wanted = System::of_manifest(&manifest).ok_or_else(Problem::not_found)?;
    let code = downloads::code(&headers)?;
    let update = app.engine.update_manifest(code, &slug, wanted, &source.0).await??;
    let update = update.ok_or_else(Problem::not_found)?;
    let yaml = [(header::CONTENT_TYPE, "application/yaml; charset=utf-8")];
    // Every text of JSON is one of YAML.
    let text = serde_json::to_string_pretty(&ManifestOut::of(update)).unwrap_or_default();
    Ok(private((yaml, text).into_response()))
}

/// What depends on a code is kept by nobody on the way.
fn private(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// What electron-updater reads.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = UpdateManifest)]
struct ManifestOut {
    version: String,
    files: Vec<ManifestFile>,
    /// The first of them, which versions before 4 read.
    path: String,
    sha512: String,
    #[schema(example = "Quieter.")]
    release_notes: String,
    #[schema(example = "2026-11-29T12:00:00.000Z")]
    release_date: String,
}

/// A file of a manifest.
#[derive(Debug, Serialize, ToSchema)]
struct ManifestFile {
    /// From the manifest's own address.
    #[schema(example = "../../downloads/fil_06bq3v8k2m9zc/field-recorder.zip")]
    url: String,
    /// In base64.
    sha512: String,
    #[schema(example = 1_048_576)]
    size: u64,
}

impl ManifestOut {
    fn of(update: Update) -> Self {
        let file = |file: &File| ManifestFile {
            url: address(file),
            sha512: file.sha512.clone(),
            size: file.size,
        };
        let (release, first) = (update.release, update.files.first());
        Self {
            version: release.version.trim_start_matches('v').to_owned(),
            path: first.map(address).unwrap_or_default(),
            sha512: first.map(|file| file.sha512.clone()).unwrap_or_default(),
            files: update.files.iter().map(file).collect(),
            release_notes: release.notes,
            release_date: release.published_at.map(|at| at.to_string()).unwrap_or_default(),
        }
    }
}

/// Where a file is, seen from a manifest. It ends with its name, by which updaters tell what it is.
fn address(file: &File) -> String {
    let mut out = format!("../../downloads/{}/", file.id);
    for byte in file.name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}
