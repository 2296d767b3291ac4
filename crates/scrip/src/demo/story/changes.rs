//! Licenses that change: a rental goes on, a code is issued again, a license is suspended; and a bundle.

use serde_json::{Value, json};

use super::{Said, Story};
use crate::failure::{Failure, Outcome};

impl Story<'_> {
    /// What a holder and the vendor do with licenses after they were sold.
    pub(super) async fn changes(&mut self) -> Outcome {
        let who = self.register(&format!("dora-{}@example.com", self.run)).await?;
        self.top_up(&who, 200_000, "20 AUR on demo_approved").await?;
        let (offer, price) = self.offer_of("tallow", "month").await?;
        let body = json!({ "lines": [{ "offer": offer }], "expected_total": price });
        let rented = self.ask(&who, "POST", "/v1/purchases", body).await?;
        let license = rented.at("/licenses/0/id").to_owned();
        let path = format!("/v1/licenses/{license}/extend");
        let body = json!({ "offer": offer, "expected_total": price });
        let more = self.ask(&who, "POST", &path, body).await?;
        let (before, after) =
            (rented.at("/licenses/0/expires_at"), more.at("/extended/0/expires_at"));
        let held = more.status == 201 && !before.is_empty() && before < after;
        let answer =
            format!("201 {}: until {before} before, until {after} now", more.at("/total/display"));
        self.teller.step(
            "A rental is extended from where it ends",
            held,
            &format!("POST {path}"),
            &answer,
        );

        let old = more.at("/extended/0/code/short").to_owned();
        let path = format!("/v1/licenses/{license}/reissue");
        let new = self.ask(&who, "POST", &path, json!({})).await?;
        let said = [self.code_is(&old).await?, self.code_is(new.at("/code/short")).await?];
        let held = said[..] == ["SUPERSEDED", "VALID"];
        let answer = format!(
            "200 issue {}\nthe old code: {}\nthe new one: {}",
            new.json["issue"], said[0], said[1]
        );
        let name = "A code that others have seen is issued again, and the old one is dead at once";
        self.teller.step(name, held, &format!("POST {path}"), &answer);

        let mut said = Vec::new();
        for verb in ["suspend", "resume"] {
            let path = format!("/v1/admin/licenses/{license}/{verb}");
            let admin = self.town.vendor.admin_key.clone();
            self.ask(&admin, "POST", &path, json!({ "reason": "a card was reported stolen" }))
                .await?;
            said.push(self.code_is(new.at("/code/short")).await?);
        }
        let held = said == ["SUSPENDED", "VALID"];
        let what = format!("POST /v1/admin/licenses/{license}/suspend, then resume");
        self.teller.step(
            "The vendor suspends a license, and resumes it",
            held,
            &what,
            &said.join(", then "),
        );
        self.bundle(&who).await
    }

    async fn bundle(&mut self, who: &str) -> Outcome {
        let (offer, price) = self.offer_of("harbour-set", "standard").await?;
        let body = json!({ "lines": [{ "offer": offer }], "expected_total": price });
        let paid = self.ask(who, "POST", "/v1/purchases", body).await?;
        let lines = paid.json["lines"].as_array().cloned().unwrap_or_default();
        let part = |line: &Value| {
            let text = |member: &Value| member.as_str().unwrap_or_default().to_owned();
            format!("{} for {}", text(&line["title"]), text(&line["price"]["display"]))
        };
        let parts: Vec<_> = lines.iter().map(part).collect();
        let codes = paid.json["licenses"].as_array().map_or(0, Vec::len);
        let held = paid.status == 201 && parts.len() == 2 && codes == 2;
        let answer = format!(
            "201 {} in all, {codes} codes\n{}",
            paid.at("/total/display"),
            parts.join("\n")
        );
        let name = "A bundle is one price, and a license for each thing in it";
        self.teller.step(name, held, "POST /v1/purchases, harbour-set", &answer);
        Ok(())
    }

    /// What the server says of a code.
    async fn code_is(&mut self, code: &str) -> Outcome<String> {
        let verdict: Said =
            self.ask("", "POST", "/v1/licenses/validate", json!({ "code": code })).await?;
        Ok(verdict.at("/code").to_owned())
    }

    /// A product's offer of this key, and its price.
    async fn offer_of(&mut self, slug: &str, key: &str) -> Outcome<(String, Value)> {
        let admin = self.town.vendor.admin_key.clone();
        let product =
            self.ask(&admin, "GET", &format!("/v1/admin/products/{slug}"), Value::Null).await?;
        let offers = product.json["offers"].as_array().cloned().unwrap_or_default();
        let found = offers.into_iter().find(|offer| offer["key"] == key);
        let found = found.ok_or_else(|| Failure::new(format!("{slug} has no offer {key}")))?;
        let price = json!({ "amount": found["price"]["amount"], "unit": found["price"]["unit"] });
        Ok((found["id"].as_str().unwrap_or_default().to_owned(), price))
    }
}
