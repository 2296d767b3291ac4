//! Settings of the shop itself: its name, the way to an order, who sees what.

use maud::{Markup, html};
use scrip_domain::account::Field as Asked;
use scrip_domain::settings::{self, SecondFactor, Settings};
use scrip_domain::visibility::{self, FieldGroup, Level};
use serde::Deserialize;

use super::lines::{choice, ratio, read_ratio, text, tick, tokens, typed};
use super::{Group, Wrong};
use crate::App;
use crate::pages::admin::parts::{group_name, level_name, table};
use crate::pages::form::mistake;
use crate::problem::Problem;

/// The vendor's name, and the token's name and worth.
#[derive(Debug, Deserialize)]
pub struct Called {
    name: String,
    token_name: String,
    worth: String,
}

impl Group for Called {
    const WORD: &'static str = "name";
    const TITLE: &'static str = "Name and token";

    fn of(settings: &Settings) -> Self {
        let token = &settings.token;
        let worth = ratio(token.unit_value.tokens, token.unit_value.money, token);
        Self { name: settings.name.clone(), token_name: token.name.clone(), worth }
    }

    fn on(&self, settings: &Settings) -> Result<Settings, Problem> {
        let example = "write it like “100 = 1.00 EUR”";
        let (tokens, money) = read_ratio(&self.worth, &settings.token)
            .ok_or_else(|| Problem::field("token.unit_value", example))?;
        let mut settings = settings.clone();
        settings.name.clone_from(&self.name);
        settings.token.name.clone_from(&self.token_name);
        settings.token.unit_value = settings::UnitValue { tokens, money };
        Ok(settings)
    }

    fn fields(&self, settings: &Settings, wrong: Wrong<'_>) -> Markup {
        let fixed = format!(
            "Amounts are in {} with {} decimals; both are fixed from the start on.",
            settings.token.code, settings.token.scale
        );
        let name = "As buyers see it. What was sold under an earlier name goes on saying so.";
        let worth =
            "So many tokens = so much money: what top-ups cost, and what prices show beside them.";
        html! {
            (text("name", "Name of the shop", "text", &self.name, Some(name), wrong.with("name")))
            (text("token_name", "Name of the token", "text", &self.token_name, Some(&fixed), wrong.with("token.name")))
            (text("worth", "What it is worth", "text", &self.worth, Some(worth), wrong.with("token.unit_value")))
        }
    }
}

/// The way from visitor to order.
#[derive(Debug, Deserialize)]
pub struct Flow {
    flow: String,
}

impl Group for Flow {
    const WORD: &'static str = "flow";
    const TITLE: &'static str = "The way to an order";

    fn of(settings: &Settings) -> Self {
        Self { flow: settings.flow.as_str().to_owned() }
    }

    fn on(&self, settings: &Settings) -> Result<Settings, Problem> {
        let flow = settings::Flow::parse(&self.flow);
        let flow = flow.ok_or_else(|| Problem::field("flow", "choose one"))?;
        Ok(Settings { flow, ..settings.clone() })
    }

    fn fields(&self, _: &Settings, wrong: Wrong<'_>) -> Markup {
        let options = settings::Flow::ALL.iter().map(|flow| {
            let (label, meaning) = match flow {
                settings::Flow::RegisterFirst => (
                    "Register first",
                    "Buyers open an account and add tokens up to the threshold, and select then.",
                ),
                settings::Flow::BrowseFirst => (
                    "Browse first",
                    "Anybody looks around and selects; an account is asked for when it comes to the order.",
                ),
                settings::Flow::MembersOnly => (
                    "Members only",
                    "Without an account nothing is shown of what is sold.",
                ),
            };
            (flow.as_str(), label, meaning)
        });
        choice("flow", "What comes first?", &self.flow, options, wrong.with("flow"))
    }
}

/// The balance that opens ordering.
#[derive(Debug, Deserialize)]
pub struct Threshold {
    policy: String,
    #[serde(default)]
    amount: String,
}

impl Group for Threshold {
    const WORD: &'static str = "threshold";
    const TITLE: &'static str = "Threshold";

