//! Cards of an account: attached, chosen, paid with, removed; and what is none.

use std::sync::Mutex;

use scrip_domain::Span;
use scrip_engine::processor::demo::{Fate, Mishaps};
use scrip_engine::processor::{CustomerName, Processor, Verb};
use scrip_testkit::{Answer, Shop};
use serde_json::{Value, json};

async fn attach(shop: &Shop, who: &str, name: &str) -> Answer {
    shop.post("/v1/payment-methods", who, "", json!({ "payment_method": name })).await
}

async fn send(shop: &Shop, method: &str, path: &str, who: &str, body: Value) -> Answer {
    let authorization = format!("Bearer {who}");
    shop.send(method, path, &[("authorization", &authorization)], body).await
}

async fn choose(shop: &Shop, who: &str, name: Value) -> Answer {
    let body = json!({ "payment_method": name });
    send(shop, "PUT", "/v1/account/payment-method", who, body).await
}

async fn remove(shop: &Shop, who: &str, name: &str) -> Answer {
    send(shop, "DELETE", &format!("/v1/payment-methods/{name}"), who, Value::Null).await
}

async fn names(shop: &Shop, who: &str) -> Vec<String> {
    let list = shop.get("/v1/payment-methods", who).await;
    assert_eq!((list.status, &list.json["next"]), (200, &Value::Null));
    let all = list.json["data"].as_array().unwrap().iter();
    all.map(|one| one["id"].as_str().unwrap().to_owned()).collect()
}

async fn pays_with(shop: &Shop, who: &str) -> Value {
    shop.get("/v1/account", who).await.json["payment_method"].clone()
}

async fn top_up(shop: &Shop, who: &str, key: &str, card: Value) -> Answer {
    let mut body = json!({ "tokens": { "amount": 500, "unit": "AUR" }, "method": "card" });
    if !card.is_null() {
        body["payment_method"] = card;
    }
    shop.post("/v1/top-ups", who, key, body).await
}

/// The names that the processor keeps for the one customer there is.
async fn at_the_processor(shop: &Shop, who: &str) -> Vec<String> {
    let account = shop.get("/v1/account", who).await.json["id"].as_str().unwrap().to_owned();
    let customer = CustomerName::new(format!("demo_{account}")).unwrap();
    let kept = shop.processor.payment_methods(&customer).await.unwrap();
    kept.iter().map(|method| method.name.to_string()).collect()
}

#[tokio::test]
async fn a_card_is_attached_chosen_paid_with_and_removed() {
    let shop = Shop::open().await;
    let ada = shop.buyer("ada@example.com", 0).await;
    assert_eq!(names(&shop, &ada).await, Vec::<String>::new());
    let kept = attach(&shop, &ada, "demo_approved").await;
    assert_eq!(kept.status, 201, "{kept:?}");
    assert_eq!(
        (kept.at("/id"), kept.at("/brand"), kept.at("/last_four")),
        ("demo_approved", "demo", "0001")
    );
    assert_eq!(kept.json["expires"], json!({ "year": 2099, "month": 12 }));
    assert_eq!(kept.json["default"], true, "the first one");
    let other = attach(&shop, &ada, "demo_review").await;
    assert_eq!(other.json["default"], false);
    assert_eq!(attach(&shop, &ada, "demo_approved").await.json, kept.json, "the same again");
    assert_eq!(names(&shop, &ada).await, ["demo_approved", "demo_review"]);
    assert_eq!(pays_with(&shop, &ada).await, "demo_approved");
    let begun = top_up(&shop, &ada, "k1", Value::Null).await;
    assert_eq!((begun.status, begun.at("/payment_method")), (201, "demo_approved"), "{begun:?}");
    shop.run_errands().await;
    let offer = shop.service("tuning", 250).await;
    let body = json!({ "lines": [{ "offer": offer }], "expected_total": { "amount": 250, "unit": "AUR" } });
    let bought = shop.post("/v1/purchases", &ada, "k2", body).await;
    assert_eq!(bought.json["paid_from"]["payment_method"], "demo_approved", "{bought:?}");
    let chosen = choose(&shop, &ada, json!("demo_review")).await;
    assert_eq!((chosen.status, chosen.at("/payment_method")), (200, "demo_review"));
    assert_eq!(remove(&shop, &ada, "demo_review").await.status, 204);
    assert_eq!(pays_with(&shop, &ada).await, Value::Null, "the default went with it");
    let gone = remove(&shop, &ada, "demo_review").await;
    assert_eq!((gone.status, gone.code()), (404, "not_found"));
    assert_eq!(names(&shop, &ada).await, ["demo_approved"]);
    shop.run_errands().await;
    assert_eq!(at_the_processor(&shop, &ada).await, ["demo_approved"]);
    assert_eq!(choose(&shop, &ada, Value::Null).await.status, 200);
    shop.sound().await;
}

