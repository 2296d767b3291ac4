//! Downloading: a code or a ticket opens the file, and the license row decides.
//!
//! A license opens the release that it was sold with, and every newer one of the same product that
//! is published in the same channel, or in `stable`. Claims in a code decide nothing here: the row may say more.
//!
//! A download counts when bytes of the file's tail ([`TAIL`]) are sent, once per license, file and 24 hours: cutting it
//! before, resuming it and fetching it again cost nothing. What is limited is what counts. The last byte alone would not
//! do: who has all but a byte has the file, since its digest is published.
//!
//! The first piece of the tail waits for [`Count`], one command under the license's guard, and is not sent when
//! that refuses: so nobody keeps a whole file of a license that was refunded, revoked or suspended
//! while it was sent. And the first piece of all waits until it is on record that the download has begun
//! ([`ticket`]): what was handed out in part is given back by a person only.
//!
//! The limit is held twice. Where it is exact, by that command, whatever else is under way on
//! however many servers. And where it is polite: an answer that enters the tail
//! of a file holds a [`Slot`] while it is sent, so what would be refused there is refused at its
//! beginning. A slot is memory, not a row: it ends with its answer, so a cancelled download and a
//! restart leave nothing behind that somebody would have to wait for.

mod slot;
mod ticket;

use scrip_domain::account::Account;
use scrip_domain::catalog::{File, Release};
use scrip_domain::license::{License, LicenseState};
use scrip_domain::{Id, Span, Timestamp};
use scrip_license::{Digest, Reason};
use scrip_storage::books::Change;
use scrip_storage::index::Download;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};

pub use slot::Slot;
pub(crate) use slot::Slots;
pub use ticket::Ticket;
pub(crate) use ticket::Tickets;

use crate::catalog::release::STABLE;
use crate::objects::Object;
use crate::throttle::RetryAfter;
use crate::{Engine, Outcome};

/// How long a file may be fetched again after a download that counted.
const FREE: Span = Span::hours(24);
/// So many bytes at a file's end are its tail: a file is not much use without them. Of a short one it is all.
const TAIL: u64 = 1 << 20;
/// What is shorter says too little about the client's line.
const TELLING: u64 = 8 << 20;
/// So much of a download may lie in buffers between here and there, which take it at once.
const BUFFERED: u64 = 12 << 20;

/// What is shown at the door.
#[derive(Clone, Copy)]
pub enum Credential<'a> {
    /// An authorization code, in either form.
    Code(&'a str),
    /// A ticket.
    Ticket(&'a str),
}

impl std::fmt::Debug for Credential<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Code(_) => "Code(secret)",
            Self::Ticket(_) => "Ticket(secret)",
        })
    }
}

/// The leave to download a file now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The file.
    pub file: File,
    /// By the right of which license.
    pub license: Id<License>,
    account: Id<Account>,
    /// How many downloads the license includes.
    limit: Option<u32>,
    /// The ticket, or the code as one that was issued with the license.
    pass: ticket::Pass,
}

impl Grant {
    /// Whether the license includes so many downloads and no more.
    pub fn is_limited(&self) -> bool {
        self.limit.is_some()
    }

    /// Whether an answer that sends the file up to `end` sends bytes of its tail, and so counts.
    pub fn enters_tail(&self, end: u64) -> bool {
        end > self.file.size.saturating_sub(TAIL) || end == self.file.size
    }
}

/// Why a download does not begin or go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfinished {
    /// The license's downloads are used up.
    UsedUp,
    /// The license was refunded, revoked or suspended meanwhile.
    Stopped,
}

/// Why a file is not handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DownloadRefusal {
    /// The code or ticket does not open this file. The reason comes only with a genuine one.
    CodeRefused(Option<Reason>),
    /// The license's downloads are used up.
    Limit,
    /// There is no such file.
    NoSuchFile,
    /// Too many wrong codes.
    RateLimited(RetryAfter),
}

impl Engine {
    /// Whether `credential` opens `file` now. `source` is where the request came from.
    pub async fn authorize_download(
        &self,
        credential: Credential<'_>,
        file: Id<File>,
        source: &str,
    ) -> Outcome<Grant, DownloadRefusal> {
        let (license, ticket) = match credential {
            Credential::Code(code) => match self.redeem(code, source).await? {
                Ok(license) => (license, None),
                Err(refusal) => return Ok(Err(refusal)),
            },
            Credential::Ticket(text) => match self.admit(text, file).await? {
                Ok((license, pass)) => (license, Some(pass)),
                Err(refusal) => return Ok(Err(refusal)),
            },
        };
        self.opens(license, ticket, file).await
    }

