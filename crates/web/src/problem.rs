//! Problems (RFC 9457): the one table from refusals and faults to problem types, which `kind` explains.

mod exchanges;
mod funds;
pub mod kind;
mod licenses;
mod mail;
mod partners;
mod passkeys;
mod refund_requests;
mod servers;
mod settlements;
mod staff;
mod terms;

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use scrip_domain::account::Field;
use scrip_domain::gate::{GateRefusal, Short};
use scrip_domain::order::OrderState;
use scrip_domain::request::RequestId;
use scrip_domain::settings::{Settings, Token};
use scrip_domain::visibility::Level;
use scrip_engine::Fault;
use scrip_engine::account::NoSuchAccount;
use scrip_engine::api_key::NoSuchKey;
use scrip_engine::catalog::{CatalogRefusal, Wrong};
use scrip_engine::coupon::{CouponRefusal, NoSuchCoupon};
use scrip_engine::download::DownloadRefusal;
use scrip_engine::grant::GrantRefusal;
use scrip_engine::identity::ConnectRefusal;
use scrip_engine::keys::NoKeyHome;
use scrip_engine::purchase::PurchaseRefusal;
use scrip_engine::refund::RefundRefusal;
use scrip_engine::register::RegisterRefusal;
use scrip_engine::selection::NotASelection;
use scrip_engine::session::SignInRefusal;
use scrip_engine::vendor::SettingsRefusal;
use scrip_engine::voucher::NoSuchBatch;
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use crate::answer::Json;
use crate::language::{t, text};
use crate::money::{MoneyOut, SuggestionOut};
use crate::{request_id, trace};

pub use kind::Kind;

/// An answer that says what is wrong. Small, because every handler may carry one.
#[derive(Clone, Debug)]
pub struct Problem(Box<ProblemOut>);

/// An answer that says what is wrong: `application/problem+json`.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemOut {
    /// Where the code is explained.
    #[serde(rename = "type")]
    #[schema(example = "/problems/invalid_field")]
    address: String,
    /// The code in words.
    title: &'static str,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What happened here, for a person.
    detail: String,
    /// What callers branch on.
    #[schema(example = "invalid_field")]
    code: &'static str,
    /// The request, for support.
    request_id: String,
    /// The fields that are wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    errors: Vec<FieldError>,
    #[serde(flatten)]
    #[schema(ignore)]
    more: Map<String, Value>,
    #[serde(skip)]
    #[schema(ignore)]
    retry_after: Option<u64>,
    #[serde(skip)]
    #[schema(ignore)]
    challenge: Option<&'static str>,
    /// What happened, on a page: where `detail` speaks of what only programs have.
    #[serde(skip)]
    #[schema(ignore)]
    on_page: Option<&'static str>,
}

/// A field that is wrong.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FieldError {
    /// Where: a path into the body, or the name of a parameter or header.
    #[schema(example = "lines[0].quantity")]
    pub field: String,
    /// What is wrong with it.
    #[schema(example = "invalid")]
    pub code: String,
    /// The same for a person.
    pub detail: String,
}

impl Problem {
    /// A problem of this type.
    pub fn new(kind: &'static Kind, detail: impl Into<String>) -> Self {
        Self(Box::new(ProblemOut {
            address: kind.address(),
            title: kind.title,
            status: kind.status.as_u16(),
            detail: detail.into(),
            code: kind.code,
            request_id: request_id::current().to_string(),
            errors: Vec::new(),
            more: Map::new(),
            retry_after: None,
            challenge: None,
            on_page: None,
        }))
    }

    /// A field of the request is wrong.
    pub fn field(field: impl Into<String>, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        let problem = Self::new(&kind::INVALID_FIELD, detail.clone());
        problem.with_error(field, "invalid", detail)
    }

    /// There is no such thing, or it is not the caller's.
    pub fn not_found() -> Self {
        Self::new(&kind::NOT_FOUND, t("there is nothing here"))
    }

