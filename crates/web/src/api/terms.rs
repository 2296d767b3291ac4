//! Terms and limits of an offer, as they cross the API.

use scrip_license::{Limits, RentalStart, Terms, Unit};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

/// What the buyer may do, and how long.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
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
        /// What is processed, where that has a name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schema(value_type = Option<String>, pattern = "^[a-z][a-z0-9_-]{0,23}$", example = "images")]
        unit: Option<Unit>,
    },
    /// To try, for a time from the purchase.
    Trial {
        /// How long.
        #[schema(minimum = 1, maximum = 3_162_240_000u64)]
        seconds: u64,
    },
}

/// The members of terms of every kind. What serde makes of a tag reads them where no place is known any more.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Members {
    kind: Kind,
    seconds: Option<u64>,
    from: Option<RentalFrom>,
    count: Option<u64>,
    unit: Option<Unit>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Perpetual,
    Rental,
    Uses,
    Processings,
    Trial,
}

impl<'de> Deserialize<'de> for TermsBody {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let Members { kind, mut seconds, mut from, mut count, mut unit } =
            Members::deserialize(from)?;
        let terms = match kind {
            Kind::Perpetual => Self::Perpetual {},
            Kind::Rental => Self::Rental {
                seconds: take(&mut seconds, "seconds")?,
                from: take(&mut from, "from")?,
            },
            Kind::Uses => Self::Uses { count: take(&mut count, "count")? },
            Kind::Processings => {
                Self::Processings { count: take(&mut count, "count")?, unit: unit.take() }
            }
            Kind::Trial => Self::Trial { seconds: take(&mut seconds, "seconds")? },
        };
        let left = [
            ("seconds", seconds.is_some()),
            ("from", from.is_some()),
            ("count", count.is_some()),
            ("unit", unit.is_some()),
        ];
        match left.iter().find(|(_, is_left)| *is_left) {
            Some((name, _)) => Err(D::Error::unknown_field(name, &[])),
            None => Ok(terms),
        }
    }
}

fn take<T, E: Error>(member: &mut Option<T>, name: &'static str) -> Result<T, E> {
    member.take().ok_or_else(|| E::missing_field(name))
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
    /// How often a machine can be deactivated within 365 days.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 1_000_000)]
    moves: Option<u32>,
    /// For how many days an activated machine can be offline; absent: 30.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 3650)]
    offline_days: Option<u32>,
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
            TermsBody::Processings { count, unit } => Self::Processings { count, unit },
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
            Terms::Processings { count, unit } => Self::Processings { count, unit },
            Terms::Trial { seconds } => Self::Trial { seconds },
        }
    }
}

impl From<LimitsBody> for Limits {
    fn from(body: LimitsBody) -> Self {
        let LimitsBody { machines, downloads, moves, offline_days } = body;
        Self { machines, downloads, moves, offline_days }
    }
}

impl From<Limits> for LimitsBody {
    fn from(limits: Limits) -> Self {
        let Limits { machines, downloads, moves, offline_days } = limits;
        Self { machines, downloads, moves, offline_days }
    }
}
