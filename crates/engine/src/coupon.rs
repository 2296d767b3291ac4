//! Coupons: made, closed, and what one does for a selection.
//!
//! Whether a coupon opens is said only where the buyer may see every price: what it takes off, or that it takes
//! nothing off, would tell of a hidden one. Whatever is wrong with it, the answer is the same.

use std::future::Future;

use scrip_domain::account::Account;
use scrip_domain::audit::Act;
use scrip_domain::catalog::{Product, ProductKind};
use scrip_domain::coupon::{
    self, Coupon, Discount, MOST_GOODS, MOST_USES, MOST_USES_PER_ACCOUNT, OrderCoupon,
};
use scrip_domain::order::{Line, Order};
use scrip_domain::{Amount, Id, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::index::{self, Entry};
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};
use serde_json::{Value, json};

use crate::audit::{Note, Staff, difference};
use crate::catalog::{Wrong, rules};
use crate::fresh::Fresh;
use crate::purchase::{Priceable, PurchaseRefusal};
use crate::selection::Selection;
use crate::throttle::Limited;
use crate::voucher::Code;
use crate::{Engine, Outcome};

/// The coupon that is wanted.
#[derive(Clone, Debug)]
pub struct CouponFields {
    /// Its word; one of chance without it.
    pub code: Option<String>,
    /// What it takes off.
    pub discount: Discount,
    /// From when on it is good.
    pub starts_at: Option<Timestamp>,
    /// Until when.
    pub ends_at: Option<Timestamp>,
    /// How often it can be used.
    pub max_uses: Option<u32>,
    /// How often one account can use it.
    pub max_uses_per_account: Option<u32>,
    /// What a selection must cost without it.
    pub min_total: Option<Amount>,
    /// It is for these products, beside its offers; for everything when it has neither.
    pub products: Vec<Id<Product>>,
    /// It is for these offers.
    pub offers: Vec<Id<scrip_domain::catalog::Offer>>,
}

/// Why no coupon was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CouponRefusal {
    /// An open coupon has this word.
    Taken,
    /// A field is out of its bounds.
    Wrong(Wrong),
}

/// There is no such coupon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoSuchCoupon;

/// The word as it is kept, however a person typed it: a generated one also without its dashes.
pub fn normal(word: &str) -> String {
    Code::parse(word).map_or_else(|| coupon::normal(word), |code| code.to_string())
}

impl Engine {
    /// Makes a coupon.
    pub async fn make_coupon(
        &self,
        by: Staff,
        fields: CouponFields,
    ) -> Outcome<Coupon, CouponRefusal> {
        let mut chance = [0; 20];
        self.fill(&mut chance);
        self.make_coupon_called(by, fields, self.mint()?, chance).await
    }

    /// The same by a form, which makes one coupon however often it is sent.
    pub async fn make_coupon_once(
        &self,
        by: Staff,
        fields: CouponFields,
        form: &Fresh<Coupon>,
    ) -> Outcome<Coupon, CouponRefusal> {
        // Whatever its word is by now: it may have been closed, and the word be another's.
        if let Some(made) = self.store.coupon(form.id).await? {
            return Ok(Ok(made));
        }
        self.make_coupon_called(by, fields, form.id, form.chance_of_code(0)).await
    }

    async fn make_coupon_called(
        &self,
        by: Staff,
        fields: CouponFields,
        id: Id<Coupon>,
        chance: [u8; 20],
    ) -> Outcome<Coupon, CouponRefusal> {
        let code = match &fields.code {
            Some(word) => normal(word),
            None => Code::of_chance(chance).to_string(),
        };
        if let Err(wrong) = check(&code, &fields) {
            return Ok(Err(CouponRefusal::Wrong(wrong)));
        }
        if let Err(wrong) = self.are_there(&fields).await? {
            return Ok(Err(CouponRefusal::Wrong(wrong)));
        }
        let coupon = Coupon {
            code,
            id,
            discount: fields.discount,
            starts_at: fields.starts_at,
            ends_at: fields.ends_at,
            max_uses: fields.max_uses,
            max_uses_per_account: fields.max_uses_per_account,
            min_total: fields.min_total,
            products: fields.products,
            offers: fields.offers,
            uses: 0,
            created_at: self.now(),
            closed_at: None,
        };
        self.submit(Make { coupon, note: self.note(by)? }).await
    }

