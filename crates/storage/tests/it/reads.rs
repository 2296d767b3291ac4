//! What is read outside of batches.

use scrip_domain::account::Account;
use scrip_domain::account_statement::Standing;
use scrip_domain::catalog::Offer;
use scrip_domain::checkout::Checkout;
use scrip_domain::event::{Event, EventType, Feed, Subject};
use scrip_domain::exchange::{Exchange, ExchangeState, Incoming, IncomingState};
use scrip_domain::identity::{Identity, Visit};
use scrip_domain::ledger::{LedgerAccount, Reason, Transfer};
use scrip_domain::legal::LegalName;
use scrip_domain::letter::{
    About, Digest as Gathered, Letter, LetterState, Postbox, Recipient, Warned,
};
use scrip_domain::lot::{Lot, LotKind};
use scrip_domain::merchant::{MerchantEvent, MerchantEventKind};
use scrip_domain::order::{LinePayment, Order, OrderState};
use scrip_domain::purchase_request::{PurchaseRequest, RequestState};
use scrip_domain::refund_request::RefundRequestState;
use scrip_domain::report::Counted;
use scrip_domain::request::{Request, RequestId};
use scrip_domain::restore::{Discrepancy, Epoch, Lack, PeerKind, Reunion, ReunionState};
use scrip_domain::session::Session;
use scrip_domain::top_up::TopUpState;
use scrip_domain::visibility::Level;
use scrip_domain::wallet::Wallet;
use scrip_domain::webhook::{Delivery, DeliveryState, Disabled, WebhookEndpoint};
use scrip_domain::{Amount, Id, Span, Timestamp};
use scrip_license::Digest;
use scrip_storage::books::Change;
use scrip_storage::index::{Download, Entry, Receipt};
use scrip_storage::reads::journal::Period;
use scrip_storage::reads::{Page, Told};
use scrip_storage::{Changes, Store};

use crate::commands::{account, amount, change, id, look, write};
use crate::home::{Home, NOON, Running};
use crate::rows::exchanges::{exchange, prepared};
use crate::rows::merchants::{merchant, request};
use crate::rows::webhooks::endpoint;
use crate::rows::{license, line, offer, order};

const PAGE: Page = Page { after: None, limit: 10 };

macro_rules! empty {
    ($store:ident: one $($one:ident($($a:expr),*)),*; many $($many:ident($($b:expr),*)),* $(,)?) => {
        $(assert!($store.$one($($a),*).await.unwrap().is_none(), stringify!($one));)*
        $(assert!($store.$many($($b),*).await.unwrap().is_empty(), stringify!($many));)*
    };
}

