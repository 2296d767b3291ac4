//! Programs that were sold with one license between them: they activate machines, take processings, lease and return
//! them, side by side, amid crashes, lost answers and clocks that go back.
//!
//! Their witness reckons from answers alone. What is certain never exceeds what was bought; a refusal is believed only
//! when what may have been taken explains it; and at rest, when every key has been answered, the server's sums are the
//! witness's, and what is left can be taken one by one, and then nothing more.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future;
use scrip_domain::catalog::{Labels, Offer, Product, ProductKind, ProductState};
use scrip_domain::visibility::Visibility;
use scrip_domain::{Amount, Id, Timestamp};
use scrip_license::{KeySet, Lease, Limits, Terms, jws};
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};
use serde_json::{Value, json};

use crate::book::{Verdict, Violation, demand};
use crate::buyer::{Market, money, word};
use crate::chance::Chance;
use crate::trace::Trace;
use crate::voice::{Answer, Ask, Voice};

/// How many processings the license has.
const COUNT: u64 = 60;
/// On how many machines.
const MACHINES: u64 = 2;
/// How many programs there are.
const PROGRAMS: u64 = 3;
/// The most steps that each takes.
const STEPS: u64 = 40;
/// How often a question is repeated before its silence is a violation of its own.
const TRIES: usize = 40;

/// The product and the offer of the license, on their way into the books. It is free, so that it opens no shop.
#[derive(Clone, Copy, Debug)]
pub struct Kit;

impl Kit {
    const PRODUCT: u64 = 1600;
    const OFFER: u64 = 2600;
}

impl Command for Kit {
    type Receipt = ();
    type Refusal = std::convert::Infallible;

    fn wants(&self, _: &mut Wants) {}

    fn decide(&self, _: &Books, at: Timestamp) -> Result<Decision<(), Self::Refusal>, Fault> {
        let mut changes = Changes::default();
        let number = || Fault::Bug("a number is no id".into());
        let product = Id::<Product>::new(Self::PRODUCT).ok_or_else(number)?;
        changes.offers.push(Change::Insert(Offer {
            id: Id::new(Self::OFFER).ok_or_else(number)?,
            product,
            key: "kit".into(),
            price: Amount::ZERO,
            terms: Terms::Processings { count: COUNT, unit: "images".parse().ok() },
            limits: Limits { machines: u32::try_from(MACHINES).ok(), ..Limits::default() },
            current: true,
            retired_at: None,
            created_at: at,
        }));
        changes.products.push(Change::Insert(Product {
            id: product,
            slug: "kit".into(),
            kind: ProductKind::Service,
            state: ProductState::Published,
            title: "A kit".into(),
            summary: String::new(),
            description: String::new(),
            labels: Labels::default(),
            pictures: Vec::new(),
            visibility: Visibility::default(),
            instructions: String::new(),
            texts: scrip_domain::texts::Texts::default(),
            price_from: Some(Amount::ZERO),
            cheapest: None,
            release: None,
            version: 0,
            created_at: at,
            updated_at: at,
        }));
        Ok(Decision::done((), changes))
    }
}

/// Where a machine stands, as far as that is certain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seat {
    Active,
    Free,
    /// Something that was never answered may still arrive.
    Unsure,
}

/// What was asked for under a key.
#[derive(Clone, Debug)]
struct Taking {
    verb: &'static str,
    body: Value,
    units: u64,
    /// What was taken, as it was answered first.
    told: Option<Value>,
    /// Whether a copy of it may still be on its way.
    silent: bool,
}

/// A lease that was answered.
#[derive(Clone, Copy, Debug)]
struct Lent {
    units: u64,
    /// What is said of it, once it was said: for ever.
    used: Option<u64>,
    returned: bool,
}

/// What all programs were told.
#[derive(Debug, Default)]
struct Witness {
    takings: BTreeMap<String, Taking>,
    leases: BTreeMap<String, Lent>,
    machines: BTreeMap<String, Seat>,
    /// Units that came back, all told.
    freed: u64,
    /// Machines that were deactivated, all told.
    left: u64,
}