    /// Closes a coupon: it is good for no further selection. Doing it again changes nothing.
    pub async fn close_coupon(&self, by: Staff, id: Id<Coupon>) -> Outcome<Coupon, NoSuchCoupon> {
        let Some(coupon) = self.store.coupon(id).await? else { return Ok(Err(NoSuchCoupon)) };
        self.submit(Close { code: coupon.code, id, note: self.note(by)? }).await
    }

    /// Whether what a coupon is for exists.
    async fn are_there(&self, fields: &CouponFields) -> Result<Result<(), Wrong>, Fault> {
        for (index, product) in fields.products.iter().enumerate() {
            let field = || format!("products[{index}]");
            match self.store.product(*product).await? {
                // What is bought of a bundle are its parts, which are products of their own.
                Some(product) if product.kind == ProductKind::Bundle => {
                    let why = "a product that is no bundle: of a bundle, name its offers in offers";
                    return Ok(Err(rules::wrong(field(), why)));
                }
                Some(_) => {}
                None => return Ok(Err(rules::wrong(field(), "a product's id"))),
            }
        }
        for (index, offer) in fields.offers.iter().enumerate() {
            if self.store.offer(*offer).await?.is_none() {
                return Ok(Err(rules::wrong(format!("offers[{index}]"), "an offer's id")));
            }
        }
        Ok(Ok(()))
    }

    /// What a command needs to look at the coupon of a selection, if that has one.
    pub(crate) async fn claim(&self, selection: &Selection) -> Result<Option<Claim>, Fault> {
        let Some(word) = selection.coupon() else { return Ok(None) };
        let code = normal(word);
        let found = self.store.open_coupon(&code).await?;
        Ok(Some(Claim::of(code, found.as_ref())))
    }

    /// The same for the coupon of an order.
    pub(crate) async fn claim_of(&self, coupon: &OrderCoupon) -> Result<Claim, Fault> {
        let found = self.store.coupon(coupon.id).await?;
        Ok(Claim::of(coupon.code.clone(), found.as_ref()))
    }

    /// What the coupon of a selection takes off, without keeping anything: `None` without one, and none of
    /// `account` where it does not open.
    pub(crate) async fn lessen_quote(
        &self,
        selection: &Selection,
        account: Option<Id<Account>>,
        priced: &mut [Priceable],
    ) -> Result<Option<Lessened>, Fault> {
        let Some(word) = selection.coupon() else { return Ok(None) };
        let found = self.store.open_coupon(&normal(word)).await?;
        let before = match (&found, account) {
            (Some(coupon), Some(account)) => self.store.coupon_uses(account, coupon.id).await?,
            _ => 0,
        };
        Ok(Some(lessen(found.as_ref(), before, priced, self.now())))
    }

    /// Asks with a selection, whose coupon must not be guessed.
    pub(crate) async fn trying<T>(
        &self,
        selection: &Selection,
        account: Option<Id<Account>>,
        source: &str,
        ask: impl Future<Output = Outcome<T, PurchaseRefusal>>,
    ) -> Outcome<T, PurchaseRefusal> {
        if selection.coupon().is_none() {
            return ask.await;
        }
        let (now, account) = (self.now(), account.map(|account| account.to_string()));
        let account = account.as_deref().map(|account| (Limited::CouponAccount, account));
        let limits = account.into_iter().chain([(Limited::CouponSource, source)]);
        let guess = match self.throttle.guess(limits, now) {
            Ok(guess) => guess,
            Err(wait) => return Ok(Err(PurchaseRefusal::RateLimited(wait))),
        };
        let answer = ask.await?;
        // The right word may be used as often as it likes.
        if matches!(answer, Err(PurchaseRefusal::CouponRefused)) {
            guess.wrong();
        }
        Ok(answer)
    }
}

/// What came of a coupon: the order names it, or it does not open.
pub(crate) type Lessened = Result<OrderCoupon, PurchaseRefusal>;

