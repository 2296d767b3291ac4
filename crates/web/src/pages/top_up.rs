//! Adding funds: how much, in which currency, by which way.
//!
//! Who came here because something is missing finds exactly that filled in, and goes back there afterwards.

mod state;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use maud::{Markup, html};
use scrip_domain::payment_method::PaymentMethod;
use scrip_domain::request::Request;
use scrip_domain::sale::{Limit, Sale, Suggestion, Wish};
use scrip_domain::settings::{Pack, Settings};
use scrip_domain::top_up::{TopUp, TopUpState};
use scrip_domain::{Amount, Id, Money, Unit};
use scrip_engine::Mode;
use scrip_engine::purchase::Answered;
use scrip_engine::top_up::{TopUpAsk, TopUpRefusal, Way};
use serde::Deserialize;

use super::account::card_name;
use super::form::{Field, Form, complaint, mistake};
use super::look::{Tone, notice};
use super::refused::sentence;
use super::visit::{Local, OwnAccounts, SignedIn};
use super::{chance, private, private_again_in};
use crate::App;
use crate::extract::{Query, Source};
use crate::language::{say, t, text};
use crate::money::{MoneyOut, example, in_field, typed};
use crate::problem::{Problem, kind};
use crate::request_id;

pub fn routes() -> Router<App> {
    Router::new().route("/wallet/top-up", get(ask).post(add)).merge(state::routes())
}

/// The address where what is missing is added, from which `next` comes next.
pub fn address(next: &Local, missing: Option<Amount>, settings: &Settings) -> String {
    let page = match missing {
        Some(tokens) => format!("/wallet/top-up?tokens={}", tokens.decimal(settings.token.scale)),
        None => "/wallet/top-up".to_owned(),
    };
    next.after(&page)
}

/// The way there, in these classes: it names what can be added at once.
pub fn button(next: &Local, missing: Amount, settings: &Settings, class: &str) -> Markup {
    let Suggestion { tokens, .. } = settings.top_up_limits.suggest(missing);
    let tokens = MoneyOut::tokens(tokens, &settings.token);
    html! { a class=(class) href=(address(next, Some(missing), settings)) { (say!("Add {tokens}", tokens)) } }
}

/// The same with what it costs, where nothing was chosen yet.
pub fn exactly(next: &Local, missing: Amount, settings: &Settings, class: Option<&str>) -> Markup {
    let Suggestion { tokens, limited_by } = settings.top_up_limits.suggest(missing);
    let costs = settings.token.unit_value.price_of(tokens).map(MoneyOut::currency);
    let tokens = MoneyOut::tokens(tokens, &settings.token);
    html! {
        a class=[class] href=(address(next, Some(missing), settings)) {
            @match limited_by {
                None => { (say!("Top up exactly {tokens}", tokens)) }
                Some(_) => { (say!("Add {tokens}", tokens)) }
            }
            @if let Some(costs) = costs { " " (say!("for {costs}", costs)) }
        }
    }
}

/// Why that is another sum than what is missing, where it is.
pub fn another_sum(missing: Amount, settings: &Settings) -> Markup {
    html! { @if let Some(why) = limited(missing, settings) { p.small { (why) } } }
}

/// The same within a line.
pub fn limited(missing: Amount, settings: &Settings) -> Option<Markup> {
    let Suggestion { tokens, limited_by } = settings.top_up_limits.suggest(missing);
    let all = MoneyOut::tokens(missing, &settings.token);
    let once = MoneyOut::tokens(tokens, &settings.token);
    Some(match limited_by? {
        Limit::Min => {
            say!("{all} are missing, and no less than {once} can be added at once.", all, once)
        }
        Limit::Max => say!(
            "{all} are missing, and no more than {once} can be added at once: add the rest after it.",
            all,
            once
        ),
    })
}

