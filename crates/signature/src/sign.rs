//! The sender's half.

use std::fmt::Display;

use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use http::{HeaderName, HeaderValue, Request};
use scrip_license::SigningKey;
use sfv::{BareItem, InnerList, Integer, Item, Key, Parameters};

use crate::base::{Message, base, written};
use crate::digest::content_digest;
use crate::{
    ALGORITHM, ALWAYS, CONTENT_DIGEST, ISSUER, LABEL, SIGNATURE, SIGNATURE_INPUT, TAG,
    WHERE_PRESENT,
};

/// What makes a request this one: when it was signed, and chance.
#[derive(Clone, Copy, Debug)]
pub struct Stamp {
    /// The sender's time, in Unix seconds.
    pub created: i64,
    /// Chance.
    pub nonce: [u8; 16],
}

/// Why a request cannot be signed. Each is a mistake in the program, not in its input.
#[derive(Debug, thiserror::Error)]
#[error("the request cannot be signed: {0}")]
pub struct SignError(String);

impl SignError {
    fn of(error: impl Display) -> Self {
        Self(error.to_string())
    }
}

/// Signs a request to an absolute address, with all headers but those of the signature; `body` is what it carries.
/// `issuer` is the sender's own address, under which its keys are found.
pub fn sign<B>(
    request: &mut Request<B>,
    body: &[u8],
    key: &SigningKey,
    issuer: &str,
    stamp: Stamp,
) -> Result<(), SignError> {
    put(request, ISSUER, issuer)?;
    put(request, CONTENT_DIGEST, &content_digest(body))?;
    let present = WHERE_PRESENT.iter().filter(|name| request.headers().contains_key(**name));
    let names: Vec<&str> = ALWAYS.iter().chain(present).copied().collect();
    let covered = InnerList::with_params(
        names.into_iter().map(|name| Ok(Item::new(text(name)?))).collect::<Result<_, _>>()?,
        parameters(key.kid(), stamp)?,
    );
    let target = request.uri().to_string();
    let message = Message { method: request.method(), target: &target, headers: request.headers() };
    let cannot = || SignError("its headers are no text".to_owned());
    let base = base(&message, &covered).ok_or_else(cannot)?;
    let signature = Base64::encode_string(&key.sign(base.as_bytes()));
    let input = written(&covered).ok_or_else(cannot)?;
    put(request, SIGNATURE_INPUT, &format!("{LABEL}={input}"))?;
    put(request, SIGNATURE, &format!("{LABEL}=:{signature}:"))
}

fn parameters(kid: &str, stamp: Stamp) -> Result<Parameters, SignError> {
    let created = Integer::try_from(stamp.created).map_err(SignError::of)?;
    let nonce = Base64UrlUnpadded::encode_string(&stamp.nonce);
    let mut parameters = Parameters::new();
    parameters.insert(name("created")?, created.into());
    parameters.insert(name("nonce")?, text(&nonce)?);
    parameters.insert(name("keyid")?, text(kid)?);
    parameters.insert(name("alg")?, text(ALGORITHM)?);
    parameters.insert(name("tag")?, text(TAG)?);
    Ok(parameters)
}

fn name(name: &str) -> Result<Key, SignError> {
    Key::from_string(name.to_owned()).map_err(|(error, _)| SignError::of(error))
}

fn text(text: &str) -> Result<BareItem, SignError> {
    let text = sfv::String::from_string(text.to_owned());
    text.map(BareItem::String).map_err(|(error, _)| SignError::of(error))
}

fn put<B>(request: &mut Request<B>, name: &'static str, value: &str) -> Result<(), SignError> {
    let value = HeaderValue::from_str(value).map_err(SignError::of)?;
    request.headers_mut().insert(HeaderName::from_static(name), value);
    Ok(())
}