/// Takes off the lines what the coupon takes off for an account that has used it `before` so often.
fn lessen(
    coupon: Option<&Coupon>,
    before: usize,
    priced: &mut [Priceable],
    at: Timestamp,
) -> Lessened {
    let open = coupon.filter(|coupon| coupon.opens(at) && coupon.is_left(before));
    let lines: Vec<&Line> = priced.iter().map(|one| &one.line).collect();
    let taken = open.and_then(|coupon| Some((coupon.named(), coupon.take_off(&lines)?)));
    let (named, off) = taken.ok_or(PurchaseRefusal::CouponRefused)?;
    for (one, off) in priced.iter_mut().zip(off) {
        one.line.discount = off;
    }
    Ok(named)
}

/// A word that came with a selection, and the coupon that it meant.
#[derive(Debug)]
pub(crate) struct Claim {
    code: String,
    /// None of a word that no open coupon has: it is asked for all the same.
    coupon: Option<Id<Coupon>>,
    /// Whether it counts by account. Else nobody need look at what may be many.
    by_account: bool,
}

impl Claim {
    fn of(code: String, found: Option<&Coupon>) -> Self {
        let by_account = found.is_some_and(|coupon| coupon.max_uses_per_account.is_some());
        Self { code, coupon: found.map(|coupon| coupon.id), by_account }
    }

    /// The rows that it is decided on.
    pub fn wants(&self, wants: &mut Wants, account: Id<Account>) {
        wants.coupons.guard((self.code.clone(),));
        if let Some(coupon) = self.coupon
            && self.by_account
        {
            wants.by_account.read((account, index::COUPON, coupon.number()));
        }
    }

    fn coupon<'a>(&self, books: &'a Books) -> Result<Option<&'a Coupon>, Fault> {
        let of_word = books.coupons.all(&(self.code.clone(),))?.iter();
        Ok(of_word.into_iter().find(|coupon| Some(coupon.id) == self.coupon))
    }

    /// How often `account` has used it, where that counts.
    fn before(&self, books: &Books, account: Id<Account>) -> Result<usize, Fault> {
        match self.coupon {
            Some(coupon) if self.by_account => {
                Ok(books.by_account.all(&(account, index::COUPON, coupon.number()))?.len())
            }
            _ => Ok(0),
        }
    }

    /// Takes off the lines what it takes off.
    pub fn lessen(
        &self,
        books: &Books,
        account: Id<Account>,
        priced: &mut [Priceable],
        at: Timestamp,
    ) -> Result<Lessened, Fault> {
        let before = self.before(books, account)?;
        Ok(lessen(self.coupon(books)?, before, priced, at))
    }

    /// Whether a use of it is left. An order that was selected in time keeps it until then, whatever
    /// became of its times.
    pub fn is_left(&self, books: &Books, account: Id<Account>) -> Result<bool, Fault> {
        let before = self.before(books, account)?;
        Ok(self.coupon(books)?.is_some_and(|coupon| coupon.is_left(before)))
    }

    /// Counts the use that an order makes of it.
    pub fn count(
        &self,
        books: &Books,
        changes: &mut Changes,
        account: Id<Account>,
        order: &Order,
    ) -> Result<(), Fault> {
        let lost = || Fault::Bug("an order's coupon is gone".into());
        let coupon = self.coupon(books)?.ok_or_else(lost)?;
        let uses = coupon.uses.checked_add(1);
        let uses = uses.ok_or_else(|| Fault::Bug("a coupon's counter is full".into()))?;
        changes.coupons.push(Change::Update(Coupon { uses, ..coupon.clone() }));
        let entry = Entry::coupon(account, coupon.id, order.id);
        changes.by_account.push(Change::Insert(entry));
        Ok(())
    }
}

