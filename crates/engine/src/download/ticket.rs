//! Tickets: links for browsers and download managers, which cannot send a code.
//!
//! ```text
//! issued ──15 minutes──▶ ended
//!   └──bytes were sent──▶ started ──24 hours──▶ ended
//! ```
//!
//! A ticket is sealed and says all there is to know but whether it was started; that is remembered
//! in memory, bounded. A server that was started after a ticket was issued cannot remember, and
//! believes that bytes were sent: so a restart kills no download, and an unused ticket from before
//! it lives a day.

use quick_cache::sync::Cache;
use scrip_domain::catalog::File;
use scrip_domain::license::License;
use scrip_domain::{Id, Span, Timestamp};
use scrip_license::Reason;
use serde::{Deserialize, Serialize};

use super::{Credential, DownloadRefusal};
use crate::{Engine, Outcome};

const PURPOSE: &str = "download ticket";
/// To start within.
const START: Span = Span::minutes(15);
/// To go on for, once bytes were sent.
const GO_ON: Span = Span::hours(24);
/// Started tickets that are remembered.
const REMEMBERED: usize = 50_000;

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

/// Which tickets were started, and when.
#[derive(Debug)]
pub(crate) struct Tickets {
    started: Cache<Pass, Timestamp>,
    /// Since when this is remembered.
    since: Timestamp,
}

impl Tickets {
    pub fn since(since: Timestamp) -> Self {
        Self { started: Cache::new(REMEMBERED), since }
    }

    /// Bytes were sent for `pass`; the first time counts.
    pub(super) fn start(&self, pass: Pass, now: Timestamp) {
        if self.started.get(&pass).is_none() {
            self.started.insert(pass, now);
        }
    }

    /// Whether `pass`, whose seal is whole, may be used at `now`.
    fn admits(&self, pass: &Pass, now: Timestamp) -> bool {
        let issued_at = Timestamp::from_millis(pass.issued_at);
        if now < issued_at.plus(START) {
            return true;
        }
        match self.started.get(pass) {
            Some(started) => now < started.plus(GO_ON),
            None => issued_at < self.since,
        }
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
        let now = self.now();
        let pass =
            Pass { license: grant.license, issue: grant.issue, file, issued_at: now.millis() };
        let expires_at = now.plus(START);
        let text = self.seal(PURPOSE, &pass, expires_at.plus(GO_ON));
        Ok(Ok(Ticket { text, expires_at }))
    }

    /// The license behind a ticket. A newer issue of its code has ended the ticket too.
    pub(super) async fn admit(
        &self,
        text: &str,
        file: Id<File>,
    ) -> Outcome<(License, Pass), DownloadRefusal> {
        let refused = |reason| Ok(Err(DownloadRefusal::CodeRefused(reason)));
        let now = self.now();
        let pass = self
            .unseal::<Pass>(PURPOSE, text)
            .filter(|pass| pass.file == file && self.tickets.admits(pass, now));
        let Some(pass) = pass else { return refused(None) };
        match self.store.license(pass.license).await? {
            Some(license) if license.issue == pass.issue => Ok(Ok((license, pass))),
            Some(_) => refused(Some(Reason::Superseded)),
            None => refused(None),
        }
    }
}
