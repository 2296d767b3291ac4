//! Asking for a refund: what of the order, why, and what was promised; and how each request stands.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use scrip_domain::Id;
use scrip_domain::order::{Line, Order};
use scrip_domain::refund::{Extent, RefundLine};
use scrip_domain::refund_request::{RefundRequest, RefundRequestState};
use scrip_domain::request::Request;
use scrip_domain::settings::Token;
use scrip_engine::refund::Refunded;
use scrip_engine::refund_request::RefundWish;
use serde::Deserialize;

use super::in_their_words;
use crate::App;
use crate::caller::AtSeller;
use crate::extract::NamePath;
use crate::language::{say, t};
use crate::money::MoneyOut;
use crate::pages::checkout::own;
use crate::pages::form::{Field, Form, complaint};
use crate::pages::look::{Tone, badge, date};
use crate::pages::refused::sentence;
use crate::pages::visit::SignedIn;
use crate::pages::words::refund_policy;
use crate::pages::{chance, private};
use crate::problem::{Problem, kind};
use crate::request_id;
use crate::text::Text;

#[derive(Debug, Default, Deserialize)]
pub(super) struct WishForm {
    #[serde(default)]
    reason: String,
    #[serde(default)]
    key: String,
}

type Path = NamePath<(String, String)>;

/// A line of an order of one's own, and what is left of it.
async fn found(
    app: &App,
    visit: &SignedIn,
    (order, line): (String, String),
) -> Result<(Order, Line, Extent), Problem> {
    let order = order.parse().map_err(|_| Problem::not_found())?;
    let line: Id<Line> = line.parse().map_err(|_| Problem::not_found())?;
    let (order, lines) = own(app, &visit.visit, order).await?;
    let lines = in_their_words(app, &visit.visit, lines).await?;
    let refunds = app.engine.refunds_of(order.id).await?;
    let line = lines.into_iter().find(|row| row.id == line).ok_or_else(Problem::not_found)?;
    let left = Extent::left_to_show(&line, &back(&refunds));
    Ok((order, line, left))
}

/// What went back of each line.
fn back(refunds: &[Refunded]) -> Vec<RefundLine> {
    refunds.iter().flat_map(|one| one.lines.iter().cloned()).collect()
}

pub(super) async fn ask(
    _: AtSeller,
    State(app): State<App>,
    visit: SignedIn,
    NamePath(names): Path,
) -> Result<Response, Problem> {
    let (order, line, left) = found(&app, &visit, names).await?;
    if !order.is_released() || left.amount.is_zero() {
        return Ok(Redirect::to(&format!("/orders/{}", order.id)).into_response());
    }
    Ok(page(&app, &visit, (&order, &line, left), &WishForm::default(), None))
}

pub(super) async fn send(
    _: AtSeller,
    State(app): State<App>,
    visit: SignedIn,
    NamePath(names): Path,
    Form(form): Form<WishForm>,
) -> Result<Response, Problem> {
    let (order, line, left) = found(&app, &visit, names).await?;
    let problem = match wish(&order, &line, &form) {
        Ok((wish, request)) => match app.engine.ask_refund(visit.buyer, wish, request).await? {
            Ok(_) => {
                return Ok(Redirect::to(&format!("/orders/{}#refunds", order.id)).into_response());
            }
            Err(refusal) => Problem::from(refusal),
        },
        Err(problem) => problem,
    };
    let mut response = page(&app, &visit, (&order, &line, left), &form, Some(&problem));
    *response.status_mut() = problem.status();
    Ok(response)
}

fn wish(order: &Order, line: &Line, form: &WishForm) -> Result<(RefundWish, Request), Problem> {
    let key = form.key.trim();
    if key.is_empty() {
        let detail = t("the form lacked its key, and nothing was done: send it again");
        return Err(Problem::new(&kind::MALFORMED, detail));
    }
    let reason = Text::<1, 500>::read(form.reason.trim());
    let reason = reason.map_err(|wrong| Problem::field("reason", wrong))?.0;
    let what = format!("refund {} {}\n{reason}", order.id, line.id);
    let request = Request::new(key, what.as_bytes(), request_id::current());
    Ok((RefundWish { order: order.id, line: line.id, reason }, request))
}

