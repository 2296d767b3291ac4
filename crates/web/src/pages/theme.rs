//! The vendor's colour on every page: one accent, from which links and buttons get colours that can be read on light
//! grounds and on dark ones, whatever the vendor has chosen.
//!
//! Contrast is that of WCAG 2.2: at least 4.5 to 1 for text. A colour that has too little is mixed with black, or in the
//! dark scheme with white, as little as is enough: its hue stays.

use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{Uri, header};
use scrip_domain::look::Accent;
use sha2::{Digest, Sha256};

use crate::App;
use crate::problem::Problem;

/// A colour in sRGB.
type Colour = [u8; 3];

/// What text must have at least.
const ENOUGH: f64 = 4.5;
const BLACK: Colour = [0; 3];
const WHITE: Colour = [255; 3];
/// The grounds of the sheet on which the accent is written, the paper first.
const LIGHT: [Colour; 3] = [[0xfc, 0xfc, 0xfb], [0xff, 0xff, 0xff], [0xf3, 0xf4, 0xf2]];
const DARK: [Colour; 3] = [[0x13, 0x16, 0x18], [0x1a, 0x1e, 0x21], [0x1f, 0x24, 0x27]];
/// What is written on the accent in the dark scheme.
const ON_DARK: Colour = [0x0b, 0x10, 0x12];
/// The sheet's own accent in the light scheme.
const OWN: Colour = [0x0a, 0x5a, 0x68];
/// How much of the accent a wash has, of 256.
const WASH: [u32; 2] = [22, 34];

/// Where the vendor's colours are.
pub const THEME: &str = "/theme.css";

/// A vendor's colours as a stylesheet, and its address, which changes with it.
#[derive(Debug)]
pub struct Theme {
    /// The sheet.
    pub sheet: String,
    /// Its address.
    pub address: String,
    /// The accent on light grounds.
    ground: Accent,
}

/// A theme, and the accent that it was made from.
type Made = (Accent, Arc<Theme>);

/// The theme that was made last: a server has one vendor, and a page asks for it each time.
static LAST: Mutex<Option<Made>> = Mutex::new(None);

/// The theme of this accent.
pub fn theme(accent: Accent) -> Arc<Theme> {
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    match &*last {
        Some((of, theme)) if *of == accent => theme.clone(),
        _ => {
            let theme = Arc::new(Theme::of(accent));
            *last = Some((accent, theme.clone()));
            theme
        }
    }
}

impl Theme {
    fn of(accent: Accent) -> Self {
        let sheet = sheet(accent);
        let mut digest = base16ct::lower::encode_string(&Sha256::digest(sheet.as_bytes()));
        digest.truncate(16);
        let ground = Accent(light(accent).accent);
        Self { sheet, address: format!("{THEME}?{digest}"), ground }
    }
}

/// The accent in one scheme, its wash, and what is written on it.
#[derive(Clone, Copy, Debug)]
struct Scheme {
    accent: Colour,
    wash: Colour,
    on_accent: Colour,
}

/// The colours of this accent, as a stylesheet.
pub fn sheet(accent: Accent) -> String {
    let tokens = |scheme: Scheme| {
        let hex = |colour| Accent(colour).to_string();
        let (accent, on, wash) = (hex(scheme.accent), hex(scheme.on_accent), hex(scheme.wash));
        format!(":root{{--accent:{accent};--on-accent:{on};--info-wash:{wash}}}")
    };
    format!(
        "{}@media (prefers-color-scheme:dark){{{}}}",
        tokens(light(accent)),
        tokens(dark(accent))
    )
}

/// The accent as a ground on which white can be read; the sheet's own where the vendor has none.
pub fn ground(accent: Option<Accent>) -> Accent {
    accent.map_or(Accent(OWN), |accent| theme(accent).ground)
}

fn light(accent: Accent) -> Scheme {
    let (accent, wash) = readable(accent.0, BLACK, &LIGHT, WASH[0]);
    Scheme { accent, wash, on_accent: WHITE }
}

fn dark(accent: Accent) -> Scheme {
    let (accent, wash) = readable(accent.0, WHITE, &DARK, WASH[1]);
    Scheme { accent, wash, on_accent: ON_DARK }
}

