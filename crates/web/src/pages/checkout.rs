//! The checkout: from a selection to an order that was confirmed.
//!
//! ```text
//! cart, /buy ──POST /checkout──▶ draft ──▶ /checkout/{order} ──confirm──▶ /orders/{id}
//!                 │      ▲                     │                            ▲
//!                 ▼      │ GET, same key       ├─cancel──▶ /cart            │
//!       sign in, complete, add funds           └─expired──▶ POST again      │
//!                        └──at a merchant: the provider ──/return───────────┘
//! ```
//! Who is sent away to sign in, to complete the account or to add funds comes back to `GET /checkout` with the key of the
//! form that was sent, and it goes on by itself: the same key opens the same draft, however often. What comes from another
//! site, or without a key, is asked first, unless this very browser was on its way there: a bank and a provider are other
//! sites too. A draft holds its prices; nothing is charged before it is confirmed.

mod buy;
pub mod stop;
mod summary;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use maud::{Markup, html};
use scrip_domain::Id;
use scrip_domain::gate::GateRefusal;
use scrip_domain::order::{Line, Order, OrderState};
use scrip_domain::request::Request;
use scrip_engine::Fault;
use scrip_engine::checkout::Holder;
use scrip_engine::checkout::draft::Selecting;
use scrip_engine::purchase::{Answered, PurchaseRefusal};
use scrip_engine::selection::{Choice, Selection};
use serde::Deserialize;

use self::stop::{Ahead, Stop};
use super::form::{Form, Nothing};
use super::orders::in_their_words;
use super::visit::{Local, SignedIn, Visit};
use super::{chance, leads_to, page, private};
use crate::App;
use crate::caller::AtSeller;
use crate::extract::{IdPath, Query, Source};
use crate::language::{key, reader, t};
use crate::problem::Problem;
use crate::request_id;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/checkout", get(go_on).post(begin))
        .route("/checkout/{order}", get(show).post(confirm))
        .route("/checkout/{order}/cancel", post(cancel))
        .route("/buy/{offer}", get(buy::show))
}

/// What is to be bought: one offer, what an order has, or else the cart; and how.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Wanted {
    /// Chance: the same form sent twice, or gone on with, opens one draft.
    pub key: String,
    /// An offer, in place of the cart.
    pub offer: String,
    /// How many of it.
    pub quantity: String,
    /// A coupon for it.
    pub coupon: String,
    /// A license of the buyer's that it adds to.
    pub license: String,
    /// An order whose selection is wanted once more.
    pub order: String,
    /// Not empty: also what is owned already.
    pub again: String,
    /// Not empty: without the coupon.
    pub without: String,
}

impl Wanted {
    /// What is in the cart.
    pub fn cart(key: String) -> Self {
        Self { key, ..Self::default() }
    }

    /// What `order` has, once more.
    pub fn like(order: Id<Order>, key: String) -> Self {
        Self { key, order: order.to_string(), ..Self::default() }
    }

    /// The same by who wants it although they have it already.
    pub fn insisting(self) -> Self {
        Self { again: "yes".to_owned(), ..self }
    }

    fn fields(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let all = [
            ("key", &self.key),
            ("offer", &self.offer),
            ("quantity", &self.quantity),
            ("coupon", &self.coupon),
            ("license", &self.license),
            ("order", &self.order),
            ("again", &self.again),
            ("without", &self.without),
        ];
        all.into_iter().map(|(name, value)| (name, value.as_str())).filter(|one| !one.1.is_empty())
    }

    /// The same in a form.
    pub fn hidden(&self) -> Markup {
        html! { @for (name, value) in self.fields() { input type="hidden" name=(name) value=(value); } }
    }

    /// Where it is gone on with.
    pub fn address(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        format!("/checkout?{}", query.extend_pairs(self.fields()).finish())
    }

