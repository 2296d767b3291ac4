//! The buyer's decision: confirming holds the tokens for the merchant, declining ends the request.
//!
//! ```text
//! claimed ──confirm──▶ authorized      claimed ──decline──▶ declined
//!    └─ too little in the wallet: nothing changes; top up and confirm again until the time is over
//! ```
//! Only the buyer's no, or the clock, ends a request. A confirmation that lacks tokens is no decision, and leaves no record:
//! so the buyer tops up inside the flow. Two tabs that confirm do it once: the second finds it done.
//!
//! The code with which the buyer goes back is reckoned from the request by a secret of the server's, so that the same answer
//! can be given twice and nothing is stored in the clear; it opens once, within a minute of the decision.

use scrip_domain::connection::{MerchantSubject, SubjectName};
use scrip_domain::document::{self, Confirmation};
use scrip_domain::event::{Event, EventType};
use scrip_domain::gate::{self, GateRefusal, Short};
use scrip_domain::hold::{Hold, HoldLot, HoldState};
use scrip_domain::ledger::{LedgerAccount, Reason, Transfer};
use scrip_domain::lot;
use scrip_domain::merchant::{MerchantEventKind, MerchantState};
use scrip_domain::purchase_request::RequestState;
use scrip_domain::request::Request;
use scrip_domain::settings::Vendor;
use scrip_domain::wallet::Wallet;
use scrip_domain::{Amount, Id, Span, Timestamp};
use scrip_license::jws;
use scrip_storage::books::Change;
use scrip_storage::index::{self, Entry};
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};

use super::{
    MerchantLimit, Parties, RequestRefusal, Scene, Signer, code_at, offer_of, subject_text,
    with_code,
};
use crate::ledger::Buyer;
use crate::purchase::Answered;
use crate::{Engine, Outcome, ledger};

/// What return codes of purchase requests are reckoned from.
const CODE: &str = "purchase return code";
/// For how long a merchant is told of a decline: it has nothing to lose by not knowing.
const TOLD: Span = Span::hours(1);
/// Why an offer was declined that the buyer did not want.
const BY_BUYER: &str = "buyer";

/// What came of a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    /// Where the request stands.
    pub state: RequestState,
    /// Where the buyer goes now.
    pub return_url: String,
}

impl Engine {
    /// Confirms the request behind `reference`: holds its total for the merchant.
    pub async fn confirm_payment(
        &self,
        buyer: Buyer,
        reference: &str,
        request: Request,
    ) -> Outcome<Answered<Decided>, RequestRefusal> {
        self.decide_payment(buyer, reference, Choice::Confirm(request)).await
    }

    /// Declines it. Doing it again changes nothing.
    pub async fn decline_payment(
        &self,
        buyer: Buyer,
        reference: &str,
    ) -> Outcome<Decided, RequestRefusal> {
        let answered = self.decide_payment(buyer, reference, Choice::Decline).await?;
        Ok(answered.map(|answered| match answered {
            Answered::First(decided) | Answered::Replayed(decided) => decided,
        }))
    }

    async fn decide_payment(
        &self,
        buyer: Buyer,
        reference: &str,
        choice: Choice,
    ) -> Outcome<Answered<Decided>, RequestRefusal> {
        let Some(row) = self.request_behind(reference).await? else {
            return Ok(Err(RequestRefusal::NoSuchRequest));
        };
        let code = self.secret_name(CODE, &row.id.to_string());
        let command = Decide {
            buyer,
            parties: Parties { request: row.id, merchant: row.merchant, buyer: Some(buyer) },
            vendor: self.vendor().await?.id,
            choice,
            subject: self.subject_of(buyer.account, row.merchant),
            code: code.clone(),
            signer: self.signer(),
            hold: self.mint()?,
            due: self.mint()?,
            transfer: self.mint()?,
            event: self.mint()?,
        };
        let answered = self.submit(command).await?;
        let offer = offer_of(&row)?;
        let decided = |state| Decided {
            state,
            return_url: with_code(&offer.return_url, &code, "order", &row.order),
        };
        Ok(answered.map(|answered| match answered {
            Answered::First(state) => Answered::First(decided(state)),
            Answered::Replayed(state) => Answered::Replayed(decided(state)),
        }))
    }
}

