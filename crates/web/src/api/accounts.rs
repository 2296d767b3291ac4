//! Accounts: registering, and an account's own data.

use axum::extract::State;
use http::StatusCode;
use scrip_domain::account::{Account, NotPermitted, Person, plausible_email};
use scrip_domain::credit_line::CreditLine;
use scrip_domain::gate;
use scrip_domain::language::Language;
use scrip_domain::settings::Settings;
use scrip_domain::top_up::TopUp;
use scrip_engine::Page;
use scrip_engine::account::PersonEdit;
use scrip_engine::erasure::{EraseRefusal, Leftover};
use scrip_engine::factor::buyer::OwnerRefusal;
use scrip_engine::register::Registration;
use scrip_engine::session::Credentials;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::passkeys::PasskeyOut;
use super::second_factors::{problem, shown};
use crate::App;
use crate::answer::Json;
use crate::api::credit_line::CreditLineOut;
use crate::api::top_ups::AssessmentOut;
use crate::caller::{AtWallets, Buyer, Spender};
use crate::extract::{Body, Source};
use crate::problem::Problem;
use crate::text::{Line, Text};

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(register)).routes(routes!(show, change, erase))
}

/// Who wants an account.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RegisterBody {
    /// The address that will sign in.
    #[schema(example = "ada@example.com", format = "email", max_length = 254)]
    email: String,
    /// 8 to 200 characters.
    #[schema(example = "correct horse battery", min_length = 8, max_length = 200)]
    password: String,
    /// Full name.
    #[serde(default)]
    #[schema(inline)]
    name: Option<Line<1, 200>>,
    /// Postal address.
    #[serde(default)]
    #[schema(inline)]
    address: Option<Text<1, 500>>,
    /// Telephone number.
    #[serde(default)]
    #[schema(inline)]
    phone: Option<Line<1, 40>>,
    /// The language of letters; without it, the vendor's.
    #[serde(default)]
    #[schema(value_type = Option<String>, pattern = "^(en|de)$", example = "de")]
    language: Option<Language>,
}

/// An account, as its owner sees it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Account)]
pub struct AccountOut {
    #[schema(example = "acc_06bq3v8k2m9zc")]
    id: String,
    /// Absent at a merchant, where the provider has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    /// The address that takes its place when the link that was sent there is opened; absent when there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "ada@example.org")]
    new_email: Option<String>,
    /// Whether signing in takes a code, too.
    second_factor: bool,
    /// What signs in without the password and without a code.
    passkeys: Vec<PasskeyOut>,
    #[schema(required, example = "Ada Lovelace")]
    name: Option<String>,
    #[schema(required)]
    address: Option<String>,
    #[schema(required)]
    phone: Option<String>,
    #[schema(required)]
    payment_method: Option<String>,
    /// The language of letters; null for the vendor's.
    #[schema(required, value_type = Option<String>, pattern = "^(en|de)$", example = "de")]
    language: Option<Language>,
    /// When somebody showed that mail to the address arrives; null before.
    #[schema(required, format = DateTime)]
    verified_at: Option<String>,
    created_at: String,
    /// `visitor`, `member` or `funded`.
    standing: &'static str,
    /// Required fields that were not given yet.
    missing: Vec<&'static str>,
    permits: Permits,
    /// What it may owe and does, where the vendor lends to it.
    #[schema(required)]
    credit_line: Option<CreditLineOut>,
    /// The assessment that the latest top-up led to; null before the first.
    #[schema(required)]
    credit_status: Option<AssessmentOut>,
    /// The version of the terms that it was opened by, where any were published then.
    #[schema(required)]
    terms_version: Option<String>,
}

/// Whether the account permits transactions.
#[derive(Debug, Serialize, ToSchema)]
struct Permits {
    transact: bool,
    /// Why not: `account_frozen` or `account_incomplete`.
    #[schema(required)]
    reason: Option<&'static str>,
}

/// An account that was opened, with a session on it.
#[derive(Debug, Serialize, ToSchema)]
struct Registered {
    account: AccountOut,
    /// The session's bearer token; told once.
    token: String,
    expires_at: String,
}

