//! The cards of an account: attached, chosen, removed.
//!
//! ```text
//! (attached at the processor) ─▶ Keep                     an answer that is lost: the same request again
//! (given on the processor's page, which attaches it) ─▶ (browser comes back, or hook) ─▶ collected: Keep
//! Remove ─▶ (a worker, once nothing needs the card) ─▶ (detached at the processor) ─▶ gone
//! ```
//! The processor is asked first where the buyer waits for what it says of the card: whoever dies between
//! that and the command leaves a card with the processor that nobody here can pay with, and attaching it
//! again is the same to the processor. Detaching is the worker's, who comes again until it is done.

use scrip_domain::account::Account;
use scrip_domain::payment_method::{Customer, MOST, PaymentMethod};
use scrip_domain::wallet::Wallet;
use scrip_domain::{Id, Span, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};

use crate::ledger::Buyer;
use crate::processor::{self, CardAsk, CustomerName, MethodName, Processor, ProcessorError, demo};
use crate::throttle::{Limited, RetryAfter};
use crate::{Engine, Outcome};

/// For how long a card that a worker took on is nobody else's.
const LEASE: Span = Span::minutes(2);
/// When a card is looked at again that could not be detached yet.
const AGAIN: Span = Span::minutes(10);
/// Cards that one round takes on.
const ROUND: u32 = 20;

/// Why a card was not kept, or not chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PaymentMethodRefusal {
    /// No processor is set up.
    NoProcessor,
    /// The account has no such card.
    Unknown,
    /// The account removed it, and the processor is about to forget it.
    Removed,
    /// The processor refused it, with this word.
    Refused(String),
    /// The account keeps as many as it may.
    TooMany,
    /// Too many cards were tried.
    RateLimited(RetryAfter),
    /// The account is frozen.
    AccountFrozen,
}

impl Engine {
    /// The cards that an account can pay with, the oldest first.
    pub async fn payment_methods(&self, account: Id<Account>) -> Result<Vec<PaymentMethod>, Fault> {
        let Some(processor) = &self.processor else { return Ok(Vec::new()) };
        let mut kept = self.store.payment_methods_of(account).await?;
        kept.retain(|method| method.serves(processor.name()));
        Ok(kept)
    }

    /// Keeps a card that the buyer's browser got from the processor. The first one becomes the one to pay
    /// with. Busy when the processor gives no answer: the same request again is safe.
    pub async fn attach_payment_method(
        &self,
        buyer: Buyer,
        name: &MethodName,
        source: &str,
    ) -> Outcome<PaymentMethod, PaymentMethodRefusal> {
        let Some(processor) = self.processor.clone() else {
            return Ok(Err(PaymentMethodRefusal::NoProcessor));
        };
        let kept = self.store.payment_methods_of(buyer.account).await?;
        match kept.iter().find(|method| method.name == name.as_str()) {
            Some(known) if known.serves(processor.name()) => return Ok(Ok(known.clone())),
            Some(_) => return Ok(Err(PaymentMethodRefusal::Removed)),
            None if kept.len() >= MOST => return Ok(Err(PaymentMethodRefusal::TooMany)),
            None => {}
        }
        if let Err(refusal) = self.may_try_a_card(buyer, source).await? {
            return Ok(Err(refusal));
        }
        let attached = match self.customer_of(processor.as_ref(), buyer.account).await? {
            Ok(customer) => processor.attach(&customer, name).await,
            Err(error) => Err(error),
        };
        match answered(buyer, attached)? {
            Ok(attached) => self.keep(processor.as_ref(), buyer, attached).await,
            Err(refusal) => Ok(Err(refusal)),
        }
    }

