//! A provider's merchants: who sells here, how far each is trusted, what it has earned, and paying it.
//!
//! ```text
//! registered ──invited, redeemed──▶ active ◀──freeze, thaw──▶ frozen
//! ```

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use maud::{Markup, html};
use scrip_domain::ledger::{LedgerAccount, Reason, Transfer};
use scrip_domain::merchant::{Fee, Merchant, MerchantLimits, MerchantState, Payout};
use scrip_domain::purchase_request::PurchaseRequest;
use scrip_domain::request::Request;
use scrip_domain::settings::Token;
use scrip_domain::staff::Power;
use scrip_domain::{Amount, Id, Money as Sum};
use scrip_engine::merchant::{MerchantBalance, MerchantFields, PayoutAsk};
use scrip_engine::purchase::Answered;

use super::parts::{Question, answer, within};
use crate::App;
use crate::api::List;
use crate::caller::AtProvider;
use crate::extract::{IdPath, NamePath, Query};
use crate::money::MoneyOut;
use crate::pages::admin::desk::{Clerk, Desk, Money, See};
use crate::pages::admin::entry::{Entry, Sent};
use crate::pages::admin::parts::{Place, pager, range, table_of};
use crate::pages::admin::{Section, page, page_with_script};
use crate::pages::exchange::hundredths;
use crate::pages::form::{Form, Nothing};
use crate::pages::look::{Tone, badge, blank, once};
use crate::pages::{chance, date};
use crate::problem::Problem;
use crate::request_id;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/admin/merchants", get(list))
        .route("/admin/merchants/new", get(ask).post(register))
        .route("/admin/merchants/{id}", get(show))
        .route("/admin/merchants/{id}/change", get(ask_change).post(change))
        .route("/admin/merchants/{id}/pay-out", get(ask_pay_out).post(pay_out))
        .route("/admin/merchants/{id}/{turn}", get(ask_turn).post(turn))
}

async fn list(
    _: AtProvider,
    State(app): State<App>,
    desk: Desk<See>,
    Query(place): Query<Place>,
) -> Result<Response, Problem> {
    let range = range(&app, "merchants", place.after.as_deref())?;
    let rows = app.engine.store().merchants(range).await?;
    let next = List::of(&app.engine, "merchants", range, &rows, |row| row.id.number(), |_| ()).next;
    let token = &desk.vendor.settings.token;
    let register =
        desk.may(Power::Money).then_some(("/admin/merchants/new", "Register a merchant"));
    let main = html! {
        (super::requests::tabs("/admin/merchants"))
        @if rows.is_empty() {
            (blank("No merchants yet", "A merchant sells on its own server, and its buyers pay from their wallets here.", register))
        } @else {
            @if let Some((to, name)) = register { p { a.button href=(to) { (name) } } }
            (table_of("Who sells for your token, newest first", &["Merchant", "State", "#Balance", "Fee", "Registered"], &html! {
                @for row in &rows {
                    tr {
                        th scope="row" { a href={ "/admin/merchants/" (row.id) } { bdi { (row.name) } } br; span.small { (row.url) } }
                        td { (state_badge(row.state)) }
                        td.sum { (net(row.net(), token)) }
                        td { (fee_text(row.fee, token)) }
                        td { (date(row.created_at)) }
                    }
                }
            }))
            (pager("/admin/merchants", next.as_deref()))
        }
    };
    Ok(page(&app, &desk, "Merchants", Section::Merchants, &main))
}

/// Where a merchant stands, in words.
pub fn state_badge(state: MerchantState) -> Markup {
    match state {
        MerchantState::Invited => badge(Tone::Info, "Invited"),
        MerchantState::Active => badge(Tone::Good, "Sells"),
        MerchantState::Suspended => badge(Tone::Warn, "Frozen"),
    }
}

/// A balance that can be below zero.
pub fn net(units: i64, token: &Token) -> String {
    let size = Amount::new(units.unsigned_abs()).unwrap_or(Amount::MAX);
    let sign = if units < 0 { "−" } else { "" };
    format!("{sign}{}", MoneyOut::tokens(size, token))
}

fn fee_text(fee: Fee, token: &Token) -> String {
    let share = hundredths(fee.basis_points);
    if fee.fixed.is_zero() {
        format!("{share} %")
    } else {
        format!("{share} % and {}", MoneyOut::tokens(fee.fixed, token))
    }
}

