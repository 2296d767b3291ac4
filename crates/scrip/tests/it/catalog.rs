//! `scrip catalog` against running servers: applied, applied again, exported, applied elsewhere.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::shop::{Folder, Server, run, said};

const SOURCE: &str = r#"token = "TOK"

[[products]]
slug = "song"
kind = "download"
title = "A \"song\" \\ of the sea"
summary = "Short."
description_file = "song.md"
categories = ["Music", "Songs"]
tags = ["sea"]
visibility = { price = "member", files = "funded" }
pictures = [{ path = "sea.png", alt = "The sea" }]

[products.texts.de]
title = "Ein \"Lied\""
description_file = "lied.md"
categories = ["Musik", "Lieder"]

[[products.offers]]
key = "standard"
price = "12.50"
terms = { kind = "perpetual" }
limits = { machines = 2, downloads = 5 }

[[products.offers]]
key = "month"
price = "0.01"
terms = { kind = "rental", days = 30, from = "first_activation" }

[[products.releases]]
version = "1.0"
files = [{ path = "song.txt" }, { path = "song.txt", name = "copy.bin", platform = "any" }]

[[products.releases]]
version = "1.1-beta"
channel = "beta"
notes = "Louder.\nAnd longer.\n"
published = false
files = [{ path = "loud.txt", name = "song.txt" }]

[[products]]
slug = "lesson"
kind = "service"
title = "A lesson"
instructions = "Call us."

[[products.offers]]
key = "hour"
price = "90"
terms = { kind = "uses", count = 1 }

[[products]]
slug = "old"
kind = "download"
title = "Old"
state = "archived"

[[products]]
slug = "idea"
kind = "download"
title = "An idea"
state = "draft"

[[products.offers]]
key = "try"
price = "0"
terms = { kind = "trial", seconds = 3601 }
"#;

fn folder(source: &str) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("catalog.toml"), source).unwrap();
    fs::write(dir.path().join("song.md"), "# Song\n\nLa la la.\n").unwrap();
    fs::write(dir.path().join("lied.md"), "# Lied\n\nLa la la.\n").unwrap();
    fs::write(dir.path().join("song.txt"), "la ".repeat(200_000)).unwrap();
    fs::write(dir.path().join("loud.txt"), "LA ").unwrap();
    fs::write(dir.path().join("sea.png"), "a picture").unwrap();
    dir
}

/// Runs `scrip catalog`, and says what it said and its exit code.
fn catalog(shop: &Folder, server: &Server, verb: &str, dir: &Path, more: &[&str]) -> (String, i32) {
    let access = ["--server", &server.url, "--admin-key", &shop.admin_key];
    let dir = dir.to_str().unwrap();
    said(&run(&[&["catalog", verb, dir][..], &access, more].concat()))
}

fn apply(shop: &Folder, server: &Server, dir: &TempDir) -> Value {
    let (text, code) = catalog(shop, server, "apply", dir.path(), &["--yes", "--json"]);
    assert_eq!(code, 0, "{text}");
    serde_json::from_str(&text).unwrap()
}

/// Every file below `dir` with its bytes.
fn tree(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(dir).unwrap().to_str().unwrap().to_owned();
                files.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    files
}

#[test]
fn an_export_is_the_same_folder_wherever_it_is_applied() {
    let (first, second) = (Folder::new(), Folder::new());
    let (here, there) = (first.serve(), second.serve());
    let source = folder(SOURCE);
    let out = tempfile::tempdir().unwrap();
    let (copy, again) = (out.path().join("copy"), out.path().join("again"));

    let applied = apply(&first, &here, &source);
    assert_eq!(applied["applied"], true);
    // One file stands twice in the folder, and is sent once.
    assert_eq!(applied["upload"]["files"], 3);
    assert_eq!(apply(&first, &here, &source)["applied"], false);
    let (text, code) = catalog(&first, &here, "apply", source.path(), &[]);
    assert_eq!((code, text.contains("nothing to do")), (0, true), "{text}");

    let (text, code) = catalog(&first, &here, "export", &copy, &[]);
    assert_eq!((code, text.contains("4 products")), (0, true), "{text}");
    let (text, code) = catalog(&first, &here, "apply", &copy, &["--dry-run"]);
    assert_eq!((code, text.contains("nothing to do")), (0, true), "{text}");
    let (text, code) = catalog(&second, &there, "apply", &copy, &["--yes"]);
    assert_eq!(code, 0, "{text}");
    let (text, code) = catalog(&second, &there, "export", &again, &[]);
    assert_eq!(code, 0, "{text}");
    let files = tree(&copy);
    assert_eq!(files, tree(&again));
    assert_eq!(files["files/song/stable/1.0/copy.bin"].len(), 600_000);
    assert_eq!(files["texts/song.de.md"], b"# Lied\n\nLa la la.\n");
    let (text, code) = catalog(&second, &there, "export", &again, &[]);
    assert_eq!((code, text.contains("is not empty")), (2, true), "{text}");
}

