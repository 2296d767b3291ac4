//! In which language somebody reads: what they chose here, what their browser asks for (RFC 9110, section 12.5.4), or the
//! vendor's own.
//!
//! Every page that is not the same for all says so in `Vary`, so that no cache shows one reader's language to another.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::post;
use http::{HeaderMap, Method, Uri, header};
use maud::{Markup, html};
use scrip_domain::language::Language;
use scrip_engine::account::PersonEdit;
use serde::Deserialize;

use super::form::Form;
use super::visit::{Local, Visit, cookie};
use crate::App;
use crate::language::{spoken, t};
use crate::problem::Problem;

pub fn routes() -> Router<App> {
    Router::new().route("/language", post(choose))
}

/// The language of whoever sent these headers.
pub async fn asked(app: &App, headers: &HeaderMap) -> Language {
    // Without a vendor there is no shop, and nothing was chosen.
    let vendor = app.engine.vendor().await.ok();
    let chosen = vendor.as_ref().and_then(|vendor| cookie(headers, &Visit::language_name(vendor)));
    let wanted = || {
        let all = headers.get_all(header::ACCEPT_LANGUAGE).iter();
        wanted(all.filter_map(|value| value.to_str().ok()))
    };
    let own = || vendor.as_ref().map(|vendor| vendor.settings.look.language);
    chosen.and_then(Language::of_tag).or_else(wanted).or_else(own).unwrap_or_default()
}

/// Of the languages that there are, the one that a browser wants most; of several that it wants alike, the first.
fn wanted<'h>(fields: impl Iterator<Item = &'h str>) -> Option<Language> {
    let ranges = fields.flat_map(|field| field.split(',')).filter_map(|range| {
        let (tag, rest) = range.split_once(';').unwrap_or((range, ""));
        let language = Language::of_tag(tag.trim())?;
        let weight = weight(rest.trim().strip_prefix("q=").unwrap_or("1"));
        (weight > 0).then_some((language, weight))
    });
    let best = ranges.reduce(|best, other| if other.1 > best.1 { other } else { best });
    best.map(|(language, _)| language)
}

/// A weight in thousandths; what is none weighs nothing.
fn weight(text: &str) -> u16 {
    let (whole, parts) = text.split_once('.').unwrap_or((text, ""));
    let digits = parts.len() <= 3 && parts.bytes().all(|digit| digit.is_ascii_digit());
    match whole {
        "1" if digits => 1000,
        "0" if digits => format!("{parts:0<3}").parse().unwrap_or(0),
        _ => 0,
    }
}

#[derive(Debug, Deserialize)]
struct Choice {
    language: String,
    #[serde(default)]
    next: String,
}

/// Remembers the language, in the browser and for the letters of who is signed in, and goes back to the page.
async fn choose(
    State(app): State<App>,
    visit: Visit,
    Form(choice): Form<Choice>,
) -> Result<Response, Problem> {
    let language = Language::ALL.into_iter().find(|language| language.tag() == choice.language);
    let language =
        language.ok_or_else(|| Problem::field("language", t("there is no such language")))?;
    let next = Local::new(&choice.next).or_else(|| Local::new("/")).unwrap_or_default();
    if let Some((buyer, _)) = &visit.member
        && app.engine.provider().is_none()
    {
        let edit = PersonEdit { language: Some(Some(language)), ..PersonEdit::default() };
        app.engine.edit_account(buyer.account, edit).await??;
    }
    let cookie = Visit::speak(&visit.vendor, language);
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to(next.as_str())).into_response())
}

/// The page to come back to after a choice: this one, or the one whose form was answered by it.
pub fn here(method: &Method, uri: &Uri, headers: &HeaderMap) -> Local {
    let shown = |uri: &Uri| uri.path_and_query().and_then(|path| Local::new(path.as_str()));
    let asked = matches!(*method, Method::GET | Method::HEAD);
    let page = if asked {
        shown(uri)
    } else {
        let from = headers.get(header::REFERER).and_then(|from| from.to_str().ok());
        from.and_then(|from| from.parse().ok()).and_then(|from| shown(&from))
    };
    page.or_else(|| Local::new("/")).unwrap_or_default()
}

/// The way to every other language, in that language.
pub fn switch(here: &Local) -> Markup {
    let now = spoken().unwrap_or_default();
    html! {
        form method="post" action="/language" {
            input type="hidden" name="next" value=(here.as_str());
            @for other in Language::ALL.into_iter().filter(|other| *other != now) {
                button.plain type="submit" name="language" value=(other) lang=(other) { (other.name()) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_browser_says_what_it_wants_most() {
        for (field, language) in [
            ("de", Some(Language::German)),
            ("de-CH, en;q=0.5", Some(Language::German)),
            ("fr, en;q=0.3, de;q=0.7", Some(Language::German)),
            ("de;q=0.5,en;q=0.50", Some(Language::German)),
            ("de;q=0, en;q=0.001", Some(Language::English)),
            ("en, de", Some(Language::English)),
            ("de;q=0", None),
            ("de;q=2", None),
            ("fr, *;q=0.5", None),
            ("", None),
        ] {
            assert_eq!(wanted([field].into_iter()), language, "{field}");
        }
        assert_eq!(wanted(["fr", "de"].into_iter()), Some(Language::German));
    }

    #[test]
    fn one_comes_back_to_a_page_that_can_be_opened() {
        let here = |method: Method, uri: &str, from: Option<&str>| {
            let mut headers = HeaderMap::new();
            if let Some(from) = from {
                headers.insert(header::REFERER, from.parse().unwrap());
            }
            here(&method, &uri.parse().unwrap(), &headers).as_str().to_owned()
        };
        assert_eq!(here(Method::GET, "/products?q=a", None), "/products?q=a");
        let from = Some("https://shop.example/cart?x=y");
        assert_eq!(here(Method::POST, "/cart/lines", from), "/cart?x=y");
        assert_eq!(here(Method::POST, "/cart/lines", Some("https://evil.example//evil")), "/");
        assert_eq!(here(Method::POST, "/cart/lines", None), "/");
    }
}
