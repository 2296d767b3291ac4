//! The demo: a vendor's shop with real goods, and the whole story from stranger to owner.
//!
//! The server is a process of its own, started from this same program with the same commands that
//! a vendor would type, so that the demo can also kill it in the middle.

pub mod goods;
mod server;
mod story;
mod teller;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::failure::{Failure, Outcome};
use crate::server::signals::Stop;
use server::DemoServer;
use story::Story;
use teller::Teller;

/// Help that follows the options.
pub const EXAMPLE: &str = "\
Example:
  scrip demo                    tell the story, then serve on http://127.0.0.1:8080 until stopped
  scrip demo --exit             stop after the story; exit code 0 only if every step held
  scrip demo --keep shop/       keep the data, and go on with it at the next start";

/// A shop with real goods.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Stop after the story; the exit code says whether every step held
    #[arg(long)]
    exit: bool,
    /// Keep the data in this folder; a start on an existing one goes on with it
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// The port to listen on
    #[arg(long, default_value_t = 8080)]
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
        let server = DemoServer::start(&folder, self.port).await?;
        teller.servers(&server);
        let mut story = Story::new(server, &mut teller)?;
        let told = tokio::select! {
            told = story.tell() => Some(told),
            () = stop.asked() => None,
        };
        let mut server = story.into_server();
        let Some(told) = told else {
            server.stop().await;
            return Ok(ExitCode::FAILURE);
        };
        told?;
        let held = teller.end();
        if self.exit {
            server.stop().await;
            return Ok(ExitCode::from(u8::from(!held)));
        }
        teller.serving(&server);
        server.until_stopped(&mut stop).await?;
        Ok(ExitCode::from(u8::from(!held)))
    }
}
