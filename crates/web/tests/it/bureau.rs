//! An external bureau is asked between a top-up's creation and the money decision; whatever it says, or does
//! not, is on record and leads where the vendor's policy says.

use std::sync::Arc;

use scrip_domain::Amount;
use scrip_domain::credit::CreditDecision::{self, Approved, Declined, Review};
use scrip_domain::settings::Settings;
use scrip_engine::bureau::BureauError;
use scrip_testkit::{Answer, ScriptedBureau, Shop, opinion, settings};
use serde_json::{Value, json};

async fn ask(shop: &Shop, who: &str, key: &str, units: u64, method: &str) -> Answer {
    let tokens = json!({ "amount": units, "unit": "AUR" });
    let mut body = json!({ "tokens": tokens, "method": method });
    if method == "card" {
        body["payment_method"] = json!("demo_approved");
    }
    shop.post("/v1/top-ups", who, key, body).await
}

async fn show(shop: &Shop, who: &str, begun: &Answer) -> Value {
    shop.get(&format!("/v1/top-ups/{}", begun.at("/id")), who).await.json
}

async fn held(shop: &Shop, begun: &Answer) -> Value {
    shop.get(&format!("/v1/admin/top-ups/{}", begun.at("/id")), &shop.admin).await.json
}

async fn decide(shop: &Shop, begun: &Answer, approve: bool) -> Answer {
    let path = format!("/v1/admin/top-ups/{}/decide", begun.at("/id"));
    shop.post(&path, &shop.admin, "", json!({ "approve": approve, "reason": "looked" })).await
}

fn saying(script: &[CreditDecision]) -> Arc<ScriptedBureau> {
    let says = |decision: &CreditDecision| Ok(opinion(*decision, 40, "thin_file"));
    Arc::new(ScriptedBureau::saying(script.iter().map(says).collect()))
}

fn silent() -> Arc<ScriptedBureau> {
    Arc::new(ScriptedBureau::saying(vec![Err(BureauError::Unanswered("gone".into()))]))
}

fn offline() -> Settings {
    Settings { offline_instructions: "Transfer.".into(), ..settings() }
}

#[tokio::test]
async fn an_approved_card_goes_on_to_the_processor() {
    let bureau = saying(&[Approved]);
    let shop = Shop::open_beside(bureau.clone(), settings()).await;
    let ada = shop.buyer("ada@example.com", 0).await;
    let begun = ask(&shop, &ada, "k1", 500, "card").await;
    assert_eq!((begun.status, begun.at("/state")), (201, "assessing"), "{begun:?}");
    assert_eq!(begun.at("/assessment/source"), "rules");
    assert!(bureau.asked().is_empty(), "nothing outside is asked within the command");
    shop.run_errands().await;
    let done = held(&shop, &begun).await;
    assert_eq!(done["state"], "credited", "{done:?}");
    let sources: Vec<_> =
        done["assessments"].as_array().unwrap().iter().map(|one| one["source"].clone()).collect();
    assert_eq!(sources, ["rules", "bureau", "processor"], "the processor is asked as well");
    let word = &done["assessments"][1];
    assert_eq!((&word["reasons"], &word["score"]), (&json!(["thin_file"]), &json!(40)));
    assert_eq!(word["evidence"]["reference"], "R-1");
    let asked = bureau.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].assessment.to_string(), word["id"].as_str().unwrap());
    assert_eq!((asked[0].file.day_count, asked[0].tokens.0.units()), (1, 500));
    let again = ask(&shop, &ada, "k1", 500, "card").await;
    assert_eq!((again.header("idempotency-replayed"), &again.json), ("true", &begun.json));
    shop.sound().await;
}

#[tokio::test]
async fn every_method_that_is_to_be_paid_asks_and_each_top_up_anew() {
    let bureau = saying(&[Approved, Review, Declined, Approved]);
    let shop = Shop::open_beside(bureau.clone(), offline()).await;
    let ada = shop.buyer("ada@example.com", 0).await;
    assert!(bureau.asked().is_empty(), "staff's own word needs no other");
    let ask_one = async |key: &str| {
        let begun = ask(&shop, &ada, key, 500, "offline").await;
        assert_eq!(begun.at("/state"), "assessing");
        shop.run_errands().await;
        (show(&shop, &ada, &begun).await, begun)
    };
    let (approved, _) = ask_one("k1").await;
    assert_eq!(approved["state"], "requires_action");
    let (waiting, begun) = ask_one("k2").await;
    assert_eq!(waiting["state"], "in_review");
    // What a bureau holds against a buyer is between it and the vendor.
    let word = &waiting["assessment"];
    assert_eq!((&word["reasons"], &word["score"]), (&json!(["credit_in_review"]), &Value::Null));
    assert_eq!(decide(&shop, &begun, true).await.at("/state"), "requires_action");
    let (declined, _) = ask_one("k3").await;
    assert_eq!(declined["state"], "declined");
    assert_eq!(declined["assessment"]["reasons"], json!(["credit_declined"]));
    assert_eq!(bureau.asked().len(), 3, "an earlier answer never stands for a later one");
    let demo = ask(&shop, &ada, "k4", 500, "demo").await;
    assert_eq!(demo.at("/state"), "credited");
    assert_eq!(bureau.asked().len(), 3);
    shop.sound().await;
}

