//! What the clock does with a partner's agreements, in every command about them.
//!
//! ```text
//! accepted, heard by the proposer, its day has come ──▶ in force (the partner's row names it), the one before superseded
//! in force, its last day is over ──▶ ended
//! ```
//! One in another currency waits until nothing is owed in the former one.

use std::collections::BTreeMap;

use scrip_domain::agreement::{Agreement, AgreementState, By, Untold};
use scrip_domain::partner::Partner;
use scrip_domain::{Id, Span, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Fault, Wants};

use super::{AgreementRefusal, Known};

/// How long until it is looked again whether an agreement in another currency can come into force.
const LOOK_AGAIN: Span = Span::hours(1);

impl Known {
    pub fn want(&self, wants: &mut Wants) {
        wants.partners.guard((self.partner,));
        for agreement in &self.alive {
            wants.agreements.read((*agreement,));
        }
    }
}

/// A partner and its agreements that are alive; what has changed of them is written at the end.
pub struct Scene {
    pub partner: Partner,
    pub alive: BTreeMap<Id<Agreement>, Agreement>,
    before: (Partner, BTreeMap<Id<Agreement>, Agreement>),
    at: Timestamp,
}

impl Scene {
    /// What is known, as it is now; with everything booked that is due.
    pub fn set(
        books: &Books,
        known: &Known,
        at: Timestamp,
    ) -> Result<Result<Self, AgreementRefusal>, Fault> {
        let Some(partner) = books.partners.get(&(known.partner,))? else {
            return Ok(Err(AgreementRefusal::NoSuchPartner));
        };
        if partner.version != known.version {
            return Ok(Err(AgreementRefusal::Stale));
        }
        let mut alive = BTreeMap::new();
        for id in &known.alive {
            let lost = || Fault::Bug("an agreement is gone".into());
            let agreement = books.agreements.get(&(*id,))?.ok_or_else(lost)?;
            alive.insert(*id, agreement.clone());
        }
        let before = (partner.clone(), alive.clone());
        let mut scene = Self { partner: partner.clone(), alive, before, at };
        scene.advance();
        Ok(Ok(scene))
    }

    /// Books what is due, and says of each when something is due next.
    pub fn advance(&mut self) {
        self.end();
        self.begin();
        let (partner, at) = (&self.partner, self.at);
        for agreement in self.alive.values_mut() {
            let is_in_force = partner.agreement == Some(agreement.id);
            let clock = match agreement.state {
                AgreementState::Accepted if is_in_force => agreement.ends_at,
                AgreementState::Accepted if agreement.untold == Some(Untold::Acceptance) => None,
                AgreementState::Accepted => agreement
                    .effective_at
                    .map(|day| if day > at { day } else { at.plus(LOOK_AGAIN) }),
                _ => None,
            };
            agreement.due_at = match (agreement.untold, agreement.due_at) {
                (Some(_), Some(due)) => Some(clock.map_or(due, |clock| clock.min(due))),
                (Some(_), None) => Some(at),
                (None, _) => clock,
            };
            if agreement.untold.is_none() {
                agreement.attempts = 0;
            }
        }
    }

    fn end(&mut self) {
        let at = self.at;
        let is_over = |agreement: &&mut Agreement| {
            agreement.state == AgreementState::Accepted
                && agreement.ends_at.is_some_and(|ends_at| ends_at <= at)
        };
        for agreement in self.alive.values_mut().filter(is_over) {
            agreement.state = AgreementState::Ended;
            if self.partner.agreement == Some(agreement.id) {
                self.partner.agreement = None;
            }
        }
    }

