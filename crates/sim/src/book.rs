//! The auditor's book on one buyer: reckoned from answers alone, it knows what must be true.
//!
//! A request without an answer stays open, and what it may have done makes the balance a range until
//! the same key has been answered. Nothing here knows how the engine decides.

use std::collections::BTreeMap;

use scrip_domain::settings::Flow;
use scrip_license::Terms;
use serde_json::{Value, json};

use crate::goods::Good;
use crate::tab::{Method, Tab};
use crate::voice::{Answer, Ask, Basket, Deed};

/// Something is true that must not be.
#[derive(Debug)]
pub struct Violation(pub String);

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Violation {}

/// Holds, or a violation that says why not.
pub type Verdict = Result<(), Violation>;

/// Demands that something holds.
macro_rules! demand {
    ($holds:expr, $($why:tt)+) => {
        if !$holds { return Err($crate::book::Violation(format!($($why)+))); }
    };
}
pub(crate) use demand;

/// An order, as far as answers told.
#[derive(Clone, Debug)]
pub struct Known {
    /// `draft`, `paid`, `declined` or `cancelled`.
    pub state: &'static str,
    /// What was ordered.
    pub basket: Basket,
    /// The whole order, once it was paid.
    pub paid: Value,
    /// Whether a cancel of it was never answered.
    pub maybe_cancelled: bool,
    /// What was given back of it, as it was told.
    pub refunds: Vec<Value>,
}

impl Known {
    fn new(state: &'static str, basket: Basket, paid: Value) -> Self {
        Self { state, basket, paid, maybe_cancelled: false, refunds: Vec::new() }
    }

    /// How much was given back.
    fn given_back(&self) -> i128 {
        self.refunds.iter().map(|refund| amount(&refund["amount"])).sum()
    }
}

#[derive(Clone, Debug)]
struct Told {
    ask: Ask,
    answer: Answer,
    /// How often it was told as something new.
    fresh: u32,
}

#[derive(Clone, Debug)]
struct Open {
    ask: Ask,
    /// Whether a copy of it may still be on its way.
    silent: bool,
}

/// Everything that one buyer was told.
#[derive(Debug)]
pub struct Book {
    flow: Flow,
    /// The balance that opens ordering.
    threshold: u64,
    brought: i128,
    spent: i128,
    /// What was given that may have expired since.
    gifts: i128,
    /// What was taken back of top-ups that no card paid.
    taken: i128,
    /// What cards may have brought: it may also have been taken back at any time, and what was spent of it is
    /// then owed, and paid from all else; so it counts for nothing where little is certain.
    cards: i128,
    /// Top-ups that brought something: their names, whether a card pays them, and how much.
    pub top_ups: Vec<(String, bool, u64)>,
    /// What is owed, and what may come at any time.
    pub tab: Tab,
    /// Top-ups that wait for money: their names, and how many tokens are missing at most.
    pub due: BTreeMap<String, u64>,
    open: BTreeMap<String, Open>,
    told: BTreeMap<String, Told>,
    /// The orders, by id.
    pub orders: BTreeMap<String, Known>,
    /// The licenses, by id, as they were first shown.
    pub licenses: BTreeMap<String, Value>,
}

impl Book {
    /// An empty book, of a shop with this flow and this threshold.
    pub fn new(flow: Flow, threshold: u64) -> Self {
        let (open, told) = (BTreeMap::new(), BTreeMap::new());
        let (orders, licenses) = (BTreeMap::new(), BTreeMap::new());
        let (brought, spent, gifts, taken, cards) = (0, 0, 0, 0, 0);
        let top_ups = Vec::new();
        Self {
            flow,
            threshold,
            brought,
            spent,
            gifts,
            taken,
            cards,
            top_ups,
            tab: Tab::default(),
            due: BTreeMap::new(),
            open,
            told,
            orders,
            licenses,
        }
    }

