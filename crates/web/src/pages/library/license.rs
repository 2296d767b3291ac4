//! One license: its codes, what can be downloaded, where it is in use, and what can be done with it.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use maud::{Markup, PreEscaped, html};
use scrip_domain::Timestamp;
use scrip_domain::catalog::File;
use scrip_domain::estimate::{Basis, Pace};
use scrip_domain::license::License;
use scrip_domain::usage::{Activation, Lease};
use scrip_engine::Page;
use scrip_engine::catalog::markdown;
use scrip_engine::code::Code;
use scrip_engine::library::Owned;
use scrip_engine::license::{is_extendable, state_at};
use scrip_engine::update::Opening;
use scrip_license::Reason;

use super::super::look::{Tone, badge, copy, notice};
use super::super::pay::{size_text, span_text};
use super::super::visit::SignedIn;
use super::super::{date, private_with_script, words};
use super::title;
use crate::App;
use crate::extract::IdPath;
use crate::language::{say, spoken, t, text};
use crate::problem::Problem;

pub fn routes() -> Router<App> {
    Router::new().route("/library/{license}", get(show))
}

/// The first page of machines and of leases.
const FIRST: Page = Page { after: None, limit: 100 };

/// Everything that the page of a license shows.
struct Shown {
    owned: Owned,
    codes: Option<Code>,
    releases: Vec<Opening>,
    machines: Vec<Activation>,
    leases: Vec<Lease>,
    /// How many downloads were counted, where they are limited.
    downloads: Option<usize>,
    /// Whether extending it is this server's to sell.
    extendable: bool,
    pace: Pace,
    public_url: String,
    now: Timestamp,
}

/// A license of whoever is signed in. What is somebody else's is not there.
pub async fn own(
    app: &App,
    visit: &SignedIn,
    id: scrip_domain::Id<License>,
) -> Result<Owned, Problem> {
    let license = app.engine.store().license(id).await?;
    let license = license.filter(|license| license.account == visit.buyer.account);
    let license = license.ok_or_else(Problem::not_found)?;
    let product = app.engine.store().product(license.product).await?;
    let product = product.ok_or_else(Problem::not_found)?;
    let standing = app.engine.standing(license).await?;
    Ok(Owned { standing, product })
}

async fn show(
    State(app): State<App>,
    visit: SignedIn,
    IdPath(id): IdPath<License>,
) -> Result<Response, Problem> {
    let owned = own(&app, &visit, id).await?;
    let license = &owned.standing.license;
    let store = app.engine.store();
    let codes = if license.tells_its_code() { Some(app.engine.code(license).await?) } else { None };
    let downloads = match license.limits.downloads {
        Some(_) => Some(store.downloads_of(license.id).await?.len()),
        None => None,
    };
    let shown = Shown {
        codes,
        releases: app.engine.releases_of_license(license).await?,
        machines: store.activations_of(license.id, FIRST).await?,
        leases: store.leases_out(license.id, FIRST).await?,
        downloads,
        extendable: is_extendable(license) && app.engine.provider().is_none(),
        pace: Pace::best(app.engine.measured_speed(visit.buyer.account), None),
        public_url: app.public_url.clone(),
        now: app.engine.now(),
        owned,
    };
    let main = page(&shown);
    Ok(private_with_script(&app, title(&shown.owned.product), &visit.visit, &main))
}

fn page(shown: &Shown) -> Markup {
    let Owned { standing, product } = &shown.owned;
    let (tone, word) = words::standing(&shown.owned, shown.now);
    html! {
        p.trail { a href="/library" { (t("Library")) } }
        h1 { bdi { (title(product)) } }
        p { (badge(tone, word)) " " (words::terms(standing.license.terms)) }
        (told(shown))
        div.beside {
            div {
                @if let Some(codes) = &shown.codes { (code_part(codes, shown)) }
                @let instructions = spoken().map_or(&*product.instructions, |language| product.instructions_in(language));
                @if !instructions.is_empty() && state_at(&standing.license, shown.now) == Reason::Valid {
                    h2 { (t("How you get it")) }
                    // Made harmless where it is made HTML.
                    div.prose { (PreEscaped(markdown::to_html(instructions))) }
                }
                (release_part(shown))
                (machine_part(shown))
                (lease_part(shown))
            }
            aside { (facts(shown)) (acts(shown)) }
        }
    }
}

