//! The yardstick: what axum alone does on this machine, with the server's allocator and no shop
//! behind it. The same generator loads it, so that the shop's own figures can be paired with it:
//!
//! ```sh
//! cargo run --release -p scrip-web --example echo -- 9000
//! scrip bench reads --url http://127.0.0.1:9000/json
//! scrip bench reads --url http://127.0.0.1:9000/echo --body '{"id":1,"name":"echo","tags":["a"]}'
//! ```

use std::error::Error;

use axum::routing::{get, post};
use axum::serve::ListenerExt as _;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Something of the shape that APIs pass around: a number, a text, a list.
#[derive(Clone, Serialize, Deserialize)]
struct Note {
    id: u64,
    name: String,
    #[serde(default)]
    tags: Vec<String>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let port = std::env::args().nth(1).map_or(Ok(9000), |port| port.parse())?;
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?
        .block_on(serve(port))
}

async fn serve(port: u16) -> Result<(), Box<dyn Error>> {
    let note = Note { id: 1, name: "n".repeat(980), tags: vec!["a".to_owned()] };
    let router = Router::new()
        .route("/echo", post(async |Json(note): Json<Note>| Json(note)))
        .route("/json", get(move || std::future::ready(Json(note.clone()))));
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    println!("http://{}", listener.local_addr()?);
    let listener = listener.tap_io(|stream| {
        // Without it the figure would be the kernel's patience, not axum's speed; a stream that
        // refuses is closing.
        let _ = stream.set_nodelay(true);
    });
    Ok(axum::serve(listener, router).await?)
}
