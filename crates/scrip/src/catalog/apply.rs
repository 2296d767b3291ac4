//! Makes a server's catalogue equal to a folder, through its admin API.
//!
//! What a product consists of is there before the product is for sale: objects first, then the
//! product, its offers and releases, its state last. Every step can be repeated, so after a failure
//! the same command goes on where it stopped.

use std::collections::BTreeMap;

use scrip_client::{Admin, Body};
use scrip_domain::catalog::{ProductKind, ProductState};
use serde_json::{Value, json};

use super::diff::{Act, Difference, ProductChange};
use super::folder::Token;
use super::remote::product_path;
use super::{Catalog, Object, Offer, Product, Release, show};
use crate::failure::{Failure, Outcome};

/// What is happening, for who waits.
pub type Progress<'a> = &'a dyn Fn(&str);

/// The objects that the changed products need, by SHA-256, and that the server does not have.
pub async fn missing<'a>(
    admin: &Admin,
    wanted: &'a Catalog,
    difference: &Difference,
) -> Outcome<BTreeMap<&'a str, &'a Object>> {
    let mut missing = BTreeMap::new();
    for sha256 in wanted_objects(wanted, difference) {
        let Some((sha256, object)) = wanted.objects.get_key_value(sha256) else { continue };
        if !missing.contains_key(sha256.as_str()) && !admin.has_object(sha256).await? {
            missing.insert(sha256.as_str(), object);
        }
    }
    Ok(missing)
}

fn wanted_objects<'a>(wanted: &'a Catalog, difference: &Difference) -> Vec<&'a str> {
    let changes = difference.products.iter().filter_map(|change| wanted.product(&change.slug));
    let objects = changes.flat_map(|product| {
        let files = product.releases.iter().flat_map(|release| &release.fields.files);
        let pictures = product.fields.pictures.iter().map(|picture| picture.object.as_str());
        files.map(|file| file.sha256.as_str()).chain(pictures)
    });
    objects.collect()
}

/// Carries the difference out.
pub async fn apply(
    admin: &Admin,
    wanted: &Catalog,
    token: &Token,
    difference: &Difference,
    progress: Progress<'_>,
) -> Outcome {
    for (sha256, object) in missing(admin, wanted, difference).await? {
        let name = object.path.file_name().unwrap_or_default().display();
        progress(&format!("uploading {name}, {}", show::size(object.size)));
        upload(admin, sha256, object).await?;
    }
    // What is in a bundle is there before the bundle.
    let bundle = |change: &&ProductChange| {
        let product = wanted.product(&change.slug);
        product.is_some_and(|product| product.fields.kind == ProductKind::Bundle)
    };
    let (bundles, others): (Vec<_>, Vec<_>) = difference.products.iter().partition(bundle);
    for change in others.into_iter().chain(bundles) {
        progress(&format!("{} {}", verb(change.act), change.slug));
        change_product(admin, wanted, token, change).await?;
    }
    Ok(())
}

fn verb(act: Act) -> &'static str {
    match act {
        Act::Add => "adding",
        Act::Change => "changing",
        Act::Remove => "archiving",
    }
}

async fn upload(admin: &Admin, sha256: &str, object: &Object) -> Outcome {
    let file = tokio::fs::File::open(&object.path)
        .await
        .map_err(|error| Failure::new(format!("cannot read {}: {error}", object.path.display())))?;
    admin.put_object(sha256, Body::reader(file, object.size)).await?;
    Ok(())
}

async fn change_product(
    admin: &Admin,
    wanted: &Catalog,
    token: &Token,
    change: &ProductChange,
) -> Outcome {
    let path = product_path(&change.slug);
    if let Some(product) = wanted.product(&change.slug) {
        if change.act == Act::Add || !change.fields.is_empty() {
            admin.put(&path, &product_body(product)).await?;
        }
        for part in &change.offers {
            let path = format!("{path}/offers/{}", part.name);
            match product.offers.iter().find(|offer| offer.key == part.name) {
                Some(offer) => admin.put(&path, &offer_body(offer, token)).await?,
                None => admin.delete(&path).await?,
            };
        }
        let changed =
            |release: &&Release| change.releases.iter().any(|part| part.name == release.name());
        for release in product.releases.iter().filter(changed) {
            let path = format!("{path}/releases/{}", release.name());
            admin.put(&path, &release_body(release)).await?;
        }
    }
    match change.state {
        Some(ProductState::Published) => admin.post(&format!("{path}/publish"), &json!({})).await?,
        Some(ProductState::Archived) => admin.post(&format!("{path}/archive"), &json!({})).await?,
        Some(ProductState::Draft) | None => Value::Null,
    };
    Ok(())
}

fn product_body(product: &Product) -> Value {
    let fields = &product.fields;
    let mut body = json!({
        "kind": fields.kind,
        "title": fields.title,
        "summary": fields.summary,
        "description": fields.description,
        "categories": fields.labels.categories,
        "tags": fields.labels.tags,
        "pictures": fields.pictures,
        "visibility": fields.visibility,
        "instructions": fields.instructions,
    });
    // A server that is older than this program knows no other languages, and gets none.
    if !fields.texts.0.is_empty()
        && let Value::Object(body) = &mut body
    {
        body.insert("texts".to_owned(), json!(fields.texts));
    }
    body
}

fn offer_body(offer: &Offer, token: &Token) -> Value {
    let fields = offer.fields;
    let mut body = json!({
        "price": {"amount": fields.price, "unit": token.code},
        "terms": fields.terms,
        "limits": fields.limits,
    });
    // A server that is older than this program knows no bundles, and gets none.
    if !offer.items.is_empty()
        && let Value::Object(body) = &mut body
    {
        body.insert("items".to_owned(), json!(offer.items));
    }
    body
}

fn release_body(release: &Release) -> Value {
    let file = |file: &scrip_engine::catalog::release::FileFields| {
        json!({
            "name": file.name,
            "sha256": file.sha256,
            "platform": file.platform,
            "media_type": file.media_type,
        })
    };
    let fields = &release.fields;
    let files: Vec<_> = fields.files.iter().map(file).collect();
    json!({"notes": fields.notes, "files": files, "publish": fields.publish})
}
