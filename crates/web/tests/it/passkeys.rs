//! Passkeys of buyers: made, used, removed; and what a device, a page of somebody else's or a late answer cannot do.

use base64ct::{Base64UrlUnpadded, Encoding};
use ring::signature::{Ed25519KeyPair, KeyPair};
use scrip_domain::Span;
use scrip_testkit::{Answer, Browser, Place, Shop, settings, told_after, totp};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

const ADA: &str = "ada@example.com";
const PASSWORD: &str = "correct horse";
const PATH: &str = "/v1/account/passkeys";
const URL: &str = "https://shop.example";

/// Somebody's device, which keeps one passkey and does what it is told.
struct Device {
    key: Ed25519KeyPair,
    name: [u8; 4],
    user: String,
    host: &'static str,
    origin: &'static str,
    flags: u8,
    counter: u32,
}

/// Somebody was there, was recognized, and the key is synced.
const GOOD: u8 = 0b0001_1101;

fn text(bytes: impl AsRef<[u8]>) -> String {
    Base64UrlUnpadded::encode_string(bytes.as_ref())
}

impl Device {
    fn new(number: u8) -> Self {
        let key = Ed25519KeyPair::from_seed_unchecked(&[number; 32]).unwrap();
        let (name, user) = ([number; 4], String::new());
        Self { key, name, user, host: "shop.example", origin: URL, flags: GOOD, counter: 0 }
    }

    fn client_data(&self, kind: &str, options: &Value) -> Vec<u8> {
        let challenge = &options["challenge"];
        let said = json!({ "type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": false });
        said.to_string().into_bytes()
    }

    fn data(&self, more: u8) -> Vec<u8> {
        let head = [&Sha256::digest(self.host)[..], &[self.flags | more]].concat();
        [&head[..], &self.counter.to_be_bytes()].concat()
    }

    /// What it answers to options for a new passkey.
    fn make(&mut self, options: &Value) -> Value {
        options["user"]["id"].as_str().unwrap_or_default().clone_into(&mut self.user);
        // A key as COSE has it, {1: 1, 3: -8, -1: 6, -2: key}, in what the standard calls attested credential data.
        let key = [&[0xa4, 1, 1, 3, 0x27, 0x20, 6, 0x21, 0x58, 32], self.key.public_key().as_ref()];
        let data = [&self.data(0x40)[..], &[0; 16], &[0, 4], &self.name, &key.concat()].concat();
        let length = u8::try_from(data.len()).unwrap();
        let head = [b"\xa3cfmtdnonegattStmt\xa0hauthData\x58", &[length][..]].concat();
        let object = [head, data].concat();
        let said = self.client_data("webauthn.create", options);
        let response = json!({ "clientDataJSON": text(said), "attestationObject": text(object), "transports": [] });
        json!({ "id": text(self.name), "rawId": text(self.name), "type": "public-key", "response": response })
    }

    /// What it answers to options for a sign-in.
    fn sign(&self, options: &Value) -> Value {
        let (data, said) = (self.data(0), self.client_data("webauthn.get", options));
        let signed = [&data[..], &Sha256::digest(&said)].concat();
        let response = json!({
            "clientDataJSON": text(said), "authenticatorData": text(data),
            "signature": text(self.key.sign(&signed)), "userHandle": self.user,
        });
        json!({ "id": text(self.name), "type": "public-key", "clientExtensionResults": {}, "response": response })
    }
}

async fn open() -> Shop {
    Shop::open_at(Place { url: URL.into(), ..Place::default() }, settings()).await
}

async fn invite(shop: &Shop, session: &str, otp: Option<&str>) -> Answer {
    let body = json!({ "password": PASSWORD, "otp": otp });
    shop.post(&format!("{PATH}/options"), session, "", body).await
}

async fn keep(shop: &Shop, session: &str, credential: Value) -> Answer {
    shop.post(PATH, session, "", json!({ "name": "My phone", "credential": credential })).await
}

