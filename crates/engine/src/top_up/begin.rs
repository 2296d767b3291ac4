//! The first step of a top-up: who asks is assessed, and what can be decided at once is.

use scrip_domain::account::Account;
use scrip_domain::audit::Act;
use scrip_domain::credit::{
    Assessment, CreditDecision, CreditFile, CreditStatus, Facts, Policy, Source,
};
use scrip_domain::request::Request;
use scrip_domain::settings::{Settings, Vendor};
use scrip_domain::top_up::{Due, TopUp, TopUpMethod, TopUpState};
use scrip_domain::{Amount, Id, Timestamp};
use scrip_license::Typed;
use scrip_storage::books::Change;
use scrip_storage::index::{self, Entry};
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};
use serde_json::{Value, json};

use super::approved::over_limit;
use super::assessing::asks_bureau;
use super::{Minted, Redeem, TopUpAsk, TopUpRefusal, Way};
use crate::audit::{Note, difference};
use crate::ledger::Buyer;
use crate::payment_method::can_pay_with;
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
    /// A new one.
    pub(super) fn reference(&self) -> Reference {
        let mut chance = [0; 10];
        self.fill(&mut chance);
        Typed::of_chance(chance)
    }

    /// Records a top-up. Gives it, or the name of the one that the same request made before.
    pub(super) async fn begin(
        &self,
        buyer: Buyer,
        ask: TopUpAsk,
        request: Request,
    ) -> Outcome<Result<TopUp, Id<TopUp>>, TopUpRefusal> {
        let note = match &ask.way {
            Way::Administrator { by, .. } => Some(self.note(*by)?),
            _ => None,
        };
        let (vendor, minted) = (self.vendor().await?.id, self.minted().await?);
        let (id, reference) = (self.mint()?, self.reference());
        let (bureau, request) = (self.bureau.is_some(), Some(request));
        let processor = self.processor_name();
        self.submit(Begin {
            buyer,
            ask,
            request,
            note,
            vendor,
            id,
            reference,
            processor,
            bureau,
            minted,
        })
        .await
    }
}

/// Nine symbols of chance, so that two meet once in many millions, and a check symbol.
pub type Reference = Typed<10>;

/// The first step, as a command of its own or as a part of another one.
pub(super) struct Begin {
    pub buyer: Buyer,
    pub ask: TopUpAsk,
    /// What asked for it; nothing did for an automatic one.
    pub request: Option<Request>,
    pub note: Option<Note>,
    pub vendor: Id<Vendor>,
    pub id: Id<TopUp>,
    pub reference: Reference,
    /// Which processor's cards are taken.
    pub processor: &'static str,
    /// Whether there is a bureau to be asked.
    pub bureau: bool,
    pub minted: Minted,
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
        if let Some(request) = self.request {
            wants.by_account.read((self.buyer.account, index::REQUEST, request.key));
        }
        match &self.ask.way {
            Way::Voucher(voucher) => voucher.wants(wants, self.buyer),
            Way::Card { .. } => wants.payment_methods.read((self.buyer.account,)),
            Way::CreditLine => wants.credit_lines.read((self.buyer.account,)),
            Way::Offline | Way::Demo { .. } | Way::Administrator { .. } => {}
        }
    }

    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<Self::Receipt, TopUpRefusal>, Fault> {
        if let Some(request) = self.request
            && let Some(entry) =
                books.by_account.get(&(self.buyer.account, index::REQUEST, request.key))?
        {
            return Ok(match Id::new(entry.target) {
                Some(id) if entry.note == request.fingerprint => {
                    Decision::done(Err(id), Changes::default())
                }
                _ => Decision::refused(TopUpRefusal::KeyReused),
            });
        }
        let (top_up, changes) = match self.begun(books, at)? {
            Ok(begun) => begun,
            Err(refusal) => return Ok(Decision::refused(refusal)),
        };
        if top_up.state == TopUpState::Declined {
            let refusal = TopUpRefusal::Declined { top_up: Box::new(top_up), replayed: false };
            return Ok(Decision::refused_on_record(refusal, changes));
        }
        Ok(Decision::done(Ok(top_up), changes))
    }
}

