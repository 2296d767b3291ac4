//! Conditional requests (RFC 9110, section 13), in their order of precedence.
//!
//! The one validator is the strong `ETag`: files have no modification date, so conditions by date are
//! ignored, as section 13.1.4 demands, and an `If-Range` with a date never holds.

use http::{HeaderMap, HeaderName, header};

/// What the conditions say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The request is carried out.
    Go,
    /// The caller has this representation.
    NotModified,
    /// The caller means another representation.
    Failed,
}

/// Checks `If-Match`, then `If-None-Match`. `etag` is that of the file, in quotes.
pub fn check(headers: &HeaderMap, etag: &str) -> Verdict {
    if headers.contains_key(header::IF_MATCH) && !names(headers, &header::IF_MATCH, etag, false) {
        Verdict::Failed
    } else if names(headers, &header::IF_NONE_MATCH, etag, true) {
        Verdict::NotModified
    } else {
        Verdict::Go
    }
}

/// Whether `Range` counts: there is no `If-Range`, or it names this representation, strongly.
pub fn range_applies(headers: &HeaderMap, etag: &str) -> bool {
    let mut values = headers.get_all(header::IF_RANGE).iter();
    match values.next() {
        None => true,
        Some(value) => value.as_bytes().trim_ascii() == etag.as_bytes() && values.next().is_none(),
    }
}

/// Whether the list of tags in header `name` has `etag` or is `*`. A weak tag counts in the weak
/// comparison only (section 8.8.3.2).
fn names(headers: &HeaderMap, name: &HeaderName, etag: &str, weak: bool) -> bool {
    let lists = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    // Our own tags contain no comma, so one that does cannot be cut into one of ours.
    lists.flat_map(|list| list.split(',')).map(str::trim).any(|tag| {
        let tag = if weak { tag.strip_prefix("W/").unwrap_or(tag) } else { tag };
        tag == "*" || tag == etag
    })
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const ETAG: &str = "\"abc\"";

    fn with(name: HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn if_match_is_strong_and_if_none_match_weak() {
        let check = |name, value| check(&with(name, value), ETAG);
        for value in ["\"abc\"", "*", "\"x\", \"abc\""] {
            assert_eq!(check(header::IF_MATCH, value), Verdict::Go, "{value}");
            assert_eq!(check(header::IF_NONE_MATCH, value), Verdict::NotModified, "{value}");
        }
        assert_eq!(check(header::IF_MATCH, "W/\"abc\""), Verdict::Failed);
        assert_eq!(check(header::IF_NONE_MATCH, "W/\"abc\""), Verdict::NotModified);
        assert_eq!(check(header::IF_MATCH, "\"x\""), Verdict::Failed);
        assert_eq!(check(header::IF_NONE_MATCH, "\"x\""), Verdict::Go);
    }

    #[test]
    fn if_range_holds_for_the_same_strong_tag_only() {
        assert!(range_applies(&HeaderMap::new(), ETAG));
        assert!(range_applies(&with(header::IF_RANGE, "\"abc\""), ETAG));
        for value in ["W/\"abc\"", "\"x\"", "*", "Sun, 22 Nov 2026 12:00:00 GMT", ""] {
            assert!(!range_applies(&with(header::IF_RANGE, value), ETAG), "{value}");
        }
    }
}