/// Makes a passkey for `session` on `device`. Gives its id.
async fn add(shop: &Shop, session: &str, device: &mut Device) -> String {
    let options = invite(shop, session, None).await;
    assert_eq!(options.status, 200, "{options:?}");
    let kept = keep(shop, session, device.make(&options.json)).await;
    assert_eq!(kept.status, 201, "{kept:?}");
    kept.at("/id").to_owned()
}

async fn options(shop: &Shop) -> Value {
    let options = shop.post("/v1/sessions/options", "", "", Value::Null).await;
    assert_eq!((options.status, options.at("/rpId")), (200, "shop.example"), "{options:?}");
    options.json
}

async fn enter(shop: &Shop, credential: Value) -> Answer {
    shop.post("/v1/sessions", "", "", json!({ "passkey": credential })).await
}

async fn sign_in(shop: &Shop, device: &Device) -> Answer {
    let options = options(shop).await;
    enter(shop, device.sign(&options)).await
}

#[tokio::test]
async fn a_device_makes_one_and_signs_in_with_it_once_for_each_challenge() {
    let shop = open().await;
    let session = shop.buyer(ADA, 0).await;
    shop.run_mail().await;
    let mut phone = Device::new(1);
    let asked = invite(&shop, &session, None).await;
    assert_eq!((asked.at("/rp/id"), asked.at("/user/name")), ("shop.example", ADA), "{asked:?}");
    let id = add(&shop, &session, &mut phone).await;
    assert!(id.starts_with("psk_"));
    let told = shop.run_mail().await;
    assert_eq!(told[0].words.subject, "A new passkey");
    assert!(told[0].words.text.contains("“My phone”"), "{:?}", told[0].words);

    let first = options(&shop).await;
    shop.advance(Span::seconds(1)).await;
    let second = options(&shop).await;
    let entered = enter(&shop, phone.sign(&second)).await;
    assert_eq!(entered.status, 201, "{entered:?}");
    let own = shop.get("/v1/account", entered.at("/token")).await;
    assert_eq!(own.at("/email"), ADA);
    let kept = &own.json["passkeys"][0];
    assert_eq!((&kept["id"], &kept["synced"]), (&json!(id), &json!(true)), "{own:?}");
    assert!(kept["used_at"].is_string(), "{own:?}");
    for (old, why) in [(&second, "it was answered"), (&first, "it is older than that one")] {
        let again = enter(&shop, phone.sign(old)).await;
        assert_eq!((again.status, again.code()), (401, "invalid_credentials"), "{why}");
    }
    let late = options(&shop).await;
    shop.advance(Span::minutes(5)).await;
    assert_eq!(enter(&shop, phone.sign(&late)).await.status, 401, "five minutes have passed");
    assert_eq!(sign_in(&shop, &phone).await.status, 201);
    let export = shop.get("/v1/account/export", &session).await;
    assert_eq!(export.at("/account/passkeys/0/name"), "My phone");
    shop.sound().await;
}

