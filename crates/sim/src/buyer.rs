//! A buyer: takes the steps that its seed draws, and keeps a book on what it hears.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future;
use scrip_domain::Span;
use scrip_license::KeySet;
use serde_json::{Value, json};

use crate::book::{Book, Known, Verdict, Violation, demand};
use crate::chance::Chance;
use crate::clock::BEGINNING;
use crate::goods::{FEW, Good, HALF};
use crate::plan::Plan;
use crate::step::Step;
use crate::voice::{Answer, Ask, Basket, Deed, Voice};

/// What all buyers know.
#[derive(Debug)]
pub struct Market {
    /// The seed's plan.
    pub plan: Plan,
    /// What is for sale.
    pub goods: Vec<Good>,
    /// An administrator's key.
    pub admin: String,
    /// Vouchers, all of the same worth: each brings tokens once.
    pub vouchers: Vec<String>,
    /// The balance that opens ordering.
    pub threshold: u64,
}

/// One buyer.
#[derive(Debug)]
pub struct Buyer {
    pub(crate) name: String,
    pub(crate) voice: Voice,
    pub(crate) market: Arc<Market>,
    pub(crate) chance: Chance,
    pub(crate) book: Book,
    pub(crate) account: String,
    pub(crate) token: String,
    pub(crate) keys: KeySet,
    count: u64,
}

impl Buyer {
    /// The buyer called `name`.
    pub fn new(name: &str, voice: Voice, market: Arc<Market>) -> Self {
        let chance = Chance::of(market.plan.seed, name);
        let book = Book::new(market.plan.flow, market.threshold);
        let (account, token) = (String::new(), String::new());
        let (name, keys) = (name.to_owned(), KeySet::new());
        Self { name, voice, market, chance, book, account, token, keys, count: 0 }
    }

    /// Opens an account, and takes its steps.
    pub async fn live(&mut self) -> Verdict {
        self.register().await?;
        for _ in 0..self.market.plan.steps {
            let Some(step) = self.chance.weighed(&self.market.plan.weights) else { break };
            self.take(step).await?;
            if self.chance.permille(300) {
                tokio::time::sleep(Duration::from_millis(self.chance.between(1, 400))).await;
            }
        }
        Ok(())
    }

    async fn take(&mut self, step: Step) -> Verdict {
        match step {
            Step::TopUp => self.top_up().await,
            Step::Grant => self.grant().await,
            Step::Gift => self.gift().await,
            Step::Refund => self.refund().await,
            Step::Look => self.look().await,
            Step::Quote => self.quote().await,
            Step::Draft => self.draft().await,
            Step::Confirm => self.confirm().await,
            Step::Cancel => self.cancel().await,
            Step::Purchase => {
                let ask = self.purchase();
                self.tell(&ask).await
            }
            Step::Twice => self.twice().await,
            Step::Race => self.race().await,
            Step::Again => match self.chance.pick(&self.book.answered()).cloned() {
                Some(ask) => self.tell(&ask).await,
                None => Ok(()),
            },
            Step::Misuse => self.misuse().await,
            Step::Resolve => match self.chance.pick(&self.book.unanswered()).cloned() {
                Some(ask) => self.tell(&ask).await,
                None => Ok(()),
            },
            Step::Reread => self.reread().await,
            Step::Validate => self.validate_any().await,
            Step::Wallet => self.look_into_wallet().await.map(drop),
            Step::Receipt => self.receipt().await,
            Step::SignIn => self.sign_in().await.map(drop),
            Step::Visit => self.visit().await,
            Step::Card => self.card().await,
            Step::TakeBack => self.take_back().await,
            Step::Offline => self.offline().await,
            Step::Receive => self.receive().await,
            Step::Voucher => self.voucher().await,
            Step::Draw => self.draw().await,
            Step::Repay => self.repay().await,
            Step::Limit => self.limit().await,
            Step::Decide => self.decide().await,
            Step::Wish => self.wish().await,
            Step::NoWish => self.no_wish().await,
        }
    }

    /// How long the next answer is waited for.
    pub(crate) fn patience(&mut self) -> Duration {
        let hurried = self.chance.permille(self.market.plan.impatience);
        Duration::from_millis(if hurried { self.chance.between(1, 150) } else { 10_000 })
    }