impl AccountOut {
    /// An account with `available` to spend.
    pub fn new(
        account: &Account,
        available: scrip_domain::Amount,
        settings: &Settings,
        cheapest: Option<scrip_domain::Amount>,
    ) -> Self {
        let reason = account.permits(&settings.required()).err().map(|refusal| match refusal {
            NotPermitted::Frozen => "account_frozen",
            NotPermitted::Incomplete(_) => "account_incomplete",
        });
        let missing = account.missing(&settings.required());
        Self {
            id: account.id.to_string(),
            email: Some(account.email.clone()).filter(|email| !email.is_empty()),
            new_email: None,
            second_factor: false,
            passkeys: Vec::new(),
            name: account.person.name.clone(),
            address: account.person.address.clone(),
            phone: account.person.phone.clone(),
            payment_method: account.person.payment_method.clone(),
            language: account.person.language,
            verified_at: account.verified_at.map(|at| at.to_string()),
            created_at: account.created_at.to_string(),
            standing: gate::standing(Some((account, available)), settings, cheapest).as_str(),
            missing: missing.iter().map(|field| field.as_str()).collect(),
            permits: Permits { transact: reason.is_none(), reason },
            credit_line: None,
            credit_status: None,
            terms_version: account.terms_version.clone(),
        }
    }

    /// The card that it pays with.
    pub fn payment_method(&self) -> Option<&str> {
        self.payment_method.as_deref()
    }

    /// As a merchant knows it: what its provider says of the balance.
    #[must_use]
    pub fn at_merchant(self, account: &Account, funded: Option<bool>) -> Self {
        let reason = account.frozen_at.map(|_| "account_frozen");
        Self {
            standing: gate::standing_at_merchant(Some(account), funded).as_str(),
            missing: Vec::new(),
            permits: Permits { transact: reason.is_none(), reason },
            ..self
        }
    }

    /// With its credit line, and the credit status to which its newest top-up led.
    #[must_use]
    pub fn with_credit(self, line: Option<&CreditLine>, latest: Option<&TopUp>) -> Self {
        let status = latest.and_then(TopUp::assessment);
        Self {
            credit_line: line.map(CreditLineOut::from),
            credit_status: status.map(AssessmentOut::new),
            ..self
        }
    }

    /// With what it has beside address and password.
    #[must_use]
    pub fn signed_in_by(self, credentials: &Credentials) -> Self {
        let new_email = credentials.new_email.as_ref().map(|new| new.email.clone());
        let passkeys = credentials.passkeys.iter().map(PasskeyOut::from).collect();
        Self { new_email, second_factor: credentials.factor.is_on(), passkeys, ..self }
    }
}

/// Opens an account with its wallet, and a session on it.
#[utoipa::path(
    post, path = "/v1/accounts", tag = "accounts", request_body = RegisterBody,
    responses((status = 201, body = Registered), (status = 409, description = "`email_taken`"))
)]
async fn register(
    State(app): State<App>,
    source: Source,
    body: Body<RegisterBody>,
) -> Result<(StatusCode, Json<Registered>), Problem> {
    let body = body.value;
    if !plausible_email(body.email.trim()) {
        return Err(Problem::field("email", "this is not an e-mail address"));
    }
    // A password is taken as it is: no trimming, no rules but its length.
    if !(8..=200).contains(&body.password.chars().count()) {
        return Err(Problem::field("password", "8 to 200 characters"));
    }
    let registration = Registration {
        email: body.email,
        password: body.password,
        person: Person {
            name: body.name.map(|text| text.0),
            address: body.address.map(|text| text.0),
            phone: body.phone.map(|text| text.0),
            payment_method: None,
            language: body.language,
        },
        source: source.0,
        browser: None,
    };
    let opened = app.engine.register(registration).await??;
    let vendor = app.engine.vendor().await?;
    let cheapest = app.engine.cheapest().await?;
    let nothing = scrip_domain::Amount::ZERO;
    Ok((
        StatusCode::CREATED,
        Json(Registered {
            account: AccountOut::new(&opened.account, nothing, &vendor.settings, cheapest),
            token: opened.token.reveal().to_owned(),
            expires_at: opened.expires_at.to_string(),
        }),
    ))
}

