//! The audit at rest: when nothing fails any more, everything that was ever told must be there.

use std::collections::BTreeSet;
use std::time::Duration;

use scrip_license::{Claims, jws};
use serde_json::{Value, json};

use crate::book::{Known, Verdict, Violation, demand};
use crate::buyer::Buyer;
use crate::voice::{Answer, Ask};

/// How often a question is repeated before its silence is a violation of its own.
const TRIES: usize = 20;

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
        self.licenses_at_rest().await
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
        let answer = self.insist(&Ask::get("/v1/wallet", &self.token.clone())).await?;
        self.book.wallet(&answer.body)?;
        let (mut brought, mut spent) = (0, 0);
        for line in self.all("/v1/wallet/transfers").await? {
            let amount = i128::from(line["amount"]["amount"].as_u64().unwrap_or(u64::MAX));
            if line["direction"] == "in" { brought += amount } else { spent += amount }
        }
        let told = self.book.turnover();
        demand!((brought, spent) == told, "a statement of {brought} and {spent}, told {told:?}");
        Ok(())
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

    async fn licenses_at_rest(&mut self) -> Verdict {
        let rows = self.all("/v1/licenses").await?;
        demand!(rows.len() == self.book.licenses.len(), "{} licenses are listed", rows.len());
        let mut codes = BTreeSet::new();
        for row in &rows {
            let id = row["id"].as_str().unwrap_or_default();
            let told = self.book.licenses.get(id);
            demand!(told == Some(row), "a license is {row}, was told as {told:?}");
            let jws = row["code"]["jws"].as_str().unwrap_or_default().to_owned();
            self.verify(id, row, &jws)?;
            self.validate(id, &jws).await?;
            let short = row["code"]["short"].as_str().unwrap_or_default().to_owned();
            self.validate(id, &short).await?;
            demand!(codes.insert(jws) && codes.insert(short), "two licenses share a code");
        }
        Ok(())
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
        let right = answer.body["valid"] == true && answer.body["license"]["id"] == *id;
        demand!(right, "the code of {id} was answered {}", answer.body);
        Ok(())
    }

    /// An order was shown: is it what was told?
    pub(crate) fn compare_order(&mut self, id: &str, answer: &Answer) -> Verdict {
        let Some(Known { state, paid, basket, .. }) = self.book.orders.get(id) else {
            return Err(Violation(format!("{id} was shown and never told")));
        };
        demand!(answer.status == 200, "{id} was answered {}", answer.body);
        let body = &answer.body;
        demand!(body["total"]["amount"] == basket.total, "{id} costs {}", body["total"]);
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
