//! A tenant: has licenses that change, and knows to the unit what must come of each change.
//!
//! It does one thing after the other, and asks for each, with the same key, until it is answered. So whatever crashes and
//! whatever is lost in between, each extension must have counted once, each re-issue have made one code, and every answer
//! must be given again as it was.

use std::sync::Arc;
use std::time::Duration;

use scrip_domain::{Span, Timestamp};
use serde_json::{Value, json};

use crate::book::{Verdict, Violation, demand};
use crate::buyer::{Market, money, word};
use crate::chance::Chance;
use crate::goods::kept::{DAYS, OFFERS, PRICES, USES};
use crate::voice::{Answer, Ask, Deed, Voice};

/// What it is given, once.
const GIVEN: u64 = 1_000_000;
/// How many changes it makes.
const CHANGES: u64 = 12;
/// How often it asks for one thing.
const TRIES: usize = 3000;

/// A license as it must be.
#[derive(Clone, Debug, Default)]
struct Held {
    id: String,
    /// Its codes, the good one last.
    codes: Vec<String>,
    /// Uses that are left; none where time counts.
    left: Option<u64>,
    /// When it ends; none where uses count.
    end: Option<Timestamp>,
}

/// The tenant.
#[derive(Debug)]
pub struct Tenant {
    voice: Voice,
    market: Arc<Market>,
    chance: Chance,
    token: String,
    account: String,
    asked: u64,
    spent: u64,
    held: Vec<Held>,
    told: Vec<(Ask, Value)>,
}

impl Tenant {
    /// The tenant of a shop.
    pub fn new(voice: Voice, market: Arc<Market>) -> Self {
        let chance = Chance::of(market.plan.seed, "tenant");
        let (token, account) = (String::new(), String::new());
        let (held, told) = (Vec::new(), Vec::new());
        Self { voice, market, chance, token, account, asked: 0, spent: 0, held, told }
    }

    /// Moves in, and changes what it has.
    pub async fn live(&mut self) -> Verdict {
        self.move_in().await?;
        for _ in 0..CHANGES {
            match self.chance.below(8) {
                0..=2 => self.extend().await?,
                3 | 4 => self.reissue().await?,
                5 => self.suspend().await?,
                6 => self.bundle().await?,
                _ => self.again().await?,
            }
            if self.chance.permille(300) {
                tokio::time::sleep(Duration::from_millis(self.chance.between(1, 900))).await;
            }
        }
        Ok(())
    }

    /// When nothing fails any more: all is as it must be.
    pub async fn settle(&mut self) -> Verdict {
        for held in self.held.clone() {
            let shown =
                self.insist(&Ask::get(format!("/v1/licenses/{}", held.id), &self.token)).await?;
            demand!(shown.body["state"] == "valid", "{} is {}", held.id, shown.body);
            let end = held.end.map(|end| end.to_string());
            demand!(
                shown.body["expires_at"] == json!(end),
                "{} ends {}, not {end:?}",
                held.id,
                shown.body["expires_at"]
            );
            self.codes_are(&held, "VALID").await?;
        }
        for (ask, body) in self.told.clone() {
            self.same(&ask, &body).await?;
        }
        let wallet = self.insist(&Ask::get("/v1/wallet", &self.token)).await?;
        let left = GIVEN - self.spent;
        demand!(
            wallet.body["available"]["amount"] == left,
            "{} left, not {left}",
            wallet.body["available"]
        );
        Ok(())
    }

