//! Settings of money: what tokens are sold for, in what amounts, and to whom.

use maud::{Markup, html};
use scrip_domain::credit::Policy;
use scrip_domain::sale;
use scrip_domain::seasoning::Seasoning;
use scrip_domain::settings::{Pack, Settings, UnitValue};
use serde::Deserialize;

use super::lines::{count, pack_lines, price_lines, read_ratios, text, tick, tokens, typed};
use super::{Group, Wrong};
use crate::App;
use crate::problem::Problem;

/// What tokens cost in further currencies.
#[derive(Debug, Deserialize)]
pub struct Prices {
    prices: String,
}

impl Group for Prices {
    const WORD: &'static str = "prices";
    const TITLE: &'static str = "Prices of tokens";

    fn of(settings: &Settings) -> Self {
        Self { prices: price_lines(&settings.prices, &settings.token) }
    }

    fn on(&self, settings: &Settings) -> Result<Settings, Problem> {
        let prices = read_ratios(&self.prices, "prices", &settings.token)?;
        let prices = prices.into_iter().map(|(tokens, money)| UnitValue { tokens, money });
        Ok(Settings { prices: prices.collect(), ..settings.clone() })
    }

    fn fields(&self, _: &Settings, wrong: Wrong<'_>) -> Markup {
        let hint = "Beside the currency of the token's worth, one a line: “100 = 1.10 USD”.";
        text(
            "prices",
            "Further currencies",
            "textarea",
            &self.prices,
            Some(hint),
            wrong.with("prices"),
        )
    }

    fn is_here(app: &App) -> bool {
        app.engine.provider().is_none()
    }
}

/// Amounts offered for a top-up.
#[derive(Debug, Deserialize)]
pub struct Packs {
    packs: String,
}

impl Group for Packs {
    const WORD: &'static str = "packs";
    const TITLE: &'static str = "Packs";

    fn of(settings: &Settings) -> Self {
        Self { packs: pack_lines(&settings.packs, &settings.token) }
    }

    fn on(&self, settings: &Settings) -> Result<Settings, Problem> {
        let packs = read_ratios(&self.packs, "packs", &settings.token)?;
        let packs = packs.into_iter().map(|(tokens, pay)| Pack { tokens, pay }).collect();
        Ok(Settings { packs, ..settings.clone() })
    }

    fn fields(&self, _: &Settings, wrong: Wrong<'_>) -> Markup {
        let hint = "One a line, cheaper or dearer than the price: “1000 = 9.00 EUR”. Limits do not bind them.";
        text(
            "packs",
            "Amounts that are offered",
            "textarea",
            &self.packs,
            Some(hint),
            wrong.with("packs"),
        )
    }

    fn is_here(app: &App) -> bool {
        app.engine.provider().is_none()
    }
}

/// How much can be added at once.
#[derive(Debug, Deserialize)]
pub struct Limits {
    min: String,
    max: String,
}

impl Group for Limits {
    const WORD: &'static str = "limits";
    const TITLE: &'static str = "Limits of a top-up";

    fn of(settings: &Settings) -> Self {
        let limits = settings.top_up_limits;
        let typed = |amount| typed(amount, &settings.token);
        Self { min: typed(limits.min), max: typed(limits.max) }
    }

    fn on(&self, settings: &Settings) -> Result<Settings, Problem> {
        let read = |typed, field| tokens(typed, field, &settings.token);
        let min = read(&self.min, "top_up_limits.min")?;
        let max = read(&self.max, "top_up_limits.max")?;
        Ok(Settings { top_up_limits: sale::Limits { min, max }, ..settings.clone() })
    }

    fn fields(&self, settings: &Settings, wrong: Wrong<'_>) -> Markup {
        let code = settings.token.code;
        let (least, most) = (format!("At least, in {code}"), format!("At most, in {code}"));
        let none = Some("Nothing for no limit.");
        html! {
            (text("min", &least, "text", &self.min, none, wrong.with("top_up_limits.min")))
            (text("max", &most, "text", &self.max, none, wrong.with("top_up_limits.max")))
        }
    }

    fn is_here(app: &App) -> bool {
        app.engine.provider().is_none()
    }
}

/// How an account's credit is judged before it adds funds.
#[derive(Debug, Deserialize)]
pub struct Credit {
    review_above: String,
    decline_above: String,
    tokens_per_day: String,
    top_ups_per_day: String,
    review_younger_than_hours: String,
    fail_closed_above: String,
    ask_bureau_above: String,
    decline_on_error: Option<String>,
    review_disputed: Option<String>,
    freeze_disputed: Option<String>,
    card_hours: String,
    offline_hours: String,
    doubtful_hours: String,
}

impl Group for Credit {
    const WORD: &'static str = "credit";
    const TITLE: &'static str = "Credit policy";

    fn of(settings: &Settings) -> Self {
        let policy = &settings.credit;
        let tokens = |amount| typed(amount, &settings.token);
        let number = |count: Option<u32>| count.map(|count| count.to_string()).unwrap_or_default();
        let ticked = |so: bool| so.then(|| "yes".to_owned());
        let Seasoning { card_hours, offline_hours, doubtful_hours } = policy.seasoning;
        Self {
            review_above: tokens(policy.review_above),
            decline_above: tokens(policy.decline_above),
            tokens_per_day: tokens(policy.tokens_per_day),
            top_ups_per_day: number(policy.top_ups_per_day),
            review_younger_than_hours: number(policy.review_younger_than_hours),
            fail_closed_above: tokens(policy.fail_closed_above),
            ask_bureau_above: tokens(policy.ask_bureau_above),
            decline_on_error: ticked(policy.decline_on_error),
            review_disputed: ticked(policy.review_disputed),
            freeze_disputed: ticked(policy.freeze_disputed),
            card_hours: card_hours.to_string(),
            offline_hours: offline_hours.to_string(),
            doubtful_hours: doubtful_hours.to_string(),
        }
    }