#[derive(Debug, Default, Deserialize)]
struct Wanted {
    /// How many tokens are missing, as programs write it.
    #[serde(default)]
    tokens: String,
    #[serde(default)]
    next: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct AddForm {
    /// A pack as [`pack_name`] calls it, or blank for the own amount.
    #[serde(default)]
    choice: String,
    /// The own amount, as people write it.
    #[serde(default)]
    tokens: String,
    /// What was missing where somebody came from, as programs write it.
    #[serde(default)]
    missing: String,
    /// What it is an amount of: the token, or a currency; the token when blank.
    #[serde(default)]
    unit: String,
    /// In which currency so many tokens are paid; in that of the token's value when blank.
    #[serde(default)]
    currency: String,
    /// `card:pm_…`, `offline`, `voucher`, `credit_line`, `demo:demo_approved`.
    #[serde(default)]
    way: String,
    #[serde(default)]
    voucher: String,
    #[serde(default)]
    next: Option<String>,
    /// Chance: the same form sent twice adds funds once.
    #[serde(default)]
    key: String,
}

/// What there is to pay with.
#[expect(clippy::struct_excessive_bools, reason = "each way is there or not, by itself")]
struct Ways {
    cards: Vec<PaymentMethod>,
    chosen: Option<String>,
    takes_cards: bool,
    offline: bool,
    credit_line: bool,
    demo: bool,
}

/// Why nothing was added.
struct Refused {
    problem: Problem,
    /// The top-up that was declined.
    declined: Option<Id<TopUp>>,
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self { problem, declined: None }
    }
}

