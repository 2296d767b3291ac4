//! Tickets: links for browsers and download managers, which cannot send a code.
//!
//! ```text
//! issued ──15 minutes──▶ ended
//!   └──bytes were sent──▶ started ──24 hours──▶ ended
//! ```
//!
//! A ticket is sealed and says all there is to know but whether it was started. That is a row, written
//! before the first bytes are sent and asked for only when a quarter of an hour is over; a few are
//! remembered, so that a download in many pieces writes once. What is fetched by the code leaves such a row too.
//!
//! Dead rows are cleared away only beside a new one: a license of which anything was ever sent has a row for ever, by
//! which a refund knows it ([`crate::refund_request`]). Of those that live only so many of a license are kept, since each
//! new one looks at them: the one that was started first ends early.

use quick_cache::sync::Cache;
use scrip_domain::catalog::File;
use scrip_domain::license::License;
use scrip_domain::{Id, Span, Timestamp};
use scrip_license::Reason;
use scrip_storage::books::Change;
use scrip_storage::index::StartedTicket;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};
use serde::{Deserialize, Serialize};

use super::{Credential, DownloadRefusal, Grant, Unfinished, in_force};
use crate::{Engine, Outcome};

const PURPOSE: &str = "download ticket";
/// To start within.
const START: Span = Span::minutes(15);
/// To go on for, once bytes were sent.
const GO_ON: Span = Span::hours(24);
/// Started tickets that are remembered.
const REMEMBERED: usize = 10_000;
/// Started tickets of a license that are kept.
const KEPT: usize = 200;
/// The most rows that one command clears away.
const CLEARED: usize = 100;

/// A ticket.
#[derive(Clone)]
pub struct Ticket {
    /// The ticket itself, safe in a URL.
    pub text: String,
    /// Until when it may be used for the first time.
    pub expires_at: Timestamp,
}

impl std::fmt::Debug for Ticket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ticket").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

/// What a ticket says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct Pass {
    #[serde(rename = "l")]
    license: Id<License>,
    #[serde(rename = "i")]
    issue: u32,
    #[serde(rename = "f")]
    file: Id<File>,
    /// In milliseconds.
    #[serde(rename = "t")]
    issued_at: i64,
}

impl Pass {
    /// A code opens a file like a ticket that was issued with the license.
    pub fn of_code(license: &License, file: Id<File>) -> Self {
        let License { id, issue, issued_at, .. } = *license;
        Self { license: id, issue, file, issued_at: issued_at.millis() }
    }

    fn issued_at(&self) -> Timestamp {
        Timestamp::from_millis(self.issued_at)
    }
}

/// When tickets were started, as far as it is remembered.
#[derive(Debug)]
pub(crate) struct Tickets(Cache<Pass, Timestamp>);

impl Default for Tickets {
    fn default() -> Self {
        Self(Cache::new(REMEMBERED))
    }
}

impl Engine {
    /// A ticket for `file`, in place of the code. `source` is where the request came from.
    pub async fn issue_ticket(
        &self,
        code: &str,
        file: Id<File>,
        source: &str,
    ) -> Outcome<Ticket, DownloadRefusal> {
        let grant = match self.authorize_download(Credential::Code(code), file, source).await? {
            Ok(grant) => grant,
            Err(refusal) => return Ok(Err(refusal)),
        };
        Ok(Ok(self.sealed(grant.license, grant.pass.issue, file)))
    }

    /// A ticket for `file` to the holder of `license`, in place of its code.
    pub async fn holders_ticket(
        &self,
        license: &License,
        file: Id<File>,
    ) -> Outcome<Ticket, DownloadRefusal> {
        // Asked now, so that who may not download is told so on a page, and not by a browser that saves nothing.
        Ok(self.opens(license.clone(), None, file).await?.map(|_| self.ticket_for(license, file)))
    }

