//! The cart: what a browser has chosen, in a cookie of its own, so that it is kept through registration and top-up.
//!
//! `SPRING~ofr_06bq3v8k2m9zc.2-ofr_06bq3v8k2m9zd.1`: a coupon, if there is one, then offers and how many of each. It holds
//! no price and no secret.

mod page;

use std::fmt;

use scrip_domain::Id;
use scrip_domain::catalog::Offer;
use scrip_domain::coupon;
use scrip_domain::order::{MAX_LINES, MAX_UNITS};

pub use page::routes;
pub(super) use page::{Contents, Row, figures, payer};

/// What a browser has chosen: 0 to 50 offers, 0 to 100 units in all, and perhaps a coupon.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cart {
    lines: Vec<(Id<Offer>, u32)>,
    coupon: Option<String>,
}

impl Cart {
    /// Reads what [`fmt::Display`] wrote; what cannot be read, or is too much, is left out.
    pub fn read(text: &str) -> Self {
        let mut cart = Self::default();
        let (coupon, lines) = text.split_once('~').unwrap_or(("", text));
        cart.set_coupon(Some(coupon));
        for entry in lines.split('-') {
            let pair = entry.split_once('.');
            let pair = pair.and_then(|(offer, units)| offer.parse().ok().zip(units.parse().ok()));
            if let Some((offer, units)) = pair {
                cart.add(offer, units);
            }
        }
        cart
    }

    /// The offers, and how many units of each.
    pub fn lines(&self) -> &[(Id<Offer>, u32)] {
        &self.lines
    }

    /// The word of a coupon, as it is kept and compared.
    pub fn coupon(&self) -> Option<&str> {
        self.coupon.as_deref()
    }

    /// Keeps this coupon, or none; `false`, and nothing changes, when no coupon can have this word.
    pub fn set_coupon(&mut self, word: Option<&str>) -> bool {
        let word = word.map(coupon::normal);
        let fits = word.as_ref().is_none_or(|word| coupon::is_code(word));
        if fits {
            self.coupon = word;
        }
        fits
    }

    /// How many units it holds.
    pub fn units(&self) -> u32 {
        self.lines.iter().fold(0, |sum, (_, units)| sum.saturating_add(*units))
    }

    /// Adds `units` of `offer`; `false`, and nothing is added, when that is more than an order can hold.
    pub fn add(&mut self, offer: Id<Offer>, units: u32) -> bool {
        let before = self.lines.iter().find(|(of, _)| *of == offer).map_or(0, |(_, units)| *units);
        self.set(offer, before.saturating_add(units))
    }

    /// Takes `units` of `offer` out, as far as they are in it: they are bought now.
    pub fn take(&mut self, offer: Id<Offer>, units: u32) {
        if let Some((_, left)) = self.lines.iter_mut().find(|(of, _)| *of == offer) {
            *left = left.saturating_sub(units);
        }
        self.lines.retain(|(_, units)| *units > 0);
    }

    /// Makes it `units` of `offer`, none to take it out; `false`, and nothing changes, when that is more than an order
    /// can hold.
    pub fn set(&mut self, offer: Id<Offer>, units: u32) -> bool {
        let others = self.lines.iter().filter(|(of, _)| *of != offer);
        let (lines, sum) = others.fold((0_usize, units), |(lines, sum), (_, units)| {
            (lines.saturating_add(1), sum.saturating_add(*units))
        });
        if units > 0 && (lines >= MAX_LINES || sum > MAX_UNITS) {
            return false;
        }
        match self.lines.iter_mut().find(|(of, _)| *of == offer) {
            Some(_) if units == 0 => self.lines.retain(|(of, _)| *of != offer),
            Some((_, before)) => *before = units,
            None if units == 0 => {}
            None => self.lines.push((offer, units)),
        }
        true
    }
}

impl fmt::Display for Cart {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(coupon) = &self.coupon {
            write!(to, "{coupon}~")?;
        }
        for (place, (offer, units)) in self.lines.iter().enumerate() {
            let between = if place == 0 { "" } else { "-" };
            write!(to, "{between}{offer}.{units}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(n: u64) -> Id<Offer> {
        Id::new(n).unwrap()
    }

    #[test]
    fn a_cart_is_read_as_it_was_written() {
        let mut cart = Cart::default();
        assert!(cart.add(offer(1), 2) && cart.add(offer(2), 1) && cart.add(offer(1), 1));
        assert_eq!(cart.units(), 4);
        assert_eq!(Cart::read(&cart.to_string()), cart);
        assert!(cart.set(offer(1), 0));
        assert_eq!(cart.lines(), [(offer(2), 1)]);
        assert!(cart.set_coupon(Some(" spring-5 ")) && !cart.set_coupon(Some("a b")));
        assert_eq!(cart.coupon(), Some("SPRING-5"));
        assert_eq!(Cart::read(&cart.to_string()), cart);
    }

    #[test]
    fn what_was_bought_is_taken_out_as_far_as_it_is_in() {
        let mut cart = Cart::default();
        assert!(cart.add(offer(1), 3) && cart.add(offer(2), 1));
        cart.take(offer(1), 2);
        cart.take(offer(2), 9);
        cart.take(offer(3), 1);
        assert_eq!(cart.lines(), [(offer(1), 1)]);
    }

    #[test]
    fn it_holds_no_more_than_an_order() {
        let mut cart = Cart::default();
        assert!(cart.add(offer(1), MAX_UNITS));
        assert!(!cart.add(offer(1), 1) && !cart.add(offer(2), 1));
        assert_eq!(cart.units(), MAX_UNITS);
        let many = (0..60).map(|n| format!("{}.1", offer(n))).collect::<Vec<_>>().join("-");
        assert_eq!(Cart::read(&many).lines().len(), MAX_LINES);
    }

    #[test]
    fn what_is_no_cart_is_left_out() {
        for text in [
            "",
            "-",
            "x.1",
            "ofr_06bq3v8k2m9zc",
            "ofr_06bq3v8k2m9zc.-1",
            "ofr_06bq3v8k2m9zc.99999999999",
            "a b~",
        ] {
            assert_eq!(Cart::read(text), Cart::default(), "{text}");
        }
    }
}
