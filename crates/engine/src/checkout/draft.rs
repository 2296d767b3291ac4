//! Drafts at a merchant: a selection with its prices, of a buyer or, where one may browse first, of a visitor.
//!
//! Nothing is said of a balance: that is the provider's to see to when the buyer confirms there. A visitor's key is kept with
//! where they came from, and the order goes by a token; whose it is, its confirmation at the provider says.

use std::sync::Arc;

use scrip_domain::account::Account;
use scrip_domain::gate::{self, Act};
use scrip_domain::identity::Visit;
use scrip_domain::order::Order;
use scrip_domain::request::Request;
use scrip_domain::settings::{Settings, Vendor};
use scrip_domain::{Id, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::index::{self, Entry};
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};

use crate::ledger::Buyer;
use crate::license::extend::not_at_provider;
use crate::order::{Drafted, as_selected};
use crate::purchase::{
    Answered, Picked, Priced, PurchaseRefusal, already_owned, trial_used, want_owned,
};
use crate::quote::{Sight, seen};
use crate::selection::Selection;
use crate::{Engine, Outcome};

/// Who selects at a merchant.
#[derive(Clone, Copy, Debug)]
pub enum Selecting {
    /// A buyer who has signed in through the provider, by the key of a request of theirs.
    Buyer(Buyer, Request),
    /// A visitor, whose key counts with where it came from.
    Visitor(Request),
}

impl Selecting {
    fn buyer(self) -> Option<Buyer> {
        match self {
            Self::Buyer(buyer, _) => Some(buyer),
            Self::Visitor(_) => None,
        }
    }

    fn request(self) -> Request {
        match self {
            Self::Buyer(_, request) | Self::Visitor(request) => request,
        }
    }
}

impl Engine {
    /// Opens a draft at a merchant, of a kept selection while that is good.
    pub async fn draft_at_merchant(
        &self,
        who: Selecting,
        selection: &Selection,
        kept_until: Option<Timestamp>,
        again: bool,
    ) -> Outcome<Answered<Drafted>, PurchaseRefusal> {
        let vendor = self.vendor().await?;
        let (account, funded) = self.known(who.buyer()).await?;
        // The gate first: whoever must sign in learns no price before.
        let (settings, now) = (&vendor.settings, self.now());
        if let Err(shut) =
            gate::pass_at_merchant(Act::Order, account.as_deref(), funded, settings, now)
        {
            return Ok(Err(PurchaseRefusal::Gate(shut)));
        }
        // A coupon's uses are counted with a payment from a wallet, and here there is none.
        if selection.coupon().is_some() {
            return Ok(Err(PurchaseRefusal::CouponRefused));
        }
        if let Some(line) = selection.first_extending() {
            return Ok(Err(not_at_provider(line)));
        }
        let asker = who.buyer().map(|buyer| buyer.account);
        let picked = match self.pick(selection, asker).await? {
            Ok(picked) => picked,
            Err(line) => return Ok(Err(PurchaseRefusal::NotForSale(line))),
        };
        let command = Draft { who, funded, vendor: vendor.id, picked, kept_until, again };
        let order = match self.submit(command).await? {
            Ok(Ok(drafted)) => return Ok(Ok(Answered::First(drafted))),
            Ok(Err(before)) => before,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let lost = || Fault::Bug("an idempotency key names no order".into());
        let row = self.store.order(order).await?.ok_or_else(lost)?;
        let lines = self.store.order_lines(order).await?;
        Ok(Ok(Answered::Replayed(Drafted { order: as_selected(row), lines })))
    }

    /// What a merchant knows of a buyer: the account, and what the provider says of the balance.
    pub(super) async fn known(
        &self,
        buyer: Option<Buyer>,
    ) -> Result<(Option<Arc<Account>>, Option<bool>), Fault> {
        let member = match buyer {
            Some(buyer) => self.member(buyer.account).await?,
            None => None,
        };
        let funded = self.funded(member.as_ref()).await?;
        Ok((member.map(|member| member.account), funded))
    }
}

struct Draft {
    who: Selecting,
    funded: Option<bool>,
    vendor: Id<Vendor>,
    picked: Picked,
    kept_until: Option<Timestamp>,
    again: bool,
}

impl Draft {
    /// What the same key named before: an order, or something else that was asked for.
    fn before(&self, books: &Books) -> Result<Option<Result<Id<Order>, PurchaseRefusal>>, Fault> {
        let named = match self.who {
            Selecting::Buyer(buyer, request) => {
                let key = (buyer.account, index::REQUEST, request.key);
                books.by_account.get(&key)?.map(|entry| (Id::new(entry.target), entry.note))
            }
            Selecting::Visitor(request) => {
                books.visits.get(&(request.key,))?.map(|row| (Some(row.order), row.fingerprint))
            }
        };
        Ok(named.map(|(order, fingerprint)| {
            let same = order.filter(|_| fingerprint == self.who.request().fingerprint);
            same.ok_or(PurchaseRefusal::KeyReused)
        }))
    }

