//! Activating a machine that has no network: a request is brought here, and a signed answer carried back.
//!
//! ```text
//! request, or code and fingerprint ──▶ active ──▶ the lease as text ──▶ the same as a file
//!   └──refused──▶ the form again, with what was typed and why
//! ```
//! Whoever has the code may ask, signed in or not; guesses are limited as they are for programs. Sending the same again is
//! harmless: an active machine is given leave anew.

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use maud::html;
use scrip_domain::usage::MAX_FINGERPRINT;
use scrip_engine::license::UseRefusal;
use scrip_engine::license::activate::{Activated, MachineFields};
use scrip_license::ActivationRequest;
use serde::Deserialize;

use super::form::{Field, Form, complaint};
use super::look::{Tone, copy, notice, qr};
use super::refused::sentence;
use super::visit::Visit;
use super::{date, private, private_with_script, words};
use crate::App;
use crate::api::export::file;
use crate::extract::Source;
use crate::language::{say, t, text};
use crate::problem::{Problem, kind};
use crate::text::Line;

pub fn routes() -> Router<App> {
    Router::new().route("/activate", get(ask).post(activate))
}

/// What the saved answer is called.
const FILE: &str = "lease.txt";

#[derive(Debug, Default, Deserialize)]
struct ActivateForm {
    /// A request as a program wrote it; or else the three below.
    #[serde(default)]
    request: String,
    #[serde(default)]
    code: String,
    #[serde(default)]
    fingerprint: String,
    #[serde(default)]
    name: String,
    /// `file` for an answer that is saved, anything else for a page.
    #[serde(default, rename = "as")]
    form: String,
}

