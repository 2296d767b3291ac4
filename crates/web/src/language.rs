//! In which language a page or a letter speaks, and its words.
//!
//! English texts stand in the code and are their own keys, as with gettext: so a page stays readable, and what a catalogue
//! does not have is English. `t` finds a text, `text!` one with places to fill, `say!` the same as markup, `many!` one with a
//! number in it; a test holds the catalogues against every one of them.
//!
//! The task knows the language, and nobody hands it on. Most of the small functions that make a page know nothing of who
//! reads it, and the words of a refusal are found far from any page. Where nobody set a language (in the API and at the
//! console), texts are English and numbers as programs write them.

mod catalogue;
#[cfg(test)]
mod tests;
mod wanted;

use std::fmt::{Display, Write};

use maud::{Markup, PreEscaped, Render};
use scrip_domain::Timestamp;
use scrip_domain::language::Language;
use scrip_domain::settings::Settings;
use scrip_domain::zone::{Local, Zone};

use self::catalogue::Entry;
pub use self::wanted::wanted;

tokio::task_local! {
    static VOICE: Voice;
}

/// How a page or a letter speaks.
#[derive(Clone, Debug, Default)]
pub struct Voice {
    /// Its language; without one it is English, with numbers as programs write them.
    pub language: Option<Language>,
    /// By which clock it tells the time.
    pub zone: Zone,
}

impl Voice {
    /// In this language, by the vendor's clock.
    pub fn of(settings: &Settings, language: Option<Language>) -> Self {
        Self { language, zone: settings.look.time_zone.clone() }
    }
}

impl From<Language> for Voice {
    fn from(language: Language) -> Self {
        Self { language: Some(language), ..Self::default() }
    }
}

/// The language that this task speaks, if somebody set one.
pub fn spoken() -> Option<Language> {
    VOICE.try_with(|voice| voice.language).ok().flatten()
}

/// The clock by which this task tells the time; UTC where nobody set one.
pub fn zone() -> Zone {
    VOICE.try_with(|voice| voice.zone.clone()).unwrap_or_default()
}

/// The language in which a vendor's own texts are read: the one that this task speaks, or else the vendor's.
pub fn reader(settings: &Settings) -> Language {
    spoken().unwrap_or(settings.look.language)
}

/// Does this with `voice`.
pub async fn speaking<T>(voice: Voice, answer: impl Future<Output = T>) -> T {
    VOICE.scope(voice, answer).await
}

/// Writes this with `voice`.
pub fn written<T>(voice: impl Into<Voice>, write: impl FnOnce() -> T) -> T {
    VOICE.sync_scope(voice.into(), write)
}

fn entry(key: &str) -> Option<&'static Entry> {
    catalogue::of(spoken().unwrap_or_default())?.get(key)
}

