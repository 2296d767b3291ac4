//! A buyer with an account at every vendor, whose tokens go round.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future;
use scrip_domain::Span;
use serde_json::{Value, json};

use super::plan::{Plan, Step, VENDORS};
use super::witness::Witness;
use crate::book::{Verdict, Violation, demand};
use crate::buyer::word;
use crate::chance::Chance;
use crate::clock::BEGINNING;
use crate::goods::Good;
use crate::voice::{Answer, Ask, Deed, Voice};

/// What everybody in a world knows.
#[derive(Debug)]
pub(crate) struct Square {
    /// The seed's plan.
    pub plan: Plan,
    /// What each vendor sells.
    pub goods: Vec<Vec<Good>>,
    /// The key of each vendor's staff.
    pub staff: Vec<String>,
    /// Who can look at all disks.
    pub witness: Witness,
    /// What each vendor calls each other one.
    pub partners: Mutex<BTreeMap<(usize, usize), String>>,
    /// Every quote that somebody got, of which vendor.
    pub quotes: Mutex<Vec<(usize, String)>>,
    /// Every account at any vendor.
    pub accounts: Mutex<Vec<(usize, String)>>,
    /// By how much time has leapt, in milliseconds.
    pub leapt: Mutex<u64>,
    /// How many steps were taken in all: whenever it grows, the auditor looks.
    pub taken: AtomicU64,
}

impl Square {
    /// What a vendor calls another.
    pub fn partner(&self, at: usize, of: usize) -> String {
        let partners = self.partners.lock().unwrap_or_else(PoisonError::into_inner);
        partners.get(&(at, of)).cloned().unwrap_or_default()
    }

    /// A step was taken.
    pub fn step(&self) {
        self.taken.fetch_add(1, Ordering::SeqCst);
    }

    /// The true time since the world's beginning, in milliseconds.
    fn now(&self) -> u64 {
        let now = turmoil::sim_elapsed().map_or(0, |elapsed| elapsed.as_millis());
        let leapt = *self.leapt.lock().unwrap_or_else(PoisonError::into_inner);
        u64::try_from(now).unwrap_or(0) + leapt
    }
}

/// So many smallest units of a vendor's token.
pub(crate) fn tokens(plan: &Plan, vendor: usize, units: u64) -> Value {
    let token = plan.vendors.get(vendor).map_or("", |vendor| vendor.token);
    json!({ "amount": units, "unit": token })
}

/// What a request is to bring about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    /// So many tokens come in.
    Fund(u64),
    /// Something is bought.
    Buy,
    /// So many tokens are given for those of another vendor: so many.
    Give { to: usize, give: u64, receive: u64 },
}

/// A request with a key, and what became of it.
#[derive(Clone, Debug)]
struct Asked {
    at: usize,
    ask: Ask,
    wish: Wish,
    /// The first answer that put something on record.
    answer: Option<Answer>,
    /// Whether the last one was heard.
    heard: bool,
}

/// An account at a vendor.
#[derive(Clone, Debug, Default)]
struct Home {
    token: String,
    account: String,
    funded: u64,
    gifts: u64,
    spent: u64,
}

/// One buyer.
pub(crate) struct Buyer {
    name: String,
    voices: Vec<Voice>,
    square: Arc<Square>,
    chance: Chance,
    homes: Vec<Home>,
    asked: Vec<Asked>,
    /// Exchanges that were told: where, and how they stood.
    told: BTreeMap<String, (usize, String)>,
}

impl Buyer {
    /// The buyer called `name`.
    pub fn new(name: &str, voices: Vec<Voice>, square: Arc<Square>) -> Self {
        let chance = Chance::of(square.plan.seed, name);
        let homes = vec![Home::default(); voices.len()];
        let (asked, told, name) = (Vec::new(), BTreeMap::new(), name.to_owned());
        Self { name, voices, square, chance, homes, asked, told }
    }

    /// Opens an account at every vendor.
    pub async fn arrive(&mut self) -> Verdict {
        for vendor in 0..self.voices.len() {
            self.enter(vendor).await?;
            let account = loop {
                let ask = Ask::get("/v1/account", &self.token(vendor));
                match self.ask(vendor, &ask).await {
                    Some(answer) => break word(&answer.body["id"]),
                    None => pause(200).await,
                }
            };
            let home = self.home(vendor);
            home.account.clone_from(&account);
            let mut all = self.square.accounts.lock().unwrap_or_else(PoisonError::into_inner);
            all.push((vendor, account));
        }
        Ok(())
    }

