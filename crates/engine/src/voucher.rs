//! Batches of vouchers: made, and closed. Redeeming is a top-up ([`crate::top_up`]).

use scrip_domain::audit::Act;
use scrip_domain::voucher::{CodeDigest, MOST, Voucher, VoucherBatch, VoucherKind};
use scrip_domain::{Amount, Id, Timestamp};
use scrip_license::Typed;
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::audit::{Note, Staff, difference};
use crate::catalog::{Wrong, rules};
use crate::fresh::{Fresh, is_retold};
use crate::{Engine, Outcome};

/// Nineteen symbols of chance, which are 95 bits, and a check symbol.
pub(crate) type Code = Typed<20>;

/// So long a voucher's tokens may live at most: ten years.
const LONGEST: u32 = 3650;

/// What is kept of a code, however it was typed. What is no code has a digest, too, which no voucher has.
pub(crate) fn digest(code: &str) -> CodeDigest {
    let text = Code::parse(code).map_or_else(|| code.to_owned(), |code| code.to_string());
    Sha256::digest(text.as_bytes()).into()
}

/// The batch that is wanted.
#[derive(Clone, Debug)]
pub struct BatchFields {
    /// What it is for, for staff.
    pub label: String,
    /// What each of its vouchers brings.
    pub tokens: Amount,
    /// How many.
    pub count: u32,
    /// What their tokens are.
    pub kind: VoucherKind,
    /// From when on they can be redeemed.
    pub starts_at: Option<Timestamp>,
    /// Until when.
    pub expires_at: Option<Timestamp>,
    /// How many of them one account can redeem.
    pub per_account: Option<u32>,
    /// After how many days their tokens expire.
    pub tokens_expire_after_days: Option<u32>,
}

/// There is no such batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoSuchBatch;

impl Engine {
    /// Makes a batch, and tells its codes: nobody can tell them again.
    pub async fn make_vouchers(
        &self,
        by: Staff,
        fields: BatchFields,
    ) -> Outcome<(VoucherBatch, Vec<String>), Wrong> {
        let chance = |_| {
            let mut chance = [0; 20];
            self.fill(&mut chance);
            chance
        };
        self.make_batch(by, fields, self.mint()?, chance).await
    }

    /// The same by a form, which makes one batch however often it is sent. A form that is sent again soon gets the same
    /// codes, and none later.
    pub async fn make_vouchers_once(
        &self,
        by: Staff,
        fields: BatchFields,
        form: &Fresh<VoucherBatch>,
    ) -> Outcome<(VoucherBatch, Vec<String>), Wrong> {
        let chance = |number| form.chance_of_code(number);
        let made = self.make_batch(by, fields, form.id, chance).await?;
        Ok(made.map(|(batch, codes)| {
            let told = is_retold(batch.created_at, self.now());
            (batch, if told { codes } else { Vec::new() })
        }))
    }

    async fn make_batch(
        &self,
        by: Staff,
        fields: BatchFields,
        id: Id<VoucherBatch>,
        chance: impl Fn(u32) -> [u8; 20],
    ) -> Outcome<(VoucherBatch, Vec<String>), Wrong> {
        if let Err(wrong) = check(&fields) {
            return Ok(Err(wrong));
        }
        let code = |number| Code::of_chance(chance(number)).to_string();
        let codes: Vec<String> = (0..fields.count).map(code).collect();
        let batch = VoucherBatch {
            id,
            label: fields.label,
            tokens: fields.tokens,
            count: fields.count,
            redeemed: 0,
            kind: fields.kind,
            starts_at: fields.starts_at,
            expires_at: fields.expires_at,
            per_account: fields.per_account,
            tokens_expire_after_days: fields.tokens_expire_after_days,
            created_at: self.now(),
            closed_at: None,
        };
        let digests = codes.iter().map(|code| digest(code)).collect();
        let make = Make { batch: batch.clone(), digests, note: self.note(by)? };
        match self.submit(make).await? {
            Ok(batch) => Ok(Ok((batch, codes))),
            Err(wrong) => Ok(Err(wrong)),
        }
    }

