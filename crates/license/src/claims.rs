//! What a license code says: who issued which right for what, with its terms and limits.
//!
//! In Rust the claims have names, in the JWS the short ones of JWT (RFC 7519) and their like. A verifier
//! ignores members that it does not know, so that programs sold today read the codes of tomorrow; terms
//! that it does not know it refuses, because it could not keep them. Times are Unix seconds.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::jws::{self, SignError};
use crate::key::SigningKey;

/// The claims of a license code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// `iss`: the vendor, `ven_...`: the `id` that its server gives at `/v1/vendor`.
    #[serde(rename = "iss")]
    pub issuer: String,
    /// `sub`: the buyer, under a name that only this vendor knows (pairwise).
    #[serde(rename = "sub")]
    pub subject: String,
    /// `jti`: this issue of the license, `<license id>.<issue number>`; see [`Claims::issue_id`].
    #[serde(rename = "jti")]
    pub id: String,
    /// `lic`: the license, `lic_...`; it stays the same when its code is issued again.
    #[serde(rename = "lic")]
    pub license: String,
    /// `iat`: when the code was issued, in Unix seconds.
    #[serde(rename = "iat")]
    pub issued_at: u64,
    /// `nbf`: the first Unix second in which the code is good.
    ///
    /// A check is exact to the second; an issuer who wants to bear with slow clocks sets this some
    /// minutes before `issued_at`.
    #[serde(rename = "nbf")]
    pub not_before: u64,
    /// `exp`: the Unix second from which on the code is no longer good; absent where terms have no end.
    #[serde(rename = "exp", default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<u64>,
    /// `ord`: the order in which it was bought, `ord_...`.
    #[serde(rename = "ord")]
    pub order: String,
    /// `prd`: the product, `prd_...`.
    #[serde(rename = "prd")]
    pub product: String,
    /// `ofr`: the offer, `ofr_...`.
    #[serde(rename = "ofr")]
    pub offer: String,
    /// `trm`: for how long, or how often.
    #[serde(rename = "trm")]
    pub terms: Terms,
    /// `lim`: on how many machines, with how many downloads; absent when there is no limit.
    #[serde(rename = "lim", default, skip_serializing_if = "Limits::is_unlimited")]
    pub limits: Limits,
    /// `fil`: SHA-256 of the manifest of the release that was bought.
    #[serde(rename = "fil", default, skip_serializing_if = "Option::is_none")]
    pub manifest: Option<Digest>,
    /// `act`: whether the code is good only on a machine that was activated; absent when it is good
    /// everywhere.
    #[serde(rename = "act", default, skip_serializing_if = "Option::is_none")]
    pub activation: Option<Activation>,
}

/// For how long, or how often, a license can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Terms {
    /// For ever.
    Perpetual,
    /// For a time.
    Rental {
        /// How long, in seconds.
        seconds: u64,
        /// What the time counts from.
        from: RentalStart,
    },
    /// A number of uses, such as starts of a program.
    Uses {
        /// How many.
        count: u64,
    },
    /// A number of processings, such as pictures converted or requests served.
    Processings {
        /// How many.
        count: u64,
        /// What is processed, where that has a name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        unit: Option<Unit>,
    },
    /// To try, for a time from the purchase, once per machine.
    Trial {
        /// How long, in seconds.
        seconds: u64,
    },
}

/// What the time of a rental counts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RentalStart {
    /// The purchase: the code has an `exp`.
    Purchase,
    /// The first activation of a machine.
    FirstActivation,
}

/// How widely a license can be used. `None` is no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// How many machines can be active at a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machines: Option<u32>,
    /// How many downloads are included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub downloads: Option<u32>,
    /// How often the license can move, which is that a machine is deactivated, within 365 days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moves: Option<u32>,
    /// For how many days an activated machine can be offline; `None` is [`DEFAULT_OFFLINE_DAYS`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offline_days: Option<u32>,
}