    fn begin(&mut self) {
        let (at, partner) = (self.at, &mut self.partner);
        let in_force = partner.agreement;
        let may_settle_in = |agreement: &Agreement, partner: &Partner| {
            partner.is_even() || partner.currency == Some(agreement.terms.currency)
        };
        let begins = |agreement: &&Agreement| {
            agreement.state == AgreementState::Accepted
                && in_force != Some(agreement.id)
                && agreement.untold != Some(Untold::Acceptance)
                && agreement.effective_at.is_some_and(|day| day <= at)
                && may_settle_in(agreement, partner)
        };
        let Some((id, currency)) = self
            .alive
            .values()
            .filter(begins)
            .max_by_key(|agreement| agreement.version)
            .map(|agreement| (agreement.id, agreement.terms.currency))
        else {
            return;
        };
        if let Some(former) = in_force.and_then(|former| self.alive.get_mut(&former)) {
            former.state = AgreementState::Superseded;
            former.untold = None;
        }
        // The first cycle begins with the first agreement.
        let counters = [partner.payable, partner.receivable];
        if counters.iter().all(|both| both.debits == 0 && both.credits == 0) && partner.cycle == 1 {
            partner.cycle_began_at = at;
        }
        partner.agreement = Some(id);
        partner.currency = Some(currency);
    }

    /// The agreement that waits for its day, if there is one.
    pub fn waits(&self) -> bool {
        let in_force = self.partner.agreement;
        self.alive.values().any(|agreement| {
            agreement.state == AgreementState::Accepted && in_force != Some(agreement.id)
        })
    }

    /// The agreement in force.
    pub fn in_force(&self) -> Option<&Agreement> {
        self.partner.agreement.and_then(|id| self.alive.get(&id))
    }

    /// The open proposals of one side.
    pub fn open_by(&mut self, by: By) -> impl Iterator<Item = &mut Agreement> {
        self.alive.values_mut().filter(move |agreement| {
            agreement.state == AgreementState::Proposed && agreement.proposed_by == by
        })
    }

    /// One of those that are alive.
    pub fn agreement(&mut self, id: Id<Agreement>) -> Result<&mut Agreement, AgreementRefusal> {
        self.alive.get_mut(&id).ok_or(AgreementRefusal::NoSuchAgreement)
    }

    /// The partner is to be told this of an agreement, from now on.
    pub fn tell(&mut self, id: Id<Agreement>, untold: Untold) {
        let at = self.at;
        if let Some(agreement) = self.alive.get_mut(&id) {
            agreement.untold = Some(untold);
            agreement.attempts = 0;
            agreement.due_at = Some(at);
        }
    }

    /// Writes what has changed.
    pub fn close(mut self, changes: &mut Changes) {
        self.advance();
        let (partner, alive) = self.before;
        if partner != self.partner {
            changes.partners.push(Change::Update(self.partner));
        }
        for (id, agreement) in self.alive {
            match alive.get(&id) {
                None => changes.agreements.push(Change::Insert(agreement)),
                Some(before) if *before != agreement => {
                    changes.agreements.push(Change::Update(agreement));
                }
                Some(_) => {}
            }
        }
    }
}

/// The days of notice in force: none before the first agreement.
pub fn notice(scene: &Scene) -> Span {
    scene.in_force().map_or(Span::days(0), |agreement| Span::days(agreement.terms.notice_days))
}

#[cfg(test)]
pub(super) mod tests {
    use scrip_domain::agreement::{Cycle, Party, Rate, Terms, Way};
    use scrip_domain::ledger::Counters;
    use scrip_domain::lot::LotKind;
    use scrip_domain::{Amount, Unit};

    use super::*;

    const NOON: Timestamp = Timestamp::from_millis(1_795_348_800_000);

    fn day(number: u32) -> Timestamp {
        NOON.plus(Span::days(number))
    }

    fn terms(currency: &str) -> Terms {
        let amount = |units| Amount::new(units).unwrap();
        let party = |url: &str, token: &str| Party {
            url: url.into(),
            token: Unit::parse(token).unwrap(),
            scale: 2,
            tokens: amount(100),
            micros: amount(1_000_000),
        };
        let way = Way {
            rate: Rate::UnitValues,
            spread_basis_points: 0,
            min: amount(1),
            max: amount(1000),
            buyer_day: amount(1000),
            day: amount(1000),
            cap: amount(1_000_000_000),
            lots: vec![LotKind::Paid],
        };
        Terms {
            parties: [party("a", "AUR"), party("b", "BEL")],
            currency: Unit::parse(currency).unwrap(),
            ways: [Some(way), None],
            cycle: Cycle::Each,
            due_days: 14,
            notice_days: 7,
        }
    }