    /// The path is right, the method is not.
    pub fn no_method() -> Self {
        Self::new(&kind::METHOD_NOT_ALLOWED, t("this path takes other methods"))
    }

    /// A cursor names a page; one that this list never gave out, or long ago, names nothing.
    pub fn no_page() -> Self {
        let detail = t("not a cursor of this list, or too old: begin without `after`");
        Self::new(&kind::NOT_FOUND, detail).with_error("after", "invalid", detail)
    }

    /// The caller may not do this.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(&kind::FORBIDDEN, detail)
    }

    /// An account is needed, with these fields at registration.
    pub fn account_required(fields: &[Field]) -> Self {
        let detail = "register or sign in first";
        let mut problem = Self::new(&kind::ACCOUNT_REQUIRED, detail)
            .with("links", json!({ "register": "/v1/accounts", "sign_in": "/v1/sessions" }))
            .with_error("email", "required", "the address that signs in")
            .with_error("password", "required", t("8 to 200 characters"));
        for field in fields {
            problem = problem.with_error(field.as_str(), "required", "asked for at registration");
        }
        problem.0.challenge = Some("Bearer");
        problem
    }

    /// Nobody knows now: ask again.
    pub fn busy(detail: impl Into<String>) -> Self {
        let mut problem = Self::new(&kind::BUSY, detail);
        problem.0.retry_after = Some(1);
        problem
    }

    /// The server was restored from a backup, and has not heard all that it must.
    pub fn restoring() -> Self {
        let detail = t(
            "the server was restored from a backup and hears first what happened since: ask again",
        );
        let mut problem = Self::new(&kind::RESTORING, detail);
        problem.0.retry_after = Some(5);
        problem
    }

    /// A request of another server is not believed; why is not told.
    pub fn signature_refused() -> Self {
        let detail = "this request is not signed by a server that this one deals with";
        let mut problem = Self::new(&kind::SIGNATURE_REFUSED, detail);
        problem.0.challenge = Some("Signature");
        problem
    }

    /// At a merchant: an account is one at its provider.
    pub fn connection_required() -> Self {
        let detail = t("sign in through the provider first");
        let links = json!({ "connect": "/v1/connections", "sign_in": "/v1/sessions" });
        let mut problem = Self::new(&kind::ACCOUNT_REQUIRED, detail).with("links", links);
        problem.0.challenge = Some("Bearer");
        problem
    }

    /// At a merchant: what buyers have at its provider only.
    pub fn at_the_provider(provider: &str) -> Self {
        let detail = t("buyers have their accounts, wallets and top-ups at the provider");
        Self::new(&kind::NOT_FOUND, detail).with("links", json!({ "provider": provider }))
    }

    /// The credentials are wrong or have ended.
    pub fn invalid_credentials(detail: impl Into<String>) -> Self {
        let mut problem = Self::new(&kind::INVALID_CREDENTIALS, detail);
        problem.0.challenge = Some("Bearer");
        problem
    }

    /// The caller means another representation than there is.
    pub fn precondition_failed(detail: &str) -> Self {
        Self::new(&kind::PRECONDITION_FAILED, detail)
    }

    /// Come back in so many seconds.
    pub fn rate_limited(seconds: u64) -> Self {
        let detail = text!("too many tries: wait {seconds} seconds", seconds);
        let mut problem = Self::new(&kind::RATE_LIMITED, detail);
        problem.0.retry_after = Some(seconds);
        problem
    }

    /// The same problem with a further member.
    #[must_use]
    pub fn with(mut self, member: &str, value: impl Serialize) -> Self {
        self.0.more.insert(member.to_owned(), serde_json::to_value(value).unwrap_or_default());
        self
    }

    /// The same problem with a further wrong field.
    #[must_use]
    pub fn with_error(
        mut self,
        field: impl Into<String>,
        code: &str,
        detail: impl Into<String>,
    ) -> Self {
        let error =
            FieldError { field: field.into(), code: code.to_owned(), detail: detail.into() };
        self.0.errors.push(error);
        self
    }

    /// The same problem with the scheme by which to authenticate.
    #[must_use]
    pub fn challenged(mut self, scheme: &'static str) -> Self {
        self.0.challenge = Some(scheme);
        self
    }

    /// The same problem as the first answer to this request had it.
    #[must_use]
    pub fn of_request(mut self, first: RequestId) -> Self {
        self.0.request_id = first.to_string();
        self
    }

    /// The code.
    pub fn code(&self) -> &'static str {
        self.0.code
    }

    /// The code in words.
    pub fn title(&self) -> &'static str {
        self.0.title
    }

    /// What happened, for a person.
    pub fn detail(&self) -> &str {
        self.0.on_page.unwrap_or(&self.0.detail)
    }

    /// The same problem, told like this on a page.
    fn on_page(mut self, detail: &'static str) -> Self {
        self.0.on_page = Some(detail);
        self
    }

    /// The request, for support.
    pub fn request_id(&self) -> &str {
        &self.0.request_id
    }

    /// The fields that are wrong.
    pub fn errors(&self) -> &[FieldError] {
        &self.0.errors
    }

    /// What is wrong with the field called `name`, if anything.
    pub fn error(&self, name: &str) -> Option<&str> {
        let error = self.0.errors.iter().find(|error| error.field == name)?;
        Some(&error.detail)
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn short(kind: &'static Kind, detail: &str, short: Short, token: &Token) -> Self {
        let money = |amount| MoneyOut::tokens(amount, token);
        Self::new(kind, detail)
            .with("required", money(short.required))
            .with("balance", money(short.balance))
            .with("shortfall", money(short.balance.shortfall(short.required)))
            .with("links", json!({ "top_up": "/v1/top-ups" }))
    }

    /// What the gate says, and where tokens are missing, what can be added.
    pub fn gate(refusal: &GateRefusal, settings: &Settings) -> Self {
        let problem = Self::shut(refusal, &settings.token);
        match refusal {
            GateRefusal::BelowThreshold(short) | GateRefusal::InsufficientBalance(short) => {
                let missing = short.balance.shortfall(short.required);
                problem.with("top_up", SuggestionOut::new(missing, settings))
            }
            _ => problem,
        }
    }

    /// What the gate says.
    fn shut(refusal: &GateRefusal, token: &Token) -> Self {
        match refusal {
            GateRefusal::AccountRequired(fields) => Self::account_required(fields),
            GateRefusal::AccountFrozen => Self::account_frozen(),
            GateRefusal::AccountIncomplete(fields) => {
                let detail = t("complete your account first");
                let problem = Self::new(&kind::ACCOUNT_INCOMPLETE, detail)
                    .with("links", json!({ "account": "/v1/account" }));
                fields.iter().fold(problem, |problem, field| {
                    let detail = match field {
                        Field::EmailVerified => t("open the link that was sent to the address"),
                        _ => t("required of every account"),
                    };
                    problem.with_error(field.as_str(), "required", detail)
                })
            }
            GateRefusal::ConnectionRequired => Self::connection_required(),
            GateRefusal::NotFunded { shared } => {
                let detail = if *shared {
                    t(
                        "ordering opens when your balance at the provider reaches the threshold: top up there first",
                    )
                } else {
                    t(
                        "ordering opens at a threshold: sign in through the provider again, and share whether your \
                     balance reaches it",
                    )
                };
                Self::new(&kind::BALANCE_BELOW_THRESHOLD, detail)
                    .with("links", json!({ "connect": "/v1/connections" }))
            }
            GateRefusal::BelowThreshold(short) => Self::short(
                &kind::BALANCE_BELOW_THRESHOLD,
                t("ordering opens when your balance reaches the threshold: top up first"),
                *short,
                token,
            ),
            GateRefusal::InsufficientBalance(short) => Self::short(
                &kind::INSUFFICIENT_BALANCE,
                t("your balance does not cover this: top up first"),
                *short,
                token,
            ),
        }
    }

    /// What is said of a price that the caller's standing does not see: what would unlock it.
    pub fn hidden(needs: Level, first: Option<&GateRefusal>, settings: &Settings) -> Self {
        let problem = match (first, needs) {
            (Some(first), _) => Self::gate(first, settings),
            (None, Level::Covered) => Self::new(
                &kind::INSUFFICIENT_BALANCE,
                t("this price is shown when your balance covers it: top up first"),
            ),
            (None, Level::Visitor | Level::Member | Level::Funded) => Self::new(
                &kind::BALANCE_BELOW_THRESHOLD,
                t("prices are shown when your balance reaches the threshold: top up first"),
            ),
        };
        problem.with("hidden", json!([{ "fields": ["price"], "needs": needs }]))
    }

    fn not_paid(state: OrderState) -> Self {
        let detail = text!("nothing was paid: the order is {state}", state);
        Self::new(&kind::ORDER_NOT_PAID, detail).with("state", state)
    }

    /// Why a purchase, an order or a quote was refused.
    pub fn purchase(refusal: &PurchaseRefusal, settings: &Settings) -> Self {
        let token = &settings.token;
        match refusal {
            PurchaseRefusal::Gate(gate) => Self::gate(gate, settings),
            PurchaseRefusal::Declined { order, gate, .. } => {
                // It is said again word for word, whatever can be added by then.
                Self::shut(gate, token).with("order", order).with("state", "declined")
            }
            PurchaseRefusal::NotForSale(line) => {
                Self::new(&kind::NOT_FOR_SALE, t("this offer is not for sale")).with_error(
                    format!("lines[{line}].offer"),
                    "not_for_sale",
                    t("choose a current offer"),
                )
            }
            PurchaseRefusal::PriceHidden { line, needs, first } => {
                Self::hidden(*needs, first.as_ref(), settings).with_error(
                    format!("lines[{line}].offer"),
                    "price_hidden",
                    t("its price is not shown to you yet"),
                )
            }
            PurchaseRefusal::CouponRefused => {
                Self::new(&kind::COUPON_REFUSED, t("this coupon cannot be used for this selection"))
            }
            PurchaseRefusal::CouponUsedUp => Self::new(
                &kind::COUPON_REFUSED,
                t("the coupon of this order is used up by now: select again without it"),
            ),
            PurchaseRefusal::RateLimited(wait)
            | PurchaseRefusal::TooManyOrders(wait)
            | PurchaseRefusal::DeclinedTooOften(wait) => Self::rate_limited(wait.0),
            PurchaseRefusal::PriceChanged(total) => Self::new(
                &kind::PRICE_CHANGED,
                t("the total is now another: look again and confirm"),
            )
            .with("total", MoneyOut::tokens(*total, token)),
            PurchaseRefusal::AlreadyOwned(line) => {
                let detail = t("you own this already; send allow_duplicate to buy it again");
                let (field, why) = (format!("lines[{line}].offer"), t("owned for good"));
                Self::new(&kind::ALREADY_OWNED, detail).with_error(field, "already_owned", why)
            }
            PurchaseRefusal::TrialUsed(_)
            | PurchaseRefusal::NoSuchLicense(_)
            | PurchaseRefusal::NotExtendable { .. }
            | PurchaseRefusal::TooManyParts => Self::terms_refused(refusal),
            PurchaseRefusal::SelectionTooOld => {
                Self::field("selection", t("too old: select again"))
            }
            PurchaseRefusal::TooMuch => Self::field("lines", t("the total is out of range")),
            PurchaseRefusal::NoSuchOrder => Self::not_found(),
            PurchaseRefusal::NotDraft(state) => {
                Self::new(&kind::ORDER_NOT_DRAFT, text!("the order is {state}", state))
                    .with("state", state)
            }
            PurchaseRefusal::NotPaid(state) => Self::not_paid(*state),
            PurchaseRefusal::Expired => Self::new(
                &kind::ORDER_EXPIRED,
                t("the draft has expired: select again at today's prices"),
            ),
            PurchaseRefusal::KeyReused => Self::key_reused(),
            PurchaseRefusal::ProviderRefused { order, code, .. } => {
                let detail = t("the provider does not take this order");
                Self::new(&kind::PROVIDER_REFUSED, detail)
                    .with("reason", code)
                    .with("order", order)
                    .with("state", "declined")
            }
        }
    }

    /// Why nothing of an order was given back.
    pub fn refund(refusal: &RefundRefusal) -> Self {
        match refusal {
            RefundRefusal::NoSuchOrder => Self::not_found(),
            RefundRefusal::NotPaid(state) => Self::not_paid(*state),
            RefundRefusal::NoSuchLine(index) => {
                Self::field(format!("lines[{index}].line"), "the order has no such line")
            }
            RefundRefusal::TwiceNamed(index) => {
                Self::field(format!("lines[{index}].line"), "this line is named before")
            }
            RefundRefusal::TooMuch(index) => {
                Self::field(format!("lines[{index}]"), "more than the line sold or cost")
            }
            RefundRefusal::AlreadyRefunded(None) => {
                Self::new(&kind::ALREADY_REFUNDED, "all of this order was given back before")
            }
            RefundRefusal::AlreadyRefunded(Some(index)) => {
                let detail = "less than this is left of the line after what was given back before";
                Self::new(&kind::ALREADY_REFUNDED, detail).with_error(
                    format!("lines[{index}]"),
                    "already_refunded",
                    "look at the order's refunds",
                )
            }
            RefundRefusal::WalletFull => {
                Self::field("lines", t("the wallet cannot hold that much"))
            }
            RefundRefusal::KeyReused => Self::key_reused(),
            RefundRefusal::NotAsked => Self::new(
                &kind::REFUND_REQUEST_DECIDED,
                "the request was decided meanwhile: look at it again",
            ),
            RefundRefusal::ProviderRefused(code) => {
                Self::new(&kind::PROVIDER_REFUSED, "the provider does not give this back")
                    .with("reason", code)
            }
        }
    }

    fn email_taken(detail: &str) -> Self {
        let why = t("this address has an account");
        Self::new(&kind::EMAIL_TAKEN, detail).with_error("email", "taken", why)
    }

    fn account_frozen() -> Self {
        Self::new(&kind::ACCOUNT_FROZEN, t("the account is frozen: ask the vendor"))
    }

    fn key_reused() -> Self {
        let detail = t("this Idempotency-Key was used for another request: use a new one");
        Self::new(&kind::IDEMPOTENCY_KEY_REUSED, detail)
    }
}

