//! The demo: two vendors with real goods, a merchant and its provider, and the whole story from stranger to owner.
//!
//! Each server is a process of its own, started from this same program with the same commands that
//! a vendor would type, so that the demo can also kill it in the middle.

mod dress;
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
use line::{Cut, Line};
use server::{Coin, DemoServer, Seat};
use story::{Story, past};
use teller::Teller;

/// Help that follows the options.
pub const EXAMPLE: &str = "\
Example:
  scrip demo                    tell the story, then serve from http://127.0.0.1:8080 on until stopped
  scrip demo --exit             stop after the story; exit code 0 only if every step held
  scrip demo --keep shop/       keep the data, and go on with it at the next start";

/// Two vendors with real goods, and a merchant with its provider.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Stop after the story; the exit code says whether every step held
    #[arg(long)]
    exit: bool,
    /// Keep the data in this folder; a start on an existing one goes on with it
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// The first of six ports to listen on
    #[arg(long, default_value_t = 8080, value_parser = clap::value_parser!(u16).range(1..=65530))]
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

const AURUM: Coin = Coin { code: "AUR", name: "Aurum", scale: 4, worth: "1 = 1.00 EUR" };
const BELL: Coin = Coin { code: "BEL", name: "Bell", scale: 2, worth: "1 = 0.25 EUR" };
const MERIDIAN: Coin = Coin { code: "MRD", name: "Meridian", scale: 4, worth: "1 = 1.00 EUR" };

/// All servers of the demo, and the lines between them.
#[derive(Debug)]
pub struct Town {
    /// Sells for its own token.
    pub vendor: DemoServer,
    /// Sells for its own too, and becomes the first one's partner.
    pub partner: DemoServer,
    /// Keeps accounts for the merchant.
    pub provider: DemoServer,
    /// Sells for the provider's token.
    pub merchant: DemoServer,
    /// Leads to the provider.
    pub line: Line,
    /// Leads to the second vendor.
    pub partner_line: Line,
}

impl Town {
    /// Opens them below `folder`, on six ports from `port` on.
    async fn open(folder: &Path, port: u16) -> Outcome<Self> {
        std::fs::create_dir_all(folder).map_err(|error| Failure::of(&error))?;
        let vendor = Seat {
            role: Role::Vendor,
            name: "Aurora Instruments",
            token: AURUM,
            port,
            listen: port,
            provider: None,
        };
        let partner = Seat {
            role: Role::Vendor,
            name: "Belle Isle Sounds",
            token: BELL,
            port: port + 4,
            listen: port + 5,
            provider: None,
        };
        let provider = Seat {
            role: Role::Provider,
            name: "Meridian Pay",
            token: MERIDIAN,
            port: port + 1,
            listen: port + 3,
            provider: None,
        };
        let merchant = Seat {
            role: Role::Merchant,
            name: "Field Sounds",
            token: MERIDIAN,
            port: port + 2,
            listen: port + 2,
            provider: Some(provider.url()),
        };
        let here = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let line = Line::lay(here(provider.port), here(provider.listen), Cut::Report).await?;
        let (known, listen) = (here(partner.port), here(partner.listen));
        let partner_line = Line::lay(known, listen, Cut::LastWord).await?;
        Ok(Self {
            vendor: DemoServer::start(&folder.join("vendor"), vendor, past::DAYS).await?,
            partner: DemoServer::start(&folder.join("partner"), partner, 0).await?,
            provider: DemoServer::start(&folder.join("provider"), provider, 0).await?,
            merchant: DemoServer::start(&folder.join("merchant"), merchant, 0).await?,
            line,
            partner_line,
        })
    }

    /// All of them.
    pub fn servers(&self) -> [&DemoServer; 4] {
        [&self.vendor, &self.partner, &self.provider, &self.merchant]
    }

    /// Waits until one of them ends, which none does by itself.
    async fn ended(&mut self) -> Failure {
        let Self { vendor, partner, provider, merchant, .. } = self;
        tokio::select! {
            failure = vendor.ended() => failure,
            failure = partner.ended() => failure,
            failure = provider.ended() => failure,
            failure = merchant.ended() => failure,
        }
    }

    async fn close(&mut self) {
        let Self { vendor, partner, provider, merchant, .. } = self;
        for server in [merchant, provider, partner, vendor] {
            server.stop().await;
        }
    }
}
