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
use scrip_license::{Digest, Lease as Leave, Reason, Terms};
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Fault, Wants};

use crate::throttle::RetryAfter;
use crate::{Engine, Outcome};

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
        None if usage == Usage::none(usage.license) => return Ok(()),
        None => Change::Insert(usage),
    };
    changes.usages.push(change);
    Ok(())
}

/// A license, and how much it was used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The license.
    pub license: License,
    /// What was done with it; all zero while there is no row.
    pub usage: Usage,
}

impl Standing {
    /// As it is in the books, where it was asked for with [`want`].
    pub(crate) fn of(books: &Books, id: Id<License>) -> Result<Self, Fault> {
        Ok(Self { license: wanted(books, id)?.clone(), usage: usage(books, id)? })
    }

    /// Writes what is another than in the books.
    pub(crate) fn write(
        &self,
        books: &Books,
        changes: &mut Changes,
        at: Timestamp,
    ) -> Result<(), Fault> {
        let id = self.license.id;
        let before = wanted(books, id)?;
        if *before != self.license {
            change(books, changes, before, self.license.clone(), at)?;
        }
        put_usage(books, changes, self.usage.clone())
    }

    /// How many uses or processings are left; `None` for terms that are not counted.
    pub fn left(&self) -> Option<u64> {
        self.usage.left(self.license.terms)
    }

    /// What is said when too few are left.
    fn exhausted(&self) -> Reason {
        match self.license.terms {
            Terms::Uses { .. } => Reason::UsesExhausted,
            _ => Reason::ProcessingsExhausted,
        }
    }
}

/// By which code a verb is asked for: what is looked at again inside the command.
#[derive(Clone, Copy, Debug)]
struct By {
    license: Id<License>,
    /// The issue of the code that was shown.
    issue: u32,
    /// Whether the program that asks is another product.
    is_other_product: bool,
}

impl By {
    fn new(license: &License, product: Option<&str>) -> Self {
        let is_other_product = product.is_some_and(|asked| asked != license.product.to_string());
        Self { license: license.id, issue: license.issue, is_other_product }
    }

    /// How the license stands at `at` for who shows this code.
    fn reason(self, license: &License, at: Timestamp) -> Reason {
        if license.issue != self.issue {
            return Reason::Superseded;
        }
        match state_at(license, at) {
            Reason::Valid if self.is_other_product => Reason::WrongProduct,
            reason => reason,
        }
    }
}

/// Why what is asked by code is not done: an answer like any other, and nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Why.
    pub reason: Reason,
    /// The license, where the code is genuine and its newest.
    pub standing: Option<Standing>,
    /// When a machine can be deactivated again, where that is why not.
    pub can_move_at: Option<Timestamp>,
}

impl Refused {
    fn new(reason: Reason, standing: Standing) -> Self {
        // An old code tells nothing any more.
        let standing = Some(standing).filter(|_| reason != Reason::Superseded);
        Self { reason, standing, can_move_at: None }
    }
}

/// Why a verb is not carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UseRefusal {
    /// The code, the license or the machine does not permit it.
    Refused(Box<Refused>),
    /// Too many wrong codes.
    RateLimited(RetryAfter),
    /// The key stands for something else.
    KeyReused,
    /// What is to be taken is not what this license counts.
    WrongKind,
    /// The license has no such lease.
    NoSuchLease,
    /// The lease was returned, and another number was used of it then.
    ReturnedOtherwise,
    /// More than the lease has, which is this many.
    MoreThanLeased(u64),
}

impl UseRefusal {
    fn new(reason: Reason, standing: Standing) -> Self {
        Self::Refused(Box::new(Refused::new(reason, standing)))
    }
}

impl Engine {
    /// The license behind the code that is shown from `source`, if there is one that could be in force.
    async fn by_code(&self, code: &str, source: &str) -> Outcome<License, UseRefusal> {
        let (reason, license) = match self.presented(code, source).await? {
            Ok(presented) => presented,
            Err(wait) => return Ok(Err(UseRefusal::RateLimited(wait))),
        };
        let refused = || Refused { reason, standing: None, can_move_at: None };
        Ok(license.ok_or_else(|| UseRefusal::Refused(Box::new(refused()))))
    }

    /// Signs leave for a machine to work offline: `from` when, `until` when, and with how many uses or processings.
    /// The same again has the same bytes.
    async fn sign_leave(
        &self,
        license: &License,
        id: String,
        machine: Digest,
        (from, until): (Timestamp, Timestamp),
        units: Option<u64>,
    ) -> Result<String, Fault> {
        let unit = match license.terms {
            Terms::Processings { unit, .. } => unit.filter(|_| units.is_some()),
            _ => None,
        };
        let leave = Leave {
            issuer: self.vendor().await?.id.to_string(),
            id,
            license: license.id.to_string(),
            product: license.product.to_string(),
            machine,
            issued_at: from.unix_seconds(),
            expires_at: until.unix_seconds(),
            units,
            unit,
        };
        let unknown = || Fault::Bug("the key that signed a license is missing".into());
        let keys = self.keys();
        // The key of the code: who believes the one believes the other.
        let key = keys.license_key(&license.kid).ok_or_else(unknown)?;
        leave.sign(key).map_err(|error| Fault::Bug(error.to_string()))
    }
}
