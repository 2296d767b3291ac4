//! The staff of all vendors, in one person: makes them partners, stops and resumes, closes cycles, and pays.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use scrip_domain::exchange::{ExchangeState, SILENCE};
use scrip_domain::statement::{Settlement, SettlementState, Statement, StatementState};
use scrip_domain::{Clock, Timestamp};
use scrip_storage::reads::Page;
use serde_json::{Value, json};

use super::buyer::Square;
use super::part::Host;
use super::plan::{Act, VENDORS};
use crate::book::{Verdict, Violation, demand};
use crate::buyer::word;
use crate::chance::Chance;
use crate::host::url_of;
use crate::voice::{Answer, Ask, Voice};

/// So many rows are looked at.
const MANY: Page = Page { after: None, limit: 500 };

/// So often, in the end, it is looked whether something is left to pay.
const PATIENCE: u32 = 900;

/// The staff.
pub(crate) struct Staff {
    voices: Vec<Voice>,
    hosts: Vec<Arc<Host>>,
    square: Arc<Square>,
    chance: Chance,
    count: u64,
}

impl Staff {
    /// The staff that speaks to these servers.
    pub fn new(voices: Vec<Voice>, hosts: Vec<Arc<Host>>, square: Arc<Square>) -> Self {
        let chance = Chance::of(square.plan.seed, "staff");
        Self { voices, hosts, square, chance, count: 0 }
    }

    async fn ask(&mut self, vendor: usize, path: String, body: Value) -> Option<Answer> {
        self.count += 1;
        let key = Some(format!("staff-{}", self.count));
        let token = self.square.staff[vendor].clone();
        let ask = Ask { key, ..Ask::post(path, &token, body) };
        self.voices[vendor].ask(&ask, Duration::from_secs(10)).await
    }

    /// Asks until there is an answer.
    async fn surely(&mut self, vendor: usize, path: &str, body: Value) -> Answer {
        loop {
            if let Some(answer) = self.ask(vendor, path.to_owned(), body.clone()).await {
                return answer;
            }
            pause(200).await;
        }
    }

    /// Makes all of them partners of each other.
    pub async fn open(&mut self) -> Verdict {
        for (one, other) in self.square.plan.pairs() {
            for (at, of) in [(one, other), (other, one)] {
                let body = json!({ "url": url_of(VENDORS[of]), "name": VENDORS[of] });
                let answer = self.surely(at, "/v1/admin/partners", body).await;
                demand!(answer.status == 201, "a partner was answered {}", answer.body);
                let mut known = self.square.partners.lock().unwrap_or_else(PoisonError::into_inner);
                known.insert((at, of), word(&answer.body["id"]));
            }
            self.agree(one, other).await?;
        }
        Ok(())
    }

    /// The one proposes, the other accepts, and it is in force at both.
    async fn agree(&mut self, one: usize, other: usize) -> Verdict {
        let Some(terms) = self.square.plan.terms((one, other)) else {
            return Err(Violation("terms out of range".to_owned()));
        };
        let body = json!({ "partner": self.square.partner(one, other), "terms": terms });
        let answer = self.surely(one, "/v1/admin/agreements", body).await;
        demand!(answer.status == 201, "a proposal was answered {}", answer.body);
        let digest = word(&answer.body["digest"]);
        loop {
            pause(300).await;
            let books = &self.square.witness.books;
            let there = books[other].agreements(MANY).await?;
            let digest_of = |proposal: &str| scrip_license::jws::digest(proposal);
            let Some(row) = there.iter().find(|row| digest_of(&row.proposal) == digest) else {
                continue;
            };
            let is_in_force = |partner: Option<scrip_domain::partner::Partner>| {
                partner.is_some_and(|partner| partner.agreement.is_some())
            };
            let here = books[one].partner_by_url(&url_of(VENDORS[other])).await?;
            let back = books[other].partner_by_url(&url_of(VENDORS[one])).await?;
            if is_in_force(here) && is_in_force(back) {
                return Ok(());
            }
            if row.acceptance.is_none() {
                let path = format!("/v1/admin/agreements/{}/accept", row.id);
                let answer = self.surely(other, &path, Value::Null).await;
                demand!(answer.status == 200, "an acceptance was answered {}", answer.body);
            }
        }
    }

    /// Does this and that until `over`.
    pub async fn live(&mut self, over: impl Fn() -> bool) -> Verdict {
        while !over() {
            let Some(act) = self.chance.weighed(&self.square.plan.acts.clone()) else { break };
            self.take(act).await?;
            self.square.step();
            pause(self.chance.between(100, 900)).await;
        }
        Ok(())
    }

    async fn take(&mut self, act: Act) -> Verdict {
        let vendor = self.any();
        match act {
            Act::Rest => Ok(()),
            Act::Suspend => self.turn(vendor, "suspend").await,
            Act::Resume => self.turn(vendor, "resume").await,
            Act::Freeze => self.freeze().await,
            Act::Close => self.turn(vendor, "close-cycle").await,
            Act::Pay => self.pay(vendor).await.map(drop),
            Act::WriteOff => self.write_off(vendor).await,
        }
    }

    fn any(&mut self) -> usize {
        usize::try_from(self.chance.below(self.voices.len() as u64)).unwrap_or(0)
    }

