//! Quotes: what a selection costs, without keeping anything.

use std::collections::{BTreeMap, BTreeSet};

use scrip_domain::account::Account;
use scrip_domain::catalog::Product;
use scrip_domain::coupon::OrderCoupon;
use scrip_domain::gate::{self, Act, GateRefusal};
use scrip_domain::license::License;
use scrip_domain::order::Line;
use scrip_domain::settings::Settings;
use scrip_domain::visibility::FieldGroup;
use scrip_domain::{Amount, Id};
use scrip_storage::Fault;

use crate::coupon::Lessened;
use crate::license::extend::not_at_provider;
use crate::memory::Member;
use crate::purchase::{Priceable, Priced, PurchaseRefusal, lines_of, total_of};
use crate::selection::{Chosen, Found, Selection};
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
    /// What the asker can spend; `None` for a visitor, and for an account that permits nothing.
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
        let account = member.map(|member| member.account.id);
        let found = match self.found(selection, account).await? {
            Ok(found) => found,
            Err(line) => return Ok(Err(PurchaseRefusal::NotForSale(line))),
        };
        let sight = sight.owning(Owned::by(&found.owned, account));
        let mut priced = match self.price_now(&found).await? {
            Ok(priced) => priced,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let lessened = self.lessen_quote(selection, account, &mut priced).await?;
        let balance = sight.available;
        let choices: Vec<_> = priced.iter().map(|one| one.choice).collect();
        let seen = match seen(priced, lessened, &sight, &vendor.settings) {
            Ok(seen) => seen,
            Err(refusal) => return Ok(Err(refusal)),
        };
        if let Some(line) = selection.first_extending().filter(|_| self.provider().is_some()) {
            return Ok(Err(not_at_provider(line)));
        }
        let Priced { lines, total, coupon } = seen;
        let of = |line: usize| choices.get(line).copied().unwrap_or(line);
        Ok(match self.can_extend(account, &lines).await? {
            Ok(()) => Ok(Quote { lines, total, coupon, balance }),
            Err(PurchaseRefusal::NoSuchLicense(line)) => {
                Err(PurchaseRefusal::NoSuchLicense(of(line)))
            }
            Err(PurchaseRefusal::NotExtendable { line, why }) => {
                Err(PurchaseRefusal::NotExtendable { line: of(line), why })
            }
            Err(refusal) => Err(refusal),
        })
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

    async fn price_now(&self, found: &Found) -> Outcome<Vec<Priceable>, PurchaseRefusal> {
        let chosen = &found.chosen;
        let (mut offers, mut products) = (BTreeMap::new(), BTreeMap::new());
        let sold = |chosen: &Chosen| (chosen.offer, chosen.sold.product);
        let items = chosen.iter().flat_map(|chosen| chosen.sold.items.iter().copied());
        for (offer, product) in chosen.iter().map(sold).chain(items) {
            if let Some(row) = self.store.offer(offer).await? {
                offers.insert(offer, row);
            }
            if let Some(row) = self.store.product(product).await? {
                products.insert(product, row);
            }
        }
        // A quote is kept nowhere: its order and lines have no names.
        let count = chosen.iter().map(Chosen::lines).sum();
        let (no_order, no_line) = (Id::floor(self.now()), Id::floor(self.now()));
        let no_lines = vec![no_line; count];
        let offer = |offer| Ok(offers.get(&offer));
        let product = |product| Ok(products.get(&product));
        lines_of(chosen, no_order, &no_lines, offer, product)
    }
}

/// With what eyes somebody looks at prices.
pub(crate) struct Sight {
    standing: gate::Standing,
    /// What can be spent; none for whoever is told what a visitor is, and at a merchant, who does not know it.
    available: Option<Amount>,
    /// What stands before a price that is not shown: no account, or one that permits nothing.
    first: Option<GateRefusal>,
    /// What of the selection stays visible whatever is hidden of it.
    owned: Owned,
}

/// Products that an account owns.
#[derive(Default)]
pub(crate) struct Owned(BTreeSet<Id<Product>>);

impl Owned {
    /// Those of which `account` has one of these licenses.
    pub fn by<'a>(
        licenses: impl IntoIterator<Item = &'a License>,
        account: Option<Id<Account>>,
    ) -> Self {
        let own = licenses.into_iter().filter(|license| Some(license.account) == account);
        Self(own.map(|license| license.product).collect())
    }
}

impl Sight {
    /// The eyes of an account with what it can spend, or of a visitor.
    pub fn of(
        who: Option<(&Account, Amount)>,
        settings: &Settings,
        cheapest: Option<Amount>,
    ) -> Self {
        let first = gate::account(who.map(|(account, _)| account), settings).err();
        let available = who.map(|(_, available)| available).filter(|_| first.is_none());
        Self {
            standing: gate::standing(who, settings, cheapest),
            available,
            first,
            owned: Owned::default(),
        }
    }

    /// The same of an account that owns these.
    pub fn owning(self, owned: Owned) -> Self {
        Self { owned, ..self }
    }

    /// The eyes of an account at a merchant, or of a visitor there, where the provider says whether it is enough.
    pub fn at_merchant(account: Option<&Account>, funded: Option<bool>) -> Self {
        let first = account.is_none().then_some(GateRefusal::ConnectionRequired);
        Self {
            standing: gate::standing_at_merchant(account, funded),
            available: None,
            first,
            owned: Owned::default(),
        }
    }
}

/// What a selection costs, if the asker may see every product and price in it, and if its coupon, where it
/// has one, opens: told in this order, for the latter speaks of prices.
pub(crate) fn seen(
    priced: Vec<Priceable>,
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
    priced: Vec<Priceable>,
    sight: &Sight,
    settings: &Settings,
) -> Result<Vec<Line>, PurchaseRefusal> {
    let total = priced.iter().try_fold(Amount::ZERO, |sum, one| sum.checked_add(one.line.total()?));
    let covered = match (sight.available, total) {
        (Some(available), Some(total)) => available >= total,
        _ => false,
    };
    for covered in [true, covered] {
        let mut choices = priced.chunk_by(|one, next| one.choice == next.choice);
        if let Some(refusal) = choices.find_map(|choice| unseen(choice, covered, sight, settings)) {
            return Err(refusal);
        }
    }
    Ok(priced.into_iter().map(|one| one.line).collect())
}

/// What the asker does not see of a choice, whose lines these are. The parts of a bundle are shared by the prices of what is
/// in it, so whoever may not see all of that does not see the bundle's parts either: its price is hidden, as its page says.
fn unseen(
    choice: &[Priceable],
    covered: bool,
    sight: &Sight,
    settings: &Settings,
) -> Option<PurchaseRefusal> {
    let line = choice.first()?.choice;
    let needed = |product: &Product, group| {
        let level = product.visibility.needed(group, &settings.visibility);
        let sees = sight.owned.0.contains(&product.id) || sight.standing.sees(level, covered);
        (!sees).then_some(level)
    };
    if choice.iter().any(|one| needed(one.chosen(), FieldGroup::Product).is_some()) {
        return Some(PurchaseRefusal::NotForSale(line));
    }
    let needs = choice.iter().flat_map(|one| {
        [
            needed(one.chosen(), FieldGroup::Price),
            needed(&one.product, FieldGroup::Product),
            needed(&one.product, FieldGroup::Price),
        ]
    });
    let (needs, first) = (needs.flatten().max()?, sight.first.clone());
    Some(PurchaseRefusal::PriceHidden { line, needs, first })
}