#[tokio::test]
async fn nobody_pays_with_what_is_not_theirs() {
    let shop = Shop::open().await;
    let ada = shop.buyer("ada@example.com", 0).await;
    let bob = shop.buyer("bob@example.com", 0).await;
    attach(&shop, &ada, "demo_review").await;
    for wrong in
        [json!("pm_of_somebody"), json!("demo_nothing"), json!("pm/../x"), json!(7), json!("")]
    {
        let answer = top_up(&shop, &bob, "k", wrong.clone()).await;
        assert_eq!((answer.status, answer.code()), (400, "invalid_field"), "{wrong}");
        assert_eq!(answer.at("/errors/0/field"), "payment_method", "{wrong}");
        let answer = choose(&shop, &bob, wrong.clone()).await;
        assert_eq!((answer.status, answer.code()), (400, "invalid_field"), "{wrong}");
        let answer = attach(&shop, &bob, wrong.as_str().unwrap_or_default()).await;
        assert_eq!((answer.status, answer.code()), (400, "invalid_field"), "{wrong}");
    }
    // The demo's cards are everybody's to try; to choose one takes having it.
    assert_eq!(choose(&shop, &bob, json!("demo_review")).await.status, 400);
    assert_eq!(remove(&shop, &bob, "demo_review").await.status, 404);
    assert_eq!(top_up(&shop, &bob, "k", json!("demo_approved")).await.status, 201);
    let nothing = send(&shop, "PUT", "/v1/account/payment-method", &bob, json!({})).await;
    assert_eq!((nothing.status, nothing.at("/errors/0/field")), (400, "payment_method"));
    for path in ["/v1/payment-methods", "/v1/account"] {
        assert_eq!(shop.get(path, "").await.status, 401, "{path}");
    }
    shop.sound().await;
}

#[tokio::test]
async fn the_number_of_a_card_is_refused_and_not_shown_again() {
    let shop = Shop::open().await;
    let ada = shop.buyer("ada@example.com", 0).await;
    let number = "4242424242424242";
    let bodies = [
        json!({ "payment_method": number }),
        json!({ "payment_method": "4242 4242 4242 4242" }),
        json!({ "payment_method": 4_242_424_242_424_242_u64 }),
        json!({ "payment_method": { "number": number } }),
        json!({ number: "demo_approved" }),
        json!({ "payment_method": "demo_approved", "card": { "number": number } }),
    ];
    for body in bodies {
        for (method, path) in
            [("POST", "/v1/payment-methods"), ("PUT", "/v1/account/payment-method")]
        {
            let answer = send(&shop, method, path, &ada, body.clone()).await;
            assert_eq!(answer.status, 400, "{body}");
            assert!(!answer.json.to_string().contains("4242"), "{answer:?}");
        }
    }
    let answer = top_up(&shop, &ada, "k", json!(number)).await;
    assert_eq!((answer.status, answer.code()), (400, "invalid_field"));
    assert!(answer.at("/detail").contains("number of a card"), "{answer:?}");
    assert_eq!(names(&shop, &ada).await, Vec::<String>::new());
}