    /// Does something about the agreement with any partner.
    async fn turn(&mut self, vendor: usize, what: &str) -> Verdict {
        let partners = self.square.witness.books[vendor].partners(MANY).await?;
        let Some(partner) = self.chance.pick(&partners) else { return Ok(()) };
        let Some(agreement) = partner.agreement else { return Ok(()) };
        let path = format!("/v1/admin/agreements/{agreement}/{what}");
        let body = if what == "close-cycle" { json!({}) } else { Value::Null };
        self.ask(vendor, path, body).await;
        Ok(())
    }

    /// An account is frozen for a moment.
    async fn freeze(&mut self) -> Verdict {
        let accounts = {
            let all = self.square.accounts.lock().unwrap_or_else(PoisonError::into_inner);
            all.clone()
        };
        let Some((at, account)) = self.chance.pick(&accounts).cloned() else { return Ok(()) };
        self.ask(at, format!("/v1/admin/accounts/{account}/freeze"), Value::Null).await;
        pause(self.chance.between(100, 2500)).await;
        self.surely(at, &format!("/v1/admin/accounts/{account}/thaw"), Value::Null).await;
        Ok(())
    }

    fn now(&self, vendor: usize) -> Timestamp {
        self.hosts[vendor].clock().now()
    }

    /// A partner has been silent for too long.
    async fn write_off(&mut self, vendor: usize) -> Verdict {
        let committed = Some(ExchangeState::Committed);
        let rows = self.square.witness.books[vendor].exchanges(committed, None, MANY).await?;
        let now = self.now(vendor);
        let is_old = |at: Option<Timestamp>| at.is_some_and(|at| at.plus(SILENCE) <= now);
        for row in rows.iter().filter(|row| is_old(row.committed_at)) {
            let path = format!("/v1/admin/exchanges/{}/write-off", row.id);
            self.ask(vendor, path, json!({})).await;
        }
        Ok(())
    }

    /// Whoever owes instructs, says that it has gone out; whoever has it says so. Gives how much there was to do.
    async fn pay(&mut self, vendor: usize) -> Result<usize, Violation> {
        let square = self.square.clone();
        let store = &square.witness.books[vendor];
        let mut done = 0;
        for Statement { id, state, net, .. } in store.statements(MANY).await? {
            let path = "/v1/admin/settlements".to_owned();
            match state {
                StatementState::Agreed if net > 0 => {
                    done += 1;
                    let body = json!({ "statement": id.to_string(), "method": "recorded" });
                    self.ask(vendor, path, body).await;
                }
                StatementState::Disputed => {
                    done += 1;
                    let path = format!("/v1/admin/statements/{id}/compare");
                    self.ask(vendor, path, Value::Null).await;
                }
                _ => {}
            }
        }
        for Settlement { id, state, money, statement, .. } in store.settlements(MANY).await? {
            let row = store.statement(statement).await?;
            let is_ours = row.is_some_and(|row| row.net > 0);
            let path = format!("/v1/admin/settlements/{id}");
            match state {
                SettlementState::Instructed if is_ours => {
                    done += 1;
                    self.ask(vendor, format!("{path}/sent"), Value::Null).await;
                }
                SettlementState::Sent if !is_ours => {
                    done += 1;
                    let body = json!({
                        "money": { "amount": money.amount.units(), "unit": money.unit.to_string() }
                    });
                    self.ask(vendor, format!("{path}/received"), body).await;
                }
                _ => {}
            }
        }
        Ok(done)
    }

    /// When nothing fails any more: everybody exchanges again.
    pub async fn calm_down(&mut self) -> Verdict {
        for vendor in 0..self.voices.len() {
            for partner in self.square.witness.books[vendor].partners(MANY).await? {
                if let Some(agreement) = partner.agreement.filter(|_| partner.suspended.is_some()) {
                    let path = format!("/v1/admin/agreements/{agreement}/resume");
                    self.surely(vendor, &path, Value::Null).await;
                }
            }
        }
        Ok(())
    }

    /// Every statement that waits for something.
    async fn unsettled(&self) -> Result<Vec<String>, Violation> {
        let mut all = Vec::new();
        for vendor in 0..self.voices.len() {
            all.extend(self.square.witness.unsettled(vendor).await?);
        }
        Ok(all)
    }

    /// When everything is answered: closes every cycle in which something is owed, and pays until nothing is left to pay.
    pub async fn settle(&mut self) -> Verdict {
        for vendor in 0..self.voices.len() {
            for partner in self.square.witness.books[vendor].partners(MANY).await? {
                let Some(agreement) = partner.agreement else { continue };
                let path = format!("/v1/admin/agreements/{agreement}/close-cycle");
                let answer = self.surely(vendor, &path, json!({})).await;
                demand!(answer.status < 300, "a close was answered {}", answer.body);
                pause(100).await;
            }
        }
        let (mut quiet, mut tries) = (0, 0);
        while quiet < 20 {
            tries += 1;
            let unsettled = self.unsettled().await?;
            demand!(tries < PATIENCE, "{unsettled:?} are not settled when all should be");
            let mut left = 0;
            for vendor in 0..self.voices.len() {
                left += self.pay(vendor).await?;
            }
            left += unsettled.len();
            quiet = if left == 0 { quiet + 1 } else { 0 };
            pause(300).await;
        }
        Ok(())
    }
}

async fn pause(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
}
