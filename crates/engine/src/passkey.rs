//! Passkeys of a buyer: one more is kept, one is removed, one signs in.
//!
//! Adding one takes the password, and a code where there is a second factor, since it takes the place of both from then on. What
//! was shown travels in the challenge, which is sealed, and is spent in the commit in which the passkey is kept; so nothing is
//! kept of a challenge. They lie with the address that signs in, as the password does, and go with it; a new password by mail
//! takes all of them away.

mod ceremony;

use std::net::IpAddr;

use base64ct::{Base64UrlUnpadded, Encoding};
use scrip_domain::account::{Account, Login};
use scrip_domain::factor::Proof;
use scrip_domain::letter::{About, Letter};
use scrip_domain::merchant::origin_of;
use scrip_domain::passkey::{PASSKEYS, Passkey, Said};
use scrip_domain::{Id, Span, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};
use serde::{Deserialize, Serialize};

use self::ceremony::Ceremony;
use crate::factor::buyer::{OwnerRefusal, Shown};
use crate::ledger::Buyer;
use crate::session::{By, From, SignInRefusal, SignedIn};
use crate::throttle::Limited;
use crate::{Engine, Outcome};

/// How long somebody may take, with a device, for a challenge (section 15.1 recommends it).
pub const PATIENCE: Span = Span::minutes(5);
/// What the seal of a challenge is for that has a passkey made.
const NEW: &str = "new passkey";
/// And of one that is answered with one.
const SIGN_IN: &str = "passkey";

/// For whom devices keep passkeys: this server, by the name under which buyers reach it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelyingParty {
    /// The name of its host.
    pub id: String,
    /// Where its pages come from.
    pub origin: String,
}

impl RelyingParty {
    /// Of the server at `url`; `None` where browsers have none: without TLS, but on the machine itself, and without a name.
    fn at(url: &str) -> Option<Self> {
        let origin = origin_of(url)?;
        let (scheme, host) = origin.split_once("://")?;
        let usual = if scheme == "https" { ":443" } else { ":80" };
        let host = host.strip_suffix(usual).unwrap_or(host);
        let id = host.rsplit_once(':').map_or(host, |(name, _)| name);
        let named = !id.contains('[') && id.parse::<IpAddr>().is_err();
        let sound = named && (scheme == "https" || id == "localhost");
        sound.then(|| Self { id: id.to_owned(), origin: format!("{scheme}://{host}") })
    }
}

/// What a device is asked for a new passkey.
#[derive(Clone, Debug)]
pub struct Invitation {
    /// For whom.
    pub party: RelyingParty,
    /// The challenge, in base64url.
    pub challenge: String,
    /// Under what devices keep it: nothing that tells who somebody is.
    pub user: [u8; 8],
    /// What the devices call those that the account has.
    pub known: Vec<String>,
}

/// What a browser hands over of a new passkey.
#[derive(Clone, Copy, Debug)]
pub struct Attestation<'a> {
    /// What its owner calls it.
    pub name: &'a str,
    /// What the browser was asked.
    pub client_data: &'a [u8],
    /// What the device says.
    pub object: &'a [u8],
}

/// What a browser hands over of a passkey that was used.
#[derive(Clone, Copy, Debug)]
pub struct Assertion<'a> {
    /// What the device calls it, in base64url.
    pub credential: &'a str,
    /// What the browser was asked.
    pub client_data: &'a [u8],
    /// What the device says.
    pub authenticator_data: &'a [u8],
    /// Its signature over both.
    pub signature: &'a [u8],
    /// Under what the device keeps it.
    pub user: &'a [u8],
}

/// Why no passkey is made or kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasskeyRefusal {
    /// Browsers have none for this server.
    Unavailable,
    /// It is not shown that the owner asks.
    Owner(OwnerRefusal),
    /// What the browser or the device said.
    Unfit(Unfit),
    /// The challenge is not for this account, is too old, or what was shown for it is worth nothing any more.
    Late,
    /// The account has this one.
    Known,
    /// It has as many as it may have.
    TooMany,
}

/// Why no passkey is made of what a browser or a device said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// It was asked for another thing, or by another site.
    Elsewhere,
    /// It cannot be read.
    Unreadable,
    /// The device did not check who holds it.
    NotRecognized,
    /// The key is of a kind that is not known here.
    Kind,
}

/// There is no such passkey.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoSuchPasskey;

/// A challenge for a new passkey: whose, with what was shown for it.
#[derive(Serialize, Deserialize)]
struct New {
    account: Id<Account>,
    mark: String,
    proof: Option<Proof>,
    chance: String,
}

/// A challenge for whatever passkey somebody has.
#[derive(Serialize, Deserialize)]
struct Asked {
    at: Timestamp,
    chance: String,
}

