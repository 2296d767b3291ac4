//! Addresses, methods, and which sites' scripts may call: what holds for every route.

use std::collections::BTreeSet;

use scrip_domain::ledger::Reason;
use scrip_domain::top_up::TopUpMethod;
use scrip_testkit::{Answer, Shop, settings};
use serde_json::{Value, json};

use crate::provider;

async fn ask(shop: &Shop, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    shop.send(method, path, headers, Value::Null).await
}

/// Every path of the document with its methods, parameters filled with what names nothing.
async fn documented(shop: &Shop) -> Vec<(String, Vec<String>)> {
    let document = shop.get("/openapi.json", "").await.json;
    let paths = document["paths"].as_object().unwrap().iter();
    let path = |(path, item): (&String, &Value)| {
        let parts =
            path.split('/').map(|part| if part.starts_with('{') { "nothing" } else { part });
        let methods = item.as_object().unwrap().keys().map(|name| name.to_uppercase());
        (parts.collect::<Vec<_>>().join("/"), methods.collect())
    };
    paths.map(path).collect()
}

/// What is for people, and so not in the document.
const PAGES: &[&str] = &[
    "/buy/{offer}",
    "/cart",
    "/cart/coupon",
    "/cart/lines",
    "/checkout",
    "/checkout/{order}",
    "/checkout/{order}/cancel",
    "/copy.js",
    "/orders",
    "/orders/{id}",
    "/orders/{id}/receipt",
    "/orders/{id}/refund/{line}",
    "/admin/audit",
    "/admin/keys",
    "/admin/keys/rotate",
    "/admin/keys/{id}/revoke",
    "/admin/settings",
    "/admin/settings/legal",
    "/admin/settings/legal/{document}",
    "/admin/settings/look",
    "/admin/settings/look/logo",
    "/admin/settings/look/logo/remove",
    "/admin/settings/look/theme.css",
    "/admin/settings/preview",
    "/admin/settings/name",
    "/admin/settings/flow",
    "/admin/settings/threshold",
    "/admin/settings/visibility",
    "/admin/settings/registration",
    "/admin/settings/prices",
    "/admin/settings/packs",
    "/admin/settings/limits",
    "/admin/settings/credit",
    "/admin/settings/offline",
    "/admin/settings/terms",
    "/admin/settings/refunds",
    "/admin/settings/staff",
    "/admin/staff",
    "/admin/staff/{id}",
    "/admin/staff/{id}/end",
    "/admin/staff/{id}/reset",
    "/admin/staff/{id}/role",
    "/admin",
    "/admin/me",
    "/admin/me/password",
    "/admin/me/second-factor",
    "/admin/me/second-factor/off",
    "/admin/me/second-factor/on",
    "/admin/sign-in",
    "/admin/sign-in/code",
    "/admin/sign-out",
    "/admin/welcome",
    "/account/merchants",
    "/account/merchants/{id}/disconnect",
    "/account/merchants/{id}/letters",
    "/feed.xml",
    "/forgot",
    "/reset",
    "/verify",
    "/verify/again",
    "/logo",
    "/icon.svg",
    "/favicon.ico",
    "/products/{slug}/pictures/{sha256}",
    "/robots.txt",
    "/sitemap.xml",
    "/terms/{document}",
    "/theme.css",
    "/wallet/links/{id}/cut",
    "/links/{reference}",
    "/partners/{id}",
    "/exchanges/{id}",
    "/partners/{id}/exchange",
    "/partners/{id}/link",
    "/partners/{id}/quote",
    "/partners/{id}/unlink",
    "/connect",
    "/return",
    "/account",
    "/account/cards/kept",
    "/account/cards/new",
    "/account/cards/{card}",
    "/account/data",
    "/account/email",
    "/account/erase",
    "/account/keys",
    "/account/keys/{id}/revoke",
    "/account/passkeys",
    "/account/passkeys/keep",
    "/account/passkeys/{id}/remove",
    "/account/password",
    "/account/second-factor",
    "/account/second-factor/off",
    "/account/second-factor/on",
    "/account/sessions/end",
    "/activate",
    "/account/payment-method",
    "/demo/bank/cards/{page}",
    "/demo/bank/{payment}",
    "/connect/{reference}",
    "/docs",
    "/language",
    "/library",
    "/library/{license}",
    "/library/{license}/extend",
    "/library/{license}/files/{file}",
    "/library/{license}/machines/{machine}",
    "/library/{license}/reissue",
    "/pay/{reference}",
    "/pay/{reference}/release",
    "/problems",
    "/passkey.js",
    "/products",
    "/products/{slug}",
    "/problems/{code}",
    "/register",
    "/sign-in",
    "/sign-in/code",
    "/sign-in/passkey",
    "/sign-out",
    "/style.css",
    "/suggest.js",
    "/wallet",
    "/wallet/automatic",
    "/wallet/automatic/off",
    "/wallet/statement",
    "/wallet/statement.csv",
    "/wallet/top-up",
    "/wallet/top-ups",
    "/wallet/top-ups/{id}",
    "/wallet/top-ups/{id}/appeal",
    "/wallet/top-ups/{id}/cancel",
];
/// The same of the console's daily pages.
const DAILY: &[&str] = &[
    "/admin/accounts",
    "/admin/accounts/{id}",
    "/admin/accounts/{id}/adjust",
    "/admin/accounts/{id}/credit-limit",
    "/admin/accounts/{id}/erase",
    "/admin/accounts/{id}/freeze",
    "/admin/accounts/{id}/repayment",
    "/admin/accounts/{id}/second-factor",
    "/admin/accounts/{id}/statement",
    "/admin/accounts/{id}/thaw",
    "/admin/coupons",
    "/admin/coupons/new",
    "/admin/coupons/{id}",
    "/admin/coupons/{id}/close",
    "/admin/licenses",
    "/admin/licenses/find",
    "/admin/licenses/{id}",
    "/admin/licenses/{id}/deactivate",
    "/admin/licenses/{id}/reissue",
    "/admin/licenses/{id}/resume",
    "/admin/licenses/{id}/revoke",
    "/admin/licenses/{id}/suspend",
    "/admin/orders",
    "/admin/orders/{id}",
    "/admin/orders/{id}/refund",
    "/admin/orders/{id}/refund/check",
    "/admin/refund-requests",
    "/admin/refund-requests/{id}",
    "/admin/refund-requests/{id}/accept",
    "/admin/refund-requests/{id}/decline",
    "/admin/settings/mail",
    "/admin/top-ups",
    "/admin/top-ups/{id}",
    "/admin/top-ups/{id}/cancel",
    "/admin/top-ups/{id}/decide",
    "/admin/top-ups/{id}/received",
    "/admin/top-ups/{id}/refund",
    "/admin/vouchers",
    "/admin/vouchers/codes",
    "/admin/vouchers/new",
    "/admin/vouchers/{id}",
    "/admin/vouchers/{id}/close",
];
/// The same of the console's dealings with other servers.
const DEALINGS: &[&str] = &[
    "/admin/agreements/{id}",
    "/admin/agreements/{id}/close-cycle",
    "/admin/agreements/{id}/{turn}",
    "/admin/bank",
    "/admin/exchanges",
    "/admin/exchanges/{id}",
    "/admin/exchanges/{id}/write-off",
    "/admin/export",
    "/admin/export/ledger",
    "/admin/export/orders",
    "/admin/merchants",
    "/admin/merchants/new",
    "/admin/merchants/{id}",
    "/admin/merchants/{id}/change",
    "/admin/merchants/{id}/pay-out",
    "/admin/merchants/{id}/{turn}",
    "/admin/partners",
    "/admin/partners/new",
    "/admin/partners/{id}",
    "/admin/partners/{id}/bank",
    "/admin/partners/{id}/name",
    "/admin/partners/{id}/propose",
    "/admin/provider",
    "/admin/requests",
    "/admin/requests/{id}",
    "/admin/requests/{id}/refund",
    "/admin/restore",
    "/admin/restore/again",
    "/admin/restore/skip",
    "/admin/settlements",
    "/admin/settlements/{id}",
    "/admin/settlements/{id}/pain001",
    "/admin/settlements/{id}/received",
    "/admin/settlements/{id}/sent",
    "/admin/settlements/{id}/write-off",
    "/admin/statements",
    "/admin/statements/{id}",
    "/admin/statements/{id}/compare",
    "/admin/statements/{id}/pay",
    "/admin/webhooks",
    "/admin/webhooks/new",
    "/admin/webhooks/{id}",
    "/admin/webhooks/{id}/change",
    "/admin/webhooks/{id}/delete",
    "/admin/webhooks/{id}/deliveries/{delivery}",
    "/admin/webhooks/{id}/disable",
    "/admin/webhooks/{id}/enable",
    "/admin/webhooks/{id}/replay",
    "/admin/webhooks/{id}/rotate",
    "/admin/webhooks/{id}/test",
];
/// The same of the console's catalogue.
const CATALOG_PAGES: &[&str] = &[
    "/upload.js",
    "/admin/new-product",
    "/admin/products",
    "/admin/products/{slug}",
    "/admin/products/{slug}/archive",
    "/admin/products/{slug}/edit",
    "/admin/products/{slug}/new-offer",
    "/admin/products/{slug}/new-release",
    "/admin/products/{slug}/offers/{key}",
    "/admin/products/{slug}/offers/{key}/retire",
    "/admin/products/{slug}/pictures",
    "/admin/products/{slug}/pictures/change",
    "/admin/products/{slug}/pictures/{sha256}",
    "/admin/products/{slug}/preview",
    "/admin/products/{slug}/publish",
    "/admin/products/{slug}/releases/{channel}/{version}",
    "/admin/products/{slug}/releases/{channel}/{version}/files",
    "/admin/products/{slug}/releases/{channel}/{version}/files/remove",
    "/admin/products/{slug}/releases/{channel}/{version}/publish",
];
/// Every route of the console.
pub fn console() -> Vec<&'static str> {
    let all = [PAGES, DAILY, DEALINGS, CATALOG_PAGES].concat();
    all.into_iter().filter(|route| *route == "/admin" || route.starts_with("/admin/")).collect()
}

