//! The audit at rest: when nothing fails any more, everything that was ever told must be there.

use std::collections::BTreeSet;
use std::time::Duration;

use scrip_license::{Claims, jws};
use serde_json::{Value, json};

use crate::book::{Known, Verdict, Violation, amount, demand};
use crate::buyer::Buyer;
use crate::voice::{Answer, Ask};

/// How often a question is repeated before its silence is a violation of its own.
const TRIES: usize = 20;

/// Sums over a statement.
#[derive(Debug, Default)]
struct Statement {
    brought: i128,
    cards: i128,
    spent: i128,
    expired: i128,
    /// Taken back of what cards brought, without what was given back.
    clawed: i128,
    /// Taken back of all else.
    taken: i128,
    /// Paid of what is owed.
    paid: i128,
    /// Came to be owed, and was not cleared.
    owed: i128,
}

/// How often a line of a statement, newest first, left less than `below`.
fn times_below(lines: &[Value], below: i128) -> u64 {
    let mut left = 0;
    let mut times = 0;
    for line in lines.iter().rev() {
        match line["direction"].as_str().unwrap_or_default() {
            "in" => left += amount(&line["amount"]),
            "out" => {
                left -= amount(&line["amount"]);
                times += u64::from(left < below);
            }
            _ => {}
        }
    }
    times
}

impl Buyer {
    /// Settles what is open, and compares all that was told with all that is there.
    pub async fn settle(&mut self) -> Verdict {
        // What still is on its way arrives now, or never.
        tokio::time::sleep(Duration::from_secs(3)).await;
        self.book.quiet();
        for _ in 0..TRIES {
            for ask in self.book.unanswered() {
                self.tell(&ask).await?;
                // Only this very copy can be on its way; its silence ends with the next answer.
                tokio::time::sleep(Duration::from_millis(300)).await;
                self.book.quiet();
            }
        }
        let open = self.book.unanswered().len();
        demand!(open == 0, "{open} requests are never answered");
        for ask in self.book.answered() {
            let answer = self.insist(&ask).await?;
            self.book.hear(&ask, &answer, true)?;
        }
        self.read_keys().await?;
        self.wallet_at_rest().await?;
        self.orders_at_rest().await?;
        self.licenses_at_rest().await?;
        self.feed_at_rest().await
    }

    /// Asks until there is an answer.
    async fn insist(&mut self, ask: &Ask) -> Result<Answer, Violation> {
        for _ in 0..TRIES {
            if let Some(answer) = self.voice.ask(ask, Duration::from_secs(10)).await {
                return Ok(answer);
            }
        }
        Err(Violation(format!("{} {} is never answered", ask.method, ask.path)))
    }

    /// Everything in a list, page by page.
    async fn all(&mut self, path: &str) -> Result<Vec<Value>, Violation> {
        let mut rows = Vec::new();
        let mut after = String::new();
        loop {
            let limit = self.chance.between(1, 100);
            let ask = Ask::get(format!("{path}?limit={limit}{after}"), &self.token);
            let answer = self.insist(&ask).await?;
            demand!(answer.status == 200, "{path} was answered {}", answer.body);
            rows.extend(answer.body["data"].as_array().cloned().unwrap_or_default());
            match answer.body["next"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => return Ok(rows),
            }
        }
    }

    async fn read_keys(&mut self) -> Verdict {
        let answer = self.insist(&Ask::get("/.well-known/jwks.json", "")).await?;
        let keys = answer.body.to_string().parse();
        self.keys = keys.map_err(|error| Violation(format!("the key set: {error}")))?;
        Ok(())
    }

    /// Looks into the wallet; whether there was an answer.
    pub(crate) async fn look_into_wallet(&mut self) -> Result<bool, Violation> {
        let ask = Ask::get("/v1/wallet", &self.token);
        let Some(answer) = self.ask(&ask).await else { return Ok(false) };
        demand!(answer.status == 200, "the wallet was answered {}", answer.body);
        self.book.wallet(&answer.body)?;
        Ok(true)
    }