/// What had come back when something was asked: a refusal tells of any moment since.
#[derive(Clone, Copy, Debug)]
struct Since {
    freed: u64,
    left: u64,
}

impl Witness {
    fn now(&self) -> Since {
        Since { freed: self.freed, left: self.left }
    }

    /// What is gone: at least, and at most.
    fn gone(&self) -> (u64, u64) {
        let (mut least, mut most) = (0, 0);
        for taking in self.takings.values() {
            match &taking.told {
                Some(told) if taking.verb == "lease" => {
                    let lent = self.leases.get(told["id"].as_str().unwrap_or_default());
                    let Some(lent) = lent else { continue };
                    let used = lent.used.unwrap_or(lent.units);
                    least += used;
                    most += if lent.returned { used } else { lent.units };
                }
                Some(_) => {
                    least += taking.units;
                    most += taking.units;
                }
                None => most += taking.units,
            }
        }
        (least, most)
    }

    fn seats(&self, like: impl Fn(Seat) -> bool) -> u64 {
        self.machines.values().filter(|seat| like(**seat)).count() as u64
    }

    /// A machine has been told to be so, unless something may still arrive.
    fn seat(&mut self, machine: &str, seat: Seat) {
        let place = self.machines.entry(machine.to_owned()).or_insert(Seat::Free);
        if *place != Seat::Unsure {
            *place = seat;
        }
    }

    fn holds(&self) -> Verdict {
        let (least, _) = self.gone();
        demand!(least <= COUNT, "{least} processings were given of {COUNT}");
        let active = self.seats(|seat| seat == Seat::Active);
        demand!(active <= MACHINES, "{active} machines are active of {MACHINES}");
        Ok(())
    }

    /// Too few were left at some moment since.
    fn explains_exhausted(&self, since: Since) -> Verdict {
        let most = self.gone().1 + (self.freed - since.freed);
        demand!(most > COUNT, "exhausted, with {most} gone at most of {COUNT}");
        Ok(())
    }

    /// There was no seat at some moment since.
    fn explains_limit(&self, machine: &str, since: Since) -> Verdict {
        let others = self.machines.iter();
        let others = others.filter(|(name, seat)| *name != machine && **seat != Seat::Free);
        let most = others.count() as u64 + (self.left - since.left);
        demand!(most >= MACHINES, "no seat, with {most} taken at most of {MACHINES}");
        Ok(())
    }
}

/// Who has bought the license, and runs the programs.
#[derive(Debug)]
pub struct Workshop {
    voice: Voice,
    market: Arc<Market>,
    chance: Chance,
    token: String,
    license: String,
    code: String,
    programs: Vec<Program>,
    witness: Rc<RefCell<Witness>>,
}

/// One program, on one machine after the other.
#[derive(Debug)]
struct Program {
    name: String,
    machine: String,
    voice: Voice,
    chance: Chance,
    impatience: u64,
    code: String,
    count: u64,
    witness: Rc<RefCell<Witness>>,
}

impl Workshop {
    /// A workshop, before it has bought anything.
    pub fn new(market: Arc<Market>, trace: &Trace) -> Result<Self, String> {
        let witness = Rc::<RefCell<Witness>>::default();
        let program = |number: u64| {
            let name = format!("program-{number}");
            Ok::<_, String>(Program {
                machine: format!("{name} at first"),
                voice: Voice::new(&name, trace.clone())?,
                chance: Chance::of(market.plan.seed, &name),
                impatience: market.plan.impatience,
                code: String::new(),
                count: 0,
                witness: witness.clone(),
                name,
            })
        };
        Ok(Self {
            voice: Voice::new("workshop", trace.clone())?,
            chance: Chance::of(market.plan.seed, "workshop"),
            programs: (0..PROGRAMS).map(program).collect::<Result<_, _>>()?,
            token: String::new(),
            license: String::new(),
            code: String::new(),
            market,
            witness,
        })
    }

