//! Accounts in the vendor's hand: adding tokens, freezing, thawing.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use scrip_domain::account::{Account, Login, plausible_email};
use scrip_domain::lot::LotKind;
use scrip_domain::settings::{Settings, Token};
use scrip_domain::{Amount, Id, Timestamp};
use scrip_engine::account::Held;
use scrip_engine::erasure::Leftover;
use scrip_engine::grant::{GrantAsk, GrantRefusal, Granted};
use scrip_engine::purchase::Answered;
use scrip_engine::top_up::{TopUpAsk, Way};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::answer::Json;
use crate::api::accounts::AccountOut;
use crate::api::top_ups::{TopUpOut, nothing, replayed};
use crate::api::{List, ListQuery};
use crate::caller::{Admin, AtWallets, Keeper};
use crate::extract::{Body, IdPath, IdempotencyKey, OrEmpty, Query};
use crate::money::{AboveZero, MoneyIn, MoneyOut};
use crate::problem::Problem;
use crate::text::Text;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(show))
        .routes(routes!(adjust))
        .routes(routes!(freeze))
        .routes(routes!(thaw))
        .routes(routes!(reset_second_factor))
        .routes(routes!(erase))
}

/// An account, as the vendor sees it.
#[derive(Debug, Serialize, ToSchema)]
pub struct HeldAccount {
    #[serde(flatten)]
    account: AccountOut,
    /// What its wallet can spend.
    available: MoneyOut,
    /// What it owes for money that went back after its tokens were spent.
    owed: MoneyOut,
    #[schema(required)]
    frozen_at: Option<String>,
    /// Whether a dispute froze it: it is thawed when all of its disputes are won.
    frozen_by_dispute: bool,
    /// Since when it is erased: nobody's any more.
    #[schema(required, format = DateTime)]
    erased_at: Option<String>,
}

impl HeldAccount {
    fn new(held: &Held, settings: &Settings, cheapest: Option<Amount>) -> Self {
        let Held { account, wallet, credentials, credit_line, latest } = held;
        let shown = AccountOut::new(account, wallet.available(), settings, cheapest);
        Self {
            account: shown
                .with_credit(credit_line.as_ref(), latest.as_ref())
                .signed_in_by(credentials),
            available: MoneyOut::tokens(wallet.available(), &settings.token),
            owed: MoneyOut::tokens(wallet.owed(), &settings.token),
            frozen_at: account.frozen_at.map(|at| at.to_string()),
            frozen_by_dispute: account.frozen_by_dispute,
            erased_at: account.erased_at.map(|at| at.to_string()),
        }
    }
}

/// An account, as it is now.
pub async fn held(app: &App, account: Id<Account>) -> Result<HeldAccount, Problem> {
    let account = app.engine.store().account(account).await?.ok_or_else(Problem::not_found)?;
    held_all(app, vec![account]).await?.pop().ok_or_else(Problem::not_found)
}

/// These accounts, as they are now, in their order.
async fn held_all(app: &App, accounts: Vec<Account>) -> Result<Vec<HeldAccount>, Problem> {
    let vendor = app.engine.vendor().await?;
    let cheapest = app.engine.cheapest().await?;
    let held = app.engine.held(accounts).await?;
    Ok(held.iter().map(|held| HeldAccount::new(held, &vendor.settings, cheapest)).collect())
}

/// Which accounts.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
struct AccountsQuery {
    /// How many at most.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
    /// The `next` of the page before.
    #[param(max_length = 1000)]
    after: Option<String>,
    /// Only the one that signs in with this address.
    email: Option<String>,
}

/// All accounts, newest first. The scope `accounts` is enough.
#[utoipa::path(
    get, path = "/v1/admin/accounts", tag = "admin", security(("bearer" = [])), params(AccountsQuery),
    responses((status = 200, body = List<HeldAccount>))
)]
async fn list(
    _: Keeper,
    State(app): State<App>,
    Query(query): Query<AccountsQuery>,
) -> Result<Json<List<HeldAccount>>, Problem> {
    let AccountsQuery { limit, after, email } = query;
    let page = ListQuery { limit, after }.page(&app.engine, "accounts")?;
    if let Some(email) = email {
        // What is no address has no account, and may be no text that a database holds.
        let login = if plausible_email(email.trim()) {
            app.engine.store().login(&Login::fold(&email)).await?
        } else {
            None
        };
        let data = match login {
            Some(login) => vec![held(&app, login.account).await?],
            None => Vec::new(),
        };
        return Ok(Json(List { data, next: None }));
    }
    let rows = app.engine.store().accounts(page).await?;
    let next = List::of(&app.engine, "accounts", page, &rows, |row| row.id.number(), |_| ()).next;
    Ok(Json(List { data: held_all(&app, rows).await?, next }))
}

/// An account. The scope `accounts` is enough.
#[utoipa::path(
    get, path = "/v1/admin/accounts/{id}", tag = "admin", security(("bearer" = [])),
    params(("id" = String, Path, example = "acc_06bq3v8k2m9zc")),
    responses((status = 200, body = HeldAccount))
)]
async fn show(
    _: Keeper,
    State(app): State<App>,
    IdPath(account): IdPath<Account>,
) -> Result<Json<HeldAccount>, Problem> {
    Ok(Json(held(&app, account).await?))
}

