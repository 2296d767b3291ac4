//! Every row type, with the plainest and the most extreme values that its types allow.

use std::fmt::Debug;

use scrip_domain::account::{Account, Field, Login, NewEmail, Person};
use scrip_domain::api_key::{ApiKey, Scope};
use scrip_domain::audit::{Act, Actor, Audit};
use scrip_domain::catalog::{
    File, Labels, Offer, Picture, Product, ProductKind, ProductState, Release,
};
use scrip_domain::coupon::OrderCoupon;
use scrip_domain::event::{Event, EventType, Subject};
use scrip_domain::factor::Factor;
use scrip_domain::language::Language;
use scrip_domain::ledger::{Counters, House, LedgerAccount, Reason, Transfer};
use scrip_domain::legal::{LegalName, LegalText};
use scrip_domain::license::{License, LicenseState};
use scrip_domain::listing::{LabelKind, Labelled, Listing};
use scrip_domain::look::{Accent, Look};
use scrip_domain::lot::{Lot, LotChange, LotChangeKind, LotKind, OpenLot};
use scrip_domain::order::{
    Basis, Check, CheckKind, CheckResult, DeclineReason, Line, LinePayment, Order, OrderState,
};
use scrip_domain::passkey::{Passkey, PublicKey};
use scrip_domain::refund::{LicensePolicy, Refund, RefundLine, RefundLot};
use scrip_domain::refund_request::{RefundPolicy, RefundRequest, RefundRequestState};
use scrip_domain::request::RequestId;
use scrip_domain::session::Session;
use scrip_domain::settings::{
    Flow, FormerName, Mail, Pack, SecondFactor, Settings, Threshold, Token, UnitValue, Vendor,
};
use scrip_domain::texts::{Texts, TextsIn};
use scrip_domain::visibility::{Level, Visibility};
use scrip_domain::wallet::Wallet;
use scrip_domain::zone::Zone;
use scrip_domain::{Amount, Id, Money, Timestamp, Unit};
use scrip_license::{Limits, RentalStart, Terms};
use scrip_storage::books::Change;
use scrip_storage::index::{Download, Entry, Receipt, ServerLease, StartedTicket};
use scrip_storage::{Changes, Fault};

use crate::commands::{amount, change, id, look, open, wallet, write};
use crate::home::{Home, NOON, Running};

/// Everything that makes texts difficult, but NUL.
pub const AWKWARD: &str = "'; DROP TABLE wallets; --\u{1}\t\r\n\u{7f}\u{85}\\\"%_$1?1 Ünïcödé \u{202e}abc\u{202c} 🦀\u{10ffff} e\u{301}";
const FIRST: Timestamp = Timestamp::from_millis(i64::MIN);
const LAST: Timestamp = Timestamp::from_millis(i64::MAX);

fn last<T>() -> Id<T> {
    id(Id::<T>::MAX)
}

/// The highest id whose ledger accounts have numbers of their own.
fn below_owed<T>() -> Id<T> {
    id(Id::<T>::MAX >> 1)
}

fn text() -> String {
    AWKWARD.to_owned()
}

/// A second factor with everything that one can have.
fn factor() -> Factor {
    let recovery = vec![text(), String::new()];
    Factor { issue: u32::MAX, since: Some(FIRST), step: u64::MAX >> 1, recovery }
}

/// A passkey with everything that one can have.
fn passkey() -> Passkey {
    let key = PublicKey::P256 { x: text(), y: String::new() };
    let (name, credential) = (text(), String::new());
    // Within JSON times are written as in the API, which the first and the last are not.
    let (asked_at, created_at, used_at) = (Some(NOON), NOON, Some(NOON));
    Passkey {
        id: last(),
        name,
        credential,
        key,
        counter: u32::MAX,
        synced: true,
        asked_at,
        created_at,
        used_at,
    }
}

fn money() -> Money {
    Money { amount: Amount::MAX, unit: Unit::parse("TOKENS12").unwrap() }
}

