//! The provider's page on which a buyer decides about a merchant's offer: what it says stands in the signed offer, and
//! nowhere else.
//!
//! Whoever is signed in and opens the page claims the purchase; who is not sees it, and signs in or registers first.
//! Confirming twice, in two tabs or with two clicks, is confirming once.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use http::header;
use maud::{Markup, html};
use scrip_domain::account::Account;
use scrip_domain::document::OfferLine;
use scrip_domain::purchase_request::RequestState;
use scrip_domain::request::Request;
use scrip_domain::settings::{Settings, Token};
use scrip_domain::{Amount, Span};
use scrip_engine::Buyer;
use scrip_engine::purchase::Answered;
use scrip_engine::purchase_request::{Decided, PaymentView, RequestRefusal};
use serde::Deserialize;

use super::connect::may_write;
use super::form::{Form, Nothing, complaint};
use super::look::{Tone, notice, price, steps};
use super::refused::sentence;
use super::visit::{Local, SignedIn, Visit};
use super::{leads_to, private, top_up};
use crate::App;
use crate::caller::AtProvider;
use crate::extract::NamePath;
use crate::language::{say, t, text};
use crate::money::MoneyOut;
use crate::problem::Problem;
use crate::request_id;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/pay/{reference}", get(show).post(decide))
        .route("/pay/{reference}/release", post(release))
}

#[derive(Debug, Deserialize)]
struct Decision {
    decision: String,
}

async fn show(
    _: AtProvider,
    State(app): State<App>,
    visit: Visit,
    NamePath(reference): NamePath<String>,
) -> Result<Response, Problem> {
    let settings = &visit.vendor.settings;
    let buyer = visit.member.as_ref().map(|(buyer, _)| *buyer);
    let mut view =
        app.engine.payment(&reference, buyer).await?.map_err(|why| refused(&why, settings))?;
    if let (Some(buyer), RequestState::Open) = (buyer, view.state) {
        let claimed = app.engine.claim_payment(buyer, &reference).await?;
        view = claimed.map_err(|why| refused(&why, settings))?;
    }
    page(&app, &visit, &reference, &view, None).await
}

/// Confirms or declines, and sends the buyer back to the merchant. What stands in the way is told on the page.
async fn decide(
    _: AtProvider,
    State(app): State<App>,
    visit: SignedIn,
    NamePath(reference): NamePath<String>,
    Form(form): Form<Decision>,
) -> Result<Response, Problem> {
    let (buyer, settings) = (visit.buyer, &visit.visit.vendor.settings);
    let view = app.engine.claim_payment(buyer, &reference).await?;
    let view = match view {
        // It was claimed and decided before: then the decision below is the same again, or refused.
        Err(RequestRefusal::State(_)) => app.engine.payment(&reference, Some(buyer)).await?,
        view => view,
    };
    let view = view.map_err(|why| refused(&why, settings))?;
    let decided = match form.decision.as_str() {
        "confirm" => confirm(&app, buyer, &reference).await?,
        "decline" => app.engine.decline_payment(buyer, &reference).await?,
        _ => return Err(Problem::field("decision", t("confirm or decline"))),
    };
    match decided {
        Ok(decided) => Ok(back(&view, &decided)),
        Err(why) => {
            let problem = refused(&why, settings);
            let view = app.engine.payment(&reference, Some(buyer)).await?;
            let view = view.map_err(|why| refused(&why, settings))?;
            let mut response = page(&app, &visit.visit, &reference, &view, Some(&problem)).await?;
            *response.status_mut() = problem.status();
            Ok(response)
        }
    }
}

async fn confirm(
    app: &App,
    buyer: Buyer,
    reference: &str,
) -> Result<Result<Decided, RequestRefusal>, Problem> {
    // A purchase is confirmed once by a page, whatever was clicked how often.
    let key = format!("page {reference}");
    let request = Request::new(&key, key.as_bytes(), request_id::current());
    let answered = app.engine.confirm_payment(buyer, reference, request).await?;
    Ok(answered.map(|answered| match answered {
        Answered::First(decided) | Answered::Replayed(decided) => decided,
    }))
}

