//! A guest: buys, wants some of it back, leaves for good, and comes again under the same address, as somebody else.
//!
//! It knows to the token what must be in its wallet, and what must have become of each wish. What two people do at once is
//! sent at once: two clicks, two of the staff who disagree, a refund beside the word on one, a purchase beside the erasure.
//! Whichever comes first, both must have come to the same end. What was never answered is asked again.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future;
use http::Method;
use serde_json::{Value, json};

use crate::book::{Verdict, Violation, demand};
use crate::buyer::{Market, money, word};
use crate::chance::Chance;
use crate::goods::kept::{OFFERS, PRICES};
use crate::leavers::Gone;
use crate::voice::{Answer, Ask, Deed, Voice};

/// What it is given each time.
const GIVEN: u64 = 10_000;
/// How often it comes at most.
const STAYS: u64 = 3;
/// How often it asks for one thing.
const TRIES: usize = 3000;
/// How many sessions it opens before it leaves, now and then: more than one commit takes.
const SESSIONS: usize = 160;

/// An order, as it is told.
#[derive(Clone, Debug)]
struct Bought {
    id: String,
    /// Its lines, and what they cost.
    lines: Vec<(String, u64)>,
    /// What of it came back.
    back: u64,
}

/// The word on a wish, which is the last.
#[derive(Clone, Debug)]
struct Verdicted {
    request: String,
    state: String,
    refund: Value,
}

/// The guest.
#[derive(Debug)]
pub struct Guest {
    voice: Voice,
    market: Arc<Market>,
    chance: Chance,
    token: String,
    account: String,
    asked: u64,
    /// What must be in the wallet.
    has: u64,
    orders: Vec<Bought>,
    told: Vec<(Ask, Value)>,
    verdicts: Vec<Verdicted>,
    gone: Arc<Mutex<Vec<Gone>>>,
}

impl Guest {
    /// The guest of a shop, who tells in `gone` which accounts it has left.
    pub fn new(voice: Voice, market: Arc<Market>, gone: Arc<Mutex<Vec<Gone>>>) -> Self {
        let chance = Chance::of(market.plan.seed, "guest");
        Self {
            voice,
            market,
            chance,
            token: String::new(),
            account: String::new(),
            asked: 0,
            has: 0,
            orders: Vec::new(),
            told: Vec::new(),
            verdicts: Vec::new(),
            gone,
        }
    }

    /// Comes and goes.
    pub async fn live(&mut self) -> Verdict {
        for _ in 0..self.chance.between(1, STAYS) {
            self.move_in().await?;
            for _ in 0..self.chance.between(1, 4) {
                let at = self.buy().await?;
                if self.chance.permille(800) {
                    self.wish(at).await?;
                }
                if self.chance.permille(300) {
                    pause(self.chance.between(1, 900)).await;
                }
            }
            self.again().await?;
            self.stays_while_something_is_open().await?;
            self.leave().await?;
            self.is_gone().await?;
        }
        Ok(())
    }

    /// When nothing fails any more: who is gone is gone, and what was said is said.
    pub async fn settle(&mut self) -> Verdict {
        for verdict in self.verdicts.clone() {
            let row = self.request(&verdict.request).await?;
            let same = row["state"] == verdict.state && row["refund"] == verdict.refund;
            demand!(same, "{row} was told as {verdict:?}");
        }
        let gone = self.gone.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for gone in gone {
            let held = self.held(&gone.account).await?;
            demand!(held["erased_at"] == gone.at, "{held} was erased at {}", gone.at);
            let left = &held["available"]["amount"];
            demand!(*left == gone.came_back, "{left} in a wallet that nobody has: {gone:?}");
        }
        Ok(())
    }

    /// Asks until there is an answer.
    async fn insist(&self, ask: &Ask) -> Result<Answer, Violation> {
        for _ in 0..TRIES {
            if let Some(answer) = self.voice.ask(ask, Duration::from_secs(5)).await {
                return Ok(answer);
            }
            pause(200).await;
        }
        Err(Violation(format!("{} {} is never answered", ask.method, ask.path)))
    }

    /// Asks both at once, and each again until there is an answer.
    async fn beside(&self, one: &Ask, other: &Ask) -> Result<[Answer; 2], Violation> {
        let patience = Duration::from_secs(5);
        let asked = future::join(self.voice.ask(one, patience), self.voice.ask(other, patience));
        let (first, second) = asked.await;
        let first = match first {
            Some(answer) => answer,
            None => self.insist(one).await?,
        };
        let second = match second {
            Some(answer) => answer,
            None => self.insist(other).await?,
        };
        Ok([first, second])
    }

