//! What the simulated shop sells: a catalogue drawn from the seed, written as rows.

use scrip_domain::catalog::{BundleItem, Labels, Offer, Product, ProductKind, ProductState};
use scrip_domain::coupon::{Coupon, Discount};
use scrip_domain::visibility::Visibility;
use scrip_domain::{Amount, Id, Timestamp};
use scrip_license::{Limits, RentalStart, Terms};
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};

use crate::chance::Chance;

/// One offer, as buyers know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Good {
    /// The offer's id.
    pub offer: String,
    /// Its price.
    pub price: u64,
    /// What it sells.
    pub product: String,
    /// On these terms.
    pub terms: Terms,
}

/// The word of a coupon that takes off the half, as often as anybody likes.
pub const HALF: &str = "HALF";
/// The word of one that does the same a few times.
pub const FEW: &str = "FEW";

/// What the tenant has: ten uses, thirty days, and both together. Nobody else buys them.
pub mod kept {
    /// The number of the product, and of the bundle of its offers.
    pub const PRODUCTS: [u64; 2] = [1500, 1501];
    /// The numbers of the offers: by uses, by time, and the bundle's.
    pub const OFFERS: [u64; 3] = [2500, 2501, 2502];
    /// What they cost. Dearer than the cheapest good may be, so that they rarely open a shop.
    pub const PRICES: [u64; 3] = [301, 702, 800];
    /// How many uses the first one has.
    pub const USES: u64 = 10;
    /// How many days the second one lasts.
    pub const DAYS: u32 = 30;
}

/// Products with their offers, and coupons, on their way into the books.
#[derive(Clone, Debug)]
pub struct Goods {
    products: Vec<Product>,
    offers: Vec<Offer>,
    coupons: Vec<Coupon>,
    items: Vec<BundleItem>,
}

impl Goods {
    /// What `chance` brings.
    pub fn draw(chance: &mut Chance) -> Self {
        let few = u32::try_from(chance.between(1, 12)).unwrap_or(1);
        let coupons = [half(HALF, 9001, None), half(FEW, 9002, Some(few))].into_iter().flatten();
        let coupons = coupons.collect();
        let (products, offers, items) = (Vec::new(), Vec::new(), Vec::new());
        let mut goods = Self { products, offers, coupons, items };
        let at = Timestamp::from_millis(0);
        for number in 1..=chance.between(1, 6) {
            let Some(product) = Id::new(1000 + number) else { continue };
            for part in 0..chance.between(1, 3) {
                let price = match chance.below(8) {
                    0 => 0,
                    1..=4 => chance.between(1, 300),
                    _ => chance.between(300, 1500),
                };
                let Some(id) = Id::new(2000 + number * 10 + part) else { continue };
                let price = Amount::new(price).unwrap_or_default();
                let (terms, limits) = (terms(chance), Limits::default());
                goods.offers.push(Offer {
                    id,
                    product,
                    key: format!("offer-{part}"),
                    price,
                    terms,
                    limits,
                    current: true,
                    retired_at: None,
                    created_at: at,
                });
            }
            goods.products.push(goods.product(product, number, at));
        }
        goods.keep(at);
        goods
    }

    /// Adds what only the tenant buys.
    fn keep(&mut self, at: Timestamp) {
        let uses = Terms::Uses { count: kept::USES };
        let seconds = u64::from(kept::DAYS) * 86_400;
        let time = Terms::Rental { seconds, from: RentalStart::Purchase };
        let [product, bundle] = kept::PRODUCTS.map(Id::new);
        let of = [(product, uses), (product, time), (bundle, Terms::Perpetual)];
        for ((number, price), (product, terms)) in kept::OFFERS.iter().zip(kept::PRICES).zip(of) {
            let (Some(id), Some(product)) = (Id::new(*number), product) else { continue };
            self.offers.push(Offer {
                id,
                product,
                key: format!("offer-{number}"),
                price: Amount::new(price).unwrap_or_default(),
                terms,
                limits: Limits::default(),
                current: true,
                retired_at: None,
                created_at: at,
            });
        }
        let [uses, time, all] = kept::OFFERS.map(Id::new);
        for (place, item) in [(0, uses), (1, time)] {
            let row = all.zip(item).map(|(bundle, item)| BundleItem { bundle, place, item });
            self.items.extend(row);
        }
        for (number, kind) in kept::PRODUCTS.iter().zip([ProductKind::Service, ProductKind::Bundle])
        {
            let Some(id) = Id::new(*number) else { continue };
            self.products.push(Product { kind, ..self.product(id, *number, at) });
        }
    }

    fn product(&self, id: Id<Product>, number: u64, at: Timestamp) -> Product {
        let own = self.offers.iter().filter(|offer| offer.product == id).map(|offer| offer.price);
        Product {
            id,
            slug: format!("good-{number}"),
            kind: ProductKind::Service,
            state: ProductState::Published,
            title: format!("Good {number}"),
            summary: String::new(),
            description: String::new(),
            labels: Labels::default(),
            pictures: Vec::new(),
            visibility: Visibility::default(),
            instructions: String::new(),
            texts: scrip_domain::texts::Texts::default(),
            price_from: own.clone().min(),
            cheapest: own.filter(|price| !price.is_zero()).min(),
            release: None,
            version: 0,
            created_at: at,
            updated_at: at,
        }
    }

    /// The same as buyers know it.
    pub fn known(&self) -> Vec<Good> {
        let known = |offer: &Offer| Good {
            offer: offer.id.to_string(),
            price: offer.price.units(),
            product: offer.product.to_string(),
            terms: offer.terms,
        };
        let bought = |offer: &&Offer| !kept::OFFERS.contains(&offer.id.number());
        self.offers.iter().filter(bought).map(known).collect()
    }

    /// The lowest price above zero.
    pub fn cheapest(&self) -> Option<Amount> {
        self.offers.iter().map(|offer| offer.price).filter(|price| !price.is_zero()).min()
    }
}

/// A coupon of the half: a few uses, at most three of an account, or any number.
fn half(code: &str, number: u64, max_uses: Option<u32>) -> Option<Coupon> {
    Some(Coupon {
        code: code.to_owned(),
        id: Id::new(number)?,
        discount: Discount::Percent(50),
        starts_at: None,
        ends_at: None,
        max_uses,
        max_uses_per_account: max_uses.map(|_| 3),
        min_total: None,
        products: Vec::new(),
        offers: Vec::new(),
        uses: 0,
        created_at: Timestamp::from_millis(0),
        closed_at: None,
    })
}

/// Terms that outlast the world: what has ended is no longer shown as it was sold.
fn terms(chance: &mut Chance) -> Terms {
    match chance.below(4) {
        0 => Terms::Perpetual,
        1 => Terms::Rental { seconds: 30 * 86_400, from: RentalStart::Purchase },
        2 => Terms::Rental { seconds: 86_400, from: RentalStart::FirstActivation },
        _ => Terms::Uses { count: 10 },
    }
}

impl Command for Goods {
    type Receipt = ();
    type Refusal = std::convert::Infallible;

    fn wants(&self, _: &mut Wants) {}

    fn decide(&self, _: &Books, _: Timestamp) -> Result<Decision<(), Self::Refusal>, Fault> {
        let mut changes = Changes::default();
        changes.products.extend(self.products.iter().cloned().map(Change::Insert));
        changes.offers.extend(self.offers.iter().cloned().map(Change::Insert));
        changes.bundle_items.extend(self.items.iter().cloned().map(Change::Insert));
        changes.coupons.extend(self.coupons.iter().cloned().map(Change::Insert));
        Ok(Decision::done((), changes))
    }
}
