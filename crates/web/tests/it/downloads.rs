//! Downloads: who gets which bytes, and what counts.

use axum::body::HttpBody as _;
use http::Request;
use http_body_util::BodyExt;
use proptest::prelude::*;
use scrip_domain::Span;
use scrip_license::{RentalStart, Terms};
use scrip_testkit::Shop;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::goods::{Sold, buy, bytes, hex, product, release, settle};

#[tokio::test]
async fn a_code_in_any_writing_opens_the_file() {
    let sold = Sold::new(300_000).await;
    let short = &sold.code.short;
    let plain = short.replace('-', "");
    let codes = [
        short.clone(),
        short.to_lowercase(),
        plain.to_lowercase(),
        plain.clone(),
        plain.replace('0', "o").replace('1', "l"),
        format!("  {short} "),
        sold.code.jws.clone(),
    ];
    for code in codes {
        let whole = sold.ask("GET", &code, &[]).await;
        assert_eq!(whole.status, 200, "{code} {}", whole.code());
        assert!(whole.bytes == sold.content);
    }
    let path = format!("/v1/downloads/{}", sold.file);
    let scheme = format!("LICENSE {short}");
    let other = sold.shop.send("GET", &path, &[("authorization", &scheme)], Value::Null).await;
    assert_eq!(other.status, 200, "schemes have no case");
}

#[tokio::test]
async fn the_headers_say_what_it_is() {
    let sold = Sold::new(1000).await;
    let etag = format!("\"{}\"", hex(&sold.content));
    for method in ["GET", "HEAD"] {
        // Ranges are for GET; HEAD tells of the whole.
        let range: &[_] = if method == "HEAD" { &[("range", "bytes=0-0")] } else { &[] };
        let answer = sold.ask(method, &sold.code.short, range).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.bytes.len(), if method == "GET" { 1000 } else { 0 });
        for (name, value) in [
            ("content-length", "1000"),
            ("content-type", "application/zip"),
            ("accept-ranges", "bytes"),
            ("etag", etag.as_str()),
            ("cache-control", "private"),
            ("x-content-type-options", "nosniff"),
            (
                "content-disposition",
                "attachment; filename=\"_bung 1.zip\"; filename*=UTF-8''%C3%9Cbung%201.zip",
            ),
        ] {
            assert_eq!(answer.header(name), value, "{method} {name}");
        }
        let digest = answer.header("repr-digest");
        assert!(digest.starts_with("sha-256=:") && digest.ends_with(':') && digest.len() == 54);
    }
    assert_eq!(sold.counted().await, 1, "HEAD counts nothing");
}

#[tokio::test]
async fn ranges_are_parts() {
    let sold = Sold::new(1000).await;
    for (range, bytes) in [
        ("bytes=0-0", 0..1),
        ("bytes=0-499", 0..500),
        ("bytes=500-", 500..1000),
        ("bytes=-10", 990..1000),
        ("bytes=-5000", 0..1000),
        ("bytes=900-5000", 900..1000),
        ("bytes=0-99,100-199", 0..200),
        ("bytes=150-299, 0-199", 0..300),
    ] {
        let part = sold.get(&[("range", range)]).await;
        assert_eq!(part.status, 206, "{range}");
        let said = format!("bytes {}-{}/1000", bytes.start, bytes.end - 1);
        assert_eq!(part.header("content-range"), said, "{range}");
        assert_eq!(part.header("content-length"), bytes.len().to_string(), "{range}");
        assert!(part.bytes == sold.content[bytes], "{range}");
    }
    for range in ["bytes=0-1,5-6", "lines=0-1", "bytes=5-4", "bytes=x-", "bytes", "bytes=1-2-3"] {
        let whole = sold.get(&[("range", range)]).await;
        assert_eq!((whole.status, whole.header("content-range")), (200, ""), "{range}");
        assert!(whole.bytes == sold.content, "{range}");
    }
    for range in ["bytes=1000-", "bytes=-0", "bytes=2000-3000"] {
        let none = sold.get(&[("range", range)]).await;
        assert_eq!((none.status, none.code()), (416, "range_not_satisfiable"), "{range}");
        assert_eq!(none.header("content-range"), "bytes */1000", "{range}");
    }
}

