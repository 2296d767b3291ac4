//! One product as one visitor may see it: hidden fields are absent, and named.

use std::borrow::Cow;
use std::sync::Arc;

use scrip_domain::account::Account;
use scrip_domain::catalog::{
    File, Labels, Offer, Picture, Product, ProductKind, ProductState, Release,
};
use scrip_domain::estimate::{Pace, Speed};
use scrip_domain::gate::{self, Act, GateRefusal, Standing};
use scrip_domain::language::Language;
use scrip_domain::settings::Vendor;
use scrip_domain::visibility::{FieldGroup, Level, Visibility};
use scrip_domain::{Amount, Id, Timestamp};
use scrip_license::{Limits, Terms};

use super::parts::Parts;
use crate::memory::Member;
use crate::{Engine, Fault, Outcome};

/// Who looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Viewer {
    /// Where they stand.
    pub standing: Standing,
    /// What they can spend; none for a visitor, and at a merchant, which does not know it.
    pub available: Option<Amount>,
    /// Whether they have a license of the product: what an account owns stays visible to it.
    pub owns: bool,
}

impl Viewer {
    /// Whether they see what needs `level` of a product that a balance of `cheapest` covers.
    pub fn sees(&self, level: Level, cheapest: Option<Amount>) -> bool {
        let covered = self.available.unwrap_or_default() >= cheapest.unwrap_or_default();
        self.owns || self.standing.sees(level, covered)
    }
}

/// Fields that are hidden, and what sees them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hidden {
    /// The fields, as the API names them.
    pub fields: Vec<&'static str>,
    /// What sees them.
    pub needs: Level,
}

/// The fields of a group, as the API names them.
pub fn fields_of(group: FieldGroup) -> &'static [&'static str] {
    match group {
        FieldGroup::Product => &["product"],
        FieldGroup::Price => &["price_from", "offers.price", "payment"],
        FieldGroup::Description => &["description", "description_html"],
        FieldGroup::Pictures => &["pictures"],
        FieldGroup::Files => &["files", "size"],
        FieldGroup::ReleaseNotes => &["release.notes", "release.notes_html"],
    }
}

/// A product, without what is hidden. `None` is hidden wherever it could also be nothing.
#[derive(Clone, Debug)]
pub struct ProductView<'a> {
    /// Its name among ids.
    pub id: Id<Product>,
    /// Its name in addresses.
    pub slug: &'a str,
    /// How it is received.
    pub kind: ProductKind,
    /// Published; or archived, for its owners.
    pub state: ProductState,
    /// The language that its texts are in, where that is not the vendor's own.
    pub language: Option<Language>,
    /// Its title.
    pub title: &'a str,
    /// Its summary.
    pub summary: &'a str,
    /// Where it belongs.
    pub labels: &'a Labels,
    /// What these labels are called.
    pub called: Cow<'a, Labels>,
    /// When it was entered.
    pub created_at: Timestamp,
    /// What it costs, and what that means for who looks.
    pub payment: Option<Payment>,
    /// Its current offers.
    pub offers: Vec<OfferView>,
    /// What is in a bundle's offers, as far as it is seen.
    pub contents: &'a [Contents],
    /// The description, Markdown.
    pub description: Option<&'a str>,
    /// The same as HTML.
    pub description_html: Option<&'a str>,
    /// Its pictures.
    pub pictures: Option<&'a [Picture]>,
    /// Its newest release.
    pub release: Option<ReleaseView<'a>>,
    /// That release's files.
    pub files: Option<&'a [File]>,
    /// Their bytes.
    pub size: Option<u64>,
    /// What is hidden.
    pub hidden: Vec<Hidden>,
}

/// What a product costs, and what that means for who looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payment {
    /// The lowest price; `None` when nothing is offered.
    pub price_from: Option<Amount>,
    /// What can be spent; `None` where nobody knows it: for a visitor, and at a merchant.
    pub available: Option<Amount>,
    /// What remains after it; `None` when it is not enough.
    pub remaining: Option<Amount>,
    /// What is missing.
    pub shortfall: Option<Amount>,
}

/// An offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OfferView {
    /// Its name.
    pub id: Id<Offer>,
    /// What one unit costs; `None` when that is hidden.
    pub price: Option<Amount>,
    /// What the buyer may do.
    pub terms: Terms,
    /// How many machines and downloads.
    pub limits: Limits,
}

