//! Configuration: one TOML file, over which the environment wins. What is wrong in it is refused with
//! its place, before anything else is done.

mod bucket;
mod bureau;
mod mail;
mod processor;
mod raw;
mod role;
mod secret;
mod tls;
mod traces;

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use scrip_domain::role::Roles;
use scrip_web::Network;
use tracing_subscriber::filter::{LevelFilter, Targets};

pub use self::bucket::BucketAccount;
pub use self::bureau::BureauAccount;
pub use self::mail::MailAccount;
pub use self::processor::StripeAccount;
use self::raw::Raw;
pub use self::secret::Secret;
pub use self::tls::TlsFiles;
pub use self::traces::TracesAccount;
use crate::failure::{Failure, Outcome};

/// The file that documents every option, with the defaults.
pub const DEFAULT: &str = include_str!("config.default.toml");

/// The name of the file in a vendor's folder.
pub const FILE: &str = "scrip.toml";

/// Every option that there is.
const KEYS: &[&str] = &[
    "roles",
    "listen",
    "public_url",
    "trusted_proxies",
    "database",
    "database_file",
    "data",
    "server_number",
    "threads",
    "metrics",
    "stop_seconds",
    "demo",
    "demo_days_behind",
    "tls.certificate_file",
    "tls.key_file",
    "log.format",
    "log.filter",
    "limits.json_bytes",
    "limits.header_seconds",
    "limits.body_seconds",
    "limits.stall_seconds",
    "limits.connections",
    "processor.stripe.secret_key_file",
    "processor.stripe.webhook_secret_file",
    "processor.stripe.publishable_key",
    "processor.stripe.api_base",
    "provider.url",
    "bureau.url",
    "bureau.secret_file",
    "bureau.budget_milliseconds",
    "objects.bucket",
    "objects.endpoint",
    "objects.region",
    "objects.prefix",
    "objects.path_style",
    "objects.access_key",
    "objects.secret_key_file",
    "mail.server",
    "mail.port",
    "mail.tls",
    "mail.user",
    "mail.password_file",
    "mail.from",
    "mail.reply_to",
    "traces.endpoint",
    "traces.percent",
    "traces.authorization_file",
];

/// Secrets that no file of the configuration holds, and where in the environment they stand.
const SECRET_KEY: (&str, &str) = ("objects.secret_key", "SCRIP_OBJECTS_SECRET_KEY");
const MAIL_PASSWORD: (&str, &str) = ("mail.password", "SCRIP_MAIL_PASSWORD");
const AUTHORIZATION: (&str, &str) = ("traces.authorization", "SCRIP_TRACES_AUTHORIZATION");

/// Variables of the environment by our name that are no configuration of a server.
const OTHERS: &[&str] = &[
    "SCRIP_CONFIG",
    "SCRIP_SERVER",
    "SCRIP_ADMIN_KEY",
    "SCRIP_PASSPHRASE",
    SECRET_KEY.1,
    MAIL_PASSWORD.1,
    AUTHORIZATION.1,
];

/// The addresses by which a machine reaches itself.
const LOOPBACK: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
/// Throttles count by address.
const UNTRUSTED: &str = "public_url is https, which a proxy speaks, and trusted_proxies names none: all buyers are one \
    address, and one who guesses passwords locks everybody out";

/// The environment, as far as it can be read as text.
pub type Environment = BTreeMap<String, String>;

