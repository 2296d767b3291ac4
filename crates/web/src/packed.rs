//! What is sent compressed: texts that are the same for everybody, compressed once. Pages are not: they are small, and where
//! a page has a secret beside what somebody else chose, its compressed length would tell of the secret.

use std::io::Write;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderMap, header};

/// The same, in gzip. Empty where it cannot be compressed: then it is sent as it is.
pub fn packed(content: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let written = encoder.write_all(content);
    written.and_then(|()| encoder.finish()).map(Bytes::from).unwrap_or_default()
}

/// Whether who asks can read gzip (RFC 9110, 12.5.3).
pub fn takes_gzip(asked: &HeaderMap) -> bool {
    let all = asked.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    all.flat_map(|value| value.split(',')).any(|one| {
        let (coding, weight) = one.split_once(';').unwrap_or((one, ""));
        let weight = weight.trim().trim_start_matches(['q', 'Q']).trim_start_matches('=');
        let never = !weight.is_empty() && weight.chars().all(|sign| matches!(sign, '0' | '.'));
        coding.trim().eq_ignore_ascii_case("gzip") && !never
    })
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn only_who_reads_gzip_gets_it() {
        let takes = |value: &'static str| {
            let headers = [(header::ACCEPT_ENCODING, HeaderValue::from_static(value))];
            takes_gzip(&headers.into_iter().collect())
        };
        for yes in ["gzip", "br, GZIP;q=0.5", "deflate,gzip", "gzip; q=1"] {
            assert!(takes(yes), "{yes}");
        }
        for no in ["", "br", "identity", "gzip;q=0", "br, gzip;q=0.000", "xgzip"] {
            assert!(!takes(no), "{no}");
        }
        assert!(!takes_gzip(&HeaderMap::new()));
    }
}
