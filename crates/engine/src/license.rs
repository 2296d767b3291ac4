//! Licenses in use and licenses that change, a file per verb.
//!
//! ```text
//! by whoever has the code: validate · activate · deactivate · consume · lease · return
//! by the holder:           deactivate · reissue · extend
//! by staff:                deactivate · suspend · resume · revoke · reissue
//! ```
//! Every command is decided under the license's guard, and one row counts ([`Usage`]): so whatever is asked at once, of
//! however many servers, no machine is one too many and no processing is given twice. What is looked up before the
//! command is looked at again inside it: a code may be issued again, and a license suspended, in between.

pub mod activate;
pub mod consume;
pub mod deactivate;
pub mod extend;
pub mod lease;
mod listed;
pub mod reissue;
pub mod remind;
pub mod revocations;
pub mod suspend;
pub mod validate;

pub(crate) use listed::{change, want_listed};

use scrip_domain::license::{License, LicenseState};
use scrip_domain::usage::Usage;
use scrip_domain::{Id, Timestamp};
use scrip_license::{Reason, Terms};
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Fault, Wants};

/// Whether a license is in force at `at`.
pub fn state_at(license: &License, at: Timestamp) -> Reason {
    match license.state {
        // Its code is nobody's yet: there is none.
        LicenseState::Withheld => Reason::UnknownCode,
        LicenseState::Revoked => Reason::Revoked,
        LicenseState::Refunded => Reason::Refunded,
        LicenseState::Suspended => Reason::Suspended,
        LicenseState::Valid if license.expires_at.is_some_and(|end| end <= at) => Reason::Expired,
        LicenseState::Valid => Reason::Valid,
    }
}

/// Whether tokens can buy more of a license's terms: time, uses or processings, also after they have run out.
pub fn is_extendable(license: &License) -> bool {
    let more = match license.terms {
        Terms::Rental { .. } | Terms::Uses { .. } | Terms::Processings { .. } => true,
        Terms::Perpetual | Terms::Trial { .. } => false,
    };
    more && license.state == LicenseState::Valid
}

/// Asks for a license, to be guarded, with the row that counts its use.
pub(crate) fn want(wants: &mut Wants, license: Id<License>) {
    wants.licenses.guard((license,));
    wants.usages.read((license,));
}

/// The license that was asked for with [`want`]. No license ever goes away.
pub(crate) fn wanted(books: &Books, license: Id<License>) -> Result<&License, Fault> {
    let lost = || Fault::Bug("a license is gone".into());
    books.licenses.get(&(license,))?.ok_or_else(lost)
}

/// How much it was used; nothing yet, where there is no row.
pub(crate) fn usage(books: &Books, license: Id<License>) -> Result<Usage, Fault> {
    let row = books.usages.get(&(license,))?;
    Ok(row.map_or_else(|| Usage::none(license), Clone::clone))
}

/// Writes how much it is used from now on.
pub(crate) fn put_usage(books: &Books, changes: &mut Changes, usage: Usage) -> Result<(), Fault> {
    let change = match books.usages.get(&(usage.license,))? {
        Some(before) if *before == usage => return Ok(()),
        Some(_) => Change::Update(usage),
        None => Change::Insert(usage),
    };
    changes.usages.push(change);
    Ok(())
}
