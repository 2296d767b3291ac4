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
use crate::language::{Voice, spoken, t, wanted};
use crate::problem::Problem;

pub fn routes() -> Router<App> {
    Router::new().route("/language", post(choose))
}

/// The language of whoever sent these headers, and the vendor's clock.
pub async fn asked(app: &App, headers: &HeaderMap) -> Voice {
    // Without a vendor there is no shop, and nothing was chosen.
    let vendor = app.engine.vendor().await.ok();
    let chosen = vendor.as_ref().and_then(|vendor| cookie(headers, &Visit::language_name(vendor)));
    let own = || vendor.as_ref().map(|vendor| vendor.settings.look.language);
    let language = chosen.and_then(Language::of_tag).or_else(|| wanted(headers)).or_else(own);
    let zone = vendor.as_ref().map(|vendor| vendor.settings.look.time_zone.clone());
    Voice { language: Some(language.unwrap_or_default()), zone: zone.unwrap_or_default() }
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
