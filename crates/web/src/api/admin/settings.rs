//! The vendor's settings.

use axum::extract::State;
use scrip_domain::account::Field;
use scrip_domain::refund_request::RefundPolicy;
use scrip_domain::sale::Limits;
use scrip_domain::settings::{
    Flow, Mail, Pack, SecondFactor, Settings, Threshold, Token, UnitValue,
};
use scrip_domain::visibility::Visibility;
use scrip_domain::{Amount, Money, Unit};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::answer::Json;
use crate::api::admin::credit::CreditSetting;
use crate::api::admin::look::{LookBody, LookOut};
use crate::api::vendor::{PackOut, TokenOut, UnitValueOut};
use crate::api::visibility::VisibilityBody;
use crate::caller::Admin;
use crate::extract::Body;
use crate::money::{AboveZero, MoneyIn, MoneyOut};
use crate::problem::Problem;
use crate::text::{Line, Text};

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(show, change))
}

/// What a vendor has set.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Settings)]
struct SettingsOut {
    /// The vendor's name, as buyers see it.
    #[schema(example = "Aurora Instruments")]
    name: String,
    token: TokenOut,
    /// The way from visitor to order.
    #[schema(value_type = FlowWord)]
    flow: Flow,
    /// The balance that opens ordering.
    threshold: ThresholdSetting<MoneyOut>,
    /// Who sees what of products that do not say otherwise.
    #[schema(value_type = VisibilityBody)]
    visibility: Visibility,
    /// What registration requires besides e-mail and password.
    #[schema(value_type = Vec<FieldWord>)]
    registration: Vec<Field>,
    /// Amounts offered for a top-up.
    packs: Vec<PackOut>,
    /// What tokens cost in further currencies.
    prices: Vec<UnitValueOut>,
    /// How many tokens can be added at once; packs are not bound by it.
    top_up_limits: LimitsSetting<MoneyOut>,
    /// How an account's credit is judged before it adds funds.
    credit: CreditSetting<MoneyOut>,
    /// What a buyer does who pays offline; when it is empty, nobody can.
    #[schema(example = "Transfer to DE02 1203 0000 0000 2020 51.")]
    offline_instructions: String,
    /// The version of the terms that a confirmation accepts.
    terms_version: String,
    /// How pages look, and what they say of the shop.
    look: LookOut,
    /// Whether staff sign in to the console with a second factor.
    #[schema(value_type = SecondFactorWord)]
    second_factor: SecondFactor,
    /// What is sent by mail, where mail is set up.
    mail: MailSetting<MoneyOut>,
    /// What buyers are promised who want their tokens back.
    refund_policy: RefundSetting,
}

/// What is changed; what is left out stays. What is given replaces the old value whole.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "flow": "register_first", "threshold": { "policy": "fixed", "amount": { "amount": 500, "unit": "AUR" } } }))]
struct SettingsBody {
    /// The vendor's name, as buyers see it.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Line<1, 200>, inline)]
    name: Option<Line<1, 200>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = TokenBody)]
    token: Option<TokenBody>,
    /// The way from visitor to order.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = FlowWord)]
    flow: Option<Flow>,
    /// The balance that opens ordering.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = ThresholdSetting<MoneyIn>)]
    threshold: Option<ThresholdSetting<MoneyIn>>,
    /// Who sees what of products that do not say otherwise.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = VisibilityBody)]
    visibility: Option<Visibility>,
    /// What registration requires besides e-mail and password.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Vec<FieldWord>)]
    registration: Option<Vec<Field>>,
    /// Amounts offered for a top-up.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Vec<PackBody>, max_items = 20)]
    packs: Option<Vec<PackBody>>,
    /// What tokens cost in further currencies, each named once.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Vec<UnitValueBody>, max_items = 20)]
    prices: Option<Vec<UnitValueBody>>,
    /// How many tokens can be added at once; packs are not bound by it.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = LimitsSetting<MoneyIn>)]
    top_up_limits: Option<LimitsSetting<MoneyIn>>,
    /// How an account's credit is judged before it adds funds.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = CreditSetting<MoneyIn>)]
    credit: Option<CreditSetting<MoneyIn>>,
    /// What a buyer does who pays offline; when it is empty, nobody can.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Text<0, 2000>, inline)]
    offline_instructions: Option<Text<0, 2000>>,
    /// The version of the terms that a confirmation accepts.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Line<1, 40>, inline)]
    terms_version: Option<Line<1, 40>>,
    /// How pages look, and what they say of the shop.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = LookBody)]
    look: Option<LookBody>,
    /// Whether staff sign in to the console with a second factor.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = SecondFactorWord)]
    second_factor: Option<SecondFactor>,
    /// What is sent by mail, where mail is set up.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = MailSetting<MoneyIn>)]
    mail: Option<MailSetting<MoneyIn>>,
    /// What buyers are promised who want their tokens back. Orders keep what was promised with them.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = RefundSetting)]
    refund_policy: Option<RefundSetting>,
}