fn check(code: &str, fields: &CouponFields) -> Result<(), Wrong> {
    if !coupon::is_code(code) {
        return Err(rules::wrong("code", "3 to 40 of A-Z, 0-9, - and _"));
    }
    match fields.discount {
        Discount::Percent(percent) if !(1..=100).contains(&percent) => {
            return Err(rules::wrong("percent", "1 to 100"));
        }
        Discount::Amount(amount) if amount.is_zero() => {
            return Err(rules::wrong("amount.amount", "more than nothing"));
        }
        Discount::Percent(_) | Discount::Amount(_) => {}
    }
    let beyond = |uses: Option<u32>, most| uses.is_some_and(|uses| !(1..=most).contains(&uses));
    if beyond(fields.max_uses, MOST_USES) {
        return Err(rules::wrong("max_uses", format!("1 to {MOST_USES}")));
    }
    if beyond(fields.max_uses_per_account, MOST_USES_PER_ACCOUNT) {
        return Err(rules::wrong("max_uses_per_account", format!("1 to {MOST_USES_PER_ACCOUNT}")));
    }
    if fields.products.len() > MOST_GOODS {
        return Err(rules::wrong("products", format!("at most {MOST_GOODS}")));
    }
    if fields.offers.len() > MOST_GOODS {
        return Err(rules::wrong("offers", format!("at most {MOST_GOODS}")));
    }
    match (fields.starts_at, fields.ends_at) {
        (Some(start), Some(end)) if end <= start => {
            Err(rules::wrong("ends_at", "later than starts_at"))
        }
        _ => Ok(()),
    }
}

struct Make {
    coupon: Coupon,
    note: Note,
}

impl Command for Make {
    type Receipt = Coupon;
    type Refusal = CouponRefusal;

    fn wants(&self, wants: &mut Wants) {
        wants.coupons.guard((self.coupon.code.clone(),));
    }

    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<Coupon, CouponRefusal>, Fault> {
        let of_word = books.coupons.all(&(self.coupon.code.clone(),))?;
        // The same form, sent twice.
        if let Some(there) = of_word.iter().find(|coupon| coupon.id == self.coupon.id) {
            return Ok(Decision::done(there.clone(), Changes::default()));
        }
        if of_word.iter().any(|coupon| coupon.closed_at.is_none()) {
            return Ok(Decision::refused(CouponRefusal::Taken));
        }
        let mut changes = Changes::default();
        changes.coupons.push(Change::Insert(self.coupon.clone()));
        let what = difference(&Value::Null, &told(&self.coupon));
        self.note.write(&mut changes, Act::CouponMade, self.coupon.id, what, at);
        Ok(Decision::done(self.coupon.clone(), changes))
    }
}

/// What the audit log tells of a new coupon: all that is set.
fn told(coupon: &Coupon) -> Value {
    let (percent, amount) = match coupon.discount {
        Discount::Percent(percent) => (Some(percent), None),
        Discount::Amount(amount) => (None, Some(amount)),
    };
    let mut what = json!({
        "code": coupon.code, "percent": percent, "amount": amount, "starts_at": coupon.starts_at,
        "ends_at": coupon.ends_at, "max_uses": coupon.max_uses,
        "max_uses_per_account": coupon.max_uses_per_account, "min_total": coupon.min_total,
        "products": coupon.products, "offers": coupon.offers,
    });
    if let Value::Object(what) = &mut what {
        what.retain(|_, value| {
            !value.is_null() && value.as_array().is_none_or(|all| !all.is_empty())
        });
    }
    what
}

struct Close {
    code: String,
    id: Id<Coupon>,
    note: Note,
}

impl Command for Close {
    type Receipt = Coupon;
    type Refusal = NoSuchCoupon;

    fn wants(&self, wants: &mut Wants) {
        wants.coupons.guard((self.code.clone(),));
    }

    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<Coupon, NoSuchCoupon>, Fault> {
        let of_word = books.coupons.all(&(self.code.clone(),))?;
        let Some(coupon) = of_word.iter().find(|coupon| coupon.id == self.id) else {
            return Ok(Decision::refused(NoSuchCoupon));
        };
        let mut changes = Changes::default();
        if coupon.closed_at.is_some() {
            return Ok(Decision::done(coupon.clone(), changes));
        }
        let coupon = Coupon { closed_at: Some(at), ..coupon.clone() };
        changes.coupons.push(Change::Update(coupon.clone()));
        let what = json!({ "code": coupon.code, "uses": coupon.uses });
        self.note.write(&mut changes, Act::CouponClosed, coupon.id, what, at);
        Ok(Decision::done(coupon, changes))
    }
}
