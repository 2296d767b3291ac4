//! Lists of what is for sale, against what a plain walk over all products says.

use std::collections::BTreeSet;

use scrip_domain::catalog::{Labels, Product, ProductKind, ProductState};
use scrip_domain::gate::Standing;
use scrip_domain::language::Language;
use scrip_domain::listing::{self, LabelKind, Labelled, Listing};
use scrip_domain::texts::{Texts, TextsIn};
use scrip_domain::visibility::{Level, Visibility};
use scrip_domain::{Amount, Id};
use scrip_storage::books::Change;
use scrip_storage::index::Entry;
use scrip_storage::reads::listing::{Eyes, Filter, Listed, Run};

use crate::commands::{amount, change, id, write};
use crate::home::{Home, Running};
use crate::rows::product;

const LEVELS: [Option<Level>; 5] =
    [None, Some(Level::Visitor), Some(Level::Member), Some(Level::Funded), Some(Level::Covered)];

/// Words that the products' own texts do not have, in the open and in the description.
fn german() -> Texts {
    let german = TextsIn {
        title: "Aufnahmegerät".into(),
        description: "Ein verborgener Schatz".into(),
        categories: vec!["Werkzeug".into()],
        ..TextsIn::default()
    };
    Texts([(Language::German, german)].into())
}

/// Product `n` of 80: every property with a period of its own, so that all combinations occur.
fn goods(n: u64) -> Product {
    let pick = |of: [&str; 3]| of[usize::try_from(n % 3).unwrap()].to_owned();
    let level = |period: u64| LEVELS[usize::try_from((n / period) % 5).unwrap()];
    let price = (!n.is_multiple_of(7)).then(|| amount(n % 6 * 10));
    Product {
        kind: if n.is_multiple_of(4) { ProductKind::Service } else { ProductKind::Download },
        state: if n % 11 == 3 { ProductState::Draft } else { ProductState::Published },
        title: format!("{} Nr. {}", pick(["Übung", "Field-Recorder", "drum kit"]), n % 13),
        summary: if n.is_multiple_of(2) { "Recording sounds".into() } else { String::new() },
        description: if n % 5 < 2 {
            "Hidden treasure, recorded outside".into()
        } else {
            String::new()
        },
        labels: Labels {
            categories: vec![pick(["Audio", "Tools", "Éditions"])],
            tags: if n % 2 == 1 { vec!["wav".into(), "Ältere".into()] } else { vec![] },
        },
        pictures: vec![],
        visibility: Visibility {
            product: if n.is_multiple_of(3) { level(3) } else { None },
            price: level(1),
            description: level(2),
            ..Visibility::default()
        },
        texts: if n.is_multiple_of(3) { german() } else { Texts::default() },
        price_from: price,
        cheapest: price.filter(|price| !price.is_zero()),
        ..product(n, &format!("product-{n}"))
    }
}

const COUNT: u64 = 80;
/// What account 7 owns.
const OWNED: [u64; 4] = [3, 6, 12, 21];

async fn stock(store: &Running) {
    let fill = write(|changes| {
        for goods in (1..=COUNT).map(goods) {
            changes.listings.extend(Listing::of(&goods).map(Change::Insert));
            changes.labelled.extend(Labelled::of(&goods).into_iter().map(Change::Insert));
            changes.products.push(Change::Insert(goods));
        }
        for product in OWNED {
            let entry = Entry::license(id(7), id(product), id(product + 1000), true);
            changes.by_account.push(Change::Insert(entry));
        }
    });
    store.submit(fill).await.unwrap().unwrap();
}

fn looks() -> Vec<Eyes> {
    let mut all = Vec::new();
    for (standing, account, available) in [
        (Standing::Visitor, None, 0),
        (Standing::Visitor, Some(7), 0),
        (Standing::Member, Some(7), 20),
        (Standing::Member, Some(8), 0),
        (Standing::Funded, Some(8), 30),
    ] {
        for levels in [
            [Level::Visitor; 3],
            [Level::Member, Level::Funded, Level::Covered],
            [Level::Covered, Level::Covered, Level::Member],
        ] {
            let account = account.map(id);
            let [product, price, description] = levels;
            let available = amount(available);
            all.push(Eyes { standing, account, available, product, price, description });
        }
    }
    all
}

