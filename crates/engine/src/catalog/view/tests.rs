//! Every field group, at every level, set by the product or by the vendor, for everybody.

use scrip_domain::texts::{Texts, TextsIn};
use scrip_license::Terms;

use super::*;

fn amount(units: u64) -> Amount {
    Amount::new(units).unwrap()
}

const OWN: Language = Language::English;

fn german() -> Texts {
    let german = TextsIn {
        title: "Werkzeug".into(),
        description: "Lang".into(),
        instructions: "SECRET".into(),
        ..TextsIn::default()
    };
    Texts([(Language::German, german)].into())
}

fn parts(state: ProductState, visibility: Visibility) -> Parts {
    let id = Id::new(1).unwrap();
    Parts {
        product: Product {
            id,
            slug: "tool".into(),
            kind: ProductKind::Download,
            state,
            title: "Tool".into(),
            summary: "Does things".into(),
            description: "Long".into(),
            labels: Labels::default(),
            pictures: vec![Picture {
                alt: String::new(),
                object: "0".into(),
                media_type: "image/png".into(),
            }],
            visibility,
            instructions: "SECRET".into(),
            texts: german(),
            price_from: Some(amount(0)),
            cheapest: Some(amount(50)),
            release: Id::new(3),
            version: 1,
            created_at: Timestamp::default(),
            updated_at: Timestamp::default(),
        },
        offers: [0, 50]
            .map(|price| Offer {
                id: Id::new(price + 10).unwrap(),
                product: id,
                key: format!("k{price}"),
                price: amount(price),
                terms: Terms::Perpetual,
                limits: Limits::default(),
                current: true,
                retired_at: None,
                created_at: Timestamp::default(),
            })
            .to_vec(),
        release: Some(Release {
            id: Id::new(3).unwrap(),
            product: id,
            version: "1.0".into(),
            channel: "stable".into(),
            notes: "New".into(),
            manifest: "m".into(),
            published_at: Some(Timestamp::default()),
        }),
        files: vec![File {
            id: Id::new(4).unwrap(),
            release: Id::new(3).unwrap(),
            name: "tool.zip".into(),
            size: 7,
            sha256: "a".into(),
            platform: String::new(),
            media_type: "application/zip".into(),
            sha512: String::new(),
        }],
        description_html: "<p>Long</p>".into(),
        other_html: [(Language::German, "<p>Lang</p>".into())].into(),
        notes_html: "<p>New</p>".into(),
    }
}

fn with(group: FieldGroup, level: Option<Level>) -> Visibility {
    let mut visibility = Visibility::default();
    *(match group {
        FieldGroup::Product => &mut visibility.product,
        FieldGroup::Price => &mut visibility.price,
        FieldGroup::Description => &mut visibility.description,
        FieldGroup::Pictures => &mut visibility.pictures,
        FieldGroup::Files => &mut visibility.files,
        FieldGroup::ReleaseNotes => &mut visibility.release_notes,
    }) = level;
    visibility
}

/// Whether what is in the group stands in the view; it must be all there, or all absent.
fn has(view: &ProductView<'_>, group: FieldGroup) -> bool {
    let release = view.release.unwrap();
    let fields: Vec<bool> = match group {
        FieldGroup::Product => vec![true],
        FieldGroup::Price => {
            let mut prices: Vec<_> =
                view.offers.iter().map(|offer| offer.price.is_some()).collect();
            prices.push(view.payment.is_some());
            prices
        }
        FieldGroup::Description => {
            vec![view.description.is_some(), view.description_html.is_some()]
        }
        FieldGroup::Pictures => vec![view.pictures.is_some()],
        FieldGroup::Files => vec![view.files.is_some(), view.size.is_some()],
        FieldGroup::ReleaseNotes => vec![release.notes.is_some(), release.notes_html.is_some()],
    };
    assert!(fields.iter().all(|field| *field == fields[0]), "{group:?} is half hidden");
    fields[0]
}

fn viewers() -> Vec<Viewer> {
    let mut all = Vec::new();
    for standing in Standing::ALL {
        for available in [None, Some(0), Some(49), Some(50), Some(51)] {
            for owns in [false, true] {
                all.push(Viewer { standing: *standing, available: available.map(amount), owns });
            }
        }
    }
    all
}

/// Said again, plainly, so that a mistake must be made twice.
fn must_see(viewer: &Viewer, level: Level) -> bool {
    let member = viewer.standing != Standing::Visitor;
    viewer.owns
        || match level {
            Level::Visitor => true,
            Level::Member => member,
            Level::Funded => viewer.standing == Standing::Funded,
            Level::Covered => member && viewer.available >= Some(amount(50)),
        }
}

