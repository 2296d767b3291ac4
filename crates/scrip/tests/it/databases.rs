//! Databases that are away, deleted, newer or shared.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::shop::{Database, Folder, Server, run, said, scrip};

fn register(server: &Server, email: &str) -> Value {
    let body = json!({ "email": email, "password": "correct horse" });
    server.ask(Method::POST, "/v1/accounts", "", "-", &body).1
}

fn get(server: &Server, path: &str, bearer: &str) -> Value {
    server.ask(Method::GET, path, bearer, "-", &Value::Null).1
}

/// Asks until the answer is so.
fn until(server: &Server, path: &str, bearer: &str, so: impl Fn(&Value) -> bool) {
    let begin = Instant::now();
    loop {
        let answer = get(server, path, bearer);
        if so(&answer) {
            return;
        }
        assert!(begin.elapsed() < Duration::from_secs(20), "{path} is still {answer}");
    }
}

#[test]
fn a_sqlite_file_that_is_gone_takes_no_more() {
    let folder = Folder::new();
    let server = folder.serve();
    assert!(register(&server, "ada@example.org")["token"].is_string());
    let (here, away) = (folder.path("scrip.db"), folder.path("away.db"));
    std::fs::rename(&here, &away).unwrap();
    assert_eq!(register(&server, "bob@example.org")["code"], "busy");
    until(&server, "/readyz", "", |ready| ready["failing"] == json!(["writer"]));
    assert!(!here.exists(), "no empty shop is put in its place");
    std::fs::rename(&away, &here).unwrap();
    assert!(register(&server, "bob@example.org")["token"].is_string());
    until(&server, "/readyz", "", |ready| ready["ready"] == true);
}

#[test]
fn a_postgresql_that_is_away_is_missed_and_found_again() {
    let folder = Folder::on_postgres("away");
    let server = folder.serve();
    let ada = register(&server, "ada@example.org");
    let ada = ada["token"].as_str().unwrap();
    folder.database().cut(true);
    assert!(get(&server, "/v1/wallet", ada)["posted"].is_object(), "connections are made anew");
    folder.database().cut(false);
    assert_eq!(register(&server, "bob@example.org")["code"], "busy");
    let failing = json!(["database", "writer"]);
    until(&server, "/readyz", "", |ready| ready["failing"] == failing);
    assert_eq!(get(&server, "/healthz", "")["alive"], true);
    // That it is away is known, and said; each request that meets it is only counted.
    let errors = || server.log().lines().filter(|line| line.contains("ERROR")).count();
    let known = errors();
    assert!(server.log().contains("the database does not answer: "), "{}", server.log());
    for _ in 0..20 {
        assert_eq!(register(&server, "bob@example.org")["code"], "busy");
    }
    assert_eq!(errors(), known, "{}", server.log());
    folder.database().cut(true);
    until(&server, "/readyz", "", |ready| ready["ready"] == true);
    assert!(register(&server, "bob@example.org")["token"].is_string());
    assert!(get(&server, "/v1/wallet", ada)["posted"].is_object());
    server.logs("the database answers again");
    let metrics = server.text("/metrics", &folder.admin_key);
    let counted = metrics.lines().find(|line| line.contains("faults_total{kind=\"unavailable\"}"));
    let counted: u32 = counted.and_then(|line| line.split(' ').nth(1)?.parse().ok()).unwrap_or(0);
    assert!(counted >= 20, "{metrics}");
}

/// What goes to PostgreSQL is for its eyes only, where the URL says so; and who is not known is not told the password.
#[test]
fn a_postgresql_that_nobody_vouches_for_is_refused() {
    let folder = Folder::on_postgres("vouching");
    let url = &folder.database().url;
    let text = std::fs::read_to_string(folder.config()).unwrap();
    let verified = text.replace(url, &format!("{url}?sslmode=verify-full"));
    std::fs::write(folder.config(), verified).unwrap();
    for (command, expected) in [("serve", 1), ("doctor", 2)] {
        let (text, code) = said(&run(&[command, "--config", &folder.config()]));
        assert_eq!(code, expected, "{text}");
        assert!(text.contains("certificate") && text.contains("sslrootcert=FILE"), "{text}");
    }
    let missing = text.replace(url, &format!("{url}?sslmode=verify-full&sslrootcert=/no/such.pem"));
    std::fs::write(folder.config(), missing).unwrap();
    let (text, code) = said(&run(&["config", "check", "--config", &folder.config()]));
    assert_eq!((code, text.contains("sslrootcert /no/such.pem")), (1, true), "{text}");
}

