//! The partner's account of a cycle: read, kept, and answered with ours.
//!
//! ```text
//! signed by the partner, for us, adds up ──▶ (ours is closed too) ──▶ kept ──▶ ours is reckoned anew ──▶ answered with ours
//!            └─ not: refused, nothing changes                                        └─ a commit waits: answered with nothing
//! ```

use scrip_domain::agreement::Agreement;
use scrip_domain::document::exchange::Account;
use scrip_domain::partner::Partner;
use scrip_domain::statement::Statement;
use scrip_domain::{Id, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};

use super::close::close;
use super::reckon::Came;
use super::{StatementRefusal, claims};
use crate::{Engine, Outcome};

impl Engine {
    /// Takes a partner's account of a cycle; gives ours, once it is signed.
    pub async fn hear_account(
        &self,
        partner: &Partner,
        cycle: u32,
        document: String,
    ) -> Outcome<Option<String>, StatementRefusal> {
        let statement = match self.keep_account(partner, cycle, document).await? {
            Ok(statement) => statement,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let statement = self.reckon(statement, Came::FromPartner).await?;
        Ok(Ok(statement.ours))
    }

    /// Verifies a partner's account and keeps it.
    pub(super) async fn keep_account(
        &self,
        partner: &Partner,
        cycle: u32,
        document: String,
    ) -> Outcome<Statement, StatementRefusal> {
        let account = match self.read_account(partner, cycle, &document).await? {
            Ok(account) => account,
            Err(refusal) => {
                tracing::warn!(security = true, partner = %partner.id, cycle, ?refusal, "an account is not believed");
                return Ok(Err(refusal));
            }
        };
        let Some(agreement) = self.settling_agreement(partner).await? else {
            return Ok(Err(StatementRefusal::NoSuchCycle));
        };
        let (partner, id) = (partner.id, self.mint()?);
        self.submit(Hear { partner, cycle, agreement: agreement.id, id, account, document }).await
    }
}

struct Hear {
    partner: Id<Partner>,
    cycle: u32,
    agreement: Id<Agreement>,
    /// The name of the statement, if it is to be closed by this.
    id: Id<Statement>,
    account: Account,
    document: String,
}

impl Hear {
    /// Whether it says more than what is on record: an older one is not believed in the place of a newer.
    fn is_newer(&self, known: &Statement) -> Result<bool, Fault> {
        let Some(theirs) = &known.theirs else { return Ok(true) };
        let before: Account = claims(theirs)?;
        Ok(*theirs != self.document
            && (self.account.is_final || !before.is_final)
            && self.account.issued_at >= before.issued_at)
    }
}

impl Command for Hear {
    type Receipt = Statement;
    type Refusal = StatementRefusal;

    fn wants(&self, wants: &mut Wants) {
        wants.partners.guard((self.partner,));
        wants.statements.read((self.partner, self.cycle));
    }

    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<Statement, StatementRefusal>, Fault> {
        let mut changes = Changes::default();
        let known = books.statements.get(&(self.partner, self.cycle))?;
        let statement = if let Some(known) = known {
            known.clone()
        } else {
            let partner = books.partners.get(&(self.partner,))?;
            // A cycle that has not begun here cannot have ended there: each is agreed before the next is signed.
            let Some(partner) = partner.filter(|partner| partner.cycle == self.cycle) else {
                return Ok(Decision::refused(StatementRefusal::NoSuchCycle));
            };
            let (partner, statement) =
                close(&mut changes, partner.clone(), self.agreement, self.id, at)?;
            changes.partners.push(Change::Update(partner));
            statement
        };
        if statement.state.is_agreed() || !self.is_newer(&statement)? {
            return Ok(Decision::done(statement, changes));
        }
        let theirs = Some(self.document.clone());
        let statement = Statement { theirs, due_at: Some(at), attempts: 0, ..statement };
        changes.statements.push(Change::Update(statement.clone()));
        Ok(Decision::done(statement, changes))
    }
}
