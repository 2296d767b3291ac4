//! The card processor as the engine sees it: a port, and no I/O of its own.
//!
//! **Every verb answers with the processor's picture of the payment.** One command of the engine moves a
//! top-up by such a picture, whether it came as an answer, after a hook, or by asking; so that nothing
//! depends on which of them came first, or how often.
//!
//! ```text
//! authorize ─▶ requires_action ─▶ authorized ─▶ captured ─▶ (refunded, disputed)
//!          └▶ failed          └▶ failed     └▶ cancelled
//! ```
//! A repeated verb is the same call: its idempotency key is made from our ids and the verb. When an answer
//! is lost, repeat the call for as long as [`REPEATABLE`] says, afterwards look with [`Processor::find`].

pub mod demo;

use std::fmt;

use futures_util::future::BoxFuture;
use scrip_domain::account::Account;
use scrip_domain::top_up::TopUp;
use scrip_domain::{Amount, Id, Money, Span, Timestamp};

/// How long after its first try a call may be repeated: processors forget idempotency keys after a day,
/// and a repeat after that would be a second payment.
pub const REPEATABLE: Span = Span::hours(23);

/// What a verb comes to.
pub type Asked<'a, T> = BoxFuture<'a, Result<T, ProcessorError>>;

/// Somebody who moves money between cards and the vendor.
pub trait Processor: Send + Sync + fmt::Debug {
    /// Its name, as in `POST /v1/hooks/{name}` and in the rows of its payments. It never changes.
    fn name(&self) -> &'static str;

    /// Reserves the money on the card; nothing is taken yet. A declined card is a picture.
    fn authorize<'a>(&'a self, ask: &'a Authorization) -> Asked<'a, Payment>;

    /// Takes what was authorized, whole: `money` says how much that is, so that a mix-up is refused.
    fn capture<'a>(&'a self, payment: &'a PaymentName, money: Money) -> Asked<'a, Payment>;

    /// Releases what is reserved. What was captured stays so, and the picture says it.
    fn cancel<'a>(&'a self, payment: &'a PaymentName) -> Asked<'a, Payment>;

    /// Gives captured money back.
    fn refund<'a>(&'a self, ask: &'a RefundAsk) -> Asked<'a, Payment>;

    /// The payment as it is now.
    fn payment<'a>(&'a self, payment: &'a PaymentName) -> Asked<'a, Payment>;

    /// The payment for a top-up whose answer to [`Processor::authorize`] was lost. `None` is final once
    /// that call can no longer be on its way.
    fn find<'a>(&'a self, search: &'a Search) -> Asked<'a, Option<Payment>>;

    /// The processor's name for an account, made when first asked for.
    fn customer(&self, account: Id<Account>) -> Asked<'_, CustomerName>;

    /// Keeps a payment method, which the buyer's browser got from the processor, with a customer.
    fn attach<'a>(
        &'a self,
        customer: &'a CustomerName,
        method: &'a MethodName,
    ) -> Asked<'a, PaymentMethod>;

    /// A page of the processor that asks the buyer for a card and keeps it with the customer: a link for the
    /// buyer's browser. Each call makes another page.
    fn card_page<'a>(&'a self, ask: &'a CardAsk) -> Asked<'a, String>;

    /// Forgets a payment method.
    fn detach<'a>(&'a self, method: &'a MethodName) -> Asked<'a, ()>;

    /// What a customer can pay with.
    fn payment_methods<'a>(&'a self, customer: &'a CustomerName) -> Asked<'a, Vec<PaymentMethod>>;

    /// What the buyer's browser shows to the processor to have a card named; no secret.
    fn publishable_key(&self) -> Option<&str> {
        None
    }

    /// The demo's bank, whose questions its buyers answer on a page of ours.
    fn demo_bank(&self) -> Option<&demo::DemoProcessor> {
        None
    }

    /// Reads a message of the processor to `POST /v1/hooks/{name}`, once its signature is right.
    fn hook(&self, headers: Headers<'_>, body: &[u8], now: Timestamp) -> Result<Hook, HookRefusal>;
}

/// The headers of a hook, by name in any case; the first of that name.
pub type Headers<'a> = &'a dyn Fn(&str) -> Option<&'a str>;

/// What is to be reserved, for whom, and from what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authorization {
    /// Our name of it, from which the idempotency key is made and by which it is found again.
    pub top_up: Id<TopUp>,
    /// How much.
    pub money: Money,
    /// Whose card.
    pub customer: CustomerName,
    /// Which of them.
    pub method: MethodName,
    /// Where the buyer's browser comes back to when the bank wants to see the buyer.
    pub return_url: String,
    /// What the buyer reads beside the payment.
    pub description: String,
}