/// How a server is run.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// What it is among servers.
    pub roles: Roles,
    /// The provider of a merchant: its address, without a slash at the end.
    pub provider: Option<String>,
    /// Where it listens.
    pub listen: SocketAddr,
    /// By what it speaks TLS there; without it a proxy does, or nobody.
    pub tls: Option<TlsFiles>,
    /// The address under which buyers reach it; where it listens when there is none.
    pub public_url: Option<String>,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Network>,
    /// Where the books are.
    pub database: Database,
    /// The folder of keys and goods.
    pub data: PathBuf,
    /// Its number among those on the same database.
    pub server_number: u8,
    /// Threads that answer requests; 0 for one per core.
    pub threads: usize,
    /// The second listener, for metrics and health.
    pub metrics: Option<SocketAddr>,
    /// How long a stop waits for requests.
    pub stop: Duration,
    /// Whether it is a demo.
    pub demo: bool,
    /// How far a demo's clock starts behind.
    pub demo_days_behind: u32,
    /// How it logs.
    pub log: Log,
    /// What clients may take.
    pub limits: Limits,
    /// Who moves money between cards and the vendor.
    pub stripe: Option<StripeAccount>,
    /// Who is asked what they think of a buyer.
    pub bureau: Option<BureauAccount>,
    /// The bucket that keeps the goods; the folder `objects` without it.
    pub bucket: Option<BucketAccount>,
    /// Who takes letters; without it none are sent.
    pub mail: Option<MailAccount>,
    /// Who is told where requests spend their time; without it nobody is.
    pub traces: Option<TracesAccount>,
    /// What is not wrong, but probably not meant.
    pub warnings: Vec<String>,
}

/// Where the books are.
#[derive(Clone, PartialEq, Eq)]
pub enum Database {
    /// In a SQLite file.
    Sqlite(PathBuf),
    /// Behind this URL, which may hold a password.
    Postgres(String),
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "{}", path.display()),
            Self::Postgres(_) => f.write_str("PostgreSQL"),
        }
    }
}

/// How a server logs.
#[derive(Clone, Debug, PartialEq)]
pub struct Log {
    /// For whom.
    pub format: LogFormat,
    /// Which lines.
    pub filter: Targets,
}

/// For whom logs are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Human,
    /// For programs: a JSON object per line.
    Json,
}

/// What clients may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a JSON body.
    pub json_bytes: usize,
    /// Time for a request's head.
    pub header: Duration,
    /// Time for a request's body.
    pub body: Duration,
    /// Time in which something of an answer must be taken.
    pub stall: Duration,
    /// Connections at once.
    pub connections: usize,
}