/// Where axum keeps what answers for an address without a route.
const FALLBACK: [&str; 2] = ["/", "/{*__private__axum_fallback}"];

#[tokio::test]
async fn the_document_names_the_words_that_the_contract_fixes() {
    let shop = Shop::open().await;
    let document = shop.get("/openapi.json", "").await.json;
    let field = |of: &str, name: &str| {
        document.pointer(&format!("/components/schemas/{of}/properties/{name}")).unwrap().clone()
    };
    let verdicts = field("Verdict", "code");
    let codes = "VALID EXPIRED NOT_STARTED REVOKED SUPERSEDED SUSPENDED REFUNDED NOT_ACTIVATED MACHINE_LIMIT \
        USES_EXHAUSTED PROCESSINGS_EXHAUSTED LEASE_EXPIRED WRONG_PRODUCT WRONG_MACHINE CLOCK_ROLLBACK UNKNOWN_CODE \
        BAD_SIGNATURE";
    assert_eq!(verdicts["enum"], json!(codes.split_whitespace().collect::<Vec<_>>()));
    assert_eq!(field("TopUp", "method")["enum"], json!(TopUpMethod::ALL));
    let reasons = field("Transfer", "reason")["description"].to_string();
    // What a provider keeps, and what merchants are paid, is in nobody's wallet.
    let others = [Reason::Fee, Reason::Payout];
    for reason in Reason::ALL.iter().filter(|reason| !others.contains(reason)) {
        assert!(reasons.contains(&format!("`{reason}`")), "{reason}: {reasons}");
    }
    assert_eq!(field("RefundOut", "licenses")["example"], "revoke");
}