    async fn wallet_at_rest(&mut self) -> Verdict {
        // The bank may still have something to say: what is compared must not change meanwhile.
        for _ in 0..TRIES {
            let wallet = Ask::get("/v1/wallet", &self.token.clone());
            let before = self.insist(&wallet).await?.body;
            let lines = self.all("/v1/wallet/transfers").await?;
            let top_ups = self.all("/v1/top-ups").await?;
            if self.insist(&wallet).await?.body == before {
                return self.compare_statement(&before, &lines, &top_ups);
            }
        }
        Err(Violation("the wallet never comes to rest".to_owned()))
    }

    fn compare_statement(&self, wallet: &Value, lines: &[Value], top_ups: &[Value]) -> Verdict {
        self.book.wallet(wallet)?;
        let late = |one: &Value| self.book.tab.is_late(one["id"].as_str().unwrap_or_default());
        let card = |top_up: &&Value| {
            (top_up["method"] == "card" || late(top_up)) && top_up["credited_at"].is_string()
        };
        let credited: i128 = top_ups.iter().filter(card).map(|one| amount(&one["tokens"])).sum();
        let cards: BTreeSet<_> =
            top_ups.iter().filter(card).filter_map(|top_up| top_up["id"].as_str()).collect();
        let mut sum = Statement::default();
        for line in lines {
            let amount = amount(&line["amount"]);
            let by_card = line["subject"].as_str().is_some_and(|subject| cards.contains(subject));
            let word = |field: &str| line[field].as_str().unwrap_or_default();
            match (word("direction"), word("reason")) {
                ("in", "top_up") if by_card => sum.cards += amount,
                ("in", "restored") => sum.clawed -= amount,
                ("out", "clawback") if by_card => sum.clawed += amount,
                ("out", "clawback") => sum.taken += amount,
                ("in", "debt") => sum.paid -= amount,
                ("out", "debt") => sum.paid += amount,
                ("owed", _) => sum.owed += amount,
                ("cleared", _) => sum.owed -= amount,
                ("out", "expiry") => sum.expired += amount,
                ("in", _) => sum.brought += amount,
                _ => sum.spent += amount,
            }
        }
        let Statement { brought, spent, expired, clawed, taken, paid, owed, .. } = sum;
        let told = self.book.turnover();
        demand!((brought, spent) == told, "a statement of {brought} and {spent}, told {told:?}");
        demand!(taken == self.book.taken(), "{taken} taken back, told {}", self.book.taken());
        demand!(sum.cards == credited, "cards brought {} of {credited}", sum.cards);
        demand!(
            clawed >= 0 && clawed + owed <= sum.cards,
            "{clawed} taken back and {owed} owed of {}",
            sum.cards
        );
        let left = brought + sum.cards - spent - expired - clawed - taken - paid;
        let available = amount(&wallet["available"]);
        demand!(available <= left, "{available} available of {left}");
        demand!(expired <= self.book.gifts(), "{expired} has expired, which is more than gifts");
        let debt = amount(&wallet["owed"]);
        demand!(debt == owed - paid && debt >= 0, "{debt} owed, of {owed} of which {paid} is paid");
        self.book.tab.at_rest(&wallet["credit_line"], top_ups)?;
        self.book.tab.by_itself(top_ups, |below| times_below(lines, i128::from(below)))
    }

    async fn orders_at_rest(&mut self) -> Verdict {
        let rows = self.all("/v1/orders").await?;
        let listed: BTreeSet<_> = rows.iter().filter_map(|row| row["id"].as_str()).collect();
        let known: BTreeSet<_> = self.book.orders.keys().map(String::as_str).collect();
        demand!(listed == known, "orders {listed:?} are listed, {known:?} were told");
        demand!(listed.len() == rows.len(), "an order is listed twice");
        for row in &rows {
            let id = row["id"].as_str().unwrap_or_default();
            let answer = Answer { status: 200, replayed: false, body: row.clone() };
            self.compare_order(id, &answer)?;
        }
        Ok(())
    }