pub async fn every_read_answers_on_an_empty_database(home: &Home) {
    let (store, _writer) = home.open().await.unwrap();
    let who = account(1);
    empty! {
        store:
        one vendor(), server_lease(255), login(""), account(id(1)), session([0; 16]), api_key(id(1)),
            wallet(id(1)), transfer(id(1)), lot(id(1)), refund(id(1)), top_up(id(1)), request(who, 1),
            cheapest_offer(), product(id(1)),
            product_by_slug(""), offer(id(1)), release(id(1)), file(id(1)), order(id(1)), license(id(1)),
            receipt(id(1)), started_ticket(id(1), id(1), NOON), credit_file(who),
            top_up_by_reference(""), voucher_batch(id(1)), voucher([0; 32]), voucher_of(id(1)),
            coupon(id(1)), open_coupon(""), customer(who, ""),
            credit_line(who), repayment(id(1)), auto_top_up(who), merchant(id(1)), merchant_by_url(""),
            payout(id(1)),
            connection(id(1)), connection_by_reference([0; 32]), connection_by_code([0; 32]),
            merchant_subject(id(1), [0; 16]), purchase_request(id(1)), purchase_request_of(id(1), ""),
            purchase_request_by_reference([0; 32]), purchase_request_by_code([0; 32]), unclaimed_request(id(1)), hold(id(1)),
            exchange_quote(id(1)), exchange(id(1)), incoming_exchange(id(1), id(1)), incoming_by_quote(""), exchange_day(id(1), who),
            checkout(id(1)), checkout_by_request(""), identity("", ""), identity_of(who), visit(1),
            partner(id(1)), partner_by_url(""), agreement(id(1)), agreement_by_digest([0; 32]), link(who, id(1)),
            link_request(id(1)), link_request_by_reference([0; 32]), link_request_of(id(1), id(1)),
            link_request_by_code([0; 32]), partner_subject(id(1), [0; 16]),
            statement(id(1)), statement_of(id(1), 1), settlement(id(1)), settlement_of(id(1)),
            bank_details(1), legal_text(LegalName::Terms, ""), epoch(), reunion(2, ""), last_day_figures(), first_counted(),
             seq_from(id(0)), told_event(id(1)), webhook_endpoint(id(1)), delivery(id(1)), postbox(), refund_request(id(1));
        many refund_requests_of(id(1)), refund_requests(RefundRequestState::Open, PAGE), refund_requests_by(who, PAGE), api_keys_of(who, PAGE), good_api_keys_of(who, 5), letters_of(who, 5),
            under_way(who, NOON), logins_called(&[String::new()]), credit_lines_of(&[who]), latest_top_ups(&[who, account(2), account(3)]),
            accounts_called(&[who]), wallets_called(&[id(1), id(2), id(3)]), api_keys_called(&[id(1), id(1)]),
            staff_called(&[id(1)]), products_called(&[]), products_called(&[id(1)]), lines_of(&[id(1), id(2)]),
            merchants_called(&[id(1)]), purchase_requests_called(&[id(1), id(2)]),
            partners_called(&[id(1)]), agreements_called(&[id(1), id(2)]), statements_called(&[id(1), id(1)]),
            accounts(PAGE), legal_versions(LegalName::Terms), newest_legal_texts(), listed_categories(scrip_domain::gate::Standing::Visitor, Level::Visitor), api_keys(PAGE), transfers_of(who, PAGE),
            top_ups_of(who, PAGE), house(), offers_of(id(1)), releases_of(id(1)), files_of(id(1)),
            orders_of(who, PAGE), order_lines(id(1)), payments_of(&[id(1)]), licenses_of_orders(&[id(1)]),
            wallets_due(NOON, 10), refunds_of(&[id(1)]), refund_lines(&[id(1)]), refund_lots(&[id(1)]),
            licenses_of(who, PAGE), downloads_of(id(1)), lots_of_order(id(1)),
            transfers_of_order(who, id(1)), requests_of_order(who, id(1)), events_of_order(id(1)),
            downloads_of_order(id(1)), audit(PAGE), top_ups_in_review(PAGE), top_ups(PAGE), remittances_of(id(1)),
            reversals_of(id(1)), reversal_lots(id(1)), debt_payments(id(1)),
            voucher_batches(PAGE), coupons(PAGE), errands_due(NOON, 5), payment_methods_of(who),
            payment_methods_leaving(NOON, 5), repayments_of(who, PAGE),
            auto_errands_due(NOON, 5), merchants(PAGE), merchant_transfers(id(1), PAGE),
            merchant_events(id(1), 0, NOON, 5), payouts_of(id(1), PAGE), purchase_requests_of(who, PAGE),
            merchant_subjects_of(who),
            purchase_requests(PAGE), purchase_requests_due(NOON, 5), request_refunds(id(1)),
            request_refund_lots(id(1)), hold_lots(id(1)), notices_due(NOON, 5),
            checkouts_due(NOON, 5), checkouts_of(&[id(1)]), checkouts(PAGE), visits_before(NOON, 5), refund_documents(PAGE),
            checkouts_due(NOON, 5), exchanges_of(who, PAGE), exchanges(None, None, PAGE),
            exchanges(Some(ExchangeState::Committed), Some(id(1)), PAGE), exchanges_due(NOON, 5),
            incoming_lapsed(NOON, 5), partners_of_lots(who), exchange_documents(None, 5),
            incoming_documents(Some((id(1), id(1))), 5),
            partners(PAGE), agreements(PAGE), agreements_of(id(1), 5), agreements_due(NOON, 5),
            statements(PAGE), statements_due(NOON, 5), differences(id(1)),
            cycle_items((id(1), 1), true, None, 5), cycle_items((id(1), 1), false, None, 5), settlements(PAGE),
            settlements_due(NOON, 5),
            agreements_alive(id(1)), open_partners(PAGE), partners_due(NOON, 5), links_due(NOON, 5), links_of(who), partner_subjects_of(who),
            unpublished(5), events_between(0, u64::MAX >> 1, 5),
            told_between(0, u64::MAX >> 1, 5), told_of(who, (id(0), 5), 0, 5),
            webhook_endpoints(PAGE), webhooks_waiting(NOON), deliveries_of(id(1), PAGE),
            deliveries_due(id(1), NOON, 5), deliveries_before(id(1), 5), letters_due(NOON, 5), letters_to("", 5), wallets_to_warn(NOON, None, 5),
            letters_before(id(1), 5), digests_due(NOON, 5), sessions_of(who, 5), open_sessions_of(who, NOON, 5), ended_sessions_of(who, NOON, 5), reunions(2), reunions_due(NOON, 5),
            discrepancies(PAGE), checkouts_from(id(0), 5), incoming_committed(id(1), id(0), 5),
            exchanges_committed(id(1), id(0), 5), statements_since(id(1), 0, NOON, 5), links_to(id(1), "s"),
            quotes_unused(NOON, 5), day_figures(NOON, NOON), orders(None, PAGE), orders(Some(OrderState::Paid), PAGE),
            orders(Some(OrderState::Refunded), PAGE), top_ups_in(TopUpState::Disputed, PAGE),
            top_ups_in(TopUpState::Credited, PAGE), leases_of(id(1), PAGE), orders_with(id(1), PAGE),
    }
    nothing_is_licensed(&store, who).await;
    nothing_is_reckoned(&store, who).await;
}

async fn nothing_is_licensed(store: &Store, who: Id<Account>) {
    empty! {
        store:
        one usage(id(1)), activation(id(1), Digest([0; 32])), activation_called(id(1), id(1)),
            lease(id(1), id(1)), reissue(id(1), 2), reissue_asked(id(1), 1);
        many usages_of(&[id(1)]), leases_of(id(1), PAGE), licenses(None, None, PAGE),
            licenses(Some(who), Some(id(1)), PAGE),
            activations_of(id(1), PAGE),
            extensions_of(&[id(1)]), licenses_called(&[id(1)]), licenses_by_product(who, &[]),
            licenses_by_product(who, &[id(1), id(2)]), bundle_items(id(1)), items_in(&[id(1)]), bundles_with(id(1), 5),
            bundles_lacking(id(1)), offers_open(&[id(1)]), reminders_due(NOON, 5), dead_codes(None, NOON),
            dead_codes(Some(id(1)), NOON), ended_activations(None, NOON), ended_activations(Some(id(1)), NOON),
            returned_leases(None, NOON), returned_leases(Some(id(1)), NOON),
            leases_of_ended(None, NOON), leases_of_ended(Some(id(1)), NOON),
    }
}

