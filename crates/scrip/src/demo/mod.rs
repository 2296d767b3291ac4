//! The demo: a vendor's shop with real goods, a merchant and its provider, and the whole story from stranger to owner.
//!
//! Each server is a process of its own, started from this same program with the same commands that
//! a vendor would type, so that the demo can also kill it in the middle.

pub mod goods;
mod line;
mod server;
mod story;
mod teller;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use scrip_domain::role::Role;

use crate::failure::{Failure, Outcome};
use crate::server::signals::Stop;
use line::Line;
use server::{DemoServer, Seat};
use story::Story;
use teller::Teller;

/// Help that follows the options.
pub const EXAMPLE: &str = "\
Example:
  scrip demo                    tell the story, then serve from http://127.0.0.1:8080 on until stopped
  scrip demo --exit             stop after the story; exit code 0 only if every step held
  scrip demo --keep shop/       keep the data, and go on with it at the next start";

/// A shop with real goods, and a merchant with its provider.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Stop after the story; the exit code says whether every step held
    #[arg(long)]
    exit: bool,
    /// Keep the data in this folder; a start on an existing one goes on with it
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// The first of four ports to listen on
    #[arg(long, default_value_t = 8080, value_parser = clap::value_parser!(u16).range(1..=65532))]
    port: u16,
    /// A JSON object per line, for scripts
    #[arg(long)]
    json: bool,
}

impl DemoArgs {
    /// Runs the demo; the exit code is 1 when a step did not hold.
    pub async fn run(self) -> Outcome<ExitCode> {
        let temporary = match &self.keep {
            Some(_) => None,
            None => Some(tempfile::tempdir().map_err(|error| Failure::of(&error))?),
        };
        let folder = match (&self.keep, &temporary) {
            (Some(folder), _) => folder.clone(),
            (None, Some(temporary)) => temporary.path().join("shop"),
            (None, None) => return Err(Failure::new("there is no folder for the demo")),
        };
        let mut stop = Stop::listen().map_err(|error| Failure::of(&error))?;
        let mut teller = Teller::new(self.json);
        let town = Town::open(&folder, self.port).await?;
        teller.servers(&town);
        let mut story = Story::new(town, &mut teller)?;
        let told = tokio::select! {
            told = story.tell() => Some(told),
            () = stop.asked() => None,
        };
        let mut town = story.into_town();
        let Some(told) = told else {
            town.close().await;
            return Ok(ExitCode::FAILURE);
        };
        told?;
        let held = teller.end();
        if !self.exit {
            teller.serving(&town);
            tokio::select! {
                () = stop.asked() => {}
                failure = town.ended() => return Err(failure),
            }
        }
        town.close().await;
        Ok(ExitCode::from(u8::from(!held)))
    }
}

/// All servers of the demo, and the line between two of them.
#[derive(Debug)]
pub struct Town {
    /// Sells for its own token.
    pub vendor: DemoServer,
    /// Keeps accounts for the merchant.
    pub provider: DemoServer,
    /// Sells for the provider's token.
    pub merchant: DemoServer,
    /// Leads to the provider.
    pub line: Line,
}

impl Town {
    /// Opens them below `folder`, on four ports from `port` on.
    async fn open(folder: &Path, port: u16) -> Outcome<Self> {
        std::fs::create_dir_all(folder).map_err(|error| Failure::of(&error))?;
        let vendor = Seat {
            role: Role::Vendor,
            name: "Aurora Instruments",
            token: ("AUR", "Aurum"),
            port,
            listen: port,
            provider: None,
        };
        let meridian = ("MRD", "Meridian");
        let provider = Seat {
            role: Role::Provider,
            name: "Meridian Pay",
            token: meridian,
            port: port + 1,
            listen: port + 3,
            provider: None,
        };
        let merchant = Seat {
            role: Role::Merchant,
            name: "Field Sounds",
            token: meridian,
            port: port + 2,
            listen: port + 2,
            provider: Some(provider.url()),
        };
        let here = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let line = Line::lay(here(provider.port), here(provider.listen)).await?;
        Ok(Self {
            vendor: DemoServer::start(&folder.join("vendor"), vendor).await?,
            provider: DemoServer::start(&folder.join("provider"), provider).await?,
            merchant: DemoServer::start(&folder.join("merchant"), merchant).await?,
            line,
        })
    }

    /// All of them.
    pub fn servers(&self) -> [&DemoServer; 3] {
        [&self.vendor, &self.provider, &self.merchant]
    }

    /// Waits until one of them ends, which none does by itself.
    async fn ended(&mut self) -> Failure {
        let Self { vendor, provider, merchant, .. } = self;
        tokio::select! {
            failure = vendor.ended() => failure,
            failure = provider.ended() => failure,
            failure = merchant.ended() => failure,
        }
    }

    async fn close(&mut self) {
        for server in [&mut self.merchant, &mut self.provider, &mut self.vendor] {
            server.stop().await;
        }
    }
}