fn filters() -> Vec<Filter> {
    let mut all = Vec::new();
    for words in [
        "",
        "record",
        "recorder field",
        "treasure",
        "ubung",
        "hidden rec",
        "nothing",
        "wav audio",
        "aufnahmegerat",
        "schatz",
        "field werkzeug",
        "verborgener aufn",
    ] {
        for labels in [
            vec![],
            vec![(LabelKind::Category, "audio".to_owned())],
            vec![(LabelKind::Tag, listing::fold("ALTERE"))],
            vec![(LabelKind::Category, "editions".into()), (LabelKind::Tag, "wav".into())],
        ] {
            for kind in [None, Some(ProductKind::Service)] {
                all.push(Filter { kind, labels: labels.clone(), words: listing::asked(words) });
            }
        }
    }
    all
}

/// What a list must hold, by the rules alone.
fn expected(filter: &Filter, eyes: &Eyes, run: &Run) -> Vec<u64> {
    let sees = |goods: &Product, level: Option<Level>, vendor| {
        let owned = eyes.account == Some(id(7)) && OWNED.contains(&goods.id.number());
        let covered = eyes.available >= goods.cheapest.unwrap_or(Amount::ZERO);
        owned || eyes.standing.sees(level.unwrap_or(vendor), covered)
    };
    let sees_price = |goods: &Product| {
        goods.price_from.is_some() && sees(goods, goods.visibility.price, eyes.price)
    };
    let found = |goods: &Product| {
        let Some(listing) = Listing::of(goods) else { return false };
        let mut words: Vec<&str> = listing.words.split(' ').collect();
        if sees(goods, goods.visibility.description, eyes.description) {
            words.extend(listing.description_words.split(' '));
        }
        let last = filter.words.len().saturating_sub(1);
        let has = |(index, asked): (usize, &String)| {
            words.iter().any(|word| {
                if index == last { word.starts_with(asked.as_str()) } else { word == asked }
            })
        };
        filter.words.iter().enumerate().all(has)
            && filter.kind.is_none_or(|kind| kind == goods.kind)
            && filter.labels.iter().all(|(kind, label)| {
                Labelled::of(goods).iter().any(|one| one.kind == *kind && one.label == *label)
            })
            && sees(goods, goods.visibility.product, eyes.product)
    };
    let mut all: Vec<Product> = (1..=COUNT).map(goods).filter(|goods| found(goods)).collect();
    let number = |goods: &Product| goods.id.number();
    match run {
        Run::Newest(_) => all.reverse(),
        Run::Title(_) => all.sort_by_key(|goods| (listing::sort_key(&goods.title), number(goods))),
        Run::Cheapest(_) => {
            all.retain(sees_price);
            all.sort_by_key(|goods| (goods.price_from, number(goods)));
        }
        Run::Dearest(_) => {
            all.retain(sees_price);
            all.sort_by_key(|goods| std::cmp::Reverse((goods.price_from, number(goods))));
        }
        Run::Unpriced(_) => {
            all.retain(|goods| !sees_price(goods));
            all.reverse();
        }
    }
    all.iter().map(number).collect()
}

fn behind(run: &Run, last: &Listed) -> Run {
    let price = || (last.price_from.unwrap(), last.id);
    match run {
        Run::Newest(_) => Run::Newest(Some(last.id)),
        Run::Title(_) => Run::Title(Some((last.sort_title.clone(), last.id))),
        Run::Cheapest(_) => Run::Cheapest(Some(price())),
        Run::Dearest(_) => Run::Dearest(Some(price())),
        Run::Unpriced(_) => Run::Unpriced(Some(last.id)),
    }
}

pub async fn lists_hold_what_each_sees_and_nothing_else(home: &Home) {
    let store = home.start().await;
    stock(&store).await;
    let mut rows = 0;
    for eyes in looks() {
        for filter in filters() {
            for first in [
                Run::Newest(None),
                Run::Title(None),
                Run::Cheapest(None),
                Run::Dearest(None),
                Run::Unpriced(None),
            ] {
                let mut run = first.clone();
                let mut got: Vec<u64> = Vec::new();
                loop {
                    let page = store.listed_products(&filter, &eyes, &run, 13).await.unwrap();
                    got.extend(page.iter().map(|listed| listed.id.number()));
                    for listed in &page {
                        let owned =
                            eyes.account == Some(id(7)) && OWNED.contains(&listed.id.number());
                        assert_eq!(listed.owned, owned);
                    }
                    match page.last() {
                        Some(last) if page.len() == 13 => run = behind(&run, last),
                        _ => break,
                    }
                }
                assert_eq!(got, expected(&filter, &eyes, &first), "{filter:?} {eyes:?} {first:?}");
                rows += got.len();
            }
        }
    }
    assert!(rows > 10_000, "{rows}");
    store.stop().await.unwrap();
}

