//! Who calls. Authorization is a parameter: a handler that takes a [`Buyer`] cannot forget it.

use axum::extract::FromRequestParts;
use http::header;
use http::request::Parts;
use scrip_domain::Id;
use scrip_domain::account::Account;
use scrip_domain::api_key::Scope;
use scrip_domain::order::Order;
use scrip_domain::role::Role;
use scrip_engine::Staff;
use scrip_engine::checkout::Holder;
use scrip_engine::session::Signed;

use crate::App;
use crate::problem::Problem;
use crate::request_id;

/// Somebody, or a visitor.
#[derive(Debug)]
pub struct Caller(pub Option<Signed>);

/// An account's own session or API key, to read with.
#[derive(Debug)]
pub struct Buyer(pub scrip_engine::Buyer);

/// The same, to spend with.
#[derive(Debug)]
pub struct Spender(pub scrip_engine::Buyer);

/// An account, to read what is its own; or the vendor's staff, to read what is anybody's.
#[derive(Debug)]
pub enum Reader {
    /// An account's session or API key.
    Buyer(scrip_engine::Buyer),
    /// The vendor's staff.
    Admin,
}

impl Reader {
    /// Whether what belongs to `account` may be read.
    pub fn may_read_of(&self, account: Option<Id<Account>>) -> bool {
        match self {
            Self::Buyer(buyer) => Some(buyer.account) == account,
            Self::Admin => true,
        }
    }
}

/// The vendor's staff, for everything.
#[derive(Debug)]
pub struct Admin(pub Staff);

/// The vendor's staff, for the catalogue.
#[derive(Debug)]
pub struct Cataloguer(pub Staff);

/// The vendor's staff, for accounts: to see, adjust, freeze.
#[derive(Debug)]
pub struct Keeper(pub Staff);

/// This server is a provider; another one has nothing at such a route. The first parameter of its handlers.
#[derive(Debug)]
pub struct AtProvider;

/// The same of a server with a token and wallets of its own: it may have partners.
#[derive(Debug)]
pub struct AtPartner;

/// The same of a merchant.
#[derive(Debug)]
pub struct AtMerchant;

/// Wallets are here, and not at a provider.
#[derive(Debug)]
pub struct AtWallets;

impl FromRequestParts<App> for AtWallets {
    type Rejection = Problem;

    async fn from_request_parts(_: &mut Parts, app: &App) -> Result<Self, Problem> {
        match app.engine.provider() {
            Some(provider) => Err(Problem::at_the_provider(provider.url())),
            None => Ok(Self),
        }
    }
}

/// This server sells: a vendor, or a merchant.
#[derive(Debug)]
pub struct AtSeller;

impl FromRequestParts<App> for AtSeller {
    type Rejection = Problem;

    async fn from_request_parts(_: &mut Parts, app: &App) -> Result<Self, Problem> {
        at(app, Role::Vendor).or_else(|_| at(app, Role::Merchant)).map(|()| Self)
    }
}

impl FromRequestParts<App> for AtProvider {
    type Rejection = Problem;

    async fn from_request_parts(_: &mut Parts, app: &App) -> Result<Self, Problem> {
        at(app, Role::Provider).map(|()| Self)
    }
}

impl FromRequestParts<App> for AtPartner {
    type Rejection = Problem;

    async fn from_request_parts(_: &mut Parts, app: &App) -> Result<Self, Problem> {
        if app.engine.roles().may_have_partners() { Ok(Self) } else { Err(Problem::not_found()) }
    }
}

impl FromRequestParts<App> for AtMerchant {
    type Rejection = Problem;

    async fn from_request_parts(_: &mut Parts, app: &App) -> Result<Self, Problem> {
        at(app, Role::Merchant).map(|()| Self)
    }
}

fn at(app: &App, role: Role) -> Result<(), Problem> {
    if app.engine.roles().has(role) { Ok(()) } else { Err(Problem::not_found()) }
}

/// Whoever may look at one order: its buyer, the vendor's staff, or at a merchant whoever holds its token.
#[derive(Debug)]
pub enum Looker {
    /// Its buyer, or the vendor's staff.
    Reader(Reader),
    /// The token that a visitor got with the order.
    Token(String),
}

/// Whoever may confirm one order or give it up: its buyer, or at a merchant whoever holds its token.
#[derive(Debug)]
pub enum Orderer {
    /// An account's session or API key.
    Buyer(scrip_engine::Buyer),
    /// The token that a visitor got with the order.
    Token(String),
}