#[test]
fn a_difference_is_shown_and_nothing_done_without_consent() {
    let shop = Folder::new();
    let server = shop.serve();
    apply(&shop, &server, &folder(SOURCE));
    let changed = SOURCE
        .replace("\"12.50\"", "\"13\"")
        .replace("tags = [\"sea\"]", "tags = [\"sea\", \"new\"]")
        .replace("key = \"month\"", "key = \"week\"")
        .replace("state = \"draft\"\n", "");
    let changed = changed.split("[[products]]\nslug = \"lesson\"").next().unwrap().to_owned()
        + &changed[changed.find("[[products]]\nslug = \"old\"").unwrap()..];
    let changed = folder(&changed);
    let expected = "~ song  tags\n    ~ offer standard  price\n    + offer week\n    \
                    - offer month  withdrawn\n~ idea  becomes published\n\
                    - lesson  archived: the folder has it no more\n\n\
                    0 new, 2 changed, 1 to archive, nothing to upload\n";
    let (text, code) = catalog(&shop, &server, "apply", changed.path(), &["--dry-run"]);
    assert_eq!((code, text.starts_with(expected)), (0, true), "{text}");
    let (text, code) = catalog(&shop, &server, "apply", changed.path(), &[]);
    assert_eq!((code, text.contains("nothing was changed")), (2, true), "{text}");
    let (text, code) = catalog(&shop, &server, "apply", folder(SOURCE).path(), &[]);
    assert_eq!((code, text.contains("nothing to do")), (0, true), "{text}");

    assert_eq!(apply(&shop, &server, &changed)["difference"].as_array().unwrap().len(), 3);
    assert_eq!(apply(&shop, &server, &changed)["applied"], false);
    // What was archived and withdrawn comes back with the folder; only a draft does not.
    let back = folder(&SOURCE.replace("state = \"draft\"\n", ""));
    assert_eq!(apply(&shop, &server, &back)["applied"], true);
    assert_eq!(apply(&shop, &server, &back)["applied"], false);
}

#[test]
fn what_cannot_be_is_refused_before_anything_is_sent() {
    let shop = Folder::new();
    let server = shop.serve();
    let refused = |dir: &TempDir, part: &str| {
        let (text, code) = catalog(&shop, &server, "apply", dir.path(), &["--yes"]);
        assert_eq!((code, text.contains(part)), (1, true), "{text}");
        assert!(!text.contains("panicked"), "{text}");
    };
    let wrong = SOURCE.replace("\"12.50\"", "\"12.505\"").replace("song.md", "../song.md");
    let wrong = folder(&wrong);
    refused(&wrong, "catalog.toml:21: products[0].offers[0].price: 12.505 is finer");
    refused(&wrong, "catalog.toml:8: products[0].description_file: must be the path of a file");
    refused(&folder(&SOURCE.replace("TOK", "AUR")), "this server's token is TOK");
    let empty = tempfile::tempdir().unwrap();
    refused(&empty, "there is no file catalog.toml");
    let listed = server_products(&shop, &server);
    assert_eq!(listed, 0);

    apply(&shop, &server, &folder(SOURCE));
    let other = folder(SOURCE);
    fs::write(other.path().join("song.txt"), "another song").unwrap();
    refused(&other, "release stable/1.0 of song is published, and its files are fixed");
    let draft = SOURCE.replace("state = \"archived\"", "state = \"draft\"");
    refused(&folder(&draft), "old is archived and cannot be a draft again");
}

fn server_products(shop: &Folder, server: &Server) -> usize {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let client = scrip_client::Client::new(&server.url).unwrap().admin(&shop.admin_key);
    let listed = runtime.block_on(client.get("products")).unwrap();
    listed["data"].as_array().unwrap().len()
}