    /// The same, to come next after another page.
    pub fn local(&self) -> Local {
        Local::new(&self.address()).or_else(|| Local::new("/cart")).unwrap_or_default()
    }

    /// The request that it is: a cart that was changed since is another one.
    fn request(&self, step: &str, selection: &Selection, from: &str) -> Request {
        let what = serde_json::to_string(selection).unwrap_or_default();
        let again = if self.again.is_empty() { "once" } else { "again" };
        let key = format!("page {step} {} {from} {again} {what}", self.key);
        Request::new(&key, key.as_bytes(), request_id::current())
    }

    /// As one chosen offer; `None` when it names none.
    fn choice(&self) -> Result<Option<Choice>, Problem> {
        if self.offer.is_empty() {
            return Ok(None);
        }
        let no_offer = |_| Problem::field("offer", t("this is no offer's id"));
        let no_license = |_| Problem::field("license", t("this is no license's id"));
        let extends = Some(self.license.as_str()).filter(|license| !license.is_empty());
        Ok(Some(Choice {
            offer: self.offer.parse().map_err(no_offer)?,
            quantity: self.units().ok_or_else(|| Problem::field("quantity", t(UNITS)))?,
            extends: extends.map(str::parse).transpose().map_err(no_license)?,
        }))
    }

    fn units(&self) -> Option<u32> {
        if self.quantity.is_empty() {
            return Some(1);
        }
        self.quantity.trim().parse().ok().filter(|units| (1..=100).contains(units))
    }
}

const UNITS: &str = key("a whole number from 1 to 100");

/// A merchant's pages whose forms lead to its provider say so.
pub fn pays_elsewhere(app: &App, response: &mut Response) {
    if let Some(provider) = app.engine.provider() {
        leads_to(response, provider.url());
    }
}

async fn begin(
    _: AtSeller,
    State(app): State<App>,
    visit: Visit,
    source: Source,
    Form(wanted): Form<Wanted>,
) -> Result<Response, Problem> {
    if wanted.key.is_empty() {
        return Ok(ask(&app, &visit, &wanted));
    }
    open(&app, &visit, &source, wanted).await
}

