//! Terms, privacy, imprint and terms of the token: published by staff, version by version.
//!
//! ```text
//! (nothing) ──publish──▶ version 1 ──publish──▶ version 2 ...      what was published stays
//! ```
//!
//! The terms of sale are what orders accept: with a new version of them the vendor's `terms_version`
//! is that version, in the same commit.

use std::sync::Arc;

use scrip_domain::audit::Act;
use scrip_domain::legal::{LegalName, LegalText, next_version};
use scrip_domain::settings::{Settings, Vendor};
use scrip_domain::{Id, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};
use serde_json::json;

use crate::audit::{Note, Staff};
use crate::catalog::{Wrong, markdown, rules};
use crate::{Engine, Outcome};

/// The most characters of a text.
const TEXT: usize = 100_000;

/// A text in force, ready to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Legal {
    /// The text.
    pub text: LegalText,
    /// The same as HTML that can do no harm.
    pub html: String,
}

impl From<LegalText> for Legal {
    fn from(text: LegalText) -> Self {
        Self { html: markdown::to_html(&text.text), text }
    }
}

/// Why a text was not published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LegalRefusal {
    /// A field is out of its bounds.
    Wrong(Wrong),
    /// Another text of this name has this version.
    VersionTaken,
}

impl From<Wrong> for LegalRefusal {
    fn from(wrong: Wrong) -> Self {
        Self::Wrong(wrong)
    }
}

impl Engine {
    /// Publishes a new version of a text, called `version` or by the day; the same text again is no new version.
    pub async fn publish_legal(
        &self,
        by: Staff,
        name: LegalName,
        text: &str,
        version: Option<&str>,
    ) -> Outcome<LegalText, LegalRefusal> {
        let text = match rules::page(text, "text", TEXT) {
            Ok(text) if !text.trim().is_empty() => text,
            Ok(_) => return Ok(Err(rules::wrong("text", "more than nothing").into())),
            Err(wrong) => return Ok(Err(wrong.into())),
        };
        let version = match version.map(rules::version).transpose() {
            Ok(version) => version,
            Err(wrong) => return Ok(Err(wrong.into())),
        };
        let vendor = self.vendor().await?.id;
        self.submit(Publish { vendor, name, text, version, note: self.note(by)? }).await
    }

    /// The newest version of each text that there is, by name.
    pub async fn legal_texts(&self) -> Result<Arc<[Legal]>, Fault> {
        let now = self.now();
        if let Some(known) = self.memory.legal(now) {
            return Ok(known);
        }
        let epoch = self.memory.epoch();
        let newest = self.store.newest_legal_texts().await?;
        let mut all: Vec<Legal> = newest.into_iter().map(Legal::from).collect();
        all.sort_by_key(|legal| legal.text.name);
        let all: Arc<[Legal]> = all.into();
        self.memory.remember_legal(all.clone(), epoch);
        Ok(all)
    }
}

struct Publish {
    vendor: Id<Vendor>,
    name: LegalName,
    text: String,
    version: Option<String>,
    note: Note,
}

impl Command for Publish {
    type Receipt = LegalText;
    type Refusal = LegalRefusal;

    fn wants(&self, wants: &mut Wants) {
        wants.vendor.guard((self.vendor,));
        wants.legal_texts.guard((self.name,));
    }

    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<LegalText, LegalRefusal>, Fault> {
        let before = books.legal_texts.all(&(self.name,))?;
        let newest = before.iter().max_by_key(|text| (text.published_at, &text.version));
        let same = |text: &&LegalText| {
            text.text == self.text
                && self.version.as_ref().is_none_or(|version| *version == text.version)
        };
        if let Some(same) = newest.filter(same) {
            return Ok(Decision::done(same.clone(), Changes::default()));
        }
        let taken: Vec<&str> = before.iter().map(|text| text.version.as_str()).collect();
        let version = self.version.clone().unwrap_or_else(|| next_version(&taken, at));
        if taken.contains(&version.as_str()) {
            return Ok(Decision::refused(LegalRefusal::VersionTaken));
        }
        // The newest is the one in force, also when a clock was set back.
        let published_at = newest.map_or(at, |newest| at.max(newest.published_at));
        let text = LegalText { name: self.name, version, text: self.text.clone(), published_at };
        let mut changes = Changes::default();
        changes.legal_texts.push(Change::Insert(text.clone()));
        if self.name == LegalName::Terms {
            let vendor = books.vendor.get(&(self.vendor,))?;
            let vendor = vendor.ok_or_else(|| Fault::Bug("the vendor is gone".into()))?.clone();
            let settings =
                Settings { terms_version: text.version.clone(), ..vendor.settings.clone() };
            changes.vendor.push(Change::Update(Vendor { settings, ..vendor }));
        }
        let what = json!({ "version": { "to": text.version } });
        self.note.write(&mut changes, Act::LegalPublished, self.name, what, at);
        Ok(Decision::done(text, changes))
    }
}
