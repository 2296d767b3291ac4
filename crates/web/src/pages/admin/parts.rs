//! Parts that pages of the console share: pages of lists, what is shown of one state, links to what has a page.

use std::collections::BTreeSet;

use maud::{Markup, html};
use scrip_domain::Id;
use scrip_domain::account::Account;
use scrip_domain::license::License;
use scrip_domain::order::{Order, OrderState};
use scrip_domain::top_up::{TopUp, TopUpState};
use scrip_domain::visibility::{FieldGroup, Level};
use scrip_engine::Page;
use serde::Deserialize;

use crate::App;
use crate::api::ListQuery;
pub use crate::pages::form::{Told, done};
use crate::pages::look::{Tone, badge};
use crate::pages::words::capitalized;
use crate::problem::Problem;

/// How many rows of a list are on a page.
pub const PAGE: u32 = 25;

/// Each of these once.
pub fn distinct<T: Ord>(these: impl Iterator<Item = T>) -> Vec<T> {
    these.collect::<BTreeSet<_>>().into_iter().collect()
}

/// Where in a list one is.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Place {
    /// The cursor of the part before.
    pub after: Option<String>,
}

/// The part of the list called `list` that comes after a cursor of it.
pub fn range(app: &App, list: &str, after: Option<&str>) -> Result<Page, Problem> {
    ListQuery::of(PAGE, after.map(str::to_owned)).page(&app.engine, list)
}

/// The way to the next page of a list, where there is one. `here` is the list's address with what was asked for.
pub fn pager(here: &str, next: Option<&str>) -> Markup {
    let Some(next) = next else { return Markup::default() };
    let and = if here.contains('?') { '&' } else { '?' };
    let next: String = form_urlencoded::byte_serialize(next.as_bytes()).collect();
    html! {
        nav.pager aria-label="Pages of this list" { a rel="next" href=(format!("{here}{and}after={next}")) { "Older" } }
    }
}

/// The address of a list with what was asked for; what is empty is left out.
pub fn address(path: &str, asked: &[(&str, &str)]) -> String {
    let asked: Vec<_> = asked.iter().filter(|(_, value)| !value.is_empty()).collect();
    if asked.is_empty() {
        return path.to_owned();
    }
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(asked).finish();
    format!("{path}?{query}")
}

/// One of several views of a list: its address, its name, and whether it is this one.
pub fn filters(label: &str, all: &[(String, String, bool)]) -> Markup {
    html! {
        nav.filters aria-label=(label) {
            @for (to, name, here) in all { a href=(to) aria-current=[here.then_some("page")] { (name) } }
        }
    }
}

/// A field that finds something.
pub fn search(action: &str, name: &str, label: &str, value: &str, hint: &str) -> Markup {
    let id = format!("{name}-search");
    html! {
        form method="get" action=(action) role="search" {
            div.field {
                label for=(id) { (label) }
                p.hint id=(format!("{id}-hint")) { (hint) }
                div.search {
                    input id=(id) name=(name) type="search" value=(value) autocomplete="off" aria-describedby=(format!("{id}-hint"));
                    button.second type="submit" { "Find" }
                }
            }
        }
    }
}

/// A table that scrolls by itself where it is wider than the screen. The name of a column of amounts
/// begins with `#`, one that only a screen reader tells with `?`.
pub fn table(head: &[&str], rows: &Markup) -> Markup {
    table_of("", head, rows)
}

/// The same with a caption, which says what it shows.
pub fn table_of(caption: &str, head: &[&str], rows: &Markup) -> Markup {
    let column = |name: &&str| match (name.strip_prefix('#'), name.strip_prefix('?')) {
        (Some(name), _) => html! { th.sum scope="col" { (name) } },
        (_, Some(name)) => html! { th scope="col" { span.unseen { (name) } } },
        (None, None) => html! { th scope="col" { (name) } },
    };
    html! {
        div.wide tabindex="0" role="group" aria-label=(if caption.is_empty() { "Table" } else { caption }) {
            table {
                @if !caption.is_empty() { caption { (caption) } }
                thead { tr { @for name in head { (column(name)) } } }
                tbody { (rows) }
            }
        }
    }
}