fn page(
    app: &App,
    visit: &SignedIn,
    (order, line, left): (&Order, &Line, Extent),
    form: &WishForm,
    problem: Option<&Problem>,
) -> Response {
    let settings = &visit.visit.vendor.settings;
    let policy = order.refund_policy.unwrap_or(settings.refund_policy);
    let error = problem.and_then(|problem| problem.error("reason")).map(sentence);
    let whole = problem.filter(|problem| problem.error("reason").is_none());
    let main = html! {
        p.trail { a href={ "/orders/" (order.id) } { (t("The order")) } }
        h1 { (t("Ask for a refund")) }
        p.lead { (say!("{title}: {tokens} would go back into your wallet.", title = html! { bdi { (line.title) } },
            tokens = MoneyOut::tokens(left.amount, &settings.token))) }
        p { (refund_policy(policy)) }
        p {
            @if line.extends.is_some() {
                (t("When it goes back, what it added is taken off the license again. The license keeps its code."))
            } @else { (t("When it goes back, its codes open nothing any more.")) }
        }
        @if let Some(problem) = whole { (complaint(&sentence(problem.detail()))) }
        form.narrow method="post" action={ "/orders/" (order.id) "/refund/" (line.id) } {
            input type="hidden" name="key" value=(chance(app));
            (Field { name: "reason", label: t("Why?"), kind: "textarea", value: &form.reason, autocomplete: "off", required: true,
                hint: Some(t("For the vendor. At most 500 characters.")), error: error.as_deref() })
            div.choice {
                button type="submit" { (t("Ask for a refund")) }
                a.button.second href={ "/orders/" (order.id) } { (t("Leave it")) }
            }
        }
    };
    private(app, t("Ask for a refund"), &visit.visit, &main)
}

/// How a request stands, in a word.
pub fn badge_of(state: RefundRequestState) -> Markup {
    match state {
        RefundRequestState::Open => badge(Tone::Warn, t("Waits for the vendor")),
        RefundRequestState::Accepted => badge(Tone::Good, t("Accepted")),
        RefundRequestState::Declined => badge(Tone::Bad, t("Declined")),
    }
}

/// The part of the order's page about refunds: what was promised, what can be asked for, and what was.
pub(super) fn part(
    order: &Order,
    lines: &[Line],
    refunds: &[Refunded],
    requests: &[RefundRequest],
    token: &Token,
) -> Markup {
    let open = |line: &Line| requests.iter().any(|row| row.line == line.id && row.is_open());
    let before = back(refunds);
    let askable: Vec<_> = lines
        .iter()
        .map(|line| (line, Extent::left_to_show(line, &before)))
        .filter(|(line, left)| !left.amount.is_zero() && !open(line))
        .collect();
    if !order.is_released() || (askable.is_empty() && requests.is_empty() && refunds.is_empty()) {
        return Markup::default();
    }
    let title = |id| {
        let line = lines.iter().find(|line| line.id == id);
        line.map(|line| line.title.as_str()).unwrap_or_default()
    };
    html! {
        section #refunds {
            h2 { (t("Refunds")) }
            @if let Some(policy) = order.refund_policy { p { (refund_policy(policy)) } }
            @for one in refunds {
                p { (say!("Given back on {date}: {tokens}.", date = date(one.refund.at), tokens = MoneyOut::tokens(one.refund.amount, token))) }
            }
            @if !requests.is_empty() {
                ul.items {
                    @for row in requests {
                        li {
                            span {
                                bdi { (title(row.line)) } " " (badge_of(row.state)) br;
                                span.small { (say!("You asked on {date}: {reason}", date = date(row.at), reason = html! { bdi { (row.reason) } })) }
                                @if let Some(word) = &row.word { br; span.small { (say!("The vendor says: {word}", word = html! { bdi { (word) } })) } }
                            }
                        }
                    }
                }
            }
            @for (line, left) in &askable {
                p {
                    a href={ "/orders/" (order.id) "/refund/" (line.id) } {
                        @if lines.len() > 1 { (say!("Ask for a refund of {title}", title = html! { bdi { (line.title) } })) }
                        @else { (t("Ask for a refund")) }
                    }
                    " (" (MoneyOut::tokens(left.amount, token)) ")"
                }
            }
        }
    }
}