    /// What was given back of an order that was paid is told in it, and nothing else has changed.
    fn compare_refunded(&self, id: &str, known: &Known, body: &Value) -> Verdict {
        let bare = |order: &Value| {
            let mut order = order.clone();
            for changed in ["state", "refunds", "licenses"] {
                order.as_object_mut().and_then(|fields| fields.remove(changed));
            }
            order
        };
        demand!(bare(body) == bare(&known.paid), "{id} is {body}, was told as {}", known.paid);
        let shown = body["refunds"].as_array().cloned().unwrap_or_default();
        let told = known.refunds.iter().all(|refund| shown.contains(refund));
        demand!(told, "{id} shows the refunds {shown:?}, told were {:?}", known.refunds);
        if !self.book.is_refunding(id) {
            let (many, few) = (shown.len(), known.refunds.len());
            demand!(many == few, "{id} shows {many} refunds, told were {few}");
        }
        let units = |counts: fn(&Value) -> bool| -> u64 {
            let lines = shown.iter().filter(|refund| counts(refund));
            let lines =
                lines.flat_map(|refund| refund["lines"].as_array().cloned().unwrap_or_default());
            lines.map(|line| line["quantity"].as_u64().unwrap_or(0)).sum()
        };
        let licenses = body["licenses"].as_array().cloned().unwrap_or_default();
        let ended = licenses.iter().filter(|license| license["state"] == "refunded").count() as u64;
        let revoked = units(|refund| refund["licenses"] == "revoke");
        demand!(ended == revoked, "{ended} licenses of {id} have ended, {revoked} were revoked");
        let whole = units(|_| true) == licenses.len() as u64;
        let state = match (shown.is_empty(), whole) {
            (true, _) => "paid",
            (false, false) => "partially_refunded",
            (false, true) => "refunded",
        };
        demand!(body["state"] == state, "{id} is {}, not {state}", body["state"]);
        Ok(())
    }

    async fn licenses_at_rest(&mut self) -> Verdict {
        let rows = self.all("/v1/licenses").await?;
        demand!(rows.len() == self.book.licenses.len(), "{} licenses are listed", rows.len());
        let mut codes = BTreeSet::new();
        for row in &rows {
            let id = row["id"].as_str().unwrap_or_default();
            let told = self.book.licenses.get(id);
            let mut as_told = row.clone();
            // The library says how much it is used, too.
            for more in ["unit", "left", "used", "leased", "machines"] {
                as_told.as_object_mut().and_then(|fields| fields.remove(more));
            }
            let order = row["order"].as_str().unwrap_or_default();
            if row["state"] == "refunded" && self.book.maybe_refunded(order, "") {
                // A code that has ended is not told again.
                demand!(row["code"].is_null(), "the code of {id} is told after a refund");
                as_told["state"] = json!("valid");
                as_told["code"] = told.map(|told| told["code"].clone()).unwrap_or_default();
            }
            demand!(told == Some(&as_told), "a license is {row}, was told as {told:?}");
            let jws = as_told["code"]["jws"].as_str().unwrap_or_default().to_owned();
            self.verify(id, row, &jws)?;
            self.validate(id, &jws).await?;
            let short = as_told["code"]["short"].as_str().unwrap_or_default().to_owned();
            self.validate(id, &short).await?;
            demand!(codes.insert(jws) && codes.insert(short), "two licenses share a code");
        }
        Ok(())
    }

