//! Letters of a merchant's that its provider forwards: to whom, what they say, what the buyer decides, and what is refused.

use scrip_domain::letter::{Letter, LetterState, Recipient};
use scrip_domain::{Id, Span};
use scrip_engine::mail::{Message, Posted};
use scrip_testkit::{Answer, Browser, Place, Shop, Way, settings, told_after};
use serde_json::{Value, json};

use crate::provider::{FIRST, SECOND, World, place};
use crate::two_servers::{Pair, Sent};

const ADA: &str = "ada@example.com";

/// What the merchant has to write goes out; gives what came to the provider's mail server.
async fn written(pair: &Pair) -> Vec<Message> {
    assert!(pair.shop.run_mail().await.is_empty(), "the merchant has no address");
    pair.pay.post.sent()
}

/// A buyer at the merchant who has paid an order, before any of its letters were written.
async fn paid(pair: &Pair) -> (Sent, Answer, String) {
    let sent = pair.send().await;
    let ada = pair.sign_in(&pair.confirm(&sent).await).await;
    let order = pair.shop.get(&sent.path, &ada).await;
    assert_eq!(order.at("/state"), "paid", "{order:?}");
    (sent, order, ada)
}

async fn refund(pair: &Pair, sent: &Sent, key: &str) {
    let path = format!("/v1/admin{}/refunds", &sent.path[3..]);
    let body = json!({ "reason": "does not start" });
    let back = pair.shop.post(&path, &pair.shop.admin, key, body).await;
    assert_eq!(back.status, 201, "{back:?}");
}

/// The letters of the merchant's only buyer, the oldest first.
async fn rows(shop: &Shop, token: &str) -> Vec<Letter> {
    let account: Id<_> = shop.get("/v1/account", token).await.at("/id").parse().unwrap();
    shop.app.engine.store().letters_of(account, 9).await.unwrap()
}

/// A browser in which the buyer is signed in at the provider.
async fn browser(pair: &Pair) -> Browser<'_> {
    let mut ada = Browser::on(&pair.pay);
    let page = ada.send("/sign-in", &[("email", ADA), ("password", "correct horse")]).await;
    assert_eq!(page.status, 303, "{}", page.html);
    ada
}

async fn merchant_of(pair: &Pair) -> String {
    let list = pair.pay.get("/v1/admin/merchants", &pair.pay.admin).await;
    list.at("/data/0/id").to_owned()
}

#[tokio::test]
async fn who_buys_through_the_provider_gets_the_code_by_mail_and_the_merchant_no_address() {
    for mail in [true, false] {
        let mut pair = Pair::open().await;
        pair.shop = pair.shop.another_with_mail(mail).await;
        let (sent, order, ada) = paid(&pair).await;
        let letters = written(&pair).await;
        let [letter] = &letters[..] else { panic!("{letters:?}") };
        assert_eq!(letter.to, ADA);
        assert_eq!(letter.words.subject, "Field Sounds: Approved: The tuning");
        let (jws, short) = (order.at("/licenses/0/code/jws"), order.at("/licenses/0/code/short"));
        for part in [&letter.words.text, &letter.words.html] {
            for told in [jws, short, "2.50 AUR", "Field Sounds (shop.test) writes to you"] {
                assert!(part.contains(told), "{told} is not in {part}");
            }
            for wrong in ["/wallet", "password", "/sign-in"] {
                assert!(!part.contains(wrong), "{wrong} is in {part}");
            }
        }
        let text = letter.words.text.replace('\n', " ");
        assert!(text.contains("paid from your wallet at pay.test"), "{text}");
        assert!(text.contains("https://pay.test/account/merchants"), "{text}");
        assert!(text.contains(&format!("https://shop.test/orders/{}", order.at("/id"))), "{text}");
        let code = told_after(letter, "To copy:\n");
        assert_eq!(code, jws, "on one line");

        let known = rows(&pair.shop, &ada).await;
        let [row] = &known[..] else { panic!("{known:?}") };
        assert_eq!((row.state, row.trouble.as_deref()), (LetterState::Sent, None));
        let Recipient::Subject(subject) = &row.recipient else { panic!("{row:?}") };
        assert!(!subject.contains('@'));
        assert_eq!(letter.name, format!("{}.{}", merchant_of(&pair).await, row.id));
        refund(&pair, &sent, "back").await;
        let subjects: Vec<_> =
            written(&pair).await.into_iter().map(|letter| letter.words.subject).collect();
        assert_eq!(subjects, ["Field Sounds: Refunded: 2.50 AUR"]);
        assert!(written(&pair).await.is_empty(), "everything once");
        pair.sound().await;
    }
}

