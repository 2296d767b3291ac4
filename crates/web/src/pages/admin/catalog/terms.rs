//! Terms and limits of an offer: what a form says of them, and how people read them.

use maud::{Markup, html};
use scrip_license::{DEFAULT_OFFLINE_DAYS, Limits, RentalStart, Terms};
use serde::Deserialize;

use super::fields::{Choice, wrong};
use crate::pages::form::{Field, Mistakes, mistake};
use crate::pages::words;
use crate::problem::Problem;

/// What was typed of terms and limits. Only what the chosen terms need is read.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct TermsForm {
    terms: String,
    rental_length: String,
    rental_unit: String,
    rental_from: String,
    uses: String,
    processings: String,
    unit: String,
    trial_length: String,
    trial_unit: String,
    machines: String,
    downloads: String,
    moves: String,
    offline_days: String,
}

impl Default for TermsForm {
    fn default() -> Self {
        Self {
            terms: "perpetual".into(),
            rental_length: "30".into(),
            rental_unit: "days".into(),
            rental_from: "purchase".into(),
            uses: String::new(),
            processings: String::new(),
            unit: String::new(),
            trial_length: "14".into(),
            trial_unit: "days".into(),
            machines: String::new(),
            downloads: String::new(),
            moves: String::new(),
            offline_days: String::new(),
        }
    }
}

/// Spans for people, longest first: the word, and its seconds.
const UNITS: [(&str, u64); 4] =
    [("days", 86_400), ("hours", 3_600), ("minutes", 60), ("seconds", 1)];

impl TermsForm {
    /// The form that would give these.
    pub fn of(terms: Terms, limits: Limits) -> Self {
        let text = |limit: Option<u32>| limit.map(|limit| limit.to_string()).unwrap_or_default();
        let mut form = Self {
            machines: text(limits.machines),
            downloads: text(limits.downloads),
            moves: text(limits.moves),
            offline_days: text(limits.offline_days),
            ..Self::default()
        };
        let word = match terms {
            Terms::Perpetual => "perpetual",
            Terms::Rental { seconds, from } => {
                (form.rental_length, form.rental_unit) = span(seconds);
                let from = match from {
                    RentalStart::Purchase => "purchase",
                    RentalStart::FirstActivation => "first_activation",
                };
                form.rental_from = from.into();
                "rental"
            }
            Terms::Uses { count } => {
                form.uses = count.to_string();
                "uses"
            }
            Terms::Processings { count, unit } => {
                form.processings = count.to_string();
                form.unit = unit.map(|unit| unit.to_string()).unwrap_or_default();
                "processings"
            }
            Terms::Trial { seconds } => {
                (form.trial_length, form.trial_unit) = span(seconds);
                "trial"
            }
        };
        form.terms = word.into();
        form
    }

    /// The terms and limits, as far as they can be read; what cannot is told.
    pub fn read(&self, mistakes: &mut Mistakes) -> (Terms, Limits) {
        let terms = match self.terms.as_str() {
            "perpetual" => Terms::Perpetual,
            "rental" => Terms::Rental {
                seconds: seconds("rental_length", &self.rental_length, &self.rental_unit, mistakes),
                from: match self.rental_from.as_str() {
                    "first_activation" => RentalStart::FirstActivation,
                    _ => RentalStart::Purchase,
                },
            },
            "uses" => Terms::Uses { count: whole("uses", &self.uses, mistakes) },
            "processings" => {
                let name = self.unit.trim();
                let unit = (!name.is_empty()).then(|| name.parse().map_err(|error| (name, error)));
                let unit =
                    unit.transpose().unwrap_or_else(|(_, error): (_, scrip_license::UnitError)| {
                        mistakes.add("unit", error.to_string());
                        None
                    });
                Terms::Processings {
                    count: whole("processings", &self.processings, mistakes),
                    unit,
                }
            }
            "trial" => Terms::Trial {
                seconds: seconds("trial_length", &self.trial_length, &self.trial_unit, mistakes),
            },
            _ => {
                mistakes.add("terms", "choose one of these");
                Terms::Perpetual
            }
        };
        let mut limit = |field: &str, text: &str| {
            let text = text.trim();
            let limit = (!text.is_empty()).then(|| text.parse().map_err(|_| ()));
            limit.transpose().unwrap_or_else(|()| {
                mistakes.add(field, "a whole number, or nothing");
                None
            })
        };
        let limits = Limits {
            machines: limit("machines", &self.machines),
            downloads: limit("downloads", &self.downloads),
            moves: limit("moves", &self.moves),
            offline_days: limit("offline_days", &self.offline_days),
        };
        (terms, limits)
    }

    /// What the engine says of terms and limits, at the fields of this form.
    pub fn place(&self, problem: &Problem) -> Problem {
        let mut placed = problem.clone();
        for error in problem.errors() {
            let field = match (error.field.as_str(), self.terms.as_str()) {
                ("terms.seconds", "trial") => "trial_length",
                ("terms.seconds", _) => "rental_length",
                ("terms.count", "uses") => "uses",
                ("terms.count", _) => "processings",
                (field, _) => match field.strip_prefix("limits.") {
                    Some(limit) => limit,
                    None => continue,
                },
            };
            placed = placed.with_error(field, "invalid", error.detail.clone());
        }
        placed
    }

