//! Exchanges between two vendors while messages get lost, servers die and clocks go wrong: the table of `docs/exchange.md`.

use scrip_domain::document::exchange::{Answer as Word, Answered, Commit};
use scrip_domain::exchange::ExchangeState;
use scrip_domain::{Amount, Span};
use scrip_license::jws;
use scrip_testkit::{Answer, Shop, Way};
use serde_json::{Value, json};

use crate::exchanges::{Linked, answering, id};
use crate::partners::{AURORA, BELLE, Vendors, settings_of};

/// Any request, next in order: each exchange asks to prepare, then to fulfil.
const ANY: &str = "";

async fn write_off(linked: &Linked, exchange: &Answer) -> Answer {
    let a = &linked.vendors.a;
    let path = format!("/v1/admin/exchanges/{}/write-off", exchange.at("/id"));
    a.post(&path, &a.admin, "", json!({})).await
}

/// The row of the first vendor.
async fn row(linked: &Linked, exchange: &Answer) -> scrip_domain::exchange::Exchange {
    let store = linked.vendors.a.app.engine.store();
    store.exchange(id(exchange)).await.unwrap().unwrap()
}

/// An exchange that is committed here, of which the partner has heard nothing.
async fn committed(linked: &Linked, key: &str) -> Answer {
    let quote = linked.quote(1000).await;
    linked.vendors.network.fate(ANY, &[Way::Free, Way::Lost]);
    let begun = linked.take(&quote, key).await;
    assert_eq!((begun.status, begun.at("/state")), (202, "committed"), "{begun:?}");
    begun
}

#[tokio::test]
async fn whatever_is_lost_on_the_way_the_exchange_ends_the_same_and_once() {
    let cases: &[(&[Way], &str)] = &[
        (&[Way::Lost], "reserved"),
        (&[Way::AnswerLost], "reserved"),
        (&[Way::Free, Way::Lost], "committed"),
        (&[Way::Free, Way::AnswerLost], "committed"),
    ];
    for (ways, state) in cases {
        let linked = Linked::open().await;
        let quote = linked.quote(1000).await;
        linked.vendors.network.fate(ANY, ways);
        let begun = linked.take(&quote, "e1").await;
        assert_eq!((begun.status, begun.at("/state")), (202, *state), "{ways:?}: {begun:?}");
        for _ in 0..4 {
            linked.pass(Span::seconds(5)).await;
        }
        assert_eq!(linked.look(&begun).await.at("/state"), "fulfilled", "{ways:?}");
        let again = linked.take(&quote, "e1").await;
        assert_eq!((again.status, &again.bytes), (202, &begun.bytes), "the first answer, {ways:?}");
        assert_eq!(linked.funds().await, (99_000, 0, 3900), "{ways:?}");
        assert_eq!(linked.owed().await, (10_000_000, 10_000_000), "{ways:?}");
        linked.vendors.sound().await;
    }
}

/// Another server on the same books: what a restart is like.
async fn restarted(shop: &Shop) -> Shop {
    shop.another().await
}

#[tokio::test]
async fn either_server_dies_between_any_two_steps_and_goes_on() {
    for ways in [[Way::Lost, Way::Lost], [Way::AnswerLost, Way::Lost], [Way::Free, Way::AnswerLost]]
    {
        for dies in [AURORA, BELLE] {
            let mut linked = Linked::open().await;
            let quote = linked.quote(1000).await;
            linked.vendors.network.fate(ANY, &ways);
            let begun = linked.take(&quote, "e1").await;
            assert_eq!(begun.status, 202, "{ways:?} {dies}");
            if dies == AURORA {
                linked.vendors.a = restarted(&linked.vendors.a).await;
            } else {
                linked.vendors.b = restarted(&linked.vendors.b).await;
            }
            for _ in 0..15 {
                linked.pass(Span::seconds(5)).await;
            }
            assert_eq!(linked.look(&begun).await.at("/state"), "fulfilled", "{ways:?} {dies}");
            assert_eq!(linked.funds().await, (99_000, 0, 3900), "{ways:?} {dies}");
            linked.vendors.sound().await;
        }
    }
}

