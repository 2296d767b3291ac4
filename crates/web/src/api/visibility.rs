//! Visibility, as it crosses the API. The domain's own type reads and shows it; these describe it.

use serde::Serialize;
use utoipa::ToSchema;

/// What sees each group of a product's fields. What is absent follows the vendor's settings, and there
/// everybody sees it.
#[derive(ToSchema)]
#[schema(as = Visibility, example = json!({ "price": "member", "files": "funded" }))]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "describes what the domain's own type reads")]
pub struct VisibilityBody {
    /// The product itself.
    product: Option<Sees>,
    /// Its price, and everything computed from it.
    price: Option<Sees>,
    /// The long description.
    description: Option<Sees>,
    pictures: Option<Sees>,
    /// Names, sizes, digests, estimated times.
    files: Option<Sees>,
    release_notes: Option<Sees>,
}

/// What a visitor must be to see something.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Level)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "describes what the domain's own type reads")]
enum Sees {
    Visitor,
    Member,
    Funded,
    Covered,
}
