//! One product, read by members drawn by chance; or any URL, to pair the figure with another
//! server's.

use clap::Args;
use scrip_client::BaseUrl;

use super::load::{self, Workload, refusal};
use super::report::{About, Report};
use super::sessions::Sessions;
use super::wire::Answer;
use super::{BenchError, Common, Crowd, goods};

/// Which reads.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  scrip bench reads --connections 64 --seconds 10")]
pub(super) struct ReadsArgs {
    #[command(flatten)]
    pub(super) common: Common,
    #[command(flatten)]
    crowd: Crowd,
    /// The product to read; without it the first in the catalogue
    #[arg(long, value_name = "SLUG")]
    product: Option<String>,
    /// Read this instead, as nobody: another server, as a yardstick
    #[arg(long, value_name = "URL", conflicts_with_all = ["product", "sessions"])]
    url: Option<String>,
    /// Post this JSON to the URL instead of reading it
    #[arg(long, value_name = "JSON", requires = "url")]
    body: Option<String>,
}

pub(super) async fn run(args: &ReadsArgs) -> Result<Report, BenchError> {
    let ReadsArgs { common, crowd, url, .. } = args;
    let (server, workload) = match url {
        Some(url) => yardstick(url, args.body.as_deref())?,
        None => product(args).await?,
    };
    let about = About {
        load: "reads",
        server: url.clone().unwrap_or_else(|| server.to_string()),
        connections: common.connections,
        accounts: url.is_none().then_some(crowd.accounts),
        rate: crowd.rate,
    };
    load::run(common, server, about, workload).await
}

async fn product(args: &ReadsArgs) -> Result<(BaseUrl, Reads), BenchError> {
    let mut sessions = Sessions::obtain(&args.common, &args.crowd).await?;
    let member = args.common.client()?.bearer(sessions.draw());
    let slug = match args.product.clone() {
        Some(slug) => slug,
        None => goods::first_product(&member).await?,
    };
    let server = member.base().clone();
    let start = format!(
        "GET {}/v1/products/{slug} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer ",
        server.prefix,
        server.authority(),
    );
    Ok((server, Reads { start: start.into_bytes(), sessions: Some(sessions), end: END.to_vec() }))
}

fn yardstick(url: &str, body: Option<&str>) -> Result<(BaseUrl, Reads), BenchError> {
    let (server, path) = load::target(url)?;
    let host = server.authority();
    let method = if body.is_some() { "POST" } else { "GET" };
    let start = format!("{method} {path} HTTP/1.1\r\nhost: {host}");
    let end = body.map_or_else(
        || END.to_vec(),
        |body| {
            let length = body.len();
            let head = "\r\ncontent-type: application/json\r\ncontent-length";
            format!("{head}: {length}\r\n\r\n{body}").into_bytes()
        },
    );
    Ok((server, Reads { start: start.into_bytes(), sessions: None, end }))
}

const END: &[u8] = b"\r\n\r\n";

struct Reads {
    start: Vec<u8>,
    sessions: Option<Sessions>,
    end: Vec<u8>,
}

impl Workload for Reads {
    fn write(&mut self, request: &mut Vec<u8>) {
        request.extend_from_slice(&self.start);
        if let Some(sessions) = &mut self.sessions {
            request.extend_from_slice(sessions.draw().as_bytes());
        }
        request.extend_from_slice(&self.end);
    }

    fn check(&mut self, answer: &Answer<'_>) -> Result<(), String> {
        if answer.status == 200 { Ok(()) } else { Err(refusal(answer)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(url: &str, body: Option<&str>) -> String {
        let (_, mut reads) = yardstick(url, body).expect("valid");
        let mut request = Vec::new();
        reads.write(&mut request);
        String::from_utf8(request).expect("text")
    }

    #[test]
    fn any_url_can_be_read_or_posted_to() {
        assert_eq!(request("http://x:81", None), "GET / HTTP/1.1\r\nhost: x:81\r\n\r\n");
        assert_eq!(
            request("http://x/echo", Some("{}")),
            "POST /echo HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
             content-length: 2\r\n\r\n{}"
        );
    }
}
