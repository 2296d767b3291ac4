//! `scrip admin` against a running server.

use http::Method;
use rustix::process::Signal;
use scrip_domain::{Span, Timestamp};
use serde_json::{Value, json};

use crate::shop::{Folder, Server, run, said};

/// Opens an account and gives its session's token.
fn register(server: &Server, email: &str) -> String {
    let body = json!({ "email": email, "password": "correct horse" });
    let opened = server.call(Method::POST, "/v1/accounts", "", "-", &body);
    opened["token"].as_str().unwrap().to_owned()
}

#[test]
fn accounts_are_listed_adjusted_and_frozen() {
    let folder = Folder::new();
    let server = folder.serve();
    register(&server, "ada@example.org");
    register(&server, "bob@example.org");
    let list = server.admin(&folder, &["accounts", "list"]);
    assert_eq!(list["data"].as_array().unwrap().len(), 2);
    let id = list["data"][1]["id"].as_str().unwrap();

    let adjust =
        ["accounts", "adjust", "Ada@example.org", "12.5", "--reason", "a cheque", "--key", "k"];
    assert_eq!(server.admin(&folder, &adjust)["tokens"]["display"], "12.50 TOK");
    server.admin(&folder, &adjust);
    let shown = server.admin(&folder, &["accounts", "show", id]);
    assert_eq!(shown["available"]["amount"], 1250, "the same key adds once");
    let frozen = server.admin(&folder, &["accounts", "freeze", id]);
    assert_eq!(frozen["permits"]["reason"], "account_frozen");
    let thawed = server.admin(&folder, &["accounts", "thaw", id]);
    assert_eq!(thawed["permits"]["transact"], true);

    let mistake = |args: &[&str]| {
        let mut all = vec!["admin", "--server", &server.url, "--admin-key", &folder.admin_key];
        all.extend(args);
        said(&run(&all))
    };
    let (text, code) = mistake(&["accounts", "adjust", id, "1.234", "--reason", "r"]);
    assert_eq!(code, 2, "{text}");
    let (text, code) = mistake(&["accounts", "show", "eve@example.org"]);
    assert_eq!((code, text.contains("no account with the address")), (1, true), "{text}");
    let (text, code) = mistake(&["accounts", "list"]);
    assert_eq!((code, text.contains("E-MAIL") && text.contains("bob@example.org")), (0, true));
}

