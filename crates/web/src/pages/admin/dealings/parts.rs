//! What these pages share: forms of many fields, the question before something is done, tables, and money in millionths.

use std::collections::BTreeMap;
use std::fmt::Display;

use axum::response::Response;
use maud::{Markup, html};
use scrip_domain::partner::MICRO_SCALE;
use scrip_domain::{Amount, Timestamp, Unit};
use scrip_engine::Page;
use serde::Deserialize;

use crate::App;
use crate::money::typed;
use crate::pages::admin::desk::Clerk;
use crate::pages::admin::{Section, page, with_status};
use crate::pages::chance;
use crate::pages::form::{Field, complaint};
use crate::pages::refused::sentence;
use crate::problem::Problem;
use crate::text::{Line, Text};

/// How many rows a page of a list has.
const LONG: u32 = 50;

/// What a form brings, by the names of its fields; of a name that comes twice, the last.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub struct Typed(BTreeMap<String, String>);

impl Typed {
    /// What was typed; empty where nothing came.
    pub fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", |text| text.trim())
    }

    /// Whether a box was ticked.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// With this in a field.
    pub fn put(&mut self, name: impl Into<String>, value: impl Display) {
        self.0.insert(name.into(), value.to_string());
    }

    /// The chance that the form came with, by which it acts once. One without it does nothing, and comes back with one: a blank
    /// would be the same for two different acts.
    pub fn keyed(&mut self, app: &App) -> Result<(), Problem> {
        if !self.get("key").is_empty() {
            return Ok(());
        }
        self.put("key", chance(app));
        let detail = "the form lacked its key, and nothing was done: send it again";
        Err(Problem::new(&crate::problem::kind::MALFORMED, detail))
    }

    /// One line of `LEAST` to `MOST` characters.
    pub fn line<const LEAST: usize, const MOST: usize>(
        &self,
        name: &str,
    ) -> Result<String, Problem> {
        let read = Line::<LEAST, MOST>::read(self.get(name));
        read.map(|line| line.0).map_err(|wrong| Problem::field(name, wrong))
    }

    /// A text of `LEAST` to `MOST` characters.
    pub fn text<const LEAST: usize, const MOST: usize>(
        &self,
        name: &str,
    ) -> Result<String, Problem> {
        let read = Text::<LEAST, MOST>::read(self.get(name));
        read.map(|text| text.0).map_err(|wrong| Problem::field(name, wrong))
    }

    /// An amount with at most so many decimals, as people write it.
    pub fn amount(&self, name: &str, scale: u8) -> Result<Amount, Problem> {
        typed(self.get(name), scale).ok_or_else(|| {
            let example = Amount::new(1250).unwrap_or_default().decimal(scale);
            Problem::field(name, format!("an amount such as {example}"))
        })
    }

    /// A whole number.
    pub fn whole(&self, name: &str) -> Result<u32, Problem> {
        self.get(name).parse().map_err(|_| Problem::field(name, "a whole number"))
    }

    /// A currency.
    pub fn currency(&self, name: &str) -> Result<Unit, Problem> {
        let code = self.get(name).to_ascii_uppercase();
        let unit = Unit::parse(&code).filter(|_| code.len() == 3);
        unit.ok_or_else(|| Problem::field(name, "a currency such as EUR"))
    }
}

/// A form on a page: what stands in its fields, and what is wrong with them.
#[derive(Clone, Copy, Debug)]
pub struct Sheet<'a> {
    /// What stands there.
    pub typed: &'a Typed,
    /// Why it is shown again.
    pub problem: Option<&'a Problem>,
}

impl<'a> Sheet<'a> {
    /// A field for a line of text that must be filled in.
    pub fn field(self, name: &'a str, label: &'a str, hint: Option<&'a str>) -> Field<'a> {
        Field {
            name,
            label,
            kind: "text",
            value: self.typed.get(name),
            autocomplete: "off",
            required: true,
            hint,
            error: self.problem.and_then(|problem| problem.error(name)),
        }
    }

    /// The same that may stay empty.
    pub fn optional(self, name: &'a str, label: &'a str, hint: Option<&'a str>) -> Field<'a> {
        Field { required: false, ..self.field(name, label, hint) }
    }

    /// One of several that exclude each other.
    pub fn choice(self, name: &str, value: &str, label: &str) -> Markup {
        html! {
            label.option {
                input type="radio" name=(name) value=(value) checked[self.typed.get(name) == value];
                span { (label) }
            }
        }
    }

    /// A box to tick.
    pub fn tick(self, name: &str, label: &str) -> Markup {
        html! {
            label.option {
                input type="checkbox" name=(name) value="on" checked[self.typed.has(name)];
                span { (label) }
            }
        }
    }

    /// What belongs together, and what is wrong with it as a whole.
    pub fn group(self, name: &str, legend: &str, inside: &Markup) -> Markup {
        let error = self.problem.and_then(|problem| problem.error(name));
        let id = format!("{name}-error");
        html! {
            fieldset aria-describedby=[error.map(|_| &id)] {
                legend { (legend) }
                (inside)
                @if let Some(text) = error { p.wrong id=(id) { (text) } }
            }
        }
    }

    /// What stands above the form when it is shown again.
    pub fn above(self) -> Markup {
        let Some(problem) = self.problem else { return Markup::default() };
        match problem.errors().first() {
            // Where it is said again at the field, the reader is brought there.
            Some(error) => complaint(&format!(
                "Nothing was done yet. Please look at the field that is marked: {}.",
                error.detail.trim_end_matches('.')
            )),
            None => complaint(&sentence(problem.detail())),
        }
    }
}

/// The question before something is done.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// What happens then.
    pub says: &'a Markup,
    /// Where the answer is sent.
    pub action: &'a str,
    /// What is asked for besides.
    pub fields: &'a Markup,
    /// What the button says: a verb.
    pub button: &'a str,
    /// Whether it cannot be taken back.
    pub is_final: bool,
    /// Where one goes who thinks better of it.
    pub back: &'a str,
}

impl Question<'_> {
    /// The page's content.
    pub fn ask(&self, problem: Option<&Problem>) -> Markup {
        let nothing = Typed::default();
        html! {
            (Sheet { typed: &nothing, problem }.above())
            (self.says)
            form method="post" action=(self.action) {
                (self.fields)
                div.choice {
                    button.danger[self.is_final] type="submit" { (self.button) }
                    a.button.second href=(self.back) { "Not now" }
                }
            }
        }
    }
}

