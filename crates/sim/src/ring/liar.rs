//! A vendor that signs another account than it has: its partners owe it more there.

use axum::Router;
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::{Method, Request, Response};
use scrip_domain::document::exchange::Account;
use scrip_domain::document::{Document, MAX_LENGTH};
use scrip_domain::statement::net;
use scrip_domain::{Amount, Timestamp};
use scrip_engine::partner::{History, Item, Linked, Notice, Partners, SettlementNews, Way};
use scrip_engine::peer::PeerError;
use scrip_engine::provider::{Asked, Opened};
use scrip_license::{KeySet, SigningKey, jws};
use scrip_peer::HttpPartners;
use serde_json::{Value, json};

use crate::faults::routed;

/// More than there is, in millionths.
const MORE: u64 = 1_000_000;

/// Partners as they are reached, told something else of each cycle.
#[derive(Debug)]
pub(crate) struct Liar {
    true_word: HttpPartners,
    key: [u8; 32],
}

impl Liar {
    /// Who lies with this key.
    pub fn new(true_word: HttpPartners, key: [u8; 32]) -> Self {
        Self { true_word, key }
    }
}

/// The account with more in it, signed all the same.
fn bent(account: &str, key: [u8; 32]) -> Option<String> {
    let key = SigningKey::from_seed(key);
    let keys = KeySet::from_iter([key.public().clone()]);
    let mut said: Account = jws::verify_within(MAX_LENGTH, account, Account::TYP, &keys).ok()?;
    said.gross_in = said.gross_in.checked_add(Amount::new(MORE)?)?;
    let reckoned = net(said.gross_out, said.gross_in, said.carried_in, said.currency)?;
    (said.net, said.carried_out) = (reckoned.net, reckoned.carried_out);
    jws::sign_within(MAX_LENGTH, &key, Account::TYP, &said).ok()
}

/// Has the router answer, and lies where a partner asks for the account of a cycle.
pub(crate) async fn answer(
    router: Router,
    request: Request<Bytes>,
    key: [u8; 32],
) -> Response<Bytes> {
    let is_asked =
        request.method() == Method::PUT && request.uri().path().starts_with("/v1/peer/accounts/");
    let (mut parts, body) = routed(router, request).await.into_parts();
    let told: Value = serde_json::from_slice(&body).unwrap_or_default();
    let bent = told["account"].as_str().filter(|_| is_asked).and_then(|told| bent(told, key));
    let Some(bent) = bent else { return Response::from_parts(parts, body) };
    parts.headers.remove("content-length");
    Response::from_parts(parts, json!({ "account": bent }).to_string().into())
}

impl Partners for Liar {
    fn account<'a>(
        &'a self,
        url: &'a str,
        cycle: u32,
        account: &'a str,
    ) -> Asked<'a, Option<String>> {
        async move {
            let bent = bent(account, self.key);
            self.true_word.account(url, cycle, bent.as_deref().unwrap_or(account)).await
        }
        .boxed()
    }

    fn propose<'a>(&'a self, url: &'a str, proposal: &'a str) -> Asked<'a, ()> {
        self.true_word.propose(url, proposal)
    }

    fn accept<'a>(&'a self, url: &'a str, acceptance: &'a str) -> Asked<'a, ()> {
        self.true_word.accept(url, acceptance)
    }

    fn tell<'a>(&'a self, url: &'a str, notice: &'a Notice) -> Asked<'a, ()> {
        self.true_word.tell(url, notice)
    }

    fn link<'a>(&'a self, url: &'a str, link: &'a str, return_url: &'a str) -> Asked<'a, Opened> {
        self.true_word.link(url, link, return_url)
    }

    fn redeem<'a>(&'a self, url: &'a str, return_code: &'a str) -> Asked<'a, Linked> {
        self.true_word.redeem(url, return_code)
    }

    fn unlink<'a>(&'a self, url: &'a str, subject: &'a str) -> Asked<'a, ()> {
        self.true_word.unlink(url, subject)
    }

    fn quote<'a>(&'a self, url: &'a str, subject: &'a str, give: Amount) -> Asked<'a, String> {
        self.true_word.quote(url, subject, give)
    }

    fn prepare<'a>(&'a self, url: &'a str, exchange: &'a str, quote: &'a str) -> Asked<'a, String> {
        self.true_word.prepare(url, exchange, quote)
    }

    fn fulfil<'a>(&'a self, url: &'a str, exchange: &'a str, commit: &'a str) -> Asked<'a, String> {
        self.true_word.fulfil(url, exchange, commit)
    }

    fn cancel<'a>(&'a self, url: &'a str, exchange: &'a str) -> Asked<'a, ()> {
        self.true_word.cancel(url, exchange)
    }

    fn items<'a>(
        &'a self,
        url: &'a str,
        cycle: u32,
        way: Way,
        after: Option<&'a str>,
    ) -> Asked<'a, Vec<Item>> {
        self.true_word.items(url, cycle, way, after)
    }

    fn settle<'a>(&'a self, url: &'a str, cycle: u32, news: &'a SettlementNews) -> Asked<'a, ()> {
        self.true_word.settle(url, cycle, news)
    }

    fn history<'a>(&'a self, url: &'a str, since: Timestamp, after: &'a str) -> Asked<'a, History> {
        self.true_word.history(url, since, after)
    }

    fn read<'a>(
        &'a self,
        url: &'a str,
        typ: &'a str,
        document: &'a str,
    ) -> BoxFuture<'a, Result<Value, PeerError>> {
        self.true_word.read(url, typ, document)
    }
}
