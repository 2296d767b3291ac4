//! The buyer's own account: what is known of the person, what to pay with, and the data to take along.

mod cards;
mod email;
mod erase;
mod keys;
mod passkeys;
mod second_factor;
mod security;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use maud::{Markup, Render, html};
use scrip_domain::account::{Account, Field as Asked, NotPermitted, Person};
use scrip_domain::credit_line::CreditLine;
use scrip_domain::payment_method::PaymentMethod;
use scrip_domain::role::Role;
use scrip_engine::account::PersonEdit;
use serde::Deserialize;

use super::form::{Field, Form, Mistakes, Told, complaint, done};
use super::private;
use super::refused::sentence;
use super::sign_in::Next;
use super::visit::{Local, OwnAccounts, SignedIn};
use super::words::capitalized;
use crate::App;
use crate::api::account_export::everything;
use crate::extract::Query;
use crate::language::{say, t, text};
use crate::money::MoneyOut;
use crate::problem::Problem;
use crate::text::{Line, Text};

pub fn routes() -> Router<App> {
    Router::new()
        .route("/account", get(show).post(change))
        .route("/account/data", get(data))
        .merge(cards::routes())
        .merge(security::routes())
        .merge(email::routes())
        .merge(second_factor::routes())
        .merge(passkeys::routes())
        .merge(keys::routes())
        .merge(erase::routes())
}

#[derive(Debug, Default, Deserialize)]
struct PersonForm {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    address: Option<String>,
    #[serde(default)]
    phone: Option<String>,
    #[serde(default)]
    next: Option<String>,
}

async fn show(
    _: OwnAccounts,
    State(app): State<App>,
    visit: SignedIn,
    Query(next): Query<Next>,
    Query(told): Query<Told>,
) -> Result<Response, Problem> {
    let person = &visit.member.account.person;
    let form = PersonForm {
        name: person.name.clone(),
        address: person.address.clone(),
        phone: person.phone.clone(),
        next: next.given().map(|next| next.as_str().to_owned()),
    };
    let told = done(
        told.done.as_deref(),
        &[
            ("saved", t("Saved.")),
            ("email", t("Your address was changed.")),
            ("factor", t("The second factor is off.")),
        ],
    );
    page(&app, &visit, &form, &told, None).await
}

async fn change(
    _: OwnAccounts,
    State(app): State<App>,
    visit: SignedIn,
    Form(form): Form<PersonForm>,
) -> Result<Response, Problem> {
    let required = &visit.visit.vendor.settings.registration;
    let [name, address, phone] =
        [&form.name, &form.address, &form.phone].map(|text| text.as_deref());
    let mut mistakes = Mistakes::default();
    let told = told(name, address, phone, required, &mut mistakes);
    let problem = match mistakes.or(told) {
        Ok(told) => {
            let Person { name, address, phone, .. } = told;
            let edit = PersonEdit {
                name: Some(name),
                address: Some(address),
                phone: Some(phone),
                language: None,
            };
            match app.engine.edit_account(visit.buyer.account, edit).await? {
                Ok(_) => {
                    let next = form.next.as_deref().and_then(Local::new);
                    let next = next.as_ref().map_or("/account?done=saved", Local::as_str);
                    return Ok(Redirect::to(next).into_response());
                }
                Err(refusal) => Problem::from(refusal),
            }
        }
        Err(problem) => problem,
    };
    let mut response = page(&app, &visit, &form, &Markup::default(), Some(&problem)).await?;
    *response.status_mut() = problem.status();
    Ok(response)
}

/// What forms tell of a person; what they must tell and do not is a mistake.
pub fn told(
    name: Option<&str>,
    address: Option<&str>,
    phone: Option<&str>,
    required: &[Asked],
    mistakes: &mut Mistakes,
) -> Person {
    let given = |text: Option<&str>| text.filter(|text| !text.trim().is_empty()).map(str::to_owned);
    let name = given(name).map(|text| Line::<1, 200>::read(&text).map(|line| line.0));
    let address = given(address).map(|text| Text::<1, 500>::read(&text).map(|text| text.0));
    let phone = given(phone).map(|text| Line::<1, 40>::read(&text).map(|line| line.0));
    let mut right = |asked: Asked, read: Option<Result<String, String>>| match read {
        Some(Ok(text)) => Some(text),
        Some(Err(wrong)) => {
            mistakes.add(asked.as_str(), wrong);
            None
        }
        None => {
            if required.contains(&asked) {
                mistakes.add(asked.as_str(), t("this is required"));
            }
            None
        }
    };
    Person {
        name: right(Asked::Name, name),
        address: right(Asked::Address, address),
        phone: right(Asked::Phone, phone),
        payment_method: None,
        language: None,
    }
}

/// The field that asks for a piece of personal information. A card is asked for elsewhere.
pub fn personal(asked: Asked, value: &str, required: bool, error: Option<&str>) -> Markup {
    let (label, kind, autocomplete) = match asked {
        Asked::Name => (t("Name"), "text", "name"),
        Asked::Address => (t("Postal address"), "textarea", "street-address"),
        Asked::Phone => (t("Telephone"), "tel", "tel"),
        Asked::PaymentMethod | Asked::EmailVerified => return Markup::default(),
    };
    let hint = (!required).then_some(t("Optional."));
    Field { name: asked.as_str(), label, kind, value, autocomplete, required, hint, error }.render()
}