#[tokio::test]
async fn every_message_can_come_again_and_late_and_changes_nothing() {
    let mut linked = Linked::open().await;
    let done = linked.exchange(1000, "e1").await;
    let row = row(&linked, &done).await;
    let (here, engine) = (linked.here().await, &linked.vendors.b.app.engine);
    let store = linked.vendors.a.app.engine.store();
    let quote = store.exchange_quote(row.quote).await.unwrap().unwrap().document;
    for span in [Span::millis(0), Span::days(40)] {
        linked.pass(span).await;
        let prepared = engine.prepare_for_partner(&here, row.id, &quote).await.unwrap().unwrap();
        assert_eq!(Some(prepared), row.prepared);
        let commit = row.commit.as_deref().unwrap();
        let (one, two) = tokio::join!(
            engine.fulfil_for_partner(&here, row.id, commit),
            engine.fulfil_for_partner(&here, row.id, commit)
        );
        assert_eq!(Some(one.unwrap().unwrap()), row.answer);
        assert_eq!(Some(two.unwrap().unwrap()), row.answer);
        engine.cancel_for_partner(&here, row.id).await.unwrap();
    }
    linked.sign_in().await;
    assert_eq!(linked.look(&done).await.at("/state"), "fulfilled");
    assert_eq!(linked.funds().await, (99_000, 0, 3900));
    linked.vendors.sound().await;
}

#[tokio::test]
async fn what_is_not_committed_in_time_is_free_again_and_the_partner_hears_it() {
    for ways in [Way::Lost, Way::AnswerLost] {
        let linked = Linked::open().await;
        let quote = linked.quote(1000).await;
        linked.vendors.network.fate(ANY, &[ways]);
        let begun = linked.take(&quote, "e1").await;
        assert_eq!(linked.funds().await, (99_000, 1000, 0));
        linked.vendors.network.cut();
        linked.pass(Span::millis(119_999)).await;
        assert_eq!(linked.look(&begun).await.at("/state"), "reserved");
        linked.pass(Span::millis(1)).await;
        assert_eq!(linked.look(&begun).await.at("/state"), "expired");
        assert_eq!(linked.funds().await, (100_000, 0, 0));
        linked.vendors.network.mend();
        linked.pass(Span::seconds(30)).await;
        let due = row(&linked, &begun).await.due_at;
        assert_eq!(due, None, "the partner knows");
        assert_eq!(linked.here().await.receivable_reserved, Amount::ZERO, "before its own time");
        assert_eq!(linked.owed().await, (0, 0));
        let again = linked.take(&quote, "e1").await;
        assert_eq!((again.status, &again.bytes), (202, &begun.bytes));
        linked.vendors.sound().await;
    }
}

#[tokio::test]
async fn a_cancel_that_nobody_hears_is_given_up_for_the_partner_gives_up_by_itself() {
    let linked = Linked::open().await;
    let quote = linked.quote(1000).await;
    linked.vendors.network.fate(ANY, &[Way::AnswerLost]);
    let begun = linked.take(&quote, "e1").await;
    linked.vendors.network.cut();
    for _ in 0..20 {
        linked.pass(Span::minutes(1)).await;
    }
    assert_eq!(row(&linked, &begun).await.due_at, None);
    assert_eq!(linked.here().await.receivable_reserved, Amount::ZERO, "lapsed");
    linked.vendors.sound().await;
}

