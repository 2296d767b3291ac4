//! The client against a tiny server that shows what arrived.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use scrip_client::{
    Basket, Body, Client, Connector, Error, Line, Money, Paging, ProductQuery, Purchase, Range,
    Stream,
};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Says in JSON what it was asked, except where a path below wants something else.
async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes().to_vec()).unwrap_or_default();
    let header = |name: &str| {
        head.headers.get(name).map(|value| value.to_str().unwrap_or_default().to_owned())
    };
    let path = head.uri.path_and_query().map_or("", |path| path.as_str());
    let (status, answer) = match path {
        "/v1/purchases" => (402, short_of_tokens()),
        "/v1/wallet" => (502, Value::Null),
        "/v1/products?sort=price&limit=2" => (200, products()),
        "/v1/quotes" => {
            (200, json!({"total": money(5), "asked": "for more than this client knows"}))
        }
        _ => {
            let seen = json!({
                "method": head.method.as_str(),
                "path": path,
                "host": header("host"),
                "authorization": header("authorization"),
                "range": header("range"),
                "length": header("content-length"),
                "body": body.len(),
            });
            (200, seen)
        }
    };
    let answer = if answer.is_null() { "<html>".to_owned() } else { answer.to_string() };
    Ok(Response::builder().status(status).body(Full::from(answer)).expect("valid"))
}

fn money(amount: u64) -> Value {
    json!({"amount": amount, "unit": "AUR", "display": "some"})
}

fn short_of_tokens() -> Value {
    json!({
        "type": "/problems/insufficient_balance", "title": "Not enough tokens", "status": 402,
        "code": "insufficient_balance", "request_id": "req_1", "balance": money(1),
        "required": money(5), "shortfall": money(4), "links": {"top_up": "/wallet/top-up"},
        "errors": [{"field": "expected_total", "code": "too_little"}], "order": {"id": "ord_1"},
    })
}

fn products() -> Value {
    json!({"data": [{"id": "prd_1", "slug": "sky", "price_from": money(5), "new": 1}], "next": null})
}

async fn serve(stream: impl Stream + 'static) {
    // A client that goes away is no failure of the test.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer)).await;
}

/// Serves on a port of its own; returns the address and how many connections there were.
async fn server() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = format!("http://{}", listener.local_addr().expect("bound"));
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&connections);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(serve(stream));
        }
    });
    (address, connections)
}

async fn seen(client: &Client, method: Method, path: &str, body: impl Into<Body>) -> Value {
    let answer = client.request(method, path, &[], body).await.expect("an answer");
    answer.json().expect("what was seen")
}

#[tokio::test]
async fn requests_arrive_as_they_were_meant() {
    let (address, _) = server().await;
    let client = Client::new(&format!("{address}/shop/")).expect("valid").bearer("secret");
    let seen = seen(&client, Method::POST, "/v1/x", "abc".to_owned()).await;
    assert_eq!(seen["path"], "/shop/v1/x");
    assert_eq!(seen["host"], address["http://".len()..]);
    assert_eq!(seen["authorization"], "Bearer secret");
    assert_eq!(seen["length"], "3");
}