/// What is in a bundle's offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contents {
    /// The offer.
    pub offer: Id<Offer>,
    /// What is in it, without what is not seen.
    pub items: Vec<ItemView>,
    /// What sees all of it and the prices behind it, where whoever looks does not: so long it is not sold to them, and
    /// its price is hidden.
    pub needs: Option<Level>,
}

/// An offer that comes with a bundle's. What it costs by itself is not told here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemView {
    /// Its name.
    pub offer: Id<Offer>,
    /// What it sells.
    pub product: Id<Product>,
    /// That product's name in addresses.
    pub slug: String,
    /// That product's title.
    pub title: String,
    /// What the buyer may do.
    pub terms: Terms,
    /// How many machines and downloads.
    pub limits: Limits,
}

/// A release.
#[derive(Clone, Copy, Debug)]
pub struct ReleaseView<'a> {
    /// Its name.
    pub id: Id<Release>,
    /// Its version.
    pub version: &'a str,
    /// Its channel.
    pub channel: &'a str,
    /// When it was published.
    pub published_at: Option<Timestamp>,
    /// What is new, Markdown; `None` when that is hidden.
    pub notes: Option<&'a str>,
    /// The same as HTML.
    pub notes_html: Option<&'a str>,
}

/// The product as `viewer`, who reads `language`, may see it; `None` when they may not, or when nobody may any more.
pub fn view<'a>(
    parts: &'a Parts,
    viewer: &Viewer,
    vendor: &Visibility,
    language: Language,
    contents: &'a [Contents],
) -> Option<ProductView<'a>> {
    let product = &parts.product;
    let shown = match product.state {
        ProductState::Draft => false,
        ProductState::Published => true,
        ProductState::Archived => viewer.owns,
    };
    let locked = |offer: &Offer| contents.iter().find(|of| of.offer == offer.id)?.needs;
    // What sells the first of its offers, where none is sold yet.
    let all_locked = parts.offers.iter().map(locked).min().flatten();
    let own = |group| product.visibility.needed(group, vendor);
    let needed = |group| match group {
        FieldGroup::Price => own(group).max(all_locked.unwrap_or(Level::Visitor)),
        _ => own(group),
    };
    let locks = |group| group == FieldGroup::Price && all_locked.is_some();
    let sees = |group| !locks(group) && viewer.sees(own(group), product.cheapest);
    if !shown || !sees(FieldGroup::Product) {
        return None;
    }
    let price = sees(FieldGroup::Price);
    let description = sees(FieldGroup::Description);
    let notes = sees(FieldGroup::ReleaseNotes);
    let files = sees(FieldGroup::Files);
    let offer = |offer: &Offer| OfferView {
        id: offer.id,
        price: Some(offer.price).filter(|_| price && locked(offer).is_none()),
        terms: offer.terms,
        limits: offer.limits,
    };
    let size = || parts.files.iter().fold(0, |sum: u64, file| sum.saturating_add(file.size));
    let some_locked = parts.offers.iter().filter_map(locked).min().filter(|_| price);
    let open = || parts.offers.iter().filter(|offer| locked(offer).is_none());
    let price_from = match some_locked {
        Some(_) => open().map(|offer| offer.price).min(),
        None => product.price_from,
    };
    let mut hidden = hidden(FieldGroup::ALL, needed, sees);
    hidden.extend(some_locked.map(|needs| Hidden { fields: vec!["offers.price"], needs }));
    Some(ProductView {
        id: product.id,
        slug: &product.slug,
        kind: product.kind,
        state: product.state,
        language: product.texts.of(language).map(|_| language),
        title: product.title_in(language),
        summary: product.summary_in(language),
        labels: &product.labels,
        called: product.labels_in(language),
        created_at: product.created_at,
        payment: price.then(|| payment(price_from, viewer)),
        offers: parts.offers.iter().map(offer).collect(),
        contents,
        description: description.then(|| product.description_in(language)),
        description_html: description.then(|| parts.description_html_in(language)),
        pictures: sees(FieldGroup::Pictures).then_some(&product.pictures),
        release: newest(parts, notes),
        files: files.then_some(&parts.files),
        size: files.then(size),
        hidden,
    })
}

