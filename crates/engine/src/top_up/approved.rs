//! What comes of a top-up that was approved, by whom ever: its tokens are there, or somebody has to be asked.

use scrip_domain::top_up::{Errand, TopUp, TopUpMethod, TopUpState};
use scrip_domain::wallet::Wallet;
use scrip_domain::{Money, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Fault};

use super::{Coming, Minted, Redeem};

impl Minted {
    /// Goes on with a top-up from the state that it was put into: one that is credited brings its tokens,
    /// and draws on the credit line where that pays; one that needs the processor gets an errand.
    pub(super) fn go_on(
        &self,
        books: &Books,
        changes: &mut Changes,
        wallet: &Wallet,
        top_up: TopUp,
        voucher: Option<&Redeem>,
        at: Timestamp,
    ) -> Result<TopUp, Fault> {
        if top_up.next_call().is_some() {
            let errand = Errand { top_up: top_up.id, due_at: at, attempts: 0 };
            changes.errands.push(Change::Insert(errand));
        }
        if top_up.state != TopUpState::Credited {
            return Ok(top_up);
        }
        let coming = match (voucher, top_up.method) {
            (Some(voucher), _) => Coming::of(voucher.batch(books)?, at),
            (None, TopUpMethod::CreditLine) => Coming::lent(top_up.tokens),
            (None, _) => Coming::paid(top_up.tokens),
        };
        if top_up.method == TopUpMethod::CreditLine {
            let line = books.credit_lines.get(&(top_up.account,))?;
            let drawn = line.zip(top_up.pay).and_then(|(line, pay)| line.drawn(pay));
            let over = || Fault::Bug("a credit line would owe more than its limit".into());
            changes.credit_lines.push(Change::Update(drawn.ok_or_else(over)?));
        }
        self.credit(changes, (books, wallet), top_up, coming, at)
    }
}

/// Whether a credit line would have to give more than is left of it.
pub(super) fn over_limit(books: &Books, top_up: &TopUp) -> Result<bool, Fault> {
    if top_up.method != TopUpMethod::CreditLine {
        return Ok(false);
    }
    let line = books.credit_lines.get(&(top_up.account,))?;
    let covers = |pay: Money| line.is_some_and(|line| line.drawn(pay).is_some());
    Ok(!top_up.pay.is_some_and(covers))
}
