//! `scrip init`: a new vendor's folder, ready to be served.

use std::fs;
use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use scrip_domain::api_key::Scope;
use scrip_domain::settings::{Settings, Token, UnitValue};
use scrip_domain::staff::StaffRole;
use scrip_domain::{Amount, Money, Unit};
use scrip_engine::Staff;
use scrip_engine::staff::Invitee;
use serde_json::json;

use super::one_thread;
use super::remote::print;
use crate::config::{self, Config};
use crate::entropy::SystemEntropy;
use crate::failure::{Failure, Outcome};
use crate::server;
use crate::vault::Vault;

/// Who sells, and in which token.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  scrip init shop --name 'Aurora Instruments' --token-code AUR --token-name Aurum \\
      --scale 2 --worth '1 = 1.00 EUR'

The token's code and scale are fixed from then on; all other settings can be changed later. The
administrator's key is printed once, and so is the link with which the owner chooses a password.")]
pub struct InitArgs {
    /// The folder, which must be empty or new
    dir: PathBuf,
    /// The vendor's name, as buyers see it
    #[arg(long, default_value = "My shop")]
    name: String,
    /// The token's code: 3 to 8 capitals and digits
    #[arg(long, value_name = "CODE", default_value = "TOK")]
    token_code: String,
    /// The token's name
    #[arg(long, value_name = "NAME", default_value = "Token")]
    token_name: String,
    /// The token's decimals
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u8).range(0..=6))]
    scale: u8,
    /// What so many tokens are worth
    #[arg(long, value_name = "TOKENS = MONEY", default_value = "1 = 0.01 EUR")]
    worth: String,
    /// Where the server will listen
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// The address under which buyers will reach it
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// A postgres:// URL; a SQLite file in the folder without it
    #[arg(long, value_name = "URL", hide_env_values = true)]
    database: Option<String>,
    /// What it is: it sells for its own token, keeps accounts for merchants, or is such a merchant
    #[arg(long, value_name = "ROLE", default_value = "vendor", value_parser = ["vendor", "provider", "merchant"])]
    role: Vec<String>,
    /// A merchant's provider, by its public address
    #[arg(long, value_name = "URL")]
    provider: Option<String>,
    /// The e-mail address of the first owner, who signs in to the console; more can be invited later
    #[arg(long, value_name = "EMAIL")]
    owner: Option<String>,
    /// Demo mode: tokens for nothing, never for real goods
    #[arg(long)]
    demo: bool,
    /// So many days ago, for a demo that is to have a past
    #[arg(long, hide = true, requires = "demo", default_value_t = 0)]
    demo_days_behind: u32,
    /// A JSON object instead of sentences
    #[arg(long)]
    json: bool,
}

impl InitArgs {
    pub fn run(&self) -> Outcome {
        let settings = self.settings()?;
        let text = self.config_text()?;
        let is_new = empty(&self.dir)?;
        let made = self.make(&text, settings);
        if made.is_err() {
            // It was empty before: what is in it now is ours, and half a folder helps nobody.
            clear(&self.dir, is_new);
        }
        self.tell(&made?);
        Ok(())
    }

    fn make(&self, text: &str, settings: Settings) -> Outcome<Opened> {
        let path = self.dir.join(config::FILE);
        write_private(&path, text)
            .map_err(|error| Failure::new(format!("cannot write {}: {error}", path.display())))?;
        // What the environment says is for the server: the folder must stand by itself.
        let config = Config::load(&path, &config::Environment::new())?;
        let config = Config { demo_days_behind: self.demo_days_behind, ..config };
        let vault = Vault::within(&config.data);
        vault.create(&SystemEntropy)?;
        let objects = config.data.join("objects");
        fs::create_dir(&objects)
            .map_err(|error| Failure::new(format!("cannot make {}: {error}", objects.display())))?;
        one_thread(open_shop(&config, Arc::new(vault), settings, self.owner.as_deref()))
    }

