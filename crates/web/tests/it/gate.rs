//! The three flows, end to end, and hidden prices.

use scrip_domain::account::Field;
use scrip_domain::settings::{Flow, Settings, Threshold};
use scrip_domain::visibility::{Level, Visibility};
use scrip_domain::{Amount, Span};
use scrip_testkit::{Answer, Shop, settings};
use serde_json::{Value, json};

fn shop_settings(flow: Flow) -> Settings {
    Settings {
        flow,
        threshold: Threshold::Fixed { amount: Amount::new(500).unwrap() },
        ..settings()
    }
}

fn lines(offer: &str) -> Value {
    json!({ "lines": [{ "offer": offer }] })
}

fn fund(units: u64) -> Value {
    json!({ "tokens": { "amount": units, "unit": "AUR" }, "method": "demo" })
}

/// `register_first`: register, top up above the threshold, then select, confirm, receive.
#[tokio::test]
async fn register_first_opens_at_the_threshold() {
    let shop = Shop::open_with(shop_settings(Flow::RegisterFirst)).await;
    let offer = shop.service("tuning", 250).await;
    let stranger = shop.post("/v1/quotes", "", "", lines(&offer)).await;
    assert_eq!((stranger.status, stranger.code()), (401, "account_required"));
    let ada = shop.buyer("ada@example.com", 499).await;
    for path in ["/v1/quotes", "/v1/orders"] {
        let shut = shop.post(path, &ada, "k", lines(&offer)).await;
        assert_eq!((shut.status, shut.code()), (402, "balance_below_threshold"), "{path}");
        assert_eq!(
            (shut.at("/shortfall/display"), shut.at("/links/top_up")),
            ("0.01 AUR", "/v1/top-ups")
        );
    }
    let mut wrong = lines(&offer);
    wrong["expected_total"] = json!({ "amount": 1, "unit": "AUR" });
    let shut = shop.post("/v1/purchases", &ada, "p", wrong).await;
    assert_eq!((shut.status, shut.code()), (402, "balance_below_threshold"), "at whatever price");
    assert_eq!(shop.post("/v1/top-ups", &ada, "t", fund(1)).await.status, 201);
    assert_eq!(shop.post("/v1/quotes", &ada, "", lines(&offer)).await.status, 200);
    let draft = shop.post("/v1/orders", &ada, "k", lines(&offer)).await;
    assert_eq!(draft.json["checks"][1]["basis"], "threshold", "{draft:?}");
    let paid =
        shop.post(&format!("/v1/orders/{}/confirm", draft.at("/id")), &ada, "c", json!({})).await;
    assert_eq!((paid.status, paid.at("/state")), (200, "paid"));
}

/// `browse_first`: select, be asked for an account, register, go on with the kept selection.
#[tokio::test]
async fn browse_first_keeps_the_selection() {
    let shop = Shop::open_with(shop_settings(Flow::BrowseFirst)).await;
    let offer = shop.service("tuning", 250).await;
    let quote = shop.post("/v1/quotes", "", "", lines(&offer)).await;
    assert_eq!((quote.status, quote.json.get("balance")), (200, None));
    let stranger = shop.post("/v1/orders", "", "k", lines(&offer)).await;
    assert_eq!((stranger.status, stranger.code()), (401, "account_required"));
    assert_eq!(stranger.at("/links/register"), "/v1/accounts");
    let kept = json!({ "selection": stranger.at("/selection") });
    let ada = shop.buyer("ada@example.com", 249).await;
    let short = shop.post("/v1/orders", &ada, "k", kept).await;
    assert_eq!((short.status, short.code()), (402, "insufficient_balance"));
    let kept = json!({ "selection": short.at("/selection") });
    assert_eq!(shop.post("/v1/top-ups", &ada, "t", fund(1)).await.status, 201);
    let draft = shop.post("/v1/orders", &ada, "k", kept).await;
    assert_eq!((draft.status, draft.json["checks"][1]["basis"].as_str()), (201, Some("selection")));
    let forged = shop.post("/v1/orders", &ada, "f", json!({ "selection": "AAAA" })).await;
    assert_eq!((forged.status, forged.code()), (400, "invalid_field"));
}