    /// The buyer's own feed tells of each license that is out, once, and of no other. What was committed last is in it a little
    /// later.
    async fn feed_at_rest(&mut self) -> Verdict {
        let out: BTreeSet<String> = self.book.licenses.keys().cloned().collect();
        let mut told = Vec::new();
        for _ in 0..TRIES {
            told = self.issued().await?;
            if told.len() >= out.len() {
                break;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        let once: BTreeSet<String> = told.iter().cloned().collect();
        demand!(once == out, "the feed tells of the licenses {once:?}, {out:?} are out");
        demand!(once.len() == told.len(), "the feed tells twice of one of {told:?}");
        Ok(())
    }

    /// The licenses of which the feed says that they were issued, page by page.
    async fn issued(&mut self) -> Result<Vec<String>, Violation> {
        let (mut told, mut after) = (Vec::new(), String::new());
        loop {
            let limit = self.chance.between(1, 100);
            let ask = Ask::get(
                format!("/v1/events?type=license.issued&limit={limit}{after}"),
                &self.token,
            );
            let answer = self.insist(&ask).await?;
            demand!(answer.status == 200, "the feed was answered {}", answer.body);
            let events = answer.body["data"].as_array().cloned().unwrap_or_default();
            let named = |event: &Value| event["data"]["id"].as_str().unwrap_or_default().to_owned();
            told.extend(events.iter().map(named));
            if answer.body["more"] != true {
                return Ok(told);
            }
            after = format!("&after={}", answer.body["next"].as_str().unwrap_or_default());
        }
    }

    /// A code proves itself, by the published keys alone.
    fn verify(&self, id: &str, row: &Value, code: &str) -> Verdict {
        let claims: Claims = jws::verify(code, Claims::TYP, &self.keys)
            .map_err(|error| Violation(format!("the code of {id}: {error}")))?;
        let right = claims.license == id
            && row["order"] == *claims.order
            && row["product"] == *claims.product
            && claims.issue() == Some(1);
        demand!(right, "the code of {id} says {claims:?}");
        Ok(())
    }

    /// The server holds a code for good.
    pub(crate) async fn validate(&mut self, id: &str, code: &str) -> Verdict {
        let ask = Ask::post("/v1/licenses/validate", "", json!({ "code": code }));
        let Some(answer) = self.ask(&ask).await else { return Ok(()) };
        if answer.status == 429 {
            return Ok(());
        }
        let license = self.book.licenses.get(id);
        let order = license.and_then(|license| license["order"].as_str()).unwrap_or_default();
        let refunded = answer.body["code"] == "REFUNDED" && self.book.maybe_refunded(order, "");
        let right =
            (answer.body["valid"] == true || refunded) && answer.body["license"]["id"] == *id;
        demand!(right, "the code of {id} was answered {}", answer.body);
        Ok(())
    }

    /// An order was shown: is it what was told?
    pub(crate) fn compare_order(&mut self, id: &str, answer: &Answer) -> Verdict {
        let Some(known) = self.book.orders.get(id) else {
            return Err(Violation(format!("{id} was shown and never told")));
        };
        let Known { state, paid, basket, .. } = known;
        demand!(answer.status == 200, "{id} was answered {}", answer.body);
        let body = &answer.body;
        demand!(body["total"]["amount"] == basket.total, "{id} costs {}", body["total"]);
        if *state == "paid" && self.book.maybe_refunded(id, "") {
            return self.compare_refunded(id, known, body);
        }
        if *state == "paid" {
            demand!(body == paid, "{id} is {body}, was told as {paid}");
        }
        let shown = body["state"].as_str().unwrap_or_default();
        let cancelled = shown == "cancelled";
        let known = &self.book.orders;
        let maybe_cancelled = known.get(id).is_some_and(|known| known.maybe_cancelled);
        let open = !self.book.unanswered().is_empty();
        let right = shown == *state
            || (cancelled && maybe_cancelled)
            || (*state != "paid" && open)
            || (*state == "draft" && shown == "expired");
        demand!(right, "{id} is {shown}, was told as {state}");
        Ok(())
    }
}
