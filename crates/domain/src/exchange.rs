//! Exchanges: a buyer turns tokens of one vendor into tokens of another.
//!
//! At the *issuing* vendor, whose tokens are given:
//! ```text
//! reserved ──prepared there──▶ prepared ──▶ committed ──signed: fulfilled──▶ fulfilled
//!   ├─refused there─▶ refused      │           ├─signed: late or rejected──▶ reversed
//!   └─time───────────▶ expired ◀───┘           └─30 days of silence, staff─▶ written_off ──its answer──▶ (the same, noted)
//! ```
//! At the *honouring* vendor, which issues its own tokens for them:
//! ```text
//! prepared ──commit in time──▶ fulfilled
//!    ├──commit too late, or after a cancel──▶ late
//!    ├──time, cancel──▶ lapsed ──a commit comes all the same──▶ late
//! (a commit of which nothing is known here) ──▶ rejected
//! ```
//! The commit at the issuing vendor is the one decision: held tokens are retired and the compensation is booked in that
//! transaction. `fulfilled`, `late` and `rejected` are signed, kept for ever, and given again to whoever asks again; so a
//! commit is repeated until there is one of them, and only the last two reverse it. No clock of one server is compared
//! with a clock of the other: each counts from what it did itself.

mod exposure;

pub use exposure::{Going, Limit};

use crate::account::Account;
use crate::agreement::{Agreement, Figures};
use crate::amount::Amount;
use crate::document::exchange::Answered;
use crate::hold::Hold;
use crate::id::Id;
use crate::ledger::Transfer;
use crate::lot::Lot;
use crate::partner::Partner;
use crate::time::{Span, Timestamp};
use crate::words;

/// For how many seconds a quote is good, from when it was asked for.
pub const QUOTE_SECONDS: u32 = 60;
/// The same.
pub const QUOTE: Span = Span::seconds(QUOTE_SECONDS);
/// For how long after its beginning an exchange can be committed.
pub const COMMIT_WITHIN: Span = Span::seconds(120);
/// For how many seconds the honouring vendor keeps what it has prepared: longer than the commit can take to be decided, so that it
/// has a minute to arrive.
pub const PREPARED_SECONDS: u32 = 180;
/// The same.
pub const PREPARED: Span = Span::seconds(PREPARED_SECONDS);
/// For how long the tokens are held at most: longer than anybody can commit.
pub const HOLD: Span = Span::seconds(300);
/// After how long without any answer a commit may be written off.
pub const SILENCE: Span = Span::days(30);

/// A partner's firm offer to a buyer, kept where it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExchangeQuote {
    /// Its name here.
    pub id: Id<Self>,
    /// Who asked.
    pub account: Id<Account>,
    /// Who offers.
    pub partner: Id<Partner>,
    /// Under which agreement.
    pub agreement: Id<Agreement>,
    /// What it says.
    pub figures: Figures,
    /// The signed quote.
    pub document: String,
    /// The exchange that has used it up.
    pub exchange: Option<Id<Exchange>>,
    /// When it was asked for.
    pub at: Timestamp,
}

impl ExchangeQuote {
    /// Until when it is good.
    pub fn expires_at(&self) -> Timestamp {
        self.at.plus(QUOTE)
    }
}

words! {
    /// Where an exchange stands at the issuing vendor.
    pub enum ExchangeState {
        /// The tokens are held.
        Reserved = "reserved",
        /// The partner has reserved what it will issue.
        Prepared = "prepared",
        /// It is done here: the tokens are retired, the compensation is owed.
        Committed = "committed",
        /// The partner has issued.
        Fulfilled = "fulfilled",
        /// The partner did not prepare it; the tokens are free again.
        Refused = "refused",
        /// It was not committed in time; the tokens are free again.
        Expired = "expired",
        /// The partner will never issue, and has signed that; the tokens came back.
        Reversed = "reversed",
        /// The partner said nothing for so long that the tokens were given back at our risk.
        WrittenOff = "written_off",
    }
}

