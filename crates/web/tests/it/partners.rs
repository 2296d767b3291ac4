//! Two vendors, both whole, that agree with each other and link their buyers' accounts: what one asks of the other goes
//! signed through its router, as on the wire.

use std::sync::Arc;

use scrip_domain::Span;
use scrip_domain::settings::Settings;
use scrip_domain::{Amount, Unit};
use scrip_testkit::{Answer, Network, Shop, Way, settings};
use serde_json::{Value, json};

pub const AURORA: &str = "https://aurora.test";
pub const BELLE: &str = "https://belle.test";

/// Two vendors that have entered each other.
pub struct Vendors {
    /// Issues `AUR`, 100 units of which are worth a euro.
    pub a: Shop,
    /// Issues `BEL`, 100 units of which are worth a quarter of a euro.
    pub b: Shop,
    pub network: Arc<Network>,
    /// What the first calls the second, and the other way round.
    pub partners: [String; 2],
}

pub fn settings_of(name: &str, token: &str, cents: u64) -> Settings {
    let mut settings = settings();
    name.clone_into(&mut settings.name);
    settings.token.code = Unit::parse(token).unwrap();
    settings.token.unit_value.money.amount = Amount::new(cents).unwrap();
    settings
}

/// Terms that the vendor at `from` may propose: both ways, by unit values.
pub fn terms(from: &str) -> Value {
    let aurora =
        json!({ "url": AURORA, "token": "AUR", "scale": 2, "tokens": 100, "micros": 1_000_000 });
    let belle =
        json!({ "url": BELLE, "token": "BEL", "scale": 2, "tokens": 100, "micros": 250_000 });
    let way = json!({
        "rate": { "source": "unit_values" }, "spread_basis_points": 250, "min": 100, "max": 50_000,
        "buyer_day": 100_000, "day": 1_000_000, "cap": 10_000_000_000u64, "lots": ["paid", "exchange"],
    });
    let parties = if from == AURORA { [aurora, belle] } else { [belle, aurora] };
    json!({
        "parties": parties, "currency": "EUR", "ways": [way, way], "cycle": { "kind": "days", "days": 30 },
        "due_days": 14, "notice_days": 7,
    })
}

async fn enter(shop: &Shop, url: &str, name: &str) -> String {
    let body = json!({ "url": url, "name": name });
    let answer = shop.post("/v1/admin/partners", &shop.admin, "", body).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.at("/id").to_owned()
}

impl Vendors {
    /// Neither knows the other.
    async fn strangers() -> (Shop, Shop, Arc<Network>) {
        let network = Arc::<Network>::default();
        let a = Shop::vendor_on(&network, AURORA, settings_of("Aurora", "AUR", 100)).await;
        let b = Shop::vendor_on(&network, BELLE, settings_of("Belle Isle", "BEL", 25)).await;
        (a, b, network)
    }

    pub async fn open() -> Self {
        let (a, b, network) = Self::strangers().await;
        let partners = [enter(&a, BELLE, "Belle Isle").await, enter(&b, AURORA, "Aurora").await];
        Self { a, b, network, partners }
    }

    /// Both have agreed.
    pub async fn agreed() -> Self {
        let vendors = Self::open().await;
        let agreement = vendors.propose(terms(AURORA)).await;
        vendors.work().await;
        vendors.accept_there(&agreement).await;
        vendors.work().await;
        vendors
    }

    /// Both do what is due.
    pub async fn work(&self) {
        for _ in 0..3 {
            for shop in [&self.a, &self.b] {
                shop.app.engine.run_agreements().await.unwrap();
                shop.app.engine.run_links().await.unwrap();
            }
        }
    }

    /// Time passes at both.
    pub async fn pass(&self, span: Span) {
        self.a.advance(span).await;
        self.b.advance(Span::millis(0)).await;
        self.work().await;
    }

    pub async fn sound(&self) {
        self.a.sound().await;
        self.b.sound().await;
    }

    async fn propose(&self, terms: Value) -> String {
        let answer = self.try_propose(terms).await;
        assert_eq!((answer.status, answer.at("/state")), (201, "proposed"), "{answer:?}");
        answer.at("/id").to_owned()
    }

