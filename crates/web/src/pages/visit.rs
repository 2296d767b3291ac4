//! Whose browser it is: a session in a cookie, which no script reads and no other site sends along.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Redirect, Response};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method, header};
use scrip_domain::Id;
use scrip_domain::account::Account;
use scrip_domain::language::Language;
use scrip_domain::order::Order;
use scrip_domain::session::{Browser, LIFETIME};
use scrip_domain::settings::Vendor;
use scrip_engine::Buyer;
use scrip_engine::legal::Legal;
use scrip_engine::memory::Member;
use scrip_engine::session::KNOWN_FOR;

use super::cart::Cart;
use super::language::here;
use crate::App;
use crate::problem::Problem;

/// Somebody's browser.
#[derive(Debug)]
pub struct Visit {
    /// The vendor whose pages these are.
    pub vendor: Arc<Vendor>,
    /// Who is signed in.
    pub member: Option<(Buyer, Member)>,
    /// What was chosen to be bought.
    pub cart: Cart,
    /// The texts that every page leads to.
    pub legal: Arc<[Legal]>,
    /// Which page this is, without its query.
    pub path: String,
    /// The page that shows in the browser, to come back to.
    pub here: Local,
    /// Its family, as it says itself.
    pub browser: Browser,
    token: Option<String>,
    known: Option<String>,
    connecting: Option<String>,
    going: Option<String>,
    paying: Option<String>,
    forgot: Option<String>,
}

/// For how long a browser remembers where a forgotten password has stopped it: as long as the link in the letter is good.
const FORGOT: i64 = 3_600;
/// For how long a browser may be away at the provider to sign in.
const CONNECTING: i64 = 15 * 60;
/// For how long a browser remembers which checkout it was on its way to.
const GOING: i64 = 24 * 3_600;
/// For how long a browser remembers which orders it sent to the provider, and how many.
const PAYING: i64 = 24 * 3_600;
const ORDERS: usize = 5;
/// For how long a browser keeps its language.
const SPOKEN: i64 = 365 * 86_400;
/// For how long a browser keeps its cart.
const CARRIED: i64 = 30 * 86_400;

impl FromRequestParts<App> for Visit {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let vendor = app.engine.vendor().await?;
        let token = cookie(&parts.headers, &name(&vendor)).map(str::to_owned);
        let signed = match &token {
            Some(token) => app.engine.authenticate(token).await?,
            None => None,
        };
        // An API key in a cookie is nobody's browser.
        let buyer = signed.filter(|signed| signed.key.is_none()).and_then(|signed| signed.buyer);
        let member = match buyer {
            Some(buyer) => app.engine.member(buyer.account).await?.map(|member| (buyer, member)),
            None => None,
        };
        let connecting = cookie(&parts.headers, &connecting(&vendor)).map(str::to_owned);
        let going = cookie(&parts.headers, &going(&vendor)).map(str::to_owned);
        let paying = cookie(&parts.headers, &paying(&vendor)).map(str::to_owned);
        let forgot = cookie(&parts.headers, &forgot(&vendor)).map(str::to_owned);
        let cart = cookie(&parts.headers, &carried(&vendor)).map(Cart::read).unwrap_or_default();
        let path = parts.uri.path().to_owned();
        let known = cookie(&parts.headers, &known(&vendor)).map(str::to_owned);
        let agent = parts.headers.get(header::USER_AGENT);
        let browser = Browser::of(agent.and_then(|agent| agent.to_str().ok()).unwrap_or_default());
        let legal = app.engine.legal_texts().await?;
        let here = here(&parts.method, &parts.uri, &parts.headers);
        Ok(Self {
            vendor,
            member,
            cart,
            legal,
            path,
            here,
            browser,
            token,
            known,
            connecting,
            going,
            paying,
            forgot,
        })
    }
}

impl Visit {
    /// Whether nothing tells this browser from any other: nobody is signed in, and nothing is chosen.
    pub fn is_anybody(&self) -> bool {
        self.member.is_none() && self.cart.units() == 0
    }

    /// The session's token, to end it.
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// What this browser keeps since somebody signed in with it.
    pub fn known(&self) -> Option<&str> {
        self.known.as_deref()
    }

    /// The header that makes this browser a known one.
    pub fn know(vendor: &Vendor, known: &str) -> HeaderValue {
        set(&self::known(vendor), known, KNOWN_FOR.as_millis() / 1000)
    }

