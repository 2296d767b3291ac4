//! Around every page of the console: where one can go, and who one is.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use maud::{Markup, html};
use scrip_domain::restore::FIRST_EPOCH;
use scrip_domain::role::Role;
use scrip_domain::settings::Settings;
use scrip_domain::staff::{Power, StaffRole};

use super::desk::Clerk;
use crate::App;
use crate::language::{Voice, speaking};
use crate::pages::assets::{COPY, logo_now};
use crate::pages::favicon::favicon_now;
use crate::pages::frame::document;
use crate::pages::refused::sentence;
use crate::pages::runs_scripts;
use crate::pages::theme::theme;
use crate::problem::Problem;

/// A part of the console.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// What goes on in the shop.
    Overview,
    /// Orders, and refunds of them.
    Orders,
    /// What is sold.
    Products,
    /// Buyers.
    Accounts,
    /// Money that comes in.
    TopUps,
    /// What gives tokens or takes off prices.
    Vouchers,
    /// Licenses.
    Licenses,
    /// Other vendors.
    Partners,
    /// Who sells for this server's token.
    Merchants,
    /// Where a merchant's buyers have their wallets.
    Provider,
    /// Who is told of events.
    Webhooks,
    /// Files for accountants.
    Export,
    /// What peers told after a restore.
    Restore,
    /// How the shop is set.
    Settings,
    /// API keys and signing keys.
    Keys,
    /// Who works here.
    Staff,
    /// Who did what.
    Audit,
    /// One's own password and second factor; it stands beside one's name.
    Me,
}

/// The sections that have pages, in the order in which they are shown.
const BUILT: &[Section] = &[
    Section::Overview,
    Section::Orders,
    Section::Products,
    Section::Accounts,
    Section::TopUps,
    Section::Vouchers,
    Section::Licenses,
    Section::Partners,
    Section::Merchants,
    Section::Provider,
    Section::Export,
    Section::Webhooks,
    Section::Restore,
    Section::Settings,
    Section::Keys,
    Section::Staff,
    Section::Audit,
];

impl Section {
    /// Its first page, and what it is called.
    const fn entry(self) -> (&'static str, &'static str) {
        match self {
            Self::Overview => ("/admin", "Overview"),
            Self::Orders => ("/admin/orders", "Orders"),
            Self::Products => ("/admin/products", "Products"),
            Self::Accounts => ("/admin/accounts", "Accounts"),
            Self::TopUps => ("/admin/top-ups", "Top-ups"),
            Self::Vouchers => ("/admin/vouchers", "Vouchers and coupons"),
            Self::Licenses => ("/admin/licenses", "Licenses"),
            Self::Partners => ("/admin/partners", "Partners"),
            Self::Merchants => ("/admin/merchants", "Merchants"),
            Self::Provider => ("/admin/provider", "Provider"),
            Self::Webhooks => ("/admin/webhooks", "Webhooks"),
            Self::Export => ("/admin/export", "Exports"),
            Self::Restore => ("/admin/restore", "Restore"),
            Self::Settings => ("/admin/settings", "Settings"),
            Self::Keys => ("/admin/keys", "Keys"),
            Self::Staff => ("/admin/staff", "Staff"),
            Self::Audit => ("/admin/audit", "Audit log"),
            Self::Me => ("/admin/me", "You"),
        }
    }

    /// What one must be able to do to look at it.
    const fn power(self) -> Power {
        match self {
            Self::Settings | Self::Keys | Self::Staff | Self::Webhooks => Power::Settings,
            _ => Power::See,
        }
    }

    /// Whether this server has such a thing.
    fn is_here(self, app: &App) -> bool {
        let roles = app.engine.roles();
        match self {
            Self::Orders | Self::Products | Self::Licenses => roles.sells(),
            // A merchant's buyers have their wallets at its provider.
            Self::TopUps | Self::Vouchers => app.engine.provider().is_none(),
            Self::Partners => roles.may_have_partners(),
            Self::Merchants => roles.has(Role::Provider),
            Self::Provider => roles.has(Role::Merchant),
            // Before the first restore there is nothing to see.
            Self::Restore => app.engine.epoch() > FIRST_EPOCH,
            _ => true,
        }
    }
}

/// A page of the console called `title`, in its section, for this member's eyes: no cache keeps it.
pub fn page(app: &App, clerk: &Clerk, title: &str, section: Section, main: &Markup) -> Response {
    page_headed(app, clerk, title, section, &Markup::default(), main)
}

/// The same with more in its head.
pub fn page_headed(
    app: &App,
    clerk: &Clerk,
    title: &str,
    section: Section,
    head: &Markup,
    main: &Markup,
) -> Response {
    let settings = &clerk.vendor.settings;
    let body = html! {
        header.masthead {
            a.vendor href="/admin" { (mark(settings)) }
            nav aria-label="You" {
                a href="/admin/me" aria-current=[(section == Section::Me).then_some("page")] {
                    span.who { (clerk.member.name) } " "
                    small { (role_name(clerk.member.role)) }
                }
                form method="post" action="/admin/sign-out" { button.plain type="submit" { "Sign out" } }
            }
        }
        div.console {
            (sections(app, clerk, section))
            main #main { h1 { (title) } (main) }
        }
    };
    let head = html! { (heading(Some(settings))) (head) };
    private(&document(&settings.name, title, &head, &body))
}

