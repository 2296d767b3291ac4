//! Files of a release that is open: they come by a form, in constant memory, however large they are.
//!
//! ```text
//! bytes ──▶ put away under their digest ──▶ … the next file … ──▶ entered, all together
//!   └─ cut, wrong field ─▶ nothing is entered
//! ```
//! What was put away and not entered is an object that no release names; sending it again finds it there.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::post;
use maud::{Markup, html};
use scrip_domain::catalog::{File, plausible_file_name};
use scrip_engine::catalog::CatalogRefusal;
use scrip_engine::catalog::release::{FileFields, ReleaseFields};
use scrip_engine::objects::Stored;
use serde::Deserialize;

use super::fields::wrong;
use super::releases::{Names, Shown, again, found, to_release};
use super::{Catalogue, Desk};
use crate::App;
use crate::extract::NamePath;
use crate::pages::admin::parts::table_of;
use crate::pages::assets::UPLOAD;
use crate::pages::form::{Field, Form, mistake};
use crate::pages::multipart::{Broken, Parts};
use crate::pages::pay::size_text;
use crate::problem::Problem;

pub fn routes() -> Router<App> {
    let files = "/admin/products/{slug}/releases/{channel}/{version}/files";
    Router::new().route(files, post(upload)).route(&format!("{files}/remove"), post(remove))
}

/// The most bytes of a field beside the files.
const FIELD: usize = 1024;
/// What is said of bytes of which nobody says what they are.
const ANY: &str = "application/octet-stream";

/// What is typed about the files that are uploaded.
#[derive(Clone, Debug, Default)]
pub struct FileForm {
    platform: String,
    media_type: String,
}

/// Puts the part that comes away, under whatever digest it has.
pub async fn put_away(app: &App, parts: &mut Parts) -> Result<Stored, Problem> {
    app.engine.objects().take(parts.bytes()).await?.map_err(|_| Broken.into())
}

async fn upload(
    State(app): State<App>,
    desk: Desk<Catalogue>,
    NamePath(names): NamePath<Names>,
    mut parts: Parts,
) -> Result<Response, Problem> {
    let (_, release, _) = found(&app, &names).await?;
    let mut form = FileForm::default();
    let mut files = Vec::new();
    let problem = if release.published_at.is_some() {
        // Before ten gigabytes have come, and not after.
        Some(CatalogRefusal::ReleasePublished.into())
    } else {
        take(&app, &mut parts, &mut form, &mut files).await?
    };
    let problem = match problem {
        Some(problem) => problem,
        None => {
            let (slug, channel, version) = &names;
            let with =
                |now: ReleaseFields| ReleaseFields { files: joined(now.files, &files), ..now };
            match app.engine.amend_release(desk.staff, slug, channel, version, with).await? {
                Ok(_) => return to_release(&app, &names, "uploaded").await,
                Err(refusal) => at_fields(&refusal.into()),
            }
        }
    };
    let shown = Shown { file: form, problem: Some(&problem), ..Shown::default() };
    again(&app, &desk, &names, &shown).await
}

/// Takes every file of the form; what is wrong with it, if anything is.
async fn take(
    app: &App,
    parts: &mut Parts,
    form: &mut FileForm,
    files: &mut Vec<FileFields>,
) -> Result<Option<Problem>, Problem> {
    while let Some(head) = parts.next().await? {
        match (head.name.as_str(), head.file) {
            ("platform", None) => parts.text(FIELD).await?.trim().clone_into(&mut form.platform),
            ("media_type", None) => {
                parts.text(FIELD).await?.trim().clone_into(&mut form.media_type);
            }
            ("file", Some(name)) if !name.is_empty() => {
                if !plausible_file_name(&name) {
                    let detail = format!(
                        "“{name}” cannot be the name of a file here: no path, no control characters, no dot first, \
                         at most 200 bytes"
                    );
                    return Ok(Some(Problem::field("file", detail)));
                }
                let typed = Some(form.media_type.clone()).filter(|typed| !typed.is_empty());
                let file = FileFields {
                    name,
                    sha256: String::new(),
                    platform: form.platform.clone(),
                    media_type: typed.or(head.media_type).unwrap_or_else(|| ANY.to_owned()),
                };
                if let Err(wrong) = file.check_before_upload() {
                    return Ok(Some(at_fields(&wrong.into())));
                }
                let sha256 = put_away(app, parts).await?.sha256.to_string();
                files.push(FileFields { sha256, ..file });
            }
            _ => {}
        }
    }
    Ok(files.is_empty().then(|| Problem::field("file", "choose a file")))
}

/// The files that there are with those that came. One of the same name takes the place of the one before.
fn joined(mut files: Vec<FileFields>, came: &[FileFields]) -> Vec<FileFields> {
    for new in came {
        let name = new.name.to_lowercase();
        match files.iter_mut().find(|old| old.name.to_lowercase() == name) {
            Some(old) => *old = new.clone(),
            None => files.push(new.clone()),
        }
    }
    files
}