#[tokio::test]
async fn a_guest_is_told_of_a_decline_a_freeze_and_an_answer_and_of_nothing_that_is_the_providers()
{
    let pair = Pair::open().await;
    let (_, order, ada) = paid(&pair).await;
    written(&pair).await;
    let other = pair.send().await;
    assert_eq!(pair.step(&other, "claim").await.status, 200);
    pair.step(&other, "decline").await;
    pair.work().await;
    assert_eq!(pair.state(&other).await, "declined");
    let account = pair.shop.get("/v1/account", &ada).await.at("/id").to_owned();
    let ask = format!("/v1/orders/{}/refund-requests", order.at("/id"));
    let line = json!({ "line": order.at("/lines/0/id"), "reason": "It hums." });
    let asked = pair.shop.post(&ask, &ada, "ask", line).await;
    assert!(asked.status < 300, "{asked:?}");
    let decline = format!("/v1/admin/refund-requests/{}/decline", asked.at("/id"));
    let word = json!({ "word": "It is to hum." });
    let said = pair.shop.post(&decline, &pair.shop.admin, "", word).await;
    assert!(said.status < 300, "{said:?}");
    for verb in ["freeze", "thaw"] {
        let path = format!("/v1/admin/accounts/{account}/{verb}");
        let body = json!({ "reason": "test" });
        let done = pair.shop.post(&path, &pair.shop.admin, "", body).await;
        assert!(done.status < 300, "{verb}: {done:?}");
    }
    let letters = written(&pair).await;
    let mut subjects: Vec<_> = letters.iter().map(|letter| &*letter.words.subject).collect();
    subjects.sort_unstable();
    assert_eq!(
        subjects,
        [
            "Field Sounds: Declined: your order",
            "Field Sounds: Declined: your request for a refund",
            "Field Sounds: Your account with Aurora Instruments is frozen",
            "Field Sounds: Your account with Aurora Instruments is open again",
        ]
    );
    for letter in &letters {
        for wrong in ["/wallet", "password", "top-up", "Add funds", "no funds can be added"] {
            assert!(!letter.words.text.contains(wrong), "{wrong}: {}", letter.words.text);
        }
    }
    let declined = letters.iter().find(|letter| letter.words.subject.ends_with("your order"));
    let text = &declined.unwrap().words.text;
    assert!(text.contains("Reason: you declined it at the provider."), "{text}");
    pair.sound().await;
}

