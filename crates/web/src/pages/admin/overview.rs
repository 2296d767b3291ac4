//! The first page of the console: what came of the last days, and what waits for somebody.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use maud::{Markup, html};
use scrip_domain::exchange::ExchangeState;
use scrip_domain::report::{DayFigures, Figures, next};
use scrip_domain::settings::Token;
use scrip_domain::staff::Power;
use scrip_domain::top_up::TopUpState;
use scrip_domain::{Amount, Span, Timestamp};
use scrip_engine::Page;
use scrip_engine::report::Report;
use serde::Deserialize;

use super::desk::{Clerk, Desk, See};
use super::parts::filters;
use super::{Section, page};
use crate::App;
use crate::extract::Query;
use crate::money::MoneyOut;
use crate::pages::chart::{Chart, Point, Shape};
use crate::pages::look::{Tone, badge, notice};
use crate::pages::pay::size_text;
use crate::problem::Problem;

pub fn routes() -> Router<App> {
    Router::new().route("/admin", get(show))
}

/// How far back one can look, in days.
const SPANS: [u32; 4] = [7, 30, 90, 365];

/// So many of what waits are counted.
const COUNTED: u32 = 50;

#[derive(Debug, Default, Deserialize)]
struct Wanted {
    days: Option<u32>,
}

