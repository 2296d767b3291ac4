//! The receiver's half.

use base64ct::{Base64UrlUnpadded, Encoding};
use scrip_license::PublicKey;
use sfv::{Dictionary, InnerList, ListEntry, Parser};

use crate::base::{Message, base};
use crate::{
    ALGORITHM, ALWAYS, CONTENT_DIGEST, CONTENT_TYPE, ISSUER, LABEL, SIGNATURE, SIGNATURE_INPUT,
    TAG, TOLERANCE, WHERE_PRESENT, digest,
};

/// The longest nonce, in characters: 256 bits and some room.
const MAX_NONCE: usize = 64;

/// Why a request is not believed. For the log: whoever sent it learns nothing of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It has no signature by our name.
    #[error("not signed")]
    Unsigned,
    /// A header of the signature cannot be read.
    #[error("{0} cannot be read")]
    Unreadable(&'static str),
    /// A header has several lines, so that two readers could take different ones.
    #[error("{0} stands twice")]
    Twice(&'static str),
    /// What must be covered is not.
    #[error("{0} is not covered")]
    Uncovered(&'static str),
    /// A component that it covers is not there, or none that we know.
    #[error("it covers what is not there")]
    Components,
    /// A parameter is missing or not what it must be.
    #[error("the parameter {0} is missing or wrong")]
    Parameter(&'static str),
    /// It was signed for something else.
    #[error("signed for something else")]
    Tag,
    /// It was not signed now.
    #[error("signed at another time")]
    Time,
    /// The digest is not that of the body.
    #[error("the digest is not that of the body")]
    Digest,
    /// The key did not sign this.
    #[error("the signature is wrong")]
    Signature,
}

/// A request that says who sent it, and is in order as far as that shows without a key.
#[derive(Clone, Debug)]
pub struct Claim {
    proof: Proof,
    base: String,
    signature: [u8; 64],
}

/// Who signed a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The sender's address.
    pub issuer: String,
    /// The name of the sender's key.
    pub kid: String,
    /// The sender's chance: the same again is the same request again.
    pub nonce: String,
    /// When it was signed, in Unix seconds of the sender.
    pub created: i64,
}

impl Claim {
    /// Reads what a request says of its sender at `now`, in Unix seconds. Only [`Claim::proven_by`] makes it true.
    pub fn read(message: &Message<'_>, body: &[u8], now: i64) -> Result<Self, Refusal> {
        let covered = match member(message, SIGNATURE_INPUT)? {
            Some(ListEntry::InnerList(list)) => list,
            Some(ListEntry::Item(_)) => return Err(Refusal::Unreadable(SIGNATURE_INPUT)),
            None => return Err(Refusal::Unsigned),
        };
        let signature = signature(message)?;
        is_whole(message, &covered, body)?;
        let proof = proof(message, &covered, now)?;
        if !digest::is_right(message.headers, body) {
            return Err(Refusal::Digest);
        }
        let base = base(message, &covered).ok_or(Refusal::Components)?;
        Ok(Self { proof, base, signature })
    }

    /// The address that it says it comes from.
    pub fn issuer(&self) -> &str {
        &self.proof.issuer
    }

    /// The name of the key that it says it was signed with.
    pub fn kid(&self) -> &str {
        &self.proof.kid
    }

    /// The sender, if `key` is the one that the claim names and has signed this.
    pub fn proven_by(self, key: &PublicKey) -> Result<Proof, Refusal> {
        let is_right =
            key.kid() == self.proof.kid && key.verify(self.base.as_bytes(), &self.signature);
        if is_right { Ok(self.proof) } else { Err(Refusal::Signature) }
    }
}

/// Our member of a dictionary among the headers.
fn member(message: &Message<'_>, name: &'static str) -> Result<Option<ListEntry>, Refusal> {
    if !message.headers.contains_key(name) {
        return Ok(None);
    }
    let text = message.field(name).ok_or(Refusal::Unreadable(name))?;
    let dictionary = Parser::new(&text).parse::<Dictionary>();
    Ok(dictionary.map_err(|_| Refusal::Unreadable(name))?.swap_remove(LABEL))
}

fn signature(message: &Message<'_>) -> Result<[u8; 64], Refusal> {
    let unreadable = Refusal::Unreadable(SIGNATURE);
    let Some(entry) = member(message, SIGNATURE)? else { return Err(Refusal::Unsigned) };
    let ListEntry::Item(item) = entry else { return Err(unreadable) };
    item.bare_item.as_byte_sequence().and_then(|bytes| bytes.try_into().ok()).ok_or(unreadable)
}

/// Whether everything that must be is covered, and means one thing only.
fn is_whole(message: &Message<'_>, covered: &InnerList, body: &[u8]) -> Result<(), Refusal> {
    for name in [CONTENT_DIGEST, ISSUER, CONTENT_TYPE, crate::IDEMPOTENCY_KEY] {
        if message.headers.get_all(name).iter().count() > 1 {
            return Err(Refusal::Twice(name));
        }
    }
    let covers = |name: &str| {
        covered
            .items
            .iter()
            .any(|item| item.bare_item.as_string().is_some_and(|it| it.as_str() == name))
    };
    let needs_type = !body.is_empty();
    let present = WHERE_PRESENT.iter().copied().filter(|name| {
        message.headers.contains_key(*name) || (needs_type && *name == CONTENT_TYPE)
    });
    match ALWAYS.iter().copied().chain(present).find(|name| !covers(name)) {
        Some(name) => Err(Refusal::Uncovered(name)),
        None => Ok(()),
    }
}

/// What the parameters say, and whether they say it now.
fn proof(message: &Message<'_>, covered: &InnerList, now: i64) -> Result<Proof, Refusal> {
    let text = |name: &'static str| {
        let value = covered.params.get(name).and_then(|value| value.as_string());
        value.map(|value| value.as_str()).ok_or(Refusal::Parameter(name))
    };
    let number = |name: &'static str| match covered.params.get(name) {
        Some(value) => value.as_integer().map(i64::from).ok_or(Refusal::Parameter(name)).map(Some),
        None => Ok(None),
    };
    if text("tag")? != TAG {
        return Err(Refusal::Tag);
    }
    if text("alg")? != ALGORITHM {
        return Err(Refusal::Parameter("alg"));
    }
    let created = number("created")?.ok_or(Refusal::Parameter("created"))?;
    let is_over = number("expires")?.is_some_and(|expires| expires < now);
    if is_over || created.abs_diff(now) > TOLERANCE {
        return Err(Refusal::Time);
    }
    let (nonce, kid) = (text("nonce")?, text("keyid")?);
    if !is_nonce(nonce) {
        return Err(Refusal::Parameter("nonce"));
    }
    if kid.len() != 43 {
        // The thumbprint of a key (RFC 7638); anything else would only be looked for in vain.
        return Err(Refusal::Parameter("keyid"));
    }
    let issuer = message.field(ISSUER).ok_or(Refusal::Unreadable(ISSUER))?;
    Ok(Proof { issuer, kid: kid.to_owned(), nonce: nonce.to_owned(), created })
}

/// Whether it is the base64url text of 128 bits at least.
fn is_nonce(text: &str) -> bool {
    let mut bytes = [0; MAX_NONCE];
    text.len() <= MAX_NONCE
        && Base64UrlUnpadded::decode(text, &mut bytes).is_ok_and(|decoded| decoded.len() >= 16)
}

#[cfg(test)]
mod tests;