#[tokio::test]
async fn what_is_not_asked_here_or_not_recognized_signs_nobody_in() {
    let shop = open().await;
    let session = shop.buyer(ADA, 0).await;
    let mut phone = Device::new(1);
    add(&shop, &session, &mut phone).await;
    let good = Device::new(1);
    let user = phone.user.clone();
    let bob = shop.buyer("bob@example.com", 0).await;
    let mut other = Device::new(2);
    add(&shop, &bob, &mut other).await;
    let forged = [
        (
            "a page of somebody else's",
            Device { origin: "https://shop.example.net", ..Device::new(1) },
        ),
        ("a passkey for another site", Device { host: "example.net", ..Device::new(1) }),
        ("nobody recognized", Device { flags: 0b0001_1001, ..Device::new(1) }),
        ("nobody there", Device { flags: 0b0001_1100, ..Device::new(1) }),
        ("another key", Device { name: good.name, ..Device::new(3) }),
        ("no passkey of hers", Device::new(2)),
    ];
    for (why, device) in forged {
        let device = Device { user: user.clone(), ..device };
        let refused = sign_in(&shop, &device).await;
        assert_eq!((refused.status, refused.code()), (401, "invalid_credentials"), "{why}");
    }
    for nobody in ["", "AAAAAAAAAAA", "AAAA", &text(1u64.to_be_bytes())] {
        let device = Device { user: nobody.to_owned(), ..Device::new(1) };
        assert_eq!(sign_in(&shop, &device).await.status, 401, "{nobody}");
    }
    let asked = invite(&shop, &session, None).await.json;
    assert_eq!(
        enter(&shop, phone.sign(&asked)).await.status,
        401,
        "it was asked for another thing"
    );
    let made_up = json!({ "challenge": text([7; 32]) });
    assert_eq!(enter(&shop, phone.sign(&made_up)).await.status, 401, "not by us");
    phone.counter = 9;
    assert_eq!(sign_in(&shop, &phone).await.status, 201);
    let copy = Device { counter: 9, user, ..Device::new(1) };
    assert_eq!(sign_in(&shop, &copy).await.status, 401, "there are two of it");
    let mixed = json!({ "passkey": phone.sign(&options(&shop).await), "email": ADA });
    let mixed = shop.post("/v1/sessions", "", "", mixed).await;
    assert_eq!((mixed.status, mixed.at("/errors/0/field")), (400, "passkey"));
    let broken = shop.post("/v1/sessions", "", "", json!({ "passkey": { "id": 1 } })).await;
    assert_eq!((broken.status, broken.code()), (400, "invalid_field"), "{broken:?}");
    for _ in 0..60 {
        sign_in(&shop, &copy).await;
    }
    assert_eq!(sign_in(&shop, &copy).await.status, 429);
    shop.sound().await;
}

#[tokio::test]
async fn one_is_kept_for_who_has_shown_the_password_of_this_account_a_moment_ago() {
    let shop = open().await;
    let session = shop.buyer(ADA, 0).await;
    let bob = shop.buyer("bob@example.com", 0).await;
    let body = json!({ "password": "wrong horse" });
    let wrong = shop.post(&format!("{PATH}/options"), &session, "", body).await;
    assert_eq!((wrong.status, wrong.code()), (401, "invalid_credentials"));
    let options = invite(&shop, &session, None).await.json;
    let mut phone = Device::new(1);
    let refused = |answer: &Answer, why: &str| {
        let told = (answer.status, answer.at("/errors/0/field"));
        assert_eq!(told, (400, "credential"), "{why}: {answer:?}");
    };
    refused(&keep(&shop, &bob, phone.make(&options)).await, "it is for another account");
    let mut blind = Device { flags: 0b0000_0001, ..Device::new(1) };
    let answer = keep(&shop, &session, blind.make(&options)).await;
    refused(&answer, "nobody was recognized");
    assert!(answer.at("/detail").contains("did not check who holds it"), "{answer:?}");
    let mut elsewhere = Device { origin: "https://evil.example", ..Device::new(1) };
    refused(&keep(&shop, &session, elsewhere.make(&options)).await, "a page of somebody else's");
    let mut credential = phone.make(&options);
    credential["response"]["attestationObject"] = json!("AAAA");
    refused(&keep(&shop, &session, credential).await, "no object");
    assert_eq!(keep(&shop, &session, phone.make(&options)).await.status, 201);
    refused(&keep(&shop, &session, phone.make(&options)).await, "it is kept");
    let options = invite(&shop, &session, None).await.json;
    assert_eq!(options["excludeCredentials"][0]["id"], text(phone.name));
    shop.advance(Span::minutes(5)).await;
    refused(&keep(&shop, &session, Device::new(2).make(&options)).await, "too late");
    for number in 2..=10 {
        add(&shop, &session, &mut Device::new(number)).await;
    }
    let more = invite(&shop, &session, None).await;
    assert_eq!((more.status, more.code()), (409, "too_many_passkeys"));
    shop.sound().await;
}