/// What an account is called: its address, or its id where a provider keeps the address.
pub fn called(account: &Account) -> String {
    if account.email.is_empty() { account.id.to_string() } else { account.email.clone() }
}

/// The way to an account's page.
pub fn account_link(account: &Account) -> Markup {
    link_to(account.id, &called(account))
}

/// The same where no more is known than its name among ids.
pub fn link_to(account: Id<Account>, name: &str) -> Markup {
    html! { a href={ "/admin/accounts/" (account) } { (name) } }
}

/// The way to an order's page.
pub fn order_link(order: Id<Order>) -> Markup {
    html! { a href={ "/admin/orders/" (order) } { code { (order) } } }
}

/// The way to a license's page.
pub fn license_link(license: Id<License>) -> Markup {
    html! { a href={ "/admin/licenses/" (license) } { code { (license) } } }
}

/// The way to a top-up's page.
pub fn top_up_link(top_up: Id<TopUp>) -> Markup {
    html! { a href={ "/admin/top-ups/" (top_up) } { code { (top_up) } } }
}

/// A stable word, as people read it.
pub fn plain(word: &str) -> String {
    capitalized(&word.replace('_', " "))
}

/// Where an order stands.
pub fn order_badge(state: OrderState) -> Markup {
    let tone = match state {
        OrderState::Paid => Tone::Good,
        OrderState::RefundPending | OrderState::Captured | OrderState::PartiallyRefunded => {
            Tone::Warn
        }
        OrderState::Declined => Tone::Bad,
        _ => Tone::Info,
    };
    badge(tone, &plain(state.as_str()))
}

/// Where a top-up stands.
pub fn top_up_badge(state: TopUpState) -> Markup {
    let tone = match state {
        TopUpState::Credited | TopUpState::DisputeWon => Tone::Good,
        TopUpState::InReview | TopUpState::Unknown | TopUpState::RequiresAction => Tone::Warn,
        TopUpState::Declined
        | TopUpState::Failed
        | TopUpState::Disputed
        | TopUpState::DisputeLost => Tone::Bad,
        _ => Tone::Info,
    };
    badge(tone, &plain(state.as_str()))
}

/// Where a license stands, by its word.
pub fn license_badge(word: &str) -> Markup {
    let tone = match word {
        "valid" => Tone::Good,
        "suspended" | "withheld" => Tone::Warn,
        "revoked" | "refunded" => Tone::Bad,
        _ => Tone::Info,
    };
    badge(tone, &plain(word))
}

/// A level, for people: who sees what needs it.
pub const fn level_name(level: Level) -> &'static str {
    match level {
        Level::Visitor => "Everybody",
        Level::Member => "Members",
        Level::Funded => "Funded members",
        Level::Covered => "Members whose balance covers it",
    }
}

/// A group of a product's fields, for people.
pub const fn group_name(group: FieldGroup) -> &'static str {
    match group {
        FieldGroup::Product => "The product itself",
        FieldGroup::Price => "Price",
        FieldGroup::Description => "Description",
        FieldGroup::Pictures => "Pictures",
        FieldGroup::Files => "Files and their sizes",
        FieldGroup::ReleaseNotes => "Release notes",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_stays_in_the_address() {
        assert_eq!(address("/admin/orders", &[("state", ""), ("account", "")]), "/admin/orders");
        let here = address("/admin/orders", &[("state", "paid"), ("q", "a&b")]);
        assert_eq!(here, "/admin/orders?state=paid&q=a%26b");
        let next = pager(&here, Some("x=y")).into_string();
        assert!(next.contains("/admin/orders?state=paid&amp;q=a%26b&amp;after=x%3Dy"), "{next}");
        assert_eq!(pager("/admin/orders", None).into_string(), "");
    }

    #[test]
    fn a_word_of_the_program_is_told_plainly() {
        assert_eq!(plain("dispute_lost"), "Dispute lost");
    }
}