async fn go_on(
    _: AtSeller,
    State(app): State<App>,
    visit: Visit,
    source: Source,
    headers: HeaderMap,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Problem> {
    let key = &wanted.key;
    let site = headers.get("sec-fetch-site").and_then(|site| site.to_str().ok());
    let from_elsewhere = site.is_some_and(|site| site == "cross-site" || site == "same-site");
    if key.is_empty() || from_elsewhere && !visit.goes(key) {
        return Ok(ask(&app, &visit, &wanted));
    }
    open(&app, &visit, &source, wanted).await
}

/// Opens nothing before a button is pressed here.
fn ask(app: &App, visit: &Visit, wanted: &Wanted) -> Response {
    if wanted.offer.is_empty() && wanted.order.is_empty() && visit.cart.lines().is_empty() {
        return Redirect::to("/cart").into_response();
    }
    let wanted = Wanted { key: chance(app), ..wanted.clone() };
    let main = html! {
        h1 { (t("Go on to the checkout")) }
        p.lead { (t("You see what you are about to buy, and confirm it there. Nothing is charged before that.")) }
        form.choice method="post" action="/checkout" {
            (wanted.hidden())
            button type="submit" { (t("Go on")) }
            a.button.second href="/cart" { (t("Look at the cart")) }
        }
    };
    let mut response = private(app, t("Checkout"), visit, &main);
    pays_elsewhere(app, &mut response);
    response
}

/// Opens the draft, or says what stands in the way.
async fn open(
    app: &App,
    visit: &Visit,
    source: &Source,
    wanted: Wanted,
) -> Result<Response, Problem> {
    let Some(selection) = selection(app, visit, &wanted).await? else {
        return Ok(Redirect::to("/cart").into_response());
    };
    let buyer = visit.member.as_ref().map(|(buyer, _)| *buyer);
    let opened = if app.engine.provider().is_some() {
        at_merchant(app, visit, source, &wanted, &selection).await?
    } else if let Some(buyer) = buyer {
        let request = wanted.request("checkout", &selection, "");
        let again = !wanted.again.is_empty();
        let draft = app.engine.draft(buyer, &selection, None, again, &source.0, request).await?;
        draft.map(|(Answered::First(drafted) | Answered::Replayed(drafted))| {
            Redirect::to(&format!("/checkout/{}", drafted.order.id)).into_response()
        })
    } else {
        let fields = visit.vendor.settings.registration.clone();
        Err(PurchaseRefusal::Gate(GateRefusal::AccountRequired(fields)))
    };
    match opened {
        Ok(response) => Ok(response),
        Err(refusal) => {
            let titles = titles(app, visit, &selection).await?;
            let ahead = Ahead { next: wanted.local(), wanted, titles };
            let mut response = Stop::new(app, visit, &refusal, &ahead).page(app, visit);
            remember(&mut response, visit, &ahead.wanted);
            Ok(response)
        }
    }
}

/// The browser may be led past other sites, and then goes on where `wanted` leads.
pub fn remember(response: &mut Response, visit: &Visit, wanted: &Wanted) {
    let fits = wanted.key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    if fits && (1..=64).contains(&wanted.key.len()) {
        let cookie = Visit::go(&visit.vendor, &wanted.key);
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
}

/// Orders at a merchant, of a visitor too, and sends the buyer to the provider, who asks whether to pay.
async fn at_merchant(
    app: &App,
    visit: &Visit,
    source: &Source,
    wanted: &Wanted,
    selection: &Selection,
) -> Result<Result<Response, PurchaseRefusal>, Problem> {
    let buyer = visit.member.as_ref().map(|(buyer, _)| *buyer);
    // A visitor's key counts with where it came from.
    let from = if buyer.is_some() { "" } else { &source.0 };
    let request = wanted.request("checkout", selection, from);
    let who = match buyer {
        Some(buyer) => Selecting::Buyer(buyer, request),
        None => Selecting::Visitor(request),
    };
    let again = !wanted.again.is_empty();
    let order = match app.engine.draft_at_merchant(who, selection, None, again).await? {
        Ok(Answered::First(drafted) | Answered::Replayed(drafted)) => drafted.order.id,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let holder = buyer.map_or(Holder::Token, Holder::Buyer);
    let request = wanted.request("pay", selection, from);
    // Who comes back to an order that is over goes where it is shown.
    let here = format!("/orders/{order}");
    let url = match app.engine.begin_checkout(holder, order, &source.0, request).await {
        Ok(Ok(Answered::First(at) | Answered::Replayed(at))) => at.checkout.url.unwrap_or(here),
        Ok(Err(PurchaseRefusal::NotDraft(_) | PurchaseRefusal::Expired)) => here,
        Ok(Err(refusal)) => return Ok(Err(refusal)),
        Err(Fault::Busy | Fault::Away) => return Ok(Ok(later(app, wanted).await?)),
        Err(fault) => return Err(fault.into()),
    };
    let mut response = ([(header::CACHE_CONTROL, "no-store")], Redirect::to(&url)).into_response();
    response.headers_mut().append(header::SET_COOKIE, visit.pay(order));
    leads_to(&mut response, &url);
    Ok(Ok(response))
}

/// The provider does not answer just now: the page asks again by itself.
async fn later(app: &App, wanted: &Wanted) -> Result<Response, Problem> {
    let address = wanted.address();
    let main = html! {
        h1 { (t("One moment")) }
        p.lead role="status" { (t("The provider does not answer just now. This page asks again by itself, and nothing \
            is ordered twice.")) }
        p.choice { a.button href=(address) { (t("Ask again")) } a.button.second href="/cart" { (t("Back to the cart")) } }
    };
    let mut response = page(app, t("One moment"), &main).await?.into_response();
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(again) = HeaderValue::try_from(format!("3; url={address}")) {
        headers.insert(header::REFRESH, again);
    }
    pays_elsewhere(app, &mut response);
    Ok(response)
}

/// What is wanted, as the engine reads it; `None` when that is an empty cart.
async fn selection(
    app: &App,
    visit: &Visit,
    wanted: &Wanted,
) -> Result<Option<Selection>, Problem> {
    let (selection, coupon) = if let Some(choice) = wanted.choice()? {
        let coupon = Some(wanted.coupon.clone()).filter(|coupon| !coupon.trim().is_empty());
        (Selection::new(vec![choice])?, coupon)
    } else if wanted.order.is_empty() {
        if visit.cart.lines().is_empty() {
            return Ok(None);
        }
        (visit.cart.selection()?, visit.cart.coupon().map(str::to_owned))
    } else {
        let order = wanted.order.parse().map_err(|_| Problem::not_found())?;
        let (order, lines) = own(app, visit, order).await?;
        (Selection::new(choices(&lines))?, order.coupon.map(|coupon| coupon.code))
    };
    Ok(Some(match coupon.filter(|_| wanted.without.is_empty()) {
        Some(coupon) => selection.with_coupon(coupon),
        None => selection,
    }))
}

/// What was chosen to become these lines: a bundle is one choice, and many lines.
pub fn choices(lines: &[Line]) -> Vec<Choice> {
    let mut choices: Vec<Choice> = Vec::with_capacity(lines.len());
    for line in lines {
        let offer = line.bundle.unwrap_or(line.offer);
        if line.bundle.is_some() && choices.iter().any(|choice| choice.offer == offer) {
            continue;
        }
        choices.push(Choice { offer, quantity: line.quantity, extends: line.extends });
    }
    choices
}

/// What the choices are called, for who looks.
async fn titles(app: &App, visit: &Visit, selection: &Selection) -> Result<Vec<String>, Problem> {
    let member = visit.member.as_ref().map(|(_, member)| member);
    let language = reader(&visit.vendor.settings);
    let mut titles = Vec::with_capacity(selection.choices().len());
    for choice in selection.choices() {
        let shown = app.engine.show_offer(member, choice.offer, language).await?;
        let shown = shown.ok().flatten();
        let title = shown
            .as_ref()
            .and_then(scrip_engine::catalog::view::Shown::view)
            .map(|view| view.title.to_owned());
        titles.push(title.unwrap_or_else(|| t("Something that you chose").to_owned()));
    }
    Ok(titles)
}

/// An order of whoever is signed in, and its lines. What is somebody else's is not there.
pub async fn own(
    app: &App,
    visit: &Visit,
    order: Id<Order>,
) -> Result<(Order, Vec<Line>), Problem> {
    let order = app.engine.store().order(order).await?;
    let buyer = visit.member.as_ref().map(|(buyer, _)| *buyer);
    let own = order.filter(|order| buyer.is_some_and(|buyer| order.is_of(buyer.account)));
    let own = own.ok_or_else(Problem::not_found)?;
    let lines = app.engine.store().order_lines(own.id).await?;
    Ok((own, lines))
}

/// Whether an order can still be confirmed.
pub fn is_open(app: &App, order: &Order) -> bool {
    let now = app.engine.now();
    matches!(order.state, OrderState::Draft | OrderState::Declined) && now < order.expires_at
}

async fn show(
    _: AtSeller,
    State(app): State<App>,
    SignedIn { visit, member, .. }: SignedIn,
    IdPath(order): IdPath<Order>,
) -> Result<Response, Problem> {
    let (order, lines) = own(&app, &visit, order).await?;
    let lines = in_their_words(&app, &visit, lines).await?;
    if app.engine.provider().is_some() {
        return Ok(Redirect::to(&format!("/orders/{}", order.id)).into_response());
    }
    let (title, main) = match order.state_at(app.engine.now()) {
        OrderState::Draft | OrderState::Declined if is_open(&app, &order) => {
            let cards = app.engine.payment_methods(member.account.id).await?;
            (t("Confirm your order"), summary::page(&visit, &member, &cards, &order, &lines))
        }
        OrderState::Draft | OrderState::Declined | OrderState::Expired => {
            (t("This took too long"), summary::over(&visit, &order, &lines, chance(&app)))
        }
        OrderState::Cancelled => {
            (t("You gave this up"), summary::over(&visit, &order, &lines, chance(&app)))
        }
        _ => return Ok(Redirect::to(&format!("/orders/{}", order.id)).into_response()),
    };
    Ok(private(&app, title, &visit, &main))
}

/// Pays. Two clicks are one payment: both have the key of the order and of how often it was declined.
async fn confirm(
    _: AtSeller,
    State(app): State<App>,
    visit: Visit,
    IdPath(id): IdPath<Order>,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Response, Problem> {
    let Some((buyer, _)) = visit.member else { return Ok(signed_out(id)) };
    let (order, lines) = own(&app, &visit, id).await?;
    let shown = format!("/orders/{id}");
    if app.engine.provider().is_some() {
        return Ok(Redirect::to(&shown).into_response());
    }
    let tries = order.checks.iter().filter(|check| check.request.is_some()).count();
    let key = format!("page {id} {tries}");
    let request = Request::new(&key, key.as_bytes(), request_id::current());
    match app.engine.confirm(buyer, id, request).await? {
        Ok(_) => {
            let mut cart = visit.cart.clone();
            for choice in choices(&lines) {
                cart.take(choice.offer, choice.quantity);
            }
            let cookie = Visit::carry(&visit.vendor, &cart);
            Ok(([(header::SET_COOKIE, cookie)], Redirect::to(&shown)).into_response())
        }
        // On record, and told there.
        Err(PurchaseRefusal::Declined { .. }) => Ok(Redirect::to(&shown).into_response()),
        Err(PurchaseRefusal::NotDraft(state)) if state.is_paid() => {
            Ok(Redirect::to(&shown).into_response())
        }
        Err(PurchaseRefusal::NotDraft(_) | PurchaseRefusal::Expired) => {
            Ok(Redirect::to(&format!("/checkout/{id}")).into_response())
        }
        Err(refusal) => {
            let next = Local::new(&format!("/checkout/{id}")).unwrap_or_default();
            let lines = in_their_words(&app, &visit, lines).await?;
            let titles = lines.into_iter().map(|line| line.title).collect();
            let ahead = Ahead { next, wanted: Wanted::like(id, chance(&app)), titles };
            Ok(Stop::new(&app, &visit, &refusal, &ahead).page(&app, &visit))
        }
    }
}

/// Who was signed out meanwhile comes back to the summary.
fn signed_out(order: Id<Order>) -> Response {
    let next = Local::new(&format!("/checkout/{order}")).unwrap_or_default();
    Redirect::to(&next.after("/sign-in")).into_response()
}

async fn cancel(
    _: AtSeller,
    State(app): State<App>,
    visit: Visit,
    IdPath(id): IdPath<Order>,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Response, Problem> {
    let Some((buyer, _)) = visit.member else { return Ok(signed_out(id)) };
    let (order, _) = own(&app, &visit, id).await?;
    if app.engine.provider().is_some() {
        // Whatever becomes of it, the order's page tells.
        let _told = app.engine.cancel_checkout(Holder::Buyer(buyer), id).await?;
        return Ok(Redirect::to(&format!("/orders/{}", order.id)).into_response());
    }
    let cancelled = app.engine.cancel(buyer, id).await?;
    let to = match cancelled {
        Ok(_) => "/cart".to_owned(),
        Err(_) => format!("/checkout/{id}"),
    };
    Ok(Redirect::to(&to).into_response())
}
