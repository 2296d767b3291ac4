//! The shop's pages: the front page, the list, a product, what is hidden, pictures, the vendor's look, its terms.

#![expect(clippy::too_many_lines, reason = "a way through several pages is told in one piece")]

use scrip_domain::account::Field;
use scrip_domain::role::{Role, Roles};
use scrip_domain::settings::{Flow, Settings, Threshold};
use scrip_domain::visibility::{Level, Visibility};
use scrip_domain::{Amount, Span};
use scrip_engine::Staff;
use scrip_testkit::{Browser, Place, Shop, settings};
use serde_json::{Value, json};

use crate::desk::{says, silent};
use crate::goods::{hex, upload};

/// Not a picture, but nobody looks inside.
const PICTURE: &[u8] = b"\x89PNG of a recorder";

async fn staff(shop: &Shop, method: &str, path: &str, body: Value) -> scrip_testkit::Answer {
    let key = format!("Bearer {}", shop.admin);
    let headers = [("authorization", key.as_str())];
    let answer = shop.send(method, &format!("/v1/admin/{path}"), &headers, body).await;
    assert!(answer.status < 300, "{method} {path}: {answer:?}");
    answer
}

/// A published product with these fields, and offers at these prices.
async fn enter(shop: &Shop, slug: &str, fields: Value, prices: &[u64]) -> Vec<String> {
    let mut body = json!({ "kind": "service", "title": format!("The {slug}") });
    body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    staff(shop, "PUT", &format!("products/{slug}"), body).await;
    let mut offers = Vec::new();
    for (place, price) in prices.iter().enumerate() {
        let terms = if place == 0 {
            json!({ "kind": "perpetual" })
        } else {
            json!({ "kind": "uses", "count": place })
        };
        let price = json!({ "amount": price, "unit": "AUR" });
        let limits = json!({ "machines": place + 1 });
        let body = json!({ "price": price, "terms": terms, "limits": limits });
        let offer = staff(shop, "PUT", &format!("products/{slug}/offers/o{place}"), body).await;
        offers.push(offer.at("/id").to_owned());
    }
    staff(shop, "POST", &format!("products/{slug}/publish"), Value::Null).await;
    offers
}

async fn change(shop: &Shop, change: impl FnOnce(&mut Settings)) {
    let mut settings = shop.app.engine.vendor().await.unwrap().settings.clone();
    change(&mut settings);
    shop.app.engine.put_settings(Staff::OPERATOR, settings).await.unwrap().unwrap();
}

async fn registered<'s>(shop: &'s Shop, email: &str) -> Browser<'s> {
    let mut browser = Browser::on(shop);
    let page = browser.send("/register", &[("email", email), ("password", "correct horse")]).await;
    assert_eq!(page.status, 303, "{}", page.html);
    browser
}

/// A browser in which somebody is signed in who can spend so much.
async fn with_funds<'s>(shop: &'s Shop, email: &str, tokens: u64) -> Browser<'s> {
    shop.buyer(email, tokens).await;
    let mut browser = Browser::on(shop);
    let page = browser.send("/sign-in", &[("email", email), ("password", "correct horse")]).await;
    assert_eq!(page.status, 303, "{}", page.html);
    browser
}

fn hiding(visibility: Visibility) -> Settings {
    Settings { visibility, ..settings() }
}

/// The script asks for what a visitor sees, and the page lets it ask nobody else.
#[tokio::test]
async fn a_search_offers_titles_by_a_script_of_ours() {
    let shop = Shop::open_with(hiding(Visibility {
        product: Some(Level::Member),
        ..Visibility::default()
    }))
    .await;
    shop.service("tuning", 250).await;
    let mut ada = with_funds(&shop, "ada@example.com", 500).await;
    let page = ada.open("/products").await;
    says(
        &page.html,
        &["list=\"suggested\"", "<datalist id=\"suggested\">", "<script src=\"/suggest.js?"],
    );
    silent(&page.html, &["<script>", "onclick", "style="]);
    let policy = page.answer.header("content-security-policy");
    says(policy, &["script-src 'self'; connect-src 'self'", "form-action 'self'"]);
    silent(policy, &["unsafe", "http"]);
    let script = shop.get("/suggest.js", "").await;
    assert_eq!(script.header("content-type"), "text/javascript; charset=utf-8");
    let text = String::from_utf8(script.bytes.clone()).unwrap();
    says(&text, &["/v1/products?", "credentials: \"omit\""]);
    let seen = shop.get("/v1/products?q=tuning&limit=5", "").await;
    assert_eq!(seen.json["data"], json!([]), "what a visitor may not see is offered to nobody");
}

