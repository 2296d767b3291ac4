//! May this program run here, now? Answered without a network, from papers that somebody brought.
//!
//! ```text
//! code ───────┐
//! lease ──────┤
//! list ───────┼──▶ Offline::check ──▶ Permit: VALID, perhaps in grace, or the first reason why not
//! machine ────┤
//! time ───────┘
//! ```
//!
//! | asked in this order | otherwise |
//! |---|---|
//! | is it a code of this vendor, and genuine? | `UNKNOWN_CODE`, `BAD_SIGNATURE` |
//! | of this product? | `WRONG_PRODUCT` |
//! | does the list of dead codes pass it over? | `REVOKED`, `REFUNDED`, `SUSPENDED`, `SUPERSEDED` |
//! | is the clock not behind what the vendor signed? | `CLOCK_ROLLBACK` |
//! | has the code's time begun, and not ended? | `NOT_STARTED`, `EXPIRED` |
//! | is there a good lease, where the code needs one? | see below |
//!
//! | a lease | otherwise |
//! |---|---|
//! | is there, and for this license | `NOT_ACTIVATED` |
//! | is signed by a known key | `BAD_SIGNATURE` |
//! | is for this machine | `WRONG_MACHINE` |
//! | is not in the list of what ended early | `NOT_ACTIVATED` (an activation), `LEASE_EXPIRED` |
//! | has not run out | `LEASE_EXPIRED` |
//!
//! The vendor signs a lease after the code, and never for longer than the license lasts. So while a lease is good, the
//! end that the code names is not asked: an extension moves the end, and the text of the old code is still around.

use serde::{Deserialize, Serialize};

use crate::check::{Expect, Reason, reason_of};
use crate::claims::{Activation, Claims, Digest};
use crate::jws::{self, VerifyError};
use crate::key::KeySet;
use crate::lease::Lease;
use crate::revocations::Revocations;

/// What the integrator decides, in one place. Times are seconds.
///
/// The default is for a program that is used by honest people with old clocks: no grace, a day of tolerance, and where
/// something is known to be wrong it refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// For how long after its end a code or lease is still good. The program is told ([`Permit::grace`]), so that it can
    /// warn. Counts have no grace.
    pub grace_seconds: u64,
    /// How far a clock may be behind. A day bears with a machine whose two systems disagree about the time zone.
    pub tolerance_seconds: u64,
    /// What is done when the clock is further behind than that.
    pub rollback: Rollback,
    /// What is done when the vendor's server should have been asked and could not be.
    pub unreachable: Unreachable,
    /// For how long after it was signed counting of a lease can begin; see [`Meter::begin`](crate::Meter::begin).
    pub begin_within_seconds: u64,
    /// Whether a code whose license is limited to a number of machines needs a lease although its terms do not. Without
    /// that the limit holds for those machines only that ask the server.
    pub lease_for_machines: bool,
}

/// What is done when the clock of the machine was set back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rollback {
    /// The latest time that is known is taken for the time, so that nothing runs backwards.
    FailOpen,
    /// [`Reason::ClockRollback`].
    FailClosed,
}

/// What is done when the vendor's server cannot be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unreachable {
    /// The last answer is believed for some time.
    FailOpen {
        /// For how long after it was given.
        seconds: u64,
    },
    /// Without an answer the program does not run.
    FailClosed,
}

/// What the vendor's server said last, and when: for a program that asks it, and keeps the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastAnswer {
    /// `code` of the answer.
    pub reason: Reason,
    /// When it was given, in Unix seconds.
    pub at: u64,
}

/// Whom the program trusts, what it demands, where it runs, and what it knows of dead codes.
#[derive(Debug, Clone, Copy)]
pub struct Offline<'a> {
    /// The vendor's keys: those that the program was shipped with, and those that they lead to
    /// ([`KeySet::follow`]).
    pub keys: &'a KeySet,
    /// Vendor and product.
    pub expect: Expect<'a>,
    /// This machine, as [`machine`](crate::machine) names it.
    pub machine: Digest,
    /// The newest list that the program has seen.
    pub revocations: Option<&'a Revocations>,
    /// What the integrator decided.
    pub policy: Policy,
}

/// The answer of [`Offline::check`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Permit {
    /// [`Reason::Valid`], or why not.
    pub reason: Reason,
    /// What the code says, if it is genuine.
    pub claims: Option<Claims>,
    /// The lease, if there is a good one: its units are counted by a [`Meter`](crate::Meter).
    pub lease: Option<Lease>,
    /// Whether it is good only because of the grace that the integrator gives.
    pub grace: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            grace_seconds: 0,
            tolerance_seconds: 24 * 60 * 60,
            rollback: Rollback::FailClosed,
            unreachable: Unreachable::FailClosed,
            begin_within_seconds: 7 * 24 * 60 * 60,
            lease_for_machines: false,
        }
    }
}

impl Policy {
    /// Whether a program may run whose vendor cannot be reached now. `last` is what the server said last about this
    /// license, `None` when it never said anything.
    ///
    /// A "no" stays a "no". An answer that is too old, or none where none is believed, is [`Reason::LeaseExpired`]; one
    /// from the future is [`Reason::ClockRollback`], unless clocks are borne with.
    pub fn without_answer(&self, last: Option<&LastAnswer>, now: u64) -> Reason {
        let Some(last) = last else { return Reason::NotActivated };
        if last.reason != Reason::Valid {
            return last.reason;
        }
        if self.is_behind(now, last.at) {
            return Reason::ClockRollback;
        }
        match self.unreachable {
            Unreachable::FailOpen { seconds } if now < last.at.saturating_add(seconds) => {
                Reason::Valid
            }
            Unreachable::FailOpen { .. } | Unreachable::FailClosed => Reason::LeaseExpired,
        }
    }