    /// Gets a few tokens mostly, and is linked to most of the vendors.
    pub async fn begin(&mut self) -> Verdict {
        for (from, to) in self.square.plan.lanes.clone().into_keys() {
            if self.chance.permille(800) {
                self.link(from, to).await?;
            }
            if self.chance.permille(700) {
                self.fund(from).await?;
            }
        }
        Ok(())
    }

    /// Takes its steps.
    pub async fn live(&mut self) -> Verdict {
        for _ in 0..self.square.plan.steps {
            let Some(step) = self.chance.weighed(&self.square.plan.weights) else { break };
            self.take(step).await?;
            self.square.step();
            if self.chance.permille(400) {
                pause(self.chance.between(1, 900)).await;
            }
        }
        Ok(())
    }

    async fn take(&mut self, step: Step) -> Verdict {
        let vendor = self.any();
        match step {
            Step::Fund => self.fund(vendor).await,
            Step::Gift => self.gift(vendor).await,
            Step::Exchange => {
                let to = self.other(vendor);
                self.exchange(vendor, to, None).await.map(drop)
            }
            Step::Round => self.round(vendor).await,
            Step::Twice => self.twice(vendor).await,
            Step::Meddle => self.meddle().await,
            Step::Again => {
                let number = self.chance.below(self.asked.len() as u64);
                self.again(usize::try_from(number).unwrap_or(0)).await
            }
            Step::Look => self.look().await,
            Step::Purchase => self.purchase(vendor).await,
            Step::Link => {
                let to = self.other(vendor);
                self.link(vendor, to).await.map(drop)
            }
            Step::Unlink => self.unlink(vendor).await,
        }
    }

    fn any(&mut self) -> usize {
        usize::try_from(self.chance.below(self.voices.len() as u64)).unwrap_or(0)
    }

    /// The next round the ring mostly, or any other.
    fn other(&mut self, vendor: usize) -> usize {
        let count = self.voices.len();
        let far = if self.chance.permille(600) { 1 } else { count.saturating_sub(1).max(1) };
        (vendor + far) % count
    }

    fn home(&mut self, vendor: usize) -> &mut Home {
        &mut self.homes[vendor]
    }

    fn token(&self, vendor: usize) -> String {
        self.homes[vendor].token.clone()
    }

    fn patience(&mut self) -> Duration {
        let hurried = self.chance.permille(self.square.plan.impatience);
        Duration::from_millis(if hurried { self.chance.between(1, 150) } else { 10_000 })
    }

    /// Asks once; who is not known any more signs in for the next time.
    async fn ask(&mut self, vendor: usize, ask: &Ask) -> Option<Answer> {
        let patience = self.patience();
        let answer = self.voices[vendor].ask(ask, patience).await;
        if answer.as_ref().is_some_and(|answer| answer.status == 401) {
            self.sign_in(vendor).await;
            return None;
        }
        answer
    }

    async fn thrice(&mut self, vendor: usize, ask: &Ask) -> Option<Answer> {
        for _ in 0..3 {
            let is_own = ask.token == self.token(vendor);
            let answer = self.ask(vendor, ask).await;
            if answer.is_some() {
                return answer;
            }
            if is_own && ask.token != self.token(vendor) {
                let ask = Ask { token: self.token(vendor), ..ask.clone() };
                return self.ask(vendor, &ask).await;
            }
            pause(self.chance.between(10, 1500)).await;
        }
        None
    }

    /// Asks until there is an answer.
    async fn surely(&mut self, vendor: usize, ask: &Ask) -> Answer {
        loop {
            let is_own = !ask.token.is_empty() && !self.square.staff.contains(&ask.token);
            let token = if is_own { self.token(vendor) } else { ask.token.clone() };
            let ask = Ask { token, ..ask.clone() };
            match self.thrice(vendor, &ask).await {
                Some(answer) => return answer,
                None => pause(200).await,
            }
        }
    }

    fn credentials(&self) -> Value {
        json!({ "email": format!("{}@example.org", self.name), "password": "correct horse" })
    }