    /// `ask` is about to be sent.
    pub fn sent(&mut self, ask: &Ask) {
        let Some(key) = &ask.key else { return };
        if !self.told.contains_key(key) {
            let open = Open { ask: ask.clone(), silent: false };
            self.open.entry(key.clone()).or_insert(open);
        }
    }

    /// Nothing came back.
    pub fn silence(&mut self, ask: &Ask) {
        if let Some(open) = ask.key.as_ref().and_then(|key| self.open.get_mut(key)) {
            open.silent = true;
        }
    }

    /// From now on nothing is on its way any more.
    pub fn quiet(&mut self) {
        self.open.values_mut().for_each(|open| open.silent = false);
    }

    /// What was asked and not answered.
    pub fn unanswered(&self) -> Vec<Ask> {
        self.open.values().map(|open| open.ask.clone()).collect()
    }

    /// What was asked and answered, under a key that is taken.
    pub fn answered(&self) -> Vec<Ask> {
        self.told.values().map(|told| told.ask.clone()).collect()
    }

    /// What can be spent: at least, and at most.
    pub fn available(&self) -> (i128, i128) {
        let sure = self.brought - self.spent - self.taken;
        let (mut low, mut high) = (sure - self.gifts, sure + self.cards + self.tab.maybe());
        for open in self.open.values() {
            match &open.ask.deed {
                Deed::TopUp(tokens)
                | Deed::Gift(tokens)
                | Deed::Card(tokens)
                | Deed::Draw(tokens)
                | Deed::Voucher(tokens)
                | Deed::Receive { most: tokens, .. } => {
                    high += i128::from(*tokens);
                }
                Deed::TakeBack { card: false, most, .. } => low -= i128::from(*most),
                Deed::Refund(order) => {
                    let left = |known: &Known| i128::from(known.basket.total) - known.given_back();
                    high += self.orders.get(order).map_or(0, left);
                }
                Deed::Purchase(basket) => low -= i128::from(basket.total),
                Deed::Confirm(order) => {
                    low -= self.orders.get(order).map_or(0, |known| i128::from(known.basket.total));
                }
                Deed::TakeBack { card: true, .. }
                | Deed::Offline(_)
                | Deed::Draft(_)
                | Deed::Repay(_)
                | Deed::Read => {}
            }
        }
        (low, high)
    }

    /// Whether a refund of `order` is not answered yet.
    pub fn is_refunding(&self, order: &str) -> bool {
        self.open.values().any(|open| open.ask.deed == Deed::Refund(order.to_owned()))
    }

    /// What was given, all told: more than that cannot have expired.
    pub fn gifts(&self) -> i128 {
        self.gifts
    }

    /// Whether a bank may have disputed something.
    pub fn maybe_disputed(&self) -> bool {
        self.cards > 0
            || self.tab.has_wishes()
            || self.open.values().any(|open| matches!(open.ask.deed, Deed::Card(_)))
    }

    /// What was taken back of top-ups that no card paid, all told.
    pub fn taken(&self) -> i128 {
        self.taken
    }

    /// What came in and what went out, all told.
    pub fn turnover(&self) -> (i128, i128) {
        (self.brought, self.spent)
    }

