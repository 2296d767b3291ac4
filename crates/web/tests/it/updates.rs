//! Updates: the newest release that a code opens, for our own clients and for electron-updater.

use scrip_domain::Span;
use scrip_license::{RentalStart, Terms};
use scrip_testkit::{Answer, Shop};
use serde_json::{Value, json};

use crate::goods::{Bought, Sold, buy, hex, product, release, upload};

/// A release with files for platforms, published now.
async fn publish(shop: &Shop, channel: &str, version: &str, files: &[(&str, &str, &[u8])]) {
    shop.advance(Span::hours(1)).await;
    let mut all = Vec::new();
    for (name, platform, content) in files {
        assert!(upload(shop, &hex(content), content).await.status < 300);
        all.push(json!({"name": name, "platform": platform, "sha256": hex(content)}));
    }
    let body =
        json!({"files": all, "notes": format!("New in \"{version}\".\nMore."), "publish": true});
    let path = format!("/v1/admin/products/tool/releases/{channel}/{version}");
    assert_eq!(put(shop, &shop.admin, &path, body).await, 201);
}

async fn put(shop: &Shop, admin: &str, path: &str, body: Value) -> u16 {
    let bearer = format!("Bearer {admin}");
    let answer = shop.send("PUT", path, &[("authorization", &bearer)], body).await;
    assert!(answer.status < 300, "{answer:?}");
    answer.status
}

async fn ask(shop: &Shop, code: &str, path: &str) -> Answer {
    let license = format!("License {code}");
    let path = format!("/v1/updates/{path}");
    shop.send("GET", &path, &[("authorization", &license)], Value::Null).await
}

async fn version(shop: &Shop, code: &Bought, query: &str) -> String {
    let answer = ask(shop, &code.short, &format!("tool?{query}")).await;
    match answer.status {
        200 => answer.at("/version").to_owned(),
        status => status.to_string(),
    }
}

#[tokio::test]
async fn the_newest_release_is_told_if_it_is_newer() {
    let sold = Sold::new(10).await;
    let (shop, code) = (&sold.shop, &sold.code);
    assert_eq!(version(shop, code, "").await, "1.0", "without a version anything is newer");
    assert_eq!(version(shop, code, "version=1.0").await, "204");
    publish(shop, "stable", "1.10.0", &[("tool.zip", "", b"ten")]).await;
    publish(shop, "stable", "1.9.1", &[("tool.zip", "", b"nine")]).await;
    for (query, expected) in [
        ("", "1.10.0"),
        ("version=1.9.0", "1.10.0"),
        ("version=v1.9.9", "1.10.0"),
        ("version=1.10.0", "204"),
        ("version=2.0.0", "204"),
        // No semantic versions: by time, and what is unknown is old.
        ("version=1.0", "1.10.0"),
        ("version=spring", "1.10.0"),
    ] {
        assert_eq!(version(shop, code, query).await, expected, "{query}");
    }
    for query in ["colour=red", &format!("version={}", "1".repeat(41))] {
        assert_eq!(ask(shop, &code.short, &format!("tool?{query}")).await.status, 400, "{query}");
    }
}

#[tokio::test]
async fn an_update_says_what_is_new_and_its_links_open_the_files() {
    let sold = Sold::new(10).await;
    let shop = &sold.shop;
    publish(shop, "stable", "2.0.0", &[("tool 2.zip", "", b"two")]).await;
    for code in [&sold.code.short, &sold.code.jws] {
        let update = ask(shop, code, "tool?version=1.0").await;
        assert_eq!(update.status, 200, "{update:?}");
        assert_eq!(update.header("cache-control"), "no-store");
        assert_eq!(update.at("/channel"), "stable");
        assert_eq!(update.at("/notes"), "New in \"2.0.0\".\nMore.");
        assert_eq!(update.at("/files/0/name"), "tool 2.zip");
        assert_eq!(update.at("/files/0/sha256"), hex(b"two"));
        assert_eq!(update.json["files"][0]["size"], 3);
        let url = update.at("/files/0/url").to_owned();
        let path = &url[url.find("/v1/").unwrap()..];
        let file = shop.get(path, "").await;
        assert_eq!((file.status, &*file.bytes), (200, &b"two"[..]));
    }
}

