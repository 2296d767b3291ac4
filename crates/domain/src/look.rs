//! How a shop looks and what it says of itself: a colour, a logo, a few texts.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::catalog::Picture;
use crate::language::Language;
use crate::zone::Zone;

/// What a vendor's pages look like. Without anything set they are Scrip's own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Look {
    /// The colour of links and buttons; pages make it lighter or darker until it can be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accent: Option<Accent>,
    /// In the place of the name at the head of every page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logo: Option<Picture>,
    /// One line below the name on the front page.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub tagline: String,
    /// What the front page says of the shop, Markdown.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub introduction: String,
    /// At the foot of every page, plain text.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub footer: String,
    /// The language of pages and letters for who asks for no other that there is.
    #[serde(skip_serializing_if = "is_english")]
    pub language: Language,
    /// By which clock pages and letters tell the time, and days are meant that people type.
    #[serde(skip_serializing_if = "is_utc")]
    pub time_zone: Zone,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_english(language: &Language) -> bool {
    *language == Language::English
}

fn is_utc(zone: &Zone) -> bool {
    *zone == Zone::default()
}

/// A colour in sRGB, written `#rrggbb`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Accent(pub [u8; 3]);

impl Accent {
    /// Reads `#rrggbb`, in digits of any case.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6)?;
        // A sign is no digit, though numbers may begin with one.
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        let all = u32::from_str_radix(digits, 16).ok()?;
        let [_, red, green, blue] = all.to_be_bytes();
        Some(Self([red, green, blue]))
    }
}

impl fmt::Display for Accent {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        write!(to, "#{red:02x}{green:02x}{blue:02x}")
    }
}

impl From<Accent> for String {
    fn from(accent: Accent) -> Self {
        accent.to_string()
    }
}

impl TryFrom<String> for Accent {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("a colour such as #0a5a68")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colour_is_six_digits() {
        let accent = Accent::parse("#0A5a68").unwrap();
        assert_eq!(accent, Accent([10, 90, 104]));
        assert_eq!(accent.to_string(), "#0a5a68");
        for bad in ["", "#", "0a5a68", "#0a5a6", "#0a5a688", "#+a5a68", "#0a5a6g", "#ä5a68"] {
            assert_eq!(Accent::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn what_is_not_set_is_not_written() {
        assert_eq!(serde_json::to_string(&Look::default()).unwrap(), "{}");
        let look: Look = serde_json::from_str(r##"{"accent":"#0a5a68"}"##).unwrap();
        assert_eq!(look.accent, Accent::parse("#0a5a68"));
        assert!(serde_json::from_str::<Look>(r#"{"accent":"red"}"#).is_err());
    }
}
