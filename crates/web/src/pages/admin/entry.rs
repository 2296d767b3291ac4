//! What staff type into a form, read field by field; and the form again, as it was sent, with what is wrong with it.

use std::collections::BTreeMap;
use std::fmt::Display;

use maud::{Markup, html};
use scrip_domain::id::Kind;
use scrip_domain::request::Request;
use scrip_domain::settings::Token;
use scrip_domain::zone::Zone;
use scrip_domain::{Amount, Money, Timestamp, Unit};
use scrip_engine::fresh::Fresh;
use serde::Deserialize;

use crate::App;
use crate::language::zone;
use crate::money::{example, typed};
use crate::pages::chance;
use crate::pages::form::{Field, complaint, mistake};
use crate::pages::refused::sentence;
use crate::problem::Problem;
use crate::request_id;
use crate::text::{Line, Text};

/// The fields of a form, by name. What was left empty is not there.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub struct Entry(BTreeMap<String, String>);

impl Entry {
    /// What was typed, without blanks around it; empty for nothing.
    pub fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", |value| value.trim())
    }

    /// Whether a box was ticked.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// With this in a field.
    pub fn put(&mut self, name: impl Into<String>, value: impl Display) {
        self.0.insert(name.into(), value.to_string());
    }

    /// Every field whose name begins so, with the rest of its name.
    pub fn beginning<'a>(&'a self, start: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        let fields = self
            .0
            .iter()
            .filter_map(move |(name, value)| Some((name.strip_prefix(start)?, value.trim())));
        fields.filter(|(_, value)| !value.is_empty())
    }

    /// A few words, on one or more lines; they must be there.
    pub fn words(&self, name: &str) -> Result<String, Problem> {
        self.text::<1, 500>(name)
    }

    /// A text of `LEAST` to `MOST` characters.
    pub fn text<const LEAST: usize, const MOST: usize>(
        &self,
        name: &str,
    ) -> Result<String, Problem> {
        let read = Text::<LEAST, MOST>::read(self.get(name));
        read.map(|text| text.0).map_err(|wrong| Problem::field(name, wrong))
    }

    /// One line of `LEAST` to `MOST` characters.
    pub fn line<const LEAST: usize, const MOST: usize>(
        &self,
        name: &str,
    ) -> Result<String, Problem> {
        let read = Line::<LEAST, MOST>::read(self.get(name));
        read.map(|line| line.0).map_err(|wrong| Problem::field(name, wrong))
    }

    /// So many tokens, as people write it; more than none.
    pub fn tokens(&self, name: &str, token: &Token) -> Result<Amount, Problem> {
        self.some(name, token.scale)
    }

    /// The same, or nothing.
    pub fn tokens_if_any(&self, name: &str, token: &Token) -> Result<Option<Amount>, Problem> {
        if self.get(name).is_empty() { Ok(None) } else { self.tokens(name, token).map(Some) }
    }

    /// So much of a currency, as people write it; more than nothing.
    pub fn money(&self, name: &str, unit: Unit) -> Result<Money, Problem> {
        Ok(Money { amount: self.some(name, unit.currency_scale())?, unit })
    }

    /// The same, of which nothing is an amount too.
    pub fn money_or_none(&self, name: &str, unit: Unit) -> Result<Money, Problem> {
        let amount = self.amount(name, unit.currency_scale())?;
        Ok(Money { amount, unit })
    }

    /// An amount with at most `scale` decimals, as people write it.
    pub fn amount(&self, name: &str, scale: u8) -> Result<Amount, Problem> {
        typed(self.get(name), scale)
            .ok_or_else(|| Problem::field(name, format!("an amount such as {}", example(scale))))
    }

    fn some(&self, name: &str, scale: u8) -> Result<Amount, Problem> {
        let amount = self.amount(name, scale)?;
        if amount.is_zero() { Err(Problem::field(name, "more than nothing")) } else { Ok(amount) }
    }

    /// A currency.
    pub fn currency(&self, name: &str) -> Result<Unit, Problem> {
        let code = self.get(name).to_ascii_uppercase();
        let unit = Unit::parse(&code).filter(|_| code.len() == 3);
        unit.ok_or_else(|| Problem::field(name, "a currency such as EUR"))
    }

    /// A whole number.
    pub fn whole(&self, name: &str) -> Result<u32, Problem> {
        self.get(name).parse().map_err(|_| Problem::field(name, "a whole number"))
    }

    /// A whole number within these bounds, or nothing.
    pub fn count(&self, name: &str, least: u32, most: u32) -> Result<Option<u32>, Problem> {
        if self.get(name).is_empty() {
            return Ok(None);
        }
        let number = self.get(name).parse().ok().filter(|number| (least..=most).contains(number));
        let wrong = || Problem::field(name, format!("a whole number from {least} to {most}"));
        number.map(Some).ok_or_else(wrong)
    }

    /// The first instant of a day by the vendor's clock, or nothing.
    pub fn day(&self, name: &str) -> Result<Option<Timestamp>, Problem> {
        self.of_day(name, Zone::first_of)
    }

    /// The first instant after a day, or nothing.
    pub fn end_of(&self, name: &str) -> Result<Option<Timestamp>, Problem> {
        self.of_day(name, Zone::end_of)
    }

    fn of_day(
        &self,
        name: &str,
        of: impl FnOnce(&Zone, &str) -> Option<Timestamp>,
    ) -> Result<Option<Timestamp>, Problem> {
        if self.get(name).is_empty() {
            return Ok(None);
        }
        let wrong = || Problem::field(name, "a day such as 2026-11-22");
        of(&zone(), self.get(name)).map(Some).ok_or_else(wrong)
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

    /// The request that this form is, by the chance that it came with: sent twice it does the same once. `place` is where
    /// it was sent to.
    pub fn request(&self, place: &str) -> Result<Request, Problem> {
        let key = self.get("key");
        if key.is_empty() {
            let detail = "the form lacks its key: open the page again, and send it from there";
            return Err(Problem::new(&crate::problem::kind::MALFORMED, detail));
        }
        let mut what = place.to_owned();
        for (name, value) in self.0.iter().filter(|(name, _)| *name != "key") {
            what.push_str(&format!("\n{name}={}", value.trim()));
        }
        Ok(Request::new(key, what.as_bytes(), request_id::current()))
    }
}

