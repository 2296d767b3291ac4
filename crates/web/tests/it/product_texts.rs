//! Products in the reader's language: on every surface, within what each may see, and in no cache that is another's.

use scrip_domain::language::Language;
use scrip_domain::staff::StaffRole;
use scrip_engine::Staff;
use scrip_testkit::{Answer, Browser, Shop};
use serde_json::{Value, json};

use crate::desk::{clerk, says, silent};

async fn staff(shop: &Shop, method: &str, path: &str, body: Value) -> Answer {
    let key = format!("Bearer {}", shop.admin);
    let headers = [("authorization", key.as_str())];
    shop.send(method, &format!("/v1/admin/{path}"), &headers, body).await
}

/// A published product with these fields and one offer.
async fn enter(shop: &Shop, slug: &str, fields: Value) -> String {
    let mut body = json!({ "kind": "service", "title": format!("The {slug}") });
    body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    assert_eq!(staff(shop, "PUT", &format!("products/{slug}"), body).await.status, 201);
    let price = json!({ "amount": 250, "unit": "AUR" });
    let body = json!({ "price": price, "terms": { "kind": "perpetual" } });
    let offer = staff(shop, "PUT", &format!("products/{slug}/offers/standard"), body).await;
    staff(shop, "POST", &format!("products/{slug}/publish"), Value::Null).await;
    offer.at("/id").to_owned()
}

fn recorder() -> Value {
    json!({
        "title": "Field recorder", "summary": "Records.", "description": "It **records**.",
        "categories": ["Sound"], "tags": ["field", "wav"], "instructions": "Call us.",
        "texts": { "de": {
            "title": "Feldrekorder", "description": "Er *nimmt* <b>auf</b>.", "categories": ["Klang"],
            "tags": ["Feld", "WAV-Datei"], "instructions": "Rufen Sie uns an.",
        } },
    })
}

/// What a visitor who reads `language` is answered.
async fn asked(shop: &Shop, path: &str, language: &str) -> Answer {
    shop.send("GET", path, &[("accept-language", language)], Value::Null).await
}

#[tokio::test]
async fn a_german_reader_sees_german_goods_all_the_way() {
    let shop = Shop::open().await;
    let offer = enter(&shop, "recorder", recorder()).await;
    enter(&shop, "lamp", json!({ "categories": ["Light"] })).await;
    let mut english = Browser::on(&shop).reading("en");
    let mut german = Browser::on(&shop).reading("de-AT");

    // In this order, so that what the first leaves behind is in the second's way.
    for path in ["/", "/products", "/products?q=feldrek", "/products?q=recorder"] {
        let page = english.open(path).await;
        says(&page.html, &["<bdi>Field recorder</bdi>"]);
        silent(&page.html, &["Feldrekorder", "Klang"]);
        let page = german.open(path).await;
        says(&page.html, &["<bdi>Feldrekorder</bdi>", "<bdi>Records.</bdi>"]);
        silent(&page.html, &["Field recorder"]);
    }
    let shelf = german.open("/products?category=Sound").await;
    says(
        &shelf.html,
        &["<h1><bdi>Klang</bdi></h1>", "?category=Light\"", "<bdi>Feldrekorder</bdi>"],
    );
    says(&shelf.html, &["?category=Sound&amp;tag=field\"><bdi>Feld</bdi>"]);
    let tagged = german.open("/products?tag=wav").await;
    says(&tagged.html, &["<h1><bdi>WAV-Datei</bdi></h1>", "<bdi>Feldrekorder</bdi>"]);

    let page = german.open("/products/recorder").await;
    says(
        &page.html,
        &[
            "<title>Feldrekorder · ",
            "<h1><bdi>Feldrekorder</bdi></h1>",
            "<p>Er <em>nimmt</em> &lt;b&gt;auf&lt;/b&gt;.</p>",
            "href=\"/products?category=Sound\"><bdi>Klang</bdi>",
            "href=\"/products?tag=field\"><bdi>Feld</bdi>",
            "property=\"og:title\" content=\"Feldrekorder\"",
        ],
    );
    silent(&page.html, &["Rufen Sie"]);
    says(&english.open("/products/recorder").await.html, &["<strong>records</strong>"]);

    let feed = asked(&shop, "/feed.xml", "de").await;
    says(&String::from_utf8(feed.bytes.clone()).unwrap(), &["<title>Feldrekorder</title>"]);
    assert!(feed.header("vary").contains("Accept-Language"), "{feed:?}");

    shop.buyer("ada@example.com", 1000).await;
    let form = [("email", "ada@example.com"), ("password", "correct horse")];
    assert_eq!(german.send("/sign-in", &form).await.status, 303);
    german.send("/cart", &[("offer", &offer), ("quantity", "1")]).await;
    let cart = german.open("/cart").await;
    says(&cart.html, &["Feldrekorder"]);
    let key = cart.input("key").to_owned();
    let checkout = german.send("/checkout", &[("key", &key)]).await.location().to_owned();
    says(&german.open(&checkout).await.html, &["<bdi>Feldrekorder</bdi>"]);
    let order = german.send(&checkout, &[]).await.location().to_owned();
    let page = german.open(&order).await;
    says(&page.html, &["<bdi>Feldrekorder</bdi>", "Rufen Sie uns an."]);
    says(&german.open("/orders").await.html, &["<bdi>Feldrekorder</bdi>"]);
    // A document says what the order says.
    says(&german.open(&format!("{order}/receipt")).await.html, &["<bdi>Field recorder</bdi>"]);
    for path in ["/library", "/library?q=feldrek", "/library?q=field"] {
        says(&german.open(path).await.html, &["<bdi>Feldrekorder</bdi>"]);
    }

    // A letter to a German account too.
    german.send("/language", &[("language", "de"), ("next", "/")]).await;
    let letters = shop.run_mail().await;
    let paid = letters.iter().find(|letter| letter.words.text.contains("Feldrekorder"));
    assert!(paid.is_some(), "{letters:?}");

    // What is called otherwise by now, the order still calls as it was.
    let mut renamed = recorder();
    (renamed["title"], renamed["kind"]) = (json!("Recorder"), json!("service"));
    assert_eq!(staff(&shop, "PUT", "products/recorder", renamed).await.status, 200);
    says(&german.open("/orders").await.html, &["<bdi>Field recorder</bdi>"]);
    says(&german.open("/library").await.html, &["<bdi>Feldrekorder</bdi>"]);
}

