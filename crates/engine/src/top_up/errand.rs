//! The worker that asks processor and bureau: it finds what is due, makes the call, and hands in what it saw.
//!
//! ```text
//! due ─▶ taken (moved ahead, so that no other server runs it) ─▶ called ─▶ seen ─▶ done, or due again
//! ```
//! Every call can be repeated without a second effect, so a worker that dies between any two of these
//! steps costs a little time and nothing else: the errand is due again when its lease is over.

use scrip_domain::reversal::ReversalState;
use scrip_domain::settings::Vendor;
use scrip_domain::top_up::{Call, Errand, TopUp};
use scrip_domain::{Id, Money, Span, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};

use super::reversed::GivenBack;
use super::seen::{Came, News};
use crate::Engine;
use crate::ledger::Buyer;
use crate::processor::{
    Authorization, CustomerName, Headers, Hook, HookRefusal, MethodName, Payment, PaymentName,
    Processor, ProcessorError, REPEATABLE, RefundAsk, Search,
};
use crate::round::{self, AT_ONCE};

/// For how long an errand that was taken is nobody else's.
const LEASE: Span = Span::minutes(2);
/// Errands that one round takes on.
const ROUND: u32 = 50;

/// Why a message was not heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HearRefusal {
    /// There is no such processor here.
    NoSuchProcessor,
    /// It was not believed.
    Hook(HookRefusal),
}

impl Engine {
    /// Runs what is due, once, removed cards among it. Gives how much it ran.
    pub async fn run_errands(&self) -> Result<usize, Fault> {
        if self.holds_tokens_still() {
            return Ok(0);
        }
        let due = self.store.errands_due(self.now(), ROUND).await?;
        let ran = round::count(due, AT_ONCE, |errand| self.run_errand(errand.top_up)).await;
        let removed = match &self.processor {
            Some(processor) => self.detach_removed(processor.as_ref()).await?,
            None => 0,
        };
        Ok(ran?.saturating_add(removed))
    }

    /// Runs one, unless it is not due any more.
    async fn run_errand(&self, id: Id<TopUp>) -> Result<bool, Fault> {
        let Some(top_up) = self.take_errand(id).await? else { return Ok(false) };
        if top_up.next_call() == Some(Call::Assess) {
            self.ask_bureau(&top_up).await?;
        } else if let Some(processor) = &self.processor {
            let processor = processor.as_ref();
            let (news, came) = match top_up.next_call() {
                Some(Call::GiveBack) => self.give_back(processor, &top_up).await?,
                _ => (self.call(processor, &top_up).await?, Came::OnErrand),
            };
            self.seen(id, news, came).await?;
        }
        // Without the processor that it is for, it waits for one: it is due again when its lease is over.
        Ok(true)
    }

    /// Waits until there may be an errand before the next round.
    pub async fn errand_waits(&self) {
        self.errands.notified().await;
    }

    /// Whether this is the processor that is set up.
    pub fn has_processor(&self, name: &str) -> bool {
        self.processor.as_ref().is_some_and(|known| known.name() == name)
    }

    /// Reads what a processor says unasked, for [`Engine::heard`].
    pub fn read_hook(
        &self,
        processor: &str,
        headers: Headers<'_>,
        body: &[u8],
    ) -> Result<Hook, HearRefusal> {
        let known = self.processor.as_ref().filter(|known| known.name() == processor);
        let known = known.ok_or(HearRefusal::NoSuchProcessor)?;
        known.hook(headers, body, self.now()).map_err(HearRefusal::Hook)
    }

    /// Asks the processor about what it said. Busy when it does not answer: it sends its message again.
    pub async fn heard(&self, hook: Hook) -> Result<(), Fault> {
        match hook {
            Hook::Payment(payment) => self.look_at(&payment).await,
            Hook::Card(account) => match self.member(account).await? {
                // A card that is turned away stays so however often the message comes.
                Some(member) => {
                    let buyer = Buyer { account, wallet: member.account.wallet };
                    self.collect_cards(buyer).await.map(drop)
                }
                None => Ok(()),
            },
            Hook::Ignored => Ok(()),
        }
    }