impl From<ConnectRefusal> for Problem {
    fn from(refusal: ConnectRefusal) -> Self {
        match refusal {
            ConnectRefusal::NoProvider => Self::not_found(),
            ConnectRefusal::CodeRefused => Self::invalid_credentials(t(
                "the return code is wrong, was used, or is too old: sign in through the provider again",
            )),
            ConnectRefusal::ProviderRefused(code) => {
                Self::new(&kind::PROVIDER_REFUSED, t("the provider does not open a connection"))
                    .with("reason", code)
            }
            ConnectRefusal::RateLimited(wait) => Self::rate_limited(wait.0),
        }
    }
}

impl From<DownloadRefusal> for Problem {
    fn from(refusal: DownloadRefusal) -> Self {
        match refusal {
            DownloadRefusal::CodeRefused(reason) => {
                let detail = match reason {
                    Some(reason) => text!("the code does not open this file: {reason}", reason),
                    None => t("the code or link is wrong, or the link has ended").to_owned(),
                };
                let problem = Self::new(&kind::CODE_REFUSED, detail);
                match reason {
                    Some(reason) => problem.with("license_code", reason.as_str()),
                    None => problem,
                }
            }
            DownloadRefusal::Limit => Self::new(
                &kind::DOWNLOAD_LIMIT,
                t(
                    "the downloads of this license are used up; fetching the same file again within \
                    24 hours stays free",
                ),
            ),
            DownloadRefusal::NoSuchFile => Self::not_found(),
            DownloadRefusal::RateLimited(wait) => Self::rate_limited(wait.0),
        }
    }
}

