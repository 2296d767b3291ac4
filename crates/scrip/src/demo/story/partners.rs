//! The third part: two vendors whose buyers turn tokens of the one into tokens of the other.
//!
//! ```text
//! enter each other ─▶ propose ─▶ accept ─▶ link the accounts ─▶ quote ─▶ exchange ─▶ buy there
//!                                                                └─▶ the last word is lost, the partner dies, both go on
//! ```
//! What they then owe each other is settled in the next part.

use std::time::Duration;

use scrip_client::Client;
use serde_json::{Value, json};

use super::funds::aur;
use super::{Said, Story};
use crate::demo::goods::Shelf;
use crate::failure::{Failure, Outcome};

/// How often, and after how long each time, the story looks whether the servers have come so far.
const LOOKS: u32 = 100;
const PAUSE: Duration = Duration::from_millis(200);

/// Two vendors that exchange.
pub(super) struct Pair {
    /// To Aurora Instruments, whose tokens are given.
    pub aurora: Client,
    /// To Belle Isle Sounds, whose tokens are received.
    pub belle: Client,
    /// What Aurora calls Belle Isle.
    pub there: String,
    /// What Belle Isle calls Aurora.
    pub here: String,
    /// What Aurora calls the agreement.
    pub agreement: String,
}

/// A buyer of both, by the sessions there.
struct Noa {
    here: String,
    there: String,
}