    /// `answer` came to `ask`. `alone` when the buyer asked nothing else at the same time.
    pub fn hear(&mut self, ask: &Ask, answer: &Answer, alone: bool) -> Verdict {
        let Some(key) = &ask.key else { return Ok(()) };
        if let Some(told) = self.told.get_mut(key) {
            return told.again(answer);
        }
        let silent = self.open.get(key).is_some_and(|open| open.silent);
        let taken = match (&ask.deed, answer.status, answer.code()) {
            (_, 403, "account_frozen") => {
                demand!(self.maybe_disputed(), "frozen, and nothing was ever paid by card");
                false
            }
            (deed, ..) if deed.is_about_money() => self.paid_for(deed, answer)?,
            (Deed::Gift(tokens), 201, _) => self.given(*tokens, answer)?,
            // It was on its way for longer than it would have lasted.
            (Deed::Gift(_), 400, "invalid_field") => false,
            (Deed::Refund(order), 201, _) => self.given_back(&order.clone(), answer)?,
            (Deed::Refund(order), 409, "already_refunded") => {
                demand!(
                    self.maybe_refunded(order, key),
                    "nothing of {order} was given back before"
                );
                false
            }
            (Deed::TopUp(tokens), 201 | 402, _) => self.topped_up(*tokens, ask, answer)?,
            (Deed::Draft(basket), 201, _) => self.drafted(basket, answer)?,
            (Deed::Draft(basket), 402, code) => {
                // In a shop that opens at the threshold, a draft asks for no more than that.
                let total = if self.flow == Flow::RegisterFirst { 0 } else { basket.total };
                self.short(total, 0, code)?;
                false
            }
            (Deed::Draft(_) | Deed::Purchase(_) | Deed::Confirm(_), 409, "already_owned") => {
                self.owned_already(&ask.deed, key)?;
                false
            }
            (Deed::Draft(basket) | Deed::Purchase(basket), 422, "coupon_refused") => {
                demand!(basket.limited, "a coupon was refused that anybody can use");
                false
            }
            (Deed::Purchase(basket), 201, _) => self.paid(basket, key, answer, alone)?,
            (Deed::Purchase(basket), 402, code) => {
                // A repetition tells of a moment that is long gone.
                if !answer.replayed {
                    self.short(basket.total, basket.total, code)?;
                }
                self.declined(basket.clone(), answer)?
            }
            (Deed::Confirm(order), ..) => self.confirmed(&order.clone(), key, answer, alone)?,
            (_, status, code) => {
                return Err(Violation(format!("{:?} was answered {status} {code}", ask.deed)));
            }
        };
        if taken {
            self.open.remove(key);
            let fresh = u32::from(!answer.replayed);
            let told = Told { ask: ask.clone(), answer: answer.clone(), fresh };
            self.told.insert(key.clone(), told);
        } else if !silent {
            self.open.remove(key);
        }
        Ok(())
    }

    /// An answer about money. Gives whether its key is taken.
    fn paid_for(&mut self, deed: &Deed, answer: &Answer) -> Result<bool, Violation> {
        Ok(match (deed, answer.status, answer.code()) {
            (Deed::Offline(tokens), 201 | 402, _) => self.offline(*tokens, answer)?,
            (Deed::Receive { top_up, .. }, 200, _) => self.received(top_up, answer)?,
            (Deed::Voucher(tokens), 201 | 402, _) => self.redeemed(*tokens, answer)?,
            (Deed::Card(tokens), 201 | 402, _) => self.carded(*tokens, answer)?,
            (Deed::Draw(tokens), 201 | 402, _) => self.drew(*tokens, answer)?,
            (Deed::Repay(cents), 201, _) => {
                let (drawn, _) = self.credit_open();
                self.tab.repays(*cents, &answer.body, drawn)?;
                true
            }
            (Deed::TakeBack { top_up, card, most }, 201, _) => {
                self.taken_back(top_up, *card, *most, answer)?
            }
            // More than is owed, or nothing is; a part that was never answered has come, or all of it.
            (Deed::Repay(_) | Deed::Receive { .. }, 400, "invalid_field")
            | (Deed::Repay(_), 409, "nothing_owed")
            | (Deed::Receive { .. }, 409, "top_up_state")
            | (Deed::Voucher(_), 422, "voucher_refused")
            | (Deed::Voucher(_), 429, _)
            | (Deed::TakeBack { .. }, 409, "tokens_spent" | "already_refunded" | "top_up_state") => {
                false
            }
            (_, status, code) => {
                return Err(Violation(format!("{deed:?} was answered {status} {code}")));
            }
        })
    }