/// To the merchant, with a code that only the merchant can redeem.
fn back(view: &PaymentView, decided: &Decided) -> Response {
    let mut response = (
        // The address holds the code: no cache keeps it, and the merchant's page is told none of this one's.
        [(header::CACHE_CONTROL, "no-store")],
        Redirect::to(&decided.return_url),
    )
        .into_response();
    leads_to(&mut response, &view.offer.return_url);
    response
}

/// Lets go of the purchase, for somebody else to pay, and signs out.
async fn release(
    _: AtProvider,
    State(app): State<App>,
    visit: SignedIn,
    NamePath(reference): NamePath<String>,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Response, Problem> {
    let settings = &visit.visit.vendor.settings;
    let released = app.engine.release_payment(visit.buyer, &reference).await?;
    released.map_err(|why| refused(&why, settings))?;
    if let Some(token) = visit.visit.token() {
        app.engine.sign_out(token).await?;
    }
    let cookie = Visit::sign_out(&visit.visit.vendor);
    let to = here(&reference).after("/sign-in");
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to(&to)).into_response())
}

fn here(reference: &str) -> Local {
    Local::new(&format!("/pay/{reference}")).unwrap_or_default()
}

/// The same refusals as the API's.
fn refused(why: &RequestRefusal, settings: &Settings) -> Problem {
    Problem::purchase_request(why, Some(settings))
}

/// Whether a buyer who is signed in has dealt with the merchant: only then can they have stopped its letters.
async fn is_known(app: &App, visit: &Visit, view: &PaymentView) -> Result<bool, Problem> {
    let Some((buyer, _)) = &visit.member else { return Ok(false) };
    let known = app.engine.store().merchant_subjects_of(buyer.account).await?;
    Ok(known.iter().any(|subject| subject.merchant == view.merchant.id))
}

async fn page(
    app: &App,
    visit: &Visit,
    reference: &str,
    view: &PaymentView,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let settings = &visit.vendor.settings;
    let account = visit.member.as_ref().map(|(_, member)| member.account.as_ref());
    let waits = matches!(view.state, RequestState::Open | RequestState::Claimed);
    let letters = (waits && !is_known(app, visit, view).await?)
        .then(|| html! { p.small { (may_write(&view.merchant.name)) } });
    let main = html! {
        @if waits { (steps(&[t("Sign in"), t("Pay"), t("Back to the shop")], usize::from(account.is_some()))) }
        h1 { (say!("Buy from {name}", name = html! { bdi { (view.merchant.name) } })) }
        p.lead { (say!("Sold and delivered by {name}, {host}. You pay with {token} from your wallet here.",
            name = html! { bdi { (view.merchant.name) } }, host = host(&view.merchant.url), token = settings.token.name)) }
        @if let Some(problem) = problem { (complaint(&sentence(problem.detail()))) }
        div.beside {
            (summary(view, &settings.token))
            aside {
                @match (view.state, account) {
                    (RequestState::Open, None) => (strangers(reference, view, &settings.token)),
                    (RequestState::Open | RequestState::Claimed, Some(account)) => {
                        (decision(reference, view, account, settings, letters.as_ref()))
                    }
                    (state, _) => (over(state, reference, view)),
                }
            }
        }
    };
    let mut response =
        private(app, &text!("Buy from {name}", name = view.merchant.name), visit, &main);
    leads_to(&mut response, &view.offer.return_url);
    Ok(response)
}

/// What is sold, for how much.
fn summary(view: &PaymentView, token: &Token) -> Markup {
    let money = |amount| MoneyOut::tokens(amount, token);
    html! {
        table.bill {
            caption.unseen { (t("What you buy")) }
            thead { tr { th scope="col" { (t("Item")) } th.sum scope="col" { (t("Price")) } } }
            tbody {
                @for line in &view.offer.lines {
                    tr {
                        td {
                            bdi { (line.title) }
                            @if line.quantity > 1 { " × " (line.quantity) }
                            @if let Some(about) = about(line) { br; span.small { (about) } }
                            @if let Some(discount) = line.discount.filter(|discount| !discount.is_zero()) {
                                br; span.small { (say!("less {money}", money = money(discount))) }
                            }
                        }
                        td.sum { (money(line.total().unwrap_or_default())) }
                    }
                }
            }
            tfoot { tr { th scope="row" { (t("Total")) } td.sum { (price(view.offer.total, token)) } } }
        }
    }
}

