//! `scrip config check`, `scrip config print-default`.

use clap::{Args, Subcommand};
use serde_json::json;

use super::remote::print;
use super::serve::ConfigFile;
use crate::config;
use crate::failure::Outcome;

/// What to do with the configuration.
#[derive(Debug, Args)]
pub struct ConfigArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Say what is wrong with the configuration; exit code 0 when nothing is
    #[command(after_help = "Example:\n  scrip config check --config shop/scrip.toml")]
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
        let config = file.load()?;
        let listen = config.listen.to_string();
        if as_json {
            print(&json!({
                "ok": true,
                "listen": listen,
                "public_url": config.public_url,
                "database": config.database.to_string(),
                "data": config.data,
                "demo": config.demo,
                "metrics": config.metrics.map(|address| address.to_string()),
                "warnings": config.warnings,
            }));
            return Ok(());
        }
        for warning in &config.warnings {
            eprintln!("warning: {warning}");
        }
        print(&format!("The configuration is good: {listen}, database {}.", config.database));
        Ok(())
    }
}