#[tokio::test]
async fn who_wants_no_letters_gets_none_and_the_merchant_is_not_told_why() {
    let pair = Pair::open().await;
    let (sent, _, token) = paid(&pair).await;
    assert_eq!(written(&pair).await.len(), 1);
    let mut ada = browser(&pair).await;
    let path = format!("/account/merchants/{}/letters", merchant_of(&pair).await);
    let page = ada.open("/account/merchants").await;
    assert!(page.html.contains(&path) && page.html.contains("Stop its letters"), "{}", page.html);
    assert_eq!(ada.send(&path, &[("letters", "perhaps")]).await.status, 400);
    assert_eq!(ada.send_from("cross-site", &path, &[("letters", "stay_away")]).await.status, 403);
    for _ in 0..2 {
        let page = ada.send(&path, &[("letters", "stay_away")]).await;
        assert_eq!((page.status, page.location()), (303, "/account/merchants"), "twice is once");
    }
    let page = ada.open("/account/merchants").await;
    for told in ["You get no letters of it", "Get its letters"] {
        assert!(page.html.contains(told), "{told}: {}", page.html);
    }
    refund(&pair, &sent, "one").await;
    assert!(written(&pair).await.is_empty());
    let row = rows(&pair.shop, &token).await.pop().unwrap();
    assert_eq!(row.state, LetterState::GivenUp);
    assert_eq!(row.trouble.as_deref(), Some("the provider does not forward it"));
    // Who buys again, or signs in there again, wants none still.
    paid(&pair).await;
    let connection = pair.shop.post("/v1/connections", "", "", json!({})).await;
    let there = connection.at("/url").strip_prefix("https://pay.test").unwrap().to_owned();
    let page = ada.open(&there).await;
    assert!(page.html.contains("it never learns your address"), "{}", page.html);
    assert_eq!(ada.send(&there, &[("decision", "approve")]).await.status, 303);
    assert!(written(&pair).await.is_empty());
    let copy = pair.pay.get("/v1/account/export", &pair.buyer).await;
    assert_eq!(copy.json["merchants"][0]["letters"], false, "{copy:?}");
    ada.send(&path, &[("letters", "come")]).await;
    paid(&pair).await;
    assert_eq!(written(&pair).await.len(), 1);
    // Of a merchant that does not know them nobody says anything.
    let mut bob = Browser::on(&pair.pay);
    bob.send("/register", &[("email", "bob@example.com"), ("password", "correct horse")]).await;
    assert_eq!(bob.send(&path, &[("letters", "stay_away")]).await.status, 404);
    pair.sound().await;
}

#[tokio::test]
async fn who_has_disconnected_a_merchant_is_not_written_to() {
    let pair = Pair::open().await;
    let (_, _, token) = paid(&pair).await;
    let mut ada = browser(&pair).await;
    let path = format!("/account/merchants/{}/disconnect", merchant_of(&pair).await);
    assert_eq!(ada.send(&path, &[]).await.status, 303);
    assert!(written(&pair).await.is_empty());
    let row = rows(&pair.shop, &token).await.pop().unwrap();
    assert_eq!(row.state, LetterState::GivenUp);
    assert_eq!(row.trouble.as_deref(), Some("the provider refuses: not_found"));
    pair.sound().await;
}

#[tokio::test]
async fn what_the_providers_mail_server_puts_off_comes_later_with_the_same_name() {
    let pair = Pair::open().await;
    let (_, _, token) = paid(&pair).await;
    pair.pay.run_mail().await;
    pair.pay.post.answer([Posted::Later("451 ada@example.com: later".into())]);
    let first = written(&pair).await;
    let row = rows(&pair.shop, &token).await.pop().unwrap();
    assert_eq!((row.state, row.attempts), (LetterState::Waiting, 1));
    let trouble = row.trouble.unwrap();
    assert!(!trouble.contains('@') && !trouble.contains("451"), "{trouble}");
    assert!(written(&pair).await.is_empty());
    // The answer is lost, and so it comes again.
    pair.network.fate("/letters", &[Way::AnswerLost]);
    pair.pass(Span::minutes(2)).await;
    let second = written(&pair).await;
    pair.pass(Span::minutes(6)).await;
    let third = written(&pair).await;
    assert_eq!((first.len(), second.len(), third.len()), (1, 1, 1));
    assert!(first[0].name == second[0].name && first[0].name == third[0].name);
    assert_eq!(first[0].words, third[0].words);
    assert_eq!(rows(&pair.shop, &token).await[0].state, LetterState::Sent);
    pair.sound().await;
}

