//! Looking after automatic top-ups: a worker takes each errand that is due, and one command sees what became
//! of the last top-up and begins the next, under the guard of the wallet. There is never a second one while
//! one is under way, and what comes by others is counted.

use scrip_domain::account::Account;
use scrip_domain::auto_top_up::{AutoTopUp, Stopped};
use scrip_domain::event::{Event, EventType};
use scrip_domain::sale::{Sale, Wish};
use scrip_domain::settings::Vendor;
use scrip_domain::top_up::{TopUp, TopUpMethod, TopUpState};
use scrip_domain::{Amount, Id, Span, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::reads::Page;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};

use super::begin::{Begin, Reference};
use super::{Minted, TopUpAsk, TopUpRefusal, Way};
use crate::auto_top_up::{Wait, wait, want};
use crate::ledger::Buyer;
use crate::round::{self, IN_TURN};
use crate::{Engine, event};

/// Errands that one round takes on.
const ROUND: u32 = 50;
/// So many of an account's latest top-ups are looked at for those that are still coming.
const LATEST: u32 = 50;
/// How soon one that is under way is looked at again, and how late at most.
const SOON: Span = Span::seconds(15);
const LATE: Span = Span::hours(1);

impl Engine {
    /// Looks after the automatic top-ups that are due, once. Gives how many there were.
    pub async fn run_auto_top_ups(&self) -> Result<usize, Fault> {
        if self.holds_tokens_still() {
            return Ok(0);
        }
        let due = self.store.auto_errands_due(self.now(), ROUND).await?;
        Ok(round::all(due, IN_TURN, |errand| self.look_after(errand.account)).await?.len())
    }

    async fn look_after(&self, account: Id<Account>) -> Result<(), Fault> {
        let buyer = self.buyer_of(account).await?;
        let command = LookAfter {
            buyer,
            vendor: self.vendor().await?.id,
            open: self.open_top_ups(buyer).await?,
            processor: self.processor_name(),
            bureau: self.bureau.is_some(),
            id: self.mint()?,
            reference: self.reference(),
            minted: self.minted().await?,
            stopping: self.mint()?,
        };
        let Ok(begun) = self.submit(command).await?;
        if begun {
            self.errands.notify_one();
        }
        Ok(())
    }

    /// An account's top-ups that may still bring something, and the last automatic one.
    async fn open_top_ups(&self, buyer: Buyer) -> Result<Vec<Id<TopUp>>, Fault> {
        let page = Page { after: None, limit: LATEST };
        let latest = self.store.top_ups_of(buyer.account, page).await?;
        let coming = latest.iter().filter(|top_up| is_coming(top_up)).map(|top_up| top_up.id);
        let last = self.store.auto_top_up(buyer.account).await?.and_then(|auto| auto.top_up);
        Ok(coming.chain(last).collect())
    }
}

/// Whether tokens of a top-up may be on their way. What is paid offline may never come.
fn is_coming(top_up: &TopUp) -> bool {
    match top_up.state {
        TopUpState::RequiresAction | TopUpState::InReview => top_up.method == TopUpMethod::Card,
        state => !state.is_final(),
    }
}

struct LookAfter {
    buyer: Buyer,
    vendor: Id<Vendor>,
    open: Vec<Id<TopUp>>,
    /// Which processor's cards are taken; an empty name where there is none.
    processor: &'static str,
    bureau: bool,
    id: Id<TopUp>,
    reference: Reference,
    minted: Minted,
    stopping: Id<Event>,
}

impl Command for LookAfter {
    /// Whether one was begun.
    type Receipt = bool;
    type Refusal = std::convert::Infallible;

    fn wants(&self, wants: &mut Wants) {
        want(wants, self.buyer);
        wants.payment_methods.read((self.buyer.account,));
        wants.debt_payments.read((self.buyer.wallet,));
        wants.vendor.read((self.vendor,));
        wants.credit_files.read((self.buyer.account,));
        self.open.iter().for_each(|id| wants.top_ups.read((*id,)));
    }

    fn decide(&self, books: &Books, at: Timestamp) -> Result<Decision<bool, Self::Refusal>, Fault> {
        let mut changes = Changes::default();
        let errand = books.auto_errands.get(&(self.buyer.account,))?;
        let Some(old) = errand
            .filter(|errand| errand.due_at <= at)
            .and(books.auto_top_ups.get(&(self.buyer.account,))?)
        else {
            // Another server looked after it meanwhile, or it is not wanted any more.
            return Ok(Decision::done(false, changes));
        };
        let next = match self.settled(books, old, at)? {
            (auto, Some(next)) => Next { auto, wait: next, begun: false },
            (auto, None) => self.go_on(books, &mut changes, auto, at)?,
        };
        if next.auto.stopped.is_some() {
            let (kind, account) = (EventType::AutoTopUpStopped, self.buyer.account);
            let event = Event::new(self.stopping, kind, account, account.into(), at);
            event::tell(&mut changes, event);
        }
        wait(books, &mut changes, self.buyer, next.wait)?;
        if next.auto != *old {
            changes.auto_top_ups.push(Change::Update(next.auto));
        }
        Ok(Decision::done(next.begun, changes))
    }
}

