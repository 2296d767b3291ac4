//! Init, serve, stop, die, start again.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::process::Signal;
use scrip_client::{Client, Error, Money};
use scrip_domain::Timestamp;
use serde_json::Value;

use crate::shop::{Folder, run, said, scrip};

fn get(url: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(url.strip_prefix("http://").unwrap()).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_folder_is_made_once_and_closed_to_others() {
    let folder = Folder::new();
    let path = folder.path("");
    let (text, code) = said(&run(&["init", path.to_str().unwrap()]));
    assert_eq!(code, 1);
    assert!(text.contains("is not empty"), "{text}");
    for name in ["", "keys", "keys/master.secret", "keys/license-0001.seed", "scrip.toml"] {
        let mode = folder.path(name).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{name} is open to others");
    }
}

#[test]
fn an_init_that_fails_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().to_str().unwrap();
    let url = "postgres://nobody@127.0.0.1:1/none";
    let (text, code) = said(&run(&["init", path, "--database", url]));
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("cannot open the database PostgreSQL"), "{text}");
    assert_eq!(dir.path().read_dir().unwrap().count(), 0);
    let new = dir.path().join("new");
    let (text, code) = said(&run(&["init", new.to_str().unwrap(), "--database", url]));
    assert!(code == 1 && !new.exists(), "{text}");
    let backup = dir.path().join("no.age");
    std::fs::write(&backup, "no backup").unwrap();
    let (backup, folder) = (backup.to_str().unwrap(), new.to_str().unwrap());
    let mut restore = scrip(&["restore", backup, folder, "--quiet"]);
    let restored = restore.env("SCRIP_PASSPHRASE", "correct horse battery").output().unwrap();
    let (text, code) = said(&restored);
    assert!(code == 3 && !new.exists(), "{code}: {text}");
    std::fs::remove_file(backup).unwrap();
    for args in [
        ["--worth", "a lot"],
        ["--token-code", "aur"],
        ["--scale", "7"],
        ["--listen", "localhost"],
        ["--public-url", "shop.example"],
        ["--provider", "pay.example"],
    ] {
        let (text, code) = said(&run(&[&["init", path][..], &args].concat()));
        assert_eq!(code, 2, "{text}");
        // What is told is what was typed, not a file that nobody has.
        assert!(text.contains(args[0]) && !text.contains("scrip.toml"), "{text}");
    }
}

