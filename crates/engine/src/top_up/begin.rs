//! The first step of a top-up: who asks is assessed, and what can be decided at once is.

use scrip_domain::account::Account;
use scrip_domain::audit::Act;
use scrip_domain::credit::{
    Assessment, CreditDecision, CreditFile, CreditStatus, Facts, Policy, Source,
};
use scrip_domain::request::Request;
use scrip_domain::settings::{Settings, Vendor};
use scrip_domain::top_up::{Due, Errand, TopUp, TopUpMethod, TopUpState};
use scrip_domain::wallet::Wallet;
use scrip_domain::{Amount, Id, Timestamp};
use scrip_license::Typed;
use scrip_storage::books::Change;
use scrip_storage::index::{self, Entry};
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};
use serde_json::{Value, json};

use super::{Coming, Minted, TopUpAsk, TopUpRefusal, Way};
use crate::audit::{Note, difference};
use crate::ledger::Buyer;
use crate::processor::demo;
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
            Way::Card { .. } | Way::Offline | Way::Voucher(_) | Way::Demo { .. } => None,
        };
        let (vendor, minted) = (self.vendor().await?.id, self.minted()?);
        let mut chance = [0; 10];
        self.fill(&mut chance);
        let reference = Typed::of_chance(chance);
        let id = self.mint()?;
        let processor = self.processor.as_ref().map_or("", |processor| processor.name());
        let begin = Begin { buyer, ask, request, note, vendor, id, reference, minted, processor };
        self.submit(begin).await
    }
}

/// Nine symbols of chance, so that two meet once in many millions, and a check symbol.
pub type Reference = Typed<10>;

struct Begin {
    buyer: Buyer,
    ask: TopUpAsk,
    request: Request,
    note: Option<Note>,
    vendor: Id<Vendor>,
    id: Id<TopUp>,
    reference: Reference,
    minted: Minted,
    /// Which processor's cards are taken.
    processor: &'static str,
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
        wants.debt_payments.read((self.buyer.wallet,));
        wants.by_account.read((self.buyer.account, index::REQUEST, self.request.key));
        match &self.ask.way {
            Way::Voucher(voucher) => voucher.wants(wants, self.buyer),
            Way::Card { .. } => wants.payment_methods.read((self.buyer.account,)),
            Way::Offline | Way::Demo { .. } | Way::Administrator { .. } => {}
        }
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
        let wallet = books.wallets.get(&(self.buyer.wallet,))?.ok_or_else(|| missing("wallet"))?;
        let vendor = books.vendor.get(&(self.vendor,))?.ok_or_else(|| missing("vendor"))?;
        let hindrance = self.hindrance(books, account, &vendor.settings, at)?;
        let full = wallet.posted().checked_add(self.ask.tokens).is_none();
        if let Some(refusal) = hindrance.or(full.then_some(TopUpRefusal::TooMuch)) {
            return Ok(Decision::refused(refusal));
        }
        let payment_method = match self.payment_method(books, account)? {
            Ok(payment_method) => payment_method,
            Err(refusal) => return Ok(Decision::refused(refusal)),
        };
        let known = books.credit_files.get(&(of,))?;
        let file = known.cloned().unwrap_or_else(|| CreditFile::empty(of));
        let assessment = self.assess(&vendor.settings.credit, &file, account, at);
        let mut top_up = self.top_up(payment_method, assessment, at);
        top_up.due = self.due(&vendor.settings);
        let mut changes = Changes::default();
        let top_up = self.go_on(books, &mut changes, wallet, top_up, at)?;
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
    /// What stands in the way, before anybody is assessed.
    fn hindrance(
        &self,
        books: &Books,
        account: &Account,
        settings: &Settings,
        at: Timestamp,
    ) -> Result<Option<TopUpRefusal>, Fault> {
        if account.frozen_at.is_some() {
            return Ok(Some(TopUpRefusal::AccountFrozen));
        }
        Ok(match &self.ask.way {
            Way::Offline if settings.offline_instructions.is_empty() => {
                Some(TopUpRefusal::MethodUnknown)
            }
            Way::Voucher(voucher) if voucher.opens(books, self.buyer, at)?.is_none() => {
                Some(TopUpRefusal::VoucherRefused)
            }
            _ => None,
        })
    }

