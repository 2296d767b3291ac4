//! Adding funds: asking for a top-up, and staff's word on one that waits for review.
//!
//! The states stand in `scrip_domain::top_up`. Every top-up records its own credit assessment
//! before the money decision; a declined one is on record with its reasons, and charges nothing. What a
//! card processor is asked, and what becomes of its answers, are [`errand`] and [`seen`].

pub mod appeal;
mod approved;
mod assessing;
mod automatic;
mod begin;
mod decide;
pub mod errand;
pub mod offline;
mod reversed;
mod seen;
mod voucher;

use scrip_domain::credit::Assessment;
use scrip_domain::event::{Event, EventType};
use scrip_domain::ledger::{House, LedgerAccount, Reason, Transfer};
use scrip_domain::lot::{Lot, LotKind};
use scrip_domain::request::Request;
use scrip_domain::seasoning::Seasoning;
use scrip_domain::settings::Vendor;
use scrip_domain::top_up::{TopUp, TopUpMethod, TopUpState};
use scrip_domain::voucher::VoucherBatch;
use scrip_domain::wallet::Wallet;
use scrip_domain::{Amount, Id, Money, Timestamp};
use scrip_storage::{Books, Changes, Fault, Wants};

use crate::audit::Staff;
use crate::event;
use crate::ledger::{self, Buyer};
use crate::processor::MethodName;
use crate::purchase::Answered;
use crate::throttle::RetryAfter;
use crate::{Engine, Mode, Outcome};

pub use begin::Reference;
pub use decide::{DecideRefusal, Verdict};
pub use voucher::Redeem;

/// What a buyer, or an administrator for one, asks for.
#[derive(Clone, Debug)]
pub struct TopUpAsk {
    /// Tokens, in smallest units, above zero.
    pub tokens: Amount,
    /// What is paid for them.
    pub pay: Option<Money>,
    /// How.
    pub way: Way,
}

/// How tokens come in.
#[derive(Clone, Debug)]
pub enum Way {
    /// By card, through the vendor's processor.
    Card {
        /// The processor's name of the card; the account's own without one.
        payment_method: Option<String>,
    },
    /// By bank transfer, cheque, money order or purchase order.
    Offline,
    /// With a voucher.
    Voucher(Redeem),
    /// On credit.
    CreditLine,
    /// By the demo's approvals.
    Demo {
        /// `demo_approved`, `demo_declined` or `demo_review`; the first without one.
        payment_method: Option<String>,
    },
    /// By hand.
    Administrator {
        /// Whose.
        by: Staff,
        /// Why.
        reason: String,
    },
}

impl Way {
    fn method(&self) -> TopUpMethod {
        match self {
            Self::Card { .. } => TopUpMethod::Card,
            Self::Offline => TopUpMethod::Offline,
            Self::Voucher(_) => TopUpMethod::Voucher,
            Self::CreditLine => TopUpMethod::CreditLine,
            Self::Demo { .. } => TopUpMethod::Demo,
            Self::Administrator { .. } => TopUpMethod::Administrator,
        }
    }
}

/// Why no top-up was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TopUpRefusal {
    /// The credit assessment said no; it is on record.
    Declined {
        /// The declined top-up; it names the request that was declined first.
        top_up: Box<TopUp>,
        /// Whether the same request was declined before.
        replayed: bool,
    },
    /// The vendor takes no such method: no processor is set up, nobody says how to pay offline, or it is
    /// the demo's outside of demo mode.
    MethodUnknown,
    /// The payment method is none that the demo knows.
    PaymentMethodUnknown,
    /// A card must be named, and the account has none.
    PaymentMethodMissing,
    /// No voucher has this code that the account could redeem now.
    VoucherRefused,
    /// Too many vouchers were tried.
    RateLimited(RetryAfter),
    /// The credit line does not cover it any more.
    OverLimit,
    /// The wallet would hold more than an amount can be.
    TooMuch,
    /// The idempotency key was used for something else.
    KeyReused,
    /// The account is frozen.
    AccountFrozen,
}

impl Engine {
    /// Adds funds to a wallet, or records why not. By card this only begins it: a worker asks the
    /// processor ([`Engine::run_errands`]), and is waiting to be told that there is something to do.
    pub async fn top_up(
        &self,
        buyer: Buyer,
        ask: TopUpAsk,
        request: Request,
    ) -> Outcome<Answered<TopUp>, TopUpRefusal> {
        match &ask.way {
            Way::Demo { payment_method } => {
                if self.mode != Mode::Demo {
                    return Ok(Err(TopUpRefusal::MethodUnknown));
                }
                if begin::demo_status(payment_method.as_deref()).is_none() {
                    return Ok(Err(TopUpRefusal::PaymentMethodUnknown));
                }
            }
            Way::Card { payment_method } => {
                if self.processor.is_none() {
                    return Ok(Err(TopUpRefusal::MethodUnknown));
                }
                if payment_method.as_ref().is_some_and(|name| MethodName::new(name).is_none()) {
                    return Ok(Err(TopUpRefusal::PaymentMethodUnknown));
                }
            }
            Way::Offline | Way::Voucher(_) | Way::CreditLine | Way::Administrator { .. } => {}
        }
        let id = match self.begin(buyer, ask, request).await? {
            Ok(Ok(top_up)) => {
                if top_up.next_call().is_some() {
                    self.errands.notify_one();
                }
                return Ok(Ok(Answered::First(top_up)));
            }
            Ok(Err(before)) => before,
            Err(refusal) => return Ok(Err(refusal)),
        };
        self.topped_up(id).await
    }

