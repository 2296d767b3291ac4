//! The page of the cart: what was chosen, what it costs together, and what stands in the way of buying it.
//!
//! Each form changes the cookie and comes back to the page; nothing is reserved, and no price is held before the checkout.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use http::{StatusCode, header};
use maud::{Markup, html};
use scrip_domain::catalog::Offer;
use scrip_domain::settings::Token;
use scrip_domain::{Amount, Id};
use scrip_engine::catalog::view::Shown;
use scrip_engine::memory::Member;
use scrip_engine::purchase::PurchaseRefusal;
use scrip_engine::quote::Quote;
use scrip_engine::selection::{Choice, Selection};
use scrip_license::Terms;
use serde::Deserialize;

use super::Cart;
use crate::App;
use crate::caller::AtSeller;
use crate::extract::Source;
use crate::language::{key, reader, say, t, text};
use crate::money::MoneyOut;
use crate::pages::checkout::stop::{Ahead, Stop};
use crate::pages::checkout::{Wanted, pays_elsewhere, remember};
use crate::pages::form::{Field, Form};
use crate::pages::look::{Tone, blank, notice, price, steps};
use crate::pages::top_up;
use crate::pages::visit::Visit;
use crate::pages::words::{refund_policy, terms};
use crate::pages::{chance, private};
use crate::problem::{Problem, kind};

pub fn routes() -> Router<App> {
    Router::new()
        .route("/cart", get(show).post(add))
        .route("/cart/lines", post(set))
        .route("/cart/coupon", post(set_coupon))
}

const TOO_MUCH: &str = key(
    "An order holds at most 50 different things and 100 units in all. Buy what is here first, or take \
    something out.",
);

/// What an offer in the cart sells, as far as who looks may see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Row {
    /// This.
    Seen {
        /// The product's title.
        title: String,
        /// Its name in addresses.
        slug: String,
        /// What the buyer may do.
        terms: Terms,
        /// How many others come with it, in a bundle.
        parts: usize,
        /// What one unit costs, where that is shown.
        price: Option<Amount>,
        /// Whether who looks has it for good, so that the checkout will ask whether they want it once more.
        owned: bool,
    },
    /// It is not for sale, or not shown to who looks.
    Gone,
    /// The shop shows nothing to who looks.
    Shut,
}

impl Row {
    async fn new(
        app: &App,
        member: Option<&Member>,
        shown: &Shown,
        offer: Id<Offer>,
    ) -> Result<Self, Problem> {
        let view = shown.view();
        let sold = view.as_ref().and_then(|view| view.offers.iter().find(|one| one.id == offer));
        let (Some(view), Some(sold)) = (&view, sold) else { return Ok(Self::Gone) };
        let owned = match member {
            Some(member) if sold.terms == Terms::Perpetual => {
                app.engine.store().owns_for_good(member.account.id, view.id).await?
            }
            Some(_) | None => false,
        };
        Ok(Self::Seen {
            title: view.title.to_owned(),
            slug: view.slug.to_owned(),
            terms: sold.terms,
            parts: view.contents.iter().find(|of| of.offer == offer).map_or(0, |of| of.items.len()),
            price: sold.price,
            owned,
        })
    }

    /// A word to who has it already, before they add funds for it.
    pub fn had(&self) -> Markup {
        let library = html! { a href="/library" { (t("your library")) } };
        html! {
            @if let Self::Seen { owned: true, .. } = self {
                p.small { (say!("You have this already: it is in {link}.", link = library)) }
            }
        }
    }

    /// What to call it.
    pub fn title(&self) -> &str {
        match self {
            Self::Seen { title, .. } => title,
            Self::Gone => t("Something that is no longer for sale"),
            Self::Shut => t("Something that you chose before"),
        }
    }
}

/// What is in a cart, and what it costs for who looks.
#[derive(Debug)]
pub struct Contents {
    /// A row for each line of the cart.
    pub rows: Vec<Row>,
    /// What all of it costs, or why that is not told.
    pub quote: Result<Quote, PurchaseRefusal>,
    /// Whether its coupon does not open: then the quote is without it.
    pub refused_coupon: bool,
    /// In how many seconds its coupon can be tried, after too many tries: until then the quote is without it.
    pub coupon_waits: Option<u64>,
}