#[test]
fn a_journal_is_written_whole_or_not_at_all() {
    for folder in [Folder::new(), Folder::on_postgres("export")] {
        let server = folder.serve();
        register(&server, "ada@example.org");
        let adjust = ["accounts", "adjust", "ada@example.org", "12.5", "--reason", "a cheque"];
        server.admin(&folder, &adjust);
        let export = |args: &[&str]| {
            let mut all = vec!["export", "--server", &server.url, "--admin-key", &folder.admin_key];
            all.extend(args);
            run(&all)
        };
        let path = folder.path("ledger.journal").display().to_string();
        let written = export(&["--format", "hledger", "--out", &path]);
        assert_eq!(written.status.code(), Some(0), "{}", said(&written).0);
        let journal = std::fs::read_to_string(&path).unwrap();
        assert!(journal.contains("    Equity:Issued  12.50 TOK\n"), "{journal}");
        assert!(journal.contains(":Available  0.00 TOK = -12.50 TOK\n"), "{journal}");
        let told = export(&["--format", "hledger"]);
        assert_eq!(String::from_utf8(told.stdout).unwrap(), journal, "the same bytes");

        std::fs::write(&path, "kept").unwrap();
        let (text, code) = said(&export(&["--format", "csv", "--from", "today", "--out", &path]));
        assert_eq!((code, text.contains("a day such as 2026-11-22")), (2, true), "{text}");
        let backwards = ["--format", "csv", "--from", "2026-02-02", "--to", "2026-02-01"];
        let (text, code) = said(&export(&[&backwards[..], &["--out", &path]].concat()));
        assert_eq!((code, text.contains("not before")), (1, true), "{text}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "kept");
        assert!(!folder.path("ledger.journal.part").exists());
    }
}

#[test]
fn gifts_are_given_and_orders_given_back() {
    let folder = Folder::new();
    let server = folder.serve();
    let ada = register(&server, "ada@example.org");
    let gift = ["accounts", "adjust", "ada@example.org", "3", "--reason", "welcome", "--promo"];
    let until = ["--expires-at", "2999-01-01T00:00:00Z"];
    let given = server.admin(&folder, &[&gift[..], &until].concat());
    assert_eq!((&given["kind"], &given["tokens"]["amount"]), (&json!("promo"), &json!(300)));

    let admin = |method: Method, path: &str, body: &Value| {
        server.call(method, &format!("/v1/admin/{path}"), &folder.admin_key, "-", body)
    };
    let product = json!({ "slug": "tool", "kind": "service", "title": "Tool" });
    admin(Method::POST, "products", &product);
    let offer =
        json!({ "price": { "amount": 200, "unit": "TOK" }, "terms": { "kind": "perpetual" } });
    let offer = admin(Method::PUT, "products/tool/offers/standard", &offer);
    admin(Method::POST, "products/tool/publish", &Value::Null);
    let body = json!({
        "lines": [{ "offer": offer["id"] }], "expected_total": { "amount": 200, "unit": "TOK" }
    });
    let paid = server.call(Method::POST, "/v1/purchases", &ada, "p1", &body);
    let (order, line) = (paid["id"].as_str().unwrap(), paid["lines"][0]["id"].as_str().unwrap());

    let list = server.admin(&folder, &["orders", "--state", "paid"]);
    assert_eq!((&list["data"][0]["id"], &list["next"]), (&paid["id"], &Value::Null));
    assert_eq!(server.admin(&folder, &["orders", "--state", "declined"])["data"], json!([]));

    let part =
        ["refund", order, "--line", line, "--amount", "0.5", "--reason", "late", "--key", "r"];
    let back = server.admin(&folder, &part);
    assert_eq!(server.admin(&folder, &part), back, "the same key gives back once");
    let rest = server.admin(&folder, &["refund", order, "--reason", "broken", "--keep-licenses"]);
    assert_eq!(
        (&rest["amount"]["display"], &rest["licenses"]),
        (&json!("1.50 TOK"), &json!("keep"))
    );
    let mut all = vec!["admin", "--server", &server.url, "--admin-key", &folder.admin_key];
    all.extend(["refund", order, "--reason", "again"]);
    let (text, code) = said(&run(&all));
    assert_eq!((code, text.contains("already_refunded")), (1, true), "{text}");
}

#[test]
fn money_of_a_top_up_is_given_back_once() {
    let folder = Folder::new();
    let server = folder.serve();
    register(&server, "ada@example.org");
    let cash = ["accounts", "adjust", "ada@example.org", "3", "--reason", "paid in cash"];
    let added = server.admin(&folder, &cash);
    let top_up = added["id"].as_str().unwrap();
    let part = ["refund-top-up", top_up, "--amount", "1.25", "--reason", "too much", "--key", "r"];
    let back = server.admin(&folder, &part);
    assert_eq!((&back["tokens"]["amount"], &back["by_hand"]), (&json!(125), &json!(true)));
    assert_eq!(server.admin(&folder, &part), back, "the same key gives back once");
    let rest = server.admin(&folder, &["refund-top-up", top_up, "--reason", "all of it"]);
    assert_eq!(rest["tokens"]["display"], "1.75 TOK");
    let mut again = vec!["admin", "--server", &server.url, "--admin-key", &folder.admin_key];
    again.extend(["refund-top-up", top_up, "--reason", "again"]);
    let (text, code) = said(&run(&again));
    assert_eq!((code, text.contains("already_refunded")), (1, true), "{text}");
}

#[test]
fn api_keys_are_made_used_and_revoked() {
    let folder = Folder::new();
    let server = folder.serve();
    let create = ["api-keys", "create", "--label", "second", "--scope", "admin"];
    let made = server.admin(&folder, &create);
    let token = made["token"].as_str().unwrap();
    let list = |key: &str| {
        said(&run(&["admin", "--server", &server.url, "--admin-key", key, "api-keys", "list"]))
    };
    let (text, code) = list(token);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("first administrator") && !text.contains(token), "{text}");
    let revoke = ["api-keys", "revoke", made["id"].as_str().unwrap()];
    assert!(server.admin(&folder, &revoke)["revoked_at"].is_string());
    let (text, code) = list(token);
    assert_eq!((code, text.contains("invalid_credentials")), (1, true), "{text}");
    assert!(text.contains("--admin-key") && !text.contains("sign in"), "{text}");

    let (text, code) = said(&run(&["admin", "--server", &server.url, "accounts", "list"]));
    assert_eq!((code, text.contains("SCRIP_ADMIN_KEY")), (2, true), "{text}");
    let wrong = ["admin", "--server", &server.url, "--admin-key", &folder.admin_key];
    let scope = ["api-keys", "create", "--label", "x", "--scope", "purchase"];
    let (text, code) = said(&run(&[&wrong[..], &scope].concat()));
    assert_eq!((code, text.contains("scopes")), (1, true), "{text}");
}

