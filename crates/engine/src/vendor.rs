//! The vendor's settings: set up once, changed by its staff.

use std::sync::Arc;

use scrip_domain::audit::Act;
use scrip_domain::settings::{FormerName, Settings, Vendor};
use scrip_domain::{Id, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};

use serde_json::{Value, json};

use crate::audit::{Note, Staff, difference};
use crate::{Engine, Outcome};

/// Why settings were not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettingsRefusal {
    /// The token's code and scale are fixed once a vendor exists: amounts mean something by them.
    TokenFixed,
    /// The token's scale is 0 to 6, and its unit value has no zero in it.
    TokenOutOfRange,
}

impl Engine {
    /// Sets up the vendor, or changes its settings.
    pub async fn put_settings(
        &self,
        by: Staff,
        settings: Settings,
    ) -> Outcome<Arc<Vendor>, SettingsRefusal> {
        let value = &settings.token.unit_value;
        if settings.token.scale > 6 || value.tokens.is_zero() || value.money.amount.is_zero() {
            return Ok(Err(SettingsRefusal::TokenOutOfRange));
        }
        let id = match self.store.vendor().await? {
            Some(vendor) => vendor.id,
            None => self.mint()?,
        };
        let command = PutSettings { id, settings, note: self.note(by)? };
        Ok(self.submit(command).await?.map(Arc::new))
    }
}

struct PutSettings {
    id: Id<Vendor>,
    settings: Settings,
    note: Note,
}

impl Command for PutSettings {
    type Receipt = Vendor;
    type Refusal = SettingsRefusal;

    fn wants(&self, wants: &mut Wants) {
        wants.vendor.guard((self.id,));
    }

    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<Vendor, SettingsRefusal>, Fault> {
        let (id, settings) = (self.id, self.settings.clone());
        let mut vendor = Vendor { id, settings, former_names: Vec::new() };
        let mut changes = Changes::default();
        let mut was = Value::Null;
        match books.vendor.get(&(id,))? {
            Some(old) if old.settings == vendor.settings => {
                return Ok(Decision::done(old.clone(), changes));
            }
            Some(old) => {
                was = json!(old.settings);
                let (had, has) = (&old.settings.token, &vendor.settings.token);
                if (had.code, had.scale) != (has.code, has.scale) {
                    return Ok(Decision::refused(SettingsRefusal::TokenFixed));
                }
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
        self.note.write(&mut changes, Act::SettingsChanged, id, what, at);
        Ok(Decision::done(vendor, changes))
    }
}
