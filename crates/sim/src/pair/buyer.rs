//! A buyer between two servers: orders at the merchant, pays at the provider, comes back or never does.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future;
use http::Method;
use scrip_domain::Span;
use serde_json::{Value, json};

use super::plan::{Plan, Step};
use super::witness::{Sighting, Witness};
use crate::book::{Verdict, Violation, demand};
use crate::buyer::{money, word};
use crate::chance::Chance;
use crate::clock::BEGINNING;
use crate::goods::Good;
use crate::voice::{Answer, Ask, Deed, Voice};

/// What everybody in a world knows.
pub(crate) struct Square {
    /// The seed's plan.
    pub plan: Plan,
    /// What the merchant sells.
    pub goods: Vec<Good>,
    /// The key of the merchant's staff.
    pub merchant_staff: String,
    /// The key of the provider's staff.
    pub provider_staff: String,
    /// Who can look at both servers' disks.
    pub witness: Witness,
    /// Every order of which somebody heard, by its name.
    pub orders: Mutex<BTreeMap<String, Sent>>,
    /// What was said for good of requests for refunds, by their names.
    pub verdicts: Mutex<BTreeMap<String, String>>,
    /// By how much time has leapt, in milliseconds.
    pub leapt: Mutex<u64>,
    /// What all buyers have spent in the end, by their own books.
    pub spent: Mutex<u64>,
}

/// An order, as its buyer knows it. Whoever has it can do the same.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    /// Its name.
    pub order: String,
    /// What opens it at the merchant: the order's token, or a session.
    pub opens: String,
    /// Where it is paid at the provider, once that is told.
    pub reference: Option<String>,
}

impl Square {
    /// An order that somebody began: every kind, by its name.
    fn any(&self, chance: &mut Chance, which: impl Fn(&Sent) -> bool) -> Option<Sent> {
        let orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        let some: Vec<_> = orders.values().filter(|sent| which(sent)).cloned().collect();
        chance.pick(&some).cloned()
    }

    fn keep(&self, sent: &Sent) {
        let mut orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        orders.insert(sent.order.clone(), sent.clone());
    }
}

/// One buyer.
pub(crate) struct Buyer {
    name: String,
    merchant: Voice,
    provider: Voice,
    square: Arc<Square>,
    chance: Chance,
    /// The session at the provider, and whose it is.
    token: String,
    account: String,
    /// The session at the merchant; empty for a visitor.
    visit: String,
    /// What was begun here.
    own: BTreeSet<String>,
    /// Codes to come back with.
    codes: Vec<String>,
    /// What was put into the wallet, gifts apart; and what may have been.
    funded: u64,
    gifts: u64,
    unheard: Vec<(Ask, u64)>,
    /// The requests that this buyer ever asked to confirm.
    confirmed: BTreeSet<String>,
    count: u64,
}

impl Buyer {
    /// The buyer called `name`.
    pub fn new(name: &str, [merchant, provider]: [Voice; 2], square: Arc<Square>) -> Self {
        let chance = Chance::of(square.plan.seed, name);
        Self {
            name: name.to_owned(),
            merchant,
            provider,
            square,
            chance,
            token: String::new(),
            account: String::new(),
            visit: String::new(),
            own: BTreeSet::new(),
            codes: Vec::new(),
            funded: 0,
            gifts: 0,
            unheard: Vec::new(),
            confirmed: BTreeSet::new(),
            count: 0,
        }
    }

    /// Opens an account at the provider, and takes its steps.
    pub async fn live(&mut self) -> Verdict {
        self.register().await?;
        for _ in 0..self.square.plan.steps {
            let Some(step) = self.chance.weighed(&self.square.plan.weights) else { break };
            self.take(step).await?;
            if self.chance.permille(400) {
                pause(self.chance.between(1, 900)).await;
            }
        }
        Ok(())
    }