    fn topped_up(&mut self, tokens: u64, ask: &Ask, answer: &Answer) -> Result<bool, Violation> {
        let declined = answer.status == 402;
        let top_up = if declined { &answer.body["top_up"] } else { &answer.body };
        let state = top_up["state"].as_str().unwrap_or_default();
        let wanted = match ask.body["payment_method"].as_str() {
            Some("demo_declined") => "declined",
            Some("demo_review") => "in_review",
            _ => "credited",
        };
        let doubted = self.maybe_disputed() && matches!(state, "declined" | "in_review");
        demand!(state == wanted || doubted, "a top-up is {state}, not {wanted}");
        demand!(
            declined == (state == "declined"),
            "a top-up is {state}, and was {}",
            answer.status
        );
        self.tab.tells(top_up);
        self.tab.waits(top_up, Method::Other, tokens);
        demand!(
            top_up["tokens"]["amount"] == tokens,
            "a top-up of {tokens} brought {}",
            top_up["tokens"]
        );
        if state == "credited" {
            self.brought += i128::from(tokens);
            let id = top_up["id"].as_str().unwrap_or_default().to_owned();
            self.top_ups.push((id, false, tokens));
        }
        Ok(true)
    }

    /// A top-up by card was begun, or declined.
    fn carded(&mut self, tokens: u64, answer: &Answer) -> Result<bool, Violation> {
        let top_up = if answer.status == 402 { &answer.body["top_up"] } else { &answer.body };
        let state = top_up["state"].as_str().unwrap_or_default();
        let doubted = self.maybe_disputed() && matches!(state, "declined" | "in_review");
        let begun = matches!(state, "authorizing" | "assessing");
        demand!(begun || doubted, "a top-up by card is {state}");
        self.tab.tells(top_up);
        self.tab.waits(top_up, Method::Card, tokens);
        if begun {
            self.cards += i128::from(tokens);
            let id = top_up["id"].as_str().unwrap_or_default().to_owned();
            self.top_ups.push((id, true, tokens));
        }
        Ok(true)
    }

    /// A top-up on credit was answered.
    fn drew(&mut self, tokens: u64, answer: &Answer) -> Result<bool, Violation> {
        let top_up = if answer.status == 402 { &answer.body["top_up"] } else { &answer.body };
        let (drawn, _) = self.credit_open();
        self.tab.tells(top_up);
        if self.tab.drew(tokens, top_up, (!answer.replayed).then_some(drawn))? {
            self.brought += i128::from(tokens);
        }
        Ok(true)
    }

    /// What unanswered requests may have drawn on credit, and repaid.
    fn credit_open(&self) -> (i128, i128) {
        let sum = |of: fn(&Deed) -> u64| {
            self.open.values().map(|open| i128::from(of(&open.ask.deed))).sum()
        };
        let drawn = sum(|deed| if let Deed::Draw(tokens) = deed { *tokens } else { 0 });
        let repaid = sum(|deed| if let Deed::Repay(cents) = deed { *cents } else { 0 });
        (drawn, repaid)
    }

    /// A top-up waits for money, or was declined.
    fn offline(&mut self, tokens: u64, answer: &Answer) -> Result<bool, Violation> {
        let top_up = if answer.status == 402 { &answer.body["top_up"] } else { &answer.body };
        let state = top_up["state"].as_str().unwrap_or_default();
        let doubted = self.maybe_disputed() && matches!(state, "declined" | "in_review");
        let begun = matches!(state, "requires_action" | "assessing");
        demand!(begun || doubted, "a top-up that is paid offline is {state}");
        self.tab.tells(top_up);
        self.tab.waits(top_up, Method::Offline, tokens);
        if begun {
            let due = &top_up["next_action"]["money"]["amount"];
            demand!(*due == tokens || state == "assessing", "{due} is due for {tokens}");
            let id = top_up["id"].as_str().unwrap_or_default().to_owned();
            self.due.insert(id, tokens);
        }
        Ok(true)
    }