#[tokio::test]
async fn the_front_page_shows_what_is_new_and_how_buying_works() {
    let shop = Shop::open().await;
    let page = Browser::on(&shop).open("/").await;
    assert_eq!(page.status, 200);
    says(&page.html, &["<h1><bdi>Aurora Instruments</bdi></h1>", "Nothing here yet"]);
    for number in 0..9 {
        let labels = json!({ "categories": [if number % 2 == 0 { "Sound" } else { "Text" }] });
        let prices: &[u64] = if number == 8 { &[250, 400] } else { &[250] };
        enter(&shop, &format!("tool-{number}"), labels, prices).await;
    }
    let page = Browser::on(&shop).open("/").await;
    says(
        &page.html,
        &[
            "href=\"/products/tool-8\"",
            "href=\"/products/tool-1\"",
            "<p class=\"from\">from <span class=\"price\">2.50 AUR <small>≈ 2.50 EUR</small>",
            "<p class=\"from\"><span class=\"price\">2.50 AUR <small>≈ 2.50 EUR</small>",
            "href=\"/products?category=Sound\"",
            "href=\"/products\">All products",
            "action=\"/products\"",
            "How buying works",
            "href=\"/register?next=%2F\"",
        ],
    );
    silent(&page.html, &["/products/tool-0\"", "<script", "style="]);
    assert_eq!(page.html.matches("<h1").count(), 1);
    let mut member = registered(&shop, "ada@example.com").await;
    silent(&member.open("/").await.html, &["href=\"/register"]);
}

#[tokio::test]
async fn each_flow_says_what_comes_first() {
    let shop = Shop::open().await;
    enter(&shop, "tool", json!({}), &[250]).await;
    let mut visitor = Browser::on(&shop);
    says(&visitor.open("/").await.html, &["open an account when you pay"]);

    change(&shop, |all| all.flow = Flow::RegisterFirst).await;
    let page = visitor.open("/").await;
    says(
        &page.html,
        &["Ordering opens with 2.50 AUR in your wallet", "href=\"/register?next=%2F\""],
    );
    let page = visitor.open("/products/tool").await;
    says(&page.html, &["You can order here once your wallet holds 2.50 AUR", "value=\"cart\""]);
    says(&page.html, &["href=\"/register?next=%2Fproducts%2Ftool\""]);
    silent(&page.html, &["value=\"checkout\""]);
    let mut ada = with_funds(&shop, "ada@example.com", 249).await;
    let exactly = "/wallet/top-up?tokens=0.01&amp;next=%2Fproducts%2Ftool";
    says(&ada.open("/products/tool").await.html, &[exactly, "Top up exactly 0.01 AUR"]);
    says(&ada.open("/").await.html, &["/wallet/top-up?tokens=0.01&amp;next=%2F\""]);
    let mut bob = with_funds(&shop, "bob@example.com", 250).await;
    let page = bob.open("/products/tool").await;
    says(&page.html, &["value=\"checkout\"", "value=\"cart\""]);
    silent(&page.html, &["You can order here once"]);

    change(&shop, |all| all.flow = Flow::MembersOnly).await;
    let page = visitor.open("/").await;
    says(&page.html, &["The products are shown to members.", "href=\"/register?next=%2F\""]);
    silent(&page.html, &["/products/tool"]);
    for (path, next) in
        [("/products?q=tool", "%2Fproducts%3Fq%3Dtool"), ("/products/tool", "%2Fproducts%2Ftool")]
    {
        let page = visitor.open(path).await;
        assert_eq!(page.status, 401, "{path}");
        says(&page.html, &["For members", &format!("href=\"/register?next={next}\"")]);
        silent(&page.html, &["The tool"]);
        assert_eq!(page.answer.header("cache-control"), "no-store");
    }
    says(&bob.open("/products").await.html, &["The tool"]);
}