    /// Two clicks: both are answered the same.
    async fn twice(&self, ask: &Ask) -> Result<Answer, Violation> {
        let [first, second] = self.beside(ask, ask).await?;
        demand!(
            (first.status, &first.body) == (second.status, &second.body),
            "two clicks on {} were answered {} and {}",
            ask.path,
            first.body,
            second.body
        );
        Ok(first)
    }

    fn keyed(&mut self, path: String, token: &str, body: Value) -> Ask {
        self.asked += 1;
        let key = Some(format!("guest-{}", self.asked));
        Ask { key, deed: Deed::Read, ..Ask::post(path, token, body) }
    }

    fn by_staff(&self, path: String, body: Value) -> Ask {
        Ask::post(path, &self.market.admin, body)
    }

    /// Asks once, with a key of its own, and remembers what comes.
    async fn once(&mut self, ask: Ask) -> Result<Answer, Violation> {
        let answer = self.insist(&ask).await?;
        demand!(answer.status < 300, "{} was answered {} {}", ask.path, answer.status, answer.body);
        self.told.push((ask, answer.body.clone()));
        Ok(answer)
    }

    async fn read(&self, path: String, token: &str) -> Result<Value, Violation> {
        let answer = self.insist(&Ask::get(path, token)).await?;
        demand!(answer.status == 200, "a look was answered {} {}", answer.status, answer.body);
        Ok(answer.body)
    }

    async fn held(&self, account: &str) -> Result<Value, Violation> {
        self.read(format!("/v1/admin/accounts/{account}"), &self.market.admin).await
    }

    async fn request(&self, id: &str) -> Result<Value, Violation> {
        self.read(format!("/v1/admin/refund-requests/{id}"), &self.market.admin).await
    }

    fn credentials() -> Value {
        json!({ "email": "guest@example.org", "password": "correct horse" })
    }

    async fn move_in(&mut self) -> Verdict {
        let opened = self.insist(&Ask::post("/v1/accounts", "", Self::credentials())).await?;
        let opened = if opened.status == 201 {
            opened
        } else {
            // An answer that was lost: the account is there.
            self.insist(&Ask::post("/v1/sessions", "", Self::credentials())).await?
        };
        self.token = word(&opened.body["token"]);
        let account = self.read("/v1/account".into(), &self.token).await?;
        let (before, now) = (std::mem::take(&mut self.account), word(&account["id"]));
        demand!(before != now, "whoever comes again is {now} as before");
        self.account = now;
        let orders = self.read("/v1/orders".into(), &self.token).await?;
        demand!(orders["data"] == json!([]), "whoever comes again has {orders}");
        (self.has, self.orders, self.told) = (0, Vec::new(), Vec::new());
        let path = format!("/v1/admin/accounts/{}/adjust", self.account);
        let body = json!({ "tokens": money(GIVEN), "reason": "to spend" });
        let admin = self.market.admin.clone();
        let gift = self.keyed(path, &admin, body);
        self.once(gift).await?;
        self.has = GIVEN;
        Ok(())
    }

    fn purchase(&mut self) -> (Ask, u64) {
        let (mut lines, mut total) = (Vec::new(), 0);
        for _ in 0..self.chance.between(1, 2) {
            let place = usize::from(self.chance.permille(500));
            let number = OFFERS.get(place).copied().unwrap_or_default();
            let offer = scrip_domain::Id::<scrip_domain::catalog::Offer>::new(number);
            let offer = offer.map(|offer| offer.to_string()).unwrap_or_default();
            let quantity = self.chance.between(1, 2);
            total += PRICES.get(place).copied().unwrap_or_default() * quantity;
            lines.push(json!({ "offer": offer, "quantity": quantity }));
        }
        let body = json!({ "lines": lines, "expected_total": money(total) });
        let token = self.token.clone();
        (self.keyed("/v1/purchases".into(), &token, body), total)
    }

    /// Buys something; gives its place among the orders.
    async fn buy(&mut self) -> Result<usize, Violation> {
        let (ask, total) = self.purchase();
        let paid = self.once(ask).await?;
        self.has -= total;
        let lines = paid.body["lines"].as_array().cloned().unwrap_or_default();
        let line = |line: &Value| {
            (word(&line["id"]), line["total"]["amount"].as_u64().unwrap_or_default())
        };
        let lines = lines.iter().map(line).collect();
        self.orders.push(Bought { id: word(&paid.body["id"]), lines, back: 0 });
        self.has_what_it_must().await?;
        Ok(self.orders.len() - 1)
    }