impl Begin {
    /// The top-up as it is after its first step, which may be a decline, and all that it writes.
    pub fn begun(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Result<(TopUp, Changes), TopUpRefusal>, Fault> {
        let missing = |what: &str| Fault::Bug(format!("a buyer has no {what}"));
        let of = self.buyer.account;
        let account = books.accounts.get(&(of,))?.ok_or_else(|| missing("account"))?;
        let wallet = books.wallets.get(&(self.buyer.wallet,))?.ok_or_else(|| missing("wallet"))?;
        let vendor = books.vendor.get(&(self.vendor,))?.ok_or_else(|| missing("vendor"))?;
        let hindrance = self.hindrance(books, account, &vendor.settings, at)?;
        let full = wallet.posted().checked_add(self.ask.tokens).is_none();
        if let Some(refusal) = hindrance.or(full.then_some(TopUpRefusal::TooMuch)) {
            return Ok(Err(refusal));
        }
        let payment_method = match self.payment_method(books, account)? {
            Ok(payment_method) => payment_method,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let known = books.credit_files.get(&(of,))?;
        let file = known.cloned().unwrap_or_else(|| CreditFile::empty(of));
        let mut top_up = self.top_up(payment_method, at);
        top_up.due = self.due(&vendor.settings);
        let assessment = self.assess(books, &vendor.settings.credit, &file, account, &top_up)?;
        self.judge(&vendor.settings.credit, &mut top_up, assessment);
        let mut changes = Changes::default();
        let voucher = self.voucher();
        if let Some(voucher) = voucher.filter(|_| top_up.state != TopUpState::Declined) {
            // Taken also while a person looks at it.
            voucher.take(books, &mut changes, &top_up)?;
        }
        let top_up = self.minted.go_on(books, &mut changes, wallet, top_up, voucher, at)?;
        let file = self.filed(&file, &top_up, at);
        changes.credit_files.push(match known {
            Some(_) => Change::Update(file),
            None => Change::Insert(file),
        });
        changes.top_ups.push(Change::Insert(top_up.clone()));
        changes.by_account.push(Change::Insert(Entry::top_up(of, top_up.id)));
        if let Some(request) = self.request {
            let entry = Entry::request(of, request, top_up.id.into());
            changes.by_account.push(Change::Insert(entry));
        }
        self.minted.tell(&mut changes, &top_up, at);
        if let Some(note) = self.note.as_ref().filter(|_| top_up.state != TopUpState::Declined) {
            let what =
                json!({ "top_up": self.id, "tokens": self.ask.tokens, "reason": top_up.note });
            note.write(&mut changes, Act::AccountAdjusted, of, difference(&Value::Null, &what), at);
        }
        Ok(Ok((top_up, changes)))
    }

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
            Way::Offline | Way::Voucher(_) | Way::CreditLine | Way::Administrator { .. } => {
                return Ok(Ok(None));
            }
        };
        let Some(name) = named.as_ref().or(account.person.payment_method.as_ref()) else {
            return Ok(Err(TopUpRefusal::PaymentMethodMissing));
        };
        let known = can_pay_with(books, account.id, self.processor, name)?;
        Ok(if known { Ok(Some(name.clone())) } else { Err(TopUpRefusal::PaymentMethodUnknown) })
    }

    fn voucher(&self) -> Option<&Redeem> {
        match &self.ask.way {
            Way::Voucher(voucher) => Some(voucher),
            _ => None,
        }
    }

    /// The first assessment: an administrator's word is good, the demo says what its payment method
    /// does, and for all the other ways the rules are asked; on credit also the credit line.
    fn assess(
        &self,
        books: &Books,
        policy: &Policy,
        file: &CreditFile,
        account: &Account,
        top_up: &TopUp,
    ) -> Result<Assessment, Fault> {
        let at = top_up.created_at;
        let facts = Facts { file, opened_at: account.created_at, tokens: self.ask.tokens, at };
        let rules = policy.assess(facts);
        let own = match &self.ask.way {
            Way::Administrator { .. } => None,
            Way::Demo { payment_method } => {
                let status = demo_status(payment_method.as_deref()).unwrap_or(CreditStatus::Bad);
                let word = payment_method.clone().unwrap_or_else(|| "demo_approved".to_owned());
                Some((Source::Demo, status, word))
            }
            Way::CreditLine if over_limit(books, top_up)? => {
                Some((Source::CreditLine, CreditStatus::Bad, "over_limit".to_owned()))
            }
            Way::CreditLine => {
                Some((Source::CreditLine, CreditStatus::Good, "within_limit".to_owned()))
            }
            Way::Card { .. } | Way::Offline | Way::Voucher(_) => {
                let (status, reasons) = rules;
                return Ok(self.made(Source::Rules, status, reasons, policy, at));
            }
        };
        Ok(match own {
            None => {
                let reasons = vec!["administrator".to_owned()];
                self.made(Source::Staff, CreditStatus::Good, reasons, policy, at)
            }
            Some((_, status, _)) if status < rules.0 => {
                self.made(Source::Rules, rules.0, rules.1, policy, at)
            }
            Some((source, status, word)) => self.made(source, status, vec![word], policy, at),
        })
    }

    fn made(
        &self,
        source: Source,
        status: CreditStatus,
        reasons: Vec<String>,
        policy: &Policy,
        at: Timestamp,
    ) -> Assessment {
        Assessment::made(self.minted.assessment, source, status, reasons, policy.version, at)
    }

    /// The row, while nothing is known of it.
    fn top_up(&self, payment_method: Option<String>, at: Timestamp) -> TopUp {
        let note = match &self.ask.way {
            Way::Administrator { reason, .. } => Some(reason.clone()),
            _ => None,
        };
        TopUp {
            id: self.id,
            account: self.buyer.account,
            state: TopUpState::Declined,
            reason: None,
            method: self.ask.way.method(),
            payment_method,
            tokens: self.ask.tokens,
            pay: self.ask.pay,
            assessments: Vec::new(),
            payment: None,
            due: None,
            lots: Vec::new(),
            reversed: None,
            appeal: None,
            note,
            created_at: at,
            credited_at: None,
            request: self.request,
        }
    }

    /// Puts the top-up where its first assessment leads: to the bureau, unless that was a decline.
    fn judge(&self, policy: &Policy, top_up: &mut TopUp, assessment: Assessment) {
        let asks = assessment.decision != CreditDecision::Declined
            && self.bureau
            && asks_bureau(policy, top_up);
        top_up.state =
            if asks { TopUpState::Assessing } else { top_up.state_after(assessment.decision) };
        top_up.assessments.push(assessment);
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
