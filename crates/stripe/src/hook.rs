//! Hooks: whether they are Stripe's, and which payment or account they name.
//!
//! `Stripe-Signature: t=1700000000,v1=hex,v1=hex`: each `v1` is HMAC-SHA-256 over the time, a dot and the body
//! as it came; two of them while the vendor exchanges the secret.

use hmac::{Hmac, KeyInit, Mac};
use scrip_domain::Timestamp;
use scrip_engine::processor::{Hook, HookRefusal, PaymentName, Secret};
use serde::Deserialize;
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq};

/// The header that carries the signature.
pub const SIGNATURE: &str = "stripe-signature";

/// How many seconds the signature's time may be from ours: what is older may be a replay.
const TOLERANCE: u64 = 300;

/// Whether the body was signed with the secret, and now.
pub fn verify(
    secret: &Secret,
    header: &str,
    body: &[u8],
    now: Timestamp,
) -> Result<(), HookRefusal> {
    let parts = || header.split(',').filter_map(|part| part.trim().split_once('='));
    let named = |wanted: &'static str| {
        parts().filter(move |(name, _)| *name == wanted).map(|(_, value)| value)
    };
    let time = named("t").next().ok_or(HookRefusal::Unsigned)?;
    let seconds: i64 = time.parse().map_err(|_| HookRefusal::Unsigned)?;
    if named("v1").next().is_none() {
        return Err(HookRefusal::Unsigned);
    }
    let right = sign(secret, time, body);
    // All are compared, so that the time it takes tells nothing.
    let equal = named("v1")
        .fold(Choice::from(0), |equal, given| equal | given.as_bytes().ct_eq(right.as_bytes()));
    if !bool::from(equal) {
        return Err(HookRefusal::Forged);
    }
    if now.seconds().abs_diff(seconds) > TOLERANCE { Err(HookRefusal::Stale) } else { Ok(()) }
}

fn sign(secret: &Secret, time: &str, body: &[u8]) -> String {
    // A key of any length is one (RFC 2104).
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.reveal().as_bytes()) else {
        return String::new();
    };
    mac.update(time.as_bytes());
    mac.update(b".");
    mac.update(body);
    base16ct::lower::encode_string(&mac.finalize().into_bytes())
}

#[derive(Deserialize)]
struct Kind {
    #[serde(rename = "type")]
    name: String,
}

#[derive(Deserialize)]
struct Event {
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    object: Object,
}

#[derive(Deserialize)]
struct Object {
    id: String,
    payment_intent: Option<String>,
    client_reference_id: Option<String>,
}

/// What an event names. An event that we do not know is none of ours.
pub fn read(body: &[u8]) -> Result<Hook, HookRefusal> {
    let unreadable = |_| HookRefusal::Unreadable;
    let Kind { name } = serde_json::from_slice(body).map_err(unreadable)?;
    let family = name.split('.').next().unwrap_or_default();
    if !["payment_intent", "charge", "refund", "checkout"].contains(&family) {
        return Ok(Hook::Ignored);
    }
    let Event { data: Data { object } } = serde_json::from_slice(body).map_err(unreadable)?;
    let payment = match family {
        "checkout" => {
            // A session without an account of ours is other business of the vendor.
            let account = object.client_reference_id.and_then(|name| name.parse().ok());
            return Ok(account.map_or(Hook::Ignored, Hook::Card));
        }
        "payment_intent" => Some(object.id),
        // Charges made without an intent are other business of the vendor.
        _ => object.payment_intent,
    };
    match payment.map(PaymentName::new) {
        Some(Some(payment)) => Ok(Hook::Payment(payment)),
        Some(None) => Err(HookRefusal::Unreadable),
        None => Ok(Hook::Ignored),
    }
}

#[cfg(test)]
mod tests {
    use scrip_domain::Id;
    use scrip_domain::account::Account;

    use super::*;

    const BODY: &[u8] =
        br#"{"id":"evt_1","type":"payment_intent.succeeded","data":{"object":{"id":"pi_1"}}}"#;
    const TIME: i64 = 1_795_390_200;
    // Python: hmac.new(b"whsec_test", b"1795390200." + BODY, "sha256").hexdigest()
    const V1: &str = "d97058b5cd58170e8b3e1c370542cdc8ef609a85cece6cd2231d5404c8c31fce";
    // The same under b"whsec_next".
    const NEXT: &str = "fd27dea61e043cb61376c208dc09785905644c4b33b658272fcbcc8f6b49ab45";