    async fn try_propose(&self, terms: Value) -> Answer {
        let body = json!({ "partner": self.partners[0], "terms": terms });
        self.a.post("/v1/admin/agreements", &self.a.admin, "", body).await
    }

    /// What the second calls an agreement of the first.
    async fn there(&self, agreement: &str) -> String {
        let digest = show(&self.a, agreement).await.at("/digest").to_owned();
        let all = self.b.get("/v1/admin/agreements", &self.b.admin).await;
        let all = all.json["data"].as_array().unwrap();
        let found = all.iter().find(|one| one["digest"] == digest.as_str());
        found.map(|one| one["id"].as_str().unwrap().to_owned()).expect("it is known there")
    }

    async fn accept_there(&self, agreement: &str) {
        let there = self.there(agreement).await;
        let accepted = turn(&self.b, &there, "accept").await;
        assert_eq!((accepted.status, accepted.at("/state")), (200, "accepted"), "{accepted:?}");
    }

    /// How the first agreement stands at both, and whether it is in force.
    async fn states(&self, agreement: &str) -> [(String, bool); 2] {
        let here = show(&self.a, agreement).await;
        let there = show(&self.b, &self.there(agreement).await).await;
        [here, there].map(|answer| {
            (answer.at("/state").to_owned(), answer.json["in_force"].as_bool().unwrap())
        })
    }
}

async fn show(shop: &Shop, agreement: &str) -> Answer {
    shop.get(&format!("/v1/admin/agreements/{agreement}"), &shop.admin).await
}

async fn turn(shop: &Shop, agreement: &str, what: &str) -> Answer {
    let path = format!("/v1/admin/agreements/{agreement}/{what}");
    shop.post(&path, &shop.admin, "", Value::Null).await
}

fn both(state: &str, in_force: bool) -> [(String, bool); 2] {
    [(state.to_owned(), in_force), (state.to_owned(), in_force)]
}

async fn partner(shop: &Shop, id: &str) -> Answer {
    shop.get(&format!("/v1/admin/partners/{id}"), &shop.admin).await
}

#[tokio::test]
async fn two_vendors_agree_and_buyers_see_it() {
    let vendors = Vendors::open().await;
    let none = vendors.a.get("/v1/partners", "").await;
    assert_eq!(none.json["data"].as_array().map(Vec::len), Some(0), "off by default");
    let agreement = vendors.propose(terms(AURORA)).await;
    assert_eq!(show(&vendors.a, &agreement).await.json["told"], false);
    vendors.work().await;
    assert_eq!(show(&vendors.a, &agreement).await.json["told"], true);
    assert_eq!(vendors.states(&agreement).await, both("proposed", false));
    vendors.accept_there(&agreement).await;
    assert!(!vendors.states(&agreement).await[1].1, "before the proposer has heard it");
    vendors.work().await;
    assert_eq!(vendors.states(&agreement).await, both("accepted", true));
    let documents = [
        show(&vendors.a, &agreement).await,
        show(&vendors.b, &vendors.there(&agreement).await).await,
    ];
    for member in ["proposal", "acceptance", "digest", "terms", "effective_at"] {
        assert_eq!(documents[0].json[member], documents[1].json[member], "{member}");
    }
    let seen = vendors.a.get("/v1/partners", "").await;
    let seen = &seen.json["data"][0];
    assert_eq!((&seen["name"], &seen["url"]), (&json!("Belle Isle"), &json!(BELLE)));
    assert_eq!(seen["token"], json!({ "code": "BEL", "scale": 2 }));
    assert_eq!(seen["give"]["min"]["display"], "1.00 AUR");
    let rate =
        json!({ "numerator": 4, "denominator": 1, "spread_basis_points": 250, "rounding": "down" });
    assert_eq!(seen["give"]["rate"], rate);
    assert_eq!(seen["receive"]["max"]["display"], "500.00 BEL");
    assert_eq!(seen["linked"], false);
    let owed = partner(&vendors.a, &vendors.partners[0]).await;
    assert_eq!(owed.at("/payable/display"), "0.000000 EUR");
    assert_eq!((owed.json["cycle"].as_u64(), owed.at("/currency")), (Some(1), "EUR"));
    vendors.sound().await;
}

