//! Licenses in use: codes that are validated, and processings that are taken, each by a license drawn by chance.
//!
//! The licenses are bought before, one by each account, so that the load falls on many of them as it does from many
//! sold programs; with `--accounts 1` all of it falls on one.

use std::io::Write as _;

use clap::Args;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};
use scrip_client::{BaseUrl, Client};

use super::load::{self, Workload, refusal};
use super::report::{About, Report};
use super::sessions::Sessions;
use super::wire::Answer;
use super::{BenchError, Common, Crowd, goods};

/// How many licenses are bought at most; each has been sold to another account.
const LICENSES: usize = 1000;

/// Which codes.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  scrip bench validate --accounts 1000 --connections 64 --rate 2000 --seconds 10"
)]
pub(super) struct ValidateArgs {
    #[command(flatten)]
    pub(super) common: Common,
    #[command(flatten)]
    crowd: Crowd,
    /// The offer whose codes are asked about; without it the cheapest in the catalogue
    #[arg(long, value_name = "ID")]
    offer: Option<String>,
    /// Ask for the form that people type, whose wrong ones are limited
    #[arg(long)]
    short: bool,
}

/// Of what is taken.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  scrip bench consume --offer ofr_... --accounts 1000 --rate 2000 --seconds 10"
)]
pub(super) struct ConsumeArgs {
    #[command(flatten)]
    pub(super) common: Common,
    #[command(flatten)]
    crowd: Crowd,
    /// An offer of uses or processings, with as many of them as are going to be taken
    #[arg(long, value_name = "ID")]
    offer: String,
}

pub(super) async fn validate(args: &ValidateArgs) -> Result<Report, BenchError> {
    let ValidateArgs { common, crowd, offer, short } = args;
    let (client, codes) = codes(common, crowd, offer.as_deref(), *short).await?;
    let ask = Ask::new(client.base(), "validate", codes, crowd.seed, None);
    run(common, crowd, "validate", &client, ask).await
}

pub(super) async fn consume(args: &ConsumeArgs) -> Result<Report, BenchError> {
    let ConsumeArgs { common, crowd, offer } = args;
    let (client, codes) = codes(common, crowd, Some(offer), false).await?;
    let ask = Ask::new(client.base(), "consume", codes, crowd.seed, Some(goods::run_id()?));
    run(common, crowd, "consume", &client, ask).await
}

async fn run(
    common: &Common,
    crowd: &Crowd,
    load: &'static str,
    client: &Client,
    ask: Ask,
) -> Result<Report, BenchError> {
    let server = client.base().clone();
    let about = About {
        load,
        server: server.to_string(),
        connections: common.connections,
        accounts: Some(crowd.accounts),
        rate: crowd.rate,
    };
    load::run(common, server, about, ask).await
}

/// The codes of licenses that are bought now: of different accounts, as far as there are any.
async fn codes(
    common: &Common,
    crowd: &Crowd,
    offer: Option<&str>,
    short: bool,
) -> Result<(Client, Vec<String>), BenchError> {
    let mut sessions = Sessions::obtain(common, crowd).await?;
    let client = common.client()?;
    let buyer = client.bearer(sessions.draw());
    let offer = match offer {
        Some(offer) => offer.to_owned(),
        None => goods::cheapest_offer(&buyer).await?,
    };
    let purchase = goods::purchase_of(&buyer, &offer).await?;
    let run = goods::run_id()?;
    let wanted = usize::try_from(crowd.accounts).unwrap_or(LICENSES).min(LICENSES);
    let mut codes = Vec::with_capacity(wanted);
    for number in 0..wanted {
        let buyer = client.bearer(sessions.draw());
        let order = buyer.purchase(&format!("{run:016x}-code-{number}"), &purchase).await?;
        let license = order.licenses.into_iter().next();
        let code = license.map(|license| if short { license.code.short } else { license.code.jws });
        codes.push(code.ok_or(BenchError::NothingFound("code in the answer"))?);
    }
    Ok((client, codes))
}