/// For how many days an activated machine can be offline, where an offer does not say.
pub const DEFAULT_OFFLINE_DAYS: u32 = 30;

/// The name of what is processed, such as `images`: 1 to 24 lower-case letters, digits, `-` and `_`, beginning with a
/// letter.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Unit {
    text: [u8; Self::MAX_LENGTH],
    length: u8,
}

/// The text is not the name of a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the name of a unit has 1 to 24 lower-case letters, digits, - and _, and begins with a letter"
)]
pub struct UnitError;

/// Whether a machine must be activated before the code is good there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// It must: time or counts start with an activation, which only the server can record.
    Required,
}

/// A SHA-256 digest; 64 lower-case hexadecimal digits in text and JSON.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest(pub [u8; 32]);

/// The text is not 64 lower-case hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a digest has 64 lower-case hexadecimal digits")]
pub struct DigestError;

impl Claims {
    /// The `typ` of license codes.
    pub const TYP: &'static str = "scrip-license+jwt";

    /// The longest code, in bytes: codes travel in headers, QR pictures and mails.
    pub const MAX_LENGTH: usize = 1023;

    /// The code: these claims, signed. [`SignError::TooLong`] above [`Claims::MAX_LENGTH`], which can
    /// happen only with an issuer of more than 100 bytes.
    pub fn sign(&self, key: &SigningKey) -> Result<String, SignError> {
        let code = jws::sign(key, Self::TYP, self)?;
        if code.len() > Self::MAX_LENGTH { Err(SignError::TooLong) } else { Ok(code) }
    }

    /// The `jti` of an issue: `issue` is 1 for the first and grows with each re-issue.
    ///
    /// ```
    /// assert_eq!(scrip_license::Claims::issue_id("lic_06bq3v8k2m9zc", 2), "lic_06bq3v8k2m9zc.2");
    /// ```
    pub fn issue_id(license: &str, issue: u32) -> String {
        format!("{license}.{issue}")
    }

    /// The issue number in the `jti`; `None` if it is not one of this license.
    pub fn issue(&self) -> Option<u32> {
        let number = self.id.strip_prefix(self.license.as_str())?.strip_prefix('.')?;
        number.parse().ok()
    }
}

impl Terms {
    /// How many uses or processings there are; `None` where they are not counted. A program whose code says `Some` must
    /// count, whatever its lease says.
    pub fn count(self) -> Option<u64> {
        match self {
            Self::Uses { count } | Self::Processings { count, .. } => Some(count),
            Self::Perpetual | Self::Rental { .. } | Self::Trial { .. } => None,
        }
    }

    /// Whether time or counts start with an activation, or machines are told apart: then the code must carry
    /// [`Activation::Required`].
    pub fn start_with_activation(self) -> bool {
        match self {
            Self::Rental { from: RentalStart::FirstActivation, .. }
            | Self::Uses { .. }
            | Self::Processings { .. }
            | Self::Trial { .. } => true,
            Self::Rental { from: RentalStart::Purchase, .. } | Self::Perpetual => false,
        }
    }
}

impl Limits {
    fn is_unlimited(&self) -> bool {
        *self == Self::default()
    }
}

impl Unit {
    /// Bytes of the longest name.
    pub const MAX_LENGTH: usize = 24;

    /// The name.
    pub fn as_str(&self) -> &str {
        let text = self.text.get(..usize::from(self.length)).unwrap_or_default();
        std::str::from_utf8(text).unwrap_or_default()
    }
}

impl FromStr for Unit {
    type Err = UnitError;

