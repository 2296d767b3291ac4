//! A whole Scrip server on a fake clock, with seeded chance and a database in memory.
//!
//! [`Shop::open`] gives a server without a network: requests go straight into the real router.
//! Nothing here reads the wall clock or runs on a thread of its own, so a test repeats exactly.

mod answer;
mod browser;
mod bureau;
mod network;
mod peers;
mod post;
mod provider;
mod restore;
mod sender;

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Body;
use http::Request;
use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use scrip_domain::account::Person;
use scrip_domain::api_key::Scope;
use scrip_domain::catalog::{Labels, ProductKind, ProductState};
use scrip_domain::role::{Role, Roles};
use scrip_domain::settings::{Settings, Token, UnitValue};
use scrip_domain::staff::{StaffMember, StaffRole};
use scrip_domain::texts::Texts;
use scrip_domain::visibility::Visibility;
use scrip_domain::{Amount, Clock, Entropy, Money, Span, Timestamp, Unit};
use scrip_engine::catalog::offer::OfferFields;
use scrip_engine::catalog::product::ProductFields;
use scrip_engine::demo::DemoClock;
use scrip_engine::keys::Keys;
use scrip_engine::mail::{Mail, Post};
use scrip_engine::peer::PeerPort;
use scrip_engine::processor::demo::{Calm, DemoProcessor, Mishaps};
use scrip_engine::provider::Provider;
use scrip_engine::purchase_request::notice::Herald;
use scrip_engine::register::Registration;
use scrip_engine::staff::Invitee;
use scrip_engine::{Engine, Ground, Memory, Mode, Objects, Staff};
use scrip_storage::{Blocking, Store};
use scrip_web::{App, Server, Watch};
use serde_json::{Value, json};
use tower::ServiceExt;

pub use answer::Answer;
pub use browser::{BOUNDARY, Browser, Page, multipart, totp};
pub use bureau::{ScriptedBureau, opinion};
pub use network::{Network, Way};
pub use peers::{AbsentProvider, KnownServers};
pub use post::{ScriptedPost, told_after};
pub use provider::{Fate, Row, ScriptedProvider};
pub use restore::Backup;
pub use sender::{ScriptedSender, reply};

/// What commands are made of, for tests that write rows which no verb would write.
pub mod rows {
    pub use scrip_storage::books::Change;
    pub use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};
}

/// A clock that stands still until it is told to go on.
#[derive(Debug)]
pub struct TestClock(AtomicI64);

impl Default for TestClock {
    /// 2026-11-22T12:00:00Z.
    fn default() -> Self {
        Self(AtomicI64::new(1_795_348_800_000))
    }
}

impl TestClock {
    /// Lets `span` pass.
    pub fn advance(&self, span: Span) {
        self.0.fetch_add(span.as_millis(), Ordering::SeqCst);
    }

