//! What only PostgreSQL has: connections that are lost, and other servers on the same database.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use scrip_storage::{Fault, Store};
use tokio::net::{TcpListener, TcpStream};

use crate::batches::receipt;
use crate::commands::{Move, Refusal, balance, house, open};
use crate::home::{Home, Nobody, Noon, Running, client, on_postgres};

const OTHERS: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()";

#[tokio::test]
async fn lost_connections_heal() {
    on_postgres("lost_connections_heal", async |home: &Home| {
        let store = home.start().await;
        store.submit(open(100)).await.unwrap().unwrap();
        let killer = client(home.url()).await;
        for key in 0..8 {
            killer.batch_execute(OTHERS).await.unwrap();
            let deposit = Move { wallet: 100, tokens: 1, key };
            until_answered(&store, deposit).await;
        }
        assert_eq!(until_read(&store).await, Some(8));
        store.stop().await.unwrap();
    })
    .await;
}

/// As a caller does it: asks again with the same key.
async fn until_answered(store: &Store, deposit: Move) {
    loop {
        match store.submit(deposit).await {
            Ok(answer) => {
                answer.unwrap();
                return;
            }
            Err(Fault::Unavailable(_) | Fault::Unknown(_)) => {}
            Err(other) => panic!("{other}"),
        }
    }
}

async fn until_read(store: &Store) -> Option<u64> {
    loop {
        if let Ok(wallet) = store.wallet(crate::commands::id(100)).await {
            return wallet.map(|wallet| wallet.available().units());
        }
    }
}

/// Killed at any moment, commits among them: an unknown commit does not end the writer.
#[tokio::test]
async fn connections_lost_in_the_middle_lose_nothing() {
    on_postgres("connections_lost_in_the_middle", async |home: &Home| {
        let store = Arc::new(home.start().await);
        for number in 100..110 {
            store.submit(open(number)).await.unwrap().unwrap();
        }
        let killer = client(home.url()).await;
        let callers = (0..10).map(|caller| {
            let store = store.clone();
            tokio::spawn(async move {
                for key in 0..40 {
                    let deposit =
                        Move { wallet: 100 + key % 10, tokens: 1, key: caller * 1000 + key };
                    until_answered(&store, deposit).await;
                }
            })
        });
        let callers = join_all(callers);
        let kills = async {
            for _ in 0..50 {
                killer.batch_execute(OTHERS).await.unwrap();
                tokio::task::yield_now().await;
            }
        };
        let (called, ()) = tokio::join!(callers, kills);
        called.into_iter().for_each(|caller| caller.unwrap());
        until_read(&store).await;
        for number in 100..110 {
            until_answered(&store, Move { wallet: number, tokens: 1, key: 999_999 }).await;
        }
        let store = Arc::into_inner(store).unwrap();
        let fresh = home.start().await;
        for number in 100..110 {
            assert_eq!(balance(&fresh, number).await, Some(41), "{number}");
        }
        assert_eq!(house(&fresh).await, -410);
        fresh.stop().await.unwrap();
        store.stop().await.unwrap();
    })
    .await;
}

