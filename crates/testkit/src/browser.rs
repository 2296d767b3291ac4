//! Somebody's browser: keeps cookies, sends forms, and reads the pages that come.

use std::collections::BTreeMap;

use axum::body::Body;
use hmac::{Hmac, KeyInit, Mac};
use http::Request;
use scrip_domain::Clock;
use sha1::Sha1;

use crate::{Answer, Shop};

/// A browser on one shop's pages. It follows no redirection by itself.
#[derive(Debug)]
pub struct Browser<'s> {
    shop: &'s Shop,
    cookies: BTreeMap<String, String>,
    languages: Option<String>,
}

/// A page, or where to go instead.
#[derive(Debug)]
pub struct Page {
    /// The HTTP status.
    pub status: u16,
    /// The page.
    pub html: String,
    /// The answer that it came with.
    pub answer: Answer,
}

impl Page {
    /// Where it sends the browser; empty when it sends it nowhere.
    pub fn location(&self) -> &str {
        self.answer.header("location")
    }

    /// The value of the first input called `name`; empty when there is none.
    pub fn input(&self, name: &str) -> &str {
        let named = format!("name=\"{name}\" value=\"");
        let rest = self.html.split(&named).nth(1).unwrap_or_default();
        rest.split('"').next().unwrap_or_default()
    }
}

/// What stands between the parts of a form with files.
pub const BOUNDARY: &str = "----scrip-testkit";

/// A form with files, as browsers write it.
pub fn multipart(fields: &[(&str, &str)], files: &[(&str, &str, &str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, value) in fields {
        let head =
            format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n");
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(value.as_bytes());
        body.extend_from_slice(b"\r\n");
    }
    for (name, file, media_type, bytes) in files {
        let head = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{file}\"\r\n\
             Content-Type: {media_type}\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    body
}

impl<'s> Browser<'s> {
    /// A browser without cookies.
    pub fn on(shop: &'s Shop) -> Self {
        Self { shop, cookies: BTreeMap::new(), languages: None }
    }

    /// The same, asking for these languages (RFC 9110, `Accept-Language`).
    #[must_use]
    pub fn reading(self, languages: &str) -> Self {
        Self { languages: Some(languages.to_owned()), ..self }
    }

    /// Opens a page.
    pub async fn open(&mut self, path: &str) -> Page {
        let request = self.request("GET", path).body(Body::empty());
        self.ask(request.expect("a request")).await
    }

    /// Opens a page by a link on a page of `site`, in the words of Fetch Metadata.
    pub async fn open_from(&mut self, site: &str, path: &str) -> Page {
        let request = self.request("GET", path).header("sec-fetch-site", site);
        self.ask(request.body(Body::empty()).expect("a request")).await
    }

    /// Sends a form from a page of the shop.
    pub async fn send(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        self.send_from("same-origin", path, fields).await
    }

    /// Sends a form from a page of `site`, in the words of Fetch Metadata.
    pub async fn send_from(&mut self, site: &str, path: &str, fields: &[(&str, &str)]) -> Page {
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = self.request("POST", path).header("sec-fetch-site", site);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        self.ask(request.body(Body::from(form)).expect("a request")).await
    }

    /// Sends a form with files from a page of the shop: fields first, then each file's field, name, media type and bytes.
    pub async fn upload(
        &mut self,
        path: &str,
        fields: &[(&str, &str)],
        files: &[(&str, &str, &str, &[u8])],
    ) -> Page {
        let form = multipart(fields, files);
        self.send_parts("same-origin", path, Body::from(form)).await
    }

    /// Sends a body as a form with files, whose boundary is [`BOUNDARY`], from a page of `site`.
    pub async fn send_parts(&mut self, site: &str, path: &str, body: Body) -> Page {
        let request = self.request("POST", path).header("sec-fetch-site", site);
        let content_type = format!("multipart/form-data; boundary={BOUNDARY}");
        let request = request.header("content-type", content_type);
        self.ask(request.body(body).expect("a request")).await
    }

    fn request(&self, method: &str, path: &str) -> http::request::Builder {
        let request = Request::builder().method(method).uri(path).header("host", "shop.test");
        let request = request.header("accept", "text/html,*/*;q=0.8");
        let request = match &self.languages {
            Some(languages) => request.header("accept-language", languages),
            None => request,
        };
        let cookies: Vec<_> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if cookies.is_empty() { request } else { request.header("cookie", cookies.join("; ")) }
    }

    async fn ask(&mut self, request: Request<Body>) -> Page {
        let answer = self.shop.raw(request).await;
        for set in answer.headers.get_all("set-cookie") {
            let set = set.to_str().unwrap_or_default();
            let (name, rest) = set.split_once('=').unwrap_or((set, ""));
            let value = rest.split(';').next().unwrap_or_default();
            if set.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        let html = String::from_utf8_lossy(&answer.bytes).into_owned();
        Page { status: answer.status, html, answer }
    }
}

/// The code that an authenticator with this secret (base32, RFC 4648) shows at the time of `clock` (RFC 6238).
pub fn totp(secret: &str, clock: &dyn Clock) -> String {
    let bits = secret.bytes().flat_map(|symbol| {
        let five = if symbol.is_ascii_digit() { symbol - b'2' + 26 } else { symbol - b'A' };
        (0..5).rev().map(move |bit| five >> bit & 1)
    });
    let bits: Vec<_> = bits.collect();
    let key: Vec<u8> =
        bits.chunks_exact(8).map(|byte| byte.iter().fold(0, |byte, bit| byte << 1 | bit)).collect();
    let step = clock.now().millis().unsigned_abs() / 30_000;
    let mut mac = Hmac::<Sha1>::new_from_slice(&key).expect("a key of any length");
    mac.update(&step.to_be_bytes());
    let mac = mac.finalize().into_bytes();
    let at = usize::from(mac[19] & 0xf);
    let four = [mac[at] & 0x7f, mac[at + 1], mac[at + 2], mac[at + 3]];
    format!("{:06}", u32::from_be_bytes(four) % 1_000_000)
}