    async fn sign_in(&mut self, vendor: usize) {
        let ask = Ask::post("/v1/sessions", "", self.credentials());
        let answer = self.voices[vendor].ask(&ask, Duration::from_secs(10)).await;
        if let Some(answer) = answer.filter(|answer| answer.status == 201) {
            self.home(vendor).token = word(&answer.body["token"]);
        }
    }

    async fn enter(&mut self, vendor: usize) -> Verdict {
        loop {
            let ask = Ask::post("/v1/accounts", "", self.credentials());
            let answer = self.ask(vendor, &ask).await;
            if answer.as_ref().is_some_and(|answer| answer.code() == "email_taken") {
                self.sign_in(vendor).await;
            } else if let Some(answer) = answer {
                demand!(answer.status == 201, "registering was answered {}", answer.body);
                self.home(vendor).token = word(&answer.body["token"]);
            }
            if !self.token(vendor).is_empty() {
                return Ok(());
            }
            pause(200).await;
        }
    }

    /// A new request with a key, to be asked.
    fn wishes(&mut self, at: usize, ask: Ask, wish: Wish) -> usize {
        let key = Some(format!("{}-{}", self.name, self.asked.len() + 1));
        let ask = Ask { key, deed: Deed::Read, ..ask };
        self.asked.push(Asked { at, ask, wish, answer: None, heard: false });
        self.asked.len() - 1
    }

    /// Asks what was wished, for the first time or again, and books what is answered.
    async fn again(&mut self, number: usize) -> Verdict {
        let Some(asked) = self.asked.get(number).cloned() else { return Ok(()) };
        let ask = self.as_now(&asked);
        let answer = self.thrice(asked.at, &ask).await;
        self.hear(number, answer.as_ref())
    }

    /// The request with today's session.
    fn as_now(&self, asked: &Asked) -> Ask {
        let is_staff = matches!(asked.wish, Wish::Fund(_));
        let token = if is_staff { asked.ask.token.clone() } else { self.token(asked.at) };
        Ask { token, ..asked.ask.clone() }
    }

    /// What goes on record is answered the same for ever.
    fn hear(&mut self, number: usize, answer: Option<&Answer>) -> Verdict {
        let Some(asked) = self.asked.get_mut(number) else { return Ok(()) };
        let Some(answer) = answer else {
            asked.heard = false;
            return Ok(());
        };
        asked.heard = true;
        let (key, at, wish) = (asked.ask.key.clone().unwrap_or_default(), asked.at, asked.wish);
        if let Some(first) = &asked.answer {
            let same = first.status == answer.status && first.body == answer.body;
            demand!(same, "{key} was answered {}, and again {}", first.body, answer.body);
            return Ok(());
        }
        if answer.status >= 300 {
            let is_funding = matches!(wish, Wish::Fund(_));
            let is_right = !is_funding || answer.code() == "account_frozen";
            demand!(is_right, "funding was answered {}", answer.body);
            return Ok(());
        }
        asked.answer = Some(answer.clone());
        match wish {
            Wish::Fund(units) => self.home(at).funded += units,
            Wish::Buy => self.home(at).spent += units(&answer.body["total"]),
            Wish::Give { to, give, receive } => {
                let told = (units(&answer.body["give"]), units(&answer.body["receive"]));
                demand!(told == (give, receive), "{give} for {receive} is {}", answer.body);
                self.is_told(at, &answer.body)?;
                let quoted = self.square.plan.figures(at, to, give).map(|(receive, _)| receive);
                demand!(quoted == Some(receive), "{give} are {receive}, and not {quoted:?}");
            }
        }
        Ok(())
    }

    /// An exchange was shown: what was final stays.
    fn is_told(&mut self, at: usize, shown: &Value) -> Verdict {
        let (id, state) = (word(&shown["id"]), word(&shown["state"]));
        demand!(id.starts_with("exc_"), "an exchange is shown as {shown}");
        if let Some((_, before)) = self.told.get(&id) {
            let is_final = ["fulfilled", "refused", "expired", "reversed", "written_off"]
                .contains(&before.as_str());
            demand!(!is_final || *before == state, "{id} was {before}, and is {state}");
            let is_back = before == "committed" && ["refused", "expired"].contains(&state.as_str());
            demand!(!is_back, "{id} was {before}, and is {state}");
        }
        self.told.insert(id, (at, state));
        Ok(())
    }

