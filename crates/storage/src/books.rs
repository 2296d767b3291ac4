//! What lies on the table while a batch is decided: the rows that were asked for, and what became of them.
//!
//! [`Wants`] is keys only. [`Books`] holds the rows under those keys and knows *absent* from *not
//! asked for*; the latter is a defect of the command. [`Changes`] is what one decision writes.

use std::collections::BTreeMap;

use litemap::LiteMap;
use scrip_domain::Timestamp;
use scrip_domain::account::{Account, Login};
use scrip_domain::agreement::Agreement;
use scrip_domain::amount::Amount;
use scrip_domain::api_key::ApiKey;
use scrip_domain::audit::Audit;
use scrip_domain::auto_top_up::{AutoErrand, AutoTopUp};
use scrip_domain::bank::BankDetails;
use scrip_domain::catalog::{BundleItem, File, Offer, Product, Release};
use scrip_domain::checkout::Checkout;
use scrip_domain::connection::{Connection, MerchantSubject};
use scrip_domain::coupon::Coupon;
use scrip_domain::credit::CreditFile;
use scrip_domain::credit_line::{CreditLine, Repayment};
use scrip_domain::event::{Event, Feed};
use scrip_domain::exchange::{Exchange, ExchangeDay, ExchangeQuote, Incoming};
use scrip_domain::hold::{Hold, HoldLot};
use scrip_domain::identity::{Identity, Visit};
use scrip_domain::ledger::{Counters, House, Transfer};
use scrip_domain::legal::LegalText;
use scrip_domain::letter::{Digest, Letter, Postbox, Warned};
use scrip_domain::license::{License, Reissue};
use scrip_domain::link::{Link, LinkRequest, PartnerSubject};
use scrip_domain::listing::{Labelled, Listing};
use scrip_domain::lot::{Lot, LotChange};
use scrip_domain::merchant::{
    Merchant, MerchantEvent, MerchantKey, MerchantTransfer, MerchantUrl, Payout,
};
use scrip_domain::order::{Line, LinePayment, Order};
use scrip_domain::partner::{Partner, PartnerEntry, PartnerUrl};
use scrip_domain::payment_method::{Customer, PaymentMethod};
use scrip_domain::purchase_request::{Notice, PurchaseRequest, RequestRefund, RequestRefundLot};
use scrip_domain::refund::{Refund, RefundLine, RefundLot};
use scrip_domain::refund_request::RefundRequest;
use scrip_domain::report::DayFigures;
use scrip_domain::restore::{Discrepancy, Epoch, Reunion};
use scrip_domain::reversal::{DebtPayment, Reversal, ReversalLot};
use scrip_domain::session::Session;
use scrip_domain::settings::Vendor;
use scrip_domain::staff::{StaffLogin, StaffMember, StaffRoll, StaffSession};
use scrip_domain::statement::{Difference, Settlement, SettlementKey, Statement};
use scrip_domain::top_up::{Charge, Errand, Remittance, TopUp};
use scrip_domain::usage::{Activation, Consumption, Extension, Lease, Reminder, Tried, Usage};
use scrip_domain::voucher::{Voucher, VoucherBatch};
use scrip_domain::wallet::Wallet;
use scrip_domain::webhook::{Delivery, WebhookEndpoint};

use crate::fault::Fault;
use crate::index::{Download, Entry, Receipt, ServerLease, StartedTicket};
use crate::sql::Texts;
use crate::table::{Bulk, Keys, Row, Table};

/// The groups of one table that a batch wants.
#[derive(Debug)]
pub struct Asked<R: Row> {
    /// To be changed, or to guard what hangs from them: locked first, where databases lock.
    pub(crate) guarded: LiteMap<R::Group, ()>,
    /// To be read only.
    pub(crate) read: LiteMap<R::Group, ()>,
}

impl<R: Row> Default for Asked<R> {
    fn default() -> Self {
        Self { guarded: LiteMap::new(), read: LiteMap::new() }
    }
}

impl<R: Row> Asked<R> {
    /// Asks for the rows of `group`, to read them or to change them under another row's guard.
    pub fn read(&mut self, group: R::Group) {
        self.read.insert(group, ());
    }

    /// Asks for the rows of `group` and guards them against other servers until the commit.
    pub fn guard(&mut self, group: R::Group) {
        self.guarded.insert(group, ());
    }