    async fn take(&mut self, step: Step) -> Verdict {
        match step {
            Step::Fund => self.fund(None).await,
            Step::Gift => self.gift().await,
            Step::Order => self.order().await,
            Step::Pay => {
                let own = self.own.clone();
                let own = |sent: &Sent| sent.reference.is_some() && own.contains(&sent.order);
                match self.square.any(&mut self.chance, own) {
                    Some(sent) => self.pay(&sent).await,
                    None => self.order().await,
                }
            }
            Step::Return => self.come_back().await,
            Step::Look => {
                let own = self.own.clone();
                match self.square.any(&mut self.chance, |sent| own.contains(&sent.order)) {
                    Some(sent) => self.look(&sent).await,
                    None => Ok(()),
                }
            }
            Step::Library => self.library().await,
            Step::Connect => self.connect().await.map(drop),
            Step::Cancel => self.cancel().await,
            Step::BackAtMerchant => self.back_at_merchant().await,
            Step::BackAtProvider => self.back_at_provider().await,
            Step::Meddle => match self.square.any(&mut self.chance, |_| true) {
                Some(sent) if sent.reference.is_some() && self.chance.permille(400) => {
                    self.pay(&sent).await
                }
                Some(sent) => self.peep(&sent).await,
                None => Ok(()),
            },
            Step::AskBack => self.ask_back().await,
            Step::Leave => self.cannot_leave().await,
        }
    }

    fn patience(&mut self) -> Duration {
        let hurried = self.chance.permille(self.square.plan.impatience);
        Duration::from_millis(if hurried { self.chance.between(1, 150) } else { 10_000 })
    }

    async fn at_merchant(&mut self, ask: &Ask) -> Option<Answer> {
        let patience = self.patience();
        self.merchant.ask(ask, patience).await
    }

    async fn at_provider(&mut self, ask: &Ask) -> Option<Answer> {
        let patience = self.patience();
        self.provider.ask(ask, patience).await
    }

    fn keyed(&mut self, path: String, token: &str, body: Value) -> Ask {
        self.count += 1;
        let key = Some(format!("{}-{}", self.name, self.count));
        Ask { key, deed: Deed::Read, ..Ask::post(path, token, body) }
    }

    /// Asks the same up to three times.
    async fn thrice(&mut self, ask: &Ask, at_merchant: bool) -> Option<Answer> {
        for _ in 0..3 {
            let answer =
                if at_merchant { self.at_merchant(ask).await } else { self.at_provider(ask).await };
            if answer.is_some() {
                return answer;
            }
            pause(self.chance.between(10, 1500)).await;
        }
        None
    }

    async fn fund(&mut self, tokens: Option<u64>) -> Verdict {
        let tokens = tokens.unwrap_or(self.chance.between(1, 3000));
        let body = json!({ "tokens": money(tokens), "reason": "paid" });
        let path = format!("/v1/admin/accounts/{}/adjust", self.account);
        let staff = self.square.provider_staff.clone();
        let ask = self.keyed(path, &staff, body);
        match self.at_provider(&ask).await {
            Some(answer) => {
                demand!(answer.status == 201, "funding was answered {}", answer.body);
                self.funded += tokens;
            }
            None => self.unheard.push((ask, tokens)),
        }
        Ok(())
    }

    /// A gift lasts a few seconds, or until time leaps.
    async fn gift(&mut self) -> Verdict {
        let tokens = self.chance.between(1, 800);
        let lasts = if self.chance.permille(500) { 90_000 } else { 3_600_000 };
        let leapt = *self.square.leapt.lock().unwrap_or_else(PoisonError::into_inner);
        let now = turmoil::sim_elapsed().map_or(0, |elapsed| elapsed.as_millis());
        let now = u64::try_from(now).unwrap_or(0) + leapt;
        let millis = Span::millis(u32::try_from(now + lasts).unwrap_or(u32::MAX));
        let path = format!("/v1/admin/accounts/{}/adjust", self.account);
        let body = json!({
            "kind": "promo", "tokens": money(tokens), "expires_at": BEGINNING.plus(millis), "reason": "a gift"
        });
        let staff = self.square.provider_staff.clone();
        let ask = self.keyed(path, &staff, body);
        // Whether it came at all is not worth knowing: it may be gone by now.
        self.gifts += tokens;
        self.at_provider(&ask).await;
        Ok(())
    }

