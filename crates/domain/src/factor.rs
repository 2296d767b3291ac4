//! Second factors: codes of an authenticator, and recovery codes, beside a password; of the staff and of buyers alike.
//!
//! ```text
//! off ──set up: a new secret is shown──▶ off, secret waits ──a code of it──▶ on, 8 recovery codes
//!  ▲                                                                          │
//!  └───────────────────a code of it or a recovery code; taken away─────────────┘
//! ```

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// How many recovery codes are told at once.
pub const RECOVERY_CODES: usize = 8;

/// Somebody's second factor, on or off.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Factor {
    /// Which of its owner's secrets it has: it is derived, and lies nowhere; zero for none yet.
    pub issue: u32,
    /// Since when it is asked for.
    pub since: Option<Timestamp>,
    /// The latest step of time whose code was used: no code is taken twice.
    pub step: u64,
    /// Digests of the recovery codes that are left.
    pub recovery: Vec<String>,
}

/// A code that was right when it was looked at: it is spent with what it opens, or it was spent before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// An authenticator's code.
    Step {
        /// Of which secret.
        issue: u32,
        /// Of which step of time.
        step: u64,
    },
    /// The digest of a recovery code.
    Recovery(String),
}

impl Proof {
    /// What the audit log calls it.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Step { .. } => "authenticator",
            Self::Recovery(_) => "recovery_code",
        }
    }
}

impl Factor {
    /// Whether signing in takes it.
    pub const fn is_on(&self) -> bool {
        self.since.is_some()
    }

    /// Whether a secret waits for a code of it to be seen.
    pub const fn waits(&self) -> bool {
        !self.is_on() && self.issue > 0
    }

    /// With a new secret, which counts for nothing until a code of it was seen.
    #[must_use]
    pub fn begun(&self) -> Self {
        Self { issue: self.issue.saturating_add(1), step: 0, ..self.clone() }
    }

    /// On from `at`, with these recovery codes.
    #[must_use]
    pub fn on(self, recovery: Vec<String>, at: Timestamp) -> Self {
        Self { since: Some(at), recovery, ..self }
    }

    /// Off. The secret is given up with it: whoever has it still, in a phone that was lost, has nothing by it.
    #[must_use]
    pub fn off(&self) -> Self {
        Self { issue: self.issue.saturating_add(1), ..Self::default() }
    }

    /// As it is once `proof` was shown, or nothing where nothing is asked for; `None` when something else is due.
    pub fn shown(&self, proof: Option<&Proof>) -> Option<Self> {
        match proof {
            Some(proof) => self.spent(proof),
            None => (!self.is_on()).then(|| self.clone()),
        }
    }

    /// Without what was shown; `None` when it was spent before, or is none of this factor's any more.
    pub fn spent(&self, proof: &Proof) -> Option<Self> {
        match proof {
            Proof::Step { issue, step } => {
                let fresh = self.issue == *issue && *step > self.step;
                fresh.then(|| Self { step: *step, ..self.clone() })
            }
            Proof::Recovery(digest) => {
                let place = self.recovery.iter().position(|kept| kept == digest)?;
                let mut factor = self.clone();
                factor.recovery.remove(place);
                Some(factor)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_opens_once_and_none_before_it_nor_after_its_secret() {
        let at = Timestamp::from_millis(1);
        let begun = Factor::default().begun();
        assert!(begun.waits() && !begun.is_on());
        let step = |issue, step| Proof::Step { issue, step };
        let on = begun.spent(&step(1, 7)).unwrap().on(vec!["a".into(), "b".into()], at);
        assert!(on.is_on() && !on.waits());
        for spent in [step(1, 7), step(1, 6), step(2, 8)] {
            assert_eq!(on.spent(&spent), None, "{spent:?}");
        }
        assert_eq!(on.spent(&step(1, 8)).unwrap().step, 8);
        let recovered = on.spent(&Proof::Recovery("a".into())).unwrap();
        assert_eq!(recovered.recovery, ["b"]);
        assert_eq!(recovered.spent(&Proof::Recovery("a".into())), None);
        assert_eq!(recovered.shown(None), None, "it is asked for");
        assert_eq!(recovered.shown(Some(&step(1, 9))), recovered.spent(&step(1, 9)));
        let off = recovered.off();
        assert_eq!(off.shown(None).as_ref(), Some(&off));
        assert!(!off.is_on() && off.recovery.is_empty());
        assert_eq!(off.spent(&step(1, 9)), None, "the secret is given up");
    }
}
