//! The JSON API, a file per noun.

pub(crate) mod account_export;
pub(crate) mod account_statement;
mod accounts;
pub mod admin;
mod agreement_terms;
mod auto_top_ups;
mod connections;
mod credit_line;
mod demo;
pub(crate) mod downloads;
mod emails;
mod events;
mod evidence;
pub mod exchanges;
pub(crate) mod export;
mod hooks;
mod license_changes;
pub(crate) mod licenses;
mod links;
mod merchant;
mod orders;
pub(crate) mod partners;
mod passkeys;
mod passwords;
mod payment_methods;
mod payments;
mod peer;
pub(crate) mod pictures;
pub(crate) mod products;
mod purchase_requests;
mod quotes;
pub(crate) mod refund_requests;
mod refunds;
mod second_factors;
mod sessions;
mod terms;
mod texts;
mod top_ups;
mod updates;
mod vendor;
mod verifications;
mod visibility;
pub(crate) mod wallet;

use axum::extract::MatchedPath;
use axum::response::{IntoResponse, Response};
use scrip_engine::{Engine, Page};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use crate::App;
use crate::cors;
use crate::problem::Problem;

/// Every route of the API.
pub fn routes() -> OpenApiRouter<App> {
    let open = vendor::routes().merge(products::routes());
    let open = open.merge(pictures::routes()).merge(licenses::by_code::routes());
    let open = open.merge(license_changes::public()).merge(partners::public());
    cors::open(open)
        .merge(accounts::routes())
        .merge(sessions::routes())
        .merge(passwords::routes())
        .merge(emails::routes())
        .merge(passkeys::routes())
        .merge(second_factors::routes())
        .merge(verifications::routes())
        .merge(connections::routes())
        .merge(wallet::routes())
        .merge(account_statement::routes())
        .merge(account_export::routes())
        .merge(payment_methods::routes())
        .merge(top_ups::routes())
        .merge(auto_top_ups::routes())
        .merge(quotes::routes())
        .merge(orders::routes())
        .merge(refund_requests::routes())
        .merge(evidence::routes())
        .merge(licenses::routes())
        .merge(license_changes::routes())
        .merge(downloads::routes())
        .merge(updates::routes())
        .merge(events::routes())
        .merge(hooks::routes())
        .merge(payments::routes())
        .merge(purchase_requests::routes())
        .merge(partners::routes())
        .merge(links::routes())
        .merge(exchanges::routes())
        .merge(merchant::routes())
        .merge(peer::routes())
        .merge(admin::routes())
        .merge(demo::routes())
}

/// What a merchant's buyers have at the provider, and its staff cannot do for them.
const ELSEWHERE: [&str; 15] = [
    "/v1/accounts",
    "/v1/wallet",
    "/v1/top-ups",
    "/v1/payment-methods",
    "/v1/purchases",
    "/v1/admin/voucher-batches",
    "/v1/account/payment-method",
    "/v1/account/auto-top-up",
    "/v1/admin/top-ups",
    "/v1/admin/coupons",
    "/v1/admin/accounts/{id}/adjust",
    "/v1/admin/accounts/{id}/credit-limit",
    "/v1/exchange-quotes",
    "/v1/exchanges",
    "/v1/admin/exchanges",
];

/// What only servers of some roles have besides.
const OF_SOME_ROLES: [&str; 12] = [
    "/v1/partners",
    "/v1/links",
    "/v1/admin/partners",
    "/v1/admin/agreements",
    "/v1/admin/statements",
    "/v1/admin/settlements",
    "/v1/admin/bank",
    "/v1/admin/merchants",
    "/v1/admin/provider",
    "/v1/connections",
    "/v1/payments",
    "/v1/merchant",
];

/// Whether servers of some roles have nothing at this path.
pub fn is_of_some_roles(path: &str) -> bool {
    ELSEWHERE.iter().chain(&OF_SOME_ROLES).any(|root| is_below(path, root))
}

fn is_below(path: &str, root: &str) -> bool {
    path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Answers at a merchant, in the place of every route about balances, where they are; `None` where it is here. Pages send
/// a person there by themselves (`OwnAccounts`).
pub fn elsewhere(app: &App, route: Option<&MatchedPath>) -> Option<Response> {
    let (provider, route) = (app.engine.provider()?, route?);
    let is_there = ELSEWHERE.iter().any(|root| is_below(route.as_str(), root));
    is_there.then(|| Problem::at_the_provider(provider.url()).into_response())
}

/// Which part of a list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// How many at most.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
    /// The `next` of the page before.
    #[param(max_length = 1000)]
    after: Option<String>,
}

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct List<T> {
    /// What is on this page.
    pub data: Vec<T>,
    /// Where the next page begins; null on the last one.
    #[schema(required)]
    pub next: Option<String>,
}

/// How long a cursor is good.
const CURSOR: scrip_domain::Span = scrip_domain::Span::days(7);

impl ListQuery {
    /// What follows `after`, so many at most.
    pub fn of(limit: u32, after: Option<String>) -> Self {
        Self { limit: Some(limit), after }
    }

    /// The page that is asked for, of the list called `list`.
    pub fn page(&self, engine: &Engine, list: &str) -> Result<Page, Problem> {
        let after = self.after.as_deref().map(|cursor| {
            let unreadable = || Problem::no_page();
            engine.unseal(&format!("cursor {list}"), cursor).ok_or_else(unreadable)
        });
        Ok(Page { after: after.transpose()?, limit: self.limit()? })
    }

    /// How many are asked for.
    pub fn limit(&self) -> Result<u32, Problem> {
        match self.limit {
            None => Ok(20),
            Some(limit @ 1..=100) => Ok(limit),
            Some(_) => Err(Problem::field("limit", "1 to 100")),
        }
    }
}

impl<T> List<T> {
    /// The page that `rows` make, each shown by `show`; a full page has a next one after `number`.
    pub fn of<R>(
        engine: &Engine,
        list: &str,
        page: Page,
        rows: &[R],
        number: impl Fn(&R) -> u64,
        show: impl FnMut(&R) -> T,
    ) -> Self {
        let full = u32::try_from(rows.len()).is_ok_and(|count| count == page.limit);
        let seal = |row: &R| {
            engine.seal(&format!("cursor {list}"), &number(row), engine.now().plus(CURSOR))
        };
        Self { next: rows.last().filter(|_| full).map(seal), data: rows.iter().map(show).collect() }
    }
}