#[tokio::test]
async fn a_list_keeps_what_was_chosen_and_goes_on() {
    let shop = Shop::open().await;
    for number in 0..26 {
        let category = if number == 3 { "Éditions" } else { "Sound" };
        let fields = json!({
            "title": format!("Tool {number:02}"), "categories": [category], "tags": ["field", "a<b"],
        });
        enter(&shop, &format!("tool-{number}"), fields, &[100 + number]).await;
    }
    let mut visitor = Browser::on(&shop);
    let page = visitor.open("/products?sort=title").await;
    says(
        &page.html,
        &[
            "Tool 00",
            "Tool 23",
            ">More</a>",
            "href=\"/products?tag=field&amp;sort=title\"",
            "a&lt;b",
        ],
    );
    says(&page.html, &["<a href=\"/products?sort=title\" aria-current=\"true\">Title</a>"]);
    silent(&page.html, &["Tool 24", "a<b"]);
    let more = page.html.split("rel=\"next\" href=\"").nth(1).unwrap().split('"').next().unwrap();
    let page = visitor.open(&more.replace("&amp;", "&")).await;
    says(&page.html, &["Tool 24", "Tool 25", "<meta name=\"robots\" content=\"noindex\">"]);
    silent(&page.html, &["Tool 23", ">More</a>"]);

    let page = visitor.open("/products?category=editions&q=tool&tag=FIELD&sort=-price").await;
    says(
        &page.html,
        &[
            "Tool 03",
            "name=\"q\" type=\"search\" value=\"tool\"",
            "<input type=\"hidden\" name=\"category\" value=\"editions\">",
            "<input type=\"hidden\" name=\"sort\" value=\"-price\">",
            "aria-current=\"true\"><bdi>Éditions</bdi>",
            // Each is taken back by itself.
            "href=\"/products?category=editions&amp;tag=FIELD&amp;sort=-price\"",
            "href=\"/products?q=tool&amp;category=editions&amp;sort=-price\"",
        ],
    );
    silent(&page.html, &["Tool 04"]);
    let first = |html: &str| html.split("href=\"/products/").nth(1).unwrap()[..7].to_owned();
    assert_eq!(first(&visitor.open("/products?sort=price").await.html), "tool-0\"");
    assert_eq!(first(&visitor.open("/products?sort=-price").await.html), "tool-25");

    let page = visitor.open("/products?q=%3Cscript%3Ex").await;
    says(&page.html, &["Nothing is found", "href=\"/products\">All products", "&lt;script&gt;x"]);
    silent(&page.html, &["<script>"]);
    let long = format!("/products?q={}", "a".repeat(201));
    for (path, status) in
        [(long.as_str(), 400), ("/products?sort=sideways", 400), ("/products?after=x", 404)]
    {
        let page = visitor.open(path).await;
        assert_eq!(page.status, status, "{path}");
        assert_eq!(page.answer.header("content-type"), "text/html; charset=utf-8");
    }
    // A cursor is good for the list that it came from.
    let other = more.replace("&amp;", "&").replace("sort=title", "sort=price");
    assert_eq!(visitor.open(&other).await.status, 404);
    assert_eq!(visitor.open("/products?category=%00").await.status, 400);
}

#[tokio::test]
async fn a_product_is_shown_with_all_there_is_to_know() {
    let shop = Shop::open().await;
    assert_eq!(upload(&shop, &hex(PICTURE), PICTURE).await.status, 201);
    let picture = json!({ "object": hex(PICTURE), "media_type": "image/png", "alt": "A recorder" });
    let fields = json!({
        "kind": "download", "title": "Field <recorder>", "summary": "Records what you hear.",
        "description": "Has **two** microphones.", "categories": ["Sound"], "tags": ["wav"],
        "pictures": [picture.clone(), picture],
    });
    let offers = enter(&shop, "recorder", fields, &[250, 100]).await;
    let content = crate::goods::bytes(3_000_000);
    assert_eq!(upload(&shop, &hex(&content), &content).await.status, 201);
    let file = json!({ "name": "recorder.zip", "sha256": hex(&content), "platform": "linux-x86_64", "media_type": "application/zip" });
    let release = json!({ "notes": "It is *quieter*.", "files": [file], "publish": true });
    staff(&shop, "PUT", "products/recorder/releases/stable/1.2", release).await;

    let page = Browser::on(&shop).open("/products/recorder").await;
    assert_eq!(page.status, 200);
    let src = format!(
        "src=\"/products/recorder/pictures/{}\" alt=\"A recorder\" width=\"600\" height=\"400\"",
        hex(PICTURE)
    );
    says(
        &page.html,
        &[
            "<h1><bdi>Field &lt;recorder&gt;</bdi></h1>",
            "Records what you hear.",
            "Has <strong>two</strong> microphones.",
            "It is <em>quieter</em>.",
            "href=\"/products?category=Sound\"",
            "href=\"/products?tag=wav\"",
            &src,
            "3 MB",
            "about a second at 50 Mbit/s, a usual connection",
            "2 seconds at 16 Mbit/s",
            "linux-x86_64",
            &hex(&content),
            "<form method=\"post\" action=\"/cart\">",
            &format!("type=\"radio\" name=\"offer\" value=\"{}\" checked", offers[0]),
            &format!("type=\"radio\" name=\"offer\" value=\"{}\">", offers[1]),
            "for good",
            "for 1 use",
            "on 1 machine",
            "on 2 machines",
            "2.50 AUR <small>≈ 2.50 EUR</small>",
            "name=\"quantity\" type=\"number\" value=\"1\" min=\"1\" max=\"100\"",
            "name=\"then\" value=\"checkout\"",
            "name=\"then\" value=\"cart\"",
            "<meta name=\"description\" content=\"Records what you hear.\">",
            "<link rel=\"canonical\" href=\"http://shop.test/products/recorder\">",
            "<meta property=\"og:title\" content=\"Field &lt;recorder&gt;\">",
            &format!(
                "<meta property=\"og:image\" content=\"http://shop.test/products/recorder/pictures/{}\">",
                hex(PICTURE)
            ),
        ],
    );
    assert_eq!(page.html.matches("loading=\"eager\"").count(), 1);
    assert_eq!(page.html.matches("loading=\"lazy\"").count(), 1);
    assert_eq!(page.html.matches("<h1").count(), 1);
    let policy = page.answer.header("content-security-policy");
    says(policy, &["img-src 'self'", "form-action 'self';", "default-src 'none'"]);
    assert_eq!(Browser::on(&shop).open("/products/nothing").await.status, 404);

    // Who looks decides what is said of the page elsewhere, and how long it is kept.
    let answer = &page.answer;
    assert_eq!(answer.header("cache-control"), "public, max-age=15");
    assert_eq!(answer.header("vary"), "Accept-Language, Authorization, Cookie");
    let mut ada = registered(&shop, "ada@example.com").await;
    let page = ada.open("/products/recorder").await;
    assert_eq!(page.answer.header("cache-control"), "private, no-store");
    assert_eq!(page.answer.header("vary"), "Accept-Language, Authorization, Cookie");
    silent(&page.html, &["og:title"]);
}