    fn on(&self, settings: &Settings) -> Result<Settings, Problem> {
        let tokens = |typed, name: &str| tokens(typed, &format!("credit.{name}"), &settings.token);
        let hours = |typed, name: &str| {
            let field = format!("credit.{name}");
            match count(typed, &field)? {
                Some(hours) if hours > MOST_HOURS => {
                    Err(Problem::field(field, format!("at most {MOST_HOURS}")))
                }
                hours => Ok(hours),
            }
        };
        let wait = |typed, name: &str| {
            let hours = hours(typed, name)?;
            hours.ok_or_else(|| Problem::field(format!("credit.{name}"), "this is required"))
        };
        let credit = Policy {
            version: settings.credit.version,
            review_above: tokens(&self.review_above, "review_above")?,
            decline_above: tokens(&self.decline_above, "decline_above")?,
            tokens_per_day: tokens(&self.tokens_per_day, "tokens_per_day")?,
            top_ups_per_day: count(&self.top_ups_per_day, "credit.top_ups_per_day")?,
            review_younger_than_hours: hours(
                &self.review_younger_than_hours,
                "review_younger_than_hours",
            )?,
            fail_closed_above: tokens(&self.fail_closed_above, "fail_closed_above")?,
            ask_bureau_above: tokens(&self.ask_bureau_above, "ask_bureau_above")?,
            decline_on_error: self.decline_on_error.is_some(),
            review_disputed: self.review_disputed.is_some(),
            freeze_disputed: self.freeze_disputed.is_some(),
            seasoning: Seasoning {
                card_hours: wait(&self.card_hours, "card_hours")?,
                offline_hours: wait(&self.offline_hours, "offline_hours")?,
                doubtful_hours: wait(&self.doubtful_hours, "doubtful_hours")?,
            },
        };
        Ok(Settings { credit, ..settings.clone() })
    }

    fn fields(&self, settings: &Settings, wrong: Wrong<'_>) -> Markup {
        let code = settings.token.code;
        let tokens = |name: &str, what: &str, value: &str| {
            let label = format!("{what}, in {code}");
            text(name, &label, "text", value, None, wrong.with(&format!("credit.{name}")))
        };
        let number = |name: &str, label: &str, value: &str| {
            text(name, label, "text", value, None, wrong.with(&format!("credit.{name}")))
        };
        html! {
            p { "Before an account adds funds, its credit is judged by these rules, this version being the "
                (settings.credit.version) ". A limit that is left empty does not bind." }
            (tokens("review_above", "A person looks at a top-up above", &self.review_above))
            (tokens("decline_above", "A top-up is declined above", &self.decline_above))
            (tokens("tokens_per_day", "Most tokens of an account in a day", &self.tokens_per_day))
            (number("top_ups_per_day", "Most top-ups of an account in a day", &self.top_ups_per_day))
            (number("review_younger_than_hours", "A person looks while an account is younger than so many hours",
                &self.review_younger_than_hours))
            (tokens("fail_closed_above", "A person looks, where nobody answers what is known of a buyer, above",
                &self.fail_closed_above))
            (tokens("ask_bureau_above", "The external bureau is asked above", &self.ask_bureau_above))
            fieldset {
                legend { "Doubts" }
                (tick("decline_on_error", "Where nobody answers, decline instead of having a person look",
                    self.decline_on_error.is_some()))
                (tick("review_disputed", "A person looks at who has taken money back; else it is declined",
                    self.review_disputed.is_some()))
                (tick("freeze_disputed", "Freeze an account while its buyer's bank disputes a top-up",
                    self.freeze_disputed.is_some()))
            }
            fieldset {
                legend { "How many hours bought tokens wait before they can be exchanged for another vendor's" }
                (number("card_hours", "Paid by card", &self.card_hours))
                (number("offline_hours", "Paid offline", &self.offline_hours))
                (number("doubtful_hours", "Where there was a doubt, at least", &self.doubtful_hours))
            }
        }
    }

    fn is_here(app: &App) -> bool {
        app.engine.provider().is_none()
    }
}

/// The most hours that anything waits: ten years.
const MOST_HOURS: u32 = 87_600;

/// What a buyer does who pays offline.
#[derive(Debug, Deserialize)]
pub struct Offline {
    offline_instructions: String,
}

impl Group for Offline {
    const WORD: &'static str = "offline";
    const TITLE: &'static str = "Paying offline";

    fn of(settings: &Settings) -> Self {
        Self { offline_instructions: settings.offline_instructions.clone() }
    }

    fn on(&self, settings: &Settings) -> Result<Settings, Problem> {
        let offline_instructions = self.offline_instructions.clone();
        Ok(Settings { offline_instructions, ..settings.clone() })
    }

    fn fields(&self, _: &Settings, wrong: Wrong<'_>) -> Markup {
        let hint = "What a buyer does: where to transfer to, or to send a cheque. While this is empty, nobody can pay so.";
        let (name, value) = ("offline_instructions", self.offline_instructions.as_str());
        text(name, "Instructions", "textarea", value, Some(hint), wrong.with(name))
    }

    fn is_here(app: &App) -> bool {
        app.engine.provider().is_none()
    }
}
