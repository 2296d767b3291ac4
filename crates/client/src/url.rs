//! The address of a server, and the percent-encoding of what goes into a path.

use std::fmt::{self, Write as _};
use std::str::FromStr;

use thiserror::Error;

/// Where a server's API stands: `http://host[:port][/prefix]`, or `https://…` where a proxy before it encrypts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl {
    /// Whether what is said is encrypted, which is the connector's business.
    pub encrypted: bool,
    /// Name or address, without the brackets of an IPv6 address.
    pub host: String,
    /// The port; when the address doesn't say, 80, or 443 where it is encrypted.
    pub port: u16,
    /// What comes before the path of each route, without a slash at its end; mostly empty.
    pub prefix: String,
}

/// Why a text is no address of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BadUrl {
    /// Another scheme, or none.
    #[error("the address of a server begins with https:// or http://")]
    Scheme,
    /// Nothing between the slashes, or something that is no host.
    #[error("the address of a server needs a host, as in http://localhost:8080")]
    Host,
    /// Not a number from 1 to 65535.
    #[error("the port of a server is a number from 1 to 65535")]
    Port,
    /// A question mark or a number sign.
    #[error("the address of a server has no query and no fragment")]
    Query,
}

impl FromStr for BaseUrl {
    type Err = BadUrl;

    fn from_str(text: &str) -> Result<Self, BadUrl> {
        let (encrypted, rest) = match (text.strip_prefix("https://"), text.strip_prefix("http://"))
        {
            (Some(rest), _) => (true, rest),
            (None, Some(rest)) => (false, rest),
            (None, None) => return Err(BadUrl::Scheme),
        };
        if rest.contains(['?', '#']) {
            return Err(BadUrl::Query);
        }
        let (authority, prefix) = rest.find('/').map_or((rest, ""), |slash| rest.split_at(slash));
        let (host, port) = split_port(authority, if encrypted { 443 } else { 80 })?;
        let valid = |c: char| c.is_ascii_graphic() && !"/@[]\\".contains(c);
        if host.is_empty() || !host.chars().all(valid) || !prefix.chars().all(valid_in_path) {
            return Err(BadUrl::Host);
        }
        let (host, prefix) = (host.to_owned(), prefix.trim_end_matches('/').to_owned());
        Ok(Self { encrypted, host, port, prefix })
    }
}

fn valid_in_path(c: char) -> bool {
    c.is_ascii_graphic()
}

fn split_port(authority: &str, usual: u16) -> Result<(&str, u16), BadUrl> {
    let (host, port) = if let Some(rest) = authority.strip_prefix('[') {
        let (host, after) = rest.split_once(']').ok_or(BadUrl::Host)?;
        (
            host,
            if after.is_empty() {
                None
            } else {
                Some(after.strip_prefix(':').ok_or(BadUrl::Host)?)
            },
        )
    } else {
        authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port)))
    };
    let port = port.map_or(Ok(usual), str::parse).map_err(|_| BadUrl::Port)?;
    if port == 0 { Err(BadUrl::Port) } else { Ok((host, port)) }
}

impl BaseUrl {
    /// `host:port` as the `Host` header wants it.
    pub fn authority(&self) -> String {
        let host = &self.host;
        let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
        if self.port == self.usual_port() { host } else { format!("{host}:{}", self.port) }
    }

    fn usual_port(&self) -> u16 {
        if self.encrypted { 443 } else { 80 }
    }

    fn scheme(&self) -> &'static str {
        if self.encrypted { "https://" } else { "http://" }
    }

    /// The path and query of an absolute URL on this server; a path is returned as it is. `None`:
    /// another server's.
    pub fn path_of<'u>(&self, url: &'u str) -> Option<&'u str> {
        if url.starts_with('/') {
            return Some(url);
        }
        let path = url.strip_prefix(self.scheme())?.strip_prefix(&self.authority())?;
        path.starts_with('/').then_some(path)
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}{}", self.scheme(), self.authority(), self.prefix)
    }
}

/// Percent-encodes one segment of a path or one value of a query (RFC 3986: all but the
/// unreserved).
pub(crate) fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// A path with a query of the pairs that have a value.
pub(crate) fn with_query(path: &str, pairs: &[(&str, Option<&str>)]) -> String {
    let mut out = path.to_owned();
    let mut separator = if path.contains('?') { '&' } else { '?' };
    for (name, value) in pairs {
        let Some(value) = value else { continue };
        let _ = write!(out, "{separator}{name}={}", encode(value));
        separator = '&';
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<(String, u16, String), BadUrl> {
        text.parse::<BaseUrl>().map(|url| (url.host, url.port, url.prefix))
    }

    #[test]
    fn addresses_are_taken_apart() {
        let url = |host: &str, port, prefix: &str| Ok((host.to_owned(), port, prefix.to_owned()));
        assert_eq!(parsed("http://localhost"), url("localhost", 80, ""));
        assert_eq!(parsed("http://localhost:8080/"), url("localhost", 8080, ""));
        assert_eq!(parsed("http://shop.example/a/b/"), url("shop.example", 80, "/a/b"));
        assert_eq!(parsed("http://[::1]:81"), url("::1", 81, ""));
        assert_eq!(parsed("http://[::1]"), url("::1", 80, ""));
        assert_eq!(parsed("https://shop.example/a"), url("shop.example", 443, "/a"));
        assert_eq!(parsed("https://shop.example:8443"), url("shop.example", 8443, ""));
        for text in ["http://shop.example/a", "https://shop.example", "https://shop.example:80"] {
            assert_eq!(text.parse::<BaseUrl>().map(|url| url.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn what_is_no_address_is_refused_with_its_reason() {
        for (text, why) in [
            ("ftp://shop.example", BadUrl::Scheme),
            ("localhost:8080", BadUrl::Scheme),
            ("http://", BadUrl::Host),
            ("http://:80", BadUrl::Host),
            ("http://user@shop.example", BadUrl::Host),
            ("http://a b", BadUrl::Host),
            ("http://[::1", BadUrl::Host),
            ("http://[::1]8", BadUrl::Host),
            ("http://shop.example/a b", BadUrl::Host),
            ("http://shop.example:0", BadUrl::Port),
            ("http://shop.example:65536", BadUrl::Port),
            ("http://shop.example:", BadUrl::Port),
            ("http://shop.example/?q", BadUrl::Query),
        ] {
            assert_eq!(parsed(text), Err(why), "{text}");
        }
    }

    #[test]
    fn a_url_of_this_server_becomes_a_path() {
        let base: BaseUrl = "http://[::1]:8080".parse().expect("valid");
        assert_eq!(base.path_of("http://[::1]:8080/v1/x?t=1"), Some("/v1/x?t=1"));
        assert_eq!(base.path_of("/v1/x"), Some("/v1/x"));
        assert_eq!(base.path_of("http://[::1]:80801/v1/x"), None);
        assert_eq!(base.path_of("http://elsewhere/v1/x"), None);
        assert_eq!(base.path_of("https://[::1]:8080/v1/x"), None);
    }

    #[test]
    fn queries_are_encoded_and_skip_what_is_absent() {
        let pairs = [("q", Some("a b&ü")), ("kind", None), ("limit", Some("3"))];
        assert_eq!(with_query("/v1/products", &pairs), "/v1/products?q=a%20b%26%C3%BC&limit=3");
    }
}