    /// Somebody sets it back by `span`.
    pub fn set_back(&self, span: Span) {
        self.0.fetch_sub(span.as_millis(), Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

/// Chance from a seed.
#[derive(Debug)]
pub struct TestEntropy(Mutex<ChaCha12Rng>);

impl TestEntropy {
    /// The same seed, the same chance.
    pub fn seeded(seed: u64) -> Self {
        Self(Mutex::new(ChaCha12Rng::seed_from_u64(seed)))
    }
}

impl Entropy for TestEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(bytes);
    }
}

/// A vendor's server.
#[derive(Debug)]
pub struct Shop {
    /// Its time.
    pub clock: Arc<TestClock>,
    /// Behind the router.
    pub app: App,
    /// An administrator's key.
    pub admin: String,
    /// The card processor.
    pub processor: Arc<DemoProcessor>,
    /// The way to webhooks.
    pub sender: Arc<ScriptedSender>,
    /// The way to the mail server; where there is one, it is set up.
    pub post: Arc<ScriptedPost>,
    router: Router,
    machine: Machine,
}

/// What a server stands on, kept alive as long as the shop; it goes on with another server.
#[derive(Debug)]
struct Machine {
    name: String,
    disk: scrip_storage::Memory,
    objects: Arc<tempfile::TempDir>,
    entropy: Arc<TestEntropy>,
    processor: Arc<DemoProcessor>,
    bureau: Option<Arc<ScriptedBureau>>,
    place: Place,
}

/// What a shop is among servers.
#[derive(Clone, Debug)]
pub struct Place {
    /// What it does.
    pub roles: Roles,
    /// Its address.
    pub url: String,
    /// A merchant's provider.
    pub provider: Option<Arc<dyn Provider>>,
    /// How it reads what other servers make public.
    pub peers: Option<Arc<dyn PeerPort>>,
    /// How a provider tells its merchants.
    pub herald: Option<Arc<dyn Herald>>,
    /// What leads to other servers, in the place of all that is left out above.
    pub network: Option<Arc<Network>>,
    /// Whether mail is set up.
    pub mail: bool,
}

impl Default for Place {
    /// A vendor, alone.
    fn default() -> Self {
        let url = "http://shop.test".to_owned();
        Self {
            roles: Roles::default(),
            url,
            provider: None,
            peers: None,
            herald: None,
            network: None,
            mail: true,
        }
    }
}

/// The settings of the shop: `AUR` with two decimals, 100 of its units for one cent less than a euro's hundredth.
pub fn settings() -> Settings {
    let amount = |units| Amount::new(units).unwrap_or_default();
    let unit = |code| Unit::parse(code).unwrap_or_else(|| panic!("{code} is a unit"));
    let money = Money { amount: amount(100), unit: unit("EUR") };
    let unit_value = UnitValue { tokens: amount(100), money };
    let token = Token { code: unit("AUR"), name: "Aurum".into(), scale: 2, unit_value };
    Settings::new("Aurora Instruments", token)
}

fn keys() -> Keys {
    Keys::new(&[[7; 32]], &[9; 32]).expect("a license key").with_protocol(&[[8; 32]])
}

/// What every member of the staff signs in with.
pub const CLERK_PASSWORD: &str = "correct horse battery";

static SHOPS: AtomicU64 = AtomicU64::new(0);

impl Shop {
    /// Opens a shop with [`settings`].
    pub async fn open() -> Self {
        Self::open_with(settings()).await
    }

    /// Opens a shop with these settings.
    pub async fn open_with(settings: Settings) -> Self {
        Self::open_on(settings, Blocking::Inline, Calm, None).await
    }

    /// Opens a shop with this place among servers.
    pub async fn open_at(place: Place, settings: Settings) -> Self {
        Self::open_in(place, settings, Blocking::Inline, Calm, None).await
    }

    /// Opens a merchant's shop, and the provider with a script beside it.
    pub async fn merchant(settings: Settings) -> (Self, Arc<ScriptedProvider>) {
        let url = "https://pay.test";
        let merchant = keys().protocol().map(|key| key.public().clone());
        let provider = Arc::new(ScriptedProvider::new(url, merchant.as_slice()));
        let place = Place {
            roles: Roles::new(&[Role::Merchant]).expect("a role"),
            url: "https://shop.test".to_owned(),
            provider: Some(provider.clone()),
            peers: Some(Arc::new(KnownServers::default().with(url, &[provider.public()]))),
            ..Place::default()
        };
        let shop = Self::open_at(place, settings).await;
        provider.go_by(shop.clock.clone());
        (shop, provider)
    }

    /// Opens a provider, and a merchant beside it which it has registered: both whole, and signing for each other
    /// through a network that a test can trouble.
    pub async fn pair(settings: Settings) -> (Self, Self, Arc<Network>) {
        let network = Arc::<Network>::default();
        let at = |role, url: &str| Place {
            roles: Roles::new(&[role]).expect("a role"),
            url: url.to_owned(),
            network: Some(network.clone()),
            ..Place::default()
        };
        let provider = Self::open_at(at(Role::Provider, network::PAY), settings.clone()).await;
        let body = json!({
            "url": network::SHOP, "name": "Field Sounds", "return_origins": [network::SHOP],
            "limits": { "order": 100_000, "open": 100, "day": 1_000_000 },
            "fee": { "basis_points": 1000, "fixed": 1 }, "threshold": 300,
        });
        let answer = provider.post("/v1/admin/merchants", &provider.admin, "", body).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        let shop = Self::open_at(at(Role::Merchant, network::SHOP), settings).await;
        (provider, shop, network)
    }