/// What stands in the way, and what to do about it.
fn told(shown: &Shown) -> Markup {
    let license = &shown.owned.standing.license;
    let extend = format!("/library/{}/extend", license.id);
    let text = match state_at(license, shown.now) {
        Reason::UnknownCode => {
            return notice(
                Tone::Info,
                &html! {
                    p { (say!("Its code is made already, and is here as soon as the provider has confirmed the \
                        delivery. {link}.", link = html! { a href={ "/orders/" (license.order) } { (t("See how the order stands")) } })) }
                },
            );
        }
        Reason::Valid if shown.owned.standing.left() == Some(0) => t("All that it had is used up."),
        Reason::Valid => return Markup::default(),
        reason => words::refused(reason),
    };
    let over = license.is_over();
    html! {
        (notice(if over { Tone::Bad } else { Tone::Warn }, &html! {
            p {
                (text) " "
                @if shown.extendable { (say!("{link}, and the same license goes on.",
                    link = html! { a href=(extend) { (t("Extend it")) } })) }
                @else if over { (say!("Its code opens nothing any more. {link}.",
                    link = html! { a href="/products" { (t("Look at the products")) } })) }
                @else if license.state == scrip_domain::license::LicenseState::Suspended {
                    (say!("Ask the vendor, and name the license: {id}.", id = html! { code { (license.id) } }))
                }
                @else { a href="/products" { (t("Look at the products")) } "." }
            }
        }))
    }
}

