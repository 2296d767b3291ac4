//! Buying on credit, coupons, and what becomes of money that goes back.

use serde_json::{Value, json};

use super::Story;
use super::funds::aur;
use crate::failure::Outcome;

impl Story<'_> {
    /// The vendor lends, up to a limit.
    pub(super) async fn credit_line(&mut self, ada: &str) -> Outcome {
        let admin = self.town.vendor.admin_key.clone();
        let account = self.ask(ada, "GET", "/v1/account", Value::Null).await?;
        let path = format!("/v1/admin/accounts/{}", account.at("/id"));
        let eur = |cents: u64| json!({ "amount": cents, "unit": "EUR" });
        let limit = json!({ "limit": eur(1000) });
        self.ask(&admin, "PUT", &format!("{path}/credit-limit"), limit).await?;
        let draw = |tokens: u64| json!({ "tokens": aur(tokens), "method": "credit_line" });
        let drawn = self.ask(ada, "POST", "/v1/top-ups", draw(80_000)).await?;
        let beyond = self.ask(ada, "POST", "/v1/top-ups", draw(30_000)).await?;
        let body = json!({ "money": eur(800), "note": "statement 16" });
        let repaid = self.ask(&admin, "POST", &format!("{path}/repayments"), body).await?;
        let wallet = self.ask(ada, "GET", "/v1/wallet", Value::Null).await?;
        let held = drawn.at("/state") == "credited"
            && beyond.is(402, "credit_declined")
            && repaid.status == 201
            && wallet.json["credit_line"]["owed"]["amount"] == json!(0);
        let answer = format!(
            "201 {}: {} now, {} later\nmore than the limit: {}\nrepaid {}; {} owed, {} left",
            drawn.at("/state"),
            drawn.at("/tokens/display"),
            drawn.at("/pay/display"),
            beyond.problem(),
            repaid.at("/money/display"),
            wallet.at("/credit_line/owed/display"),
            wallet.at("/credit_line/left/display"),
        );
        self.teller.step(
            "On credit: tokens now, money later, up to the limit that the vendor grants",
            held,
            &format!("PUT {path}/credit-limit 10 EUR; POST /v1/top-ups, 8 AUR, then 3 AUR"),
            &answer,
        );
        Ok(())
    }

    /// A word that takes something off, once.
    pub(super) async fn coupon(&mut self, ada: &str) -> Outcome {
        let admin = self.town.vendor.admin_key.clone();
        let offer = self.offer("tides-2027").await?;
        let word = format!("TIDE-{}", self.run.to_uppercase());
        let body = json!({ "code": word, "percent": 25, "max_uses": 1 });
        self.ask(&admin, "POST", "/v1/admin/coupons", body).await?;
        let lines = json!([{ "offer": offer }]);
        let body = json!({ "lines": lines, "coupon": word.to_lowercase() });
        let quote = self.ask(ada, "POST", "/v1/quotes", body.clone()).await?;
        let body = json!({ "lines": lines, "coupon": word, "expected_total": aur(36_000) });
        let paid = self.ask(ada, "POST", "/v1/purchases", body.clone()).await?;
        let again = self.ask(ada, "POST", "/v1/purchases", body).await?;
        let held = quote.at("/total/display") == "3.6000 AUR"
            && paid.at("/state") == "paid"
            && again.is(422, "coupon_refused");
        let answer = format!(
            "200 {} instead of 4.8000 AUR, {} off\n201 {}\nonce more: {}",
            quote.at("/total/display"),
            quote.at("/discount/display"),
            paid.at("/state"),
            again.problem(),
        );
        self.teller.step(
            "A coupon takes a quarter off, and as it is for one use, once",
            held,
            &format!("POST /v1/admin/coupons {word}; POST /v1/quotes; POST /v1/purchases, twice"),
            &answer,
        );
        Ok(())
    }

    /// Money that goes back to the card, and the tokens that it bought.
    pub(super) async fn money_back(&mut self, ada: &str) -> Outcome {
        let before = self.available(ada).await?;
        let bought = self.card(ada, "demo_approved", "credited").await?;
        let admin = self.town.vendor.admin_key.clone();
        let path = format!("/v1/admin/top-ups/{}/refunds", bought.at("/id"));
        let back = self.ask(&admin, "POST", &path, json!({ "reason": "asked for" })).await?;
        let refunded = self.seen(ada, bought.at("/id"), "refunded").await?;
        let after = self.available(ada).await?;
        let held = back.status == 201 && refunded.at("/state") == "refunded" && before == after;
        let answer = format!(
            "{} for {} bought, and given back\nthe top-up is {}; the wallet is as it was before",
            bought.at("/tokens/display"),
            bought.at("/pay/display"),
            refunded.at("/state"),
        );
        self.teller.step(
            "A top-up is given back: its tokens are taken, and the card gets the money",
            held,
            &format!("POST /v1/top-ups, 5 AUR by card; POST {path}"),
            &answer,
        );
        Ok(())
    }

    /// A bank that takes its money back.
    pub(super) async fn dispute(&mut self) -> Outcome {
        self.flow(json!({ "credit": { "freeze_disputed": true } })).await?;
        let mal = self.register(&format!("mal-{}@example.com", self.run)).await?;
        let disputed = self.card(&mal, "demo_disputed", "disputed").await?;
        let left = self.available(&mal).await?;
        let offer = self.offer("tide-of-the-day").await?;
        let order = self.ask(&mal, "POST", "/v1/orders", super::lines(&offer)).await?;
        let held =
            disputed.at("/state") == "disputed" && left == 0 && order.is(403, "account_frozen");
        let answer = format!(
            "{}: {} for {}, all of it taken back\nan order: {}",
            disputed.at("/state"),
            disputed.at("/tokens/display"),
            disputed.at("/pay/display"),
            order.problem(),
        );
        self.teller.step(
            "A bank disputes a payment: its tokens go, and the account is frozen until it is won",
            held,
            "POST /v1/top-ups, 5 AUR by card demo_disputed; POST /v1/orders",
            &answer,
        );
        self.flow(json!({ "credit": {} })).await
    }
}