/// A card that the processor is to ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardAsk {
    /// Whose account, which a hook then names.
    pub account: Id<Account>,
    /// What the processor calls it.
    pub customer: CustomerName,
    /// Where the browser goes with the card kept.
    pub kept_url: String,
    /// Where it goes without.
    pub left_url: String,
}

/// What is to be given back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundAsk {
    /// Our own id of this refund, as text: under one name money is given back once.
    pub name: String,
    /// Of which payment.
    pub payment: PaymentName,
    /// How much.
    pub money: Money,
}

/// A payment that is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search {
    /// For which top-up.
    pub top_up: Id<TopUp>,
    /// Whose.
    pub customer: CustomerName,
    /// Not made before this.
    pub since: Timestamp,
}

/// The processor's picture of a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    /// The processor's name of it.
    pub name: PaymentName,
    /// Whose top-up it is; none where it is no payment of ours.
    pub top_up: Option<Id<TopUp>>,
    /// Where it stands.
    pub state: PaymentState,
    /// What was asked for.
    pub money: Money,
    /// What has been given back, in the same unit.
    pub refunded: Amount,
    /// What the processor thinks of the buyer; once there was a charge.
    pub risk: Option<Risk>,
    /// What the buyer's bank took back or wants to, oldest first.
    pub disputes: Vec<Dispute>,
}

impl Payment {
    /// What the buyer's bank has of it, for now or for good.
    pub fn disputed(&self) -> Amount {
        let taken =
            |dispute: &&Dispute| matches!(dispute.state, DisputeState::Open | DisputeState::Lost);
        let taken = self.disputes.iter().filter(taken).map(|dispute| dispute.amount);
        Amount::try_sum(taken).unwrap_or(Amount::MAX)
    }
}

/// Where a payment stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PaymentState {
    /// The bank wants to see the buyer first.
    RequiresAction(Action),
    /// The processor does not know yet.
    Processing,
    /// The money is reserved.
    Authorized,
    /// The money is taken.
    Captured {
        /// The processor's name of the charge: one credit for each, ever.
        charge: ChargeName,
        /// How much was taken.
        amount: Amount,
        /// What the processor keeps of it, in the currency of the vendor's account there; once it is known.
        fee: Option<Money>,
    },
    /// Nothing was taken, and nothing will be.
    Cancelled,
    /// The card was declined, or the buyer did not pass the bank's check.
    Failed {
        /// Why, as a word of the processor.
        reason: String,
        /// Why, as a word of the bank.
        decline_code: Option<String>,
    },
    /// A state that this program does not know: never guessed, a person must look.
    Unknown(String),
}

/// What the buyer must do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Go there; the browser comes back to `return_url`.
    Redirect(String),
    /// Answer the bank through the processor's script, which is given this.
    Confirm(Secret),
}

/// What the processor thinks of the buyer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Risk {
    /// How bad.
    pub level: RiskLevel,
    /// The same as a number from 0 to 100, where the vendor's contract includes it.
    pub score: Option<u8>,
}

/// How bad a risk is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RiskLevel {
    /// Nothing stands out.
    Normal,
    /// To be looked at.
    Elevated,
    /// To be refused.
    Highest,
    /// A level that this program does not know.
    Unknown(String),
}

/// The buyer's bank wants money back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dispute {
    /// The processor's name of it.
    pub name: DisputeName,
    /// How much of it, in the unit of the payment.
    pub amount: Amount,
    /// Where it stands.
    pub state: DisputeState,
    /// Why, as a word of the processor.
    pub reason: String,
}

/// Where a dispute stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DisputeState {
    /// The bank asks; no money was taken back.
    Inquiry,
    /// The money was taken back, for now.
    Open,
    /// The money is the vendor's; also an inquiry that came to nothing.
    Won,
    /// The money is the buyer's.
    Lost,
    /// A state that this program does not know: never guessed.
    Unknown(String),
}

/// What a customer can pay with. A card's number is never here: it never reaches us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentMethod {
    /// The processor's name of it.
    pub name: MethodName,
    /// `visa`.
    pub brand: String,
    /// The last four digits, for the buyer to know it by.
    pub last_four: String,
    /// The last month in which it can be used.
    pub expires: Expiry,
}

/// A month of a year.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Expiry {
    /// As in 2030.
    pub year: u16,
    /// 1 to 12.
    pub month: u8,
}

