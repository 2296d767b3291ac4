//! The master secret belongs to its shop: short codes that were sold, the secrets of webhooks and of second factors, and
//! the names by which merchants know buyers are made with it. With another one all of them would be others, in silence.

use scrip_domain::settings::Vendor;
use scrip_domain::{Id, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};

use crate::{Engine, Outcome};

/// The master secret at hand is not that of this shop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OtherSecret;

impl Engine {
    /// Whether the master secret is that of this shop. The first one that a shop is served with is.
    pub async fn hold_imprint(&self) -> Outcome<(), OtherSecret> {
        let Some(vendor) = self.store.vendor().await? else { return Ok(Ok(())) };
        let imprint = self.keys().imprint();
        match vendor.imprint {
            Some(there) if there == imprint => Ok(Ok(())),
            Some(_) => Ok(Err(OtherSecret)),
            None => self.submit(Imprint { vendor: vendor.id, imprint }).await,
        }
    }
}

/// Keeps the imprint of the first secret.
struct Imprint {
    vendor: Id<Vendor>,
    imprint: [u8; 16],
}

impl Command for Imprint {
    type Receipt = ();
    type Refusal = OtherSecret;

    fn wants(&self, wants: &mut Wants) {
        wants.vendor.guard((self.vendor,));
    }

    fn decide(&self, books: &Books, _: Timestamp) -> Result<Decision<(), OtherSecret>, Fault> {
        let Some(vendor) = books.vendor.get(&(self.vendor,))? else {
            return Err(Fault::Bug("the vendor is gone".into()));
        };
        let mut changes = Changes::default();
        match vendor.imprint {
            Some(there) if there == self.imprint => {}
            Some(_) => return Ok(Decision::refused(OtherSecret)),
            None => {
                let imprint = Some(self.imprint);
                changes.vendor.push(Change::Update(Vendor { imprint, ..vendor.clone() }));
            }
        }
        Ok(Decision::done((), changes))
    }
}
