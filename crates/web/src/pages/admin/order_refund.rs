//! Giving tokens of an order back: what of which line, then a look at it, then it is done.
//!
//! ```text
//! the form ─▶ what would go back, to be confirmed ─▶ done, and the order again
//!     ▲_____________│ something is wrong, or changed
//! ```

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use maud::{Markup, html};
use scrip_domain::order::{Line, Order};
use scrip_domain::refund::{Extent, LicensePolicy, Share};
use scrip_domain::settings::Token;
use scrip_domain::{Amount, Id};
use scrip_engine::evidence::Evidence;
use scrip_engine::purchase::Answered;
use scrip_engine::refund::{RefundAsk, RefundRefusal};

use super::desk::{Desk, People};
use super::entry::{Entry, Sent, once};
use super::orders::left;
use super::parts::{order_link, table};
use super::{Section, page, with_status};
use crate::App;
use crate::extract::IdPath;
use crate::money::MoneyOut;
use crate::pages::form::Form;
use crate::problem::Problem;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/admin/orders/{id}/refund", get(ask).post(give))
        .route("/admin/orders/{id}/refund/check", post(check))
}

/// What the names of the fields of a line begin with.
const QUANTITY: &str = "quantity-";
const AMOUNT: &str = "amount-";

async fn evidence(app: &App, order: Id<Order>) -> Result<Evidence, Problem> {
    let order = app.engine.store().order(order).await?.ok_or_else(Problem::not_found)?;
    if !order.is_released() {
        return Err(Problem::refund(&RefundRefusal::NotPaid(order.state_at(app.engine.now()))));
    }
    Ok(app.engine.evidence(&order).await?)
}

async fn ask(
    State(app): State<App>,
    desk: Desk<People>,
    IdPath(order): IdPath<Order>,
) -> Result<Response, Problem> {
    let evidence = evidence(&app, order).await?;
    Ok(show(&app, &desk, &evidence, Sent::default()))
}

/// Shows what would go back, and asks once more.
async fn check(
    State(app): State<App>,
    desk: Desk<People>,
    IdPath(order): IdPath<Order>,
    Form(entry): Form<Entry>,
) -> Result<Response, Problem> {
    let evidence = evidence(&app, order).await?;
    let token = &desk.vendor.settings.token;
    let wanted =
        wanted(&evidence, &entry, token).and_then(|ask| Ok((total(&evidence, &ask)?, ask)));
    let (sums, ask) = match wanted {
        Ok(wanted) => wanted,
        Err(problem) => {
            let back = Sent::back("refund", &entry, &problem);
            return Ok(with_status(show(&app, &desk, &evidence, back), &problem));
        }
    };
    let all = Amount::try_sum(sums.iter().map(|(_, extent)| extent.amount)).unwrap_or(Amount::MAX);
    let main = html! {
        p.trail { (order_link(order)) }
        p.lead { (MoneyOut::tokens(all, token)) " go back to the buyer, into the lots that paid." }
        (table(&["Line", "Units", "#Tokens"], &html! {
            @for (line, extent) in &sums {
                tr { th scope="row" { (line.title) } td { (extent.quantity) } td.sum { (MoneyOut::tokens(extent.amount, token)) } }
            }
        }))
        dl.facts {
            dt { "Reason" } dd { (ask.reason) }
            dt { "Licenses" } dd {
                @match ask.licenses {
                    LicensePolicy::Revoke => "Those of the units that go back end.",
                    LicensePolicy::Keep => "The buyer keeps them.",
                }
            }
        }
        form method="post" action={ "/admin/orders/" (order) "/refund" } {
            (once(&app))
            @for (name, value) in entry.beginning("") { @if name != "key" { input type="hidden" name=(name) value=(value); } }
            div.choice {
                button.danger type="submit" { "Give back " (MoneyOut::tokens(all, token)) }
                a.button.second href={ "/admin/orders/" (order) } { "Leave it" }
            }
        }
    };
    Ok(page(&app, &desk, "Give this back?", Section::Orders, &main))
}

async fn give(
    State(app): State<App>,
    desk: Desk<People>,
    IdPath(order): IdPath<Order>,
    Form(entry): Form<Entry>,
) -> Result<Response, Problem> {
    let evidence = evidence(&app, order).await?;
    let token = &desk.vendor.settings.token;
    let given = match (wanted(&evidence, &entry, token), entry.request(&format!("refund {order}")))
    {
        (Ok(ask), Ok(request)) => {
            let given = app.engine.refund(desk.staff, ask, request).await?;
            given.map_err(|refusal| Problem::refund(&refusal))
        }
        (Err(problem), _) | (_, Err(problem)) => Err(problem),
    };
    match given {
        Ok(Answered::First(_) | Answered::Replayed(_)) => {
            Ok(Redirect::to(&format!("/admin/orders/{order}?done=refunded")).into_response())
        }
        Err(problem) => {
            let back = Sent::back("refund", &entry, &problem);
            Ok(with_status(show(&app, &desk, &evidence, back), &problem))
        }
    }
}

