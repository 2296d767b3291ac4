//! Fields that forms of the catalogue have beside the common one, and what is wrong with them.

use maud::{Markup, Render, html};

use crate::pages::form::{complaint, mistake};
use crate::pages::refused::sentence;
use crate::problem::Problem;

/// A choice of one among few.
#[derive(Clone, Copy, Debug)]
pub struct Choice<'a> {
    /// Its name in the form.
    pub name: &'a str,
    /// What people call it.
    pub label: &'a str,
    /// The values, each with its name for people.
    pub options: &'a [(&'a str, &'a str)],
    /// The value that is chosen.
    pub chosen: &'a str,
    /// What helps to choose.
    pub hint: Option<&'a str>,
    /// What is wrong with it.
    pub error: Option<&'a str>,
}

impl Render for Choice<'_> {
    fn render(&self) -> Markup {
        let described = described(self.name, self.hint, self.error);
        html! {
            div.field {
                label for=(self.name) { (self.label) }
                @if let Some(text) = self.hint { p.hint id={ (self.name) "-hint" } { (text) } }
                select id=(self.name) name=(self.name) aria-describedby=[described]
                    aria-invalid=[self.error.map(|_| "true")] {
                    @for (value, name) in self.options {
                        option value=(value) selected[*value == self.chosen] { (name) }
                    }
                }
                @if let Some(text) = self.error { (mistake(Some(&format!("{}-error", self.name)), text)) }
            }
        }
    }
}

/// A text of several lines, more of them than the common field shows.
#[derive(Clone, Copy, Debug)]
pub struct Area<'a> {
    /// Its name in the form.
    pub name: &'a str,
    /// What people call it.
    pub label: &'a str,
    /// How many lines are shown.
    pub rows: u8,
    /// What was typed before.
    pub value: &'a str,
    /// What helps to fill it in.
    pub hint: Option<&'a str>,
    /// What is wrong with it.
    pub error: Option<&'a str>,
}

impl Render for Area<'_> {
    fn render(&self) -> Markup {
        let described = described(self.name, self.hint, self.error);
        html! {
            div.field {
                label for=(self.name) { (self.label) }
                @if let Some(text) = self.hint { p.hint id={ (self.name) "-hint" } { (text) } }
                textarea id=(self.name) name=(self.name) rows=(self.rows) dir="auto" aria-describedby=[described]
                    aria-invalid=[self.error.map(|_| "true")] {
                    // Browsers leave out a line end that comes first.
                    "\n" (self.value)
                }
                @if let Some(text) = self.error { (mistake(Some(&format!("{}-error", self.name)), text)) }
            }
        }
    }
}

fn described(name: &str, hint: Option<&str>, error: Option<&str>) -> Option<String> {
    let (hint, error) =
        (hint.map(|_| format!("{name}-hint")), error.map(|_| format!("{name}-error")));
    let ids: Vec<_> = [hint, error].into_iter().flatten().collect();
    (!ids.is_empty()).then(|| ids.join(" "))
}

/// What is wrong with the field called `name`, or with an entry of it (`tags[3]`).
pub fn wrong<'p>(problem: Option<&'p Problem>, name: &str) -> Option<&'p str> {
    let of = |field: &str| {
        let rest = field.strip_prefix(name);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['[', '.']))
    };
    let error = problem?.errors().iter().find(|error| of(&error.field))?;
    Some(&error.detail)
}

/// What stands above a form that was not taken.
pub fn refused(problem: Option<&Problem>) -> Markup {
    match problem {
        None => Markup::default(),
        Some(problem) if problem.errors().is_empty() => complaint(&sentence(problem.detail())),
        Some(_) => complaint("Nothing is saved yet. Look at what is marked below."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::form::Mistakes;

    #[test]
    fn mistakes_are_found_by_the_field_that_they_belong_to() {
        let mut mistakes = Mistakes::default();
        mistakes.add("tags[2]", "too long");
        mistakes.add("terms.seconds", "too many");
        let problem = mistakes.or(()).unwrap_err();
        let of = |name| wrong(Some(&problem), name);
        assert_eq!(
            (of("tags"), of("terms"), of("tag")),
            (Some("too long"), Some("too many"), None)
        );
        assert_eq!(Mistakes::default().or(7).unwrap(), 7);
    }

    #[test]
    fn a_text_comes_back_as_it_was_typed() {
        let area = Area { name: "a", label: "A", rows: 3, value: "\n<b>", hint: None, error: None };
        let html = area.render().into_string();
        assert!(html.contains(">\n\n&lt;b&gt;</textarea>"), "{html}");
    }
}
