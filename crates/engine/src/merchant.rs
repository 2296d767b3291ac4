//! Merchants, as their provider has them: registered by an administrator, invited, limited, paid.
//!
//! ```text
//! (nothing) ──register──▶ invited ──redeem (signed by the server at its address)──▶ active ◀──change──▶ suspended
//!     └──register without an invitation─────────────────────────────────────────────┘
//! ```
//! What a merchant has earned lies in a ledger account of its own. What of it can be paid out depends on the clock: so a
//! payout looks what still waits, and its command demands that nothing happened to the merchant since.

use base64ct::{Base64UrlUnpadded, Encoding};
use scrip_domain::audit::Act;
use scrip_domain::ledger::{House, LedgerAccount, Reason, Transfer};
use scrip_domain::merchant::{
    Fee, KeyOwner, MAX_NAME, MAX_ORIGINS, MAX_URL, Merchant, MerchantEvent, MerchantEventKind,
    MerchantKey, MerchantLimits, MerchantState, MerchantUrl, Payout, origin_of,
};
use scrip_domain::request::Request;
use scrip_domain::{Amount, Id, Money, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};
use serde_json::{Value, json};

use crate::audit::{Note, Staff, difference};
use crate::catalog::Wrong;
use crate::catalog::rules::wrong;
use crate::peer::is_address;
use crate::purchase::Answered;
use crate::purchase_request::hash;
use crate::{Engine, Mode, Outcome, ledger};

/// How often a command is asked again whose keys had changed.
const TRIES: usize = 3;

/// What an administrator says of a merchant.
#[derive(Clone, Debug)]
pub struct MerchantFields {
    /// What buyers know it by.
    pub name: String,
    /// Where buyers may be sent back to.
    pub return_origins: Vec<String>,
    /// How far it is trusted.
    pub limits: MerchantLimits,
    /// What the provider keeps.
    pub fee: Fee,
    /// The balance from which on a buyer counts as funded.
    pub threshold: Amount,
    /// Whether it sells. An invited one stays invited.
    pub suspended: bool,
}

/// A merchant that was registered.
#[derive(Clone, Debug)]
pub struct Registered {
    /// The merchant.
    pub merchant: Merchant,
    /// The token with which its server redeems the invitation; told once.
    pub invitation: Option<String>,
}

/// Why a merchant was not entered or changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MerchantRefusal {
    /// There is no such merchant.
    NoSuchMerchant,
    /// A merchant with this address is registered.
    Taken,
    /// A field is out of its bounds.
    Wrong(Wrong),
    /// The invitation is not this merchant's, or was redeemed.
    NoSuchInvitation,
}

/// What is to be recorded as paid.
#[derive(Clone, Debug)]
pub struct PayoutAsk {
    /// For so many of the merchant's tokens.
    pub tokens: Amount,
    /// This much money was paid.
    pub money: Money,
    /// Where it stands in the provider's own papers.
    pub reference: String,
}

/// Why nothing was recorded as paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PayoutRefusal {
    /// There is no such merchant.
    NoSuchMerchant,
    /// Less than this can be paid out.
    Payable(Amount),
    /// The idempotency key was used for something else.
    KeyReused,
    /// Something happened to the merchant meanwhile: look again.
    Stale,
}

/// What a merchant has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MerchantBalance {
    /// The merchant, with its counters.
    pub merchant: Merchant,
    /// What still waits for delivery, or for the end of its refund window.
    pub pending: Amount,
    /// What can be paid out.
    pub payable: Amount,
}