struct Ask {
    /// The head of the request up to the length of its body.
    start: Vec<u8>,
    codes: Vec<String>,
    chance: ChaCha8Rng,
    /// What makes keys fresh, where something is taken.
    run: Option<u64>,
    sent: u64,
    body: Vec<u8>,
}

impl Ask {
    fn new(server: &BaseUrl, verb: &str, codes: Vec<String>, seed: u64, run: Option<u64>) -> Self {
        let start = format!(
            "POST {}/v1/licenses/{verb} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\n\
             content-length: ",
            server.prefix,
            server.authority(),
        );
        let (chance, body) = (ChaCha8Rng::seed_from_u64(seed), Vec::new());
        Self { start: start.into_bytes(), codes, chance, run, sent: 0, body }
    }
}

impl Workload for Ask {
    fn write(&mut self, request: &mut Vec<u8>) {
        let fraction = u64::from(self.chance.next_u32());
        let at = (fraction * self.codes.len() as u64) >> 32;
        let code = &self.codes[usize::try_from(at).expect("less than the count")];
        self.body.clear();
        // Writing to memory cannot fail.
        let _ = match self.run {
            None => write!(self.body, r#"{{"code":"{code}"}}"#),
            Some(run) => {
                let sent = self.sent;
                write!(self.body, r#"{{"code":"{code}","units":1,"key":"{run:016x}-{sent:010}"}}"#)
            }
        };
        request.extend_from_slice(&self.start);
        let _ = write!(request, "{}\r\n\r\n", self.body.len());
        request.extend_from_slice(&self.body);
        self.sent += 1;
    }

    fn check(&mut self, answer: &Answer<'_>) -> Result<(), String> {
        if answer.status != 200 {
            return Err(refusal(answer));
        }
        let body = std::str::from_utf8(answer.body).unwrap_or_default();
        // What is not counted is taken from nothing: that would measure another thing.
        let taken = self.run.is_none() || body.contains(r#""consumption":{"#);
        match (body.contains(r#""valid":true"#), taken) {
            (true, true) => Ok(()),
            (true, false) => Err("nothing_is_counted".to_owned()),
            (false, _) => Err(refusal(answer)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(run: Option<u64>) -> Ask {
        let server = "http://localhost:81/shop".parse().expect("valid");
        Ask::new(&server, "consume", vec!["a.b.c".to_owned()], 1, run)
    }

    #[test]
    fn requests_are_whole_and_their_keys_fresh() {
        let mut ask = ask(Some(0xab));
        let mut next = || {
            let mut request = Vec::new();
            ask.write(&mut request);
            String::from_utf8(request).expect("text")
        };
        let body = r#"{"code":"a.b.c","units":1,"key":"00000000000000ab-0000000000"}"#;
        let meant = format!(
            "POST /shop/v1/licenses/consume HTTP/1.1\r\nhost: localhost:81\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len(),
        );
        assert_eq!(next(), meant);
        assert_eq!(next(), meant.replace("-0000000000", "-0000000001"));
    }

    #[test]
    fn only_what_was_taken_is_an_answer() {
        let check =
            |run, status, body: &str| ask(run).check(&Answer { status, body: body.as_bytes() });
        let taken = r#"{"valid":true,"code":"VALID","consumption":{"units":1}}"#;
        assert_eq!(check(Some(1), 200, taken), Ok(()));
        let uncounted = r#"{"valid":true,"code":"VALID","consumption":null}"#;
        assert_eq!(check(Some(1), 200, uncounted), Err("nothing_is_counted".to_owned()));
        assert_eq!(check(None, 200, uncounted), Ok(()));
        let exhausted = r#"{"valid":false,"code":"USES_EXHAUSTED"}"#;
        assert_eq!(check(Some(1), 200, exhausted), Err("USES_EXHAUSTED".to_owned()));
        assert_eq!(check(None, 503, r#"{"code":"busy"}"#), Err("busy".to_owned()));
    }
}