    /// Buys the license, and lets the programs work.
    pub async fn live(&mut self) -> Verdict {
        self.buy().await?;
        let steps = self.market.plan.steps.min(STEPS);
        let code = self.code.clone();
        let works = self.programs.iter_mut().map(|program| {
            program.code.clone_from(&code);
            program.live(steps)
        });
        future::try_join_all(works).await.map(drop)
    }

    async fn buy(&mut self) -> Verdict {
        let who = json!({ "email": "workshop@example.org", "password": "correct horse" });
        let mut account = None;
        while account.is_none() {
            // An answer may be lost, and the address taken by the same words.
            for path in ["/v1/accounts", "/v1/sessions"] {
                let answer = self.patient(&Ask::post(path, "", who.clone())).await?;
                if answer.status == 201 {
                    self.token = word(&answer.body["token"]);
                    break;
                }
            }
            let answer = self.patient(&Ask::get("/v1/account", &self.token)).await?;
            account = answer.body["id"].as_str().map(str::to_owned);
        }
        let path = format!("/v1/admin/accounts/{}/adjust", account.unwrap_or_default());
        let gift = json!({ "tokens": money(10_000), "reason": "to open the shop" });
        let ask = Ask::post(path, &self.market.admin, gift);
        self.patient(&Ask { key: Some("workshop-funds".into()), ..ask }).await?;
        let offer = Id::<Offer>::new(Kit::OFFER).map(|id| id.to_string()).unwrap_or_default();
        let body = json!({ "lines": [{ "offer": offer }], "expected_total": money(0) });
        let ask = Ask::post("/v1/purchases", &self.token, body);
        let paid = self.patient(&Ask { key: Some("workshop-buys".into()), ..ask }).await?;
        let said = &paid.body;
        demand!(paid.status == 201, "a free license is refused as owned, or for no reason: {said}");
        let licenses = paid.body["licenses"].as_array().map_or(0, Vec::len);
        demand!(licenses == 1, "{licenses} licenses for one unit");
        let license = &paid.body["licenses"][0];
        self.license = word(&license["id"]);
        self.code = word(&license["code"]["jws"]);
        Ok(())
    }

    /// Asks until there is an answer, however bad the weather.
    async fn patient(&mut self, ask: &Ask) -> Result<Answer, Violation> {
        for _ in 0..TRIES * 10 {
            if let Some(answer) = self.voice.ask(ask, Duration::from_secs(5)).await {
                return Ok(answer);
            }
            tokio::time::sleep(Duration::from_millis(self.chance.between(100, 300))).await;
        }
        Err(Violation(format!("{} is never answered", ask.path)))
    }

    async fn by_code(&mut self, verb: &str, body: &Value) -> Result<Answer, Violation> {
        let mut body = body.clone();
        body["code"] = json!(self.code);
        self.patient(&Ask::post(format!("/v1/licenses/{verb}"), "", body)).await
    }

    /// When nothing fails any more: every key is answered, and everything adds up.
    pub async fn settle(&mut self) -> Verdict {
        // What still is on its way arrives now, or never.
        tokio::time::sleep(Duration::from_secs(3)).await;
        self.witness.borrow_mut().takings.values_mut().for_each(|taking| taking.silent = false);
        self.answer_everything().await?;
        self.free_the_unsure().await?;
        self.compare().await?;
        self.repeat_everything().await?;
        self.take_the_rest().await
    }

