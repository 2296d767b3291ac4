//! Bank accounts between which partners are paid: our own, and theirs.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use maud::html;
use scrip_domain::bank::{BankDetails, Bic, OWN};
use scrip_domain::partner::Partner;

use super::parts::{answer, tabs, within};
use super::statements::partner;
use crate::App;
use crate::api::admin::bank_details;
use crate::caller::AtPartner;
use crate::extract::IdPath;
use crate::pages::admin::Section;
use crate::pages::admin::desk::{Clerk, Desk, Money};
use crate::pages::admin::entry::{Entry, Sent};
use crate::pages::form::Form;
use crate::problem::Problem;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/admin/bank", get(show_own).post(put_own))
        .route("/admin/partners/{id}/bank", get(show).post(put))
}

/// Whose account it is.
struct Whose {
    owner: u64,
    partner: Option<Partner>,
}

async fn show_own(
    _: AtPartner,
    State(app): State<App>,
    desk: Desk<Money>,
) -> Result<Response, Problem> {
    known(&app, &desk, &Whose { owner: OWN, partner: None }).await
}

async fn show(
    _: AtPartner,
    State(app): State<App>,
    desk: Desk<Money>,
    IdPath(id): IdPath<Partner>,
) -> Result<Response, Problem> {
    let partner = partner(&app, id).await?;
    known(&app, &desk, &Whose { owner: id.number(), partner: Some(partner) }).await
}

async fn known(app: &App, clerk: &Clerk, whose: &Whose) -> Result<Response, Problem> {
    let mut typed = Entry::default();
    if let Some(BankDetails { holder, iban, bic, .. }) =
        app.engine.store().bank_details(whose.owner).await?
    {
        typed.put("name", holder);
        typed.put("iban", iban.as_str());
        typed.put("bic", bic.as_ref().map_or("", Bic::as_str));
    }
    Ok(form(app, clerk, whose, Sent::only(&typed, None)))
}

async fn put_own(
    _: AtPartner,
    State(app): State<App>,
    desk: Desk<Money>,
    Form(typed): Form<Entry>,
) -> Result<Response, Problem> {
    enter(&app, &desk, &Whose { owner: OWN, partner: None }, &typed).await
}

async fn put(
    _: AtPartner,
    State(app): State<App>,
    desk: Desk<Money>,
    IdPath(id): IdPath<Partner>,
    Form(typed): Form<Entry>,
) -> Result<Response, Problem> {
    let partner = partner(&app, id).await?;
    enter(&app, &desk, &Whose { owner: id.number(), partner: Some(partner) }, &typed).await
}

async fn enter(
    app: &App,
    clerk: &Clerk,
    whose: &Whose,
    typed: &Entry,
) -> Result<Response, Problem> {
    let name = match typed.line::<1, 70>("name") {
        Ok(name) => name,
        Err(problem) => {
            return Ok(form(app, clerk, whose, Sent::only(typed, Some(&problem))));
        }
    };
    let bic = Some(typed.get("bic")).filter(|bic| !bic.is_empty());
    match bank_details(whose.owner, name, typed.get("iban"), bic) {
        Ok(details) => {
            let Ok(_) = app.engine.put_bank_details(clerk.staff, details).await?;
            let to = match &whose.partner {
                Some(partner) => format!("/admin/partners/{}", partner.id),
                None => "/admin/bank".to_owned(),
            };
            Ok(Redirect::to(&to).into_response())
        }
        Err(problem) => Ok(form(app, clerk, whose, Sent::only(typed, Some(&problem)))),
    }
}

fn form(app: &App, clerk: &Clerk, whose: &Whose, sent: Sent<'_>) -> Response {
    let action = match &whose.partner {
        Some(partner) => format!("/admin/partners/{}/bank", partner.id),
        None => "/admin/bank".to_owned(),
    };
    let main = html! {
        @match &whose.partner {
            Some(partner) => {
                (within(&format!("/admin/partners/{}", partner.id), &partner.name))
                p.lead { "To this account you pay " bdi { (partner.name) } ". Ask its people for it in another way than by e-mail." }
            }
            None => {
                (tabs("/admin/bank", clerk))
                p.lead { "From this account you pay partners, by files for your bank." }
            }
        }
        (sent.complaint())
        form.narrow method="post" action=(action) {
            (sent.field("name", "Holder", Some("In Latin letters, as banks carry it.")))
            (sent.field("iban", "Account number (IBAN)", Some("With or without spaces.")))
            (sent.optional("bic", "Bank (BIC)", Some("Optional in the euro area.")))
            button type="submit" { "Save" }
        }
    };
    let title = if whose.partner.is_some() { "Its bank account" } else { "Your bank account" };
    answer(app, clerk, title, Section::Partners, &main, sent.problem)
}