    /// Selects and confirms: then the buyer knows where to pay.
    async fn order(&mut self) -> Verdict {
        let mut lines = Vec::new();
        for _ in 0..self.chance.between(1, 2) {
            let Some(good) = self.chance.pick(&self.square.goods).cloned() else { continue };
            lines.push(json!({ "offer": good.offer, "quantity": self.chance.between(1, 2) }));
        }
        let token = if self.chance.permille(500) { self.visit.clone() } else { String::new() };
        let body = json!({ "lines": lines, "allow_duplicate": self.chance.permille(600) });
        let ask = self.keyed("/v1/orders".into(), &token, body);
        let Some(answer) = self.thrice(&ask, true).await else { return Ok(()) };
        if answer.status == 401 {
            // Who is not known here signs in first.
            self.visit.clear();
            return self.connect().await.map(drop);
        }
        if answer.status != 201 {
            return Ok(());
        }
        let order = word(&answer.body["id"]);
        let opens = match answer.body["order_token"].as_str() {
            Some(token) => format!("Order {token}"),
            None => token,
        };
        let mut sent = Sent { order: order.clone(), opens, reference: None };
        self.own.insert(order.clone());
        self.square.keep(&sent);
        if self.chance.permille(50) {
            return Ok(());
        }
        let path = format!("/v1/orders/{order}/confirm");
        let ask = self.keyed(path, &sent.opens, json!({}));
        let Some(answer) = self.thrice(&ask, true).await else { return Ok(()) };
        if answer.status == 202 {
            let url = word(&answer.body["next_action"]["redirect"]);
            sent.reference = url.rsplit('/').next().map(str::to_owned);
            demand!(sent.reference.is_some(), "a confirmed order leads to {url:?}");
            self.square.keep(&sent);
            if self.chance.permille(700) {
                return self.pay(&sent).await;
            }
        }
        Ok(())
    }

    /// Claims it, and decides, or not.
    async fn pay(&mut self, sent: &Sent) -> Verdict {
        let Some(reference) = &sent.reference else { return Ok(()) };
        let path = format!("/v1/payments/{reference}");
        let token = self.token.clone();
        let ask = Ask::post(format!("{path}/claim"), &token, Value::Null);
        let Some(claimed) = self.thrice(&ask, false).await else { return Ok(()) };
        if claimed.status != 200 {
            return Ok(());
        }
        demand!(claimed.body["order"] == sent.order.as_str(), "{sent:?} is {}", claimed.body);
        let choice = self.chance.below(100);
        if choice < 10 {
            let ask = Ask::post(format!("{path}/release"), &token, Value::Null);
            self.at_provider(&ask).await;
            return Ok(());
        }
        if choice < 18 {
            let ask = Ask::post(format!("{path}/decline"), &token, Value::Null);
            let answer = self.thrice(&ask, false).await;
            return self.decided(answer.as_ref()).await;
        }
        if choice < 25 {
            return Ok(());
        }
        self.confirmed.insert(word(&claimed.body["id"]));
        let ask = self.keyed(format!("{path}/confirm"), &token, json!({}));
        let Some(mut answer) = self.thrice(&ask, false).await else { return Ok(()) };
        if answer.status == 402 {
            let short = claimed.body["total"]["amount"].as_u64().unwrap_or(0);
            let more = self.chance.between(0, 500);
            self.fund(Some(short + more)).await?;
            let ask = self.keyed(format!("{path}/confirm"), &token, json!({}));
            let Some(again) = self.thrice(&ask, false).await else { return Ok(()) };
            answer = again;
        }
        self.decided(Some(&answer)).await
    }

    /// There is a way back: taken at once, later, or never.
    async fn decided(&mut self, answer: Option<&Answer>) -> Verdict {
        let Some(answer) = answer.filter(|answer| answer.status == 200) else { return Ok(()) };
        let Some(code) = code_in(&answer.body) else {
            return Err(Violation(format!("no way back: {}", answer.body)));
        };
        self.codes.push(code);
        if self.chance.permille(600) { self.come_back().await } else { Ok(()) }
    }

    async fn come_back(&mut self) -> Verdict {
        let Some(code) = self.codes.pop() else { return Ok(()) };
        let ask = Ask::post("/v1/sessions", "", json!({ "return_code": code }));
        let Some(answer) = self.at_merchant(&ask).await else { return Ok(()) };
        if answer.status == 201 {
            self.visit = word(&answer.body["token"]);
            if self.chance.permille(600) {
                return self.library().await;
            }
        }
        if self.chance.permille(200) {
            // A code opens once.
            let again = self.at_merchant(&ask).await;
            let opened = again.is_some_and(|answer| answer.status == 201);
            demand!(!opened || answer.status != 201, "a return code opened twice");
        }
        Ok(())
    }