#[tokio::test]
async fn the_acts_of_staff_are_on_record() {
    let vendors = Vendors::agreed().await;
    let acts = |answer: Answer| {
        let rows = answer.json["data"].as_array().cloned().unwrap_or_default();
        rows.iter()
            .map(|row| row["act"].as_str().unwrap_or_default().to_owned())
            .collect::<Vec<_>>()
    };
    let here = acts(vendors.a.get("/v1/admin/audit", &vendors.a.admin).await);
    assert!(here.contains(&"partner.entered".to_owned()), "{here:?}");
    assert!(here.contains(&"agreement.proposed".to_owned()), "{here:?}");
    let there = acts(vendors.b.get("/v1/admin/audit", &vendors.b.admin).await);
    assert!(there.contains(&"agreement.accepted".to_owned()), "{there:?}");
}

#[tokio::test]
async fn what_is_lost_or_doubled_on_the_way_comes_to_the_same() {
    for way in [Way::Lost, Way::AnswerLost] {
        let vendors = Vendors::open().await;
        vendors.network.fate("/proposals", &[way, way]);
        vendors.network.fate("/acceptances", &[way, way]);
        let agreement = vendors.propose(terms(AURORA)).await;
        for _ in 0..3 {
            vendors.pass(Span::seconds(10)).await;
        }
        vendors.accept_there(&agreement).await;
        for _ in 0..3 {
            vendors.pass(Span::seconds(10)).await;
        }
        assert_eq!(vendors.states(&agreement).await, both("accepted", true), "{way:?}");
        let sent = vendors.network.sent();
        let times = |end: &str| sent.iter().filter(|path| path.ends_with(end)).count();
        assert_eq!((times("/proposals"), times("/acceptances")), (3, 3), "{way:?}");
        vendors.sound().await;
    }
}

#[tokio::test]
async fn a_partner_that_has_not_entered_this_one_hears_it_once_it_has() {
    let (a, b, network) = Vendors::strangers().await;
    let here = enter(&a, BELLE, "Belle Isle").await;
    let partners = [here, String::new()];
    let mut vendors = Vendors { a, b, network, partners };
    let agreement = vendors.propose(terms(AURORA)).await;
    for _ in 0..12 {
        vendors.pass(Span::minutes(10)).await;
    }
    assert_eq!(show(&vendors.a, &agreement).await.json["told"], false);
    vendors.partners[1] = enter(&vendors.b, AURORA, "Aurora").await;
    vendors.pass(Span::minutes(5)).await;
    assert_eq!(vendors.states(&agreement).await, both("proposed", false));
}

#[tokio::test]
async fn a_later_agreement_holds_after_the_days_of_notice() {
    let vendors = Vendors::agreed().await;
    let mut later = terms(AURORA);
    later["ways"][1] = Value::Null;
    let second = vendors.propose(later).await;
    vendors.work().await;
    vendors.accept_there(&second).await;
    vendors.work().await;
    assert_eq!(vendors.states(&second).await, both("accepted", false));
    let another = vendors.try_propose(terms(AURORA)).await;
    assert_eq!((another.status, another.code()), (409, "agreement_state"), "{another:?}");
    let seen = vendors.a.get("/v1/partners", "").await;
    assert!(!seen.json["data"][0]["receive"].is_null());
    vendors.pass(Span::days(6)).await;
    assert_eq!(vendors.states(&second).await, both("accepted", false));
    vendors.pass(Span::days(1)).await;
    assert_eq!(vendors.states(&second).await, both("accepted", true));
    let seen = vendors.a.get("/v1/partners", "").await;
    assert!(seen.json["data"][0]["receive"].is_null());
    let all = vendors.a.get("/v1/admin/agreements", &vendors.a.admin).await;
    let states: Vec<_> =
        all.json["data"].as_array().unwrap().iter().map(|row| &row["state"]).collect();
    assert_eq!(states, ["accepted", "superseded"]);
    vendors.sound().await;
}