/// What buyers are promised who want their tokens back.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefundSetting {
    /// Within so many days of the payment; 0 for no promise. Whoever wants to may ask later all the same.
    #[schema(maximum = 3650, example = 14)]
    days: u32,
    /// Whether also what was downloaded, activated or used.
    #[serde(default)]
    #[schema(example = false)]
    opened: bool,
    /// Whether what is covered is given back at once, without a person.
    #[serde(default)]
    #[schema(example = false)]
    at_once: bool,
}

impl From<&Settings> for RefundSetting {
    fn from(settings: &Settings) -> Self {
        let RefundPolicy { days, opened } = settings.refund_policy;
        Self { days, opened, at_once: settings.refunds_at_once }
    }
}

impl RefundSetting {
    fn policy(self) -> RefundPolicy {
        RefundPolicy { days: self.days, opened: self.opened }
    }
}

/// What is sent by mail, where mail is set up.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MailSetting<M> {
    /// Where the vendor's staff hears of reviews, disputes and dead webhooks; nowhere without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "staff@example.com", format = "email", max_length = 254)]
    staff: Option<String>,
    /// Purchases in one step that cost less are gathered into one letter a day; none without it.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    digest_below: Option<M>,
    /// Whether an account permits no orders until mail to its address has arrived. Only where mail is set up.
    #[serde(default)]
    #[schema(example = false)]
    verify: bool,
}

impl MailSetting<MoneyOut> {
    fn new(mail: &Mail, token: &Token) -> Self {
        let digest_below = Some(mail.digest_below).filter(|amount| !amount.is_zero());
        let digest_below = digest_below.map(|amount| MoneyOut::tokens(amount, token));
        let staff = Some(mail.staff.clone()).filter(|staff| !staff.is_empty());
        Self { staff, digest_below, verify: mail.verify }
    }
}

impl MailSetting<MoneyIn> {
    fn read(self, token: &Token) -> Result<Mail, Problem> {
        let below = self.digest_below.map(|money| money.in_tokens(token, "mail.digest_below"));
        let digest_below = below.transpose()?.unwrap_or_default();
        Ok(Mail { staff: self.staff.unwrap_or_default(), digest_below, verify: self.verify })
    }
}

/// The vendor's unit of stored value. Its code and scale never change.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TokenBody {
    #[schema(value_type = String, example = "AUR", pattern = "^[A-Z][A-Z0-9]{2,7}$")]
    code: Unit,
    #[schema(inline, example = "Aurum")]
    name: Line<1, 100>,
    /// Decimals.
    #[schema(maximum = 6, example = 2)]
    scale: u8,
    unit_value: UnitValueBody,
}

/// So many tokens are worth so much money.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct UnitValueBody {
    #[schema(value_type = AboveZero)]
    tokens: MoneyIn,
    #[schema(value_type = AboveZero)]
    money: MoneyIn,
}

/// An amount offered for a top-up.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PackBody {
    #[schema(value_type = AboveZero)]
    tokens: MoneyIn,
    /// In a currency that tokens are sold in.
    #[schema(value_type = AboveZero)]
    pay: MoneyIn,
}

/// How many tokens can be added at once. A limit that is absent does not bind.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LimitsSetting<M> {
    /// So many tokens at least.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    min: Option<M>,
    /// So many at most.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    max: Option<M>,
}