/// What is kept at the issuing vendor. It changes under the wallet's guard until it is committed, and with the partner's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// Its name, also between the two.
    pub id: Id<Self>,
    /// Whose tokens.
    pub account: Id<Account>,
    /// With whom.
    pub partner: Id<Partner>,
    /// Under which agreement.
    pub agreement: Id<Agreement>,
    /// The quote that it takes.
    pub quote: Id<ExchangeQuote>,
    /// What it comes to.
    pub figures: Figures,
    /// Where it stands.
    pub state: ExchangeState,
    /// What holds the tokens.
    pub hold: Id<Hold>,
    /// Why it was refused, reversed: a stable word.
    pub reason: Option<String>,
    /// The partner's word that it has prepared.
    pub prepared: Option<String>,
    /// Our commit.
    pub commit: Option<String>,
    /// The partner's final word.
    pub answer: Option<String>,
    /// The transfer of the commit.
    pub transfer: Option<Id<Transfer>>,
    /// The cycle to which the commit belongs.
    pub cycle: Option<u32>,
    /// When it began; every deadline before the commit counts from here.
    pub at: Timestamp,
    /// When it was committed.
    pub committed_at: Option<Timestamp>,
    /// When the partner's final word came.
    pub answered_at: Option<Timestamp>,
    /// When it was written off.
    pub written_off_at: Option<Timestamp>,
    /// When something is to be done next.
    pub due_at: Option<Timestamp>,
    /// How often that was tried without an answer.
    pub attempts: u32,
    /// What the buyer was told first, where that was not the end: the same request is answered the same again.
    pub told: Option<ExchangeState>,
}

impl Exchange {
    /// An exchange that takes a quote, with its tokens held, as it begins at `at`.
    pub fn begin(id: Id<Self>, quote: &ExchangeQuote, hold: Id<Hold>, at: Timestamp) -> Self {
        Self {
            id,
            account: quote.account,
            partner: quote.partner,
            agreement: quote.agreement,
            quote: quote.id,
            figures: quote.figures,
            state: ExchangeState::Reserved,
            hold,
            reason: None,
            prepared: None,
            commit: None,
            answer: None,
            transfer: None,
            cycle: None,
            at,
            committed_at: None,
            answered_at: None,
            written_off_at: None,
            due_at: None,
            attempts: 0,
            told: None,
        }
    }

    /// Until when it can be committed.
    pub fn commit_until(&self) -> Timestamp {
        self.at.plus(COMMIT_WITHIN)
    }

    /// Whether a commit of it waits for the partner's final word.
    pub fn is_unanswered(&self) -> bool {
        self.commit.is_some() && self.answer.is_none()
    }

    /// What is to be done next at `at`; none at the end.
    pub fn next(&self, at: Timestamp) -> Option<Next> {
        match self.state {
            ExchangeState::Reserved | ExchangeState::Prepared if self.commit_until() <= at => {
                Some(Next::Expire)
            }
            ExchangeState::Reserved => Some(Next::Prepare),
            ExchangeState::Prepared => Some(Next::Commit),
            ExchangeState::Committed | ExchangeState::WrittenOff => {
                self.is_unanswered().then_some(Next::Fulfil)
            }
            // Beyond this the partner has given it up by itself.
            ExchangeState::Expired if self.due_at.is_some() && at < self.at.plus(HOLD) => {
                Some(Next::Cancel)
            }
            _ => None,
        }
    }

    /// When that is tried, after `attempts` tries at `at` without an answer.
    pub fn due(&self, attempts: u32, at: Timestamp) -> Option<Timestamp> {
        let wait = match attempts {
            0 => Span::millis(0),
            1 => Span::seconds(1),
            2 => Span::seconds(5),
            3 => Span::seconds(30),
            4 => Span::minutes(2),
            5 => Span::minutes(5),
            _ => Span::hours(1),
        };
        let until = self.commit_until();
        match self.next(at)? {
            // The end of its time is no later for waiting.
            Next::Prepare | Next::Commit => Some(at.plus(wait).min(until)),
            Next::Expire | Next::Fulfil | Next::Cancel => Some(at.plus(wait)),
        }
    }