    /// Asks until there is an answer.
    async fn insist(&self, ask: &Ask) -> Result<Answer, Violation> {
        for _ in 0..TRIES {
            if let Some(answer) = self.voice.ask(ask, Duration::from_secs(5)).await {
                return Ok(answer);
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        Err(Violation(format!("{} {} is never answered", ask.method, ask.path)))
    }

    /// Asks with a key of its own, and remembers what comes.
    async fn keyed(&mut self, path: String, token: &str, body: Value) -> Result<Answer, Violation> {
        self.asked += 1;
        let key = Some(format!("tenant-{}", self.asked));
        let ask = Ask { key, deed: Deed::Read, ..Ask::post(path, token, body) };
        let answer = self.insist(&ask).await?;
        demand!(answer.status < 300, "{} was answered {} {}", ask.path, answer.status, answer.body);
        self.told.push((ask, answer.body.clone()));
        Ok(answer)
    }

    async fn move_in(&mut self) -> Verdict {
        let credentials = json!({ "email": "tenant@example.org", "password": "correct horse" });
        let opened = self.insist(&Ask::post("/v1/accounts", "", credentials.clone())).await?;
        let opened = if opened.status == 201 {
            opened
        } else {
            // An answer that was lost: the account is there.
            self.insist(&Ask::post("/v1/sessions", "", credentials)).await?
        };
        self.token = word(&opened.body["token"]);
        let account = self.insist(&Ask::get("/v1/account", &self.token)).await?;
        self.account = word(&account.body["id"]);
        let path = format!("/v1/admin/accounts/{}/adjust", self.account);
        let body = json!({ "tokens": money(GIVEN), "reason": "to live on" });
        let admin = self.market.admin.clone();
        self.keyed(path, &admin, body).await?;
        for place in [0, 1] {
            let paid = self.buy(place, None, 1).await?;
            self.take(&paid.body["licenses"][0]);
        }
        Ok(())
    }

    /// Takes a license in.
    fn take(&mut self, license: &Value) {
        let uses = license["terms"]["kind"] == "uses";
        self.held.push(Held {
            id: word(&license["id"]),
            codes: vec![word(&license["code"]["jws"])],
            left: uses.then_some(USES),
            end: Timestamp::parse(&word(&license["expires_at"])),
        });
    }

    /// Buys so much of an offer, as something new or for a license.
    async fn buy(
        &mut self,
        place: usize,
        license: Option<&str>,
        quantity: u64,
    ) -> Result<Answer, Violation> {
        let number = OFFERS.get(place).copied().unwrap_or_default();
        let offer = scrip_domain::Id::<scrip_domain::catalog::Offer>::new(number);
        let offer = offer.map(|offer| offer.to_string()).unwrap_or_default();
        let total = PRICES.get(place).copied().unwrap_or_default() * quantity;
        let mut line = json!({ "offer": offer, "quantity": quantity });
        if let Some(license) = license {
            line["license"] = json!(license);
        }
        let body = json!({ "lines": [line], "expected_total": money(total) });
        let token = self.token.clone();
        let paid = self.keyed("/v1/purchases".into(), &token, body).await?;
        demand!(paid.body["total"]["amount"] == total, "paid {} for {total}", paid.body["total"]);
        self.spent += total;
        Ok(paid)
    }

    /// One of its licenses, by place.
    fn any(&mut self) -> usize {
        usize::try_from(self.chance.below(self.held.len() as u64)).unwrap_or_default()
    }

    async fn extend(&mut self) -> Verdict {
        let (at, quantity) = (self.any(), self.chance.between(1, 3));
        let Some(held) = self.held.get(at).cloned() else { return Ok(()) };
        let place = usize::from(held.left.is_none());
        let paid = self.buy(place, Some(&held.id), quantity).await?;
        let told = &paid.body["extended"][0];
        let licenses = paid.body["licenses"].as_array().map(Vec::len);
        demand!(licenses == Some(0), "an extension made licenses: {}", paid.body);
        let left = held.left.map(|left| left + USES * quantity);
        demand!(told["left"] == json!(left), "{} left after it, not {left:?}", told["left"]);
        let days = Span::days(DAYS * u32::try_from(quantity).unwrap_or_default());
        let end = held.end.map(|end| end.plus(days));
        let shown = json!(end.map(|end| end.to_string()));
        demand!(told["expires_at"] == shown, "it ends {}, not {shown}", told["expires_at"]);
        let mut held = Held { left, end, ..held };
        if let Some(good) = held.codes.last_mut() {
            *good = word(&told["code"]["jws"]);
        }
        if self.chance.permille(250) {
            held = self.give_back(held, &paid, quantity).await?;
        }
        if let Some(slot) = self.held.get_mut(at) {
            *slot = held;
        }
        Ok(())
    }

    /// Has an extension given back: what it added is gone again.
    async fn give_back(
        &mut self,
        held: Held,
        paid: &Answer,
        quantity: u64,
    ) -> Result<Held, Violation> {
        let path = format!("/v1/admin/orders/{}/refunds", word(&paid.body["id"]));
        let admin = self.market.admin.clone();
        let back = self.keyed(path, &admin, json!({ "reason": "too much" })).await?;
        let amount = back.body["amount"]["amount"].as_u64().unwrap_or_default();
        demand!(
            paid.body["total"]["amount"] == amount,
            "{amount} came back of {}",
            paid.body["total"]
        );
        self.spent -= amount;
        let days = Span::days(DAYS * u32::try_from(quantity).unwrap_or_default());
        let left = held.left.map(|left| left - USES * quantity);
        Ok(Held { left, end: held.end.map(|end| end.minus(days)), ..held })
    }

    async fn reissue(&mut self) -> Verdict {
        let at = self.any();
        let Some(mut held) = self.held.get(at).cloned() else { return Ok(()) };
        let (path, token) = (format!("/v1/licenses/{}/reissue", held.id), self.token.clone());
        let new = self.keyed(path, &token, json!({})).await?;
        let issue = held.codes.len() + 1;
        demand!(new.body["issue"] == issue, "issue {} is not {issue}", new.body["issue"]);
        held.codes.push(word(&new.body["code"]["jws"]));
        self.codes_are(&held, "VALID").await?;
        if let Some(slot) = self.held.get_mut(at) {
            *slot = held;
        }
        Ok(())
    }

    async fn suspend(&mut self) -> Verdict {
        let at = self.any();
        let Some(held) = self.held.get(at).cloned() else { return Ok(()) };
        let reason = json!({ "reason": "a look at it" });
        for (verb, says) in [("suspend", "SUSPENDED"), ("resume", "VALID")] {
            let path = format!("/v1/admin/licenses/{}/{verb}", held.id);
            let answer = self.insist(&Ask::post(path, &self.market.admin, reason.clone())).await?;
            demand!(answer.status == 200, "{verb} was answered {}", answer.body);
            self.codes_are(&held, says).await?;
        }
        Ok(())
    }

    async fn bundle(&mut self) -> Verdict {
        let paid = self.buy(2, None, 1).await?;
        let licenses = paid.body["licenses"].as_array().cloned().unwrap_or_default();
        demand!(licenses.len() == 2, "{} licenses of a bundle of two", licenses.len());
        let lines = paid.body["lines"].as_array().cloned().unwrap_or_default();
        let shares = lines.iter().filter_map(|line| line["price"]["amount"].as_u64());
        let sum: u64 = shares.sum();
        demand!(Some(&sum) == PRICES.last(), "its parts cost {sum}");
        licenses.iter().for_each(|license| self.take(license));
        Ok(())
    }

    /// What was answered is answered again.
    async fn again(&mut self) -> Verdict {
        match self.chance.pick(&self.told).cloned() {
            Some((ask, body)) => self.same(&ask, &body).await,
            None => Ok(()),
        }
    }

    async fn same(&self, ask: &Ask, body: &Value) -> Verdict {
        let answer = self.insist(ask).await?;
        demand!(answer.replayed, "{} was carried out twice", ask.path);
        demand!(answer.body == *body, "{} was answered {}, then {}", ask.path, body, answer.body);
        Ok(())
    }

    /// The good code says this, and one that is dead says so.
    async fn codes_are(&mut self, held: &Held, says: &str) -> Verdict {
        let Some((good, dead)) = held.codes.split_last() else { return Ok(()) };
        let dead = self.chance.pick(dead).map(|dead| (dead.clone(), "SUPERSEDED"));
        for (code, says) in [(good.clone(), says)].into_iter().chain(dead) {
            let ask = Ask::post("/v1/licenses/validate", "", json!({ "code": code }));
            let answer = self.insist(&ask).await?;
            demand!(answer.code() == says, "a code of {} is {}, not {says}", held.id, answer.body);
        }
        Ok(())
    }
}
