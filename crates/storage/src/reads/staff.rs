//! Reads about the staff, and what befell one thing by their hands.

use scrip_domain::Id;
use scrip_domain::audit::Audit;
use scrip_domain::session::TokenHash;
use scrip_domain::staff::{StaffLogin, StaffMember, StaffSession};

use crate::cells::Cell;
use crate::fault::Fault;
use crate::reads::{Page, cells};
use crate::store::Store;

impl Store {
    /// A member of the staff, also one who was ended.
    pub async fn staff_member(&self, id: Id<StaffMember>) -> Result<Option<StaffMember>, Fault> {
        self.row("WHERE t.id = $1", cells(&id)).await
    }

    /// These members, in no order.
    pub async fn staff_called(&self, ids: &[Id<StaffMember>]) -> Result<Vec<StaffMember>, Fault> {
        self.rows_in("id", ids, "").await
    }

    /// The member whose invitation has a token with this hash.
    pub async fn staff_by_invitation(
        &self,
        token: TokenHash,
    ) -> Result<Option<StaffMember>, Fault> {
        self.row("WHERE t.invitation = $1", cells(&token)).await
    }

    /// Whose an address (folded) is.
    pub async fn staff_login(&self, email: &str) -> Result<Option<StaffLogin>, Fault> {
        self.row("WHERE t.email = $1", cells(&email.to_owned())).await
    }

    /// A page of all members, newest first, ended ones too.
    pub async fn staff(&self, page: Page) -> Result<Vec<StaffMember>, Fault> {
        self.row_page("WHERE t.id <= $1 ORDER BY t.id DESC LIMIT $2", page).await
    }

    /// A session of the staff, also one that has ended.
    pub async fn staff_session(&self, token: TokenHash) -> Result<Option<StaffSession>, Fault> {
        self.row("WHERE t.token = $1", cells(&token)).await
    }

    /// A member's sessions, those that end first first.
    pub async fn staff_sessions_of(
        &self,
        member: Id<StaffMember>,
        limit: u32,
    ) -> Result<Vec<StaffSession>, Fault> {
        let mut values = cells(&member);
        values.push(Cell::Int(i64::from(limit)));
        self.rows("WHERE t.member = $1 ORDER BY t.expires_at LIMIT $2", values).await
    }

    /// A page of what was done to `subject`, newest first.
    pub async fn audit_of(&self, subject: &str, page: Page) -> Result<Vec<Audit>, Fault> {
        let mut values = cells(&subject.to_owned());
        values.extend([page.highest(), page.limit()]);
        let tail = "WHERE t.subject = $1 AND t.id <= $2 ORDER BY t.id DESC LIMIT $3";
        self.rows(tail, values).await
    }
}
