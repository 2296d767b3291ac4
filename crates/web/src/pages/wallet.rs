//! The buyer's wallet: what is in it, and what became of it.

use axum::Router;
use axum::extract::State;
use axum::response::{Redirect, Response};
use axum::routing::{get, post};
use maud::{Markup, html};
use scrip_domain::ledger::{LedgerAccount, Reason, Transfer};
use scrip_domain::link::PartnerSubject;
use scrip_domain::lot::{LotKind, OpenLot};
use scrip_domain::partner::Partner;
use scrip_domain::settings::Token;
use scrip_domain::wallet::Wallet;
use scrip_engine::Page;

use super::form::{Form, Nothing};
use super::visit::{OwnAccounts, SignedIn};
use super::{date, private};
use crate::App;
use crate::extract::IdPath;
use crate::money::MoneyOut;
use crate::problem::Problem;

/// How many lines of the statement the page shows.
const LINES: u32 = 20;
/// How many partners it names.
const PARTNERS: u32 = 100;

pub fn routes() -> Router<App> {
    Router::new().route("/wallet", get(show)).route("/wallet/links/{id}/cut", post(cut))
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

async fn show(
    _: OwnAccounts,
    State(app): State<App>,
    visit: SignedIn,
) -> Result<Response, Problem> {
    let store = app.engine.store();
    let wallet = store.wallet(visit.buyer.wallet).await?.ok_or_else(Problem::not_found)?;
    let wallet = wallet.as_of(app.engine.now());
    let lines = Page { after: None, limit: LINES };
    let lines = store.transfers_of(visit.buyer.account, lines).await?;
    let partners = store.open_partners(Page { after: None, limit: PARTNERS }).await?;
    let linked = app.engine.linked_partners(visit.buyer.account).await?;
    let main = html! {
        (shown(&wallet, &lines, &visit.visit.vendor.settings.token))
        (others(&partners, &linked))
    };
    Ok(private(&app, "Your wallet", &visit.visit, &main))
}

fn shown(wallet: &Wallet, lines: &[Transfer], token: &Token) -> Markup {
    let money = |amount| MoneyOut::tokens(amount, token);
    html! {
        h1 { "Your wallet" }
        p.balance { (money(wallet.available())) }
        @if !wallet.held().is_zero() { p { (money(wallet.held())) " more are reserved for purchases under way." } }
        @if !wallet.owed().is_zero() {
            p { (money(wallet.owed())) " are owed, for money that went back after its tokens were spent. What you add pays this first." }
        }
        p { a.button href="/wallet/top-up" { "Add funds" } }
        @if !wallet.lots.is_empty() {
            h2 { "What is in it" }
            table {
                thead { tr { th scope="col" { "Tokens" } th scope="col" { "From" } th scope="col" { "Last until" } } }
                tbody { @for lot in &wallet.lots { (lot_row(lot, token)) } }
            }
        }
        h2 { "Statement" }
        @if lines.is_empty() { p { "Nothing has moved yet." } } @else {
            table {
                thead { tr { th scope="col" { "When" } th scope="col" { "What" } th.sum scope="col" { "Tokens" } } }
                tbody { @for line in lines { (line_row(line, wallet, token)) } }
            }
        }
    }
}

/// Other vendors: where the tokens can become others, and where those come from that can become tokens here.
fn others(partners: &[Partner], linked: &[(PartnerSubject, Partner)]) -> Markup {
    html! {
        @if !partners.is_empty() {
            h2 { "Exchange" }
            ul {
                @for partner in partners {
                    li { a href={ "/partners/" (partner.id) } { (partner.name) } }
                }
            }
        }
        @if !linked.is_empty() {
            h2 { "Linked accounts" }
            p { "From your accounts there, tokens that you exchange arrive in this wallet." }
            @for (row, partner) in linked {
                form method="post" action={ "/wallet/links/" (partner.id) "/cut" } {
                    p { (partner.name) ", since " (date(row.at)) " " button.plain type="submit" { "Cut the link" } }
                }
            }
        }
    }
}

fn lot_row(lot: &OpenLot, token: &Token) -> Markup {
    let from = match lot.kind {
        LotKind::Paid => "bought",
        LotKind::Promo => "a gift",
        LotKind::Exchange => "exchanged",
        LotKind::Credit => "on credit",
    };
    html! {
        tr {
            td { (MoneyOut::tokens(lot.remaining, token)) }
            td { (from) }
            td { @match lot.expires_at { Some(at) => (date(at)), None => "no end" } }
        }
    }
}

fn line_row(line: &Transfer, wallet: &Wallet, token: &Token) -> Markup {
    let free = LedgerAccount::Free(wallet.id);
    let sign = match (line.debit == free, line.credit == free) {
        (true, _) => "−",
        (_, true) => "+",
        _ => "",
    };
    html! {
        tr {
            td { (date(line.at)) }
            td { (reason(line.reason)) }
            td.sum { (sign) (MoneyOut::tokens(line.amount, token)) }
        }
    }
}

/// Why tokens moved, for people.
pub fn reason(reason: Reason) -> &'static str {
    match reason {
        Reason::TopUp => "Funds added",
        Reason::Adjustment => "Adjusted by the vendor",
        Reason::Grant => "A gift",
        Reason::Purchase => "Purchase",
        Reason::Refund => "Refund",
        Reason::Expiry => "Expired",
        Reason::Clawback => "Taken back with its money",
        Reason::Restored => "Given again",
        Reason::Debt => "Paid what was owed",
        Reason::Hold => "Held for a merchant",
        Reason::Capture => "Taken by a merchant",
        Reason::Void | Reason::ExchangeVoid => "Held no more",
        Reason::Fee => "Fee",
        Reason::Payout => "Paid to a merchant",
        Reason::ExchangeHold => "Held for an exchange",
        Reason::Exchange => "Exchange",
        Reason::Reversal => "Exchange taken back",
    }
}
