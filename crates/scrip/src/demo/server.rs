//! The demo's servers: each a folder made by `scrip init`, goods put in by `scrip catalog apply`, served by
//! `scrip serve`, each a run of this same program.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use http::Method;
use scrip_client::{Body, Client};
use scrip_domain::role::Role;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use super::dress::dress;
use super::goods::{self, Shelf};
use crate::failure::{Failure, Outcome};

/// What is remembered of a demo beside its folder: the administrator's key.
const MEMO: &str = "demo.json";
/// Where files lie that a vendor's staff asks the server for.
const PAPERS: &str = "papers";
/// What every owner of the demo signs in with: it is printed, so that a newcomer can look around.
const OWNERS_PASSWORD: &str = "demo-owner";

/// What is bought with.
#[derive(Clone, Copy, Debug)]
pub struct Coin {
    /// The token's code.
    pub code: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Its decimals.
    pub scale: u8,
    /// What it is worth, as `scrip init` takes it.
    pub worth: &'static str,
}

/// Who a server of the demo is.
#[derive(Clone, Debug)]
pub struct Seat {
    /// What it does.
    pub role: Role,
    /// Its name.
    pub name: &'static str,
    /// Its token. A merchant's is its provider's.
    pub token: Coin,
    /// The port by which it is known.
    pub port: u16,
    /// The port on which it listens.
    pub listen: u16,
    /// The address of a merchant's provider.
    pub provider: Option<String>,
}

impl Seat {
    /// Its address.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Its owner's address: that of the shop's first word.
    fn owner(&self) -> String {
        let word = self.name.split(' ').next().unwrap_or_default().to_lowercase();
        format!("owner@{word}.example")
    }
}

/// A server in a process of its own.
#[derive(Debug)]
pub struct DemoServer {
    /// Who it is.
    pub seat: Seat,
    /// Its administrator's key.
    pub admin_key: String,
    /// Who signs in to its console, and with which password.
    pub owner: (String, &'static str),
    /// Its folder was made at this start.
    pub is_new: bool,
    folder: PathBuf,
    process: Child,
}

impl DemoServer {
    /// Starts the server of `folder`; makes the folder first when it is new, and then its clock is so many days behind.
    pub async fn start(folder: &Path, seat: Seat, days_behind: u32) -> Outcome<Self> {
        let memo = folder.join(MEMO);
        let known =
            std::fs::read_to_string(&memo).ok().and_then(|text| serde_json::from_str(&text).ok());
        let is_new = known.is_none();
        let known: Value = match known {
            Some(known) => known,
            None => init(folder, &seat, &memo, days_behind).await?,
        };
        let text = |name: &str| known[name].as_str().unwrap_or_default().to_owned();
        let process = serve(folder, if is_new { days_behind } else { 0 }).await?;
        if is_new {
            dress(&seat, &text("admin_key")).await?;
        }
        let owner = (seat.owner(), OWNERS_PASSWORD);
        let server = Self {
            seat,
            admin_key: text("admin_key"),
            owner,
            is_new,
            folder: folder.to_owned(),
            process,
        };
        server.join(&text("invitation")).await?;
        Ok(server)
    }

    /// Its address.
    pub fn url(&self) -> String {
        self.seat.url()
    }

    /// Chooses the owner's password, as a person would in a browser. At a later start that was done already.
    async fn join(&self, invitation: &str) -> Outcome {
        let Some((_, word)) = invitation.split_once("token=") else { return Ok(()) };
        let client = Client::new(&self.url()).map_err(|error| Failure::of(&error))?;
        let (_, password) = self.owner;
        let form = format!("token={word}&password={password}&again={password}");
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        let page = "/admin/welcome";
        client
            .request(Method::POST, page, &headers, Body::from(form))
            .await
            .map_err(|error| Failure::of(&error))?;
        Ok(())
    }

    /// Puts the goods in, and gives what `catalog apply` says, as JSON.
    pub async fn stock(&self, shelf: Shelf) -> Outcome<Value> {
        let folder = self.folder.join("goods");
        let (into, token) = (folder.clone(), self.seat.token.code);
        let vendor = match shelf {
            Shelf::Whole if !goods::are_prepared(&folder) => Some(self.made().await?),
            _ => None,
        };
        let prepare = move || goods::prepare(&into, shelf, token, vendor.as_deref());
        let prepared = tokio::task::spawn_blocking(prepare).await;
        prepared.map_err(|error| Failure::of(&error))?.map_err(|error| Failure::of(&error))?;
        let folder = folder.to_string_lossy().into_owned();
        let url = self.url();
        let args = ["catalog", "apply", &folder, "--yes", "--json", "--server", &url];
        let said = scrip(&args).env("SCRIP_ADMIN_KEY", &self.admin_key).output().await;
        json_of(said, "catalog apply")
    }

