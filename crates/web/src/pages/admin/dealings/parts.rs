//! What these pages share: the question before something is done, and money in millionths.

use axum::response::Response;
use maud::{Markup, html};
use scrip_domain::partner::MICRO_SCALE;
use scrip_domain::staff::Power;
use scrip_domain::{Amount, Timestamp, Unit};

use crate::App;
use crate::pages::admin::desk::Clerk;
use crate::pages::admin::entry::Sent;
use crate::pages::admin::{Section, page, with_status};
use crate::problem::Problem;

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
        html! {
            (Sent { problem, ..Sent::default() }.complaint())
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

/// The pages of what is dealt with partners that this member may see, and which of them this is.
pub fn tabs(here: &str, clerk: &Clerk) -> Markup {
    let all = [
        ("/admin/partners", "Partners", Power::See),
        ("/admin/exchanges", "Exchanges", Power::See),
        ("/admin/statements", "Statements", Power::See),
        ("/admin/settlements", "Payments", Power::See),
        ("/admin/bank", "Your bank account", Power::Money),
    ];
    html! {
        nav.tabs aria-label="Partners" {
            @for (to, name, _) in all.into_iter().filter(|(_, _, power)| clerk.may(*power)) { a href=(to) aria-current=[(to == here).then_some("page")] { (name) } }
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
}
