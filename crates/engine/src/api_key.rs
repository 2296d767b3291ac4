//! API keys: made, used, revoked.

use std::sync::Arc;

use base64ct::{Base64UrlUnpadded, Encoding};
use scrip_domain::account::{Account, Login};
use scrip_domain::api_key::{ApiKey, Scope};
use scrip_domain::audit::Act;
use scrip_domain::factor::Proof;
use scrip_domain::letter::{About, Letter};
use scrip_domain::{Id, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::account::NoSuchAccount;
use crate::audit::{Note, Staff, difference};
use crate::factor::FactorRefusal;
use crate::factor::buyer::{OwnerRefusal, Shown};
use crate::fresh::{Fresh, is_retold};
use crate::ledger::Buyer;
use crate::password::PasswordRefusal;
use crate::session::Signed;
use crate::{Engine, Outcome};

/// A key that was made, with the secret that is told once.
#[derive(Clone)]
pub struct NewKey {
    /// The key.
    pub key: ApiKey,
    /// `key_…` and its secret, in one.
    pub token: String,
}

impl std::fmt::Debug for NewKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewKey").field("key", &self.key.id).finish_non_exhaustive()
    }
}

/// Whose a key is, what it may be used for, and what it is called.
type KeyFields = (Option<Id<Account>>, Vec<Scope>, String);

/// So many keys of a buyer's own are good at a time.
pub const MOST_OWN_KEYS: u32 = 20;

/// Why a buyer gets no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnKeyRefusal {
    /// The account is erased.
    NoSuchAccount,
    /// The buyer has as many keys as anybody may have.
    TooMany,
    /// It is not shown that it is the buyer who asks.
    Owner(OwnerRefusal),
}

/// Who makes a key.
enum Maker {
    /// The vendor's staff.
    Staff(Note),
    /// The account's owner, with the password of this login and a code of its second factor; a letter tells of it.
    Owner(Box<Login>, Option<Proof>, Option<Letter>),
}

/// There is no such key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoSuchKey;

impl Engine {
    /// Makes a key of the vendor's own.
    pub async fn make_key(
        &self,
        by: Staff,
        scopes: Vec<Scope>,
        label: String,
    ) -> Result<NewKey, Fault> {
        let made = self.make_key_for(by, None, scopes, label).await?;
        made.map_err(|NoSuchAccount| Fault::Bug("the vendor's own key has an account".into()))
    }

    /// Makes a key, of the vendor's own or of an account.
    pub async fn make_key_for(
        &self,
        by: Staff,
        account: Option<Id<Account>>,
        scopes: Vec<Scope>,
        label: String,
    ) -> Outcome<NewKey, NoSuchAccount> {
        let mut secret = [0; 32];
        self.fill(&mut secret);
        let Ok(owner) = self.owner_of_key(account).await? else { return Ok(Err(NoSuchAccount)) };
        let (key, token) = self.new_key(self.mint()?, secret, (account, scopes, label));
        let make = Make { key, owner, maker: Maker::Staff(self.note(by)?) };
        match self.submit(make).await? {
            Ok(key) => Ok(Ok(NewKey { key, token })),
            Err(Unmade::NoSuchAccount) => Ok(Err(NoSuchAccount)),
            Err(Unmade::Taken | Unmade::Stale | Unmade::Spent) => {
                Err(Fault::Bug("a new key was there before".into()))
            }
        }
    }

    /// The same by a form, which makes one key however often it is sent. `None` when it did so too long ago to tell the
    /// secret again.
    pub async fn make_key_once(
        &self,
        by: Staff,
        account: Option<Id<Account>>,
        scopes: Vec<Scope>,
        label: String,
        form: &Fresh<ApiKey>,
    ) -> Outcome<Option<NewKey>, NoSuchAccount> {
        let maker = Maker::Staff(self.note(by)?);
        Ok(match self.make_once(maker, (account, scopes, label), form).await? {
            Ok(made) => Ok(made),
            Err(Unmade::Taken | Unmade::Stale | Unmade::Spent) => Ok(None),
            Err(Unmade::NoSuchAccount) => Err(NoSuchAccount),
        })
    }