#[tokio::test]
async fn a_commit_that_comes_too_late_is_reversed_by_the_partners_signed_word() {
    for lapsed in [false, true] {
        let linked = Linked::open().await;
        let begun = committed(&linked, "e1").await;
        assert_eq!(linked.funds().await, (99_000, 0, 0), "given, and nothing received");
        assert_eq!(linked.owed().await, (10_000_000, 0));
        linked.vendors.network.cut();
        if lapsed {
            linked.pass(Span::minutes(5)).await;
        } else {
            // The clock alone says that it is over: nobody at the partner has booked it.
            linked.vendors.a.advance(Span::minutes(3)).await;
            linked.vendors.b.advance(Span::millis(0)).await;
        }
        linked.vendors.network.mend();
        linked.vendors.a.app.engine.run_exchanges().await.unwrap();
        linked.pass(Span::hours(1)).await;
        let late = linked.look(&begun).await;
        assert_eq!((late.at("/state"), late.at("/reason")), ("reversed", "late"), "{late:?}");
        assert_eq!((linked.funds().await, linked.owed().await), ((100_000, 0, 0), (0, 0)));
        linked.pass(Span::days(31)).await;
        assert_eq!(write_off(&linked, &begun).await.at("/reason"), "not_silent");
        linked.vendors.sound().await;
    }
}

#[tokio::test]
async fn a_partner_that_is_away_for_a_week_reverses_nothing_by_that() {
    let linked = Linked::open().await;
    let quote = linked.quote(1000).await;
    linked.vendors.network.fate(ANY, &[Way::Free, Way::AnswerLost]);
    let begun = linked.take(&quote, "e1").await;
    linked.vendors.network.cut();
    for _ in 0..8 {
        linked.pass(Span::hours(21)).await;
        assert_eq!(linked.look(&begun).await.at("/state"), "committed");
    }
    linked.vendors.network.mend();
    linked.pass(Span::hours(1)).await;
    assert_eq!(linked.look(&begun).await.at("/state"), "fulfilled");
    assert_eq!(
        (linked.funds().await, linked.owed().await),
        ((99_000, 0, 3900), (10_000_000, 10_000_000))
    );
    linked.vendors.sound().await;
}

#[tokio::test]
async fn a_partner_that_has_lost_its_books_rejects_for_good() {
    let mut linked = Linked::open().await;
    let begun = committed(&linked, "e1").await;
    // Another one comes up in its place, with its keys and without its rows.
    let (network, settings) =
        (linked.vendors.network.clone(), settings_of("Belle Isle", "BEL", 25));
    let empty = Shop::vendor_on(&network, BELLE, settings).await;
    let body = json!({ "url": AURORA, "name": "Aurora" });
    assert_eq!(empty.post("/v1/admin/partners", &empty.admin, "", body).await.status, 201);
    linked.vendors.b = empty;
    linked.pass(Span::minutes(2)).await;
    let rejected = linked.look(&begun).await;
    assert_eq!(
        (rejected.at("/state"), rejected.at("/reason")),
        ("reversed", "unknown"),
        "{rejected:?}"
    );
    let here = linked.vendors.a.get("/v1/wallet", &linked.ada).await;
    assert_eq!(here.json["available"]["amount"], 100_000);
    // What was rejected unseen is never prepared, and rejected again.
    let (engine, row) = (&linked.vendors.b.app.engine, row(&linked, &begun).await);
    let from = linked.here().await;
    let commit = row.commit.as_deref().unwrap();
    let again = engine.fulfil_for_partner(&from, row.id, commit).await.unwrap().unwrap();
    assert_eq!(Some(again), row.answer);
    linked.vendors.sound().await;
}