    fn of(settings: &Settings) -> Self {
        match settings.threshold {
            settings::Threshold::Fixed { amount } => {
                Self { policy: "fixed".into(), amount: typed(Some(amount), &settings.token) }
            }
            settings::Threshold::CheapestOffer => {
                Self { policy: "cheapest_offer".into(), amount: String::new() }
            }
        }
    }

    fn on(&self, settings: &Settings) -> Result<Settings, Problem> {
        let threshold = match self.policy.as_str() {
            "cheapest_offer" => settings::Threshold::CheapestOffer,
            "fixed" => {
                let amount = tokens(&self.amount, "threshold.amount", &settings.token)?;
                let missing = || Problem::field("threshold.amount", "this is required");
                settings::Threshold::Fixed { amount: amount.ok_or_else(missing)? }
            }
            _ => return Err(Problem::field("threshold.policy", "choose one")),
        };
        Ok(Settings { threshold, ..settings.clone() })
    }

    fn fields(&self, settings: &Settings, wrong: Wrong<'_>) -> Markup {
        let options = [
            ("cheapest_offer", "The cheapest offer", "Whoever can pay for something may order."),
            (
                "fixed",
                "An amount",
                "At least so many tokens, and never less than the cheapest offer costs.",
            ),
        ];
        let label = format!("Amount, in {}", settings.token.code);
        html! {
            (choice("policy", "From which balance on is a buyer funded?", &self.policy, options, wrong.with("threshold.policy")))
            (text("amount", &label, "text", &self.amount, Some("Only for “An amount”."), wrong.with("threshold.amount")))
        }
    }
}

/// Who sees what of products that do not say otherwise: a field for each group of a product's fields.
#[derive(Debug, Deserialize)]
pub struct Visibility {
    product: String,
    price: String,
    description: String,
    pictures: String,
    files: String,
    release_notes: String,
}

impl Visibility {
    fn get(&self, group: FieldGroup) -> &str {
        match group {
            FieldGroup::Product => &self.product,
            FieldGroup::Price => &self.price,
            FieldGroup::Description => &self.description,
            FieldGroup::Pictures => &self.pictures,
            FieldGroup::Files => &self.files,
            FieldGroup::ReleaseNotes => &self.release_notes,
        }
    }

    fn read(&self, group: FieldGroup) -> Result<Option<Level>, Problem> {
        let level = Level::parse(self.get(group));
        let wrong = || Problem::field(format!("visibility.{group}"), "choose one");
        // What everybody sees needs no setting.
        level.ok_or_else(wrong).map(|level| Some(level).filter(|level| *level != Level::Visitor))
    }
}

impl Group for Visibility {
    const WORD: &'static str = "visibility";
    const TITLE: &'static str = "Who sees what";

    fn of(settings: &Settings) -> Self {
        let level = |group| {
            let level = settings.visibility.get(group).unwrap_or(Level::Visitor);
            level.as_str().to_owned()
        };
        Self {
            product: level(FieldGroup::Product),
            price: level(FieldGroup::Price),
            description: level(FieldGroup::Description),
            pictures: level(FieldGroup::Pictures),
            files: level(FieldGroup::Files),
            release_notes: level(FieldGroup::ReleaseNotes),
        }
    }

    fn on(&self, settings: &Settings) -> Result<Settings, Problem> {
        let visibility = visibility::Visibility {
            product: self.read(FieldGroup::Product)?,
            price: self.read(FieldGroup::Price)?,
            description: self.read(FieldGroup::Description)?,
            pictures: self.read(FieldGroup::Pictures)?,
            files: self.read(FieldGroup::Files)?,
            release_notes: self.read(FieldGroup::ReleaseNotes)?,
        };
        Ok(Settings { visibility, ..settings.clone() })
    }

    fn fields(&self, _: &Settings, wrong: Wrong<'_>) -> Markup {
        let levels = Level::ALL.iter().map(|level| level_name(*level));
        let head: Vec<_> = std::iter::once("Part").chain(levels).collect();
        html! {
            p { "Who must a buyer be, to see this part of a product? A product may say otherwise for itself." }
            (table(&head, &html! {
                @for group in FieldGroup::ALL {
                    tr {
                        th scope="row" {
                            (group_name(*group))
                            @if let Some(text) = wrong.with(&format!("visibility.{group}")) { (mistake(None, text)) }
                        }
                        @for level in Level::ALL {
                            td {
                                input type="radio" name=(group) value=(level) checked[self.get(*group) == level.as_str()]
                                    aria-label={ (group_name(*group)) ": " (level_name(*level)) };
                            }
                        }
                    }
                }
            }))
        }
    }
}