    /// Whether a license opens `file` now.
    async fn opens(
        &self,
        license: License,
        ticket: Option<ticket::Pass>,
        file: Id<File>,
    ) -> Outcome<Grant, DownloadRefusal> {
        let reason = self.state_of(&license);
        if reason != Reason::Valid {
            return Ok(Err(DownloadRefusal::CodeRefused(Some(reason))));
        }
        let Some((file, release)) = self.published(file).await? else {
            return Ok(Err(DownloadRefusal::NoSuchFile));
        };
        let sold = match license.release {
            Some(id) => self.store.release(id).await?,
            None => None,
        };
        if !entitles(&license, sold.as_ref(), &release) {
            return Ok(Err(DownloadRefusal::CodeRefused(Some(Reason::WrongProduct))));
        }
        let limit = license.limits.downloads;
        if let Some(limit) = limit {
            let counted = self.store.downloads_of(license.id).await?;
            if !is_free(&counted, file.id, self.now()) && used_up(counted.len(), limit) {
                return Ok(Err(DownloadRefusal::Limit));
            }
        }
        let pass = ticket.unwrap_or_else(|| ticket::Pass::of_code(&license, file.id));
        Ok(Ok(Grant { file, license: license.id, account: license.account, limit, pass }))
    }

    /// The license behind a code, with guesses limited.
    pub(crate) async fn redeem(
        &self,
        code: &str,
        source: &str,
    ) -> Outcome<License, DownloadRefusal> {
        Ok(match self.presented(code, source).await? {
            Ok((_, Some(license))) => Ok(license),
            Ok((reason, None)) => {
                let genuine = !matches!(reason, Reason::UnknownCode | Reason::BadSignature);
                Err(DownloadRefusal::CodeRefused(genuine.then_some(reason)))
            }
            Err(wait) => Err(DownloadRefusal::RateLimited(wait)),
        })
    }

    /// A file of a published release, with that release.
    async fn published(&self, file: Id<File>) -> Result<Option<(File, Release)>, Fault> {
        let Some(file) = self.store.file(file).await? else { return Ok(None) };
        let release = self.store.release(file.release).await?;
        let now = self.now();
        Ok(release
            .filter(|release| release.published_at.is_some_and(|at| at <= now))
            .map(|release| (file, release)))
    }

    /// The bytes of a file that may be downloaded.
    pub async fn open_download(&self, grant: &Grant) -> Result<Object, Fault> {
        let File { id, size, sha256, .. } = &grant.file;
        let damaged = |what: &str| Fault::Objects(format!("the object of {id} is {what}"));
        let digest: Digest = sha256.parse().map_err(|_| Fault::Corrupt {
            table: "files",
            column: "sha256".into(),
            row: id.to_string(),
        })?;
        let object = self.objects.get(digest).await?.ok_or_else(|| damaged("missing"))?;
        if object.size() == *size { Ok(object) } else { Err(damaged("not whole")) }
    }

    /// Whether after so many bytes further ones go as fast as the client's line, and no longer into buffers.
    pub fn is_steady(sent: u64) -> bool {
        sent >= BUFFERED
    }

    /// How fast so many bytes went since then, whether or not they were all: the buyer's next estimate goes by it.
    pub fn sent(&self, grant: &Grant, bytes: u64, since: Timestamp) {
        let millis = u64::try_from(self.now().since(since).as_millis()).unwrap_or(0);
        if bytes >= TELLING {
            self.measured(grant.account, bytes, millis);
        }
    }

    /// Bytes of the tail are to be sent: the download counts, unless the same file counted within 24 hours.
    pub async fn finished(&self, grant: &Grant) -> Outcome<(), Unfinished> {
        self.submit(Count { license: grant.license, file: grant.file.id }).await
    }
}

/// Whether so many downloads leave room for no further one.
fn used_up(downloads: usize, limit: u32) -> bool {
    u32::try_from(downloads).unwrap_or(u32::MAX) >= limit
}

/// Whether a license opens a published release: the one it was sold with, and newer ones of the
/// same product in the same channel or in `stable`.
pub(crate) fn entitles(license: &License, sold: Option<&Release>, release: &Release) -> bool {
    if license.release == Some(release.id) {
        return true;
    }
    // Sold before there was a release: the channel that everybody gets.
    let channel = sold.map_or(STABLE, |sold| sold.channel.as_str());
    let since = sold.and_then(|sold| sold.published_at);
    release.product == license.product
        && (release.channel == channel || release.channel == STABLE)
        && release.published_at >= since
}