/// How much there is to download, and how long it takes.
fn about(line: &OfferLine) -> Option<String> {
    let size = line.size.map(size_text);
    let time = line
        .download_seconds
        .map(|seconds| text!("about {span} to download", span = span_text(seconds)));
    let parts: Vec<_> = [size, time].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// Bytes, rounded up for people.
pub fn size_text(bytes: u64) -> String {
    match bytes {
        0..1_000 => text!("{bytes} bytes", bytes),
        1_000..1_000_000 => format!("{} kB", bytes.div_ceil(1_000)),
        1_000_000..1_000_000_000 => format!("{} MB", bytes.div_ceil(1_000_000)),
        _ => format!("{} GB", bytes.div_ceil(1_000_000_000)),
    }
}

/// Seconds, rounded up for people.
pub fn span_text(seconds: u64) -> String {
    match seconds {
        0..=1 => t("a second").to_owned(),
        2..120 => text!("{seconds} seconds", seconds),
        120..7_200 => text!("{minutes} minutes", minutes = seconds.div_ceil(60)),
        _ => text!("{hours} hours", hours = seconds.div_ceil(3_600)),
    }
}

fn left(span: Span) -> String {
    span_text(u64::try_from(span.as_millis() / 1_000).unwrap_or(0))
}

/// The host of an address, which tells people where they are.
pub fn host(url: &str) -> &str {
    url.split_once("://").map_or(url, |(_, rest)| rest.split('/').next().unwrap_or(rest))
}

/// What somebody sees who is not signed in.
fn strangers(reference: &str, view: &PaymentView, token: &Token) -> Markup {
    let here = here(reference);
    html! {
        section.card {
            h2 { (t("Sign in to pay")) }
            p { (say!("You pay {price} from an account here. {name} learns neither your name nor your address.",
                price = price(view.request.amount, token), name = html! { bdi { (view.merchant.name) } })) }
            p { a.button.whole href=(here.after("/sign-in")) { (t("Sign in")) } }
            p { a.button.second.whole href=(here.after("/register")) { (t("Open an account")) } }
            p.small { (say!("This offer waits for {left}.", left = left(view.expires_in))) }
        }
    }
}

/// What the buyer has, lacks, and can decide; with a word of the merchant's letters, where they have not met yet.
fn decision(
    reference: &str,
    view: &PaymentView,
    account: &Account,
    settings: &Settings,
    letters: Option<&Markup>,
) -> Markup {
    let token = &settings.token;
    let here = here(reference);
    let balance = view.balance.unwrap_or_default();
    let short = view.shortfall().unwrap_or_default();
    let remains = balance.checked_sub(view.request.amount).unwrap_or(Amount::ZERO);
    let permitted = account.permits(&settings.required()).is_ok();
    html! {
        section.card {
            h2 { (t("Your wallet")) }
            dl.facts {
                dt { (t("Paid from")) } dd { (say!("the wallet of {email}", email = account.email)) }
                dt { (t("In your wallet")) } dd { (MoneyOut::tokens(balance, token)) }
                dt { (t("To pay")) } dd { (price(view.request.amount, token)) }
                @if short.is_zero() { dt { (t("Left afterwards")) } dd { (MoneyOut::tokens(remains, token)) } }
                @else { dt { (t("Missing")) } dd { (price(short, token)) } }
            }
            @if !permitted {
                (complaint(t("Your account is not complete, or frozen.")))
                p { a.button.whole href=(here.after("/account")) { (t("Look at your account")) } }
            } @else if !short.is_zero() {
                p { (top_up::button(&here, short, settings, "button whole")) }
                (top_up::another_sum(short, settings))
                p.small { (t("You come back here when they have arrived.")) }
            }
            @if let Some(letters) = letters { (letters) }
            form method="post" action={ "/pay/" (reference) } {
                @if permitted && short.is_zero() {
                    p { button.whole type="submit" name="decision" value="confirm" {
                        (say!("Pay {tokens}", tokens = MoneyOut::tokens(view.request.amount, token))) } }
                }
                p { button.second.whole type="submit" name="decision" value="decline" { (t("Decline")) } }
            }
            form method="post" action={ "/pay/" (reference) "/release" } {
                p.small { (say!("This offer waits for {left}. Not your account?", left = left(view.expires_in))) " "
                    button.plain type="submit" { (t("Pay with another one")) } "." }
            }
        }
    }
}

/// What became of it, in words, and whether it is good or bad for the buyer.
fn outcome(state: RequestState, merchant: &str) -> (Tone, Markup) {
    let (tone, text) = match state {
        RequestState::Authorized => (
            Tone::Info,
            html! { (say!("You have confirmed this. {merchant} is being told.",
            merchant = html! { bdi { (merchant) } })) },
        ),
        RequestState::Captured => (
            Tone::Good,
            html! { (say!("You have paid this. {merchant} delivers, or your tokens come back by themselves.",
            merchant = html! { bdi { (merchant) } })) },
        ),
        RequestState::Fulfilled => (
            Tone::Good,
            html! { (say!("You have paid this, and {merchant} has delivered.",
            merchant = html! { bdi { (merchant) } })) },
        ),
        RequestState::Declined => {
            (Tone::Info, html! { (t("This was declined. Nothing was taken.")) })
        }
        RequestState::Expired => (
            Tone::Warn,
            html! { (say!("This offer has waited too long. Nothing was taken; order again at {merchant}.",
            merchant = html! { bdi { (merchant) } })) },
        ),
        RequestState::Cancelled => (
            Tone::Warn,
            html! { (say!("{merchant} took this offer back. Nothing was taken.",
            merchant = html! { bdi { (merchant) } })) },
        ),
        RequestState::Voided => (
            Tone::Warn,
            html! { (say!("{merchant} did not take the payment in time. Your tokens are yours again.",
            merchant = html! { bdi { (merchant) } })) },
        ),
        RequestState::PartiallyRefunded => {
            (Tone::Info, html! { (t("A part of what you paid was given back.")) })
        }
        RequestState::Refunded => (Tone::Info, html! { (t("All that you paid was given back.")) }),
        RequestState::Open | RequestState::Claimed => {
            (Tone::Info, html! { (t("This offer waits.")) })
        }
    };
    (tone, html! { p role="status" { (text) } })
}

/// What became of it, and where to go on.
fn over(state: RequestState, reference: &str, view: &PaymentView) -> Markup {
    let merchant = &view.merchant.name;
    let (tone, text) = outcome(state, merchant);
    let decision = match state {
        RequestState::Authorized | RequestState::Captured | RequestState::Fulfilled => {
            Some("confirm")
        }
        RequestState::Declined => Some("decline"),
        _ => None,
    };
    html! {
        (notice(tone, &text))
        @if let Some(decision) = decision {
            form method="post" action={ "/pay/" (reference) } {
                p { button.whole type="submit" name="decision" value=(decision) { span { (say!("Back to {merchant}",
                    merchant = html! { bdi { (merchant) } })) } } }
            }
        } @else {
            p { a.button.whole href=(view.merchant.url) { span { (say!("To {merchant}", merchant = html! { bdi { (merchant) } })) } } }
        }
        p { a href="/wallet" { (t("Your wallet")) } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_spans_are_rounded_up_for_people() {
        assert_eq!(size_text(999), "999 bytes");
        assert_eq!(size_text(1_001), "2 kB");
        assert_eq!(size_text(209_715_200), "210 MB");
        assert_eq!(size_text(10_000_000_001), "11 GB");
        assert_eq!(span_text(0), "a second");
        assert_eq!(span_text(119), "119 seconds");
        assert_eq!(span_text(121), "3 minutes");
        assert_eq!(span_text(7_201), "3 hours");
        assert_eq!(host("https://shop.example/a/b"), "shop.example");
    }
}