#[tokio::test]
async fn a_commit_of_other_figures_is_rejected_and_a_forged_one_leaves_nothing() {
    let linked = Linked::open().await;
    let begun = committed(&linked, "e1").await;
    let row = row(&linked, &begun).await;
    let (here, engine) = (linked.here().await, &linked.vendors.b.app.engine);
    let right = Commit {
        issuer: AURORA.to_owned(),
        audience: BELLE.to_owned(),
        issued_at: 1,
        exchange: row.id.to_string(),
        prepared: jws::digest(row.prepared.as_deref().unwrap()),
        figures: row.figures,
        currency: scrip_domain::Unit::parse("EUR").unwrap(),
        cycle: 1,
    };
    let forged = engine.sign_document(&right).unwrap();
    let elsewhere = Commit { exchange: "exc_0000000000001".to_owned(), ..right.clone() };
    let elsewhere = linked.vendors.a.app.engine.sign_document(&elsewhere).unwrap();
    for text in [forged.as_str(), elsewhere.as_str(), "a.b.c"] {
        let refused = engine.fulfil_for_partner(&here, row.id, text).await.unwrap().unwrap_err();
        assert!(format!("{refused:?}").contains("commit_unknown"), "{refused:?}");
    }
    let mut more = right.clone();
    more.figures.compensation = Amount::ONE;
    let more = linked.vendors.a.app.engine.sign_document(&more).unwrap();
    let word = engine.fulfil_for_partner(&here, row.id, &more).await.unwrap().unwrap();
    let keys = linked.vendors.b.app.engine.keys();
    let read: Word =
        jws::verify_within(65_536, &word, "scrip-answer+jwt", keys.public_protocol()).unwrap();
    assert_eq!((read.outcome, read.reason.as_deref()), (Answered::Rejected, Some("different")));
    assert_eq!(linked.here().await.receivable_reserved, Amount::ZERO);
    // The final word is on another commit than ours: it is not believed, and nothing is reversed by it.
    linked.pass(Span::minutes(2)).await;
    assert_eq!(linked.look(&begun).await.at("/state"), "committed");
    assert_eq!(linked.owed().await, (10_000_000, 0));
    linked.vendors.sound().await;
}

#[tokio::test]
async fn a_last_word_that_the_partner_has_not_signed_moves_nothing() {
    let linked = Linked::open().await;
    let begun = committed(&linked, "e1").await;
    let row = row(&linked, &begun).await;
    let right = Word {
        issuer: BELLE.to_owned(),
        audience: AURORA.to_owned(),
        issued_at: 1,
        exchange: row.id.to_string(),
        commit: jws::digest(row.commit.as_deref().unwrap()),
        outcome: Answered::Rejected,
        reason: None,
    };
    let (a, b) = (&linked.vendors.a.app.engine, &linked.vendors.b.app.engine);
    for text in [
        a.sign_document(&right).unwrap(),
        b.sign_document(&Word { commit: "other".into(), ..right.clone() }).unwrap(),
        b.sign_document(&Word { exchange: "exc_0000000000001".into(), ..right.clone() }).unwrap(),
        b.sign_document(&Word { audience: "https://else.test".into(), ..right.clone() }).unwrap(),
        b.sign_document(&Word { issuer: AURORA.to_owned(), ..right.clone() }).unwrap(),
    ] {
        answering(&linked, "answer", &text);
        linked.pass(Span::hours(2)).await;
        assert_eq!(linked.look(&begun).await.at("/state"), "committed");
    }
    answering(&linked, "answer", &b.sign_document(&right).unwrap());
    linked.pass(Span::hours(2)).await;
    let reversed = linked.look(&begun).await;
    assert_eq!((reversed.at("/state"), reversed.at("/reason")), ("reversed", "rejected"));
    linked.vendors.a.sound().await;
}

#[tokio::test]
async fn silence_is_written_off_after_thirty_days_and_what_is_owed_waits_for_the_answer() {
    for answered in [Answered::Fulfilled, Answered::Late] {
        let mut linked = Linked::open().await;
        let begun = if answered == Answered::Late {
            committed(&linked, "e1").await
        } else {
            let quote = linked.quote(1000).await;
            linked.vendors.network.fate(ANY, &[Way::Free, Way::AnswerLost]);
            linked.take(&quote, "e1").await
        };
        linked.vendors.network.cut();
        linked.pass(Span::days(29)).await;
        let early = write_off(&linked, &begun).await;
        assert_eq!((early.status, early.at("/reason")), (409, "not_silent"), "{early:?}");
        linked.pass(Span::days(1)).await;
        linked.sign_in().await;
        let off = write_off(&linked, &begun).await;
        assert_eq!((off.status, off.at("/state")), (200, "written_off"), "{off:?}");
        assert_eq!(write_off(&linked, &begun).await.bytes, off.bytes, "twice is once");
        assert_eq!((linked.funds().await.0, linked.owed().await.0), (100_000, 10_000_000));
        let suspended = linked.there().await.suspended;
        assert_eq!(suspended, Some(scrip_domain::partner::Suspended::Silent));
        let audit = linked.vendors.a.get("/v1/admin/audit", &linked.vendors.a.admin).await;
        assert_eq!(audit.at("/data/0/act"), "exchange.written_off");
        linked.vendors.network.mend();
        linked.pass(Span::hours(1)).await;
        let noted = linked.look(&begun).await;
        assert_eq!(noted.at("/state"), "written_off", "{noted:?}");
        assert!(!noted.at("/answered_at").is_empty(), "{noted:?}");
        let owed = if answered == Answered::Late { (0, 0) } else { (10_000_000, 10_000_000) };
        assert_eq!((linked.funds().await.0, linked.owed().await), (100_000, owed));
        linked.vendors.sound().await;
    }
}