    /// Asks the processor for the picture of a payment, and books it. Busy when it does not answer: it
    /// sends its message again.
    pub async fn look_at(&self, payment: &PaymentName) -> Result<(), Fault> {
        let Some(processor) = self.processor.clone() else { return Ok(()) };
        match processor.payment(payment).await {
            Ok(picture) => {
                if let Some(top_up) = picture.top_up {
                    self.seen(top_up, News::Picture(picture), Came::Unasked).await?;
                }
                Ok(())
            }
            Err(ProcessorError::Unanswered { .. }) => Err(Fault::Busy),
            Err(ProcessorError::Refused { code, message }) => {
                tracing::warn!(%payment, code, message, "the processor does not know its own payment");
                Ok(())
            }
        }
    }

    async fn take_errand(&self, id: Id<TopUp>) -> Result<Option<TopUp>, Fault> {
        let Some(top_up) = self.store.top_up(id).await? else { return Ok(None) };
        let wallet = self.buyer_of(top_up.account).await?.wallet;
        match self.submit(Take { id, wallet }).await? {
            Ok(top_up) => Ok(Some(top_up)),
            Err(NotDue) => Ok(None),
        }
    }

    /// Asks what the top-up's state asks for.
    async fn call(&self, processor: &dyn Processor, top_up: &TopUp) -> Result<News, Fault> {
        let Some(call) = top_up.next_call() else { return Ok(News::Nothing) };
        let money = top_up.pay.ok_or_else(|| Fault::Bug("a card pays no money".into()))?;
        let picture = match (call, payment_of(top_up)?) {
            (Call::Assess, _) => return Ok(News::Nothing),
            (Call::Authorize, _) | (_, None) => {
                let vendor = self.vendor().await?;
                match self.customer_of(processor, top_up.account).await? {
                    Ok(customer) => {
                        self.authorize(processor, top_up, customer, money, &vendor).await
                    }
                    Err(error) => Err(error),
                }
            }
            (Call::Capture, Some(payment)) => processor.capture(&payment, money).await.map(Some),
            (Call::Cancel, Some(payment)) => processor.cancel(&payment).await.map(Some),
            (Call::Ask | Call::Watch | Call::GiveBack, Some(payment)) => {
                processor.payment(&payment).await.map(Some)
            }
            (Call::Refund, Some(payment)) => {
                let known = top_up.payment.as_ref();
                let amount = known.map_or(money.amount, |known| known.left_of(money.amount));
                let ask = RefundAsk {
                    // Another sum is another refund: more than was taken no processor gives back.
                    name: format!("{}/back/{}", top_up.id, amount.units()),
                    payment,
                    money: Money { amount, ..money },
                };
                match processor.refund(&ask).await {
                    // Less may be left than was known: the picture says how much.
                    Err(ProcessorError::Refused { .. }) => {
                        processor.payment(&ask.payment).await.map(Some)
                    }
                    answer => answer.map(Some),
                }
            }
        };
        Ok(match picture {
            Ok(Some(picture)) => News::Picture(picture),
            Ok(None) => News::NeverArrived,
            Err(ProcessorError::Refused { code, .. }) => News::Refused { call, code },
            Err(ProcessorError::Unanswered { why, retry_after }) => {
                tracing::info!(top_up = %top_up.id, why, "the processor gave no answer");
                News::Unanswered { retry_after }
            }
        })
    }

