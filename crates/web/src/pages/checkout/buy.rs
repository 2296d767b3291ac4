//! One offer, on the way to its checkout: where a link or a button of any site leads. Opening it changes nothing.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use maud::{Markup, html};
use scrip_domain::Id;
use scrip_domain::catalog::Offer;
use scrip_engine::purchase::PurchaseRefusal;
use serde::Deserialize;

use super::stop::{Ahead, Stop};
use super::{UNITS, Wanted, pays_elsewhere, remember};
use crate::App;
use crate::caller::AtSeller;
use crate::extract::{IdPath, Query, Source};
use crate::language::{say, t, text};
use crate::pages::cart::{Cart, Contents, Row, figures, payer};
use crate::pages::form::Field;
use crate::pages::look::{blank, steps};
use crate::pages::visit::Visit;
use crate::pages::words::terms;
use crate::pages::{chance, private};
use crate::problem::Problem;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    quantity: String,
    coupon: String,
    license: String,
}

pub(super) async fn show(
    _: AtSeller,
    State(app): State<App>,
    visit: Visit,
    source: Source,
    IdPath(offer): IdPath<Offer>,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let mut wanted = Wanted {
        key: chance(&app),
        offer: offer.to_string(),
        quantity: asked.quantity,
        coupon: asked.coupon,
        license: asked.license,
        ..Wanted::default()
    };
    let units = wanted.units();
    let mut one = Cart::default();
    one.set(offer, units.unwrap_or(1));
    if app.engine.provider().is_none() && !wanted.coupon.is_empty() {
        one.set_coupon(Some(&wanted.coupon));
    }
    let contents = Contents::of(&app, &visit, &source, &one).await?;
    let Some(row) = contents.rows.first() else { return Err(Problem::not_found()) };
    if *row == Row::Gone {
        let main = html! {
            h1 { (t("Not for sale")) }
            (blank(t("This offer was withdrawn, or is not shown to you"), t("Look what there is today."), Some(("/products", t("Products")))))
        };
        let mut response = private(&app, t("Not for sale"), &visit, &main);
        *response.status_mut() = StatusCode::NOT_FOUND;
        return Ok(response);
    }
    let refused = !wanted.coupon.is_empty() && (one.coupon().is_none() || contents.refused_coupon);
    let typed = if refused { std::mem::take(&mut wanted.coupon) } else { wanted.coupon.clone() };
    let error = match contents.coupon_waits {
        Some(seconds) => Some(text!(
            "too many were tried: wait {seconds} seconds; the price is without it",
            seconds
        )),
        None => refused
            .then(|| t("this coupon is not good for this; the price is without it").to_owned()),
    };
    let form = form(&app, &visit, &contents, &wanted, &typed, error.as_deref(), offer);
    let title = text!("Buy {title}", title = row.title());
    let main = html! {
        (steps(&[t("Choose"), t("Confirm"), t("Receive")], 0))
        h1 { (say!("Buy {title}", title = html! { bdi { (row.title()) } })) }
        @if let Row::Seen { terms: of, parts, slug, .. } = row {
            p.lead { @if *parts > 0 { (say!("A bundle of {parts}", parts)) } @else { (terms(*of)) } ". "
                a href={ "/products/" (slug) } { (t("All about it")) } }
            (row.had())
        }
        (form)
    };
    let mut response = private(&app, &title, &visit, &main);
    if units.is_none() {
        *response.status_mut() = StatusCode::BAD_REQUEST;
    }
    remember(&mut response, &visit, &wanted);
    pays_elsewhere(&app, &mut response);
    Ok(response)
}

fn form(
    app: &App,
    visit: &Visit,
    contents: &Contents,
    wanted: &Wanted,
    typed: &str,
    refused: Option<&str>,
    offer: Id<Offer>,
) -> Markup {
    let token = &visit.vendor.settings.token;
    let error = wanted.units().is_none().then(|| t(UNITS));
    let quantity = if wanted.quantity.is_empty() { "1" } else { wanted.quantity.as_str() };
    let key =
        Wanted { key: wanted.key.clone(), license: wanted.license.clone(), ..Wanted::default() };
    let stop =
        contents.quote.as_ref().err().map(|refusal| stop(app, visit, refusal, wanted, contents));
    html! {
        form.narrow method="post" action="/checkout" {
            (key.hidden())
            input type="hidden" name="offer" value=(offer);
            (Field { name: "quantity", label: t("Quantity"), kind: "number", value: quantity, autocomplete: "off",
                required: true, hint: None, error })
            @if app.engine.provider().is_none() {
                (Field { name: "coupon", label: t("Coupon"), kind: "text", value: typed, autocomplete: "off",
                    required: false, hint: Some(t("If you have one.")),
                    error: refused })
            }
            p { button.second type="submit" formmethod="get" formaction={ "/buy/" (offer) } { (t("Update the price")) } }
            @if let Ok(quote) = &contents.quote {
                div.card {
                    (figures(quote, token))
                    button.whole type="submit" { (t("Go on")) }
                    p.small { (t("You see the whole order before you confirm it.")) }
                }
            }
            @if wanted.license.is_empty() {
                p { button.plain type="submit" formaction="/cart" { (t("Put it into the cart instead")) } }
            }
        }
        @if let Some(stop) = stop { div.stop { h2 { (stop.title) } (stop.body) } }
        (payer(app, visit))
    }
}

fn stop(
    app: &App,
    visit: &Visit,
    refusal: &PurchaseRefusal,
    wanted: &Wanted,
    contents: &Contents,
) -> Stop {
    let ahead = Ahead { next: wanted.local(), wanted: wanted.clone(), titles: contents.titles() };
    Stop::new(app, visit, refusal, &ahead)
}
