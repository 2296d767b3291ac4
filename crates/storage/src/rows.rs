//! Which domain type is kept in which table, field by field.

use scrip_domain::account::{Account, Login, NewEmail, Person};
use scrip_domain::agreement::{
    Agreement, AgreementState, By, Figures, Terms as AgreementTerms, Untold,
};
use scrip_domain::api_key::{ApiKey, Scope};
use scrip_domain::audit::{Act, Actor, Audit};
use scrip_domain::auto_top_up::{AutoErrand, AutoTopUp, Stopped};
use scrip_domain::bank::{BankDetails, Bic, Iban};
use scrip_domain::catalog::{
    BundleItem, File, Labels, Offer, Picture, Product, ProductKind, ProductState, Release,
};
use scrip_domain::checkout::{Checkout, PendingRefund};
use scrip_domain::connection::{
    Connection, ConnectionState, MerchantSubject, ReturnCode, SubjectName,
};
use scrip_domain::coupon::{Coupon, Discount, OrderCoupon};
use scrip_domain::credit::{Assessment, CreditFile};
use scrip_domain::credit_line::{CreditLine, Repayment};
use scrip_domain::document::GivenBackBy;
use scrip_domain::event::{Event, EventType, Feed, Subject};
use scrip_domain::exchange::{
    Exchange, ExchangeDay, ExchangeQuote, ExchangeState, Incoming, IncomingState,
};
use scrip_domain::factor::Factor;
use scrip_domain::hold::{Hold, HoldLot, HoldState};
use scrip_domain::identity::{Identity, Visit};
use scrip_domain::ledger::{Counters, LedgerAccount, Reason, Transfer};
use scrip_domain::legal::{LegalName, LegalText};
use scrip_domain::letter::{
    About, Digest as Gathered, Letter, LetterState, Postbox, Recipient, Warned,
};
use scrip_domain::license::{License, LicenseState, Reissue};
use scrip_domain::link::{Link, LinkRequest, LinkState, PartnerSubject};
use scrip_domain::listing::{LabelKind, Labelled, Listing};
use scrip_domain::lot::{Lot, LotChange, LotChangeKind, LotKind, OpenLot};
use scrip_domain::merchant::{
    Fee, KeyOwner, Merchant, MerchantEvent, MerchantEventKind, MerchantKey, MerchantLimits,
    MerchantState, MerchantTransfer, MerchantUrl, Payout,
};
use scrip_domain::order::{Check, DeclineReason, Line, LinePayment, Order, OrderState};
use scrip_domain::partner::{EntryKind, Partner, PartnerEntry, PartnerUrl, Side, Suspended};
use scrip_domain::passkey::Passkey;
use scrip_domain::payment_method::{Customer, PaymentMethod};
use scrip_domain::purchase_request::{
    Notice, PurchaseRequest, RequestRefund, RequestRefundLot, RequestState,
};
use scrip_domain::refund::{LicensePolicy, Refund, RefundLine, RefundLot};
use scrip_domain::refund_request::{RefundPolicy, RefundRequest, RefundRequestState};
use scrip_domain::report::DayFigures;
use scrip_domain::request::{Request, RequestId};
use scrip_domain::restore::{Discrepancy, Epoch, Lack, PeerKind, Reunion, ReunionState};
use scrip_domain::reversal::{DebtPayment, Reversal, ReversalKind, ReversalLot, ReversalState};
use scrip_domain::session::Session;
use scrip_domain::settings::{FormerName, Settings, Vendor};
use scrip_domain::staff::{StaffLogin, StaffMember, StaffRole, StaffRoll, StaffSession};
use scrip_domain::statement::{
    Difference, Settlement, SettlementKey, SettlementMethod, SettlementState, Statement,
    StatementState,
};
use scrip_domain::texts::Texts;
use scrip_domain::top_up::{
    Appeal, Charge, Due, Errand, Payment, Remittance, Reversed, TopUp, TopUpMethod, TopUpState,
};
use scrip_domain::usage::{Activation, Consumption, Extension, Lease, Reminder, Tried, Usage};
use scrip_domain::visibility::{Level, Visibility};
use scrip_domain::voucher::{CodeDigest, Voucher, VoucherBatch, VoucherKind};
use scrip_domain::wallet::Wallet;
use scrip_domain::webhook::{Delivery, DeliveryState, Disabled, WebhookEndpoint};
use scrip_domain::{Amount, Id, Money, Timestamp, Unit};
use scrip_license::{Digest, Limits, Terms};

use crate::index::{Download, Entry, Receipt, ServerLease, StartedTicket};
use crate::table::row;