    fn agreement(number: u32, from: Timestamp) -> Agreement {
        Agreement {
            id: Id::new(u64::from(number)).unwrap(),
            partner: Id::new(1).unwrap(),
            version: number,
            proposed_by: By::Us,
            state: AgreementState::Accepted,
            terms: terms("EUR"),
            proposal: "p".into(),
            digest: [7; 32],
            acceptance: Some("a".into()),
            proposed_at: NOON,
            decided_at: Some(NOON),
            effective_at: Some(from),
            ends_at: None,
            untold: None,
            due_at: None,
            attempts: 0,
        }
    }

    fn scene(agreements: &[Agreement], at: Timestamp) -> Scene {
        let partner = Partner::entered(Id::new(1).unwrap(), "b".into(), "B".into(), NOON);
        let partner = Partner { version: 9, ..partner };
        let alive: BTreeMap<_, _> = agreements.iter().map(|one| (one.id, one.clone())).collect();
        let before = (partner.clone(), alive.clone());
        Scene { partner, alive, before, at }
    }

    fn in_force(scene: &Scene) -> Option<u64> {
        scene.partner.agreement.map(Id::number)
    }

    #[test]
    fn the_clock_brings_an_agreement_into_force_and_the_next_one_in_its_place() {
        let mut now = scene(&[agreement(1, NOON), agreement(2, day(7))], NOON);
        now.advance();
        assert_eq!(in_force(&now), Some(1));
        assert!(now.waits());
        assert_eq!(now.alive[&Id::new(2).unwrap()].due_at, Some(day(7)));
        now.at = day(7);
        now.advance();
        assert_eq!((in_force(&now), now.waits()), (Some(2), false));
        let former = &now.alive[&Id::new(1).unwrap()];
        assert_eq!((former.state, former.due_at), (AgreementState::Superseded, None));
    }

    #[test]
    fn what_the_proposer_has_not_heard_does_not_hold() {
        let untold = Agreement { untold: Some(Untold::Acceptance), ..agreement(1, NOON) };
        let mut now = scene(&[untold], day(1));
        now.advance();
        assert_eq!((in_force(&now), now.waits()), (None, true));
        assert_eq!(now.alive[&Id::new(1).unwrap()].due_at, Some(day(1)));
    }

    #[test]
    fn an_agreement_ends_on_its_day_though_the_partner_does_not_answer() {
        let ending = Agreement {
            ends_at: Some(day(7)),
            untold: Some(Untold::End),
            due_at: Some(day(30)),
            attempts: 9,
            ..agreement(1, NOON)
        };
        let mut now = scene(&[ending], day(6));
        now.advance();
        assert_eq!(in_force(&now), Some(1));
        assert_eq!(now.alive[&Id::new(1).unwrap()].due_at, Some(day(7)), "before it is told again");
        now.at = day(7);
        now.advance();
        assert_eq!(in_force(&now), None);
        let ended = &now.alive[&Id::new(1).unwrap()];
        assert_eq!((ended.state, ended.untold), (AgreementState::Ended, Some(Untold::End)));
    }

    #[test]
    fn another_currency_waits_until_nothing_is_owed() {
        let other = Agreement { terms: terms("USD"), ..agreement(2, day(7)) };
        let mut now = scene(&[agreement(1, NOON), other], NOON);
        now.advance();
        now.partner.payable = Counters { debits: 0, credits: 5 };
        now.at = day(8);
        now.advance();
        assert_eq!(in_force(&now), Some(1));
        assert_eq!(now.alive[&Id::new(2).unwrap()].due_at, Some(day(8).plus(LOOK_AGAIN)));
        now.partner.payable = Counters { debits: 5, credits: 5 };
        now.advance();
        assert_eq!((in_force(&now), now.partner.currency), (Some(2), Unit::parse("USD")));
    }
}
