//! The vendor's settings: set up once, changed by its staff.

use std::sync::Arc;

use scrip_domain::account::{Field, plausible_email};
use scrip_domain::audit::Act;
use scrip_domain::look::Look;
use scrip_domain::refund_request::MOST_DAYS;
use scrip_domain::sale::Limits;
use scrip_domain::settings::{FormerName, Settings, Vendor};
use scrip_domain::{Id, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};
use serde_json::{Value, json};

use crate::audit::{Note, Staff, difference};
use crate::catalog::{Wrong, rules};
use crate::{Engine, Outcome};

/// The most characters of what a buyer is told who pays offline.
const INSTRUCTIONS: usize = 2000;
/// The most packs that a top-up is offered in, and the most currencies beside that of the token's value.
const PACKS: usize = 20;

/// The most characters of what the front page says of the shop.
const INTRODUCTION: usize = 5000;
/// The most characters at the foot of every page.
const FOOTER: usize = 1000;

/// Why settings were not changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsRefusal {
    /// The token's code and scale are fixed once a vendor exists: amounts mean something by them.
    #[error("the token's code and scale are fixed")]
    TokenFixed,
    /// A setting is out of its bounds.
    #[error("{} must be {}", .0.field, .0.must)]
    Wrong(Wrong),
}

/// The settings were changed since they were looked at.
#[derive(Debug)]
struct Stale;

impl Engine {
    /// Sets up the vendor, or puts these settings in the place of those in force.
    pub async fn put_settings(
        &self,
        by: Staff,
        settings: Settings,
    ) -> Outcome<Arc<Vendor>, SettingsRefusal> {
        self.change_settings(by, |_| Ok(settings.clone())).await
    }

    /// Changes the settings to what `change` makes of those in force (none before the vendor is set
    /// up). It is asked again when somebody else has changed them meanwhile: no change is lost.
    pub async fn change_settings<E: From<SettingsRefusal>>(
        &self,
        by: Staff,
        change: impl Fn(Option<&Settings>) -> Result<Settings, E>,
    ) -> Outcome<Arc<Vendor>, E> {
        for _ in 0..3 {
            let old = self.store.vendor().await?;
            let settings = match change(old.as_ref().map(|old| &old.settings)) {
                Ok(settings) => settings,
                Err(refusal) => return Ok(Err(refusal)),
            };
            let settings = match checked(settings, old.as_ref().map(|old| &old.settings)) {
                Ok(settings) => settings,
                Err(refusal) => return Ok(Err(refusal.into())),
            };
            let verified = old.as_ref().is_some_and(|old| old.settings.mail.verify);
            if settings.mail.verify && !verified && !self.has_mail() {
                let wrong = rules::wrong("mail.verify", "false while this server sends no mail");
                return Ok(Err(SettingsRefusal::Wrong(wrong).into()));
            }
            // A bucket that is away is in the way of a new logo only.
            let kept = old.as_ref().is_some_and(|old| old.settings.look.logo == settings.look.logo);
            if !kept && let Err(wrong) = self.is_logo_there(&settings).await? {
                return Ok(Err(SettingsRefusal::Wrong(wrong).into()));
            }
            let id = match &old {
                Some(vendor) => vendor.id,
                None => self.mint()?,
            };
            let put = PutSettings { id, settings, old, note: self.note(by)? };
            if let Ok(vendor) = self.submit(put).await? {
                return Ok(Ok(Arc::new(vendor)));
            }
        }
        Err(Fault::Conflict)
    }

    /// Whether the logo was uploaded: what was not cannot be shown.
    async fn is_logo_there(&self, settings: &Settings) -> Result<Result<(), Wrong>, Fault> {
        let logo = settings.look.logo.as_slice();
        let there = self.uploaded(logo).await?;
        Ok(there.map_err(|wrong| Wrong { field: "look.logo.object".into(), ..wrong }))
    }
}

/// The settings as they are kept, or what cannot be.
fn checked(settings: Settings, old: Option<&Settings>) -> Result<Settings, SettingsRefusal> {
    if let Some(old) = old {
        let (old, new) = (&old.token, &settings.token);
        if (old.code, old.scale) != (new.code, new.scale) {
            return Err(SettingsRefusal::TokenFixed);
        }
    }
    let settings = bounded(settings).map_err(SettingsRefusal::Wrong)?;
    Ok(versioned(settings, old))
}

/// With the version of its credit policy: the next one when the policy is another.
fn versioned(mut settings: Settings, old: Option<&Settings>) -> Settings {
    let Some(old) = old.map(|old| &old.credit) else { return settings };
    settings.credit.version = old.version;
    if &settings.credit != old {
        settings.credit.version = old.version.saturating_add(1);
    }
    settings
}