/// This text, in the language of the task.
pub fn t(key: &'static str) -> &'static str {
    entry(key).map_or(key, |entry| &entry.one)
}

/// Marks a text that [`t`] finds later.
pub const fn key(text: &'static str) -> &'static str {
    text
}

/// For `text!`: a text with its places filled.
pub fn filled(key: &'static str, places: &[(&str, &dyn Display)]) -> String {
    fill(t(key), places)
}

/// For `many!`: one of two texts, as the number wants it. All languages so far tell one from all others.
pub fn counted(
    one: &'static str,
    other: &'static str,
    is_one: bool,
    places: &[(&str, &dyn Display)],
) -> String {
    let form = match entry(one) {
        Some(entry) if is_one => &entry.one,
        Some(entry) => entry.many.as_deref().unwrap_or(other),
        None if is_one => one,
        None => other,
    };
    fill(form, places)
}

/// For `say!`: the text becomes markup, and what is filled in stays the markup that it is.
pub fn marked(key: &'static str, places: &[(&str, Markup)]) -> Markup {
    let mut out = String::new();
    for piece in pieces(t(key)) {
        match piece {
            Piece::Text(text) => text.render_to(&mut out),
            Piece::Place(name) => {
                let found = places.iter().find(|(place, _)| *place == name);
                out.push_str(found.map_or("", |(_, markup)| &markup.0));
            }
        }
    }
    PreEscaped(out)
}

fn fill(form: &str, places: &[(&str, &dyn Display)]) -> String {
    let mut out = String::new();
    for piece in pieces(form) {
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Place(name) => {
                if let Some((_, value)) = places.iter().find(|(place, _)| *place == name) {
                    // Into a String: it cannot fail.
                    let _ = write!(out, "{value}");
                }
            }
        }
    }
    out
}

/// A part of a text with places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece<'a> {
    Text(&'a str),
    /// `{name}`, to be filled in.
    Place(&'a str),
}

fn pieces(form: &str) -> impl Iterator<Item = Piece<'_>> {
    form.split('{').enumerate().flat_map(|(index, part)| {
        let (place, text) = match part.split_once('}') {
            Some((name, text)) if index > 0 => (Some(Piece::Place(name)), text),
            _ => (None, part),
        };
        place.into_iter().chain((!text.is_empty()).then_some(Piece::Text(text)))
    })
}

/// A number with its decimals as the language writes it: `1234.50` becomes `1.234,50`.
pub fn number(digits: &str) -> String {
    let Some(language) = spoken() else { return digits.to_owned() };
    let (whole, parts) = digits.split_once('.').unwrap_or((digits, ""));
    let mut out = String::with_capacity(digits.len().saturating_mul(2));
    for (place, digit) in whole.chars().enumerate() {
        let left = whole.len().saturating_sub(place);
        if place > 0 && left.is_multiple_of(3) {
            out.push(language.group_mark());
        }
        out.push(digit);
    }
    if !parts.is_empty() {
        out.push(language.decimal_mark());
        out.push_str(parts);
    }
    out
}

/// What is filled in by this name: the value given, or the variable that is called so.
macro_rules! value {
    ($name:ident) => {
        $name
    };
    ($name:ident, $value:expr) => {
        $value
    };
}

/// A time by the clock of the task; beyond what a clock can show it stays as it is.
fn local(at: Timestamp) -> Result<Local, String> {
    zone().local(at).ok_or_else(|| at.to_string())
}

/// A day as the language writes it: `2026-11-29`, or `29.11.2026`.
pub fn day(at: Timestamp) -> String {
    local(at).map_or_else(|text| text, |local| day_text(&local))
}

fn day_text(local: &Local) -> String {
    match (spoken(), local.day.split('-').collect::<Vec<_>>().as_slice()) {
        (Some(Language::German), [year, month, day]) => format!("{day}.{month}.{year}"),
        _ => local.day.clone(),
    }
}

/// A day and time in the same way, and in which zone.
pub fn moment(at: Timestamp) -> String {
    let local = match local(at) {
        Ok(local) => local,
        Err(text) => return text,
    };
    let (day, Local { time, zone, .. }) = (day_text(&local), &local);
    match spoken() {
        Some(Language::German) => format!("{day}, {time} {zone}"),
        _ => format!("{day} {time} {zone}"),
    }
}

/// A text with places to fill: `text!("{name} ends on {day}", name = title, day)`.
macro_rules! text {
    ($key:literal $(, $name:ident $(= $value:expr)?)* $(,)?) => {
        $crate::language::filled(
            $key,
            &[$((stringify!($name), &$crate::language::value!($name $(, $value)?))),*],
        )
    };
}

/// The same as markup: what is filled in is what `html!` makes of it, and the text around it is escaped.
macro_rules! say {
    ($key:literal $(, $name:ident $(= $value:expr)?)* $(,)?) => {
        $crate::language::marked(
            $key,
            &[$((stringify!($name), maud::html! { ($crate::language::value!($name $(, $value)?)) })),*],
        )
    };
}

/// A text with a number in it, for one and for all others: `many!(count, "one thing", "{count} things")`.
macro_rules! many {
    ($count:expr, $one:literal, $other:literal $(, $name:ident $(= $value:expr)?)* $(,)?) => {{
        let count = $count;
        $crate::language::counted(
            $one,
            $other,
            count == 1,
            &[("count", &count) $(, (stringify!($name), &$crate::language::value!($name $(, $value)?)))*],
        )
    }};
}

pub(crate) use {many, say, text, value};