row!(ServerLease, "servers", group(number: u8), key(number: u8), {
    number: u8, ceiling: Timestamp, ahead_from: Option<Timestamp>, ahead_until: Option<Timestamp>,
});

row!(Vendor, "vendor", group(id: Id<Vendor>), key(id: Id<Vendor>), {
    id: Id<Vendor>, settings: Settings, former_names: Vec<FormerName>, imprint: Option<[u8; 16]>,
});

row!(LegalText, "legal_texts", group(name: LegalName), key(name: LegalName, version: String), {
    name: LegalName, version: String, text: String, published_at: Timestamp,
});

row!(Account, "accounts", group(id: Id<Account>), key(id: Id<Account>), {
    id: Id<Account>, wallet: Id<Wallet>, email: String, person: Person,
    created_at: Timestamp, frozen_at: Option<Timestamp>, frozen_by_dispute: bool, verified_at: Option<Timestamp>,
    terms_version: Option<String>, erased_at: Option<Timestamp>, sweep_at: Option<Timestamp>,
});

row!(Login, "logins", group(email: String), key(email: String), {
    email: String, account: Id<Account>, password: String, signed_in_at: Option<Timestamp>,
    new_email: Option<NewEmail>, factor as "": Factor, passkeys: Vec<Passkey>,
});

row!(Session, "sessions", group(token: [u8; 16]), key(token: [u8; 16]), {
    token: [u8; 16], account: Id<Account>, wallet: Id<Wallet>, created_at: Timestamp, expires_at: Timestamp,
});

row!(ApiKey, "api_keys", group(id: Id<ApiKey>), key(id: Id<ApiKey>), {
    id: Id<ApiKey>, account: Option<Id<Account>>, secret: Vec<u8>, scopes: Vec<Scope>, label: String,
    created_at: Timestamp, revoked_at: Option<Timestamp>,
});

row!(StaffMember, "staff", group(id: Id<StaffMember>), key(id: Id<StaffMember>), {
    id: Id<StaffMember>, email: String, name: String, role: StaffRole, password: Option<String>,
    invitation: Option<[u8; 16]>, invited_until: Option<Timestamp>, series: u32,
    factor as "": Factor, created_at: Timestamp,
    joined_at: Option<Timestamp>, ended_at: Option<Timestamp>,
});

row!(StaffLogin, "staff_logins", group(email: String), key(email: String), {
    email: String, member: Id<StaffMember>,
});

row!(StaffSession, "staff_sessions", group(token: [u8; 16]), key(token: [u8; 16]), {
    token: [u8; 16], member: Id<StaffMember>, series: u32, created_at: Timestamp, expires_at: Timestamp,
});

row!(StaffRoll, "staff_roll", group(number: u8), key(number: u8), { number: u8, owners: u32 });

row!(Wallet, "wallets", group(id: Id<Wallet>), key(id: Id<Wallet>), {
    id: Id<Wallet>, account: Id<Account>, free: Counters, held: Counters, owed: Counters, lots: Vec<OpenLot>,
    next_expiry: Option<Timestamp>, alarm: Option<Amount>, joined_until: Option<Timestamp>,
});

row!(Lot, "lots", group(id: Id<Lot>), key(id: Id<Lot>), {
    id: Id<Lot>, wallet: Id<Wallet>, kind: LotKind, amount: Amount, priority: u8, expires_at: Option<Timestamp>, exchangeable_at: Option<Timestamp>, created_at: Timestamp,
});

row!(LotChange, "lot_changes", group(transfer: Id<Transfer>), key(transfer: Id<Transfer>, lot: Id<Lot>), {
    transfer: Id<Transfer>, lot: Id<Lot>, kind: LotChangeKind, amount: Amount,
});

row!(Transfer, "transfers", group(id: Id<Transfer>), key(id: Id<Transfer>), {
    id: Id<Transfer>, debit: LedgerAccount, credit: LedgerAccount, amount: Amount, reason: Reason,
    subject: Subject, at: Timestamp,
});

row!(Hold, "holds", group(id: Id<Hold>), key(id: Id<Hold>), {
    id: Id<Hold>, wallet: Id<Wallet>, amount: Amount, reason: Reason, subject: Subject, state: HoldState,
    created_at: Timestamp, expires_at: Timestamp, resolved_at: Option<Timestamp>,
});

row!(HoldLot, "hold_lots", group(hold: Id<Hold>), key(hold: Id<Hold>, lot: Id<Lot>), {
    hold: Id<Hold>, lot: Id<Lot>, kind: LotKind, amount: Amount, place: u32,
});

