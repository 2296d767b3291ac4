//! The digest of a body (RFC 9530, `Content-Digest`), by SHA-256.

use base64ct::{Base64, Encoding};
use http::HeaderMap;
use sfv::{Dictionary, ListEntry, Parser};
use sha2::{Digest, Sha256};

use crate::CONTENT_DIGEST;

/// What the header says of a body; an empty body has a digest too.
pub fn content_digest(body: &[u8]) -> String {
    format!("sha-256=:{}:", Base64::encode_string(&Sha256::digest(body)))
}

/// Whether the headers say so of this body. Digests by other algorithms beside it are not looked at.
pub(crate) fn is_right(headers: &HeaderMap, body: &[u8]) -> bool {
    let Some(value) = headers.get(CONTENT_DIGEST) else { return false };
    let Ok(digests) = Parser::new(value.as_bytes()).parse::<Dictionary>() else { return false };
    let Some(ListEntry::Item(digest)) = digests.get("sha-256") else { return false };
    digest.bare_item.as_byte_sequence() == Some(Sha256::digest(body).as_slice())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 9530, appendices B.1 and B.2 for SHA-256, and the digest of nothing.
    #[test]
    fn the_rfcs_examples() {
        let hello = b"{\"hello\": \"world\"}\n";
        assert_eq!(content_digest(hello), "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:");
        assert_eq!(content_digest(b""), "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:");
    }

    #[test]
    fn a_digest_is_of_this_body_by_sha_256() {
        let says = |value: &str, body: &[u8]| {
            let headers = [(http::HeaderName::from_static(CONTENT_DIGEST), value.parse().unwrap())];
            is_right(&headers.into_iter().collect(), body)
        };
        let right = content_digest(b"a");
        assert!(says(&right, b"a"));
        assert!(says(&format!("sha-512=:AAAA:, {right}"), b"a"), "one that is not known beside it");
        assert!(!says(&right, b"b"));
        for wrong in
            ["", "sha-256", "sha-256=\"x\"", "sha-256=:AAAA:", "sha-512=:AAAA:", "sha-256=("]
        {
            assert!(!says(wrong, b"a"), "{wrong}");
        }
        assert!(!is_right(&HeaderMap::new(), b""));
    }
}