// The derived default would demand one of `M`.
fn none<M>() -> Option<M> {
    None
}

impl LimitsSetting<MoneyOut> {
    /// The limits in force.
    pub fn new(limits: Limits, token: &Token) -> Self {
        let money = |amount: Option<Amount>| amount.map(|amount| MoneyOut::tokens(amount, token));
        Self { min: money(limits.min), max: money(limits.max) }
    }
}

impl LimitsSetting<MoneyIn> {
    fn read(&self, token: &Token) -> Result<Limits, Problem> {
        let amount = |money: &Option<MoneyIn>, name: &str| {
            let money = money.as_ref();
            money.map(|money| money.in_tokens(token, &format!("top_up_limits.{name}"))).transpose()
        };
        Ok(Limits { min: amount(&self.min, "min")?, max: amount(&self.max, "max")? })
    }
}

/// The policy for the balance that opens ordering.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(tag = "policy", rename_all = "snake_case", deny_unknown_fields)]
enum ThresholdSetting<M> {
    /// This amount, but never less than the cheapest offer.
    Fixed {
        /// Tokens.
        amount: M,
    },
    /// The lowest current price above zero.
    CheapestOffer {},
}

impl<'de> Deserialize<'de> for ThresholdSetting<MoneyIn> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "snake_case")]
        enum Policy {
            Fixed,
            CheapestOffer,
        }
        // What serde makes of a tag would lose the place of what is wrong.
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Members {
            policy: Policy,
            amount: Option<MoneyIn>,
        }
        let Members { policy, amount } = Members::deserialize(from)?;
        match (policy, amount) {
            (Policy::Fixed, Some(amount)) => Ok(Self::Fixed { amount }),
            (Policy::Fixed, None) => Err(D::Error::missing_field("amount")),
            (Policy::CheapestOffer, None) => Ok(Self::CheapestOffer {}),
            (Policy::CheapestOffer, Some(_)) => Err(D::Error::unknown_field("amount", &[])),
        }
    }
}

/// The ways from visitor to order.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Flow)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "describes what the domain's own type reads")]
enum FlowWord {
    RegisterFirst,
    BrowseFirst,
    MembersOnly,
}

/// Whether staff sign in with a second factor.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SecondFactor)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "describes what the domain's own type reads")]
enum SecondFactorWord {
    Optional,
    Required,
}

/// What registration can require.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RegistrationField)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "describes what the domain's own type reads")]
enum FieldWord {
    Name,
    Address,
    Phone,
    PaymentMethod,
}

/// A field that is given has a value: null would say neither "stays" nor "goes".
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

impl From<&Settings> for SettingsOut {
    fn from(settings: &Settings) -> Self {
        let token = &settings.token;
        Self {
            name: settings.name.clone(),
            token: token.into(),
            flow: settings.flow,
            threshold: match settings.threshold {
                Threshold::Fixed { amount } => {
                    ThresholdSetting::Fixed { amount: MoneyOut::tokens(amount, token) }
                }
                Threshold::CheapestOffer => ThresholdSetting::CheapestOffer {},
            },
            visibility: settings.visibility,
            registration: settings.registration.clone(),
            packs: settings.packs.iter().map(|pack| PackOut::new(pack, token)).collect(),
            prices: settings.prices.iter().map(|price| UnitValueOut::new(price, token)).collect(),
            top_up_limits: LimitsSetting::new(settings.top_up_limits, token),
            credit: CreditSetting::new(&settings.credit, token),
            offline_instructions: settings.offline_instructions.clone(),
            terms_version: settings.terms_version.clone(),
            look: (&settings.look).into(),
            second_factor: settings.second_factor,
            mail: MailSetting::new(&settings.mail, token),
            refund_policy: settings.into(),
        }
    }
}

