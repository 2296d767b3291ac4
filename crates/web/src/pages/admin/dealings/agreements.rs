//! Agreements: their terms in words, proposing new ones, and what can be done with each.
//!
//! ```text
//! propose ──▶ proposed ──accept / decline / withdraw──▶ …in force ──suspend ⇄ resume, end with notice──▶ over
//! ```

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use maud::{Markup, html};
use scrip_domain::Id;
use scrip_domain::agreement::{Agreement, AgreementState, By, Flaw};
use scrip_domain::partner::Partner;
use scrip_domain::staff::Power;
use scrip_engine::agreement::{AgreementRefusal, Turn};
use scrip_license::jws;
use serde::Deserialize;

use super::parts::{Question, answer, document, when, within};
use super::terms::{fields, prefilled, read, words};
use crate::App;
use crate::caller::AtPartner;
use crate::extract::{IdPath, NamePath};
use crate::pages::admin::desk::{Clerk, Desk, Money, See};
use crate::pages::admin::entry::{Entry, Sent};
use crate::pages::admin::{Section, page};
use crate::pages::date;
use crate::pages::form::Form;
use crate::pages::look::{Tone, badge};
use crate::problem::Problem;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/admin/partners/{id}/propose", get(ask).post(propose))
        .route("/admin/agreements/{id}", get(show))
        .route("/admin/agreements/{id}/close-cycle", get(ask_close).post(close))
        .route("/admin/agreements/{id}/{turn}", get(ask_turn).post(turn))
}

/// Something that staff does with an agreement, as pages call it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deed(Turn);

impl Deed {
    const ALL: [Self; 6] = [
        Self(Turn::Accept),
        Self(Turn::Decline),
        Self(Turn::Withdraw),
        Self(Turn::Suspend),
        Self(Turn::Resume),
        Self(Turn::End),
    ];

    fn called(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|deed| deed.word() == word)
    }

    /// The word in its address.
    pub const fn word(self) -> &'static str {
        match self.0 {
            Turn::Accept => "accept",
            Turn::Decline => "decline",
            Turn::Withdraw => "withdraw",
            Turn::Suspend => "suspend",
            Turn::Resume => "resume",
            Turn::End => "end",
        }
    }

    /// What the button says.
    pub const fn name(self) -> &'static str {
        match self.0 {
            Turn::Accept => "Accept agreement",
            Turn::Decline => "Decline agreement",
            Turn::Withdraw => "Withdraw agreement",
            Turn::Suspend => "Suspend agreement",
            Turn::Resume => "Resume agreement",
            Turn::End => "End agreement",
        }
    }

    /// What comes of it.
    fn consequence(self, partner: &str, notice_days: u32) -> String {
        match self.0 {
            Turn::Accept => format!(
                "You agree to the terms below. They hold once {partner} has heard of it: at once if nothing is in force, \
                 otherwise after the days of notice of what is."
            ),
            Turn::Decline => format!("{partner} is told that you do not agree to these terms."),
            Turn::Withdraw => format!("Your proposal is taken back, and {partner} is told so."),
            Turn::Suspend => format!(
                "Nothing more is exchanged with {partner}, either way, from this moment on. What is committed is \
                 answered and settled."
            ),
            Turn::Resume => format!("Buyers can exchange with {partner} again at once."),
            Turn::End => format!(
                "The agreement ends in {notice_days} days. Until then buyers can exchange; what is owed is settled \
                 after it too."
            ),
        }
    }
}

/// What can be done with an agreement now.
pub fn possible(agreement: &Agreement, partner: &Partner) -> Vec<Deed> {
    let in_force = partner.agreement == Some(agreement.id);
    let turns: &[Turn] = match (agreement.state, agreement.proposed_by) {
        (AgreementState::Proposed, By::Them) => &[Turn::Accept, Turn::Decline],
        (AgreementState::Proposed, By::Us) => &[Turn::Withdraw],
        (AgreementState::Accepted, _) if in_force => {
            match (partner.suspended, agreement.ends_at.is_some()) {
                (None, false) => &[Turn::Suspend, Turn::End],
                (None, true) => &[Turn::Suspend],
                (Some(_), false) => &[Turn::Resume, Turn::End],
                (Some(_), true) => &[Turn::Resume],
            }
        }
        _ => &[],
    };
    turns.iter().copied().map(Deed).collect()
}