    /// A page of the processor that asks the buyer for a card: a link for the browser, which then comes to
    /// `kept_url`, where [`Engine::card_given`] is called, or without a card to `left_url`. Busy when the
    /// processor gives no answer.
    pub async fn card_page(
        &self,
        buyer: Buyer,
        kept_url: String,
        left_url: String,
        source: &str,
    ) -> Outcome<String, PaymentMethodRefusal> {
        let Some(processor) = self.processor.clone() else {
            return Ok(Err(PaymentMethodRefusal::NoProcessor));
        };
        if self.store.payment_methods_of(buyer.account).await?.len() >= MOST {
            return Ok(Err(PaymentMethodRefusal::TooMany));
        }
        if let Err(refusal) = self.may_try_a_card(buyer, source).await? {
            return Ok(Err(refusal));
        }
        let page = match self.customer_of(processor.as_ref(), buyer.account).await? {
            Ok(customer) => {
                let ask = CardAsk { account: buyer.account, customer, kept_url, left_url };
                processor.card_page(&ask).await
            }
            Err(error) => Err(error),
        };
        answered(buyer, page)
    }

    /// The buyer's browser is back from the processor's page. Each time is counted, as the processor is asked each time.
    pub async fn card_given(
        &self,
        buyer: Buyer,
        source: &str,
    ) -> Outcome<(), PaymentMethodRefusal> {
        match self.may_try_a_card(buyer, source).await? {
            Ok(()) => self.collect_cards(buyer).await,
            refused => Ok(refused),
        }
    }

    /// Keeps the cards that the buyer has given on the processor's page. What is known stays as it is, so whoever hears
    /// of a card first may call this, and all others too.
    pub(crate) async fn collect_cards(&self, buyer: Buyer) -> Outcome<(), PaymentMethodRefusal> {
        let Some(processor) = self.processor.clone() else {
            return Ok(Err(PaymentMethodRefusal::NoProcessor));
        };
        // Whom the processor does not know it has not asked for a card.
        let Some(known) = self.store.customer(buyer.account, processor.name()).await? else {
            return Ok(Ok(()));
        };
        let listed = processor.payment_methods(&name_of(known)?).await;
        let mut listed = match answered(buyer, listed)? {
            Ok(listed) => listed,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let known = self.store.payment_methods_of(buyer.account).await?;
        listed.retain(|new| known.iter().all(|known| known.name != new.name.as_str()));
        for new in listed {
            if let Err(refusal) = self.keep(processor.as_ref(), buyer, new).await? {
                return Ok(Err(refusal));
            }
        }
        Ok(Ok(()))
    }

    /// Keeps a card that is attached at the processor, or has it forgotten there.
    async fn keep(
        &self,
        processor: &dyn Processor,
        buyer: Buyer,
        attached: processor::PaymentMethod,
    ) -> Outcome<PaymentMethod, PaymentMethodRefusal> {
        let method = PaymentMethod {
            account: buyer.account,
            name: attached.name.as_str().to_owned(),
            processor: processor.name().to_owned(),
            brand: attached.brand,
            last_four: attached.last_four,
            expiry_year: u32::from(attached.expires.year),
            expiry_month: attached.expires.month,
            created_at: self.now(),
            detach_at: None,
        };
        let outcome = self.submit(Keep { buyer, method }).await?;
        let turned_away = matches!(
            outcome,
            Err(PaymentMethodRefusal::TooMany | PaymentMethodRefusal::AccountFrozen)
        );
        if turned_away && let Err(error) = processor.detach(&attached.name).await {
            tracing::info!(%error, "a card that was turned away stays with the processor");
        }
        Ok(outcome)
    }

    /// Whether a card may be tried now, as far as it is known before the processor is asked; the command
    /// decides.
    async fn may_try_a_card(
        &self,
        buyer: Buyer,
        source: &str,
    ) -> Outcome<(), PaymentMethodRefusal> {
        let member = self.member(buyer.account).await?;
        if member.is_some_and(|member| member.account.frozen_at.is_some()) {
            return Ok(Err(PaymentMethodRefusal::AccountFrozen));
        }
        Ok(self.try_a_card(buyer, source).map_err(PaymentMethodRefusal::RateLimited))
    }

    /// Counts a try, of which an account and an address have few: stolen cards are tried in numbers.
    fn try_a_card(&self, buyer: Buyer, source: &str) -> Result<(), RetryAfter> {
        let (now, account) = (self.now(), buyer.account.to_string());
        let limits = [(Limited::CardAccount, &*account), (Limited::CardSource, source)];
        self.throttle.take(limits, now)
    }

    /// Makes one of its cards the one that an account pays with; none when there is none to be.
    pub async fn choose_payment_method(
        &self,
        buyer: Buyer,
        name: Option<String>,
    ) -> Outcome<Account, PaymentMethodRefusal> {
        let processor = self.processor_name();
        self.submit(Choose { buyer, name, processor }).await
    }

    /// Which processor's cards are taken; an empty name where there is none.
    pub(crate) fn processor_name(&self) -> &'static str {
        self.processor.as_ref().map_or("", |processor| processor.name())
    }