impl Engine {
    /// Registers a merchant by its address; with `invite` it sells once its server has redeemed the invitation.
    pub async fn register_merchant(
        &self,
        by: Staff,
        url: String,
        fields: MerchantFields,
        invite: bool,
    ) -> Outcome<Registered, MerchantRefusal> {
        if url.len() > MAX_URL || !is_address(&url, self.mode()) {
            let wrong = wrong("url", "https://, a host, no slash at the end");
            return Ok(Err(MerchantRefusal::Wrong(wrong)));
        }
        if let Err(wrong) = check(&fields, self.mode()) {
            return Ok(Err(MerchantRefusal::Wrong(wrong)));
        }
        let token = invite.then(|| {
            let mut chance = [0; 32];
            self.fill(&mut chance);
            Base64UrlUnpadded::encode_string(&chance)
        });
        let invitation = token.as_deref().map(hash);
        let at = self.now();
        let merchant = Merchant {
            id: self.mint()?,
            name: fields.name,
            url,
            return_origins: fields.return_origins,
            limits: fields.limits,
            fee: fields.fee,
            threshold: fields.threshold,
            state: match (invite, fields.suspended) {
                (true, _) => MerchantState::Invited,
                (false, true) => MerchantState::Suspended,
                (false, false) => MerchantState::Active,
            },
            invitation,
            balance: scrip_domain::ledger::Counters::default(),
            seq: 0,
            open: 0,
            day: Timestamp::from_millis(0),
            day_captured: Amount::ZERO,
            created_at: at,
        };
        let answer = self.submit(Register { merchant, note: self.note(by)? }).await?;
        Ok(answer.map(|merchant| Registered { merchant, invitation: token }))
    }

    /// Changes what is known of a merchant. Doing it again changes nothing.
    pub async fn change_merchant(
        &self,
        by: Staff,
        id: Id<Merchant>,
        fields: MerchantFields,
    ) -> Outcome<Merchant, MerchantRefusal> {
        if let Err(wrong) = check(&fields, self.mode()) {
            return Ok(Err(MerchantRefusal::Wrong(wrong)));
        }
        self.submit(Alter { id, fields, note: self.note(by)? }).await
    }

    /// The server at `issuer` accepts its invitation. Doing it again changes nothing.
    pub async fn redeem_invitation(
        &self,
        issuer: &str,
        token: &str,
    ) -> Outcome<Merchant, MerchantRefusal> {
        let Some(merchant) = self.store.merchant_by_url(issuer).await? else {
            return Ok(Err(MerchantRefusal::NoSuchMerchant));
        };
        self.submit(Redeem { id: merchant.id, invitation: hash(token) }).await
    }

    /// The merchant whose server is at `issuer`.
    pub async fn merchant_at(&self, issuer: &str) -> Result<Option<Merchant>, Fault> {
        self.store.merchant_by_url(issuer).await
    }

    /// What a merchant has; none when there is no such merchant.
    pub async fn merchant_balance(
        &self,
        id: Id<Merchant>,
    ) -> Result<Option<MerchantBalance>, Fault> {
        let Some(merchant) = self.store.merchant(id).await? else { return Ok(None) };
        let pending = self.store.merchant_pending(id, self.now()).await?;
        let payable = merchant.payable(pending);
        Ok(Some(MerchantBalance { merchant, pending, payable }))
    }

    /// Records that a merchant was paid.
    pub async fn pay_out(
        &self,
        by: Staff,
        merchant: Id<Merchant>,
        ask: PayoutAsk,
        request: Request,
    ) -> Outcome<Answered<Payout>, PayoutRefusal> {
        let mut answer = Err(PayoutRefusal::Stale);
        for _ in 0..TRIES {
            // First the merchant: what happens to it after that is seen by its number.
            let Some(seen) = self.store.merchant(merchant).await? else {
                return Ok(Err(PayoutRefusal::NoSuchMerchant));
            };
            let command = PayOut {
                merchant,
                seq: seen.seq,
                pending: self.store.merchant_pending(merchant, self.now()).await?,
                ask: ask.clone(),
                request,
                id: self.mint()?,
                transfer: self.mint()?,
                note: self.note(by)?,
            };
            answer = self.submit(command).await?;
            if !matches!(answer, Err(PayoutRefusal::Stale)) {
                break;
            }
        }
        let before = match answer {
            Ok(Ok(payout)) => return Ok(Ok(Answered::First(payout))),
            Ok(Err(before)) => before,
            Err(PayoutRefusal::Stale) => return Err(Fault::Busy),
            Err(refusal) => return Ok(Err(refusal)),
        };
        let payout = self.store.payout(before).await?;
        Ok(payout.map(Answered::Replayed).ok_or(PayoutRefusal::KeyReused))
    }
}

