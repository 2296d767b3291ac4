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
use super::wire::Connection;
use super::{BenchError, Common, Crowd, goods};

/// Large enough to make few calls, small enough to stay in the processor's cache.
const BUFFER: usize = 256 * 1024;

/// Which downloads.
#[derive(Debug, Args)]
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
    let (server, request) = request(&url)?;
    let connections = load::open(&server, common.connections, BUFFER).await?;
    let times = Times::from_now(common);
    let record = Rc::new(RefCell::new(Record::new(times.window)));
    let cpu = load::thread_cpu();
    let mut tasks = JoinSet::new();
    for connection in connections {
        let (request, record) = (Rc::clone(&request), Rc::clone(&record));
        let downloads = keep_busy(server.clone(), connection, request, record);
        // What is under way at the end is given up: its bytes are counted, its latency is not.
        tasks.spawn_local(async move {
            let _ = tokio::time::timeout_at(times.run.end, downloads).await;
        });
    }
    while tasks.join_next().await.is_some() {}
    let cpu = load::thread_cpu().saturating_sub(cpu);
    let about = About {
        load: "downloads",
        server: server.to_string(),
        connections: common.connections,
        accounts: None,
        rate: None,
    };
    Ok(Report::new(about, &record.borrow(), cpu))
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

fn request(url: &str) -> Result<(BaseUrl, Rc<[u8]>), BenchError> {
    let (server, path) = load::target(url)?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: {}\r\n\r\n", server.authority());
    Ok((server, request.into_bytes().into()))
}

async fn keep_busy(
    server: BaseUrl,
    mut connection: Connection,
    request: Rc<[u8]>,
    record: Rc<RefCell<Record>>,
) {
    loop {
        let start = Instant::now();
        match connection.drain(&request, |bytes| record.borrow_mut().came(bytes)).await {
            Ok(200) => record.borrow_mut().answered(start),
            Ok(status) => record.borrow_mut().failed(&format!("status_{status}")),
            Err(error) => {
                record.borrow_mut().failed(error.code());
                connection = load::reconnect(&server, connection, BUFFER).await;
            }
        }
    }
}
