//! What can be added where tokens are missing: exactly that, or what the vendor's limits make of it, and why.

use scrip_domain::Amount;
use scrip_domain::sale::Limits;
use scrip_testkit::{Browser, Shop, settings};
use serde_json::{Value, json};

/// A shop in which 5 to 50 tokens can be added at once.
async fn limited() -> Shop {
    let mut settings = settings();
    settings.top_up_limits = Limits { min: Amount::new(500), max: Amount::new(5000) };
    Shop::open_with(settings).await
}

/// What is missing, what can be added, and what makes that another sum.
fn figures(json: &Value) -> [&Value; 3] {
    let top_up = &json["top_up"];
    [&json["shortfall"]["display"], &top_up["tokens"]["display"], &top_up["limited_by"]]
}

#[tokio::test]
async fn programs_are_told_what_is_missing_and_what_can_be_added() {
    let shop = limited().await;
    let ada = shop.buyer("ada@example.com", 100).await;
    for (slug, price, expected) in [
        ("cheap", 350, json!(["2.50 AUR", "5.00 AUR", "min"])),
        ("fair", 600, json!(["5.00 AUR", "5.00 AUR", null])),
        ("dear", 9000, json!(["89.00 AUR", "50.00 AUR", "max"])),
    ] {
        shop.service(slug, price).await;
        let product = shop.get(&format!("/v1/products/{slug}"), &ada).await;
        assert_eq!(json!(figures(&product.json["payment"])), expected, "{product:?}");
        let lines = json!({ "lines": [{ "offer": product.at("/offers/0/id") }] });
        let quote = shop.post("/v1/quotes", &ada, "", lines.clone()).await;
        assert_eq!(json!(figures(&quote.json)), expected, "{quote:?}");
        let order = shop.post("/v1/orders", &ada, slug, lines).await;
        assert_eq!((order.status, json!(figures(&order.json))), (402, expected), "{order:?}");
        // What is suggested is taken.
        let tokens = &order.json["top_up"]["tokens"];
        let body = json!({ "tokens": tokens, "method": "demo", "payment_method": "demo_declined" });
        let top_up = shop.post("/v1/top-ups", &ada, &format!("add-{slug}"), body).await;
        assert_eq!(top_up.code(), "credit_declined", "no limit refuses it");
    }
}

#[tokio::test]
async fn pages_say_what_is_missing_and_offer_what_can_be_added() {
    let shop = limited().await;
    shop.service("cheap", 350).await;
    shop.service("dear", 9000).await;
    shop.buyer("ada@example.com", 100).await;
    let mut browser = Browser::on(&shop);
    browser.send("/sign-in", &[("email", "ada@example.com"), ("password", "correct horse")]).await;
    for (slug, missing, once, word) in
        [("cheap", "2.50", "5.00", "no less than"), ("dear", "89.00", "50.00", "no more than")]
    {
        let page = browser.open(&format!("/products/{slug}")).await;
        let why = format!("{missing} AUR are missing, and {word} {once} AUR can be added at once");
        for said in [&*why, &format!("Add {once} AUR"), &format!("?tokens={missing}&amp;")] {
            assert!(page.html.contains(said), "{said}: {}", page.html);
        }
        assert!(!page.html.contains("Top up exactly"), "{}", page.html);
        let page = browser.open(&format!("/wallet/top-up?tokens={missing}&next=%2Fcart")).await;
        let need = format!("You need <strong>{missing} AUR</strong> more for what you want.");
        for said in [&*need, &*why] {
            assert!(page.html.contains(said), "{said}: {}", page.html);
        }
        assert_eq!(page.input("missing"), missing);
        assert!(page.html.contains(&format!("value=\"{once}\"")), "{}", page.html);
    }
}