    fn settings(&self) -> Outcome<Settings> {
        let usage = |what: String| Failure::usage(what);
        let code = Unit::parse(&self.token_code).ok_or_else(|| {
            usage(format!(
                "--token-code {}: 3 to 8 of A-Z and 0-9, a letter first",
                self.token_code
            ))
        })?;
        let unit_value = worth(&self.worth, self.scale).ok_or_else(|| {
            usage(format!("--worth '{}': write it like '100 = 1.00 EUR'", self.worth))
        })?;
        if self.name.trim().is_empty() || self.token_name.trim().is_empty() {
            return Err(usage("--name and --token-name cannot be empty".into()));
        }
        let token =
            Token { code, name: self.token_name.trim().to_owned(), scale: self.scale, unit_value };
        Ok(Settings::new(self.name.trim(), token))
    }

    /// The link of an invitation with this word.
    fn link(&self, word: &str) -> String {
        let url = self.public_url.clone().unwrap_or_else(|| format!("http://{}", self.listen));
        format!("{url}/admin/welcome?token={word}")
    }

    /// The documented file, with what was chosen put in force.
    fn config_text(&self) -> Outcome<String> {
        let mut text = config::DEFAULT.to_owned();
        let mut set = |key: &str, value: toml::Value| {
            let begin = format!("#{key} = ");
            let lines = text.lines().map(|line| {
                let is_it = line.starts_with(&begin);
                if is_it { format!("{key} = {value}") } else { line.to_owned() }
            });
            text = lines.collect::<Vec<_>>().join("\n") + "\n";
        };
        set("listen", self.listen.to_string().into());
        for (option, url) in [("public-url", &self.public_url), ("provider", &self.provider)] {
            if let Some(url) = url.as_ref().filter(|url| !config::is_public(url)) {
                return Err(Failure::usage(format!(
                    "--{option} {url}: write an address such as https://shop.example"
                )));
            }
        }
        if let Some(url) = &self.public_url {
            set("public_url", url.as_str().into());
        }
        if let Some(url) = &self.database {
            if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
                return Err(Failure::usage("--database is a postgres:// URL")
                    .advise("Without it, a SQLite file in the folder is made."));
            }
            set("database", url.as_str().into());
        }
        if self.demo {
            set("demo", true.into());
        }
        if self.role != ["vendor"] {
            set("roles", self.role.clone().into());
        }
        // The one `url` that is an option of two tables stands in the provider's first.
        if let Some(url) = &self.provider {
            text = text.replacen(
                "[provider]",
                &format!("[provider]\nurl = {}", toml::Value::from(url.as_str())),
                1,
            );
        }
        Ok(text)
    }

    fn tell(&self, opened: &Opened) {
        let config = self.dir.join(config::FILE);
        let (config, key) = (config.display(), &opened.admin_key);
        let invitation = opened.invitation.as_ref().map(|word| self.link(word));
        if self.json {
            let mut made = json!({ "config": config.to_string(), "admin_key": key });
            if let Some(link) = &invitation {
                made["invitation"] = json!(link);
            }
            print(&made);
            return;
        }
        let (owner, next) = match &invitation {
            Some(link) => (
                format!(
                    "\nWhere the owner chooses a password, once, within 72 hours, when it is served:\n\n  {link}\n"
                ),
                String::new(),
            ),
            None => (
                String::new(),
                "\n  scrip admin staff invite YOU@EXAMPLE.ORG --name YOU --role owner".to_owned(),
            ),
        };
        print(&format!(
            "{dir} is ready: {name}, prices in {code}.

The first administrator's API key, shown this once:

  {key}
{owner}
Next:
  scrip serve --config {config}
  export SCRIP_SERVER=http://{listen} SCRIP_ADMIN_KEY={key}{next}
  scrip admin accounts list

Keep a backup of {dir}/keys: codes that are sold are verified with what is in it.",
            dir = self.dir.display(),
            name = self.name,
            code = self.token_code,
            listen = self.listen,
        ));
    }
}

/// What is told once of a new shop.
struct Opened {
    admin_key: String,
    /// The word of the first owner's invitation.
    invitation: Option<String>,
}