#[test]
fn vouchers_are_made_by_the_batch_and_their_codes_bring_tokens() {
    let folder = Folder::new();
    let server = folder.serve();
    let ada = register(&server, "ada@example.org");
    let admin = ["admin", "--server", &server.url, "--admin-key", &folder.admin_key];
    let make = ["vouchers", "make", "--label", "Fair", "--tokens", "5", "--count", "2"];
    let made = run(&[&admin[..], &make, &["--kind", "promo"]].concat());
    assert_eq!(made.status.code(), Some(0), "{}", said(&made).0);
    let codes = String::from_utf8(made.stdout).unwrap();
    let codes: Vec<_> = codes.lines().collect();
    assert_eq!(codes.len(), 2, "a code on each line, and nothing else: {codes:?}");
    let body = json!({ "method": "voucher", "voucher": codes[0] });
    let brought = server.call(Method::POST, "/v1/top-ups", &ada, "v", &body);
    assert_eq!(brought["state"], "credited", "{brought}");
    let list = server.admin(&folder, &["vouchers", "list"]);
    let batch = &list["data"][0];
    assert_eq!((&batch["redeemed"], &batch["count"]), (&json!(1), &json!(2)));
    let closed = ["vouchers", "close", batch["id"].as_str().unwrap()];
    assert!(server.admin(&folder, &closed)["closed_at"].is_string());
    let (text, code) = said(&run(&[&admin[..], &["vouchers", "list"]].concat()));
    assert_eq!((code, text.contains("1 of 2") && text.contains("closed")), (0, true), "{text}");
    let (text, code) = said(&run(&[&admin[..], &["vouchers", "close", "../keys"]].concat()));
    assert_eq!((code, text.contains("is no id")), (2, true), "{text}");
}

#[test]
fn the_audit_log_tells_who_did_what() {
    let folder = Folder::new();
    let server = folder.serve();
    register(&server, "ada@example.org");
    server.admin(&folder, &["accounts", "freeze", "ada@example.org"]);
    server.admin(&folder, &["keys", "rotate"]);
    let log = server.admin(&folder, &["audit"]);
    let acts: Vec<_> = log["data"].as_array().unwrap().iter().map(|row| &row["act"]).collect();
    let made = ["api_key.made", "settings.changed"];
    assert_eq!(acts, [&["license_key.rotated", "account.frozen"][..], &made].concat());
    assert_eq!(log["data"][3]["actor"], "operator", "init has no key yet");
    let admin = ["--server", &server.url, "--admin-key", &folder.admin_key];
    let (text, code) = said(&run(&[&["admin"][..], &admin, &["audit", "--limit", "2"]].concat()));
    assert_eq!(code, 0, "{text}");
    let key = folder.admin_key.split('.').next().unwrap();
    assert!(text.contains("account.frozen") && text.contains(key), "{text}");
    assert!(text.contains("more: --after") && !text.contains(&folder.admin_key), "{text}");
}

#[test]
fn a_rotation_reaches_the_running_server_and_codes_survive_it() {
    let folder = Folder::new();
    let server = folder.serve();
    let offer = put_on_sale(&server, &folder.admin_key);
    let ada = register(&server, "ada@example.org");
    let adjust = ["accounts", "adjust", "ada@example.org", "10", "--reason", "a test"];
    server.admin(&folder, &adjust);

    let old = buy(&server, &ada, &offer, "first");
    let rotated = server.admin(&folder, &["keys", "rotate"]);
    assert_eq!(rotated["kids"].as_array().unwrap().len(), 2);
    assert!(folder.path("keys/license-0002.seed").exists());
    let protocol = server.admin(&folder, &["keys", "rotate", "--protocol"]);
    assert_eq!(protocol["kids"].as_array().unwrap().len(), 2);
    assert!(folder.path("keys/protocol-0002.seed").exists());
    let new = buy(&server, &ada, &offer, "second");
    let head = |code: &Value| code["jws"].as_str().unwrap().split('.').next().unwrap().to_owned();
    assert_ne!(head(&old), head(&new), "another key signs");
    assert_eq!(buy(&server, &ada, &offer, "first"), old, "signed again with its own key");
    are_valid(&server, [&old, &new]);

    drop(server);
    let server = folder.serve();
    are_valid(&server, [&old, &new]);
    assert_eq!(buy(&server, &ada, &offer, "second"), new);
}