async fn nothing_is_reckoned(store: &Store, who: Id<Account>) {
    let nothing = (Standing::default(), Vec::new());
    assert_eq!(store.account_statement(who, id(1), Period::default(), 5).await.unwrap(), nothing);
    assert!(store.listed_lines(Period::default()).unwrap().next().await.is_none());
    assert_eq!(store.count_day(NOON).await.unwrap(), Counted::default());
    assert_eq!(store.deliveries_pending(id(1), 5).await.unwrap(), 0);
    assert!(!store.is_unanswered(id(1), u32::MAX).await.unwrap());
    assert_eq!(store.statements_that_suspend(id(1), NOON).await.unwrap(), (0, 0));
    let feed = Feed { number: Feed::ONLY, last: 0, endpoints: 0 };
    assert_eq!(store.feed().await.unwrap(), Some(feed));
}

pub async fn fill(store: &Running, fill: impl Fn(&mut Changes) + Send + 'static) {
    store.submit(write(fill)).await.unwrap().unwrap();
}

fn transfer(number: u64) -> Transfer {
    Transfer {
        id: id(number),
        debit: LedgerAccount::Free(id(100)),
        credit: LedgerAccount::Free(id(101)),
        amount: amount(1),
        reason: Reason::Adjustment,
        subject: Subject(1),
        at: NOON,
    }
}

async fn statement(store: &Store, after: Option<u64>, limit: u32) -> Vec<u64> {
    let page = store.transfers_of(account(7), Page { after, limit }).await.unwrap();
    page.iter().map(|transfer| transfer.id.number()).collect()
}

pub async fn lists_go_down_from_the_newest(home: &Home) {
    let store = home.start().await;
    let last = Id::<Transfer>::MAX;
    fill(&store, move |changes| {
        for number in (0..25).chain([last]) {
            changes.transfers.push(Change::Insert(transfer(number)));
            // Neighbours in the index are another list, and other accounts. Each third is on both lists by one entry.
            let (who, order) = (account(7), id(number));
            let one = vec![Entry::purchase(who, order)];
            let two = vec![Entry::order(who, order), Entry::transfer(who, id(number))];
            let others = [6, 8].map(|other| Entry::transfer(account(other), id(number)));
            let entries = if number % 3 == 0 { one } else { two }.into_iter().chain(others);
            changes.by_account.extend(entries.map(Change::Insert));
        }
    })
    .await;
    assert_eq!(statement(&store, None, 3).await, vec![last, 24, 23]);
    assert_eq!(statement(&store, Some(23), 3).await, vec![22, 21, 20]);
    assert_eq!(statement(&store, Some(1), 3).await, vec![0]);
    assert!(statement(&store, Some(0), 3).await.is_empty());
    assert!(statement(&store, None, 0).await.is_empty());
    assert_eq!(statement(&store, Some(u64::MAX), u32::MAX).await.len(), 25);
    assert_eq!(statement(&store, None, u32::MAX).await.len(), 26);
    fill(&store, |changes| {
        for number in 0..5 {
            changes.orders.push(Change::Insert(order(number, 7)));
            changes.licenses.push(Change::Insert(license(number, number, 7)));
            let owned = Entry::license(account(7), id(100 - number), id(number), false);
            changes.by_account.push(Change::Insert(owned));
        }
    })
    .await;
    let orders = async |after, limit| {
        let orders = store.orders_of(account(7), Page { after, limit }).await.unwrap();
        orders.iter().map(|order| order.id.number()).collect::<Vec<_>>()
    };
    assert_eq!(orders(Some(4), 2).await, vec![3, 2]);
    assert_eq!(orders(Some(5), 9).await, vec![4, 3, 2, 1, 0]);
    let page = Page { after: Some(4), limit: 2 };
    let licenses = store.licenses_of(account(7), page).await.unwrap();
    assert_eq!(licenses.iter().map(|l| l.id.number()).collect::<Vec<_>>(), vec![3, 2]);
    store.stop().await.unwrap();
}

async fn cheapest(store: &Running) -> Option<u64> {
    let read = store.cheapest_offer().await.unwrap();
    let see = look(|wants| wants.cheapest = true, scrip_storage::Books::cheapest);
    assert_eq!(store.submit(see).await.unwrap().unwrap(), read);
    read.map(Amount::units)
}

pub async fn the_cheapest_offer_is_current_and_not_free(home: &Home) {
    let store = home.start().await;
    assert_eq!(cheapest(&store).await, None);
    fill(&store, |changes| {
        changes.offers.push(Change::Insert(offer(1, 0, true)));
        changes.offers.push(Change::Insert(offer(2, 5, false)));
    })
    .await;
    assert_eq!(cheapest(&store).await, None);
    let prices = [Amount::MAX.units(), 30, 20];
    fill(&store, move |changes| {
        for (price, number) in prices.into_iter().zip(3..) {
            changes.offers.push(Change::Insert(offer(number, price, true)));
        }
    })
    .await;
    assert_eq!(cheapest(&store).await, Some(20));
    let withdraw = change(
        |wants| wants.offers.guard((id(5),)),
        |changes| {
            changes.offers.push(Change::Update(Offer { current: false, ..offer(5, 20, true) }));
        },
    );
    store.submit(withdraw).await.unwrap().unwrap();
    assert_eq!(cheapest(&store).await, Some(30));
    store.stop().await.unwrap();
}

fn lot(number: u64) -> Lot {
    Lot {
        wallet: id(7),
        id: id(number),
        kind: LotKind::Paid,
        amount: amount(10),
        priority: 50,
        expires_at: None,
        exchangeable_at: None,
        created_at: NOON,
    }
}