    async fn answer_everything(&mut self) -> Verdict {
        let machines: Vec<_> = self.witness.borrow().machines.keys().cloned().collect();
        let open: Vec<_> = {
            let witness = self.witness.borrow();
            let open = witness.takings.iter().filter(|(_, taking)| taking.told.is_none());
            open.map(|(key, taking)| (key.clone(), taking.clone())).collect()
        };
        for (key, taking) in open {
            // A lease that was not given before may take a seat now.
            if taking.verb == "lease" {
                let machine = word(&taking.body["fingerprint"]);
                self.witness.borrow_mut().machines.insert(machine, Seat::Unsure);
            }
            let since = self.witness.borrow().now();
            let answer = self.by_code(taking.verb, &taking.body).await?;
            let machine = word(&taking.body["fingerprint"]);
            demand!(machines.contains(&machine), "{machine} was never told of");
            heard(&self.witness, &key, &taking, &answer, since)?;
            forget(&self.witness, &key);
        }
        let said: Vec<_> = {
            let witness = self.witness.borrow();
            let said = witness.leases.iter().filter(|(_, lent)| !lent.returned);
            said.filter_map(|(id, lent)| Some((id.clone(), lent.used?))).collect()
        };
        for (lease, used) in said {
            let answer = self.by_code("return", &json!({ "lease": lease, "used": used })).await?;
            returned(&self.witness, &lease, used, &answer)?;
        }
        Ok(())
    }

    async fn free_the_unsure(&mut self) -> Verdict {
        let unsure: Vec<_> = {
            let witness = self.witness.borrow();
            let unsure = witness.machines.iter().filter(|(_, seat)| **seat == Seat::Unsure);
            unsure.map(|(name, _)| name.clone()).collect()
        };
        for machine in unsure {
            let answer = self.by_code("deactivate", &json!({ "fingerprint": machine })).await?;
            let code = answer.code();
            demand!(
                code == "VALID" || code == "NOT_ACTIVATED",
                "{machine} leaves: {}",
                answer.body
            );
            self.witness.borrow_mut().machines.insert(machine, Seat::Free);
        }
        Ok(())
    }

    /// The server's sums are the witness's.
    async fn compare(&mut self) -> Verdict {
        let path = format!("/v1/licenses/{}", self.license);
        let shown = self.patient(&Ask::get(path, &self.token)).await?.body;
        let witness = self.witness.borrow();
        let (least, most) = witness.gone();
        let number = |name: &str| shown[name].as_u64().unwrap_or(u64::MAX);
        let open = witness.leases.values().filter(|lent| !lent.returned);
        let leased: u64 = open.map(|lent| lent.units).sum();
        demand!(least == most, "{least} to {most} are gone at rest");
        demand!(number("leased") == leased, "{} are leased, not {leased}", shown["leased"]);
        demand!(number("used") + leased == most, "{} are used, {leased} leased", shown["used"]);
        demand!(number("left") == COUNT - most, "{} are left, {most} gone", shown["left"]);
        let listed: Vec<_> = shown["activations"].as_array().cloned().unwrap_or_default();
        let mut listed: Vec<_> = listed.iter().map(|one| word(&one["name"])).collect();
        listed.sort();
        let active = witness.machines.iter().filter(|(_, seat)| **seat == Seat::Active);
        let active: Vec<_> = active.map(|(name, _)| name.clone()).collect();
        demand!(listed == active, "{listed:?} are active, told were {active:?}");
        demand!(shown["machines"]["active"] == active.len(), "{} are counted", shown["machines"]);
        Ok(())
    }

    /// Whatever was answered is answered so again; leases prove themselves.
    async fn repeat_everything(&mut self) -> Verdict {
        let keys = self.patient(&Ask::get("/.well-known/jwks.json", "")).await?.body;
        let keys: Result<KeySet, _> = keys.to_string().parse();
        let keys = keys.map_err(|error| Violation(format!("the key set: {error}")))?;
        let all: Vec<_> = self.witness.borrow().takings.values().cloned().collect();
        for taking in all {
            let answer = self.by_code(taking.verb, &taking.body).await?;
            again(&taking, &answer)?;
            if let Some(lease) = answer.body["lease"].as_str() {
                let claims: Lease = jws::verify(lease, Lease::TYP, &keys)
                    .map_err(|error| Violation(format!("a lease: {error}")))?;
                demand!(claims.units == Some(taking.units), "a lease of {claims:?}");
            }
        }
        Ok(())
    }