#[tokio::test]
async fn the_api_answers_in_the_language_that_is_asked_for_and_says_so() {
    let shop = Shop::open().await;
    enter(&shop, "recorder", recorder()).await;
    enter(&shop, "lamp", json!({})).await;
    let mut tags = Vec::new();
    for (language, title, spoken) in [
        ("en", "Field recorder", "en"),
        ("de", "Feldrekorder", "de"),
        ("fr", "Field recorder", "en"),
    ] {
        let answer = asked(&shop, "/v1/products/recorder", language).await;
        assert_eq!((answer.at("/title"), answer.header("content-language")), (title, spoken));
        assert_eq!(answer.json["categories"], json!(["Sound"]), "what the filter takes");
        let vary = answer.header("vary").to_owned();
        assert!(vary.contains("Accept-Language"), "{vary}");
        tags.push(answer.header("etag").to_owned());
        let list = asked(&shop, "/v1/products?q=feldrek", language).await;
        assert_eq!((list.at("/data/0/title"), list.header("content-language")), (title, spoken));
    }
    assert_eq!(tags[0], tags[2]);
    assert_ne!(tags[0], tags[1]);
    // What was kept of one language is not taken for the other.
    let headers = [("accept-language", "de"), ("if-none-match", tags[0].as_str())];
    let answer = shop.send("GET", "/v1/products/recorder", &headers, Value::Null).await;
    assert_eq!((answer.status, answer.at("/title")), (200, "Feldrekorder"));
    let headers = [("accept-language", "de"), ("if-none-match", tags[1].as_str())];
    assert_eq!(shop.send("GET", "/v1/products/recorder", &headers, Value::Null).await.status, 304);

    // A list that says some of it in the one and some in the other; and whoever is first, first pages are apart.
    for (language, titles, spoken) in [
        ("de", ["The lamp", "Feldrekorder"], "en, de"),
        ("en", ["The lamp", "Field recorder"], "en"),
        ("de", ["The lamp", "Feldrekorder"], "en, de"),
    ] {
        let list = asked(&shop, "/v1/products", language).await;
        assert_eq!([list.at("/data/0/title"), list.at("/data/1/title")], titles);
        assert_eq!(list.header("content-language"), spoken);
    }
    // By the vendor's titles, in every language.
    let list = asked(&shop, "/v1/products?sort=title", "de").await;
    assert_eq!(list.at("/data/0/title"), "Feldrekorder");

    // A cursor is good in every language.
    let first = asked(&shop, "/v1/products?limit=1", "en").await;
    let next = format!("/v1/products?limit=1&after={}", first.at("/next"));
    assert_eq!(asked(&shop, &next, "de").await.at("/data/0/title"), "Feldrekorder");
    // No staff, no other language than the one that is read.
    assert!(!String::from_utf8_lossy(&first.bytes).contains("texts"));
}

