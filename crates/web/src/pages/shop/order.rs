//! A merchant's item in one step: it is ordered, and the buyer is sent to the provider with it, who shows the summary again
//! and asks whether to pay. A form that is sent twice orders once.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use http::header;
use scrip_domain::Id;
use scrip_domain::catalog::Offer;
use scrip_domain::request::Request;
use scrip_engine::checkout::Holder;
use scrip_engine::checkout::draft::Selecting;
use scrip_engine::purchase::Answered;
use scrip_engine::selection::{Choice, Selection};
use serde::Deserialize;

use crate::App;
use crate::caller::AtMerchant;
use crate::extract::{NamePath, Source};
use crate::language::t;
use crate::pages::form::Form;
use crate::pages::leads_to;
use crate::pages::visit::Visit;
use crate::problem::Problem;
use crate::request_id;

#[derive(Debug, Deserialize)]
pub struct BuyForm {
    offer: String,
    key: String,
}

/// Orders one item, and sends the buyer to the provider with it.
pub async fn buy(
    _: AtMerchant,
    State(app): State<App>,
    visit: Visit,
    source: Source,
    NamePath(slug): NamePath<String>,
    Form(form): Form<BuyForm>,
) -> Result<Response, Problem> {
    let offer: Id<Offer> =
        form.offer.parse().map_err(|_| Problem::field("offer", t("this is no offer's id")))?;
    let selection = Selection::new(vec![Choice { offer, quantity: 1, extends: None }])?;
    // The same key orders, and confirms what it ordered.
    let key = |step: &str| format!("{step} {} {}", form.key, source.0);
    let what = format!("page {slug} {offer}");
    let request = |step| Request::new(&key(step), what.as_bytes(), request_id::current());
    let buyer = visit.member.as_ref().map(|(buyer, _)| *buyer);
    let who = match buyer {
        Some(buyer) => Selecting::Buyer(buyer, request("order")),
        None => Selecting::Visitor(request("order")),
    };
    let token = &visit.vendor.settings.token;
    let refused = |refusal| Problem::purchase(&refusal, token);
    let drafted = app.engine.draft_at_merchant(who, &selection, None, false).await?;
    let (Answered::First(drafted) | Answered::Replayed(drafted)) = drafted.map_err(refused)?;
    let holder = buyer.map_or(Holder::Token, Holder::Buyer);
    let begun = app.engine.begin_checkout(holder, drafted.order.id, request("pay")).await?;
    let (Answered::First(at) | Answered::Replayed(at)) = begun.map_err(refused)?;
    // Who comes back to an order that is over goes where it is shown.
    let here = format!("/return?order={}", drafted.order.id);
    let url = at.checkout.url.unwrap_or(here);
    let mut response = ([(header::CACHE_CONTROL, "no-store")], Redirect::to(&url)).into_response();
    leads_to(&mut response, &url);
    Ok(response)
}
