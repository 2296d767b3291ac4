//! The terms of an agreement: in words for who reads them, and as a form for who proposes them.
//!
//! A field is called as the member of the terms that it fills, so that what is wrong with the one is said at the other.

use maud::{Markup, html};
use scrip_domain::agreement::{Cycle, Figures, Party, Rate, Terms, Way};
use scrip_domain::lot::LotKind;
use scrip_domain::partner::{MICRO_SCALE, Partner};
use scrip_domain::settings::{Settings, Token};
use scrip_domain::{Amount, Unit};

use super::parts::{fine_of, trimmed};
use crate::money::MoneyOut;
use crate::pages::admin::entry::{Entry, Sent};
use crate::pages::exchange::{hundredths, rate};
use crate::problem::Problem;

/// What the terms say, seen from `ours`.
pub fn words(terms: &Terms, ours: &str, partner: &Partner) -> Markup {
    let (name, currency) = (&partner.name, terms.currency);
    html! {
        h2 { "What tokens are worth" }
        ul { @for party in &terms.parties { li { (worth(party, currency)) } } }
        h2 { "Your tokens at " bdi { (name) } }
        (way_words(terms, ours, "Your tokens buy nothing there."))
        h2 { "Tokens of " bdi { (name) } " here" }
        (way_words(terms, &partner.url, "Its tokens buy nothing here."))
        h2 { "How you settle" }
        dl.facts {
            dt { "In" } dd { (currency) }
            dt { "What is settled at once" } dd {
                @match terms.cycle {
                    Cycle::Each => { "every exchange by itself" }
                    Cycle::Days { days } => { "what was exchanged in " (days) " days" }
                }
            }
            dt { "To be paid" } dd { "within " (terms.due_days) " days after both have agreed on the sum" }
            dt { "Notice" } dd { (terms.notice_days) " days before a change or an end" }
        }
    }
}

fn worth(party: &Party, currency: Unit) -> String {
    let tokens = MoneyOut::scaled(party.tokens, party.token, party.scale);
    format!("{tokens} {} worth {}", plural(party), fine_of(party.micros, currency))
}

fn plural(party: &Party) -> &'static str {
    let one = 10_u64.checked_pow(party.scale.into());
    if one == Some(party.tokens.units()) { "is" } else { "are" }
}

fn way_words(terms: &Terms, issuer: &str, nothing: &str) -> Markup {
    let Some((way, from, to)) = terms.way(issuer) else { return html! { p { (nothing) } } };
    let tokens = |amount| MoneyOut::scaled(amount, from.token, from.scale);
    let figures: Option<Figures> = terms.figures(issuer, way.min).ok();
    let example = figures.and_then(|figures| rate(&figures, from, to));
    html! {
        dl.facts {
            @if let Some((one, becomes)) = example {
                dt { "Rate" } dd { (one) " become " (becomes)
                    @match way.rate {
                        Rate::UnitValues => { ", by what both are worth" }
                        Rate::Fixed { .. } => { ", fixed" }
                    }
                }
            }
            dt { "The buyer receives less by" } dd { (hundredths(way.spread_basis_points)) " %" }
            dt { "At once" } dd { (tokens(way.min)) " to " (tokens(way.max)) }
            dt { "In a day (UTC)" } dd { "one buyer at most " (tokens(way.buyer_day)) ", all together " (tokens(way.day)) }
            dt { "The issuer may owe" } dd { "at most " (fine_of(way.cap, terms.currency)) }
            dt { "What may move" } dd { (lots(&way.lots)) }
        }
    }
}

fn lots(kinds: &[LotKind]) -> String {
    let name = |kind: &LotKind| match kind {
        LotKind::Paid => "tokens that were bought",
        LotKind::Exchange => "tokens that came by exchange",
        _ => "others",
    };
    kinds.iter().map(name).collect::<Vec<_>>().join(", ")
}

/// The two directions, as fields are called.
const WAYS: [&str; 2] = ["ways[0]", "ways[1]"];

/// What the form begins with: the terms before, or what suits this shop.
pub fn prefilled(before: Option<&Terms>, ours: &str, settings: &Settings) -> Entry {
    let mut typed = Entry::default();
    let currency = before.map_or(settings.token.unit_value.money.unit, |terms| terms.currency);
    typed.put("currency", currency);
    let side = |terms: &Terms, index: usize| {
        let ours_first = terms.parties.first().is_some_and(|party| party.url == ours);
        // Who proposes now is the first.
        if ours_first { index } else { 1_usize.saturating_sub(index) }
    };
    for index in [0, 1] {
        let party = before.and_then(|terms| terms.parties.get(side(terms, index)));
        put_party(&mut typed, index, party, currency);
        let way = before.map(|terms| terms.ways.get(side(terms, index)).and_then(Option::as_ref));
        let other =
            before.and_then(|terms| terms.parties.get(side(terms, 1_usize.saturating_sub(index))));
        put_way(&mut typed, index, way, (party, other), (currency, settings.token.scale));
    }
    if before.is_none() {
        let one = settings.token.unit_value.price_of(one_token(settings.token.scale));
        let micros = one.and_then(|money| micros_of(money.amount, money.unit));
        typed.put("parties[0].micros", trimmed(micros.unwrap_or_default(), currency));
    }
    let (kind, days) = match before.map(|terms| terms.cycle) {
        Some(Cycle::Each) => ("each", 30),
        Some(Cycle::Days { days }) => ("days", days),
        None => ("days", 30),
    };
    typed.put("cycle", kind);
    typed.put("cycle.days", days);
    typed.put("due_days", before.map_or(14, |terms| terms.due_days));
    typed.put("notice_days", before.map_or(14, |terms| terms.notice_days));
    typed
}

