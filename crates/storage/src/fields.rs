//! Fields: how each domain type is kept in cells, in both databases alike.

use std::borrow::Cow;

use scrip_domain::account::{NewEmail, Person};
use scrip_domain::agreement::Figures;
use scrip_domain::api_key::Scope;
use scrip_domain::audit::Actor;
use scrip_domain::bank::{Bic, Iban};
use scrip_domain::catalog::{Labels, Offer, Picture, Product};
use scrip_domain::checkout::PendingRefund;
use scrip_domain::connection::ReturnCode;
use scrip_domain::coupon::{Discount, OrderCoupon};
use scrip_domain::credit::Assessment;
use scrip_domain::event::{EventType, Subject};
use scrip_domain::factor::Factor;
use scrip_domain::ledger::{Counters, LedgerAccount};
use scrip_domain::letter::Recipient;
use scrip_domain::lot::{Lot, LotKind, OpenLot};
use scrip_domain::merchant::{Fee, MerchantLimits};
use scrip_domain::order::{Check, Order};
use scrip_domain::passkey::Passkey;
use scrip_domain::refund_request::RefundPolicy;
use scrip_domain::request::{Request, RequestId};
use scrip_domain::settings::{FormerName, Settings};
use scrip_domain::texts::{Texts, Titles};
use scrip_domain::top_up::{Appeal, Due, Payment, Reversed};
use scrip_domain::visibility::{Level, Visibility};
use scrip_domain::{Amount, Id, Money, Timestamp, Unit};

use crate::cells::{Cell, Kind, Reader};
use crate::fault::Fault;
use scrip_license::Digest;

/// A value that fills one column, or several next to each other.
pub trait Field: Sized {
    /// The columns: what is added to the field's name, and the kind.
    const COLUMNS: &'static [(&'static str, Kind)];
    /// Appends the cells.
    fn write<'a>(&'a self, out: &mut Vec<Cell<'a>>);
    /// Reads the same cells back; `None` when all of them are NULL.
    fn read(cells: &mut Reader<'_>) -> Result<Option<Self>, Fault>;
}

impl<F: Field> Field for Option<F> {
    const COLUMNS: &'static [(&'static str, Kind)] = F::COLUMNS;

    fn write<'a>(&'a self, out: &mut Vec<Cell<'a>>) {
        match self {
            Some(value) => value.write(out),
            None => out.extend(F::COLUMNS.iter().map(|_| Cell::Null)),
        }
    }

    fn read(cells: &mut Reader<'_>) -> Result<Option<Self>, Fault> {
        F::read(cells).map(Some)
    }
}

/// Fields kept as one integer.
macro_rules! int_fields {
    ($(($($generic:ident)?) $type:ty: $to:expr, $from:expr;)*) => {$(
        impl$(<$generic>)? Field for $type {
            const COLUMNS: &'static [(&'static str, Kind)] = &[("", Kind::Int)];

            fn write<'a>(&'a self, out: &mut Vec<Cell<'a>>) {
                let to: fn(&Self) -> Cell<'static> = $to;
                out.push(to(self));
            }

            fn read(cells: &mut Reader<'_>) -> Result<Option<Self>, Fault> {
                let from: fn(i64) -> Option<Self> = $from;
                match cells.int()? {
                    Some(number) => from(number).map(Some).ok_or_else(|| cells.corrupt()),
                    None => Ok(None),
                }
            }
        }
    )*};
}

fn unsigned(number: i64) -> Option<u64> {
    u64::try_from(number).ok()
}

