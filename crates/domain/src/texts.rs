//! What a product says in languages besides its vendor's own.
//!
//! A product's title, summary and the rest are in the vendor's language. Whoever reads another one reads the texts that
//! the vendor wrote in it, and of each that is missing there the product's own.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::catalog::{Labels, Product};
use crate::language::Language;

/// A product's texts in further languages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Texts(pub BTreeMap<Language, TextsIn>);

/// A product's texts in one further language. What is empty is said in the product's own words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TextsIn {
    /// The title, plain text.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// One or two sentences, plain text.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub summary: String,
    /// The description, Markdown.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// What the categories are called, in their order; as many as there are, or none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<String>,
    /// What the tags are called, in the same way.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// What the buyer of a service is told with the code, Markdown.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub instructions: String,
}

/// What a list says of a product in further languages. It passes over the long texts without keeping them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Titles(pub BTreeMap<Language, TitlesIn>);

/// The same in one language.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TitlesIn {
    /// The title.
    pub title: String,
    /// The summary.
    pub summary: String,
    /// What the categories are called.
    pub categories: Vec<String>,
    /// What the tags are called.
    pub tags: Vec<String>,
}

impl Texts {
    /// What is said in `language`, if anything is.
    pub fn of(&self, language: Language) -> Option<&TextsIn> {
        self.0.get(&language)
    }

    fn or<'a>(
        &'a self,
        language: Language,
        text: impl Fn(&'a TextsIn) -> &'a String,
        own: &'a str,
    ) -> &'a str {
        said(self.of(language).map(text), own)
    }
}

impl Titles {
    /// What is said in `language`, if anything is.
    pub fn of(&self, language: Language) -> Option<&TitlesIn> {
        self.0.get(&language)
    }
}

/// The text of another language, or the product's own where there is none.
pub fn said<'a>(other: Option<&'a String>, own: &'a str) -> &'a str {
    other.map(String::as_str).filter(|text| !text.is_empty()).unwrap_or(own)
}

/// Labels as they are called in another language: by their places; a list that is not as long as `own` says nothing.
pub fn called(categories: &[String], tags: &[String], own: &Labels) -> Labels {
    let of = |other: &[String], own: &[String]| {
        if other.len() == own.len() { other.to_vec() } else { own.to_vec() }
    };
    Labels { categories: of(categories, &own.categories), tags: of(tags, &own.tags) }
}

impl TextsIn {
    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Product {
    /// The title for who reads `language`.
    pub fn title_in(&self, language: Language) -> &str {
        self.texts.or(language, |texts| &texts.title, &self.title)
    }

    /// The summary for who reads `language`.
    pub fn summary_in(&self, language: Language) -> &str {
        self.texts.or(language, |texts| &texts.summary, &self.summary)
    }

    /// The description for who reads `language`, Markdown.
    pub fn description_in(&self, language: Language) -> &str {
        self.texts.or(language, |texts| &texts.description, &self.description)
    }

    /// The instructions for who reads `language`, Markdown.
    pub fn instructions_in(&self, language: Language) -> &str {
        self.texts.or(language, |texts| &texts.instructions, &self.instructions)
    }

    /// What its labels are called for who reads `language`.
    pub fn labels_in(&self, language: Language) -> Cow<'_, Labels> {
        self.texts.of(language).map_or(Cow::Borrowed(&self.labels), |texts| {
            Cow::Owned(called(&texts.categories, &texts.tags, &self.labels))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_passes_over_the_long_texts() {
        let texts = Texts(BTreeMap::from([(
            Language::German,
            TextsIn {
                title: "Feldrekorder".into(),
                description: "Lang.".into(),
                tags: vec!["Ton".into()],
                ..TextsIn::default()
            },
        )]));
        let json = serde_json::to_string(&texts).unwrap();
        assert_eq!(json, r#"{"de":{"title":"Feldrekorder","description":"Lang.","tags":["Ton"]}}"#);
        assert_eq!(serde_json::from_str::<Texts>(&json).unwrap(), texts);
        let titles: Titles = serde_json::from_str(&json).unwrap();
        let german = titles.of(Language::German).unwrap();
        assert_eq!(
            (&*german.title, &*german.summary, &german.tags[..]),
            ("Feldrekorder", "", &["Ton".to_owned()][..])
        );
        assert_eq!(titles.of(Language::English), None);
    }

    #[test]
    fn what_is_missing_is_said_in_the_products_own_words() {
        assert_eq!(said(Some(&"Rekorder".to_owned()), "Recorder"), "Rekorder");
        assert_eq!(said(Some(&String::new()), "Recorder"), "Recorder");
        assert_eq!(said(None, "Recorder"), "Recorder");
        let own = Labels { categories: vec!["Sound".into()], tags: vec!["a".into(), "b".into()] };
        let german = called(&["Klang".to_owned()], &["x".to_owned()], &own);
        assert_eq!(german, Labels { categories: vec!["Klang".into()], tags: own.tags.clone() });
    }
}
