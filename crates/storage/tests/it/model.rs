//! Any sequence of commands, cut into any batches, does what a model of one map does.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};

use futures_util::future::join_all;
use proptest::prelude::*;

use crate::commands::{Move, Refusal, balance, house, open};
use crate::home::{Home, in_memory};

const WALLETS: u64 = 4;

#[derive(Default)]
struct Model {
    balances: BTreeMap<u64, i64>,
    answers: BTreeMap<(u64, u64), (u64, Result<u64, Refusal>)>,
}

impl Model {
    fn answer(&mut self, change: Move) -> Result<u64, Refusal> {
        let fingerprint = change.tokens.unsigned_abs();
        if let Some((asked, answer)) = self.answers.get(&(change.wallet, change.key)) {
            return if *asked == fingerprint { *answer } else { Err(Refusal::KeyReused) };
        }
        let balance = self.balances.get_mut(&change.wallet).ok_or(Refusal::NoWallet)?;
        let after = *balance + change.tokens;
        let answer = if after < 0 {
            Err(Refusal::TooPoor)
        } else {
            *balance = after;
            Ok((change.wallet << 32) | change.key)
        };
        self.answers.insert((change.wallet, change.key), (fingerprint, answer));
        answer
    }
}

fn moves() -> impl Strategy<Value = Vec<Vec<Move>>> {
    let tokens = prop_oneof![1_i64..40, -40_i64..0];
    // Few wallets (one of them missing) and few keys, so that they meet.
    let change = (100..=100 + WALLETS, tokens, 1_u64..12).prop_map(|(wallet, tokens, key)| Move {
        wallet,
        tokens,
        key,
    });
    proptest::collection::vec(proptest::collection::vec(change, 1..12), 1..12)
}

async fn follow(home: &Home, batches: Vec<Vec<Move>>) {
    let store = home.start().await;
    let mut model = Model::default();
    for wallet in 100..100 + WALLETS {
        store.submit(open(wallet)).await.unwrap().unwrap();
        model.balances.insert(wallet, 0);
    }
    for batch in batches.iter().chain(&batches) {
        // Joined before the writer runs: one batch.
        let answers = join_all(batch.iter().map(|change| store.submit(*change))).await;
        for (change, answer) in batch.iter().zip(answers) {
            assert_eq!(answer.unwrap(), model.answer(*change), "{change:?}");
        }
        let mut outstanding = 0;
        for (wallet, expected) in &model.balances {
            let found = balance(&store, *wallet).await.unwrap();
            assert_eq!(Ok(found), u64::try_from(*expected));
            outstanding += i128::from(found);
        }
        assert_eq!(house(&store).await + outstanding, 0);
    }
    store.stop().await.unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn batches_do_what_a_map_does(batches in moves()) {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("model_{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(in_memory(&name, async |home: &Home| follow(home, batches).await));
    }
}