    async fn fund(&mut self, vendor: usize) -> Verdict {
        let units = self.chance.between(1, 4000);
        let body = json!({ "tokens": tokens(&self.square.plan, vendor, units), "reason": "paid" });
        let path = format!("/v1/admin/accounts/{}/adjust", self.homes[vendor].account);
        let ask = Ask::post(path, &self.square.staff[vendor].clone(), body);
        let number = self.wishes(vendor, ask, Wish::Fund(units));
        self.again(number).await
    }

    /// A gift lasts a few minutes, or a month.
    async fn gift(&mut self, vendor: usize) -> Verdict {
        let units = self.chance.between(1, 800);
        let lasts = if self.chance.permille(500) { 120_000 } else { 30 * 86_400_000 };
        let millis = u32::try_from(self.square.now() + lasts).unwrap_or(u32::MAX);
        let body = json!({
            "kind": "promo", "tokens": tokens(&self.square.plan, vendor, units),
            "expires_at": BEGINNING.plus(Span::millis(millis)), "reason": "a gift"
        });
        let path = format!("/v1/admin/accounts/{}/adjust", self.homes[vendor].account);
        let key = Some(format!("{}-gift-{}", self.name, self.homes[vendor].gifts));
        let ask = Ask { key, ..Ask::post(path, &self.square.staff[vendor].clone(), body) };
        // Whether it came at all is not worth knowing: it may be gone by now.
        self.home(vendor).gifts += units;
        self.ask(vendor, &ask).await;
        Ok(())
    }

    /// A quote, and what it comes to by the auditor's reckoning.
    async fn quote(
        &mut self,
        from: usize,
        to: usize,
        give: u64,
    ) -> Result<Option<(String, Wish)>, Violation> {
        let plan = self.square.plan.clone();
        let partner = self.square.partner(from, to);
        let body = json!({ "partner": partner, "give": tokens(&plan, from, give) });
        let ask = Ask::post("/v1/exchange-quotes", &self.token(from), body);
        let Some(answer) = self.ask(from, &ask).await else { return Ok(None) };
        if answer.code() == "not_linked" {
            self.link(from, to).await?;
            return Ok(None);
        }
        if answer.status >= 300 {
            return Ok(None);
        }
        let shown = &answer.body;
        let told = (units(&shown["receive"]), units(&shown["compensation"]));
        let right = plan.figures(from, to, give);
        demand!(right == Some(told), "{give} were quoted as {shown}, not as {right:?}");
        let id = word(&shown["id"]);
        let mut quotes = self.square.quotes.lock().unwrap_or_else(PoisonError::into_inner);
        quotes.push((from, id.clone()));
        Ok(Some((id, Wish::Give { to, give, receive: told.0 })))
    }

    /// Asks for a quote, and takes it, if it is taken at all.
    async fn exchange(
        &mut self,
        from: usize,
        to: usize,
        give: Option<u64>,
    ) -> Result<bool, Violation> {
        let Some(lane) = self.square.plan.lanes.get(&(from, to)).copied() else { return Ok(false) };
        let most = if self.chance.permille(100) { lane.max + 50 } else { lane.max };
        let least = if self.chance.permille(50) { 1 } else { lane.min };
        let give = give.unwrap_or_else(|| self.chance.between(least, most));
        let Some((quote, wish)) = self.quote(from, to, give).await? else { return Ok(false) };
        if self.chance.permille(100) {
            return Ok(false);
        }
        if self.chance.permille(100) {
            pause(self.chance.between(500, 4000)).await;
        }
        let ask = Ask::post("/v1/exchanges", &self.token(from), json!({ "quote": quote }));
        let number = self.wishes(from, ask, wish);
        self.again(number).await?;
        Ok(self.asked.get(number).is_some_and(|asked| asked.answer.is_some()))
    }