fn terms() -> Terms {
    Terms::Rental { seconds: u64::MAX, from: RentalStart::FirstActivation }
}

fn limits() -> Limits {
    Limits {
        machines: Some(u32::MAX),
        downloads: Some(0),
        moves: Some(1),
        offline_days: Some(u32::MAX),
    }
}

/// Inserts, updates and deletes rows of one table, and looks each time, in a batch of its own.
macro_rules! round_trips {
    ($store:expr, $table:ident($($key:ident),+): $old:expr => $new:expr, other $other:expr) => {{
        let (old, new, other) = ($old, $new, $other);
        let store: &Running = $store;
        let group = |row: &_| { let row = same(row, &old); ($(row.$key.clone(),)+) };
        let groups = [group(&old), group(&other)];
        let wanted = groups.clone();
        let wants = move |wants: &mut scrip_storage::Wants| {
            wanted.iter().for_each(|group| wants.$table.guard(group.clone()));
        };
        let see = |groups: [_; 2]| move |books: &scrip_storage::Books| {
            let all = groups.iter().map(|group| Ok(books.$table.all(group)?.to_vec()));
            Ok(all.collect::<Result<Vec<_>, Fault>>()?.concat())
        };
        let write_then_look = async |written: Vec<Change<_>>| {
            let write = move |changes: &mut Changes| changes.$table.clone_from(&written);
            store.submit(change(wants.clone(), write)).await.unwrap().unwrap();
            store.submit(look(wants.clone(), see(groups.clone()))).await.unwrap().unwrap()
        };
        let sorted = write_then_look(vec![Change::Insert(old.clone()), Change::Insert(other.clone())]).await;
        compare(stringify!($table), &sorted, &[&old, &other]);
        let sorted = write_then_look(vec![Change::Update(new.clone())]).await;
        compare(stringify!($table), &sorted, &[&new, &other]);
        let sorted = write_then_look(vec![Change::Delete(new)]).await;
        compare(stringify!($table), &sorted, &[&other]);
    }};
}

mod checkouts;
pub mod exchanges;
mod figures;
mod funds;
mod letters;
pub mod merchants;
pub mod partners;
mod restores;
pub mod settlements;
pub mod staff;
pub mod usage;
pub mod webhooks;

fn same<'a, T>(row: &'a T, _: &T) -> &'a T {
    row
}

fn compare<T: PartialEq + Debug>(table: &str, found: &[T], expected: &[&T]) {
    let found: Vec<&T> = found.iter().collect();
    assert_eq!(found.len(), expected.len(), "{table}");
    assert!(expected.iter().all(|row| found.contains(row)), "{table}: {found:#?}\n{expected:#?}");
}

pub async fn every_row_comes_back_as_it_was_written(home: &Home) {
    let store = home.start().await;
    leases(&store).await;
    vendors(&store).await;
    accounts(&store).await;
    wallet_rows(&store).await;
    money_rows(&store).await;
    funds::all(&store).await;
    merchants::all(&store).await;
    exchanges::all(&store).await;
    checkouts::all(&store).await;
    settlements::all(&store).await;
    restores::all(&store).await;
    staff::all(&store).await;
    partners::all(&store).await;
    catalog(&store).await;
    listings(&store).await;
    orders(&store).await;
    small(&store).await;
    usage::all(&store).await;
    webhooks::all(&store).await;
    letters::all(&store).await;
    figures::all(&store).await;
    store.stop().await.unwrap();
}

async fn leases(store: &Running) {
    let lease = ServerLease {
        number: 255,
        ceiling: LAST,
        ahead_from: Some(FIRST),
        ahead_until: Some(LAST),
    };
    round_trips!(store, servers(number): lease.clone() =>
        ServerLease { ceiling: FIRST, ahead_from: None, ahead_until: None, ..lease.clone() },
        other ServerLease { number: 0, ceiling: NOON, ..lease });
}

