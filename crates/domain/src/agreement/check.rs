//! Whether terms can be agreed to: the same questions on both sides, each from its own.

use super::{Cycle, MAX_DAYS, NoFigures, Party, Rate, Terms, Way};
use crate::amount::Unit;

/// What is wrong with terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// Which member: a path into the terms.
    pub member: String,
    /// What it must be.
    pub must: &'static str,
}

fn flaw(member: impl Into<String>, must: &'static str) -> Flaw {
    Flaw { member: member.into(), must }
}

/// Where terms are looked at.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// The address of this server.
    pub ours: &'a str,
    /// Its token.
    pub token: Unit,
    /// The token's decimals.
    pub scale: u8,
    /// The address of the partner.
    pub theirs: &'a str,
    /// Who proposes: one of the two addresses.
    pub proposer: &'a str,
    /// The currency in which something is owed already.
    pub owed: Option<Unit>,
}

impl Terms {
    /// The first flaw, if there is one.
    pub fn check(&self, view: &View<'_>) -> Result<(), Flaw> {
        let [first, second] = &self.parties;
        let other = if view.proposer == view.ours { view.theirs } else { view.ours };
        if first.url != view.proposer {
            return Err(flaw("parties[0].url", "the address of the vendor that proposes"));
        }
        if second.url != other {
            return Err(flaw("parties[1].url", "the address of the other vendor"));
        }
        let currency = self.currency.as_str();
        if currency.len() != 3 || !currency.bytes().all(|byte| byte.is_ascii_uppercase()) {
            return Err(flaw("currency", "a currency of ISO 4217"));
        }
        if view.owed.is_some_and(|owed| owed != self.currency) {
            return Err(flaw("currency", "the one in which something is owed still"));
        }
        for (index, party) in self.parties.iter().enumerate() {
            self.check_party(party, view)
                .map_err(|(name, must)| flaw(format!("parties[{index}].{name}"), must))?;
        }
        self.check_days()?;
        if self.ways.iter().all(Option::is_none) {
            return Err(flaw("ways", "at least one direction"));
        }
        for (index, way) in self.ways.iter().enumerate() {
            let Some(way) = way else { continue };
            let issuer = if index == 0 { first } else { second };
            self.check_way(way, issuer)
                .map_err(|(name, must)| flaw(format!("ways[{index}].{name}"), must))?;
        }
        Ok(())
    }

    fn check_party(
        &self,
        party: &Party,
        view: &View<'_>,
    ) -> Result<(), (&'static str, &'static str)> {
        if party.token == self.currency {
            return Err(("token", "another unit than the currency"));
        }
        if party.url == view.ours && party.token != view.token {
            return Err(("token", "the token of this vendor"));
        }
        if party.url == view.ours && party.scale != view.scale {
            return Err(("scale", "the decimals of this vendor's token"));
        }
        if party.scale > 6 {
            return Err(("scale", "0 to 6"));
        }
        if party.tokens.is_zero() {
            return Err(("tokens", "more than nothing"));
        }
        if party.micros.is_zero() {
            return Err(("micros", "more than nothing"));
        }
        Ok(())
    }

    fn check_days(&self) -> Result<(), Flaw> {
        let is_wrong = |days: u32| !(1..=MAX_DAYS).contains(&days);
        let must = "1 to 366 days";
        match self.cycle {
            Cycle::Days { days } if is_wrong(days) => Err(flaw("cycle.days", must)),
            _ if is_wrong(self.due_days) => Err(flaw("due_days", must)),
            _ if is_wrong(self.notice_days) => Err(flaw("notice_days", must)),
            _ => Ok(()),
        }
    }