pub async fn categories_are_those_of_what_is_seen(home: &Home) {
    let store = home.start().await;
    let none: Vec<String> = Vec::new();
    let look = async |standing, product| {
        let all = store.listed_categories(standing, product).await;
        all.map(|all| all.into_iter().map(|one| one.label).collect::<Vec<_>>())
    };
    assert_eq!(look(Standing::Visitor, Level::Visitor).await.unwrap(), none);
    stock(&store).await;
    let shelf = |number: u64, name: &str, product: Level| Product {
        state: ProductState::Published,
        labels: Labels { categories: vec![name.into()], tags: vec!["Ä tag".into()] },
        visibility: Visibility { product: Some(product), ..Visibility::default() },
        ..goods(number)
    };
    let hidden = [
        shelf(91, "Members' Own", Level::Member),
        shelf(92, "Vault", Level::Funded),
        shelf(93, "Covered", Level::Covered),
    ];
    let [mut named, ..] = hidden.clone();
    named.texts = german();
    named.texts.0.entry(Language::German).or_default().categories =
        vec!["Nur für Mitglieder".into()];
    let [_, vault, covered] = hidden;
    let hidden = [named, vault, covered];
    let fill = write(move |changes| {
        for goods in hidden.clone() {
            changes.listings.extend(Listing::of(&goods).map(Change::Insert));
            changes.labelled.extend(Labelled::of(&goods).into_iter().map(Change::Insert));
            let slug = format!("product-{}", goods.id.number());
            changes.products.push(Change::Insert(Product { slug, ..goods }));
        }
    });
    store.submit(fill).await.unwrap().unwrap();
    let open = ["Audio", "Éditions", "Tools"];
    let members = ["Audio", "Éditions", "Members' Own", "Tools"];
    let funded = ["Audio", "Éditions", "Members' Own", "Tools", "Vault"];
    assert_eq!(look(Standing::Visitor, Level::Visitor).await.unwrap(), open);
    assert_eq!(look(Standing::Member, Level::Visitor).await.unwrap(), members);
    assert_eq!(look(Standing::Funded, Level::Member).await.unwrap(), funded);
    // What the vendor hides as a whole is seen where a product says so itself.
    let seen = look(Standing::Visitor, Level::Funded).await.unwrap();
    let says = |n: &u64| goods(*n).visibility.product == Some(Level::Visitor);
    let named =
        (1..=COUNT).filter(says).map(goods).filter(|goods| goods.state == ProductState::Published);
    let named: BTreeSet<String> = named.flat_map(|goods| goods.labels.categories).collect();
    assert!(!seen.is_empty());
    // Product 91 calls it so in German as well, and the newest that is seen decides.
    let all = store.listed_categories(Standing::Member, Level::Visitor).await.unwrap();
    let called = |label: &str| {
        let found = all.iter().find(|one| one.label == label).unwrap();
        found.name_in(Language::German).to_owned()
    };
    assert_eq!(
        (called("Members' Own"), called("Tools")),
        ("Nur für Mitglieder".into(), "Tools".into())
    );
    assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), named);
    store.stop().await.unwrap();
}

