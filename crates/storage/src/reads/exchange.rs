//! Reads about exchanges, of our tokens and for them.

use scrip_domain::account::Account;
use scrip_domain::exchange::{Exchange, ExchangeDay, ExchangeQuote, ExchangeState, Incoming};
use scrip_domain::lot::Lot;
use scrip_domain::partner::Partner;
use scrip_domain::{Id, Timestamp};

use crate::cells::Cell;
use crate::fault::Fault;
use crate::fields::Field;
use crate::index::EXCHANGE;
use crate::reads::{Page, cells};
use crate::store::Store;

/// The documents of one exchange, in the order in which each names the one before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Documents {
    /// The issuing vendor's name of the exchange.
    pub exchange: Id<Exchange>,
    /// The quote; none of what was rejected unseen where we honour it.
    pub quote: Option<String>,
    /// That it is prepared.
    pub prepared: Option<String>,
    /// That it is decided.
    pub commit: Option<String>,
    /// The final word.
    pub answer: Option<String>,
}

impl Store {
    /// A partner's quote.
    pub async fn exchange_quote(
        &self,
        id: Id<ExchangeQuote>,
    ) -> Result<Option<ExchangeQuote>, Fault> {
        self.row("WHERE t.id = $1", cells(&id)).await
    }

    /// An exchange of our tokens.
    pub async fn exchange(&self, id: Id<Exchange>) -> Result<Option<Exchange>, Fault> {
        self.row("WHERE t.id = $1", cells(&id)).await
    }

    /// A page of an account's exchanges, newest first.
    pub async fn exchanges_of(
        &self,
        account: Id<Account>,
        page: Page,
    ) -> Result<Vec<Exchange>, Fault> {
        self.listed(account, &[EXCHANGE], page).await
    }

    /// A page of all exchanges in this state, if one is given, with this partner, if one is given; newest first.
    pub async fn exchanges(
        &self,
        state: Option<ExchangeState>,
        partner: Option<Id<Partner>>,
        page: Page,
    ) -> Result<Vec<Exchange>, Fault> {
        // Parameters are numbered in the order in which they occur.
        let mut values = vec![page.highest()];
        let mut tail = vec!["WHERE t.id <= $1".to_owned()];
        let filters =
            [("state", state.as_ref().map(cells)), ("partner", partner.as_ref().map(cells))];
        for (column, value) in filters {
            if let Some(value) = value {
                values.extend(value);
                tail.push(format!("AND t.{column} = ${}", values.len()));
            }
        }
        values.push(page.limit());
        tail.push(format!("ORDER BY t.id DESC LIMIT ${}", values.len()));
        self.rows(&tail.join(" "), values).await
    }

    /// Quotes of before `before` that nobody took, the oldest first.
    pub async fn quotes_unused(
        &self,
        before: Timestamp,
        limit: u32,
    ) -> Result<Vec<ExchangeQuote>, Fault> {
        let mut values = cells(&before);
        values.push(Cell::Int(i64::from(limit)));
        let tail = "WHERE t.exchange IS NULL AND t.at < $1 ORDER BY t.at, t.id LIMIT $2";
        self.rows(tail, values).await
    }

    /// Exchanges about which something is to be done at `at`, the longest due first.
    pub async fn exchanges_due(&self, at: Timestamp, limit: u32) -> Result<Vec<Exchange>, Fault> {
        let mut values = cells(&at);
        values.push(Cell::Int(i64::from(limit)));
        self.rows("WHERE t.due_at <= $1 ORDER BY t.due_at, t.id LIMIT $2", values).await
    }

    /// What a partner calls so, for our tokens.
    pub async fn incoming_exchange(
        &self,
        partner: Id<Partner>,
        exchange: Id<Exchange>,
    ) -> Result<Option<Incoming>, Fault> {
        let values = [cells(&partner), cells(&exchange)].concat();
        self.row("WHERE t.partner = $1 AND t.exchange = $2", values).await
    }

    /// What has used up our quote of this name.
    pub async fn incoming_by_quote(&self, quote: &str) -> Result<Option<Incoming>, Fault> {
        self.row("WHERE t.quote = $1", vec![Cell::text(quote.to_owned())]).await
    }

