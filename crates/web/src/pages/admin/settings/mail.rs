//! Settings of mail, where mail is set up.

use maud::{Markup, html};
use scrip_domain::settings::{self, Settings};
use serde::Deserialize;

use super::lines::{text, tick, tokens, typed};
use super::{Group, Wrong};
use crate::App;
use crate::pages::form::mistake;
use crate::problem::Problem;

/// What is sent by mail.
#[derive(Debug, Deserialize)]
pub struct Mail {
    #[serde(rename = "mail_staff")]
    staff: String,
    digest_below: String,
    #[serde(default)]
    verify: Option<String>,
}

impl Group for Mail {
    const WORD: &'static str = "mail";
    const TITLE: &'static str = "Mail";

    fn of(settings: &Settings) -> Self {
        let settings::Mail { staff, digest_below, verify } = &settings.mail;
        let below = Some(*digest_below).filter(|amount| !amount.is_zero());
        Self {
            staff: staff.clone(),
            digest_below: typed(below, &settings.token),
            verify: verify.then(|| "yes".to_owned()),
        }
    }

    fn on(&self, settings: &Settings) -> Result<Settings, Problem> {
        let below = tokens(&self.digest_below, "mail.digest_below", &settings.token)?;
        let mail = settings::Mail {
            staff: self.staff.clone(),
            digest_below: below.unwrap_or_default(),
            verify: self.verify.is_some(),
        };
        Ok(Settings { mail, ..settings.clone() })
    }

    fn fields(&self, _: &Settings, wrong: Wrong<'_>) -> Markup {
        let staff = "Who hears of reviews, disputes and dead webhooks. Empty: nobody.";
        let below = "Purchases in one step that cost less come in one letter a day. Empty: each has its own.";
        html! {
            (text("mail_staff", "Address of the staff", "email", &self.staff, Some(staff), wrong.with("mail.staff")))
            (text("digest_below", "Small purchases", "text", &self.digest_below, Some(below), wrong.with("mail.digest_below")))
            (tick("verify", "Buyers verify their address before they order", self.verify.is_some()))
            @if let Some(text) = wrong.with("mail.verify") { (mistake(None, text)) }
        }
    }

    fn is_here(app: &App) -> bool {
        app.engine.has_mail()
    }
}