#[tokio::test]
async fn beside_a_price_stands_what_it_means_for_the_wallet() {
    let shop = Shop::open().await;
    let one = enter(&shop, "one", json!({}), &[250]).await.remove(0);
    enter(&shop, "two", json!({}), &[250, 300]).await;
    enter(&shop, "gift", json!({}), &[0]).await;
    let mut visitor = Browser::on(&shop);
    let page = visitor.open("/products/one").await;
    says(&page.html, &["2.50 AUR", &format!("type=\"hidden\" name=\"offer\" value=\"{one}\"")]);
    silent(&page.html, &["In your wallet", "top-up", "Missing"]);

    let mut ada = with_funds(&shop, "ada@example.com", 100).await;
    let exactly = "href=\"/wallet/top-up?tokens=1.50&amp;next=%2Fproducts%2Fone\"";
    let page = ada.open("/products/one").await;
    says(
        &page.html,
        &["<dt>In your wallet</dt><dd>1.00 AUR</dd>", "<dt>Missing</dt><dd>1.50 AUR</dd>"],
    );
    says(&page.html, &[exactly, "Top up exactly 1.50 AUR for 1.50 EUR"]);
    let page = ada.open("/products/two").await;
    says(
        &page.html,
        &["Missing: 1.50 AUR.", "Missing: 2.00 AUR.", "tokens=2.00&amp;next=%2Fproducts%2Ftwo"],
    );
    let page = ada.open("/products/gift").await;
    says(&page.html, &["Free"]);
    silent(&page.html, &["In your wallet", "Missing"]);

    let bea = shop.buyer("bea@example.com", 250).await;
    let mut browser = Browser::on(&shop);
    browser.send("/sign-in", &[("email", "bea@example.com"), ("password", "correct horse")]).await;
    let page = browser.open("/products/one").await;
    says(&page.html, &["<dt>Left afterwards</dt><dd>0.00 AUR</dd>"]);
    silent(&page.html, &["Missing", "You have this already"]);
    let total = json!({ "amount": 250, "unit": "AUR" });
    let body = json!({ "lines": [{ "offer": one }], "expected_total": total });
    assert_eq!(shop.post("/v1/purchases", &bea, "k", body).await.status, 201);
    let page = browser.open("/products/one").await;
    says(&page.html, &["You have this already", "href=\"/library\""]);
    // What is no longer for sale stays with who has it.
    staff(&shop, "POST", "products/one/archive", Value::Null).await;
    let page = browser.open("/products/one").await;
    says(&page.html, &["no longer for sale", "You have this already"]);
    silent(&page.html, &["action=\"/cart\""]);
    assert_eq!(visitor.open("/products/one").await.status, 404);
}

/// A word that stands in the named field of the product `secret` and nowhere else.
fn marked() -> Value {
    json!({
        "kind": "download", "title": "The secret", "summary": "Plain.",
        "description": "Descriptionmark", "categories": ["Open"],
    })
}

async fn secret(shop: &Shop, visibility: Value) {
    assert!(upload(shop, &hex(PICTURE), PICTURE).await.status < 300);
    let mut fields = marked();
    fields["pictures"] =
        json!([{ "object": hex(PICTURE), "media_type": "image/png", "alt": "Altmark" }]);
    fields["visibility"] = visibility;
    enter(shop, "secret", fields, &[777]).await;
    let content = crate::goods::bytes(4321);
    assert!(upload(shop, &hex(&content), &content).await.status < 300);
    let file =
        json!({ "name": "filemark.zip", "sha256": hex(&content), "media_type": "application/zip" });
    let release = json!({ "notes": "Notesmark", "files": [file], "publish": true });
    staff(shop, "PUT", "products/secret/releases/stable/1.0", release).await;
}

const PAGES: [&str; 6] =
    ["/", "/products", "/products?sort=price", "/products/secret", "/sitemap.xml", "/feed.xml"];
