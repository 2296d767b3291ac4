//! How two vendors close a cycle and come to say the same of it, whatever comes between: what is written into the books is what
//! `settlements` writes.

use scrip_domain::document::exchange::Account;
use scrip_domain::exchange::{Exchange, ExchangeState, Incoming, IncomingState};
use scrip_domain::partner::Partner;
use scrip_domain::{Amount, Id, Span, Timestamp};
use scrip_testkit::rows::{Books, Change, Changes, Command, Decision, Fault, Wants};
use scrip_testkit::{Shop, Way};
use serde_json::{Value, json};

use crate::settlements::{
    Two, amount, checked, commit, compare, exchange, figures, fulfil, id, instruct, number,
    received, statement, two, write,
};

#[tokio::test]
async fn both_may_close_at_once() {
    let two = Two::open().await;
    two.a_owes(7_000_000).await;
    two.network.cut();
    two.close(&two.a).await;
    two.close(&two.b).await;
    assert_eq!(two.states(1).await, ["closed", "closed"]);
    // Each has gone on.
    two.b_owes(3_000_000).await;
    two.network.mend();
    two.settle_down().await;
    assert_eq!(two.states(1).await, ["agreed", "agreed"]);
    two.close(&two.b).await;
    two.settle_down().await;
    assert_eq!(two.states(2).await, ["agreed", "agreed"]);
    assert_eq!(two.statements(2).await[0]["net"]["amount"], -300);
    two.checked().await;
}

#[tokio::test]
async fn a_commit_that_was_under_way_belongs_to_the_closed_cycle() {
    let two = Two::open().await;
    let [b, a] = two.ids();
    two.a_owes(7_000_000).await;
    // The second has committed before it hears of the close; the first fulfils it after it has signed.
    let exchange = number();
    let cycle = commit(&two.b, a, exchange, 1_000_000, false).await;
    two.close(&two.a).await;
    assert_eq!(two.states(1).await, ["closed", "closing"]);
    fulfil(&two.a, b, exchange, 1_000_000, cycle).await;
    answer(&two.b, a, exchange).await;
    two.settle_down().await;
    assert_eq!(two.states(1).await, ["agreed", "agreed"]);
    let [here, there] = two.statements(1).await;
    assert_eq!((&here["net"]["amount"], &there["net"]["amount"]), (&json!(600), &json!(-600)));
    assert_eq!(here["count_in"], 1);
    two.checked().await;
}