/// Tokens that an administrator adds.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AdjustIn {
    tokens: MoneyIn,
    reason: Text<1, 500>,
    #[serde(default)]
    kind: AdjustKind,
    #[serde(default)]
    expires_at: Option<Timestamp>,
}

/// Tokens that an administrator adds: they were paid for, or are a gift, which may expire.
#[derive(ToSchema)]
#[serde(untagged, deny_unknown_fields)]
#[schema(example = json!({ "tokens": { "amount": 5000, "unit": "AUR" }, "reason": "A gift for the long wait", "kind": "promo" }))]
#[expect(dead_code, reason = "describes what `AdjustIn` reads")]
enum AdjustBody {
    Paid {
        /// How many; more than none.
        #[schema(value_type = AboveZero)]
        tokens: MoneyIn,
        /// Why, for the record.
        #[schema(inline, example = "Paid by cheque")]
        reason: Text<1, 500>,
        /// `paid`
        #[schema(required = false, default = "paid")]
        kind: String,
        #[schema(schema_with = nothing)]
        expires_at: Option<()>,
    },
    Promo {
        /// How many; more than none. They are spent before all others.
        #[schema(value_type = AboveZero)]
        tokens: MoneyIn,
        /// Why, for the record.
        #[schema(inline, example = "A gift for the long wait")]
        reason: Text<1, 500>,
        /// `promo`
        kind: String,
        /// When they expire; never without it.
        #[schema(value_type = Option<String>)]
        expires_at: Option<Timestamp>,
    },
}

/// What kind of tokens an administrator adds.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum AdjustKind {
    /// Paid for.
    #[default]
    Paid,
    /// A gift.
    Promo,
}

/// What was added: a top-up by the administrator, or a grant.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "it tells the document that there are two kinds of answer")]
enum Adjusted {
    TopUp(Box<TopUpOut>),
    Grant(GrantOut),
}

/// Promotional tokens that were given.
#[derive(Debug, Serialize, ToSchema)]
struct GrantOut {
    #[schema(example = "trf_06bq3v8k2m9zc")]
    id: String,
    /// `credited`.
    state: &'static str,
    /// `promo`.
    kind: &'static str,
    tokens: MoneyOut,
    /// The lot that they lie in; in a wallet with many lots one that was there.
    #[schema(example = "lot_06bq3v8k2m9zc")]
    lot: String,
    /// When that expires.
    #[schema(required)]
    expires_at: Option<String>,
    credited_at: String,
}

impl GrantOut {
    fn new(granted: &Granted, token: &Token) -> Self {
        let Granted { transfer, lot, expires_at } = granted;
        Self {
            id: transfer.id.to_string(),
            state: "credited",
            kind: LotKind::Promo.as_str(),
            tokens: MoneyOut::tokens(transfer.amount, token),
            lot: lot.to_string(),
            expires_at: expires_at.map(|at| at.to_string()),
            credited_at: transfer.at.to_string(),
        }
    }

    fn answer(
        answer: Result<Answered<Granted>, GrantRefusal>,
        token: &Token,
    ) -> Result<Response, Problem> {
        let out = |granted| (StatusCode::CREATED, Json(Self::new(granted, token)));
        match answer {
            Ok(Answered::First(granted)) => Ok(out(&granted).into_response()),
            Ok(Answered::Replayed(granted)) => Ok(replayed(out(&granted).into_response())),
            Err(refusal) => Err(refusal.into()),
        }
    }
}

/// Adds tokens to an account's wallet: a top-up by the administrator, or a gift that may expire. The scope
/// `accounts` is enough.
#[utoipa::path(
    post, path = "/v1/admin/accounts/{id}/adjust", tag = "admin", security(("bearer" = [])), request_body = AdjustBody,
    params(
        ("id" = String, Path, example = "acc_06bq3v8k2m9zc"),
        ("Idempotency-Key" = String, Header, description = "a new one for each new adjustment", min_length = 1, max_length = 128, pattern = "^[!-~]+$", example = "0b0e7a52-6c1f"),
    ),
    responses(
        (status = 201, body = Adjusted),
        (status = 403, description = "`account_frozen`, `forbidden`"),
        (status = 409, description = "`idempotency_key_reused`"),
    )
)]
async fn adjust(
    Keeper(by): Keeper,
    State(app): State<App>,
    IdPath(account): IdPath<Account>,
    key: IdempotencyKey,
    body: Body<AdjustIn>,
) -> Result<Response, Problem> {
    let vendor = app.engine.vendor().await?;
    let token = &vendor.settings.token;
    let request = body.request(&key);
    let tokens = body.value.tokens.in_tokens(token, "tokens")?;
    if tokens.is_zero() {
        return Err(Problem::field("tokens.amount", "more than nothing"));
    }
    let member = app.engine.member(account).await?.ok_or_else(Problem::not_found)?;
    let reason = body.value.reason.0;
    let buyer = scrip_engine::Buyer { account, wallet: member.account.wallet };
    let (kind, expires_at) = (body.value.kind, body.value.expires_at);
    if kind == AdjustKind::Promo {
        let ask = GrantAsk { tokens, expires_at, reason };
        return GrantOut::answer(app.engine.grant(by, buyer, ask, request).await?, token);
    }
    if expires_at.is_some() {
        return Err(Problem::field("expires_at", "what was paid for does not expire"));
    }
    let ask = TopUpAsk { tokens, pay: None, way: Way::Administrator { by, reason } };
    TopUpOut::answer(app.engine.top_up(buyer, ask, request).await?, token)
}