    /// Looks with what opened the order. A token never shows a code.
    async fn look(&mut self, sent: &Sent) -> Verdict {
        let ask = Ask::get(format!("/v1/orders/{}", sent.order), &sent.opens);
        let Some(answer) = self.at_merchant(&ask).await else { return Ok(()) };
        if sent.opens.starts_with("Order ") {
            demand!(!has_code(&answer.body), "a token shows {}", answer.body);
            return Ok(());
        }
        self.sees(&answer.body).await
    }

    /// Looks at an order that may be another's, as oneself.
    async fn peep(&mut self, sent: &Sent) -> Verdict {
        let visit = self.visit.clone();
        if visit.is_empty() {
            return self.connect().await.map(drop);
        }
        let ask = Ask::get(format!("/v1/orders/{}", sent.order), &visit);
        match self.at_merchant(&ask).await {
            Some(answer) => self.sees(&answer.body).await,
            None => Ok(()),
        }
    }

    /// All orders and licenses at the merchant; gives the orders by name once all of them were heard.
    async fn library(&mut self) -> Verdict {
        self.whole_library().await.map(drop)
    }

    async fn whole_library(&mut self) -> Result<Option<BTreeMap<String, Value>>, Violation> {
        let visit = self.visit.clone();
        if visit.is_empty() {
            return Ok(None);
        }
        let mut orders = BTreeMap::new();
        for what in ["licenses", "orders"] {
            let mut after = String::new();
            loop {
                let ask = Ask::get(format!("/v1/{what}?limit=100{after}"), &visit);
                let Some(answer) = self.at_merchant(&ask).await else { return Ok(None) };
                if answer.status != 200 {
                    self.visit.clear();
                    return Ok(None);
                }
                self.sees(&answer.body).await?;
                let rows = answer.body["data"].as_array().cloned().unwrap_or_default();
                orders.extend(rows.into_iter().map(|row| (word(&row["id"]), row)));
                let Some(next) = answer.body["next"].as_str() else { break };
                after = format!("&after={next}");
            }
        }
        Ok(Some(orders))
    }

    /// Whoever sees a code has paid for it, and the provider has said so.
    async fn sees(&mut self, body: &Value) -> Verdict {
        let mut sightings = Vec::new();
        codes_in(body, &mut |order, license| {
            sightings.push(Sighting {
                buyer: self.name.clone(),
                account: self.account.clone(),
                order,
                license,
            });
        });
        for sighting in sightings {
            self.square.witness.saw(sighting).await?;
        }
        Ok(())
    }

    /// Signs in at the merchant through the provider; gives whether it came to that.
    async fn connect(&mut self) -> Result<bool, Violation> {
        let ask = Ask::post("/v1/connections", "", json!({}));
        let Some(answer) = self.at_merchant(&ask).await else { return Ok(false) };
        if answer.status != 201 {
            return Ok(false);
        }
        let url = word(&answer.body["url"]);
        let reference = url.rsplit('/').next().unwrap_or_default();
        let path = format!("/v1/connections/{reference}/approve");
        let ask = Ask::post(path, &self.token, json!({ "share": ["funded"] }));
        let Some(answer) = self.thrice(&ask, false).await else { return Ok(false) };
        let Some(code) = code_in(&answer.body) else { return Ok(false) };
        let ask = Ask::post("/v1/sessions", "", json!({ "return_code": code }));
        let Some(answer) = self.at_merchant(&ask).await else { return Ok(false) };
        if answer.status == 201 {
            self.visit = word(&answer.body["token"]);
        }
        Ok(answer.status == 201)
    }

    async fn cancel(&mut self) -> Verdict {
        let own = self.own.clone();
        let own = |sent: &Sent| own.contains(&sent.order);
        let Some(sent) = self.square.any(&mut self.chance, own) else { return Ok(()) };
        let path = format!("/v1/orders/{}/cancel", sent.order);
        self.at_merchant(&Ask::post(path, &sent.opens, Value::Null)).await;
        Ok(())
    }