    /// The header that signs this browser in, with a session's token.
    pub fn sign_in(vendor: &Vendor, token: &str) -> HeaderValue {
        set(&name(vendor), token, LIFETIME.as_millis() / 1000)
    }

    /// The header that remembers in which language this browser reads.
    pub fn speak(vendor: &Vendor, language: Language) -> HeaderValue {
        set(&Self::language_name(vendor), language.tag(), SPOKEN)
    }

    /// The name of the cookie that holds the language.
    pub fn language_name(vendor: &Vendor) -> String {
        format!("__Host-scrip-language-{}", vendor.id)
    }

    /// The header that signs this browser out.
    pub fn sign_out(vendor: &Vendor) -> HeaderValue {
        set(&name(vendor), "", 0)
    }

    /// The header that keeps what this browser has chosen.
    pub fn carry(vendor: &Vendor, cart: &Cart) -> HeaderValue {
        let seconds = if cart.units() == 0 { 0 } else { CARRIED };
        set(&carried(vendor), &cart.to_string(), seconds)
    }

    /// The header that remembers that this browser went to the provider for `connection`, and what comes next.
    pub fn connect(vendor: &Vendor, connection: &str, next: Option<&Local>) -> HeaderValue {
        let next = next.map_or_else(String::new, Local::quoted);
        set(&connecting(vendor), &format!("{connection}~{next}"), CONNECTING)
    }

    /// The header that remembers that a page of this browser led to the checkout with `key`. What else it chose is no
    /// secret; that it chose it here is what counts.
    pub fn go(vendor: &Vendor, key: &str) -> HeaderValue {
        set(&going(vendor), key, GOING)
    }

    /// Whether a page of this browser led to the checkout with `key`: nobody else's link opens an order.
    pub fn goes(&self, key: &str) -> bool {
        !key.is_empty() && self.going.as_deref() == Some(key)
    }

    /// Whether this browser went to the provider for `connection`: nobody is signed in by a link from somebody else.
    pub fn has_begun(&self, connection: &str) -> bool {
        let begun =
            self.connecting.as_deref().map(|begun| begun.split('~').next().unwrap_or(begun));
        begun == Some(connection)
    }

    /// The header that remembers that this browser went to the provider to pay for `order`.
    pub fn pay(&self, order: Id<Order>) -> HeaderValue {
        let new = order.to_string();
        let before = self.orders().filter(|one| *one != new);
        let all: Vec<_> = std::iter::once(new.as_str()).chain(before).take(ORDERS).collect();
        set(&paying(&self.vendor), &all.join("~"), PAYING)
    }

    /// Whether this browser went to the provider to pay for `order`.
    pub fn has_ordered(&self, order: Id<Order>) -> bool {
        let order = order.to_string();
        self.orders().any(|one| one == order)
    }

    fn orders(&self) -> impl Iterator<Item = &str> {
        self.paying.iter().flat_map(|all| all.split('~'))
    }

    /// Whether somebody is signed in to `account`.
    pub fn is_of(&self, account: Id<Account>) -> bool {
        self.member.as_ref().is_some_and(|(buyer, _)| buyer.account == account)
    }

    /// The page that it left to go there, if it did.
    pub fn left(&self) -> Option<Local> {
        let (_, next) = self.connecting.as_deref()?.split_once('~')?;
        Local::unquoted(next)
    }

    /// The header that remembers what comes next once a new password was chosen by mail.
    pub fn forget(vendor: &Vendor, next: &Local) -> HeaderValue {
        set(&forgot(vendor), &next.quoted(), FORGOT)
    }

    /// Where a forgotten password has stopped this browser.
    pub fn forgot(&self) -> Option<Local> {
        self.forgot.as_deref().and_then(Local::unquoted)
    }
}

/// A browser in which somebody is signed in; any other is sent to sign in first, and comes back.
#[derive(Debug)]
pub struct SignedIn {
    /// The browser.
    pub visit: Visit,
    /// Who.
    pub buyer: Buyer,
    /// The account, and what it can spend.
    pub member: Member,
}

impl FromRequestParts<App> for SignedIn {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let visit =
            Visit::from_request_parts(parts, app).await.map_err(IntoResponse::into_response)?;
        if let Some((buyer, member)) = visit.member.clone() {
            return Ok(Self { visit, buyer, member });
        }
        // What was sent with a form is gone: they are told so, and the page that had it comes back.
        let asked = matches!(parts.method, Method::GET | Method::HEAD);
        let to = if asked { "/sign-in" } else { "/sign-in?lost=true" };
        Err(Redirect::to(&visit.here.after(to)).into_response())
    }
}

