//! What is told of a license in use.

use scrip_domain::Timestamp;
use scrip_domain::license::{License, LicenseState};
use scrip_domain::usage::{Activation, Usage};
use scrip_engine::Page;
use scrip_engine::license::state_at;
use scrip_license::{Reason, Terms};
use serde::Serialize;
use utoipa::ToSchema;

/// The first page of a license's machines.
pub const MOST_MACHINES: Page = Page { after: None, limit: 100 };

/// The word for the state that a license has at `at`.
pub fn word(license: &License, at: Timestamp) -> &'static str {
    match state_at(license, at) {
        _ if license.state == LicenseState::Withheld => "withheld",
        Reason::Valid => "valid",
        Reason::Expired => "expired",
        Reason::Refunded => "refunded",
        Reason::Suspended => "suspended",
        _ => "revoked",
    }
}

/// The name of what a license counts, as `consume` takes it for `kind`; `None` where nothing is counted.
pub fn unit(terms: Terms) -> Option<String> {
    match terms {
        Terms::Uses { .. } => Some("uses".to_owned()),
        Terms::Processings { unit: Some(unit), .. } => Some(unit.to_string()),
        Terms::Processings { unit: None, .. } => Some("processings".to_owned()),
        Terms::Perpetual | Terms::Rental { .. } | Terms::Trial { .. } => None,
    }
}

/// How many machines a license is in use on.
#[derive(Debug, Serialize, ToSchema)]
pub struct Machines {
    /// How many are active.
    pub active: u32,
    /// How many can be; null without a limit.
    #[schema(required)]
    pub limit: Option<u32>,
}

impl Machines {
    pub fn new(license: &License, usage: &Usage) -> Self {
        Self { active: usage.machines, limit: license.limits.machines }
    }
}

/// How much a license is used.
#[derive(Debug, Serialize, ToSchema)]
pub struct InUse {
    /// What is counted: `uses`, `processings`, or the name of what is processed; null where nothing is.
    #[schema(required, example = "images")]
    unit: Option<String>,
    /// How many are left.
    #[schema(required, example = 940)]
    left: Option<u64>,
    /// How many are gone.
    #[schema(example = 40)]
    used: u64,
    /// How many are set apart for leases that were not returned.
    #[schema(example = 20)]
    leased: u64,
    machines: Machines,
}

impl InUse {
    /// How much `license` is used.
    pub fn new(license: &License, usage: &Usage) -> Self {
        Self {
            unit: unit(license.terms),
            left: usage.left(license.terms),
            used: usage.used,
            leased: usage.leased,
            machines: Machines::new(license, usage),
        }
    }
}

/// A machine on which a license is active.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Activation)]
pub struct ActivationOut {
    #[schema(example = "act_06bq3v8k2m9zc")]
    id: String,
    /// What the program called it; may be empty.
    #[schema(example = "Ada's laptop")]
    name: String,
    activated_at: String,
    /// Until when it may be offline.
    offline_until: String,
}

impl ActivationOut {
    /// A machine, as its owner sees it.
    pub fn new(row: &Activation) -> Self {
        Self {
            id: row.id.to_string(),
            name: row.name.clone(),
            activated_at: row.activated_at.to_string(),
            offline_until: row.offline_until.to_string(),
        }
    }
}
