//! An activation without a network: a request that is carried out, and the signed answer that is carried back.

use std::fmt;
use std::str::FromStr;

use base64ct::{Base64UrlUnpadded, Encoding};
use serde::{Deserialize, Serialize};

/// What `POST /v1/licenses/activate` takes. As text it is one line of base64url, which fits on paper, into a QR picture, and
/// through any mail program; [`ActivationRequest::from_str`] bears with line breaks and spaces that came in on the way.
///
/// ```
/// use scrip_license::ActivationRequest;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let request = ActivationRequest {
///     code: "028T5-CY4TQ-KFF8D-DD93N-VARTJ".into(),
///     fingerprint: "4c4c4544-0042".into(),
///     name: Some("the one in the cellar".into()),
///     product: None,
/// };
/// let carried = request.to_string();
/// assert_eq!(carried.parse::<ActivationRequest>()?, request);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActivationRequest {
    /// The code, in either form.
    pub code: String,
    /// Whatever the program takes for the machine's fingerprint.
    pub fingerprint: String,
    /// What the program calls the machine, for its owner's eyes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The product, `prd_...`: a code for another one is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
}

/// The text is not an activation request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an activation request, or not all of it")]
pub struct ActivationRequestError;

impl ActivationRequest {
    /// The longest text that is read, in bytes: a code, a fingerprint and names.
    pub const MAX_LENGTH: usize = 8 * 1024;
}

impl fmt::Display for ActivationRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let json = serde_json::to_vec(self).map_err(|_| fmt::Error)?;
        f.write_str(&Base64UrlUnpadded::encode_string(&json))
    }
}

impl FromStr for ActivationRequest {
    type Err = ActivationRequestError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() > Self::MAX_LENGTH {
            return Err(ActivationRequestError);
        }
        let text: String = text.chars().filter(|character| !character.is_whitespace()).collect();
        let json = Base64UrlUnpadded::decode_vec(&text).map_err(|_| ActivationRequestError)?;
        serde_json::from_slice(&json).map_err(|_| ActivationRequestError)
    }
}

impl fmt::Debug for ActivationRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ActivationRequest")
            .field("name", &self.name)
            .field("product", &self.product)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn request() -> ActivationRequest {
        ActivationRequest {
            code: "a.b.c".into(),
            fingerprint: "desk".into(),
            name: None,
            product: Some("prd_06bq3v8k2m9z0".into()),
        }
    }

    #[test]
    fn the_text_is_the_json_of_the_activation_in_base64url() {
        // printf '{"code":"a.b.c","fingerprint":"desk","product":"prd_06bq3v8k2m9z0"}' | basenc --base64url
        let expected = "eyJjb2RlIjoiYS5iLmMiLCJmaW5nZXJwcmludCI6ImRlc2siLCJwcm9kdWN0IjoicHJkXzA2YnEzdjhrMm05ejAifQ";
        assert_eq!(request().to_string(), expected);
        let broken = format!("  {}\r\n{} \n", &expected[..40], &expected[40..]);
        assert_eq!(broken.parse(), Ok(request()));
        assert!(!format!("{:?}", request()).contains("a.b.c"), "a code is not for the log");
    }

    #[test]
    fn a_part_of_it_is_not_one() {
        let text = request().to_string();
        for end in 0..text.len() {
            assert_eq!(text[..end].parse::<ActivationRequest>(), Err(ActivationRequestError));
        }
        let long = "A".repeat(ActivationRequest::MAX_LENGTH + 1);
        assert!(long.parse::<ActivationRequest>().is_err());
    }

    proptest! {
        #[test]
        fn requests_survive(code: String, fingerprint: String, name: Option<String>) {
            let request = ActivationRequest { code, fingerprint, name, product: None };
            prop_assert_eq!(request.to_string().parse(), Ok(request));
        }

        #[test]
        fn any_text_is_read_without_a_panic(text: String, near in "[A-Za-z0-9_-]{0,80}") {
            prop_assert!(text.parse::<ActivationRequest>().is_err());
            prop_assert!(near.parse::<ActivationRequest>().is_err());
        }
    }
}
