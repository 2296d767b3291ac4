//! Partners in the hands of this vendor's staff.

use scrip_domain::audit::Act;
use scrip_domain::merchant::{MAX_URL, origin_of};
use scrip_domain::partner::{MAX_NAME, Partner, PartnerUrl};
use scrip_domain::{Id, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};
use serde_json::{Value, json};

use crate::audit::{Note, Staff, difference};
use crate::catalog::Wrong;
use crate::catalog::rules::{line, wrong};
use crate::peer::is_address;
use crate::{Engine, Outcome};

/// Why a partner was not entered or changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PartnerRefusal {
    /// There is no such partner.
    NoSuchPartner,
    /// A partner with this address was entered.
    Taken,
    /// A field is out of its bounds.
    Wrong(Wrong),
}

impl Engine {
    /// Enters a partner by its address: from then on it is heard, and nothing is exchanged before there is an agreement.
    pub async fn enter_partner(
        &self,
        by: Staff,
        url: String,
        name: &str,
    ) -> Outcome<Partner, PartnerRefusal> {
        if let Err(wrong) = self.may_enter(&url) {
            return Ok(Err(PartnerRefusal::Wrong(wrong)));
        }
        let name = match line(name, "name", 1, MAX_NAME) {
            Ok(name) => name,
            Err(wrong) => return Ok(Err(PartnerRefusal::Wrong(wrong))),
        };
        let partner = Partner::entered(self.mint()?, url, name, self.now());
        self.submit(Enter { partner, note: self.note(by)? }).await
    }

    fn may_enter(&self, url: &str) -> Result<(), Wrong> {
        // In small letters: what it signs, and where buyers go back to, is compared as it is.
        if url.len() > MAX_URL || !is_address(url, self.mode()) || origin_of(url).is_none() {
            return Err(wrong("url", "https://, a host in small letters, no slash at the end"));
        }
        if url == self.public_url() {
            return Err(wrong("url", "another server than this one"));
        }
        if !is_address(self.public_url(), self.mode()) {
            let must = "of no use while this server has no public https address: set public_url";
            return Err(wrong("url", must));
        }
        Ok(())
    }

    /// Changes what a partner is called. Doing it again changes nothing.
    pub async fn rename_partner(
        &self,
        by: Staff,
        id: Id<Partner>,
        name: &str,
    ) -> Outcome<Partner, PartnerRefusal> {
        match line(name, "name", 1, MAX_NAME) {
            Ok(name) => self.submit(Rename { id, name, note: self.note(by)? }).await,
            Err(wrong) => Ok(Err(PartnerRefusal::Wrong(wrong))),
        }
    }
}

/// What the audit log tells of a partner.
fn told(partner: &Partner) -> Value {
    json!({ "url": partner.url, "name": partner.name })
}

struct Enter {
    partner: Partner,
    note: Note,
}

impl Command for Enter {
    type Receipt = Partner;
    type Refusal = PartnerRefusal;

    fn wants(&self, wants: &mut Wants) {
        wants.partner_urls.guard((self.partner.url.clone(),));
    }

    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<Partner, PartnerRefusal>, Fault> {
        let Partner { id, url, .. } = &self.partner;
        if books.partner_urls.get(&(url.clone(),))?.is_some() {
            return Ok(Decision::refused(PartnerRefusal::Taken));
        }
        let mut changes = Changes::default();
        changes.partner_urls.push(Change::Insert(PartnerUrl { url: url.clone(), partner: *id }));
        changes.partners.push(Change::Insert(self.partner.clone()));
        let what = difference(&Value::Null, &told(&self.partner));
        self.note.write(&mut changes, Act::PartnerEntered, id, what, at);
        Ok(Decision::done(self.partner.clone(), changes))
    }
}

struct Rename {
    id: Id<Partner>,
    name: String,
    note: Note,
}

impl Command for Rename {
    type Receipt = Partner;
    type Refusal = PartnerRefusal;

    fn wants(&self, wants: &mut Wants) {
        wants.partners.guard((self.id,));
    }

    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<Partner, PartnerRefusal>, Fault> {
        let Some(old) = books.partners.get(&(self.id,))? else {
            return Ok(Decision::refused(PartnerRefusal::NoSuchPartner));
        };
        let partner = Partner { name: self.name.clone(), ..old.clone() };
        let mut changes = Changes::default();
        if partner != *old {
            let what = difference(&told(old), &told(&partner));
            self.note.write(&mut changes, Act::PartnerChanged, self.id, what, at);
            changes.partners.push(Change::Update(partner.clone()));
        }
        Ok(Decision::done(partner, changes))
    }
}
