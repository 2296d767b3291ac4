//! Stripe as a card processor: the port of `scrip_engine::processor` over Stripe's HTTP API.
//!
//! A thin typed client of the dozen calls that a top-up needs. The generated crates carry the whole API:
//! hundreds of types, minutes of compile time, and a client that repeats by itself what here a worker
//! repeats, with the reason on record.
//!
//! - Money is reserved first and captured in a second call (`capture_method=manual`), whole: Stripe counts
//!   the rest of a part capture as refunded, which no picture could tell from a refund.
//! - What is not harmless when repeated carries an `Idempotency-Key`. Stripe then repeats the *first* answer,
//!   so a repeated answer is not believed but asked for anew. Capturing and cancelling are harmless by the
//!   payment's own state; with a key, a 500 would be repeated for a day.
//! - A hook only names its payment. The picture is asked for.
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::as_conversions,
        clippy::arithmetic_side_effects
    )
)]

mod hook;
mod money;
mod shape;
mod wire;

use std::time::Duration;

use scrip_domain::account::Account;
use scrip_domain::{Id, Money, Span, Timestamp};
use scrip_engine::processor::{
    Asked, Authorization, CardAsk, CustomerName, Headers, Hook, HookRefusal, MethodName, Payment,
    PaymentMethod, PaymentName, Processor, ProcessorError, RefundAsk, Search, Secret, Verb,
    idempotency_key,
};

use crate::shape::{Card, CardPage, Customer, Disputes, Intent, Page, Refund};
use crate::wire::{Form, Wire};

/// Stripe's own address.
pub const API_BASE: &str = "https://api.stripe.com";

/// How long an answer is waited for: card networks may take that long, and a call that was given up too
/// early must be asked about.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// What is looked at in one search: more payments of one customer since a top-up began are no customer's.
const PAGES: usize = 10;

/// Stripe's clock and ours may differ by so much.
const SKEW: Span = Span::minutes(5);

/// What a payment's picture needs besides itself.
const EXPAND: &str = "latest_charge.balance_transaction";

/// An account at Stripe.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `sk_…`, or a restricted key `rk_…`.
    pub secret_key: Secret,
    /// `pk_…`, which the buyer's browser shows to Stripe.
    pub publishable_key: String,
    /// `whsec_…`, of the webhook endpoint that points to us.
    pub webhook_secret: Secret,
    /// Where the API stands: [`API_BASE`], or a fake's address.
    pub api_base: String,
    /// How long an answer is waited for: [`PATIENCE`].
    pub patience: Duration,
}

/// Why there can be no client.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The key could be none of Stripe's.
    #[error("the secret key does not begin with sk_ or rk_")]
    SecretKey,
    /// The secret could be none of Stripe's.
    #[error("the webhook secret does not begin with whsec_")]
    WebhookSecret,
    /// The secret key would be sent in the clear.
    #[error("the API's address must begin with https://, or with http:// on this very machine")]
    Address,
    /// Without them nobody's certificate can be checked.
    #[error("this machine has no certificate authorities (Debian: ca-certificates)")]
    Authorities(#[source] std::io::Error),
}

impl From<scrip_https::SetupError> for SetupError {
    fn from(error: scrip_https::SetupError) -> Self {
        match error {
            scrip_https::SetupError::Address => Self::Address,
            scrip_https::SetupError::Authorities(error) => Self::Authorities(error),
        }
    }
}

/// Stripe.
#[derive(Debug)]
pub struct Stripe {
    wire: Wire,
    publishable_key: String,
    webhook_secret: Secret,
}

impl Stripe {
    /// A client; nothing is asked of the network yet.
    pub fn new(settings: &Settings) -> Result<Self, SetupError> {
        if !settings.webhook_secret.reveal().starts_with("whsec_") {
            return Err(SetupError::WebhookSecret);
        }
        let webhook_secret = settings.webhook_secret.clone();
        let publishable_key = settings.publishable_key.clone();
        Ok(Self { wire: Wire::new(settings)?, publishable_key, webhook_secret })
    }

    async fn authorize(&self, ask: &Authorization) -> Result<Payment, ProcessorError> {
        let form = Form::of(&[
            ("amount", &money::to_wire(ask.money)?.to_string()),
            ("currency", &money::currency(ask.money.unit)),
            ("customer", ask.customer.as_str()),
            ("payment_method", ask.method.as_str()),
            ("payment_method_types[]", "card"),
            ("capture_method", "manual"),
            ("confirm", "true"),
            ("return_url", &ask.return_url),
            ("description", &ask.description),
            ("metadata[top_up]", &ask.top_up.to_string()),
            ("expand[]", EXPAND),
        ]);
        let key = idempotency_key(ask.top_up, Verb::Authorize);
        self.picture_after("/v1/payment_intents", &form, Some(&key)).await
    }