#[tokio::test]
async fn it_is_password_and_second_factor_in_one_and_a_code_for_it_is_spent() {
    let shop = open().await;
    let session = shop.buyer(ADA, 0).await;
    let factor = "/v1/account/second-factor";
    let begun = shop.post(factor, &session, "", json!({ "password": PASSWORD })).await;
    let secret = begun.at("/secret").to_owned();
    let code = || json!({ "otp": totp(&secret, shop.clock.as_ref()) });
    assert_eq!(shop.post(&format!("{factor}/confirm"), &session, "", code()).await.status, 200);
    shop.advance(Span::seconds(30)).await;
    let missing = invite(&shop, &session, None).await;
    assert_eq!((missing.status, missing.at("/errors/0/field")), (400, "otp"), "{missing:?}");
    let code = totp(&secret, shop.clock.as_ref());
    let first = invite(&shop, &session, Some(&code)).await.json;
    let second = invite(&shop, &session, Some(&code)).await.json;
    let (mut phone, mut key) = (Device::new(1), Device::new(2));
    assert_eq!(keep(&shop, &session, phone.make(&first)).await.status, 201);
    let spent = keep(&shop, &session, key.make(&second)).await;
    assert_eq!(
        (spent.status, spent.at("/errors/0/field")),
        (400, "credential"),
        "a code opens once"
    );
    assert_eq!(sign_in(&shop, &phone).await.status, 201, "no code is asked for");
    shop.sound().await;
}

#[tokio::test]
async fn a_new_password_by_mail_and_its_owner_remove_it_and_one_by_the_old_does_not() {
    let shop = open().await;
    let session = shop.buyer(ADA, 0).await;
    let (mut phone, mut key) = (Device::new(1), Device::new(2));
    let id = add(&shop, &session, &mut phone).await;
    add(&shop, &session, &mut key).await;
    let bearer = format!("Bearer {session}");
    let remove = async |id: &str| {
        let headers = [("authorization", bearer.as_str())];
        shop.send("DELETE", &format!("{PATH}/{id}"), &headers, Value::Null).await.status
    };
    assert_eq!((remove(&id).await, remove(&id).await), (204, 404));
    assert_eq!(sign_in(&shop, &phone).await.status, 401);
    let change = json!({ "old": PASSWORD, "new": "another horse" });
    let changed = shop.post("/v1/account/password", &session, "", change).await;
    assert_eq!(changed.status, 204, "{changed:?}");
    let options = options(&shop).await;
    assert_eq!(sign_in(&shop, &key).await.status, 201, "the old password has changed it");
    shop.run_mail().await;
    shop.post("/v1/password-resets", "", "", json!({ "email": ADA })).await;
    let token = told_after(&shop.run_mail().await[0], "?token=").to_owned();
    let body = json!({ "token": token, "password": PASSWORD });
    assert_eq!(shop.post("/v1/password-resets/complete", "", "", body).await.status, 204);
    assert_eq!(enter(&shop, key.sign(&options)).await.status, 401);
    assert_eq!(sign_in(&shop, &key).await.status, 401, "who knew the password may have added it");
    shop.sound().await;
}