async fn vendors(store: &Running) {
    let former = FormerName { name: text(), until: NOON };
    let vendor =
        Vendor { id: last(), settings: settings(), former_names: vec![former], imprint: None };
    let mut renamed =
        Vendor { former_names: Vec::new(), imprint: Some([255; 16]), ..vendor.clone() };
    renamed.settings.name = String::new();
    round_trips!(store, vendor(id): vendor.clone() => renamed, other Vendor { id: id(0), ..vendor });
}

async fn accounts(store: &Running) {
    let login = Login {
        email: text(),
        account: last(),
        password: text(),
        signed_in_at: Some(LAST),
        new_email: Some(NewEmail { email: text(), asked_at: LAST }),
        factor: factor(),
        passkeys: vec![passkey()],
    };
    round_trips!(store, logins(email): login.clone() =>
        Login { account: id(0), password: String::new(), signed_in_at: None, new_email: None, passkeys: Vec::new(), ..login.clone() },
        other Login { email: String::new(), ..login });
    let person = Person {
        name: Some(text()),
        address: Some(String::new()),
        phone: None,
        payment_method: Some(text()),
        language: Some(Language::German),
    };
    let account = Account {
        id: last(),
        wallet: last(),
        email: text(),
        person,
        created_at: FIRST,
        frozen_at: Some(LAST),
        frozen_by_dispute: true,
        verified_at: Some(LAST),
        terms_version: Some(text()),
        erased_at: Some(LAST),
        sweep_at: Some(LAST),
    };
    round_trips!(store, accounts(id): account.clone() =>
        Account {
            person: Person::default(), frozen_at: None, frozen_by_dispute: false, verified_at: None,
            terms_version: None, erased_at: None, sweep_at: None, ..account.clone()
        },
        other Account { id: id(0), ..account.clone() });
    let legal =
        LegalText { name: LegalName::Terms, version: text(), text: text(), published_at: LAST };
    round_trips!(store, legal_texts(name): legal.clone() =>
        LegalText { text: String::new(), published_at: FIRST, ..legal.clone() },
        other LegalText { name: LegalName::Tokens, ..legal });
    let session = Session {
        token: [0xff; 16],
        account: last(),
        wallet: last(),
        created_at: FIRST,
        expires_at: LAST,
    };
    round_trips!(store, sessions(token): session.clone() =>
        Session { expires_at: NOON, ..session.clone() }, other Session { token: [0; 16], ..session });
    let key = ApiKey {
        id: last(),
        account: Some(last()),
        secret: (0..=255).collect(),
        scopes: Scope::ALL.to_vec(),
        label: text(),
        created_at: FIRST,
        revoked_at: Some(LAST),
    };
    round_trips!(store, api_keys(id): key.clone() =>
        ApiKey { account: None, secret: vec![], scopes: vec![], revoked_at: None, ..key.clone() },
        other ApiKey { id: id(0), ..key });
}

fn settings() -> Settings {
    let pack = Pack { tokens: Amount::MAX, pay: money() };
    Settings {
        name: text(),
        token: Token {
            code: Unit::parse("AUR").unwrap(),
            name: text(),
            scale: 6,
            unit_value: UnitValue { tokens: Amount::MAX, money: money() },
        },
        flow: Flow::MembersOnly,
        threshold: Threshold::Fixed { amount: Amount::MAX },
        visibility: visibility(),
        registration: Field::ALL.to_vec(),
        packs: vec![pack; 3],
        prices: vec![UnitValue { tokens: Amount::MAX, money: money() }],
        top_up_limits: scrip_domain::sale::Limits {
            min: Some(Amount::ZERO),
            max: Some(Amount::MAX),
        },
        credit: scrip_domain::credit::Policy::default(),
        offline_instructions: text(),
        terms_version: text(),
        look: Look {
            accent: Some(Accent([0, 128, 255])),
            logo: Some(Picture { alt: text(), object: text(), media_type: text() }),
            tagline: text(),
            introduction: text(),
            footer: text(),
            language: Language::German,
            time_zone: Zone::parse("Asia/Kathmandu").unwrap(),
        },
        second_factor: SecondFactor::Required,
        mail: Mail { staff: text(), digest_below: Amount::MAX, verify: true },
        refund_policy: RefundPolicy { days: u32::MAX, opened: true },
        refunds_at_once: true,
    }
}