impl Story<'_> {
    /// Tells the third part.
    pub(super) async fn partners(&mut self) -> Outcome {
        self.teller.part("Two vendors: what Aurum of Aurora buys at Belle Isle Sounds");
        let pair = self.meet().await?;
        let noa = self.joins_both(&pair).await?;
        self.exchanges(&pair, &noa).await?;
        self.buys_there(&pair, &noa).await?;
        self.what_does_not_move(&pair, &noa).await?;
        self.last_word_is_lost(&pair, &noa).await?;
        self.settles(&pair).await
    }

    /// The second vendor opens, both enter each other, and agree.
    async fn meet(&mut self) -> Outcome<Pair> {
        self.town.partner.stock(Shelf::Belle).await?;
        let client = |url: &str| Client::new(url).map_err(|error| Failure::of(&error));
        let (aurora, belle) = (client(&self.town.vendor.url())?, client(&self.town.partner.url())?);
        let goods = self.say(&belle, "", "GET", "/v1/products", Value::Null).await?;
        let goods = goods.json["data"].as_array().into_iter().flatten().map(super::good);
        let goods = goods.collect::<Vec<_>>();
        let (first, second) = (self.town.vendor.seat.clone(), self.town.partner.seat.clone());
        let keys = (self.town.vendor.admin_key.clone(), self.town.partner.admin_key.clone());
        let there = self.entered(&aurora, &keys.0, &second.url(), second.name).await?;
        let here = self.entered(&belle, &keys.1, &first.url(), first.name).await?;
        self.teller.step(
            "A second vendor with its own token; each administrator enters the other",
            goods.len() == 3 && !there.is_empty() && !here.is_empty(),
            "scrip catalog apply, at Belle Isle Sounds; POST /v1/admin/partners, at both",
            &format!("{}\n{there} at Aurora, {here} at Belle Isle", goods.join("\n")),
        );
        let mut pair = Pair { aurora, belle, there, here, agreement: String::new() };
        self.agree(&mut pair).await?;
        Ok(pair)
    }

    /// Enters a partner, and gives what it is called. One that goes on with its folder has entered it before.
    async fn entered(
        &mut self,
        at: &Client,
        admin: &str,
        url: &str,
        name: &str,
    ) -> Outcome<String> {
        let (by, path) = (format!("Bearer {admin}"), "/v1/admin/partners");
        let made = self.say(at, &by, "POST", path, json!({ "url": url, "name": name })).await?;
        if made.status == 201 {
            return Ok(made.at("/id").to_owned());
        }
        let all = self.say(at, &by, "GET", path, Value::Null).await?;
        let known = all.json["data"].as_array().into_iter().flatten();
        let known = known.clone().find(|one| one["url"] == url).and_then(|one| one["id"].as_str());
        known.map(str::to_owned).ok_or_else(|| Failure::new(made.problem()))
    }

    /// One proposes, the other accepts; a town that goes on keeps the agreement it has.
    async fn agree(&mut self, pair: &mut Pair) -> Outcome {
        let keys = (self.town.vendor.admin_key.clone(), self.town.partner.admin_key.clone());
        let list = "/v1/admin/agreements";
        let by = format!("Bearer {}", keys.0);
        let known = self.say(&pair.aurora, &by, "GET", list, Value::Null).await?;
        let known = known.json["data"].as_array().into_iter().flatten();
        let lives = |one: &&Value| one["state"] == "proposed" || one["in_force"] == true;
        let mut digest = known.clone().find(lives).map(|one| one["digest"].clone());
        if digest.is_none() {
            let body = json!({ "partner": pair.there, "terms": self.terms() });
            let proposed = self.say(&pair.aurora, &by, "POST", list, body).await?;
            if proposed.status != 201 {
                return Err(Failure::new(proposed.problem()));
            }
            digest = Some(proposed.json["digest"].clone());
        }
        let digest = digest.unwrap_or_default();
        let heard = |said: &Said| found(said, &digest).is_some();
        let there = self.looks(&pair.belle, &keys.1, list, heard).await?;
        let there = found(&there, &digest).unwrap_or_default();
        if there["state"] == "proposed" {
            let path = format!("{list}/{}/accept", there["id"].as_str().unwrap_or_default());
            let by = format!("Bearer {}", keys.1);
            self.say(&pair.belle, &by, "POST", &path, Value::Null).await?;
        }
        let in_force =
            |said: &Said| found(said, &digest).is_some_and(|one| one["in_force"] == true);
        let here = self.looks(&pair.aurora, &keys.0, list, in_force).await?;
        let there = self.looks(&pair.belle, &keys.1, list, in_force).await?;
        let held = in_force(&here) && in_force(&there);
        let here = found(&here, &digest).unwrap_or_default();
        here["id"].as_str().unwrap_or_default().clone_into(&mut pair.agreement);
        let answer = format!(
            "in force at both, by the digest {}\n1 AUR is worth 1.00 EUR, 1 BEL 0.25 EUR; the buyer receives 2.5 % less\n\
             gifts do not move; paid each 30 days; no more than 10000 EUR is owed",
            digest.as_str().unwrap_or_default(),
        );
        self.teller.step(
            "Aurora proposes terms, Belle Isle accepts: both hold what both have signed",
            held,
            "POST /v1/admin/agreements, at Aurora; POST /v1/admin/agreements/{id}/accept, at Belle Isle",
            &answer,
        );
        Ok(())
    }

    fn terms(&self) -> Value {
        let party = |seat: &crate::demo::server::Seat, tokens: u64, micros: u64| {
            json!({
                "url": seat.url(), "token": seat.token.code, "scale": seat.token.scale,
                "tokens": tokens, "micros": micros,
            })
        };
        // Each way the same worth: from 1 to 50 euros at a time, 100 for a buyer and 1000 for all in a day.
        let way = |euro: u64, least: u64| {
            json!({
                "rate": { "source": "unit_values" }, "spread_basis_points": 250,
                "min": least, "max": 50 * euro, "buyer_day": 100 * euro, "day": 1000 * euro,
                "cap": 10_000_000_000_u64, "lots": ["paid", "exchange"],
            })
        };
        json!({
            "parties": [
                party(&self.town.vendor.seat, 10_000, 1_000_000),
                party(&self.town.partner.seat, 100, 250_000),
            ],
            "currency": "EUR", "ways": [way(10_000, 10_000), way(400, 100)],
            "cycle": { "kind": "days", "days": 30 }, "due_days": 14, "notice_days": 14,
        })
    }

    /// A buyer of Aurora opens an account at Belle Isle as well, and says there that both are theirs.
    async fn joins_both(&mut self, pair: &Pair) -> Outcome<Noa> {
        let email = format!("noa-{}@example.com", self.run);
        let body = json!({ "email": email, "password": "correct horse battery" });
        let here = self.ask("", "POST", "/v1/accounts", body.clone()).await?;
        let there = self.say(&pair.belle, "", "POST", "/v1/accounts", body).await?;
        let noa = Noa { here: here.at("/token").to_owned(), there: there.at("/token").to_owned() };

        let path = format!("/v1/partners/{}/link", pair.there);
        let opened = self.ask(&noa.here, "POST", &path, json!({})).await?;
        let approve = format!("/v1/links/{}/approve", opened.at("/reference"));
        let by = format!("Bearer {}", noa.there);
        let approved = self.say(&pair.belle, &by, "POST", &approve, Value::Null).await?;
        let back = approved.at("/return_url").to_owned();
        let code = back.split(['?', '&']).find_map(|part| part.strip_prefix("code="));
        let code = json!({ "return_code": code });
        // Somebody who has seen the address over the shoulder.
        let email = format!("eye-{}@example.com", self.run);
        let body = json!({ "email": email, "password": "correct horse battery" });
        let thief = self.ask("", "POST", "/v1/accounts", body).await?;
        let stolen = self.ask(thief.at("/token"), "POST", &path, code.clone()).await?;
        let linked = self.ask(&noa.here, "POST", &path, code).await?;
        let held = opened.at("/url").starts_with(&self.town.partner.url())
            && back.starts_with(&self.town.vendor.url())
            && stolen.status >= 400
            && linked.at("/state") == "active";
        let answer = format!(
            "go to {}…\nback to {}…\nin another's hands the code does nothing: {}\n{}: {}",
            start(opened.at("/url")),
            start(&back),
            stolen.problem(),
            linked.at("/id"),
            linked.at("/state"),
        );
        self.teller.step(
            "Noa links the accounts: there and back, and only who began can finish",
            held,
            "POST /v1/partners/{id}/link, at Aurora; POST /v1/links/{reference}/approve, at Belle Isle",
            &answer,
        );
        self.fills_wallet(&noa).await?;
        Ok(noa)
    }

    /// Tokens of three kinds: paid for good, paid by card, and a gift.
    async fn fills_wallet(&mut self, noa: &Noa) -> Outcome {
        let admin = self.town.vendor.admin_key.clone();
        let asked = json!({ "tokens": aur(200_000), "method": "offline" });
        let asked = self.ask(&noa.here, "POST", "/v1/top-ups", asked).await?;
        let path = format!("/v1/admin/top-ups/{}/received", asked.at("/id"));
        let money = json!({ "amount": 2000, "unit": "EUR" });
        let body = json!({ "money": money, "note": "statement 21" });
        self.ask(&admin, "POST", &path, body).await?;
        let card = json!({ "tokens": aur(50_000), "method": "demo" });
        self.ask(&noa.here, "POST", "/v1/top-ups", card).await?;
        let batch =
            json!({ "label": "Regatta", "tokens": aur(100_000), "count": 1, "kind": "promo" });
        let made = self.ask(&admin, "POST", "/v1/admin/voucher-batches", batch).await?;
        let body = json!({ "method": "voucher", "voucher": made.at("/codes/0") });
        self.ask(&noa.here, "POST", "/v1/top-ups", body).await?;
        let wallet = self.ask(&noa.here, "GET", "/v1/wallet", Value::Null).await?;
        let lots = wallet.json["lots"].as_array().into_iter().flatten();
        let lots = lots.map(|lot| {
            let word = |member: &str| lot[member].as_str().unwrap_or_default().to_owned();
            let when = match lot["exchangeable_at"].as_str() {
                Some(when) => format!("can be exchanged from {when} on"),
                None => "can never be exchanged".to_owned(),
            };
            let amount = lot["remaining"]["display"].as_str().unwrap_or_default();
            format!("{:<6} {amount:>12}  {when}", word("kind"))
        });
        let lots = lots.collect::<Vec<_>>();
        self.teller.step(
            "Paid by transfer, paid by card, and a gift: the first can leave now, the second in three days",
            lots.len() == 3 && wallet.at("/available/display") == "35.0000 AUR",
            "POST /v1/top-ups, 20 AUR offline, 5 AUR by card, 10 AUR by voucher",
            &lots.join("\n"),
        );
        Ok(())
    }

    async fn quoted(&mut self, pair: &Pair, noa: &Noa, units: u64) -> Outcome<Said> {
        let body = json!({ "partner": pair.there, "give": aur(units) });
        self.ask(&noa.here, "POST", "/v1/exchange-quotes", body).await
    }

    /// A quote with all its figures, and an exchange by it.
    async fn exchanges(&mut self, pair: &Pair, noa: &Noa) -> Outcome {
        let quote = self.quoted(pair, noa, 100_000).await?;
        let held = quote.at("/receive/display") == "39.00 BEL"
            && quote.at("/compensation/display") == "10.000000 EUR";
        let rate = &quote.json["rate"];
        let answer = format!(
            "{} for {}, until {}\nsmallest units: {} for {}, {} basis points less, rounded {}\nAurora will owe Belle Isle {}",
            quote.at("/receive/display"),
            quote.at("/give/display"),
            quote.at("/expires_at"),
            rate["numerator"],
            rate["denominator"],
            rate["spread_basis_points"],
            quote.at("/rate/rounding"),
            quote.at("/compensation/display"),
        );
        let asked = "POST /v1/exchange-quotes, 10 AUR";
        self.teller.step("A quote, firm for a minute, with its figures", held, asked, &answer);

        let (key, body) = (self.key(), json!({ "quote": quote.at("/id") }));
        let path = "/v1/exchanges";
        let first = self.ask_with(&noa.here, "POST", path, &key, body.clone()).await?;
        let again = self.ask_with(&noa.here, "POST", path, &key, body).await?;
        let look = format!("{path}/{}", first.at("/id"));
        let is_done = |said: &Said| said.at("/state") == "fulfilled";
        let done = self.looks(&pair.aurora, &noa.here, &look, is_done).await?;
        let here = self.available(&noa.here).await?;
        let (there, from) = self.there(pair, noa).await?;
        let held = is_done(&done)
            && again.replayed
            && here == 250_000
            && there == "39.00 BEL"
            && from == self.town.vendor.seat.name;
        let answer = format!(
            "{}: Aurum retired here, Bell issued there\nthe same request again: {}, the same exchange\n\
             the wallet at Belle Isle has {there}, for tokens of {from}",
            done.at("/state"),
            if again.replayed { "Idempotency-Replayed" } else { "ANOTHER answer" },
        );
        self.teller.step(
            "The exchange: tokens retired at one vendor, issued at the other, once",
            held,
            "POST /v1/exchanges, twice with one Idempotency-Key",
            &answer,
        );
        Ok(())
    }

    /// What the buyer's wallet at the second vendor holds, and for whose tokens it came.
    async fn there(&mut self, pair: &Pair, noa: &Noa) -> Outcome<(String, String)> {
        let by = format!("Bearer {}", noa.there);
        let wallet = self.say(&pair.belle, &by, "GET", "/v1/wallet", Value::Null).await?;
        let from = wallet.at("/lots/0/from").to_owned();
        Ok((wallet.at("/available/display").to_owned(), from))
    }

    /// What came by exchange is money like any other.
    async fn buys_there(&mut self, pair: &Pair, noa: &Noa) -> Outcome {
        let by = format!("Bearer {}", noa.there);
        let shown =
            self.say(&pair.belle, &by, "GET", "/v1/products/ships-bells", Value::Null).await?;
        let body = json!({
            "lines": [{ "offer": shown.at("/offers/0/id") }],
            "expected_total": { "amount": 1200, "unit": "BEL" },
        });
        let order = self.say(&pair.belle, &by, "POST", "/v1/purchases", body).await?;
        let (left, _) = self.there(pair, noa).await?;
        let answer = format!(
            "201 {}: {} for {}, {left} left\ncode {}",
            order.at("/state"),
            order.at("/lines/0/title"),
            order.at("/total/display"),
            order.at("/licenses/0/code/short"),
        );
        self.teller.step(
            "Noa buys at the second vendor with them",
            order.at("/state") == "paid" && left == "27.00 BEL",
            "POST /v1/purchases, ships-bells, at Belle Isle Sounds",
            &answer,
        );
        Ok(())
    }

    /// Neither gifts nor what a bank may still take back.
    async fn what_does_not_move(&mut self, pair: &Pair, noa: &Noa) -> Outcome {
        let quote = self.quoted(pair, noa, 120_000).await?;
        let body = json!({ "quote": quote.at("/id") });
        let refused = self.ask(&noa.here, "POST", "/v1/exchanges", body).await?;
        let left = self.available(&noa.here).await?;
        let held = refused.is(409, "not_exchangeable")
            && refused.at("/exchangeable/display") == "10.0000 AUR"
            && left == 250_000;
        self.teller.step(
            "Gifts do not move, nor what came by card today, also when the wallet has enough",
            held,
            "POST /v1/exchanges, 12 AUR of a wallet with 25",
            &refused.problem(),
        );
        Ok(())
    }

    /// The partner issues, its answer is lost, and it dies: the tokens neither come back nor come twice.
    async fn last_word_is_lost(&mut self, pair: &Pair, noa: &Noa) -> Outcome {
        let quote = self.quoted(pair, noa, 50_123).await?;
        self.town.partner_line.cut();
        let body = json!({ "quote": quote.at("/id") });
        let begun = self.ask(&noa.here, "POST", "/v1/exchanges", body).await?;
        if !self.town.partner_line.has_held_up().await {
            return Err(Failure::new("the partner has not answered a commit"));
        }
        self.town.partner.kill().await?;
        let path = format!("/v1/exchanges/{}", begun.at("/id"));
        let between = self.ask(&noa.here, "GET", &path, Value::Null).await?;
        self.town.partner_line.mend();
        self.town.partner.restart().await?;
        let (there, _) = self.there(pair, noa).await?;
        let done = self.goes_on(pair, noa, &path).await?;
        let (after, _) = self.there(pair, noa).await?;
        let here = self.available(&noa.here).await?;
        let held = between.at("/state") == "committed"
            && there == "46.54 BEL"
            && done.at("/state") == "fulfilled"
            && (after == there, here) == (true, 199_877);
        let answer = format!(
            "while Belle Isle is dead: {}, and nothing comes back by itself\nwhen it is back: {}; \
             it says again what it had said\nthe wallet there has {after}, as before the answer was lost",
            between.at("/state"),
            done.at("/state"),
        );
        self.teller.step(
            "The partner issues, its answer is lost, and it is killed: both go on, and nothing comes twice",
            held,
            "POST /v1/exchanges, 5.0123 AUR; kill -9, then scrip serve, at Belle Isle Sounds",
            &answer,
        );
        Ok(())
    }

    /// Looks until an exchange is at its end. Its next try may be half a minute away, so time passes at both, no more
    /// at once than clocks may be apart.
    async fn goes_on(&mut self, pair: &Pair, noa: &Noa, path: &str) -> Outcome<Said> {
        let mut look = self.ask(&noa.here, "GET", path, Value::Null).await?;
        for round in 1..=LOOKS {
            if look.at("/state") == "fulfilled" {
                break;
            }
            if round % 25 == 0 {
                for client in [&pair.belle, &pair.aurora] {
                    let body = json!({ "advance": 20 });
                    self.say(client, "", "POST", "/v1/demo/clock", body).await?;
                }
            }
            tokio::time::sleep(PAUSE).await;
            look = self.ask(&noa.here, "GET", path, Value::Null).await?;
        }
        Ok(look)
    }

    /// Looks until it is enough; as it is, when that takes too long.
    pub(super) async fn looks(
        &mut self,
        client: &Client,
        who: &str,
        path: &str,
        enough: impl Fn(&Said) -> bool,
    ) -> Outcome<Said> {
        let by = format!("Bearer {who}");
        let mut look = self.say(client, &by, "GET", path, Value::Null).await?;
        for _ in 0..LOOKS {
            if enough(&look) {
                break;
            }
            tokio::time::sleep(PAUSE).await;
            look = self.say(client, &by, "GET", path, Value::Null).await?;
        }
        Ok(look)
    }
}

/// The agreement of a list that has this digest.
fn found(list: &Said, digest: &Value) -> Option<Value> {
    let all = list.json["data"].as_array().into_iter().flatten();
    all.clone().find(|one| one["digest"] == *digest).cloned()
}

fn start(text: &str) -> &str {
    text.get(..36).unwrap_or(text)
}