    async fn capture(
        &self,
        payment: &PaymentName,
        money: Money,
    ) -> Result<Payment, ProcessorError> {
        let amount = money::to_wire(money)?.to_string();
        let form = Form::of(&[("amount_to_capture", &amount), ("expand[]", EXPAND)]);
        self.picture_after(&format!("/v1/payment_intents/{payment}/capture"), &form, None).await
    }

    async fn cancel(&self, payment: &PaymentName) -> Result<Payment, ProcessorError> {
        let form = Form::of(&[("expand[]", EXPAND)]);
        self.picture_after(&format!("/v1/payment_intents/{payment}/cancel"), &form, None).await
    }

    /// Looks first whether it was made before: keys are forgotten after a day, and a worker may have been
    /// away for longer.
    async fn refund(&self, ask: &RefundAsk) -> Result<Payment, ProcessorError> {
        let of = Form::of(&[("payment_intent", ask.payment.as_str()), ("limit", "100")]);
        let made: Page<Refund> = self.wire.get("/v1/refunds", &of).await?;
        if !made.data.iter().any(|refund| refund.is(&ask.name)) {
            let form = Form::of(&[
                ("payment_intent", ask.payment.as_str()),
                ("amount", &money::to_wire(ask.money)?.to_string()),
                ("metadata[refund]", &ask.name),
            ]);
            let key = idempotency_key(&ask.name, Verb::Refund);
            self.wire.post::<Refund>("/v1/refunds", &form, Some(&key)).await?;
        }
        self.payment(&ask.payment).await
    }

    async fn payment(&self, payment: &PaymentName) -> Result<Payment, ProcessorError> {
        let form = Form::of(&[("expand[]", EXPAND)]);
        let path = format!("/v1/payment_intents/{payment}");
        self.picture(self.wire.get(&path, &form).await?).await
    }

    /// By the customer's list, which shows at once what was made; Stripe's search lags by up to a minute.
    async fn find(&self, search: &Search) -> Result<Option<Payment>, ProcessorError> {
        let since = search.since.minus(SKEW).seconds().to_string();
        let mut after: Option<String> = None;
        let mut found = None;
        for _ in 0..PAGES {
            let mut form = Form::of(&[
                ("customer", search.customer.as_str()),
                ("created[gte]", &since),
                ("limit", "100"),
                ("expand[]", "data.latest_charge.balance_transaction"),
            ]);
            if let Some(last) = &after {
                form = form.and("starting_after", last);
            }
            let page: Page<Intent> = self.wire.get("/v1/payment_intents", &form).await?;
            after = page.data.last().map(|intent| intent.id.clone());
            // The newest come first; if there were ever two, the first one made is the payment.
            found = page.data.into_iter().rfind(|intent| intent.is_for(search.top_up)).or(found);
            if !page.has_more || after.is_none() {
                return match found {
                    Some(intent) => self.picture(intent).await.map(Some),
                    None => Ok(None),
                };
            }
        }
        Err(ProcessorError::unanswered("the customer has too many payments to look through"))
    }

    async fn customer(&self, account: Id<Account>) -> Result<CustomerName, ProcessorError> {
        let form = Form::of(&[("metadata[account]", &account.to_string())]);
        let key = idempotency_key(account, Verb::Customer);
        let made = self.wire.post::<Customer>("/v1/customers", &form, Some(&key)).await?;
        CustomerName::new(made.answer.id).ok_or_else(|| unreadable("a customer"))
    }

    async fn attach(
        &self,
        customer: &CustomerName,
        method: &MethodName,
    ) -> Result<PaymentMethod, ProcessorError> {
        let form = Form::of(&[("customer", customer.as_str())]);
        let path = format!("/v1/payment_methods/{method}/attach");
        let attached = self.wire.post::<Card>(&path, &form, None).await?;
        attached.answer.payment_method().ok_or_else(|| unreadable("a payment method"))
    }

    /// Stripe's own page, which attaches the card to the customer and asks the bank for what later payments
    /// without the buyer need. It can be used for a day.
    async fn card_page(&self, ask: &CardAsk) -> Result<String, ProcessorError> {
        let form = Form::of(&[
            ("mode", "setup"),
            ("customer", ask.customer.as_str()),
            ("payment_method_types[]", "card"),
            ("client_reference_id", &ask.account.to_string()),
            ("success_url", &ask.kept_url),
            ("cancel_url", &ask.left_url),
        ]);
        let made = self.wire.post::<CardPage>("/v1/checkout/sessions", &form, None).await?;
        let url = made.answer.url.filter(|url| url.starts_with("https://"));
        url.ok_or_else(|| unreadable("the address of a page"))
    }