#[test]
fn an_empty_postgresql_is_told_and_left_empty() {
    let database = Database::new("empty");
    let folder = Folder::new();
    folder.configure(&format!("database = \"{}\"", database.url));
    let (text, code) = said(&run(&["serve", "--config", &folder.config()]));
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("there is no shop in the PostgreSQL database"), "{text}");
    assert!(text.contains("scrip init"), "{text}");
    // What has something in it would not go so.
    database.execute("DROP SCHEMA public RESTRICT");
}

#[test]
fn a_postgresql_with_a_shop_is_not_moved_into() {
    let used = Folder::on_postgres("used");
    let folder = Folder::new();
    let (text, code) = said(&run(&[
        "move",
        "--to",
        &used.database().url,
        "--quiet",
        "--config",
        &folder.config(),
    ]));
    assert_eq!(code, 1, "{text}");
    assert!(
        text.contains("it holds a shop already") && text.contains("an empty database"),
        "{text}"
    );
    assert!(!text.contains("not available"), "{text}");
    assert!(folder.path("scrip.db").exists());
}

/// Where one copy is all that there is, the doctor says so; that is no finding.
#[test]
fn the_doctor_says_what_a_failover_may_lose() {
    let folder = Folder::on_postgres("failover");
    let doctor = ["doctor", "--config", &folder.config()];
    let (text, code) = said(&run(&doctor));
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("note: synchronous replication is off"), "{text}");
    let output = run(&[&doctor[..], &["--json"]].concat());
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((report["sound"].as_bool(), output.status.code()), (Some(true), Some(0)));
    assert!(report["notes"][0].as_str().unwrap().contains("is off"), "{report}");
    let sqlite = run(&["doctor", "--json", "--config", &Folder::new().config()]);
    let report: Value = serde_json::from_slice(&sqlite.stdout).unwrap();
    assert_eq!(report["notes"], json!([]));
}

#[test]
fn a_newer_database_is_refused() {
    let folder = Folder::on_postgres("newer");
    folder.database().execute("COPY migrations FROM PROGRAM 'echo 9999_future,x' (FORMAT csv)");
    let (text, code) = said(&run(&["serve", "--config", &folder.config()]));
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("newer than this program") && text.contains("later one"), "{text}");
    let (text, code) = said(&run(&["doctor", "--config", &folder.config()]));
    assert_eq!((code, text.contains("newer")), (2, true), "{text}");
}

#[test]
fn an_older_database_is_examined_after_the_server_has_brought_it_up_to_date() {
    let folder = Folder::on_postgres("older");
    folder.database().execute("TRUNCATE migrations");
    let (text, code) = said(&run(&["doctor", "--config", &folder.config()]));
    assert_eq!(code, 2, "{text}");
    assert!(text.contains("older than this program") && text.contains("scrip serve"), "{text}");
}

/// Two servers on one PostgreSQL: what is done at one is so at the other, within a second.
#[test]
fn two_servers_are_one_shop() {
    let folder = Folder::on_postgres("two");
    let (one, two) = (folder.serve_as(0), folder.serve_as(1));
    let ada = register(&one, "ada@example.org");
    let ada = ada["token"].as_str().unwrap();
    assert_eq!(get(&two, "/v1/account", ada)["email"], "ada@example.org");
    assert_eq!(get(&two, "/v1/vendor", "")["flow"], "browse_first");
    let settings = json!({ "flow": "members_only" });
    let path = "/v1/admin/settings";
    one.call(Method::PATCH, path, &folder.admin_key, "-", &settings);
    until(&two, "/v1/vendor", "", |vendor| vendor["flow"] == "members_only");
    // A session that ended at one has ended at the other.
    one.call(Method::DELETE, "/v1/sessions/current", ada, "-", &Value::Null);
    until(&two, "/v1/account", ada, |answer| answer["code"] == "invalid_credentials");
}

#[test]
fn a_number_that_is_taken_is_refused() {
    let folder = Folder::on_postgres("number");
    let _server = folder.serve_as(7);
    let mut second = scrip(&["serve", "--config", &folder.config()]);
    let (text, code) = said(&second.env("SCRIP_SERVER_NUMBER", "7").output().unwrap());
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("another server with the number 7"), "{text}");
}