    async fn has_what_it_must(&self) -> Verdict {
        let wallet = self.read("/v1/wallet".into(), &self.token).await?;
        let available = &wallet["available"]["amount"];
        demand!(*available == self.has, "{available} available, not {}", self.has);
        Ok(())
    }

    fn wish_for(&mut self, order: &str, line: &str) -> Ask {
        let body = json!({ "line": line, "reason": "does not start" });
        let token = self.token.clone();
        self.keyed(format!("/v1/orders/{order}/refund-requests"), &token, body)
    }

    /// Wants a line back, and sees what becomes of that.
    async fn wish(&mut self, at: usize) -> Verdict {
        let Some(bought) = self.orders.get(at).cloned() else { return Ok(()) };
        let Some((line, _)) = self.chance.pick(&bought.lines).cloned() else { return Ok(()) };
        let ask = self.wish_for(&bought.id, &line);
        let clicks = self.chance.permille(400);
        let answer = if clicks { self.twice(&ask).await? } else { self.insist(&ask).await? };
        let grants = self.market.plan.grants;
        let state = if grants { "accepted" } else { "open" };
        demand!(
            answer.status == 201 && answer.body["state"] == state,
            "a wish was answered {} {}, not {state}",
            answer.status,
            answer.body
        );
        self.told.push((ask, answer.body.clone()));
        let id = word(&answer.body["id"]);
        if !grants {
            let more = self.wish_for(&bought.id, &line);
            let more = self.insist(&more).await?;
            demand!(more.code() == "refund_request_open", "a second wish was answered {more:?}");
            if self.chance.permille(200) {
                return Ok(());
            }
            self.decides(&bought.id, &id).await?;
        }
        self.sees(at, &line, &id).await
    }

    fn accepting(&self, id: &str) -> Ask {
        self.by_staff(format!("/v1/admin/refund-requests/{id}/accept"), json!({}))
    }

    fn declining(&self, id: &str) -> Ask {
        let body = json!({ "word": "It works as described" });
        self.by_staff(format!("/v1/admin/refund-requests/{id}/decline"), body)
    }

    fn whole_back(&mut self, order: &str) -> Ask {
        let admin = self.market.admin.clone();
        let path = format!("/v1/admin/orders/{order}/refunds");
        self.keyed(path, &admin, json!({ "reason": "by hand" }))
    }

    /// Staff have their say, now and then two of them.
    async fn decides(&mut self, order: &str, id: &str) -> Verdict {
        let (accept, decline) = (self.accepting(id), self.declining(id));
        match self.chance.below(6) {
            0 => drop(self.insist(&accept).await?),
            1 => drop(self.twice(&accept).await?),
            2 => drop(self.insist(&decline).await?),
            3 => drop(self.twice(&decline).await?),
            4 => drop(self.beside(&accept, &decline).await?),
            _ => {
                let whole = self.whole_back(order);
                let [accepted, _] = self.beside(&accept, &whole).await?;
                demand!(accepted.status == 200, "what went back was answered {accepted:?}");
            }
        }
        Ok(())
    }

    /// What was decided is so everywhere: accepted has brought all of the line back, once, and declined nothing.
    async fn sees(&mut self, at: usize, line: &str, id: &str) -> Verdict {
        let Some(bought) = self.orders.get(at).cloned() else { return Ok(()) };
        let row = self.request(id).await?;
        let order = self.read(format!("/v1/orders/{}", bought.id), &self.token).await?;
        let refunds = order["refunds"].as_array().cloned().unwrap_or_default();
        let amount = |value: &Value| value["amount"]["amount"].as_u64().unwrap_or_default();
        let of_line = |refund: &Value| -> u64 {
            let lines = refund["lines"].as_array().cloned().unwrap_or_default();
            lines.iter().filter(|one| one["line"] == line).map(amount).sum()
        };
        let back: u64 = refunds.iter().map(of_line).sum();
        let total = bought.lines.iter().find(|(name, _)| name == line);
        let total = total.map_or(0, |(_, total)| *total);
        let named = refunds.iter().any(|refund| refund["id"] == row["refund"]);
        let right = match row["state"].as_str().unwrap_or_default() {
            "accepted" => named && back == total,
            "declined" => row["refund"].is_null() && back == 0,
            _ => false,
        };
        demand!(right, "{row}, and {back} of {total} came back: {order}");
        let all: u64 = refunds.iter().map(amount).sum();
        if let Some(bought) = self.orders.get_mut(at) {
            self.has += all - bought.back;
            bought.back = all;
        }
        let (state, refund) = (word(&row["state"]), row["refund"].clone());
        self.verdicts.push(Verdicted { request: id.to_owned(), state, refund });
        self.has_what_it_must().await
    }

