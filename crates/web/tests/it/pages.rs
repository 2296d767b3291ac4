//! Pages for people.

use scrip_testkit::{Answer, Browser, Shop};

fn text(answer: &Answer) -> String {
    String::from_utf8(answer.bytes.clone()).unwrap()
}

/// The addresses that a page names, without what follows `#`.
fn addresses(html: &str) -> Vec<&str> {
    let named = ["href=\"", "src=\""].iter().flat_map(|name| html.split(name).skip(1));
    let named = named.filter_map(|rest| rest.split('"').next());
    named.filter_map(|address| address.split('#').next()).filter(|a| !a.is_empty()).collect()
}

/// Whatever stands after `#` is there.
fn anchors_hold(html: &str) {
    for anchor in html.split("href=\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(html.contains(&format!("id=\"{anchor}\"")), "nothing is called {anchor}");
    }
}

#[tokio::test]
async fn a_page_runs_nothing_and_loads_from_here_only() {
    let shop = Shop::open().await;
    for path in ["/docs", "/problems", "/problems/insufficient_balance", "/problems/nothing"] {
        let page = shop.get(path, "").await;
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8", "{path}");
        let policy = page.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; style-src 'self';"), "{policy}");
        assert!(
            !policy.contains("unsafe") && policy.contains("frame-ancestors 'none'"),
            "{policy}"
        );
        assert_eq!(page.header("x-content-type-options"), "nosniff");
        let html = text(&page);
        assert!(html.starts_with("<!DOCTYPE html><html lang=\"en\">"), "{path}");
        assert!(html.contains("Aurora Instruments") && html.contains("<main id=\"main\">"));
        for active in ["<script", "style=", "onclick", "javascript:"] {
            assert!(!html.contains(active), "{path}: {active}");
        }
        anchors_hold(&html);
        for address in addresses(&html) {
            let answer = shop.get(address, "").await;
            assert_eq!(answer.status, 200, "{path} leads to {address}");
        }
    }
}

#[tokio::test]
async fn who_gets_lost_is_led_on_from_where_they_are() {
    let shop = Shop::open().await;
    shop.buyer("ada@example.com", 0).await;
    let mut browser = Browser::on(&shop);
    browser.send("/sign-in", &[("email", "ada@example.com"), ("password", "correct horse")]).await;
    for (path, status) in [("/nonsense", 404), ("/products/nothing", 404), ("/cart/coupon", 405)] {
        let page = browser.open(path).await;
        assert_eq!(page.status, status, "{path}");
        for way in ["href=\"/library\"", "href=\"/products\">All products", "href=\"/\">Home"] {
            assert!(page.html.contains(way), "{path}, {way}: {}", page.html);
        }
        let policy = page.answer.header("content-security-policy");
        assert!(policy.contains("form-action 'self'"), "{path}: {policy}");
        assert_eq!(page.answer.header("cache-control"), "no-store", "{path}");
    }
    let page = browser.open("/cart/coupon").await;
    assert_eq!(page.answer.header("allow"), "POST");
    assert!(page.html.contains("This address takes only what a form sends"), "{}", page.html);
    let program = shop.get("/cart/coupon", "").await;
    assert_eq!((program.status, program.code()), (405, "method_not_allowed"));
    // The console has its own way on.
    for path in ["/admin/nonsense", "/admin/sign-out"] {
        let page = browser.open(path).await;
        assert!(page.status >= 404 && !page.html.contains("href=\"/products\""), "{}", page.html);
    }
}

#[tokio::test]
async fn a_stylesheet_is_kept_as_long_as_it_has_this_address() {
    let shop = Shop::open().await;
    let html = text(&shop.get("/problems", "").await);
    let address = addresses(&html).into_iter().find(|a| a.starts_with("/style.css?")).unwrap();
    let sheet = shop.get(address, "").await;
    assert_eq!(sheet.header("content-type"), "text/css; charset=utf-8");
    assert!(sheet.header("cache-control").contains("immutable"));
    for other in ["/style.css", "/style.css?0123456789abcdef"] {
        assert_eq!(shop.get(other, "").await.header("cache-control"), "no-cache", "{other}");
    }
}

#[tokio::test]
async fn the_address_of_a_problem_explains_it() {
    let shop = Shop::open().await;
    let ada = shop.buyer("ada@example.com", 0).await;
    let offer = shop.service("tuning", 250).await;
    let body = serde_json::json!({ "lines": [{ "offer": offer }] });
    let problem = shop.post("/v1/orders", &ada, "k", body).await;
    assert_eq!(problem.at("/type"), "/problems/insufficient_balance");
    let page = text(&shop.get(problem.at("/type"), "").await);
    assert!(page.contains(problem.at("/title")) && page.contains("402 Payment Required"), "{page}");
    let unknown = shop.get("/problems/%3Cb%3E", "").await;
    assert_eq!(unknown.status, 404);
    assert!(text(&unknown).contains("&lt;b&gt;") && !text(&unknown).contains("<b>"));
}

#[tokio::test]
async fn the_reference_shows_all_that_the_document_says() {
    let shop = Shop::open().await;
    let html = text(&shop.get("/docs", "").await).replace("<wbr>", "");
    let document = shop.get("/openapi.json", "").await.json;
    for (path, item) in document["paths"].as_object().unwrap() {
        for operation in item.as_object().unwrap().values() {
            let id = operation["operationId"].as_str().unwrap();
            assert!(html.contains(&format!("<h3 id=\"{id}\">")), "{id}");
        }
        assert!(html.contains(path), "{path}");
    }
    for name in document["components"]["schemas"].as_object().unwrap().keys() {
        assert!(html.contains(&format!("id=\"type-{name}\"")), "{name}");
    }
    assert!(html.contains("curl -X POST http://shop.test/v1/orders/ord_06bq3v8k2m9zc/confirm"));
}
