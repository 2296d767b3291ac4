//! `scrip admin` against a running server.

use scrip_client::Client;
use serde_json::Value;

use crate::shop::{Folder, Server, run, said};

fn register(server: &Server, email: &str) {
    let body = format!(r#"{{"email":"{email}","password":"correct horse"}}"#);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let answer = runtime.block_on(async {
        let client = Client::new(&server.url).unwrap();
        let headers = [("content-type", "application/json")];
        client.request(http::Method::POST, "/v1/accounts", &headers, body.into_bytes()).await
    });
    answer.unwrap().json::<Value>().unwrap();
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

    let (text, code) = said(&run(&["admin", "--server", &server.url, "accounts", "list"]));
    assert_eq!((code, text.contains("SCRIP_ADMIN_KEY")), (2, true), "{text}");
    let wrong = ["admin", "--server", &server.url, "--admin-key", &folder.admin_key];
    let scope = ["api-keys", "create", "--label", "x", "--scope", "purchase"];
    let (text, code) = said(&run(&[&wrong[..], &scope].concat()));
    assert_eq!((code, text.contains("scopes")), (1, true), "{text}");
}

#[test]
fn a_rotation_reaches_the_running_server_and_survives_it() {
    let folder = Folder::new();
    let server = folder.serve();
    let rotated = server.admin(&folder, &["keys", "rotate"]);
    let new = rotated["kid"].as_str().unwrap().to_owned();
    assert_eq!(rotated["kids"].as_array().unwrap().len(), 2);
    assert!(folder.path("keys/license-0002.seed").exists());
    drop(server);
    let server = folder.serve();
    let rotated = server.admin(&folder, &["keys", "rotate"]);
    let kids = rotated["kids"].as_array().unwrap();
    assert_eq!(kids.len(), 3);
    assert!(kids.iter().any(|kid| *kid == new));
}
