//! Extensions: more time, uses or processings for a license that is there, bought as a line of an order.
//!
//! ```text
//! line { extends } ──paid──▶ extension on record, license or its usage has more
//!                               └──refund of its units──▶ taken off again; of what was used already, nothing is left
//! ```
//! Such a line makes no license. What it adds, and the end and the rest that its buyer was told, stand in a row of its own:
//! so the answer to its payment can be given again. It is decided under the guards of the buyer's wallet and of the license.

use std::collections::BTreeMap;

use scrip_domain::account::Account;
use scrip_domain::extension::{self, Extended, NotExtendable};
use scrip_domain::license::License;
use scrip_domain::order::Line;
use scrip_domain::refund::{LicensePolicy, RefundLine};
use scrip_domain::usage::Extension;
use scrip_domain::{Id, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Fault, Wants};

use super::{Standing, usage, want};
use crate::purchase::PurchaseRefusal;
use crate::{Engine, Outcome};

/// Asks for a license that a line adds to.
pub(crate) fn want_extended(wants: &mut Wants, license: Id<License>) {
    want(wants, license);
    wants.reminders.read((license,));
}

/// What the lines of `account`'s order add to its licenses, or which line cannot.
pub(crate) fn extensions(
    books: &Books,
    account: Id<Account>,
    lines: &[Line],
    at: Timestamp,
) -> Result<Result<Vec<Extended>, PurchaseRefusal>, Fault> {
    let mut all = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let Some(id) = line.extends else { continue };
        let license = books.licenses.get(&(id,))?.filter(|license| license.account == account);
        let Some(license) = license else {
            return Ok(Err(PurchaseRefusal::NoSuchLicense(index)));
        };
        match extension::extend(license, &usage(books, id)?, line, at) {
            Ok(extended) => all.push(extended),
            Err(why) => return Ok(Err(PurchaseRefusal::NotExtendable { line: index, why })),
        }
    }
    Ok(Ok(all))
}

/// Writes what lines add.
pub(crate) fn write(
    books: &Books,
    changes: &mut Changes,
    extended: &[Extended],
    at: Timestamp,
) -> Result<(), Fault> {
    for Extended { license, usage, extension } in extended {
        let standing = Standing { license: license.clone(), usage: usage.clone() };
        standing.write(books, changes, at)?;
        changes.extensions.push(Change::Insert(extension.clone()));
    }
    Ok(())
}

/// Asks for what a refund of these lines takes off licenses again.
pub(crate) fn want_taken_back(wants: &mut Wants, lines: &[Line]) {
    for line in lines {
        if let Some(license) = line.extends {
            want_extended(wants, license);
            wants.extensions.read((line.id,));
        }
    }
}

/// Takes off licenses again what lines have added, unit by unit with what goes back.
pub(crate) fn take_back(
    books: &Books,
    changes: &mut Changes,
    lines: &[Line],
    back: &[RefundLine],
    policy: LicensePolicy,
    at: Timestamp,
) -> Result<(), Fault> {
    if policy == LicensePolicy::Keep {
        return Ok(());
    }
    for line in lines {
        let Some(id) = line.extends else { continue };
        let units = back.iter().filter(|row| row.line == line.id).map(|row| row.quantity);
        let units = units.fold(0_u32, u32::saturating_add);
        let Some(row) = books.extensions.get(&(line.id,))?.filter(|_| units > 0) else { continue };
        let before = Extended {
            license: super::wanted(books, id)?.clone(),
            usage: usage(books, id)?,
            extension: row.clone(),
        };
        let after = extension::take_back(&before, line.terms, units, at);
        let standing = Standing { license: after.license, usage: after.usage };
        standing.write(books, changes, at)?;
        if after.extension != before.extension {
            changes.extensions.push(Change::Update(after.extension));
        }
    }
    Ok(())
}

impl Engine {
    /// Whether these lines can add to licenses of `account` now, as a quote says.
    pub(crate) async fn can_extend(
        &self,
        account: Option<Id<Account>>,
        lines: &[Line],
    ) -> Outcome<(), PurchaseRefusal> {
        for (index, line) in lines.iter().enumerate() {
            let Some(id) = line.extends else { continue };
            let license = self.store.license(id).await?;
            let own = license.filter(|license| Some(license.account) == account);
            let Some(license) = own else { return Ok(Err(PurchaseRefusal::NoSuchLicense(index))) };
            let Standing { license, usage } = self.standing(license).await?;
            if let Err(why) = extension::extend(&license, &usage, line, self.now()) {
                return Ok(Err(PurchaseRefusal::NotExtendable { line: index, why }));
            }
        }
        Ok(Ok(()))
    }

    /// What lines of paid orders have added to licenses, each with the license as it was told then.
    pub(crate) async fn extended_by(
        &self,
        lines: &[Line],
    ) -> Result<Vec<(License, Extension)>, Fault> {
        let extending: Vec<_> =
            lines.iter().filter(|line| line.extends.is_some()).map(|line| line.id).collect();
        let extensions = self.store.extensions_of(&extending).await?;
        let ids: Vec<_> = extensions.iter().map(|extension| extension.license).collect();
        let licenses = self.store.licenses_called(&ids).await?.into_iter();
        let licenses: BTreeMap<_, _> = licenses.map(|license| (license.id, license)).collect();
        let lost = || Fault::Bug("an extended license is gone".into());
        let mut all = Vec::with_capacity(extensions.len());
        for extension in extensions {
            let license = licenses.get(&extension.license).ok_or_else(lost)?;
            let license = self.as_issued(license, extension.issue).await?;
            all.push((License { expires_at: extension.expires_at, ..license }, extension));
        }
        Ok(all)
    }
}

/// A selection at a merchant adds to no license: its provider would have to decide while the license changes.
pub(crate) fn not_at_provider(line: usize) -> PurchaseRefusal {
    PurchaseRefusal::NotExtendable { line, why: NotExtendable::AtProvider }
}