#[tokio::test]
async fn a_merchant_writes_while_its_settings_let_it_and_its_buyers_are_there() {
    let mut pair = Pair::open().await;
    let (sent, _, token) = paid(&pair).await;
    pair.pay = pair.pay.another_with_mail(false).await;
    assert!(written(&pair).await.is_empty());
    let row = rows(&pair.shop, &token).await.pop().unwrap();
    assert_eq!(row.state, LetterState::GivenUp, "the provider sends no mail");
    pair.pay = pair.pay.another_with_mail(true).await;
    refund(&pair, &sent, "back").await;
    let path = format!("/v1/admin/merchants/{}", merchant_of(&pair).await);
    let bearer = format!("Bearer {}", pair.pay.admin);
    let body = json!({ "suspended": true });
    let done = pair.pay.send("PATCH", &path, &[("authorization", &bearer)], body).await;
    assert_eq!(done.at("/state"), "suspended", "{done:?}");
    assert!(written(&pair).await.is_empty());
    let row = rows(&pair.shop, &token).await.pop().unwrap();
    assert_eq!(row.trouble.as_deref(), Some("the provider refuses: not_found"));
    pair.sound().await;
}

/// A buyer, as the merchant knows them, and how to write to them.
async fn known(world: &World) -> String {
    let ada = world.pay.buyer(ADA, 1000).await;
    world.pay.run_mail().await;
    let opened = world
        .post("/v1/connection-requests", "one", json!({ "return_url": "https://shop.test/return" }))
        .await;
    let reference = opened.at("/url").rsplit('/').next().unwrap().to_owned();
    let path = format!("/v1/connections/{reference}/approve");
    let yes = world.pay.post(&path, &ada, "", json!({ "share": [] })).await;
    let url = yes.at("/return_url");
    let code = url.split("code=").nth(1).unwrap_or_else(|| panic!("{yes:?}"));
    let code = code.split('&').next().unwrap().to_owned();
    let back = world.post("/v1/return-codes", "", json!({ "code": code })).await;
    format!("/v1/subjects/{}/letters", back.at("/subject"))
}

fn letter(name: &str) -> Value {
    json!({ "name": name, "subject": "A word", "text": "Two\r\nlines." })
}

#[tokio::test]
async fn only_the_merchant_that_knows_a_buyer_writes_to_them_and_only_in_bounds() {
    let world = World::open().await;
    let path = known(&world).await;
    let sent = world.post(&path, "", letter("let_1")).await;
    assert_eq!((sent.status, sent.at("/state")), (200, "sent"), "{sent:?}");
    assert!(!sent.json.to_string().contains(ADA));
    let message = world.pay.post.sent().remove(0);
    assert!(message.words.text.contains("\nTwo\nlines.\n"), "{}", message.words.text);
    assert!(message.words.html.contains("Two<br>lines."), "{}", message.words.html);

    let foreign = world.signed(SECOND, "POST", &path, "", letter("let_1")).await;
    assert_eq!(foreign.code(), "not_found", "another merchant has another name for them");
    let unsigned = world.pay.post(&path, "", "", letter("let_1")).await;
    assert_eq!(unsigned.code(), "signature_refused");
    for nobody in ["AAAAAAAAAAAAAAAAAAAAAA", "nobody", ADA] {
        let answer = world.post(&format!("/v1/subjects/{nobody}/letters"), "", letter("a")).await;
        assert_eq!(answer.code(), "not_found", "{nobody}");
    }
    let with = |field: &str, value: Value| {
        let mut body = letter("let_1");
        body[field] = value;
        body
    };
    for (field, value) in [
        ("name", json!("")),
        ("name", json!("a".repeat(41))),
        ("name", json!("a@b>\r\nBcc: eve@evil.example")),
        ("subject", json!("")),
        ("subject", json!("a".repeat(201))),
        ("subject", json!("a\r\nBcc: eve@evil.example")),
        ("text", json!(" ")),
        ("text", json!("a\u{0}b")),
        ("text", json!("a\u{1b}[2Jb")),
        ("text", json!("a".repeat(65_537))),
        ("text", json!("ä".repeat(32_769))),
        ("text", json!(1)),
    ] {
        let answer = world.post(&path, "", with(field, value)).await;
        assert_eq!((answer.status, answer.at("/errors/0/field")), (400, field), "{answer:?}");
    }
    assert_eq!(world.post(&path, "", json!({ "name": "a" })).await.status, 400);
    assert!(world.pay.post.sent().is_empty());
    let longest = world.post(&path, "", with("text", json!("a".repeat(65_536)))).await;
    assert_eq!(longest.at("/state"), "sent", "{longest:?}");
    let later = world.signed(FIRST, "POST", &path, "", with("later", json!(1))).await;
    assert_eq!(later.at("/state"), "sent", "what a later version adds is not minded");
    world.pay.sound().await;
}

