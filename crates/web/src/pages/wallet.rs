//! The buyer's wallet: what is in it, what that opens, and what became of it.

mod automatic;
pub mod statement;

use axum::Router;
use axum::extract::State;
use axum::response::{Redirect, Response};
use axum::routing::{get, post};
use maud::{Markup, html};
use scrip_domain::account::NotPermitted;
use scrip_domain::auto_top_up::AutoTopUp;
use scrip_domain::credit_line::CreditLine;
use scrip_domain::link::PartnerSubject;
use scrip_domain::lot::{LotKind, OpenLot};
use scrip_domain::partner::Partner;
use scrip_domain::role::Role;
use scrip_domain::settings::{Flow, Settings};
use scrip_domain::wallet::Wallet;
use scrip_domain::{Amount, Span, Timestamp};
use scrip_engine::Page;

use super::form::{Form, Nothing};
use super::look::{Tone, badge, notice, price};
use super::visit::{Local, OwnAccounts, SignedIn};
use super::{date, private, top_up};
use crate::App;
use crate::api::ListQuery;
use crate::extract::{IdPath, Query};
use crate::language::{say, t};
use crate::money::MoneyOut;
use crate::problem::Problem;

/// How many partners it names.
const PARTNERS: u32 = 100;
/// What expires within so long is marked.
const SOON: Span = Span::days(30);

pub fn routes() -> Router<App> {
    Router::new()
        .route("/wallet", get(show))
        .route("/wallet/links/{id}/cut", post(cut))
        .merge(automatic::routes())
        .merge(statement::routes())
}

/// Cuts a link from the side of the account that receives.
async fn cut(
    _: OwnAccounts,
    State(app): State<App>,
    IdPath(id): IdPath<Partner>,
    visit: SignedIn,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Redirect, Problem> {
    app.engine.cut_link(visit.buyer, id).await?;
    Ok(Redirect::to("/wallet"))
}

/// Everything that the page shows besides the statement.
struct Shown<'a> {
    wallet: Wallet,
    /// The lowest price above zero, where this server sells.
    cheapest: Option<Amount>,
    sells: bool,
    line: Option<CreditLine>,
    automatic: Option<AutoTopUp>,
    /// Whether the vendor takes cards, without which nothing is topped up by itself.
    cards: bool,
    settings: &'a Settings,
    now: Timestamp,
}

async fn show(
    _: OwnAccounts,
    State(app): State<App>,
    visit: SignedIn,
    Query(query): Query<ListQuery>,
) -> Result<Response, Problem> {
    let (engine, store) = (&app.engine, app.engine.store());
    let now = engine.now();
    let wallet = store.wallet(visit.buyer.wallet).await?.ok_or_else(Problem::not_found)?;
    let shown = Shown {
        wallet: wallet.as_of(now),
        cheapest: engine.cheapest().await?,
        sells: engine.roles().has(Role::Vendor),
        line: store.credit_line(visit.buyer.account).await?,
        automatic: store.auto_top_up(visit.buyer.account).await?.filter(AutoTopUp::is_wanted),
        cards: engine.processor().is_some(),
        settings: &visit.visit.vendor.settings,
        now,
    };
    let lines = statement::lines(&app, &visit, &query).await?;
    let partners = store.open_partners(Page { after: None, limit: PARTNERS }).await?;
    let linked = engine.linked_partners(visit.buyer.account).await?;
    let main = html! {
        h1 { (t("Your wallet")) }
        (balance(&shown))
        (standing(&visit, &shown))
        div.beside {
            div { (lots(&shown)) (lines) }
            aside { (automatically(&shown)) (credit(&shown)) (others(&partners, &linked)) }
        }
    };
    Ok(private(&app, t("Your wallet"), &visit.visit, &main))
}

/// What the account and its balance open, and what is missing.
fn standing(visit: &SignedIn, shown: &Shown<'_>) -> Markup {
    let token = &shown.settings.token;
    let refused = visit.member.account.permits(&shown.settings.required()).err();
    if let Some(refused) = refused {
        let text = match refused {
            NotPermitted::Frozen => t("This account is frozen: nothing can be bought with it."),
            NotPermitted::Incomplete(_) => {
                t("Something is missing in your account before you can buy.")
            }
        };
        return notice(
            Tone::Warn,
            &html! { p { (text) " " a href="/account?next=%2Fwallet" { (t("See your account")) } "." } },
        );
    }
    if !shown.sells {
        return Markup::default();
    }
    let needed = shown.settings.threshold.effective(shown.cheapest);
    let missing = shown.wallet.available().shortfall(needed);
    if missing.is_zero() {
        return html! { p { (badge(Tone::Good, t("Ordering is open"))) } };
    }
    notice(
        Tone::Warn,
        &html! {
            p {
                (say!("{tokens} more", tokens = html! { strong { (MoneyOut::tokens(missing, token)) } })) " "
                @match shown.settings.flow {
                    Flow::RegisterFirst => { (say!("opens ordering here: that takes {tokens} in your wallet.",
                        tokens = MoneyOut::tokens(needed, token))) }
                    Flow::BrowseFirst | Flow::MembersOnly => { (say!("is enough to begin: with {tokens} there is something to buy.", tokens = MoneyOut::tokens(needed, token))) }
                }
            }
            p { (top_up::button(&Local::default(), missing, shown.settings, "button")) }
            (top_up::another_sum(missing, shown.settings))
        },
    )
}

