//! Parts of the forms of settings: amounts, choices, and lists that are typed line by line.

use maud::{Markup, Render, html};
use scrip_domain::settings::{Pack, Token, UnitValue};
use scrip_domain::{Amount, Money, Unit};

use crate::money;
use crate::pages::form::{Field, mistake};
use crate::problem::Problem;

/// A field of a form of settings.
pub fn text(
    name: &str,
    label: &str,
    kind: &str,
    value: &str,
    hint: Option<&str>,
    error: Option<&str>,
) -> Markup {
    let required = false;
    Field { name, label, kind, value, autocomplete: "off", required, hint, error }.render()
}

/// One of several, each with what it means.
pub fn choice<'a>(
    name: &str,
    legend: &str,
    chosen: &str,
    options: impl IntoIterator<Item = (&'a str, &'a str, &'a str)>,
    error: Option<&str>,
) -> Markup {
    html! {
        fieldset {
            legend { (legend) }
            @for (word, label, meaning) in options {
                label.option {
                    input type="radio" name=(name) value=(word) checked[word == chosen];
                    span { (label) " " span.small { (meaning) } }
                }
            }
            @if let Some(text) = error { (mistake(None, text)) }
        }
    }
}

/// Something that is or is not so.
pub fn tick(name: &str, label: &str, ticked: bool) -> Markup {
    html! {
        label.option { input type="checkbox" name=(name) value="yes" checked[ticked]; span { (label) } }
    }
}

/// So many tokens, as people write them; nothing when nothing was typed.
pub fn tokens(typed: &str, field: &str, token: &Token) -> Result<Option<Amount>, Problem> {
    match typed.trim() {
        "" => Ok(None),
        typed => money::typed(typed, token.scale)
            .map(Some)
            .ok_or_else(|| Problem::field(field, format!("a number of {}", token.code))),
    }
}

/// A whole number; nothing when nothing was typed.
pub fn count(typed: &str, field: &str) -> Result<Option<u32>, Problem> {
    match typed.trim() {
        "" => Ok(None),
        typed => match typed.parse() {
            Ok(count) if typed.bytes().all(|byte| byte.is_ascii_digit()) => Ok(Some(count)),
            _ => Err(Problem::field(field, "a whole number")),
        },
    }
}

/// Tokens as people write them, without their unit.
pub fn typed(tokens: Option<Amount>, token: &Token) -> String {
    tokens.map(|tokens| tokens.decimal(token.scale).to_string()).unwrap_or_default()
}

/// `100.00 = 1.00 EUR`
pub fn ratio(tokens: Amount, money: Money, token: &Token) -> String {
    let scale = money.unit.currency_scale();
    format!("{} = {} {}", tokens.decimal(token.scale), money.amount.decimal(scale), money.unit)
}

/// Reads one.
pub fn read_ratio(line: &str, token: &Token) -> Option<(Amount, Money)> {
    let (tokens, money) = line.split_once('=')?;
    let (digits, unit) = money.trim().split_once(char::is_whitespace)?;
    let unit = Unit::parse(unit.trim())?;
    let amount = money::typed(digits, unit.currency_scale())?;
    Some((money::typed(tokens, token.scale)?, Money { amount, unit }))
}

/// Reads one a line; blank lines count for nothing.
pub fn read_ratios(
    typed: &str,
    field: &str,
    token: &Token,
) -> Result<Vec<(Amount, Money)>, Problem> {
    let lines = typed.lines().filter(|line| !line.trim().is_empty());
    lines
        .enumerate()
        .map(|(place, line)| {
            read_ratio(line, token).ok_or_else(|| {
                let detail =
                    format!("line {}: write it like “100 = 1.00 EUR”", place.saturating_add(1));
                Problem::field(format!("{field}[{place}]"), detail)
            })
        })
        .collect()
}

/// Prices, one a line.
pub fn price_lines(prices: &[UnitValue], token: &Token) -> String {
    let lines = prices.iter().map(|price| ratio(price.tokens, price.money, token));
    lines.collect::<Vec<_>>().join("\n")
}

/// Packs, one a line.
pub fn pack_lines(packs: &[Pack], token: &Token) -> String {
    let lines = packs.iter().map(|pack| ratio(pack.tokens, pack.pay, token));
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token() -> Token {
        let money = Money { amount: Amount::new(100).unwrap(), unit: Unit::parse("EUR").unwrap() };
        Token {
            code: Unit::parse("AUR").unwrap(),
            name: "Aurum".into(),
            scale: 2,
            unit_value: UnitValue { tokens: Amount::new(100).unwrap(), money },
        }
    }

    #[test]
    fn ratios_are_read_as_they_are_written() {
        let token = token();
        for line in ["100.00 = 1.00 EUR", "0.01 = 160 JPY"] {
            let (tokens, money) = read_ratio(line, &token).unwrap();
            assert_eq!(ratio(tokens, money, &token), line);
        }
        assert!(read_ratio("5=1 EUR", &token).is_some());
        assert_eq!(read_ratio("2,50 = 1,05 EUR", &token), read_ratio("2.50 = 1.05 EUR", &token));
        assert_eq!(tokens(" 12,50 ", "x", &token).unwrap(), Amount::new(1250));
        for bad in ["", "5", "5 = 1", "5 = EUR", "5.001 = 1 EUR", "5 = 1.001 EUR", "5 = 1 eur"] {
            assert_eq!(read_ratio(bad, &token), None, "{bad}");
        }
        let problem = read_ratios("1 = 1 EUR\n\nx", "packs", &token).unwrap_err();
        assert_eq!(problem.errors()[0].field, "packs[1]");
        assert_eq!(problem.detail(), "line 2: write it like “100 = 1.00 EUR”");
    }

    #[test]
    fn numbers_are_whole_and_plain() {
        assert_eq!(count(" 72 ", "x").unwrap(), Some(72));
        assert_eq!(count("", "x").unwrap(), None);
        for bad in ["-1", "+1", "1.5", "x", "99999999999"] {
            assert!(count(bad, "x").is_err(), "{bad}");
        }
    }
}
