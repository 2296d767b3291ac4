//! What a shop has to say by law or custom: texts with versions, which stay as they were once they are published.

use crate::time::Timestamp;
use crate::words;

words! {
    /// What such a text is.
    pub enum LegalName {
        /// The terms by which is sold.
        Terms = "terms",
        /// What becomes of personal data.
        Privacy = "privacy",
        /// Who the vendor is.
        Imprint = "imprint",
        /// The terms of the token: what it is worth, when it expires, what is given back.
        Tokens = "tokens",
    }
}

impl LegalName {
    /// What people call it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Terms => "Terms of sale",
            Self::Privacy => "Privacy",
            Self::Imprint => "Imprint",
            Self::Tokens => "Terms of the token",
        }
    }
}

/// One version of a text, for ever.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LegalText {
    /// What it is.
    pub name: LegalName,
    /// The version, as the vendor calls it: the day of publication where it calls it nothing.
    pub version: String,
    /// The text, Markdown.
    pub text: String,
    /// Since when it is in force.
    pub published_at: Timestamp,
}

/// A version that none of `taken` has: the day of `at`, with a number behind it from the second on.
pub fn next_version(taken: &[&str], at: Timestamp) -> String {
    let day = at.date();
    let numbered = (2_u32..).map(|number| format!("{day}.{number}"));
    let mut all = std::iter::once(day.clone()).chain(numbered);
    all.find(|version| !taken.contains(&version.as_str())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_the_day_and_never_taken() {
        let noon = Timestamp::from_millis(1_795_348_800_000);
        assert_eq!(next_version(&[], noon), "2026-11-22");
        assert_eq!(next_version(&["2026-11-22", "1"], noon), "2026-11-22.2");
        assert_eq!(next_version(&["2026-11-22", "2026-11-22.2"], noon), "2026-11-22.3");
    }
}