    /// The answer that `request` got before, if it did: to be asked when what it pays buys no tokens
    /// any more.
    pub async fn topped_up_before(
        &self,
        buyer: Buyer,
        request: Request,
    ) -> Result<Option<Result<Answered<TopUp>, TopUpRefusal>>, Fault> {
        let Some(entry) = self.store.request(buyer.account, request.key).await? else {
            return Ok(None);
        };
        Ok(Some(match Id::new(entry.target) {
            Some(id) if entry.note == request.fingerprint => self.topped_up(id).await?,
            _ => Err(TopUpRefusal::KeyReused),
        }))
    }

    /// The first answer again.
    async fn topped_up(&self, id: Id<TopUp>) -> Outcome<Answered<TopUp>, TopUpRefusal> {
        let lost = || Fault::Bug("an idempotency key names no top-up".into());
        let top_up = self.store.top_up(id).await?.ok_or_else(lost)?.at_first();
        Ok(match top_up.state {
            TopUpState::Declined => {
                Err(TopUpRefusal::Declined { top_up: Box::new(top_up), replayed: true })
            }
            _ => Ok(Answered::Replayed(top_up)),
        })
    }
}

/// The ids that moving a top-up may need.
#[derive(Clone, Copy, Debug)]
struct Minted {
    /// Whose settings say how long tokens wait before they can be exchanged.
    vendor: Id<Vendor>,
    lot: Id<Lot>,
    transfer: Id<Transfer>,
    /// What has expired meanwhile is booked by it.
    expiry: Id<Transfer>,
    /// What is owed is paid by it.
    debt: Id<Transfer>,
    event: Id<Event>,
    assessment: Id<Assessment>,
}

impl Engine {
    async fn minted(&self) -> Result<Minted, Fault> {
        Ok(Minted {
            vendor: self.vendor().await?.id,
            lot: self.mint()?,
            expiry: self.mint()?,
            transfer: self.mint()?,
            debt: self.mint()?,
            event: self.mint()?,
            assessment: self.mint()?,
        })
    }
}

/// Tokens on their way into a wallet.
#[derive(Clone, Copy, Debug)]
struct Coming {
    tokens: Amount,
    kind: LotKind,
    expires_at: Option<Timestamp>,
}

impl Coming {
    /// Tokens that were bought.
    fn paid(tokens: Amount) -> Self {
        Self { tokens, kind: LotKind::Paid, expires_at: None }
    }

    /// Tokens that are still to be paid.
    fn lent(tokens: Amount) -> Self {
        Self { tokens, kind: LotKind::Credit, expires_at: None }
    }

    /// The tokens of a voucher.
    fn of(batch: &VoucherBatch, at: Timestamp) -> Self {
        let expires_at = batch.tokens_expire_at(at);
        Self { tokens: batch.tokens, kind: batch.kind.lot(), expires_at }
    }
}

impl Minted {
    /// What [`Self::bring`] looks at besides the wallet.
    fn wants(&self, wants: &mut Wants) {
        wants.vendor.read((self.vendor,));
    }

    /// How long tokens wait before they can be exchanged.
    fn seasoning(&self, books: &Books) -> Result<Seasoning, Fault> {
        let vendor = books.vendor.get(&(self.vendor,))?;
        let lost = || Fault::Bug("a top-up has no vendor".into());
        Ok(vendor.ok_or_else(lost)?.settings.credit.seasoning)
    }

    /// Puts all that a top-up brings into the wallet, which must be able to hold it.
    fn credit(
        &self,
        changes: &mut Changes,
        (books, wallet): (&Books, &Wallet),
        top_up: TopUp,
        coming: Coming,
        at: Timestamp,
    ) -> Result<TopUp, Fault> {
        let mut credited = top_up;
        self.bring(changes, (books, wallet), &mut credited, coming, at)?;
        credited.state = TopUpState::Credited;
        credited.credited_at = Some(at);
        Ok(credited)
    }

    /// Puts tokens into the wallet: a new lot, and the transfer that brings them. What is owed is paid
    /// from them first.
    fn bring(
        &self,
        changes: &mut Changes,
        (books, wallet): (&Books, &Wallet),
        top_up: &mut TopUp,
        coming: Coming,
        at: Timestamp,
    ) -> Result<(), Fault> {
        let Coming { tokens, kind, expires_at } = coming;
        let lot = Lot {
            id: self.lot,
            wallet: wallet.id,
            kind,
            amount: tokens,
            priority: kind.priority(),
            expires_at,
            exchangeable_at: self.seasoning(books)?.exchangeable_at(kind, top_up, at),
            created_at: at,
        };
        let house = if kind == LotKind::Promo { House::Granted } else { House::Issued };
        let reason = match top_up.method {
            TopUpMethod::Administrator => Reason::Adjustment,
            _ => Reason::TopUp,
        };
        let transfer = Transfer {
            id: self.transfer,
            debit: LedgerAccount::House(house),
            credit: LedgerAccount::Free(wallet.id),
            amount: tokens,
            reason,
            subject: top_up.id.into(),
            at,
        };
        let wallet = ledger::expire(changes, wallet, self.expiry, at)?;
        let (home, wallet) = ledger::put(changes, &wallet, lot, transfer)?;
        top_up.lots.push(home);
        ledger::settle(changes, books, &wallet, self.debt, at)?;
        Ok(())
    }

    /// Tells of the state that a top-up has come to, where that is told.
    fn tell(&self, changes: &mut Changes, top_up: &TopUp, at: Timestamp) {
        let kind = match top_up.state {
            TopUpState::Credited => EventType::TopUpCredited,
            TopUpState::Declined | TopUpState::Failed => EventType::TopUpDeclined,
            TopUpState::InReview => EventType::TopUpInReview,
            _ => return,
        };
        let (account, subject) = (top_up.account, top_up.id.into());
        event::tell(changes, Event::new(self.event, kind, account, subject, at));
    }
}
