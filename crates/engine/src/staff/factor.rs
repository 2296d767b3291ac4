//! The second factor of the staff: codes of an authenticator (RFC 6238), and recovery codes.
//!
//! ```text
//! off ──set up: a new secret is shown──▶ off, secret waits ──a code of it──▶ on, 8 recovery codes
//!  ▲                                                                          │
//!  └───────────────────a code of it or a recovery code; a reset────────────────┘
//! ```
//! A code is HMAC-SHA-1 over the step of 30 seconds, six digits, which is what authenticator apps agree on. One step either
//! way is taken, since clocks differ; a step that was used, and any before it, is never taken again. The secret is derived
//! from the member's name and its number, so that it lies nowhere; of recovery codes the digests are kept.

use hmac::{Hmac, KeyInit, Mac};
use scrip_domain::audit::Act;
use scrip_domain::request::RequestId;
use scrip_domain::staff::{RECOVERY_CODES, StaffMember, StaffSession};
use scrip_domain::{Id, Timestamp};
use scrip_license::{Digest as Hash, base32};
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};
use serde_json::json;
use sha1::Sha1;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::sign_in::StaffSignedIn;
use crate::audit::Note;
use crate::throttle::{Limited, RetryAfter};
use crate::{Engine, Outcome};

/// Milliseconds of a step.
const STEP: i64 = 30_000;
/// Codes are below this.
const CODES: u32 = 1_000_000;
/// Symbols of a recovery code: 60 bits.
const RECOVERY: usize = 12;

/// What somebody typed as a code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Code {
    /// Six digits of an authenticator.
    Digits(u32),
    /// A recovery code, without its dashes.
    Recovery(String),
}

impl Code {
    /// Reads what was typed, spaces and dashes wherever they are; `None` when it can be no code.
    pub fn read(typed: &str) -> Option<Self> {
        let dash = |c: &char| !c.is_whitespace() && *c != '-';
        let plain: String = typed.chars().filter(dash).take(40).collect();
        match plain.len() {
            6 if plain.bytes().all(|byte| byte.is_ascii_digit()) => {
                plain.parse().ok().map(Self::Digits)
            }
            RECOVERY if plain.is_ascii() => Some(Self::Recovery(plain.to_ascii_lowercase())),
            _ => None,
        }
    }
}

/// A code that was right when it was looked at: it is spent with what it opens, or it was spent before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// The step of an authenticator's code.
    Step { issue: u32, step: u64 },
    /// The digest of a recovery code.
    Recovery(String),
}

impl Proof {
    /// The member without it; `None` when it was spent before, or is none of the member's any more.
    pub fn spent(&self, member: &StaffMember) -> Option<StaffMember> {
        match self {
            Self::Step { issue, step } => {
                let fresh = member.factor_issue == *issue && *step > member.factor_step;
                fresh.then(|| StaffMember { factor_step: *step, ..member.clone() })
            }
            Self::Recovery(digest) => {
                let place = member.recovery.iter().position(|kept| kept == digest)?;
                let mut member = member.clone();
                member.recovery.remove(place);
                Some(member)
            }
        }
    }

    /// What the audit log calls it.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Step { .. } => "authenticator",
            Self::Recovery(_) => "recovery_code",
        }
    }
}

/// Why a second factor stays as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FactorRefusal {
    /// The code is wrong, or was used.
    WrongCode,
    /// It is on already, or off already, or the member is gone.
    NotNow,
    /// Too many tries.
    RateLimited(RetryAfter),
}

impl Engine {
    /// Begins to set a second factor up: a new secret, which counts for nothing until a code of it was seen.
    pub async fn begin_factor(
        &self,
        member: Id<StaffMember>,
    ) -> Outcome<StaffMember, FactorRefusal> {
        self.submit(Begin { member }).await
    }

    /// What the member's authenticator has to know, in base32 (RFC 4648); `None` when nothing was begun, or it is on
    /// already and told no more.
    pub fn factor_secret(&self, member: &StaffMember) -> Option<String> {
        let waits = !member.has_factor() && member.factor_issue > 0;
        waits.then(|| base32_of(&self.keys().factor_secret(member.id, member.factor_issue)))
    }

    /// Turns a second factor on, by a code of the secret that was set up. Gives the recovery codes, which are told once.
    /// Every session ends, since a password alone has opened them; a new one is opened for who did it.
    pub async fn confirm_factor(
        &self,
        member: &StaffMember,
        code: &str,
        request: RequestId,
    ) -> Outcome<(Vec<String>, StaffSignedIn), FactorRefusal> {
        let codes: Vec<_> = (0..RECOVERY_CODES).map(|_| self.recovery_code()).collect();
        let recovery = codes.iter().map(|code| digest(&code.replace('-', ""))).collect();
        let (opened, session) = self.staff_session(member, self.now());
        let turned = self.turn(member, code, request, Turn::On(recovery, session)).await?;
        Ok(turned.map(|()| (codes, opened)))
    }