pub async fn orders_come_with_all_that_hangs_from_them(home: &Home) {
    let store = home.start().await;
    fill(&store, |changes| {
        changes.orders.push(Change::Insert(order(1, 7)));
        for number in [12, 11] {
            changes.order_lines.push(Change::Insert(line(number, 1)));
            for lot in [22, 21] {
                let kind = LotKind::Paid;
                let payment = LinePayment {
                    line: id(number),
                    lot: id(lot),
                    kind,
                    amount: amount(1),
                    place: 0,
                };
                changes.line_payments.push(Change::Insert(payment));
            }
            changes.licenses.push(Change::Insert(license(number + 20, 1, 7)));
        }
        changes.order_lines.push(Change::Insert(line(13, 2)));
        changes.receipts.push(Change::Insert(Receipt { order: id(1), number: 1, issued_at: NOON }));
        changes.downloads.push(Change::Insert(Download { license: id(31), file: id(1), at: NOON }));
    })
    .await;
    let lines = store.order_lines(id(1)).await.unwrap();
    assert_eq!(lines, vec![line(11, 1), line(12, 1)]);
    let payments = store.payments_of(&[id(12), id(11)]).await.unwrap();
    let pairs: Vec<_> = payments.iter().map(|p| (p.line.number(), p.lot.number())).collect();
    assert_eq!(pairs, vec![(11, 21), (11, 22), (12, 21), (12, 22)]);
    let licenses = store.licenses_of_orders(&[id(1), id(2)]).await.unwrap();
    assert_eq!(licenses, vec![license(31, 1, 7), license(32, 1, 7)]);
    assert_eq!(store.receipt(id(1)).await.unwrap().unwrap().number, 1);
    assert_eq!(store.downloads_of(id(31)).await.unwrap().len(), 1);
    store.stop().await.unwrap();
}

fn checkout(order: u64, request: &str, due_at: Option<i64>) -> Checkout {
    Checkout {
        order: id(order),
        provider: "https://pay.example".into(),
        request: Some(request.into()),
        url: None,
        pay_until: None,
        asked: Request { key: 1, fingerprint: 1, id: RequestId::NONE },
        offer: String::new(),
        confirmation: None,
        receipt: None,
        fulfilment: None,
        refunds: Vec::new(),
        subject: None,
        reason: None,
        refund: None,
        due_at: due_at.map(Timestamp::from_millis),
        attempts: 0,
    }
}

pub async fn checkouts_are_found_by_what_is_due_and_by_the_providers_names(home: &Home) {
    let store = home.start().await;
    fill(&store, |changes| {
        for (order, due) in [(1, Some(30)), (2, Some(20)), (3, None), (4, Some(10)), (5, Some(31))]
        {
            let confirmation = (order > 3).then(String::new);
            let row = checkout(order, &format!("req_{order}"), due);
            let row = Checkout { confirmation, ..row };
            changes.checkouts.push(Change::Insert(row));
        }
        for (subject, number) in [("s", 7), ("t", 8)] {
            changes.identities.push(Change::Insert(Identity {
                issuer: "https://pay.example".into(),
                subject: subject.into(),
                account: account(number),
                funded: None,
                heard_at: None,
                created_at: NOON,
            }));
        }
        let visit = Visit { key: 9, fingerprint: 1, order: id(3), at: NOON };
        changes.visits.push(Change::Insert(visit));
    })
    .await;
    let due = async |at, limit| {
        let rows = store.checkouts_due(Timestamp::from_millis(at), limit).await.unwrap();
        rows.iter().map(|row| row.order.number()).collect::<Vec<_>>()
    };
    assert_eq!(due(30, 10).await, [4, 2, 1], "the longest due first");
    assert_eq!(due(30, 2).await, [4, 2]);
    assert!(due(9, 10).await.is_empty());
    let decided = async |after, limit| {
        let rows = store.checkouts_from(id(after), limit).await.unwrap();
        rows.iter().map(|row| row.order.number()).collect::<Vec<_>>()
    };
    assert_eq!((decided(0, 9).await, decided(4, 9).await), (vec![4, 5], vec![5]));
    assert_eq!(decided(0, 1).await, [4]);
    assert_eq!(store.checkout(id(3)).await.unwrap(), Some(checkout(3, "req_3", None)));
    assert_eq!(store.checkouts_of(&[id(3), id(9)]).await.unwrap(), [checkout(3, "req_3", None)]);
    let named = store.checkout_by_request("req_2").await.unwrap().unwrap();
    assert_eq!(named.order, id(2));
    let known = store.identity("https://pay.example", "t").await.unwrap().unwrap();
    assert_eq!(known.account, account(8));
    assert_eq!(store.identity("https://other.example", "t").await.unwrap(), None);
    assert_eq!(store.identity_of(account(7)).await.unwrap().unwrap().subject, "s");
    assert_eq!(store.visit(9).await.unwrap().unwrap().order, id(3));
    let after = NOON.plus(Span::millis(1));
    assert!(store.visits_before(NOON, 5).await.unwrap().is_empty());
    assert_eq!(store.visits_before(after, 5).await.unwrap().len(), 1);
    assert!(store.visits_before(after, 0).await.unwrap().is_empty());
    let all = store.checkouts(Page { after: None, limit: 2 }).await.unwrap();
    let all: Vec<_> = all.iter().map(|checkout| checkout.order.number()).collect();
    assert!(all.len() == 2 && all.is_sorted_by(|a, b| a > b), "the newest first: {all:?}");
    store.stop().await.unwrap();
}

fn event(number: u64, subject: u64) -> Event {
    let kind = EventType::OrderPaid;
    Event::new(id(number), kind, id(7), Subject(subject), NOON)
}

fn placed(number: u64, subject: u64) -> Event {
    Event { seq: Some(number), ..event(number, subject) }
}

