//! Reads about accounts: sign-in, wallet, statement, top-ups; and what staff did.

use scrip_domain::account::{Account, Login, Obstacle};
use scrip_domain::api_key::ApiKey;
use scrip_domain::audit::Audit;
use scrip_domain::credit::CreditFile;
use scrip_domain::exchange::ExchangeState;
use scrip_domain::ledger::{Counters, House, Transfer};
use scrip_domain::lot::Lot;
use scrip_domain::reversal::{DebtPayment, Reversal, ReversalLot};
use scrip_domain::session::{Session, TokenHash};
use scrip_domain::settings::Vendor;
use scrip_domain::top_up::{Errand, Remittance, TopUp, TopUpState};
use scrip_domain::wallet::Wallet;
use scrip_domain::{Amount, Id, Timestamp};

use crate::cells::{Cell, Reader};
use crate::fault::Fault;
use crate::fields::Field;
use crate::index::{EXCHANGE, Entry, REQUEST, ServerLease, TOP_UP, TRANSFERS};
use crate::reads::{Page, cells, list_of, listed};
use crate::sql;
use crate::store::Store;

/// The words of those of `all` that are `wanted`, to be looked for.
fn words<T: Copy>(
    all: &[T],
    wanted: impl Fn(T) -> bool,
    word: impl Fn(T) -> &'static str,
) -> String {
    let wanted = all.iter().copied().filter(|value| wanted(*value));
    let words: Vec<_> = wanted.map(|value| format!("'{}'", word(value))).collect();
    words.join(", ")
}

impl Store {
    /// The vendor, once it has been set up.
    pub async fn vendor(&self) -> Result<Option<Vendor>, Fault> {
        self.row("ORDER BY t.id LIMIT 1", vec![]).await
    }

    /// The lease of a server's number.
    pub async fn server_lease(&self, server: u8) -> Result<Option<ServerLease>, Fault> {
        self.row("WHERE t.number = $1", vec![Cell::number(u64::from(server))]).await
    }

    /// The account that an address (folded) signs in to.
    pub async fn login(&self, email: &str) -> Result<Option<Login>, Fault> {
        self.row("WHERE t.email = $1", cells(&email.to_owned())).await
    }

    /// What signs in with these addresses (folded), in no order.
    pub async fn logins_called(&self, emails: &[String]) -> Result<Vec<Login>, Fault> {
        self.rows_in("email", emails, "").await
    }

    /// An account.
    pub async fn account(&self, id: Id<Account>) -> Result<Option<Account>, Fault> {
        self.row("WHERE t.id = $1", cells(&id)).await
    }

    /// A page of all accounts, newest first.
    pub async fn accounts(&self, page: Page) -> Result<Vec<Account>, Fault> {
        self.row_page("WHERE t.id <= $1 ORDER BY t.id DESC LIMIT $2", page).await
    }

    /// Accounts that were erased and are to be swept at `at`, those first that are due longest.
    pub async fn accounts_to_sweep(
        &self,
        at: Timestamp,
        limit: u32,
    ) -> Result<Vec<Account>, Fault> {
        let bounds = [cells(&at), vec![Cell::Int(i64::from(limit))]].concat();
        self.rows("WHERE t.sweep_at <= $1 ORDER BY t.sweep_at, t.id LIMIT $2", bounds).await
    }

    /// A session, also one that has ended.
    pub async fn session(&self, token: TokenHash) -> Result<Option<Session>, Fault> {
        self.row("WHERE t.token = $1", cells(&token)).await
    }

    /// Sessions of an account, also ended ones, at most so many, those that end last first: the newest.
    pub async fn sessions_of(
        &self,
        account: Id<Account>,
        limit: u32,
    ) -> Result<Vec<Session>, Fault> {
        let values = [cells(&account), vec![Cell::Int(i64::from(limit))]].concat();
        self.rows("WHERE t.account = $1 ORDER BY t.expires_at DESC LIMIT $2", values).await
    }

    /// The sessions of an account that are good at `at`, the newest first, at most so many.
    pub async fn open_sessions_of(
        &self,
        account: Id<Account>,
        at: Timestamp,
        limit: u32,
    ) -> Result<Vec<Session>, Fault> {
        let values = [cells(&account), cells(&at), vec![Cell::Int(i64::from(limit))]].concat();
        let tail = "WHERE t.account = $1 AND t.expires_at > $2 ORDER BY t.expires_at DESC LIMIT $3";
        self.rows(tail, values).await
    }

