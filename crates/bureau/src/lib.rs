//! An external bureau behind the engine's port: one signed question over HTTP, one signed answer.
//!
//! Both are signed by the Standard Webhooks scheme with one shared secret, so that any of its libraries serves
//! the other side: HMAC-SHA-256 over id, time and body. The id is that of the assessment, in both directions:
//! an answer is to this question and no other. `docs/bureau.md` is the contract, `docs/bureau.schema.json` the
//! shapes.
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::as_conversions,
        clippy::arithmetic_side_effects
    )
)]

mod shape;

use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::Full;
use scrip_engine::bureau::{Bureau, BureauError, Inquiry, Opinion};
use scrip_engine::signature::{self, ID, SIGNATURE, TIME};
use scrip_https::{Https, Unanswered};

pub use scrip_engine::signature::Key;

/// How long the whole exchange may take, unless the vendor sets it.
pub const BUDGET: Duration = Duration::from_secs(3);

/// An opinion is a tenth of this.
const MAX_ANSWER: usize = 16 << 10;

/// Why there can be no client.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The secret is not written as the scheme wants it.
    #[error("the secret must be whsec_ and at least 24 bytes in base64")]
    Secret,
    /// The address cannot be used.
    #[error(transparent)]
    Address(#[from] scrip_https::SetupError),
}

/// A bureau that is asked by signed HTTP.
#[derive(Debug)]
pub struct HttpBureau {
    https: Https,
    url: String,
    key: Key,
}

impl HttpBureau {
    /// A client of the bureau at `url`, which shares the secret `whsec_…` with us; each question may take so
    /// long in all. Nothing is asked of the network yet.
    pub fn new(url: &str, secret: &str, budget: Duration) -> Result<Self, SetupError> {
        let key = Key::parse(secret).ok_or(SetupError::Secret)?;
        Ok(Self { https: Https::to(url, budget, MAX_ANSWER)?, url: url.to_owned(), key })
    }

    async fn ask(&self, inquiry: &Inquiry) -> Result<Opinion, BureauError> {
        let id = inquiry.assessment.to_string();
        let body = Bytes::from(shape::question(inquiry));
        let time = inquiry.at.seconds().to_string();
        let request = Request::post(&self.url)
            .header(CONTENT_TYPE, "application/json")
            .header(ID, &id)
            .header(SIGNATURE, self.key.sign(&id, &time, &body))
            .header(TIME, time)
            .body(Full::new(body))
            .map_err(|error| BureauError::Unanswered(error.to_string()))?;
        let answer = self.https.send(request).await;
        let (head, body) = answer.map_err(|Unanswered(why)| BureauError::Unanswered(why))?;
        if head.status != StatusCode::OK {
            let status = head.status.as_u16();
            return Err(BureauError::Unanswered(format!("status {status}")));
        }
        self.believe(inquiry, &head.headers, &body)?;
        shape::opinion(&id, &body).map_err(BureauError::Garbled)
    }

    /// Whether the answer is to this question, by who knows the secret, and of now.
    fn believe(
        &self,
        inquiry: &Inquiry,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<(), BureauError> {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let (Some(id), Some(time), Some(signatures)) =
            (header(ID), header(TIME), header(SIGNATURE))
        else {
            return Err(BureauError::Forged("unsigned"));
        };
        if id != inquiry.assessment.to_string() {
            return Err(BureauError::Forged("to another question"));
        }
        if !self.key.verifies(id, time, body, signatures) {
            return Err(BureauError::Forged("signed otherwise"));
        }
        let seconds: i64 = time.parse().map_err(|_| BureauError::Forged("without a time"))?;
        if inquiry.at.seconds().abs_diff(seconds) > signature::TOLERANCE {
            return Err(BureauError::Forged("of another time"));
        }
        Ok(())
    }
}

impl Bureau for HttpBureau {
    fn assess<'a>(&'a self, inquiry: &'a Inquiry) -> BoxFuture<'a, Result<Opinion, BureauError>> {
        self.ask(inquiry).boxed()
    }
}

#[cfg(test)]
mod tests {
    use scrip_domain::credit::{CreditDecision, CreditFile};
    use scrip_domain::top_up::TopUpMethod;
    use scrip_domain::{Amount, Id, Money, Timestamp, Unit};

    use super::*;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    fn bureau() -> HttpBureau {
        HttpBureau::new("http://127.0.0.1:1/ask", SECRET, BUDGET).unwrap()
    }

    pub(crate) fn inquiry() -> Inquiry {
        let unit = |code| Unit::parse(code).unwrap();
        let amount = |units| Amount::new(units).unwrap();
        let account = Id::new(3).unwrap();
        Inquiry {
            assessment: Id::new(1).unwrap(),
            top_up: Id::new(2).unwrap(),
            account,
            opened_at: Timestamp::from_millis(1_795_348_800_000),
            method: TopUpMethod::Card,
            tokens: (amount(500), unit("AUR")),
            pay: Some(Money { amount: amount(495), unit: unit("EUR") }),
            file: CreditFile { day_count: 1, credited: 4, ..CreditFile::empty(account) },
            rules: Some((CreditDecision::Approved, vec!["rules_passed".to_owned()])),
            at: Timestamp::from_millis(1_795_435_200_000),
        }
    }

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn only_an_answer_to_this_question_is_believed() {
        let (bureau, inquiry, body) = (bureau(), inquiry(), b"{}");
        let (id, time) = ("asm_0000000000001", "1795435201");
        let signed = |id: &str, time: &str| bureau.key.sign(id, time, body);
        let word = |pairs: &[(&'static str, &str)]| match bureau.believe(
            &inquiry,
            &headers(pairs),
            body,
        ) {
            Ok(()) => "believed",
            Err(BureauError::Forged(word)) => word,
            Err(_) => unreachable!(),
        };
        let good = signed(id, time);
        assert_eq!(word(&[(ID, id), (TIME, time), (SIGNATURE, &good)]), "believed");
        let two = format!("v1,AAAA {good} v1a,xyz");
        assert_eq!(word(&[(ID, id), (TIME, time), (SIGNATURE, &two)]), "believed");
        assert_eq!(word(&[(ID, id), (TIME, time)]), "unsigned");
        let other = "asm_0000000000002";
        let wrong = signed(other, time);
        assert_eq!(word(&[(ID, other), (TIME, time), (SIGNATURE, &wrong)]), "to another question");
        assert_eq!(word(&[(ID, id), (TIME, time), (SIGNATURE, &wrong)]), "signed otherwise");
        assert_eq!(word(&[(ID, id), (TIME, "1795435202"), (SIGNATURE, &good)]), "signed otherwise");
        let old = signed(id, "1795434899");
        assert_eq!(word(&[(ID, id), (TIME, "1795434899"), (SIGNATURE, &old)]), "of another time");
        let never = signed(id, "soon");
        assert_eq!(word(&[(ID, id), (TIME, "soon"), (SIGNATURE, &never)]), "without a time");
    }

    #[test]
    fn secrets_are_checked_and_never_shown() {
        assert!(!format!("{:?}", bureau()).contains("MfKQ"));
        let new = |url: &str, secret: &str| HttpBureau::new(url, secret, BUDGET).map(|_| ());
        for secret in
            ["", "whsec_", "whsec_c2hvcnQ=", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_*"]
        {
            assert!(
                matches!(new("https://b.example", secret), Err(SetupError::Secret)),
                "{secret}"
            );
        }
        assert!(matches!(new("http://b.example", SECRET), Err(SetupError::Address(_))));
    }
}