#[tokio::test]
async fn one_caller_needs_one_connection() {
    let (address, connections) = server().await;
    let client = Client::new(&address).expect("valid");
    for _ in 0..20 {
        seen(&client, Method::GET, "/v1/x", Body::empty()).await;
    }
    assert_eq!(connections.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn refusals_are_problems_with_everything_in_them() {
    let (address, _) = server().await;
    let client = Client::new(&address).expect("valid");
    let basket = Basket { lines: vec![Line::one("ofr_1")], coupon: None };
    let purchase = Purchase::of(basket, Money::new(5, "AUR"));
    let error = client.purchase("key", &purchase).await.expect_err("refused");
    assert_eq!(error.code(), Some("insufficient_balance"));
    assert_eq!(
        error.to_string(),
        "402 insufficient_balance: Not enough tokens; expected_total too_little"
    );
    let problem = error.problem().expect("a problem");
    assert_eq!(problem.shortfall.as_ref().map(|money| money.amount), Some(4));
    assert_eq!(problem.rest["order"]["id"], "ord_1");
}

#[tokio::test]
async fn answers_of_something_else_are_called_unreadable() {
    let (address, _) = server().await;
    let error = Client::new(&address).expect("valid").wallet().await.expect_err("no wallet");
    assert!(matches!(error, Error::Unreadable { status: StatusCode::BAD_GATEWAY, .. }), "{error}");
}

#[tokio::test]
async fn unknown_members_are_ignored() {
    let (address, _) = server().await;
    let client = Client::new(&address).expect("valid");
    let paging = Paging { limit: Some(2), after: None };
    let query = ProductQuery { sort: Some("price".to_owned()), paging, ..ProductQuery::default() };
    let page = client.products(&query).await.expect("products");
    assert_eq!(page.data[0].slug, "sky");
    assert_eq!(client.quote(&Basket::default()).await.expect("a quote").total.amount, 5);
}

#[tokio::test]
async fn uploads_stream_with_their_length_and_downloads_with_their_range() {
    let (address, _) = server().await;
    let client = Client::new(&address).expect("valid");
    let content = Body::reader(tokio::io::repeat(7), 1_000_000);
    let admin = client.admin("root");
    let seen = admin.put_object("ab12", content).await.expect("uploaded");
    assert_eq!(seen["path"], "/v1/admin/objects/ab12");
    assert_eq!((&seen["length"], &seen["body"]), (&json!("1000000"), &json!(1_000_000)));

    let mut reply = client.download("fil_1", "CODE", Range::From(9)).await.expect("a file");
    let mut got = Vec::new();
    while let Some(chunk) = reply.chunk().await.expect("whole") {
        got.extend_from_slice(&chunk);
    }
    let seen: Value = serde_json::from_slice(&got).expect("what was seen");
    assert_eq!(seen["authorization"], "License CODE");
    assert_eq!(seen["range"], "bytes=9-");
}

#[tokio::test]
async fn a_short_reader_never_passes_for_the_whole_file() {
    let (address, _) = server().await;
    let client = Client::new(&address).expect("valid");
    let content = Body::reader(&b"short"[..], 10);
    let error = client.request(Method::POST, "/v1/x", &[], content).await.expect_err("cut short");
    assert!(matches!(error, Error::Lost(_)), "{error}");
}

#[tokio::test]
async fn nobody_there_is_not_the_same_as_lost() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let client = Client::new(&format!("http://{}", listener.local_addr().expect("bound")));
    let client = client.expect("valid");
    let hangs_up = async {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        stream.read_u8().await.expect("the first byte of a request");
        drop(listener);
    };
    let (answer, ()) = tokio::join!(client.wallet(), hangs_up);
    assert!(matches!(answer, Err(Error::Lost(_))), "{answer:?}");
    let answer = client.wallet().await;
    assert!(matches!(answer, Err(Error::Unreachable { .. })), "{answer:?}");
}

#[tokio::test]
async fn a_connection_gone_stale_is_replaced() {
    let (address, connections) = server().await;
    let address = address["http://".len()..].to_owned();
    let proxy = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let client = Client::new(&format!("http://{}", proxy.local_addr().expect("bound")));
    let client = client.expect("valid");
    let one_answer_each = async {
        for _ in 0..2 {
            let (mut near, _) = proxy.accept().await.expect("a connection");
            let mut far = tokio::net::TcpStream::connect(&address).await.expect("the server");
            let mut bytes = [0; 4096];
            let read = near.read(&mut bytes).await.expect("a request");
            far.write_all(&bytes[..read]).await.expect("sent");
            let read = far.read(&mut bytes).await.expect("an answer");
            near.write_all(&bytes[..read]).await.expect("sent");
        }
    };
    let calls = async {
        seen(&client, Method::GET, "/v1/x", Body::empty()).await;
        seen(&client, Method::GET, "/v1/x", Body::empty()).await;
    };
    tokio::join!(calls, one_answer_each);
    assert_eq!(connections.load(Ordering::Relaxed), 2);
}

#[test]
fn the_same_client_runs_in_the_simulator() -> turmoil::Result {
    let mut sim = turmoil::Builder::new().build();
    sim.host("shop", || async {
        let listener = turmoil::net::TcpListener::bind("0.0.0.0:80").await?;
        loop {
            let (stream, _) = listener.accept().await?;
            tokio::spawn(serve(stream));
        }
    });
    sim.client("buyer", async {
        let connector = Connector::new(|host: String, port| async move {
            turmoil::net::TcpStream::connect((host, port)).await
        });
        let client = Client::with_connector("http://shop", connector)?;
        assert_eq!(seen(&client, Method::GET, "/v1/x", Body::empty()).await["host"], "shop");
        turmoil::partition("buyer", "shop");
        let lost = client.request(Method::GET, "/v1/x", &[], Body::empty());
        let gone = tokio::time::timeout(std::time::Duration::from_secs(1), lost).await;
        assert!(gone.is_err(), "nothing arrives through a partition");
        turmoil::repair("buyer", "shop");
        seen(&client, Method::GET, "/v1/x", Body::empty()).await;
        Ok(())
    });
    sim.run()
}