    /// What is due when it is paid offline. The instructions are kept with it: the vendor may change them.
    fn due(&self, settings: &Settings) -> Option<Due> {
        matches!(self.ask.way, Way::Offline).then(|| Due {
            reference: self.reference.to_string(),
            instructions: settings.offline_instructions.clone(),
            received: Amount::ZERO,
            brought: Amount::ZERO,
        })
    }

    /// What it is paid with, where something need be said.
    fn payment_method(
        &self,
        books: &Books,
        account: &Account,
    ) -> Outcome<Option<String>, TopUpRefusal> {
        let named = match &self.ask.way {
            Way::Card { payment_method } => payment_method,
            Way::Demo { payment_method } => return Ok(Ok(payment_method.clone())),
            Way::Offline | Way::Voucher(_) | Way::Administrator { .. } => return Ok(Ok(None)),
        };
        let Some(name) = named.as_ref().or(account.person.payment_method.as_ref()) else {
            return Ok(Err(TopUpRefusal::PaymentMethodMissing));
        };
        let own = books.payment_methods.all(&(account.id,))?;
        let is_own = own.iter().any(|method| method.name == *name && method.serves(self.processor));
        let known = is_own || demo::is_everybodys(self.processor, name);
        Ok(if known { Ok(Some(name.clone())) } else { Err(TopUpRefusal::PaymentMethodUnknown) })
    }

    /// The first assessment: an administrator's word is good, the demo says what its payment method
    /// does, and for all the other ways the rules are asked.
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
            Way::Card { .. } | Way::Offline | Way::Voucher(_) => (Source::Rules, rules, reasons),
        };
        Assessment::made(self.minted.assessment, source, status, reasons, policy.version, at)
    }

    /// The row, while nothing has come of it.
    fn top_up(
        &self,
        payment_method: Option<String>,
        assessment: Assessment,
        at: Timestamp,
    ) -> TopUp {
        let note = match &self.ask.way {
            Way::Card { .. } | Way::Offline | Way::Voucher(_) | Way::Demo { .. } => None,
            Way::Administrator { reason, .. } => Some(reason.clone()),
        };
        TopUp {
            id: self.id,
            account: self.buyer.account,
            state: match assessment.decision {
                CreditDecision::Approved => self.ask.way.method().once_approved(),
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
            due: None,
            lots: Vec::new(),
            reversed: None,
            note,
            created_at: at,
            credited_at: None,
            request: Some(self.request),
        }
    }

    /// Goes on with an approved one: the processor is to be asked, or the tokens are there. A voucher is
    /// taken also while a person looks at its top-up.
    fn go_on(
        &self,
        books: &Books,
        changes: &mut Changes,
        wallet: &Wallet,
        top_up: TopUp,
        at: Timestamp,
    ) -> Result<TopUp, Fault> {
        let mut coming = Coming::paid(top_up.tokens);
        if let Way::Voucher(voucher) = &self.ask.way
            && top_up.state != TopUpState::Declined
        {
            voucher.take(books, changes, &top_up)?;
            coming = Coming::of(voucher.batch(books)?, at);
        }
        match top_up.state {
            TopUpState::Authorizing => {
                let errand = Errand { top_up: top_up.id, due_at: at, attempts: 0 };
                changes.errands.push(Change::Insert(errand));
                Ok(top_up)
            }
            TopUpState::Credited => {
                self.minted.credit(changes, (books, wallet), top_up, coming, at)
            }
            _ => Ok(top_up),
        }
    }

    /// The credit file with this top-up in it.
    fn filed(&self, file: &CreditFile, top_up: &TopUp, at: Timestamp) -> CreditFile {
        let file = match (top_up.state, top_up.method) {
            (TopUpState::Declined, _) | (_, TopUpMethod::Administrator) => file.clone(),
            (_, _) => file.asked(self.ask.tokens, at),
        };
        file.came_to(top_up.state)
    }
}