/// What the form asks for. Without anything at a line all that is left goes back.
fn wanted(evidence: &Evidence, entry: &Entry, token: &Token) -> Result<RefundAsk, Problem> {
    let order = evidence.order.order.id;
    let mut lines = Vec::new();
    for line in &evidence.order.lines {
        let (units, tokens) = (format!("{QUANTITY}{}", line.id), format!("{AMOUNT}{}", line.id));
        let share =
            match (entry.count(&units, 1, line.quantity)?, entry.tokens_if_any(&tokens, token)?) {
                (None, None) => continue,
                (Some(units), None) => Share::Quantity(units),
                (None, Some(amount)) => Share::Amount(amount),
                (Some(_), Some(_)) => return Err(Problem::field(tokens, "either units or tokens")),
            };
        lines.push((line.id, share));
    }
    let whole = entry.get("extent") == "whole";
    if whole && !lines.is_empty() {
        return Err(Problem::field("extent", "all that is left, or some of it below: not both"));
    }
    if !whole && lines.is_empty() {
        return Err(Problem::field("extent", "say what goes back: all, or how much of which line"));
    }
    let licenses = LicensePolicy::parse(entry.get("licenses"))
        .ok_or_else(|| Problem::field("licenses", "end them, or leave them to the buyer"))?;
    Ok(RefundAsk { order, lines, licenses, reason: entry.words("reason")? })
}

/// What would go back of each line, as far as it can be told before.
fn total<'a>(evidence: &'a Evidence, ask: &RefundAsk) -> Result<Vec<(&'a Line, Extent)>, Problem> {
    let mut all = Vec::new();
    for (line, left) in left(evidence) {
        if ask.lines.is_empty() {
            all.push((line, left));
            continue;
        }
        let Some((_, share)) = ask.lines.iter().find(|(id, _)| *id == line.id) else { continue };
        let start = if matches!(share, Share::Amount(_)) { AMOUNT } else { QUANTITY };
        let whole = Extent::of(line).unwrap_or(left);
        let extent = left.take(*share, whole).map_err(|_| too_much(start, line.id))?;
        all.push((line, extent));
    }
    if all.iter().all(|(_, extent)| extent.is_empty() && extent.amount.is_zero()) {
        return Err(Problem::refund(&RefundRefusal::AlreadyRefunded(None)));
    }
    Ok(all)
}

fn too_much(start: &str, line: Id<Line>) -> Problem {
    Problem::field(format!("{start}{line}"), "less than this is left of the line")
}

fn show(app: &App, desk: &Desk<People>, evidence: &Evidence, sent: Sent<'_>) -> Response {
    let order = evidence.order.order.id;
    let token = &desk.vendor.settings.token;
    let (extent, licenses) = (sent.value("extent"), sent.value("licenses"));
    let main = html! {
        p.trail { (order_link(order)) }
        (sent.complaint())
        form method="post" action={ "/admin/orders/" (order) "/refund/check" } {
            fieldset {
                legend { "What goes back" }
                label.option {
                    input type="radio" name="extent" value="whole" checked[extent != "part"];
                    span { "All that is left" }
                }
                label.option {
                    input type="radio" name="extent" value="part" checked[extent == "part"];
                    span { "Some of it, as it says below" }
                }
            }
            @for (line, left) in left(evidence) { @if !left.is_empty() { (line_fields(line, left, token, sent)) } }
            fieldset {
                legend { "Licenses of what goes back" }
                label.option {
                    input type="radio" name="licenses" value="revoke" checked[licenses != "keep"];
                    span { "End them" }
                }
                label.option {
                    input type="radio" name="licenses" value="keep" checked[licenses == "keep"];
                    span { "Leave them to the buyer" }
                }
            }
            (sent.reason("For the record, and for the buyer."))
            div.row {
                button type="submit" { "Go on" }
                a.button.second href={ "/admin/orders/" (order) } { "Leave it" }
            }
        }
    };
    page(app, desk, "Give tokens back", Section::Orders, &main)
}

fn line_fields(line: &Line, left: Extent, token: &Token, sent: Sent<'_>) -> Markup {
    let (units, tokens) = (format!("{QUANTITY}{}", line.id), format!("{AMOUNT}{}", line.id));
    let left_units = format!("At most {}.", left.quantity);
    let left_tokens = format!("At most {}.", MoneyOut::tokens(left.amount, token));
    html! {
        fieldset {
            legend { (line.title) }
            div.acts {
                (sent.optional(&units, "Units", Some(&left_units)))
                (sent.optional(&tokens, "Or tokens", Some(&left_tokens)))
            }
        }
    }
}