fn bounded(mut settings: Settings) -> Result<Settings, Wrong> {
    settings.name = rules::line(&settings.name, "name", 1, 200)?;
    settings.token.name = rules::line(&settings.token.name, "token.name", 1, 100)?;
    settings.terms_version = rules::line(&settings.terms_version, "terms_version", 1, 40)?;
    let instructions =
        rules::page(&settings.offline_instructions, "offline_instructions", INSTRUCTIONS)?;
    instructions.trim().clone_into(&mut settings.offline_instructions);
    settings.look = looks(&settings.look)?;
    if settings.token.scale > 6 {
        return Err(rules::wrong("token.scale", "0 to 6"));
    }
    let value = &settings.token.unit_value;
    if value.tokens.is_zero() || value.money.amount.is_zero() {
        return Err(rules::wrong("token.unit_value", "a ratio with no zero in it"));
    }
    if settings.registration.contains(&Field::EmailVerified) {
        return Err(rules::wrong(
            "registration",
            "what registration asks for: mail.verify is another setting",
        ));
    }
    let mut fields = Vec::new();
    for field in settings.registration {
        if !fields.contains(&field) {
            fields.push(field);
        }
    }
    settings.registration = fields;
    if settings.refund_policy.days > MOST_DAYS {
        return Err(rules::wrong("refund_policy.days", format!("0 to {MOST_DAYS}")));
    }
    mailed(&mut settings)?;
    sold(&settings)?;
    Ok(settings)
}

/// What is sent by mail goes to an address.
fn mailed(settings: &mut Settings) -> Result<(), Wrong> {
    let staff = settings.mail.staff.trim();
    if !staff.is_empty() && !plausible_email(staff) {
        return Err(rules::wrong("mail.staff", "an e-mail address, or empty"));
    }
    settings.mail.staff = staff.to_owned();
    Ok(())
}

fn looks(look: &Look) -> Result<Look, Wrong> {
    let logo = rules::pictures(look.logo.as_slice());
    // The rules name it as one of several.
    let logo = logo
        .map_err(|wrong| Wrong { field: wrong.field.replace("pictures[0]", "look.logo"), ..wrong });
    Ok(Look {
        accent: look.accent,
        logo: logo?.into_iter().next(),
        tagline: rules::line(&look.tagline, "look.tagline", 0, 200)?,
        introduction: rules::page(&look.introduction, "look.introduction", INTRODUCTION)?,
        footer: rules::page(&look.footer, "look.footer", FOOTER)?.trim().to_owned(),
        language: look.language,
        time_zone: look.time_zone.clone(),
    })
}

/// The prices, packs and limits are such that tokens can be sold by them.
fn sold(settings: &Settings) -> Result<(), Wrong> {
    let most = |field: &str, count: usize| {
        let must = format!("at most {PACKS}");
        if count > PACKS { Err(rules::wrong(field, must)) } else { Ok(()) }
    };
    most("prices", settings.prices.len())?;
    most("packs", settings.packs.len())?;
    for (index, price) in settings.prices.iter().enumerate() {
        let field = |name: &str| format!("prices[{index}]{name}");
        if price.tokens.is_zero() || price.money.amount.is_zero() {
            return Err(rules::wrong(field(""), "a ratio with no zero in it"));
        }
        let currency = price.money.unit;
        // The token's own value is the first of all prices.
        let before = settings.prices().take(index.saturating_add(1));
        if before.map(|price| price.money.unit).any(|other| other == currency) {
            return Err(rules::wrong(field(".money.unit"), "a currency that has no price yet"));
        }
        if currency.as_str().len() != 3 || currency == settings.token.code {
            return Err(rules::wrong(field(".money.unit"), "a currency of ISO 4217"));
        }
    }
    let currencies: Vec<_> = settings.prices().map(|price| price.money.unit).collect();
    for (index, pack) in settings.packs.iter().enumerate() {
        let field = |name: &str| format!("packs[{index}].{name}");
        if pack.tokens.is_zero() {
            return Err(rules::wrong(field("tokens"), "more than nothing"));
        }
        if pack.pay.amount.is_zero() {
            return Err(rules::wrong(field("pay"), "more than nothing"));
        }
        if !currencies.contains(&pack.pay.unit) {
            let all: Vec<_> = currencies.iter().map(ToString::to_string).collect();
            let must = format!("a currency that tokens are sold in: {}", all.join(", "));
            return Err(rules::wrong(field("pay.unit"), must));
        }
    }
    let Limits { min, max } = settings.top_up_limits;
    if max.is_some_and(|max| max.is_zero() || min.is_some_and(|min| min > max)) {
        return Err(rules::wrong("top_up_limits.max", "above zero, and no less than the least"));
    }
    Ok(())
}

struct PutSettings {
    id: Id<Vendor>,
    settings: Settings,
    note: Note,
    /// What is to be replaced, as it was looked at.
    old: Option<Vendor>,
}

impl Command for PutSettings {
    type Receipt = Vendor;
    type Refusal = Stale;

    fn wants(&self, wants: &mut Wants) {
        wants.vendor.guard((self.id,));
    }