#[tokio::test]
async fn router_and_document_have_the_same_paths() {
    let shop = Shop::open().await;
    // The only way in which a router tells its paths: quoted, among what it is made of.
    let router = format!("{:?}", shop.router());
    let routed: BTreeSet<_> = router.split('"').filter(|text| text.starts_with('/')).collect();
    let document = shop.get("/openapi.json", "").await.json;
    let documented = document["paths"].as_object().unwrap().keys().map(String::as_str);
    assert_eq!(
        routed,
        documented
            .chain(PAGES.iter().copied())
            .chain(DAILY.iter().copied())
            .chain(DEALINGS.iter().copied())
            .chain(CATALOG_PAGES.iter().copied())
            .chain(FALLBACK)
            .collect()
    );
}

#[tokio::test]
async fn the_document_names_every_route_of_the_server_too() {
    let shop = Shop::open().await;
    let paths = documented(&shop).await;
    for path in ["/healthz", "/readyz", "/metrics", "/openapi.json", "/.well-known/jwks.json"] {
        assert!(paths.iter().any(|(name, _)| name == path), "{path}");
        let answer = shop.get(path, "").await;
        assert_eq!(answer.status, if path == "/metrics" { 401 } else { 200 }, "{path}: {answer:?}");
    }
}

#[tokio::test]
async fn an_address_without_a_route_is_not_found() {
    let shop = Shop::open().await;
    for path in [
        "/v1",
        "/v1/",
        "/v1/nothing",
        "/v1/products/",
        "/v1/products/a/b",
        "/v1/orders/ord_nothing/",
        "//v1/vendor",
        "/v1/%2e%2e/vendor",
        "/V1/vendor",
        "/problems/",
        "/docs/",
        "/apple-touch-icon.png",
    ] {
        for method in ["GET", "POST", "DELETE", "OPTIONS", "BREW"] {
            let answer = ask(&shop, method, path, &[]).await;
            assert_eq!((answer.status, answer.code()), (404, "not_found"), "{method} {path}");
            assert_eq!(answer.header("content-type"), "application/problem+json");
            assert!(answer.header("x-request-id").starts_with("req_"), "{method} {path}");
        }
    }
    let request = axum::http::Request::builder().method("CONNECT").uri("example.com:80");
    let answer = shop.raw(request.body(axum::body::Body::empty()).unwrap()).await;
    assert_eq!(answer.code(), "not_found", "{answer:?}");
}