    /// Money came, and brought its part of the tokens: one a cent, so that no part is rounded.
    fn received(&mut self, top_up: &str, answer: &Answer) -> Result<bool, Violation> {
        let body = &answer.body;
        let came = body["remittances"].as_array().and_then(|all| all.last()).cloned();
        let came = came.unwrap_or_default();
        let (money, tokens) = (amount(&came["money"]), amount(&came["tokens"]));
        demand!(money == tokens, "{money} cents brought {tokens} tokens");
        self.brought += tokens;
        let left = amount(&body["tokens"]) - amount(&body["received"]);
        demand!(left >= 0, "more came than was due: {body}");
        let ended = body["state"] == "credited";
        demand!(ended == (left == 0), "{left} is due and the top-up is {}", body["state"]);
        let left = u64::try_from(left).unwrap_or(0);
        if let Some(known) = self.due.get_mut(top_up) {
            *known = left.min(*known);
        }
        if ended {
            self.due.remove(top_up);
            let whole = u64::try_from(amount(&body["tokens"])).unwrap_or(0);
            self.top_ups.push((top_up.to_owned(), false, whole));
        }
        Ok(true)
    }

    /// A voucher was redeemed, or its top-up declined or put to review.
    fn redeemed(&mut self, tokens: u64, answer: &Answer) -> Result<bool, Violation> {
        let top_up = if answer.status == 402 { &answer.body["top_up"] } else { &answer.body };
        let state = top_up["state"].as_str().unwrap_or_default();
        let doubted = self.maybe_disputed() && matches!(state, "declined" | "in_review");
        demand!(state == "credited" || doubted, "a voucher's top-up is {state}");
        self.tab.tells(top_up);
        self.tab.waits(top_up, Method::Other, tokens);
        if state == "credited" {
            let brought = &top_up["tokens"]["amount"];
            demand!(*brought == tokens, "a voucher of {tokens} brought {brought}");
            self.brought += i128::from(tokens);
        }
        Ok(true)
    }

    /// Money of a top-up was given back, and tokens were taken for it.
    fn taken_back(
        &mut self,
        top_up: &str,
        card: bool,
        most: u64,
        answer: &Answer,
    ) -> Result<bool, Violation> {
        let body = &answer.body;
        let (tokens, owed) = (amount(&body["tokens"]), amount(&body["owed"]));
        demand!(body["top_up"] == *top_up, "another top-up was refunded: {body}");
        demand!(tokens <= i128::from(most) && owed == 0, "{tokens} taken of {most}, {owed} owed");
        let state = if card { "pending" } else { "done" };
        demand!(body["state"] == state, "a refund is {}, not {state}", body["state"]);
        if !card {
            self.taken += tokens;
        }
        Ok(true)
    }

    fn given(&mut self, tokens: u64, answer: &Answer) -> Result<bool, Violation> {
        let brought = &answer.body["tokens"]["amount"];
        demand!(*brought == tokens, "a gift of {tokens} brought {brought}");
        self.brought += i128::from(tokens);
        self.gifts += i128::from(tokens);
        Ok(true)
    }

    /// A part of an order came back: never more of it than was paid, in all.
    fn given_back(&mut self, order: &str, answer: &Answer) -> Result<bool, Violation> {
        let body = &answer.body;
        let Some(known) = self.orders.get_mut(order) else {
            return Err(Violation(format!("{order} was given back and never told")));
        };
        let (back, expired) = (amount(&body["amount"]), amount(&body["expired"]));
        demand!(
            amount(&body["returned"]) + expired == back,
            "{back} is not what came back: {body}"
        );
        known.refunds.push(body.clone());
        let (all, paid) = (known.given_back(), i128::from(known.basket.total));
        demand!(all <= paid, "{all} of {order} was given back, which cost {paid}");
        self.brought += back;
        // What comes back to a gift can expire again.
        self.gifts += back;
        Ok(true)
    }