    /// What was answered is answered again.
    async fn again(&mut self) -> Verdict {
        let Some((ask, body)) = self.chance.pick(&self.told).cloned() else { return Ok(()) };
        let answer = self.insist(&ask).await?;
        demand!(answer.replayed, "{} was carried out twice", ask.path);
        demand!(answer.body == body, "{} was answered {body}, then {}", ask.path, answer.body);
        Ok(())
    }

    /// Its requests that wait.
    async fn open(&self) -> Result<Vec<Value>, Violation> {
        let path = "/v1/admin/refund-requests?state=open&limit=100".to_owned();
        let open = self.read(path, &self.market.admin).await?;
        let rows = open["data"].as_array().cloned().unwrap_or_default();
        Ok(rows.into_iter().filter(|row| row["account"] == self.account).collect())
    }

    fn farewell(&self, by_owner: bool, forfeit: bool) -> Ask {
        if by_owner {
            let body = json!({ "password": "correct horse", "forfeit": forfeit });
            return Ask { method: Method::DELETE, ..Ask::post("/v1/account", &self.token, body) };
        }
        let path = format!("/v1/admin/accounts/{}/erase", self.account);
        self.by_staff(path, json!({ "reason": "asked by letter", "forfeit": forfeit }))
    }

    /// Nobody who has something under way is let go, and nothing is lost by having asked.
    async fn stays_while_something_is_open(&mut self) -> Verdict {
        let mut waits = Vec::new();
        let open = self.open().await?;
        if !open.is_empty() {
            waits.push("refund_requests");
        }
        let mut top_up = String::new();
        if self.chance.permille(400) {
            let body =
                json!({ "tokens": money(50), "method": "demo", "payment_method": "demo_review" });
            let token = self.token.clone();
            let ask = self.keyed("/v1/top-ups".into(), &token, body);
            let review = self.once(ask).await?;
            top_up = word(&review.body["id"]);
            demand!(review.body["state"] == "in_review", "a review is {}", review.body);
            waits.push("top_ups");
        }
        let forfeit = !waits.is_empty() && self.chance.permille(500);
        if !forfeit && self.has > 0 {
            waits.push("balance");
        }
        if !waits.is_empty() {
            let by_owner = self.chance.permille(500);
            let ask = self.farewell(by_owner, forfeit);
            let kept = self.insist(&ask).await?;
            let told = kept.body["open"].as_array().cloned().unwrap_or_default();
            let told: Vec<_> = told.iter().filter_map(Value::as_str).collect();
            let right = kept.status == 409 && waits.iter().all(|wait| told.contains(wait));
            demand!(right, "leaving amid {waits:?} was answered {} {}", kept.status, kept.body);
            self.has_what_it_must().await?;
        }
        if !top_up.is_empty() {
            let path = format!("/v1/admin/top-ups/{top_up}/decide");
            let body = json!({ "approve": false, "reason": "no" });
            let _ = self.insist(&self.by_staff(path, body)).await?;
            let seen = self.read(format!("/v1/top-ups/{top_up}"), &self.token).await?;
            demand!(seen["state"] == "declined", "a review that was declined is {seen}");
        }
        for row in open {
            let (order, id) = (word(&row["order"]), word(&row["id"]));
            self.decides(&order, &id).await?;
            if let Some(at) = self.orders.iter().position(|bought| bought.id == order) {
                self.sees(at, &word(&row["line"]), &id).await?;
            }
        }
        Ok(())
    }

    /// Has itself erased, alone or beside something that cannot be had as well.
    async fn leave(&mut self) -> Verdict {
        if self.chance.permille(150) {
            let ask = Ask::post("/v1/sessions", "", Self::credentials());
            let patience = Duration::from_secs(5);
            future::join_all((0..SESSIONS).map(|_| self.voice.ask(&ask, patience))).await;
        }
        let by_owner = self.chance.permille(500);
        let farewell = self.farewell(by_owner, true);
        let token = self.token.clone();
        let beside = match self.chance.below(8) {
            0 => Some(self.purchase().0),
            1 => {
                let body = json!({ "tokens": money(70), "method": "demo", "payment_method": "demo_approved" });
                Some(self.keyed("/v1/top-ups".into(), &token, body))
            }
            2 => self.any_order().map(|bought| self.whole_back(&bought.id)),
            3 => self
                .any_order()
                .and_then(|bought| Some((bought.id.clone(), bought.lines.first()?.0.clone())))
                .map(|(order, line)| self.wish_for(&order, &line)),
            4 => Some(farewell.clone()),
            _ => None,
        };
        match &beside {
            Some(beside) => drop(self.beside(&farewell, beside).await?),
            None => drop(self.insist(&farewell).await?),
        }
        let forfeited = beside.is_none().then_some(self.has);
        for _ in 0..TRIES {
            let held = self.held(&self.account).await?;
            if let Some(at) = held["erased_at"].as_str() {
                let (account, at) = (self.account.clone(), at.to_owned());
                let gone = Gone { account, at, forfeited, came_back: 0 };
                self.gone.lock().unwrap_or_else(PoisonError::into_inner).push(gone);
                return Ok(());
            }
            // Something was opened beside it, and is in the way.
            for row in self.open().await? {
                let _ = self.insist(&self.declining(&word(&row["id"]))).await?;
            }
            let _ = self.insist(&self.farewell(false, true)).await?;
        }
        Err(Violation(format!("{} never gets away", self.account)))
    }

