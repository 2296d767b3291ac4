//! What stands between a selection and its order, and the way past it: never a dead end, and what was chosen stays.

use axum::response::Response;
use http::StatusCode;
use maud::{Markup, html};
use scrip_domain::account::{Field as Asked, Person};
use scrip_domain::gate::{GateRefusal, Short};
use scrip_domain::settings::Settings;
use scrip_domain::visibility::Level;
use scrip_engine::purchase::PurchaseRefusal;

use super::{Wanted, pays_elsewhere};
use crate::App;
use crate::language::{many, say, t};
use crate::money::MoneyOut;
use crate::pages::account::personal;
use crate::pages::look::price;
use crate::pages::private;
use crate::pages::refused::sentence;
use crate::pages::top_up;
use crate::pages::visit::{Local, Visit};
use crate::problem::Problem;

/// Where the way leads on, past whatever stands in it.
#[derive(Clone, Debug)]
pub struct Ahead {
    /// The page to go on to.
    pub next: Local,
    /// What is wanted, to ask for it in another way.
    pub wanted: Wanted,
    /// What its lines are called.
    pub titles: Vec<String>,
}

impl Ahead {
    /// Whether the cart is wanted, and not one thing alone or an order once more.
    fn of_cart(&self) -> bool {
        self.wanted.offer.is_empty() && self.wanted.order.is_empty()
    }

    /// The way back to where it was chosen.
    fn back(&self, class: &str) -> Markup {
        html! {
            @if self.of_cart() { a class=(class) href="/cart" { (t("Back to the cart")) } }
            @else { a class=(class) href="/products" { (t("Look at the products")) } }
        }
    }

    fn title(&self, line: usize) -> &str {
        self.titles.get(line).map_or_else(|| t("this"), String::as_str)
    }
}

/// What stands in the way, for a page or a part of one.
#[derive(Clone, Debug)]
pub struct Stop {
    /// In a few words.
    pub title: &'static str,
    /// What it is, and what to do.
    pub body: Markup,
    /// The status of a page about it alone.
    pub status: StatusCode,
}

impl Stop {
    /// What `refusal` says.
    pub fn new(app: &App, visit: &Visit, refusal: &PurchaseRefusal, ahead: &Ahead) -> Self {
        let settings = &visit.vendor.settings;
        let status = Problem::purchase(refusal, settings).status();
        let (title, body) = match refusal {
            PurchaseRefusal::Gate(shut) | PurchaseRefusal::Declined { gate: shut, .. } => {
                gate(app, visit, shut, ahead)
            }
            PurchaseRefusal::PriceHidden { first: Some(shut), .. } => gate(app, visit, shut, ahead),
            PurchaseRefusal::PriceHidden { line, needs, first: None } => {
                hidden(app, visit, ahead, *line, *needs)
            }
            PurchaseRefusal::AlreadyOwned(line) => owned(ahead, *line),
            PurchaseRefusal::CouponRefused | PurchaseRefusal::CouponUsedUp => coupon(
                ahead,
                &html! { (t("The coupon is not good for this selection, or its uses are used up by now. Nothing was charged.")) },
            ),
            PurchaseRefusal::RateLimited(wait) => coupon(
                ahead,
                &html! { (say!("Too many coupons were tried from here. It can be tried again in {wait} seconds.", wait = wait.0)) },
            ),
            PurchaseRefusal::TooManyOrders(wait) => (
                t("One moment"),
                html! {
                    p { (say!("Too many orders were sent from here by visitors. It can be tried again in {wait} seconds, \
                        and at once by who is signed in.", wait = wait.0)) }
                    p.choice {
                        a.button href=(ahead.next.after("/connect")) { (t("Sign in")) }
                        (ahead.back("button second"))
                    }
                },
            ),
            PurchaseRefusal::DeclinedTooOften(wait) => (
                t("One moment"),
                html! {
                    p { (say!("Too many orders were declined because the balance was too small. Add funds first; it can be tried again in {wait} seconds.",
                        wait = wait.0)) }
                    p.choice {
                        a.button href="/wallet/top-up" { (t("Add funds")) }
                        (ahead.back("button second"))
                    }
                },
            ),
            other => (
                t("This cannot be ordered so"),
                html! {
                    p { (why(other, ahead, settings)) }
                    p.choice { (ahead.back("button")) }
                },
            ),
        };
        // To be asked who one is is no refusal; and a page asks by no scheme.
        let status = if status == StatusCode::UNAUTHORIZED { StatusCode::OK } else { status };
        Self { title, body, status }
    }

    /// A page about it alone.
    pub fn page(self, app: &App, visit: &Visit) -> Response {
        let main = html! {
            h1 { (self.title) }
            div.stop { (self.body) }
        };
        let mut response = private(app, self.title, visit, &main);
        *response.status_mut() = self.status;
        pays_elsewhere(app, &mut response);
        response
    }
}

