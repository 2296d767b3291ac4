//! Statements: a cycle is closed, reckoned, signed, told, and compared with what the partner says.
//!
//! ```text
//! close.rs: staff, the clock, or the partner's account ─▶ closing ─▶ reckon.rs: sums, signature ─▶ closed
//!      closed ─▶ drive.rs: ours is told ─▶ theirs comes (as the answer, or by hear.rs) ─▶ reckon.rs: agreed, settled, disputed
//!      disputed ─▶ drive.rs: items are compared ─▶ (staff, the partner, each hour) ─▶ reckon.rs
//! ```
//! The states are those of [`scrip_domain::statement`]. Every command is under the partner's guard. Sums are read page by
//! page before it, which nothing can spoil: of a closed cycle our half is final once every commit in it is answered,
//! and the partner's once its account is on record, because from then on no commit of that cycle is fulfilled.

pub(crate) mod close;
mod drive;
mod hear;
pub(crate) mod proof;
mod reckon;

use base64ct::{Base64UrlUnpadded, Encoding};
use scrip_domain::Id;
use scrip_domain::agreement::Agreement;
use scrip_domain::document::Document;
use scrip_domain::document::exchange::Account;
use scrip_domain::exchange::Exchange;
use scrip_domain::partner::Partner;
use scrip_domain::statement::{CycleItem, Half, Statement, StatementState, Tally};
use scrip_license::Digest;
use scrip_storage::Fault;
use serde::de::DeserializeOwned;

use crate::peer::PeerError;
use crate::{Engine, Outcome};

/// How many exchanges are read, or told, at once.
pub const ITEMS: u32 = 500;
/// How often a command is asked again that looked up what has changed since.
const TRIES: usize = 3;

/// Why something was not done with a statement. Nothing changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StatementRefusal {
    /// There is none, or no such agreement.
    NoSuchStatement,
    /// The cycle is not one that can be closed: nothing was agreed yet, or it has not begun.
    NoSuchCycle,
    /// It is in another state.
    State(StatementState),
    /// What came is not to be believed; a sentence says why.
    Unbelievable(String),
    /// What was looked up before the command is not so any more: look again. Never told to callers.
    Stale,
}

/// The claims of a document that was verified when it came.
pub(crate) fn claims<D: DeserializeOwned>(document: &str) -> Result<D, Fault> {
    let corrupt = || Fault::Bug("a kept document cannot be read".into());
    let claims = document.split('.').nth(1).ok_or_else(corrupt)?;
    let claims = Base64UrlUnpadded::decode_vec(claims).map_err(|_| corrupt())?;
    serde_json::from_slice(&claims).map_err(|_| corrupt())
}

/// A digest, as documents write it.
fn text_of(digest: [u8; 32]) -> String {
    Digest(digest).to_string()
}

impl Engine {
    /// The agreement by which a partner's open cycle is settled: the one in force, or the last that was.
    pub(crate) async fn settling_agreement(
        &self,
        partner: &Partner,
    ) -> Result<Option<Agreement>, Fault> {
        if let Some(id) = partner.agreement {
            return self.store.agreement(id).await;
        }
        let last = self.store.agreements_of(partner.id, 100).await?;
        let was_in_force = |agreement: &Agreement| {
            agreement.effective_at.is_some_and(|at| at <= self.now())
                && agreement.acceptance.is_some()
        };
        Ok(last.into_iter().find(was_in_force))
    }

    /// What one side owes for a cycle, in pages.
    async fn tally(&self, of: (Id<Partner>, u32), ours: bool) -> Result<Half, Fault> {
        let mut tally = Tally::default();
        let mut after = None;
        loop {
            let page = self.store.cycle_items(of, ours, after, ITEMS).await?;
            after = page.last().map(|item: &CycleItem| item.exchange);
            for item in &page {
                let full = || Fault::Bug("a cycle holds more than can be reckoned with".into());
                tally = tally.with(*item).ok_or_else(full)?;
            }
            if page.len() < usize::try_from(ITEMS).unwrap_or(usize::MAX) {
                return Ok(tally.half());
            }
        }
    }

    /// Reads a document that a partner has signed for this server.
    pub(crate) async fn read_of<D: Document>(
        &self,
        partner: &Partner,
        document: &str,
    ) -> Outcome<D, StatementRefusal> {
        let unbelievable = |why: &str| Ok(Err(StatementRefusal::Unbelievable(why.to_owned())));
        let Some(partners) = self.partners() else {
            return Err(Fault::Unavailable("this server has no way to partners".into()));
        };
        let claims = match partners.read(&partner.url, D::TYP, document).await {
            Ok(claims) => claims,
            Err(PeerError::Unanswered(why)) => {
                tracing::info!(partner = %partner.id, why, "a partner's keys could not be read");
                return Err(Fault::Away);
            }
            Err(error) => return unbelievable(&error.to_string()),
        };
        match serde_json::from_value::<D>(claims) {
            Ok(read) if read.issuer() != partner.url => unbelievable("it is another server's"),
            Ok(read) if read.audience() != self.public_url() => {
                unbelievable("it is for another server")
            }
            Ok(read) => Ok(Ok(read)),
            Err(error) => unbelievable(&error.to_string()),
        }
    }

    /// The same, of the account of a cycle.
    async fn read_account(
        &self,
        partner: &Partner,
        cycle: u32,
        document: &str,
    ) -> Outcome<Account, StatementRefusal> {
        let account: Account = match self.read_of(partner, document).await? {
            Ok(account) => account,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let why = if account.cycle != cycle {
            "it is about another cycle"
        } else if !account.adds_up() {
            "its net amount does not follow from its sums"
        } else {
            return Ok(Ok(account));
        };
        Ok(Err(StatementRefusal::Unbelievable(why.to_owned())))
    }

    /// The exchanges that are booked for a cycle with a partner, after one of them: ours, or the partner's; a page.
    pub async fn cycle_items(
        &self,
        partner: Id<Partner>,
        cycle: u32,
        ours: bool,
        after: Option<Id<Exchange>>,
    ) -> Result<Vec<CycleItem>, Fault> {
        self.store.cycle_items((partner, cycle), ours, after, ITEMS).await
    }

    /// A statement and its partner; both exist, or the books are broken.
    pub(crate) async fn statement_and_partner(
        &self,
        id: Id<Statement>,
    ) -> Result<Option<(Statement, Partner)>, Fault> {
        let Some(statement) = self.store.statement(id).await? else { return Ok(None) };
        let lost = || Fault::Bug("a statement's partner is gone".into());
        let partner = self.store.partner(statement.partner).await?.ok_or_else(lost)?;
        Ok(Some((statement, partner)))
    }
}