impl From<GrantRefusal> for Problem {
    fn from(refusal: GrantRefusal) -> Self {
        match refusal {
            GrantRefusal::Past => Self::field("expires_at", "a time to come"),
            GrantRefusal::LastsTooLong => Self::field(
                "expires_at",
                "the wallet has a hundred lots, and all gifts in it expire sooner: choose an earlier time",
            ),
            GrantRefusal::TooMuch => Self::field("tokens", t("the wallet cannot hold that much")),
            GrantRefusal::AccountFrozen => {
                let detail = "the account is frozen: thaw it first";
                Self::new(&kind::ACCOUNT_FROZEN, detail)
            }
            GrantRefusal::KeyReused => Self::key_reused(),
        }
    }
}

impl From<RegisterRefusal> for Problem {
    fn from(refusal: RegisterRefusal) -> Self {
        match refusal {
            RegisterRefusal::EmailTaken => {
                Self::email_taken(t("this address has an account: sign in"))
            }
            RegisterRefusal::RateLimited(wait) => Self::rate_limited(wait.0),
        }
    }
}

impl From<SignInRefusal> for Problem {
    fn from(refusal: SignInRefusal) -> Self {
        match refusal {
            SignInRefusal::InvalidCredentials => {
                Self::invalid_credentials(t("the address or the password is wrong"))
            }
            SignInRefusal::RateLimited(wait) => Self::rate_limited(wait.0),
        }
    }
}

