//! The shop, for whoever sells: the front page, what there is, what an item is and costs, and the way into the cart.
//!
//! What a visitor sees is the same for every visitor and is kept by caches for a moment; what a member sees is kept by
//! nobody. What is hidden is named with what unlocks it, and with the page that leads there and back.

mod door;
mod feeds;
mod home;
mod list;
mod picture;
mod product;

use axum::Router;
use axum::routing::get;
use maud::{Markup, html};

use crate::App;
use crate::language::text;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/", get(home::show))
        .route("/robots.txt", get(feeds::robots))
        .route("/sitemap.xml", get(feeds::sitemap))
        .route("/feed.xml", get(feeds::feed))
        .route("/products", get(list::show))
        .route("/products/{slug}", get(product::show))
        .route("/products/{slug}/pictures/{sha256}", get(picture::show))
}

/// How many bytes of a description others show.
const CARD: usize = 300;

/// The beginning of a text, for a card: whole words, on one line.
fn beginning(text: &str) -> String {
    let mut out = String::new();
    for word in text.split_whitespace() {
        if out.len().saturating_add(word.len()) >= CARD {
            out.push('…');
            break;
        }
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

/// Names in a sentence: `a`, `a and b`, `a, b and c`.
fn together(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [all @ .., last] => text!("{names} and {last}", names = all.join(", "), last),
    }
}

/// A picture in a frame of its shape, or the first letter of `name` on a calm ground.
pub fn cover(
    slug: &str,
    name: &str,
    picture: Option<&scrip_domain::catalog::Picture>,
    soon: bool,
) -> Markup {
    let Some(picture) = picture else {
        // Always the same ground for the same thing.
        let tone =
            slug.bytes().fold(0_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()))
                % 6;
        let initial = name.chars().find(|sign| sign.is_alphanumeric()).unwrap_or('·');
        return html! {
            div.cover.{ "tone-" (tone) } aria-hidden="true" { (initial.to_uppercase()) }
        };
    };
    html! {
        div.cover {
            img src={ "/products/" (slug) "/pictures/" (picture.object) } alt=(picture.alt) width="600" height="400"
                loading=(if soon { "eager" } else { "lazy" }) decoding="async";
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_ends_with_a_word() {
        assert_eq!(beginning("  A\n  fine tool. "), "A fine tool.");
        let long = beginning(&"word ".repeat(100));
        assert!(long.len() < 310 && long.ends_with("word…"), "{long}");
    }

    #[test]
    fn names_stand_in_a_sentence() {
        assert_eq!(together(&["a", "b", "c"]), "a, b and c");
        assert_eq!(together(&["a", "b"]), "a and b");
        assert_eq!(together(&[]), "");
    }
}
