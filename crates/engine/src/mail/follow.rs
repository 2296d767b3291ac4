//! From the feed of events to letters: each event once, in order.

use std::collections::BTreeMap;

use scrip_domain::account::Account;
use scrip_domain::event::{Event, EventType, Subject};
use scrip_domain::letter::{About, Digest, Letter, Postbox, Recipient};
use scrip_domain::order::Order;
use scrip_domain::settings;
use scrip_domain::{Id, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};

use super::is_gone;
use crate::Engine;
use crate::round::{self, IN_TURN};
use crate::throttle::Limited;

/// Events that are looked at in one step.
const PAGE: u32 = 1000;
/// Of those so many become letters in one commit.
const TOLD: usize = 100;
/// Steps in one go: beside many buyers there is always something more.
const STEPS: usize = 20;
/// Digests that become letters in one go.
const GATHERED: u32 = 100;

impl Engine {
    /// Makes letters of what has happened, of what was gathered for a day, and of what was asked for.
    pub async fn collect_letters(&self) -> Result<(), Fault> {
        if !self.writes_letters() {
            return Ok(());
        }
        self.write_resets().await?;
        for _ in 0..STEPS {
            if !self.follow().await? {
                break;
            }
        }
        self.end_digests().await
    }

    /// Makes letters of the next events. Whether there may be more.
    async fn follow(&self) -> Result<bool, Fault> {
        let Some(postbox) = self.store.postbox().await? else { return Ok(false) };
        let from = postbox.position;
        let events = self.store.events_between(from, Id::<Event>::MAX, PAGE).await?;
        let vendor = self.vendor().await?;
        let mail = &vendor.settings.mail;
        let (mut until, mut told) = (from, Vec::new());
        for event in events {
            let unpublished = || Fault::Bug("an event of the feed has no place".into());
            until = event.seq.ok_or_else(unpublished)?;
            let Some(about) = about(&event, mail.verify) else { continue };
            if let Some(recipient) = self.reader(&event, &about, mail).await? {
                told.push(News { id: self.mint()?, event, about, recipient });
            }
            if told.len() == TOLD {
                break;
            }
        }
        if until == from {
            return Ok(false);
        }
        let follow = Follow { from, until, told, digest_below: mail.digest_below };
        let Ok(()) = self.submit(follow).await?;
        Ok(true)
    }

    /// Where a letter about an event goes, if anywhere.
    async fn reader(
        &self,
        event: &Event,
        about: &About,
        mail: &settings::Mail,
    ) -> Result<Option<Recipient>, Fault> {
        if about.is_for_staff() {
            return Ok(self.at_address(&mail.staff));
        }
        let Some(account) = event.owner() else { return Ok(None) };
        if matches!(about, About::OrderDeclined { .. }) && !self.tells_of_declined(account) {
            return Ok(None);
        }
        let Some(member) = self.member(account).await? else { return Ok(None) };
        self.recipient(&member.account, about).await
    }

    /// Whether an account is written of one more declined order: its address may be somebody else's, and declining costs nothing.
    fn tells_of_declined(&self, account: Id<Account>) -> bool {
        let who = account.to_string();
        self.throttle.take([(Limited::DeclinedLetter, &*who)], self.now()).is_ok()
    }

    /// Makes letters of what was gathered long enough.
    async fn end_digests(&self) -> Result<(), Fault> {
        let due = self.store.digests_due(self.now(), GATHERED).await?;
        let end = async |digest: Digest| {
            let recipient = match self.member(digest.account).await? {
                Some(member) => self.recipient(&member.account, &digest.about()).await?,
                None => None,
            };
            let end = EndDigest { id: self.mint()?, account: digest.account, recipient };
            let Ok(()) = self.submit(end).await?;
            Ok(())
        };
        round::all(due, IN_TURN, end).await.map(drop)
    }
}

/// What a letter about an event says; none for what nobody is written of.
fn about(event: &Event, verify: bool) -> Option<About> {
    let Subject(number) = event.subject;
    Some(match event.kind {
        // Where addresses are verified, the letter that asks for it came with the account.
        EventType::AccountOpened if verify => return None,
        EventType::AccountOpened => About::Welcome {},
        EventType::AccountFrozen => About::AccountFrozen { at: event.at },
        EventType::AccountThawed => About::AccountThawed { at: event.at },
        EventType::OrderPaid => About::OrderPaid { order: Id::new(number)? },
        EventType::OrderDeclined => About::OrderDeclined { order: Id::new(number)? },
        EventType::OrderRefunded => About::OrderRefunded { order: Id::new(number)?, at: event.at },
        EventType::TopUpCredited => About::TopUpCredited { top_up: Id::new(number)? },
        EventType::TopUpDeclined => About::TopUpDeclined { top_up: Id::new(number)? },
        EventType::TopUpRefunded => About::TopUpRefunded { top_up: Id::new(number)? },
        EventType::TopUpInReview => About::ReviewWaiting { top_up: Id::new(number)? },
        EventType::TopUpDisputed => About::Disputed { top_up: Id::new(number)? },
        EventType::AutoTopUpStopped => About::AutoTopUpStopped {},
        EventType::LicenseExpiring => About::LicenseExpiring { license: Id::new(number)? },
        EventType::LicenseReissued => About::LicenseReissued { license: Id::new(number)? },
        // The letter about an order has the codes of its licenses. A machine says itself what it does; what staff does to a
        // license is for staff to tell, with its reason; letters about what buyers ask back are in the commits, with their
        // words; who was erased has no address; the rest is between servers.
        EventType::LicenseIssued
        | EventType::LicenseActivated
        | EventType::LicenseExhausted
        | EventType::LicenseSuspended
        | EventType::LicenseResumed
        | EventType::LicenseRevoked
        | EventType::RefundRequestOpened
        | EventType::RefundRequestAccepted
        | EventType::RefundRequestDeclined
        | EventType::AccountErased
        | EventType::RequestAuthorized
        | EventType::RequestCaptured
        | EventType::RequestRefunded
        | EventType::SettlementAgreed
        | EventType::SettlementOverdue
        | EventType::SettlementSettled
        | EventType::ExchangeCommitted
        | EventType::ExchangeFulfilled
        | EventType::ExchangeReversed => return None,
    })
}

