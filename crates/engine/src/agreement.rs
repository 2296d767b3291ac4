//! Agreements: proposed by one side's staff, accepted by the other's, in force from a day on.
//!
//! ```text
//! staff.rs: propose, accept, decline, withdraw, end, suspend, resume ─▶ errand.rs: the partner is told ─▶ (there) hear.rs
//!                                   scene.rs: what the clock does, in every command        adopt.rs: what a backup lacks
//! ```
//! The states are those of [`scrip_domain::agreement`]. Every command is under the partner's guard, with all agreements of it
//! that are alive: those are looked up before, and the partner's number of the latest one tells whether that is still all.

mod adopt;
mod errand;
mod hear;
mod scene;
mod staff;

use scrip_domain::Id;
use scrip_domain::agreement::{Agreement, AgreementState, Flaw, Terms, View};
use scrip_domain::partner::Partner;
use scrip_storage::{Command, Fault};
use sha2::{Digest, Sha256};

use crate::{Engine, Outcome};

pub(crate) use adopt::Both;
pub use hear::Told;
pub use staff::Turn;

/// How often a command is asked again that looked up what has changed since.
const TRIES: usize = 3;

/// Why something was not done with an agreement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AgreementRefusal {
    /// There is no such partner.
    NoSuchPartner,
    /// There is none, or not with this partner.
    NoSuchAgreement,
    /// The terms are not such as can be agreed to here.
    Terms(Flaw),
    /// The agreement is in another state.
    State(AgreementState),
    /// A proposal of ours is open: it is withdrawn or decided first.
    ProposalOpen,
    /// An agreement waits for its day: it comes into force first.
    Waits,
    /// A later agreement was proposed, or accepted.
    Version,
    /// It would hold too soon, or too late.
    Notice,
    /// What came is not signed by the partner for this server.
    Unbelievable(String),
    /// What was looked up before the command is not so any more: look again. Never told to callers.
    Stale,
}

/// What a command about a partner's agreements looked up before.
#[derive(Clone, Debug)]
struct Known {
    partner: Id<Partner>,
    /// The partner's number of its latest agreement when `alive` was looked up.
    version: u32,
    alive: Vec<Id<Agreement>>,
}

/// The SHA-256 of a document: what is kept of [`scrip_license::jws::digest`].
fn digest(document: &str) -> [u8; 32] {
    Sha256::digest(document.as_bytes()).into()
}

impl Engine {
    async fn know_agreements(&self, partner: Id<Partner>) -> Result<Option<Known>, Fault> {
        // First the partner: what is proposed after that is seen by its number.
        let Some(row) = self.store.partner(partner).await? else { return Ok(None) };
        let alive = self.store.agreements_alive(partner).await?;
        let alive = alive.into_iter().map(|agreement| agreement.id).collect();
        Ok(Some(Known { partner, version: row.version, alive }))
    }

    /// Has a partner's agreements moved by the command that `made` makes of what is known of them: made anew when that has
    /// changed meanwhile.
    async fn agree<C>(
        &self,
        partner: Id<Partner>,
        made: impl Fn(Known) -> Result<C, Fault>,
    ) -> Outcome<C::Receipt, AgreementRefusal>
    where
        C: Command<Refusal = AgreementRefusal>,
    {
        for _ in 0..TRIES {
            let Some(known) = self.know_agreements(partner).await? else {
                return Ok(Err(AgreementRefusal::NoSuchPartner));
            };
            match self.submit(made(known)?).await? {
                Err(AgreementRefusal::Stale) => {}
                answer => return Ok(answer),
            }
        }
        Err(Fault::Busy)
    }

    /// Whether these terms, proposed by `proposer`, can be agreed to here.
    async fn check_terms(
        &self,
        partner: &Partner,
        terms: &Terms,
        proposer: &str,
    ) -> Outcome<(), AgreementRefusal> {
        let vendor = self.vendor().await?;
        let token = &vendor.settings.token;
        let view = View {
            ours: self.public_url(),
            token: token.code,
            scale: token.scale,
            theirs: &partner.url,
            proposer,
            owed: partner.currency.filter(|_| !partner.is_even()),
        };
        Ok(terms.check(&view).map_err(AgreementRefusal::Terms))
    }
}
