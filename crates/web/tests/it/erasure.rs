//! Accounts that are erased: what goes, what stays, what is in the way.

use scrip_domain::letter::{About, Letter, Recipient};
use scrip_domain::session::Session;
use scrip_domain::staff::StaffRole;
use scrip_domain::{Id, Span, Timestamp};
use scrip_testkit::rows::{Books, Change, Changes, Command, Decision, Fault, Wants};
use scrip_testkit::{Answer, Browser, Shop};
use serde_json::{Value, json};

use crate::library_pages::ada;

const ADA: &str = "ada@example.com";
const PASSWORD: &str = "correct horse";

async fn erase(shop: &Shop, buyer: &str, body: Value) -> Answer {
    let bearer = format!("Bearer {buyer}");
    shop.send("DELETE", "/v1/account", &[("authorization", &bearer)], body).await
}

async fn buy(shop: &Shop, buyer: &str, offer: &str) -> Answer {
    let body = json!({ "lines": [{ "offer": offer }], "expected_total": { "amount": 250, "unit": "AUR" } });
    let paid = shop.post("/v1/purchases", buyer, "buy", body).await;
    assert_eq!(paid.status, 201, "{paid:?}");
    paid
}

async fn account(shop: &Shop, buyer: &str) -> String {
    shop.get("/v1/account", buyer).await.at("/id").to_owned()
}

