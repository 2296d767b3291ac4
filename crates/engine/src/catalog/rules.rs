//! Bounds of what staff may enter. What is refused here is refused with the field's name.

use std::collections::{BTreeMap, BTreeSet};

use scrip_domain::catalog::{self, Labels, PICTURE_TYPES, Picture};
use scrip_domain::texts::{Texts, TextsIn};
use scrip_license::{DEFAULT_OFFLINE_DAYS, Limits, Terms};

use super::Wrong;

/// A hundred years: the longest rental and trial, in seconds.
const CENTURY: u64 = 100 * 366 * 86_400;
/// The most uses or processings of one license.
const COUNTS: u64 = 1_000_000_000;
/// The most labels of a kind, and pictures.
const MANY: usize = 20;

pub(crate) fn wrong(field: impl Into<String>, must: impl Into<String>) -> Wrong {
    Wrong { field: field.into(), must: must.into() }
}

/// One line of text: trimmed, `1..=most` characters (or none when `least` is 0), nothing that does
/// not show.
pub(crate) fn line(text: &str, field: &str, least: usize, most: usize) -> Result<String, Wrong> {
    let text = text.trim();
    if !(least..=most).contains(&text.chars().count()) {
        return Err(wrong(field, format!("{least} to {most} characters")));
    }
    if text.chars().any(char::is_control) {
        return Err(wrong(field, "no control characters"));
    }
    Ok(text.to_owned())
}

/// Text of several lines, at most `most` characters: line ends as `\n`, nothing else that does not show.
pub(crate) fn page(text: &str, field: &str, most: usize) -> Result<String, Wrong> {
    if text.chars().count() > most {
        return Err(wrong(field, format!("at most {most} characters")));
    }
    let text = text.replace("\r\n", "\n");
    if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t')) {
        return Err(wrong(field, "no control characters"));
    }
    Ok(text)
}

/// A name in addresses.
pub(super) fn slug(slug: &str, field: &str, most: usize) -> Result<String, Wrong> {
    if slug.len() <= most && catalog::plausible_slug(slug) {
        return Ok(slug.to_owned());
    }
    Err(wrong(field, format!("1 to {most} of a-z, 0-9 and -, with no - at either end")))
}

/// A version: visible, and safe in an address and in a file name.
pub(crate) fn version(version: &str) -> Result<String, Wrong> {
    let plausible = (1..=40).contains(&version.len())
        && version.bytes().all(|b| b.is_ascii_alphanumeric() || b"._+~-".contains(&b))
        && !version.starts_with('.');
    if plausible {
        return Ok(version.to_owned());
    }
    Err(wrong("version", "1 to 40 letters, digits and . _ + ~ -, not a . first"))
}

/// A media type without parameters.
pub(super) fn media_type(text: &str, field: &str) -> Result<String, Wrong> {
    let token = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&b))
    };
    match text.split_once('/') {
        Some((kind, subtype)) if text.len() <= 100 && token(kind) && token(subtype) => {
            Ok(text.to_ascii_lowercase())
        }
        _ => Err(wrong(field, "a media type such as application/zip")),
    }
}

/// SHA-256 in lower-case hexadecimal.
pub(super) fn sha256(text: &str, field: &str) -> Result<String, Wrong> {
    let hex = text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    if hex && text.len() == 64 {
        return Ok(text.to_owned());
    }
    Err(wrong(field, "64 lower-case hexadecimal digits"))
}

pub(super) fn labels(labels: &Labels) -> Result<Labels, Wrong> {
    Ok(Labels {
        categories: distinct(&labels.categories, "categories")?,
        tags: distinct(&labels.tags, "tags")?,
    })
}

/// Texts in further languages, of a product with these labels. A language in which nothing is said is left out.
pub(super) fn texts(texts: &Texts, own: &Labels) -> Result<Texts, Wrong> {
    let mut kept = BTreeMap::new();
    for (language, texts) in &texts.0 {
        let at = |field: &str| format!("texts.{language}.{field}");
        let texts = TextsIn {
            title: line(&texts.title, &at("title"), 0, 200)?,
            summary: line(&texts.summary, &at("summary"), 0, 500)?,
            description: page(&texts.description, &at("description"), 100_000)?,
            categories: names(&texts.categories, own.categories.len(), "categories", &at)?,
            tags: names(&texts.tags, own.tags.len(), "tags", &at)?,
            instructions: page(&texts.instructions, &at("instructions"), 20_000)?,
        };
        if !texts.is_empty() {
            kept.insert(*language, texts);
        }
    }
    Ok(Texts(kept))
}

/// What labels are called in another language: each, in their order, or none.
fn names(
    names: &[String],
    own: usize,
    field: &str,
    at: &impl Fn(&str) -> String,
) -> Result<Vec<String>, Wrong> {
    if !names.is_empty() && names.len() != own {
        return Err(wrong(
            at(field),
            format!("{own}, as there are {field}, in their order; or none"),
        ));
    }
    let name =
        |(index, name): (usize, &String)| line(name, &at(&format!("{field}[{index}]")), 1, 40);
    names.iter().enumerate().map(name).collect()
}