    fn any_order(&mut self) -> Option<Bought> {
        let rest = |bought: &&Bought| {
            bought.back < bought.lines.iter().map(|(_, total)| total).sum::<u64>()
        };
        let some: Vec<_> = self.orders.iter().filter(rest).cloned().collect();
        self.chance.pick(&some).cloned()
    }

    /// Nobody is there any more, and nothing begins again; but what is owed can be given back.
    async fn is_gone(&mut self) -> Verdict {
        self.token_dies().await?;
        let sign_in = self.insist(&Ask::post("/v1/sessions", "", Self::credentials())).await?;
        demand!(sign_in.status >= 400, "nobody signs in: {}", sign_in.body);
        let (purchase, _) = self.purchase();
        let bought = self.insist(&purchase).await?;
        demand!(bought.status == 401, "nobody buys: {bought:?}");
        let path = format!("/v1/admin/accounts/{}/adjust", self.account);
        let admin = self.market.admin.clone();
        let body = json!({ "tokens": money(1), "reason": "a gift", "kind": "promo" });
        let gift = self.keyed(path, &admin, body);
        let gift = self.insist(&gift).await?;
        demand!(gift.code() == "account_frozen", "nobody is given something: {gift:?}");
        // A wish that came between still waits: staff have their say.
        for row in self.open().await? {
            let _ = self.insist(&self.declining(&word(&row["id"]))).await?;
        }
        let held = self.held(&self.account).await?;
        let mut came_back = held["available"]["amount"].as_u64().unwrap_or_default();
        let refund = self.gone_beside_a_refund().await?;
        demand!(came_back == 0 || came_back == refund, "{came_back} is left by nobody: {held}");
        if self.chance.permille(300)
            && let Some(bought) = self.any_order()
        {
            let back = self.whole_back(&bought.id);
            let back = self.insist(&back).await?;
            if back.status == 201 {
                came_back += back.body["amount"]["amount"].as_u64().unwrap_or_default();
            } else {
                demand!(back.code() == "already_refunded", "giving back was answered {back:?}");
            }
        }
        let again = self.insist(&self.farewell(false, false)).await?;
        demand!(
            again.status == 200 && again.body["erased_at"] == held["erased_at"],
            "erasing again was answered {} {}",
            again.status,
            again.body
        );
        let mut gone = self.gone.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(gone) = gone.last_mut() {
            gone.came_back = came_back;
        }
        Ok(())
    }

    /// Of many sessions some may outlive the commit that erases, if the process dies after it; they go within two minutes.
    async fn token_dies(&self) -> Verdict {
        let mut old = self.insist(&Ask::get("/v1/account", &self.token)).await?;
        for _ in 0..120 {
            if old.status == 401 {
                return Ok(());
            }
            pause(1000).await;
            old = self.insist(&Ask::get("/v1/account", &self.token)).await?;
        }
        Err(Violation(format!("a session of nobody's was answered {old:?}")))
    }

    /// What went back by hand beside the erasure, before it or after it.
    async fn gone_beside_a_refund(&mut self) -> Result<u64, Violation> {
        let mut sum = 0;
        for at in 0..self.orders.len() {
            let Some(bought) = self.orders.get(at).cloned() else { continue };
            let path = format!("/v1/admin/orders/{}/refunds", bought.id);
            let refunds = self.read(path, &self.market.admin).await?;
            let refunds = refunds["data"].as_array().cloned().unwrap_or_default();
            let amount = |refund: &Value| refund["amount"]["amount"].as_u64().unwrap_or_default();
            let all: u64 = refunds.iter().map(amount).sum();
            sum += all - bought.back;
            if let Some(bought) = self.orders.get_mut(at) {
                bought.back = all;
            }
        }
        Ok(sum)
    }
}

async fn pause(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
}