#[tokio::test]
async fn conditions_are_kept() {
    let sold = Sold::new(1000).await;
    let etag = format!("\"{}\"", hex(&sold.content));
    let weak = format!("W/{etag}");
    let range = ("range", "bytes=10-19");
    assert_eq!(sold.get(&[range, ("if-range", &etag)]).await.status, 206);
    for other in [weak.as_str(), "\"other\"", "Sun, 22 Nov 2026 12:00:00 GMT"] {
        let whole = sold.get(&[range, ("if-range", other)]).await;
        assert_eq!((whole.status, whole.bytes.len()), (200, 1000), "{other}");
    }
    for same in [etag.as_str(), &weak, "*", &format!("\"other\", {etag}")] {
        let same_one = sold.get(&[range, ("if-none-match", same)]).await;
        assert_eq!((same_one.status, same_one.bytes.len()), (304, 0), "{same}");
        assert_eq!(same_one.header("etag"), etag);
    }
    assert_eq!(sold.get(&[("if-none-match", "\"other\"")]).await.status, 200);
    assert_eq!(sold.get(&[("if-match", &etag)]).await.status, 200);
    let other = sold.get(&[("if-match", "\"other\"")]).await;
    assert_eq!((other.status, other.code()), (412, "precondition_failed"));
    let nobody = sold.ask("GET", "", &[("if-none-match", "*")]).await;
    assert_eq!(nobody.status, 403, "no condition opens what a code does not");
}

#[tokio::test]
async fn an_empty_file_is_a_file() {
    let sold = Sold::new(0).await;
    let whole = sold.get(&[]).await;
    assert_eq!((whole.status, whole.header("content-length")), (200, "0"));
    assert_eq!(sold.get(&[("range", "bytes=0-")]).await.status, 416);
    assert_eq!(sold.get(&[("range", "bytes=-5")]).await.status, 200);
    assert_eq!(sold.counted().await, 1);
}

#[tokio::test]
async fn without_the_right_code_there_is_nothing() {
    let sold = Sold::new(1000).await;
    let path = format!("/v1/downloads/{}", sold.file);
    let bearer = format!("Bearer {}", sold.shop.admin);
    for headers in [&[][..], &[("authorization", bearer.as_str())]] {
        let nobody = sold.shop.send("GET", &path, headers, Value::Null).await;
        assert_eq!((nobody.status, nobody.header("www-authenticate")), (401, "License"));
    }
    let foreign = {
        let offer = product(&sold.shop, "other", Terms::Perpetual, None).await;
        release(&sold.shop, "other", "stable", "1.0", &[("other.zip", b"other")]).await;
        buy(&sold.shop, &offer, "bob@example.com").await
    };
    for code in [&foreign.short, &foreign.jws] {
        let refused = sold.ask("GET", code, &[]).await;
        assert_eq!((refused.status, refused.code()), (403, "code_refused"));
        assert_eq!(refused.at("/license_code"), "WRONG_PRODUCT", "the code itself is genuine");
    }
    let mut damaged = sold.code.short.clone();
    let last = if damaged.ends_with('A') { "B" } else { "A" };
    damaged.replace_range(damaged.len() - 1.., last);
    let (head, _) = sold.code.jws.rsplit_once('.').unwrap();
    let (_, tail) = foreign.jws.rsplit_once('.').unwrap();
    let forged = format!("{head}.{tail}");
    for code in [damaged.as_str(), &forged, "x", "", "a.b.c", "%00", &"A".repeat(5000)] {
        let refused = sold.ask("GET", code, &[]).await;
        assert_eq!((refused.status, refused.code()), (403, "code_refused"), "{code}");
        assert_eq!(refused.json.get("license_code"), None, "{code}");
    }
    for path in
        ["/v1/downloads/fil_0000000000000", "/v1/downloads/..%2F..%2Fetc", "/v1/downloads/x"]
    {
        let license = format!("License {}", sold.code.short);
        let headers = [("authorization", license.as_str())];
        assert_eq!(sold.shop.send("GET", path, &headers, Value::Null).await.status, 404, "{path}");
    }
    assert_eq!(sold.counted().await, 0);
}