#[tokio::test]
async fn an_agreement_is_suspended_from_both_sides_and_ended() {
    let vendors = Vendors::agreed().await;
    let all = vendors.a.get("/v1/admin/agreements", &vendors.a.admin).await;
    let here = all.at("/data/0/id").to_owned();
    let there = vendors.there(&here).await;
    let count = |answer: Answer| answer.json["data"].as_array().map(Vec::len);
    for (shop, id) in [(&vendors.a, &here), (&vendors.b, &there)] {
        let suspended = turn(shop, id, "suspend").await;
        assert_eq!(suspended.status, 200, "{suspended:?}");
        assert_eq!(count(shop.get("/v1/partners", "").await), Some(0), "at once");
        vendors.work().await;
        assert_eq!(count(vendors.a.get("/v1/partners", "").await), Some(0));
        assert_eq!(count(vendors.b.get("/v1/partners", "").await), Some(0));
        let resumed = turn(shop, id, "resume").await;
        assert_eq!(resumed.status, 200);
        vendors.network.fate("/notices", &[Way::AnswerLost]);
        vendors.work().await;
        vendors.pass(Span::seconds(5)).await;
        assert_eq!(count(vendors.a.get("/v1/partners", "").await), Some(1));
        assert_eq!(count(vendors.b.get("/v1/partners", "").await), Some(1));
    }
    let ended = turn(&vendors.b, &there, "end").await;
    let ends_at = ended.at("/ends_at").to_owned();
    assert_eq!((ended.status, ended.json["in_force"].as_bool()), (200, Some(true)));
    let again = turn(&vendors.b, &there, "end").await;
    assert_eq!((again.status, again.at("/ends_at")), (200, ends_at.as_str()));
    vendors.work().await;
    assert_eq!(show(&vendors.a, &here).await.at("/ends_at"), ends_at);
    vendors.pass(Span::days(6)).await;
    assert_eq!(vendors.states(&here).await, both("accepted", true));
    vendors.pass(Span::days(1)).await;
    assert_eq!(vendors.states(&here).await, both("ended", false));
    assert_eq!(count(vendors.a.get("/v1/partners", "").await), Some(0));
    let over = turn(&vendors.a, &here, "suspend").await;
    assert_eq!((over.status, over.code()), (409, "agreement_state"));
    // The two can agree anew, at once.
    let anew = vendors.propose(terms(AURORA)).await;
    vendors.work().await;
    vendors.accept_there(&anew).await;
    vendors.work().await;
    assert_eq!(vendors.states(&anew).await, both("accepted", true));
    vendors.sound().await;
}

#[tokio::test]
async fn an_end_that_nobody_hears_comes_all_the_same() {
    let vendors = Vendors::agreed().await;
    let all = vendors.a.get("/v1/admin/agreements", &vendors.a.admin).await;
    let here = all.at("/data/0/id").to_owned();
    vendors.network.cut();
    turn(&vendors.a, &here, "end").await;
    vendors.pass(Span::days(7)).await;
    assert_eq!(
        vendors.states(&here).await,
        [("ended".to_owned(), false), ("accepted".to_owned(), true)]
    );
    vendors.network.mend();
    vendors.pass(Span::minutes(5)).await;
    assert_eq!(vendors.states(&here).await, both("ended", false));
    vendors.sound().await;
}

#[tokio::test]
async fn a_proposal_is_declined_or_withdrawn() {
    let vendors = Vendors::open().await;
    let first = vendors.propose(terms(AURORA)).await;
    let second = vendors.try_propose(terms(AURORA)).await;
    assert_eq!((second.status, second.at("/state")), (409, "proposed"), "one at a time");
    vendors.work().await;
    let own = turn(&vendors.a, &first, "accept").await;
    assert_eq!((own.status, own.code()), (409, "agreement_state"), "nobody accepts for the other");
    let declined = turn(&vendors.b, &vendors.there(&first).await, "decline").await;
    assert_eq!(declined.at("/state"), "declined", "{declined:?}");
    vendors.work().await;
    assert_eq!(vendors.states(&first).await, both("declined", false));
    let second = vendors.propose(terms(AURORA)).await;
    vendors.work().await;
    let there = vendors.there(&second).await;
    assert_eq!(turn(&vendors.a, &second, "withdraw").await.at("/state"), "withdrawn");
    assert_eq!(turn(&vendors.a, &second, "withdraw").await.status, 200, "twice is once");
    vendors.work().await;
    let late = turn(&vendors.b, &there, "accept").await;
    assert_eq!((late.status, late.at("/state")), (409, "withdrawn"), "{late:?}");
    vendors.sound().await;
}