    /// What is left can be taken one by one, and nothing more.
    async fn take_the_rest(&mut self) -> Verdict {
        let (gone, active) = {
            let witness = self.witness.borrow();
            let active = witness.machines.iter().find(|(_, seat)| **seat == Seat::Active);
            (witness.gone().1, active.map(|(name, _)| name.clone()))
        };
        let machine = active.unwrap_or_else(|| "the last one".to_owned());
        let answer = self.by_code("activate", &json!({ "fingerprint": machine })).await?;
        demand!(answer.code() == "VALID", "an active machine was answered {}", answer.body);
        for number in gone..=COUNT {
            let key = format!("rest-{number}");
            let body = json!({ "key": key, "units": 1, "fingerprint": machine });
            let code = self.by_code("consume", &body).await?.code().to_owned();
            let wanted = if number < COUNT { "VALID" } else { "PROCESSINGS_EXHAUSTED" };
            demand!(code == wanted, "number {number} of {COUNT} was answered {code}");
        }
        Ok(())
    }
}

impl Program {
    async fn live(&mut self, steps: u64) -> Verdict {
        for _ in 0..steps {
            match self.chance.below(10) {
                0 => self.activate().await?,
                1 => self.deactivate().await?,
                2 | 3 => self.take("lease").await?,
                4 | 5 => self.give_back().await?,
                6 => self.again().await?,
                7 => self.misuse().await?,
                _ => self.take("consume").await?,
            }
            self.witness.borrow().holds()?;
            if self.chance.permille(400) {
                tokio::time::sleep(Duration::from_millis(self.chance.between(1, 300))).await;
            }
        }
        Ok(())
    }

    async fn ask(&mut self, verb: &str, body: &Value) -> Option<Answer> {
        let hurried = self.chance.permille(self.impatience);
        let patience = if hurried { self.chance.between(1, 150) } else { 10_000 };
        let mut body = body.clone();
        body["code"] = json!(self.code);
        let ask = Ask::post(format!("/v1/licenses/{verb}"), "", body);
        let answer = self.voice.ask(&ask, Duration::from_millis(patience)).await;
        if answer.is_none() {
            // While the shop is down each try fails at once, in no time of this world.
            tokio::time::sleep(Duration::from_millis(self.chance.between(50, 250))).await;
        }
        answer
    }

    /// Something about the seat of this machine is not answered: it is certain of nothing more. Now and then the
    /// program goes on somewhere else.
    fn haunted(&mut self) {
        self.witness.borrow_mut().machines.insert(self.machine.clone(), Seat::Unsure);
        if self.chance.permille(500) {
            self.count += 1;
            self.machine = format!("{} at {}", self.name, self.count);
        }
    }

    async fn activate(&mut self) -> Verdict {
        let machine = self.machine.clone();
        let since = self.witness.borrow().now();
        let body = json!({ "fingerprint": machine, "name": machine });
        // On its way it may take a seat.
        let before = self.witness.borrow_mut().machines.insert(machine.clone(), Seat::Unsure);
        let before = before.unwrap_or(Seat::Free);
        let Some(answer) = self.ask("activate", &body).await else {
            self.haunted();
            return Ok(());
        };
        let mut witness = self.witness.borrow_mut();
        witness.machines.insert(machine.clone(), before);
        match answer.code() {
            "VALID" => witness.seat(&machine, Seat::Active),
            "MACHINE_LIMIT" => {
                demand!(before != Seat::Active, "{machine} was active, and found no seat");
                witness.explains_limit(&machine, since)?;
            }
            code => return Err(Violation(format!("activating was answered {code}"))),
        }
        Ok(())
    }

    async fn deactivate(&mut self) -> Verdict {
        let machine = self.machine.clone();
        let before = self.witness.borrow_mut().machines.insert(machine.clone(), Seat::Unsure);
        let before = before.unwrap_or(Seat::Free);
        let Some(answer) = self.ask("deactivate", &json!({ "fingerprint": machine })).await else {
            self.haunted();
            return Ok(());
        };
        let mut witness = self.witness.borrow_mut();
        witness.machines.insert(machine.clone(), before);
        match answer.code() {
            "VALID" => {
                demand!(before != Seat::Free, "{machine} left, and was not there");
                witness.left += 1;
                witness.seat(&machine, Seat::Free);
            }
            "NOT_ACTIVATED" => {
                demand!(before != Seat::Active, "{machine} was active, and could not leave");
            }
            code => return Err(Violation(format!("deactivating was answered {code}"))),
        }
        Ok(())
    }