fn gate(app: &App, visit: &Visit, shut: &GateRefusal, ahead: &Ahead) -> (&'static str, Markup) {
    match shut {
        GateRefusal::AccountRequired(_) => (t("Sign in or open an account"), sign_in(visit, ahead)),
        GateRefusal::ConnectionRequired => {
            (t("Sign in through the provider"), connect(app, visit, ahead))
        }
        GateRefusal::AccountFrozen => (
            t("Your account is frozen"),
            html! {
                p { (say!("Nothing can be ordered with it at the moment. Please ask {name}; what you have bought stays yours.",
                    name = html! { bdi { (visit.vendor.settings.name) } })) }
                p.choice { a.button href="/library" { (t("Your library")) } }
            },
        ),
        GateRefusal::AccountIncomplete(missing) => {
            (t("Complete your account"), complete(visit, missing, &ahead.next))
        }
        GateRefusal::BelowThreshold(short) => (
            t("Add funds to order"),
            html! {
                p { (t("Ordering opens when your balance reaches a threshold. What you add is yours to spend.")) }
                (shortfall(*short, t("Needed to order"), visit, ahead))
            },
        ),
        GateRefusal::InsufficientBalance(short) => (
            t("Add funds to pay"),
            html! {
                p { (t("Your wallet does not cover this yet. Nothing was charged.")) }
                (shortfall(*short, t("To pay"), visit, ahead))
            },
        ),
        GateRefusal::NotFunded { shared } => {
            (t("Add funds to order"), not_funded(app, *shared, ahead))
        }
    }
}

/// What is kept meanwhile.
fn kept(visit: &Visit) -> Markup {
    let units = visit.cart.units();
    html! {
        @if units > 0 { p { (say!("{things} in your cart, and kept there meanwhile.", things = things(units))) } }
    }
}

/// So many things.
pub fn things(units: u32) -> String {
    many!(units, "One thing is", "{count} things are")
}

fn sign_in(visit: &Visit, ahead: &Ahead) -> Markup {
    html! {
        p { (t("An account holds your tokens and everything that you buy with them.")) }
        (kept(visit))
        p.choice {
            a.button href=(ahead.next.after("/register")) { (t("Open an account")) }
            a.button.second href=(ahead.next.after("/sign-in")) { (t("Sign in")) }
        }
    }
}

fn connect(app: &App, visit: &Visit, ahead: &Ahead) -> Markup {
    let url = app.engine.provider().map_or("", |provider| provider.url());
    html! {
        p { (say!("Your account and your wallet are at {url}. Sign in or open an account there, and you come back here.",
            url = html! { bdi { (url) } })) }
        (kept(visit))
        p.choice { a.button href=(ahead.next.after("/connect")) { (t("Sign in")) } }
    }
}

/// The fields that are missing, and with them those that are known, so that those stay.
fn complete(visit: &Visit, missing: &[Asked], next: &Local) -> Markup {
    let nobody = Person::default();
    let person = visit.member.as_ref().map_or(&nobody, |(_, member)| &member.account.person);
    let typed = [Asked::Name, Asked::Address, Asked::Phone];
    let card = missing.contains(&Asked::PaymentMethod);
    html! {
        p { (t("This is asked of every account before it can order.")) }
        @if missing.iter().any(|field| typed.contains(field)) {
            form.narrow method="post" action="/account" {
                @let then = if card { next.after("/account") } else { next.as_str().to_owned() };
                input type="hidden" name="next" value=(then);
                @for field in typed {
                    @if missing.contains(&field) { (personal(field, "", true, None)) }
                    @else if let Some(value) = person.get(field) { input type="hidden" name=(field.as_str()) value=(value); }
                }
                button type="submit" { (t("Save and go on")) }
            }
        } @else if card {
            p { (t("Please choose a card to pay with.")) }
            p.choice { a.button href=(next.after("/account")) { (t("Choose a card")) } }
        } @else if missing.contains(&Asked::EmailVerified) {
            @let email = visit.member.as_ref().map_or("", |(_, member)| member.account.email.as_str());
            p { (say!("Open the link in the letter that was sent to {email}. Then come back here.",
                email = html! { bdi { (email) } })) }
            form.choice method="post" action="/verify/again" {
                input type="hidden" name="next" value=(next.as_str());
                a.button href=(next.as_str()) { (t("I have opened it")) }
                button.second type="submit" { (t("Send the letter again")) }
            }
        }
    }
}

/// What is required, what is there, and what brings the rest.
fn shortfall(short: Short, required: &str, visit: &Visit, ahead: &Ahead) -> Markup {
    let settings = &visit.vendor.settings;
    let token = &settings.token;
    let missing = short.balance.shortfall(short.required);
    html! {
        dl.facts.figures {
            dt { (required) } dd { (price(short.required, token)) }
            dt { (t("In your wallet")) } dd { (MoneyOut::tokens(short.balance, token)) }
            dt { (t("Missing")) } dd { (price(missing, token)) }
        }
        p.choice {
            (top_up::button(&ahead.next, missing, settings, "button"))
        }
        (top_up::another_sum(missing, settings))
        p.small { (t("When the tokens are in your wallet, you go on where you stopped.")) }
    }
}

