//! A license that was sold, and the program that has its code.

use scrip_domain::Amount;
use scrip_domain::catalog::{Labels, ProductKind, ProductState};
use scrip_domain::license::License;
use scrip_domain::texts::Texts;
use scrip_domain::visibility::Visibility;
use scrip_domain::{Id, Timestamp};
use scrip_engine::Staff;
use scrip_engine::catalog::offer::OfferFields;
use scrip_engine::catalog::product::ProductFields;
use scrip_license::{Limits, Terms};
use scrip_testkit::rows::{Books, Change, Changes, Command, Decision, Fault, Wants};
use scrip_testkit::{Answer, Shop};
use serde_json::{Value, json};

/// Enters a published service with one offer for 100, whose id it gives.
pub async fn offer(shop: &Shop, slug: &str, terms: Terms, limits: Limits) -> String {
    let fields = ProductFields {
        slug: slug.into(),
        kind: ProductKind::Service,
        title: slug.into(),
        summary: String::new(),
        description: String::new(),
        labels: Labels::default(),
        pictures: Vec::new(),
        visibility: Visibility::default(),
        instructions: String::new(),
        texts: Texts::default(),
    };
    let engine = &shop.app.engine;
    engine.create_product(Staff::OPERATOR, fields).await.unwrap().unwrap();
    let offer = OfferFields { price: Amount::new(100).unwrap(), terms, limits };
    let offer = engine.put_offer(Staff::OPERATOR, slug, "standard", offer).await.unwrap().unwrap();
    engine.move_product(Staff::OPERATOR, slug, ProductState::Published).await.unwrap().unwrap();
    offer.into_inner().id.to_string()
}

pub fn machines(most: u32) -> Limits {
    Limits { machines: Some(most), ..Limits::default() }
}

pub fn images(count: u64) -> Terms {
    Terms::Processings { count, unit: Some("images".parse().unwrap()) }
}

/// What a program knows that was sold.
#[derive(Clone, Debug)]
pub struct Program {
    pub license: String,
    pub order: String,
    pub product: String,
    pub jws: String,
    pub short: String,
}

/// Buys an offer for an account that is signed in.
pub async fn buy(shop: &Shop, offer: &str, buyer: &str, key: &str) -> Program {
    let total = json!({ "amount": 100, "unit": "AUR" });
    let body =
        json!({ "lines": [{ "offer": offer }], "expected_total": total, "allow_duplicate": true });
    let paid = shop.post("/v1/purchases", buyer, key, body).await;
    assert_eq!(paid.status, 201, "{paid:?}");
    let of = |pointer: &str| paid.at(pointer).to_owned();
    Program {
        license: of("/licenses/0/id"),
        order: of("/id"),
        product: of("/licenses/0/product"),
        jws: of("/licenses/0/code/jws"),
        short: of("/licenses/0/code/short"),
    }
}

/// A shop with one license sold.
pub struct Licensed {
    pub shop: Shop,
    pub offer: String,
    /// The buyer's session.
    pub ada: String,
    pub program: Program,
}

impl Licensed {
    pub async fn new(terms: Terms, limits: Limits) -> Self {
        let shop = Shop::open().await;
        let offer = offer(&shop, "tool", terms, limits).await;
        let ada = shop.buyer("ada@example.com", 10_000).await;
        let program = buy(&shop, &offer, &ada, "buy").await;
        Self { shop, offer, ada, program }
    }

    /// Asks by the signed code.
    pub async fn ask(&self, verb: &str, more: Value) -> Answer {
        ask(&self.shop, &self.program.jws, verb, more).await
    }

    /// The same, and how it was answered.
    pub async fn code(&self, verb: &str, more: Value) -> String {
        self.ask(verb, more).await.at("/code").to_owned()
    }

    pub async fn activate(&self, machine: &str) -> Answer {
        self.ask("activate", json!({ "fingerprint": machine })).await
    }

    pub async fn consume(&self, key: &str, units: u64) -> Answer {
        self.ask("consume", json!({ "key": key, "units": units })).await
    }

    /// The license as its holder sees it.
    pub async fn shown(&self) -> Value {
        let ada = self.sign_in().await;
        self.shop.get(&format!("/v1/licenses/{}", self.program.license), &ada).await.json
    }

    /// A new session of the buyer's: the first one ends when much time passes.
    pub async fn sign_in(&self) -> String {
        let body = json!({ "email": "ada@example.com", "password": "correct horse" });
        self.shop.post("/v1/sessions", "", "", body).await.at("/token").to_owned()
    }

    /// Changes the row as no verb of these tests does.
    pub async fn change(&self, change: impl Fn(&mut License) + Send + 'static) {
        let license = self.program.license.parse().unwrap();
        let command = Rewrite { license, change };
        self.shop.app.engine.store().submit(command).await.unwrap().unwrap();
    }

    /// How often something of this type happened.
    pub async fn told(&self, kind: &str) -> usize {
        self.shop.run_webhooks().await;
        let feed = self.shop.get(&format!("/v1/events?type={kind}"), &self.shop.admin).await;
        feed.json["data"].as_array().unwrap().len()
    }
}

/// Asks by `code`: 200, whatever the answer, unless what is asked is malformed.
pub async fn ask(shop: &Shop, code: &str, verb: &str, mut more: Value) -> Answer {
    more["code"] = code.into();
    let answer = shop.post(&format!("/v1/licenses/{verb}"), "", "", more).await;
    if answer.status == 200 {
        assert_eq!(answer.json["valid"], json!(answer.at("/code") == "VALID"), "{answer:?}");
    }
    answer
}

struct Rewrite<F> {
    license: Id<License>,
    change: F,
}

impl<F: Fn(&mut License) + Send + 'static> Command for Rewrite<F> {
    type Receipt = ();
    type Refusal = ();

    fn wants(&self, wants: &mut Wants) {
        wants.licenses.guard((self.license,));
    }

    fn decide(&self, books: &Books, _: Timestamp) -> Result<Decision<(), ()>, Fault> {
        let mut license = books.licenses.get(&(self.license,))?.unwrap().clone();
        (self.change)(&mut license);
        let mut changes = Changes::default();
        changes.licenses.push(Change::Update(license));
        Ok(Decision::done((), changes))
    }
}
