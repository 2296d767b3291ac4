//! What a product says in further languages: the fields of its form, each called as the member that it fills, such as
//! `texts.de.title`.

use std::collections::BTreeMap;

use maud::{Markup, html};
use scrip_domain::language::Language;
use scrip_domain::texts::{Texts, TextsIn};

use super::details::labels;
use super::fields::{Area, wrong};
use crate::pages::form::Field;
use crate::problem::Problem;

/// What was typed, by the names of the fields.
pub type Typed = BTreeMap<String, String>;

/// The languages besides the vendor's own.
fn further(own: Language) -> impl Iterator<Item = Language> {
    Language::ALL.into_iter().filter(move |language| *language != own)
}

fn name(language: Language, field: &str) -> String {
    format!("texts.{language}.{field}")
}

/// What stands in the fields of a product with these texts.
pub fn typed(texts: &Texts) -> Typed {
    let of = |(language, texts): (&Language, &TextsIn)| {
        [
            (name(*language, "title"), texts.title.clone()),
            (name(*language, "summary"), texts.summary.clone()),
            (name(*language, "description"), texts.description.clone()),
            (name(*language, "instructions"), texts.instructions.clone()),
            (name(*language, "categories"), texts.categories.join(", ")),
            (name(*language, "tags"), texts.tags.join(", ")),
        ]
    };
    texts.0.iter().flat_map(of).collect()
}

/// The texts that were typed. Of the vendor's own language there are no fields, and what the product has in it, since the
/// vendor spoke another, stays as it is in `now`.
pub fn read(typed: &Typed, own: Language, now: &Texts) -> Texts {
    let text = |language, field| typed.get(&name(language, field)).cloned().unwrap_or_default();
    let texts = further(own).map(|language| {
        let texts = TextsIn {
            title: text(language, "title"),
            summary: text(language, "summary"),
            description: text(language, "description"),
            categories: labels(&text(language, "categories")),
            tags: labels(&text(language, "tags")),
            instructions: text(language, "instructions"),
        };
        (language, texts)
    });
    let kept = now.of(own).map(|texts| (own, texts.clone()));
    Texts(texts.chain(kept).filter(|(_, texts)| !texts.is_empty()).collect())
}

/// The fields, folded up until they are wanted, or something is wrong in them.
pub fn fields(typed: &Typed, own: Language, problem: Option<&Problem>) -> Markup {
    html! {
        @for language in further(own) {
            details open[wrong(problem, &format!("texts.{language}")).is_some()] {
                summary {
                    "Texts in another language: " span lang=(language) { (language.name()) }
                    @if is_written(typed, language) { " (there are some)" }
                }
                p.hint { "Whoever reads this language reads these. What is left empty is shown as it is above." }
                (inside(typed, language, problem))
            }
        }
    }
}

/// Whether something stands in the fields of a language.
fn is_written(typed: &Typed, language: Language) -> bool {
    let of = name(language, "");
    typed.iter().any(|(name, text)| name.starts_with(&of) && !text.trim().is_empty())
}

fn inside(typed: &Typed, language: Language, problem: Option<&Problem>) -> Markup {
    let label = |text: &str| format!("{text}, {}", language.name());
    let value = |name: &str| typed.get(name).map_or("", String::as_str);
    let line = |field: &str, text: &str, hint| {
        let (name, label) = (name(language, field), label(text));
        html! {
            (Field { name: &name, label: &label, kind: "text", value: value(&name), autocomplete: "off", required: false,
                hint, error: wrong(problem, &name) })
        }
    };
    let area = |field: &str, text: &str, rows| {
        let (name, label) = (name(language, field), label(text));
        html! {
            (Area { name: &name, label: &label, rows, value: value(&name), hint: Some("Markdown."),
                error: wrong(problem, &name) })
        }
    };
    let places = Some("What those above are called, in the same order, with commas between.");
    html! {
        (line("title", "Title", None))
        (line("summary", "Summary", None))
        (area("description", "Description", 8))
        (area("instructions", "Instructions for the buyer", 4))
        (line("categories", "Categories", places))
        (line("tags", "Tags", places))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_typed_comes_back() {
        let german = TextsIn {
            title: "Feldrekorder".into(),
            categories: vec!["Klang".into(), "Werkzeug".into()],
            ..TextsIn::default()
        };
        let texts = Texts([(Language::German, german)].into());
        let form = typed(&texts);
        assert_eq!(form["texts.de.categories"], "Klang, Werkzeug");
        assert_eq!(read(&form, Language::English, &Texts::default()), texts);
        // A vendor who speaks German by now has no fields for it, and loses nothing.
        assert_eq!(read(&Typed::new(), Language::German, &texts), texts);
    }
}