pub async fn what_is_about_an_order_is_found_and_nothing_else(home: &Home) {
    let store = home.start().await;
    let old = Id::<Order>::floor(NOON).number();
    let before = Id::<Order>::floor(NOON.minus(Span::minutes(59))).number();
    fill(&store, move |changes| {
        changes.order_lines.extend([line(11, old), line(12, old + 1)].map(Change::Insert));
        for (line, lot) in [(11, 22), (11, 21), (12, 23)] {
            let (line, lot, kind) = (id(line), id(lot), LotKind::Paid);
            let payment = LinePayment { line, lot, kind, amount: amount(1), place: 0 };
            changes.line_payments.push(Change::Insert(payment));
        }
        changes.lots.extend([lot(21), lot(22), lot(23)].map(Change::Insert));
        for (number, subject) in [(old + 5, old), (before, old), (old, old), (old + 6, old + 1)] {
            let row = Transfer { subject: Subject(subject), ..transfer(number) };
            changes.transfers.push(Change::Insert(row));
            let entry = if number == subject {
                Entry::purchase(account(7), id(number))
            } else {
                Entry::transfer(account(7), id(number))
            };
            changes.by_account.push(Change::Insert(entry));
        }
        for (key, target) in [(9, old), (8, old), (7, old + 1)] {
            let request = Request { key, fingerprint: 0, id: RequestId::default() };
            let entry = Entry::request(account(7), request, Subject(target));
            changes.by_account.push(Change::Insert(entry));
        }
        let places = [(2, old), (1, old), (3, 9)].map(|(number, subject)| placed(number, subject));
        changes.events.extend(places.map(Change::Insert));
        changes.licenses.push(Change::Insert(license(31, old, 7)));
        changes.licenses.push(Change::Insert(license(32, old + 1, 7)));
        for (license, file, at) in [(31, 1, 5), (31, 2, 4), (32, 1, 3)] {
            let (license, file, at) = (id(license), id(file), Timestamp::from_millis(at));
            changes.downloads.push(Change::Insert(Download { license, file, at }));
        }
    })
    .await;
    let (who, order) = (account(7), id(old));
    assert_eq!(store.lots_of_order(order).await.unwrap(), vec![lot(21), lot(22)]);
    let transfers = store.transfers_of_order(who, order).await.unwrap();
    let numbers: Vec<u64> = transfers.iter().map(|transfer| transfer.id.number()).collect();
    assert_eq!(numbers, vec![before, old, old + 5]);
    let requests = store.requests_of_order(who, order).await.unwrap();
    assert_eq!(requests.iter().map(|entry| entry.key).collect::<Vec<_>>(), vec![8, 9]);
    let events = store.events_of_order(order).await.unwrap();
    assert_eq!(events, vec![placed(1, old), placed(2, old)]);
    let downloads = store.downloads_of_order(order).await.unwrap();
    let files: Vec<u64> = downloads.iter().map(|download| download.file.number()).collect();
    assert_eq!(files, vec![2, 1]);
    store.stop().await.unwrap();
}

pub async fn what_a_merchant_waits_for_is_told_from_what_is_payable(home: &Home) {
    let store = home.start().await;
    let captured = |number, units, refunded, fulfilled: Option<i64>, window: i64| PurchaseRequest {
        state: RequestState::Captured,
        amount: amount(units),
        fee: amount(1),
        refunded: amount(refunded),
        captured_at: Some(NOON),
        fulfilled_at: fulfilled.map(Timestamp::from_millis),
        refund_until: Some(Timestamp::from_millis(window)),
        due_at: Some(Timestamp::from_millis(window)),
        ..request(number, 5)
    };
    fill(&store, move |changes| {
        changes.merchants.push(Change::Insert(merchant(5)));
        let rows = [
            captured(1, 10, 0, None, 1),
            captured(2, 20, 4, Some(1), 9),
            captured(3, 40, 0, Some(1), 5),
            captured(4, 80, 80, Some(1), 9),
            request(6, 5),
            // Neither window nor delivery; delivered, and no window; another merchant's.
            PurchaseRequest { refund_until: None, ..captured(7, 160, 0, None, 9) },
            PurchaseRequest { refund_until: None, ..captured(8, 320, 0, Some(1), 9) },
            PurchaseRequest { merchant: id(6), ..captured(9, 640, 0, None, 9) },
            PurchaseRequest { captured_at: None, ..captured(10, 1280, 0, None, 9) },
        ];
        changes.purchase_requests.extend(rows.map(Change::Insert));
        for seq in 1..4 {
            let (merchant, kind, request) = (id(5), MerchantEventKind::Captured, Some(id(seq)));
            let event = MerchantEvent { merchant, seq, kind, request, at: NOON };
            changes.merchant_events.push(Change::Insert(event));
        }
    })
    .await;
    let pending = store.merchant_pending(id(5), Timestamp::from_millis(5)).await.unwrap();
    assert_eq!(pending.units(), 9 + 15 + 159, "undelivered, and in its window");
    let pending = store.merchant_pending(id(4), NOON).await.unwrap();
    assert!(pending.is_zero());
    let events = store.merchant_events(id(5), 1, Timestamp::default(), 1).await.unwrap();
    assert_eq!(events.iter().map(|event| event.seq).collect::<Vec<_>>(), vec![2]);
    let due = store.purchase_requests_due(Timestamp::from_millis(5), 10).await.unwrap();
    assert_eq!(due.iter().map(|row| row.id.number()).collect::<Vec<_>>(), vec![1, 3]);
    let found = store.purchase_request_of(id(5), "ord_6").await.unwrap();
    assert_eq!(found.map(|row| row.id.number()), Some(6));
    store.stop().await.unwrap();
}

