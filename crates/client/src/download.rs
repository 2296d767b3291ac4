//! Fetching goods: whole or in part, by code or by ticket.

use http::Method;
use serde::Deserialize;
use serde_json::json;

use crate::{Body, Client, Error, Reply, url};

/// Which bytes of a file are asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Range {
    /// All of them.
    #[default]
    Whole,
    /// From here to the end, to go on after a break.
    From(u64),
    /// From the first to the last, both included.
    Between(u64, u64),
}

impl Range {
    fn header(self) -> Option<String> {
        match self {
            Self::Whole => None,
            Self::From(first) => Some(format!("bytes={first}-")),
            Self::Between(first, last) => Some(format!("bytes={first}-{last}")),
        }
    }
}

/// A link that downloads one file without a code, for a while.
#[derive(Clone, Debug, Deserialize)]
pub struct Ticket {
    /// The link.
    pub url: String,
    /// When it ends.
    pub expires_at: String,
}

impl Client {
    /// A link for programs that cannot send the code.
    pub async fn ticket(&self, code: &str, file: &str) -> Result<Ticket, Error> {
        self.post("/v1/downloads/tickets", &json!({"code": code, "file": file})).await
    }

    /// Downloads a file by code.
    pub async fn download(&self, file: &str, code: &str, range: Range) -> Result<Reply, Error> {
        let path = format!("/v1/downloads/{}", url::encode(file));
        let license = format!("License {code}");
        self.fetch(&path, &[("authorization", &license)], range).await
    }

    /// Downloads by the link of a ticket, which must lead to this server.
    pub async fn download_by_ticket(&self, ticket: &Ticket, range: Range) -> Result<Reply, Error> {
        let path = self.base().path_of(&ticket.url).ok_or_else(|| Error::Unreadable {
            status: http::StatusCode::CREATED,
            detail: format!("the ticket leads to another server: {}", ticket.url),
        })?;
        let path = path.strip_prefix(self.base().prefix.as_str()).unwrap_or(path);
        self.fetch(path, &[], range).await
    }

    async fn fetch(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        range: Range,
    ) -> Result<Reply, Error> {
        let range = range.header();
        let mut headers = headers.to_vec();
        headers.extend(range.as_deref().map(|range| ("range", range)));
        self.stream(Method::GET, path, &headers, Body::empty()).await?.accepted().await
    }
}