    /// Turns it off, by a code of it or a recovery code.
    pub async fn remove_factor(
        &self,
        member: &StaffMember,
        code: &str,
        request: RequestId,
    ) -> Outcome<(), FactorRefusal> {
        self.turn(member, code, request, Turn::Off).await
    }

    async fn turn(
        &self,
        member: &StaffMember,
        code: &str,
        request: RequestId,
        to: Turn,
    ) -> Outcome<(), FactorRefusal> {
        let (now, who) = (self.now(), member.id.to_string());
        let guess = match self.throttle.guess([(Limited::StaffFactor, &*who)], now) {
            Ok(guess) => guess,
            Err(wait) => return Ok(Err(FactorRefusal::RateLimited(wait))),
        };
        let proof = Code::read(code).and_then(|code| self.proof(member, &code, now));
        let turned = match proof {
            Some(proof) => {
                let note = self.note(self.staff_by(member, request))?;
                self.submit(TurnFactor { member: member.id, proof, to, note }).await?
            }
            None => Err(FactorRefusal::WrongCode),
        };
        if turned == Err(FactorRefusal::WrongCode) {
            guess.wrong();
        }
        Ok(turned)
    }

    /// What `code` proves at `now`, if it is one of the member's.
    pub(super) fn proof(&self, member: &StaffMember, code: &Code, now: Timestamp) -> Option<Proof> {
        match code {
            Code::Digits(code) => {
                let secret = self.keys().factor_secret(member.id, member.factor_issue);
                let step = matching_step(&secret, *code, now)?;
                Some(Proof::Step { issue: member.factor_issue, step })
            }
            Code::Recovery(code) => {
                let digest = digest(code);
                member.recovery.contains(&digest).then_some(Proof::Recovery(digest))
            }
        }
    }

    /// `abcd-efgh-jkmn`.
    fn recovery_code(&self) -> String {
        let mut bytes = [0; 8];
        self.fill(&mut bytes);
        // 60 bits of chance in the last twelve of thirteen symbols.
        let symbols = base32::encode_lower(u64::from_be_bytes(bytes) >> 4);
        let text = std::str::from_utf8(&symbols).unwrap_or_default();
        let parts = [text.get(1..5), text.get(5..9), text.get(9..13)];
        parts.map(Option::unwrap_or_default).join("-")
    }
}

fn digest(code: &str) -> String {
    Hash(Sha256::digest(code.as_bytes()).into()).to_string()
}

/// Base32 (RFC 4648) without padding.
fn base32_of(bytes: &[u8]) -> String {
    const SYMBOLS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut bits = bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1));
    let mut text = String::new();
    while let Some(first) = bits.next() {
        let five = (0..4).fold(first, |five, _| (five << 1) | bits.next().unwrap_or(0));
        let symbol = SYMBOLS.get(usize::from(five)).copied().unwrap_or_default();
        text.push(char::from(symbol));
    }
    text
}

/// The step, of the three around `now`, whose code this is; the latest when several have it.
fn matching_step(secret: &[u8; 20], code: u32, now: Timestamp) -> Option<u64> {
    let now = u64::try_from(now.millis().checked_div(STEP)?).ok()?;
    let steps = [now.checked_add(1), Some(now), now.checked_sub(1)];
    steps.into_iter().flatten().find(|step| {
        let expected = code_at(secret, *step).to_be_bytes();
        bool::from(expected.ct_eq(&code.to_be_bytes()))
    })
}

/// The code of a step (RFC 4226, section 5.3).
fn code_at(secret: &[u8; 20], step: u64) -> u32 {
    let mut block = [0; 64];
    block.iter_mut().zip(secret).for_each(|(to, from)| *to = *from);
    let mut mac = Hmac::<Sha1>::new(&block.into());
    mac.update(&step.to_be_bytes());
    let mac: [u8; 20] = mac.finalize().into_bytes().into();
    let [.., last] = mac;
    let offset = usize::from(last & 0xf);
    let four = mac.get(offset..).and_then(|rest| rest.first_chunk::<4>()).copied();
    let number = u32::from_be_bytes(four.unwrap_or_default()) & 0x7fff_ffff;
    number.checked_rem(CODES).unwrap_or_default()
}

struct Begin {
    member: Id<StaffMember>,
}

impl Command for Begin {
    type Receipt = StaffMember;
    type Refusal = FactorRefusal;

    fn wants(&self, wants: &mut Wants) {
        wants.staff.guard((self.member,));
    }

