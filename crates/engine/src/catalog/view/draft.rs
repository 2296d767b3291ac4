//! A product as somebody at another level would see it, for the staff that decides on its visibility.

use scrip_domain::Amount;
use scrip_domain::estimate::Pace;
use scrip_domain::gate::Standing;
use scrip_domain::settings::Flow;
use scrip_domain::visibility::Level;

use super::{Shown, Viewer};
use crate::{Engine, Fault};

impl Engine {
    /// The product at `slug` as one at `level` would see it if it were published now, through the very function by which the
    /// shop shows it; `None` when there is none, or none that they see.
    pub async fn preview_product(&self, slug: &str, level: Level) -> Result<Option<Shown>, Fault> {
        let vendor = self.vendor().await?;
        if level == Level::Visitor && vendor.settings.flow == Flow::MembersOnly {
            return Ok(None);
        }
        let Some(product) = self.store.product_by_slug(slug).await? else { return Ok(None) };
        let parts = self.parts_if_published(product).await?;
        let (standing, available) = match level {
            Level::Visitor => (Standing::Visitor, None),
            Level::Member => (Standing::Member, Some(Amount::ZERO)),
            Level::Funded => (Standing::Funded, Some(Amount::ZERO)),
            // A balance that covers a product need not reach the threshold.
            Level::Covered => (Standing::Member, Some(parts.product.cheapest.unwrap_or_default())),
        };
        let viewer = Viewer { standing, available, owns: false };
        // The staff reads what it wrote first.
        let language = vendor.settings.look.language;
        let contents = self.contents(&parts, &viewer, None, &vendor, language).await?;
        let pace = Pace::best(None, None);
        let shown = Shown { parts: parts.into(), viewer, language, vendor, contents, pace };
        Ok(shown.view().is_some().then_some(shown))
    }
}