async fn page(
    app: &App,
    visit: &SignedIn,
    form: &PersonForm,
    told: &Markup,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let cards = app.engine.payment_methods(visit.buyer.account).await?;
    let line = app.engine.store().credit_line(visit.buyer.account).await?;
    let credentials = app.engine.credentials(&visit.member.account).await?;
    let sessions = app.engine.open_sessions(visit.buyer, security::MOST_SESSIONS).await?;
    let (account, required) = (&visit.member.account, &visit.visit.vendor.settings.registration);
    let error = |name: &str| problem.and_then(|problem| problem.error(name));
    let main = html! {
        h1 { (t("Your account")) }
        (told)
        (standing(account, &visit.visit.vendor.settings.required()))
        @if let Some(problem) = problem.filter(|problem| problem.errors().is_empty()) {
            (complaint(&sentence(problem.detail())))
        }
        div.beside {
            div {
                h2 { (t("About you")) }
                form.narrow method="post" action="/account" {
                    @if let Some(next) = &form.next { input type="hidden" name="next" value=(next); }
                    @for (asked, value) in
                        [(Asked::Name, &form.name), (Asked::Address, &form.address), (Asked::Phone, &form.phone)]
                    {
                        (personal(asked, value.as_deref().unwrap_or_default(), required.contains(&asked), error(asked.as_str())))
                    }
                    button type="submit" { (t("Save")) }
                }
                (cards::part(app, &cards, account.person.payment_method.as_deref(), form.next.as_deref()))
            }
            aside {
                (orders_part(app))
                (security::part(app, account, &credentials, &sessions))
                @if let Some(line) = &line { (credit_part(line)) }
                (programs_part())
                @if app.engine.roles().has(Role::Provider) {
                    section.card aria-labelledby="merchants" {
                        h2 #merchants { (t("Merchants")) }
                        p { a href="/account/merchants" { (t("Merchants that know you")) } }
                    }
                }
                (data_part())
            }
        }
    };
    Ok(private(app, t("Your account"), &visit.visit, &main))
}

fn credit_part(line: &CreditLine) -> Markup {
    html! {
        section.card aria-labelledby="credit" {
            h2 #credit { (t("Credit")) }
            p { (say!("The vendor lends to you: you owe {owed} of at most {limit}, and can draw {left} more.",
                owed = html! { strong { (MoneyOut::currency(line.owed())) } }, limit = MoneyOut::currency(line.limit),
                    left = MoneyOut::currency(line.left()))) }
        }
    }
}

/// At a provider, what was bought is at the merchant that sold it.
fn orders_part(app: &App) -> Markup {
    html! {
        @if app.engine.roles().sells() {
            section.card aria-labelledby="orders" {
                h2 #orders { (t("Orders")) }
                p { a href="/orders" { (t("What you bought, with its receipts")) } }
            }
        }
    }
}

fn programs_part() -> Markup {
    html! {
        section.card aria-labelledby="programs" {
            h2 #programs { (t("Programs")) }
            p { (t("A program can read your account or buy for it, with a key of its own.")) }
            p { a href="/account/keys" { (t("Keys for programs")) } }
        }
    }
}

fn data_part() -> Markup {
    html! {
        section.card aria-labelledby="data" {
            h2 #data { (t("Your data")) }
            p { (t("Everything that this server keeps about you, in one file (JSON): account, wallet, orders, \
                licenses, top-ups.")) }
            p { a.button.second href="/account/data" download { (t("Save my data")) } }
            p { a href="/account/erase" { (t("Erase the account")) } }
        }
    }
}

/// Everything that is kept about the account, as a file.
async fn data(
    _: OwnAccounts,
    State(app): State<App>,
    visit: SignedIn,
) -> Result<Response, Problem> {
    everything(&app, visit.buyer).await
}

/// Why the account cannot buy, when it cannot.
fn standing(account: &Account, required: &[Asked]) -> Markup {
    match account.permits(required) {
        Ok(()) => Markup::default(),
        Err(NotPermitted::Frozen) => complaint(t("This account is frozen. Please ask the vendor.")),
        Err(NotPermitted::Incomplete(missing)) => {
            let words: Vec<_> = missing.iter().map(|field| field_name(*field)).collect();
            html! {
                (complaint(&text!("Before you can buy, please add: {fields}.", fields = words.join(", "))))
                @if missing.contains(&Asked::EmailVerified) {
                    form method="post" action="/verify/again" {
                        button.second type="submit" { (t("Send the letter again")) }
                    }
                }
            }
        }
    }
}

fn field_name(field: Asked) -> &'static str {
    match field {
        Asked::Name => t("your name"),
        Asked::Address => t("your postal address"),
        Asked::Phone => t("your telephone number"),
        Asked::PaymentMethod => t("a card to pay with"),
        Asked::EmailVerified => {
            t("the press of a button: open the link in the letter that was sent to you")
        }
    }
}

/// The field that asks for a code of the second factor, where it is on.
pub use second_factor::code;

/// A card, as its owner knows it.
pub fn card_name(card: &PaymentMethod) -> String {
    let PaymentMethod { brand, last_four, expiry_month, expiry_year, .. } = card;
    let (brand, until) = (capitalized(brand), format!("{expiry_month:02}/{expiry_year}"));
    text!("{brand} ending in {last_four}, until {until}", brand, last_four, until)
}
