//! Re-issuing: a license gets a new code, and the one before is dead at once.
//!
//! ```text
//! issue 1 ──reissue──▶ issue 2 ──reissue──▶ issue 3 …
//!   └─ SUPERSEDED from then on, online at once and offline by the list
//! ```
//! Codes are not stored: the row of the license has the issue that is good, and a row for each later issue what the one
//! before was signed with. So every answer that ever told a code can be given again. Active machines stay active.

use scrip_domain::audit::Act;
use scrip_domain::event::{Event, EventType};
use scrip_domain::license::{License, LicenseState, Reissue};
use scrip_domain::request::Request;
use scrip_domain::{Id, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::index::{self, Entry};
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};
use serde_json::json;

use super::suspend::{LicenseRefusal, tell};
use super::wanted;
use crate::audit::{Note, Staff};
use crate::ledger::Buyer;
use crate::purchase::Answered;
use crate::{Engine, Outcome};

/// Who has a code issued again.
#[derive(Clone, Debug)]
pub enum Asker {
    /// The license's holder.
    Holder(Buyer),
    /// The vendor's staff, and why.
    Staff(Staff, String),
}

impl Engine {
    /// Issues the code of a license again, signed with the key of today. Gives the license as it was then.
    pub async fn reissue(
        &self,
        by: Asker,
        license: Id<License>,
        request: Request,
    ) -> Outcome<Answered<License>, LicenseRefusal> {
        let found = self.store.license(license).await?;
        let owned = found.filter(|license| match &by {
            Asker::Holder(buyer) => buyer.account == license.account,
            Asker::Staff(..) => true,
        });
        let Some(before) = owned else { return Ok(Err(LicenseRefusal::NoSuchLicense)) };
        let note = match by {
            Asker::Holder(_) => None,
            Asker::Staff(staff, reason) => Some((self.note(staff)?, reason)),
        };
        let command = IssueAgain {
            buyer: self.buyer_of(before.account).await?,
            license,
            kid: self.license_kid()?,
            note,
            event: self.mint()?,
            request,
        };
        match self.submit(command).await? {
            Ok(Issued::Now(license)) => Ok(Ok(Answered::First(*license))),
            Ok(Issued::Before) => {
                let lost = || Fault::Bug("an idempotency key names no issue".into());
                let row = self.store.reissue_asked(license, request.key).await?;
                let row = row.ok_or_else(lost)?;
                let license = self.store.license(license).await?.ok_or_else(lost)?;
                let license = self.as_issued(&license, row.issue).await?;
                let (state, expires_at) = (LicenseState::Valid, row.expires_at);
                Ok(Ok(Answered::Replayed(License { state, expires_at, ..license })))
            }
            Err(refusal) => Ok(Err(refusal)),
        }
    }

    /// A license with the code of an earlier issue; of the present one, as it is.
    pub(crate) async fn as_issued(&self, license: &License, issue: u32) -> Result<License, Fault> {
        if issue >= license.issue {
            return Ok(license.clone());
        }
        let lost = || Fault::Bug("an issue of a code is not on record".into());
        let next = self.store.reissue(license.id, issue.saturating_add(1)).await?;
        let Reissue { former_kid: kid, former_at: issued_at, .. } = next.ok_or_else(lost)?;
        Ok(License { issue, kid, issued_at, ..license.clone() })
    }
}

/// What the command answers: the license with its new code, or that the same request was carried out before.
enum Issued {
    Now(Box<License>),
    Before,
}

struct IssueAgain {
    buyer: Buyer,
    license: Id<License>,
    kid: String,
    note: Option<(Note, String)>,
    event: Id<Event>,
    request: Request,
}

impl Command for IssueAgain {
    type Receipt = Issued;
    type Refusal = LicenseRefusal;

    fn wants(&self, wants: &mut Wants) {
        let Buyer { account, wallet } = self.buyer;
        // Keys of an account are under its wallet's guard.
        wants.wallets.guard((wallet,));
        wants.by_account.read((account, index::REQUEST, self.request.key));
        wants.licenses.guard((self.license,));
    }

    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<Issued, LicenseRefusal>, Fault> {
        let account = self.buyer.account;
        if let Some(entry) = books.by_account.get(&(account, index::REQUEST, self.request.key))? {
            let same =
                entry.note == self.request.fingerprint && entry.target == self.license.number();
            return Ok(if same {
                Decision::done(Issued::Before, Changes::default())
            } else {
                Decision::refused(LicenseRefusal::KeyReused)
            });
        }
        let before = wanted(books, self.license)?;
        if before.state != LicenseState::Valid {
            return Ok(Decision::refused(LicenseRefusal::NotFrom(before.state)));
        }
        let Some(license) = before.reissued(self.kid.clone(), at) else {
            return Ok(Decision::refused(LicenseRefusal::TooManyIssues));
        };
        // From here on the code before is dead.
        let mut changes = Changes::default();
        changes.reissues.push(Change::Insert(Reissue {
            license: license.id,
            issue: license.issue,
            former_kid: before.kid.clone(),
            former_at: before.issued_at,
            at,
            expires_at: license.expires_at,
            request: self.request.key,
        }));
        changes.licenses.push(Change::Update(license.clone()));
        let entry = Entry::request(account, self.request, license.id.into());
        changes.by_account.push(Change::Insert(entry));
        tell(&mut changes, self.event, EventType::LicenseReissued, &license, at);
        if let Some((note, reason)) = &self.note {
            let what = json!({
                "issue": { "from": before.issue, "to": license.issue }, "reason": { "to": reason },
            });
            note.write(&mut changes, Act::LicenseReissued, license.id, what, at);
        }
        Ok(Decision::done(Issued::Now(Box::new(license)), changes))
    }
}
