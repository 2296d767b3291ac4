//! Texts that people type: what they may be, for the document and in fact.

use crate::language::{t, text};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::openapi::schema::Type;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// One line of `LEAST` to `MOST` characters that all show. Blanks around it count, and are then dropped.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Line<const LEAST: usize, const MOST: usize>(pub String);

/// `LEAST` to `MOST` characters on any number of lines. Besides line ends and tabs, all show. Where there
/// must be some, blanks around them are dropped; elsewhere they may mean something, as in Markdown.
#[derive(Clone, Debug, Default)]
pub struct Text<const LEAST: usize, const MOST: usize>(pub String);

/// `LEAST` to `MOST` characters of whatever kind, as they come: only compared, or only hashed.
#[derive(Clone, Debug, Default)]
pub struct Any<const LEAST: usize, const MOST: usize>(pub String);

/// At most `MOST` characters that somebody pasted: blanks around them are dropped.
#[derive(Clone, Debug, Default)]
pub struct Pasted<const MOST: usize>(pub String);

/// 1 to `MOST` characters of ASCII that can be seen, as in a key.
#[derive(Clone, Debug, Default)]
pub struct Visible<const MOST: usize>(pub String);

/// Characters of a line, and what may stand between two of a text, as parts of ECMA-262 patterns.
const SHOWS: &str = r"[^\u0000-\u001f\u007f-\u009f]";
const SHOWS_OR_ENDS_A_LINE: &str = r"([^\u0000-\u0008\u000b-\u001f\u007f-\u009f]|\r\n)";
/// A character that is neither blank nor a control character.
const NOT_BLANK: &str =
    r"[^\u0000-\u0020\u007f-\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]";

impl<const LEAST: usize, const MOST: usize> Line<LEAST, MOST> {
    /// Reads what was typed, or says what is wrong with it.
    pub fn read(text: &str) -> Result<Self, String> {
        let wrong = wrong(text, LEAST, MOST, char::is_control);
        wrong.map_or_else(|| Ok(Self(text.trim().to_owned())), Err)
    }
}

impl<const LEAST: usize, const MOST: usize> Text<LEAST, MOST> {
    /// Reads what was typed, or says what is wrong with it.
    pub fn read(text: &str) -> Result<Self, String> {
        let unix = text.replace("\r\n", "\n");
        let hidden = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
        let wrong = wrong(text, LEAST, MOST, |_| false).or_else(|| wrong(&unix, 0, MOST, hidden));
        let kept = if LEAST > 0 { unix.trim().to_owned() } else { unix };
        wrong.map_or_else(|| Ok(Self(kept)), Err)
    }
}

impl<'de, const LEAST: usize, const MOST: usize> Deserialize<'de> for Line<LEAST, MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::read(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl<'de, const LEAST: usize, const MOST: usize> Deserialize<'de> for Text<LEAST, MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::read(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl<'de, const LEAST: usize, const MOST: usize> Deserialize<'de> for Any<LEAST, MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if (LEAST..=MOST).contains(&text.chars().count()) {
            Ok(Self(text))
        } else {
            Err(D::Error::custom(text!("{least} to {most} characters", least = LEAST, most = MOST)))
        }
    }
}

impl<'de, const MOST: usize> Deserialize<'de> for Pasted<MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.chars().count() <= MOST {
            Ok(Self(text.trim().to_owned()))
        } else {
            Err(D::Error::custom(text!("at most {most} characters", most = MOST)))
        }
    }
}

impl<'de, const MOST: usize> Deserialize<'de> for Visible<MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if (1..=MOST).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) {
            Ok(Self(text))
        } else {
            Err(D::Error::custom(text!("1 to {most} visible characters", most = MOST)))
        }
    }
}

/// What is wrong with a text, if anything is.
fn wrong(text: &str, least: usize, most: usize, hidden: impl Fn(char) -> bool) -> Option<String> {
    let blank = text.trim().is_empty();
    if text.chars().count() > most || least > 0 && blank {
        return Some(text!("{least} to {most} characters", least, most));
    }
    text.chars().any(hidden).then(|| t("no control characters").to_owned())
}

