//! The catalogue: products, their offers, releases and files.

use std::cmp::Ordering;

use scrip_license::{Limits, Terms};
use serde::{Deserialize, Serialize};

use crate::amount::Amount;
use crate::id::Id;
use crate::texts::Texts;
use crate::time::Timestamp;
use crate::visibility::Visibility;
use crate::words;

words! {
    /// How a product is received.
    pub enum ProductKind {
        /// As files.
        Download = "download",
        /// As a service: a code plus the vendor's instructions or access address.
        Service = "service",
        /// As several other products.
        Bundle = "bundle",
    }
}

words! {
    /// Where a product stands: only a published one is for sale.
    pub enum ProductState {
        /// Being prepared; nobody else sees it.
        Draft = "draft",
        /// For sale.
        Published = "published",
        /// No longer for sale; its owners keep it.
        Archived = "archived",
    }
}

/// A thing for sale.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Product {
    /// Its name among ids.
    pub id: Id<Self>,
    /// Its name in addresses: lower-case letters, digits and dashes.
    pub slug: String,
    /// How it is received.
    pub kind: ProductKind,
    /// Where it stands.
    pub state: ProductState,
    /// Its title, plain text.
    pub title: String,
    /// One or two sentences, plain text.
    pub summary: String,
    /// The description, Markdown.
    pub description: String,
    /// Where it belongs.
    pub labels: Labels,
    /// Its pictures.
    pub pictures: Vec<Picture>,
    /// Who sees what, where it differs from the vendor's settings.
    pub visibility: Visibility,
    /// What the buyer of a service is told with the code, Markdown.
    pub instructions: String,
    /// What it says in languages besides the vendor's own, in which everything above is.
    pub texts: Texts,
    /// The lowest price of its current offers, zero included; kept with the offers, in the same commit.
    pub price_from: Option<Amount>,
    /// The same without the free ones: the balance that covers this product.
    pub cheapest: Option<Amount>,
    /// The newest published release, if there is one.
    pub release: Option<Id<Release>>,
    /// Counts the changes to it, its offers and its releases, and the bundles that its offers come into. A command that
    /// looked at them before compares it, and looks again when it is another.
    pub version: u64,
    /// When it was first entered.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// Where a product belongs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Labels {
    /// Shelves of the shop.
    pub categories: Vec<String>,
    /// Free words.
    pub tags: Vec<String>,
}

/// The media types that a picture can have. Not SVG: it can carry scripts.
pub const PICTURE_TYPES: [&str; 5] =
    ["image/png", "image/jpeg", "image/webp", "image/avif", "image/gif"];

/// A picture of a product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Picture {
    /// What it shows, for those who do not see it.
    pub alt: String,
    /// The object that holds it.
    pub object: String,
    /// Its media type: one of [`PICTURE_TYPES`].
    pub media_type: String,
}

/// A price with terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Its name.
    pub id: Id<Self>,
    /// What it sells.
    pub product: Id<Product>,
    /// The vendor's own name of it, one of its kind per product: `standard`, `rental-30d`.
    pub key: String,
    /// What one unit costs, in smallest units of the token.
    pub price: Amount,
    /// What the buyer may do, and how long.
    pub terms: Terms,
    /// How many machines and downloads.
    pub limits: Limits,
    /// Whether it is offered now: not retired, its product published, and all that is in it, if it is a bundle's, offered.
    pub current: bool,
    /// Since when it is offered no more, if it was withdrawn.
    pub retired_at: Option<Timestamp>,
    /// When it was first entered.
    pub created_at: Timestamp,
}

/// An offer that comes with a bundle's offer. A bundle makes a line for each of its items.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BundleItem {
    /// The offer of a product of the kind `bundle`.
    pub bundle: Id<Offer>,
    /// Its place there, from zero.
    pub place: u32,
    /// The offer of another product, with its own terms and limits.
    pub item: Id<Offer>,
}

/// A version of a downloadable product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// Its name.
    pub id: Id<Self>,
    /// Whose version it is.
    pub product: Id<Product>,
    /// The version, as the vendor writes it.
    pub version: String,
    /// The channel it is published in, `stable` if nothing is said.
    pub channel: String,
    /// What is new, Markdown.
    pub notes: String,
    /// SHA-256 of the manifest: the sorted list of its files' digests and names.
    pub manifest: String,
    /// When it was published; a release that was not is invisible.
    pub published_at: Option<Timestamp>,
}

