//! Quotes: what a selection costs, without keeping anything.

use scrip_domain::account::Account;
use scrip_domain::catalog::{Product, ProductState};
use scrip_domain::gate::{self, Act};
use scrip_domain::order::Line;
use scrip_domain::settings::Settings;
use scrip_domain::visibility::{FieldGroup, Level};
use scrip_domain::{Amount, Id};
use scrip_storage::Fault;

use crate::memory::Member;
use crate::purchase::{PurchaseRefusal, total_of};
use crate::selection::Selection;
use crate::{Engine, Outcome};

/// What a selection costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    /// Its lines at today's prices.
    pub lines: Vec<Line>,
    /// Their sum.
    pub total: Amount,
    /// What the asker can spend; `None` for a visitor.
    pub balance: Option<Amount>,
}

impl Engine {
    /// What `selection` costs now, for `member` or a visitor.
    pub async fn quote(
        &self,
        member: Option<&Member>,
        selection: &Selection,
    ) -> Outcome<Quote, PurchaseRefusal> {
        let vendor = self.vendor().await?;
        let cheapest = self.cheapest().await?;
        let who = member.map(|member| (member.account.as_ref(), member.available));
        let at = self.now();
        // The gate first: whoever must register or top up learns no price before.
        if let Err(shut) = gate::pass(Act::Quote, who, &vendor.settings, cheapest, Amount::ZERO, at)
        {
            return Ok(Err(PurchaseRefusal::Gate(shut)));
        }
        let priced = match self.price_now(selection).await? {
            Ok(priced) => priced,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let lines = match seen_prices(priced, who, &vendor.settings, cheapest) {
            Ok(lines) => lines,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let Some(total) = total_of(&lines) else { return Ok(Err(PurchaseRefusal::TooMuch)) };
        Ok(Ok(Quote { lines, total, balance: who.map(|(_, available)| available) }))
    }

    /// The lowest current price above zero.
    pub async fn cheapest(&self) -> Result<Option<Amount>, Fault> {
        let now = self.now();
        if let Some(cheapest) = self.memory.cheapest(now) {
            return Ok(cheapest);
        }
        let epoch = self.memory.epoch();
        let cheapest = self.store.cheapest_offer().await?;
        self.memory.remember_cheapest(cheapest, epoch);
        Ok(cheapest)
    }

    async fn price_now(
        &self,
        selection: &Selection,
    ) -> Outcome<Vec<(Line, Product)>, PurchaseRefusal> {
        let mut priced = Vec::with_capacity(selection.choices().len());
        for (index, choice) in selection.choices().iter().enumerate() {
            let offer = self.store.offer(choice.offer).await?.filter(|offer| offer.current);
            let Some(offer) = offer else { return Ok(Err(PurchaseRefusal::NotForSale(index))) };
            let product = self.store.product(offer.product).await?;
            let on_sale = product.filter(|product| product.state == ProductState::Published);
            let Some(product) = on_sale else { return Ok(Err(PurchaseRefusal::NotForSale(index))) };
            // A quote is kept nowhere: its order and lines have no names.
            let (no_order, no_line) = (Id::floor(self.now()), Id::floor(self.now()));
            let line =
                crate::purchase::line_of(no_order, no_line, &offer, &product, choice.quantity);
            priced.push((line, product));
        }
        Ok(Ok(priced))
    }
}

/// The lines, if the asker may see every product and price in them. `covered` means here that the
/// balance covers the whole selection: asked last, when nothing else is hidden. Otherwise the line that
/// is refused would tell whether the balance covers a sum with a hidden price in it.
pub(crate) fn seen_prices(
    priced: Vec<(Line, Product)>,
    who: Option<(&Account, Amount)>,
    settings: &Settings,
    cheapest: Option<Amount>,
) -> Result<Vec<Line>, PurchaseRefusal> {
    let standing = gate::standing(who, settings, cheapest);
    let total =
        priced.iter().try_fold(Amount::ZERO, |sum, (line, _)| sum.checked_add(line.total()?));
    let covered = match (who, total) {
        (Some((_, available)), Some(total)) => {
            standing != gate::Standing::Visitor && available >= total
        }
        _ => false,
    };
    for covered in [true, covered] {
        let sees = |level: Level| standing.sees(level, covered);
        for (index, (_, product)) in priced.iter().enumerate() {
            let needs = |group| product.visibility.needed(group, &settings.visibility);
            if !sees(needs(FieldGroup::Product)) {
                return Err(PurchaseRefusal::NotForSale(index));
            }
            let price = needs(FieldGroup::Price);
            if !sees(price) {
                let first = gate::account(who.map(|(account, _)| account), settings).err();
                return Err(PurchaseRefusal::PriceHidden { line: index, needs: price, first });
            }
        }
    }
    Ok(priced.into_iter().map(|(line, _)| line).collect())
}