#[tokio::test]
async fn pages_have_one_made_and_sign_in_with_it() {
    let shop = open().await;
    shop.buyer(ADA, 0).await;
    let mut browser = Browser::on(&shop);
    browser.send("/sign-in", &[("email", ADA), ("password", PASSWORD)]).await;
    let page = browser.open("/account/passkeys").await;
    assert!(page.html.contains("There are none yet"), "{}", page.html);
    let wrong = [("name", "Phone"), ("password", "wrong horse")];
    let page = browser.send("/account/passkeys", &wrong).await;
    assert!(page.status == 400 && page.html.contains("This is not your password"), "{}", page.html);
    let page = browser.send("/account/passkeys", &[("name", " "), ("password", PASSWORD)]).await;
    assert!(page.status == 400 && page.html.contains("name-error"), "{}", page.html);
    let right = [("name", "Phone & key"), ("password", PASSWORD)];
    let page = browser.send("/account/passkeys", &right).await;
    let options = page.html.split("data-makes-passkey=\"").nth(1).unwrap().split('"').next();
    let options: Value = serde_json::from_str(&options.unwrap().replace("&quot;", "\"")).unwrap();
    let policy = page.answer.header("content-security-policy");
    assert!(policy.contains("script-src 'self'"), "{policy}");
    assert!(!page.html.contains(PASSWORD), "a password is not shown again: {}", page.html);
    let mut phone = Device::new(1);
    let credential = phone.make(&options).to_string();
    let sent = [("name", "Phone & key"), ("credential", "{}")];
    let page = browser.send("/account/passkeys/keep", &sent).await;
    assert!(page.status == 400 && page.html.contains("role=\"alert\""), "{}", page.html);
    let sent = [("name", "Phone & key"), ("credential", &*credential)];
    let page = browser.send("/account/passkeys/keep", &sent).await;
    assert_eq!(page.location(), "/account/passkeys?done=added", "{}", page.html);
    let page = browser.open("/account/passkeys?done=added").await;
    assert!(page.html.contains("Phone &amp; key"), "{}", page.html);
    assert!(browser.open("/account").await.html.contains("Phone &amp; key"));

    let mut there = Browser::on(&shop);
    let page = there.open("/sign-in?next=/library").await;
    assert!(page.html.contains("data-uses-passkey"), "{}", page.html);
    let policy = page.answer.header("content-security-policy");
    assert!(policy.contains("connect-src 'self'"), "{policy}");
    for nothing in ["", "{}", "null"] {
        let page = there.send("/sign-in/passkey", &[("credential", nothing)]).await;
        assert!(page.status == 422 && page.html.contains("role=\"alert\""), "{}", page.html);
    }
    let options = shop.post("/v1/sessions/options", "", "", Value::Null).await.json;
    let credential = phone.sign(&options).to_string();
    let sent = [("credential", &*credential), ("next", "/library")];
    assert_eq!(there.send_from("cross-site", "/sign-in/passkey", &sent).await.status, 403);
    let inside = there.send("/sign-in/passkey", &sent).await;
    assert_eq!((inside.status, inside.location()), (303, "/library"), "{}", inside.html);
    let page = there.open("/account/passkeys").await;
    assert!(page.html.contains("last used"), "{}", page.html);
    let remove = page.html.split("action=\"/account/passkeys/psk_").nth(1).unwrap();
    let remove = format!("/account/passkeys/psk_{}", remove.split('"').next().unwrap());
    assert_eq!(there.send(&remove, &[]).await.location(), "/account/passkeys?done=removed");
    let page = there.open("/account/passkeys?done=removed").await;
    assert!(page.html.contains("There are none yet"), "{}", page.html);
    shop.sound().await;
}

#[tokio::test]
async fn there_are_none_without_a_name_and_tls_nor_at_a_merchant() {
    let shop = Shop::open().await;
    let session = shop.buyer(ADA, 0).await;
    let options = shop.post("/v1/sessions/options", "", "", Value::Null).await;
    assert_eq!((options.status, options.code()), (404, "not_found"), "{options:?}");
    let invited = invite(&shop, &session, None).await;
    assert_eq!((invited.status, invited.code()), (404, "not_found"), "{invited:?}");
    let kept = keep(&shop, &session, Device::new(1).make(&json!({ "challenge": "AA" }))).await;
    assert_eq!(kept.status, 404, "{kept:?}");
    let mut browser = Browser::on(&shop);
    assert!(!browser.open("/sign-in").await.html.contains("passkey"));
    browser.send("/sign-in", &[("email", ADA), ("password", PASSWORD)]).await;
    assert!(!browser.open("/account").await.html.contains("asskey"));
    let (merchant, _) = Shop::merchant(settings()).await;
    let options = merchant.post("/v1/sessions/options", "", "", Value::Null).await;
    assert_eq!((options.status, options.code()), (404, "not_found"), "{options:?}");
    let credential = Device::new(1).sign(&json!({ "challenge": "AA" }));
    assert_eq!(enter(&merchant, credential).await.status, 404);
}
