//! The first step of a top-up: who asks is assessed, and what can be decided at once is.

use scrip_domain::account::Account;
use scrip_domain::audit::Act;
use scrip_domain::credit::{
    Assessment, CreditDecision, CreditFile, CreditStatus, Facts, Policy, Source, VALID,
};
use scrip_domain::request::Request;
use scrip_domain::settings::Vendor;
use scrip_domain::top_up::{Errand, TopUp, TopUpMethod, TopUpState};
use scrip_domain::wallet::Wallet;
use scrip_domain::{Id, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::index::{self, Entry};
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};
use serde_json::{Value, json};

use super::{Minted, TopUpAsk, TopUpRefusal, Way};
use crate::audit::{Note, difference};
use crate::ledger::Buyer;
use crate::{Engine, Outcome};

/// What a demo payment method finds; `None` for one that there is not.
pub fn demo_status(payment_method: Option<&str>) -> Option<CreditStatus> {
    Some(match payment_method.unwrap_or("demo_approved") {
        "demo_approved" => CreditStatus::Good,
        "demo_declined" => CreditStatus::Bad,
        "demo_review" => CreditStatus::Doubtful,
        _ => return None,
    })
}

impl Engine {
    /// Records a top-up. Gives it, or the name of the one that the same request made before.
    pub(super) async fn begin(
        &self,
        buyer: Buyer,
        ask: TopUpAsk,
        request: Request,
    ) -> Outcome<Result<TopUp, Id<TopUp>>, TopUpRefusal> {
        let note = match &ask.way {
            Way::Administrator { by, .. } => Some(self.note(*by)?),
            Way::Card { .. } | Way::Demo { .. } => None,
        };
        let (vendor, minted) = (self.vendor().await?.id, self.minted()?);
        self.submit(Begin { buyer, ask, request, note, vendor, id: self.mint()?, minted }).await
    }
}

struct Begin {
    buyer: Buyer,
    ask: TopUpAsk,
    request: Request,
    note: Option<Note>,
    vendor: Id<Vendor>,
    id: Id<TopUp>,
    minted: Minted,
}

impl Command for Begin {
    /// The top-up, or the name of the one that the same request made before.
    type Receipt = Result<TopUp, Id<TopUp>>;
    type Refusal = TopUpRefusal;

    fn wants(&self, wants: &mut Wants) {
        wants.wallets.guard((self.buyer.wallet,));
        wants.accounts.read((self.buyer.account,));
        wants.credit_files.read((self.buyer.account,));
        wants.vendor.read((self.vendor,));
        wants.by_account.read((self.buyer.account, index::REQUEST, self.request.key));
    }

    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<Self::Receipt, TopUpRefusal>, Fault> {
        let missing = |what: &str| Fault::Bug(format!("a buyer has no {what}"));
        let of = self.buyer.account;
        if let Some(entry) = books.by_account.get(&(of, index::REQUEST, self.request.key))? {
            return Ok(match Id::new(entry.target) {
                Some(id) if entry.note == self.request.fingerprint => {
                    Decision::done(Err(id), Changes::default())
                }
                _ => Decision::refused(TopUpRefusal::KeyReused),
            });
        }
        let account = books.accounts.get(&(of,))?.ok_or_else(|| missing("account"))?;
        if account.frozen_at.is_some() {
            return Ok(Decision::refused(TopUpRefusal::AccountFrozen));
        }
        let wallet = books.wallets.get(&(self.buyer.wallet,))?.ok_or_else(|| missing("wallet"))?;
        if wallet.posted().checked_add(self.ask.tokens).is_none() {
            return Ok(Decision::refused(TopUpRefusal::TooMuch));
        }
        let Some(payment_method) = self.payment_method(account) else {
            return Ok(Decision::refused(TopUpRefusal::PaymentMethodMissing));
        };
        let vendor = books.vendor.get(&(self.vendor,))?.ok_or_else(|| missing("vendor"))?;
        let known = books.credit_files.get(&(of,))?;
        let file = known.cloned().unwrap_or_else(|| CreditFile::empty(of));
        let assessment = self.assess(&vendor.settings.credit, &file, account, at);
        let top_up = self.top_up(payment_method, assessment, at);
        let mut changes = Changes::default();
        let top_up = self.go_on(&mut changes, wallet, top_up, at)?;
        let file = self.filed(&file, &top_up, at);
        changes.credit_files.push(match known {
            Some(_) => Change::Update(file),
            None => Change::Insert(file),
        });
        changes.top_ups.push(Change::Insert(top_up.clone()));
        changes.by_account.push(Change::Insert(Entry::top_up(of, top_up.id)));
        changes.by_account.push(Change::Insert(Entry::request(of, self.request, top_up.id.into())));
        self.minted.tell(&mut changes, &top_up, at);
        if top_up.state == TopUpState::Declined {
            let refusal = TopUpRefusal::Declined { top_up: Box::new(top_up), replayed: false };
            return Ok(Decision::refused_on_record(refusal, changes));
        }
        if let Some(note) = &self.note {
            let what =
                json!({ "top_up": self.id, "tokens": self.ask.tokens, "reason": top_up.note });
            note.write(&mut changes, Act::AccountAdjusted, of, difference(&Value::Null, &what), at);
        }
        Ok(Decision::done(Ok(top_up), changes))
    }
}

