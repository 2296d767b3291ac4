//! Signing in, signing out and registering.

use axum::Router;
use axum::extract::State;
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use http::{StatusCode, header};
use maud::{Markup, html};
use scrip_domain::Id;
use scrip_domain::account::Field as Asked;
use scrip_domain::account::{Account, Person, plausible_email};
use scrip_engine::register::Registration;
use scrip_engine::session::{Entered, From, SignInRefusal, Token};
use serde::Deserialize;

use super::account::{code, personal, told};
use super::assets::PASSKEY;
use super::checkout::stop::things;
use super::form::{Field, Form, Mistakes, complaint};
use super::legal::accepted;
use super::look::{Tone, notice};
use super::refused::sentence;
use super::visit::{Local, OwnAccounts, Visit};
use super::{asks_here, private, runs_scripts};
use crate::App;
use crate::extract::{Query, Source};
use crate::language::{say, spoken, t};
use crate::passkey::Used;
use crate::problem::Problem;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/sign-in", get(ask).post(sign_in))
        .route("/sign-in/code", post(finish))
        .route("/sign-in/passkey", post(with_passkey))
        .route("/register", get(ask_all).post(register))
        .route("/sign-out", post(sign_out))
}

/// Where to go on afterwards.
#[derive(Debug, Default, Deserialize)]
pub struct Next {
    /// A path.
    next: Option<String>,
}

impl Next {
    /// The page to go on to, if one is named.
    pub fn given(&self) -> Option<Local> {
        self.next.as_deref().and_then(Local::new)
    }
}

/// Whether the session had ended when a form was sent.
#[derive(Debug, Default, Deserialize)]
struct Sent {
    #[serde(default)]
    lost: bool,
}

#[derive(Debug, Deserialize)]
struct SignInForm {
    email: String,
    password: String,
    #[serde(default)]
    next: Option<String>,
}

async fn ask(
    _: OwnAccounts,
    State(app): State<App>,
    visit: Visit,
    Query(next): Query<Next>,
    Query(sent): Query<Sent>,
) -> Result<Response, Problem> {
    let next = next_or(&visit, next.given());
    if visit.member.is_some() {
        return Ok(Redirect::to(next.as_str()).into_response());
    }
    let lost = sent.lost.then(|| t("Your session has ended; what you sent was not done."));
    let main = sign_in_form(&app, &visit, &next, "", lost);
    Ok(asking(private(&app, t("Sign in"), &visit, &main)))
}

/// The right password opens a session; anything else shows the form again, and does not tell what was wrong.
async fn sign_in(
    _: OwnAccounts,
    State(app): State<App>,
    visit: Visit,
    source: Source,
    Form(form): Form<SignInForm>,
) -> Result<Response, Problem> {
    let next = next_or(&visit, form.next.as_deref().and_then(Local::new));
    let plausible = plausible_email(form.email.trim()) && form.password.chars().count() <= 200;
    let problem = if plausible {
        let from = From { browser: visit.browser, known: visit.known() };
        match app.engine.sign_in(&form.email, &form.password, &source.0, from).await? {
            Ok(Entered::In(opened)) => {
                return Ok(signed_in(&app, &visit, opened.account, &opened.token, &next));
            }
            Ok(Entered::HalfWay(word)) => {
                let main = code_form(&next, &word, None);
                return Ok(private(&app, t("One code more"), &visit, &main));
            }
            Err(refusal) => Problem::from(refusal),
        }
    } else {
        Problem::invalid_credentials(t("the address or the password is wrong"))
    };
    let wrong = sentence(problem.detail());
    let main = sign_in_form(&app, &visit, &next, &form.email, Some(&wrong));
    Ok(asking(again(&app, t("Sign in"), &visit, &main, &problem)))
}

/// The script of the page asks here for what a device is to sign.
fn asking(mut response: Response) -> Response {
    runs_scripts(&mut response);
    asks_here(&mut response);
    response
}