/// One token, in its smallest units.
fn one_token(scale: u8) -> Amount {
    10_u64.checked_pow(scale.into()).and_then(Amount::new).unwrap_or_default()
}

/// An amount of money in millionths.
fn micros_of(amount: Amount, unit: Unit) -> Option<Amount> {
    let zeros = MICRO_SCALE.checked_sub(unit.currency_scale())?;
    amount.checked_mul(10_u64.checked_pow(zeros.into())?)
}

fn put_party(typed: &mut Entry, index: usize, party: Option<&Party>, currency: Unit) {
    let name = |member: &str| format!("parties[{index}].{member}");
    typed.put(name("scale"), party.map_or(2, |party| party.scale));
    let Some(party) = party else { return };
    typed.put(name("token"), party.token);
    // What one token is worth, as far as millionths can say it.
    let one = party.micros.share(one_token(party.scale).units(), party.tokens.units());
    typed.put(name("micros"), trimmed(one.unwrap_or(party.micros), currency));
}

fn put_way(
    typed: &mut Entry,
    index: usize,
    before: Option<Option<&Way>>,
    (party, other): (Option<&Party>, Option<&Party>),
    (currency, scale): (Unit, u8),
) {
    let name = |member: &str| format!("ways[{index}].{member}");
    let scale = party.map_or(scale, |party| party.scale);
    typed.put(name("rate"), "unit_values");
    let Some(way) = before else {
        // A first proposal: small sums, both ways.
        typed.put(format!("ways[{index}]"), "on");
        for (member, value) in [
            ("spread_basis_points", "0"),
            ("min", "1"),
            ("max", "100"),
            ("buyer_day", "200"),
            ("day", "1000"),
            ("cap", "1000"),
            ("lots.paid", "on"),
        ] {
            typed.put(name(member), value);
        }
        return;
    };
    let Some(way) = way else { return };
    typed.put(format!("ways[{index}]"), "on");
    if let (Rate::Fixed { give, receive }, Some(other)) = (way.rate, other) {
        typed.put(name("rate"), "fixed");
        typed.put(name("rate.give"), give.decimal(scale));
        typed.put(name("rate.receive"), receive.decimal(other.scale));
    }
    typed.put(name("spread_basis_points"), hundredths(way.spread_basis_points));
    for (member, amount) in
        [("min", way.min), ("max", way.max), ("buyer_day", way.buyer_day), ("day", way.day)]
    {
        typed.put(name(member), amount.decimal(scale));
    }
    typed.put(name("cap"), trimmed(way.cap, currency));
    for kind in &way.lots {
        typed.put(name(&format!("lots.{kind}")), "on");
    }
}

/// What the form says, between the servers at these addresses: ours first.
pub fn read(typed: &Entry, [ours, theirs]: [&str; 2], token: &Token) -> Result<Terms, Problem> {
    let currency = typed.currency("currency")?;
    let first = Party {
        url: ours.to_owned(),
        token: token.code,
        scale: token.scale,
        tokens: one_token(token.scale),
        micros: typed.amount("parties[0].micros", MICRO_SCALE)?,
    };
    let code = typed.get("parties[1].token").to_ascii_uppercase();
    let unknown = || Problem::field("parties[1].token", "the code of a token, such as BEL");
    let scale = typed.whole("parties[1].scale")?;
    let scale = u8::try_from(scale).ok().filter(|scale| *scale <= 6);
    let scale = scale.ok_or_else(|| Problem::field("parties[1].scale", "0 to 6"))?;
    let second = Party {
        url: theirs.to_owned(),
        token: Unit::parse(&code).ok_or_else(unknown)?,
        scale,
        tokens: one_token(scale),
        micros: typed.amount("parties[1].micros", MICRO_SCALE)?,
    };
    let cycle = match typed.get("cycle") {
        "each" => Cycle::Each,
        "days" => Cycle::Days { days: typed.whole("cycle.days")? },
        _ => return Err(Problem::field("cycle", "choose one")),
    };
    let [there, back] = WAYS;
    Ok(Terms {
        ways: [
            read_way(typed, there, (first.scale, second.scale))?,
            read_way(typed, back, (second.scale, first.scale))?,
        ],
        parties: [first, second],
        currency,
        cycle,
        due_days: typed.whole("due_days")?,
        notice_days: typed.whole("notice_days")?,
    })
}