    fn decide(
        &self,
        books: &Books,
        _: Timestamp,
    ) -> Result<Decision<StaffMember, FactorRefusal>, Fault> {
        let member = books.staff.get(&(self.member,))?;
        let ready = |member: &&StaffMember| member.ended_at.is_none() && !member.has_factor();
        let Some(old) = member.filter(ready) else {
            return Ok(Decision::refused(FactorRefusal::NotNow));
        };
        let factor_issue = old.factor_issue.saturating_add(1);
        let member = StaffMember { factor_issue, factor_step: 0, ..old.clone() };
        let mut changes = Changes::default();
        changes.staff.push(Change::Update(member.clone()));
        Ok(Decision::done(member, changes))
    }
}

/// The member without a second factor. The secret is given up with it: whoever has it still, in a phone that was lost, has
/// nothing by it.
pub(super) fn without_factor(member: &StaffMember) -> StaffMember {
    StaffMember {
        factor_issue: member.factor_issue.saturating_add(1),
        factor_since: None,
        factor_step: 0,
        recovery: Vec::new(),
        ..member.clone()
    }
}

enum Turn {
    /// With the digests of the recovery codes, and the session of who does it.
    On(Vec<String>, StaffSession),
    Off,
}

struct TurnFactor {
    member: Id<StaffMember>,
    proof: Proof,
    to: Turn,
    note: Note,
}

impl Command for TurnFactor {
    type Receipt = ();
    type Refusal = FactorRefusal;

    fn wants(&self, wants: &mut Wants) {
        wants.staff.guard((self.member,));
        if let Turn::On(_, session) = &self.to {
            wants.staff_sessions.read((session.token,));
        }
    }

    fn decide(&self, books: &Books, at: Timestamp) -> Result<Decision<(), FactorRefusal>, Fault> {
        let turns_off = matches!(self.to, Turn::Off);
        let member = books.staff.get(&(self.member,))?;
        let ready =
            |member: &&StaffMember| member.ended_at.is_none() && member.has_factor() == turns_off;
        let Some(old) = member.filter(ready) else {
            return Ok(Decision::refused(FactorRefusal::NotNow));
        };
        let Some(spent) = self.proof.spent(old) else {
            return Ok(Decision::refused(FactorRefusal::WrongCode));
        };
        let mut changes = Changes::default();
        let (member, act) = match &self.to {
            Turn::On(recovery, session) => {
                let (recovery, series) = (recovery.clone(), spent.series.saturating_add(1));
                let session = StaffSession { series, ..session.clone() };
                changes.staff_sessions.push(Change::Insert(session));
                let member = StaffMember { factor_since: Some(at), recovery, series, ..spent };
                (member, Act::StaffFactorOn)
            }
            Turn::Off => (without_factor(&spent), Act::StaffFactorOff),
        };
        self.note.write(&mut changes, act, member.id, json!({}), at);
        changes.staff.push(Change::Update(member));
        Ok(Decision::done((), changes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B, the last six of its eight digits.
    #[test]
    fn codes_are_those_of_the_standard() {
        let secret = b"12345678901234567890";
        for (seconds, code) in [
            (59, 287_082),
            (1_111_111_109, 81_804),
            (1_111_111_111, 50_471),
            (1_234_567_890, 5_924),
            (2_000_000_000, 279_037),
            (20_000_000_000, 353_130),
        ] {
            assert_eq!(code_at(secret, seconds / 30), code, "{seconds}");
        }
    }

    #[test]
    fn one_step_either_way_is_taken_and_no_more() {
        let secret = b"12345678901234567890";
        let now = Timestamp::from_millis(1_111_111_111_000);
        let step = 1_111_111_111 / 30;
        for (there, taken) in [(-2, false), (-1, true), (0, true), (1, true), (2, false)] {
            let there = step + there;
            let code = code_at(secret, u64::try_from(there).unwrap());
            let found = matching_step(secret, code, now);
            assert_eq!(found, taken.then(|| u64::try_from(there).unwrap()), "{there}");
        }
    }

    #[test]
    fn secrets_are_written_as_the_standard_says() {
        // RFC 4648, section 10.
        let vectors =
            [("", ""), ("f", "MY"), ("fo", "MZXQ"), ("foo", "MZXW6"), ("foob", "MZXW6YQ")];
        for (bytes, text) in vectors {
            assert_eq!(base32_of(bytes.as_bytes()), text);
        }
    }

    #[test]
    fn codes_are_read_as_people_type_them() {
        assert_eq!(Code::read(" 123 456"), Some(Code::Digits(123_456)));
        assert_eq!(Code::read("abcd-EFGH-jkmn"), Some(Code::Recovery("abcdefghjkmn".into())));
        for bad in ["", "12345", "1234567", "abcdef", "abcd-efgh-jkmé", "１２３４５６"] {
            assert_eq!(Code::read(bad), None, "{bad}");
        }
    }
}
