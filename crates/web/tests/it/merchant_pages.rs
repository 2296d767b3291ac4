//! Pages about merchants: their provider's console, their own about the provider, a restore's, and buyers whom merchants know.

use scrip_domain::Span;
use scrip_domain::staff::StaffRole;
use scrip_testkit::{Browser, Shop, Way, settings};
use serde_json::{Value, json};

use crate::dealings_pages::{clerk_again, opened, sent, with, wrong};
use crate::desk::clerk;
use crate::provider::{SHOP, World};
use crate::two_servers::Pair;

/// A merchant as somebody types it.
const TYPED: [(&str, &str); 9] = [
    ("url", "https://new.example/"),
    ("name", "New <i>Sounds</i>"),
    ("return_origins", "https://new.example\r\n\r\nhttps://www.new.example\r\n"),
    ("order", "1000"),
    ("open", "10"),
    ("day", "5000"),
    ("fee.basis_points", "2.5"),
    ("fee.fixed", "0,10"),
    ("threshold", "3"),
];

#[tokio::test]
async fn a_merchant_is_registered_and_its_invitation_shown_once() {
    let world = World::open().await;
    let mut finance = clerk(&world.pay, StaffRole::Finance).await;
    let new = "/admin/merchants/new";
    assert!(opened(&mut finance, new).await.html.contains("name=\"invite\" value=\"on\" checked"));
    for (field, value) in [
        ("url", "new.example"),
        ("name", ""),
        ("return_origins", "https://new.example/path"),
        ("order", "1.234"),
        ("open", "many"),
        ("day", ""),
        ("fee.basis_points", "101"),
        ("fee.fixed", "-1"),
        ("threshold", "x"),
    ] {
        let page = wrong(&mut finance, new, &with(&TYPED, field, value), field).await;
        assert!(page.html.contains("www.new.example") || field == "return_origins", "{field}");
    }
    let taken = wrong(&mut finance, new, &with(&TYPED, "url", SHOP), "url").await;
    assert_eq!(taken.status, 409);
    let invited = finance.send(new, &with(&TYPED, "invite", "on")).await;
    assert_eq!(invited.status, 200, "{}", invited.html);
    assert!(invited.html.contains("New &lt;i&gt;Sounds&lt;/i&gt;"));
    assert!(invited.html.contains("https://new.example/admin/provider"), "{}", invited.html);
    let word = invited.html.split("<code class=\"big\" id=\"secret\">").nth(1).unwrap();
    let word = word.split('<').next().unwrap().to_owned();
    let list = world.pay.get("/v1/admin/merchants", &world.pay.admin).await;
    let here = format!("/admin/merchants/{}", list.at("/data/0/id"));
    let page = opened(&mut finance, &here).await;
    assert!(page.html.contains("Invited") && !page.html.contains(&word), "told once");
    for words in
        ["2.50 % and 0.10 AUR", "1000.00 AUR", "https://new.example, https://www.new.example"]
    {
        assert!(page.html.contains(words), "{words}: {}", page.html);
    }
    let other = [("url", "https://third.example")];
    let direct = with(&TYPED, other[0].0, other[0].1);
    assert!(sent(&mut finance, new, &direct).await.starts_with("/admin/merchants/mer_"));
    let mut reader = clerk(&world.pay, StaffRole::ReadOnly).await;
    opened(&mut reader, &here).await;
    assert_eq!(reader.send(new, &TYPED).await.status, 403);
    assert_eq!(reader.open("/admin/partners").await.status, 200, "a provider may have partners");
}