    /// Where the partner's final word leads, for good; none where there is no commit that waits for one.
    pub fn answered(&self, word: Answered) -> Option<ExchangeState> {
        match (self.state, word) {
            _ if !self.is_unanswered() => None,
            (ExchangeState::Committed, Answered::Fulfilled) => Some(ExchangeState::Fulfilled),
            (ExchangeState::Committed, Answered::Late | Answered::Rejected) => {
                Some(ExchangeState::Reversed)
            }
            // The tokens went back before: that is not undone.
            (ExchangeState::WrittenOff, _) => Some(ExchangeState::WrittenOff),
            _ => None,
        }
    }

    /// Whether the partner has been silent for so long that its commit may be written off at `at`.
    pub fn is_silent(&self, at: Timestamp) -> bool {
        let since = self.committed_at.filter(|_| self.state == ExchangeState::Committed);
        since.is_some_and(|since| since.plus(SILENCE) <= at)
    }
}

/// What is to be done next about an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// The partner is asked to reserve what it will issue.
    Prepare,
    /// It is decided.
    Commit,
    /// The partner is told, until it has answered for good.
    Fulfil,
    /// Its time is over: the tokens are free again.
    Expire,
    /// The partner is told that nothing comes.
    Cancel,
}

impl ExchangeState {
    /// Whether the buyer has all that will come of it.
    pub const fn is_final(self) -> bool {
        match self {
            Self::Reserved | Self::Prepared | Self::Committed => false,
            Self::Fulfilled | Self::Refused | Self::Expired | Self::Reversed | Self::WrittenOff => {
                true
            }
        }
    }
}

words! {
    /// Where an exchange stands at the honouring vendor.
    pub enum IncomingState {
        /// What is to be issued is reserved under the cap.
        Prepared = "prepared",
        /// It was issued.
        Fulfilled = "fulfilled",
        /// Nobody committed it, as far as is known here.
        Lapsed = "lapsed",
        /// A commit came too late: for good.
        Late = "late",
        /// A commit came of something that was never prepared, or not like that: for good.
        Rejected = "rejected",
    }
}

/// What is kept at the honouring vendor, under the issuing vendor's name of it. It changes under the partner's guard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incoming {
    /// From whom.
    pub partner: Id<Partner>,
    /// The issuing vendor's name of the exchange.
    pub exchange: Id<Exchange>,
    /// Our name of the quote, which is used up by it. What was rejected unseen has used none, and has a name
    /// here that no quote can have ([`Incoming::no_quote`]).
    pub quote: String,
    /// The quote itself, as we have signed it. A partner that was restored learns by it whose tokens were given; what was
    /// prepared by an older version has none.
    pub offer: Option<String>,
    /// Who receives; none when it was rejected unseen.
    pub account: Option<Id<Account>>,
    /// Under which agreement.
    pub agreement: Option<Id<Agreement>>,
    /// What it comes to.
    pub figures: Option<Figures>,
    /// Where it stands.
    pub state: IncomingState,
    /// Our signed word that it is prepared.
    pub prepared: Option<String>,
    /// The partner's commit.
    pub commit: Option<String>,
    /// Our final word.
    pub answer: Option<String>,
    /// The transfer that issued.
    pub transfer: Option<Id<Transfer>>,
    /// The lot in which the tokens lie.
    pub lot: Option<Id<Lot>>,
    /// The partner's cycle to which it belongs.
    pub cycle: Option<u32>,
    /// When it was prepared.
    pub at: Timestamp,
    /// Until when a commit may come.
    pub until: Timestamp,
    /// When the final word was said.
    pub answered_at: Option<Timestamp>,
}

