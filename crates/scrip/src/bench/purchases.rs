//! Purchases in one step, each by an account drawn by chance, each under a fresh idempotency key.

use std::io::Write as _;

use clap::Args;
use scrip_client::{BaseUrl, Order, Purchase};

use super::load::{self, Workload, refusal};
use super::report::{About, Report};
use super::sessions::Sessions;
use super::wire::Answer;
use super::{BenchError, Common, Crowd, goods};

/// One answer of so many is read in full; of the others it is only seen that a code is in them.
const SAMPLE: u64 = 1000;

/// Which purchases.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  scrip bench purchases --accounts 100000 --connections 256 --seconds 10"
)]
pub(super) struct PurchasesArgs {
    #[command(flatten)]
    pub(super) common: Common,
    #[command(flatten)]
    crowd: Crowd,
    /// The offer to buy; without it the cheapest in the catalogue
    #[arg(long, value_name = "ID")]
    offer: Option<String>,
}

pub(super) async fn run(args: &PurchasesArgs) -> Result<Report, BenchError> {
    let PurchasesArgs { common, crowd, offer } = args;
    let mut sessions = Sessions::obtain(common, crowd).await?;
    let buyer = common.client()?.bearer(sessions.draw());
    let offer = match offer {
        Some(offer) => offer.clone(),
        None => goods::cheapest_offer(&buyer).await?,
    };
    let purchase = goods::purchase_of(&buyer, &offer).await?;
    let server = buyer.base().clone();
    let workload = Purchases::new(&server, &purchase, sessions, goods::run_id()?);
    let about = About {
        load: "purchases",
        server: server.to_string(),
        connections: common.connections,
        accounts: Some(crowd.accounts),
        rate: crowd.rate,
    };
    load::run(common, server, about, workload).await
}

struct Purchases {
    /// The request up to the token, and after the key.
    start: Vec<u8>,
    end: Vec<u8>,
    sessions: Sessions,
    run: u64,
    sent: u64,
    answered: u64,
}

impl Purchases {
    fn new(server: &BaseUrl, purchase: &Purchase, sessions: Sessions, run: u64) -> Self {
        let body = serde_json::to_string(purchase).expect("a purchase is plain data");
        let start = format!(
            "POST {}/v1/purchases HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\nauthorization: Bearer ",
            server.prefix,
            server.authority(),
            body.len(),
        );
        let end = format!("\r\n\r\n{body}").into_bytes();
        Self { start: start.into_bytes(), end, sessions, run, sent: 0, answered: 0 }
    }
}

impl Workload for Purchases {
    fn write(&mut self, request: &mut Vec<u8>) {
        request.extend_from_slice(&self.start);
        request.extend_from_slice(self.sessions.draw().as_bytes());
        // Writing to memory cannot fail.
        let _ = write!(request, "\r\nidempotency-key: {:016x}-{:010}", self.run, self.sent);
        request.extend_from_slice(&self.end);
        self.sent += 1;
    }

    fn check(&mut self, answer: &Answer<'_>) -> Result<(), String> {
        if answer.status != 201 {
            return Err(refusal(answer));
        }
        self.answered += 1;
        let right = if self.answered % SAMPLE == 1 { is_paid(answer) } else { has_code(answer) };
        if right { Ok(()) } else { Err("no_code_in_the_answer".to_owned()) }
    }
}

/// Whether there is something that begins like a signed code. The standard library looks for short
/// texts sixteen bytes at a time, so that this costs next to nothing.
fn has_code(answer: &Answer<'_>) -> bool {
    std::str::from_utf8(answer.body).is_ok_and(|body| body.contains(r#""jws":"ey"#))
}

fn is_paid(answer: &Answer<'_>) -> bool {
    serde_json::from_slice::<Order>(answer.body).is_ok_and(|order| {
        let code = order.licenses.first().map(|license| license.code.jws.split('.').count());
        order.state == "paid" && code == Some(3)
    })
}

#[cfg(test)]
mod tests {
    use scrip_client::{Basket, Line, Money};

    use super::*;

    fn purchases() -> Purchases {
        let basket = Basket { lines: vec![Line::one("ofr_1")], coupon: None };
        let purchase =
            Purchase { allow_duplicate: true, ..Purchase::of(basket, Money::new(5, "AUR")) };
        let server = "http://localhost:81/shop".parse().expect("valid");
        let sessions = Sessions::new(vec!["secret".to_owned()], 1);
        Purchases::new(&server, &purchase, sessions, 0xab)
    }

    #[test]
    fn requests_are_whole_and_their_keys_fresh() {
        let mut purchases = purchases();
        let mut next = || {
            let mut request = Vec::new();
            purchases.write(&mut request);
            String::from_utf8(request).expect("text")
        };
        let body = r#"{"lines":[{"offer":"ofr_1"}],"expected_total":{"amount":5,"unit":"AUR"},"allow_duplicate":true}"#;
        let meant = format!(
            "POST /shop/v1/purchases HTTP/1.1\r\nhost: localhost:81\r\n\
             content-type: application/json\r\ncontent-length: {}\r\nauthorization: Bearer secret\r\n\
             idempotency-key: 00000000000000ab-0000000000\r\n\r\n{body}",
            body.len(),
        );
        assert_eq!(next(), meant);
        assert_eq!(next(), meant.replace("-0000000000", "-0000000001"));
    }

    #[test]
    fn only_a_code_is_an_answer() {
        let mut purchases = purchases();
        let order = br#"{"id":"ord_1","state":"paid","licenses":[{"id":"lic_1","code":{"jws":"ey.x.y","short":"A"}}]}"#;
        let mut check = |status, body| purchases.check(&Answer { status, body });
        // The first is read in full, the second only looked through.
        assert_eq!(check(201, order), Ok(()));
        assert_eq!(check(201, order), Ok(()));
        assert_eq!(check(201, b"{}"), Err("no_code_in_the_answer".to_owned()));
        assert_eq!(check(409, br#"{"code":"price_changed"}"#), Err("price_changed".to_owned()));
        assert_eq!(check(502, b"<html>"), Err("status_502".to_owned()));
        purchases.answered = SAMPLE;
        let answer = Answer { status: 201, body: br#"{"state":"paid","jws":"ey"}"# };
        assert!(purchases.check(&answer).is_err());
    }
}
