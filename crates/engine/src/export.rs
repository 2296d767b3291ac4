//! Exports: the whole ledger as a journal, and the list of orders, in pieces that never lie in memory together.
//!
//! ```text
//! what has expired is booked ─▶ one long read ─▶ sheets ─▶ text, piece by piece
//! ```
//! The same books give the same bytes: nothing here knows what time it is, but for what expires.

use scrip_domain::account_statement::ListedLine;
use scrip_domain::journal::{Format, Journal, Sheet, field};
use scrip_domain::settings::Token;
use scrip_domain::{Amount, Timestamp};
use scrip_storage::Rows;

use crate::{Engine, Fault, Period};

/// A file while it is written.
#[derive(Debug)]
pub struct Export {
    /// What is written before anything is read.
    head: Option<String>,
    /// None after the end.
    source: Option<Source>,
}

#[derive(Debug)]
enum Source {
    Journal { sheets: Rows<Sheet>, journal: Box<Journal> },
    Orders { lines: Rows<ListedLine>, token: Token },
}

impl Engine {
    /// The ledger of a period, as a journal. Long reads go one at a time: another one is [`Fault::Busy`].
    pub async fn export(&self, format: Format, period: Period) -> Result<Export, Fault> {
        while self.expire_due().await? > 0 {}
        let vendor = self.vendor().await?;
        let settings = &vendor.settings;
        let sheets = self.store.journal(period)?;
        let (journal, head) = Journal::begin(format, &settings.name, &settings.token, period.from);
        let source = Source::Journal { sheets, journal: Box::new(journal) };
        Ok(Export { head: Some(head), source: Some(source) })
    }

    /// The orders that were selected in a period, as CSV, a row for each line.
    pub async fn export_orders(&self, period: Period) -> Result<Export, Fault> {
        let token = self.vendor().await?.settings.token.clone();
        let lines = self.store.listed_lines(period)?;
        let head = "order,account,state,selected_at,paid_at,coupon,line,product,title,quantity,price,discount,total,refunded,unit\r\n";
        let source = Source::Orders { lines, token };
        Ok(Export { head: Some(head.to_owned()), source: Some(source) })
    }
}

impl Export {
    /// The next piece; none at the end. After a fault there is nothing more, and what came before is not the
    /// whole file.
    pub async fn next(&mut self) -> Option<Result<String, Fault>> {
        if let Some(head) = self.head.take() {
            return Some(Ok(head));
        }
        let piece = match self.source.as_mut()? {
            Source::Journal { sheets, journal } => {
                let page = sheets.next().await;
                page.map(|page| Ok(page?.iter().map(|sheet| journal.sheet(sheet)).collect()))
            }
            Source::Orders { lines, token } => {
                let page = lines.next().await;
                page.map(|page| Ok(page?.iter().map(|line| row(line, token)).collect()))
            }
        };
        match piece {
            Some(Ok(text)) => Some(Ok(text)),
            Some(Err(fault)) => {
                self.source = None;
                Some(Err(fault))
            }
            None => match self.source.take()? {
                Source::Journal { journal, .. } => Some(Ok(journal.end())),
                Source::Orders { .. } => None,
            },
        }
    }
}

/// A row of the list of orders.
fn row(line: &ListedLine, token: &Token) -> String {
    let amount = |amount: Amount| amount.decimal(token.scale).to_string();
    let time = |at: Option<Timestamp>| at.map(|at| at.to_string()).unwrap_or_default();
    let fields = [
        line.order.to_string(),
        line.account.map(|account| account.to_string()).unwrap_or_default(),
        line.state.to_string(),
        line.selected_at.to_string(),
        time(line.paid_at),
        field(line.coupon.as_deref().unwrap_or_default()),
        line.line.to_string(),
        line.product.to_string(),
        field(&line.title),
        line.quantity.to_string(),
        amount(line.price),
        amount(line.discount),
        line.total().map(amount).unwrap_or_default(),
        amount(line.refunded),
        token.code.to_string(),
    ];
    fields.join(",") + "\r\n"
}