#[tokio::test]
async fn guesses_wait_and_signed_codes_do_not() {
    let sold = Sold::new(1000).await;
    let mut last = 403;
    for _ in 0..61 {
        last = sold.ask("GET", "00000-00000-00000-00000-00000", &[]).await.status;
    }
    assert_eq!(last, 429);
    let waits = sold.get(&[]).await;
    assert_eq!((waits.status, waits.code()), (429, "rate_limited"));
    assert!(!waits.header("retry-after").is_empty());
    assert_eq!(sold.ask("GET", &sold.code.jws, &[]).await.status, 200);
    sold.shop.clock.advance(Span::minutes(1));
    assert_eq!(sold.get(&[]).await.status, 200);
}

#[tokio::test]
async fn a_rental_ends() {
    let terms = Terms::Rental { seconds: 3600, from: RentalStart::Purchase };
    let sold = Sold::with(1000, terms, None).await;
    let ticket = ticket(&sold, &sold.file).await;
    assert_eq!(follow(&sold, &ticket).await.status, 200);
    settle().await;
    sold.shop.clock.advance(Span::hours(1));
    let over = sold.get(&[]).await;
    assert_eq!((over.status, over.at("/license_code")), (403, "EXPIRED"));
    assert_eq!(follow(&sold, &ticket).await.at("/license_code"), "EXPIRED");
}

#[tokio::test]
async fn newer_releases_come_with_the_license() {
    let mut sold = Sold::new(1000).await;
    sold.shop.advance(Span::hours(1)).await;
    let newer = release(&sold.shop, "tool", "stable", "1.1", &[("tool.zip", b"newer")]).await;
    let beta = release(&sold.shop, "tool", "beta", "2.0", &[("tool.zip", b"beta")]).await;
    sold.file.clone_from(&newer[0]);
    assert!(sold.get(&[]).await.bytes == b"newer");
    sold.file.clone_from(&beta[0]);
    assert_eq!(sold.get(&[]).await.at("/license_code"), "WRONG_PRODUCT");
}

/// A ticket's path, from the answer that brings it.
async fn ticket(sold: &Sold, file: &str) -> String {
    let body = json!({ "code": sold.code.short, "file": file });
    let ticket = sold.shop.post("/v1/downloads/tickets", "", "", body).await;
    assert_eq!(ticket.status, 201, "{ticket:?}");
    ticket.at("/url").strip_prefix("http://shop.test").unwrap().to_owned()
}

async fn follow(sold: &Sold, path: &str) -> scrip_testkit::Answer {
    sold.shop.send("GET", path, &[], Value::Null).await
}

#[tokio::test]
async fn a_ticket_opens_its_file_for_a_quarter_of_an_hour() {
    let sold = Sold::new(1000).await;
    let path = ticket(&sold, &sold.file).await;
    sold.shop.clock.advance(Span::minutes(14));
    let head = sold.shop.send("HEAD", &path, &[], Value::Null).await;
    assert_eq!(head.status, 200);
    sold.shop.clock.advance(Span::minutes(1));
    let ended = follow(&sold, &path).await;
    assert_eq!((ended.status, ended.code()), (403, "code_refused"), "HEAD starts nothing");
}

#[tokio::test]
async fn a_started_ticket_goes_on_for_a_day() {
    let sold = Sold::new(1000).await;
    let path = ticket(&sold, &sold.file).await;
    sold.shop.clock.advance(Span::minutes(14));
    for _ in 0..3 {
        assert_eq!(follow(&sold, &path).await.status, 200, "it may be used often");
    }
    settle().await;
    sold.shop.clock.advance(Span::hours(23));
    assert!(follow(&sold, &path).await.bytes == sold.content);
    sold.shop.clock.advance(Span::hours(1));
    assert_eq!(follow(&sold, &path).await.status, 403);
}

#[tokio::test]
async fn a_restart_neither_ends_a_ticket_nor_lengthens_it() {
    let mut sold = Sold::new(1000).await;
    let used = ticket(&sold, &sold.file).await;
    sold.shop.clock.advance(Span::minutes(1));
    let other = ticket(&sold, &sold.file).await;
    let part = sold.shop.send("GET", &used, &[("range", "bytes=0-9")], Value::Null).await;
    assert_eq!(part.status, 206);
    settle().await;
    sold.shop = sold.shop.another().await;
    assert_eq!(follow(&sold, &other).await.status, 200, "in its first quarter of an hour");
    sold.shop = sold.shop.another().await;
    sold.shop.clock.advance(Span::minutes(15));
    assert_eq!(follow(&sold, &used).await.status, 200, "bytes were sent before the restart");
    sold.shop.clock.advance(Span::hours(23));
    sold.shop.clock.advance(Span::minutes(45));
    assert_eq!(follow(&sold, &used).await.status, 403, "a day after the first bytes");
}