fn put_on_sale(server: &Server, admin: &str) -> String {
    let put = |path, body| server.call(Method::PUT, path, admin, "-", &body);
    put("/v1/admin/products/tool", json!({ "kind": "service", "title": "A tool" }));
    let price = json!({ "amount": 100, "unit": "TOK" });
    let offer = json!({ "price": price, "terms": { "kind": "uses", "count": 5 } });
    put("/v1/admin/products/tool/offers/one", offer);
    server.call(Method::POST, "/v1/admin/products/tool/publish", admin, "-", &json!({}));
    let product = server.call(Method::GET, "/v1/products/tool", "", "-", &Value::Null);
    product["offers"][0]["id"].as_str().unwrap().to_owned()
}

/// Buys the offer under `key`, and gives its code in both forms.
fn buy(server: &Server, bearer: &str, offer: &str, key: &str) -> Value {
    let total = json!({ "amount": 100, "unit": "TOK" });
    let body = json!({ "lines": [{ "offer": offer }], "expected_total": total });
    let order = server.call(Method::POST, "/v1/purchases", bearer, key, &body);
    order["licenses"][0]["code"].clone()
}

fn are_valid(server: &Server, codes: [&Value; 2]) {
    for form in codes.iter().flat_map(|code| [&code["jws"], &code["short"]]) {
        let body = json!({ "code": form });
        let answer = server.call(Method::POST, "/v1/licenses/validate", "", "-", &body);
        assert_eq!(answer["valid"], true, "{form}: {answer}");
    }
}

#[test]
fn what_has_expired_meanwhile_is_booked_after_a_start() {
    let folder = Folder::new();
    let server = folder.serve();
    let ada = register(&server, "ada@example.org");
    let gift = ["accounts", "adjust", "ada@example.org", "3", "--reason", "welcome", "--promo"];
    let lasting = server.admin(&folder, &gift);
    let given_at = Timestamp::parse(lasting["credited_at"].as_str().unwrap()).unwrap();
    let soon = given_at.plus(Span::seconds(3)).to_string();
    server.admin(&folder, &[&gift[..], &["--expires-at", &soon]].concat());
    let look =
        |server: &Server, path: &str| server.call(Method::GET, path, &ada, "-", &Value::Null);
    let gone = |_| look(&server, "/v1/wallet")["available"]["amount"] == 300;
    assert!((0..50_000).any(gone), "it never expires");
    let told = look(&server, "/v1/wallet/transfers");
    assert_eq!(told["data"][0]["reason"], "grant", "nobody has booked it yet");
    server.signal(Signal::TERM);
    assert_eq!(server.end().0, 0);

    let server = folder.serve();
    let booked = |_| look(&server, "/v1/wallet/transfers")["data"][0]["reason"] == "expiry";
    assert!((0..5_000).any(booked), "the sweep books nothing");
}