impl SettingsBody {
    /// `old`, with what is given in place of what was there.
    fn on(self, old: &Settings) -> Result<Settings, Problem> {
        let token = match self.token {
            Some(token) => token.read()?,
            None => old.token.clone(),
        };
        let threshold = match self.threshold {
            Some(ThresholdSetting::Fixed { amount }) => {
                Threshold::Fixed { amount: amount.in_tokens(&token, "threshold.amount")? }
            }
            Some(ThresholdSetting::CheapestOffer {}) => Threshold::CheapestOffer,
            None => old.threshold,
        };
        let packs = match self.packs {
            Some(packs) => {
                let packs = packs.into_iter().enumerate();
                packs.map(|(index, pack)| pack.read(index, &token)).collect::<Result<_, _>>()?
            }
            None => old.packs.clone(),
        };
        let prices = match self.prices {
            Some(prices) => {
                let prices = prices.into_iter().enumerate();
                let field = |index| format!("prices[{index}]");
                prices
                    .map(|(index, price)| price.read(token.code, &field(index)))
                    .collect::<Result<_, _>>()?
            }
            None => old.prices.clone(),
        };
        let top_up_limits = match self.top_up_limits {
            Some(limits) => limits.read(&token)?,
            None => old.top_up_limits,
        };
        let credit = match self.credit {
            Some(credit) => credit.read(&token)?,
            None => old.credit.clone(),
        };
        let mail = match self.mail {
            Some(mail) => mail.read(&token)?,
            None => old.mail.clone(),
        };
        let refunds = self.refund_policy.unwrap_or_else(|| RefundSetting::from(old));
        let look = match self.look {
            Some(look) => look.read()?,
            None => old.look.clone(),
        };
        Ok(Settings {
            name: self.name.map_or_else(|| old.name.clone(), |name| name.0),
            token,
            flow: self.flow.unwrap_or(old.flow),
            threshold,
            visibility: self.visibility.unwrap_or(old.visibility),
            registration: self.registration.unwrap_or_else(|| old.registration.clone()),
            packs,
            prices,
            top_up_limits,
            credit,
            offline_instructions: self
                .offline_instructions
                .map_or_else(|| old.offline_instructions.clone(), |text| text.0),
            terms_version: self
                .terms_version
                .map_or_else(|| old.terms_version.clone(), |version| version.0),
            look,
            second_factor: self.second_factor.unwrap_or(old.second_factor),
            mail,
            refund_policy: refunds.policy(),
            refunds_at_once: refunds.at_once,
        })
    }
}

impl TokenBody {
    fn read(self) -> Result<Token, Problem> {
        let unit_value = self.unit_value.read(self.code, "token.unit_value")?;
        Ok(Token { code: self.code, name: self.name.0, scale: self.scale, unit_value })
    }
}

impl UnitValueBody {
    fn read(self, code: Unit, field: &str) -> Result<UnitValue, Problem> {
        let Self { tokens, money } = self;
        if tokens.unit != code {
            let detail = format!("the token's own code, {code}");
            return Err(Problem::field(format!("{field}.tokens.unit"), detail));
        }
        let money = Money { amount: money.amount, unit: money.unit };
        Ok(UnitValue { tokens: tokens.amount, money })
    }
}

impl PackBody {
    fn read(self, index: usize, token: &Token) -> Result<Pack, Problem> {
        let tokens = self.tokens.in_tokens(token, &format!("packs[{index}].tokens"))?;
        Ok(Pack { tokens, pay: Money { amount: self.pay.amount, unit: self.pay.unit } })
    }
}

/// The settings.
#[utoipa::path(
    get, path = "/v1/admin/settings", tag = "admin", security(("bearer" = [])),
    responses((status = 200, body = SettingsOut))
)]
async fn show(_: Admin, State(app): State<App>) -> Result<Json<SettingsOut>, Problem> {
    Ok(Json((&app.engine.vendor().await?.settings).into()))
}

/// Changes the settings that are given; the others stay.
#[utoipa::path(
    patch, path = "/v1/admin/settings", tag = "admin", security(("bearer" = [])), request_body = SettingsBody,
    responses((status = 200, body = SettingsOut))
)]
async fn change(
    Admin(by): Admin,
    State(app): State<App>,
    body: Body<SettingsBody>,
) -> Result<Json<SettingsOut>, Problem> {
    let change = |old: Option<&Settings>| match old {
        Some(old) => body.value.clone().on(old),
        None => Err(Problem::not_found()),
    };
    let vendor = app.engine.change_settings(by, change).await??;
    Ok(Json((&vendor.settings).into()))
}