    async fn back_at_merchant(&mut self) -> Verdict {
        let Some(sent) = self.square.any(&mut self.chance, |_| true) else { return Ok(()) };
        let licenses = if self.chance.permille(600) { "revoke" } else { "keep" };
        let mut body = json!({ "reason": "does not start", "licenses": licenses });
        if self.chance.permille(500) {
            let ask = Ask::get(format!("/v1/orders/{}", sent.order), &sent.opens);
            let Some(answer) = self.at_merchant(&ask).await else { return Ok(()) };
            let lines = answer.body["lines"].as_array().cloned().unwrap_or_default();
            if let Some(line) = self.chance.pick(&lines) {
                body["lines"] = json!([{ "line": line["id"], "quantity": 1 }]);
            }
        }
        let staff = self.square.merchant_staff.clone();
        let path = format!("/v1/admin/orders/{}/refunds", sent.order);
        let ask = self.keyed(path, &staff, body);
        self.thrice(&ask, true).await;
        Ok(())
    }

    async fn back_at_provider(&mut self) -> Verdict {
        let requests: Vec<_> = self.confirmed.iter().cloned().collect();
        let Some(request) = self.chance.pick(&requests).cloned() else { return Ok(()) };
        let mut body = json!({ "reason": "the merchant is asleep" });
        if self.chance.permille(500) {
            body["amount"] = money(self.chance.between(1, 400));
        }
        let staff = self.square.provider_staff.clone();
        let path = format!("/v1/admin/purchase-requests/{request}/refunds");
        let ask = self.keyed(path, &staff, body);
        self.thrice(&ask, false).await;
        Ok(())
    }

    /// Wants a line back, with one click or two; the merchant's staff have their say, or not yet.
    async fn ask_back(&mut self) -> Verdict {
        let visit = self.visit.clone();
        if visit.is_empty() {
            return self.connect().await.map(drop);
        }
        let own = self.own.clone();
        let own = |sent: &Sent| own.contains(&sent.order);
        let Some(sent) = self.square.any(&mut self.chance, own) else { return Ok(()) };
        let ask = Ask::get(format!("/v1/orders/{}", sent.order), &visit);
        let Some(order) = self.at_merchant(&ask).await else { return Ok(()) };
        let lines = order.body["lines"].as_array().cloned().unwrap_or_default();
        let Some(line) = self.chance.pick(&lines).cloned() else { return Ok(()) };
        let body = json!({ "line": line["id"], "reason": "does not start" });
        let path = format!("/v1/orders/{}/refund-requests", sent.order);
        let ask = self.keyed(path, &visit, body);
        if self.chance.permille(300) {
            let (one, other) = (self.patience(), self.patience());
            let two = (self.merchant.ask(&ask, one), self.merchant.ask(&ask, other));
            if let (Some(one), Some(other)) = future::join(two.0, two.1).await {
                let made = one.status == 201 && other.status == 201;
                let same = one.body == other.body;
                demand!(same || !made, "two clicks: {} {}", one.body, other.body);
            }
        }
        let Some(asked) = self.thrice(&ask, true).await else { return Ok(()) };
        if asked.status != 201 {
            return Ok(());
        }
        let id = word(&asked.body["id"]);
        let staff = self.square.merchant_staff.clone();
        let (verb, body) = match self.chance.below(4) {
            0 | 1 => ("accept", json!({})),
            2 => ("decline", json!({ "word": "It works as described" })),
            _ => return Ok(()),
        };
        let path = format!("/v1/admin/refund-requests/{id}/{verb}");
        let Some(said) = self.thrice(&Ask::post(path, &staff, body), true).await else {
            return Ok(());
        };
        if said.status == 200 {
            let state = word(&said.body["state"]);
            demand!(state != "open", "staff said {verb}, and it is {}", said.body);
            let mut verdicts = self.square.verdicts.lock().unwrap_or_else(PoisonError::into_inner);
            let before = verdicts.insert(id.clone(), state.clone());
            demand!(before.is_none_or(|before| before == state), "{id} became {state}");
        }
        Ok(())
    }

