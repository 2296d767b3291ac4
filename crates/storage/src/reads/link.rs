//! Reads about links, at the vendor that a buyer comes from and at the partner.

use scrip_domain::account::Account;
use scrip_domain::connection::SubjectName;
use scrip_domain::link::{Link, LinkRequest, PartnerSubject};
use scrip_domain::partner::Partner;
use scrip_domain::{Id, Timestamp};

use crate::cells::{Cell, Reader};
use crate::fault::Fault;
use crate::reads::cells;
use crate::store::Store;

impl Store {
    /// A buyer's link to a partner: the latest.
    pub async fn link(
        &self,
        account: Id<Account>,
        partner: Id<Partner>,
    ) -> Result<Option<Link>, Fault> {
        let mut values = cells(&account);
        values.extend(cells(&partner));
        self.row("WHERE t.account = $1 AND t.partner = $2", values).await
    }

    /// The links by which a partner calls an account of its own so: one, or by mischance more.
    pub async fn links_to(&self, partner: Id<Partner>, subject: &str) -> Result<Vec<Link>, Fault> {
        let values = [cells(&partner), vec![Cell::text(subject.to_owned())]].concat();
        self.rows("WHERE t.partner = $1 AND t.subject = $2 ORDER BY t.account LIMIT 2", values)
            .await
    }

    /// A buyer's links, one for each partner.
    pub async fn links_of(&self, account: Id<Account>) -> Result<Vec<Link>, Fault> {
        self.rows("WHERE t.account = $1 ORDER BY t.partner", cells(&account)).await
    }

    /// Links that have ended and of which the partner is to be told at `at`, the longest due first.
    pub async fn links_due(&self, at: Timestamp, limit: u32) -> Result<Vec<Link>, Fault> {
        let mut values = cells(&at);
        values.push(Cell::Int(i64::from(limit)));
        self.rows("WHERE t.due_at <= $1 ORDER BY t.due_at, t.id LIMIT $2", values).await
    }

    /// A partner's request to show which account is the buyer's.
    pub async fn link_request(&self, id: Id<LinkRequest>) -> Result<Option<LinkRequest>, Fault> {
        self.row("WHERE t.id = $1", cells(&id)).await
    }

    /// The request whose reference has this digest.
    pub async fn link_request_by_reference(
        &self,
        reference: [u8; 32],
    ) -> Result<Option<LinkRequest>, Fault> {
        self.row("WHERE t.reference = $1", cells(&reference)).await
    }

    /// The request that a partner has opened for its link of this name.
    pub async fn link_request_of(
        &self,
        partner: Id<Partner>,
        link: Id<Link>,
    ) -> Result<Option<LinkRequest>, Fault> {
        let mut values = cells(&partner);
        values.extend(cells(&link));
        self.row("WHERE t.partner = $1 AND t.link = $2", values).await
    }

    /// The request whose return code has this digest.
    pub async fn link_request_by_code(&self, hash: [u8; 32]) -> Result<Option<LinkRequest>, Fault> {
        self.row("WHERE t.code_hash = $1", cells(&hash)).await
    }

    /// An account, as a partner knows it.
    pub async fn partner_subject(
        &self,
        partner: Id<Partner>,
        subject: SubjectName,
    ) -> Result<Option<PartnerSubject>, Fault> {
        let mut values = cells(&partner);
        values.extend(cells(&subject));
        self.row("WHERE t.partner = $1 AND t.subject = $2", values).await
    }

    /// The partners that know an account.
    pub async fn partner_subjects_of(
        &self,
        account: Id<Account>,
    ) -> Result<Vec<PartnerSubject>, Fault> {
        self.rows("WHERE t.account = $1 ORDER BY t.partner", cells(&account)).await
    }

    /// How many accounts are linked to one at a partner; counted up to `most`.
    pub async fn links_with(&self, partner: Id<Partner>, most: u32) -> Result<u64, Fault> {
        let mut values = cells(&partner);
        values.push(Cell::Int(i64::from(most)));
        let text = "SELECT COUNT(*) FROM (SELECT 1 FROM links
            WHERE partner = $1 AND subject IS NOT NULL AND state = 'active' LIMIT $2) l";
        let read = |cells: &mut Reader<'_>| {
            Ok(cells.int()?.and_then(|count| u64::try_from(count).ok()).unwrap_or(0))
        };
        let found = self.query("links", text.to_owned(), values, read).await?;
        Ok(found.into_iter().next().unwrap_or(0))
    }
}