    /// Opens a vendor at `url`, which reaches whoever else is on this network, signing as on the wire.
    pub async fn vendor_on(network: &Arc<Network>, url: &str, settings: Settings) -> Self {
        let place =
            Place { url: url.to_owned(), network: Some(network.clone()), ..Place::default() };
        Self::open_at(place, settings).await
    }

    /// Asks the provider what is due now, once.
    pub async fn run_checkouts(&self) -> usize {
        self.app.engine.run_checkouts().await.expect("checkouts run")
    }

    /// Opens a shop that asks this bureau.
    pub async fn open_beside(bureau: Arc<ScriptedBureau>, settings: Settings) -> Self {
        Self::open_on(settings, Blocking::Inline, Calm, Some(bureau)).await
    }

    /// Opens a shop that reads its objects as a real server does: to be measured, not repeated.
    pub async fn open_on_threads() -> Self {
        Self::open_on(settings(), Blocking::Threads, Calm, None).await
    }

    /// Opens a shop whose card processor is not to be relied upon.
    pub async fn open_amid(mishaps: impl Mishaps + 'static) -> Self {
        Self::open_on(settings(), Blocking::Inline, mishaps, None).await
    }

    async fn open_on(
        settings: Settings,
        blocking: Blocking,
        mishaps: impl Mishaps + 'static,
        bureau: Option<Arc<ScriptedBureau>>,
    ) -> Self {
        Self::open_in(Place::default(), settings, blocking, mishaps, bureau).await
    }

    async fn open_in(
        place: Place,
        settings: Settings,
        blocking: Blocking,
        mishaps: impl Mishaps + 'static,
        bureau: Option<Arc<ScriptedBureau>>,
    ) -> Self {
        let name = format!("shop-{}", SHOPS.fetch_add(1, Ordering::Relaxed));
        let clock = place.network.as_ref().map(|network| network.clock()).unwrap_or_default();
        let machine = Machine {
            disk: scrip_storage::Memory::new(&name).expect("a database in memory"),
            name,
            objects: Arc::new(tempfile::tempdir().expect("a temporary folder")),
            entropy: Arc::new(TestEntropy::seeded(42)),
            processor: Arc::new(
                DemoProcessor::new(clock.clone(), [3; 32], Box::new(mishaps)).with_page(),
            ),
            bureau,
            place,
        };
        let mut shop = Self::start(machine, clock, String::new(), blocking).await;
        let engine = &shop.app.engine;
        engine.put_settings(Staff::OPERATOR, settings).await.expect("no fault").expect("settings");
        let key = engine
            .make_key(Staff::OPERATOR, vec![Scope::Admin], "test".into())
            .await
            .expect("a key");
        shop.admin = key.token;
        shop
    }

    /// Another server on the same books and objects, which remembers nothing: what a restart is
    /// like, and what a second server is like.
    pub async fn another(&self) -> Self {
        self.another_with(self.machine.bureau.clone(), self.machine.place.mail).await
    }

    /// The same, after the vendor took the bureau out of the configuration.
    pub async fn another_without_bureau(&self) -> Self {
        self.another_with(None, self.machine.place.mail).await
    }

    /// The same, after mail was set up, or taken out of the configuration.
    pub async fn another_with_mail(&self, mail: bool) -> Self {
        self.another_with(self.machine.bureau.clone(), mail).await
    }

    async fn another_with(&self, bureau: Option<Arc<ScriptedBureau>>, mail: bool) -> Self {
        let Machine { name, objects, entropy, processor, place, .. } = &self.machine;
        let machine = Machine {
            disk: scrip_storage::Memory::new(name).expect("the same database"),
            name: name.clone(),
            objects: objects.clone(),
            entropy: entropy.clone(),
            processor: processor.clone(),
            bureau,
            place: Place { mail, ..place.clone() },
        };
        Self::start(machine, self.clock.clone(), self.admin.clone(), Blocking::Inline).await
    }