    /// Asks, with the patience of the moment.
    pub(crate) async fn ask(&mut self, ask: &Ask) -> Option<Answer> {
        let patience = self.patience();
        self.voice.ask(ask, patience).await
    }

    /// Sends what has a key, and books what comes back.
    pub(crate) async fn tell(&mut self, ask: &Ask) -> Verdict {
        self.book.sent(ask);
        match self.ask(ask).await {
            Some(answer) => self.book.hear(ask, &answer, true),
            None => {
                self.book.silence(ask);
                Ok(())
            }
        }
    }

    pub(crate) fn keyed(&mut self, path: String, body: Value, deed: Deed) -> Ask {
        self.count += 1;
        let key = Some(format!("{}-{}", self.name, self.count));
        Ask { key, deed, ..Ask::post(path, &self.token, body) }
    }

    async fn top_up(&mut self) -> Verdict {
        let tokens = self.chance.between(1, 5000);
        let method = match self.chance.below(10) {
            0 => "demo_declined",
            1 => "demo_review",
            _ => "demo_approved",
        };
        let body = json!({ "tokens": money(tokens), "method": "demo", "payment_method": method });
        let ask = self.keyed("/v1/top-ups".into(), body, Deed::TopUp(tokens));
        self.tell(&ask).await
    }

    async fn card(&mut self) -> Verdict {
        let tokens = self.chance.between(1, 5000);
        let methods = [
            "demo_approved",
            "demo_approved",
            "demo_declined",
            "demo_review",
            "demo_action",
            "demo_disputed",
        ];
        let method = self.chance.pick(&methods).copied().unwrap_or("demo_approved");
        let body = json!({ "tokens": money(tokens), "method": "card", "payment_method": method });
        let ask = self.keyed("/v1/top-ups".into(), body, Deed::Card(tokens));
        self.tell(&ask).await
    }

    async fn offline(&mut self) -> Verdict {
        let tokens = self.chance.between(1, 3000);
        let body = json!({ "tokens": money(tokens), "method": "offline" });
        let ask = self.keyed("/v1/top-ups".into(), body, Deed::Offline(tokens));
        self.tell(&ask).await
    }

    async fn receive(&mut self) -> Verdict {
        let due: Vec<_> = self.book.due.iter().map(|(id, left)| (id.clone(), *left)).collect();
        let Some((top_up, most)) = self.chance.pick(&due).cloned() else { return Ok(()) };
        let part = if self.chance.permille(400) { most } else { self.chance.between(1, most) };
        // A token costs a cent.
        let body = json!({ "money": { "amount": part, "unit": "EUR" }, "note": "a statement" });
        let path = format!("/v1/admin/top-ups/{top_up}/received");
        let ask = self.keyed(path, body, Deed::Receive { top_up, most });
        let ask = Ask { token: self.market.admin.clone(), ..ask };
        self.tell(&ask).await
    }

    async fn voucher(&mut self) -> Verdict {
        let Some(voucher) = self.chance.pick(&self.market.vouchers).cloned() else { return Ok(()) };
        let body = json!({ "method": "voucher", "voucher": voucher });
        let ask = self.keyed("/v1/top-ups".into(), body, Deed::Voucher(VOUCHER));
        self.tell(&ask).await
    }

    async fn take_back(&mut self) -> Verdict {
        let top_ups = self.book.top_ups.clone();
        let Some((top_up, card, most)) = self.chance.pick(&top_ups).cloned() else {
            return Ok(());
        };
        let mut body = json!({ "reason": "asked for it" });
        if self.chance.permille(600) {
            let unit = if card && self.chance.permille(500) { "EUR" } else { "AUR" };
            body["amount"] = json!({ "amount": self.chance.between(1, most), "unit": unit });
        }
        let path = format!("/v1/admin/top-ups/{top_up}/refunds");
        let ask = self.keyed(path, body, Deed::TakeBack { top_up, card, most });
        let ask = Ask { token: self.market.admin.clone(), ..ask };
        self.tell(&ask).await
    }