impl Incoming {
    /// What stands in the place of a quote where none is known.
    pub fn no_quote(partner: Id<Partner>, exchange: Id<Exchange>) -> String {
        format!("{exchange} of {partner}")
    }

    /// Where it stands at `at`: what nobody committed in time has lapsed, booked or not.
    pub fn state_at(&self, at: Timestamp) -> IncomingState {
        match self.state {
            IncomingState::Prepared if self.until <= at => IncomingState::Lapsed,
            state => state,
        }
    }

    /// What a commit comes to at `at`; `fits`: it is of what was prepared. What was said once is said again.
    pub fn answered(&self, fits: bool, at: Timestamp) -> Answered {
        match (self.state_at(at), fits) {
            (IncomingState::Fulfilled, _) | (IncomingState::Prepared, true) => Answered::Fulfilled,
            (IncomingState::Late, _) | (IncomingState::Lapsed, true) => Answered::Late,
            (IncomingState::Rejected, _) | (_, false) => Answered::Rejected,
        }
    }
}

impl IncomingState {
    /// Where it stands after this word.
    pub const fn after(word: Answered) -> Self {
        match word {
            Answered::Fulfilled => Self::Fulfilled,
            Answered::Late => Self::Late,
            Answered::Rejected => Self::Rejected,
        }
    }
}

