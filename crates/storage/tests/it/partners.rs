//! What is read about partners, agreements and links.

use scrip_domain::Timestamp;
use scrip_domain::agreement::{Agreement, AgreementState};
use scrip_domain::connection::ReturnCode;
use scrip_domain::link::{Link, LinkRequest, LinkState, PartnerSubject};
use scrip_domain::partner::{Partner, Suspended};
use scrip_storage::books::Change;
use scrip_storage::reads::Page;

use crate::commands::{account, id, write};
use crate::home::{Home, NOON};
use crate::rows::partners::{agreement, link, link_request, partner};

const PAGE: Page = Page { after: None, limit: 10 };

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

pub async fn what_partners_are_to_be_told_is_found_by_when_it_is_due(home: &Home) {
    let store = home.start().await;
    let fill = write(|changes| {
        for number in 1..=5 {
            let row = Partner {
                agreement: (number != 2).then(|| id(10)),
                suspended: (number == 3).then_some(Suspended::Staff),
                suspended_there: number == 4,
                due_at: (number != 5).then(|| at(i64::try_from(60 - 10 * number).unwrap())),
                ..partner(number)
            };
            changes.partners.push(Change::Insert(row));
        }
        let states = [AgreementState::Ended, AgreementState::Accepted, AgreementState::Proposed];
        for (number, state) in (1..).zip(states) {
            let row = Agreement {
                version: u32::try_from(number).unwrap(),
                state,
                due_at: Some(at(i64::try_from(10 * number).unwrap())),
                ..agreement(number, 1)
            };
            changes.agreements.push(Change::Insert(row));
        }
        changes.agreements.push(Change::Insert(agreement(4, 2)));
    });
    store.submit(fill).await.unwrap().unwrap();
    let numbers = |rows: Vec<Partner>| rows.iter().map(|row| row.id.number()).collect::<Vec<_>>();
    assert_eq!(numbers(store.open_partners(PAGE).await.unwrap()), [5, 1]);
    assert_eq!(numbers(store.partners(PAGE).await.unwrap()), [5, 4, 3, 2, 1]);
    let due = store.partners_due(at(40), 2).await.unwrap();
    assert_eq!(numbers(due), [4, 3], "the longest due first");
    let named = store.partner_by_url("https://3.example").await.unwrap().unwrap();
    assert_eq!(Some(named), store.partner(id(3)).await.unwrap());
    let numbers = |rows: Vec<Agreement>| rows.iter().map(|row| row.id.number()).collect::<Vec<_>>();
    assert_eq!(numbers(store.agreements_alive(id(1)).await.unwrap()), [3, 2]);
    assert_eq!(numbers(store.agreements_of(id(1), 2).await.unwrap()), [3, 2]);
    assert_eq!(numbers(store.agreements(PAGE).await.unwrap()), [4, 3, 2, 1]);
    let due = store.agreements_due(at(20), 10).await.unwrap();
    assert_eq!(numbers(due), [1, 2]);
    let known = agreement(4, 2);
    assert_eq!(store.agreement_by_digest(known.digest).await.unwrap(), Some(known));
    store.stop().await.unwrap();
}

pub async fn links_are_found_by_whose_they_are_and_by_what_opens_them(home: &Home) {
    let store = home.start().await;
    let code = ReturnCode { hash: [7; 32], until: NOON };
    let request = LinkRequest { code: Some(code), account: Some(account(7)), ..link_request(1, 1) };
    let rows = [request.clone(), link_request(2, 1), link_request(3, 2)];
    let fill = write(move |changes| {
        for (owner, partner, due) in [(7, 1, Some(20)), (7, 2, None), (8, 1, Some(10))] {
            let row = Link {
                state: LinkState::Ended,
                subject: Some("s".into()),
                due_at: due.map(at),
                ..link(owner, partner)
            };
            changes.links.push(Change::Insert(row));
        }
        changes.link_requests.extend(rows.clone().map(Change::Insert));
        for (partner, owner) in [(2, 7), (1, 7), (1, 8)] {
            let (partner, account) = (id(partner), account(owner));
            let subject = [u8::try_from(owner).unwrap(); 16];
            let row = PartnerSubject { partner, subject, account, at: NOON };
            changes.partner_subjects.push(Change::Insert(row));
        }
    });
    store.submit(fill).await.unwrap().unwrap();
    let numbers = |rows: Vec<Link>| rows.iter().map(|row| row.id.number()).collect::<Vec<_>>();
    assert_eq!(numbers(store.links_of(account(7)).await.unwrap()), [701, 702]);
    assert_eq!(numbers(store.links_due(at(20), 9).await.unwrap()), [801, 701]);
    assert_eq!(store.link(account(8), id(2)).await.unwrap(), None);
    assert_eq!(numbers(store.links_to(id(1), "s").await.unwrap()), [701, 801]);
    assert_eq!(numbers(store.links_to(id(2), "s").await.unwrap()), [702]);
    assert_eq!(numbers(store.links_to(id(2), "t").await.unwrap()), [0_u64; 0]);
    assert_eq!(store.link(account(8), id(1)).await.unwrap().unwrap().id, id(801));
    assert_eq!(store.link_request_by_code([7; 32]).await.unwrap(), Some(request));
    let second = link_request(2, 1);
    let found = store.link_request_by_reference(second.reference).await.unwrap();
    assert_eq!(found, Some(second.clone()));
    assert_eq!(store.link_request_of(id(1), id(2)).await.unwrap(), Some(second));
    assert_eq!(store.link_request_of(id(2), id(2)).await.unwrap(), None);
    let known = store.partner_subjects_of(account(7)).await.unwrap();
    assert_eq!(known.iter().map(|row| row.partner.number()).collect::<Vec<_>>(), [1, 2]);
    assert!(store.partner_subject(id(1), [8; 16]).await.unwrap().is_some());
    assert!(store.partner_subject(id(2), [8; 16]).await.unwrap().is_none());
    store.stop().await.unwrap();
}