#[tokio::test]
async fn a_merchant_is_changed_frozen_and_thawed() {
    let world = World::open().await;
    let mut finance = clerk(&world.pay, StaffRole::Finance).await;
    let here = format!("/admin/merchants/{}", world.merchant);
    let change = format!("{here}/change");
    let form = opened(&mut finance, &change).await;
    assert!(form.html.contains("https://shop.test</textarea>"), "{}", form.html);
    wrong(&mut finance, &change, &with(&TYPED, "name", ""), "name").await;
    let fields = with(&TYPED, "return_origins", SHOP);
    assert_eq!(sent(&mut finance, &change, &with(&fields, "name", "Other Sounds")).await, here);
    assert!(opened(&mut finance, &here).await.html.contains("Other Sounds"));
    opened(&mut finance, &format!("{here}/freeze")).await;
    assert_eq!(sent(&mut finance, &format!("{here}/freeze"), &[]).await, here);
    assert!(opened(&mut finance, &here).await.html.contains("Frozen"));
    let refused = world.send_offer(&world.offer("ord_1", 100)).await;
    assert_eq!(refused.status, 403, "{refused:?}");
    // What is changed of a frozen one leaves it frozen.
    sent(&mut finance, &change, &fields).await;
    assert!(opened(&mut finance, &here).await.html.contains("Frozen"));
    sent(&mut finance, &format!("{here}/thaw"), &[]).await;
    assert_eq!(world.send_offer(&world.offer("ord_2", 100)).await.status, 201);
    assert_eq!(finance.open(&format!("{here}/melt")).await.status, 404);
}

#[tokio::test]
async fn what_a_merchant_earned_is_paid_out_and_an_order_given_back() {
    let world = World::open().await;
    let ada = world.pay.buyer("ada@example.com", 2000).await;
    let request = world.captured(&ada, "ord_1", 1000).await;
    world.fulfilled(&request).await;
    world.pass(Span::days(15)).await;
    let mut finance = clerk(&world.pay, StaffRole::Finance).await;
    let here = format!("/admin/merchants/{}", world.merchant);
    let payable = world.earned().await.2;
    let pay_out = format!("{here}/pay-out");
    let form = opened(&mut finance, &pay_out).await;
    let key = form.input("key").to_owned();
    let good = [
        ("key", key.as_str()),
        ("tokens", "5"),
        ("money", "5.00"),
        ("currency", "EUR"),
        ("reference", "SEPA 4"),
    ];
    for (field, value) in [
        ("tokens", "none"),
        ("tokens", "0"),
        ("tokens", "9999"),
        ("money", "1.234"),
        ("money", "0"),
        ("currency", "AURUM"),
        ("reference", ""),
    ] {
        wrong(&mut finance, &pay_out, &with(&good, field, value), field).await;
    }
    assert_eq!(sent(&mut finance, &pay_out, &good).await, here);
    assert_eq!(sent(&mut finance, &pay_out, &good).await, here, "twice is once");
    assert_eq!(world.earned().await.2, payable - 500);
    let page = opened(&mut finance, &here).await;
    for words in ["SEPA 4", "5.00 EUR", "Payout", "Your fee", "Sale"] {
        assert!(page.html.contains(words), "{words}: {}", page.html);
    }

    let late = world.captured(&ada, "ord_2", 300).await;
    let list = opened(&mut finance, "/admin/requests").await;
    assert!(
        list.html.contains(&late.id) && list.html.contains("Paid, not delivered"),
        "{}",
        list.html
    );
    let path = format!("/admin/requests/{}", late.id);
    assert!(opened(&mut finance, &path).await.html.contains("Give tokens back"));
    let refund = format!("{path}/refund");
    let form = opened(&mut finance, &refund).await;
    assert!(form.html.contains("all that is left: 3.00 AUR"), "{}", form.html);
    let key = form.input("key").to_owned();
    let good = [("key", key.as_str()), ("amount", "1"), ("reason", "the merchant is <gone>")];
    wrong(&mut finance, &refund, &with(&good, "amount", "x"), "amount").await;
    wrong(&mut finance, &refund, &with(&good, "amount", "0"), "amount").await;
    wrong(&mut finance, &refund, &with(&good, "reason", ""), "reason").await;
    let much = finance.send(&refund, &with(&good, "amount", "4")).await;
    assert!(much.status == 409 && much.html.contains("value=\"4\""), "{}", much.html);
    assert_eq!(sent(&mut finance, &refund, &good).await, path);
    sent(&mut finance, &refund, &good).await;
    let page = opened(&mut finance, &path).await;
    assert!(
        page.html.contains("the merchant is &lt;gone&gt;")
            && page.html.contains("Partly given back")
    );
    assert_eq!(world.pay.available(&ada).await, 800);
    world.pay.sound().await;
}