impl Orderer {
    /// Who it is to the engine, if the token is that of `order`.
    pub fn holder(&self, app: &App, order: Id<Order>) -> Result<Holder, Problem> {
        match self {
            Self::Buyer(buyer) => Ok(Holder::Buyer(*buyer)),
            Self::Token(token) if app.engine.holds_order(token, order) => Ok(Holder::Token),
            Self::Token(_) => Err(Problem::not_found()),
        }
    }
}

impl FromRequestParts<App> for Looker {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        match order_token(parts, app) {
            Some(token) => Ok(Self::Token(token.to_owned())),
            None => Reader::from_request_parts(parts, app).await.map(Self::Reader),
        }
    }
}

impl FromRequestParts<App> for Orderer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        match order_token(parts, app) {
            Some(token) => Ok(Self::Token(token.to_owned())),
            None => Spender::from_request_parts(parts, app)
                .await
                .map(|Spender(buyer)| Self::Buyer(buyer)),
        }
    }
}

/// The token of an order, sent to a merchant as `Authorization: Order <token>`.
fn order_token<'a>(parts: &'a Parts, app: &App) -> Option<&'a str> {
    app.engine.provider()?;
    let value = parts.headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("order").then(|| token.trim())
}

/// The bearer token of a request, if it has one.
pub fn bearer(parts: &Parts) -> Result<Option<&str>, Problem> {
    let Some(value) = parts.headers.get(header::AUTHORIZATION) else { return Ok(None) };
    let value = value.to_str().unwrap_or_default();
    match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(Some(token.trim())),
        _ => Err(Problem::invalid_credentials("send Authorization: Bearer <token>")),
    }
}

impl FromRequestParts<App> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let Some(token) = bearer(parts)? else { return Ok(Self(None)) };
        match app.engine.authenticate(token).await? {
            Some(signed) => Ok(Self(Some(signed))),
            None => Err(Problem::invalid_credentials(
                "there is no such session or key, or it has ended",
            )),
        }
    }
}

impl Caller {
    /// The buyer who may do what needs `scope`; `None` for a visitor.
    pub fn buyer(&self, scope: Scope) -> Result<Option<scrip_engine::Buyer>, Problem> {
        let Some(signed) = &self.0 else { return Ok(None) };
        match signed.buyer {
            Some(buyer) if signed.may(scope) => Ok(Some(buyer)),
            Some(_) => Err(Problem::forbidden(format!("this key lacks the scope {scope}"))),
            None => {
                Err(Problem::forbidden("this is a vendor's key: use an account's session or key"))
            }
        }
    }
}

async fn buyer_with(
    caller: &Caller,
    app: &App,
    scope: Scope,
) -> Result<scrip_engine::Buyer, Problem> {
    match caller.buyer(scope)? {
        Some(buyer) => Ok(buyer),
        None if app.engine.provider().is_some() => Err(Problem::connection_required()),
        None => Err(Problem::account_required(&app.engine.vendor().await?.settings.registration)),
    }
}

impl FromRequestParts<App> for Reader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, app).await?;
        if staff(&caller, Scope::Admin).is_ok() {
            return Ok(Self::Admin);
        }
        buyer_with(&caller, app, Scope::Read).await.map(Self::Buyer)
    }
}

impl FromRequestParts<App> for Buyer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, app).await?;
        buyer_with(&caller, app, Scope::Read).await.map(Self)
    }
}

impl FromRequestParts<App> for Spender {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, app).await?;
        buyer_with(&caller, app, Scope::Purchase).await.map(Self)
    }
}

/// The vendor's staff, who may do what needs `scope`.
fn staff(caller: &Caller, scope: Scope) -> Result<Staff, Problem> {
    let Some(signed) = &caller.0 else {
        return Err(Problem::invalid_credentials("send an administrator's key"));
    };
    signed.staff(scope, request_id::current()).ok_or_else(|| {
        Problem::forbidden(format!("this needs a vendor's key with the scope {scope}"))
    })
}

impl FromRequestParts<App> for Admin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        staff(&Caller::from_request_parts(parts, app).await?, Scope::Admin).map(Self)
    }
}

impl FromRequestParts<App> for Keeper {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        staff(&Caller::from_request_parts(parts, app).await?, Scope::Accounts).map(Self)
    }
}

impl FromRequestParts<App> for Cataloguer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        staff(&Caller::from_request_parts(parts, app).await?, Scope::Catalog).map(Self)
    }
}