/// An event that becomes a letter, or a part of one.
struct News {
    id: Id<Letter>,
    event: Event,
    about: About,
    recipient: Recipient,
}

impl News {
    /// The account that is written to; none where it is the staff.
    fn buyer(&self) -> Option<Id<Account>> {
        self.event.owner().filter(|_| !self.about.is_for_staff())
    }

    /// The order and its account, if it may be gathered.
    fn paid(&self) -> Option<(Id<Order>, Id<Account>)> {
        match self.about {
            About::OrderPaid { order } => Some((order, self.event.owner()?)),
            _ => None,
        }
    }
}

struct Follow {
    /// Where the postbox stood when the events were read.
    from: u64,
    /// The place of the last event that was looked at.
    until: u64,
    told: Vec<News>,
    digest_below: scrip_domain::Amount,
}

impl Command for Follow {
    type Receipt = ();
    type Refusal = std::convert::Infallible;

    fn wants(&self, wants: &mut Wants) {
        wants.postbox.guard((Postbox::ONLY,));
        for account in self.told.iter().filter_map(News::buyer) {
            wants.accounts.read((account,));
        }
        if self.digest_below.is_zero() {
            return;
        }
        for (order, account) in self.told.iter().filter_map(News::paid) {
            wants.orders.read((order,));
            // Its end may be near, and another server's hand on it.
            wants.digests.guard((account,));
        }
    }

    fn decide(&self, books: &Books, at: Timestamp) -> Result<Decision<(), Self::Refusal>, Fault> {
        let mut changes = Changes::default();
        let postbox = books.postbox.get(&(Postbox::ONLY,))?;
        if postbox.is_none_or(|postbox| postbox.position != self.from) {
            // Another server was here meanwhile.
            return Ok(Decision::done((), changes));
        }
        let mut digests = BTreeMap::new();
        for news in &self.told {
            if let Some(account) = news.buyer()
                && is_gone(books, account)?
            {
                continue;
            }
            if let Some((order, account)) = self.small(books, news)? {
                let kept = books.digests.get(&(account,))?;
                let begun = || kept.cloned().unwrap_or_else(|| Digest::new(account, at));
                let digest: Digest = digests.remove(&account).unwrap_or_else(begun);
                digests.insert(account, digest.with(order));
                continue;
            }
            let letter =
                Letter::new(news.id, news.buyer(), news.recipient.clone(), news.about.clone(), at);
            changes.letters.push(Change::Insert(letter));
        }
        for (account, digest) in digests {
            let is_new = books.digests.get(&(account,))?.is_none();
            changes.digests.push(if is_new {
                Change::Insert(digest)
            } else {
                Change::Update(digest)
            });
        }
        let position = self.until;
        changes.postbox.push(Change::Update(Postbox { number: Postbox::ONLY, position }));
        Ok(Decision::done((), changes))
    }
}

impl Follow {
    /// The order of a small purchase in one step, which waits for the day's letter.
    fn small<'b>(
        &self,
        books: &'b Books,
        news: &News,
    ) -> Result<Option<(&'b Order, Id<Account>)>, Fault> {
        let Some((id, account)) = news.paid().filter(|_| !self.digest_below.is_zero()) else {
            return Ok(None);
        };
        let order = books.orders.get(&(id,))?;
        let order = order.filter(|order| order.is_one_step() && order.total < self.digest_below);
        Ok(order.map(|order| (order, account)))
    }
}

/// What was gathered becomes a letter.
struct EndDigest {
    id: Id<Letter>,
    account: Id<Account>,
    recipient: Option<Recipient>,
}

impl Command for EndDigest {
    type Receipt = ();
    type Refusal = std::convert::Infallible;

    fn wants(&self, wants: &mut Wants) {
        wants.digests.guard((self.account,));
        wants.accounts.read((self.account,));
    }

    fn decide(&self, books: &Books, at: Timestamp) -> Result<Decision<(), Self::Refusal>, Fault> {
        let mut changes = Changes::default();
        let digest = books.digests.get(&(self.account,))?;
        if let Some(digest) = digest.filter(|digest| digest.due_at <= at) {
            if let Some(recipient) = self.recipient.clone()
                && !is_gone(books, self.account)?
            {
                let (account, about) = (Some(self.account), digest.about());
                let letter = Letter::new(self.id, account, recipient, about, at);
                changes.letters.push(Change::Insert(letter));
            }
            changes.digests.push(Change::Delete(digest.clone()));
        }
        Ok(Decision::done((), changes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_is_written_of_or_left_out_on_purpose() {
        let event = |kind| Event::new(Id::ZERO, kind, Id::ZERO, Subject(7), Timestamp::default());
        let written: Vec<_> = EventType::ALL
            .iter()
            .filter(|kind| about(&event(**kind), false).is_some())
            .map(|kind| kind.as_str())
            .collect();
        insta::assert_snapshot!(written.join(" "), @"account.opened account.frozen account.thawed top_up.credited top_up.in_review top_up.declined top_up.refunded top_up.disputed auto_top_up.stopped order.paid order.declined order.refunded license.expiring license.reissued");
        assert_eq!(about(&event(EventType::AccountOpened), true), None);
    }
}