/// Each new one looks at those of its license: so there are never more than so many.
#[tokio::test]
async fn of_very_many_started_tickets_the_first_ends_early() {
    let mut sold = Sold::new(10).await;
    let mut paths = Vec::new();
    for _ in 0..201 {
        let path = ticket(&sold, &sold.file).await;
        assert_eq!(follow(&sold, &path).await.status, 200);
        sold.shop.clock.advance(Span::millis(1));
        paths.push(path);
    }
    settle().await;
    // What one server remembers of a ticket, another looks up.
    sold.shop = sold.shop.another().await;
    sold.shop.clock.advance(Span::minutes(15));
    assert_eq!(follow(&sold, &paths[0]).await.status, 403);
    assert_eq!(follow(&sold, &paths[1]).await.status, 200);
    assert_eq!(follow(&sold, &paths[200]).await.status, 200);
}

#[tokio::test]
async fn a_ticket_that_was_not_started_ends_whatever_restarts() {
    let mut sold = Sold::new(1000).await;
    let path = ticket(&sold, &sold.file).await;
    sold.shop = sold.shop.another().await;
    sold.shop.clock.advance(Span::minutes(15));
    assert_eq!(follow(&sold, &path).await.status, 403);
}

#[tokio::test]
async fn a_ticket_opens_nothing_else() {
    let sold = Sold::new(1000).await;
    let other = release(&sold.shop, "tool", "stable", "1.1", &[("tool.zip", b"newer")]).await;
    let path = ticket(&sold, &sold.file).await;
    let (_, seal) = path.split_once("?ticket=").unwrap();
    let damaged = format!("{}A{}", &seal[..20], &seal[21..]);
    for path in [
        format!("/v1/downloads/{}?ticket={seal}", other[0]),
        format!("/v1/downloads/{}?ticket={damaged}", sold.file),
        format!("/v1/downloads/{}?ticket=", sold.file),
    ] {
        let refused = follow(&sold, &path).await;
        assert_eq!((refused.status, refused.code()), (403, "code_refused"), "{path}");
    }
    let unknown = follow(&sold, &format!("{path}&x=1")).await;
    assert_eq!((unknown.status, unknown.code()), (400, "unknown_field"));
    let body = json!({ "code": "x", "file": sold.file });
    let refused = sold.shop.post("/v1/downloads/tickets", "", "", body).await;
    assert_eq!((refused.status, refused.code()), (403, "code_refused"));
}

#[tokio::test]
async fn what_enters_the_tail_counts_once_a_day() {
    let sold = Sold::new(2_000_000).await;
    let tail = 2_000_000 - (1 << 20);
    let before = format!("bytes=0-{}", tail - 1);
    assert_eq!(sold.get(&[("range", &before)]).await.status, 206);
    assert_eq!(sold.counted().await, 0, "nothing of the last MiB was sent");
    let first = format!("bytes={tail}-{tail}");
    assert_eq!(sold.get(&[("range", &first)]).await.status, 206);
    assert_eq!(sold.counted().await, 1, "who has one piece of it can have them all");
    assert_eq!(sold.get(&[("range", "bytes=300000-")]).await.status, 206);
    assert_eq!(sold.counted().await, 1, "a resumed one that reaches the end has counted");
    sold.shop.clock.advance(Span::hours(23));
    sold.get(&[]).await;
    assert_eq!(sold.counted().await, 1, "again within 24 hours is free");
    sold.shop.clock.advance(Span::hours(1));
    sold.get(&[]).await;
    assert_eq!(sold.counted().await, 2);
}

#[tokio::test]
async fn all_but_the_last_byte_counts() {
    for (size, range) in
        [(2_000_000, "bytes=0-1999998"), (1000, "bytes=0-998"), (1000, "bytes=0-0")]
    {
        let sold = Sold::with(size, Terms::Perpetual, Some(1)).await;
        assert_eq!(sold.get(&[("range", range)]).await.status, 206);
        assert_eq!(sold.counted().await, 1, "{range}");
    }
}

