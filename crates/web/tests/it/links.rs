//! Linking a buyer's accounts at two vendors, by the API and in a browser.

use scrip_domain::Span;
use scrip_testkit::{Answer, Browser, Shop, Way};
use serde_json::{Value, json};

use crate::partners::{BELLE, Vendors};

/// Two vendors that exchange, with a buyer at each.
struct Pair {
    vendors: Vendors,
    here: String,
    there: String,
}

impl Pair {
    async fn open() -> Self {
        let vendors = Vendors::agreed().await;
        let here = vendors.a.buyer("ada@example.com", 1000).await;
        let there = vendors.b.buyer("ada@belle.example", 0).await;
        Self { vendors, here, there }
    }

    fn path(&self) -> String {
        format!("/v1/partners/{}/link", self.vendors.partners[0])
    }

    async fn begin(&self) -> Answer {
        self.vendors.a.post(&self.path(), &self.here, "", json!({})).await
    }

    async fn decide(&self, buyer: &str, reference: &str, decision: &str) -> Answer {
        let path = format!("/v1/links/{reference}/{decision}");
        self.vendors.b.post(&path, buyer, "", Value::Null).await
    }

    async fn redeem(&self, buyer: &str, code: &str) -> Answer {
        let body = json!({ "return_code": code });
        self.vendors.a.post(&self.path(), buyer, "", body).await
    }

    /// The code with which the buyer comes back.
    async fn code(&self) -> String {
        let begun = self.begin().await;
        assert_eq!((begun.status, begun.at("/state")), (201, "open"), "{begun:?}");
        let approved = self.decide(&self.there, begun.at("/reference"), "approve").await;
        assert_eq!(approved.status, 200, "{approved:?}");
        code(approved.at("/return_url")).to_owned()
    }

    async fn link(&self) {
        let linked = self.redeem(&self.here, &self.code().await).await;
        assert_eq!((linked.status, linked.at("/state")), (200, "active"), "{linked:?}");
    }

    async fn is_linked(&self) -> [bool; 2] {
        let seen = self.vendors.a.get("/v1/partners", &self.here).await;
        let links = self.vendors.b.get("/v1/links", &self.there).await;
        let there = links.json["data"].as_array().map(Vec::len);
        [seen.json["data"][0]["linked"] == true, there == Some(1)]
    }
}

fn code(url: &str) -> &str {
    let code = url.split("code=").nth(1).unwrap_or_else(|| panic!("{url}"));
    code.split('&').next().unwrap()
}

async fn delete(shop: &Shop, path: &str, bearer: &str) -> Answer {
    let authorization = format!("Bearer {bearer}");
    shop.send("DELETE", path, &[("authorization", authorization.as_str())], Value::Null).await
}

#[tokio::test]
async fn an_account_is_linked_once_and_cut_from_here() {
    let pair = Pair::open().await;
    let begun = pair.begin().await;
    let (url, reference) = (begun.at("/url").to_owned(), begun.at("/reference").to_owned());
    assert_eq!(url, format!("{BELLE}/links/{reference}"));
    assert_eq!(begun.json["expires_in"], 600);
    let again = pair.begin().await;
    assert_eq!(again.at("/url"), url, "two clicks are one");
    assert_eq!(pair.is_linked().await, [false, false]);
    let approved = pair.decide(&pair.there, &reference, "approve").await;
    let back = approved.at("/return_url").to_owned();
    assert!(
        back.starts_with(&format!(
            "https://aurora.test/partners/{}?code=",
            pair.vendors.partners[0]
        )),
        "{back}"
    );
    let twice = pair.decide(&pair.there, &reference, "approve").await;
    assert_eq!(twice.at("/return_url"), back);
    assert_eq!(pair.is_linked().await, [false, false], "nobody was told yet");
    let linked = pair.redeem(&pair.here, code(&back)).await;
    assert_eq!((linked.status, linked.at("/state")), (200, "active"), "{linked:?}");
    assert_eq!(pair.is_linked().await, [true, true]);
    let used = pair.redeem(&pair.here, code(&back)).await;
    assert_eq!((used.status, used.code()), (409, "already_linked"));
    let more = pair.begin().await;
    assert_eq!((more.status, more.code()), (409, "already_linked"));
    let cut = delete(&pair.vendors.a, &pair.path(), &pair.here).await;
    assert_eq!(cut.status, 204, "{cut:?}");
    assert_eq!(pair.is_linked().await, [false, false], "the partner is told at once");
    let cut = delete(&pair.vendors.a, &pair.path(), &pair.here).await;
    assert_eq!(cut.status, 204, "twice is once");
    pair.link().await;
    assert_eq!(pair.is_linked().await, [true, true]);
    pair.vendors.sound().await;
}

