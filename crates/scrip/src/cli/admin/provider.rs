//! `scrip admin provider`: what a merchant asks of its provider.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::cli::remote::{Remote, text};
use crate::failure::Outcome;

/// What to ask.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  scrip admin provider accept kJ0vq4mJm1S3n7Vx2c0T9AkJ0vq4mJm1S3n7Vx2c0T9")]
pub struct ProviderArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Accept the provider's invitation, so that this merchant can sell
    #[command(after_help = "\
Example:
  scrip admin provider accept kJ0vq4mJm1S3n7Vx2c0T9AkJ0vq4mJm1S3n7Vx2c0T9

The merchant's own server signs the call to its provider. Doing it again changes nothing.")]
    Accept {
        /// The token that the provider's staff told
        #[arg(value_name = "TOKEN")]
        invitation: String,
    },
}

impl ProviderArgs {
    pub async fn run(&self, remote: &Remote) -> Outcome {
        let Verb::Accept { invitation } = &self.verb;
        let body = json!({ "invitation": invitation });
        let answer = remote.admin()?.post("provider/invitation", &body).await?;
        remote.tell(&answer, show);
        Ok(())
    }
}

fn show(answer: &Value) -> String {
    let word = |name: &str| text(answer, name);
    format!("{} is {} at {}", word("/merchant"), word("/state"), word("/provider"))
}
