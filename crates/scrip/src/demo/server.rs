//! The demo's server: a folder made by `scrip init`, goods put in by `scrip catalog apply`, served by
//! `scrip serve`, each a run of this same program.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use super::goods;
use crate::failure::{Failure, Outcome};
use crate::server::signals::Stop;

/// What is remembered of a demo beside its folder: the administrator's key.
const MEMO: &str = "demo.json";

/// A vendor's server in a process of its own.
#[derive(Debug)]
pub struct DemoServer {
    /// Its address.
    pub url: String,
    /// Its administrator's key.
    pub admin_key: String,
    folder: PathBuf,
    process: Child,
}

impl DemoServer {
    /// Starts the server of `folder` on `port`; makes the shop first when the folder is new.
    pub async fn start(folder: &Path, port: u16) -> Outcome<Self> {
        let memo = folder.join(MEMO);
        let known =
            std::fs::read_to_string(&memo).ok().and_then(|text| serde_json::from_str(&text).ok());
        let known: Value = match known {
            Some(known) => known,
            None => init(folder, port, &memo).await?,
        };
        let text = |member: &str| known[member].as_str().unwrap_or_default().to_owned();
        let process = serve(folder).await?;
        Ok(Self {
            url: text("url"),
            admin_key: text("admin_key"),
            folder: folder.to_owned(),
            process,
        })
    }

    /// Puts the goods in, and gives what `catalog apply` says, as JSON.
    pub async fn stock(&self) -> Outcome<Value> {
        let folder = self.folder.join("goods");
        let into = folder.clone();
        let prepared = tokio::task::spawn_blocking(move || goods::prepare(&into)).await;
        prepared.map_err(|error| Failure::of(&error))?.map_err(|error| Failure::of(&error))?;
        let folder = folder.to_string_lossy().into_owned();
        let args = ["catalog", "apply", &folder, "--yes", "--json", "--server", &self.url];
        let said = scrip(&args).env("SCRIP_ADMIN_KEY", &self.admin_key).output().await;
        json_of(said, "catalog apply")
    }

    /// What the doctor says of the books, beside the running server.
    pub async fn doctor(&self) -> Outcome<Value> {
        let config = self.folder.join("scrip.toml");
        let config = config.to_string_lossy().into_owned();
        json_of(scrip(&["doctor", "--config", &config, "--json"]).output().await, "doctor")
    }

    /// Kills the process without a word, and starts it again.
    pub async fn crash(&mut self) -> Outcome {
        self.process.kill().await.map_err(|error| Failure::of(&error))?;
        self.process = serve(&self.folder).await?;
        Ok(())
    }

    /// Stops the server.
    pub async fn stop(&mut self) {
        // It is a child: what cannot be stopped ends with this process.
        drop(self.process.kill().await);
    }

    /// Waits until somebody stops the demo, or the server ends.
    pub async fn until_stopped(&mut self, stop: &mut Stop) -> Outcome {
        tokio::select! {
            () = stop.asked() => {}
            ended = self.process.wait() => {
                let ended = ended.map_err(|error| Failure::of(&error))?;
                return Err(Failure::new(format!("the server ended: {ended}")));
            }
        }
        self.stop().await;
        Ok(())
    }
}

/// A run of this same program, which ends when the demo does.
fn scrip(args: &[&str]) -> Command {
    let program = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("scrip"));
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::null()).kill_on_drop(true);
    command
}

async fn init(folder: &Path, port: u16, memo: &Path) -> Outcome<Value> {
    let listen = format!("127.0.0.1:{port}");
    let shop = folder.to_string_lossy().into_owned();
    let args = [
        "init",
        &shop,
        "--json",
        "--demo",
        "--name",
        "Aurora Instruments",
        "--token-code",
        "AUR",
        "--token-name",
        "Aurum",
        "--scale",
        "4",
        "--worth",
        "1 = 1.00 EUR",
        "--listen",
        &listen,
    ];
    let made = json_of(scrip(&args).output().await, "init")?;
    let known = json!({ "url": format!("http://{listen}"), "admin_key": made["admin_key"] });
    std::fs::write(memo, known.to_string()).map_err(|error| Failure::of(&error))?;
    Ok(known)
}

/// Serves the folder, and waits until it says that it listens.
async fn serve(folder: &Path) -> Outcome<Child> {
    let config = folder.join("scrip.toml");
    let log =
        std::fs::File::create(folder.join("server.log")).map_err(|error| Failure::of(&error))?;
    let mut process = scrip(&["serve", "--config", &config.to_string_lossy()])
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()
        .map_err(|error| Failure::of(&error))?;
    let mut line = String::new();
    if let Some(out) = process.stdout.take() {
        let mut out = BufReader::new(out);
        out.read_line(&mut line).await.map_err(|error| Failure::of(&error))?;
        // The pipe stays open for what it says later.
        tokio::spawn(async move { tokio::io::copy(&mut out, &mut tokio::io::sink()).await });
    }
    if line.starts_with("listening") {
        return Ok(process);
    }
    let log = std::fs::read_to_string(folder.join("server.log")).unwrap_or_default();
    let why = log.lines().next().unwrap_or("no reason given").to_owned();
    Err(Failure::new(format!("the demo's server did not start: {why}"))
        .advise("If the port is taken, choose another with --port."))
}

fn json_of(said: std::io::Result<std::process::Output>, command: &str) -> Outcome<Value> {
    let said = said.map_err(|error| Failure::of(&error))?;
    let text = String::from_utf8_lossy(&said.stdout);
    text.lines().last().and_then(|line| serde_json::from_str(line).ok()).ok_or_else(|| {
        let error = String::from_utf8_lossy(&said.stderr);
        Failure::new(format!("scrip {command}: {}", error.trim()))
    })
}