/// Two servers with two loops each, on the same wallets and with the same keys.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_on_one_database_lose_and_double_nothing() {
    on_postgres("two_servers_on_one_database", async |home: &Home| {
        let servers = [Arc::new(home.start().await), Arc::new(home.start().await)];
        let (wallets, keys, rounds) = (5_u64, 60_u64, 4_u64);
        for number in 0..wallets {
            servers[0].submit(open(100 + number)).await.unwrap().unwrap();
        }
        // Each key is asked for at both servers, several times, at once. Every third takes out.
        let calls = (0..rounds).flat_map(|_| (0..keys).flat_map(|key| [(0, key), (1, key)]));
        let calls = calls.map(|(server, key)| {
            let store = servers[server].clone();
            let tokens = if key % 3 == 2 { -7 } else { 5 };
            let change = Move { wallet: 100 + key % wallets, tokens, key };
            tokio::spawn(async move { (change, store.submit(change).await.unwrap()) })
        });
        let calls = calls.collect::<Vec<_>>();
        let answers: Vec<_> =
            join_all(calls).await.into_iter().map(|answer| answer.unwrap()).collect();
        for number in 0..wallets {
            let mut first = std::collections::BTreeMap::new();
            let of_wallet = answers.iter().filter(|(change, _)| change.wallet == 100 + number);
            for (change, answer) in of_wallet {
                let (_, kept) = *first.entry(change.key).or_insert((change.tokens, *answer));
                assert_eq!(kept, *answer, "{change:?} was answered in two ways");
            }
            let done = first.values().filter(|(_, answer)| *answer != Err(Refusal::TooPoor));
            let expected: i64 = done.map(|(tokens, _)| tokens).sum();
            let either = &servers[usize::from(number % 2 == 1)];
            let found = balance(either, 100 + number).await.unwrap();
            assert_eq!(Ok(found), u64::try_from(expected), "wallet {number}");
        }
        let outstanding: i128 = join_all((0..wallets).map(|n| balance(&servers[0], 100 + n)))
            .await
            .into_iter()
            .map(|balance| i128::from(balance.unwrap()))
            .sum();
        assert_eq!(house(&servers[0]).await, -outstanding);
        for server in servers {
            Arc::into_inner(server).unwrap().stop().await.unwrap();
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_number_receipts_without_gaps() {
    on_postgres("two_servers_number_receipts", async |home: &Home| {
        let servers = [Arc::new(home.start().await), Arc::new(home.start().await)];
        let calls = (0..400_usize).map(|order| {
            let store = servers[order % 2].clone();
            tokio::spawn(async move { store.submit(receipt(order as u64)).await })
        });
        let calls = calls.collect::<Vec<_>>();
        let numbers = join_all(calls).await.into_iter().map(|call| call.unwrap().unwrap().unwrap());
        let mut numbers: Vec<u64> = numbers.collect();
        numbers.sort_unstable();
        assert_eq!(numbers, (1..=400).collect::<Vec<u64>>());
    })
    .await;
}

#[tokio::test]
async fn servers_that_start_together_migrate_once() {
    on_postgres("servers_that_start_together", async |home: &Home| {
        let opened = join_all((0..4).map(|_| home.open())).await;
        assert!(opened.iter().all(Result::is_ok));
    })
    .await;
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told() {
    let nobody = "postgres://scrip:a-secret@127.0.0.1:1/scrip";
    let fault = Store::postgres(nobody).await.unwrap_err();
    assert!(matches!(&fault, Fault::Unavailable(why) if !why.contains("a-secret")), "{fault}");
    assert!(matches!(Store::postgres("nonsense").await, Err(Fault::Unavailable(_))));
}

#[tokio::test]
async fn what_is_printed_holds_no_password() {
    on_postgres("what_is_printed", async |home: &Home| {
        let url = home.url().replacen("://postgres@", "://postgres:a-secret@", 1);
        let (store, writer) = Store::postgres(&url).await.unwrap();
        assert!(!format!("{store:?}{writer:?}").contains("a-secret"));
        let never = Box::new(|| unreachable!());
        let run = writer.run_with_fates(Arc::new(Noon), Arc::new(Nobody), never);
        assert!(Box::pin(run).await.is_err());
    })
    .await;
}

/// A way to PostgreSQL that counts who goes it: the URL through it, and the count.
async fn counting(url: &str) -> (String, Arc<AtomicUsize>) {
    let start = url.rfind('@').unwrap() + 1;
    let end = start + url[start..].find('/').unwrap();
    let there = url[start..end].to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let here = listener.local_addr().unwrap();
    let count = Arc::new(AtomicUsize::new(0));
    let counted = count.clone();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::Relaxed);
            let mut server = TcpStream::connect(&there).await.unwrap();
            tokio::spawn(async move {
                let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    (format!("{}{here}{}", &url[..start], &url[end..]), count)
}

/// However many find a connection lost, or not there yet, one of them opens it.
#[tokio::test]
async fn a_lost_connection_is_opened_once() {
    on_postgres("a_lost_connection_is_opened_once", async |home: &Home| {
        home.start().await.stop().await.unwrap();
        let (url, opened) = counting(home.url()).await;
        let store = Store::postgres_read_only(&url).await.unwrap();
        let killer = client(home.url()).await;
        let mut before = 0;
        for _ in 0..4 {
            for read in join_all((0..100).map(|_| store.vendor())).await {
                assert!(read.unwrap().is_none());
            }
            let now = opened.load(Ordering::Relaxed);
            assert_eq!(now - before, 4, "connections for four lines");
            before = now;
            killer.batch_execute(OTHERS).await.unwrap();
        }
    })
    .await;
}

/// Reads of a locked table wait for as long as the lock is held. What else is read meanwhile does not wait with them:
/// no page behind a page, and none behind the doctor.
#[tokio::test]
async fn a_slow_read_keeps_no_other_waiting() {
    on_postgres("a_slow_read_keeps_no_other", async |home: &Home| {
        let store = home.start().await;
        let (locker, admin) = (client(home.url()).await, client(home.url()).await);
        locker.batch_execute("BEGIN; LOCK TABLE wallets IN ACCESS EXCLUSIVE MODE").await.unwrap();
        let probes = scrip_storage::reads::doctor::probes();
        let probe = probes.into_iter().find(|probe| probe.name == "wallet-lots").unwrap();
        let asking = store.clone();
        let asked = tokio::spawn(async move { asking.examine(&probe).await });
        let reading = store.clone();
        let read = tokio::spawn(async move { reading.wallet(crate::commands::id(100)).await });
        let waiting =
            "SELECT COUNT(*) FROM pg_locks WHERE NOT granted AND relation = 'wallets'::regclass";
        while admin.query_one(waiting, &[]).await.unwrap().get::<_, i64>(0) < 2 {}
        let others = async {
            for _ in 0..16 {
                assert!(store.vendor().await.unwrap().is_none());
            }
        };
        let answered = tokio::time::timeout(Duration::from_secs(30), others).await;
        assert!(answered.is_ok(), "a page waits behind a slow read");
        locker.batch_execute("COMMIT").await.unwrap();
        assert!(asked.await.unwrap().unwrap().findings.is_empty());
        assert!(read.await.unwrap().unwrap().is_none());
        store.stop().await.unwrap();
    })
    .await;
}

/// A URL with one more option.
fn with(url: &str, option: &str) -> String {
    format!("{url}{}{option}", if url.contains('?') { '&' } else { '?' })
}

/// Encrypted as `sslmode` says; and who is at the other end is looked at where it says so.
#[tokio::test]
async fn the_way_there_is_encrypted_as_the_url_says() {
    on_postgres("the_way_there_is_encrypted", async |home: &Home| {
        let admin = client(home.url()).await;
        let text =
            async |query: &str| -> String { admin.query_one(query, &[]).await.unwrap().get(0) };
        let ssl = text("SELECT current_setting('ssl')").await;
        assert_eq!(
            ssl, "on",
            "this PostgreSQL speaks no TLS: take the one of `cargo xtask postgres`"
        );
        let certificate = text("SELECT pg_read_file(current_setting('ssl_cert_file'))").await;
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root.pem");
        std::fs::write(&root, certificate).unwrap();
        let root = root.display();

        let named = home.url().replacen("127.0.0.1", "localhost", 1);
        for (number, mode, encrypted) in [
            (100, "disable", false),
            (101, "prefer", true),
            (102, "require", true),
            (103, &format!("verify-full&sslrootcert={root}"), true),
        ] {
            let url = with(&named, &format!("sslmode={mode}"));
            let store = Running::start(Store::postgres(&url).await.unwrap());
            store.submit(open(number)).await.unwrap().unwrap();
            let counted = "SELECT COUNT(*), COUNT(*) FILTER (WHERE s.ssl) FROM pg_stat_activity a
                JOIN pg_stat_ssl s USING (pid)
                WHERE a.datname = current_database() AND a.pid <> pg_backend_pid()";
            let row = admin.query_one(counted, &[]).await.unwrap();
            let (all, over_tls): (i64, i64) = (row.get(0), row.get(1));
            assert!(all >= 2 && over_tls == if encrypted { all } else { 0 }, "{mode}: {over_tls}");
            store.stop().await.unwrap();
            // Their connections end a moment after they are dropped.
            admin.batch_execute(OTHERS).await.unwrap();
        }
        let by_address = format!("sslmode=verify-full&sslrootcert={root}");
        for (url, expected) in [
            (with(&named, "sslmode=verify-full"), "certificate"),
            (with(home.url(), &by_address), "certificate not valid for name"),
        ] {
            let fault = Store::postgres(&url).await.map(drop).unwrap_err().to_string();
            assert!(fault.contains(expected), "{url}: {fault}");
        }
    })
    .await;
}

#[tokio::test]
async fn an_empty_database_has_no_vendor_and_stays_empty() {
    on_postgres("an_empty_database_has_no_vendor", async |home: &Home| {
        assert!(!Store::postgres_has_vendor(home.url()).await.unwrap());
        let tables = "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = 'public'";
        let row = client(home.url()).await.query_one(tables, &[]).await.unwrap();
        assert_eq!(row.get::<_, i64>(0), 0);
        home.start().await.stop().await.unwrap();
        assert!(!Store::postgres_has_vendor(home.url()).await.unwrap(), "a schema is no shop");
        home.execute("INSERT INTO vendor (id, settings, former_names) VALUES (1, '{}', '[]')")
            .await;
        assert!(Store::postgres_has_vendor(home.url()).await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn who_is_waited_for_is_told() {
    on_postgres("who_is_waited_for", async |home: &Home| {
        let store = home.start().await;
        let replication = store.replication().await.unwrap().unwrap();
        assert_eq!((replication.awaited.as_str(), replication.connected), ("", 0));
        assert!(replication.syncs);
        store.stop().await.unwrap();
    })
    .await;
}