    fn decide(&self, books: &Books, at: Timestamp) -> Result<Decision<Vendor, Stale>, Fault> {
        let there = books.vendor.get(&(self.id,))?;
        if there != self.old.as_ref() {
            return Ok(Decision::refused(Stale));
        }
        let settings = self.settings.clone();
        let mut vendor = Vendor { id: self.id, settings, former_names: Vec::new(), imprint: None };
        let mut changes = Changes::default();
        let mut was = Value::Null;
        match there {
            Some(old) if old.settings == vendor.settings => {
                return Ok(Decision::done(old.clone(), changes));
            }
            Some(old) => {
                was = json!(old.settings);
                vendor.imprint = old.imprint;
                vendor.former_names.clone_from(&old.former_names);
                if old.settings.name != vendor.settings.name {
                    let name = old.settings.name.clone();
                    vendor.former_names.push(FormerName { name, until: at });
                }
                changes.vendor.push(Change::Update(vendor.clone()));
            }
            None => changes.vendor.push(Change::Insert(vendor.clone())),
        }
        let what = difference(&was, &json!(vendor.settings));
        self.note.write(&mut changes, Act::SettingsChanged, self.id, what, at);
        Ok(Decision::done(vendor, changes))
    }
}

#[cfg(test)]
mod tests {
    use scrip_domain::account::Field;
    use scrip_domain::catalog::Picture;
    use scrip_domain::settings::{Pack, Token, UnitValue};
    use scrip_domain::{Amount, Money, Unit};

    use super::*;

    fn yen() -> Money {
        Money { amount: Amount::new(160).unwrap(), unit: Unit::parse("JPY").unwrap() }
    }

    fn settings() -> Settings {
        let amount = |units| Amount::new(units).unwrap();
        let money = Money { amount: amount(100), unit: Unit::parse("EUR").unwrap() };
        let token = Token {
            code: Unit::parse("AUR").unwrap(),
            name: "Aurum".into(),
            scale: 2,
            unit_value: UnitValue { tokens: amount(100), money },
        };
        Settings {
            registration: vec![Field::Name, Field::Phone, Field::Name],
            packs: vec![Pack { tokens: amount(500), pay: money }],
            prices: vec![UnitValue { tokens: amount(100), money: yen() }],
            ..Settings::new(" Aurora ", token)
        }
    }

    #[test]
    fn settings_are_kept_tidy() {
        let kept = checked(settings(), None).unwrap();
        assert_eq!(kept.name, "Aurora");
        assert_eq!(kept.registration, [Field::Name, Field::Phone]);
        assert_eq!(checked(kept.clone(), Some(&kept)).unwrap(), kept);
    }

    #[test]
    fn what_is_out_of_bounds_is_named() {
        type Spoil = (&'static str, fn(&mut Settings));
        let spoil: [Spoil; 23] = [
            ("refund_policy.days", |all| all.refund_policy.days = 3651),
            ("name", |all| all.name = " ".into()),
            ("name", |all| all.name = "a\u{0}b".into()),
            ("name", |all| all.name = "a".repeat(201)),
            ("token.name", |all| all.token.name = "\n".into()),
            ("offline_instructions", |all| all.offline_instructions = "a".repeat(2001)),
            ("token.unit_value", |all| all.token.unit_value.tokens = Amount::ZERO),
            ("terms_version", |all| all.terms_version = String::new()),
            ("look.tagline", |all| all.look.tagline = "a\nb".into()),
            ("look.introduction", |all| all.look.introduction = "a".repeat(5001)),
            ("look.footer", |all| all.look.footer = "\u{7}".into()),
            ("look.logo.media_type", |all| {
                let (object, media_type) = ("0".repeat(64), "image/svg+xml".into());
                all.look.logo = Some(Picture { alt: String::new(), object, media_type });
            }),
            ("packs[0].tokens", |all| all.packs[0].tokens = Amount::ZERO),
            ("packs[0].pay", |all| all.packs[0].pay.amount = Amount::ZERO),
            ("prices[0]", |all| all.prices[0].tokens = Amount::ZERO),
            ("prices[0].money.unit", |all| all.prices[0].money.unit = Unit::parse("EUR").unwrap()),
            ("prices[0].money.unit", |all| all.prices[0].money.unit = Unit::parse("AUR").unwrap()),
            ("prices[0].money.unit", |all| all.prices[0].money.unit = Unit::parse("YENS").unwrap()),
            ("prices[1].money.unit", |all| all.prices.push(all.prices[0])),
            ("top_up_limits.max", |all| {
                all.top_up_limits = Limits { min: Amount::new(2), max: Amount::new(1) };
            }),
            ("mail.staff", |all| all.mail.staff = "staff".into()),
            ("registration", |all| all.registration.push(Field::EmailVerified)),
            ("packs[0].pay.unit", |all| all.packs[0].pay.unit = Unit::parse("USD").unwrap()),
        ];
        for (field, spoil) in spoil {
            let mut all = settings();
            spoil(&mut all);
            let refusal = checked(all, None).unwrap_err();
            let SettingsRefusal::Wrong(wrong) = refusal else { panic!("{refusal:?}") };
            assert_eq!(wrong.field, field);
        }
        let mut other = settings();
        other.token.scale = 3;
        assert_eq!(checked(other, Some(&settings())), Err(SettingsRefusal::TokenFixed));
    }
}