#[tokio::test]
async fn a_cut_that_the_partner_does_not_hear_is_told_until_it_does() {
    for way in [Way::Lost, Way::AnswerLost] {
        let pair = Pair::open().await;
        pair.link().await;
        pair.vendors.network.cut();
        assert_eq!(delete(&pair.vendors.a, &pair.path(), &pair.here).await.status, 204);
        assert_eq!(pair.is_linked().await, [false, true], "what is cut here is cut");
        pair.vendors.network.mend();
        let begun = pair.begin().await;
        assert_eq!(
            (begun.status, begun.code()),
            (503, "busy"),
            "first the partner hears of the former"
        );
        let name = pair.vendors.network.sent().last().cloned().unwrap();
        let end = name.rsplit('/').next().unwrap().to_owned();
        pair.vendors.network.fate(&end, &[way]);
        pair.vendors.pass(Span::seconds(2)).await;
        pair.vendors.pass(Span::seconds(10)).await;
        assert_eq!(pair.is_linked().await, [false, false], "{way:?}");
        pair.link().await;
        pair.vendors.sound().await;
    }
}

#[tokio::test]
async fn the_owner_there_cuts_it_too() {
    let pair = Pair::open().await;
    pair.link().await;
    let links = pair.vendors.b.get("/v1/links", &pair.there).await;
    assert_eq!(links.at("/data/0/url"), "https://aurora.test");
    let id = links.at("/data/0/id").to_owned();
    let path = format!("/v1/links/{id}");
    let other = pair.vendors.b.buyer("eve@belle.example", 0).await;
    assert_eq!(
        delete(&pair.vendors.b, &path, &other).await.status,
        204,
        "hers, of which there is none"
    );
    assert_eq!(pair.is_linked().await, [true, true]);
    assert_eq!(delete(&pair.vendors.b, &path, &pair.there).await.status, 204);
    assert!(!pair.is_linked().await[1]);
    pair.vendors.sound().await;
}

#[tokio::test]
async fn a_code_is_good_once_for_a_minute_and_for_who_began() {
    let pair = Pair::open().await;
    let eve = pair.vendors.a.buyer("eve@example.com", 0).await;
    let code = pair.code().await;
    let stolen = pair.redeem(&eve, &code).await;
    assert_eq!((stolen.status, stolen.code()), (409, "not_linked"), "she has begun nothing");
    let linked = pair.redeem(&pair.here, &code).await;
    assert_eq!(linked.status, 200, "and has not used it up: {linked:?}");

    let pair = Pair::open().await;
    let eve = pair.vendors.a.buyer("eve@example.com", 0).await;
    let begun = pair.vendors.a.post(&pair.path(), &eve, "", json!({})).await;
    assert_eq!(begun.status, 201);
    let code = pair.code().await;
    let stolen = pair.redeem(&eve, &code).await;
    assert_eq!((stolen.status, stolen.code()), (409, "not_linked"), "of another link");

    let pair = Pair::open().await;
    let code = pair.code().await;
    pair.vendors.pass(Span::seconds(61)).await;
    let late = pair.redeem(&pair.here, &code).await;
    assert_eq!((late.status, late.code()), (409, "not_linked"));
    for bad in ["", "x", "../../x", &"x".repeat(300)] {
        let answer = pair.redeem(&pair.here, bad).await;
        assert_eq!((answer.status, answer.code()), (409, "not_linked"), "{bad:?}");
    }
    // It begins anew, though the partner has decided about the first one.
    pair.link().await;
    pair.vendors.sound().await;
}