    /// Asks for the oldest refund of a credited top-up that was not answered yet. One that is refused is
    /// looked into: what was not answered before may have been carried out.
    async fn give_back(
        &self,
        processor: &dyn Processor,
        top_up: &TopUp,
    ) -> Result<(News, Came), Fault> {
        let all = self.store.reversals_of(top_up.id).await?;
        let pending = all.into_iter().find(|one| one.state == ReversalState::Pending);
        let (Some(refund), Some(pay), Some(payment)) = (pending, top_up.pay, payment_of(top_up)?)
        else {
            return Ok((News::Nothing, Came::OnErrand));
        };
        let money = Money { amount: refund.claimed, unit: pay.unit };
        let ask = RefundAsk { name: refund.id.to_string(), payment, money };
        let (picture, refused) = match processor.refund(&ask).await {
            Err(ProcessorError::Refused { code, .. }) => {
                (processor.payment(&ask.payment).await, Some(code))
            }
            answer => (answer, None),
        };
        Ok(match picture {
            Ok(picture) => {
                let given = GivenBack { refund: refund.id, refused };
                (News::Picture(picture), Came::GivingBack(given))
            }
            Err(ProcessorError::Unanswered { why, retry_after }) => {
                tracing::info!(top_up = %top_up.id, why, "the processor gave no answer");
                (News::Unanswered { retry_after }, Came::OnErrand)
            }
            // It knows its own payment no more: nobody knows, and a person must look.
            Err(ProcessorError::Refused { code, message }) => {
                tracing::warn!(top_up = %top_up.id, code, message, "a refund cannot be looked into");
                (News::Unanswered { retry_after: None }, Came::OnErrand)
            }
        })
    }

    /// The same authorization as often as its answer is lost; once the processor may have forgotten
    /// that it was the same, the payment is looked for instead.
    async fn authorize(
        &self,
        processor: &dyn Processor,
        top_up: &TopUp,
        customer: CustomerName,
        money: Money,
        vendor: &Vendor,
    ) -> Result<Option<Payment>, ProcessorError> {
        if self.now() >= top_up.decided_at().plus(REPEATABLE) {
            let since = top_up.created_at;
            return processor.find(&Search { top_up: top_up.id, customer, since }).await;
        }
        let method = top_up.payment_method.as_deref().and_then(MethodName::new);
        let Some(method) = method else {
            return Err(ProcessorError::refused("payment_method", "no such payment method"));
        };
        let ask = Authorization {
            top_up: top_up.id,
            money,
            customer,
            method,
            return_url: format!("{}/wallet", self.public_url()),
            description: format!("{} {}", vendor.settings.name, vendor.settings.token.code),
        };
        processor.authorize(&ask).await.map(Some)
    }
}

/// The processor's name of a top-up's payment, once it is known.
fn payment_of(top_up: &TopUp) -> Result<Option<PaymentName>, Fault> {
    let corrupt = || Fault::Bug("the name of a payment is none".into());
    let name = top_up.payment.as_ref().map(|payment| payment.name.as_str());
    name.map(|name| PaymentName::new(name).ok_or_else(corrupt)).transpose()
}

/// It is not due any more: done, or somebody else's.
struct NotDue;

struct Take {
    id: Id<TopUp>,
    wallet: Id<scrip_domain::wallet::Wallet>,
}

impl Command for Take {
    type Receipt = TopUp;
    type Refusal = NotDue;

    fn wants(&self, wants: &mut Wants) {
        wants.wallets.guard((self.wallet,));
        wants.top_ups.read((self.id,));
        wants.errands.read((self.id,));
    }

    fn decide(&self, books: &Books, at: Timestamp) -> Result<Decision<TopUp, NotDue>, Fault> {
        let due = books.errands.get(&(self.id,))?.filter(|errand| errand.due_at <= at);
        let (Some(errand), Some(top_up)) = (due, books.top_ups.get(&(self.id,))?) else {
            return Ok(Decision::refused(NotDue));
        };
        let mut changes = Changes::default();
        let taken = Errand { due_at: at.plus(LEASE), ..errand.clone() };
        changes.errands.push(Change::Update(taken));
        Ok(Decision::done(top_up.clone(), changes))
    }
}

/// When an errand is due again that brought nothing final: soon at first, then ever later, at most an
/// hour, and not before the processor wants to be asked.
pub(super) fn due_again(errand: &Errand, retry_after: Option<Span>, at: Timestamp) -> Errand {
    let seconds = 2_u32.saturating_pow(errand.attempts.saturating_add(1)).min(3600);
    let later = at.plus(Span::seconds(seconds).max(retry_after.unwrap_or(Span::millis(0))));
    Errand { due_at: later, attempts: errand.attempts.saturating_add(1), ..errand.clone() }
}
