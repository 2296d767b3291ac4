//! The bureau of a world: it approves, declines and doubts, as the seed says of each top-up; it is slow, says
//! nothing, or what cannot be believed; and the shop's process may die before it is asked and after it has answered.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use scrip_domain::Id;
use scrip_domain::credit::{CreditDecision, CreditStatus, Evidence, Source};
use scrip_domain::top_up::TopUp;
use scrip_engine::Fault;
use scrip_engine::bureau::{Bureau, BureauError, Inquiry, Opinion};
use scrip_storage::Store;

use crate::bank::Bank;
use crate::chance::Chance;
use crate::plan::{Defect, Plan};

/// It outlives the shop's process, and says the same of a top-up whenever it is asked.
#[derive(Debug)]
pub struct SimBureau {
    bank: Arc<Bank>,
    chance: Mutex<Chance>,
    opinions: Mutex<BTreeMap<Id<TopUp>, CreditDecision>>,
    /// Whether what it says arrives as its approval: a defect.
    bends: bool,
}

/// What becomes of a question, in turn: it is lost, or its answer is, or that is not believed.
const ILLS: [BureauIll; 3] = [BureauIll::Lost, BureauIll::Forged, BureauIll::Garbled];

#[derive(Clone, Copy, Debug)]
enum BureauIll {
    Lost,
    Forged,
    Garbled,
}

impl SimBureau {
    /// The bureau of `plan`, in the city of `bank`.
    pub fn new(plan: &Plan, bank: Arc<Bank>) -> Self {
        let (chance, opinions) = (Mutex::new(Chance::of(plan.seed, "bureau")), Mutex::default());
        Self { bank, chance, opinions, bends: plan.defect == Defect::BendsOpinions }
    }

    fn draw<T>(&self, draw: impl FnOnce(&mut Chance) -> T) -> T {
        draw(&mut self.chance.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What it thinks of a top-up, now and for ever.
    fn thinks(&self, top_up: Id<TopUp>) -> CreditDecision {
        let mut opinions = self.opinions.lock().unwrap_or_else(PoisonError::into_inner);
        *opinions.entry(top_up).or_insert_with(|| {
            self.draw(|chance| match chance.below(10) {
                0 | 1 => CreditDecision::Declined,
                2 | 3 => CreditDecision::Review,
                _ => CreditDecision::Approved,
            })
        })
    }

    async fn answer(&self, inquiry: &Inquiry) -> Result<Opinion, BureauError> {
        self.bank.stands_at("before the bureau is asked").await;
        let calm = self.bank.is_calm();
        let (ill, slow) = self.draw(|chance| {
            let ill = chance.permille(200).then(|| chance.pick(&ILLS).copied()).flatten();
            (ill, chance.permille(200).then(|| chance.between(100, 4000)))
        });
        if let Some(millis) = slow.filter(|_| !calm) {
            tokio::time::sleep(Duration::from_millis(millis)).await;
        }
        let decision = self.thinks(inquiry.top_up);
        let answer = match ill.filter(|_| !calm) {
            None => Ok(decision),
            Some(BureauIll::Lost) => Err(BureauError::Unanswered("it is late".to_owned())),
            Some(BureauIll::Forged) => Err(BureauError::Forged("another secret")),
            Some(BureauIll::Garbled) => Err(BureauError::Garbled("no JSON".to_owned())),
        };
        self.bank.tells(&format!("bureau says {answer:?} of {}", inquiry.top_up));
        self.bank.stands_at("after the bureau has answered").await;
        let bends = self.bends;
        answer.map(|decision| Opinion {
            decision: if bends { CreditDecision::Approved } else { decision },
            score: None,
            reasons: vec!["the_stars".to_owned()],
            valid_until: None,
            evidence: Evidence { reference: None, sha256: "00".repeat(32) },
        })
    }

    /// Compares what the shop has on record with what the bureau thinks: it never says what it did not, and a
    /// top-up of which it was asked says so.
    pub async fn compare(&self, store: &Store) -> Result<Result<(), String>, Fault> {
        let opinions = self.opinions.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for (id, thought) in opinions {
            let Some(top_up) = store.top_up(id).await? else {
                return Ok(Err(format!("the bureau was asked about {id}, which there is not")));
            };
            let said = top_up.assessments.iter().filter(|one| one.source == Source::Bureau);
            let said: Vec<_> = said.collect();
            let [said] = said.as_slice() else {
                return Ok(Err(format!("{id} has {} words of the bureau", said.len())));
            };
            if said.status != CreditStatus::Error && said.status != thought.status() {
                return Ok(Err(format!("{id}: the bureau is told as {said:?}, not {thought:?}")));
            }
            let staff = top_up.assessments.iter().any(|one| one.source == Source::Staff);
            let credited = top_up.credited_at.is_some();
            let may = said.decision == CreditDecision::Approved
                || (staff && said.decision == CreditDecision::Review);
            if credited && !may {
                return Ok(Err(format!(
                    "{id} was credited, and the bureau's word led to {said:?}"
                )));
            }
        }
        Ok(Ok(()))
    }
}

impl Bureau for SimBureau {
    fn assess<'a>(&'a self, inquiry: &'a Inquiry) -> BoxFuture<'a, Result<Opinion, BureauError>> {
        self.answer(inquiry).boxed()
    }
}