int_fields! {
    (T) Id<T>: |id| Cell::number(id.number()), |number| unsigned(number).and_then(Id::new);
    () Amount: |amount| Cell::number(amount.units()), |number| unsigned(number).and_then(Amount::new);
    () Timestamp: |at| Cell::Int(at.millis()), |number| Some(Timestamp::from_millis(number));
    () RequestId: |id| Cell::number(id.number()), |number| unsigned(number).and_then(RequestId::new);
    () Subject: |subject| Cell::number(subject.0), |number| unsigned(number).map(Subject);
    () LedgerAccount: |account| Cell::Int(account.number()), LedgerAccount::from_number;
    () i64: |number| Cell::Int(*number), |number| Some(number);
    () u64: |number| Cell::number(*number), unsigned;
    () u32: |number| Cell::Int(i64::from(*number)), |number| u32::try_from(number).ok();
    () u8: |number| Cell::Int(i64::from(*number)), |number| u8::try_from(number).ok();
    () Level: |level| Cell::Int(i64::from(level.rank())), |number| u8::try_from(number).ok().and_then(Level::from_rank);
    () bool: |truth| Cell::Int(i64::from(*truth)), |number| match number { 0 => Some(false), 1 => Some(true), _ => None };
}

impl Field for String {
    const COLUMNS: &'static [(&'static str, Kind)] = &[("", Kind::Text)];

    fn write<'a>(&'a self, out: &mut Vec<Cell<'a>>) {
        out.push(Cell::text(self.as_str()));
    }

    fn read(cells: &mut Reader<'_>) -> Result<Option<Self>, Fault> {
        cells.text()
    }
}

/// Fields kept as a word of a closed list.
macro_rules! word_fields {
    ($($type:path),* $(,)?) => {$(
        impl Field for $type {
            const COLUMNS: &'static [(&'static str, Kind)] = &[("", Kind::Text)];

            fn write<'a>(&'a self, out: &mut Vec<Cell<'a>>) {
                out.push(Cell::Text(Cow::Borrowed(self.as_str())));
            }

            fn read(cells: &mut Reader<'_>) -> Result<Option<Self>, Fault> {
                match cells.text()? {
                    Some(word) => Self::parse(&word).map(Some).ok_or_else(|| cells.corrupt()),
                    None => Ok(None),
                }
            }
        }
    )*};
}

word_fields! {
    scrip_domain::agreement::AgreementState, scrip_domain::agreement::By, scrip_domain::agreement::Untold, scrip_domain::exchange::ExchangeState,
    scrip_domain::exchange::IncomingState, scrip_domain::link::LinkState, scrip_domain::partner::EntryKind,
    scrip_domain::partner::Side, scrip_domain::partner::Suspended, scrip_domain::statement::SettlementMethod,
    scrip_domain::statement::SettlementState, scrip_domain::statement::StatementState,
    scrip_domain::audit::Act, scrip_domain::auto_top_up::Stopped, scrip_domain::catalog::ProductKind, scrip_domain::catalog::ProductState,
    scrip_domain::connection::ConnectionState, scrip_domain::document::GivenBackBy,
    scrip_domain::event::EventType, scrip_domain::letter::LetterState, scrip_domain::hold::HoldState, scrip_domain::ledger::House, scrip_domain::ledger::Reason,
    scrip_domain::legal::LegalName, scrip_domain::license::LicenseState, scrip_domain::listing::LabelKind,
    scrip_domain::lot::LotChangeKind, scrip_domain::lot::LotKind,
    scrip_domain::merchant::KeyOwner, scrip_domain::merchant::MerchantEventKind, scrip_domain::merchant::MerchantState,
    scrip_domain::order::DeclineReason, scrip_domain::order::OrderState,
    scrip_domain::purchase_request::RequestState, scrip_domain::refund::LicensePolicy, scrip_domain::refund_request::RefundRequestState,
    scrip_domain::staff::StaffRole, scrip_domain::restore::Lack, scrip_domain::restore::PeerKind, scrip_domain::restore::ReunionState,
    scrip_domain::reversal::ReversalKind, scrip_domain::reversal::ReversalState,
    scrip_domain::top_up::TopUpMethod, scrip_domain::top_up::TopUpState,
    scrip_domain::voucher::VoucherKind,
    scrip_domain::webhook::DeliveryState, scrip_domain::webhook::Disabled,
}