const MARKS: [&str; 7] =
    ["7.77", "777", "Descriptionmark", "Altmark", "filemark", "Notesmark", "5 kB"];

#[tokio::test]
async fn what_is_hidden_stands_on_no_page() {
    let shop = Shop::open().await;
    enter(&shop, "cheap", json!({ "categories": ["Open"] }), &[100]).await;
    let all = ["price", "description", "pictures", "files", "release_notes"];
    let hidden: serde_json::Map<_, _> =
        all.iter().map(|group| ((*group).to_owned(), json!("funded"))).collect();
    secret(&shop, Value::Object(hidden)).await;
    let mut visitor = Browser::on(&shop);
    let mut member = with_funds(&shop, "ada@example.com", 99).await;
    let mut funded = with_funds(&shop, "bob@example.com", 100).await;
    let picture = format!("/products/secret/pictures/{}", hex(PICTURE));
    for path in PAGES {
        for page in [visitor.open(path).await, member.open(path).await] {
            assert_eq!(page.status, 200, "{path}");
            says(&page.html, &["secret"]);
            silent(&page.html, &MARKS);
            silent(&page.html, &[&picture]);
        }
    }
    assert_eq!(
        (visitor.open(&picture).await.status, member.open(&picture).await.status),
        (404, 404)
    );
    let page = funded.open("/products/secret").await;
    says(
        &page.html,
        &["7.77 AUR", "Descriptionmark", "Altmark", "filemark", "Notesmark", "5 kB", &picture],
    );
    silent(&page.html, &["class=\"locked\""]);

    // Nothing is found by it either, and no order tells it.
    for browser in [&mut visitor, &mut member] {
        let page = browser.open("/products?q=descriptionmark").await;
        says(&page.html, &["Nothing is found"]);
        let up = browser.open("/products?sort=price").await;
        let down = browser.open("/products?sort=-price").await;
        for page in [up, down] {
            let (cheap, secret) =
                (page.html.find("/products/cheap\""), page.html.find("/products/secret\""));
            assert!(cheap < secret, "{}", page.html);
        }
    }

    // A product that is hidden whole has no page, no category, no tag.
    let fields = json!({ "title": "Titlemark", "categories": ["Shelfmark"], "tags": ["tagmark"], "visibility": { "product": "member" } });
    enter(&shop, "slugmark", fields, &[300]).await;
    for path in PAGES.into_iter().chain(["/products?category=shelfmark", "/products?tag=tagmark"]) {
        let page = visitor.open(path).await;
        silent(&page.html, &["Titlemark", "Shelfmark", "slugmark", "3.00"]);
    }
    assert_eq!(visitor.open("/products/slugmark").await.status, 404);
    says(&member.open("/products").await.html, &["Titlemark", "Shelfmark", "tagmark"]);
}

#[tokio::test]
async fn what_is_hidden_is_named_with_what_unlocks_it_and_the_way_there() {
    let shop = Shop::open_with(hiding(Visibility {
        price: Some(Level::Member),
        description: Some(Level::Funded),
        ..Visibility::default()
    }))
    .await;
    change(&shop, |all| all.threshold = Threshold::Fixed { amount: Amount::new(500).unwrap() })
        .await;
    enter(&shop, "tool", json!({ "description": "Long." }), &[250]).await;
    let mut visitor = Browser::on(&shop);
    let page = visitor.open("/products/tool").await;
    says(
        &page.html,
        &[
            "The price is shown to members.",
            "The description is shown once your wallet holds 5.00 AUR.",
            "href=\"/register?next=%2Fproducts%2Ftool\"",
            "href=\"/sign-in?next=%2Fproducts%2Ftool\"",
        ],
    );
    silent(&page.html, &["action=\"/cart\"", "2.50"]);
    let page = visitor.open("/products?q=tool").await;
    says(&page.html, &["href=\"/sign-in?next=%2Fproducts%3Fq%3Dtool\">Sign in to see the price"]);

    // An account that is not complete sees what a visitor sees, and is told what to do.
    let mut ada = with_funds(&shop, "ada@example.com", 499).await;
    change(&shop, |all| all.registration = vec![Field::Name]).await;
    let page = ada.open("/products/tool").await;
    says(&page.html, &["href=\"/account?next=%2Fproducts%2Ftool\">Complete your account"]);
    silent(&page.html, &["2.50", "Long."]);
    change(&shop, |all| all.registration = Vec::new()).await;
    let page = ada.open("/products/tool").await;
    says(
        &page.html,
        &["2.50 AUR", "Top up exactly 0.01 AUR", "tokens=0.01&amp;next=%2Fproducts%2Ftool"],
    );
    silent(&page.html, &["Long."]);
    let page = with_funds(&shop, "bob@example.com", 500).await.open("/products/tool").await;
    says(&page.html, &["Long."]);
    let accounts = shop.get("/v1/admin/accounts", &shop.admin).await;
    let mut all = accounts.json["data"].as_array().unwrap().iter();
    let account =
        all.find(|one| one["email"] == "ada@example.com").unwrap()["id"].as_str().unwrap();
    staff(&shop, "POST", &format!("accounts/{account}/freeze"), Value::Null).await;
    let page = ada.open("/products/tool").await;
    says(&page.html, &["Your account is frozen."]);
    silent(&page.html, &["2.50", "Top up exactly"]);

    // What needs cover says what is missing only to who sees the price.
    change(&shop, |all| {
        all.visibility = Visibility { description: Some(Level::Covered), ..Visibility::default() };
    })
    .await;
    let mut cid = with_funds(&shop, "cid@example.com", 240).await;
    let page = cid.open("/products/tool").await;
    says(&page.html, &["once your wallet covers it", "Top up exactly 0.10 AUR"]);
    change(&shop, |all| all.visibility.price = Some(Level::Covered)).await;
    let page = cid.open("/products/tool").await;
    says(
        &page.html,
        &[
            "once your wallet covers it",
            "href=\"/wallet/top-up?next=%2Fproducts%2Ftool\">Add funds",
        ],
    );
    silent(&page.html, &["2.50", "0.10", "Top up exactly"]);
}