async fn ask(_: AtProvider, State(app): State<App>, desk: Desk<Money>) -> Response {
    let mut typed = Entry::default();
    for (name, value) in [
        ("order", "1000"),
        ("open", "100"),
        ("day", "10000"),
        ("fee.basis_points", "0"),
        ("fee.fixed", "0"),
        ("threshold", "0"),
        ("invite", "on"),
    ] {
        typed.put(name, value);
    }
    let sent = Sent::only(&typed, None);
    let main = registration(sent, &desk.vendor.settings.token);
    page(&app, &desk, "Register a merchant", Section::Merchants, &main)
}

async fn register(
    _: AtProvider,
    State(app): State<App>,
    desk: Desk<Money>,
    Form(typed): Form<Entry>,
) -> Result<Response, Problem> {
    let token = &desk.vendor.settings.token;
    let problem = match fields(&typed, token, false) {
        Ok(fields) => {
            let url = typed.get("url").trim_end_matches('/').to_owned();
            let invite = typed.has("invite");
            match app.engine.register_merchant(desk.staff, url, fields, invite).await? {
                Ok(made) => match &made.invitation {
                    Some(word) => return Ok(invitation(&app, &desk, &made.merchant, word)),
                    None => {
                        let to = format!("/admin/merchants/{}", made.merchant.id);
                        return Ok(Redirect::to(&to).into_response());
                    }
                },
                Err(refusal) => called_here(refusal.into()),
            }
        }
        Err(problem) => problem,
    };
    let main = registration(Sent::only(&typed, Some(&problem)), token);
    let title = "Register a merchant";
    Ok(answer(&app, &desk, title, Section::Merchants, &main, Some(&problem)))
}

/// A refusal whose field is called as on these pages: there is one field for all origins.
fn called_here(problem: Problem) -> Problem {
    match problem.errors().first() {
        Some(error) if error.field.starts_with("return_origins") => {
            Problem::field("return_origins", error.detail.clone())
        }
        _ => problem,
    }
}

/// The one page that shows an invitation.
fn invitation(app: &App, clerk: &Clerk, merchant: &Merchant, word: &str) -> Response {
    let main = html! {
        p.lead { "Give this invitation to the people of " bdi { (merchant.name) } ". They accept it in their own console, at "
            (merchant.url) "/admin/provider, and from then on it sells." }
        (once(word))
        p { a.button href={ "/admin/merchants/" (merchant.id) } { "I have copied it" } }
    };
    page_with_script(app, clerk, "The merchant is registered", Section::Merchants, &main)
}

/// What is known of a merchant, as a form says it.
fn fields(typed: &Entry, token: &Token, suspended: bool) -> Result<MerchantFields, Problem> {
    let scale = token.scale;
    let basis_points = typed.amount("fee.basis_points", 2)?;
    let too_much = || Problem::field("fee.basis_points", "0 to 100 percent");
    let basis_points = u32::try_from(basis_points.units()).ok().filter(|points| *points <= 10_000);
    let origins = typed.get("return_origins").lines().map(str::trim);
    Ok(MerchantFields {
        name: typed.line::<1, 100>("name")?,
        return_origins: origins.filter(|line| !line.is_empty()).map(str::to_owned).collect(),
        limits: MerchantLimits {
            order: typed.amount("order", scale)?,
            open: typed.whole("open")?,
            day: typed.amount("day", scale)?,
        },
        fee: Fee {
            basis_points: basis_points.ok_or_else(too_much)?,
            fixed: typed.amount("fee.fixed", scale)?,
        },
        threshold: typed.amount("threshold", scale)?,
        suspended,
    })
}

fn registration(sent: Sent<'_>, token: &Token) -> Markup {
    html! {
        (within("/admin/merchants", "Merchants"))
        (sent.complaint())
        form method="post" action="/admin/merchants/new" {
            div.narrow { (sent.field("url", "Address of its server", Some("Such as https://shop.example: what signs its calls."))) }
            (merchant_fields(sent, token))
            (sent.tick("invite", "It sells once its server has accepted an invitation, which the next page shows"))
            div.choice {
                button type="submit" { "Register it" }
                a.button.second href="/admin/merchants" { "Not now" }
            }
        }
    }
}

fn merchant_fields(sent: Sent<'_>, token: &Token) -> Markup {
    let unit = format!("In {}.", token.code);
    let mut origins = sent.field(
        "return_origins",
        "Where buyers may be sent back to",
        Some("One on each line: scheme, host and port, such as https://shop.example."),
    );
    origins.kind = "textarea";
    html! {
        div.narrow {
            (sent.field("name", "Name", Some("What buyers know it by.")))
            (origins)
        }
        h2 { "How far it is trusted" }
        div.fields-beside {
            (sent.field("order", "Largest order", Some(&unit)))
            (sent.field("day", "Most that it sells in a day", Some(&unit)))
            (sent.field("open", "Orders that may wait at a time", None))
        }
        h2 { "What you keep" }
        div.fields-beside {
            (sent.field("fee.basis_points", "Share of each sale", Some("In percent.")))
            (sent.field("fee.fixed", "And a fixed part", Some(&unit)))
            (sent.field("threshold", "Balance from which a buyer counts as funded", Some(&unit)))
        }
    }
}