/// Fields kept as JSON: small values that are read whole and never searched by.
macro_rules! json_fields {
    ($($type:ty),* $(,)?) => {$(
        impl Field for $type {
            const COLUMNS: &'static [(&'static str, Kind)] = &[("", Kind::Text)];

            fn write<'a>(&'a self, out: &mut Vec<Cell<'a>>) {
                // Maps with string keys only: serialization cannot fail.
                out.push(Cell::Text(serde_json::to_string(self).unwrap_or_default().into()));
            }

            fn read(cells: &mut Reader<'_>) -> Result<Option<Self>, Fault> {
                match cells.text()? {
                    Some(json) => serde_json::from_str(&json).map(Some).map_err(|_| cells.corrupt()),
                    None => Ok(None),
                }
            }
        }
    )*};
}

json_fields! {
    scrip_domain::agreement::Terms, scrip_domain::letter::About, Appeal, Labels, Payment, PendingRefund, Person, RefundPolicy, Reversed, Settings, Vec<Assessment>, Vec<Check>, Vec<EventType>, Vec<FormerName>, Vec<Id<Lot>>,
    Vec<Id<Offer>>, Vec<Id<Order>>, Vec<Id<Product>>, Vec<Money>, Vec<Passkey>, Vec<Picture>, Vec<String>,
    Texts, Titles, Vec<Scope>, Visibility,
    scrip_license::Limits, scrip_license::Terms, serde_json::Value,
}

/// What is left of a lot, as it is written in its wallet: numbers, short and in this order, since it is
/// read and written with every purchase. The view `open_lots` of the schema reads the same.
type Left = (u64, LotKind, Amount, Amount, u8, Option<i64>, Option<i64>);

impl Field for Vec<OpenLot> {
    const COLUMNS: &'static [(&'static str, Kind)] = &[("", Kind::Text)];

    fn write<'a>(&'a self, out: &mut Vec<Cell<'a>>) {
        let left = |lot: &OpenLot| -> Left {
            let millis = |at: Option<Timestamp>| at.map(Timestamp::millis);
            let (expires, exchangeable) = (millis(lot.expires_at), millis(lot.exchangeable_at));
            let OpenLot { lot, kind, remaining, held, priority, .. } = lot;
            (lot.number(), *kind, *remaining, *held, *priority, expires, exchangeable)
        };
        let lots: Vec<Left> = self.iter().map(left).collect();
        // Numbers and words only: serialization cannot fail.
        out.push(Cell::Text(serde_json::to_string(&lots).unwrap_or_default().into()));
    }

    fn read(cells: &mut Reader<'_>) -> Result<Option<Self>, Fault> {
        let Some(json) = cells.text()? else { return Ok(None) };
        let open = |left: Left| {
            let (lot, kind, remaining, held, priority, expires, exchangeable) = left;
            Some(OpenLot {
                lot: Id::new(lot)?,
                kind,
                remaining,
                held,
                priority,
                expires_at: expires.map(Timestamp::from_millis),
                exchangeable_at: exchangeable.map(Timestamp::from_millis),
            })
        };
        let left: Vec<Left> = serde_json::from_str(&json).map_err(|_| cells.corrupt())?;
        left.into_iter().map(open).collect::<Option<_>>().map(Some).ok_or_else(|| cells.corrupt())
    }
}

impl Field for Actor {
    const COLUMNS: &'static [(&'static str, Kind)] = &[("", Kind::Text)];

    fn write<'a>(&'a self, out: &mut Vec<Cell<'a>>) {
        out.push(Cell::text(self.to_string()));
    }

    fn read(cells: &mut Reader<'_>) -> Result<Option<Self>, Fault> {
        match cells.text()? {
            Some(text) => text.parse().map(Some).map_err(|_| cells.corrupt()),
            None => Ok(None),
        }
    }
}

impl Field for Vec<u8> {
    const COLUMNS: &'static [(&'static str, Kind)] = &[("", Kind::Bytes)];

    fn write<'a>(&'a self, out: &mut Vec<Cell<'a>>) {
        out.push(Cell::Bytes(Cow::Borrowed(self)));
    }

    fn read(cells: &mut Reader<'_>) -> Result<Option<Self>, Fault> {
        cells.bytes()
    }
}