    /// From vendor to vendor with all that moves, until it is where it was.
    async fn round(&mut self, first: usize) -> Verdict {
        let count = self.voices.len();
        for step in 0..count {
            let (from, to) = ((first + step) % count, (first + step + 1) % count);
            let Some(lane) = self.square.plan.lanes.get(&(from, to)).copied() else { break };
            let ask = Ask::get("/v1/wallet", &self.token(from));
            let Some(wallet) = self.ask(from, &ask).await else { break };
            let lots = wallet.body["lots"].as_array().cloned().unwrap_or_default();
            let moves = |lot: &&Value| lot["exchangeable_at"].is_string();
            let has: u64 = lots.iter().filter(moves).map(|lot| units(&lot["remaining"])).sum();
            let give = has.min(lane.max);
            if give == 0 || !self.exchange(from, to, Some(give)).await? {
                break;
            }
            pause(self.chance.between(1, 300)).await;
        }
        Ok(())
    }

    /// One quote, taken under two keys at once.
    async fn twice(&mut self, from: usize) -> Verdict {
        let to = self.other(from);
        let Some(lane) = self.square.plan.lanes.get(&(from, to)).copied() else { return Ok(()) };
        let give = self.chance.between(lane.min, lane.max);
        let Some((quote, wish)) = self.quote(from, to, give).await? else { return Ok(()) };
        let ask = Ask::post("/v1/exchanges", &self.token(from), json!({ "quote": quote }));
        let (first, second) = (self.wishes(from, ask.clone(), wish), self.wishes(from, ask, wish));
        let asks = [first, second].map(|number| self.asked[number].ask.clone());
        let patience = (self.patience(), self.patience());
        let voice = &self.voices[from];
        let (one, other) =
            future::join(voice.ask(&asks[0], patience.0), voice.ask(&asks[1], patience.1)).await;
        let both = [&one, &other].iter().all(|one| one.as_ref().is_some_and(|a| a.status < 300));
        demand!(!both, "one quote was taken twice: {quote}");
        self.hear(first, one.as_ref())?;
        self.hear(second, other.as_ref())
    }

    /// Any quote that anybody ever had.
    async fn meddle(&mut self) -> Verdict {
        let quotes = {
            let quotes = self.square.quotes.lock().unwrap_or_else(PoisonError::into_inner);
            quotes.clone()
        };
        let Some((at, quote)) = self.chance.pick(&quotes).cloned() else { return Ok(()) };
        let body = json!({ "quote": quote });
        let key = Some(format!("{}-meddles-{}", self.name, self.chance.number()));
        let ask = Ask { key, ..Ask::post("/v1/exchanges", &self.token(at), body) };
        // Its own that was never taken is taken now: what moves by that, the disks tell.
        if let Some(answer) = self.ask(at, &ask).await.filter(|answer| answer.status < 300) {
            self.is_told(at, &answer.body)?;
        }
        Ok(())
    }

    async fn look(&mut self) -> Verdict {
        let told: Vec<_> = self.told.iter().map(|(id, (at, _))| (id.clone(), *at)).collect();
        let Some((id, at)) = self.chance.pick(&told).cloned() else { return Ok(()) };
        let ask = Ask::get(format!("/v1/exchanges/{id}"), &self.token(at));
        let Some(answer) = self.ask(at, &ask).await else { return Ok(()) };
        demand!(answer.status == 200, "{id} was told, and is answered {}", answer.body);
        self.is_told(at, &answer.body)
    }

    async fn purchase(&mut self, vendor: usize) -> Verdict {
        let Some(good) = self.chance.pick(&self.square.goods[vendor]).cloned() else {
            return Ok(());
        };
        let quantity = self.chance.between(1, 2);
        let total = tokens(&self.square.plan, vendor, good.price * quantity);
        let body = json!({
            "lines": [{ "offer": good.offer, "quantity": quantity }], "expected_total": total,
            "allow_duplicate": true
        });
        let ask = Ask::post("/v1/purchases", &self.token(vendor), body);
        let number = self.wishes(vendor, ask, Wish::Buy);
        self.again(number).await
    }

