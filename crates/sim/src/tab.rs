//! What a buyer owes the vendor, and what comes by itself: the part of the book on which little is certain at once.
//!
//! A draw that a bureau is asked about, and a top-up that a person decides on, bring their tokens at any time
//! after the answer, or never. So they widen a range; at rest the list of top-ups says what became of each.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::book::{Verdict, Violation, amount, demand};

/// So many automatic top-ups are begun in a day, at most; no world lasts longer.
const AUTOMATIC: u64 = 5;

/// A top-up that a person may decide on.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// Its name.
    pub id: String,
    /// How it is paid.
    pub method: Method,
    /// What it would bring.
    pub tokens: u64,
}

/// How a top-up is paid, as far as that matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// By card.
    Card,
    /// On credit.
    Draw,
    /// Offline.
    Offline,
    /// With a voucher, or the demo's approval.
    Other,
}

/// What was told of one buyer's credit and automatic top-ups. A token costs a cent.
#[derive(Debug, Default)]
pub struct Tab {
    /// The limit that was answered last, and those that were not answered: each may come at any time.
    limit: u64,
    silent: Vec<u64>,
    /// The highest that was ever asked for.
    highest: u64,
    /// Drawn for sure, what may have been drawn besides, and repaid.
    drawn: i128,
    maybe_drawn: i128,
    repaid: i128,
    /// Top-ups that may bring tokens at any time, and how many.
    late: BTreeMap<String, u64>,
    /// Top-ups that wait for a person.
    pub waiting: Vec<Waiting>,
    /// Every top-up that was told.
    told: BTreeSet<String>,
    /// How often automatic top-ups were asked for, below how much, and up to how much at most.
    wishes: u64,
    below: u64,
    target: u64,
}

impl Tab {
    /// What may have come besides all that is certain.
    pub fn maybe(&self) -> i128 {
        let late: u64 = self.late.values().sum();
        i128::from(late) + i128::from(self.target) * i128::from(AUTOMATIC)
    }

    /// Whether something may have been paid by card without being asked.
    pub fn has_wishes(&self) -> bool {
        self.wishes > 0
    }

    /// Whether a top-up brings its tokens when nobody is told.
    pub fn is_late(&self, top_up: &str) -> bool {
        self.late.contains_key(top_up)
    }

    /// A top-up was told.
    pub fn tells(&mut self, top_up: &Value) {
        self.told.extend(top_up["id"].as_str().map(str::to_owned));
    }

    /// A top-up waits for a person.
    pub fn waits(&mut self, top_up: &Value, method: Method, tokens: u64) {
        if top_up["state"] == "in_review" {
            let id = top_up["id"].as_str().unwrap_or_default().to_owned();
            self.waiting.push(Waiting { id, method, tokens });
        }
    }

    /// A person is about to decide.
    pub fn is_decided(&mut self, waiting: &Waiting) {
        let Waiting { id, method, tokens } = waiting;
        // What is paid offline comes later, and is told then; a card's top-up can be seen to be one.
        if *method != Method::Offline && self.late.insert(id.clone(), *tokens).is_none() {
            self.may_draw(*method, *tokens);
        }
    }

    fn may_draw(&mut self, method: Method, tokens: u64) {
        if method == Method::Draw {
            self.maybe_drawn += i128::from(tokens);
        }
    }

    /// A limit is about to be set.
    pub fn limit_asked(&mut self, cents: u64) {
        self.silent.push(cents);
        self.highest = self.highest.max(cents);
    }

    /// It was set.
    pub fn limit_set(&mut self) {
        self.limit = self.silent.pop().unwrap_or(self.limit);
    }

    /// Whether a limit was ever asked for.
    pub fn has_limit(&self) -> bool {
        self.highest > 0
    }

    /// What is owed: at least, and at most.
    fn owed(&self) -> (i128, i128) {
        let low = self.drawn - self.repaid;
        (low, low + self.maybe_drawn)
    }