#[tokio::test]
async fn what_is_cut_in_the_tail_has_counted() {
    let sold = Sold::new((1 << 20) + (256 << 10) + 1).await;
    let (_, mut body) = begin(&sold.shop, &sold.file, &sold.code.short).await;
    body.frame().await.unwrap().unwrap();
    assert_eq!(sold.counted().await, 0);
    body.frame().await.unwrap().unwrap();
    drop(body);
    assert_eq!(sold.counted().await, 1, "by its first piece, not by its last");
}

/// The first dozen mebibytes may lie in buffers on the way, however slow the line behind them is.
#[tokio::test]
async fn the_speed_of_a_line_is_what_comes_after_the_buffers() {
    for (size, measured) in [(19 << 20, false), (25 << 20, true)] {
        let sold = Sold::new(size).await;
        let (_, mut body) = begin(&sold.shop, &sold.file, &sold.code.short).await;
        let mut came = 0;
        while let Some(frame) = body.frame().await {
            came += frame.unwrap().into_data().unwrap().len();
            if came > 12 << 20 {
                sold.shop.clock.advance(Span::seconds(1));
            }
        }
        assert_eq!(came, size);
        drop(body);
        let slug = sold.shop.get("/v1/products", "").await.at("/data/0/slug").to_owned();
        let shown = sold.shop.get(&format!("/v1/products/{slug}"), &sold.buyer).await;
        let estimate = &shown.json["files"][0]["estimated_download"];
        assert_eq!(estimate["basis"] == "measured", measured, "{shown:?}");
        let mbps = estimate["mbps"].as_f64().unwrap();
        assert!(!measured || mbps < 10.0, "{mbps}");
    }
}

#[tokio::test]
async fn a_cut_download_costs_nothing_and_is_resumed() {
    let sold = Sold::new(3_000_000).await;
    let router = sold.shop.router();
    let request = Request::get(format!("/v1/downloads/{}", sold.file))
        .header("authorization", format!("License {}", sold.code.short))
        .body(axum::body::Body::empty());
    let response = router.oneshot(request.unwrap()).await.unwrap();
    let etag = response.headers()["etag"].to_str().unwrap().to_owned();
    let mut body = response.into_body();
    assert_eq!(body.size_hint().exact(), Some(3_000_000));
    let mut got = Vec::new();
    while got.len() < 1_000_000 {
        got.extend_from_slice(&body.frame().await.unwrap().unwrap().into_data().unwrap());
    }
    drop(body);
    assert_eq!(sold.counted().await, 0);
    let range = format!("bytes={}-", got.len());
    let rest = sold.get(&[("range", &range), ("if-range", &etag)]).await;
    assert_eq!(rest.status, 206);
    got.extend_from_slice(&rest.bytes);
    assert!(got == sold.content);
    assert_eq!(sold.counted().await, 1);
}

#[tokio::test]
async fn the_limit_is_on_what_counts() {
    let mut sold = Sold::with(1000, Terms::Perpetual, Some(1)).await;
    let newer = release(&sold.shop, "tool", "stable", "1.1", &[("tool.zip", b"newer")]).await;
    let first = sold.file.clone();
    for _ in 0..3 {
        assert_eq!(sold.get(&[("range", "bytes=0-500")]).await.status, 206);
        assert_eq!(sold.get(&[]).await.status, 200);
        assert_eq!(sold.counted().await, 1);
    }
    sold.file.clone_from(&newer[0]);
    let over = sold.get(&[]).await;
    assert_eq!((over.status, over.code()), (403, "download_limit"));
    sold.file = first;
    assert_eq!(sold.get(&[]).await.status, 200, "the counted one stays free for a day");
    sold.shop.clock.advance(Span::hours(24));
    let over = sold.get(&[]).await;
    assert_eq!((over.status, over.code()), (403, "download_limit"));
}

/// An answer whose body has not been read: the download is under way.
async fn begin(shop: &Shop, file: &str, code: &str) -> (u16, axum::body::Body) {
    let request = Request::get(format!("/v1/downloads/{file}"))
        .header("authorization", format!("License {code}"))
        .body(axum::body::Body::empty());
    let response = shop.router().oneshot(request.unwrap()).await.unwrap();
    (response.status().as_u16(), response.into_body())
}

/// Reads to the end, and tells how many bytes came, or that the answer broke off.
async fn read(body: axum::body::Body) -> Result<usize, axum::Error> {
    body.collect().await.map(|body| body.to_bytes().len())
}