fn balance(shown: &Shown<'_>) -> Markup {
    let (wallet, token) = (&shown.wallet, &shown.settings.token);
    let money = |amount| MoneyOut::tokens(amount, token);
    let worth = token.unit_value.price_of(wallet.available()).map(MoneyOut::currency);
    html! {
        section.card.balance-card aria-label=(t("Balance")) {
            div {
                p.balance { (money(wallet.available())) }
                @if let Some(worth) = worth { p.hint { (say!("Worth {worth}", worth)) } }
            }
            div.row {
                a.button href="/wallet/top-up" { (t("Add funds")) }
                a.button.second href="/wallet/top-ups" { (t("What you added")) }
            }
            @if !wallet.held().is_zero() {
                p { (say!("{money} more are reserved for purchases under way.", money = money(wallet.held()))) }
            }
            @if !wallet.owed().is_zero() {
                p { (say!("{money} are owed, for money that went back after its tokens were spent. What you add pays \
                    this first.", money = money(wallet.owed()))) }
            }
        }
    }
}

fn lots(shown: &Shown<'_>) -> Markup {
    if shown.wallet.lots.is_empty() {
        return html! {
            h2 { (t("Your wallet is empty")) }
            p { (say!("{name} ({code}) is what you pay with here. Add some, and they are yours to spend.",
                name = shown.settings.token.name, code = shown.settings.token.code)) }
        };
    }
    html! {
        h2 { (t("What is in it")) }
        p.hint { (t("What expires first is spent first.")) }
        div.wide tabindex="0" role="group" aria-label=(t("Table")) { table {
            caption.unseen { (t("Tokens by where they came from")) }
            thead { tr {
                th scope="col" { (t("Tokens")) } th scope="col" { (t("From")) } th scope="col" { (t("Last until")) }
                th scope="col" { (t("Can be exchanged")) }
            } }
            tbody { @for lot in &shown.wallet.lots { (lot_row(lot, shown)) } }
        } }
    }
}

fn lot_row(lot: &OpenLot, shown: &Shown<'_>) -> Markup {
    let from = match lot.kind {
        LotKind::Paid => t("bought"),
        LotKind::Promo => t("a gift"),
        LotKind::Exchange => t("exchanged"),
        LotKind::Credit => t("on credit"),
    };
    html! {
        tr {
            td { (price(lot.remaining, &shown.settings.token)) }
            td { (from) @if !lot.held.is_zero() { " " (badge(Tone::Info, t("partly reserved"))) } }
            td {
                @match lot.expires_at {
                    Some(at) => { (date(at)) @if at < shown.now.plus(SOON) { " " (badge(Tone::Warn, t("soon"))) } }
                    None => (t("no end")),
                }
            }
            td {
                @match lot.exchangeable_at {
                    Some(at) if at <= shown.now => (t("now")),
                    Some(at) => { (say!("from {date}", date = date(at))) }
                    None => (t("never")),
                }
            }
        }
    }
}

/// What is topped up by itself, or how to have it so.
fn automatically(shown: &Shown<'_>) -> Markup {
    let token = &shown.settings.token;
    if !shown.cards && shown.automatic.is_none() {
        return Markup::default();
    }
    html! {
        section.card aria-labelledby="automatic" {
            h2 #automatic { (t("Automatic top-up")) }
            @match &shown.automatic {
                None => p { (t("Off. A card can keep your wallet filled by itself.")) },
                Some(auto) => {
                    @if let Some(why) = auto.stopped { (automatic::stopped(why)) }
                    @else { p { (badge(Tone::Good, t("On"))) } }
                    p { (say!("Below {below} it is filled up to {target}.", below = MoneyOut::tokens(auto.below, token),
                        target = MoneyOut::tokens(auto.target, token))) }
                }
            }
            p { a.button.second href="/wallet/automatic" { @if shown.automatic.is_some() { (t("Change")) } @else { (t("Set it up")) } } }
        }
    }
}

fn credit(shown: &Shown<'_>) -> Markup {
    let Some(line) = &shown.line else { return Markup::default() };
    html! {
        section.card aria-labelledby="credit" {
            h2 #credit { (t("Credit line")) }
            dl.facts {
                dt { (t("You may owe")) } dd { (MoneyOut::currency(line.limit)) }
                dt { (t("You owe")) } dd { (MoneyOut::currency(line.owed())) }
                dt { (t("Left to draw")) } dd { (MoneyOut::currency(line.left())) }
            }
            p.hint { (t("What you owe is paid to the vendor directly; it is booked here when it came.")) }
        }
    }
}

/// Other vendors: where the tokens can become others, and where those come from that can become tokens here.
fn others(partners: &[Partner], linked: &[(PartnerSubject, Partner)]) -> Markup {
    html! {
        @if !partners.is_empty() {
            section.card aria-labelledby="exchange" {
                h2 #exchange { (t("Exchange")) }
                p { (t("Your tokens can become tokens of:")) }
                ul {
                    @for partner in partners {
                        li { a href={ "/partners/" (partner.id) } { bdi { (partner.name) } } }
                    }
                }
            }
        }
        @if !linked.is_empty() {
            section.card aria-labelledby="linked" {
                h2 #linked { (t("Linked accounts")) }
                p { (t("From your accounts there, tokens that you exchange arrive in this wallet.")) }
                @for (row, partner) in linked {
                    form method="post" action={ "/wallet/links/" (partner.id) "/cut" } {
                        p { (say!("{name}, since {date}", name = html! { bdi { (partner.name) } }, date = date(row.at))) " "
                            button.plain type="submit" { (t("Cut the link"))
                                span.unseen { " " (say!("with {name}", name = partner.name)) } } }
                    }
                }
            }
        }
    }
}
