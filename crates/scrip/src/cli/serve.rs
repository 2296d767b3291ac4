//! `scrip serve`.

use std::path::PathBuf;

use clap::Args;

use crate::config::{self, Config};
use crate::failure::Outcome;
use crate::server;

/// Where the configuration is.
#[derive(Clone, Debug, Args)]
pub struct ConfigFile {
    /// The configuration
    #[arg(long, value_name = "FILE", env = "SCRIP_CONFIG", default_value = config::FILE)]
    config: PathBuf,
}

impl ConfigFile {
    /// Where it is.
    pub fn path(&self) -> &std::path::Path {
        &self.config
    }

    /// Reads it, and the environment over it.
    pub fn load(&self) -> Outcome<Config> {
        Config::load(&self.config, &config::environment())
    }
}

/// Which folder to serve.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  scrip serve --config shop/scrip.toml

Prints `listening on http://...` (or https://) when it is ready, and logs on standard error. SIGTERM and SIGINT stop it
when the requests that are being answered have ended; SIGHUP makes it read its keys and its certificate again. Exit code 0
after a stop, 1 when it could not start or go on.")]
pub struct ServeArgs {
    #[command(flatten)]
    file: ConfigFile,
}

impl ServeArgs {
    pub fn run(&self) -> Outcome {
        server::run(&self.file.load()?)
    }
}