    /// Removes a card: from now on nobody can pay with it, and what was begun with it goes on.
    pub async fn remove_payment_method(
        &self,
        buyer: Buyer,
        name: String,
    ) -> Outcome<(), PaymentMethodRefusal> {
        let removed = self.submit(Remove { buyer, name }).await?;
        self.errands.notify_one();
        Ok(removed)
    }

    /// What the processor calls an account, which it is asked once.
    pub(crate) async fn customer_of(
        &self,
        processor: &dyn Processor,
        account: Id<Account>,
    ) -> Result<Result<CustomerName, ProcessorError>, Fault> {
        if let Some(known) = self.store.customer(account, processor.name()).await? {
            return name_of(known).map(Ok);
        }
        let name = match processor.customer(account).await {
            Ok(name) => name,
            Err(error) => return Ok(Err(error)),
        };
        let customer = Customer {
            account,
            processor: processor.name().to_owned(),
            name: name.as_str().to_owned(),
            created_at: self.now(),
        };
        let wallet = self.buyer_of(account).await?.wallet;
        let Ok(known) = self.submit(Introduce { wallet, customer }).await?;
        name_of(known).map(Ok)
    }

    /// Tells the processor of removed cards that nothing needs any more. Gives how many it took on.
    pub(crate) async fn detach_removed(&self, processor: &dyn Processor) -> Result<usize, Fault> {
        let due = self.store.payment_methods_leaving(self.now(), ROUND).await?;
        let mut taken: usize = 0;
        for method in due {
            let buyer = self.buyer_of(method.account).await?;
            let step = |step| Leave { buyer, name: method.name.clone(), step };
            if self.submit(step(Step::Take)).await?.is_err() {
                continue;
            }
            taken = taken.saturating_add(1);
            let gone = self.is_detached(processor, &method).await?;
            let then = if gone { Step::Gone } else { Step::Later };
            // Somebody else's by now, when the lease ran out; then that one ends it.
            drop(self.submit(step(then)).await?);
        }
        Ok(taken)
    }

    /// Detaches a card, unless something under way needs it. Whether the processor has forgotten it.
    async fn is_detached(
        &self,
        processor: &dyn Processor,
        method: &PaymentMethod,
    ) -> Result<bool, Fault> {
        if self.store.payment_method_is_used(method.account, &method.name).await? {
            return Ok(false);
        }
        let name = MethodName::new(method.name.clone());
        let (Some(name), true) = (name, method.processor == processor.name()) else {
            // Another processor's, who cannot be asked any more.
            return Ok(true);
        };
        match processor.detach(&name).await {
            Ok(()) => Ok(true),
            Err(ProcessorError::Unanswered { .. }) => Ok(false),
            // Also said of what was detached before: its list knows.
            Err(ProcessorError::Refused { .. }) => {
                let customer = self.customer_of(processor, method.account).await?;
                let Ok(customer) = customer else { return Ok(false) };
                let listed = processor.payment_methods(&customer).await;
                Ok(listed.is_ok_and(|listed| listed.iter().all(|other| other.name != name)))
            }
        }
    }
}