    /// Shows the one vendor which account at the other is the buyer's.
    async fn link(&mut self, from: usize, to: usize) -> Result<bool, Violation> {
        let path = format!("/v1/partners/{}/link", self.square.partner(from, to));
        let ask = Ask::post(path.as_str(), &self.token(from), json!({}));
        let Some(answer) = self.ask(from, &ask).await else { return Ok(false) };
        if answer.status != 201 {
            return Ok(answer.code() == "already_linked");
        }
        let reference = word(&answer.body["reference"]);
        let word = if self.chance.permille(50) { "decline" } else { "approve" };
        let ask = Ask::post(format!("/v1/links/{reference}/{word}"), &self.token(to), Value::Null);
        let Some(answer) = self.thrice(to, &ask).await else { return Ok(false) };
        let Some(code) = code_in(&answer.body) else { return Ok(false) };
        let ask = Ask::post(path, &self.token(from), json!({ "return_code": code }));
        let linked = self.thrice(from, &ask).await;
        Ok(linked.is_some_and(|answer| answer.status == 200))
    }

    async fn unlink(&mut self, vendor: usize) -> Verdict {
        let other = self.other(vendor);
        let partner = self.square.partner(vendor, other);
        let path = if self.chance.permille(500) {
            format!("/v1/partners/{partner}/link")
        } else {
            format!("/v1/links/{partner}")
        };
        let ask = Ask { method: http::Method::DELETE, ..Ask::get(path, &self.token(vendor)) };
        self.ask(vendor, &ask).await;
        Ok(())
    }
}

/// What a buyer does at rest.
impl Buyer {
    /// In the calm: asks again what was not answered.
    pub async fn settle(&mut self) -> Verdict {
        // What still is on its way arrives now, or never.
        pause(3000).await;
        for number in 0..self.asked.len() {
            let Some(asked) = self.asked.get(number).cloned() else { continue };
            if asked.heard {
                continue;
            }
            let ask = self.as_now(&asked);
            let answer = self.surely(asked.at, &ask).await;
            self.hear(number, Some(&answer))?;
        }
        Ok(())
    }

    /// When all deadlines are over: the buyer's own book against the wallets.
    pub async fn close(&mut self) -> Verdict {
        let told: Vec<_> = self.told.iter().map(|(id, (at, _))| (id.clone(), *at)).collect();
        for (id, at) in told {
            let ask = Ask::get(format!("/v1/exchanges/{id}"), &self.token(at));
            let answer = self.surely(at, &ask).await;
            demand!(answer.status == 200, "{id} was told, and is answered {}", answer.body);
            self.is_told(at, &answer.body)?;
        }
        let (mut had, mut has) = (0, 0);
        for vendor in 0..self.voices.len() {
            let (before, after) = self.close_at(vendor).await?;
            had += before;
            has += after;
        }
        demand!(has <= had, "{} had {had} in all, and has {has}", self.name);
        Ok(())
    }

    /// Gives what was brought there, and what is left of it or was spent, in shares that all vendors have the same.
    async fn close_at(&mut self, vendor: usize) -> Result<(i128, i128), Violation> {
        let ask = Ask::get("/v1/wallet", &self.token(vendor));
        let wallet = self.surely(vendor, &ask).await.body;
        let (name, at) = (self.name.clone(), VENDORS[vendor]);
        let [available, held] = ["available", "held"].map(|what| units(&wallet[what]));
        demand!(held == 0, "{held} of {name} are held at {at} at rest");
        let Home { account, funded, gifts, spent, .. } = self.homes[vendor].clone();
        let id = account.parse().map_err(|_| Violation(format!("{account} is no account")))?;
        let moved = self.square.witness.moved(vendor, id).await?;
        let came = funded + moved.came;
        demand!(moved.went <= came, "{name} gave {} of {came} at {at}", moved.went);
        let most = (came + gifts).checked_sub(moved.went + spent);
        let least = came.saturating_sub(moved.went + spent);
        let right = most.is_some_and(|most| (least..=most).contains(&available));
        demand!(
            right,
            "{name} has {available} at {at}, not {least} to {most:?}: {funded} and {gifts} were put in, {spent} spent, {moved:?}"
        );
        let worth = |tokens| self.square.plan.worth(vendor, tokens);
        Ok((worth(funded + gifts + moved.risked), worth(available + spent)))
    }
}

async fn pause(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
}

/// An amount of whatever unit.
pub(crate) fn units(value: &Value) -> u64 {
    value["amount"].as_u64().unwrap_or(u64::MAX >> 8)
}

/// The code in the address with which a buyer goes back.
fn code_in(body: &Value) -> Option<String> {
    let (_, rest) = body["return_url"].as_str()?.split_once("code=")?;
    rest.split('&').next().map(str::to_owned)
}
