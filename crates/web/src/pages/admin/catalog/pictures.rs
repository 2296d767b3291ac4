//! Pictures of a product: uploaded, described, ordered, taken away.

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use bytes::Bytes;
use futures_util::StreamExt;
use http::{HeaderValue, header};
use maud::{Markup, html};
use scrip_domain::catalog::{PICTURE_TYPES, Picture, Product};
use scrip_engine::catalog::product::ProductFields;
use scrip_license::Digest;
use serde::Deserialize;

use super::fields::{refused, wrong};
use super::files::put_away;
use super::{Catalogue, Desk, See, address, named, part_again};
use crate::App;
use crate::extract::NamePath;
use crate::pages::form::{Field, Form, mistake};
use crate::pages::look::blank;
use crate::pages::multipart::Parts;
use crate::problem::Problem;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/admin/products/{slug}/pictures", get(list).post(add))
        .route("/admin/products/{slug}/pictures/change", post(change))
        .route("/admin/products/{slug}/pictures/{sha256}", get(show))
}

/// The most bytes of the text that says what a picture shows: 200 characters.
const ALT: usize = 800;

async fn list(
    State(app): State<App>,
    desk: Desk<Catalogue>,
    NamePath(slug): NamePath<String>,
) -> Result<Response, Problem> {
    let product = named(&app, &slug).await?;
    Ok(pictures_page(&app, &desk, &product, "", None))
}

/// A picture of a product in any state, for the staff alone.
async fn show(
    State(app): State<App>,
    _: Desk<See>,
    NamePath((slug, sha256)): NamePath<(String, String)>,
) -> Result<Response, Problem> {
    let product = named(&app, &slug).await?;
    let picture = product.pictures.iter().find(|picture| picture.object == sha256);
    let media_type = picture
        .and_then(|picture| PICTURE_TYPES.into_iter().find(|known| *known == picture.media_type));
    let media_type = media_type.ok_or_else(Problem::not_found)?;
    let sha256: Digest = sha256.parse().map_err(|_| Problem::not_found())?;
    let object = app.engine.objects().get(sha256).await?.ok_or_else(Problem::not_found)?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(media_type)),
        (header::CONTENT_LENGTH, HeaderValue::from(object.size())),
        (header::CACHE_CONTROL, HeaderValue::from_static("private, max-age=300")),
    ];
    let bytes = object.chunks(0..object.size()).map(|chunk| chunk.map(Bytes::from_owner));
    Ok((headers, Body::from_stream(bytes)).into_response())
}

