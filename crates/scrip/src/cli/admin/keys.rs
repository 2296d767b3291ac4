//! `scrip admin keys`.

use clap::{Args, Subcommand};
use serde_json::json;

use crate::cli::remote::{Remote, text, texts};
use crate::failure::Outcome;

/// What to do with keys.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  scrip admin keys rotate")]
pub struct KeysArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a new license key, which signs all codes from now on; codes that were sold stay good
    #[command(after_help = "\
Examples:
  scrip admin keys rotate
  scrip admin keys rotate --protocol

The new key lies in keys/ of the server's data folder: back it up. Where several servers share a database,
copy it to the others and send them SIGHUP. Former keys stay public, so that what they signed can be
verified; one that was stolen must be taken out of keys/ by hand, followed by SIGHUP.")]
    Rotate {
        /// A key by which other servers know this one, instead of one for codes
        #[arg(long)]
        protocol: bool,
    },
}

impl KeysArgs {
    pub async fn run(&self, remote: &Remote) -> Outcome {
        let Action::Rotate { protocol } = self.action;
        let path = if protocol { "keys/rotate?purpose=protocol" } else { "keys/rotate" };
        let rotated = remote.admin()?.post(path, &json!({})).await?;
        remote.tell(&rotated, |keys| {
            format!("signs now: {}\nverifies:  {}", text(keys, "/kid"), texts(keys, "/kids"))
        });
        Ok(())
    }
}