#[test]
fn each_group_is_seen_at_its_level_and_named_below_it() {
    let levels = || [None].into_iter().chain(Level::ALL.iter().copied().map(Some));
    for group in FieldGroup::ALL.iter().copied() {
        for (own, vendor) in levels().flat_map(|own| levels().map(move |vendor| (own, vendor))) {
            let parts = parts(ProductState::Published, with(group, own));
            let level = own.or(vendor).unwrap_or(Level::Visitor);
            let languages = |viewer| Language::ALL.map(|language| (viewer, language));
            for (viewer, language) in viewers().into_iter().flat_map(languages) {
                let seen = view(&parts, &viewer, &with(group, vendor), language, &[]);
                let must = must_see(&viewer, level);
                if group == FieldGroup::Product {
                    assert_eq!(seen.is_some(), must, "{viewer:?} {level}");
                    continue;
                }
                let seen = seen.unwrap();
                for other in FieldGroup::ALL.iter().copied() {
                    assert_eq!(has(&seen, other), other != group || must, "{other} {viewer:?}");
                }
                let named = Hidden { fields: fields_of(group).to_vec(), needs: level };
                assert_eq!(seen.hidden, if must { vec![] } else { vec![named] });
                let text = if language == OWN { "Long" } else { "Lang" };
                assert!(seen.description.is_none_or(|description| description == text));
            }
        }
    }
}

#[test]
fn groups_that_need_the_same_are_named_together() {
    let visibility = Visibility {
        price: Some(Level::Member),
        pictures: Some(Level::Funded),
        files: Some(Level::Member),
        ..Visibility::default()
    };
    let parts = parts(ProductState::Published, visibility);
    let visitor = Viewer { standing: Standing::Visitor, available: None, owns: false };
    let seen = view(&parts, &visitor, &Visibility::default(), OWN, &[]).unwrap();
    let [first, second] = &seen.hidden[..] else { panic!("{:?}", seen.hidden) };
    assert_eq!(first.needs, Level::Member);
    assert_eq!(first.fields, ["price_from", "offers.price", "payment", "files", "size"]);
    assert_eq!((second.needs, &second.fields[..]), (Level::Funded, &["pictures"][..]));
}

#[test]
fn only_owners_see_what_is_no_longer_for_sale() {
    for viewer in viewers() {
        let sees = |state| {
            view(&parts(state, Visibility::default()), &viewer, &Visibility::default(), OWN, &[])
                .is_some()
        };
        assert!(!sees(ProductState::Draft));
        assert!(sees(ProductState::Published));
        assert_eq!(sees(ProductState::Archived), viewer.owns);
    }
}

#[test]
fn a_payment_adds_up() {
    let price = Some(amount(50));
    let look = |standing, available| payment(price, &Viewer { standing, available, owns: false });
    let unknown = Payment { price_from: price, available: None, remaining: None, shortfall: None };
    // A visitor, and whoever has signed in at a merchant.
    assert_eq!(look(Standing::Visitor, None), unknown);
    assert_eq!(look(Standing::Funded, None), unknown);
    let short = look(Standing::Member, Some(amount(43)));
    assert_eq!((short.remaining, short.shortfall), (None, Some(amount(7))));
    let enough = look(Standing::Funded, Some(amount(50)));
    assert_eq!((enough.remaining, enough.shortfall), (Some(amount(0)), None));
}

#[test]
fn nobody_is_shown_the_instructions() {
    let parts = parts(ProductState::Published, Visibility::default());
    let owner = Viewer { standing: Standing::Funded, available: Some(Amount::MAX), owns: true };
    for language in Language::ALL {
        let seen = view(&parts, &owner, &Visibility::default(), language, &[]).unwrap();
        assert!(!format!("{seen:?}").contains("SECRET"));
    }
}

#[test]
fn each_text_falls_back_by_itself() {
    let parts = parts(ProductState::Published, Visibility::default());
    let visitor = Viewer { standing: Standing::Visitor, available: None, owns: false };
    let seen = |language| view(&parts, &visitor, &Visibility::default(), language, &[]);
    let german = seen(Language::German).unwrap();
    assert_eq!((german.title, german.summary), ("Werkzeug", "Does things"));
    assert_eq!(german.description_html, Some("<p>Lang</p>"));
    assert_eq!(german.language, Some(Language::German));
    let own = seen(OWN).unwrap();
    assert_eq!((own.title, own.description_html), ("Tool", Some("<p>Long</p>")));
    assert_eq!(own.language, None);
}