row!(TopUp, "top_ups", group(id: Id<TopUp>), key(id: Id<TopUp>), {
    id: Id<TopUp>, account: Id<Account>, state: TopUpState, reason: Option<String>, method: TopUpMethod,
    payment_method: Option<String>, tokens: Amount, pay: Option<Money>, assessments: Vec<Assessment>,
    payment: Option<Payment>, due: Option<Due>, lots: Vec<Id<Lot>>, reversed: Option<Reversed>, appeal: Option<Appeal>, note: Option<String>, created_at: Timestamp,
    credited_at: Option<Timestamp>, request: Option<Request>,
});

row!(Remittance, "remittances", group(top_up: Id<TopUp>), key(top_up: Id<TopUp>, id: Id<Remittance>), {
    top_up: Id<TopUp>, id: Id<Remittance>, money: Money, tokens: Amount, transfer: Option<Id<Transfer>>,
    note: String, request: Request, at: Timestamp,
});

row!(VoucherBatch, "voucher_batches", group(id: Id<VoucherBatch>), key(id: Id<VoucherBatch>), {
    id: Id<VoucherBatch>, label: String, tokens: Amount, count: u32, redeemed: u32, kind: VoucherKind,
    starts_at: Option<Timestamp>, expires_at: Option<Timestamp>, per_account: Option<u32>,
    tokens_expire_after_days: Option<u32>, created_at: Timestamp, closed_at: Option<Timestamp>,
});

row!(Voucher, "vouchers", group(code: CodeDigest), key(code: CodeDigest), {
    code: CodeDigest, batch: Id<VoucherBatch>, top_up: Option<Id<TopUp>>,
});

row!(Coupon, "coupons", group(code: String), key(code: String, id: Id<Coupon>), {
    code: String, id: Id<Coupon>, discount: Discount, starts_at: Option<Timestamp>, ends_at: Option<Timestamp>,
    max_uses: Option<u32>, max_uses_per_account: Option<u32>, min_total: Option<Amount>,
    products: Vec<Id<Product>>, offers: Vec<Id<Offer>>, uses: u32, created_at: Timestamp,
    closed_at: Option<Timestamp>,
});

row!(CreditFile, "credit_files", group(account: Id<Account>), key(account: Id<Account>), {
    account: Id<Account>, day: Timestamp, day_count: u32, day_tokens: Amount, credited: u32, declined: u32,
    disputed: u32,
});

row!(AutoTopUp, "auto_top_ups", group(account: Id<Account>), key(account: Id<Account>), {
    account: Id<Account>, below: Amount, target: Amount, payment_method: Option<String>,
    monthly_limit: Option<Money>, top_up: Option<Id<TopUp>>, declines: u32, stopped: Option<Stopped>,
    day: Timestamp, day_count: u32, month: Timestamp, month_paid: Amount,
});

row!(AutoErrand, "auto_errands", group(account: Id<Account>), key(account: Id<Account>), {
    account: Id<Account>, due_at: Timestamp,
});

row!(CreditLine, "credit_lines", group(account: Id<Account>), key(account: Id<Account>), {
    account: Id<Account>, limit: Money, owed: Counters,
});

row!(Repayment, "repayments", group(id: Id<Repayment>), key(id: Id<Repayment>), {
    id: Id<Repayment>, account: Id<Account>, money: Money, owed: Amount, note: String, request: Request,
    at: Timestamp,
});

row!(Charge, "charges", group(processor: String, name: String), key(processor: String, name: String), {
    processor: String, name: String, top_up: Id<TopUp>, money: Money, fee: Option<Money>, refunded: Amount,
    disputed: Amount, at: Timestamp,
});

row!(Errand, "errands", group(top_up: Id<TopUp>), key(top_up: Id<TopUp>), {
    top_up: Id<TopUp>, due_at: Timestamp, attempts: u32,
});

row!(Customer, "customers", group(account: Id<Account>, processor: String),
    key(account: Id<Account>, processor: String), {
    account: Id<Account>, processor: String, name: String, created_at: Timestamp,
});

row!(PaymentMethod, "payment_methods", group(account: Id<Account>), key(account: Id<Account>, name: String), {
    account: Id<Account>, name: String, processor: String, brand: String, last_four: String, expiry_year: u32,
    expiry_month: u8, created_at: Timestamp, detach_at: Option<Timestamp>,
});

row!(Reversal, "reversals", group(top_up: Id<TopUp>), key(top_up: Id<TopUp>, id: Id<Reversal>), {
    top_up: Id<TopUp>, id: Id<Reversal>, kind: ReversalKind, state: ReversalState, name: Option<String>,
    claimed: Amount, money: Amount, tokens: Amount, owed: Amount, reason: String, request: Option<Request>,
    at: Timestamp, settled_at: Option<Timestamp>,
});