#[tokio::test]
async fn an_account_that_is_frozen_between_prepare_and_commit_keeps_its_tokens() {
    let linked = Linked::open().await;
    let quote = linked.quote(1000).await;
    linked.vendors.network.fate(ANY, &[Way::AnswerLost]);
    let begun = linked.take(&quote, "e1").await;
    let a = &linked.vendors.a;
    let account = a.get("/v1/account", &linked.ada).await.at("/id").to_owned();
    let path = format!("/v1/admin/accounts/{account}/freeze");
    assert!(a.post(&path, &a.admin, "", json!({ "reason": "odd" })).await.status < 300);
    linked.pass(Span::seconds(60)).await;
    let stopped = row(&linked, &begun).await;
    assert_eq!(stopped.state, ExchangeState::Expired);
    assert_eq!(stopped.reason.as_deref(), Some("account_frozen"));
    assert_eq!(
        (linked.owed().await, linked.here().await.receivable_reserved),
        ((0, 0), Amount::ZERO)
    );
    linked.vendors.sound().await;
}

#[tokio::test]
async fn an_account_that_is_frozen_there_after_the_commit_still_receives() {
    let linked = Linked::open().await;
    let begun = committed(&linked, "e1").await;
    let b = &linked.vendors.b;
    let account = b.get("/v1/account", &linked.ada_there).await.at("/id").to_owned();
    let path = format!("/v1/admin/accounts/{account}/freeze");
    assert!(b.post(&path, &b.admin, "", json!({ "reason": "odd" })).await.status < 300);
    linked.pass(Span::minutes(1)).await;
    assert_eq!(linked.look(&begun).await.at("/state"), "fulfilled");
    assert_eq!(linked.funds().await, (99_000, 0, 3900));
    linked.vendors.sound().await;
}

/// Nobody could spend what it received.
#[tokio::test]
async fn an_account_that_is_erased_there_after_the_commit_receives_nothing_and_all_comes_back() {
    let linked = Linked::open().await;
    let begun = committed(&linked, "e1").await;
    let b = &linked.vendors.b;
    let account = b.get("/v1/account", &linked.ada_there).await.at("/id").to_owned();
    let path = format!("/v1/admin/accounts/{account}/erase");
    let wish = json!({ "reason": "asked by letter", "forfeit": true });
    let erased = b.post(&path, &b.admin, "", wish).await;
    assert!(erased.status < 300, "{erased:?}");
    linked.pass(Span::minutes(1)).await;
    let back = linked.look(&begun).await;
    assert_eq!((back.at("/state"), back.at("/reason")), ("reversed", "account_erased"));
    assert_eq!(linked.vendors.a.available(&linked.ada).await, 100_000);
    linked.vendors.sound().await;
}