/// A page with the status of what went wrong, if something did.
pub fn answer(
    app: &App,
    clerk: &Clerk,
    title: &str,
    section: Section,
    main: &Markup,
    problem: Option<&Problem>,
) -> Response {
    let response = page(app, clerk, title, section, main);
    match problem {
        Some(problem) => with_status(response, problem),
        None => response,
    }
}

/// A table that can be moved sideways where it is too wide.
pub fn table(caption: &str, heads: &Markup, rows: &Markup) -> Markup {
    html! {
        div.wide tabindex="0" role="region" aria-label=(caption) {
            table {
                caption { (caption) }
                thead { tr { (heads) } }
                tbody { (rows) }
            }
        }
    }
}

/// Where a list goes on. `path` holds a query already, or not.
pub fn pager(path: &str, next: Option<&str>) -> Markup {
    let Some(next) = next else { return Markup::default() };
    let joint = if path.contains('?') { '&' } else { '?' };
    let after: String = form_urlencoded::byte_serialize(next.as_bytes()).collect();
    html! { p.pager { a rel="next" href=(format!("{path}{joint}after={after}")) { "Older ones" } } }
}

/// The part of the list called `list` that comes after a cursor of it.
pub fn range(app: &App, list: &str, after: Option<&str>) -> Result<Page, Problem> {
    let after = after.map(|cursor| {
        app.engine.unseal(&format!("cursor {list}"), cursor).ok_or_else(Problem::no_page)
    });
    Ok(Page { after: after.transpose()?, limit: LONG })
}

/// The pages of what is dealt with partners, and which of them this is.
pub fn tabs(here: &str) -> Markup {
    let all = [
        ("/admin/partners", "Partners"),
        ("/admin/exchanges", "Exchanges"),
        ("/admin/statements", "Statements"),
        ("/admin/settlements", "Payments"),
        ("/admin/bank", "Your bank account"),
    ];
    html! {
        nav.tabs aria-label="Partners" {
            @for (to, name) in all { a href=(to) aria-current=[(to == here).then_some("page")] { (name) } }
        }
    }
}

/// A way back to what this belongs to.
pub fn within(to: &str, name: &str) -> Markup {
    html! { p.within { a href=(to) { "← " bdi { (name) } } } }
}

/// Millionths of a currency, with no more decimals than they need.
pub fn fine(micros: i64, unit: Unit) -> String {
    let sign = if micros < 0 { "−" } else { "" };
    let amount = Amount::new(micros.unsigned_abs()).unwrap_or(Amount::MAX);
    format!("{sign}{} {unit}", trimmed(amount, unit))
}

/// The same of an amount.
pub fn fine_of(amount: Amount, unit: Unit) -> String {
    format!("{} {unit}", trimmed(amount, unit))
}

/// The number alone, as it stands in a field.
pub fn trimmed(amount: Amount, unit: Unit) -> String {
    let text = amount.decimal(MICRO_SCALE).to_string();
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let width = usize::from(unit.currency_scale());
    let fraction = fraction.trim_end_matches('0');
    if width == 0 && fraction.is_empty() {
        return whole.to_owned();
    }
    format!("{whole}.{fraction:0<width$}")
}

/// A time, or that there is none.
pub fn when(at: Option<Timestamp>) -> Markup {
    match at {
        Some(at) => crate::pages::date(at),
        None => html! { "–" },
    }
}

/// A signed document, folded away.
pub fn document(name: &str, text: Option<&str>) -> Markup {
    html! {
        @if let Some(text) = text {
            details { summary { (name) } code.long { (text) } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn millionths_are_shown_with_no_more_decimals_than_they_need() {
        let (euro, yen) = (Unit::parse("EUR").unwrap(), Unit::parse("JPY").unwrap());
        for (micros, unit, text) in [
            (1_000_000, euro, "1.00 EUR"),
            (-1_250_000, euro, "−1.25 EUR"),
            (1_234_567, euro, "1.234567 EUR"),
            (1_200_100, euro, "1.2001 EUR"),
            (0, euro, "0.00 EUR"),
            (3_000_000, yen, "3 JPY"),
            (3_500_000, yen, "3.5 JPY"),
        ] {
            assert_eq!(fine(micros, unit), text);
        }
    }

    #[test]
    fn amounts_are_read_as_people_write_them() {
        let mut typed = Typed::default();
        typed.put("a", " 12,5 ");
        assert_eq!(typed.amount("a", 2).unwrap().units(), 1250);
        let problem = typed.amount("b", 2).unwrap_err();
        assert_eq!(problem.error("b"), Some("an amount such as 12.50"));
        typed.put("c", "eur");
        assert_eq!(typed.currency("c").unwrap().as_str(), "EUR");
        assert!(typed.currency("a").is_err() && typed.whole("a").is_err());
    }
}