row!(ReversalLot, "reversal_lots", group(top_up: Id<TopUp>),
    key(top_up: Id<TopUp>, reversal: Id<Reversal>, lot: Id<Lot>), {
    top_up: Id<TopUp>, reversal: Id<Reversal>, lot: Id<Lot>, amount: Amount,
});

row!(DebtPayment, "debt_payments", group(wallet: Id<Wallet>), key(wallet: Id<Wallet>, lot: Id<Lot>), {
    wallet: Id<Wallet>, lot: Id<Lot>, amount: Amount,
});

row!(Product, "products", group(id: Id<Product>), key(id: Id<Product>), {
    id: Id<Product>, slug: String, kind: ProductKind, state: ProductState, title: String,
    summary: String, labels: Labels, pictures: Vec<Picture>, visibility: Visibility,
    price_from: Option<Amount>, cheapest: Option<Amount>, release: Option<Id<Release>>, version: u64,
    created_at: Timestamp, updated_at: Timestamp, instructions: String, description: String, texts: Texts,
});

row!(Listing, "listings", group(product: Id<Product>), key(product: Id<Product>), {
    product: Id<Product>, kind: ProductKind, title: String, price: Option<Amount>,
    cheapest: Option<Amount>, see_product: Option<Level>, see_price: Option<Level>,
    see_description: Option<Level>, words: String, description_words: String,
});

row!(Labelled, "labelled", group(product: Id<Product>),
    key(product: Id<Product>, kind: LabelKind, label: String), {
    product: Id<Product>, kind: LabelKind, label: String, title: String, price: Option<Amount>,
});

row!(Offer, "offers", group(id: Id<Offer>), key(id: Id<Offer>), {
    id: Id<Offer>, product: Id<Product>, key: String, price: Amount, terms: Terms, limits: Limits,
    current: bool, retired_at: Option<Timestamp>, created_at: Timestamp,
});

row!(Release, "releases", group(id: Id<Release>), key(id: Id<Release>), {
    id: Id<Release>, product: Id<Product>, version: String, channel: String, notes: String,
    manifest: String, published_at: Option<Timestamp>,
});

row!(File, "files", group(release: Id<Release>), key(release: Id<Release>, id: Id<File>), {
    release: Id<Release>, id: Id<File>, name: String, size: u64, sha256: String, platform: String,
    media_type: String, sha512: String,
});

row!(Order, "orders", group(id: Id<Order>), key(id: Id<Order>), {
    id: Id<Order>, account: Option<Id<Account>>, state: OrderState, total: Amount, coupon: Option<OrderCoupon>,
    reason: Option<DeclineReason>, again: bool, checks: Vec<Check>, selected_at: Timestamp, expires_at: Timestamp,
    paid_at: Option<Timestamp>, balance_after: Option<Amount>, terms_version: Option<String>,
    payment_method: Option<String>, refund_policy: Option<RefundPolicy>,
});

row!(Line, "order_lines", group(order: Id<Order>), key(order: Id<Order>, id: Id<Line>), {
    order: Id<Order>, id: Id<Line>, offer: Id<Offer>, product: Id<Product>, title: String,
    price: Amount, discount: Option<Amount>, quantity: u32, terms: Terms, limits: Limits,
    release: Option<Id<Release>>, extends: Option<Id<License>>, bundle: Option<Id<Offer>>,
});

row!(LinePayment, "line_payments", group(line: Id<Line>), key(line: Id<Line>, lot: Id<Lot>), {
    line: Id<Line>, lot: Id<Lot>, kind: LotKind, amount: Amount, place: u32,
});

row!(Checkout, "checkouts", group(order: Id<Order>), key(order: Id<Order>), {
    order: Id<Order>, provider: String, request: Option<String>, url: Option<String>, pay_until: Option<Timestamp>,
    asked: Request, offer: String, confirmation: Option<String>, receipt: Option<String>, fulfilment: Option<String>,
    refunds: Vec<String>, subject: Option<String>, reason: Option<String>, refund: Option<PendingRefund>,
    due_at: Option<Timestamp>, attempts: u32,
});

row!(Identity, "identities", group(issuer: String, subject: String), key(issuer: String, subject: String), {
    issuer: String, subject: String, account: Id<Account>, funded: Option<bool>, heard_at: Option<Timestamp>,
    created_at: Timestamp,
});

row!(Visit, "visits", group(key: u64), key(key: u64), {
    key: u64, fingerprint: u64, order: Id<Order>, at: Timestamp,
});

row!(Refund, "refunds", group(order: Id<Order>), key(order: Id<Order>, id: Id<Refund>), {
    order: Id<Order>, id: Id<Refund>, transfer: Option<Id<Transfer>>, amount: Amount,
    licenses: LicensePolicy, reason: String, at: Timestamp,
});