#[tokio::test]
async fn a_merchant_sees_at_home_what_it_has_at_its_provider() {
    let pair = Pair::open().await;
    let sale = pair.send().await;
    let code = pair.confirm(&sale).await;
    pair.sign_in(&code).await;
    pair.work().await;
    let mut reader = clerk(&pair.shop, StaffRole::ReadOnly).await;
    let page = opened(&mut reader, "/admin/provider").await;
    for words in
        ["https://pay.test", "You sell there", "Sale", "The provider's fee", "2.24 AUR", "mer_"]
    {
        assert!(
            page.html.contains(words) || page.html.contains(&words.replace('\'', "&#39;")),
            "{words}: {}",
            page.html
        );
    }
    assert!(!page.html.contains("Accept an invitation"), "it sells already");
    assert!(page.html.contains("aria-current=\"page\">Provider</a>"), "{}", page.html);
    assert_eq!(reader.send("/admin/provider", &[("invitation", "x")]).await.status, 403);
    pair.network.fate("", &[Way::Lost; 8]);
    let page = opened(&mut reader, "/admin/provider").await;
    assert!(page.html.contains("cannot be asked at the moment"), "{}", page.html);
    for path in ["/admin/partners", "/admin/merchants", "/admin/bank"] {
        assert_eq!(reader.open(path).await.status, 404, "a merchant has no {path}");
    }
}

#[tokio::test]
async fn a_merchant_accepts_its_invitation() {
    let (shop, provider) = Shop::merchant(settings()).await;
    let mut finance = clerk(&shop, StaffRole::Finance).await;
    provider.fate(&[scrip_testkit::Fate::Refused("signature_refused")]);
    let page = opened(&mut finance, "/admin/provider").await;
    assert!(
        page.html.contains("does not know this server yet")
            && page.html.contains("Accept an invitation")
    );
    wrong(&mut finance, "/admin/provider", &[("invitation", " ")], "invitation").await;
    let page =
        wrong(&mut finance, "/admin/provider", &[("invitation", "wrong")], "invitation").await;
    assert_eq!(page.status, 409);
    assert_eq!(
        sent(&mut finance, "/admin/provider", &[("invitation", "welcome")]).await,
        "/admin/provider"
    );
    assert!(provider.calls().contains(&"accept welcome".to_owned()));
}

#[tokio::test]
async fn after_a_restore_a_peer_that_is_gone_is_left_out_with_a_reason() {
    let mut pair = Pair::open().await;
    let mut owner = clerk(&pair.pay, StaffRole::Owner).await;
    let page = opened(&mut owner, "/admin/restore").await;
    assert!(
        page.html.contains("Never restored") && !page.html.contains(">Restore</a>"),
        "{}",
        page.html
    );
    drop(owner);
    let backup = pair.pay.backed_up().await;
    pair.pay = pair.pay.restored(&backup).await;
    pair.network.cut();
    let _ = pair.pay.app.engine.run_restore().await.unwrap();
    let mut owner = clerk_again(&pair.pay, StaffRole::Owner).await;
    let page = opened(&mut owner, "/admin/restore").await;
    for words in ["Peers are still to be heard", SHOP, "Being asked", ">Restore</a>"] {
        assert!(page.html.contains(words), "{words}: {}", page.html);
    }
    let ask = "/admin/restore/skip?peer=https%3A%2F%2Fshop.test";
    assert!(page.html.contains(ask), "{}", page.html);
    assert_eq!(opened(&mut owner, ask).await.input("peer"), SHOP);
    let skip = "/admin/restore/skip";
    wrong(&mut owner, skip, &[("peer", SHOP), ("reason", "")], "reason").await;
    let nobody = owner.send(skip, &[("peer", "https://x.example"), ("reason", "gone")]).await;
    assert_eq!(nobody.status, 404);
    assert_eq!(
        sent(&mut owner, skip, &[("peer", SHOP), ("reason", "closed down")]).await,
        "/admin/restore"
    );
    let page = opened(&mut owner, "/admin/restore").await;
    assert!(
        page.html.contains("Left out") && page.html.contains("All peers were heard"),
        "{}",
        page.html
    );
    assert_eq!(sent(&mut owner, "/admin/restore/again", &[("peer", SHOP)]).await, "/admin/restore");
    assert!(opened(&mut owner, "/admin/restore").await.html.contains("Being asked"));
    assert_eq!(owner.send("/admin/restore/again", &[("peer", "x")]).await.status, 404);
}

