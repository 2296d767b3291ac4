//! The favicon, a shop's sign in a browser's tab: the first letter of its name on its colour.
//!
//! A logo is made for the head of a page and cannot be read at sixteen pixels.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use http::{Uri, header};
use maud::html;
use scrip_domain::look::Accent;
use scrip_domain::settings::Settings;

use super::theme::ground;
use crate::App;
use crate::problem::Problem;

/// Where it is.
pub const ICON: &str = "/icon.svg";
/// What a browser asks for that reads no page, or no SVG.
pub const ICO: &str = "/favicon.ico";

/// The letter and its ground.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Favicon {
    letter: char,
    ground: Accent,
}

impl Favicon {
    fn of(name: &str, accent: Option<Accent>) -> Self {
        let letter = name.chars().find(|letter| letter.is_alphanumeric());
        // What is more than one letter in capitals stays as it is.
        let capital = |letter: char| {
            let mut capitals = letter.to_uppercase();
            capitals.next().filter(|_| capitals.next().is_none()).unwrap_or(letter)
        };
        Self { letter: letter.map_or('·', capital), ground: ground(accent) }
    }

    /// Its address, which changes with it.
    fn address(self) -> String {
        let Self { letter, ground: Accent([red, green, blue]) } = self;
        format!("{ICON}?{red:02x}{green:02x}{blue:02x}{:x}", u32::from(letter))
    }

    fn drawn(self) -> String {
        let drawn = html! {
            svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32" {
                rect width="32" height="32" rx="7" fill=(self.ground);
                text x="16" y="23" text-anchor="middle" font-family="system-ui, sans-serif" font-size="20" font-weight="700"
                    fill="#fff" { (self.letter) }
            }
        };
        drawn.into_string()
    }
}

impl From<&Settings> for Favicon {
    fn from(settings: &Settings) -> Self {
        Self::of(&settings.name, settings.look.accent)
    }
}

/// The favicon's address.
pub fn favicon_now(settings: &Settings) -> String {
    Favicon::from(settings).address()
}

/// The favicon.
pub async fn show(State(app): State<App>, uri: Uri) -> Result<Response, Problem> {
    let favicon = Favicon::from(&app.engine.vendor().await?.settings);
    let current = uri.path_and_query().is_some_and(|asked| asked.as_str() == favicon.address());
    // An address of yesterday may be asked for by a page of yesterday: it gets today's, and keeps nothing.
    let keep = if current { "public, max-age=31536000, immutable" } else { "no-cache" };
    let headers = [
        (header::CONTENT_TYPE, "image/svg+xml"),
        (header::CACHE_CONTROL, keep),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    Ok((headers, favicon.drawn()).into_response())
}

/// Leads to it.
pub async fn lead() -> Redirect {
    Redirect::temporary(ICON)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shop_is_known_by_its_first_letter_on_its_colour() {
        let shop = |name: &str, accent: &str| Favicon::of(name, Accent::parse(accent));
        let favicon = shop("«öl & Farbe»", "#103050");
        assert_eq!((favicon.letter, favicon.address().as_str()), ('Ö', "/icon.svg?103050d6"));
        let drawn = favicon.drawn();
        assert!(drawn.contains("fill=\"#103050\"") && drawn.contains(">Ö</text>"), "{drawn}");
        assert_eq!(shop("ßtraße", "").letter, 'ß', "no capital of one letter");
        assert_eq!(shop("***", "").letter, '·');
        assert_ne!(shop("A", "#ffff00").ground, Accent([255, 255, 0]), "white can be read on it");
    }
}
