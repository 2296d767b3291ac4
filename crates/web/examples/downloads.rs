//! A shop that sells one file on a real port, to be paired with a bare file server (nginx with
//! sendfile) on the same machine:
//!
//! ```sh
//! head -c 268435456 /dev/urandom > /tmp/large.bin
//! cargo run --release -p scrip-web --example downloads -- 9001 /tmp/large.bin   # prints a link
//! scrip bench downloads --url LINK --connections 8
//! ```

#[expect(dead_code, reason = "the tests use all of it")]
#[path = "../tests/it/goods.rs"]
mod goods;

use std::error::Error;

use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use scrip_license::Terms;
use scrip_testkit::Shop;
use serde_json::json;
use tokio::net::TcpListener;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: downloads PORT FILE";
    let (port, file) = (arguments.next().ok_or(usage)?, arguments.next().ok_or(usage)?);
    let buffer = arguments.next().and_then(|size| size.parse().ok());
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?
        .block_on(serve(port.parse()?, std::fs::read(file)?, buffer))
}

async fn serve(port: u16, content: Vec<u8>, buffer: Option<usize>) -> Result<(), Box<dyn Error>> {
    let shop = Shop::open_on_threads().await;
    let sold = goods::Sold::by(shop, content, Terms::Perpetual, None).await;
    let body = json!({ "code": sold.code.short, "file": sold.file });
    let ticket = sold.shop.post("/v1/downloads/tickets", "", "", body).await;
    let (_, path) = ticket.at("/url").split_once("shop.test").ok_or("no link")?;
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("http://{}{path}", listener.local_addr()?);
    let mut http = http1::Builder::new();
    if let Some(buffer) = buffer {
        http.max_buf_size(buffer);
    }
    let router = sold.shop.router();
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let service = TowerToHyperService::new(router.clone());
        tokio::spawn(http.serve_connection(TokioIo::new(stream), service));
    }
}