    fn check_way(&self, way: &Way, issuer: &Party) -> Result<(), (&'static str, &'static str)> {
        if way.spread_basis_points >= 10_000 {
            return Err(("spread_basis_points", "below 10000"));
        }
        if let Rate::Fixed { give, receive } = way.rate
            && (give.is_zero() || receive.is_zero())
        {
            return Err(("rate", "a ratio with no zero in it"));
        }
        if way.min.is_zero() {
            return Err(("min", "more than nothing"));
        }
        if way.max < way.min {
            return Err(("max", "not below min"));
        }
        if way.buyer_day < way.max {
            return Err(("buyer_day", "not below max"));
        }
        if way.day < way.buyer_day {
            return Err(("day", "not below buyer_day"));
        }
        let distinct = |(index, kind)| !way.lots.iter().skip(index).skip(1).any(|one| one == kind);
        let may_move = way.lots.iter().all(|kind| kind.can_be_exchanged());
        if way.lots.is_empty() || !may_move || !way.lots.iter().enumerate().all(distinct) {
            return Err(("lots", "paid, exchange, or both, each once"));
        }
        match self.figures(&issuer.url, way.min) {
            Ok(_) => {}
            Err(NoFigures::TooSmall) => return Err(("min", "so much that it buys something")),
            Err(_) => return Err(("rate", "such that the amounts stay within bounds")),
        }
        match self.figures(&issuer.url, way.max) {
            Ok(figures) if figures.compensation > way.cap => {
                Err(("cap", "at least the compensation for max"))
            }
            Ok(_) => Ok(()),
            Err(_) => Err(("max", "so little that the amounts stay within bounds")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{amount, terms, way};
    use super::*;
    use crate::lot::LotKind;

    fn view() -> View<'static> {
        let token = Unit::parse("AUR").unwrap();
        View { ours: "a", token, scale: 2, theirs: "b", proposer: "a", owed: None }
    }

    fn good() -> Terms {
        terms(Some(way(Rate::UnitValues, 100)), Some(way(Rate::UnitValues, 0)))
    }

    fn found(change: impl Fn(&mut Terms)) -> String {
        let mut terms = good();
        terms.ways.iter_mut().flatten().for_each(|way| way.cap = amount(10_000_000_000_000));
        change(&mut terms);
        terms.check(&view()).err().map(|flaw| flaw.member).unwrap_or_default()
    }

    fn first(terms: &mut Terms) -> &mut Way {
        terms.ways[0].as_mut().unwrap()
    }

    #[test]
    fn good_terms_are_good_from_both_sides() {
        assert_eq!(found(|_| {}), "");
        let mut terms = good();
        terms.ways.iter_mut().flatten().for_each(|way| way.cap = amount(10_000_000_000_000));
        let token = Unit::parse("BEL").unwrap();
        let there = View { ours: "b", token, theirs: "a", ..view() };
        assert_eq!(terms.check(&there), Ok(()));
        terms.ways[1] = None;
        assert_eq!(terms.check(&there), Ok(()));
    }

    #[test]
    fn every_member_is_held_to_its_bounds() {
        let unit = |code: &str| Unit::parse(code).unwrap();
        assert_eq!(found(|terms| terms.parties.reverse()), "parties[0].url");
        assert_eq!(found(|terms| terms.parties[1].url = "a".into()), "parties[1].url");
        assert_eq!(found(|terms| terms.parties[0].token = unit("GLD")), "parties[0].token");
        assert_eq!(found(|terms| terms.parties[0].scale = 3), "parties[0].scale");
        assert_eq!(found(|terms| terms.parties[1].scale = 7), "parties[1].scale");
        assert_eq!(found(|terms| terms.parties[1].tokens = amount(0)), "parties[1].tokens");
        assert_eq!(found(|terms| terms.parties[0].micros = amount(0)), "parties[0].micros");
        assert_eq!(found(|terms| terms.currency = unit("EURO")), "currency");
        assert_eq!(found(|terms| terms.currency = unit("E2R")), "currency");
        assert_eq!(found(|terms| terms.currency = unit("BEL")), "parties[1].token");
        for days in [0, 367] {
            assert_eq!(found(|terms| terms.cycle = Cycle::Days { days }), "cycle.days");
            assert_eq!(found(|terms| terms.due_days = days), "due_days");
            assert_eq!(found(|terms| terms.notice_days = days), "notice_days");
        }
        assert_eq!(found(|terms| terms.cycle = Cycle::Each), "");
        assert_eq!(found(|terms| terms.ways = [None, None]), "ways");
        assert_eq!(found(|terms| first(terms).spread_basis_points = 9999), "ways[0].min");
        assert_eq!(
            found(|terms| first(terms).spread_basis_points = 10_000),
            "ways[0].spread_basis_points"
        );
        for (give, receive) in [(0, 1), (1, 0)] {
            let rate = Rate::Fixed { give: amount(give), receive: amount(receive) };
            assert_eq!(found(|terms| first(terms).rate = rate), "ways[0].rate");
        }
        assert_eq!(found(|terms| first(terms).min = amount(0)), "ways[0].min");
        assert_eq!(found(|terms| first(terms).max = amount(9)), "ways[0].max");
        assert_eq!(found(|terms| first(terms).buyer_day = amount(9)), "ways[0].buyer_day");
        assert_eq!(found(|terms| first(terms).day = amount(9)), "ways[0].day");
        assert_eq!(found(|terms| first(terms).cap = amount(9)), "ways[0].cap");
        for lots in [vec![], vec![LotKind::Promo], vec![LotKind::Credit], vec![LotKind::Paid; 2]] {
            assert_eq!(found(|terms| first(terms).lots = lots.clone()), "ways[0].lots");
        }
        let owed = View { owed: Some(unit("USD")), ..view() };
        assert_eq!(good().check(&owed).unwrap_err().member, "currency");
    }
}