fn check(fields: &MerchantFields, mode: Mode) -> Result<(), Wrong> {
    if !(1..=MAX_NAME).contains(&fields.name.chars().count()) {
        return Err(wrong("name", "1 to 100 characters"));
    }
    if fields.return_origins.len() > MAX_ORIGINS {
        return Err(wrong("return_origins", "at most 10"));
    }
    for (index, origin) in fields.return_origins.iter().enumerate() {
        if origin_of(origin) != Some(origin.as_str()) || !is_address(origin, mode) {
            let what = "scheme, host and port: https://shop.example";
            return Err(wrong(format!("return_origins[{index}]"), what));
        }
    }
    if fields.fee.basis_points > 10_000 {
        return Err(wrong("fee.basis_points", "at most 10000"));
    }
    Ok(())
}

/// What the audit log tells of a merchant.
fn told(merchant: &Merchant) -> Value {
    json!({
        "name": merchant.name, "url": merchant.url, "return_origins": merchant.return_origins,
        "largest_order": merchant.limits.order, "most_open": merchant.limits.open, "daily": merchant.limits.day,
        "fee_basis_points": merchant.fee.basis_points, "fee_fixed": merchant.fee.fixed,
        "threshold": merchant.threshold, "state": merchant.state,
    })
}

struct Register {
    merchant: Merchant,
    note: Note,
}

impl Command for Register {
    type Receipt = Merchant;
    type Refusal = MerchantRefusal;

    fn wants(&self, wants: &mut Wants) {
        wants.merchant_urls.guard((self.merchant.url.clone(),));
    }

    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<Merchant, MerchantRefusal>, Fault> {
        let Merchant { id, url, .. } = &self.merchant;
        if books.merchant_urls.get(&(url.clone(),))?.is_some() {
            return Ok(Decision::refused(MerchantRefusal::Taken));
        }
        let mut changes = Changes::default();
        changes.merchant_urls.push(Change::Insert(MerchantUrl { url: url.clone(), merchant: *id }));
        changes.merchants.push(Change::Insert(self.merchant.clone()));
        let what = difference(&Value::Null, &told(&self.merchant));
        self.note.write(&mut changes, Act::MerchantEntered, id, what, at);
        Ok(Decision::done(self.merchant.clone(), changes))
    }
}

struct Alter {
    id: Id<Merchant>,
    fields: MerchantFields,
    note: Note,
}

impl Command for Alter {
    type Receipt = Merchant;
    type Refusal = MerchantRefusal;

    fn wants(&self, wants: &mut Wants) {
        wants.merchants.guard((self.id,));
    }

    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<Merchant, MerchantRefusal>, Fault> {
        let Some(old) = books.merchants.get(&(self.id,))? else {
            return Ok(Decision::refused(MerchantRefusal::NoSuchMerchant));
        };
        let fields = self.fields.clone();
        let state = match (old.state, fields.suspended) {
            (MerchantState::Invited, _) => MerchantState::Invited,
            (_, true) => MerchantState::Suspended,
            (_, false) => MerchantState::Active,
        };
        let merchant = Merchant {
            name: fields.name,
            return_origins: fields.return_origins,
            limits: fields.limits,
            fee: fields.fee,
            threshold: fields.threshold,
            state,
            ..old.clone()
        };
        let mut changes = Changes::default();
        if merchant != *old {
            let what = difference(&told(old), &told(&merchant));
            self.note.write(&mut changes, Act::MerchantChanged, self.id, what, at);
            changes.merchants.push(Change::Update(merchant.clone()));
        }
        Ok(Decision::done(merchant, changes))
    }
}

struct Redeem {
    id: Id<Merchant>,
    invitation: [u8; 32],
}

impl Command for Redeem {
    type Receipt = Merchant;
    type Refusal = MerchantRefusal;

    fn wants(&self, wants: &mut Wants) {
        wants.merchants.guard((self.id,));
    }