    fn from_str(name: &str) -> Result<Self, UnitError> {
        let fits = |symbol: u8| matches!(symbol, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_');
        let begins = name.as_bytes().first().is_some_and(u8::is_ascii_lowercase);
        if !begins || !name.bytes().all(fits) {
            return Err(UnitError);
        }
        let mut text = [0; Self::MAX_LENGTH];
        text.get_mut(..name.len()).ok_or(UnitError)?.copy_from_slice(name.as_bytes());
        Ok(Self { text, length: u8::try_from(name.len()).map_err(|_| UnitError)? })
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Unit({self})")
    }
}

impl From<Unit> for String {
    fn from(unit: Unit) -> Self {
        unit.as_str().to_owned()
    }
}

impl TryFrom<String> for Unit {
    type Error = UnitError;

    fn try_from(name: String) -> Result<Self, UnitError> {
        name.parse()
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return Err(DigestError) };
        let pairs: &[[u8; 2]; 32] = pairs.try_into().map_err(|_| DigestError)?;
        let mut digest = [0; 32];
        for (byte, [high, low]) in digest.iter_mut().zip(pairs) {
            *byte = (nibble(*high)? << 4) | nibble(*low)?;
        }
        Ok(Self(digest))
    }
}

fn nibble(digit: u8) -> Result<u8, DigestError> {
    let offset = match digit {
        b'0'..=b'9' => b'0',
        b'a'..=b'f' => b'a' - 10,
        _ => return Err(DigestError),
    };
    digit.checked_sub(offset).ok_or(DigestError)
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.to_string()
    }
}

impl TryFrom<String> for Digest {
    type Error = DigestError;

    fn try_from(text: String) -> Result<Self, DigestError> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const LICENSE: &str = "lic_06bq3v8k2m9zc";

    fn smallest() -> Claims {
        Claims {
            issuer: "https://shop.example".into(),
            subject: "buyer".into(),
            id: Claims::issue_id(LICENSE, 1),
            license: LICENSE.into(),
            issued_at: 1_795_000_000,
            not_before: 1_795_000_000,
            expires_at: None,
            order: "ord_06bq3v8k2m9zb".into(),
            product: "prd_06bq3v8k2m9z0".into(),
            offer: "ofr_06bq3v8k2m9z1".into(),
            terms: Terms::Perpetual,
            limits: Limits::default(),
            manifest: None,
            activation: None,
        }
    }

    /// Everything present and as long as it gets, up to the year 9999.
    fn largest() -> Claims {
        Claims {
            issuer: format!("https://{}", "a".repeat(92)),
            subject: "s".repeat(43),
            id: Claims::issue_id(LICENSE, u32::MAX),
            issued_at: 253_402_300_799,
            not_before: 253_402_300_799,
            expires_at: Some(253_402_300_799),
            terms: Terms::Rental { seconds: 253_402_300_799, from: RentalStart::FirstActivation },
            // As large as an offer can have them.
            limits: Limits {
                machines: Some(1_000_000),
                downloads: Some(1_000_000),
                moves: Some(1_000_000),
                offline_days: Some(3650),
            },
            manifest: Some(Digest([0xff; 32])),
            activation: Some(Activation::Required),
            ..smallest()
        }
    }

    #[test]
    fn the_smallest_form() {
        let expected = json!({
            "iss": "https://shop.example", "sub": "buyer",
            "jti": "lic_06bq3v8k2m9zc.1", "lic": "lic_06bq3v8k2m9zc",
            "iat": 1_795_000_000, "nbf": 1_795_000_000,
            "ord": "ord_06bq3v8k2m9zb", "prd": "prd_06bq3v8k2m9z0", "ofr": "ofr_06bq3v8k2m9z1",
            "trm": {"kind": "perpetual"},
        });
        assert_eq!(serde_json::to_value(smallest()).unwrap(), expected);
    }