#[tokio::test]
async fn an_update_is_for_a_platform_and_in_a_channel() {
    let sold = Sold::new(10).await;
    let (shop, code) = (&sold.shop, &sold.code);
    let both: [(&str, &str, &[u8]); 3] =
        [("a.exe", "windows", b"w"), ("a.AppImage", "linux", b"l"), ("manual.pdf", "", b"m")];
    publish(shop, "stable", "2.0.0", &both).await;
    publish(shop, "stable", "2.1.0", &both[..1]).await;
    publish(shop, "beta", "3.0.0", &both).await;
    assert_eq!(version(shop, code, "platform=Windows").await, "2.1.0");
    assert_eq!(version(shop, code, "platform=linux").await, "2.0.0");
    assert_eq!(version(shop, code, "platform=amiga").await, "2.0.0", "there is the manual");
    let linux = ask(shop, &code.short, "tool?platform=linux").await;
    let names: Vec<_> =
        linux.json["files"].as_array().unwrap().iter().map(|f| &f["name"]).collect();
    assert_eq!(names, ["a.AppImage", "manual.pdf"]);
    // It was sold with a stable release: what it does not open is not looked in.
    assert_eq!(version(shop, code, "channel=beta").await, "2.1.0");
}

/// The channel of a license is that of the release which it was sold with.
#[tokio::test]
async fn who_buys_before_the_first_stable_release_opens_its_channel_for_good() {
    let shop = &Shop::open().await;
    let offer = product(shop, "early", Terms::Perpetual, None).await;
    let publish = async |channel: &str, version: &str| {
        shop.advance(Span::hours(1)).await;
        let content = version.as_bytes();
        release(shop, "early", channel, version, &[("early.zip", content)]).await.remove(0)
    };
    publish("beta", "0.9.0").await;
    let tester = buy(shop, &offer, "ada@example.com").await;
    publish("stable", "1.0.0").await;
    let late = buy(shop, &offer, "bob@example.com").await;
    let beta = publish("beta", "1.1.0-beta.1").await;
    for (code, query, expected) in [
        (&tester, "channel=beta", "1.1.0-beta.1"),
        (&tester, "", "1.0.0"),
        (&late, "channel=beta", "1.0.0"),
    ] {
        let answer = ask(shop, &code.short, &format!("early?{query}")).await;
        assert_eq!(answer.at("/version"), expected, "{query}");
    }
    for (code, status) in [(&tester, 200), (&late, 403)] {
        let license = format!("License {}", code.short);
        let path = format!("/v1/downloads/{beta}");
        let answer = shop.send("GET", &path, &[("authorization", &license)], Value::Null).await;
        assert_eq!(answer.status, status, "{answer:?}");
    }
}

#[tokio::test]
async fn who_may_not_download_hears_of_no_update() {
    let sold = Sold::new(10).await;
    let shop = &sold.shop;
    let bare = shop.get("/v1/updates/tool", "").await;
    assert_eq!((bare.status, bare.code()), (401, "invalid_credentials"));
    assert_eq!(bare.header("www-authenticate"), "License");
    assert_eq!(shop.get("/v1/updates/tool/latest.yml", "").await.status, 401);
    let mut wrong = sold.code.short.clone();
    wrong.replace_range(0..1, if wrong.starts_with('0') { "1" } else { "0" });
    let refused = ask(shop, &wrong, "tool").await;
    assert_eq!((refused.status, refused.code()), (403, "code_refused"));
    assert_eq!(refused.json["license_code"], Value::Null);
    let terms = Terms::Rental { seconds: 3600, from: RentalStart::Purchase };
    let offer = product(shop, "rented", terms, None).await;
    let rented = buy(shop, &offer, "bob@example.com").await;
    for slug in ["tool", "nothing"] {
        let other = ask(shop, &rented.short, slug).await;
        assert_eq!((other.status, other.code()), (403, "code_refused"), "{slug}");
        assert_eq!(other.at("/license_code"), "WRONG_PRODUCT", "{slug}");
    }
    assert_eq!(ask(shop, &rented.short, "rented").await.status, 204, "nothing is released");
    shop.advance(Span::hours(1)).await;
    for path in ["rented", "rented/latest.yml"] {
        let ended = ask(shop, &rented.short, path).await;
        assert_eq!((ended.status, ended.at("/license_code")), (403, "EXPIRED"), "{path}");
    }
}