    /// Whether a clock that shows `now` is behind what is known, and that counts.
    pub(crate) fn is_behind(&self, now: u64, known: u64) -> bool {
        self.rollback == Rollback::FailClosed && now.saturating_add(self.tolerance_seconds) < known
    }
}

impl Permit {
    /// Whether the program may run. Where units are counted, the [`Meter`](crate::Meter) has the last word.
    pub fn is_valid(&self) -> bool {
        self.reason == Reason::Valid
    }

    fn no(reason: Reason, claims: Option<Claims>) -> Self {
        Self { reason, claims, lease: None, grace: false }
    }
}

impl Offline<'_> {
    /// Whether the program may run here with this code, and this lease if it has one, at `now` in Unix seconds. Ask the
    /// [`ClockFile`](crate::ClockFile) which time to go by.
    pub fn check(&self, code: &str, lease: Option<&str>, now: u64) -> Permit {
        let claims = match jws::verify::<Claims>(code.trim(), Claims::TYP, self.keys) {
            Ok(claims) => claims,
            Err(error) => return Permit::no(reason_of(&error), None),
        };
        if self.expect.issuer.is_some_and(|issuer| issuer != claims.issuer) {
            return Permit::no(Reason::UnknownCode, None);
        }
        match self.judge(&claims, lease, now) {
            Ok((lease, grace)) => {
                Permit { reason: Reason::Valid, claims: Some(claims), lease, grace }
            }
            Err(reason) => Permit::no(reason, Some(claims)),
        }
    }

    /// When the vendor signed the newest of what was brought, lease or list, in Unix seconds: what the
    /// [`ClockFile`](crate::ClockFile) is told. `None` when nothing genuine was brought.
    pub fn signed_at(&self, lease: Option<&str>) -> Option<u64> {
        let lease = lease
            .and_then(|text| jws::verify::<Lease>(text.trim(), Lease::TYP, self.keys).ok())
            .map(|lease| (lease.issuer, lease.issued_at));
        let list = self.revocations.map(|list| (list.issuer.clone(), list.issued_at));
        let is_ours = |issuer: &str| self.expect.issuer.is_none_or(|ours| ours == issuer);
        let signed = [lease, list].into_iter().flatten();
        signed.filter(|(issuer, _)| is_ours(issuer)).map(|(_, at)| at).max()
    }

    /// A genuine code of this vendor: the lease that it is good with, and whether in grace.
    fn judge(
        &self,
        claims: &Claims,
        lease: Option<&str>,
        now: u64,
    ) -> Result<(Option<Lease>, bool), Reason> {
        if self.expect.product.is_some_and(|product| product != claims.product) {
            return Err(Reason::WrongProduct);
        }
        let list = self.revocations.filter(|list| list.is_about(&claims.issuer, &claims.product));
        if let Some(reason) = list.and_then(|list| list.reason(claims)) {
            return Err(reason);
        }
        if list.is_some_and(|list| self.policy.is_behind(now, list.issued_at)) {
            return Err(Reason::ClockRollback);
        }
        if now.saturating_add(self.policy.tolerance_seconds) < claims.not_before {
            return Err(Reason::NotStarted);
        }
        match self.lease_of(claims, list, lease, now) {
            Ok((lease, grace)) => Ok((Some(lease), grace)),
            Err(Reason::ClockRollback) => Err(Reason::ClockRollback),
            Err(reason) => {
                let grace = self.before_end(claims.expires_at, now).ok_or(Reason::Expired)?;
                if self.needs_lease(claims) { Err(reason) } else { Ok((None, grace)) }
            }
        }
    }

    fn needs_lease(&self, claims: &Claims) -> bool {
        claims.activation == Some(Activation::Required)
            || self.policy.lease_for_machines && claims.limits.machines.is_some()
    }

    /// The lease, and whether it is good in grace only.
    fn lease_of(
        &self,
        claims: &Claims,
        list: Option<&Revocations>,
        lease: Option<&str>,
        now: u64,
    ) -> Result<(Lease, bool), Reason> {
        let text = lease.ok_or(Reason::NotActivated)?;
        let lease = jws::verify::<Lease>(text.trim(), Lease::TYP, self.keys);
        let lease = lease.map_err(|error| match error {
            VerifyError::UnknownKey | VerifyError::Signature => Reason::BadSignature,
            _ => Reason::NotActivated,
        })?;
        if lease.issuer != claims.issuer
            || lease.license != claims.license
            || lease.product != claims.product
        {
            return Err(Reason::NotActivated);
        }
        if lease.machine != self.machine {
            return Err(Reason::WrongMachine);
        }
        if self.policy.is_behind(now, lease.issued_at) {
            return Err(Reason::ClockRollback);
        }
        if list.is_some_and(|list| list.has_ended(&lease)) {
            let is_activation = lease.id.starts_with("act_");
            return Err(if is_activation { Reason::NotActivated } else { Reason::LeaseExpired });
        }
        let grace = self.before_end(Some(lease.expires_at), now).ok_or(Reason::LeaseExpired)?;
        Ok((lease, grace))
    }

    /// Whether it is good in grace only; `None` when that is over too.
    fn before_end(&self, end: Option<u64>, now: u64) -> Option<bool> {
        let Some(end) = end else { return Some(false) };
        (now < end.saturating_add(self.policy.grace_seconds)).then_some(now >= end)
    }
}