    async fn start(
        machine: Machine,
        clock: Arc<TestClock>,
        admin: String,
        blocking: Blocking,
    ) -> Self {
        let (store, writer) = Store::memory(&machine.disk).expect("a store in memory");
        let memory = Arc::new(Memory::default());
        let demo_clock = Arc::new(DemoClock::behind(clock.clone(), Span::millis(0)));
        tokio::spawn(writer.run(demo_clock.clone(), memory.clone()));
        let ground = Ground {
            objects: Objects::open(machine.objects.path(), 1, blocking).expect("objects"),
            store,
            clock: demo_clock.clone(),
            entropy: machine.entropy.clone(),
            keys: match &machine.place.network {
                Some(_) => keys().with_protocol(&[Network::seed(&machine.place.url)]),
                None => keys(),
            },
            server: 1,
            blocking: Blocking::Inline,
            mode: Mode::Demo,
        };
        let engine = Engine::start(ground, memory).await.expect("an engine");
        let engine = engine.with_demo_clock(demo_clock);
        let processor = machine.processor.clone();
        let Place { roles, url, provider, peers, herald, network, .. } = machine.place.clone();
        let engine = engine.with_processor(processor.clone()).with_public_url(url.clone());
        let engine = engine.with_roles(roles);
        let engine = match provider {
            Some(provider) => engine.with_provider(provider),
            None => engine,
        };
        let engine = match herald {
            Some(herald) => engine.with_herald(herald),
            None => engine,
        };
        let engine = match peers {
            Some(peers) => engine.with_peer_port(peers),
            None => engine,
        };
        let engine = match &network {
            Some(network) => network.lead(engine),
            None => engine,
        };
        let sender = Arc::<ScriptedSender>::default();
        let engine = engine.with_sender(sender.clone());
        let post = Arc::<ScriptedPost>::default();
        let way = machine.place.mail.then(|| post.clone() as Arc<dyn Post>);
        let engine = engine.with_mail(Mail { post: way, write: scrip_web::mail::write });
        engine.open_postbox().await.expect("the postbox is turned");
        let engine = match &machine.bureau {
            Some(bureau) => engine.with_bureau(bureau.clone()),
            None => engine,
        };
        let app: App = Arc::new(Server { engine, public_url: url.clone() });
        let router = scrip_web::router(&Arc::new(Watch::over(app.clone())));
        if let Some(network) = network {
            network.join(&url, router.clone());
        }
        Self { clock, app, admin, processor, sender, post, router, machine }
    }

    /// Lets `span` pass, as a server lives through it: its lease on ids is renewed.
    pub async fn advance(&self, span: Span) {
        self.clock.advance(span);
        self.app.engine.renew_lease().await.expect("the lease is renewed");
    }

    /// Runs what the card processor has to be asked, until nothing is due.
    pub async fn run_errands(&self) {
        while self.app.engine.run_errands().await.expect("errands run") > 0 {}
    }

    /// Publishes what has happened, and tells every webhook what is due, until nothing is.
    pub async fn run_webhooks(&self) {
        let engine = &self.app.engine;
        while engine.publish().await.expect("events are published") > 0 {}
        loop {
            let waiting = engine.webhooks_waiting().await.expect("webhooks are found");
            let mut tries = 0;
            for id in waiting {
                tries += engine.run_webhook(id).await.expect("a webhook is run").len();
            }
            if tries == 0 {
                break;
            }
        }
    }

    /// Sends a request into the router. `body` null means none.
    pub async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Value,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = if body.is_null() {
            request.body(Body::empty())
        } else {
            request.header("content-type", "application/json").body(Body::from(body.to_string()))
        };
        self.raw(request.expect("a request")).await
    }

    /// Sends any request into the router.
    pub async fn raw(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.expect("the router answers");
        Answer::read(response).await
    }

    /// A GET as `bearer` (empty for a visitor).
    pub async fn get(&self, path: &str, bearer: &str) -> Answer {
        let authorization = format!("Bearer {bearer}");
        let headers = [("authorization", authorization.as_str())];
        self.send("GET", path, if bearer.is_empty() { &[] } else { &headers }, Value::Null).await
    }

    /// What `buyer` can spend, in the token's smallest unit.
    pub async fn available(&self, buyer: &str) -> u64 {
        let wallet = self.get("/v1/wallet", buyer).await;
        wallet.json["available"]["amount"].as_u64().expect("a wallet")
    }