/// What a device says of a passkey.
#[derive(Deserialize)]
struct PasskeyForm {
    credential: String,
    #[serde(default)]
    next: Option<String>,
}

/// A passkey opens a session by itself.
async fn with_passkey(
    _: OwnAccounts,
    State(app): State<App>,
    visit: Visit,
    source: Source,
    Form(form): Form<PasskeyForm>,
) -> Result<Response, Problem> {
    let next = next_or(&visit, form.next.as_deref().and_then(Local::new));
    let from = From { browser: visit.browser, known: visit.known() };
    let opened = match serde_json::from_str::<Used>(&form.credential) {
        Ok(used) => app.engine.sign_in_with_passkey(used.shown(), &source.0, from).await?,
        Err(_) => Err(SignInRefusal::InvalidCredentials),
    };
    let problem = match opened {
        Ok(opened) => return Ok(signed_in(&app, &visit, opened.account, &opened.token, &next)),
        Err(SignInRefusal::InvalidCredentials) => Problem::invalid_credentials(t(
            "this passkey opens no account here, or took too long: try again, or use your password",
        )),
        Err(refusal) => Problem::from(refusal),
    };
    let wrong = sentence(problem.detail());
    let main = sign_in_form(&app, &visit, &next, "", Some(&wrong));
    Ok(asking(again(&app, t("Sign in"), &visit, &main, &problem)))
}

#[derive(Deserialize)]
struct CodeForm {
    word: String,
    code: String,
    #[serde(default)]
    next: Option<String>,
}

/// The other half of the way, where the account has a second factor.
async fn finish(
    _: OwnAccounts,
    State(app): State<App>,
    visit: Visit,
    Form(form): Form<CodeForm>,
) -> Result<Response, Problem> {
    let next = next_or(&visit, form.next.as_deref().and_then(Local::new));
    let from = From { browser: visit.browser, known: visit.known() };
    let problem = match app.engine.finish_sign_in(&form.word, &form.code, from).await? {
        Ok(opened) => return Ok(signed_in(&app, &visit, opened.account, &opened.token, &next)),
        Err(SignInRefusal::InvalidCredentials) => {
            Problem::invalid_credentials(t("this code is wrong, was used, or came too late"))
        }
        Err(refusal) => Problem::from(refusal),
    };
    let main = code_form(&next, &form.word, Some(&sentence(problem.detail())));
    Ok(again(&app, t("One code more"), &visit, &main, &problem))
}

fn code_form(next: &Local, word: &str, wrong: Option<&str>) -> Markup {
    html! {
        h1 { (t("One code more")) }
        @if let Some(wrong) = wrong { (complaint(wrong)) }
        form.narrow method="post" action="/sign-in/code" {
            input type="hidden" name="next" value=(next.as_str());
            input type="hidden" name="word" value=(word);
            (code(None))
            button type="submit" { (t("Go on")) }
        }
        p { a href=(next.after("/sign-in")) { (t("Begin again")) } }
        p.small { (t("Lost your authenticator and your recovery codes? Please write to us.")) }
    }
}

/// A browser that is signed in now, and goes on.
fn signed_in(
    app: &App,
    visit: &Visit,
    account: Id<Account>,
    token: &Token,
    next: &Local,
) -> Response {
    let known = app.engine.known_browser(visit.known(), account);
    let cookies = AppendHeaders([
        (header::SET_COOKIE, Visit::sign_in(&visit.vendor, token.reveal())),
        // From now on a sign-in with this browser is no news.
        (header::SET_COOKIE, Visit::know(&visit.vendor, &known)),
    ]);
    (cookies, Redirect::to(next.as_str())).into_response()
}

async fn sign_out(
    State(app): State<App>,
    visit: Visit,
    Form(next): Form<Next>,
) -> Result<Response, Problem> {
    if let Some(token) = visit.token() {
        app.engine.sign_out(token).await?;
    }
    let cookie = Visit::sign_out(&visit.vendor);
    // Who goes on as somebody else comes back to where they were.
    let to = next.given().map_or_else(|| "/sign-in".to_owned(), |next| next.after("/sign-in"));
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to(&to)).into_response())
}