    fn decide(
        &self,
        books: &Books,
        _: Timestamp,
    ) -> Result<Decision<Merchant, MerchantRefusal>, Fault> {
        let merchant = books.merchants.get(&(self.id,))?;
        // The digest stays, so that an answer that was lost can be asked for again.
        let Some(merchant) = merchant.filter(|known| known.invitation == Some(self.invitation))
        else {
            return Ok(Decision::refused(MerchantRefusal::NoSuchInvitation));
        };
        let mut changes = Changes::default();
        let mut merchant = merchant.clone();
        if merchant.state == MerchantState::Invited {
            merchant.state = MerchantState::Active;
            changes.merchants.push(Change::Update(merchant.clone()));
        }
        Ok(Decision::done(merchant, changes))
    }
}

struct PayOut {
    merchant: Id<Merchant>,
    /// The number of the merchant's latest event when `pending` was looked up.
    seq: u64,
    pending: Amount,
    ask: PayoutAsk,
    request: Request,
    id: Id<Payout>,
    transfer: Id<Transfer>,
    note: Note,
}

impl Command for PayOut {
    /// The payout, or the name of the one that the same request recorded before.
    type Receipt = Result<Payout, Id<Payout>>;
    type Refusal = PayoutRefusal;

    fn wants(&self, wants: &mut Wants) {
        wants.merchants.guard((self.merchant,));
        wants.merchant_keys.read((self.merchant, KeyOwner::Staff, self.request.key));
    }

    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<Self::Receipt, PayoutRefusal>, Fault> {
        let key = (self.merchant, KeyOwner::Staff, self.request.key);
        if let Some(known) = books.merchant_keys.get(&key)? {
            return Ok(match Id::new(known.target) {
                Some(id) if known.fingerprint == self.request.fingerprint => {
                    Decision::done(Err(id), Changes::default())
                }
                _ => Decision::refused(PayoutRefusal::KeyReused),
            });
        }
        let Some(merchant) = books.merchants.get(&(self.merchant,))? else {
            return Ok(Decision::refused(PayoutRefusal::NoSuchMerchant));
        };
        if merchant.seq != self.seq {
            return Ok(Decision::refused(PayoutRefusal::Stale));
        }
        let PayoutAsk { tokens, money, ref reference } = self.ask;
        let payable = merchant.payable(self.pending);
        if tokens.is_zero() || tokens > payable {
            return Ok(Decision::refused(PayoutRefusal::Payable(payable)));
        }

        // From here on it succeeds.
        let mut changes = Changes::default();
        let transfer = Transfer {
            id: self.transfer,
            debit: LedgerAccount::Merchant(merchant.id),
            credit: LedgerAccount::House(House::PaidOut),
            amount: tokens,
            reason: Reason::Payout,
            subject: self.id.into(),
            at,
        };
        let merchant = ledger::pay_house(&mut changes, merchant.clone(), House::PaidOut, transfer)?;
        let merchant = tell(&mut changes, merchant, MerchantEventKind::PaidOut, None, at)?;
        changes.merchants.push(Change::Update(merchant));
        let payout = Payout {
            id: self.id,
            merchant: self.merchant,
            tokens,
            money,
            reference: reference.clone(),
            transfer: self.transfer,
            at,
        };
        changes.payouts.push(Change::Insert(payout.clone()));
        let key = MerchantKey::new(self.merchant, KeyOwner::Staff, self.request, self.id);
        changes.merchant_keys.push(Change::Insert(key));
        let what =
            json!({ "payout": self.id, "tokens": tokens, "money": money, "reference": reference });
        let what = difference(&Value::Null, &what);
        self.note.write(&mut changes, Act::MerchantPaidOut, self.merchant, what, at);
        Ok(Decision::done(Ok(payout), changes))
    }
}

/// Adds to a merchant's events, under its guard; so their numbers have no gap. The caller writes the merchant.
pub(crate) fn tell(
    changes: &mut Changes,
    merchant: Merchant,
    kind: MerchantEventKind,
    request: Option<Id<scrip_domain::purchase_request::PurchaseRequest>>,
    at: Timestamp,
) -> Result<Merchant, Fault> {
    let seq =
        merchant.seq.checked_add(1).ok_or_else(|| Fault::Bug("events have run out".into()))?;
    let event = MerchantEvent { merchant: merchant.id, seq, kind, request, at };
    changes.merchant_events.push(Change::Insert(event));
    Ok(Merchant { seq, ..merchant })
}