/// A page on which something is copied, by a script of ours.
pub fn page_with_script(
    app: &App,
    clerk: &Clerk,
    title: &str,
    section: Section,
    main: &Markup,
) -> Response {
    let main = html! { (main) script src=(COPY.now()) defer {} };
    let mut response = page(app, clerk, title, section, &main);
    runs_scripts(&mut response);
    response
}

/// The same for nobody in particular, who is to come in. Without settings nobody knows whose console it is.
pub fn door(settings: Option<&Settings>, title: &str, main: &Markup) -> Response {
    let body = html! {
        header.masthead { p.vendor { @if let Some(settings) = settings { (mark(settings)) } } }
        main #main { h1 { (title) } (main) }
    };
    let shop = settings.map_or("", |settings| &settings.name);
    private(&document(shop, title, &heading(settings), &body))
}

/// The vendor's logo, or its name.
pub fn mark(settings: &Settings) -> Markup {
    html! {
        @match &settings.look.logo {
            Some(logo) => img src=(logo_now(logo)) alt=(settings.name) height="32";,
            None => bdi { (settings.name) },
        }
    }
}

/// What every page of the console has in its head: the vendor's colours, as in the shop.
fn heading(settings: Option<&Settings>) -> Markup {
    let theme = settings.and_then(|settings| settings.look.accent).map(theme);
    html! {
        meta name="robots" content="noindex";
        @if let Some(theme) = &theme { link rel="stylesheet" href=(theme.address); }
        @if let Some(settings) = settings { link rel="icon" type="image/svg+xml" href=(favicon_now(settings)); }
    }
}

/// A page with another status than 200.
pub fn with_status(mut response: Response, problem: &Problem) -> Response {
    // What signs in with a form is not asked by a scheme: 401 would need one.
    *response.status_mut() = match problem.status() {
        StatusCode::UNAUTHORIZED => StatusCode::UNPROCESSABLE_ENTITY,
        status => status,
    };
    response
}

/// What somebody is told whose role does not reach.
pub fn not_yours(app: &App, clerk: &Clerk, power: Power) -> Response {
    let roles: Vec<_> = power.roles().map(|role| role_name(role).to_lowercase()).collect();
    let main = html! {
        p.lead { "Your role here is " (role_name(clerk.member.role).to_lowercase()) ", which does not reach so far." }
        p { "Who may: " (roles.join(", ")) ". An owner can change your role." }
    };
    let mut response = page(app, clerk, "Not for your role", Section::Me, &main);
    *response.status_mut() = StatusCode::FORBIDDEN;
    response
}

/// Dresses every answer of the console.
pub async fn dress(State(app): State<App>, request: Request, next: Next) -> Response {
    let headers = request.headers().clone();
    dressed(&app, &headers, next.run(request)).await
}

/// Tells the time by the vendor's clock, and makes a page of a refusal, for whom these headers name.
pub async fn dressed(
    app: &App,
    headers: &HeaderMap,
    answer: impl Future<Output = Response>,
) -> Response {
    let vendor = app.engine.vendor().await.ok();
    let voice = vendor.map(|vendor| Voice::of(&vendor.settings, None)).unwrap_or_default();
    speaking(voice, async { paged(app, headers, answer.await).await }).await
}

async fn paged(app: &App, headers: &HeaderMap, mut response: Response) -> Response {
    let Some(problem) = response.extensions_mut().remove::<Problem>() else { return response };
    let main = html! {
        p.lead { (sentence(problem.detail())) }
        @for error in problem.errors() { p { code { (error.field) } ": " (error.detail) } }
        p.small { "If you ask for help, name this: " code { (problem.request_id()) } "." }
    };
    let page = match Clerk::of(headers, app).await {
        Ok(Some(clerk)) => page(app, &clerk, problem.title(), Section::Me, &main),
        // Then that may be what the problem is about.
        Ok(None) | Err(_) => door(None, problem.title(), &main),
    };
    let (head, body) = page.into_parts();
    response.headers_mut().remove(header::CONTENT_LENGTH);
    response.headers_mut().extend(head.headers);
    *response.body_mut() = body;
    response
}

/// A role, for people.
pub const fn role_name(role: StaffRole) -> &'static str {
    match role {
        StaffRole::Owner => "Owner",
        StaffRole::Finance => "Finance",
        StaffRole::Catalogue => "Catalogue",
        StaffRole::Support => "Support",
        StaffRole::ReadOnly => "Read only",
    }
}

/// The way to every section that this member may see. On a narrow screen it is folded away.
fn sections(app: &App, clerk: &Clerk, here: Section) -> Markup {
    let shown = BUILT.iter().filter(|one| clerk.may(one.power()) && one.is_here(app));
    let list = html! {
        ul {
            @for section in shown {
                @let (to, name) = section.entry();
                li { a href=(to) aria-current=[(*section == here).then_some("page")] { (name) } }
            }
        }
    };
    // Twice, because nothing folds by itself without a script: each width shows one of them.
    html! {
        details.menu { summary { "Menu" } nav aria-label="Console" { (list) } }
        nav.side aria-label="Console" { (list) }
    }
}

fn private(document: &Markup) -> Response {
    let no_store = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    (no_store, Html(document.0.clone())).into_response()
}