#[tokio::test]
async fn a_path_that_is_no_text_names_nothing() {
    let shop = Shop::open().await;
    for (path, bearer) in [
        ("/v1/products/%ff", ""),
        ("/v1/admin/products/%ff", shop.admin.as_str()),
        ("/v1/orders/%ff", &shop.buyer("ada@example.com", 0).await),
        ("/problems/%ff", ""),
    ] {
        let answer = shop.get(path, bearer).await;
        assert_eq!((answer.status, answer.code()), (404, "not_found"), "{path}: {answer:?}");
    }
}

#[tokio::test]
async fn another_method_is_refused_and_told_which_would_do() {
    let shop = Shop::open().await;
    let all = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW"];
    for (path, methods) in documented(&shop).await {
        let has = |method: &str| methods.iter().any(|one| one == method);
        let taken = |method: &str| has(method) || method == "HEAD" && has("GET");
        for method in all.into_iter().filter(|method| !taken(method)) {
            let answer = ask(&shop, method, &path, &[]).await;
            let status = if method == "HEAD" { "" } else { "method_not_allowed" };
            assert_eq!((answer.status, answer.code()), (405, status), "{method} {path}");
            let allow: Vec<_> = answer.header("allow").split(',').map(str::trim).collect();
            assert!(methods.iter().all(|one| allow.contains(&one.as_str())), "{path}: {allow:?}");
        }
    }
}

/// The same head, without the body.
#[tokio::test]
async fn head_is_there_where_get_is() {
    let shop = Shop::open().await;
    shop.service("tuning", 250).await;
    let public = ["/v1/vendor", "/v1/products", "/v1/products/tuning", "/openapi.json", "/healthz"];
    for path in public.into_iter().chain(["/docs", "/problems", "/problems/busy", "/style.css"]) {
        let get = ask(&shop, "GET", path, &[]).await;
        let head = ask(&shop, "HEAD", path, &[]).await;
        assert_eq!((get.status, head.status, head.bytes.len()), (200, 200, 0), "{path}");
        assert_eq!(head.header("content-length"), get.bytes.len().to_string(), "{path}");
        for name in ["content-type", "etag", "cache-control"] {
            assert_eq!(head.header(name), get.header(name), "{path}: {name}");
        }
    }
}

/// Of no product.
const PICTURE: &str = "/v1/products/nothing/pictures/nothing";
const ELSEWHERE: (&str, &str) = ("origin", "https://elsewhere.example");