    async fn take(&mut self, verb: &'static str) -> Verdict {
        self.count += 1;
        let (key, units) = (format!("{}-{}", self.name, self.count), self.chance.between(1, 6));
        let machine = self.machine.clone();
        let mut body = json!({ "key": key, "units": units, "fingerprint": machine });
        if verb == "lease" {
            body["name"] = json!(machine);
        }
        let taking = Taking { verb, body, units, told: None, silent: false };
        let twice = self.chance.permille(150);
        self.tell(&key, &taking, twice).await
    }

    /// Asks for something under its key, now and then twice at once.
    async fn tell(&mut self, key: &str, taking: &Taking, twice: bool) -> Verdict {
        let machine = word(&taking.body["fingerprint"]);
        let (since, before) = {
            let mut witness = self.witness.borrow_mut();
            witness.takings.entry(key.to_owned()).or_insert_with(|| taking.clone());
            // A lease takes a seat, if there is one.
            let seat = witness.machines.entry(machine.clone()).or_insert(Seat::Free);
            let before = *seat;
            if taking.verb == "lease" && *seat == Seat::Free {
                *seat = Seat::Unsure;
            }
            (witness.now(), before)
        };
        let first = self.ask(taking.verb, &taking.body).await;
        let second = if twice { self.ask(taking.verb, &taking.body).await } else { None };
        let answers: Vec<_> = [first, second].into_iter().flatten().collect();
        let is_whole = answers.len() == if twice { 2 } else { 1 };
        let given = answers.iter().any(|answer| answer.code() == "VALID");
        if let Some(taking) = self.witness.borrow_mut().takings.get_mut(key) {
            taking.silent |= !is_whole;
        }
        if taking.verb == "lease" {
            let seat = match before {
                Seat::Unsure => Seat::Unsure,
                _ if !is_whole => Seat::Unsure,
                _ if given => Seat::Active,
                before => before,
            };
            self.witness.borrow_mut().machines.insert(machine, seat);
        }
        for answer in &answers {
            heard(&self.witness, key, taking, answer, since)?;
        }
        forget(&self.witness, key);
        Ok(())
    }

    async fn give_back(&mut self) -> Verdict {
        let own = format!("{}-", self.name);
        let lent: Vec<_> = {
            let witness = self.witness.borrow();
            let own = witness.takings.iter().filter(|(key, _)| key.starts_with(&own));
            let own = own.filter_map(|(_, taking)| taking.told.as_ref());
            let ids = own.map(|told| word(&told["id"]));
            ids.filter_map(|id| Some((id.clone(), *witness.leases.get(&id)?))).collect()
        };
        let Some((id, lent)) = self.chance.pick(&lent).cloned() else { return Ok(()) };
        let used = lent.used.unwrap_or_else(|| self.chance.between(0, lent.units));
        if let Some(lent) = self.witness.borrow_mut().leases.get_mut(&id) {
            lent.used = Some(used);
        }
        let Some(answer) = self.ask("return", &json!({ "lease": id, "used": used })).await else {
            return Ok(());
        };
        returned(&self.witness, &id, used, &answer)
    }

    fn any(&mut self) -> Option<(String, Taking)> {
        let own = format!("{}-", self.name);
        let witness = self.witness.borrow();
        let own = witness.takings.iter().filter(|(key, _)| key.starts_with(&own));
        let own: Vec<_> = own.map(|(key, taking)| (key.clone(), taking.clone())).collect();
        self.chance.pick(&own).cloned()
    }