/// Words of what a visitor may not read.
const SECRET: [&str; 3] = ["Beschreibungsmarke", "Descriptionmark", "Geheimmarke"];

#[tokio::test]
async fn what_is_hidden_is_hidden_in_every_language() {
    let shop = Shop::open().await;
    let hidden = |group: &str| {
        json!({
            "description": "Descriptionmark", "categories": ["Shelfmark"], "visibility": { group: "member" },
            "texts": { "de": {
                "title": "Titelmarke", "summary": "Kurzmarke", "description": "Beschreibungsmarke",
                "categories": ["Regalmarke"], "instructions": "Geheimmarke",
            } },
        })
    };
    enter(&shop, "half", hidden("description")).await;
    let mut visitor = Browser::on(&shop).reading("de");
    for path in ["/", "/products", "/products/half", "/feed.xml", "/sitemap.xml"] {
        silent(&visitor.open(path).await.html, &SECRET);
    }
    for path in ["/v1/products", "/v1/products/half", "/v1/products?sort=title"] {
        let answer = asked(&shop, path, "de").await;
        silent(&String::from_utf8(answer.bytes.clone()).unwrap(), &SECRET);
    }
    let answer = asked(&shop, "/v1/products/half", "de").await;
    assert_eq!(answer.at("/title"), "Titelmarke");
    assert_eq!(answer.at("/hidden/0/fields/0"), "description");
    // A word that is hidden finds nothing, in no language and for nobody who may not read it.
    let member = shop.buyer("ada@example.com", 1000).await;
    for (word, visitors) in
        [("beschreibungsmarke", 0), ("descriptionmark", 0), ("titelmarke", 1), ("regalmarke", 1)]
    {
        for language in ["de", "en"] {
            let found = asked(&shop, &format!("/v1/products?q={word}"), language).await;
            assert_eq!(found.json["data"].as_array().unwrap().len(), visitors, "{word}");
        }
        let found = shop.get(&format!("/v1/products?q={word}"), &member).await;
        assert_eq!(found.json["data"].as_array().unwrap().len(), 1, "{word}");
    }
    // Instructions are for buyers: no search knows them.
    let found = shop.get("/v1/products?q=geheimmarke", &member).await;
    assert_eq!(found.json["data"], json!([]));

    // What is hidden whole has no title, and no shelf, in German either.
    let gone = staff(&shop, "PUT", "products/half", {
        let mut body = hidden("product");
        body["kind"] = json!("service");
        body["title"] = json!("The half");
        body
    });
    assert_eq!(gone.await.status, 200);
    for path in
        ["/", "/products", "/products?q=titelmarke", "/products?category=shelfmark", "/feed.xml"]
    {
        silent(
            &visitor.open(path).await.html,
            &["Titelmarke\"", ">Titelmarke", "Kurzmarke", "Regalmarke"],
        );
    }
    assert_eq!(asked(&shop, "/v1/products/half", "de").await.status, 404);
}

