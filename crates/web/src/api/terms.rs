//! Terms and limits of an offer, as they cross the API.

use scrip_license::{Limits, RentalStart, Terms};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What the buyer may do, and how long.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[schema(example = json!({ "kind": "perpetual" }))]
pub enum TermsBody {
    /// For ever.
    Perpetual {},
    /// For a time.
    Rental {
        /// How long.
        #[schema(minimum = 1, maximum = 3_162_240_000u64)]
        seconds: u64,
        /// What the time counts from.
        from: RentalFrom,
    },
    /// A number of uses.
    Uses {
        /// How many.
        #[schema(minimum = 1, maximum = 1_000_000_000)]
        count: u64,
    },
    /// A number of processings.
    Processings {
        /// How many.
        #[schema(minimum = 1, maximum = 1_000_000_000)]
        count: u64,
    },
    /// To try, for a time from the purchase.
    Trial {
        /// How long.
        #[schema(minimum = 1, maximum = 3_162_240_000u64)]
        seconds: u64,
    },
}

/// What the time of a rental counts from.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RentalFrom {
    /// The purchase.
    Purchase,
    /// The first activation of a machine.
    FirstActivation,
}

/// How widely a license can be used; what is absent has no limit.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsBody {
    /// How many machines can be active at a time.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 1_000_000)]
    machines: Option<u32>,
    /// How many downloads are included.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 1_000_000)]
    downloads: Option<u32>,
}

impl From<TermsBody> for Terms {
    fn from(body: TermsBody) -> Self {
        match body {
            TermsBody::Perpetual {} => Self::Perpetual,
            TermsBody::Rental { seconds, from } => {
                let from = match from {
                    RentalFrom::Purchase => RentalStart::Purchase,
                    RentalFrom::FirstActivation => RentalStart::FirstActivation,
                };
                Self::Rental { seconds, from }
            }
            TermsBody::Uses { count } => Self::Uses { count },
            TermsBody::Processings { count } => Self::Processings { count },
            TermsBody::Trial { seconds } => Self::Trial { seconds },
        }
    }
}

impl From<Terms> for TermsBody {
    fn from(terms: Terms) -> Self {
        match terms {
            Terms::Perpetual => Self::Perpetual {},
            Terms::Rental { seconds, from } => {
                let from = match from {
                    RentalStart::Purchase => RentalFrom::Purchase,
                    RentalStart::FirstActivation => RentalFrom::FirstActivation,
                };
                Self::Rental { seconds, from }
            }
            Terms::Uses { count } => Self::Uses { count },
            Terms::Processings { count } => Self::Processings { count },
            Terms::Trial { seconds } => Self::Trial { seconds },
        }
    }
}

impl From<LimitsBody> for Limits {
    fn from(body: LimitsBody) -> Self {
        Self { machines: body.machines, downloads: body.downloads }
    }
}

impl From<Limits> for LimitsBody {
    fn from(limits: Limits) -> Self {
        Self { machines: limits.machines, downloads: limits.downloads }
    }
}