/// A way to come back to this page as somebody else.
pub fn as_another(here: &Local) -> Markup {
    html! {
        form method="post" action="/sign-out" {
            input type="hidden" name="next" value=(here.as_str());
            p.small { (t("Not your account?")) " " button.plain type="submit" { (t("Sign in with another one")) } }
        }
    }
}

/// Why somebody is asked, beside the form: what they chose is kept.
fn why(visit: &Visit) -> Markup {
    let units = visit.cart.units();
    html! {
        @if units > 0 {
            (notice(Tone::Info, &html! { p { (say!("{things} in your cart, and kept there. You go on where you stopped.",
                things = things(units))) } }))
        }
    }
}

/// Where to go on when nothing is said of it: what waits in the cart, or the wallet.
fn next_or(visit: &Visit, next: Option<Local>) -> Local {
    let cart = || Local::new("/cart").filter(|_| visit.cart.units() > 0);
    next.or_else(cart).unwrap_or_default()
}

fn sign_in_form(
    app: &App,
    visit: &Visit,
    next: &Local,
    email: &str,
    wrong: Option<&str>,
) -> Markup {
    html! {
        h1 { (t("Sign in")) }
        p.lead { (say!("To your wallet, your library and your orders at {name}.",
            name = html! { bdi { (visit.vendor.settings.name) } })) }
        (why(visit))
        @if let Some(wrong) = wrong { (complaint(wrong)) }
        form.narrow method="post" action="/sign-in" {
            input type="hidden" name="next" value=(next.as_str());
            (Field { name: "email", label: t("E-mail"), kind: "email", value: email, autocomplete: "username",
                required: true, hint: None, error: None })
            (Field { name: "password", label: t("Password"), kind: "password", value: "",
                autocomplete: "current-password", required: true, hint: None, error: None })
            button type="submit" { (t("Sign in")) }
        }
        @if app.engine.relying_party().is_some() { (passkey_form(next)) }
        p { a href=(next.after("/forgot")) { (t("Forgotten your password?")) } }
        p { (say!("New here? {link}.", link = html! { a href=(next.after("/register")) { (t("Open an account")) } })) }
    }
}

/// Hidden, but where a script can work it.
fn passkey_form(next: &Local) -> Markup {
    html! {
        form.narrow method="post" action="/sign-in/passkey" hidden data-uses-passkey
            data-failed=(t("No passkey was used. Try again, or sign in with your password.")) {
            input type="hidden" name="next" value=(next.as_str());
            input type="hidden" name="credential" value="";
            button.second type="submit" { (t("Sign in with a passkey")) }
            p.small role="status" {}
        }
        script src=(PASSKEY.now()) defer {}
    }
}

#[derive(Debug, Default, Deserialize)]
struct RegisterForm {
    email: String,
    password: String,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    address: Option<String>,
    #[serde(default)]
    phone: Option<String>,
    #[serde(default)]
    next: Option<String>,
}

async fn ask_all(
    _: OwnAccounts,
    State(app): State<App>,
    visit: Visit,
    Query(next): Query<Next>,
) -> Result<Response, Problem> {
    let next = next_or(&visit, next.given());
    if visit.member.is_some() {
        return Ok(Redirect::to(next.as_str()).into_response());
    }
    let main = register_form(&visit, &next, &RegisterForm::default(), None);
    Ok(private(&app, t("Open an account"), &visit, &main))
}

async fn register(
    _: OwnAccounts,
    State(app): State<App>,
    visit: Visit,
    source: Source,
    Form(form): Form<RegisterForm>,
) -> Result<Response, Problem> {
    let next = next_or(&visit, form.next.as_deref().and_then(Local::new));
    let problem = match person(&form, &visit.vendor.settings.registration) {
        Ok(person) => {
            let who = Registration {
                email: form.email.clone(),
                password: form.password.clone(),
                person: Person { language: spoken(), ..person },
                source: source.0,
                browser: Some(visit.browser),
            };
            match app.engine.register(who).await? {
                Ok(opened) => {
                    let account = opened.account.id;
                    return Ok(signed_in(&app, &visit, account, &opened.token, &next));
                }
                Err(refusal) => Problem::from(refusal),
            }
        }
        Err(problem) => problem,
    };
    let main = register_form(&visit, &next, &form, Some(&problem));
    Ok(again(&app, t("Open an account"), &visit, &main, &problem))
}