    /// Asks the doctor, and panics when anything in the books is untrue.
    pub async fn sound(&self) {
        let report = self.app.engine.doctor().await.expect("the books can be read");
        assert!(report.is_sound(), "{:?}", report.unsound().collect::<Vec<_>>());
    }

    /// A POST as `bearer` (empty for a visitor), with `key` (empty for none).
    pub async fn post(&self, path: &str, bearer: &str, key: &str, body: Value) -> Answer {
        let authorization = format!("Bearer {bearer}");
        let mut headers = Vec::new();
        if !bearer.is_empty() {
            headers.push(("authorization", authorization.as_str()));
        }
        if !key.is_empty() {
            headers.push(("idempotency-key", key));
        }
        self.send("POST", path, &headers, body).await
    }

    /// A buyer's session, with so many tokens in the wallet.
    pub async fn buyer(&self, email: &str, tokens: u64) -> String {
        let registration = Registration {
            email: email.into(),
            password: "correct horse".into(),
            person: Person::default(),
            source: "test".into(),
            browser: None,
        };
        let opened =
            self.app.engine.register(registration).await.expect("no fault").expect("an account");
        if tokens > 0 {
            let path = format!("/v1/admin/accounts/{}/adjust", opened.account.id);
            let body = json!({ "tokens": { "amount": tokens, "unit": "AUR" }, "reason": "test" });
            let answer = self
                .post(&path, &self.admin, &format!("fund {email}").replace(' ', "-"), body)
                .await;
            assert_eq!(answer.status, 201, "{answer:?}");
        }
        opened.token.reveal().to_owned()
    }

    /// A browser in which somebody of the staff in this role is signed in, and the member.
    pub async fn clerk(&self, role: StaffRole) -> (Browser<'_>, StaffMember) {
        let email = format!("{role}@shop.test");
        let who = Invitee { email: email.clone(), name: format!("The {role}"), role };
        let invited = self.app.engine.invite_staff(Staff::OPERATOR, who).await;
        let invited = invited.expect("no fault").expect("a member");
        let mut browser = Browser::on(self);
        let fields = [
            ("token", invited.token.reveal()),
            ("password", CLERK_PASSWORD),
            ("again", CLERK_PASSWORD),
        ];
        let page = browser.send("/admin/welcome", &fields).await;
        assert_eq!((page.status, page.location()), (303, "/admin"), "{}", page.html);
        (browser, invited.member)
    }

    /// The router itself, for an answer that is not to be read whole.
    pub fn router(&self) -> Router {
        self.router.clone()
    }

    /// The folder of objects, removed with the shop.
    pub fn objects(&self) -> &std::path::Path {
        self.machine.objects.path()
    }

    /// The database, kept alive as long as the shop.
    pub fn disk(&self) -> &scrip_storage::Memory {
        &self.machine.disk
    }
}

impl Shop {
    /// A published service called `slug` with one perpetual offer at `price`; gives the offer's id.
    pub async fn service(&self, slug: &str, price: u64) -> String {
        self.product(slug, price, scrip_license::Terms::Perpetual).await
    }

    /// A published service called `slug` with one offer on `terms` at `price`; gives the offer's id.
    pub async fn product(&self, slug: &str, price: u64, terms: scrip_license::Terms) -> String {
        let fields = ProductFields {
            slug: slug.into(),
            kind: ProductKind::Service,
            title: format!("The {slug}"),
            summary: String::new(),
            description: String::new(),
            labels: Labels::default(),
            pictures: Vec::new(),
            visibility: Visibility::default(),
            instructions: "Call us.".into(),
            texts: Texts::default(),
        };
        let engine = &self.app.engine;
        engine.create_product(Staff::OPERATOR, fields).await.expect("no fault").expect("a product");
        let price = Amount::new(price).expect("an amount");
        let fields = OfferFields { price, terms, limits: scrip_license::Limits::default() };
        let offer = engine
            .put_offer(Staff::OPERATOR, slug, "standard", fields)
            .await
            .expect("no fault")
            .expect("an offer");
        engine
            .move_product(Staff::OPERATOR, slug, ProductState::Published)
            .await
            .expect("no fault")
            .expect("published");
        offer.into_inner().id.to_string()
    }
}