    /// A ticket for `file`, which a license opens.
    pub(crate) fn ticket_for(&self, license: &License, file: Id<File>) -> Ticket {
        self.sealed(license.id, license.issue, file)
    }

    fn sealed(&self, license: Id<License>, issue: u32, file: Id<File>) -> Ticket {
        let now = self.now();
        let pass = Pass { license, issue, file, issued_at: now.millis() };
        let expires_at = now.plus(START);
        let text = self.seal(PURPOSE, &pass, expires_at.plus(GO_ON));
        Ticket { text, expires_at }
    }

    /// The license behind a ticket. A newer issue of its code has ended the ticket too.
    pub(super) async fn admit(
        &self,
        text: &str,
        file: Id<File>,
    ) -> Outcome<(License, Pass), DownloadRefusal> {
        let refused = |reason| Ok(Err(DownloadRefusal::CodeRefused(reason)));
        let now = self.now();
        let pass = self.unseal::<Pass>(PURPOSE, text).filter(|pass| pass.file == file);
        let Some(pass) = pass else { return refused(None) };
        if now >= pass.issued_at().plus(START) {
            let started = self.started_at(&pass).await?;
            if started.is_none_or(|at| now >= at.plus(GO_ON)) {
                return refused(None);
            }
        }
        match self.store.license(pass.license).await? {
            Some(license) if license.issue == pass.issue => Ok(Ok((license, pass))),
            Some(_) => refused(Some(Reason::Superseded)),
            None => refused(None),
        }
    }

    /// When the first bytes were sent with a ticket.
    async fn started_at(&self, pass: &Pass) -> Result<Option<Timestamp>, Fault> {
        if let Some(at) = self.tickets.0.get(pass) {
            return Ok(Some(at));
        }
        let row = self.store.started_ticket(pass.license, pass.file, pass.issued_at()).await?;
        Ok(row.map(|row| row.at))
    }

    /// The first bytes are to be sent: that they were is on record from now on, and the ticket, if it was one, is good for
    /// a day.
    pub async fn begun(&self, grant: &Grant) -> Outcome<(), Unfinished> {
        if self.tickets.0.get(&grant.pass).is_some() {
            return Ok(Ok(()));
        }
        let started = self.submit(Start(grant.pass)).await?;
        Ok(started.map(|at| self.tickets.0.insert(grant.pass, at)))
    }
}

/// Puts on record that bytes were sent with a ticket; the first time counts.
struct Start(Pass);

impl Command for Start {
    type Receipt = Timestamp;
    type Refusal = Unfinished;

    fn wants(&self, wants: &mut Wants) {
        wants.licenses.guard((self.0.license,));
        wants.started_tickets.read((self.0.license,));
    }

    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<Timestamp, Unfinished>, Fault> {
        // What was given back meanwhile, as never begun, is not begun beside that.
        if in_force(books, self.0.license)?.is_none() {
            return Ok(Decision::refused(Unfinished::Stopped));
        }
        let (license, file, issued_at) = (self.0.license, self.0.file, self.0.issued_at());
        let started = books.started_tickets.all(&(license,))?;
        if let Some(row) = started.iter().find(|row| (row.file, row.issued_at) == (file, issued_at))
        {
            return Ok(Decision::done(row.at, Changes::default()));
        }
        let mut changes = Changes::default();
        let mut oldest: Vec<_> = started.iter().collect();
        oldest.sort_by_key(|row| row.at);
        let more = started.len().saturating_sub(KEPT - 1);
        let ended =
            |(place, row): &(usize, &&StartedTicket)| *place < more || at >= row.at.plus(GO_ON);
        let gone = oldest.iter().enumerate().filter(ended).take(CLEARED);
        changes.started_tickets.extend(gone.map(|(_, row)| Change::Delete((**row).clone())));
        let row = StartedTicket { license, file, issued_at, at };
        changes.started_tickets.push(Change::Insert(row));
        Ok(Decision::done(at, changes))
    }
}