/// What the form tells of a person, or all that is wrong with it.
fn person(form: &RegisterForm, required: &[Asked]) -> Result<Person, Problem> {
    let mut mistakes = Mistakes::default();
    if !plausible_email(form.email.trim()) {
        mistakes.add("email", t("this is not an e-mail address"));
    }
    if !(8..=200).contains(&form.password.chars().count()) {
        mistakes.add("password", t("8 to 200 characters"));
    }
    let [name, address, phone] =
        [&form.name, &form.address, &form.phone].map(|text| text.as_deref());
    let person = told(name, address, phone, required, &mut mistakes);
    mistakes.or(person)
}

fn register_form(
    visit: &Visit,
    next: &Local,
    form: &RegisterForm,
    problem: Option<&Problem>,
) -> Markup {
    let error = |name: &str| problem.and_then(|problem| problem.error(name));
    let whole = problem.filter(|problem| problem.errors().is_empty());
    html! {
        h1 { (t("Open an account")) }
        div.entrance { div {
        p.lead { (say!("It opens your wallet at {name}, and keeps everything that you buy: codes, files, receipts. It \
            costs nothing.", name = html! { bdi { (visit.vendor.settings.name) } })) }
        (why(visit))
        @if let Some(problem) = whole { (complaint(&sentence(problem.detail()))) }
        @if error("email").is_some() && problem.is_some_and(|problem| problem.status() == StatusCode::CONFLICT) {
            (complaint(t("This address has an account.")))
            p { a.button.second href=(next.after("/sign-in")) { (t("Sign in with it")) } }
        }
        form.narrow method="post" action="/register" {
            input type="hidden" name="next" value=(next.as_str());
            (Field { name: "email", label: t("E-mail"), kind: "email", value: &form.email, autocomplete: "email",
                required: true, hint: None, error: error("email") })
            (Field { name: "password", label: t("Password"), kind: "password", value: "",
                autocomplete: "new-password", required: true,
                hint: Some(t("At least 8 characters.")), error: error("password") })
            @for asked in &visit.vendor.settings.registration {
                @let given = match asked {
                    Asked::Name => &form.name,
                    Asked::Address => &form.address,
                    Asked::Phone => &form.phone,
                    Asked::PaymentMethod | Asked::EmailVerified => &None,
                };
                (personal(*asked, given.as_deref().unwrap_or_default(), true, error(asked.as_str())))
            }
            (accepted(&visit.legal))
            button type="submit" { (t("Open the account")) }
        }
        p { (say!("Have one already? {link}.", link = html! { a href=(next.after("/sign-in")) { (t("Sign in")) } })) }
        }
        aside aria-labelledby="what" {
            h2 #what { (t("What it is for")) }
            ul {
                li { (t("Top up once, then buy with tokens, down to a fraction of a cent and without a card fee for \
                    each purchase.")) }
                li { (t("Your codes and files stay in your library, and can be had again at any time.")) }
                li { (t("Every order has a receipt.")) }
                li { (t("No number of a card ever reaches this server.")) }
            }
        } }
    }
}

/// The form again, with the problem's status.
fn again(app: &App, title: &str, visit: &Visit, main: &Markup, problem: &Problem) -> Response {
    let mut response = private(app, title, visit, main);
    // What signs in with a form is not asked by a scheme: 401 would need one.
    *response.status_mut() = match problem.status() {
        StatusCode::UNAUTHORIZED => StatusCode::UNPROCESSABLE_ENTITY,
        status => status,
    };
    response
}
