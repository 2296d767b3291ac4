//! What is shut or hidden: what it is, what opens it, and the way there and back.

use axum::response::Response;
use http::StatusCode;
use maud::{Markup, html};
use scrip_domain::Amount;
use scrip_domain::account::NotPermitted;
use scrip_domain::gate::Standing;
use scrip_domain::visibility::Level;
use scrip_engine::Fault;
use scrip_engine::catalog::view::Hidden;

use super::together;
use crate::App;
use crate::language::{say, t, text};
use crate::money::MoneyOut;
use crate::pages::frame::{Head, private_headed};
use crate::pages::top_up;
use crate::pages::visit::{Local, Visit};

/// Somebody before a door: who they are, where they stand, and where they are.
#[derive(Debug)]
pub struct Guest<'a> {
    /// The browser.
    pub visit: &'a Visit,
    /// Where they stand.
    pub standing: Standing,
    /// The page that they want to see.
    pub here: Local,
    /// The balance from which on somebody is `funded`.
    pub threshold: Amount,
    /// The provider's address, where accounts and wallets are not here.
    pub provider: Option<String>,
}

impl<'a> Guest<'a> {
    /// Who looks at `here`, and stands so.
    pub async fn at(
        app: &App,
        visit: &'a Visit,
        standing: Standing,
        here: Local,
    ) -> Result<Self, Fault> {
        let provider = app.engine.provider().map(|provider| provider.url().to_owned());
        let cheapest = if provider.is_some() { None } else { app.engine.cheapest().await? };
        let threshold = visit.vendor.settings.threshold.effective(cheapest);
        Ok(Self { visit, standing, here, threshold, provider })
    }

    /// Whether somebody is signed in.
    pub fn is_signed_in(&self) -> bool {
        self.visit.member.is_some()
    }

    /// What can be spent; zero for who is not signed in, or keeps the wallet elsewhere.
    pub fn available(&self) -> Amount {
        let member = self.visit.member.as_ref().filter(|_| self.provider.is_none());
        member.map_or(Amount::ZERO, |(_, member)| member.available)
    }

    /// The buttons that let somebody in who is not signed in.
    pub fn ways_in(&self) -> Markup {
        if self.provider.is_some() {
            return html! { a.button href=(self.sign_in()) { (t("Sign in through your provider")) } };
        }
        html! {
            a.button href=(self.here.after("/register")) { (t("Open an account")) }
            a.button.second href=(self.here.after("/sign-in")) { (t("Sign in")) }
        }
    }

    /// Where to sign in.
    pub fn sign_in(&self) -> String {
        self.here.after(if self.provider.is_some() { "/connect" } else { "/sign-in" })
    }

    /// What is left to do for somebody who is signed in, and stands lower than `needs`. `price` is what would cover the
    /// product, where they see it.
    fn ways_up(&self, needs: Level, price: Option<Amount>) -> Markup {
        if let Some(provider) = &self.provider {
            return html! {
                a.button href={ (provider) "/wallet/top-up" } { (t("Add funds at your provider")) }
                a.button.second href=(self.sign_in()) { (t("Sign in again, and share that")) }
            };
        }
        if self.standing == Standing::Visitor {
            return html! { a.button href=(self.here.after("/account")) { (t("Complete your account")) } };
        }
        let settings = &self.visit.vendor.settings;
        let enough = if needs == Level::Covered { price } else { Some(self.threshold) };
        let missing = enough.map(|enough| self.available().shortfall(enough));
        match missing.filter(|missing| !missing.is_zero()) {
            Some(missing) => {
                html! {
                    (top_up::exactly(&self.here, missing, settings, Some("button")))
                    (top_up::another_sum(missing, settings))
                }
            }
            None => {
                html! { a.button href=(self.here.after("/wallet/top-up")) { (t("Add funds")) } }
            }
        }
    }

    /// Whether the account is frozen: nothing that is offered here would help.
    fn is_frozen(&self) -> bool {
        let fields = &self.visit.vendor.settings.required();
        let account = self.visit.member.as_ref().map(|(_, member)| &member.account);
        account.is_some_and(|account| account.permits(fields) == Err(NotPermitted::Frozen))
    }

    /// What has to be so for `needs`.
    fn condition(&self, needs: Level) -> String {
        let token = &self.visit.vendor.settings.token;
        match (needs, self.provider.is_some()) {
            (Level::Visitor | Level::Member, _) => t("to members").to_owned(),
            (Level::Funded, false) => {
                text!(
                    "once your wallet holds {tokens}",
                    tokens = MoneyOut::tokens(self.threshold, token)
                )
            }
            (Level::Funded, true) => {
                t("once your balance at your provider is enough to order here, and you let us know")
                    .to_owned()
            }
            (Level::Covered, false) => t("once your wallet covers it").to_owned(),
            (Level::Covered, true) => t("to who has bought it").to_owned(),
        }
    }

    /// Says what opens ordering to who is not `funded`, where that comes first, and leads there.
    pub fn to_order(&self) -> Markup {
        html! {
            div.locked {
                p { (say!("You can order here {condition}.", condition = self.condition(Level::Funded))) }
                (self.ways(Level::Funded, None))
            }
        }
    }

    /// The ways to `needs`, whoever it is.
    fn ways(&self, needs: Level, price: Option<Amount>) -> Markup {
        let unlockable = self.provider.is_none() || needs != Level::Covered;
        html! {
            @if self.is_frozen() { p.small { (t("Your account is frozen. Please write to us.")) } }
            @else if !self.is_signed_in() { p.row { (self.ways_in()) } }
            @else if unlockable { p.row { (self.ways_up(needs, price)) } }
        }
    }

    /// Says what is hidden of a product, and what shows it. `price` is what would cover the product, where they see it.
    pub fn unseen(&self, hidden: &Hidden, price: Option<Amount>) -> Markup {
        let names = names(&hidden.fields);
        let (what, condition) = (together(&names), self.condition(hidden.needs));
        html! {
            div.locked {
                p {
                    @if several(&hidden.fields, names.len()) { (say!("The {what} are shown {condition}.", what, condition)) }
                    @else { (say!("The {what} is shown {condition}.", what, condition)) }
                 }
                (self.ways(hidden.needs, price))
            }
        }
    }
}

/// What people call the hidden fields.
fn names(fields: &[&'static str]) -> Vec<&'static str> {
    let names = [
        ("price_from", t("price")),
        ("description", t("description")),
        ("pictures", t("pictures")),
        ("files", t("list of files")),
        ("release.notes", t("release notes")),
    ];
    names.into_iter().filter(|(field, _)| fields.contains(field)).map(|(_, name)| name).collect()
}

/// Whether the verb behind so many names of these fields is one of several.
fn several(fields: &[&str], names: usize) -> bool {
    names != 1 || fields.iter().any(|field| matches!(*field, "pictures" | "release.notes"))
}

/// In the place of goods that only members see.
pub fn shut(app: &App, guest: &Guest<'_>) -> Response {
    let vendor = &guest.visit.vendor.settings.name;
    let main = html! {
        h1 { (t("For members")) }
        p.lead { (say!("{vendor} shows its products to members. Opening an account is free, and you come back to this page.",
            vendor = html! { bdi { (vendor) } })) }
        p.row { (guest.ways_in()) }
    };
    let head = Head { unlisted: true, ..Head::of(t("For members")) };
    let mut response = private_headed(app, &head, guest.visit, &main);
    *response.status_mut() = StatusCode::UNAUTHORIZED;
    response
}