#[tokio::test]
async fn a_picture_is_for_the_browser_that_sees_it() {
    let shop = Shop::open().await;
    secret(&shop, json!({ "pictures": "member" })).await;
    let path = format!("/products/secret/pictures/{}", hex(PICTURE));
    let mut visitor = Browser::on(&shop);
    assert_eq!(visitor.open(&path).await.status, 404);
    let mut ada = registered(&shop, "ada@example.com").await;
    let page = ada.open(&path).await;
    assert_eq!((page.status, page.answer.bytes.as_slice()), (200, PICTURE));
    for (name, value) in [
        ("content-type", "image/png"),
        ("cache-control", "private, no-cache"),
        ("x-content-type-options", "nosniff"),
        ("vary", "Authorization, Cookie"),
    ] {
        assert_eq!(page.answer.header(name), value, "{name}");
    }
    secret(&shop, json!({})).await;
    let page = visitor.open(&path).await;
    assert_eq!((page.status, page.answer.header("cache-control")), (200, "public, max-age=15"));
    for other in ["/products/secret/pictures/x", "/products/nothing/pictures/x"] {
        assert_eq!(ada.open(other).await.status, 404);
    }
}

#[tokio::test]
async fn the_vendors_look_is_on_every_page() {
    let shop = Shop::open().await;
    let mut visitor = Browser::on(&shop);
    silent(&visitor.open("/").await.html, &["/theme.css", "/logo"]);
    assert_eq!(visitor.open("/theme.css").await.html, "");
    assert_eq!(visitor.open("/logo").await.status, 404);
    let logo = json!({ "object": hex(PICTURE), "media_type": "image/png" });
    let look = json!({ "look": {
        "accent": "#FFD400", "logo": logo, "tagline": "For the <field>", "introduction": "We make *small* <tools>.",
        "footer": "Aurora Instruments\nPort Aurora",
    } });
    let key = format!("Bearer {}", shop.admin);
    let headers = [("authorization", key.as_str())];
    let answer = shop.send("PATCH", "/v1/admin/settings", &headers, look.clone()).await;
    assert_eq!(
        (answer.status, answer.json["errors"][0]["field"].as_str()),
        (400, Some("look.logo.object"))
    );
    assert_eq!(upload(&shop, &hex(PICTURE), PICTURE).await.status, 201);
    let answer = staff(&shop, "PATCH", "settings", look).await;
    assert_eq!(answer.at("/look/accent"), "#ffd400");
    let page = visitor.open("/").await;
    says(
        &page.html,
        &[
            "For the &lt;field&gt;",
            "We make <em>small</em> &lt;tools&gt;.",
            "Aurora Instruments\nPort Aurora",
        ],
    );
    let logo = format!("/logo?{}", &hex(PICTURE)[..16]);
    for path in ["/", "/sign-in", "/docs", "/nothing-here", "/products/nothing"] {
        let page = visitor.open(path).await;
        assert!(page.answer.header("content-type").starts_with("text/html"), "{path}");
        says(
            &page.html,
            &[&format!("<img src=\"{logo}\" alt=\"Aurora Instruments\""), "/theme.css?"],
        );
    }
    let page = visitor.open(&logo).await;
    assert_eq!((page.status, page.answer.bytes.as_slice()), (200, PICTURE));
    says(page.answer.header("cache-control"), &["immutable"]);
    assert_eq!(visitor.open("/logo?old").await.answer.header("cache-control"), "no-cache");
    let theme = visitor.open("/").await.html;
    let theme = theme.split("href=\"/theme.css?").nth(1).unwrap().split('"').next().unwrap();
    let page = visitor.open(&format!("/theme.css?{theme}")).await;
    assert_eq!(page.answer.header("content-type"), "text/css; charset=utf-8");
    says(page.answer.header("cache-control"), &["immutable"]);
    says(&page.html, &[":root{--accent:#", "prefers-color-scheme:dark", "--accent:#ffd400"]);
    let old = visitor.open("/theme.css?0123456789abcdef").await;
    assert_eq!((old.html, old.answer.header("cache-control")), (page.html, "no-cache"));
}