    async fn detach(&self, method: &MethodName) -> Result<(), ProcessorError> {
        let path = format!("/v1/payment_methods/{method}/detach");
        self.wire.post::<Card>(&path, &Form::of(&[]), None).await?;
        Ok(())
    }

    async fn payment_methods(
        &self,
        customer: &CustomerName,
    ) -> Result<Vec<PaymentMethod>, ProcessorError> {
        let form = Form::of(&[("customer", customer.as_str()), ("type", "card"), ("limit", "100")]);
        let cards: Page<Card> = self.wire.get("/v1/payment_methods", &form).await?;
        let methods = cards.data.into_iter().map(Card::payment_method);
        methods.collect::<Option<_>>().ok_or_else(|| unreadable("a payment method"))
    }

    /// Changes a payment, and tells how it is then. An answer from Stripe's memory of an idempotency key, and
    /// a refusal that names the payment (a declined card, a state that is not the expected one), are no
    /// picture of now.
    async fn picture_after(
        &self,
        path: &str,
        form: &Form,
        key: Option<&str>,
    ) -> Result<Payment, ProcessorError> {
        match self.wire.post::<Intent>(path, form, key).await {
            Ok(posted) if posted.replayed => {
                let name = PaymentName::new(posted.answer.id);
                self.payment(&name.ok_or_else(|| unreadable("a payment"))?).await
            }
            Ok(posted) => self.picture(posted.answer).await,
            Err(failure) => match failure.payment() {
                Some(payment) => self.payment(&payment).await,
                None => Err(failure.into()),
            },
        }
    }

    /// The picture of a payment, with its disputes, which Stripe keeps apart.
    async fn picture(&self, intent: Intent) -> Result<Payment, ProcessorError> {
        let disputed = intent.is_disputed();
        let mut payment = intent.picture().ok_or_else(|| unreadable("a payment"))?;
        if disputed {
            let of = Form::of(&[("payment_intent", payment.name.as_str()), ("limit", "100")]);
            let disputes: Disputes = self.wire.get("/v1/disputes", &of).await?;
            payment.disputes = disputes.oldest_first().ok_or_else(|| unreadable("a dispute"))?;
        }
        Ok(payment)
    }
}

/// The answer is JSON of the right shape, and yet says what cannot be.
fn unreadable(what: &str) -> ProcessorError {
    ProcessorError::unanswered(format!("{what} in the answer cannot be read"))
}

impl Processor for Stripe {
    fn name(&self) -> &'static str {
        "stripe"
    }

    fn authorize<'a>(&'a self, ask: &'a Authorization) -> Asked<'a, Payment> {
        Box::pin(self.authorize(ask))
    }

    fn capture<'a>(&'a self, payment: &'a PaymentName, money: Money) -> Asked<'a, Payment> {
        Box::pin(self.capture(payment, money))
    }

    fn cancel<'a>(&'a self, payment: &'a PaymentName) -> Asked<'a, Payment> {
        Box::pin(self.cancel(payment))
    }

    fn refund<'a>(&'a self, ask: &'a RefundAsk) -> Asked<'a, Payment> {
        Box::pin(self.refund(ask))
    }

    fn payment<'a>(&'a self, payment: &'a PaymentName) -> Asked<'a, Payment> {
        Box::pin(self.payment(payment))
    }

    fn find<'a>(&'a self, search: &'a Search) -> Asked<'a, Option<Payment>> {
        Box::pin(self.find(search))
    }

    fn customer(&self, account: Id<Account>) -> Asked<'_, CustomerName> {
        Box::pin(self.customer(account))
    }

    fn attach<'a>(
        &'a self,
        customer: &'a CustomerName,
        method: &'a MethodName,
    ) -> Asked<'a, PaymentMethod> {
        Box::pin(self.attach(customer, method))
    }

    fn card_page<'a>(&'a self, ask: &'a CardAsk) -> Asked<'a, String> {
        Box::pin(self.card_page(ask))
    }

    fn detach<'a>(&'a self, method: &'a MethodName) -> Asked<'a, ()> {
        Box::pin(self.detach(method))
    }

    fn payment_methods<'a>(&'a self, customer: &'a CustomerName) -> Asked<'a, Vec<PaymentMethod>> {
        Box::pin(self.payment_methods(customer))
    }

    fn publishable_key(&self) -> Option<&str> {
        Some(&self.publishable_key)
    }

    fn hook(&self, headers: Headers<'_>, body: &[u8], now: Timestamp) -> Result<Hook, HookRefusal> {
        let signature = headers(hook::SIGNATURE).ok_or(HookRefusal::Unsigned)?;
        hook::verify(&self.webhook_secret, signature, body, now)?;
        hook::read(body)
    }
}
