//! The vendor's settings: set up once, changed by its staff.

use std::sync::Arc;

use scrip_domain::settings::{Settings, Vendor};
use scrip_domain::{Id, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};

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
    pub async fn put_settings(&self, settings: Settings) -> Outcome<Arc<Vendor>, SettingsRefusal> {
        let value = &settings.token.unit_value;
        if settings.token.scale > 6 || value.tokens.is_zero() || value.money.amount.is_zero() {
            return Ok(Err(SettingsRefusal::TokenOutOfRange));
        }
        let id = match self.store.vendor().await? {
            Some(vendor) => vendor.id,
            None => self.mint()?,
        };
        Ok(self.submit(PutSettings(Vendor { id, settings })).await?.map(Arc::new))
    }
}

struct PutSettings(Vendor);

impl Command for PutSettings {
    type Receipt = Vendor;
    type Refusal = SettingsRefusal;

    fn wants(&self, wants: &mut Wants) {
        wants.vendor.guard((self.0.id,));
    }

    fn decide(
        &self,
        books: &Books,
        _: Timestamp,
    ) -> Result<Decision<Vendor, SettingsRefusal>, Fault> {
        let key: (Id<Vendor>,) = (self.0.id,);
        let mut changes = Changes::default();
        match books.vendor.get(&key)? {
            Some(old) => {
                let (old, new) = (&old.settings.token, &self.0.settings.token);
                if (old.code, old.scale) != (new.code, new.scale) {
                    return Ok(Decision::refused(SettingsRefusal::TokenFixed));
                }
                changes.vendor.push(Change::Update(self.0.clone()));
            }
            None => changes.vendor.push(Change::Insert(self.0.clone())),
        }
        Ok(Decision::done(self.0.clone(), changes))
    }
}