#[tokio::test]
async fn who_does_not_decide_in_time_or_says_no_is_not_linked() {
    let pair = Pair::open().await;
    let begun = pair.begin().await;
    let reference = begun.at("/reference").to_owned();
    let declined = pair.decide(&pair.there, &reference, "decline").await;
    assert!(declined.at("/return_url").contains("error=declined"), "{declined:?}");
    let after = pair.decide(&pair.there, &reference, "approve").await;
    assert_eq!((after.status, after.code()), (409, "request_state"));
    let other = pair.vendors.b.buyer("eve@belle.example", 0).await;
    let others = pair.decide(&other, &reference, "approve").await;
    assert_eq!(others.status, 404, "it is hers no more than anybody's");
    let begun = pair.begin().await;
    assert_ne!(begun.at("/reference"), reference, "a new one");
    pair.vendors.pass(Span::minutes(10)).await;
    let late = pair.decide(&pair.there, begun.at("/reference"), "approve").await;
    assert_eq!((late.status, late.code()), (409, "request_state"));
    let nobody = pair.decide("", begun.at("/reference"), "approve").await;
    assert_eq!(nobody.status, 401);
    assert_eq!(pair.decide(&pair.there, "nothing", "approve").await.status, 404);
    assert_eq!(pair.is_linked().await, [false, false]);
    pair.vendors.sound().await;
}

#[tokio::test]
async fn nothing_is_linked_where_nothing_is_exchanged() {
    let pair = Pair::open().await;
    let all = pair.vendors.a.get("/v1/admin/agreements", &pair.vendors.a.admin).await;
    let path = format!("/v1/admin/agreements/{}/suspend", all.at("/data/0/id"));
    pair.vendors.a.post(&path, &pair.vendors.a.admin, "", Value::Null).await;
    let begun = pair.begin().await;
    assert_eq!((begun.status, begun.code()), (409, "partner_suspended"));
    let vendors = Vendors::open().await;
    let here = vendors.a.buyer("ada@example.com", 0).await;
    let path = format!("/v1/partners/{}/link", vendors.partners[0]);
    assert_eq!(vendors.a.post(&path, &here, "", json!({})).await.status, 404);
    assert_eq!(delete(&vendors.a, &path, &here).await.code(), "not_linked");
    vendors.network.cut();
    let pair = Pair::open().await;
    pair.vendors.network.cut();
    let begun = pair.begin().await;
    assert_eq!((begun.status, begun.code()), (503, "busy"));
}

async fn sign_in(browser: &mut Browser<'_>, email: &str, next: &str) {
    let fields = [("email", email), ("password", "correct horse"), ("next", next)];
    let page = browser.send("/sign-in", &fields).await;
    assert_eq!((page.status, page.location()), (303, next), "{}", page.html);
}