impl Field for Digest {
    const COLUMNS: &'static [(&'static str, Kind)] = &[("", Kind::Bytes)];

    fn write<'a>(&'a self, out: &mut Vec<Cell<'a>>) {
        out.push(Cell::Bytes(Cow::Borrowed(&self.0)));
    }

    fn read(cells: &mut Reader<'_>) -> Result<Option<Self>, Fault> {
        Ok(<[u8; 32]>::read(cells)?.map(Self))
    }
}

impl<const N: usize> Field for [u8; N] {
    const COLUMNS: &'static [(&'static str, Kind)] = &[("", Kind::Bytes)];

    fn write<'a>(&'a self, out: &mut Vec<Cell<'a>>) {
        out.push(Cell::Bytes(Cow::Borrowed(self)));
    }

    fn read(cells: &mut Reader<'_>) -> Result<Option<Self>, Fault> {
        match cells.bytes()? {
            Some(bytes) => bytes.try_into().map(Some).map_err(|_| cells.corrupt()),
            None => Ok(None),
        }
    }
}

/// Two cells that are NULL together or not at all.
fn both<A, B>(cells: &Reader<'_>, pair: (Option<A>, Option<B>)) -> Result<Option<(A, B)>, Fault> {
    match pair {
        (Some(first), Some(second)) => Ok(Some((first, second))),
        (None, None) => Ok(None),
        _ => Err(cells.corrupt()),
    }
}

impl Field for Counters {
    const COLUMNS: &'static [(&'static str, Kind)] =
        &[("_debits", Kind::Int), ("_credits", Kind::Int)];

    fn write<'a>(&'a self, out: &mut Vec<Cell<'a>>) {
        self.debits.write(out);
        self.credits.write(out);
    }

    fn read(cells: &mut Reader<'_>) -> Result<Option<Self>, Fault> {
        let pair = (u64::read(cells)?, u64::read(cells)?);
        Ok(both(cells, pair)?.map(|(debits, credits)| Self { debits, credits }))
    }
}

impl Field for NewEmail {
    const COLUMNS: &'static [(&'static str, Kind)] = &[("", Kind::Text), ("_at", Kind::Int)];

    fn write<'a>(&'a self, out: &mut Vec<Cell<'a>>) {
        self.email.write(out);
        self.asked_at.write(out);
    }

    fn read(cells: &mut Reader<'_>) -> Result<Option<Self>, Fault> {
        let pair = (String::read(cells)?, Timestamp::read(cells)?);
        Ok(both(cells, pair)?.map(|(email, asked_at)| Self { email, asked_at }))
    }
}

/// Whole names: the tables that have it call its columns the same.
impl Field for Factor {
    const COLUMNS: &'static [(&'static str, Kind)] = &[
        ("factor_issue", Kind::Int),
        ("factor_since", Kind::Int),
        ("factor_step", Kind::Int),
        ("recovery", Kind::Text),
    ];

    fn write<'a>(&'a self, out: &mut Vec<Cell<'a>>) {
        self.issue.write(out);
        self.since.write(out);
        self.step.write(out);
        self.recovery.write(out);
    }

    fn read(cells: &mut Reader<'_>) -> Result<Option<Self>, Fault> {
        let (issue, since) = (u32::read(cells)?, Timestamp::read(cells)?);
        let used = (u64::read(cells)?, Vec::<String>::read(cells)?);
        let all = (issue, both(cells, used)?);
        let factor = both(cells, all)?;
        Ok(factor.map(|(issue, (step, recovery))| Self { issue, since, step, recovery }))
    }
}