/// A kept selection is good for a day; the order that was made of it is answered again for ever.
#[tokio::test]
async fn a_kept_selection_grows_old_and_its_order_does_not() {
    let shop = Shop::open_with(shop_settings(Flow::BrowseFirst)).await;
    let offer = shop.service("tuning", 250).await;
    let stranger = shop.post("/v1/orders", "", "k", lines(&offer)).await;
    let kept = json!({ "selection": stranger.at("/selection") });
    let ada = shop.buyer("ada@example.com", 1000).await;
    shop.advance(Span::hours(23)).await;
    let draft = shop.post("/v1/orders", &ada, "k", kept.clone()).await;
    assert_eq!(draft.status, 201, "{draft:?}");
    shop.advance(Span::hours(1)).await;
    let again = shop.post("/v1/orders", &ada, "k", kept.clone()).await;
    assert_eq!((again.status, again.header("idempotency-replayed")), (201, "true"));
    assert_eq!(again.json, draft.json);
    let late = shop.post("/v1/orders", &ada, "l", kept).await;
    assert_eq!((late.status, late.at("/errors/0/field")), (400, "selection"));
}

/// `members_only`: nothing is told before there is an account.
#[tokio::test]
async fn members_only_asks_for_an_account_first() {
    let shop = Shop::open_with(shop_settings(Flow::MembersOnly)).await;
    let offer = shop.service("tuning", 250).await;
    assert_eq!(shop.post("/v1/quotes", "", "", lines(&offer)).await.status, 401);
    let ada = shop.buyer("ada@example.com", 250).await;
    assert_eq!(
        shop.post("/v1/quotes", &ada, "", lines(&offer)).await.at("/remaining/display"),
        "0.00 AUR"
    );
    assert_eq!(shop.post("/v1/orders", &ada, "k", lines(&offer)).await.status, 201);
}

#[tokio::test]
async fn incomplete_and_frozen_accounts_learn_no_balance() {
    let mut settings = shop_settings(Flow::BrowseFirst);
    settings.registration = vec![Field::Name, Field::Phone];
    let shop = Shop::open_with(settings).await;
    let offer = shop.service("tuning", 250).await;
    let ada = shop.buyer("ada@example.com", 0).await;
    let incomplete = shop.post("/v1/orders", &ada, "k", lines(&offer)).await;
    assert_eq!((incomplete.status, incomplete.code()), (403, "account_incomplete"));
    assert_eq!(
        (incomplete.at("/errors/0/field"), incomplete.at("/errors/1/field")),
        ("name", "phone")
    );
    assert!(incomplete.json.get("balance").is_none() && incomplete.json.get("required").is_none());
    let figures = |answer: &Answer| {
        ["balance", "remaining", "shortfall"].map(|figure| answer.json.get(figure).is_some())
    };
    let quote = shop.post("/v1/quotes", &ada, "", lines(&offer)).await;
    assert_eq!((quote.at("/total/display"), figures(&quote)), ("2.50 AUR", [false; 3]));
    assert_eq!(
        shop.post("/v1/top-ups", &ada, "t", fund(900)).await.status,
        201,
        "top-ups stay open"
    );
    let authorization = format!("Bearer {ada}");
    let person = json!({ "name": "Ada", "phone": "+44 1" });
    let whole =
        shop.send("PATCH", "/v1/account", &[("authorization", &authorization)], person).await;
    assert_eq!(
        (whole.status, &whole.json["missing"], whole.at("/standing")),
        (200, &json!([]), "funded")
    );
    assert_eq!(shop.post("/v1/orders", &ada, "k", lines(&offer)).await.status, 201);

    let account = whole.at("/id");
    let freeze = format!("/v1/admin/accounts/{account}/freeze");
    assert_eq!(
        shop.post(&freeze, &shop.admin, "", Value::Null).await.at("/permits/reason"),
        "account_frozen"
    );
    let frozen = shop.post("/v1/orders", &ada, "k2", lines(&offer)).await;
    assert_eq!((frozen.status, frozen.code()), (403, "account_frozen"));
    assert!(frozen.json.get("balance").is_none());
    let quote = shop.post("/v1/quotes", &ada, "", lines(&offer)).await;
    assert_eq!((quote.at("/total/display"), figures(&quote)), ("2.50 AUR", [false; 3]));
    assert_eq!(shop.post(&freeze, &ada, "", Value::Null).await.code(), "forbidden");
}

