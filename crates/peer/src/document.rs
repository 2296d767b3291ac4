//! What another server has signed, and the names that it gives.

use base64ct::{Base64UrlUnpadded, Encoding};
use scrip_domain::document::MAX_LENGTH;
use scrip_engine::peer::{PeerError, PeerKeys, PeerRefusal, Pen};
use scrip_license::{KeySet, jws};
use serde::Deserialize;
use serde_json::Value;

/// The claims of a document of the server at `url`, if one of its keys has signed it.
pub(crate) async fn claims(
    keys: &PeerKeys,
    pen: &Pen,
    url: &str,
    typ: &str,
    document: &str,
) -> Result<Value, PeerError> {
    let unbelievable = |why: &dyn ToString| PeerError::Unbelievable(why.to_string());
    let kid = kid_of(document).ok_or_else(|| unbelievable(&"a document that names no key"))?;
    let key = keys.key(url, &kid, pen.now()).await;
    let key = key.map_err(|refusal| match refusal {
        PeerRefusal::Unreachable(why) => PeerError::Unanswered(why),
        refusal => unbelievable(&refusal),
    })?;
    let keys: KeySet = [key].into_iter().collect();
    jws::verify_within(MAX_LENGTH, document, typ, &keys).map_err(|error| unbelievable(&error))
}

/// A name of another server's making, which must not lead anywhere else.
pub(crate) fn named(name: &str) -> Result<&str, PeerError> {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    if !name.is_empty() && name.len() <= 100 && name.bytes().all(is_name) {
        return Ok(name);
    }
    Err(PeerError::Unbelievable("a name that is none".to_owned()))
}

/// The name of the key that a document says it was signed with.
fn kid_of(document: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Header {
        kid: String,
    }
    let (header, _) = document.split_once('.').filter(|(header, _)| header.len() <= 400)?;
    let header = Base64UrlUnpadded::decode_vec(header).ok()?;
    serde_json::from_slice::<Header>(&header).ok().map(|header| header.kid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_names_its_key_or_is_none() {
        let header =
            |json: &str| format!("{}.e30.", Base64UrlUnpadded::encode_string(json.as_bytes()));
        let good = header(r#"{"alg":"EdDSA","kid":"k1","typ":"scrip-receipt+jwt"}"#);
        assert_eq!(kid_of(&good).as_deref(), Some("k1"));
        let long = header(&format!(r#"{{"kid":"{}"}}"#, "k".repeat(400)));
        for bad in ["", "e30", "e30.e30.", "*.e30.", &header(r#"{"kid":1}"#), &long] {
            assert_eq!(kid_of(bad), None, "{bad}");
        }
    }
}
