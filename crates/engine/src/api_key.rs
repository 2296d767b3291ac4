//! API keys: made, used, revoked.

use std::sync::Arc;

use base64ct::{Base64UrlUnpadded, Encoding};
use scrip_domain::account::Account;
use scrip_domain::api_key::{ApiKey, Scope};
use scrip_domain::audit::Act;
use scrip_domain::{Id, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::audit::{Note, Staff, difference};
use crate::ledger::Buyer;
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

/// There is no such key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoSuchKey;

impl Engine {
    /// Makes a key, of the vendor's own or of an account.
    pub async fn make_key(
        &self,
        by: Staff,
        account: Option<Id<Account>>,
        scopes: Vec<Scope>,
        label: String,
    ) -> Result<NewKey, Fault> {
        let mut secret = [0; 32];
        self.fill(&mut secret);
        let secret = Base64UrlUnpadded::encode_string(&secret);
        let key = ApiKey {
            id: self.mint()?,
            account,
            secret: Sha256::digest(secret.as_bytes()).to_vec(),
            scopes,
            label,
            created_at: self.now(),
            revoked_at: None,
        };
        let token = format!("{}.{secret}", key.id);
        match self.submit(Make { key: key.clone(), note: self.note(by)? }).await? {
            Ok(()) => Ok(NewKey { key, token }),
            Err(never) => match never {},
        }
    }

    /// Revokes a key. Doing it again changes nothing.
    pub async fn revoke_key(&self, by: Staff, key: Id<ApiKey>) -> Outcome<ApiKey, NoSuchKey> {
        self.submit(Revoke { key, note: self.note(by)? }).await
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

struct Make {
    key: ApiKey,
    note: Note,
}

impl Command for Make {
    type Receipt = ();
    type Refusal = std::convert::Infallible;

    fn wants(&self, wants: &mut Wants) {
        wants.api_keys.guard((self.key.id,));
    }

    fn decide(&self, _: &Books, at: Timestamp) -> Result<Decision<(), Self::Refusal>, Fault> {
        let ApiKey { id, account, scopes, label, .. } = &self.key;
        let what = json!({ "label": label, "scopes": scopes, "account": account });
        let mut changes = Changes::default();
        changes.api_keys.push(Change::Insert(self.key.clone()));
        self.note.write(&mut changes, Act::ApiKeyMade, id, difference(&Value::Null, &what), at);
        Ok(Decision::done((), changes))
    }
}

struct Revoke {
    key: Id<ApiKey>,
    note: Note,
}

impl Command for Revoke {
    type Receipt = ApiKey;
    type Refusal = NoSuchKey;

    fn wants(&self, wants: &mut Wants) {
        wants.api_keys.guard((self.key,));
    }

    fn decide(&self, books: &Books, at: Timestamp) -> Result<Decision<ApiKey, NoSuchKey>, Fault> {
        let Some(key) = books.api_keys.get(&(self.key,))? else {
            return Ok(Decision::refused(NoSuchKey));
        };
        let mut changes = Changes::default();
        if key.revoked_at.is_some() {
            return Ok(Decision::done(key.clone(), changes));
        }
        let key = ApiKey { revoked_at: Some(at), ..key.clone() };
        changes.api_keys.push(Change::Update(key.clone()));
        self.note.write(&mut changes, Act::ApiKeyRevoked, key.id, json!({}), at);
        Ok(Decision::done(key, changes))
    }
}