fn not_funded(app: &App, shared: bool, ahead: &Ahead) -> Markup {
    let url = app.engine.provider().map_or("", |provider| provider.url());
    html! {
        @if shared {
            p { (say!("Ordering opens when your balance at {url} reaches a threshold. Add funds there, and come back: \
                what you chose is kept.", url = html! { bdi { (url) } })) }
            p.choice {
                a.button href={ (url) "/wallet/top-up" } { (t("Add funds")) }
                a.button.second href=(ahead.next.as_str()) { (t("I have added funds")) }
            }
        } @else {
            p { (t("Ordering opens at a threshold, and your provider may not tell us yet whether your balance reaches \
                it. Sign in \
                once more, and let it say so: yes or no, and nothing else.")) }
            p.choice { a.button href=(ahead.next.after("/connect")) { (t("Sign in and share that")) } }
        }
    }
}

fn hidden(
    app: &App,
    visit: &Visit,
    ahead: &Ahead,
    line: usize,
    needs: Level,
) -> (&'static str, Markup) {
    let title = ahead.title(line);
    let body = match (app.engine.provider(), needs) {
        (Some(provider), _) => html! {
            p { (say!("The price of {title} is shown when your balance at {url} is large enough to order, and it tells us so.",
                title = html! { bdi { (title) } }, url = html! { bdi { (provider.url()) } })) }
            p.choice {
                a.button href=(ahead.next.after("/connect")) { (t("Sign in and share that")) }
                a.button.second href={ (provider.url()) "/wallet/top-up" } { (t("Add funds")) }
            }
        },
        (None, Level::Covered) => html! {
            p { (say!("The price of {title} is shown when your balance covers it. What you add is yours to spend.",
                title = html! { bdi { (title) } })) }
            p.choice { a.button href=(top_up::address(&ahead.next, None, &visit.vendor.settings)) { (t("Add funds")) } }
        },
        (None, Level::Visitor | Level::Member | Level::Funded) => html! {
            p { (say!("The price of {title} is shown when your balance is large enough to order. What you add is \
                yours to spend.", title = html! { bdi { (title) } })) }
            p.choice { a.button href=(top_up::address(&ahead.next, None, &visit.vendor.settings)) { (t("Add funds")) } }
        },
    };
    (t("A price is not shown yet"), body)
}

fn owned(ahead: &Ahead, line: usize) -> (&'static str, Markup) {
    let again = ahead.wanted.clone().insisting();
    let body = html! {
        p { (say!("You have bought {title} before, for good. Its code is in your library, and there is no need to pay \
            for it twice.", title = html! { bdi { (ahead.title(line)) } })) }
        form.choice method="post" action="/checkout" {
            a.button href="/library" { (t("Your library")) }
            (again.hidden())
            button.second type="submit" { (t("Buy it again anyway")) }
            (ahead.back("button second"))
        }
    };
    (t("You own this already"), body)
}

fn coupon(ahead: &Ahead, text: &Markup) -> (&'static str, Markup) {
    let without = Wanted { without: "yes".to_owned(), ..ahead.wanted.clone() };
    let body = html! {
        p { (text) }
        form.choice method="post" action="/checkout" {
            (without.hidden())
            button type="submit" { (t("Go on without it")) }
            (ahead.back("button second"))
        }
    };
    (t("The coupon cannot be used"), body)
}

/// The rest in a sentence.
fn why(refusal: &PurchaseRefusal, ahead: &Ahead, settings: &Settings) -> Markup {
    match refusal {
        PurchaseRefusal::NotForSale(line) if !ahead.of_cart() => html! {
            (say!("{title} is not for sale any more, or not to you. Look what there is today.",
                title = html! { bdi { (ahead.title(*line)) } }))
        },
        PurchaseRefusal::TrialUsed(line) if !ahead.of_cart() => html! {
            (say!("{title} can be tried once, and this account has tried it. Choose another offer of it.",
                title = html! { bdi { (ahead.title(*line)) } }))
        },
        PurchaseRefusal::NotForSale(line) => html! {
            (say!("{title} is not for sale any more, or not to you. Take it out of the cart, and go on with the rest.",
                title = html! { bdi { (ahead.title(*line)) } }))
        },
        PurchaseRefusal::TrialUsed(line) => html! {
            (say!("{title} can be tried once, and this account has tried it. Take it out of the cart, or choose \
                another offer of it.", title = html! { bdi { (ahead.title(*line)) } }))
        },
        PurchaseRefusal::NotExtendable { line, .. } | PurchaseRefusal::NoSuchLicense(line) => {
            html! {
                (say!("The license cannot be extended by {title}. Choose the offer that it was bought with.",
                    title = html! { bdi { (ahead.title(*line)) } }))
            }
        }
        PurchaseRefusal::TooManyParts | PurchaseRefusal::TooMuch => html! {
            (t("This is more than one order can hold. Buy a part of it first."))
        },
        other => html! { (sentence(Problem::purchase(other, settings).detail())) },
    }
}