/// What a buyer has given in a day, to one partner or from one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExchangeDay {
    /// The partner.
    pub partner: Id<Partner>,
    /// The buyer.
    pub account: Id<Account>,
    /// The day (UTC).
    pub day: Timestamp,
    /// Given here.
    pub given: Amount,
    /// Given there, for tokens of ours.
    pub taken: Amount,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Id;

    const NOON: Timestamp = Timestamp::from_millis(1_795_348_800_000);

    fn amount(units: u64) -> Amount {
        Amount::new(units).unwrap()
    }

    fn figures() -> Figures {
        let (give, receive, compensation) = (amount(10), amount(5), amount(100));
        Figures { give, receive, compensation, numerator: 1, denominator: 2 }
    }

    fn id<T>(number: u64) -> Id<T> {
        Id::new(number).unwrap()
    }

    fn exchange(state: ExchangeState) -> Exchange {
        let committed = matches!(
            state,
            ExchangeState::Committed
                | ExchangeState::Fulfilled
                | ExchangeState::Reversed
                | ExchangeState::WrittenOff
        );
        let text = |there: bool| there.then(|| "jws".to_owned());
        Exchange {
            id: id(1),
            account: id(2),
            partner: id(3),
            agreement: id(4),
            quote: id(5),
            figures: figures(),
            state,
            hold: id(6),
            reason: None,
            prepared: text(state != ExchangeState::Reserved),
            commit: text(committed),
            answer: text(matches!(state, ExchangeState::Fulfilled | ExchangeState::Reversed)),
            transfer: committed.then(|| id(7)),
            cycle: committed.then_some(1),
            at: NOON,
            committed_at: committed.then_some(NOON),
            answered_at: None,
            written_off_at: None,
            due_at: Some(NOON),
            attempts: 0,
            told: None,
        }
    }

    fn incoming(state: IncomingState) -> Incoming {
        Incoming {
            partner: id(3),
            exchange: id(1),
            quote: "q".into(),
            offer: None,
            account: Some(id(2)),
            agreement: Some(id(4)),
            figures: Some(figures()),
            state,
            prepared: Some("jws".into()),
            commit: None,
            answer: None,
            transfer: None,
            lot: None,
            cycle: None,
            at: NOON,
            until: NOON.plus(PREPARED),
            answered_at: None,
        }
    }

    #[test]
    fn an_exchange_can_be_committed_up_to_its_last_moment_and_not_in_it() {
        let until = NOON.plus(COMMIT_WITHIN);
        let before = Timestamp::from_millis(until.millis() - 1);
        for (state, next) in
            [(ExchangeState::Reserved, Next::Prepare), (ExchangeState::Prepared, Next::Commit)]
        {
            assert_eq!(exchange(state).next(before), Some(next));
            assert_eq!(exchange(state).next(until), Some(Next::Expire));
        }
    }

    #[test]
    fn a_commit_is_told_for_ever_and_only_the_partners_word_ends_it() {
        let years = NOON.plus(Span::days(4000));
        let committed = exchange(ExchangeState::Committed);
        assert_eq!(committed.next(years), Some(Next::Fulfil));
        let word = |word| committed.answered(word);
        assert_eq!(word(Answered::Fulfilled), Some(ExchangeState::Fulfilled));
        assert_eq!(word(Answered::Late), Some(ExchangeState::Reversed));
        assert_eq!(word(Answered::Rejected), Some(ExchangeState::Reversed));
        for state in [ExchangeState::Fulfilled, ExchangeState::Reversed] {
            assert_eq!(exchange(state).next(years), None);
            for word in Answered::ALL {
                assert_eq!(exchange(state).answered(*word), None, "{state} is for good");
            }
        }
        for state in [ExchangeState::Reserved, ExchangeState::Prepared, ExchangeState::Expired] {
            assert_eq!(exchange(state).answered(Answered::Late), None, "nothing was committed");
        }
    }

    #[test]
    fn what_was_written_off_waits_for_its_answer_and_stays_so() {
        let off = exchange(ExchangeState::WrittenOff);
        assert_eq!(off.next(NOON.plus(SILENCE)), Some(Next::Fulfil));
        for word in Answered::ALL {
            assert_eq!(off.answered(*word), Some(ExchangeState::WrittenOff));
        }
        let answered = Exchange { answer: Some("jws".into()), ..off };
        assert_eq!(answered.next(NOON), None);
        assert_eq!(answered.answered(Answered::Late), None);
    }

    #[test]
    fn silence_is_thirty_days_and_not_less() {
        let committed = exchange(ExchangeState::Committed);
        let silence = NOON.plus(SILENCE);
        assert!(committed.is_silent(silence));
        assert!(!committed.is_silent(Timestamp::from_millis(silence.millis() - 1)));
        assert!(!exchange(ExchangeState::Fulfilled).is_silent(silence));
    }

    #[test]
    fn waiting_grows_and_never_passes_the_time_to_commit() {
        let committed = exchange(ExchangeState::Committed);
        let wait = |attempts| {
            committed.due(attempts, NOON).map(|due| (due.millis() - NOON.millis()) / 1000)
        };
        let waits: Vec<_> = (0..8).map(wait).collect();
        assert_eq!(waits, [0, 1, 5, 30, 120, 300, 3600, 3600].map(Some));
        let reserved = exchange(ExchangeState::Reserved);
        assert_eq!(reserved.due(9, NOON), Some(NOON.plus(COMMIT_WITHIN)));
        let expired = exchange(ExchangeState::Expired);
        assert_eq!(expired.next(NOON.plus(HOLD)), None, "the partner has given it up by then");
    }

    #[test]
    fn a_commit_in_time_is_fulfilled_and_one_at_the_end_of_it_is_late() {
        let until = NOON.plus(PREPARED);
        let before = Timestamp::from_millis(until.millis() - 1);
        let prepared = incoming(IncomingState::Prepared);
        assert_eq!(prepared.answered(true, before), Answered::Fulfilled);
        assert_eq!(prepared.answered(true, until), Answered::Late, "booked or not");
        assert_eq!(incoming(IncomingState::Lapsed).answered(true, before), Answered::Late);
        assert_eq!(prepared.answered(false, before), Answered::Rejected);
        assert_eq!(prepared.answered(false, until), Answered::Rejected);
    }

    #[test]
    fn what_was_said_once_is_said_again_whatever_comes_and_whenever() {
        for word in Answered::ALL {
            let said = incoming(IncomingState::after(*word));
            for (fits, at) in [(true, NOON), (false, NOON), (true, NOON.plus(SILENCE))] {
                assert_eq!(said.answered(fits, at), *word);
            }
        }
    }
}
