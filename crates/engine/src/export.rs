//! Exports: the whole ledger as a journal, and the list of orders, in pieces that never lie in memory together.
//!
//! ```text
//! what has expired is booked ─▶ one long read ─▶ sheets ─▶ text, piece by piece
//! ```
//! The same books give the same bytes: nothing here knows what time it is, but for what expires.

use scrip_domain::journal::{Format, Journal, Sheet};
use scrip_storage::reads::journal::Period;
use scrip_storage::{Fault, Rows};

use crate::Engine;

/// A journal while it is written.
#[derive(Debug)]
pub struct Export {
    sheets: Rows<Sheet>,
    /// None after the end.
    journal: Option<Journal>,
    /// What is written before the first sheet.
    head: Option<String>,
}

impl Engine {
    /// The ledger of a period, as a journal. Long reads go one at a time: another one is [`Fault::Busy`].
    pub async fn export(&self, format: Format, period: Period) -> Result<Export, Fault> {
        while self.expire_due().await? > 0 {}
        let vendor = self.vendor().await?;
        let settings = &vendor.settings;
        let sheets = self.store.journal(period)?;
        let (journal, head) =
            Journal::begin(format, &settings.name, &settings.token, period.from);
        Ok(Export { sheets, journal: Some(journal), head: Some(head) })
    }
}

impl Export {
    /// The next piece; none at the end. After a fault there is nothing more, and what came before is no whole
    /// journal.
    pub async fn next(&mut self) -> Option<Result<String, Fault>> {
        if let Some(head) = self.head.take() {
            return Some(Ok(head));
        }
        let journal = self.journal.as_mut()?;
        match self.sheets.next().await {
            Some(Ok(page)) => Some(Ok(page.iter().map(|sheet| journal.sheet(sheet)).collect())),
            Some(Err(fault)) => {
                self.journal = None;
                Some(Err(fault))
            }
            None => self.journal.take().map(|journal| Ok(journal.end())),
        }
    }
}