/// The newest release, with its notes for who sees them.
fn newest(parts: &Parts, notes: bool) -> Option<ReleaseView<'_>> {
    let release = parts.release.as_ref()?;
    Some(ReleaseView {
        id: release.id,
        version: &release.version,
        channel: &release.channel,
        published_at: release.published_at,
        notes: notes.then_some(&release.notes),
        notes_html: notes.then_some(&parts.notes_html),
    })
}

/// What is hidden of `groups`, by what sees it.
pub(super) fn hidden(
    groups: &[FieldGroup],
    needed: impl Fn(FieldGroup) -> Level,
    sees: impl Fn(FieldGroup) -> bool,
) -> Vec<Hidden> {
    let mut hidden: Vec<Hidden> = Vec::new();
    for group in groups.iter().copied().filter(|group| !sees(*group)) {
        let needs = needed(group);
        let fields = fields_of(group);
        match hidden.iter_mut().find(|entry| entry.needs == needs) {
            Some(entry) => entry.fields.extend(fields),
            None => hidden.push(Hidden { fields: fields.to_vec(), needs }),
        }
    }
    hidden
}

fn payment(price_from: Option<Amount>, viewer: &Viewer) -> Payment {
    let available = viewer.available;
    let both = available.zip(price_from);
    let shortfall = both
        .map(|(available, price)| available.shortfall(price))
        .filter(|shortfall| !shortfall.is_zero());
    Payment {
        price_from,
        available,
        remaining: both.and_then(|(available, price)| available.checked_sub(price)),
        shortfall,
    }
}

/// A product that somebody looks at.
#[derive(Clone, Debug)]
pub struct Shown {
    parts: Arc<Parts>,
    viewer: Viewer,
    language: Language,
    vendor: Arc<Vendor>,
    contents: Vec<Contents>,
    /// The speed that its downloads are estimated at.
    pub pace: Pace,
}

impl Shown {
    /// What they see.
    pub fn view(&self) -> Option<ProductView<'_>> {
        let settings = &self.vendor.settings;
        let (visibility, language) = (&settings.visibility, self.language);
        view(&self.parts, &self.viewer, visibility, language, &self.contents)
    }

    /// Where whoever looks stands.
    pub fn standing(&self) -> Standing {
        self.viewer.standing
    }

    /// The language in which it is shown, where it has texts in it.
    pub fn language(&self) -> Language {
        self.language
    }

    /// The vendor.
    pub fn vendor(&self) -> &Vendor {
        &self.vendor
    }
}

impl Engine {
    /// The product at `slug`, for `member` or a visitor who reads `language`; `None` when there is none that they see.
    pub async fn show_product(
        &self,
        member: Option<&Member>,
        slug: &str,
        language: Language,
        hint: Option<Speed>,
    ) -> Outcome<Option<Shown>, GateRefusal> {
        let (vendor, viewer) = match self.viewer(member).await? {
            Ok(looking) => looking,
            Err(shut) => return Ok(Err(shut)),
        };
        let Some(parts) = self.parts(slug).await? else { return Ok(Ok(None)) };
        let measured = member.and_then(|member| self.measured_speed(member.account.id));
        let account = member.map(|member| member.account.id);
        let contents = self.contents(&parts, &viewer, account, &vendor, language).await?;
        let pace = Pace::best(measured, hint);
        let mut shown = Shown { parts, viewer, language, vendor, contents, pace };
        let all = shown.view().is_some_and(|view| view.hidden.is_empty());
        if let (Some(member), false) = (member, all) {
            // Only what hides something asks who owns it: the usual product costs no read.
            let (account, product) = (member.account.id, shown.parts.id());
            shown.viewer.owns = self.store.owns(account, product).await?;
        }
        Ok(Ok(shown.view().is_some().then_some(shown)))
    }

    /// The product of an offer, for `member` or a visitor; `None` when the offer is not for sale, or when they do not
    /// see its product.
    pub async fn show_offer(
        &self,
        member: Option<&Member>,
        offer: Id<Offer>,
        language: Language,
    ) -> Outcome<Option<Shown>, GateRefusal> {
        let mut shown = self.show_offers(member, &[offer], language).await?;
        Ok(shown.pop().unwrap_or(Ok(None)))
    }