    /// Whether something of `order` was given back, or may have been, by another request than `key`.
    pub fn maybe_refunded(&self, order: &str, key: &str) -> bool {
        let told = self.orders.get(order).is_some_and(|known| !known.refunds.is_empty());
        let deed = Deed::Refund(order.to_owned());
        told || self.open.iter().any(|(other, open)| other != key && open.ask.deed == deed)
    }

    fn drafted(&mut self, basket: &Basket, answer: &Answer) -> Result<bool, Violation> {
        let id = answer.body["id"].as_str().unwrap_or_default().to_owned();
        demand!(answer.body["state"] == "draft", "a new order is {}", answer.body["state"]);
        demand!(answer.body["total"]["amount"] == basket.total, "a draft costs another total");
        demand!(!self.orders.contains_key(&id), "two drafts are called {id}");
        if !answer.replayed {
            self.is_new(basket)?;
        }
        let basket = basket.clone();
        let known = Known::new("draft", basket, Value::Null);
        self.orders.insert(id, known);
        Ok(true)
    }

    /// Too few tokens: there must have been a moment at which that was so. `own` is what the asking
    /// itself counts for among what is open.
    fn short(&self, total: u64, own: u64, code: &str) -> Verdict {
        let enough = match (code, self.flow) {
            ("balance_below_threshold", Flow::RegisterFirst) => self.threshold,
            ("insufficient_balance", _) => total,
            _ => return Err(Violation(format!("declined with {code}"))),
        };
        let (low, _) = self.available();
        let (low, enough) = (low + i128::from(own), i128::from(enough));
        demand!(low < enough, "declined, with {low} at hand and {enough} needed");
        Ok(())
    }

    /// What is owned for good is not sold twice to whoever does not insist.
    fn is_new(&self, basket: &Basket) -> Verdict {
        let owned = |license: &&Value| {
            let is = |good: &&Good| license["product"] == *good.product;
            let order = license["order"].as_str().unwrap_or_default();
            license["terms"] == json!(Terms::Perpetual)
                && !self.maybe_refunded(order, "")
                && lasting(basket).any(|good| is(&good))
        };
        let owned = self.licenses.values().find(owned).filter(|_| !basket.again);
        demand!(owned.is_none(), "sold again, although it is owned: {owned:?}");
        Ok(())
    }

    /// Refused as owned already: it must be, or an unanswered request may have bought it.
    fn owned_already(&self, deed: &Deed, key: &str) -> Verdict {
        let basket = |deed: &Deed| match deed {
            Deed::Draft(basket) | Deed::Purchase(basket) => basket.clone(),
            Deed::Confirm(order) => {
                self.orders.get(order).map_or_else(Basket::default, |known| known.basket.clone())
            }
            _ => Basket::default(),
        };
        let asked = basket(deed);
        let others = self.open.iter().filter(|(other, open)| {
            *other != key && matches!(open.ask.deed, Deed::Purchase(_) | Deed::Confirm(_))
        });
        let mut maybe: Vec<String> = Vec::new();
        for (_, open) in others {
            maybe.extend(lasting(&basket(&open.ask.deed)).map(|good| good.product.clone()));
        }
        let owns = |good: &Good| {
            let told = self.licenses.values().any(|license| {
                license["product"] == *good.product && license["terms"] == json!(Terms::Perpetual)
            });
            told || maybe.contains(&good.product)
        };
        let explained = !asked.again && lasting(&asked).any(owns);
        demand!(explained, "refused as owned already, and nothing of it is owned");
        Ok(())
    }