/// The partner's answer on a commit comes: it was fulfilled.
async fn answer(shop: &Shop, partner: Id<Partner>, exchange: u64) {
    struct Answered(Id<Partner>, Id<Exchange>);
    impl Command for Answered {
        type Receipt = ();
        type Refusal = ();

        fn wants(&self, wants: &mut Wants) {
            wants.partners.guard((self.0,));
            wants.exchanges.read((self.1,));
        }

        fn decide(&self, books: &Books, at: Timestamp) -> Result<Decision<(), ()>, Fault> {
            let row = books.exchanges.get(&(self.1,))?.unwrap().clone();
            let mut changes = Changes::default();
            let (state, answer) = (ExchangeState::Fulfilled, Some(String::new()));
            let row = Exchange { state, answer, answered_at: Some(at), ..row };
            changes.exchanges.push(Change::Update(row));
            Ok(Decision::done((), changes))
        }
    }
    shop.app.engine.store().submit(Answered(partner, id(exchange))).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_cycle_waits_for_its_answers_and_the_next_for_it() {
    let two = Two::open().await;
    let [b, a] = two.ids();
    let exchange = number();
    let cycle = commit(&two.a, b, exchange, 1_000_000, false).await;
    assert_eq!(two.close(&two.a).await.at("/state"), "closing");
    two.a_owes(2_000_000).await;
    assert_eq!(two.close(&two.a).await.at("/state"), "closing");
    two.settle_down().await;
    assert_eq!(two.states(1).await, ["closing", ""], "the partner was told nothing yet");
    fulfil(&two.b, a, exchange, 1_000_000, cycle).await;
    answer(&two.a, b, exchange).await;
    two.a.advance(Span::minutes(10)).await;
    two.settle_down().await;
    assert_eq!(two.states(1).await, ["agreed", "agreed"]);
    assert_eq!(two.states(2).await, ["agreed", "agreed"]);
    two.checked().await;
}

#[tokio::test]
async fn what_two_say_differently_is_listed_and_mended() {
    let two = Two::open().await;
    let [b, a] = two.ids();
    let same = two.a_owes(1_000_000).await;
    let (less, only_here, only_there) = (number(), number(), number());
    let cycle = commit(&two.a, b, less, 500, true).await;
    fulfil(&two.b, a, less, 700, cycle).await;
    commit(&two.a, b, only_here, 30, true).await;
    fulfil(&two.b, a, only_there, 40, cycle).await;
    assert_ne!(same, less);
    two.close(&two.a).await;
    two.settle_down().await;
    assert_eq!(two.states(1).await, ["disputed", "disputed"]);
    let [here, there] = two.statements(1).await;
    let told = |row: &Value| {
        let all = row["differences"].as_array().unwrap().iter();
        let told = |row: &Value| (row["here"]["amount"].as_u64(), row["there"]["amount"].as_u64());
        all.map(told).collect::<Vec<_>>()
    };
    assert_eq!(told(&here), [(Some(500), Some(700)), (Some(30), None), (None, Some(40))]);
    assert_eq!(told(&there), [(Some(700), Some(500)), (None, Some(30)), (Some(40), None)]);
    assert_eq!(
        (&here["differences"][0]["way"], &there["differences"][0]["way"]),
        (&json!("out"), &json!("in"))
    );
    // Nothing is exchanged until it is mended, and nothing of it paid.
    assert_eq!(two.suspended(&two.a).await.as_deref(), Some("disputed"));
    assert_eq!(two.suspended(&two.b).await.as_deref(), Some("disputed"));
    assert_eq!(instruct(&two.a, 1, "recorded").await.code(), "statement_state");
    // The second mends its books; staff there looks again.
    mend(&two.b, a, [less, only_there], only_here).await;
    let id = there["id"].as_str().unwrap();
    let compared = compare(&two.b, id).await;
    assert_eq!((compared.status, compared.at("/state")), (200, "agreed"), "{compared:?}");
    assert_eq!(compared.json["differences"], json!([]));
    two.settle_down().await;
    assert_eq!(two.states(1).await, ["agreed", "agreed"]);
    assert_eq!((two.suspended(&two.a).await, two.suspended(&two.b).await), (None, None));
    assert_eq!(two.statements(1).await[0]["differences"], json!([]));
    two.checked().await;
}

/// A vendor finds that it had booked one wrongly, one that it had refused, and one not at all.
async fn mend(shop: &Shop, partner: Id<Partner>, [less, never]: [u64; 2], missing: u64) {
    struct Mend(Id<Partner>, [Id<Exchange>; 2]);
    impl Command for Mend {
        type Receipt = ();
        type Refusal = ();

        fn wants(&self, wants: &mut Wants) {
            wants.partners.guard((self.0,));
            self.1.iter().for_each(|exchange| wants.incoming_exchanges.read((self.0, *exchange)));
        }

        fn decide(&self, books: &Books, _: Timestamp) -> Result<Decision<(), ()>, Fault> {
            let row = |exchange| {
                books.incoming_exchanges.get(&(self.0, exchange)).unwrap().unwrap().clone()
            };
            let mut changes = Changes::default();
            let less = Incoming { figures: Some(figures(500)), ..row(self.1[0]) };
            changes.incoming_exchanges.push(Change::Update(less));
            let state = IncomingState::Rejected;
            let never = Incoming { state, transfer: None, ..row(self.1[1]) };
            changes.incoming_exchanges.push(Change::Update(never));
            let partner = books.partners.get(&(self.0,))?.unwrap().clone();
            let mut receivable = partner.receivable;
            receivable.debits -= 240;
            changes.partners.push(Change::Update(Partner { receivable, ..partner }));
            Ok(Decision::done((), changes))
        }
    }
    let store = shop.app.engine.store();
    store.submit(Mend(partner, [id(less), id(never)])).await.unwrap().unwrap();
    fulfil(shop, partner, missing, 30, 1).await;
}

/// An account that the second signs for the first: as it stands, changed.
async fn signed(two: &Two, cycle: u32, change: impl Fn(&mut Account)) -> String {
    let own = two.statements(cycle).await[1]["ours"].as_str().unwrap().to_owned();
    let mut account: Account = claims(&own);
    change(&mut account);
    two.b.app.engine.sign_document(&account).unwrap()
}

fn claims<T: serde::de::DeserializeOwned>(document: &str) -> T {
    use base64ct::{Base64UrlUnpadded, Encoding};
    let claims = document.split('.').nth(1).unwrap();
    serde_json::from_slice(&Base64UrlUnpadded::decode_vec(claims).unwrap()).unwrap()
}

#[tokio::test]
async fn a_partner_that_lies_moves_nothing() {
    let two = Two::open().await;
    two.a_owes(7_000_000).await;
    two.b_owes(1_000_000).await;
    two.network.cut();
    two.close(&two.a).await;
    two.close(&two.b).await;
    let [partner, _] = two.rows().await;
    let hear = async |document: String| {
        two.a.app.engine.hear_account(&partner, 1, document).await.unwrap()
    };
    two.network.mend();
    // What does not add up, or is for somebody else, is no account at all.
    let unbelievable: [fn(&mut Account); 6] = [
        |account| account.net -= 1,
        |account| account.carried_out += 1,
        |account| account.audience = "https://other.test".into(),
        |account| account.issuer = "https://other.test".into(),
        |account| account.cycle = 2,
        |account| account.gross_out = Amount::MAX,
    ];
    for lie in unbelievable {
        let refused = hear(signed(&two, 1, lie).await).await;
        assert!(
            matches!(refused, Err(scrip_engine::statement::StatementRefusal::Unbelievable(_))),
            "{refused:?}"
        );
        assert_eq!(two.states(1).await[0], "closed");
    }
    let own = two.statements(1).await[0]["ours"].as_str().unwrap().to_owned();
    assert!(hear(own).await.is_err(), "signed by the first itself");
    assert!(hear("a.b.c".into()).await.is_err());
    // What adds up and is not so is disputed, and stays so.
    let lies: [fn(&mut Account); 4] = [
        |account| {
            account.gross_out = amount(2_000_000);
            account.net = -500;
        },
        |account| account.count_out = 2,
        |account| account.digest_in = account.digest_out.clone(),
        |account| {
            account.carried_in = 1;
            account.carried_out = 1;
            account.net = 0;
            account.gross_in = account.gross_out;
        },
    ];
    for lie in lies {
        let document = signed(&two, 1, |account| {
            lie(account);
            account.is_final = true;
        });
        let answered = hear(document.await).await.unwrap();
        assert!(answered.is_some());
        assert_eq!(two.states(1).await[0], "disputed");
    }
    assert_eq!(two.owed().await, [7_000_000, 1_000_000, 1_000_000, 7_000_000]);
    // An older account is not believed in the place of a newer.
    two.a.advance(Span::seconds(5)).await;
    let late = signed(&two, 1, |account| account.issued_at -= 60).await;
    hear(late).await.unwrap();
    assert_eq!(two.states(1).await[0], "disputed");
    // Its true one ends it.
    let id = two.statements(1).await[1]["id"].as_str().unwrap().to_owned();
    compare(&two.b, &id).await;
    two.settle_down().await;
    two.checked().await;
}

#[tokio::test]
async fn a_partner_may_come_back_after_a_week() {
    let two = Two::open().await;
    two.a_owes(7_000_000).await;
    two.network.cut();
    two.close(&two.a).await;
    for _ in 0..7 {
        two.pass(Span::days(1)).await;
        two.a.app.engine.run_settlements().await.unwrap();
    }
    assert_eq!(two.states(1).await, ["closed", ""]);
    two.network.mend();
    two.pass(Span::hours(1)).await;
    two.settle_down().await;
    assert_eq!(two.states(1).await, ["agreed", "agreed"]);
    two.checked().await;
}

#[tokio::test]
async fn a_cycle_ends_by_the_clock() {
    let two = Two::open().await;
    two.a_owes(7_000_000).await;
    two.pass(Span::days(29)).await;
    two.settle_down().await;
    assert_eq!(two.states(1).await, ["", ""]);
    two.pass(Span::days(1)).await;
    two.settle_down().await;
    assert_eq!(two.states(1).await, ["agreed", "agreed"]);
    assert_eq!(two.states(2).await, ["", ""]);
    two.checked().await;
}

#[tokio::test]
async fn a_server_may_die_between_any_two_steps() {
    let two = Two::open().await;
    let [b, a] = two.ids();
    two.a_owes(7_000_000).await;
    two.network.cut();
    // Closed, and dead before anybody was told.
    two.close(&two.a).await;
    let first = two.a.another().await;
    two.network.mend();
    let second = two.b.another().await;
    let work = async || {
        for _ in 0..4 {
            first.app.engine.run_settlements().await.unwrap();
            second.app.engine.run_settlements().await.unwrap();
            first.advance(Span::minutes(3)).await;
            second.advance(Span::millis(0)).await;
        }
    };
    work().await;
    assert_eq!(two.states(1).await, ["agreed", "agreed"]);
    // Taken, and dead before the answer came: it is due again when nobody else's.
    let made = instruct(&first, 1, "recorded").await;
    two.network.fate("/settlements/1", &[Way::AnswerLost]);
    first.app.engine.run_settlements().await.unwrap();
    let first = first.another().await;
    first.advance(Span::minutes(3)).await;
    first.app.engine.run_settlements().await.unwrap();
    assert_eq!(made.status, 201);
    second.advance(Span::millis(0)).await;
    let row = statement(&second, 1).await;
    let paid = received(&second, row["settlement"].as_str().unwrap(), "k", 700, "EUR").await;
    assert_eq!(paid.status, 200);
    let second = second.another().await;
    second.app.engine.run_settlements().await.unwrap();
    assert_eq!(two.states(1).await, ["settled", "settled"]);
    let owed = first.app.engine.store().partner(b).await.unwrap().unwrap().owed_to_it();
    let claimed = second.app.engine.store().partner(a).await.unwrap().unwrap().owed_by_it();
    assert_eq!((owed, claimed), (Amount::ZERO, Amount::ZERO));
    two.checked().await;
}

#[tokio::test]
async fn a_long_cycle_is_compared_in_pages() {
    let two = Two::open().await;
    let [b, a] = two.ids();
    let first = number();
    for _ in 0..1100 {
        number();
    }
    for (chunk, many) in [(first, 400_u64), (first + 400, 400), (first + 800, 300)] {
        write(&two.a, b, move |partner, changes, at| {
            let mut after = partner.clone();
            for exchange in chunk..chunk + many {
                let row = committed(partner, exchange, at);
                changes.exchanges.push(Change::Insert(row));
                after.payable = after.payable.credited(amount(10)).unwrap();
            }
            after
        })
        .await;
        write(&two.b, a, move |partner, changes, at| {
            let mut after = partner.clone();
            for exchange in chunk..chunk + many {
                let micros = if exchange == chunk + 299 { 11 } else { 10 };
                changes
                    .incoming_exchanges
                    .push(Change::Insert(fulfilled(partner, exchange, micros, at)));
                after.receivable = after.receivable.debited(amount(micros)).unwrap();
            }
            after
        })
        .await;
    }
    two.close(&two.a).await;
    let [here, there] = two.statements(1).await;
    assert_eq!((&here["state"], &here["count_out"]), (&json!("disputed"), &json!(1100)));
    let names: Vec<_> =
        here["differences"].as_array().unwrap().iter().map(|row| row["exchange"].clone()).collect();
    let expected = [299, 699, 1099].map(|at| json!(id::<Exchange>(first + at).to_string()));
    assert_eq!(names, expected);
    assert_eq!(there["count_in"], 1100);
    // Staff reads it in pages as well.
    let (mut seen, mut after) = (0, String::new());
    loop {
        let path =
            format!("/v1/admin/statements/{}?limit=100{after}", here["id"].as_str().unwrap());
        let page = two.a.get(&path, &two.a.admin).await;
        seen += page.json["lines"]["data"].as_array().unwrap().len();
        match page.json["lines"]["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    assert_eq!(seen, 1100);
}

fn committed(partner: &Partner, exchange: u64, at: Timestamp) -> Exchange {
    Exchange {
        id: id(exchange),
        account: id(1),
        partner: partner.id,
        agreement: partner.agreement.unwrap(),
        quote: id(exchange),
        figures: figures(10),
        state: ExchangeState::Fulfilled,
        hold: id(exchange),
        reason: None,
        prepared: None,
        commit: Some(String::new()),
        answer: Some(String::new()),
        transfer: Some(id(exchange)),
        cycle: Some(partner.cycle),
        at,
        committed_at: Some(at),
        answered_at: Some(at),
        written_off_at: None,
        told: None,
        due_at: None,
        attempts: 0,
    }
}

fn fulfilled(partner: &Partner, exchange: u64, micros: u64, at: Timestamp) -> Incoming {
    Incoming {
        partner: partner.id,
        exchange: id(exchange),
        quote: format!("q{exchange}"),
        offer: None,
        account: Some(id(1)),
        agreement: partner.agreement,
        figures: Some(figures(micros)),
        state: IncomingState::Fulfilled,
        prepared: None,
        commit: None,
        answer: None,
        transfer: Some(id(exchange)),
        lot: None,
        cycle: Some(partner.cycle),
        at,
        until: at,
        answered_at: Some(at),
    }
}

#[tokio::test]
async fn nothing_is_added_to_a_cycle_that_its_issuer_has_signed() {
    let (two, ada) = two(crate::exchanges::Linked::open().await);
    exchange(&two, &ada, 500).await;
    two.close(&two.a).await;
    assert_eq!(two.states(1).await, ["agreed", "agreed"]);
    // The first goes on to say that it is in the cycle that it has signed.
    let [b, _] = two.ids();
    write(&two.a, b, |partner, _, _| Partner { cycle: 1, ..partner.clone() }).await;
    exchange(&two, &ada, 300).await;
    let all = two.a.get("/v1/exchanges", &ada).await;
    let first = &all.json["data"][0];
    assert_eq!(
        (first["state"].as_str(), first["reason"].as_str()),
        (Some("reversed"), Some("cycle_closed")),
        "{first}"
    );
    assert_eq!(two.owed().await, [5_000_000, 0, 0, 5_000_000]);
    checked(&two.b).await;
}