row!(RefundLine, "refund_lines", group(order: Id<Order>),
    key(order: Id<Order>, refund: Id<Refund>, line: Id<Line>), {
    order: Id<Order>, refund: Id<Refund>, line: Id<Line>, quantity: u32, amount: Amount,
});

row!(RefundLot, "refund_lots", group(order: Id<Order>),
    key(order: Id<Order>, refund: Id<Refund>, line: Id<Line>, lot: Id<Lot>), {
    order: Id<Order>, refund: Id<Refund>, line: Id<Line>, lot: Id<Lot>, amount: Amount, expired: Amount,
});

row!(RefundRequest, "refund_requests", group(order: Id<Order>), key(order: Id<Order>, id: Id<RefundRequest>), {
    order: Id<Order>, id: Id<RefundRequest>, line: Id<Line>, account: Id<Account>, state: RefundRequestState,
    covered: bool, reason: String, word: Option<String>, refund: Option<Id<Refund>>, at: Timestamp,
    decided_at: Option<Timestamp>,
});

row!(License, "licenses", group(id: Id<License>), key(id: Id<License>), {
    id: Id<License>, order: Id<Order>, line: Id<Line>, account: Id<Account>, product: Id<Product>,
    offer: Id<Offer>, terms: Terms, limits: Limits, release: Option<Id<Release>>,
    state: LicenseState, issue: u32, kid: String, issued_at: Timestamp, expires_at: Option<Timestamp>,
});

row!(Reissue, "reissues", group(license: Id<License>, issue: u32), key(license: Id<License>, issue: u32), {
    license: Id<License>, issue: u32, former_kid: String, former_at: Timestamp, at: Timestamp,
    expires_at: Option<Timestamp>, request: u64,
});

row!(Usage, "usages", group(license: Id<License>), key(license: Id<License>), {
    license: Id<License>, added: u64, used: u64, leased: u64, machines: u32, moves: u32, moves_since: Timestamp,
});

row!(Activation, "activations", group(license: Id<License>, machine: Digest), key(license: Id<License>, machine: Digest), {
    license: Id<License>, machine: Digest, id: Id<Activation>, name: String, activated_at: Timestamp,
    offline_until: Timestamp, ended_at: Option<Timestamp>,
});

row!(Consumption, "consumptions", group(license: Id<License>, key: String), key(license: Id<License>, key: String), {
    license: Id<License>, key: String, units: u64, lease: Option<Id<Lease>>, left: u64, at: Timestamp,
});

row!(Lease, "leases", group(license: Id<License>, id: Id<Lease>), key(license: Id<License>, id: Id<Lease>), {
    license: Id<License>, id: Id<Lease>, machine: Digest, units: u64, used: Option<u64>, at: Timestamp,
    expires_at: Timestamp, returned_at: Option<Timestamp>,
});

row!(Extension, "extensions", group(line: Id<Line>), key(line: Id<Line>), {
    line: Id<Line>, license: Id<License>, amount: u64, expires_at: Option<Timestamp>, left: Option<u64>, issue: u32,
    at: Timestamp, refunded_at: Option<Timestamp>,
});

row!(Tried, "tried", group(product: Id<Product>, machine: Digest), key(product: Id<Product>, machine: Digest), {
    product: Id<Product>, machine: Digest, license: Id<License>,
});

row!(Reminder, "reminders", group(license: Id<License>), key(license: Id<License>), {
    license: Id<License>, due_at: Timestamp,
});

row!(BundleItem, "bundle_items", group(bundle: Id<Offer>), key(bundle: Id<Offer>, place: u32), {
    bundle: Id<Offer>, place: u32, item: Id<Offer>,
});

row!(Receipt, "receipts", group(order: Id<Order>), key(order: Id<Order>), {
    order: Id<Order>, number: u64, issued_at: Timestamp,
});

row!(Download, "downloads", group(license: Id<License>),
    key(license: Id<License>, file: Id<File>, at: Timestamp), {
    license: Id<License>, file: Id<File>, at: Timestamp,
});

row!(StartedTicket, "started_tickets", group(license: Id<License>),
    key(license: Id<License>, file: Id<File>, issued_at: Timestamp), {
    license: Id<License>, file: Id<File>, issued_at: Timestamp, at: Timestamp,
});

row!(Entry, "by_account", group(account: Id<Account>, kind: u8, key: u64),
    key(account: Id<Account>, kind: u8, key: u64, target: u64), {
    account: Id<Account>, kind: u8, key: u64, target: u64, note: u64,
});

