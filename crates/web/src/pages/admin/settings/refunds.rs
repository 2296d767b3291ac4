//! What buyers are promised who want their tokens back.

use maud::{Markup, html};
use scrip_domain::refund_request::RefundPolicy;
use scrip_domain::settings::Settings;
use serde::Deserialize;

use super::lines::{count, text, tick};
use super::{Group, Wrong};
use crate::problem::Problem;

/// The policy, and who grants by it.
#[derive(Debug, Deserialize)]
pub struct Refunds {
    refund_days: String,
    #[serde(default)]
    opened: Option<String>,
    #[serde(default)]
    at_once: Option<String>,
}

impl Group for Refunds {
    const WORD: &'static str = "refunds";
    const TITLE: &'static str = "Refunds";

    fn of(settings: &Settings) -> Self {
        let yes = |is: bool| is.then(|| "yes".to_owned());
        Self {
            refund_days: settings.refund_policy.days.to_string(),
            opened: yes(settings.refund_policy.opened),
            at_once: yes(settings.refunds_at_once),
        }
    }

    fn on(&self, settings: &Settings) -> Result<Settings, Problem> {
        let days = count(&self.refund_days, "refund_policy.days")?.unwrap_or(0);
        Ok(Settings {
            refund_policy: RefundPolicy { days, opened: self.opened.is_some() },
            refunds_at_once: self.at_once.is_some(),
            ..settings.clone()
        })
    }

    fn fields(&self, _: &Settings, wrong: Wrong<'_>) -> Markup {
        let days = "From the payment on. 0: nothing is promised. Buyers read it before they confirm, and an order keeps what \
                    they read.";
        html! {
            (text("refund_days", "Days in which buyers can have their tokens back", "text", &self.refund_days, Some(days),
                wrong.with("refund_policy.days")))
            (tick("opened", "Also what was downloaded, activated or used", self.opened.is_some()))
            (tick("at_once", "What is covered is given back at once, without a person (but not what was downloaded in part)", self.at_once.is_some()))
            p.hint { "Whoever asks for anything else waits for your word, in the list of requests." }
        }
    }
}