    fn record(&self, changes: &mut Changes, order: Id<Order>, at: Timestamp) {
        match self.who {
            Selecting::Buyer(buyer, request) => {
                let account = buyer.account;
                changes.by_account.push(Change::Insert(Entry::order(account, order)));
                let entry = Entry::request(account, request, order.into());
                changes.by_account.push(Change::Insert(entry));
            }
            Selecting::Visitor(Request { key, fingerprint, .. }) => {
                changes.visits.push(Change::Insert(Visit { key, fingerprint, order, at }));
            }
        }
    }

    fn settings<'a>(&self, books: &'a Books) -> Result<&'a Settings, Fault> {
        let no_vendor = || Fault::Bug("a merchant has no settings".into());
        Ok(&books.vendor.get(&(self.vendor,))?.ok_or_else(no_vendor)?.settings)
    }
}

impl Command for Draft {
    /// The draft, or the name of the order that the same request opened before.
    type Receipt = Result<Drafted, Id<Order>>;
    type Refusal = PurchaseRefusal;

    fn wants(&self, wants: &mut Wants) {
        wants.vendor.read((self.vendor,));
        match self.who {
            Selecting::Buyer(buyer, request) => {
                wants.wallets.guard((buyer.wallet,));
                wants.accounts.read((buyer.account,));
                wants.by_account.read((buyer.account, index::REQUEST, request.key));
                self.picked.wants(wants, buyer);
                want_owned(wants, buyer.account, self.picked.products(false));
            }
            Selecting::Visitor(request) => {
                wants.visits.guard((request.key,));
                self.picked.want_offers(wants);
            }
        }
    }

    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<Self::Receipt, PurchaseRefusal>, Fault> {
        if let Some(before) = self.before(books)? {
            return Ok(match before {
                Ok(order) => Decision::done(Err(order), Changes::default()),
                Err(refusal) => Decision::refused(refusal),
            });
        }
        if self.kept_until.is_some_and(|until| until <= at) {
            return Ok(Decision::refused(PurchaseRefusal::SelectionTooOld));
        }
        let settings = self.settings(books)?;
        let account = match self.who.buyer() {
            Some(buyer) => books.accounts.get(&(buyer.account,))?,
            None => None,
        };
        let checks = match gate::pass_at_merchant(Act::Order, account, self.funded, settings, at) {
            Ok(checks) => checks,
            Err(shut) => return Ok(Decision::refused(PurchaseRefusal::Gate(shut))),
        };
        let priced = match self.picked.lines(books)? {
            Ok(priced) => priced,
            Err(refusal) => return Ok(Decision::refused(refusal)),
        };
        let mut sight = Sight::at_merchant(account, self.funded);
        if let Some(account) = account {
            sight = sight.owning(self.picked.owned(books, account.id)?);
        }
        let Priced { lines, total, .. } = match seen(priced, None, &sight, settings) {
            Ok(priced) => priced,
            Err(refusal) => return Ok(Decision::refused(refusal)),
        };
        let account = account.map(|account| account.id);
        if let Some(account) = account.filter(|_| !self.again)
            && let Some(line) = already_owned(books, account, &lines)?
        {
            let refusal = PurchaseRefusal::AlreadyOwned(line);
            return Ok(Decision::refused(self.picked.as_chosen(refusal)));
        }
        if let Some(account) = account
            && let Some(line) = trial_used(books, account, &lines)?
        {
            let refusal = PurchaseRefusal::TrialUsed(line);
            return Ok(Decision::refused(self.picked.as_chosen(refusal)));
        }
        // From here on the draft is opened.
        let order = Order::draft(self.picked.order, account, total, self.again, at);
        let refund_policy = Some(settings.refund_policy);
        let terms_version = Some(settings.terms_version.clone());
        let order = Order { checks, refund_policy, terms_version, ..order };
        let mut changes = Changes::default();
        changes.orders.push(Change::Insert(order.clone()));
        changes.order_lines.extend(lines.iter().cloned().map(Change::Insert));
        self.record(&mut changes, order.id, at);
        Ok(Decision::done(Ok(Drafted { order, lines }), changes))
    }
}
