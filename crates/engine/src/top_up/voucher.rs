//! Redeeming a voucher: a top-up that the batch allows, decided beside everything else of it.
//!
//! Whatever is wrong with a code, the answer is the same and takes the same way: also a code that
//! there is not goes through the writer, which looks for as many rows.

use scrip_domain::request::Request;
use scrip_domain::top_up::TopUp;
use scrip_domain::voucher::{CodeDigest, Voucher, VoucherBatch};
use scrip_domain::{Amount, Id, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::index::{self, Entry};
use scrip_storage::{Books, Changes, Fault, Wants};

use super::{TopUpAsk, TopUpRefusal, Way};
use crate::ledger::Buyer;
use crate::purchase::Answered;
use crate::throttle::Limited;
use crate::voucher::digest;
use crate::{Engine, Outcome};

/// A voucher, and the guard that it is decided under.
#[derive(Clone, Copy, Debug)]
pub struct Redeem {
    code: CodeDigest,
    batch: Id<VoucherBatch>,
}

/// The batch of a code that there is not.
const NO_BATCH: u64 = 0;

impl Engine {
    /// Redeems the voucher with this code, as it was typed, for a buyer who asks from `source`.
    pub async fn redeem_voucher(
        &self,
        buyer: Buyer,
        code: &str,
        source: &str,
        request: Request,
    ) -> Outcome<Answered<TopUp>, TopUpRefusal> {
        // A repetition is no guess.
        if let Some(answer) = self.topped_up_before(buyer, request).await? {
            return Ok(answer);
        }
        let (now, account) = (self.now(), buyer.account.to_string());
        let limits = [(Limited::VoucherAccount, &*account), (Limited::VoucherSource, source)];
        if let Err(wait) = self.throttle.take(limits, now) {
            return Ok(Err(TopUpRefusal::RateLimited(wait)));
        }
        let code = digest(code);
        let no_batch = || Fault::Bug("no number for no batch".into());
        let batch = match self.store.voucher(code).await? {
            Some(voucher) => voucher.batch,
            None => Id::new(NO_BATCH).ok_or_else(no_batch)?,
        };
        let tokens = self.store.voucher_batch(batch).await?.map(|batch| batch.tokens);
        let way = Way::Voucher(Redeem { code, batch });
        let ask = TopUpAsk { tokens: tokens.unwrap_or(Amount::ZERO), pay: None, way };
        self.top_up(buyer, ask, request).await
    }

    /// The voucher that waits for a word on this top-up.
    pub(super) async fn redeemed_for(&self, id: Id<TopUp>) -> Result<Option<Redeem>, Fault> {
        let voucher = self.store.voucher_of(id).await?;
        Ok(voucher.map(|Voucher { code, batch, .. }| Redeem { code, batch }))
    }
}

impl Redeem {
    /// The rows that it is decided on.
    pub(super) fn wants(&self, wants: &mut Wants, buyer: Buyer) {
        wants.voucher_batches.guard((self.batch,));
        wants.vouchers.read((self.code,));
        wants.by_account.read((buyer.account, index::VOUCHER, self.batch.number()));
    }

    /// The batch, when `buyer` can redeem the voucher now.
    pub(super) fn opens<'a>(
        &self,
        books: &'a Books,
        buyer: Buyer,
        at: Timestamp,
    ) -> Result<Option<&'a VoucherBatch>, Fault> {
        let voucher = books.vouchers.get(&(self.code,))?;
        let batch = books.voucher_batches.get(&(self.batch,))?;
        let entries = (buyer.account, index::VOUCHER, self.batch.number());
        let before = books.by_account.all(&entries)?.len();
        let unused = voucher.is_some_and(|voucher| voucher.top_up.is_none());
        Ok(batch.filter(|batch| unused && batch.opens(before, at)))
    }

    /// The batch, whatever became of it since the voucher was redeemed.
    pub(super) fn batch<'a>(&self, books: &'a Books) -> Result<&'a VoucherBatch, Fault> {
        let lost = || Fault::Bug("a voucher has no batch".into());
        books.voucher_batches.get(&(self.batch,))?.ok_or_else(lost)
    }

    /// Makes it the top-up's.
    pub(super) fn take(
        &self,
        books: &Books,
        changes: &mut Changes,
        top_up: &TopUp,
    ) -> Result<(), Fault> {
        let batch = self.batch(books)?;
        let redeemed = batch.redeemed.saturating_add(1);
        self.put(changes, Some(top_up.id), VoucherBatch { redeemed, ..batch.clone() });
        let entry = Entry::voucher(top_up.account, self.batch, top_up.id);
        changes.by_account.push(Change::Insert(entry));
        Ok(())
    }

    /// Gives it back: the top-up was declined, and the voucher is as good as before.
    pub(super) fn give_back(
        &self,
        books: &Books,
        changes: &mut Changes,
        top_up: &TopUp,
    ) -> Result<(), Fault> {
        let batch = self.batch(books)?;
        let redeemed = batch.redeemed.saturating_sub(1);
        self.put(changes, None, VoucherBatch { redeemed, ..batch.clone() });
        let entry = Entry::voucher(top_up.account, self.batch, top_up.id);
        changes.by_account.push(Change::Delete(entry));
        Ok(())
    }

    fn put(&self, changes: &mut Changes, top_up: Option<Id<TopUp>>, batch: VoucherBatch) {
        let voucher = Voucher { code: self.code, batch: self.batch, top_up };
        changes.vouchers.push(Change::Update(voucher));
        changes.voucher_batches.push(Change::Update(batch));
    }
}