async fn add(
    State(app): State<App>,
    desk: Desk<Catalogue>,
    NamePath(slug): NamePath<String>,
    mut parts: Parts,
) -> Result<Response, Problem> {
    let product = named(&app, &slug).await?;
    let mut alt = String::new();
    let mut added: Vec<Picture> = Vec::new();
    while let Some(head) = parts.next().await? {
        match (head.name.as_str(), &head.file) {
            ("alt", None) => alt = parts.text(ALT).await?,
            ("picture", Some(name)) if !name.is_empty() => {
                let media_type = head.media_type.unwrap_or_default().to_ascii_lowercase();
                if !PICTURE_TYPES.contains(&media_type.as_str()) {
                    let problem =
                        Problem::field("picture", "a PNG, JPEG, WebP, AVIF or GIF picture");
                    return Ok(pictures_page(&app, &desk, &product, &alt, Some(&problem)));
                }
                let stored = put_away(&app, &mut parts).await?;
                let object = stored.sha256.to_string();
                added.push(Picture { alt: alt.clone(), object, media_type });
            }
            _ => {}
        }
    }
    if added.is_empty() {
        let problem = Problem::field("picture", "choose a picture");
        return Ok(pictures_page(&app, &desk, &product, &alt, Some(&problem)));
    }
    let with = |now: ProductFields| {
        let mut pictures = now.pictures;
        for new in &added {
            // The same picture again is that picture, described anew.
            match pictures.iter_mut().find(|old| old.object == new.object) {
                Some(old) => *old = new.clone(),
                None => pictures.push(new.clone()),
            }
        }
        ProductFields { pictures, ..now }
    };
    Ok(match app.engine.amend_product(desk.staff, &slug, with).await? {
        Ok(product) => to_pictures(&product.slug),
        Err(refusal) => pictures_page(&app, &desk, &product, &alt, Some(&refusal.into())),
    })
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ChangeForm {
    object: String,
    alt: String,
    /// `save`, `up`, `down` or `remove`.
    act: String,
}

async fn change(
    State(app): State<App>,
    desk: Desk<Catalogue>,
    NamePath(slug): NamePath<String>,
    Form(form): Form<ChangeForm>,
) -> Result<Response, Problem> {
    let with = |now: ProductFields| {
        let mut pictures = now.pictures;
        arrange(&mut pictures, &form);
        ProductFields { pictures, ..now }
    };
    Ok(match app.engine.amend_product(desk.staff, &slug, with).await? {
        Ok(product) => to_pictures(&product.slug),
        Err(refusal) => {
            let product = named(&app, &slug).await?;
            let problem = Problem::from(refusal);
            let detail = problem.errors().first().map_or(problem.detail(), |error| &error.detail);
            let about = Problem::field(format!("alt-{}", form.object), detail);
            pictures_page(&app, &desk, &product, "", Some(&about))
        }
    })
}

/// Does to the picture what was asked for; one that somebody else has removed is left alone.
fn arrange(pictures: &mut Vec<Picture>, form: &ChangeForm) {
    let Some(place) = pictures.iter().position(|picture| picture.object == form.object) else {
        return;
    };
    match form.act.as_str() {
        "up" if place > 0 => pictures.swap(place, place.saturating_sub(1)),
        "down" if place.saturating_add(1) < pictures.len() => {
            pictures.swap(place, place.saturating_add(1));
        }
        "remove" => drop(pictures.remove(place)),
        "save" => {
            if let Some(picture) = pictures.get_mut(place) {
                picture.alt.clone_from(&form.alt);
            }
        }
        _ => {}
    }
}

fn to_pictures(slug: &str) -> Response {
    Redirect::to(&format!("{}/pictures", address(slug))).into_response()
}

fn pictures_page(
    app: &App,
    desk: &Desk<Catalogue>,
    product: &Product,
    alt: &str,
    problem: Option<&Problem>,
) -> Response {
    let at = format!("{}/pictures", address(&product.slug));
    let hint =
        "For those who do not see it: “A recorder on a windowsill”. Empty for mere decoration.";
    let main = html! {
        (refused(problem))
        @if product.pictures.is_empty() {
            (blank("No pictures yet", "The first one stands for the product in lists.", None))
        } @else {
            p { "The first one stands for the product in lists." }
            ol.pictures {
                @for (place, picture) in product.pictures.iter().enumerate() {
                    (one(&at, place, product.pictures.len(), picture, problem))
                }
            }
        }
        h2 { "Add a picture" }
        form.narrow method="post" action=(at) enctype="multipart/form-data" {
            (Field { name: "alt", label: "What it shows", kind: "text", value: alt, autocomplete: "off",
                required: false, hint: Some(hint), error: wrong(problem, "alt").or_else(|| wrong(problem, "pictures")) })
            div.field {
                label for="picture" { "Picture" }
                p.hint #picture-hint { "PNG, JPEG, WebP, AVIF or GIF, wider than high: lists show 3 to 2." }
                input #picture name="picture" type="file" accept=(PICTURE_TYPES.join(",")) required
                    aria-describedby="picture-hint picture-error"
                    aria-invalid=[wrong(problem, "picture").map(|_| "true")];
                @if let Some(text) = wrong(problem, "picture") { (mistake(Some("picture-error"), text)) }
            }
            button type="submit" { "Upload" }
        }
    };
    part_again((app, desk), product, "Pictures", &main, problem)
}

fn one(
    at: &str,
    place: usize,
    count: usize,
    picture: &Picture,
    problem: Option<&Problem>,
) -> Markup {
    let id = format!("alt-{}", picture.object);
    let error = wrong(problem, &id);
    html! {
        li {
            img src={ (at) "/" (picture.object) } alt=(picture.alt) width="240" height="160" loading="lazy";
            form method="post" action={ (at) "/change" } {
                input type="hidden" name="object" value=(picture.object);
                div.field {
                    label for=(id) { "What it shows" }
                    input id=(id) name="alt" type="text" value=(picture.alt) maxlength="200" autocomplete="off"
                        aria-describedby=[error.map(|_| format!("{id}-error"))]
                        aria-invalid=[error.map(|_| "true")];
                    @if let Some(text) = error { (mistake(Some(&format!("{id}-error")), text)) }
                }
                div.row {
                    button.second type="submit" name="act" value="save" { "Save" }
                    @if place > 0 { button.plain type="submit" name="act" value="up" { "Earlier" } }
                    @if place.saturating_add(1) < count { button.plain type="submit" name="act" value="down" { "Later" } }
                    button.plain type="submit" name="act" value="remove" { "Remove" }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_arranged_and_nothing_falls_off_an_end() {
        let picture = |object: &str| Picture {
            alt: String::new(),
            object: object.into(),
            media_type: "image/png".into(),
        };
        let mut pictures = vec![picture("a"), picture("b"), picture("c")];
        let mut act = |object: &str, act: &str| {
            let form = ChangeForm { object: object.into(), alt: "x".into(), act: act.into() };
            arrange(&mut pictures, &form);
            pictures.iter().map(|picture| picture.object.as_str()).collect::<String>()
        };
        assert_eq!(act("a", "up"), "abc");
        assert_eq!(act("b", "up"), "bac");
        assert_eq!(act("c", "down"), "bac");
        assert_eq!(act("b", "down"), "abc");
        assert_eq!(act("d", "remove"), "abc");
        assert_eq!(act("b", "remove"), "ac");
        assert_eq!(act("c", "save"), "ac");
        assert_eq!(pictures[1].alt, "x");
    }
}