/// What a hook says. It only names what it is about: the picture is asked for, so that an event that is old or
/// out of order cannot mislead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hook {
    /// Something happened to this payment.
    Payment(PaymentName),
    /// This account has given the processor a card.
    Card(Id<Account>),
    /// Something that does not concern us; to be acknowledged.
    Ignored,
}

/// Why a hook was not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HookRefusal {
    /// No signature, or one of another scheme.
    #[error("the hook is not signed")]
    Unsigned,
    /// A signature that is not the processor's.
    #[error("the hook's signature is wrong")]
    Forged,
    /// Signed too long ago, or too far ahead of our clock.
    #[error("the hook was not signed now")]
    Stale,
    /// Rightly signed, and still not readable.
    #[error("the hook cannot be read")]
    Unreadable,
}

/// Why there is no picture.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProcessorError {
    /// Nobody knows what happened: the answer was lost, late, or no answer. Ask later.
    #[error("the processor gave no answer: {why}")]
    Unanswered {
        /// What there was instead.
        why: String,
        /// How long to wait at least, where the processor said so.
        retry_after: Option<Span>,
    },
    /// The processor said no to the call itself, and did nothing.
    #[error("the processor refused: {message} ({code})")]
    Refused {
        /// Why, as a stable word of the processor.
        code: String,
        /// Why, for the operator.
        message: String,
    },
}

impl ProcessorError {
    /// There was no answer.
    pub fn unanswered(why: impl Into<String>) -> Self {
        Self::Unanswered { why: why.into(), retry_after: None }
    }

    /// The call was refused.
    pub fn refused(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Refused { code: code.into(), message: message.into() }
    }
}

/// What makes a repeated call the same call: whose it is, by an id, and the verb.
pub fn idempotency_key(subject: impl fmt::Display, verb: Verb) -> String {
    format!("{subject}/{verb}")
}

/// The verbs of a processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verb {
    /// [`Processor::authorize`].
    Authorize,
    /// [`Processor::capture`].
    Capture,
    /// [`Processor::cancel`].
    Cancel,
    /// [`Processor::refund`].
    Refund,
    /// [`Processor::customer`].
    Customer,
    /// [`Processor::attach`].
    Attach,
    /// [`Processor::card_page`].
    AskForCard,
    /// [`Processor::detach`].
    Detach,
    /// Any that changes nothing, and so needs no key.
    Ask,
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Authorize => "authorize",
            Self::Capture => "capture",
            Self::Cancel => "cancel",
            Self::Refund => "refund",
            Self::Customer => "customer",
            Self::Attach => "attach",
            Self::AskForCard => "ask_for_card",
            Self::Detach => "detach",
            Self::Ask => "ask",
        })
    }
}

/// A text that is shown nowhere by accident.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Hides `text`.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for the one place that needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// Makes the types of names that the processor gives. They go into paths of its API, so only what can stand
/// there is one: a buyer's browser sends some of them.
macro_rules! names {
    ($($(#[$meta:meta])* $name:ident),* $(,)?) => {$(
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// Reads the name; `None` when it is none: 1 to 255 of `A-Za-z0-9_-`.
            pub fn new(text: impl Into<String>) -> Option<Self> {
                let text = text.into();
                let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
                let well_formed = (1..=255).contains(&text.len()) && text.bytes().all(fits);
                well_formed.then_some(Self(text))
            }

            /// The name.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

names! {
    /// A payment.
    PaymentName,
    /// A charge: money taken once.
    ChargeName,
    /// An account, as the processor calls it.
    CustomerName,
    /// A payment method.
    MethodName,
    /// A dispute.
    DisputeName,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_could_leave_its_path_is_none() {
        assert!(MethodName::new("pm_card-1").is_some());
        for text in ["", "pm/../refunds", "pm_1?expand", "pm 1", "pm_ü", &"x".repeat(256)] {
            assert_eq!(MethodName::new(text), None, "{text}");
        }
    }

    #[test]
    fn a_secret_is_not_shown() {
        let action = Action::Confirm(Secret::new("pi_1_secret_2"));
        assert_eq!(format!("{action:?}"), "Confirm(Secret)");
    }

    #[test]
    fn a_repeat_has_the_same_key_and_no_other_call_has_it() {
        let top_up = Id::<TopUp>::floor(Timestamp::from_millis(1_795_390_200_123));
        let key = idempotency_key(top_up, Verb::Authorize);
        assert_eq!(key, format!("{top_up}/authorize"));
        assert_ne!(key, idempotency_key(top_up, Verb::Cancel));
    }
}
