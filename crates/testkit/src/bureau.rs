//! A bureau that says what a test wants it to.

use std::sync::{Mutex, PoisonError};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use scrip_domain::credit::{CreditDecision, Evidence};
use scrip_engine::bureau::{Bureau, BureauError, Inquiry, Opinion};

/// A bureau with a script: what it says next, the last of it for ever.
#[derive(Debug)]
pub struct ScriptedBureau {
    script: Mutex<Vec<Result<Opinion, BureauError>>>,
    asked: Mutex<Vec<Inquiry>>,
}

/// An opinion with nothing but a decision, a score and a reason.
pub fn opinion(decision: CreditDecision, score: u8, reason: &str) -> Opinion {
    Opinion {
        decision,
        score: Some(score),
        reasons: vec![reason.to_owned()],
        valid_until: None,
        evidence: Evidence { reference: Some("R-1".to_owned()), sha256: "00".repeat(32) },
    }
}

impl ScriptedBureau {
    /// Says this, in this order.
    pub fn saying(script: Vec<Result<Opinion, BureauError>>) -> Self {
        Self { script: Mutex::new(script), asked: Mutex::default() }
    }

    /// What it was asked so far.
    pub fn asked(&self) -> Vec<Inquiry> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn next(&self) -> Result<Opinion, BureauError> {
        let mut script = self.script.lock().unwrap_or_else(PoisonError::into_inner);
        match script.len() {
            0 => Err(BureauError::Unanswered("the script is empty".to_owned())),
            1 => script[0].clone(),
            _ => script.remove(0),
        }
    }
}

impl Bureau for ScriptedBureau {
    fn assess<'a>(&'a self, inquiry: &'a Inquiry) -> BoxFuture<'a, Result<Opinion, BureauError>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).push(inquiry.clone());
        async { self.next() }.boxed()
    }
}