/// Where an agreement stands, in words.
pub fn agreement_badge(agreement: &Agreement, partner: &Partner) -> Markup {
    let in_force = partner.agreement == Some(agreement.id);
    match (agreement.state, agreement.proposed_by) {
        (AgreementState::Proposed, By::Us) => badge(Tone::Info, "Proposed by you"),
        (AgreementState::Proposed, By::Them) => badge(Tone::Warn, "Proposed to you"),
        (AgreementState::Accepted, _) if in_force && agreement.ends_at.is_some() => {
            badge(Tone::Warn, "In force, ends")
        }
        (AgreementState::Accepted, _) if in_force => badge(Tone::Good, "In force"),
        (AgreementState::Accepted, _) => badge(Tone::Info, "Accepted, waits for its day"),
        (AgreementState::Declined, By::Us) => badge(Tone::Bad, "Declined by them"),
        (AgreementState::Declined, By::Them) => badge(Tone::Info, "Declined by you"),
        (AgreementState::Withdrawn, By::Us) => badge(Tone::Info, "Withdrawn by you"),
        (AgreementState::Withdrawn, By::Them) => badge(Tone::Info, "Withdrawn by them"),
        (AgreementState::Superseded, _) => badge(Tone::Info, "Replaced by a later one"),
        (AgreementState::Ended, _) => badge(Tone::Info, "Ended"),
    }
}

async fn partner(app: &App, id: Id<Partner>) -> Result<Partner, Problem> {
    app.engine.store().partner(id).await?.ok_or_else(Problem::not_found)
}

/// An agreement and its partner.
async fn both(app: &App, id: Id<Agreement>) -> Result<(Agreement, Partner), Problem> {
    let agreement = app.engine.store().agreement(id).await?.ok_or_else(Problem::not_found)?;
    let partner = partner(app, agreement.partner).await?;
    Ok((agreement, partner))
}

async fn ask(
    _: AtPartner,
    State(app): State<App>,
    desk: Desk<Money>,
    IdPath(id): IdPath<Partner>,
) -> Result<Response, Problem> {
    let partner = partner(&app, id).await?;
    let latest = app.engine.store().agreements_of(id, 1).await?;
    let ours = app.engine.public_url();
    let typed = prefilled(latest.first().map(|latest| &latest.terms), ours, &desk.vendor.settings);
    Ok(proposal(&app, &desk, &partner, Sent::only(&typed, None)))
}

async fn propose(
    _: AtPartner,
    State(app): State<App>,
    desk: Desk<Money>,
    IdPath(id): IdPath<Partner>,
    Form(typed): Form<Entry>,
) -> Result<Response, Problem> {
    let partner = partner(&app, id).await?;
    let urls = [app.engine.public_url(), &partner.url];
    let problem = match read(&typed, urls, &desk.vendor.settings.token) {
        Ok(terms) => match app.engine.propose_agreement(desk.staff, id, terms).await? {
            Ok(made) => {
                return Ok(Redirect::to(&format!("/admin/agreements/{}", made.id)).into_response());
            }
            // Fields here are called as the members of the terms.
            Err(AgreementRefusal::Terms(Flaw { member, must })) => Problem::field(member, must),
            Err(refusal) => Problem::proposal(&refusal),
        },
        Err(problem) => problem,
    };
    Ok(proposal(&app, &desk, &partner, Sent::only(&typed, Some(&problem))))
}

fn proposal(app: &App, clerk: &Clerk, partner: &Partner, sent: Sent<'_>) -> Response {
    let to = format!("/admin/partners/{}", partner.id);
    let main = html! {
        (within(&to, &partner.name))
        (sent.complaint())
        p.lead { bdi { (partner.name) } " finds these terms on its own page of you, and accepts or declines them as they are." }
        form method="post" action={ (to) "/propose" } {
            (fields(sent, &clerk.vendor.settings, partner))
            div.choice {
                button type="submit" { "Propose these terms" }
                a.button.second href=(to) { "Not now" }
            }
        }
    };
    answer(app, clerk, "Propose terms", Section::Partners, &main, sent.problem)
}

async fn show(
    _: AtPartner,
    State(app): State<App>,
    desk: Desk<See>,
    IdPath(id): IdPath<Agreement>,
) -> Result<Response, Problem> {
    let (agreement, partner) = both(&app, id).await?;
    let may = desk.may(Power::Money);
    let main = html! {
        (within(&format!("/admin/partners/{}", partner.id), &partner.name))
        p.lead { "Between you and " bdi { (partner.name) } ". " (agreement_badge(&agreement, &partner)) }
        @if agreement.untold.is_some() {
            p { "The partner has not heard yet what was last decided here. It is told until it has." }
        }
        @if may {
            div.choice {
                @for deed in possible(&agreement, &partner) {
                    a.button.second href={ "/admin/agreements/" (id) "/" (deed.word()) } { (deed.name()) }
                }
                a.button.second href={ "/admin/partners/" (partner.id) "/propose" } { "Propose others" }
            }
        }
        (words(&agreement.terms, app.engine.public_url(), &partner))
        h2 { "When, and the proof" }
        dl.facts {
            dt { "Proposed" } dd { (date(agreement.proposed_at))
                @if agreement.proposed_by == By::Us { ", by you" } @else { ", by " bdi { (partner.name) } } }
            dt { "Decided" } dd { (when(agreement.decided_at)) }
            dt { "Holds from" } dd { (when(agreement.effective_at)) }
            dt { "Holds until" } dd { (when(agreement.ends_at)) }
            dt { "Its name between you" } dd { code { (jws::digest(&agreement.proposal)) } }
        }
        (document("The signed proposal", Some(&agreement.proposal)))
        (document("The signed acceptance", agreement.acceptance.as_deref()))
    };
    let title = format!("Agreement {}", agreement.version);
    Ok(page(&app, &desk, &title, Section::Partners, &main))
}