/// What was decided.
struct Next {
    auto: AutoTopUp,
    wait: Wait,
    begun: bool,
}

impl LookAfter {
    /// What became of the last one, and where the next is waited for if it is not its time yet.
    fn settled(
        &self,
        books: &Books,
        auto: &AutoTopUp,
        at: Timestamp,
    ) -> Result<(AutoTopUp, Option<Wait>), Fault> {
        let auto = auto.at(at);
        let Some(id) = auto.top_up else { return Ok((auto, None)) };
        if !self.open.contains(&id) {
            // It was begun by another server since the rows were looked up.
            return Ok((auto, Some(Wait::Until(at.plus(SOON)))));
        }
        let lost = || Fault::Bug("an automatic top-up is gone".into());
        let top_up = books.top_ups.get(&(id,))?.ok_or_else(lost)?;
        if !top_up.state.is_final() {
            return Ok((auto, Some(Wait::Until(again(top_up, at)))));
        }
        if top_up.credited_at.is_some() {
            return Ok((auto.credited(), None));
        }
        let (auto, next) = auto.declined(at);
        Ok((auto, Some(next.map_or(Wait::Nowhere, Wait::Until))))
    }

    /// Arms the wallet where there is enough, else begins one, else waits.
    fn go_on(
        &self,
        books: &Books,
        changes: &mut Changes,
        auto: AutoTopUp,
        at: Timestamp,
    ) -> Result<Next, Fault> {
        let missing = |what: &str| Fault::Bug(format!("a buyer has no {what}"));
        let Buyer { account, wallet } = self.buyer;
        let wallet = books.wallets.get(&(wallet,))?.ok_or_else(|| missing("wallet"))?;
        let account = books.accounts.get(&(account,))?.ok_or_else(|| missing("account"))?;
        let vendor = books.vendor.get(&(self.vendor,))?.ok_or_else(|| missing("vendor"))?;
        let until = |auto: AutoTopUp, wait: Timestamp| {
            Ok(Next { auto, wait: Wait::Until(wait), begun: false })
        };
        let available = wallet.available_at(at);
        if available >= auto.below {
            let wait = Wait::Armed(auto.below);
            return Ok(Next { auto, wait, begun: false });
        }
        let with_coming = available.checked_add(self.coming(books)?).unwrap_or(Amount::MAX);
        if with_coming >= auto.below {
            return until(auto, at.plus(Span::minutes(1)));
        }
        let tokens = auto.target.checked_sub(with_coming).unwrap_or(Amount::ZERO);
        let tokens = vendor.settings.top_up_limits.nearest(tokens);
        let sale = vendor.settings.sale(Wish::Tokens(tokens, None)).ok();
        let may = !self.processor.is_empty() && account.frozen_at.is_none();
        let Some(sale) = sale.filter(|_| may) else { return until(auto, at.plus(LATE)) };
        if let Some(barred) = auto.barred(sale.pay) {
            return until(auto, barred);
        }
        self.begin(books, changes, auto, sale, at)
    }

    /// Begins one, which is assessed as any other.
    fn begin(
        &self,
        books: &Books,
        changes: &mut Changes,
        auto: AutoTopUp,
        Sale { tokens, pay }: Sale,
        at: Timestamp,
    ) -> Result<Next, Fault> {
        let way = Way::Card { payment_method: auto.payment_method.clone() };
        let begin = Begin {
            buyer: self.buyer,
            ask: TopUpAsk { tokens, pay: Some(pay), way },
            request: None,
            note: None,
            vendor: self.vendor,
            id: self.id,
            reference: self.reference,
            processor: self.processor,
            bureau: self.bureau,
            minted: self.minted,
        };
        Ok(match begin.begun(books, at)? {
            Ok((top_up, written)) => {
                *changes = written;
                let auto = auto.begun(top_up.id, pay);
                Next { auto, wait: Wait::Until(at.plus(SOON)), begun: true }
            }
            // There is none, or the one that was named has been removed.
            Err(TopUpRefusal::PaymentMethodMissing | TopUpRefusal::PaymentMethodUnknown) => {
                let auto = AutoTopUp { stopped: Some(Stopped::PaymentMethod), ..auto };
                Next { auto, wait: Wait::Nowhere, begun: false }
            }
            // A full wallet, which has not enough all the same: nothing that goes away by itself.
            Err(_) => Next { auto, wait: Wait::Until(at.plus(LATE)), begun: false },
        })
    }

    /// What is on its way by other top-ups.
    fn coming(&self, books: &Books) -> Result<Amount, Fault> {
        let mut sum = Amount::ZERO;
        for id in &self.open {
            if let Some(top_up) = books.top_ups.get(&(*id,))?.filter(|top_up| is_coming(top_up)) {
                sum = sum.checked_add(top_up.tokens).unwrap_or(Amount::MAX);
            }
        }
        Ok(sum)
    }
}

/// When a top-up that is under way is looked at again: ever later, as it takes ever longer.
fn again(top_up: &TopUp, at: Timestamp) -> Timestamp {
    at.plus(at.since(top_up.created_at).clamp(SOON, LATE))
}
