//! Configuration: checked, refused with its place, overridden by the environment.

use crate::shop::{Folder, run, said, scrip};

#[test]
fn a_new_folder_has_a_good_configuration() {
    let folder = Folder::new();
    let (text, code) = said(&run(&["config", "check", "--config", &folder.config()]));
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("127.0.0.1:0"), "{text}");
    let (text, code) = said(&run(&["config", "print-default"]));
    assert_eq!(code, 0);
    assert!(text.contains("#listen = \"127.0.0.1:8080\""), "{text}");
}

#[test]
fn a_wrong_configuration_keeps_the_server_from_starting() {
    let folder = Folder::new();
    folder.configure("lissten = \"127.0.0.1:1\"");
    let file = folder.config();
    for command in [&["config", "check"][..], &["serve"]] {
        let args = [command, &["--config", &file]].concat();
        let (text, code) = said(&run(&args));
        assert_eq!(code, 1, "{text}");
        assert!(text.contains("line 1: there is no option lissten"), "{text}");
        assert!(text.contains("Do you mean listen?"), "{text}");
        assert!(!text.contains("panicked"), "{text}");
    }
}

/// What the configuration names must be there: keys that only their owner can read, a database.
#[test]
fn what_a_configuration_names_is_looked_at() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let check = || said(&run(&["config", "check", "--config", &folder.config()]));
    let mode = |name: &str, mode: u32| {
        let mode = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(folder.path(name), mode).unwrap();
    };
    let wrong = |expected: &str| {
        let (text, code) = check();
        assert_eq!(code, 1, "{text}");
        assert!(text.contains(expected) && !text.contains("panicked"), "{expected}: {text}");
    };
    mode("keys/master.secret", 0o644);
    wrong("chmod 600");
    mode("keys/master.secret", 0o600);
    let seed = std::fs::read_to_string(folder.path("keys/license-0001.seed")).unwrap();
    std::fs::write(folder.path("keys/license-0001.seed"), "no key").unwrap();
    wrong("is not a key");
    std::fs::remove_file(folder.path("keys/license-0001.seed")).unwrap();
    wrong("there is no license key");
    std::fs::write(folder.path("keys/license-0001.seed"), &seed).unwrap();
    mode("keys/license-0001.seed", 0o600);
    assert_eq!(check().1, 0);
    std::fs::rename(folder.path("scrip.db"), folder.path("away.db")).unwrap();
    wrong("cannot open the database");
    std::fs::rename(folder.path("away.db"), folder.path("scrip.db")).unwrap();

    folder.configure("database = \"postgres://ada:hush@shop.example:none/books\"");
    wrong("the URL of the database");
    assert!(!check().0.contains("hush"));
    let text = std::fs::read_to_string(folder.config()).unwrap().replace(":none/", ":5432/");
    std::fs::write(folder.config(), text).unwrap();
    mode("scrip.toml", 0o644);
    let (text, code) = check();
    assert_eq!((code, text.contains("warning") && text.contains("chmod 600")), (0, true), "{text}");
    assert!(!text.contains("hush"), "{text}");
    let (text, _) = said(&run(&["config", "check", "--json", "--config", "no/such.toml"]));
    assert!(text.contains(r#"{"error":"cannot read the configuration no/such.toml"#), "{text}");
}

/// A configuration is good where a server can start on it, and whoever asks leaves the folder as it is.
#[test]
fn a_database_that_cannot_be_served_is_not_called_good() {
    let folder = Folder::new();
    let check = || said(&run(&["config", "check", "--config", &folder.config()]));
    let names = || {
        let dir = folder.path("").read_dir().unwrap();
        let mut names: Vec<_> = dir.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let (before, database) = (names(), folder.path("scrip.db"));
    let whole = std::fs::read(&database).unwrap();
    assert_eq!(check().1, 0);
    assert_eq!(names(), before, "nothing is made");
    assert!(std::fs::read(&database).unwrap() == whole, "and nothing is changed");
    let cut = &whole[..100 << 10];
    for (bytes, expected) in [
        (&b""[..], "there is no shop in"),
        (b"garbage that is longer than the head of a file of SQLite: it has a hundred bytes, and here are more", "is a database"),
        (cut, "malformed"),
    ] {
        std::fs::write(&database, bytes).unwrap();
        let (text, code) = check();
        assert!(code == 1 && text.contains(expected), "{expected}: {code}: {text}");
        assert_eq!(names(), before, "{expected}");
    }
    std::fs::write(&database, &whole).unwrap();
    let secret = std::fs::read(folder.path("keys/master.secret")).unwrap();
    std::fs::write(folder.path("keys/master.secret"), "ab".repeat(32)).unwrap();
    let (text, code) = check();
    assert!(code == 1 && text.contains("is not the master secret of this shop"), "{code}: {text}");
    std::fs::write(folder.path("keys/master.secret"), secret).unwrap();
    // Beside a server, whose books go on.
    let server = folder.serve();
    assert_eq!(check(), (check().0, 0));
    let body = serde_json::json!({ "email": "ada@example.org", "password": "correct horse" });
    server.call(http::Method::POST, "/v1/accounts", "", "-", &body);
    assert_eq!(check().1, 0);
}

/// It would win over the configuration that names the new place.
#[test]
fn nothing_is_moved_or_restored_while_the_environment_names_the_database() {
    let folder = Folder::new();
    let text = std::fs::read_to_string(folder.config()).unwrap();
    let mut moving = scrip(&["move", "--to", "postgres://127.0.0.1:1/none", "--quiet"]);
    moving.args(["--config", &folder.config()]).env("SCRIP_DATABASE", "scrip.db");
    let (said, code) = said(&moving.output().unwrap());
    assert!(code == 2 && said.contains("SCRIP_DATABASE in the environment"), "{code}: {said}");
    assert_eq!(std::fs::read_to_string(folder.config()).unwrap(), text);
    let new = folder.path("new");
    let mut restoring = scrip(&["restore", "no.age", new.to_str().unwrap(), "--quiet"]);
    restoring.env("SCRIP_PASSPHRASE", "correct horse battery");
    let restored = restoring.env("SCRIP_DATABASE", "postgres://db/x").output().unwrap();
    let (said, code) = (String::from_utf8(restored.stderr).unwrap(), restored.status.code());
    assert!(code == Some(2) && said.contains("SCRIP_DATABASE in the environment"), "{said}");
    assert!(!new.exists());
    assert!(folder.path("scrip.db").exists());
}

#[test]
fn the_environment_wins_and_wrong_values_in_it_are_refused() {
    let folder = Folder::new();
    let mut check = scrip(&["config", "check", "--json", "--config", &folder.config()]);
    let (text, code) = said(&check.env("SCRIP_LISTEN", "127.0.0.1:4711").output().unwrap());
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("127.0.0.1:4711"), "{text}");
    let mut serve = scrip(&["serve", "--config", &folder.config()]);
    let (text, code) = said(&serve.env("SCRIP_LIMITS_CONNECTIONS", "0").output().unwrap());
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("SCRIP_LIMITS_CONNECTIONS"), "{text}");
}

#[test]
fn without_a_configuration_it_says_what_to_do() {
    let (text, code) = said(&run(&["serve", "--config", "no/such/file.toml"]));
    assert_eq!(code, 1);
    assert!(text.contains("no/such/file.toml") && text.contains("scrip init"), "{text}");
    let (_, code) = said(&run(&["serve", "--no-such-flag"]));
    assert_eq!(code, 2);
}