#[tokio::test]
async fn what_is_under_way_goes_on_with_a_card_that_was_removed() {
    let shop = Shop::open().await;
    let ada = shop.buyer("ada@example.com", 0).await;
    attach(&shop, &ada, "demo_review").await;
    let begun = top_up(&shop, &ada, "k1", Value::Null).await;
    assert_eq!(remove(&shop, &ada, "demo_review").await.status, 204);
    // In review: it is authorized already, and captured only once somebody has looked.
    shop.run_errands().await;
    assert_eq!(at_the_processor(&shop, &ada).await, ["demo_review"], "not detached yet");
    let again = attach(&shop, &ada, "demo_review").await;
    assert_eq!((again.status, again.code()), (409, "payment_method_removed"), "{again:?}");
    shop.sound().await;
    let id = begun.json["id"].as_str().unwrap();
    let decide = format!("/v1/admin/top-ups/{id}/decide");
    let word = json!({ "approve": true, "reason": "called" });
    assert_eq!(shop.post(&decide, &shop.admin, "", word).await.status, 200);
    shop.run_errands().await;
    let done = shop.get(&format!("/v1/top-ups/{id}"), &ada).await;
    assert_eq!(done.json["state"], "credited");
    shop.advance(Span::minutes(11)).await;
    shop.run_errands().await;
    assert_eq!(at_the_processor(&shop, &ada).await, Vec::<String>::new());
    assert_eq!(attach(&shop, &ada, "demo_review").await.status, 201, "anew");
    shop.sound().await;
}

/// A processor of which these answers are lost, in this order, and no others.
#[derive(Debug)]
struct Loses(Mutex<Vec<(Verb, Fate)>>);

impl Mishaps for Loses {
    fn call(&self, verb: Verb) -> Fate {
        let mut left = self.0.lock().unwrap();
        let place = left.iter().position(|(lost, _)| *lost == verb);
        place.map_or(Fate::Answered, |place| left.remove(place).1)
    }