/// What is wrong, and with which field if it is with one.
type Wrong = (Problem, Option<&'static str>);

async fn ask(State(app): State<App>, visit: Visit) -> Response {
    page(&app, &visit, &ActivateForm::default(), None)
}

async fn activate(
    State(app): State<App>,
    visit: Visit,
    source: Source,
    Form(form): Form<ActivateForm>,
) -> Result<Response, Problem> {
    let (problem, at) = match activated(&app, &source, &form).await? {
        Ok(active) if form.form == "file" => {
            return Ok(file(Body::from(active.leave), "text/plain; charset=utf-8", FILE));
        }
        Ok(active) => return Ok(done(&app, &visit, &form, &active)),
        Err(wrong) => wrong,
    };
    let text = sentence(problem.detail());
    let mut response = page(&app, &visit, &form, Some((&text, at)));
    *response.status_mut() = problem.status();
    Ok(response)
}

/// Does what the form asks for.
async fn activated(
    app: &App,
    source: &Source,
    form: &ActivateForm,
) -> Result<Result<Activated, Wrong>, Problem> {
    let request = match read(form) {
        Ok(request) => request,
        Err((field, text)) => return Ok(Err((Problem::field(field, text), Some(field)))),
    };
    let name = request.name.as_deref().unwrap_or_default();
    let fields = MachineFields {
        fingerprint: &request.fingerprint,
        name,
        product: request.product.as_deref(),
    };
    Ok(match app.engine.activate(request.code.trim(), &source.0, fields).await? {
        Ok(active) => Ok(active),
        Err(UseRefusal::RateLimited(wait)) => Err((Problem::rate_limited(wait.0), None)),
        Err(UseRefusal::Refused(refused)) => {
            let text = words::refused(refused.reason);
            Err((Problem::new(&kind::LICENSE_REFUSED, text), None))
        }
        // Those are of other verbs.
        Err(_) => {
            Err((Problem::field("request", t("this asks for something else")), Some("request")))
        }
    })
}

/// The request that a form holds, or which field is wrong and why.
fn read(form: &ActivateForm) -> Result<ActivationRequest, (&'static str, String)> {
    let name = Line::<0, 100>::read(form.name.trim()).map_err(|wrong| ("name", wrong))?.0;
    let pasted = form.request.trim();
    let (at, request) = if pasted.is_empty() {
        let (code, fingerprint) = (form.code.trim(), form.fingerprint.trim());
        if code.is_empty() && fingerprint.is_empty() {
            return Err((
                "request",
                t("paste what the program wrote, or fill in the form below").into(),
            ));
        }
        if code.is_empty() {
            return Err(("code", t("this is required").into()));
        }
        let request = ActivationRequest {
            code: code.to_owned(),
            fingerprint: fingerprint.to_owned(),
            name: Some(name),
            product: None,
        };
        ("fingerprint", request)
    } else {
        let wrong = t(
            "this is no activation request, or not all of it: copy the whole line that the program wrote",
        );
        ("request", pasted.parse().map_err(|_| ("request", wrong.to_owned()))?)
    };
    if request.code.len() > 4096 {
        return Err((
            if at == "request" { at } else { "code" },
            t("at most 4096 characters").into(),
        ));
    }
    if !(1..=MAX_FINGERPRINT).contains(&request.fingerprint.chars().count()) {
        return Err((
            at,
            text!(
                "the fingerprint of the machine has 1 to {most} characters",
                most = MAX_FINGERPRINT
            ),
        ));
    }
    // What a program calls its machine is looked at as closely as what somebody types.
    let called = request.name.as_deref().unwrap_or_default();
    let called = Line::<0, 100>::read(called).map_err(|wrong| ("request", wrong))?.0;
    Ok(ActivationRequest { name: Some(called), ..request })
}

fn page(
    app: &App,
    visit: &Visit,
    form: &ActivateForm,
    problem: Option<(&str, Option<&'static str>)>,
) -> Response {
    let error = |name: &str| problem.filter(|(_, at)| *at == Some(name)).map(|(text, _)| text);
    let whole = problem.filter(|(_, at)| at.is_none());
    let typed = !form.code.is_empty() || !form.fingerprint.is_empty();
    let main = html! {
        h1 { (t("Activate a machine")) }
        p.lead { (t("For a machine that has no network: bring what its program wrote, and carry the signed answer back.")) }
        @if let Some((text, _)) = whole { (complaint(text)) }
        form.narrow.wider method="post" action="/activate" {
            h2 { (t("With the request of the program")) }
            (Field { name: "request", label: t("Activation request"), kind: "textarea", value: &form.request,
                autocomplete: "off", required: true,
                hint: Some(t("The program shows it, or writes it into a file: one long line of letters and digits.")),
                error: error("request") })
            button type="submit" { (t("Activate")) }
        }
        details open[typed] {
            summary { (t("There is no request: type code and fingerprint")) }
            form.narrow method="post" action="/activate" {
                (Field { name: "code", label: t("Authorization code"), kind: "text", value: &form.code, autocomplete: "off",
                    required: true, hint: Some(t("Either form, as it stands in your library.")), error: error("code") })
                (Field { name: "fingerprint", label: t("Fingerprint of the machine"), kind: "text", value: &form.fingerprint,
                    autocomplete: "off", required: true,
                    hint: Some(t("Exactly as the program shows it. Only its checksum is kept.")), error: error("fingerprint") })
                (Field { name: "name", label: t("What you call the machine"), kind: "text", value: &form.name,
                    autocomplete: "off", required: false, hint: Some(t("Optional. It shows in your library.")),
                    error: error("name") })
                button type="submit" { (t("Activate")) }
            }
        }
        p.hint { (t("Your machine has a network? Then its program does this by itself: give it the code.")) }
    };
    private(app, t("Activate a machine"), visit, &main)
}

fn done(app: &App, visit: &Visit, form: &ActivateForm, active: &Activated) -> Response {
    let license = active.standing.license.id;
    let own = visit
        .member
        .as_ref()
        .is_some_and(|(buyer, _)| buyer.account == active.standing.license.account);
    let fields = [
        ("request", &form.request),
        ("code", &form.code),
        ("fingerprint", &form.fingerprint),
        ("name", &form.name),
    ];
    let main = html! {
        h1 { (t("The machine is active")) }
        (notice(Tone::Good, &html! {
            p role="status" {
                @let until = date(active.until);
                @if active.activation.name.is_empty() { (say!("It may be offline until {until}.", until)) }
                @else { (say!("{machine} may be offline until {until}.", machine = html! { bdi { (active.activation.name) } }, until)) }
            }
        }))
        h2 { (t("Carry this back")) }
        p { (t("It is the signed answer, for this machine and no other. Paste it where the program asks for it.")) }
        code.long #lease { (active.leave) }
        details { summary { (t("Show it as a picture to be scanned")) } (qr(&active.leave, t("The signed answer as a QR code"))) }
        div.choice {
            form method="post" action="/activate" {
                @for (name, value) in fields { @if !value.is_empty() { input type="hidden" name=(name) value=(value); } }
                button type="submit" name="as" value="file" { (t("Save as a file")) }
            }
            (copy("lease", t("Copy")))
            @if own { a.button.second href={ "/library/" (license) } { (t("Show the license")) } }
            @else { a.button.second href="/activate" { (t("Activate another")) } }
        }
    };
    private_with_script(app, t("The machine is active"), visit, &main)
}
