//! A restore: which peers are still to be heard, what the books lack, and going on without one of them.
//!
//! ```text
//! asking ──all is told──▶ reconciled ──again──▶ asking
//!    └──skip, with a reason──▶ skipped
//! ```

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use maud::{Markup, html};
use scrip_domain::restore::{Discrepancy, FIRST_EPOCH, Lack, PeerKind, Reunion, ReunionState};
use scrip_domain::settings::Token;
use scrip_domain::staff::Power;
use scrip_engine::restore::RestoreReport;
use serde::Deserialize;

use super::parts::{Question, answer, when};
use crate::App;
use crate::api::List;
use crate::extract::Query;
use crate::money::MoneyOut;
use crate::pages::admin::desk::{Clerk, Desk, See, Settings};
use crate::pages::admin::entry::{Entry, Sent};
use crate::pages::admin::parts::{Place, pager, range, table_of};
use crate::pages::admin::{Section, page};
use crate::pages::date;
use crate::pages::form::Form;
use crate::pages::look::{Tone, badge, blank, notice};
use crate::problem::Problem;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/admin/restore", get(show))
        .route("/admin/restore/skip", get(ask).post(skip))
        .route("/admin/restore/again", post(again))
}

async fn show(
    State(app): State<App>,
    desk: Desk<See>,
    Query(place): Query<Place>,
) -> Result<Response, Problem> {
    let range = range(&app, "discrepancies", place.after.as_deref())?;
    let report = app.engine.restore_report(range).await?;
    let id = |row: &Discrepancy| row.id.number();
    let next = List::of(&app.engine, "discrepancies", range, &report.discrepancies, id, |_| ());
    let RestoreReport { number, epoch, peers, discrepancies } = &report;
    let may = desk.may(Power::Settings);
    let main = html! {
        @if *number == FIRST_EPOCH {
            (blank("Never restored", "After a restore from a backup, this page says whom the server asks for what the backup lacks.", None))
        } @else {
            @if app.engine.is_restoring() {
                (notice(Tone::Warn, &html! { p role="status" {
                    "Peers are still to be heard. Until then other servers wait, and where wallets are no tokens move. "
                    a href="/admin/restore" { "Look again" } "." } }))
            } @else {
                (notice(Tone::Good, &html! { p role="status" { "All peers were heard after the last restore." } }))
            }
            dl.facts {
                dt { "Restores" } dd { (number.saturating_sub(FIRST_EPOCH)) }
                @if let Some(epoch) = epoch {
                    dt { "The last one" } dd { (date(epoch.at)) }
                    dt { "Asked for what was since" } dd { (date(epoch.since)) }
                }
            }
            h2 { "Peers" }
            @if peers.is_empty() { p { "This server deals with no other." } } @else { (peer_rows(peers, may)) }
            h2 { "What the books lack" }
            @if discrepancies.is_empty() { p { "Nothing: all that peers have signed is in the books." } } @else {
                (lack_rows(discrepancies, &desk.vendor.settings.token))
                (pager("/admin/restore", next.next.as_deref()))
            }
        }
    };
    Ok(page(&app, &desk, "Restore", Section::Restore, &main))
}

fn peer_rows(peers: &[Reunion], may: bool) -> Markup {
    table_of(
        "Who was asked after the last restore",
        &["Peer", "State", "#Booked", "#Listed", "Ended", "?What you can do"],
        &html! {
            @for peer in peers {
                tr {
                    th scope="row" { (peer.peer) br; span.small { (kind(peer.kind)) } }
                    td {
                        (state_badge(peer.state))
                        @if let Some(trouble) = &peer.trouble { br; span.small { (peer.attempts) " tries: " bdi { (trouble) } } }
                    }
                    td.sum { (peer.booked) }
                    td.sum { (peer.listed) }
                    td { (when(peer.ended_at)) }
                    td { @if may { (acts(peer)) } }
                }
            }
        },
    )
}