row!(Merchant, "merchants", group(id: Id<Merchant>), key(id: Id<Merchant>), {
    id: Id<Merchant>, name: String, url: String, return_origins: Vec<String>, limits: MerchantLimits, fee: Fee,
    threshold: Amount, state: MerchantState, invitation: Option<[u8; 32]>, balance: Counters, seq: u64, open: u32,
    day: Timestamp, day_captured: Amount, created_at: Timestamp,
});

row!(MerchantUrl, "merchant_urls", group(url: String), key(url: String), {
    url: String, merchant: Id<Merchant>,
});

row!(MerchantKey, "merchant_keys", group(merchant: Id<Merchant>, owner: KeyOwner, key: u64),
    key(merchant: Id<Merchant>, owner: KeyOwner, key: u64), {
    merchant: Id<Merchant>, owner: KeyOwner, key: u64, fingerprint: u64, target: u64,
});

row!(MerchantTransfer, "merchant_transfers", group(merchant: Id<Merchant>, transfer: Id<Transfer>),
    key(merchant: Id<Merchant>, transfer: Id<Transfer>), {
    merchant: Id<Merchant>, transfer: Id<Transfer>,
});

row!(MerchantEvent, "merchant_events", group(merchant: Id<Merchant>, seq: u64), key(merchant: Id<Merchant>, seq: u64), {
    merchant: Id<Merchant>, seq: u64, kind: MerchantEventKind, request: Option<Id<PurchaseRequest>>, at: Timestamp,
});

row!(Payout, "payouts", group(merchant: Id<Merchant>, id: Id<Payout>), key(merchant: Id<Merchant>, id: Id<Payout>), {
    merchant: Id<Merchant>, id: Id<Payout>, tokens: Amount, money: Money, reference: String, transfer: Id<Transfer>,
    at: Timestamp,
});

row!(PurchaseRequest, "purchase_requests", group(id: Id<PurchaseRequest>), key(id: Id<PurchaseRequest>), {
    id: Id<PurchaseRequest>, merchant: Id<Merchant>, order: String, account: Option<Id<Account>>, state: RequestState,
    amount: Amount, offer: String, confirmation: Option<String>, receipt: Option<String>, fulfilment: Option<String>,
    reference: [u8; 32], code: Option<ReturnCode>, hold: Option<Id<Hold>>, fee: Amount, refunded: Amount,
    opened_at: Timestamp, decided_at: Option<Timestamp>, captured_at: Option<Timestamp>,
    fulfilled_at: Option<Timestamp>, pay_until: Timestamp, hold_until: Option<Timestamp>,
    fulfil_until: Option<Timestamp>, refund_until: Option<Timestamp>, due_at: Option<Timestamp>,
});

row!(RequestRefund, "request_refunds", group(request: Id<PurchaseRequest>),
    key(request: Id<PurchaseRequest>, id: Id<RequestRefund>), {
    request: Id<PurchaseRequest>, id: Id<RequestRefund>, transfer: Option<Id<Transfer>>, amount: Amount,
    by: GivenBackBy, reason: String, document: String, at: Timestamp,
});

row!(RequestRefundLot, "request_refund_lots", group(request: Id<PurchaseRequest>),
    key(request: Id<PurchaseRequest>, refund: Id<RequestRefund>, lot: Id<Lot>), {
    request: Id<PurchaseRequest>, refund: Id<RequestRefund>, lot: Id<Lot>, amount: Amount, expired: Amount,
});

row!(Notice, "notices", group(request: Id<PurchaseRequest>), key(request: Id<PurchaseRequest>), {
    request: Id<PurchaseRequest>, due_at: Timestamp, until: Timestamp, attempts: u32,
});

row!(Connection, "connections", group(id: Id<Connection>), key(id: Id<Connection>), {
    id: Id<Connection>, merchant: Id<Merchant>, return_url: String, reference: [u8; 32], state: ConnectionState,
    account: Option<Id<Account>>, code: Option<ReturnCode>, created_at: Timestamp, expires_at: Timestamp,
});

row!(MerchantSubject, "merchant_subjects", group(merchant: Id<Merchant>, subject: SubjectName),
    key(merchant: Id<Merchant>, subject: SubjectName), {
    merchant: Id<Merchant>, subject: SubjectName, account: Id<Account>, share_funded: bool, muted: bool, at: Timestamp,
});

row!(Partner, "partners", group(id: Id<Partner>), key(id: Id<Partner>), {
    id: Id<Partner>, url: String, name: String, agreement: Option<Id<Agreement>>, currency: Option<Unit>,
    suspended: Option<Suspended>, suspended_at: Timestamp, suspended_there: bool, suspended_there_at: Timestamp,
    version: u32, payable: Counters, receivable: Counters,
    payable_reserved: Amount, receivable_reserved: Amount, cycle: u32, cycle_began_at: Timestamp,
    day: Timestamp, day_given: Amount, day_taken: Amount, created_at: Timestamp, due_at: Option<Timestamp>, attempts: u32,
});