impl Engine {
    /// For whom devices keep passkeys; `None` where browsers have none for this server.
    pub fn relying_party(&self) -> Option<RelyingParty> {
        RelyingParty::at(self.public_url())
    }

    /// Asks for a new passkey of an account, by whoever shows that it is theirs.
    pub async fn invite_passkey(
        &self,
        buyer: Buyer,
        shown: Shown<'_>,
    ) -> Outcome<Invitation, PasskeyRefusal> {
        let Some(party) = self.relying_party() else {
            return Ok(Err(PasskeyRefusal::Unavailable));
        };
        let (login, proof) = match self.shown_owner(buyer, shown).await? {
            Ok(owner) => owner,
            Err(refusal) => return Ok(Err(PasskeyRefusal::Owner(refusal))),
        };
        if login.passkeys.len() >= PASSKEYS {
            return Ok(Err(PasskeyRefusal::TooMany));
        }
        let (mark, chance) = (self.mark_of_password(&login), self.chance_of_challenge());
        let new = New { account: buyer.account, mark, proof, chance };
        Ok(Ok(Invitation {
            party,
            challenge: self.seal(NEW, &new, self.now().plus(PATIENCE)),
            user: buyer.account.number().to_be_bytes(),
            known: login.passkeys.into_iter().map(|passkey| passkey.credential).collect(),
        }))
    }

    /// Keeps a passkey that was made for an invitation.
    pub async fn keep_passkey(
        &self,
        buyer: Buyer,
        attestation: Attestation<'_>,
    ) -> Outcome<Passkey, PasskeyRefusal> {
        let Some(party) = self.relying_party() else {
            return Ok(Err(PasskeyRefusal::Unavailable));
        };
        let Attestation { name, client_data, object } = attestation;
        let Some(asked) = ceremony::challenge(&party, Ceremony::Create, client_data) else {
            return Ok(Err(PasskeyRefusal::Unfit(Unfit::Elsewhere)));
        };
        let now = self.now();
        let invited = self.unseal::<New>(NEW, &asked).filter(|new| new.account == buyer.account);
        let member = self.member(buyer.account).await?;
        let (Some(invited), Some(member)) = (invited, member) else {
            return Ok(Err(PasskeyRefusal::Late));
        };
        let login = self.login_of(&member.account).await?;
        let same = |login: &Login| self.mark_of_password(login) == invited.mark;
        let Some(login) = login.filter(same) else { return Ok(Err(PasskeyRefusal::Late)) };
        let made = match ceremony::made(&party, object) {
            Ok(made) => made,
            Err(why) => return Ok(Err(PasskeyRefusal::Unfit(why))),
        };
        let Said { counter, synced } = made.said;
        let passkey = Passkey {
            id: self.mint()?,
            name: name.trim().to_owned(),
            credential: made.credential,
            key: made.key,
            counter,
            synced,
            asked_at: None,
            created_at: now,
            used_at: None,
        };
        let about = About::PasskeyAdded { at: now, name: passkey.name.clone() };
        let letter = self.letter(&member.account, about).await?;
        self.submit(AddPasskey { login, proof: invited.proof, passkey, letter }).await
    }

    /// Removes a passkey. Devices that have it keep it, and it opens nothing.
    pub async fn remove_passkey(
        &self,
        buyer: Buyer,
        passkey: Id<Passkey>,
    ) -> Outcome<(), NoSuchPasskey> {
        let Some(member) = self.member(buyer.account).await? else { return Ok(Err(NoSuchPasskey)) };
        let Some(login) = self.login_of(&member.account).await? else {
            return Ok(Err(NoSuchPasskey));
        };
        self.submit(RemovePasskey { login, passkey }).await
    }

    /// A challenge for whatever passkey somebody has, in base64url; `None` where browsers have none for this server.
    pub fn passkey_challenge(&self) -> Option<(RelyingParty, String)> {
        let (party, at) = (self.relying_party()?, self.now());
        let asked = Asked { at, chance: self.chance_of_challenge() };
        Some((party, self.seal(SIGN_IN, &asked, at.plus(PATIENCE))))
    }

    fn chance_of_challenge(&self) -> String {
        let mut bytes = [0; 16];
        self.fill(&mut bytes);
        Base64UrlUnpadded::encode_string(&bytes)
    }

    /// Signs in with a passkey. `source` is where the request came from.
    pub async fn sign_in_with_passkey(
        &self,
        assertion: Assertion<'_>,
        source: &str,
        from: From<'_>,
    ) -> Outcome<SignedIn, SignInRefusal> {
        let guess = match self.throttle.guess([(Limited::SignInSource, source)], self.now()) {
            Ok(guess) => guess,
            Err(wait) => return Ok(Err(SignInRefusal::RateLimited(wait))),
        };
        let opened = match self.answer_of(assertion).await? {
            Some((account, login, answer)) => {
                self.open_session(&account, login, By::Passkey(answer), from).await?
            }
            None => Err(SignInRefusal::InvalidCredentials),
        };
        if opened.is_err() {
            guess.wrong();
        }
        Ok(opened)
    }