    /// Wants to be erased while tokens are held, and others are there that are not given up.
    async fn cannot_leave(&mut self) -> Verdict {
        let token = self.token.clone();
        let Some(wallet) = self.at_provider(&Ask::get("/v1/wallet", &token)).await else {
            return Ok(());
        };
        let [available, held] =
            ["available", "held"].map(|what| wallet.body[what]["amount"].as_u64().unwrap_or(0));
        // Gifts may be gone by then.
        if held == 0 || available <= self.gifts {
            return Ok(());
        }
        let ask = farewell(&token, false);
        let Some(kept) = self.at_provider(&ask).await else { return Ok(()) };
        demand!(kept.code() == "account_not_settled", "leaving was answered {}", kept.body);
        Ok(())
    }

    /// Registers until there is an account, whatever gets lost on the way.
    async fn register(&mut self) -> Verdict {
        let credentials = json!({
            "email": format!("{}@example.org", self.name), "password": "correct horse"
        });
        loop {
            let ask = Ask::post("/v1/accounts", "", credentials.clone());
            let mut answer = self.at_provider(&ask).await;
            if answer.as_ref().is_some_and(|answer| answer.code() == "email_taken") {
                answer =
                    self.at_provider(&Ask::post("/v1/sessions", "", credentials.clone())).await;
            }
            if let Some(answer) = answer {
                demand!(answer.status == 201, "registering was answered {}", answer.body);
                self.token = word(&answer.body["token"]);
                break;
            }
            pause(200).await;
        }
        loop {
            let ask = Ask::get("/v1/account", &self.token);
            if let Some(answer) = self.at_provider(&ask).await {
                demand!(answer.status == 200, "an account was answered {}", answer.body);
                self.account = word(&answer.body["id"]);
                return Ok(());
            }
            pause(200).await;
        }
    }
}

/// What a buyer does at rest.
impl Buyer {
    /// In the calm: asks again what was not answered.
    pub async fn settle(&mut self) -> Verdict {
        for (ask, tokens) in std::mem::take(&mut self.unheard) {
            let answer = self.surely(&ask, false).await;
            demand!(answer.status == 201, "funding again was answered {}", answer.body);
            self.funded += tokens;
        }
        Ok(())
    }

    /// Asks until there is an answer.
    async fn surely(&mut self, ask: &Ask, at_merchant: bool) -> Answer {
        loop {
            match self.thrice(ask, at_merchant).await {
                Some(answer) => return answer,
                None => pause(200).await,
            }
        }
    }

    /// When all deadlines are over: the buyer's own book against the wallet, and a code for all that was paid.
    pub async fn close(&mut self) -> Verdict {
        while !self.connect().await? {
            pause(200).await;
        }
        let orders = loop {
            if let Some(orders) = self.whole_library().await? {
                break orders;
            }
            while !self.connect().await? {
                pause(200).await;
            }
        };
        let mut spent = 0;
        for payment in self.payments().await? {
            spent += self.audit_payment(&payment, &orders)?;
        }
        let ask = Ask::get("/v1/wallet", &self.token.clone());
        let wallet = self.surely(&ask, false).await.body;
        let [available, held] =
            ["available", "held"].map(|what| wallet[what]["amount"].as_u64().unwrap_or(u64::MAX));
        demand!(held == 0, "{held} of {} are held at rest", self.name);
        let (most, gifts) = ((self.funded + self.gifts).saturating_sub(spent), self.gifts);
        let least = most.saturating_sub(gifts);
        demand!(
            (least..=most).contains(&available),
            "{} has {available} available, not {least} to {most}: {} came, {spent} were spent",
            self.name,
            self.funded
        );
        *self.square.spent.lock().unwrap_or_else(PoisonError::into_inner) += spent;
        if self.chance.permille(500) { self.leave().await } else { Ok(()) }
    }

    /// At rest nothing is in the way: whoever wants to be erased is, and what is left goes.
    async fn leave(&mut self) -> Verdict {
        let token = self.token.clone();
        let gone = self.surely(&farewell(&token, true), false).await;
        // An answer that is lost leaves nobody to ask again.
        demand!([204, 401].contains(&gone.status), "leaving at rest was answered {}", gone.body);
        let path = format!("/v1/admin/accounts/{}", self.account);
        let staff = self.square.provider_staff.clone();
        let held = self.surely(&Ask::get(path, &staff), false).await.body;
        demand!(held["erased_at"].is_string(), "whoever left is {held}");
        demand!(held["available"]["amount"] == 0, "whoever left has {held}");
        Ok(())
    }

