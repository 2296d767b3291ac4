//! One server in a temporary folder: initdb, start, stop, delete.

use std::ffi::OsStr;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command::{Context, Failure, Outcome, hush, is_root};
use crate::install;

/// The superuser of the cluster, who needs no password.
const USER: &str = "scrip";

/// The account that Debian's package makes for servers.
const SYSTEM_USER: &str = "postgres";

/// Where Debian keeps the server, one folder per major version.
const VERSIONS: &str = "/usr/lib/postgresql";

/// Another process may take the free port between our look and the start.
const STARTS: u32 = 3;

pub struct Server {
    bin: PathBuf,
    home: PathBuf,
    owner: Option<Owner>,
    port: u16,
}

/// Whom the server runs as when we are root, whom initdb refuses.
#[derive(Clone, Copy)]
struct Owner {
    user: u32,
    group: u32,
}

/// Brings Debian's package if the server's programs are not there.
pub fn install() -> Outcome {
    if binaries().is_some() {
        return Ok(());
    }
    forbid_main_cluster()?;
    install::debian(&["postgresql"])?;
    binaries().map(|_| ()).ok_or_else(|| Failure(format!("no initdb below {VERSIONS}")))
}

/// Debian's package would create a cluster of its own and start it, on the standard port.
fn forbid_main_cluster() -> Outcome {
    let path = Path::new("/etc/postgresql-common/createcluster.conf");
    if path.exists() || !is_root() {
        return Ok(()); // Someone's own choice, or a sudo user's machine: not ours to edit.
    }
    fs::create_dir_all("/etc/postgresql-common").context(path.display())?;
    fs::write(path, "create_main_cluster = false\n").context(path.display())
}

/// The newest version's folder of programs.
fn binaries() -> Option<PathBuf> {
    let versions = fs::read_dir(VERSIONS).ok()?.flatten();
    versions
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse::<u32>().ok()?, entry.path())))
        .map(|(version, path)| (version, path.join("bin")))
        .filter(|(_, bin)| bin.join("initdb").exists())
        .max()
        .map(|(_, bin)| bin)
}

impl Server {
    pub fn start() -> Outcome<Self> {
        let bin = binaries().ok_or_else(|| Failure(format!("no initdb below {VERSIONS}")))?;
        let owner = if is_root() { Some(Owner::find()?) } else { None };
        let home = std::env::temp_dir().join(format!("scrip-postgres-{}", std::process::id()));
        fs::create_dir(&home).context(home.display())?;
        // From here on the folder is deleted whatever happens, by `Drop`.
        let mut server = Self { bin, home, owner, port: 0 };
        server.own_home()?;
        server.create()?;
        server.certify()?;
        server.launch()?;
        Ok(server)
    }

    pub fn url(&self) -> String {
        format!("postgres://{USER}@{}:{}/postgres", Ipv4Addr::LOCALHOST, self.port)
    }

    pub fn how_to_stop(&self) -> String {
        let program = self.bin.join("pg_ctl");
        let stop =
            format!("{} stop --mode fast --pgdata {}", program.display(), self.data().display());
        let delete = format!("rm -r {}", self.home.display());
        match self.owner {
            Some(_) => format!("runuser -u {SYSTEM_USER} -- {stop} && {delete}"),
            None => format!("{stop} && {delete}"),
        }
    }

    fn own_home(&self) -> Outcome {
        let context = || self.home.display().to_string();
        fs::set_permissions(&self.home, fs::Permissions::from_mode(0o700)).context(context())?;
        if let Some(Owner { user, group }) = self.owner {
            std::os::unix::fs::chown(&self.home, Some(user), Some(group)).context(context())?;
        }
        Ok(())
    }

    /// The same locale on each machine: sort order must not depend on where the tests run. Only these first
    /// files are not synced, since nothing is lost with them.
    fn create(&self) -> Outcome {
        let mut initdb = self.program("initdb");
        initdb.args(["--username", USER, "--auth", "trust", "--encoding", "UTF8"]);
        initdb.args(["--locale", "C.UTF-8", "--no-sync", "--pgdata"]).arg(self.data());
        hush(&mut initdb).map(|_| ())
    }

    /// A certificate for `localhost` that signed itself: who trusts it alone knows this server. Debian's PostgreSQL brings
    /// openssl along.
    fn certify(&self) -> Outcome {
        let mut openssl = self.tool("openssl");
        openssl.args(["req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt"]);
        openssl.args(["ec_paramgen_curve:P-256", "-days", "3650", "-subj", "/CN=localhost"]);
        openssl.args(["-addext", "subjectAltName=DNS:localhost"]);
        openssl.args(["-addext", "basicConstraints=critical,CA:FALSE"]);
        openssl.arg("-out").arg(self.data().join("server.crt"));
        openssl.arg("-keyout").arg(self.data().join("server.key"));
        hush(&mut openssl).map(|_| ())
    }

    fn launch(&mut self) -> Outcome {
        let mut tries = 1;
        loop {
            self.port = free_port()?;
            // fsync stays on, which is the default: durability is one of the things under test.
            let options = format!(
                "-c listen_addresses={} -c port={} -c unix_socket_directories= -c max_connections=200 -c ssl=on",
                Ipv4Addr::LOCALHOST,
                self.port
            );
            let log = self.home.join("log");
            let mut start = self.program("pg_ctl");
            start.args(["start", "--wait", "--silent", "--options", &options]);
            start.arg("--log").arg(&log).arg("--pgdata").arg(self.data());
            // Without pipes: the server inherits them, and reading would last as long as it lives.
            start.stdin(std::process::Stdio::null()).stdout(std::process::Stdio::null());
            if start.status().context("pg_ctl")?.success() {
                return Ok(());
            }
            if tries == STARTS {
                let log = fs::read_to_string(&log).unwrap_or_default();
                return Err(Failure(format!("PostgreSQL does not start:\n{log}")));
            }
            tries += 1;
        }
    }

    fn data(&self) -> PathBuf {
        self.home.join("data")
    }

    fn program(&self, name: &str) -> Command {
        self.tool(self.bin.join(name))
    }

    /// A program that runs as the owner of the files.
    fn tool(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.home);
        if let Some(Owner { user, group }) = self.owner {
            command.uid(user).gid(group);
        }
        command
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let mut stop = self.program("pg_ctl");
        stop.args(["stop", "--mode", "immediate", "--silent", "--pgdata"]).arg(self.data());
        if self.port != 0
            && let Err(failure) = hush(&mut stop)
        {
            eprintln!("PostgreSQL does not stop: {failure}");
        }
        if let Err(error) = fs::remove_dir_all(&self.home) {
            eprintln!("{} stays: {error}", self.home.display());
        }
    }
}

impl Owner {
    fn find() -> Outcome<Self> {
        let number = |option| -> Outcome<u32> {
            let id = hush(Command::new("id").args([option, SYSTEM_USER]))?;
            id.trim().parse().context(format!("id {option} {SYSTEM_USER}"))
        };
        Ok(Self { user: number("-u")?, group: number("-g")? })
    }
}

fn free_port() -> Outcome<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port")?;
    Ok(listener.local_addr().context("no free port")?.port())
}
