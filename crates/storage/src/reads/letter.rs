//! Reads about letters: how far the feed has become letters, and what is due.

use scrip_domain::account::Account;
use scrip_domain::letter::{Digest, Letter, Postbox};
use scrip_domain::wallet::Wallet;
use scrip_domain::{Id, Timestamp};

use crate::cells::Cell;
use crate::fault::Fault;
use crate::reads::cells;
use crate::store::Store;

impl Store {
    /// How far the feed has become letters; none while mail is not set up.
    pub async fn postbox(&self) -> Result<Option<Postbox>, Fault> {
        self.row("WHERE t.number = $1", cells(&Postbox::ONLY)).await
    }

    /// The letters that are due at `at`, those first that are due longest.
    pub async fn letters_due(&self, at: Timestamp, limit: u32) -> Result<Vec<Letter>, Fault> {
        let bounds = [cells(&at), vec![Cell::Int(i64::from(limit))]].concat();
        self.rows("WHERE t.due_at <= $1 ORDER BY t.due_at, t.id LIMIT $2", bounds).await
    }

    /// The last letters to an address, newest first.
    pub async fn letters_to(&self, recipient: &str, limit: u32) -> Result<Vec<Letter>, Fault> {
        let to = recipient.to_owned();
        let bounds = [cells(&to), vec![Cell::Int(i64::from(limit))]].concat();
        // By the key from its end, and not through an index of all addresses: this is for demos.
        self.rows("WHERE t.recipient = $1 ORDER BY t.id DESC LIMIT $2", bounds).await
    }

    /// Letters to an account, whatever became of them, at most so many.
    pub async fn letters_of(&self, account: Id<Account>, limit: u32) -> Result<Vec<Letter>, Fault> {
        let bounds = [cells(&account), vec![Cell::Int(i64::from(limit))]].concat();
        self.rows("WHERE t.account = $1 ORDER BY t.id LIMIT $2", bounds).await
    }

    /// Letters that were made before `before` and do not wait any more, the oldest first.
    pub async fn letters_before(
        &self,
        before: Id<Letter>,
        limit: u32,
    ) -> Result<Vec<Letter>, Fault> {
        let bounds = [cells(&before), vec![Cell::Int(i64::from(limit))]].concat();
        let tail = "WHERE t.id < $1 AND t.due_at IS NULL ORDER BY t.id LIMIT $2";
        self.rows(tail, bounds).await
    }

    /// Wallets of which something expires until `soon`, and whose owners have not been told of all until then, by when that is;
    /// those behind the one with this moment and number.
    pub async fn wallets_to_warn(
        &self,
        soon: Timestamp,
        after: Option<(Timestamp, Id<Wallet>)>,
        limit: u32,
    ) -> Result<Vec<Wallet>, Fault> {
        let start = vec![Cell::Int(i64::MIN), Cell::Int(0)];
        let after = after.map_or(start, |(end, id)| [cells(&end), cells(&id)].concat());
        let bounds = [cells(&soon), after, vec![Cell::Int(i64::from(limit))]].concat();
        let tail = "LEFT JOIN warned n ON n.account = t.account
            WHERE t.next_expiry <= $1 AND (t.next_expiry, t.id) > ($2, $3) AND COALESCE(n.until, 0) < $1
            AND NOT EXISTS (SELECT 1 FROM accounts a WHERE a.id = t.account AND a.erased_at IS NOT NULL)
            ORDER BY t.next_expiry, t.id LIMIT $4";
        self.rows(tail, bounds).await
    }

    /// The small purchases that become letters at `at`, those first that are due longest.
    pub async fn digests_due(&self, at: Timestamp, limit: u32) -> Result<Vec<Digest>, Fault> {
        let bounds = [cells(&at), vec![Cell::Int(i64::from(limit))]].concat();
        self.rows("WHERE t.due_at <= $1 ORDER BY t.due_at, t.account LIMIT $2", bounds).await
    }
}