    #[test]
    fn the_largest_form_stays_below_one_kibibyte() {
        let key = SigningKey::from_seed([7; 32]);
        let code = largest().sign(&key).unwrap();
        assert!(code.len() < 1024, "{}", code.len());

        let json = serde_json::to_value(largest()).unwrap();
        assert_eq!(json["exp"], json!(253_402_300_799_u64));
        assert_eq!(
            json["trm"],
            json!({"kind": "rental", "seconds": 253_402_300_799_u64, "from": "first_activation"})
        );
        assert_eq!(
            json["lim"],
            json!({"machines": 1_000_000, "downloads": 1_000_000, "moves": 1_000_000, "offline_days": 3650})
        );
        assert_eq!(json["fil"], json!("f".repeat(64)));
        assert_eq!(json["act"], json!("required"));

        let too_large = Claims { issuer: "a".repeat(250), ..largest() };
        assert!(matches!(too_large.sign(&key), Err(SignError::TooLong)));
    }

    #[test]
    fn all_terms_have_their_form() {
        let forms = [
            (Terms::Perpetual, json!({"kind": "perpetual"}), false),
            (
                Terms::Rental { seconds: 60, from: RentalStart::Purchase },
                json!({"kind": "rental", "seconds": 60, "from": "purchase"}),
                false,
            ),
            (
                Terms::Rental { seconds: 60, from: RentalStart::FirstActivation },
                json!({"kind": "rental", "seconds": 60, "from": "first_activation"}),
                true,
            ),
            (Terms::Uses { count: 5 }, json!({"kind": "uses", "count": 5}), true),
            (
                Terms::Processings { count: 5, unit: None },
                json!({"kind": "processings", "count": 5}),
                true,
            ),
            (
                Terms::Processings { count: 5, unit: Some("images".parse().unwrap()) },
                json!({"kind": "processings", "count": 5, "unit": "images"}),
                true,
            ),
            (Terms::Trial { seconds: 60 }, json!({"kind": "trial", "seconds": 60}), true),
        ];
        for (terms, form, starts) in forms {
            assert_eq!(serde_json::to_value(terms).unwrap(), form);
            assert_eq!(serde_json::from_value::<Terms>(form).unwrap(), terms);
            assert_eq!(terms.start_with_activation(), starts, "{terms:?}");
        }
    }

    #[test]
    fn unknown_members_are_ignored_and_unknown_terms_refused() {
        let mut claims = serde_json::to_value(smallest()).unwrap();
        claims["new"] = json!({"anything": 1});
        assert_eq!(serde_json::from_value::<Claims>(claims.clone()).unwrap(), smallest());
        claims["trm"] = json!({"kind": "moonlight"});
        serde_json::from_value::<Claims>(claims.clone()).unwrap_err();
        claims["trm"] = json!({"kind": "perpetual"});
        claims["act"] = json!("sometimes");
        serde_json::from_value::<Claims>(claims).unwrap_err();
    }

    #[test]
    fn the_issue_number_belongs_to_the_license() {
        assert_eq!(largest().issue(), Some(u32::MAX));
        for id in ["", "lic_06bq3v8k2m9zc", "lic_06bq3v8k2m9zd.1", "lic_06bq3v8k2m9zc.x"] {
            assert_eq!(Claims { id: id.into(), ..smallest() }.issue(), None, "{id}");
        }
    }

    #[test]
    fn units_have_simple_names() {
        let longest = "a".repeat(Unit::MAX_LENGTH);
        for name in ["images", "a", "gpu-seconds_2", &longest] {
            assert_eq!(name.parse::<Unit>().unwrap().as_str(), name);
        }
        for name in ["", "2d", "-a", "Images", "im ages", "bücher", &format!("{longest}a")] {
            assert_eq!(name.parse::<Unit>(), Err(UnitError), "{name}");
        }
    }

    #[test]
    fn other_digests_are_refused() {
        for text in ["", "ab", &"F".repeat(64), &"g".repeat(64), &"f".repeat(63), &"f".repeat(66)] {
            assert_eq!(text.parse::<Digest>(), Err(DigestError), "{text}");
        }
    }

    proptest! {
        #[test]
        fn digests_survive(bytes: [u8; 32]) {
            let digest = Digest(bytes);
            prop_assert_eq!(digest.to_string().parse::<Digest>().unwrap(), digest);
        }
    }
}