    /// Sessions of an account that have ended at `at`, at most so many.
    pub async fn ended_sessions_of(
        &self,
        account: Id<Account>,
        at: Timestamp,
        limit: u32,
    ) -> Result<Vec<Session>, Fault> {
        let values = [cells(&account), cells(&at), vec![Cell::Int(i64::from(limit))]].concat();
        let tail = "WHERE t.account = $1 AND t.expires_at <= $2 ORDER BY t.expires_at LIMIT $3";
        self.rows(tail, values).await
    }

    /// An API key, also a revoked one.
    pub async fn api_key(&self, id: Id<ApiKey>) -> Result<Option<ApiKey>, Fault> {
        self.row("WHERE t.id = $1", cells(&id)).await
    }

    /// These API keys, in no order.
    pub async fn api_keys_called(&self, ids: &[Id<ApiKey>]) -> Result<Vec<ApiKey>, Fault> {
        self.rows_in("id", ids, "").await
    }

    /// A page of all API keys, newest first.
    pub async fn api_keys(&self, page: Page) -> Result<Vec<ApiKey>, Fault> {
        self.row_page("WHERE t.id <= $1 ORDER BY t.id DESC LIMIT $2", page).await
    }

    /// A page of the API keys of an account, newest first, revoked ones too.
    pub async fn api_keys_of(
        &self,
        account: Id<Account>,
        page: Page,
    ) -> Result<Vec<ApiKey>, Fault> {
        let values = [cells(&account), vec![page.highest(), page.limit()]].concat();
        self.rows("WHERE t.account = $1 AND t.id <= $2 ORDER BY t.id DESC LIMIT $3", values).await
    }

    /// The API keys of an account that are not revoked, newest first, at most so many.
    pub async fn good_api_keys_of(
        &self,
        account: Id<Account>,
        limit: u32,
    ) -> Result<Vec<ApiKey>, Fault> {
        let values = [cells(&account), vec![Cell::Int(i64::from(limit))]].concat();
        let tail = "WHERE t.account = $1 AND t.revoked_at IS NULL ORDER BY t.id DESC LIMIT $2";
        self.rows(tail, values).await
    }

