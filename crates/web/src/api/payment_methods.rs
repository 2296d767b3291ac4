//! The cards of an account, by the names that the processor gave them; never by their numbers.

use axum::extract::State;
use http::StatusCode;
use scrip_domain::payment_method::{PaymentMethod, holds_card_number};
use scrip_engine::processor::MethodName;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::answer::Json;
use crate::api::List;
use crate::api::accounts::{self, AccountOut};
use crate::caller::{Buyer, Spender};
use crate::extract::{Body, NamePath, Source};
use crate::problem::Problem;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, attach))
        .routes(routes!(remove))
        .routes(routes!(choose))
}

/// The processor's name of a card. What is none is not shown again, for it may be a card's number.
#[derive(Clone, Debug)]
pub struct MethodIn(pub MethodName);

impl<'de> Deserialize<'de> for MethodIn {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wrong = serde::de::Error::custom;
        let value = Value::deserialize(deserializer)?;
        if holds_card_number(&value.to_string()) || value.as_str().is_some_and(holds_card_number) {
            return Err(wrong(
                "this could be the number of a card: give it to the processor's own form, never to this server",
            ));
        }
        let name = value.as_str().and_then(MethodName::new).map(Self);
        name.ok_or_else(|| {
            wrong("the processor's name of a card: 1 to 255 of A-Z, a-z, 0-9, _ and -")
        })
    }
}

/// The card to keep.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PaymentMethodBody)]
struct AttachBody {
    /// The processor's name of it, which the buyer's browser got from the processor.
    #[schema(value_type = String, min_length = 1, max_length = 255, pattern = "^[A-Za-z0-9_-]+$")]
    payment_method: MethodIn,
}

/// The card to pay with.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PaymentMethodChoice)]
struct ChooseBody {
    /// One of the account's cards; null for none.
    #[schema(value_type = Option<String>, required, min_length = 1, max_length = 255, pattern = "^[A-Za-z0-9_-]+$")]
    #[serde(deserialize_with = "named_or_null")]
    payment_method: Option<MethodIn>,
}

/// Null must be said: no card at all is no slip.
fn named_or_null<'de, D: Deserializer<'de>>(from: D) -> Result<Option<MethodIn>, D::Error> {
    Option::deserialize(from)
}

/// A card that the account can pay with.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PaymentMethod)]
pub struct MethodOut {
    /// The processor's name of it.
    #[schema(example = "pm_1MtwBwLkdIwHu7ix28a3tqPa")]
    id: String,
    #[schema(example = "visa")]
    brand: String,
    /// The last four digits.
    #[schema(example = "4242")]
    last_four: String,
    expires: ExpiryOut,
    /// Whether the account pays with it when none is named.
    default: bool,
    created_at: String,
}

/// The last month in which a card can be used.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Expiry)]
struct ExpiryOut {
    #[schema(example = 2030)]
    year: u32,
    #[schema(minimum = 1, maximum = 12, example = 12)]
    month: u8,
}

impl MethodOut {
    /// A card; `default` is the name of the one that pays.
    pub fn new(method: &PaymentMethod, default: Option<&str>) -> Self {
        Self {
            id: method.name.clone(),
            brand: method.brand.clone(),
            last_four: method.last_four.clone(),
            expires: ExpiryOut { year: method.expiry_year, month: method.expiry_month },
            default: default == Some(&method.name),
            created_at: method.created_at.to_string(),
        }
    }
}

/// The name of the card that the account pays with.
async fn default(app: &App, buyer: scrip_engine::Buyer) -> Result<Option<String>, Problem> {
    let member = app.engine.member(buyer.account).await?.ok_or_else(Problem::not_found)?;
    Ok(member.account.person.payment_method.clone())
}

/// The caller's cards, the oldest first: all of them, for there are at most 20.
#[utoipa::path(
    get, path = "/v1/payment-methods", tag = "wallet", security(("bearer" = [])),
    responses((status = 200, body = List<MethodOut>))
)]
async fn list(
    State(app): State<App>,
    Buyer(buyer): Buyer,
) -> Result<Json<List<MethodOut>>, Problem> {
    let default = default(&app, buyer).await?;
    let methods = app.engine.payment_methods(buyer.account).await?;
    let data = methods.iter().map(|method| MethodOut::new(method, default.as_deref())).collect();
    Ok(Json(List { data, next: None }))
}

/// Keeps a card, by the name that the buyer's browser got from the processor. The first one becomes the one
/// to pay with. The same card again is answered alike.
#[utoipa::path(
    post, path = "/v1/payment-methods", tag = "wallet", security(("bearer" = [])), request_body = AttachBody,
    responses(
        (status = 201, body = MethodOut),
        (status = 400, description = "`invalid_field`: also when the processor refuses the card"),
        (status = 403, description = "`account_frozen`"),
        (status = 409, description = "`payment_method_removed`, `too_many_payment_methods`"),
        (status = 429, description = "`rate_limited`: too many cards were tried"),
        (status = 503, description = "`busy`: also when the processor gives no answer; send it again"),
    )
)]
async fn attach(
    State(app): State<App>,
    Spender(buyer): Spender,
    source: Source,
    body: Body<AttachBody>,
) -> Result<(StatusCode, Json<MethodOut>), Problem> {
    let MethodIn(name) = body.value.payment_method;
    let kept = app.engine.attach_payment_method(buyer, &name, &source.0).await?;
    let kept = kept.map_err(|refusal| Problem::payment_method(&refusal))?;
    let default = default(&app, buyer).await?;
    Ok((StatusCode::CREATED, Json(MethodOut::new(&kept, default.as_deref()))))
}

/// Removes a card: nobody pays with it any more. What is under way with it goes on.
#[utoipa::path(
    delete, path = "/v1/payment-methods/{id}", tag = "wallet", security(("bearer" = [])),
    params(("id" = String, Path, example = "pm_1MtwBwLkdIwHu7ix28a3tqPa")),
    responses((status = 204, description = "removed"))
)]
async fn remove(
    State(app): State<App>,
    Spender(buyer): Spender,
    NamePath(id): NamePath<String>,
) -> Result<StatusCode, Problem> {
    let removed = app.engine.remove_payment_method(buyer, id).await?;
    removed.map_err(|_| Problem::not_found())?;
    Ok(StatusCode::NO_CONTENT)
}

/// Says which of its cards the account pays with when none is named.
#[utoipa::path(
    put, path = "/v1/account/payment-method", tag = "wallet", security(("bearer" = [])), request_body = ChooseBody,
    responses((status = 200, body = AccountOut))
)]
async fn choose(
    State(app): State<App>,
    Spender(buyer): Spender,
    body: Body<ChooseBody>,
) -> Result<Json<AccountOut>, Problem> {
    let name = body.value.payment_method.map(|method| method.0.as_str().to_owned());
    let chosen = app.engine.choose_payment_method(buyer, name).await?;
    chosen.map_err(|refusal| Problem::payment_method(&refusal))?;
    accounts::show(State(app), Buyer(buyer)).await
}