row!(PartnerUrl, "partner_urls", group(url: String), key(url: String), {
    url: String, partner: Id<Partner>,
});

row!(PartnerEntry, "partner_entries", group(partner: Id<Partner>, id: Id<PartnerEntry>), key(partner: Id<Partner>, id: Id<PartnerEntry>), {
    partner: Id<Partner>, id: Id<PartnerEntry>, side: Side, kind: EntryKind, amount: Amount, subject: u64,
    cycle: u32, at: Timestamp,
});

row!(Agreement, "agreements", group(id: Id<Agreement>), key(id: Id<Agreement>), {
    id: Id<Agreement>, partner: Id<Partner>, version: u32, proposed_by: By, state: AgreementState,
    terms: AgreementTerms, proposal: String, digest: [u8; 32], acceptance: Option<String>,
    proposed_at: Timestamp, decided_at: Option<Timestamp>, effective_at: Option<Timestamp>,
    ends_at: Option<Timestamp>, untold: Option<Untold>, due_at: Option<Timestamp>, attempts: u32,
});

row!(Link, "links", group(account: Id<Account>, partner: Id<Partner>), key(account: Id<Account>, partner: Id<Partner>), {
    account: Id<Account>, partner: Id<Partner>, id: Id<Link>, state: LinkState, subject: Option<String>,
    at: Timestamp, linked_at: Option<Timestamp>, due_at: Option<Timestamp>, attempts: u32,
});

row!(LinkRequest, "link_requests", group(id: Id<LinkRequest>), key(id: Id<LinkRequest>), {
    id: Id<LinkRequest>, partner: Id<Partner>, link: Id<Link>, return_url: String, reference: [u8; 32],
    state: ConnectionState, account: Option<Id<Account>>, code: Option<ReturnCode>, at: Timestamp,
    expires_at: Timestamp,
});

row!(PartnerSubject, "partner_subjects", group(partner: Id<Partner>, subject: SubjectName), key(partner: Id<Partner>, subject: SubjectName), {
    partner: Id<Partner>, subject: SubjectName, account: Id<Account>, at: Timestamp,
});

row!(ExchangeQuote, "exchange_quotes", group(id: Id<ExchangeQuote>), key(id: Id<ExchangeQuote>), {
    id: Id<ExchangeQuote>, account: Id<Account>, partner: Id<Partner>, agreement: Id<Agreement>,
    figures: Figures, document: String, exchange: Option<Id<Exchange>>, at: Timestamp,
});

row!(Exchange, "exchanges", group(id: Id<Exchange>), key(id: Id<Exchange>), {
    id: Id<Exchange>, account: Id<Account>, partner: Id<Partner>, agreement: Id<Agreement>,
    quote: Id<ExchangeQuote>, figures: Figures, state: ExchangeState, hold: Id<Hold>, reason: Option<String>,
    prepared: Option<String>, commit: Option<String>, answer: Option<String>, transfer: Option<Id<Transfer>>,
    cycle: Option<u32>, at: Timestamp, committed_at: Option<Timestamp>, answered_at: Option<Timestamp>,
    written_off_at: Option<Timestamp>, due_at: Option<Timestamp>, attempts: u32, told: Option<ExchangeState>,
});

row!(Incoming, "incoming_exchanges", group(partner: Id<Partner>, exchange: Id<Exchange>), key(partner: Id<Partner>, exchange: Id<Exchange>), {
    partner: Id<Partner>, exchange: Id<Exchange>, quote: String, offer: Option<String>, account: Option<Id<Account>>,
    agreement: Option<Id<Agreement>>, figures: Option<Figures>, state: IncomingState, prepared: Option<String>,
    commit: Option<String>, answer: Option<String>, transfer: Option<Id<Transfer>>, lot: Option<Id<Lot>>,
    cycle: Option<u32>, at: Timestamp, until: Timestamp, answered_at: Option<Timestamp>,
});

row!(ExchangeDay, "exchange_days", group(partner: Id<Partner>, account: Id<Account>), key(partner: Id<Partner>, account: Id<Account>), {
    partner: Id<Partner>, account: Id<Account>, day: Timestamp, given: Amount, taken: Amount,
});

row!(Statement, "statements", group(partner: Id<Partner>, cycle: u32), key(partner: Id<Partner>, cycle: u32), {
    partner: Id<Partner>, cycle: u32, id: Id<Statement>, agreement: Id<Agreement>, state: StatementState,
    from: Timestamp, to: Timestamp, gross_out: Amount, count_out: u64, digest_out: [u8; 32],
    gross_in: Amount, count_in: u64, digest_in: [u8; 32], carried_in: i64, carried_out: i64, net: i64,
    ours: Option<String>, theirs: Option<String>, agreed_at: Option<Timestamp>, pay_until: Option<Timestamp>,
    due_at: Option<Timestamp>, attempts: u32,
});