    /// What was prepared here and has lapsed at `at`, the longest ago first.
    pub async fn incoming_lapsed(&self, at: Timestamp, limit: u32) -> Result<Vec<Incoming>, Fault> {
        let mut values = cells(&at);
        values.push(Cell::Int(i64::from(limit)));
        let tail = "WHERE t.state = 'prepared' AND t.until <= $1 ORDER BY t.until, t.partner, t.exchange LIMIT $2";
        self.rows(tail, values).await
    }

    /// What an account has exchanged with a partner on a day.
    pub async fn exchange_day(
        &self,
        partner: Id<Partner>,
        account: Id<Account>,
    ) -> Result<Option<ExchangeDay>, Fault> {
        let values = [cells(&partner), cells(&account)].concat();
        self.row("WHERE t.partner = $1 AND t.account = $2", values).await
    }

    /// From which partners the tokens in an account's lots came, as people know them.
    pub async fn partners_of_lots(
        &self,
        account: Id<Account>,
    ) -> Result<Vec<(Id<Lot>, String)>, Fault> {
        let text = "SELECT DISTINCT i.lot, p.name FROM incoming_exchanges i JOIN partners p ON p.id = i.partner
             WHERE i.account = $1 AND i.lot IS NOT NULL ORDER BY 1, 2";
        self.query("incoming_exchanges", text.to_owned(), cells(&account), |cells| {
            let lot = <Id<Lot>>::read(cells)?.ok_or_else(|| cells.corrupt())?;
            Ok((lot, cells.text()?.ok_or_else(|| cells.corrupt())?))
        })
        .await
    }

    /// A page of the documents of exchanges of our tokens, in order of their names, after one of them.
    pub async fn exchange_documents(
        &self,
        after: Option<Id<Exchange>>,
        limit: u32,
    ) -> Result<Vec<Documents>, Fault> {
        let text = r#"SELECT x.id, q.document, x.prepared, x."commit", x.answer
             FROM exchanges x LEFT JOIN exchange_quotes q ON q.id = x.quote
             WHERE x.id > $1 ORDER BY x.id LIMIT $2"#;
        let after = after.map_or(-1, |id| i64::try_from(id.number()).unwrap_or(i64::MAX));
        self.documents(text, vec![Cell::Int(after), Cell::Int(i64::from(limit))]).await
    }

    /// The same of a page of exchanges for our tokens, after the one that the partner calls so.
    pub async fn incoming_documents(
        &self,
        after: Option<(Id<Partner>, Id<Exchange>)>,
        limit: u32,
    ) -> Result<Vec<(Id<Partner>, Documents)>, Fault> {
        let text = r#"SELECT i.partner, i.exchange, i.offer, i.prepared, i."commit", i.answer FROM incoming_exchanges i
             WHERE i.partner > $1 OR (i.partner = $1 AND i.exchange > $2)
             ORDER BY i.partner, i.exchange LIMIT $3"#;
        let number = |number: u64| Cell::Int(i64::try_from(number).unwrap_or(i64::MAX));
        let (partner, exchange) = match after {
            Some((partner, exchange)) => (number(partner.number()), number(exchange.number())),
            None => (Cell::Int(-1), Cell::Int(-1)),
        };
        let values = vec![partner, exchange, Cell::Int(i64::from(limit))];
        self.query("incoming_exchanges", text.to_owned(), values, |cells| {
            let partner = Id::read(cells)?.ok_or_else(|| cells.corrupt())?;
            let exchange = Id::read(cells)?.ok_or_else(|| cells.corrupt())?;
            let (quote, prepared) = (cells.text()?, cells.text()?);
            let (commit, answer) = (cells.text()?, cells.text()?);
            Ok((partner, Documents { exchange, quote, prepared, commit, answer }))
        })
        .await
    }

    async fn documents(
        &self,
        text: &str,
        values: Vec<Cell<'static>>,
    ) -> Result<Vec<Documents>, Fault> {
        self.query("exchanges", text.to_owned(), values, |cells| {
            let exchange = Id::read(cells)?.ok_or_else(|| cells.corrupt())?;
            let (quote, prepared) = (cells.text()?, cells.text()?);
            let (commit, answer) = (cells.text()?, cells.text()?);
            Ok(Documents { exchange, quote, prepared, commit, answer })
        })
        .await
    }
}