#[tokio::test]
async fn a_buyer_links_in_the_browser() {
    let pair = Pair::open().await;
    let page = format!("/partners/{}", pair.vendors.partners[0]);
    let mut here = Browser::on(&pair.vendors.a);
    let mut there = Browser::on(&pair.vendors.b);
    let seen = here.open(&page).await;
    assert_eq!(seen.status, 200, "{}", seen.html);
    assert!(
        seen.html.contains("<bdi>Belle Isle</bdi> is another vendor, at belle.test."),
        "{}",
        seen.html
    );
    assert!(seen.html.contains("1.00 AUR become 3.90 BEL"), "{}", seen.html);
    sign_in(&mut here, "ada@example.com", &page).await;
    assert!(here.open("/wallet").await.html.contains(&format!("href=\"{page}\"")));
    let foreign = here.send_from("cross-site", &format!("{page}/link"), &[]).await;
    assert_eq!(foreign.status, 403, "no other site sends it");
    let sent = here.send(&format!("{page}/link"), &[]).await;
    assert_eq!(sent.status, 303, "{}", sent.html);
    let policy = sent.answer.header("content-security-policy");
    assert!(policy.contains("form-action 'self' https://belle.test"), "{policy}");
    let way = sent.location().strip_prefix(BELLE).unwrap().to_owned();
    let asked = there.open(&way).await;
    assert!(asked.location().starts_with("/sign-in?next="), "{}", asked.location());
    sign_in(&mut there, "ada@belle.example", &way).await;
    let asked = there.open(&way).await;
    assert!(asked.html.contains("You come from <bdi>Aurora</bdi>, aurora.test"), "{}", asked.html);
    let bad = there.send(&way, &[("decision", "perhaps")]).await;
    assert_eq!(bad.status, 400);
    let back = there.send(&way, &[("decision", "approve")]).await;
    let back = back.location().strip_prefix("https://aurora.test").unwrap().to_owned();
    let mut stranger = Browser::on(&pair.vendors.a);
    let asked = stranger.open(&back).await;
    assert!(asked.location().starts_with("/sign-in?next="), "{}", asked.location());
    pair.vendors.a.buyer("eve@example.com", 0).await;
    sign_in(&mut stranger, "eve@example.com", &back).await;
    let refused = stranger.open(&back).await;
    assert_eq!(refused.status, 409, "another account's browser: {}", refused.html);
    let linked = here.open(&back).await;
    assert_eq!((linked.status, linked.location()), (303, page.as_str()), "{}", linked.html);
    assert!(
        here.open(&page)
            .await
            .html
            .contains("Your account at <bdi>Belle Isle</bdi> is linked since")
    );
    assert_eq!(here.open(&back).await.location(), page, "opened twice");
    let over = there.open(&way).await;
    assert!(over.html.contains("This was decided already"), "{}", over.html);
    let wallet = there.open("/wallet").await.html;
    assert!(wallet.contains("Linked accounts"), "{wallet}");
    let cut = here.send(&format!("{page}/unlink"), &[]).await;
    assert_eq!(cut.location(), page);
    assert!(!there.open("/wallet").await.html.contains("Linked accounts"));
    pair.vendors.sound().await;
}

#[tokio::test]
async fn a_buyer_says_no_in_the_browser_and_cuts_a_link_in_the_wallet() {
    let pair = Pair::open().await;
    let page = format!("/partners/{}", pair.vendors.partners[0]);
    let mut here = Browser::on(&pair.vendors.a);
    let mut there = Browser::on(&pair.vendors.b);
    sign_in(&mut here, "ada@example.com", &page).await;
    let way = here.send(&format!("{page}/link"), &[]).await;
    let way = way.location().strip_prefix(BELLE).unwrap().to_owned();
    sign_in(&mut there, "ada@belle.example", &way).await;
    let back = there.send(&way, &[("decision", "decline")]).await;
    let back = back.location().strip_prefix("https://aurora.test").unwrap().to_owned();
    assert!(here.open(&back).await.html.contains("You said no at <bdi>Belle Isle</bdi>"));
    pair.link().await;
    let cut = there.send(&format!("/wallet/links/{}/cut", pair.vendors.partners[1]), &[]).await;
    assert_eq!((cut.status, cut.location()), (303, "/wallet"));
    assert!(!pair.is_linked().await[1]);
    assert_eq!(here.open("/partners/par_0000000000001").await.status, 404);
}

#[tokio::test]
async fn who_may_not_erase_an_account_keeps_its_link() {
    let pair = Pair::open().await;
    pair.link().await;
    let erase = async |body: Value| {
        let bearer = format!("Bearer {}", pair.here);
        let headers = [("authorization", bearer.as_str())];
        pair.vendors.a.send("DELETE", "/v1/account", &headers, body).await
    };
    let kept = erase(json!({ "password": "correct horse" })).await;
    assert_eq!((kept.status, kept.code()), (409, "account_not_settled"), "{kept:?}");
    assert_eq!(pair.is_linked().await, [true, true], "nothing was cut");
    let gone = erase(json!({ "password": "correct horse", "forfeit": true })).await;
    assert_eq!(gone.status, 204, "{gone:?}");
    assert!(!pair.is_linked().await[1], "the partner is told");
    pair.vendors.sound().await;
}