/// This server keeps accounts and wallets itself. A merchant does not: who asks it for such a page is sent to the same page
/// of its provider, and who wants to sign in, to sign in through it.
#[derive(Debug)]
pub struct OwnAccounts;

impl FromRequestParts<App> for OwnAccounts {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let Some(provider) = app.engine.provider() else { return Ok(Self) };
        let to = match parts.uri.path() {
            "/sign-in" | "/register" => {
                let query = parts.uri.query().map_or_else(String::new, |query| format!("?{query}"));
                format!("/connect{query}")
            }
            path => {
                let asked = parts.uri.path_and_query().map_or(path, PathAndQuery::as_str);
                format!("{}{asked}", provider.url())
            }
        };
        Err(Redirect::to(&to).into_response())
    }
}

/// A page of this server, to go on to: a path, and never another site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Local(String);

impl Default for Local {
    fn default() -> Self {
        Self("/wallet".to_owned())
    }
}

impl Local {
    /// Reads a path; `None` for anything that a browser could take for another site.
    pub fn new(path: &str) -> Option<Self> {
        let local = path.starts_with('/') && !path.starts_with("//");
        let plain = path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
        (local && plain && path.len() <= 1000).then(|| Self(path.to_owned()))
    }

    /// The path.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address of `page`, from which this one comes next.
    pub fn after(&self, page: &str) -> String {
        let more = if page.contains('?') { '&' } else { '?' };
        format!("{page}{more}next={}", self.quoted())
    }

    /// The path as a query or a cookie has it.
    fn quoted(&self) -> String {
        form_urlencoded::byte_serialize(self.0.as_bytes()).collect()
    }

    fn unquoted(quoted: &str) -> Option<Self> {
        // Written as a query is: `x=` makes it one.
        let query = format!("x={quoted}");
        let (_, path) = form_urlencoded::parse(query.as_bytes()).next()?;
        Self::new(&path)
    }
}

/// The cookie's name: cookies do not tell the servers on one host apart, so their names do.
fn name(vendor: &Vendor) -> String {
    format!("__Host-scrip-{}", vendor.id)
}

/// The value of the cookie called `name`.
pub fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = all.flat_map(|value| value.split(';')).map(str::trim);
    pairs.find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
}

fn known(vendor: &Vendor) -> String {
    format!("__Host-scrip-known-{}", vendor.id)
}

fn carried(vendor: &Vendor) -> String {
    format!("__Host-scrip-cart-{}", vendor.id)
}

fn going(vendor: &Vendor) -> String {
    format!("__Host-scrip-going-{}", vendor.id)
}

fn forgot(vendor: &Vendor) -> String {
    format!("__Host-scrip-forgot-{}", vendor.id)
}

fn paying(vendor: &Vendor) -> String {
    format!("__Host-scrip-paying-{}", vendor.id)
}

fn connecting(vendor: &Vendor) -> String {
    format!("__Host-scrip-connecting-{}", vendor.id)
}

fn set(name: &str, value: &str, seconds: i64) -> HeaderValue {
    let text = format!("{name}={value}; Path=/; Max-Age={seconds}; Secure; HttpOnly; SameSite=Lax");
    HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_goes_on_to_this_server_only() {
        for good in ["/wallet", "/pay/x?y=z", "/", "/a//b"] {
            assert_eq!(Local::new(good).unwrap().as_str(), good);
        }
        for bad in
            ["", "wallet", "//evil.example", "https://evil.example", "/\\evil", "/a\nb", "/ä"]
        {
            assert_eq!(Local::new(bad), None, "{bad}");
        }
        assert_eq!(Local::new("//x").unwrap_or_default().as_str(), "/wallet");
        assert_eq!(
            Local::new("/pay/a?b=c&d").unwrap().after("/sign-in"),
            "/sign-in?next=%2Fpay%2Fa%3Fb%3Dc%26d"
        );
    }

    #[test]
    fn the_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, HeaderValue::from_static("a=b; xs=1; s=2"));
        headers.append(header::COOKIE, HeaderValue::from_static("t=3"));
        assert_eq!(cookie(&headers, "s"), Some("2"));
        assert_eq!(cookie(&headers, "t"), Some("3"));
        assert_eq!(cookie(&headers, "u"), None);
    }
}