/// What the engine says of a file, at the fields of the form.
fn at_fields(problem: &Problem) -> Problem {
    let mut placed = problem.clone();
    for error in problem.errors() {
        let field = error.field.rsplit('.').next();
        let field = field.filter(|field| matches!(*field, "platform" | "media_type"));
        let field = field.unwrap_or("file");
        placed = placed.with_error(field, "invalid", error.detail.clone());
    }
    placed
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RemoveForm {
    name: String,
}

async fn remove(
    State(app): State<App>,
    desk: Desk<Catalogue>,
    NamePath(names): NamePath<Names>,
    Form(form): Form<RemoveForm>,
) -> Result<Response, Problem> {
    let (slug, channel, version) = &names;
    let with = |mut now: ReleaseFields| {
        now.files.retain(|file| file.name != form.name);
        now
    };
    match app.engine.amend_release(desk.staff, slug, channel, version, with).await? {
        Ok(_) => to_release(&app, &names, "removed").await,
        Err(refusal) => {
            let problem = Problem::from(refusal);
            let shown = Shown { problem: Some(&problem), ..Shown::default() };
            again(&app, &desk, &names, &shown).await
        }
    }
}

/// The files of a release, with a way to remove each if that can be done.
pub fn table(at: &str, files: &[File], changes: bool) -> Markup {
    if files.is_empty() {
        return html! { p { "None yet." } };
    }
    let mut head = vec!["File", "Size", "Platform", "SHA-256"];
    head.extend(changes.then_some("?What can be done"));
    let rows = html! {
            @for file in files { tr {
                th scope="row" { bdi { (file.name) } br; small.hint { (file.media_type) } }
                td title={ (file.size) " bytes" } { (size_text(file.size)) }
                td { @if file.platform.is_empty() { "all" } @else { (file.platform) } }
                td { code.digest { (file.sha256) } }
                @if changes { td {
                    form method="post" action={ (at) "/files/remove" } {
                        input type="hidden" name="name" value=(file.name);
                        button.plain type="submit" aria-label={ "Remove " (file.name) } { "Remove" }
                    }
                } }
            } }
    };
    html! { div.release-files { (table_of("What buyers download", &head, &rows)) } }
}

/// The form that uploads files. The script shows how far they are; without it the form is sent as it is.
pub fn upload_form(at: &str, form: &FileForm, problem: Option<&Problem>) -> Markup {
    let line = |name, label, value, hint| Field {
        name,
        label,
        kind: "text",
        value,
        autocomplete: "off",
        required: false,
        hint: Some(hint),
        error: wrong(problem, name),
    };
    html! {
        form.sheet.card method="post" action={ (at) "/files" } enctype="multipart/form-data" data-upload=(at) {
            h3 { "Upload files" }
            // Before the files: what is said of them comes first.
            div.columns {
                (line("platform", "Platform", &form.platform, "linux-x64, windows, macos. Empty: for all."))
                (line("media_type", "Media type", &form.media_type, "Empty: as your browser says, such as application/zip."))
            }
            div.field {
                label for="file" { "Files" }
                p.hint #file-hint { "As large as you like. A file of the same name takes the place of the one before. If the
                    connection breaks, nothing of the file is kept: upload it again." }
                input #file name="file" type="file" multiple required aria-describedby="file-hint file-error"
                    aria-invalid=[wrong(problem, "file").map(|_| "true")];
                @if let Some(text) = wrong(problem, "file") { (mistake(Some("file-error"), text)) }
            }
            div.row {
                button type="submit" { "Upload" }
                button.second type="button" hidden { "Stop" }
            }
            progress max="100" aria-label="How far the upload is" hidden {}
            p role="status" hidden {}
        }
        script src=(UPLOAD.now()) defer {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_the_same_name_takes_the_place_of_the_one_before() {
        let file = |name: &str, sha256: &str| FileFields {
            name: name.into(),
            sha256: sha256.into(),
            platform: String::new(),
            media_type: ANY.into(),
        };
        let files = joined(
            vec![file("a.zip", "1"), file("b.zip", "2")],
            &[file("A.zip", "3"), file("c.zip", "4")],
        );
        let names: Vec<_> =
            files.iter().map(|file| (file.name.as_str(), file.sha256.as_str())).collect();
        assert_eq!(names, [("A.zip", "3"), ("b.zip", "2"), ("c.zip", "4")]);
    }

    #[test]
    fn what_is_wrong_with_a_file_is_told_at_its_field() {
        let placed = |field: &str| {
            let problem = at_fields(&Problem::field(field, "no"));
            problem.errors().last().map(|error| error.field.clone()).unwrap()
        };
        assert_eq!(placed("files[3].platform"), "platform");
        assert_eq!(placed("files[0].media_type"), "media_type");
        assert_eq!(placed("files"), "file");
    }
}