/// Whether fetching `file` at `at` counts no more.
fn is_free(counted: &[Download], file: Id<File>, at: Timestamp) -> bool {
    counted.iter().any(|download| download.file == file && at < download.at.plus(FREE))
}

/// The license, unless it was ended or suspended meanwhile. Whose time ran out had begun in time.
fn in_force(books: &Books, license: Id<License>) -> Result<Option<&License>, Fault> {
    let lost = || Fault::Bug("a license is gone while its file is sent".into());
    let license = books.licenses.get(&(license,))?.ok_or_else(lost)?;
    Ok((license.state == LicenseState::Valid).then_some(license))
}

struct Count {
    license: Id<License>,
    file: Id<File>,
}

impl Command for Count {
    type Receipt = ();
    type Refusal = Unfinished;

    fn wants(&self, wants: &mut Wants) {
        wants.licenses.guard((self.license,));
        wants.downloads.read((self.license,));
    }

    fn decide(&self, books: &Books, at: Timestamp) -> Result<Decision<(), Unfinished>, Fault> {
        let Some(license) = in_force(books, self.license)? else {
            return Ok(Decision::refused(Unfinished::Stopped));
        };
        let counted = books.downloads.all(&(self.license,))?;
        let mut changes = Changes::default();
        if is_free(counted, self.file, at) {
            return Ok(Decision::done((), changes));
        }
        if license.limits.downloads.is_some_and(|limit| used_up(counted.len(), limit)) {
            return Ok(Decision::refused(Unfinished::UsedUp));
        }
        let download = Download { license: self.license, file: self.file, at };
        changes.downloads.push(Change::Insert(download));
        Ok(Decision::done((), changes))
    }
}

#[cfg(test)]
mod tests {
    use scrip_license::{Limits, Terms};

    use super::*;

    fn id<T>(number: u64) -> Id<T> {
        Id::new(number).unwrap()
    }

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn release(number: u64, channel: &str, published_at: i64) -> Release {
        Release {
            id: id(number),
            product: id(1),
            version: number.to_string(),
            channel: channel.into(),
            notes: String::new(),
            manifest: String::new(),
            published_at: Some(at(published_at)),
        }
    }

    fn sold_in_beta() -> Release {
        release(5, "beta", 500)
    }

    fn license(release: Option<u64>) -> License {
        License {
            id: id(9),
            order: id(9),
            line: id(9),
            account: id(9),
            product: id(1),
            offer: id(9),
            terms: Terms::Perpetual,
            limits: Limits::default(),
            release: release.map(id),
            state: LicenseState::Valid,
            issue: 1,
            kid: String::new(),
            issued_at: at(0),
            expires_at: None,
        }
    }

    #[test]
    fn a_license_opens_its_release_and_newer_ones_of_product_and_channel() {
        let sold = release(5, "stable", 500);
        let mine = license(Some(5));
        let opens = |release: &Release| entitles(&mine, Some(&sold), release);
        assert!(opens(&sold));
        assert!(opens(&release(6, "stable", 600)));
        assert!(!opens(&release(4, "stable", 400)), "an older one was not sold");
        assert!(!opens(&release(6, "beta", 600)), "another channel");
        assert!(!opens(&Release { product: id(2), ..release(6, "stable", 600) }));
        let tester = sold_in_beta();
        assert!(entitles(&mine, Some(&tester), &release(6, "beta", 600)));
        assert!(entitles(&mine, Some(&tester), &release(6, "stable", 600)), "and stable ones");
        assert!(!entitles(&mine, Some(&tester), &release(6, "nightly", 600)));
        let early = license(None);
        assert!(entitles(&early, None, &release(1, "stable", 1)));
        assert!(!entitles(&early, None, &release(1, "beta", 1)));
    }

    #[test]
    fn a_download_that_counted_is_free_for_a_day() {
        let counted = [Download { license: id(9), file: id(3), at: at(1000) }];
        let end = at(1000).plus(FREE);
        assert!(is_free(&counted, id(3), end.minus(Span::millis(1))));
        assert!(!is_free(&counted, id(3), end));
        assert!(!is_free(&counted, id(4), at(1001)));
    }
}