#[tokio::test]
async fn an_acceptance_that_finds_the_proposal_withdrawn_holds_nowhere() {
    let vendors = Vendors::open().await;
    let agreement = vendors.propose(terms(AURORA)).await;
    vendors.work().await;
    vendors.accept_there(&agreement).await;
    // The two cross on the way.
    assert_eq!(turn(&vendors.a, &agreement, "withdraw").await.at("/state"), "withdrawn");
    vendors.network.fate("/notices", &[Way::Lost]);
    vendors.work().await;
    assert_eq!(vendors.states(&agreement).await, both("withdrawn", false));
    let second = vendors.propose(terms(AURORA)).await;
    vendors.pass(Span::minutes(5)).await;
    vendors.accept_there(&second).await;
    vendors.work().await;
    assert_eq!(vendors.states(&second).await, both("accepted", true));
    vendors.sound().await;
}

#[tokio::test]
async fn proposals_that_cross_leave_nobody_with_half_an_agreement() {
    let vendors = Vendors::open().await;
    let body = json!({ "partner": vendors.partners[1], "terms": terms(BELLE) });
    let theirs = vendors.b.post("/v1/admin/agreements", &vendors.b.admin, "", body).await;
    assert_eq!(theirs.status, 201, "{theirs:?}");
    let ours = vendors.propose(terms(AURORA)).await;
    vendors.work().await;
    assert_eq!(show(&vendors.a, &ours).await.at("/state"), "declined");
    assert_eq!(show(&vendors.b, theirs.at("/id")).await.at("/state"), "declined");
    let again = vendors.propose(terms(AURORA)).await;
    vendors.work().await;
    vendors.accept_there(&again).await;
    vendors.work().await;
    assert_eq!(vendors.states(&again).await, both("accepted", true));
    vendors.sound().await;
}

#[tokio::test]
async fn terms_are_refused_at_every_member() {
    let vendors = Vendors::open().await;
    let cases: &[(&str, Value, &str)] = &[
        ("/parties/0/url", json!(BELLE), "terms.parties[0].url"),
        ("/parties/1/url", json!("https://else.test"), "terms.parties[1].url"),
        ("/parties/0/token", json!("GLD"), "terms.parties[0].token"),
        ("/parties/0/token", json!("gold"), "terms.parties[0].token"),
        ("/parties/0/scale", json!(3), "terms.parties[0].scale"),
        ("/parties/1/tokens", json!(0), "terms.parties[1].tokens"),
        ("/parties/1/micros", json!(-1), "terms.parties[1].micros"),
        ("/currency", json!("EURO"), "terms.currency"),
        ("/currency", json!(1), "terms.currency"),
        ("/ways", json!([null, null]), "terms.ways"),
        ("/ways", json!([null]), "terms.ways"),
        ("/ways/0/spread_basis_points", json!(10_000), "terms.ways[0].spread_basis_points"),
        (
            "/ways/0/rate",
            json!({ "source": "fixed", "give": 0, "receive": 1 }),
            "terms.ways[0].rate",
        ),
        ("/ways/0/rate", json!({ "source": "guess" }), "terms.ways[0].rate.source"),
        ("/ways/0/min", json!(0), "terms.ways[0].min"),
        ("/ways/0/min", json!(1.5), "terms.ways[0].min"),
        ("/ways/0/max", json!(99), "terms.ways[0].max"),
        ("/ways/1/buyer_day", json!(49_999), "terms.ways[1].buyer_day"),
        ("/ways/1/day", json!(99_999), "terms.ways[1].day"),
        ("/ways/1/cap", json!(1), "terms.ways[1].cap"),
        ("/ways/1/cap", json!(2_000_000_000_000_000u64), "terms.ways[1].cap"),
        ("/ways/0/lots", json!([]), "terms.ways[0].lots"),
        ("/ways/0/lots", json!(["promo"]), "terms.ways[0].lots"),
        ("/ways/0/lots", json!(["paid", "paid"]), "terms.ways[0].lots"),
        ("/cycle", json!({ "kind": "days", "days": 0 }), "terms.cycle.days"),
        ("/cycle", json!({ "kind": "never" }), "terms.cycle.kind"),
        ("/due_days", json!(367), "terms.due_days"),
        ("/notice_days", json!(0), "terms.notice_days"),
    ];
    for (pointer, value, field) in cases {
        let mut bad = terms(AURORA);
        *bad.pointer_mut(pointer).unwrap() = value.clone();
        let answer = vendors.try_propose(bad).await;
        assert_eq!(
            (answer.status, answer.code()),
            (400, "invalid_field"),
            "{pointer} {value} {answer:?}"
        );
        let named = answer.at("/errors/0/field");
        assert!(
            named == *field || named.starts_with(&format!("{field}[")),
            "{pointer} {value}: {named}"
        );
    }
    let mut more = terms(AURORA);
    more["ways"][0]["more"] = json!(1);
    let answer = vendors.try_propose(more).await;
    assert_eq!((answer.status, answer.code()), (400, "unknown_field"), "{answer:?}");
    let body = json!({ "partner": "par_0000000000001", "terms": terms(AURORA) });
    let nobody = vendors.a.post("/v1/admin/agreements", &vendors.a.admin, "", body).await;
    assert_eq!((nobody.status, nobody.at("/errors/0/field")), (400, "partner"));
    vendors.sound().await;
}