#[tokio::test]
async fn an_account_goes_and_its_orders_and_codes_stay() {
    let shop = Shop::open().await;
    let offer = shop.service("tuning", 250).await;
    let buyer = shop.buyer(ADA, 250).await;
    let id = account(&shop, &buyer).await;
    let order = buy(&shop, &buyer, &offer).await;
    shop.post("/v1/payment-methods", &buyer, "", json!({ "payment_method": "demo_approved" }))
        .await;
    let key = json!({ "label": "till", "scopes": ["read"], "account": id });
    let key = shop.post("/v1/admin/api-keys", &shop.admin, "", key).await.at("/token").to_owned();
    let bearer = format!("Bearer {buyer}");
    let name = json!({ "name": "Ada Lovelace", "address": "12 St James's Square" });
    shop.send("PATCH", "/v1/account", &[("authorization", &bearer)], name).await;
    shop.run_mail().await;
    assert_eq!(shop.get("/v1/account", &key).await.status, 200);

    let wrong = erase(&shop, &buyer, json!({ "password": "wrong horse" })).await;
    assert_eq!((wrong.status, wrong.at("/errors/0/field")), (400, "password"), "{wrong:?}");
    let erased = erase(&shop, &buyer, json!({ "password": PASSWORD })).await;
    assert_eq!((erased.status, erased.bytes.len()), (204, 0), "{erased:?}");
    for bearer in [&buyer, &key] {
        assert_eq!(shop.get("/v1/account", bearer).await.status, 401);
    }
    let held = shop.get(&format!("/v1/admin/accounts/{id}"), &shop.admin).await;
    assert!(held.json["erased_at"].is_string(), "{held:?}");
    let text = String::from_utf8_lossy(&held.bytes).to_lowercase();
    assert!(!text.contains("ada") && !text.contains("james"), "{text}");
    let code = json!({ "code": order.at("/licenses/0/code/short") });
    let verdict = shop.post("/v1/licenses/validate", "", "", code).await;
    assert_eq!(verdict.json["valid"], true, "codes go on working: {verdict:?}");
    let store = shop.app.engine.store();
    let row = store.order(order.at("/id").parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(row.account.unwrap().to_string(), id, "orders go on naming the account");
    assert!(store.letters_of(id.parse().unwrap(), 9).await.unwrap().is_empty());
    shop.run_errands().await;
    assert!(shop.run_mail().await.is_empty(), "nobody is written to");
    shop.run_webhooks().await;
    let told = shop.get("/v1/events?type=account.erased", &shop.admin).await;
    assert_eq!(told.json["data"].as_array().map(Vec::len), Some(1), "{told:?}");
    assert_eq!(told.json["data"][0]["data"], json!({ "object": "account", "id": id }));
    shop.sound().await;

    // The address is free, and nothing of the one before is the new one's.
    let again = shop.buyer(ADA, 0).await;
    assert_ne!(account(&shop, &again).await, id);
    assert_eq!(shop.get("/v1/orders", &again).await.json["data"], json!([]));
    let signed =
        shop.post("/v1/sessions", "", "", json!({ "email": ADA, "password": PASSWORD })).await;
    assert_eq!(signed.status, 201, "{signed:?}");
    shop.sound().await;
}

#[tokio::test]
async fn tokens_are_in_the_way_unless_they_are_given_up() {
    let shop = Shop::open().await;
    let buyer = shop.buyer(ADA, 600).await;
    let id = account(&shop, &buyer).await;
    let kept = erase(&shop, &buyer, json!({ "password": PASSWORD })).await;
    assert_eq!((kept.status, kept.code()), (409, "account_not_settled"), "{kept:?}");
    assert_eq!(
        (&kept.json["open"], kept.at("/balance/display")),
        (&json!(["balance"]), "6.00 AUR")
    );
    assert_eq!(shop.available(&buyer).await, 600, "nothing has changed");
    let gone = erase(&shop, &buyer, json!({ "password": PASSWORD, "forfeit": true })).await;
    assert_eq!(gone.status, 204, "{gone:?}");
    let held = shop.get(&format!("/v1/admin/accounts/{id}"), &shop.admin).await;
    assert_eq!(held.json["available"]["amount"], 0);
    let thawed =
        shop.post(&format!("/v1/admin/accounts/{id}/thaw"), &shop.admin, "", Value::Null).await;
    assert_eq!(thawed.status, 404, "nobody brings it back: {thawed:?}");
    let more = json!({ "tokens": { "amount": 1, "unit": "AUR" }, "reason": "x", "kind": "promo" });
    let more = shop.post(&format!("/v1/admin/accounts/{id}/adjust"), &shop.admin, "m", more).await;
    assert_eq!(more.code(), "account_frozen", "nobody gives it anything");
    shop.sound().await;
}

#[tokio::test]
async fn what_is_under_way_is_in_the_way() {
    let shop = Shop::open().await;
    let offer = shop.service("tuning", 250).await;
    let buyer = shop.buyer(ADA, 250).await;
    let id = account(&shop, &buyer).await;
    let all = json!({ "password": PASSWORD, "forfeit": true });
    let review = json!({ "tokens": { "amount": 500, "unit": "AUR" }, "method": "demo", "payment_method": "demo_review" });
    let review = shop.post("/v1/top-ups", &buyer, "look", review).await;
    let open = erase(&shop, &buyer, all.clone()).await;
    assert_eq!(
        (open.code(), &open.json["open"]),
        ("account_not_settled", &json!(["top_ups"])),
        "{open:?}"
    );
    let decide = format!("/v1/admin/top-ups/{}/decide", review.at("/id"));
    let no = json!({ "approve": false, "reason": "no" });
    assert_eq!(shop.post(&decide, &shop.admin, "", no).await.status, 200);

    let order = buy(&shop, &buyer, &offer).await;
    let path = format!("/v1/orders/{}/refund-requests", order.at("/id"));
    let wish = json!({ "line": order.at("/lines/0/id"), "reason": "why" });
    let asked = shop.post(&path, &buyer, "r", wish).await;
    assert_eq!(erase(&shop, &buyer, all.clone()).await.json["open"], json!(["refund_requests"]));
    let decline = format!("/v1/admin/refund-requests/{}/decline", asked.at("/id"));
    shop.post(&decline, &shop.admin, "", json!({ "word": "no" })).await;

    let limit = json!({ "limit": { "amount": 1000, "unit": "EUR" } });
    let bearer = format!("Bearer {}", shop.admin);
    let at = format!("/v1/admin/accounts/{id}/credit-limit");
    shop.send("PUT", &at, &[("authorization", &bearer)], limit).await;
    let drawn = json!({ "pay": { "amount": 100, "unit": "EUR" }, "method": "credit_line" });
    assert_eq!(shop.post("/v1/top-ups", &buyer, "draw", drawn).await.status, 201);
    let open = erase(&shop, &buyer, all.clone()).await;
    assert_eq!(open.json["open"], json!(["credit_line"]), "{open:?}");
    let repaid = json!({ "money": { "amount": 100, "unit": "EUR" }, "note": "paid" });
    let repay = format!("/v1/admin/accounts/{id}/repayments");
    assert!(shop.post(&repay, &shop.admin, "back", repaid).await.status < 300);
    assert_eq!(erase(&shop, &buyer, all).await.status, 204);
    shop.sound().await;
}

#[tokio::test]
async fn a_buyer_erases_the_account_on_its_page() {
    let shop = Shop::open().await;
    shop.buyer(ADA, 600).await;
    let mut browser = ada(&shop).await;
    let mut elsewhere = ada(&shop).await;
    let page = browser.open("/account").await;
    assert!(page.html.contains("href=\"/account/erase\""), "{}", page.html);
    let page = browser.open("/account/erase").await;
    for word in ["Save my data first", "6.00 AUR", "name=\"forfeit\"", "go on working"] {
        assert!(page.html.contains(word), "{word}\n{}", page.html);
    }
    for (fields, status, told) in [
        (&[("password", PASSWORD)][..], 409, "There are tokens in the wallet."),
        (&[("password", "wrong"), ("forfeit", "yes")][..], 400, "password-error"),
        (&[("forfeit", "yes")][..], 400, "password-error"),
    ] {
        let wrong = browser.send("/account/erase", fields).await;
        assert_eq!(wrong.status, status, "{}", wrong.html);
        assert!(wrong.html.contains(told), "{told}\n{}", wrong.html);
    }
    let good = [("password", PASSWORD), ("forfeit", "yes")];
    assert_eq!(browser.send_from("cross-site", "/account/erase", &good).await.status, 403);
    let done = browser.send("/account/erase", &good).await;
    assert_eq!(done.status, 200, "{}", done.html);
    assert!(
        done.html.contains("The account is erased") && !done.html.contains("Sign out"),
        "{}",
        done.html
    );
    for browser in [&mut browser, &mut elsewhere] {
        assert_eq!(browser.open("/account").await.status, 303);
    }
    let page = browser.send("/sign-in", &[("email", ADA), ("password", PASSWORD)]).await;
    assert_eq!(page.status, 422, "{}", page.html);
    assert_eq!(Browser::on(&shop).open("/account/erase").await.status, 303);
    shop.sound().await;
}

#[tokio::test]
async fn staff_erase_an_account_once_and_it_is_on_record() {
    let shop = Shop::open().await;
    let buyer = shop.buyer(ADA, 600).await;
    let id = account(&shop, &buyer).await;
    let (mut support, member) = shop.clerk(StaffRole::Support).await;
    let path = format!("/admin/accounts/{id}");
    let act = format!("{path}/erase");
    let page = support.open(&path).await;
    assert!(page.html.contains("Erase the account"), "{}", page.html);
    let open = support.send(&act, &[("reason", "asked by letter")]).await;
    assert_eq!(open.status, 409, "{}", open.html);
    assert!(open.html.contains("value=\"asked by letter\""), "{}", open.html);
    let good = [("reason", "asked by letter"), ("forfeit", "yes")];
    for _ in 0..2 {
        let sent = support.send(&act, &good).await;
        assert_eq!(sent.location(), format!("{path}?done=erase"), "{}", sent.html);
    }
    let page = support.open(&path).await;
    assert!(page.html.contains("Erased on") && !page.html.contains(ADA), "{}", page.html);
    assert!(!page.html.contains("What you can do"), "{}", page.html);
    let audit = shop.get("/v1/admin/audit", &shop.admin).await;
    let acts = audit.json["data"].as_array().unwrap();
    let acts: Vec<_> = acts.iter().filter(|row| row["act"] == "account.erased").collect();
    assert_eq!(acts.len(), 1, "{audit:?}");
    assert_eq!(
        (&acts[0]["actor"], &acts[0]["subject"]),
        (&json!(member.id.to_string()), &json!(id))
    );
    assert!(!acts[0].to_string().contains(ADA), "{}", acts[0]);

    let other = shop.buyer("bob@example.com", 0).await;
    let other = account(&shop, &other).await;
    let path = format!("/v1/admin/accounts/{other}/erase");
    assert_eq!(shop.post(&path, &shop.admin, "", json!({})).await.at("/errors/0/field"), "reason");
    let done = shop.post(&path, &shop.admin, "", json!({ "reason": "asked" })).await;
    assert!(done.json["erased_at"].is_string(), "{done:?}");
    shop.advance(Span::minutes(1)).await;
    let again = shop.post(&path, &shop.admin, "", json!({ "reason": "asked" })).await;
    assert_eq!(again.json["erased_at"], done.json["erased_at"]);
    shop.sound().await;
}

/// What a server that stopped amid an erasure, or another beside it, has left there.
struct Left(Session, Letter);

impl Command for Left {
    type Receipt = ();
    type Refusal = ();

    fn wants(&self, wants: &mut Wants) {
        wants.sessions.read((self.0.token,));
        wants.letters.guard((self.1.id,));
    }

    fn decide(&self, _: &Books, _: Timestamp) -> Result<Decision<(), ()>, Fault> {
        let mut changes = Changes::default();
        changes.sessions.push(Change::Insert(self.0.clone()));
        changes.letters.push(Change::Insert(self.1.clone()));
        Ok(Decision::done((), changes))
    }
}

#[tokio::test]
async fn what_a_crash_has_left_goes_when_staff_erase_again() {
    let shop = Shop::open().await;
    let buyer = shop.buyer(ADA, 0).await;
    let id = account(&shop, &buyer).await;
    assert_eq!(erase(&shop, &buyer, json!({ "password": PASSWORD })).await.status, 204);
    let store = shop.app.engine.store();
    let row = store.account(id.parse().unwrap()).await.unwrap().unwrap();
    let (now, token) = (shop.app.engine.now(), [7; 16]);
    let expires_at = now.plus(Span::days(1));
    let session =
        Session { token, account: row.id, wallet: row.wallet, created_at: now, expires_at };
    let to = Recipient::Address(ADA.into());
    let letter = Letter::new(Id::new(7).unwrap(), Some(row.id), to, About::Welcome {}, now);
    store.submit(Left(session, letter)).await.unwrap().unwrap();
    let path = format!("/v1/admin/accounts/{id}/erase");
    let again = shop.post(&path, &shop.admin, "", json!({ "reason": "asked" })).await;
    assert_eq!(again.status, 200, "{again:?}");
    assert!(store.session(token).await.unwrap().is_none());
    assert!(store.letters_of(row.id, 9).await.unwrap().is_empty());
    let audit = shop.get("/v1/admin/audit", &shop.admin).await;
    assert!(!audit.json.to_string().contains("account.erased"), "erased once, and not by staff");
    shop.sound().await;
}

#[tokio::test]
async fn all_that_is_in_the_way_is_told_at_once_and_each_once() {
    let shop = Shop::open().await;
    let offer = shop.service("tuning", 250).await;
    let buyer = shop.buyer(ADA, 600).await;
    for key in ["one", "two"] {
        let body = json!({ "lines": [{ "offer": offer }], "allow_duplicate": true,
            "expected_total": { "amount": 250, "unit": "AUR" } });
        let order = shop.post("/v1/purchases", &buyer, key, body).await;
        let path = format!("/v1/orders/{}/refund-requests", order.at("/id"));
        let wish = json!({ "line": order.at("/lines/0/id"), "reason": "why" });
        assert_eq!(shop.post(&path, &buyer, &format!("r-{key}"), wish).await.status, 201);
        let review = json!({ "tokens": { "amount": 500, "unit": "AUR" }, "method": "demo",
            "payment_method": "demo_review" });
        assert!(shop.post("/v1/top-ups", &buyer, &format!("t-{key}"), review).await.status < 300);
    }
    let kept = erase(&shop, &buyer, json!({ "password": PASSWORD })).await;
    assert_eq!(kept.json["open"], json!(["balance", "top_ups", "refund_requests"]), "{kept:?}");
    assert_eq!(kept.at("/balance/display"), "1.00 AUR");
    shop.sound().await;
}

#[tokio::test]
async fn nobody_makes_a_key_for_an_account_that_is_erased() {
    let shop = Shop::open().await;
    let buyer = shop.buyer(ADA, 0).await;
    let id = account(&shop, &buyer).await;
    assert_eq!(erase(&shop, &buyer, json!({ "password": PASSWORD })).await.status, 204);
    let key = json!({ "label": "till", "scopes": ["read"], "account": id });
    let made = shop.post("/v1/admin/api-keys", &shop.admin, "", key).await;
    assert_eq!((made.status, made.at("/errors/0/field")), (400, "account"), "{made:?}");
    let (mut owner, _) = shop.clerk(StaffRole::Owner).await;
    let key = owner.open("/admin/keys").await.input("key").to_owned();
    let fields = [("key", key.as_str()), ("label", "till"), ("account", &id), ("read", "yes")];
    let page = owner.send("/admin/keys", &fields).await;
    assert_eq!(page.status, 400, "{}", page.html);
    assert!(page.html.contains("id=\"account-error\">There is no such account"), "{}", page.html);
    shop.sound().await;
}

#[tokio::test]
async fn what_a_fault_has_left_is_taken_by_the_server_itself() {
    let shop = Shop::open().await;
    let buyer = shop.buyer(ADA, 0).await;
    let id = account(&shop, &buyer).await;
    assert_eq!(erase(&shop, &buyer, json!({ "password": PASSWORD })).await.status, 204);
    let (engine, store) = (&shop.app.engine, shop.app.engine.store());
    let row = store.account(id.parse().unwrap()).await.unwrap().unwrap();
    // As if the server had died after its first commit, or another had written beside it.
    let (now, token) = (engine.now(), [7; 16]);
    let expires_at = now.plus(Span::days(1));
    let session =
        Session { token, account: row.id, wallet: row.wallet, created_at: now, expires_at };
    let to = Recipient::Address(ADA.into());
    let letter = Letter::new(Id::new(7).unwrap(), Some(row.id), to, About::Welcome {}, now);
    store.submit(Left(session, letter)).await.unwrap().unwrap();
    shop.sound().await;
    assert_eq!(engine.finish_erasures().await.unwrap(), 0, "not yet");
    shop.advance(Span::minutes(1)).await;
    let other = shop.another().await;
    assert_eq!(other.app.engine.finish_erasures().await.unwrap(), 1, "whichever server runs");
    assert!(store.session(token).await.unwrap().is_none());
    assert!(store.letters_of(row.id, 9).await.unwrap().is_empty());
    let swept = store.account(row.id).await.unwrap().unwrap();
    assert_eq!((swept.erased_at, swept.sweep_at), (row.erased_at, None));
    assert_eq!(engine.finish_erasures().await.unwrap(), 0, "once");
    shop.sound().await;
}