impl From<SettingsRefusal> for Problem {
    fn from(refusal: SettingsRefusal) -> Self {
        match refusal {
            SettingsRefusal::TokenFixed => Self::field(
                "token",
                "the token's code and scale are fixed: amounts mean something by them",
            ),
            SettingsRefusal::Wrong(wrong) => wrong.into(),
        }
    }
}

impl From<NotASelection> for Problem {
    fn from(refusal: NotASelection) -> Self {
        match refusal {
            NotASelection::Empty => Self::field("lines", t("select at least one offer")),
            NotASelection::TooManyLines => Self::field("lines", t("at most 50 lines")),
            NotASelection::NoUnits(line) => {
                Self::field(format!("lines[{line}].quantity"), t("at least 1"))
            }
            NotASelection::ExtendedTwice(line) => {
                let field = format!("lines[{line}].license");
                Self::field(field, t("another line extends it: raise its quantity"))
            }
            NotASelection::TooManyUnits => Self::field("lines", t("at most 100 units in all")),
        }
    }
}

impl From<CatalogRefusal> for Problem {
    fn from(refusal: CatalogRefusal) -> Self {
        match refusal {
            CatalogRefusal::NoSuchProduct
            | CatalogRefusal::NoSuchOffer
            | CatalogRefusal::NoSuchRelease => Self::not_found(),
            CatalogRefusal::SlugTaken => {
                Self::new(&kind::SLUG_TAKEN, "another product has this slug: choose another")
            }
            CatalogRefusal::Wrong(wrong) => wrong.into(),
            CatalogRefusal::ReleasePublished => Self::new(
                &kind::RELEASE_PUBLISHED,
                "codes carry the digest of a published release's files: make a new version",
            ),
            CatalogRefusal::NotFrom(state) => Self::new(
                &kind::PRODUCT_STATE,
                text!("a product that is {state} cannot become this", state),
            ),
            CatalogRefusal::TooManyOffers => {
                Self::new(&kind::TOO_MANY_OFFERS, "retire an offer first: a product has at most 50")
            }
            CatalogRefusal::TooManyBundles => Self::new(
                &kind::TOO_MANY_BUNDLES,
                "it is in more bundles than can close or open with it at once: retire some of their offers first",
            ),
        }
    }
}