#[tokio::test]
async fn a_partner_is_entered_once_by_an_address_that_is_one() {
    let vendors = Vendors::open().await;
    let taken = json!({ "url": BELLE, "name": "Again" });
    let answer = vendors.a.post("/v1/admin/partners", &vendors.a.admin, "", taken).await;
    assert_eq!((answer.status, answer.code()), (409, "partner_taken"));
    for (url, name, field) in [
        ("https://x.test/", "X", "url"),
        ("https://X.test", "X", "url"),
        ("ftp://x.test", "X", "url"),
        ("http://x.test", "X", "url"),
        (AURORA, "X", "url"),
        ("https://x.test", "", "name"),
        ("https://x.test", "a\nb", "name"),
    ] {
        let body = json!({ "url": url, "name": name });
        let answer = vendors.a.post("/v1/admin/partners", &vendors.a.admin, "", body).await;
        assert_eq!((answer.status, answer.at("/errors/0/field")), (400, field), "{url} {name:?}");
    }
    let path = format!("/v1/admin/partners/{}", vendors.partners[0]);
    let authorization = format!("Bearer {}", vendors.a.admin);
    let headers = [("authorization", authorization.as_str())];
    let renamed = vendors.a.send("PATCH", &path, &headers, json!({ "name": "Belle" })).await;
    assert_eq!((renamed.status, renamed.at("/name")), (200, "Belle"));
    let listed = vendors.a.get("/v1/admin/partners", &vendors.a.admin).await;
    assert_eq!(listed.at("/data/0/name"), "Belle");
    let buyer = vendors.a.buyer("ada@example.com", 0).await;
    let refused = vendors.a.get("/v1/admin/partners", &buyer).await;
    assert_eq!((refused.status, refused.code()), (403, "forbidden"));
}

#[tokio::test]
async fn a_server_without_a_public_address_has_no_partners() {
    let shop = Shop::open().await;
    let body = json!({ "url": BELLE, "name": "Belle" });
    let answer = shop.post("/v1/admin/partners", &shop.admin, "", body).await;
    assert_eq!((answer.status, answer.at("/errors/0/field")), (400, "url"), "{answer:?}");
    let (shop, _) = Shop::merchant(settings()).await;
    let body = json!({ "url": BELLE, "name": "Belle" });
    let answer = shop.post("/v1/admin/partners", &shop.admin, "", body).await;
    assert_eq!(answer.status, 404);
    assert_eq!(shop.get("/v1/partners", "").await.status, 404);
}