fn acts(peer: &Reunion) -> Markup {
    let named: String = form_urlencoded::byte_serialize(peer.peer.as_bytes()).collect();
    html! {
        @match peer.state {
            ReunionState::Asking => a href={ "/admin/restore/skip?peer=" (named) } { "Go on without it" },
            ReunionState::Reconciled | ReunionState::Skipped => {
                form method="post" action="/admin/restore/again" {
                    input type="hidden" name="peer" value=(peer.peer);
                    button.plain type="submit" { "Ask again" span.unseen { " " (peer.peer) } }
                }
            }
            ReunionState::Superseded => {}
        }
    }
}

const fn kind(kind: PeerKind) -> &'static str {
    match kind {
        PeerKind::Merchant => "merchant",
        PeerKind::Provider => "provider",
        PeerKind::Partner => "partner",
    }
}

fn state_badge(state: ReunionState) -> Markup {
    match state {
        ReunionState::Asking => badge(Tone::Warn, "Being asked"),
        ReunionState::Reconciled => badge(Tone::Good, "Heard"),
        ReunionState::Skipped => badge(Tone::Bad, "Left out"),
        ReunionState::Superseded => badge(Tone::Info, "Asked by a later restore"),
    }
}

fn lack_rows(rows: &[Discrepancy], token: &Token) -> Markup {
    table_of(
        "What peers have signed proof of, newest first",
        &["What", "Why it is not in the books", "#At stake", "Found"],
        &html! {
            @for row in rows {
                tr {
                    th scope="row" { code { (row.name) } br; span.small { (row.peer) } }
                    td { strong { (lack(row.lack)) } br; bdi { (row.detail) } }
                    td.sum { (MoneyOut::tokens(row.amount, token)) }
                    td { (date(row.at)) }
                }
            }
        },
    )
}

const fn lack(lack: Lack) -> &'static str {
    match lack {
        Lack::Buyer => "The buyer's account is unknown",
        Lack::Funds => "The wallet holds too little",
        Lack::Key => "It is signed with a key that is lost",
        Lack::Conflict => "The books say otherwise",
        Lack::Order => "The order is unknown",
        Lack::Code => "The buyer's code is unknown",
        Lack::Link => "The link of the accounts is unknown",
        Lack::Statement => "The statement differs",
        Lack::Payment => "A payment was under way",
    }
}

async fn ask(State(app): State<App>, desk: Desk<Settings>, Query(typed): Query<Entry>) -> Response {
    question(&app, &desk, Sent::only(&typed, None))
}

async fn skip(
    State(app): State<App>,
    desk: Desk<Settings>,
    Form(typed): Form<Entry>,
) -> Result<Response, Problem> {
    let problem = match typed.text::<1, 500>("reason") {
        Ok(reason) => {
            let peer = typed.get("peer").to_owned();
            match app.engine.skip_peer(desk.staff, peer, reason).await? {
                Ok(_) => return Ok(Redirect::to("/admin/restore").into_response()),
                Err(_) => Problem::not_found(),
            }
        }
        Err(problem) => problem,
    };
    Ok(question(&app, &desk, Sent::only(&typed, Some(&problem))))
}

fn question(app: &App, clerk: &Clerk, sent: Sent<'_>) -> Response {
    let peer = sent.value("peer");
    let says = html! {
        p.lead { "What " (peer) " has from after the backup is not booked." }
        p { "Tokens that it captured then, or for which it issued its own, can be spent again. Do this only if it is gone for good." }
    };
    let fields = html! {
        input type="hidden" name="peer" value=(peer);
        div.narrow { (sent.field("reason", "Why", Some("It goes on record."))) }
    };
    let question = Question {
        says: &says,
        action: "/admin/restore/skip",
        fields: &fields,
        button: "Go on without it",
        is_final: true,
        back: "/admin/restore",
    };
    let main = question.ask(sent.problem);
    answer(app, clerk, "Go on without a peer", Section::Restore, &main, sent.problem)
}

#[derive(Debug, Deserialize)]
struct AgainForm {
    peer: String,
}

async fn again(
    State(app): State<App>,
    desk: Desk<Settings>,
    Form(form): Form<AgainForm>,
) -> Result<Redirect, Problem> {
    let asked = app.engine.ask_peer_again(desk.staff, form.peer).await?;
    asked.map_err(|_| Problem::not_found())?;
    Ok(Redirect::to("/admin/restore"))
}
