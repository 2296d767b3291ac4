//! Reads of the staff.

use scrip_domain::Span;
use scrip_domain::audit::{Act, Actor, Audit};
use scrip_domain::request::RequestId;
use scrip_domain::staff::{StaffLogin, StaffMember, StaffRoll, StaffSession};
use scrip_storage::Wants;
use scrip_storage::books::Change;
use scrip_storage::reads::Page;

use crate::commands::{id, look, write};
use crate::home::{Home, NOON};
use crate::rows::staff::member;

const PAGE: Page = Page { after: None, limit: 10 };

pub async fn nobody_works_in_an_empty_database(home: &Home) {
    let store = home.start().await;
    assert_eq!(store.staff_member(id(1)).await.unwrap(), None);
    assert_eq!(store.staff_by_invitation([0; 16]).await.unwrap(), None);
    assert_eq!(store.staff_login("").await.unwrap(), None);
    assert_eq!(store.staff_session([0; 16]).await.unwrap(), None);
    assert_eq!(store.staff(PAGE).await.unwrap(), []);
    assert_eq!(store.staff_sessions_of(id(1), 5).await.unwrap(), []);
    assert_eq!(store.audit_of("", PAGE).await.unwrap(), []);
    let roll = StaffRoll { number: StaffRoll::ONLY, owners: 0 };
    let only = (StaffRoll::ONLY,);
    let wants = move |wants: &mut Wants| wants.staff_roll.guard(only);
    let counted = look(wants, move |books| Ok(books.staff_roll.get(&only)?.copied()));
    assert_eq!(store.submit(counted).await.unwrap(), Ok(Some(roll)));
}

pub async fn staff_are_found_by_address_invitation_and_token(home: &Home) {
    let store = home.start().await;
    let fill = write(|changes| {
        for number in 1..=3_u8 {
            let row = StaffMember {
                id: id(number.into()),
                invitation: (number > 1).then_some([number; 16]),
                invited_until: (number > 1).then_some(NOON),
                ..member()
            };
            let login = StaffLogin { email: format!("{number}@x.example"), member: row.id };
            changes.staff_logins.push(Change::Insert(login));
            let session = |place: u8| StaffSession {
                token: [number * 10 + place; 16],
                member: row.id,
                series: 0,
                created_at: NOON,
                expires_at: NOON.plus(Span::minutes(place.into())),
            };
            changes.staff_sessions.push(Change::Insert(session(2)));
            changes.staff_sessions.push(Change::Insert(session(1)));
            changes.staff.push(Change::Insert(row));
        }
        for number in 1..=4_u64 {
            changes.audit.push(Change::Insert(Audit {
                id: id(number),
                actor: Actor::Staff(id(1)),
                act: Act::StaffInvited,
                subject: format!("stf_{}", number % 2),
                changes: serde_json::json!({}),
                request: RequestId::NONE,
                at: NOON,
            }));
        }
    });
    store.submit(fill).await.unwrap().unwrap();
    let numbers =
        |rows: Vec<StaffMember>| rows.iter().map(|row| row.id.number()).collect::<Vec<_>>();
    assert_eq!(numbers(store.staff(PAGE).await.unwrap()), [3, 2, 1]);
    assert_eq!(numbers(store.staff(Page { after: Some(3), limit: 1 }).await.unwrap()), [2]);
    let invited = store.staff_by_invitation([2; 16]).await.unwrap().unwrap();
    assert_eq!(invited.id, id(2));
    assert_eq!(store.staff_by_invitation([1; 16]).await.unwrap(), None);
    assert_eq!(store.staff_login("3@x.example").await.unwrap().unwrap().member, id(3));
    assert_eq!(store.staff_member(id(3)).await.unwrap().unwrap().invitation, Some([3; 16]));
    assert_eq!(store.staff_session([31; 16]).await.unwrap().unwrap().member, id(3));
    let of = store.staff_sessions_of(id(2), 5).await.unwrap();
    assert_eq!(of.iter().map(|one| one.token[0]).collect::<Vec<_>>(), [21, 22]);
    assert_eq!(store.staff_sessions_of(id(2), 1).await.unwrap().len(), 1);
    let acts = |rows: Vec<Audit>| rows.iter().map(|row| row.id.number()).collect::<Vec<_>>();
    assert_eq!(acts(store.audit_of("stf_1", PAGE).await.unwrap()), [3, 1]);
    assert_eq!(
        acts(store.audit_of("stf_0", Page { after: Some(4), limit: 5 }).await.unwrap()),
        [2]
    );
    store.stop().await.unwrap();
}
