//! Goods to be downloaded: a product with a release, bought by a buyer.

use axum::body::Body;
use http::Request;
use scrip_domain::Amount;
use scrip_domain::catalog::{Labels, ProductKind, ProductState};
use scrip_domain::texts::Texts;
use scrip_domain::visibility::Visibility;
use scrip_engine::Staff;
use scrip_engine::catalog::offer::OfferFields;
use scrip_engine::catalog::product::ProductFields;
use scrip_engine::catalog::release::{FileFields, ReleaseFields};
use scrip_license::{Limits, Terms};
use scrip_testkit::{Answer, Shop};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

pub fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Bytes in which every place can be told from its neighbours.
pub fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|at| u8::try_from((at * 31 + at / 251) % 256).unwrap()).collect()
}

/// Uploads bytes as staff does.
pub async fn upload(shop: &Shop, name: &str, content: &[u8]) -> Answer {
    let request = Request::put(format!("/v1/admin/objects/{name}"))
        .header("authorization", format!("Bearer {}", shop.admin))
        .body(Body::from(content.to_vec()));
    shop.raw(request.unwrap()).await
}

/// Publishes a release of these files and gives their ids.
pub async fn release(
    shop: &Shop,
    slug: &str,
    channel: &str,
    version: &str,
    files: &[(&str, &[u8])],
) -> Vec<String> {
    let mut fields = Vec::new();
    for (name, content) in files {
        let sha256 = hex(content);
        assert!(upload(shop, &sha256, content).await.status < 300);
        fields.push(FileFields {
            name: (*name).into(),
            sha256,
            platform: String::new(),
            media_type: "application/zip".into(),
        });
    }
    let fields = ReleaseFields { notes: String::new(), files: fields, publish: true };
    let put = shop
        .app
        .engine
        .put_release(Staff::OPERATOR, slug, channel, version, fields)
        .await
        .unwrap()
        .unwrap();
    put.into_inner().files.iter().map(|file| file.id.to_string()).collect()
}

/// Enters a published product with one offer, whose id it gives.
pub async fn product(shop: &Shop, slug: &str, terms: Terms, downloads: Option<u32>) -> String {
    let fields = ProductFields {
        slug: slug.into(),
        kind: ProductKind::Download,
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
    let limits = Limits { downloads, ..Limits::default() };
    let offer = OfferFields { price: Amount::new(100).unwrap(), terms, limits };
    let offer = engine
        .put_offer(Staff::OPERATOR, slug, "standard", offer)
        .await
        .unwrap()
        .unwrap()
        .into_inner();
    engine.move_product(Staff::OPERATOR, slug, ProductState::Published).await.unwrap().unwrap();
    offer.id.to_string()
}

/// Lets what is under way be written.
pub async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

/// Both forms of the code of a license.
pub struct Bought {
    pub jws: String,
    pub short: String,
}

/// Buys an offer for a new account.
pub async fn buy(shop: &Shop, offer: &str, email: &str) -> Bought {
    let buyer = shop.buyer(email, 1000).await;
    buy_as(shop, offer, &buyer).await
}

/// Buys an offer for an account that is signed in.
pub async fn buy_as(shop: &Shop, offer: &str, buyer: &str) -> Bought {
    let body = json!({
        "lines": [{ "offer": offer }], "expected_total": { "amount": 100, "unit": "AUR" }
    });
    let paid = shop.post("/v1/purchases", buyer, "buy", body).await;
    assert_eq!(paid.status, 201, "{paid:?}");
    let code = |form: &str| paid.at(&format!("/licenses/0/code/{form}")).to_owned();
    Bought { jws: code("jws"), short: code("short") }
}

/// A shop that sells one file, and its buyer.
pub struct Sold {
    pub shop: Shop,
    pub content: Vec<u8>,
    pub file: String,
    /// The buyer's session.
    pub buyer: String,
    pub code: Bought,
}

impl Sold {
    pub async fn new(length: usize) -> Self {
        Self::with(length, Terms::Perpetual, None).await
    }

    pub async fn with(length: usize, terms: Terms, downloads: Option<u32>) -> Self {
        Self::by(Shop::open().await, bytes(length), terms, downloads).await
    }

    pub async fn by(shop: Shop, content: Vec<u8>, terms: Terms, downloads: Option<u32>) -> Self {
        let offer = product(&shop, "tool", terms, downloads).await;
        let mut files = release(&shop, "tool", "stable", "1.0", &[("Übung 1.zip", &content)]).await;
        let buyer = shop.buyer("ada@example.com", 1000).await;
        let code = buy_as(&shop, &offer, &buyer).await;
        Self { shop, content, file: files.remove(0), buyer, code }
    }

    /// Asks for the file by the short code, with further headers.
    pub async fn get(&self, headers: &[(&str, &str)]) -> Answer {
        self.ask("GET", &self.code.short, headers).await
    }

    /// Asks for the file by any code.
    pub async fn ask(&self, method: &str, code: &str, headers: &[(&str, &str)]) -> Answer {
        let license = format!("License {code}");
        let mut all = vec![("authorization", license.as_str())];
        all.extend_from_slice(headers);
        self.shop.send(method, &format!("/v1/downloads/{}", self.file), &all, Value::Null).await
    }

    /// How many downloads count, after what is under way has been written.
    pub async fn counted(&self) -> usize {
        settle().await;
        let (_, license) = self.shop.app.engine.validate(&self.code.short).await.unwrap();
        let license = license.unwrap().id;
        self.shop.app.engine.store().downloads_of(license).await.unwrap().len()
    }
}
