//! Rows of the staff.

use scrip_domain::factor::Factor;
use scrip_domain::staff::{StaffLogin, StaffMember, StaffRole, StaffRoll, StaffSession};
use scrip_storage::books::Change;
use scrip_storage::{Changes, Fault};

use super::{FIRST, LAST, compare, factor, last, same, text};
use crate::commands::{change, id, look};
use crate::home::Running;

/// A member with everything that a member can have.
pub fn member() -> StaffMember {
    StaffMember {
        id: last(),
        email: text(),
        name: text(),
        role: StaffRole::Owner,
        password: Some(text()),
        invitation: Some([0xff; 16]),
        invited_until: Some(LAST),
        series: u32::MAX,
        factor: factor(),
        created_at: FIRST,
        joined_at: Some(FIRST),
        ended_at: Some(LAST),
    }
}

/// Every row of the staff.
pub async fn all(store: &Running) {
    let whole = member();
    let bare = StaffMember {
        role: StaffRole::ReadOnly,
        password: None,
        invitation: None,
        invited_until: None,
        series: 0,
        factor: Factor::default(),
        joined_at: None,
        ended_at: None,
        ..whole.clone()
    };
    round_trips!(store, staff(id): whole.clone() => bare.clone(),
        other StaffMember { id: id(0), ..bare.clone() });
    let login = StaffLogin { email: text(), member: last() };
    round_trips!(store, staff_logins(email): login.clone() => StaffLogin { member: id(0), ..login.clone() },
        other StaffLogin { email: String::new(), ..login.clone() });
    let session = StaffSession {
        token: [0xff; 16],
        member: last(),
        series: u32::MAX,
        created_at: FIRST,
        expires_at: LAST,
    };
    round_trips!(store, staff_sessions(token): session.clone() =>
        StaffSession { series: 0, expires_at: FIRST, ..session.clone() },
        other StaffSession { token: [0; 16], ..session.clone() });
    let roll = StaffRoll { number: 255, owners: u32::MAX };
    round_trips!(store, staff_roll(number): roll => StaffRoll { owners: 0, ..roll },
        other StaffRoll { number: 0, ..roll });
}
