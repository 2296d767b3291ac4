//! The list of what is for sale: what is kept of each published product so that lists and searches
//! find it without reading it.
//!
//! Words are folded here, once, so that every database finds the same by them: compatibility forms
//! decomposed, marks dropped, lower case, split at everything that is neither letter nor digit.

use std::collections::{BTreeMap, BTreeSet};

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::amount::Amount;
use crate::catalog::{Labels, Product, ProductKind, ProductState};
use crate::id::Id;
use crate::language::Language;
use crate::texts::{Titles, TitlesIn};
use crate::visibility::{FieldGroup, Level};
use crate::words;

/// The longest word that is told apart, in characters.
const WORD: usize = 40;
/// How many words of one text are kept: the words of 100 kB, and no more than a search index takes.
const WORDS: usize = 20_000;
/// How much of a title decides its place in a list, in characters.
const SORT: usize = 100;
/// How many words of a question count.
const ASKED: usize = 10;

/// A published product, as lists and searches know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// The product.
    pub product: Id<Product>,
    /// Its kind.
    pub kind: ProductKind,
    /// Its title, folded: where it stands in an alphabetical list.
    pub title: String,
    /// The lowest price of its current offers.
    pub price: Option<Amount>,
    /// The balance that covers it.
    pub cheapest: Option<Amount>,
    /// What sees it, where it differs from the vendor's settings.
    pub see_product: Option<Level>,
    /// What sees its price.
    pub see_price: Option<Level>,
    /// What sees its description.
    pub see_description: Option<Level>,
    /// The words of its title, summary and labels, in every language.
    pub words: String,
    /// The words of its description, in every language: who may not see that must not find anything by it.
    pub description_words: String,
}

words! {
    /// What a label is.
    pub enum LabelKind {
        /// A shelf of the shop.
        Category = "category",
        /// A free word.
        Tag = "tag",
    }
}

/// A label of a published product, with what labelled lists are sorted by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labelled {
    /// The product.
    pub product: Id<Product>,
    /// What the label is.
    pub kind: LabelKind,
    /// The label, folded.
    pub label: String,
    /// The product's title, folded.
    pub title: String,
    /// The lowest price of its current offers.
    pub price: Option<Amount>,
}

/// A category, and what it is called in further languages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Category {
    /// The category as the vendor writes it, by which its products are found.
    pub label: String,
    /// Its names in other languages.
    pub names: BTreeMap<Language, String>,
}

impl Category {
    /// The category that `label` names, as a product with these labels and texts writes it.
    pub fn of(label: &str, labels: &Labels, titles: &Titles) -> Self {
        let at = labels.categories.iter().position(|one| sort_key(one) == label);
        let written = at.and_then(|at| labels.categories.get(at));
        let count = labels.categories.len();
        let name = |(language, texts): (&Language, &TitlesIn)| {
            let name = texts.categories.get(at?).filter(|_| texts.categories.len() == count)?;
            Some((*language, name.clone()))
        };
        Self {
            label: written.map_or(label, String::as_str).to_owned(),
            names: titles.0.iter().filter_map(name).collect(),
        }
    }

    /// What it is called for who reads `language`.
    pub fn name_in(&self, language: Language) -> &str {
        self.names.get(&language).unwrap_or(&self.label)
    }
}

impl Listing {
    /// What is kept of `product`; `None` when it is not for sale.
    pub fn of(product: &Product) -> Option<Self> {
        let level = |group| product.visibility.get(group);
        let Labels { categories, tags } = &product.labels;
        let labels = categories.iter().chain(tags);
        let own = [&product.title, &product.summary].into_iter().chain(labels);
        let others = product.texts.0.values().flat_map(|texts| {
            let labels = texts.categories.iter().chain(&texts.tags);
            [&texts.title, &texts.summary].into_iter().chain(labels)
        });
        let descriptions = product.texts.0.values().map(|texts| &texts.description);
        let descriptions = std::iter::once(&product.description).chain(descriptions);
        (product.state == ProductState::Published).then(|| Self {
            product: product.id,
            kind: product.kind,
            title: sort_key(&product.title),
            price: product.price_from,
            cheapest: product.cheapest,
            see_product: level(FieldGroup::Product),
            see_price: level(FieldGroup::Price),
            see_description: level(FieldGroup::Description),
            words: distinct(own.chain(others).map(String::as_str)),
            description_words: distinct(descriptions.map(String::as_str)),
        })
    }
}

