//! Many programs at once: never one machine too many, no processing lost or given twice.

use futures_util::future::join_all;
use scrip_license::Terms;
use scrip_testkit::Answer;
use serde_json::json;

use crate::licensed::{Licensed, images, machines};

fn valid(answers: &[Answer]) -> usize {
    answers.iter().filter(|answer| answer.json["valid"] == true).count()
}

#[tokio::test]
async fn of_fifty_machines_at_once_three_find_a_seat() {
    let sold = Licensed::new(Terms::Perpetual, machines(3)).await;
    let names: Vec<_> = (0..50).map(|number| format!("machine {number}")).collect();
    let answers = join_all(names.iter().map(|name| sold.activate(name))).await;
    assert_eq!(valid(&answers), 3);
    let refused = answers.iter().filter(|answer| answer.at("/code") == "MACHINE_LIMIT").count();
    assert_eq!(refused, 47);
    assert_eq!(sold.shown().await["machines"]["active"], 3);
    assert_eq!(sold.told("license.activated").await, 3);
    // Those who have a seat keep it, and whoever leaves makes room for one.
    let again = join_all(names.iter().map(|name| sold.activate(name))).await;
    for (first, again) in answers.iter().zip(&again) {
        assert_eq!(first.at("/activation/id"), again.at("/activation/id"));
    }
    let seated: Vec<_> =
        names.iter().zip(&answers).filter(|(_, it)| it.json["valid"] == true).collect();
    let off = json!({ "fingerprint": seated[0].0 });
    let many = join_all((0..10).map(|_| sold.ask("deactivate", off.clone()))).await;
    assert_eq!(valid(&many), 1, "it leaves once");
    let more = join_all(names.iter().skip(30).map(|name| sold.activate(name))).await;
    let new = more.iter().filter(|it| it.json["valid"] == true).count();
    assert!(new >= 1);
    assert_eq!(sold.shown().await["machines"]["active"], 3);
    sold.shop.sound().await;
}

#[tokio::test]
async fn of_a_hundred_at_once_sixty_are_served() {
    let sold = Licensed::new(images(60), scrip_license::Limits::default()).await;
    let keys: Vec<_> = (0..100).map(|number| format!("k{number}")).collect();
    let answers = join_all(keys.iter().map(|key| sold.consume(key, 1))).await;
    assert_eq!(valid(&answers), 60);
    let mut left: Vec<_> =
        answers.iter().filter_map(|answer| answer.json["consumption"]["left"].as_u64()).collect();
    left.sort_unstable();
    assert_eq!(left, (0..60).collect::<Vec<_>>(), "each saw another rest");
    assert_eq!(sold.told("license.exhausted").await, 1);
    sold.shop.sound().await;
}

#[tokio::test]
async fn one_key_takes_once_whoever_uses_it() {
    let sold = Licensed::new(images(60), scrip_license::Limits::default()).await;
    let answers = join_all((0..50).map(|_| sold.consume("the-one", 5))).await;
    assert_eq!(valid(&answers), 50);
    assert!(answers.iter().all(|answer| answer.bytes == answers[0].bytes));
    let lease = json!({ "fingerprint": "desk", "key": "lease", "units": 5 });
    let leases = join_all((0..50).map(|_| sold.ask("lease", lease.clone()))).await;
    assert!(leases.iter().all(|answer| answer.at("/lease") == leases[0].at("/lease")));
    let shown = sold.shown().await;
    assert_eq!(
        [&shown["left"], &shown["used"], &shown["leased"]],
        [&json!(50), &json!(5), &json!(5)]
    );
    let give = |used: u64| json!({ "lease": leases[0].at("/leased/id"), "used": used });
    let returns = join_all((0..20).map(|number| sold.ask("return", give(number % 2)))).await;
    let booked: Vec<_> = returns.iter().filter(|answer| answer.status == 200).collect();
    assert_eq!(booked.len(), 10, "what was said first is what holds");
    let used = &booked[0].json["returned"]["used"];
    let shown = sold.shown().await;
    assert_eq!(
        (&shown["leased"], shown["used"].as_u64()),
        (&json!(0), used.as_u64().map(|used| used + 5))
    );
    sold.shop.sound().await;
}

#[tokio::test]
async fn leases_and_consumptions_share_what_is_left() {
    let sold = Licensed::new(images(60), machines(1)).await;
    sold.activate("desk").await;
    let keys: Vec<_> = (0..60).map(|number| format!("k{number}")).collect();
    let asks = keys.iter().enumerate().map(|(number, key)| {
        let verb = if number % 2 == 0 { "lease" } else { "consume" };
        sold.ask(verb, json!({ "fingerprint": "desk", "key": key, "units": 7 }))
    });
    let answers = join_all(asks).await;
    assert_eq!(valid(&answers), 8, "56 of 60");
    let shown = sold.shown().await;
    assert_eq!(shown["left"], 4);
    let sum = shown["used"].as_u64().unwrap() + shown["leased"].as_u64().unwrap();
    assert_eq!(sum, 56);
    sold.shop.sound().await;
}

#[tokio::test]
async fn two_servers_give_no_seat_twice() {
    let sold = Licensed::new(images(40), machines(3)).await;
    let other = sold.shop.another().await;
    let names: Vec<_> = (0..20).map(|number| format!("machine {number}")).collect();
    let here = join_all(names.iter().map(|name| sold.activate(name)));
    let there = join_all(names.iter().map(|name| {
        crate::licensed::ask(
            &other,
            &sold.program.short,
            "activate",
            json!({ "fingerprint": name }),
        )
    }));
    let (here, there) = tokio::join!(here, there);
    for (here, there) in here.iter().zip(&there) {
        assert_eq!(here.json["valid"], there.json["valid"]);
    }
    assert_eq!((valid(&here), valid(&there)), (3, 3));
    assert_eq!(sold.shown().await["machines"]["active"], 3);
    sold.shop.sound().await;
}
