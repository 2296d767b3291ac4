//! Adding funds without a card, and giving an order back.

use serde_json::{Value, json};

use super::Story;
use crate::failure::{Failure, Outcome};

impl Story<'_> {
    /// A bank transfer that comes in two parts.
    pub(super) async fn transfer(&mut self, ada: &str) -> Outcome {
        self.flow(json!({ "offline_instructions": "Transfer to Port Aurora Savings, account 1203.\nName the reference." }))
            .await?;
        let body = json!({ "tokens": aur(100_000), "method": "offline" });
        let asked = self.ask(ada, "POST", "/v1/top-ups", body).await?;
        let reference = asked.at("/next_action/reference").to_owned();
        let answer = format!(
            "201 {}: {} due, with the reference {reference}",
            asked.at("/state"),
            asked.at("/next_action/money/display"),
        );
        self.teller.step(
            "Add funds by bank transfer: a reference, and nothing credited yet",
            asked.at("/state") == "requires_action" && !reference.is_empty(),
            "POST /v1/top-ups, 10 AUR offline",
            &answer,
        );

        let admin = self.town.vendor.admin_key.clone();
        let find = format!("/v1/admin/top-ups?reference={reference}");
        let found = self.ask(&admin, "GET", &find, Value::Null).await?;
        let path = format!("/v1/admin/top-ups/{}/received", found.at("/data/0/id"));
        let before = self.available(ada).await?;
        let mut told = Vec::new();
        for (cents, note) in [(400, "statement 14"), (600, "statement 15")] {
            let money = json!({ "amount": cents, "unit": "EUR" });
            let body = json!({ "money": money, "note": note });
            let part = self.ask(&admin, "POST", &path, body).await?;
            let now = self.available(ada).await?;
            let came = now.saturating_sub(before);
            told.push((part.at("/state").to_owned(), came));
        }
        let (half, whole) =
            (("requires_action".to_owned(), 40_000), ("credited".to_owned(), 100_000));
        let answer = told.iter().map(|(state, came)| format!("{state}: {came} units came so far"));
        let answer = answer.collect::<Vec<_>>().join("\n");
        self.teller.step(
            "The money comes in two parts, and each brings its tokens",
            told == [half, whole],
            &format!("POST {path}, 4.00 EUR, then 6.00 EUR"),
            &answer,
        );
        Ok(())
    }

    /// A voucher that is redeemed once.
    pub(super) async fn voucher(&mut self, ada: &str) -> Outcome {
        let admin = self.town.vendor.admin_key.clone();
        let batch = json!({ "label": "Harbour fair", "tokens": aur(20_000), "count": 2, "kind": "promo", "tokens_expire_after_days": 30 });
        let made = self.ask(&admin, "POST", "/v1/admin/voucher-batches", batch).await?;
        let code = made.at("/codes/0").to_owned();
        let body = json!({ "method": "voucher", "voucher": code.to_lowercase() });
        let redeemed = self.ask(ada, "POST", "/v1/top-ups", body.clone()).await?;
        let again = self.ask(ada, "POST", "/v1/top-ups", body).await?;
        let wallet = self.ask(ada, "GET", "/v1/wallet", Value::Null).await?;
        let lots = wallet.json["lots"].as_array().into_iter().flatten();
        let gift = lots.clone().find(|lot| lot["kind"] == "promo").cloned().unwrap_or_default();
        let held = redeemed.at("/state") == "credited"
            && again.is(422, "voucher_refused")
            && gift["remaining"]["amount"] == json!(20_000)
            && gift["expires_at"].is_string();
        let answer = format!(
            "201 {}: {} as a gift, until {}\nthe same code again: {}",
            redeemed.at("/state"),
            redeemed.at("/tokens/display"),
            gift["expires_at"].as_str().unwrap_or_default(),
            again.problem(),
        );
        self.teller.step(
            "A voucher brings its tokens once; these are spent first, and expire",
            held,
            "POST /v1/admin/voucher-batches; POST /v1/top-ups with one of its codes, twice",
            &answer,
        );
        Ok(())
    }

    /// An order that goes back, into the very lots that paid it.
    pub(super) async fn give_back(&mut self, ada: &str) -> Outcome {
        let offer = self.offer("tallow").await?;
        let before = self.lots(ada).await?;
        let body = json!({ "lines": [{ "offer": offer }], "expected_total": aur(125_000) });
        let paid = self.ask(ada, "POST", "/v1/purchases", body).await?;
        let between = self.lots(ada).await?;
        let admin = self.town.vendor.admin_key.clone();
        let path = format!("/v1/admin/orders/{}/refunds", paid.at("/id"));
        let back = self.ask(&admin, "POST", &path, json!({ "reason": "does not start" })).await?;
        let after = self.lots(ada).await?;
        let code = json!({ "code": paid.at("/licenses/0/code/short") });
        let verdict = self.ask("", "POST", "/v1/licenses/validate", code).await?;
        let more = self.ask(&admin, "POST", &path, json!({ "reason": "again" })).await?;
        let held = back.status == 201
            && before != between
            && before == after
            && verdict.at("/code") == "REFUNDED"
            && more.is(409, "already_refunded");
        let answer = format!(
            "201 {} back into {} lots, each as it was\nthe code is {} now; a second refund: {}",
            back.at("/returned/display"),
            back.json["lines"][0]["lots"].as_array().map_or(0, Vec::len),
            verdict.at("/code"),
            more.problem(),
        );
        self.teller.step(
            "An order is given back: the very lots that paid, and the code ends",
            held,
            &format!("POST /v1/purchases, tallow; POST {path}"),
            &answer,
        );
        Ok(())
    }

    /// What a wallet's lots hold, as the wallet tells it.
    async fn lots(&mut self, who: &str) -> Outcome<Value> {
        let wallet = self.ask(who, "GET", "/v1/wallet", Value::Null).await?;
        Ok(wallet.json["lots"].clone())
    }

    /// What a wallet can spend, in the smallest unit.
    pub(super) async fn available(&mut self, who: &str) -> Outcome<u64> {
        let wallet = self.ask(who, "GET", "/v1/wallet", Value::Null).await?;
        let available = wallet.json["available"]["amount"].as_u64();
        available.ok_or_else(|| Failure::new(format!("no wallet: {}", wallet.problem())))
    }
}

/// An amount of the demo's tokens, in the smallest unit.
pub(super) fn aur(amount: u64) -> Value {
    json!({ "amount": amount, "unit": "AUR" })
}