async fn connect(world: &World, key: &str) -> String {
    let body = json!({ "return_url": format!("{SHOP}/return") });
    let answer = world.post("/v1/connection-requests", key, body).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.at("/url").strip_prefix("https://pay.test").unwrap().to_owned()
}

async fn subject(world: &World, location: &str) -> String {
    let code = location.split("code=").nth(1).unwrap().split('&').next().unwrap();
    let answer = world.post("/v1/return-codes", "", json!({ "code": code })).await;
    answer.at("/subject").to_owned()
}

#[tokio::test]
async fn a_buyer_sees_which_merchants_know_them_and_disconnects_one() {
    let world = World::open().await;
    let mut ada = Browser::on(&world.pay);
    let who = [("email", "ada@example.com"), ("password", "correct horse")];
    sent(&mut ada, "/register", &who).await;
    let list = "/account/merchants";
    assert!(opened(&mut ada, list).await.html.contains("No merchant knows you"));
    let path = connect(&world, "one").await;
    let yes = [("decision", "approve"), ("share", "funded")];
    let back = sent(&mut ada, &path, &yes).await;
    let name = subject(&world, &back).await;
    let page = opened(&mut ada, list).await;
    assert!(
        page.html.contains("Field Sounds") && page.html.contains("whether your balance is enough"),
        "{}",
        page.html
    );
    assert!(opened(&mut ada, "/account").await.html.contains(&format!("href=\"{list}\"")));
    let standing = format!("/v1/subjects/{name}");
    assert_eq!(world.get(&standing).await.json["funded"], Value::Bool(false));

    // Nobody else's.
    let mut bob = Browser::on(&world.pay);
    sent(&mut bob, "/register", &[("email", "bob@example.com"), who[1]]).await;
    let end = format!("{list}/{}/disconnect", world.merchant);
    assert_eq!(bob.open(&end).await.status, 404);
    assert_eq!(sent(&mut bob, &end, &[]).await, list);
    assert_eq!(world.get(&standing).await.status, 200, "bob's word does nothing to ada");

    assert!(opened(&mut ada, &end).await.html.contains("It learns nothing more of you"));
    assert_eq!(ada.send_from("cross-site", &end, &[]).await.status, 403);
    assert_eq!(sent(&mut ada, &end, &[]).await, list);
    assert_eq!(sent(&mut ada, &end, &[]).await, list, "twice is once");
    assert!(opened(&mut ada, list).await.html.contains("No merchant knows you"));
    assert_eq!(world.get(&standing).await.status, 404);
    // Signing in there again makes the buyer known by the same name.
    let back = sent(&mut ada, &connect(&world, "two").await, &[("decision", "approve")]).await;
    assert_eq!(subject(&world, &back).await, name);
    assert!(opened(&mut ada, list).await.html.contains("Knows nothing of your balance"));
    world.pay.sound().await;
}

#[tokio::test]
async fn a_buyer_signs_in_at_a_merchant_with_another_account() {
    let world = World::open().await;
    let path = connect(&world, "one").await;
    let mut ada = Browser::on(&world.pay);
    sent(&mut ada, "/register", &[("email", "ada@example.com"), ("password", "correct horse")])
        .await;
    let page = opened(&mut ada, &path).await;
    assert_eq!(page.input("next"), path, "{}", page.html);
    let there = sent(&mut ada, "/sign-out", &[("next", &path)]).await;
    assert!(there.starts_with("/sign-in?next=%2Fconnect%2F"), "{there}");
    let form =
        [("email", "bob@example.com"), ("password", "correct horse"), ("next", path.as_str())];
    assert_eq!(sent(&mut ada, "/register", &form).await, path);
    assert!(opened(&mut ada, &path).await.html.contains("bob@example.com"));
    let away = sent(&mut ada, "/sign-out", &[("next", "//evil.example")]).await;
    assert_eq!(away, "/sign-in", "to this server only");
    let mut stranger = Browser::on(&world.pay);
    let page = stranger.open("/account/merchants").await;
    assert_eq!(page.location(), "/sign-in?next=%2Faccount%2Fmerchants");
    let shop = Shop::open().await;
    assert_eq!(Browser::on(&shop).open("/account/merchants").await.status, 404, "no provider");
}