    async fn again(&mut self) -> Verdict {
        let Some((key, taking)) = self.any() else { return Ok(()) };
        if taking.told.is_none() {
            return self.tell(&key, &taking, false).await;
        }
        match self.ask(taking.verb, &taking.body).await {
            Some(answer) => again(&taking, &answer),
            None => Ok(()),
        }
    }

    /// A key that stands for something stands for nothing else.
    async fn misuse(&mut self) -> Verdict {
        let Some((_, taking)) = self.any().filter(|(_, taking)| taking.told.is_some()) else {
            return Ok(());
        };
        let mut body = taking.body.clone();
        body["units"] = json!(taking.units + 1);
        let Some(answer) = self.ask(taking.verb, &body).await else { return Ok(()) };
        demand!(
            answer.status == 409 && answer.code() == "idempotency_key_reused",
            "a key used again for something else was answered {}",
            answer.body
        );
        Ok(())
    }
}

/// An answer to a taking that was not answered yet.
fn heard(
    witness: &RefCell<Witness>,
    key: &str,
    taking: &Taking,
    answer: &Answer,
    since: Since,
) -> Verdict {
    let mut witness = witness.borrow_mut();
    let machine = word(&taking.body["fingerprint"]);
    match answer.code() {
        "VALID" => {
            let told = match taking.verb {
                "lease" => &answer.body["leased"],
                _ => &answer.body["consumption"],
            };
            demand!(told["units"] == taking.units, "{key} took {told}, not {}", taking.units);
            let left = answer.body["license"]["left"].as_u64().unwrap_or(u64::MAX);
            demand!(left <= COUNT - taking.units, "{key} took {}, and left {left}", taking.units);
            if taking.verb == "lease" {
                let lent = Lent { units: taking.units, used: None, returned: false };
                witness.leases.entry(word(&told["id"])).or_insert(lent);
            }
            if let Some(known) = witness.takings.get_mut(key) {
                if let Some(before) = &known.told {
                    demand!(before == told, "{key} is {told}, was first answered {before}");
                }
                known.told = Some(told.clone());
            }
            return Ok(());
        }
        "PROCESSINGS_EXHAUSTED" => witness.explains_exhausted(since)?,
        "MACHINE_LIMIT" if taking.verb == "lease" => witness.explains_limit(&machine, since)?,
        "NOT_ACTIVATED" if taking.verb == "consume" => {
            let seat = witness.machines.get(&machine);
            demand!(seat != Some(&Seat::Active), "{machine} is active, and took nothing");
        }
        code => return Err(Violation(format!("{key} was answered {code}: {}", answer.body))),
    }
    let told = witness.takings.get(key).is_some_and(|known| known.told.is_some());
    demand!(!told, "{key} was taken, and refused");
    Ok(())
}

/// What was refused, and of which no copy is on its way, was not taken.
fn forget(witness: &RefCell<Witness>, key: &str) {
    let mut witness = witness.borrow_mut();
    let refused = |known: &Taking| known.told.is_none() && !known.silent;
    if witness.takings.get(key).is_some_and(refused) {
        witness.takings.remove(key);
    }
}

/// What was taken is answered as it was first.
fn again(taking: &Taking, answer: &Answer) -> Verdict {
    let told =
        if taking.verb == "lease" { &answer.body["leased"] } else { &answer.body["consumption"] };
    let before = taking.told.as_ref();
    demand!(before == Some(told), "{told} was first answered {before:?}: {}", answer.body);
    Ok(())
}

/// An answer to a return.
fn returned(witness: &RefCell<Witness>, id: &str, used: u64, answer: &Answer) -> Verdict {
    demand!(answer.code() == "VALID", "a return of {id} was answered {}", answer.body);
    demand!(answer.body["returned"]["used"] == used, "{used} used, told {}", answer.body);
    let mut witness = witness.borrow_mut();
    let mut freed = 0;
    if let Some(lent) = witness.leases.get_mut(id) {
        if !lent.returned {
            freed = lent.units - used;
        }
        lent.returned = true;
    }
    witness.freed += freed;
    Ok(())
}