    /// Closes a batch: nobody can redeem any more of it. Doing it again changes nothing.
    pub async fn close_vouchers(
        &self,
        by: Staff,
        batch: Id<VoucherBatch>,
    ) -> Outcome<VoucherBatch, NoSuchBatch> {
        self.submit(Close { batch, note: self.note(by)? }).await
    }
}

fn check(fields: &BatchFields) -> Result<(), Wrong> {
    if fields.tokens.is_zero() {
        return Err(rules::wrong("tokens.amount", "more than nothing"));
    }
    if !(1..=MOST).contains(&fields.count) {
        return Err(rules::wrong("count", format!("1 to {MOST}")));
    }
    if fields.per_account.is_some_and(|most| !(1..=MOST).contains(&most)) {
        return Err(rules::wrong("per_account", format!("1 to {MOST}")));
    }
    if fields.tokens_expire_after_days.is_some_and(|days| !(1..=LONGEST).contains(&days)) {
        return Err(rules::wrong("tokens_expire_after_days", format!("1 to {LONGEST}")));
    }
    match (fields.starts_at, fields.expires_at) {
        (Some(start), Some(end)) if end <= start => {
            Err(rules::wrong("expires_at", "later than starts_at"))
        }
        _ => Ok(()),
    }
}

struct Make {
    batch: VoucherBatch,
    digests: Vec<CodeDigest>,
    note: Note,
}

impl Command for Make {
    /// The batch: this one, or the same that the same form made before.
    type Receipt = VoucherBatch;
    type Refusal = Wrong;

    fn wants(&self, wants: &mut Wants) {
        wants.voucher_batches.guard((self.batch.id,));
    }

    fn decide(&self, books: &Books, at: Timestamp) -> Result<Decision<VoucherBatch, Wrong>, Fault> {
        if let Some(there) = books.voucher_batches.get(&(self.batch.id,))? {
            let VoucherBatch { redeemed, created_at, closed_at, .. } = *there;
            let same = VoucherBatch { redeemed, created_at, closed_at, ..self.batch.clone() };
            return Ok(if same == *there {
                Decision::done(there.clone(), Changes::default())
            } else {
                let must = "as it was sent before: open the form again for another batch";
                Decision::refused(rules::wrong("label", must))
            });
        }
        let VoucherBatch { id, label, tokens, count, kind, .. } = &self.batch;
        let mut changes = Changes::default();
        changes.voucher_batches.push(Change::Insert(self.batch.clone()));
        let voucher = |code: &CodeDigest| Voucher { code: *code, batch: *id, top_up: None };
        changes.vouchers.extend(self.digests.iter().map(voucher).map(Change::Insert));
        let what = json!({ "label": label, "tokens": tokens, "count": count, "kind": kind });
        let what = difference(&Value::Null, &what);
        self.note.write(&mut changes, Act::VouchersMade, id, what, at);
        Ok(Decision::done(self.batch.clone(), changes))
    }
}

struct Close {
    batch: Id<VoucherBatch>,
    note: Note,
}

impl Command for Close {
    type Receipt = VoucherBatch;
    type Refusal = NoSuchBatch;

    fn wants(&self, wants: &mut Wants) {
        wants.voucher_batches.guard((self.batch,));
    }

    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<VoucherBatch, NoSuchBatch>, Fault> {
        let Some(batch) = books.voucher_batches.get(&(self.batch,))? else {
            return Ok(Decision::refused(NoSuchBatch));
        };
        let mut changes = Changes::default();
        if batch.closed_at.is_some() {
            return Ok(Decision::done(batch.clone(), changes));
        }
        let batch = VoucherBatch { closed_at: Some(at), ..batch.clone() };
        changes.voucher_batches.push(Change::Update(batch.clone()));
        let what = json!({ "redeemed": batch.redeemed, "count": batch.count });
        self.note.write(&mut changes, Act::VouchersClosed, batch.id, what, at);
        Ok(Decision::done(batch, changes))
    }
}