fn schema(least: usize, most: usize, part: &str) -> RefOr<Schema> {
    let pattern =
        if least > 0 { format!("^{part}*{NOT_BLANK}{part}*$") } else { format!("^{part}*$") };
    let text = ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern));
    text.min_length((least > 0).then_some(least)).max_length(Some(most)).into()
}

impl<const LEAST: usize, const MOST: usize> PartialSchema for Line<LEAST, MOST> {
    fn schema() -> RefOr<Schema> {
        schema(LEAST, MOST, SHOWS)
    }
}

impl<const LEAST: usize, const MOST: usize> PartialSchema for Text<LEAST, MOST> {
    fn schema() -> RefOr<Schema> {
        schema(LEAST, MOST, SHOWS_OR_ENDS_A_LINE)
    }
}

impl<const LEAST: usize, const MOST: usize> PartialSchema for Any<LEAST, MOST> {
    fn schema() -> RefOr<Schema> {
        let text = ObjectBuilder::new().schema_type(Type::String);
        text.min_length((LEAST > 0).then_some(LEAST)).max_length(Some(MOST)).into()
    }
}

impl<const MOST: usize> PartialSchema for Pasted<MOST> {
    fn schema() -> RefOr<Schema> {
        Any::<0, MOST>::schema()
    }
}

impl<const MOST: usize> PartialSchema for Visible<MOST> {
    fn schema() -> RefOr<Schema> {
        let text = ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[!-~]+$"));
        text.min_length(Some(1)).max_length(Some(MOST)).into()
    }
}

impl<const LEAST: usize, const MOST: usize> ToSchema for Any<LEAST, MOST> {}
impl<const MOST: usize> ToSchema for Pasted<MOST> {}
impl<const MOST: usize> ToSchema for Visible<MOST> {}
impl<const LEAST: usize, const MOST: usize> ToSchema for Line<LEAST, MOST> {}
impl<const LEAST: usize, const MOST: usize> ToSchema for Text<LEAST, MOST> {}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T: for<'de> Deserialize<'de>>(text: &str) -> Option<T> {
        serde_json::from_value(text.into()).ok()
    }

    #[test]
    fn a_line_shows_and_has_no_blanks_around_it() {
        let of = |text: &str| read::<Line<1, 5>>(text).map(|line| line.0);
        assert_eq!(of(" a b ").as_deref(), Some("a b"));
        assert_eq!(of("äöüßé").as_deref(), Some("äöüßé"));
        for bad in ["", "   ", "\u{3000}", "abcdef", " abcd ", "a\nb", "\tab", "a\u{0}", "a\u{85}"]
        {
            assert_eq!(of(bad), None, "{bad:?}");
        }
        assert_eq!(read::<Line<0, 5>>("  ").map(|line| line.0).as_deref(), Some(""));
    }

    #[test]
    fn what_is_compared_is_only_counted_and_a_key_is_seen() {
        let any = |text: &str| read::<Any<1, 3>>(text).map(|text| text.0);
        for good in [" ", "a\u{0}b", "🦊🦊🦊", "\u{202e}ab"] {
            assert_eq!(any(good).as_deref(), Some(good));
        }
        assert_eq!((any(""), any("abcd")), (None, None));
        let pasted = |text: &str| read::<Pasted<4>>(text).map(|text| text.0);
        assert_eq!((pasted(" ab\n").as_deref(), pasted("abcde")), (Some("ab"), None));
        let visible = |text: &str| read::<Visible<3>>(text).is_some();
        assert!(visible("!a~") && visible("a"));
        for bad in ["", "abcd", "a b", "ä", "a\n"] {
            assert!(!visible(bad), "{bad:?}");
        }
    }

    #[test]
    fn a_text_has_lines_and_blanks_around_it_only_where_it_may_be_empty() {
        let of = |text: &str| read::<Text<0, 9>>(text).map(|text| text.0);
        assert_eq!(of(" a\r\n\tb\n").as_deref(), Some(" a\n\tb\n"));
        assert_eq!(of("").as_deref(), Some(""));
        for bad in ["0123456789", "a\rb", "a\u{0}"] {
            assert_eq!(of(bad), None, "{bad:?}");
        }
        assert!(read::<Text<1, 9>>("\n ").is_none());
        assert_eq!(read::<Text<1, 9>>("\n a\nb ").map(|text| text.0).as_deref(), Some("a\nb"));
    }
}