/// A license of one download, and the ids of two files that it opens, of 2 000 000 bytes each.
async fn two_files() -> (Sold, String) {
    let sold = Sold::with(2_000_000, Terms::Perpetual, Some(1)).await;
    let content = bytes(2_000_000);
    let mut newer = release(&sold.shop, "tool", "stable", "1.1", &[("b.zip", &content)]).await;
    (sold, newer.remove(0))
}

#[tokio::test]
async fn what_is_being_sent_takes_part_in_the_limit() {
    let (sold, other) = two_files().await;
    let (shop, first, code) = (&sold.shop, &sold.file, &sold.code.short);
    let (status, mut begun) = begin(shop, first, code).await;
    assert_eq!(status, 200);
    begun.frame().await.unwrap().unwrap();
    assert_eq!(begin(shop, &other, code).await.0, 403, "the first one may yet count");
    let path = format!("/v1/downloads/{other}");
    let license = format!("License {code}");
    let headers = [("authorization", license.as_str()), ("range", "bytes=0-99")];
    let part = shop.send("GET", &path, &headers, Value::Null).await;
    assert_eq!(part.status, 206, "a part that is not the last one cannot count");
    let (again, same) = begin(shop, first, code).await;
    assert_eq!(again, 200, "the same file counts once");

    drop((begun, same));
    assert_eq!(sold.counted().await, 0);
    let (status, body) = begin(shop, &other, code).await;
    assert_eq!(status, 200, "what was cancelled left the place free");
    assert_eq!(read(body).await.unwrap(), 2_000_000);
    assert_eq!(sold.counted().await, 1);
    let (status, _) = begin(shop, first, code).await;
    assert_eq!(status, 403);
}

#[tokio::test]
async fn two_answers_with_the_same_file_count_once() {
    let (sold, _) = two_files().await;
    let (one, two) = (
        begin(&sold.shop, &sold.file, &sold.code.short).await,
        begin(&sold.shop, &sold.file, &sold.code.short).await,
    );
    let read = futures_util::future::join(read(one.1), read(two.1)).await;
    assert_eq!((read.0.unwrap(), read.1.unwrap()), (2_000_000, 2_000_000));
    assert_eq!(sold.counted().await, 1);
}

#[tokio::test]
async fn the_limit_holds_between_servers_too() {
    let (sold, other) = two_files().await;
    let code = &sold.code.short;
    let beside = sold.shop.another().await;
    let (here, begun) = begin(&sold.shop, &sold.file, code).await;
    let (there, ended) = begin(&beside, &other, code).await;
    assert_eq!((here, there), (200, 200), "neither knows of the other's answer");
    assert_eq!(read(ended).await.unwrap(), 2_000_000);
    assert!(read(begun).await.is_err(), "the tail is not sent without a download left");
    assert_eq!(sold.counted().await, 1);
    let refused = sold.get(&[("range", "bytes=1500000-")]).await;
    assert_eq!((refused.status, refused.code()), (403, "download_limit"));
}

#[test]
fn any_split_into_ranges_makes_the_whole() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let sold = runtime.block_on(Sold::new(900_001));
    let config = ProptestConfig { cases: 48, failure_persistence: None, ..Default::default() };
    proptest!(config, |(mut cuts in prop::collection::vec(0_usize..900_001, 0..6))| {
        cuts.extend([0, 900_001]);
        cuts.sort_unstable();
        cuts.dedup();
        let whole = runtime.block_on(async {
            let mut whole = Vec::new();
            for cut in cuts.windows(2) {
                let range = format!("bytes={}-{}", cut[0], cut[1] - 1);
                let part = sold.get(&[("range", &range)]).await;
                assert_eq!(part.status, 206);
                whole.extend(part.bytes);
            }
            whole
        });
        prop_assert!(whole == bytes(900_001));
    });
}

/// The one line of the buyer's order, and where a refund of it is asked for.
async fn wish(sold: &Sold) -> (String, Value) {
    let orders = sold.shop.get("/v1/orders", &sold.buyer).await;
    let path = format!("/v1/orders/{}/refund-requests", orders.at("/data/0/id"));
    (path, json!({ "line": orders.at("/data/0/lines/0/id"), "reason": "why" }))
}