/// Labels, each once, in their order.
fn distinct(labels: &[String], field: &str) -> Result<Vec<String>, Wrong> {
    if labels.len() > MANY {
        return Err(wrong(field, format!("at most {MANY}")));
    }
    let mut seen = BTreeSet::new();
    let mut kept = Vec::with_capacity(labels.len());
    for (index, label) in labels.iter().enumerate() {
        let label = line(label, &format!("{field}[{index}]"), 1, 40)?;
        if seen.insert(label.clone()) {
            kept.push(label);
        }
    }
    Ok(kept)
}

pub(crate) fn pictures(pictures: &[Picture]) -> Result<Vec<Picture>, Wrong> {
    if pictures.len() > MANY {
        return Err(wrong("pictures", format!("at most {MANY}")));
    }
    let picture = |(index, picture): (usize, &Picture)| {
        let at = |field: &str| format!("pictures[{index}].{field}");
        let media_type = media_type(&picture.media_type, &at("media_type"))?;
        if !PICTURE_TYPES.contains(&&*media_type) {
            return Err(wrong(at("media_type"), format!("one of {}", PICTURE_TYPES.join(", "))));
        }
        Ok(Picture {
            alt: line(&picture.alt, &at("alt"), 0, 200)?,
            object: sha256(&picture.object, &at("object"))?,
            media_type,
        })
    };
    pictures.iter().enumerate().map(picture).collect()
}

pub(super) fn terms(terms: Terms) -> Result<Terms, Wrong> {
    let (value, most, field) = match terms {
        Terms::Perpetual => return Ok(terms),
        Terms::Rental { seconds, .. } | Terms::Trial { seconds } => {
            (seconds, CENTURY, "terms.seconds")
        }
        Terms::Uses { count } | Terms::Processings { count, .. } => (count, COUNTS, "terms.count"),
    };
    if (1..=most).contains(&value) { Ok(terms) } else { Err(wrong(field, format!("1 to {most}"))) }
}

pub(super) fn limits(limits: Limits) -> Result<Limits, Wrong> {
    let Limits { machines, downloads, moves, offline_days } = limits;
    for (limit, field) in [(machines, "machines"), (downloads, "downloads"), (moves, "moves")] {
        // Machines that can never be deactivated are a vendor's choice.
        let least = u32::from(field != "moves");
        if limit.is_some_and(|limit| !(least..=1_000_000).contains(&limit)) {
            let rule = format!("{least} to 1000000, or absent for no limit");
            return Err(wrong(format!("limits.{field}"), rule));
        }
    }
    if offline_days.is_some_and(|days| !(1..=3650).contains(&days)) {
        let rule = format!("1 to 3650, or absent for {DEFAULT_OFFLINE_DAYS}");
        return Err(wrong("limits.offline_days", rule));
    }
    Ok(limits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_kept_within_their_bounds() {
        assert_eq!(line("  A title ", "title", 1, 200).unwrap(), "A title");
        assert_eq!(line(" ", "title", 1, 200).unwrap_err().field, "title");
        assert_eq!(line(&"ä".repeat(200), "title", 1, 200).unwrap().chars().count(), 200);
        assert!(line(&"ä".repeat(201), "title", 1, 200).is_err());
        assert!(line("a\nb", "title", 1, 200).is_err());
        assert_eq!(page("a\r\nb\tc", "description", 10).unwrap(), "a\nb\tc");
        assert!(page("a\0", "description", 10).is_err());
        assert!(page("12345678901", "description", 10).is_err());
    }

    #[test]
    fn labels_are_few_short_and_different() {
        let of = |tags: Vec<String>| labels(&Labels { categories: vec![], tags });
        assert_eq!(of(vec!["a".into(), " a".into(), "b".into()]).unwrap().tags, ["a", "b"]);
        assert_eq!(of(vec!["a".into(), "x".repeat(41)]).unwrap_err().field, "tags[1]");
        assert_eq!(of(vec!["a".into(); 21]).unwrap_err().field, "tags");
    }

    #[test]
    fn names_are_safe_in_addresses() {
        for good in ["1.0", "2026.11+build~7", "v2-rc_1"] {
            assert!(version(good).is_ok(), "{good}");
        }
        for bad in ["", "..", ".1", "1/2", "1 2", "1%2", &"1".repeat(41)] {
            assert!(version(bad).is_err(), "{bad}");
        }
        assert_eq!(media_type("Application/Zip", "media_type").unwrap(), "application/zip");
        for bad in ["", "zip", "a/b/c", "a/b; c=d", "a/\n"] {
            assert!(media_type(bad, "media_type").is_err(), "{bad}");
        }
    }

    #[test]
    fn terms_and_limits_have_a_beginning_and_an_end() {
        assert!(terms(Terms::Trial { seconds: 0 }).is_err());
        assert!(terms(Terms::Trial { seconds: CENTURY }).is_ok());
        assert!(terms(Terms::Trial { seconds: CENTURY + 1 }).is_err());
        assert!(terms(Terms::Uses { count: 0 }).is_err());
        assert!(limits(Limits { machines: Some(0), ..Limits::default() }).is_err());
        assert!(limits(Limits { downloads: Some(1), moves: Some(0), ..Limits::default() }).is_ok());
        assert!(limits(Limits { offline_days: Some(0), ..Limits::default() }).is_err());
        assert!(limits(Limits { offline_days: Some(3651), ..Limits::default() }).is_err());
    }
}