async fn ask(
    _: OwnAccounts,
    State(app): State<App>,
    visit: SignedIn,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Problem> {
    // A link says the amount as programs write it.
    let settings = &visit.visit.vendor.settings;
    let scale = settings.token.scale;
    let Wanted { tokens: missing, next } = wanted;
    let tokens = match Amount::parse_decimal(&missing, scale) {
        Some(tokens) => in_field(settings.top_up_limits.nearest(tokens), scale),
        None => missing.clone(),
    };
    let form = AddForm { tokens, missing, next, ..AddForm::default() };
    page(&app, &visit, &form, None).await
}

async fn add(
    _: OwnAccounts,
    State(app): State<App>,
    visit: SignedIn,
    source: Source,
    Form(form): Form<AddForm>,
) -> Result<Response, Problem> {
    let refused = match top_up(&app, &visit, &source, &form).await? {
        Ok(top_up) => {
            let next = form.next.as_deref().and_then(Local::new);
            let here = Local::new(&format!("/wallet/top-ups/{}", top_up.id)).unwrap_or_default();
            let to = match (top_up.state, next) {
                (TopUpState::Credited, Some(next)) => next.as_str().to_owned(),
                (_, Some(next)) => next.after(here.as_str()),
                (_, None) => here.as_str().to_owned(),
            };
            return Ok(Redirect::to(&to).into_response());
        }
        Err(refused) => refused,
    };
    let mut response = page(&app, &visit, &form, Some(&refused)).await?;
    *response.status_mut() = refused.problem.status();
    Ok(response)
}

/// Does what the form asks for.
async fn top_up(
    app: &App,
    visit: &SignedIn,
    source: &Source,
    form: &AddForm,
) -> Result<Result<TopUp, Refused>, Problem> {
    let settings = &visit.visit.vendor.settings;
    let AddForm { choice, tokens, unit, currency, way, voucher, .. } = form;
    let (tokens, voucher) = (tokens.trim(), voucher.trim());
    let what = format!("{choice} {tokens} {unit} {currency} {way} {voucher}");
    let request = Request::new(&form.key, what.as_bytes(), request_id::current());
    let answer = if way == "voucher" {
        if voucher.is_empty() {
            return Ok(Err(Problem::field("voucher", t("type the code of the voucher")).into()));
        }
        app.engine.redeem_voucher(visit.buyer, voucher, &source.0, request).await?
    } else {
        let Sale { tokens, pay } = match sale(form, settings) {
            Ok(sale) => sale,
            Err(problem) => return Ok(Err(problem.into())),
        };
        let Some(way) = read_way(way) else {
            return Ok(Err(Problem::field("way", t("choose how to pay")).into()));
        };
        let ask = TopUpAsk { tokens, pay: Some(pay), way };
        app.engine.top_up(visit.buyer, ask, request).await?
    };
    Ok(match answer {
        Ok(Answered::First(top_up) | Answered::Replayed(top_up)) => Ok(top_up),
        Err(TopUpRefusal::Declined { top_up, .. }) => {
            let detail = t("this was not approved; nothing was charged");
            let problem = Problem::new(&kind::CREDIT_DECLINED, detail);
            Err(Refused { problem, declined: Some(top_up.id) })
        }
        Err(TopUpRefusal::VoucherRefused) => {
            let detail = t("this voucher cannot be redeemed: it is unknown, used or over");
            let problem = Problem::new(&kind::VOUCHER_REFUSED, detail);
            Err(problem.with_error("voucher", "refused", detail).into())
        }
        Err(refusal) => Err(Problem::top_up(&refusal, || serde_json::Value::Null).into()),
    })
}

fn read_way(text: &str) -> Option<Way> {
    let (method, name) = text.split_once(':').unwrap_or((text, ""));
    let payment_method = Some(name.to_owned()).filter(|name| !name.is_empty());
    Some(match method {
        "card" => Way::Card { payment_method },
        "demo" => Way::Demo { payment_method },
        "offline" => Way::Offline,
        "credit_line" => Way::CreditLine,
        _ => return None,
    })
}

/// A pack, as the form calls it: what was shown is what is asked for, whatever the vendor changes meanwhile.
fn pack_name(pack: &Pack) -> String {
    format!("{}-{}-{}", pack.tokens.units(), pack.pay.amount.units(), pack.pay.unit)
}

fn read_pack(name: &str) -> Option<Pack> {
    let mut parts = name.split('-');
    let mut amount = || Amount::new(parts.next()?.parse().ok()?);
    let (tokens, money) = (amount()?, amount()?);
    let pay = Money { amount: money, unit: Unit::parse(parts.next()?)? };
    Some(Pack { tokens, pay })
}

/// What the form asks for, and what it costs.
fn sale(form: &AddForm, settings: &Settings) -> Result<Sale, Problem> {
    let token = &settings.token;
    let wish = if form.choice.is_empty() {
        let unit = if form.unit.is_empty() { Some(token.code) } else { Unit::parse(&form.unit) };
        let unit =
            unit.ok_or_else(|| Problem::field("tokens", t("choose what it is an amount of")))?;
        let scale = if unit == token.code { token.scale } else { unit.currency_scale() };
        let amount = typed(&form.tokens, scale);
        let amount = amount.ok_or_else(|| {
            let example = example(scale);
            Problem::field("tokens", text!("a number of {unit}, such as {example}", unit, example))
        })?;
        if unit == token.code {
            let currency = Some(form.currency.as_str()).filter(|text| !text.is_empty());
            let currency = currency.map(|text| {
                Unit::parse(text)
                    .ok_or_else(|| Problem::field("currency", t("no currency is called so")))
            });
            Wish::Tokens(amount, currency.transpose()?)
        } else {
            Wish::Pay(Money { amount, unit })
        }
    } else {
        let Pack { tokens, pay } = read_pack(&form.choice)
            .ok_or_else(|| Problem::field("choice", t("choose one of these, or an amount")))?;
        Wish::TokensFor(tokens, pay)
    };
    settings.sale(wish).map_err(|why| Problem::no_sale(why, wish, settings))
}

async fn ways(app: &App, visit: &SignedIn) -> Result<Ways, Problem> {
    let engine = &app.engine;
    let takes_cards = engine.processor().is_some();
    let cards =
        if takes_cards { engine.payment_methods(visit.buyer.account).await? } else { Vec::new() };
    Ok(Ways {
        cards,
        chosen: visit.member.account.person.payment_method.clone(),
        takes_cards,
        offline: !visit.visit.vendor.settings.offline_instructions.is_empty(),
        credit_line: engine.store().credit_line(visit.buyer.account).await?.is_some(),
        demo: engine.mode() == Mode::Demo,
    })
}

/// What is wrong with one of these is said there; all else above the form.
const THERE: [&str; 9] = [
    "tokens",
    "tokens.amount",
    "pay",
    "pay.amount",
    "pay.unit",
    "currency",
    "voucher",
    "way",
    "choice",
];

async fn page(
    app: &App,
    visit: &SignedIn,
    form: &AddForm,
    refused: Option<&Refused>,
) -> Result<Response, Problem> {
    let settings = &visit.visit.vendor.settings;
    let ways = ways(app, visit).await?;
    let problem = refused.map(|refused| &refused.problem);
    let above =
        refused.filter(|refused| THERE.iter().all(|field| refused.problem.error(field).is_none()));
    let token = &settings.token;
    let main = html! {
        p.trail { a href="/wallet" { (t("Wallet")) } }
        h1 { (t("Add funds")) }
        p.lead { (say!("You have {tokens}. {rates}", tokens = MoneyOut::tokens(visit.member.available, token),
            rates = rates(settings))) }
        (missing(form, settings))
        @if let Some(Refused { problem, declined }) = above {
            (complaint(&sentence(problem.detail())))
            @if let Some(id) = declined {
                p { (say!("{link}. You can also pay in another way:",
                    link = html! { a href={ "/wallet/top-ups/" (id) } { (t("See why, and what you can do")) } })) }
            }
        }
        div.beside {
            form method="post" action="/wallet/top-up" {
                (hidden(&chance(app), form))
                (amounts(form, settings, problem))
                (choice(&ways, &form.way, problem))
                button type="submit" { (t("Add funds")) }
                p.hint { (t("Tokens are in your wallet as soon as the payment is approved. The next page says how it went.")) }
            }
            aside { (voucher(&chance(app), form, problem)) }
        }
    };
    Ok(private(app, t("Add funds"), &visit.visit, &main))
}

/// A form that was refused may be sent again, as another one: so its key is a new one each time.
fn hidden(key: &str, form: &AddForm) -> Markup {
    html! {
        input type="hidden" name="key" value=(key);
        @if !form.missing.is_empty() { input type="hidden" name="missing" value=(form.missing); }
        @if let Some(next) = &form.next { input type="hidden" name="next" value=(next); }
    }
}

/// What tokens cost, in each currency.
fn rates(settings: &Settings) -> Markup {
    html! {
        @for (place, price) in settings.prices().enumerate() {
            @if place == 0 { (say!("Price: {currency} for {tokens}", tokens = MoneyOut::tokens(price.tokens, &settings.token),
                currency = MoneyOut::currency(price.money))) }
            @else { (say!(", or {currency} for {tokens}", tokens = MoneyOut::tokens(price.tokens, &settings.token),
                currency = MoneyOut::currency(price.money))) }
        }
        "."
    }
}

/// What is missing for what somebody came from.
fn missing(form: &AddForm, settings: &Settings) -> Markup {
    let token = &settings.token;
    let missing = Amount::parse_decimal(&form.missing, token.scale);
    let missing = missing.filter(|missing| form.next.is_some() && !missing.is_zero());
    let Some(missing) = missing else { return Markup::default() };
    let costs = settings.sale(Wish::Tokens(missing, None)).ok();
    let tokens = html! { strong { (MoneyOut::tokens(missing, token)) } };
    let needed = match costs {
        Some(sale) => say!(
            "You need {tokens} more for what you want, for {currency}. The amount is filled in below, and \
            afterwards you go on where you were.",
            tokens,
            currency = html! { strong { (MoneyOut::currency(sale.pay)) } }
        ),
        None => say!(
            "You need {tokens} more for what you want. What can be added is filled in below, and afterwards you \
            go on where you were.",
            tokens
        ),
    };
    notice(Tone::Info, &html! { p { (needed) } (another_sum(missing, settings)) })
}

/// What the tokens cost that the form begins with.
fn cost(form: &AddForm, settings: &Settings) -> Option<String> {
    let sale = sale(form, settings).ok().filter(|_| form.choice.is_empty())?;
    let tokens = MoneyOut::tokens(sale.tokens, &settings.token);
    Some(text!("Price: {currency} for {tokens}.", tokens, currency = MoneyOut::currency(sale.pay)))
}

/// How much: a pack, or an amount of one's own in tokens or money.
fn amounts(form: &AddForm, settings: &Settings, problem: Option<&Problem>) -> Markup {
    let error = |names: &[&str]| {
        names.iter().find_map(|name| problem.and_then(|problem| problem.error(name)))
    };
    let wrong = error(&["tokens", "tokens.amount", "pay", "pay.amount", "pay.unit"]);
    let packs = &settings.packs;
    let own =
        form.choice.is_empty() && (!form.tokens.is_empty() || packs.is_empty() || wrong.is_some());
    let chosen = |place: usize, name: &str| {
        if form.choice.is_empty() { !own && place == 0 } else { form.choice == name }
    };
    html! {
        @if !packs.is_empty() {
            fieldset aria-describedby=[error(&["choice"]).map(|_| "choice-error")] {
                legend { (t("How much")) }
                div.picks {
                    @for (place, pack) in packs.iter().enumerate() {
                        @let name = pack_name(pack);
                        label.pick {
                            input type="radio" name="choice" value=(name) checked[chosen(place, &name)];
                            span.price { (MoneyOut::tokens(pack.tokens, &settings.token)) }
                            span { (MoneyOut::currency(pack.pay)) }
                        }
                    }
                    label.pick {
                        input type="radio" name="choice" value="" checked[own];
                        span.price { (t("Another amount")) }
                        span { (t("as you write it below")) }
                    }
                }
                @if let Some(text) = error(&["choice"]) { (mistake(Some("choice-error"), text)) }
            }
        }
        (own_amount(form, settings, wrong, error(&["currency"])))
    }
}

fn own_amount(
    form: &AddForm,
    settings: &Settings,
    wrong: Option<&str>,
    wrong_currency: Option<&str>,
) -> Markup {
    let token = &settings.token;
    let currencies: Vec<Unit> = settings.prices().map(|price| price.money.unit).collect();
    let label = if settings.packs.is_empty() { t("How much") } else { t("Another amount") };
    html! {
        div.amount {
            (Field { name: "tokens", label, kind: "text", value: &form.tokens, autocomplete: "off",
                required: false, hint: cost(form, settings).as_deref(), error: wrong })
            div.field {
                label for="unit" { (t("Counted in")) }
                select id="unit" name="unit" {
                    option value=(token.code) selected[form.unit == token.code.as_str()] { (token.name) " (" (token.code) ")" }
                    @for currency in &currencies {
                        option value=(currency) selected[form.unit == currency.as_str()] { (say!("{currency}, as many as it buys", currency)) }
                    }
                }
            }
        }
        @if currencies.len() > 1 {
            div.field.short {
                label for="currency" { (t("Pay tokens in")) }
                select id="currency" name="currency" aria-describedby=[wrong_currency.map(|_| "currency-error")] {
                    @for currency in &currencies {
                        option value=(currency) selected[form.currency == currency.as_str()] { (currency) }
                    }
                }
                @if let Some(text) = wrong_currency { (mistake(Some("currency-error"), text)) }
            }
        }
    }
}

/// A way to pay: what the form calls it, what people do, and what follows.
type WayShown = (String, String, &'static str);

fn shown_ways(ways: &Ways) -> Vec<WayShown> {
    let mut all: Vec<WayShown> = Vec::new();
    let card =
        |card: &PaymentMethod| (format!("card:{}", card.name), card_name(card), t("At once."));
    all.extend(ways.cards.iter().map(card));
    if ways.demo {
        let demo = |name: &str, text: &str, hint| (format!("demo:{name}"), text.to_owned(), hint);
        all.push(demo("demo_approved", t("Demo: approved"), t("At once. No money moves.")));
        all.push(demo("demo_declined", t("Demo: declined"), t("To see what happens then.")));
        all.push(demo("demo_review", t("Demo: reviewed"), t("A person looks at it first.")));
    }
    if ways.offline {
        let hint = t("You get a reference and send the money; tokens come when it came.");
        all.push(("offline".into(), t("Bank transfer or cheque").into(), hint));
    }
    if ways.credit_line {
        let hint = t("Tokens now, the money later, as agreed with the vendor.");
        all.push(("credit_line".into(), t("On your credit line").into(), hint));
    }
    all
}

/// How to pay.
fn choice(ways: &Ways, before: &str, problem: Option<&Problem>) -> Markup {
    let all = shown_ways(ways);
    let chosen = ways.chosen.as_ref().map(|name| format!("card:{name}"));
    let first = all.first().map(|(way, ..)| way.clone());
    let wanted = [Some(before.to_owned()), chosen, first].into_iter().flatten();
    let wanted: Vec<String> =
        wanted.filter(|way| all.iter().any(|(name, ..)| name == way)).collect();
    let checked = wanted.first();
    let wrong = problem.and_then(|problem| problem.error("way")).map(sentence);
    html! {
        fieldset aria-describedby=[wrong.as_ref().map(|_| "way-error")] {
            legend { (t("Pay with")) }
            @for (way, name, hint) in &all {
                label.pick.line {
                    input type="radio" name="way" value=(way) checked[checked == Some(way)];
                    span { (name) small { (hint) } }
                }
            }
            @if all.is_empty() { p { (t("There is nothing yet to pay with here. A voucher always works.")) } }
            @if let Some(text) = &wrong { (mistake(Some("way-error"), text)) }
        }
        @if ways.takes_cards && ways.cards.is_empty() {
            p.hint { (say!("To pay by card, {link} first.", link = html! { a href="/account#cards" { (t("keep one with your account")) } })) }
        }
    }
}

fn voucher(key: &str, form: &AddForm, problem: Option<&Problem>) -> Markup {
    let error = problem.and_then(|problem| problem.error("voucher")).map(sentence);
    html! {
        section.card aria-labelledby="by-voucher" {
            h2 #by-voucher { (t("Have a voucher?")) }
            p { (t("The amount is set by the code.")) }
            form method="post" action="/wallet/top-up" {
                (hidden(key, form))
                input type="hidden" name="way" value="voucher";
                (Field { name: "voucher", label: t("Code of the voucher"), kind: "text", value: &form.voucher,
                    autocomplete: "off", required: true, hint: Some(t("With or without dashes, in capitals or not.")),
                    error: error.as_deref() })
                button.second type="submit" { (t("Redeem")) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pack_is_read_as_the_form_calls_it() {
        let unit = Unit::parse("EUR").unwrap();
        let amount = |units| Amount::new(units).unwrap();
        let pack = Pack { tokens: amount(500), pay: Money { amount: amount(450), unit } };
        assert_eq!(pack_name(&pack), "500-450-EUR");
        assert_eq!(read_pack("500-450-EUR"), Some(pack));
        for wrong in ["", "500", "500-450", "500-450-x", "-1-450-EUR", "a-b-EUR"] {
            assert_eq!(read_pack(wrong), None, "{wrong}");
        }
    }
}