    /// Whether nothing is.
    pub(crate) fn is_empty(&self) -> bool {
        self.guarded.is_empty() && self.read.is_empty()
    }

    /// Whether some are guarded.
    pub(crate) fn has_guards(&self) -> bool {
        !self.guarded.is_empty()
    }

    /// Whether some are only read.
    pub(crate) fn has_plain(&self) -> bool {
        self.only_read().next().is_some()
    }

    /// Every group that is only read, once: those also guarded come with the guards.
    fn only_read(&self) -> impl Iterator<Item = &R::Group> {
        self.read.keys().filter(|group| !self.guarded.contains_key(*group))
    }

    /// Every group, once, guards first.
    fn groups(&self) -> impl Iterator<Item = &R::Group> {
        self.guarded.keys().chain(self.only_read())
    }

    /// What reads every group.
    pub(crate) fn loads(&self, texts: &'static Texts) -> Bulk<'_> {
        Bulk::keyed(&texts.load, R::table().group_columns(), self.groups())
    }

    /// What reads the guarded groups, and locks them.
    pub(crate) fn locks(&self, texts: &'static Texts) -> Bulk<'_> {
        Bulk::keyed(&texts.lock, R::table().group_columns(), self.guarded.keys())
    }

    /// What reads the others.
    pub(crate) fn plain_loads(&self, texts: &'static Texts) -> Bulk<'_> {
        Bulk::keyed(&texts.load, R::table().group_columns(), self.only_read())
    }
}

/// One write to a table.
#[derive(Clone, Debug)]
pub enum Change<R> {
    /// A new row.
    Insert(R),
    /// A row with new values.
    Update(R),
    /// A row that goes.
    Delete(R),
}

impl<R> Change<R> {
    /// The row.
    pub fn row(&self) -> &R {
        match self {
            Self::Insert(row) | Self::Update(row) | Self::Delete(row) => row,
        }
    }
}

/// One table's part of the books.
#[derive(Debug)]
pub struct Shelf<R: Row> {
    asked: LiteMap<R::Group, Vec<R>>,
    written: LiteMap<R::Key, Change<R>>,
}

impl<R: Row> Default for Shelf<R> {
    fn default() -> Self {
        Self { asked: LiteMap::new(), written: LiteMap::new() }
    }
}

impl<R: Row> Shelf<R> {
    /// The rows of a group that was asked for, sorted by key.
    pub fn all(&self, group: &R::Group) -> Result<&[R], Fault> {
        self.asked
            .get(group)
            .map(Vec::as_slice)
            .ok_or_else(|| Fault::Bug(format!("{} was not asked for {group:?}", R::table().name)))
    }

    /// The one row of a group that was asked for, or `None` when there is none.
    pub fn get(&self, group: &R::Group) -> Result<Option<&R>, Fault> {
        self.all(group).map(<[R]>::first)
    }

    /// What was written, sorted by key.
    pub fn written(&self) -> impl Iterator<Item = &Change<R>> {
        self.written.values()
    }

    /// Whether anything was written.
    pub fn is_written(&self) -> bool {
        !self.written.is_empty()
    }

    /// Whether a row that was there before was changed or deleted.
    pub fn rewrites(&self) -> bool {
        self.written.values().any(|change| !matches!(change, Change::Insert(_)))
    }

    /// Appends what writes this table: deletes, then updates, then inserts, each sorted by key. A value that must be
    /// unique is free before it is used again.
    pub(crate) fn writes<'a>(&'a self, texts: &'static Texts, all: &mut Vec<Bulk<'a>>) {
        if !self.is_written() {
            return;
        }
        let table = R::table();
        let mut deletes = Bulk::new(&texts.delete, table.key_columns());
        let mut updates = Bulk::new(&texts.update, &table.columns);
        let mut inserts = Bulk::new(&texts.insert, &table.columns);
        for (key, change) in &self.written {
            match change {
                Change::Insert(row) => row.write(&mut inserts.cells),
                Change::Update(row) => row.write(&mut updates.cells),
                Change::Delete(_) => key.write(&mut deletes.cells),
            }
        }
        all.extend([deletes, updates, inserts].into_iter().filter(|bulk| !bulk.cells.is_empty()));
    }

    /// Opens the groups that were asked for, before their rows come.
    pub(crate) fn open(&mut self, asked: &Asked<R>) {
        self.asked = asked.groups().map(|group| (group.clone(), Vec::new())).collect();
    }

    /// Puts a loaded row where it was asked for. Rows come sorted by key.
    pub(crate) fn put(&mut self, row: R) {
        self.asked.entry(row.group()).or_default().push(row);
    }

    /// Whether a command's changes fit what is known: only what is there is changed, and only what
    /// was asked for; nothing is there twice.
    ///
    /// Checked here and not by the database alone, because changes of one batch meet each other
    /// before it sees them: of two inserts under one key the second would replace the first.
    #[inline(never)]
    fn check(&self, changes: &[Change<R>]) -> Result<(), Fault> {
        for (index, change) in changes.iter().enumerate() {
            let (key, group) = (change.row().key(), change.row().group());
            let earlier = changes.iter().take(index).rev().find(|other| other.row().key() == key);
            let there = match earlier.or_else(|| self.written.get(&key)) {
                Some(Change::Insert(_) | Change::Update(_)) => Some(true),
                Some(Change::Delete(_)) => Some(false),
                None => self.asked.get(&group).map(|rows| rows.iter().any(|row| row.key() == key)),
            };
            let asked = self.asked.contains_key(&group);
            let bug = |what: &str| Err(Fault::Bug(format!("{} {what}: {key:?}", R::table().name)));
            match (change, there) {
                (Change::Insert(_), None | Some(false))
                | (Change::Update(_) | Change::Delete(_), Some(true)) => {}
                (Change::Insert(_), Some(true)) if asked => return bug("would be there twice"),
                // Nobody looked, so nobody is to blame: the first of the batch was faster.
                (Change::Insert(_), Some(true)) => return Err(Fault::Conflict),
                (_, Some(false)) => return bug("is not there to be changed"),
                (_, None) => return bug("was changed but not asked for"),
            }
        }
        Ok(())
    }

    #[inline(never)]
    fn apply(&mut self, changes: Vec<Change<R>>) {
        changes.into_iter().for_each(|change| self.apply_one(change));
    }

    fn apply_one(&mut self, change: Change<R>) {
        if let Some(rows) = self.asked.get_mut(&change.row().group()) {
            let key = change.row().key();
            rows.retain(|row| row.key() != key);
            if let Change::Insert(row) | Change::Update(row) = &change {
                let place = rows.partition_point(|other| other.key() < key);
                rows.insert(place, row.clone());
            }
        }
        let key = change.row().key();
        let change = match (self.written.get(&key), change) {
            // What the database has not seen yet stays an insert, or never happens.
            (Some(Change::Insert(_)), Change::Update(row)) => Change::Insert(row),
            (Some(Change::Insert(_)), Change::Delete(_)) => {
                self.written.remove(&key);
                return;
            }
            (Some(Change::Delete(_)), Change::Insert(row)) => Change::Update(row),
            (_, change) => change,
        };
        self.written.insert(key, change);
    }
}

/// Every table that commands read and write, once, in the order in which guards are locked.
macro_rules! tables {
    ($($(#[$meta:meta])* $field:ident: $row:ty),* $(,)?) => {
        /// Which rows a command wants: keys only.
        #[derive(Debug, Default)]
        pub struct Wants {
            $($(#[$meta])* pub $field: Asked<$row>,)*
            /// The lowest current price above zero.
            pub cheapest: bool,
            /// The highest receipt number.
            pub last_receipt: bool,
        }

        /// The rows on the table.
        #[derive(Debug, Default)]
        pub struct Books {
            $($(#[$meta])* pub $field: Shelf<$row>,)*
            /// When all of it is decided.
            pub(crate) at: Timestamp,
            pub(crate) cheapest: Option<Option<Amount>>,
            pub(crate) last_receipt: Option<u64>,
            pub(crate) house: BTreeMap<House, Counters>,
        }

        /// What one decision writes.
        #[derive(Debug, Default)]
        pub struct Changes {
            $($(#[$meta])* pub $field: Vec<Change<$row>>,)*
            /// What is added to the vendor's own ledger accounts.
            pub house: Vec<(House, Counters)>,
        }

        impl Changes {
            /// How many rows.
            pub fn len(&self) -> usize {
                [self.house.len(), $(self.$field.len()),*].iter().sum()
            }

            /// Whether nothing is written.
            pub fn is_empty(&self) -> bool {
                self.len() == 0
            }
        }

        impl Books {
            /// Makes the next command in the batch see `changes`: all of them, or none and a fault.
            ///
            /// A command writes to a handful of the tables: the others cost no more than a look.
            pub(crate) fn apply(&mut self, mut changes: Changes) -> Result<(), Fault> {
                $(if !changes.$field.is_empty() {
                    self.$field.check(&changes.$field)?;
                })*
                if !changes.house.is_empty() {
                    let mut house = self.house.clone();
                    for (name, counters) in std::mem::take(&mut changes.house) {
                        add_to_house(&mut house, name, counters)?;
                    }
                    self.house = house;
                }
                $(if !changes.$field.is_empty() {
                    self.$field.apply(std::mem::take(&mut changes.$field));
                })*
                Ok(())
            }

            /// Whether nothing was written.
            pub fn is_unwritten(&self) -> bool {
                self.house.is_empty() $(&& !self.$field.is_written())*
            }
        }

        /// Every table, in order.
        pub(crate) fn tables() -> Vec<&'static Table> {
            vec![$(<$row as Row>::table()),*]
        }

        /// Calls `$each!(field)` for every table, in order.
        macro_rules! each_table {
            ($each:ident) => { $($each!($field);)* };
        }
        pub(crate) use each_table;
    };
}

tables! {
    /// Leases of id ranges.
    servers: ServerLease,
    /// The vendor's settings.
    vendor: Vendor,
    /// Addresses that sign in.
    logins: Login,
    /// Accounts.
    accounts: Account,
    /// Sessions.
    sessions: Session,
    /// API keys.
    api_keys: ApiKey,
    /// All of the staff: the guard of who is an owner.
    staff_roll: StaffRoll,
    /// Members of the staff: the guards of their passwords and sessions.
    staff: StaffMember,
    /// Addresses of the staff.
    staff_logins: StaffLogin,
    /// Sessions of the staff.
    staff_sessions: StaffSession,
    /// Wallets: the guards of all that belongs to an account.
    wallets: Wallet,
    /// Lots, as they came in.
    lots: Lot,
    /// What befell lots later.
    lot_changes: LotChange,
    /// How far events are published: the guard of their places.
    feed: Feed,
    /// Webhook endpoints: the guards of their deliveries.
    webhook_endpoints: WebhookEndpoint,
    /// Deliveries to them.
    deliveries: Delivery,
    /// How far events have become letters: the guard of that.
    postbox: Postbox,
    /// Small purchases that become a letter, by account.
    digests: Digest,
    /// Of which tokens that expire owners have been told, by account.
    warned: Warned,
    /// Letters.
    letters: Letter,
    /// Batches of vouchers: the guards of their vouchers.
    voucher_batches: VoucherBatch,
    /// Vouchers.
    vouchers: Voucher,
    /// Coupons, by their word.
    coupons: Coupon,
    /// Products.
    products: Product,
    /// What lists and searches know of a product.
    listings: Listing,
    /// Labels, by product.
    labelled: Labelled,
    /// Offers.
    offers: Offer,
    /// Releases.
    releases: Release,
    /// Files, by release.
    files: File,
    /// Credit files.
    credit_files: CreditFile,
    /// What processors call accounts.
    customers: Customer,
    /// Payment methods, by account.
    payment_methods: PaymentMethod,
    /// Automatic top-ups.
    auto_top_ups: AutoTopUp,
    /// Automatic top-ups that have to be looked after.
    auto_errands: AutoErrand,
    /// Credit lines.
    credit_lines: CreditLine,
    /// Repayments of what is owed.
    repayments: Repayment,
    /// Legal texts, by name.
    legal_texts: LegalText,
    /// Top-ups.
    top_ups: TopUp,
    /// Money for offline top-ups, by top-up.
    remittances: Remittance,
    /// Charges, by processor and name.
    charges: Charge,
    /// What processors have to be asked.
    errands: Errand,
    /// Reversals, by top-up.
    reversals: Reversal,
    /// What reversals took from which lot, by top-up.
    reversal_lots: ReversalLot,
    /// What lots have paid of what is owed, by wallet.
    debt_payments: DebtPayment,
    /// Orders.
    orders: Order,
    /// Order lines, by order.
    order_lines: Line,
    /// Which lots paid which line.
    line_payments: LinePayment,
    /// What a merchant's orders are paid with elsewhere, by order.
    checkouts: Checkout,
    /// A provider's buyers, by provider and subject.
    identities: Identity,
    /// Visitors' orders, by the key with which they were asked for.
    visits: Visit,
    /// Refunds, by order.
    refunds: Refund,
    /// What refunds gave back of which line, by order.
    refund_lines: RefundLine,
    /// What came back to which lot, by order.
    refund_lots: RefundLot,
    /// What buyers ask back, by order.
    refund_requests: RefundRequest,
    /// Licenses: the guards of all that is done with them.
    licenses: License,
    /// Later issues of licenses' codes.
    reissues: Reissue,
    /// How much licenses were used.
    usages: Usage,
    /// Machines of licenses.
    activations: Activation,
    /// Uses and processings that were taken.
    consumptions: Consumption,
    /// Leave to work offline.
    leases: Lease,
    /// What lines have added to licenses.
    extensions: Extension,
    /// Machines that have had their trial of a product.
    tried: Tried,
    /// When holders of licenses are reminded.
    reminders: Reminder,
    /// What bundles consist of.
    bundle_items: BundleItem,
    /// Receipts, by order.
    receipts: Receipt,
    /// Merchants' addresses.
    merchant_urls: MerchantUrl,
    /// Merchants: the guards of their limits and events.
    merchants: Merchant,
    /// Purchase requests: the guards of their refunds.
    purchase_requests: PurchaseRequest,
    /// Connections.
    connections: Connection,
    /// Buyers, as merchants know them.
    merchant_subjects: MerchantSubject,
    /// Idempotency keys about merchants.
    merchant_keys: MerchantKey,
    /// Merchants' statements.
    merchant_transfers: MerchantTransfer,
    /// Merchants' events.
    merchant_events: MerchantEvent,
    /// Payments to merchants.
    payouts: Payout,
    /// Partners' addresses.
    partner_urls: PartnerUrl,
    /// Partners: the guards of exposure, limits and cycles.
    partners: Partner,
    /// Agreements.
    agreements: Agreement,
    /// Buyers' links to partners.
    links: Link,
    /// Partners' buyers who show which account is theirs.
    link_requests: LinkRequest,
    /// Accounts, as partners know them.
    partner_subjects: PartnerSubject,
    /// Partners' quotes.
    exchange_quotes: ExchangeQuote,
    /// Exchanges of our tokens.
    exchanges: Exchange,
    /// Exchanges for our tokens, by partner and its name of them.
    incoming_exchanges: Incoming,
    /// What buyers have exchanged in a day, by partner and account.
    exchange_days: ExchangeDay,
    /// What changed what partners owe each other.
    partner_entries: PartnerEntry,
    /// Statements, by partner and cycle.
    statements: Statement,
    /// What two statements differ in, by statement.
    differences: Difference,
    /// Payments between partners.
    settlements: Settlement,
    /// Keys of receipts.
    settlement_keys: SettlementKey,
    /// Bank accounts, by partner.
    bank_details: BankDetails,
    /// Holds.
    holds: Hold,
    /// What holds have reserved, by hold.
    hold_lots: HoldLot,
    /// Refunds of purchase requests, by request.
    request_refunds: RequestRefund,
    /// What came back to which lot, by request.
    request_refund_lots: RequestRefundLot,
    /// What merchants have to be told.
    notices: Notice,
    /// Finished downloads, by license.
    downloads: Download,
    /// Started tickets, by license.
    started_tickets: StartedTicket,
    /// Transfers.
    transfers: Transfer,
    /// The index by account.
    by_account: Entry,
    /// Events.
    events: Event,
    /// Restores.
    epochs: Epoch,
    /// What is heard of peers after a restore, by peer: the guards of their discrepancies.
    reunions: Reunion,
    /// What peers have proof of, and the books lack.
    discrepancies: Discrepancy,
    /// Figures of finished days.
    day_figures: DayFigures,
    /// Acts of the vendor's staff.
    audit: Audit,
}

impl Books {
    /// The lowest current price above zero, which must have been asked for.
    pub fn cheapest(&self) -> Result<Option<Amount>, Fault> {
        self.cheapest.ok_or_else(|| Fault::Bug("the cheapest offer was not asked for".into()))
    }

    /// Gives the new events their places, after all that have one: what is done where nobody else writes.
    pub(crate) fn place_events(&mut self) -> Result<(), Fault> {
        let lost = || Fault::Bug("the row of the feed is gone".into());
        let before = self.feed.get(&(Feed::ONLY,))?.ok_or_else(lost)?.clone();
        let mut last = before.last;
        for (_, change) in &mut self.events.written {
            if let Change::Insert(event) = change
                && event.seq.is_none()
            {
                last = last.checked_add(1).ok_or_else(|| Fault::Bug("the feed is full".into()))?;
                event.seq = Some(last);
            }
        }
        if last != before.last {
            self.feed.apply(vec![Change::Update(Feed { last, ..before })]);
        }
        Ok(())
    }

    /// Whether something was changed that servers remember between requests. What is only new nobody
    /// remembers yet, but for products, of which lists are remembered; and a balance is not remembered for long: a
    /// purchase changes nothing of it. Nor does whoever signs in again, and clears away the session that has ended: that
    /// opens nothing, remembered or not.
    pub fn changes_remembered(&self) -> bool {
        let ends = |change: &Change<Session>| match change {
            Change::Insert(_) => false,
            Change::Update(session) | Change::Delete(session) => session.expires_at > self.at,
        };
        self.sessions.written().any(ends)
            || self.api_keys.rewrites()
            || self.staff.rewrites()
            || self.staff_sessions.rewrites()
            || self.accounts.rewrites()
            || self.vendor.is_written()
            || self.legal_texts.is_written()
            || self.products.is_written()
            || self.offers.is_written()
    }

    /// The highest receipt number so far, which must have been asked for.
    pub fn last_receipt(&self) -> Result<u64, Fault> {
        let loaded = self
            .last_receipt
            .ok_or_else(|| Fault::Bug("the last receipt was not asked for".into()))?;
        let written = self.receipts.written().map(|change| change.row().number).max().unwrap_or(0);
        Ok(loaded.max(written))
    }
}

fn add_to_house(
    sums: &mut BTreeMap<House, Counters>,
    house: House,
    added: Counters,
) -> Result<(), Fault> {
    let full = || Fault::Bug(format!("the counters of {house} are full"));
    let add = |sum: u64, more: u64| {
        sum.checked_add(more).filter(|sum| i64::try_from(*sum).is_ok()).ok_or_else(full)
    };
    let sum = sums.entry(house).or_default();
    sum.debits = add(sum.debits, added.debits)?;
    sum.credits = add(sum.credits, added.credits)?;
    Ok(())
}

impl Changes {
    /// Whether tokens or rights move: what a refusal may never do.
    pub(crate) fn moves_value(&self) -> bool {
        !(self.transfers.is_empty()
            && self.lots.is_empty()
            && self.lot_changes.is_empty()
            && self.wallets.is_empty()
            && self.licenses.is_empty()
            && self.reissues.is_empty()
            && self.usages.is_empty()
            && self.consumptions.is_empty()
            && self.leases.is_empty()
            && self.extensions.is_empty()
            && self.line_payments.is_empty()
            && self.refunds.is_empty()
            && self.partner_entries.is_empty()
            && self.settlements.is_empty()
            && self.charges.is_empty()
            && self.remittances.is_empty()
            && self.reversals.is_empty()
            && self.reversal_lots.is_empty()
            && self.debt_payments.is_empty()
            && self.credit_lines.is_empty()
            && self.repayments.is_empty()
            && self.holds.is_empty()
            && self.hold_lots.is_empty()
            && self.merchants.is_empty()
            && self.merchant_transfers.is_empty()
            && self.payouts.is_empty()
            && self.request_refunds.is_empty()
            && self.request_refund_lots.is_empty()
            && self.vouchers.is_empty()
            && self.coupons.is_empty()
            && self.partners.is_empty()
            && self.exchange_days.is_empty()
            && self.house.is_empty())
    }
}