/// Makes the vendor, the first administrator's key, and the first owner's invitation.
async fn open_shop(
    config: &Config,
    vault: Arc<Vault>,
    settings: Settings,
    owner: Option<&str>,
) -> Outcome<Opened> {
    let (engine, writing) = server::open(config, &vault, true).await?;
    let vendor = engine.store().vendor().await.map_err(|fault| Failure::of(&fault))?;
    if let Some(vendor) = vendor {
        let name = vendor.settings.name;
        return Err(Failure::new(format!("this database belongs to a vendor already: {name}"))
            .advise("Name another database, or serve this one with its own folder and keys."));
    }
    let put = engine
        .put_settings(Staff::OPERATOR, settings)
        .await
        .map_err(|fault| Failure::of(&fault))?;
    put.map_err(|refusal| Failure::usage(refusal.to_string()))?;
    let label = "first administrator".to_owned();
    let key = engine.make_key(Staff::OPERATOR, vec![Scope::Admin], label).await;
    let key = key.map_err(|fault| Failure::of(&fault))?;
    let invitation = match owner {
        Some(email) => {
            let who =
                Invitee { email: email.to_owned(), name: "Owner".into(), role: StaffRole::Owner };
            let invited = engine.invite_staff(Staff::OPERATOR, who).await;
            let invited = invited.map_err(|fault| Failure::of(&fault))?;
            let wrong = |_| Failure::usage(format!("--owner {email}: this is no e-mail address"));
            Some(invited.map_err(wrong)?.token.reveal().to_owned())
        }
        None => None,
    };
    server::hold_imprint(&engine, &vault).await?;
    engine.end_lease().await.map_err(|fault| Failure::of(&fault))?;
    drop(engine);
    writing.close().await?;
    Ok(Opened { admin_key: key.token, invitation })
}

/// Reads `100 = 1.00 EUR`: so many tokens are worth so much.
fn worth(text: &str, scale: u8) -> Option<UnitValue> {
    let (tokens, money) = text.split_once('=')?;
    let (amount, unit) = money.trim().split_once(' ')?;
    let unit = Unit::parse(unit.trim())?;
    let tokens = Amount::parse_decimal(tokens.trim(), scale)?;
    let amount = Amount::parse_decimal(amount, unit.currency_scale())?;
    let money = Money { amount, unit };
    (!tokens.is_zero() && !amount.is_zero()).then_some(UnitValue { tokens, money })
}

/// Makes the folder; refuses one that has something in it. Gives whether it is new.
pub fn empty(dir: &Path) -> Outcome<bool> {
    let is_new = !dir.exists();
    let cannot = |error| Failure::new(format!("cannot make {}: {error}", dir.display()));
    // Its owner's only: names and addresses of buyers will lie in it.
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(cannot)?;
    match fs::read_dir(dir).map_err(cannot)?.next() {
        None => Ok(is_new),
        Some(_) => Err(Failure::new(format!("{} is not empty", dir.display()))
            .advise("Name a new folder: nothing is ever made over another shop.")),
    }
}

/// Takes away what is in a folder that was empty, and the folder where it is new.
pub fn clear(dir: &Path, is_new: bool) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        // What cannot be removed stays, and the next try says that the folder is not empty.
        let _ = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
    }
    if is_new {
        // The same: one that is not empty stays.
        drop(fs::remove_dir(dir));
    }
}

/// Readable by its owner only: a database URL may hold a password.
pub fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tokens_are_worth_is_read_as_people_write_it() {
        let read = |text| worth(text, 4).map(|v| (v.tokens.units(), v.money.amount.units()));
        assert_eq!(read("100 = 1.00 EUR"), Some((1_000_000, 100)));
        assert_eq!(read("0.0001=1 JPY"), Some((1, 1)));
        for bad in ["", "100", "100 = EUR", "0 = 1 EUR", "1 = 0 EUR", "1 = 1.001 EUR", "1 = 1 euro"]
        {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