    async fn grant(&mut self) -> Verdict {
        let tokens = self.chance.between(1, 2000);
        let path = format!("/v1/admin/accounts/{}/adjust", self.account);
        let body = json!({ "tokens": money(tokens), "reason": "a gift" });
        let ask = self.keyed(path, body, Deed::TopUp(tokens));
        let ask = Ask { token: self.market.admin.clone(), ..ask };
        self.tell(&ask).await
    }

    /// A gift lasts a few seconds, or longer than the world.
    async fn gift(&mut self) -> Verdict {
        let tokens = self.chance.between(1, 1000);
        let lasts = Span::millis(u32::try_from(self.chance.between(500, 20_000)).unwrap_or(500));
        let lasts = if self.chance.permille(300) { Span::days(30) } else { lasts };
        let now = turmoil::sim_elapsed().map_or(0, |elapsed| elapsed.as_millis());
        let now = BEGINNING.plus(Span::millis(u32::try_from(now).unwrap_or(u32::MAX)));
        let path = format!("/v1/admin/accounts/{}/adjust", self.account);
        let body = json!({
            "kind": "promo", "tokens": money(tokens), "expires_at": now.plus(lasts), "reason": "a gift"
        });
        let ask = self.keyed(path, body, Deed::Gift(tokens));
        let ask = Ask { token: self.market.admin.clone(), ..ask };
        self.tell(&ask).await
    }

    async fn refund(&mut self) -> Verdict {
        let paid = |(id, known): (&String, &Known)| {
            (known.state == "paid").then(|| (id.clone(), known.paid["lines"].clone()))
        };
        let paid: Vec<_> = self.book.orders.iter().filter_map(paid).collect();
        let Some((order, lines)) = self.chance.pick(&paid).cloned() else { return Ok(()) };
        let licenses = if self.chance.permille(700) { "revoke" } else { "keep" };
        let mut body = json!({ "reason": "does not start", "licenses": licenses });
        let lines = lines.as_array().cloned().unwrap_or_default();
        if let Some(line) = self.chance.pick(&lines).filter(|_| self.chance.permille(600)) {
            let total = line["total"]["amount"].as_u64().unwrap_or(0);
            let mut share = json!({ "line": line["id"] });
            if total > 0 && self.chance.permille(500) {
                share["amount"] = money(self.chance.between(1, total));
            } else {
                let units = line["quantity"].as_u64().unwrap_or(1);
                share["quantity"] = json!(self.chance.between(1, units));
            }
            body["lines"] = json!([share]);
        }
        let path = format!("/v1/admin/orders/{order}/refunds");
        let ask = self.keyed(path, body, Deed::Refund(order));
        let ask = Ask { token: self.market.admin.clone(), ..ask };
        self.tell(&ask).await
    }

    async fn look(&mut self) -> Verdict {
        let paths = ["/v1/vendor", "/v1/account", "/v1/top-ups", "/v1/licenses", "/healthz"];
        let Some(path) = self.chance.pick(&paths) else { return Ok(()) };
        let ask = Ask::get(*path, &self.token);
        self.ask(&ask).await;
        Ok(())
    }

    /// One to three lines, now and then a coupon, and what they come to.
    fn basket(&mut self) -> (Value, Basket) {
        let mut basket = Basket::default();
        let (mut lines, mut half) = (Vec::new(), 0);
        for _ in 0..self.chance.between(1, 3) {
            let quantity = if self.chance.permille(700) { 1 } else { self.chance.between(1, 4) };
            let Some(good) = self.chance.pick(&self.market.goods) else { continue };
            basket.units.extend((0..quantity).map(|_| good.clone()));
            basket.total += good.price * quantity;
            half += good.price * quantity / 2;
            lines.push(json!({ "offer": good.offer, "quantity": quantity }));
        }
        let mut body = json!({ "lines": lines });
        // A coupon that takes nothing off is refused.
        if half > 0 && self.chance.permille(200) {
            basket.limited = self.chance.permille(400);
            basket.total -= half;
            body["coupon"] = json!(if basket.limited { FEW } else { HALF });
        }
        (body, basket)
    }