async fn show(
    State(app): State<App>,
    desk: Desk<See>,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Problem> {
    let days = wanted.days.filter(|days| SPANS.contains(days)).unwrap_or(30);
    let today = app.engine.now().midnight();
    let from = today.minus(Span::days(days.saturating_sub(1)));
    let report = app.engine.report(from, today).await??;
    let before = from.minus(Span::days(1));
    let before = app.engine.report(from.minus(Span::days(days)), before).await??;
    let waits = waiting(&app, &desk).await?;
    let choices =
        SPANS.map(|span| (format!("/admin?days={span}"), format!("{span} days"), span == days));
    let main = html! {
        (what_waits(&waits))
        (filters("Which days", &choices))
        @if !report.is_complete {
            (notice(Tone::Info, &html! {
                "Days before today are still being summed, one after the other. Those that are missing come by themselves."
            }))
        }
        (totals(&app, &desk, &report, &before, days))
        (charts(&app, &report, &desk.vendor.settings.token))
    };
    Ok(page(&app, &desk, "Overview", Section::Overview, &main))
}

/// Something that waits: how many, what, and where.
struct Waiting {
    count: usize,
    one: &'static str,
    many: &'static str,
    to: &'static str,
    tone: Tone,
}

/// What waits for somebody who may see it.
async fn waiting(app: &App, clerk: &Clerk) -> Result<Vec<Waiting>, Problem> {
    let store = app.engine.store();
    let some = Page { after: None, limit: COUNTED.saturating_add(1) };
    let mut waits = Vec::new();
    let mut add = |count, one, many, to, tone| {
        if count > 0 {
            waits.push(Waiting { count, one, many, to, tone });
        }
    };
    let count = store.open_refund_requests(some.limit).await?;
    add(
        count,
        "request for a refund waits",
        "requests for refunds wait",
        "/admin/refund-requests",
        Tone::Warn,
    );
    if app.engine.provider().is_none() {
        let count = store.top_ups_in_review(some).await?.len();
        add(
            count,
            "top-up waits for review",
            "top-ups wait for review",
            "/admin/top-ups",
            Tone::Warn,
        );
        let count = store.top_ups_in(TopUpState::Disputed, some).await?.len();
        let to = "/admin/top-ups?state=disputed";
        add(count, "top-up is disputed", "top-ups are disputed", to, Tone::Bad);
    }
    if app.engine.roles().may_have_partners() {
        let mut count: usize = 0;
        for state in [ExchangeState::Reserved, ExchangeState::Prepared, ExchangeState::Committed] {
            count = count.saturating_add(store.exchanges(Some(state), None, some).await?.len());
        }
        let to = "/admin/exchanges";
        add(count, "exchange is unfinished", "exchanges are unfinished", to, Tone::Info);
    }
    if clerk.may(Power::Settings) {
        let endpoints = store.webhook_endpoints(Page { after: None, limit: 100 }).await?;
        let failing = endpoints
            .iter()
            .filter(|endpoint| endpoint.removed_at.is_none() && endpoint.failing_since.is_some());
        let to = "/admin/webhooks";
        add(failing.count(), "webhook fails", "webhooks fail", to, Tone::Bad);
    }
    Ok(waits)
}

fn what_waits(waits: &[Waiting]) -> Markup {
    let most = usize::try_from(COUNTED).unwrap_or(usize::MAX);
    html! {
        h2 { "What waits" }
        @if waits.is_empty() {
            p { "Nothing waits for you." }
        } @else {
            ul.waits {
                @for Waiting { count, one, many, to, tone } in waits {
                    @let shown = if *count > most { format!("over {most}") } else { count.to_string() };
                    li { (badge(*tone, &shown)) a href=(to) { (if *count == 1 { one } else { many }) } }
                }
            }
        }
    }
}

/// What is sold here, and whether wallets are.
fn parts(app: &App) -> (bool, bool) {
    (app.engine.roles().sells(), app.engine.provider().is_none())
}

/// The sums, each with how it differs from the days before.
fn totals(app: &App, clerk: &Clerk, report: &Report, before: &Report, days: u32) -> Markup {
    let token = &clerk.vendor.settings.token;
    let (now, then) = (Figures::over(&report.days), Figures::over(&before.days));
    let (sells, has_wallets) = parts(app);
    let tokens = |amount| MoneyOut::tokens(amount, token).to_string();
    let change = |now: u64, then: u64| change(now, then, days, before.is_complete);
    let of = |now: Amount, then: Amount| change(now.units(), then.units());
    let left = report.days.last().map(DayFigures::in_wallets);
    let left_before = before.days.last().map(DayFigures::in_wallets).unwrap_or_default();
    html! {
        h2 { "The last " (days) " days, in UTC" }
        ul.cards {
            @if sells {
                (stat("Sales", &tokens(now.spent), &of(now.spent, then.spent)))
                (stat("Orders", &now.orders.to_string(), &change(now.orders, then.orders)))
            }
            @if has_wallets {
                (stat("Tokens sold", &tokens(now.sold), &of(now.sold, then.sold)))
                @for money in &now.paid {
                    @let earlier = then.paid.iter().find(|one| one.unit == money.unit);
                    @let earlier = earlier.map_or(Amount::ZERO, |one| one.amount);
                    (stat("Paid for them", &MoneyOut::currency(*money).to_string(), &of(money.amount, earlier)))
                }
            }
            @if sells {
                (stat("Refunds", &tokens(now.refunded), &of(now.refunded, then.refunded)))
                (stat("Downloads", &format!("{} ({})", now.downloads, size_text(now.bytes)), &change(now.downloads, then.downloads)))
            }
            @if has_wallets {
                (stat("Breakage", &tokens(now.expired), &of(now.expired, then.expired)))
                (stat("Clawed back", &tokens(now.clawed_back), &of(now.clawed_back, then.clawed_back)))
            }
            (stat("New accounts", &now.accounts.to_string(), &change(now.accounts, then.accounts)))
            @if let (true, Some(left)) = (has_wallets, left) {
                (stat("Outstanding now", &tokens(left), &of(left, left_before)))
            }
        }
    }
}

fn stat(name: &str, value: &str, change: &str) -> Markup {
    html! { li.stat { p { (name) } strong { (value) } p { (change) } } }
}

/// How a figure differs from that of the span before.
fn change(now: u64, then: u64, days: u32, is_known: bool) -> String {
    if !is_known {
        return String::new();
    }
    if now == then {
        return format!("As in the {days} days before");
    }
    if then == 0 {
        return format!("Nothing in the {days} days before");
    }
    let (word, gap) = if now > then { ("more", now - then) } else { ("less", then - now) };
    let hundredths = u128::from(gap).saturating_mul(100) / u128::from(then);
    match hundredths {
        0 => format!("Under 1 % {word} than in the {days} days before"),
        1..=999 => format!("{hundredths} % {word} than in the {days} days before"),
        _ => format!("Over ten times the {days} days before"),
    }
}

fn charts(app: &App, report: &Report, token: &Token) -> Markup {
    let (sells, has_wallets) = parts(app);
    let days = every_day(report, app.engine.now());
    let tokens = |of: fn(&DayFigures) -> Amount| -> Vec<Point> {
        let point = |(day, figures): &(Timestamp, Option<&DayFigures>)| {
            let amount = figures.map_or(Amount::ZERO, of);
            let display = MoneyOut::tokens(amount, token).to_string();
            Point { label: day.date(), value: amount.units(), display }
        };
        days.iter().map(point).collect()
    };
    let draw = |id: &str, title: &str, description: &str, shape, points: &[Point]| {
        Chart { id, title, description, shape, points, scale: token.scale }.draw()
    };
    let bars = |id: &str, title: &str, description: &str, of| {
        draw(id, title, description, Shape::Bars, &tokens(of))
    };
    html! {
        div.charts {
            @if sells { (bars("sales", "Sales", "Tokens spent on orders, by day.", |day| day.spent)) }
            @if has_wallets { (bars("sold", "Top-ups", "Tokens sold, by day.", |day| day.sold)) }
            @if sells {
                (bars("refunds", "Refunds", "Tokens that went back to buyers, by day.", |day| day.refunded))
                (downloads(&days))
            }
            @if has_wallets {
                (bars("breakage", "Breakage", "Tokens that expired, by day.", |day| day.expired))
                (draw("outstanding", "Outstanding tokens", "Tokens in wallets at the end of each day.", Shape::Line,
                    &tokens(DayFigures::in_wallets)))
            }
        }
    }
}

fn downloads(days: &[(Timestamp, Option<&DayFigures>)]) -> Markup {
    let point = |(day, figures): &(Timestamp, Option<&DayFigures>)| {
        let (count, bytes) = figures.map_or((0, 0), |day| (day.downloads, day.bytes));
        let display = format!("{count} ({})", size_text(bytes));
        Point { label: day.date(), value: count, display }
    };
    let points: Vec<_> = days.iter().map(point).collect();
    let (title, description) = ("Downloads", "Downloads that came to their end, by day.");
    let chart = Chart {
        id: "downloads",
        title,
        description,
        shape: Shape::Bars,
        points: &points,
        scale: 0,
    };
    chart.draw()
}

/// Each day of the report, with its figures where there are any: none from before the shop began.
fn every_day(report: &Report, now: Timestamp) -> Vec<(Timestamp, Option<&DayFigures>)> {
    let mut days = Vec::new();
    let mut day = report.from;
    let last = report.to.min(now.midnight());
    while day <= last {
        days.push((day, report.days.iter().find(|figures| figures.day == day)));
        day = next(day);
    }
    days
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_told_in_words_and_never_of_what_is_not_known() {
        let told = |now, then| change(now, then, 7, true);
        assert_eq!(told(150, 100), "50 % more than in the 7 days before");
        assert_eq!(told(75, 100), "25 % less than in the 7 days before");
        assert_eq!(told(1001, 1000), "Under 1 % more than in the 7 days before");
        assert_eq!(told(5, 5), "As in the 7 days before");
        assert_eq!(told(5, 0), "Nothing in the 7 days before");
        assert_eq!(told(5000, 5), "Over ten times the 7 days before");
        assert_eq!(change(5, 0, 7, false), "");
    }
}