/// One direction, in tokens with so many decimals: of who gives, of who receives.
fn read_way(typed: &Entry, way: &str, (scale, to_scale): (u8, u8)) -> Result<Option<Way>, Problem> {
    if !typed.has(way) {
        return Ok(None);
    }
    let name = |member: &str| format!("{way}.{member}");
    let rate = match typed.get(&name("rate")) {
        "unit_values" => Rate::UnitValues,
        "fixed" => Rate::Fixed {
            give: typed.amount(&name("rate.give"), scale)?,
            receive: typed.amount(&name("rate.receive"), to_scale)?,
        },
        _ => return Err(Problem::field(name("rate"), "choose one")),
    };
    let spread = typed.amount(&name("spread_basis_points"), 2)?;
    let spread = u32::try_from(spread.units()).ok();
    let too_much = || Problem::field(name("spread_basis_points"), "below 100");
    let lots = [LotKind::Paid, LotKind::Exchange]
        .into_iter()
        .filter(|kind| typed.has(&name(&format!("lots.{kind}"))))
        .collect();
    let amount = |member: &str| typed.amount(&name(member), scale);
    Ok(Some(Way {
        rate,
        spread_basis_points: spread.ok_or_else(too_much)?,
        min: amount("min")?,
        max: amount("max")?,
        buyer_day: amount("buyer_day")?,
        day: amount("day")?,
        cap: typed.amount(&name("cap"), MICRO_SCALE)?,
        lots,
    }))
}

/// The form's fields.
pub fn fields(sent: Sent<'_>, settings: &Settings, partner: &Partner) -> Markup {
    let token = &settings.token;
    let mine = format!("One {} is worth", token.code);
    let ours = format!("What your {} buy at {}", token.code, partner.name);
    let back = format!("What tokens of {} buy here", partner.name);
    let whose = |way: &str| {
        let code = sent.value("parties[1].token").to_ascii_uppercase();
        let theirs = if code.is_empty() { "its tokens".to_owned() } else { code };
        if way == "ways[0]" { token.code.to_string() } else { theirs }
    };
    let [there, here] = WAYS;
    html! {
        h2 { "What tokens are worth" }
        p { "What you owe each other is reckoned by this, and by nothing else." }
        div.fields-beside {
            (sent.field("currency", "Currency in which you settle", Some("Such as EUR.")))
            (sent.field("parties[0].micros", &mine, Some("In that currency; up to six decimals.")))
            (sent.field("parties[1].token", "Code of its token", Some("Such as BEL.")))
            (sent.field("parties[1].scale", "Decimals of its token", None))
            (sent.field("parties[1].micros", "One token of its is worth", Some("In the same currency.")))
        }
        (way_fields(sent, there, &ours, &whose(there)))
        (way_fields(sent, here, &back, &whose(here)))
        h2 { "How you settle" }
        (sent.group("cycle", "What is settled at once", &html! {
            (sent.choice("cycle", "days", "What was exchanged in a number of days"))
            (sent.choice("cycle", "each", "Every exchange by itself"))
        }))
        div.fields-beside {
            (sent.optional("cycle.days", "Days of a cycle", None))
            (sent.field("due_days", "Days to pay", Some("After both have agreed on the sum.")))
            (sent.field("notice_days", "Days of notice", Some("Before a change or an end.")))
        }
    }
}

/// The fields of one direction, in which tokens called `token` are given.
fn way_fields(sent: Sent<'_>, way: &'static str, title: &str, token: &str) -> Markup {
    let name = |member: &str| format!("{way}.{member}");
    let text = |member: &str, label: &str, hint: Option<&str>| {
        let name = name(member);
        html! { (sent.optional(&name, label, hint)) }
    };
    let given = format!("In {token}.");
    html! {
        h2 { bdi { (title) } }
        (sent.group(way, "This direction", &sent.tick(way, "Buyers can exchange in this direction")))
        (sent.group(&name("rate"), "Rate", &html! {
            (sent.choice(&name("rate"), "unit_values", "By what both tokens are worth"))
            (sent.choice(&name("rate"), "fixed", "Fixed: so many given become so many received"))
        }))
        div.fields-beside {
            (text("rate.give", "Given", Some("Of a fixed rate only.")))
            (text("rate.receive", "Received", Some("Of a fixed rate only.")))
            (text("spread_basis_points", "Buyers receive less by", Some("In percent. What you owe stays the same.")))
            (text("min", "At least at once", Some(&given)))
            (text("max", "At most at once", Some(&given)))
            (text("buyer_day", "One buyer, in a day", Some(&given)))
            (text("day", "All buyers, in a day", Some(&given)))
            (text("cap", "Most that may be owed", Some("In the currency: exchanges stop there until it is settled.")))
        }
        (sent.group(&name("lots"), "What may move", &html! {
            (sent.tick(&name("lots.paid"), "Tokens that were bought"))
            (sent.tick(&name("lots.exchange"), "Tokens that came by exchange"))
        }))
    }
}
