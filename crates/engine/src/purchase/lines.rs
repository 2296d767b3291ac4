//! From choices to lines with prices, and what of them an account cannot buy once more.

use std::collections::BTreeSet;

use scrip_domain::account::Account;
use scrip_domain::bundle;
use scrip_domain::catalog::{Offer, Product, ProductKind, ProductState};
use scrip_domain::coupon::OrderCoupon;
use scrip_domain::extension::NotExtendable;
use scrip_domain::order::{Line, MAX_LINES, MAX_UNITS, Order};
use scrip_domain::{Amount, Id, Timestamp};
use scrip_license::Terms;
use scrip_storage::{Books, Fault, Wants, index};

use super::{Desk, PurchaseRefusal};
use crate::coupon::Claim;
use crate::ledger::Buyer;
use crate::license::extend::want_extended;
use crate::quote::{Owned, Sight};
use crate::selection::{Chosen, Found};

/// A selection as a command carries it: with the names that its order and lines will have, what its offers sell, and its
/// coupon.
#[derive(Debug)]
pub(crate) struct Picked {
    pub order: Id<Order>,
    pub lines: Vec<Id<Line>>,
    pub found: Found,
    pub claim: Option<Claim>,
}

/// What a selection costs.
pub(crate) struct Priced {
    pub lines: Vec<Line>,
    pub total: Amount,
    pub coupon: Option<OrderCoupon>,
}

fn line_of(
    order: Id<Order>,
    id: Id<Line>,
    offer: &Offer,
    product: &Product,
    quantity: u32,
) -> Line {
    Line {
        order,
        id,
        offer: offer.id,
        product: product.id,
        title: product.title.clone(),
        price: offer.price,
        discount: None,
        quantity,
        terms: offer.terms,
        limits: offer.limits,
        release: product.release,
        extends: None,
        bundle: None,
    }
}

impl Picked {
    /// The products that its lines will sell; of trials only, if that is all that counts.
    pub fn products(&self, of_trials: bool) -> impl Iterator<Item = Id<Product>> {
        let of = |chosen: &Chosen| match &*chosen.sold.items {
            [] => vec![chosen.sold.product],
            items => items.iter().map(|(_, product)| *product).collect(),
        };
        self.found.chosen.iter().filter(move |chosen| chosen.sold.trial || !of_trials).flat_map(of)
    }

    /// How many licenses it makes.
    pub fn licenses(&self) -> usize {
        self.found.chosen.iter().map(Chosen::licenses).fold(0, usize::saturating_add)
    }

    /// The rows that price it, and those that it adds to.
    pub fn wants(&self, wants: &mut Wants, buyer: Buyer) {
        self.want_offers(wants);
        for chosen in &*self.found.chosen {
            chosen.extends.into_iter().for_each(|license| want_extended(wants, license));
        }
        self.found.owned.iter().for_each(|license| wants.licenses.read((license.id,)));
        if let Some(claim) = &self.claim {
            claim.wants(wants, buyer.account);
        }
    }

    /// The rows that price it without a coupon.
    pub fn want_offers(&self, wants: &mut Wants) {
        for chosen in &*self.found.chosen {
            wants.offers.read((chosen.offer,));
            wants.products.read((chosen.sold.product,));
            for (offer, product) in &*chosen.sold.items {
                wants.offers.read((*offer,));
                wants.products.read((*product,));
            }
        }
    }