async fn found(app: &App, id: Id<Merchant>) -> Result<Merchant, Problem> {
    app.engine.store().merchant(id).await?.ok_or_else(Problem::not_found)
}

async fn show(
    _: AtProvider,
    State(app): State<App>,
    desk: Desk<See>,
    IdPath(id): IdPath<Merchant>,
    Query(place): Query<Place>,
) -> Result<Response, Problem> {
    let balance = app.engine.merchant_balance(id).await?.ok_or_else(Problem::not_found)?;
    let list = format!("merchant-transfers {id}");
    let lines = range(&app, &list, place.after.as_deref())?;
    let rows = app.engine.store().merchant_transfers(id, lines).await?;
    let next = List::of(&app.engine, &list, lines, &rows, |row| row.id.number(), |_| ()).next;
    let payouts = app.engine.store().payouts_of(id, range(&app, "payouts", None)?).await?;
    let (merchant, token) = (&balance.merchant, &desk.vendor.settings.token);
    let main = html! {
        (within("/admin/merchants", "Merchants"))
        p.lead { (merchant.url) " " (state_badge(merchant.state)) }
        (balance_facts(&balance, token))
        @if desk.may(Power::Money) { (acts(merchant)) }
        (merchant_facts(merchant, token))
        h2 { "Payouts" }
        @if payouts.is_empty() { p { "Nothing was paid out yet." } } @else { (payout_rows(&payouts, token)) }
        h2 { "Statement" }
        @if rows.is_empty() { p { "It has sold nothing yet." } } @else {
            (transfer_rows(&rows, token))
            (pager(&format!("/admin/merchants/{id}"), next.as_deref()))
        }
    };
    Ok(page(&app, &desk, &merchant.name, Section::Merchants, &main))
}

fn balance_facts(balance: &MerchantBalance, token: &Token) -> Markup {
    html! {
        dl.facts {
            dt { "Balance" } dd { strong { (net(balance.merchant.net(), token)) } }
            dt { "Waits" } dd { (MoneyOut::tokens(balance.pending, token)) ", for delivery or the end of the refund window" }
            dt { "Can be paid out" } dd { (MoneyOut::tokens(balance.payable, token)) }
        }
    }
}

fn acts(merchant: &Merchant) -> Markup {
    let here = format!("/admin/merchants/{}", merchant.id);
    html! {
        div.choice {
            a.button href={ (here) "/pay-out" } { "Record a payout" }
            a.button.second href={ (here) "/change" } { "Change it" }
            @match merchant.state {
                MerchantState::Active => a.button.second href={ (here) "/freeze" } { "Freeze it" },
                MerchantState::Suspended => a.button.second href={ (here) "/thaw" } { "Thaw it" },
                MerchantState::Invited => {}
            }
        }
        @if merchant.state == MerchantState::Invited {
            p { "It has not accepted its invitation yet, and sells nothing before." }
        }
    }
}

fn merchant_facts(merchant: &Merchant, token: &Token) -> Markup {
    let money = |amount| MoneyOut::tokens(amount, token);
    html! {
        h2 { "Terms" }
        dl.facts {
            dt { "You keep" } dd { (fee_text(merchant.fee, token)) " of each sale" }
            dt { "Largest order" } dd { (money(merchant.limits.order)) }
            dt { "In a day (UTC)" } dd { "at most " (money(merchant.limits.day)) }
            dt { "Waiting orders" } dd { (merchant.open) ", at most " (merchant.limits.open) }
            dt { "Funded from" } dd { (money(merchant.threshold)) }
            dt { "Buyers go back to" } dd { (merchant.return_origins.join(", ")) }
            dt { "Registered" } dd { (date(merchant.created_at)) }
        }
    }
}

fn payout_rows(payouts: &[Payout], token: &Token) -> Markup {
    table_of(
        "The latest ones",
        &["When", "#For", "#Paid", "Reference"],
        &html! {
            @for payout in payouts {
                tr {
                    th scope="row" { (date(payout.at)) }
                    td.sum { (MoneyOut::tokens(payout.tokens, token)) }
                    td.sum { (MoneyOut::currency(payout.money)) }
                    td { bdi { (payout.reference) } }
                }
            }
        },
    )
}