fn visibility() -> Visibility {
    Visibility {
        product: Some(Level::Funded),
        release_notes: Some(Level::Covered),
        ..Visibility::default()
    }
}

async fn wallet_rows(store: &Running) {
    let full = Counters { debits: u64::MAX >> 1, credits: u64::MAX >> 1 };
    let open = OpenLot {
        lot: last(),
        kind: LotKind::Promo,
        remaining: Amount::MAX,
        held: Amount::MAX,
        priority: 255,
        expires_at: Some(LAST),
        exchangeable_at: Some(FIRST),
    };
    let plain = OpenLot { expires_at: None, exchangeable_at: None, ..open.clone() };
    let lots = vec![open, plain];
    let next_expiry = Some(LAST);
    let rich = Wallet {
        id: last(),
        account: last(),
        free: full,
        held: full,
        owed: full,
        lots,
        next_expiry,
        alarm: Some(Amount::MAX),
        joined_until: Some(FIRST),
    };
    let poor = Wallet::empty(last(), last());
    round_trips!(store, wallets(id): rich.clone() => poor, other Wallet { id: id(0), ..rich });
}

async fn money_rows(store: &Running) {
    let lot = Lot {
        wallet: last(),
        id: last(),
        kind: LotKind::Exchange,
        amount: Amount::MAX,
        priority: 255,
        expires_at: Some(LAST),
        exchangeable_at: Some(FIRST),
        created_at: NOON,
    };
    round_trips!(store, lots(id): lot.clone() => Lot {
        priority: 0, expires_at: None, exchangeable_at: None, ..lot.clone()
    }, other Lot { id: id(0), ..lot.clone() });
    let change = LotChange {
        transfer: last(),
        lot: last(),
        kind: LotChangeKind::Joined,
        amount: Amount::MAX,
    };
    round_trips!(store, lot_changes(transfer): change.clone() =>
        LotChange { kind: LotChangeKind::Expired, amount: amount(1), ..change.clone() },
        other LotChange { transfer: id(0), ..change.clone() });
    let transfer = Transfer {
        id: last(),
        debit: LedgerAccount::Held(below_owed()),
        credit: LedgerAccount::House(House::Breakage),
        amount: Amount::MAX,
        reason: Reason::TopUp,
        subject: Subject(u64::MAX >> 1),
        at: LAST,
    };
    round_trips!(store, transfers(id): transfer.clone() =>
        Transfer { debit: LedgerAccount::Owed(below_owed()), amount: amount(1), ..transfer.clone() },
        other Transfer { id: id(0), ..transfer.clone() });
}

fn texts() -> Texts {
    let german = TextsIn {
        title: text(),
        summary: text(),
        description: text(),
        categories: vec![text()],
        tags: vec![text()],
        instructions: text(),
    };
    Texts([(Language::English, TextsIn::default()), (Language::German, german)].into())
}

pub fn product(number: u64, slug: &str) -> Product {
    Product {
        id: id(number),
        slug: slug.to_owned(),
        kind: ProductKind::Bundle,
        state: ProductState::Published,
        title: text(),
        summary: String::new(),
        description: text(),
        labels: Labels { categories: vec![text()], tags: vec![] },
        pictures: vec![Picture { alt: text(), object: String::new(), media_type: text() }],
        visibility: visibility(),
        instructions: text(),
        texts: texts(),
        price_from: Some(Amount::MAX),
        cheapest: Some(Amount::ZERO),
        release: Some(last()),
        version: u64::MAX >> 1,
        created_at: FIRST,
        updated_at: LAST,
    }
}

