//! Staff: the people who work for the vendor, what each may do, and their sessions.
//!
//! ```text
//! (nothing) ──invited──▶ invited ──chooses a password within 72 hours──▶ active ──ended──▶ ended
//!                           ▲                                              │                ▲
//!                           └────────────────────reset─────────────────────┘                │
//!                           └─────────────────────────ended─────────────────────────────────┘
//! ```
//! They are no accounts: they have no wallet, and they exist on every kind of server. A member who is ended stays on
//! record, because the audit log names it; the address may be invited again, as somebody new.

use crate::factor::Factor;
use crate::id::Id;
use crate::session::TokenHash;
use crate::time::{Span, Timestamp};
use crate::words;

/// How long a session of the staff lives.
pub const LIFETIME: Span = Span::hours(12);

/// How long an invitation is good for.
pub const INVITATION: Span = Span::hours(72);

/// The most characters of a member's name.
pub const MAX_NAME: usize = 100;

words! {
    /// What somebody is in a shop.
    pub enum StaffRole {
        /// Does everything, and alone decides on settings, keys and staff.
        Owner = "owner",
        /// Money: top-ups, refunds of them, vouchers, credit, merchants and partners.
        Finance = "finance",
        /// What is sold.
        Catalogue = "catalogue",
        /// Buyers: their accounts, orders and licenses.
        Support = "support",
        /// Looks at everything but secrets, and changes nothing.
        ReadOnly = "read_only",
    }
}

words! {
    /// What a page or a verb needs.
    pub enum Power {
        /// To look.
        See = "see",
        /// To change what is sold.
        Catalogue = "catalogue",
        /// To decide on money that comes or goes.
        Money = "money",
        /// To help buyers: accounts, licenses, orders, refunds of them in tokens.
        People = "people",
        /// To decide on refunds that buyers ask for.
        Refunds = "refunds",
        /// To change the shop itself: settings, keys, webhooks, staff.
        Settings = "settings",
    }
}

impl StaffRole {
    /// Whether somebody in this role may do what needs `power`.
    pub const fn has(self, power: Power) -> bool {
        match self {
            Self::Owner => true,
            Self::Finance => matches!(power, Power::See | Power::Money | Power::Refunds),
            Self::Catalogue => matches!(power, Power::See | Power::Catalogue),
            Self::Support => matches!(power, Power::See | Power::People | Power::Refunds),
            Self::ReadOnly => matches!(power, Power::See),
        }
    }
}

impl Power {
    /// The roles that have it.
    pub fn roles(self) -> impl Iterator<Item = StaffRole> {
        StaffRole::ALL.iter().copied().filter(move |role| role.has(self))
    }
}

words! {
    /// Where a member stands.
    pub enum StaffState {
        /// Has not chosen a password yet.
        Invited = "invited",
        /// Can sign in.
        Active = "active",
        /// Can nothing any more.
        Ended = "ended",
    }
}

/// Somebody who works for the vendor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StaffMember {
    /// Its name among the rows.
    pub id: Id<Self>,
    /// The address that signs in, as typed, trimmed. It never changes.
    pub email: String,
    /// What the person is called.
    pub name: String,
    /// What the person is in the shop.
    pub role: StaffRole,
    /// The password as an argon2id PHC string (RFC 9106); none while an invitation waits.
    pub password: Option<String>,
    /// The hash of the invitation's token, while it waits.
    pub invitation: Option<TokenHash>,
    /// Until when it is good.
    pub invited_until: Option<Timestamp>,
    /// Counted up when all sessions end: those of an earlier series are worthless.
    pub series: u32,
    /// The second factor.
    pub factor: Factor,
    /// When the person was invited first.
    pub created_at: Timestamp,
    /// When the first invitation was taken: from then on an owner counts as one.
    pub joined_at: Option<Timestamp>,
    /// Since when the person is no member any more.
    pub ended_at: Option<Timestamp>,
}

impl StaffMember {
    /// Where the member stands.
    pub const fn state(&self) -> StaffState {
        match (self.ended_at, &self.password) {
            (Some(_), _) => StaffState::Ended,
            (None, None) => StaffState::Invited,
            (None, Some(_)) => StaffState::Active,
        }
    }

    /// Whether the member may do what needs `power`.
    pub const fn may(&self, power: Power) -> bool {
        self.ended_at.is_none() && self.role.has(power)
    }

    /// Whether the shop has an owner in this person.
    pub const fn is_owner(&self) -> bool {
        matches!(self.role, StaffRole::Owner) && self.joined_at.is_some() && self.ended_at.is_none()
    }