fn transfer_rows(rows: &[Transfer], token: &Token) -> Markup {
    table_of(
        "What moved its balance, newest first",
        &["When", "Why", "Order", "#Amount"],
        &html! {
            @for row in rows {
                @let out = matches!(row.debit, LedgerAccount::Merchant(_));
                tr {
                    th scope="row" { (date(row.at)) }
                    td { (reason_text(row.reason)) }
                    td {
                        @if let (true, Some(id)) = (row.reason != Reason::Payout, Id::<PurchaseRequest>::new(row.subject.0)) {
                            a href={ "/admin/requests/" (id) } { code { (id) } }
                        }
                    }
                    td.sum { @if out { "−" } (MoneyOut::tokens(row.amount, token)) }
                }
            }
        },
    )
}

fn reason_text(reason: Reason) -> String {
    match reason.as_str() {
        "capture" => "Sale".to_owned(),
        "fee" => "Your fee".to_owned(),
        "refund" => "Refund".to_owned(),
        "payout" => "Payout".to_owned(),
        word => word.to_owned(),
    }
}

async fn ask_change(
    _: AtProvider,
    State(app): State<App>,
    desk: Desk<Money>,
    IdPath(id): IdPath<Merchant>,
) -> Result<Response, Problem> {
    let merchant = found(&app, id).await?;
    let scale = desk.vendor.settings.token.scale;
    let mut typed = Entry::default();
    typed.put("name", &merchant.name);
    typed.put("return_origins", merchant.return_origins.join("\n"));
    typed.put("order", merchant.limits.order.decimal(scale));
    typed.put("open", merchant.limits.open);
    typed.put("day", merchant.limits.day.decimal(scale));
    typed.put("fee.basis_points", hundredths(merchant.fee.basis_points));
    typed.put("fee.fixed", merchant.fee.fixed.decimal(scale));
    typed.put("threshold", merchant.threshold.decimal(scale));
    Ok(change_form(&app, &desk, &merchant, Sent::only(&typed, None)))
}

async fn change(
    _: AtProvider,
    State(app): State<App>,
    desk: Desk<Money>,
    IdPath(id): IdPath<Merchant>,
    Form(typed): Form<Entry>,
) -> Result<Response, Problem> {
    let merchant = found(&app, id).await?;
    let suspended = merchant.state == MerchantState::Suspended;
    let problem = match fields(&typed, &desk.vendor.settings.token, suspended) {
        Ok(fields) => match app.engine.change_merchant(desk.staff, id, fields).await? {
            Ok(_) => return Ok(Redirect::to(&format!("/admin/merchants/{id}")).into_response()),
            Err(refusal) => called_here(refusal.into()),
        },
        Err(problem) => problem,
    };
    Ok(change_form(&app, &desk, &merchant, Sent::only(&typed, Some(&problem))))
}

fn change_form(app: &App, clerk: &Clerk, merchant: &Merchant, sent: Sent<'_>) -> Response {
    let here = format!("/admin/merchants/{}", merchant.id);
    let main = html! {
        (within(&here, &merchant.name))
        (sent.complaint())
        form method="post" action={ (here) "/change" } {
            (merchant_fields(sent, &clerk.vendor.settings.token))
            div.choice {
                button type="submit" { "Save" }
                a.button.second href=(here) { "Not now" }
            }
        }
    };
    answer(app, clerk, "Change a merchant", Section::Merchants, &main, sent.problem)
}

/// Whether a merchant is to be frozen, by the word in the address.
fn freezes(word: &str) -> Result<bool, Problem> {
    match word {
        "freeze" => Ok(true),
        "thaw" => Ok(false),
        _ => Err(Problem::not_found()),
    }
}

async fn ask_turn(
    _: AtProvider,
    State(app): State<App>,
    desk: Desk<Money>,
    NamePath((id, word)): NamePath<(String, String)>,
) -> Result<Response, Problem> {
    let id: Id<Merchant> = id.parse().map_err(|_| Problem::not_found())?;
    let freezes = freezes(&word)?;
    let merchant = found(&app, id).await?;
    let here = format!("/admin/merchants/{id}");
    let says = html! {
        @if freezes {
            p.lead { bdi { (merchant.name) } " can open no orders and take no payments until you thaw it. It can still deliver and give back." }
        } @else {
            p.lead { bdi { (merchant.name) } " sells again at once." }
        }
    };
    let question = Question {
        says: &says,
        action: &format!("{here}/{word}"),
        fields: &Markup::default(),
        button: if freezes { "Freeze it" } else { "Thaw it" },
        is_final: freezes,
        back: &here,
    };
    let main = html! { (within(&here, &merchant.name)) (question.ask(None)) };
    let title = if freezes { "Freeze a merchant" } else { "Thaw a merchant" };
    Ok(page(&app, &desk, title, Section::Merchants, &main))
}

