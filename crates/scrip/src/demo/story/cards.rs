//! Adding funds by card: what the processor and the vendor's staff make of it.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Said, Story};
use crate::failure::Outcome;

/// How often a top-up is looked at until it has come to an end, and the pause between.
const LOOKS: u32 = 100;
const PAUSE: Duration = Duration::from_millis(100);

impl Story<'_> {
    /// A card that is good, one that is declined, and one at which a person looks.
    pub(super) async fn cards(&mut self, ada: &str) -> Outcome {
        let before = self.ask(ada, "GET", "/v1/wallet", Value::Null).await?;
        let good = self.card(ada, "demo_approved", "credited").await?;
        let held = good.at("/state") == "credited" && good.at("/assessment/source") == "processor";
        self.teller.step(
            "Add funds by card: reserved, assessed, taken, credited",
            held,
            "POST /v1/top-ups, 5 AUR by card demo_approved",
            &summary(&good),
        );
        let declined = self.card(ada, "demo_declined", "failed").await?;
        let reason = declined.at("/reason").to_owned();
        self.teller.step(
            "A card that its bank declines charges nothing",
            declined.at("/state") == "failed" && !reason.is_empty(),
            "POST /v1/top-ups, 5 AUR by card demo_declined",
            &format!("{}: {reason}", summary(&declined)),
        );
        let doubtful = self.card(ada, "demo_review", "in_review").await?;
        let path = format!("/v1/admin/top-ups/{}/decide", doubtful.at("/id"));
        let admin = self.town.vendor.admin_key.clone();
        let word = json!({ "approve": true, "reason": "Ada called" });
        let decided = self.ask(&admin, "POST", &path, word).await?;
        let credited = self.seen(ada, decided.at("/id"), "credited").await?;
        let after = self.ask(ada, "GET", "/v1/wallet", Value::Null).await?;
        let available = |said: &Said| said.json["available"]["amount"].as_u64().unwrap_or_default();
        let held = doubtful.at("/state") == "in_review"
            && credited.at("/state") == "credited"
            && available(&after) == available(&before) + 100_000;
        let answer = format!(
            "{}\nstaff approve: {}\nthe wallet went from {} to {}",
            summary(&doubtful),
            summary(&credited),
            before.at("/available/display"),
            after.at("/available/display"),
        );
        self.teller.step(
            "At a risk a person looks first, and the money waits, reserved",
            held,
            &format!("POST /v1/top-ups, 5 AUR by card demo_review; POST {path}"),
            &answer,
        );
        Ok(())
    }

    /// Tops up by card, and looks until it has come to `state`.
    pub(super) async fn card(&mut self, who: &str, card: &str, state: &str) -> Outcome<Said> {
        let tokens = json!({ "amount": 50_000, "unit": "AUR" });
        let body = json!({ "tokens": tokens, "method": "card", "payment_method": card });
        let begun = self.ask(who, "POST", "/v1/top-ups", body).await?;
        self.seen(who, begun.at("/id"), state).await
    }

    /// The top-up, once it has come to `state`; as it is, when that takes too long.
    pub(super) async fn seen(&mut self, who: &str, id: &str, state: &str) -> Outcome<Said> {
        let path = format!("/v1/top-ups/{id}");
        for _ in 0..LOOKS {
            let said = self.ask(who, "GET", &path, Value::Null).await?;
            if said.at("/state") == state {
                return Ok(said);
            }
            tokio::time::sleep(PAUSE).await;
        }
        self.ask(who, "GET", &path, Value::Null).await
    }
}

fn summary(top_up: &Said) -> String {
    let reasons = top_up.json["assessment"]["reasons"].as_array();
    let reasons = reasons.into_iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>();
    format!(
        "{}: {} for {}, credit {} ({})",
        top_up.at("/state"),
        top_up.at("/tokens/display"),
        top_up.at("/pay/display"),
        top_up.at("/assessment/status"),
        reasons.join(", "),
    )
}
