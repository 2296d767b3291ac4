//! A product's texts in further languages, as they cross the API.

use scrip_domain::language::Language;
use scrip_domain::texts::{Texts, TextsIn};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::text::{Line, Text};

/// Texts in languages besides the vendor's own, which is refused here: the product's own texts are in that.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Texts, example = json!({ "de": { "title": "Feldrekorder" } }))]
pub struct TextsBody {
    /// English.
    en: Option<TextsInBody>,
    /// German.
    de: Option<TextsInBody>,
}

/// Texts in one language. What is empty or absent is shown as the product's own text.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TextsInLanguage)]
struct TextsInBody {
    #[serde(default)]
    #[schema(inline)]
    title: Line<0, 200>,
    #[serde(default)]
    #[schema(inline)]
    summary: Line<0, 500>,
    /// Markdown.
    #[serde(default)]
    #[schema(inline)]
    description: Text<0, 100_000>,
    /// What the categories are called: as many as there are, in their order, or none. They are still looked for by the
    /// product's own.
    #[serde(default)]
    #[schema(max_items = 20, inline)]
    categories: Vec<Line<1, 40>>,
    /// What the tags are called, in the same way.
    #[serde(default)]
    #[schema(max_items = 20, inline)]
    tags: Vec<Line<1, 40>>,
    /// What the buyer of a service is told with the code, Markdown.
    #[serde(default)]
    #[schema(inline)]
    instructions: Text<0, 20_000>,
}

impl TextsBody {
    fn of(&mut self, language: Language) -> Option<TextsInBody> {
        match language {
            Language::English => self.en.take(),
            Language::German => self.de.take(),
        }
    }
}

impl From<TextsBody> for Texts {
    fn from(mut body: TextsBody) -> Self {
        let texts = |language| Some((language, body.of(language)?.into()));
        Self(Language::ALL.into_iter().filter_map(texts).collect())
    }
}

impl From<TextsInBody> for TextsIn {
    fn from(body: TextsInBody) -> Self {
        let lines = |lines: Vec<Line<1, 40>>| lines.into_iter().map(|line| line.0).collect();
        Self {
            title: body.title.0,
            summary: body.summary.0,
            description: body.description.0,
            categories: lines(body.categories),
            tags: lines(body.tags),
            instructions: body.instructions.0,
        }
    }
}