impl Labelled {
    /// Every label of `product`; none when it is not for sale.
    pub fn of(product: &Product) -> Vec<Self> {
        if product.state != ProductState::Published {
            return Vec::new();
        }
        let Labels { categories, tags } = &product.labels;
        let categories = categories.iter().map(|label| (LabelKind::Category, sort_key(label)));
        let tags = tags.iter().map(|label| (LabelKind::Tag, sort_key(label)));
        let distinct: BTreeSet<(LabelKind, String)> = categories.chain(tags).collect();
        let labelled = |(kind, label)| Self {
            product: product.id,
            kind,
            label,
            title: sort_key(&product.title),
            price: product.price_from,
        };
        distinct.into_iter().map(labelled).collect()
    }
}

/// `text` without the differences that nobody means: case, marks, compatibility forms, outer spaces.
pub fn fold(text: &str) -> String {
    let plain = text.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase);
    plain.collect::<String>().trim().to_owned()
}

/// The words that somebody asks for; empty when the question holds none. The last one may be the
/// beginning of a word.
pub fn asked(question: &str) -> Vec<String> {
    words_of(&fold(question)).take(ASKED).collect()
}

/// `text` as lists are sorted and labels are found by: folded, and no longer than an index takes.
pub fn sort_key(text: &str) -> String {
    fold(text).chars().take(SORT).collect()
}

fn words_of(folded: &str) -> impl Iterator<Item = String> {
    let words = folded.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(|word| word.chars().take(WORD).collect())
}

/// Every word once: what is found does not depend on how often it is said.
fn distinct<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let mut words = BTreeSet::new();
    for text in texts {
        words.extend(words_of(&fold(text)).take(WORDS));
    }
    words.into_iter().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_told_apart_by_what_people_mean() {
        assert_eq!(fold("  Ünïcode ﬁne İ "), "unicode fine i");
        assert_eq!(asked("\"Field-Recorder\" OR (wav*"), ["field", "recorder", "or", "wav"]);
        assert_eq!(asked("audio/midi 3.14"), ["audio", "midi", "3", "14"]);
        assert!(asked("*** -- \"\" ()").is_empty());
        assert_eq!(asked(&"w ".repeat(50)).len(), ASKED);
        assert_eq!(asked(&"long".repeat(50)).first().unwrap().len(), WORD);
    }

    #[test]
    fn a_category_is_called_as_its_product_calls_it() {
        let labels = Labels { categories: vec!["Tools".into(), "Éditions".into()], tags: vec![] };
        let german = |categories: &[&str]| {
            let categories = categories.iter().map(|one| (*one).to_owned()).collect();
            Titles([(Language::German, TitlesIn { categories, ..TitlesIn::default() })].into())
        };
        let found = Category::of("editions", &labels, &german(&["Werkzeug", "Ausgaben"]));
        assert_eq!((&*found.label, found.name_in(Language::German)), ("Éditions", "Ausgaben"));
        assert_eq!(found.name_in(Language::English), "Éditions");
        // As many as there are, or none: else nobody knows which is which.
        let found = Category::of("editions", &labels, &german(&["Werkzeug"]));
        assert_eq!(found.name_in(Language::German), "Éditions");
    }

    #[test]
    fn a_word_is_kept_once() {
        assert_eq!(distinct(["Drum drum", "DRUM bass", ""]), "bass drum");
    }
}