    fn declined(&mut self, basket: Basket, answer: &Answer) -> Result<bool, Violation> {
        let id = answer.body["order"].as_str().unwrap_or_default().to_owned();
        demand!(!id.is_empty(), "a declined purchase names no order");
        demand!(!self.orders.contains_key(&id), "two orders are called {id}");
        let known = Known::new("declined", basket, Value::Null);
        self.orders.insert(id, known);
        Ok(true)
    }

    fn confirmed(
        &mut self,
        order: &str,
        key: &str,
        answer: &Answer,
        alone: bool,
    ) -> Result<bool, Violation> {
        let Some(known) = self.orders.get(order).cloned() else {
            return Err(Violation(format!("an order {order} was confirmed that nobody knows")));
        };
        match (answer.status, answer.code()) {
            (200, _) => {
                demand!(answer.body["id"] == order, "another order was confirmed");
                self.paid(&known.basket, key, answer, alone)
            }
            (402, code) => {
                if !answer.replayed {
                    self.short(known.basket.total, known.basket.total, code)?;
                }
                if known.state == "draft" {
                    self.put(order, "declined");
                }
                Ok(true)
            }
            (409, "order_not_draft") => {
                let others = self.open.iter().any(|(other, open)| {
                    other != key && open.ask.deed == Deed::Confirm(order.to_owned())
                });
                let explained =
                    !matches!(known.state, "draft" | "declined") || known.maybe_cancelled || others;
                demand!(explained, "an order is {} and cannot be confirmed", known.state);
                Ok(false)
            }
            (409, "order_expired") => Ok(false),
            (422, "coupon_refused") => {
                demand!(known.basket.limited, "a coupon was used up that anybody can use");
                Ok(false)
            }
            (status, code) => Err(Violation(format!("confirm was answered {status} {code}"))),
        }
    }

    /// An order was paid: once, at its price, with a license for each unit.
    fn paid(
        &mut self,
        basket: &Basket,
        key: &str,
        answer: &Answer,
        alone: bool,
    ) -> Result<bool, Violation> {
        let body = &answer.body;
        let id = body["id"].as_str().unwrap_or_default().to_owned();
        demand!(body["state"] == "paid", "a paid order is {}", body["state"]);
        demand!(
            body["total"]["amount"] == basket.total,
            "paid {} for {}",
            body["total"],
            basket.total
        );
        let before = self.orders.get(&id).map(|known| known.state);
        demand!(
            matches!(before, None | Some("draft" | "declined")),
            "{id} was {before:?} and is paid"
        );
        let (_, high) = self.available();
        demand!(high >= i128::from(basket.total), "{} paid with {high} at hand", basket.total);
        if alone && !answer.replayed {
            let shut = self.flow == Flow::RegisterFirst && high < i128::from(self.threshold);
            demand!(!shut, "paid with {high} at hand, below the threshold of {}", self.threshold);
            self.is_new(basket)?;
        }
        let licenses = body["licenses"].as_array().cloned().unwrap_or_default();
        demand!(
            licenses.len() == basket.units.len(),
            "{} licenses for {} units of {id}",
            licenses.len(),
            basket.units.len()
        );
        let given = licenses.iter().map(|license| sort_of(&license["product"], &license["terms"]));
        let bought =
            basket.units.iter().map(|good| sort_of(&json!(good.product), &json!(good.terms)));
        let (mut given, mut bought): (Vec<_>, Vec<_>) = (given.collect(), bought.collect());
        given.sort();
        bought.sort();
        demand!(given == bought, "licenses of {given:?} for {bought:?}");
        for license in licenses {
            let name = license["id"].as_str().unwrap_or_default().to_owned();
            demand!(license["order"] == *id, "{name} is not of {id}");
            let twice = self.licenses.insert(name.clone(), license).is_some();
            demand!(!twice, "{name} was given twice");
        }
        self.spent += i128::from(basket.total);
        self.open.remove(key);
        let known = Known::new("paid", basket.clone(), body.clone());
        self.orders.insert(id, known);
        if alone && !answer.replayed {
            let (low, high) = self.available();
            let after =
                body["confirmation"]["balance_after"]["amount"].as_u64().unwrap_or(u64::MAX);
            let after = i128::from(after);
            demand!((low..=high).contains(&after), "{after} left, not {low} to {high}");
        }
        Ok(true)
    }