pub async fn common_words_are_found_like_rare_ones(home: &Home) {
    const MANY: u64 = 700;
    let store = home.start().await;
    for from in (1..=MANY).step_by(100) {
        let fill = write(move |changes| {
            for number in (from..=MANY).take(100) {
                let hidden = number % 3 == 0;
                let price = Some(amount(number % 50 + 1));
                let goods = Product {
                    state: ProductState::Published,
                    title: if hidden { "Other" } else { "Common" }.into(),
                    summary: String::new(),
                    description: if number <= 200 { "common old" } else { "common" }.into(),
                    labels: Labels::default(),
                    visibility: Visibility {
                        description: hidden.then_some(Level::Member),
                        ..Visibility::default()
                    },
                    price_from: price,
                    cheapest: price,
                    ..goods(number)
                };
                changes.listings.extend(Listing::of(&goods).map(Change::Insert));
                changes
                    .products
                    .push(Change::Insert(Product { slug: format!("product-{number}"), ..goods }));
            }
        });
        store.submit(fill).await.unwrap().unwrap();
    }
    // The word of the oldest is not among the first of the list, wherever somebody looked first.
    for (words, of) in [("common", MANY), ("old", 200)] {
        let filter = Filter { words: listing::asked(words), ..Filter::default() };
        let open = if words == "old" { of - of / 3 } else { MANY - MANY / 3 };
        for (eyes, finds) in [(looks().remove(0), open), (looks().remove(6), of)] {
            for first in [Run::Newest(None), Run::Cheapest(None)] {
                let (mut run, mut found) = (first, BTreeSet::new());
                loop {
                    let page = store.listed_products(&filter, &eyes, &run, 40).await.unwrap();
                    let Some(last) = page.last() else { break };
                    assert!(page.iter().all(|goods| found.insert(goods.id)), "twice");
                    run = behind(&run, last);
                }
                assert_eq!(u64::try_from(found.len()).unwrap(), finds, "{words} {eyes:?}");
            }
        }
    }
    store.stop().await.unwrap();
}

pub async fn any_question_is_only_words(home: &Home) {
    let store = home.start().await;
    stock(&store).await;
    let eyes = looks().remove(0);
    for question in [
        "\"",
        "'",
        "''''",
        "a'b",
        "\\",
        "*",
        "(",
        ")",
        "a*b",
        "NEAR(a b)",
        "a OR b",
        "a AND",
        "NOT",
        "words:a",
        "description_words : treasure",
        "-a",
        "^a",
        "a & b | !c <-> d",
        ":*",
        "{a}",
        "%",
        "_",
        "\u{0}",
        "a\u{0}b",
        "日本語",
        "ﷺ",
        "🦀",
        "é\u{301}\u{301}",
        "ब्लू",
        "ßẞ",
        "١٢٣",
        "½",
        "Ⅷ",
        "a\u{200d}b",
        &"x".repeat(10_000),
        &"x ".repeat(10_000),
    ] {
        let words = listing::asked(question);
        if words.is_empty() {
            continue;
        }
        for run in [Run::Newest(None), Run::Cheapest(None)] {
            let filter = Filter { words: words.clone(), ..Filter::default() };
            let found = store.listed_products(&filter, &eyes, &run, 5).await;
            assert!(found.is_ok(), "{question:?}: {found:?}");
        }
    }
    store.stop().await.unwrap();
}

pub async fn what_changes_is_found_by_its_new_words_only(home: &Home) {
    let store = home.start().await;
    let old = Product { title: "Alpha".into(), state: ProductState::Published, ..goods(1) };
    let new = Product { title: "Beta".into(), ..old.clone() };
    let eyes = looks().remove(0);
    let find = async |word: &str| {
        let filter = Filter { words: listing::asked(word), ..Filter::default() };
        let found = store.listed_products(&filter, &eyes, &Run::Newest(None), 5).await.unwrap();
        found.iter().map(|listed| listed.id).collect::<Vec<Id<Product>>>()
    };
    let (listing, there) = (Listing::of(&old).unwrap(), old.clone());
    let put = write(move |changes| {
        changes.products.push(Change::Insert(there.clone()));
        changes.listings.push(Change::Insert(listing.clone()));
    });
    store.submit(put).await.unwrap().unwrap();
    assert_eq!(find("alpha").await, [old.id]);
    let group = (old.id,);
    let listing = Listing::of(&new).unwrap();
    let update = listing.clone();
    let put = change(
        move |wants| wants.listings.guard(group),
        move |changes| changes.listings.push(Change::Update(update.clone())),
    );
    store.submit(put).await.unwrap().unwrap();
    assert_eq!((find("alpha").await, find("beta").await), (vec![], vec![old.id]));
    let take = change(
        move |wants| wants.listings.guard(group),
        move |changes| changes.listings.push(Change::Delete(listing.clone())),
    );
    store.submit(take).await.unwrap().unwrap();
    assert_eq!(find("beta").await, []);
    store.stop().await.unwrap();
}
