//! Whether a code is good, as the server knows it. Nothing is written.
//!
//! The first that applies is the answer:
//! ```text
//! not ours, not genuine ...... UNKNOWN_CODE, BAD_SIGNATURE
//! a newer code was issued .... SUPERSEDED
//! ended, or stopped .......... REVOKED, REFUNDED, SUSPENDED
//! its time is over ........... EXPIRED
//! another product's .......... WRONG_PRODUCT
//! nothing is left ............ USES_EXHAUSTED, PROCESSINGS_EXHAUSTED
//! a machine is named that is
//! not active, and must be .... NOT_ACTIVATED
//! otherwise .................. VALID
//! ```
//! The other verbs go by the same order, as far as it concerns them.

use std::collections::BTreeMap;

use scrip_domain::Id;
use scrip_domain::license::{License, LicenseState};
use scrip_domain::usage::Usage;
use scrip_license::{Claims, Reason, ShortCode, jws, machine};
use scrip_storage::Fault;

use super::{By, Standing, state_at};
use crate::throttle::{Limited, RetryAfter};
use crate::{Engine, Outcome};

/// How many former codes of a license are known for such. A license is seldom issued again even once.
const FORMER: usize = 100;

/// What is to be known of a code.
#[derive(Clone, Copy, Debug, Default)]
pub struct Question<'a> {
    /// The product that it must be for.
    pub product: Option<&'a str>,
    /// The machine that it must be good on.
    pub fingerprint: Option<&'a str>,
}

impl Engine {
    /// Whether the code that is shown from `source` is good, and what it stands for.
    pub async fn is_good(
        &self,
        code: &str,
        source: &str,
        question: Question<'_>,
    ) -> Outcome<(Reason, Option<Standing>), RetryAfter> {
        let (reason, license) = match self.presented(code, source).await? {
            Ok((reason, Some(license))) => (reason, license),
            Ok((reason, None)) => return Ok(Ok((reason, None))),
            Err(wait) => return Ok(Err(wait)),
        };
        let by = By::new(&license, question.product);
        let standing = self.standing(license).await?;
        let reason = match reason {
            Reason::Valid if by.is_other_product => Reason::WrongProduct,
            Reason::Valid if standing.left() == Some(0) => standing.exhausted(),
            Reason::Valid => self.on_machine(&standing, question.fingerprint).await?,
            reason => reason,
        };
        Ok(Ok((reason, Some(standing))))
    }

    /// A license with how much it was used.
    pub async fn standing(&self, license: License) -> Result<Standing, Fault> {
        let usage = self.store.usage(license.id).await?;
        let usage = usage.unwrap_or_else(|| Usage::none(license.id));
        Ok(Standing { license, usage })
    }

    /// The same of each of these, in their order.
    pub async fn standings(&self, licenses: Vec<License>) -> Result<Vec<Standing>, Fault> {
        let ids: Vec<_> = licenses.iter().map(|license| license.id).collect();
        let usages = self.store.usages_of(&ids).await?.into_iter();
        let mut usages: BTreeMap<_, _> = usages.map(|usage| (usage.license, usage)).collect();
        let standing = |license: License| {
            let usage = usages.remove(&license.id).unwrap_or_else(|| Usage::none(license.id));
            Standing { license, usage }
        };
        Ok(licenses.into_iter().map(standing).collect())
    }

    async fn on_machine(
        &self,
        standing: &Standing,
        fingerprint: Option<&str>,
    ) -> Result<Reason, Fault> {
        let License { id, terms, limits, .. } = standing.license;
        let is_needed = terms.start_with_activation() || limits.machines.is_some();
        let Some(fingerprint) = fingerprint.filter(|_| is_needed) else {
            return Ok(Reason::Valid);
        };
        // Where nothing is active nobody need look which.
        let found = match standing.usage.machines {
            0 => None,
            _ => self.store.activation(id, machine(fingerprint)).await?,
        };
        let is_active = found.is_some_and(|found| found.ended_at.is_none());
        Ok(if is_active { Reason::Valid } else { Reason::NotActivated })
    }

    /// [`Engine::validate`] with guesses limited: per source first, then generously per license. A signed code cannot
    /// be guessed, and so is never kept waiting.
    pub(crate) async fn presented(
        &self,
        code: &str,
        source: &str,
    ) -> Outcome<(Reason, Option<License>), RetryAfter> {
        let typed = !code.contains('.');
        let license = ShortCode::parse(code).ok().map(|code| code.license().to_string());
        let limits = [(Limited::Codes, Some(source)), (Limited::License, license.as_deref())];
        let limits = limits.into_iter().filter_map(|(limit, who)| typed.then_some((limit, who?)));
        let now = self.now();
        for (limit, who) in limits.clone() {
            if let Err(wait) = self.throttle.check(limit, who, now) {
                return Ok(Err(wait));
            }
        }
        let presented = self.validate(code).await?;
        if presented.1.is_none() {
            limits.for_each(|(limit, who)| self.throttle.count(limit, who, now));
        }
        Ok(Ok(presented))
    }

    /// The license that a code in either form stands for, and whether it is in force.
    ///
    /// The license comes only with a code that is genuine, and the newest of its license.
    pub async fn validate(&self, code: &str) -> Result<(Reason, Option<License>), Fault> {
        let found =
            if code.contains('.') { self.by_jws(code).await? } else { self.by_short(code).await? };
        let license = match found {
            Ok(license) if license.state == LicenseState::Withheld => {
                return Ok((Reason::UnknownCode, None));
            }
            Ok(license) => license,
            Err(reason) => return Ok((reason, None)),
        };
        let reason = self.state_of(&license);
        Ok((reason, Some(license)))
    }

    /// Whether a license is in force now.
    pub fn state_of(&self, license: &License) -> Reason {
        state_at(license, self.now())
    }

    async fn by_jws(&self, code: &str) -> Result<Result<License, Reason>, Fault> {
        let claims: Claims = match jws::verify(code, Claims::TYP, self.keys().public()) {
            Ok(claims) => claims,
            Err(jws::VerifyError::Signature | jws::VerifyError::UnknownKey) => {
                return Ok(Err(Reason::BadSignature));
            }
            Err(_) => return Ok(Err(Reason::UnknownCode)),
        };
        let Ok(id) = claims.license.parse::<Id<License>>() else {
            return Ok(Err(Reason::UnknownCode));
        };
        let license = self.store.license(id).await?;
        Ok(match license {
            Some(license) if claims.issue() == Some(license.issue) => Ok(license),
            Some(_) => Err(Reason::Superseded),
            None => Err(Reason::UnknownCode),
        })
    }

    async fn by_short(&self, code: &str) -> Result<Result<License, Reason>, Fault> {
        let Ok(code) = ShortCode::parse(code) else { return Ok(Err(Reason::UnknownCode)) };
        let Some(id) = Id::new(code.license()) else { return Ok(Err(Reason::UnknownCode)) };
        // A wrong code and an unknown license look the same.
        let Some(license) = self.store.license(id).await? else {
            return Ok(Err(Reason::UnknownCode));
        };
        let keys = self.keys();
        let matches = |issue: u32| code.matches(keys.code_secret(), issue);
        if matches(license.issue) {
            return Ok(Ok(license));
        }
        let was_one = (1..license.issue).rev().take(FORMER).any(matches);
        Ok(Err(if was_one { Reason::Superseded } else { Reason::UnknownCode }))
    }
}