impl Field for Request {
    const COLUMNS: &'static [(&'static str, Kind)] =
        &[("_key", Kind::Int), ("_fingerprint", Kind::Int), ("_id", Kind::Int)];

    fn write<'a>(&'a self, out: &mut Vec<Cell<'a>>) {
        self.key.write(out);
        self.fingerprint.write(out);
        self.id.write(out);
    }

    fn read(cells: &mut Reader<'_>) -> Result<Option<Self>, Fault> {
        let pair = (u64::read(cells)?, u64::read(cells)?);
        let named = (both(cells, pair)?, RequestId::read(cells)?);
        Ok(both(cells, named)?.map(|((key, fingerprint), id)| Self { key, fingerprint, id }))
    }
}

/// One of two cells is NULL.
impl Field for Discount {
    const COLUMNS: &'static [(&'static str, Kind)] =
        &[("_percent", Kind::Int), ("_amount", Kind::Int)];

    fn write<'a>(&'a self, out: &mut Vec<Cell<'a>>) {
        let (percent, amount) = match *self {
            Self::Percent(percent) => (Some(percent), None),
            Self::Amount(amount) => (None, Some(amount)),
        };
        out.push(percent.map_or(Cell::Null, |percent| Cell::Int(i64::from(percent))));
        out.push(amount.map_or(Cell::Null, |amount| Cell::number(amount.units())));
    }

    fn read(cells: &mut Reader<'_>) -> Result<Option<Self>, Fault> {
        match (u8::read(cells)?, Amount::read(cells)?) {
            (Some(percent), None) => Ok(Some(Self::Percent(percent))),
            (None, Some(amount)) => Ok(Some(Self::Amount(amount))),
            (None, None) => Ok(None),
            (Some(_), Some(_)) => Err(cells.corrupt()),
        }
    }
}

impl Field for OrderCoupon {
    const COLUMNS: &'static [(&'static str, Kind)] = &[("_id", Kind::Int), ("_code", Kind::Text)];

    fn write<'a>(&'a self, out: &mut Vec<Cell<'a>>) {
        self.id.write(out);
        self.code.write(out);
    }

    fn read(cells: &mut Reader<'_>) -> Result<Option<Self>, Fault> {
        let pair = (Id::read(cells)?, cells.text()?);
        Ok(both(cells, pair)?.map(|(id, code)| Self { id, code }))
    }
}

impl Field for Due {
    const COLUMNS: &'static [(&'static str, Kind)] = &[
        ("_reference", Kind::Text),
        ("_instructions", Kind::Text),
        ("_received", Kind::Int),
        ("_brought", Kind::Int),
    ];

    fn write<'a>(&'a self, out: &mut Vec<Cell<'a>>) {
        self.reference.write(out);
        self.instructions.write(out);
        self.received.write(out);
        self.brought.write(out);
    }

    fn read(cells: &mut Reader<'_>) -> Result<Option<Self>, Fault> {
        let texts = (cells.text()?, cells.text()?);
        let amounts = (Amount::read(cells)?, Amount::read(cells)?);
        let halves = (both(cells, texts)?, both(cells, amounts)?);
        Ok(both(cells, halves)?.map(|((reference, instructions), (received, brought))| Self {
            reference,
            instructions,
            received,
            brought,
        }))
    }
}

impl Field for Money {
    const COLUMNS: &'static [(&'static str, Kind)] =
        &[("_amount", Kind::Int), ("_unit", Kind::Text)];

    fn write<'a>(&'a self, out: &mut Vec<Cell<'a>>) {
        self.amount.write(out);
        out.push(Cell::Text(Cow::Borrowed(self.unit.as_str())));
    }

    fn read(cells: &mut Reader<'_>) -> Result<Option<Self>, Fault> {
        let pair = (Amount::read(cells)?, cells.text()?);
        let Some((amount, unit)) = both(cells, pair)? else { return Ok(None) };
        let unit = Unit::parse(&unit).ok_or_else(|| cells.corrupt())?;
        Ok(Some(Self { amount, unit }))
    }
}