/// One artefact of a release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its name among ids.
    pub id: Id<Self>,
    /// The release it belongs to.
    pub release: Id<Release>,
    /// The name it is saved under: no path, no control characters.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// SHA-256 in lower-case hexadecimal; also its name in the object store.
    pub sha256: String,
    /// For which platform, as the vendor writes it; empty for all.
    pub platform: String,
    /// Its media type.
    pub media_type: String,
    /// SHA-512 in base64, which some updaters go by; empty until it was asked for, where it was not known before.
    pub sha512: String,
}

impl Release {
    /// Whether this is newer than `other`: by semantic versioning where both versions are such, else by the time of
    /// publication. A release that is not published is never newer.
    pub fn is_newer(&self, other: &Self) -> bool {
        match order(&self.version, &other.version) {
            Some(order) => order == Ordering::Greater,
            None => (self.published_at, self.id) > (other.published_at, other.id),
        }
    }
}

/// How two versions stand to each other, where both are such of semantic versioning (semver.org): `1.10.0` is newer than
/// `1.9.0`, and `2.0.0` than `2.0.0-beta.1`. A `v` before a version is overlooked.
pub fn order(one: &str, other: &str) -> Option<Ordering> {
    let parse =
        |version: &str| semver::Version::parse(version.strip_prefix('v').unwrap_or(version)).ok();
    // What stands after a plus does not make a version newer.
    Some(parse(one)?.cmp_precedence(&parse(other)?))
}

/// Whether `slug` can be an address: 1 to 80 of `a-z0-9-`, no dash at either end.
pub fn plausible_slug(slug: &str) -> bool {
    (1..=80).contains(&slug.len())
        && slug.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !slug.starts_with('-')
        && !slug.ends_with('-')
}

/// Whether `name` can be a file's: no path, no control characters, not a name that means a folder.
pub fn plausible_file_name(name: &str) -> bool {
    (1..=200).contains(&name.len())
        && !name.chars().any(|c| {
            c.is_control() || matches!(c, '/' | '\\' | ':' | '"' | '<' | '>' | '|' | '?' | '*')
        })
        && !name.starts_with('.')
        && !name.ends_with(['.', ' '])
        && !name.starts_with(' ')
}

/// The digest that a release's licenses name: SHA-256 over `<sha256>  <name>\n` of its files, sorted.
pub fn manifest_digest<'a>(files: impl IntoIterator<Item = &'a File>) -> String {
    use sha2::{Digest, Sha256};
    let mut lines: Vec<String> =
        files.into_iter().map(|file| format!("{}  {}\n", file.sha256, file.name)).collect();
    lines.sort_unstable();
    let mut hasher = Sha256::new();
    lines.iter().for_each(|line| hasher.update(line.as_bytes()));
    base16ct::lower::encode_string(&hasher.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_cannot_climb() {
        for good in ["tool-1.2.tar.gz", "Übersicht 2026.pdf"] {
            assert!(plausible_file_name(good), "{good}");
        }
        for bad in ["", "..", ".hidden", "a/b", "a\\b", "C:x", "a\nb", "x.", " x", "a\u{0}b"] {
            assert!(!plausible_file_name(bad), "{bad:?}");
        }
    }

    #[test]
    fn versions_are_compared_by_their_numbers_and_else_by_time() {
        for (older, newer) in [
            ("1.9.0", "1.10.0"),
            ("2.0.0-beta.2", "2.0.0-beta.11"),
            ("2.0.0-rc.1", "2.0.0"),
            ("v1.0.0", "1.0.1"),
        ] {
            assert_eq!(order(older, newer), Some(Ordering::Less), "{older} {newer}");
            assert_eq!(order(newer, older), Some(Ordering::Greater), "{older} {newer}");
        }
        assert_eq!(order("1.0.0+a", "1.0.0+b"), Some(Ordering::Equal));
        assert_eq!(order("1.0", "1.0.0"), None);
        assert_eq!(order("spring", "2026-04-01"), None);
        let release = |version: &str, at: i64| Release {
            id: Id::new(1).unwrap(),
            product: Id::new(1).unwrap(),
            version: version.into(),
            channel: "stable".into(),
            notes: String::new(),
            manifest: String::new(),
            published_at: Some(Timestamp::from_millis(at)),
        };
        assert!(release("1.10.0", 1).is_newer(&release("1.9.0", 2)), "published later or not");
        assert!(release("spring", 2).is_newer(&release("winter", 1)));
        assert!(!release("spring", 1).is_newer(&release("winter", 1)));
    }

    #[test]
    fn slugs_are_plain() {
        assert!(plausible_slug("field-recorder-2"));
        for bad in ["", "-a", "a-", "A", "a b", "ä", "a/b"] {
            assert!(!plausible_slug(bad), "{bad}");
        }
    }
}