    /// Makes a key of a buyer's own, by a form and what shows the account's owner: a session that somebody left open makes nothing
    /// that outlives it. It can do no more than the buyer can. The buyer is told by letter.
    pub async fn make_own_key(
        &self,
        buyer: Buyer,
        shown: Shown<'_>,
        scopes: Vec<Scope>,
        label: String,
        form: &Fresh<ApiKey>,
    ) -> Outcome<Option<NewKey>, OwnKeyRefusal> {
        // Looked up before: no command sees all keys of an account. Who sends two forms at the very same time may so have
        // one more, which is no harm.
        let good = self.store.good_api_keys_of(buyer.account, MOST_OWN_KEYS).await?;
        let most = usize::try_from(MOST_OWN_KEYS).unwrap_or(usize::MAX);
        // What the form has made before is told again, also when it was the last one.
        if good.len() >= most && self.store.api_key(form.id).await?.is_none() {
            return Ok(Err(OwnKeyRefusal::TooMany));
        }
        let (login, proof) = match self.shown_owner(buyer, shown).await? {
            Ok(owner) => owner,
            Err(refusal) => return Ok(Err(OwnKeyRefusal::Owner(refusal))),
        };
        let Some(member) = self.member(buyer.account).await? else {
            return Ok(Err(OwnKeyRefusal::NoSuchAccount));
        };
        let letter = self.letter(&member.account, About::KeyMade { at: self.now() }).await?;
        let maker = Maker::Owner(Box::new(login), proof, letter);
        Ok(match self.make_once(maker, (Some(buyer.account), scopes, label), form).await? {
            Ok(made) => Ok(made),
            Err(Unmade::Taken) => Ok(None),
            Err(Unmade::NoSuchAccount) => Err(OwnKeyRefusal::NoSuchAccount),
            Err(Unmade::Stale) => Err(OwnKeyRefusal::Owner(OwnerRefusal::Password(
                PasswordRefusal::InvalidCredentials,
            ))),
            Err(Unmade::Spent) => Err(OwnKeyRefusal::Owner(FactorRefusal::WrongCode.into())),
        })
    }

    /// The account that a key is for, with the wallet that guards it.
    async fn owner_of_key(
        &self,
        account: Option<Id<Account>>,
    ) -> Outcome<Option<Buyer>, NoSuchAccount> {
        let Some(account) = account else { return Ok(Ok(None)) };
        let member = self.member(account).await?;
        let owner = member.map(|member| Buyer { account, wallet: member.account.wallet });
        Ok(owner.map(Some).ok_or(NoSuchAccount))
    }

    async fn make_once(
        &self,
        maker: Maker,
        what: KeyFields,
        form: &Fresh<ApiKey>,
    ) -> Outcome<Option<NewKey>, Unmade> {
        let Ok(owner) = self.owner_of_key(what.0).await? else {
            return Ok(Err(Unmade::NoSuchAccount));
        };
        let (key, token) = self.new_key(form.id, form.chance(0), what);
        let made = self.submit(Make { key, owner, maker }).await?;
        Ok(made.map(|key| {
            let told = key.revoked_at.is_none() && is_retold(key.created_at, self.now());
            told.then_some(NewKey { key, token })
        }))
    }

    fn new_key(&self, id: Id<ApiKey>, secret: [u8; 32], what: KeyFields) -> (ApiKey, String) {
        let (account, scopes, label) = what;
        let secret = Base64UrlUnpadded::encode_string(&secret);
        let key = ApiKey {
            id,
            account,
            secret: Sha256::digest(secret.as_bytes()).to_vec(),
            scopes,
            label,
            created_at: self.now(),
            revoked_at: None,
        };
        let token = format!("{}.{secret}", key.id);
        (key, token)
    }

    /// Revokes a key. Doing it again changes nothing.
    pub async fn revoke_key(&self, by: Staff, key: Id<ApiKey>) -> Outcome<ApiKey, NoSuchKey> {
        self.submit(Revoke { key, of: None, note: Some(self.note(by)?) }).await
    }

    /// Revokes a key of a buyer's own. Doing it again changes nothing.
    pub async fn revoke_own_key(
        &self,
        buyer: Buyer,
        key: Id<ApiKey>,
    ) -> Outcome<ApiKey, NoSuchKey> {
        self.submit(Revoke { key, of: Some(buyer.account), note: None }).await
    }

    /// Who holds the key `token`.
    pub(crate) async fn authenticate_key(&self, token: &str) -> Result<Option<Signed>, Fault> {
        let parts = token.split_once('.').and_then(|(id, secret)| Some((id.parse().ok()?, secret)));
        let Some((id, secret)) = parts else { return Ok(None) };
        let now = self.now();
        let key = match self.memory.api_key(id, now) {
            Some(key) => key,
            None => {
                let epoch = self.memory.epoch();
                let Some(key) = self.store.api_key(id).await? else { return Ok(None) };
                let key = Arc::new(key);
                self.memory.remember_api_key(key.clone(), epoch);
                key
            }
        };
        let right = Sha256::digest(secret.as_bytes()).as_slice().ct_eq(&key.secret);
        if !bool::from(right) || key.revoked_at.is_some() {
            return Ok(None);
        }
        let buyer = match key.account {
            None => None,
            Some(account) => match self.member(account).await? {
                Some(member) => Some(Buyer { account, wallet: member.account.wallet }),
                None => return Ok(None),
            },
        };
        Ok(Some(Signed { buyer, scopes: Some(key.scopes.clone()), key: Some(key.id) }))
    }
}

/// Why no key is made.
enum Unmade {
    /// Another key has the name.
    Taken,
    /// The account that it is for is erased.
    NoSuchAccount,
    /// The password was changed meanwhile.
    Stale,
    /// The code was used meanwhile, or one is asked for since.
    Spent,
}

