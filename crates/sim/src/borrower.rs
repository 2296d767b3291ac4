//! What a buyer does on credit, and what staff do for it; and what it wants to be done by itself.

use http::Method;
use serde_json::{Value, json};

use crate::book::{Verdict, demand};
use crate::buyer::{Buyer, money};
use crate::tab;
use crate::voice::{Ask, Deed};

const CARDS: [&str; 5] =
    ["demo_approved", "demo_approved", "demo_declined", "demo_action", "demo_disputed"];

impl Buyer {
    pub(crate) async fn draw(&mut self) -> Verdict {
        // Who has no limit yet asks for one, mostly.
        if !self.book.tab.has_limit() && self.chance.permille(800) {
            return self.limit().await;
        }
        let tokens = self.chance.between(1, 2000);
        let body = json!({ "tokens": money(tokens), "method": "credit_line" });
        let ask = self.keyed("/v1/top-ups".into(), body, Deed::Draw(tokens));
        self.tell(&ask).await
    }

    pub(crate) async fn repay(&mut self) -> Verdict {
        let cents = self.chance.between(1, 2000);
        let body = json!({ "money": { "amount": cents, "unit": "EUR" }, "note": "a statement" });
        let path = format!("/v1/admin/accounts/{}/repayments", self.account);
        let ask = self.keyed(path, body, Deed::Repay(cents));
        let ask = Ask { token: self.market.admin.clone(), ..ask };
        self.tell(&ask).await
    }

    /// An administrator sets a limit. What is never answered may come at any time.
    pub(crate) async fn limit(&mut self) -> Verdict {
        let cents = if self.chance.permille(100) { 0 } else { self.chance.between(1, 9000) };
        let path = format!("/v1/admin/accounts/{}/credit-limit", self.account);
        let body = json!({ "limit": { "amount": cents, "unit": "EUR" } });
        let ask = self.by_admin(Method::PUT, path, body);
        self.book.tab.limit_asked(cents);
        let Some(answer) = self.ask(&ask).await else { return Ok(()) };
        demand!(answer.status == 200, "a limit was answered {}", answer.body);
        self.book.tab.limit_set();
        Ok(())
    }

    /// Staff decide on what waits for them.
    pub(crate) async fn decide(&mut self) -> Verdict {
        let Some(waiting) = self.chance.pick(&self.book.tab.waiting).cloned() else {
            return Ok(());
        };
        let approve = self.chance.permille(700);
        let path = format!("/v1/admin/top-ups/{}/decide", waiting.id);
        let ask =
            self.by_admin(Method::POST, path, json!({ "approve": approve, "reason": "looked" }));
        self.book.tab.is_decided(&waiting);
        let Some(answer) = self.ask(&ask).await else { return Ok(()) };
        let state = answer.body["state"].as_str().unwrap_or_default();
        let decided = match (answer.status, answer.code()) {
            (200, _) if approve => state != "in_review" && state != "declined",
            (200, _) => state == "declined",
            // Somebody decided before; the account is frozen; the limit does not cover it any more.
            (409, "not_in_review" | "over_limit") | (403, "account_frozen") => true,
            _ => false,
        };
        demand!(decided, "a decision was answered {} {}", answer.status, answer.body);
        if state == "requires_action" && waiting.method == tab::Method::Offline {
            self.book.due.insert(waiting.id, waiting.tokens);
        }
        Ok(())
    }

    /// Wants to be topped up by itself.
    pub(crate) async fn wish(&mut self) -> Verdict {
        let below = self.chance.between(1, 1500);
        let target = below + self.chance.between(1, 3000);
        let card = self.chance.pick(&CARDS).copied().unwrap_or("demo_approved");
        let mut body =
            json!({ "below": money(below), "to": money(target), "payment_method": card });
        if self.chance.permille(300) {
            let cents = self.chance.between(1, 6000);
            body["monthly_limit"] = json!({ "amount": cents, "unit": "EUR" });
        }
        let ask = Ask::post("/v1/account/auto-top-up", &self.token, body);
        let ask = Ask { method: Method::PUT, ..ask };
        self.book.tab.wishes(below, target);
        let Some(answer) = self.ask(&ask).await else { return Ok(()) };
        let frozen = answer.code() == "account_frozen";
        demand!(answer.status == 200 || frozen, "a wish was answered {}", answer.body);
        Ok(())
    }

    /// Wants it no more.
    pub(crate) async fn no_wish(&mut self) -> Verdict {
        let ask = Ask::get("/v1/account/auto-top-up", &self.token);
        let ask = Ask { method: Method::DELETE, ..ask };
        let Some(answer) = self.ask(&ask).await else { return Ok(()) };
        demand!(answer.status == 204, "no wish was answered {}", answer.body);
        Ok(())
    }

    fn by_admin(&self, method: Method, path: String, body: Value) -> Ask {
        Ask { method, ..Ask::post(path, &self.market.admin, body) }
    }
}