/// Events with places, of two accounts in turns, and one without.
async fn fed(home: &Home) -> Running {
    let store = home.start().await;
    fill(&store, |changes| {
        for (number, seq) in
            [(11, Some(2)), (12, Some(1)), (13, Some(3)), (14, Some(4)), (15, None)]
        {
            let kind = EventType::OrderPaid;
            let whose = account(6 + number % 2);
            let event = Event { seq, ..Event::new(id(number), kind, whose, Subject(number), NOON) };
            changes.events.push(Change::Insert(event));
            // One of them bears the number of its order.
            let entry = if number == 13 {
                Entry::purchase(whose, id(number))
            } else {
                Entry::event(whose, id(number))
            };
            changes.by_account.push(Change::Insert(entry));
        }
        changes.orders.push(Change::Insert(order(11, 7)));
    })
    .await;
    // The one writer of a file has given it a place.
    home.execute("UPDATE events SET seq = NULL WHERE id = 15").await;
    home.execute("UPDATE feed SET last = 0").await;
    store
}

pub async fn the_feed_goes_by_places(home: &Home) {
    let store = fed(home).await;
    let numbers = |events: Vec<Event>| events.iter().map(|e| e.id.number()).collect::<Vec<_>>();
    assert_eq!(numbers(store.unpublished(5).await.unwrap()), [15]);
    assert_eq!(numbers(store.events_between(0, 9, 5).await.unwrap()), [12, 11, 13, 14]);
    assert_eq!(numbers(store.events_between(1, 3, 5).await.unwrap()), [11, 13]);
    assert_eq!(numbers(store.events_between(0, 9, 1).await.unwrap()), [12]);
    assert_eq!(store.seq_from(id(12)).await.unwrap(), Some(1));
    assert_eq!(store.seq_from(id(15)).await.unwrap(), None);
    let of = |told: Vec<Told>| told.iter().map(|t| t.event.id.number()).collect::<Vec<_>>();
    assert_eq!(of(store.told_between(1, 9, 9).await.unwrap()), [11, 13, 14]);
    assert_eq!(of(store.told_between(1, 3, 1).await.unwrap()), [11]);
    let own = async |from, window, after, limit| {
        of(store.told_of(account(7), (id(from), window), after, limit).await.unwrap())
    };
    assert_eq!(own(0, 9, 0, 9).await, [11, 13]);
    assert_eq!(own(0, 9, 2, 9).await, [13]);
    assert_eq!(own(12, 9, 0, 9).await, [13]);
    assert_eq!(own(0, 1, 0, 9).await, [11]);
    assert_eq!(own(0, 9, 0, 1).await, [11]);
    let state = async |number| store.told_event(id(number)).await.unwrap().unwrap().state;
    assert_eq!(state(11).await.as_deref(), Some(order(11, 7).state.as_str()));
    assert_eq!(state(12).await, None);
    store.stop().await.unwrap();
}

/// A page after the other, each from the place where the one before ended: of one account, so many at a time.
async fn own_feed(store: &Store, limit: u32) -> Vec<u64> {
    let (mut all, mut after) = (Vec::new(), 0);
    loop {
        let page = store.told_of(account(7), (id(0), 9), after, limit).await.unwrap();
        let Some(last) = page.last() else { return all };
        after = last.event.seq.unwrap();
        all.extend(page.iter().map(|told| told.event.id.number()));
    }
}

pub async fn licenses_that_were_issued_are_told_beside_their_order(home: &Home) {
    let store = home.start().await;
    fill(&store, |changes| {
        let mut tell = |number, kind, subject: u64, listed: Option<Entry>| {
            let event = Event::new(id(number), kind, account(7), Subject(subject), NOON);
            changes.events.push(Change::Insert(event));
            changes.by_account.extend(listed.map(Change::Insert));
        };
        let (paid, issued) = (EventType::OrderPaid, EventType::LicenseIssued);
        // In one step event and order bear one number, and so do a license and what tells of it; a merchant's do not.
        tell(100, paid, 100, Some(Entry::purchase(account(7), id(100))));
        (101..201).for_each(|number| tell(number, issued, number, None));
        tell(300, paid, 250, Some(Entry::event(account(7), id(300))));
        (301..304).for_each(|number| tell(number, issued, number - 50, None));
        tell(310, EventType::OrderRefunded, 250, Some(Entry::event(account(7), id(310))));
        tell(311, EventType::LicenseReissued, 252, Some(Entry::event(account(7), id(311))));
        let of = |order| move |number| Change::Insert(license(number, order, 7));
        changes.licenses.extend((101..201).map(of(100)).chain((251..254).map(of(250))));
    })
    .await;
    while !store.unpublished(1).await.unwrap().is_empty() {
        home.execute(
            "UPDATE feed SET last = last + 1; UPDATE events SET seq = (SELECT last FROM feed)
                WHERE id = (SELECT MIN(id) FROM events WHERE seq IS NULL)",
        )
        .await;
    }
    let all: Vec<u64> = (100..201).chain(300..304).chain([310, 311]).collect();
    for limit in [1, 7, 100, 1000] {
        assert_eq!(own_feed(&store, limit).await, all, "{limit} at a time");
    }
    let told = store.told_of(account(7), (id(0), 1), 1, 1).await.unwrap();
    let state = license(101, 100, 7).state;
    assert_eq!(told[0].state.as_deref(), Some(state.as_str()));
    let told = store.told_of(account(7), (id(101), 9), 0, 9).await.unwrap();
    assert_eq!(told[0].event.id.number(), 300, "what is looked at begins with an order");
    assert!(store.told_of(account(8), (id(0), 9), 0, 9).await.unwrap().is_empty());
    store.stop().await.unwrap();
}