/// What was bought, where what is covered goes back at once.
async fn granting(limit: Option<u32>) -> Sold {
    let sold = Sold::with(2_000_000, Terms::Perpetual, limit).await;
    let bearer = format!("Bearer {}", sold.shop.admin);
    let policy = json!({ "refund_policy": { "days": 14, "at_once": true } });
    let headers = [("authorization", bearer.as_str())];
    let set = sold.shop.send("PATCH", "/v1/admin/settings", &headers, policy).await;
    assert_eq!(set.status, 200, "{set:?}");
    sold
}

#[tokio::test]
async fn what_was_downloaded_in_part_goes_back_by_a_person() {
    let sold = granting(None).await;
    let file = sold.shop.get("/v1/licenses", &sold.buyer).await.at("/data/0/files/0/id").to_owned();
    let path = ticket(&sold, &file).await;
    let (path_of_wish, body) = wish(&sold).await;
    let part = sold.shop.send("GET", &path, &[("range", "bytes=0-0")], Value::Null).await;
    assert_eq!(part.status, 206);
    let asked = sold.shop.post(&path_of_wish, &sold.buyer, "r", body).await;
    let told = (asked.status, asked.at("/state"), &asked.json["covered"]);
    assert_eq!(told, (201, "open", &json!(true)), "{asked:?}");
    assert_eq!(sold.counted().await, 0);
    sold.shop.sound().await;
}

#[tokio::test]
async fn what_went_back_at_once_is_not_begun_any_more() {
    let sold = granting(None).await;
    let (status, begun) = begin(&sold.shop, &sold.file, &sold.code.short).await;
    assert_eq!(status, 200);
    let (path, body) = wish(&sold).await;
    let granted = sold.shop.post(&path, &sold.buyer, "r", body).await;
    assert_eq!((granted.status, granted.at("/state")), (201, "accepted"), "{granted:?}");
    let mut begun = begun;
    assert!(begun.frame().await.unwrap().is_err(), "not one byte of it");
}

#[tokio::test]
async fn what_goes_back_while_it_is_sent_is_not_sent_to_its_end() {
    for limit in [None, Some(3)] {
        let sold = granting(limit).await;
        let (status, mut begun) = begin(&sold.shop, &sold.file, &sold.code.short).await;
        assert_eq!(status, 200);
        begun.frame().await.unwrap().unwrap();
        let (path, body) = wish(&sold).await;
        let granted = sold.shop.post(&path, &sold.buyer, "r", body).await;
        assert_eq!((granted.status, granted.at("/state")), (201, "open"), "{granted:?}");
        let path = format!("/v1/admin/refund-requests/{}/accept", granted.at("/id"));
        let accepted = sold.shop.post(&path, &sold.shop.admin, "", json!({})).await;
        assert_eq!(accepted.at("/state"), "accepted", "{accepted:?}");
        assert!(read(begun).await.is_err(), "nobody keeps the whole file");
        assert_eq!(sold.counted().await, 0);
        sold.shop.sound().await;
    }
}

#[tokio::test]
async fn what_is_suspended_while_it_is_sent_waits_to_be_resumed() {
    let sold = Sold::new(600_000).await;
    let license = sold.shop.get("/v1/licenses", &sold.buyer).await.at("/data/0/id").to_owned();
    let turn = async |verb: &str| {
        let path = format!("/v1/admin/licenses/{license}/{verb}");
        let done = sold.shop.post(&path, &sold.shop.admin, "", json!({ "reason": "look" })).await;
        assert_eq!(done.status, 200, "{done:?}");
    };
    let (_, body) = begin(&sold.shop, &sold.file, &sold.code.short).await;
    turn("suspend").await;
    assert!(read(body).await.is_err());
    turn("resume").await;
    let (_, body) = begin(&sold.shop, &sold.file, &sold.code.short).await;
    assert_eq!(read(body).await.unwrap(), 600_000);
    assert_eq!(sold.counted().await, 1);
}

#[tokio::test]
async fn a_rental_that_ends_while_it_is_sent_is_sent_to_its_end() {
    let terms = Terms::Rental { seconds: 3600, from: RentalStart::Purchase };
    let sold = Sold::with(600_000, terms, None).await;
    let (_, body) = begin(&sold.shop, &sold.file, &sold.code.short).await;
    sold.shop.clock.advance(Span::hours(2));
    assert_eq!(read(body).await.unwrap(), 600_000, "it had begun in time");
    assert_eq!(sold.counted().await, 1);
}