impl Begin {
    /// What it is paid with: `Some(None)` where nothing need be said, `None` where something is missing.
    fn payment_method(&self, account: &Account) -> Option<Option<String>> {
        match &self.ask.way {
            Way::Card { payment_method } => {
                let own = account.person.payment_method.as_ref();
                payment_method.as_ref().or(own).cloned().map(Some)
            }
            Way::Demo { payment_method } => Some(payment_method.clone()),
            Way::Administrator { .. } => Some(None),
        }
    }

    /// The first assessment: an administrator's word is good, the demo says what its payment method
    /// does, and for both the other ways the rules are asked.
    fn assess(
        &self,
        policy: &Policy,
        file: &CreditFile,
        account: &Account,
        at: Timestamp,
    ) -> Assessment {
        let facts = Facts { file, opened_at: account.created_at, tokens: self.ask.tokens, at };
        let (rules, reasons) = policy.assess(facts);
        let (source, status, reasons) = match &self.ask.way {
            Way::Administrator { .. } => {
                (Source::Staff, CreditStatus::Good, vec!["administrator".to_owned()])
            }
            Way::Demo { payment_method } => {
                let status = demo_status(payment_method.as_deref()).unwrap_or(CreditStatus::Bad);
                if status < rules {
                    (Source::Rules, rules, reasons)
                } else {
                    let word = payment_method.clone().unwrap_or_else(|| "demo_approved".to_owned());
                    (Source::Demo, status, vec![word])
                }
            }
            Way::Card { .. } => (Source::Rules, rules, reasons),
        };
        Assessment {
            id: self.minted.assessment,
            source,
            status,
            decision: status.decision(),
            reasons,
            score: None,
            policy: policy.version,
            obtained_at: at,
            decided_at: at,
            valid_until: at.plus(VALID),
        }
    }

    /// The row, while nothing has come of it.
    fn top_up(
        &self,
        payment_method: Option<String>,
        assessment: Assessment,
        at: Timestamp,
    ) -> TopUp {
        let note = match &self.ask.way {
            Way::Card { .. } | Way::Demo { .. } => None,
            Way::Administrator { reason, .. } => Some(reason.clone()),
        };
        TopUp {
            id: self.id,
            account: self.buyer.account,
            state: match assessment.decision {
                CreditDecision::Approved => TopUpState::Authorizing,
                CreditDecision::Declined => TopUpState::Declined,
                CreditDecision::Review => TopUpState::InReview,
            },
            reason: None,
            method: self.ask.way.method(),
            payment_method,
            tokens: self.ask.tokens,
            pay: self.ask.pay,
            assessments: vec![assessment],
            payment: None,
            lots: Vec::new(),
            note,
            created_at: at,
            credited_at: None,
            request: Some(self.request),
        }
    }

    /// Goes on with an approved one: the processor is to be asked, or the tokens are there.
    fn go_on(
        &self,
        changes: &mut Changes,
        wallet: &Wallet,
        top_up: TopUp,
        at: Timestamp,
    ) -> Result<TopUp, Fault> {
        match (top_up.state, top_up.method) {
            (TopUpState::Authorizing, TopUpMethod::Card) => {
                let errand = Errand { top_up: top_up.id, due_at: at, attempts: 0 };
                changes.errands.push(Change::Insert(errand));
                Ok(top_up)
            }
            (TopUpState::Authorizing, TopUpMethod::Demo | TopUpMethod::Administrator) => {
                self.minted.credit(changes, wallet, top_up, at)
            }
            (_, _) => Ok(top_up),
        }
    }

    /// The credit file with this top-up in it.
    fn filed(&self, file: &CreditFile, top_up: &TopUp, at: Timestamp) -> CreditFile {
        if top_up.state == TopUpState::Declined {
            return CreditFile { declined: file.declined.saturating_add(1), ..file.clone() };
        }
        let credited = u32::from(top_up.state == TopUpState::Credited);
        let asked = match top_up.method {
            TopUpMethod::Card | TopUpMethod::Demo => file.asked(self.ask.tokens, at),
            TopUpMethod::Administrator => file.clone(),
        };
        CreditFile { credited: asked.credited.saturating_add(credited), ..asked }
    }
}
