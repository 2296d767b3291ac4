//! What programs read of the shop, all of it as a visitor sees it: what may be indexed, where everything is, what is new.

use std::fmt::Write;
use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};
use scrip_engine::catalog::list::{Ask, Item, ListRefusal};

use crate::App;
use crate::answer::VISITORS;
use crate::api::products::VARY_TEXTS;
use crate::caller::AtSeller;
use crate::language::reader;
use crate::pages::legal;
use crate::problem::Problem;

/// How many of the newest products the site map names: one read, and a few hundred kilobytes.
const MAP: u32 = 1000;
/// How many the feed tells of.
const NEWS: u32 = 20;
/// Pages that are one browser's own, or send it away.
const OWN: [&str; 12] = [
    "/admin",
    "/account",
    "/buy/",
    "/cart",
    "/checkout",
    "/connect",
    "/library",
    "/orders",
    "/pay/",
    "/register",
    "/sign-in",
    "/wallet",
];

/// What search engines are to leave alone.
pub async fn robots(State(app): State<App>) -> Response {
    let mut text = "User-agent: *\n".to_owned();
    for path in OWN {
        let _ = writeln!(text, "Disallow: {path}");
    }
    let _ = writeln!(text, "\nSitemap: {}/sitemap.xml", app.public_url);
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}

/// Every page that a visitor can read (sitemaps.org), of the products the newest.
pub async fn sitemap(_: AtSeller, State(app): State<App>) -> Result<Response, Problem> {
    let texts = app.engine.legal_texts().await?;
    let mut paths = vec!["/".to_owned(), "/products".to_owned()];
    paths.extend(texts.iter().map(|legal| legal::address(legal.text.name)));
    paths.extend(visible(&app, MAP).await?.iter().map(|item| format!("/products/{}", item.slug)));
    let mut xml = HEAD.to_owned();
    xml.push_str("<urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n");
    for path in paths {
        let _ =
            writeln!(xml, "<url><loc>{}{}</loc></url>", escaped(&app.public_url), escaped(&path));
    }
    xml.push_str("</urlset>\n");
    Ok(reply("application/xml", xml))
}

/// The newest products (Atom, RFC 4287).
pub async fn feed(_: AtSeller, State(app): State<App>) -> Result<Response, Problem> {
    let vendor = app.engine.vendor().await?;
    let (url, name) = (escaped(&app.public_url), escaped(&vendor.settings.name));
    let items = visible(&app, NEWS).await?;
    let newest = items.first().map(|item| item.created_at);
    let updated = newest.unwrap_or_else(|| app.engine.now());
    let mut xml = HEAD.to_owned();
    let _ = writeln!(
        xml,
        "<feed xmlns=\"http://www.w3.org/2005/Atom\"><title>{name}</title><id>{url}/</id><updated>{updated}</updated>\
         <link href=\"{url}/\"/><link rel=\"self\" href=\"{url}/feed.xml\"/><author><name>{name}</name></author>"
    );
    for item in items.iter() {
        let (title, summary, at) = (escaped(&item.title), escaped(&item.summary), item.created_at);
        let address = format!("{url}/products/{}", escaped(&item.slug));
        let _ = writeln!(
            xml,
            "<entry><title>{title}</title><id>{address}</id><link href=\"{address}\"/><updated>{at}</updated>\
             <summary>{summary}</summary></entry>"
        );
    }
    xml.push_str("</feed>\n");
    Ok(reply("application/atom+xml", xml))
}

const HEAD: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n";

/// The newest products that a visitor sees; none where products are for members.
async fn visible(app: &App, count: u32) -> Result<Arc<[Item]>, Problem> {
    let language = reader(&app.engine.vendor().await?.settings);
    match app.engine.list_products(None, &Ask::default(), None, count, language).await? {
        Ok(listed) => Ok(listed.items),
        Err(ListRefusal::Gate(_)) => Ok(Arc::default()),
        Err(ListRefusal::BadCursor) => Err(Problem::no_page()),
    }
}

fn reply(media_type: &'static str, xml: String) -> Response {
    let media_type = HeaderValue::from_static(media_type);
    let headers = [
        (header::CONTENT_TYPE, media_type),
        (header::CACHE_CONTROL, VISITORS),
        (header::VARY, VARY_TEXTS),
    ];
    (headers, xml).into_response()
}

/// A text between tags or quotes of XML.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for sign in text.chars() {
        match sign {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // What no document of XML may have, escaped or not (XML 1.0, section 2.2).
            '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {}
            sign => out.push(sign),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_text_becomes_markup() {
        assert_eq!(escaped("<a href=\"x\">&"), "&lt;a href=&quot;x&quot;&gt;&amp;");
    }

    #[test]
    fn what_xml_cannot_have_is_left_out() {
        assert_eq!(escaped("a\u{ffff}b\u{fffe}c\u{b}d\te\n\u{10ffff}"), "abcd\te\n\u{10ffff}");
    }
}
