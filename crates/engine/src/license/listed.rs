//! What goes by a license's state: where its account has it listed, and when its holder is reminded.

use scrip_domain::Timestamp;
use scrip_domain::license::License;
use scrip_license::Terms;
use scrip_storage::books::Change;
use scrip_storage::index::{self, Entry};
use scrip_storage::{Books, Changes, Fault, Wants};

use super::remind;

/// Asks for what [`change`] writes besides a license of this account and product.
pub(crate) fn want_listed(wants: &mut Wants, license: &License) {
    let (account, product) = (license.account, license.product.number());
    if matches!(license.terms, Terms::Perpetual | Terms::Trial { .. }) {
        wants.by_account.read((account, index::OWNED, product));
    }
    remind::want(wants, license);
}

/// Writes a license as it is from now on: where it is listed with its account, and when its holder is reminded, follow.
pub(crate) fn change(
    books: &Books,
    changes: &mut Changes,
    before: &License,
    after: License,
    at: Timestamp,
) -> Result<(), Fault> {
    let (old, new) = (Entry::of_license(before), Entry::of_license(&after));
    if old != new {
        changes.by_account.push(Change::Delete(old));
        changes.by_account.push(Change::Insert(new));
    }
    remind::set(books, changes, &after, at)?;
    if *before != after {
        changes.licenses.push(Change::Update(after));
    }
    Ok(())
}