impl Contents {
    /// Of a cart that is not empty.
    pub async fn of(
        app: &App,
        visit: &Visit,
        source: &Source,
        cart: &Cart,
    ) -> Result<Self, Problem> {
        let member = visit.member.as_ref().map(|(_, member)| member);
        let offers: Vec<_> = cart.lines().iter().map(|(offer, _)| *offer).collect();
        let shown = app.engine.show_offers(member, &offers, reader(&visit.vendor.settings)).await?;
        let mut rows = Vec::with_capacity(offers.len());
        for (offer, shown) in offers.iter().zip(&shown) {
            rows.push(match shown {
                Ok(Some(shown)) => Row::new(app, member, shown, *offer).await?,
                Ok(None) => Row::Gone,
                Err(_) => Row::Shut,
            });
        }
        let plain = cart.selection()?;
        let whole = match cart.coupon() {
            Some(coupon) => plain.clone().with_coupon(coupon.to_owned()),
            None => plain.clone(),
        };
        let quote = app.engine.quote(member, &whole, &source.0).await?;
        let refused_coupon = quote == Err(PurchaseRefusal::CouponRefused);
        let coupon_waits = match &quote {
            Err(PurchaseRefusal::RateLimited(wait)) => Some(wait.0),
            _ => None,
        };
        let quote = if refused_coupon || coupon_waits.is_some() {
            app.engine.quote(member, &plain, &source.0).await?
        } else {
            quote
        };
        Ok(Self { rows, quote, refused_coupon, coupon_waits })
    }

    /// What each line is called.
    pub fn titles(&self) -> Vec<String> {
        self.rows.iter().map(|row| row.title().to_owned()).collect()
    }
}

/// What one unit of an offer costs, and all that were chosen, before any coupon. A bundle is quoted by its parts.
fn amounts(quote: &Quote, offer: Id<Offer>) -> Option<(Amount, Amount)> {
    let lines = quote.lines.iter();
    let of = lines.filter(|line| line.bundle.unwrap_or(line.offer) == offer);
    let mut sums = (Amount::ZERO, Amount::ZERO);
    for line in of {
        sums = (sums.0.checked_add(line.price)?, sums.1.checked_add(line.list_total()?)?);
    }
    Some(sums)
}

impl Cart {
    /// The same as the engine reads it, without the coupon.
    pub fn selection(&self) -> Result<Selection, Problem> {
        let choice = |(offer, quantity): &(Id<Offer>, u32)| Choice {
            offer: *offer,
            quantity: *quantity,
            extends: None,
        };
        Ok(Selection::new(self.lines().iter().map(choice).collect())?)
    }
}