/// Why an account is frozen or thawed, or its second factor taken away, if anybody wants to say.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "reason": "Her card was stolen" }))]
struct AccountReasonBody {
    /// For the record; it is not told to the owner.
    #[serde(default)]
    #[schema(value_type = Option<Text<1, 500>>, inline)]
    reason: Option<Text<1, 500>>,
}

/// Freezes an account: it permits no transactions. Its owner is told by letter, without the reason. The scope `accounts` is enough.
#[utoipa::path(
    post, path = "/v1/admin/accounts/{id}/freeze", tag = "admin", security(("bearer" = [])), request_body = Option<AccountReasonBody>,
    params(("id" = String, Path, example = "acc_06bq3v8k2m9zc")),
    responses((status = 200, body = HeldAccount))
)]
async fn freeze(
    Keeper(by): Keeper,
    State(app): State<App>,
    IdPath(account): IdPath<Account>,
    OrEmpty(body): OrEmpty<AccountReasonBody>,
) -> Result<Json<HeldAccount>, Problem> {
    app.engine.freeze_account(by, account, body.value.reason.map(|text| text.0)).await??;
    Ok(Json(held(&app, account).await?))
}

/// Thaws a frozen account. Its owner is told by letter. The scope `accounts` is enough.
#[utoipa::path(
    post, path = "/v1/admin/accounts/{id}/thaw", tag = "admin", security(("bearer" = [])), request_body = Option<AccountReasonBody>,
    params(("id" = String, Path, example = "acc_06bq3v8k2m9zc")),
    responses((status = 200, body = HeldAccount))
)]
async fn thaw(
    Keeper(by): Keeper,
    State(app): State<App>,
    IdPath(account): IdPath<Account>,
    OrEmpty(body): OrEmpty<AccountReasonBody>,
) -> Result<Json<HeldAccount>, Problem> {
    app.engine.thaw_account(by, account, body.value.reason.map(|text| text.0)).await??;
    Ok(Json(held(&app, account).await?))
}

/// Takes the second factor away from a buyer who has lost all that it needs. The buyer is told by letter.
#[utoipa::path(
    post, path = "/v1/admin/accounts/{id}/reset-second-factor", tag = "admin", security(("bearer" = [])), request_body = Option<AccountReasonBody>,
    params(("id" = String, Path, example = "acc_06bq3v8k2m9zc")),
    responses((status = 200, body = HeldAccount))
)]
async fn reset_second_factor(
    Admin(by): Admin,
    _: AtWallets,
    State(app): State<App>,
    IdPath(account): IdPath<Account>,
    OrEmpty(body): OrEmpty<AccountReasonBody>,
) -> Result<Json<HeldAccount>, Problem> {
    app.engine.reset_own_factor(by, account, body.value.reason.map(|text| text.0)).await??;
    Ok(Json(held(&app, account).await?))
}

/// With an account that is erased.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = EraseAccountBody, example = json!({ "reason": "Asked by letter", "forfeit": true }))]
struct EraseBody {
    /// Why, for the record.
    #[schema(inline, example = "Asked by letter")]
    reason: Text<1, 500>,
    /// Whether what is left in the wallet is given up.
    #[serde(default)]
    forfeit: bool,
}

/// Erases an account, for good: personal data, sessions, keys and cards go; the entries of the ledger stay without a name, and
/// codes go on working. Refused while anything of it is open. Doing it again changes nothing.
#[utoipa::path(
    post, path = "/v1/admin/accounts/{id}/erase", tag = "admin", security(("bearer" = [])), request_body = EraseBody,
    params(("id" = String, Path, example = "acc_06bq3v8k2m9zc")),
    responses(
        (status = 200, body = HeldAccount),
        (status = 409, description = "`account_not_settled`"),
    )
)]
async fn erase(
    Admin(by): Admin,
    _: AtWallets,
    State(app): State<App>,
    IdPath(account): IdPath<Account>,
    body: Body<EraseBody>,
) -> Result<Json<HeldAccount>, Problem> {
    let EraseBody { reason, forfeit } = body.value;
    let leftover = if forfeit { Leftover::Forfeit } else { Leftover::Keep };
    let erased = app.engine.erase_account_of(by, account, leftover, reason.0).await?;
    let token = &app.engine.vendor().await?.settings.token;
    erased.map_err(|refusal| Problem::erase(&refusal, token))?;
    Ok(Json(held(&app, account).await?))
}
