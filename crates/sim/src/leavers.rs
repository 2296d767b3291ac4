//! Accounts that were left for good, as the books have them at rest: nobody's, empty, and still.

use scrip_domain::Id;
use scrip_domain::account::{Account, Person};
use scrip_domain::event::EventType;
use scrip_domain::ledger::{House, LedgerAccount, Reason, Transfer};
use scrip_engine::{Fault, Page};
use scrip_storage::Store;

/// An account that was erased, as whoever left it knows.
#[derive(Clone, Debug)]
pub struct Gone {
    /// Its name.
    pub account: String,
    /// When, as it is told.
    pub at: String,
    /// What was left in the wallet and given up, where that is certain.
    pub forfeited: Option<u64>,
    /// What came back of its orders since.
    pub came_back: u64,
}

/// Compares what is known of them with the books.
pub async fn compare(store: &Store, all: &[Gone]) -> Result<Result<(), String>, Fault> {
    for gone in all {
        let Ok(id) = gone.account.parse::<Id<Account>>() else {
            return Ok(Err(format!("{} is no account", gone.account)));
        };
        let Some(row) = store.account(id).await? else {
            return Ok(Err(format!("{id} is gone altogether")));
        };
        if let Err(why) = is_nobodys(store, &row).await? {
            return Ok(Err(format!("{id} is erased, and {why}")));
        }
        let transfers = transfers_of(store, id).await?;
        if let Err(why) = is_still(store, &row, gone, &transfers).await? {
            return Ok(Err(format!("{id} is erased, and {why}: {transfers:?}")));
        }
    }
    Ok(Ok(()))
}

async fn is_nobodys(store: &Store, row: &Account) -> Result<Result<(), String>, Fault> {
    let is_named = !row.email.is_empty() || row.person != Person::default();
    let all = Page { after: None, limit: 100 };
    let sessions = store.sessions_of(row.id, 100).await?.len();
    let keys = store.api_keys_of(row.id, all).await?.len();
    let letters = store.letters_of(row.id, 100).await?.len();
    Ok(match (row.erased_at, row.sweep_at) {
        (None, _) => Err("nobody has erased it".to_owned()),
        (_, Some(_)) => Err("it is never swept".to_owned()),
        _ if is_named => Err(format!("somebody's: {row:?}")),
        _ if sessions + keys + letters > 0 => {
            Err(format!("{sessions} sessions, {keys} keys, {letters} letters are left"))
        }
        _ => Ok(()),
    })
}

async fn transfers_of(store: &Store, account: Id<Account>) -> Result<Vec<Transfer>, Fault> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = store.transfers_of(account, Page { after, limit: 100 }).await?;
        let Some(last) = page.last() else { return Ok(all) };
        after = Some(last.id.number());
        all.extend(page);
    }
}

/// What was left was given up, nothing moved since but what came back, and that is all there is.
async fn is_still(
    store: &Store,
    row: &Account,
    gone: &Gone,
    transfers: &[Transfer],
) -> Result<Result<(), String>, Fault> {
    let told = store.told_of(row.id, (Id::floor(row.created_at), 1000), 0, 1000).await?;
    let told: Vec<_> =
        told.iter().filter(|told| told.event.kind == EventType::AccountErased).collect();
    let [event] = &told[..] else {
        return Ok(Err(format!("that is told {} times", told.len())));
    };
    // Minted for the erasure before it was decided, so what is later by name and by time came after it.
    let after = |transfer: &&Transfer| {
        transfer.id.number() > event.event.id.number() && transfer.at > event.event.at
    };
    let later: Vec<_> = transfers.iter().filter(after).collect();
    if let Some(moved) = later.iter().find(|transfer| transfer.reason != Reason::Refund) {
        return Ok(Err(format!("{moved:?} came after it")));
    }
    let breakage = LedgerAccount::House(House::Breakage);
    let given_up =
        |transfer: &&Transfer| transfer.credit == breakage && transfer.at == event.event.at;
    let given_up: u64 =
        transfers.iter().filter(given_up).map(|transfer| transfer.amount.units()).sum();
    if gone.forfeited.is_some_and(|left| left != given_up) {
        return Ok(Err(format!("{given_up} was given up of {:?}", gone.forfeited)));
    }
    let Some(wallet) = store.wallet(row.wallet).await? else {
        return Ok(Err("has no wallet".to_owned()));
    };
    let left = wallet.available().units() + wallet.held().units();
    if left != gone.came_back || !wallet.owed().is_zero() {
        return Ok(Err(format!("{left} is left, {} came back", gone.came_back)));
    }
    Ok(Ok(()))
}
