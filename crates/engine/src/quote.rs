//! Quotes: what a selection costs, without keeping anything.

use scrip_domain::account::Account;
use scrip_domain::catalog::{Product, ProductState};
use scrip_domain::coupon::OrderCoupon;
use scrip_domain::gate::{self, Act, GateRefusal};
use scrip_domain::order::Line;
use scrip_domain::settings::Settings;
use scrip_domain::visibility::{FieldGroup, Level};
use scrip_domain::{Amount, Id};
use scrip_storage::Fault;

use crate::coupon::Lessened;
use crate::memory::Member;
use crate::purchase::{Priced, PurchaseRefusal, total_of};
use crate::selection::Selection;
use crate::{Engine, Outcome};

/// What a selection costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    /// Its lines at today's prices.
    pub lines: Vec<Line>,
    /// Their sum.
    pub total: Amount,
    /// The coupon that takes something off them.
    pub coupon: Option<OrderCoupon>,
    /// What the asker can spend; `None` for a visitor.
    pub balance: Option<Amount>,
}

impl Engine {
    /// What `selection` costs now, for `member` or a visitor who asks from `source`.
    pub async fn quote(
        &self,
        member: Option<&Member>,
        selection: &Selection,
        source: &str,
    ) -> Outcome<Quote, PurchaseRefusal> {
        let account = member.map(|member| member.account.id);
        self.trying(selection, account, source, self.quote_now(member, selection)).await
    }

    async fn quote_now(
        &self,
        member: Option<&Member>,
        selection: &Selection,
    ) -> Outcome<Quote, PurchaseRefusal> {
        let vendor = self.vendor().await?;
        let cheapest = self.cheapest().await?;
        let at = self.now();
        // The gate first: whoever must register or top up learns no price before.
        let (gate, sight) = if self.provider().is_some() {
            let account = member.map(|member| member.account.as_ref());
            let funded = self.funded(member).await?;
            let gate = gate::pass_at_merchant(Act::Quote, account, funded, &vendor.settings, at);
            (gate, Sight::at_merchant(account, funded))
        } else {
            let who = member.map(|member| (member.account.as_ref(), member.available));
            let settings = &vendor.settings;
            let gate = gate::pass(Act::Quote, who, settings, cheapest, Amount::ZERO, at);
            (gate, Sight::of(who, settings, cheapest))
        };
        if let Err(shut) = gate {
            return Ok(Err(PurchaseRefusal::Gate(shut)));
        }
        let mut priced = match self.price_now(selection).await? {
            Ok(priced) => priced,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let account = member.map(|member| member.account.id);
        let lessened = self.lessen_quote(selection, account, &mut priced).await?;
        let balance = sight.available;
        Ok(seen(priced, lessened, &sight, &vendor.settings)
            .map(|Priced { lines, total, coupon }| Quote { lines, total, coupon, balance }))
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

/// With what eyes somebody looks at prices.
pub(crate) struct Sight {
    standing: gate::Standing,
    /// What can be spent; none for a visitor, and at a merchant, who does not know it.
    available: Option<Amount>,
    /// What stands before a price that is not shown: no account, or one that permits nothing.
    first: Option<GateRefusal>,
}

impl Sight {
    /// The eyes of an account with what it can spend, or of a visitor.
    pub fn of(
        who: Option<(&Account, Amount)>,
        settings: &Settings,
        cheapest: Option<Amount>,
    ) -> Self {
        Self {
            standing: gate::standing(who, settings, cheapest),
            available: who.map(|(_, available)| available),
            first: gate::account(who.map(|(account, _)| account), settings).err(),
        }
    }

    /// The same at a merchant, where the provider says whether it is enough.
    pub fn at_merchant(account: Option<&Account>, funded: Option<bool>) -> Self {
        let first = account.is_none().then_some(GateRefusal::ConnectionRequired);
        Self { standing: gate::standing_at_merchant(account, funded), available: None, first }
    }
}

/// What a selection costs, if the asker may see every product and price in it, and if its coupon, where it
/// has one, opens: told in this order, for the latter speaks of prices.
pub(crate) fn seen(
    priced: Vec<(Line, Product)>,
    lessened: Option<Lessened>,
    sight: &Sight,
    settings: &Settings,
) -> Result<Priced, PurchaseRefusal> {
    let lines = seen_prices(priced, sight, settings)?;
    let coupon = lessened.transpose()?;
    let total = total_of(&lines).ok_or(PurchaseRefusal::TooMuch)?;
    Ok(Priced { lines, total, coupon })
}

/// The lines, if the asker may see every product and price in them. `covered` means here that the
/// balance covers the whole selection: asked last, when nothing else is hidden. Otherwise the line that
/// is refused would tell whether the balance covers a sum with a hidden price in it.
fn seen_prices(
    priced: Vec<(Line, Product)>,
    sight: &Sight,
    settings: &Settings,
) -> Result<Vec<Line>, PurchaseRefusal> {
    let standing = sight.standing;
    let total =
        priced.iter().try_fold(Amount::ZERO, |sum, (line, _)| sum.checked_add(line.total()?));
    let covered = match (sight.available, total) {
        (Some(available), Some(total)) => standing != gate::Standing::Visitor && available >= total,
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
                let first = sight.first.clone();
                return Err(PurchaseRefusal::PriceHidden { line: index, needs: price, first });
            }
        }
    }
    Ok(priced.into_iter().map(|(line, _)| line).collect())
}
