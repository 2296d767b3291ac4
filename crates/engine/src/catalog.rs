//! The catalogue: what staff puts into it, and what each visitor sees of it.
//!
//! Staff names things by their own names, so that a folder can be applied again and again: products
//! by slug, offers by key, releases by version and channel, files by name.
//!
//! ```text
//! product: draft ──▶ published ◀──▶ archived        release: (open) ──publish──▶ published, for ever
//! ```
//!
//! Every command on a product has the product's row as its guard and counts its version up. What a
//! command must know before (which offers there are) comes from a plain read; when the version has
//! moved on meanwhile the command is stale, and what it must know is looked up again.
//!
//! A bundle's offer is current while everything in it is. A command that changes what is current of a product takes the
//! bundles that it is in along: their guards, their rows, the same commit (`held`).
//!
//! A price can be changed in place: order lines and licenses carry price, terms and limits as they
//! were bought, so no order changes with it, and the offer keeps its id and its links.

pub mod estimate;
mod held;
pub mod list;
pub mod markdown;
pub mod offer;
pub mod parts;
pub mod picture;
pub mod preview;
pub mod product;
pub mod release;
pub(crate) mod rules;
pub mod view;

use scrip_domain::catalog::ProductState;
use scrip_storage::Fault;

use crate::Outcome;

/// Why the catalogue was not changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CatalogRefusal {
    /// There is no such product.
    NoSuchProduct,
    /// The product has no offer of this key.
    NoSuchOffer,
    /// The product has no such release.
    NoSuchRelease,
    /// Another product has this slug.
    SlugTaken,
    /// A field is out of its bounds.
    Wrong(Wrong),
    /// The release is published, and its files are fixed: codes carry the digest of their list.
    ReleasePublished,
    /// A product in this state does not become that.
    NotFrom(ProductState),
    /// The product has as many offers as it can have.
    TooManyOffers,
    /// The product is in more bundles than can close or open with it at once.
    TooManyBundles,
}

/// A field that is out of its bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// Which: a path into what was given.
    pub field: String,
    /// What it must be.
    pub must: String,
}

/// Why a command was not carried out: refused, or built on what is no longer so.
#[derive(Debug)]
enum Stop {
    Stale,
    Refused(CatalogRefusal),
}

impl From<CatalogRefusal> for Stop {
    fn from(refusal: CatalogRefusal) -> Self {
        Self::Refused(refusal)
    }
}

/// How often a command looks up again what it must know: three times at most. Somebody else who
/// takes the same unique name at the same time makes it stale as well.
#[derive(Debug, Default)]
struct Tries(u8);

impl Tries {
    /// The final answer, or `None`: look up and submit again.
    fn settle<T>(&mut self, attempt: Outcome<T, Stop>) -> Option<Outcome<T, CatalogRefusal>> {
        self.0 = self.0.saturating_add(1);
        match attempt {
            Ok(Ok(done)) => Some(Ok(Ok(done))),
            Ok(Err(Stop::Refused(refusal))) => Some(Ok(Err(refusal))),
            Ok(Err(Stop::Stale)) | Err(Fault::Conflict) if self.0 < 4 => None,
            Ok(Err(Stop::Stale)) => Some(Err(Fault::Conflict)),
            Err(fault) => Some(Err(fault)),
        }
    }
}