#[test]
fn a_server_starts_answers_and_stops_in_order() {
    let folder = Folder::new();
    let server = folder.serve();
    assert!(get(&server.url, "/healthz").contains(r#"{"alive":true}"#));
    assert!(get(&server.url, "/readyz").contains(r#"{"ready":true"#));
    assert!(get(&server.url, "/metrics").starts_with("HTTP/1.1 401"));
    assert!(get(&server.url, "/v1/vendor?secret=1").starts_with("HTTP/1.1 "));
    server.signal(Signal::TERM);
    let (code, log) = server.end();
    assert_eq!(code, 0, "{log}");
    assert!(log.contains("route=\"/v1/vendor\"") && log.contains("request_id="), "{log}");
    assert!(log.contains("stopped") && !log.contains("secret"), "{log}");
    assert!(!folder.path("scrip.db-wal").exists(), "the last checkpoint emptied the log");
}

#[test]
fn metrics_have_an_address_of_their_own() {
    let folder = Folder::new();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    folder.configure(&format!("metrics = \"{free}\""));
    let server = folder.serve();
    assert!(get(&server.url, "/v1/vendor").starts_with("HTTP/1.1 200"));
    let metrics = get(&format!("http://{free}"), "/metrics");
    let line = r#"scrip_http_requests_total{method="GET",route="/v1/vendor",status="200"} 1"#;
    assert!(metrics.contains(line), "{metrics}");
}

#[test]
fn what_is_in_the_way_is_told_in_a_sentence() {
    let folder = Folder::new();
    let server = folder.serve();
    let serve = |folder: &Folder| said(&run(&["serve", "--config", &folder.config()]));
    let (text, code) = serve(&folder);
    assert_eq!(code, 1);
    assert!(text.contains("another process is using"), "{text}");

    let other = Folder::new();
    let text = std::fs::read_to_string(other.config()).unwrap();
    let address = server.url.strip_prefix("http://").unwrap();
    std::fs::write(other.config(), text.replace("127.0.0.1:0", address)).unwrap();
    let (text, code) = serve(&other);
    assert_eq!(code, 1);
    assert!(text.contains(&format!("cannot listen on {address}")), "{text}");

    std::fs::write(other.path("scrip.db"), "this is no database, whatever its name says").unwrap();
    let (text, code) = serve(&other);
    assert_eq!(code, 1);
    assert!(text.contains("cannot open the database"), "{text}");
    std::fs::remove_file(other.path("scrip.db")).unwrap();
    let (text, code) = serve(&other);
    assert_eq!(code, 1);
    assert!(text.contains("there is no database at"), "{text}");

    let seed = other.path("keys/license-0001.seed");
    std::fs::set_permissions(&seed, std::fs::Permissions::from_mode(0o604)).unwrap();
    let (text, code) = serve(&other);
    assert_eq!(code, 1);
    assert!(text.contains("chmod 600"), "{text}");
}

#[test]
fn time_passes_at_will_in_a_demo_only() {
    let folder = Folder::new();
    let advance = |url: &str| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let client = Client::new(url).unwrap();
        runtime.unwrap().block_on(client.advance_clock(86_400))
    };
    let server = folder.serve();
    let refused = advance(&server.url).unwrap_err();
    assert_eq!(refused.code(), Some("not_found"));
    drop(server);
    folder.configure("demo = true");
    let server = folder.serve();
    let now = |answer: Value| Timestamp::parse(answer["now"].as_str().unwrap()).unwrap();
    let (first, second) = (advance(&server.url).unwrap(), advance(&server.url).unwrap());
    let passed = now(second).since(now(first)).as_millis() / 1000;
    assert!((86_400..86_500).contains(&passed), "{passed}");
}

#[test]
fn a_client_that_dribbles_is_cut() {
    let folder = Folder::new();
    let text = std::fs::read_to_string(folder.config()).unwrap();
    let limits = "[limits]\nheader_seconds = 1\nbody_seconds = 1";
    std::fs::write(folder.config(), text.replace("[limits]", limits)).unwrap();
    let server = folder.serve();
    let address = server.url.strip_prefix("http://").unwrap();

    // The head never ends: the connection does.
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(b"GET /v1/vendor HTTP/1.1\r\nHost: shop\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(!answer.contains("200 OK"), "{answer}");

    // The body never ends: the request does.
    let mut stream = TcpStream::connect(address).unwrap();
    let head = "POST /v1/sessions HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\n";
    write!(stream, "{head}Content-Length: 50\r\n\r\n{{").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
}

/// A client that sends all of its body before it listens still hears why it was refused.
#[test]
fn a_refused_body_does_not_hide_its_answer() {
    let folder = Folder::new();
    let server = folder.serve();
    let address = server.url.strip_prefix("http://").unwrap();
    let body = vec![b' '; 16 << 20];
    for (path, status) in [("/v1/sessions", "413"), ("/v1/wallet", "405"), ("/v1/nothing", "404")] {
        let mut stream = TcpStream::connect(address).unwrap();
        let head = "Host: shop\r\nContent-Type: application/json\r\n";
        write!(stream, "POST {path} HTTP/1.1\r\n{head}Content-Length: {}\r\n\r\n", body.len())
            .unwrap();
        stream.write_all(&body).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{path}: {answer}");
    }
}

/// Tokens are added by many at once, the process is killed in the middle, and everybody asks again
/// with the same keys: each is added exactly once, the answered ones without being asked for again.
#[test]
fn killed_in_the_middle_of_writes_the_books_are_right() {
    const KEYS: u64 = 400;
    let folder = Folder::new();
    let server = folder.serve();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let registration =
        serde_json::json!({ "email": "ada@example.org", "password": "correct horse" });
    let opened = server.call(http::Method::POST, "/v1/accounts", "", "-", &registration);
    let account = opened["account"]["id"].as_str().unwrap().to_owned();

    let answered = AtomicU64::new(0);
    let add = |url: String, number: u64| {
        let (key, account) = (folder.admin_key.clone(), account.clone());
        async move {
            let admin = Client::new(&url).unwrap().admin(&key);
            let name = format!("key-{number}");
            admin.credit(&name, &account, &Money::new(7, "TOK"), "a test").await
        }
    };
    let url = server.url.clone();
    let lost = runtime.block_on(async {
        let (add, server, answered) = (&add, &server, &answered);
        let tasks = (0..KEYS).map(|number| (number, add(url.clone(), number))).map(
            |(number, adding)| async move {
                let outcome = adding.await;
                if outcome.is_ok() && answered.fetch_add(1, Ordering::SeqCst) == 20 {
                    server.signal(Signal::KILL);
                }
                match outcome {
                    Ok(_) => None,
                    Err(Error::Lost(_) | Error::Unreachable { .. }) => Some(number),
                    Err(other) => panic!("{other}"),
                }
            },
        );
        join_in_turns(tasks).await
    });
    assert!(!lost.is_empty(), "it was killed in the middle");
    drop(server);

    let server = folder.serve();
    let shown = server.admin(&folder, &["accounts", "show", "ada@example.org"]);
    let kept = shown["available"]["amount"].as_u64().unwrap();
    let told = answered.load(Ordering::SeqCst) * 7;
    assert!(kept >= told, "what was answered is there: {kept} of {told}");
    for number in 0..KEYS {
        runtime.block_on(add(server.url.clone(), number)).unwrap();
    }
    let shown = server.admin(&folder, &["accounts", "show", "ada@example.org"]);
    assert_eq!(shown["available"]["amount"], KEYS * 7);
    // Beside the server that writes.
    let (text, code) = said(&run(&["doctor", "--config", &folder.config()]));
    assert_eq!((code, text.contains("The books are whole.")), (0, true), "{text}");
    server.signal(Signal::INT);
    assert_eq!(server.end().0, 0);
    let (text, code) = said(&run(&["doctor", "--json", "--config", &folder.config()]));
    assert_eq!((code, text.contains("\"sound\":true")), (0, true), "{text}");
    std::fs::remove_file(folder.path("scrip.db")).unwrap();
    assert_eq!(said(&run(&["doctor", "--config", &folder.config()])).1, 2);
}

#[test]
fn the_doctor_calls_no_damaged_file_whole_and_no_empty_one() {
    let folder = Folder::new();
    let doctor = || said(&run(&["doctor", "--without-files", "--config", &folder.config()]));
    assert_eq!(doctor().1, 0);
    // Some page whose damage keeps nobody from reading the books: the look at the file finds it.
    let database = folder.path("scrip.db");
    let whole = std::fs::read(&database).unwrap();
    let seen = (0..whole.len()).step_by(11 * 2048).skip(1).find_map(|page| {
        let mut pages = whole.clone();
        pages[page..page + 2048].fill(0xff);
        std::fs::write(&database, pages).unwrap();
        let (text, code) = doctor();
        (code == 1).then_some(text)
    });
    let blamed = |line: &str| line.split_whitespace().take(2).eq(["BAD", "file"]);
    assert!(seen.is_some_and(|text| text.lines().any(blamed)), "no damage is seen");
    // An empty file is no shop, and a new one is not made over it.
    std::fs::write(&database, "").unwrap();
    let (text, code) = said(&run(&["serve", "--config", &folder.config()]));
    assert!(code == 1 && text.contains("there is no shop in"), "{code}: {text}");
    assert!(text.contains("scrip restore") && !text.contains("scrip init"), "{text}");
    assert_eq!(std::fs::metadata(&database).unwrap().len(), 0, "it is left as it is");
    let (text, code) = doctor();
    assert!(code == 2 && text.contains("there is no shop in"), "{code}: {text}");
}

/// Runs 16 at a time; gives what they found.
async fn join_in_turns<T>(tasks: impl Iterator<Item = impl Future<Output = Option<T>>>) -> Vec<T> {
    let mut found = Vec::new();
    let mut tasks = tasks.peekable();
    while tasks.peek().is_some() {
        let turn: Vec<_> = tasks.by_ref().take(16).collect();
        found.extend(futures_util::future::join_all(turn).await.into_iter().flatten());
    }
    found
}
