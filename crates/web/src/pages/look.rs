//! The parts that pages are made of, each a function; their looks are in `style.css`, in the same order.

use std::fmt::Write;

use fast_qr::{ECL, QRBuilder};
use maud::{Markup, PreEscaped, html};
use scrip_domain::settings::Token;
use scrip_domain::{Amount, Timestamp};

use crate::language::{moment, say, t};
use crate::money::MoneyOut;

/// What a notice or badge says by its colour, besides its words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// For the reader to know.
    Info,
    /// It went well.
    Good,
    /// Something is to be done, or waited for.
    Warn,
    /// It did not go.
    Bad,
}

impl Tone {
    fn class(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Good => "good",
            Self::Warn => "warn",
            Self::Bad => "bad",
        }
    }
}

/// Something that the reader should see first.
pub fn notice(tone: Tone, text: &Markup) -> Markup {
    html! { div.notice.(tone.class()) { (text) } }
}

/// How something stands, in a word or two.
pub fn badge(tone: Tone, text: &str) -> Markup {
    html! { span.badge.(tone.class()) { (text) } }
}

/// The way through several pages, and where on it this one is.
pub fn steps(names: &[&str], here: usize) -> Markup {
    html! {
        ol.steps aria-label=(t("Steps")) {
            @for (place, name) in names.iter().enumerate() {
                li aria-current=[(place == here).then_some("step")] { (name) }
            }
        }
    }
}

/// In place of a list with nothing on it: why, and what to do next.
pub fn blank(title: &str, text: &str, next: Option<(&str, &str)>) -> Markup {
    html! {
        div.blank {
            h2 { (title) }
            p { (text) }
            @if let Some((address, name)) = next { p { a.button href=(address) { (name) } } }
        }
    }
}

/// So many tokens, and what they are worth in money: beside every token price stands its value.
pub fn price(amount: Amount, token: &Token) -> Markup {
    let value = token.unit_value.price_of(amount).filter(|_| !amount.is_zero());
    html! {
        span.price {
            @if amount.is_zero() { (t("Free")) } @else { (MoneyOut::tokens(amount, token)) }
            @if let Some(money) = value {
                // The value is rounded up: of the smallest coin most may be missing.
                @let under = money.amount.units() == 1 && token.unit_value.tokens_for(money.amount) > Some(amount);
                " " small { @if under { (say!("under {money}", money = MoneyOut::currency(money))) }
                    @else { "≈ " (MoneyOut::currency(money)) } }
            }
        }
    }
}

/// A day and time, for people and programs.
pub fn date(at: Timestamp) -> Markup {
    html! { time datetime=(at) { (moment(at)) } }
}

/// A button that copies what stands in the element with this id. It shows where a script can do so.
pub fn copy(of: &str, name: &str) -> Markup {
    html! {
        button.second.small type="button" hidden data-copies=(of) data-done=(t("Copied."))
            data-selected=(t("Selected: copy it with your keyboard.")) { (name) }
    }
}

/// What is shown this once, to be copied; its page has the script that copies.
pub fn once(secret: &str) -> Markup {
    html! {
        (notice(Tone::Warn, &html! { p { (t("Copy this now: it is not shown again.")) } }))
        p { code.big #secret { (secret) } " " (copy("secret", t("Copy"))) }
    }
}

/// A QR code (ISO 18004) as one path, dark on light in every colour scheme, since scanners want it so.
pub fn qr(text: &str, label: &str) -> Markup {
    // What is too long for the largest code is typed.
    let Ok(code) = QRBuilder::new(text).ecl(ECL::M).build() else { return Markup::default() };
    // Four squares of rest on each side.
    let side = code.size.saturating_add(8);
    let mut path = String::new();
    for (y, row) in (0..code.size).map(|y| (y, &code[y])) {
        for (x, _) in row.iter().enumerate().filter(|(_, module)| module.value()) {
            // Into a String: it cannot fail.
            let _ = write!(path, "M{} {}h1v1h-1z", x.saturating_add(4), y.saturating_add(4));
        }
    }
    html! {
        svg.qr viewBox=(format!("0 0 {side} {side}")) role="img" aria-label=(label) {
            (PreEscaped(format!("<path class=\"light\" d=\"M0 0h{side}v{side}H0z\"/><path class=\"dark\" d=\"{path}\"/>")))
        }
    }
}

/// A small drawing beside a word. It says nothing by itself, and is not read out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Icon {
    /// What is about to be bought.
    Cart,
}

/// Draws it, as large as the text that it stands in.
pub fn icon(icon: Icon) -> Markup {
    let path = match icon {
        Icon::Cart => "M3 4h2.2l2.4 11h10.2l2.2-8H6.4M9.5 19.5h.01M16.5 19.5h.01",
    };
    html! {
        svg.icon viewBox="0 0 24 24" aria-hidden="true" focusable="false" { (PreEscaped(format!("<path d=\"{path}\"/>"))) }
    }
}

#[cfg(test)]
mod tests {
    use scrip_domain::settings::UnitValue;
    use scrip_domain::{Money, Unit};

    use super::*;

    fn token(scale: u8) -> Token {
        let amount = |units| Amount::new(units).unwrap();
        let money = Money { amount: amount(100), unit: Unit::parse("EUR").unwrap() };
        let unit_value = UnitValue { tokens: amount(10_000), money };
        Token { code: Unit::parse("AUR").unwrap(), name: "Aurum".into(), scale, unit_value }
    }

    #[test]
    fn what_is_worth_less_than_the_smallest_coin_says_so() {
        let told = |units| price(Amount::new(units).unwrap(), &token(4)).into_string();
        assert!(told(1).contains("under 0.01 EUR"), "{}", told(1));
        assert!(told(100).contains("≈ 0.01 EUR"), "{}", told(100));
        assert!(told(101).contains("≈ 0.02 EUR"), "{}", told(101));
        assert!(told(0).contains("Free") && !told(0).contains("EUR"));
    }
}
