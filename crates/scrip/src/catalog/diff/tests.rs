use scrip_domain::Amount;
use scrip_domain::catalog::{Labels, ProductKind};
use scrip_domain::language::Language;
use scrip_domain::texts::Texts;
use scrip_domain::visibility::Visibility;
use scrip_engine::catalog::release::ReleaseFields;
use scrip_license::{Limits, Terms};

use super::*;

fn offer(key: &str, price: u64) -> Offer {
    let price = Amount::new(price).unwrap();
    let fields = OfferFields { price, terms: Terms::Perpetual, limits: Limits::default() };
    Offer { key: key.into(), fields, items: Vec::new() }
}

fn file(name: &str) -> FileFields {
    FileFields {
        name: name.into(),
        sha256: "0".repeat(64),
        platform: String::new(),
        media_type: "text/plain".into(),
    }
}

fn release(version: &str, files: Vec<FileFields>, publish: bool) -> Release {
    let fields = ReleaseFields { notes: String::new(), files, publish };
    Release { channel: "stable".into(), version: version.into(), fields }
}

fn product(slug: &str) -> Product {
    Product {
        fields: ProductFields {
            slug: slug.into(),
            kind: ProductKind::Download,
            title: slug.into(),
            summary: String::new(),
            description: String::new(),
            labels: Labels::default(),
            pictures: Vec::new(),
            visibility: Visibility::default(),
            instructions: String::new(),
            texts: Texts::default(),
        },
        state: ProductState::Published,
        offers: vec![offer("standard", 100)],
        releases: vec![release("1", vec![file("a"), file("b")], true)],
    }
}

fn of(products: Vec<Product>) -> Catalog {
    Catalog { products, ..Catalog::default() }
}

#[test]
fn equal_catalogues_differ_in_nothing_whatever_the_order() {
    let mut other = product("a");
    other.releases[0].fields.files.reverse();
    let there = of(vec![product("b"), other]);
    assert!(diff(&there, &of(vec![product("a"), product("b")])).is_empty());
}

#[test]
fn new_changed_and_gone_products_are_told_apart() {
    let mut changed = product("b");
    changed.fields.title = "Other".into();
    changed.fields.labels.tags.push("new".into());
    changed.fields.texts.0.entry(Language::German).or_default().title = "Anderes".into();
    changed.offers = vec![offer("standard", 101), offer("month", 5)];
    let mut old = product("b");
    old.offers.push(offer("gone", 1));
    let archived = Product { state: ProductState::Archived, ..product("long-gone") };
    let there = of(vec![old, product("c"), archived]);
    let difference = diff(&there, &of(vec![product("a"), changed]));
    let [a, b, c] = &difference.products[..] else { panic!("{difference:?}") };
    assert_eq!((a.act, a.state), (Act::Add, Some(ProductState::Published)));
    assert_eq!((a.offers.len(), a.releases[0].name.as_str()), (1, "stable/1"));
    assert_eq!((b.act, b.fields.as_slice()), (Act::Change, &["title", "tags", "texts"][..]));
    let offers: Vec<_> = b.offers.iter().map(|part| (part.name.as_str(), part.act)).collect();
    assert_eq!(offers, [("standard", Act::Change), ("month", Act::Add), ("gone", Act::Remove)]);
    assert_eq!((c.slug.as_str(), c.act, c.state), ("c", Act::Remove, Some(ProductState::Archived)));
    assert!(difference.impossible.is_empty());
}

#[test]
fn what_was_published_stays_as_it_is() {
    let there = of(vec![product("a")]);
    let mut new = product("a");
    new.releases[0].fields.files.pop();
    assert!(diff(&there, &of(vec![new])).impossible[0].contains("stable/1 of a is published"));
    let draft = Product { state: ProductState::Draft, ..product("a") };
    assert!(diff(&there, &of(vec![draft])).impossible[0].contains("cannot be a draft again"));
    let without = Product { releases: Vec::new(), ..product("a") };
    assert!(diff(&there, &of(vec![without])).is_empty());
}

#[test]
fn an_open_release_can_change_and_be_published() {
    let open = Product { releases: vec![release("1", vec![file("a")], false)], ..product("a") };
    let difference = diff(&of(vec![open]), &of(vec![product("a")]));
    assert_eq!(difference.products[0].releases[0].fields, ["files", "published"]);
    assert!(difference.impossible.is_empty());
}
