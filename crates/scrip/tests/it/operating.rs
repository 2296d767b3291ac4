//! What the person on call relies on: a stop that loses no answer, logs without secrets, metrics that
//! a collector can read, signals.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::future::join_all;
use http::Method;
use rustix::process::Signal;
use scrip_client::{Client, Error};
use serde_json::{Value, json};

use crate::shop::{Folder, run, said};

/// Stopped under load, the server answers whatever it does: who hears nothing was not heard.
#[test]
fn a_stop_under_load_loses_no_answer() {
    const ASKING: u64 = 24;
    let folder = Folder::new();
    let server = folder.serve();
    let body = json!({ "email": "ada@example.org", "password": "correct horse" });
    let opened = server.call(Method::POST, "/v1/accounts", "", "-", &body);
    let account = opened["account"]["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/admin/accounts/{account}/adjust");
    let body = json!({ "tokens": { "amount": 1, "unit": "TOK" }, "reason": "a test" }).to_string();
    let credit = async |client: &Client, key: &str| {
        let headers = [("content-type", "application/json"), ("idempotency-key", key)];
        client.request(Method::POST, &path, &headers, body.clone().into_bytes()).await
    };
    let answered = AtomicU64::new(0);
    let asking = async |number: u64| {
        let client = Client::new(&server.url).unwrap().bearer(&folder.admin_key);
        for round in 0.. {
            let key = format!("key-{number}-{round}");
            match credit(&client, &key).await {
                Ok(answer) => assert_eq!(answer.status, 201, "{answer:?}"),
                // The last one: the connection was refused, or closed before it was heard.
                Err(Error::Unreachable { .. } | Error::Lost(_)) => return (round, key),
                Err(error) => panic!("{error}"),
            }
            if answered.fetch_add(1, Ordering::SeqCst) == 200 {
                server.signal(Signal::TERM);
            }
        }
        unreachable!("the rounds have no end")
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let outcomes = runtime.block_on(join_all((0..ASKING).map(asking)));
    let (code, log) = server.end();
    assert_eq!((code, log.contains("stopped")), (0, true), "{log}");

    let server = folder.serve();
    let told: u64 = outcomes.iter().map(|(told, _)| told).sum();
    let shown = server.admin(&folder, &["accounts", "show", "ada@example.org"]);
    assert_eq!(shown["available"]["amount"], told, "what was told is there, and nothing else");
    let client = Client::new(&server.url).unwrap().bearer(&folder.admin_key);
    for (_, key) in &outcomes {
        let answer = runtime.block_on(credit(&client, key)).unwrap();
        assert_eq!((answer.status.as_u16(), answer.replayed()), (201, false), "{key}");
    }
}

/// Nothing that opens anything reaches the log, however much is logged.
#[test]
fn logs_hold_no_secrets_at_any_level() {
    let folder = Folder::on_postgres("logs");
    let text = std::fs::read_to_string(folder.config()).unwrap();
    let text = text.replace("[log]", "[log]\nfilter = \"trace\"");
    std::fs::write(folder.config(), text).unwrap();
    let server = folder.serve();
    let email = "ada.of.the.logs@example.org";
    let password = "a password that is nowhere else";
    let who = json!({ "email": email, "password": password, "name": "Ada Secretive" });
    let opened = server.call(Method::POST, "/v1/accounts", "", "-", &who);
    let token = opened["token"].as_str().unwrap();
    let wrong = json!({ "email": email, "password": "a wrong guess at it" });
    server.ask(Method::POST, "/v1/sessions", "", "-", &wrong);
    let staff = &folder.admin_key;
    let offer = server.offers(&folder, 0, &json!({ "kind": "perpetual" }));
    let price = json!({ "amount": 0, "unit": "TOK" });
    let body = json!({ "lines": [{ "offer": offer }], "expected_total": price });
    let key = "an-idempotency-key-of-its-own";
    let paid = server.call(Method::POST, "/v1/purchases", token, key, &body);
    let code = &paid["licenses"][0]["code"];
    let (jws, short) = (code["jws"].as_str().unwrap(), code["short"].as_str().unwrap());
    for code in [jws, short] {
        let body = json!({ "code": code });
        server.call(Method::POST, "/v1/licenses/validate", "", "-", &body);
    }
    server.ask(
        Method::GET,
        &format!("/v1/products?q={short}&ticket={short}"),
        token,
        "-",
        &Value::Null,
    );
    server.ask(Method::GET, &format!("/v1/downloads/{short}?ticket={jws}"), "", "-", &Value::Null);
    // What is no HTTP at all is worth a line at this level.
    let address = server.url.strip_prefix("http://").unwrap();
    std::net::TcpStream::connect(address).unwrap().write_all(&[0x16; 64]).unwrap();
    server.logs("a connection ended early");
    let short = short.to_owned();
    let plain = short.replace('-', "").to_lowercase();
    server.signal(Signal::TERM);
    let (code, log) = server.end();
    assert_eq!(code, 0);
    let read = |name: &str| std::fs::read_to_string(folder.path(name)).unwrap().trim().to_owned();
    let (_, key_secret) = staff.split_once('.').unwrap();
    let secrets = [
        ("a session's token", token),
        ("an administrator's key", key_secret),
        ("a password", password),
        ("a wrong password", "a wrong guess at it"),
        ("a signed code", jws.rsplit_once('.').unwrap().1),
        ("a typed code", &short),
        ("a typed code, written otherwise", &plain),
        ("an address", email),
        ("a name", "Ada Secretive"),
        ("the master secret", &read("keys/master.secret")),
        ("a signing key", &read("keys/license-0001.seed")),
        ("a hash of a password", "$argon2id$"),
    ];
    for (what, secret) in secrets {
        let line = log.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{what} is in the log");
    }
    assert!(log.contains("DEBUG"), "everything was logged");
    let answered = log.lines().filter(|line| line.contains("route="));
    assert!(answered.clone().count() >= 10 && answered.clone().all(|line| line.contains("req_")));
}

/// The text format of metrics, as its specification (`OpenMetrics` 1.0) has it.
#[test]
fn metrics_are_what_a_collector_reads() {
    let folder = Folder::new();
    let server = folder.serve();
    server.call(Method::GET, "/v1/vendor", "", "-", &Value::Null);
    server.ask(Method::GET, "/v1/nothing\"x", "", "-", &Value::Null);
    let text = server.text("/metrics", &folder.admin_key);
    assert_eq!(text.lines().last(), Some("# EOF"));
    let mut types = BTreeMap::new();
    let mut samples = BTreeSet::new();
    for line in text.lines() {
        if let Some(described) = line.strip_prefix("# TYPE ") {
            let (name, kind) = described.split_once(' ').expect("a name and a type");
            assert!(types.insert(name, kind).is_none(), "{name} is described twice");
        } else if !line.starts_with('#') {
            let (series, value) = line.rsplit_once(' ').expect("a series and a value");
            assert!(value.parse::<f64>().is_ok_and(f64::is_finite), "{line}");
            assert!(samples.insert(series), "{series} stands twice");
            let name = series.split('{').next().unwrap_or_default();
            let is_of = |family: &str, kind: &str| match kind {
                "counter" => name == format!("{family}_total"),
                "histogram" => ["_bucket", "_sum", "_count"]
                    .iter()
                    .any(|ending| name == format!("{family}{ending}")),
                _ => name == family,
            };
            let families = types.iter().filter(|(family, kind)| is_of(family, kind));
            assert_eq!(families.count(), 1, "{line}");
            if let Some((_, labels)) = series.split_once('{') {
                let labels = labels.strip_suffix('}').expect("labels in braces");
                let well = |label: &str| {
                    let (name, value) = label.split_once("=\"")?;
                    let plain = name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
                    let value = value.strip_suffix('"')?;
                    (plain && !value.contains(['"', '\n'])).then_some(())
                };
                // None of our label values has a comma in it.
                assert!(labels.split(',').all(|label| well(label).is_some()), "{line}");
            }
        }
    }
    for name in
        ["scrip_http_requests", "scrip_http_request_duration_seconds", "scrip_commands_waiting"]
    {
        assert!(types.contains_key(name), "{name} in {types:?}");
    }
    let bucket = r#"scrip_http_request_duration_seconds_bucket{le="+Inf",route="/v1/vendor"}"#;
    assert!(samples.contains(bucket), "{text}");
    assert!(!text.contains("nothing"), "what was asked for is no label");
}

/// SIGHUP reads the keys again; keys that cannot be read change nothing.
#[test]
fn a_hang_up_reads_the_keys_again() {
    let folder = Folder::new();
    let server = folder.serve();
    let keys = || {
        let set = server.call(Method::GET, "/.well-known/jwks.json", "", "-", &Value::Null);
        set["keys"].as_array().unwrap().len()
    };
    assert_eq!(keys(), 1);
    let key = |number: u32| folder.path(&format!("keys/license-{number:04}.seed"));
    std::fs::write(key(2), "not a key").unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(key(2), mode).unwrap();
    server.signal(Signal::HUP);
    server.logs("the keys stay as they were");
    assert_eq!(keys(), 1);
    std::fs::write(key(2), "ab".repeat(32)).unwrap();
    server.signal(Signal::HUP);
    server.logs("the keys were read again");
    assert_eq!(keys(), 2);
    server.signal(Signal::TERM);
    assert_eq!(server.end().0, 0);
}

/// The master secret of another shop would make other short codes of what was sold, in silence.
#[test]
fn the_master_secret_of_another_shop_is_refused() {
    let folder = Folder::new();
    let server = folder.serve();
    let path = folder.path("keys/master.secret");
    std::fs::write(&path, "ab".repeat(32)).unwrap();
    server.signal(Signal::HUP);
    server.logs("the keys stay as they were");
    server.logs("is not the master secret of this shop");
    server.signal(Signal::TERM);
    assert_eq!(server.end().0, 0);

    let (text, code) = said(&run(&["serve", "--config", &folder.config()]));
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("keys/master.secret is not the master secret of this shop"), "{text}");
    assert!(text.contains("from a backup"), "{text}");
    let (text, code) = said(&run(&["doctor", "--config", &folder.config()]));
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("master-secret: keys/master.secret is another shop's"), "{text}");
}

/// Whoever is on call finds each check of the doctor in the guide.
#[test]
fn the_guide_says_what_to_do_about_each_check() {
    let guide = include_str!("../../../../docs/operating.md");
    let (_, guide) = guide.split_once("\n## The doctor\n").expect("a chapter");
    let names: Vec<&str> = guide.split('`').skip(1).step_by(2).collect();
    let is_told = |check: &str| {
        names.iter().any(|name| match name.strip_suffix('*') {
            Some(begin) => check.starts_with(begin),
            None => check == *name,
        })
    };
    let output = run(&["doctor", "--json", "--config", &Folder::new().config()]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let checks = report["checks"].as_array().unwrap().iter();
    let untold: Vec<_> = checks.filter_map(|check| check["name"].as_str()).collect();
    let untold: Vec<_> = untold.into_iter().filter(|check| !is_told(check)).collect();
    assert!(untold.is_empty(), "docs/operating.md says nothing of {untold:?}");
}
