//! A merchant's own page about its provider: accepting the invitation, and what it has earned there.
//!
//! Merchants have no sign-in at their provider: their server asks, by calls that only it can sign, and shows it here.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use maud::{Markup, html};
use scrip_domain::settings::Token;
use scrip_domain::staff::Power;
use scrip_engine::invitation::AcceptRefusal;
use scrip_engine::peer::PeerError;
use scrip_engine::provider::{Earned, Moved};

use super::merchants::net;
use super::parts::answer;
use crate::App;
use crate::caller::AtMerchant;
use crate::money::MoneyOut;
use crate::pages::admin::Section;
use crate::pages::admin::desk::{Clerk, Desk, Money, See};
use crate::pages::admin::entry::{Entry, Sent};
use crate::pages::admin::parts::table_of;
use crate::pages::date;
use crate::pages::form::Form;
use crate::pages::look::{Tone, badge, notice};
use crate::problem::Problem;

pub fn routes() -> Router<App> {
    Router::new().route("/admin/provider", get(show).post(accept))
}

async fn show(_: AtMerchant, State(app): State<App>, desk: Desk<See>) -> Result<Response, Problem> {
    shown(&app, &desk, Sent::default()).await
}

async fn accept(
    _: AtMerchant,
    State(app): State<App>,
    desk: Desk<Money>,
    Form(typed): Form<Entry>,
) -> Result<Response, Problem> {
    let problem = match typed.line::<1, 100>("invitation") {
        Ok(word) => match app.engine.accept_invitation(desk.staff, &word).await? {
            Ok(_) => return Ok(Redirect::to("/admin/provider").into_response()),
            Err(refusal @ AcceptRefusal::Refused(_)) => {
                let problem = Problem::from(refusal);
                let detail = problem.detail().to_owned();
                problem.with_error("invitation", "refused", detail)
            }
            Err(refusal) => refusal.into(),
        },
        Err(problem) => problem,
    };
    shown(&app, &desk, Sent::only(&typed, Some(&problem))).await
}

async fn shown(app: &App, clerk: &Clerk, sent: Sent<'_>) -> Result<Response, Problem> {
    let provider = app.engine.provider().ok_or_else(Problem::not_found)?;
    let url = provider.url().to_owned();
    let earned = provider.balance().await;
    let moved = match &earned {
        Ok(_) => provider.statement().await.unwrap_or_default(),
        Err(_) => Vec::new(),
    };
    let token = &clerk.vendor.settings.token;
    let main = html! {
        (sent.complaint())
        p.lead { "Your buyers have their accounts and wallets at " a href=(url) { (url) } ". What they pay you is booked there." }
        @match &earned {
            Ok(earned) => (account(earned, &moved, token)),
            Err(error) => (unknown(error)),
        }
        @let sells = matches!(&earned, Ok(earned) if earned.state != "invited");
        @if (!sells || sent.problem.is_some()) && clerk.may(Power::Money) { (invitation(sent)) }
    };
    Ok(answer(app, clerk, "Provider", Section::Provider, &main, sent.problem))
}

fn account(earned: &Earned, moved: &[Moved], token: &Token) -> Markup {
    html! {
        p {
            @match earned.state.as_str() {
                "active" => (badge(Tone::Good, "You sell there")),
                "suspended" => (badge(Tone::Warn, "Frozen by the provider")),
                "invited" => (badge(Tone::Info, "Invited")),
                word => (badge(Tone::Info, word)),
            }
        }
        dl.facts {
            dt { "Balance" } dd { strong { (net(earned.net, token)) } }
            dt { "Waits" } dd { (MoneyOut::tokens(earned.pending, token)) ", for delivery or the end of the refund window" }
            dt { "Can be paid out" } dd { (MoneyOut::tokens(earned.payable, token)) }
            dt { "Your name there" } dd { code { (earned.merchant) } }
        }
        h2 { "Statement there" }
        @if moved.is_empty() { p { "Nothing has moved yet." } } @else {
            (table_of("The latest lines, newest first", &["When", "Why", "Of", "#Amount"], &html! {
                @for line in moved {
                    tr {
                        th scope="row" { (date(line.at)) }
                        td { (why(&line.reason)) }
                        td { code { (line.subject) } }
                        td.sum { @if !line.is_in { "−" } (MoneyOut::tokens(line.amount, token)) }
                    }
                }
            }))
        }
    }
}

fn why(reason: &str) -> &str {
    match reason {
        "capture" => "Sale",
        "fee" => "The provider's fee",
        "refund" => "Refund",
        "payout" => "Payout to you",
        word => word,
    }
}

/// Why nothing is known of the account there.
fn unknown(error: &PeerError) -> Markup {
    match error {
        PeerError::Refused { .. } => notice(
            Tone::Warn,
            &html! { p { "The provider does not know this server yet. Its people register its address, and give you an invitation." } },
        ),
        PeerError::Unanswered(_) | PeerError::Unbelievable(_) => notice(
            Tone::Warn,
            &html! { p { "The provider cannot be asked at the moment. " a href="/admin/provider" { "Ask again" } "." } },
        ),
    }
}

fn invitation(sent: Sent<'_>) -> Markup {
    html! {
        h2 { "Accept an invitation" }
        form.narrow method="post" action="/admin/provider" {
            (sent.field("invitation", "Invitation", Some("The word that the provider's people gave you.")))
            button type="submit" { "Accept it" }
        }
    }
}