/// Two vendors on this machine, each its own process: what one tells the other goes over the wire.
#[test]
fn partners_are_entered_and_agree_over_the_wire() {
    let folders = [Folder::new(), Folder::new()];
    folders.iter().for_each(|folder| folder.configure("demo = true"));
    let servers = [folders[0].serve(), folders[1].serve()];
    let entered: Vec<String> = [(0, 1), (1, 0)]
        .map(|(here, there): (usize, usize)| {
            let args = ["partners", "enter", servers[there].url.as_str(), "The other"];
            servers[here].admin(&folders[here], &args)["id"].as_str().unwrap().to_owned()
        })
        .to_vec();
    let party = |url: &str| json!({ "url": url, "token": "TOK", "scale": 2, "tokens": 100, "micros": 1_000_000 });
    let terms = json!({
        "parties": [party(&servers[0].url), party(&servers[1].url)], "currency": "EUR",
        "ways": [{
            "rate": { "source": "unit_values" }, "spread_basis_points": 0, "min": 1, "max": 100, "buyer_day": 100,
            "day": 100, "cap": 1_000_000_000, "lots": ["paid"],
        }, null],
        "cycle": { "kind": "each" }, "due_days": 14, "notice_days": 14,
    });
    let file = folders[0].path("terms.json");
    std::fs::write(&file, terms.to_string()).unwrap();
    let propose = ["agreements", "propose", &entered[0], file.to_str().unwrap()];
    let proposed = servers[0].admin(&folders[0], &propose);
    assert_eq!(proposed["state"], "proposed");
    let until = |number: usize, done: &dyn Fn(&Value) -> bool| {
        let begin = tokio::time::Instant::now();
        loop {
            let all = servers[number].admin(&folders[number], &["agreements", "list"]);
            if done(&all["data"][0]) {
                return all["data"][0].clone();
            }
            assert!(begin.elapsed().as_secs() < 20, "{all}");
        }
    };
    let there = until(1, &|row| row["state"] == "proposed");
    assert_eq!(there["digest"], proposed["digest"]);
    servers[1].admin(&folders[1], &["agreements", "accept", there["id"].as_str().unwrap()]);
    until(0, &|row| row["in_force"] == true);
    until(1, &|row| row["in_force"] == true);
    let id = proposed["id"].as_str().unwrap();
    servers[0].admin(&folders[0], &["agreements", "suspend", id]);
    let shown = servers[0].admin(&folders[0], &["partners", "show", &entered[0]]);
    assert_eq!(shown["suspended"], "staff");

    let mistake = |args: &[&str]| {
        let mut all =
            vec!["admin", "--server", &servers[0].url, "--admin-key", &folders[0].admin_key];
        all.extend(args);
        said(&run(&all))
    };
    let (text, code) = mistake(&["partners", "list"]);
    assert_eq!((code, text.contains("suspended (staff)")), (0, true), "{text}");
    let (text, code) = mistake(&["agreements", "list"]);
    assert_eq!((code, text.contains("in force")), (0, true), "{text}");
    let (text, code) = mistake(&["agreements", "accept", "../partners"]);
    assert_eq!((code, text.contains("is no id")), (2, true), "{text}");
    let (text, code) = mistake(&["agreements", "propose", &entered[0], "/nowhere/terms.json"]);
    assert_eq!((code, text.contains("cannot read")), (2, true), "{text}");
    let (text, code) = mistake(&["partners", "enter", "ftp://other.example", "Other"]);
    assert_eq!((code, text.contains("https://")), (1, true), "{text}");
}

#[test]
fn people_are_invited_given_roles_and_let_go() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("shop");
    let path = path.to_str().unwrap();
    let (text, code) = said(&run(&["init", path, "--owner", "nobody"]));
    assert_eq!((code, text.contains("no e-mail address")), (2, true), "{text}");
    let (text, code) = said(&run(&["init", path, "--owner", "you@shop.example"]));
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("http://127.0.0.1:8080/admin/welcome?token=scrip_"), "{text}");

    let folder = Folder::new();
    let server = folder.serve();
    let staff = |args: &[&str]| server.admin(&folder, &[&["staff"][..], args].concat());
    let bea = staff(&["invite", "bea@shop.example", "--name", "Bea", "--role", "support"]);
    assert!(bea["invitation"].as_str().unwrap().contains("/admin/welcome?token="), "{bea}");
    let id = bea["id"].as_str().unwrap();
    assert_eq!(staff(&["role", id, "finance"])["role"], "finance");
    assert_ne!(staff(&["reset", id])["invitation"], bea["invitation"]);
    let admin = ["admin", "--server", &server.url, "--admin-key", &folder.admin_key];
    let (text, code) = said(&run(&[&admin[..], &["staff", "list"]].concat()));
    assert_eq!((code, text.contains("bea@shop.example")), (0, true), "{text}");
    assert!(text.contains("finance") && text.contains("invited"), "{text}");
    assert_eq!(staff(&["end", id])["state"], "ended");
    let (text, code) = said(&run(&[&admin[..], &["staff", "role", id, "owner"]].concat()));
    assert_eq!((code, text.contains("not_found")), (1, true), "{text}");
    let (text, code) = said(&run(&[&admin[..], &["staff", "role", id, "king"]].concat()));
    assert_eq!(code, 2, "{text}");
}