    /// What the sample program is told of whose it is. The product is entered first, so that it has its id when the
    /// program is made; the catalogue fills in the rest.
    async fn made(&self) -> Outcome<String> {
        let failed = |error: scrip_client::Error| Failure::of(&error);
        let client = Client::new(&self.url()).map_err(|error| Failure::of(&error))?;
        let open = async |path| {
            let said = client.request(Method::GET, path, &[], Body::empty()).await;
            let said = said.map_err(failed)?;
            Ok::<Value, Failure>(serde_json::from_slice(&said.body).unwrap_or_default())
        };
        let (keys, vendor) = (open("/.well-known/jwks.json").await?, open("/v1/vendor").await?);
        let admin = client.admin(&self.admin_key);
        let product = json!({ "kind": "download", "title": "tallow" });
        let product = admin.put("products/tallow", &product).await.map_err(failed)?;
        let made = json!({
            "issuer": vendor["id"], "shop": self.url(), "product": product["id"], "keys": keys,
        });
        Ok(made.to_string())
    }

    /// What the doctor says of the books, beside the running server.
    pub async fn doctor(&self) -> Outcome<Value> {
        let config = self.folder.join("scrip.toml");
        let config = config.to_string_lossy().into_owned();
        json_of(scrip(&["doctor", "--config", &config, "--json"]).output().await, "doctor")
    }

    /// Keeps what was handed out for its staff, in a folder beside the data. Gives the folder's and the file's name.
    pub fn keep(&self, name: &str, bytes: &[u8]) -> Outcome<String> {
        let folder = self.folder.join(PAPERS);
        std::fs::create_dir_all(&folder).map_err(|error| Failure::of(&error))?;
        std::fs::write(folder.join(name), bytes).map_err(|error| Failure::of(&error))?;
        Ok(format!("{PAPERS}/{name}"))
    }

    /// Kills the process without a word.
    pub async fn kill(&mut self) -> Outcome {
        self.process.kill().await.map_err(|error| Failure::of(&error))
    }

    /// Starts it again.
    pub async fn restart(&mut self) -> Outcome {
        self.process = serve(&self.folder, 0).await?;
        Ok(())
    }

    /// Stops the server.
    pub async fn stop(&mut self) {
        // It is a child: what cannot be stopped ends with this process.
        drop(self.process.kill().await);
    }

    /// Waits until the process ends, which it does not by itself.
    pub async fn ended(&mut self) -> Failure {
        match self.process.wait().await {
            Ok(ended) => Failure::new(format!("the server {} ended: {ended}", self.seat.name)),
            Err(error) => Failure::of(&error),
        }
    }
}

/// A run of this same program, which ends when the demo does.
fn scrip(args: &[&str]) -> Command {
    let program = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("scrip"));
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::null()).kill_on_drop(true);
    command
}

async fn init(folder: &Path, seat: &Seat, memo: &Path, days_behind: u32) -> Outcome<Value> {
    let listen = format!("127.0.0.1:{}", seat.listen);
    let (shop, url) = (folder.to_string_lossy().into_owned(), seat.url());
    let mut args = vec!["init", &shop, "--json", "--demo", "--role", seat.role.as_str()];
    let (scale, owner) = (seat.token.scale.to_string(), seat.owner());
    args.extend(["--owner", &owner]);
    let Coin { code, name, worth, .. } = seat.token;
    args.extend(["--name", seat.name, "--token-code", code, "--token-name", name]);
    args.extend(["--scale", &scale, "--worth", worth]);
    args.extend(["--listen", &listen, "--public-url", &url]);
    if let Some(provider) = &seat.provider {
        args.extend(["--provider", provider]);
    }
    let days_behind = days_behind.to_string();
    args.extend(["--demo-days-behind", &days_behind]);
    let made = json_of(scrip(&args).output().await, "init")?;
    let known = json!({ "admin_key": made["admin_key"], "invitation": made["invitation"] });
    std::fs::write(memo, known.to_string()).map_err(|error| Failure::of(&error))?;
    Ok(known)
}

/// Serves the folder on a clock that is so many days behind, and waits until it says that it listens.
async fn serve(folder: &Path, days_behind: u32) -> Outcome<Child> {
    let config = folder.join("scrip.toml");
    let log =
        std::fs::File::create(folder.join("server.log")).map_err(|error| Failure::of(&error))?;
    let mut process = scrip(&["serve", "--config", &config.to_string_lossy()])
        .env("SCRIP_DEMO_DAYS_BEHIND", days_behind.to_string())
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