fn code_part(codes: &Code, shown: &Shown) -> Markup {
    html! {
        h2 { (t("Authorization code")) }
        p { (t("Give it to the program or service that you bought. Whoever has it can use the license: keep it to yourself.")) }
        div.card.code {
            h3 { (t("Code for typing")) }
            p { code.big #short { (codes.short) } " " (copy("short", t("Copy the code"))) }
            h3 { (t("Signed code")) }
            p.hint { (t("Anybody can verify it with the vendor's public keys, without a network.")) }
            code.long #signed { (codes.jws) }
            p { (copy("signed", t("Copy the signed code"))) }
        }
        details {
            summary { (t("How to use it")) }
            ul {
                li { (t("A program asks for it at its start: paste either form.")) }
                li { (say!("On the command line, {code} downloads the files and verifies them.",
                    code = html! { code { "scrip get " (codes.short) " --server " (shown.public_url) } })) }
                li { (say!("A machine without a network: {link}.", link = html! { a href="/activate" { (t("activate it from here")) } })) }
                li { (say!("The public keys are at {link}, and any library for JOSE verifies the signed form.",
                    link = html! { a href="/.well-known/jwks.json" { code { "/.well-known/jwks.json" } } })) }
            }
        }
    }
}

fn release_part(shown: &Shown) -> Markup {
    let Some((newest, others)) = shown.releases.split_first() else { return Markup::default() };
    let limit = shown.owned.standing.license.limits.downloads;
    html! {
        h2 { (t("Files")) }
        @if let (Some(limit), Some(used)) = (limit, shown.downloads) {
            p { (say!("{used} of {limit} downloads are used. The same file again within 24 hours is free.",
                used, limit)) }
        }
        (release(newest, shown))
        @if !others.is_empty() {
            details {
                summary { (say!("Other versions that you may download ({others})", others = others.len())) }
                @for opening in others { (release(opening, shown)) }
            }
        }
        p.hint {
            (say!("Times are for {mbps} Mbit/s,", mbps = shown.pace.speed.mbps())) " "
            @match shown.pace.basis {
                Basis::Measured => (t("as your last downloads had.")),
                Basis::Hint | Basis::Reference => (t("a usual connection."))
            }
        }
    }
}

fn release(opening: &Opening, shown: &Shown) -> Markup {
    let Opening { release, files, sold } = opening;
    html! {
        h3 {
            (say!("Version {version}", version = html! { bdi { (release.version) } }))
            @if *sold { " " (badge(Tone::Info, t("as you bought it"))) }
            @if release.channel != "stable" { " " (badge(Tone::Warn, &release.channel)) }
        }
        @if let Some(at) = release.published_at { p.hint { (say!("Published {date}", date = date(at))) } }
        ul.files aria-label=(text!("Files of version {version}", version = release.version)) {
            @for file in files { (file_line(file, shown)) }
        }
        @if !release.notes.is_empty() {
            details { summary { (t("What is new")) } div.prose { (PreEscaped(markdown::to_html(&release.notes))) } }
        }
        details {
            summary { (t("Checksums (SHA-256)")) }
            dl.facts { @for file in files { dt { bdi { (file.name) } } dd { code { (file.sha256) } } } }
        }
    }
}

fn file_line(file: &File, shown: &Shown) -> Markup {
    let to = format!("/library/{}/files/{}", shown.owned.standing.license.id, file.id);
    let span = span_text(shown.pace.speed.seconds_for(file.size));
    html! {
        li {
            a.name href=(to) download { bdi { (file.name) } }
            span.small {
                (say!("{size}, about {span}", size = size_text(file.size), span))
                @if !file.platform.is_empty() { (say!(", for {platform}", platform = html! { bdi { (file.platform) } })) }
            }
        }
    }
}

fn machine_part(shown: &Shown) -> Markup {
    let standing = &shown.owned.standing;
    let limit = standing.license.limits.machines;
    if shown.machines.is_empty() && limit.is_none() {
        return Markup::default();
    }
    html! {
        h2 { (t("Machines")) }
        p {
            @match limit {
                Some(limit) => { (say!("{machines} of {limit} in use.", machines = standing.usage.machines, limit)) }
                None => { (say!("{machines} in use.", machines = standing.usage.machines)) }
            }
            @if shown.machines.is_empty() {
                " " (say!("A machine becomes active when the program there is given the code, or {link} when it has \
                    no network.", link = html! { a href="/activate" { (t("from here")) } }))
            }
        }
        @if !shown.machines.is_empty() {
            div.wide tabindex="0" role="group" aria-label=(t("Table")) { table {
                caption.unseen { (t("Active machines")) }
                thead { tr {
                    th scope="col" { (t("Machine")) } th scope="col" { (t("Active since")) } th scope="col" { (t("May be offline until")) }
                    th scope="col" { span.unseen { (t("Deactivate")) } }
                } }
                tbody { @for machine in &shown.machines { (machine_row(machine, shown)) } }
            } }
        }
    }
}

/// What a machine is called; its fingerprint, shortened, where it has no name.
pub fn machine_name(machine: &Activation) -> String {
    let fingerprint: String = machine.machine.to_string().chars().take(8).collect();
    if machine.name.trim().is_empty() { fingerprint } else { machine.name.clone() }
}

fn machine_row(machine: &Activation, shown: &Shown) -> Markup {
    let license = shown.owned.standing.license.id;
    let fingerprint: String = machine.machine.to_string().chars().take(8).collect();
    html! {
        tr {
            td { bdi { (machine_name(machine)) } br; code.hint.one-line { (fingerprint) } }
            td { (date(machine.activated_at)) }
            td { (date(machine.offline_until)) }
            td { a href={ "/library/" (license) "/machines/" (machine.id) } {
                (t("Deactivate")) span.unseen { " " (machine_name(machine)) }
            } }
        }
    }
}

fn lease_part(shown: &Shown) -> Markup {
    if shown.leases.is_empty() {
        return Markup::default();
    }
    let terms = shown.owned.standing.license.terms;
    html! {
        h2 { (t("Set apart for working offline")) }
        p { (t("A program that works offline takes some along. What it did not use comes back when it returns them.")) }
        div.wide tabindex="0" role="group" aria-label=(t("Table")) { table {
            caption.unseen { (t("Leases")) }
            thead { tr {
                th scope="col" { (t("Taken")) } th scope="col" { (t("How many")) } th scope="col" { (t("Good until")) }
            } }
            tbody { @for lease in &shown.leases {
                tr {
                    td { (date(lease.at)) }
                    td { @if lease.units > 0 { (lease.units) " " (words::units(terms, lease.units)) } @else { (t("only the time")) } }
                    td { (date(lease.expires_at)) @if lease.expires_at <= shown.now { " " (badge(Tone::Warn, t("over"))) } }
                }
            } }
        } }
    }
}

fn facts(shown: &Shown) -> Markup {
    let standing = &shown.owned.standing;
    let license = &standing.license;
    let limits = words::limits(license.limits);
    html! {
        div.card {
            h2 { (t("License")) }
            dl.facts {
                @if let Some(until) = license.expires_at {
                    dt { @if until > shown.now { (t("Until")) } @else { (t("Ended")) } } dd { (date(until)) }
                } @else if matches!(license.terms, scrip_license::Terms::Rental { .. }) {
                    dt { (t("Begins")) } dd { (t("with its first use")) }
                }
                @if let Some(left) = standing.left() {
                    dt { (t("Left")) } dd { (left) " " (words::units(license.terms, left)) }
                    dt { (t("Used")) } dd { (standing.usage.used) }
                }
                @if !limits.is_empty() { dt { (t("Good")) } dd { (limits.join(", ")) } }
                dt { (t("Issued")) } dd { (date(license.issued_at)) @if license.issue > 1 { " " (say!("(issue {issue})",
                    issue = license.issue)) } }
                dt { (t("Order")) } dd { a href={ "/orders/" (license.order) } { (license.order) } }
                dt { (t("Receipt")) } dd { a href={ "/orders/" (license.order) "/receipt" } { (t("Show and print")) } }
                dt { (t("Name")) } dd { code { (license.id) } }
            }
        }
    }
}

fn acts(shown: &Shown) -> Markup {
    let license = &shown.owned.standing.license;
    let here = format!("/library/{}", license.id);
    html! {
        @if shown.extendable { p { a.button.whole href={ (here) "/extend" } { (t("Extend")) } } }
        @if state_at(license, shown.now) == Reason::Valid {
            p { a.button.second.whole href={ (here) "/reissue" } { (t("Get a new code")) } }
        }
        @if !license.is_over() {
            p { a href={ "/orders/" (license.order) "/refund/" (license.line) } { (t("Ask for a refund")) } }
        }
    }
}