#[tokio::test]
async fn terms_have_versions_and_orders_name_theirs() {
    let shop = Shop::open().await;
    let offer = shop.service("tuning", 100).await;
    let mut visitor = Browser::on(&shop);
    for path in ["/terms/terms", "/terms/nothing", "/terms/terms?version=1"] {
        assert_eq!(visitor.open(path).await.status, 404, "{path}");
    }
    silent(&visitor.open("/register").await.html, &["you accept"]);
    let early = registered(&shop, "early@example.com").await;
    drop(early);
    let text = json!({ "text": "# Rules\n\nNo <refunds>." });
    let first = staff(&shop, "PUT", "documents/terms", text.clone()).await;
    assert_eq!(first.at("/version"), "2026-11-22");
    let again = staff(&shop, "PUT", "documents/terms", text).await;
    assert_eq!(again.json, first.json, "the same text is no new version");
    assert_eq!(
        shop.get("/v1/admin/settings", &shop.admin).await.at("/terms_version"),
        "2026-11-22"
    );
    staff(&shop, "PUT", "documents/privacy", json!({ "text": "Kept here.", "version": "p-1" }))
        .await;
    assert_eq!(
        shop.get("/v1/admin/settings", &shop.admin).await.at("/terms_version"),
        "2026-11-22"
    );

    let page = visitor.open("/terms/terms").await;
    says(&page.html, &["<h1>Terms of sale</h1>", "No &lt;refunds&gt;.", "Version 2026-11-22"]);
    says(&visitor.open("/").await.html, &["href=\"/terms/terms\"", "href=\"/terms/privacy\""]);
    says(&visitor.open("/register").await.html, &["you accept the <a href=\"/terms/terms\">"]);
    says(&visitor.open("/products/tuning").await.html, &["See the <a href=\"/terms/terms\">"]);
    let ada = shop.buyer("ada@example.com", 1000).await;
    assert_eq!(shop.get("/v1/account", &ada).await.at("/terms_version"), "2026-11-22");
    let buy = async |key: &str| {
        let total = json!({ "amount": 100, "unit": "AUR" });
        let body = json!({ "lines": [{ "offer": offer }], "expected_total": total, "allow_duplicate": true });
        shop.post("/v1/purchases", &ada, key, body)
            .await
            .at("/confirmation/terms_version")
            .to_owned()
    };
    assert_eq!(buy("a").await, "2026-11-22");

    shop.advance(Span::days(1)).await;
    let body = json!({ "lines": [{ "offer": offer }], "allow_duplicate": true });
    let draft = shop.post("/v1/orders", &ada, "draft", body.clone()).await;
    assert_eq!(draft.at("/terms_version"), "2026-11-22");
    let mut browser = Browser::on(&shop);
    let form = [("email", "ada@example.com"), ("password", "correct horse")];
    assert_eq!(browser.send("/sign-in", &form).await.status, 303);
    let second = staff(&shop, "PUT", "documents/terms", json!({ "text": "Better rules." })).await;
    // A draft is under the terms that were shown with it, whatever is published before it is confirmed.
    let checkout = browser.open(&format!("/checkout/{}", draft.at("/id"))).await;
    says(&checkout.html, &["(version 2026-11-22)", "href=\"/terms/terms?version=2026-11-22\""]);
    let confirm = format!("/v1/orders/{}/confirm", draft.at("/id"));
    let paid = shop.post(&confirm, &ada, "confirm", Value::Null).await;
    assert_eq!(paid.at("/confirmation/terms_version"), "2026-11-22", "{paid:?}");
    let again = shop.post("/v1/orders", &ada, "draft", body).await;
    assert_eq!(again.bytes, draft.bytes);
    assert_eq!(second.at("/version"), "2026-11-23");
    assert_eq!(second.json["versions"].as_array().unwrap().len(), 2);
    assert_eq!(buy("b").await, "2026-11-23");
    // What was accepted stays, and can be read.
    assert_eq!(shop.get("/v1/account", &ada).await.at("/terms_version"), "2026-11-22");
    says(&visitor.open("/terms/terms").await.html, &["Better rules.", "?version=2026-11-22\""]);
    let old = visitor.open("/terms/terms?version=2026-11-22").await;
    says(&old.html, &["No &lt;refunds&gt;.", "an earlier version", "noindex"]);
    for path in ["/terms/terms?version=x", "/terms/imprint"] {
        assert_eq!(visitor.open(path).await.status, 404, "{path}");
    }
    assert_eq!(visitor.open("/terms/terms?version=%00").await.status, 400);
    let old = shop.get("/v1/admin/documents/terms?version=2026-11-22", &shop.admin).await;
    assert_eq!(old.at("/text"), "# Rules\n\nNo <refunds>.");

    let key = format!("Bearer {}", shop.admin);
    let headers = [("authorization", key.as_str())];
    for (body, field) in [
        (json!({ "text": "Other.", "version": "a b" }), "version"),
        (json!({ "text": " " }), "text"),
        (json!({ "text": "a\u{7}" }), "text"),
    ] {
        let answer = shop.send("PUT", "/v1/admin/documents/terms", &headers, body).await;
        assert_eq!((answer.status, answer.json["errors"][0]["field"].as_str()), (400, Some(field)));
    }
    let taken = json!({ "text": "Other.", "version": "2026-11-22" });
    let taken = shop.send("PUT", "/v1/admin/documents/terms", &headers, taken).await;
    assert_eq!((taken.status, taken.code()), (409, "version_taken"));
    let path = "/v1/admin/documents/nothing";
    assert_eq!(shop.send("PUT", path, &headers, json!({ "text": "x" })).await.status, 404);
    assert_eq!(shop.get("/v1/admin/documents/terms", &ada).await.status, 403);
    shop.sound().await;
}