pub fn offer(number: u64, price: u64, current: bool) -> Offer {
    Offer {
        id: id(number),
        product: last(),
        key: format!("offer-{number}"),
        price: amount(price),
        terms: terms(),
        limits: limits(),
        current,
        retired_at: (!current).then_some(FIRST),
        created_at: LAST,
    }
}

pub fn listing(number: u64) -> Listing {
    Listing {
        product: id(number),
        kind: ProductKind::Service,
        title: "field recorder".to_owned(),
        price: Some(Amount::MAX),
        cheapest: Some(Amount::MAX),
        see_product: Some(Level::Member),
        see_price: Some(Level::Covered),
        see_description: Some(Level::Funded),
        words: "field recorder".to_owned(),
        description_words: "records sound".to_owned(),
    }
}

async fn listings(store: &Running) {
    let bare = Listing {
        price: None,
        cheapest: None,
        see_product: None,
        see_price: None,
        see_description: None,
        words: String::new(),
        description_words: String::new(),
        ..listing(Id::<Product>::MAX)
    };
    round_trips!(store, listings(product): listing(Id::<Product>::MAX) => bare, other listing(0));
    let labelled = Labelled {
        product: last(),
        kind: LabelKind::Tag,
        label: text(),
        title: text(),
        price: Some(Amount::MAX),
    };
    round_trips!(store, labelled(product): labelled.clone() =>
        Labelled { title: String::new(), price: None, ..labelled.clone() },
        other Labelled { product: id(0), ..labelled });
}

async fn catalog(store: &Running) {
    let bare = Product {
        title: String::new(),
        labels: Labels::default(),
        pictures: vec![],
        visibility: Visibility::default(),
        texts: Texts::default(),
        price_from: None,
        cheapest: None,
        release: None,
        ..product(Id::<Product>::MAX, AWKWARD)
    };
    round_trips!(store, products(id): product(Id::<Product>::MAX, AWKWARD) => bare, other product(0, ""));
    let dear = offer(Id::<Offer>::MAX, Amount::MAX.units(), true);
    round_trips!(store, offers(id): dear.clone() =>
        Offer { price: Amount::ZERO, terms: Terms::Perpetual, limits: Limits::default(), current: false, retired_at: Some(LAST), ..dear },
        other offer(0, 1, false));
    let release = Release {
        id: last(),
        product: last(),
        version: text(),
        channel: text(),
        notes: text().repeat(1000),
        manifest: String::new(),
        published_at: Some(FIRST),
    };
    round_trips!(store, releases(id): release.clone() =>
        Release { notes: String::new(), published_at: None, ..release.clone() },
        other Release { id: id(0), version: String::new(), ..release });
    let file = File {
        id: last(),
        release: last(),
        name: text(),
        size: u64::MAX >> 1,
        sha256: text(),
        platform: String::new(),
        media_type: text(),
        sha512: text(),
    };
    round_trips!(store, files(release): file.clone() => File { size: 0, name: String::new(), ..file.clone() },
        other File { release: id(0), id: id(0), ..file });
}

pub fn check() -> Check {
    Check {
        check: CheckKind::Balance,
        basis: Some(Basis::Selection),
        required: Some(Amount::MAX),
        available: Some(Amount::ZERO),
        result: CheckResult::Failed,
        at: NOON,
        request: Some(u64::MAX),
        request_id: Some(RequestId::of_chance(u64::MAX)),
    }
}

