//! Passkeys as browsers have them in JSON (W3C Web Authentication, Level 3, section 5.1): what pages and programs are told, and
//! what comes back.

use base64ct::{Base64UrlUnpadded, Encoding};
use scrip_domain::account::Account;
use scrip_engine::passkey::{Assertion, Attestation, Invitation, PATIENCE, RelyingParty};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::openapi::schema::Type;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// Base64url without padding (RFC 4648, section 5), of whole bytes: what is left over at the end is zero.
const WHOLE_BYTES: &str =
    "^([A-Za-z0-9_-]{4})*([A-Za-z0-9_-][AQgw]|[A-Za-z0-9_-]{2}[AEIMQUYcgkosw048])?$";

/// At most `MOST` characters of base64url, as bytes.
#[derive(Debug)]
pub struct Base64Url<const MOST: usize>(pub Vec<u8>);

impl<'de, const MOST: usize> Deserialize<'de> for Base64Url<MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let text = Some(text).filter(|text| text.len() <= MOST);
        let bytes = text.and_then(|text| Base64UrlUnpadded::decode_vec(&text).ok());
        bytes
            .map(Self)
            .ok_or_else(|| D::Error::custom(format!("base64url, at most {MOST} characters")))
    }
}

impl<const MOST: usize> PartialSchema for Base64Url<MOST> {
    fn schema() -> RefOr<Schema> {
        let text = ObjectBuilder::new().schema_type(Type::String).pattern(Some(WHOLE_BYTES));
        text.max_length(Some(MOST)).into()
    }
}

impl<const MOST: usize> ToSchema for Base64Url<MOST> {}

/// What a browser gives to `navigator.credentials.create()`, as `PublicKeyCredentialCreationOptionsJSON`.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PasskeyCreationOptions)]
#[serde(rename_all = "camelCase")]
pub struct CreationOptions {
    rp: Party,
    user: User,
    /// Good for five minutes.
    challenge: String,
    pub_key_cred_params: Vec<Kind>,
    /// In milliseconds.
    #[schema(example = 300_000)]
    timeout: i64,
    /// Those that the account has: a device that keeps one of them makes no other.
    exclude_credentials: Vec<Known>,
    authenticator_selection: Selection,
    #[schema(example = "none")]
    attestation: &'static str,
}

/// For whom the passkey is kept.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PasskeyParty)]
struct Party {
    #[schema(example = "shop.example")]
    id: String,
    #[schema(example = "Aurora Instruments")]
    name: String,
}

/// Whose it is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PasskeyUser)]
#[serde(rename_all = "camelCase")]
struct User {
    /// In base64url; the device gives it back with each signature.
    #[schema(example = "AAFq8j2QAAA")]
    id: String,
    #[schema(example = "ada@example.com")]
    name: String,
    #[schema(example = "Ada Lovelace")]
    display_name: String,
}

/// A kind of key: `-7` is `ES256`, `-8` `EdDSA`, `-257` `RS256`.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PasskeyKind)]
struct Kind {
    #[schema(example = "public-key")]
    r#type: &'static str,
    #[schema(example = -7)]
    alg: i32,
}

/// A passkey by the device's name of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PasskeyKnown)]
struct Known {
    #[schema(example = "public-key")]
    r#type: &'static str,
    id: String,
}

/// What a device must be able to do: keep the key by itself, and know who holds it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PasskeySelection)]
#[serde(rename_all = "camelCase")]
struct Selection {
    #[schema(example = "required")]
    resident_key: &'static str,
    require_resident_key: bool,
    #[schema(example = "required")]
    user_verification: &'static str,
}

const PUBLIC_KEY: &str = "public-key";
const REQUIRED: &str = "required";

impl CreationOptions {
    /// Of an account, at the shop of this name.
    pub fn new(invitation: Invitation, shop: &str, account: &Account) -> Self {
        let kind = |alg| Kind { r#type: PUBLIC_KEY, alg };
        let known = |id| Known { r#type: PUBLIC_KEY, id };
        Self {
            rp: Party { id: invitation.party.id, name: shop.to_owned() },
            user: User {
                id: Base64UrlUnpadded::encode_string(&invitation.user),
                name: account.email.clone(),
                display_name: account.person.name.as_ref().unwrap_or(&account.email).clone(),
            },
            challenge: invitation.challenge,
            pub_key_cred_params: [-7, -8, -257].map(kind).into(),
            timeout: PATIENCE.as_millis(),
            exclude_credentials: invitation.known.into_iter().map(known).collect(),
            authenticator_selection: Selection {
                resident_key: REQUIRED,
                require_resident_key: true,
                user_verification: REQUIRED,
            },
            attestation: "none",
        }
    }
}

/// What a browser gives to `navigator.credentials.get()`, as `PublicKeyCredentialRequestOptionsJSON`.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PasskeyRequestOptions)]
#[serde(rename_all = "camelCase")]
pub struct RequestOptions {
    /// Good for five minutes, and once.
    challenge: String,
    #[schema(example = "shop.example")]
    rp_id: String,
    /// In milliseconds.
    #[schema(example = 300_000)]
    timeout: i64,
    #[schema(example = "required")]
    user_verification: &'static str,
}

impl RequestOptions {
    /// With this challenge, for any passkey that somebody has.
    pub fn new((party, challenge): (RelyingParty, String)) -> Self {
        let timeout = PATIENCE.as_millis();
        Self { challenge, rp_id: party.id, timeout, user_verification: REQUIRED }
    }
}

/// A passkey that was made, as a browser writes it: `RegistrationResponseJSON`. What else is in it is not looked at.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = PasskeyCreated)]
pub struct Created {
    response: CreatedResponse,
}

#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = PasskeyCreatedResponse)]
struct CreatedResponse {
    #[schema(inline)]
    #[serde(rename = "clientDataJSON")]
    client_data: Base64Url<4000>,
    #[schema(inline)]
    #[serde(rename = "attestationObject")]
    object: Base64Url<20_000>,
}

impl Created {
    /// What was made, with what its owner calls it.
    pub fn called<'a>(&'a self, name: &'a str) -> Attestation<'a> {
        let CreatedResponse { client_data, object } = &self.response;
        Attestation { name, client_data: &client_data.0, object: &object.0 }
    }
}

/// A passkey that was used, as a browser writes it: `AuthenticationResponseJSON`. What else is in it is not looked at.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = PasskeyUsed)]
pub struct Used {
    /// What the device calls it.
    id: String,
    response: UsedResponse,
}

#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = PasskeyUsedResponse)]
#[serde(rename_all = "camelCase")]
struct UsedResponse {
    #[schema(inline)]
    #[serde(rename = "clientDataJSON")]
    client_data: Base64Url<4000>,
    #[schema(inline)]
    authenticator_data: Base64Url<4000>,
    #[schema(inline)]
    signature: Base64Url<2000>,
    /// Whose it is: devices give it back.
    #[schema(inline)]
    user_handle: Base64Url<100>,
}

impl Used {
    /// The same.
    pub fn shown(&self) -> Assertion<'_> {
        let UsedResponse { client_data, authenticator_data, signature, user_handle } =
            &self.response;
        Assertion {
            credential: &self.id,
            client_data: &client_data.0,
            authenticator_data: &authenticator_data.0,
            signature: &signature.0,
            user: &user_handle.0,
        }
    }
}