/// `accent` with as little of `end` as makes it readable on all grounds and on its own wash, and that wash.
fn readable(accent: Colour, end: Colour, grounds: &[Colour; 3], wash: u32) -> (Colour, Colour) {
    let tried = (0..=256).map(|part| {
        let accent = mixed(accent, end, part);
        (accent, mixed(grounds[0], accent, wash))
    });
    let enough = |(accent, wash): &(Colour, Colour)| {
        grounds.iter().chain([wash]).all(|ground| contrast(*accent, *ground) >= ENOUGH)
    };
    tried.into_iter().find(enough).unwrap_or((end, grounds[0]))
}

/// `one` with `part` of 256 of `other`.
fn mixed(one: Colour, other: Colour, part: u32) -> Colour {
    std::array::from_fn(|at| {
        let sum = u32::from(one[at]) * (256 - part) + u32::from(other[at]) * part;
        u8::try_from(sum / 256).unwrap_or(u8::MAX)
    })
}

/// The contrast of two colours, 1 to 21 (WCAG 2.2).
fn contrast(one: Colour, other: Colour) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

fn luminance(colour: Colour) -> f64 {
    let linear = |part: u8| {
        let part = f64::from(part) / 255.0;
        if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    };
    let [red, green, blue] = colour.map(linear);
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}

/// The vendor's colours; nothing where it has none of its own.
pub async fn show(State(app): State<App>, uri: Uri) -> Result<Response, Problem> {
    let vendor = app.engine.vendor().await?;
    let theme = vendor.settings.look.accent.map(theme);
    let current = theme.as_ref().is_some_and(|theme| {
        uri.path_and_query().is_some_and(|asked| asked.as_str() == theme.address)
    });
    // An address of yesterday may be asked for by a page of yesterday: it gets today's colours, and keeps nothing.
    let keep = if current { "public, max-age=31536000, immutable" } else { "no-cache" };
    let headers = [
        (header::CONTENT_TYPE, "text/css; charset=utf-8"),
        (header::CACHE_CONTROL, keep),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    Ok((headers, theme.map_or_else(String::new, |theme| theme.sheet.clone())).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A colour of each hue, bright and dull, light and dark.
    fn colours() -> impl Iterator<Item = Colour> {
        let steps = [0_u8, 32, 64, 96, 128, 160, 192, 224, 255];
        steps.into_iter().flat_map(move |red| {
            steps
                .into_iter()
                .flat_map(move |green| steps.into_iter().map(move |blue| [red, green, blue]))
        })
    }

    #[test]
    fn every_colour_becomes_readable() {
        for colour in colours() {
            for (scheme, grounds) in [(light(Accent(colour)), LIGHT), (dark(Accent(colour)), DARK)]
            {
                for ground in grounds.into_iter().chain([scheme.wash]) {
                    let contrast = contrast(scheme.accent, ground);
                    assert!(contrast >= ENOUGH, "{colour:?} on {ground:?}: {contrast}");
                }
                let on = contrast(scheme.accent, scheme.on_accent);
                assert!(on >= ENOUGH, "on {colour:?}: {on}");
            }
        }
    }

    #[test]
    fn a_colour_that_is_readable_stays() {
        let teal = Accent([0x0a, 0x5a, 0x68]);
        assert_eq!(light(teal).accent, teal.0);
        let pale = Accent([0x7c, 0xc7, 0xd4]);
        assert_eq!(dark(pale).accent, pale.0);
    }

    #[test]
    fn contrast_is_that_of_the_guidelines() {
        assert!((contrast(BLACK, WHITE) - 21.0).abs() < 1e-9);
        // #777777 on white, the usual example of not enough.
        assert!((contrast([0x77; 3], WHITE) - 4.478).abs() < 0.001);
    }

    #[test]
    fn the_colours_are_those_of_the_sheet() {
        let sheet = include_str!("style.css");
        assert!(sheet.contains(&format!("--accent: {};", Accent(OWN))));
        for (name, colour) in ["paper", "raised", "inset"].into_iter().zip(LIGHT) {
            assert!(sheet.contains(&format!("--{name}: {};", Accent(colour))), "{name}");
        }
        for (name, colour) in ["paper", "raised", "inset"].into_iter().zip(DARK) {
            assert!(sheet.contains(&format!("    --{name}: {};", Accent(colour))), "{name}");
        }
    }
}