impl Field for Fee {
    const COLUMNS: &'static [(&'static str, Kind)] =
        &[("_basis_points", Kind::Int), ("_fixed", Kind::Int)];

    fn write<'a>(&'a self, out: &mut Vec<Cell<'a>>) {
        self.basis_points.write(out);
        self.fixed.write(out);
    }

    fn read(cells: &mut Reader<'_>) -> Result<Option<Self>, Fault> {
        let pair = (u32::read(cells)?, Amount::read(cells)?);
        Ok(both(cells, pair)?.map(|(basis_points, fixed)| Self { basis_points, fixed }))
    }
}

impl Field for MerchantLimits {
    const COLUMNS: &'static [(&'static str, Kind)] =
        &[("_order", Kind::Int), ("_open", Kind::Int), ("_day", Kind::Int)];

    fn write<'a>(&'a self, out: &mut Vec<Cell<'a>>) {
        self.order.write(out);
        self.open.write(out);
        self.day.write(out);
    }

    fn read(cells: &mut Reader<'_>) -> Result<Option<Self>, Fault> {
        let pair = (Amount::read(cells)?, u32::read(cells)?);
        let all = (both(cells, pair)?, Amount::read(cells)?);
        Ok(both(cells, all)?.map(|((order, open), day)| Self { order, open, day }))
    }
}

/// Fields kept as a text of their own form.
macro_rules! text_fields {
    ($($type:ty),* $(,)?) => {$(
        impl Field for $type {
            const COLUMNS: &'static [(&'static str, Kind)] = &[("", Kind::Text)];

            fn write<'a>(&'a self, out: &mut Vec<Cell<'a>>) {
                out.push(Cell::text(self.as_str()));
            }

            fn read(cells: &mut Reader<'_>) -> Result<Option<Self>, Fault> {
                match cells.text()? {
                    Some(code) => Self::parse(&code).map(Some).ok_or_else(|| cells.corrupt()),
                    None => Ok(None),
                }
            }
        }
    )*};
}

text_fields!(Unit, Iban, Bic);

impl Field for Recipient {
    const COLUMNS: &'static [(&'static str, Kind)] = &[("", Kind::Text)];

    fn write<'a>(&'a self, out: &mut Vec<Cell<'a>>) {
        out.push(Cell::text(self.text()));
    }

    fn read(cells: &mut Reader<'_>) -> Result<Option<Self>, Fault> {
        Ok(cells.text()?.map(Self::from_text))
    }
}

impl Field for Figures {
    const COLUMNS: &'static [(&'static str, Kind)] = &[
        ("_give", Kind::Int),
        ("_receive", Kind::Int),
        ("_compensation", Kind::Int),
        ("_numerator", Kind::Int),
        ("_denominator", Kind::Int),
    ];

    fn write<'a>(&'a self, out: &mut Vec<Cell<'a>>) {
        [&self.give, &self.receive, &self.compensation].into_iter().for_each(|one| one.write(out));
        self.numerator.write(out);
        self.denominator.write(out);
    }

    fn read(cells: &mut Reader<'_>) -> Result<Option<Self>, Fault> {
        let pair = (Amount::read(cells)?, Amount::read(cells)?);
        let three = (both(cells, pair)?, Amount::read(cells)?);
        let rate = (u64::read(cells)?, u64::read(cells)?);
        let all = (both(cells, three)?, both(cells, rate)?);
        let figures = |(((give, receive), compensation), (numerator, denominator))| Self {
            give,
            receive,
            compensation,
            numerator,
            denominator,
        };
        Ok(both(cells, all)?.map(figures))
    }
}

impl Field for ReturnCode {
    const COLUMNS: &'static [(&'static str, Kind)] =
        &[("_hash", Kind::Bytes), ("_until", Kind::Int)];

    fn write<'a>(&'a self, out: &mut Vec<Cell<'a>>) {
        self.hash.write(out);
        self.until.write(out);
    }

    fn read(cells: &mut Reader<'_>) -> Result<Option<Self>, Fault> {
        let pair = (<[u8; 32]>::read(cells)?, Timestamp::read(cells)?);
        Ok(both(cells, pair)?.map(|(hash, until)| Self { hash, until }))
    }
}
