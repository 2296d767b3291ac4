//! API keys: made, used, revoked.

use std::sync::Arc;

use base64ct::{Base64UrlUnpadded, Encoding};
use scrip_domain::account::Account;
use scrip_domain::api_key::{ApiKey, Scope};
use scrip_domain::{Id, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

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
        match self.submit(PutKey(key.clone())).await? {
            Ok(()) => Ok(NewKey { key, token }),
            Err(never) => match never {},
        }
    }

    /// Revokes a key. Doing it again changes nothing.
    pub async fn revoke_key(&self, id: Id<ApiKey>) -> Outcome<ApiKey, NoSuchKey> {
        let Some(key) = self.store.api_key(id).await? else { return Ok(Err(NoSuchKey)) };
        let revoked_at = key.revoked_at.or(Some(self.now()));
        let key = ApiKey { revoked_at, ..key };
        match self.submit(PutKey(key.clone())).await? {
            Ok(()) => Ok(Ok(key)),
            Err(never) => match never {},
        }
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
        Ok(Some(Signed { buyer, scopes: Some(key.scopes.clone()) }))
    }
}

struct PutKey(ApiKey);

impl Command for PutKey {
    type Receipt = ();
    type Refusal = std::convert::Infallible;

    fn wants(&self, wants: &mut Wants) {
        wants.api_keys.guard((self.0.id,));
    }

    fn decide(&self, books: &Books, _: Timestamp) -> Result<Decision<(), Self::Refusal>, Fault> {
        let mut changes = Changes::default();
        changes.api_keys.push(match books.api_keys.get(&(self.0.id,))? {
            Some(_) => Change::Update(self.0.clone()),
            None => Change::Insert(self.0.clone()),
        });
        Ok(Decision::done((), changes))
    }
}