    /// What it costs today, less what its coupon takes off, if the buyer may see all of its prices.
    pub fn price(
        &self,
        books: &Books,
        desk: &Desk<'_>,
        at: Timestamp,
    ) -> Result<Result<Priced, PurchaseRefusal>, Fault> {
        let mut priced = match self.lines(books)? {
            Ok(priced) => priced,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let lessened = match &self.claim {
            Some(claim) => Some(claim.lessen(books, desk.account.id, &mut priced, at)?),
            None => None,
        };
        let who = Some((desk.account, desk.available));
        let sight = Sight::of(who, desk.settings, desk.cheapest);
        let sight = sight.owning(self.owned(books, desk.account.id)?);
        Ok(crate::quote::seen(priced, lessened, &sight, desk.settings))
    }

    /// What of it `account` owns.
    pub fn owned(&self, books: &Books, account: Id<Account>) -> Result<Owned, Fault> {
        let mut owned = Vec::with_capacity(self.found.owned.len());
        for license in &self.found.owned {
            owned.extend(books.licenses.get(&(license.id,))?);
        }
        Ok(Owned::by(owned, Some(account)))
    }

    /// Its lines at today's prices.
    pub fn lines(&self, books: &Books) -> Result<Result<Vec<Priceable>, PurchaseRefusal>, Fault> {
        let offer = |offer| books.offers.get(&(offer,));
        let product = |product| books.products.get(&(product,));
        lines_of(&self.found.chosen, self.order, &self.lines, offer, product)
    }

    /// A refusal that names one of the order's lines, with the choice that this line came of.
    pub fn as_chosen(&self, refusal: PurchaseRefusal) -> PurchaseRefusal {
        let of = |line: usize| {
            let choices = self.found.chosen.iter().enumerate();
            let mut all =
                choices.flat_map(|(index, chosen)| (0..chosen.lines()).map(move |_| index));
            all.nth(line).unwrap_or(line)
        };
        match refusal {
            PurchaseRefusal::AlreadyOwned(line) => PurchaseRefusal::AlreadyOwned(of(line)),
            PurchaseRefusal::TrialUsed(line) => PurchaseRefusal::TrialUsed(of(line)),
            PurchaseRefusal::NoSuchLicense(line) => PurchaseRefusal::NoSuchLicense(of(line)),
            PurchaseRefusal::NotExtendable { line, why } => {
                PurchaseRefusal::NotExtendable { line: of(line), why }
            }
            refusal => refusal,
        }
    }
}

/// A line before its price was seen.
#[derive(Clone, Debug)]
pub(crate) struct Priceable {
    pub line: Line,
    /// What it sells, and the bundle that it is in: whoever buys it must see both.
    pub product: Product,
    pub bundle: Option<Product>,
    /// The choice that it came of.
    pub choice: usize,
}

impl Priceable {
    /// What was chosen: the product, or the bundle.
    pub fn chosen(&self) -> &Product {
        self.bundle.as_ref().unwrap_or(&self.product)
    }
}

/// The lines that choices become at today's prices: one each, and of a bundle one for each offer in it, at its share of
/// the bundle's price.
pub(crate) fn lines_of<'a>(
    chosen: &[Chosen],
    order: Id<Order>,
    ids: &[Id<Line>],
    offer: impl Fn(Id<Offer>) -> Result<Option<&'a Offer>, Fault>,
    product: impl Fn(Id<Product>) -> Result<Option<&'a Product>, Fault>,
) -> Result<Result<Vec<Priceable>, PurchaseRefusal>, Fault> {
    let on_sale = |key: Id<Offer>, of: Id<Product>| -> Result<Option<(&Offer, &Product)>, Fault> {
        let offer = offer(key)?.filter(|offer| offer.current);
        let product = product(of)?.filter(|product| product.state == ProductState::Published);
        Ok(offer.zip(product))
    };
    let mut ids = ids.iter();
    let mut next = || ids.next().copied().ok_or_else(|| Fault::Bug("too few line ids".into()));
    let mut lines = Vec::with_capacity(chosen.len());
    for (choice, chosen) in chosen.iter().enumerate() {
        let refused = || Ok(Err(PurchaseRefusal::NotForSale(choice)));
        let Some((whole, sold)) = on_sale(chosen.offer, chosen.sold.product)? else {
            return refused();
        };
        if chosen.sold.items.is_empty() {
            if sold.kind == ProductKind::Bundle {
                return refused();
            }
            let mut line = line_of(order, next()?, whole, sold, chosen.quantity);
            line.extends = chosen.extends;
            lines.push(Priceable { line, product: sold.clone(), bundle: None, choice });
            continue;
        }
        if chosen.extends.is_some() {
            let why = NotExtendable::OtherTerms;
            return Ok(Err(PurchaseRefusal::NotExtendable { line: choice, why }));
        }
        let mut items = Vec::with_capacity(chosen.sold.items.len());
        for (item, of) in &*chosen.sold.items {
            let Some(found) = on_sale(*item, *of)? else { return refused() };
            items.push(found);
        }
        let prices: Vec<_> = items.iter().map(|(item, _)| item.price).collect();
        let Some(shares) = bundle::shares(whole.price, &prices) else {
            return Ok(Err(PurchaseRefusal::TooMuch));
        };
        for ((item, of), price) in items.into_iter().zip(shares) {
            let line = line_of(order, next()?, item, of, chosen.quantity);
            let line = Line { price, bundle: Some(whole.id), ..line };
            let (product, bundle) = (of.clone(), Some(sold.clone()));
            lines.push(Priceable { line, product, bundle, choice });
        }
    }
    let units = lines.iter().fold(0_u32, |sum, one| sum.saturating_add(one.line.quantity));
    if lines.len() > MAX_LINES || units > MAX_UNITS {
        return Ok(Err(PurchaseRefusal::TooManyParts));
    }
    Ok(Ok(lines))
}

/// The sum of all lines; `None` out of range.
pub(crate) fn total_of(lines: &[Line]) -> Option<Amount> {
    lines.iter().try_fold(Amount::ZERO, |sum, line| sum.checked_add(line.total()?))
}

/// The first line that sells what the account already owns for good.
pub(crate) fn already_owned(
    books: &Books,
    account: Id<Account>,
    lines: &[Line],
) -> Result<Option<usize>, Fault> {
    for (index, line) in lines.iter().enumerate() {
        let owned = books.by_account.all(&(account, index::OWNED, line.product.number()))?;
        let owned = owned.iter().any(|entry| entry.note != index::TRIAL);
        if line.terms == Terms::Perpetual && line.extends.is_none() && owned {
            return Ok(Some(index));
        }
    }
    Ok(None)
}

/// The first line that sells a trial of what the account has tried before, or that an earlier line or unit tries.
pub(crate) fn trial_used(
    books: &Books,
    account: Id<Account>,
    lines: &[Line],
) -> Result<Option<usize>, Fault> {
    let mut tried = BTreeSet::new();
    for (index, line) in lines.iter().enumerate() {
        if !matches!(line.terms, Terms::Trial { .. }) || line.extends.is_some() {
            continue;
        }
        // It became a trial a moment ago, and was not asked for: it is to be looked up again.
        let had = books.by_account.all(&(account, index::OWNED, line.product.number()));
        let had = had.map_err(|_| Fault::Conflict)?.iter().any(|entry| entry.note == index::TRIAL);
        if had || line.quantity > 1 || !tried.insert(line.product) {
            return Ok(Some(index));
        }
    }
    Ok(None)
}