    /// Whose passkey this is, and what it answers; nothing where it is nobody's, or answers no challenge of ours.
    async fn answer_of(
        &self,
        assertion: Assertion<'_>,
    ) -> Result<Option<(Account, Login, Answer)>, Fault> {
        let asked = self.relying_party().and_then(|party| {
            let asked = ceremony::challenge(&party, Ceremony::Get, assertion.client_data)?;
            Some((party, self.unseal::<Asked>(SIGN_IN, &asked)?))
        });
        let user = assertion.user.try_into().ok().map(u64::from_be_bytes);
        let (Some((party, asked)), Some(id)) = (asked, user.and_then(Id::new)) else {
            return Ok(None);
        };
        let Some(account) = self.store.account(id).await? else { return Ok(None) };
        let Some(login) = self.login_of(&account).await? else { return Ok(None) };
        let same = |passkey: &&Passkey| passkey.credential == assertion.credential;
        let answer = login.passkeys.iter().find(same).and_then(|passkey| {
            let signed = (assertion.client_data, assertion.authenticator_data);
            let said = ceremony::shown(&party, &passkey.key, signed, assertion.signature)?;
            Some(Answer { passkey: passkey.id, asked_at: asked.at, said })
        });
        Ok(answer.map(|answer| (account, login, answer)))
    }
}

/// A challenge that a passkey has answered.
pub(crate) struct Answer {
    passkey: Id<Passkey>,
    asked_at: Timestamp,
    said: Said,
}

impl Answer {
    /// The passkeys once this was taken; `None` when it is worth nothing (any more).
    pub fn taken(&self, passkeys: &[Passkey], at: Timestamp) -> Option<Vec<Passkey>> {
        let mut after = passkeys.to_vec();
        let passkey = after.iter_mut().find(|passkey| passkey.id == self.passkey)?;
        *passkey = passkey.answered(self.asked_at, self.said, at)?;
        Some(after)
    }
}

struct AddPasskey {
    /// As it was looked at.
    login: Login,
    proof: Option<Proof>,
    passkey: Passkey,
    letter: Option<Letter>,
}

impl Command for AddPasskey {
    type Receipt = Passkey;
    type Refusal = PasskeyRefusal;

    fn wants(&self, wants: &mut Wants) {
        wants.logins.guard((self.login.email.clone(),));
    }

    fn decide(
        &self,
        books: &Books,
        _: Timestamp,
    ) -> Result<Decision<Passkey, PasskeyRefusal>, Fault> {
        let login = books.logins.get(&(self.login.email.clone(),))?;
        let login = login.filter(|login| login.is_as_proved(&self.login));
        let spent = login.and_then(|login| Some((login, login.factor.shown(self.proof.as_ref())?)));
        let Some((login, factor)) = spent else {
            return Ok(Decision::refused(PasskeyRefusal::Late));
        };
        if login.passkeys.iter().any(|kept| kept.credential == self.passkey.credential) {
            return Ok(Decision::refused(PasskeyRefusal::Known));
        }
        if login.passkeys.len() >= PASSKEYS {
            return Ok(Decision::refused(PasskeyRefusal::TooMany));
        }
        let passkeys = [&*login.passkeys, std::slice::from_ref(&self.passkey)].concat();
        let mut changes = Changes::default();
        changes.logins.push(Change::Update(Login { factor, passkeys, ..login.clone() }));
        changes.letters.extend(self.letter.clone().map(Change::Insert));
        Ok(Decision::done(self.passkey.clone(), changes))
    }
}

struct RemovePasskey {
    login: Login,
    passkey: Id<Passkey>,
}

impl Command for RemovePasskey {
    type Receipt = ();
    type Refusal = NoSuchPasskey;

    fn wants(&self, wants: &mut Wants) {
        wants.logins.guard((self.login.email.clone(),));
    }

    fn decide(&self, books: &Books, _: Timestamp) -> Result<Decision<(), NoSuchPasskey>, Fault> {
        let login = books.logins.get(&(self.login.email.clone(),))?;
        let has = |login: &&Login| {
            login.account == self.login.account
                && login.passkeys.iter().any(|kept| kept.id == self.passkey)
        };
        let Some(login) = login.filter(has) else { return Ok(Decision::refused(NoSuchPasskey)) };
        let mut after = login.clone();
        after.passkeys.retain(|kept| kept.id != self.passkey);
        let mut changes = Changes::default();
        changes.logins.push(Change::Update(after));
        Ok(Decision::done((), changes))
    }
}

#[cfg(test)]
mod tests;