async fn turn(
    _: AtProvider,
    State(app): State<App>,
    desk: Desk<Money>,
    NamePath((id, word)): NamePath<(String, String)>,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Redirect, Problem> {
    let id: Id<Merchant> = id.parse().map_err(|_| Problem::not_found())?;
    let suspended = freezes(&word)?;
    let Merchant { name, return_origins, limits, fee, threshold, .. } = found(&app, id).await?;
    let fields = MerchantFields { name, return_origins, limits, fee, threshold, suspended };
    app.engine.change_merchant(desk.staff, id, fields).await??;
    Ok(Redirect::to(&format!("/admin/merchants/{id}")))
}

async fn ask_pay_out(
    _: AtProvider,
    State(app): State<App>,
    desk: Desk<Money>,
    IdPath(id): IdPath<Merchant>,
) -> Result<Response, Problem> {
    let mut typed = Entry::default();
    typed.put("key", chance(&app));
    typed.put("currency", desk.vendor.settings.token.unit_value.money.unit);
    payout_form(&app, &desk, id, Sent::only(&typed, None)).await
}

async fn pay_out(
    _: AtProvider,
    State(app): State<App>,
    desk: Desk<Money>,
    IdPath(id): IdPath<Merchant>,
    Form(mut typed): Form<Entry>,
) -> Result<Response, Problem> {
    let token = &desk.vendor.settings.token;
    let problem = match typed.keyed(&app).and_then(|()| payout(&typed, token)) {
        Ok(ask) => {
            let PayoutAsk { tokens, money, reference } = &ask;
            let what = format!(
                "{id} {} {} {} {reference}",
                tokens.units(),
                money.amount.units(),
                money.unit
            );
            let request = Request::new(typed.get("key"), what.as_bytes(), request_id::current());
            match app.engine.pay_out(desk.staff, id, ask, request).await? {
                Ok(Answered::First(_) | Answered::Replayed(_)) => {
                    return Ok(Redirect::to(&format!("/admin/merchants/{id}")).into_response());
                }
                Err(refusal) => Problem::payout(&refusal, token),
            }
        }
        Err(problem) => problem,
    };
    payout_form(&app, &desk, id, Sent::only(&typed, Some(&problem))).await
}

fn payout(typed: &Entry, token: &Token) -> Result<PayoutAsk, Problem> {
    let tokens = typed.amount("tokens", token.scale)?;
    let unit = typed.currency("currency")?;
    let amount = typed.amount("money", unit.currency_scale())?;
    if amount.is_zero() {
        return Err(Problem::field("money", "more than nothing"));
    }
    let reference = typed.text::<1, 500>("reference")?;
    Ok(PayoutAsk { tokens, money: Sum { amount, unit }, reference })
}

async fn payout_form(
    app: &App,
    clerk: &Clerk,
    id: Id<Merchant>,
    sent: Sent<'_>,
) -> Result<Response, Problem> {
    let balance = app.engine.merchant_balance(id).await?.ok_or_else(Problem::not_found)?;
    let token = &clerk.vendor.settings.token;
    let here = format!("/admin/merchants/{id}");
    let most = format!("At most {}.", MoneyOut::tokens(balance.payable, token));
    let label = format!("For so many {}", token.code);
    let says = html! {
        p.lead { "Pay " bdi { (balance.merchant.name) } " as you pay others, and record it here: its balance goes down by it." }
        (balance_facts(&balance, token))
    };
    let fields = html! {
        input type="hidden" name="key" value=(sent.value("key"));
        div.narrow {
            (sent.field("tokens", &label, Some(&most)))
            (sent.field("money", "Money that was paid", None))
            (sent.field("currency", "In the currency", None))
            (sent.field("reference", "Where it stands in your own papers", Some("Such as SEPA 2026-11-30/4.")))
        }
    };
    let question = Question {
        says: &says,
        action: &format!("{here}/pay-out"),
        fields: &fields,
        button: "It was paid",
        is_final: false,
        back: &here,
    };
    let main = html! { (within(&here, &balance.merchant.name)) (question.ask(sent.problem)) };
    Ok(answer(app, clerk, "Record a payout", Section::Merchants, &main, sent.problem))
}