#[tokio::test]
async fn a_provider_says_what_it_is_and_sells_nothing() {
    let roles = Roles::new(&[Role::Provider]).unwrap();
    let shop = Shop::open_at(Place { roles, ..Place::default() }, settings()).await;
    let mut visitor = Browser::on(&shop);
    let page = visitor.open("/").await;
    assert_eq!(page.status, 200);
    says(
        &page.html,
        &["One wallet of <bdi>Aurum</bdi> for many shops.", "href=\"/register?next=%2F\""],
    );
    for path in ["/products", "/products/tool", "/sitemap.xml", "/feed.xml"] {
        assert_eq!(visitor.open(path).await.status, 404, "{path}");
    }
    assert_eq!(visitor.open("/robots.txt").await.status, 200);
    let mut ada = registered(&shop, "ada@example.com").await;
    says(&ada.open("/").await.html, &["<p class=\"balance\">0.00 AUR</p>", "href=\"/wallet\""]);
}

#[tokio::test]
async fn a_merchants_shop_leads_to_its_provider() {
    let (shop, _provider) = Shop::merchant(hiding(Visibility {
        description: Some(Level::Member),
        ..Visibility::default()
    }))
    .await;
    enter(&shop, "tool", json!({ "description": "Long." }), &[250]).await;
    let mut visitor = Browser::on(&shop);
    says(&visitor.open("/").await.html, &["Your wallet is with your provider"]);
    let page = visitor.open("/products/tool").await;
    says(
        &page.html,
        &[
            "You pay at pay.test",
            "href=\"/connect?next=%2Fproducts%2Ftool\">Sign in through your provider",
            "action=\"/cart\"",
            "The description is shown to members.",
        ],
    );
    silent(&page.html, &["/register", "/wallet", "Long."]);
    change(&shop, |all| all.flow = Flow::MembersOnly).await;
    let page = visitor.open("/products").await;
    assert_eq!(page.status, 401);
    says(&page.html, &["href=\"/connect?next=%2Fproducts\""]);
}

#[tokio::test]
async fn programs_read_what_a_visitor_sees() {
    let shop = Shop::open().await;
    enter(&shop, "tool", json!({ "title": "A & <b>", "summary": "Small." }), &[250]).await;
    staff(&shop, "PUT", "documents/imprint", json!({ "text": "Us." })).await;
    let mut visitor = Browser::on(&shop);
    let map = visitor.open("/sitemap.xml").await;
    assert_eq!(map.answer.header("content-type"), "application/xml");
    says(
        &map.html,
        &["<loc>http://shop.test/products/tool</loc>", "<loc>http://shop.test/terms/imprint</loc>"],
    );
    let feed = visitor.open("/feed.xml").await;
    assert_eq!(feed.answer.header("content-type"), "application/atom+xml");
    says(
        &feed.html,
        &[
            "<title>A &amp; &lt;b&gt;</title>",
            "<summary>Small.</summary>",
            "http://shop.test/products/tool",
        ],
    );
    assert_eq!(feed.answer.header("cache-control"), "public, max-age=15");
    let robots = visitor.open("/robots.txt").await;
    says(&robots.html, &["Disallow: /wallet", "Sitemap: http://shop.test/sitemap.xml"]);
    silent(&robots.html, &["Disallow: /products"]);
    change(&shop, |all| all.flow = Flow::MembersOnly).await;
    silent(&visitor.open("/sitemap.xml").await.html, &["/products/tool"]);
    silent(&visitor.open("/feed.xml").await.html, &["tool"]);
}