#[tokio::test]
async fn texts_have_bounds_and_their_own_fields() {
    let shop = Shop::open().await;
    let body = |texts: Value| json!({ "kind": "service", "title": "T", "categories": ["A"], "texts": texts });
    for (texts, field) in [
        (json!({ "de": { "title": "x".repeat(201) } }), "texts.de.title"),
        (json!({ "de": { "title": "a\u{7}b" } }), "texts.de.title"),
        (json!({ "de": { "summary": "a\nb" } }), "texts.de.summary"),
        (json!({ "de": { "description": "a\u{0}" } }), "texts.de.description"),
        (json!({ "de": { "instructions": "x".repeat(20_001) } }), "texts.de.instructions"),
        (json!({ "de": { "categories": ["A", "B"] } }), "texts.de.categories"),
        (json!({ "de": { "categories": [" "] } }), "texts.de.categories[0]"),
        (json!({ "de": { "tags": ["B"] } }), "texts.de.tags"),
        (json!({ "de": { "slug": "x" } }), "texts.de.slug"),
        (json!({ "fr": { "title": "x" } }), "texts.fr"),
        (json!({ "en": { "title": "x" } }), "texts.en"),
    ] {
        let answer = staff(&shop, "PUT", "products/tool", body(texts.clone())).await;
        assert_eq!(answer.status, 400, "{texts}: {answer:?}");
        assert_eq!(answer.at("/errors/0/field"), field, "{texts}");
    }
    let texts = json!({ "de": { "title": " Werkzeug ", "categories": ["Ä"] } });
    let answer = staff(&shop, "PUT", "products/tool", body(texts)).await;
    let kept = json!({ "de": { "title": "Werkzeug", "categories": ["Ä"] } });
    assert_eq!((answer.status, &answer.json["texts"]), (201, &kept));
    // What says nothing is nothing; what is put whole without texts has none.
    let answer = staff(&shop, "PUT", "products/tool", body(json!({ "de": {} }))).await;
    assert_eq!(answer.json["texts"], json!({}));

    // A vendor who speaks German by now keeps what there is, and enters no more of it.
    let texts = json!({ "de": { "title": "Werkzeug" } });
    staff(&shop, "PUT", "products/tool", body(texts.clone())).await;
    let mut settings = shop.app.engine.vendor().await.unwrap().settings.clone();
    settings.look.language = Language::German;
    shop.app.engine.put_settings(Staff::OPERATOR, settings).await.unwrap().unwrap();
    assert_eq!(staff(&shop, "PUT", "products/tool", body(texts)).await.status, 200);
    let texts = json!({ "de": { "title": "Anderes" } });
    let answer = staff(&shop, "PUT", "products/tool", body(texts)).await;
    assert_eq!((answer.status, answer.at("/errors/0/field")), (400, "texts.de"));
    let texts = json!({ "en": { "title": "Tool" } });
    assert_eq!(staff(&shop, "PUT", "products/tool", body(texts)).await.status, 200);
}

#[tokio::test]
async fn texts_are_entered_at_the_console() {
    let shop = Shop::open().await;
    let mut browser = clerk(&shop, StaffRole::Catalogue).await;
    let page = browser.open("/admin/new-product").await;
    says(&page.html, &["Texts in another language: <span lang=\"de\">Deutsch</span>"]);
    says(&page.html, &["name=\"texts.de.title\"", "name=\"texts.de.description\""]);
    silent(&page.html, &["texts.en"]);
    let form = |title| {
        [
            ("title", "Tool"),
            ("kind", "service"),
            ("categories", "Sound, Tools"),
            ("texts.de.title", title),
            ("texts.de.categories", "Klang, Werkzeug"),
            ("texts.de.description", "Ein *Werkzeug*."),
        ]
    };
    let long = "x".repeat(201);
    let page = browser.send("/admin/new-product", &form(&long)).await;
    assert_eq!(page.status, 400);
    says(&page.html, &["<details open>", "id=\"texts.de.title-error\"", "Klang, Werkzeug"]);
    assert_eq!(browser.send("/admin/new-product", &form("Werkzeug")).await.status, 303);
    let product = shop.app.engine.store().product_by_slug("tool").await.unwrap().unwrap();
    assert_eq!(product.title_in(Language::German), "Werkzeug");
    assert_eq!(product.labels_in(Language::German).categories, ["Klang", "Werkzeug"]);
    let page = browser.open("/admin/products/tool/edit").await;
    says(
        &page.html,
        &["value=\"Klang, Werkzeug\"", "Ein *Werkzeug*.", "<details>", "(there are some)"],
    );
    let page = browser.open("/admin/products/tool").await;
    says(&page.html, &["<dt>Also in</dt><dd><span lang=\"de\">Deutsch</span>"]);
    let mut changed = form("Werkzeug").to_vec();
    changed.retain(|(name, _)| *name != "texts.de.description");
    assert_eq!(browser.send("/admin/products/tool/edit", &changed).await.status, 303);
    let product = shop.app.engine.store().product_by_slug("tool").await.unwrap().unwrap();
    assert_eq!(product.description_in(Language::German), "");
}
