use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join};
use scrip_license::SigningKey;
use serde_json::json;

use super::*;

const SHOP: &str = "https://shop.example";

fn at(seconds: u32) -> Timestamp {
    Timestamp::from_millis(1_795_348_800_000).plus(Span::seconds(seconds))
}

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed([seed; 32])
}

/// A server with keys of these seeds, at an address; it counts how often it is asked for them.
#[derive(Debug)]
struct Server(Mutex<State>);

#[derive(Debug)]
struct State {
    seeds: Vec<u8>,
    address: String,
    is_up: bool,
    asked: u32,
}

impl PeerPort for Server {
    fn read<'a>(&'a self, url: &'a str) -> BoxFuture<'a, Result<Vec<u8>, String>> {
        async move {
            // Somebody else comes in between.
            tokio::task::yield_now().await;
            let mut state = self.0.lock().unwrap();
            if !state.is_up {
                return Err("nobody is there".to_owned());
            }
            if url == format!("{SHOP}/.well-known/scrip") {
                return Ok(json!({ "protocol_jwks_uri": state.address, "more": 1 })
                    .to_string()
                    .into());
            }
            assert_eq!(url, state.address);
            state.asked += 1;
            let keys: KeySet = state.seeds.iter().map(|seed| key(*seed).public().clone()).collect();
            Ok(serde_json::to_vec(&keys).unwrap())
        }
        .boxed()
    }
}

fn server(seeds: &[u8]) -> (Arc<Server>, PeerKeys) {
    let address = format!("{SHOP}/keys.json");
    let state = State { seeds: seeds.to_vec(), address, is_up: true, asked: 0 };
    let server = Arc::new(Server(Mutex::new(state)));
    (server.clone(), PeerKeys::through(server))
}

impl Server {
    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.0.lock().unwrap());
    }

    fn asked(&self) -> u32 {
        self.0.lock().unwrap().asked
    }
}

/// Whether the key of this seed is found at this second; the word of the refusal otherwise.
async fn word(keys: &PeerKeys, seed: u8, second: u32) -> &'static str {
    match keys.key(SHOP, key(seed).kid(), at(second)).await {
        Ok(found) => {
            assert_eq!(&found, key(seed).public());
            "found"
        }
        Err(PeerRefusal::UnknownKey) => "unknown",
        Err(PeerRefusal::Unreachable(_)) => "unreachable",
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test]
async fn keys_are_read_once_and_again_for_a_new_one_at_most_each_minute() {
    let (server, keys) = server(&[1]);
    for second in [0, 1, 3599] {
        assert_eq!(word(&keys, 1, second).await, "found");
    }
    assert_eq!(server.asked(), 1);
    server.change(|state| state.seeds.push(2));
    assert_eq!(word(&keys, 2, 3599).await, "found", "a rotated key is heard of at once");
    assert_eq!(server.asked(), 2);
    for second in [3600, 3610, 3658] {
        assert_eq!(word(&keys, 3, second).await, "unknown");
    }
    assert_eq!(server.asked(), 2, "whoever invents names of keys causes no requests");
    assert_eq!(word(&keys, 3, 3659).await, "unknown");
    assert_eq!(server.asked(), 3);
}

#[tokio::test]
async fn what_is_taken_away_is_unknown_after_an_hour() {
    let (server, keys) = server(&[1, 2]);
    assert_eq!(word(&keys, 1, 0).await, "found");
    server.change(|state| state.seeds = vec![2]);
    assert_eq!(word(&keys, 1, 3599).await, "found");
    assert_eq!(word(&keys, 1, 3600).await, "unknown");
    assert_eq!(word(&keys, 2, 3601).await, "found");
}

#[tokio::test]
async fn known_keys_are_good_for_a_day_while_their_server_is_away() {
    let (server, keys) = server(&[1]);
    server.change(|state| state.is_up = false);
    assert_eq!(word(&keys, 1, 0).await, "unreachable");
    server.change(|state| state.is_up = true);
    assert_eq!(word(&keys, 1, 4).await, "unreachable", "it is not asked at once again");
    assert_eq!(word(&keys, 1, 5).await, "found");
    server.change(|state| state.is_up = false);
    assert_eq!(word(&keys, 1, 7200).await, "found");
    assert_eq!(word(&keys, 2, 7200).await, "unreachable", "nobody knows whether it is new");
    assert_eq!(word(&keys, 1, 86_404).await, "found");
    assert_eq!(word(&keys, 1, 86_405).await, "unreachable");
    server.change(|state| state.is_up = true);
    assert_eq!(word(&keys, 1, 86_410).await, "found");
}

#[tokio::test]
async fn one_asks_and_the_others_wait() {
    let (server, keys) = server(&[1]);
    let both = join(word(&keys, 1, 0), word(&keys, 1, 0)).await;
    assert_eq!((both, server.asked()), (("found", "found"), 1));
}

#[tokio::test]
async fn keys_lie_nowhere_else_than_at_their_server() {
    let (server, keys) = server(&[1]);
    for (second, address) in (0_u32..).step_by(10).zip([
        "http://169.254.169.254/latest",
        "https://shop.example.evil.example/keys",
        "https://shop.example@evil.example/",
        "",
    ]) {
        server.change(|state| state.address = address.to_owned());
        assert_eq!(word(&keys, 1, second).await, "unreachable", "{address}");
    }
    assert_eq!(server.asked(), 0);
    assert!(PeerKeys::default().key(SHOP, "kid", at(0)).await.is_err(), "without a port");
}