/// What the processor calls a customer that is known.
fn name_of(known: Customer) -> Result<CustomerName, Fault> {
    CustomerName::new(known.name).ok_or_else(|| Fault::Bug("the name of a customer is none".into()))
}

/// What the processor answered when it was asked about a card.
fn answered<T>(
    buyer: Buyer,
    answer: Result<T, ProcessorError>,
) -> Outcome<T, PaymentMethodRefusal> {
    match answer {
        Ok(answer) => Ok(Ok(answer)),
        Err(ProcessorError::Unanswered { why, .. }) => {
            tracing::info!(account = %buyer.account, why, "the processor gave no answer");
            Err(Fault::Busy)
        }
        Err(ProcessorError::Refused { code, message }) => {
            tracing::info!(account = %buyer.account, code, message, "the processor refused a card");
            Ok(Err(PaymentMethodRefusal::Refused(code)))
        }
    }
}

/// The rows that every command of this file is decided on: the wallet guards its account and its cards.
fn wants(wants: &mut Wants, buyer: Buyer) {
    wants.wallets.guard((buyer.wallet,));
    wants.accounts.read((buyer.account,));
    wants.payment_methods.read((buyer.account,));
}

fn account_of(books: &Books, buyer: Buyer) -> Result<&Account, Fault> {
    let lost = || Fault::Bug("a buyer has no account".into());
    books.accounts.get(&(buyer.account,))?.ok_or_else(lost)
}

/// Whether an account can pay with what `processor` calls `name`: a card of its own, whose rows the command
/// wants, or one of the demo's.
pub(crate) fn can_pay_with(
    books: &Books,
    account: Id<Account>,
    processor: &str,
    name: &str,
) -> Result<bool, Fault> {
    Ok(owns(books, account, processor, name)? || demo::is_everybodys(processor, name))
}

/// Whether it is a card of its own.
fn owns(books: &Books, account: Id<Account>, processor: &str, name: &str) -> Result<bool, Fault> {
    let own = books.payment_methods.all(&(account,))?;
    Ok(own.iter().any(|method| method.name == name && method.serves(processor)))
}

/// With another card to pay with.
fn paying_with(account: &Account, name: Option<String>) -> Account {
    let mut account = account.clone();
    account.person.payment_method = name;
    account
}

/// Keeps what the processor calls an account, unless it is known by now.
struct Introduce {
    wallet: Id<Wallet>,
    customer: Customer,
}

impl Command for Introduce {
    type Receipt = Customer;
    type Refusal = std::convert::Infallible;

    fn wants(&self, wants: &mut Wants) {
        wants.wallets.guard((self.wallet,));
        wants.customers.read((self.customer.account, self.customer.processor.clone()));
    }

    fn decide(
        &self,
        books: &Books,
        _: Timestamp,
    ) -> Result<Decision<Customer, Self::Refusal>, Fault> {
        let key = (self.customer.account, self.customer.processor.clone());
        let mut changes = Changes::default();
        if let Some(known) = books.customers.get(&key)? {
            return Ok(Decision::done(known.clone(), changes));
        }
        changes.customers.push(Change::Insert(self.customer.clone()));
        Ok(Decision::done(self.customer.clone(), changes))
    }
}

/// Keeps a card that is attached.
struct Keep {
    buyer: Buyer,
    method: PaymentMethod,
}

impl Command for Keep {
    type Receipt = PaymentMethod;
    type Refusal = PaymentMethodRefusal;