    /// The fields of the form.
    pub fn fields(&self, problem: Option<&Problem>) -> Markup {
        html! {
            fieldset.terms {
                legend { "Terms" }
                p.hint { "Choose one; only the fields that belong to it count." }
                @if let Some(text) = wrong(problem, "terms").filter(|_| wrong(problem, "terms.seconds").is_none()) {
                    (mistake(None, text))
                }
                (self.option("perpetual", "For good", &Markup::default()))
                (self.option("rental", "Rental: for a time", &html! {
                    (number("rental_length", "How long", &self.rental_length, None, problem))
                    (units("rental_unit", "Unit of the rental", &self.rental_unit))
                    (Choice { name: "rental_from", label: "Counts from", chosen: &self.rental_from, hint: None, error: None,
                        options: &[("purchase", "The purchase"), ("first_activation", "The first use")] })
                }))
                (self.option("uses", "Uses: a number of starts", &html! {
                    (number("uses", "How many uses", &self.uses, None, problem))
                }))
                (self.option("processings", "Processings: a number of things done", &html! {
                    (number("processings", "How many", &self.processings, None, problem))
                    (number("unit", "Of what: images (or empty)", &self.unit, None, problem))
                }))
                (self.option("trial", "Trial: for a time, once per account and machine", &html! {
                    (number("trial_length", "How long to try", &self.trial_length, None, problem))
                    (units("trial_unit", "Unit of the trial", &self.trial_unit))
                }))
            }
            (self.limits(problem))
        }
    }

    fn limits(&self, problem: Option<&Problem>) -> Markup {
        let days = format!("Empty: {DEFAULT_OFFLINE_DAYS}.");
        html! {
            fieldset {
                legend { "Limits" }
                p.hint { "Left empty, there is no limit." }
                div.columns {
                    (number("machines", "Machines at a time", &self.machines, None, problem))
                    (number("downloads", "Downloads", &self.downloads, None, problem))
                    (number("moves", "Moves in 365 days", &self.moves, None, problem))
                    (number("offline_days", "Days without a network", &self.offline_days, Some(&days), problem))
                }
            }
        }
    }

    fn option(&self, value: &str, name: &str, fields: &Markup) -> Markup {
        html! {
            div.terms-of {
                label.option {
                    input type="radio" name="terms" value=(value) checked[self.terms == value];
                    span { (name) }
                }
                @if !fields.0.is_empty() { div.columns { (fields) } }
            }
        }
    }
}

fn number(
    name: &str,
    label: &str,
    value: &str,
    hint: Option<&str>,
    problem: Option<&Problem>,
) -> Markup {
    let error = wrong(problem, name);
    html! {
        (Field { name, label, kind: "text", value, autocomplete: "off", required: false, hint, error })
    }
}

fn units(name: &str, label: &str, chosen: &str) -> Markup {
    let options = UNITS.map(|(unit, _)| (unit, unit));
    html! { (Choice { name, label, options: &options, chosen, hint: None, error: None }) }
}

/// Seconds in the largest unit of which they are whole.
fn span(seconds: u64) -> (String, String) {
    let unit = UNITS.iter().find(|(_, of)| seconds.checked_rem(*of) == Some(0));
    let (name, of) = unit.copied().unwrap_or(("seconds", 1));
    (seconds.checked_div(of).unwrap_or(seconds).to_string(), name.to_owned())
}

fn seconds(field: &str, length: &str, unit: &str, mistakes: &mut Mistakes) -> u64 {
    let of = UNITS.iter().find(|(name, _)| *name == unit).map_or(86_400, |(_, of)| *of);
    // What is too much is said by the engine, which knows how much is.
    whole(field, length, mistakes).saturating_mul(of)
}

fn whole(field: &str, text: &str, mistakes: &mut Mistakes) -> u64 {
    text.trim().parse().unwrap_or_else(|_| {
        mistakes.add(field, "a whole number");
        1
    })
}

/// Limits, for people.
pub fn limits_text(limits: Limits) -> String {
    let mut all = words::limits(limits);
    all.extend(limits.offline_days.map(|days| format!("offline for {days} days at most")));
    if all.is_empty() { "None".to_owned() } else { all.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_form_shows_is_what_it_reads() {
        let limits = Limits { machines: Some(3), moves: Some(0), ..Limits::default() };
        for terms in [
            Terms::Perpetual,
            Terms::Rental { seconds: 30 * 86_400, from: RentalStart::FirstActivation },
            Terms::Rental { seconds: 3_601, from: RentalStart::Purchase },
            Terms::Uses { count: 5 },
            Terms::Processings { count: 100, unit: Some("images".parse().unwrap()) },
            Terms::Processings { count: 100, unit: None },
            Terms::Trial { seconds: 7_200 },
        ] {
            let mut mistakes = Mistakes::default();
            let read = TermsForm::of(terms, limits).read(&mut mistakes);
            assert_eq!(mistakes.or(read).unwrap(), (terms, limits));
        }
    }

    #[test]
    fn only_what_the_chosen_terms_need_is_read() {
        let form = TermsForm {
            terms: "uses".into(),
            uses: "7".into(),
            rental_length: "soon".into(),
            unit: "NO".into(),
            ..TermsForm::default()
        };
        let mut mistakes = Mistakes::default();
        assert_eq!(form.read(&mut mistakes).0, Terms::Uses { count: 7 });
        assert!(mistakes.or(()).is_ok());
        let form = TermsForm { terms: "processings".into(), machines: "-1".into(), ..form };
        let mut mistakes = Mistakes::default();
        form.read(&mut mistakes);
        let problem = mistakes.or(()).unwrap_err();
        let fields: Vec<_> = problem.errors().iter().map(|error| error.field.as_str()).collect();
        assert_eq!(fields, ["unit", "processings", "machines"]);
    }

    #[test]
    fn limits_are_told_for_people() {
        let limits = Limits { downloads: Some(3), offline_days: Some(7), ..Limits::default() };
        assert_eq!(limits_text(limits), "3 downloads, offline for 7 days at most");
        assert_eq!(limits_text(Limits::default()), "None");
    }
}