    fn check(header: &str, body: &[u8], seconds: i64) -> Result<(), HookRefusal> {
        let now = Timestamp::from_millis(seconds * 1000 + 999);
        verify(&Secret::new("whsec_test"), header, body, now)
    }

    #[test]
    fn a_signature_of_another_program_is_right() {
        assert_eq!(check(&format!("t={TIME},v1={V1}"), BODY, TIME), Ok(()));
        assert_eq!(check(&format!("t={TIME}, v1={V1}, v0=old"), BODY, TIME), Ok(()));
        let rolled = format!("t={TIME},v1={NEXT},v1={V1}");
        assert_eq!(check(&rolled, BODY, TIME), Ok(()), "two secrets while one is exchanged");
    }

    #[test]
    fn what_stripe_did_not_sign_now_is_refused() {
        let header = format!("t={TIME},v1={V1}");
        assert_eq!(check(&header, BODY, TIME + 300), Ok(()));
        assert_eq!(check(&header, BODY, TIME - 300), Ok(()));
        assert_eq!(check(&header, BODY, TIME + 301), Err(HookRefusal::Stale));
        assert_eq!(check(&header, BODY, TIME - 301), Err(HookRefusal::Stale));
        assert_eq!(check(&header, b"{}", TIME), Err(HookRefusal::Forged));
        let later = format!("t={},v1={V1}", TIME + 1);
        assert_eq!(check(&later, BODY, TIME), Err(HookRefusal::Forged), "the time is signed");
        assert_eq!(check(&format!("t={TIME},v1={NEXT}"), BODY, TIME), Err(HookRefusal::Forged));
        assert_eq!(check(&format!("t={TIME},v1="), BODY, TIME), Err(HookRefusal::Forged));
        let unsigned = ["", "t=", "v1=", "t=x,v1=00", &format!("t={TIME}"), &format!("v1={V1}")];
        for header in unsigned.into_iter().chain([format!("t={TIME},v0={V1}").as_str()]) {
            assert_eq!(check(header, BODY, TIME), Err(HookRefusal::Unsigned), "{header}");
        }
    }

    #[test]
    fn an_event_names_its_payment_and_nothing_else_is_believed() {
        let read = |name: &str, object: &str| {
            read(format!(r#"{{"type":"{name}","data":{{"object":{object}}}}}"#).as_bytes())
        };
        let payment = |name: &str| Ok(Hook::Payment(PaymentName::new(name).unwrap()));
        assert_eq!(read("payment_intent.canceled", r#"{"id":"pi_1"}"#), payment("pi_1"));
        let dispute = r#"{"id":"dp_1","payment_intent":"pi_2","status":"lost"}"#;
        assert_eq!(read("charge.dispute.closed", dispute), payment("pi_2"));
        assert_eq!(
            read("refund.failed", r#"{"id":"re_1","payment_intent":"pi_3"}"#),
            payment("pi_3")
        );
        let other = r#"{"id":"ch_1","payment_intent":null}"#;
        assert_eq!(read("charge.succeeded", other), Ok(Hook::Ignored));
        assert_eq!(read("invoice.paid", "7"), Ok(Hook::Ignored), "of another family, in any shape");
        let account = Id::<Account>::floor(Timestamp::from_millis(TIME * 1000));
        let session = format!(r#"{{"id":"cs_1","client_reference_id":"{account}"}}"#);
        assert_eq!(read("checkout.session.completed", &session), Ok(Hook::Card(account)));
        let other = r#"{"id":"cs_2","client_reference_id":"order 7"}"#;
        assert_eq!(read("checkout.session.completed", other), Ok(Hook::Ignored));
        let escape = r#"{"id":"../refunds"}"#;
        assert_eq!(read("payment_intent.succeeded", escape), Err(HookRefusal::Unreadable));
        assert_eq!(read("payment_intent.succeeded", "7"), Err(HookRefusal::Unreadable));
        assert_eq!(super::read(b"not JSON"), Err(HookRefusal::Unreadable));
    }
}