#[tokio::test]
async fn a_manifest_is_one_for_electron_updater() {
    let sold = Sold::new(10).await;
    let (shop, code) = (&sold.shop, &sold.code.jws);
    let none = ask(shop, code, "tool/latest.yml").await;
    assert_eq!((none.status, none.code()), (404, "not_found"), "no file is for Windows");
    let files: [(&str, &str, &[u8]); 4] = [
        ("Tool Setup 2.0.0.exe", "windows", b"abc"),
        ("tool.AppImage", "linux-x86_64", b"l"),
        ("tool-arm.AppImage", "linux-arm64", b"a"),
        ("manual.pdf", "", b"m"),
    ];
    publish(shop, "stable", "2.0.0", &files).await;
    let answer = ask(shop, code, "tool/latest.yml").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("content-type"), "application/yaml; charset=utf-8");
    let update = ask(shop, code, "tool?platform=windows").await;
    let (id, at) = (update.at("/files/0/id"), update.at("/published_at"));
    let sha512 =
        "3a81oZNherrMQXNJriBBMRLm+k6JqX6iCp7u5ktV05ohkpkqJ0/BqDa6PCOj/uu9RU1EI2Q86A4qmslPpUyknw==";
    let path = format!("../../downloads/{id}/Tool%20Setup%202.0.0.exe");
    // Every text of JSON is one of YAML.
    let manifest: Value = serde_json::from_slice(&answer.bytes).unwrap();
    assert_eq!(
        manifest,
        json!({
            "version": "2.0.0",
            "files": [{"url": path, "sha512": sha512, "size": 3}],
            "path": path,
            "sha512": sha512,
            "releaseNotes": "New in \"2.0.0\".\nMore.",
            "releaseDate": at,
        })
    );
    let linux = ask(shop, code, "tool/beta-linux-arm64.yml").await;
    assert!(String::from_utf8(linux.bytes.clone()).unwrap().contains("/tool-arm.AppImage\""));
    for name in ["latest", "latest.json", "latest-linux-z80.yml", "%2e%2e.yml"] {
        assert_eq!(ask(shop, code, &format!("tool/{name}")).await.status, 404, "{name}");
    }
    let named = |name: &str| format!("/v1/downloads/{id}/{name}");
    let license = format!("License {code}");
    let get = async |path: String| {
        shop.send("GET", &path, &[("authorization", &license)], Value::Null).await
    };
    assert_eq!(&*get(named("Tool%20Setup%202.0.0.exe")).await.bytes, b"abc");
    assert_eq!(get(named("other.exe")).await.status, 404, "it is not called so");
    assert_eq!(get("/v1/downloads/nothing/x".to_owned()).await.status, 404);
}