    fn hook(&self) -> Vec<Span> {
        Vec::new()
    }
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again() {
    let lost = vec![
        (Verb::Customer, Fate::LostAfter),
        (Verb::Attach, Fate::LostBefore),
        (Verb::Attach, Fate::LostAfter),
        (Verb::Detach, Fate::LostAfter),
    ];
    let shop = Shop::open_amid(Loses(Mutex::new(lost))).await;
    let ada = shop.buyer("ada@example.com", 0).await;
    for _ in 0..3 {
        let busy = attach(&shop, &ada, "demo_approved").await;
        assert_eq!((busy.status, busy.code()), (503, "busy"));
        assert_eq!(names(&shop, &ada).await, Vec::<String>::new());
    }
    assert_eq!(attach(&shop, &ada, "demo_approved").await.status, 201);
    assert_eq!(at_the_processor(&shop, &ada).await, ["demo_approved"]);
    remove(&shop, &ada, "demo_approved").await;
    shop.run_errands().await;
    let refused = attach(&shop, &ada, "demo_approved").await;
    assert_eq!(
        refused.code(),
        "payment_method_removed",
        "nobody knows yet whether it is detached: {refused:?}"
    );
    shop.advance(Span::minutes(11)).await;
    shop.run_errands().await;
    assert_eq!(attach(&shop, &ada, "demo_approved").await.status, 201);
    shop.sound().await;
}

#[tokio::test]
async fn trying_many_cards_is_slowed_down() {
    let shop = Shop::open().await;
    let ada = shop.buyer("ada@example.com", 0).await;
    for number in 0..20 {
        let answer = attach(&shop, &ada, &format!("demo_stolen{number}")).await;
        assert_eq!((answer.status, answer.code()), (400, "invalid_field"));
    }
    let slowed = attach(&shop, &ada, "demo_approved").await;
    assert_eq!((slowed.status, slowed.code()), (429, "rate_limited"));
    assert!(slowed.header("retry-after").parse::<u32>().unwrap() > 0);
    shop.advance(Span::hours(1)).await;
    assert_eq!(attach(&shop, &ada, "demo_approved").await.status, 201);
}

#[tokio::test]
async fn two_at_once_keep_one_card_and_a_frozen_account_none() {
    let shop = Shop::open().await;
    let ada = shop.buyer("ada@example.com", 0).await;
    let both =
        tokio::join!(attach(&shop, &ada, "demo_approved"), attach(&shop, &ada, "demo_approved"));
    assert_eq!((both.0.status, both.1.status), (201, 201));
    assert_eq!(both.0.json, both.1.json);
    assert_eq!(names(&shop, &ada).await.len(), 1);
    // Changing what is known of the person leaves the card alone.
    let changed = send(&shop, "PATCH", "/v1/account", &ada, json!({ "name": "Ada" })).await;
    assert_eq!(changed.at("/payment_method"), "demo_approved");
    let account = shop.get("/v1/account", &ada).await.json["id"].as_str().unwrap().to_owned();
    shop.post(&format!("/v1/admin/accounts/{account}/freeze"), &shop.admin, "", Value::Null).await;
    let frozen = attach(&shop, &ada, "demo_review").await;
    assert_eq!((frozen.status, frozen.code()), (403, "account_frozen"));
    let customer = shop.processor.customer(account.parse().unwrap()).await.unwrap();
    let attached = shop.processor.payment_methods(&customer).await.unwrap();
    let attached: Vec<_> = attached.iter().map(|method| method.name.as_str()).collect();
    assert_eq!(attached, ["demo_approved"], "and the processor keeps none for it");
    assert_eq!(remove(&shop, &ada, "demo_approved").await.status, 204, "and yet it may go");
    shop.sound().await;
}

#[tokio::test]
async fn a_vendor_may_require_a_card_of_every_account() {
    let shop = Shop::open().await;
    let settings = json!({ "registration": ["payment_method"] });
    assert_eq!(send(&shop, "PATCH", "/v1/admin/settings", &shop.admin, settings).await.status, 200);
    let ada = shop.buyer("ada@example.com", 1000).await;
    let offer = shop.service("tuning", 250).await;
    let body = json!({ "lines": [{ "offer": offer }], "expected_total": { "amount": 250, "unit": "AUR" } });
    let buy = async |key: &str| shop.post("/v1/purchases", &ada, key, body.clone()).await;
    let incomplete = buy("k1").await;
    assert_eq!((incomplete.status, incomplete.code()), (403, "account_incomplete"));
    assert_eq!(incomplete.at("/errors/0/field"), "payment_method");
    attach(&shop, &ada, "demo_approved").await;
    assert_eq!(buy("k1").await.status, 201);
    remove(&shop, &ada, "demo_approved").await;
    assert_eq!(buy("k2").await.code(), "account_incomplete");
}

#[tokio::test]
async fn the_vendor_says_who_charges_cards() {
    let shop = Shop::open().await;
    let vendor = shop.get("/v1/vendor", "").await;
    let cards = json!({ "processor": "demo", "publishable_key": null });
    assert_eq!(vendor.json["cards"], cards);
}

#[tokio::test]
async fn a_person_answers_the_demos_bank() {
    let shop = Shop::open().await;
    let ada = shop.buyer("ada@example.com", 0).await;
    for (key, word, state) in [("k1", "approve", "credited"), ("k2", "refuse", "failed")] {
        let begun = top_up(&shop, &ada, key, json!("demo_action")).await;
        shop.run_errands().await;
        let path = format!("/v1/top-ups/{}", begun.at("/id"));
        let waiting = shop.get(&path, &ada).await;
        let url = waiting.at("/next_action/url").to_owned();
        let page = url.strip_prefix("http://shop.test").expect("a page of the shop");
        let html = shop.get(page, "").await;
        assert_eq!(html.status, 200, "{html:?}");
        assert!(html.header("content-security-policy").contains("form-action 'self'"));
        assert!(!html.header("content-security-policy").contains("unsafe"));
        let text = String::from_utf8(html.bytes.clone()).unwrap();
        assert!(text.contains("5.00 EUR") && !text.contains("<script"), "{text}");
        assert!(
            text.contains(&format!("<form class=\"choice\" method=\"post\" action=\"{page}\">"))
        );
        let post = async |word: &str| {
            let request = http::Request::builder().method("POST").uri(page);
            let request = request.header("content-type", "application/x-www-form-urlencoded");
            shop.raw(request.body(word.to_owned().into()).unwrap()).await
        };
        assert_eq!(post("answer=perhaps").await.status, 400);
        assert_eq!(post("").await.status, 400);
        for _ in 0..2 {
            let back = post(&format!("answer={word}")).await;
            assert_eq!((back.status, back.header("location")), (303, "http://shop.test/wallet"));
        }
        shop.run_errands().await;
        assert_eq!(shop.get(&path, &ada).await.at("/state"), state);
        let answered = shop.get(page, "").await;
        let text = String::from_utf8(answered.bytes.clone()).unwrap();
        assert!(text.contains("answered already") && !text.contains("<form"), "{text}");
    }
    assert_eq!(shop.get("/demo/bank/demo_nothing", "").await.status, 404);
    shop.sound().await;
}