row!(Difference, "differences", group(statement: Id<Statement>), key(statement: Id<Statement>, ours: bool, exchange: Id<Exchange>), {
    statement: Id<Statement>, ours: bool, exchange: Id<Exchange>, here: Option<Amount>, there: Option<Amount>,
});

row!(Settlement, "settlements", group(id: Id<Settlement>), key(id: Id<Settlement>), {
    id: Id<Settlement>, statement: Id<Statement>, partner: Id<Partner>, reference: String,
    method: Option<SettlementMethod>, state: SettlementState, money: Money, at: Timestamp,
    ended_at: Option<Timestamp>, receipt: Option<String>, due_at: Option<Timestamp>, attempts: u32,
});

row!(SettlementKey, "settlement_keys", group(key: u64), key(key: u64), {
    key: u64, fingerprint: u64, settlement: Id<Settlement>,
});

row!(BankDetails, "bank_details", group(owner: u64), key(owner: u64), {
    owner: u64, holder: String, iban: Iban, bic: Option<Bic>,
});

row!(Event, "events", group(id: Id<Event>), key(id: Id<Event>), {
    id: Id<Event>, kind: EventType, account: Id<Account>, subject: Subject, at: Timestamp, seq: Option<u64>,
});

row!(Feed, "feed", group(number: u8), key(number: u8), { number: u8, last: u64, endpoints: u32 });

row!(WebhookEndpoint, "webhook_endpoints", group(id: Id<WebhookEndpoint>), key(id: Id<WebhookEndpoint>), {
    id: Id<WebhookEndpoint>, url: String, label: String, events: Vec<EventType>, issue: u32,
    rotated_at: Option<Timestamp>, position: u64, failing_since: Option<Timestamp>, disabled: Option<Disabled>,
    disabled_at: Option<Timestamp>, created_at: Timestamp, removed_at: Option<Timestamp>,
});

row!(Delivery, "deliveries", group(id: Id<Delivery>), key(id: Id<Delivery>), {
    id: Id<Delivery>, endpoint: Id<WebhookEndpoint>, event: Option<Id<Event>>, state: DeliveryState,
    attempts: u32, due_at: Option<Timestamp>, tried_at: Option<Timestamp>, status: Option<u32>,
    answer: Option<String>,
});

row!(Letter, "letters", group(id: Id<Letter>), key(id: Id<Letter>), {
    id: Id<Letter>, account: Option<Id<Account>>, recipient: Recipient, about: About, state: LetterState, attempts: u32,
    due_at: Option<Timestamp>, sent_at: Option<Timestamp>, trouble: Option<String>, created_at: Timestamp,
});

row!(Postbox, "postbox", group(number: u8), key(number: u8), { number: u8, position: u64 });

row!(Gathered, "digests", group(account: Id<Account>), key(account: Id<Account>), {
    account: Id<Account>, orders: Vec<Id<Order>>, more: u32, total: Amount, due_at: Timestamp,
});

row!(Warned, "warned", group(account: Id<Account>), key(account: Id<Account>), { account: Id<Account>, until: Timestamp });

row!(Epoch, "epochs", group(number: u32), key(number: u32), { number: u32, since: Timestamp, at: Timestamp });

row!(Reunion, "reunions", group(epoch: u32, peer: String), key(epoch: u32, peer: String), {
    epoch: u32, peer: String, kind: PeerKind, state: ReunionState, place: String, booked: u32, listed: u32,
    attempts: u32, due_at: Option<Timestamp>, trouble: Option<String>, ended_at: Option<Timestamp>,
});

row!(Discrepancy, "discrepancies", group(peer: String, name: String), key(peer: String, name: String), {
    peer: String, name: String, id: Id<Discrepancy>, epoch: u32, order: String, lack: Lack, amount: Amount,
    detail: String, at: Timestamp,
});

row!(DayFigures, "day_figures", group(day: Timestamp), key(day: Timestamp), {
    day: Timestamp, orders: u64, lines: u64, spent: Amount, sold: Amount, paid: Vec<Money>, refunded: Amount,
    expired: Amount, clawed_back: Amount, downloads: u64, bytes: u64, accounts: u64, outstanding: i64,
});

row!(Audit, "audit", group(id: Id<Audit>), key(id: Id<Audit>), {
    id: Id<Audit>, actor: Actor, act: Act, subject: String, changes: serde_json::Value,
    request: RequestId, at: Timestamp,
});