#[tokio::test]
async fn nobodys_mailbox_is_filled_and_what_was_put_off_is_not_counted() {
    let world = World::open().await;
    let path = known(&world).await;
    for number in 0..30 {
        let name = format!("let_{number}");
        world.pay.post.answer([Posted::Later("451 later".into())]);
        assert_eq!(world.post(&path, "", letter(&name)).await.at("/state"), "delayed");
        assert_eq!(world.post(&path, "", letter(&name)).await.at("/state"), "sent");
    }
    let more = world.post(&path, "", letter("let_30")).await;
    assert_eq!((more.status, more.code()), (429, "rate_limited"));
    world.pay.advance(Span::days(1)).await;
    assert_eq!(world.post(&path, "", letter("let_30")).await.at("/state"), "sent");
}

#[tokio::test]
async fn what_a_merchant_writes_becomes_no_markup_and_hides_nothing_of_the_frame() {
    let world = World::open().await;
    let path = known(&world).await;
    let text = "<script>a</script> https://evil.example/\n-- \nThe end";
    let body = json!({ "name": "let_1", "subject": "<b>A</b>", "text": text });
    assert_eq!(world.post(&path, "", body).await.at("/state"), "sent");
    let Message { words, .. } = world.pay.post.sent().remove(0);
    assert!(words.html.contains("&lt;script&gt;a&lt;/script&gt; https://evil.example/<br>--<br>"));
    assert!(!words.html.contains("href=\"https://evil.example"), "{}", words.html);
    let dashes = words.text.lines().filter(|line| *line == "-- ").count();
    assert_eq!(dashes, 1, "the frame's own: {}", words.text);
    let (frame, end) = words.text.split_once("<script>").unwrap();
    assert!(frame.contains("Field Sounds (shop.test) writes to you"), "{frame}");
    assert!(end.replace('\n', " ").contains("does not know your address"), "{end}");
}

#[tokio::test]
async fn a_provider_without_mail_refuses_and_so_it_does_for_who_is_erased() {
    let mut world = World::open_at(Place { mail: false, ..place() }, settings()).await;
    let path = known(&world).await;
    assert_eq!(world.post(&path, "", letter("let_1")).await.at("/state"), "refused");
    world.pay = world.pay.another_with_mail(true).await;
    assert_eq!(world.post(&path, "", letter("let_1")).await.at("/state"), "sent");
    let body = json!({ "email": ADA, "password": "correct horse" });
    let session = world.pay.post("/v1/sessions", "", "", body).await;
    let bearer = format!("Bearer {}", session.at("/token"));
    let body = json!({ "password": "correct horse", "forfeit": true });
    let headers = [("authorization", bearer.as_str())];
    let gone = world.pay.send("DELETE", "/v1/account", &headers, body).await;
    assert_eq!(gone.status, 204, "{gone:?}");
    world.pay.post.sent();
    let answer = world.post(&path, "", letter("let_2")).await;
    assert_eq!((answer.status, answer.at("/state")), (200, "refused"), "{answer:?}");
    assert!(world.pay.post.sent().is_empty());
}