#[derive(Clone, Copy)]
enum Choice {
    Confirm(Request),
    Decline,
}

struct Decide {
    buyer: Buyer,
    parties: Parties,
    vendor: Id<Vendor>,
    choice: Choice,
    subject: SubjectName,
    code: String,
    signer: Signer,
    hold: Id<Hold>,
    /// Books what had expired before.
    due: Id<Transfer>,
    transfer: Id<Transfer>,
    event: Id<Event>,
}

type Answer = Result<Decision<Answered<RequestState>, RequestRefusal>, Fault>;

impl Command for Decide {
    type Receipt = Answered<RequestState>;
    type Refusal = RequestRefusal;

    fn wants(&self, wants: &mut Wants) {
        self.parties.want(wants);
        wants.accounts.read((self.buyer.account,));
        wants.vendor.read((self.vendor,));
        wants.merchant_subjects.read((self.parties.merchant, self.subject));
        if let Choice::Confirm(request) = self.choice {
            wants.by_account.read((self.buyer.account, index::REQUEST, request.key));
        }
    }

    fn decide(&self, books: &Books, at: Timestamp) -> Answer {
        if let Choice::Confirm(request) = self.choice
            && let Some(state) = self.replay(books, request)?
        {
            let state = state.map(Answered::Replayed);
            return Ok(Decision { answer: state, changes: Changes::default() });
        }
        let scene = Scene::set(books, self.parties, at)?;
        // Another account's is not there, and neither is one that nobody has claimed yet.
        if scene.request.account.is_some_and(|account| account != self.buyer.account) {
            return Ok(Decision::refused(RequestRefusal::NoSuchRequest));
        }
        let done = |state| Ok(Decision::done(Answered::First(state), Changes::default()));
        match (self.choice, scene.state()) {
            (Choice::Confirm(request), RequestState::Claimed) => {
                self.confirm(books, scene, request)
            }
            (Choice::Decline, RequestState::Claimed) => self.decline(books, scene),
            (Choice::Confirm(_), state @ RequestState::Authorized)
            | (Choice::Decline, state @ RequestState::Declined) => done(state),
            // Captured meanwhile: it is what the buyer wanted.
            (Choice::Confirm(_), RequestState::Captured | RequestState::Fulfilled) => {
                done(RequestState::Authorized)
            }
            (_, state) => Ok(Decision::refused(RequestRefusal::State(state))),
        }
    }
}

impl Decide {
    /// What the idempotency key names, if it was used before: it names this request, or something else.
    fn replay(
        &self,
        books: &Books,
        request: Request,
    ) -> Result<Option<Result<RequestState, RequestRefusal>>, Fault> {
        let key = (self.buyer.account, index::REQUEST, request.key);
        let Some(entry) = books.by_account.get(&key)? else { return Ok(None) };
        let same =
            entry.note == request.fingerprint && entry.target == self.parties.request.number();
        Ok(Some(if same { Ok(RequestState::Authorized) } else { Err(RequestRefusal::KeyReused) }))
    }

    fn confirm(&self, books: &Books, mut scene: Scene, request: Request) -> Answer {
        let lost = |what: &str| Fault::Bug(format!("a buyer has no {what}"));
        let account = books.accounts.get(&(self.buyer.account,))?;
        let account = account.ok_or_else(|| lost("account"))?;
        let vendor = books.vendor.get(&(self.vendor,))?.ok_or_else(|| lost("vendor"))?;
        let wallet = books.wallets.get(&(self.buyer.wallet,))?.ok_or_else(|| lost("wallet"))?;
        if let Err(shut) = gate::account(Some(account), &vendor.settings) {
            return Ok(Decision::refused(RequestRefusal::Gate(shut)));
        }
        if scene.merchant.state != MerchantState::Active {
            return Ok(Decision::refused(RequestRefusal::Limit(MerchantLimit::Suspended)));
        }
        let (required, balance) = (scene.request.amount, wallet.available_at(scene.at));
        if balance < required {
            let short = GateRefusal::InsufficientBalance(Short { required, balance });
            return Ok(Decision::refused(RequestRefusal::Gate(short)));
        }

        // From here on it succeeds.
        let mut changes = Changes::default();
        let offer = offer_of(&scene.request)?;
        let span = Span::seconds(offer.hold_seconds);
        let until = scene.at.plus(span);
        scene.request.hold = self.hold(&mut changes, wallet, &scene, until)?;
        scene.request.hold_until = Some(until);
        self.sign(&mut scene, offer.hold_seconds, document::Decided::Approved, None)?;
        scene.go(RequestState::Authorized);
        scene.tell(&mut changes, MerchantEventKind::Authorized)?;
        scene.notify(books, &mut changes, span)?;
        scene.record(&mut changes, self.event, EventType::RequestAuthorized);
        self.introduce(books, &mut changes, &scene)?;
        let entry = Entry::request(self.buyer.account, request, scene.request.id.into());
        changes.by_account.push(Change::Insert(entry));
        let request = scene.close(&mut changes);
        Ok(Decision::done(Answered::First(request.state), changes))
    }