/// What is wrong with what was sent, beside the form that sent it.
#[derive(Debug, Default)]
struct Wrong {
    status: StatusCode,
    /// Of the cart as a whole.
    all: Option<String>,
    /// The line, what was typed, and what is wrong with it.
    line: Option<(Id<Offer>, String, &'static str)>,
    /// What was typed, and what is wrong with it.
    coupon: Option<(String, String)>,
}

async fn show(
    _: AtSeller,
    State(app): State<App>,
    visit: Visit,
    source: Source,
) -> Result<Response, Problem> {
    page(&app, &visit, &source, &Wrong::default()).await
}

#[derive(Debug, Deserialize)]
struct AddForm {
    offer: String,
    #[serde(default)]
    quantity: Option<String>,
    #[serde(default)]
    coupon: String,
    /// `cart`, or `checkout` to go on there at once.
    #[serde(default)]
    then: String,
}

async fn add(
    _: AtSeller,
    State(app): State<App>,
    visit: Visit,
    source: Source,
    Form(form): Form<AddForm>,
) -> Result<Response, Problem> {
    let offer = named(&form.offer)?;
    let Some(units) = units(form.quantity.as_deref().unwrap_or("1")).filter(|units| *units > 0)
    else {
        return Err(Problem::field("quantity", t("a whole number from 1 to 100")));
    };
    let member = visit.member.as_ref().map(|(_, member)| member);
    // What a shut shop sells it tells later, when it has opened.
    let language = reader(&visit.vendor.settings);
    if let Ok(None) = app.engine.show_offer(member, offer, language).await? {
        let detail = t("this is not for sale, or no longer: look what there is today");
        return Err(Problem::new(&kind::NOT_FOR_SALE, detail));
    }
    let coupon = if app.engine.provider().is_none() { form.coupon.trim() } else { "" };
    if form.then == "checkout" {
        // This alone: what waits in the cart is not bought along with it, nor this twice by who came back and pressed again.
        let (offer, quantity) = (offer.to_string(), units.to_string());
        let coupon = coupon.to_owned();
        let wanted = Wanted { key: chance(&app), offer, quantity, coupon, ..Wanted::default() };
        let mut response = Redirect::to(&wanted.address()).into_response();
        pays_elsewhere(&app, &mut response);
        return Ok(response);
    }
    let mut cart = visit.cart.clone();
    if !cart.add(offer, units) {
        let wrong = Wrong {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            all: Some(text!("This was not added. {too_much}", too_much = t(TOO_MUCH))),
            ..Wrong::default()
        };
        return page(&app, &visit, &source, &wrong).await;
    }
    if !coupon.is_empty() {
        cart.set_coupon(Some(coupon));
    }
    Ok(kept(&app, &visit, &cart, "/cart"))
}

fn named(offer: &str) -> Result<Id<Offer>, Problem> {
    offer.parse().map_err(|_| Problem::field("offer", t("this is no offer's id")))
}

fn units(text: &str) -> Option<u32> {
    text.trim().parse().ok().filter(|units| *units <= 100)
}

/// The cart is kept, and the browser goes on.
fn kept(app: &App, visit: &Visit, cart: &Cart, to: &str) -> Response {
    let cookie = Visit::carry(&visit.vendor, cart);
    let mut response = ([(header::SET_COOKIE, cookie)], Redirect::to(to)).into_response();
    pays_elsewhere(app, &mut response);
    response
}

#[derive(Debug, Deserialize)]
struct LineForm {
    offer: String,
    #[serde(default)]
    quantity: String,
    /// Whether the button was pressed that takes it out.
    #[serde(default)]
    remove: String,
}

async fn set(
    _: AtSeller,
    State(app): State<App>,
    visit: Visit,
    source: Source,
    Form(form): Form<LineForm>,
) -> Result<Response, Problem> {
    let offer = named(&form.offer)?;
    let wanted = if form.remove.is_empty() { units(&form.quantity) } else { Some(0) };
    let mut cart = visit.cart.clone();
    let mut wrong = Wrong { status: StatusCode::UNPROCESSABLE_ENTITY, ..Wrong::default() };
    match wanted {
        Some(units) if cart.set(offer, units) => return Ok(kept(&app, &visit, &cart, "/cart")),
        Some(_) => {
            wrong.line = Some((offer, form.quantity, t("too many: at most 100 units in all")));
        }
        None => {
            wrong.status = StatusCode::BAD_REQUEST;
            wrong.line = Some((offer, form.quantity, t("a whole number from 0 to 100")));
        }
    }
    page(&app, &visit, &source, &wrong).await
}

#[derive(Debug, Deserialize)]
struct CouponForm {
    #[serde(default)]
    coupon: String,
    #[serde(default)]
    remove: String,
}

async fn set_coupon(
    _: AtSeller,
    State(app): State<App>,
    visit: Visit,
    source: Source,
    Form(form): Form<CouponForm>,
) -> Result<Response, Problem> {
    let mut cart = visit.cart.clone();
    if !form.remove.is_empty() {
        cart.set_coupon(None);
        return Ok(kept(&app, &visit, &cart, "/cart"));
    }
    let (mut status, mut error) = (StatusCode::UNPROCESSABLE_ENTITY, t(NO_COUPON).to_owned());
    if app.engine.provider().is_none() && cart.set_coupon(Some(&form.coupon)) {
        if cart.lines().is_empty() {
            return Ok(Redirect::to("/cart").into_response());
        }
        match Contents::of(&app, &visit, &source, &cart).await? {
            Contents { refused_coupon: true, .. } => {}
            Contents { coupon_waits: Some(seconds), .. } => {
                status = StatusCode::TOO_MANY_REQUESTS;
                error = text!("too many tries: wait {seconds} seconds", seconds);
            }
            // What cannot be priced yet keeps its coupon, which is tried when it can.
            _ => return Ok(kept(&app, &visit, &cart, "/cart")),
        }
    }
    let wrong = Wrong { status, coupon: Some((form.coupon, error)), ..Wrong::default() };
    page(&app, &visit, &source, &wrong).await
}

const NO_COUPON: &str = key("this coupon is not good for what is in the cart");

async fn page(
    app: &App,
    visit: &Visit,
    source: &Source,
    wrong: &Wrong,
) -> Result<Response, Problem> {
    let mut response = if visit.cart.lines().is_empty() {
        let main = html! {
            h1 { (t("Your cart")) }
            @if let Some(all) = &wrong.all { (notice(Tone::Bad, &html! { p role="alert" { (all) } })) }
            (blank(t("Nothing in it yet"), t("What you choose is kept here for a month, also while you register or add funds."),
                Some(("/products", t("Look at the products")))))
        };
        private(app, t("Your cart"), visit, &main)
    } else {
        let contents = Contents::of(app, visit, source, &visit.cart).await?;
        let wanted = Wanted::cart(chance(app));
        let main = filled(app, visit, &contents, wrong, &wanted);
        let mut response = private(app, t("Your cart"), visit, &main);
        remember(&mut response, visit, &wanted);
        if contents.refused_coupon {
            let mut cart = visit.cart.clone();
            cart.set_coupon(None);
            response.headers_mut().append(header::SET_COOKIE, Visit::carry(&visit.vendor, &cart));
        }
        response
    };
    *response.status_mut() = wrong.status;
    pays_elsewhere(app, &mut response);
    Ok(response)
}

fn filled(app: &App, visit: &Visit, contents: &Contents, wrong: &Wrong, wanted: &Wanted) -> Markup {
    let token = &visit.vendor.settings.token;
    let lines = visit.cart.lines().iter().zip(&contents.rows);
    html! {
        (steps(&[t("Cart"), t("Confirm"), t("Receive")], 0))
        h1 { (t("Your cart")) }
        @if let Some(all) = &wrong.all { (notice(Tone::Bad, &html! { p role="alert" { (all) } })) }
        @if let (true, Some(coupon)) = (contents.refused_coupon, visit.cart.coupon()) {
            (notice(Tone::Warn, &html! { p role="status" { (say!("The coupon {coupon} is not good for what is in the \
                cart now, and was taken off.", coupon = html! { code { (coupon) } })) } }))
        }
        div.beside {
            div {
                ul.lines {
                    @for ((offer, units), row) in lines {
                        li { (line(*offer, *units, row, contents.quote.as_ref().ok(), wrong, token)) }
                    }
                }
                p { a href="/products" { (t("Look for more")) } }
            }
            aside.card aria-labelledby="sum" {
                h2 #sum { (t("Total")) }
                (sum(app, visit, contents, wanted))
                @if app.engine.provider().is_none() { (coupon_form(visit, contents, wrong)) }
            }
        }
    }
}

fn line(
    offer: Id<Offer>,
    units: u32,
    row: &Row,
    quote: Option<&Quote>,
    wrong: &Wrong,
    token: &Token,
) -> Markup {
    let quoted = quote.and_then(|quote| amounts(quote, offer));
    let of_line = wrong.line.as_ref().filter(|(of, ..)| *of == offer);
    let typed = of_line.map_or_else(|| units.to_string(), |(_, typed, _)| typed.clone());
    let (id, error) = (format!("units-{offer}"), format!("units-{offer}-error"));
    html! {
        h2 {
            @match row {
                Row::Seen { title, slug, .. } => a href={ "/products/" (slug) } { bdi { (title) } },
                Row::Gone | Row::Shut => (row.title()),
            }
        }
        @match row {
            Row::Seen { terms: of, parts, price: shown, .. } => {
                p.small {
                    @if *parts > 0 { (say!("Bundle of {parts}", parts)) } @else { (terms(*of)) }
                    @match (quoted, shown) {
                        // The sum stands beside it.
                        (Some(_), _) if units == 1 => {}
                        (Some((each, _)), _) => { " " (say!("· {tokens} each", tokens = MoneyOut::tokens(each, token))) }
                        (None, Some(each)) => { " · " (MoneyOut::tokens(*each, token)) @if units > 1 { " " (t("each")) } }
                        (None, None) => { " " (t("· price not shown yet")) }
                    }
                }
                @if let Some((_, all)) = quoted { p.sum { (price(all, token)) } }
                (row.had())
            }
            Row::Gone => p.small { (t("The offer was withdrawn, or is not shown to you. Take it out to go on.")) },
            Row::Shut => p.small { (t("What it is and costs is shown when you are signed in.")) },
        }
        form.row method="post" action="/cart/lines" {
            input type="hidden" name="offer" value=(offer);
            @if *row != Row::Gone {
                label for=(id) { (t("Quantity")) span.unseen { " " (say!("of {title}", title = row.title())) } }
                input.few id=(id) name="quantity" type="number" inputmode="numeric" min="0" max="100" value=(typed)
                    aria-describedby=[of_line.map(|_| error.as_str())] aria-invalid=[of_line.map(|_| "true")];
                button.second type="submit" { (t("Change")) span.unseen { " " (say!("the quantity of {title}", title = row.title())) } }
            }
            button.plain type="submit" name="remove" value="yes" { (t("Remove")) span.unseen { " " (row.title()) } }
        }
        @if let Some((_, _, text)) = of_line { p.wrong id=(error) role="alert" { (text) } }
    }
}

/// What all of it costs, what that means for the wallet, and the way on.
fn sum(app: &App, visit: &Visit, contents: &Contents, wanted: &Wanted) -> Markup {
    let token = &visit.vendor.settings.token;
    let quote = match &contents.quote {
        Ok(quote) => quote,
        Err(refusal) => {
            let ahead =
                Ahead { next: wanted.local(), wanted: wanted.clone(), titles: contents.titles() };
            let stop = Stop::new(app, visit, refusal, &ahead);
            return html! { p { strong { (stop.title) } } (stop.body) };
        }
    };
    let short = quote.balance.map(|balance| balance.shortfall(quote.total));
    html! {
        (figures(quote, token))
        @match short {
            Some(short) if !short.is_zero() => {
                p { (top_up::button(&wanted.local(), short, &visit.vendor.settings, "button whole")) }
                (top_up::another_sum(short, &visit.vendor.settings))
                p.small { (t("You go on to the checkout when the tokens are in your wallet.")) }
            }
            _ => form method="post" action="/checkout" {
                (wanted.hidden())
                button.whole type="submit" { (t("Check out")) }
            }
        }
        @if visit.member.is_none() && app.engine.provider().is_none() {
            p.small { (t("You sign in or open an account on the way; what you chose is kept.")) }
        }
        (payer(app, visit))
    }
}

/// Where a merchant's buyers pay, and what is promised to them, before they go there.
pub fn payer(app: &App, visit: &Visit) -> Markup {
    let host = app.engine.provider().map(scrip_engine::provider::Provider::url);
    let host = host.map(|url| url.split_once("://").map_or(url, |(_, host)| host));
    html! {
        @if let Some(host) = host {
            p.small { (say!("You pay from your wallet at {host}, and receive everything here.",
                host = html! { bdi { (host) } })) }
            p.small { (refund_policy(visit.vendor.settings.refund_policy)) }
        }
    }
}

/// A quote in figures.
pub fn figures(quote: &Quote, token: &Token) -> Markup {
    let off = Amount::try_sum(quote.lines.iter().filter_map(|line| line.discount));
    let remains = quote.balance.and_then(|balance| balance.checked_sub(quote.total));
    html! {
        dl.facts.figures {
            @if let Some(coupon) = &quote.coupon {
                dt { (say!("Coupon {code}", code = html! { code { (coupon.code) } })) }
                dd { "−" (MoneyOut::tokens(off.unwrap_or_default(), token)) }
            }
            dt { (t("To pay")) } dd { (price(quote.total, token)) }
            @if let Some(balance) = quote.balance {
                dt { (t("In your wallet")) } dd { (MoneyOut::tokens(balance, token)) }
                @match remains {
                    Some(left) => { dt { (t("Left afterwards")) } dd { (MoneyOut::tokens(left, token)) } }
                    None => { dt { (t("Missing")) } dd { (price(balance.shortfall(quote.total), token)) } }
                }
            }
        }
    }
}

fn coupon_form(visit: &Visit, contents: &Contents, wrong: &Wrong) -> Markup {
    let kept = visit.cart.coupon().filter(|_| !contents.refused_coupon);
    if let (Some(coupon), None) = (kept, &wrong.coupon) {
        let waits = contents.quote.as_ref().map_or(true, |quote| quote.coupon.is_none());
        let why = match contents.coupon_waits {
            Some(seconds) => text!("(too many were tried: again in {seconds} seconds)", seconds),
            None => t("(tried when the price is known)").to_owned(),
        };
        return html! {
            form.coupon method="post" action="/cart/coupon" {
                p.small { (say!("Coupon {coupon}", coupon = html! { code { (coupon) } })) @if waits { " " (why) } " "
                    button.plain type="submit" name="remove" value="yes" { (t("Take it off")) } }
            }
        };
    }
    let (typed, error) =
        wrong.coupon.as_ref().map_or(("", None), |(typed, error)| (typed, Some(error.as_str())));
    html! {
        details.coupon open[error.is_some()] {
            summary { (t("I have a coupon")) }
            form method="post" action="/cart/coupon" {
                (Field { name: "coupon", label: t("Coupon"), kind: "text", value: typed, autocomplete: "off",
                    required: true, hint: None, error })
                button.second type="submit" { (t("Use it")) }
            }
        }
    }
}