    /// Whether a session is one of this member's, and good at `at`.
    pub fn holds(&self, session: &StaffSession, at: Timestamp) -> bool {
        self.ended_at.is_none()
            && session.member == self.id
            && session.series == self.series
            && at < session.expires_at
    }
}

/// An address that signs in at the console, so that it is taken once; gone when its member is ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StaffLogin {
    /// The address in lower case.
    pub email: String,
    /// Whose it is.
    pub member: Id<StaffMember>,
}

/// All of the staff: one row, the guard of who is an owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StaffRoll {
    /// The row's number.
    pub number: u8,
    /// How many owners there are who have joined: never none again once there was one.
    pub owners: u32,
}

impl StaffRoll {
    /// The only row.
    pub const ONLY: u8 = 1;

    /// The roll after a member has become another; `None` when no owner would be left.
    pub fn after(self, before: &StaffMember, after: &StaffMember) -> Option<Self> {
        let owners = match (before.is_owner(), after.is_owner()) {
            (false, true) => self.owners.checked_add(1)?,
            (true, false) => self.owners.checked_sub(1).filter(|left| *left > 0)?,
            _ => self.owners,
        };
        Some(Self { owners, ..self })
    }
}

/// A browser in which a member is signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StaffSession {
    /// The token's hash; the token itself is told once and never kept.
    pub token: TokenHash,
    /// Whose session it is.
    pub member: Id<StaffMember>,
    /// The member's series when it was opened.
    pub series: u32,
    /// When it was opened.
    pub created_at: Timestamp,
    /// From when on it is worthless.
    pub expires_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_has_its_powers_and_no_other() {
        let table = [
            // see, catalogue, money, people, refunds, settings
            (StaffRole::Owner, [true, true, true, true, true, true]),
            (StaffRole::Finance, [true, false, true, false, true, false]),
            (StaffRole::Catalogue, [true, true, false, false, false, false]),
            (StaffRole::Support, [true, false, false, true, true, false]),
            (StaffRole::ReadOnly, [true, false, false, false, false, false]),
        ];
        assert_eq!(table.map(|(role, _)| role), StaffRole::ALL);
        for (role, powers) in table {
            let has: Vec<_> = Power::ALL.iter().map(|power| role.has(*power)).collect();
            assert_eq!(has, powers, "{role}");
        }
    }

    fn member(role: StaffRole) -> StaffMember {
        StaffMember {
            id: Id::new(7).unwrap(),
            email: "ada@shop.example".into(),
            name: "Ada".into(),
            role,
            password: Some("phc".into()),
            invitation: None,
            invited_until: None,
            series: 1,
            factor: Factor::default(),
            created_at: Timestamp::from_millis(1),
            joined_at: Some(Timestamp::from_millis(2)),
            ended_at: None,
        }
    }

    #[test]
    fn the_last_owner_stays() {
        let owner = member(StaffRole::Owner);
        let finance = member(StaffRole::Finance);
        let invited = StaffMember { joined_at: None, ..owner.clone() };
        let ended = StaffMember { ended_at: Some(Timestamp::from_millis(3)), ..owner.clone() };
        let roll = |owners| StaffRoll { number: StaffRoll::ONLY, owners };
        assert_eq!(roll(1).after(&owner, &finance), None);
        assert_eq!(roll(1).after(&owner, &ended), None);
        assert_eq!(roll(2).after(&owner, &finance), Some(roll(1)));
        assert_eq!(roll(1).after(&finance, &owner), Some(roll(2)));
        assert_eq!(roll(0).after(&invited, &owner), Some(roll(1)));
        // Who never came may go.
        let gone = StaffMember { joined_at: None, ..ended.clone() };
        assert_eq!(roll(1).after(&invited, &gone), Some(roll(1)));
        let reset = StaffMember { password: None, ..owner.clone() };
        assert_eq!(roll(1).after(&owner, &reset), Some(roll(1)));
    }

    #[test]
    fn a_session_is_good_for_its_member_and_series_only() {
        let ada = member(StaffRole::Support);
        let noon = Timestamp::from_millis(1_000);
        let session = StaffSession {
            token: [1; 16],
            member: ada.id,
            series: 1,
            created_at: noon,
            expires_at: noon.plus(LIFETIME),
        };
        assert!(ada.holds(&session, noon));
        assert!(!ada.holds(&session, noon.plus(LIFETIME)));
        assert!(!StaffMember { series: 2, ..ada.clone() }.holds(&session, noon));
        assert!(!StaffMember { ended_at: Some(noon), ..ada.clone() }.holds(&session, noon));
        let other = StaffSession { member: Id::new(8).unwrap(), ..session };
        assert!(!ada.holds(&other, noon));
        assert!(ada.may(Power::People) && !ada.may(Power::Money));
    }
}
