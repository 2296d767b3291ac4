//! One large file over and over, by the link of a ticket.

use std::cell::RefCell;
use std::rc::Rc;

use clap::Args;
use scrip_client::{BaseUrl, Client};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::load::{self, Times};
use super::record::Record;
use super::report::{About, Report};
use super::sessions::Sessions;
use super::wire::{Connection, Sink};
use super::{BenchError, Common, Crowd, goods};

/// Large enough for few calls, small enough for the processor's cache.
const SINK: usize = 256 * 1024;

/// Which downloads.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  scrip bench downloads --connections 8 --seconds 10")]
pub(super) struct DownloadsArgs {
    #[command(flatten)]
    pub(super) common: Common,
    /// Download this instead of buying the largest file in the catalogue
    #[arg(long, value_name = "URL")]
    url: Option<String>,
}

pub(super) async fn run(args: &DownloadsArgs) -> Result<Report, BenchError> {
    let DownloadsArgs { common, url } = args;
    let url = match url {
        Some(url) => url.clone(),
        None => bought(common).await?,
    };
    let (server, path) = load::target(&url)?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: {}\r\n\r\n", server.authority());
    let about = About {
        load: "downloads",
        server: server.to_string(),
        connections: common.connections,
        accounts: None,
        rate: None,
    };
    let connections = load::open(&server, common.connections).await?;
    let times = Times::from_now(common);
    let record = RefCell::new(Record::new(times.window));
    let downloads = Rc::new(Downloads { server, request, record, sink: Sink::new(SINK) });
    let cpu = load::thread_cpu();
    let mut tasks = JoinSet::new();
    for connection in connections {
        tasks.spawn_local(Rc::clone(&downloads).keep_busy(connection));
    }
    // What is under way at the end is given up: its bytes count, its latency doesn't.
    tokio::time::sleep_until(times.run.end).await;
    tasks.shutdown().await;
    let cpu = load::thread_cpu().saturating_sub(cpu);
    Ok(Report::new(about, &downloads.record.borrow(), cpu))
}

/// The link to the largest file for sale, bought for a new account.
async fn bought(common: &Common) -> Result<String, BenchError> {
    let mut session = Sessions::obtain(common, &Crowd::of_one()).await?;
    let buyer = common.client()?.bearer(session.draw());
    let (file, offer) = goods::largest_file(&buyer).await?;
    let purchase = goods::purchase_of(&buyer, &offer).await?;
    let key = format!("{:016x}", goods::run_id()?);
    let order = buyer.purchase(&key, &purchase).await?;
    let license = order.licenses.first().ok_or(BenchError::NothingFound("license in the order"))?;
    let ticket = buyer.ticket(&license.code.jws, &file.id).await?;
    Ok(absolute(&buyer, ticket.url))
}

fn absolute(client: &Client, url: String) -> String {
    if url.starts_with('/') { format!("http://{}{url}", client.base().authority()) } else { url }
}

struct Downloads {
    server: BaseUrl,
    request: String,
    record: RefCell<Record>,
    sink: Sink,
}

impl Downloads {
    async fn keep_busy(self: Rc<Self>, mut connection: Connection) {
        loop {
            let start = Instant::now();
            let came = |bytes| self.record.borrow_mut().came(bytes);
            match connection.drain(self.request.as_bytes(), &self.sink, came).await {
                Ok(200) => self.record.borrow_mut().answered(start),
                Ok(status) => self.record.borrow_mut().failed(&format!("status_{status}")),
                Err(error) => {
                    self.record.borrow_mut().failed(error.code());
                    connection = load::reconnect(&self.server, connection).await;
                }
            }
        }
    }
}
