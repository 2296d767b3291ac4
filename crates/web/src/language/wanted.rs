//! Which language a caller asks for (RFC 9110, section 12.5.4).

use http::{HeaderMap, header};
use scrip_domain::language::Language;

/// Of the languages that there are, the one that these headers want most; of several that they want alike, the first.
pub fn wanted(headers: &HeaderMap) -> Option<Language> {
    let fields = headers.get_all(header::ACCEPT_LANGUAGE).iter();
    best(fields.filter_map(|value| value.to_str().ok()))
}

fn best<'h>(fields: impl Iterator<Item = &'h str>) -> Option<Language> {
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
            assert_eq!(best([field].into_iter()), language, "{field}");
        }
        assert_eq!(best(["fr", "de"].into_iter()), Some(Language::German));
    }
}
