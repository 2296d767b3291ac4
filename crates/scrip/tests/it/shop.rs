//! A vendor's folder, and the server that runs on it.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use http::Method;
use rustix::process::{Pid, Signal, kill_process};
use scrip_client::Client;
use serde_json::{Value, json};
use tempfile::TempDir;

/// The binary, in an environment without anything of ours.
pub fn scrip(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_scrip"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("SCRIP_") {
            command.env_remove(name);
        }
    }
    command.args(args);
    command
}

/// Runs the binary to its end.
pub fn run(args: &[&str]) -> Output {
    scrip(args).output().expect("the binary runs")
}

/// What it said, and its exit code.
pub fn said(output: &Output) -> (String, i32) {
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    (text.into_owned(), output.status.code().unwrap_or(-1))
}

/// A database on the tests' PostgreSQL; it goes with the test.
pub struct Database {
    pub name: String,
    pub url: String,
}

impl Database {
    /// An empty one, for the test called `test`.
    pub fn new(test: &str) -> Self {
        let name = format!("scrip_{test}_{}", std::process::id());
        psql(&cluster(), &format!("CREATE DATABASE {name}"));
        let cluster = cluster();
        let (address, _) = cluster.rsplit_once('/').expect("a database in the URL");
        Self { url: format!("{address}/{name}"), name }
    }

    /// Runs a statement in it, past the server.
    pub fn execute(&self, statement: &str) {
        psql(&self.url, statement);
    }

    /// Cuts every connection to it, and lets new ones in or not.
    pub fn cut(&self, reachable: bool) {
        let name = &self.name;
        psql(&cluster(), &format!("ALTER DATABASE {name} WITH ALLOW_CONNECTIONS {reachable}"));
        let all = format!("FROM pg_stat_activity WHERE datname = '{name}'");
        psql(&cluster(), &format!("SELECT pg_terminate_backend(pid) {all}"));
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        psql(&cluster(), &format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
    }
}

/// Where the tests' PostgreSQL is.
#[expect(clippy::disallowed_methods, reason = "tests are told where their server is in one way")]
fn cluster() -> String {
    std::env::var("SCRIP_TEST_POSTGRES").unwrap_or_else(|_| {
        panic!("SCRIP_TEST_POSTGRES is not set: run `cargo xtask test`, or `cargo xtask postgres`")
    })
}

fn psql(url: &str, statement: &str) {
    let output = Command::new("psql").args([url, "-qc", statement]).output();
    let output = output.expect("psql comes with PostgreSQL");
    assert!(output.status.success() || std::thread::panicking(), "{statement}: {output:?}");
}

/// A vendor's folder.
pub struct Folder {
    dir: TempDir,
    pub admin_key: String,
    /// Where its books are, if they are not in the folder.
    database: Option<Database>,
}

impl Folder {
    /// A new one, whose server takes a free port.
    pub fn new() -> Self {
        Self::with(None)
    }

    /// The same with its books on PostgreSQL.
    pub fn on_postgres(test: &str) -> Self {
        Self::with(Some(Database::new(test)))
    }

    fn with(database: Option<Database>) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("shop");
        let path = path.to_str().expect("a path");
        let mut args = vec!["init", path, "--listen", "127.0.0.1:0", "--scale", "2", "--json"];
        args.extend(database.iter().flat_map(|database| ["--database", &database.url]));
        let output = run(&args);
        assert!(output.status.success(), "{output:?}");
        let made: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let admin_key = made["admin_key"].as_str().expect("a key").to_owned();
        Self { dir, admin_key, database }
    }

    /// Its database on PostgreSQL.
    pub fn database(&self) -> &Database {
        self.database.as_ref().expect("its books are on PostgreSQL")
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join("shop").join(name)
    }

    pub fn config(&self) -> String {
        self.path("scrip.toml").to_str().expect("a path").to_owned()
    }

    /// Adds to the configuration, before its first table.
    pub fn configure(&self, line: &str) {
        let text = std::fs::read_to_string(self.config()).expect("a configuration");
        std::fs::write(self.config(), format!("{line}\n{text}")).expect("written");
    }

    /// A server on it, ready.
    pub fn serve(&self) -> Server {
        self.serve_as(0)
    }

