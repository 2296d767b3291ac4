//! Migrations: forward only, each applied once, known by name and digest.
//!
//! A database that knows a migration which this program does not is newer than the program; one
//! whose migration has another digest was made by something else. Both are refused.

use sha2::{Digest, Sha256};

use crate::fault::Fault;

/// One step of the schema.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Migration {
    pub name: &'static str,
    pub sql: &'static str,
}

/// The migrations of one database, in order.
macro_rules! migrations {
    ($database:literal: $($name:literal),*) => {
        &[$(Migration {
            name: $name,
            sql: include_str!(concat!("../migrations/", $database, "/", $name, ".sql")),
        }),*]
    };
}

pub(crate) const SQLITE: &[Migration] = migrations!("sqlite": "0001_start", "0002_records", "0003_funding", "0004_refunds", "0005_vouchers", "0006_disputes", "0007_payment_methods", "0008_credit_line", "0009_coupons", "0010_seasoning", "0011_provider", "0012_merchant", "0013_webhooks", "0014_epoch", "0015_partners", "0016_exchanges", "0017_settlements", "0018_visits", "0019_partner_errands", "0020_histories", "0021_usage", "0022_updates", "0023_license_counts", "0024_reissues", "0025_letters", "0026_staff", "0027_figures", "0028_legal_texts", "0031_connections", "0032_refund_requests", "0033_erasure", "0034_sign_ins", "0035_texts", "0036_leftovers", "0037_sessions", "0038_exchanges_of_partner", "0039_new_emails", "0040_factors", "0041_imprint", "0042_muted_merchants", "0043_promises", "0044_passkeys", "0045_nobodys_drafts", "0046_captures_that_wait", "0047_warnings_in_order", "0048_bundles_on_sale");

pub(crate) const POSTGRES: &[Migration] = migrations!("postgres": "0001_start", "0002_records", "0003_funding", "0004_refunds", "0005_vouchers", "0006_disputes", "0007_payment_methods", "0008_credit_line", "0009_coupons", "0010_seasoning", "0011_provider", "0012_merchant", "0013_webhooks", "0014_epoch", "0015_partners", "0016_exchanges", "0017_settlements", "0018_visits", "0019_partner_errands", "0020_histories", "0021_usage", "0022_updates", "0023_license_counts", "0024_reissues", "0025_letters", "0026_staff", "0027_figures", "0028_legal_texts", "0031_connections", "0032_refund_requests", "0033_erasure", "0034_sign_ins", "0035_texts", "0036_leftovers", "0037_sessions", "0038_exchanges_of_partner", "0039_new_emails", "0040_factors", "0041_imprint", "0042_muted_merchants", "0043_promises", "0044_passkeys", "0045_nobodys_drafts", "0046_captures_that_wait", "0047_warnings_in_order", "0048_bundles_on_sale");

/// The table that remembers what was applied; the same text on both databases.
pub(crate) const TABLE: &str =
    "CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY, digest TEXT NOT NULL)";
/// What was applied.
pub(crate) const APPLIED: &str = "SELECT name, digest FROM migrations ORDER BY name";
/// Remembers one.
pub(crate) const REMEMBER: &str = "INSERT INTO migrations (name, digest) VALUES ($1, $2)";

impl Migration {
    /// SHA-256 of its text.
    pub fn digest(&self) -> String {
        base16ct::lower::encode_string(&Sha256::digest(self.sql.as_bytes()))
    }
}

/// Which of `known` are still to be applied, when `applied` were.
pub(crate) fn pending(
    known: &'static [Migration],
    applied: &[(String, String)],
) -> Result<Vec<Migration>, Fault> {
    for (name, digest) in applied {
        let Some(migration) = known.iter().find(|migration| migration.name == name) else {
            return Err(Fault::Unfit(format!(
                "the database is newer than this program: it has migration {name}; use the newer program"
            )));
        };
        if migration.digest() != *digest {
            return Err(Fault::Unfit(format!(
                "migration {name} was applied in another form; this is not a database of this program"
            )));
        }
    }
    let is_new = |migration: &&Migration| applied.iter().all(|(name, _)| name != migration.name);
    Ok(known.iter().filter(is_new).copied().collect())
}

/// Whether all of `known` were applied, and nothing else.
pub(crate) fn up_to_date(
    known: &'static [Migration],
    applied: &[(String, String)],
) -> Result<(), Fault> {
    match pending(known, applied)?.first() {
        None => Ok(()),
        Some(missing) => Err(Fault::Unfit(format!(
            "the database is older than this program: it lacks migration {}, which the next start of the server brings",
            missing.name
        ))),
    }
}

/// The name of the latest migration that this program knows.
pub(crate) fn latest() -> &'static str {
    SQLITE.last().map_or("", |migration| migration.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_or_foreign_database_is_refused() {
        let known = SQLITE.first().unwrap();
        let row = |name: &str, digest: String| vec![(name.to_owned(), digest)];
        assert_eq!(pending(SQLITE, &[]).unwrap().len(), SQLITE.len());
        assert_eq!(
            pending(SQLITE, &row(known.name, known.digest())).unwrap().len(),
            SQLITE.len() - 1
        );
        let newer = pending(SQLITE, &row("9999_future", String::new())).unwrap_err();
        assert!(newer.to_string().contains("newer"), "{newer}");
        let foreign = pending(SQLITE, &row(known.name, "00".into())).unwrap_err();
        assert!(foreign.to_string().contains("another form"), "{foreign}");
    }

    #[test]
    fn both_databases_take_the_same_steps() {
        let names = |list: &[Migration]| list.iter().map(|m| m.name).collect::<Vec<_>>();
        assert_eq!(names(SQLITE), names(POSTGRES));
    }
}