    /// A top-up on credit was answered: credited, put to review or to the bureau, or declined. `open` is what
    /// unanswered draws may have drawn, this one among them; none for a repetition, which tells of a moment that
    /// is long gone. Gives whether its tokens are there.
    pub fn drew(
        &mut self,
        tokens: u64,
        top_up: &Value,
        open: Option<i128>,
    ) -> Result<bool, Violation> {
        let cents = i128::from(tokens);
        let (low, high) = self.owed();
        let id = top_up["id"].as_str().unwrap_or_default().to_owned();
        match top_up["state"].as_str().unwrap_or_default() {
            "credited" => {
                let most = i128::from(self.highest);
                demand!(low + cents <= most, "{low} owed, {cents} drawn, of {most} at most");
                self.drawn += cents;
                return Ok(true);
            }
            "assessing" => {
                self.late.insert(id, tokens);
                self.may_draw(Method::Draw, tokens);
            }
            "in_review" => self.waits(top_up, Method::Draw, tokens),
            "declined" if top_up["assessment"]["reasons"][0] == "over_limit" => {
                let least = self.silent.iter().copied().fold(self.limit, u64::min);
                let least = i128::from(least);
                let most = high + open.unwrap_or(i128::from(u64::MAX));
                demand!(most > least, "declined, with {most} owed at most, of {least} at least");
            }
            "declined" => {}
            state => return Err(Violation(format!("a draw is {state}"))),
        }
        Ok(false)
    }

    /// So much was repaid; `open` is what unanswered draws may have drawn.
    pub fn repays(&mut self, cents: u64, answer: &Value, open: i128) -> Verdict {
        demand!(amount(&answer["money"]) == i128::from(cents), "{cents} repaid as {answer}");
        self.repaid += i128::from(cents);
        let (low, high) = self.owed();
        demand!(high + open >= 0, "{} repaid of what was never drawn: {low}", self.repaid);
        Ok(())
    }

    /// Automatic top-ups are about to be asked for.
    pub fn wishes(&mut self, below: u64, target: u64) {
        self.wishes += 1;
        (self.below, self.target) = (self.below.max(below), self.target.max(target));
    }

    /// A wallet was shown: what it says of credit. `open` is what unanswered draws may have drawn, and what
    /// unanswered repayments may have repaid.
    pub fn shown(&self, line: &Value, (drawn, repaid): (i128, i128)) -> Verdict {
        let (low, high) = self.owed();
        if line.is_null() {
            demand!(low <= 0, "{low} owed, and no credit line");
            return Ok(());
        }
        let [limit, owed, left] = ["limit", "owed", "left"].map(|what| amount(&line[what]));
        let (low, high) = (low - repaid, high + drawn);
        demand!((low..=high).contains(&owed), "{owed} owed, not {low} to {high}");
        let highest = i128::from(self.highest);
        demand!(owed <= highest && limit <= highest, "{line} of a limit of at most {highest}");
        demand!(left == (limit - owed).max(0), "{left} left of {limit}, {owed} owed");
        Ok(())
    }

    /// At rest: nothing was topped up that nobody asked for, and by itself no more than there was cause for.
    /// `low` says how often the balance was left below so much.
    pub fn by_itself(&self, top_ups: &[Value], low: impl Fn(u64) -> u64) -> Verdict {
        let strange = |one: &&Value| !self.told.contains(one["id"].as_str().unwrap_or_default());
        let strange: Vec<_> = top_ups.iter().filter(strange).collect();
        let by_card = strange.iter().all(|one| one["method"] == "card");
        demand!(by_card, "nobody asked for all of {strange:?}");
        let most = self.wishes + low(self.below);
        let begun = strange.len() as u64;
        demand!(begun <= most, "{begun} automatic top-ups, and {most} occasions");
        demand!(self.wishes == 0 || begun <= AUTOMATIC, "{begun} automatic top-ups in a day");
        let large = strange.iter().find(|one| amount(&one["tokens"]) > i128::from(self.target));
        demand!(large.is_none(), "{large:?} is more than up to {}", self.target);
        Ok(())
    }

    /// At rest: what is owed is what the drawn top-ups cost that were credited, without what was repaid.
    pub fn at_rest(&self, line: &Value, top_ups: &[Value]) -> Verdict {
        let drawn = top_ups
            .iter()
            .filter(|one| one["method"] == "credit_line" && one["credited_at"].is_string());
        let drawn: i128 = drawn.map(|one| amount(&one["pay"])).sum();
        let owed = if line.is_null() { 0 } else { amount(&line["owed"]) };
        demand!(owed == drawn - self.repaid, "{owed} owed, {drawn} drawn, {} repaid", self.repaid);
        Ok(())
    }
}