/// Who may not see a price gets no arithmetic on it.
#[tokio::test]
async fn a_hidden_price_is_not_found_by_arithmetic() {
    let mut settings = shop_settings(Flow::BrowseFirst);
    settings.visibility = Visibility { price: Some(Level::Funded), ..Visibility::default() };
    let shop = Shop::open_with(settings).await;
    let offer = shop.service("tuning", 250).await;
    let stranger = shop.post("/v1/quotes", "", "", lines(&offer)).await;
    let ada = shop.buyer("ada@example.com", 499).await;
    let member = shop.post("/v1/quotes", &ada, "", lines(&offer)).await;
    let order = shop.post("/v1/orders", &ada, "k", lines(&offer)).await;
    for guess in [249, 250, 251] {
        let body = json!({ "lines": [{ "offer": offer }], "expected_total": { "amount": guess, "unit": "AUR" } });
        let probe = shop.post("/v1/purchases", &ada, "p", body).await;
        assert_eq!((probe.status, probe.code()), (402, "balance_below_threshold"), "{guess}");
        assert!(probe.json.get("shortfall").is_none());
    }
    for (answer, status) in [(&stranger, 401), (&member, 402), (&order, 402)] {
        assert_eq!(answer.status, status);
        assert_eq!(answer.at("/hidden/0/needs"), "funded");
        for figure in ["total", "shortfall", "required", "balance"] {
            assert!(answer.json.get(figure).is_none(), "{figure}: {answer:?}");
        }
    }
    assert_eq!(shop.post("/v1/top-ups", &ada, "t", fund(1)).await.status, 201);
    assert_eq!(
        shop.post("/v1/quotes", &ada, "", lines(&offer)).await.at("/total/display"),
        "2.50 AUR"
    );
}

/// A product of its own visibility, with one offer; gives the offer's id.
async fn hiding(shop: &Shop, slug: &str, price: u64, visibility: Value) -> String {
    let offer = shop.service(slug, price).await;
    let body = json!({ "kind": "service", "title": slug, "visibility": visibility });
    let authorization = format!("Bearer {}", shop.admin);
    let path = format!("/v1/admin/products/{slug}");
    let put = shop.send("PUT", &path, &[("authorization", &authorization)], body).await;
    assert_eq!(put.status, 200, "{put:?}");
    offer
}

/// Which line is refused, and how, tells nothing of the prices in the others.
#[tokio::test]
async fn the_order_of_refusals_tells_no_hidden_price() {
    let shop = Shop::open_with(shop_settings(Flow::BrowseFirst)).await;
    let covered = hiding(&shop, "covered", 1, json!({ "price": "covered" })).await;
    for (slug, hides, price) in [("dear", "price", 250), ("secret", "product", 250)] {
        let hidden = hiding(&shop, slug, price, json!({ hides: "funded" })).await;
        let mut told = Vec::new();
        for balance in [250, 251] {
            let ada = shop.buyer(&format!("{slug}-{balance}@example.com"), balance).await;
            let lines = json!([{ "offer": covered }, { "offer": hidden }]);
            for path in ["/v1/quotes", "/v1/orders", "/v1/purchases"] {
                let mut body = json!({ "lines": lines });
                if path == "/v1/purchases" {
                    body["expected_total"] = json!({ "amount": 1, "unit": "AUR" });
                }
                let mut answer = shop.post(path, &ada, "k", body).await;
                assert!(answer.status >= 400, "{path}: {answer:?}");
                for own in ["request_id", "selection"] {
                    answer.json.as_object_mut().unwrap().remove(own);
                }
                told.push((path, answer.json));
            }
        }
        let (less, more) = told.split_at(3);
        assert_eq!(less, more, "a balance of 250 and of 251 hear the same of {slug}");
    }
}

/// An offer of a product that is hidden is told from one that does not exist by nobody.
#[tokio::test]
async fn a_hidden_product_is_like_none() {
    for flow in [Flow::RegisterFirst, Flow::BrowseFirst, Flow::MembersOnly] {
        let mut settings = shop_settings(flow);
        settings.registration = vec![Field::Name];
        let shop = Shop::open_with(settings).await;
        let hidden = hiding(&shop, "secret", 250, json!({ "product": "funded" })).await;
        let incomplete = shop.buyer("incomplete@example.com", 0).await;
        let member = shop.buyer("member@example.com", 0).await;
        let authorization = format!("Bearer {member}");
        let name = json!({ "name": "Ada" });
        shop.send("PATCH", "/v1/account", &[("authorization", &authorization)], name).await;
        for (who, bearer) in [("visitor", ""), ("incomplete", &incomplete), ("member", &member)] {
            for path in ["/v1/quotes", "/v1/orders", "/v1/purchases"] {
                let told = async |offer: &str| {
                    let mut body = lines(offer);
                    if path == "/v1/purchases" {
                        body["expected_total"] = json!({ "amount": 250, "unit": "AUR" });
                    }
                    let mut answer = shop.post(path, bearer, "k", body).await;
                    for own in ["request_id", "selection"] {
                        answer.json.as_object_mut().unwrap().remove(own);
                    }
                    answer.json
                };
                let (there, nowhere) = (told(&hidden).await, told("ofr_0000000000009").await);
                assert_eq!(there, nowhere, "{flow}: {who}, {path}");
            }
        }
    }
}