    fn wants(&self, all: &mut Wants) {
        wants(all, self.buyer);
    }

    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<PaymentMethod, PaymentMethodRefusal>, Fault> {
        let account = account_of(books, self.buyer)?;
        let kept = books.payment_methods.all(&(self.buyer.account,))?;
        let mut changes = Changes::default();
        let refused = |why| Ok(Decision::refused(why));
        match kept.iter().find(|method| method.name == self.method.name) {
            Some(known) if known.serves(&self.method.processor) => {
                return Ok(Decision::done(known.clone(), changes));
            }
            Some(_) => return refused(PaymentMethodRefusal::Removed),
            None if account.frozen_at.is_some() || account.erased_at.is_some() => {
                return refused(PaymentMethodRefusal::AccountFrozen);
            }
            None if kept.len() >= MOST => return refused(PaymentMethodRefusal::TooMany),
            None => {}
        }
        let method = PaymentMethod { created_at: at, ..self.method.clone() };
        if account.person.payment_method.is_none() {
            let account = paying_with(account, Some(method.name.clone()));
            changes.accounts.push(Change::Update(account));
        }
        changes.payment_methods.push(Change::Insert(method.clone()));
        Ok(Decision::done(method, changes))
    }
}

/// Says which card the account pays with.
struct Choose {
    buyer: Buyer,
    name: Option<String>,
    processor: &'static str,
}

impl Command for Choose {
    type Receipt = Account;
    type Refusal = PaymentMethodRefusal;

    fn wants(&self, all: &mut Wants) {
        wants(all, self.buyer);
    }

    fn decide(
        &self,
        books: &Books,
        _: Timestamp,
    ) -> Result<Decision<Account, PaymentMethodRefusal>, Fault> {
        let old = account_of(books, self.buyer)?;
        if let Some(name) = &self.name
            && !owns(books, self.buyer.account, self.processor, name)?
        {
            return Ok(Decision::refused(PaymentMethodRefusal::Unknown));
        }
        let account = paying_with(old, self.name.clone());
        let mut changes = Changes::default();
        if account != *old {
            changes.accounts.push(Change::Update(account.clone()));
        }
        Ok(Decision::done(account, changes))
    }
}

/// Removes a card.
struct Remove {
    buyer: Buyer,
    name: String,
}

impl Command for Remove {
    type Receipt = ();
    type Refusal = PaymentMethodRefusal;

    fn wants(&self, all: &mut Wants) {
        wants(all, self.buyer);
    }

    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<(), PaymentMethodRefusal>, Fault> {
        let account = account_of(books, self.buyer)?;
        let kept = books.payment_methods.all(&(self.buyer.account,))?;
        let kept = kept.iter().find(|method| method.name == self.name);
        let Some(method) = kept.filter(|method| method.detach_at.is_none()) else {
            return Ok(Decision::refused(PaymentMethodRefusal::Unknown));
        };
        let mut changes = Changes::default();
        let leaving = PaymentMethod { detach_at: Some(at), ..method.clone() };
        changes.payment_methods.push(Change::Update(leaving));
        if account.person.payment_method.as_ref() == Some(&self.name) {
            changes.accounts.push(Change::Update(paying_with(account, None)));
        }
        Ok(Decision::done((), changes))
    }
}

/// What becomes of a card that leaves.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    /// It is due, and a worker takes it on.
    Take,
    /// It cannot go yet.
    Later,
    /// The processor has forgotten it.
    Gone,
}

/// It is not due any more.
struct NotLeaving;

struct Leave {
    buyer: Buyer,
    name: String,
    step: Step,
}

impl Command for Leave {
    type Receipt = ();
    type Refusal = NotLeaving;

    fn wants(&self, all: &mut Wants) {
        wants(all, self.buyer);
    }

