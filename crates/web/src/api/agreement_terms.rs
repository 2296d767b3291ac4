//! The terms of an agreement, as they cross the API. The domain reads and writes them; what is here describes them.
#![expect(dead_code, reason = "describes what the domain's own types read and write")]

use utoipa::ToSchema;

/// What two vendors agree on. The proposer is the first of each pair.
#[derive(ToSchema)]
#[schema(as = AgreementTerms, example = json!({
    "parties": [
        { "url": "https://shop.example", "token": "AUR", "scale": 2, "tokens": 100, "micros": 1_000_000 },
        { "url": "https://other.example", "token": "BEL", "scale": 2, "tokens": 100, "micros": 250_000 }
    ],
    "currency": "EUR",
    "ways": [
        { "rate": { "source": "unit_values" }, "spread_basis_points": 250, "min": 100, "max": 50_000, "buyer_day": 100_000,
          "day": 1_000_000, "cap": 10_000_000_000u64, "lots": ["paid", "exchange"] },
        null
    ],
    "cycle": { "kind": "days", "days": 30 }, "due_days": 14, "notice_days": 14
}))]
pub struct TermsSetting {
    /// The two: first who proposes, then the other.
    #[schema(min_items = 2, max_items = 2)]
    parties: Vec<PartySetting>,
    /// The currency in which they settle (ISO 4217).
    #[schema(example = "EUR", pattern = "^[A-Z]{3}$")]
    currency: String,
    /// What the first one's tokens buy at the second, and the second one's at the first; null: not that way.
    #[schema(min_items = 2, max_items = 2)]
    ways: Vec<Option<WaySetting>>,
    cycle: CycleSetting,
    /// How many days the net amount may be owed after both have agreed on it.
    #[schema(minimum = 1, maximum = 366, example = 14)]
    due_days: u32,
    /// How many days before a change or an end is to be told.
    #[schema(minimum = 1, maximum = 366, example = 14)]
    notice_days: u32,
}

/// One of the two vendors.
#[derive(ToSchema)]
pub struct PartySetting {
    /// Its address.
    #[schema(example = "https://shop.example", max_length = 2000)]
    url: String,
    /// Its token.
    #[schema(example = "AUR", pattern = "^[A-Z][A-Z0-9]{2,7}$")]
    token: String,
    /// The token's decimals.
    #[schema(maximum = 6, example = 2)]
    scale: u8,
    /// So many smallest units of the token…
    #[schema(minimum = 1, maximum = 1_000_000_000_000_000u64, example = 100)]
    tokens: u64,
    /// …are worth so many millionths of the currency.
    #[schema(minimum = 1, maximum = 1_000_000_000_000_000u64, example = 1_000_000)]
    micros: u64,
}

/// One direction: the issuing vendor's tokens buy tokens of the other. Amounts are in the issuing vendor's smallest unit.
#[derive(ToSchema)]
pub struct WaySetting {
    rate: RateSetting,
    /// What the buyer receives less, in hundredths of a percent; it never lowers the compensation.
    #[schema(maximum = 9999, example = 250)]
    spread_basis_points: u32,
    /// The least that may be given at once.
    #[schema(minimum = 1, maximum = 1_000_000_000_000_000u64, example = 100)]
    min: u64,
    /// The most that may be given at once.
    #[schema(minimum = 1, maximum = 1_000_000_000_000_000u64, example = 50_000)]
    max: u64,
    /// The most that one buyer may give in a day (UTC).
    #[schema(minimum = 1, maximum = 1_000_000_000_000_000u64, example = 100_000)]
    buyer_day: u64,
    /// The most that all buyers may give in a day.
    #[schema(minimum = 1, maximum = 1_000_000_000_000_000u64, example = 1_000_000)]
    day: u64,
    /// The most that the issuing vendor may owe, in millionths of the currency.
    #[schema(minimum = 1, maximum = 1_000_000_000_000_000u64, example = 10_000_000_000u64)]
    cap: u64,
    /// Which lots may move: `paid`, `exchange`.
    #[schema(min_items = 1, max_items = 2, example = json!(["paid", "exchange"]))]
    lots: Vec<String>,
}

/// Where the rate comes from: `unit_values`, what both tokens are worth in the agreement; or `fixed`, so many smallest units
/// given are so many received.
#[derive(ToSchema)]
#[schema(example = json!({ "source": "unit_values" }))]
#[serde(tag = "source", rename_all = "snake_case")]
pub enum RateSetting {
    UnitValues,
    Fixed {
        #[schema(minimum = 1, maximum = 1_000_000_000_000_000u64, example = 100)]
        give: u64,
        #[schema(minimum = 1, maximum = 1_000_000_000_000_000u64, example = 400)]
        receive: u64,
    },
}

/// What is settled at once: `each` exchange by itself, or what was committed in so many `days`.
#[derive(ToSchema)]
#[schema(example = json!({ "kind": "days", "days": 30 }))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum CycleSetting {
    Each,
    Days {
        #[schema(minimum = 1, maximum = 366, example = 30)]
        days: u32,
    },
}