struct Make {
    key: ApiKey,
    /// Whose it will be; nobody's where it is the vendor's own.
    owner: Option<Buyer>,
    maker: Maker,
}

impl Command for Make {
    /// The key: this one, or the same that the same form made before.
    type Receipt = ApiKey;
    type Refusal = Unmade;

    fn wants(&self, wants: &mut Wants) {
        if let Some(Buyer { account, wallet }) = self.owner {
            // The wallet guards its account: it is not erased beside this.
            wants.wallets.guard((wallet,));
            wants.accounts.read((account,));
        }
        if let Maker::Owner(login, ..) = &self.maker {
            wants.logins.guard((login.email.clone(),));
        }
        wants.api_keys.guard((self.key.id,));
    }

    fn decide(&self, books: &Books, at: Timestamp) -> Result<Decision<ApiKey, Unmade>, Fault> {
        if let Some(there) = books.api_keys.get(&(self.key.id,))? {
            let same = there.secret == self.key.secret && there.account == self.key.account;
            return Ok(if same {
                Decision::done(there.clone(), Changes::default())
            } else {
                Decision::refused(Unmade::Taken)
            });
        }
        if let Some(owner) = self.owner {
            let account = books.accounts.get(&(owner.account,))?;
            if account.is_none_or(|account| account.erased_at.is_some()) {
                return Ok(Decision::refused(Unmade::NoSuchAccount));
            }
        }
        let mut changes = Changes::default();
        match &self.maker {
            Maker::Staff(note) => {
                let ApiKey { id, account, scopes, label, .. } = &self.key;
                let what = json!({ "label": label, "scopes": scopes, "account": account });
                note.write(&mut changes, Act::ApiKeyMade, id, difference(&Value::Null, &what), at);
            }
            Maker::Owner(proved, proof, letter) => {
                let login = books.logins.get(&(proved.email.clone(),))?;
                let Some(login) = login.filter(|login| login.is_as_proved(proved)) else {
                    return Ok(Decision::refused(Unmade::Stale));
                };
                let Some(factor) = login.factor.shown(proof.as_ref()) else {
                    return Ok(Decision::refused(Unmade::Spent));
                };
                if factor != login.factor {
                    changes.logins.push(Change::Update(Login { factor, ..login.clone() }));
                }
                changes.letters.extend(letter.clone().map(Change::Insert));
            }
        }
        changes.api_keys.push(Change::Insert(self.key.clone()));
        Ok(Decision::done(self.key.clone(), changes))
    }
}

struct Revoke {
    key: Id<ApiKey>,
    /// Whose it must be; anybody's without.
    of: Option<Id<Account>>,
    /// Of the staff.
    note: Option<Note>,
}

impl Command for Revoke {
    type Receipt = ApiKey;
    type Refusal = NoSuchKey;

    fn wants(&self, wants: &mut Wants) {
        wants.api_keys.guard((self.key,));
    }

    fn decide(&self, books: &Books, at: Timestamp) -> Result<Decision<ApiKey, NoSuchKey>, Fault> {
        let key = books.api_keys.get(&(self.key,))?;
        let Some(key) = key.filter(|key| self.of.is_none() || key.account == self.of) else {
            return Ok(Decision::refused(NoSuchKey));
        };
        let mut changes = Changes::default();
        if key.revoked_at.is_some() {
            return Ok(Decision::done(key.clone(), changes));
        }
        let key = ApiKey { revoked_at: Some(at), ..key.clone() };
        changes.api_keys.push(Change::Update(key.clone()));
        if let Some(note) = &self.note {
            note.write(&mut changes, Act::ApiKeyRevoked, key.id, json!({}), at);
        }
        Ok(Decision::done(key, changes))
    }
}

/// Revokes these keys, as far as they are good.
pub(crate) struct RevokeAll(pub Vec<Id<ApiKey>>);

impl Command for RevokeAll {
    type Receipt = ();
    type Refusal = std::convert::Infallible;

    fn wants(&self, wants: &mut Wants) {
        self.0.iter().for_each(|key| wants.api_keys.guard((*key,)));
    }

    fn decide(&self, books: &Books, at: Timestamp) -> Result<Decision<(), Self::Refusal>, Fault> {
        let mut changes = Changes::default();
        revoke(books, &mut changes, &self.0, at)?;
        Ok(Decision::done((), changes))
    }
}

pub(crate) fn revoke(
    books: &Books,
    changes: &mut Changes,
    keys: &[Id<ApiKey>],
    at: Timestamp,
) -> Result<(), Fault> {
    for key in keys {
        let good = books.api_keys.get(&(*key,))?.filter(|key| key.revoked_at.is_none());
        let revoked = good.map(|key| ApiKey { revoked_at: Some(at), ..key.clone() });
        changes.api_keys.extend(revoked.map(Change::Update));
    }
    Ok(())
}