impl Config {
    /// Reads the file at `path`, and the environment over it.
    pub fn load(path: &Path, environment: &Environment) -> Outcome<Self> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            Failure::new(format!("cannot read the configuration {}: {error}", path.display()))
                .advise(
                    "Make a vendor's folder with `scrip init DIR`, or name the file with --config.",
                )
        })?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let mut raw = Raw::default();
        raw.read_file(&path.display().to_string(), &text, KEYS)?;
        raw.read_environment(environment, KEYS, OTHERS);
        raw.take_secret(environment, SECRET_KEY);
        raw.take_secret(environment, MAIL_PASSWORD);
        raw.take_secret(environment, AUTHORIZATION);
        let mut config = Self::of(&raw, folder)?;
        let holds_password =
            matches!(&config.database, Database::Postgres(url) if text.contains(url.as_str()));
        let mode = std::fs::metadata(path).map_or(0, |file| file.permissions().mode());
        if holds_password && mode & 0o007 != 0 {
            let path = path.display();
            config.warnings.push(format!(
                "{path} names a database and is open to every user: chmod 600 {path}"
            ));
        }
        Ok(config)
    }

    /// The files with secrets that it names.
    pub fn secret_files(&self) -> Vec<PathBuf> {
        let stripe = self.stripe.iter();
        let stripe =
            stripe.flat_map(|s| [s.secret_key_file.clone(), s.webhook_secret_file.clone()]);
        let bureau = self.bureau.iter().map(|bureau| bureau.secret_file.clone());
        let bucket = self.bucket.iter().map(|bucket| &bucket.secret);
        let mail = self.mail.iter().filter_map(|mail| mail.password.as_ref());
        let traces = self.traces.iter().filter_map(|traces| traces.authorization.as_ref());
        let others = bucket.chain(mail).chain(traces);
        let others = others.filter_map(Secret::file).map(Path::to_path_buf);
        stripe.chain(bureau).chain(others).collect()
    }

    fn of(raw: &Raw, folder: &Path) -> Outcome<Self> {
        let listen = raw.socket("listen")?.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 8080)));
        let public_url =
            raw.read("public_url", "an address such as https://shop.example", |value| {
                let url = value.text()?.trim_end_matches('/').to_owned();
                is_public(&url).then_some(url)
            })?;
        let demo = raw.flag("demo")?.unwrap_or(false);
        let (roles, provider) = role::of(raw, public_url.as_deref(), demo)?;
        let networks = "a list of addresses or networks such as 10.0.0.0/8";
        let proxies = raw.read("trusted_proxies", networks, |value| {
            value.list()?.iter().map(|text| text.parse().ok()).collect()
        })?;
        // Who connects there is on this machine: the proxy before it, or somebody who might as well be.
        let own = if listen.ip().is_loopback() {
            LOOPBACK.map(Network::from).to_vec()
        } else {
            Vec::new()
        };
        let proxies = proxies.unwrap_or(own);
        let mut warnings = raw.warnings().to_vec();
        let tls = TlsFiles::of(raw, folder)?;
        let is_https = public_url.as_deref().is_some_and(|url| url.starts_with("https:"));
        if is_https && tls.is_none() && proxies.is_empty() {
            warnings.push(UNTRUSTED.to_owned());
        }
        let metrics = metrics(raw)?;
        if metrics == Some(listen) && listen.port() != 0 {
            return Err(Failure::new("metrics and listen are the same address")
                .advise("Give metrics an address of its own, or \"none\"."));
        }
        Ok(Self {
            roles,
            provider,
            listen,
            tls,
            public_url,
            trusted_proxies: proxies,
            database: database(raw, folder)?,
            data: folder.join(raw.text("data")?.unwrap_or_else(|| ".".to_owned())),
            server_number: raw.number("server_number", 0..=255)?.unwrap_or(0),
            threads: raw.number("threads", 0..=1024)?.unwrap_or(0),
            metrics,
            stop: raw.seconds("stop_seconds", 0..=3600)?.unwrap_or(Duration::from_secs(30)),
            demo,
            demo_days_behind: raw.number("demo_days_behind", 0..=366)?.unwrap_or(0),
            log: Log::of(raw)?,
            limits: Limits::of(raw)?,
            stripe: StripeAccount::of(raw, folder)?,
            bureau: BureauAccount::of(raw, folder)?,
            bucket: BucketAccount::of(raw, folder)?,
            mail: MailAccount::of(raw, folder)?,
            traces: TracesAccount::of(raw, folder)?,
            warnings,
        })
    }
}

/// The text of a configuration with another database, and where it is restored with the data beside it. What stood there
/// before stays as a comment.
pub fn with_database(text: &str, database: &str, is_restored: bool) -> String {
    let mut gone = vec!["database", "database_file"];
    if is_restored {
        gone.push("data");
    }
    let mut lines = vec![format!("database = {}", toml::Value::from(database))];
    // Of the top level alone: tables follow it.
    let mut is_top = true;
    for line in text.lines() {
        is_top &= !line.trim_start().starts_with('[');
        let key = line.split_once('=').map(|(key, _)| key.trim().trim_matches(['"', '\'']));
        if is_top && key.is_some_and(|key| gone.contains(&key)) {
            lines.push(format!("#{line}"));
        } else {
            lines.push(line.to_owned());
        }
    }
    lines.join("\n") + "\n"
}

/// The variable that names the database over the head of the file, if one does.
pub fn database_variable(environment: &Environment) -> Option<&'static str> {
    ["SCRIP_DATABASE", "SCRIP_DATABASE_FILE"]
        .into_iter()
        .find(|name| environment.contains_key(*name))
}