/// The caller's own account.
#[utoipa::path(
    get, path = "/v1/account", tag = "accounts", security(("bearer" = [])),
    responses((status = 200, body = AccountOut))
)]
pub async fn show(
    State(app): State<App>,
    Buyer(buyer): Buyer,
) -> Result<Json<AccountOut>, Problem> {
    let member = app.engine.member(buyer.account).await?.ok_or_else(Problem::not_found)?;
    let vendor = app.engine.vendor().await?;
    let cheapest = app.engine.cheapest().await?;
    let account = AccountOut::new(&member.account, member.available, &vendor.settings, cheapest);
    if app.engine.provider().is_some() {
        let funded = app.engine.funded(Some(&member)).await?;
        return Ok(Json(account.at_merchant(&member.account, funded)));
    }
    let (store, newest) = (app.engine.store(), Page { after: None, limit: 1 });
    let line = store.credit_line(buyer.account).await?;
    let latest = store.top_ups_of(buyer.account, newest).await?;
    let credentials = app.engine.credentials(&member.account).await?;
    Ok(Json(account.with_credit(line.as_ref(), latest.first()).signed_in_by(&credentials)))
}

/// What is changed; a field that is left out stays, null takes it away.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AccountChanges)]
struct ChangeBody {
    /// Full name.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Line<1, 200>>, inline)]
    name: Option<Option<Line<1, 200>>>,
    /// Postal address.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Text<1, 500>>, inline)]
    address: Option<Option<Text<1, 500>>>,
    /// Telephone number.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Line<1, 40>>, inline)]
    phone: Option<Option<Line<1, 40>>>,
    /// The language of letters; null for the vendor's.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, pattern = "^(en|de)$")]
    language: Option<Option<Language>>,
}

/// Tells a field that is null from one that is left out.
fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(deserializer).map(Some)
}

/// Changes the caller's own account.
#[utoipa::path(
    patch, path = "/v1/account", tag = "accounts", security(("bearer" = [])), request_body = ChangeBody,
    responses((status = 200, body = AccountOut))
)]
async fn change(
    State(app): State<App>,
    Spender(buyer): Spender,
    body: Body<ChangeBody>,
) -> Result<Json<AccountOut>, Problem> {
    let body = body.value;
    let edit = PersonEdit {
        name: body.name.map(|name| name.map(|line| line.0)),
        address: body.address.map(|address| address.map(|text| text.0)),
        phone: body.phone.map(|phone| phone.map(|line| line.0)),
        language: body.language,
    };
    app.engine.edit_account(buyer.account, edit).await??;
    show(State(app), Buyer(buyer)).await
}

/// With an account that is erased.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "password": "correct horse battery", "forfeit": true }))]
struct EraseBody {
    /// The account's password.
    #[schema(max_length = 200)]
    password: String,
    /// A code of the second factor, or a recovery code, where the account has one.
    #[serde(default)]
    #[schema(inline)]
    otp: Option<Line<1, 40>>,
    /// Whether what is left in the wallet is given up.
    #[serde(default)]
    forfeit: bool,
}

/// Erases the caller's account, for good: personal data, sessions, keys and cards go; the entries of the ledger stay without
/// a name, and codes go on working. Refused while anything of it is open.
#[utoipa::path(
    delete, path = "/v1/account", tag = "accounts", security(("bearer" = [])), request_body = EraseBody,
    responses(
        (status = 204, description = "erased"),
        (status = 400, description = "`invalid_field`: the password or the code is wrong"),
        (status = 404, description = "`not_found`: at a merchant, whose buyers have their accounts at the provider"),
        (status = 409, description = "`account_not_settled`"),
    )
)]
async fn erase(
    _: AtWallets,
    State(app): State<App>,
    Spender(buyer): Spender,
    source: Source,
    body: Body<EraseBody>,
) -> Result<StatusCode, Problem> {
    let EraseBody { password, otp, forfeit } = body.value;
    if password.chars().count() > 200 {
        return Err(Problem::field("password", "at most 200 characters"));
    }
    let leftover = if forfeit { Leftover::Forfeit } else { Leftover::Keep };
    let shown = shown(&password, otp.as_ref(), &source);
    let token = &app.engine.vendor().await?.settings.token;
    match app.engine.erase_account(buyer, shown, leftover).await? {
        Ok(_) => Ok(StatusCode::NO_CONTENT),
        Err(EraseRefusal::Owner(refusal @ OwnerRefusal::Factor(_))) => Err(problem(refusal)),
        Err(refusal) => Err(Problem::erase(&refusal, token)),
    }
}