#[tokio::test]
async fn a_draw_on_credit_waits_for_the_bureau_and_is_held_to_the_limit_then() {
    let shop = Shop::open_beside(saying(&[Approved]), settings()).await;
    let ada = shop.buyer("ada@example.com", 0).await;
    let id = shop.get("/v1/account", &ada).await.at("/id").to_owned();
    let admin = format!("Bearer {}", shop.admin);
    let body = json!({ "limit": { "amount": 800, "unit": "EUR" } });
    let path = format!("/v1/admin/accounts/{id}/credit-limit");
    shop.send("PUT", &path, &[("authorization", &admin)], body).await;
    let first = ask(&shop, &ada, "k1", 500, "credit_line").await;
    let second = ask(&shop, &ada, "k2", 500, "credit_line").await;
    assert_eq!((first.at("/state"), second.at("/state")), ("assessing", "assessing"));
    shop.run_errands().await;
    let (one, other) = (held(&shop, &first).await, held(&shop, &second).await);
    let mut states = [one["state"].as_str().unwrap(), other["state"].as_str().unwrap()];
    states.sort_unstable();
    assert_eq!(states, ["credited", "declined"]);
    let declined = if one["state"] == "declined" { one } else { other };
    let last = declined["assessments"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(
        (&last["source"], &last["reasons"]),
        (&json!("credit_line"), &json!(["over_limit"]))
    );
    let wallet = shop.get("/v1/wallet", &ada).await;
    assert_eq!(wallet.json["credit_line"]["owed"]["amount"], 500);
    shop.sound().await;
}

#[tokio::test]
async fn without_an_answer_it_is_open_below_the_amount_and_closed_above() {
    for (strict, above) in [(false, "in_review"), (true, "declined")] {
        let mut settings = offline();
        settings.credit.fail_closed_above = Amount::new(500);
        settings.credit.decline_on_error = strict;
        let shop = Shop::open_beside(silent(), settings).await;
        let ada = shop.buyer("ada@example.com", 0).await;
        let small = ask(&shop, &ada, "k1", 500, "offline").await;
        let large = ask(&shop, &ada, "k2", 501, "offline").await;
        shop.run_errands().await;
        assert_eq!(show(&shop, &ada, &small).await["state"], "requires_action");
        assert_eq!(show(&shop, &ada, &large).await["state"], above);
        for begun in [&small, &large] {
            let word = held(&shop, begun).await["assessments"][1].clone();
            assert_eq!((&word["source"], &word["status"]), (&json!("bureau"), &json!("error")));
            assert_eq!(word["reasons"], json!(["bureau_unanswered"]), "it is on record");
        }
        shop.sound().await;
    }
}

#[tokio::test]
async fn the_first_decline_wins_and_a_review_of_the_rules_stays_one() {
    let mut settings = offline();
    settings.credit.review_above = Amount::new(100);
    settings.credit.decline_above = Amount::new(1000);
    settings.credit.ask_bureau_above = Amount::new(50);
    let bureau = saying(&[Approved, Declined]);
    let shop = Shop::open_beside(bureau.clone(), settings).await;
    let ada = shop.buyer("ada@example.com", 0).await;
    let reviewed = ask(&shop, &ada, "k1", 200, "offline").await;
    shop.run_errands().await;
    assert_eq!(show(&shop, &ada, &reviewed).await["state"], "in_review");
    let declined = ask(&shop, &ada, "k2", 200, "offline").await;
    shop.run_errands().await;
    assert_eq!(show(&shop, &ada, &declined).await["state"], "declined");
    let at_once = ask(&shop, &ada, "k3", 1001, "offline").await;
    assert_eq!((at_once.status, at_once.code()), (402, "credit_declined"));
    let small = ask(&shop, &ada, "k4", 50, "offline").await;
    assert_eq!(small.at("/state"), "requires_action", "so little is not asked about");
    assert_eq!(bureau.asked().len(), 2);
    shop.sound().await;
}

#[tokio::test]
async fn what_waits_for_a_bureau_that_is_gone_is_decided_without() {
    let shop = Shop::open_beside(saying(&[Approved]), offline()).await;
    let ada = shop.buyer("ada@example.com", 0).await;
    let begun = ask(&shop, &ada, "k1", 500, "offline").await;
    // The buyer cannot withdraw what is being assessed, and staff have nothing to decide yet.
    let path = format!("/v1/top-ups/{}/cancel", begun.at("/id"));
    assert_eq!(shop.post(&path, &ada, "", Value::Null).await.code(), "top_up_state");
    assert_eq!(decide(&shop, &begun, true).await.code(), "not_in_review");
    let another = shop.another_without_bureau().await;
    another.run_errands().await;
    assert_eq!(show(&another, &ada, &begun).await["state"], "requires_action");
    let word = held(&another, &begun).await["assessments"][1].clone();
    assert_eq!(word["reasons"], json!(["bureau_not_set_up"]));
    shop.run_errands().await;
    shop.sound().await;
}

#[tokio::test]
async fn a_frozen_account_gets_nothing_whatever_the_bureau_says() {
    let shop = Shop::open_beside(saying(&[Approved]), offline()).await;
    let ada = shop.buyer("ada@example.com", 0).await;
    let begun = ask(&shop, &ada, "k1", 500, "offline").await;
    let id = shop.get("/v1/account", &ada).await.at("/id").to_owned();
    shop.post(&format!("/v1/admin/accounts/{id}/freeze"), &shop.admin, "", Value::Null).await;
    shop.run_errands().await;
    let done = held(&shop, &begun).await;
    assert_eq!((&done["state"], &done["reason"]), (&json!("cancelled"), &json!("account_frozen")));
    shop.sound().await;
}

#[tokio::test]
async fn a_decline_is_looked_at_by_a_person_once() {
    let shop = Shop::open_beside(saying(&[Declined]), offline()).await;
    let ada = shop.buyer("ada@example.com", 0).await;
    let bob = shop.buyer("bob@example.com", 0).await;
    let begun = ask(&shop, &ada, "k1", 500, "card").await;
    let path = format!("/v1/top-ups/{}/appeal", begun.at("/id"));
    let message = json!({ "message": "Call me." });
    let early = shop.post(&path, &ada, "", message.clone()).await;
    assert_eq!(
        (early.status, early.code(), early.at("/state")),
        (409, "top_up_state", "assessing")
    );
    shop.run_errands().await;
    assert_eq!(show(&shop, &ada, &begun).await["state"], "declined");
    assert_eq!(shop.post(&path, &bob, "", message.clone()).await.status, 404);
    let empty = shop.post(&path, &ada, "", json!({ "message": "" })).await;
    assert_eq!((empty.status, empty.at("/errors/0/field")), (400, "message"));
    let heard = shop.post(&path, &ada, "", message.clone()).await;
    assert_eq!((heard.status, heard.at("/state")), (200, "in_review"), "{heard:?}");
    let again = shop.post(&path, &ada, "", json!({ "message": "Hello?" })).await;
    assert_eq!((again.status, &again.json), (200, &heard.json), "once");
    let queue = shop.get("/v1/admin/assessments", &shop.admin).await;
    assert_eq!(queue.at("/data/0/appeal/message"), "Call me.");
    assert_eq!(decide(&shop, &begun, true).await.at("/state"), "authorizing");
    shop.run_errands().await;
    assert_eq!(show(&shop, &ada, &begun).await["state"], "credited");
    let replay = ask(&shop, &ada, "k1", 500, "card").await;
    assert_eq!((replay.at("/state"), replay.json.get("appeal")), ("assessing", None));
    shop.sound().await;
}

#[tokio::test]
async fn an_appeal_is_not_heard_against_a_person_or_too_late() {
    let shop = Shop::open_beside(saying(&[Declined]), offline()).await;
    let ada = shop.buyer("ada@example.com", 0).await;
    let message = json!({ "message": "Call me." });
    let begin = async |key: &str| {
        let begun = ask(&shop, &ada, key, 500, "offline").await;
        shop.run_errands().await;
        (format!("/v1/top-ups/{}/appeal", begun.at("/id")), begun)
    };
    let (path, begun) = begin("k1").await;
    shop.post(&path, &ada, "", message.clone()).await;
    assert_eq!(decide(&shop, &begun, false).await.at("/state"), "declined");
    let again = shop.post(&path, &ada, "", message.clone()).await;
    assert_eq!((again.status, again.at("/state")), (200, "declined"), "it was heard, and stays so");
    let (path, _) = begin("k2").await;
    shop.advance(scrip_domain::Span::days(7)).await;
    let late = shop.post(&path, &ada, "", message.clone()).await;
    assert_eq!((late.status, late.code()), (409, "top_up_state"));
    let (path, _) = begin("k3").await;
    let id = shop.get("/v1/account", &ada).await.at("/id").to_owned();
    shop.post(&format!("/v1/admin/accounts/{id}/freeze"), &shop.admin, "", Value::Null).await;
    assert_eq!(shop.post(&path, &ada, "", message).await.code(), "account_frozen");
    shop.sound().await;
}