/// Public reads and `validate`: everybody's scripts may read the answer, and send no credentials.
#[tokio::test]
async fn what_is_public_is_open_to_the_scripts_of_every_site() {
    let shop = Shop::open().await;
    shop.service("tuning", 250).await;
    for path in [
        "/.well-known/scrip",
        "/.well-known/jwks.json",
        "/.well-known/protocol-jwks.json",
        "/v1/vendor",
        "/v1/products",
        "/v1/products/tuning",
        "/v1/products/nothing",
        PICTURE,
        "/v1/revocations",
        "/v1/keys/chain",
        "/v1/partners",
        "/v1/partners/nothing",
        "/openapi.json",
    ] {
        let answer = ask(&shop, "GET", path, &[ELSEWHERE]).await;
        assert_eq!(answer.header("access-control-allow-origin"), "*", "{path}: {answer:?}");
        assert_eq!(answer.header("access-control-allow-credentials"), "", "{path}");
        assert!(answer.header("access-control-expose-headers").contains("x-request-id"));
    }
    let document = ask(&shop, "OPTIONS", "/openapi.json", &[ELSEWHERE]).await;
    assert_eq!((document.status, document.header("access-control-allow-origin")), (204, "*"));
    let preflight = [
        ELSEWHERE,
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "content-type"),
    ];
    let asked = ask(&shop, "OPTIONS", "/v1/licenses/validate", &preflight).await;
    assert_eq!((asked.status, asked.header("access-control-allow-origin")), (204, "*"));
    let headers = asked.header("access-control-allow-headers");
    assert!(headers.contains("content-type") && !headers.contains("authorization"), "{headers}");
    assert_eq!(asked.header("allow"), "POST, OPTIONS");
    let body = json!({ "code": "nothing" });
    let answer = shop.send("POST", "/v1/licenses/validate", &[ELSEWHERE], body).await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, "*"));
}

/// No script of another site gets anything where there are credentials, or something is changed.
#[tokio::test]
async fn everything_else_is_closed_to_the_scripts_of_other_sites() {
    let shop = Shop::open().await;
    let known =
        ["scrip", "jwks.json", "protocol-jwks.json"].map(|name| format!("/.well-known/{name}"));
    let open = known.iter().map(String::as_str).chain(["/openapi.json"]);
    let open = open.chain(["/v1/vendor", "/v1/products", "/v1/products/nothing"]);
    let open = open.chain(["/v1/revocations", "/v1/keys/chain"]);
    let open = open.chain(["/v1/partners", "/v1/partners/nothing"]);
    let by_code = ["validate", "activate", "deactivate", "consume", "lease", "return"];
    let by_code = by_code.map(|verb| format!("/v1/licenses/{verb}"));
    let open = open.chain(by_code.iter().map(String::as_str));
    let open: Vec<_> = open.chain([PICTURE]).collect();
    for (path, methods) in documented(&shop).await {
        if open.contains(&path.as_str()) {
            continue;
        }
        let preflight = [ELSEWHERE, ("access-control-request-method", "POST")];
        for method in methods.iter().map(String::as_str).chain(["OPTIONS"]) {
            let answer = ask(&shop, method, &path, &preflight).await;
            let said =
                answer.headers.keys().find(|name| name.as_str().starts_with("access-control"));
            assert_eq!(said, None, "{method} {path}");
            assert!(method != "OPTIONS" || answer.status == 405, "{path}: {}", answer.status);
        }
    }
}

/// What a server answers stands in the document, whatever its role: with the status, and with the code of a problem.
#[tokio::test]
async fn every_answer_is_documented_in_every_role() {
    let (merchant, _) = Shop::merchant(settings()).await;
    for shop in [Shop::open().await, merchant, provider::World::open().await.pay] {
        let document = shop.get("/openapi.json", "").await.json;
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let parts = path.split('/');
                let parts = parts.map(|part| if part.starts_with('{') { "nothing" } else { part });
                let at = parts.collect::<Vec<_>>().join("/");
                let has_body = !operation["requestBody"].is_null();
                let body = if has_body { json!({}) } else { Value::Null };
                for bearer in ["", &shop.admin] {
                    let authorization = format!("Bearer {bearer}");
                    let headers =
                        [("idempotency-key", "key"), ("authorization", authorization.as_str())];
                    let headers = if bearer.is_empty() { &headers[..1] } else { &headers };
                    let answer =
                        shop.send(&method.to_uppercase(), &at, headers, body.clone()).await;
                    let told = &operation["responses"][answer.status.to_string()];
                    assert!(!told.is_null(), "{method} {path}: {answer:?}");
                    let codes = &told["content"]["application/problem+json"]["schema"]["allOf"];
                    let codes = codes[1]["properties"]["code"]["enum"].as_array();
                    let known = |codes: &Vec<Value>| codes.contains(&answer.json["code"]);
                    assert!(
                        method == "head" || answer.status < 400 || codes.is_some_and(known),
                        "{method} {path}: {answer:?}"
                    );
                }
            }
        }
    }
}