    fn decide(&self, books: &Books, at: Timestamp) -> Result<Decision<(), NotLeaving>, Fault> {
        let kept = books.payment_methods.all(&(self.buyer.account,))?;
        let method = kept.iter().find(|method| method.name == self.name);
        let Some((method, due_at)) = method.and_then(|method| Some((method, method.detach_at?)))
        else {
            return Ok(Decision::refused(NotLeaving));
        };
        if self.step == Step::Take && due_at > at {
            return Ok(Decision::refused(NotLeaving));
        }
        let until = |span| {
            Change::Update(PaymentMethod { detach_at: Some(at.plus(span)), ..method.clone() })
        };
        let mut changes = Changes::default();
        changes.payment_methods.push(match self.step {
            Step::Take => until(LEASE),
            Step::Later => until(AGAIN),
            Step::Gone => Change::Delete(method.clone()),
        });
        Ok(Decision::done((), changes))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use scrip_domain::Clock;
    use scrip_domain::account::Person;
    use scrip_storage::Store;

    use super::*;

    struct Noon;

    impl Clock for Noon {
        fn now(&self) -> Timestamp {
            Timestamp::from_millis(1_795_348_800_000)
        }
    }

    /// An account out of nowhere.
    struct Open(Account);

    impl Command for Open {
        type Receipt = ();
        type Refusal = ();

        fn wants(&self, _: &mut Wants) {}

        fn decide(&self, _: &Books, _: Timestamp) -> Result<Decision<(), ()>, Fault> {
            let mut changes = Changes::default();
            changes.accounts.push(Change::Insert(self.0.clone()));
            Ok(Decision::done((), changes))
        }
    }

    fn card(buyer: Buyer, number: usize) -> PaymentMethod {
        PaymentMethod {
            account: buyer.account,
            name: format!("pm_{number}"),
            processor: "demo".into(),
            brand: "visa".into(),
            last_four: "4242".into(),
            expiry_year: 2030,
            expiry_month: 12,
            created_at: Noon.now(),
            detach_at: None,
        }
    }

    #[tokio::test]
    async fn an_account_keeps_twenty_cards_those_that_leave_included() {
        let memory = scrip_storage::Memory::new("twenty-cards").unwrap();
        let (store, writer) = Store::memory(&memory).unwrap();
        tokio::spawn(writer.run(Arc::new(Noon), Arc::new(crate::Memory::default())));
        let buyer = Buyer { account: Id::new(1001).unwrap(), wallet: Id::new(2001).unwrap() };
        let account = Account {
            id: buyer.account,
            wallet: buyer.wallet,
            email: "ada@example.com".into(),
            person: Person::default(),
            created_at: Noon.now(),
            verified_at: None,
            frozen_at: None,
            frozen_by_dispute: false,
            terms_version: None,
            erased_at: None,
            sweep_at: None,
        };
        store.submit(Open(account)).await.unwrap().unwrap();
        let keep = |number| store.submit(Keep { buyer, method: card(buyer, number) });
        for number in 0..MOST {
            assert!(keep(number).await.unwrap().is_ok(), "{number}");
        }
        assert_eq!(keep(MOST).await.unwrap(), Err(PaymentMethodRefusal::TooMany));
        assert!(keep(0).await.unwrap().is_ok(), "it is there already");
        let remove = Remove { buyer, name: "pm_0".into() };
        store.submit(remove).await.unwrap().unwrap();
        assert_eq!(keep(0).await.unwrap(), Err(PaymentMethodRefusal::Removed));
        assert_eq!(keep(MOST).await.unwrap(), Err(PaymentMethodRefusal::TooMany), "still there");
        let leave = |step| store.submit(Leave { buyer, name: "pm_0".into(), step });
        assert!(leave(Step::Take).await.unwrap().is_ok());
        assert!(leave(Step::Take).await.unwrap().is_err(), "another worker has it");
        assert!(leave(Step::Gone).await.unwrap().is_ok());
        assert!(leave(Step::Gone).await.unwrap().is_err());
        assert!(keep(MOST).await.unwrap().is_ok());
        let account = store.account(buyer.account).await.unwrap().unwrap();
        let pays_with = account.person.payment_method.as_deref();
        assert_eq!(pays_with, Some("pm_20"), "the first one went, and the next one took its place");
    }
}