impl From<NoSuchAccount> for Problem {
    fn from(_: NoSuchAccount) -> Self {
        Self::not_found()
    }
}

impl From<NoSuchBatch> for Problem {
    fn from(_: NoSuchBatch) -> Self {
        Self::not_found()
    }
}

impl From<CouponRefusal> for Problem {
    fn from(refusal: CouponRefusal) -> Self {
        match refusal {
            CouponRefusal::Taken => {
                let detail = "an open coupon has this word: choose another, or close that one";
                Self::new(&kind::COUPON_TAKEN, detail)
            }
            CouponRefusal::Wrong(wrong) => wrong.into(),
        }
    }
}

impl From<NoSuchCoupon> for Problem {
    fn from(_: NoSuchCoupon) -> Self {
        Self::not_found()
    }
}

impl From<Wrong> for Problem {
    fn from(wrong: Wrong) -> Self {
        Self::field(wrong.field, wrong.must)
    }
}

impl From<NoKeyHome> for Problem {
    fn from(_: NoKeyHome) -> Self {
        let detail = "this server keeps no keys on a disk: a new one would be lost";
        Self::new(&kind::KEYS_NOT_KEPT, detail)
    }
}

impl From<NoSuchKey> for Problem {
    fn from(_: NoSuchKey) -> Self {
        Self::not_found()
    }
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        // Counted and logged once, here at the edge; the caller learns the request id only.
        trace::no_answer(&fault);
        // Forms bring their own keys, so people need not know of any: to send one again is to ask again.
        match fault {
            Fault::Busy | Fault::Conflict => Self::busy(t("too much at once: ask again")),
            Fault::Away => Self::busy(t(
                "the other server gave no answer: ask again; an order or a refund that waits for it goes on by itself",
            )),
            Fault::Full => Self::new(
                &kind::STORAGE_FULL,
                t("the server has no room left to write; nothing was changed"),
            ),
            Fault::Objects(_) => Self::busy(t(
                "the files are not at hand just now: try again later, or tell us the request id",
            )),
            Fault::Unavailable(_) | Fault::Unfit(_) => {
                Self::busy(t("the server cannot answer just now: try again in a moment"))
            }
            Fault::Unknown(_) => Self::busy("the outcome is unknown: ask again with the same key")
                .on_page(t("whether this was done is not known: try again in a moment")),
            Fault::Corrupt { .. } | Fault::Bug(_) => Self::new(
                &kind::INTERNAL,
                "something is wrong on our side: ask again with the same key, or tell us the request id",
            )
            .on_page(t("something is wrong on our side: try again, or tell us the request id")),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.status();
        let (retry_after, challenge) = (self.0.retry_after, self.0.challenge);
        let mut response = (status, Json(&self.0)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
            if status == StatusCode::TOO_MANY_REQUESTS {
                headers.insert("ratelimit-remaining", HeaderValue::from(0));
                headers.insert("ratelimit-reset", HeaderValue::from(seconds));
            }
        }
        if let Some(scheme) = challenge {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(scheme));
        }
        // Where pages are asked for, a page is made of it.
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    use scrip_domain::language::Language;

    use super::*;
    use crate::language::written;

    #[test]
    fn people_have_no_key_to_ask_again_with() {
        for fault in [Fault::Unknown("lost".into()), Fault::Bug("odd".into())] {
            let problem = Problem::from(fault.clone());
            assert!(problem.0.detail.contains("with the same key"), "{}", problem.0.detail);
            assert!(!problem.detail().contains("key"), "{}", problem.detail());
            let german = written(Language::German, || Problem::from(fault));
            assert!(!german.detail().contains("Schlüssel"), "{}", german.detail());
        }
    }
}