    async fn payments(&mut self) -> Result<Vec<Value>, Violation> {
        let (mut all, mut after) = (Vec::new(), String::new());
        loop {
            let ask = Ask::get(format!("/v1/payments?limit=100{after}"), &self.token.clone());
            let page = self.surely(&ask, false).await;
            demand!(page.status == 200, "payments were answered {}", page.body);
            all.extend(page.body["data"].as_array().cloned().unwrap_or_default());
            let Some(next) = page.body["next"].as_str() else { return Ok(all) };
            after = format!("&after={next}");
        }
    }

    /// What it cost in the end. Only what was confirmed costs anything, and what was delivered can be fetched.
    fn audit_payment(
        &self,
        payment: &Value,
        orders: &BTreeMap<String, Value>,
    ) -> Result<u64, Violation> {
        let number = |value: &Value| value["amount"].as_u64().unwrap_or(0);
        let (total, refunded) = (number(&payment["total"]), number(&payment["refunded"]));
        let state = payment["state"].as_str().unwrap_or_default();
        let is_paid = ["fulfilled", "partially_refunded", "refunded"].contains(&state);
        if !is_paid {
            let is_over = ["declined", "expired", "cancelled", "voided"].contains(&state);
            demand!(is_over, "a payment is {state} at rest: {payment}");
            return Ok(0);
        }
        let confirmed = self.confirmed.contains(payment["id"].as_str().unwrap_or_default());
        demand!(confirmed, "{} paid what it never confirmed: {payment}", self.name);
        let order = orders.get(payment["order"].as_str().unwrap_or_default());
        let Some(order) = order else {
            return Err(Violation(format!("the merchant does not show what was paid: {payment}")));
        };
        let back = order["refunds"].as_array().map(Vec::as_slice).unwrap_or_default();
        let back: u64 = back.iter().map(|refund| number(&refund["amount"])).sum();
        // Of what was never delivered the merchant shows no more than that it went back.
        let is_shown = order["reason"] != "already_refunded";
        demand!(is_shown || refunded == total, "{payment} is at the merchant {order}");
        let agrees = back == refunded || !is_shown;
        demand!(agrees, "{refunded} went back, at the merchant {back}: {order}");
        // What cost nothing goes back without the provider.
        let for_nothing = back == 0 && order["refunds"].is_array();
        if state == "fulfilled" && !for_nothing {
            demand!(order["state"] == "paid", "{payment} is at the merchant {order}");
            let units = |lines: &Value| -> u64 {
                let lines = lines.as_array().map(Vec::as_slice).unwrap_or_default();
                lines.iter().map(|line| line["quantity"].as_u64().unwrap_or(0)).sum()
            };
            let mut codes = 0;
            codes_in(order, &mut |_, _| codes += 1);
            let paid = units(&payment["lines"]);
            demand!(codes == paid, "{codes} codes for {paid} paid units: {order}");
        }
        if state == "refunded" {
            demand!(refunded == total, "{payment} is refunded in part");
        }
        Ok(total - refunded)
    }
}

/// Being erased at the provider, in one's own name.
fn farewell(token: &str, forfeit: bool) -> Ask {
    let body = json!({ "password": "correct horse", "forfeit": forfeit });
    Ask { method: Method::DELETE, ..Ask::post("/v1/account", token, body) }
}

async fn pause(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
}

/// The code in the address with which a buyer goes back.
fn code_in(body: &Value) -> Option<String> {
    let (_, rest) = body["return_url"].as_str()?.split_once("code=")?;
    rest.split('&').next().map(str::to_owned)
}

fn has_code(body: &Value) -> bool {
    body.to_string().contains("\"jws\"")
}

/// Every license with a code in an answer: its order and its name.
fn codes_in(body: &Value, found: &mut impl FnMut(String, String)) {
    match body {
        Value::Object(members) => {
            if body["code"]["jws"].is_string() {
                found(word(&body["order"]), word(&body["id"]));
            }
            members.values().for_each(|value| codes_in(value, found));
        }
        Value::Array(values) => values.iter().for_each(|value| codes_in(value, found)),
        _ => {}
    }
}