/// One form of a page, of which there may be several: what stands in its fields, and why it comes back, if it does.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sent<'a> {
    /// The form that was sent, by the last part of the address that it was sent to.
    pub form: &'a str,
    /// What stands in its fields.
    pub entry: Option<&'a Entry>,
    /// Why nothing was done.
    pub problem: Option<&'a Problem>,
}

impl<'a> Sent<'a> {
    /// The only form of a page: filled in, and with what is wrong, if something is.
    pub fn only(entry: &'a Entry, problem: Option<&'a Problem>) -> Self {
        Self { form: "", entry: Some(entry), problem }
    }

    /// A form that comes back.
    pub fn back(form: &'a str, entry: &'a Entry, problem: &'a Problem) -> Self {
        Self { form, entry: Some(entry), problem: Some(problem) }
    }

    /// The same for the form called `form`: nothing, unless it is the one that was sent.
    pub fn to(self, form: &str) -> Self {
        if self.form == form { self } else { Self::default() }
    }

    /// Whether this is the form that was sent.
    pub fn is_back(self) -> bool {
        self.problem.is_some()
    }

    /// What stands in a field.
    pub fn value(self, name: &str) -> &'a str {
        self.entry.map_or("", |entry| entry.get(name))
    }

    /// What is wrong with a field. What the engine says of a part of it is said of it.
    pub fn error(self, name: &str) -> Option<&'a str> {
        let part = |field: &str| {
            let rest = field.strip_prefix(name);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        };
        let error = self.problem?.errors().iter().find(|error| part(&error.field))?;
        Some(&error.detail)
    }

    /// A field for a line of text that must be filled in.
    pub fn field(self, name: &'a str, label: &'a str, hint: Option<&'a str>) -> Field<'a> {
        Field {
            name,
            label,
            kind: "text",
            value: self.value(name),
            autocomplete: "off",
            required: true,
            hint,
            error: self.error(name),
        }
    }

    /// The same that may stay empty.
    pub fn optional(self, name: &'a str, label: &'a str, hint: Option<&'a str>) -> Field<'a> {
        Field { required: false, ..self.field(name, label, hint) }
    }

    /// A day by the vendor's clock that may stay empty, with what that means.
    pub fn day(self, name: &str, label: &str, empty: &str) -> Markup {
        let hint = format!("{empty} Days are those of {}.", zone().name());
        html! { (Field { kind: "date", name, label, value: self.value(name), autocomplete: "off", required: false,
        hint: Some(&hint), error: self.error(name) }) }
    }

    /// A day in UTC that may stay empty.
    pub fn utc_day(self, name: &'a str, label: &'a str) -> Field<'a> {
        Field { kind: "date", ..self.optional(name, label, None) }
    }

    /// Why it is done, for the record.
    pub fn reason(self, hint: &'a str) -> Field<'a> {
        self.field("reason", "Reason", Some(hint))
    }

    /// One of several that exclude each other.
    pub fn choice(self, name: &str, value: &str, label: &str) -> Markup {
        html! {
            label.option {
                input type="radio" name=(name) value=(value) checked[self.value(name) == value];
                span { (label) }
            }
        }
    }

    /// A box to tick.
    pub fn tick(self, name: &str, label: &str) -> Markup {
        let ticked = self.entry.is_some_and(|entry| entry.has(name));
        html! {
            label.option {
                input type="checkbox" name=(name) value="on" checked[ticked];
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
                @if let Some(text) = error { (mistake(Some(&id), text)) }
            }
        }
    }

    /// What stands above the form when it comes back.
    pub fn complaint(self) -> Markup {
        let Some(problem) = self.problem else { return Markup::default() };
        match problem.errors().first() {
            // It is said again at its field, if that is shown.
            Some(error) => complaint(&format!(
                "Nothing was done yet. Please look at what was filled in: {}.",
                error.detail.trim_end_matches('.')
            )),
            None => complaint(&sentence(problem.detail())),
        }
    }
}

/// The hidden field that makes a form do what it does once, however often it is sent.
pub fn once(app: &App) -> Markup {
    html! { input type="hidden" name="key" value=(chance(app)); }
}

/// The hidden field that makes a form make its `T` once, however often it is sent.
pub fn fresh<T: Kind>(app: &App) -> Result<Markup, Problem> {
    let word = app.engine.fresh::<T>()?;
    Ok(html! { input type="hidden" name="key" value=(word); })
}

/// What a form makes that came with this word.
pub fn made<T: Kind>(app: &App, word: &str) -> Result<Fresh<T>, Problem> {
    let lacking = || {
        let detail =
            "the form lacks its key, or is a day old: open the page again, and send it from there";
        Problem::new(&crate::problem::kind::MALFORMED, detail)
    };
    app.engine.fresh_of(word).ok_or_else(lacking)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(pairs: &[(&str, &str)]) -> Entry {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Entry(pairs.iter().map(owned).collect())
    }

    #[test]
    fn amounts_are_read_as_people_write_them() {
        let euro = Unit::parse("EUR").unwrap();
        let read = |text: &str| entry(&[("money", text)]).money("money", euro);
        assert_eq!(read(" 12,50 ").unwrap().amount.units(), 1250);
        assert_eq!(read("12").unwrap().amount.units(), 1200);
        assert_eq!(read("1.000,00").unwrap().amount.units(), 100_000);
        // A thousand, or one?
        for bad in ["", "0", "0.00", "-1", "1e3", "12.505", "twelve", "1,000"] {
            let problem = read(bad).unwrap_err();
            assert!(problem.error("money").is_some(), "{bad}");
        }
        let problem = entry(&[]).amount("b", 2).unwrap_err();
        assert_eq!(problem.error("b"), Some("an amount such as 12.50"));
        let code = |text: &str| entry(&[("unit", text)]).currency("unit");
        assert_eq!(code("eur").unwrap(), euro);
        assert!(code("12,5").is_err() && entry(&[("n", "1.5")]).whole("n").is_err());
        let none = entry(&[("limit", "0")]).money_or_none("limit", euro).unwrap();
        assert!(none.amount.is_zero());
    }

    #[test]
    fn days_and_counts_may_be_left_out_and_are_bounded() {
        let empty = entry(&[("day", " "), ("count", "")]);
        assert_eq!((empty.day("day").unwrap(), empty.count("count", 1, 5).unwrap()), (None, None));
        let good = entry(&[("day", "2026-11-22"), ("count", "5")]);
        assert_eq!(good.day("day").unwrap(), Timestamp::parse_date("2026-11-22"));
        assert_eq!(good.count("count", 1, 5).unwrap(), Some(5));
        for bad in ["0", "6", "1.5", "-1", "many"] {
            assert!(entry(&[("count", bad)]).count("count", 1, 5).is_err(), "{bad}");
        }
        assert!(entry(&[("day", "22.11.2026")]).day("day").is_err());
    }

    #[test]
    fn the_same_form_is_the_same_request_and_another_is_not() {
        let of = |pairs: &[(&str, &str)], place| entry(pairs).request(place).unwrap();
        let first = of(&[("key", "k"), ("tokens", "1")], "adjust");
        let again = of(&[("key", "k"), ("tokens", "1 ")], "adjust");
        assert_eq!((first.key, first.fingerprint), (again.key, again.fingerprint));
        let more = of(&[("key", "k"), ("tokens", "2")], "adjust");
        assert_eq!(first.key, more.key);
        assert_ne!(first.fingerprint, more.fingerprint);
        assert_ne!(of(&[("key", "l")], "adjust").key, first.key);
        assert!(entry(&[("tokens", "1")]).request("adjust").is_err(), "no key, no act");
    }
}