    fn decline(&self, books: &Books, mut scene: Scene) -> Answer {
        let mut changes = Changes::default();
        self.sign(&mut scene, 0, document::Decided::Declined, Some(BY_BUYER))?;
        scene.go(RequestState::Declined);
        scene.tell(&mut changes, MerchantEventKind::Declined)?;
        scene.notify(books, &mut changes, TOLD)?;
        self.introduce(books, &mut changes, &scene)?;
        let request = scene.close(&mut changes);
        Ok(Decision::done(Answered::First(request.state), changes))
    }

    /// Reserves the total, lot by lot; none of nothing.
    fn hold(
        &self,
        changes: &mut Changes,
        wallet: &Wallet,
        scene: &Scene,
        until: Timestamp,
    ) -> Result<Option<Id<Hold>>, Fault> {
        let (amount, at) = (scene.request.amount, scene.at);
        if amount.is_zero() {
            return Ok(None);
        }
        let wallet = ledger::expire(changes, wallet, self.due, at)?;
        let less = || Fault::Bug("a wallet's lots hold less than its balance".into());
        let parts = lot::consume(&wallet.lots, amount, at).ok_or_else(less)?;
        let (reason, subject) = (Reason::Hold, scene.request.id.into());
        let transfer = Transfer {
            id: self.transfer,
            debit: LedgerAccount::Free(wallet.id),
            credit: LedgerAccount::Held(wallet.id),
            amount,
            reason,
            subject,
            at,
        };
        ledger::hold(changes, &wallet, &parts, transfer)?;
        changes.hold_lots.extend(HoldLot::all(self.hold, &parts).into_iter().map(Change::Insert));
        let hold = Hold {
            id: self.hold,
            wallet: wallet.id,
            amount,
            reason,
            subject,
            state: HoldState::Open,
            created_at: at,
            expires_at: until,
            resolved_at: None,
        };
        changes.holds.push(Change::Insert(hold));
        Ok(Some(self.hold))
    }

    /// Signs what was decided, and gives the buyer the way back.
    fn sign(
        &self,
        scene: &mut Scene,
        hold_seconds: u32,
        decision: document::Decided,
        reason: Option<&str>,
    ) -> Result<(), Fault> {
        let request = &scene.request;
        let held = decision == document::Decided::Approved;
        let confirmation = Confirmation {
            issuer: self.signer.issuer.clone(),
            audience: scene.merchant.url.clone(),
            subject: Some(subject_text(self.subject)),
            issued_at: scene.at.unix_seconds(),
            request: request.id.to_string(),
            order: request.order.clone(),
            offer: jws::digest(&request.offer),
            decision,
            reason: reason.map(str::to_owned),
            amount: if held { request.amount } else { Amount::ZERO },
            hold_seconds,
        };
        scene.request.confirmation = Some(self.signer.sign(&confirmation)?);
        scene.request.decided_at = Some(scene.at);
        scene.request.code = Some(code_at(&self.code, scene.at));
        Ok(())
    }

    /// The merchant knows the buyer from now on, by a name, and nothing more without consent.
    fn introduce(&self, books: &Books, changes: &mut Changes, scene: &Scene) -> Result<(), Fault> {
        let (merchant, subject) = (self.parties.merchant, self.subject);
        if books.merchant_subjects.get(&(merchant, subject))?.is_none() {
            let (account, at) = (self.buyer.account, scene.at);
            let row = MerchantSubject::new(merchant, subject, account, at);
            changes.merchant_subjects.push(Change::Insert(row));
        }
        Ok(())
    }
}