/// What registration requires besides e-mail and password.
#[derive(Debug, Deserialize)]
pub struct Registration {
    name: Option<String>,
    address: Option<String>,
    phone: Option<String>,
    payment_method: Option<String>,
}

impl Registration {
    const fn has(&self, field: Asked) -> bool {
        match field {
            Asked::Name => self.name.is_some(),
            Asked::Address => self.address.is_some(),
            Asked::Phone => self.phone.is_some(),
            Asked::PaymentMethod => self.payment_method.is_some(),
            // That is set with the mail.
            Asked::EmailVerified => false,
        }
    }
}

impl Group for Registration {
    const WORD: &'static str = "registration";
    const TITLE: &'static str = "Registration";

    fn of(settings: &Settings) -> Self {
        let asked = |field| settings.registration.contains(&field).then(|| "yes".to_owned());
        Self {
            name: asked(Asked::Name),
            address: asked(Asked::Address),
            phone: asked(Asked::Phone),
            payment_method: asked(Asked::PaymentMethod),
        }
    }

    fn on(&self, settings: &Settings) -> Result<Settings, Problem> {
        let registration = Asked::ALL.iter().copied().filter(|field| self.has(*field)).collect();
        Ok(Settings { registration, ..settings.clone() })
    }

    fn fields(&self, _: &Settings, wrong: Wrong<'_>) -> Markup {
        html! {
            fieldset {
                legend { "What must be told, besides e-mail and password?" }
                @for (field, name) in [
                    (Asked::Name, "Name"),
                    (Asked::Address, "Postal address"),
                    (Asked::Phone, "Telephone"),
                    (Asked::PaymentMethod, "A card to pay with"),
                ] {
                    (tick(field.as_str(), name, self.has(field)))
                }
                p.hint { "Accounts that lack something cannot order until they tell it." }
                @if let Some(text) = wrong.with("registration") { (mistake(None, text)) }
            }
        }
    }

    fn is_here(app: &App) -> bool {
        app.engine.provider().is_none()
    }
}

/// The version of the terms that a confirmation accepts.
#[derive(Debug, Deserialize)]
pub struct Terms {
    terms_version: String,
}

impl Group for Terms {
    const WORD: &'static str = "terms";
    const TITLE: &'static str = "Terms of business";

    fn of(settings: &Settings) -> Self {
        Self { terms_version: settings.terms_version.clone() }
    }

    fn on(&self, settings: &Settings) -> Result<Settings, Problem> {
        Ok(Settings { terms_version: self.terms_version.clone(), ..settings.clone() })
    }

    fn fields(&self, _: &Settings, wrong: Wrong<'_>) -> Markup {
        let hint = "Whoever confirms an order accepts this version, and the order says which.";
        text(
            "terms_version",
            "Version",
            "text",
            &self.terms_version,
            Some(hint),
            wrong.with("terms_version"),
        )
    }
}

/// Whether staff sign in with a second factor.
#[derive(Debug, Deserialize)]
pub struct Staff {
    second_factor: String,
}

impl Group for Staff {
    const WORD: &'static str = "staff";
    const TITLE: &'static str = "Signing in here";

    fn of(settings: &Settings) -> Self {
        Self { second_factor: settings.second_factor.as_str().to_owned() }
    }

    fn on(&self, settings: &Settings) -> Result<Settings, Problem> {
        let second_factor = SecondFactor::parse(&self.second_factor);
        let second_factor =
            second_factor.ok_or_else(|| Problem::field("second_factor", "choose one"))?;
        Ok(Settings { second_factor, ..settings.clone() })
    }

    fn fields(&self, _: &Settings, wrong: Wrong<'_>) -> Markup {
        let options = [
            (
                "optional",
                "As each likes",
                "The password is enough for who has set up no authenticator.",
            ),
            (
                "required",
                "All of the staff",
                "Who has no second factor sets one up before anything else, you too.",
            ),
        ];
        choice(
            "second_factor",
            "Who needs a second factor?",
            &self.second_factor,
            options,
            wrong.with("second_factor"),
        )
    }
}