pub async fn letters_are_found_by_what_is_due_and_by_address(home: &Home) {
    let store = home.start().await;
    let later = NOON.plus(Span::seconds(1));
    fill(&store, move |changes| {
        let letter = |number, to: &str, at| {
            let to = Recipient::Address(to.to_owned());
            Letter::new(id(number), Some(account(1)), to, About::Welcome {}, at)
        };
        let sent = Letter {
            state: LetterState::Sent,
            due_at: None,
            sent_at: Some(NOON),
            ..letter(31, "ada@example.com", NOON)
        };
        let others = [letter(32, "ada@example.com", later), letter(33, "bob@example.com", NOON)];
        changes.letters.push(Change::Insert(sent));
        changes.letters.extend(others.map(Change::Insert));
        changes.postbox.push(Change::Insert(Postbox { number: Postbox::ONLY, position: 4 }));
        let digest = Gathered::new(account(1), NOON);
        changes.digests.push(Change::Insert(Gathered { due_at: later, ..digest }));
        let session = |number: u8, whose| Session {
            token: [number; 16],
            account: account(whose),
            wallet: id(1),
            created_at: NOON,
            expires_at: NOON,
        };
        // The second and the third have the same end, the last one none.
        let ends = [(51, Some(later)), (52, Some(NOON)), (53, Some(NOON)), (54, None)];
        for (number, next_expiry) in ends {
            let wallet = Wallet::empty(id(number), account(number));
            changes.wallets.push(Change::Insert(Wallet { next_expiry, ..wallet }));
        }
        changes.warned.push(Change::Insert(Warned { account: account(52), until: NOON }));
        let sessions = [session(1, 1), session(2, 1), session(3, 2)];
        changes.sessions.extend(sessions.map(Change::Insert));
    })
    .await;
    let numbers = |rows: Vec<Letter>| rows.iter().map(|row| row.id.number()).collect::<Vec<_>>();
    assert_eq!(numbers(store.letters_due(NOON, 9).await.unwrap()), [33]);
    assert_eq!(numbers(store.letters_due(later, 9).await.unwrap()), [33, 32]);
    assert_eq!(numbers(store.letters_due(later, 1).await.unwrap()), [33]);
    assert_eq!(numbers(store.letters_to("ada@example.com", 9).await.unwrap()), [32, 31]);
    assert_eq!(numbers(store.letters_before(id(40), 9).await.unwrap()), [31]);
    assert!(store.letters_before(id(31), 9).await.unwrap().is_empty());
    assert_eq!(store.postbox().await.unwrap().unwrap().position, 4);
    // A round, page by page.
    let warn = async |soon, limit| {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let wallets = store.wallets_to_warn(soon, after, limit).await.unwrap();
            let Some(last) = wallets.last() else { return all };
            after = Some((last.next_expiry.unwrap(), last.id));
            all.extend(wallets.iter().map(|wallet| wallet.id.number()));
        }
    };
    for limit in [1, 2, 9] {
        assert_eq!(warn(NOON, limit).await, [53], "the other one was told");
        assert_eq!(warn(later, limit).await, [52, 53, 51], "of what expires later it was not");
        assert_eq!(warn(NOON.minus(Span::seconds(1)), limit).await, [] as [u64; 0]);
    }
    assert!(store.digests_due(NOON, 9).await.unwrap().is_empty());
    assert_eq!(store.digests_due(later, 9).await.unwrap().len(), 1);
    assert_eq!(store.sessions_of(account(1), 9).await.unwrap().len(), 2);
    assert_eq!(store.sessions_of(account(1), 1).await.unwrap().len(), 1);
    store.stop().await.unwrap();
}

pub async fn what_webhooks_wait_for_is_found_by_endpoint(home: &Home) {
    let store = fed(home).await;
    fill(&store, |changes| {
        let guide = endpoint(21);
        let removed = WebhookEndpoint { removed_at: Some(NOON), ..endpoint(22) };
        let disabled = WebhookEndpoint {
            disabled: Some(Disabled::Staff),
            disabled_at: Some(NOON),
            ..endpoint(23)
        };
        changes.webhook_endpoints.extend([guide, removed, disabled].map(Change::Insert));
        let later = NOON.plus(Span::seconds(1));
        let due = |number, to, at| Delivery::new(id(number), id(to), Some(id(11)), at);
        let done = Delivery { state: DeliveryState::Delivered, due_at: None, ..due(31, 21, NOON) };
        let all =
            [done, due(32, 21, later), due(33, 21, NOON), due(34, 22, NOON), due(35, 23, NOON)];
        changes.deliveries.extend(all.map(Change::Insert));
    })
    .await;
    let numbers = |rows: Vec<Delivery>| rows.iter().map(|d| d.id.number()).collect::<Vec<_>>();
    let all = store.webhook_endpoints(PAGE).await.unwrap();
    assert_eq!(all.iter().map(|e| e.id.number()).collect::<Vec<_>>(), [23, 21]);
    assert_eq!(store.webhooks_waiting(NOON).await.unwrap(), [id(21)]);
    assert!(store.webhooks_waiting(NOON.minus(Span::seconds(1))).await.unwrap().is_empty());
    home.execute("UPDATE feed SET last = 4").await;
    let before = NOON.minus(Span::seconds(1));
    assert_eq!(store.webhooks_waiting(before).await.unwrap(), [id(21)], "behind in the feed");
    assert_eq!(numbers(store.deliveries_of(id(21), PAGE).await.unwrap()), [33, 32, 31]);
    assert_eq!(numbers(store.deliveries_due(id(21), NOON, 9).await.unwrap()), [33]);
    let later = NOON.plus(Span::hours(1));
    assert_eq!(numbers(store.deliveries_due(id(21), later, 9).await.unwrap()), [33, 32]);
    assert_eq!(store.deliveries_pending(id(21), 9).await.unwrap(), 2);
    assert_eq!(store.deliveries_pending(id(21), 1).await.unwrap(), 1);
    assert_eq!(numbers(store.deliveries_before(id(33), 9).await.unwrap()), [31, 32]);
    store.stop().await.unwrap();
}