/// What was uploaded before the server kept second digests, or before it was started anew.
#[tokio::test]
async fn a_second_digest_is_reckoned_when_it_is_first_asked_for() {
    let sold = Sold::new(10).await;
    let shop = &sold.shop;
    publish(shop, "stable", "2.0.0", &[("a.exe", "windows", b"abc")]).await;
    let update = ask(shop, &sold.code.short, "tool").await;
    let id = update.at("/files/0/id").parse().unwrap();
    let store = shop.app.engine.store();
    let known = store.file(id).await.unwrap().unwrap();
    assert!(known.sha512.starts_with("3a81oZNh"), "from the upload: {known:?}");
    // The same bytes again: this server knows them, the next one does not.
    let restarted = shop.another().await;
    let body = json!({
        "files": [{"name": "b.exe", "platform": "windows", "sha256": hex(b"abc")}], "publish": true
    });
    let path = "/v1/admin/products/tool/releases/stable/2.1.0";
    assert_eq!(put(&restarted, &shop.admin, path, body.clone()).await, 201);
    let update = ask(&restarted, &sold.code.short, "tool").await;
    let id = update.at("/files/0/id").parse().unwrap();
    let store = restarted.app.engine.store();
    assert_eq!(store.file(id).await.unwrap().unwrap().sha512, "");
    for _ in 0..2 {
        let manifest = ask(&restarted, &sold.code.short, "tool/latest.yml").await;
        let yaml = String::from_utf8(manifest.bytes.clone()).unwrap();
        assert!(yaml.contains(&known.sha512), "{yaml}");
    }
    assert_eq!(store.file(id).await.unwrap().unwrap().sha512, known.sha512);
    // The release is published, and what is known of its bytes is no change to it.
    assert_eq!(put(&restarted, &shop.admin, path, body).await, 200);
    assert_eq!(store.file(id).await.unwrap().unwrap().sha512, known.sha512);
}

#[tokio::test]
async fn a_missing_object_is_no_update_and_no_lie() {
    let sold = Sold::new(10).await;
    let shop = &sold.shop;
    publish(shop, "stable", "2.0.0", &[("a.exe", "windows", b"gone soon")]).await;
    let name = hex(b"gone soon");
    std::fs::remove_file(shop.objects().join(&name[..2]).join(&name)).unwrap();
    let update = ask(shop, &sold.code.short, "tool").await;
    let path = format!("/v1/downloads/{}", update.at("/files/0/id"));
    let license = format!("License {}", sold.code.short);
    let answer = shop.send("GET", &path, &[("authorization", &license)], Value::Null).await;
    assert_eq!((answer.status, answer.code()), (503, "busy"), "{answer:?}");
    let told = "the files are not at hand just now: try again later, or tell us the request id";
    assert_eq!(answer.at("/detail"), told);
    let metrics = shop.get("/metrics", &shop.admin).await;
    let metrics = String::from_utf8(metrics.bytes).unwrap();
    assert!(metrics.contains("faults_total{kind=\"objects\"} 1"), "{metrics}");
    assert!(!metrics.contains("faults_total{kind=\"unavailable\"}"), "{metrics}");
}

#[tokio::test]
async fn a_code_tells_which_files_it_opens() {
    let sold = Sold::new(10).await;
    let shop = &sold.shop;
    let ask = async |code: &str| {
        let answer = shop.post("/v1/licenses/validate", "", "", json!({"code": code})).await;
        answer.json["license"]["files"].clone()
    };
    let files = json!([{
        "id": sold.file, "name": "Übung 1.zip", "size": 10, "sha256": hex(&sold.content), "platform": ""
    }]);
    assert_eq!(ask(&sold.code.short).await, files);
    assert_eq!(ask(&sold.code.jws).await, files);
    let terms = Terms::Rental { seconds: 3600, from: RentalStart::Purchase };
    let offer = product(shop, "rented", terms, None).await;
    let rented = buy(shop, &offer, "bob@example.com").await;
    assert_eq!(ask(&rented.short).await, json!([]), "nothing is released yet");
    let first = release(shop, "rented", "stable", "1.0", &[("r.zip", b"r")]).await;
    assert_eq!(ask(&rented.short).await[0]["id"], first[0].as_str(), "sold before there was one");
    shop.advance(Span::hours(1)).await;
    assert_eq!(ask(&rented.short).await, json!([]), "it has ended");
}