    /// What is under way of an account at `at`, beside its wallet, each once.
    pub async fn under_way(
        &self,
        account: Id<Account>,
        at: Timestamp,
    ) -> Result<Vec<Obstacle>, Fault> {
        let waits = words(TopUpState::ALL, |state| !state.is_final(), TopUpState::as_str);
        let moves = words(ExchangeState::ALL, |state| !state.is_final(), ExchangeState::as_str);
        let found = |table: &str, kind: u8, test: &str| {
            format!(
                "SELECT 1 FROM by_account b JOIN {table} t ON t.id = b.target
                    WHERE b.account = $1 AND b.kind = {kind} AND {test}"
            )
        };
        let asks = [
            found("top_ups", TOP_UP, &format!("t.state IN ({waits})")),
            found("top_ups", TOP_UP, "t.state = 'disputed'"),
            found("exchanges", EXCHANGE, &format!("t.state IN ({moves})")),
            "SELECT 1 FROM purchase_requests r WHERE r.account = $1 AND (r.state = 'captured'
                OR (r.state = 'authorized' AND (r.hold_until IS NULL OR r.hold_until > $2)))"
                .to_owned(),
            "SELECT 1 FROM refund_requests q WHERE q.account = $1 AND q.state = 'open'".to_owned(),
        ];
        let obstacles = [
            Obstacle::TopUps,
            Obstacle::Disputes,
            Obstacle::Exchanges,
            Obstacle::Payments,
            Obstacle::RefundRequests,
        ];
        // Counted to one, which both databases tell as the same kind of number.
        let columns = asks.map(|ask| format!("(SELECT COUNT(*) FROM ({ask} LIMIT 1) x)"));
        let read = move |cells: &mut Reader<'_>| {
            let mut all = Vec::new();
            for obstacle in obstacles {
                all.extend((cells.int()? == Some(1)).then_some(obstacle));
            }
            Ok(all)
        };
        let values = [cells(&account), cells(&at)].concat();
        let text = format!("SELECT {}", columns.join(", "));
        let found = self.query("accounts", text, values, read).await?;
        Ok(found.into_iter().next().unwrap_or_default())
    }

    /// A page of what the vendor's staff did, newest first.
    pub async fn audit(&self, page: Page) -> Result<Vec<Audit>, Fault> {
        self.row_page("WHERE t.id <= $1 ORDER BY t.id DESC LIMIT $2", page).await
    }

    /// These accounts, in no order.
    pub async fn accounts_called(&self, ids: &[Id<Account>]) -> Result<Vec<Account>, Fault> {
        self.rows_in("id", ids, "").await
    }

    /// These wallets, in no order.
    pub async fn wallets_called(&self, ids: &[Id<Wallet>]) -> Result<Vec<Wallet>, Fault> {
        self.rows_in("id", ids, "").await
    }

    /// A wallet.
    pub async fn wallet(&self, id: Id<Wallet>) -> Result<Option<Wallet>, Fault> {
        self.row("WHERE t.id = $1", cells(&id)).await
    }

    /// The wallets of which something has expired at `at`, those that are due longest first.
    pub async fn wallets_due(&self, at: Timestamp, limit: u32) -> Result<Vec<Wallet>, Fault> {
        let mut values = cells(&at);
        values.push(Cell::Int(i64::from(limit)));
        self.rows("WHERE t.next_expiry <= $1 ORDER BY t.next_expiry, t.id LIMIT $2", values).await
    }

    /// A transfer.
    pub async fn transfer(&self, id: Id<Transfer>) -> Result<Option<Transfer>, Fault> {
        self.row("WHERE t.id = $1", cells(&id)).await
    }

    /// A lot, as it came in.
    pub async fn lot(&self, id: Id<Lot>) -> Result<Option<Lot>, Fault> {
        self.row("WHERE t.id = $1", cells(&id)).await
    }

    /// A page of an account's statement, newest first.
    pub async fn transfers_of(
        &self,
        account: Id<Account>,
        page: Page,
    ) -> Result<Vec<Transfer>, Fault> {
        self.listed(account, &TRANSFERS, page).await
    }

    /// A top-up.
    pub async fn top_up(&self, id: Id<TopUp>) -> Result<Option<TopUp>, Fault> {
        self.row("WHERE t.id = $1", cells(&id)).await
    }

    /// The offline top-up with this reference.
    pub async fn top_up_by_reference(&self, reference: &str) -> Result<Option<TopUp>, Fault> {
        self.row("WHERE t.due_reference = $1", cells(&reference.to_owned())).await
    }

    /// The money that came for an offline top-up, oldest first.
    pub async fn remittances_of(&self, top_up: Id<TopUp>) -> Result<Vec<Remittance>, Fault> {
        self.rows("WHERE t.top_up = $1 ORDER BY t.id", cells(&top_up)).await
    }

    /// A reversal.
    pub async fn reversal(&self, id: Id<Reversal>) -> Result<Option<Reversal>, Fault> {
        self.row("WHERE t.id = $1", cells(&id)).await
    }

    /// A top-up's reversals, oldest first.
    pub async fn reversals_of(&self, top_up: Id<TopUp>) -> Result<Vec<Reversal>, Fault> {
        self.rows("WHERE t.top_up = $1 ORDER BY t.id", cells(&top_up)).await
    }

    /// What a top-up's reversals took from which lot.
    pub async fn reversal_lots(&self, top_up: Id<TopUp>) -> Result<Vec<ReversalLot>, Fault> {
        self.rows("WHERE t.top_up = $1 ORDER BY t.reversal, t.lot", cells(&top_up)).await
    }

    /// What lots have paid of what a wallet owes.
    pub async fn debt_payments(&self, wallet: Id<Wallet>) -> Result<Vec<DebtPayment>, Fault> {
        self.rows("WHERE t.wallet = $1 ORDER BY t.lot", cells(&wallet)).await
    }

    /// A page of all top-ups, newest first.
    pub async fn top_ups(&self, page: Page) -> Result<Vec<TopUp>, Fault> {
        self.row_page("WHERE t.id <= $1 ORDER BY t.id DESC LIMIT $2", page).await
    }

    /// A page of the top-ups in one state, newest first.
    pub async fn top_ups_in(&self, state: TopUpState, page: Page) -> Result<Vec<TopUp>, Fault> {
        let mut values = cells(&state);
        values.extend([page.highest(), page.limit()]);
        // The index has all but those that were credited.
        let rare = if state == TopUpState::Credited { "" } else { "AND t.state <> 'credited'" };
        let tail = format!("WHERE t.state = $1 {rare} AND t.id <= $2 ORDER BY t.id DESC LIMIT $3");
        self.rows(&tail, values).await
    }

    /// A page of an account's top-ups, newest first.
    pub async fn top_ups_of(&self, account: Id<Account>, page: Page) -> Result<Vec<TopUp>, Fault> {
        self.listed(account, &[TOP_UP], page).await
    }

    /// The newest top-up of each of these accounts that has any, in no order.
    pub async fn latest_top_ups(&self, accounts: &[Id<Account>]) -> Result<Vec<TopUp>, Fault> {
        let Some((list, values)) = list_of(accounts) else { return Ok(Vec::new()) };
        let tail = format!(
            "WHERE t.id IN (SELECT MAX(b.key) FROM by_account b
                WHERE b.account IN ({list}) AND b.kind = {TOP_UP} GROUP BY b.account)"
        );
        self.rows(&tail, values).await
    }

    /// Top-ups that wait for a person, oldest first.
    pub async fn top_ups_in_review(&self, page: Page) -> Result<Vec<TopUp>, Fault> {
        let after = Cell::number(page.after.unwrap_or(0));
        let tail = "WHERE t.state = 'in_review' AND t.id > $1 ORDER BY t.id LIMIT $2";
        self.rows(tail, vec![after, page.limit()]).await
    }

    /// Errands that are due at `at`, the longest due first.
    pub async fn errands_due(&self, at: Timestamp, limit: u32) -> Result<Vec<Errand>, Fault> {
        let mut values = cells(&at);
        values.push(Cell::Int(i64::from(limit)));
        self.rows("WHERE t.due_at <= $1 ORDER BY t.due_at LIMIT $2", values).await
    }

    /// What is known of an account's credit; nothing before its first top-up.
    pub async fn credit_file(&self, account: Id<Account>) -> Result<Option<CreditFile>, Fault> {
        self.row("WHERE t.account = $1", cells(&account)).await
    }

    /// What an idempotency key of an account names.
    pub async fn request(&self, account: Id<Account>, key: u64) -> Result<Option<Entry>, Fault> {
        let mut values = cells(&account);
        values.extend([Cell::number(u64::from(REQUEST)), Cell::number(key)]);
        self.row("WHERE t.account = $1 AND t.kind = $2 AND t.key = $3", values).await
    }

    /// The lowest current price above zero.
    pub async fn cheapest_offer(&self) -> Result<Option<Amount>, Fault> {
        let text = sql::CHEAPEST.to_owned();
        let found = self.query("offers", text, vec![], Amount::read).await?;
        Ok(found.into_iter().next().flatten())
    }

    /// The vendor's own ledger accounts that were ever added to. They are written once per batch
    /// and never loaded there, so this is the only way to see them.
    pub async fn house(&self) -> Result<Vec<(House, Counters)>, Fault> {
        let read = |cells: &mut Reader<'_>| match (House::read(cells)?, Counters::read(cells)?) {
            (Some(house), Some(counters)) => Ok((house, counters)),
            _ => Err(cells.corrupt()),
        };
        self.query("house", sql::HOUSE.to_owned(), vec![], read).await
    }

    /// How often what servers remember of the rows has changed. On SQLite nobody counts: there is
    /// one server.
    pub async fn generation(&self) -> Result<u64, Fault> {
        let text = sql::GENERATION.to_owned();
        let found = self.query("generation", text, vec![], u64::read).await?;
        Ok(found.into_iter().next().flatten().unwrap_or(0))
    }

    /// A page of rows that the index lists for an account under these kinds by their id, newest first.
    pub(crate) async fn listed<R: crate::table::Row>(
        &self,
        account: Id<Account>,
        kinds: &[u8],
        page: Page,
    ) -> Result<Vec<R>, Fault> {
        let mut values = cells(&account);
        values.extend([page.highest(), page.limit()]);
        let numbers = listed(kinds, "<=", "DESC");
        self.rows(&format!("JOIN ({numbers}) n ON n.target = t.id ORDER BY t.id DESC"), values)
            .await
    }

    pub(crate) async fn row_page<R: crate::table::Row>(
        &self,
        tail: &str,
        page: Page,
    ) -> Result<Vec<R>, Fault> {
        self.rows(tail, vec![page.highest(), page.limit()]).await
    }
}