/// What somebody in particular is told is for nobody else to keep.
#[tokio::test]
async fn what_is_told_to_somebody_is_kept_by_nobody_else() {
    let shop = Shop::open().await;
    let offer = shop.service("tuning", 250).await;
    let ada = shop.buyer("ada@example.com", 1000).await;
    for path in ["/v1/account", "/v1/wallet", "/v1/orders", "/v1/licenses", "/v1/events"] {
        let answer = shop.get(path, &ada).await;
        let kept = (answer.status, answer.header("cache-control"));
        assert_eq!(kept, (200, "private, no-store"), "{path}");
    }
    let lines = json!({ "lines": [{ "offer": offer }] });
    let quote = shop.post("/v1/quotes", &ada, "", lines.clone()).await;
    assert_eq!(quote.header("cache-control"), "private, no-store");
    let missing = shop.get("/v1/orders/nothing", &ada).await;
    assert!(missing.header("cache-control").ends_with("no-store"), "{missing:?}");
    assert_eq!(shop.post("/v1/quotes", "", "", lines).await.header("cache-control"), "");
    let own = shop.get("/v1/vendor", &ada).await;
    assert_eq!(own.header("cache-control"), "public, max-age=15", "the same for all");
}

/// What is the same for everybody is not sent again to who has it.
#[tokio::test]
async fn what_is_the_same_for_everybody_is_sent_once() {
    let shop = Shop::open().await;
    for path in ["/openapi.json", "/v1/vendor", "/.well-known/scrip"] {
        let first = ask(&shop, "GET", path, &[]).await;
        let tag = first.header("etag").to_owned();
        assert!(first.status == 200 && tag.starts_with('"'), "{path}: {tag}");
        for had in [tag.clone(), format!("\"other\", W/{tag}")] {
            let again = ask(&shop, "GET", path, &[("if-none-match", &had)]).await;
            assert_eq!((again.status, again.bytes.len()), (304, 0), "{path}");
            assert_eq!(again.header("etag"), tag, "{path}");
        }
        let other = ask(&shop, "GET", path, &[("if-none-match", "\"other\"")]).await;
        assert_eq!((other.status, &other.json), (200, &first.json), "{path}");
    }
    let before = ask(&shop, "GET", "/v1/vendor", &[]).await;
    let bearer = format!("Bearer {}", shop.admin);
    let headers = [("authorization", bearer.as_str())];
    let renamed = json!({ "name": "Aurora" });
    assert_eq!(shop.send("PATCH", "/v1/admin/settings", &headers, renamed).await.status, 200);
    let had = before.header("etag");
    let after = ask(&shop, "GET", "/v1/vendor", &[("if-none-match", had)]).await;
    assert_eq!((after.status, after.at("/name")), (200, "Aurora"));
}

#[tokio::test]
async fn the_document_is_sent_compressed_to_who_can_read_it() {
    let shop = Shop::open().await;
    let plain = ask(&shop, "GET", "/openapi.json", &[]).await;
    let packed = ask(&shop, "GET", "/openapi.json", &[("accept-encoding", "gzip")]).await;
    assert_eq!((packed.status, packed.header("content-encoding")), (200, "gzip"));
    assert!(packed.bytes.len() * 5 < plain.bytes.len(), "{}", packed.bytes.len());
    assert_eq!(
        (plain.header("vary"), packed.header("vary")),
        ("accept-encoding", "accept-encoding")
    );
    let had = packed.header("etag").to_owned();
    assert_ne!(had, plain.header("etag"), "other bytes");
    let headers = [("accept-encoding", "gzip"), ("if-none-match", had.as_str())];
    assert_eq!(ask(&shop, "GET", "/openapi.json", &headers).await.status, 304);
}
