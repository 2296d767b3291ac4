//! `scrip config check`, `scrip config print-default`.

use std::sync::Arc;

use clap::{Args, Subcommand};
use scrip_domain::role::Role;
use scrip_storage::Store;
use serde_json::json;

use super::one_thread;
use super::remote::print;
use super::serve::ConfigFile;
use crate::clock::SystemClock;
use crate::config::{self, Config, Database};
use crate::failure::{Failure, Outcome};
use crate::server::books::{cannot_open, holds_shop};
use crate::server::tls::{self, Certificate};
use crate::server::{bureau, mail, objects, processor, traces};
use crate::vault::Vault;

/// What to do with the configuration.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  scrip config check --config shop/scrip.toml")]
pub struct ConfigArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Say what is wrong with the configuration, and with what it names: keys, folders, database
    #[command(after_help = "\
Example:
  scrip config check --config shop/scrip.toml

Exit code 0 when nothing is wrong, 1 when something is. Nothing is asked of the network, but of a bucket to keep a small
object, to read a part of it, and to delete it.")]
    Check {
        #[command(flatten)]
        file: ConfigFile,
        /// What is in force, as a JSON object
        #[arg(long)]
        json: bool,
    },
    /// Print every option with its default
    #[command(after_help = "Example:\n  scrip config print-default > scrip.toml")]
    PrintDefault,
}

impl ConfigArgs {
    pub fn run(&self) -> Outcome {
        let (file, as_json) = match &self.action {
            Action::PrintDefault => {
                print(config::DEFAULT.trim_end());
                return Ok(());
            }
            Action::Check { file, json } => (file, *json),
        };
        let checked = file.load().and_then(|mut config| {
            let certificate = stands(&config)?;
            if let Some(certificate) = &certificate {
                config.warnings.extend(certificate.warning(config.public_url.as_deref()));
            }
            Ok((config, certificate.map(|certificate| certificate.ends())))
        });
        if as_json {
            let answer = match &checked {
                Ok((config, ends)) => json!({
                    "ok": true,
                    "roles": config.roles.iter().map(Role::as_str).collect::<Vec<_>>(),
                    "provider": config.provider,
                    "listen": config.listen.to_string(),
                    "tls": config.tls.as_ref().map(|files| json!({
                        "certificate_file": files.certificate,
                        "ends_at": ends.map(|at| at.to_string()),
                    })),
                    "public_url": config.public_url,
                    "database": config.database.to_string(),
                    "data": config.data,
                    "demo": config.demo,
                    "metrics": config.metrics.map(|address| address.to_string()),
                    "processor": config.stripe.as_ref().map(|_| "stripe"),
                    "bureau": config.bureau.as_ref().map(|bureau| &bureau.url),
                    "bucket": config.bucket.as_ref().map(|bucket| &bucket.bucket),
                    "mail": config.mail.as_ref().map(|mail| &mail.server),
                    "traces": config.traces.as_ref().map(|traces| &traces.endpoint),
                    "warnings": config.warnings,
                }),
                Err(failure) => json!({ "ok": false, "error": failure.to_string() }),
            };
            print(&answer);
            return checked.map(drop);
        }
        let (config, ends) = checked?;
        for warning in &config.warnings {
            eprintln!("warning: {warning}");
        }
        let Config { listen, database, .. } = &config;
        let tls = ends.map(|at| format!(" over TLS, with a certificate until {at}"));
        let tls = tls.unwrap_or_default();
        print(&format!("The configuration is good: {listen}{tls}, database {database}."));
        Ok(())
    }
}

/// Whether what the configuration names is there, as far as that shows on this machine; gives its certificate.
fn stands(config: &Config) -> Outcome<Option<Arc<Certificate>>> {
    let certificate = tls::open(config)?;
    let vault = Vault::within(&config.data);
    let keys = vault.open()?;
    let clock: Arc<dyn scrip_domain::Clock> = Arc::new(SystemClock);
    processor::open(config, &clock)?;
    bureau::open(config)?;
    mail::open(config)?;
    traces::open(config)?;
    if let Some(bucket) = objects::bucket(config)? {
        one_thread(objects::prove(bucket.as_ref()))?;
    }
    match &config.database {
        Database::Postgres(url) => Store::is_postgres_url(url).map_err(|fault| {
            Failure::new(format!("the URL of the database does not do: {fault}"))
        })?,
        Database::Sqlite(path) => {
            let opened = std::fs::OpenOptions::new().read(true).write(true).open(path);
            opened.map(drop).map_err(|error| {
                Failure::new(format!("cannot open the database {}: {error}", path.display()))
                    .advise("`scrip init DIR` makes one; this user must be able to write to it.")
            })?;
            one_thread(holds_shop(&config.database))?;
            let imprint = Store::sqlite_imprint(path);
            let imprint = imprint.map_err(|fault| cannot_open(&config.database, &fault))?;
            if imprint.is_some_and(|imprint| imprint != keys.imprint()) {
                return Err(vault.other_secret());
            }
        }
    }
    Ok(certificate)
}