    /// The same with a number among those on one database.
    pub fn serve_as(&self, number: u8) -> Server {
        let mut command = scrip(&["serve", "--config", &self.config()]);
        command.env("SCRIP_SERVER_NUMBER", number.to_string());
        // Into a file: nobody empties a pipe while the test runs, and the server would wait.
        let log = self.dir.path().join(format!("log-{number}"));
        let file = std::fs::File::create(&log).expect("a log");
        let mut child = command.stdout(Stdio::piped()).stderr(file).spawn().expect("a server");
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().expect("an output"));
        out.read_line(&mut line).expect("a line");
        let Some(url) = line.trim().strip_prefix("listening on ") else {
            let log = std::fs::read_to_string(&log).expect("a log");
            panic!("the server did not start: {line} {log}");
        };
        Server { url: url.to_owned(), child, log }
    }
}

/// A running server.
pub struct Server {
    pub url: String,
    child: Child,
    log: PathBuf,
}

impl Server {
    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).expect("a signal");
    }

    /// Its exit code and log, once it has ended.
    pub fn end(mut self) -> (i32, String) {
        let code = self.child.wait().expect("an end").code().unwrap_or(-1);
        (code, std::fs::read_to_string(&self.log).expect("a log"))
    }

    /// Asks it as the holder of `bearer` (empty for a visitor), with `key` for idempotency.
    pub fn call(&self, method: Method, path: &str, bearer: &str, key: &str, body: &Value) -> Value {
        let (status, answer) = self.ask(method, path, bearer, key, body);
        assert!(status < 400, "{path}: {status} {answer}");
        answer
    }

    /// The same, whatever the status; null where the answer has no body.
    pub fn ask(
        &self,
        method: Method,
        path: &str,
        bearer: &str,
        key: &str,
        body: &Value,
    ) -> (u16, Value) {
        let headers = [("content-type", "application/json"), ("idempotency-key", key)];
        let client = Client::new(&self.url).expect("an address");
        let client = if bearer.is_empty() { client } else { client.bearer(bearer) };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let answer = runtime.expect("a runtime").block_on(async {
            let body = serde_json::to_vec(body).expect("JSON");
            client.request(method, path, &headers, body).await
        });
        let answer = answer.unwrap_or_else(|error| panic!("{path}: {error}"));
        (answer.status.as_u16(), serde_json::from_slice(&answer.body).unwrap_or_default())
    }

    /// What it answers to a GET that is no JSON.
    pub fn text(&self, path: &str, bearer: &str) -> String {
        let client = Client::new(&self.url).expect("an address").bearer(bearer);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let answer = runtime.expect("a runtime").block_on(async {
            client.request(Method::GET, path, &[], scrip_client::Body::empty()).await
        });
        String::from_utf8(answer.expect("an answer").body.to_vec()).expect("text")
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).expect("a log")
    }

    /// Waits until it has logged this.
    pub fn logs(&self, words: &str) {
        let begin = tokio::time::Instant::now();
        while !self.log().contains(words) {
            assert!(begin.elapsed().as_secs() < 20, "{words} is not logged");
        }
    }

    /// The offer of a service that is entered and published: so much for these terms.
    pub fn offers(&self, folder: &Folder, price: u64, terms: &Value) -> String {
        let staff = &folder.admin_key;
        let put = |path: &str, body: Value| self.call(Method::PUT, path, staff, "-", &body);
        put("/v1/admin/products/tuning", json!({ "kind": "service", "title": "Tuning" }));
        let offer = json!({ "price": { "amount": price, "unit": "TOK" }, "terms": terms });
        let offer = put("/v1/admin/products/tuning/offers/one", offer);
        self.call(Method::POST, "/v1/admin/products/tuning/publish", staff, "-", &Value::Null);
        offer["id"].as_str().expect("an offer").to_owned()
    }

    /// Runs `scrip admin` against it, and reads its JSON.
    pub fn admin(&self, folder: &Folder, args: &[&str]) -> Value {
        let mut all = vec!["admin", "--json", "--server", &self.url];
        all.extend(["--admin-key", &folder.admin_key]);
        all.extend(args);
        let output = run(&all);
        assert!(output.status.success(), "{args:?}: {output:?}");
        serde_json::from_slice(&output.stdout).expect("JSON")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A test that failed leaves nothing running.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