    /// A cancel of `order` was answered, or not.
    pub fn cancelled(&mut self, order: &str, answer: Option<&Answer>) -> Verdict {
        let Some(known) = self.orders.get_mut(order) else { return Ok(()) };
        match answer.map(|answer| (answer.status, answer.code())) {
            None => known.maybe_cancelled = true,
            Some((200, _)) => {
                demand!(known.state != "paid", "a paid order was cancelled");
                known.state = "cancelled";
            }
            Some((409, "order_not_draft" | "order_expired")) => {
                let confirming = |open: &Open| open.ask.deed == Deed::Confirm(order.to_owned());
                let explained = known.state != "draft"
                    || known.maybe_cancelled
                    || self.open.values().any(confirming);
                demand!(explained, "a draft cannot be cancelled");
            }
            Some((status, code)) => {
                return Err(Violation(format!("cancel was answered {status} {code}")));
            }
        }
        Ok(())
    }

    /// A wallet was shown.
    pub fn wallet(&self, body: &Value) -> Verdict {
        let (available, held, posted) =
            (amount(&body["available"]), amount(&body["held"]), amount(&body["posted"]));
        let (low, high) = self.available();
        demand!((low..=high).contains(&available), "{available} available, not {low} to {high}");
        demand!(posted == available + held, "{posted} posted, but {available} + {held}");
        self.tab.shown(&body["credit_line"], self.credit_open())?;
        let lots = body["lots"].as_array().map(Vec::as_slice).unwrap_or_default();
        let lots: i128 = lots.iter().map(|lot| amount(&lot["remaining"])).sum();
        demand!(lots == posted, "lots of {lots} in a wallet of {posted}");
        let funded = available >= i128::from(self.threshold);
        let standing = if funded { "funded" } else { "member" };
        let frozen = body["standing"] == "visitor" && self.maybe_disputed();
        demand!(body["standing"] == standing || frozen, "{} with {available}", body["standing"]);
        Ok(())
    }

    fn put(&mut self, order: &str, state: &'static str) {
        if let Some(known) = self.orders.get_mut(order) {
            known.state = state;
        }
    }
}

impl Told {
    /// The same key was answered again: the same answer, which says that it is a repetition.
    fn again(&mut self, answer: &Answer) -> Verdict {
        let key = self.ask.key.as_deref().unwrap_or_default();
        demand!(
            answer.status == self.answer.status && same(&answer.body, &self.answer.body),
            "{key} was first answered {} {}, then {} {}",
            self.answer.status,
            self.answer.body,
            answer.status,
            answer.body
        );
        self.fresh += u32::from(!answer.replayed);
        demand!(self.fresh <= 1, "{key} was done twice, or its repetition is not marked");
        Ok(())
    }
}

/// The units of a basket that are owned for good.
fn lasting(basket: &Basket) -> impl Iterator<Item = &Good> {
    basket.units.iter().filter(|good| good.terms == Terms::Perpetual)
}

/// The amount in an answer; more than there can be, where there is none.
pub fn amount(of: &Value) -> i128 {
    i128::from(of["amount"].as_u64().unwrap_or(u64::MAX))
}

/// What a license is for, to be compared.
fn sort_of(product: &Value, terms: &Value) -> String {
    format!("{product} {terms}")
}

/// The same answer, told under another request id.
fn same(one: &Value, other: &Value) -> bool {
    let bare = |value: &Value| {
        let mut value = value.clone();
        if let Some(object) = value.as_object_mut() {
            object.remove("request_id");
        }
        value
    };
    bare(one) == bare(other)
}