async fn refunds(store: &Running) {
    let refund = Refund {
        order: last(),
        id: last(),
        transfer: Some(last()),
        amount: Amount::MAX,
        licenses: LicensePolicy::Keep,
        reason: text(),
        at: LAST,
    };
    round_trips!(store, refunds(order): refund.clone() => Refund {
        transfer: None, amount: Amount::ZERO, licenses: LicensePolicy::Revoke, reason: String::new(),
        ..refund.clone()
    }, other Refund { order: id(0), id: id(0), ..refund.clone() });
    let line = RefundLine {
        order: last(),
        refund: last(),
        line: last(),
        quantity: u32::MAX,
        amount: Amount::MAX,
    };
    round_trips!(store, refund_lines(order): line.clone() =>
        RefundLine { quantity: 0, amount: Amount::ZERO, ..line.clone() },
        other RefundLine { order: id(0), ..line.clone() });
    let (order, refund, line, lot) = (last(), last(), last(), last());
    let (amount, expired) = (Amount::MAX, Amount::MAX);
    let lot = RefundLot { order, refund, line, lot, amount, expired };
    round_trips!(store, refund_lots(order): lot.clone() =>
        RefundLot { expired: Amount::ZERO, ..lot.clone() },
        other RefundLot { order: id(0), ..lot.clone() });
    let asked = RefundRequest {
        order: last(),
        id: last(),
        line: last(),
        account: last(),
        state: RefundRequestState::Open,
        covered: true,
        reason: text(),
        word: None,
        refund: None,
        at: FIRST,
        decided_at: None,
    };
    round_trips!(store, refund_requests(order): asked.clone() => asked.clone().accepted(last(), LAST),
        other RefundRequest { order: id(0), id: id(0), covered: false, ..asked }.declined(text(), NOON));
}

pub fn order(number: u64, account: u64) -> Order {
    Order {
        id: id(number),
        account: Some(id(account)),
        state: OrderState::Declined,
        total: Amount::MAX,
        coupon: Some(OrderCoupon { id: last(), code: text() }),
        reason: Some(DeclineReason::BalanceBelowThreshold),
        again: true,
        checks: vec![check(), Check { basis: None, required: None, request: None, ..check() }],
        selected_at: FIRST,
        expires_at: LAST,
        paid_at: Some(NOON),
        balance_after: Some(Amount::MAX),
        terms_version: Some(text()),
        payment_method: Some(String::new()),
        refund_policy: Some(RefundPolicy { days: u32::MAX, opened: true }),
    }
}

pub fn line(number: u64, order: u64) -> Line {
    Line {
        order: id(order),
        id: id(number),
        offer: last(),
        product: last(),
        title: text(),
        price: Amount::MAX,
        discount: Some(Amount::MAX),
        quantity: u32::MAX,
        terms: Terms::Processings { count: u64::MAX, unit: Some("images".parse().unwrap()) },
        limits: limits(),
        release: Some(last()),
        extends: Some(last()),
        bundle: Some(last()),
    }
}

pub fn license(number: u64, order: u64, account: u64) -> License {
    License {
        id: id(number),
        order: id(order),
        line: last(),
        account: id(account),
        product: last(),
        offer: last(),
        terms: Terms::Trial { seconds: 0 },
        limits: limits(),
        release: Some(last()),
        state: LicenseState::Revoked,
        issue: u32::MAX,
        kid: text(),
        issued_at: FIRST,
        expires_at: Some(LAST),
    }
}