/// The process's environment.
pub fn environment() -> Environment {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// Whether a URL can be the server's own: http or https, a host, perhaps a port and a path.
pub fn is_public(url: &str) -> bool {
    let Ok(uri) = url.parse::<http::Uri>() else { return false };
    let scheme = uri.scheme_str().is_some_and(|scheme| scheme == "http" || scheme == "https");
    let host = uri.authority().is_some_and(|authority| {
        let host = authority.host();
        let all_host = authority.as_str() == host || authority.port_u16().is_some();
        !host.is_empty() && all_host && !authority.as_str().contains('@')
    });
    scheme && host && uri.query().is_none() && !url.contains('#')
}

fn database(raw: &Raw, folder: &Path) -> Outcome<Database> {
    let text = match (raw.text("database")?, raw.text("database_file")?) {
        (Some(_), Some(file)) if !file.is_empty() => {
            return Err(Failure::new("database and database_file are both given")
                .advise("Give the one and leave the other out."));
        }
        (_, Some(file)) if !file.is_empty() => {
            let path = folder.join(file);
            let text = std::fs::read_to_string(&path).map_err(|error| {
                Failure::new(format!("cannot read database_file {}: {error}", path.display()))
            })?;
            text.trim().to_owned()
        }
        (Some(text), _) => text,
        (None, _) => "scrip.db".to_owned(),
    };
    if text.is_empty() {
        return Err(
            Failure::new("the database is empty").advise("Give a path or a postgres:// URL.")
        );
    }
    if text.starts_with("postgres://") || text.starts_with("postgresql://") {
        return Ok(Database::Postgres(text));
    }
    if let Some((scheme, _)) = text.split_once("://") {
        return Err(Failure::new(format!("there is no database of the kind {scheme}"))
            .advise("Give the path of a SQLite file, or postgres://user:password@host/database."));
    }
    Ok(Database::Sqlite(folder.join(text)))
}

fn metrics(raw: &Raw) -> Outcome<Option<SocketAddr>> {
    let address = raw.read("metrics", "\"none\", or an address and port", |value| {
        let text = value.text()?;
        if text == "none" { Some(None) } else { text.parse().ok().map(Some) }
    })?;
    Ok(address.flatten())
}

impl Log {
    fn of(raw: &Raw) -> Outcome<Self> {
        let format =
            raw.read("log.format", "\"human\" or \"json\"", |value| match value.text()? {
                "human" => Some(LogFormat::Human),
                "json" => Some(LogFormat::Json),
                _ => None,
            })?;
        let expected = "levels such as \"info\" or \"info,scrip_web=debug\"";
        let filter = raw.read("log.filter", expected, |value| {
            let text = value.text()?;
            // A word that is no level would be taken for the name of a crate, and all else fall silent.
            let is_level = |part: &str| {
                part.contains('=') || (!part.is_empty() && part.parse::<LevelFilter>().is_ok())
            };
            text.split(',').all(is_level).then(|| text.parse().ok())?
        })?;
        Ok(Self {
            format: format.unwrap_or(LogFormat::Human),
            filter: filter.unwrap_or_else(|| Targets::new().with_default(LevelFilter::INFO)),
        })
    }
}

impl Limits {
    fn of(raw: &Raw) -> Outcome<Self> {
        let seconds = |key: &str, default: u64| -> Outcome<Duration> {
            Ok(raw.seconds(key, 1..=3600)?.unwrap_or(Duration::from_secs(default)))
        };
        Ok(Self {
            json_bytes: raw.number("limits.json_bytes", 1024..=16_777_216)?.unwrap_or(65_536),
            header: seconds("limits.header_seconds", 15)?,
            body: seconds("limits.body_seconds", 20)?,
            stall: seconds("limits.stall_seconds", 60)?,
            connections: raw.number("limits.connections", 1..=1_000_000)?.unwrap_or(10_000),
        })
    }
}

#[cfg(test)]
mod tests;