pub async fn restores_are_found_by_what_is_due(home: &Home) {
    let store = home.start().await;
    fill(&store, |changes| {
        let epoch = |number| Change::Insert(Epoch { number, since: NOON, at: NOON });
        changes.epochs.extend([epoch(2), epoch(3)]);
        let begun = |peer: &str, due: i64| {
            let due = Timestamp::from_millis(NOON.millis() + due);
            Reunion::begin(3, peer.to_owned(), PeerKind::Merchant, due)
        };
        let over = begun("c", 0).ended(ReunionState::Skipped, NOON);
        let partner = Reunion { kind: PeerKind::Partner, ..begun("d", 1) };
        let all = [begun("b", 0), begun("a", -1), over, partner];
        changes.reunions.extend(all.into_iter().map(Change::Insert));
        let lacking = |number| {
            Change::Insert(Discrepancy {
                peer: "a".to_owned(),
                name: format!("req_{number}"),
                id: id(number),
                epoch: 3,
                order: String::new(),
                lack: Lack::Funds,
                amount: amount(1),
                detail: String::new(),
                at: NOON,
            })
        };
        changes.discrepancies.extend([lacking(7), lacking(9), lacking(8)]);
    })
    .await;
    assert_eq!(store.epoch().await.unwrap().unwrap().number, 3);
    let peers = |rows: Vec<Reunion>| rows.into_iter().map(|row| row.peer).collect::<String>();
    assert_eq!(peers(store.reunions(3).await.unwrap()), "abcd");
    assert_eq!(peers(store.reunions(2).await.unwrap()), "");
    assert_eq!(peers(store.reunions_due(NOON, 5).await.unwrap()), "ab");
    assert_eq!(peers(store.reunions_due(NOON, 1).await.unwrap()), "a");
    let later = NOON.plus(Span::millis(1));
    assert_eq!(peers(store.reunions_due(later, 5).await.unwrap()), "dab", "partners first");
    assert_eq!(store.reunion(3, "c").await.unwrap().unwrap().state, ReunionState::Skipped);
    let page = store.discrepancies(Page { after: Some(9), limit: 5 }).await.unwrap();
    assert_eq!(page.iter().map(|row| row.id.number()).collect::<Vec<_>>(), [8, 7]);
    store.stop().await.unwrap();
}

pub async fn exchanges_are_found_by_what_is_due_and_by_whose_they_are(home: &Home) {
    let store = home.start().await;
    let later = NOON.plus(Span::seconds(1));
    fill(&store, move |changes| {
        let due = |number, partner, due_at, state| Exchange {
            due_at,
            state,
            ..exchange(number, partner)
        };
        for one in [
            due(1, 4, Some(later), ExchangeState::Reserved),
            due(2, 4, Some(NOON), ExchangeState::Prepared),
            due(3, 5, None, ExchangeState::Refused),
        ] {
            changes.by_account.push(Change::Insert(Entry::exchange(account(7), one.id)));
            changes.exchanges.push(Change::Insert(one));
        }
        let lapsed = |number, until, state| Incoming { until, state, ..prepared(number, 4) };
        for one in [
            lapsed(1, later, IncomingState::Prepared),
            lapsed(2, NOON, IncomingState::Prepared),
            lapsed(3, NOON, IncomingState::Lapsed),
        ] {
            changes.incoming_exchanges.push(Change::Insert(one));
        }
    })
    .await;
    let numbers = |rows: Vec<Exchange>| rows.iter().map(|x| x.id.number()).collect::<Vec<_>>();
    assert_eq!(numbers(store.exchanges_due(NOON, 5).await.unwrap()), [2]);
    assert_eq!(numbers(store.exchanges_due(later, 5).await.unwrap()), [2, 1]);
    assert_eq!(numbers(store.exchanges_of(account(7), PAGE).await.unwrap()), [3, 2, 1]);
    let page = Page { after: Some(3), limit: 1 };
    assert_eq!(numbers(store.exchanges_of(account(7), page).await.unwrap()), [2]);
    let reserved = Some(ExchangeState::Reserved);
    assert_eq!(numbers(store.exchanges(reserved, None, PAGE).await.unwrap()), [1]);
    assert_eq!(numbers(store.exchanges(None, Some(id(4)), PAGE).await.unwrap()), [2, 1]);
    assert_eq!(numbers(store.exchanges(reserved, Some(id(5)), PAGE).await.unwrap()), [0_u64; 0]);
    assert_eq!(numbers(store.exchanges(None, None, page).await.unwrap()), [2]);
    let lapsed = store.incoming_lapsed(NOON, 5).await.unwrap();
    assert_eq!(lapsed.iter().map(|one| one.exchange.number()).collect::<Vec<_>>(), [2]);
    assert_eq!(store.incoming_by_quote("4-3").await.unwrap().unwrap().exchange, id(3));
    let documents = store.exchange_documents(Some(id(1)), 1).await.unwrap();
    assert_eq!(documents.iter().map(|one| one.exchange.number()).collect::<Vec<_>>(), [2]);
    let documents = store.incoming_documents(Some((id(4), id(1))), 5).await.unwrap();
    assert_eq!(documents.iter().map(|one| one.1.exchange.number()).collect::<Vec<_>>(), [2, 3]);
}

/// A quote is used up by one exchange: of two side by side the second is told that somebody was faster.
pub async fn a_quote_is_used_once(home: &Home) {
    let store = home.start().await;
    let using = |number| {
        write(move |changes| {
            let row = Incoming { quote: "once".into(), ..prepared(number, 4) };
            changes.incoming_exchanges.push(Change::Insert(row));
        })
    };
    let (first, second) = tokio::join!(store.submit(using(1)), store.submit(using(2)));
    assert_eq!(first.unwrap(), Ok(()));
    assert!(matches!(second, Err(scrip_storage::Fault::Conflict)), "{second:?}");
    assert_eq!(store.incoming_by_quote("once").await.unwrap().unwrap().exchange, id(1));
}
