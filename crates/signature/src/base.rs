//! The signature base (RFC 9421, section 2.5): the text that is signed.

use std::collections::BTreeSet;

use http::{HeaderMap, Method, Uri};
use sfv::{InnerList, ListSerializer};

/// A request, as far as a signature can cover it.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// Its method.
    pub method: &'a Method,
    /// Its whole address, as the receiver knows itself: never taken from the `Host` header.
    pub target: &'a str,
    /// Its headers.
    pub headers: &'a HeaderMap,
}

/// The text that is signed, for components and parameters in their order. `None` where a component cannot be
/// reckoned: unknown, absent, named twice, or with parameters, of which none is supported.
pub fn base(message: &Message<'_>, covered: &InnerList) -> Option<String> {
    let mut base = String::new();
    let mut seen = BTreeSet::new();
    for item in &covered.items {
        let name = item.bare_item.as_string()?.as_str();
        if !item.params.is_empty() || !seen.insert(name) {
            return None;
        }
        let value = message.component(name)?;
        base.push_str(&format!("\"{name}\": {value}\n"));
    }
    base.push_str(&format!("\"@signature-params\": {}", written(covered)?));
    Some(base)
}

/// Components and parameters as the header has them.
pub(crate) fn written(covered: &InnerList) -> Option<String> {
    let mut list = ListSerializer::new();
    let mut inner = list.inner_list();
    inner.items(&covered.items);
    inner.finish().parameters(&covered.params);
    list.finish()
}

impl Message<'_> {
    fn component(&self, name: &str) -> Option<String> {
        if !name.starts_with('@') {
            return self.field(name);
        }
        let target = || self.target.parse::<Uri>().ok();
        match name {
            "@method" => Some(self.method.as_str().to_owned()),
            "@target-uri" => Some(self.target.to_owned()),
            "@authority" => {
                let authority = target()?.authority()?.as_str().to_lowercase();
                let default = if target()?.scheme_str() == Some("https") { ":443" } else { ":80" };
                Some(authority.strip_suffix(default).unwrap_or(&authority).to_owned())
            }
            "@path" => Some(target()?.path().to_owned()),
            "@query" => Some(format!("?{}", target()?.query().unwrap_or_default())),
            _ => None,
        }
    }

    /// The value of a header: of all its lines, in order.
    pub(crate) fn field(&self, name: &str) -> Option<String> {
        let is_lower = !name.bytes().any(|byte| byte.is_ascii_uppercase());
        let mut lines = Vec::new();
        for value in self.headers.get_all(name).iter().filter(|_| is_lower) {
            lines.push(value.to_str().ok()?.trim());
        }
        (!lines.is_empty()).then(|| lines.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use base64ct::{Base64, Base64UrlUnpadded, Encoding};
    use scrip_license::{PublicKey, SigningKey};
    use sfv::{Dictionary, ListEntry, Parser};

    use super::*;

    /// The request of RFC 9421, appendix B.2.
    fn headers() -> HeaderMap {
        let pairs = [
            ("host", "example.com"),
            ("date", "Tue, 20 Apr 2021 02:07:55 GMT"),
            ("content-type", "application/json"),
            ("content-length", "18"),
        ];
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    fn covered(text: &str) -> InnerList {
        let dictionary: Dictionary = Parser::new(text).parse().unwrap();
        match dictionary.into_iter().next().unwrap().1 {
            ListEntry::InnerList(list) => list,
            ListEntry::Item(_) => panic!("no list"),
        }
    }

    fn based(text: &str) -> Option<String> {
        let headers = headers();
        let target = "https://example.com/foo?param=Value&Pet=dog";
        base(&Message { method: &Method::POST, target, headers: &headers }, &covered(text))
    }

    /// RFC 9421, appendix B.2.6, with the key of B.1.4.
    #[test]
    fn the_rfcs_ed25519_example_is_reproduced() {
        let mut seed = [0; 32];
        Base64UrlUnpadded::decode("n4Ni-HpISpVObnQMW0wOhCKROaIKqKtW_2ZYb2p9KcU", &mut seed)
            .unwrap();
        let key = SigningKey::from_seed(seed);
        let mut point = [0; 32];
        Base64UrlUnpadded::decode("JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs", &mut point)
            .unwrap();
        assert_eq!(key.public(), &PublicKey::from_bytes(&point).unwrap());

        let input = r#"sig-b26=("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519""#;
        let base = based(input).unwrap();
        assert_eq!(
            base,
            r#""date": Tue, 20 Apr 2021 02:07:55 GMT
"@method": POST
"@path": /foo
"@authority": example.com
"content-type": application/json
"content-length": 18
"@signature-params": ("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519""#
        );
        let signature = key.sign(base.as_bytes());
        assert_eq!(
            Base64::encode_string(&signature),
            "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw=="
        );
        assert!(key.public().verify(base.as_bytes(), &signature));
    }

    #[test]
    fn what_cannot_be_reckoned_is_no_base() {
        for bad in [
            r#"a=("absent")"#,
            r#"a=("Date")"#,
            r#"a=("date" "date")"#,
            r#"a=("date";bs)"#,
            r#"a=("@status")"#,
            r#"a=("@query-param";name="Pet")"#,
            r#"a=(date)"#,
            r#"a=("")"#,
        ] {
            assert_eq!(based(bad), None, "{bad}");
        }
        assert_eq!(based("a=()").unwrap(), "\"@signature-params\": ()");
    }

    #[test]
    fn the_address_is_taken_apart_as_the_rfc_says() {
        let part = |target: &str, name: &str| {
            let headers = HeaderMap::new();
            Message { method: &Method::GET, target, headers: &headers }.component(name)
        };
        assert_eq!(part("https://Pay.Example:443/a", "@authority").unwrap(), "pay.example");
        assert_eq!(part("http://pay.example:443/a", "@authority").unwrap(), "pay.example:443");
        assert_eq!(part("https://pay.example/a?b=%20", "@query").unwrap(), "?b=%20");
        assert_eq!(part("https://pay.example/a", "@query").unwrap(), "?");
        assert_eq!(part("/a", "@authority"), None);
    }

    #[test]
    fn lines_of_one_header_are_joined() {
        let mut headers = HeaderMap::new();
        headers.append("x-a", " one ".parse().unwrap());
        headers.append("x-a", "two".parse().unwrap());
        let message =
            Message { method: &Method::GET, target: "https://a.example/", headers: &headers };
        assert_eq!(message.field("x-a").unwrap(), "one, two");
    }
}