async fn orders(store: &Running) {
    let max = Id::<Order>::MAX;
    let bare = Order {
        account: None,
        coupon: None,
        reason: None,
        again: false,
        checks: vec![],
        paid_at: None,
        balance_after: None,
        terms_version: None,
        payment_method: None,
        refund_policy: None,
        ..order(max, max)
    };
    round_trips!(store, orders(id): order(max, max) => bare, other order(0, 0));
    round_trips!(store, order_lines(order): line(max, max) =>
        Line { price: Amount::ZERO, discount: None, quantity: 1, title: String::new(), release: None,
            extends: None, bundle: None, terms: Terms::Uses { count: 1 }, ..line(max, max) },
        other line(0, 0));
    let payment = LinePayment {
        line: last(),
        lot: last(),
        kind: LotKind::Credit,
        amount: Amount::MAX,
        place: u32::MAX,
    };
    round_trips!(store, line_payments(line): payment.clone() =>
        LinePayment { kind: LotKind::Promo, amount: amount(1), place: 0, ..payment.clone() },
        other LinePayment { line: id(0), lot: id(0), ..payment.clone() });
    refunds(store).await;
    round_trips!(store, licenses(id): license(max, max, max) => License {
        release: None, expires_at: None, issue: 0, state: LicenseState::Valid, terms: Terms::Perpetual,
        ..license(max, max, max)
    }, other license(0, 0, 0));
    let receipt = Receipt { order: last(), number: u64::MAX >> 1, issued_at: LAST };
    round_trips!(store, receipts(order): receipt.clone() => Receipt { number: 0, ..receipt.clone() },
        other Receipt { order: id(0), number: 1, issued_at: FIRST });
    let download = Download { license: last(), file: last(), at: LAST };
    let ticket = StartedTicket { license: last(), file: last(), issued_at: FIRST, at: LAST };
    round_trips!(store, started_tickets(license): ticket.clone() =>
        StartedTicket { at: FIRST, ..ticket.clone() },
        other StartedTicket { license: id(0), issued_at: LAST, ..ticket.clone() });
    round_trips!(store, downloads(license): download.clone() => download.clone(),
        other Download { license: id(0), file: id(0), at: FIRST });
}

async fn small(store: &Running) {
    let max = u64::MAX >> 1;
    let entry = Entry { account: last(), kind: 255, key: max, target: max, note: max };
    round_trips!(store, by_account(account, kind, key): entry.clone() => Entry { note: 0, ..entry.clone() },
        other Entry { account: id(0), kind: 0, key: 0, target: 0, note: 0 });
    let event = Event {
        id: last(),
        kind: EventType::OrderDeclined,
        account: last(),
        subject: Subject(max),
        at: LAST,
        seq: Some(max),
    };
    round_trips!(store, events(id): event.clone() =>
        Event::new(last(), EventType::AccountOpened, last(), Subject(0), FIRST),
        other Event { id: id(0), ..event.clone() });
    let audit = Audit {
        id: last(),
        actor: Actor::Key(last()),
        act: Act::LicenseKeyRotated,
        subject: text(),
        changes: serde_json::json!({ "name": { "from": text(), "to": [null, 1, true] } }),
        request: RequestId::of_chance(u64::MAX),
        at: LAST,
    };
    round_trips!(store, audit(id): audit.clone() =>
        Audit { actor: Actor::Operator, request: RequestId::NONE, at: FIRST, ..audit.clone() },
        other Audit { id: id(0), ..audit.clone() });
}

/// Altered in silence (a clamped number, a text cut at NUL) it would corrupt the books; and what one
/// database takes, the other must.
pub async fn what_no_column_holds_is_a_defect(home: &Home) {
    let store = home.start().await;
    let entry = Entry { account: id(1), kind: 1, key: u64::MAX, target: 0, note: 0 };
    let too_large = write(move |changes| changes.by_account.push(Change::Insert(entry.clone())));
    let nul = Login {
        email: "a\0b".into(),
        account: id(1),
        password: String::new(),
        signed_in_at: None,
        new_email: None,
        factor: Factor::default(),
        passkeys: Vec::new(),
    };
    let with_nul = write(move |changes| changes.logins.push(Change::Insert(nul.clone())));
    let (large, nul, fine) =
        tokio::join!(store.submit(too_large), store.submit(with_nul), store.submit(open(100)));
    assert!(matches!(large, Err(Fault::Bug(_))), "{large:?}");
    assert!(matches!(nul, Err(Fault::Bug(_))), "{nul:?}");
    fine.unwrap().unwrap();
    assert!(matches!(store.login("a\0b").await, Err(Fault::Bug(_))));
    assert_eq!(store.wallet(id(100)).await.unwrap(), Some(wallet(100, 0)));
    store.stop().await.unwrap();
}