    /// The same of several, in their order; their products are read at once.
    pub async fn show_offers(
        &self,
        member: Option<&Member>,
        offers: &[Id<Offer>],
        language: Language,
    ) -> Result<Vec<Result<Option<Shown>, GateRefusal>>, Fault> {
        let mut sold = Vec::with_capacity(offers.len());
        for offer in offers {
            sold.push(self.sold_by(*offer).await?.map(|sold| sold.product));
        }
        let mut named: Vec<_> = sold.iter().copied().flatten().collect();
        named.sort_unstable();
        named.dedup();
        let products = self.store.products_called(&named).await?;
        let mut all = Vec::with_capacity(offers.len());
        for (offer, product) in offers.iter().zip(sold) {
            let product = products.iter().find(|row| Some(row.id) == product);
            let Some(product) = product else {
                // What is shut says so of any offer.
                all.push(self.viewer(member).await?.map(|_| None));
                continue;
            };
            let shown = self.show_product(member, &product.slug, language, None).await?;
            let sells = |shown: &Shown| shown.parts.offers.iter().any(|one| one.id == *offer);
            all.push(shown.map(|shown| shown.filter(sells)));
        }
        Ok(all)
    }

    /// What is in the offers of a bundle, without products that this viewer does not see. Read anew each time: what is
    /// hidden now is gone here as well.
    async fn contents(
        &self,
        parts: &Parts,
        viewer: &Viewer,
        account: Option<Id<Account>>,
        vendor: &Vendor,
        language: Language,
    ) -> Result<Vec<Contents>, Fault> {
        let mut contents = Vec::new();
        let bundle = parts.product.kind == ProductKind::Bundle;
        for of in parts.offers.iter().filter(|_| bundle) {
            let (mut items, mut needs) = (Vec::new(), None);
            for item in self.store.bundle_items(of.id).await? {
                let Some(offer) = self.store.offer(item.item).await? else { continue };
                let Some(product) = self.store.product(offer.product).await? else { continue };
                if product.state != ProductState::Published {
                    continue;
                }
                let needed = |group| product.visibility.needed(group, &vendor.settings.visibility);
                let both = [FieldGroup::Product, FieldGroup::Price].map(needed);
                let mut viewer = *viewer;
                if let Some(account) = account.filter(|_| both != [Level::Visitor; 2]) {
                    viewer.owns = self.store.owns(account, product.id).await?;
                }
                // What is covered when the bundle is bought is the bundle's price.
                let unseen = both.into_iter().filter(|level| !viewer.sees(*level, Some(of.price)));
                needs = needs.max(unseen.max());
                if viewer.sees(needed(FieldGroup::Product), product.cheapest) {
                    items.push(ItemView {
                        offer: offer.id,
                        product: product.id,
                        title: product.title_in(language).to_owned(),
                        slug: product.slug,
                        terms: offer.terms,
                        limits: offer.limits,
                    });
                }
            }
            contents.push(Contents { offer: of.id, items, needs });
        }
        Ok(contents)
    }

    /// The vendor, and who `member` is to it; a visitor in a shop for members is turned away.
    pub(super) async fn viewer(
        &self,
        member: Option<&Member>,
    ) -> Outcome<(Arc<Vendor>, Viewer), GateRefusal> {
        let vendor = self.vendor().await?;
        if self.provider().is_some() {
            let account = member.map(|member| member.account.as_ref());
            let funded = self.funded(member).await?;
            let (settings, at) = (&vendor.settings, self.now());
            if let Err(shut) = gate::pass_at_merchant(Act::Browse, account, funded, settings, at) {
                return Ok(Err(shut));
            }
            let standing = gate::standing_at_merchant(account, funded);
            return Ok(Ok((vendor, Viewer { standing, available: None, owns: false })));
        }
        let cheapest = self.cheapest().await?;
        let who = member.map(|member| (member.account.as_ref(), member.available));
        let settings = &vendor.settings;
        let gate = gate::pass(Act::Browse, who, settings, cheapest, Amount::ZERO, self.now());
        if let Err(shut) = gate {
            return Ok(Err(shut));
        }
        let standing = gate::standing(who, settings, cheapest);
        // Who permits no transactions is a visitor, and has no balance to look with.
        let available =
            who.map(|(_, available)| available).filter(|_| standing != Standing::Visitor);
        Ok(Ok((vendor, Viewer { standing, available, owns: false })))
    }
}

mod draft;

#[cfg(test)]
#[path = "view/tests.rs"]
mod tests;