    async fn quote(&mut self) -> Verdict {
        let (body, basket) = self.basket();
        let ask = Ask::post("/v1/quotes", &self.token, body);
        let Some(answer) = self.ask(&ask).await else { return Ok(()) };
        if answer.status == 200 {
            let (total, balance) = (&answer.body["total"], &answer.body["balance"]);
            demand!(total["amount"] == basket.total, "quoted {total} for {}", basket.total);
            let Some(balance) = balance["amount"].as_u64() else {
                let frozen = self.book.maybe_disputed();
                demand!(frozen, "quoted without a balance, and nothing was ever paid by card");
                return Ok(());
            };
            let ((low, high), balance) = (self.book.available(), i128::from(balance));
            demand!((low..=high).contains(&balance), "quoted with {balance}, not {low} to {high}");
        }
        Ok(())
    }

    async fn draft(&mut self) -> Verdict {
        let (mut body, mut basket) = self.basket();
        basket.again = self.chance.permille(500);
        body["allow_duplicate"] = json!(basket.again);
        let ask = self.keyed("/v1/orders".into(), body, Deed::Draft(basket));
        self.tell(&ask).await
    }

    fn any_order(&mut self) -> Option<String> {
        let orders: Vec<_> = self.book.orders.keys().cloned().collect();
        let unpaid = |id: &&String| self.book.orders.get(*id).is_some_and(|o| o.state != "paid");
        let unpaid: Vec<_> = orders.iter().filter(unpaid).cloned().collect();
        let seldom = self.chance.permille(150) || unpaid.is_empty();
        self.chance.pick(if seldom { &orders } else { &unpaid }).cloned()
    }

    async fn confirm(&mut self) -> Verdict {
        let Some(order) = self.any_order() else { return self.draft().await };
        let path = format!("/v1/orders/{order}/confirm");
        let ask = self.keyed(path, json!({}), Deed::Confirm(order));
        self.tell(&ask).await
    }

    async fn cancel(&mut self) -> Verdict {
        let Some(order) = self.any_order() else { return Ok(()) };
        let ask = Ask::post(format!("/v1/orders/{order}/cancel"), &self.token, Value::Null);
        let answer = self.ask(&ask).await;
        self.book.cancelled(&order, answer.as_ref())
    }

    fn purchase(&mut self) -> Ask {
        let (mut body, mut basket) = self.basket();
        basket.again = self.chance.permille(600);
        body["expected_total"] = money(basket.total);
        body["allow_duplicate"] = json!(basket.again);
        self.keyed("/v1/purchases".into(), body, Deed::Purchase(basket))
    }

    async fn twice(&mut self) -> Verdict {
        let ask = self.purchase();
        self.together(&ask, &ask).await
    }

    async fn race(&mut self) -> Verdict {
        let (one, other) = (self.purchase(), self.purchase());
        self.together(&one, &other).await
    }

    async fn together(&mut self, one: &Ask, other: &Ask) -> Verdict {
        self.book.sent(one);
        self.book.sent(other);
        let (first, second) = (self.patience(), self.patience());
        let answers = future::join(self.voice.ask(one, first), self.voice.ask(other, second)).await;
        // What is not answered may have been done: that first, the rest is judged by it.
        for (ask, answer) in [(one, &answers.0), (other, &answers.1)] {
            if answer.is_none() {
                self.book.silence(ask);
            }
        }
        for (ask, answer) in [(one, answers.0), (other, answers.1)] {
            if let Some(answer) = answer {
                self.book.hear(ask, &answer, false)?;
            }
        }
        Ok(())
    }

    async fn misuse(&mut self) -> Verdict {
        let Some(old) = self.chance.pick(&self.book.answered()).cloned() else { return Ok(()) };
        // More than any top-up: a random one of the same amount would be the very same request.
        let body =
            json!({ "tokens": money(5001), "method": "demo", "payment_method": "demo_approved" });
        let ask = Ask { key: old.key, ..Ask::post("/v1/top-ups", &self.token, body) };
        let Some(answer) = self.ask(&ask).await else { return Ok(()) };
        demand!(
            answer.status == 409 && answer.code() == "idempotency_key_reused",
            "a key used again for something else was answered {} {}",
            answer.status,
            answer.body
        );
        Ok(())
    }

    async fn reread(&mut self) -> Verdict {
        let orders: Vec<_> = self.book.orders.keys().cloned().collect();
        let Some(id) = self.chance.pick(&orders).cloned() else { return Ok(()) };
        let ask = Ask::get(format!("/v1/orders/{id}"), &self.token);
        match self.ask(&ask).await {
            Some(answer) => self.compare_order(&id, &answer),
            None => Ok(()),
        }
    }