#[tokio::test]
async fn a_link_that_is_cut_there_after_the_quote_refuses_and_after_the_commit_does_not() {
    let linked = Linked::open().await;
    let Vendors { b, .. } = &linked.vendors;
    let quote = linked.quote(1000).await;
    let begun = committed(&linked, "e1").await;
    let links = b.get("/v1/links", &linked.ada_there).await;
    let bearer = format!("Bearer {}", linked.ada_there);
    let headers = [("authorization", bearer.as_str())];
    let path = format!("/v1/links/{}", links.at("/data/0/id"));
    let cut = b.send("DELETE", &path, &headers, Value::Null).await;
    assert_eq!(cut.status, 204, "{cut:?}");
    let refused = linked.take(&quote, "e2").await;
    assert_eq!((refused.status, refused.at("/reason")), (200, "not_linked"), "{refused:?}");
    linked.pass(Span::minutes(1)).await;
    assert_eq!(linked.look(&begun).await.at("/state"), "fulfilled", "it was decided before");
    assert_eq!(linked.funds().await, (99_000, 0, 3900));
    // Whoever asks anew learns it, and can link again.
    assert_eq!(linked.try_quote(1000).await.code(), "not_linked");
    let Vendors { a, partners, .. } = &linked.vendors;
    assert_eq!(a.get("/v1/partners", &linked.ada).await.json["data"][0]["linked"], false);
    let path = format!("/v1/partners/{}/link", partners[0]);
    let again = a.post(&path, &linked.ada, "", Value::Null).await;
    assert_eq!(again.status, 201, "{again:?}");
    linked.vendors.sound().await;
}

#[tokio::test]
async fn an_agreement_that_ends_after_the_commit_ends_nothing_of_it() {
    let linked = Linked::open().await;
    let quote = linked.quote(1000).await;
    linked.vendors.network.fate(ANY, &[Way::Free, Way::AnswerLost]);
    let begun = linked.take(&quote, "e1").await;
    let Vendors { b, .. } = &linked.vendors;
    let agreement = b.get("/v1/admin/agreements", &b.admin).await.at("/data/0/id").to_owned();
    let path = format!("/v1/admin/agreements/{agreement}/end");
    assert_eq!(b.post(&path, &b.admin, "", Value::Null).await.status, 200);
    linked.vendors.work().await;
    linked.vendors.pass(Span::days(8)).await;
    assert!(linked.here().await.agreement.is_none());
    linked.pass(Span::hours(1)).await;
    assert_eq!(linked.look(&begun).await.at("/state"), "fulfilled");
    linked.vendors.sound().await;
}

#[tokio::test]
async fn clocks_that_are_an_hour_apart_lose_nothing() {
    let linked = Linked::open().await;
    let begun = committed(&linked, "e1").await;
    let b = &linked.vendors.b.app.engine;
    b.advance_clock(Span::hours(1)).await.unwrap().unwrap();
    let none = linked.try_quote(1000).await;
    assert_eq!((none.status, none.code()), (503, "busy"), "neither hears the other: {none:?}");
    linked.pass(Span::minutes(1)).await;
    assert_eq!(
        linked.look(&begun).await.at("/state"),
        "committed",
        "a refused signature ends nothing"
    );
    // The first one's clock is set right too: the partner decides by its own.
    linked.vendors.a.app.engine.advance_clock(Span::hours(1)).await.unwrap().unwrap();
    linked.pass(Span::hours(1)).await;
    assert_eq!(linked.look(&begun).await.at("/state"), "reversed", "late by the partner's clock");
    assert_eq!((linked.funds().await, linked.owed().await), ((100_000, 0, 0), (0, 0)));
    linked.vendors.sound().await;
}

#[tokio::test]
async fn clocks_that_are_half_a_minute_apart_exchange() {
    for ahead in [true, false] {
        let linked = Linked::open().await;
        let shop = if ahead { &linked.vendors.a } else { &linked.vendors.b };
        shop.app.engine.advance_clock(Span::seconds(30)).await.unwrap().unwrap();
        let quote = linked.quote(1000).await;
        linked.vendors.a.advance(Span::seconds(55)).await;
        linked.vendors.b.advance(Span::millis(0)).await;
        assert_eq!(linked.take(&quote, "e1").await.at("/state"), "fulfilled", "{ahead}");
        linked.vendors.sound().await;
    }
}