async fn ask_turn(
    _: AtPartner,
    State(app): State<App>,
    desk: Desk<Money>,
    NamePath((id, word)): NamePath<(String, String)>,
) -> Result<Response, Problem> {
    let id = id.parse().map_err(|_| Problem::not_found())?;
    let deed = Deed::called(&word).ok_or_else(Problem::not_found)?;
    question(&app, &desk, id, deed, Sent::default()).await
}

async fn turn(
    _: AtPartner,
    State(app): State<App>,
    desk: Desk<Money>,
    NamePath((id, word)): NamePath<(String, String)>,
    Form(typed): Form<Entry>,
) -> Result<Response, Problem> {
    let id: Id<Agreement> = id.parse().map_err(|_| Problem::not_found())?;
    let deed = Deed::called(&word).ok_or_else(Problem::not_found)?;
    let problem = match reason(&typed) {
        Ok(reason) => {
            let turned = app.engine.turn_agreement(desk.staff, id, deed.0, reason.as_deref());
            match turned.await? {
                Ok(_) => {
                    return Ok(Redirect::to(&format!("/admin/agreements/{id}")).into_response());
                }
                Err(refusal) => Problem::agreement(&refusal),
            }
        }
        Err(problem) => problem,
    };
    question(&app, &desk, id, deed, Sent::only(&typed, Some(&problem))).await
}

fn reason(typed: &Entry) -> Result<Option<String>, Problem> {
    Ok(Some(typed.line::<0, 500>("reason")?).filter(|reason| !reason.is_empty()))
}

async fn question(
    app: &App,
    clerk: &Clerk,
    id: Id<Agreement>,
    deed: Deed,
    sent: Sent<'_>,
) -> Result<Response, Problem> {
    let (agreement, partner) = both(app, id).await?;
    let back = format!("/admin/agreements/{id}");
    let says = html! {
        p.lead { (deed.consequence(&partner.name, agreement.terms.notice_days)) }
        @if deed.0 == Turn::Accept { (words(&agreement.terms, app.engine.public_url(), &partner)) }
    };
    let asks = matches!(deed.0, Turn::Suspend | Turn::Resume | Turn::End | Turn::Decline);
    let fields = html! {
        @if asks {
            div.narrow {
                (sent.optional("reason", "Why", Some("Optional. It goes on record here; the partner is not told.")))
            }
        }
    };
    let question = Question {
        says: &says,
        action: &format!("{back}/{}", deed.word()),
        fields: &fields,
        button: deed.name(),
        is_final: matches!(deed.0, Turn::End | Turn::Suspend),
        back: &back,
    };
    let main = html! { (within(&back, &format!("Agreement {}", agreement.version))) (question.ask(sent.problem)) };
    Ok(answer(app, clerk, deed.name(), Section::Partners, &main, sent.problem))
}

#[derive(Debug, Deserialize)]
struct CycleForm {
    /// The number of the cycle that was open: sent twice, it closes once.
    cycle: u32,
}

async fn ask_close(
    _: AtPartner,
    State(app): State<App>,
    desk: Desk<Money>,
    IdPath(id): IdPath<Agreement>,
) -> Result<Response, Problem> {
    let (_, partner) = both(&app, id).await?;
    let back = format!("/admin/partners/{}", partner.id);
    let says = html! {
        p.lead { "What is committed from now on belongs to cycle " (partner.cycle.saturating_add(1)) ". Once no exchange of cycle "
            (partner.cycle) " waits for an answer, both servers say what each owes for it, and compare." }
        p { "It was opened " (date(partner.cycle_began_at)) ", and closes by itself when its days are over." }
    };
    let question = Question {
        says: &says,
        action: &format!("/admin/agreements/{id}/close-cycle"),
        fields: &html! { input type="hidden" name="cycle" value=(partner.cycle); },
        button: "Close the cycle",
        is_final: false,
        back: &back,
    };
    let title = format!("Close cycle {}", partner.cycle);
    let main = html! { (within(&back, &partner.name)) (question.ask(None)) };
    Ok(page(&app, &desk, &title, Section::Partners, &main))
}

async fn close(
    _: AtPartner,
    State(app): State<App>,
    desk: Desk<Money>,
    IdPath(id): IdPath<Agreement>,
    Form(form): Form<CycleForm>,
) -> Result<Response, Problem> {
    let statement = app.engine.close_cycle(desk.staff, id, Some(form.cycle)).await??;
    Ok(Redirect::to(&format!("/admin/statements/{}", statement.id)).into_response())
}