    async fn validate_any(&mut self) -> Verdict {
        let licenses: Vec<_> = self.book.licenses.keys().cloned().collect();
        let Some(id) = self.chance.pick(&licenses).cloned() else { return Ok(()) };
        let Some(license) = self.book.licenses.get(&id) else { return Ok(()) };
        let form = if self.chance.permille(500) { "jws" } else { "short" };
        let code = license["code"][form].as_str().unwrap_or_default().to_owned();
        if self.chance.permille(800) {
            return self.validate(&id, &code).await;
        }
        let damaged: String = code.chars().rev().collect();
        let body = json!({ "code": damaged });
        let Some(answer) = self.ask(&Ask::post("/v1/licenses/validate", "", body)).await else {
            return Ok(());
        };
        demand!(answer.body["valid"] != true, "a damaged code is valid: {damaged}");
        Ok(())
    }

    async fn receipt(&mut self) -> Verdict {
        let Some(id) = self.any_order() else { return Ok(()) };
        let ask = Ask::get(format!("/v1/orders/{id}/receipt"), &self.token);
        let Some(answer) = self.ask(&ask).await else { return Ok(()) };
        if answer.status == 200 {
            return self
                .compare_order(&id, &Answer { body: answer.body["order"].clone(), ..answer });
        }
        let paid = self.book.orders.get(&id).is_some_and(|known| known.state == "paid");
        demand!(!paid, "a paid order has no receipt: {}", answer.body);
        Ok(())
    }

    async fn visit(&mut self) -> Verdict {
        let ask = Ask { token: String::new(), ..self.purchase() };
        let Some(answer) = self.ask(&ask).await else { return Ok(()) };
        demand!(answer.status == 401, "a visitor's purchase was answered {}", answer.status);
        Ok(())
    }

    fn credentials(&self) -> Value {
        json!({ "email": format!("{}@example.org", self.name), "password": "correct horse" })
    }

    /// Registers until there is an account, whatever gets lost on the way.
    async fn register(&mut self) -> Verdict {
        let mut asked = false;
        loop {
            let ask = Ask::post("/v1/accounts", "", self.credentials());
            match self.ask(&ask).await {
                Some(answer) if answer.status == 201 => {
                    self.token = word(&answer.body["token"]);
                    self.account = word(&answer.body["account"]["id"]);
                    return Ok(());
                }
                Some(answer) if answer.code() == "email_taken" => {
                    demand!(asked, "an address that nobody uses is taken");
                    while !self.sign_in().await? {}
                    return self.find_account().await;
                }
                Some(answer) => {
                    return Err(Violation(format!("registering was answered {}", answer.body)));
                }
                None => tokio::time::sleep(Duration::from_millis(200)).await,
            }
            asked = true;
        }
    }

    async fn find_account(&mut self) -> Verdict {
        loop {
            let ask = Ask::get("/v1/account", &self.token);
            let Some(answer) = self.ask(&ask).await else {
                // While the shop is down each try fails at once, in no time of this world.
                tokio::time::sleep(Duration::from_millis(200)).await;
                continue;
            };
            demand!(answer.status == 200, "an account was answered {}", answer.body);
            self.account = word(&answer.body["id"]);
            return Ok(());
        }
    }

    /// Signs in; whether there was an answer.
    async fn sign_in(&mut self) -> Result<bool, Violation> {
        let ask = Ask::post("/v1/sessions", "", self.credentials());
        let Some(answer) = self.ask(&ask).await else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            return Ok(false);
        };
        demand!(answer.status == 201, "signing in was answered {}", answer.body);
        self.token = word(&answer.body["token"]);
        Ok(true)
    }
}

/// What a voucher brings.
pub const VOUCHER: u64 = 700;

/// An amount of the shop's tokens.
pub(crate) fn money(amount: u64) -> Value {
    json!({ "amount": amount, "unit": "AUR" })
}

/// A text in an answer; nothing where there is none.
pub(crate) fn word(value: &Value) -> String {
    value.as_str().map(str::to_owned).unwrap_or_default()
}
